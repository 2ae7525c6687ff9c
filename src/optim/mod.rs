//! Optimizers: what minimises an objective, and the traits to plug in your own.
//!
//! [`TrustRegion`] and [`Lbfgs`] are local; [`MultiStart`], [`BasinHopping`], [`SmoothFirst`] and
//! [`Sequence`] are made of others. All stay in the box of the objective, step back where a value is NaN or
//! infinite, and decide by ratios when to stop, so that an objective multiplied by a constant is minimised
//! by the same steps.
//!
//! ```
//! use mixlaw::optim::{BasinHopping, Control, Lbfgs, Objective, Optimizer};
//!
//! /// One variable, with a minimum of 0 at 0 and higher ones near every other whole number.
//! struct Ripples;
//!
//! impl Objective for Ripples {
//!     fn dim(&self) -> usize {
//!         1
//!     }
//!
//!     fn value_gradient(&mut self, x: &[f64], g: &mut [f64]) -> f64 {
//!         let (sin, cos) = (std::f64::consts::TAU * x[0]).sin_cos();
//!         g[0] = 0.2 * x[0] + std::f64::consts::TAU * sin;
//!         0.1 * x[0] * x[0] + 1.0 - cos
//!     }
//! }
//!
//! // A local search ends in a valley near its start; hops with a fixed seed find the lowest one.
//! let local = Lbfgs::default().minimize(&mut Ripples, &[2.8], &mut Control::default());
//! let hopping = BasinHopping::new(Lbfgs::default());
//! let best = hopping.minimize(&mut Ripples, &[2.8], &mut Control::seeded(7));
//! assert!(local.value > 0.5 && best.value < 1e-9);
//! ```

mod basin_hopping;
mod control;
mod lbfgs;
mod multi_start;
mod sequence;
mod smooth_first;
mod trust_region;

use std::fmt::{self, Debug};
use std::sync::Arc;

use crate::error::Error;
use crate::random::Random;

pub use basin_hopping::BasinHopping;
pub(crate) use control::Observer;
pub use control::{Control, Progress};
pub use lbfgs::Lbfgs;
pub use multi_start::MultiStart;
pub use sequence::Sequence;
pub use smooth_first::SmoothFirst;
pub use trust_region::TrustRegion;

/// A function to minimise.
///
/// Methods take `&mut self`, so that an objective can hold buffers. A value that is NaN or infinite
/// says that the function is not defined at a point: optimizers shorten the step.
///
/// ```
/// use mixlaw::optim::{Control, Lbfgs, Objective, Optimizer};
///
/// struct Bowl;
///
/// impl Objective for Bowl {
///     fn dim(&self) -> usize {
///         2
///     }
///
///     fn value_gradient(&mut self, x: &[f64], g: &mut [f64]) -> f64 {
///         g[0] = 2.0 * (x[0] - 1.0);
///         g[1] = 8.0 * (x[1] + 2.0);
///         (x[0] - 1.0).powi(2) + 4.0 * (x[1] + 2.0).powi(2)
///     }
/// }
///
/// let minimum = Lbfgs::default().minimize(&mut Bowl, &[0.0, 0.0], &mut Control::default());
/// assert!((minimum.x[0] - 1.0).abs() < 1e-8 && (minimum.x[1] + 2.0).abs() < 1e-8);
/// ```
pub trait Objective {
    /// Number of variables.
    fn dim(&self) -> usize;

    /// The value at `x`, and the gradient there into `g`.
    fn value_gradient(&mut self, x: &[f64], g: &mut [f64]) -> f64;

    /// The value at `x` alone.
    fn value(&mut self, x: &[f64]) -> f64 {
        let mut g = vec![0.0; self.dim()];
        self.value_gradient(x, &mut g)
    }

    /// The least and the greatest value of variable `i`; equal where it is fixed.
    fn bounds(&self, i: usize) -> (f64, f64) {
        let _ = i;
        (f64::NEG_INFINITY, f64::INFINITY)
    }

    /// A positive semidefinite model of the second derivatives at `x`, symmetric and row by row, into
    /// `out`; false if there is none, and optimizers that need one build it from gradients.
    ///
    /// `reserve`, between 0 and 1, is the share of what may be added for safety where the curvature
    /// will not stay as it is: for a robust loss, the rows in its linear part, which have none of
    /// their own until they leave it.
    fn curvature(&mut self, x: &[f64], reserve: f64, out: &mut [f64]) -> bool {
        let _ = (x, reserve, out);
        false
    }

    /// For a sum of losses `rho(r_j(x))`: the second derivatives of its residuals along a step `v` from
    /// `x`, as they enter the gradient, `sum_j w_j grad r_j (v^T hess r_j v)`, with the weights w_j of
    /// the rows in [`Objective::curvature`] with this `reserve`, into `out`; false if they are not known.
    #[doc(hidden)]
    fn second_derivatives(
        &mut self,
        x: &[f64],
        v: &[f64],
        reserve: f64,
        out: &mut [f64],
        _: sealed::Token,
    ) -> bool {
        let _ = (x, v, reserve, out);
        false
    }

    /// Draws a point to start from, if the objective knows where to: by the generator alone, so that
    /// the same one gives the same point, from a [fork](Objective::fork) too.
    fn draw_start(&mut self, random: &mut Random) -> Option<Vec<f64>> {
        let _ = random;
        None
    }

    /// Another one of the same function, that can go to another thread; `None` if that is not
    /// possible. Its values must be the same, bit for bit.
    fn fork(&self) -> Option<Box<dyn Objective + Send + '_>> {
        None
    }

    /// Switches to a version of itself that is smoother by this factor, whose minimum is a good start;
    /// false if there is none. A factor of 1 is the objective itself, and an infinite one the
    /// smoothest that there is.
    #[doc(hidden)]
    fn set_smoothing(&mut self, factor: f64, _: sealed::Token) -> bool {
        let _ = factor;
        false
    }
}

/// The token that sealed methods of [`Objective`] take: no other crate can name it, and so none can call
/// or override them.
pub(crate) mod sealed {
    #[derive(Debug, Clone, Copy)]
    pub struct Token;
}

/// A way to minimise an [`Objective`] within its box.
///
/// ```
/// use mixlaw::optim::{BasinHopping, Lbfgs, MultiStart, Optimizer, TrustRegion};
///
/// let all: Vec<Box<dyn Optimizer>> = vec![
///     Box::new(TrustRegion::default()),
///     Box::new(MultiStart::new(Lbfgs::default(), 20)),
///     Box::new(BasinHopping::new(Lbfgs::default()).hops(50)),
/// ];
/// assert_eq!(all.len(), 3);
/// ```
pub trait Optimizer: Debug + Send + Sync {
    /// Whether every setting, those of inner optimizers too, is in its range. Calls that return an
    /// error, such as [`Fitter::fit`](crate::Fitter::fit), ask before they begin.
    ///
    /// # Errors
    /// [`Error::setting`] names the setting and its range.
    fn check(&self) -> Result<(), Error> {
        Ok(())
    }

    /// How many local solves a call makes, those of inner optimizers together, for observers: the
    /// [`Minimum::local_solves`] of a call that is not stopped. `None`, which is the default, where that is
    /// not known before.
    ///
    /// ```
    /// use mixlaw::optim::{Control, Lbfgs, MultiStart, Objective, Optimizer};
    ///
    /// struct Bowl;
    ///
    /// impl Objective for Bowl {
    ///     fn dim(&self) -> usize {
    ///         1
    ///     }
    ///
    ///     fn value_gradient(&mut self, x: &[f64], g: &mut [f64]) -> f64 {
    ///         g[0] = 2.0 * x[0];
    ///         1.0 + x[0] * x[0]
    ///     }
    /// }
    ///
    /// let optimizer = MultiStart::new(Lbfgs::default(), 20).shortlist(4, Lbfgs::default());
    /// assert_eq!(optimizer.local_solves(&mut Bowl), Some(24));
    /// let minimum = optimizer.minimize(&mut Bowl, &[3.0], &mut Control::default());
    /// assert_eq!(minimum.local_solves, 24);
    /// ```
    fn local_solves(&self, objective: &mut dyn Objective) -> Option<usize> {
        let _ = objective;
        None
    }

    /// Minimises `objective` from `start`, which is moved into the box if it lies outside.
    ///
    /// Not converging is a result, with the best point so far, and not an error. With a setting that
    /// [`Optimizer::check`] does not accept, the result is the start, with
    /// [`Termination::InvalidSetting`]; with a coordinate of the start that is NaN it is
    /// [`Termination::StartNotFinite`], with the value infinity.
    ///
    /// # Panics
    /// If `start` has another length than [`Objective::dim`].
    fn minimize(
        &self,
        objective: &mut dyn Objective,
        start: &[f64],
        control: &mut Control,
    ) -> Minimum;
}

macro_rules! forward_optimizer {
    ($pointer:ty) => {
        impl<O: Optimizer + ?Sized> Optimizer for $pointer {
            fn check(&self) -> Result<(), Error> {
                (**self).check()
            }

            fn local_solves(&self, objective: &mut dyn Objective) -> Option<usize> {
                (**self).local_solves(objective)
            }

            fn minimize(
                &self,
                objective: &mut dyn Objective,
                start: &[f64],
                control: &mut Control,
            ) -> Minimum {
                (**self).minimize(objective, start, control)
            }
        }
    };
}

forward_optimizer!(&O);
forward_optimizer!(Box<O>);
forward_optimizer!(Arc<O>);

/// What an optimizer found.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Minimum {
    /// The best point found.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
    pub x: Vec<f64>,
    /// The value there.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
    pub value: f64,
    /// How far the point is from first-order optimality: the largest relative change of the value
    /// for a relative change of one free variable, `max_i |g_i| max(|x_i|, 1) / |value|`.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
    pub optimality: f64,
    /// Why the optimizer stopped.
    pub termination: Termination,
    /// Evaluations of the objective, of its gradient with it, or of second derivatives along a step.
    pub evaluations: usize,
    /// Runs of a local optimizer that were finished.
    pub local_solves: usize,
}

impl Minimum {
    /// What an optimizer of your own returns at `x`, its best point: one more evaluation gives the
    /// value and the optimality. `evaluations` are those before it, by one local solve, which is not
    /// finished where it was [stopped](Termination::Stopped).
    ///
    /// # Panics
    /// If `x` has another length than [`Objective::dim`].
    ///
    /// ```
    /// use mixlaw::optim::{Control, Minimum, Objective, Optimizer, Termination};
    ///
    /// /// The best of a few points between the start and the origin.
    /// #[derive(Debug)]
    /// struct Ray;
    ///
    /// impl Optimizer for Ray {
    ///     fn minimize(&self, f: &mut dyn Objective, start: &[f64], _: &mut Control) -> Minimum {
    ///         let point = |t: i32| start.iter().map(|x| x * f64::from(t) / 10.0).collect::<Vec<_>>();
    ///         let by_value = |a: &(f64, i32), b: &(f64, i32)| a.0.total_cmp(&b.0);
    ///         let best = (0..=10).map(|t| (f.value(&point(t)), t)).min_by(by_value);
    ///         let (_, t) = best.expect("some points");
    ///         Minimum::measured(f, point(t), Termination::Complete, 11)
    ///     }
    /// }
    ///
    /// struct Bowl;
    ///
    /// impl Objective for Bowl {
    ///     fn dim(&self) -> usize {
    ///         1
    ///     }
    ///
    ///     fn value_gradient(&mut self, x: &[f64], g: &mut [f64]) -> f64 {
    ///         g[0] = 2.0 * (x[0] - 1.0);
    ///         1.0 + (x[0] - 1.0).powi(2)
    ///     }
    /// }
    ///
    /// let minimum = Ray.minimize(&mut Bowl, &[5.0], &mut Control::default());
    /// assert_eq!((minimum.x[0], minimum.value, minimum.optimality), (1.0, 1.0, 0.0));
    /// assert_eq!((minimum.evaluations, minimum.local_solves), (12, 1));
    /// ```
    #[must_use]
    pub fn measured(
        objective: &mut dyn Objective,
        x: Vec<f64>,
        termination: Termination,
        evaluations: usize,
    ) -> Self {
        let bounds = bounds(objective);
        assert_eq!(x.len(), bounds.len(), "one value for each variable");
        Point::new(objective, x).into_minimum(&bounds, termination, evaluations + 1)
    }
}

/// Why an optimizer stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case")
)]
#[non_exhaustive]
pub enum Termination {
    /// The value no longer falls by more than the relative tolerance.
    Converged,
    /// The gradient is zero, or a tiny fraction of the largest one seen at a value next to zero.
    GradientVanished,
    /// No step lowers the value although the tolerances are not met: the limit of rounding.
    NoProgress,
    /// The largest number of iterations was made before a tolerance was met.
    Exhausted,
    /// All is done that a call of many fits or draws should do, or an optimizer that evaluates a given
    /// number of points.
    Complete,
    /// The observer stopped it.
    Stopped,
    /// The start has a coordinate that is NaN or infinite, or the value there is.
    StartNotFinite,
    /// A setting is out of its range, and the search was not begun; see [`Optimizer::check`].
    InvalidSetting,
}

impl Termination {
    /// Whether the point is a local minimum as far as the optimizer can tell.
    #[must_use]
    pub fn converged(self) -> bool {
        matches!(self, Self::Converged | Self::GradientVanished | Self::NoProgress)
    }

    /// That of a call of many fits or draws, all of which are done or not.
    pub(crate) fn of_many(is_all_done: bool) -> Self {
        if is_all_done { Self::Complete } else { Self::Stopped }
    }
}

impl fmt::Display for Termination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Converged => "converged",
            Self::GradientVanished => "gradient vanished",
            Self::NoProgress => "no further progress",
            Self::Exhausted => "iterations exhausted",
            Self::Complete => "complete",
            Self::Stopped => "stopped by the observer",
            Self::StartNotFinite => "start not finite",
            Self::InvalidSetting => "a setting is out of its range",
        })
    }
}

/// A point with its value and gradient.
#[derive(Debug, Clone)]
struct Point {
    x: Vec<f64>,
    value: f64,
    g: Vec<f64>,
}

impl Point {
    fn new(objective: &mut dyn Objective, x: Vec<f64>) -> Self {
        let mut g = vec![0.0; x.len()];
        let value = objective.value_gradient(&x, &mut g);
        Self { x, value, g }
    }

    fn is_finite(&self) -> bool {
        self.value.is_finite() && self.g.iter().all(|g| g.is_finite())
    }

    /// Whether variable `i` is held at a bound by its gradient.
    fn is_held(&self, i: usize, bounds: &[(f64, f64)]) -> bool {
        is_held(self.x[i], self.g[i], bounds[i])
    }

    /// The largest slope of a variable that is not held.
    fn steepest(&self, bounds: &[(f64, f64)]) -> f64 {
        let free = (0..self.x.len()).filter(|&i| !self.is_held(i, bounds));
        free.map(|i| self.g[i].abs()).fold(0.0, f64::max)
    }

    /// [`Minimum::optimality`].
    fn optimality(&self, bounds: &[(f64, f64)]) -> f64 {
        let free = (0..self.x.len()).filter(|&i| !self.is_held(i, bounds));
        let largest = free.map(|i| self.g[i].abs() * self.x[i].abs().max(1.0)).fold(0.0, f64::max);
        if largest == 0.0 { 0.0 } else { largest / self.value.abs() }
    }

    /// Whether the gradient is as good as zero: it is, or it is this fraction of the largest one seen,
    /// which is updated, and the value has all but reached zero too. The fraction alone says nothing:
    /// beside the gradient of a start at a singularity every other one is small.
    fn has_vanished(&self, bounds: &[(f64, f64)], largest: &mut f64, fraction: f64) -> bool {
        let size = self.steepest(bounds);
        *largest = largest.max(size);
        let is_small = size <= fraction * *largest;
        size == 0.0 || (is_small && self.optimality(bounds) >= 1.0 / fraction.sqrt())
    }

    /// The minimum of a local solve that ends here.
    fn into_minimum(
        self,
        bounds: &[(f64, f64)],
        termination: Termination,
        evaluations: usize,
    ) -> Minimum {
        let optimality = self.optimality(bounds);
        let Self { x, value, .. } = self;
        let local_solves = usize::from(is_solve(termination));
        Minimum { x, value, optimality, termination, evaluations, local_solves }
    }
}

/// Whether a local solve that ends like this was one, from its begin to its end.
fn is_solve(termination: Termination) -> bool {
    !matches!(termination, Termination::Stopped | Termination::InvalidSetting)
}

/// Whether a value is lower than another. NaN, of either sign, and infinities mean "not here", which
/// is higher than every number.
fn is_lower(value: f64, other: f64) -> bool {
    value.is_finite() && !(other.is_finite() && other <= value)
}

/// The better of two minima, with the counts of both.
fn better(best: Option<Minimum>, run: Minimum) -> Minimum {
    let Some(best) = best else { return run };
    let evaluations = best.evaluations + run.evaluations;
    let local_solves = best.local_solves + run.local_solves;
    let winner = if is_lower(run.value, best.value) { run } else { best };
    Minimum { evaluations, local_solves, ..winner }
}

/// What every optimizer of the crate does around its `search`: it refuses bad settings, and says what
/// the call will come to and when it is done.
fn run(
    optimizer: &dyn Optimizer,
    objective: &mut dyn Objective,
    start: &[f64],
    control: &mut Control,
    search: impl FnOnce(&mut dyn Objective, &mut Control) -> Minimum,
) -> Minimum {
    if optimizer.check().is_err() {
        let start = clamped(start, &bounds(objective));
        return Minimum::measured(objective, start, Termination::InvalidSetting, 0);
    }
    if control.is_whole() && control.is_observed() {
        control.expect("local solves", optimizer.local_solves(objective));
    }
    let minimum = search(objective, control);
    control.end(&minimum);
    minimum
}

/// Checks a relative tolerance.
fn check_tolerance(tolerance: f64) -> Result<(), Error> {
    check_setting("tolerance", tolerance, tolerance >= 0.0, "a finite number >= 0")
}

/// Checks a setting that has to be finite, and what else is asked of it.
fn check_setting(
    name: &str,
    value: f64,
    is_in_range: bool,
    expected: &'static str,
) -> Result<(), Error> {
    let is_good = is_in_range && value.is_finite();
    if is_good { Ok(()) } else { Err(Error::setting(name, value, expected)) }
}

/// The start of a local solve in the box; or the minimum that it is where it has a coordinate that is
/// not finite, at which nothing is evaluated.
fn start_in(bounds: &[(f64, f64)], start: &[f64]) -> Result<Vec<f64>, Minimum> {
    let x = clamped(start, bounds);
    if x.iter().all(|x| x.is_finite()) {
        return Ok(x);
    }
    Err(Minimum {
        x,
        value: f64::INFINITY,
        optimality: f64::INFINITY,
        termination: Termination::StartNotFinite,
        evaluations: 0,
        local_solves: 1,
    })
}

/// The bounds of all variables.
fn bounds(objective: &dyn Objective) -> Vec<(f64, f64)> {
    (0..objective.dim()).map(|i| objective.bounds(i)).collect()
}

/// The point of the box that is nearest to `x`. NaN stays NaN.
fn clamped(x: &[f64], bounds: &[(f64, f64)]) -> Vec<f64> {
    assert_eq!(x.len(), bounds.len(), "one value for each variable");
    let inside = |(&x, &(lower, upper)): (&f64, &(f64, f64))| {
        if x < lower {
            lower
        } else if x > upper {
            upper
        } else {
            x
        }
    };
    x.iter().zip(bounds).map(inside).collect()
}

/// Whether variable `x` is held at a bound by its gradient `g`.
fn is_held(x: f64, g: f64, (lower, upper): (f64, f64)) -> bool {
    lower == upper || (x <= lower && g > 0.0) || (x >= upper && g < 0.0)
}
