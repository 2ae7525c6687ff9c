//! Predictors as plain data.

use serde::ser::Error as _;
use serde::{Deserialize, Serialize, Serializer};

use super::{Members, Part, Predictor, RunNoise, ScaleErrors};
use crate::error::{Error, ErrorKind, list};
use crate::fit::StoredFit;
use crate::stored::Version;

/// A [`Predictor`] as it is in a file.
#[derive(Serialize, Deserialize)]
#[serde(expecting = "a predictor")]
pub(crate) struct StoredPredictor {
    mixlaw: Version,
    fits: Vec<StoredFit>,
    members: Option<Members>,
}

impl StoredPredictor {
    /// As plain data, of laws that can be read and of others; `None` where a part is not a fit.
    pub(crate) fn of(predictor: &Predictor) -> Option<Self> {
        let fit = |part: &Part| match part {
            Part::Fit(fit) => Some(fit.to_stored()),
            Part::Law { .. } => None,
        };
        let fits = predictor.parts().iter().map(fit).collect::<Option<_>>()?;
        Some(Self { mixlaw: Version, fits, members: predictor.members().cloned() })
    }
}

impl Serialize for Predictor {
    /// An error where it could not be read again.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Some(stored) = StoredPredictor::of(self) else {
            let name = self.name();
            return Err(S::Error::custom(format!(
                "{name} is not a fit, expected fits; what else there is, is made again from its code"
            )));
        };
        let check = |fit: &StoredFit| fit.clone().into_fit().map(|_| ());
        stored.fits.iter().try_for_each(check).map_err(S::Error::custom)?;
        stored.serialize(serializer)
    }
}

/// For `serde(with)`: an optional predictor as plain data, whosever laws it has. It is read where these
/// are the crate's, and otherwise left out.
pub(crate) mod plain {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::{Predictor, StoredPredictor};
    use crate::error::ErrorKind;

    pub(crate) fn serialize<S: Serializer>(
        predictor: &Option<Predictor>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        predictor.as_ref().and_then(StoredPredictor::of).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Predictor>, D::Error> {
        let Some(stored) = Option::<StoredPredictor>::deserialize(deserializer)? else {
            return Ok(None);
        };
        match Predictor::try_from(stored) {
            Ok(predictor) => Ok(Some(predictor)),
            Err(error) if matches!(error.kind(), ErrorKind::NotBuiltIn { .. }) => Ok(None),
            Err(error) => Err(D::Error::custom(error)),
        }
    }
}

/// For `serde(with)`: a probability, which is checked as it is read.
pub(crate) mod probability {
    use serde::de::{Deserializer, Error};

    pub(crate) use crate::stored::number::serialize;

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
        let value: f64 = crate::stored::number::deserialize(from)?;
        (0.0..=1.0).contains(&value).then_some(value).ok_or_else(|| {
            let (name, expected) = ("the probability", "a number from 0 to 1");
            D::Error::custom(crate::error::Error::setting(name, value, expected))
        })
    }
}

impl TryFrom<StoredPredictor> for Predictor {
    type Error = Error;

    fn try_from(stored: StoredPredictor) -> Result<Self, Error> {
        let fits = stored.fits.into_iter().map(StoredFit::into_fit);
        let predictor = Self::mean(fits.collect::<Result<Vec<_>, Error>>()?)?;
        let Some(members) = stored.members else { return Ok(predictor) };
        members.check(predictor.parts())?;
        Ok(predictor.with_members(members))
    }
}

impl Members {
    /// Checks that they are members of these parts and agree with themselves.
    fn check(&self, parts: &[Part]) -> Result<(), Error> {
        let fault = |what: &str, found: String, expected: String| {
            Err(ErrorKind::Stored { what: what.to_owned(), found, expected }.into())
        };
        if self.coordinates.is_empty() {
            return fault("the number of members is", "0".into(), "at least 1".into());
        }
        for (b, member) in self.coordinates.iter().enumerate() {
            if member.len() != parts.len() {
                let what = format!("the number of laws of member {b} is");
                return fault(&what, member.len().to_string(), parts.len().to_string());
            }
            for (z, part) in member.iter().zip(parts) {
                let expected = part.law().coordinates().len();
                if z.len() != expected {
                    let what = format!("the number of coordinates of member {b} is");
                    return fault(&what, z.len().to_string(), expected.to_string());
                }
                if let Some(z) = z.iter().find(|z| !z.is_finite()) {
                    let what = format!("a coordinate of member {b} is");
                    return fault(&what, z.to_string(), "a finite number".into());
                }
            }
        }
        let is_sorted = self.residuals.is_sorted() && self.residuals.iter().all(|r| r.is_finite());
        if self.residuals.is_empty() || !is_sorted {
            let found = format!("{} numbers", self.residuals.len());
            return fault("the residuals are", found, "finite numbers in ascending order".into());
        }
        if let Some(noise) = &self.noise {
            noise.check(parts[0].law().domains())?;
        }
        if let Some((row, value)) = self.between_runs.residuals.iter().find(|r| !r.1.is_finite()) {
            let what = format!("the residual of row {row} is");
            return fault(&what, value.to_string(), "a finite number".into());
        }
        if !self.between_runs.residuals.is_sorted_by_key(|(row, _)| *row) {
            let what = "the rows of the residuals are";
            return fault(what, "in another order".into(), "in ascending order".into());
        }
        self.scale_errors.as_ref().map_or(Ok(()), ScaleErrors::check)?;
        self.draws.check()
    }
}

impl RunNoise {
    /// Checks that it is of these domains and agrees with itself.
    fn check(&self, domains: &[String]) -> Result<(), Error> {
        let fault = |what: &str, found: String, expected: &str| {
            let (what, expected) = (what.to_owned(), expected.to_owned());
            Err(ErrorKind::Stored { what, found, expected }.into())
        };
        if self.noise.domains() != domains {
            let found = list(self.noise.domains());
            return fault("the domains of the noise are", found, &list(domains));
        }
        if !(self.misfit.is_finite() && self.misfit >= 0.0) {
            let found = self.misfit.to_string();
            return fault("the misfit beside the noise is", found, "a finite number >= 0");
        }
        let of = &self.standardized;
        if of.is_empty() || !of.is_sorted() || !of.iter().all(|u| u.is_finite()) {
            let (found, expected) =
                (format!("{} numbers", of.len()), "finite numbers in ascending order");
            return fault("the standardized residuals are", found, expected);
        }
        self.noise.check()
    }
}
