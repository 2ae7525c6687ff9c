use std::ops::ControlFlow;

use super::SimplexObjective;
use super::branch_and_bound::prove;
use super::budget::Budget;
use super::descent::{Descent, Point, Step};
use super::mirror_step::{Landing, mirror_step};
use super::region::Region;
use super::scaled::{Scaled, factor_for};

use crate::error::{Error, ErrorKind, listed};
use crate::mixture::Mixture;
use crate::optim::{Control, Observer, Progress, Termination};

/// Mirror descent on the simplex, `h_i <- h_i exp(-eta dL/dh_i)`, normalised (eq. 7), with a
/// certificate.
///
/// Steps are taken in log space, kept within the constraints exactly, and found by backtracking.
/// Where the objective is convex, the Frank-Wolfe gap `<g, h> - min <g, .>` of one run bounds how far the
/// value is above the least one. Where it is not convex but convex functions below it are known (the
/// additive and the joint law with any coefficients, their sums and worst cases), runs from several starts
/// are followed by branch and bound. Otherwise the optimum is the best local one of runs from near the
/// uniform mixture and every corner.
///
/// A weight that tends to zero is exactly zero in the end, unless the slope there is infinite.
///
/// A call ends when its budget is spent ([`SimplexSolver::budget`]), with the best mixture and the best
/// bound so far. The budget is a count, so that the same call gives the same answer on
/// every machine.
///
/// ```
/// use mixlaw::simplex::{SimplexSolver, Step};
///
/// let paper = SimplexSolver::new().step(Step::Fixed(0.1)).max_iterations(5_000);
/// # let _ = paper;
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct SimplexSolver {
    step: Step,
    tolerance: f64,
    max_iterations: usize,
    max_cells: usize,
    budget: usize,
    start: Option<Mixture>,
    observer: Option<Observer>,
}

impl Default for SimplexSolver {
    fn default() -> Self {
        Self {
            step: Step::Backtracking,
            tolerance: 1e-10,
            max_iterations: 10_000,
            max_cells: 20_000,
            budget: 200_000_000,
            start: None,
            observer: None,
        }
    }
}

/// The weight that a start on a face gives to its absent domains together.
const PULL: f64 = 1e-3;
/// Weights below this are tried at zero.
const NEGLIGIBLE: f64 = 1e-4;
/// Local optima that differ by less in every weight are one.
const SAME: f64 = 1e-3;

/// How the lower bound on the value was shown, if there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case")
)]
#[non_exhaustive]
pub enum Certificate {
    /// The objective is convex: the Frank-Wolfe gap is a bound for all mixtures.
    Convex,
    /// Convex functions below the objective were minimised on cells that together cover the region.
    BranchAndBound {
        /// How many.
        cells: usize,
    },
    /// None: the objective is not known to be convex, and no convex function below it is known. The
    /// optimum is the best local one that was found.
    Local {
        /// How many distinct ones were found.
        optima: usize,
    },
}

impl std::fmt::Display for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Convex => f.write_str("convex"),
            Self::BranchAndBound { cells } => write!(f, "branch and bound, {cells} cells"),
            Self::Local { optima } => write!(f, "local, best of {optima}"),
        }
    }
}

/// A constraint that is active: without it the optimum would be better.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Active {
    /// The constraint in words: `web >= 0` for a domain that is left out.
    pub constraint: String,
    /// What the objective would gain for each unit of weight by which the constraint is relaxed, in nats.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
    pub multiplier: f64,
}

/// The mixture that a [`SimplexSolver`] found, and how much better any other could be.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Optimum {
    /// The domain weights h*.
    pub weights: Mixture,
    /// The value there, in nats for the objective of a [`Plan`](crate::Plan).
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
    pub value: f64,
    /// No mixture that keeps the constraints has a value below this, with rounding errors counted; `None`
    /// if no bound can be shown.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
    pub lower_bound: Option<f64>,
    /// How the lower bound was shown.
    pub certificate: Certificate,
    /// By how much the first-order conditions (Karush, Kuhn, Tucker) do not hold: the gap
    /// `<g, h> - min <g, .>` over the mixtures that keep the constraints, in the unit of the value.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
    pub residual: f64,
    /// The active constraints, the one with the largest multiplier first.
    pub active: Vec<Active>,
    /// How much each part of a worst case counts at the optimum: the weights for which the weighted
    /// sum of the parts has the same optimum. One entry, 1, for other objectives.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
    pub shares: Vec<f64>,
    /// Iterations of mirror descent, over all starts and cells.
    pub iterations: usize,
    /// Why the best run stopped.
    pub termination: Termination,
}

/// The value, its bound, and the active constraints. [`Mixture::named`] of [`Optimum::weights`] prints with
/// the names of domains.
impl std::fmt::Display for Optimum {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "value {:.6}", self.value)?;
        match self.gap() {
            Some(gap) => write!(f, ", at most {gap:.1e} above the least")?,
            None => f.write_str(", without a lower bound")?,
        }
        write!(f, " ({}); {} iterations: {}", self.certificate, self.iterations, self.termination)?;
        if !self.active.is_empty() {
            let active = self.active.iter();
            let names: Vec<&str> = active.map(|active| active.constraint.as_str()).collect();
            write!(f, "\nheld back by {}", listed(&names, "; "))?;
        }
        Ok(())
    }
}

impl Optimum {
    /// `value - lower_bound`: by how much any other mixture can be better at most; `None` without a bound.
    #[must_use]
    pub fn gap(&self) -> Option<f64> {
        self.lower_bound.map(|bound| self.value - bound)
    }

    /// Whether the value is shown to be within 1e-9 of the least (relative to the value, where that
    /// is larger than one).
    #[must_use]
    pub fn is_certified(&self) -> bool {
        self.gap().is_some_and(|gap| gap <= 1e-9 * self.value.abs().max(1.0))
    }
}

impl SimplexSolver {
    /// Backtracking steps, a gap of 1e-10 of the value, at most 10,000 iterations from each start,
    /// 20,000 cells and a budget of 2e8.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The rule for the step.
    #[must_use]
    pub fn step(self, step: Step) -> Self {
        Self { step, ..self }
    }

    /// Stops when the gap is below this fraction of the value, or of the largest reference of a worst
    /// excess; so does the search of cells. A finite number >= 0.
    #[must_use]
    pub fn tolerance(self, tolerance: f64) -> Self {
        Self { tolerance, ..self }
    }

    /// The largest number of iterations from each start, at least 1.
    #[must_use]
    pub fn max_iterations(self, max_iterations: usize) -> Self {
        Self { max_iterations, ..self }
    }

    /// The largest number of cells that a certificate may cost. With 0 there is none for an objective
    /// that is not convex, and the optimum is the best local one.
    #[must_use]
    pub fn max_cells(self, max_cells: usize) -> Self {
        Self { max_cells, ..self }
    }

    /// About how many terms all starts and cells together may sum up, at least 1: an evaluation costs one
    /// for each domain and part, or what the formulas of its laws need, and each step as much as it
    /// computes. The default, 2e8, lasts some seconds; ordinary problems need a small part of it. Half of it
    /// is for the descents, which share it evenly; the rest is for cells.
    ///
    /// ```
    /// use mixlaw::law::{JointLaw, ScalingLaw};
    /// use mixlaw::{Plan, Predictor, Scale, SimplexSolver};
    ///
    /// let law = JointLaw::new(&["web", "code"], Scale::ONE)?;
    /// let z = law.coordinates_of(&[
    ///     ("E", 1.5), ("C[web]", 1.0), ("gamma[web]", 0.5), ("C[code]", 2.0), ("gamma[code]", 0.5),
    ///     ("gamma_A", 0.4), ("ln_C_A[web]", 3.0), ("ln_C_A[code]", 4.0), ("alpha", 0.3),
    ///     ("gamma_B", 0.4), ("ln_C_B[web]", 4.0), ("ln_C_B[code]", 3.0), ("beta", 0.3),
    /// ])?;
    /// let plan = Plan::builder().target(1.0, Predictor::new("python", law, &z)?).build()?;
    /// let mut objective = plan.objective(Scale { n: 1e3, d: 1e3 })?;
    /// let short = SimplexSolver::new().budget(100).minimize(&mut objective);
    /// let best = SimplexSolver::new().minimize(&mut objective);
    /// // The bound shows what was left undone.
    /// assert!(best.is_certified() && short.iterations < best.iterations);
    /// assert!(short.lower_bound < Some(best.value) && short.value >= best.value);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn budget(self, budget: usize) -> Self {
        Self { budget, ..self }
    }

    /// A solver that has this share of the budget, for one of several problems that are solved together.
    pub(crate) fn share_of_budget(self, problems: usize) -> Self {
        let budget = self.budget.div_ceil(problems.max(1));
        Self { budget, ..self }
    }

    /// Descends from this mixture alone. Weights of 0 are raised to about 0.001 first, and a mixture
    /// outside the constraints is moved to the nearest one that keeps them.
    #[must_use]
    pub fn start(self, start: Mixture) -> Self {
        Self { start: Some(start), ..self }
    }

    /// Whether it was given a start.
    pub(crate) fn has_start(&self) -> bool {
        self.start.is_some()
    }

    /// Calls `observer` with the [`Progress`] of every call, the iterations of mirror descent that are
    /// done, whose number is not known before. It can stop the call, within an iteration: the optimum is
    /// then the best mixture so far, with the bound so far and the termination [`Termination::Stopped`].
    #[must_use]
    pub fn observe(
        self,
        observer: impl FnMut(&Progress) -> ControlFlow<()> + Send + 'static,
    ) -> Self {
        Self { observer: Some(Observer::new(observer)), ..self }
    }

    /// Whether every setting is in its range.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let error = |name: &str, value: f64, expected| Err(Error::setting(name, value, expected));
        if !(self.tolerance.is_finite() && self.tolerance >= 0.0) {
            return error("tolerance", self.tolerance, "a finite number >= 0");
        }
        for (name, value) in [("max_iterations", self.max_iterations), ("budget", self.budget)] {
            if value == 0 {
                return error(name, 0.0, "at least 1");
            }
        }
        match self.step {
            Step::Fixed(eta) if !(eta.is_finite() && eta > 0.0) => {
                error("the fixed step", eta, "a finite number > 0")
            }
            _ => Ok(()),
        }
    }

    /// Minimises a function of the domain weights over all mixtures.
    ///
    /// With a setting out of its range the optimum is the start, without a bound, and its termination
    /// [`Termination::InvalidSetting`].
    ///
    /// # Panics
    /// If the objective has no domains or no parts, or another number of domains than the start.
    pub fn minimize(&self, objective: &mut dyn SimplexObjective) -> Optimum {
        let (region, call) = (Region::simplex(objective.dim()), self.call());
        let optimum = self.solve(objective, &region, call.clone());
        call.complete();
        optimum.expect("one weight for each domain and at least one part")
    }

    /// Minimises a function of the domain weights over the mixtures of a region.
    ///
    /// # Errors
    /// [`ErrorKind::Length`] if the region or the start has another number of domains than the
    /// objective, [`ErrorKind::Setting`] if a setting is out of its range, and
    /// [`ErrorKind::NotFinite`] if the objective is not a finite number at any of the starts.
    pub fn minimize_within(
        &self,
        objective: &mut dyn SimplexObjective,
        region: &Region,
    ) -> Result<Optimum, Error> {
        let call = self.call();
        let optimum = self.minimize_for(objective, region, call.clone());
        call.complete();
        optimum
    }

    /// As [`SimplexSolver::minimize_within`], for a call with an observer of its own.
    pub(crate) fn minimize_for(
        &self,
        objective: &mut dyn SimplexObjective,
        region: &Region,
        call: Control,
    ) -> Result<Optimum, Error> {
        self.check()?;
        let optimum = self.solve(objective, region, call)?;
        match optimum.termination {
            Termination::StartNotFinite => Err(nowhere_finite(optimum.value)),
            _ => Ok(optimum),
        }
    }

    /// A call of the solver alone.
    fn call(&self) -> Control {
        let call = Control::default().observed_by(self.observer.as_ref());
        call.expect("iterations", None);
        call
    }

    fn solve(
        &self,
        objective: &mut dyn SimplexObjective,
        region: &Region,
        call: Control,
    ) -> Result<Optimum, Error> {
        let k = objective.dim();
        let start = self.start.as_ref().map(|start| ("the start", start.len()));
        for (what, found) in [("the region", region.dim())].into_iter().chain(start) {
            if found != k {
                return Err(ErrorKind::Length { what: what.to_owned(), found, expected: k }.into());
            }
        }
        if objective.parts() == 0 {
            let name = "the number of parts of the objective";
            return Err(Error::setting(name, 0.0, "at least 1"));
        }
        let mut budget = Budget::new(self.budget, call);
        let point = Point::near(objective, region, &self.start_point(k, 0), &mut budget);
        if !region.keeps(&point.h) {
            // Not even the middle of a region that is all but empty keeps it.
            return Err(nowhere_finite(f64::NAN));
        }
        if self.check().is_err() {
            let invalid = Solution::local(point, Termination::InvalidSetting, 0);
            return Ok(invalid.into_optimum(region, 1.0, 0));
        }
        // Where numbers are far from one, steps overflow: scale them first.
        let largest = point.parts.slopes.iter().fold(point.size, |m, g| m.max(g.abs()));
        let factor = factor_for(largest);
        let mut scaled = Scaled::new(objective, factor);
        let step = match self.step {
            Step::Fixed(eta) => Step::Fixed((eta / factor).min(f64::MAX)),
            Step::Backtracking => Step::Backtracking,
        };
        let solution = self.clone().step(step).search(&mut scaled, region, &mut budget);
        let mut optimum = solution.into_optimum(region, factor, budget.iterations);
        if budget.is_stopped() {
            optimum.termination = Termination::Stopped;
        }
        Ok(optimum)
    }

    /// The best point that descents from all starts find, and what is shown of it.
    fn search(
        &self,
        objective: &mut dyn SimplexObjective,
        region: &Region,
        budget: &mut Budget,
    ) -> Solution {
        let convex = objective.is_convex();
        let (((point, termination), optima), _) =
            budget.with_share(2, |budget| self.best_of_starts(objective, region, budget));
        let mut solution = Solution::local(point, termination, optima);
        let point = &solution.point;
        if !point.is_finite() {
            // Nothing is known of what is nowhere finite.
            solution.termination = Termination::StartNotFinite;
        } else if convex {
            solution.lower_bound = Some(point.least(region));
            solution.certificate = Certificate::Convex;
        } else if self.max_cells > 0 {
            let tolerance = self.tolerance * point.size;
            let start = point.clone();
            if let Some(proof) = prove(objective, region, start, tolerance, self.max_cells, budget)
            {
                solution.lower_bound = Some(proof.bound);
                solution.certificate = Certificate::BranchAndBound { cells: proof.cells };
                if proof.best.value < point.value {
                    solution.point = self.with_zeros(objective, region, proof.best, budget);
                }
            }
        }
        solution
    }

    /// The best run from all starts, and how many local optima they found.
    fn best_of_starts(
        &self,
        objective: &mut dyn SimplexObjective,
        region: &Region,
        budget: &mut Budget,
    ) -> ((Point, Termination), usize) {
        let k = region.dim();
        // The uniform mixture is enough for a convex objective.
        let several = self.start.is_none() && k > 1 && !objective.is_convex();
        let starts = if several { k + 1 } else { 1 };
        let mut optima: Vec<Vec<f64>> = Vec::new();
        let mut best: Option<((Point, Termination), bool)> = None;
        // Of several starts each has the same, and the best of them as much again as all together.
        budget.with_share(starts.min(2), |budget| {
            for i in 0..starts {
                if i > 0 && budget.is_spent() {
                    break;
                }
                let (run, cut) = budget.with_share(starts - i, |budget| {
                    let point = Point::near(objective, region, &self.start_point(k, i), budget);
                    self.descend(objective, region, point, budget)
                });
                let (point, termination) = &run;
                let same = |h: &Vec<f64>| h.iter().zip(&point.h).all(|(a, b)| (a - b).abs() < SAME);
                let found = point.is_finite() && termination.converged();
                if found && !optima.iter().any(same) {
                    optima.push(point.h.clone());
                }
                // Equal up to rounding is the same optimum: keep the first.
                let better = best.as_ref().is_none_or(|((first, _), _)| {
                    let lower = point.value < first.value - 1e-12 * first.size;
                    point.is_finite() && (lower || !first.is_finite())
                });
                if better {
                    best = Some((run, cut));
                }
            }
        });
        let ((point, termination), cut) = best.expect("there is at least one start");
        if cut && point.is_finite() && !budget.is_spent() {
            return (self.descend(objective, region, point, budget), optima.len());
        }
        ((point, termination), optima.len())
    }

    /// Where to start from: the mixture that was asked for, otherwise first the uniform one, then near
    /// every corner. A start on a face is pulled inside.
    fn start_point(&self, k: usize, i: usize) -> Vec<f64> {
        let uniform = 1.0 / k as f64;
        match (&self.start, i) {
            (Some(start), _) => {
                let pull = if start.contains(&0.0) { PULL } else { 0.0 };
                start.iter().map(|h| (1.0 - pull) * h + pull * uniform).collect()
            }
            (None, 0) => vec![uniform; k],
            (None, i) => {
                let at = |j: usize| if j + 1 == i { 0.9 } else { 0.0 };
                (0..k).map(|j| at(j) + 0.1 / k as f64).collect()
            }
        }
    }

    /// Descents from a point of this size.
    fn descent(&self, size: f64) -> Descent {
        Descent {
            step: self.step,
            max_iterations: self.max_iterations,
            ..Descent::to(self.tolerance * size)
        }
    }

    /// Mirror descent from a point.
    fn descend(
        &self,
        objective: &mut dyn SimplexObjective,
        region: &Region,
        point: Point,
        budget: &mut Budget,
    ) -> (Point, Termination) {
        let (point, termination) = self.descent(point.size).run(objective, region, point, budget);
        if !point.is_finite() {
            return (point, termination);
        }
        (self.with_zeros(objective, region, point, budget), termination)
    }

    /// The point with its negligible weights at zero, and the others descended again, where that
    /// raises neither the value nor the gap.
    fn with_zeros(
        &self,
        objective: &mut dyn SimplexObjective,
        region: &Region,
        point: Point,
        budget: &mut Budget,
    ) -> Point {
        let negligible =
            |i: &usize| region.bounds(*i).0 == 0.0 && point.h[*i] > 0.0 && point.h[*i] < NEGLIGIBLE;
        let mut candidates: Vec<usize> = (0..point.h.len()).filter(negligible).collect();
        // All at once is right most of the time; otherwise those come out that are missed most.
        while !candidates.is_empty() && !budget.is_spent() {
            let mut face = region.clone();
            candidates.iter().for_each(|&i| face.set_bounds(i, 0.0, 0.0));
            budget.spend(face.program_cost());
            let mut missed = vec![false; point.h.len()];
            if face.clone().tighten() {
                let at = self.on_face(objective, region, &face, &point, budget);
                let rounding = 4.0 * f64::EPSILON * point.size;
                let enough = point.gap(region).max(self.tolerance * point.size) + rounding;
                if at.is_finite() && at.value <= point.value + rounding && at.gap(region) <= enough
                {
                    return at;
                }
                missed = at.wants(region, enough);
            }
            let before = candidates.len();
            candidates.retain(|&i| !missed[i]);
            if candidates.len() == before {
                candidates.sort_by(|a, b| point.h[*a].total_cmp(&point.h[*b]));
                candidates.truncate(before / 2);
            }
        }
        point
    }

    /// The optimum on a face, seen as a point of the region: on the face slopes of its zeros do not
    /// count.
    fn on_face(
        &self,
        objective: &mut dyn SimplexObjective,
        region: &Region,
        face: &Region,
        from: &Point,
        budget: &mut Budget,
    ) -> Point {
        let near = Some(&from.multipliers);
        let mut to = mirror_step(face, &from.h, &from.ln_h, None, 0.0, near, budget);
        to.multipliers.clone_from(&from.multipliers);
        let start = Point::at(objective, face, to, budget);
        let (at, _) = self.descent(from.size).run(objective, face, start, budget);
        let to = Landing { h: at.h, ln_h: at.ln_h, multipliers: at.multipliers };
        Point::at(objective, region, to, budget)
    }
}

/// An objective without a finite value to descend from.
fn nowhere_finite(value: f64) -> Error {
    ErrorKind::NotFinite { what: "the objective at every start".to_owned(), value }.into()
}

/// What a search found.
struct Solution {
    point: Point,
    termination: Termination,
    lower_bound: Option<f64>,
    certificate: Certificate,
}

impl Solution {
    /// A point of which nothing is shown.
    fn local(point: Point, termination: Termination, optima: usize) -> Self {
        Self { point, termination, lower_bound: None, certificate: Certificate::Local { optima } }
    }

    /// Of an objective that was multiplied by a factor.
    fn into_optimum(self, region: &Region, factor: f64, iterations: usize) -> Optimum {
        let Self { point, termination, lower_bound, certificate } = self;
        let value = point.value / factor;
        // The smallest numbers of all have few digits, and sums of them are off by as many units.
        let few = f64::from_bits(32 + region.dim() as u64);
        let down = |bound: f64| (bound / factor - few).min(value);
        let mut active = active(&point, region);
        active.iter_mut().for_each(|active| active.multiplier /= factor);
        Optimum {
            residual: point.gap(region) / factor,
            active,
            lower_bound: lower_bound.filter(|bound| !bound.is_nan()).map(down),
            value,
            certificate,
            shares: point.multipliers.parts,
            weights: Mixture::new(point.h).expect("it keeps the region"),
            iterations,
            termination,
        }
    }
}

/// The constraints that the point keeps with equality, with their multipliers.
fn active(point: &Point, region: &Region) -> Vec<Active> {
    let mut slope = point.slope();
    let groups = region.groups().iter().zip(&point.multipliers.groups);
    for (group, y) in groups.clone() {
        slope.iter_mut().zip(&group.a).for_each(|(s, a)| *s += y * a);
    }
    let k = point.h.len();
    let inside = |i: &usize| {
        let (lower, upper) = region.bounds(*i);
        point.h[*i] > lower && point.h[*i] < upper
    };
    let weight: f64 = (0..k).filter(inside).map(|i| point.h[i]).sum();
    let mean = (0..k).filter(inside).map(|i| point.h[i] * slope[i]).sum::<f64>() / weight;
    // Where no weight is inside, the multiplier of the sum lies between those of the two kinds.
    let mean = if weight > 0.0 {
        mean
    } else {
        let at_upper = (0..k).filter(|&i| point.h[i] > region.bounds(i).0).map(|i| slope[i]);
        at_upper.fold(f64::NEG_INFINITY, f64::max)
    };
    let mut out: Vec<Active> = (0..k)
        .filter(|i| !inside(i) && !region.is_fixed(*i))
        .map(|i| {
            let at_lower = point.h[i] <= region.bounds(i).0;
            let multiplier = if at_lower { slope[i] - mean } else { mean - slope[i] };
            Active { constraint: region.label(i, usize::from(!at_lower)), multiplier }
        })
        .chain(groups.map(|(group, y)| Active {
            constraint: group.label(*y).to_owned(),
            multiplier: y.abs(),
        }))
        .filter(|active| active.multiplier > 0.0)
        .collect();
    out.sort_by(|a, b| b.multiplier.total_cmp(&a.multiplier));
    out
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::simplex::Constraints;
    use crate::simplex::sealed::Token;
    use approx::assert_abs_diff_eq;

    struct Function<F>(usize, F);

    impl<F: FnMut(&[f64], &mut [f64]) -> f64 + Send> SimplexObjective for Function<F> {
        fn dim(&self) -> usize {
            self.0
        }

        fn value_gradient(&mut self, h: &[f64], g: &mut [f64]) -> f64 {
            (self.1)(h, g)
        }
    }

    /// `sum_i c_i (h_i - x_i)^2`, whose optimum on the simplex has a closed form in the inside.
    fn bowl(c: [f64; 4], x: [f64; 4]) -> Function<impl FnMut(&[f64], &mut [f64]) -> f64> {
        Function(4, move |h: &[f64], g: &mut [f64]| {
            (0..4).for_each(|i| g[i] = 2.0 * c[i] * (h[i] - x[i]));
            1.0 + (0..4).map(|i| c[i] * (h[i] - x[i]).powi(2)).sum::<f64>()
        })
    }

    #[test]
    fn an_inner_optimum_is_found_to_the_gap() {
        // h_i = x_i + (1 - sum x) / (c_i sum 1/c)
        let (c, x) = ([1.0, 2.0, 4.0, 0.5], [0.1, 0.2, 0.2, 0.3]);
        let inverse: f64 = c.iter().map(|c| 1.0 / c).sum();
        let best = SimplexSolver::new().tolerance(1e-13).minimize(&mut bowl(c, x));
        assert!(best.residual <= 1e-13 * best.value);
        for i in 0..4 {
            assert_abs_diff_eq!(best.weights[i], x[i] + 0.2 / (c[i] * inverse), epsilon = 1e-6);
        }
    }

    #[test]
    fn a_weight_that_wants_to_be_negative_is_exactly_zero() {
        let best = SimplexSolver::new().minimize(&mut bowl([1.0; 4], [0.7, 0.6, -0.3, -0.1]));
        // The projection onto the simplex is (0.55, 0.45, 0, 0).
        assert_eq!(best.weights[2..], [0.0, 0.0]);
        assert_abs_diff_eq!(best.weights[0], 0.55, epsilon = 1e-4);
        assert!(best.residual <= 1e-9);
    }

    #[test]
    fn a_corner_is_exact() {
        let linear = |h: &[f64], g: &mut [f64]| {
            g.copy_from_slice(&[3.0, 2.0, 5.0]);
            3.0 * h[0] + 2.0 * h[1] + 5.0 * h[2]
        };
        let best = SimplexSolver::new().minimize(&mut Function(3, linear));
        assert_eq!(best.weights.weights(), [0.0, 1.0, 0.0]);
        assert_eq!((best.value, best.residual), (2.0, 0.0));
    }

    #[test]
    fn an_infinite_slope_keeps_every_domain() {
        // -2 sum sqrt(h_i) c_i: h_i is proportional to c_i^2.
        let roots = |h: &[f64], g: &mut [f64]| {
            let c = [1.0, 0.1, 0.01];
            (0..3).for_each(|i| g[i] = -c[i] / h[i].sqrt());
            -2.0 * (0..3).map(|i| c[i] * h[i].sqrt()).sum::<f64>()
        };
        let best = SimplexSolver::new().tolerance(1e-12).minimize(&mut Function(3, roots));
        assert_abs_diff_eq!(best.weights[2], 1e-4 / 1.0101, epsilon = 1e-6);
    }

    #[test]
    fn a_step_that_is_none_stays_where_it_is() {
        let (c, x) = ([1.0, 2.0, 4.0, 0.5], [0.1, 0.2, 0.2, 0.3]);
        for eta in [f64::NAN, f64::INFINITY, 0.0, -1.0] {
            let stuck = SimplexSolver::new().step(Step::Fixed(eta)).minimize(&mut bowl(c, x));
            let there = bowl(c, x).value_gradient(&stuck.weights, &mut [0.0; 4]);
            assert_abs_diff_eq!(stuck.value, there, epsilon = 1e-12);
            assert_eq!(stuck.termination, Termination::InvalidSetting);
        }
    }

    #[test]
    fn starts_on_a_face_and_fixed_steps_reach_the_same_optimum() {
        let (c, x) = ([1.0, 2.0, 4.0, 0.5], [0.1, 0.2, 0.2, 0.3]);
        let reference = SimplexSolver::new().minimize(&mut bowl(c, x));
        let solvers = [
            SimplexSolver::new().start(Mixture::corner(4, 2)),
            SimplexSolver::new().step(Step::Fixed(0.05)).max_iterations(100_000),
        ];
        for solver in solvers {
            let best = solver.minimize(&mut bowl(c, x));
            assert_eq!(best.termination, Termination::Converged);
            assert_abs_diff_eq!(best.weights, reference.weights, epsilon = 1e-3);
            assert_abs_diff_eq!(best.value, reference.value, epsilon = 1e-9);
        }
    }

    #[test]
    fn the_best_of_several_local_optima_is_kept() {
        // Concave, with the corners as local minima.
        let concave = |h: &[f64], g: &mut [f64]| {
            let c = [1.0, 1.01, 1.02];
            (0..3).for_each(|i| g[i] = -2.0 * c[i] * h[i]);
            2.0 - (0..3).map(|i| c[i] * h[i] * h[i]).sum::<f64>()
        };
        let best = SimplexSolver::new().minimize(&mut Function(3, concave));
        assert_eq!(best.weights.weights(), [0.0, 0.0, 1.0]);
    }

    #[test]
    fn an_optimum_prints_its_value_and_what_holds_it_back() {
        let best = SimplexSolver::new().minimize(&mut bowl([1.0; 4], [0.7, 0.6, -0.3, -0.1]));
        let text = best.to_string();
        let expected = "value 1.145000, without a lower bound (local, best of ";
        assert!(text.starts_with(expected), "{text}");
        assert!(text.ends_with("\nheld back by weight 2 >= 0; weight 3 >= 0"), "{text}");
        assert_eq!(text.lines().count(), 2);
    }

    /// The largest of `1 - sum_i c_i h_i^2` with a relaxation by chords, and what evaluations of both
    /// cost.
    struct Concave<'a> {
        parts: Vec<Vec<f64>>,
        /// The bounds of a relaxation.
        chords: Option<[Vec<f64>; 2]>,
        spent: &'a AtomicUsize,
    }

    impl SimplexObjective for Concave<'_> {
        fn dim(&self) -> usize {
            self.parts[0].len()
        }

        fn value_gradient(&mut self, h: &[f64], g: &mut [f64]) -> f64 {
            let (m, k) = (self.parts(), h.len());
            let (mut values, mut slopes) = (vec![0.0; m], vec![0.0; m * k]);
            self.parts_gradients(h, &mut values, &mut slopes);
            let worst = (0..m).max_by(|a, b| values[*a].total_cmp(&values[*b])).unwrap();
            g.copy_from_slice(&slopes[worst * k..][..k]);
            values[worst]
        }

        fn parts(&self) -> usize {
            self.parts.len()
        }

        fn parts_gradients(&mut self, h: &[f64], values: &mut [f64], slopes: &mut [f64]) {
            self.spent.fetch_add(self.cost(Token), Ordering::Relaxed);
            let parts = self.parts.iter().zip(values).zip(slopes.chunks_exact_mut(h.len()));
            for ((c, value), slopes) in parts {
                *value = 1.0;
                for i in 0..h.len() {
                    // The chord of h^2 between l and u is (l + u) h - l u.
                    let (square, slope) = match &self.chords {
                        Some([l, u]) => ((l[i] + u[i]) * h[i] - l[i] * u[i], l[i] + u[i]),
                        None => (h[i] * h[i], 2.0 * h[i]),
                    };
                    *value -= c[i] * square;
                    slopes[i] = -c[i] * slope;
                }
            }
        }

        fn relaxation(
            &self,
            lower: &[f64],
            upper: &[f64],
            _: Token,
        ) -> Option<Box<dyn SimplexObjective + '_>> {
            let chords = Some([lower.to_vec(), upper.to_vec()]);
            Some(Box::new(Concave { parts: self.parts.clone(), chords, spent: self.spent }))
        }

        /// The function is `c_i (h_i - l_i) (u_i - h_i)` above its chord.
        fn add_relaxation_gap(&mut self, h: &[f64], shares: &[f64], out: &mut [f64], _: Token) {
            let Some([lower, upper]) = &self.chords else { return };
            for (c, share) in self.parts.iter().zip(shares) {
                for i in 0..h.len() {
                    out[i] += share * c[i] * ((h[i] - lower[i]) * (upper[i] - h[i])).max(0.0);
                }
            }
        }
    }

    #[test]
    fn calls_end_within_their_budget() {
        let spent = AtomicUsize::new(0);
        for (k, m) in [(4, 3), (20, 3), (300, 1), (300, 20)] {
            let part = |t: usize| (0..k).map(move |i| 1.0 + ((i * i + 7 * t) as f64).sin().abs());
            let parts = (0..m).map(|t| part(t).collect()).collect();
            let mut objective = Concave { parts, chords: None, spent: &spent };
            let limits = Constraints::new().at_most("d0", 0.2).group(&["d1", "d2"], 0.05, 0.5);
            let names: Vec<String> = (0..k).map(|i| format!("d{i}")).collect();
            let region = limits.region(&names, 1e9).unwrap();
            for budget in [10_000, 2_000_000] {
                spent.store(0, Ordering::Relaxed);
                let solver = SimplexSolver::new().budget(budget);
                let best = solver.minimize_within(&mut objective, &region).unwrap();
                let cells = match best.certificate {
                    Certificate::BranchAndBound { cells } => cells,
                    _ => 0,
                };
                // One more evaluation is needed for each start and cell, however little is left.
                let most = budget + k * m * (10 * k + 10 * cells + 100);
                let spent = spent.load(Ordering::Relaxed);
                assert!(spent <= most, "{k} {m}: {spent} of {budget}");
                assert_eq!(best, solver.minimize_within(&mut objective, &region).unwrap());
                // Small ones are solved.
                let solved = (k, budget) == (4, 2_000_000);
                assert!(!solved || best.is_certified() && cells > 1, "{best}");
            }
        }
    }

    #[test]
    fn a_relaxation_of_a_test_is_one() {
        let spent = AtomicUsize::new(0);
        let parts = vec![vec![1.0, 2.0, 0.5], vec![0.1, 3.0, 1.0]];
        let mut objective = Concave { parts, chords: None, spent: &spent };
        crate::testing::assert_simplex_objective_contract(&mut objective);
    }

    #[test]
    fn nowhere_finite_is_a_result() {
        let nan = |_: &[f64], _: &mut [f64]| f64::NAN;
        let best = SimplexSolver::new().minimize(&mut Function(2, nan));
        assert_eq!(best.termination, Termination::StartNotFinite);
        assert_eq!((best.lower_bound, best.is_certified()), (None, false));
        // Where an error can be returned it is one.
        let error = SimplexSolver::new()
            .minimize_within(&mut Function(2, nan), &Region::simplex(2))
            .unwrap_err();
        let message = "the objective at every start is NaN, expected a finite number";
        assert_eq!(error.to_string(), message);
    }
}
