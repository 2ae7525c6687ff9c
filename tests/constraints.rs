//! Random sets of constraints: mixtures keep what can be kept, and what cannot is refused by name.

#[path = "../benches/mixture_problems.rs"]
mod mixture_problems;

use mixlaw::error::ErrorKind;
use mixlaw::simplex::{Constraints, Region, SimplexSolver};
use mixlaw::{Error, Mixture};
use mixture_problems::MixtureProblem;
use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

fn domains(k: usize) -> Vec<String> {
    (0..k).map(|i| format!("d{i}")).collect()
}

const D: f64 = 1e11;

/// A statement about weights with its two numbers, so that the test can check it by itself.
#[derive(Debug, Clone)]
enum Statement {
    AtLeast(usize, f64),
    AtMost(usize, f64),
    Group(Vec<usize>, f64, f64),
    Epochs(usize, f64, f64),
}

impl Statement {
    fn violation(&self, h: &[f64]) -> f64 {
        match self {
            Self::AtLeast(i, x) => x - h[*i],
            Self::AtMost(i, x) => h[*i] - x,
            Self::Group(group, low, high) => {
                let sum: f64 = group.iter().map(|&i| h[i]).sum();
                (low - sum).max(sum - high)
            }
            Self::Epochs(i, tokens, epochs) => h[*i] - tokens * epochs / D,
        }
    }

    fn add(&self, to: Constraints) -> Constraints {
        let name = |i: &usize| format!("d{i}");
        match self {
            Self::AtLeast(i, x) => to.at_least(name(i), *x),
            Self::AtMost(i, x) => to.at_most(name(i), *x),
            Self::Epochs(i, tokens, epochs) => to.epochs(name(i), *tokens, *epochs),
            Self::Group(group, low, high) => {
                to.group(&group.iter().map(name).collect::<Vec<_>>(), *low, *high)
            }
        }
    }
}

fn region(k: usize, statements: &[Statement]) -> Result<Region, Error> {
    let all = statements.iter().fold(Constraints::new(), |all, s| s.add(all));
    all.region(&domains(k), D)
}

/// Statements that `inside` keeps, some of them with equality.
fn kept_by(inside: &[f64], rng: &mut Xoshiro256PlusPlus) -> Vec<Statement> {
    let k = inside.len();
    let count = rng.random_range(1..=2 * k);
    let slack = |rng: &mut Xoshiro256PlusPlus| match rng.random_range(0..4) {
        0 => 0.0,
        _ => rng.random_range(0.0..0.3),
    };
    (0..count)
        .map(|_| {
            let i = rng.random_range(0..k);
            match rng.random_range(0..5) {
                0 => Statement::AtLeast(i, (inside[i] - slack(rng)).max(0.0)),
                1 => Statement::AtMost(i, (inside[i] + slack(rng)).min(1.0)),
                2 => Statement::Epochs(i, (inside[i] + slack(rng)) * D / 4.0, 4.0),
                _ => {
                    let mut group: Vec<usize> = (0..k).collect();
                    group.shuffle(rng);
                    group.truncate(rng.random_range(1..k));
                    let sum: f64 = group.iter().map(|&i| inside[i]).sum();
                    let low = if rng.random() { (sum - slack(rng)).max(0.0) } else { 0.0 };
                    let high = if rng.random() { (sum + slack(rng)).min(1.0) } else { 1.0 };
                    Statement::Group(group, low.min(1.0), high)
                }
            }
        })
        .collect()
}

#[test]
fn a_thousand_feasible_sets_are_kept() {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
    let (mut worst, mut certified, mut bound_by_a_group) = (0.0f64, 0, 0);
    for seed in 0..1000 {
        let k = rng.random_range(3..=9);
        let inside = &Mixture::dirichlet(&vec![0.7; k], 1, seed).unwrap()[0];
        let statements = kept_by(inside, &mut rng);
        let region = region(k, &statements).unwrap_or_else(|e| panic!("{seed}: {e}"));
        assert!(region.violation(inside) <= 1e-12, "{seed}");
        let law = ["additive", "joint"][seed as usize % 2];
        let problem = MixtureProblem::random(law, k, 2, seed);
        let mut objective = problem.objective();
        let best = SimplexSolver::new().minimize_within(&mut objective, &region).unwrap();
        let h = &best.weights;
        for statement in &statements {
            let violation = statement.violation(h);
            worst = worst.max(violation);
            assert!(violation <= 1e-12, "{seed}: {statement:?} broken by {violation:e}: {h:?}");
        }
        assert!((h.iter().sum::<f64>() - 1.0).abs() <= 1e-12 && h.iter().all(|h| *h >= 0.0));
        // The mixture that the set was made around is no better, nor one on the way to it.
        for t in [0.0, 0.5, 0.9, 0.99] {
            let other: Vec<f64> =
                h.iter().zip(inside.iter()).map(|(a, b)| t * a + (1.0 - t) * b).collect();
            let value = problem.value(&other);
            assert!(value >= best.value - 1e-9, "{seed}: {value} at {other:?}, {}", best.value);
            assert!(best.lower_bound.is_none_or(|bound| value >= bound), "{seed}: below the bound");
        }
        certified += usize::from(best.is_certified());
        bound_by_a_group += usize::from(best.active.iter().any(|a| a.constraint.contains('+')));
        assert!(best.active.iter().all(|a| a.multiplier > 0.0));
    }
    println!(
        "worst violation {worst:e}, {certified} of 1000 certified, {bound_by_a_group} held by a group"
    );
    assert!(bound_by_a_group > 50, "{bound_by_a_group}");
    assert!(certified >= 990, "{certified}");
}

#[test]
fn a_thousand_infeasible_sets_are_refused_by_name() {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(2);
    for seed in 0..1000 {
        let k = rng.random_range(3..=9);
        let inside = &Mixture::dirichlet(&vec![0.7; k], 1, seed).unwrap()[0];
        let mut statements = kept_by(inside, &mut rng);
        // One or two more that cannot be kept together with what is there, or each other.
        let (a, b) = (rng.random_range(0..k), rng.random_range(1..k));
        let b = (a + b) % k;
        match seed % 4 {
            0 => statements.extend([Statement::AtLeast(a, 0.6), Statement::AtLeast(b, 0.4 + 1e-9)]),
            1 => statements.extend([
                Statement::Group(vec![a, b], 0.5, 1.0),
                Statement::AtMost(a, 0.2),
                Statement::Epochs(b, 0.1 * D, 2.9),
            ]),
            2 => {
                let rest: Vec<usize> = (0..k).filter(|i| *i != a).collect();
                statements.extend([Statement::Group(rest, 0.0, 0.3), Statement::AtMost(a, 0.69)]);
            }
            _ => statements.extend((0..k).map(|i| Statement::AtMost(i, 0.9 / k as f64))),
        }
        statements.shuffle(&mut rng);
        let error = region(k, &statements).expect_err("it cannot be kept");
        let ErrorKind::Infeasible { constraints: conflict } = error.kind() else {
            panic!("{seed}: {error}")
        };
        assert!(!conflict.is_empty(), "{seed}");
        // What is named is in conflict by itself, and without any one of it no longer.
        let label = |s: &Statement| match s {
            Statement::AtLeast(i, x) => vec![format!("d{i} >= {x}")],
            Statement::AtMost(i, x) => vec![format!("d{i} <= {x}")],
            Statement::Epochs(i, tokens, epochs) => {
                vec![format!("d{i} <= {epochs} epochs of {tokens:e} tokens")]
            }
            Statement::Group(group, low, high) => {
                let names: Vec<String> = group.iter().map(|i| format!("d{i}")).collect();
                let names = names.join(" + ");
                vec![format!("{names} >= {low}"), format!("{names} <= {high}")]
            }
        };
        let named: Vec<Statement> = statements
            .iter()
            .flat_map(|s| {
                label(s).into_iter().filter(|l| conflict.contains(l)).map(move |l| match s {
                    Statement::Group(group, low, _) if l.contains(">=") => {
                        Statement::Group(group.clone(), *low, 1.0)
                    }
                    Statement::Group(group, _, high) => Statement::Group(group.clone(), 0.0, *high),
                    other => other.clone(),
                })
            })
            .collect();
        assert!(region(k, &named).is_err(), "{seed}: {conflict:?}");
        if named.len() == conflict.len() {
            for i in 0..named.len() {
                let mut without = named.clone();
                without.remove(i);
                assert!(region(k, &without).is_ok(), "{seed}: {conflict:?} without {i}");
            }
        }
    }
}

#[test]
fn a_region_can_leave_one_mixture_only() {
    let problem = MixtureProblem::random("joint", 4, 1, 5);
    let statements = [
        Statement::Group(vec![0, 1], 0.5, 0.5),
        Statement::Group(vec![1, 2], 0.5, 0.5),
        Statement::AtLeast(1, 0.25),
        Statement::AtMost(1, 0.25),
    ];
    let region = region(4, &statements).unwrap();
    let mut objective = problem.objective();
    let best = SimplexSolver::new().minimize_within(&mut objective, &region).unwrap();
    for h in best.weights.iter() {
        assert!((h - 0.25).abs() <= 1e-12, "{:?}", best.weights);
    }
    assert!(best.is_certified());
}

#[test]
fn statements_that_are_wrong_are_named() {
    let refused =
        |constraints: Constraints| constraints.region(&domains(3), D).unwrap_err().to_string();
    let unknown = "unknown domain `web`, expected one of: d0, d1, d2";
    assert_eq!(refused(Constraints::new().at_least("web", 0.1)), unknown);
    assert_eq!(refused(Constraints::new().group(&["d0", "web"], 0.0, 0.5)), unknown);
    let message = refused(Constraints::new().at_most("d1", f64::NAN));
    assert_eq!(message, "the limit in `d1 <= NaN` is NaN, expected a domain weight from 0 to 1");
    let message = refused(Constraints::new().epochs("d1", -1.0, 4.0));
    assert_eq!(message, "the tokens of domain `d1` is -1, expected a number >= 0");
    let message = refused(Constraints::new().group(&["d1", "d1"], 0.1, 0.5));
    assert_eq!(message, "domain `d1` appears twice in the group 0.1 <= d1 + d1 <= 0.5");
    let message = refused(Constraints::new().group(&["d1"], 0.6, 0.5));
    assert_eq!(message, "no mixture keeps all of: d1 >= 0.6; d1 <= 0.5");
    let few = Region::simplex(2);
    let problem = MixtureProblem::random("additive", 3, 1, 0);
    let mut objective = problem.objective();
    let error = SimplexSolver::new().minimize_within(&mut objective, &few).unwrap_err();
    assert_eq!(error.to_string(), "the region has length 2, expected 3");
}
