use std::ops::RangeInclusive;

use rand::{Rng, RngExt};
use rand_distr::{Distribution, Normal};

use super::constant::{EXPONENTS, LEVELS};
use super::{CoefficientFn, indexed, named, number, sum};
use crate::law::Coordinate;

/// `(sum_i C_i h_i)^gamma` (eq. 5, 9, 11), as the power mean of its values at the corners of the
/// simplex.
///
/// With `v_i = C_i^gamma`, the value where domain i is alone, and `q = 1/gamma` it is
/// `(sum_i h_i v_i^q)^(1/q)`. Coordinates: `ln v_i`, then q. These are smooth through everything:
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

/// `1/(m+2)!` times `factor(m)`: the series of the two functions below.
const fn series(slope: f64) -> [f64; 16] {
    let mut out = [0.0; 16];
    let mut factorial = 1.0;
    let mut m = 0;
    while m < 16 {
        factorial *= (m + 2) as f64;
        out[m] = (1.0 + slope * m as f64) / factorial;
        m += 1;
    }
    out
}
const CHI: [f64; 16] = series(0.0);
const PSI: [f64; 16] = series(1.0);
/// Up to here the series are exact to rounding, and beyond it so are the closed forms.
const SERIES_RADIUS: f64 = 0.5;

fn horner(coefficients: &[f64; 16], u: f64) -> f64 {
    coefficients.iter().rev().fold(0.0, |sum, c| sum * u + c)
}

/// `(u e^u - e^u + 1) / u^2`, 1/2 at u = 0.
fn psi(u: f64) -> f64 {
    if u.abs() <= SERIES_RADIUS { horner(&PSI, u) } else { (u * u.exp() - u.exp_m1()) / (u * u) }
}

/// The logarithm of the power mean of `exp(l)`.
fn log_mean(l: &[f64], q: f64, h: &[f64]) -> f64 {
    let total: f64 = h.iter().sum();
    let center = l.iter().zip(h).map(|(l, h)| l * h).sum::<f64>() / total;
    let present = || l.iter().zip(h).filter(|(_, h)| **h > 0.0);
    let spread = present().map(|(l, _)| (l - center).abs()).fold(0.0, f64::max);
    if q.abs() * spread <= SERIES_RADIUS {
        // sum_i w_i (e^(q d_i) - 1 - q d_i) / q^2, where d_i = l_i - center has mean 0.
        let t = present().map(|(l, h)| h * (l - center).powi(2) * horner(&CHI, q * (l - center)));
        let x = q * (q * t.sum::<f64>() / total);
        return center + if q == 0.0 { 0.0 } else { x.ln_1p() / q };
    }
    // Log-sum-exp around the domain with the largest term.
    let top = present().map(|(l, _)| *l).max_by(|a, b| (q * a).total_cmp(&(q * b)));
    let top = top.unwrap_or(center);
    let rest = present().map(|(l, h)| h * (q * (l - top)).exp()).sum::<f64>() / total;
    top + rest.ln() / q
}

impl CoefficientFn for LinearPower {
    fn coordinates(&self, symbol: &str, domains: &[String]) -> Vec<Coordinate> {
        let ln = self.range.start().ln()..=self.range.end().ln();
        let symbol_v = format!("ln_v_{symbol}");
        let corners =
            domains.iter().map(|d| Coordinate::real(indexed(&symbol_v, d), ln.clone()).level());
        corners.chain([Coordinate::real(format!("q_{symbol}"), self.q.clone())]).collect()
    }

    fn value(&self, z: &[f64], h: &[f64]) -> f64 {
        log_mean(&z[..h.len()], z[h.len()], h).exp()
    }

    fn add_gradient(&self, z: &[f64], h: &[f64], scale: f64, dz: &mut [f64], dh: &mut [f64]) {
        if scale == 0.0 {
            return;
        }
        let (l, q) = (&z[..h.len()], z[h.len()]);
        let total: f64 = h.iter().sum();
        let mean = log_mean(l, q, h);
        let outer = scale * mean.exp() / total;
        let mut dq = 0.0;
        for i in 0..h.len() {
            let d = l[i] - mean;
            let u = q * d;
            if h[i] > 0.0 {
                dz[i] += outer * h[i] * u.exp();
                dq += h[i] * d * d * psi(u);
            }
            dh[i] += outer * if u == 0.0 { d } else { u.exp_m1() / q };
        }
        dz[h.len()] += outer * dq;
    }

    fn start(&self, level: f64, h: &[f64], rng: &mut dyn Rng, z: &mut [f64]) {
        let spread = Normal::new(0.0, 0.3).expect("a positive deviation");
        let (lower, upper) = (self.range.start().ln(), self.range.end().ln());
        for l in &mut z[..h.len()] {
            *l = (level.ln() + spread.sample(rng)).clamp(lower, upper);
        }
        let (least, most) = (*self.q.start(), *self.q.end());
        z[h.len()] = rng.random_range(least.max(-1.5)..most.min(1.5));
    }

    fn formula(&self, domains: &[String], c: &[f64]) -> String {
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
