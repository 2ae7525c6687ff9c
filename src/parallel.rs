//! Independent tasks on all threads of the current pool, with the feature `rayon`.

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
