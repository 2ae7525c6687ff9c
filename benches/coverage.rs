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

use designs::{DESIGNS, Design, Run, TARGET, Truth};
use mixlaw::uncertainty::Bootstrap;
use mixlaw::{Fitter, Mixture, Plan, Predictor, Scale};
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

fn replicate(design: &Design, joint: bool, seed: u64, resamples: usize) -> Found {
    let mut rng = designs::rng(seed);
    let runs = design.runs(&mut rng);
    let truth = Truth::draw(&runs, joint, &mut rng);
    let (n, d) = design.beyond();
    let k = design.domains;
    let mut points = vec![Mixture::uniform(k)];
    points.extend(Mixture::dirichlet(&vec![3.0; k], 4, seed).expect("a valid design"));
    let known = Predictor::new(TARGET, truth.law.clone(), &truth.z).expect("coordinates");
    let known = Plan::builder().target(1.0, known).build().expect("a plan");
    let optimum = known.best(Scale { n, d }).expect("a choice").optimum.weights;

    let examine = |runs: &[Run], rng: &mut _| {
        let sweep = truth.observe(runs, rng);
        // The law's reference scales are those of all runs, as the coordinates are.
        let fit = Fitter::new().seed(seed).fit(truth.law.clone(), &sweep, TARGET).expect("a fit");
        let resampled = Bootstrap::new(resamples).seed(seed).run(fit, &sweep).expect("resamples");
        let plan = Plan::builder().target(1.0, &resampled).build().expect("a plan");
        let choice = plan.best(Scale { n, d }).expect("a choice");
        let share = plan.region_share(&choice, LEVEL, 1000, seed).expect("a share").share;
        let as_good = plan.as_good(&choice, std::slice::from_ref(&optimum)).expect("a share")[0];
        (resampled, as_good > 1.0 - LEVEL, share)
    };
    let third: Vec<Run> = runs.iter().step_by(3).cloned().collect();
    let (resampled, holds, share) = examine(&runs, &mut rng);
    let (_, _, share_of_third) = examine(&third, &mut rng);
    let (mut value, mut run) = (0.0, 0.0);
    for h in &points {
        let own = truth.loss(Scale { n, d }, h);
        let noise = designs::RUN_NOISE * designs::normal(&mut rng)
            + designs::CHECKPOINT_NOISE * designs::normal(&mut rng);
        let law = resampled.interval(Scale { n, d }, h, LEVEL).expect("an interval");
        let new = resampled.prediction_interval(Scale { n, d }, h, LEVEL).expect("an interval");
        value += f64::from(u8::from(law.contains(own))) / points.len() as f64;
        run += f64::from(u8::from(new.contains(own * (1.0 + noise)))) / points.len() as f64;
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
    for design in &DESIGNS {
        for joint in [false, true] {
            let all: Vec<Found> = (0..count as u64)
                .into_par_iter()
                .map(|seed| replicate(design, joint, seed, resamples))
                .collect();
            let mean =
                |of: fn(&Found) -> f64| 100.0 * all.iter().map(of).sum::<f64>() / count as f64;
            println!(
                "| {} | {} | {:.1}% | {:.1}% | {:.1}% | {:.2}% | {:.2}% |",
                design.name,
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
