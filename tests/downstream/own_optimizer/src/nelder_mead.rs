//! The simplex method of Nelder and Mead (1965), which needs no gradients.

use mixlaw::Error;
use mixlaw::optim::{Control, Minimum, Objective, Optimizer, Termination};

/// Moves the worst corner of a simplex through the middle of the others, with the coefficients of Gao
/// and Han (2012) for many variables.
#[derive(Debug, Clone)]
pub struct NelderMead {
    /// The most evaluations of the objective.
    pub max_evaluations: usize,
    /// It stops when the corners differ by less than this, relative to the best.
    pub tolerance: f64,
    /// How far the corners of the first simplex are from the start.
    pub edge: f64,
}

impl Default for NelderMead {
    fn default() -> Self {
        Self { max_evaluations: 20_000, tolerance: 1e-10, edge: 0.3 }
    }
}

/// The objective, as a function of points that may lie outside of its box.
struct Counted<'a> {
    objective: &'a mut dyn Objective,
    evaluations: usize,
}

impl Counted<'_> {
    fn corner(&mut self, mut x: Vec<f64>) -> (f64, Vec<f64>) {
        for (i, x) in x.iter_mut().enumerate() {
            let (lower, upper) = self.objective.bounds(i);
            *x = x.clamp(lower, upper);
        }
        self.evaluations += 1;
        let value = self.objective.value(&x);
        // NaN means "not here" too, and must not be sorted below a number.
        (if value.is_nan() { f64::INFINITY } else { value }, x)
    }
}

impl Optimizer for NelderMead {
    fn check(&self) -> Result<(), Error> {
        let good = |x: f64, is_in_range: bool| is_in_range && x.is_finite();
        if !good(self.edge, self.edge > 0.0) {
            return Err(Error::setting("edge", self.edge, "a finite number > 0"));
        }
        if !good(self.tolerance, self.tolerance >= 0.0) {
            return Err(Error::setting("tolerance", self.tolerance, "a finite number >= 0"));
        }
        Ok(())
    }

    fn local_solves(&self, _: &mut dyn Objective) -> Option<usize> {
        Some(1)
    }

    fn minimize(
        &self,
        objective: &mut dyn Objective,
        start: &[f64],
        control: &mut Control,
    ) -> Minimum {
        assert_eq!(start.len(), objective.dim(), "one value for each variable");
        if self.check().is_err() {
            let start = start.to_vec();
            return Minimum::measured(objective, start, Termination::InvalidSetting, 0);
        }
        let mut f = Counted { objective, evaluations: 0 };
        let first = f.corner(start.to_vec());
        let mut corners = Vec::new();
        for i in 0..start.len() {
            let (lower, upper) = f.objective.bounds(i);
            if lower < upper {
                let mut x = first.1.clone();
                x[i] += if x[i] + self.edge <= upper { self.edge } else { -self.edge };
                corners.push(f.corner(x));
            }
        }
        let m = corners.len() as f64;
        let (expansion, contraction, shrinkage) =
            (1.0 + 2.0 / m, 0.75 - 0.5 / m, (1.0 - 1.0 / m).max(0.5));
        corners.push(first);
        let termination = loop {
            corners.sort_by(|a, b| a.0.total_cmp(&b.0));
            let (best, worst) = (corners[0].0, corners[corners.len() - 1].0);
            if best == f64::INFINITY {
                break Termination::StartNotFinite;
            } else if worst - best <= self.tolerance * best.abs() {
                break Termination::Converged;
            } else if f.evaluations >= self.max_evaluations {
                break Termination::Exhausted;
            } else if control.should_stop(f.evaluations, best) {
                break Termination::Stopped;
            }

            let (worst_value, worst_x) = corners.pop().expect("a simplex has corners");
            let middle = |i: usize| corners.iter().map(|(_, x)| x[i]).sum::<f64>() / m;
            let middle: Vec<f64> = (0..worst_x.len()).map(middle).collect();
            // The point on the line from the worst corner through the middle.
            let on_line =
                |t: f64| middle.iter().zip(&worst_x).map(|(m, w)| m + t * (m - w)).collect();
            let reflected = f.corner(on_line(1.0));
            let accepted = if reflected.0 < corners[0].0 {
                let expanded = f.corner(on_line(expansion));
                Some(if expanded.0 < reflected.0 { expanded } else { reflected })
            } else if reflected.0 < corners[corners.len() - 1].0 {
                Some(reflected)
            } else {
                let outside = reflected.0 < worst_value;
                let contracted =
                    f.corner(on_line(if outside { contraction } else { -contraction }));
                (contracted.0 < worst_value.min(reflected.0)).then_some(contracted)
            };
            match accepted {
                Some(corner) => corners.push(corner),
                None => {
                    corners.push((worst_value, worst_x));
                    let best = corners[0].1.clone();
                    for corner in &mut corners[1..] {
                        let nearer =
                            best.iter().zip(&corner.1).map(|(b, x)| b + shrinkage * (x - b));
                        *corner = f.corner(nearer.collect());
                    }
                }
            }
        };
        let Counted { objective, evaluations } = f;
        Minimum::measured(objective, corners.swap_remove(0).1, termination, evaluations)
    }
}
