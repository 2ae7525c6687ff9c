//! How types are stored: the version of the format, and numbers that JSON does not have.

use std::fmt;

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The version of the format of sweeps, fits and predictors, which they carry as `"mixlaw": 1`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Version;

const VERSION: u64 = 1;

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(VERSION)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u64::deserialize(deserializer)? {
            VERSION => Ok(Self),
            other => Err(D::Error::custom(format!(
                "version {other} of the format of mixlaw, expected {VERSION}"
            ))),
        }
    }
}

/// For `#[serde(with)]` on fields of numbers that may be infinite or NaN: `"inf"`, `"-inf"` and `"NaN"`
/// in formats for people, some of which, such as JSON, have no such numbers. The sign and the payload
/// of a NaN are lost there.
pub(crate) mod number {
    use std::collections::BTreeMap;

    use super::*;

    pub(crate) fn serialize<T: Numbers, S: Serializer>(
        numbers: &T,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        numbers.store().serialize(serializer)
    }

    pub(crate) fn deserialize<'de, T: Numbers, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<T, D::Error>
    where
        T::Stored: Deserialize<'de>,
    {
        T::Stored::deserialize(deserializer).map(T::restore)
    }

    /// A number, or something made of numbers, with what it is stored as.
    pub(crate) trait Numbers {
        type Stored: Serialize;
        fn store(&self) -> Self::Stored;
        fn restore(stored: Self::Stored) -> Self;
    }

    impl Numbers for f64 {
        type Stored = Number;

        fn store(&self) -> Number {
            Number(*self)
        }

        fn restore(stored: Number) -> Self {
            stored.0
        }
    }

    impl<T: Numbers> Numbers for Option<T> {
        type Stored = Option<T::Stored>;

        fn store(&self) -> Self::Stored {
            self.as_ref().map(T::store)
        }

        fn restore(stored: Self::Stored) -> Self {
            stored.map(T::restore)
        }
    }

    impl<T: Numbers> Numbers for Vec<T> {
        type Stored = Vec<T::Stored>;

        fn store(&self) -> Self::Stored {
            self.iter().map(T::store).collect()
        }

        fn restore(stored: Self::Stored) -> Self {
            stored.into_iter().map(T::restore).collect()
        }
    }

    impl<T: Numbers> Numbers for BTreeMap<String, T> {
        type Stored = BTreeMap<String, T::Stored>;

        fn store(&self) -> Self::Stored {
            self.iter().map(|(name, value)| (name.clone(), value.store())).collect()
        }

        fn restore(stored: Self::Stored) -> Self {
            stored.into_iter().map(|(name, value)| (name, T::restore(value))).collect()
        }
    }

    impl<T: Numbers> Numbers for (String, T) {
        type Stored = (String, T::Stored);

        fn store(&self) -> Self::Stored {
            (self.0.clone(), self.1.store())
        }

        fn restore((name, value): Self::Stored) -> Self {
            (name, T::restore(value))
        }
    }

    impl<T: Numbers> Numbers for (String, T, T) {
        type Stored = (String, T::Stored, T::Stored);

        fn store(&self) -> Self::Stored {
            (self.0.clone(), self.1.store(), self.2.store())
        }

        fn restore((name, a, b): Self::Stored) -> Self {
            (name, T::restore(a), T::restore(b))
        }
    }

    pub(crate) struct Number(f64);

    impl Serialize for Number {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            if self.0.is_finite() || !serializer.is_human_readable() {
                return serializer.serialize_f64(self.0);
            }
            serializer.serialize_str(match self.0 {
                f64::INFINITY => "inf",
                f64::NEG_INFINITY => "-inf",
                _ => "NaN",
            })
        }
    }

    impl<'de> Deserialize<'de> for Number {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            // Formats for machines have every number, and may not know what comes next.
            if deserializer.is_human_readable() {
                deserializer.deserialize_any(NumberVisitor)
            } else {
                f64::deserialize(deserializer).map(Number)
            }
        }
    }

    struct NumberVisitor;

    impl Visitor<'_> for NumberVisitor {
        type Value = Number;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(r#"a number, "inf", "-inf" or "NaN""#)
        }

        fn visit_f64<E: Error>(self, value: f64) -> Result<Number, E> {
            Ok(Number(value))
        }

        fn visit_i64<E: Error>(self, value: i64) -> Result<Number, E> {
            Ok(Number(value as f64))
        }

        fn visit_u64<E: Error>(self, value: u64) -> Result<Number, E> {
            Ok(Number(value as f64))
        }

        fn visit_str<E: Error>(self, value: &str) -> Result<Number, E> {
            match value {
                "inf" => Ok(Number(f64::INFINITY)),
                "-inf" => Ok(Number(f64::NEG_INFINITY)),
                "NaN" => Ok(Number(f64::NAN)),
                _ => Err(E::invalid_value(Unexpected::Str(value), &self)),
            }
        }
    }
}
