//! The same fit again, to rows that count differently.

use super::problem::{Bound, Problem};
use super::{Data, Fit};
use crate::error::FitError;
use crate::optim::{Control, Minimum, Objective, Optimizer, TrustRegion};
use crate::sweep::Sweep;

/// By how much the objective at a fit may differ from the one that it reached, relative to it.
const SAME_OBJECTIVE: f64 = 1e-6;

/// Solves a fit again from where it ended, with other weights of its rows.
#[derive(Debug)]
pub(crate) struct Refit<'a> {
    fit: &'a Fit,
    data: Data,
    bounds: Vec<Bound>,
    optimizer: TrustRegion,
}

impl<'a> Refit<'a> {
    /// Binds a fit to the sweep that it was made from.
    ///
    /// # Errors
    /// As [`Fitter::fit`](super::Fitter::fit), and [`FitError::Sweep`] if the objective at the fit is
    /// another one on this sweep.
    pub(crate) fn new(fit: &'a Fit, sweep: &Sweep) -> Result<Self, FitError> {
        let data = fit.fitter.data(fit.law(), sweep, &fit.target)?;
        let bounds = fit.fitter.bounds(fit.law())?;
        let optimizer = TrustRegion::default().tolerance(1e-4).max_iterations(100);
        let refit = Self { fit, data, bounds, optimizer };
        let (found, expected) = (refit.problem(&refit.data).value(&fit.minimum.x), fit.objective());
        if (found - expected).abs() > SAME_OBJECTIVE * expected.abs() + f64::MIN_POSITIVE {
            let law = fit.law().name().to_owned();
            return Err(FitError::Sweep { law, found, expected });
        }
        Ok(refit)
    }

    fn problem<'b>(&'b self, data: &'b Data) -> Problem<'b> {
        let fitter = &self.fit.fitter;
        Problem::new(self.fit.law(), data, &self.bounds, fitter.delta, fitter.residual)
    }

    /// The weight of each row of the sweep in the fit.
    pub(crate) fn row_weights(&self, rows: usize) -> Vec<f64> {
        let mut weights = vec![0.0; rows];
        self.data.rows.iter().zip(&self.data.weights).for_each(|(&row, w)| weights[row] = *w);
        weights
    }

    /// The coordinates of the fit to rows that count `counts` times as much, and how it went.
    pub(crate) fn solve(&self, counts: &[f64]) -> (Vec<f64>, Minimum) {
        let data = self.data.reweighted(counts);
        let mut problem = self.problem(&data);
        let start = &self.fit.minimum.x;
        let minimum = self.optimizer.minimize(&mut problem, start, &mut Control::default());
        (problem.coordinates(&minimum.x), minimum)
    }
}
