//! How good the recommended way from a sweep to a mixture is: what [`mixlaw::Decider`] was chosen by, and one
//! final report.
//!
//! ```text
//! cargo bench --bench decisions [-- errors] [seeds] [replays] [synthetic] [search] [--count C]
//! ```
//!
//! Without names all five are run. The byte-level sweep is always there, the paper's SlimPajama and the
//! RedPajama sweep where `MIXLAW_SLIMPAJAMA` and `MIXLAW_REDPAJAMA` name their files.
//!
//! - `errors`: the MRE at the eval size of fits to all training sizes.
//! - `seeds`: how far the choices of eight seeds of starts, members and the order of the rows lie apart,
//!   and what the choice of one costs by another.
//! - `replays`: fits to the sizes below the largest training size and to a part of the mixtures, a choice
//!   among the mixtures that were measured at that size, and what was measured there: regret.
//! - `synthetic`: the regret of choices at 3 times the largest size under laws that are known, and how
//!   often the members' intervals hold the true loss.
//! - `search`: how often a fit finds the best minimum known, by eq. 6 and by the recommended objective.
//!
//! *Before* is what the crate recommended before it had priors: the same two laws fitted without a prior,
//! and the mixture that is best by their mean, wherever it is.

#[path = "../designs.rs"]
mod designs;
mod real;
#[path = "../real_sweeps.rs"]
mod real_sweeps;
mod replays;
mod search;
mod seeds;
mod synthetic;

use mixlaw::law::{FullLaw, JointLaw};
use mixlaw::{Fitter, Predictor, Sweep};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// What the crate recommended before it had priors.
pub fn before_priors(
    train: &Sweep,
    target: &str,
    seed: u64,
) -> std::result::Result<Predictor, mixlaw::Error> {
    let fitter = Fitter::new().weigh_by_compute(1.0).seed(seed);
    let joint = fitter.fit(JointLaw::for_sweep(train), train, target)?;
    let full = fitter.fit(FullLaw::for_sweep(train), train, target)?;
    Predictor::mean([joint, full])
}

fn main() -> Result<()> {
    let (mut names, mut count) = (Vec::new(), 400);
    let mut arguments = std::env::args().skip(1).filter(|a| a != "--bench");
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--count" => count = arguments.next().ok_or("--count: expected a number")?.parse()?,
            "errors" | "seeds" | "replays" | "synthetic" | "search" => names.push(argument),
            other => return Err(format!("unknown `{other}`").into()),
        }
    }
    let asked = |name: &str| names.is_empty() || names.iter().any(|n| n == name);
    let sweeps = real::sweeps()?;
    if asked("errors") {
        real::errors(&sweeps)?;
    }
    if asked("seeds") {
        seeds::report(&sweeps)?;
    }
    if asked("replays") {
        replays::report(&sweeps)?;
    }
    if asked("synthetic") {
        synthetic::report(count)?;
    }
    if asked("search") {
        search::report(&sweeps, count.min(50))?;
    }
    Ok(())
}
