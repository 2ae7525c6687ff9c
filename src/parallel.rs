//! Independent tasks on all threads of the current pool, with the feature `rayon`.

/// What can stop work before it is done.
pub(crate) trait Stop: Sync {
    /// Whether it has said stop.
    fn is_stopped(&self) -> bool;

    /// Asks it; true if it says stop or has said so.
    fn ask(&self) -> bool;
}

/// The number of threads there are.
pub(crate) fn threads() -> usize {
    #[cfg(feature = "rayon")]
    return rayon::current_num_threads();
    #[cfg(not(feature = "rayon"))]
    1
}

/// Hands the results of `task` for 0, 1, .. below `count` to `take`, one after the other, until it is told
/// to stop. `None` is a task that was cut off.
pub(crate) fn in_turn<T>(
    count: usize,
    stop: &impl Stop,
    mut task: impl FnMut(usize) -> Option<T>,
    mut take: impl FnMut(T),
) {
    let mut stopped = stop.is_stopped();
    for i in 0..count {
        if stopped {
            return;
        }
        let Some(result) = task(i) else { return };
        take(result);
        stopped = stop.ask();
    }
}

/// As [`in_turn`], with the same results in the same order, on as many threads as there are workers.
/// Tasks are begun in order, each by the worker that is free first. After a stop, those that are
/// finished are taken up to the first that is not.
#[cfg(feature = "rayon")]
pub(crate) fn at_once<W: Send, T: Send>(
    workers: &mut [W],
    count: usize,
    stop: &impl Stop,
    task: impl Fn(&mut W, usize) -> Option<T> + Sync,
    take: impl FnMut(T) + Send,
) {
    use std::collections::BTreeMap;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use rayon::prelude::*;

    /// Results that wait for those before them.
    struct Waiting<T, F> {
        results: BTreeMap<usize, T>,
        taken: usize,
        take: F,
    }

    let next = AtomicUsize::new(0);
    let waiting = Mutex::new(Waiting { results: BTreeMap::new(), taken: 0, take });
    let work = |worker: &mut W| {
        while !stop.is_stopped() {
            let i = next.fetch_add(1, Ordering::Relaxed);
            if i >= count {
                return;
            }
            let Some(result) = task(worker, i) else { return };
            {
                let mut waiting = waiting.lock().expect("nothing panics with it");
                let Waiting { results, taken, take } = &mut *waiting;
                results.insert(i, result);
                while let Some(result) = results.remove(taken) {
                    take(result);
                    *taken += 1;
                }
            }
            stop.ask();
        }
    };
    workers.par_iter_mut().with_max_len(1).for_each(work);
}

/// As [`in_turn`]: there is one thread.
#[cfg(not(feature = "rayon"))]
pub(crate) fn at_once<W, T>(
    workers: &mut [W],
    count: usize,
    stop: &impl Stop,
    task: impl Fn(&mut W, usize) -> Option<T>,
    take: impl FnMut(T),
) {
    if let Some(worker) = workers.first_mut() {
        in_turn(count, stop, |i| task(worker, i), take);
    }
}

/// `task` of every number below `count`, in order.
#[cfg(feature = "rayon")]
pub(crate) fn map<T: Send>(count: usize, task: impl Fn(usize) -> T + Sync) -> Vec<T> {
    use rayon::prelude::*;
    // Tasks are long and of unequal length: none waits for another.
    (0..count).into_par_iter().with_max_len(1).map(&task).collect()
}

/// `task` of every number below `count`, in order.
#[cfg(not(feature = "rayon"))]
pub(crate) fn map<T>(count: usize, task: impl Fn(usize) -> T) -> Vec<T> {
    (0..count).map(task).collect()
}
