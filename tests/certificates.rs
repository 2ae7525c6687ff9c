//! What a certificate must not say, and calls that must end: steep, flat, huge and tiny objectives,
//! many domains, settings out of range, and random constraint sets against a grid.

#[path = "../benches/mixture_problems.rs"]
mod mixture_problems;

use mixlaw::law::{AdditiveLaw, ScalingLaw};
use mixlaw::optim::Termination;
use mixlaw::plan::{Goal, Penalty, Plan};
use mixlaw::simplex::{Certificate, Constraints, Region, SimplexObjective, SimplexSolver, Step};
use mixlaw::{Mixture, Optimum, Predictor, Scale, Sweep};
use mixture_problems::MixtureProblem;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
/// A function of k weights that is given as a closure, convex or not.
struct Function<F> {
    k: usize,
    convex: bool,
    function: F,
}

impl<F: FnMut(&[f64], &mut [f64]) -> f64 + Send> SimplexObjective for Function<F> {
    fn dim(&self) -> usize {
        self.k
    }

    fn value_gradient(&mut self, h: &[f64], g: &mut [f64]) -> f64 {
        (self.function)(h, g)
    }

    fn is_convex(&self) -> bool {
        self.convex
    }
}

/// `slope (|h_1 - 1| + the sum of all other weights) + level`: 2 slope (1 - h_1) + level.
fn kinked(
    k: usize,
    slope: f64,
    level: f64,
) -> Function<impl FnMut(&[f64], &mut [f64]) -> f64 + Send> {
    let function = move |h: &[f64], g: &mut [f64]| {
        g.fill(slope);
        g[1] = if h[1] < 1.0 { -slope } else { slope };
        let others: f64 = (0..k).filter(|i| *i != 1).map(|i| h[i]).sum();
        slope * ((h[1] - 1.0).abs() + others) + level
    };
    Function { k, convex: true, function }
}

/// What every optimum must be: inside the region, and worth what it says.
fn assert_belongs_together(
    best: &Optimum,
    objective: &mut dyn SimplexObjective,
    region: &Region,
    what: &str,
) {
    let h = best.weights.weights();
    assert!(region.violation(h) <= 1e-12, "{what}: outside by {:e}: {h:?}", region.violation(h));
    assert!((h.iter().sum::<f64>() - 1.0).abs() <= 1e-12, "{what}: {h:?}");
    let value = objective.value_gradient(h, &mut vec![0.0; h.len()]);
    let fine = (value - best.value).abs() <= 1e-13 * value.abs() || value == best.value;
    assert!(fine, "{what}: {} is said, {value} is the value at {h:?}", best.value);
    assert!(best.lower_bound.is_none_or(|bound| bound <= best.value), "{what}");
}

#[test]
fn weights_and_value_belong_together_after_steps_that_are_too_long() {
    let domains = ["a", "b", "c"].map(String::from);
    let region = Constraints::new().at_least("a", 0.35).region(&domains, 1e9).unwrap();
    for eta in [3325.7, 1e-3, 1e3, 1e200, 1e-9] {
        let solver = SimplexSolver::new().step(Step::Fixed(eta)).max_iterations(500);
        let mut objective = kinked(3, 1e9, 0.0);
        let best = solver.minimize_within(&mut objective, &region).unwrap();
        assert_belongs_together(&best, &mut objective, &region, &format!("{eta}"));
        // The least value: a at its bound, all others b.
        let least = 2e9 * 0.35;
        assert!(best.lower_bound.unwrap() <= least, "{eta}: {best:?}");
    }
}

#[test]
fn a_bound_allows_for_the_rounding_of_steep_slopes() {
    for slope in [1e3, 1e6, 1e9, 1e12] {
        for k in [2, 3, 5, 40] {
            let mut objective = kinked(k, slope, 1.0);
            for tolerance in [1e-10, 1e-5, 1e-14] {
                let best = SimplexSolver::new().tolerance(tolerance).minimize(&mut objective);
                // At h_1 = 1 the value is 1, and nowhere less.
                let bound = best.lower_bound.unwrap();
                assert!(bound <= 1.0, "{slope} {k}: {bound:.17} {best:?}");
                assert!(best.value - bound <= 1e-9 * slope.max(1.0), "{slope} {k}: {best:?}");
            }
            // Any mixture on the way there has the same bound.
            for steps in 1..30 {
                let solver = SimplexSolver::new().step(Step::Fixed(0.1 / slope));
                let best = solver.max_iterations(steps).minimize(&mut objective);
                let bound = best.lower_bound.unwrap();
                assert!(bound <= 1.0, "{slope} {k}, {steps} steps: {bound:.17} {best:?}");
                assert!(1.0 - bound <= 1e-12 * slope, "{slope} {k}: {best:?}");
            }
        }
    }
}

/// A law of k domains, and coordinates at which its loss is the same for all mixtures.
fn constant_losses(k: usize, c: f64) -> (AdditiveLaw, Vec<f64>) {
    let domains: Vec<String> = (0..k).map(|i| format!("d{i}")).collect();
    let law = AdditiveLaw::new(&domains, Scale::ONE).unwrap();
    // 1 / sum_i c h_i = 1 / c for every h.
    let z = law
        .coordinates()
        .iter()
        .map(|own| match own.name().split('[').next().unwrap() {
            "C" => c.ln(),
            "alpha" | "beta" => 0.3f64.ln(),
            "A" | "B" => 0.4f64.ln(),
            _ => 0.0,
        })
        .collect();
    (law, z)
}

#[test]
fn weights_sum_to_one_where_all_mixtures_are_alike() {
    for k in 2..12 {
        let (law, z) = constant_losses(k, 0.7 + 0.1 * k as f64);
        let (_, other) = constant_losses(k, 1.9);
        let limits = [
            Constraints::new(),
            Constraints::new().at_most("d0", 0.3).at_least("d1", 0.2),
            Constraints::new().group(&["d0", "d1"], 0.1, 0.7),
        ];
        for limits in limits {
            for goal in [Goal::Sum, Goal::Worst, Goal::WorstExcess] {
                for weight in [1.0, 1e-3, 1e6] {
                    let Ok(region) = limits.region(law.domains(), 1e10) else { continue };
                    let plan = Plan::builder()
                        .target(weight, Predictor::new("one", law.clone(), &z).unwrap())
                        .target(1.0, Predictor::new("two", law.clone(), &other).unwrap())
                        .goal(goal)
                        .constraints(limits.clone())
                        .build()
                        .unwrap();
                    let choice = plan.best(Scale { n: 1e9, d: 1e10 }).unwrap();
                    let what = format!("{k} {goal:?} {limits:?}");
                    let mut objective = plan.objective(Scale { n: 1e9, d: 1e10 }).unwrap();
                    assert_belongs_together(&choice.optimum, &mut objective, &region, &what);
                }
            }
        }
    }
}

#[test]
fn huge_and_tiny_objectives_end_as_ordinary_ones_do() {
    let problem = MixtureProblem::random("joint", 4, 3, 7);
    let limits = Constraints::new().group(&["d0", "d1"], 0.2, 0.6);
    let mut reference = None;
    for weight in [1.0, 1e200, 1e-200, 1e300, 1e-300, 1e-310] {
        // Differences between parts of the smallest numbers are rounding.
        for worst in [false, true].into_iter().filter(|worst| !worst || weight > 1e-307) {
            let goal = if worst { Goal::Worst } else { Goal::Sum };
            let plan = problem.with_equal_weights(weight).to_builder().goal(goal).build().unwrap();
            let mut objective = plan.objective(problem.scale).unwrap();
            let region = limits.region(objective.domains(), 1e10).unwrap();
            let best = SimplexSolver::new().minimize_within(&mut objective, &region).unwrap();
            assert!(best.iterations < 100_000, "{weight}: {}", best.iterations);
            assert_belongs_together(&best, &mut objective, &region, &format!("{weight} {worst}"));
            let loss = best.value / weight;
            let expected = reference.get_or_insert([loss, f64::NAN]);
            if worst && expected[1].is_nan() {
                expected[1] = loss;
            }
            let expected = expected[usize::from(worst)];
            // Numbers near the smallest one have few digits.
            let digits = if weight < 1e-307 { 1e-8 } else { 1e-9 };
            assert!((loss - expected).abs() <= digits * expected, "{weight}: {loss} {expected}");
        }
    }
}

#[test]
fn flat_and_steep_functions_of_ones_own_end() {
    for scale in [5e-324, 1e-310, 5.6e-309, 1e-300, 1e-200, 1e200, 1e300] {
        let function = move |h: &[f64], g: &mut [f64]| {
            g.copy_from_slice(&[scale, 2.0 * scale, 3.0 * scale]);
            h.iter().zip(&*g).map(|(h, g)| h * g).sum()
        };
        let mut objective = Function { k: 3, convex: true, function };
        for solver in [SimplexSolver::new(), SimplexSolver::new().tolerance(0.0)] {
            let best = solver.minimize(&mut objective);
            assert!(best.iterations < 20_000, "{scale}: {}", best.iterations);
            assert_eq!(best.weights.weights(), [1.0, 0.0, 0.0], "{scale}");
            assert!(best.lower_bound.unwrap() <= scale);
        }
    }
    // Smallest N and D that there are: the loss is infinite or all but.
    let problem = MixtureProblem::random("joint", 3, 3, 1);
    for (n, d) in [(5e-324, 1e10), (1e9, 5e-324), (1e-300, 1e-300)] {
        for goal in [Goal::Sum, Goal::Worst, Goal::WorstExcess] {
            let plan = problem.plan.to_builder().goal(goal).build().unwrap();
            if let Ok(choice) = plan.best(Scale { n, d }) {
                assert!(choice.optimum.value.is_finite(), "{choice:?}");
            }
        }
    }
}

#[test]
fn the_worst_excess_of_one_target_costs_about_what_its_loss_does() {
    for seed in 0..12 {
        let problem = MixtureProblem::random("joint", 4, 1, seed);
        let plan = problem.with_equal_weights(1.0);
        let own = plan.best(problem.scale).unwrap().optimum;
        let excess = plan
            .to_builder()
            .goal(Goal::WorstExcess)
            .build()
            .unwrap()
            .best(problem.scale)
            .unwrap()
            .optimum;
        assert!(
            excess.iterations <= 2 * own.iterations + 50,
            "{seed}: {} iterations, {} for the loss itself",
            excess.iterations,
            own.iterations
        );
        assert!(excess.is_certified() && excess.value.abs() < 1e-9, "{seed}: {excess:?}");
    }
}

#[test]
fn settings_out_of_range_are_errors() {
    let mut objective = kinked(3, 1.0, 0.0);
    let region = Region::simplex(3);
    let new = SimplexSolver::new;
    for (solver, message) in [
        (new().tolerance(f64::NAN), "tolerance is NaN, expected a finite number >= 0"),
        (new().tolerance(f64::INFINITY), "tolerance is inf, expected a finite number >= 0"),
        (new().tolerance(-1e-9), "tolerance is -1e-9, expected a finite number >= 0"),
        (new().step(Step::Fixed(0.0)), "the fixed step is 0, expected a finite number > 0"),
        (new().step(Step::Fixed(f64::NAN)), "the fixed step is NaN, expected a finite number > 0"),
        (
            new().step(Step::Fixed(f64::INFINITY)),
            "the fixed step is inf, expected a finite number > 0",
        ),
        (new().max_iterations(0), "max_iterations is 0, expected at least 1"),
    ] {
        let error = solver.minimize_within(&mut objective, &region).unwrap_err();
        assert_eq!(error.to_string(), message);
        let best = solver.minimize(&mut objective);
        assert_eq!(best.termination, Termination::InvalidSetting, "{message}");
        assert_eq!((best.iterations, best.lower_bound), (0, None), "{message}");
        assert!(!best.is_certified() && best.certificate == Certificate::Local { optima: 0 });
        assert_belongs_together(&best, &mut objective, &region, message);
    }
}

#[test]
fn a_mixture_of_rounded_weights_is_within_what_it_keeps() {
    // Sums that `Mixture` accepts are accepted by regions.
    let thirds = Mixture::new(vec![0.3333333, 0.6666666]).unwrap();
    assert!(Region::simplex(2).contains(&thirds));
    let domains = ["a", "b", "c"].map(String::from);
    let bound = Constraints::new().at_most("a", 1.0 / 3.0).region(&domains, 1e9).unwrap();
    assert!(bound.contains(Mixture::new(vec![0.3333337, 0.3333333, 0.333333]).unwrap()));
    assert!(!bound.contains(Mixture::new(vec![0.33334, 0.33333, 0.33333]).unwrap()));
    // The box of one mixture whose sum is off by rounding.
    let h = [0.333333, 0.333333, 0.333333];
    let sweep = Sweep::new(&["a", "b", "c"], &["t"], &[1e8], &[1e9], &h, &[3.0]).unwrap();
    let limits = Constraints::new().trained_box(&sweep, 0.0);
    let region = limits.region(&domains, 1e9).unwrap();
    assert!(region.contains(Mixture::new(h.to_vec()).unwrap()));
    let best = SimplexSolver::new().minimize_within(&mut kinked(3, 1.0, 0.0), &region).unwrap();
    assert_belongs_together(&best, &mut kinked(3, 1.0, 0.0), &region, "a box of one mixture");
}

#[test]
fn what_is_not_a_number_is_refused_by_name() {
    let (law, mut z) = constant_losses(2, 1.0);
    for weight in [f64::NAN, 0.0, -1.0, f64::INFINITY] {
        let target = Predictor::new("python", law.clone(), &z).unwrap();
        let error = Plan::builder().target(weight, target).build().unwrap_err().to_string();
        let expected =
            format!("the weight of target `python` is {weight}, expected a finite number > 0");
        assert_eq!(error, expected);
    }
    for wrong in [f64::NAN, f64::INFINITY] {
        z[1] = wrong;
        let error = Predictor::new("python", law.clone(), &z).unwrap_err().to_string();
        let expected = format!(
            "target `python`: coordinate `C[d0]` of the additive law is {wrong}, expected a finite number"
        );
        assert_eq!(error, expected);
    }
}

#[test]
fn no_domains_are_an_error() {
    let none: [&str; 0] = [];
    let error = Constraints::new().region(&none, 1e9).unwrap_err();
    assert_eq!(error.to_string(), "a region needs at least one domain, got none");
    let error = Constraints::new().region(&["a", "b", "a"], 1e9).unwrap_err();
    assert_eq!(error.to_string(), "domain `a` appears twice");
    let error = Plan::builder().build().unwrap_err();
    assert_eq!(error.to_string(), "a plan needs at least one target, got none");
    let error = Predictor::from_fn("t", &none, |_, _, _| 1.0).unwrap_err();
    assert!(error.to_string().contains("needs at least one domain"), "{error}");
}

#[test]
fn a_strong_penalty_costs_a_bound_no_digit_too_many() {
    let problem = MixtureProblem::random("additive", 3, 1, 0);
    let grid = Mixture::grid(3, 50, 0.0).unwrap();
    for strength in [1e-3, 1.0, 1e4, 1e9, 1e12] {
        for i in [3, 400, 700, 1000] {
            // On the grid, which is next to the best where the penalty is strong.
            let prior = Mixture::new(grid[i].iter().map(|h| h * 0.97 + 0.01).collect::<Vec<_>>());
            let prior = prior.unwrap();
            let named: Vec<(&String, f64)> =
                problem.plan.domains().iter().zip(prior.iter().copied()).collect();
            for penalty in [Penalty::js(strength, &named), Penalty::kl(strength, &named)] {
                let plan = problem.plan.to_builder().penalty(penalty).build().unwrap();
                let mut objective = plan.objective(problem.scale).unwrap();
                let best = SimplexSolver::new().minimize(&mut objective);
                let bound = best.lower_bound.unwrap();
                // Beyond that, values differ by rounding long before the best mixture.
                let start = objective.value(Mixture::uniform(3)).unwrap();
                let close = best.value - bound <= 2e-10 * start;
                assert!(close || strength > 1e4, "{strength}: {best:?}");
                // Mixtures around the best one, all next to the bound.
                for step in [0.0, 1e-9, 1e-7, 1e-5, 1e-3] {
                    for (a, b) in [(0, 1), (1, 2), (2, 0), (1, 0)] {
                        let mut h = best.weights.to_vec();
                        h[a] += step * h[b];
                        h[b] -= step * h[b];
                        let value = objective.value(&h).unwrap();
                        assert!(bound <= value, "{strength} {i}: {value} at {h:?}, {bound}");
                    }
                }
            }
        }
    }
}

#[test]
fn extreme_constraints_are_kept_or_refused() {
    let domains = ["a", "b", "c"].map(String::from);
    let extremes = [0.0, 5e-324, 1e-300, 1e-13, 1e-12, 0.5, 1.0 - 1e-13, 1.0, 1e300, f64::INFINITY];
    let mut objective = kinked(3, 1.0, 1.0);
    let mut kept = 0;
    for x in extremes {
        for y in extremes {
            for d in [5e-324, 1e10, 1e300, f64::INFINITY] {
                let limits = Constraints::new().epochs("b", x, y).epochs("b", y, x);
                let with_bounds = if x <= 1.0 && y <= 1.0 {
                    limits.clone().at_least("a", x).at_most("c", y).group(
                        &["a", "b"],
                        x.min(y),
                        1.0,
                    )
                } else {
                    limits.clone()
                };
                for limits in [limits, with_bounds] {
                    let Ok(region) = limits.region(&domains, d) else { continue };
                    let best =
                        SimplexSolver::new().minimize_within(&mut objective, &region).unwrap();
                    assert_belongs_together(&best, &mut objective, &region, &format!("{limits:?}"));
                    kept += 1;
                }
            }
        }
    }
    assert!(kept > 400, "{kept}");
}

/// Random limits that some mixtures of a grid keep: bounds, groups and epochs.
fn random_limits(k: usize, rng: &mut Xoshiro256PlusPlus) -> Constraints {
    let mut limits = Constraints::new();
    // Multiples of a twentieth are met by mixtures of the grid with equality.
    let tenth =
        |rng: &mut Xoshiro256PlusPlus, most: u32| f64::from(rng.random_range(0..most)) / 20.0;
    for _ in 0..rng.random_range(0..4) {
        let name = format!("d{}", rng.random_range(0..k));
        limits = match rng.random_range(0..4) {
            0 => limits.at_least(name, tenth(rng, 6)),
            1 => limits.at_most(name, 0.3 + tenth(rng, 12)),
            2 => limits.epochs(name, 1e10 * (0.2 + tenth(rng, 10)), 1.0),
            _ => {
                let members: Vec<String> =
                    (0..k).filter(|_| rng.random()).map(|i| format!("d{i}")).collect();
                let low = tenth(rng, 12);
                if members.is_empty() { limits } else { limits.group(&members, low, low + 0.35) }
            }
        };
    }
    limits
}

#[test]
fn no_mixture_of_a_grid_is_below_a_bound() {
    let grids = [(3, 60), (4, 20)].map(|(k, steps)| Mixture::grid(k, steps, 0.0).unwrap());
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(11);
    let (mut solved, mut certified, mut refused, mut compared) = (0, 0, 0, 0);
    for seed in 0..360u64 {
        let k = 3 + seed as usize % 2;
        let law = mixture_problems::LAWS[seed as usize % 4];
        let problem = MixtureProblem::random(law, k, 1 + seed as usize % 3, seed);
        let goal = [Goal::Sum, Goal::Worst, Goal::WorstExcess][rng.random_range(0..3)];
        let limits = random_limits(k, &mut rng);
        // Short calls have a bound too, and it must hold as well.
        let solver = match seed % 5 {
            0 => SimplexSolver::new().budget(rng.random_range(1..100_000)),
            1 => SimplexSolver::new().step(Step::Fixed(0.3)).max_iterations(200).max_cells(7),
            _ => SimplexSolver::new(),
        };
        let builder = problem.plan.to_builder().goal(goal).constraints(limits.clone());
        let names: Vec<String> = (0..k).map(|i| format!("d{i}")).collect();
        let inside = |region: &Region| {
            let keeps = |h: &&Mixture| region.violation(h) <= 1e-15;
            grids[k - 3].iter().filter(keeps).collect::<Vec<_>>()
        };
        let (n, d) = (problem.scale.n, 1e10);
        let region = match limits.region(&names, d) {
            Ok(region) => region,
            Err(error) => {
                assert!(error.is_infeasible(), "{seed}: {error}");
                // That is known as the plan is built, but for what depends on the tokens.
                let refused_too = match builder.build() {
                    Ok(plan) => plan.best(Scale { n, d }).map(drop),
                    Err(error) => Err(error),
                };
                assert!(refused_too.unwrap_err().is_infeasible(), "{seed}");
                refused += 1;
                continue;
            }
        };
        let plan = builder.solver(solver).build().unwrap();
        let mut objective = plan.objective(Scale { n, d }).unwrap();
        let best = plan.best(Scale { n, d }).unwrap().optimum;
        let what = format!("{seed} {law} {goal:?} {limits:?}");
        // References of worst excesses are found twice, and may differ by the rounding of a loss.
        let room = if goal == Goal::WorstExcess { 1e-15 } else { 0.0 };
        let h = best.weights.weights();
        assert!(region.violation(h) <= 1e-12, "{what}: {h:?}");
        let value = objective.value(h).unwrap();
        assert!((value - best.value).abs() <= 1e-13 * value.abs().max(1.0), "{what}");
        for h in inside(&region) {
            let value = objective.value(h).unwrap();
            compared += 1;
            let bound = best.lower_bound.unwrap_or(f64::NEG_INFINITY);
            assert!(bound <= value + room, "{what}: {value} at {h:?}, below the bound {bound}");
            let fine = !best.is_certified() || best.value <= value + 1e-9 * value.abs().max(1.0);
            assert!(fine, "{what}: {value} at {h:?}, certified is {}", best.value);
        }
        solved += 1;
        certified += usize::from(best.is_certified());
    }
    println!("{solved} solved, {certified} certified, {refused} refused, {compared} compared");
    assert!(
        solved > 200 && certified > 100 && compared > 50_000,
        "{solved} {certified} {compared}"
    );
}

#[test]
fn default_calls_end_and_repeat() {
    // Each took from 20 s to minutes when only iterations and cells were counted.
    for (law, k, targets, worst, limited) in [
        ("joint", 20, 3, true, true),
        ("joint", 8, 3, true, false),
        ("joint", 300, 1, false, false),
        ("joint", 300, 20, true, true),
        ("full", 300, 1, false, false),
        ("full", 300, 20, false, true),
    ] {
        let problem = MixtureProblem::random(law, k, targets, 0);
        let goal = if worst { Goal::Worst } else { Goal::Sum };
        let plan = problem.plan.to_builder().goal(goal).build().unwrap();
        let mut objective = plan.objective(problem.scale).unwrap();
        let limits = match limited {
            true => Constraints::new().epochs("d0", 1e9, 4.0).group(&["d1", "d2"], 0.05, 0.5),
            false => Constraints::new(),
        };
        let region = limits.region(objective.domains(), problem.scale.d).unwrap();
        for budget in [2_000_000, 200_000_000].into_iter().take(1 + usize::from(targets != 20)) {
            // The larger one is the default.
            let solver = match budget {
                200_000_000 => SimplexSolver::new(),
                _ => SimplexSolver::new().budget(budget),
            };
            let best = solver.minimize_within(&mut objective, &region).unwrap();
            assert_belongs_together(&best, &mut objective, &region, law);
            if budget == 2_000_000 {
                let again = solver.minimize_within(&mut objective, &region).unwrap();
                assert_eq!(best, again, "{law} {k} {targets}");
            }
        }
    }
}
