//! Fits as plain data.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::ser::Error as _;
use serde::{Deserialize, Serialize, Serializer};

use super::problem::{Bound, at_bound};
use super::{Fit, FittedScale, Fitter, PriorStrength, Residual, Weighing};
use crate::error::{Error, ErrorKind, Place, list};
use crate::law::{Coordinates, LawSettings, Prior, ScalingLaw, built_in, named};
use crate::optim::Minimum;
use crate::scale::Scale;
use crate::stored::Version;

/// By how much what follows from stored coordinates may differ from what is stored beside them,
/// relative to 1 and to the value: other platforms round otherwise.
const AGREEMENT: f64 = 1e-9;

/// A [`Fit`] as plain data, to store and to read again. Made by [`Fit::to_stored`].
///
/// It holds the name, the domains, the reference scale and the settings of the law, the target, the
/// coordinates z and their boxes, the coefficients in the paper's units, how the fit went, the range of
/// N and D of its rows, and the settings of the [`Fitter`] but for its optimizer. The law itself is
/// code: one of the crate's is made again from its name and its settings ([`StoredFit::into_fit`]; so
/// does reading a [`Fit`]), any other has to be given ([`StoredFit::with_law`]).
///
/// The fit that is read predicts the same, bit for bit, where the reader of the file reads every
/// number to the bit; `serde_json` does with its feature `float_roundtrip`. Predictions use the
/// coordinates. The coefficients are for people, and must agree with them. Infinite numbers and NaN are
/// written as `"inf"`, `"-inf"` and `"NaN"` in formats for people.
///
/// ```
/// use mixlaw::fit::StoredFit;
/// use mixlaw::law::{AdditiveLaw, Biased, Constant, InverseSum, PowerLaw};
/// use mixlaw::{Fit, Fitter, Scale, Sweep};
/// # let (mut n, mut d, mut h, mut loss) = (vec![], vec![], vec![], vec![]);
/// # for web in [0.1, 0.5, 0.9] {
/// #     for (size, tokens) in [(1e8, 2e9), (1e8, 8e9), (4e8, 2e9), (4e8, 8e9)] {
/// #         n.push(size);
/// #         d.push(tokens);
/// #         h.extend([web, 1.0 - web]);
/// #         loss.push(1.0 + 1.0 / (2.0 * f64::powf(web, 0.5) + 1.0 - web)
/// #             + 400.0 / f64::powf(size, 0.34) + 400.0 / f64::powf(tokens, 0.28));
/// #     }
/// # }
///
/// # let sweep = Sweep::new(&["web", "code"], &["web"], &n, &d, &h, &loss)?;
/// let fit = Fitter::new().fit(AdditiveLaw::for_sweep(&sweep), &sweep, "web")?;
/// let text = serde_json::to_string_pretty(&fit)?;
/// let back: Fit = serde_json::from_str(&text)?;
/// assert_eq!(back.predict(Scale { n: 7e9, d: 1e11 }, &[0.3, 0.7])?, fit.predict(Scale { n: 7e9, d: 1e11 }, &[0.3, 0.7])?);
///
/// // Of a law of your own the plain data is stored, and the law is given when the fit is read.
/// let law = |domains: &[String], scales| {
///     PowerLaw::builder("mine", domains)
///         .scale(scales)
///         .bias(Biased(InverseSum))
///         .d_term(Constant::level(), Constant::exponent())
///         .build()
/// };
/// let fit = Fitter::new().starts(4).fit(law(sweep.domains(), sweep.scale())?, &sweep, "web")?;
/// let stored: StoredFit = serde_json::from_str(&serde_json::to_string(&fit.to_stored())?)?;
/// assert_eq!(stored.law(), "mine");
/// assert!(stored.clone().into_fit().is_err());
/// let own = law(stored.domains(), stored.scale())?;
/// let back = stored.with_law(own)?;
/// assert_eq!(back.coordinates(), fit.coordinates());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(expecting = "a fit")]
pub struct StoredFit {
    mixlaw: Version,
    law: String,
    domains: Vec<String>,
    scales: Scale,
    settings: LawSettings,
    target: String,
    #[serde(with = "crate::stored::number")]
    coefficients: BTreeMap<String, f64>,
    coordinates: Vec<StoredCoordinate>,
    at_bound: Vec<String>,
    minimum: Minimum,
    /// The mean Huber loss alone; without a prior it is the objective.
    #[serde(default, with = "crate::stored::number")]
    huber: Option<f64>,
    /// Of the prior.
    #[serde(default, with = "crate::stored::number")]
    strength: f64,
    fitter: Fitter,
    /// The least and the greatest N and D of the rows; files of earlier crates have none.
    #[serde(default)]
    trained: Option<Trained>,
    #[serde(default)]
    any_scale: bool,
}

/// The range of N and D of the rows that were fitted.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Trained {
    n: (f64, f64),
    d: (f64, f64),
}

/// The place of a fit on one coordinate of its law, and the law's own box.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct StoredCoordinate {
    name: String,
    #[serde(with = "crate::stored::number")]
    z: f64,
    #[serde(with = "crate::stored::number")]
    lower: f64,
    #[serde(with = "crate::stored::number")]
    upper: f64,
}

impl Fit {
    /// The fit as plain data; see [`StoredFit`].
    #[cfg_attr(docsrs, doc(cfg(feature = "serde")))]
    #[must_use]
    pub fn to_stored(&self) -> StoredFit {
        let coordinates = self.law.coordinates();
        let place = |(c, &z): (&crate::law::Coordinate, &f64)| {
            let (lower, upper) = c.bounds();
            StoredCoordinate { name: c.name().to_owned(), z, lower, upper }
        };
        StoredFit {
            mixlaw: Version,
            law: self.law.name().to_owned(),
            domains: self.law.domains().to_vec(),
            scales: coordinates.scale(),
            settings: self.law.settings(),
            target: self.target.clone(),
            coefficients: self.coefficients().into_iter().collect(),
            coordinates: coordinates.iter().zip(&self.coordinates).map(place).collect(),
            at_bound: self.at_bound.clone(),
            minimum: self.minimum.clone(),
            huber: Some(self.huber),
            strength: self.strength,
            fitter: self.fitter.clone(),
            trained: self.scale.ranges.map(|[n, d]| Trained { n, d }),
            any_scale: self.scale.any,
        }
    }
}

impl StoredFit {
    /// The name of the law.
    #[must_use]
    pub fn law(&self) -> &str {
        &self.law
    }

    /// The domains of the law, in the order of every h.
    #[must_use]
    pub fn domains(&self) -> &[String] {
        &self.domains
    }

    /// The reference scales of the law, for the one that is given to [`StoredFit::with_law`]. Those
    /// that are computed from the sweep again may be rounded otherwise on another platform.
    #[must_use]
    pub fn scale(&self) -> Scale {
        self.scales
    }

    /// The target whose loss was fitted.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The fit, where its law is one of the crate's.
    ///
    /// One that was read from a file has the default optimizer in its [`Fitter`]: to fit again as
    /// before, set the one that was used, `fit.fitter().clone().optimizer(...)`.
    ///
    /// # Errors
    /// [`ErrorKind::NotBuiltIn`] for another law, those of [`BuiltIn::build`](crate::law::BuiltIn::build)
    /// and those of [`StoredFit::with_law`].
    pub fn into_fit(self) -> Result<Fit, Error> {
        let Ok(law) = named(&self.law) else {
            let known = built_in().iter().map(|law| law.name().to_owned()).collect();
            return Err(ErrorKind::NotBuiltIn { law: self.law, known }.into());
        };
        let law = law.build(&self.domains, self.scales, &self.settings)?;
        self.with_law(law)
    }

    /// The fit of a law of your own, which must have the same name, domains, reference scale, settings and
    /// coordinates as the one that was fitted, and the same coefficients at these. It is taken as it
    /// is given, its boxes too.
    ///
    /// # Errors
    /// [`ErrorKind::Stored`] if it differs, if the fit lies outside of its boxes and those of the
    /// fitter, or if the data does not agree with itself; [`ErrorKind::Setting`] or
    /// [`ErrorKind::Unknown`] for a setting of the fitter that is out of its range or that the law does
    /// not have.
    pub fn with_law(self, law: impl ScalingLaw + 'static) -> Result<Fit, Error> {
        let law: Arc<dyn ScalingLaw> = Arc::new(law);
        self.check_law(law.as_ref())?;
        let at_bound = self.check_place(law.as_ref())?;
        self.check_rows()?;
        let coordinates = self.coordinates.iter().map(|c| c.z).collect();
        let huber = self.huber.unwrap_or(self.minimum.value);
        let Self { target, minimum, strength, fitter, trained, any_scale, .. } = self;
        let ranges = trained.map(|Trained { n, d }| [n, d]);
        let scale = FittedScale::new(law.as_ref(), ranges, any_scale);
        Ok(Fit { law, target, coordinates, at_bound, minimum, huber, strength, fitter, scale })
    }

    fn fault(&self, what: &str, found: impl ToString, expected: impl ToString) -> Error {
        let kind = ErrorKind::Stored {
            what: what.to_owned(),
            found: found.to_string(),
            expected: expected.to_string(),
        };
        Error::from(kind).at(Place::Law(self.law.clone()))
    }

    /// Checks that a law is the one that was fitted, as far as it can be told.
    fn check_law(&self, law: &dyn ScalingLaw) -> Result<(), Error> {
        let coordinates = law.coordinates();
        let names: Vec<&str> = coordinates.iter().map(|c| c.name()).collect();
        let own: Vec<&str> = self.coordinates.iter().map(|c| c.name.as_str()).collect();
        let scales = coordinates.scale();
        let show = |scales: Scale| format!("{:e} and {:e}", scales.n, scales.d);
        let domains = law.domains();
        let (set, expected_set) = (&self.settings, law.settings());
        for (what, agrees, found, expected) in [
            ("the stored name is", self.law == law.name(), self.law.clone(), law.name().to_owned()),
            ("the stored domains are", self.domains == domains, list(&self.domains), list(domains)),
            (
                "the stored reference scales are",
                self.scales == scales,
                show(self.scales),
                show(scales),
            ),
            (
                "the stored settings are",
                *set == expected_set,
                format!("{set:?}"),
                format!("{expected_set:?}"),
            ),
            ("the stored coordinates are", own == names, list(&own), list(&names)),
        ] {
            if !agrees {
                return Err(self.fault(
                    what,
                    found,
                    format!("{expected} as in the law given to it"),
                ));
            }
        }
        Ok(())
    }

    /// Checks what is stored of the rows: how well they were fitted, and their N and D.
    fn check_rows(&self) -> Result<(), Error> {
        let objective = self.minimum.value;
        if !(objective.is_finite() && objective >= 0.0) {
            return Err(self.fault("the stored objective is", objective, "a finite number >= 0"));
        }
        if let Some(huber) = self.huber.filter(|huber| !(0.0..=objective).contains(huber)) {
            let expected = format!("a number from 0 to the objective, {objective}");
            return Err(self.fault("the stored mean Huber loss is", huber, expected));
        }
        if !(self.strength.is_finite() && self.strength >= 0.0) {
            let what = "the stored strength of the prior is";
            return Err(self.fault(what, self.strength, "a finite number >= 0"));
        }
        if self.minimum.optimality.is_nan() || self.minimum.optimality < 0.0 {
            let (what, found) = ("the stored distance from optimality is", self.minimum.optimality);
            return Err(self.fault(what, found, "a number >= 0"));
        }
        for (what, (least, most)) in self.trained.iter().flat_map(|t| [("N", t.n), ("D", t.d)]) {
            if !(least > 0.0 && least <= most && most.is_finite()) {
                let what = format!("the stored range of {what} is");
                let found = format!("{least} to {most}");
                return Err(self.fault(&what, found, "two finite numbers > 0 in ascending order"));
            }
        }
        Ok(())
    }

    /// Checks that the coordinates are a place of the law and its boxes, and that what is stored
    /// beside them agrees with them. The law has the same coordinates. Returns which of them are on a
    /// bound.
    fn check_place(&self, law: &dyn ScalingLaw) -> Result<Vec<String>, Error> {
        self.fitter.check_settings(Place::Row)?;
        let bounds = self.fitter.bounds(law)?;
        let (names, x) = (law.coordinates(), &self.minimum.x);
        if x.len() != bounds.len() {
            let what = "the stored number of variables is";
            return Err(self.fault(what, x.len(), bounds.len()));
        }
        if let Some(c) = self.coordinates.iter().find(|c| !c.z.is_finite()) {
            return Err(self.fault(
                &format!("the stored coordinate `{}` is", c.name),
                c.z,
                "a finite number",
            ));
        }
        let z: Vec<f64> = self.coordinates.iter().map(|c| c.z).collect();
        self.check_variables(names, &bounds, &z)?;
        self.check_coefficients(law, &z)?;
        let at_bound = at_bound(law, &bounds, x);
        // A law that is given with other boxes has other bounds to be on.
        let boxes = names.iter().map(|c| c.bounds());
        let same = self.coordinates.iter().map(|c| (c.lower, c.upper)).zip(boxes);
        let same = same.into_iter().all(|(a, b)| agree(a.0, b.0) && agree(a.1, b.1));
        if same && self.at_bound != at_bound {
            let names_of = |names: &[String]| match names {
                [] => "none".to_owned(),
                names => list(names),
            };
            let what = "the stored coefficients on a bound (at_bound) are";
            return Err(self.fault(what, names_of(&self.at_bound), names_of(&at_bound)));
        }
        Ok(at_bound)
    }

    /// Checks that the variables are those of the coordinates `z`, within their bounds.
    fn check_variables(
        &self,
        names: &Coordinates,
        bounds: &[Bound],
        z: &[f64],
    ) -> Result<(), Error> {
        for (i, (x, bound)) in self.minimum.x.iter().zip(bounds).enumerate() {
            let what = format!("the stored variable `{}` is", names.get(i).name());
            let expected = z[i] + if bound.raw { names.shift(i, z) } else { 0.0 };
            if !agree(*x, expected) {
                return Err(self.fault(&what, x, format!("{expected}, as its coordinate says")));
            }
            if !(bound.lower..=bound.upper).contains(x) {
                let expected = format!("a number from {} to {}", bound.lower, bound.upper);
                return Err(self.fault(&what, x, expected));
            }
        }
        Ok(())
    }

    /// Checks that the coefficients are those of the coordinates `z`.
    fn check_coefficients(&self, law: &dyn ScalingLaw, z: &[f64]) -> Result<(), Error> {
        let coefficients: BTreeMap<String, f64> = law.coefficients(z).into_iter().collect();
        let names_of = |of: &BTreeMap<String, f64>| list(&of.keys().collect::<Vec<_>>());
        if !self.coefficients.keys().eq(coefficients.keys()) {
            let what = "the stored coefficients are";
            return Err(self.fault(what, names_of(&self.coefficients), names_of(&coefficients)));
        }
        for ((name, found), expected) in self.coefficients.iter().zip(coefficients.values()) {
            if !agree(*found, *expected) {
                let what = format!("the stored coefficient `{name}` is");
                let expected = format!("{expected}, as its coordinates say");
                return Err(self.fault(&what, found, expected));
            }
        }
        Ok(())
    }
}

/// Whether two numbers are the same but for rounding.
fn agree(a: f64, b: f64) -> bool {
    let near = b.is_finite() && (a - b).abs() <= AGREEMENT * (1.0 + b.abs());
    near || a == b || (a.is_nan() && b.is_nan())
}

impl Serialize for Fit {
    /// An error where the fit could not be read again.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let stored = self.to_stored();
        stored.clone().into_fit().map_err(S::Error::custom)?;
        stored.serialize(serializer)
    }
}

impl From<Fit> for StoredFit {
    fn from(fit: Fit) -> Self {
        fit.to_stored()
    }
}

impl TryFrom<StoredFit> for Fit {
    type Error = Error;

    fn try_from(stored: StoredFit) -> Result<Self, Error> {
        stored.into_fit()
    }
}

/// A [`Fitter`] as it is in a file, not checked.
#[derive(Deserialize)]
#[serde(expecting = "the settings of a fit")]
pub(super) struct StoredFitter {
    #[serde(with = "crate::stored::number")]
    delta: f64,
    residual: Residual,
    /// Files of earlier crates have none.
    #[serde(default)]
    weighing: Weighing,
    #[serde(with = "crate::stored::number")]
    row_weights: Option<Vec<f64>>,
    #[serde(with = "crate::stored::number")]
    compute_power: f64,
    /// Files of earlier crates have no prior.
    #[serde(default)]
    prior: PriorStrength,
    #[serde(default)]
    beliefs: Prior,
    #[serde(with = "crate::stored::number")]
    constraints: Vec<(String, f64, f64)>,
    seed: u64,
}

impl TryFrom<StoredFitter> for Fitter {
    type Error = Error;

    fn try_from(stored: StoredFitter) -> Result<Self, Error> {
        stored.weighing.check_stored()?;
        let StoredFitter { delta, residual, row_weights, compute_power, constraints, .. } = stored;
        // What a bound may be is known with the law, but no law can keep these.
        let unordered = |(_, lower, upper): &&(String, f64, f64)| {
            lower.is_nan() || upper.is_nan() || lower > upper
        };
        if let Some((name, lower, _)) = constraints.iter().find(unordered) {
            let name = format!("the lower bound of `{name}`");
            return Err(Error::setting(name, *lower, "a number that is not above the upper bound"));
        }
        let StoredFitter { prior, beliefs, weighing, seed, .. } = stored;
        let own = Self {
            delta,
            residual,
            row_weights,
            compute_power,
            constraints,
            prior,
            beliefs,
            weighing,
            seed,
            ..Self::new()
        };
        own.check_settings(Place::Row)?;
        Ok(own)
    }
}
