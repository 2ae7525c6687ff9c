//! Random constraints and laws, against mixtures that keep the constraints.

use mixlaw::plan::{Goal, Penalty, Plan};
use mixlaw::simplex::{Constraints, SimplexSolver};
use mixlaw::{Mixture, Predictor, Scale};
use rand::RngExt;
use rand::rngs::Xoshiro256PlusPlus as Random;

use crate::data::{NAMES, coordinates, law, mixture, pick, sweep};
use crate::harness::campaign;

const LAWS: [&str; 6] = ["simple", "additive", "joint", "joint", "full", "chinchilla"];

/// A sum of weights between two limits, checked here without the crate.
struct Limit {
    domains: Vec<usize>,
    lower: f64,
    upper: f64,
}

/// The same limits for the crate and for the check.
fn limits(
    rng: &mut Random,
    k: usize,
    d: f64,
    inside: Option<&Mixture>,
) -> (Constraints, Vec<Limit>) {
    let (mut constraints, mut list) = (Constraints::new(), Vec::new());
    for _ in 0..pick(rng, &[0, 1, 2, 2, 3, 5]) {
        let i = rng.random_range(0..k);
        let own = |domains: &[usize]| inside.map(|h| domains.iter().map(|i| h[*i]).sum::<f64>());
        let room = pick(rng, &[0.0, 1e-9, 1e-3, 0.1, 0.5]);
        let below =
            |sum: Option<f64>, random: f64| sum.map_or(random, |x| (x - room).clamp(0.0, 1.0));
        let above =
            |sum: Option<f64>, random: f64| sum.map_or(random, |x| (x + room).clamp(0.0, 1.0));
        let random: f64 = rng.random();
        match rng.random_range(0..4) {
            0 => {
                let lower = below(own(&[i]), random);
                constraints = constraints.at_least(NAMES[i], lower);
                list.push(Limit { domains: vec![i], lower, upper: 1.0 });
            }
            1 => {
                let upper = above(own(&[i]), random);
                constraints = constraints.at_most(NAMES[i], upper);
                list.push(Limit { domains: vec![i], lower: 0.0, upper });
            }
            2 => {
                let domains: Vec<usize> = (0..k).filter(|j| *j == i || rng.random()).collect();
                let names: Vec<&str> = domains.iter().map(|i| NAMES[*i]).collect();
                let sum = own(&domains);
                let (lower, upper) = (below(sum, 0.5 * random), above(sum, random));
                constraints = constraints.group(&names, lower, upper);
                list.push(Limit { domains, lower, upper });
            }
            _ => {
                // `h_i d <= epochs tokens`.
                let epochs = rng.random_range(0.5..8.0);
                let upper = above(own(&[i]), random).max(1e-6);
                let tokens = upper * d / epochs;
                constraints = constraints.epochs(NAMES[i], tokens, epochs);
                list.push(Limit { domains: vec![i], lower: 0.0, upper: epochs * tokens / d });
            }
        }
    }
    if inside.is_none() && rng.random_bool(0.2) {
        let rows = sweep(rng, k, 1);
        constraints = constraints.trained_box(&rows, 0.0);
        for (i, (lower, upper)) in rows.weight_ranges().into_iter().enumerate() {
            list.push(Limit { domains: vec![i], lower, upper });
        }
    }
    (constraints, list)
}

/// By how much a mixture breaks the worst limit; below zero if it keeps all of them with room.
fn violation(h: &[f64], limits: &[Limit]) -> f64 {
    let one = |limit: &Limit| {
        let sum: f64 = limit.domains.iter().map(|i| h[*i]).sum();
        (limit.lower - sum).max(sum - limit.upper)
    };
    limits.iter().map(one).fold(f64::NEG_INFINITY, f64::max)
}

/// Mixtures all over the simplex, and between each of them and one that is inside.
fn candidates(rng: &mut Random, k: usize, inside: Option<&Mixture>) -> Vec<Mixture> {
    let steps = [0, 1, 40, 12, 7, 5, 4][k];
    let mut list = Mixture::grid(k, steps, 0.0).expect("a small grid");
    list.extend((0..100).map(|_| mixture(rng, k)));
    if let Some(inside) = inside {
        let towards = |h: &Mixture| {
            [0.1, 0.5, 0.9, 0.99].map(|t| {
                let both = inside.iter().zip(h.iter());
                Mixture::new(both.map(|(a, b)| t * a + (1.0 - t) * b).collect::<Vec<_>>())
                    .expect("between mixtures")
            })
        };
        let between: Vec<Mixture> = list.iter().flat_map(towards).collect();
        list.extend(between);
        list.push(inside.clone());
    }
    list
}

#[test]
fn constraints() {
    campaign("constraints", 30, |rng, tally| {
        let k = rng.random_range(1..7);
        let (n, d) = match rng.random_range(0..10) {
            0 => (f64::INFINITY, 1e11),
            _ => (10f64.powf(rng.random_range(6.0..13.0)), 10f64.powf(rng.random_range(8.0..14.0))),
        };
        let inside = rng.random_bool(0.8).then(|| mixture(rng, k));
        let (constraints, list) = limits(rng, k, d, inside.as_ref());
        let goal = pick(rng, &[Goal::Sum, Goal::Sum, Goal::Worst, Goal::WorstExcess]);
        let laws: Vec<_> =
            (0..pick(rng, &[1, 1, 2, 3])).map(|_| law(rng, k, &LAWS, Scale::ONE)).collect();
        let z: Vec<Vec<f64>> = laws.iter().map(|law| coordinates(rng, &**law)).collect();
        let mut solver = SimplexSolver::new().max_cells(pick(rng, &[0, 100, 2_000]));
        // Most with less work than by default, which is seconds where weights are far apart.
        if rng.random_range(0..50) != 0 {
            solver = solver.budget(pick(rng, &[10_000, 300_000, 1_000_000]));
        }
        let mut plan = Plan::builder().goal(goal).constraints(constraints.clone()).solver(solver);
        for (i, (law, z)) in laws.iter().zip(&z).enumerate() {
            let weight = 10f64.powf(rng.random_range(-8.0..8.0));
            let target = Predictor::new(NAMES[i], law.clone(), z).unwrap();
            plan = plan.target(if laws.len() == 1 { 1.0 } else { weight }, target);
        }
        if rng.random_bool(0.1) {
            let uniform = vec![1.0 / k as f64; k];
            let prior: Vec<(&str, f64)> = NAMES[..k].iter().copied().zip(uniform).collect();
            plan = plan.penalty(Penalty::kl(rng.random(), &prior));
        }
        let kept: Vec<Mixture> = candidates(rng, k, inside.as_ref())
            .into_iter()
            .filter(|h| violation(h, &list) <= -1e-12 || inside.as_ref() == Some(h))
            .collect();
        let asked = plan.build().and_then(|plan| Ok((plan.best(Scale { n, d })?, plan)));
        let (choice, plan) = match asked {
            Ok(both) => both,
            Err(error) if error.is_infeasible() => {
                tally.count("infeasible");
                assert!(kept.is_empty(), "{constraints:?} is kept by {:?}", kept[0]);
                return;
            }
            Err(error) => {
                crate::harness::check_message(&error);
                tally.count("refused");
                return;
            }
        };
        let optimum = &choice.optimum;
        let sum: f64 = optimum.weights.iter().sum();
        assert!((sum - 1.0).abs() <= 1e-12, "weights with a sum of 1 + {:e}", sum - 1.0);
        let broken = violation(&optimum.weights, &list);
        assert!(broken <= 1e-9, "{:?} breaks {constraints:?} by {broken:e}", optimum.weights);
        let mut objective = plan.objective(Scale { n, d }).expect("it was solved");
        // Losses and weights of all parts, whose rounding is in every value.
        let size = |h: &Mixture, objective: &mut mixlaw::plan::MixtureObjective<'_>| {
            objective.value(h).ok().filter(|value| value.is_finite())
        };
        let at_best = size(&optimum.weights, &mut objective);
        if let Some(value) = at_best {
            let error = (value - optimum.value).abs();
            assert!(
                error <= 1e-9 * value.abs().max(1e-3),
                "{} is {value} at the weights",
                optimum.value
            );
        }
        tally.count(if optimum.lower_bound.is_some() { "bounds" } else { "local" });
        if optimum.is_certified() {
            tally.count("certified");
        }
        let Some(bound) = optimum.lower_bound else { return };
        assert!(bound <= optimum.value, "a bound of {bound} above the value {}", optimum.value);
        // One that is inside up to rounding says nothing where a law is steep.
        for h in kept.iter().filter(|h| violation(h, &list) <= -1e-12) {
            let Some(value) = size(h, &mut objective) else { continue };
            let rounding = 1e-9 * bound.abs().max(1e-6);
            assert!(
                bound <= value + rounding,
                "a bound of {bound} ({:?}), but {value} at {h:?}: {goal:?}, {constraints:?}, {plan:?}",
                optimum.certificate
            );
        }
        tally.count("checked bounds");
    });
}
