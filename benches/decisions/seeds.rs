//! How far the choices of several seeds lie apart.

use mixlaw::plan::Choice;
use mixlaw::{Decider, Mixture, Plan, Scale, Sweep};
use rayon::prelude::*;

use crate::real::Real;
use crate::{Result, before_priors};

const SEEDS: u64 = 8;
/// Choices that move less than this, or cost less, are the same.
const MOVES: f64 = 0.01;
const COSTS: f64 = 2e-4;

/// The rows in another order, which the seed decides.
fn shuffled(sweep: &Sweep, seed: u64) -> Sweep {
    let rows = sweep.len();
    let step = (0..).map(|i| 2 * (seed as usize + i) + 1).find(|step| gcd(*step, rows) == 1);
    let step = step.expect("some number shares no factor");
    let order: Vec<usize> = (0..rows).map(|i| (i * step + seed as usize) % rows).collect();
    let pick = |of: &dyn Fn(usize) -> f64| order.iter().map(|&i| of(i)).collect::<Vec<f64>>();
    let (n, d) = (pick(&|i| sweep.row(i).n), pick(&|i| sweep.row(i).d));
    let h: Vec<f64> = order.iter().flat_map(|&i| sweep.row(i).h.to_vec()).collect();
    let losses: Vec<f64> = order.iter().flat_map(|&i| sweep.row(i).losses.to_vec()).collect();
    let runs: Vec<&str> = order.iter().map(|&i| sweep.row(i).run).collect();
    let builder = Sweep::builder(sweep.domains(), sweep.targets()).runs(&runs).missing_losses();
    builder.repeated_measurements().build(&n, &d, &h, &losses).expect("the same rows")
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// A choice with the plan that it is of.
fn recommended(train: &Sweep, target: &str, at: Scale, seed: u64) -> (Plan, Choice) {
    let train = shuffled(train, seed);
    let decider = Decider::new().seed(seed);
    let predictors = decider.predictors(&train, [target]).expect("fits");
    let plan = decider.plan([(1.0, &predictors[0])], &train).expect("a plan");
    let choice = plan.best(at).expect("a choice");
    (plan, choice)
}

fn before(train: &Sweep, target: &str, at: Scale, seed: u64) -> (Plan, Choice) {
    let predictor = before_priors(&shuffled(train, seed), target, seed).expect("fits");
    let plan = Plan::builder().target(1.0, predictor).build().expect("a plan");
    let choice = plan.best(at).expect("a choice");
    (plan, choice)
}

/// Over all pairs of seeds the largest distance, and the largest cost of the choice of one by the other.
fn spread(choices: &[(Plan, Choice)]) -> (f64, f64) {
    let (mut moves, mut costs) = (0.0f64, 0.0f64);
    for (plan, own) in choices {
        let mut objective = plan.objective(own.scale).expect("an objective");
        for (_, other) in choices {
            let h: &Mixture = &other.optimum.weights;
            let apart: f64 =
                h.iter().zip(own.optimum.weights.iter()).map(|(a, b)| (a - b).abs()).sum();
            moves = moves.max(apart / 2.0);
            costs = costs.max(objective.value(h).expect("a value") - own.optimum.value);
        }
    }
    (moves, costs)
}

pub fn report(sweeps: &[Real]) -> Result<()> {
    println!(
        "\n## Choices of {SEEDS} seeds: the largest total variation, the largest cost in nats\n"
    );
    println!("| sweep | target | recommended | before |");
    println!("|---|---|---|---|");
    let (mut same, mut same_before, mut count) = (0, 0, 0);
    for real in sweeps {
        let train = real.train();
        let at = largest(&real.sweep);
        for target in &real.targets {
            let of = |way: fn(&Sweep, &str, Scale, u64) -> (Plan, Choice)| {
                let all = (0..SEEDS).into_par_iter().map(|seed| way(&train, target, at, seed));
                spread(&all.collect::<Vec<_>>())
            };
            let (now, then) = (of(recommended), of(before));
            let is_same = |(moves, costs): (f64, f64)| moves <= MOVES || costs <= COSTS;
            same += usize::from(is_same(now));
            same_before += usize::from(is_same(then));
            count += 1;
            let text = |(moves, costs): (f64, f64)| format!("{moves:.3}, {costs:.5}");
            println!("| {} | {target} | {} | {} |", real.name, text(now), text(then));
        }
    }
    println!(
        "\nWithin {MOVES} or {COSTS} nats: {same} of {count}; before {same_before} of {count}"
    );
    Ok(())
}

/// The largest N and D of all rows.
fn largest(sweep: &Sweep) -> Scale {
    let most = |x: &[f64]| x.iter().copied().fold(0.0, f64::max);
    Scale { n: most(sweep.n()), d: most(sweep.d()) }
}
