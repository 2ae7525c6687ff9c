//! Mixtures against brute force: no point of a fine grid, nor any descent from there, is better than
//! what is certified, or below the bound.

#[path = "../benches/mixture_problems.rs"]
mod mixture_problems;

use mixlaw::error::ErrorKind;
use mixlaw::law::{AdditiveLaw, JointLaw, ScalingLaw};
use mixlaw::optim::Termination;
use mixlaw::plan::{Budget, Goal, Growth, MixtureObjective, Penalty, Plan, Rate};
use mixlaw::simplex::{Certificate, Constraints, SimplexObjective, SimplexSolver};
use mixlaw::testing::assert_simplex_objective_contract;
use mixlaw::{Mixture, Predictor, Scale};
use mixture_problems::MixtureProblem;

/// A mixture with the names of its domains.
fn named(domains: &[String], h: &Mixture) -> Vec<(String, f64)> {
    domains.iter().cloned().zip(h.iter().copied()).collect()
}

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
        let mut objective = problem.objective();
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

/// Norms of terms that are convex, and of some that are not.
#[test]
fn problems_with_coupled_terms_are_certified() {
    for law in ["coupled", "coupled joint"] {
        let (certified, misses) = against_grids(law, 300);
        println!("{law}: {certified} of 300 certified, {misses} others missed");
        assert_eq!((certified, misses), (300, 0), "{law}");
    }
}

#[test]
fn the_full_law_is_local_and_rarely_misses() {
    let (certified, misses) = against_grids("full", 1000);
    println!("full: {misses} of 1000 missed");
    assert_eq!(certified, 0);
    assert!(misses <= 5, "{misses}");
    let problem = MixtureProblem::random("full", 3, 1, 0);
    let best = SimplexSolver::new().minimize(&mut problem.objective());
    assert!(matches!(best.certificate, Certificate::Local { optima } if optima >= 1));
    assert_eq!((best.lower_bound, best.gap(), best.is_certified()), (None, None, false));
}

#[test]
fn the_worst_of_several_is_certified_too() {
    let grid = Mixture::grid(3, 80, 0.0).unwrap();
    for seed in 0..200 {
        let problem = MixtureProblem::random(["additive", "joint"][seed as usize % 2], 3, 3, seed);
        let equal = problem.with_equal_weights(1.0).to_builder().goal(Goal::Worst);
        let plan = equal.build().unwrap();
        let mut objective = plan.objective(problem.scale).unwrap();
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
        let named = named(problem.plan.domains(), &prior);
        let own = |h: &[f64], slopes: &mut [f64]| {
            slopes.copy_from_slice(h);
            0.5 * h.iter().map(|h| h * h).sum::<f64>()
        };
        let penalties = [
            None,
            Some(Penalty::kl(0.3, &named)),
            Some(Penalty::js(0.3, &named)),
            Some(Penalty::from_fn(own)),
            Some(Penalty::from_convex_fn(own)),
        ];
        for (i, penalty) in penalties.into_iter().enumerate() {
            let mut plan = problem.plan.to_builder();
            if (seed as usize + i) % 2 == 0 {
                plan = plan.goal([Goal::Worst, Goal::WorstExcess][seed as usize / 2 % 2]);
            }
            if let Some(penalty) = penalty {
                plan = plan.penalty(penalty);
            }
            let plan = plan.build().unwrap();
            let mut objective = plan.objective(problem.scale).unwrap();
            assert_simplex_objective_contract(&mut objective);
        }
    }
}

#[test]
fn starts_and_the_order_of_domains_do_not_matter() {
    for seed in 0..30 {
        let problem = MixtureProblem::random("additive", 5, 2, 3 * seed);
        let reference = SimplexSolver::new().minimize(&mut problem.objective());
        for corner in 0..5 {
            let solver = SimplexSolver::new().start(Mixture::corner(5, corner));
            let best = solver.minimize(&mut problem.objective());
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
        let (first, y) = &problem.targets[0];
        let one = Predictor::new("t0", problem.law.clone(), y).unwrap();
        let other = Predictor::new("t1", law, &z_turned).unwrap();
        let mixed = Plan::builder().target(*first, one).target(*weight, other).build().unwrap();
        let mut mixed = mixed.objective(problem.scale).unwrap();
        let best = SimplexSolver::new().minimize(&mut mixed);
        assert!((best.value - reference.value).abs() < 1e-9, "{seed}");
    }
}

#[test]
fn penalties_have_closed_forms_in_their_limits() {
    let problem = MixtureProblem::random("additive", 3, 1, 0);
    let prior = Mixture::new(vec![0.2, 0.5, 0.3]).unwrap();
    let h = Mixture::new(vec![0.6, 0.1, 0.3]).unwrap();
    let kl: f64 = h.iter().zip(prior.iter()).map(|(h, p)| h * (h / p).ln()).sum();
    let with = |penalty: Penalty| problem.plan.to_builder().penalty(penalty).build();
    // The names of a prior may stand in any order.
    let mut by_name = named(problem.plan.domains(), &prior);
    by_name.rotate_left(1);
    for (penalty, expected) in [
        (Penalty::kl(1e4, &by_name), kl),
        (Penalty::js(1e4, &by_name), h.js_distance(&prior).powi(2)),
    ] {
        let plan = with(penalty).unwrap();
        let best = plan.best(problem.scale).unwrap().optimum;
        assert!(best.weights.js_distance(&prior) < 1e-2, "{best:?}");
        let value = plan.objective(problem.scale).unwrap().value(&h).unwrap();
        let own = (value - problem.value(&h)) / 1e4;
        assert!((own - expected).abs() < 1e-10, "{own}, not {expected}");
    }
    let corner = named(problem.plan.domains(), &Mixture::corner(3, 1));
    let error = with(Penalty::kl(1.0, &corner)).unwrap_err();
    assert!(error.to_string().contains("`d0`"), "{error}");
    // JS is finite there, and a penalty adds to others.
    let both = with(Penalty::js(0.5, &corner)).unwrap().to_builder();
    let both = both.penalty(Penalty::kl(2.0, &by_name)).build().unwrap();
    let expected = 0.5 * h.js_distance(Mixture::corner(3, 1)).powi(2) + 2.0 * kl;
    let own = both.objective(problem.scale).unwrap().value(&h).unwrap() - problem.value(&h);
    assert!((own - expected).abs() < 1e-12, "{own}, not {expected}");
}

#[test]
fn penalties_of_ones_own_are_those_of_the_crate() {
    let prior = Mixture::new(vec![0.2, 0.5, 0.3]).unwrap();
    let kl = {
        let prior = prior.clone();
        move |h: &[f64], slopes: &mut [f64]| {
            assert!(slopes.iter().all(|slope| *slope == 0.0));
            let mut value = 0.0;
            for i in 0..3 {
                let ratio = (h[i] / prior[i]).ln();
                slopes[i] = 0.3 * (ratio + 1.0);
                value += if h[i] > 0.0 { 0.3 * h[i] * ratio } else { 0.0 };
            }
            value
        }
    };
    for seed in 0..12 {
        let problem = MixtureProblem::random(["simple", "additive"][seed as usize % 2], 3, 2, seed);
        let goal = [Goal::Sum, Goal::Worst, Goal::WorstExcess][seed as usize % 3];
        let named = named(problem.plan.domains(), &prior);
        let best = |penalty: Penalty| {
            let plan = problem.plan.to_builder().goal(goal).penalty(penalty).build().unwrap();
            let optimum = plan.best(problem.scale).unwrap().optimum;
            let value = plan.objective(problem.scale).unwrap().value(&optimum.weights).unwrap();
            assert!((value - optimum.value).abs() < 1e-13);
            optimum
        };
        let crates = best(Penalty::kl(0.3, &named));
        let convex = best(Penalty::from_convex_fn(kl.clone()));
        let any = best(Penalty::from_fn(kl.clone()));
        assert!(crates.is_certified() && convex.is_certified(), "{seed}: {convex:?}");
        assert!((convex.value - crates.value).abs() < 1e-9, "{seed}: {convex:?} {crates:?}");
        assert!(convex.weights.js_distance(&crates.weights) < 1e-4, "{seed}");
        // Nothing is known of it, but the same is found.
        assert!(!any.is_certified() && any.lower_bound.is_none(), "{seed}: {any:?}");
        assert!((any.value - crates.value).abs() < 1e-9, "{seed}: {any:?} {crates:?}");
    }
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
    let exact = SimplexSolver::new().tolerance(1e-13);
    let additive = problem.plan.to_builder().solver(exact).build().unwrap();
    let growth = Growth { n: Rate::Linear, d: Rate::Sqrt };
    let path = additive.path(Scale { n: 1e8, d: 1e9 }, growth, &[1.0, 1e2, 1e4, 1e6]).unwrap();
    for choice in &path {
        let moved = choice.optimum.weights.iter().zip(path[0].optimum.weights.iter());
        let most = moved.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(most < 1e-9, "{most}");
        let value = additive.objective(choice.scale).unwrap().value(&path[0].optimum.weights);
        assert!((value.unwrap() - choice.optimum.value).abs() < 1e-9);
    }
    let (law, z) = joint();
    let plan = Plan::builder()
        .target(1.0, Predictor::new("text", law.clone(), &z).unwrap())
        .build()
        .unwrap();
    let weights = |n, d| plan.best(Scale { n, d }).unwrap().optimum.weights;
    let start = weights(1e8, 1e10);
    // Text costs tokens and spares size: more of it for more tokens, less for larger models.
    assert!(weights(1e8, 1e13)[0] > start[0] + 0.01);
    assert!(weights(1e11, 1e10)[0] < start[0] - 0.01);
    // Where all grow the limit is that of E(h) alone, where none of N is left that of D.
    let limit =
        plan.limit(Scale { n: 1e8, d: 1e10 }, Growth { n: Rate::Linear, d: Rate::Sqrt }).unwrap();
    let far = plan.best(Scale { n: 1e30, d: 1e30 }).unwrap();
    assert!(limit.optimum.weights.js_distance(&far.optimum.weights) < 1e-3);
    let of_n =
        plan.limit(Scale { n: 1e8, d: 1e10 }, Growth { n: Rate::Log, d: Rate::Constant }).unwrap();
    assert!(of_n.optimum.weights.js_distance(weights(1e40, 1e10)) < 1e-3);
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
    let plan = Plan::builder()
        .target(1.0, Predictor::new("text", law.clone(), &z).unwrap())
        .build()
        .unwrap();
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
    let above =
        |kind: &ErrorKind| matches!(kind, ErrorKind::Unreachable { floor, .. } if *floor > 1.0);
    assert!(error.is_unreachable() && above(error.kind()), "{error}");
    // With so many tokens as its price says, another mixture is as good.
    let other = Mixture::new(vec![0.5, 0.3, 0.2]).unwrap();
    let price = plan.price(Scale { n: 1e9, d: 1e10 }, &other).unwrap();
    let value = plan.objective(Scale { n: 1e9, d: price.tokens }).unwrap().value(&other).unwrap();
    assert!(price.tokens > 1e10 && price.value > price.best);
    assert!((value - price.best).abs() < 1e-9);
    assert_eq!(
        plan.price(Scale { n: 1e9, d: 1e20 }, Mixture::corner(3, 1)).unwrap().tokens,
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
                plan.to_builder()
                    .constraints(fixed)
                    .build()
                    .unwrap()
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
    let plan = Plan::builder()
        .target(1.0, Predictor::new("text", law.clone(), &z).unwrap())
        .target(1.0, Predictor::new("captions", law.clone(), &turned).unwrap())
        .build()
        .unwrap();
    let corners = plan.corners(Scale { n: 1e9, d: 1e11 }).unwrap();
    // What is best for one target has nothing to do with its weight or the goal.
    let weighed = Plan::builder()
        .goal(Goal::WorstExcess)
        .target(0.25, Predictor::new("text", law.clone(), &z).unwrap())
        .build()
        .unwrap();
    assert!(
        (weighed.corners(Scale { n: 1e9, d: 1e11 }).unwrap()[0].1.value - corners[0].1.value).abs()
            < 1e-9
    );
    let worst = plan
        .to_builder()
        .goal(Goal::WorstExcess)
        .build()
        .unwrap()
        .best(Scale { n: 1e9, d: 1e11 })
        .unwrap();
    let excesses: Vec<f64> =
        worst.losses.iter().zip(&corners).map(|((_, loss), (_, own))| loss - own.value).collect();
    assert!((excesses[0] - excesses[1]).abs() < 1e-7, "{excesses:?}");
    assert!((excesses[0] - worst.optimum.value).abs() < 1e-7);
    assert!(worst.optimum.is_certified());
    assert!(
        plan.to_builder()
            .goal(Goal::Worst)
            .build()
            .unwrap()
            .decompose(Scale { n: 1e9, d: 1e11 }, Mixture::uniform(3))
            .is_err()
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
    let plan = Plan::builder()
        .target(1.0, Predictor::new("b", law.clone(), &zb).unwrap())
        .target(1.0, Predictor::new("a", law.clone(), &za).unwrap())
        .build()
        .unwrap();
    let nearest =
        plan.best_for(Scale { n: 1e9, d: 1e11 }, &Mixture::new(vec![0.8, 0.2]).unwrap()).unwrap();
    assert!(nearest.best[0] > 0.5 && nearest.distance > 1e-3);
    let points = plan.fixed_points(Scale { n: 1e9, d: 1e11 }, 9).unwrap();
    let middle = points.iter().find(|p| (p.wanted[0] - 0.5).abs() < 1e-3).expect("the middle");
    assert!(middle.distance < 1e-3);
    let short = Predictor::new("a", law.clone(), &za[1..]).unwrap_err();
    assert_eq!(
        short.to_string(),
        "target `a`: the list of coordinates of the additive law has length 8, expected 9"
    );
    let apart = Plan::builder()
        .target(1.0, Predictor::new("c", law.clone(), &za).unwrap())
        .build()
        .unwrap();
    let error = apart.fixed_points(Scale { n: 1e9, d: 1e11 }, 4).unwrap_err();
    assert_eq!(error.to_string(), "the domains and the targets differ: a, b and c");
    let none = Plan::builder().build().unwrap_err();
    assert_eq!(none.to_string(), "a plan needs at least one target, got none");
}
