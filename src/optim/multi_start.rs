use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use super::{Control, Minimum, Objective, Optimizer, Termination, better, bounds};

/// Runs an optimizer from several starts and keeps the best minimum.
///
/// With the feature `rayon` the runs share the threads of the current pool, if the objective can
/// [fork](Objective::fork). The result is the same, bit for bit, on any number of threads. The
/// observer is then told after rounds of 32 runs, not within them.
///
/// ```
/// use mixlaw::optim::{Lbfgs, MultiStart, TrustRegion};
///
/// // Random search: the start of the call, and 31 drawn ones.
/// let random = MultiStart::new(Lbfgs::default(), 32);
/// // An evenly spaced grid of starts, as in sec. 2.3.
/// let grid = MultiStart::grid(Lbfgs::default(), &[vec![0.0, 1.0], vec![-1.0, 0.0, 1.0]]);
/// assert_eq!((random.starts(), grid.starts()), (32, 6));
///
/// // Coarse runs, and finer ones from the best four minima.
/// let shortlist = MultiStart::new(TrustRegion::default().tolerance(1e-3), 16)
///     .shortlist(4, TrustRegion::default());
/// # let _ = shortlist;
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct MultiStart<O, F = O> {
    inner: O,
    starts: Starts,
    /// How many minima go on, and to which optimizer.
    shortlist: Option<(usize, F)>,
}

#[derive(Debug, Clone, PartialEq)]
enum Starts {
    /// The given start and others that are drawn.
    Drawn(usize),
    /// These and no others.
    Listed(Vec<Vec<f64>>),
}

/// So many starts are drawn at a time: enough for all threads, and no more than will be needed if
/// the observer stops the search.
const ROUND: usize = 32;

impl<O: Optimizer> MultiStart<O> {
    /// Random search: from the start of the call and `starts - 1` others, drawn by
    /// [`Objective::draw_start`]; where the objective draws none, uniformly from its box, or in the
    /// directions without bounds from an interval of length 2 around the start.
    #[must_use]
    pub fn new(inner: O, starts: usize) -> Self {
        Self { inner, starts: Starts::Drawn(starts.max(1)), shortlist: None }
    }

    /// From these starts and no others; the start of the call is used only if there are none. A
    /// start with another number of variables than the objective is no place to start from, and is
    /// passed over.
    #[must_use]
    pub fn from_points(inner: O, starts: Vec<Vec<f64>>) -> Self {
        Self { inner, starts: Starts::Listed(starts), shortlist: None }
    }

    /// From every combination of these values, one list for each variable.
    #[must_use]
    pub fn grid(inner: O, axes: &[Vec<f64>]) -> Self {
        let mut points = vec![Vec::new()];
        for axis in axes {
            let extend = |p: &Vec<f64>| {
                let p = p.clone();
                axis.iter().map(move |&x| p.iter().copied().chain([x]).collect())
            };
            points = points.iter().flat_map(extend).collect();
        }
        Self::from_points(inner, points)
    }
}

impl<O: Optimizer, F: Optimizer> MultiStart<O, F> {
    /// Runs another optimizer from the best `count` minima and keeps the best of these.
    #[must_use]
    pub fn shortlist<G: Optimizer>(self, count: usize, optimizer: G) -> MultiStart<O, G> {
        let Self { inner, starts, .. } = self;
        MultiStart { inner, starts, shortlist: Some((count.max(1), optimizer)) }
    }

    /// The number of starts.
    #[must_use]
    pub fn starts(&self) -> usize {
        match &self.starts {
            Starts::Drawn(count) => *count,
            Starts::Listed(points) => points.len(),
        }
    }
}

/// A start for an objective, from itself or from its box.
fn draw(objective: &mut dyn Objective, around: &[f64], rng: &mut Xoshiro256PlusPlus) -> Vec<f64> {
    if let Some(start) = objective.draw_start(rng) {
        return start;
    }
    let within = |(&x, (lower, upper)): (&f64, (f64, f64))| {
        let (a, b) = if (upper - lower).is_finite() { (lower, upper) } else { (x - 1.0, x + 1.0) };
        a + (b - a) * rng.random::<f64>()
    };
    around.iter().zip(bounds(objective)).map(within).collect()
}

/// The runs of `optimizer` from all points, in their order, and whether the observer stopped them.
fn run_all(
    optimizer: &dyn Optimizer,
    objective: &mut dyn Objective,
    points: &[Vec<f64>],
    first: usize,
    control: &mut Control<'_>,
) -> (Vec<Minimum>, bool) {
    #[cfg(feature = "rayon")]
    if let Some(all) = run_in_parallel(optimizer, objective, points, first, control) {
        return all;
    }
    let mut runs = Vec::new();
    for (i, point) in points.iter().enumerate() {
        let run = optimizer.minimize(objective, point, &mut control.inner((first + i) as u64));
        let stop = control.finished(&run);
        runs.push(run);
        if stop {
            return (runs, true);
        }
    }
    (runs, false)
}

/// As [`run_all`], on all threads of the pool; `None` if there is one only, or the objective cannot
/// fork.
#[cfg(feature = "rayon")]
fn run_in_parallel(
    optimizer: &dyn Optimizer,
    objective: &dyn Objective,
    points: &[Vec<f64>],
    first: usize,
    control: &mut Control<'_>,
) -> Option<(Vec<Minimum>, bool)> {
    use rayon::prelude::*;

    let threads = rayon::current_num_threads().min(points.len());
    if threads < 2 {
        return None;
    }
    let mut forks: Vec<_> = (0..threads).map(|_| objective.fork()).collect::<Option<_>>()?;
    let seeds: Vec<u64> =
        (0..points.len()).map(|i| control.inner((first + i) as u64).seed()).collect();
    // Each fork takes every so many-th point.
    let share = |(fork, from): (&mut Box<dyn Objective + Send + '_>, usize)| {
        let minimize = |i: usize| {
            let control = &mut Control::seeded(seeds[i]);
            optimizer.minimize(fork.as_mut(), &points[i], control)
        };
        (from..points.len()).step_by(threads).map(minimize).collect::<Vec<_>>()
    };
    let shares: Vec<_> = forks.par_iter_mut().zip(0..threads).map(share).collect();
    let mut shares: Vec<_> = shares.into_iter().map(Vec::into_iter).collect();
    let mut runs = Vec::new();
    for i in 0..points.len() {
        let run = shares[i % threads].next().expect("a run for each point");
        let stop = control.finished(&run);
        runs.push(run);
        if stop {
            return Some((runs, true));
        }
    }
    Some((runs, false))
}

impl<O: Optimizer, F: Optimizer> Optimizer for MultiStart<O, F> {
    fn minimize(
        &self,
        objective: &mut dyn Objective,
        start: &[f64],
        control: &mut Control<'_>,
    ) -> Minimum {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(control.seed());
        let listed: Vec<&Vec<f64>> = match &self.starts {
            Starts::Drawn(_) => Vec::new(),
            Starts::Listed(points) => points.iter().filter(|p| p.len() == start.len()).collect(),
        };
        let count =
            if let Starts::Drawn(count) = self.starts { count } else { listed.len().max(1) };
        let (mut runs, mut stopped) = (Vec::new(), false);
        while runs.len() < count && !stopped {
            let first = runs.len();
            let round = first..count.min(first + ROUND);
            let point = |i: usize| match listed.get(i) {
                Some(point) => point.to_vec(),
                None if i == 0 => start.to_vec(),
                None => draw(objective, start, &mut rng),
            };
            let points: Vec<Vec<f64>> = round.map(point).collect();
            let (more, stop) = run_all(&self.inner, objective, &points, first, control);
            runs.extend(more);
            stopped = stop;
        }
        // Stable: of equal minima the first one goes on.
        runs.sort_by(|a, b| a.value.total_cmp(&b.value));
        let listed: Vec<Vec<f64>> = runs.iter().map(|run| run.x.clone()).collect();
        let mut best = best_of(runs);
        if let Some((count, optimizer)) = self.shortlist.as_ref().filter(|_| !stopped) {
            let listed = &listed[..listed.len().min(*count)];
            let runs;
            (runs, stopped) = run_all(optimizer, objective, listed, self.starts(), control);
            best = better(Some(best), best_of(runs));
        }
        if stopped { Minimum { termination: Termination::Stopped, ..best } } else { best }
    }
}

/// The best of several minima, with the counts of all.
fn best_of(runs: Vec<Minimum>) -> Minimum {
    let best = runs.into_iter().fold(None, |best, run| Some(better(best, run)));
    best.expect("there is at least one run")
}
