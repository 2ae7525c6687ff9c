//! Optimizers: what minimises an objective, and the traits to plug in your own.
//!
//! [`TrustRegion`] and [`Lbfgs`] are local; [`MultiStart`], [`BasinHopping`], [`SmoothFirst`] and
//! [`Sequence`] are made of others. All honour the box of the objective, treat a value that is NaN or infinite
//! as "not here", and decide where to stop by ratios, so that an objective multiplied by a constant
//! is minimised by the same steps.
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
mod lbfgs;
mod multi_start;
mod sequence;
mod smooth_first;
mod trust_region;

use std::fmt::{self, Debug};
use std::ops::ControlFlow;
use std::sync::Arc;

use rand::Rng;

use crate::error::SettingError;

pub use basin_hopping::BasinHopping;
pub use lbfgs::Lbfgs;
pub use multi_start::MultiStart;
pub use sequence::Sequence;
pub use smooth_first::SmoothFirst;
pub use trust_region::TrustRegion;

/// A function to minimise.
///
/// Methods take `&mut self`, so that an objective can hold buffers. A value that is NaN or `+inf`
/// means "not here": optimizers shorten the step.
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

    /// The second-order change of the objective's parts along a step `v` from `x`, as they enter the
    /// gradient, into `out`; false if it is not known. For a sum of losses `rho(r_j(x))` it is
    /// `sum_j w_j grad r_j (v^T hess r_j v)`, with the weights w_j of the rows in
    /// [`Objective::curvature`] with this `reserve`. It bends a long step along a curved valley.
    fn acceleration(&mut self, x: &[f64], v: &[f64], reserve: f64, out: &mut [f64]) -> bool {
        let _ = (x, v, reserve, out);
        false
    }

    /// Draws a point to start from, if the objective knows where to.
    fn draw_start(&mut self, rng: &mut dyn Rng) -> Option<Vec<f64>> {
        let _ = rng;
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
    fn set_smoothing(&mut self, factor: f64) -> bool {
        let _ = factor;
        false
    }
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
    /// [`SettingError`] names the setting and its range.
    fn check(&self) -> Result<(), SettingError> {
        Ok(())
    }

    /// Minimises `objective` from `start`, which is moved into the box if it lies outside.
    ///
    /// Not converging is a result, with the best point so far. A setting that [`Optimizer::check`]
    /// refuses is one too: the start, with [`Termination::InvalidSetting`].
    ///
    /// # Panics
    /// If `start` has another length than [`Objective::dim`].
    fn minimize(
        &self,
        objective: &mut dyn Objective,
        start: &[f64],
        control: &mut Control<'_>,
    ) -> Minimum;
}

macro_rules! forward_optimizer {
    ($pointer:ty) => {
        impl<O: Optimizer + ?Sized> Optimizer for $pointer {
            fn check(&self) -> Result<(), SettingError> {
                (**self).check()
            }

            fn minimize(
                &self,
                objective: &mut dyn Objective,
                start: &[f64],
                control: &mut Control<'_>,
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
    /// Evaluations of the objective, of its gradient with it, or of its acceleration.
    pub evaluations: usize,
    /// Runs of a local optimizer.
    pub local_solves: usize,
}

impl Minimum {
    /// What an optimizer of your own returns at `x`, its best point: one more evaluation gives the
    /// value and the optimality. `evaluations` are those before it, by one local solve.
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
    ///     fn minimize(&self, f: &mut dyn Objective, start: &[f64], _: &mut Control<'_>) -> Minimum {
    ///         let point = |t: i32| start.iter().map(|x| x * f64::from(t) / 10.0).collect::<Vec<_>>();
    ///         let by_value = |a: &(f64, i32), b: &(f64, i32)| a.0.total_cmp(&b.0);
    ///         let best = (0..=10).map(|t| (f.value(&point(t)), t)).min_by(by_value);
    ///         let (_, t) = best.expect("some points");
    ///         Minimum::measured(f, point(t), Termination::Exhausted, 11)
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
        let mut g = vec![0.0; x.len()];
        let value = objective.value_gradient(&x, &mut g);
        let optimality = optimality(&x, value, &g, &bounds);
        let evaluations = evaluations + 1;
        Self { x, value, optimality, termination, evaluations, local_solves: 1 }
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
    /// The number of iterations or hops that was asked for is done.
    Exhausted,
    /// The observer said stop.
    Stopped,
    /// The value at the start is NaN or infinite.
    StartNotFinite,
    /// A setting is out of its range, and nothing was done; see [`Optimizer::check`].
    InvalidSetting,
}

impl Termination {
    /// Whether the point is a local minimum as far as the optimizer can tell.
    #[must_use]
    pub fn converged(self) -> bool {
        matches!(self, Self::Converged | Self::GradientVanished | Self::NoProgress)
    }
}

impl fmt::Display for Termination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Converged => "converged",
            Self::GradientVanished => "gradient vanished",
            Self::NoProgress => "no further progress",
            Self::Exhausted => "iterations exhausted",
            Self::Stopped => "stopped by the observer",
            Self::StartNotFinite => "start not finite",
            Self::InvalidSetting => "a setting is out of its range",
        })
    }
}

/// How far a call has come: a fit, a call of [`Optimizer::minimize`] or one of the others in the table
/// at [`Observer`].
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Progress {
    /// Evaluations so far; 0 where a call does not count them.
    pub evaluations: usize,
    /// Local solves finished so far, or what else the call counts.
    pub local_solves: usize,
    /// The lowest value so far; infinite where a call has none.
    pub best: f64,
}

/// A function that is told of the progress of a call and can stop it by `ControlFlow::Break`.
///
/// Observers can look at the calls below. What these return is the same, bit for bit, with an observer that
/// never says stop and without one, with the same seed: an observer brings none of its own.
///
/// | call | [`Progress::local_solves`] counts | a stop leaves |
/// |---|---|---|
/// | [`Fitter::fit_observed`](crate::Fitter::fit_observed), [`Optimizer::minimize`] with [`Control::observed_by`] | local solves | the best so far |
/// | [`Bootstrap::run_observed`](crate::uncertainty::Bootstrap::run_observed) | resamples | the resamples made |
/// | [`Probe::run_observed`](crate::uncertainty::Probe::run_observed) | other starts, then ends of ranges | the ranges found |
/// | [`Selection::run_observed`](crate::selection::Selection::run_observed) | fits | the scores of what was fitted |
/// | [`learning_curve_observed`](crate::selection::learning_curve_observed), [`learning_curve_on_observed`](crate::selection::learning_curve_on_observed) | fits | the points that were finished |
/// | [`Plan::region_share_observed`](crate::Plan::region_share_observed) | draws | the share of the draws made |
///
/// Each says with a [`Termination`] whether it was stopped. Observers are called on the thread of the call,
/// between steps, so that a stop waits for a step to end. A last call after all is done is not promised: a
/// bar may end short of its length.
///
/// A closure that is written in the call, `&mut |progress| ..`, needs no types. One with a name needs that
/// of its argument, `|progress: &Progress| ..`.
///
/// A bar, and a deadline:
///
/// ```
/// use std::ops::ControlFlow;
/// use std::time::{Duration, Instant};
///
/// use mixlaw::law::AdditiveLaw;
/// use mixlaw::optim::Termination;
/// use mixlaw::{Fitter, Sweep};
/// # let (mut n, mut d, mut h, mut loss) = (vec![], vec![], vec![], vec![]);
/// # for web in [0.1, 0.5, 0.9] {
/// #     for (size, tokens) in [(1e8, 2e9), (1e8, 8e9), (4e8, 2e9), (4e8, 8e9)] {
/// #         n.push(size);
/// #         d.push(tokens);
/// #         h.extend([web, 1.0 - web]);
/// #         loss.push(1.0 + 1.0 / (2.0 * f64::powf(web, 0.5) + 1.0 - web)
/// #             + 400.0 / f64::powf(size, 0.34) + 400.0 / f64::powf(tokens, 0.28));
/// #     }
/// # }
/// # let sweep = Sweep::from_slices(&["web", "code"], &["web"], &n, &d, &h, &loss)?;
/// let (fitter, law) = (Fitter::new().starts(60), AdditiveLaw::for_sweep(&sweep));
///
/// // A mark for every tenth local solve, and then the best objective so far.
/// let mut marks = 0;
/// let fit = fitter.fit_observed(law.clone(), &sweep, "web", &mut |progress| {
///     if progress.local_solves >= 10 * (marks + 1) {
///         marks = progress.local_solves / 10;
///         eprint!("\r{} {:.3e}", "#".repeat(marks), progress.best);
///     }
///     ControlFlow::Continue(())
/// })?;
/// assert!(marks > 0 && marks <= fit.local_solves() / 10);
///
/// // What can be had in a tenth of a second.
/// let deadline = Instant::now() + Duration::from_millis(100);
/// let longer = fitter.starts(1_000_000);
/// let fit = longer.fit_observed(law, &sweep, "web", &mut |_| {
///     if Instant::now() < deadline { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
/// })?;
/// assert_eq!(fit.termination(), Termination::Stopped);
/// println!("the best of {} local solves: {:.3e}", fit.local_solves(), fit.objective());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub type Observer<'a> = dyn FnMut(&Progress) -> ControlFlow<()> + 'a;

/// The seed of a call of [`Optimizer::minimize`], and an observer that can stop it.
///
/// This is for those who write an [`Optimizer`] or call one themselves. The other calls that can be
/// observed take the [`Observer`] alone.
///
/// ```
/// use std::ops::ControlFlow;
///
/// use mixlaw::optim::{Control, Lbfgs, Objective, Optimizer, Progress, Termination};
///
/// struct Bowl;
///
/// impl Objective for Bowl {
///     fn dim(&self) -> usize {
///         1
///     }
///
///     fn value_gradient(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
///         gradient[0] = x[0].exp() - 2.0;
///         x[0].exp() - 2.0 * x[0]
///     }
/// }
///
/// let mut three = |progress: &Progress| {
///     if progress.evaluations < 3 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
/// };
/// let mut control = Control::seeded(7).observed_by(&mut three);
/// let minimum = Lbfgs::default().minimize(&mut Bowl, &[3.0], &mut control);
/// assert_eq!(minimum.termination, Termination::Stopped);
/// ```
#[allow(missing_debug_implementations, reason = "an observer cannot be printed")]
pub struct Control<'a> {
    seed: u64,
    observer: Option<&'a mut Observer<'a>>,
    done: Progress,
}

impl Default for Control<'_> {
    fn default() -> Self {
        Self::seeded(0)
    }
}

impl<'a> Control<'a> {
    /// A call with this seed and no observer.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        let done = Progress { evaluations: 0, local_solves: 0, best: f64::INFINITY };
        Self { seed, observer: None, done }
    }

    /// Calls `observer` after every iteration and every local solve.
    #[must_use]
    pub fn observed_by(self, observer: &'a mut Observer<'a>) -> Self {
        Self { observer: Some(observer), ..self }
    }

    /// The seed of the call.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Tells the observer how far a local optimizer has come within this call; true if it should
    /// stop.
    pub fn should_stop(&mut self, evaluations: usize, value: f64) -> bool {
        let progress = Progress {
            evaluations: self.done.evaluations + evaluations,
            local_solves: self.done.local_solves,
            best: self.done.best.min(value),
        };
        self.observer.as_mut().is_some_and(|observer| observer(&progress).is_break())
    }

    /// The control of the `index`-th run of an inner optimizer, with a seed of its own.
    pub fn inner(&mut self, index: u64) -> Control<'_> {
        // SplitMix64: no run shares its stream with another, nor with the call itself.
        let step = index.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut seed = self.seed.wrapping_add(step);
        seed = (seed ^ (seed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        seed = (seed ^ (seed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        seed ^= seed >> 31;
        let observer: Option<&mut Observer<'_>> = match &mut self.observer {
            Some(observer) => Some(&mut **observer),
            None => None,
        };
        Control { seed, observer, done: self.done }
    }

    /// Counts a finished run of an inner optimizer; true if the whole call should stop.
    pub fn finished(&mut self, run: &Minimum) -> bool {
        self.done.best = self.done.best.min(run.value);
        self.counted(run.evaluations, run.local_solves) || run.termination == Termination::Stopped
    }

    /// Counts what was done that has no value to compare; true if the whole call should stop.
    pub(crate) fn counted(&mut self, evaluations: usize, local_solves: usize) -> bool {
        self.done.evaluations += evaluations;
        self.done.local_solves += local_solves;
        self.should_stop(0, f64::INFINITY)
    }

    pub(crate) fn is_observed(&self) -> bool {
        self.observer.is_some()
    }
}

/// The better of two minima, with the counts of both; NaN is worse than everything.
fn better(best: Option<Minimum>, run: Minimum) -> Minimum {
    let Some(best) = best else { return run };
    let evaluations = best.evaluations + run.evaluations;
    let local_solves = best.local_solves + run.local_solves;
    let winner = if run.value < best.value || best.value.is_nan() { run } else { best };
    Minimum { evaluations, local_solves, ..winner }
}

/// The bounds of all variables.
fn bounds(objective: &dyn Objective) -> Vec<(f64, f64)> {
    (0..objective.dim()).map(|i| objective.bounds(i)).collect()
}

/// The point of the box that is nearest to `x`.
fn clamped(x: &[f64], bounds: &[(f64, f64)]) -> Vec<f64> {
    assert_eq!(x.len(), bounds.len(), "one value for each variable");
    x.iter().zip(bounds).map(|(x, (lower, upper))| x.max(*lower).min(*upper)).collect()
}

/// Whether variable `x` is held at a bound by its gradient `g`.
fn is_held(x: f64, g: f64, (lower, upper): (f64, f64)) -> bool {
    lower == upper || (x <= lower && g > 0.0) || (x >= upper && g < 0.0)
}

/// Whether a gradient of this size is as good as zero: it is, or it is this fraction of the largest
/// one seen and the value has all but reached zero too. The fraction alone says nothing: beside the
/// gradient of a start at a singularity every other one is small.
fn has_vanished(size: f64, largest: f64, optimality: f64, fraction: f64) -> bool {
    size == 0.0 || (size <= fraction * largest && optimality >= 1.0 / fraction.sqrt())
}

/// [`Minimum::optimality`].
fn optimality(x: &[f64], value: f64, g: &[f64], bounds: &[(f64, f64)]) -> f64 {
    let free = (0..x.len()).filter(|&i| !is_held(x[i], g[i], bounds[i]));
    let largest = free.map(|i| g[i].abs() * x[i].abs().max(1.0)).fold(0.0, f64::max);
    if largest == 0.0 { 0.0 } else { largest / value.abs() }
}
