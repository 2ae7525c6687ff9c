//! Which law to trust on your sweep: laws compared by their errors on mixtures, and on a size, that they
//! were not fitted to. `cargo run --release --example compare [SWEEP.csv]`.

use mixlaw::law::{AdditiveLaw, JointLaw};
use mixlaw::selection::{Candidate, Selection};
use mixlaw::{Fitter, Scale, Sweep};

fn main() -> Result<(), mixlaw::Error> {
    let embedded = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/byte_sweep.csv");
    let sweep = Sweep::read_csv(std::env::args().nth(1).as_deref().unwrap_or(embedded))?;
    let train = sweep.split("train")?;
    let target = &train.targets()[0];

    // Twice the largest of the runs; the table warns where the held-out scale is much nearer.
    let most = |values: &[f64]| 2.0 * values.iter().copied().fold(0.0, f64::max);
    let at = Scale { n: most(train.n()), d: most(train.d()) };
    // Without candidates a selection takes all laws that suit the sweep, which takes longer.
    let comparison = Selection::new()
        .candidate(Candidate::new(AdditiveLaw::for_sweep(&train), Fitter::new()))
        .candidate(Candidate::new(JointLaw::for_sweep(&train), Fitter::new()))
        .candidate(Candidate::recommended(&train))
        .folds(3)
        .for_scale(at)
        .run(&train, target)?;
    println!("{comparison}");
    if let Some(best) = comparison.best() {
        println!("\nfor {target} take {}", best.name);
    }
    Ok(())
}
