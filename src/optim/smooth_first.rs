use super::{Control, Minimum, Objective, Optimizer, Termination};

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

impl<S: Optimizer, O: Optimizer> Optimizer for SmoothFirst<S, O> {
    fn minimize(
        &self,
        objective: &mut dyn Objective,
        start: &[f64],
        control: &mut Control<'_>,
    ) -> Minimum {
        if !objective.set_smoothing(f64::INFINITY) {
            return self.inner.minimize(objective, start, control);
        }
        let mut smooth = self.smooth.minimize(objective, start, &mut control.inner(0));
        objective.set_smoothing(1.0);
        // Its value is not one of the objective.
        smooth.value = f64::INFINITY;
        if control.finished(&smooth) {
            smooth.value = objective.value(&smooth.x);
            smooth.evaluations += 1;
            return Minimum { termination: Termination::Stopped, ..smooth };
        }
        let run = self.inner.minimize(objective, &smooth.x, &mut control.inner(1));
        Minimum {
            evaluations: smooth.evaluations + run.evaluations,
            local_solves: smooth.local_solves + run.local_solves,
            ..run
        }
    }
}
