//! Mixtures against brute force: no point of a fine grid, nor any descent from there, is better than
//! what is certified, or below the bound.

#[path = "../benches/mixture_problems.rs"]
mod mixture_problems;

use mixlaw::law::{AdditiveLaw, JointLaw, ScalingLaw};
use mixlaw::optim::Termination;
use mixlaw::plan::{Budget, Goal, Growth, Plan};
use mixlaw::simplex::{
    Certificate, Constraints, MixtureObjective, Pull, SimplexObjective, SimplexSolver,
};
use mixlaw::testing::assert_simplex_objective_contract;
use mixlaw::{Mixture, PlanError, Scale};
use mixture_problems::MixtureProblem;

/// The least value on a grid, and where.
fn on_grid(objective: &mut MixtureObjective<'_>, grid: &[Mixture]) -> (f64, Mixture) {
    let mut g = vec![0.0; grid[0].len()];
    let value = |h: &Mixture| objective.value_gradient(h, &mut g);
    let values: Vec<f64> = grid.iter().map(value).collect();
    let best = (0..grid.len()).min_by(|&a, &b| values[a].total_cmp(&values[b])).unwrap();
    (values[best], grid[best].clone())
}

/// Problems of one law: how many are certified, and no one finds anything better.
fn against_grids(law: &str, count: u64) -> (usize, usize) {
    let grids = [Mixture::grid(3, 60, 0.0).unwrap(), Mixture::grid(4, 22, 0.0).unwrap()];
    let (mut certified, mut misses) = (0, 0);
    for seed in 0..count {
        let k = 3 + seed as usize % 2;
        let problem = MixtureProblem::random(law, k, 1 + seed as usize % 4, seed);
        let mut objective = problem.objective().unwrap();
        let best = SimplexSolver::new().minimize(&mut objective);
        let (value, at) = on_grid(&mut objective, &grids[k - 3]);
        let polished = SimplexSolver::new().max_cells(0).start(at).minimize(&mut objective).value;
        let found = value.min(polished);
        if let Some(bound) = best.lower_bound {
            assert!(found >= bound, "{law} {seed}: {found} is below the bound {bound}");
        }
        if best.is_certified() {
            certified += 1;
            assert!(best.value <= found + 1e-9, "{law} {seed}: {} above {found}", best.value);
        } else if best.value > found + 1e-9 {
            misses += 1;
            println!("{law} {seed}: {} above {found}", best.value);
        }
    }
    (certified, misses)
}

#[test]
fn a_thousand_simple_additive_and_joint_problems_each_are_certified() {
    for law in ["simple", "additive", "joint"] {
        let (certified, misses) = against_grids(law, 1000);
        println!("{law}: {certified} of 1000 certified, {misses} others missed");
        assert_eq!((certified, misses), (1000, 0), "{law}");
    }
}

#[test]
fn the_full_law_is_local_and_rarely_misses() {
    let (certified, misses) = against_grids("full", 1000);
    println!("full: {misses} of 1000 missed");
    assert_eq!(certified, 0);
    assert!(misses <= 5, "{misses}");
    let problem = MixtureProblem::random("full", 3, 1, 0);
    let best = SimplexSolver::new().minimize(&mut problem.objective().unwrap());
    assert!(matches!(best.certificate, Certificate::Local { optima } if optima >= 1));
    assert_eq!((best.lower_bound, best.gap(), best.is_certified()), (None, None, false));
}

#[test]
fn the_worst_of_several_is_certified_too() {
    let grid = Mixture::grid(3, 80, 0.0).unwrap();
    for seed in 0..200 {
        let problem = MixtureProblem::random(["additive", "joint"][seed as usize % 2], 3, 3, seed);
        let mut objective = MixtureObjective::new(problem.scale).unwrap();
        for (_, z) in &problem.targets {
            objective = objective.with_law(1.0, problem.law.as_ref(), z).unwrap();
        }
        let mut objective = objective.worst(&[]).unwrap();
        let best = SimplexSolver::new().minimize(&mut objective);
        assert!(best.is_certified(), "{seed}: {best:?}");
        let (found, _) = on_grid(&mut objective, &grid);
        assert!(best.value <= found + 1e-9 && best.lower_bound.unwrap() <= found, "{seed}");
        // Parts that count are equal to the worst of them.
        let losses = objective.losses(&best.weights).unwrap();
        for (share, loss) in best.shares.iter().zip(losses) {
            assert!(*share < 1e-6 || (loss - best.value).abs() < 1e-6, "{seed}: {best:?}");
        }
        assert!((best.shares.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }
}

#[test]
fn every_objective_keeps_the_contract() {
    for (seed, law) in (0..48).zip(mixture_problems::LAWS.into_iter().cycle()) {
        let k = 1 + seed as usize % 7;
        let problem = MixtureProblem::random(law, k, 1 + seed as usize % 3, seed);
        let prior = Mixture::dirichlet(&vec![2.0; k], 1, seed).unwrap().remove(0);
        let pulls = [
            None,
            Some(Pull::Kl { strength: 0.3, prior: prior.clone() }),
            Some(Pull::Js { strength: 0.3, prior }),
        ];
        for (i, pull) in pulls.into_iter().enumerate() {
            let mut objective = problem.objective().unwrap();
            if (seed as usize + i) % 2 == 0 {
                let references: Vec<f64> = problem.targets.iter().map(|(w, _)| w + 0.5).collect();
                objective = objective.worst(&references).unwrap();
            }
            if let Some(pull) = pull {
                objective = objective.with_pull(pull).unwrap();
            }
            assert_simplex_objective_contract(&mut objective);
        }
    }
}

#[test]
fn starts_and_the_order_of_domains_do_not_matter() {
    for seed in 0..30 {
        let problem = MixtureProblem::random("additive", 5, 2, 3 * seed);
        let reference = SimplexSolver::new().minimize(&mut problem.objective().unwrap());
        for corner in 0..5 {
            let solver = SimplexSolver::new().start(Mixture::corner(5, corner));
            let best = solver.minimize(&mut problem.objective().unwrap());
            assert_eq!(best.termination, Termination::Converged);
            assert!((best.value - reference.value).abs() < 1e-9, "{seed} {corner}");
        }
        // The same laws with their domains in another order, beside one in this order.
        let domains = problem.law.domains();
        let turned: Vec<String> = domains.iter().rev().cloned().collect();
        let law = AdditiveLaw::new(&turned, problem.law.coordinates().scale()).unwrap();
        let (weight, z) = &problem.targets[1];
        let named = problem.law.coefficients(z);
        let named: Vec<(&str, f64)> = named.iter().map(|(n, c)| (n.as_str(), *c)).collect();
        let z_turned = law.coordinates_of(&named).unwrap();
        let mut mixed = MixtureObjective::new(problem.scale)
            .unwrap()
            .with_law(problem.targets[0].0, problem.law.as_ref(), &problem.targets[0].1)
            .unwrap()
            .with_law(*weight, &law, &z_turned)
            .unwrap();
        let best = SimplexSolver::new().minimize(&mut mixed);
        assert!((best.value - reference.value).abs() < 1e-9, "{seed}");
    }
}

#[test]
fn pulls_have_closed_forms_in_their_limits() {
    let problem = MixtureProblem::random("additive", 3, 1, 0);
    let prior = Mixture::new(vec![0.2, 0.5, 0.3]).unwrap();
    let h = Mixture::new(vec![0.6, 0.1, 0.3]).unwrap();
    let kl: f64 = h.iter().zip(prior.iter()).map(|(h, p)| h * (h / p).ln()).sum();
    for (pull, expected) in [
        (Pull::Kl { strength: 1e4, prior: prior.clone() }, kl),
        (Pull::Js { strength: 1e4, prior: prior.clone() }, h.js_distance(&prior).powi(2)),
    ] {
        let mut objective = problem.objective().unwrap().with_pull(pull).unwrap();
        let best = SimplexSolver::new().minimize(&mut objective);
        assert!(best.weights.js_distance(&prior) < 1e-2, "{best:?}");
        let own = (objective.value(&h).unwrap() - problem.value(&h)) / 1e4;
        assert!((own - expected).abs() < 1e-10, "{own}, not {expected}");
    }
    let corner = Pull::Kl { strength: 1.0, prior: Mixture::corner(3, 1) };
    let error = problem.objective().unwrap().with_pull(corner).unwrap_err();
    assert!(error.to_string().contains("`d0`"), "{error}");
}

/// A joint law of three domains, as of the paper's multimodal sweep: two that teach by size and by
/// tokens differently.
fn joint() -> (JointLaw, Vec<f64>) {
    let law = JointLaw::new(&["text", "captions", "interleaved"], Scale::ONE).unwrap();
    let z = law
        .coordinates_of(&[
            ("E", 1.0),
            ("C[text]", 2.0),
            ("C[captions]", 1.0),
            ("C[interleaved]", 1.5),
            ("gamma[text]", 0.5),
            ("gamma[captions]", 0.4),
            ("gamma[interleaved]", 0.6),
            ("gamma_A", 1.0),
            ("ln_C_A[text]", 200f64.ln()),
            ("ln_C_A[captions]", 500f64.ln()),
            ("ln_C_A[interleaved]", 600f64.ln()),
            ("alpha", 0.34),
            ("gamma_B", 1.0),
            ("ln_C_B[text]", 900f64.ln()),
            ("ln_C_B[captions]", 500f64.ln()),
            ("ln_C_B[interleaved]", 300f64.ln()),
            ("beta", 0.28),
        ])
        .unwrap();
    (law, z)
}

#[test]
fn only_the_joint_mixture_moves_with_scale() {
    let problem = MixtureProblem::random("additive", 4, 3, 0);
    let additive = problem.targets.iter().fold(Plan::new(), |plan, (weight, z)| {
        plan.with_law("t", *weight, problem.law.as_ref(), z)
    });
    let additive = additive.solver(SimplexSolver::new().tolerance(1e-13));
    let growth = (Growth::Linear, Growth::Sqrt);
    let path = additive.path(Scale { n: 1e8, d: 1e9 }, growth, &[1.0, 1e2, 1e4, 1e6]).unwrap();
    for choice in &path {
        let moved = choice.optimum.weights.iter().zip(path[0].optimum.weights.iter());
        let most = moved.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(most < 1e-9, "{most}");
        let value = additive.objective(choice.scale).unwrap().value(&path[0].optimum.weights);
        assert!((value.unwrap() - choice.optimum.value).abs() < 1e-9);
    }
    let (law, z) = joint();
    let plan = Plan::new().with_law("text", 1.0, &law, &z);
    let weights = |n, d| plan.best(Scale { n, d }).unwrap().optimum.weights;
    let start = weights(1e8, 1e10);
    // Text costs tokens and spares size: more of it for more tokens, less for larger models.
    assert!(weights(1e8, 1e13)[0] > start[0] + 0.01);
    assert!(weights(1e11, 1e10)[0] < start[0] - 0.01);
    // Where all grow the limit is that of E(h) alone, where none of N is left that of D.
    let limit = plan.limit(Scale { n: 1e8, d: 1e10 }, (Growth::Linear, Growth::Sqrt)).unwrap();
    let far = plan.best(Scale { n: 1e30, d: 1e30 }).unwrap();
    assert!(limit.optimum.weights.js_distance(&far.optimum.weights) < 1e-3);
    let of_n = plan.limit(Scale { n: 1e8, d: 1e10 }, (Growth::Log, Growth::Constant)).unwrap();
    assert!(of_n.optimum.weights.js_distance(&weights(1e40, 1e10)) < 1e-3);
    assert!(of_n.optimum.weights.js_distance(&limit.optimum.weights) > 1e-2);
    // The parts of the loss add up, and the limit's own mixture has no excess.
    let parts = plan.decompose(Scale { n: 1e9, d: 1e11 }, &start).unwrap();
    let whole = plan.objective(Scale { n: 1e9, d: 1e11 }).unwrap().value(&start).unwrap();
    assert!((parts.floor + parts.mixture + parts.size + parts.data - whole).abs() < 1e-12);
    assert!(parts.mixture > 0.0 && parts.size > 0.0 && parts.data > 0.0);
    assert!(plan.decompose(Scale { n: 1e9, d: 1e11 }, &parts.limit).unwrap().mixture.abs() < 1e-9);
}

#[test]
fn budgets_prices_and_ranges_agree_with_each_other() {
    let (law, z) = joint();
    let plan = Plan::new().with_law("text", 1.0, &law, &z);
    let flops = Budget::flops();
    let choice = plan.within_budget(1e21, &flops).unwrap();
    assert!((flops.cost(choice.scale) / 1e21 - 1.0).abs() < 1e-9);
    // No other split of the budget is better.
    for factor in [0.25, 0.8, 0.99, 1.01, 1.25, 4.0] {
        let other =
            plan.best(Scale { n: choice.scale.n * factor, d: choice.scale.d / factor }).unwrap();
        assert!(other.optimum.value >= choice.optimum.value - 1e-12, "{factor}");
    }
    let (least, again) = plan.least_budget(choice.optimum.value, &flops).unwrap();
    assert!((least / 1e21 - 1.0).abs() < 1e-4, "{least}");
    assert!((again.scale.n / choice.scale.n - 1.0).abs() < 1e-2);
    let error = plan.least_budget(0.5, &flops).unwrap_err();
    assert!(matches!(error, PlanError::Unreachable { floor, .. } if floor > 1.0), "{error}");
    // With so many tokens as its price says, another mixture is as good.
    let other = Mixture::new(vec![0.5, 0.3, 0.2]).unwrap();
    let price = plan.price(Scale { n: 1e9, d: 1e10 }, &other).unwrap();
    let value = plan.objective(Scale { n: 1e9, d: price.tokens }).unwrap().value(&other).unwrap();
    assert!(price.tokens > 1e10 && price.value > price.best);
    assert!((value - price.best).abs() < 1e-9);
    assert_eq!(
        plan.price(Scale { n: 1e9, d: 1e20 }, &Mixture::corner(3, 1)).unwrap().tokens,
        f64::INFINITY
    );
    // The ends of the ranges are as bad as allowed.
    let choice = plan.best(Scale { n: 1e9, d: 1e10 }).unwrap();
    for (i, (low, high)) in plan.ranges(&choice, 1e-3).unwrap().into_iter().enumerate() {
        assert!(low < choice.optimum.weights[i] && choice.optimum.weights[i] < high);
        for (weight, outside) in [(low, low - 2e-3), (high, high + 2e-3)] {
            let best = |weight: f64| {
                let name = choice.domains[i].clone();
                let fixed = Constraints::new().at_least(&name, weight).at_most(&name, weight);
                plan.clone()
                    .constraints(fixed)
                    .best(Scale { n: 1e9, d: 1e10 })
                    .unwrap()
                    .optimum
                    .value
            };
            let level = choice.optimum.value + 1e-3;
            assert!((best(weight) - level).abs() < 1e-5, "{i}");
            assert!(best(outside) > level, "{i}");
        }
    }
}

#[test]
fn worst_excesses_share_what_is_lost() {
    let (law, z) = joint();
    let mut turned = z.clone();
    // Another target that likes captions: text and captions change places.
    for (i, j) in [("C[text]", "C[captions]"), ("gamma[text]", "gamma[captions]")] {
        let place = |name| law.coordinates().position(name).unwrap();
        turned.swap(place(i), place(j));
    }
    let plan = Plan::new().with_law("text", 1.0, &law, &z).with_law("captions", 1.0, &law, &turned);
    let corners = plan.corners(Scale { n: 1e9, d: 1e11 }).unwrap();
    // What is best for one target has nothing to do with its weight or the goal.
    let weighed = Plan::new().goal(Goal::WorstExcess).with_law("text", 0.25, &law, &z);
    assert!(
        (weighed.corners(Scale { n: 1e9, d: 1e11 }).unwrap()[0].1.value - corners[0].1.value).abs()
            < 1e-9
    );
    let worst = plan.clone().goal(Goal::WorstExcess).best(Scale { n: 1e9, d: 1e11 }).unwrap();
    let excesses: Vec<f64> =
        worst.losses.iter().zip(&corners).map(|((_, loss), (_, own))| loss - own.value).collect();
    assert!((excesses[0] - excesses[1]).abs() < 1e-7, "{excesses:?}");
    assert!((excesses[0] - worst.optimum.value).abs() < 1e-7);
    assert!(worst.optimum.is_certified());
    assert!(
        plan.goal(Goal::Worst).decompose(Scale { n: 1e9, d: 1e11 }, &Mixture::uniform(3)).is_err()
    );
}

#[test]
fn targets_that_are_alike_have_a_fixed_point_in_the_middle() {
    // Each target learns from its own domain above all: by symmetry uniform is best for uniform.
    let names = ["a", "b"];
    let law = AdditiveLaw::new(&names, Scale::ONE).unwrap();
    let z = |own: &str| {
        let c = |name: &str| if name == own { 2.0 } else { 0.5 };
        law.coordinates_of(&[
            ("E", 1.0),
            ("C[a]", c("a")),
            ("C[b]", c("b")),
            ("gamma[a]", 0.5),
            ("gamma[b]", 0.5),
            ("A", 400.0),
            ("alpha", 0.34),
            ("B", 400.0),
            ("beta", 0.28),
        ])
        .unwrap()
    };
    let (za, zb) = (z("a"), z("b"));
    let plan = Plan::new().with_law("b", 1.0, &law, &zb).with_law("a", 1.0, &law, &za);
    let mapped =
        plan.map(Scale { n: 1e9, d: 1e11 }, &Mixture::new(vec![0.8, 0.2]).unwrap()).unwrap();
    assert!(mapped.best[0] > 0.5 && mapped.distance > 1e-3);
    let points = plan.fixed_points(Scale { n: 1e9, d: 1e11 }, 9).unwrap();
    let middle = points.iter().find(|p| (p.wanted[0] - 0.5).abs() < 1e-3).expect("the middle");
    assert!(middle.distance < 1e-3);
    let short =
        Plan::new().with_law("a", 1.0, &law, &za[1..]).best(Scale { n: 1e9, d: 1e10 }).unwrap_err();
    assert!(
        short.to_string().contains("number of coordinates of the additive law is 8"),
        "{short}"
    );
    let apart = Plan::new().with_law("c", 1.0, &law, &za);
    assert!(matches!(
        apart.fixed_points(Scale { n: 1e9, d: 1e11 }, 4),
        Err(PlanError::Domains { .. })
    ));
    assert_eq!(Plan::new().best(Scale { n: 1e9, d: 1e11 }), Err(PlanError::NoTargets));
}
