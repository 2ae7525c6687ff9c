use super::SimplexObjective;
use super::branch_and_bound::prove;
use super::descent::{Descent, Point, Step};
use super::mirror_step::{Landing, mirror_step};
use super::region::Region;
use crate::error::SimplexError;
use crate::mixture::Mixture;
use crate::optim::Termination;

/// Mirror descent on the simplex, `h_i <- h_i exp(-eta dL/dh_i)`, normalised (eq. 7), with a
/// certificate.
///
/// Steps are taken in log space, kept within the constraints exactly, and found by backtracking.
/// Where the objective is convex, the Frank-Wolfe gap `<g, h> - min <g, .>` bounds from one run how far
/// the value is from the least that there is. Where it is not, but knows convex functions below itself
/// (the additive and the joint law with any coefficients, their sums and worst cases), runs from
/// several starts are followed by branch and bound. Otherwise the optimum is the best local one of
/// runs from near the uniform mixture and every corner.
///
/// A weight that tends to zero is exactly zero in the end, unless the slope there is infinite.
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
    start: Option<Mixture>,
}

impl Default for SimplexSolver {
    fn default() -> Self {
        Self {
            step: Step::Backtracking,
            tolerance: 1e-10,
            max_iterations: 10_000,
            max_cells: 20_000,
            start: None,
        }
    }
}

/// The weight that a start on a face gives to its absent domains together.
const PULL: f64 = 1e-3;
/// Weights below this are tried at zero.
const NEGLIGIBLE: f64 = 1e-4;
/// Local optima that differ by less in every weight are one.
const SAME: f64 = 1e-3;
/// A lower bound is rounded down by this fraction of the value, more than the rounding of its sums.
const ROUNDING: f64 = 1e-15;

/// How far a lower bound on the value reaches, and how it was shown.
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
    /// Convex functions below the objective were minimised on so many cells that together are the
    /// region.
    BranchAndBound {
        /// How many.
        cells: usize,
    },
    /// None: nothing is known of how the objective bends. The optimum is the best of local ones.
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

/// A constraint that holds the optimum back.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Active {
    /// The constraint in words: `web >= 0` for a domain that is left out.
    pub constraint: String,
    /// What the objective would gain for each unit of weight that the constraint gave way, in nats.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
    pub multiplier: f64,
}

/// The mixture that a [`SimplexSolver`] found, and how sure it is that there is no better one.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Optimum {
    /// The domain weights h*.
    pub weights: Mixture,
    /// The value there, in nats for a [`MixtureObjective`](super::MixtureObjective).
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
    pub value: f64,
    /// No mixture that keeps the constraints has a value below this; `None` if that cannot be shown.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
    pub lower_bound: Option<f64>,
    /// How the lower bound was shown.
    pub certificate: Certificate,
    /// By how much the first-order conditions (Karush, Kuhn, Tucker) are missed: the gap
    /// `<g, h> - min <g, .>` over the mixtures that keep the constraints, in the unit of the value.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
    pub residual: f64,
    /// The constraints that hold the optimum back, strongest first.
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

impl Optimum {
    /// `value - lower_bound`: by how much the value could be lowered at most; `None` without a bound.
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
    /// Backtracking steps, a gap of 1e-10 of the value, at most 10,000 iterations from each start and
    /// 20,000 cells.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The rule for the step.
    #[must_use]
    pub fn step(self, step: Step) -> Self {
        Self { step, ..self }
    }

    /// Stops when the gap is below this fraction of the value; so does the search of cells.
    #[must_use]
    pub fn tolerance(self, tolerance: f64) -> Self {
        Self { tolerance, ..self }
    }

    /// The largest number of iterations from each start.
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

    /// Descends from this mixture alone. One on a face is pulled inside by 0.001, one outside of the
    /// constraints is moved to the nearest mixture that keeps them.
    #[must_use]
    pub fn start(self, start: Mixture) -> Self {
        Self { start: Some(start), ..self }
    }

    /// Minimises a function of the domain weights over all mixtures.
    ///
    /// # Panics
    /// If the objective has no domains, or another number of them than the start.
    pub fn minimize(&self, objective: &mut dyn SimplexObjective) -> Optimum {
        let region = Region::simplex(objective.dim());
        self.minimize_within(objective, &region).expect("one weight for each domain")
    }

    /// Minimises a function of the domain weights over the mixtures of a region.
    ///
    /// # Errors
    /// [`SimplexError::Dimension`] if the region or the start has another number of domains than the
    /// objective.
    pub fn minimize_within(
        &self,
        objective: &mut dyn SimplexObjective,
        region: &Region,
    ) -> Result<Optimum, SimplexError> {
        let k = objective.dim();
        let start = self.start.as_ref().map(|start| ("the start", start.len()));
        for (what, found) in [("the region", region.dim())].into_iter().chain(start) {
            if found != k {
                return Err(SimplexError::Dimension { what, found, expected: k });
            }
        }
        let convex = objective.is_convex();
        let mut iterations = 0;
        let mut runs: Vec<(Point, Termination)> = Vec::new();
        for start in self.starts(k, convex) {
            runs.push(self.run(objective, region, &start, &mut iterations));
        }
        let optima = distinct(&runs);
        let best = runs.into_iter().reduce(|best, other| {
            // Equal up to rounding is the same optimum: keep the first.
            let margin = 1e-12 * best.0.value.abs();
            let better = other.0.value < best.0.value - margin || !best.0.value.is_finite();
            if better { other } else { best }
        });
        let (mut point, termination) = best.expect("there is at least one start");
        let mut lower_bound = None;
        let mut certificate = Certificate::Local { optima };
        if !point.is_finite() {
            // Nothing is known of what is nowhere finite.
        } else if convex {
            lower_bound = Some(point.value - point.gap(region));
            certificate = Certificate::Convex;
        } else if self.max_cells > 0 {
            let tolerance = self.tolerance * point.value.abs();
            let best = point.clone();
            let proof = prove(objective, region, best, tolerance, self.max_cells, &mut iterations);
            if let Some(proof) = proof {
                lower_bound = Some(proof.bound);
                certificate = Certificate::BranchAndBound { cells: proof.cells };
                if proof.best.value < point.value {
                    point = self.with_zeros(objective, region, proof.best, &mut iterations);
                }
            }
        }
        Ok(Optimum {
            residual: point.gap(region),
            active: active(&point, region),
            lower_bound: lower_bound.map(|b| b.min(point.value) - ROUNDING * point.value.abs()),
            value: point.value,
            certificate,
            shares: point.multipliers.parts,
            weights: Mixture::new(point.h).unwrap_or_else(|_| Mixture::uniform(k)),
            iterations,
            termination,
        })
    }

    /// Where to start from: the mixture that was asked for, the uniform one if one is enough, or also
    /// near every corner.
    fn starts(&self, k: usize, convex: bool) -> Vec<Mixture> {
        if let Some(start) = &self.start {
            return vec![start.clone()];
        }
        let near = |i| {
            let corner = Mixture::corner(k, i);
            let weights = corner.iter().map(|w| 0.9 * w + 0.1 / k as f64);
            Mixture::new(weights.collect::<Vec<_>>()).expect("between two mixtures")
        };
        let corners = if convex || k == 1 { 0..0 } else { 0..k };
        std::iter::once(Mixture::uniform(k)).chain(corners.map(near)).collect()
    }

    fn descent(&self, value: f64) -> Descent {
        Descent {
            step: self.step,
            max_iterations: self.max_iterations,
            ..Descent::to(self.tolerance * value.abs())
        }
    }

    /// Mirror descent from one start.
    fn run(
        &self,
        objective: &mut dyn SimplexObjective,
        region: &Region,
        start: &Mixture,
        iterations: &mut usize,
    ) -> (Point, Termination) {
        let k = start.len() as f64;
        let pull = if start.contains(&0.0) { PULL } else { 0.0 };
        let pulled: Vec<f64> = start.iter().map(|h| (1.0 - pull) * h + pull / k).collect();
        let point = Point::near(objective, region, &pulled);
        let (point, termination) =
            self.descent(point.value).run(objective, region, point, iterations);
        if !point.is_finite() {
            return (point, termination);
        }
        (self.with_zeros(objective, region, point, iterations), termination)
    }

    /// The point with its negligible weights at zero, and the others descended again, where that
    /// raises neither the value nor the gap.
    fn with_zeros(
        &self,
        objective: &mut dyn SimplexObjective,
        region: &Region,
        point: Point,
        iterations: &mut usize,
    ) -> Point {
        let negligible =
            |i: &usize| region.bounds(*i).0 == 0.0 && point.h[*i] > 0.0 && point.h[*i] < NEGLIGIBLE;
        let mut candidates: Vec<usize> = (0..point.h.len()).filter(negligible).collect();
        let mut out = point;
        // All at once is right most of the time; what is not comes out one by one.
        while !candidates.is_empty() {
            let mut face = region.clone();
            candidates.iter().for_each(|&i| face.set_bounds(i, 0.0, 0.0));
            if let Some(zero) = self.on_face(objective, region, &face, &out, iterations) {
                out = zero;
                break;
            }
            let largest = |a: &usize, b: &usize| out.h[*a].total_cmp(&out.h[*b]);
            let worst = candidates.iter().copied().max_by(largest).expect("it is not empty");
            candidates.retain(|&i| i != worst);
        }
        out
    }

    /// The optimum on a face, if it is one of the region too.
    fn on_face(
        &self,
        objective: &mut dyn SimplexObjective,
        region: &Region,
        face: &Region,
        from: &Point,
        iterations: &mut usize,
    ) -> Option<Point> {
        if !face.clone().tighten() {
            return None;
        }
        let near = Some(&from.multipliers);
        let mut to = mirror_step(face, &from.h, &from.ln_h, None, 0.0, near);
        to.multipliers.clone_from(&from.multipliers);
        let start = Point::at(objective, face, to);
        let (at, _) = self.descent(from.value).run(objective, face, start, iterations);
        // On the face slopes of its zeros are not seen: look again without it.
        let to = Landing { h: at.h, ln_h: at.ln_h, multipliers: at.multipliers };
        let at = Point::at(objective, region, to);
        let rounding = 4.0 * f64::EPSILON * from.value.abs();
        let enough = from.gap(region).max(self.tolerance * from.value.abs()) + rounding;
        (at.is_finite() && at.value <= from.value + rounding && at.gap(region) <= enough)
            .then_some(at)
    }
}

/// How many local optima differ from each other.
fn distinct(runs: &[(Point, Termination)]) -> usize {
    let mut seen: Vec<&[f64]> = Vec::new();
    for (point, _) in runs.iter().filter(|(point, stop)| point.is_finite() && stop.converged()) {
        let same = |h: &&[f64]| h.iter().zip(&point.h).all(|(a, b)| (a - b).abs() < SAME);
        if !seen.iter().any(same) {
            seen.push(&point.h);
        }
    }
    seen.len()
}

/// The constraints at which the point stands, with their multipliers.
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
    use super::*;
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
            assert_eq!(stuck.termination, Termination::NoProgress);
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
    fn nowhere_finite_is_a_result() {
        let nan = |_: &[f64], _: &mut [f64]| f64::NAN;
        let best = SimplexSolver::new().minimize(&mut Function(2, nan));
        assert_eq!(best.termination, Termination::StartNotFinite);
    }
}
