use crate::optim::Control;

/// What a solver may still do and what it has done, in terms that are summed up: about the time of
/// one exponential each. Counted, not timed, so that the same call ends in the same place everywhere.
#[derive(Debug)]
pub(super) struct Budget {
    /// Below zero where the last thing done cost more than was left.
    left: i64,
    /// Iterations of mirror descent.
    pub(super) iterations: usize,
    /// The call that it is done for, which an observer can stop: then all is spent.
    call: Control,
}

impl Budget {
    pub(super) fn new(budget: usize, call: Control) -> Self {
        Self { left: i64::try_from(budget).unwrap_or(i64::MAX), iterations: 0, call }
    }

    /// Counts an iteration of mirror descent.
    pub(super) fn iterate(&mut self) {
        self.iterations += 1;
        self.call.counted(1);
    }

    /// Whether an observer has said stop.
    pub(super) fn is_stopped(&self) -> bool {
        self.call.is_stopped()
    }

    pub(super) fn spend(&mut self, terms: usize) {
        self.left = self.left.saturating_sub(i64::try_from(terms).unwrap_or(i64::MAX));
    }

    pub(super) fn affords(&self, terms: usize) -> bool {
        i64::try_from(terms).is_ok_and(|terms| terms <= self.left)
    }

    pub(super) fn is_spent(&self) -> bool {
        self.left <= 0 || self.is_stopped()
    }

    /// Does something with a share of what is left; what it does not need stays. Also whether the
    /// share was all spent.
    pub(super) fn with_share<T>(
        &mut self,
        divisor: usize,
        do_it: impl FnOnce(&mut Self) -> T,
    ) -> (T, bool) {
        let share = self.left.max(0) / divisor.max(1) as i64;
        let mut own = Self { left: share, iterations: self.iterations, call: self.call.clone() };
        let out = do_it(&mut own);
        self.left -= share - own.left;
        let is_spent = own.is_spent();
        (self.iterations, self.call) = (own.iterations, own.call);
        (out, is_spent)
    }
}
