//! What is stored and read again is the same to the bit, and what is not valid is refused.

mod every_law;

use std::sync::Arc;

use every_law::every_law;
use mixlaw::decision::Decision;
use mixlaw::error::{ErrorKind, Place};
use mixlaw::fit::{Metrics, Residual, StoredFit};
use mixlaw::law::*;
use mixlaw::optim::{Minimum, Termination};
use mixlaw::plan::{Certainty, Choice, Criterion, Extrapolation, NextRun, Plan, Run};
use mixlaw::predictor::{CoefficientInterval, Difference, Interval};
use mixlaw::selection::{Candidate, Comparison, Score, Selection};
use mixlaw::simplex::{Constraints, Optimum};
use mixlaw::testing::SyntheticSweep;
use mixlaw::uncertainty::{Bootstrap, Identifiability, Probe};
use mixlaw::{Decider, Fit, Fitter, Mixture, Predictor, Scale, Sweep};
use rand::rngs::Xoshiro256PlusPlus;
use rand::{Rng, RngExt, SeedableRng};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

const DOMAINS: [&str; 3] = ["web", "code", "books"];

/// The same value through text and through a format that does not describe itself.
fn through<T: Serialize + DeserializeOwned>(value: &T) -> [T; 2] {
    let text = serde_json::to_string(value).unwrap();
    let bytes = postcard::to_stdvec(value).unwrap();
    [serde_json::from_str(&text).unwrap(), postcard::from_bytes(&bytes).unwrap()]
}

/// A decision on runs that do not tell much.
#[test]
fn decisions_are_kept_and_false_ones_refused() {
    let train = SyntheticSweep::new(&DOMAINS)
        .narrow(&[0.5, 0.3, 0.2], 20.0)
        .mixtures(5)
        .losses_by("news", |at, h| {
            1.5 - 0.1 * h[1] + 300.0 / at.n.powf(0.33) + 400.0 / at.d.powf(0.3)
        })
        .run_noise(0.05)
        .build()
        .unwrap();
    let at = Scale { n: 3e9, d: 3e10 };
    let decision = Decider::new().members(20).decide(&train, [(1.0, "news")], at).unwrap();
    assert_kept(&decision);
    let text = serde_json::to_value(&decision).unwrap();
    let refused = |change: &dyn Fn(&mut Value)| {
        let mut changed = text.clone();
        change(&mut changed);
        serde_json::from_value::<Decision>(changed).unwrap_err().to_string()
    };
    let shorter = refused(&|x| drop(x["weights"].as_array_mut().unwrap().pop()));
    assert!(shorter.contains("the intervals of the weights"), "{shorter}");
    let level = refused(&|x| x["level"] = json!(1.5));
    assert!(level.contains("level"), "{level}");
    let rival = refused(&|x| x["rivals"][0]["h"] = json!([0.5, 0.5]));
    assert!(rival.contains("the mixture of a rival"), "{rival}");
}

/// Checks that both print the same in `Debug`, which tells numbers apart to the bit, but for the sign
/// of a NaN.
fn assert_kept<T: Serialize + DeserializeOwned + std::fmt::Debug>(value: &T) {
    for back in through(value) {
        assert_eq!(format!("{back:?}"), format!("{value:?}"));
    }
}

fn error<T: DeserializeOwned>(value: Value) -> String {
    match serde_json::from_value::<T>(value) {
        Ok(_) => panic!("it should have been refused"),
        Err(error) => error.to_string(),
    }
}

/// Any number: all exponents, both signs, and the special ones.
fn any(rng: &mut impl Rng) -> f64 {
    let special =
        [0.0, -0.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 5e-324, -5e-324, f64::MAX];
    match rng.random_range(0..12) {
        i @ 0..8 => special[i],
        8 => rng.random_range(-1e3..1e3),
        9 => f64::from_bits(rng.random_range(0..1 << 52)),
        _ => f64::from_bits(rng.random()),
    }
}

fn positive(rng: &mut impl Rng) -> f64 {
    loop {
        let x = any(rng).abs();
        if x.is_finite() && x > 0.0 {
            return x;
        }
    }
}

fn mixture(rng: &mut impl Rng, k: usize) -> Mixture {
    let mut h = Mixture::dirichlet(&vec![0.3; k], 1, rng.random()).unwrap()[0].to_vec();
    if rng.random_bool(0.2) {
        h.fill(-0.0);
        h[0] = 1.0 + 1e-7;
    }
    Mixture::new(h).unwrap()
}

/// 54 rows: three sizes, three token counts, six mixtures.
fn sweep() -> Sweep {
    let mixtures = Mixture::dirichlet(&[2.0; 3], 6, 5).unwrap();
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
    let (mut n, mut d, mut h, mut loss) = (vec![], vec![], vec![], vec![]);
    for w in &mixtures {
        for size in [1e8, 3e8, 9e8] {
            for tokens in [2e9, 6e9, 18e9] {
                n.push(size);
                d.push(tokens);
                h.extend_from_slice(w);
                let learned = 2.0 * w[0].powf(0.5) + w[1].powf(0.8) + 0.5 * w[2].powf(0.6);
                let rest = 400.0 / f64::powf(size, 0.34) + 400.0 / f64::powf(tokens, 0.28);
                let noise = 1.0 + rng.random_range(-0.003..0.003);
                loss.push(noise * (1.0 + 1.0 / learned + rest));
            }
        }
    }
    Sweep::new(&DOMAINS, &["code"], &n, &d, &h, &loss).unwrap()
}

fn assert_predicts_the_same(a: &Fit, b: &Fit) {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(2);
    for h in Mixture::dirichlet(&[1.0; 3], 100, 3).unwrap() {
        let (n, d) = (rng.random_range(7.0..12.0), rng.random_range(8.0..13.0));
        let at = |fit: &Fit| {
            fit.predict(Scale { n: f64::powf(10.0, n), d: f64::powf(10.0, d) }, &h).unwrap()
        };
        assert_eq!(at(a).to_bits(), at(b).to_bits(), "{}", a.law().name());
    }
}

fn joint() -> (Sweep, Fit) {
    let sweep = sweep();
    let fitter =
        Fitter::new().starts(3).seed(7).weigh_by_compute(0.5).bound("ln_v_A[web]", 2.0, 12.0);
    let fit = fitter.bound("gamma_B", 0.5, 4.0).fit(JointLaw::for_sweep(&sweep), &sweep, "code");
    (sweep, fit.unwrap())
}

#[test]
fn numbers_of_every_kind_are_kept() {
    fn read<T: serde::de::DeserializeOwned>(value: serde_json::Value) -> T {
        serde_json::from_value(value).unwrap()
    }
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(0);
    let same = |a: f64, b: f64| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan());
    for _ in 0..2_000 {
        let mut x = || any(&mut rng);
        let mut metrics = Metrics::new(&[1.0; 3], &[1.0; 3]);
        for figure in [&mut metrics.mre, &mut metrics.mae, &mut metrics.rmse, &mut metrics.r2] {
            *figure = x();
        }
        metrics.spearman = x();
        let interval = Interval { estimate: x(), lower: x(), upper: x() };
        let point: Vec<f64> = (0..3).map(|_| x()).collect();
        let minimum = Minimum {
            x: point,
            value: x(),
            optimality: x(),
            termination: Termination::NoProgress,
            evaluations: 5,
            local_solves: 1,
        };
        for back in through(&metrics) {
            let pairs = [(back.mre, metrics.mre), (back.mae, metrics.mae), (back.r2, metrics.r2)];
            assert!(pairs.into_iter().all(|(a, b)| same(a, b)), "{metrics:?} {back:?}");
        }
        assert_kept(&metrics);
        assert_kept(&interval);
        let scales = Scale { n: positive(&mut rng), d: positive(&mut rng) };
        assert_kept(&scales);
        assert_kept(&minimum);
        let mut next: NextRun = read(json!({ "candidate": 1, "gain": 0 }));
        next.gain = if interval.upper.is_nan() { 0.0 } else { interval.upper.abs() };
        assert_kept(&next);
        let any = json!({ "estimate": 0, "lower": 0, "upper": 0 });
        let mut coefficient: CoefficientInterval =
            read(json!({ "law": "a", "name": "B", "interval": any, "members": 20 }));
        coefficient.interval = interval;
        assert_kept(&coefficient);
    }
    let infinite = Interval { estimate: f64::NAN, lower: f64::NEG_INFINITY, upper: f64::INFINITY };
    let stored = json!({ "estimate": "NaN", "lower": "-inf", "upper": "inf" });
    assert_eq!(serde_json::to_value(infinite).unwrap(), stored);
    let whole: Interval = serde_json::from_str(r#"{"estimate":1,"lower":-2,"upper":3}"#).unwrap();
    assert_eq!(whole, Interval { estimate: 1.0, lower: -2.0, upper: 3.0 });
    for wrong in [json!(null), json!("infinity"), json!([1.0])] {
        let text = error::<Interval>(json!({ "estimate": wrong, "lower": 1.0, "upper": 2.0 }));
        assert!(text.ends_with(r#"expected a number, "inf", "-inf" or "NaN""#), "{text}");
    }
}

#[test]
fn mixtures_and_designs_are_kept_and_checked() {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(4);
    for _ in 0..500 {
        let k = rng.random_range(1..6);
        let design: Vec<Mixture> = (0..3).map(|_| mixture(&mut rng, k)).collect();
        assert_kept(&design);
        assert_kept(&Run {
            scale: Scale { n: positive(&mut rng), d: positive(&mut rng) },
            h: mixture(&mut rng, k),
        });
    }
    let h = Mixture::new([0.25, 0.75]).unwrap();
    assert_eq!(serde_json::to_value(&h).unwrap(), json!([0.25, 0.75]));
    for (weights, expected) in [
        (json!([]), "a mixture needs at least one domain, got none"),
        (json!([1.1, -0.1]), "domain weight 1 is -0.1, expected a finite number >= 0"),
        (json!([0.5, 0.4]), "the domain weights sum to 0.9, expected 1 (within 1e-6)"),
    ] {
        assert_eq!(error::<Mixture>(weights), expected);
    }
}

#[test]
fn sweeps_are_kept() {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(5);
    for _ in 0..200 {
        let (p, k, m) = (rng.random_range(1..6), rng.random_range(1..4), rng.random_range(1..3));
        let mut numbers = |count| (0..count).map(|_| positive(&mut rng)).collect::<Vec<f64>>();
        let (n, d, losses) = (numbers(p), numbers(p), numbers(p * m));
        let h: Vec<f64> = (0..p).flat_map(|_| mixture(&mut rng, k).to_vec()).collect();
        let odd = |what: &str, count: usize| -> Vec<String> {
            (0..count).map(|i| format!("{what},\n\"{i}\u{1}é")).collect()
        };
        let splits: Vec<&str> = (0..p).map(|i| ["train", "eval"][i % 2]).collect();
        let builder = Sweep::builder(&odd("h", k), &odd("t", m)).runs(&odd("r", p)).splits(&splits);
        let sweep = builder.build(&n, &d, &h, &losses).unwrap();
        assert_kept(&sweep);
        assert_kept(&sweep.split("train").unwrap());
    }
    let part = sweep().select(|row| row.n > 2e8).unwrap();
    for back in through(&part) {
        assert_eq!(back, part);
        assert_eq!(back.place(0), Place::Row(3));
    }
}

#[test]
fn repeated_measurements_are_kept_and_contradictions_refused() {
    let builder = Sweep::builder(&["a"], &["t"]).runs(&["r", "r", "s"]).repeated_measurements();
    let twice = builder.build(&[1e8; 3], &[1e9; 3], &[1.0; 3], &[3.0, 3.1, 2.9]).unwrap();
    for back in through(&twice) {
        assert_eq!(back, twice);
        let once = back.select(|row| row.losses[0] != 3.1).unwrap();
        assert!(through(&once).into_iter().all(|back| back == once));
    }
    let mut stored = serde_json::to_value(&twice).unwrap();
    stored["repeated_measurements"] = json!(false);
    assert!(error::<Sweep>(stored.clone()).starts_with("row 0 and row 1: run `r` has D = "));
    stored.as_object_mut().unwrap().remove("repeated_measurements");
    assert!(error::<Sweep>(stored.clone()).starts_with("row 0 and row 1: run `r` has D = "));
    stored["rows"][1]["n_params"] = json!(2e8);
    assert!(error::<Sweep>(stored).starts_with("row 0 and row 1: run `r` has `n_params` = "));
}

#[cfg(feature = "csv")]
#[test]
fn a_sweep_of_a_file_keeps_its_lines() {
    let text = "note,n_params,n_tokens,h_a,loss_t\nx,1e8,2e9,1,2.9\n\ny,1e8,4e9,1,2.8\n";
    let sweep = Sweep::from_csv(text.as_bytes()).unwrap();
    for back in through(&sweep) {
        assert_eq!(back, sweep);
        assert_eq!((back.place(1), back.ignored_columns()), (Place::Line(4), &["note".into()][..]));
    }
}

#[test]
fn a_sweep_is_checked_as_by_its_constructor() {
    let row = |d: f64| {
        let (h, losses) = ([0.5, 0.5], [3.0]);
        json!({ "run": "r", "split": "train", "n_params": 1e8, "n_tokens": d, "h": h, "losses": losses })
    };
    let good = json!({
        "mixlaw": 1, "domains": ["a", "b"], "targets": ["t"], "rows": [row(1e9), row(2e9)]
    });
    let sweep: Sweep = serde_json::from_value(good.clone()).unwrap();
    assert_eq!((sweep.len(), sweep.place(1)), (2, Place::Row(1)));
    for (at, value, expected) in [
        (
            "/rows/1/n_params",
            json!(-1.0),
            "row 1, column `n_params`: -1, expected a finite number > 0",
        ),
        ("/rows/0/n_tokens", json!(0), "row 0, column `n_tokens`: 0, expected a finite number > 0"),
        ("/rows/1/losses/0", json!(0.0), "row 1, column `loss_t`: 0, expected a finite loss > 0"),
        (
            "/rows/1/h/1",
            json!(-0.5),
            "row 1, column `h_b`: -0.5, expected a finite domain weight >= 0",
        ),
        (
            "/rows/1/h",
            json!([0.5, 0.4]),
            "row 1, columns h_a + h_b: the domain weights sum to 0.9, expected 1 (within 1e-6)",
        ),
        ("/rows/1/h", json!([1.0]), "h of row 1 has length 1, expected 2"),
        ("/rows/0/losses", json!([3.0, 2.0]), "losses of row 0 has length 2, expected 1"),
        ("/rows", json!([]), "a sweep needs at least one row, got none"),
        ("/rows/0/run", json!(""), "run name `` is empty"),
        ("/rows/0/split", json!(" x"), "split name ` x` begins or ends with white space"),
        ("/domains", json!(["a", "a"]), "domain `a` appears twice"),
        ("/targets", json!(["t "]), "target name `t ` begins or ends with white space"),
        ("/origin", json!({ "lines": [2] }), "origin has length 1, expected 2"),
        ("/mixlaw", json!(2), "version 2 of the format of mixlaw, expected 1"),
        (
            "/rows/1/losses/0",
            json!(null),
            "invalid type: null, expected a number, \"inf\", \"-inf\" or \"NaN\"",
        ),
        (
            "/rows/1/losses/0",
            json!("NaN"),
            "row 1, column `loss_t`: NaN, expected a finite loss > 0; if losses may be missing, say \
             `missing_losses()`",
        ),
    ] {
        let mut bad = good.clone();
        match bad.pointer_mut(at) {
            Some(place) => *place = value,
            None => bad[&at[1..]] = value,
        }
        assert_eq!(error::<Sweep>(bad), expected);
    }
    let mut bad = good;
    bad.as_object_mut().unwrap().remove("mixlaw");
    assert_eq!(error::<Sweep>(bad), "missing field `mixlaw`");
}

#[test]
fn a_fit_of_every_law_is_kept() {
    let sweep = sweep();
    for law in every_law(&DOMAINS, 1, sweep.scale()) {
        let bounds = |law: &dyn ScalingLaw| -> Vec<(String, (f64, f64))> {
            law.coordinates().iter().map(|c| (c.name().to_owned(), c.bounds())).collect()
        };
        let fit = Fitter::new().starts(2).fit(law.clone(), &sweep, "code").unwrap();
        for back in through(&fit) {
            assert_predicts_the_same(&back, &fit);
            assert_eq!(bounds(back.law()), bounds(fit.law()));
            assert_eq!((back.law().name(), back.law().settings()), (law.name(), law.settings()));
            assert_eq!(back.to_string(), fit.to_string());
            assert_eq!((back.target(), back.at_bound()), (fit.target(), fit.at_bound()));
            assert_eq!(back.objective().to_bits(), fit.objective().to_bits());
            assert_eq!(back.termination(), fit.termination());
            assert_eq!(back.evaluations(), fit.evaluations());
            assert_eq!(back.evaluate(&sweep).unwrap(), fit.evaluate(&sweep).unwrap());
            // The text of what was read is that of what was stored.
            let [a, b] = [&back, &fit].map(|fit| serde_json::to_string(fit).unwrap());
            assert_eq!(a, b);
        }
    }
}

#[test]
fn the_settings_of_a_fit_are_kept() {
    let sweep = sweep();
    let weights: Vec<f64> = (0..sweep.len()).map(|i| (i % 3) as f64).collect();
    let fitter = Fitter::new().delta(f64::INFINITY).residual(Residual::LogLoss).seed(u64::MAX);
    let fitter = fitter.row_weights(weights).fix("alpha", 0.34).starts(2);
    let fit = fitter.fit(AdditiveLaw::for_sweep(&sweep), &sweep, "code").unwrap();
    for back in through(&fit) {
        let settings = back.fitter().settings();
        assert_eq!(
            (settings.delta, settings.residual, settings.seed),
            (f64::INFINITY, Residual::LogLoss, u64::MAX)
        );
        // With the optimizer set again, it is the same fit that is made again.
        let again = back.fitter().clone().starts(2);
        let again = again.fit(AdditiveLaw::for_sweep(&sweep), &sweep, "code").unwrap();
        assert_eq!(again.coordinates(), fit.coordinates());
    }
}

#[test]
fn a_fit_that_was_read_can_be_resampled_and_probed() {
    let (sweep, fit) = joint();
    let z = |fit: &Fit| -> Vec<Vec<f64>> {
        let resamples = Bootstrap::new(20).seed(1).run(fit, &sweep).unwrap();
        (0..20).map(|b| resamples.member(b).unwrap().laws().next().unwrap().1.to_vec()).collect()
    };
    let probe = |fit: &Fit| Probe::new().starts(1).run(fit, &sweep).unwrap();
    let (expected, report) = (z(&fit), probe(&fit));
    for back in through(&fit) {
        assert_eq!(z(&back), expected);
        assert_eq!(probe(&back), report);
    }
    for back in through::<Identifiability>(&report) {
        assert_eq!(back.to_string(), report.to_string());
        assert_eq!(format!("{back:?}"), format!("{report:?}"));
    }
}

#[test]
fn means_are_kept() {
    let sweep = sweep();
    let fitter = Fitter::new().starts(2);
    let fits = [
        fitter.fit(SimpleLaw::for_sweep(&sweep), &sweep, "code").unwrap(),
        fitter.fit(AdditiveLaw::for_sweep(&sweep), &sweep, "code").unwrap(),
    ];
    let both = Predictor::mean(&fits).unwrap();
    for back in through(&both) {
        assert_eq!(back.name(), "simple + additive");
        back.fits().zip(both.fits()).for_each(|(a, b)| assert_predicts_the_same(a, b));
        assert!(back.members().is_none());
    }
    let stored = serde_json::to_value(&both).unwrap();
    for (at, value, expected) in [
        ("/mixlaw", json!(3), "version 3 of the format of mixlaw, expected 1"),
        ("/fits", json!([]), "a mean needs at least one predictor, got none"),
        ("/fits/1/target", json!("web"), "the targets of the parts of a mean differ: code and web"),
    ] {
        let mut bad = stored.clone();
        *bad.pointer_mut(at).unwrap() = value;
        assert_eq!(error::<Predictor>(bad), expected);
    }
}

#[test]
fn members_are_kept() {
    let sweep = sweep();
    let fitter = Fitter::new().starts(2);
    let fits = [
        fitter.fit(SimpleLaw::for_sweep(&sweep), &sweep, "code").unwrap(),
        fitter.fit(AdditiveLaw::for_sweep(&sweep), &sweep, "code").unwrap(),
    ];
    let both = Predictor::mean(&fits).unwrap();
    let resampled = Bootstrap::new(20).seed(3).run(&both, &sweep).unwrap();
    let (at, h) = (Scale { n: 7e9, d: 1e11 }, [0.2, 0.3, 0.5]);
    let answers = |predictor: &Predictor| {
        let plan = Plan::builder().target(1.0, predictor).build().unwrap();
        let choice = plan.best(at).unwrap();
        let run = Run { scale: Scale { n: 1e9, d: 1e10 }, h: Mixture::uniform(3) };
        let next = plan.next_runs(&choice, &[run], 1, Criterion::Decision).unwrap();
        let advantage = plan.advantage(&choice, &Mixture::uniform(3), 0.9).unwrap();
        format!(
            "{:?} {:?} {:?} {:?} {:?} {:?} {:?}",
            predictor.interval(at, h, 0.9).unwrap(),
            predictor.prediction_interval(at, h, 0.9).unwrap(),
            predictor.coefficients(0.9).unwrap(),
            predictor.residuals(0.5).unwrap(),
            plan.certainty(&choice).unwrap(),
            advantage,
            next,
        )
    };
    let expected = answers(&resampled);
    for back in through(&resampled) {
        assert_eq!(answers(&back), expected);
        assert_eq!(back.members(), resampled.members());
        assert!(back.members().unwrap().is_aligned_with(resampled.members().unwrap()));
    }
}

#[test]
fn members_that_do_not_agree_are_refused() {
    let (sweep, fit) = joint();
    let resampled = Bootstrap::new(20).run(&fit, &sweep).unwrap();
    let stored = serde_json::to_value(&resampled).unwrap();
    let z = stored["members"]["coordinates"][1][0].clone();
    let short = &z.as_array().unwrap()[1..];
    let last = fit.coordinates().len();
    for (at, wrong, expected) in [
        (
            "/members/coordinates",
            json!([]),
            "the number of members is 0, expected at least 1".to_owned(),
        ),
        (
            "/members/coordinates/1",
            json!([z, z]),
            "the number of laws of member 1 is 2, expected 1".to_owned(),
        ),
        (
            "/members/coordinates/1",
            json!([]),
            "the number of laws of member 1 is 0, expected 1".to_owned(),
        ),
        (
            "/members/coordinates/1/0",
            json!(short),
            format!("the number of coordinates of member 1 is {}, expected {last}", last - 1),
        ),
        (
            "/members/coordinates/1/0/2",
            json!("NaN"),
            "a coordinate of member 1 is NaN, expected a finite number".to_owned(),
        ),
        (
            "/members/residuals",
            json!([]),
            "the residuals are 0 numbers, expected finite".to_owned(),
        ),
        (
            "/members/residuals",
            json!([0.1, 0.0]),
            "the residuals are 2 numbers, expected finite".to_owned(),
        ),
        (
            "/members/residuals",
            json!([0.1, "inf"]),
            "the residuals are 2 numbers, expected finite".to_owned(),
        ),
        ("/members/draws/units", json!(1), "the units of the rows are not all below 1".to_owned()),
        (
            "/members/draws/units",
            json!(99),
            "the units of the rows are not all below 99".to_owned(),
        ),
        (
            "/members/draws/unit_of/0",
            json!(1_000_000),
            "the units of the rows are not all below".to_owned(),
        ),
    ] {
        let mut bad = stored.clone();
        *bad.pointer_mut(at).unwrap() = wrong;
        let text = error::<Predictor>(bad);
        assert!(text.contains(&expected), "{at}: {text}");
    }
}

/// `E + B/D^beta` by its formula.
#[derive(Debug, Clone)]
struct Tokens;

impl Formula for Tokens {
    fn name(&self) -> &str {
        "tokens"
    }

    fn coefficients(&self, _: &[String]) -> Vec<Coordinate> {
        vec![
            Coordinate::positive("E", 0.1..=10.0),
            Coordinate::positive("B", 1e-3..=10.0).over_d("beta"),
            Coordinate::positive("beta", 0.03..=1.5),
        ]
    }

    fn loss<S: Scalar>(&self, c: &[S], _: S, d: S, _: &[S]) -> S {
        c[0] + c[1] * (-c[2] * d.ln()).exp()
    }
}

#[test]
fn a_law_of_your_own_is_given_when_its_fit_is_read() {
    let sweep = sweep();
    let law = || FormulaLaw::for_sweep(Tokens, &sweep).unwrap();
    let fit = Fitter::new().starts(2).fit(law(), &sweep, "code").unwrap();
    for stored in through(&fit.to_stored()) {
        assert_eq!((stored.law(), stored.target()), ("tokens", "code"));
        assert_eq!((stored.domains(), stored.scale()), (sweep.domains(), sweep.scale()));
        let refused = stored.clone().into_fit().unwrap_err();
        assert!(matches!(refused.kind(), ErrorKind::NotBuiltIn { law, .. } if law == "tokens"));
        assert!(refused.to_string().starts_with("the tokens law is not one of the crate's"));
        assert_predicts_the_same(&stored.with_law(law()).unwrap(), &fit);
    }
    let text = error::<Fit>(serde_json::to_value(fit.to_stored()).unwrap());
    assert!(text.ends_with("and read by StoredFit::with_law"), "{text}");
}

/// What could not be read is not written: the fits would be lost.
#[test]
fn fits_of_other_laws_are_refused_at_the_writing() {
    let sweep = sweep();
    let fitter = Fitter::new().starts(2);
    let own = || FormulaLaw::for_sweep(Tokens, &sweep).unwrap();
    let fit = fitter.fit(own(), &sweep, "code").unwrap();
    let additive = fitter.fit(AdditiveLaw::for_sweep(&sweep), &sweep, "code").unwrap();
    let both = Predictor::mean([&additive, &fit]).unwrap();
    for text in [
        serde_json::to_string(&fit).unwrap_err().to_string(),
        serde_json::to_string(&both).unwrap_err().to_string(),
    ] {
        assert!(
            text.starts_with("the tokens law is not one of the crate's, which are: "),
            "{text}"
        );
        assert!(text.contains("Fit::to_stored") && text.contains("StoredFit::with_law"));
    }
    assert!(postcard::to_stdvec(&both).is_err());
    assert!(serde_json::to_string(&fit.to_stored()).is_ok());
    // A law of one's own by a name of the crate's is another law too.
    let impostor =
        PowerLaw::builder("joint", &DOMAINS).scale(sweep.scale()).bias(Constant::level());
    let fit = fitter.fit(impostor.build().unwrap(), &sweep, "code").unwrap();
    assert!(serde_json::to_string(&fit).is_err());
    // A comparison is written to be looked at, with the fits of every law.
    let candidate = Candidate::new(own(), fitter);
    let comparison = Selection::new().folds(2).candidate(candidate).run(&sweep, "code").unwrap();
    let stored = serde_json::to_value(&comparison).unwrap();
    assert_eq!(stored["scores"][0]["fit"]["fits"][0]["law"], "tokens");
}

/// Bounds at the ends of what is allowed make fits that can be read, or none.
#[test]
fn fits_with_extreme_bounds_are_read_again() {
    let sweep = sweep();
    let mut kept = 0;
    for (name, lower, upper) in [
        ("alpha", 50.0, 100.0),
        ("alpha", 1e-100, 1e-90),
        ("beta", 100.0, 100.0),
        ("A", 1e-100, 1e-100),
        ("A", 1e90, 1e100),
        ("E", 1e100, 1e100),
        ("q_A", -1e100, -1e90),
        ("gamma_A", 1e-100, 1e-100),
        ("gamma_B", -1e100, -1e-100),
        ("ln_v_A[web]", 1e100, 1e100),
        ("C[web]", 1e100, 1e100),
    ] {
        let fitter = Fitter::new().starts(1).bound(name, lower, upper);
        let joint = fitter.fit(JointLaw::for_sweep(&sweep), &sweep, "code");
        let additive = fitter.fit(AdditiveLaw::for_sweep(&sweep), &sweep, "code");
        for fit in [joint, additive] {
            match fit {
                Ok(fit) => {
                    kept += 1;
                    through(&fit).iter().for_each(|back| assert_predicts_the_same(back, &fit));
                }
                Err(error) if matches!(error.kind(), ErrorKind::NoFiniteLoss { .. }) => {}
                Err(other) => assert!(other.is_unknown_name(), "{other}"),
            }
        }
    }
    assert!(kept >= 6, "{kept}");
    // An arithmetic mean (q = 1) of an infinite value is infinite wherever the rest of the law is.
    let infinite = Fitter::new().starts(1).fix("ln_v_A[web]", 1e100).fix("q_A", 1.0);
    let fault = infinite.fit(JointLaw::for_sweep(&sweep), &sweep, "code").unwrap_err();
    assert!(matches!(fault.kind(), ErrorKind::NoFiniteLoss { .. }), "{fault}");
}

/// The N and D of the rows are stored, and so is what was asked for.
#[test]
fn a_fit_that_was_read_knows_its_scale() {
    let sweep = sweep().select(|row| row.n == 1e8).unwrap();
    let law = AdditiveFixedNLaw::for_sweep(&sweep);
    let fit = Fitter::new().starts(2).fit(law, &sweep, "code").unwrap();
    let h = [0.2, 0.3, 0.5];
    for back in through(&fit) {
        assert_eq!((back.sizes(), back.tokens()), (Some(1e8..=1e8), Some(2e9..=18e9)));
        assert!(
            back.predict(Scale { n: 1e8, d: 1e12 }, h).is_ok()
                && back.predict(Scale { n: 2e8, d: 1e12 }, h).is_err()
        );
    }
    for back in through(&fit.clone().for_any_scale()) {
        assert!(back.predict(Scale { n: 2e8, d: 1e12 }, h).is_ok());
    }
    // Files of earlier crates do not say: nothing is refused.
    let mut old = serde_json::to_value(&fit).unwrap();
    for new in ["trained", "any_scale"] {
        old.as_object_mut().unwrap().remove(new).unwrap();
    }
    let old: Fit = serde_json::from_value(old).unwrap();
    assert!(old.sizes().is_none() && old.predict(Scale { n: 2e8, d: 1e12 }, h).is_ok());
}

#[test]
fn false_settings_and_scales_are_refused() {
    let expected = "D is NaN, expected a number > 0";
    assert_eq!(error::<Scale>(json!({ "n": 1e8, "d": "NaN" })), expected);
    let expected = "N is -1, expected a number > 0";
    assert_eq!(error::<Scale>(json!({ "n": -1.0, "d": 1e9 })), expected);
    let good = Fitter::new().row_weights([1.0, 2.0]).bound("alpha", 0.1, 0.5);
    for back in through(&good) {
        assert_eq!(serde_json::to_value(&back).unwrap(), serde_json::to_value(&good).unwrap());
    }
    let good = serde_json::to_value(&good).unwrap();
    for (at, value, expected) in [
        ("/delta", json!("NaN"), "delta is NaN, expected a number > 0"),
        ("/delta", json!(-1.0), "delta is -1, expected a number > 0"),
        ("/compute_power", json!("inf"), "the power of the compute is inf, expected a finite"),
        ("/row_weights/1", json!("NaN"), "the weight of row 1 is NaN, expected a finite number"),
        ("/row_weights/0", json!(-1.0), "the weight of row 0 is -1, expected a finite number"),
        ("/constraints/0/1", json!("NaN"), "the lower bound of `alpha` is NaN, expected a number"),
        ("/constraints/0/2", json!(0.05), "the lower bound of `alpha` is 0.1, expected a number"),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(at).unwrap() = value;
        let text = error::<Fitter>(bad);
        assert!(text.starts_with(expected), "{at}: {text}");
    }
}

#[test]
fn another_law_is_refused() {
    let (sweep, fit) = joint();
    let scales = sweep.scale();
    let refused = |law: Arc<dyn ScalingLaw>| fit.to_stored().with_law(law).unwrap_err().to_string();
    let reordered = ["code", "web", "books"];
    let impostor = PowerLaw::builder("joint", &DOMAINS).scale(scales).bias(Constant::level());
    for (law, expected) in [
        (
            Arc::new(AdditiveLaw::for_sweep(&sweep)) as Arc<dyn ScalingLaw>,
            "the joint law: the stored name is joint, expected additive as in the law given to it",
        ),
        (
            Arc::new(JointLaw::new(&reordered, scales).unwrap()),
            "the joint law: the stored domains are web, code, books, expected code, web, books",
        ),
        (
            Arc::new(JointLaw::new(&DOMAINS, Scale::ONE).unwrap()),
            "the joint law: the stored reference scales are 3e8 and 6e9, expected 1e0 and 1e0",
        ),
        (
            Arc::new(impostor.build().unwrap()),
            "the joint law: the stored coordinates are E, C[web]",
        ),
    ] {
        let text = refused(law);
        let rounded = text.replace(&format!("{:e} and {:e}", scales.n, scales.d), "3e8 and 6e9");
        assert!(rounded.starts_with(expected), "{text}");
    }
}

#[test]
fn a_stored_fit_must_agree_with_itself() {
    let (_, fit) = joint();
    let stored = serde_json::to_value(&fit).unwrap();
    let prefix = "the joint law: the stored ";
    let e = fit.coefficient("E").unwrap();
    for (at, value, expected) in [
        ("/mixlaw", json!(2), "version 2 of the format of mixlaw, expected 1".to_owned()),
        ("/law", json!("jiont"), "the jiont law is not one of".to_owned()),
        ("/domains", json!(["web", "web", "a"]), "domain `web` appears twice".to_owned()),
        (
            "/scales/d",
            json!("inf"),
            "reference scale D0 is inf, expected a finite number > 0".to_owned(),
        ),
        ("/coordinates/0/name", json!("F"), format!("{prefix}coordinates are F, C[web]")),
        ("/coordinates/0/z", json!("NaN"), format!("{prefix}coordinate `E` is NaN")),
        ("/coordinates/0/z", json!(0.123), format!("{prefix}variable `E` is")),
        ("/coefficients/E", json!(e + 0.001), format!("{prefix}coefficient `E` is")),
        ("/coefficients/E", json!("inf"), format!("{prefix}coefficient `E` is inf, expected")),
        ("/coefficients", json!({}), format!("{prefix}coefficients are , expected C[books]")),
        ("/minimum/x", json!([1.0]), format!("{prefix}number of variables is 1")),
        ("/minimum/x/0", json!("NaN"), format!("{prefix}variable `E` is NaN, expected")),
        ("/minimum/termination", json!("bored"), "unknown variant `bored`".to_owned()),
        (
            "/at_bound",
            json!(["x"]),
            format!("{prefix}coefficients on a bound (at_bound) are x, expected"),
        ),
        ("/at_bound", json!(["E", "alpha"]), format!("{prefix}coefficients on a bound")),
        ("/minimum/value", json!("NaN"), format!("{prefix}objective is NaN, expected a fin")),
        ("/minimum/value", json!("inf"), format!("{prefix}objective is inf, expected")),
        ("/minimum/value", json!(-1e-9), format!("{prefix}objective is -0.000000001, ")),
        (
            "/minimum/optimality",
            json!("NaN"),
            format!("{prefix}distance from optimality is NaN, expected a number >= 0"),
        ),
        (
            "/trained/n",
            json!([1e9, 1e8]),
            format!("{prefix}range of N is 1000000000 to 100000000, expected two"),
        ),
        ("/trained/d/0", json!(-1.0), format!("{prefix}range of D is -1 to ")),
        ("/fitter/delta", json!(0), "delta is 0, expected a number > 0".to_owned()),
        ("/fitter/delta", json!("NaN"), "delta is NaN, expected a number > 0".to_owned()),
        ("/fitter/delta", json!(null), "invalid type: null, expected a number".to_owned()),
        (
            "/fitter/constraints/0/0",
            json!("nu"),
            "the joint law: unknown coefficient `nu`, expected one of: E".to_owned(),
        ),
        ("/fitter/constraints/0/1", json!(11.99), "the joint law: the stored variable".to_owned()),
    ] {
        let mut bad = stored.clone();
        *bad.pointer_mut(at).unwrap() = value;
        let text = error::<Fit>(bad);
        assert!(text.starts_with(&expected), "{at}: {text}");
    }
    let ge24 = Ge24Law::for_sweep(&sweep(), "code").unwrap();
    let fit = Fitter::new().starts(1).fit(ge24, &sweep(), "code").unwrap();
    let mut bad = serde_json::to_value(&fit).unwrap();
    for c in bad["coordinates"].as_array_mut().unwrap() {
        c["name"] = json!(format!("{}x", c["name"].as_str().unwrap()));
    }
    let text = error::<Fit>(bad);
    assert!(text.starts_with("the ge24 law: the stored coordinates are"), "{text}");
}

/// The settings of a law are a part of it: with others it is another law, and is read as itself.
#[test]
fn a_fit_is_read_with_the_settings_of_its_law() {
    let sweep = sweep();
    let law = |code| DataConstrainedLaw::for_sweep(&sweep, &[("code", code)]).unwrap();
    let fit = Fitter::new().starts(2).fit(law(1e9), &sweep, "code").unwrap();
    let value = serde_json::to_value(&fit).unwrap();
    assert_eq!(
        value["settings"],
        json!({ "domain": null, "positive_gamma": false, "unique_tokens": [["code", 1e9]] })
    );
    let read = || serde_json::from_value::<StoredFit>(value.clone()).unwrap();
    assert_predicts_the_same(&read().into_fit().unwrap(), &fit);
    assert_predicts_the_same(&read().with_law(law(1e9)).unwrap(), &fit);
    let refused = read().with_law(law(2e9)).unwrap_err();
    assert!(refused.to_string().starts_with("the data-constrained law: the stored settings are"));
    for (at, wrong, expected) in [
        ("unique_tokens", json!([["code", 2e9]]), "the stored coefficient `U[code]` is 1000000000"),
        ("unique_tokens", json!([["rust", 1e9]]), "unknown domain `rust`"),
        ("unique_tokens", json!([["code", -1e9]]), "coefficient `U[code]` is -1000000000"),
        ("domain", json!("code"), "the stored settings are"),
        ("positive_gamma", json!(true), "the stored settings are"),
    ] {
        let mut bad = value.clone();
        bad["settings"][at] = wrong;
        let text = error::<Fit>(bad);
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn decisions_are_kept_and_checked() {
    let (sweep, fit) = joint();
    let limits = Constraints::new()
        .at_least("code", 0.1)
        .at_most("books", 0.3)
        .group(&["code", "web"], 0.2, 0.9)
        .epochs("web", f64::INFINITY, 0.0)
        .trained_box(&sweep, 0.0);
    assert_kept(&limits);
    assert_eq!(
        serde_json::to_value(Constraints::new().at_least("code", 0.1)).unwrap(),
        json!([{ "at_least": ["code", 0.1] }])
    );
    let resamples = Bootstrap::new(20).run(&fit, &sweep).unwrap();
    let at_most = Constraints::new().at_most("web", 0.4);
    let plan = Plan::builder().target(1.0, &resamples).constraints(at_most).build().unwrap();
    for (n, d) in [(7e9, 1e11), (f64::INFINITY, f64::INFINITY)] {
        let choice = plan.best(Scale { n, d }).unwrap();
        for back in through::<Choice>(&choice) {
            assert_eq!(back, choice);
        }
        assert_kept::<Optimum>(&choice.optimum);
        assert_kept(&Extrapolation::of(&choice, &sweep).unwrap());
        assert_kept(&plan.certainty(&choice).unwrap());
        assert_kept(&plan.advantage(&choice, &Mixture::uniform(3), 0.9).unwrap());
    }
    let choice = plan.best(Scale { n: 7e9, d: 1e11 }).unwrap();
    let runs = [Run { scale: Scale { n: 1e9, d: 1e10 }, h: Mixture::uniform(3) }];
    assert_kept(&plan.next_runs(&choice, &runs, 1, Criterion::Decision).unwrap());
    assert_kept(&resamples.coefficients(0.9).unwrap());

    let mut bad = serde_json::to_value(&choice).unwrap();
    bad["domains"] = json!(["web"]);
    assert_eq!(error::<Choice>(bad), "the optimum has length 3, expected 1");
    let certainty = json!({ "choice": [1.0], "optima": [[0.5, 0.5]], "termination": "complete" });
    assert_eq!(error::<Certainty>(certainty), "an optimum has length 2, expected 1");
    let none = json!({ "choice": [1.0], "optima": [], "termination": "complete" });
    assert_eq!(error::<Certainty>(none), "a certainty needs at least one optimum, got none");
    let trained = json!([{ "trained": { "domain": "web", "lower": 0.9, "upper": 0.1 } }]);
    let limits: Constraints = serde_json::from_value(trained).unwrap();
    let fault = limits.region(sweep.domains(), 1e9).unwrap_err().to_string();
    assert!(fault.ends_with("0.9, expected a range of domain weights"), "{fault}");
}

#[test]
fn decisions_that_are_false_are_refused() {
    let (sweep, fit) = joint();
    let resamples = Bootstrap::new(20).run(&fit, &sweep).unwrap();
    let plan = Plan::builder().target(1.0, &resamples).build().unwrap();
    let choice = plan.best(Scale { n: 7e9, d: 1e11 }).unwrap();
    let stored = serde_json::to_value(&choice).unwrap();
    let value = choice.optimum.value;
    let said = |what: &str, expected: &str| format!("{what} of {expected}");
    for (at, wrong, expected) in [
        ("/scale/n", json!(-1.0), "N is -1, expected a number > 0".to_owned()),
        ("/scale/n", json!("NaN"), "N is NaN, expected a number > 0".to_owned()),
        ("/scale/d", json!(0), "D is 0, expected a number > 0".to_owned()),
        ("/domains", json!(["web", "code", "web"]), "domain `web` appears twice".to_owned()),
        ("/domains", json!(["web"]), "the optimum has length 3, expected 1".to_owned()),
        ("/optimum/weights", json!([0.5, 0.5]), "the optimum has length 2, expected 3".to_owned()),
        (
            "/unconstrained/weights",
            json!([1.0]),
            "the unconstrained one has length 1, expected 3".to_owned(),
        ),
        ("/optimum/weights", json!([0.5, 0.6, -0.1]), "domain weight 2 is -0.1".to_owned()),
        (
            "/optimum/lower_bound",
            json!(value + 1e-6),
            said("the lower bound", &format!("the optimum is {}, expected at most", value + 1e-6)),
        ),
        (
            "/unconstrained/lower_bound",
            json!("NaN"),
            said("the lower bound", "the unconstrained one is NaN, expected at most its value"),
        ),
        (
            "/optimum/value",
            json!("-inf"),
            said("the value", "the optimum is -inf, expected a finite number"),
        ),
        (
            "/optimum/shares",
            json!([1.5]),
            said("the share of a part", "the optimum is 1.5, expected a number from 0 to 1"),
        ),
        (
            "/optimum/shares",
            json!(["NaN"]),
            said("the share of a part", "the optimum is NaN, expected a number from 0 to 1"),
        ),
        (
            "/optimum/residual",
            json!(-1e-3),
            said("the residual", "the optimum is -0.001, expected a number >= 0"),
        ),
        (
            "/optimum/active",
            json!([{ "constraint": "web >= 0", "multiplier": -2 }]),
            said("the multiplier of a constraint", "the optimum is -2, expected a number >= 0"),
        ),
        (
            "/losses/0/1",
            json!("inf"),
            "the loss of target `code` is inf, expected a finite number".to_owned(),
        ),
        ("/blind", json!(["rust"]), "unknown target `rust`, expected one of: code".to_owned()),
    ] {
        let mut bad = stored.clone();
        *bad.pointer_mut(at).unwrap() = wrong;
        let text = error::<Choice>(bad);
        assert!(text.starts_with(&expected), "{at}: {text}, not {expected}");
    }
    // Written before targets could be blind.
    let mut old = stored;
    old.as_object_mut().unwrap().remove("blind");
    assert_eq!(serde_json::from_value::<Choice>(old).unwrap(), choice);

    let h = [0.5, 0.5];
    for (n, d, expected) in
        [(json!(-1.0), json!(1e9), "N is -1"), (json!(1), json!("NaN"), "D is NaN")]
    {
        let text = error::<Run>(json!({ "scale": { "n": n, "d": d }, "h": h }));
        assert_eq!(text, format!("{expected}, expected a number > 0"));
    }
    let text = error::<NextRun>(json!({ "candidate": 1, "gain": -0.5 }));
    assert_eq!(text, "the gain is -0.5, expected a number >= 0");
    let nats = json!({ "estimate": 0.1, "lower": 0.0, "upper": 0.2 });
    let text = error::<Difference>(json!({ "nats": nats, "probability": 1.5 }));
    assert_eq!(text, "the probability is 1.5, expected a number from 0 to 1");
    let far = serde_json::to_value(Extrapolation::of(&choice, &sweep).unwrap()).unwrap();
    let outside = json!([{ "domain": "web", "weight": 2, "lower": 0.1, "upper": 0.5 }]);
    for (at, wrong, expected) in [
        ("size", json!(-1), "the size is -1, expected a number > 0"),
        ("tokens", json!("NaN"), "the number of tokens is NaN, expected a number > 0"),
        ("nearest", json!(-0.1), "the distance is -0.1, expected a number >= 0"),
        ("weights", outside, "the domain weight is 2, expected a number from 0 to 1"),
    ] {
        let mut bad = far.clone();
        bad[at] = wrong;
        assert_eq!(error::<Extrapolation>(bad), expected);
    }
}

#[test]
fn a_comparison_can_be_stored() {
    let sweep = sweep();
    let fitter = Fitter::new().starts(1);
    let candidates = [
        Candidate::new(AdditiveLaw::for_sweep(&sweep), fitter.clone()),
        Candidate::new(AdditiveLaw::for_sweep(&sweep), fitter.fix("nu", 1.0)).called("wrong"),
    ];
    let comparison = Selection::new().folds(2).candidates(candidates).run(&sweep, "code").unwrap();
    let stored = serde_json::to_value(&comparison).unwrap();
    let scores = &stored["scores"];
    assert_eq!(scores[0]["fit"]["fits"][0]["law"], "additive");
    assert_eq!(scores[0]["train"]["count"], 54);
    assert_eq!(stored["scale"][0], json!({ "size": 9e8 }));
    let fault = scores[1]["failures"][0]["message"].as_str().unwrap();
    assert!(fault.starts_with("the additive law: unknown coefficient `nu`"), "{fault}");
    // Both ways, but for the wall times all that there is.
    let back: Comparison = serde_json::from_value(stored).unwrap();
    assert_eq!(back.to_string(), comparison.to_string());
    let (own, kept) = (&comparison.scores()[0], &back.scores()[0]);
    let at = Scale { n: 7e9, d: 1e11 };
    let predict = |score: &Score| score.fit.as_ref().unwrap().predict(at, [0.2, 0.3, 0.5]).unwrap();
    assert_eq!(predict(own), predict(kept));
}

/// Written once, by the first crate that stored fits; it must stay readable.
#[test]
fn version_1_stays_readable() {
    let text = include_str!("reference/stored_v1.json");
    let mut all: Value = serde_json::from_str(text).unwrap();
    let sweep: Sweep = serde_json::from_value(all["sweep"].take()).unwrap();
    assert_eq!((sweep.len(), sweep.place(0)), (54, Place::Row(0)));
    let both: Predictor = serde_json::from_value(all["ensemble"].take()).unwrap();
    assert_eq!(both.name(), "joint + full");
    let fits: Vec<Fit> = both.fits().cloned().collect();
    let lower = |fit: &Fit| {
        let coordinates = fit.law().coordinates();
        coordinates.get(coordinates.position("q_A").unwrap()).bounds().0
    };
    assert_eq!((lower(&fits[0]), lower(&fits[1])), (0.0, -5.0));
    assert!(fits.iter().all(|fit| Bootstrap::new(20).run(fit, &sweep).is_ok()));
    for row in all["predictions"].as_array().unwrap() {
        let number = |name: &str| row[name].as_f64().unwrap();
        let h: Mixture = serde_json::from_value(row["h"].clone()).unwrap();
        for (fit, expected) in fits.iter().zip(["joint", "full"]) {
            let loss = fit.predict(Scale { n: number("n"), d: number("d") }, &h).unwrap();
            approx::assert_relative_eq!(loss, number(expected), max_relative = 1e-12);
        }
    }
    let stored: StoredFit = serde_json::from_value(all["tokens"].take()).unwrap();
    let law = FormulaLaw::new(Tokens, stored.domains(), stored.scale()).unwrap();
    assert_eq!(stored.with_law(law).unwrap().fitter().settings().delta, f64::INFINITY);
}
