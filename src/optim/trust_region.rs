use super::{
    Control, Minimum, Objective, Optimizer, Termination, bounds, check_tolerance, has_vanished,
    is_held, is_solve, optimality, run, start_in,
};
use crate::error::SettingError;
use crate::linalg::{cholesky, cholesky_solve, dot};

/// A bounded Gauss-Newton method with an adaptive damping: the default for fits.
///
/// Every step minimises the model `g.v + v.(B + damping D).v / 2` within the box and within the trust
/// region `|v_i| <= radius`, where B is the objective's [curvature](Objective::curvature) with the
/// damping as its reserve, and D the largest diagonal of B so far (Moré, 1978), which makes the
/// damping independent of the scale of every variable. Where the objective knows its
/// [acceleration](Objective::acceleration) c, the step then bends by half of
/// `a = -(B + damping D)^-1 c`, if that is short beside it (Transtrum and Sethna, 2012): badly
/// determined fits lie in long curved valleys, and straight steps along them have to be small.
///
/// The damping falls while the model predicts well and rises when a step fails (Nielsen, 1999). The
/// radius, 1 at first, doubles where it was in the way of a good step and halves where it let a bad
/// one through: it keeps variables that hardly matter from being thrown across the box. Variables
/// that a step would carry out of either are set to its edge and the others solved for again, then
/// those that this pulls back inside too. An objective without a curvature gets one by BFGS updates.
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
    acceleration: Vec<f64>,
    /// How often it was asked for.
    accelerations: usize,
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
            acceleration: vec![0.0; dim],
            accelerations: 0,
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
    /// where there is no step downhill.
    fn solve(
        &mut self,
        objective: &mut dyn Objective,
        x: &[f64],
        g: &[f64],
        bounds: &[(f64, f64)],
    ) -> Option<f64> {
        let n = self.dim;
        self.step.fill(0.0);
        self.free.clear();
        self.free.extend((0..n).filter(|&i| !is_held(x[i], g[i], bounds[i])));
        let mut is_solved = false;
        // Freeing variables again could go round in circles: that many solves are enough.
        for _ in 0..=2 * n {
            let m = self.free.len();
            self.is_free.fill(false);
            self.free.iter().for_each(|&i| self.is_free[i] = true);
            for a in 0..m {
                let i = self.free[a];
                let fixed: f64 = (0..n)
                    .filter(|&j| self.step[j] != 0.0 && !self.is_free[j])
                    .map(|j| self.damped(i, j) * self.step[j])
                    .sum();
                self.right[a] = -g[i] - fixed;
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
            let (step, radius) = (&mut self.step, self.radius);
            self.free.retain(|&i| {
                let (lower, upper) = reach(x[i], bounds[i], radius);
                let inside = (lower..=upper).contains(&step[i]);
                step[i] = step[i].clamp(lower, upper);
                inside
            });
            is_solved = self.free.len() == m;
            if (is_solved || self.free.is_empty()) && !self.free_again(x, g, bounds) {
                break;
            }
        }
        let bend: f64 = (0..n)
            .map(|i| self.step[i] * dot(&self.curvature[i * n..(i + 1) * n], &self.step))
            .sum();
        let fall = -dot(g, &self.step) - 0.5 * bend;
        if !(fall > 0.0 && fall.is_finite()) {
            return None;
        }
        (!is_solved || self.accelerate(objective, x, bounds)).then_some(fall)
    }

    /// Bends the step by half of its acceleration, if that is short beside it.
    fn accelerate(
        &mut self,
        objective: &mut dyn Objective,
        x: &[f64],
        bounds: &[(f64, f64)],
    ) -> bool {
        if !objective.acceleration(x, &self.step, self.reserve, &mut self.acceleration) {
            return true;
        }
        self.accelerations += 1;
        let m = self.free.len();
        for (right, &i) in self.right.iter_mut().zip(&self.free) {
            *right = -0.5 * self.acceleration[i];
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
            let (lower, upper) = reach(x[i], bounds[i], self.radius);
            self.step[i] = (self.step[i] + bend).clamp(lower, upper);
        }
        true
    }

    /// Frees the variables at an edge that the model, with all the others where they are now, pulls
    /// back; false if there are none.
    fn free_again(&mut self, x: &[f64], g: &[f64], bounds: &[(f64, f64)]) -> bool {
        let before = self.free.len();
        for i in 0..self.dim {
            if is_held(x[i], g[i], bounds[i]) || self.free[..before].contains(&i) {
                continue;
            }
            let pull: f64 = (0..self.dim).map(|j| self.damped(i, j) * self.step[j]).sum();
            if (g[i] + pull) * self.step[i] > 0.0 {
                self.free.push(i);
            }
        }
        self.free.len() > before
    }

    /// The curvature at `x`, from the objective or by a BFGS update from the last point.
    fn update(
        &mut self,
        objective: &mut dyn Objective,
        x: &[f64],
        g: &[f64],
        last: Option<(&[f64], &[f64])>,
    ) {
        self.reserve = self.damping.min(1.0);
        if self.updated || !objective.curvature(x, self.reserve, &mut self.curvature) {
            self.updated = true;
            self.update_by_gradients(x, g, last);
        }
        for (i, largest) in self.diagonal.iter_mut().enumerate() {
            *largest = largest.max(self.curvature[i * self.dim + i]);
        }
    }

    fn update_by_gradients(&mut self, x: &[f64], g: &[f64], last: Option<(&[f64], &[f64])>) {
        let n = self.dim;
        let b = &mut self.curvature;
        let Some((last_x, last_g)) = last else {
            // So that the first step has about the length of one in every variable.
            let size = g.iter().fold(0.0f64, |m, g| m.max(g.abs()));
            b.fill(0.0);
            (0..n).for_each(|i| b[i * n + i] = size);
            return;
        };
        let s: Vec<f64> = x.iter().zip(last_x).map(|(a, b)| a - b).collect();
        let y: Vec<f64> = g.iter().zip(last_g).map(|(a, b)| a - b).collect();
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

impl TrustRegion {
    fn search(
        &self,
        objective: &mut dyn Objective,
        start: &[f64],
        control: &mut Control,
    ) -> Minimum {
        let bounds = bounds(objective);
        let mut x = match start_in(&bounds, start) {
            Ok(x) => x,
            Err(minimum) => return minimum,
        };
        let mut g = vec![0.0; x.len()];
        let mut value = objective.value_gradient(&x, &mut g);
        let mut evaluations = 1;
        let mut steps = Steps::new(x.len());
        let (mut trial, mut trial_g) = (x.clone(), g.clone());
        let (mut last_x, mut last_g) = (x.clone(), g.clone());
        let mut is_first = true;
        let mut small_falls = 0;
        let mut largest_gradient = 0.0f64;
        let is_finite =
            |value: f64, g: &[f64]| value.is_finite() && g.iter().all(|g| g.is_finite());
        let termination = 'search: {
            if !is_finite(value, &g) {
                break 'search Termination::StartNotFinite;
            }
            for _ in 0..self.max_iterations {
                let free = (0..x.len()).filter(|&i| !is_held(x[i], g[i], bounds[i]));
                let size = free.map(|i| g[i].abs()).fold(0.0, f64::max);
                largest_gradient = largest_gradient.max(size);
                let optimality = optimality(&x, value, &g, &bounds);
                if has_vanished(size, largest_gradient, optimality, ZERO_GRADIENT) {
                    break 'search Termination::GradientVanished;
                }
                let last = (!is_first).then_some((&last_x[..], &last_g[..]));
                steps.update(objective, &x, &g, last);
                loop {
                    if steps.damping > MAX_DAMPING {
                        break 'search Termination::NoProgress;
                    }
                    let Some(expected) = steps.solve(objective, &x, &g, &bounds) else {
                        steps.fail();
                        continue;
                    };
                    for i in 0..x.len() {
                        // Rounding must not carry it out of the box.
                        trial[i] = (x[i] + steps.step[i]).max(bounds[i].0).min(bounds[i].1);
                    }
                    let trial_value = objective.value(&trial);
                    evaluations += 1;
                    let fall = value - trial_value;
                    let ratio = fall / expected;
                    if fall > 0.0 && ratio > 1e-4 {
                        let again = objective.value_gradient(&trial, &mut trial_g);
                        evaluations += 1;
                        if is_finite(again, &trial_g) {
                            let small = fall <= self.tolerance * value.abs();
                            small_falls = if small { small_falls + 1 } else { 0 };
                            std::mem::swap(&mut last_x, &mut x);
                            std::mem::swap(&mut last_g, &mut g);
                            x.copy_from_slice(&trial);
                            g.copy_from_slice(&trial_g);
                            value = trial_value;
                            is_first = false;
                            steps.succeed(ratio);
                            break;
                        }
                    }
                    // What is predicted is below rounding: this is as low as it gets.
                    if expected <= 1e-15 * value.abs() {
                        break 'search Termination::Converged;
                    }
                    steps.fail();
                }
                if control.should_stop(evaluations + steps.accelerations, value) {
                    break 'search Termination::Stopped;
                }
                if small_falls == SMALL_FALLS {
                    break 'search Termination::Converged;
                }
            }
            Termination::Exhausted
        };
        Minimum {
            optimality: optimality(&x, value, &g, &bounds),
            x,
            value,
            termination,
            evaluations: evaluations + steps.accelerations,
            local_solves: usize::from(is_solve(termination)),
        }
    }
}

impl Optimizer for TrustRegion {
    fn check(&self) -> Result<(), SettingError> {
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
