//! One step of mirror descent, exact on every region and for the largest of several functions.
//!
//! From h the step goes to the least of `max_t (f_t + <g_t, h' - h>) + KL(h'|h) / eta` within the
//! region. Bounds and the sum of one are kept by shifting and clipping logarithms ([`spread`]).
//! Groups and several functions are rows `<a, h'> - level <= b` with multipliers y >= 0, which a
//! projected Newton method finds as the maximum of the dual, a concave function of few variables.

use super::budget::Budget;
use super::region::Region;

use crate::linalg::{cholesky, cholesky_solve, dot};

/// The least logarithm of a weight: far below anything that matters, and no underflow.
const MIN_LN_WEIGHT: f64 = -460.0;
/// Starts have at least about this weight for every domain.
const LIFT: f64 = 1e-6;
/// The level of several functions moves almost freely: by the square over twice this.
const LEVEL_ROOM: f64 = 100.0;

/// How far Newton's method moves a logarithm at once.
const LONGEST: f64 = 5.0;
/// A weight that can be overlooked while others are not met.
const NEXT_TO_NOTHING: f64 = 1e-3;
/// A step that breaks a constraint by more is none.
const BROKEN: f64 = 5e-13;
/// A sum of weights that is off by more is mended.
const OFF: f64 = 1e-13;
/// Logarithms of weights stay below this: sums of them must not overflow.
const MAX_LN: f64 = 1e300;

/// The functions of which an objective is the largest, at a point: values and gradients.
#[derive(Debug, Clone)]
pub(super) struct Parts {
    pub(super) values: Vec<f64>,
    pub(super) slopes: Vec<f64>,
}

impl Parts {
    pub(super) fn slope(&self, t: usize) -> &[f64] {
        let k = self.slopes.len() / self.values.len();
        &self.slopes[t * k..][..k]
    }

    pub(super) fn worst(&self) -> f64 {
        // NaN is not a value to be overlooked.
        let larger = |a: f64, b: f64| if a.is_nan() || b < a { a } else { b };
        self.values.iter().copied().fold(f64::NEG_INFINITY, larger)
    }
}

/// Multipliers of the groups, in units of the objective, and shares of the parts, which sum to one.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Multipliers {
    pub(super) groups: Vec<f64>,
    pub(super) parts: Vec<f64>,
}

impl Multipliers {
    /// None for the groups, and the same share for every part.
    pub(super) fn even(groups: usize, parts: usize) -> Self {
        Self { groups: vec![0.0; groups], parts: vec![1.0 / parts as f64; parts] }
    }
}

/// Where a step leads.
#[derive(Debug, Clone)]
pub(super) struct Landing {
    pub(super) h: Vec<f64>,
    pub(super) ln_h: Vec<f64>,
    pub(super) multipliers: Multipliers,
}

/// The weights `h_i = e^(rho_i + c)`, clipped to the bounds of the region, with the c that makes their
/// sum one; into `ln_h` and `h`.
fn spread(region: &Region, rho: &[f64], ln_h: &mut [f64], h: &mut [f64]) {
    let (lower, upper) = (region.lower(), region.upper());
    let k = rho.len();
    let free = |i: &usize| lower[*i] < upper[*i];
    // Where weight i leaves its lower bound and where it meets its upper one.
    let leaves = |i: usize| lower[i].ln() - rho[i];
    let meets = |i: usize| if upper[i] >= 1.0 { f64::INFINITY } else { upper[i].ln() - rho[i] };
    let total = |c: f64| -> f64 {
        (0..k)
            .map(|i| if free(&i) { (rho[i] + c).exp().clamp(lower[i], upper[i]) } else { lower[i] })
            .sum()
    };
    let changes = (0..k).filter(free).flat_map(|i| [leaves(i), meets(i)]).collect();
    let (below, above) = around_one(changes, total);
    let mut clipped = 0.0;
    let mut top = f64::NEG_INFINITY;
    let moves = |i: &usize| free(i) && leaves(*i) <= below && meets(*i) >= above;
    for i in 0..k {
        if moves(&i) {
            top = top.max(rho[i]);
        } else {
            h[i] = if free(&i) && meets(i) <= below { upper[i] } else { lower[i] };
            ln_h[i] = h[i].ln();
            clipped += h[i];
        }
    }
    // Relative to the largest, so that the sum is exact however large the logarithms are.
    let sum: f64 = (0..k).filter(moves).map(|i| (rho[i] - top).exp()).sum();
    let shift = (1.0 - clipped).max(f64::MIN_POSITIVE).ln() - sum.ln();
    for i in (0..k).filter(moves) {
        ln_h[i] = (rho[i] - top + shift).max(MIN_LN_WEIGHT);
        let weight = ln_h[i].exp();
        h[i] = weight.clamp(lower[i], upper[i]);
        if h[i] != weight {
            ln_h[i] = h[i].ln();
        }
    }
    mend_sum(region, ln_h, h);
}

/// Of the places where something changes, the last one where the total is still too small, and the next.
fn around_one(mut changes: Vec<f64>, total: impl Fn(f64) -> f64) -> (f64, f64) {
    changes.retain(|c| c.is_finite());
    changes.sort_unstable_by(f64::total_cmp);
    let too_small = changes.partition_point(|c| total(*c) <= 1.0);
    let below = if too_small > 0 { changes[too_small - 1] } else { f64::NEG_INFINITY };
    (below, changes.get(too_small).copied().unwrap_or(f64::INFINITY))
}

/// Where logarithms are so large that bounds are met in the wrong order, weights with room make up for
/// it.
fn mend_sum(region: &Region, ln_h: &mut [f64], h: &mut [f64]) {
    let (lower, upper) = (region.lower(), region.upper());
    let mut missing = 1.0 - h.iter().sum::<f64>();
    for i in 0..h.len() {
        if missing.abs() <= OFF {
            break;
        }
        let weight = (h[i] + missing).clamp(lower[i], upper[i]);
        if weight != h[i] {
            missing -= weight - h[i];
            (h[i], ln_h[i]) = (weight, weight.ln());
        }
    }
}

/// The rows of the step: `low <= <a, h> - level <= high`, the level only where there is one. A
/// multiplier y > 0 holds the row at `high`, one < 0 at `low`.
#[derive(Default)]
struct Rows {
    a: Vec<f64>,
    low: Vec<f64>,
    high: Vec<f64>,
    has_level: Vec<bool>,
}

impl Rows {
    /// The rows of the region's groups, with their multipliers `near` times eta.
    fn of_groups(region: &Region, near: Option<&Multipliers>, eta: f64) -> (Self, Vec<f64>) {
        let (groups, mut rows) = (region.groups(), Self::default());
        for group in groups {
            rows.a.extend_from_slice(&group.a);
            rows.low.push(group.lower);
            rows.high.push(group.upper);
            rows.has_level.push(false);
        }
        let y = near.map(|near| near.groups.iter().map(|y| y * eta).collect());
        (rows, y.unwrap_or_else(|| vec![0.0; groups.len()]))
    }

    /// One row for each of several functions. Levels are relative to the worst value, so that they are
    /// small.
    fn add_parts(
        &mut self,
        parts: &Parts,
        h: &[f64],
        near: Option<&Multipliers>,
        eta: f64,
        y: &mut Vec<f64>,
    ) {
        let worst = parts.worst();
        for (t, value) in parts.values.iter().enumerate() {
            let slope = relative(parts.slope(t), h);
            self.low.push(f64::NEG_INFINITY);
            self.high.push(dot(&slope, h) - (value - worst));
            self.a.extend(slope);
            self.has_level.push(true);
            y.push(eta * near.map_or(1.0 / parts.values.len() as f64, |near| near.parts[t]));
        }
    }
}

/// The dual at one y, with its slopes; where y is zero, the one into which it rises.
#[derive(Clone)]
struct Dual {
    y: Vec<f64>,
    value: f64,
    gradient: Vec<f64>,
    h: Vec<f64>,
    ln_h: Vec<f64>,
}

struct Problem<'a> {
    region: &'a Region,
    rows: Rows,
    /// Logarithms of where the step would lead without rows.
    rho: Vec<f64>,
    eta: f64,
}

impl Problem<'_> {
    fn row(&self, j: usize) -> &[f64] {
        let k = self.rho.len();
        &self.rows.a[j * k..][..k]
    }

    /// By how much row j is missed at most, relative to its size.
    fn residual(&self, at: &Dual) -> f64 {
        let size = |j: usize| 1.0 + self.rows.high[j].abs();
        (0..at.y.len()).map(|j| at.gradient[j].abs() / size(j)).fold(0.0, f64::max)
    }

    fn dual(&self, y: Vec<f64>) -> Dual {
        let k = self.rho.len();
        let mut rho = self.rho.clone();
        let (mut used, mut of_bounds) = (0.0, 0.0);
        for (j, &y) in y.iter().enumerate().filter(|(_, y)| **y != 0.0) {
            rho.iter_mut().zip(self.row(j)).for_each(|(rho, a)| *rho -= y * a);
            used += if self.rows.has_level[j] { y } else { 0.0 };
            of_bounds += y * if y > 0.0 { self.rows.high[j] } else { self.rows.low[j] };
        }
        let (mut h, mut ln_h) = (vec![0.0; k], vec![0.0; k]);
        spread(self.region, &rho, &mut ln_h, &mut h);
        let entropy: f64 = (0..k).filter(|&i| h[i] > 0.0).map(|i| h[i] * (ln_h[i] - rho[i])).sum();
        let unused = if self.rows.has_level.contains(&true) { self.eta - used } else { 0.0 };
        let level = -LEVEL_ROOM * unused;
        let value = entropy - of_bounds + unused * level / 2.0;
        let slope = |(j, y): (usize, &f64)| {
            let at = dot(self.row(j), &h) - if self.rows.has_level[j] { level } else { 0.0 };
            let (above, below) = (at - self.rows.high[j], at - self.rows.low[j]);
            if *y > 0.0 || (*y == 0.0 && above > 0.0) {
                above
            } else if *y < 0.0 || below < 0.0 {
                below
            } else {
                0.0
            }
        };
        let gradient = y.iter().enumerate().map(slope).collect();
        Dual { y, value, gradient, h, ln_h }
    }

    /// The negative second derivatives of the dual among `free` rows.
    fn curvature(&self, at: &Dual, free: &[usize]) -> Vec<f64> {
        let (lower, upper) = (self.region.lower(), self.region.upper());
        let moves: Vec<usize> =
            (0..at.h.len()).filter(|&i| at.h[i] > lower[i] && at.h[i] < upper[i]).collect();
        let total: f64 = moves.iter().map(|&i| at.h[i]).sum();
        let mean = |j: usize| -> f64 {
            let sum: f64 = moves.iter().map(|&i| at.h[i] * self.row(j)[i]).sum();
            if total > 0.0 { sum / total } else { 0.0 }
        };
        let means: Vec<f64> = free.iter().map(|&j| mean(j)).collect();
        let mut out = vec![0.0; free.len() * free.len()];
        for (p, &i) in free.iter().enumerate() {
            for (q, &j) in free.iter().enumerate() {
                let (a, b) = (self.row(i), self.row(j));
                let covariance: f64 =
                    moves.iter().map(|&x| at.h[x] * (a[x] - means[p]) * (b[x] - means[q])).sum();
                let level = self.rows.has_level[i] && self.rows.has_level[j];
                out[p * free.len() + q] = covariance + if level { LEVEL_ROOM } else { 0.0 };
            }
        }
        out
    }

    /// Newton's direction among the rows that can move; the further away, the more cautious.
    fn direction(&self, at: &Dual, budget: &mut Budget) -> Vec<f64> {
        // A multiplier next to zero, where another bound begins, goes there if its slope says so:
        // otherwise it would make every step short.
        let near = self.residual(at).min(0.1);
        let ends = |j: &usize| {
            at.y[*j] != 0.0
                && at.y[*j].abs() <= near
                && self.has_kink(*j)
                && at.y[*j] * at.gradient[*j] < 0.0
        };
        let mut free: Vec<usize> = (0..at.y.len())
            .filter(|j| (at.y[*j] != 0.0 || at.gradient[*j] != 0.0) && !ends(j))
            .collect();
        loop {
            budget.spend(free.len() * free.len() * (self.rho.len() + free.len()) / 4);
            let mut direction = self.newton(at, &free);
            (0..at.y.len()).filter(ends).for_each(|j| direction[j] = -at.y[j]);
            // A row at zero whose slope leads away from there, but Newton the other way, waits.
            let waits = |j: &usize| at.y[*j] == 0.0 && direction[*j] * at.gradient[*j] < 0.0;
            let before = free.len();
            free.retain(|j| !waits(j));
            if free.len() == before {
                return self.shortened(at, direction);
            }
        }
    }

    fn newton(&self, at: &Dual, free: &[usize]) -> Vec<f64> {
        let n = free.len();
        let curvature = self.curvature(at, free);
        let largest = (0..n)
            .filter(|p| !self.rows.has_level[free[*p]])
            .map(|p| curvature[p * n + p])
            .fold(1e-6, f64::max);
        let mut ridge = self.residual(at).clamp(1e-13, 1e-6) * largest;
        // A curvature that is no number has no direction.
        let mut out = vec![0.0; at.y.len()];
        while ridge.is_finite() {
            let mut factor = curvature.clone();
            (0..n).for_each(|i| factor[i * n + i] += ridge);
            if cholesky(&mut factor, n, n) {
                let mut x: Vec<f64> = free.iter().map(|&j| at.gradient[j]).collect();
                cholesky_solve(&factor, n, n, &mut x);
                free.iter().zip(x).for_each(|(&j, x)| out[j] = x);
                break;
            }
            ridge *= 100.0;
        }
        out
    }

    /// A direction in which no logarithm of a weight moves further than Newton's model can be
    /// trusted; weights that are next to nothing before and after may move as they like.
    fn shortened(&self, at: &Dual, mut direction: Vec<f64>) -> Vec<f64> {
        let move_of = |i: usize| -> f64 {
            direction.iter().enumerate().map(|(j, d)| -d * self.row(j)[i]).sum()
        };
        let moves: Vec<f64> = (0..self.rho.len()).map(move_of).collect();
        // What moves all weights alike moves none.
        let mean = dot(&moves, &at.h);
        let share = moves.iter().zip(&at.h).filter(|(_, h)| **h > 0.0).map(|(m, h)| {
            let beyond = (NEXT_TO_NOTHING / h).ln().max(0.0);
            let by = if beyond > 0.0 { m - mean } else { (m - mean).abs() };
            if by > 0.0 { (LONGEST + beyond) / by } else { 1.0 }
        });
        let share = share.fold(1.0, f64::min);
        direction.iter_mut().for_each(|d| *d *= share);
        direction
    }

    /// A multiplier that moved from `y` by `step`. It stops at zero, where another bound begins.
    fn moved(&self, j: usize, y: f64, step: f64) -> f64 {
        let to = y + step;
        let passes = self.has_kink(j) && y * to < 0.0;
        if passes || (to < 0.0 && self.rows.low[j] == f64::NEG_INFINITY) { 0.0 } else { to }
    }

    fn has_kink(&self, j: usize) -> bool {
        self.rows.low[j] < self.rows.high[j]
    }

    /// About what the dual and its slopes at one y cost, in terms of sums.
    fn cost(&self) -> usize {
        let (k, rows) = (self.rho.len(), self.rows.low.len());
        k * (12 + rows)
    }

    /// Where the step leads, from multipliers `y` of the groups and then the parts.
    fn step(&self, y: Vec<f64>, budget: &mut Budget) -> Landing {
        let Dual { y, h, ln_h, .. } = self.solve(y, budget);
        let (of_groups, of_parts) = y.split_at(self.region.groups().len());
        let total: f64 = of_parts.iter().sum();
        let unit = if self.eta > 0.0 { 1.0 / self.eta } else { 0.0 };
        let mut multipliers = Multipliers::even(0, of_parts.len().max(1));
        multipliers.groups = of_groups.iter().map(|y| y * unit).collect();
        if total > 0.0 {
            multipliers.parts = of_parts.iter().map(|y| y / total).collect();
        }
        Landing { h, ln_h, multipliers }
    }

    /// The maximum of the dual from `y`.
    fn solve(&self, y: Vec<f64>, budget: &mut Budget) -> Dual {
        let mut at = self.dual(y);
        budget.spend(self.cost());
        for _ in 0..100 {
            let residual = self.residual(&at);
            if residual <= 1e-15 {
                break;
            }
            let direction = self.direction(&at, budget);
            // Where only rounding is left, a short step is no better than none.
            let shortest = if residual < 1e-10 { 0.25 } else { 1e-13 };
            let mut length = 1.0;
            let next = loop {
                let y = (0..at.y.len()).map(|j| self.moved(j, at.y[j], length * direction[j]));
                let next = self.dual(y.collect());
                budget.spend(self.cost());
                let step = next.y.iter().zip(&at.y).map(|(a, b)| a - b);
                let rise: f64 = step.zip(&at.gradient).map(|(d, g)| d * g).sum();
                let higher = next.value >= at.value + 1e-4 * rise && rise > 0.0;
                // Next to the maximum values differ by rounding, and slopes decide.
                if higher || (residual < 1e-6 && self.residual(&next) <= 0.5 * residual) {
                    break Some(next);
                }
                length *= 0.5;
                if length < shortest {
                    break None;
                }
            };
            let Some(next) = next else { break };
            at = next;
        }
        at
    }
}

/// The mixture of the region next to `h`, with zeros lifted off the faces as far as the region allows.
pub(super) fn inside(region: &Region, h: &[f64], budget: &mut Budget) -> Landing {
    let lifted: Vec<f64> = h.iter().map(|h| h.max(LIFT)).collect();
    let logarithms = |h: &[f64]| -> Vec<f64> { h.iter().map(|h| h.ln()).collect() };
    let mut to = mirror_step(region, &lifted, &logarithms(&lifted), None, 0.0, None, budget);
    if to.h.iter().any(|h| h.is_nan()) {
        budget.spend(2 * region.dim() * region.program_cost());
        if let Some(middle) = region.middle().filter(|middle| region.keeps(middle)) {
            (to.ln_h, to.h) = (logarithms(&middle), middle);
        }
    }
    to
}

/// The step of length `eta` from weights with logarithms `ln_h`; with `parts` of `None`, the nearest
/// mixture of the region. Weights of NaN if the constraints could not be kept: a shorter step will.
pub(super) fn mirror_step(
    region: &Region,
    h: &[f64],
    ln_h: &[f64],
    parts: Option<&Parts>,
    eta: f64,
    near: Option<&Multipliers>,
    budget: &mut Budget,
) -> Landing {
    let several = parts.filter(|parts| parts.values.len() > 1);
    let mut rho = ln_h.to_vec();
    if let Some(parts) = parts.filter(|_| several.is_none()) {
        rho.iter_mut().zip(relative(&parts.slopes, h)).for_each(|(rho, g)| *rho -= eta * g);
    }
    for (i, rho) in rho.iter_mut().enumerate() {
        // A fixed weight does not move, however steep the slope; others come from -inf too.
        *rho = if region.is_fixed(i) { 0.0 } else { rho.clamp(-MAX_LN, MAX_LN) };
    }
    let mut landing = if region.groups().is_empty() && several.is_none() {
        step_without_rows(region, &rho, budget)
    } else {
        let (mut rows, mut y) = Rows::of_groups(region, near, eta);
        if let Some(parts) = several {
            rows.add_parts(parts, h, near, eta, &mut y);
        }
        Problem { region, rows, rho, eta }.step(y, budget)
    };
    // A violation that is NaN is none that is kept either.
    let kept = region.violation(&landing.h) <= BROKEN;
    if !kept {
        landing.h.fill(f64::NAN);
    }
    landing
}

/// A slope without what all weights have in common, which moves none and would only cost digits.
fn relative(slope: &[f64], h: &[f64]) -> Vec<f64> {
    let mean = dot(slope, h);
    slope.iter().map(|g| g - mean).collect()
}

/// The step of one function where there are no groups.
fn step_without_rows(region: &Region, rho: &[f64], budget: &mut Budget) -> Landing {
    let k = rho.len();
    let (mut h, mut ln_h) = (vec![0.0; k], vec![0.0; k]);
    spread(region, rho, &mut ln_h, &mut h);
    budget.spend(3 * k);
    Landing { h, ln_h, multipliers: Multipliers::even(0, 1) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optim::Control;
    use crate::simplex::Constraints;

    #[test]
    fn a_step_of_any_length_lands_in_the_region() {
        let domains = ["a", "b", "c", "d"].map(String::from);
        let none = Constraints::new();
        let regions = [
            none.clone(),
            none.clone().at_most("a", 0.3).at_least("b", 0.1),
            none.clone().at_most("a", 0.3).at_most("c", 0.3).at_most("d", 0.25),
            none.at_least("d", 0.35).at_least("a", 1e-9).at_most("b", 1e-300),
        ];
        let h = [0.1, 0.2, 0.3, 0.4];
        let ln_h = h.map(f64::ln);
        for limits in regions {
            let region = limits.region(&domains, 1e9).unwrap();
            for slopes in [[3.3; 4], [3.3, 3.3, 3.3, 3.300001], [1.0, -2.0, 7.0, 0.1]] {
                for eta in [0.0, 1.0, 1e3, 1e8, 1e12, 1e200, f64::MAX] {
                    let parts = Parts { values: vec![1.0], slopes: slopes.to_vec() };
                    let mut budget = Budget::new(usize::MAX, Control::default());
                    let to = mirror_step(&region, &h, &ln_h, Some(&parts), eta, None, &mut budget);
                    let off = region.violation(&to.h);
                    assert!(off <= 2e-13, "{limits:?} {slopes:?} {eta}: {off:e} {:?}", to.h);
                }
            }
        }
    }
}
