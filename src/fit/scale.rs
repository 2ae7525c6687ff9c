//! The N and D that a fit was made from, and where it may predict.

use crate::error::{Error, ErrorKind};
use crate::law::ScalingLaw;
use crate::scale::Scale;

/// Values that agree this closely, relative to each other, are one N or one D.
const SAME: f64 = 1e-6;

/// What a fit knows of the N and D of its rows.
#[derive(Debug, Clone)]
pub(crate) struct FittedScale {
    /// The least and the greatest N, and the same for D. Unknown for a fit that was stored without.
    pub(crate) ranges: Option<[(f64, f64); 2]>,
    /// The one N, and the one D, of all rows, where the law does not depend on it.
    only: [Option<f64>; 2],
    /// Whether other values were asked for.
    pub(crate) any: bool,
}

impl FittedScale {
    pub(crate) fn new(law: &dyn ScalingLaw, ranges: Option<[(f64, f64); 2]>, any: bool) -> Self {
        let sees = law.dependence();
        let only = |range: (f64, f64), seen: bool| {
            (!seen && range.1 - range.0 <= SAME * range.1).then_some(range.1)
        };
        let only = ranges.map_or([None; 2], |[n, d]| [only(n, sees.n), only(d, sees.d)]);
        Self { ranges, only, any }
    }

    /// Checks that the law can say something of N and D.
    pub(crate) fn check(&self, law: &dyn ScalingLaw, at: Scale) -> Result<(), Error> {
        let Scale { n, d } = at;
        if self.any {
            return Ok(());
        }
        for (what, value, only) in [("N", n, self.only[0]), ("D", d, self.only[1])] {
            if let Some(fitted) = only.filter(|only| (value - only).abs() > SAME * only) {
                let law = law.name().to_owned();
                return Err(ErrorKind::OtherScale { law, what, value, fitted }.into());
            }
        }
        Ok(())
    }
}

/// The least and the greatest of some values.
pub(super) fn range(values: &[f64]) -> (f64, f64) {
    let ends = (f64::INFINITY, f64::NEG_INFINITY);
    values.iter().fold(ends, |(low, high), &x| (low.min(x), high.max(x)))
}
