use std::fmt;

use crate::error::Error;

/// An estimate with the interval that covers the truth at some level.
///
/// It prints as `2.731 [2.724, 2.738]`, with the precision asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Interval {
    /// The estimate. It may lie outside of the interval where it is biased.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
    pub estimate: f64,
    /// The lower end.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
    pub lower: f64,
    /// The upper end.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
    pub upper: f64,
}

impl Interval {
    /// Whether a value lies within, ends included.
    #[must_use]
    pub fn contains(&self, value: f64) -> bool {
        (self.lower..=self.upper).contains(&value)
    }

    /// The interval with an error added that does not depend on what it stands for: the squares of half widths
    /// add up.
    pub(crate) fn widened(self, half_width: f64) -> Self {
        let added = |own: f64| own.max(0.0).hypot(half_width) - own.max(0.0);
        let Self { estimate, lower, upper } = self;
        let (below, above) = (added(estimate - lower), added(upper - estimate));
        Self { estimate, lower: lower - below, upper: upper + above }
    }
}

/// `gamma[web] = 0.41 [0.35, 0.52]`, with the precision asked for.
impl fmt::Display for CoefficientInterval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = ", self.name)?;
        self.interval.fmt(f)
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.estimate.fmt(f)?;
        f.write_str(" [")?;
        self.lower.fmt(f)?;
        f.write_str(", ")?;
        self.upper.fmt(f)?;
        f.write_str("]")
    }
}

/// The interval of one coefficient of one law.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct CoefficientInterval {
    /// The name of the law.
    pub law: String,
    /// The name of the coefficient.
    pub name: String,
    /// The interval in the paper's units, over the members that have the coefficient; infinite on both
    /// sides if none has.
    pub interval: Interval,
    /// The number of members that have the coefficient. A gamma is `1/q` and infinite where q is 0:
    /// there it is left out, and so are the ln C that belong to it. The interval does not cover members
    /// that are left out; that of q covers them.
    pub members: usize,
}

/// The value below which a share `p` of sorted values lies, between neighbours by the share: of m
/// values the j-th, from 0, stands for `j / (m - 1)`.
pub(crate) fn quantile(sorted: &[f64], p: f64) -> f64 {
    let last = sorted.len() - 1;
    let at = p * last as f64;
    let (below, share) = (at.floor() as usize, at.fract());
    // Equal ends, which may be infinite, are not mixed.
    let (a, b) = (sorted[below], sorted[(below + 1).min(last)]);
    if a == b || share == 0.0 { a } else { a + share * (b - a) }
}

/// Checks a level of intervals.
pub(crate) fn check_level(level: f64) -> Result<(), Error> {
    if level > 0.0 && level < 1.0 {
        return Ok(());
    }
    Err(Error::setting("the level", level, "a number between 0 and 1, such as 0.9"))
}

/// The interval that leaves as many of the values out on either side.
pub(crate) fn interval(estimate: f64, mut values: Vec<f64>, level: f64) -> Interval {
    values.sort_by(f64::total_cmp);
    let tail = 0.5 * (1.0 - level);
    Interval { estimate, lower: quantile(&values, tail), upper: quantile(&values, 1.0 - tail) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_numpy() {
        // numpy.quantile([1, 2, 4, 8], p)
        let values = [1.0, 2.0, 4.0, 8.0];
        for (p, expected) in
            [(0.0, 1.0), (0.1, 1.3), (0.3, 1.9), (0.5, 3.0), (0.75, 5.0), (0.9, 6.8), (1.0, 8.0)]
        {
            approx::assert_relative_eq!(quantile(&values, p), expected, max_relative = 1e-12);
        }
    }

    #[test]
    fn it_prints_with_the_precision_asked_for() {
        let interval = Interval { estimate: 2.0, lower: 1.5, upper: 2.25 };
        assert_eq!(format!("{interval:.2}"), "2.00 [1.50, 2.25]");
    }
}
