//! Mirror descent from one start: `h_i <- h_i exp(-eta dL/dh_i)`, normalised (eq. 7), within a
//! region.

use super::SimplexObjective;
use super::mirror_step::{Landing, Multipliers, Parts, inside, mirror_step};
use super::region::Region;
use crate::optim::Termination;

/// The longest step, in logarithms of weights for the largest slope.
const LONGEST: f64 = 1e9;

/// How long a step of mirror descent is.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Step {
    /// The step doubles while `f(h') <= f(h) + <g, h' - h> + KL(h'|h) / eta` holds, and halves where
    /// it does not.
    Backtracking,
    /// The paper's fixed step eta (eq. 7). One that is not a finite number > 0 goes nowhere.
    Fixed(f64),
}

/// A mixture with the objective there.
#[derive(Debug, Clone)]
pub(super) struct Point {
    pub(super) h: Vec<f64>,
    pub(super) ln_h: Vec<f64>,
    pub(super) parts: Parts,
    pub(super) value: f64,
    pub(super) multipliers: Multipliers,
}

impl Point {
    /// The mixture of the region next to `h`, inside of it as far as that is possible.
    pub(super) fn near(objective: &mut dyn SimplexObjective, region: &Region, h: &[f64]) -> Self {
        let mut to = inside(region, h);
        to.multipliers = Multipliers::even(region.groups().len(), objective.parts());
        Self::at(objective, region, to)
    }

    pub(super) fn at(objective: &mut dyn SimplexObjective, region: &Region, to: Landing) -> Self {
        let Landing { h, ln_h, multipliers } = to;
        let (k, m) = (h.len(), objective.parts());
        let mut parts = Parts { values: vec![f64::NAN; m], slopes: vec![0.0; m * k] };
        if h.iter().all(|h| h.is_finite()) {
            if m == 1 {
                parts.values[0] = objective.value_gradient(&h, &mut parts.slopes);
            } else {
                objective.parts_gradients(&h, &mut parts.values, &mut parts.slopes);
            }
        }
        // The slope of a weight that cannot move does not matter, and may be infinite.
        for i in (0..k).filter(|&i| region.is_fixed(i)) {
            (0..m).for_each(|t| parts.slopes[t * k + i] = 0.0);
        }
        let value = parts.worst();
        Self { h, ln_h, parts, value, multipliers }
    }

    pub(super) fn is_finite(&self) -> bool {
        self.value.is_finite() && self.parts.slopes.iter().all(|g| g.is_finite())
    }

    /// The gradient of the parts together, each with its share.
    pub(super) fn slope(&self) -> Vec<f64> {
        let mut out = vec![0.0; self.h.len()];
        for (t, share) in self.multipliers.parts.iter().enumerate().filter(|(_, s)| **s > 0.0) {
            out.iter_mut().zip(self.parts.slope(t)).for_each(|(out, g)| *out += share * g);
        }
        out
    }

    /// By how much at most a convex objective can fall below the value here: the Frank-Wolfe gap
    /// `<g, h> - min <g, .>` over the region, and what the shares of several parts leave out.
    pub(super) fn gap(&self, region: &Region) -> f64 {
        let mut g = self.slope();
        let mean: f64 = g.iter().zip(&self.h).map(|(g, h)| g * h).sum();
        // Relative to the mean, what is summed is small.
        g.iter_mut().for_each(|g| *g -= mean);
        let used = self.parts.values.iter().zip(&self.multipliers.parts);
        let shared: f64 = used.map(|(f, share)| share * (self.value - f)).sum();
        (shared - region.least(&g, &self.multipliers.groups)).max(0.0)
    }

    /// Whether `next`, a step eta away, lies below the model that makes mirror descent descend.
    ///
    /// Close to the optimum, where values differ by rounding only, the same is asked of the slopes:
    /// `<g' - g, h' - h> <= (KL(h'|h) + KL(h|h')) / eta`.
    fn descends_to(&self, next: &Self, eta: f64) -> bool {
        if !next.is_finite() {
            return false;
        }
        let present = || (0..self.h.len()).filter(|&i| self.h[i] > 0.0 && next.h[i] > 0.0);
        let step = |i: usize| next.h[i] - self.h[i];
        let ln_step = |i: usize| next.ln_h[i] - self.ln_h[i];
        if (next.value - self.value).abs() <= 1e-11 * self.value.abs() {
            let (before, after) = (self.slope_for(next), next.slope());
            let slopes: f64 = present().map(|i| (after[i] - before[i]) * step(i)).sum();
            return slopes <= present().map(|i| step(i) * ln_step(i)).sum::<f64>() / eta;
        }
        let model = |t: usize| {
            let g = self.parts.slope(t);
            self.parts.values[t] + present().map(|i| g[i] * step(i)).sum::<f64>()
        };
        let model = (0..self.parts.values.len()).map(model).fold(f64::NEG_INFINITY, f64::max);
        let divergence: f64 = present().map(|i| next.h[i] * ln_step(i) - step(i)).sum();
        next.value < self.value && next.value <= model + divergence / eta
    }

    /// The gradient here with the shares of another point.
    fn slope_for(&self, other: &Self) -> Vec<f64> {
        let mut out = vec![0.0; self.h.len()];
        for (t, share) in other.multipliers.parts.iter().enumerate() {
            out.iter_mut().zip(self.parts.slope(t)).for_each(|(out, g)| *out += share * g);
        }
        out
    }
}

/// How to descend, and where to stop.
#[derive(Debug, Clone, Copy)]
pub(super) struct Descent {
    pub(super) step: Step,
    pub(super) max_iterations: usize,
    /// Stops when the gap is below this.
    pub(super) tolerance: f64,
    /// Stops when value minus gap is above this, or the gap is a small part of what is missing to it.
    pub(super) enough: f64,
}

impl Descent {
    /// Backtracking until the gap is below `tolerance`.
    pub(super) fn to(tolerance: f64) -> Self {
        let (step, enough) = (Step::Backtracking, f64::INFINITY);
        Self { step, max_iterations: 10_000, tolerance, enough }
    }

    /// The point that `iterations` of mirror descent lead to, which are counted.
    pub(super) fn run(
        &self,
        objective: &mut dyn SimplexObjective,
        region: &Region,
        start: Point,
        iterations: &mut usize,
    ) -> (Point, Termination) {
        let mut at = start;
        if !at.is_finite() {
            return (at, Termination::StartNotFinite);
        }
        // A first step that moves the logarithms by about one.
        let size = at.parts.slopes.iter().fold(0.0f64, |m, g| m.max(g.abs()));
        let mut eta = if size > 0.0 { 1.0 / size } else { 1.0 };
        for _ in 0..self.max_iterations {
            let gap = at.gap(region);
            let missing = self.enough - (at.value - gap);
            if gap <= self.tolerance
                || missing <= 0.0
                || gap <= 0.05 * missing && self.enough.is_finite()
            {
                return (at, Termination::Converged);
            }
            *iterations += 1;
            let mut moved = |at: &Point, eta: f64| {
                let near = Some(&at.multipliers);
                let to = mirror_step(region, &at.h, &at.ln_h, Some(&at.parts), eta, near);
                Point::at(objective, region, to)
            };
            if let Step::Fixed(eta) = self.step {
                if !(eta.is_finite() && eta > 0.0) {
                    return (at, Termination::NoProgress);
                }
                let next = moved(&at, eta);
                if !next.is_finite() {
                    return (at, Termination::NoProgress);
                }
                at = next;
                continue;
            }
            let longest = eta;
            at = loop {
                let next = moved(&at, eta);
                if at.descends_to(&next, eta) {
                    break next;
                }
                eta *= 0.5;
                if eta * size < 1e-15 {
                    return (at, Termination::NoProgress);
                }
            };
            // A length that was too long a moment ago is not tried again at once.
            if eta == longest {
                eta = (2.0 * eta).min(LONGEST / size);
            }
        }
        (at, Termination::Exhausted)
    }
}
