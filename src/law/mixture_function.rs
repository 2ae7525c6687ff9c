//! Functions of the domain weights alone: what is left of a law at one N and D.

use std::fmt::Debug;

use super::{CoefficientFn, Gradient, ScalingLaw};
use crate::linalg::cholesky;
use crate::scale::Scale;

/// A function of the domain weights h, from which mixtures are chosen: a law at one N and D
/// ([`ScalingLaw::at_scale`]), or a coefficient function at fixed coordinates
/// ([`CoefficientFn::at`]).
///
/// Beside its values it may know of its second derivatives: [`MixtureFunction::relaxation`] is what a
/// solver needs to show that no other mixture is better. It is not public: it grows with the solver.
pub trait MixtureFunction: Debug + Send {
    /// The value at h, whose logarithms are `ln_h`; adds `scale` times the gradient, taken with every
    /// weight free, to `dh`.
    fn add_gradient(&mut self, h: &[f64], ln_h: &[f64], scale: f64, dh: &mut [f64]) -> f64;

    /// Another one of the same function.
    fn fork(&self) -> Box<dyn MixtureFunction + '_>;

    /// About how many terms an evaluation sums up for each domain, by which a solver counts its budget.
    fn cost(&self) -> usize {
        1
    }

    /// Whether the function is known to be convex on the simplex.
    fn is_convex(&self) -> bool {
        false
    }

    /// A convex function that is nowhere above this one on the mixtures between `lower` and `upper`,
    /// and the closer to it the less room there is between them; `None` if none is known. By default
    /// a convex function is its own.
    fn relaxation(&self, lower: &[f64], upper: &[f64]) -> Option<Box<dyn MixtureFunction + '_>> {
        let _ = (lower, upper);
        self.is_convex().then(|| self.fork())
    }

    /// Adds `scale` times a lower bound on the second derivatives for all mixtures between `lower` and
    /// `upper`; false if none is known. By default a convex function has zero.
    fn add_curvature(&self, lower: &[f64], upper: &[f64], scale: f64, out: &mut Curvature) -> bool {
        let _ = (lower, upper, scale, out);
        self.is_convex()
    }

    /// Of a relaxation: adds to `out[i]` about how much of `scale` times its distance to the function
    /// at h is due to the room of domain i.
    fn add_relaxation_gap(&mut self, h: &[f64], scale: f64, out: &mut [f64]) {
        let _ = (h, scale, out);
    }
}

/// A symmetric matrix of second derivatives with respect to h, as a diagonal and ridges: a bound
/// below those of a function.
#[derive(Debug, Clone, PartialEq)]
pub struct Curvature {
    /// The diagonal.
    pub diagonal: Vec<f64>,
    /// Factors r and vectors c, for `r c c^T` each.
    pub ridges: Vec<(f64, Vec<f64>)>,
}

impl Curvature {
    /// Zero for `k` domains.
    #[must_use]
    pub fn zero(k: usize) -> Self {
        Self { diagonal: vec![0.0; k], ridges: Vec::new() }
    }

    /// Whether no direction in which the weights of the domains in `free` can move, their sum being
    /// fixed, has a negative second derivative.
    #[must_use]
    pub fn is_convex_along(&self, free: &[usize]) -> bool {
        let Some((last, others)) = free.split_last() else { return true };
        let m = others.len();
        // In the basis of moves from the last domain to each other.
        let mut matrix = vec![self.diagonal[*last]; m * m];
        for (p, &i) in others.iter().enumerate() {
            matrix[p * m + p] += self.diagonal[i];
        }
        for (factor, c) in &self.ridges {
            for (p, &i) in others.iter().enumerate() {
                for (q, &j) in others.iter().enumerate() {
                    matrix[p * m + q] += factor * (c[i] - c[*last]) * (c[j] - c[*last]);
                }
            }
        }
        // Rounding must not make a matrix positive.
        let size = (0..m).map(|p| matrix[p * m + p].abs()).fold(0.0, f64::max);
        (0..m).for_each(|p| matrix[p * m + p] -= 1e-12 * size);
        cholesky(&mut matrix, m, m)
    }
}

/// The same value everywhere.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fixed(pub(super) f64);

impl MixtureFunction for Fixed {
    fn add_gradient(&mut self, _: &[f64], _: &[f64], _: f64, _: &mut [f64]) -> f64 {
        self.0
    }

    fn fork(&self) -> Box<dyn MixtureFunction + '_> {
        Box::new(*self)
    }

    fn is_convex(&self) -> bool {
        true
    }
}

/// `sum_j scale_j f_j(h)` with scales >= 0.
#[derive(Debug)]
pub(crate) struct Sum<'a>(pub(crate) Vec<(f64, Box<dyn MixtureFunction + 'a>)>);

impl MixtureFunction for Sum<'_> {
    fn add_gradient(&mut self, h: &[f64], ln_h: &[f64], scale: f64, dh: &mut [f64]) -> f64 {
        self.0.iter_mut().map(|(own, f)| *own * f.add_gradient(h, ln_h, scale * *own, dh)).sum()
    }

    fn fork(&self) -> Box<dyn MixtureFunction + '_> {
        Box::new(Sum(self.0.iter().map(|(own, f)| (*own, f.fork())).collect()))
    }

    fn cost(&self) -> usize {
        self.0.iter().map(|(_, f)| f.cost()).sum()
    }

    fn is_convex(&self) -> bool {
        self.0.iter().all(|(_, f)| f.is_convex())
    }

    fn add_curvature(&self, lower: &[f64], upper: &[f64], scale: f64, out: &mut Curvature) -> bool {
        self.0.iter().all(|(own, f)| f.add_curvature(lower, upper, scale * own, out))
    }

    fn relaxation(&self, lower: &[f64], upper: &[f64]) -> Option<Box<dyn MixtureFunction + '_>> {
        let each = self.0.iter().map(|(own, f)| Some((*own, f.relaxation(lower, upper)?)));
        Some(Box::new(Sum(each.collect::<Option<_>>()?)))
    }

    fn add_relaxation_gap(&mut self, h: &[f64], scale: f64, out: &mut [f64]) {
        self.0.iter_mut().for_each(|(own, f)| f.add_relaxation_gap(h, scale * *own, out));
    }
}

/// `level(h) exp(-exponent(h) ln_x)`: a term of the full law, of whose second derivatives
/// nothing is known.
#[derive(Debug)]
pub(super) struct PowerTerm<'a> {
    pub(super) level: Box<dyn MixtureFunction + 'a>,
    pub(super) exponent: Box<dyn MixtureFunction + 'a>,
    pub(super) ln_x: f64,
    /// The gradients of both.
    pub(super) slopes: [Vec<f64>; 2],
}

impl MixtureFunction for PowerTerm<'_> {
    fn add_gradient(&mut self, h: &[f64], ln_h: &[f64], scale: f64, dh: &mut [f64]) -> f64 {
        let [of_level, of_exponent] = &mut self.slopes;
        of_level.fill(0.0);
        of_exponent.fill(0.0);
        let level = self.level.add_gradient(h, ln_h, 1.0, of_level);
        let exponent = self.exponent.add_gradient(h, ln_h, 1.0, of_exponent);
        let power = (-exponent * self.ln_x).exp();
        let value = level * power;
        // Nothing times an infinite slope is nothing.
        let times = |factor: f64, slope: f64| if factor == 0.0 { 0.0 } else { factor * slope };
        for (dh, (level, exponent)) in dh.iter_mut().zip(of_level.iter().zip(of_exponent)) {
            *dh += scale * (times(power, *level) - times(value * self.ln_x, *exponent));
        }
        value
    }

    fn fork(&self) -> Box<dyn MixtureFunction + '_> {
        let (level, exponent) = (self.level.fork(), self.exponent.fork());
        Box::new(PowerTerm { level, exponent, ln_x: self.ln_x, slopes: self.slopes.clone() })
    }
}

/// Any coefficient function, through [`CoefficientFn::value`] and [`CoefficientFn::add_gradient`].
#[derive(Debug, Clone)]
pub(super) struct Plain<'a, F: ?Sized> {
    function: &'a F,
    z: &'a [f64],
    /// The derivatives in z, which nobody asks for.
    dz: Vec<f64>,
}

impl<'a, F: CoefficientFn + ?Sized> Plain<'a, F> {
    pub(super) fn new(function: &'a F, z: &'a [f64]) -> Self {
        Self { function, z, dz: vec![0.0; z.len()] }
    }
}

impl<F: CoefficientFn + ?Sized> MixtureFunction for Plain<'_, F> {
    fn add_gradient(&mut self, h: &[f64], _: &[f64], scale: f64, dh: &mut [f64]) -> f64 {
        self.function.add_gradient(self.z, h, scale, &mut self.dz, dh);
        self.function.value(self.z, h)
    }

    fn fork(&self) -> Box<dyn MixtureFunction + '_> {
        Box::new(Plain::new(self.function, self.z))
    }

    fn is_convex(&self) -> bool {
        self.function.is_convex(self.z)
    }
}

/// Any law, through [`ScalingLaw::gradient`].
#[derive(Debug)]
pub(super) struct AtScale<'a, L: ?Sized> {
    pub(super) law: &'a L,
    pub(super) z: &'a [f64],
    pub(super) at: Scale,
    pub(super) gradient: Gradient,
    /// Whether the law is known to be convex in h at z.
    pub(super) convex: bool,
}

impl<L: ScalingLaw + ?Sized> MixtureFunction for AtScale<'_, L> {
    fn add_gradient(&mut self, h: &[f64], _: &[f64], scale: f64, dh: &mut [f64]) -> f64 {
        let value = self.law.gradient(self.z, self.at, h, &mut self.gradient);
        dh.iter_mut().zip(&self.gradient.h).for_each(|(dh, own)| *dh += scale * own);
        value
    }

    fn fork(&self) -> Box<dyn MixtureFunction + '_> {
        Box::new(AtScale { law: self.law, gradient: self.gradient.clone(), ..*self })
    }

    /// The gradient may be by dual numbers, a direction for each coordinate and domain.
    fn cost(&self) -> usize {
        self.z.len() + self.gradient.h.len()
    }

    fn is_convex(&self) -> bool {
        self.convex
    }
}
