//! A lower bound on the value of a function that is not convex: its region is split into cells, and
//! on each a convex function below it is minimised. The smaller the cell, the closer the two.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::SimplexObjective;
use super::budget::Budget;
use super::descent::{Descent, Point};
use super::region::Region;
use super::sealed::Token;

use crate::optim::Termination;

/// Weights with less room are not split.
const NARROW: f64 = 1e-12;

/// A part of the region with a bound on the values there.
struct Cell {
    region: Region,
    bound: f64,
    /// Where the relaxation is least.
    h: Vec<f64>,
    /// Of each domain, how much of the distance between relaxation and function is due to its room.
    gaps: Vec<f64>,
}

/// Cells come in the order of their bounds, least first.
impl Ord for Cell {
    fn cmp(&self, other: &Self) -> Ordering {
        other.bound.total_cmp(&self.bound)
    }
}

impl PartialOrd for Cell {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Cell {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Cell {}

/// What a search of cells showed.
pub(super) struct Proof {
    /// No mixture of the region has a value below this.
    pub(super) bound: f64,
    /// Cells whose relaxation was minimised.
    pub(super) cells: usize,
    /// The best point found, which may be better than the one that came in.
    pub(super) best: Point,
}

/// Splits cells until the bound is within `tolerance` of the best value, `max_cells` are done or the
/// budget is spent; `None` if the objective knows no relaxation, or one cell costs more than is left.
pub(super) fn prove(
    objective: &mut dyn SimplexObjective,
    region: &Region,
    best: Point,
    tolerance: f64,
    max_cells: usize,
    budget: &mut Budget,
) -> Option<Proof> {
    if !budget.affords(cell_cost(objective)) {
        return None;
    }
    let mut proof = Proof { bound: f64::INFINITY, cells: 0, best };
    let mut open = BinaryHeap::new();
    let mut whole = region.clone();
    whole.tighten();
    let mut fresh = vec![(whole, f64::NEG_INFINITY, proof.best.h.clone())];
    loop {
        for (part, bound, near) in fresh.drain(..) {
            proof.cells += 1;
            let enough = proof.best.value - tolerance;
            let mut cell = relax(objective, part, &near, [tolerance, enough], budget)?;
            cell.bound = cell.bound.max(bound);
            proof.look_near(&cell.h, objective, region, tolerance, budget);
            open.push(cell);
        }
        let Some(cell) = open.pop() else { break };
        // What was left out of cells is above the best value less the tolerance only.
        proof.bound = cell.bound.min(proof.best.value - tolerance);
        let done = proof.cells >= max_cells || budget.is_spent();
        if cell.bound >= proof.best.value - tolerance || done {
            break;
        }
        let Some(i) = widest_gap(&cell) else { break };
        let halves = cell.halves(i, budget);
        fresh.extend(halves.map(|half| (half, cell.bound, cell.h.clone())));
    }
    Some(proof)
}

impl Proof {
    /// The least point of a relaxation is a good place to look for a better mixture.
    fn look_near(
        &mut self,
        h: &[f64],
        objective: &mut dyn SimplexObjective,
        region: &Region,
        tolerance: f64,
        budget: &mut Budget,
    ) {
        let start = Point::near(objective, region, h, budget);
        if start.value < self.best.value {
            let polish = Descent::to(0.1 * tolerance);
            let (point, _) = polish.run(objective, region, start, budget);
            if point.value < self.best.value {
                self.best = point;
            }
        }
    }
}

/// About what a cell costs before its relaxation is minimised, in terms of sums: whether the parts are
/// convex is asked by a Cholesky factor of each.
fn cell_cost(objective: &dyn SimplexObjective) -> usize {
    let k = objective.dim();
    let cube = k.saturating_mul(k).saturating_mul(k);
    let factors = objective.parts().saturating_mul(cube) / 128;
    (k.saturating_mul(objective.cost(Token)) / 4).saturating_add(factors)
}

/// Minimises the relaxation on a part of the region, to the tolerance or until its bound is enough;
/// `None` if there is none.
fn relax(
    objective: &mut dyn SimplexObjective,
    region: Region,
    near: &[f64],
    [tolerance, enough]: [f64; 2],
    budget: &mut Budget,
) -> Option<Cell> {
    budget.spend(cell_cost(objective));
    let mut below = objective.relaxation(region.lower(), region.upper(), Token)?;
    let start = Point::near(below.as_mut(), &region, near, budget);
    let descent = Descent { enough, ..Descent::to(0.2 * tolerance) };
    // Most cells are split or left before they are solved to the end.
    let short = Descent { max_iterations: 200, ..descent };
    let (mut point, stop) = short.run(below.as_mut(), &region, start, budget);
    let mut gaps = vec![0.0; point.h.len()];
    // A part that does not count on the relaxation may be the worst of the function.
    let shares: Vec<f64> = point.multipliers.parts.iter().map(|share| share + 0.01).collect();
    below.add_relaxation_gap(&point.h, &shares, &mut gaps, Token);
    if stop == Termination::Exhausted && gaps.iter().all(|x| *x <= 0.0) {
        (point, _) = descent.run(below.as_mut(), &region, point, budget);
    }
    let bound = if point.is_finite() { point.least(&region) } else { f64::NEG_INFINITY };
    let shares = &point.multipliers.parts;
    let curvature = below.curvature(region.lower(), region.upper(), shares, Token);
    drop(below);
    let mut cell = Cell { region, bound, h: point.h.clone(), gaps };
    if bound.is_finite() {
        cell.shrink(&point, curvature.as_deref(), (enough - bound).max(0.0));
    }
    Some(cell)
}

impl Cell {
    /// Both sides of the middle of domain `i`, as far as mixtures are left there.
    fn halves(&self, i: usize, budget: &mut Budget) -> impl Iterator<Item = Region> {
        let (lower, upper) = self.region.bounds(i);
        let middle = 0.5 * (lower + upper);
        [(lower, middle), (middle, upper)].into_iter().filter_map(move |(lower, upper)| {
            let mut half = self.region.clone();
            half.set_bounds(i, lower, upper);
            budget.spend(half.program_cost());
            half.tighten().then_some(half)
        })
    }

    /// Leaves out what is shown to have values more than `slack` above the bound, rounded outwards.
    ///
    /// A weight that is dearer than the price of weight costs the difference for each unit above its
    /// least, a cheaper one below its most; and at a distance x from where the relaxation is least its
    /// value is higher by at least half the curvature times x^2.
    fn shrink(&mut self, point: &Point, curvature: Option<&[f64]>, slack: f64) {
        let (above, below) = (1.0 + 4.0 * f64::EPSILON, 1.0 - 4.0 * f64::EPSILON);
        for (i, extra) in point.extras(&self.region).into_iter().enumerate() {
            let (mut lower, mut upper) = self.region.bounds(i);
            let reach = slack / extra.abs();
            let distance = curvature.map_or(f64::INFINITY, |c| (2.0 * slack / c[i]).sqrt());
            if extra > 0.0 && reach < upper - lower {
                upper = upper.min((lower + reach) * above);
            } else if extra < 0.0 && reach < upper - lower {
                lower = lower.max((upper - reach) * below);
            }
            if distance.is_finite() {
                lower = lower.max((self.h[i] - distance) * below);
                upper = upper.min((self.h[i] + distance) * above);
            }
            if lower <= upper {
                self.region.set_bounds(i, lower, upper);
            }
        }
    }
}

/// The domain to split, the one that most of the distance to the function is due to; `None` where
/// the relaxation is exact already.
fn widest_gap(cell: &Cell) -> Option<usize> {
    let movable = (0..cell.h.len()).filter(|&i| {
        let (lower, upper) = cell.region.bounds(i);
        upper - lower > NARROW && cell.gaps[i] > 0.0
    });
    movable.max_by(|&i, &j| cell.gaps[i].total_cmp(&cell.gaps[j]))
}
