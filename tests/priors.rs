//! Priors: what a fit with one is, by hand where that can be had, and what its members are.

use mixlaw::error::ErrorKind;
use mixlaw::fit::PriorStrength;
use mixlaw::law::{
    AdditiveLaw, CoefficientFn, Constant, Coordinate, Coordinates, ExponentialSum, Formula,
    FormulaLaw, GeometricMean, JointLaw, LawSettings, LinearPower, Prior, PriorTerm, Scalar,
    ScalingLaw, SharedExponentialSum, StartData, Typical, built_in,
};
use mixlaw::testing::{Modality, SyntheticSweep};
use mixlaw::uncertainty::{Bootstrap, Probe};
use mixlaw::{Fitter, Scale, Sweep};

/// `a + b h_code`, which is linear, and a coefficient that does nothing.
#[derive(Debug)]
struct Line;

impl Formula for Line {
    fn name(&self) -> &'static str {
        "line"
    }

    fn coefficients(&self, _: &[String]) -> Vec<Coordinate> {
        ["a", "b", "unused"].map(|name| Coordinate::real(name, -20.0..=20.0)).to_vec()
    }

    fn loss<S: Scalar>(&self, c: &[S], _: S, _: S, h: &[S]) -> S {
        c[0] + c[1] * h[1] + c[2] * S::from_f64(0.0)
    }
}

const CODE: [f64; 5] = [0.1, 0.2, 0.4, 0.7, 0.9];
const LOSS: [f64; 5] = [3.1, 3.0, 2.5, 2.4, 1.9];

fn line() -> FormulaLaw<Line> {
    FormulaLaw::new(Line, &["web", "code"], Scale::ONE).unwrap()
}

fn five_rows() -> Sweep {
    let h: Vec<f64> = CODE.iter().flat_map(|code| [1.0 - code, *code]).collect();
    Sweep::new(&["web", "code"], &["t"], &[1e8; 5], &[1e9; 5], &h, &LOSS).unwrap()
}

/// Least squares, with a prior of this strength.
fn squares(strength: f64, beliefs: Prior) -> Fitter {
    Fitter::new().delta(f64::INFINITY).prior(PriorStrength::Nats(strength)).believe(beliefs)
}

#[test]
fn with_a_linear_law_a_fit_is_the_posterior_mean_of_linear_regression() {
    let (s, means, deviations) = (0.3, [2.0, -3.0], [0.5, 0.25]);
    let beliefs = Prior::new()
        .about("a", means[0], deviations[0])
        .about("b", means[1], deviations[1])
        .about("unused", 1.25, 0.1);
    let fit = squares(s, beliefs).fit(line(), &five_rows(), "t").unwrap();
    // (X^T X + s^2 P) beta = X^T y + s^2 P m, by Cramer's rule.
    let sum = |of: &dyn Fn(usize) -> f64| (0..5).map(of).sum::<f64>();
    let precision = deviations.map(|d| s * s / (d * d));
    let (m00, m11) = (5.0 + precision[0], sum(&|i| CODE[i] * CODE[i]) + precision[1]);
    let m01 = sum(&|i| CODE[i]);
    let r0 = sum(&|i| LOSS[i]) + precision[0] * means[0];
    let r1 = sum(&|i| CODE[i] * LOSS[i]) + precision[1] * means[1];
    let determinant = m00 * m11 - m01 * m01;
    let expected = [(r0 * m11 - m01 * r1) / determinant, (m00 * r1 - m01 * r0) / determinant];
    for (name, value) in ["a", "b", "unused"].into_iter().zip([expected[0], expected[1], 1.25]) {
        let found = fit.coefficient(name).unwrap();
        assert!((found - value).abs() < 1e-6, "{name}: {found}, expected {value}");
    }
    // What is reported as the objective holds the prior; the Huber loss of eq. 6 does not.
    let [a, b] = expected;
    let loss = sum(&|i| 0.5 * (LOSS[i] - a - b * CODE[i]).powi(2)) / 5.0;
    let off = [(a - means[0]) / deviations[0], (b - means[1]) / deviations[1]];
    let prior = s * s / 5.0 * 0.5 * off.iter().map(|x| x * x).sum::<f64>();
    assert!((fit.huber() - loss).abs() < 1e-9, "{}", fit.huber());
    assert!((fit.objective() - loss - prior).abs() < 1e-9, "{}", fit.objective());
}

#[test]
fn coefficients_that_are_alike_are_pooled_and_their_mean_is_free() {
    let none = |name: &str| Prior::new().about(name, 0.0, f64::INFINITY);
    let free = none("a").and(none("b"));
    let at = |deviation: f64| {
        let beliefs = free.clone().alike(&["a", "b"], deviation);
        let fit = squares(1.0, beliefs).fit(line(), &five_rows(), "t").unwrap();
        [fit.coefficient("a").unwrap(), fit.coefficient("b").unwrap()]
    };
    // With a = b = c the loss is c (1 + h): c = sum y (1 + h) / sum (1 + h)^2.
    let top: f64 = CODE.iter().zip(LOSS).map(|(h, y)| y * (1.0 + h)).sum();
    let pooled = top / CODE.iter().map(|h| (1.0 + h).powi(2)).sum::<f64>();
    let [a, b] = at(1e-4);
    assert!((a - pooled).abs() < 1e-4 && (b - pooled).abs() < 1e-4, "{a} {b} {pooled}");
    // Without a belief it is least squares, whose slope is Sxy / Sxx.
    let (x, y) = (CODE.iter().sum::<f64>() / 5.0, LOSS.iter().sum::<f64>() / 5.0);
    let sxy: f64 = CODE.iter().zip(LOSS).map(|(h, l)| (h - x) * (l - y)).sum();
    let slope = sxy / CODE.iter().map(|h| (h - x).powi(2)).sum::<f64>();
    let [a, b] = at(f64::INFINITY);
    assert!((b - slope).abs() < 1e-6 && (a - (y - slope * x)).abs() < 1e-6, "{a} {b}");
}

#[test]
fn members_spread_as_the_prior_where_no_run_tells() {
    let beliefs = Prior::new().about("unused", 1.25, 0.4).about("a", 3.0, 0.01);
    let fit = squares(0.3, beliefs).fit(line(), &five_rows(), "t").unwrap();
    let predictor = Bootstrap::new(2000).run(fit, &five_rows()).unwrap();
    let unused: Vec<f64> = (0..2000)
        .map(|member| predictor.member(member).unwrap().laws().next().unwrap().1[2])
        .collect();
    let mean = unused.iter().sum::<f64>() / 2000.0;
    let variance = unused.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 1999.0;
    // The draws of each block of 100 sum to zero, so that the mean is exact.
    assert!((mean - 1.25).abs() < 1e-6, "{mean}");
    assert!((variance.sqrt() / 0.4 - 1.0).abs() < 0.05, "{}", variance.sqrt());
}

#[test]
fn without_noise_the_prior_hardly_counts_and_the_law_is_found() {
    let law = AdditiveLaw::new(&["web", "code"], Scale { n: 3e8, d: 8e9 }).unwrap();
    let truth = [
        ("E", 1.5),
        ("C[web]", 1.0),
        ("gamma[web]", 0.5),
        ("C[code]", 2.0),
        ("gamma[code]", 0.7),
        ("A", 400.0),
        ("alpha", 0.34),
        ("B", 400.0),
        ("beta", 0.28),
    ];
    let z = law.coordinates_of(&truth).unwrap();
    let sweep = SyntheticSweep::new(&["web", "code"]).losses("t", law.clone(), &z).unwrap();
    let fit = Fitter::recommended().fit(law, &sweep.build().unwrap(), "t").unwrap();
    // A tenth of the strength that the first of the two fits has.
    let most = 0.1 * 0.005 * 2.6;
    assert!(fit.prior_strength().unwrap() < most, "{:?}", fit.prior_strength());
    for (name, value) in truth {
        let found = fit.coefficient(name).unwrap();
        assert!((found / value - 1.0).abs() < 0.01, "{name}: {found}");
    }
}

/// Runs of a joint law in a narrow design, with noise.
fn narrow(seed: u64) -> (Sweep, JointLaw) {
    let domains = ["a", "b", "c", "d", "e"];
    let law = JointLaw::new(&domains, Scale { n: 3e8, d: 8e9 }).unwrap();
    let mut truth = vec![
        ("E".to_owned(), 1.5),
        ("alpha".to_owned(), 0.34),
        ("beta".to_owned(), 0.28),
        ("q_A".to_owned(), 1.0),
        ("q_B".to_owned(), 1.0),
    ];
    for (i, domain) in domains.iter().enumerate() {
        let worth = 0.5 + 0.5 * i as f64;
        truth.push((format!("C[{domain}]"), worth));
        truth.push((format!("gamma[{domain}]"), 0.5));
        truth.push((format!("ln_v_A[{domain}]"), (300.0 + 40.0 * worth).ln()));
        truth.push((format!("ln_v_B[{domain}]"), (300.0 + 20.0 * worth).ln()));
    }
    let truth: Vec<(&str, f64)> = truth.iter().map(|(name, x)| (name.as_str(), *x)).collect();
    let z = law.coordinates_of(&truth).unwrap();
    let sweep = SyntheticSweep::new(&domains)
        .narrow(&[0.5, 0.2, 0.15, 0.1, 0.05], 30.0)
        .losses("t", law.clone(), &z)
        .unwrap()
        .run_noise(0.003)
        .seed(seed);
    (sweep.build().unwrap(), law)
}

#[test]
fn in_a_narrow_design_the_same_fit_is_found_from_any_start() {
    for seed in 0..4 {
        let (sweep, law) = narrow(seed);
        let fits: Vec<f64> = (0..6)
            .map(|seed| Fitter::recommended().seed(seed).fit(law.clone(), &sweep, "t").unwrap())
            .map(|fit| fit.objective())
            .collect();
        let least = fits.iter().copied().fold(f64::INFINITY, f64::min);
        assert!(fits.iter().all(|f| *f <= 1.001 * least), "{fits:?}");
    }
}

#[test]
fn every_built_in_law_has_a_prior_on_its_own_coefficients() {
    let sweep = SyntheticSweep::paper(Modality::Vision)
        .losses_by("noisy-image-text", |at, h| {
            2.0 - 0.1 * h[2] + 0.05 * h[0] + 400.0 / at.n.powf(0.34) + 400.0 / at.d.powf(0.28)
        })
        .run_noise(0.002)
        .build()
        .unwrap()
        .split("train")
        .unwrap();
    let settings = LawSettings::new().domain("noisy-image-text");
    for built_in in built_in() {
        let law = built_in.for_sweep(&sweep, &settings).unwrap();
        let data = StartData { least_loss: 2.0, median_loss: 2.4, mixture: &[0.25; 4] };
        assert!(!law.prior(&data).terms().is_empty(), "{}", law.name());
        let fit = Fitter::new().starts(4).prior(PriorStrength::Nats(0.01));
        let fit = fit.fit(law, &sweep, "noisy-image-text").unwrap();
        assert!(fit.objective() >= fit.huber(), "{}", built_in.name());
        assert!(fit.objective().is_finite(), "{}", built_in.name());
    }
}

#[test]
fn at_the_centre_of_a_prior_a_coefficient_function_has_its_typical_value() {
    let domains = ["a", "b", "c"].map(String::from);
    let functions: [Box<dyn CoefficientFn>; 5] = [
        Box::new(Constant::level()),
        Box::new(LinearPower::level()),
        Box::new(GeometricMean),
        Box::new(ExponentialSum),
        Box::new(SharedExponentialSum),
    ];
    for function in functions {
        let list = function.coordinates("A", &domains);
        let prior = function.prior("A", &domains, Typical { value: 0.35, deviation: 0.5 });
        let centre = |coordinate: &Coordinate| {
            let own = prior.terms().iter().find_map(|term| match term {
                PriorTerm::About { coefficient, value, .. } if coefficient == coordinate.name() => {
                    Some(*value)
                }
                _ => None,
            });
            own.unwrap_or_else(|| panic!("{function:?}: nothing of {}", coordinate.name()))
        };
        let values: Vec<f64> = list.iter().map(centre).collect();
        let z = Coordinates::new(list, Scale::ONE).unwrap().from_coefficients(&values).unwrap();
        let value = function.value(&z, &[0.2, 0.3, 0.5]);
        // Slopes of exponentials are not zero at the centre of theirs.
        assert!((value / 0.35).ln().abs() < 0.5, "{function:?}: {value}");
    }
}

#[test]
fn what_no_row_tells_is_not_seen_with_a_prior_either() {
    let beliefs = Prior::new().about("unused", 1.25, 0.1);
    let fit = squares(0.3, beliefs).fit(line(), &five_rows(), "t").unwrap();
    let report = Probe::new().starts(0).run(&fit, &five_rows()).unwrap();
    assert_eq!(report.unseen, ["unused"]);
    assert_eq!(report.eigenvalues.iter().filter(|value| **value == 0.0).count(), 1);
}

#[test]
fn beliefs_without_a_prior_are_refused() {
    let beliefs = Prior::new().about("a", 1.0, 1.0);
    let error = Fitter::new().believe(beliefs).fit(line(), &five_rows(), "t").unwrap_err();
    assert!(error.to_string().contains("`Fitter::prior`"), "{error}");
}

#[test]
fn targets_are_believed_apart_and_their_runs_are_drawn_together() {
    let sweep = {
        let h: Vec<f64> = CODE.iter().flat_map(|code| [1.0 - code, *code]).collect();
        let losses: Vec<f64> = LOSS.iter().flat_map(|loss| [*loss, *loss]).collect();
        Sweep::new(&["web", "code"], &["t", "u"], &[1e8; 5], &[1e9; 5], &h, &losses).unwrap()
    };
    let beliefs = Prior::new().about("unused", 1.25, 0.4).about("a", 3.0, 0.5);
    let members = |target: &str| -> Vec<Vec<f64>> {
        let fit = squares(0.3, beliefs.clone()).fit(line(), &sweep, target).unwrap();
        let predictor = Bootstrap::new(400).run(fit, &sweep).unwrap();
        (0..400).map(|i| predictor.member(i).unwrap().laws().next().unwrap().1.to_vec()).collect()
    };
    let correlation = |a: &[Vec<f64>], b: &[Vec<f64>], i: usize| {
        let mean = |z: &[Vec<f64>]| z.iter().map(|z| z[i]).sum::<f64>() / z.len() as f64;
        let (x, y) = (mean(a), mean(b));
        let with = |p: &[Vec<f64>], p0: f64, q: &[Vec<f64>], q0: f64| {
            p.iter().zip(q).map(|(p, q)| (p[i] - p0) * (q[i] - q0)).sum::<f64>()
        };
        with(a, x, b, y) / (with(a, x, a, x) * with(b, y, b, y)).sqrt()
    };
    let (t, u) = (members("t"), members("u"));
    // What only the prior says of one target says nothing of the other; what runs say of one does.
    assert!(correlation(&t, &u, 2).abs() < 0.2, "{}", correlation(&t, &u, 2));
    assert!(correlation(&t, &u, 1) > 0.3, "{}", correlation(&t, &u, 1));
    assert!(correlation(&t, &t, 1) > 0.999);
}

#[test]
fn beliefs_that_are_wrong_are_named() {
    let error = |beliefs: Prior| squares(0.1, beliefs).fit(line(), &five_rows(), "t").unwrap_err();
    let unknown = error(Prior::new().about("c", 1.0, 1.0));
    assert!(matches!(unknown.kind(), ErrorKind::Unknown { name, .. } if name == "c"), "{unknown}");
    let unknown = error(Prior::new().alike(&["a", "d"], 1.0));
    assert!(unknown.to_string().contains("`d`"), "{unknown}");
    let none: [&str; 0] = [];
    let empty = error(Prior::new().alike(&none, 1.0));
    assert!(empty.to_string().contains("alike"), "{empty}");
    for deviation in [0.0, -1.0, 1e-200, f64::NAN] {
        let wrong = error(Prior::new().about("a", 1.0, deviation)).to_string();
        assert!(wrong.contains("the deviation of `a`"), "{wrong}");
    }
    let wrong = error(Prior::new().about("a", f64::NAN, 1.0)).to_string();
    assert!(wrong.contains('a') && wrong.contains("a finite number"), "{wrong}");
    for strength in [0.0, -0.1, f64::NAN, f64::INFINITY] {
        let wrong = squares(strength, Prior::new()).fit(line(), &five_rows(), "t").unwrap_err();
        assert!(wrong.to_string().contains("strength"), "{strength}: {wrong}");
    }
}

#[test]
fn fewer_rows_than_coefficients_are_enough_with_a_prior() {
    let (sweep, law) = narrow(0);
    let few = sweep.select(|row| row.n == 1e8 && row.d == 4e9).unwrap();
    let few = few.select(|row| ["run0", "run1", "run2", "run3"].contains(&row.run)).unwrap();
    let refused = Fitter::new().fit(law.clone(), &few, "t").unwrap_err();
    assert!(matches!(refused.kind(), ErrorKind::TooFewRows { .. }), "{refused}");
    let fit = Fitter::recommended().fit(law, &few, "t").unwrap();
    assert!(fit.evaluate(&sweep).unwrap().mre < 0.2);
}
