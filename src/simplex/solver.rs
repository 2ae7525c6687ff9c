use super::SimplexObjective;
use crate::mixture::Mixture;
use crate::optim::Termination;

/// How long a step of mirror descent is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Step {
    /// The step doubles while `f(h') <= f(h) + <g, h' - h> + KL(h'|h) / eta` holds, and halves where
    /// it does not.
    Backtracking,
    /// The paper's fixed step eta (eq. 7).
    Fixed(f64),
}

/// Mirror descent on the simplex: `h_i <- h_i exp(-eta dL/dh_i)`, normalised (eq. 7).
///
/// Runs from the uniform mixture and from near every corner, and keeps the best. It stops by the
/// Frank-Wolfe gap `<g, h> - min_i g_i`, which bounds the distance to the least value if the
/// objective is convex (the additive law with every gamma_i <= 1, the joint law where moreover
/// q_A, q_B <= 1); otherwise the optimum is the best local one that was found.
///
/// Iterates stay strictly inside the simplex. A weight that tends to zero is set to exactly zero in
/// the end where that does not raise the value and the derivative there is finite.
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
    start: Option<Mixture>,
}

impl Default for SimplexSolver {
    fn default() -> Self {
        Self { step: Step::Backtracking, tolerance: 1e-10, max_iterations: 10_000, start: None }
    }
}

/// The least logarithm of a weight: far below anything that matters, and no underflow.
const MIN_LN_WEIGHT: f64 = -460.0;
/// The weight that a start on a face gives to its absent domains together.
const PULL: f64 = 1e-3;
/// Weights below this are tried at zero.
const NEGLIGIBLE: f64 = 1e-4;

/// The mixture that a [`SimplexSolver`] found.
#[derive(Debug, Clone, PartialEq)]
pub struct Optimum {
    /// The domain weights h*.
    pub weights: Mixture,
    /// The value there.
    pub value: f64,
    /// The Frank-Wolfe gap `<g, h> - min_i g_i` there: if the objective is convex, no mixture has a
    /// value below `value - gap`.
    pub gap: f64,
    /// Iterations, over all starts.
    pub iterations: usize,
    /// Why the best run stopped.
    pub termination: Termination,
}

/// A point in log space with its value and gradient.
#[derive(Clone)]
struct Point {
    ln_h: Vec<f64>,
    h: Vec<f64>,
    value: f64,
    g: Vec<f64>,
}

impl Point {
    fn at(objective: &mut dyn SimplexObjective, mut ln_h: Vec<f64>) -> Self {
        let top = ln_h.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let ln_sum = top + ln_h.iter().map(|l| (l - top).exp()).sum::<f64>().ln();
        if !ln_sum.is_finite() {
            // A step beyond all numbers: not a point.
            return Self { h: vec![f64::NAN; ln_h.len()], value: f64::NAN, g: ln_h.clone(), ln_h };
        }
        ln_h.iter_mut().for_each(|l| *l = (*l - ln_sum).max(MIN_LN_WEIGHT));
        let h: Vec<f64> = ln_h.iter().map(|l| l.exp()).collect();
        let mut g = vec![0.0; h.len()];
        let value = objective.value_gradient(&h, &mut g);
        Self { ln_h, h, value, g }
    }

    fn is_finite(&self) -> bool {
        self.value.is_finite() && self.g.iter().all(|g| g.is_finite())
    }

    /// `<g, h> - min_i g_i`, as a sum of terms >= 0.
    fn gap(&self) -> f64 {
        let least = self.g.iter().copied().fold(f64::INFINITY, f64::min);
        self.h.iter().zip(&self.g).filter(|(h, _)| **h > 0.0).map(|(h, g)| h * (g - least)).sum()
    }

    fn moved(&self, objective: &mut dyn SimplexObjective, eta: f64) -> Self {
        Self::at(objective, self.ln_h.iter().zip(&self.g).map(|(l, g)| l - eta * g).collect())
    }

    /// Whether `next`, a step eta away, lies below the model that makes mirror descent descend.
    ///
    /// Close to the optimum, where values differ by rounding only, the same is asked of the slopes:
    /// `<g' - g, h' - h> <= (KL(h'|h) + KL(h|h')) / eta`.
    fn descends_to(&self, next: &Self, eta: f64) -> bool {
        if !next.is_finite() {
            return false;
        }
        let sum = |f: &dyn Fn(usize) -> f64| (0..self.h.len()).map(f).sum::<f64>();
        let step = |i: usize| next.h[i] - self.h[i];
        let ln_step = |i: usize| next.ln_h[i] - self.ln_h[i];
        if (next.value - self.value).abs() <= 1e-11 * self.value.abs() {
            let slopes = sum(&|i| (next.g[i] - self.g[i]) * step(i));
            return slopes <= sum(&|i| step(i) * ln_step(i)) / eta;
        }
        let divergence = sum(&|i| next.h[i] * ln_step(i) - step(i));
        next.value < self.value
            && next.value <= self.value + sum(&|i| self.g[i] * step(i)) + divergence / eta
    }
}

impl SimplexSolver {
    /// Backtracking steps, a gap of 1e-10 of the value, at most 10,000 iterations from each start.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The rule for the step.
    #[must_use]
    pub fn step(self, step: Step) -> Self {
        Self { step, ..self }
    }

    /// Stops when the gap is below this fraction of the value.
    #[must_use]
    pub fn tolerance(self, tolerance: f64) -> Self {
        Self { tolerance, ..self }
    }

    /// The largest number of iterations from each start.
    #[must_use]
    pub fn max_iterations(self, max_iterations: usize) -> Self {
        Self { max_iterations, ..self }
    }

    /// Runs from this mixture alone. One on a face is pulled inside by 0.001.
    #[must_use]
    pub fn start(self, start: Mixture) -> Self {
        Self { start: Some(start), ..self }
    }

    /// Minimises a function of the domain weights.
    ///
    /// # Panics
    /// If the objective has no domains, or another number of them than the start.
    pub fn minimize(&self, objective: &mut dyn SimplexObjective) -> Optimum {
        let k = objective.dim();
        let starts = match &self.start {
            Some(start) => {
                assert_eq!(start.len(), k, "one weight for each domain");
                vec![start.clone()]
            }
            None => {
                let near = |i| {
                    let corner = Mixture::corner(k, i);
                    let weights = corner.iter().map(|w| 0.9 * w + 0.1 / k as f64);
                    Mixture::new(weights.collect::<Vec<_>>()).expect("between two mixtures")
                };
                let corners = if k > 1 { 0..k } else { 0..0 };
                std::iter::once(Mixture::uniform(k)).chain(corners.map(near)).collect()
            }
        };
        let mut best: Option<(Point, Termination)> = None;
        let mut iterations = 0;
        for start in starts {
            let (point, termination) = self.run(objective, &start, &mut iterations);
            let beaten = best.as_ref().is_none_or(|(best, _)| {
                // Equal up to rounding is the same optimum: keep the first.
                point.value < best.value - 1e-12 * best.value.abs() || !best.value.is_finite()
            });
            if beaten {
                best = Some((point, termination));
            }
        }
        let (point, termination) = best.expect("there is at least one start");
        let point = with_zeros(objective, point);
        Optimum {
            value: point.value,
            gap: point.gap(),
            weights: Mixture::new(point.h).expect("a normalised point"),
            iterations,
            termination,
        }
    }

    /// Mirror descent from one start.
    fn run(
        &self,
        objective: &mut dyn SimplexObjective,
        start: &Mixture,
        iterations: &mut usize,
    ) -> (Point, Termination) {
        let k = start.len() as f64;
        let pull = if start.contains(&0.0) { PULL } else { 0.0 };
        let inside = start.iter().map(|h| ((1.0 - pull) * h + pull / k).ln());
        let mut at = Point::at(objective, inside.collect());
        if !at.is_finite() {
            return (at, Termination::StartNotFinite);
        }
        // A first step that moves the logarithms by about one.
        let size = at.g.iter().fold(0.0f64, |m, g| m.max(g.abs()));
        let mut eta = if size > 0.0 { 1.0 / size } else { 1.0 };
        for _ in 0..self.max_iterations {
            if at.gap() <= self.tolerance * at.value.abs() {
                return (at, Termination::Converged);
            }
            *iterations += 1;
            if let Step::Fixed(eta) = self.step {
                let next = at.moved(objective, eta);
                if !next.is_finite() {
                    return (at, Termination::NoProgress);
                }
                at = next;
                continue;
            }
            at = loop {
                let next = at.moved(objective, eta);
                if at.descends_to(&next, eta) {
                    break next;
                }
                eta *= 0.5;
                if eta * size < 1e-15 {
                    return (at, Termination::NoProgress);
                }
            };
            eta *= 2.0;
        }
        (at, Termination::Exhausted)
    }
}

/// The point with its negligible weights set to zero, where that raises neither the value nor the
/// gap.
fn with_zeros(objective: &mut dyn SimplexObjective, point: Point) -> Point {
    let mut out = point;
    for i in 0..out.h.len() {
        if out.h[i] >= NEGLIGIBLE {
            continue;
        }
        let mut h = out.h.clone();
        h[i] = 0.0;
        let sum: f64 = h.iter().sum();
        h.iter_mut().for_each(|h| *h /= sum);
        let mut g = vec![0.0; h.len()];
        let value = objective.value_gradient(&h, &mut g);
        let zero = Point { ln_h: h.iter().map(|h| h.ln()).collect(), h, value, g };
        let rounding = 4.0 * f64::EPSILON * value.abs();
        if zero.is_finite() && value <= out.value + rounding && zero.gap() <= out.gap() + rounding {
            out = zero;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_abs_diff_eq;

    struct Function<F>(usize, F);

    impl<F: FnMut(&[f64], &mut [f64]) -> f64> SimplexObjective for Function<F> {
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
        assert!(best.gap <= 1e-13 * best.value);
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
        assert!(best.gap <= 1e-9);
    }

    #[test]
    fn a_corner_is_exact() {
        let linear = |h: &[f64], g: &mut [f64]| {
            g.copy_from_slice(&[3.0, 2.0, 5.0]);
            3.0 * h[0] + 2.0 * h[1] + 5.0 * h[2]
        };
        let best = SimplexSolver::new().minimize(&mut Function(3, linear));
        assert_eq!(best.weights.weights(), [0.0, 1.0, 0.0]);
        assert_eq!((best.value, best.gap), (2.0, 0.0));
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
