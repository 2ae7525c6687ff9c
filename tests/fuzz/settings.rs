//! Settings of all builders, with NaN, infinities, zero, and numbers of all sizes. What asks for endless
//! work is stopped by an observer.

use std::ops::ControlFlow;

use mixlaw::law::{self, AdditiveLaw, LawSettings, ScalingLaw};
use mixlaw::optim::{
    BasinHopping, Control, Lbfgs, MultiStart, Objective, Optimizer, Progress, Sequence,
    SmoothFirst, Termination, TrustRegion,
};
use mixlaw::plan::{Budget, Criterion, Extrapolation, Goal, Growth, Penalty, Plan, Rate, Run};
use mixlaw::selection::{Candidate, LearningCurve, Selection};
use mixlaw::simplex::{Constraints, Region, SimplexObjective, SimplexSolver, Step};
use mixlaw::sweep::Noise;
use mixlaw::uncertainty::{Bootstrap, Probe, Unit};
use mixlaw::{Fit, Fitter, Mixture, Predictor, Scale, Sweep};
use rand::RngExt;
use rand::rngs::Xoshiro256PlusPlus as Random;

use crate::data::{NAMES, coordinates, count, mixture, mostly, number, pick, sweep};
use crate::harness::{Tally, campaign, check_message};

/// Breaks after so many calls.
fn patience(calls: usize) -> impl FnMut(&Progress) -> ControlFlow<()> + Send + 'static {
    let mut left = calls;
    move |_| {
        left = left.saturating_sub(1);
        if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

struct Bowl(Vec<(f64, f64)>);

impl Objective for Bowl {
    fn dim(&self) -> usize {
        self.0.len()
    }

    fn value_gradient(&mut self, x: &[f64], g: &mut [f64]) -> f64 {
        for (x, g) in x.iter().zip(g.iter_mut()) {
            *g = 2.0 * (x - 0.3);
        }
        x.iter().map(|x| (x - 0.3).powi(2)).sum::<f64>() + 1.0
    }

    fn bounds(&self, i: usize) -> (f64, f64) {
        self.0[i]
    }
}

fn local(rng: &mut Random) -> Box<dyn Optimizer> {
    if rng.random() {
        let optimizer = TrustRegion::default().max_iterations(mostly(rng, 100, count));
        Box::new(optimizer.tolerance(mostly(rng, 1e-9, number)))
    } else {
        let optimizer = Lbfgs::default().max_iterations(mostly(rng, 100, count));
        let optimizer = optimizer.tolerance(mostly(rng, 1e-9, number));
        Box::new(optimizer.memory(mostly(rng, 8, count)))
    }
}

fn optimizer(rng: &mut Random) -> Box<dyn Optimizer> {
    match rng.random_range(0..7) {
        0 => Box::new(MultiStart::new(local(rng), count(rng))),
        1 => {
            let few = rng.random_range(0..5);
            Box::new(MultiStart::new(local(rng), few).shortlist(count(rng), local(rng)))
        }
        2 => {
            let hopping = BasinHopping::new(local(rng)).hops(mostly(rng, 3, count));
            let hopping = hopping.step(mostly(rng, 0.5, number));
            Box::new(hopping.temperature(mostly(rng, 1.0, number)))
        }
        3 => Box::new(Sequence::new(local(rng), local(rng))),
        4 => Box::new(SmoothFirst::new(local(rng), local(rng))),
        5 => {
            let points =
                (0..rng.random_range(0..4)).map(|_| vec![number(rng), number(rng)]).collect();
            Box::new(MultiStart::from_points(local(rng), points))
        }
        _ => local(rng),
    }
}

fn optimizers(rng: &mut Random, tally: &mut Tally) {
    let optimizer = optimizer(rng);
    let bounds = (0..2)
        .map(|_| match rng.random_range(0..3) {
            0 => (f64::NEG_INFINITY, f64::INFINITY),
            1 => (-1.0, 0.2),
            _ => (0.5, 0.5),
        })
        .collect();
    let mut objective = Bowl(bounds);
    let start = [mostly(rng, 2.0, number), mostly(rng, -2.0, number)];
    let observer = patience(rng.random_range(1..300));
    let mut control = Control::seeded(rng.random()).observe(observer);
    let found = optimizer.minimize(&mut objective, &start, &mut control);
    if let Err(error) = optimizer.check() {
        check_message(&error);
        tally.count("refused");
        assert_eq!(found.termination, Termination::InvalidSetting, "{error}: {optimizer:?}");
        return;
    }
    tally.count("minima");
    assert_ne!(found.termination, Termination::InvalidSetting, "{optimizer:?}");
    if found.x.iter().any(|x| x.is_nan()) && !found.value.is_finite() {
        // The start, or a listed one, is nowhere, and so is the result.
        return;
    }
    let inside =
        found.x.iter().zip(&objective.0).all(|(x, (lower, upper))| lower <= x && x <= upper);
    assert!(inside, "{:?} is outside of {:?}: {optimizer:?}", found.x, objective.0);
}

/// Rows to fit, few of them.
fn rows(rng: &mut Random) -> Sweep {
    let k = rng.random_range(1..4);
    sweep(rng, k, 1)
}

fn fitted(rng: &mut Random, rows: &Sweep) -> Fit {
    let law = AdditiveLaw::for_sweep(rows);
    Fitter::new().starts(1).seed(rng.random()).fit(law, rows, "web").expect("a sweep of this law")
}

/// Now and then the noise of a few repeats, mostly of the target and domains of [`rows`].
fn noise(rng: &mut Random) -> Option<Noise> {
    if rng.random_bool(0.7) {
        return None;
    }
    let k = rng.random_range(1..4);
    let target = mostly(rng, "web", |rng| pick(rng, &["code", ""]));
    let (h, count) = (mixture(rng, k), rng.random_range(1..12));
    let h: Vec<f64> = h.repeat(count);
    let losses: Vec<f64> = (0..count).map(|_| mostly(rng, 3.0, number)).collect();
    let names: Vec<String> = (0..count).map(|i| i.to_string()).collect();
    let builder = Sweep::builder(&NAMES[..k], &[target]).runs(&names);
    builder.build(&vec![1e8; count], &vec![1e9; count], &h, &losses).ok()?.noise(target).ok()
}

/// The rows with a column of planned tokens, where these are numbers.
fn planned(rng: &mut Random, rows: Sweep) -> Sweep {
    let odd = rng.random_bool(0.5);
    let tokens: Vec<f64> =
        rows.d().iter().map(|d| if odd { number(rng) } else { 2.0 * d }).collect();
    rows.clone().with_column("planned", &tokens).unwrap_or(rows)
}

fn fitter(rng: &mut Random, rows: &Sweep) -> Fitter {
    let mut fitter = Fitter::new().seed(rng.random());
    fitter = match rng.random_range(0..3) {
        0 => fitter.optimizer(optimizer(rng)),
        1 => fitter.starts(count(rng)),
        _ => fitter.starts(1),
    };
    if rng.random_bool(0.3) {
        fitter = fitter.delta(number(rng));
    }
    if rng.random_bool(0.2) {
        fitter = fitter.weigh_by_compute(number(rng));
    }
    if rng.random_bool(0.2) {
        fitter = fitter.weigh_by_schedule(pick(rng, &["planned", "nothing"]), number(rng));
    }
    if let Some(noise) = noise(rng) {
        fitter = fitter.weigh_by_noise(noise);
    }
    if rng.random_bool(0.3) {
        let length = mostly(rng, rows.len(), |rng| rng.random_range(0..40));
        let odd = rng.random_bool(0.5);
        let weight = |_| if odd { number(rng) } else { rng.random_range(0.0..2.0) };
        fitter = fitter.row_weights((0..length).map(weight).collect::<Vec<_>>());
    }
    for _ in 0..rng.random_range(0..3) {
        let name =
            pick(rng, &["E", "A", "alpha", "B", "beta", "C[web]", "gamma[web]", "", "nothing"]);
        fitter = if rng.random() {
            fitter.bound(name, number(rng), number(rng))
        } else {
            fitter.fix(name, number(rng))
        };
    }
    fitter
}

fn fits(rng: &mut Random, tally: &mut Tally) {
    let rows = rows(rng);
    let rows = planned(rng, rows);
    tally.answer("late checkpoints", rows.late_checkpoints("planned", number(rng)));
    let fitter = fitter(rng, &rows);
    let law =
        crate::data::law(rng, rows.domains().len(), &["additive", "joint", "simple"], rows.scale());
    let observer = patience(rng.random_range(1..300));
    let fit = fitter.clone().observe(observer).fit(law, &rows, "web");
    let Some(fit) = tally.answer("fits", fit) else { return };
    assert!(fit.objective() >= 0.0, "a fit with the objective {}: {fitter:?}", fit.objective());
    assert!(fit.coordinates().iter().all(|z| z.is_finite()), "{:?}: {fitter:?}", fit.coordinates());
    tally.answer(
        "predictions",
        fit.predict(Scale { n: number(rng), d: number(rng) }, mixture(rng, rows.domains().len())),
    );
    tally.answer("evaluations", fit.evaluate(&rows));
    let name = pick(rng, &["E", "alpha"]);
    assert!(fit.coefficient(name).is_some_and(|value| !value.is_nan()), "{name}: {fit:?}");
}

fn resamples(rng: &mut Random, tally: &mut Tally) {
    let rows = rows(rng);
    let fit = fitted(rng, &rows);
    let observer = patience(rng.random_range(1..40));
    match rng.random_range(0..4) {
        0 => {
            let bootstrap = Bootstrap::new(mostly(rng, 20, count)).seed(rng.random());
            let bootstrap = bootstrap.unit(pick(rng, &[Unit::Run, Unit::Mixture]));
            let bootstrap = noise(rng).into_iter().fold(bootstrap, Bootstrap::noise);
            let answer = bootstrap.observe(observer).run(&fit, &rows);
            let Some(resamples) = tally.answer("bootstraps", answer) else { return };
            let h = mixture(rng, rows.domains().len());
            let (n, d) = (mostly(rng, 1e9, number), mostly(rng, 1e10, number));
            tally.answer("intervals", resamples.interval(Scale { n, d }, &h, number(rng)));
            tally.answer(
                "intervals",
                resamples.prediction_interval(Scale { n, d }, &h, number(rng)),
            );
            tally.answer("intervals", resamples.coefficients(number(rng)));
            tally.answer("intervals", resamples.residuals(number(rng)));
        }
        1 => {
            let probe = Probe::new().starts(mostly(rng, 2, count)).seed(rng.random());
            let probe = probe.within(mostly(rng, 0.1, number));
            tally.answer("probes", probe.observe(observer).run(&fit, &rows));
        }
        2 => {
            let candidate = Candidate::new(AdditiveLaw::for_sweep(&rows), Fitter::new().starts(1));
            let mut selection = Selection::new().folds(mostly(rng, 2, count));
            if rng.random_bool(0.5) {
                selection = selection.mixtures(count(rng), count(rng));
            }
            selection = selection.seed(rng.random());
            if rng.random_bool(0.9) {
                selection = selection.candidate(candidate);
            }
            tally.answer("selections", selection.observe(observer).run(&rows, "web"));
        }
        _ => {
            let candidate = Candidate::new(AdditiveLaw::for_sweep(&rows), Fitter::new().starts(1));
            let sizes: Vec<usize> = (0..rng.random_range(0..3)).map(|_| count(rng)).collect();
            let draws = mostly(rng, 2, count);
            let curve = LearningCurve::new(sizes).repeats(draws).seed(1).observe(observer);
            tally.answer("learning curves", curve.run(&candidate, &rows, "web"));
        }
    }
}

/// The squared distance to the first corner.
struct Near(usize);

impl SimplexObjective for Near {
    fn dim(&self) -> usize {
        self.0
    }

    fn value_gradient(&mut self, h: &[f64], g: &mut [f64]) -> f64 {
        g.iter_mut().zip(h).enumerate().for_each(|(i, (g, h))| *g = 2.0 * (h - f64::from(i == 0)));
        h.iter().enumerate().map(|(i, h)| (h - f64::from(i == 0)).powi(2)).sum()
    }

    fn is_convex(&self) -> bool {
        true
    }
}

fn solver(rng: &mut Random, k: usize) -> SimplexSolver {
    let mut solver = SimplexSolver::new().max_cells(pick(rng, &[0, 1, 100]));
    if rng.random_bool(0.3) {
        solver = solver.tolerance(number(rng));
    }
    if rng.random_bool(0.3) {
        solver = solver.max_iterations(rng.random_range(0..2_000));
    }
    if rng.random_bool(0.3) {
        solver = solver.step(Step::Fixed(number(rng)));
    }
    if rng.random_bool(0.2) {
        let k = mostly(rng, k, |rng| rng.random_range(1..5));
        solver = solver.start(mixture(rng, k));
    }
    solver
}

fn solvers(rng: &mut Random, tally: &mut Tally) {
    let k = rng.random_range(1..5);
    let solver = solver(rng, k);
    let other = mostly(rng, k, |rng| rng.random_range(1..6));
    let found = solver.minimize_within(&mut Near(k), &Region::simplex(other));
    let Some(found) = tally.answer("optima", found) else { return };
    let sum: f64 = found.weights.iter().sum();
    assert!((sum - 1.0).abs() <= 1e-12, "weights with a sum of 1 + {:e}: {solver:?}", sum - 1.0);
    // The least is zero, in the first corner.
    assert!(found.lower_bound.is_none_or(|bound| bound <= 1e-15), "{found:?}: {solver:?}");
}

fn constraints(rng: &mut Random, k: usize) -> Constraints {
    let mut list = Constraints::new();
    for _ in 0..rng.random_range(0..4) {
        let name = mostly(rng, NAMES[0], |rng| pick(rng, &["code", "", "nothing"]));
        let value = mostly(rng, 0.5, number);
        list = match rng.random_range(0..4) {
            0 => list.at_least(name, value * 0.2),
            1 => list.at_most(name, value),
            2 => {
                let names: Vec<&str> =
                    (0..rng.random_range(0..4)).map(|_| NAMES[rng.random_range(0..k)]).collect();
                list.group(&names, number(rng), value)
            }
            _ => list.epochs(name, number(rng), value),
        };
    }
    list
}

fn budget(rng: &mut Random) -> Budget<'static> {
    let odd = number(rng);
    let budget = match rng.random_range(0..6) {
        0 => Budget::new(move |_| odd),
        1 => Budget::new(|at| -at.n * at.d),
        2 => Budget::new(|at| (at.n * at.d).powi(40)),
        3 => Budget::new(move |at| if at.n > 1e9 { odd } else { 6.0 * at.n * at.d }),
        _ => Budget::flops(),
    };
    let budget =
        if rng.random_bool(0.7) { budget } else { budget.sizes(number(rng)..=number(rng)) };
    if rng.random_bool(0.7) { budget } else { budget.tokens(number(rng)..=number(rng)) }
}

fn plans(rng: &mut Random, tally: &mut Tally) {
    let k = rng.random_range(1..4);
    let scales = Scale { n: 1e8, d: 1e9 };
    let names = ["additive", "joint", "simple", "chinchilla", "full"];
    let laws: Vec<_> = (0..2).map(|_| crate::data::law(rng, k, &names, scales)).collect();
    let mut z: Vec<Vec<f64>> = laws.iter().map(|law| coordinates(rng, &**law)).collect();
    if rng.random_bool(0.1) {
        z[0][0] = number(rng);
    }
    let mut plan = Plan::builder().goal(pick(rng, &[Goal::Sum, Goal::Worst, Goal::WorstExcess]));
    for (i, (law, z)) in laws.iter().zip(&z).enumerate().take(pick(rng, &[0, 1, 1, 1, 2])) {
        let name = mostly(rng, NAMES[i], |_| "web");
        let target = tally.answer("predictors", Predictor::new(name, law.clone(), z));
        let Some(target) = target else { return };
        plan = plan.target(mostly(rng, 1.0, number), target);
    }
    if rng.random_bool(0.3) {
        plan = plan.constraints(constraints(rng, k));
    }
    if rng.random_bool(0.2) {
        let k = mostly(rng, k, |rng| rng.random_range(1..5));
        let (strength, prior) = (mostly(rng, 0.1, number), mixture(rng, k));
        let prior: Vec<(&str, f64)> = NAMES.iter().copied().zip(prior.iter().copied()).collect();
        plan = plan.penalty(if rng.random() {
            Penalty::kl(strength, &prior)
        } else {
            Penalty::js(strength, &prior)
        });
    }
    plan = plan.solver(if rng.random_bool(0.3) {
        solver(rng, k)
    } else {
        SimplexSolver::new().max_cells(100)
    });
    let Some(plan) = tally.answer("plans", plan.build()) else { return };
    let (n, d) = (mostly(rng, 1e9, number), mostly(rng, 2e10, number));
    let domains = mostly(rng, k, |rng| rng.random_range(1..5));
    let h = mixture(rng, domains);
    let rates = [Rate::Linear, Rate::Log, Rate::Sqrt, Rate::Constant];
    let growth = Growth { n: pick(rng, &rates), d: pick(rng, &rates) };
    match rng.random_range(0..10) {
        0 => drop(tally.answer("corners", plan.corners(Scale { n, d }))),
        1 => drop(tally.answer("decompositions", plan.decompose(Scale { n, d }, &h))),
        2 => drop(tally.answer("prices", plan.price(Scale { n, d }, &h))),
        3 => drop(tally.answer("maps", plan.best_for(Scale { n, d }, &h))),
        4 => {
            let steps = mostly(rng, 3, count);
            drop(tally.answer("fixed points", plan.fixed_points(Scale { n, d }, steps)));
        }
        5 => {
            let times: Vec<f64> = (0..rng.random_range(0..4)).map(|_| number(rng)).collect();
            drop(tally.answer("paths", plan.path(Scale { n, d }, growth, &times)));
            drop(tally.answer("limits", plan.limit(Scale { n, d }, growth)));
        }
        6 => {
            let amount = mostly(rng, 1e20, number);
            let answer = plan.within_budget(amount, &budget(rng));
            if let Some(choice) = tally.answer("budgets", answer) {
                assert!(
                    choice.scale.n.is_finite()
                        && choice.scale.d.is_finite()
                        && choice.optimum.value.is_finite()
                );
            }
        }
        7 => {
            let value = mostly(rng, 2.5, number);
            if let Some((amount, choice)) =
                tally.answer("budgets", plan.least_budget(value, &budget(rng)))
            {
                assert!(!amount.is_nan(), "an amount of NaN");
                let least = choice.optimum.value;
                assert!(
                    least <= value + 1e-6 * value.abs(),
                    "{value} for {amount:e}, but it is {least}"
                );
            }
        }
        _ => {
            let Some(choice) = tally.answer("choices", plan.best(Scale { n, d })) else { return };
            let optimum = &choice.optimum;
            assert!(optimum.value.is_finite(), "a choice worth {}: {plan:?}", optimum.value);
            let sum: f64 = optimum.weights.iter().sum();
            assert!(
                (sum - 1.0).abs() <= 1e-12,
                "weights with a sum of 1 + {:e}: {plan:?}",
                sum - 1.0
            );
            assert!(optimum.lower_bound.is_none_or(|bound| bound <= optimum.value), "{optimum:?}");
            tally.answer("ranges", plan.ranges(&choice, number(rng)));
            tally.answer("advantages", plan.advantage(&choice, &h, number(rng)));
            tally.answer("certainties", plan.certainty(&choice));
            let runs = [Run { scale: Scale { n: number(rng), d: number(rng) }, h: h.clone() }];
            tally.answer(
                "next runs",
                plan.next_runs(&choice, &runs, count(rng), Criterion::Decision),
            );
            tally.answer("extrapolations", Extrapolation::of(&choice, &sweep(rng, k, 1)));
        }
    }
}

fn designs(rng: &mut Random, tally: &mut Tally) {
    let k = rng.random_range(0..5);
    let list: Vec<f64> = (0..k).map(|_| mostly(rng, 1.0 / k as f64, number)).collect();
    match rng.random_range(0..6) {
        0 => drop(tally.answer("mixtures", Mixture::new(list))),
        1 => {
            let steps = mostly(rng, 4, count);
            let k = mostly(rng, k, count);
            drop(tally.answer("grids", Mixture::grid(k, steps, mostly(rng, 0.0, number))));
        }
        2 => {
            let draws = mostly(rng, 3, count);
            drop(tally.answer("draws", Mixture::dirichlet(&list, draws, rng.random())));
        }
        3 => {
            let names = &NAMES[..k];
            let named: Vec<(&str, f64)> = (0..k).map(|i| (pick(rng, &NAMES), list[i])).collect();
            drop(tally.answer("mixtures", Mixture::from_named(names, &named)));
        }
        4 => {
            let names: Vec<&str> =
                (0..k).map(|_| pick(rng, &["web", "code", "", "a,b", "\n"])).collect();
            let scales = Scale { n: mostly(rng, 1e8, number), d: mostly(rng, 1e9, number) };
            let list: Vec<&str> =
                law::built_in().iter().map(|law| law.name()).chain(["", "nothing"]).collect();
            let settings = LawSettings::new().domain(pick(rng, &["web", "nothing"]));
            let law =
                law::named(pick(rng, &list)).and_then(|law| law.build(&names, scales, &settings));
            let Some(law) = tally.answer("laws", law) else { return };
            let known = law.coefficients(&coordinates(rng, &*law));
            let odd: Vec<(&str, f64)> =
                known.iter().map(|(name, x)| (name.as_str(), mostly(rng, *x, number))).collect();
            if let Some(z) = tally.answer("coordinates", law.coordinates_of(&odd)) {
                assert!(z.iter().all(|z| !z.is_nan()), "coordinates {z:?} of {odd:?}");
            }
        }
        _ => {
            let k = rng.random_range(1..4);
            let d = mostly(rng, 1e9, number);
            let region = constraints(rng, k).region(&NAMES[..k], d);
            if let Some(region) = tally.answer("regions", region) {
                assert!((0..k).all(|i| region.bounds(i).0 <= region.bounds(i).1 + 1e-9));
            }
        }
    }
}

#[test]
fn settings() {
    campaign("settings", 200, |rng, tally| match rng.random_range(0..10) {
        0..3 => optimizers(rng, tally),
        3..5 => fits(rng, tally),
        5 => resamples(rng, tally),
        6 => solvers(rng, tally),
        7..9 => plans(rng, tally),
        _ => designs(rng, tally),
    });
}
