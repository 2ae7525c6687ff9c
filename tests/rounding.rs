//! Weights that differ by rounding alone change nothing: not the mixtures, the runs or the folds, and
//! hardly a figure.
#![cfg(feature = "csv")]

use mixlaw::law::AdditiveLaw;
use mixlaw::selection::{Candidate, LearningCurve, Selection};
use mixlaw::uncertainty::{Bootstrap, Unit};
use mixlaw::{Fit, Fitter, Mixture, Scale, Sweep};

const TARGET: &str = "french";

/// The train rows of the embedded sweep, whose runs have names if that is asked for, and with each
/// weight off by up to so much.
fn embedded(has_names: bool, off_by: f64) -> Sweep {
    let text = include_str!("../examples/data/byte_sweep.csv");
    let train = Sweep::from_csv(text.as_bytes()).unwrap().split("train").unwrap();
    rounded(&train, has_names, off_by)
}

/// A sweep with each weight that is not zero off by up to so much.
fn rounded(train: &Sweep, has_names: bool, off_by: f64) -> Sweep {
    let names: Vec<String> = train.rows().map(|row| row.run.to_owned()).collect();
    let mut state = 1u64;
    let mut noise = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 11) as f64 / (1u64 << 53) as f64 - 0.5
    };
    let h: Vec<f64> = train
        .mixtures()
        .iter()
        .map(|w| if *w > 0.0 { w + 2.0 * off_by * noise() } else { 0.0 })
        .collect();
    let builder = Sweep::builder(train.domains(), train.targets());
    let builder = if has_names { builder.runs(&names) } else { builder };
    let losses: Vec<f64> = train.losses().iter().copied().collect();
    builder.build(train.n(), train.d(), &h, &losses).unwrap()
}

fn fit(sweep: &Sweep) -> Fit {
    Fitter::new().starts(8).fit(AdditiveLaw::for_sweep(sweep), sweep, TARGET).unwrap()
}

#[test]
fn runs_and_mixtures_are_the_same() {
    let file = include_str!("../examples/data/byte_sweep.csv");
    let file = Sweep::from_csv(file.as_bytes()).unwrap().split("train").unwrap();
    for has_names in [true, false] {
        let (exact, rounded) = (embedded(has_names, 0.0), embedded(has_names, 1e-9));
        assert!(exact.rows().zip(rounded.rows()).all(|(a, b)| a.run == b.run && a.h != b.h));
        assert_eq!(exact.count_runs(), file.count_runs());
        assert_eq!(rounded.count_runs(), exact.count_runs());
        assert_eq!(rounded.count_mixtures(), exact.count_mixtures());
        for seed in 0..3 {
            let split = |sweep: &Sweep| {
                let (a, b) = sweep.split_by_mixture(5, seed).unwrap();
                let places = |s: &Sweep| (0..s.len()).map(|i| s.place(i)).collect::<Vec<_>>();
                (places(&a), places(&b))
            };
            assert_eq!(split(&rounded), split(&exact));
        }
    }
}

#[test]
fn held_out_errors_are_the_same() {
    let held_out = |sweep: &Sweep| {
        let candidate = Candidate::new(AdditiveLaw::for_sweep(sweep), Fitter::new().starts(8));
        let comparison =
            Selection::new().candidates([candidate.clone()]).run(sweep, TARGET).unwrap();
        let score = comparison.scores()[0].clone();
        let curve = LearningCurve::new([8]).repeats(3).run(&candidate, sweep, TARGET).unwrap();
        let (mixtures, scale) = (score.mixtures.unwrap(), score.scale.unwrap());
        [mixtures.test.mre, scale.test.mre, mixtures.regret.unwrap(), curve.points()[0].mean]
    };
    let (exact, rounded) = (held_out(&embedded(true, 0.0)), held_out(&embedded(true, 1e-9)));
    println!("{exact:?} {rounded:?}");
    for (a, b) in exact.iter().zip(rounded) {
        assert!((a - b).abs() < 0.0002, "{exact:?} {rounded:?}");
    }
}

/// On an ordinary public sweep, where `MIXLAW_REDPAJAMA` names its file: seven domains, some weights of
/// which are zero.
#[test]
fn held_out_errors_of_a_public_sweep_are_the_same() {
    let Some(path) = std::env::var_os("MIXLAW_REDPAJAMA") else {
        eprintln!("skipped: MIXLAW_REDPAJAMA does not name the sweep's file");
        return;
    };
    let train = Sweep::read_csv(path).unwrap().split("train").unwrap();
    let held_out = |sweep: &Sweep| {
        assert_eq!(sweep.count_mixtures(), train.count_mixtures());
        let candidate = Candidate::new(AdditiveLaw::for_sweep(sweep), Fitter::new().starts(6));
        let comparison = Selection::new().candidate(candidate).run(sweep, "arxiv").unwrap();
        comparison.scores()[0].mixtures.unwrap().test.mre
    };
    let (exact, off) = (held_out(&train), held_out(&rounded(&train, false, 1e-9)));
    assert!((exact - off).abs() < 0.0002, "{exact} {off}");
}

#[test]
fn fits_and_resamples_are_nearly_the_same_at_nearly_the_same_cost() {
    let (exact, rounded) = (embedded(false, 0.0), embedded(false, 1e-9));
    let fits = [&exact, &rounded].map(fit);
    let [a, b] = &fits;
    assert!((a.objective() / b.objective() - 1.0).abs() < 1e-4);
    assert!(b.evaluations() < 2 * a.evaluations(), "{} {}", a.evaluations(), b.evaluations());
    // What is reported is of the rows as they are.
    let losses = rounded.losses_of(TARGET).unwrap();
    let huber = |r: f64| if r.abs() < 1e-3 { 0.5 * r * r } else { 1e-3 * (r.abs() - 5e-4) };
    let predicted = b.predict_sweep(&rounded).unwrap();
    let sum: f64 = losses.iter().zip(&predicted).map(|(y, p)| huber(y - p)).sum();
    approx::assert_relative_eq!(sum / losses.len() as f64, b.objective(), max_relative = 1e-10);
    let of_exact: f64 = {
        let predicted = b.predict_sweep(&exact).unwrap();
        losses.iter().zip(&predicted).map(|(y, p)| huber(y - p)).sum()
    };
    assert_ne!(of_exact / losses.len() as f64, b.objective());
    for unit in [Unit::Run, Unit::Mixture] {
        let interval = |fit: &Fit, sweep: &Sweep| {
            let resamples = Bootstrap::new(40).unit(unit).run(fit, sweep).unwrap();
            resamples.interval(Scale { n: 4e5, d: 4e7 }, Mixture::uniform(4), 0.9).unwrap()
        };
        let (a, b) = (interval(a, &exact), interval(b, &rounded));
        let width = a.upper - a.lower;
        let ends = (a.lower - b.lower).abs().max((a.upper - b.upper).abs());
        assert!(ends < 0.01 * width, "{a:?} {b:?}");
    }
}
