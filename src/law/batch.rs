//! A law bound to many points at once.

use super::coefficient::difference_step;
use super::sealed::Token;
use super::{Gradient, ScalingLaw};
use crate::linalg::{dot, mirror_lower};
use crate::scale::Scale;

/// Points (N, D, h) to evaluate a law at.
#[derive(Debug, Clone, Copy)]
pub struct Points<'a> {
    n: &'a [f64],
    d: &'a [f64],
    h: &'a [f64],
    k: usize,
}

impl<'a> Points<'a> {
    /// Points of `k` domains: N, D, and h row by row.
    ///
    /// # Panics
    /// If the lengths are not p, p and p x k.
    #[must_use]
    pub fn new(n: &'a [f64], d: &'a [f64], h: &'a [f64], k: usize) -> Self {
        assert!(n.len() == d.len() && h.len() == n.len() * k, "n, d: p values; h: p x k values");
        Self { n, d, h, k }
    }

    /// The scale and h of every point.
    ///
    /// ```
    /// use mixlaw::law::Points;
    ///
    /// let points = Points::new(&[1e8, 2e8], &[1e9, 4e9], &[0.5, 0.5, 0.9, 0.1], 2);
    /// let (at, h) = points.iter().nth(1).unwrap();
    /// assert_eq!((points.iter().len(), at.n, h), (2, 2e8, &[0.9, 0.1][..]));
    /// ```
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (Scale, &'a [f64])> + Clone + use<'a> {
        let points = *self;
        (0..points.len()).map(move |i| points.get(i))
    }

    /// Number of points.
    pub(crate) fn len(&self) -> usize {
        self.n.len()
    }

    /// Number of domains.
    pub(super) fn domains(&self) -> usize {
        self.k
    }

    /// The scale and h of one point.
    pub(crate) fn get(&self, i: usize) -> (Scale, &'a [f64]) {
        (Scale { n: self.n[i], d: self.d[i] }, &self.h[i * self.k..(i + 1) * self.k])
    }
}

/// A law bound to points by [`ScalingLaw::batch`]. It may hold buffers, so that an evaluation
/// allocates nothing. A law that can share work between points has a batch of its own, which makes its
/// fits faster.
///
/// # Panics
/// All methods, if a slice has the wrong length.
pub trait Batch: Send {
    /// The losses at all points, into `out`.
    fn losses(&mut self, z: &[f64], out: &mut [f64]);

    /// `sum_j weights_j dL_j/dz` over all points, into `out`.
    fn gradient(&mut self, z: &[f64], weights: &[f64], out: &mut [f64]);

    /// The Gauss-Newton matrix `sum_j weights_j (dL_j/dz) (dL_j/dz)^T` over all points, into `out`:
    /// p x p, symmetric, row by row. Points of weight 0 cost nothing.
    fn gauss_newton(&mut self, z: &[f64], weights: &[f64], out: &mut [f64]);

    /// The second derivatives of all losses along `z + t v`, at t = 0, into `out`; by default from
    /// differences of the losses, which are right to about six digits.
    #[doc(hidden)]
    fn second_derivatives(&mut self, z: &[f64], v: &[f64], out: &mut [f64], _: Token) {
        let t = 100.0 * difference_step(v);
        let mut ahead = z.to_vec();
        let mut losses = vec![0.0; out.len()];
        out.fill(0.0);
        for (by, factor) in [(t, 1.0), (0.0, -2.0), (-t, 1.0)] {
            ahead.iter_mut().zip(z.iter().zip(v)).for_each(|(a, (z, v))| *a = z + by * v);
            self.losses(&ahead, &mut losses);
            out.iter_mut().zip(&losses).for_each(|(o, loss)| *o += factor * loss / (t * t));
        }
    }
}

/// One point after the other; right for every law.
pub(super) struct RowByRow<'a, L: ?Sized> {
    law: &'a L,
    points: Points<'a>,
    row: Gradient,
    /// Coordinates further along a step.
    ahead: Vec<f64>,
}

impl<'a, L: ScalingLaw + ?Sized> RowByRow<'a, L> {
    pub(super) fn new(law: &'a L, points: Points<'a>) -> Self {
        assert_eq!(points.domains(), law.domains().len(), "points of the law's domains");
        Self { law, points, row: Gradient::new(law), ahead: vec![0.0; law.coordinates().len()] }
    }

    /// Calls `add` with the weight and the gradient of every point of non-zero weight.
    fn each(&mut self, z: &[f64], weights: &[f64], mut add: impl FnMut(f64, &[f64])) {
        assert_eq!(weights.len(), self.points.len(), "one weight for each point");
        for (i, &w) in weights.iter().enumerate().filter(|(_, w)| **w != 0.0) {
            let (at, h) = self.points.get(i);
            self.law.gradient(z, at, h, &mut self.row);
            add(w, &self.row.z);
        }
    }
}

impl<L: ScalingLaw + ?Sized> Batch for RowByRow<'_, L> {
    fn losses(&mut self, z: &[f64], out: &mut [f64]) {
        assert_eq!(out.len(), self.points.len(), "one loss for each point");
        for (loss, (at, h)) in out.iter_mut().zip(self.points.iter()) {
            *loss = self.law.loss(z, at, h);
        }
    }

    fn gradient(&mut self, z: &[f64], weights: &[f64], out: &mut [f64]) {
        out.fill(0.0);
        self.each(z, weights, |w, row| out.iter_mut().zip(row).for_each(|(o, g)| *o += w * g));
    }

    fn gauss_newton(&mut self, z: &[f64], weights: &[f64], out: &mut [f64]) {
        let p = z.len();
        out.fill(0.0);
        self.each(z, weights, |w, row| {
            for (i, &gi) in row.iter().enumerate() {
                let wg = w * gi;
                out[i * p..=i * p + i].iter_mut().zip(row).for_each(|(o, gj)| *o += wg * gj);
            }
        });
        mirror_lower(out, p);
    }

    fn second_derivatives(&mut self, z: &[f64], v: &[f64], out: &mut [f64], _: Token) {
        assert_eq!(out.len(), self.points.len(), "one number for each point");
        let t = difference_step(v);
        for (i, second) in out.iter_mut().enumerate() {
            let (at, h) = self.points.get(i);
            let mut slope = |t: f64| {
                self.ahead.iter_mut().zip(z.iter().zip(v)).for_each(|(a, (z, v))| *a = z + t * v);
                self.law.gradient(&self.ahead, at, h, &mut self.row);
                dot(&self.row.z, v)
            };
            *second = (slope(t) - slope(-t)) / (2.0 * t);
        }
    }
}
