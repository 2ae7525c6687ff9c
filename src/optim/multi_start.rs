use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use super::{Control, Minimum, Objective, Optimizer, Termination, better, bounds};

/// Runs an optimizer from several starts and keeps the best minimum.
///
/// ```
/// use mixlaw::optim::{Lbfgs, MultiStart};
///
/// // Random search: the start of the call, and 31 drawn ones.
/// let random = MultiStart::new(Lbfgs::default(), 32);
/// // An evenly spaced grid of starts, as in sec. 2.3.
/// let grid = MultiStart::grid(Lbfgs::default(), &[vec![0.0, 1.0], vec![-1.0, 0.0, 1.0]]);
/// assert_eq!((random.starts(), grid.starts()), (32, 6));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct MultiStart<O> {
    inner: O,
    starts: Starts,
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
    /// directions without bounds from an interval of length 2 around the start.
    #[must_use]
    pub fn new(inner: O, starts: usize) -> Self {
        Self { inner, starts: Starts::Drawn(starts.max(1)) }
    }

    /// From these starts and no others; the start of the call is used only if there are none. A
    /// start with another number of variables than the objective is no place to start from, and is
    /// passed over.
    #[must_use]
    pub fn from_points(inner: O, starts: Vec<Vec<f64>>) -> Self {
        Self { inner, starts: Starts::Listed(starts) }
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

impl<O: Optimizer> Optimizer for MultiStart<O> {
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
        let mut best = None;
        for i in 0..count {
            let from = match listed.get(i) {
                Some(point) => point.to_vec(),
                None if i == 0 => start.to_vec(),
                None => draw(objective, start, &mut rng),
            };
            let run = self.inner.minimize(objective, &from, &mut control.inner(i as u64));
            let stop = control.finished(&run);
            let so_far = better(best, run);
            if stop {
                return Minimum { termination: Termination::Stopped, ..so_far };
            }
            best = Some(so_far);
        }
        best.expect("there is at least one start")
    }
}
