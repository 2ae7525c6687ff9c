//! The errors at the eval sizes of real runs.

use mixlaw::law::{AdditiveLaw, FullLaw, JointLaw, ScalingLaw, SimpleLaw};
use mixlaw::sweep::EVAL;
use mixlaw::{Fitter, Predictor, Sweep};
use rayon::prelude::*;

use crate::{Result, before_priors};

pub use crate::real_sweeps::{Real, sweeps};

/// The predictors by name, those of single laws fitted by eq. 6.
pub const WAYS: [&str; 6] = ["recommended", "before", "simple", "additive", "joint", "full"];

/// The predictor of a way.
pub fn predictor(way: &str, train: &Sweep, target: &str) -> Result<Predictor> {
    let law: Box<dyn ScalingLaw> = match way {
        "recommended" => return Ok(Predictor::recommended(train, target)?),
        "before" => return Ok(before_priors(train, target, 0)?),
        "simple" => Box::new(SimpleLaw::for_sweep(train)),
        "additive" => Box::new(AdditiveLaw::for_sweep(train)),
        "joint" => Box::new(JointLaw::for_sweep(train)),
        _ => Box::new(FullLaw::for_sweep(train)),
    };
    Ok(Predictor::from(Fitter::new().fit(law, train, target)?).for_any_scale())
}

/// The mean MRE at the eval size over the targets, by way.
pub fn errors(sweeps: &[Real]) -> Result<()> {
    println!("\n## MRE (%) at the eval size, mean over targets\n");
    println!("| sweep | targets | {} |", WAYS.join(" | "));
    println!("|---|---|{}", "---|".repeat(WAYS.len()));
    for real in sweeps {
        let (train, eval) = (real.train(), real.sweep.split(EVAL)?);
        print!("| {} | {} |", real.name, real.targets.len());
        for way in WAYS {
            let one = |target: &String| -> f64 {
                let fitted = predictor(way, &train, target).expect("a fit");
                100.0 * fitted.evaluate(&eval).expect("errors").mre
            };
            let all: Vec<f64> = real.targets.par_iter().map(one).collect();
            print!(" {:.2} |", all.iter().sum::<f64>() / all.len() as f64);
        }
        println!();
    }
    Ok(())
}
