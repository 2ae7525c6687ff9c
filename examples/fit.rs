//! The main job: fit the paper's four laws to a sweep of small runs, see how well they predict runs
//! 2.8 times larger that they were not fitted to, and find the best mixture at that size.
//!
//! The program `mixlaw fit` (feature `cli`) does the same for all targets of a file, with flags.

use std::sync::Arc;

use mixlaw::law::{AdditiveLaw, FullLaw, JointLaw, ScalingLaw, SimpleLaw};
use mixlaw::{Fitter, Plan, Scale, Sweep};

fn main() -> Result<(), mixlaw::Error> {
    // A sweep: N, D, the weights of the domains and the loss on each target, for each checkpoint.
    let sweep = Sweep::from_csv(include_str!("data/byte_sweep.csv").as_bytes())?;
    let (train, eval) = (sweep.split("train")?, sweep.split("eval")?);
    println!("{} rows to fit, {} held out", train.len(), eval.len());

    // Each law has its own idea of what the mixture changes.
    let laws: [Arc<dyn ScalingLaw>; 4] = [
        Arc::new(SimpleLaw::for_sweep(&train)),
        Arc::new(AdditiveLaw::for_sweep(&train)),
        Arc::new(JointLaw::for_sweep(&train)),
        Arc::new(FullLaw::for_sweep(&train)),
    ];
    let at = Scale { n: 230_784.0, d: 5.12e6 };
    for target in ["python", "rust"] {
        println!("\nloss on {target}: errors, and the best mixture at {at}");
        for law in &laws {
            let fit = Fitter::new().fit(Arc::clone(law), &train, target)?;
            let (known, new) = (fit.evaluate(&train)?.mre, fit.evaluate(&eval)?.mre);
            // Mirror descent over all mixtures; the choice carries its certificate.
            let choice = Plan::builder().target(1.0, &fit).build()?.best(at)?;
            let best = choice.optimum.weights.named(&choice.domains);
            println!(
                "  {:8}  train {:.2}%, held out {:.2}%   {best:.2}, {:.3} nats",
                law.name(),
                100.0 * known,
                100.0 * new,
                choice.optimum.value
            );
        }
    }
    Ok(())
}
