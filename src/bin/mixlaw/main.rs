//! The command line of the crate: `mixlaw fit SWEEP.csv` and its siblings.
//!
//! | file | what is there |
//! |---|---|
//! | `commands/` | a file or folder for each subcommand: its own flags, its table, its JSON |
//! | `flags.rs` | the flags that several of them take, and what every flag's value must be |
//! | `reading.rs` | how the table is read, which all of them take |
//! | `schedule.rs` | checkpoints in the middle of a schedule, of which all of them take flags |
//! | `load.rs` | the sweep of a run, checked against the flags |
//! | `limits.rs` | what a mixture must keep |
//! | `laws.rs` | laws by name, and their fits |
//! | `goals.rs` | the weighted sums of targets to choose mixtures for, and the best mixtures |
//! | `bootstrapped.rs` | predictors with members, for intervals |
//! | `report.rs` | what a run prints, and its JSON |
//! | `pictures.rs` | a folder of pictures (feature `plot`) |
//! | `progress.rs` | bars on a terminal |
//!
//! The chapter `docs/guide/command_line.md` documents the flags and all keys of the JSON.
#![forbid(unsafe_code)]

mod bootstrapped;
mod commands;
mod flags;
mod goals;
mod laws;
mod limits;
mod load;
mod pictures;
mod progress;
mod reading;
mod report;
mod schedule;

use std::error::Error;

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

fn main() {
    if let Err(error) = commands::run() {
        eprintln!("error: {error}");
        std::process::exit(1);
    }
}
