//! What a plan must not get wrong without a word: resamples that would have chosen something else, laws
//! that do not see the mixture, choices of another plan, values and settings that mean nothing.

use mixlaw::error::{ErrorKind, Place};
use mixlaw::law::{
    AdditiveLaw, ChinchillaLaw, Coordinate, Formula, FormulaLaw, JointLaw, Scalar, ScalingLaw,
};
use mixlaw::plan::{
    Budget, Choice, Criterion, Extrapolation, Goal, Growth, Penalty, Plan, Rate, Run,
};
use mixlaw::predictor::CoefficientInterval;
use mixlaw::simplex::Constraints;
use mixlaw::uncertainty::Bootstrap;
use mixlaw::{Error, Fitter, Mixture, Predictor, Scale, Sweep};
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, StandardNormal};

const NAMES: [&str; 2] = ["web", "code"];

/// An additive law of two domains: C and gamma of web, then of code.
fn additive(c: [f64; 2], gamma: [f64; 2]) -> (AdditiveLaw, Vec<f64>) {
    let law = AdditiveLaw::new(&NAMES, Scale { n: 3e8, d: 6e9 }).unwrap();
    let z = law
        .coordinates_of(&[
            ("E", 1.5),
            ("C[web]", c[0]),
            ("C[code]", c[1]),
            ("gamma[web]", gamma[0]),
            ("gamma[code]", gamma[1]),
            ("A", 400.0),
            ("alpha", 0.34),
            ("B", 400.0),
            ("beta", 0.28),
        ])
        .unwrap();
    (law, z)
}

fn chinchilla(domains: &[&str]) -> (ChinchillaLaw, Vec<f64>) {
    let law = ChinchillaLaw::new(domains, Scale::ONE).unwrap();
    let printed = [("E", 1.69), ("A", 406.4), ("alpha", 0.34), ("B", 410.7), ("beta", 0.28)];
    let z = law.coordinates_of(&printed).unwrap();
    (law, z)
}

/// A plan of one target by a law at coordinates.
fn plan_of(target: &str, law: &(impl ScalingLaw + Clone + 'static), z: &[f64]) -> Plan {
    Plan::builder().target(1.0, Predictor::new(target, law.clone(), z).unwrap()).build().unwrap()
}

/// The same plan with other constraints.
fn within(plan: &Plan, limits: Constraints) -> Plan {
    plan.to_builder().constraints(limits).build().unwrap()
}

/// Runs of each mixture at two sizes with three checkpoints each: N, D and h of all rows.
fn design(mixtures: &[Mixture]) -> (Vec<f64>, Vec<f64>, Vec<f64>, Vec<String>) {
    let (mut n, mut d, mut h, mut runs) = (vec![], vec![], vec![], vec![]);
    for (i, mixture) in mixtures.iter().enumerate() {
        for size in [1e8, 9e8] {
            for tokens in [2e9, 6e9, 18e9] {
                n.push(size);
                d.push(tokens);
                h.extend_from_slice(mixture);
                runs.push(format!("{i} at {size:e}"));
            }
        }
    }
    (n, d, h, runs)
}

fn normal(rng: &mut Xoshiro256PlusPlus) -> f64 {
    StandardNormal.sample(rng)
}

/// Losses of laws at the rows of a design, one column for each, with a noise that all checkpoints of a
/// run share, and all laws in part.
fn observe(
    laws: &[(&dyn ScalingLaw, &[f64])],
    mixtures: &[Mixture],
    noise: f64,
    seed: u64,
) -> Sweep {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let (n, d, h, runs) = design(mixtures);
    let k = mixtures[0].len();
    let mut losses = Vec::new();
    let (mut last, mut of_run) = (String::new(), vec![0.0; laws.len()]);
    for i in 0..n.len() {
        if runs[i] != last {
            last.clone_from(&runs[i]);
            let shared = normal(&mut rng);
            of_run.fill_with(|| noise * (0.95 * shared + 0.3 * normal(&mut rng)));
        }
        for ((law, z), of_run) in laws.iter().zip(&of_run) {
            let own = 0.1 * noise * normal(&mut rng);
            losses.push(
                law.loss(z, Scale { n: n[i], d: d[i] }, &h[i * k..][..k]) * (1.0 + of_run + own),
            );
        }
    }
    let targets: Vec<String> = (0..laws.len()).map(|t| format!("t{t}")).collect();
    Sweep::new(laws[0].0.domains(), &targets, &n, &d, &h, &losses).unwrap()
}

/// The value of a mixture to one member of predictors with equal weights.
fn value(resampled: &[Predictor], b: usize, at: Scale, h: &[f64]) -> f64 {
    resampled.iter().map(|r| r.member(b).unwrap().predict(at, h).unwrap()).sum()
}

#[test]
fn resamples_choose_the_other_corner_where_it_is_better() {
    // 1 / (h_0^2 + h_1^2) is concave along the edge, and both corners are equally good: noise decides.
    let (law, z) = additive([1.0; 2], [2.0; 2]);
    let sweep = observe(&[(&law, &z)], &Mixture::grid(2, 10, 0.0).unwrap(), 0.02, 1);
    let fit = Fitter::new().starts(6).fit(law, &sweep, "t0").unwrap();
    let resampled = Bootstrap::new(200).run(&fit, &sweep).unwrap();
    let plan = Plan::builder().target(1.0, &resampled).build().unwrap();
    let at = Scale { n: 1e9, d: 1e11 };
    let choice = plan.best(at).unwrap();
    let certainty = plan.certainty(&choice).unwrap();
    let grid = Mixture::grid(2, 1000, 0.0).unwrap();
    let mut others = 0;
    for (b, optimum) in certainty.optima().iter().enumerate() {
        let value = |h: &Mixture| value(std::slice::from_ref(&resampled), b, at, h);
        let least = grid.iter().map(value).fold(f64::INFINITY, f64::min);
        assert!(value(optimum) <= least + 1e-9, "{b}: {} above {least}", value(optimum));
        others += usize::from((optimum[0] - choice.optimum.weights[0]).abs() > 0.5);
    }
    println!("{others} of 200 at the other corner");
    assert!((20..=120).contains(&others), "{others} of 200 at the other corner");
    // What the optima say is what the advantage says.
    let other = Mixture::corner(2, usize::from(choice.optimum.weights[0] > 0.5));
    let probability = plan.advantage(&choice, &other, 0.9).unwrap().law.probability;
    assert!((probability - (1.0 - others as f64 / 200.0)).abs() < 0.03, "{probability}, {others}");
    let weights = plan.certainty(&choice).unwrap().weights(0.95).unwrap();
    assert_eq!((weights[0].lower, weights[0].upper), (0.0, 1.0));
}

/// Solves `m x = b` by elimination with the largest pivot.
fn solve(mut m: Vec<Vec<f64>>, mut b: Vec<f64>) -> Vec<f64> {
    let size = b.len();
    for i in 0..size {
        let pivot = (i..size).max_by(|&p, &q| m[p][i].abs().total_cmp(&m[q][i].abs())).unwrap();
        m.swap(i, pivot);
        b.swap(i, pivot);
        for j in i + 1..size {
            let factor = m[j][i] / m[i][i];
            let pivot = m[i].clone();
            m[j].iter_mut().zip(&pivot).for_each(|(x, p)| *x -= factor * p);
            b[j] -= factor * b[i];
        }
    }
    for i in (0..size).rev() {
        b[i] = (b[i] - (i + 1..size).map(|j| m[i][j] * b[j]).sum::<f64>()) / m[i][i];
    }
    b
}

fn covariance(a: &[f64], b: &[f64]) -> f64 {
    let mean = |x: &[f64]| x.iter().sum::<f64>() / x.len() as f64;
    let (ma, mb) = (mean(a), mean(b));
    a.iter().zip(b).map(|(a, b)| (a - ma) * (b - mb)).sum::<f64>() / (a.len() - 1) as f64
}

/// Three targets of two domains that are learned from the same runs.
fn three_targets(seed: u64) -> Vec<Predictor> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut draw = |low: f64, high: f64| rng.random_range(low..high);
    let (c, gamma) = ([draw(0.5, 2.0), draw(0.5, 2.0)], [draw(0.3, 0.9), draw(0.3, 0.9)]);
    // Alike, as targets mostly are.
    let laws: Vec<(AdditiveLaw, Vec<f64>)> = (0..3)
        .map(|_| additive(c.map(|c| c * draw(0.8, 1.2)), gamma.map(|g| g * draw(0.8, 1.2))))
        .collect();
    let located: Vec<(&dyn ScalingLaw, &[f64])> =
        laws.iter().map(|(law, z)| (law as &dyn ScalingLaw, &z[..])).collect();
    let sweep = observe(&located, &Mixture::grid(2, 7, 0.05).unwrap(), 0.01, seed);
    let resample = |t: usize| {
        let fitter = Fitter::new().starts(3);
        let fit = fitter.fit(laws[t].0.clone(), &sweep, &format!("t{t}")).unwrap();
        Bootstrap::new(60).run(fit, &sweep).unwrap()
    };
    (0..3).map(resample).collect()
}

#[test]
fn a_run_is_worth_what_all_its_targets_are_worth_together() {
    for seed in 0..12 {
        let resampled = three_targets(seed);
        let plan = resampled.iter().fold(Plan::builder(), |plan, r| plan.target(1.0, r));
        let plan = plan.build().unwrap();
        let at = Scale { n: 1e9, d: 3e10 };
        let choice = plan.best(at).unwrap();
        let candidates: Vec<Run> = [1e8, 9e8]
            .into_iter()
            .flat_map(|n| Mixture::grid(2, 5, 0.0).unwrap().into_iter().map(move |h| (n, h)))
            .map(|(n, h)| Run { scale: Scale { n, d: 1.8e10 }, h })
            .collect();
        assert_eq!(candidates.len(), 12);
        // The decision: what rivals are worth relative to the choice, in every resample.
        let members = resampled[0].members().unwrap().len();
        let rivals = plan.certainty(&choice).unwrap().optima()[..40].to_vec();
        let decision: Vec<Vec<f64>> = rivals
            .iter()
            .map(|h| {
                let of = |b: usize, h: &Mixture| value(&resampled, b, at, h);
                (0..members).map(|b| of(b, h) - of(b, &choice.optimum.weights)).collect()
            })
            .collect();
        let before: f64 = decision.iter().map(|v| covariance(v, v)).sum();
        // C (S + R)^-1 C^T, of one candidate.
        let reduction = |run: &Run| -> f64 {
            let losses: Vec<Vec<f64>> =
                resampled.iter().map(|r| r.values(run.scale, &run.h).unwrap()).collect();
            let noise = |t: usize| {
                let quartiles = resampled[t].residuals(0.5).unwrap();
                let mean = losses[t].iter().sum::<f64>() / members as f64;
                ((quartiles.upper - quartiles.lower) / 1.349 * mean).powi(2)
            };
            let s: Vec<Vec<f64>> = (0..3)
                .map(|i| {
                    let entry = |j: usize| {
                        let own = if i == j { noise(i) } else { 0.0 };
                        covariance(&losses[i], &losses[j]) + own
                    };
                    (0..3).map(entry).collect()
                })
                .collect();
            let taken = |v: &Vec<f64>| -> f64 {
                let c: Vec<f64> = losses.iter().map(|l| covariance(v, l)).collect();
                solve(s.clone(), c.clone()).iter().zip(&c).map(|(x, c)| x * c).sum()
            };
            decision.iter().map(taken).sum()
        };
        let shares: Vec<f64> = candidates.iter().map(|run| reduction(run) / before).collect();
        let best = (0..12).max_by(|&a, &b| shares[a].total_cmp(&shares[b])).unwrap();
        let next = plan.next_runs(&choice, &candidates, 3, Criterion::Decision).unwrap();
        assert_eq!(next[0].candidate, best, "{seed}: {shares:?}");
        // What is said is what is taken off, and neither more nor less.
        assert!((next[0].gain - shares[best]).abs() < 1e-9, "{seed}: {next:?}, {}", shares[best]);
        assert!(next.windows(2).all(|pair| pair[1].gain >= pair[0].gain && pair[1].gain <= 1.0));
        // Alone each candidate is worth what the formula says, also those that are not the best.
        for (run, share) in candidates.iter().zip(&shares).step_by(5) {
            let alone = plan.next_runs(&choice, std::slice::from_ref(run), 1, Criterion::Decision);
            assert!((alone.unwrap()[0].gain - share).abs() < 1e-9, "{seed}");
        }
    }
}

#[test]
fn coefficients_are_paired_by_name() {
    // The geometric mean, q = 0, is at the end of the box of a law with positive gamma: some resampled
    // end there and have no gamma, others near it.
    let names = ["a", "b", "c"];
    let law = JointLaw::new(&names, Scale { n: 3e8, d: 6e9 }).unwrap().positive_gamma();
    let place = |name: &str| law.coordinates().position(name).unwrap();
    let mut z: Vec<f64> =
        law.coordinates().iter().map(|c| 0.5 * (c.bounds().0 + c.bounds().1)).collect();
    for (name, value) in [
        ("E", 1.5f64.ln()),
        ("C[a]", 0.0),
        ("C[b]", 0.3),
        ("C[c]", 0.6),
        ("gamma[a]", -0.7),
        ("gamma[b]", -0.5),
        ("gamma[c]", -0.3),
        ("ln_v_A[a]", -0.9),
        ("ln_v_A[b]", -0.2),
        ("ln_v_A[c]", -1.6),
        ("q_A", 0.25),
        ("alpha", 0.34f64.ln()),
        ("ln_v_B[a]", -0.3),
        ("ln_v_B[b]", -1.6),
        ("ln_v_B[c]", -0.9),
        ("q_B", 0.25),
        ("beta", 0.28f64.ln()),
    ] {
        z[place(name)] = value;
    }
    let mixtures = Mixture::dirichlet(&[1.0; 3], 12, 3).unwrap();
    let sweep = observe(&[(&law, &z)], &mixtures, 0.003, 2);
    let fit = Fitter::new().starts(6).fit(law.clone(), &sweep, "t0").unwrap();
    let resampled = Bootstrap::new(60).run(&fit, &sweep).unwrap();
    let intervals = resampled.coefficients(0.9).unwrap();
    let all: Vec<Vec<(String, f64)>> = (0..60)
        .map(|b| {
            let member = resampled.member(b).unwrap();
            member.laws().map(|(law, z)| law.coefficients(z)).next().unwrap()
        })
        .collect();
    let lengths: Vec<usize> = all.iter().map(Vec::len).collect();
    println!("{lengths:?}, the fit has {}", intervals.len());
    let mut missing = 0;
    for interval in &intervals {
        let own = |list: &Vec<(String, f64)>| {
            list.iter().find(|(name, _)| *name == interval.name).map(|(_, value)| *value)
        };
        let mut values: Vec<f64> = all.iter().filter_map(own).collect();
        values.sort_by(f64::total_cmp);
        assert_eq!(interval.members, values.len(), "{}", interval.name);
        missing += 60 - values.len();
        // numpy.quantile(values, [0.05, 0.95])
        let quantile = |p: f64| {
            let at = p * (values.len() - 1) as f64;
            let (i, share) = (at.floor() as usize, at.fract());
            values[i] + share * (values[(i + 1).min(values.len() - 1)] - values[i])
        };
        for (found, p) in [(interval.interval.lower, 0.05), (interval.interval.upper, 0.95)] {
            let expected = quantile(p);
            assert!((found - expected).abs() <= 1e-9 * expected.abs(), "{}", interval.name);
        }
        assert_eq!(fit.coefficient(&interval.name), Some(interval.interval.estimate));
    }
    assert!(missing > 0, "no resample ended at q = 0");
    let some = |i: &&CoefficientInterval| i.name.starts_with("gamma_") && i.members < 60;
    let some: Vec<&CoefficientInterval> = intervals.iter().filter(some).collect();
    println!("{some:?}");
    assert!(!some.is_empty());
}

#[test]
fn a_mixture_is_chosen_by_laws_that_see_it() {
    let ((blind, z), (sees, y)) = (chinchilla(&NAMES), additive([1.0, 3.0], [0.5; 2]));
    let plan = plan_of("perplexity", &blind, &z);
    let refused = |result: Result<(), Error>| {
        let error = result.unwrap_err();
        let named = |kind: &ErrorKind| matches!(kind, ErrorKind::Blind { targets } if targets == &["perplexity"]);
        assert!(error.is_blind() && named(error.kind()), "{error}");
    };
    let (n, d, flops) = (1e9, 1e11, Budget::flops());
    refused(plan.best(Scale { n, d }).map(drop));
    refused(plan.corners(Scale { n, d }).map(drop));
    let growth = Growth { n: Rate::Linear, d: Rate::Linear };
    refused(plan.limit(Scale { n, d }, growth).map(drop));
    refused(plan.within_budget(1e21, &flops).map(drop));
    refused(plan.least_budget(2.0, &flops).map(drop));
    refused(plan.price(Scale { n, d }, Mixture::uniform(2)).map(drop));
    refused(plan.decompose(Scale { n, d }, Mixture::uniform(2)).map(drop));
    let text = plan.best(Scale { n, d }).unwrap_err().to_string();
    let expected =
        "the law of no target depends on the mixture, so that none can be chosen: perplexity";
    assert!(text.starts_with(expected), "{text}");
    // A penalty does not make it see, it would choose by itself.
    let penalty = Penalty::js(1.0, &[("web", 0.3), ("code", 0.7)]);
    let pulled = plan.to_builder().penalty(penalty).build().unwrap();
    refused(pulled.best(Scale { n, d }).map(drop));

    // Beside one that sees, it is listed, and the other one decides.
    let python = Predictor::new("python", sees.clone(), &y).unwrap();
    let both = plan.to_builder().target(1.0, python).build().unwrap();
    let choice = both.best(Scale { n, d }).unwrap();
    assert_eq!(choice.blind, ["perplexity"]);
    assert!((choice.optimum.weights[1] - 0.9).abs() < 1e-4, "{:?}", choice.optimum.weights);
    let corners = both.corners(Scale { n, d }).unwrap();
    assert_eq!(corners.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["python"]);
    let alone = plan_of("python", &sees, &y).best(Scale { n, d }).unwrap();
    assert!(alone.blind.is_empty());

    // Where there is nothing to choose it can be asked for N and D.
    let fixed = within(&plan, Constraints::new().at_most("web", 0.25).at_least("web", 0.25));
    let (of_one, x) = chinchilla(&["web"]);
    let one = plan_of("web", &of_one, &x);
    let (a, b) = (fixed.within_budget(1e21, &flops), one.within_budget(1e21, &flops));
    let (a, b) = (a.unwrap(), b.unwrap());
    assert!(
        (a.scale.n / b.scale.n - 1.0).abs() < 1e-5
            && (a.optimum.value - b.optimum.value).abs() < 1e-12
    );
    assert_eq!((a.optimum.weights.weights(), &b.blind[..]), (&[0.25, 0.75][..], &[][..]));
}

#[test]
fn a_choice_of_another_plan_is_refused() {
    let ((law, z), (other, y)) = (additive([1.0, 3.0], [0.5; 2]), additive([3.0, 1.0], [0.5; 2]));
    let plan = plan_of("a", &law, &z);
    let own = plan.best(Scale { n: 1e9, d: 1e11 }).unwrap();
    let ranges = plan.ranges(&own, 1e-3).unwrap();
    assert!(ranges[0].0 < 0.1 && ranges[0].1 > 0.1);
    let fault = |plan: &Plan, choice: &Choice| {
        let error = plan.ranges(choice, 1e-3).unwrap_err();
        match error.kind() {
            ErrorKind::OtherChoice { problem } => problem.clone(),
            _ => panic!("{error}"),
        }
    };
    // The same domains, but another law; its value lies below all that this plan knows.
    let elsewhere = plan_of("a", &other, &y);
    assert!(fault(&elsewhere, &own).contains("its mixture is worth"));
    let mut better = own.clone();
    better.optimum.value -= 0.1;
    assert!(fault(&plan, &better).contains("its mixture is worth"));
    // Other domains, and the same in another order.
    let turned = AdditiveLaw::new(&["code", "web"], Scale::ONE).unwrap();
    let named = law.coefficients(&z);
    let named: Vec<(&str, f64)> = named.iter().map(|(name, c)| (name.as_str(), *c)).collect();
    let x = turned.coordinates_of(&named).unwrap();
    let reordered = plan_of("a", &turned, &x);
    let what = "its 2 weights are of the domains web, code, expected code, web";
    assert_eq!(fault(&reordered, &own), what);
    // Made without a constraint that this plan has.
    let limited = within(&plan, Constraints::new().at_least("web", 0.3));
    assert_eq!(fault(&limited, &own), "its mixture does not keep the constraints");
    assert_eq!(
        limited.ranges(&limited.best(Scale { n: 1e9, d: 1e11 }).unwrap(), 0.0).unwrap()[0].0,
        0.3
    );
}

/// `1/(h_0 + 2 h_1) - c ln D`: a power law that somebody took the logarithm of. It has no least value.
#[derive(Debug, Clone)]
struct Falling;

impl Formula for Falling {
    fn name(&self) -> &str {
        "falling"
    }

    fn coefficients(&self, _: &[String]) -> Vec<Coordinate> {
        vec![Coordinate::positive("E", 0.1..=10.0), Coordinate::positive("c", 1e-3..=1.0)]
    }

    fn loss<S: Scalar>(&self, c: &[S], _: S, d: S, h: &[S]) -> S {
        c[0] + S::from_f64(1.0) / (h[0] + h[1] + h[1]) - c[1] * d.ln()
    }
}

#[test]
fn coordinates_that_are_no_numbers_are_named_with_their_target() {
    let (law, z) = additive([1.0, 3.0], [0.5; 2]);
    let place = law.coordinates().position("gamma[code]").unwrap();
    for wrong in [f64::NAN, f64::INFINITY] {
        let mut bad = z.clone();
        bad[place] = wrong;
        let error = Predictor::new("bad", law.clone(), &bad).unwrap_err();
        assert_eq!(error.places(), [Place::Target("bad".to_owned())]);
        let text = error.to_string();
        assert!(text.starts_with("target `bad`: coordinate `gamma[code]`"), "{text}");
    }
}

#[test]
fn a_value_that_is_not_finite_is_no_answer() {
    let law = FormulaLaw::new(Falling, &NAMES, Scale::ONE).unwrap();
    let z = law.coordinates_of(&[("E", 3.0), ("c", 0.01)]).unwrap();
    let plan = plan_of("t", &law, &z);
    let choice = plan.best(Scale { n: 1e9, d: 1e11 }).unwrap();
    assert!((choice.optimum.value - (3.5 - 0.01 * 1e11f64.ln())).abs() < 1e-6);
    let infinite = f64::INFINITY;
    let growth = Growth { n: Rate::Constant, d: Rate::Linear };
    let excess = plan.to_builder().goal(Goal::WorstExcess).build().unwrap();
    for result in [
        plan.best(Scale { n: 1e9, d: infinite }).map(drop),
        plan.limit(Scale { n: 1e9, d: 1e11 }, growth).map(drop),
        plan.corners(Scale { n: 1e9, d: infinite }).map(drop),
        plan.decompose(Scale { n: 1e9, d: 1e11 }, Mixture::uniform(2)).map(drop),
        excess.best(Scale { n: 1e9, d: infinite }).map(drop),
    ] {
        let text = result.unwrap_err().to_string();
        assert!(text.contains("is -inf") && text.contains("expected a finite"), "{text}");
    }
    // A price can be had: with enough tokens any mixture reaches any value.
    let price = plan.price(Scale { n: 1e9, d: 1e11 }, Mixture::corner(2, 0)).unwrap();
    let expected = 1e11f64.ln() + 0.5 / 0.01;
    assert!((price.tokens.ln() - expected).abs() < 1e-6, "{price:?}");
}

#[test]
fn a_budget_says_what_is_wrong_with_it() {
    let (law, z) = additive([1.0, 3.0], [0.5; 2]);
    let plan = plan_of("a", &law, &z);
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let text = plan.least_budget(value, &Budget::flops()).unwrap_err().to_string();
        assert_eq!(text, format!("the value is {value}, expected a finite number of nats"));
    }
    for amount in [f64::NAN, 0.0, -1.0] {
        let text = plan.within_budget(amount, &Budget::flops()).unwrap_err().to_string();
        assert_eq!(text, format!("the budget is {amount}, expected a number > 0"));
    }
    let text = plan.within_budget(1.0, &Budget::flops()).unwrap_err().to_string();
    assert_eq!(
        text,
        "the budget for N >= 1e6 and D >= 1e6 is 1, expected enough for these, which \
         Budget::sizes and Budget::tokens set"
    );
    for (budget, expected) in [
        (Budget::flops().sizes(0.0..=1e9), "the least of the sizes considered is 0, expected"),
        (Budget::flops().sizes(1e8..=f64::INFINITY), "the most of the sizes considered is inf"),
        (Budget::flops().tokens(1e9..=1e8), "the most of the tokens considered is 100000000, "),
        (Budget::flops().tokens(f64::NAN..=1e8), "the least of the tokens considered is NaN, "),
        (
            Budget::new(|at| -at.n * at.d),
            "the cost of N = 1e6 and D = 1e6 is -1000000000000, expected",
        ),
        (Budget::new(|_| f64::NAN), "the cost of N = 1e6 and D = 1e6 is NaN, expected a number"),
        (
            Budget::new(|at| at.n - 1e6),
            "the cost of N = 1e6 and D = 1e6 is 0, expected a number > 0",
        ),
        // Somewhere in between.
        (
            Budget::new(|at| if at.d > 3e9 && at.d < 3e12 { f64::NAN } else { at.n * at.d }),
            "the cost of N = ",
        ),
    ] {
        for error in [
            plan.within_budget(1e21, &budget).map(drop).unwrap_err(),
            plan.least_budget(2.4, &budget).map(drop).unwrap_err(),
        ] {
            assert!(error.to_string().starts_with(expected), "{error}, not {expected}");
        }
    }
    for (budget, cost) in [
        (Budget::new(|at| at.n * at.d * 1e300), "inf"),
        (Budget::new(|at| 1.0 / (at.n * at.d)), "1e-29"),
    ] {
        let text = plan.least_budget(2.4, &budget).unwrap_err().to_string();
        let expected = "expected a finite number that is at least the cost of the least";
        assert!(text.starts_with("the cost of the greatest N and D considered is "), "{text}");
        assert!(text.ends_with(expected), "{cost}: {text}");
    }
    // What cannot be had may be infinite.
    let small = Budget::new(|at| if at.n > 2e9 { f64::INFINITY } else { 6.0 * at.n * at.d });
    assert!(plan.within_budget(1e24, &small).unwrap().scale.n <= 2e9);
}

#[test]
fn limits_on_epochs_leave_tokens_that_can_be_had() {
    let (law, z) = additive([1.0, 3.0], [0.5; 2]);
    // 4 epochs of 5e9 tokens in all: more than 2e10 cannot be trained on.
    let limits = Constraints::new().epochs("web", 2e9, 4.0).epochs("code", 3e9, 4.0);
    let plan = within(&plan_of("a", &law, &z), limits);
    assert!(plan.best(Scale { n: 1e9, d: 2.1e10 }).is_err());
    let rich = plan.within_budget(1e26, &Budget::flops()).unwrap();
    assert!((rich.scale.d / 2e10 - 1.0).abs() < 1e-6, "{rich:?}");
    // For a value there is a budget, of no more tokens than that.
    let value =
        0.5 * (rich.optimum.value + plan.best(Scale { n: 1e8, d: 1e9 }).unwrap().optimum.value);
    let (cost, choice) = plan.least_budget(value, &Budget::flops()).unwrap();
    assert!((choice.optimum.value - value).abs() < 1e-6 && choice.scale.d <= 2e10);
    assert!((6.0 * choice.scale.n * choice.scale.d / cost - 1.0).abs() < 1e-6);
    let error = plan.least_budget(1.6, &Budget::flops()).unwrap_err();
    let above =
        |kind: &ErrorKind| matches!(kind, ErrorKind::Unreachable { floor, .. } if *floor > 1.7);
    assert!(error.is_unreachable() && above(error.kind()), "{error}");
    // Where no number of tokens is possible, the limits are named.
    let none = Constraints::new().at_least("web", 0.7).at_least("code", 0.7);
    let error = plan.to_builder().constraints(none).build().unwrap_err();
    assert!(error.is_infeasible());
    assert!(error.to_string().starts_with("no mixture keeps all of"), "{error}");
    let error = plan.within_budget(1e21, &Budget::flops().tokens(3e10..=1e12)).unwrap_err();
    assert!(error.to_string().starts_with("no mixture keeps all of"), "{error}");
}

#[test]
fn a_price_under_the_worst_excess_holds_the_references() {
    let ((a, za), (b, zb)) = (additive([2.0, 1.0], [0.5; 2]), additive([1.0, 2.5], [0.6; 2]));
    let plan = Plan::builder()
        .goal(Goal::WorstExcess)
        .target(1.0, Predictor::new("a", a.clone(), &za).unwrap())
        .target(0.5, Predictor::new("b", b.clone(), &zb).unwrap())
        .build()
        .unwrap();
    let (n, d) = (1e9, 1e10);
    let h = Mixture::new(vec![0.9, 0.1]).unwrap();
    let own: Vec<f64> =
        plan.corners(Scale { n, d }).unwrap().into_iter().map(|(_, o)| o.value).collect();
    let worst = |d: f64| {
        let of_a = a.loss(&za, Scale { n, d }, &h) - own[0];
        of_a.max(0.5 * (b.loss(&zb, Scale { n, d }, &h) - own[1]))
    };
    let best = plan.best(Scale { n, d }).unwrap().optimum.value;
    let price = plan.price(Scale { n, d }, &h).unwrap();
    assert!((price.value - worst(d)).abs() < 1e-8 && (price.best - best).abs() < 1e-12);
    assert!(price.tokens.is_finite() && price.tokens > d, "{price:?}");
    assert!((worst(price.tokens) - best).abs() < 1e-8, "{} and {best}", worst(price.tokens));
    assert!(worst(0.999 * price.tokens) > best);
}

#[test]
fn a_path_names_the_point_that_has_no_choice() {
    const FROM: Scale = Scale { n: 1e9, d: 1e9 };
    let (law, z) = additive([1.0, 3.0], [0.5; 2]);
    let limits = Constraints::new().epochs("web", 2e9, 4.0).epochs("code", 3e9, 4.0);
    let plan = within(&plan_of("a", &law, &z), limits);
    let linear = Growth { n: Rate::Constant, d: Rate::Linear };
    assert_eq!(plan.path(FROM, linear, &[1.0, 10.0]).unwrap().len(), 2);
    let error = plan.path(FROM, linear, &[1.0, 10.0, 100.0, 1e3]).unwrap_err();
    assert_eq!(error.places(), [Place::Time { t: 100.0, n: 1e9, d: 1e11 }]);
    assert!(error.is_infeasible());
    let expected = "t = 100, N = 1e9, D = 1e11: no mixture keeps all of: ";
    assert!(error.to_string().starts_with(expected), "{error}");
    let free = within(&plan, Constraints::new());
    for t in [0.1, 0.0, -1.0, f64::NAN] {
        let error =
            free.path(FROM, Growth { n: Rate::Log, d: Rate::Constant }, &[1.0, t]).unwrap_err();
        let expected = format!("t is {t}, expected a number > 0, and above 1/e for the rate Log");
        assert_eq!(error.to_string(), expected);
    }
    assert_eq!(free.path(FROM, linear, &[0.1]).unwrap()[0].scale.d, 1e8);
    let error = free.path(Scale { n: -1.0, ..FROM }, linear, &[2.0]).unwrap_err().to_string();
    assert_eq!(error, "t = 2, N = -1e0, D = 2e9: N is -1, expected a number > 0");
}

#[test]
fn an_empty_plan_is_not_built() {
    for goal in [Goal::Sum, Goal::Worst, Goal::WorstExcess] {
        let limits = Constraints::new().at_least("web", 0.1);
        let penalty = Penalty::js(1.0, &[("web", 1.0)]);
        let plan = Plan::builder().goal(goal);
        for empty in [
            plan.clone(),
            plan.clone().constraints(limits),
            plan.clone().penalty(penalty),
            plan.domains(&NAMES),
        ] {
            let error = empty.build().unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Empty { what: "a plan", .. }), "{error}");
        }
    }
}

#[test]
fn settings_out_of_range_are_named() {
    let (law, z) = additive([1.0, 3.0], [0.5; 2]);
    let mixtures = Mixture::grid(2, 6, 0.0).unwrap();
    let sweep = observe(&[(&law, &z)], &mixtures, 0.003, 3);
    let fit = Fitter::new().starts(3).fit(law, &sweep, "t0").unwrap();
    let resampled = Bootstrap::new(20).run(&fit, &sweep).unwrap();
    let plan = Plan::builder().target(1.0, &resampled).build().unwrap();
    let choice = plan.best(Scale { n: 1e9, d: 1e11 }).unwrap();
    let run = |n, d| Run { scale: Scale { n, d }, h: Mixture::uniform(2) };
    let next = |runs: &[Run], count| plan.next_runs(&choice, runs, count, Criterion::Law).map(drop);
    let text = |result: Result<(), Error>| result.unwrap_err().to_string();
    for (result, expected) in [
        (plan.best(Scale { n: f64::NAN, d: 1e9 }).map(drop), "N is NaN, expected a number > 0"),
        (plan.best(Scale { n: 1e9, d: 0.0 }).map(drop), "D is 0, expected a number > 0"),
        (
            Plan::builder().target(-1.0, &fit).build().map(drop),
            "the weight of target `t0` is -1, expected a finite number > 0",
        ),
        (plan.ranges(&choice, f64::NAN).map(drop), "epsilon is NaN, expected a finite number >= 0"),
        (plan.ranges(&choice, -1e-3).map(drop), "epsilon is -0.001, expected a finite number >= 0"),
        (
            plan.region_share(&choice, 0.9, 0, 0).map(drop),
            "the number of draws is 0, expected from 1 to 1,000,000",
        ),
        (
            plan.region_share(&choice, 0.9, usize::MAX, 0).map(drop),
            "the number of draws is 1.8446744073709552e19, expected from 1 to 1,000,000",
        ),
        (
            plan.region_share(&choice, 1.0, 9, 0).map(drop),
            "the level is 1, expected a number between 0 and 1, such as 0.9",
        ),
        (
            plan.advantage(&choice, &Mixture::uniform(2), f64::NAN).map(drop),
            "the level is NaN, expected a number between 0 and 1, such as 0.9",
        ),
        (
            next(&[run(1e9, 1e10)], 0),
            "the number of runs is 0, expected from 1 to the number of candidates",
        ),
        (
            next(&[run(1e9, 1e10)], 2),
            "the number of runs is 2, expected from 1 to the number of candidates",
        ),
        (
            next(&[run(1e9, 1e10), run(-1.0, 1e10)], 1),
            "candidate 1: N is -1, expected a number > 0",
        ),
        (next(&[run(1e9, f64::NAN)], 1), "candidate 0: D is NaN, expected a number > 0"),
        (
            plan.fixed_points(Scale { n: 1e9, d: 1e11 }, 30_000).map(drop),
            "the number of points of a grid of 30000 steps over 2 domains is 30001, expected at most 20,000",
        ),
    ] {
        assert_eq!(text(result), expected);
    }
    for (count, expected) in [
        (19, "the number of resamples is 19, expected from 20 to 1,000,000"),
        (0, "the number of resamples is 0, expected from 20 to 1,000,000"),
        (
            usize::MAX,
            "the number of resamples is 1.8446744073709552e19, expected from 20 to 1,000,000",
        ),
    ] {
        assert_eq!(Bootstrap::new(count).run(&fit, &sweep).unwrap_err().to_string(), expected);
    }
    for level in [f64::NAN, 0.0, 1.0, 90.0] {
        let expected =
            format!("the level is {level}, expected a number between 0 and 1, such as 0.9");
        let h = [0.5, 0.5];
        for text in [
            resampled.interval(Scale { n: 1e9, d: 1e10 }, h, level).unwrap_err().to_string(),
            resampled
                .prediction_interval(Scale { n: 1e9, d: 1e10 }, h, level)
                .unwrap_err()
                .to_string(),
            resampled.coefficients(level).unwrap_err().to_string(),
            resampled.residuals(level).unwrap_err().to_string(),
        ] {
            assert_eq!(text, expected);
        }
    }
}

#[test]
fn rows_without_a_weight_are_not_drawn() {
    let (law, z) = additive([1.0, 3.0], [0.5; 2]);
    let mixtures = Mixture::grid(2, 24, 0.0).unwrap();
    let sweep = observe(&[(&law, &z)], &mixtures, 0.003, 4);
    // Five of the fifty runs count: one in 200 draws from all of them has none.
    let weights: Vec<f64> =
        (0..sweep.len()).map(|i| f64::from(u8::from(i / 3 % 10 == 3))).collect();
    assert_eq!(weights.iter().sum::<f64>(), 15.0);
    let fitter = Fitter::new().starts(4).row_weights(weights);
    let fit = fitter.fit(law.clone(), &sweep, "t0").unwrap();
    let resampled = Bootstrap::new(400).run(&fit, &sweep).unwrap();
    // Only a draw that has each of the five once leaves the fit as it is: 5! / 5^5 of them, 15 of 400.
    let own = |b: &usize| {
        let member = resampled.member(*b).unwrap();
        member.laws().all(|(_, z)| z == fit.coordinates())
    };
    let same = (0..400).filter(own).count();
    assert!(same < 30, "{same} of 400 are the fit");
    // One run is nothing to draw from.
    let one: Vec<f64> = (0..sweep.len()).map(|i| f64::from(u8::from(i < 3))).collect();
    let (small, y) = chinchilla(&NAMES);
    let flat = observe(&[(&small, &y)], &mixtures, 0.003, 4);
    let fitter = Fitter::new().starts(2).fix("alpha", 0.34).fix("A", 400.0);
    let lone = fitter.row_weights(one).fit(small, &flat, "t0").unwrap();
    let text = Bootstrap::new(20).run(&lone, &flat).unwrap_err().to_string();
    let expected =
        "the number of runs to draw from is 1, expected at least 2 with a weight in the fit";
    assert_eq!(text, expected);
}

#[test]
fn domains_in_another_order_are_the_same_mixture_at_the_edge_of_the_tolerance() {
    // Weights that sum to 1 within 1e-6 in one order only, by rounding.
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(5);
    let edge = loop {
        let mut h: Vec<f64> = (0..5).map(|_| rng.random_range(0.05..0.2)).collect();
        h.push(1.0 + 1e-6 * (1.0 + 1e-9) - h.iter().sum::<f64>());
        let turned: Vec<f64> = h.iter().rev().copied().collect();
        if Mixture::new(h).is_err() && Mixture::new(&turned[..]).is_ok() {
            break turned;
        }
    };
    let names: Vec<String> = (0..6).map(|i| format!("d{i}")).collect();
    let turned: Vec<String> = names.iter().rev().cloned().collect();
    let sweep = Sweep::new(&names, &["t"], &[1e8], &[1e9], &edge, &[3.0]).unwrap();
    let h = Mixture::new(vec![0.5, 0.1, 0.1, 0.1, 0.1, 0.1]).unwrap();
    let at = Scale { n: 1e9, d: 1e9 };
    let far = Extrapolation::at(at, &turned, &h, &sweep).unwrap();
    let own: Vec<f64> = h.iter().rev().copied().collect();
    let same = Mixture::new(own).unwrap().js_distance(Mixture::new(edge).unwrap());
    assert!((far.nearest - same).abs() < 1e-12);
    // A name that appears twice is no order.
    let twice = [&names[..5], &names[..1]].concat();
    let error = Extrapolation::at(at, &twice, &h, &sweep).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Mismatch { .. }), "{error}");
    let error = Extrapolation::at(Scale { n: f64::NAN, ..at }, &turned, &h, &sweep).unwrap_err();
    assert_eq!(error.to_string(), "N is NaN, expected a number > 0");
}
