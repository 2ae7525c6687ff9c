use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, TryLockError};

use rand::rngs::Xoshiro256PlusPlus;

use super::{Minimum, Termination, is_lower};
use crate::streams::{self, Kind};

/// How far a call has come: a fit, a call of [`Optimizer::minimize`](super::Optimizer::minimize) or one
/// of the others in the table at [`Observer`].
///
/// What is done is what a stop would leave: of work that several threads share, what is finished
/// without a gap from the first piece on.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Progress {
    /// How much is done. It never falls, and ends at `total`.
    pub done: usize,
    /// Of how much; `None` where that is not known.
    pub total: Option<usize>,
    /// What is counted, such as `local solves` or `resamples`.
    pub what: &'static str,
    /// Evaluations so far, or a few less: what is done, and what of it a thread has told since. 0
    /// where a call does not count them.
    pub evaluations: usize,
    /// The lowest value of what is done; before the first local solve is done, of that one so far.
    /// Infinite where there is none.
    pub best: f64,
}

/// A function that is told of the progress of a call and can stop it by `ControlFlow::Break`.
///
/// Observers can look at the calls below. What these return is the same, bit for bit, with an observer that
/// never says stop and without one, with the same seed: an observer brings none of its own.
///
/// | call | [`Progress::what`] | a stop leaves |
/// |---|---|---|
/// | [`Fitter::fit_observed`](crate::Fitter::fit_observed), [`Optimizer::minimize`](super::Optimizer::minimize) with [`Control::observed_by`] | `local solves` | the best of those that are done |
/// | [`Bootstrap::run_observed`](crate::uncertainty::Bootstrap::run_observed) | `resamples` | those that are done |
/// | [`Probe::run_observed`](crate::uncertainty::Probe::run_observed) | `other starts and ends of ranges` | those that are done |
/// | [`Selection::run_observed`](crate::selection::Selection::run_observed) | `fits` | the scores of those that are done |
/// | [`learning_curve_observed`](crate::selection::learning_curve_observed), [`learning_curve_on_observed`](crate::selection::learning_curve_on_observed) | `fits` | the points whose fits are all done |
/// | [`Plan::region_share_observed`](crate::Plan::region_share_observed) | `draws` | the share of those that are done |
///
/// Each says with a [`Termination`] whether it was stopped. A call ends within one iteration of a local
/// solve after a stop, on any number of threads; that of draws ends within 256 of them. Work that was begun and is not finished is thrown away,
/// and so is what is finished after a gap: a call that was stopped with m local solves (or resamples, ..)
/// done returns the same, bit for bit, as any other that was stopped with m, on any number of threads.
/// Where not even the first local solve is done, a fit is its best point so far, with 0 local solves.
///
/// An observer is called in every iteration of a local solve, on whichever thread that is, and by one
/// thread at a time: threads that find it busy go on. The last call comes after all is done, so that a
/// bar ends full, unless the observer said stop: it is not called again after that.
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
/// # let sweep = Sweep::new(&["web", "code"], &["web"], &n, &d, &h, &loss)?;
/// let (fitter, law) = (Fitter::new().starts(60), AdditiveLaw::for_sweep(&sweep));
///
/// // How much is done, in percent, and the best objective so far.
/// let mut percent = 0;
/// let fit = fitter.fit_observed(law.clone(), &sweep, "web", &mut |progress| {
///     let total = progress.total.expect("a fit by the crate's optimizer knows it");
///     let now = 100 * progress.done / total;
///     if now > percent {
///         percent = now;
///         eprint!("\r{now}% of {total} {}: {:.3e}", progress.what, progress.best);
///     }
///     ControlFlow::Continue(())
/// })?;
/// assert_eq!(percent, 100);
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
pub type Observer<'a> = dyn FnMut(&Progress) -> ControlFlow<()> + Send + 'a;

/// The seed of a call of [`Optimizer::minimize`](super::Optimizer::minimize), and an observer that can
/// stop it.
///
/// This is for those who write an [`Optimizer`](super::Optimizer) or call one themselves. The other
/// calls that can be observed take the [`Observer`] alone.
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
    watch: Option<Arc<dyn Watch + 'a>>,
    done: Done,
    role: Role,
}

/// What of a call is finished as its own control and those around it know.
#[derive(Clone, Copy)]
struct Done {
    evaluations: usize,
    count: usize,
    best: f64,
}

const NOTHING: Done = Done { evaluations: 0, count: 0, best: f64::INFINITY };

/// What the observer is told of what happens under a control.
#[derive(Clone, Copy, PartialEq)]
enum Role {
    /// All of it: it is the whole call.
    Whole,
    /// All of it, for a part of the call.
    Part,
    /// As a part, but its values are of another function.
    Other,
    /// Nothing. It passes a stop on.
    Silent,
}

/// An observer and what it is told, shared by all threads of a call.
trait Watch: Send + Sync {
    fn is_stopped(&self) -> bool;

    /// Changes what the observer will be told.
    fn update(&self, change: &mut dyn FnMut(&mut Progress));

    /// Tells the observer, unless it is busy; true if the call should stop. With `once` only if more
    /// is done than it has been told.
    fn ask(&self, once: bool) -> bool;
}

struct Watched<'a> {
    stop: AtomicBool,
    /// Never held while the observer runs.
    progress: Mutex<Progress>,
    /// With what it was told to be done.
    observer: Mutex<(&'a mut Observer<'a>, Option<usize>)>,
}

impl Watch for Watched<'_> {
    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn update(&self, change: &mut dyn FnMut(&mut Progress)) {
        change(&mut self.progress.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn ask(&self, once: bool) -> bool {
        if self.is_stopped() {
            return true;
        }
        // Nobody waits: an observer may itself use the threads of the pool, and then what it waits
        // for may be the very thread that asks.
        match self.observer.try_lock() {
            Ok(mut observer) => {
                let (observer, told) = &mut *observer;
                let progress = *self.progress.lock().unwrap_or_else(PoisonError::into_inner);
                let before = told.replace(progress.done);
                let is_known = once && before == *told;
                // Another thread may have been told to stop in between.
                if !is_known && !self.is_stopped() && observer(&progress).is_break() {
                    self.stop.store(true, Ordering::Relaxed);
                }
                self.is_stopped()
            }
            Err(TryLockError::WouldBlock) => self.is_stopped(),
            // It panicked, which ends the call.
            Err(TryLockError::Poisoned(_)) => {
                self.stop.store(true, Ordering::Relaxed);
                true
            }
        }
    }
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
        Self { seed, watch: None, done: NOTHING, role: Role::Whole }
    }

    /// Calls `observer` in every iteration and after every local solve.
    #[must_use]
    pub fn observed_by(self, observer: &'a mut Observer<'a>) -> Self {
        let (what, best) = ("local solves", f64::INFINITY);
        let progress = Progress { done: 0, total: None, what, evaluations: 0, best };
        let watched = Watched {
            stop: AtomicBool::new(false),
            progress: Mutex::new(progress),
            observer: Mutex::new((observer, None)),
        };
        Self { watch: Some(Arc::new(watched)), ..self }
    }

    /// The same control once more, for another thread. What it counts is its own.
    pub(crate) fn twin(&self) -> Self {
        Self { seed: self.seed, watch: self.watch.clone(), done: self.done, role: self.role }
    }

    /// The `index`-th stream of random numbers of this call, for what it draws itself. No other draw
    /// of the crate has the same one, and neither has a call under [`Control::inner`].
    ///
    /// ```
    /// use mixlaw::optim::Control;
    /// use mixlaw::rand::RngExt;
    ///
    /// let control = Control::seeded(7);
    /// let first = |mut stream: mixlaw::rand::rngs::Xoshiro256PlusPlus| stream.random::<u64>();
    /// let draws = [first(control.stream(0)), first(control.stream(1)), first(control.inner(0).stream(0))];
    /// assert_eq!(first(Control::seeded(7).stream(0)), draws[0]);
    /// assert!(draws[0] != draws[1] && draws[0] != draws[2] && draws[1] != draws[2]);
    /// ```
    #[must_use]
    pub fn stream(&self, index: u64) -> Xoshiro256PlusPlus {
        streams::stream(self.seed, Kind::Own, index)
    }

    /// Tells the observer how far a local optimizer has come within this call; true if it should
    /// stop.
    pub fn should_stop(&self, evaluations: usize, value: f64) -> bool {
        let Some(watch) = &self.watch else { return false };
        if self.role != Role::Silent {
            let evaluations = self.done.evaluations + evaluations;
            // A stop leaves an unfinished solve only where there is nothing else.
            let kept = self.role != Role::Other && self.done.count == 0;
            watch.update(&mut |progress| {
                progress.evaluations = progress.evaluations.max(evaluations);
                if kept && is_lower(value, progress.best) {
                    progress.best = value;
                }
            });
        }
        watch.ask(false)
    }

    /// The control of the `index`-th run of an inner optimizer, with streams of its own.
    #[must_use]
    pub fn inner(&self, index: u64) -> Self {
        let role = if self.role == Role::Whole { Role::Part } else { self.role };
        Self { seed: streams::seed(self.seed, Kind::Inner, index), role, ..self.twin() }
    }

    /// As [`Control::inner`], for a run on another function, whose values are not told.
    pub(crate) fn inner_on_other(&self, index: u64) -> Self {
        let inner = self.inner(index);
        let role = if inner.role == Role::Silent { Role::Silent } else { Role::Other };
        Self { role, ..inner }
    }

    /// As [`Control::inner`], for one of several runs of which all that are finished are reported to
    /// this one in their order. Only the first, of which a stop leaves what there is, tells of itself.
    pub(crate) fn inner_of_many(&self, index: u64, is_first: bool) -> Self {
        let inner = self.inner(index);
        if is_first && self.done.count == 0 { inner } else { Self { role: Role::Silent, ..inner } }
    }

    /// The control of another call within this one, with its own seed. It passes a stop on, and the
    /// observer is told of this call alone.
    pub(crate) fn within(&self, seed: u64) -> Self {
        Self { seed, watch: self.watch.clone(), done: NOTHING, role: Role::Silent }
    }

    /// Counts a finished run of an inner optimizer; true if the whole call should stop. One that the
    /// observer stopped does not count.
    pub fn finished(&mut self, run: &Minimum) -> bool {
        if !self.is_cut_off(run.termination) {
            self.count(run);
        }
        self.ask()
    }

    /// Counts a finished run, and does not tell the observer yet.
    pub(crate) fn count(&mut self, run: &Minimum) {
        self.done.count += run.local_solves;
        if is_lower(run.value, self.done.best) {
            self.done.best = run.value;
        }
        self.spent(run.evaluations);
    }

    /// Counts evaluations of what goes on.
    pub(crate) fn spent(&mut self, evaluations: usize) {
        self.done.evaluations += evaluations;
        self.publish();
    }

    /// Counts pieces of work that have no value to compare; true if the whole call should stop.
    pub(crate) fn counted(&mut self, pieces: usize) -> bool {
        self.count_pieces(pieces);
        self.ask()
    }

    /// Counts pieces of work, and does not tell the observer yet.
    pub(crate) fn count_pieces(&mut self, pieces: usize) {
        self.done.count += pieces;
        self.publish();
    }

    fn publish(&self) {
        let (Some(watch), false) = (&self.watch, self.role == Role::Silent) else { return };
        let Done { evaluations, count, best } = self.done;
        let has_value = self.role != Role::Other;
        watch.update(&mut |progress| {
            progress.evaluations = progress.evaluations.max(evaluations);
            progress.done = progress.done.max(count);
            if has_value && is_lower(best, progress.best) {
                progress.best = best;
            }
        });
    }

    /// Says what the whole call counts, and how many of it there will be.
    pub(crate) fn expect(&self, what: &'static str, total: Option<usize>) {
        if let (Some(watch), Role::Whole) = (&self.watch, self.role) {
            watch.update(&mut |progress| (progress.what, progress.total) = (what, total));
        }
    }

    /// Tells the observer of the end of the whole call by this minimum.
    pub(crate) fn end(&self, minimum: &Minimum) {
        if self.role == Role::Whole && !self.is_cut_off(minimum.termination) {
            let done = Done {
                evaluations: minimum.evaluations,
                count: minimum.local_solves,
                best: minimum.value,
            };
            let whole = Self { done, ..self.twin() };
            whole.publish();
            whole.complete();
        }
    }

    /// Tells the observer that the whole call is done, unless it knows or said stop.
    pub(crate) fn complete(&self) {
        let (Some(watch), Role::Whole) = (&self.watch, self.role) else { return };
        watch.update(&mut |progress| {
            let total = progress.total.unwrap_or(progress.done).max(self.done.count);
            (progress.done, progress.total) = (total, progress.total.map(|_| total));
        });
        watch.ask(true);
    }

    /// Whether this is the control of the whole call.
    pub(crate) fn is_whole(&self) -> bool {
        self.role == Role::Whole
    }

    /// Asks the observer; true if the whole call should stop.
    pub(crate) fn ask(&self) -> bool {
        self.watch.as_ref().is_some_and(|watch| watch.ask(false))
    }

    /// Whether the observer has said stop.
    pub(crate) fn is_stopped(&self) -> bool {
        self.watch.as_ref().is_some_and(|watch| watch.is_stopped())
    }

    /// Whether a run was ended by the observer, and not by itself.
    pub(crate) fn is_cut_off(&self, termination: Termination) -> bool {
        termination == Termination::Stopped && self.is_stopped()
    }

    pub(crate) fn is_observed(&self) -> bool {
        self.watch.is_some()
    }
}
