use rand::{Rng, RngExt};
use rand_distr::{Distribution, Exp1, Normal};

use super::{BoundCoefficient, CoefficientFn, indexed, number, sum};
use crate::law::Coordinate;

/// `1 / sum_i C_i h_i^gamma_i` with positive C and gamma: what a mixture leaves unlearned
/// (eq. 4). Coordinates: ln C_i, then ln gamma_i.
///
/// Convex in h where every `gamma_i <= 1`.
///
/// ```
/// use mixlaw::law::{CoefficientFn, InverseSum};
///
/// // 1 / (2 * 0.25^0.5 + 4 * 0.75^1)
/// let z = [2f64.ln(), 4f64.ln(), 0.5f64.ln(), 0.0];
/// assert!((InverseSum.value(&z, &[0.25, 0.75]) - 0.25).abs() < 1e-15);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct InverseSum;

impl CoefficientFn for InverseSum {
    fn coordinates(&self, _: &str, domains: &[String]) -> Vec<Coordinate> {
        let c = domains.iter().map(|d| Coordinate::positive(indexed("C", d), 1e-10..=1e10));
        let gamma = domains
            .iter()
            .map(|d| Coordinate::positive(indexed("gamma", d), 0.05..=3.0).drawn_from(0.1..=1.5));
        c.chain(gamma).collect()
    }

    fn value(&self, z: &[f64], h: &[f64]) -> f64 {
        let (ln_c, ln_gamma) = z.split_at(h.len());
        // Where h = 0 the logarithm is -inf and the term exp(-inf) = 0.
        let terms = ln_c.iter().zip(ln_gamma).zip(h);
        1.0 / terms.map(|((c, g), h)| (c + g.exp() * h.ln()).exp()).sum::<f64>()
    }

    fn add_gradient(&self, z: &[f64], h: &[f64], scale: f64, dz: &mut [f64], dh: &mut [f64]) {
        if scale == 0.0 {
            return;
        }
        let k = h.len();
        let value = self.value(z, h);
        let outer = -scale * value * value;
        for i in 0..k {
            let gamma = z[k + i].exp();
            if h[i] > 0.0 {
                let ln_h = h[i].ln();
                let term = outer * (z[i] + gamma * ln_h).exp();
                dz[i] += term;
                dz[k + i] += term * gamma * ln_h;
                dh[i] += term * gamma / h[i];
            } else if gamma < 1.0 {
                dh[i] += outer * f64::INFINITY;
            } else if gamma == 1.0 {
                dh[i] += outer * z[i].exp();
            }
        }
    }

    fn start(&self, level: f64, h: &[f64], rng: &mut dyn Rng, z: &mut [f64]) {
        let k = h.len();
        let (ln_c, ln_gamma) = z.split_at_mut(k);
        // Shares of the domains in the sum at the mean mixture: uniform on the simplex.
        ln_c.iter_mut().for_each(|share| *share = Exp1.sample(rng));
        let total: f64 = ln_c.iter().sum();
        // One speed of learning for all domains, more or less: the best fits have it.
        let common = rng.random_range(0.1f64.ln()..1.5f64.ln());
        let spread = Normal::new(0.0, 0.1).expect("a positive deviation");
        for i in 0..k {
            ln_gamma[i] = (common + spread.sample(rng)).clamp(0.05f64.ln(), 3f64.ln());
            let at_mean = ln_gamma[i].exp() * h[i].max(1e-3).ln();
            ln_c[i] = (ln_c[i] / (total * level)).ln() - at_mean;
        }
    }

    fn bind<'a>(&'a self, mixtures: &[&[f64]]) -> Box<dyn BoundCoefficient + 'a> {
        let ln_h: Vec<f64> = mixtures.iter().flat_map(|h| h.iter().map(|h| h.ln())).collect();
        let gamma = vec![0.0; mixtures.first().map_or(0, |h| h.len())];
        Box::new(BoundInverseSum { terms: vec![0.0; ln_h.len()], ln_h, gamma })
    }

    fn formula(&self, domains: &[String], c: &[f64]) -> String {
        let k = domains.len();
        let term = |i: usize| format!("{} h[{}]^{}", number(c[i]), domains[i], number(c[k + i]));
        format!("1/({})", sum((0..k).map(term)))
    }
}

struct BoundInverseSum {
    /// ln h_i of all mixtures, and the terms `C_i h_i^gamma_i`, one mixture after the other.
    ln_h: Vec<f64>,
    terms: Vec<f64>,
    gamma: Vec<f64>,
}

impl BoundCoefficient for BoundInverseSum {
    fn values(&mut self, z: &[f64], _: &[&[f64]], out: &mut [f64]) {
        let k = self.gamma.len();
        let (ln_c, ln_gamma) = z.split_at(k);
        self.gamma.iter_mut().zip(ln_gamma).for_each(|(g, l)| *g = l.exp());
        let mixtures = self.ln_h.chunks_exact(k).zip(self.terms.chunks_exact_mut(k));
        for ((ln_h, terms), out) in mixtures.zip(out) {
            let mut sum = 0.0;
            for i in 0..k {
                terms[i] = (ln_c[i] + self.gamma[i] * ln_h[i]).exp();
                sum += terms[i];
            }
            *out = 1.0 / sum;
        }
    }

    fn gradient(&mut self, _: &[f64], m: usize, _: &[f64], value: f64, out: &mut [f64]) {
        let k = self.gamma.len();
        let (dc, dgamma) = out.split_at_mut(k);
        let (ln_h, terms) = (&self.ln_h[m * k..][..k], &self.terms[m * k..][..k]);
        let outer = -value * value;
        for i in 0..k {
            dc[i] = outer * terms[i];
            // An absent domain has ln h = -inf and the term 0.
            dgamma[i] = if terms[i] > 0.0 { dc[i] * self.gamma[i] * ln_h[i] } else { 0.0 };
        }
    }

    fn bends(&mut self, _: &[f64], v: &[f64], _: &[&[f64]], values: &[f64], out: &mut [[f64; 2]]) {
        let k = self.gamma.len();
        let (v_c, v_gamma) = v.split_at(k);
        let mixtures = self.ln_h.chunks_exact(k).zip(self.terms.chunks_exact(k));
        for (((ln_h, terms), value), out) in mixtures.zip(values).zip(out) {
            // Of the sum, whose terms are exp(ln C + gamma ln h).
            let (mut slope, mut bend) = (0.0, 0.0);
            for i in (0..k).filter(|&i| terms[i] > 0.0) {
                let in_gamma = self.gamma[i] * ln_h[i] * v_gamma[i];
                let rise = v_c[i] + in_gamma;
                slope += terms[i] * rise;
                bend += terms[i] * (rise * rise + in_gamma * v_gamma[i]);
            }
            let relative = slope * value;
            *out = [-value * relative, value * (2.0 * relative * relative - bend * value)];
        }
    }
}
