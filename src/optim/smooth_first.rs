use super::{Control, Minimum, Objective, Optimizer, Termination, run};
use crate::error::SettingError;

/// Runs an optimizer on the smooth version of the objective, then from there on the objective itself.
///
/// For a fit this is least squares first, then Huber: the robust loss is nearly an absolute value,
/// and from a bad start its kinks stop every descent early. An objective without a smooth version is
/// minimised once.
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
        if !objective.set_smoothing(f64::INFINITY) {
            return self.inner.minimize(objective, start, &mut control.inner(1));
        }
        let smooth = self.smooth.minimize(objective, start, &mut control.inner_on_other(0));
        objective.set_smoothing(1.0);
        control.spent(smooth.evaluations);
        let is_cut_off = control.is_cut_off(smooth.termination);
        if is_cut_off || control.ask() {
            // Its value is not one of the objective.
            let Minimum { x, evaluations, .. } = smooth;
            return Minimum::measured(objective, x, Termination::Stopped, evaluations);
        }
        let run = self.inner.minimize(objective, &smooth.x, &mut control.inner(1));
        // Half of it is no solve of the objective from this start.
        let is_cut_off = control.is_cut_off(run.termination);
        let local_solves = if is_cut_off { 0 } else { smooth.local_solves + run.local_solves };
        Minimum { evaluations: smooth.evaluations + run.evaluations, local_solves, ..run }
    }
}

impl<S: Optimizer, O: Optimizer> Optimizer for SmoothFirst<S, O> {
    fn check(&self) -> Result<(), SettingError> {
        self.smooth.check()?;
        self.inner.check()
    }

    fn local_solves(&self, objective: &mut dyn Objective) -> Option<usize> {
        let inner = self.inner.local_solves(objective)?;
        // The objective is smooth by a factor of 1 already.
        if !objective.set_smoothing(1.0) {
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
