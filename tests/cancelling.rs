//! A stop is obeyed within one iteration of a local solve, on any number of threads, and leaves what was
//! finished: the same bits for as many local solves.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use mixlaw::law::{AdditiveLaw, Coordinate, Formula, FormulaLaw, Scalar};
use mixlaw::optim::{
    Control, Lbfgs, Minimum, MultiStart, Objective, Optimizer, Progress, Sequence, SmoothFirst,
    Termination, TrustRegion,
};
use mixlaw::selection::{Candidate, LearningCurve, Selection};
use mixlaw::uncertainty::{Bootstrap, Probe};
use mixlaw::{Fitter, Predictor, Random, Sweep};

/// On so many threads.
fn on<T: Send>(threads: usize, run: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(run)
}

/// Rosenbrock's function of six variables with ripples, which counts its evaluations. All forks count
/// together.
#[derive(Clone, Default)]
struct Slow {
    evaluations: Arc<AtomicUsize>,
}

impl Objective for Slow {
    fn dim(&self) -> usize {
        6
    }

    fn value_gradient(&mut self, x: &[f64], g: &mut [f64]) -> f64 {
        self.evaluations.fetch_add(1, Ordering::SeqCst);
        g.fill(0.0);
        let mut value = 1.0;
        for i in 0..5 {
            let (a, b) = (1.0 - x[i], x[i + 1] - x[i] * x[i]);
            value += a * a + 100.0 * b * b + 0.5 * (1.0 - (5.0 * a).cos());
            g[i] += -2.0 * a - 400.0 * b * x[i] - 2.5 * (5.0 * a).sin();
            g[i + 1] += 200.0 * b;
        }
        value
    }

    fn bounds(&self, _: usize) -> (f64, f64) {
        (-3.0, 3.0)
    }

    fn draw_start(&mut self, random: &mut Random) -> Option<Vec<f64>> {
        Some((0..6).map(|_| random.uniform(-3.0..3.0)).collect())
    }

    fn fork(&self) -> Option<Box<dyn Objective + Send + '_>> {
        Some(Box::new(self.clone()))
    }
}

const START: [f64; 6] = [-1.2, 1.0, -1.2, 1.0, -1.2, 1.0];

/// As a fit's: starts, finer solves from the best of them, and a last one.
fn search() -> impl Optimizer {
    let coarse = TrustRegion::default().tolerance(1e-3);
    let shortlist = MultiStart::new(coarse, 12).shortlist(4, Lbfgs::default());
    Sequence::new(shortlist, TrustRegion::default())
}

/// The minimum where the observer says stop once `is_enough`, and the evaluations after that.
fn stopped(
    optimizer: &dyn Optimizer,
    is_enough: impl Fn(&Progress) -> bool + Send + 'static,
) -> (Minimum, usize) {
    let mut objective = Slow::default();
    let evaluations = objective.evaluations.clone();
    let at_stop = Arc::new(Mutex::new(None));
    let told = at_stop.clone();
    let mut control = Control::seeded(3).observe(move |progress| {
        let mut at_stop = told.lock().unwrap();
        assert_eq!(*at_stop, None, "it is not called again after a stop");
        if is_enough(progress) {
            *at_stop = Some(evaluations.load(Ordering::SeqCst));
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    });
    let minimum = optimizer.minimize(&mut objective, &START, &mut control);
    let all = objective.evaluations.load(Ordering::SeqCst);
    let at_stop = *at_stop.lock().unwrap();
    (minimum, all - at_stop.unwrap_or(all))
}

#[test]
fn after_a_stop_each_thread_ends_its_iteration_and_no_more() {
    let mut objective = Slow::default();
    let whole = search().minimize(&mut objective, &START, &mut Control::seeded(3));
    assert!(whole.evaluations > 900, "{whole:?}");
    for threads in [1, 2, 4] {
        for limit in [10, 100, 300, 600] {
            let (minimum, after) =
                on(threads, || stopped(&search(), move |progress| progress.evaluations >= limit));
            assert_eq!(minimum.termination, Termination::Stopped, "{limit} on {threads} threads");
            // An iteration of either optimizer is some trials; a start that was stopped before it
            // began is two evaluations.
            assert!(
                after <= 25 * threads,
                "{after} evaluations after {limit} on {threads} threads"
            );
        }
    }
}

#[test]
fn as_many_local_solves_are_the_same_bits_on_any_number_of_threads() {
    let alone = |most: usize| on(1, || stopped(&search(), move |progress| progress.done >= most).0);
    let whole = on(1, || stopped(&search(), |_| false).0);
    assert_eq!((whole.local_solves, whole.termination.converged()), (17, true));
    let mut by_count: BTreeMap<usize, Minimum> = (1..17).map(|most| (most, alone(most))).collect();
    for (count, minimum) in &by_count {
        assert_eq!(minimum.local_solves, *count);
        assert_eq!(minimum.termination, Termination::Stopped);
    }
    // Of starts alone it is what as many starts find.
    for starts in 1..12 {
        let coarse = TrustRegion::default().tolerance(1e-3);
        // As within the sequence.
        let few = Sequence::new(MultiStart::new(coarse, starts), Lbfgs::default());
        let best = Arc::new(Mutex::new(f64::INFINITY));
        let told = best.clone();
        let (few, _) = stopped(&few, move |progress| {
            *told.lock().unwrap() = progress.best;
            progress.done == starts
        });
        assert_eq!((&few.x, few.local_solves), (&by_count[&starts].x, starts));
        assert_eq!(*best.lock().unwrap(), few.value);
    }
    by_count.insert(17, whole);
    for threads in [2, 4] {
        for limit in (20..950).step_by(30) {
            let (minimum, _) =
                on(threads, || stopped(&search(), move |progress| progress.evaluations >= limit));
            if minimum.local_solves > 0 {
                assert_eq!(minimum, by_count[&minimum.local_solves], "{threads} threads");
            }
        }
    }
}

#[test]
fn before_the_first_local_solve_is_done_there_is_its_best_point() {
    let first = Slow::default().value(&START);
    for threads in [1, 2] {
        for optimizer in [
            Box::new(search()) as Box<dyn Optimizer>,
            Box::new(TrustRegion::default()),
            Box::new(Lbfgs::default()),
            Box::new(SmoothFirst::new(TrustRegion::default(), Lbfgs::default())),
        ] {
            let (minimum, _) = on(threads, || stopped(&optimizer, |p| p.evaluations >= 12));
            assert_eq!((minimum.local_solves, minimum.termination), (0, Termination::Stopped));
            assert!(minimum.value < first, "{optimizer:?}: {minimum:?}");
            assert_eq!(minimum.value, Slow::default().value(&minimum.x));
        }
    }
}

#[test]
fn an_observer_that_never_says_stop_changes_nothing() {
    let alone = search().minimize(&mut Slow::default(), &START, &mut Control::seeded(3));
    for threads in [1, 2, 4] {
        assert_eq!(on(threads, || stopped(&search(), |_| false).0), alone);
    }
}

#[test]
fn an_observer_may_use_the_threads_itself() {
    let alone = search().minimize(&mut Slow::default(), &START, &mut Control::seeded(3));
    for threads in [2, 4] {
        let seen = on(threads, || {
            stopped(&search(), |progress| {
                if progress.done % 4 == 0 {
                    search().minimize(&mut Slow::default(), &START, &mut Control::seeded(5));
                }
                false
            })
        });
        assert_eq!(seen.0, alone);
    }
}

#[test]
fn an_observer_that_panics_ends_the_call() {
    let endless = MultiStart::new(TrustRegion::default(), usize::MAX);
    for threads in [1, 2, 4] {
        let call = || on(threads, || stopped(&endless, |p| panic!("enough at {}", p.done)));
        let panic = std::panic::catch_unwind(call).unwrap_err();
        assert!(panic.downcast_ref::<String>().unwrap().starts_with("enough at"));
    }
}

/// `E + A/N^alpha + B/D^beta + c h_0`, which counts its evaluations at rows.
#[derive(Debug, Clone)]
struct SlowLaw(Arc<AtomicUsize>);

impl Formula for SlowLaw {
    fn name(&self) -> &str {
        "slow"
    }

    fn coefficients(&self, _: &[String]) -> Vec<Coordinate> {
        vec![
            Coordinate::positive("E", 1e-6..=10.0),
            Coordinate::positive("A", 1e-6..=1e6).over_n("alpha"),
            Coordinate::positive("alpha", 0.03..=1.5),
            Coordinate::positive("B", 1e-6..=1e6).over_d("beta"),
            Coordinate::positive("beta", 0.03..=1.5),
            Coordinate::real("c", -3.0..=3.0),
        ]
    }

    fn loss<S: Scalar>(&self, c: &[S], n: S, d: S, h: &[S]) -> S {
        self.0.fetch_add(1, Ordering::SeqCst);
        c[0] + c[1] / n.powf(c[2]) + c[3] / d.powf(c[4]) + c[5] * h[0]
    }
}

fn sweep() -> Sweep {
    let (mut n, mut d, mut h, mut loss) = (vec![], vec![], vec![], vec![]);
    for web in [0.1, 0.3, 0.5, 0.7, 0.9] {
        for size in [1e8, 4e8, 2e9] {
            for tokens in [2e9, 8e9, 3e10] {
                n.push(size);
                d.push(tokens);
                h.extend([web, 1.0 - web]);
                let noise = (0.618_033_988_749_895 * n.len() as f64).fract() - 0.5;
                let clean = 1.7 + 400.0 / f64::powf(size, 0.34) + 400.0 / f64::powf(tokens, 0.28);
                loss.push((clean + 0.2 / (0.2 + web)) * (1.0 + 0.01 * noise));
            }
        }
    }
    Sweep::new(&["web", "code"], &["t"], &n, &d, &h, &loss).unwrap()
}

type Observer = Box<dyn FnMut(&Progress) -> ControlFlow<()> + Send>;

/// Calls `run` with an observer that says stop after `calls` calls, and returns the evaluations of the
/// law after that.
fn after_stop(calls: usize, evaluations: &Arc<AtomicUsize>, run: impl FnOnce(Observer)) -> usize {
    let (mut left, at_stop) = (calls, Arc::new(Mutex::new(None)));
    let (told, counted) = (at_stop.clone(), evaluations.clone());
    run(Box::new(move |_| {
        left -= 1;
        if left > 0 {
            return ControlFlow::Continue(());
        }
        *told.lock().unwrap() = Some(counted.load(Ordering::SeqCst));
        ControlFlow::Break(())
    }));
    let at_stop = at_stop.lock().unwrap().expect("it is called so often");
    evaluations.load(Ordering::SeqCst) - at_stop
}

#[test]
fn fits_selections_and_resamples_of_a_slow_law_stop_at_once() {
    let sweep = sweep();
    let evaluations = Arc::new(AtomicUsize::new(0));
    let law =
        FormulaLaw::new(SlowLaw(evaluations.clone()), &["web", "code"], sweep.scale()).unwrap();
    let count = || evaluations.load(Ordering::SeqCst);
    let before = count();
    let fit = Fitter::new().fit(law.clone(), &sweep, "t").unwrap();
    let of_fit = count() - before;
    let selection = Selection::new().candidate(Candidate::new(law.clone(), Fitter::new()));
    for threads in [1, 2, 4] {
        for calls in [1, 3, 20] {
            let of_one = |run: &mut (dyn FnMut(Observer) + Send)| {
                on(threads, || after_stop(calls, &evaluations, run))
            };
            let fitted = of_one(&mut |observer| {
                let fit = Fitter::new().observe(observer).fit(law.clone(), &sweep, "t").unwrap();
                assert_eq!(fit.termination(), Termination::Stopped);
            });
            let selected = of_one(&mut |observer| {
                let scores = selection.clone().observe(observer).run(&sweep, "t").unwrap();
                assert_eq!(scores.termination(), Termination::Stopped);
                assert!(scores.scores()[0].fit.is_none());
            });
            let resampled = of_one(&mut |observer| {
                // None is an error.
                let some = Bootstrap::new(100).observe(observer).run(&fit, &sweep);
                let is_stopped = |some: Predictor| {
                    some.members().expect("those that are done").termination()
                        == Termination::Stopped
                };
                assert!(some.map_or_else(|error| error.is_stopped(), is_stopped));
            });
            let probed = of_one(&mut |observer| {
                let report = Probe::new().observe(observer).run(&fit, &sweep).unwrap();
                assert_eq!(report.termination, Termination::Stopped);
            });
            // What a report and a plan do without a solve is some evaluations of all rows too.
            let most = threads * of_fit / 60;
            for (what, after) in [
                ("fit", fitted),
                ("selection", selected),
                ("bootstrap", resampled),
                ("probe", probed),
            ] {
                assert!(
                    after <= most,
                    "{what}: {after} evaluations after the stop, {of_fit} of a fit, {threads} threads"
                );
            }
        }
    }
}

#[test]
fn endless_calls_begin_at_once_and_can_be_stopped() {
    let sweep = sweep();
    let law = AdditiveLaw::for_sweep(&sweep);
    let fit = Fitter::new().starts(4).fit(law.clone(), &sweep, "t").unwrap();
    let endless = Fitter::new().starts(usize::MAX);
    let at_five = |progress: &Progress| {
        if progress.done < 5 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    let stopped = Termination::Stopped;
    let fitted = endless.observe(at_five).fit(law.clone(), &sweep, "t").unwrap();
    assert!(fitted.local_solves() >= 5 && fitted.termination() == stopped);
    let some = Bootstrap::new(1_000_000).observe(at_five).run(&fit, &sweep).unwrap();
    let some = some.members().unwrap();
    assert!(some.len() >= 5 && some.termination() == stopped);
    let report = Probe::new().starts(1_000_000).observe(at_five).run(&fit, &sweep).unwrap();
    assert!(report.restarts.starts >= 5 && report.termination == stopped);
}

/// What an observer was told: done in order, and the last total.
fn told(what: &'static str, run: impl FnOnce(Observer)) -> (Vec<usize>, Option<usize>) {
    let seen = Arc::new(Mutex::new((Vec::new(), None)));
    let told = seen.clone();
    run(Box::new(move |progress| {
        let (done, total) = &mut *told.lock().unwrap();
        assert_eq!(progress.what, what);
        assert!(total.is_none() || *total == progress.total);
        *total = progress.total;
        done.push(progress.done);
        ControlFlow::Continue(())
    }));
    let (mut done, total) = seen.lock().unwrap().clone();
    assert!(done.is_sorted() && done.last().copied() == total, "{what}: {total:?}");
    done.dedup();
    (done, total)
}

#[test]
fn totals_are_what_is_done_at_the_end() {
    let sweep = sweep();
    let law = AdditiveLaw::for_sweep(&sweep);
    let fitter = Fitter::new().starts(6);
    let fit = fitter.fit(law.clone(), &sweep, "t").unwrap();
    for threads in [1, 3] {
        on(threads, || {
            let (done, total) = told("local solves", |observer| {
                fitter.clone().observe(observer).fit(law.clone(), &sweep, "t").unwrap();
            });
            // Six starts of two solves, two of the shortlist and the last.
            assert_eq!(total, Some(15));
            assert!(threads > 1 || done == [0, 2, 4, 6, 8, 10, 12, 13, 14, 15], "{done:?}");
            let local = fitter.clone().optimizer(TrustRegion::default());
            let (done, total) = told("local solves", |observer| {
                local.observe(observer).fit(law.clone(), &sweep, "t").unwrap();
            });
            assert_eq!((done, total), (vec![0, 1], Some(1)));
            let (_, total) = told("resamples", |observer| {
                Bootstrap::new(30).observe(observer).run(&fit, &sweep).unwrap();
            });
            assert_eq!(total, Some(30));
            let (_, total) = told("other starts and ends of ranges", |observer| {
                Probe::new().starts(3).observe(observer).run(&fit, &sweep).unwrap();
            });
            assert_eq!(total, Some(3 + 2 * 9));
            let candidate = Candidate::new(law.clone(), fitter.clone());
            let (done, total) = told("fits", |observer| {
                let selection = Selection::new().candidate(candidate.clone()).folds(3);
                selection.observe(observer).run(&sweep, "t").unwrap();
            });
            // All rows, three folds, the largest scale, and the baseline.
            assert_eq!((done, total), ((0..=6).collect(), Some(6)));
            // A candidate that cannot be fitted is done with too.
            let few = sweep.select(|row| row.n == 1e8).unwrap();
            let (_, total) = told("fits", |observer| {
                let weights = fitter.clone().row_weights([1.0]);
                let bad = Candidate::new(law.clone(), weights);
                let selection = Selection::new().candidates([candidate.clone(), bad]).folds(3);
                selection.observe(observer).run(&few, "t").unwrap();
            });
            assert_eq!(total, Some(11));
            let (done, total) = told("fits", |observer| {
                let curve = LearningCurve::new([3, 4]).repeats(2).observe(observer);
                curve.run(&candidate, &sweep, "t").unwrap();
            });
            assert_eq!((done, total), ((0..=4).collect(), Some(4)));
        });
    }
}

#[test]
fn calls_that_share_an_observer_are_stopped_one_by_one() {
    let sweep = sweep();
    let law = AdditiveLaw::for_sweep(&sweep);
    let calls = Arc::new(Mutex::new(Vec::new()));
    let told = calls.clone();
    let fitter = Fitter::new().starts(4).observe(move |progress| {
        told.lock().unwrap().push(progress.done);
        if progress.done < 2 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    let mut seen = Vec::new();
    for _ in 0..2 {
        // On one thread: others may end all starts while the one that asks is held up.
        let fit = on(1, || fitter.clone().fit(law.clone(), &sweep, "t")).unwrap();
        assert_eq!(fit.termination(), Termination::Stopped);
        seen.push(std::mem::take(&mut *calls.lock().unwrap()));
        // The settings that a fit keeps are those without the observer.
        let whole = fit.fitter().fit(law.clone(), &sweep, "t").unwrap();
        assert!(whole.termination().converged() && calls.lock().unwrap().is_empty());
    }
    for seen in seen {
        assert_eq!((seen[0], seen[seen.len() - 1] >= 2), (0, true), "{seen:?}");
    }
    // At the same time, each of the others goes on while one is in the observer.
    let stopped = std::thread::scope(|scope| {
        let fit = || fitter.fit(law.clone(), &sweep, "t").unwrap();
        let all: Vec<_> = (0..4).map(|_| scope.spawn(fit)).collect();
        all.into_iter().map(|fit| fit.join().unwrap().termination()).collect::<Vec<_>>()
    });
    assert!(stopped.contains(&Termination::Stopped), "{stopped:?}");
}
