//! The objective of a fit.

use super::{Data, Residual};
use crate::law::{Batch, Points, PriorOver, ScalingLaw, StartData, Transform, second_derivatives};
use crate::optim::Objective;
use crate::optim::sealed::Token;
use crate::random::Random;

/// The range of one variable of the fit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bound {
    pub(super) lower: f64,
    pub(super) upper: f64,
    /// Whether the variable is the coefficient for raw N or D (its logarithm), as a user bounds it,
    /// and not the coordinate relative to the reference scale.
    pub(super) raw: bool,
}

/// What is minimised over the coordinates: the weighted mean Huber loss, and with it a prior.
#[derive(Debug, Clone)]
pub(super) struct Criterion {
    pub(super) delta: f64,
    pub(super) residual: Residual,
    pub(super) prior: Option<PriorPart>,
}

/// A prior with the factor that it has beside the mean over rows.
#[derive(Debug, Clone)]
pub(super) struct PriorPart {
    pub(super) factor: f64,
    pub(super) over: PriorOver,
}

/// What a law may know of rows when it draws a start or states its prior.
#[derive(Debug, Clone)]
pub(super) struct Known {
    least_loss: f64,
    median_loss: f64,
    mixture: Vec<f64>,
}

impl Known {
    pub(super) fn of(data: &Data) -> Self {
        let k = data.h.len() / data.rows.len();
        let mut mixture = vec![0.0; k];
        for (h, weight) in data.h.chunks_exact(k).zip(&data.weights) {
            mixture.iter_mut().zip(h).for_each(|(m, h)| *m += weight * h);
        }
        let mut losses = data.losses.clone();
        losses.sort_by(f64::total_cmp);
        Self { least_loss: losses[0], median_loss: losses[losses.len() / 2], mixture }
    }

    pub(super) fn start_data(&self) -> StartData<'_> {
        let Self { least_loss, median_loss, ref mixture } = *self;
        StartData { least_loss, median_loss, mixture }
    }
}

/// The objective of a fit as a function of the variables y: the law's coordinates z, but for
/// those with a bound on their raw coefficient, where `y_i = z_i + ln(scale) exponent`.
pub(super) struct Problem<'a> {
    law: &'a dyn ScalingLaw,
    data: &'a Data,
    bounds: &'a [Bound],
    batch: Box<dyn Batch + 'a>,
    criterion: &'a Criterion,
    /// What delta is multiplied by.
    smoothing: f64,
    /// The coordinates that all rows were predicted at last.
    z: Vec<f64>,
    is_current: bool,
    predictions: Vec<f64>,
    residuals: Vec<f64>,
    /// The derivative of each residual with respect to the prediction.
    slopes: Vec<f64>,
    /// Weights of the rows in a sum over their gradients.
    row_weights: Vec<f64>,
    /// Other coordinates, and the second derivative of each prediction along a step.
    other: Vec<f64>,
    second_derivatives: Vec<f64>,
    known: Known,
}

/// The curvature of the Huber loss. In its linear part that of the parabola that touches it there and
/// lies above it, in reserve.
fn curvature(r: f64, delta: f64, reserve: f64) -> f64 {
    if r.abs() < delta { 1.0 } else { reserve * delta / r.abs() }
}

/// The exponent that coordinate `i` of a law is at `z`, and its derivative.
pub(super) fn exponent(law: &dyn ScalingLaw, i: usize, z: f64) -> (f64, f64) {
    match law.coordinates().get(i).transform() {
        Transform::Log => (z.exp(), z.exp()),
        Transform::Identity => (z, 1.0),
    }
}

/// The names of the coefficients on their bounds.
pub(super) fn at_bound(law: &dyn ScalingLaw, bounds: &[Bound], y: &[f64]) -> Vec<String> {
    let near =
        |y: f64, bound: f64| bound.is_finite() && (y - bound).abs() <= 1e-6 * (1.0 + bound.abs());
    let names = law.coordinates().iter().map(|c| c.name());
    names
        .zip(y.iter().zip(bounds))
        .filter(|(_, (_, b))| b.lower < b.upper)
        .filter(|(_, (y, b))| near(**y, b.lower) || near(**y, b.upper))
        .map(|(name, _)| name.to_owned())
        .collect()
}

impl<'a> Problem<'a> {
    pub(super) fn new(
        law: &'a dyn ScalingLaw,
        data: &'a Data,
        bounds: &'a [Bound],
        criterion: &'a Criterion,
    ) -> Self {
        let k = law.domains().len();
        let rows = data.losses.len();
        Self {
            law,
            data,
            bounds,
            batch: law.batch(Points::new(&data.n, &data.d, &data.h, k)),
            criterion,
            smoothing: 1.0,
            z: vec![0.0; bounds.len()],
            is_current: false,
            predictions: vec![0.0; rows],
            residuals: vec![0.0; rows],
            slopes: vec![-1.0; rows],
            row_weights: vec![0.0; rows],
            other: vec![0.0; bounds.len()],
            second_derivatives: vec![0.0; rows],
            known: Known::of(data),
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
        exponent(self.law, i, z)
    }

    /// The coordinates z of variables y.
    pub(super) fn coordinates(&self, y: &[f64]) -> Vec<f64> {
        let mut z = y.to_vec();
        self.shift(&mut z);
        z
    }

    /// The variables y of coordinates z.
    pub(super) fn variables(&self, z: &[f64]) -> Vec<f64> {
        let mut y = z.to_vec();
        for (i, j, ln_scale) in self.shifted() {
            y[i] += ln_scale * self.exponent(j, z[j]).0;
        }
        y
    }

    /// Turns variables into coordinates.
    fn shift(&self, y: &mut [f64]) {
        for (i, j, ln_scale) in self.shifted() {
            y[i] -= ln_scale * self.exponent(j, y[j]).0;
        }
    }

    /// Predicts all rows at y, unless that is where the last predictions are from. False outside the
    /// box.
    fn predict(&mut self, y: &[f64]) -> bool {
        let inside = |(y, b): (&f64, &Bound)| *y >= b.lower && *y <= b.upper;
        if !y.iter().zip(self.bounds).all(inside) {
            return false;
        }
        let mut z = std::mem::take(&mut self.other);
        z.copy_from_slice(y);
        self.shift(&mut z);
        if !(self.is_current && z == self.z) {
            self.z.copy_from_slice(&z);
            self.is_current = true;
            self.batch.losses(&self.z, &mut self.predictions);
            let rows = self.predictions.iter().zip(&self.data.losses);
            match self.criterion.residual {
                Residual::Loss => {
                    let residuals = self.residuals.iter_mut().zip(rows);
                    residuals.for_each(|(out, (predicted, observed))| *out = observed - predicted);
                }
                Residual::LogLoss => {
                    let both = self.residuals.iter_mut().zip(&mut self.slopes);
                    for ((residual, slope), (predicted, observed)) in both.zip(rows) {
                        *residual = (observed / predicted).ln();
                        *slope = -1.0 / predicted;
                    }
                }
            }
        }
        self.other = z;
        true
    }

    /// The share of the weight that is on rows in the linear part of the Huber loss at y.
    pub(super) fn linear_share(&mut self, y: &[f64]) -> f64 {
        self.predict(y);
        let rows = self.residuals.iter().zip(&self.data.weights);
        let linear = rows.filter(|(r, _)| r.abs() >= self.delta());
        // The sum of nothing would be -0.
        linear.fold(0.0, |sum, (_, w)| sum + w)
    }

    /// The standard deviation of the residuals at y, by the median of their sizes.
    pub(super) fn spread(&mut self, y: &[f64]) -> f64 {
        self.predict(y);
        let mut sizes: Vec<f64> = self.residuals.iter().map(|r| r.abs()).collect();
        sizes.sort_by(f64::total_cmp);
        // That of a normal distribution is 0.6745 standard deviations.
        1.4826 * sizes[sizes.len() / 2]
    }

    fn delta(&self) -> f64 {
        self.criterion.delta * self.smoothing
    }

    fn mean_huber(&self) -> f64 {
        let delta = self.delta();
        // r^2/2 where |r| < delta, otherwise delta (|r| - delta/2).
        let huber = |r: f64| {
            let inner = r.clamp(-delta, delta);
            inner * (r - 0.5 * inner)
        };
        let rows = self.residuals.iter().zip(&self.data.weights);
        let value: f64 = rows.map(|(r, w)| w * huber(*r)).sum();
        if value.is_nan() { f64::INFINITY } else { value }
    }

    /// The weighted mean Huber loss alone at y (eq. 6).
    pub(super) fn huber(&mut self, y: &[f64]) -> f64 {
        if self.predict(y) { self.mean_huber() } else { f64::INFINITY }
    }

    /// Fills the weights of the rows in a sum over their gradients, from residual and slope.
    fn weigh(&mut self, weight: impl Fn(f64, f64) -> f64) {
        let rows = self.residuals.iter().zip(&self.slopes).zip(&self.data.weights);
        let weights = self.row_weights.iter_mut().zip(rows);
        weights.for_each(|(out, ((r, slope), w))| *out = w * weight(*r, *slope));
    }

    /// The weighted sum of the gradients of the rows with respect to y.
    fn sum_gradients(&mut self, y: &[f64], out: &mut [f64]) {
        self.batch.gradient(&self.z, &self.row_weights, out);
        self.shift_gradient(y, out);
    }

    /// Turns a gradient with respect to z into one with respect to y.
    fn shift_gradient(&self, y: &[f64], out: &mut [f64]) {
        for (i, j, ln_scale) in self.shifted() {
            out[j] -= ln_scale * self.exponent(j, y[j]).1 * out[i];
        }
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
        let huber = self.huber(y);
        let prior = self.criterion.prior.as_ref();
        huber + prior.map_or(0.0, |prior| prior.factor * prior.over.value(&self.z))
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
        if let Some(prior) = &self.criterion.prior {
            prior.over.add_gradient(&self.z, prior.factor, g);
        }
        self.shift_gradient(y, g);
        value
    }

    fn bounds(&self, i: usize) -> (f64, f64) {
        (self.bounds[i].lower, self.bounds[i].upper)
    }

    fn curvature(&mut self, y: &[f64], reserve: f64, out: &mut [f64]) -> bool {
        if !self.predict(y) {
            return false;
        }
        let delta = self.delta();
        self.weigh(|r, slope| slope * slope * curvature(r, delta, reserve));
        self.batch.gauss_newton(&self.z, &self.row_weights, out);
        if let Some(prior) = &self.criterion.prior {
            prior.over.add_curvature(self.z.len(), prior.factor, out);
        }
        self.transform_curvature(y, out);
        true
    }

    fn second_derivatives(
        &mut self,
        y: &[f64],
        v: &[f64],
        reserve: f64,
        out: &mut [f64],
        _: Token,
    ) -> bool {
        if !self.predict(y) {
            return false;
        }
        let mut v_z = std::mem::take(&mut self.other);
        v_z.copy_from_slice(v);
        for (i, j, ln_scale) in self.shifted() {
            v_z[i] -= ln_scale * self.exponent(j, y[j]).1 * v[j];
        }
        second_derivatives(self.batch.as_mut(), &self.z, &v_z, &mut self.second_derivatives);
        self.other = v_z;
        let delta = self.delta();
        self.weigh(|r, slope| slope * slope * curvature(r, delta, reserve));
        let rows = self.row_weights.iter_mut().zip(&self.second_derivatives);
        rows.for_each(|(w, second)| *w *= second);
        self.sum_gradients(y, out);
        true
    }

    fn draw_start(&mut self, random: &mut Random) -> Option<Vec<f64>> {
        let mut y = self.law.start(&self.known.start_data(), random);
        let inside = |y: f64, b: &Bound| y.clamp(b.lower, b.upper);
        // Exponents first: shifted variables follow from where they end up.
        let kept = y.iter_mut().zip(self.bounds).filter(|(_, b)| !b.raw);
        kept.for_each(|(y, b)| *y = inside(*y, b));
        for (i, j, ln_scale) in self.shifted() {
            y[i] = inside(y[i] + ln_scale * self.exponent(j, y[j]).0, &self.bounds[i]);
        }
        Some(y)
    }

    fn fork(&self) -> Option<Box<dyn Objective + Send + '_>> {
        let fork = Problem::new(self.law, self.data, self.bounds, self.criterion);
        Some(Box::new(Problem { smoothing: self.smoothing, ..fork }))
    }

    fn set_smoothing(&mut self, factor: f64, _: Token) -> bool {
        self.smoothing = factor;
        self.criterion.delta.is_finite()
    }
}
