use std::marker::PhantomData;
use std::ops::DerefMut;

use super::SimplexObjective;
use super::sealed::Token;

/// An objective times a power of two, which changes no digit: steps of mirror descent square slopes
/// and divide by them, which overflows where values are very large or very small.
pub(super) struct Scaled<'a, O> {
    inner: O,
    factor: f64,
    /// What the objective itself borrows.
    borrowed: PhantomData<&'a ()>,
}

impl<'a, O: DerefMut<Target = dyn SimplexObjective + 'a>> Scaled<'a, O> {
    pub(super) fn new(inner: O, factor: f64) -> Self {
        Self { inner, factor, borrowed: PhantomData }
    }
}

/// Sizes between this and its inverse are left as they are.
const LARGE: f64 = (1u64 << 40) as f64;

/// The power of two that brings numbers of this size to about one; 1 where nothing overflows.
pub(super) fn factor_for(size: f64) -> f64 {
    if !(size.is_finite() && size > 0.0) || (1.0 / LARGE..LARGE).contains(&size) {
        return 1.0;
    }
    // The inverse of the smallest numbers is no number.
    2f64.powi(-(size.log2().floor() as i32).clamp(-1000, 1000))
}

impl<'a, O: DerefMut<Target = dyn SimplexObjective + 'a> + Send> SimplexObjective
    for Scaled<'a, O>
{
    fn dim(&self) -> usize {
        self.inner.dim()
    }

    fn value_gradient(&mut self, h: &[f64], g: &mut [f64]) -> f64 {
        let value = self.inner.value_gradient(h, g);
        g.iter_mut().for_each(|g| *g *= self.factor);
        value * self.factor
    }

    fn parts(&self) -> usize {
        self.inner.parts()
    }

    fn parts_gradients(&mut self, h: &[f64], values: &mut [f64], slopes: &mut [f64]) {
        self.inner.parts_gradients(h, values, slopes);
        values.iter_mut().chain(slopes).for_each(|x| *x *= self.factor);
    }

    fn scale(&self, token: Token) -> f64 {
        self.inner.scale(token) * self.factor
    }

    fn cost(&self, token: Token) -> usize {
        self.inner.cost(token)
    }

    fn is_convex(&self) -> bool {
        self.inner.is_convex()
    }

    fn relaxation(
        &self,
        lower: &[f64],
        upper: &[f64],
        token: Token,
    ) -> Option<Box<dyn SimplexObjective + '_>> {
        let inner = self.inner.relaxation(lower, upper, token)?;
        Some(Box::new(Scaled::new(inner, self.factor)))
    }

    fn curvature(
        &self,
        lower: &[f64],
        upper: &[f64],
        shares: &[f64],
        token: Token,
    ) -> Option<Vec<f64>> {
        let mut out = self.inner.curvature(lower, upper, shares, token)?;
        out.iter_mut().for_each(|curvature| *curvature *= self.factor);
        Some(out)
    }

    fn add_relaxation_gap(&mut self, h: &[f64], shares: &[f64], out: &mut [f64], token: Token) {
        // Only compared with one another.
        self.inner.add_relaxation_gap(h, shares, out, token);
    }
}
