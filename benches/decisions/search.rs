//! How often a fit finds the best minimum that is known.

use std::sync::Arc;

use mixlaw::fit::PriorStrength;
use mixlaw::law::{AdditiveLaw, FullLaw, JointLaw, ScalingLaw, SimpleLaw};
use mixlaw::{Fitter, Sweep};
use rayon::prelude::*;

use crate::Result;
use crate::designs::{TARGET, Truth};
use crate::real::Real;
use crate::synthetic::narrow;

const LAWS: [&str; 4] = ["simple", "additive", "joint", "full"];
/// Fits of other seeds than those that look for the best.
const SEEDS: u64 = 4;
/// Starts of the fit that looks for the best.
const STARTS: usize = 400;
/// How far above the best known a fit may be.
const NEAR: f64 = 1e-3;

fn law(name: &str, sweep: &Sweep) -> Arc<dyn ScalingLaw> {
    match name {
        "simple" => Arc::new(SimpleLaw::for_sweep(sweep)),
        "additive" => Arc::new(AdditiveLaw::for_sweep(sweep)),
        "joint" => Arc::new(JointLaw::for_sweep(sweep)),
        _ => Arc::new(FullLaw::for_sweep(sweep)),
    }
}

/// The recommended fitter, with a strength of the prior that is the same for all seeds.
fn recommended(law: &Arc<dyn ScalingLaw>, train: &Sweep, target: &str) -> Fitter {
    let fit = Fitter::recommended().fit(law.clone(), train, target).expect("a fit");
    let strength = fit.prior_strength().expect("it has a prior");
    Fitter::recommended().prior(PriorStrength::Nats(strength))
}

/// How many of the fits of other seeds come within [`NEAR`] of the best known.
fn found(fitter: &Fitter, law: &Arc<dyn ScalingLaw>, train: &Sweep, target: &str) -> usize {
    let fit = |fitter: Fitter| fitter.fit(law.clone(), train, target).expect("a fit").objective();
    let fits: Vec<f64> = (1..=SEEDS).map(|seed| fit(fitter.clone().seed(seed))).collect();
    let known = fit(fitter.clone().starts(STARTS));
    let known = fits.iter().copied().fold(known, f64::min);
    fits.iter().filter(|objective| **objective <= (1.0 + NEAR) * known).count()
}

/// The name of a group of problems, and the sweeps and targets of each.
type Group = (String, Vec<(Sweep, String)>);

pub fn report(sweeps: &[Real], count: u64) -> Result<()> {
    println!("\n## Fits within {}% of the best of {STARTS} starts\n", 100.0 * NEAR);
    println!("| problems | law | eq. 6 | recommended |");
    println!("|---|---|---|---|");
    let of_real = |real: &Real| -> Group {
        let problem = |target: &String| (real.train(), target.clone());
        (real.name.to_owned(), real.targets.iter().map(problem).collect())
    };
    let synthetic = (0..count).map(|seed| {
        let truth = Truth::draw(narrow(), true, seed);
        (truth.train(), TARGET.to_owned())
    });
    let mut groups: Vec<Group> = sweeps.iter().map(of_real).collect();
    groups.push(("narrow synthetic sweeps".to_owned(), synthetic.collect()));
    for (name, problems) in groups {
        for of in LAWS {
            let share = |with_prior: bool| -> f64 {
                let one = |(train, target): &(Sweep, String)| {
                    let law = law(of, train);
                    let fitter =
                        if with_prior { recommended(&law, train, target) } else { Fitter::new() };
                    found(&fitter, &law, train, target)
                };
                let all: usize = problems.par_iter().map(one).sum();
                100.0 * all as f64 / (problems.len() as u64 * SEEDS) as f64
            };
            let (plain, own) = (share(false), share(true));
            println!("| {name}, {} | {of} | {plain:.1}% | {own:.1}% |", problems.len());
        }
    }
    Ok(())
}
