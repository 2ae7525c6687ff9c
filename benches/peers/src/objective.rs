//! The objective of a fit (eq. 6) through the public batch of a law, as a user of the crate writes it.

use mixlaw::Sweep;
use mixlaw::law::{Batch, Points, ScalingLaw};

use crate::problems::TARGET;

/// Where the Huber loss turns from a parabola to a line.
pub const DELTA: f64 = 1e-3;

/// The rows of a problem, as slices.
pub struct Data {
    pub n: Vec<f64>,
    pub d: Vec<f64>,
    pub h: Vec<f64>,
    pub losses: Vec<f64>,
    k: usize,
}

impl Data {
    pub fn new(sweep: &Sweep) -> Self {
        Self {
            n: sweep.n().to_vec(),
            d: sweep.d().to_vec(),
            h: sweep.mixtures().iter().copied().collect(),
            losses: sweep.losses_of(TARGET).expect("the target of the problem"),
            k: sweep.domains().len(),
        }
    }
}

/// The mean Huber loss of a law's residuals.
pub struct MeanHuber<'a> {
    batch: Box<dyn Batch + 'a>,
    losses: &'a [f64],
    predictions: Vec<f64>,
    weights: Vec<f64>,
}

impl<'a> MeanHuber<'a> {
    pub fn new(law: &'a dyn ScalingLaw, data: &'a Data) -> Self {
        let rows = data.losses.len();
        Self {
            batch: law.batch(Points::new(&data.n, &data.d, &data.h, data.k)),
            losses: &data.losses,
            predictions: vec![0.0; rows],
            weights: vec![0.0; rows],
        }
    }

    pub fn value_gradient(&mut self, z: &[f64], gradient: &mut [f64]) -> f64 {
        self.batch.losses(z, &mut self.predictions);
        let share = 1.0 / self.losses.len() as f64;
        let mut sum = 0.0;
        let rows = self.losses.iter().zip(&self.predictions).zip(&mut self.weights);
        for ((observed, predicted), weight) in rows {
            let r = predicted - observed;
            let clipped = r.clamp(-DELTA, DELTA);
            sum += clipped * (r - 0.5 * clipped);
            *weight = clipped * share;
        }
        self.batch.gradient(z, &self.weights, gradient);
        sum * share
    }
}
