//! The exponential forms of Ye et al., as the paper prints them (appendix B.1).

use super::constant::LEVELS;
use super::{CoefficientFn, indexed, named, number, sum, within};
use crate::law::{Coordinate, Prior, Typical};
use crate::random::Random;

/// Exponents of the exponential forms are searched for up to this size: h is at most one, and e^20
/// is more than any ratio of losses.
const MAX_EXPONENT: f64 = 20.0;

fn exponents(symbol: &str, domains: &[String]) -> impl Iterator<Item = Coordinate> {
    let gamma = within("gamma", symbol);
    domains.iter().map(move |d| {
        Coordinate::real(indexed(&gamma, d), -MAX_EXPONENT..=MAX_EXPONENT).drawn_from(-3.0..=1.0)
    })
}

/// `sum_i C_i exp(gamma_i h_i)` (Ye M1) with positive C and gamma of either sign. Coordinates:
/// ln C_i, then gamma_i.
///
/// ```
/// use mixlaw::law::{CoefficientFn, ExponentialSum};
///
/// let z = [0.0, 0.0, 4f64.ln(), 0.0];
/// assert!((ExponentialSum.value(&z, &[0.5, 0.5]) - 3.0).abs() < 1e-15);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ExponentialSum;

impl CoefficientFn for ExponentialSum {
    fn coordinates(&self, symbol: &str, domains: &[String]) -> Vec<Coordinate> {
        let c = within("C", symbol);
        let c = domains.iter().map(|d| Coordinate::positive(indexed(&c, d), LEVELS).level());
        c.chain(exponents(symbol, domains)).collect()
    }

    fn value(&self, z: &[f64], h: &[f64]) -> f64 {
        let (ln_c, gamma) = z.split_at(h.len());
        ln_c.iter().zip(gamma).zip(h).map(|((c, g), h)| (c + g * h).exp()).sum()
    }

    fn add_gradient(&self, z: &[f64], h: &[f64], scale: f64, dz: &mut [f64], dh: &mut [f64]) {
        let k = h.len();
        for i in 0..k {
            let term = scale * (z[i] + z[k + i] * h[i]).exp();
            dz[i] += term;
            dz[k + i] += term * h[i];
            dh[i] += term * z[k + i];
        }
    }

    fn start(&self, level: f64, h: &[f64], random: &mut Random, z: &mut [f64]) {
        let k = h.len();
        for i in 0..k {
            z[k + i] = random.uniform(-3.0..1.0);
            z[i] = (level / k as f64).ln() - z[k + i] * h[i];
        }
    }

    fn prior(&self, symbol: &str, domains: &[String], typical: Typical) -> Prior {
        shared_prior(self.coordinates(symbol, domains), domains.len(), typical)
    }

    fn is_convex(&self, _: &[f64]) -> bool {
        true
    }

    fn formula(&self, _: &str, domains: &[String], c: &[f64]) -> String {
        let k = domains.len();
        sum((0..k).map(|i| format!("{} exp({} h[{}])", number(c[i]), number(c[k + i]), domains[i])))
    }
}

/// Each of `k` terms is near its share of the typical value.
fn shared_prior(coordinates: Vec<Coordinate>, k: usize, typical: Typical) -> Prior {
    let share = typical.value / k as f64;
    let add = |prior: Prior, c: Coordinate| {
        if c.is_level() {
            prior.about(c.name(), share, typical.deviation)
        } else {
            prior.within_draws(&c)
        }
    };
    coordinates.into_iter().fold(Prior::new(), add)
}

/// `C sum_i exp(gamma_i h_i)` (Ye M2) with positive C. Coordinates: ln C, then gamma_i.
///
/// ```
/// use mixlaw::law::{CoefficientFn, SharedExponentialSum};
///
/// let z = [2f64.ln(), 4f64.ln(), 0.0];
/// assert!((SharedExponentialSum.value(&z, &[0.5, 0.5]) - 6.0).abs() < 1e-14);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct SharedExponentialSum;

impl CoefficientFn for SharedExponentialSum {
    fn coordinates(&self, symbol: &str, domains: &[String]) -> Vec<Coordinate> {
        let c = Coordinate::positive(within("C", symbol), LEVELS).level();
        std::iter::once(c).chain(exponents(symbol, domains)).collect()
    }

    fn value(&self, z: &[f64], h: &[f64]) -> f64 {
        z[1..].iter().zip(h).map(|(g, h)| (z[0] + g * h).exp()).sum()
    }

    fn add_gradient(&self, z: &[f64], h: &[f64], scale: f64, dz: &mut [f64], dh: &mut [f64]) {
        for i in 0..h.len() {
            let term = scale * (z[0] + z[1 + i] * h[i]).exp();
            dz[0] += term;
            dz[1 + i] += term * h[i];
            dh[i] += term * z[1 + i];
        }
    }

    fn start(&self, level: f64, h: &[f64], random: &mut Random, z: &mut [f64]) {
        for gamma in &mut z[1..] {
            *gamma = random.uniform(-3.0..1.0);
        }
        z[0] = 0.0;
        z[0] = (level / self.value(z, h)).ln();
    }

    fn prior(&self, symbol: &str, domains: &[String], typical: Typical) -> Prior {
        shared_prior(self.coordinates(symbol, domains), domains.len(), typical)
    }

    fn is_convex(&self, _: &[f64]) -> bool {
        true
    }

    fn formula(&self, _: &str, domains: &[String], c: &[f64]) -> String {
        let term = |(d, g): (&String, &f64)| format!("exp({} h[{d}])", number(*g));
        format!("{} ({})", number(c[0]), sum(domains.iter().zip(&c[1..]).map(term)))
    }
}

/// `C exp(prod_i gamma_i h_i)` (Ye M3) with positive C. Only the product of the gamma_i can be
/// identified; the coordinates are ln C and the exponent at the uniform mixture,
/// `g = prod_i (gamma_i / k)`, so that the value is `C exp(g prod_i k h_i)`.
///
/// ```
/// use mixlaw::law::{CoefficientFn, ExponentialProduct};
///
/// let value = ExponentialProduct.value(&[0.0, 2f64.ln()], &[0.5, 0.5]);
/// assert!((value - 2.0).abs() < 1e-15);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ExponentialProduct;

impl ExponentialProduct {
    /// `prod_i k h_i`, leaving out one domain if asked to.
    fn product(h: &[f64], without: Option<usize>) -> f64 {
        let k = h.len() as f64;
        let kept = h.iter().enumerate().filter(|(i, _)| Some(*i) != without);
        kept.map(|(_, h)| k * h).product()
    }
}

impl CoefficientFn for ExponentialProduct {
    fn coordinates(&self, symbol: &str, _: &[String]) -> Vec<Coordinate> {
        let gamma = within("gamma_uniform", symbol);
        let exponent = Coordinate::real(gamma, -MAX_EXPONENT..=MAX_EXPONENT);
        vec![
            Coordinate::positive(within("C", symbol), LEVELS).level(),
            exponent.drawn_from(-3.0..=1.0),
        ]
    }

    fn value(&self, z: &[f64], h: &[f64]) -> f64 {
        (z[0] + z[1] * Self::product(h, None)).exp()
    }

    fn add_gradient(&self, z: &[f64], h: &[f64], scale: f64, dz: &mut [f64], dh: &mut [f64]) {
        let term = scale * self.value(z, h);
        dz[0] += term;
        dz[1] += term * Self::product(h, None);
        for (i, dh) in dh.iter_mut().enumerate() {
            *dh += term * z[1] * h.len() as f64 * Self::product(h, Some(i));
        }
    }

    fn start(&self, level: f64, h: &[f64], random: &mut Random, z: &mut [f64]) {
        z[1] = random.uniform(-3.0..1.0);
        z[0] = level.ln() - z[1] * Self::product(h, None);
    }

    fn formula(&self, _: &str, domains: &[String], c: &[f64]) -> String {
        let k = domains.len();
        let h: Vec<String> = domains.iter().map(|d| format!("h[{d}]")).collect();
        format!(
            "{} exp({} {})",
            number(c[0]),
            number(c[1] * (k as f64).powi(k as i32)),
            h.join(" ")
        )
    }

    /// `gamma[domain]`, all of one size and the first with the sign of their product.
    fn derived(&self, symbol: &str, domains: &[String], c: &[f64]) -> Vec<(String, f64)> {
        let k = domains.len() as f64;
        let size = k * c[1].abs().powf(1.0 / k);
        let sign = |i: usize| if i == 0 && c[1] < 0.0 { -size } else { size };
        let gamma = within("gamma", symbol);
        domains.iter().enumerate().map(|(i, d)| (indexed(&gamma, d), sign(i))).collect()
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
        let (k, gamma) = (domains.len() as f64, within("gamma", symbol));
        let product: Option<f64> =
            domains.iter().map(|d| Some(get(&indexed(&gamma, d))? / k)).product();
        Some(vec![get(&within("C", symbol))?, product?])
    }
}

/// `C exp(sum_i gamma_i h_i)` (Ye M4) with positive C: on the simplex the geometric mean of its
/// values at the corners, `v_i = C exp(gamma_i)`. C cannot be told from the gamma_i; the coordinates
/// are `ln v_i`. Off the simplex h is divided by its sum.
///
/// ```
/// use mixlaw::law::{CoefficientFn, GeometricMean};
///
/// assert!((GeometricMean.value(&[0.0, 4f64.ln()], &[0.5, 0.5]) - 2.0).abs() < 1e-15);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct GeometricMean;

impl GeometricMean {
    fn ln(z: &[f64], h: &[f64]) -> f64 {
        z.iter().zip(h).map(|(l, h)| l * h).sum::<f64>() / h.iter().sum::<f64>()
    }
}

impl CoefficientFn for GeometricMean {
    fn coordinates(&self, symbol: &str, domains: &[String]) -> Vec<Coordinate> {
        let range = LEVELS.start().ln()..=LEVELS.end().ln();
        let symbol_v = format!("ln_v_{symbol}");
        let corner = |d: &String| Coordinate::real(indexed(&symbol_v, d), range.clone()).level();
        domains.iter().map(corner).collect()
    }

    fn value(&self, z: &[f64], h: &[f64]) -> f64 {
        Self::ln(z, h).exp()
    }

    fn add_gradient(&self, z: &[f64], h: &[f64], scale: f64, dz: &mut [f64], dh: &mut [f64]) {
        let mean = Self::ln(z, h);
        let outer = scale * mean.exp() / h.iter().sum::<f64>();
        for i in 0..h.len() {
            dz[i] += outer * h[i];
            dh[i] += outer * (z[i] - mean);
        }
    }

    fn start(&self, level: f64, _: &[f64], random: &mut Random, z: &mut [f64]) {
        z.iter_mut().for_each(|l| *l = level.ln() + 0.3 * random.normal());
    }

    /// A domain alone has about the typical value, and domains differ by less than is known of it.
    fn prior(&self, symbol: &str, domains: &[String], typical: Typical) -> Prior {
        let coordinates = self.coordinates(symbol, domains);
        let names: Vec<&str> = coordinates.iter().map(Coordinate::name).collect();
        let prior = Prior::new().alike(&names, 0.25 * typical.deviation);
        let near =
            |prior: Prior, name: &&str| prior.about(*name, typical.value.ln(), typical.deviation);
        names.iter().fold(prior, near)
    }

    fn is_convex(&self, _: &[f64]) -> bool {
        true
    }

    fn formula(&self, _: &str, domains: &[String], c: &[f64]) -> String {
        let term = |(d, l): (&String, &f64)| format!("{} h[{d}]", number(*l));
        format!("exp({})", sum(domains.iter().zip(c).map(term)))
    }

    /// `C` and `gamma[domain]` of the printed form, with the gamma_i summing to zero.
    fn derived(&self, symbol: &str, domains: &[String], c: &[f64]) -> Vec<(String, f64)> {
        let mean = c.iter().sum::<f64>() / c.len() as f64;
        let name = within("gamma", symbol);
        let gamma = domains.iter().zip(c).map(|(d, l)| (indexed(&name, d), l - mean));
        [(within("C", symbol), mean.exp())].into_iter().chain(gamma).collect()
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
        let (ln_c, gamma) = (get(&within("C", symbol))?.ln(), within("gamma", symbol));
        domains.iter().map(|d| Some(ln_c + get(&indexed(&gamma, d))?)).collect()
    }
}
