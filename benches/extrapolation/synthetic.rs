//! Intervals at 3 times the largest size where the law is right.

use mixlaw::predictor::ScaleErrors;
use mixlaw::testing::{Modality, SyntheticSweep};
use mixlaw::uncertainty::Bootstrap;
use mixlaw::{Fitter, Mixture, Predictor, Sweep};
use rayon::prelude::*;

use crate::LEVEL;
use crate::designs::{self, DESIGNS, TARGET, Truth};
use crate::steps::Held;

/// Without and with the error of extrapolation, for runs and for differences of runs.
fn replicate(design: Modality, joint: bool, seed: u64) -> [Held; 3] {
    let truth = Truth::draw(SyntheticSweep::paper(design), joint, seed);
    let sweep = truth.train();
    let (at, k) = (designs::beyond(&sweep), sweep.domains().len());
    let points = Mixture::dirichlet(&vec![3.0; k], 6, seed).expect("a valid design");
    let fit = |rows: &Sweep, target: &str| {
        Fitter::new().seed(seed).fit(truth.law.clone(), rows, target).map(Predictor::from)
    };
    let predictor = fit(&sweep, TARGET).and_then(|p| Bootstrap::new(100).seed(seed).run(p, &sweep));
    let plain = predictor.expect("members");
    let held_out = |rows: &Sweep, target: &str| Bootstrap::new(20).run(fit(rows, target)?, rows);
    let errors = ScaleErrors::measure(&sweep, [&plain], held_out).expect("errors");
    let known = plain.clone().with_scale_errors(&errors).expect("members");
    let mut held = [Held::default(); 3];
    // With other noise than that of the sweep.
    let measured = truth.measure(at, &points, !seed);
    for (i, h) in points.iter().enumerate() {
        let loss = plain.predict(at, h).expect("a loss");
        for (held, predictor) in held.iter_mut().zip([&plain, &known]) {
            let interval = predictor.prediction_interval(at, h, LEVEL).expect("an interval");
            held.add(measured[i], interval, loss);
        }
        let j = (i + 1) % points.len();
        let difference = plain.difference(at, h, &points[j], LEVEL).expect("a difference");
        held[2].add(measured[j] - measured[i], difference.nats, loss);
    }
    held
}

pub fn report(count: usize) {
    println!("\n## The law is right, at 3 times the largest N, {count} replications\n");
    println!(
        "| design | law | runs | width | score | with the error of extrapolation | width | score | differences of runs | width | score |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
    for (name, design) in DESIGNS {
        for joint in [false, true] {
            let all: Vec<[Held; 3]> =
                (0..count as u64).into_par_iter().map(|s| replicate(design, joint, s)).collect();
            let sum = |i: usize| all.iter().fold(Held::default(), |sum, held| sum.plus(held[i]));
            let law = if joint { "joint" } else { "additive" };
            println!("| {name} | {law} | {} | {} | {} |", sum(0), sum(1), sum(2));
        }
    }
}
