use super::{Control, Minimum, Objective, Optimizer, better};

/// Runs an optimizer on the smooth version of the objective, then from there on the objective itself.
///
/// For a fit this is least squares first, then Huber: the robust loss is nearly an absolute value,
/// and from a bad start its kinks stop every descent early. An objective without a smooth version is
/// minimised once.
///
/// ```
/// use mixlaw::optim::{SmoothFirst, TrustRegion};
///
/// let optimizer = SmoothFirst::new(TrustRegion::default());
/// # let _ = optimizer;
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct SmoothFirst<O> {
    inner: O,
}

impl<O: Optimizer> SmoothFirst<O> {
    /// Runs `inner` twice.
    #[must_use]
    pub fn new(inner: O) -> Self {
        Self { inner }
    }
}

impl<O: Optimizer> Optimizer for SmoothFirst<O> {
    fn minimize(
        &self,
        objective: &mut dyn Objective,
        start: &[f64],
        control: &mut Control<'_>,
    ) -> Minimum {
        if !objective.set_smooth(true) {
            return self.inner.minimize(objective, start, control);
        }
        let mut smooth = self.inner.minimize(objective, start, &mut control.inner(0));
        objective.set_smooth(false);
        // Its value is not one of the objective.
        smooth.value = f64::INFINITY;
        if control.finished(&smooth) {
            smooth.value = objective.value(&smooth.x);
            return smooth;
        }
        let run = self.inner.minimize(objective, &smooth.x, &mut control.inner(1));
        better(Some(smooth), run)
    }
}
