//! How often intervals hold what they should: sweeps in the three designs of the paper's Table 1, with
//! noise that is shared within a run, additive and joint laws with other coefficients every time.
//!
//! ```text
//! cargo bench --bench coverage [-- REPLICATIONS RESAMPLES]
//! ```
//!
//! For each case, at the nominal level of 90%: how often the interval of the law's value holds the true
//! one, and the prediction interval the loss of a new run, on average over five stated mixtures at 3
//! times the largest N and the largest D; how often the region of mixtures that could be the best holds
//! the true optimum there, the mean share of the simplex that it takes, and that share with a third of
//! the runs.

mod designs;

use designs::{DESIGNS, TARGET, Truth};
use mixlaw::testing::{Modality, SyntheticSweep};
use mixlaw::uncertainty::Bootstrap;
use mixlaw::{Fitter, Mixture, Plan, Sweep};
use rayon::prelude::*;

const LEVEL: f64 = 0.9;

/// What one replication found.
struct Found {
    value: f64,
    run: f64,
    region: f64,
    share: f64,
    share_of_third: f64,
}

fn replicate(design: Modality, joint: bool, seed: u64, resamples: usize) -> Found {
    let truth = Truth::draw(SyntheticSweep::paper(design), joint, seed);
    let sweep = truth.train();
    let (at, k) = (designs::beyond(&sweep), sweep.domains().len());
    let mut points = vec![Mixture::uniform(k)];
    points.extend(Mixture::dirichlet(&vec![3.0; k], 4, seed).expect("a valid design"));
    let optimum = truth.plan().best(at).expect("a choice").optimum.weights;

    let examine = |sweep: &Sweep| {
        // The law's reference scales are those of all runs, as the coordinates are.
        let fit = Fitter::new().seed(seed).fit(truth.law.clone(), sweep, TARGET).expect("a fit");
        let resampled = Bootstrap::new(resamples).seed(seed).run(fit, sweep).expect("resamples");
        let plan = Plan::builder().target(1.0, &resampled).build().expect("a plan");
        let choice = plan.best(at).expect("a choice");
        let share = plan.region_share(&choice, LEVEL, 1000, seed).expect("a share").share;
        let as_good = plan.as_good(&choice, std::slice::from_ref(&optimum)).expect("a share")[0];
        (resampled, as_good > 1.0 - LEVEL, share)
    };
    let of_third = |name: &str| name["run".len()..].parse::<usize>().is_ok_and(|r| r % 3 == 0);
    let third = sweep.select(|row| of_third(row.run)).expect("rows");
    let (resampled, holds, share) = examine(&sweep);
    let (_, _, share_of_third) = examine(&third);
    let (mut value, mut run) = (0.0, 0.0);
    // With other noise than that of the sweep.
    for (h, measured) in points.iter().zip(truth.measure(at, &points, !seed)) {
        let law = resampled.interval(at, h, LEVEL).expect("an interval");
        let new = resampled.prediction_interval(at, h, LEVEL).expect("an interval");
        value += f64::from(u8::from(law.contains(truth.loss(at, h)))) / points.len() as f64;
        run += f64::from(u8::from(new.contains(measured))) / points.len() as f64;
    }
    Found { value, run, region: f64::from(u8::from(holds)), share, share_of_third }
}

fn main() {
    let mut numbers = std::env::args().skip(1).filter_map(|a| a.parse::<usize>().ok());
    let (count, resamples) = (numbers.next().unwrap_or(400), numbers.next().unwrap_or(200));
    println!("{count} replications, {resamples} resamples, nominal 90%");
    println!(
        "| design | law | law's value | new run | region of h* | its share of the simplex | with a third of the runs |"
    );
    println!("|---|---|---|---|---|---|---|");
    for (name, design) in DESIGNS {
        for joint in [false, true] {
            let all: Vec<Found> = (0..count as u64)
                .into_par_iter()
                .map(|seed| replicate(design, joint, seed, resamples))
                .collect();
            let mean =
                |of: fn(&Found) -> f64| 100.0 * all.iter().map(of).sum::<f64>() / count as f64;
            println!(
                "| {} | {} | {:.1}% | {:.1}% | {:.1}% | {:.2}% | {:.2}% |",
                name,
                if joint { "joint" } else { "additive" },
                mean(|f| f.value),
                mean(|f| f.run),
                mean(|f| f.region),
                mean(|f| f.share),
                mean(|f| f.share_of_third)
            );
        }
    }
}
