use std::sync::Mutex;

use super::{
    Control, Minimum, Objective, Optimizer, Termination, better, bounds, clamped, is_lower, run,
};
use crate::error::Error;
use crate::parallel;
use crate::random::Random;

/// Runs an optimizer from several starts and keeps the best minimum.
///
/// With the feature `rayon` the runs share the threads of the current pool, if the objective can
/// [fork](Objective::fork). The result is the same, bit for bit, on any number of threads. If an
/// observer stops it, the result is the best of the first starts, up to the first that was not finished,
/// or of the first of the shortlist where that was reached.
///
/// ```
/// use mixlaw::optim::{Lbfgs, MultiStart, TrustRegion};
///
/// // Random search: the start of the call, and 31 drawn ones.
/// let random = MultiStart::new(Lbfgs::default(), 32);
/// // An evenly spaced grid of six starts, as in sec. 2.3.
/// let grid = MultiStart::grid(Lbfgs::default(), &[vec![0.0, 1.0], vec![-1.0, 0.0, 1.0]]);
/// # let _ = (random, grid);
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

impl<O: Optimizer> MultiStart<O> {
    /// Random search: from the start of the call and `starts - 1` others, drawn by
    /// [`Objective::draw_start`]; where the objective draws none, uniformly from its box, or in the
    /// directions without bounds from an interval of length 2 around the start. At least 1.
    #[must_use]
    pub fn new(inner: O, starts: usize) -> Self {
        Self { inner, starts: Starts::Drawn(starts), shortlist: None }
    }

    /// From these starts, at least 1, and no others. A start with another number of variables than the
    /// objective is left out; the start of the call is used where
    /// that leaves none.
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
    /// Runs another optimizer from the best `count` minima, at least 1, and keeps the best of these.
    #[must_use]
    pub fn shortlist<G: Optimizer>(self, count: usize, optimizer: G) -> MultiStart<O, G> {
        let Self { inner, starts, .. } = self;
        MultiStart { inner, starts, shortlist: Some((count, optimizer)) }
    }

    /// The number of starts.
    fn starts(&self) -> usize {
        match &self.starts {
            Starts::Drawn(count) => *count,
            Starts::Listed(points) => points.len(),
        }
    }
}

/// A start for an objective, from itself or from its box.
fn draw(objective: &mut dyn Objective, around: &[f64], random: &mut Random) -> Vec<f64> {
    if let Some(start) = objective.draw_start(random) {
        return start;
    }
    let within = |(&x, (lower, upper)): (&f64, (f64, f64))| {
        let (a, b) = if (upper - lower).is_finite() { (lower, upper) } else { (x - 1.0, x + 1.0) };
        a + (b - a) * random.unit()
    };
    around.iter().zip(bounds(objective)).map(within).collect()
}

/// Where runs start from.
type Point<'a> = dyn Fn(&mut dyn Objective, usize) -> Vec<f64> + Sync + 'a;

/// Runs of one optimizer from several points.
struct Runs<'a> {
    optimizer: &'a dyn Optimizer,
    count: usize,
    point: &'a Point<'a>,
    /// The number of the control of the first one.
    first: u64,
}

/// What came of them.
struct Outcome {
    /// How many were finished, without a gap.
    finished: usize,
    /// The best of these, with the counts of all.
    best: Option<Minimum>,
    /// The best of these, as many as were asked for, by their value.
    listed: Vec<(f64, Vec<f64>)>,
    /// The first run, where the observer stopped it.
    cut_off: Option<Minimum>,
}

impl Runs<'_> {
    /// Makes them, on all threads of the pool if the objective can fork, and keeps the best `keep`.
    fn make(&self, objective: &mut dyn Objective, keep: usize, control: &mut Control) -> Outcome {
        let watch = control.clone();
        let cut_off = Mutex::new(None);
        let task = |objective: &mut dyn Objective, i: usize| {
            let start = (self.point)(objective, i);
            let index = self.first.wrapping_add(i as u64);
            let mut inner = watch.inner_of_many(index, i == 0);
            let run = self.optimizer.minimize(objective, &start, &mut inner);
            if !watch.is_cut_off(run.termination) {
                return Some(run);
            }
            if i == 0 {
                *cut_off.lock().expect("nothing panics with it") = Some(run);
            }
            None
        };
        let (mut finished, mut best, mut listed) = (0, None, Vec::new());
        let take = |run: Minimum| {
            control.count(&run);
            finished += 1;
            // Of equal minima the first one goes on.
            let is_ahead = |(value, _): &(f64, Vec<f64>)| !is_lower(run.value, *value);
            let place = listed.partition_point(is_ahead);
            if place < keep {
                listed.insert(place, (run.value, run.x.clone()));
                listed.truncate(keep);
            }
            best = Some(better(best.take(), run));
        };
        if let Some(mut forks) = forks(&*objective, self.count) {
            let task = |fork: &mut Fork<'_>, i: usize| task(fork.as_mut(), i);
            parallel::at_once(&mut forks, self.count, &watch, task, take);
        } else {
            parallel::in_turn(self.count, &watch, |i| task(objective, i), take);
        }
        let cut_off = cut_off.into_inner().expect("nothing panics with it");
        Outcome { finished, best, listed, cut_off }
    }
}

type Fork<'a> = Box<dyn Objective + Send + 'a>;

/// One for each thread that has something to do; `None` if that is one only, or the objective cannot
/// fork.
fn forks(objective: &dyn Objective, count: usize) -> Option<Vec<Fork<'_>>> {
    let threads = parallel::threads().min(count);
    if threads < 2 { None } else { (0..threads).map(|_| objective.fork()).collect() }
}

impl<O: Optimizer, F: Optimizer> MultiStart<O, F> {
    /// The listed starts for so many variables.
    fn listed(&self, dim: usize) -> Vec<&[f64]> {
        match &self.starts {
            Starts::Drawn(_) => Vec::new(),
            Starts::Listed(points) => {
                points.iter().map(Vec::as_slice).filter(|point| point.len() == dim).collect()
            }
        }
    }

    /// The number of starts for so many variables.
    fn count(&self, dim: usize) -> usize {
        match self.starts {
            Starts::Drawn(count) => count,
            Starts::Listed(_) => self.listed(dim).len().max(1),
        }
    }

    fn search(
        &self,
        objective: &mut dyn Objective,
        start: &[f64],
        control: &mut Control,
    ) -> Minimum {
        let (listed, count) = (self.listed(start.len()), self.count(start.len()));
        let watch = control.clone();
        let point = |objective: &mut dyn Objective, i: usize| match listed.get(i) {
            Some(point) => point.to_vec(),
            None if i == 0 => start.to_vec(),
            None => draw(objective, start, &mut watch.stream(i as u64)),
        };
        let keep = self.shortlist.as_ref().map_or(0, |(count, _)| *count);
        let runs = Runs { optimizer: &self.inner, count, point: &point, first: 0 };
        let Outcome { finished, best, listed, cut_off } = runs.make(objective, keep, control);
        let Some(mut best) = best.or(cut_off) else {
            // The observer had said stop before.
            let start = clamped(start, &bounds(objective));
            return Minimum::measured(objective, start, Termination::Stopped, 0);
        };
        let mut stopped = finished < count;
        if let Some((_, optimizer)) = self.shortlist.as_ref().filter(|_| !stopped) {
            let point = |_: &mut dyn Objective, i: usize| listed[i].1.clone();
            let (count, first) = (listed.len(), count as u64);
            let runs = Runs { optimizer, count, point: &point, first };
            let outcome = runs.make(objective, 0, control);
            stopped = outcome.finished < count;
            best = outcome.best.map_or(best.clone(), |run| better(Some(best), run));
        }
        if stopped { Minimum { termination: Termination::Stopped, ..best } } else { best }
    }
}

impl<O: Optimizer, F: Optimizer> Optimizer for MultiStart<O, F> {
    fn check(&self) -> Result<(), Error> {
        if self.starts() == 0 {
            return Err(Error::setting("starts", 0.0, "at least 1"));
        }
        if let Some((count, optimizer)) = &self.shortlist {
            if *count == 0 {
                return Err(Error::setting("the length of the shortlist", 0.0, "at least 1"));
            }
            optimizer.check()?;
        }
        self.inner.check()
    }

    fn local_solves(&self, objective: &mut dyn Objective) -> Option<usize> {
        let count = self.count(objective.dim());
        let first = self.inner.local_solves(objective)?.checked_mul(count)?;
        let Some((shortlist, optimizer)) = &self.shortlist else { return Some(first) };
        let then = optimizer.local_solves(objective)?.checked_mul(*shortlist.min(&count))?;
        first.checked_add(then)
    }

    fn minimize(
        &self,
        objective: &mut dyn Objective,
        start: &[f64],
        control: &mut Control,
    ) -> Minimum {
        run(self, objective, start, control, |f, control| self.search(f, start, control))
    }
}
