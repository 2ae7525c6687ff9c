use super::{
    BoundCoefficient, CoefficientFn, MixtureFunction, Typical, indexed, number, sum, within,
};
use crate::law::sealed::Token;
use crate::law::{Coordinate, Curvature, Prior};
use crate::linalg::least_on_simplex;
use crate::random::Random;

/// `1 / sum_i C_i h_i^gamma_i` with positive C and gamma: what a mixture leaves unlearned
/// (eq. 4). Coordinates: ln C_i, then ln gamma_i.
///
#[doc = include_str!("../../../docs/formulas/inverse_sum.html")]
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
    fn coordinates(&self, symbol: &str, domains: &[String]) -> Vec<Coordinate> {
        let [c, gamma] = ["C", "gamma"].map(|name| within(name, symbol));
        let c = domains.iter().map(|d| Coordinate::positive(indexed(&c, d), 1e-10..=1e10));
        let gamma =
            |d: &String| Coordinate::positive(indexed(&gamma, d), 0.05..=3.0).drawn_from(0.1..=1.5);
        c.chain(domains.iter().map(gamma)).collect()
    }

    fn value(&self, z: &[f64], h: &[f64]) -> f64 {
        let (ln_c, ln_gamma) = z.split_at(h.len());
        // Where h = 0 the logarithm is -inf and the term exp(-inf) = 0.
        let terms = ln_c.iter().zip(ln_gamma).zip(h);
        1.0 / terms.map(|((c, g), h)| (c + g.exp() * h.ln()).exp()).sum::<f64>()
    }

    fn add_gradient(&self, z: &[f64], h: &[f64], scale: f64, dz: &mut [f64], dh: &mut [f64]) {
        let k = h.len();
        let value = self.value(z, h);
        let outer = -scale * value * value;
        // Nothing times an infinite slope is nothing.
        if scale == 0.0 || outer == 0.0 {
            return;
        }
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

    fn start(&self, level: f64, h: &[f64], random: &mut Random, z: &mut [f64]) {
        let k = h.len();
        let (ln_c, ln_gamma) = z.split_at_mut(k);
        // Shares of the domains in the sum at the mean mixture: uniform on the simplex.
        ln_c.iter_mut().for_each(|share| *share = random.exponential());
        let total: f64 = ln_c.iter().sum();
        // One speed of learning for all domains, more or less: the best fits have it.
        let common = random.uniform(0.1f64.ln()..1.5f64.ln());
        for i in 0..k {
            ln_gamma[i] = (common + 0.1 * random.normal()).clamp(0.05f64.ln(), 3f64.ln());
            let at_mean = ln_gamma[i].exp() * h[i].max(1e-3).ln();
            ln_c[i] = (ln_c[i] / (total * level)).ln() - at_mean;
        }
    }

    /// Losses fall about with the square root of a weight, in every domain alike. Domains differ more in what
    /// they are worth.
    fn prior(&self, symbol: &str, domains: &[String], _: Typical) -> Prior {
        let names = |name: &str| -> Vec<String> {
            let name = within(name, symbol);
            domains.iter().map(|d| indexed(&name, d)).collect()
        };
        let near = |prior: Prior, gamma: String| prior.about(gamma, 0.5, 0.6);
        names("gamma").into_iter().fold(Prior::new().alike(&names("C"), 1.5), near)
    }

    fn at<'a>(&'a self, z: &'a [f64], _: Token) -> Box<dyn MixtureFunction + 'a> {
        let (ln_c, ln_gamma) = z.split_at(z.len() / 2);
        let piece =
            |(ln_c, ln_gamma): (&f64, &f64)| Piece::Power { ln_c: *ln_c, gamma: ln_gamma.exp() };
        let pieces: Vec<Piece> = ln_c.iter().zip(ln_gamma).map(piece).collect();
        Box::new(FixedInverseSum { terms: vec![0.0; pieces.len()], pieces, replaced: Vec::new() })
    }

    fn is_convex(&self, z: &[f64]) -> bool {
        z[z.len() / 2..].iter().all(|ln_gamma| *ln_gamma <= 0.0)
    }

    fn bind<'a>(&'a self, mixtures: &[&[f64]], _: Token) -> Box<dyn BoundCoefficient + 'a> {
        let ln_h: Vec<f64> = mixtures.iter().flat_map(|h| h.iter().map(|h| h.ln())).collect();
        let gamma = vec![0.0; mixtures.first().map_or(0, |h| h.len())];
        Box::new(BoundInverseSum { terms: vec![0.0; ln_h.len()], ln_h, gamma })
    }

    fn formula(&self, _: &str, domains: &[String], c: &[f64]) -> String {
        let k = domains.len();
        let term = |i: usize| format!("{} h[{}]^{}", number(c[i]), domains[i], number(c[k + i]));
        format!("1/({})", sum((0..k).map(term)))
    }
}

/// A term of the sum, as a function of its own weight.
#[derive(Debug, Clone, Copy)]
enum Piece {
    /// `C h^gamma`.
    Power { ln_c: f64, gamma: f64 },
    /// `constant + slope h`: a chord of a power, which lies above it if gamma > 1.
    Chord { constant: f64, slope: f64 },
}

/// The inverse sum at fixed coordinates, or a relaxation of it: a larger sum, concave as a sum of
/// powers up to 1 and chords, has a smaller inverse, which is convex.
#[derive(Debug, Clone)]
struct FixedInverseSum {
    pieces: Vec<Piece>,
    terms: Vec<f64>,
    /// Of a relaxation: the domains with a chord, and the powers that it replaces.
    replaced: Vec<(usize, Piece)>,
}

impl FixedInverseSum {
    /// A bound on the least that `sign` times the sum can be between `lower` and `upper`: each term is
    /// replaced by its chord or by its tangent in the middle, whichever lies on the right side.
    fn extreme(&self, lower: &[f64], upper: &[f64], sign: f64) -> f64 {
        let mut constant = 0.0;
        let mut slopes = vec![0.0; self.pieces.len()];
        for (i, piece) in self.pieces.iter().enumerate() {
            let middle = 0.5 * (lower[i] + upper[i]);
            let line = if lower[i] >= upper[i] || piece.is_convex() == (sign < 0.0) {
                piece.chord(lower[i], upper[i])
            } else {
                piece.tangent(middle)
            };
            if let Piece::Chord { constant: own, slope } = line {
                constant += sign * own;
                slopes[i] = sign * slope;
            }
        }
        constant + least_on_simplex(&slopes, lower, upper)
    }

    /// The sum, with its terms kept.
    fn sum(&mut self, h: &[f64], ln_h: &[f64]) -> f64 {
        let mut sum = 0.0;
        for (i, piece) in self.pieces.iter().enumerate() {
            self.terms[i] = piece.at(h[i], ln_h[i]);
            sum += self.terms[i];
        }
        sum
    }
}

impl Piece {
    /// Whether the term lies above its tangents and not below.
    fn is_convex(self) -> bool {
        matches!(self, Self::Power { gamma, .. } if gamma > 1.0)
    }

    /// The tangent at h > 0.
    fn tangent(self, h: f64) -> Self {
        let term = self.at(h, h.ln());
        let slope = self.slope(h, term);
        Self::Chord { constant: term - slope * h, slope }
    }

    fn at(self, h: f64, ln_h: f64) -> f64 {
        match self {
            Self::Power { ln_c, gamma } => (ln_c + gamma * ln_h).exp(),
            Self::Chord { constant, slope } => constant + slope * h,
        }
    }

    /// The derivative where the value is `term`.
    fn slope(self, h: f64, term: f64) -> f64 {
        match self {
            Self::Power { gamma, .. } if h > 0.0 => term * gamma / h,
            Self::Power { gamma, .. } if gamma < 1.0 => f64::INFINITY,
            Self::Power { ln_c, gamma } => {
                if gamma == 1.0 {
                    ln_c.exp()
                } else {
                    0.0
                }
            }
            Self::Chord { slope, .. } => slope,
        }
    }

    fn chord(self, lower: f64, upper: f64) -> Self {
        let (low, high) = (self.at(lower, lower.ln()), self.at(upper, upper.ln()));
        let slope = if upper > lower { (high - low) / (upper - lower) } else { 0.0 };
        Self::Chord { constant: low - slope * lower, slope }
    }
}

impl MixtureFunction for FixedInverseSum {
    fn add_gradient(&mut self, h: &[f64], ln_h: &[f64], scale: f64, dh: &mut [f64]) -> f64 {
        let value = 1.0 / self.sum(h, ln_h);
        let outer = -scale * value * value;
        for (i, piece) in self.pieces.iter().enumerate().filter(|_| scale != 0.0) {
            dh[i] += outer * piece.slope(h[i], self.terms[i]);
        }
        value
    }

    fn fork(&self) -> Box<dyn MixtureFunction + '_> {
        Box::new(self.clone())
    }

    fn is_convex(&self) -> bool {
        !self.pieces.iter().any(|piece| piece.is_convex())
    }

    /// The second derivatives of `1/S` are those of `-S`, over `S^2`, and a positive ridge, which is
    /// left out: where all slopes are equal, as at an optimum, it does not matter.
    fn add_curvature(&self, lower: &[f64], upper: &[f64], scale: f64, out: &mut Curvature) -> bool {
        let least = self.extreme(lower, upper, 1.0).max(0.0);
        let most = -self.extreme(lower, upper, -1.0);
        for (i, piece) in self.pieces.iter().enumerate().filter(|(i, _)| lower[*i] < upper[*i]) {
            let Piece::Power { ln_c, gamma } = *piece else { continue };
            let second = |h: f64| -gamma * (gamma - 1.0) * (ln_c + (gamma - 2.0) * h.ln()).exp();
            let sum = if gamma <= 1.0 { most } else { least };
            // At which end its second derivative is least.
            let h = if (1.0..2.0).contains(&gamma) { lower[i] } else { upper[i] };
            if gamma != 1.0 {
                out.diagonal[i] += scale * second(h) / (sum * sum);
            }
        }
        true
    }

    fn relaxation(&self, lower: &[f64], upper: &[f64]) -> Option<Box<dyn MixtureFunction + '_>> {
        let mut out = self.clone();
        for (i, piece) in out.pieces.iter_mut().enumerate() {
            if piece.is_convex() {
                out.replaced.push((i, *piece));
                *piece = piece.chord(lower[i], upper[i]);
            }
        }
        Some(Box::new(out))
    }

    fn add_relaxation_gap(&mut self, h: &[f64], scale: f64, out: &mut [f64]) {
        let ln_h: Vec<f64> = h.iter().map(|h| h.ln()).collect();
        let value = 1.0 / self.sum(h, &ln_h);
        for &(i, power) in &self.replaced {
            out[i] += scale * value * value * (self.terms[i] - power.at(h[i], ln_h[i])).max(0.0);
        }
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
        // Of no mixtures the number of domains is not known.
        let width = k.max(1);
        let mixtures = self.ln_h.chunks_exact(width).zip(self.terms.chunks_exact_mut(width));
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

    fn derivatives_along(
        &mut self,
        _: &[f64],
        v: &[f64],
        _: &[&[f64]],
        values: &[f64],
        out: &mut [[f64; 2]],
    ) {
        let k = self.gamma.len();
        let (v_c, v_gamma) = v.split_at(k);
        let width = k.max(1);
        let mixtures = self.ln_h.chunks_exact(width).zip(self.terms.chunks_exact(width));
        for (((ln_h, terms), value), out) in mixtures.zip(values).zip(out) {
            // Of the sum, whose terms are exp(ln C + gamma ln h).
            let (mut slope, mut second) = (0.0, 0.0);
            for i in (0..k).filter(|&i| terms[i] > 0.0) {
                let in_gamma = self.gamma[i] * ln_h[i] * v_gamma[i];
                let rise = v_c[i] + in_gamma;
                slope += terms[i] * rise;
                second += terms[i] * (rise * rise + in_gamma * v_gamma[i]);
            }
            let relative = slope * value;
            *out = [-value * relative, value * (2.0 * relative * relative - second * value)];
        }
    }
}
