//! The same fit again, to rows that count differently.

use std::ops::ControlFlow;

use super::problem::{Bound, Criterion, PriorPart, Problem, exponent};
use super::{Data, Fit, rounding};
use crate::error::{Error, ErrorKind};
use crate::law::ScalingLaw;
use crate::optim::sealed::Token;
use crate::optim::{Control, Minimum, Objective, Optimizer, SmoothFirst, TrustRegion};
use crate::sweep::Sweep;

/// By how much the objective at a fit may differ from the one that it reached, relative to it.
const SAME_OBJECTIVE: f64 = 1e-6;
/// What conversions may lose, relative to 1 and to the value.
const ROUNDING: f64 = 1e-12;
/// This near to an end of its box, relative to its width, a level is at it.
const LEVEL_END: f64 = 0.01;

/// Solves a fit again from where it ended, with other weights of its rows.
#[derive(Debug)]
pub(crate) struct Refit<'a> {
    fit: &'a Fit,
    data: Data,
    /// The same without the rounding of weights, if there is any.
    without_rounding: Option<Data>,
    bounds: Vec<Bound>,
    criterion: Criterion,
    optimizer: TrustRegion,
}

impl<'a> Refit<'a> {
    /// Binds a fit to the sweep that it was made from.
    ///
    /// # Errors
    /// As [`Fitter::fit`](super::Fitter::fit), and [`ErrorKind::OtherSweep`] if the objective at the fit is
    /// another one on this sweep.
    pub(crate) fn new(fit: &'a Fit, sweep: &Sweep) -> Result<Self, Error> {
        let data = fit.fitter.data(fit.law(), sweep, &fit.target)?;
        let bounds = fit.fitter.bounds(fit.law())?;
        let criterion = fit.fitter.criterion(fit.law(), &data, fit.strength)?;
        let optimizer = TrustRegion::default().tolerance(1e-6).max_iterations(300);
        let without_rounding = data.without_rounding();
        let refit = Self { fit, data, without_rounding, bounds, criterion, optimizer };
        let (found, expected) = (refit.problem(&refit.data).value(&fit.minimum.x), fit.objective());
        let close = SAME_OBJECTIVE * expected.abs() + f64::MIN_POSITIVE;
        let distance = (found - expected).abs();
        if distance.is_nan() || distance > close {
            let law = fit.law().name().to_owned();
            return Err(ErrorKind::OtherSweep { law, found, expected }.into());
        }
        Ok(refit)
    }

    fn problem<'b>(&'b self, data: &'b Data) -> Problem<'b> {
        Problem::new(self.fit.law(), data, &self.bounds, &self.criterion)
    }

    /// What is fitted again.
    pub(crate) fn fit(&self) -> &'a Fit {
        self.fit
    }

    /// The weight of each row of the sweep in the fit, 0 without a loss.
    pub(crate) fn row_weights(&self, rows: usize) -> Vec<f64> {
        let mut weights = vec![0.0; rows];
        self.data.rows.iter().zip(&self.data.weights).for_each(|(&row, w)| weights[row] = *w);
        weights
    }

    /// What a row has to have to be drawn, whether or not it has the loss: its weight by the settings.
    pub(crate) fn weights_of_draws(&self, sweep: &Sweep) -> Vec<f64> {
        self.fit.fitter.row_weights.clone().unwrap_or_else(|| vec![1.0; sweep.len()])
    }

    /// The coordinates of the fit to rows that count `counts` times as much, with each belief of a prior
    /// moved by a draw of its own deviation; `None` if the observer of the call has stopped it.
    pub(crate) fn solve(
        &self,
        counts: &[f64],
        normal: &mut dyn FnMut() -> f64,
        call: &Control,
    ) -> Option<Vec<f64>> {
        let perturbed = |part: &PriorPart| PriorPart { over: part.over.perturbed(normal), ..*part };
        let prior = self.criterion.prior.as_ref().map(perturbed);
        let criterion = &Criterion { prior, ..self.criterion };
        let data = self.data.reweighted(counts);
        let without_rounding = self.without_rounding.as_ref().map(|data| data.reweighted(counts));
        let search = |problem: &mut Problem<'_>| {
            let start = &self.fit.minimum.x;
            self.optimizer.minimize(problem, start, &mut call.within(0))
        };
        let problem = |data| Problem::new(self.fit.law(), data, &self.bounds, criterion);
        let (problem, minimum) = rounding::minimize(
            &data,
            without_rounding.as_ref(),
            problem,
            search,
            &self.optimizer,
            call,
        );
        (!call.is_cut_off(minimum.termination)).then(|| problem.coordinates(&minimum.x))
    }

    /// The places of the coefficients that are not fixed.
    pub(crate) fn free(&self) -> Vec<usize> {
        (0..self.bounds.len()).filter(|&i| self.bounds[i].lower < self.bounds[i].upper).collect()
    }

    /// The share of the weight that is on rows in the linear part of the Huber loss at the fit.
    pub(crate) fn linear_share(&self) -> f64 {
        self.problem(&self.data).linear_share(&self.fit.minimum.x)
    }

    /// The Gauss-Newton matrix at the fit between all coordinates, row by row, without a prior. Rows in the
    /// linear part of the Huber loss count with the parabola that touches it there.
    pub(crate) fn curvature(&self) -> Vec<f64> {
        let p = self.bounds.len();
        let mut matrix = vec![0.0; p * p];
        let of_data = Criterion { prior: None, ..self.criterion };
        let mut problem = Problem::new(self.fit.law(), &self.data, &self.bounds, &of_data);
        problem.curvature(&self.fit.minimum.x, 1.0, &mut matrix);
        matrix
    }

    /// The objective at each of many coordinates; infinite outside the box of the fit.
    pub(crate) fn values(&self, all: impl Iterator<Item = Vec<f64>>) -> Vec<f64> {
        let mut problem = self.problem(&self.data);
        let value = |z: Vec<f64>| {
            let mut y = problem.variables(&z);
            // The way there and back must not leave the box by rounding.
            for (y, bound) in y.iter_mut().zip(&self.bounds) {
                let inside = y.clamp(bound.lower, bound.upper);
                *y = if (*y - inside).abs() <= ROUNDING * (1.0 + y.abs()) { inside } else { *y };
            }
            problem.value(&y)
        };
        all.map(value).collect()
    }

    /// A fit from a start that is drawn with this seed: its coordinates and its objective; `None` if
    /// the observer of the call has stopped it.
    pub(crate) fn restart(&self, seed: u64, call: &Control) -> Option<(Vec<f64>, f64)> {
        let fine = TrustRegion::default().tolerance(1e-5);
        let search = |problem: &mut Problem<'_>| {
            let mut control = call.within(seed);
            let start = problem.draw_start(&mut control.stream(0)).expect("a law draws its starts");
            let coarse = TrustRegion::default().tolerance(1e-3);
            SmoothFirst::new(coarse, fine.clone()).minimize(problem, &start, &mut control)
        };
        self.minimize(&self.data, self.without_rounding.as_ref(), search, &fine, call)
    }

    /// The coordinates and the objective that a search finds; `None` if the observer of the call has
    /// stopped it.
    fn minimize<'b>(
        &'b self,
        data: &'b Data,
        without_rounding: Option<&'b Data>,
        search: impl FnOnce(&mut Problem<'b>) -> Minimum,
        last: &TrustRegion,
        call: &Control,
    ) -> Option<(Vec<f64>, f64)> {
        let problem = |data| self.problem(data);
        let (problem, minimum) =
            rounding::minimize(data, without_rounding, problem, search, last, call);
        (!call.is_cut_off(minimum.termination))
            .then(|| (problem.coordinates(&minimum.x), minimum.value))
    }

    /// Hands the fit with coefficient `i` held to `search`, and returns what that does. Solves stop at
    /// falls of less than `tolerance`.
    pub(crate) fn profile<T>(
        &self,
        i: usize,
        tolerance: f64,
        search: impl FnOnce(Profile<'_>) -> T,
    ) -> T {
        let law = self.fit.law();
        let mut bounds = self.bounds.clone();
        let mut start = self.fit.minimum.x.clone();
        let mut level = None;
        let offset = law.coordinates().offset(i).filter(|o| o.ln_scale != 0.0 && !bounds[i].raw);
        if let Some(offset) = offset {
            // The one for raw N and D, as it is printed: any value for which some exponent in its box
            // puts the term at the reference scale into its own.
            let shift = |z: f64| offset.ln_scale * exponent(law, offset.exponent, z).0;
            let Bound { lower, upper, .. } = bounds[offset.exponent];
            let (a, b) = (shift(lower), shift(upper));
            let z = (bounds[i].lower, bounds[i].upper);
            bounds[i] = Bound { lower: z.0 + a.min(b), upper: z.1 + a.max(b), raw: true };
            start[i] += shift(start[offset.exponent]);
            level = Some(Level { exponent: offset.exponent, ln_scale: offset.ln_scale, bounds: z });
        }
        let problem = Problem::new(law, &self.data, &bounds, &self.criterion);
        let value = start[i];
        let optimizer = self.optimizer.clone().tolerance(tolerance);
        search(Profile { law, problem, variable: i, value, level, start, optimizer })
    }
}

/// The term at the reference scale, where what is held is the coefficient for raw N and D:
/// `variable - ln_scale exponent`.
struct Level {
    /// Which variable the exponent is.
    exponent: usize,
    ln_scale: f64,
    /// The box of the term.
    bounds: (f64, f64),
}

/// The profile of a coefficient: the fit with one variable held, that of the coefficient as it is
/// printed, and the others solved for.
pub(crate) struct Profile<'a> {
    law: &'a dyn ScalingLaw,
    problem: Problem<'a>,
    variable: usize,
    value: f64,
    level: Option<Level>,
    start: Vec<f64>,
    optimizer: TrustRegion,
}

impl Profile<'_> {
    /// The variables of the fit.
    pub(crate) fn start(&self) -> &[f64] {
        &self.start
    }

    /// The least and the greatest value that the variable can be held at.
    pub(crate) fn range(&self) -> (f64, f64) {
        self.problem.bounds(self.variable)
    }

    /// Whether the term at the reference scale is nearly at the end of its box in this direction.
    pub(crate) fn is_level_at_end(&self, y: &[f64], direction: f64) -> bool {
        self.level.as_ref().is_some_and(|level| {
            let (z, (lower, upper)) = (self.level(level, y), level.bounds);
            let room = if direction > 0.0 { upper - z } else { z - lower };
            room <= LEVEL_END * (upper - lower)
        })
    }

    /// The variables with the held one at `value`, all others solved for from whichever of `starts` is
    /// the better one, and only until the objective is at most `enough`; `None` if it does not get
    /// there, or the observer of the call has stopped it.
    pub(crate) fn solve(
        &mut self,
        value: f64,
        starts: &[Vec<f64>],
        enough: f64,
        call: &Control,
    ) -> Option<Vec<f64>> {
        self.value = value;
        let bounds: Vec<(f64, f64)> = (0..self.dim()).map(|i| self.bounds(i)).collect();
        let turned = starts.iter().filter_map(|start| self.with_same_level(start));
        let starts: Vec<Vec<f64>> = starts.iter().cloned().chain(turned).collect();
        let mut best = (f64::INFINITY, None);
        for mut start in starts {
            start
                .iter_mut()
                .zip(&bounds)
                .for_each(|(y, (lower, upper))| *y = y.clamp(*lower, *upper));
            let objective = self.value(&start);
            if objective < best.0 {
                best = (objective, Some(start));
            }
        }
        let start = best.1?;
        if best.0 <= enough {
            return Some(start);
        }
        let call = call.clone();
        let mut control = Control::default().observe(move |progress| {
            let stop = progress.best <= enough || call.ask();
            if stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        let optimizer = self.optimizer.clone();
        let minimum = optimizer.minimize(self, &start, &mut control);
        (minimum.value <= enough).then_some(minimum.x)
    }

    /// The start with the exponent moved so that the term at the reference scale stays as it is.
    fn with_same_level(&self, start: &[f64]) -> Option<Vec<f64>> {
        let level = self.level.as_ref()?;
        let exponent = (self.value - self.level(level, start)) / level.ln_scale;
        let mut start = start.to_vec();
        let coordinate = self.law.coordinates().get(level.exponent);
        start[level.exponent] = coordinate.checked_coordinate(exponent).ok()?;
        Some(start)
    }

    /// The term at the reference scale.
    fn level(&self, level: &Level, y: &[f64]) -> f64 {
        let exponent = exponent(self.law, level.exponent, y[level.exponent]).0;
        y[self.variable] - level.ln_scale * exponent
    }

    /// Whether the term at the reference scale is inside its box.
    fn is_inside(&self, y: &[f64]) -> bool {
        self.level.as_ref().is_none_or(|level| {
            let (z, (lower, upper)) = (self.level(level, y), level.bounds);
            let slack = ROUNDING * (1.0 + y[self.variable].abs());
            (lower - slack..=upper + slack).contains(&z)
        })
    }
}

impl Objective for Profile<'_> {
    fn dim(&self) -> usize {
        self.problem.dim()
    }

    fn value(&mut self, y: &[f64]) -> f64 {
        if self.is_inside(y) { self.problem.value(y) } else { f64::INFINITY }
    }

    fn value_gradient(&mut self, y: &[f64], g: &mut [f64]) -> f64 {
        let value = self.problem.value_gradient(y, g);
        if self.is_inside(y) { value } else { f64::INFINITY }
    }

    fn bounds(&self, i: usize) -> (f64, f64) {
        if i == self.variable { (self.value, self.value) } else { self.problem.bounds(i) }
    }

    fn curvature(&mut self, y: &[f64], reserve: f64, out: &mut [f64]) -> bool {
        self.problem.curvature(y, reserve, out)
    }

    fn second_derivatives(
        &mut self,
        y: &[f64],
        v: &[f64],
        reserve: f64,
        out: &mut [f64],
        token: Token,
    ) -> bool {
        self.problem.second_derivatives(y, v, reserve, out, token)
    }
}
