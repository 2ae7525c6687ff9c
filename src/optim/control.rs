use std::fmt;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use super::{Minimum, Termination, is_lower};
use crate::parallel::{self, Stop};
use crate::random::Random;
use crate::streams::{self, Kind};

/// How far a call has come: what an observer is told.
///
/// An observer is a closure, `impl FnMut(&Progress) -> ControlFlow<()> + Send + 'static`, that can stop the
/// call by `ControlFlow::Break`. A call returns the same, bit for bit, without an observer and with one
/// that never stops it.
///
/// | set by | calls | [`Progress::what`] | a stop leaves |
/// |---|---|---|---|
/// | [`Fitter::observe`](crate::Fitter::observe), [`Control::observe`] | [`Fitter::fit`](crate::Fitter::fit), [`Optimizer::minimize`](super::Optimizer::minimize) | `local solves` | the best of those that are done |
/// | [`Bootstrap::observe`](crate::uncertainty::Bootstrap::observe) | [`run`](crate::uncertainty::Bootstrap::run) | `resamples` | those that are done |
/// | [`Probe::observe`](crate::uncertainty::Probe::observe) | [`run`](crate::uncertainty::Probe::run) | `other starts and ends of ranges` | those that are done |
/// | [`Selection::observe`](crate::selection::Selection::observe) | [`run`](crate::selection::Selection::run) | `fits` | the scores of those that are done |
/// | [`LearningCurve::observe`](crate::selection::LearningCurve::observe) | [`run`](crate::selection::LearningCurve::run) | `fits` | the points whose fits are all done |
/// | [`SimplexSolver::observe`](crate::SimplexSolver::observe) | every minimisation | `iterations` | the best mixture so far |
/// | [`Plan::observe`](crate::Plan::observe) | all that can take long: a table there | | |
///
/// Each result tells with a [`Termination`] whether the call was stopped. A call ends within one
/// iteration of a local solve after a stop, on any number of threads. What is kept are the first local
/// solves (or resamples, ..), up to the first that was not finished: two calls that were stopped with m
/// of them return the same, bit for bit, on any number of threads. If not even the first local solve was
/// finished, a fit is its best point so far, with 0 local solves.
///
/// An observer is called in every iteration of a local solve, on any thread, but by one thread at a time:
/// a thread that finds it busy continues without a call. The last call comes after all is done, so that a
/// progress bar ends full. After it has stopped a call, an observer is not called again.
///
/// Settings can be cloned and used many times, and then several calls share one observer. Each call has
/// its own progress, and a stop ends that call alone. An observer that panicked stops all of them.
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
/// let bar = fitter.clone().observe(move |progress| {
///     let total = progress.total.expect("a fit by the crate's optimizer knows it");
///     let now = 100 * progress.done / total;
///     if now > percent {
///         percent = now;
///         eprint!("\r{now}% of {total} {}: {:.3e}", progress.what, progress.best);
///     }
///     ControlFlow::Continue(())
/// });
/// let fit = bar.fit(law.clone(), &sweep, "web")?;
///
/// // What can be had in a tenth of a second.
/// let deadline = Instant::now() + Duration::from_millis(100);
/// let longer = fitter.starts(1_000_000).observe(move |_| {
///     if Instant::now() < deadline { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
/// });
/// let fit = longer.fit(law, &sweep, "web")?;
/// assert_eq!(fit.termination(), Termination::Stopped);
/// println!("the best of {} local solves: {:.3e}", fit.local_solves(), fit.objective());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Progress {
    /// How much is done: what a stop would leave. It never falls, and ends at `total`. Of work that
    /// several threads share it is what is finished without a gap, from the first piece on.
    pub done: usize,
    /// Of how much; `None` where that is not known.
    pub total: Option<usize>,
    /// What is counted, such as `local solves` or `resamples`.
    pub what: &'static str,
    /// Evaluations so far, which may lag a little behind on several threads. 0 where a call does not
    /// count them.
    pub evaluations: usize,
    /// The lowest value of what is done; before the first local solve is done, the lowest of that one so
    /// far. Infinite where a call has no values.
    pub best: f64,
}

type Callback = dyn FnMut(&Progress) -> ControlFlow<()> + Send;

/// An observer that settings can hold: the clones of it are the same one.
#[derive(Clone)]
pub(crate) struct Observer(Arc<Mutex<Callback>>);

impl Observer {
    pub(crate) fn new(observer: impl FnMut(&Progress) -> ControlFlow<()> + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(observer)))
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer")
    }
}

impl PartialEq for Observer {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Observer {}

/// The seed of a call of [`Optimizer::minimize`](super::Optimizer::minimize), and an observer that can
/// stop it.
///
/// This is for those who write an [`Optimizer`](super::Optimizer) or call one themselves. See
/// [`Progress`] for what an observer is told. A clone counts what is done for itself.
///
/// ```
/// use std::ops::ControlFlow;
///
/// use mixlaw::optim::{Control, Lbfgs, Objective, Optimizer, Termination};
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
/// let mut control = Control::seeded(7).observe(|progress| {
///     if progress.evaluations < 3 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
/// });
/// let minimum = Lbfgs::default().minimize(&mut Bowl, &[3.0], &mut control);
/// assert_eq!(minimum.termination, Termination::Stopped);
/// ```
#[derive(Debug, Clone)]
pub struct Control {
    seed: u64,
    watch: Option<Arc<Watch>>,
    done: Done,
    role: Role,
}

/// What of a call is finished as its own control and those around it know.
#[derive(Debug, Clone, Copy)]
struct Done {
    evaluations: usize,
    count: usize,
    best: f64,
}

const NOTHING: Done = Done { evaluations: 0, count: 0, best: f64::INFINITY };

/// What the observer is told of what happens under a control.
#[derive(Debug, Clone, Copy, PartialEq)]
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

/// A call and its observer, shared by all threads of the call.
#[derive(Debug)]
struct Watch {
    observer: Observer,
    stop: AtomicBool,
    /// With how much the observer was told to be done. Never held while the observer runs.
    progress: Mutex<(Progress, Option<usize>)>,
}

impl Watch {
    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn progress(&self) -> MutexGuard<'_, (Progress, Option<usize>)> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what the observer will be told.
    fn update(&self, change: impl FnOnce(&mut Progress)) {
        change(&mut self.progress().0);
    }

    /// Tells the observer, unless it is busy; true if the call should stop. With `once` only if more
    /// is done than it has been told.
    fn ask(&self, once: bool) -> bool {
        if self.is_stopped() {
            return true;
        }
        // Nobody waits: an observer may itself use the threads of the pool, and then what it waits
        // for may be the very thread that asks.
        match self.observer.0.try_lock() {
            Ok(mut observer) => {
                let (progress, is_known) = {
                    let (progress, told) = &mut *self.progress();
                    let before = told.replace(progress.done);
                    (*progress, once && before == *told)
                };
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

impl Default for Control {
    fn default() -> Self {
        Self::seeded(0)
    }
}

impl Control {
    /// A call with this seed and no observer.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self { seed, watch: None, done: NOTHING, role: Role::Whole }
    }

    /// Calls `observer` in every iteration and after every local solve.
    #[must_use]
    pub fn observe(
        self,
        observer: impl FnMut(&Progress) -> ControlFlow<()> + Send + 'static,
    ) -> Self {
        self.observed_by(Some(&Observer::new(observer)))
    }

    /// The same with the observer of some settings, if they have one.
    pub(crate) fn observed_by(self, observer: Option<&Observer>) -> Self {
        let (what, best) = ("local solves", f64::INFINITY);
        let progress = Progress { done: 0, total: None, what, evaluations: 0, best };
        let watch = |observer: &Observer| {
            let (observer, stop) = (observer.clone(), AtomicBool::new(false));
            Arc::new(Watch { observer, stop, progress: Mutex::new((progress, None)) })
        };
        Self { watch: observer.map(watch), ..self }
    }

    /// The `index`-th stream of random numbers of this call, for what it draws itself. No other draw
    /// of the crate has the same one, and neither has a call under [`Control::inner`].
    ///
    /// ```
    /// use mixlaw::optim::Control;
    ///
    /// let control = Control::seeded(7);
    /// let streams = [control.stream(0), control.stream(1), control.inner(0).stream(0)];
    /// let draws = streams.map(|mut stream| stream.unit());
    /// assert_eq!(Control::seeded(7).stream(0).unit(), draws[0]);
    /// assert!(draws[0] != draws[1] && draws[0] != draws[2] && draws[1] != draws[2]);
    /// ```
    #[must_use]
    pub fn stream(&self, index: u64) -> Random {
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
            watch.update(|progress| {
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
        Self { seed: streams::seed(self.seed, Kind::Inner, index), role, ..self.clone() }
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
        watch.update(|progress| {
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
            watch.update(|progress| (progress.what, progress.total) = (what, total));
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
            let whole = Self { done, ..self.clone() };
            whole.publish();
            whole.complete();
        }
    }

    /// Tells the observer that the whole call is done, unless it knows or said stop.
    pub(crate) fn complete(&self) {
        let (Some(watch), Role::Whole) = (&self.watch, self.role) else { return };
        watch.update(|progress| {
            let total = progress.total.unwrap_or(progress.done).max(self.done.count);
            (progress.done, progress.total) = (total, progress.total.map(|_| total));
        });
        watch.ask(true);
    }

    /// Whether this is the control of the whole call.
    pub(crate) fn is_whole(&self) -> bool {
        self.role == Role::Whole
    }

    /// `task` of every number below `count`, in order, on all threads of the pool, each of which counts as
    /// done; of the first ones only where the observer says stop before the last. `None` is a task that
    /// was cut off.
    pub(crate) fn map<T: Send>(
        &mut self,
        count: usize,
        task: impl Fn(usize) -> Option<T> + Sync,
    ) -> Vec<T> {
        let (mut all, call) = (Vec::new(), self.clone());
        let take = |result| {
            self.count_pieces(1);
            all.push(result);
        };
        let mut workers = vec![(); parallel::threads().min(count)];
        parallel::at_once(&mut workers, count, &call, |(), i| task(i), take);
        all
    }

    /// Asks the observer; true if the whole call should stop.
    pub(crate) fn ask(&self) -> bool {
        Stop::ask(self)
    }

    /// Whether the observer has said stop.
    pub(crate) fn is_stopped(&self) -> bool {
        Stop::is_stopped(self)
    }

    /// Whether a run was ended by the observer, and not by itself.
    pub(crate) fn is_cut_off(&self, termination: Termination) -> bool {
        termination == Termination::Stopped && self.is_stopped()
    }

    pub(crate) fn is_observed(&self) -> bool {
        self.watch.is_some()
    }
}

impl Stop for Control {
    fn is_stopped(&self) -> bool {
        self.watch.as_ref().is_some_and(|watch| watch.is_stopped())
    }

    fn ask(&self) -> bool {
        self.watch.as_ref().is_some_and(|watch| watch.ask(false))
    }
}
