//! The options of a [`PowerLaw`](super::PowerLaw): terms of N and D that are coupled by a power, and a
//! term of D that grows with N.

use super::coefficient::number;
use super::mixture_function::{Curvature, MixtureFunction};
use super::{CoefficientFn, Coordinate, Prior, Typical};
use crate::random::Random;

/// `S = (T_N^(1/p) + T_D^(1/p))^p` with its derivatives; for p <= 1 a norm of (T_N, T_D).
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Coupling {
    pub(super) value: f64,
    /// The derivatives in both terms, each `(T / S)^(1/p - 1)`.
    pub(super) by: [f64; 2],
    /// The derivative in p: S times the entropy of the shares `T^(1/p) / S^(1/p)`.
    pub(super) by_p: f64,
}

impl Coupling {
    /// Of two terms >= 0.
    pub(super) fn of(terms: [f64; 2], p: f64) -> Self {
        Self::of_logarithms(terms, terms.map(f64::ln), p)
    }

    /// The same where the logarithms of the terms are known. The larger term is a factor of all, so that
    /// no power overflows.
    pub(super) fn of_logarithms(terms: [f64; 2], ln: [f64; 2], p: f64) -> Self {
        let large = usize::from(terms[1] > terms[0]);
        let small = 1 - large;
        let mut by = [1.0; 2];
        if terms[small] == 0.0 {
            by[small] = if p == 1.0 { 1.0 } else { 0.0 };
            return Self { value: terms[large], by, by_p: 0.0 };
        }
        let ln_ratio = ln[small] - ln[large];
        let power = (ln_ratio / p).exp();
        let rise = power.ln_1p();
        let factor = (p * rise).exp();
        let share = power / (1.0 + power);
        by[large] = factor / (1.0 + power);
        let ratio = terms[small] / terms[large];
        // The power is near at hand, as long as neither has lost digits.
        by[small] = by[large]
            * if power.min(ratio) > 1e-290 {
                power / ratio
            } else {
                ((1.0 / p - 1.0) * ln_ratio).exp()
            };
        let value = terms[large] * factor;
        Self { value, by, by_p: value * (rise - share * ln_ratio / p) }
    }
}

/// The second derivative of S along a step, from the terms and p with their first and second derivatives
/// along it.
pub(super) fn second_along(terms: [[f64; 3]; 2], p: [f64; 3]) -> f64 {
    let large = usize::from(terms[1][0] > terms[0][0]);
    let [top, other] = [terms[large], terms[1 - large]];
    if other[0] == 0.0 {
        return top[2];
    }
    let ln = |[t, slope, second]: [f64; 3]| [t.ln(), slope / t, second / t - (slope / t).powi(2)];
    let ([p, p_slope, p_second], [top, other]) = (p, [ln(top), ln(other)]);
    // ln S = ln T_large + p softplus(x), where x is ln(T_small / T_large) / p.
    let ratio: [f64; 3] = std::array::from_fn(|i| other[i] - top[i]);
    let x = ratio[0] / p;
    let x_slope = (ratio[1] - x * p_slope) / p;
    let power = x.exp();
    let (share, rise) = (power / (1.0 + power), power.ln_1p());
    // p x'' = ratio'' - 2 x' p' - x p'', and softplus'' = share (1 - share).
    let bend = ratio[2] - 2.0 * x_slope * p_slope - x * p_second;
    let slope = top[1] + p_slope * rise + p * share * x_slope;
    let second = top[2]
        + p_second * rise
        + 2.0 * p_slope * share * x_slope
        + p * share * (1.0 - share) * x_slope * x_slope
        + share * bend;
    (top[0] + p * rise).exp() * (second + slope * slope)
}

/// Both terms at one N and D as functions of h, coupled. Where p <= 1 this is a norm of them, which is
/// convex and rises with each: convex where both are, and below it where others below them take their
/// places.
#[derive(Debug)]
pub(super) struct CoupledTerms<'a> {
    p: f64,
    /// The terms with their factors.
    terms: [(f64, Box<dyn MixtureFunction + 'a>); 2],
    /// Their gradients.
    slopes: [Vec<f64>; 2],
}

impl<'a> CoupledTerms<'a> {
    pub(super) fn new(p: f64, terms: [(f64, Box<dyn MixtureFunction + 'a>); 2], k: usize) -> Self {
        Self { p, terms, slopes: [vec![0.0; k], vec![0.0; k]] }
    }

    /// The coupling at h, whose gradient in each term is filled in. A function that lies below a term may
    /// be negative, where the term is not: it counts as zero.
    fn fill(&mut self, h: &[f64], ln_h: &[f64]) -> Coupling {
        let mut values = [0.0; 2];
        let below = |value: f64| value < 0.0;
        for (((own, f), slopes), value) in
            self.terms.iter_mut().zip(&mut self.slopes).zip(&mut values)
        {
            slopes.fill(0.0);
            *value = *own * f.add_gradient(h, ln_h, *own, slopes);
        }
        let mut out = Coupling::of(values.map(|v| if below(v) { 0.0 } else { v }), self.p);
        for (by, value) in out.by.iter_mut().zip(values) {
            *by = if below(value) { 0.0 } else { *by };
        }
        out
    }
}

impl MixtureFunction for CoupledTerms<'_> {
    fn add_gradient(&mut self, h: &[f64], ln_h: &[f64], scale: f64, dh: &mut [f64]) -> f64 {
        let Coupling { value, by, .. } = self.fill(h, ln_h);
        for (by, slopes) in by.into_iter().zip(&self.slopes) {
            let factor = scale * by;
            // Nothing times an infinite slope is nothing.
            if factor != 0.0 {
                dh.iter_mut().zip(slopes).for_each(|(dh, slope)| *dh += factor * slope);
            }
        }
        value
    }

    fn fork(&self) -> Box<dyn MixtureFunction + '_> {
        let fork = |i: usize| (self.terms[i].0, self.terms[i].1.fork());
        let slopes = self.slopes.clone();
        Box::new(CoupledTerms { p: self.p, terms: [fork(0), fork(1)], slopes })
    }

    fn cost(&self) -> usize {
        self.terms.iter().map(|(_, f)| f.cost()).sum()
    }

    fn is_convex(&self) -> bool {
        self.p <= 1.0 && self.terms.iter().all(|(_, f)| f.is_convex())
    }

    fn relaxation(&self, lower: &[f64], upper: &[f64]) -> Option<Box<dyn MixtureFunction + '_>> {
        if self.p > 1.0 {
            return None;
        }
        let below = |i: usize| Some((self.terms[i].0, self.terms[i].1.relaxation(lower, upper)?));
        let (terms, slopes) = ([below(0)?, below(1)?], self.slopes.clone());
        Some(Box::new(CoupledTerms { p: self.p, terms, slopes }))
    }

    /// The norm bends upwards, and its derivatives in the terms are between 0 and 1: what bends a term
    /// downwards bends the norm by no more.
    fn add_curvature(&self, lower: &[f64], upper: &[f64], scale: f64, out: &mut Curvature) -> bool {
        if self.p > 1.0 {
            return false;
        }
        for (own, f) in self.terms.iter().filter(|(_, f)| !f.is_convex()) {
            let mut of_term = Curvature::zero(lower.len());
            if !f.add_curvature(lower, upper, scale * own, &mut of_term) {
                return false;
            }
            let each = out.diagonal.iter_mut().zip(of_term.diagonal);
            each.for_each(|(out, bend)| *out += bend.min(0.0));
            out.ridges.extend(of_term.ridges.into_iter().filter(|(factor, _)| *factor < 0.0));
        }
        true
    }

    /// A term that counts for nothing where its relaxation is low may count in the function.
    fn add_relaxation_gap(&mut self, h: &[f64], scale: f64, out: &mut [f64]) {
        let ln_h: Vec<f64> = h.iter().map(|h| h.ln()).collect();
        let by = self.fill(h, &ln_h).by;
        for ((own, f), by) in self.terms.iter_mut().zip(by) {
            f.add_relaxation_gap(h, scale * *own * (by + 0.01), out);
        }
    }
}

/// delta in `B (N/N0)^delta`: a number of either sign, the same for all mixtures.
#[derive(Debug, Clone, Copy)]
pub(super) struct Growth;

/// delta is searched for between minus this and this.
const GROWTH: f64 = 1.0;

impl CoefficientFn for Growth {
    fn coordinates(&self, symbol: &str, _: &[String]) -> Vec<Coordinate> {
        vec![Coordinate::real(symbol, -GROWTH..=GROWTH).drawn_from(-0.1..=0.1)]
    }

    fn value(&self, z: &[f64], _: &[f64]) -> f64 {
        z[0]
    }

    fn add_gradient(&self, _: &[f64], _: &[f64], scale: f64, dz: &mut [f64], _: &mut [f64]) {
        dz[0] += scale;
    }

    fn start(&self, level: f64, _: &[f64], _: &mut Random, z: &mut [f64]) {
        z[0] = level;
    }

    fn prior(&self, symbol: &str, _: &[String], typical: Typical) -> Prior {
        Prior::new().about(symbol, typical.value, typical.deviation)
    }

    fn formula(&self, _: &str, _: &[String], c: &[f64]) -> String {
        number(c[0])
    }

    fn is_convex(&self, _: &[f64]) -> bool {
        true
    }

    fn is_constant(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::law::mixture_function::Fixed;

    /// Terms of all orders: no overflow, the value between the larger term and the sum, and derivatives
    /// that add up to it, since the norm of a multiple is a multiple of the norm.
    #[test]
    fn the_norm_is_sound_for_terms_of_all_orders() {
        let orders = [0.0, 1e-308, 1e-200, 1e-30, 0.3, 0.4, 1.0, 1e30, 1e200, 1e307];
        for a in orders {
            for b in orders {
                for p in [0.1, 0.3, 0.5, 0.999, 1.0] {
                    let Coupling { value, by, by_p } = Coupling::of([a, b], p);
                    let rounding = 1e-14 * (a + b);
                    let bounds = a.max(b) - rounding..=a + b + rounding;
                    assert!(bounds.contains(&value), "{a:e} {b:e} {p}: {value:e}");
                    let sum = by[0] * a + by[1] * b;
                    assert!((sum - value).abs() <= 1e-12 * value, "{a:e} {b:e} {p}: {by:?}");
                    assert!(
                        by.iter().all(|x| (0.0..=1.0 + 1e-13).contains(x)),
                        "{a:e} {b:e} {p}: {by:?}"
                    );
                    // The norm rises with p.
                    assert!(by_p >= 0.0 && by_p.is_finite(), "{a:e} {b:e} {p}: {by_p:e}");
                    let other = Coupling::of([b, a], p);
                    assert_eq!((other.value, other.by_p), (value, by_p));
                    if p < 1.0 {
                        let step = 1e-6 * p;
                        let at = |p: f64| Coupling::of([a, b], p).value;
                        let slope = (at(p + step) - at(p - step)) / (2.0 * step);
                        assert!((slope - by_p).abs() <= 1e-7 * (a + b), "{a:e} {b:e} {p}");
                    }
                }
            }
        }
        assert_eq!(Coupling::of([3.0, 4.0], 0.5).value, 5.0);
    }

    /// A relaxation may be negative where the term is not.
    #[test]
    fn a_bound_below_zero_counts_as_zero() {
        let terms = |a| -> [(f64, Box<dyn MixtureFunction>); 2] {
            [(1.0, Box::new(Fixed(a))), (2.0, Box::new(Fixed(1.5)))]
        };
        let mut dh = [0.0];
        let mut value = |a| {
            let mut both = CoupledTerms::new(0.5, terms(a), 1);
            both.add_gradient(&[1.0], &[0.0], 1.0, &mut dh)
        };
        assert_eq!((value(4.0), value(0.0), value(-4.0)), (5.0, 3.0, 3.0));
        assert!(value(f64::NAN).is_nan());
    }

    /// Above one the terms are no norm, and nothing is claimed of them.
    #[test]
    fn nothing_is_claimed_above_one() {
        let terms: [(f64, Box<dyn MixtureFunction>); 2] =
            [(1.0, Box::new(Fixed(1.0))), (1.0, Box::new(Fixed(1.0)))];
        let both = CoupledTerms::new(1.5, terms, 1);
        assert!(!both.is_convex() && both.relaxation(&[0.0], &[1.0]).is_none());
        assert!(!both.add_curvature(&[0.0], &[1.0], 1.0, &mut Curvature::zero(1)));
    }
}
