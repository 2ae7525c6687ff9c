//! The scale of a run: its N and D.

use std::fmt;

use crate::error::Error;

/// A model size and a number of training tokens: where a loss is predicted, a mixture is chosen, and
/// by what a law divides N and D inside (its reference scale N0, D0).
///
/// ```
/// use mixlaw::Scale;
///
/// let scale = Scale { n: 7e9, d: 1.5e11 };
/// assert_eq!(scale.to_string(), "N = 7e9, D = 1.5e11");
/// assert_eq!(format!("{scale:.2}"), "N = 7.00e9, D = 1.50e11");
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(try_from = "StoredScale")
)]
pub struct Scale {
    /// Model size N, in parameters.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
    pub n: f64,
    /// Training tokens D.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
    pub d: f64,
}

/// A [`Scale`] as it is in a file, not checked.
#[cfg(feature = "serde")]
#[derive(serde::Deserialize)]
#[serde(expecting = "a scale")]
struct StoredScale {
    #[serde(with = "crate::stored::number")]
    n: f64,
    #[serde(with = "crate::stored::number")]
    d: f64,
}

#[cfg(feature = "serde")]
impl TryFrom<StoredScale> for Scale {
    type Error = Error;

    fn try_from(StoredScale { n, d }: StoredScale) -> Result<Self, Error> {
        let scale = Self { n, d };
        scale.check().map(|()| scale)
    }
}

impl Scale {
    /// N = D = 1. As the reference scale of a law, its coordinates are those of the raw N and D.
    pub const ONE: Scale = Scale { n: 1.0, d: 1.0 };

    /// Ever larger models and ever more tokens: the limit of a law.
    pub const INFINITE: Scale = Scale { n: f64::INFINITY, d: f64::INFINITY };

    /// Checks that both are numbers > 0, which may be infinite.
    pub(crate) fn check(self) -> Result<(), Error> {
        for (name, value) in [("N", self.n), ("D", self.d)] {
            if value.is_nan() || value <= 0.0 {
                return Err(Error::setting(name, value, "a number > 0"));
            }
        }
        Ok(())
    }

    /// Checks that a law can divide by both.
    pub(crate) fn check_reference(self) -> Result<(), Error> {
        for (name, value) in [("N0", self.n), ("D0", self.d)] {
            if !(value.is_finite() && value > 0.0) {
                let name = format!("reference scale {name}");
                return Err(Error::setting(name, value, "a finite number > 0"));
            }
        }
        Ok(())
    }
}

/// With so many digits after the point, or up to four.
fn rounded(x: f64, precision: Option<usize>) -> String {
    let text = format!("{x:.*e}", precision.unwrap_or(4));
    match (text.split_once('e'), precision) {
        (Some((digits, power)), None) => {
            let digits = digits.trim_end_matches('0').trim_end_matches('.');
            format!("{digits}e{power}")
        }
        _ => text,
    }
}

/// `N = 7e9, D = 1.5e11`, with up to four digits after the point or as many as asked for.
impl fmt::Display for Scale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (n, d) = (rounded(self.n, f.precision()), rounded(self.d, f.precision()));
        write!(f, "N = {n}, D = {d}")
    }
}
