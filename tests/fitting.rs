//! Fits: planted laws are found again, settings do what they say, faults are named.

mod every_law;

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};

use approx::{assert_abs_diff_eq, assert_relative_eq};
use mixlaw::Scale;
use mixlaw::error::ErrorKind;
use mixlaw::fit::Residual;
use mixlaw::law::{
    AdditiveFixedNDLaw, AdditiveFixedNLaw, AdditiveLaw, AutoScaleLaw, Biased, ChinchillaLaw,
    CoefficientFn, Constant, Coordinate, CoupledLaw, DCptLaw, DataConstrainedLaw, Formula,
    FormulaLaw, Ge24Law, InverseSum, JointLaw, LinearPower, PowerLaw, Scalar, ScalingLaw,
    SimpleLaw,
};
use mixlaw::optim::{BasinHopping, Lbfgs, MultiStart, Optimizer, Termination, TrustRegion};
use mixlaw::testing::{assert_coefficient_contract, assert_law_contract};
use mixlaw::uncertainty::Bootstrap;
use mixlaw::{Fit, Fitter, Mixture, Plan, Predictor, Sweep};

const DOMAINS: [&str; 3] = ["web", "code", "books"];

/// Losses of a joint law with known coefficients, times 1 plus noise, at 4 sizes x 10 mixtures x 5
/// token counts.
fn planted(noise: f64) -> (Sweep, JointLaw, Vec<f64>) {
    let (sizes, tokens) = ([1e8, 2e8, 4e8, 8e8], [2e9, 4e9, 8e9, 16e9, 32e9]);
    let scales = mixlaw::Scale { n: 3e8, d: 8e9 };
    let law = JointLaw::new(&DOMAINS, scales).unwrap();
    let z = law
        .coordinates_of(&[
            ("E", 1.1),
            ("C[web]", 2.0),
            ("C[code]", 1.0),
            ("C[books]", 0.5),
            ("gamma[web]", 0.4),
            ("gamma[code]", 0.7),
            ("gamma[books]", 0.3),
            ("ln_v_A[web]", 5.9),
            ("ln_v_A[code]", 6.4),
            ("ln_v_A[books]", 6.1),
            ("q_A", 0.8),
            ("alpha", 0.35),
            ("ln_v_B[web]", 6.2),
            ("ln_v_B[code]", 6.9),
            ("ln_v_B[books]", 6.6),
            ("q_B", 1.4),
            ("beta", 0.3),
        ])
        .unwrap();
    let (mut n, mut d, mut h, mut loss) = (vec![], vec![], vec![], vec![]);
    for mixture in Mixture::grid(3, 3, 0.05).unwrap() {
        for size in sizes {
            for token in tokens {
                n.push(size);
                d.push(token);
                h.extend_from_slice(&mixture);
                // Noise without a generator: fractional parts of a multiple of the golden ratio.
                let u = (0.618_033_988_749_895 * n.len() as f64).fract() - 0.5;
                loss.push(law.loss(&z, Scale { n: size, d: token }, &mixture) * (1.0 + noise * u));
            }
        }
    }
    let sweep = Sweep::new(&DOMAINS, &["t"], &n, &d, &h, &loss).unwrap();
    (sweep, law, z)
}

#[test]
fn a_planted_law_is_found_again() {
    let (sweep, law, z) = planted(0.0);
    let fit = Fitter::new().fit(law.clone(), &sweep, "t").unwrap();
    assert!(fit.termination().converged());
    assert!(fit.objective() < 1e-16, "{}", fit.objective());
    // Extrapolation needs the coefficients themselves.
    for h in [[0.9, 0.05, 0.05], [0.1, 0.1, 0.8]] {
        let expected = law.loss(&z, Scale { n: 7e9, d: 1e12 }, &h);
        assert_relative_eq!(
            fit.predict(Scale { n: 7e9, d: 1e12 }, h).unwrap(),
            expected,
            max_relative = 1e-4
        );
    }
    assert_relative_eq!(fit.coefficient("alpha").unwrap(), 0.35, max_relative = 1e-3);
    assert_eq!(fit.coefficient("no such"), None);
}

#[test]
fn every_optimizer_lowers_the_same_objective() {
    let (sweep, ..) = planted(0.01);
    let law = || AdditiveLaw::for_sweep(&sweep);
    let fit = |fitter: Fitter| fitter.fit(law(), &sweep, "t").unwrap();
    let reference = fit(Fitter::new());
    let local = fit(Fitter::new().optimizer(TrustRegion::default()));
    let random = fit(Fitter::new().optimizer(MultiStart::new(Lbfgs::default(), 10)));
    let hopping = fit(Fitter::new().optimizer(BasinHopping::new(Lbfgs::default()).hops(10)));
    for other in [&local, &random, &hopping] {
        assert!(other.objective() >= reference.objective() * (1.0 - 1e-9));
    }
    assert!(random.objective() < 1.05 * reference.objective());
    assert_eq!((local.local_solves(), random.local_solves(), hopping.local_solves()), (1, 10, 11));
}

#[test]
fn the_objective_is_the_mean_huber_loss() {
    let (sweep, ..) = planted(0.01);
    let observed = sweep.losses_of("t").unwrap();
    for (delta, residual) in [
        (1e-3, Residual::Loss),
        (0.02, Residual::Loss),
        (f64::INFINITY, Residual::Loss),
        (1e-3, Residual::LogLoss),
    ] {
        let fitter = Fitter::new().starts(2).delta(delta).residual(residual);
        let fit = fitter.fit(AdditiveLaw::for_sweep(&sweep), &sweep, "t").unwrap();
        let predicted = fit.predict_sweep(&sweep).unwrap();
        let huber = |(o, p): (&f64, &f64)| {
            let r: f64 = if residual == Residual::Loss { o - p } else { o.ln() - p.ln() };
            if r.abs() < delta { r * r / 2.0 } else { delta * (r.abs() - delta / 2.0) }
        };
        let mean = observed.iter().zip(&predicted).map(huber).sum::<f64>() / 200.0;
        assert_relative_eq!(fit.objective(), mean, max_relative = 1e-10);
    }
}

#[test]
fn row_weights_are_counts() {
    let (sweep, ..) = planted(0.01);
    let law = AdditiveLaw::for_sweep(&sweep);
    let fitter = || Fitter::new().starts(4);
    let counts: Vec<f64> = (0..200).map(|i| f64::from(i % 3)).collect();
    let weighted = fitter().row_weights(counts.clone()).fit(law.clone(), &sweep, "t").unwrap();
    let scaled: Vec<f64> = counts.iter().map(|c| 8.0 * c).collect();
    let scaled = fitter().row_weights(scaled).fit(law.clone(), &sweep, "t").unwrap();
    assert_eq!(weighted.coordinates(), scaled.coordinates());

    // The same rows, written out as often as they count.
    let rows: Vec<_> = sweep.rows().collect();
    let often: Vec<_> = (0..200).flat_map(|i| vec![rows[i]; i % 3]).collect();
    let column = |f: &dyn Fn(&mixlaw::sweep::Row<'_>) -> Vec<f64>| -> Vec<f64> {
        often.iter().flat_map(f).collect()
    };
    let written = Sweep::builder(&DOMAINS, &["t"])
        .repeated_measurements()
        .build(
            &column(&|r| vec![r.n]),
            &column(&|r| vec![r.d]),
            &column(&|r| r.h.to_vec()),
            &column(&|r| r.losses.to_vec()),
        )
        .unwrap();
    let repeated = fitter().fit(law, &written, "t").unwrap();
    assert_relative_eq!(repeated.objective(), weighted.objective(), max_relative = 1e-6);
}

#[test]
fn coefficients_are_fixed_and_boxed_in_the_papers_units() {
    let (sweep, ..) = planted(0.01);
    let fit =
        |fitter: Fitter| fitter.starts(6).fit(JointLaw::for_sweep(&sweep), &sweep, "t").unwrap();
    let get = |fit: &Fit, name: &str| fit.coefficient(name).unwrap();

    let fixed = fit(Fitter::new().fix("alpha", 0.5).fix("E", 0.9).fix("gamma_A", 2.0));
    assert_relative_eq!(get(&fixed, "alpha"), 0.5, max_relative = 1e-14);
    assert_relative_eq!(get(&fixed, "E"), 0.9, max_relative = 1e-14);
    assert_relative_eq!(get(&fixed, "gamma_A"), 2.0, max_relative = 1e-14);
    assert!(fixed.at_bound().iter().all(|name| !["alpha", "E", "q_A"].contains(&name.as_str())));

    // A coefficient over a power is that of the raw N, although its coordinate is not.
    let raw = fit(Fitter::new().fix("ln_v_A[web]", 6.0).bound("ln_v_B[code]", 7.0, 7.1));
    assert_relative_eq!(get(&raw, "ln_v_A[web]"), 6.0, max_relative = 1e-12);
    assert!((7.0 - 1e-9..=7.1 + 1e-9).contains(&get(&raw, "ln_v_B[code]")));

    let boxed = fit(Fitter::new().bound("beta", 0.5, 0.6));
    assert_relative_eq!(get(&boxed, "beta"), 0.5, max_relative = 1e-6);
    assert!(boxed.at_bound().contains(&"beta".to_owned()));

    let free = fit(Fitter::new());
    for other in [&fixed, &raw, &boxed] {
        assert!(other.objective() >= free.objective() * (1.0 - 1e-6));
    }
}

#[test]
fn the_sign_of_gamma_can_be_restricted() {
    let (sweep, ..) = planted(0.01);
    let law = SimpleLaw::for_sweep(&sweep).positive_gamma();
    let fit = Fitter::new().starts(4).fit(law, &sweep, "t").unwrap();
    assert!(fit.coefficient("q_h").unwrap() >= 0.0);
}

#[test]
fn domains_are_matched_by_name() {
    let (sweep, ..) = planted(0.01);
    let law = AdditiveLaw::for_sweep(&sweep);
    let turned = AdditiveLaw::new(&["books", "web", "code"], sweep.scale()).unwrap();
    let predictions = |fit: &Fit| fit.predict_sweep(&sweep).unwrap();
    let a = Fitter::new().fit(law, &sweep, "t").unwrap();
    let b = Fitter::new().fit(turned, &sweep, "t").unwrap();
    assert_relative_eq!(a.objective(), b.objective(), max_relative = 1e-4);
    for (a, b) in predictions(&a).into_iter().zip(predictions(&b)) {
        assert_abs_diff_eq!(a, b, epsilon = 1e-3);
    }
}

#[test]
fn the_same_seed_gives_the_same_bits() {
    let (sweep, ..) = planted(0.01);
    let fit = |seed| {
        let fitter = Fitter::new().starts(3).seed(seed);
        fitter.fit(JointLaw::for_sweep(&sweep), &sweep, "t").unwrap().coordinates().to_vec()
    };
    assert_eq!(fit(5), fit(5));
    assert_ne!(fit(5), fit(6));
}

#[test]
fn laws_behind_pointers_fit_alike() {
    let (sweep, ..) = planted(0.01);
    let plain = ChinchillaLaw::for_sweep(&sweep);
    let boxed: Box<dyn ScalingLaw> = Box::new(plain.clone());
    let shared: std::sync::Arc<dyn ScalingLaw> = std::sync::Arc::new(plain.clone());
    let fitter = Fitter::new().starts(2);
    let a = fitter.fit(plain, &sweep, "t").unwrap();
    for b in [fitter.fit(boxed, &sweep, "t").unwrap(), fitter.fit(shared, &sweep, "t").unwrap()] {
        assert_eq!(a.coordinates(), b.coordinates());
    }
}

/// What a tool holds behind pointers is fitted as the thing itself.
#[test]
fn optimizers_and_coefficients_behind_pointers_fit_alike() {
    let (sweep, ..) = planted(0.01);
    let search = MultiStart::new(Lbfgs::default(), 2);
    let fit = |fitter: Fitter, law: &PowerLaw| fitter.fit(law.clone(), &sweep, "t").unwrap();
    let law = |bias: Box<dyn CoefficientFn>, level: Arc<dyn CoefficientFn>| {
        let builder = PowerLaw::builder("own", sweep.domains()).scale(sweep.scale());
        builder.bias(bias).d_term(level, Constant::exponent()).build().unwrap()
    };
    let boxed = law(Box::new(Biased(InverseSum)), Arc::new(LinearPower::level()));
    assert_law_contract(&boxed);
    let plain = PowerLaw::builder("own", sweep.domains())
        .scale(sweep.scale())
        .bias(Biased(InverseSum))
        .d_term(LinearPower::level(), Constant::exponent())
        .build()
        .unwrap();
    let a = fit(Fitter::new().optimizer(search.clone()), &plain);
    let shared: Arc<dyn Optimizer> = Arc::new(search);
    let b = fit(Fitter::new().optimizer(shared), &boxed);
    assert_eq!((a.coordinates(), a.to_string()), (b.coordinates(), b.to_string()));
    let choose = |fit: &Fit| {
        let plan = Plan::builder().target(1.0, fit).build().unwrap();
        plan.best(Scale { n: 1e9, d: 1e10 }).unwrap().optimum
    };
    assert_eq!(choose(&a), choose(&b));
}

#[test]
fn the_law_of_a_fit_can_be_fitted_again() {
    let (sweep, ..) = planted(0.01);
    let fit = Fitter::new().starts(2).fit(ChinchillaLaw::for_sweep(&sweep), &sweep, "t").unwrap();
    let again = fit.fitter().fit(fit.shared_law(), &sweep, fit.target()).unwrap();
    assert_eq!(again.coordinates(), fit.coordinates());
}

#[test]
fn the_recommended_predictor_tells_mixtures_apart_at_one_scale() {
    let (sweep, ..) = planted(0.002);
    let first = sweep.row(0);
    for part in [
        sweep.select(|row| row.n == first.n).unwrap(),
        sweep.select(|row| row.d == first.d).unwrap(),
        sweep.select(|row| (row.n, row.d) == (first.n, first.d)).unwrap(),
    ] {
        let predictor = Predictor::recommended(&part, "t").unwrap();
        assert!(predictor.evaluate(&part).unwrap().mre < 0.01);
    }
}

#[test]
fn an_observer_sees_the_fall_and_can_stop_it() {
    let (sweep, ..) = planted(0.01);
    let best = Arc::new(Mutex::new(Vec::new()));
    let told = best.clone();
    let fitter = Fitter::new().observe(move |progress| {
        told.lock().unwrap().push(progress.best);
        if progress.done < 4 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    // On one thread: how much others end while the one that asks is held up is open.
    let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let law = AdditiveLaw::for_sweep(&sweep);
    let fit = alone.install(|| fitter.fit(law, &sweep, "t")).unwrap();
    let best = best.lock().unwrap().clone();
    assert_eq!(fit.termination(), Termination::Stopped);
    assert!((4..57).contains(&fit.local_solves()) && fit.objective().is_finite());
    assert!(fit.evaluate(&sweep).unwrap().mre < 0.05);
    assert!(best.windows(2).all(|w| w[1] <= w[0] || w[1].is_infinite() || w[0].is_infinite()));
    assert!(fit.objective() <= best.into_iter().fold(f64::INFINITY, f64::min));
}

#[test]
fn observing_a_fit_does_not_change_it() {
    let (sweep, ..) = planted(0.01);
    let fitter = Fitter::new().starts(6).seed(1);
    let law = AdditiveLaw::for_sweep(&sweep);
    let alone = fitter.fit(law.clone(), &sweep, "t").unwrap();
    for threads in [1, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let seen = Arc::new(Mutex::new((0, f64::INFINITY)));
            let told = seen.clone();
            let observed = fitter.clone().observe(move |progress| {
                let mut told = told.lock().unwrap();
                *told = (progress.done, told.1.min(progress.best));
                ControlFlow::Continue(())
            });
            let fit = observed.fit(law.clone(), &sweep, "t").unwrap();
            assert_eq!(fit.coordinates(), alone.coordinates());
            assert_eq!(
                (fit.objective(), fit.termination()),
                (alone.objective(), alone.termination())
            );
            assert_eq!(fit.evaluations(), alone.evaluations());
            assert_eq!(*seen.lock().unwrap(), (fit.local_solves(), fit.objective()));
        });
    }
}

/// In the paper's units, also where they are those of the inverse of a coordinate.
#[test]
fn bounds_on_gamma_name_gamma() {
    let (sweep, ..) = planted(0.01);
    let fault = |lower, upper| {
        let fitter = Fitter::new().starts(1).bound("gamma_A", lower, upper);
        fitter.fit(JointLaw::for_sweep(&sweep), &sweep, "t").unwrap_err().to_string()
    };
    let range = "expected a number from 1e-100 to 1e100, or from -1e100 to -1e-100";
    let (tiny, inf) = (1e-200, f64::INFINITY);
    assert_eq!(fault(tiny, 2.0), format!("coefficient `gamma_A` is 1e-200, {range}"));
    assert_eq!(fault(f64::NAN, 2.0), format!("coefficient `gamma_A` is NaN, {range}"));
    assert_eq!(fault(1.0, f64::NAN), format!("coefficient `gamma_A` is NaN, {range}"));
    assert_eq!(fault(1.0, inf), format!("coefficient `gamma_A` is inf, {range}"));
    assert_eq!(fault(-1.0, 2.0), "coefficient `gamma_A` is -1, expected a range on one side of 0");
    assert_eq!(
        fault(2.0, 1.0),
        "coefficient `gamma_A` is 2, expected a lower bound that is not above the upper one"
    );
    let fitter = Fitter::new().starts(1).bound("gamma_A", -3.0, -2.0);
    let fit = fitter.fit(JointLaw::for_sweep(&sweep), &sweep, "t").unwrap();
    assert!((-3.0 - 1e-9..=-2.0 + 1e-9).contains(&fit.coefficient("gamma_A").unwrap()));
}

/// NaN wherever it is evaluated.
#[derive(Debug)]
struct Nowhere;

impl Formula for Nowhere {
    fn name(&self) -> &str {
        "nowhere"
    }

    fn coefficients(&self, _: &[String]) -> Vec<Coordinate> {
        vec![Coordinate::positive("E", 1.0..=2.0)]
    }

    fn loss<S: Scalar>(&self, c: &[S], _: S, _: S, _: &[S]) -> S {
        (-c[0]).ln()
    }
}

#[test]
fn a_fit_without_a_finite_objective_is_an_error() {
    let (sweep, ..) = planted(0.01);
    let law = FormulaLaw::for_sweep(Nowhere, &sweep).unwrap();
    let error = Fitter::new().starts(2).fit(law, &sweep, "t").unwrap_err();
    let kind = ErrorKind::NoFiniteLoss { law: "nowhere".to_owned() };
    assert_eq!(error.kind(), &kind, "{error}");
}

/// `1`, without anything to fit.
#[derive(Debug)]
struct One;

impl CoefficientFn for One {
    fn coordinates(&self, _: &str, _: &[String]) -> Vec<Coordinate> {
        Vec::new()
    }

    fn value(&self, _: &[f64], _: &[f64]) -> f64 {
        1.0
    }

    fn add_gradient(&self, _: &[f64], _: &[f64], _: f64, _: &mut [f64], _: &mut [f64]) {}

    fn is_constant(&self) -> bool {
        true
    }

    fn is_convex(&self, _: &[f64]) -> bool {
        true
    }
}

#[test]
fn a_function_without_coordinates_is_a_part_of_a_law() {
    let (sweep, ..) = planted(0.01);
    assert_coefficient_contract(&One, 3, 1.0);
    // All of the law, or all but one coordinate.
    let builder = || PowerLaw::builder("own", sweep.domains()).scale(sweep.scale());
    let none = builder().bias(One).build().unwrap();
    assert_law_contract(&none);
    let fit = Fitter::new().starts(2).fit(none, &sweep, "t").unwrap();
    assert_eq!(fit.predict(Scale { n: 1e8, d: 1e9 }, [0.2, 0.3, 0.5]).unwrap(), 1.0);
    let one = builder().bias(One).d_term(Constant::level(), One).build().unwrap();
    assert_law_contract(&one);
    let fit = Fitter::new().starts(2).fit(one, &sweep, "t").unwrap();
    assert!(fit.coefficient("B").unwrap() > 0.0);
}

#[test]
fn a_batch_of_no_points_is_empty() {
    let domains = ["a", "b"];
    for law in every_law::every_law(&domains, 0, mixlaw::Scale::ONE) {
        let p = law.coordinates().len();
        let (z, mut gradient) = (vec![0.1; p], vec![1.0; p]);
        let mut batch = law.batch(mixlaw::law::Points::new(&[], &[], &[], 2));
        batch.losses(&z, &mut []);
        batch.gradient(&z, &[], &mut gradient);
        assert_eq!(gradient, vec![0.0; p], "{}", law.name());
        batch.gauss_newton(&z, &[], &mut vec![0.0; p * p]);
    }
}

#[test]
fn faults_are_named() {
    let (sweep, ..) = planted(0.01);
    let law = AdditiveLaw::for_sweep(&sweep);
    let fault = |fitter: Fitter| fitter.fit(law.clone(), &sweep, "t").unwrap_err().to_string();
    for (message, expected) in [
        (fault(Fitter::new().delta(0.0)), "delta is 0"),
        (fault(Fitter::new().delta(f64::NAN)), "delta is NaN"),
        (fault(Fitter::new().row_weights([1.0])), "the number of row weights is 1"),
        (fault(Fitter::new().row_weights([-1.0; 200])), "the weight of row 0 is -1"),
        (fault(Fitter::new().row_weights([0.0; 200])), "the sum of the row weights is 0"),
        (fault(Fitter::new().fix("gamma[web2]", 1.0)), "unknown coefficient `gamma[web2]`"),
        (fault(Fitter::new().fix("gamma_A", 1.0)), "unknown coefficient `gamma_A`"),
        (fault(Fitter::new().fix("alpha", -1.0)), "coefficient `alpha` is -1"),
        (fault(Fitter::new().bound("alpha", 0.5, 0.4)), "coefficient `alpha` is 0.5"),
        (
            fault(Fitter::new().bound("alpha", 1e155, 1e160)),
            "coefficient `alpha` is 1e155, expected a number from 1e-100 to 100",
        ),
        (
            fault(Fitter::new().bound("beta", 0.1, f64::NAN)),
            "coefficient `beta` is NaN, expected a number from 1e-100 to 100",
        ),
        (
            fault(Fitter::new().bound("E", 0.0, 2.0)),
            "coefficient `E` is 0, expected a number from 1e-100 to 1e100",
        ),
        (
            fault(Fitter::new().bound("A", 1.0, f64::INFINITY)),
            "coefficient `A` is inf, expected a number from 1e-100 to 1e100",
        ),
    ] {
        assert!(message.contains(expected), "{message:?} should contain {expected:?}");
    }
    assert!(Fitter::new().fit(law, &sweep, "u").unwrap_err().is_unknown_name());
    let other = AdditiveLaw::new(&["web", "code"], sweep.scale()).unwrap();
    let error = Fitter::new().fit(other, &sweep, "t").unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Mismatch { .. }), "{error}");
    let mut count = 0;
    let few = sweep
        .select(|_| {
            count += 1;
            count <= 10
        })
        .unwrap();
    let error = Fitter::new().fit(JointLaw::for_sweep(&few), &few, "t").unwrap_err();
    assert!(error.to_string().contains("10 rows cannot determine the 17 free coefficients"));

    let corner = Sweep::new(
        &["a", "b"],
        &["t"],
        &[1e8; 5],
        &[1e9, 2e9, 3e9, 4e9, 5e9],
        &[0.5, 0.5, 0.5, 0.5, 1.0, 0.0, 0.5, 0.5, 0.5, 0.5],
        &[3.0; 5],
    )
    .unwrap();
    let ge24 = Ge24Law::for_sweep(&corner, "b").unwrap();
    let error = Fitter::new().fit(ge24, &corner, "t").unwrap_err().to_string();
    assert!(error.starts_with("row 2: ") && error.contains("domain `b` is 0"), "{error}");
}

/// Laws of two domains, planted at sizes, token counts and mixtures that tell their coefficients apart,
/// are found again.
#[test]
fn the_laws_of_others_are_found_again() {
    let scales = mixlaw::Scale { n: 1e9, d: 1e10 };
    let names = ["web", "code"];
    let unique = [("web", 2e10), ("code", 1e9)];
    type Planted<'a> = (Box<dyn ScalingLaw>, &'a [(&'a str, f64)]);
    let growing = PowerLaw::builder("growing", &names).scale(scales).bias(Constant::level());
    let growing = growing.n_term(Constant::level(), Constant::exponent());
    let growing = growing.d_term(LinearPower::level(), Constant::exponent()).coupled().growing_b();
    let laws: [Planted<'_>; 5] = [
        (
            Box::new(CoupledLaw::new(&names, scales).unwrap()),
            &[
                ("E", 1.2),
                ("C[web]", 1.5),
                ("gamma[web]", 0.4),
                ("C[code]", 2.5),
                ("gamma[code]", 0.8),
                ("A", 500.0),
                ("alpha", 0.36),
                ("B", 1500.0),
                ("beta", 0.34),
                ("p", 0.45),
            ],
        ),
        (
            Box::new(growing.build().unwrap()),
            &[
                ("E", 1.7),
                ("A", 500.0),
                ("alpha", 0.36),
                ("ln_v_B[web]", 7.0),
                ("ln_v_B[code]", 7.6),
                ("q_B", 0.5),
                ("beta", 0.34),
                ("p", 0.7),
                ("delta", -0.08),
            ],
        ),
        (
            Box::new(DataConstrainedLaw::new(&names, &unique, scales).unwrap()),
            &[
                ("E", 1.7),
                ("A", 500.0),
                ("alpha", 0.36),
                ("B", 1500.0),
                ("beta", 0.34),
                ("R*_D", 12.0),
                ("R*_N", 5.0),
            ],
        ),
        (
            Box::new(AutoScaleLaw::new(&names, scales).unwrap()),
            &[
                ("E", 1.5),
                ("n0[web]", 0.2),
                ("n0[code]", 1.5),
                ("gamma[web]", 0.3),
                ("gamma[code]", 0.6),
            ],
        ),
        (
            Box::new(DCptLaw::new(&names, "code", scales).unwrap()),
            &[
                ("E", 0.7),
                ("A", 300.0),
                ("alpha", 0.33),
                ("B", 900.0),
                ("beta", 0.31),
                ("eta[code]", 0.6),
                ("C", 0.2),
                ("gamma[code]", 0.5),
                ("epsilon[code]", 0.02),
            ],
        ),
    ];
    for (law, printed) in laws {
        let z = law.coordinates_of(printed).unwrap();
        let (mut n, mut d, mut h, mut loss) = (vec![], vec![], vec![], vec![]);
        for code in [0.0, 0.01, 0.1, 0.4, 0.7, 1.0] {
            for size in [1e8, 5e8, 2e9, 1e10] {
                for tokens in [5e8, 5e9, 5e10, 3e11] {
                    n.push(size);
                    d.push(tokens);
                    h.extend([1.0 - code, code]);
                    loss.push(law.loss(&z, Scale { n: size, d: tokens }, &[1.0 - code, code]));
                }
            }
        }
        let sweep = Sweep::new(&names, &["t"], &n, &d, &h, &loss).unwrap();
        let fit = Fitter::new().fit(law, &sweep, "t").unwrap();
        for &(name, value) in printed {
            let found = fit.coefficient(name).unwrap();
            assert_relative_eq!(found, value, max_relative = 1e-4);
        }
        assert!(fit.evaluate(&sweep).unwrap().mre < 1e-7, "{fit}");
    }
}

/// Ten mixtures at one N and one D, with the losses of an additive law there.
fn at_one_scale() -> Sweep {
    let web: Vec<f64> = (1..=10).map(|i| f64::from(i) / 11.0).collect();
    let h: Vec<f64> = web.iter().flat_map(|w| [*w, 1.0 - w]).collect();
    let loss = |w: &f64| 3.0 + 1.0 / (2.0 * w.sqrt() + (1.0 - w).sqrt());
    let losses: Vec<f64> = web.iter().map(loss).collect();
    Sweep::new(&["web", "code"], &["t"], &[1e6; 10], &[1e9; 10], &h, &losses).unwrap()
}

#[test]
fn a_law_that_is_blind_to_the_scale_refuses_another_one() {
    let sweep = at_one_scale();
    let fitter = Fitter::new().starts(4);
    let h = [0.5, 0.5];
    let other = |what: &str, error: &mixlaw::Error| {
        let expected = format!("law does not depend on {what} and was fitted");
        error.is_other_scale() && error.to_string().contains(&expected)
    };
    let fit = fitter.fit(AdditiveFixedNDLaw::for_sweep(&sweep), &sweep, "t").unwrap();
    // Within 1e-6 it is the same scale.
    assert!(fit.predict(Scale { n: 1e6 * (1.0 + 5e-7), d: 1e9 }, h).is_ok());
    for (n, d, what) in
        [(6e7, 1e9, "N"), (1e9, 1e9, "N"), (1e6, 2e9, "D"), (f64::INFINITY, 1e9, "N")]
    {
        let error = fit.predict(Scale { n, d }, h).unwrap_err();
        assert!(other(what, &error), "{error}");
    }
    let error = fit.predict(Scale { n: 6e7, d: 1e9 }, h).unwrap_err().to_string();
    assert!(
        error.starts_with(
            "the additive-fixed-nd law does not depend on N and was fitted to rows of N = 1e6 alone: it \
             does not know the loss at N = 6e7"
        ) && error.contains("for_any_scale()"),
        "{error}"
    );

    // A sweep, metrics, an ensemble, an objective, a plan and resamples refuse it alike.
    let larger = Sweep::new(&["web", "code"], &["t"], &[6e7], &[1e9], &h, &[2.0]).unwrap();
    let row = |error: mixlaw::Error| {
        assert!(error.to_string().starts_with("row 0: the additive-fixed-nd law"), "{error}");
    };
    row(fit.predict_sweep(&larger).unwrap_err());
    row(fit.evaluate(&larger).unwrap_err());
    let ensemble = Predictor::mean([&fit, &fit]).unwrap();
    assert!(other("N", &ensemble.predict(Scale { n: 6e7, d: 1e9 }, h).unwrap_err()));
    row(ensemble.evaluate(&larger).unwrap_err());
    let resamples = Bootstrap::new(20).run(&fit, &sweep).unwrap();
    assert!(other("N", &resamples.values(Scale { n: 6e7, d: 1e9 }, h).unwrap_err()));
    assert!(other(
        "N",
        &resamples.prediction_interval(Scale { n: 6e7, d: 1e9 }, h, 0.9).unwrap_err()
    ));
    for predictor in [Predictor::from(&fit), ensemble.clone(), resamples] {
        let plan = Plan::builder().target(1.0, &predictor).build().unwrap();
        let objective = plan.objective(Scale { n: 6e7, d: 1e9 });
        assert!(objective.is_err_and(|error| other("N", &error)));
        let here = plan.best(Scale { n: 1e6, d: 1e9 }).unwrap();
        assert!((here.optimum.weights[0] - 0.8).abs() < 0.01);
        for (n, d) in [(6e7, 1e9), (1e6, f64::INFINITY)] {
            for error in [plan.best(Scale { n, d }).err(), plan.corners(Scale { n, d }).err()] {
                let error = error.expect("another scale").to_string();
                assert!(error.contains("for_any_scale"), "{error}");
            }
        }
    }

    // Asked for by name, the mixtures of a larger scale are ranked by the small one.
    let any = ensemble.clone().for_any_scale();
    assert_eq!(
        any.predict(Scale { n: 6e7, d: 2e9 }, h).unwrap(),
        fit.predict(Scale { n: 1e6, d: 1e9 }, h).unwrap()
    );
    let resamples = Bootstrap::new(20).run(&any, &sweep).unwrap();
    let plan = Plan::builder().target(1.0, &resamples).build().unwrap();
    let choice = plan.best(Scale { n: 6e7, d: f64::INFINITY }).unwrap();
    assert!((choice.optimum.weights[0] - 0.8).abs() < 0.01);
    assert!(plan.certainty(&choice).is_ok());
}

#[test]
fn a_law_is_refused_only_where_it_knows_one_scale() {
    // Of several N and D a law that does not see them has fitted them all.
    let (sweep, ..) = planted(0.01);
    let fitter = Fitter::new().starts(2);
    let fit = fitter.fit(AdditiveFixedNDLaw::for_sweep(&sweep), &sweep, "t").unwrap();
    assert!(fit.predict(Scale { n: 1e12, d: 1e13 }, [0.2, 0.3, 0.5]).is_ok());
    // One that sees D and not N, at one N.
    let one = sweep.row(0).n;
    let part = sweep.select(|row| row.n == one).unwrap();
    let fit = fitter.fit(AdditiveFixedNLaw::for_sweep(&part), &part, "t").unwrap();
    assert!(fit.predict(Scale { n: one, d: 1e13 }, [0.2, 0.3, 0.5]).is_ok());
    assert!(fit.predict(Scale { n: 2.0 * one, d: 1e13 }, [0.2, 0.3, 0.5]).is_err());
    // Rows without weight do not count.
    let weights: Vec<f64> = sweep.rows().map(|row| f64::from(row.n == one)).collect();
    let law = AdditiveFixedNLaw::for_sweep(&sweep);
    let fit = fitter.row_weights(weights).fit(law, &sweep, "t").unwrap();
    assert_eq!(fit.sizes(), Some(one..=one));
    assert!(fit.predict(Scale { n: 2.0 * one, d: 1e13 }, [0.2, 0.3, 0.5]).is_err());
}
