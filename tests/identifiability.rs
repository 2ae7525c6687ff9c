//! What the data of a fit leaves open: planted gaps are found, and nothing else is.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};

use mixlaw::error::ErrorKind;
use mixlaw::law::{AdditiveLaw, Coordinate, Formula, FormulaLaw, Scalar, ScalingLaw};
use mixlaw::optim::{Termination, TrustRegion};
use mixlaw::uncertainty::{Identifiability, Probe};
use mixlaw::{Fit, Fitter, Mixture, Scale, Sweep};
use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;
use rand_distr::{Distribution, StandardNormal};

const DOMAINS: [&str; 3] = ["web", "code", "books"];
const SIZES: [f64; 3] = [1e8, 3e8, 9e8];
const TOKENS: [f64; 4] = [2e9, 6e9, 18e9, 54e9];

/// An additive law with these C and gamma.
fn additive(c: [f64; 3], gamma: [f64; 3]) -> (AdditiveLaw, Vec<f64>) {
    let law = AdditiveLaw::new(&DOMAINS, Scale { n: 3e8, d: 1e10 }).unwrap();
    let mut named = vec![("E", 1.1), ("A", 400.0), ("alpha", 0.35), ("B", 500.0), ("beta", 0.3)];
    named.extend(["C[web]", "C[code]", "C[books]"].into_iter().zip(c));
    named.extend(["gamma[web]", "gamma[code]", "gamma[books]"].into_iter().zip(gamma));
    let z = law.coordinates_of(&named).unwrap();
    (law, z)
}

/// Losses of a law at every size and mixture, one run each, and all token counts; the noise is that of
/// a run, and a tenth of it that of a checkpoint.
fn sweep(law: &dyn ScalingLaw, z: &[f64], mixtures: &[Mixture], noise: f64, seed: u64) -> Sweep {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut normal = || -> f64 { StandardNormal.sample(&mut rng) };
    let (mut n, mut d, mut h, mut loss) = (vec![], vec![], vec![], vec![]);
    for mixture in mixtures {
        for size in SIZES {
            let shared = normal();
            for token in TOKENS {
                n.push(size);
                d.push(token);
                h.extend_from_slice(mixture);
                let factor = 1.0 + noise * (shared + 0.1 * normal());
                loss.push(law.loss(z, Scale { n: size, d: token }, mixture) * factor);
            }
        }
    }
    Sweep::new(&DOMAINS, &["t"], &n, &d, &h, &loss).unwrap()
}

fn grid() -> Vec<Mixture> {
    Mixture::grid(3, 4, 0.05).unwrap()
}

fn fitted(sweep: &Sweep) -> Fit {
    Fitter::new().starts(8).fit(AdditiveLaw::for_sweep(sweep), sweep, "t").unwrap()
}

/// On so many threads.
fn on<T: Send>(threads: usize, run: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(run)
}

#[test]
fn a_probe_can_be_observed_and_stopped() {
    let (law, z) = additive([2.0, 1.0, 3.0], [0.4, 0.7, 0.5]);
    let sweep = sweep(&law, &z, &grid(), 0.001, 1);
    let fit = fitted(&sweep);
    let probe = Probe::new().starts(13).seed(3);
    let run = |most: usize| {
        let calls = Arc::new(Mutex::new(Vec::new()));
        let told = calls.clone();
        let observed = probe.clone().observe(move |progress| {
            assert_eq!(progress.total, Some(35));
            told.lock().unwrap().push(progress.done);
            if progress.done < most { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        let report = observed.run(&fit, &sweep).unwrap();
        let calls = calls.lock().unwrap().clone();
        (report, calls)
    };
    let all = on(1, || probe.run(&fit, &sweep).unwrap());
    assert_eq!((all.ranges.len(), all.termination), (11, Termination::Complete));
    for threads in [1, 3] {
        let (seen, calls) = on(threads, || run(usize::MAX));
        // 13 other starts, and two ends for each of 11 coefficients.
        assert_eq!((&seen, calls.last()), (&all, Some(&35)));
        assert!(calls.is_sorted());
        let (some, calls) = on(threads, || run(32));
        // 19 ends are both of 9 coefficients. Those of other threads that waited for an earlier one
        // count at once.
        let found = some.ranges.len();
        assert!(found == 9 || threads > 1 && found > 9, "{found} of {calls:?}");
        if found == 11 {
            assert_eq!(some, all);
            continue;
        }
        assert_eq!(some.termination, Termination::Stopped);
        assert_eq!((&some.restarts, &some.ranges[..]), (&all.restarts, &all.ranges[..found]));
        assert_eq!((&some.eigenvalues, &some.pairs), (&all.eigenvalues, &all.pairs));
        let warning =
            format!("stopped by the observer, with the ranges of {found} of 11 coefficients");
        assert!(some.warnings().contains(&warning), "{some}");
        assert!(some.to_string().contains("11 free coefficients"), "{some}");
    }
    // A stop at the last fit leaves nothing out.
    assert_eq!(run(35).0, all);
}

fn undetermined(report: &Identifiability) -> Vec<&str> {
    report.undetermined().map(|range| range.name.as_str()).collect()
}

#[test]
fn a_domain_that_no_run_has_is_undetermined() {
    let (law, z) = additive([2.0, 1.0, 3.0], [0.4, 0.7, 0.5]);
    let mixtures: Vec<Mixture> = (1..10)
        .map(|i| f64::from(i) / 10.0)
        .map(|web| Mixture::new(vec![web, 1.0 - web, 0.0]).unwrap())
        .collect();
    let sweep = sweep(&law, &z, &mixtures, 0.001, 1);
    let report = Identifiability::of(&fitted(&sweep), &sweep).unwrap();
    assert_eq!(report.unseen, ["C[books]", "gamma[books]"]);
    assert_eq!(undetermined(&report), ["C[books]", "gamma[books]"], "{report}");
    let warnings = report.warnings();
    assert_eq!(warnings[0], "C[books]: any value at all fits within 0.1%");
    assert_eq!(warnings[1], "gamma[books]: any value at all fits within 0.1%");
    assert_eq!(report.eigenvalues.len(), 11);
    assert_eq!(report.eigenvalues[9..], [0.0, 0.0]);
    assert!(report.eigenvalues[8] > 0.0);
    assert_eq!(report.condition(), f64::INFINITY);
    assert_eq!((report.rows, report.runs), (108, 27));
}

/// `E + A/N^alpha + rho ln(D/D0)`, and domains that do not matter.
#[derive(Debug)]
struct Drift {
    d0: f64,
}

impl Formula for Drift {
    fn name(&self) -> &str {
        "drift"
    }

    fn coefficients(&self, _domains: &[String]) -> Vec<Coordinate> {
        vec![
            Coordinate::positive("E", 0.1..=10.0),
            Coordinate::positive("A", 1e-3..=10.0).over_n("alpha"),
            Coordinate::positive("alpha", 0.03..=1.5),
            Coordinate::real("rho", -3.0..=3.0),
        ]
    }

    fn loss<S: Scalar>(&self, c: &[S], n: S, d: S, _h: &[S]) -> S {
        c[0] + c[1] / n.powf(c[2]) + c[3] * (d / S::from_f64(self.d0)).ln()
    }
}

#[test]
fn a_coefficient_that_the_data_multiplies_by_zero_is_undetermined() {
    let drift = |d: [f64; 2]| {
        let n: Vec<f64> = (0..24).map(|i| 1e7 * 1.4f64.powi(i)).collect();
        let d: Vec<f64> = (0..24).map(|i| d[i % 2]).collect();
        let law = FormulaLaw::new(Drift { d0: 1e10 }, &["web"], Scale { n: 3e8, d: 1e10 }).unwrap();
        let z = [("E", 1.5), ("A", 900.0), ("alpha", 0.36), ("rho", -0.2)];
        let z = law.coordinates_of(&z).unwrap();
        // Noise without a generator: fractional parts of a multiple of the golden ratio.
        let noise = |i: usize| 2e-5 * ((0.618_033_988_749_895 * i as f64).fract() - 0.5);
        let loss: Vec<f64> = (0..24)
            .map(|i| law.loss(&z, Scale { n: n[i], d: d[i] }, &[1.0]) * (1.0 + noise(i)))
            .collect();
        let sweep = Sweep::new(&["web"], &["t"], &n, &d, &[1.0; 24], &loss).unwrap();
        let fit = Fitter::new().starts(8).fit(law, &sweep, "t").unwrap();
        Identifiability::of(&fit, &sweep).unwrap()
    };
    let same = drift([1e10, 1e10]);
    assert_eq!(same.unseen, ["rho"]);
    assert_eq!(undetermined(&same), ["rho"], "{same}");
    assert!(same.to_string().contains("rho"));
    // One domain: nothing to swap.
    assert!(same.pairs.is_empty());
    let two = drift([1e10, 2e10]);
    assert!(two.unseen.is_empty() && undetermined(&two).is_empty(), "{two}");
}

#[test]
fn equal_domains_are_exchangeable_and_others_are_not() {
    let (law, z) = additive([2.0, 2.0, 0.6], [0.5, 0.5, 0.9]);
    let mut found = 0;
    for seed in 0..20 {
        let sweep = sweep(&law, &z, &grid(), 0.003, seed);
        let report = Probe::new().starts(0).run(&fitted(&sweep), &sweep).unwrap();
        assert_eq!(report.pairs.len(), 3);
        assert!(report.pairs.is_sorted_by(|a, b| a.excess <= b.excess));
        for pair in report.exchangeable() {
            assert_eq!((pair.a.as_str(), pair.b.as_str()), ("web", "code"), "{report}");
            // Two coefficients each, and 45 runs.
            assert!((pair.limit - 24.0 / 45.0).abs() < 1e-15);
            let line = "web and code are exchangeable";
            assert!(report.warnings().iter().any(|warning| warning.starts_with(line)));
            found += 1;
        }
    }
    // 19 in 20 or more by design.
    assert!(found >= 18, "{found}");
}

#[test]
fn domains_that_always_weigh_the_same_are_exchangeable_at_no_cost() {
    // Different truths, which no run tells apart.
    let (law, z) = additive([2.0, 1.0, 0.6], [0.4, 0.7, 0.9]);
    let mixtures: Vec<Mixture> = (1..10)
        .map(|i| f64::from(i) / 20.0)
        .map(|half| Mixture::new(vec![half, half, 1.0 - 2.0 * half]).unwrap())
        .collect();
    let sweep = sweep(&law, &z, &mixtures, 0.001, 2);
    let report = Identifiability::of(&fitted(&sweep), &sweep).unwrap();
    let pair = &report.pairs[0];
    assert_eq!((pair.a.as_str(), pair.b.as_str()), ("web", "code"));
    assert!(pair.excess.abs() < 1e-9, "{}", pair.excess);
    assert!(pair.is_exchangeable() && !report.pairs[1].is_exchangeable(), "{report}");
}

#[test]
fn a_term_that_one_size_does_not_show_is_undetermined() {
    let (law, z) = additive([2.0, 1.0, 0.5], [0.4, 0.7, 0.3]);
    let all = sweep(&law, &z, &grid(), 1e-4, 2);
    let sweep = all.select(|row| row.n == SIZES[1]).unwrap();
    let report = Identifiability::of(&fitted(&sweep), &sweep).unwrap();
    // The size goes into the constant, any exponent will do, and A follows it for raw N.
    assert_eq!(undetermined(&report), ["E", "A", "alpha"], "{report}");
    let alpha = report.range("alpha").unwrap();
    assert!(alpha.lower_is_end && alpha.upper_is_end, "{alpha}");
    let a = report.range("A").unwrap();
    assert!(a.lower_is_end && a.upper / a.lower > 1e10, "{a}");
}

#[test]
fn nothing_is_open_where_the_data_says_it_all() {
    let (law, z) = additive([2.0, 1.0, 0.5], [0.4, 0.7, 0.3]);
    let sweep = sweep(&law, &z, &grid(), 1e-5, 3);
    let report = Identifiability::of(&fitted(&sweep), &sweep).unwrap();
    assert!(report.warnings().is_empty(), "{report}");
    assert!(report.to_string().ends_with("No warnings"));
    assert!(report.condition() < 1e8);
    let sum: f64 = report.eigenvalues.iter().sum();
    assert!((sum - 11.0).abs() < 1e-12, "{sum}");
    assert!(report.eigenvalues.is_sorted_by(|a, b| a >= b));
    assert!(report.restarts.near > 0 && report.restarts.distinct == 1);
    assert_eq!(report.restarts.scale, Scale { n: 1.8e9, d: 1.08e11 });
    assert!(report.restarts.h.iter().all(|h| (h - 1.0 / 3.0).abs() < 1e-12));
}

#[test]
fn a_perfect_fit_has_ranges_too() {
    let (law, z) = additive([2.0, 1.0, 0.5], [0.4, 0.7, 0.3]);
    let sweep = sweep(&law, &z, &grid(), 0.0, 0);
    let report = Probe::new().starts(0).run(&fitted(&sweep), &sweep).unwrap();
    assert!(undetermined(&report).is_empty(), "{report}");
    assert!(report.ranges.iter().all(|r| r.upper - r.lower < 1e-3 * r.estimate), "{report}");
}

#[test]
fn a_range_ends_where_fits_with_the_coefficient_fixed_say() {
    let (law, z) = additive([2.0, 1.0, 0.5], [0.4, 0.7, 0.3]);
    let sweep = sweep(&law, &z, &grid(), 0.003, 4);
    let fit = fitted(&sweep);
    let within = 0.01;
    let report = Probe::new().within(within).starts(0).run(&fit, &sweep).unwrap();
    let excess = |name: &str, value: f64| {
        let fixed = fit.fitter().clone().fix(name, value);
        let fixed = fixed.fit(AdditiveLaw::for_sweep(&sweep), &sweep, "t").unwrap();
        fixed.objective() / fit.objective() - 1.0
    };
    // A stands over a power of N: its range is that of the number that is printed.
    for name in ["C[web]", "gamma[books]", "alpha", "A"] {
        let range = report.range(name).unwrap();
        let estimate = range.estimate.ln();
        for end in [range.lower.ln(), range.upper.ln()] {
            assert!(excess(name, end.exp()) <= within * 1.0001, "{range}");
            // Found to 5%.
            let beyond = estimate + 1.07 * (end - estimate);
            assert!(excess(name, beyond.exp()) > within, "{range}");
        }
    }
}

#[test]
fn fixed_coefficients_and_rows_without_weight_are_left_out() {
    let (law, z) = additive([2.0, 1.0, 0.5], [0.4, 0.7, 0.3]);
    let sweep = sweep(&law, &z, &grid(), 0.003, 5);
    let mut weights = vec![1.0; sweep.len()];
    // The largest runs.
    (0..sweep.len()).filter(|&i| sweep.row(i).n == 9e8).for_each(|i| weights[i] = 0.0);
    let fitter = Fitter::new().starts(4).fix("beta", 0.3).row_weights(weights);
    // Names decide, not places.
    let law = AdditiveLaw::new(&["books", "web", "code"], sweep.scale()).unwrap();
    let fit = fitter.fit(law, &sweep, "t").unwrap();
    let report = Probe::new().starts(2).run(&fit, &sweep).unwrap();
    assert!(report.range("beta").is_none() && report.range("alpha").is_some());
    assert_eq!((report.ranges.len(), report.eigenvalues.len()), (10, 10));
    assert_eq!((report.rows, report.runs), (sweep.len() / 3 * 2, sweep.len() / 12 * 2));
    assert_eq!((report.restarts.starts, report.restarts.scale.n), (2, 6e8));
}

#[test]
fn residuals_in_the_linear_part_are_counted() {
    let (law, z) = additive([2.0, 1.0, 0.5], [0.4, 0.7, 0.3]);
    let sweep = sweep(&law, &z, &grid(), 0.003, 6);
    let fit = fitted(&sweep);
    let share = |fit: &Fit| Probe::new().starts(0).run(fit, &sweep).unwrap().linear_share;
    let predicted = fit.predict_sweep(&sweep).unwrap();
    let far = |(loss, p): (&f64, &f64)| (loss - p).abs() >= fit.fitter().settings().delta;
    let losses = sweep.losses_of("t").unwrap();
    let count = losses.iter().zip(&predicted).filter(|&row| far(row)).count();
    assert!((share(&fit) - count as f64 / sweep.len() as f64).abs() < 1e-12);
    let squares = fit.fitter().clone().delta(f64::INFINITY);
    let squares = squares.fit(AdditiveLaw::for_sweep(&sweep), &sweep, "t").unwrap();
    assert_eq!(share(&squares), 0.0);
}

#[test]
fn a_fit_that_stopped_too_early_is_decided() {
    let (law, z) = additive([2.0, 1.0, 0.5], [0.4, 0.7, 0.3]);
    let sweep = sweep(&law, &z, &grid(), 0.003, 7);
    let early = Fitter::new().optimizer(TrustRegion::default().max_iterations(4));
    let fit = early.fit(AdditiveLaw::for_sweep(&sweep), &sweep, "t").unwrap();
    let report = Identifiability::of(&fit, &sweep).unwrap();
    assert!(report.restarts.best_excess < -0.1);
    assert!(report.warnings().iter().any(|line| line.starts_with("there is a better fit")));
}

#[test]
fn bad_settings_and_other_sweeps_are_refused() {
    let (law, z) = additive([2.0, 1.0, 0.5], [0.4, 0.7, 0.3]);
    let sweep_of = |seed| sweep(&law, &z, &grid(), 0.003, seed);
    let (own, other) = (sweep_of(8), sweep_of(9));
    let fit = fitted(&own);
    let error = Identifiability::of(&fit, &other).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::OtherSweep { .. }), "{error}");
    for starts in [1_000_001, usize::MAX - 5, usize::MAX] {
        let error = Probe::new().starts(starts).run(&fit, &own).unwrap_err().to_string();
        assert!(error.starts_with("starts is ") && error.ends_with("at most 1000000"), "{error}");
    }
    for within in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let error = Probe::new().within(within).run(&fit, &own).unwrap_err();
        assert!(error.is_setting(), "{error}");
    }
}

#[cfg(feature = "rayon")]
#[test]
fn the_number_of_threads_changes_no_bit() {
    let (law, z) = additive([2.0, 1.0, 0.5], [0.4, 0.7, 0.3]);
    let sweep = sweep(&law, &z, &grid(), 0.003, 10);
    let fit = fitted(&sweep);
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| Identifiability::of(&fit, &sweep).unwrap())
    };
    let one = on(1);
    assert_eq!(one, on(2));
    assert_eq!(one, on(5));
}
