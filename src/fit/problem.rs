//! The objective of a fit.

use rand::Rng;

use super::{Data, Residual};
use crate::law::{Batch, Points, ScalingLaw, StartData, Transform};
use crate::optim::{Curvature, Objective};

/// The range of one variable of the fit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bound {
    pub(super) lower: f64,
    pub(super) upper: f64,
    /// Whether the variable is the coefficient for raw N or D (its logarithm), as a user bounds it,
    /// and not the coordinate relative to the reference scale.
    pub(super) raw: bool,
}

/// The weighted mean Huber loss as a function of the variables y: the law's coordinates z, but for
/// those with a bound on their raw coefficient, where `y_i = z_i + ln(scale) exponent`.
pub(super) struct Problem<'a> {
    law: &'a dyn ScalingLaw,
    data: &'a Data,
    bounds: &'a [Bound],
    batch: Box<dyn Batch + 'a>,
    delta: f64,
    residual: Residual,
    smooth: bool,
    /// Coordinates at which `predictions` were made.
    z: Vec<f64>,
    predictions: Vec<f64>,
    is_current: bool,
    row_weights: Vec<f64>,
    mean_mixture: Vec<f64>,
    sorted_losses: Vec<f64>,
}

impl<'a> Problem<'a> {
    pub(super) fn new(
        law: &'a dyn ScalingLaw,
        data: &'a Data,
        bounds: &'a [Bound],
        delta: f64,
        residual: Residual,
    ) -> Self {
        let k = law.domains().len();
        let rows = data.losses.len();
        let used = || (0..rows).filter(|&i| data.weights[i] > 0.0);
        let mut mean_mixture = vec![0.0; k];
        for i in used() {
            let h = &data.h[i * k..(i + 1) * k];
            mean_mixture.iter_mut().zip(h).for_each(|(m, h)| *m += data.weights[i] * h);
        }
        let mut sorted_losses: Vec<f64> = used().map(|i| data.losses[i]).collect();
        sorted_losses.sort_by(f64::total_cmp);
        Self {
            law,
            data,
            bounds,
            batch: law.batch(Points::new(&data.n, &data.d, &data.h, k)),
            delta,
            residual,
            smooth: false,
            z: vec![0.0; bounds.len()],
            predictions: vec![0.0; rows],
            is_current: false,
            row_weights: vec![0.0; rows],
            mean_mixture,
            sorted_losses,
        }
    }

    /// The variables that are shifted against their coordinate: place, exponent and ln(scale).
    fn shifted(&self) -> impl Iterator<Item = (usize, usize, f64)> + use<'a> {
        let (bounds, coordinates) = (self.bounds, self.law.coordinates());
        let offset = move |i: usize| coordinates.offset(i).filter(|_| bounds[i].raw);
        (0..bounds.len()).filter_map(move |i| offset(i).map(|o| (i, o.exponent, o.ln_scale)))
    }

    /// The exponent at coordinate `z` and its derivative.
    fn exponent(&self, i: usize, z: f64) -> (f64, f64) {
        match self.law.coordinates().get(i).transform() {
            Transform::Log => (z.exp(), z.exp()),
            Transform::Identity => (z, 1.0),
        }
    }

    /// The coordinates z of variables y.
    pub(super) fn coordinates(&self, y: &[f64]) -> Vec<f64> {
        let mut z = y.to_vec();
        for (i, j, ln_scale) in self.shifted() {
            z[i] -= ln_scale * self.exponent(j, y[j]).0;
        }
        z
    }

    /// The names of the coefficients on their bounds.
    pub(super) fn at_bound(&self, y: &[f64]) -> Vec<String> {
        let near = |y: f64, bound: f64| {
            bound.is_finite() && (y - bound).abs() <= 1e-6 * (1.0 + bound.abs())
        };
        let names = self.law.coordinates().iter().map(|c| c.name());
        names
            .zip(y.iter().zip(self.bounds))
            .filter(|(_, (_, b))| b.lower < b.upper)
            .filter(|(_, (y, b))| near(**y, b.lower) || near(**y, b.upper))
            .map(|(name, _)| name.to_owned())
            .collect()
    }

    /// Predicts all rows at y, unless that is where the last predictions are from. False outside the
    /// box and where a prediction is not finite.
    fn predict(&mut self, y: &[f64]) -> bool {
        let inside = |(y, b): (&f64, &Bound)| *y >= b.lower && *y <= b.upper;
        if !y.iter().zip(self.bounds).all(inside) {
            return false;
        }
        let z = self.coordinates(y);
        if !(self.is_current && z == self.z) {
            self.z = z;
            self.batch.losses(&self.z, &mut self.predictions);
            self.is_current = true;
        }
        true
    }

    fn delta(&self) -> f64 {
        if self.smooth { f64::INFINITY } else { self.delta }
    }

    fn residual(&self, i: usize) -> f64 {
        let (observed, predicted) = (self.data.losses[i], self.predictions[i]);
        match self.residual {
            Residual::Loss => observed - predicted,
            Residual::LogLoss => (observed / predicted).ln(),
        }
    }

    /// The derivative of the residual of row `i` with respect to its prediction.
    fn slope(&self, i: usize) -> f64 {
        match self.residual {
            Residual::Loss => -1.0,
            Residual::LogLoss => -1.0 / self.predictions[i],
        }
    }

    fn mean_huber(&self) -> f64 {
        let delta = self.delta();
        let huber = |r: f64| {
            let size = r.abs();
            if size < delta { 0.5 * r * r } else { delta * (size - 0.5 * delta) }
        };
        let rows = self.data.weights.iter().enumerate().filter(|(_, w)| **w > 0.0);
        let value: f64 = rows.map(|(i, w)| w * huber(self.residual(i))).sum();
        if value.is_nan() { f64::INFINITY } else { value }
    }

    /// Fills the weights of the rows in a sum over their gradients.
    fn weigh(&mut self, weight: impl Fn(f64, f64) -> f64) {
        let mut weights = std::mem::take(&mut self.row_weights);
        for (i, (out, &w)) in weights.iter_mut().zip(&self.data.weights).enumerate() {
            *out = if w > 0.0 { w * weight(self.residual(i), self.slope(i)) } else { 0.0 };
        }
        self.row_weights = weights;
    }

    /// `B <- J^T B J` for the Jacobian J of z with respect to y.
    fn transform_curvature(&self, y: &[f64], matrix: &mut [f64]) {
        let p = y.len();
        for (i, j, ln_scale) in self.shifted() {
            let c = ln_scale * self.exponent(j, y[j]).1;
            for row in 0..p {
                matrix[row * p + j] -= c * matrix[row * p + i];
            }
            for column in 0..p {
                matrix[j * p + column] -= c * matrix[i * p + column];
            }
        }
    }
}

impl Objective for Problem<'_> {
    fn dim(&self) -> usize {
        self.bounds.len()
    }

    fn value(&mut self, y: &[f64]) -> f64 {
        if self.predict(y) { self.mean_huber() } else { f64::INFINITY }
    }

    fn value_gradient(&mut self, y: &[f64], g: &mut [f64]) -> f64 {
        let value = self.value(y);
        if !value.is_finite() {
            g.fill(0.0);
            return value;
        }
        let delta = self.delta();
        self.weigh(|r, slope| r.clamp(-delta, delta) * slope);
        self.batch.gradient(&self.z, &self.row_weights, g);
        for (i, j, ln_scale) in self.shifted() {
            g[j] -= ln_scale * self.exponent(j, y[j]).1 * g[i];
        }
        value
    }

    fn bounds(&self, i: usize) -> (f64, f64) {
        (self.bounds[i].lower, self.bounds[i].upper)
    }

    fn curvature(&mut self, y: &[f64], out: &mut Curvature) -> bool {
        if !self.predict(y) {
            return false;
        }
        let delta = self.delta();
        self.weigh(|r, slope| if r.abs() < delta { slope * slope } else { 0.0 });
        self.batch.gauss_newton(&self.z, &self.row_weights, &mut out.matrix);
        self.transform_curvature(y, &mut out.matrix);
        if delta.is_finite() {
            // The curvature of the parabola that touches the Huber loss there and lies above it.
            self.weigh(
                |r, slope| if r.abs() < delta { 0.0 } else { slope * slope * delta / r.abs() },
            );
            self.batch.gauss_newton(&self.z, &self.row_weights, &mut out.reserve);
            self.transform_curvature(y, &mut out.reserve);
        } else {
            out.reserve.fill(0.0);
        }
        true
    }

    fn draw_start(&mut self, rng: &mut dyn Rng) -> Option<Vec<f64>> {
        let data = StartData {
            least_loss: self.sorted_losses[0],
            median_loss: self.sorted_losses[self.sorted_losses.len() / 2],
            mixture: &self.mean_mixture,
        };
        let mut y = self.law.start(&data, rng);
        let inside = |y: f64, b: &Bound| y.clamp(b.lower, b.upper);
        // Exponents first: shifted variables follow from where they end up.
        let kept = y.iter_mut().zip(self.bounds).filter(|(_, b)| !b.raw);
        kept.for_each(|(y, b)| *y = inside(*y, b));
        for (i, j, ln_scale) in self.shifted() {
            y[i] = inside(y[i] + ln_scale * self.exponent(j, y[j]).0, &self.bounds[i]);
        }
        Some(y)
    }

    fn set_smooth(&mut self, smooth: bool) -> bool {
        self.smooth = smooth;
        self.delta.is_finite()
    }
}
