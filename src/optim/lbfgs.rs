use std::collections::VecDeque;

use super::{
    Control, Minimum, Objective, Optimizer, Point, Termination, bounds, check_tolerance, clamped,
    is_held, run, start_in,
};
use crate::error::Error;
use crate::linalg::dot;

/// L-BFGS (Liu and Nocedal, 1989) with a line search for the strong Wolfe conditions.
///
/// In a box, variables that their gradient holds at a bound are left out of the step, and a step ends
/// at the first bound that it meets. A trial where the objective is NaN or infinite shortens the step.
///
/// ```
/// use mixlaw::optim::Lbfgs;
///
/// let optimizer = Lbfgs::default().max_iterations(500).tolerance(1e-10);
/// # let _ = optimizer;
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Lbfgs {
    memory: usize,
    max_iterations: usize,
    tolerance: f64,
}

impl Default for Lbfgs {
    /// Memory 10, 5,000 iterations, tolerance 1e-12.
    fn default() -> Self {
        Self { memory: 10, max_iterations: 5000, tolerance: 1e-12 }
    }
}

/// Over so many iterations the fall of the value is compared with the tolerance.
const WINDOW: usize = 5;
/// Sufficient decrease and curvature of the strong Wolfe conditions.
const ARMIJO: f64 = 1e-4;
const WOLFE: f64 = 0.9;
/// Trials of one line search.
const MAX_TRIALS: usize = 40;

impl Lbfgs {
    /// How many past steps the model of the curvature remembers, at least 1.
    #[must_use]
    pub fn memory(self, memory: usize) -> Self {
        Self { memory, ..self }
    }

    /// The largest number of iterations.
    #[must_use]
    pub fn max_iterations(self, max_iterations: usize) -> Self {
        Self { max_iterations, ..self }
    }

    /// Stops when five iterations have lowered the value by less than this fraction of it, or, where
    /// the value falls to zero, when the gradient is this fraction of the largest one seen. A finite
    /// number, at least 0.
    #[must_use]
    pub fn tolerance(self, tolerance: f64) -> Self {
        Self { tolerance, ..self }
    }
}

/// One remembered step: `s`, the change of the gradient `y`, and their product.
struct Pair {
    s: Vec<f64>,
    y: Vec<f64>,
    sy: f64,
}

/// `-H g` by the two-loop recursion, on the free variables alone.
fn direction(g: &[f64], held: &[bool], pairs: &VecDeque<Pair>) -> Vec<f64> {
    let masked_dot = |a: &[f64], b: &[f64]| -> f64 {
        a.iter().zip(b).zip(held).filter(|(_, held)| !**held).map(|((a, b), _)| a * b).sum()
    };
    let mut d: Vec<f64> = g.iter().zip(held).map(|(g, h)| if *h { 0.0 } else { -g }).collect();
    let mut steps = Vec::with_capacity(pairs.len());
    for pair in pairs.iter().rev() {
        let a = masked_dot(&pair.s, &d) / pair.sy;
        d.iter_mut().zip(&pair.y).for_each(|(d, y)| *d -= a * y);
        steps.push(a);
    }
    if let Some(last) = pairs.back() {
        let scale = last.sy / dot(&last.y, &last.y);
        d.iter_mut().for_each(|d| *d *= scale);
    }
    for (pair, a) in pairs.iter().zip(steps.iter().rev()) {
        let b = masked_dot(&pair.y, &d) / pair.sy;
        d.iter_mut().zip(&pair.s).for_each(|(d, s)| *d += (a - b) * s);
    }
    d.iter_mut().zip(held).filter(|(_, held)| **held).for_each(|(d, _)| *d = 0.0);
    d
}

/// The longest step along `d` that stays in the box.
fn longest_step(x: &[f64], d: &[f64], bounds: &[(f64, f64)]) -> f64 {
    let to_bound = |i: usize| match d[i] {
        d if d > 0.0 => (bounds[i].1 - x[i]) / d,
        d if d < 0.0 => (bounds[i].0 - x[i]) / d,
        _ => f64::INFINITY,
    };
    (0..x.len()).map(to_bound).fold(f64::INFINITY, f64::min)
}

/// A trial of the line search: step, value, slope along the direction.
#[derive(Clone, Copy)]
struct Trial {
    t: f64,
    value: f64,
    slope: f64,
}

/// Where the cubic through two trials is least, kept off their ends; halfway where it has none.
fn interpolate(a: Trial, b: Trial) -> f64 {
    let width = b.t - a.t;
    let d1 = a.slope + b.slope - 3.0 * (a.value - b.value) / (a.t - b.t);
    let root = (d1 * d1 - a.slope * b.slope).sqrt();
    let d2 = if width < 0.0 { -root } else { root };
    let t = b.t - width * (b.slope + d2 - d1) / (b.slope - a.slope + 2.0 * d2);
    let (low, high) = (a.t.min(b.t), a.t.max(b.t));
    let margin = 0.1 * (high - low);
    if t.is_finite() { t.clamp(low + margin, high - margin) } else { 0.5 * (low + high) }
}

/// One call on one objective.
struct Run<'a> {
    objective: &'a mut dyn Objective,
    bounds: Vec<(f64, f64)>,
    evaluations: usize,
    /// The last steps, the latest at the end.
    pairs: VecDeque<Pair>,
}

impl Run<'_> {
    fn evaluate(&mut self, x: Vec<f64>) -> Point {
        self.evaluations += 1;
        Point::new(self.objective, x)
    }

    /// The next point; `None` where no step lowers the value.
    fn step(&mut self, at: &Point) -> Option<Point> {
        let held: Vec<bool> = (0..at.x.len()).map(|i| at.is_held(i, &self.bounds)).collect();
        loop {
            let mut d = direction(&at.g, &held, &self.pairs);
            for (i, d) in d.iter_mut().enumerate() {
                // The model may push a variable out of the box that its gradient pulls in.
                if is_held(at.x[i], -*d, self.bounds[i]) {
                    *d = 0.0;
                }
            }
            let length = dot(&d, &d).sqrt();
            let first = if self.pairs.is_empty() { 1.0 / length } else { 1.0 };
            let descends = dot(&d, &at.g) < 0.0 && length.is_finite();
            let found = if descends { self.line_search(at, &d, first) } else { None };
            if found.is_some() || self.pairs.is_empty() {
                return found;
            }
            // The model of the curvature is no good here: forget it.
            self.pairs.clear();
        }
    }

    /// Adds a step to the model of the curvature, of so many, if it is one of a convex function.
    fn remember(&mut self, at: &Point, next: &Point, memory: usize) {
        let difference =
            |a: &[f64], b: &[f64]| -> Vec<f64> { a.iter().zip(b).map(|(a, b)| a - b).collect() };
        let (s, y) = (difference(&next.x, &at.x), difference(&next.g, &at.g));
        let sy = dot(&s, &y);
        if sy > 1e-12 * (dot(&s, &s) * dot(&y, &y)).sqrt() {
            if self.pairs.len() == memory {
                self.pairs.pop_front();
            }
            self.pairs.push_back(Pair { s, y, sy });
        }
    }

    /// A point along `d` that meets the strong Wolfe conditions, or lowers the value at the end of
    /// the box; the best that lowers the value enough where rounding hides such a point.
    fn line_search(&mut self, from: &Point, d: &[f64], first: f64) -> Option<Point> {
        let slope = dot(&from.g, d);
        let t_max = longest_step(&from.x, d, &self.bounds);
        let start = Trial { t: 0.0, value: from.value, slope };
        let mut low = start;
        let mut high: Option<Trial> = None;
        let mut fallback: Option<Point> = None;
        let mut t = first.min(t_max);
        for _ in 0..MAX_TRIALS {
            let x: Vec<f64> = from.x.iter().zip(d).map(|(x, d)| x + t * d).collect();
            let point = self.evaluate(clamped(&x, &self.bounds));
            let trial = Trial { t, value: point.value, slope: dot(&point.g, d) };
            if !point.is_finite() {
                high = Some(Trial { value: f64::INFINITY, ..trial });
                t = low.t + 0.25 * (t - low.t);
                continue;
            }
            let enough = point.value <= from.value + ARMIJO * t * slope && point.value < from.value;
            if !enough && -t * slope <= f64::EPSILON * from.value.abs() {
                // What there is to gain is below rounding.
                break;
            }
            if !enough || (trial.value >= low.value && low.t > 0.0) {
                high = Some(trial);
            } else {
                let flat = trial.slope.abs() <= WOLFE * slope.abs();
                let at_end = t >= t_max && trial.slope < 0.0;
                if flat || at_end {
                    return Some(point);
                }
                fallback = Some(point);
                // The minimum lies back towards `low` where the slope points away from `high`.
                if trial.slope * (high.map_or(1.0, |h| h.t - low.t)) >= 0.0 {
                    high = Some(low);
                }
                low = trial;
            }
            t = match high {
                Some(h) if h.value.is_finite() => interpolate(low, h),
                Some(h) => low.t + 0.5 * (h.t - low.t),
                None => (2.5 * t).min(t_max),
            };
            if (t - low.t).abs() <= 1e-15 * low.t {
                break;
            }
        }
        fallback
    }
}

impl Lbfgs {
    fn search(
        &self,
        objective: &mut dyn Objective,
        start: &[f64],
        control: &mut Control,
    ) -> Minimum {
        let bounds = bounds(objective);
        let x = match start_in(&bounds, start) {
            Ok(x) => x,
            Err(minimum) => return minimum,
        };
        let mut run = Run { objective, bounds, evaluations: 0, pairs: VecDeque::new() };
        let mut at = run.evaluate(x);
        let termination = if at.is_finite() {
            self.descend(&mut run, &mut at, control)
        } else {
            Termination::StartNotFinite
        };
        at.into_minimum(&run.bounds, termination, run.evaluations)
    }

    /// Steps until one of the reasons to stop.
    fn descend(&self, run: &mut Run<'_>, at: &mut Point, control: &Control) -> Termination {
        let mut history = VecDeque::from([at.value]);
        let mut largest_gradient = 0.0;
        for _ in 0..self.max_iterations {
            if at.has_vanished(&run.bounds, &mut largest_gradient, self.tolerance) {
                return Termination::GradientVanished;
            }
            let Some(next) = run.step(at) else { return Termination::NoProgress };
            run.remember(at, &next, self.memory);
            *at = next;
            if control.should_stop(run.evaluations, at.value) {
                return Termination::Stopped;
            }
            history.push_back(at.value);
            if history.len() > WINDOW {
                let before = history.pop_front().expect("the window is not empty");
                if before - at.value <= self.tolerance * before.abs().max(at.value.abs()) {
                    return Termination::Converged;
                }
            }
        }
        Termination::Exhausted
    }
}

impl Optimizer for Lbfgs {
    fn check(&self) -> Result<(), Error> {
        if self.memory == 0 {
            return Err(Error::setting("memory", 0.0, "at least 1"));
        }
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
