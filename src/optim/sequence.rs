use super::{Control, Minimum, Objective, Optimizer, Termination, better, run};
use crate::error::Error;

/// Runs one optimizer, and another from where it ended.
///
/// ```
/// use mixlaw::optim::{BasinHopping, Lbfgs, MultiStart, Sequence};
///
/// // Random search, then a walk from the best minimum that it found.
/// let search = MultiStart::new(Lbfgs::default(), 16);
/// let optimizer = Sequence::new(search, BasinHopping::new(Lbfgs::default()));
/// # let _ = optimizer;
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Sequence<A, B> {
    first: A,
    second: B,
}

impl<A: Optimizer, B: Optimizer> Sequence<A, B> {
    /// Runs `first`, then `second`.
    #[must_use]
    pub fn new(first: A, second: B) -> Self {
        Self { first, second }
    }
}

impl<A: Optimizer, B: Optimizer> Sequence<A, B> {
    fn search(
        &self,
        objective: &mut dyn Objective,
        start: &[f64],
        control: &mut Control,
    ) -> Minimum {
        let first = self.first.minimize(objective, start, &mut control.inner(0));
        if control.finished(&first) {
            return Minimum { termination: Termination::Stopped, ..first };
        }
        let second = self.second.minimize(objective, &first.x, &mut control.inner(1));
        if control.is_cut_off(second.termination) && second.local_solves == 0 {
            return Minimum { termination: Termination::Stopped, ..first };
        }
        control.finished(&second);
        let termination = second.termination;
        Minimum { termination, ..better(Some(first), second) }
    }
}

impl<A: Optimizer, B: Optimizer> Optimizer for Sequence<A, B> {
    fn check(&self) -> Result<(), Error> {
        self.first.check()?;
        self.second.check()
    }

    fn local_solves(&self, objective: &mut dyn Objective) -> Option<usize> {
        self.first.local_solves(objective)?.checked_add(self.second.local_solves(objective)?)
    }

    /// The better of both minima, with the termination of the second optimizer.
    fn minimize(
        &self,
        objective: &mut dyn Objective,
        start: &[f64],
        control: &mut Control,
    ) -> Minimum {
        run(self, objective, start, control, |f, control| self.search(f, start, control))
    }
}
