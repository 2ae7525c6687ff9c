//! Numbers of stored results, which are checked as they are read.

/// For each name a module for `#[serde(with)]`: a number of which something must hold.
macro_rules! checked {
    ($($module:ident: $name:literal, $holds:expr, $expected:literal;)*) => {$(
        pub(super) mod $module {
            use serde::de::{Deserializer, Error};

            pub(crate) use crate::stored::number::serialize;

            pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
                let value: f64 = crate::stored::number::deserialize(from)?;
                let holds: fn(f64) -> bool = $holds;
                holds(value).then_some(value).ok_or_else(|| {
                    D::Error::custom(crate::error::Error::setting($name, value, $expected))
                })
            }
        }
    )*};
}

checked! {
    share: "the share", |x| (0.0..=1.0).contains(&x), "a number from 0 to 1";
    gain: "the gain", |x| x >= 0.0, "a number >= 0";
    size: "the size", |x| x > 0.0, "a number > 0";
    tokens: "the number of tokens", |x| x > 0.0, "a number > 0";
    distance: "the distance", |x| x >= 0.0, "a number >= 0";
    weight: "the domain weight", |x| (0.0..=1.0 + 2e-6).contains(&x), "a number from 0 to 1";
}
