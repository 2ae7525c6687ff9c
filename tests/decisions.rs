//! Decisions: what they are made of, what they say, and what they refuse.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mixlaw::decision::DECIDED;
use mixlaw::error::ErrorKind;
use mixlaw::law::{AdditiveLaw, ScalingLaw};
use mixlaw::plan::{Plan, Risk};
use mixlaw::simplex::Constraints;
use mixlaw::testing::SyntheticSweep;
use mixlaw::{Decider, Mixture, Predictor, Scale, Sweep};

const DOMAINS: [&str; 3] = ["web", "code", "books"];
const AT: Scale = Scale { n: 3e9, d: 1.6e10 };
/// The weights of an additive law with gamma 1/2 are as the squares of C.
const C: [f64; 3] = [3.0, 2.0, 1.0];

/// Runs of an additive law around a natural mixture, and the law.
fn runs(run_noise: f64, seed: u64) -> (Sweep, Predictor) {
    let law = AdditiveLaw::new(&DOMAINS, Scale { n: 3e8, d: 8e9 }).unwrap();
    let mut truth = vec![
        ("E".to_owned(), 1.5),
        ("A".to_owned(), 400.0),
        ("alpha".to_owned(), 0.34),
        ("B".to_owned(), 400.0),
        ("beta".to_owned(), 0.28),
    ];
    for (domain, c) in DOMAINS.iter().zip(C) {
        truth.push((format!("C[{domain}]"), 0.5 * c));
        truth.push((format!("gamma[{domain}]"), 0.5));
    }
    let truth: Vec<(&str, f64)> = truth.iter().map(|(name, x)| (name.as_str(), *x)).collect();
    let z = law.coordinates_of(&truth).unwrap();
    let sweep = SyntheticSweep::new(&DOMAINS)
        .narrow(&[0.4, 0.2, 0.4], 15.0)
        .losses("news", law.clone(), &z)
        .unwrap()
        .run_noise(run_noise)
        .seed(seed)
        .build()
        .unwrap();
    (sweep, Predictor::new("news", law, &z).unwrap())
}

fn quick() -> Decider {
    Decider::new().members(40)
}

#[test]
fn a_decision_finds_the_mixture_and_what_it_is_better_than() {
    let (train, truth) = runs(0.002, 0);
    let decision = quick().decide(&train, [(1.0, "news")], AT).unwrap();
    // h is as C^2: 9, 4, 1 of 14.
    let best = [9.0 / 14.0, 4.0 / 14.0, 1.0 / 14.0];
    let loss = |h: &[f64]| truth.predict(AT, h).unwrap();
    let own = &decision.choice.optimum.weights;
    // All runs had far less of web: a third of what the best of them leaves is left.
    let left = |h: &[f64]| loss(h) - loss(&best);
    let of_trained = train.rows().map(|row| left(row.h)).fold(f64::INFINITY, f64::min);
    assert!(left(own) < of_trained / 3.0, "{own:?}: {} of {of_trained}", left(own));
    for rival in &decision.rivals {
        let gain = loss(&rival.h) - loss(own);
        assert!(gain > 0.0 && rival.is_decided(), "{}: {gain}", rival.name);
        let apart: f64 = rival.h.iter().zip(own.iter()).map(|(a, b)| (a - b).abs()).sum();
        assert!((rival.distance - apart / 2.0).abs() < 1e-12);
    }
    assert!(decision.is_decided() && decision.next_runs.is_empty());
    assert_eq!(decision.weights.len(), 3);
    assert!((decision.value.estimate - decision.choice.optimum.value).abs() < 1e-12);
    // The best trained mixture is one of the sweep, and none is predicted to be better.
    let trained = decision.rivals.last().unwrap();
    assert!(train.rows().any(|row| row.h == trained.h.weights()));
    let plan = Decider::new().plan([(1.0, predictor(&train))], &train).unwrap();
    let mut objective = plan.objective(AT).unwrap();
    let least = objective.value(&trained.h).unwrap();
    assert!(train.rows().all(|row| objective.value(row.h).unwrap() >= least - 1e-12));
    let text = decision.to_string();
    for part in ["intervals at 90%", "better than equal weights", "times the largest", "web"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

/// The predictor that [`quick`] decides by.
fn predictor(train: &Sweep) -> Predictor {
    quick().predictors(train, ["news"]).unwrap().remove(0)
}

#[test]
fn what_the_runs_do_not_tell_is_said_with_the_runs_that_would() {
    let (train, _) = runs(0.05, 1);
    let few = train.select(|row| row.h[0] > 0.35).unwrap();
    let decision = quick().decide(&few, [(1.0, "news")], AT).unwrap();
    let doubted: Vec<_> = decision.rivals.iter().filter(|rival| !rival.is_decided()).collect();
    assert!(!doubted.is_empty(), "{decision}");
    assert!(doubted.iter().all(|rival| rival.advantage.runs.probability < DECIDED));
    assert!(!decision.is_decided());
    assert_eq!(decision.next_runs.len(), 3);
    assert!(decision.next_runs.windows(2).all(|pair| pair[0].1 <= pair[1].1));
    // Runs of trained sizes, at their most tokens.
    for (run, _) in &decision.next_runs {
        assert!(few.n().contains(&run.scale.n) && run.scale.d == 1.6e10);
    }
    let text = decision.to_string();
    assert!(text.contains("these runs do not tell"), "{text}");
    assert!(text.contains("the runs that would tell most"), "{text}");
}

#[test]
fn a_margin_keeps_the_choice_near_what_was_trained() {
    let (train, _) = runs(0.002, 0);
    let predictor = predictor(&train);
    let ranges = train.weight_ranges();
    let outside = |h: &Mixture, margin: f64| {
        let off = |(w, (low, high)): (&f64, &(f64, f64))| {
            let beyond = margin * (high - low);
            (low - beyond - w).max(w - high - beyond)
        };
        h.iter().zip(&ranges).map(off).fold(f64::NEG_INFINITY, f64::max)
    };
    let at =
        |margin: f64| quick().margin(margin).decide_by([(1.0, &predictor)], &train, AT).unwrap();
    let (within, near, free) = (at(0.0), at(0.1), at(f64::INFINITY));
    assert!(outside(&within.choice.optimum.weights, 0.0) < 1e-9);
    assert!(outside(&near.choice.optimum.weights, 0.1) < 1e-9);
    // The optimum, at .64 of web, is outside: no limit goes further than a small one.
    assert!(outside(&free.choice.optimum.weights, 0.1) > 0.0, "{free}");
    assert!(!free.extrapolation.weights.is_empty() && free.to_string().contains("to stay within"));
    assert!(within.extrapolation.weights.is_empty());
    let costs = [within, near, free].map(|decision| {
        let inside = decision.within_trained.as_ref().unwrap().optimum.value;
        let cost = decision.cost_of_staying_within().unwrap();
        assert!((inside - decision.choice.optimum.value - cost).abs() < 1e-12);
        cost
    });
    assert!(costs[0] < 1e-9 && costs[0] < costs[1] && costs[1] < costs[2], "{costs:?}");
}

#[test]
fn it_is_the_plan_of_the_members_mean() {
    let (train, _) = runs(0.002, 0);
    let predictor = predictor(&train);
    let decision = quick().decide_by([(2.0, &predictor)], &train, AT).unwrap();
    let values = predictor.values(AT, &decision.choice.optimum.weights).unwrap();
    let mean = 2.0 * values.iter().sum::<f64>() / values.len() as f64;
    assert!((decision.choice.optimum.value - mean).abs() < 1e-12);
    let plan = Plan::builder().target(2.0, &predictor).risk(Risk::Mean).build().unwrap();
    assert_eq!(plan.best(AT).unwrap().optimum, decision.choice.optimum);
    let of_runs = plan.prediction_interval(&decision.choice, 0.9).unwrap();
    assert_eq!(of_runs, decision.value);
    let interval = plan.interval(&decision.choice, 0.9).unwrap();
    assert!(of_runs.lower < interval.lower && interval.upper < of_runs.upper);
    // Percentiles of twice the members' losses.
    let below = values.iter().filter(|value| 2.0 * **value < interval.lower).count();
    let above = values.iter().filter(|value| 2.0 * **value > interval.upper).count();
    assert!(below <= 2 && above <= 2, "{below} {above}");
}

#[test]
fn the_mixture_in_use_takes_the_place_of_the_mean() {
    let (train, _) = runs(0.002, 0);
    let in_use = Mixture::new([0.1, 0.1, 0.8]).unwrap();
    let decider = quick().against(in_use.clone());
    let decision = decider.decide_by([(1.0, predictor(&train))], &train, AT).unwrap();
    let names: Vec<&str> = decision.rivals.iter().map(|rival| rival.name.as_str()).collect();
    assert_eq!(names, ["equal weights", "the mixture in use", "the best trained mixture"]);
    assert_eq!(decision.rivals[1].h, in_use);
    // Rivals that are one mixture are one.
    let equal = quick().against(Mixture::uniform(3));
    let decision = equal.decide_by([(1.0, predictor(&train))], &train, AT).unwrap();
    assert_eq!(decision.rivals[0].name, "equal weights (the mixture in use)");
    assert_eq!(decision.rivals.len(), 2);
}

#[test]
fn constraints_are_kept_and_a_rival_that_does_not_keep_them_is_no_doubt() {
    let (train, _) = runs(0.002, 0);
    let limits = Constraints::new().at_least("books", 0.5);
    let decision = quick().constraints(limits);
    let decision = decision.decide_by([(1.0, predictor(&train))], &train, AT).unwrap();
    assert!((decision.choice.weight("books").unwrap() - 0.5).abs() < 1e-9);
    let uniform = &decision.rivals[0];
    assert!(!uniform.advantage.within_limits && uniform.is_decided());
    assert!(uniform.to_string().contains("does not keep the constraints"), "{uniform}");
    let trained = decision.rivals.iter().find(|rival| rival.name.contains("trained mixture"));
    assert!(trained.is_none_or(|rival| rival.h[2] >= 0.5 || rival.name.contains("mean")));
    // Nothing that was trained has so much of books.
    let far = quick().constraints(Constraints::new().at_least("books", 0.95));
    let far = far.decide_by([(1.0, predictor(&train))], &train, AT).unwrap();
    assert!(far.within_trained.is_none() && far.cost_of_staying_within().is_none());
}

#[test]
fn the_same_seed_decides_the_same() {
    let (train, _) = runs(0.01, 3);
    let decide = |seed| quick().seed(seed).decide(&train, [(1.0, "news")], AT).unwrap();
    assert_eq!(decide(5), decide(5));
    assert_ne!(decide(5).value, decide(6).value);
}

#[test]
fn a_predictor_without_members_is_refused() {
    let (train, truth) = runs(0.002, 0);
    let error = quick().decide_by([(1.0, truth)], &train, AT).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::NoMembers { target } if target == "news"), "{error}");
}

#[test]
fn what_cannot_be_decided_is_refused() {
    let (train, _) = runs(0.002, 0);
    let known = predictor(&train);
    let error = |decider: Decider, at: Scale| {
        decider.decide_by([(1.0, &known)], &train, at).unwrap_err().to_string()
    };
    for level in [0.0, 1.0, f64::NAN] {
        assert!(error(quick().level(level), AT).contains("level"));
    }
    for margin in [-0.1, f64::NAN, f64::NEG_INFINITY] {
        assert!(error(quick().margin(margin), AT).contains("margin"), "{margin}");
    }
    assert!(error(quick(), Scale { n: -1.0, d: 1e9 }).contains('N'));
    assert!(error(quick().against(Mixture::uniform(2)), AT).contains("expected 3"));
    // Also where the first weights are those of another rival.
    let longer = Mixture::new([1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0, 0.0]).unwrap();
    assert!(error(quick().against(longer), AT).contains("the mixture in use"));
    let unknown = Constraints::new().at_least("podcasts", 0.1);
    assert!(error(quick().constraints(unknown), AT).contains("podcasts"));
    let none: [(f64, &str); 0] = [];
    assert!(quick().decide(&train, none, AT).unwrap_err().to_string().contains("target"));
    let missing = quick().decide(&train, [(1.0, "poems")], AT).unwrap_err();
    assert!(missing.to_string().contains("poems"), "{missing}");
    let few = Decider::new().members(5).decide(&train, [(1.0, "news")], AT).unwrap_err();
    assert!(few.to_string().contains("from 20"), "{few}");
}

#[test]
fn a_decision_can_be_watched_and_stopped() {
    let (train, _) = runs(0.002, 0);
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let watched = quick().observe(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        ControlFlow::Continue(())
    });
    let plain = quick().decide(&train, [(1.0, "news")], AT).unwrap();
    assert_eq!(watched.decide(&train, [(1.0, "news")], AT).unwrap(), plain);
    let total = calls.load(Ordering::Relaxed);
    for after in [0, total / 3, total / 2] {
        let seen = AtomicUsize::new(0);
        let stopped = quick().observe(move |_| {
            let go = seen.fetch_add(1, Ordering::Relaxed) < after;
            if go { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        let error = stopped.decide(&train, [(1.0, "news")], AT).unwrap_err();
        assert!(error.is_stopped(), "after {after} of {total}: {error}");
    }
}

#[test]
fn the_careful_minimise_the_worst_share_and_the_decision_says_so() {
    let (train, _) = runs(0.01, 0);
    let predictor = predictor(&train);
    let careful = quick().risk(Risk::WorstShare(0.1));
    let decision = careful.decide_by([(1.0, &predictor)], &train, AT).unwrap();
    assert_eq!(decision.risk, Risk::WorstShare(0.1));
    let mut values = predictor.values(AT, &decision.choice.optimum.weights).unwrap();
    values.sort_by(|a, b| b.total_cmp(a));
    let worst = values[..4].iter().sum::<f64>() / 4.0;
    assert!((decision.choice.optimum.value - worst).abs() < 1e-12);
    let text = decision.to_string();
    assert!(text.contains("the mean of the worst 10% of the members"), "{text}");
    let mean = quick().decide_by([(1.0, &predictor)], &train, AT).unwrap();
    assert!(mean.risk == Risk::Mean && !mean.to_string().contains("worst"));
}
