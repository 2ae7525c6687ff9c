use std::ops::RangeInclusive;

use super::constant::{EXPONENTS, LEVELS};
use super::{
    BoundCoefficient, CoefficientFn, MixtureFunction, OneByOne, Plain, Typical, indexed, named,
    number, sum,
};
use crate::law::sealed::Token;
use crate::law::{Coordinate, Curvature, Prior};
use crate::linalg::least_on_simplex;
use crate::random::Random;

/// `(sum_i C_i h_i)^gamma` (eq. 5, 9, 11), as the power mean of its values at the corners of the
/// simplex.
///
#[doc = include_str!("../../../docs/formulas/linear_power.html")]
///
/// With `v_i = C_i^gamma`, the value where domain i is alone, and `q = 1/gamma` it is
/// `(sum_i h_i v_i^q)^(1/q)`. Coordinates: `ln v_i`, then q. The value is smooth in all of them:
/// q = 1 is linear, q = 0 the geometric mean (gamma infinite), q < 0 is gamma < 0. Off the simplex h
/// is divided by its sum.
///
/// Convex in h where `q <= 1`, concave where `q >= 1`.
///
/// ```
/// use mixlaw::law::{CoefficientFn, LinearPower};
///
/// // The mean of the values 1 and 4 at the corners: linear, geometric, harmonic.
/// let mean = |q| LinearPower::level().value(&[0.0, 4f64.ln(), q], &[0.5, 0.5]);
/// assert!((mean(1.0) - 2.5).abs() < 1e-14);
/// assert!((mean(0.0) - 2.0).abs() < 1e-14);
/// assert!((mean(-1.0) - 1.6).abs() < 1e-14);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct LinearPower {
    range: RangeInclusive<f64>,
    q: RangeInclusive<f64>,
}

/// The largest |q| that is searched.
const MAX_Q: f64 = 5.0;

impl LinearPower {
    /// E, A or B as a function of h, with gamma of either sign.
    #[must_use]
    pub fn level() -> Self {
        Self { range: LEVELS, q: -MAX_Q..=MAX_Q }
    }

    /// alpha or beta as a function of h: its values at the corners lie between 0.03 and 1.5.
    #[must_use]
    pub fn exponent() -> Self {
        Self { range: EXPONENTS, q: -MAX_Q..=MAX_Q }
    }

    /// The same with gamma > 0 only: q between 0 and 5.
    #[must_use]
    pub fn positive_gamma(self) -> Self {
        Self { q: 0.0..=MAX_Q, ..self }
    }
}

/// The series of the derivative of `(e^u - 1) / u` of this order: `sum_j u^j / (j! (j + order + 1))`.
const fn rise_series(order: usize) -> [f64; 16] {
    let mut out = [0.0; 16];
    let mut factorial = 1.0;
    let mut j = 0;
    while j < 16 {
        out[j] = 1.0 / (factorial * (j + order + 1) as f64);
        j += 1;
        factorial *= j as f64;
    }
    out
}
const RISE: [[f64; 16]; 3] = [rise_series(0), rise_series(1), rise_series(2)];
/// Where `|q|` times the range of the corners is below this, the series are exact to rounding, and
/// where it is above it, so are the closed forms.
const NEAR: f64 = 1.0;
/// Beyond this, powers of the corners could underflow.
const FAR: f64 = 600.0;

/// A polynomial with an even number of coefficients, as two halves that need not wait for each other.
fn horner(coefficients: &[f64], u: f64) -> f64 {
    let square = u * u;
    let (mut even, mut odd) = (0.0, 0.0);
    for pair in coefficients.chunks_exact(2).rev() {
        even = even * square + pair[0];
        odd = odd * square + pair[1];
    }
    even + u * odd
}

/// The series of the derivative of `ln(1 + x) / x` of this order (1 or 2).
const fn log_series(order: usize) -> [f64; 18] {
    let mut out = [0.0; 18];
    let mut j = 0;
    while j < 18 {
        let n = j + order;
        // The coefficient of x^n in ln(1 + x) / x, times n or n (n - 1).
        let factor = if order == 1 { n } else { n * (n - 1) };
        let size = factor as f64 / (n + 1) as f64;
        out[j] = if n % 2 == 0 { size } else { -size };
        j += 1;
    }
    out
}
const LOG: [[f64; 18]; 2] = [log_series(1), log_series(2)];

/// `phi(x) = ln(1 + x) / x`.
fn phi(x: f64) -> f64 {
    if x == 0.0 { 1.0 } else { x.ln_1p() / x }
}

/// The first derivative of phi.
fn phi_slope(x: f64) -> f64 {
    if x.abs() <= 0.1 { horner(&LOG[0], x) } else { (1.0 / (1.0 + x) - phi(x)) / x }
}

/// Its second derivative, from the first.
fn phi_second(x: f64, slope: f64) -> f64 {
    if x.abs() <= 0.1 { horner(&LOG[1], x) } else { (-(1.0 + x).powi(-2) - 2.0 * slope) / x }
}

/// What corner i adds to a mean, `T_i`, and the derivative of that in q.
#[derive(Debug, Clone, Copy, Default)]
struct Corner {
    term: f64,
    slope: f64,
}

impl Corner {
    /// `sum_i h_i x_i / total`, where the total is the sum of h.
    fn mean(corners: &[Self], h: &[f64], total: f64) -> Self {
        let (mut term, mut slope) = (0.0, 0.0);
        for (corner, h) in corners.iter().zip(h) {
            term += h * corner.term;
            slope += h * corner.slope;
        }
        Self { term: term / total, slope: slope / total }
    }
}

/// How to compute power means of corners whose logarithms are at distances `d_i` from an origin.
/// With weights `w_i` that sum to one and `T = sum_i w_i T_i`, the logarithm of the mean is
///
/// - `origin + ln(T) / q`, where `T_i = e^(q d_i)`,
/// - `origin + ln(1 + q T) / q`, where `T_i = (e^(q d_i) - 1) / q`: near the geometric mean.
#[derive(Debug, Clone, Copy)]
struct Means {
    q: f64,
    origin: f64,
    near: bool,
    /// `|q|` times the range of the corners.
    reach: f64,
}

impl Means {
    /// Of corners with the logarithms `l`.
    fn of(q: f64, l: impl Iterator<Item = f64>) -> Self {
        let ends = (f64::INFINITY, f64::NEG_INFINITY);
        let (low, high) = l.fold(ends, |(low, high), l| (low.min(l), high.max(l)));
        let reach = q.abs() * (high - low);
        let near = reach <= NEAR;
        // Far from the geometric mean the largest term is one.
        let origin = match (near, q > 0.0) {
            (true, _) => 0.5 * (low + high),
            (false, true) => high,
            (false, false) => low,
        };
        Self { q, origin, near, reach }
    }

    fn corner(&self, l: f64) -> Corner {
        let d = l - self.origin;
        let u = self.q * d;
        if self.near {
            Corner { term: d * horner(&RISE[0], u), slope: d * d * horner(&RISE[1], u) }
        } else {
            Corner { term: u.exp(), slope: d * u.exp() }
        }
    }

    /// `e^(q d_i)`, or from T the sum of these.
    fn power(&self, term: f64) -> f64 {
        if self.near { 1.0 + self.q * term } else { term }
    }

    /// The logarithm of the mean, from T.
    fn ln_mean(&self, term: f64) -> f64 {
        let Self { q, origin, near, .. } = *self;
        origin + if near { term * phi(q * term) } else { term.ln() / q }
    }

    /// The derivative of the logarithm of the mean in q, from T and its derivative.
    fn q_slope(&self, Corner { term, slope }: Corner) -> f64 {
        let q = self.q;
        if self.near {
            let x = q * term;
            slope * phi(x) + term * phi_slope(x) * (term + q * slope)
        } else {
            (slope / term - term.ln() / q) / q
        }
    }
}

impl Means {
    /// `T_i` of a corner and its first and second derivatives along a step that moves its logarithm
    /// by `v_l` and q by `v_q`.
    fn corner_along(&self, l: f64, v_l: f64, v_q: f64) -> [f64; 3] {
        let d = l - self.origin;
        let u = self.q * d;
        let (slope, second) = (v_q * d + self.q * v_l, 2.0 * v_q * v_l);
        if !self.near {
            let power = u.exp();
            return [power, power * slope, power * (slope * slope + second)];
        }
        // T_i = d rise(u).
        let [rise, rise_1, rise_2] = [0, 1, 2].map(|order| horner(&RISE[order], u));
        let second = 2.0 * v_l * rise_1 * slope + d * (rise_2 * slope * slope + rise_1 * second);
        [d * rise, v_l * rise + d * rise_1 * slope, second]
    }

    /// The first and second derivatives of the logarithm of the mean along the step, from those of T.
    fn along(&self, [term, slope, second]: [f64; 3], v_q: f64) -> [f64; 2] {
        let q = self.q;
        if self.near {
            let x = q * term;
            let (x_slope, x_second) = (v_q * term + q * slope, 2.0 * v_q * slope + q * second);
            let (phi, phi_1) = (phi(x), phi_slope(x));
            let phi_2 = phi_second(x, phi_1);
            let of_phi = phi_2 * x_slope * x_slope + phi_1 * x_second;
            return [
                slope * phi + term * phi_1 * x_slope,
                second * phi + 2.0 * slope * phi_1 * x_slope + term * of_phi,
            ];
        }
        // ln(T) / q
        let (ln, ln_slope) = (term.ln(), slope / term);
        let ln_second = second / term - ln_slope * ln_slope;
        let turn = v_q / q;
        let first = (ln_slope - ln * turn) / q;
        [first, (ln_second - 2.0 * turn * (ln_slope - ln * turn)) / q]
    }
}

/// `sum_i h_i x_i / sum_i h_i` over the domains that are there.
fn weighted<const N: usize>(h: &[f64], x: impl Fn(usize) -> [f64; N]) -> [f64; N] {
    let mut total = 0.0;
    let mut sums = [0.0; N];
    for (i, &h) in h.iter().enumerate().filter(|(_, h)| **h > 0.0) {
        total += h;
        sums.iter_mut().zip(x(i)).for_each(|(sum, x)| *sum += h * x);
    }
    sums.map(|sum| sum / total)
}

/// The corners of the domains that are there.
fn present(l: &[f64], h: &[f64]) -> impl Iterator<Item = f64> {
    l.iter().zip(h).filter(|(_, h)| **h > 0.0).map(|(l, _)| *l)
}

impl CoefficientFn for LinearPower {
    fn coordinates(&self, symbol: &str, domains: &[String]) -> Vec<Coordinate> {
        let ln = self.range.start().ln()..=self.range.end().ln();
        let symbol_v = format!("ln_v_{symbol}");
        let corners =
            domains.iter().map(|d| Coordinate::real(indexed(&symbol_v, d), ln.clone()).level());
        let q = Coordinate::real(format!("q_{symbol}"), self.q.clone());
        corners.chain([q.inverse_named(format!("gamma_{symbol}"))]).collect()
    }

    fn value(&self, z: &[f64], h: &[f64]) -> f64 {
        let (l, q) = (&z[..h.len()], z[h.len()]);
        let means = Means::of(q, present(l, h));
        let [term] = weighted(h, |i| [means.corner(l[i]).term]);
        means.ln_mean(term).exp()
    }

    fn add_gradient(&self, z: &[f64], h: &[f64], scale: f64, dz: &mut [f64], dh: &mut [f64]) {
        if scale == 0.0 {
            return;
        }
        let (l, q) = (&z[..h.len()], z[h.len()]);
        let means = Means::of(q, present(l, h));
        let [term, slope] = weighted(h, |i| {
            let corner = means.corner(l[i]);
            [corner.term, corner.slope]
        });
        let mean = means.ln_mean(term);
        let value = scale * mean.exp();
        let outer = value / h.iter().sum::<f64>();
        for i in 0..h.len() {
            let d = l[i] - mean;
            let u = q * d;
            if h[i] > 0.0 {
                dz[i] += outer * h[i] * u.exp();
            }
            dh[i] += outer * if u == 0.0 { d } else { u.exp_m1() / q };
        }
        dz[h.len()] += value * means.q_slope(Corner { term, slope });
    }

    fn bind<'a>(&'a self, mixtures: &[&[f64]], _: Token) -> Box<dyn BoundCoefficient + 'a> {
        let k = mixtures.first().map_or(0, |h| h.len());
        Box::new(BoundLinearPower {
            means: None,
            corners: vec![Corner::default(); k],
            powers: vec![0.0; k],
            along: vec![[0.0; 3]; k],
            one_by_one: OneByOne::new(self, k),
        })
    }

    fn at<'a>(&'a self, z: &'a [f64], _: Token) -> Box<dyn MixtureFunction + 'a> {
        let (l, q) = z.split_at(z.len() - 1);
        let means = Means::of(q[0], l.iter().copied());
        if means.reach > FAR {
            return Box::new(Plain::new(self, z));
        }
        let terms = l.iter().map(|l| means.corner(*l).term).collect();
        Box::new(FixedMean { means, terms })
    }

    fn is_convex(&self, z: &[f64]) -> bool {
        z.last().is_some_and(|q| *q <= 1.0)
    }

    fn start(&self, level: f64, h: &[f64], random: &mut Random, z: &mut [f64]) {
        let (lower, upper) = (self.range.start().ln(), self.range.end().ln());
        for l in &mut z[..h.len()] {
            *l = (level.ln() + 0.3 * random.normal()).clamp(lower, upper);
        }
        let (least, most) = (*self.q.start(), *self.q.end());
        z[h.len()] = random.uniform(least.max(-1.5)..most.min(1.5));
    }

    /// A domain alone has about the typical value, and domains differ by less than is known of it.
    fn prior(&self, symbol: &str, domains: &[String], typical: Typical) -> Prior {
        let coordinates = self.coordinates(symbol, domains);
        let (corners, q) = coordinates.split_at(domains.len());
        let names: Vec<&str> = corners.iter().map(Coordinate::name).collect();
        let prior = Prior::new().alike(&names, 0.25 * typical.deviation);
        let near =
            |prior: Prior, name: &&str| prior.about(*name, typical.value.ln(), typical.deviation);
        names.iter().fold(prior, near).about(q[0].name(), 1.0, 3.0)
    }

    fn formula(&self, _: &str, domains: &[String], c: &[f64]) -> String {
        let (ln_v, q) = (&c[..domains.len()], c[domains.len()]);
        let terms = |x: &dyn Fn(f64) -> f64| {
            let term = |(d, &l): (&String, &f64)| format!("{} h[{d}]", number(x(l)));
            sum(domains.iter().zip(ln_v).map(term))
        };
        if q == 0.0 {
            return format!("exp({})", terms(&|l| l));
        }
        if ln_v.iter().all(|l| (q * l).abs() < 300.0) {
            format!("({})^{}", terms(&|l| (q * l).exp()), number(1.0 / q))
        } else {
            // C_i = v_i^q is out of the range of numbers: factor the largest out.
            let top = ln_v.iter().map(|l| q * l).fold(f64::MIN, f64::max);
            let scale = format!("exp({})", number(top / q));
            format!("{scale} ({})^{}", terms(&|l| (q * l - top).exp()), number(1.0 / q))
        }
    }

    /// `gamma_X` and `ln_C_X[domain]`, where they are finite.
    fn derived(&self, symbol: &str, domains: &[String], c: &[f64]) -> Vec<(String, f64)> {
        let (ln_v, q) = (&c[..domains.len()], c[domains.len()]);
        let gamma = 1.0 / q;
        if !gamma.is_finite() {
            return Vec::new();
        }
        let symbol_c = format!("ln_C_{symbol}");
        let ln_c = domains.iter().zip(ln_v).map(|(d, l)| (indexed(&symbol_c, d), q * l));
        [(format!("gamma_{symbol}"), gamma)].into_iter().chain(ln_c).collect()
    }

    fn resolve(
        &self,
        symbol: &str,
        domains: &[String],
        get: &dyn Fn(&str) -> Option<f64>,
    ) -> Option<Vec<f64>> {
        if let Some(c) = named(&self.coordinates(symbol, domains), get) {
            return Some(c);
        }
        let gamma = get(&format!("gamma_{symbol}"))?;
        let symbol_c = format!("ln_C_{symbol}");
        let ln_v = domains.iter().map(|d| Some(gamma * get(&indexed(&symbol_c, d))?));
        ln_v.chain([Some(1.0 / gamma)]).collect()
    }
}

/// A power mean at fixed coordinates: a function of `T = sum_i h_i T_i` alone, concave in it where
/// q >= 1.
#[derive(Debug, Clone)]
struct FixedMean {
    means: Means,
    terms: Vec<f64>,
}

impl FixedMean {
    fn mean(&self, h: &[f64]) -> (f64, f64) {
        let (mut term, mut total) = (0.0, 0.0);
        for (t, h) in self.terms.iter().zip(h) {
            term += h * t;
            total += h;
        }
        (term / total, total)
    }

    fn value(&self, term: f64) -> f64 {
        self.means.ln_mean(term).exp()
    }

    /// The range of T between `lower` and `upper`.
    fn range(&self, lower: &[f64], upper: &[f64]) -> (f64, f64) {
        let opposite: Vec<f64> = self.terms.iter().map(|t| -t).collect();
        let least = least_on_simplex(&self.terms, lower, upper);
        (least, -least_on_simplex(&opposite, lower, upper))
    }

    /// By how much the middle of a chord lies below the function.
    fn sag(&self, low: f64, high: f64) -> f64 {
        self.value(0.5 * (low + high)) - 0.5 * (self.value(low) + self.value(high))
    }
}

impl MixtureFunction for FixedMean {
    fn add_gradient(&mut self, h: &[f64], _: &[f64], scale: f64, dh: &mut [f64]) -> f64 {
        let (term, total) = self.mean(h);
        let value = self.value(term);
        let q = if self.means.near { 1.0 } else { self.means.q };
        let outer = scale * value / (q * self.means.power(term) * total);
        dh.iter_mut().zip(&self.terms).for_each(|(dh, t)| *dh += outer * (t - term));
        value
    }

    fn fork(&self) -> Box<dyn MixtureFunction + '_> {
        Box::new(self.clone())
    }

    fn is_convex(&self) -> bool {
        self.means.q <= 1.0
    }

    /// `M'' c c^T`, where c holds the terms and M'' is the second derivative in T, whose least value is
    /// at an end of the range of T.
    fn add_curvature(&self, lower: &[f64], upper: &[f64], scale: f64, out: &mut Curvature) -> bool {
        let Means { q, near, .. } = self.means;
        let second = |term: f64| {
            let power = self.means.power(term) * if near { 1.0 } else { q };
            self.value(term) * (1.0 - q) / (power * power)
        };
        let (least, most) = self.range(lower, upper);
        out.ridges.push((scale * second(least).min(second(most)), self.terms.clone()));
        true
    }

    /// Of a concave mean: what interpolates it between the corners of the smallest simplex that holds
    /// all mixtures above `lower`, or its chord in T, whichever sags less.
    fn relaxation(&self, lower: &[f64], upper: &[f64]) -> Option<Box<dyn MixtureFunction + '_>> {
        if self.is_convex() {
            return Some(Box::new(self.clone()));
        }
        let span = |terms: &mut dyn Iterator<Item = f64>| {
            terms.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), t| (a.min(t), b.max(t)))
        };
        let rest = 1.0 - lower.iter().sum::<f64>();
        let base: f64 = lower.iter().zip(&self.terms).map(|(l, t)| l * t).sum();
        let corners = span(&mut self.terms.iter().map(|t| base + rest * t));
        let (least, most) = self.range(lower, upper);
        let size = self.terms.iter().fold(base.abs(), |m, t| m.max(t.abs()));
        let (slopes, constant, origin) = if most - least <= POINT * size {
            // Slopes of what is next to a point would be rounding.
            let least = self.value(least).min(self.value(most));
            (vec![0.0; self.terms.len()], least, lower.to_vec())
        } else if rest > SMALL
            && self.sag(corners.0, corners.1) <= self.sag(least, most) * (1.0 + 1e-9)
        {
            // From the corner with the least value on: differences are as small as the simplex, while
            // the values over its size would lose all the digits that it is smaller than one.
            let first = self.value(corners.0.min(corners.1));
            let rise = |t: &f64| (self.value(base + rest * t) - first) / rest;
            (self.terms.iter().map(rise).collect(), first, lower.to_vec())
        } else {
            let slope = (self.value(most) - self.value(least)) / (most - least);
            let slopes = self.terms.iter().map(|t| slope * t).collect();
            (slopes, self.value(least) - slope * least, vec![0.0; lower.len()])
        };
        let room = upper.iter().zip(lower).map(|(u, l)| u - l).collect();
        Some(Box::new(AffineMean { mean: self, slopes, constant, origin, room }))
    }
}

/// Simplexes below this size are narrower than what can be told apart.
const SMALL: f64 = 1e-9;
/// Ranges of T below this part of its size are points.
const POINT: f64 = 1e-13;

/// An affine function below a concave mean: `constant + <slopes, h - origin>`.
#[derive(Debug, Clone)]
struct AffineMean<'a> {
    mean: &'a FixedMean,
    slopes: Vec<f64>,
    constant: f64,
    origin: Vec<f64>,
    room: Vec<f64>,
}

impl AffineMean<'_> {
    fn value(&self, h: &[f64]) -> f64 {
        let terms = self.slopes.iter().zip(h.iter().zip(&self.origin));
        self.constant + terms.map(|(slope, (h, origin))| slope * (h - origin)).sum::<f64>()
    }
}

impl MixtureFunction for AffineMean<'_> {
    fn add_gradient(&mut self, h: &[f64], _: &[f64], scale: f64, dh: &mut [f64]) -> f64 {
        dh.iter_mut().zip(&self.slopes).for_each(|(dh, slope)| *dh += scale * slope);
        self.value(h)
    }

    fn fork(&self) -> Box<dyn MixtureFunction + '_> {
        Box::new(self.clone())
    }

    fn is_convex(&self) -> bool {
        true
    }

    /// The distance, shared among domains by how far T can move with each.
    fn add_relaxation_gap(&mut self, h: &[f64], scale: f64, out: &mut [f64]) {
        let (term, _) = self.mean.mean(h);
        let distance = self.mean.value(term) - self.value(h);
        let reach = |i: usize| self.room[i] * (self.mean.terms[i] - term).abs();
        let total: f64 = (0..h.len()).map(reach).sum();
        if total > 0.0 {
            (0..h.len()).for_each(|i| out[i] += scale * distance.max(0.0) * reach(i) / total);
        }
    }
}

/// The corners are the same for all mixtures, and so are their powers.
struct BoundLinearPower<'a> {
    /// None where powers of some corners are so small that they underflow, which must not happen to
    /// mixtures of these corners only.
    means: Option<Means>,
    corners: Vec<Corner>,
    /// `e^(q d_i)` of the corners.
    powers: Vec<f64>,
    /// The terms of the corners with their derivatives along a step.
    along: Vec<[f64; 3]>,
    one_by_one: OneByOne<'a, LinearPower>,
}

impl BoundCoefficient for BoundLinearPower<'_> {
    fn values(&mut self, z: &[f64], mixtures: &[&[f64]], out: &mut [f64]) {
        let (l, q) = (&z[..self.corners.len()], z[self.corners.len()]);
        let means = Means::of(q, l.iter().copied());
        self.means = (means.reach <= FAR).then_some(means);
        if self.means.is_none() {
            return self.one_by_one.values(z, mixtures, out);
        }
        for ((corner, power), &l) in self.corners.iter_mut().zip(&mut self.powers).zip(l) {
            *corner = means.corner(l);
            *power = means.power(corner.term);
        }
        for (out, h) in out.iter_mut().zip(mixtures) {
            let term: f64 = self.corners.iter().zip(*h).map(|(corner, h)| h * corner.term).sum();
            *out = means.ln_mean(term / h.iter().sum::<f64>()).exp();
        }
    }

    fn gradient(&mut self, z: &[f64], m: usize, h: &[f64], value: f64, out: &mut [f64]) {
        let Some(means) = self.means else {
            return self.one_by_one.gradient(z, m, h, value, out);
        };
        let (dl, dq) = out.split_at_mut(h.len());
        let total: f64 = h.iter().sum();
        let mean = Corner::mean(&self.corners, h, total);
        let outer = value / (means.power(mean.term) * total);
        for ((dl, h), power) in dl.iter_mut().zip(h).zip(&self.powers) {
            *dl = outer * h * power;
        }
        dq[0] = value * means.q_slope(mean);
    }

    fn derivatives_along(
        &mut self,
        z: &[f64],
        v: &[f64],
        mixtures: &[&[f64]],
        values: &[f64],
        out: &mut [[f64; 2]],
    ) {
        let Some(means) = self.means else {
            return self.one_by_one.derivatives_along(z, v, mixtures, values, out);
        };
        let v_q = v[self.corners.len()];
        for (i, corner) in self.along.iter_mut().enumerate() {
            *corner = means.corner_along(z[i], v[i], v_q);
        }
        for ((out, h), value) in out.iter_mut().zip(mixtures).zip(values) {
            let mut sums = [0.0; 3];
            for (corner, h) in self.along.iter().zip(*h) {
                sums.iter_mut().zip(corner).for_each(|(sum, x)| *sum += h * x);
            }
            let total: f64 = h.iter().sum();
            let [slope, second] = means.along(sums.map(|sum| sum / total), v_q);
            *out = [value * slope, value * (slope * slope + second)];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cells of branch and bound become as small as 1e-9 and smaller. The relaxation stays below the
    /// function to the digits that a certificate allows for, and next to it.
    #[test]
    fn relaxations_on_the_smallest_cells_lie_below() {
        let function = LinearPower::level();
        let around = [0.31, 0.22, 0.47];
        let places = crate::Mixture::dirichlet(&[0.6; 3], 200, 3).unwrap();
        for l in [[0.1, -0.2, 0.3], [1.0, 0.0, -2.0], [0.0, 6.0, -5.0]] {
            for q in [1.001, 1.5, 2.0, 5.0] {
                let z = [l[0], l[1], l[2], q];
                let mut mean = function.at(&z, Token);
                for size in [1e-3, 1e-6, 1e-8, 3e-9, 1.1e-9, 9e-10, 1e-11, 1e-13] {
                    let lower = around.map(|h| h * (1.0 - size));
                    let upper = lower.map(|l| l + size);
                    let shared = function.at(&z, Token);
                    let mut below = shared.relaxation(&lower, &upper).expect("it is known");
                    for place in &places {
                        let h: [f64; 3] = std::array::from_fn(|i| lower[i] + size * place[i]);
                        let ln_h = h.map(f64::ln);
                        let value = mean.add_gradient(&h, &ln_h, 0.0, &mut [0.0; 3]);
                        let mut slopes = [0.0; 3];
                        let at = below.add_gradient(&h, &ln_h, 1.0, &mut slopes);
                        let off = (at - value) / value;
                        assert!(off <= 5e-15, "{l:?} {q} {size}: above by {off:e}");
                        // A chord is off by the square of the size, and a point by its own.
                        let far = 2e3 * size * size + 1e-12;
                        assert!(off >= -far, "{l:?} {q} {size}: below by {off:e}");
                        assert!(slopes.iter().all(|s| s.abs() < 1e5 * value), "{slopes:?}");
                    }
                }
            }
        }
    }

    /// Every form of the mean: near the geometric one and far from it, up to where powers underflow.
    #[test]
    fn bound_means_are_the_single_ones_with_their_derivatives() {
        let function = LinearPower::level();
        let mixtures: [&[f64]; 4] =
            [&[0.2, 0.3, 0.5], &[1e-9, 0.0, 1.0 - 1e-9], &[0.0, 1.0, 0.0], &[0.3, 0.1, 0.6 + 1e-7]];
        let mut bound = function.bind(&mixtures, Token);
        let v = [0.5, -1.0, 0.7, 0.8];
        for l in [[0.1, -0.2, 0.3], [1.0, 0.0, -2.0], [0.0, 300.0, -5.0], [1.0, 1.0, 1.0]] {
            for q in [0.0, 1e-12, -1e-7, 1e-3, 0.2, -0.33, 0.99, 1.01, -2.0, 5.0, -5.0] {
                let z = [l[0], l[1], l[2], q];
                let (mut values, mut along) = ([0.0; 4], [[0.0; 2]; 4]);
                bound.values(&z, &mixtures, &mut values);
                bound.derivatives_along(&z, &v, &mixtures, &values, &mut along);
                for (m, h) in mixtures.into_iter().enumerate() {
                    let value = function.value(&z, h);
                    let (mut own, mut single) = ([0.0; 4], [0.0; 4]);
                    bound.gradient(&z, m, h, values[m], &mut own);
                    function.add_gradient(&z, h, 1.0, &mut single, &mut [0.0; 3]);
                    let spread = l.iter().fold(1.0, |s: f64, l| s.max(l.abs()));
                    let rounding = 1e-13 * spread * value;
                    assert!((values[m] - value).abs() <= rounding, "{l:?} {q} {h:?}");
                    for (own, single) in own.into_iter().zip(single) {
                        let fine = (own - single).abs() <= 10.0 * spread * rounding;
                        assert!(fine, "{l:?} {q} {h:?}: {own} {single}");
                    }
                    // The gradient's change along the step.
                    let slope = |t: f64| {
                        let at: [f64; 4] = std::array::from_fn(|i| z[i] + t * v[i]);
                        let mut g = [0.0; 4];
                        function.add_gradient(&at, h, 1.0, &mut g, &mut [0.0; 3]);
                        g.iter().zip(v).map(|(g, v)| g * v).sum::<f64>()
                    };
                    let t = 1e-5;
                    let expected = (slope(t) - slope(-t)) / (2.0 * t);
                    let size = spread * spread * (value + slope(0.0).abs() + expected.abs());
                    let [first, second] = along[m];
                    assert!((first - slope(0.0)).abs() <= 1e-11 * size, "{l:?} {q} {h:?}");
                    assert!(
                        (second - expected).abs() <= 1e-5 * size,
                        "{l:?} {q} {h:?} {second} {expected}"
                    );
                }
            }
        }
    }
}
