//! The guide: how to get from a table of small runs to a mixture, and how to extend the crate.
//!
//! Using it, in the order of the work:
//!
//! 1. [First runs](first_runs): from domains, their tokens and a budget to the runs to launch.
//! 2. [Prepare a sweep](prepare_a_sweep): which runs to make, and the table to write them to.
//! 3. [Read a table](read_a_table): other names, units and weights, missing losses, and mistakes seen at once.
//! 4. [Schedules and repeats](schedules_and_repeats): checkpoints before the end, and the noise of runs.
//! 5. [Choose a law](choose_a_law): what each law can describe, and which one predicts best here.
//! 6. [Read a fit](read_a_fit): what is determined, what is not, and how far off it may be.
//! 7. [Choose a mixture](choose_a_mixture): constraints, budgets, certificates and intervals.
//! 8. [Decide](decide): the recommended way, priors, members, and how to read a decision.
//! 9. [The command line](command_line): all of this without Rust, with tables and JSON.
//!
//! Extending it:
//!
//! 10. [Write a law](write_a_law): compose one, write its formula, or its gradient too.
//! 11. [Write an optimizer](write_an_optimizer): a local search of yours in place of the crate's.
//!
//! Behind it:
//!
//! 12. [Performance](performance): where the time goes, and what makes a fit fast or slow.
//! 13. [Measurements](measurements): how fast, reliable and honest the crate is, by which command.
//! 14. [Design](design): why the crate is built as it is, and what is promised.
//! 15. [Comparison](comparison): other tools for the same task, and when to take them.

#[doc = include_str!("../docs/guide/first_runs.md")]
pub mod first_runs {}

#[doc = include_str!("../docs/guide/prepare_a_sweep.md")]
pub mod prepare_a_sweep {}

#[doc = include_str!("../docs/guide/read_a_table.md")]
pub mod read_a_table {}

#[doc = include_str!("../docs/guide/schedules_and_repeats.md")]
pub mod schedules_and_repeats {}

#[doc = include_str!("../docs/guide/choose_a_law.md")]
pub mod choose_a_law {}

#[doc = include_str!("../docs/guide/read_a_fit.md")]
pub mod read_a_fit {}

#[doc = include_str!("../docs/guide/choose_a_mixture.md")]
pub mod choose_a_mixture {}

#[doc = include_str!("../docs/guide/decide.md")]
pub mod decide {}

#[doc = include_str!("../docs/guide/command_line.md")]
pub mod command_line {}

#[doc = include_str!("../docs/guide/write_a_law.md")]
pub mod write_a_law {}

#[doc = include_str!("../docs/guide/write_an_optimizer.md")]
pub mod write_an_optimizer {}

#[doc = include_str!("../docs/guide/performance.md")]
pub mod performance {}

#[doc = include_str!("../docs/guide/measurements.md")]
pub mod measurements {}

#[doc = include_str!("../docs/guide/design.md")]
pub mod design {}

#[doc = include_str!("../docs/guide/comparison.md")]
pub mod comparison {}
