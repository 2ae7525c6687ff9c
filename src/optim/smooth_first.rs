use super::sealed::Token;
use super::{Control, Minimum, Objective, Optimizer, Termination, run};
use crate::error::Error;

/// Runs an optimizer on the smooth version of the objective, then from there on the objective itself.
///
/// For a fit this is least squares first, then Huber: the robust loss is nearly an absolute value,
/// and from a bad start its kinks stop every descent early. The objectives of fits have a smooth
/// version; any other is minimised once, by the second optimizer.
///
/// ```
/// use mixlaw::optim::{Lbfgs, SmoothFirst, TrustRegion};
///
/// // The smooth minimum is only a start: a loose tolerance will do.
/// let optimizer = SmoothFirst::new(TrustRegion::default().tolerance(1e-3), Lbfgs::default());
/// # let _ = optimizer;
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct SmoothFirst<S, O> {
    smooth: S,
    inner: O,
}

impl<S: Optimizer, O: Optimizer> SmoothFirst<S, O> {
    /// Runs `smooth` on the smooth version, then `inner` on the objective.
    #[must_use]
    pub fn new(smooth: S, inner: O) -> Self {
        Self { smooth, inner }
    }
}

impl<S: Optimizer, O: Optimizer> SmoothFirst<S, O> {
    fn search(
        &self,
        objective: &mut dyn Objective,
        start: &[f64],
        control: &mut Control,
    ) -> Minimum {
        if !objective.set_smoothing(f64::INFINITY, Token) {
            return self.inner.minimize(objective, start, &mut control.inner(1));
        }
        let smooth = self.smooth.minimize(objective, start, &mut control.inner_on_other(0));
        objective.set_smoothing(1.0, Token);
        control.spent(smooth.evaluations);
        let is_cut_off = control.is_cut_off(smooth.termination);
        if is_cut_off || control.ask() {
            // Its value is not one of the objective.
            let Minimum { x, evaluations, .. } = smooth;
            return Minimum::measured(objective, x, Termination::Stopped, evaluations);
        }
        let run = self.inner.minimize(objective, &smooth.x, &mut control.inner(1));
        // A half of it is not a solve of the objective from this start.
        let is_cut_off = control.is_cut_off(run.termination);
        let local_solves = if is_cut_off { 0 } else { smooth.local_solves + run.local_solves };
        Minimum { evaluations: smooth.evaluations + run.evaluations, local_solves, ..run }
    }
}

impl<S: Optimizer, O: Optimizer> Optimizer for SmoothFirst<S, O> {
    fn check(&self) -> Result<(), Error> {
        self.smooth.check()?;
        self.inner.check()
    }

    fn local_solves(&self, objective: &mut dyn Objective) -> Option<usize> {
        let inner = self.inner.local_solves(objective)?;
        // The objective is smooth by a factor of 1 already.
        if !objective.set_smoothing(1.0, Token) {
            return Some(inner);
        }
        self.smooth.local_solves(objective)?.checked_add(inner)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optim::Lbfgs;

    /// `(x^2 - 4)^2 + x`, with minima near -2 and 2 (SciPy, brentq), or `(x - 3)^2`, its smooth version.
    struct Double {
        is_smooth: bool,
        has_smooth: bool,
    }

    const LOWER: f64 = -2.030_546_615;
    const UPPER: f64 = 1.967_985_401;

    impl Objective for Double {
        fn dim(&self) -> usize {
            1
        }

        fn value_gradient(&mut self, x: &[f64], g: &mut [f64]) -> f64 {
            let x = x[0];
            if self.is_smooth {
                g[0] = 2.0 * (x - 3.0);
                return (x - 3.0).powi(2);
            }
            g[0] = 4.0 * x * (x * x - 4.0) + 1.0;
            (x * x - 4.0).powi(2) + x
        }

        fn set_smoothing(&mut self, factor: f64, _: Token) -> bool {
            self.is_smooth = factor > 1.0 && self.has_smooth;
            self.has_smooth
        }
    }

    #[test]
    fn the_smooth_version_comes_first_and_leaves_no_trace() {
        let optimizer = SmoothFirst::new(Lbfgs::default(), Lbfgs::default());
        let run = |objective: &mut Double| {
            let minimum = optimizer.minimize(objective, &[-1.5], &mut Control::default());
            assert_eq!(optimizer.local_solves(objective), Some(minimum.local_solves));
            minimum
        };
        let mut objective = Double { is_smooth: false, has_smooth: true };
        let minimum = run(&mut objective);
        // From -1.5 over 3, the minimum of the smooth version, to the upper minimum.
        assert!((minimum.x[0] - UPPER).abs() < 1e-5);
        assert!((minimum.value - UPPER).abs() < 0.05 && !objective.is_smooth);
        assert_eq!(minimum.local_solves, 2);

        let minimum = run(&mut Double { is_smooth: false, has_smooth: false });
        assert!((minimum.x[0] - LOWER).abs() < 1e-5 && minimum.local_solves == 1);
    }
}
