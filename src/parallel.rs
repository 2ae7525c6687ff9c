//! Independent tasks on all threads of the current pool, with the feature `rayon`.

use crate::optim::Control;

/// As [`map`], in rounds of which the observer is told, with the tasks done as its `local_solves`; of
/// the first tasks only where it says stop before the last.
pub(crate) fn map_observed<T: Send>(
    count: usize,
    round: usize,
    control: &mut Control<'_>,
    task: impl Fn(usize) -> T + Sync,
) -> Vec<T> {
    let mut all = Vec::new();
    while all.len() < count {
        let first = all.len();
        // Where nobody looks, no thread waits for the end of a round.
        let size = if control.is_observed() { round.min(count - first) } else { count };
        all.extend(map(size, |i| task(first + i)));
        if control.counted(0, size) {
            break;
        }
    }
    all
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
