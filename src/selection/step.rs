use std::fmt;

use super::LargestScale;
use crate::scale::Scale;
use crate::sweep::Sweep;

/// From one scale to another: how many times the largest N, and how many times the largest D, of some
/// rows. Each is at most 1 where the other scale is within them.
///
/// ```
/// use mixlaw::selection::{Candidate, Selection};
/// use mixlaw::law::ChinchillaLaw;
/// use mixlaw::{Fitter, Scale, Sweep};
///
/// let n = [1e8, 1e8, 2e8, 2e8, 3e8, 3e8];
/// let d = [1e9, 4e9, 1e9, 4e9, 1e9, 4e9];
/// let losses = [3.3, 3.1, 3.0, 2.8, 2.9, 2.7];
/// let sweep = Sweep::new(&["web"], &["web"], &n, &d, &[1.0; 6], &losses)?;
/// let law = ChinchillaLaw::for_sweep(&sweep);
/// let comparison = Selection::new()
///     .candidate(Candidate::new(law, Fitter::new().fix("alpha", 0.34).fix("beta", 0.28)))
///     .for_scale(Scale { n: 1.2e9, d: 4e9 })
///     .run(&sweep, "web")?;
/// // 3e8 was held out of 1e8 and 2e8, and 1.2e9 is asked for.
/// assert_eq!(comparison.step().unwrap().n, 1.5);
/// assert_eq!(comparison.needed_step().unwrap().n, 4.0);
/// assert!(comparison.needs_longer_step());
/// # Ok::<(), mixlaw::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Step {
    /// Times the largest N.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
    pub n: f64,
    /// Times the largest D.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
    pub d: f64,
}

/// A step is tested by one that is this much shorter on a logarithmic scale, and no more.
const LONGER: f64 = 1.5;
/// A step this short needs no test.
const SHORT: f64 = 1.1;

impl Step {
    /// From some rows to a scale.
    pub(super) fn new(from: &Sweep, to: Scale) -> Self {
        let most = |values: &[f64]| values.iter().copied().fold(0.0, f64::max);
        Self { n: to.n / most(from.n()), d: to.d / most(from.d()) }
    }

    /// From some rows to the largest N and D of others.
    pub(super) fn between(from: &Sweep, to: &Sweep) -> Self {
        let most = |values: &[f64]| values.iter().copied().fold(0.0, f64::max);
        Self::new(from, Scale { n: most(to.n()), d: most(to.d()) })
    }

    /// In which of N and D it goes well beyond a step that was tested.
    fn beyond(self, tested: Option<Self>) -> [bool; 2] {
        let tested = tested.unwrap_or(Self { n: 1.0, d: 1.0 });
        let is_longer = |needed: f64, tested: f64| {
            needed > SHORT && needed.ln() > LONGER * tested.max(1.0).ln()
        };
        [is_longer(self.n, tested.n), is_longer(self.d, tested.d)]
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} times the largest N and {:.2} times the largest D", self.n, self.d)
    }
}

/// The step that was held out, and the one that is needed.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct Steps {
    pub(super) held_out: Option<Step>,
    /// With the scale that it leads to.
    pub(super) needed: Option<(Scale, Step)>,
}

impl Steps {
    pub(super) fn is_longer_needed(&self) -> bool {
        self.needed.is_some_and(|(_, needed)| needed.beyond(self.held_out).contains(&true))
    }

    /// The lines of a table that tell them.
    pub(super) fn write(
        &self,
        f: &mut fmt::Formatter<'_>,
        largest: Option<LargestScale>,
    ) -> fmt::Result {
        if let (Some(step), Some(largest)) = (self.held_out, largest) {
            write!(f, "\nThe scale held out, {largest}, is {step} that were fitted.")?;
        }
        let Some((at, needed)) = self.needed else { return Ok(()) };
        write!(f, "\nThe scale to serve, {at}, is {needed} of all rows.")?;
        let tested = self.held_out.unwrap_or(Step { n: 1.0, d: 1.0 });
        let pairs = [("N", needed.n, tested.n), ("D", needed.d, tested.d)];
        for (long, (name, needed, tested)) in needed.beyond(self.held_out).into_iter().zip(pairs) {
            if !long {
                continue;
            }
            let times = |x: f64| if x > 1.0 { format!("{x:.2} times") } else { "no".to_owned() };
            write!(
                f,
                "\nWarning: the errors at scale are of {} extrapolation in {name}, and {needed:.2} \
                 times is needed: they say little of it.",
                times(tested)
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_tested_by_one_that_is_nearly_as_long() {
        let step = |n, d| Step { n, d };
        let beyond = |needed: Step, tested| needed.beyond(tested);
        // ln 3 / ln 1.3 = 4.2; ln 1.45 / ln 1.3 = 1.42; ln 1.5 / ln 1.3 = 1.55.
        assert_eq!(beyond(step(3.0, 1.0), Some(step(1.3, 1.0))), [true, false]);
        assert_eq!(beyond(step(1.45, 1.0), Some(step(1.3, 1.0))), [false, false]);
        assert_eq!(beyond(step(1.5, 1.0), Some(step(1.3, 1.0))), [true, false]);
        // Held-out rows within the D of the others test no step in D.
        assert_eq!(beyond(step(1.0, 1.05), Some(step(1.3, 0.3))), [false, false]);
        assert_eq!(beyond(step(1.0, 1.2), Some(step(1.3, 0.3))), [false, true]);
        assert_eq!(beyond(step(2.0, 0.5), None), [true, false]);
        assert_eq!(beyond(step(f64::INFINITY, 0.5), Some(step(9.0, 9.0))), [true, false]);
    }
}
