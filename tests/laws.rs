//! Every law: its reference values, the contract of the trait, exact gradients, nesting and counts.

mod every_law;

use std::sync::Arc;

use approx::assert_relative_eq;
use every_law::{UNIQUE, every_law, names};
use mixlaw::law::{
    AdditiveFixedNDLaw, AdditiveFixedNLaw, AdditiveLaw, AutoScaleLaw, Biased, ChinchillaLaw,
    CoefficientFn, Constant, Coordinate, CoupledLaw, DCptLaw, DataConstrainedLaw, Dual,
    ExponentialProduct, ExponentialSum, Formula, FormulaLaw, FullLaw, Ge24Law, GeometricMean,
    Gradient, InverseSum, JointLaw, LinearPower, PowerLaw, PowerLawBuilder, Scalar, ScalingLaw,
    SharedExponentialSum, SimpleLaw, YeM1Law, YeM2Law, YeM3Law, YeM4Law,
};
use mixlaw::simplex::Certificate;
use mixlaw::testing::{assert_coefficient_contract, assert_law_contract};
use mixlaw::{Error, Fitter, Mixture, Plan, Predictor, Random, Scale, SimplexSolver, Sweep};
use serde_json::Value;

fn domains(k: usize) -> Vec<String> {
    (0..k).map(|i| format!("d{i}")).collect()
}

fn law(name: &str, k: usize, own: usize, scales: Scale) -> Arc<dyn ScalingLaw> {
    every_law::law(name, &domains(k), own, scales)
}

const SCALES: Scale = Scale { n: 3e8, d: 2e10 };

fn number(value: &Value) -> f64 {
    match value.as_str() {
        Some("inf") => f64::INFINITY,
        Some("-inf") => f64::NEG_INFINITY,
        _ => value.as_f64().expect("a number"),
    }
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("a list").iter().map(number).collect()
}

/// Values and gradients of `tests/reference/laws.py`, within 1e-12 of the sum of absolute terms.
#[test]
fn laws_agree_with_high_precision() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("reference/laws.json")).unwrap();
    let mut seen = Vec::new();
    for case in &cases {
        let name = case["law"].as_str().unwrap();
        let k = case["k"].as_u64().unwrap() as usize;
        let own = case["domain"].as_u64().unwrap_or(0) as usize;
        let law = law(name, k, own, Scale { n: number(&case["n0"]), d: number(&case["d0"]) });
        let (z, h) = (numbers(&case["z"]), numbers(&case["h"]));
        let (n, d) = (number(&case["n"]), number(&case["d"]));
        let mut g = Gradient::new(&law);
        let loss = law.gradient(&z, Scale { n, d }, &h, &mut g);
        assert_eq!(z.len(), law.coordinates().len());
        if name == "data-constrained" {
            assert_eq!(numbers(&case["unique"]), UNIQUE[..k]);
        }

        let close = |what: String, found: f64, key: &str, i: Option<usize>| {
            let pick = |v: &Value| number(i.map_or(v, |i| &v[i]));
            let (expected, scale) = (pick(&case[key]), pick(&case[format!("{key}_scale")]));
            let fine = found == expected || (found - expected).abs() <= 1e-12 * scale;
            assert!(
                fine,
                "{name} {what}: {found:e}, expected {expected:e} +- 1e-12 {scale:e}\n{case}"
            );
        };
        close("loss".to_owned(), loss, "loss", None);
        close("loss alone".to_owned(), law.loss(&z, Scale { n, d }, &h), "loss", None);
        (0..z.len()).for_each(|i| close(format!("dz[{i}]"), g.z[i], "dz", Some(i)));
        (0..k).for_each(|i| close(format!("dh[{i}]"), g.h[i], "dh", Some(i)));
        close("dlog_n".to_owned(), g.log_n, "dlog_n", None);
        close("dlog_d".to_owned(), g.log_d, "dlog_d", None);
        seen.push(name);
    }
    // A law that is composed of coefficients with values of their own needs none.
    for name in names().filter(|name| !["additive-fixed-d"].contains(name)) {
        assert!(seen.iter().filter(|s| **s == name).count() >= 10, "{name} has too few cases");
    }
}

#[test]
fn every_law_keeps_the_contract() {
    for k in [1, 2, 5] {
        // One domain leaves the exponent of a mean of one value without effect, not undefined.
        let laws = every_law(&domains(k), k - 1, SCALES);
        laws.iter().chain(&every_law(&domains(k), 0, Scale::ONE)).for_each(|law| {
            assert_law_contract(law);
        });
    }
    assert_law_contract(&FormulaLaw::new(Joint, &domains(3), SCALES).unwrap());
    options().iter().for_each(|law| assert_law_contract(law));
}

/// Laws with the options of the builder, alone and together.
fn options() -> Vec<PowerLaw> {
    let d = domains(3);
    let start = || PowerLaw::builder("option", &d).scale(SCALES).bias(Biased(InverseSum));
    let n = |builder: PowerLawBuilder| builder.n_term(LinearPower::level(), Constant::exponent());
    let d = |builder: PowerLawBuilder| builder.d_term(Constant::level(), LinearPower::exponent());
    let laws = [
        n(d(start())).coupled(),
        n(d(start())).growing_b(),
        d(start()).growing_b(),
        n(d(start())).coupled().growing_b(),
    ];
    let laws = laws.into_iter().map(|builder| builder.build().unwrap());
    laws.chain([everything(&domains(3))]).collect()
}

/// An N or D of any order from 1 to the largest number, and infinity.
fn extreme(random: &mut Random) -> f64 {
    match random.below(8) {
        0 => 1.0,
        1 => f64::MAX,
        2 => f64::INFINITY,
        3 => 1e300,
        _ => 10f64.powf(random.uniform(0.0..308.0)),
    }
}

/// A mixture with weights of all orders, and without some domains.
fn extreme_mixture(random: &mut Random, k: usize) -> Vec<f64> {
    let mut h: Vec<f64> = (0..k)
        .map(|_| match random.below(4) {
            0 => 0.0,
            1 => 10f64.powf(random.uniform(-324.0..-1.0)),
            _ => random.uniform(0.0..1.0),
        })
        .collect();
    h[random.below(k)] += 0.1;
    let sum: f64 = h.iter().sum();
    h.iter_mut().for_each(|h| *h /= sum);
    h
}

/// Anywhere in the box of a law, at any h and N and D from 1 up: no derivative is NaN where the loss is
/// below 1e100.
#[test]
fn gradients_are_sound_wherever_the_loss_is() {
    let mut random = Random::new(26);
    for k in [1, 2, 5] {
        for scales in [SCALES, Scale::ONE] {
            for law in every_law(&domains(k), k - 1, scales) {
                let (mut g, mut finite) = (Gradient::new(&law), 0);
                for _ in 0..3_000 {
                    let z = |c: &Coordinate| {
                        let (lower, upper) = c.bounds();
                        match random.below(6) {
                            0 => lower,
                            1 => upper,
                            _ => random.uniform(lower..upper),
                        }
                    };
                    let z: Vec<f64> = law.coordinates().iter().map(z).collect();
                    let (n, d) = (extreme(&mut random), extreme(&mut random));
                    let h = extreme_mixture(&mut random, k);
                    if law.check(Scale { n, d }, &h).is_err() {
                        continue;
                    }
                    let loss = law.gradient(&z, Scale { n, d }, &h, &mut g);
                    let at = || format!("{} at {z:?}, {n:e}, {d:e}, {h:?}: {loss}", law.name());
                    let alone = law.loss(&z, Scale { n, d }, &h);
                    let same = (alone - loss).abs() <= 1e-12 * loss.abs();
                    let same = same || alone == loss || (alone.is_nan() && loss.is_nan());
                    assert!(same, "{} and {alone}", at());
                    if loss.abs() < 1e100 {
                        finite += 1;
                        let all = [&g.z[..], &g.h, &[g.log_n, g.log_d]].concat();
                        assert!(!all.iter().any(|g| g.is_nan()), "{}, {g:?}", at());
                    }
                }
                assert!(finite > 500, "{}: {finite}", law.name());
            }
        }
    }
}

/// `0^x` by way of the logarithm: right inside, NaN in the gradient on a face.
#[derive(Debug)]
struct NanOnFaces;

impl Formula for NanOnFaces {
    fn name(&self) -> &str {
        "nan-on-faces"
    }

    fn coefficients(&self, _domains: &[String]) -> Vec<Coordinate> {
        let positive = |name| Coordinate::positive(name, 0.1..=2.0);
        vec![positive("E"), positive("C"), positive("gamma")]
    }

    fn loss<S: Scalar>(&self, c: &[S], _n: S, _d: S, h: &[S]) -> S {
        c[0] + c[1] * (c[2] * h[0].ln()).exp()
    }
}

#[test]
#[should_panic(expected = "its derivative in coordinate `gamma` is NaN")]
fn the_contract_asks_for_gradients_on_faces() {
    assert_law_contract(&FormulaLaw::new(NanOnFaces, &domains(2), SCALES).unwrap());
}

#[test]
fn counts_are_those_of_the_table() {
    let k = 7;
    for (name, identifiable) in [
        ("chinchilla", 5),
        ("simple", k + 6),
        ("additive", 2 * k + 5),
        ("joint", 4 * k + 5),
        ("full", 6 * k + 5),
        ("coupled", 2 * k + 6),
        ("coupled-full", 6 * k + 6),
        ("additive-fixed-n", 2 * k + 3),
        ("additive-fixed-d", 2 * k + 3),
        ("additive-fixed-nd", 2 * k + 1),
        ("ye-m1", 2 * k + 1),
        ("ye-m2", k + 2),
        ("ye-m3", 3),
        ("ye-m4", k + 1),
        ("ge24", 4),
        ("data-constrained", 7),
        ("autoscale", 2 * k + 1),
        ("d-cpt", 9),
    ] {
        let law = law(name, k, 2, SCALES);
        assert_eq!(law.name(), name);
        assert_eq!(law.coordinates().len(), identifiable, "{name}");
    }
}

/// A formula of eq. (3) for each named law, written the plain way.
macro_rules! formula {
    ($type:ident, $name:literal, $law:ident, |$c:ident, $n:ident, $d:ident, $h:ident| $loss:expr) => {
        #[derive(Debug)]
        struct $type;

        impl Formula for $type {
            fn name(&self) -> &str {
                $name
            }

            fn coefficients(&self, domains: &[String]) -> Vec<Coordinate> {
                // Those of the built-in law, relative to the same scales.
                let law = $law::new(domains, SCALES).unwrap();
                law.coordinates().iter().cloned().collect()
            }

            fn loss<S: Scalar>(&self, $c: &[S], $n: S, $d: S, $h: &[S]) -> S {
                $loss
            }
        }
    };
}

fn inverse_sum<S: Scalar>(c: &[S], h: &[S]) -> S {
    let k = h.len();
    let mut sum = S::from_f64(0.0);
    (0..k).for_each(|i| sum += c[i] * h[i].powf(c[k + i]));
    S::from_f64(1.0) / sum
}

/// `(sum_i h_i exp(q ln v_i) / sum_i h_i)^(1/q)`.
fn power_mean<S: Scalar>(c: &[S], h: &[S]) -> S {
    let (mut sum, mut total) = (S::from_f64(0.0), S::from_f64(0.0));
    let q = c[h.len()];
    for i in 0..h.len() {
        sum += h[i] * (q * c[i]).exp();
        total += h[i];
    }
    (sum / total).powf(S::from_f64(1.0) / q)
}

/// `(x^(1/p) + y^(1/p))^p`.
fn coupled<S: Scalar>(x: S, y: S, p: S) -> S {
    let q = S::from_f64(1.0) / p;
    (x.powf(q) + y.powf(q)).powf(p)
}

formula!(Additive, "additive", AdditiveLaw, |c, n, d, h| {
    let k = h.len();
    let z = &c[1 + 2 * k..];
    c[0] + inverse_sum(&c[1..], h) + z[0] / n.powf(z[1]) + z[2] / d.powf(z[3])
});
formula!(Simple, "simple", SimpleLaw, |c, n, d, h| {
    let z = &c[2 + h.len()..];
    c[0] + power_mean(&c[1..], h) + z[0] / n.powf(z[1]) + z[2] / d.powf(z[3])
});
formula!(Joint, "joint", JointLaw, |c, n, d, h| {
    let k = h.len();
    let (a, b) = (&c[1 + 2 * k..], &c[3 + 3 * k..]);
    c[0] + inverse_sum(&c[1..], h)
        + power_mean(a, h) / n.powf(a[k + 1])
        + power_mean(b, h) / d.powf(b[k + 1])
});
formula!(Full, "full", FullLaw, |c, n, d, h| {
    let k = h.len();
    let part = |i: usize| &c[1 + 2 * k + i * (k + 1)..];
    let (n, d) = (n / S::from_f64(SCALES.n), d / S::from_f64(SCALES.d));
    c[0] + inverse_sum(&c[1..], h)
        + power_mean(part(0), h) / n.powf(power_mean(part(1), h))
        + power_mean(part(2), h) / d.powf(power_mean(part(3), h))
});
formula!(Coupled, "coupled", CoupledLaw, |c, n, d, h| {
    let z = &c[1 + 2 * h.len()..];
    c[0] + inverse_sum(&c[1..], h) + coupled(z[0] / n.powf(z[1]), z[2] / d.powf(z[3]), z[4])
});
formula!(YeM1, "ye-m1", YeM1Law, |c, _n, _d, h| {
    let mut sum = c[0];
    (0..h.len()).for_each(|i| sum += c[1 + i] * (c[1 + h.len() + i] * h[i]).exp());
    sum
});
formula!(YeM2, "ye-m2", YeM2Law, |c, _n, _d, h| {
    let mut sum = c[0];
    (0..h.len()).for_each(|i| sum += c[1] * (c[2 + i] * h[i]).exp());
    sum
});
formula!(YeM3, "ye-m3", YeM3Law, |c, _n, _d, h| {
    let mut product = c[2];
    h.iter().for_each(|&h_i| product = product * h_i * S::from_f64(h.len() as f64));
    c[0] + c[1] * product.exp()
});
formula!(YeM4, "ye-m4", YeM4Law, |c, _n, _d, h| {
    let (mut sum, mut total) = (S::from_f64(0.0), S::from_f64(0.0));
    for i in 0..h.len() {
        sum += c[1 + i] * h[i];
        total += h[i];
    }
    c[0] + (sum / total).exp()
});

formula!(Chinchilla, "chinchilla", ChinchillaLaw, |c, n, d, _h| {
    c[0] + c[1] / n.powf(c[2]) + c[3] / d.powf(c[4])
});
formula!(FixedN, "additive-fixed-n", AdditiveFixedNLaw, |c, _n, d, h| {
    let z = &c[1 + 2 * h.len()..];
    c[0] + inverse_sum(&c[1..], h) + z[0] / d.powf(z[1])
});
formula!(FixedNd, "additive-fixed-nd", AdditiveFixedNDLaw, |c, _n, _d, h| {
    c[0] + inverse_sum(&c[1..], h)
});

/// The full law with both options.
fn everything(domains: &[String]) -> PowerLaw {
    let builder = PowerLaw::builder("everything", domains)
        .scale(SCALES)
        .bias(Biased(InverseSum))
        .n_term(LinearPower::level(), LinearPower::exponent())
        .d_term(LinearPower::level(), LinearPower::exponent());
    builder.coupled().growing_b().build().unwrap()
}

/// The same by its formula.
#[derive(Debug)]
struct Everything;

impl Formula for Everything {
    fn name(&self) -> &str {
        "everything"
    }

    fn coefficients(&self, domains: &[String]) -> Vec<Coordinate> {
        everything(domains).coordinates().iter().cloned().collect()
    }

    fn loss<S: Scalar>(&self, c: &[S], n: S, d: S, h: &[S]) -> S {
        let k = h.len();
        let part = |i: usize| &c[1 + 2 * k + i * (k + 1)..];
        let (n, d) = (n / S::from_f64(SCALES.n), d / S::from_f64(SCALES.d));
        let t_n = power_mean(part(0), h) / n.powf(power_mean(part(1), h));
        let t_d = power_mean(part(2), h) / d.powf(power_mean(part(3), h));
        let [p, delta] = [part(4)[0], part(4)[1]];
        c[0] + inverse_sum(&c[1..], h) + coupled(t_n, t_d * n.powf(delta), p)
    }
}

/// Ge 24 for the second domain.
#[derive(Debug)]
struct Ge24;

impl Formula for Ge24 {
    fn name(&self) -> &str {
        "ge24"
    }

    fn coefficients(&self, domains: &[String]) -> Vec<Coordinate> {
        let law = Ge24Law::new(domains, &domains[1], SCALES).unwrap();
        law.coordinates().iter().cloned().collect()
    }

    fn loss<S: Scalar>(&self, c: &[S], _n: S, d: S, h: &[S]) -> S {
        (c[0] + c[2] / d.powf(c[3])) / h[1].powf(c[1])
    }
}

/// Analytic gradients equal those of forward-mode differentiation of the same formula.
#[test]
fn analytic_gradients_are_pinned_to_auto() {
    let d = domains(3);
    let pairs: Vec<(Arc<dyn ScalingLaw>, Box<dyn ScalingLaw>)> = vec![
        (law("additive", 3, 0, SCALES), Box::new(FormulaLaw::new(Additive, &d, SCALES).unwrap())),
        (law("simple", 3, 0, SCALES), Box::new(FormulaLaw::new(Simple, &d, SCALES).unwrap())),
        (law("joint", 3, 0, SCALES), Box::new(FormulaLaw::new(Joint, &d, SCALES).unwrap())),
        (law("full", 3, 0, SCALES), Box::new(FormulaLaw::new(Full, &d, SCALES).unwrap())),
        (
            law("chinchilla", 3, 0, SCALES),
            Box::new(FormulaLaw::new(Chinchilla, &d, SCALES).unwrap()),
        ),
        (
            law("additive-fixed-n", 3, 0, SCALES),
            Box::new(FormulaLaw::new(FixedN, &d, SCALES).unwrap()),
        ),
        (
            law("additive-fixed-nd", 3, 0, SCALES),
            Box::new(FormulaLaw::new(FixedNd, &d, SCALES).unwrap()),
        ),
        (law("coupled", 3, 0, SCALES), Box::new(FormulaLaw::new(Coupled, &d, SCALES).unwrap())),
        (Arc::new(everything(&d)), Box::new(FormulaLaw::new(Everything, &d, SCALES).unwrap())),
        (law("ge24", 3, 1, SCALES), Box::new(FormulaLaw::new(Ge24, &d, SCALES).unwrap())),
        (law("ye-m1", 3, 0, SCALES), Box::new(FormulaLaw::new(YeM1, &d, SCALES).unwrap())),
        (law("ye-m2", 3, 0, SCALES), Box::new(FormulaLaw::new(YeM2, &d, SCALES).unwrap())),
        (law("ye-m3", 3, 0, SCALES), Box::new(FormulaLaw::new(YeM3, &d, SCALES).unwrap())),
        (law("ye-m4", 3, 0, SCALES), Box::new(FormulaLaw::new(YeM4, &d, SCALES).unwrap())),
    ];
    for (built_in, auto) in &pairs {
        let z: Vec<f64> =
            (0..built_in.coordinates().len()).map(|i| 0.3 + 0.5 * (1.7 * i as f64).sin()).collect();
        for h in [[0.2, 0.3, 0.5], [0.9, 0.05, 0.05], [0.0, 0.4, 0.6]] {
            let (mut a, mut b) = (Gradient::new(built_in), Gradient::new(auto));
            let loss = built_in.gradient(&z, Scale { n: 7e8, d: 5e9 }, &h, &mut a);
            assert_relative_eq!(
                loss,
                auto.gradient(&z, Scale { n: 7e8, d: 5e9 }, &h, &mut b),
                max_relative = 1e-13
            );
            let all = |g: &Gradient| [&g.z[..], &g.h, &[g.log_n, g.log_d]].concat();
            for (a, b) in all(&a).into_iter().zip(all(&b)) {
                // The derivative in h_i where h_i = 0 may be -inf, in both.
                let same = a == b || (a - b).abs() <= 1e-12 * (loss + a.abs());
                assert!(same, "{}: {a:e} and {b:e} at {h:?}", built_in.name());
            }
        }
    }
}

#[test]
fn a_formula_is_the_same_with_derivatives_and_without() {
    let c: Vec<f64> = (0..17).map(|i| 0.3 + 0.25 * f64::from(i).sin()).collect();
    let h = [0.2, 0.3, 0.5];
    let at_f64 = Joint.loss(&c, 3.0, 2.0, &h);
    let constant = |x: &[f64]| x.iter().map(|x| Dual::from_f64(*x)).collect::<Vec<_>>();
    let three = |x: f64| Dual::from_f64(x);
    assert_eq!(Joint.loss(&constant(&c), three(3.0), three(2.0), &constant(&h)).value(), at_f64);
}

/// The value of a coefficient of the additive law, for nesting.
fn additive_coefficients(d: &[String]) -> Vec<(String, f64)> {
    let mut c = vec![("E".to_owned(), 1.2)];
    for (i, d) in d.iter().enumerate() {
        c.push((format!("C[{d}]"), 0.5 + i as f64));
        c.push((format!("gamma[{d}]"), 0.4 + 0.5 * i as f64));
    }
    for (name, value) in [("A", 300.0), ("alpha", 0.31), ("B", 900.0), ("beta", 0.29)] {
        c.push((name.to_owned(), value));
    }
    c
}

fn coordinates(law: &dyn ScalingLaw, c: &[(String, f64)]) -> Vec<f64> {
    law.coordinates_of(&c.iter().map(|(n, v)| (n.as_str(), *v)).collect::<Vec<_>>()).unwrap()
}

#[test]
fn the_coupled_law_is_the_additive_law_at_one_and_kaplans_below() {
    let d = domains(3);
    let additive = AdditiveLaw::new(&d, SCALES).unwrap();
    let coupled = CoupledLaw::new(&d, SCALES).unwrap();
    let mut c = additive_coefficients(&d);
    let z = coordinates(&additive, &c);
    c.push(("p".to_owned(), 1.0));
    let at_one = coordinates(&coupled, &c);
    // In his units: exponents a and b inside of the power, and coefficients that it is taken of.
    let (p, a, b, inner_a, inner_b) = (0.4, 0.8, 0.7, 3e6, 5e6);
    let effective = [
        ("p", p),
        ("alpha", a * p),
        ("beta", b * p),
        ("A", inner_a.powf(p)),
        ("B", inner_b.powf(p)),
    ];
    for (name, value) in effective {
        c.iter_mut().find(|(n, _)| n == name).unwrap().1 = value;
    }
    let below = coordinates(&coupled, &c);
    for (n, d, h) in [(1e8, 3e9, [0.2, 0.3, 0.5]), (7e9, 1e12, [1.0, 0.0, 0.0])] {
        let at = Scale { n, d };
        assert_relative_eq!(
            coupled.loss(&at_one, at, &h),
            additive.loss(&z, at, &h),
            max_relative = 1e-14
        );
        let infinite = Scale { n: f64::INFINITY, d: f64::INFINITY };
        let inner = inner_a / f64::powf(n, a) + inner_b / f64::powf(d, b);
        let expected = coupled.loss(&below, infinite, &h) + inner.powf(p);
        assert_relative_eq!(coupled.loss(&below, at, &h), expected, max_relative = 1e-13);
        // Without the other, a term is what it is: Chinchilla's.
        let alone = coupled.loss(&below, Scale { n, d: f64::INFINITY }, &h);
        let expected = coupled.loss(&below, infinite, &h) + inner_a.powf(p) / f64::powf(n, a * p);
        assert_relative_eq!(alone, expected, max_relative = 1e-13);
    }
}

/// By the formula that is printed: its numbers, put into it by hand.
#[test]
fn options_are_printed_and_their_faults_are_named() {
    let d = domains(1);
    let start = || PowerLaw::builder("option", &d).scale(SCALES).bias(Constant::level());
    let n = |builder: PowerLawBuilder| builder.n_term(Constant::level(), Constant::exponent());
    let d_term = |builder: PowerLawBuilder| builder.d_term(Constant::level(), Constant::exponent());
    let law = n(d_term(start())).coupled().growing_b().build().unwrap();
    let names: Vec<&str> = law.coordinates().iter().map(Coordinate::name).collect();
    assert_eq!(names, ["E", "A", "alpha", "B", "beta", "p", "delta"]);
    let c = [
        ("E", 1.5),
        ("A", 30.0),
        ("alpha", 0.5),
        ("B", 40.0),
        ("beta", 0.5),
        ("p", 0.5),
        ("delta", -0.25),
    ];
    let z = law.coordinates_of(&c).unwrap();
    assert_eq!(
        law.formula(&z),
        "L = 1.500 + ((30.00 / N^0.5000)^(1/0.5000) \
         + (40.00 (N/3.000e8)^-0.2500 / D^0.5000)^(1/0.5000))^0.5000"
    );
    // 30 / sqrt(4.8e9) and 40 / 16^(1/4) / sqrt(4.8e9).
    let loss = law.loss(&z, Scale { n: 4.8e9, d: 4.8e9 }, &[1.0]);
    assert_relative_eq!(loss, 1.5 + 1300f64.sqrt() / 4.8e9f64.sqrt(), max_relative = 1e-14);
    // N0 is a part of what delta is of.
    assert_eq!(law.coefficients(&z).last().unwrap(), &("N0".to_owned(), SCALES.n));

    let fault = |builder: PowerLawBuilder| builder.build().unwrap_err().to_string();
    for builder in [n(start()), d_term(start()), start()] {
        let text = fault(builder.coupled());
        assert!(text.contains("option") && text.contains("of N and D"), "{text}");
    }
    let text = fault(n(start()).growing_b());
    assert!(text.contains("option") && text.contains("no term of D"), "{text}");
    let limit = |n, d| law.check(Scale { n, d }, &[1.0]);
    let text = limit(f64::INFINITY, 1e9).unwrap_err().to_string();
    assert!(text.contains('N') && text.contains("grows"), "{text}");
    limit(f64::INFINITY, f64::INFINITY).unwrap();
    limit(1e9, f64::INFINITY).unwrap();
}

#[test]
fn laws_nest_as_the_paper_says() {
    let d = domains(3);
    let additive = AdditiveLaw::new(&d, SCALES).unwrap();
    let joint = JointLaw::new(&d, Scale::ONE).unwrap();
    let full = FullLaw::new(&d, SCALES).unwrap();
    let fixed_n = AdditiveFixedNLaw::new(&d, SCALES).unwrap();
    let fixed_nd = AdditiveFixedNDLaw::new(&d, SCALES).unwrap();

    let base = additive_coefficients(&d);
    let get = |name: &str| base.iter().find(|(n, _)| n == name).unwrap().1;
    let z = coordinates(&additive, &base);

    // gamma_A = gamma_B = 1 and equal C.
    let mut c: Vec<_> = base.iter().filter(|(n, _)| n != "A" && n != "B").cloned().collect();
    for x in ["A", "B"] {
        c.push((format!("gamma_{x}"), 1.0));
        d.iter().for_each(|d| c.push((format!("ln_C_{x}[{d}]"), get(x).ln())));
    }
    let z_joint = coordinates(&joint, &c);

    // Constant exponents; A and B relative to the law's own scales.
    let kept = |n: &str| n == "E" || n.starts_with("C[") || n.starts_with("gamma[");
    let mut c: Vec<_> = base.iter().filter(|(n, _)| kept(n)).cloned().collect();
    let level = |x: &str, exponent: &str, scale: f64| get(x) / scale.powf(get(exponent));
    for (x, v) in [
        ("A", level("A", "alpha", SCALES.n)),
        ("alpha", get("alpha")),
        ("B", level("B", "beta", SCALES.d)),
        ("beta", get("beta")),
    ] {
        c.push((format!("q_{x}"), 1.0));
        d.iter().for_each(|d| c.push((format!("ln_v_{x}[{d}]"), v.ln())));
    }
    let z_full = coordinates(&full, &c);

    for (n, tokens, h) in [(1e8, 3e9, [0.2, 0.3, 0.5]), (7e9, 1e12, [1.0, 0.0, 0.0])] {
        let expected = additive.loss(&z, Scale { n, d: tokens }, &h);
        assert_relative_eq!(
            joint.loss(&z_joint, Scale { n, d: tokens }, &h),
            expected,
            max_relative = 1e-13
        );
        assert_relative_eq!(
            full.loss(&z_full, Scale { n, d: tokens }, &h),
            expected,
            max_relative = 1e-13
        );

        // At one N, the N term is a part of E; at one N and D, so is the D term.
        let n_term = get("A") / f64::powf(n, get("alpha"));
        let d_term = get("B") / f64::powf(tokens, get("beta"));
        let with_e = |e: f64, drop: &[&str]| -> Vec<(String, f64)> {
            let rest = base.iter().filter(|(n, _)| n != "E" && !drop.contains(&n.as_str()));
            rest.cloned().chain([("E".to_owned(), e)]).collect()
        };
        let z = coordinates(&fixed_n, &with_e(get("E") + n_term, &["A", "alpha"]));
        assert_relative_eq!(
            fixed_n.loss(&z, Scale { n, d: tokens }, &h),
            expected,
            max_relative = 1e-13
        );
        let e = get("E") + n_term + d_term;
        let z = coordinates(&fixed_nd, &with_e(e, &["A", "alpha", "B", "beta"]));
        assert_relative_eq!(
            fixed_nd.loss(&z, Scale { n, d: tokens }, &h),
            expected,
            max_relative = 1e-13
        );
    }
}

type Get<'a> = &'a dyn Fn(&str) -> f64;

#[test]
fn the_full_law_with_constant_exponents_is_the_joint_law() {
    let d = domains(3);
    let (joint, full) = (JointLaw::new(&d, SCALES).unwrap(), FullLaw::new(&d, SCALES).unwrap());
    // Coordinates E, C, gamma; ln_v_A, q_A; ln alpha; ln_v_B, q_B; ln beta.
    let z: Vec<f64> = (0..17).map(|i| 0.5 * (1.3 * f64::from(i)).sin()).collect();
    let (alpha, beta) = (0.31f64.ln(), 0.27f64.ln());
    let z_joint = [&z[..11], &[alpha], &z[12..16], &[beta]].concat();
    let z_full =
        [&z[..11], &[alpha, alpha, alpha, 0.7], &z[12..16], &[beta, beta, beta, -2.0]].concat();
    for h in [[0.2, 0.3, 0.5], [0.0, 1.0, 0.0]] {
        let expected = joint.loss(&z_joint, Scale { n: 7e9, d: 4e11 }, &h);
        assert_relative_eq!(
            full.loss(&z_full, Scale { n: 7e9, d: 4e11 }, &h),
            expected,
            max_relative = 1e-13
        );
    }
}

/// Compositions nobody named: coefficients over a power are raw where the level can absorb the
/// scale, and printed with the scale where it cannot.
#[test]
fn composed_laws_predict_from_what_they_print() {
    let d = domains(2);
    let with =
        |level: Box<dyn Fn(mixlaw::law::PowerLawBuilder) -> mixlaw::law::PowerLawBuilder>| {
            level(PowerLaw::builder("composed", &d).scale(SCALES).bias(Constant::level()))
                .build()
                .unwrap()
        };
    let z = [0.1, 0.4, -0.3, 0.2, -0.6, 0.3f64.ln()];
    let (h, n) = ([0.3, 0.7], 2e9);

    let inverse = with(Box::new(|b| b.n_term(InverseSum, Constant::exponent())));
    assert_law_contract(&inverse);
    let c = inverse.coefficients(&z);
    let get = |name: &str| c.iter().find(|(n, _)| n == name).unwrap_or_else(|| panic!("{name}")).1;
    let sum: f64 = (0..2)
        .map(|i| get(&format!("C_A[d{i}]")) * f64::powf(h[i], get(&format!("gamma_A[d{i}]"))))
        .sum();
    let expected = get("E") + 1.0 / sum / f64::powf(n / get("N0"), get("alpha"));
    assert_relative_eq!(inverse.loss(&z, Scale { n, d: 1.0 }, &h), expected, max_relative = 1e-12);
    assert!(inverse.formula(&z).contains("(N/3.000e8)"), "{}", inverse.formula(&z));

    let exponential = with(Box::new(|b| b.n_term(ExponentialSum, Constant::exponent())));
    assert_law_contract(&exponential);
    let c = exponential.coefficients(&z);
    let get = |name: &str| c.iter().find(|(n, _)| n == name).unwrap_or_else(|| panic!("{name}")).1;
    let sum: f64 = (0..2)
        .map(|i| get(&format!("C_A[d{i}]")) * (get(&format!("gamma_A[d{i}]")) * h[i]).exp())
        .sum();
    let expected = get("E") + sum / f64::powf(n, get("alpha"));
    assert_relative_eq!(
        exponential.loss(&z, Scale { n, d: 1.0 }, &h),
        expected,
        max_relative = 1e-12
    );
    assert!(c.iter().all(|(name, _)| name != "N0"));
}

/// What is printed is enough to predict from raw N, D and h, in the printed form.
#[test]
fn printed_forms_of_the_redundant_laws_hold() {
    let h = [0.2, 0.3, 0.5];
    let product: f64 = h.iter().product();
    let check = |name: &str, z: &[f64], printed: &dyn Fn(Get<'_>) -> f64| {
        let law = law(name, 3, 1, SCALES);
        let c = law.coefficients(z);
        let get = |n: &str| c.iter().find(|(name, _)| name == n).unwrap_or_else(|| panic!("{n}")).1;
        assert_relative_eq!(
            law.loss(z, Scale { n: 1e9, d: 5e9 }, &h),
            printed(&get),
            max_relative = 1e-12
        );
    };
    for g in [0.7, -0.7] {
        check("ye-m3", &[0.1, 0.4, g], &|get| {
            let gammas: f64 = (0..3).map(|i| get(&format!("gamma[d{i}]"))).product();
            get("E") + get("C") * (gammas * product).exp()
        });
    }
    check("ye-m4", &[0.1, 0.4, -0.3, 0.8], &|get| {
        let sum: f64 = (0..3).map(|i| get(&format!("gamma[d{i}]")) * h[i]).sum();
        get("E") + get("C") * sum.exp()
    });
    check("ge24", &[0.1, -1.0, 0.5, -1.2], &|get| {
        (get("B") / 5e9f64.powf(get("beta")) + get("E")) * get("C[d1]")
            / 0.3f64.powf(get("gamma[d1]"))
    });
    let ge24 = law("ge24", 3, 1, SCALES);
    let printed = [("E", 0.6), ("B", 20.0), ("beta", 0.3), ("C[d1]", 2.0), ("gamma[d1]", 0.1)];
    let loss = ge24.loss(&ge24.coordinates_of(&printed).unwrap(), Scale { n: 1e9, d: 5e9 }, &h);
    let expected = (20.0 / 5e9f64.powf(0.3) + 0.6) * 2.0 / 0.3f64.powf(0.1);
    assert_relative_eq!(loss, expected, max_relative = 1e-13);
}

/// Comparing every name with every other would take minutes.
#[test]
fn names_of_very_many_domains_are_no_trouble() {
    let k = 50_000;
    let mut names = domains(k);
    let full = FullLaw::new(&names, SCALES).unwrap();
    assert_eq!(full.coordinates().len(), 6 * k + 5);
    for (i, coordinate) in full.coordinates().iter().enumerate() {
        assert_eq!(full.coordinates().position(coordinate.name()), Some(i));
    }
    assert_eq!(full.coordinates().position("gamma"), None);
    let z = vec![0.1; full.coordinates().len()];
    let coefficients = full.coefficients(&z);
    let named: Vec<(&str, f64)> = coefficients.iter().map(|(n, c)| (n.as_str(), *c)).collect();
    let back = full.coordinates_of(&named).unwrap();
    assert_relative_eq!(back[..], z[..], epsilon = 1e-12);
    let error = full.coordinates_of(&named[1..]).unwrap_err().to_string();
    assert!(
        error.starts_with("the full law: no coefficient `E`, there are: C[d0], ")
            && error.len() < 300,
        "{error}"
    );

    let counts: Vec<(&str, f64)> = names.iter().map(|name| (name.as_str(), 1e9)).collect();
    let repeated = DataConstrainedLaw::new(&names, &counts, SCALES).unwrap();
    let z = vec![0.0; repeated.coordinates().len()];
    let coefficients = repeated.coefficients(&z);
    let named: Vec<(&str, f64)> = coefficients.iter().map(|(n, c)| (n.as_str(), *c)).collect();
    assert_eq!(repeated.coordinates_of(&named).unwrap().len(), z.len());

    let weights: Vec<(&str, f64)> =
        names.iter().rev().map(|n| (n.as_str(), 1.0 / k as f64)).collect();
    assert_eq!(Mixture::from_named(&names, &weights).unwrap().len(), k);
    let h = vec![1.0 / k as f64; k];
    let sweep = Sweep::new(&names, &["t"], &[1e8], &[1e9], &h, &[3.0]).unwrap();
    let law = Fitter::new().fit(AdditiveLaw::for_sweep(&sweep), &sweep, "t");
    assert!(law.unwrap_err().to_string().starts_with("1 rows cannot determine"));

    names[k - 1] = names[0].clone();
    let error = FullLaw::new(&names, SCALES).unwrap_err().to_string();
    assert_eq!(error, "domain `d0` appears twice");
}

#[test]
fn faults_in_laws_and_coefficients_are_named() {
    let none: [&str; 0] = [];
    assert!(AdditiveLaw::new(&none, SCALES).is_err());
    let message = |e: Error| e.to_string();
    assert_eq!(
        message(AdditiveLaw::new(&["a", "a"], SCALES).unwrap_err()),
        "domain `a` appears twice"
    );
    let zero = Scale { n: 0.0, d: 1.0 };
    assert!(message(JointLaw::new(&["a"], zero).unwrap_err()).contains("N0 is 0"));
    let law = AdditiveLaw::new(&["a"], SCALES).unwrap();
    let all = [
        ("E", 1.0),
        ("C[a]", 1.0),
        ("gamma[a]", 0.5),
        ("A", 1.0),
        ("alpha", 0.3),
        ("B", 1.0),
        ("beta", 0.3),
    ];
    assert!(law.coordinates_of(&all).is_ok());
    assert!(
        message(law.coordinates_of(&all[1..]).unwrap_err())
            .contains("no coefficient `E`, there are: ")
    );
    let unknown = [&all[..], &[("C[b]", 1.0)]].concat();
    assert!(
        message(law.coordinates_of(&unknown).unwrap_err())
            .contains("unknown coefficient `C[b]`, expected one of: ")
    );
    let negative = [&all[..6], &[("beta", -0.3)]].concat();
    assert!(message(law.coordinates_of(&negative).unwrap_err()).contains("`beta` is -0.3"));
    let other = FullLaw::new(&["a"], SCALES).unwrap();
    let mut c = other.coefficients(&[0.1; 11]);
    c.iter_mut().filter(|(n, _)| n == "N0").for_each(|(_, v)| *v = 7.0);
    let c: Vec<(&str, f64)> = c.iter().map(|(n, v)| (n.as_str(), *v)).collect();
    assert!(message(other.coordinates_of(&c).unwrap_err()).contains("N0"));
    let ge24 = Ge24Law::new(&["a", "b"], "b", SCALES).unwrap();
    assert!(
        message(ge24.check(Scale { n: 1.0, d: 1.0 }, &[1.0, 0.0]).unwrap_err())
            .contains("domain `b` is 0")
    );
}

#[test]
fn formulas_print_their_numbers() {
    let law = AdditiveLaw::new(&["web", "code"], SCALES).unwrap();
    let c = [
        ("E", 1.25),
        ("C[web]", 2.0),
        ("C[code]", 0.5),
        ("gamma[web]", 0.3),
        ("gamma[code]", 1.5),
        ("A", 406.4),
        ("alpha", 0.34),
        ("B", 410.7),
        ("beta", 0.28),
    ];
    let z = law.coordinates_of(&c).unwrap();
    assert_eq!(
        law.formula(&z),
        "L = 1.250 + 1/(2.000 h[web]^0.3000 + 0.5000 h[code]^1.500) + 406.4 / N^0.3400 + 410.7 / D^0.2800"
    );
    let joint = PowerLaw::builder("b", &["web", "code"])
        .bias(Biased(InverseSum))
        .d_term(LinearPower::level(), Constant::exponent())
        .build()
        .unwrap();
    // C = v^q = 9 and 4, gamma = 1/2.
    let z = [0.0, 0.0, 0.0, 0.0, 0.0, 3f64.ln(), 2f64.ln(), 2.0, 0.3f64.ln()];
    let text = joint.formula(&z);
    assert!(text.ends_with("+ (9.000 h[web] + 4.000 h[code])^0.5000 / D^0.3000"), "{text}");
}

/// The losses that the authors of the data-constrained law print beside their published fit.
#[test]
fn the_data_constrained_law_is_that_of_its_authors() {
    let law = DataConstrainedLaw::new(&["c4"], &[("c4", 25e9)], SCALES).unwrap();
    let published = [
        ("E", 0.6254804f64.exp()),
        ("A", 6.255414f64.exp()),
        ("alpha", 0.3526596),
        ("B", 7.3049974f64.exp()),
        ("beta", 0.3526596),
        ("R*_D", 15.387756),
        ("R*_N", 5.309743),
    ];
    let z = law.coordinates_of(&published).unwrap();
    let loss = |n, d| law.loss(&z, Scale { n, d }, &[1.0]);
    assert_relative_eq!(loss(6.34e9, 242e9), 2.2256440889984477, max_relative = 1e-13);
    assert_relative_eq!(loss(8.67e9, 178e9), 2.2269634075087867, max_relative = 1e-13);

    // Without repetition, and with no more parameters than the tokens can use, it is Chinchilla's law.
    let chinchilla = ChinchillaLaw::new(&["c4"], SCALES).unwrap();
    let expected = chinchilla.loss(&z[..5], Scale { n: 1e8, d: 20e9 }, &[1.0]);
    assert_relative_eq!(loss(1e8, 20e9), expected, max_relative = 1e-13);
    assert!(loss(1e8, 30e9) > chinchilla.loss(&z[..5], Scale { n: 1e8, d: 30e9 }, &[1.0]));
}

#[test]
fn constants_of_a_law_are_listed_and_held() {
    let law = DataConstrainedLaw::new(&["a", "b"], &[("b", 1e9)], SCALES).unwrap();
    let z = vec![0.1; 7];
    let mut all = law.coefficients(&z);
    let listed = [("U[a]".to_owned(), f64::INFINITY), ("U[b]".to_owned(), 1e9)];
    assert_eq!(all[7..], listed);
    assert_eq!(coordinates(&law, &all), coordinates(&law, &all[..7]));
    all[8].1 = 2e9;
    let named: Vec<(&str, f64)> = all.iter().map(|(n, v)| (n.as_str(), *v)).collect();
    let fault = law.coordinates_of(&named).unwrap_err().to_string();
    assert!(fault.contains("`U[b]` is 2000000000, expected the law's own constant"), "{fault}");
    for faulty in [&[("c", 1e9)][..], &[("a", 0.0)], &[("a", f64::NAN)], &[("a", 1e9), ("a", 1e9)]]
    {
        assert!(DataConstrainedLaw::new(&["a", "b"], faulty, SCALES).is_err());
    }
    assert!(DCptLaw::new(&["a", "b"], "c", SCALES).is_err());
}

/// At an infinite N or D, and without a domain, the laws of others are their limits.
#[test]
fn limits_of_the_laws_of_others_are_finite() {
    for name in ["data-constrained", "autoscale", "d-cpt"] {
        let law = law(name, 3, 1, SCALES);
        let z: Vec<f64> =
            (0..law.coordinates().len()).map(|i| -0.5 + 0.4 * (1.7 * i as f64).sin()).collect();
        for h in [[0.2, 0.3, 0.5], [0.5, 0.0, 0.5], [0.0, 1.0, 0.0]] {
            for (n, d) in
                [(f64::INFINITY, 1e11), (1e9, f64::INFINITY), (f64::INFINITY, f64::INFINITY)]
            {
                let large = |x: f64| x.min(1e250);
                let limit = law.loss(&z, Scale { n, d }, &h);
                let near = law.loss(&z, Scale { n: large(n), d: large(d) }, &h);
                assert!(
                    (limit - near).abs() < 1e-6,
                    "{name}: {limit}, near it {near}, {n} {d} {h:?}"
                );
                let mut g = Gradient::new(&law);
                assert_eq!(law.gradient(&z, Scale { n, d }, &h, &mut g), limit);
                assert!(g.h.iter().all(|g| !g.is_nan()), "{name}: {g:?} at {n}, {d}, {h:?}");
                let plan = plan(law.clone(), &z);
                assert_eq!(plan.objective(Scale { n, d }).unwrap().value(h).unwrap(), limit);
            }
        }
    }
}

/// A plan for the loss of one law.
fn plan(law: impl ScalingLaw + 'static, z: &[f64]) -> Plan {
    let predictor = Predictor::new("loss", law, z).unwrap();
    Plan::builder().target(1.0, predictor).build().unwrap()
}

/// Where a law says that it is convex in h it lies below its chords.
#[test]
fn the_laws_of_others_are_convex_where_they_say_so() {
    let mixtures = mixlaw::Mixture::dirichlet(&[0.5; 4], 60, 3).unwrap();
    let mut said = [0; 3];
    for (which, name) in ["data-constrained", "autoscale", "d-cpt"].into_iter().enumerate() {
        let law = law(name, 4, 1, SCALES);
        for round in 0..12 {
            let z: Vec<f64> = (0..law.coordinates().len())
                .map(|i| -0.3 + 0.8 * (1.7 * (i + 7 * round) as f64).sin())
                .collect();
            for d in [1e9, 2e10, 3e12] {
                let plan = plan(law.clone(), &z);
                let mut objective = plan.objective(Scale { n: 2e9, d }).unwrap();
                let solver = SimplexSolver::new().max_cells(0);
                if solver.minimize(&mut objective).certificate != Certificate::Convex {
                    continue;
                }
                said[which] += 1;
                for pair in mixtures.chunks(2) {
                    let middle: Vec<f64> =
                        pair[0].iter().zip(pair[1].iter()).map(|(a, b)| 0.5 * (a + b)).collect();
                    let at = |h: &[f64]| law.loss(&z, Scale { n: 2e9, d }, h);
                    let chord = 0.5 * (at(&pair[0]) + at(&pair[1]));
                    assert!(at(&middle) <= chord * (1.0 + 1e-12), "{name} at {z:?}, {d}");
                }
            }
        }
    }
    assert!(said.iter().all(|count| *count > 0), "{said:?}");
}

/// The best mixtures of the laws of others are those that a pencil finds, and certified.
#[test]
fn the_best_mixtures_of_the_laws_of_others_are_certified() {
    // With more tokens than there are unique ones every domain is repeated as often.
    let unique = [("d0", 6e9), ("d1", 1e9), ("d2", 3e9)];
    let law = DataConstrainedLaw::new(&domains(3), &unique, SCALES).unwrap();
    let z = [0.0, -0.5, 0.35f64.ln(), -0.5, 0.3f64.ln(), 12f64.ln(), 5f64.ln()];
    let plan = plan(law, &z);
    let mut objective = plan.objective(Scale { n: 3e9, d: 1e11 }).unwrap();
    let best = SimplexSolver::new().minimize(&mut objective);
    for (weight, share) in best.weights.iter().zip([0.6, 0.1, 0.3]) {
        assert!((weight - share).abs() < 1e-4, "{:?}", best.weights);
    }
    assert_eq!(best.certificate, Certificate::Convex);

    // One more token is worth the same in every domain, and the choice moves with D.
    let law = AutoScaleLaw::new(&domains(2), SCALES).unwrap();
    let z = [1.0, 0.2f64.ln(), 1.5f64.ln(), 0.4f64.ln(), 0.8f64.ln()];
    let choose = |d: f64| {
        let plan = self::plan(law.clone(), &z);
        let mut objective = plan.objective(Scale { n: 3e8, d }).unwrap();
        let best = SimplexSolver::new().minimize(&mut objective);
        assert_eq!(best.certificate, Certificate::Convex);
        let mut g = Gradient::new(&law);
        law.gradient(&z, Scale { n: 3e8, d }, &best.weights, &mut g);
        assert_relative_eq!(g.h[0], g.h[1], max_relative = 1e-3);
        best.weights[0]
    };
    assert!((choose(SCALES.d) - choose(30.0 * SCALES.d)).abs() > 0.05);
}

#[test]
fn a_law_knows_what_it_depends_on() {
    // By the formulas that the docs of each law print: (N, D, h).
    let expected = |name: &str| match name {
        "chinchilla" => (true, true, false),
        "additive-fixed-n" | "ge24" => (false, true, true),
        "additive-fixed-d" => (true, false, true),
        "additive-fixed-nd" | "ye-m1" | "ye-m2" | "ye-m3" | "ye-m4" => (false, false, true),
        "autoscale" => (false, true, true),
        _ => (true, true, true),
    };
    let scales = Scale { n: 1e8, d: 4e9 };
    for law in every_law(&["web", "code", "books"], 0, scales) {
        let of = law.dependence();
        assert_eq!((of.n, of.d, of.h), expected(law.name()), "{}", law.name());
    }
}

/// `E + c - b ln D`, which falls for ever.
#[derive(Debug)]
struct LogTokens;

impl Formula for LogTokens {
    fn name(&self) -> &str {
        "log-tokens"
    }

    fn coefficients(&self, _domains: &[String]) -> Vec<Coordinate> {
        vec![Coordinate::positive("E", 1.0..=10.0), Coordinate::positive("b", 0.001..=0.01)]
    }

    fn loss<S: Scalar>(&self, c: &[S], _n: S, d: S, _h: &[S]) -> S {
        c[0] - c[1] * (d / S::from_f64(SCALES.d)).ln()
    }
}

#[test]
#[should_panic(expected = "log-tokens: the loss is -inf at N = 3e8, D = inf")]
fn the_contract_asks_for_a_limit() {
    assert_law_contract(&FormulaLaw::new(LogTokens, &domains(2), SCALES).unwrap());
}

/// A law with one thing wrong.
#[derive(Debug)]
struct Wrong {
    law: AdditiveLaw,
    fault: Fault,
}

#[derive(Debug, PartialEq)]
enum Fault {
    Coordinate(usize),
    Domain(usize),
    LogN,
    LogD,
    Start,
}

impl ScalingLaw for Wrong {
    fn name(&self) -> &str {
        "wrong"
    }

    fn domains(&self) -> &[String] {
        self.law.domains()
    }

    fn coordinates(&self) -> &mixlaw::law::Coordinates {
        self.law.coordinates()
    }

    fn loss(&self, z: &[f64], at: Scale, h: &[f64]) -> f64 {
        self.law.loss(z, at, h)
    }

    fn gradient(&self, z: &[f64], at: Scale, h: &[f64], out: &mut Gradient) -> f64 {
        let loss = self.law.gradient(z, at, h, out);
        match self.fault {
            Fault::Coordinate(i) => out.z[i] *= 1.5,
            Fault::Domain(i) => out.h[i] += 0.1,
            Fault::LogN => out.log_n += 0.1,
            Fault::LogD => out.log_d += 0.1,
            Fault::Start => {}
        }
        loss
    }

    fn start(&self, data: &mixlaw::law::StartData<'_>, random: &mut Random) -> Vec<f64> {
        let mut z = self.law.start(data, random);
        if self.fault == Fault::Start {
            z[2] = 1e9;
        }
        z
    }
}

/// The message says which derivative it is, by its name.
#[test]
fn the_contract_names_what_is_off() {
    let law = AdditiveLaw::new(&["web", "code"], SCALES).unwrap();
    for (fault, expected) in [
        (Fault::Coordinate(4), "in the derivative in coordinate `gamma[code]`: "),
        (Fault::Domain(1), "in the derivative in the weight of domain `code`: "),
        (Fault::LogN, "in the derivative in ln N: "),
        (Fault::LogD, "in the derivative in ln D: "),
        (Fault::Start, "a start has coordinate `C[code]` at 1000000000, expected"),
    ] {
        let wrong = Wrong { law: law.clone(), fault };
        let text = message_of(|| assert_law_contract(&wrong));
        assert!(text.contains(expected), "{text}");
    }
}

fn message_of(run: impl FnOnce()) -> String {
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).unwrap_err();
    panic.downcast_ref::<String>().expect("a message").clone()
}

/// `E + C h_0^gamma`, which claims to be convex whatever gamma is.
#[derive(Debug)]
struct Boastful;

impl Formula for Boastful {
    fn name(&self) -> &str {
        "boastful"
    }

    fn coefficients(&self, _domains: &[String]) -> Vec<Coordinate> {
        let positive = |name| Coordinate::positive(name, 0.5..=2.0);
        vec![positive("E"), positive("C"), positive("gamma")]
    }

    fn loss<S: Scalar>(&self, c: &[S], _n: S, _d: S, h: &[S]) -> S {
        c[0] + c[1] * h[0].powf(c[2])
    }

    fn is_convex(&self, _c: &[f64]) -> bool {
        true
    }
}

#[test]
fn the_contract_asks_for_convexity_where_it_is_claimed() {
    let law = FormulaLaw::new(Boastful, &domains(2), SCALES).unwrap();
    let text = message_of(|| assert_law_contract(&law));
    assert!(text.starts_with("boastful at N = 3e8") && text.contains("it claims to be convex"));
}

#[test]
fn coefficient_functions_keep_their_contract() {
    for k in [1, 2, 4] {
        assert_coefficient_contract(&Constant::level(), k, 0.5);
        assert_coefficient_contract(&InverseSum, k, 0.5);
        assert_coefficient_contract(&Biased(InverseSum), k, 2.0);
        assert_coefficient_contract(&LinearPower::level(), k, 0.5);
        assert_coefficient_contract(&LinearPower::exponent().positive_gamma(), k, 0.3);
        assert_coefficient_contract(&ExponentialSum, k, 0.5);
        assert_coefficient_contract(&SharedExponentialSum, k, 0.5);
        assert_coefficient_contract(&Biased(ExponentialProduct), k, 2.0);
        assert_coefficient_contract(&GeometricMean, k, 0.5);
    }
    assert_coefficient_contract(&Square { fault: "" }, 3, 0.5);
}

/// `C sum_i h_i^2`, with a fault.
#[derive(Debug)]
struct Square {
    fault: &'static str,
}

impl CoefficientFn for Square {
    fn coordinates(&self, symbol: &str, _: &[String]) -> Vec<Coordinate> {
        vec![Coordinate::positive(symbol, 1e-3..=1e3).level()]
    }

    fn value(&self, z: &[f64], h: &[f64]) -> f64 {
        z[0].exp() * h.iter().map(|h| h * h).sum::<f64>()
    }

    fn add_gradient(&self, z: &[f64], h: &[f64], scale: f64, dz: &mut [f64], dh: &mut [f64]) {
        dz[0] += scale * self.value(z, h) * if self.fault == "dz" { 1.1 } else { 1.0 };
        let factor = if self.fault == "dh" { 1.0 } else { 2.0 };
        let of_h = |h: f64| factor * scale * z[0].exp() * h;
        dh.iter_mut().zip(h).for_each(|(dh, h)| *dh += of_h(*h));
    }

    fn start(&self, level: f64, h: &[f64], _: &mut Random, z: &mut [f64]) {
        z[0] = if self.fault == "start" { 99.0 } else { (level / self.value(&[0.0], h)).ln() };
    }

    fn is_constant(&self) -> bool {
        self.fault == "constant"
    }

    fn is_convex(&self, _: &[f64]) -> bool {
        true
    }
}

#[test]
fn the_contract_of_coefficient_functions_finds_faults() {
    for (fault, expected) in [
        ("dz", "the derivative in coordinate `X` is"),
        ("dh", "the derivative in weight 0 is"),
        ("start", "a start has coordinate `X` at 99, expected a finite number from"),
        ("constant", "it is constant, but"),
    ] {
        let text = message_of(|| assert_coefficient_contract(&Square { fault }, 3, 0.5));
        assert!(text.contains(expected), "{text}");
    }
}

/// `1 + C h_0^2 + g` with no more said than needed: two coordinates, none of them a level.
#[derive(Debug)]
struct Plain;

impl CoefficientFn for Plain {
    fn coordinates(&self, symbol: &str, _: &[String]) -> Vec<Coordinate> {
        let name = |of: &str| format!("{of}_{symbol}");
        vec![Coordinate::positive(name("C"), 1e-2..=1e2), Coordinate::real(name("g"), -0.5..=5.0)]
    }

    fn value(&self, z: &[f64], h: &[f64]) -> f64 {
        1.0 + z[0].exp() * h[0] * h[0] + z[1]
    }

    fn add_gradient(&self, z: &[f64], h: &[f64], scale: f64, dz: &mut [f64], dh: &mut [f64]) {
        dz[0] += scale * z[0].exp() * h[0] * h[0];
        dz[1] += scale;
        dh[0] += scale * z[0].exp() * 2.0 * h[0];
    }
}

/// What is needed of a function is coordinates, value and gradient; the rest has defaults.
#[test]
fn three_methods_make_a_coefficient_function() {
    for level in [0.9, 2.0, 5.0] {
        assert_coefficient_contract(&Plain, 3, level);
    }
    let law = PowerLaw::builder("plain", &domains(2))
        .bias(Biased(Plain))
        .n_term(Plain, Constant::exponent())
        .build()
        .unwrap();
    assert_law_contract(&law);
    let names: Vec<&str> = law.coordinates().iter().map(|c| c.name()).collect();
    assert_eq!(names, ["E", "C_h", "g_h", "C_A", "g_A", "alpha"]);
    let z = [0.0, 0.0, 0.5, 2f64.ln(), 0.0, 0.3f64.ln()];
    let expected = "L = 1.000 + h(h; C_h = 1.000, g_h = 0.5000) \
        + A(h; C_A = 2.000, g_A = 0) / (N/1.000)^0.3000";
    assert_eq!(law.formula(&z), expected);
}

/// Every coefficient function of the crate, for a level and for an exponent.
fn every_function(is_level: bool) -> Vec<Arc<dyn CoefficientFn>> {
    let (constant, mean) = if is_level {
        (Constant::level(), LinearPower::level())
    } else {
        (Constant::exponent(), LinearPower::exponent())
    };
    vec![
        Arc::new(constant),
        Arc::new(mean.clone()),
        Arc::new(mean.positive_gamma()),
        Arc::new(InverseSum),
        Arc::new(ExponentialSum),
        Arc::new(SharedExponentialSum),
        Arc::new(ExponentialProduct),
        Arc::new(GeometricMean),
        Arc::new(Biased(InverseSum)),
        Arc::new(Biased(LinearPower::level())),
        Arc::new(Biased(ExponentialSum)),
        Arc::new(Biased(Biased(GeometricMean))),
        Arc::new(Biased(Constant::level())),
    ]
}

/// The law of five functions: E, A, alpha, B and beta.
fn composed(functions: [Arc<dyn CoefficientFn>; 5]) -> Result<PowerLaw, Error> {
    let [e, a, alpha, b, beta] = functions;
    let law = PowerLaw::builder("composed", &["web", "code"]).scale(SCALES).bias(e);
    law.n_term(a, alpha).d_term(b, beta).build()
}

/// Any function can be any coefficient, and all five: names are of the place.
#[test]
fn every_coefficient_function_has_every_place() {
    let constants = || -> [Arc<dyn CoefficientFn>; 5] {
        [true, true, false, true, false].map(|is_level| every_function(is_level).swap_remove(0))
    };
    for which in 0..every_function(true).len() {
        for place in 0..5 {
            let mut functions = constants();
            functions[place] = every_function(![2, 4].contains(&place)).swap_remove(which);
            assert_law_contract(&composed(functions).unwrap());
        }
        let all = [true, true, false, true, false];
        let all = all.map(|is_level| every_function(is_level).swap_remove(which));
        assert_law_contract(&composed(all).unwrap());
    }
}

/// The names are stored in files: those of the paper for E(h), with the symbol of the place elsewhere.
#[test]
fn names_of_coefficients_are_settled() {
    let names = |function: &dyn CoefficientFn, symbol: &str| -> String {
        let names = function.coordinates(symbol, &["web".to_owned()]);
        names.iter().map(|c| c.name()).collect::<Vec<_>>().join(" ")
    };
    let biased = Biased(LinearPower::level());
    let cases: [(&dyn CoefficientFn, [&str; 3]); 8] = [
        (&Constant::level(), ["E", "A", "beta"]),
        (
            &InverseSum,
            ["C[web] gamma[web]", "C_A[web] gamma_A[web]", "C_beta[web] gamma_beta[web]"],
        ),
        (
            &ExponentialSum,
            ["C[web] gamma[web]", "C_A[web] gamma_A[web]", "C_beta[web] gamma_beta[web]"],
        ),
        (&SharedExponentialSum, ["C gamma[web]", "C_A gamma_A[web]", "C_beta gamma_beta[web]"]),
        (
            &ExponentialProduct,
            ["C gamma_uniform", "C_A gamma_uniform_A", "C_beta gamma_uniform_beta"],
        ),
        (&GeometricMean, ["ln_v_E[web]", "ln_v_A[web]", "ln_v_beta[web]"]),
        (&LinearPower::level(), ["ln_v_E[web] q_E", "ln_v_A[web] q_A", "ln_v_beta[web] q_beta"]),
        (&biased, ["E ln_v_h[web] q_h", "A ln_v_A_h[web] q_A_h", "beta ln_v_beta_h[web] q_beta_h"]),
    ];
    for (function, expected) in cases {
        let found = ["E", "A", "beta"].map(|symbol| names(function, symbol));
        assert_eq!(found, expected, "{function:?}");
    }
}
