//! Errors at larger scales, and the noise of two runs: against their formulas, worked out here.

use approx::assert_relative_eq;
use mixlaw::law::AdditiveLaw;
use mixlaw::predictor::ScaleErrors;
use mixlaw::uncertainty::Bootstrap;
use mixlaw::{Error, Fitter, Mixture, Plan, Predictor, Scale, Sweep};

const WEB: [f64; 5] = [0.1, 0.3, 0.5, 0.7, 0.9];

fn truth(at: Scale, h: &[f64]) -> f64 {
    2.0 - 0.5 * h[0] * h[1] + 400.0 / at.n.powf(0.34) + 400.0 / at.d.powf(0.28)
}

/// Five mixtures at these sizes and token counts, each loss times what `noise` makes of the number of the row.
fn sweep(sizes: &[f64], tokens: &[f64], noise: impl Fn(usize) -> f64) -> Sweep {
    let (mut n, mut d, mut h, mut loss) = (vec![], vec![], vec![], vec![]);
    for web in WEB {
        for &size in sizes {
            for &count in tokens {
                n.push(size);
                d.push(count);
                h.extend([web, 1.0 - web]);
                let at = Scale { n: size, d: count };
                loss.push(truth(at, &[web, 1.0 - web]) * noise(n.len() - 1));
            }
        }
    }
    Sweep::new(&["web", "code"], &["t"], &n, &d, &h, &loss).unwrap()
}

/// Right up to N and D, and beyond it too low by a share of the loss.
fn too_low(up_to: Scale, share: f64) -> Predictor {
    let loss = move |at: Scale, h: &[f64], _: &mut [f64]| {
        let beyond = at.n > up_to.n || at.d > up_to.d;
        truth(at, h) * if beyond { 1.0 - share } else { 1.0 }
    };
    Predictor::from_fn("t", &["web", "code"], loss).unwrap()
}

fn largest(rows: &Sweep) -> Scale {
    let most = |x: &[f64]| x.iter().copied().fold(0.0, f64::max);
    Scale { n: most(rows.n()), d: most(rows.d()) }
}

#[test]
fn the_deviation_is_that_of_the_offsets_at_sizes_held_out() {
    let sizes = [1e8, 2e8, 4e8, 8e8];
    let sweep = sweep(&sizes, &[4e9, 8e9], |_| 1.0);
    let fit = |rows: &Sweep, _: &str| Ok::<_, Error>(too_low(largest(rows), 0.02));
    let errors = ScaleErrors::measure(&sweep, [too_low(largest(&sweep), 0.02)], fit).unwrap();
    // 1e8 and 2e8 predict both larger sizes, and 1e8 to 4e8 the largest.
    let steps: Vec<(f64, f64)> =
        errors.steps().iter().map(|s| (s.fitted.n, s.predicted.n)).collect();
    assert_eq!(steps, [(2e8, 4e8), (2e8, 8e8), (4e8, 8e8)]);
    let offset = -(1.0f64 - 0.02).ln();
    for step in errors.steps() {
        assert_relative_eq!(step.offset, offset, max_relative = 1e-12);
        assert_eq!((step.rows, step.target.as_str()), (10, "t"));
        assert!(step.known < 1e-12 && step.between < 1e-12);
    }
    // The law holds where it was fitted, so nothing else is believed: s^2 = 2 (e + e) / (x_1^3 + x_2^3) / 4.
    let (ln2, e) = (2f64.ln(), offset * offset);
    let cubes = ln2.powi(3) + (ln2.powi(3) + (2.0 * ln2).powi(3)) / 2.0;
    let s = (2.0 * (2.0 * e / cubes) / 4.0).sqrt();
    let at = Scale { n: 8e8 * 3.0, d: 8e9 * 2.0 };
    let x = 3f64.ln().hypot(2f64.ln());
    assert_relative_eq!(errors.deviation(at), s * x.powf(1.5), max_relative = 1e-12);
    assert_eq!(errors.held_out(), 2);
    // Within the data nothing is added, and no step was longer than 4 times N.
    assert_eq!(errors.deviation(Scale { n: 1e8, d: 1e9 }), 0.0);
    assert!(errors.is_checked(Scale { n: 4.0 * 8e8, d: 8e9 }));
    assert!(!errors.is_checked(Scale { n: 5.0 * 8e8, d: 8e9 }));
}

#[test]
fn what_is_believed_is_the_misfit_within_the_data() {
    // Losses of the larger of two sizes are 1% above what is predicted, those of the smaller as much below.
    let sweep = sweep(&[1e8, 2e8], &[4e9], |row| if row % 2 == 1 { 1.01 } else { 1.0 / 1.01 });
    let predictor = too_low(largest(&sweep), 0.0);
    let never = |_: &Sweep, _: &str| -> Result<Predictor, Error> { panic!("nothing is held out") };
    let errors = ScaleErrors::measure(&sweep, [&predictor], never).unwrap();
    assert_eq!((errors.steps().len(), errors.held_out()), (0, 0));
    let at = Scale { n: 2e8 * std::f64::consts::E, d: 4e9 };
    assert_relative_eq!(errors.deviation(at), 1.5 * 1.01f64.ln(), max_relative = 1e-9);
    assert!(!errors.is_checked(at));
}

#[test]
fn token_counts_are_held_out_where_there_is_one_size() {
    let sweep = sweep(&[1e8], &[1e9, 1.5e9, 3e9, 7e9, 8e9], |_| 1.0);
    let fit = |rows: &Sweep, _: &str| Ok::<_, Error>(too_low(largest(rows), 0.01));
    let errors = ScaleErrors::measure(&sweep, [too_low(largest(&sweep), 0.0)], fit).unwrap();
    let steps: Vec<(f64, f64)> =
        errors.steps().iter().map(|s| (s.fitted.d, s.predicted.d)).collect();
    assert_eq!(steps, [(3e9, 8e9)]);
}

#[test]
fn a_target_is_held_out_at_the_sizes_that_it_has() {
    // Nothing was measured at the smallest of four sizes, so two of the others are fitted, and one held out.
    let complete = sweep(&[1e8, 2e8, 4e8, 8e8], &[4e9], |_| 1.0);
    let both: Vec<f64> = complete
        .rows()
        .flat_map(|row| [if row.n == 1e8 { f64::NAN } else { row.losses[0] }, row.losses[0]])
        .collect();
    let h: Vec<f64> = complete.mixtures().iter().copied().collect();
    let builder = Sweep::builder(&["web", "code"], &["t", "u"]).missing_losses();
    let sweep = builder.build(complete.n(), complete.d(), &h, &both).unwrap();
    let fit = |rows: &Sweep, _: &str| Ok::<_, Error>(too_low(largest(rows), 0.02));
    let errors = ScaleErrors::measure(&sweep, [too_low(largest(&sweep), 0.0)], fit).unwrap();
    let steps: Vec<(f64, f64)> =
        errors.steps().iter().map(|s| (s.fitted.n, s.predicted.n)).collect();
    assert_eq!(steps, [(4e8, 8e8)]);
    // Without any error within the data or beyond, none is added, however far.
    let exact = |_: &Sweep, _: &str| Ok::<_, Error>(too_low(largest(&sweep), 0.0));
    let errors = ScaleErrors::measure(&sweep, [too_low(largest(&sweep), 0.0)], exact).unwrap();
    assert!(errors.deviation(Scale { n: f64::INFINITY, d: 1e9 }) < 1e-12);
}

/// Predictions of an additive law with members, and the sweep that it was fitted to.
fn resampled() -> (Sweep, Predictor) {
    let noise = |row: usize| 1.0 + 0.004 * (row as f64 * 2.7).sin();
    let sweep = sweep(&[1e8, 2e8, 4e8], &[4e9, 8e9], noise);
    let fit = Fitter::new().starts(4).fit(AdditiveLaw::for_sweep(&sweep), &sweep, "t").unwrap();
    (sweep.clone(), Bootstrap::new(40).run(fit, &sweep).unwrap())
}

#[test]
fn the_error_is_added_to_prediction_intervals_in_squares() {
    let (_, predictor) = resampled();
    let never = |_: &Sweep, _: &str| -> Result<Predictor, Error> { unreachable!() };
    // Two sizes that are 1% above and below what is predicted: that is believed, and nothing is held out.
    let two = self::sweep(&[1e8, 2e8], &[4e9], |row| if row % 2 == 1 { 1.01 } else { 1.0 / 1.01 });
    let errors = ScaleErrors::measure(&two, [too_low(largest(&two), 0.0)], never).unwrap();
    let known = predictor.clone().with_scale_errors(&errors).unwrap();
    let (at, h) = (Scale { n: 1e9, d: 3e10 }, [0.4, 0.6]);
    let before = predictor.prediction_interval(at, h, 0.9).unwrap();
    let after = known.prediction_interval(at, h, 0.9).unwrap();
    // The 95% quantile of Student's t with 2 degrees of freedom, from a table.
    let added = before.estimate * ((2.919_985_580_353_725_4 * errors.deviation(at)).exp() - 1.0);
    let below = (before.estimate - before.lower).hypot(added);
    assert!(added > 0.0);
    assert_relative_eq!(after.lower, before.estimate - below, max_relative = 1e-9);
    // A plan of this one target says the same, up to how finely the noise is cut.
    let plan = Plan::builder().target(1.0, &known).build().unwrap();
    let choice = plan.best(at).unwrap();
    let h = choice.optimum.weights.clone();
    let own = known.prediction_interval(at, &h, 0.9).unwrap();
    let of_plan = plan.prediction_interval(&choice, 0.9).unwrap();
    assert_relative_eq!(of_plan.lower, own.lower, max_relative = 1e-3);
    assert_relative_eq!(of_plan.upper, own.upper, max_relative = 1e-3);
    // Differences do not know of it.
    let other = [0.9, 0.1];
    assert_eq!(
        known.difference(at, &h, other, 0.9).unwrap(),
        predictor.difference(at, &h, other, 0.9).unwrap()
    );
}

#[test]
fn an_error_needs_members() {
    let (sweep, _) = resampled();
    let plain = too_low(largest(&sweep), 0.0);
    let fit = |rows: &Sweep, _: &str| Ok::<_, Error>(too_low(largest(rows), 0.01));
    let errors = ScaleErrors::measure(&sweep, [&plain], fit).unwrap();
    let error = plain.with_scale_errors(&errors).unwrap_err().to_string();
    assert!(error.contains("`t`") && error.contains("members"), "{error}");
}

#[test]
fn the_probability_of_a_run_is_that_of_all_pairs_of_residuals() {
    let (sweep, predictor) = resampled();
    let at = Scale { n: 4e8, d: 8e9 };
    let (h, other) = ([0.5, 0.5], [0.35, 0.65]);
    // Residuals at the largest size less their mean at each D, as large as those of many runs would be.
    let mut residuals = Vec::new();
    for d in [4e9, 8e9] {
        let rows: Vec<f64> = sweep
            .rows()
            .filter(|row| row.n == 4e8 && row.d == d)
            .map(|row| row.losses[0] / predictor.predict(row.scale(), row.h).unwrap() - 1.0)
            .collect();
        let (count, mean) = (rows.len() as f64, rows.iter().sum::<f64>() / rows.len() as f64);
        residuals.extend(rows.iter().map(|r| (r - mean) * (count / (count - 1.0)).sqrt()));
    }
    let loss = predictor.predict(at, h).unwrap();
    let (own, others) = (predictor.values(at, h).unwrap(), predictor.values(at, other).unwrap());
    let (mut lower, mut all) = (0.0, 0.0);
    for (own, other) in own.iter().zip(&others) {
        for first in &residuals {
            for second in &residuals {
                lower += f64::from(u8::from(own + loss * first < other + loss * second));
                all += 1.0;
            }
        }
    }
    let found = predictor.difference(at, h, other, 0.9).unwrap();
    let expected: f64 = lower / all;
    assert!(expected > 0.55 && expected < 0.999, "{expected}");
    assert!((found.probability - expected).abs() < 0.02, "{} {expected}", found.probability);
    // A plan of one target asks the same.
    let plan = Plan::builder().target(1.0, &predictor).build().unwrap();
    let choice = plan.best(at).unwrap();
    let other = Mixture::new(other.to_vec()).unwrap();
    let advantage = plan.advantage(&choice, &other, 0.9).unwrap();
    let same = predictor.difference(at, &choice.optimum.weights, &other, 0.9).unwrap();
    assert!((advantage.runs.probability - same.probability).abs() < 1e-9);
    assert!(advantage.runs.nats.lower < advantage.law.nats.lower);
}
