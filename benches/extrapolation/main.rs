//! How well predictions hold at sizes larger than those that were fitted, on real runs: what
//! [`mixlaw::predictor::ScaleErrors`] and [`mixlaw::Predictor::difference`] were chosen by.
//!
//! ```text
//! cargo bench --bench extrapolation [-- steps] [pairs] [synthetic] [--count C] [--eval]
//! ```
//!
//! Without names all three are run. Every size above the two smallest is held out and predicted from what is
//! smaller, with what [`mixlaw::Decider`] knows then: the recommended predictor, 100 members, and the errors on
//! sizes held out among those that are smaller. With `--eval` the sizes of the eval rows are steps too: for one
//! final report.
//!
//! - `steps`: for each step how often 90% intervals hold the loss of a run, with their half widths and interval
//!   scores, without and with the error of extrapolation; the same for the difference of two runs, by the laws
//!   alone and with the noise of runs; and the mean relative error.
//! - `pairs`: for pairs of measured mixtures, the probability that the one is better and how often it was.
//! - `synthetic`: the same at 3 times the largest size where the law is right.

#[path = "../designs.rs"]
mod designs;
mod pairs;
#[path = "../real_sweeps.rs"]
mod real_sweeps;
mod steps;
mod synthetic;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// The level of all intervals.
const LEVEL: f64 = 0.9;

fn main() -> Result<()> {
    let (mut names, mut count, mut eval) = (Vec::new(), 200, false);
    let mut arguments = std::env::args().skip(1).filter(|a| a != "--bench");
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--count" => count = arguments.next().ok_or("--count: expected a number")?.parse()?,
            "--eval" => eval = true,
            "steps" | "pairs" | "synthetic" => names.push(argument),
            other => return Err(format!("unknown `{other}`").into()),
        }
    }
    let asked = |name: &str| names.is_empty() || names.iter().any(|n| n == name);
    if asked("steps") || asked("pairs") {
        let steps = steps::all(&real_sweeps::sweeps()?, eval)?;
        if asked("steps") {
            steps::report(&steps);
        }
        if asked("pairs") {
            pairs::report(&steps);
        }
    }
    if asked("synthetic") {
        synthetic::report(count);
    }
    Ok(())
}
