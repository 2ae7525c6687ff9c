//! Mirror descent from one start: `h_i <- h_i exp(-eta dL/dh_i)`, normalised (eq. 7), within a
//! region.

use super::SimplexObjective;
use super::budget::Budget;
use super::mirror_step::{Landing, Multipliers, Parts, inside, mirror_step};
use super::region::Region;
use super::sealed::Token;

use crate::optim::Termination;

/// The longest step, in logarithms of weights for the largest slope.
const LONGEST: f64 = 1e9;
/// Slopes below this are as good as none: their inverse would be no number.
const FLAT: f64 = 1e-290;

/// A certificate takes values, slopes and relaxations of `k` weights to be exact to this fraction of
/// their size, and allows as much for sums of `k` numbers: some units in the last place of each.
fn rounding(k: usize) -> f64 {
    (32 + k) as f64 * f64::EPSILON
}

/// How long a step of mirror descent is.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Step {
    /// The step doubles while `f(h') <= f(h) + <g, h' - h> + KL(h'|h) / eta` holds, and halves where
    /// it does not.
    Backtracking,
    /// The paper's fixed step eta (eq. 7), a finite number > 0.
    Fixed(f64),
}

/// A mixture with the objective there.
#[derive(Debug, Clone)]
pub(super) struct Point {
    pub(super) h: Vec<f64>,
    pub(super) ln_h: Vec<f64>,
    pub(super) parts: Parts,
    pub(super) value: f64,
    /// What tolerances and rounding are relative to.
    pub(super) size: f64,
    pub(super) multipliers: Multipliers,
}

impl Point {
    /// The mixture of the region next to `h`, inside of it as far as that is possible.
    pub(super) fn near(
        objective: &mut dyn SimplexObjective,
        region: &Region,
        h: &[f64],
        budget: &mut Budget,
    ) -> Self {
        let mut to = inside(region, h, budget);
        to.multipliers = Multipliers::even(region.groups().len(), objective.parts());
        Self::at(objective, region, to, budget)
    }

    pub(super) fn at(
        objective: &mut dyn SimplexObjective,
        region: &Region,
        to: Landing,
        budget: &mut Budget,
    ) -> Self {
        let Landing { h, ln_h, multipliers } = to;
        let (k, m) = (h.len(), objective.parts());
        budget.spend(objective.cost(Token));
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
        let size = value.abs().max(objective.scale(Token));
        Self { h, ln_h, parts, value, size, multipliers }
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
        self.fall(region, None)
    }

    /// A number below all values that a convex objective has in the region: the value less the gap, and
    /// less all that rounding can have added to either.
    pub(super) fn least(&self, region: &Region) -> f64 {
        // Weights whose sum is off by some units mean others next to them.
        let off = (self.h.iter().sum::<f64>() - 1.0).abs();
        let unit = rounding(self.h.len()) + off;
        self.value - self.fall(region, Some(unit)) - unit * self.size
    }

    /// The gap, as a sum of terms none of which is negative: every weight moves to the bound that its
    /// reduced cost sends it to, and every group to its own. With a unit of rounding, a bound on what
    /// the gap could be with exact numbers.
    fn fall(&self, region: &Region, unit: Option<f64>) -> f64 {
        let (slope, groups) = (self.slope(), &self.multipliers.groups);
        let (cost, price) = region.prices(&slope, groups);
        let missed = self.used_values().map(|(share, f)| share * (self.value - f));
        let mut out = missed.sum::<f64>().max(0.0);
        for (group, y) in region.groups().iter().zip(groups) {
            let sum: f64 = group.a.iter().zip(&self.h).map(|(a, h)| a * h).sum();
            out += (y * (group.bound(*y) - sum)).max(0.0) + unit.map_or(0.0, |unit| unit * y.abs());
        }
        let sizes = unit.map(|unit| (unit, self.slope_sizes(region, price)));
        for (i, cost) in cost.iter().enumerate() {
            let (lower, upper) = region.bounds(i);
            let above = cost - price;
            let rounding = sizes.as_ref().map_or(0.0, |(unit, sizes)| unit * sizes[i]);
            let down = (above + rounding) * (self.h[i] - lower);
            out += down.max((rounding - above) * (upper - self.h[i])).max(0.0);
        }
        let Some((unit, sizes)) = sizes else { return out };
        // A value is exact to the rounding of its parts, and to what that of the weights makes of it.
        let values: f64 = self.used_values().map(|(share, f)| share * f.abs()).sum();
        let moved: f64 = sizes.iter().zip(&self.h).map(|(size, h)| size * h).sum();
        out + unit * (values + moved + out)
    }

    /// The shares of the parts that have one, with their values.
    fn used_values(&self) -> impl Iterator<Item = (f64, f64)> {
        let used = self.multipliers.parts.iter().zip(&self.parts.values);
        used.map(|(share, f)| (*share, *f)).filter(|(share, _)| *share > 0.0)
    }

    /// Of each reduced cost, the size of the numbers that it is the sum of.
    fn slope_sizes(&self, region: &Region, price: f64) -> Vec<f64> {
        let mut out = vec![price.abs(); self.h.len()];
        for (t, share) in self.multipliers.parts.iter().enumerate().filter(|(_, s)| **s > 0.0) {
            out.iter_mut().zip(self.parts.slope(t)).for_each(|(out, g)| *out += share * g.abs());
        }
        for (group, y) in region.groups().iter().zip(&self.multipliers.groups) {
            out.iter_mut().zip(&group.a).for_each(|(out, a)| *out += (y * a).abs());
        }
        out
    }

    /// Of each domain, what a unit of its weight costs beyond the price of weight, nearer to zero by
    /// what rounding can have added.
    pub(super) fn extras(&self, region: &Region) -> Vec<f64> {
        let (cost, price) = region.prices(&self.slope(), &self.multipliers.groups);
        let sizes = self.slope_sizes(region, price);
        let unit = rounding(self.h.len());
        let extra = |(cost, size): (f64, f64)| {
            let extra = cost - price;
            (extra.abs() - unit * size).max(0.0).copysign(extra)
        };
        cost.into_iter().zip(sizes).map(extra).collect()
    }

    /// Of each domain, whether the objective would gain more than `gain` by all the weight that it has
    /// room for, at the prices here.
    pub(super) fn wants(&self, region: &Region, gain: f64) -> Vec<bool> {
        let (cost, price) = region.prices(&self.slope(), &self.multipliers.groups);
        let more = |(i, cost): (usize, f64)| {
            let gained = (price - cost) * (region.bounds(i).1 - self.h[i]);
            gained > gain || gained.is_nan()
        };
        cost.into_iter().enumerate().map(more).collect()
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
        if (next.value - self.value).abs() <= 1e-11 * self.size {
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

    /// The point that mirror descent leads to.
    pub(super) fn run(
        &self,
        objective: &mut dyn SimplexObjective,
        region: &Region,
        start: Point,
        budget: &mut Budget,
    ) -> (Point, Termination) {
        let mut at = start;
        if !at.is_finite() {
            return (at, Termination::StartNotFinite);
        }
        let mut length = Length::from(&at);
        for _ in 0..self.max_iterations {
            if self.is_reached(&at, region) {
                return (at, Termination::Converged);
            }
            if budget.is_spent() {
                break;
            }
            budget.iterate();
            let mut moved = |eta: f64| {
                let near = Some(&at.multipliers);
                let to = mirror_step(region, &at.h, &at.ln_h, Some(&at.parts), eta, near, budget);
                Point::at(objective, region, to, budget)
            };
            let next = match self.step {
                Step::Fixed(eta) => Some(moved(eta)).filter(Point::is_finite),
                Step::Backtracking => length.backtrack(&at, moved),
            };
            let Some(next) = next else { return (at, Termination::NoProgress) };
            at = next;
        }
        (at, Termination::Exhausted)
    }

    /// Whether the gap at a point is small enough, or says enough.
    fn is_reached(&self, at: &Point, region: &Region) -> bool {
        let gap = at.gap(region);
        let missing = self.enough - (at.value - gap);
        gap <= self.tolerance || missing <= 0.0 || gap <= 0.05 * missing && self.enough.is_finite()
    }
}

/// The length of the next step.
struct Length {
    eta: f64,
    /// The largest slope at the start.
    size: f64,
}

impl Length {
    /// A first step that moves the logarithms by about one.
    fn from(start: &Point) -> Self {
        let size = start.parts.slopes.iter().fold(0.0f64, |m, g| m.max(g.abs())).max(FLAT);
        Self { eta: if size > FLAT { 1.0 / size } else { 1.0 }, size }
    }

    /// Where the longest step leads that descends; `None` if none does.
    fn backtrack(&mut self, at: &Point, mut moved: impl FnMut(f64) -> Point) -> Option<Point> {
        let longest = self.eta;
        let next = loop {
            let next = moved(self.eta);
            if at.descends_to(&next, self.eta) {
                break next;
            }
            self.eta *= 0.5;
            if self.eta * self.size < 1e-15 {
                return None;
            }
        };
        // A length that was too long a moment ago is not tried again at once.
        if self.eta == longest {
            self.eta = (2.0 * self.eta).min(LONGEST / self.size);
        }
        Some(next)
    }
}
