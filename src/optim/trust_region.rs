use super::sealed::Token;
use super::{
    Control, Minimum, Objective, Optimizer, Point, Termination, bounds, check_tolerance, run,
    start_in,
};
use crate::error::Error;
use crate::linalg::{cholesky, cholesky_solve, dot};

/// A bounded Gauss-Newton method with an adaptive damping: the default for fits.
///
/// Every step minimises the model `g.v + v.(B + damping D).v / 2` within the box and within the trust
/// region `|v_i| <= radius`, where B is the objective's [curvature](Objective::curvature) with the
/// damping as its reserve, and D the largest diagonal of B so far (Moré, 1978), which makes the
/// damping independent of the scale of every variable. In a fit the step is then corrected by half of its
/// geodesic acceleration `a = -(B + damping D)^-1 c`, with c the second derivatives of the residuals
/// along the step, if that is much shorter than the step (Transtrum and Sethna, 2012): badly determined
/// fits lie in long curved valleys, along which straight steps have to be small.
///
/// The damping falls while the model predicts well and rises when a step fails (Nielsen, 1999). The
/// radius, 1 at first, doubles when it limited a good step and halves when it allowed a bad one: it keeps
/// variables that hardly matter from moving far. Variables that a step would move out of the box or the
/// region are set to its edge and the others solved for again. An objective without a curvature gets one
/// by BFGS updates.
///
/// ```
/// use mixlaw::optim::TrustRegion;
///
/// let optimizer = TrustRegion::default().max_iterations(100).tolerance(1e-6);
/// # let _ = optimizer;
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct TrustRegion {
    max_iterations: usize,
    tolerance: f64,
}

impl Default for TrustRegion {
    /// 500 iterations, tolerance 1e-9.
    fn default() -> Self {
        Self { max_iterations: 500, tolerance: 1e-9 }
    }
}

const FIRST_DAMPING: f64 = 1e-2;
/// Below this damping a step is Newton's, and beyond the other it is below rounding.
const MIN_DAMPING: f64 = 1e-15;
const MAX_DAMPING: f64 = 1e16;
const FIRST_RADIUS: f64 = 1.0;
/// The radius guards against long steps only; what makes short ones is the damping.
const MIN_RADIUS: f64 = 0.1;
/// A step bends by at most this fraction of its length.
const MAX_BEND: f64 = 0.375;
/// So many small falls in a row are convergence; one may be bad luck.
const SMALL_FALLS: usize = 3;
/// Where the value falls to zero, a gradient of this fraction of the largest one seen is zero.
const ZERO_GRADIENT: f64 = 1e-12;

impl TrustRegion {
    /// The largest number of iterations.
    #[must_use]
    pub fn max_iterations(self, max_iterations: usize) -> Self {
        Self { max_iterations, ..self }
    }

    /// Stops when the value has fallen by less than this fraction of it, three times in a row. A finite
    /// number, at least 0.
    #[must_use]
    pub fn tolerance(self, tolerance: f64) -> Self {
        Self { tolerance, ..self }
    }
}

/// How far variable `x` may move within its bounds and the trust region.
fn reach(x: f64, (lower, upper): (f64, f64), radius: f64) -> (f64, f64) {
    ((lower - x).max(-radius), (upper - x).min(radius))
}

/// The model of one run, and buffers for its steps.
struct Steps {
    dim: usize,
    curvature: Vec<f64>,
    /// The reserve that is in it.
    reserve: f64,
    /// The largest diagonal of the curvature so far. A variable whose own curvature is small only
    /// here, because it passes zero, must not take the whole step.
    diagonal: Vec<f64>,
    /// The Cholesky factor of the damped curvature between the free variables.
    factor: Vec<f64>,
    right: Vec<f64>,
    free: Vec<usize>,
    is_free: Vec<bool>,
    step: Vec<f64>,
    second_derivatives: Vec<f64>,
    /// How often these were asked for.
    evaluations: usize,
    /// Whether the objective has no curvature of its own.
    updated: bool,
    damping: f64,
    /// What the next failure multiplies the damping by.
    growth: f64,
    radius: f64,
}

impl Steps {
    fn new(dim: usize) -> Self {
        Self {
            dim,
            curvature: vec![0.0; dim * dim],
            reserve: 0.0,
            diagonal: vec![0.0; dim],
            factor: vec![0.0; dim * dim],
            right: vec![0.0; dim],
            free: Vec::with_capacity(dim),
            is_free: vec![false; dim],
            step: vec![0.0; dim],
            second_derivatives: vec![0.0; dim],
            evaluations: 0,
            updated: false,
            damping: FIRST_DAMPING,
            growth: 2.0,
            radius: FIRST_RADIUS,
        }
    }

    /// The damped curvature between variables `i` and `j`.
    fn damped(&self, i: usize, j: usize) -> f64 {
        let b = self.curvature[i * self.dim + j];
        if i == j { (b + self.damping * self.diagonal[i]).max(f64::MIN_POSITIVE) } else { b }
    }

    /// Whether the last step reached the edge of the trust region.
    fn at_edge(&self) -> bool {
        self.step.iter().any(|s| s.abs() >= self.radius)
    }

    /// Adapts damping and radius to a step that lowered the value by `ratio` times what was
    /// predicted.
    fn succeed(&mut self, ratio: f64) {
        let factor = (1.0 - (2.0 * ratio - 1.0).powi(3)).clamp(0.2, 2.0);
        self.damping = (self.damping * factor).max(MIN_DAMPING);
        self.growth = 2.0;
        if ratio > 0.5 && self.at_edge() {
            self.radius *= 2.0;
        }
    }

    /// Adapts damping and radius to a step that was refused.
    fn fail(&mut self) {
        self.damping *= self.growth;
        self.growth *= 2.0;
        if self.at_edge() {
            self.radius = (0.5 * self.radius).max(MIN_RADIUS);
        }
    }

    /// The step within the box into `self.step`; returns the fall that the model predicts, or `None`
    /// if no step lowers the value.
    fn solve(
        &mut self,
        objective: &mut dyn Objective,
        at: &Point,
        bounds: &[(f64, f64)],
    ) -> Option<f64> {
        let n = self.dim;
        self.step.fill(0.0);
        self.free.clear();
        self.free.extend((0..n).filter(|&i| !at.is_held(i, bounds)));
        let mut is_solved = false;
        // Freeing variables again might never end: that many solves are enough.
        for _ in 0..=2 * n {
            let m = self.free.len();
            self.solve_free(at)?;
            self.hold_outside(at, bounds);
            is_solved = self.free.len() == m;
            if (is_solved || self.free.is_empty()) && !self.free_again(at, bounds) {
                break;
            }
        }
        let bend: f64 = (0..n)
            .map(|i| self.step[i] * dot(&self.curvature[i * n..(i + 1) * n], &self.step))
            .sum();
        let fall = -dot(&at.g, &self.step) - 0.5 * bend;
        if !(fall > 0.0 && fall.is_finite()) {
            return None;
        }
        (!is_solved || self.accelerate(objective, at, bounds)).then_some(fall)
    }

    /// Solves for the step in the free variables, the others being where they are; `None` if the damped
    /// curvature between them is not positive definite.
    fn solve_free(&mut self, at: &Point) -> Option<()> {
        let (n, m) = (self.dim, self.free.len());
        self.is_free.fill(false);
        self.free.iter().for_each(|&i| self.is_free[i] = true);
        for a in 0..m {
            let i = self.free[a];
            let fixed: f64 = (0..n)
                .filter(|&j| self.step[j] != 0.0 && !self.is_free[j])
                .map(|j| self.damped(i, j) * self.step[j])
                .sum();
            self.right[a] = -at.g[i] - fixed;
            for b in 0..=a {
                self.factor[a * n + b] = self.damped(i, self.free[b]);
            }
        }
        if !cholesky(&mut self.factor, m, n) {
            return None;
        }
        cholesky_solve(&self.factor, m, n, &mut self.right[..m]);
        for (&i, s) in self.free.iter().zip(&self.right) {
            self.step[i] = *s;
        }
        Some(())
    }

    /// Sets the variables that the step carries out of the box or the trust region to the edge, and frees
    /// them no more.
    fn hold_outside(&mut self, at: &Point, bounds: &[(f64, f64)]) {
        let (step, radius) = (&mut self.step, self.radius);
        self.free.retain(|&i| {
            let (lower, upper) = reach(at.x[i], bounds[i], radius);
            let inside = (lower..=upper).contains(&step[i]);
            step[i] = step[i].clamp(lower, upper);
            inside
        });
    }

    /// Bends the step by half of its geodesic acceleration; false if that is not short beside it.
    fn accelerate(
        &mut self,
        objective: &mut dyn Objective,
        at: &Point,
        bounds: &[(f64, f64)],
    ) -> bool {
        let (v, out) = (&self.step, &mut self.second_derivatives);
        if !objective.second_derivatives(&at.x, v, self.reserve, out, Token) {
            return true;
        }
        self.evaluations += 1;
        let m = self.free.len();
        for (right, &i) in self.right.iter_mut().zip(&self.free) {
            *right = -0.5 * self.second_derivatives[i];
        }
        cholesky_solve(&self.factor, m, self.dim, &mut self.right[..m]);
        let squares = self.free.iter().zip(&self.right).map(|(&i, bend)| {
            let scale = self.diagonal[i];
            (scale * bend * bend, scale * self.step[i] * self.step[i])
        });
        let (bend, step) = squares.fold((0.0, 0.0), |(a, b), (c, d)| (a + c, b + d));
        if bend.sqrt() > MAX_BEND * step.sqrt() {
            return false;
        }
        for (&i, bend) in self.free.iter().zip(&self.right) {
            let (lower, upper) = reach(at.x[i], bounds[i], self.radius);
            self.step[i] = (self.step[i] + bend).clamp(lower, upper);
        }
        true
    }

    /// Frees the variables at an edge that the model, with all the others where they are now, pulls
    /// back; false if there are none.
    fn free_again(&mut self, at: &Point, bounds: &[(f64, f64)]) -> bool {
        let before = self.free.len();
        for i in 0..self.dim {
            if at.is_held(i, bounds) || self.free[..before].contains(&i) {
                continue;
            }
            let pull: f64 = (0..self.dim).map(|j| self.damped(i, j) * self.step[j]).sum();
            if (at.g[i] + pull) * self.step[i] > 0.0 {
                self.free.push(i);
            }
        }
        self.free.len() > before
    }

    /// The curvature at a point, from the objective or by a BFGS update from the last one.
    fn update(&mut self, objective: &mut dyn Objective, at: &Point, last: Option<&Point>) {
        self.reserve = self.damping.min(1.0);
        if self.updated || !objective.curvature(&at.x, self.reserve, &mut self.curvature) {
            self.updated = true;
            self.update_by_gradients(at, last);
        }
        for (i, largest) in self.diagonal.iter_mut().enumerate() {
            *largest = largest.max(self.curvature[i * self.dim + i]);
        }
    }

    fn update_by_gradients(&mut self, at: &Point, last: Option<&Point>) {
        let n = self.dim;
        let b = &mut self.curvature;
        let Some(last) = last else {
            // So that the first step has about the length of one in every variable.
            let size = at.g.iter().fold(0.0f64, |m, g| m.max(g.abs()));
            b.fill(0.0);
            (0..n).for_each(|i| b[i * n + i] = size);
            return;
        };
        let s: Vec<f64> = at.x.iter().zip(&last.x).map(|(a, b)| a - b).collect();
        let y: Vec<f64> = at.g.iter().zip(&last.g).map(|(a, b)| a - b).collect();
        let bs: Vec<f64> = (0..n).map(|i| dot(&b[i * n..(i + 1) * n], &s)).collect();
        let (sy, sbs) = (dot(&s, &y), dot(&s, &bs));
        if sy > 1e-12 * (dot(&s, &s) * dot(&y, &y)).sqrt() && sbs > 0.0 {
            for i in 0..n {
                for j in 0..n {
                    b[i * n + j] += y[i] * y[j] / sy - bs[i] * bs[j] / sbs;
                }
            }
        }
    }
}

/// One call on one objective.
struct Run<'a> {
    objective: &'a mut dyn Objective,
    bounds: Vec<(f64, f64)>,
    at: Point,
    /// The point before, once there is one.
    last: Point,
    is_first: bool,
    trial: Point,
    steps: Steps,
    /// Of the value and the gradient.
    evaluations: usize,
}

impl<'a> Run<'a> {
    fn new(objective: &'a mut dyn Objective, bounds: Vec<(f64, f64)>, start: Vec<f64>) -> Self {
        let at = Point::new(objective, start);
        let (last, trial, steps) = (at.clone(), at.clone(), Steps::new(at.x.len()));
        Self { objective, bounds, at, last, is_first: true, trial, steps, evaluations: 1 }
    }

    /// All evaluations.
    fn evaluations(&self) -> usize {
        self.evaluations + self.steps.evaluations
    }

    /// Takes a step that lowers the value, the first that is not refused; otherwise why there is none.
    fn step(&mut self) -> Result<(), Termination> {
        let last = (!self.is_first).then_some(&self.last);
        self.steps.update(self.objective, &self.at, last);
        while self.steps.damping <= MAX_DAMPING {
            let Some(expected) = self.steps.solve(self.objective, &self.at, &self.bounds) else {
                self.steps.fail();
                continue;
            };
            if let Some(ratio) = self.attempt(expected) {
                std::mem::swap(&mut self.last, &mut self.at);
                std::mem::swap(&mut self.at, &mut self.trial);
                self.is_first = false;
                self.steps.succeed(ratio);
                return Ok(());
            }
            // What is predicted is below rounding: this is as low as it gets.
            if expected <= 1e-15 * self.at.value.abs() {
                return Err(Termination::Converged);
            }
            self.steps.fail();
        }
        Err(Termination::NoProgress)
    }

    /// Evaluates the trial that the step leads to; its fall over the expected one if that will do.
    fn attempt(&mut self, expected: f64) -> Option<f64> {
        let Self { at, trial, bounds, steps, .. } = self;
        for (i, x) in trial.x.iter_mut().enumerate() {
            // Rounding must not carry it out of the box.
            *x = (at.x[i] + steps.step[i]).max(bounds[i].0).min(bounds[i].1);
        }
        trial.value = self.objective.value(&trial.x);
        self.evaluations += 1;
        let fall = at.value - trial.value;
        let ratio = fall / expected;
        if !(fall > 0.0 && ratio > 1e-4) {
            return None;
        }
        let again = self.objective.value_gradient(&trial.x, &mut trial.g);
        self.evaluations += 1;
        (again.is_finite() && trial.is_finite()).then_some(ratio)
    }
}

impl TrustRegion {
    fn search(
        &self,
        objective: &mut dyn Objective,
        start: &[f64],
        control: &mut Control,
    ) -> Minimum {
        let bounds = bounds(objective);
        let start = match start_in(&bounds, start) {
            Ok(start) => start,
            Err(minimum) => return minimum,
        };
        let mut run = Run::new(objective, bounds, start);
        let is_finite = run.at.is_finite();
        let termination =
            if is_finite { self.descend(&mut run, control) } else { Termination::StartNotFinite };
        let evaluations = run.evaluations();
        run.at.into_minimum(&run.bounds, termination, evaluations)
    }

    /// Steps until one of the reasons to stop.
    fn descend(&self, run: &mut Run<'_>, control: &Control) -> Termination {
        let (mut small_falls, mut largest_gradient) = (0, 0.0);
        for _ in 0..self.max_iterations {
            if run.at.has_vanished(&run.bounds, &mut largest_gradient, ZERO_GRADIENT) {
                return Termination::GradientVanished;
            }
            if let Err(termination) = run.step() {
                return termination;
            }
            let (before, value) = (run.last.value, run.at.value);
            let is_small = before - value <= self.tolerance * before.abs();
            small_falls = if is_small { small_falls + 1 } else { 0 };
            if control.should_stop(run.evaluations(), value) {
                return Termination::Stopped;
            }
            if small_falls == SMALL_FALLS {
                return Termination::Converged;
            }
        }
        Termination::Exhausted
    }
}

impl Optimizer for TrustRegion {
    fn check(&self) -> Result<(), Error> {
        check_tolerance(self.tolerance)
    }

    fn local_solves(&self, _: &mut dyn Objective) -> Option<usize> {
        Some(1)
    }

    fn minimize(
        &self,
        objective: &mut dyn Objective,
        start: &[f64],
        control: &mut Control,
    ) -> Minimum {
        run(self, objective, start, control, |f, control| self.search(f, start, control))
    }
}
