//! The same call on one thread and on three gives the same bits.

use std::sync::Arc;

use mixlaw::law::ScalingLaw;
use mixlaw::plan::{Goal, Plan};
use mixlaw::selection::{Candidate, Selection};
use mixlaw::uncertainty::{Bootstrap, Probe};
use mixlaw::{Fitter, Predictor, Scale, Sweep};
use rand::RngExt;
use rand::rngs::Xoshiro256PlusPlus as Random;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::data::{NAMES, coordinates, law, pick, sweep};
use crate::harness::campaign;

const LAWS: [&str; 6] = ["simple", "additive", "joint", "full", "chinchilla", "d-cpt"];

/// What a call returns, as text that tells numbers apart to the bit.
type Call = Box<dyn Fn() -> String + Send + Sync>;

fn call(rng: &mut Random) -> (&'static str, Call) {
    let k = rng.random_range(2..5);
    let rows: Sweep = sweep(rng, k, 2);
    let (law, seed) = (law(rng, k, &LAWS, rows.scale()), rng.random());
    let fitter = Fitter::new().starts(rng.random_range(1..9)).seed(seed);
    match rng.random_range(0..10) {
        0..4 => ("fits", Box::new(move || format!("{:?}", fitter.fit(law.clone(), &rows, "web")))),
        4..6 => (
            "bootstraps",
            Box::new(move || {
                let fit = fitter.clone().starts(2).fit(law.clone(), &rows, "web");
                let fit = fit;
                let resampled = fit.and_then(|fit| Bootstrap::new(20).seed(seed).run(&fit, &rows));
                format!("{:?}", resampled.map(|x| x.coefficients(0.9)))
            }),
        ),
        6..9 => {
            let other = crate::data::law(rng, k, &LAWS, rows.scale());
            let z = (coordinates(rng, &*law), coordinates(rng, &*other));
            let goal = pick(rng, &[Goal::Sum, Goal::Worst, Goal::WorstExcess]);
            (
                "choices",
                Box::new(move || {
                    let target = |name, law: &Arc<dyn ScalingLaw>, z: &[f64]| {
                        Predictor::new(name, law.clone(), z).unwrap()
                    };
                    let plan = Plan::builder()
                        .target(1.0, target(NAMES[0], &law, &z.0))
                        .target(2.0, target(NAMES[1], &other, &z.1))
                        .goal(goal)
                        .build()
                        .unwrap();
                    format!("{:?}", plan.best(Scale { n: 1e9, d: 2e10 }))
                }),
            )
        }
        _ if rng.random() => (
            "probes",
            Box::new(move || {
                let fit = fitter.clone().starts(2).fit(law.clone(), &rows, "web");
                format!("{:?}", fit.and_then(|fit| Probe::new().starts(4).run(&fit, &rows)))
            }),
        ),
        _ => (
            "selections",
            Box::new(move || {
                let candidate = Candidate::new(law.clone(), fitter.clone().starts(2));
                let result = Selection::new().candidate(candidate).folds(2).run(&rows, "web");
                let fits = |x: mixlaw::selection::Comparison| {
                    let of = |score: &mixlaw::selection::Score| {
                        format!("{:?} {:?} {:?}", score.fit, score.mixtures, score.scale)
                    };
                    x.scores().iter().map(of).collect::<Vec<_>>()
                };
                format!("{:?}", result.map(fits))
            }),
        ),
    }
}

#[test]
fn determinism() {
    let pool = |threads| -> ThreadPool {
        ThreadPoolBuilder::new().num_threads(threads).build().expect("some threads")
    };
    let (one, three) = (pool(1), pool(3));
    campaign("determinism", 20, |rng, tally| {
        let (what, call) = call(rng);
        let (a, b) = (one.install(&call), three.install(&call));
        assert!(a == b, "{what} on 1 thread and on 3: {a:.2000} and {b:.2000}");
        tally.count(what);
    });
}
