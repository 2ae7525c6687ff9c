use super::{
    Control, Minimum, Objective, Optimizer, Termination, better, bounds, check_setting, clamped,
    run,
};
use crate::error::Error;
use crate::random::Random;

/// Basin-hopping (Wales and Doye, 1997): a Metropolis walk over the local minima that an inner
/// optimizer finds, the paper's method (sec. 2.3).
///
/// A hop moves every variable of the current minimum by a uniform random amount and minimises again;
/// a higher minimum is accepted with probability `exp(-rise / T)`. Step and temperature are relative
/// to what the walk sees, so that energies of order 40 and a mean Huber of order 1e-6 need no
/// settings: the step is a fraction of the root mean square of the variables and adapts to an
/// acceptance of one half; T is a fraction of the median rise or fall between successive minima.
///
/// ```
/// use mixlaw::optim::{BasinHopping, Lbfgs};
///
/// let optimizer = BasinHopping::new(Lbfgs::default()).hops(100).temperature(0.5);
/// # let _ = optimizer;
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct BasinHopping<O> {
    inner: O,
    hops: usize,
    step: f64,
    temperature: f64,
}

/// After so many hops the step is adapted.
const ADAPT_EVERY: usize = 10;

impl<O: Optimizer> BasinHopping<O> {
    /// Hops between the minima that `inner` finds: 50 hops, step 0.4, temperature 0.5.
    #[must_use]
    pub fn new(inner: O) -> Self {
        Self { inner, hops: 50, step: 0.4, temperature: 0.5 }
    }

    /// The number of hops after the first local solve.
    #[must_use]
    pub fn hops(self, hops: usize) -> Self {
        Self { hops, ..self }
    }

    /// The largest move of a variable at first, relative to the root mean square of all variables: a
    /// finite number above 0.
    #[must_use]
    pub fn step(self, step: f64) -> Self {
        Self { step, ..self }
    }

    /// The temperature, relative to the median difference between successive minima: a finite number,
    /// at least 0, which accepts descents only.
    #[must_use]
    pub fn temperature(self, temperature: f64) -> Self {
        Self { temperature, ..self }
    }
}

/// The median of some positive numbers; 0 if there are none.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
}

impl<O: Optimizer> BasinHopping<O> {
    fn search(
        &self,
        objective: &mut dyn Objective,
        start: &[f64],
        control: &mut Control,
    ) -> Minimum {
        let mut random = control.stream(0);
        let bounds = bounds(objective);
        let mut current = self.inner.minimize(objective, start, &mut control.inner(0));
        let mut stopped = control.finished(&current);
        if control.is_cut_off(current.termination) {
            return current;
        }
        let mut best = current.clone();
        let mut walk = Walk { step: self.step, differences: Vec::new(), accepted: 0 };
        for hop in 1..=self.hops {
            if stopped {
                return Minimum { termination: Termination::Stopped, ..best };
            }
            let start = clamped(&walk.moved(&current.x, &mut random), &bounds);
            let mut inner = control.inner(hop as u64);
            let run = self.inner.minimize(objective, &start, &mut inner);
            stopped = control.finished(&run);
            if control.is_cut_off(run.termination) {
                return Minimum { termination: Termination::Stopped, ..best };
            }
            best = better(Some(best), run.clone());
            if walk.accepts(&current, &run, self.temperature, random.unit()) {
                current = run;
            }
            if hop % ADAPT_EVERY == 0 {
                walk.adapt();
            }
        }
        best
    }
}

/// What a walk has learnt of the distances between minima.
struct Walk {
    step: f64,
    /// The rises and falls between successive minima.
    differences: Vec<f64>,
    /// Hops that were accepted since the step was adapted.
    accepted: usize,
}

impl Walk {
    /// The point with every variable moved at random.
    fn moved(&self, x: &[f64], random: &mut Random) -> Vec<f64> {
        let size = (x.iter().map(|x| x * x).sum::<f64>() / x.len() as f64).sqrt();
        let reach = self.step * if size > 0.0 { size } else { 1.0 };
        x.iter().map(|x| x + reach * random.uniform(-1.0..1.0)).collect()
    }

    /// Whether the walk goes on from `run`; `chance` is drawn between 0 and 1.
    fn accepts(&mut self, from: &Minimum, run: &Minimum, temperature: f64, chance: f64) -> bool {
        let rise = run.value - from.value;
        let is_accepted = if from.value.is_finite() {
            // The same minimum again says nothing about the distance between minima.
            if rise.is_finite() && rise.abs() > 1e-9 * from.value.abs() {
                self.differences.push(rise.abs());
            }
            let t = temperature * median(&self.differences);
            rise <= 0.0 || (t > 0.0 && chance < (-rise / t).exp())
        } else {
            // A walk that started without a value accepts any minimum.
            run.value.is_finite()
        };
        self.accepted += usize::from(is_accepted);
        is_accepted
    }

    /// Makes the step longer where more than half of the hops were accepted, and shorter elsewhere.
    fn adapt(&mut self) {
        self.step *= if 2 * self.accepted > ADAPT_EVERY { 1.0 / 0.9 } else { 0.9 };
        self.accepted = 0;
    }
}

impl<O: Optimizer> Optimizer for BasinHopping<O> {
    fn check(&self) -> Result<(), Error> {
        check_setting("step", self.step, self.step > 0.0, "a finite number > 0")?;
        let t = self.temperature;
        check_setting("temperature", t, t >= 0.0, "a finite number >= 0")?;
        self.inner.check()
    }

    fn local_solves(&self, objective: &mut dyn Objective) -> Option<usize> {
        self.inner.local_solves(objective)?.checked_mul(self.hops.checked_add(1)?)
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
