//! Scaling laws: formulas that predict the loss from N, D and h.
//!
//! Nearly every law here is eq. (3) with five coefficient functions chosen from a short list:
//!
#![doc = include_str!("../../docs/formulas/power_law.html")]
//!
//! With `inverse sum = 1 / sum_i C_i h_i^gamma_i` and `linear power = (sum_i C_i h_i)^gamma`:
//!
//! | law | E(h) | A(h), B(h) | alpha(h), beta(h) |
//! |---|---|---|---|
//! | [`ChinchillaLaw`], eq. 2 | const | const | const |
//! | [`SimpleLaw`], eq. 9 | const + linear power | const | const |
//! | [`AdditiveLaw`], eq. 4 | const + inverse sum | const | const |
//! | [`JointLaw`], eq. 5 | const + inverse sum | linear power | const |
//! | [`FullLaw`], eq. 10-11 | const + inverse sum | linear power | linear power |
//! | [`CoupledLaw`], Kaplan et al. (2020) | const + inverse sum | const, coupled by a power p | const |
//! | [`CoupledFullLaw`] | const + inverse sum | linear power, coupled by a power p | linear power |
//! | [`AdditiveFixedNLaw`] | const + inverse sum | B const | beta const |
//! | [`AdditiveFixedDLaw`] | const + inverse sum | A const | alpha const |
//! | [`AdditiveFixedNDLaw`] | const + inverse sum | | |
//! | [`YeM1Law`] to [`YeM4Law`] | const + exponential forms | | |
//! | [`Ge24Law`], for a domain i | `E C h_i^-gamma` | `B C h_i^-gamma` | beta const |
//!
//! In a coupled law `(T_N^(1/p) + T_D^(1/p))^p` stands in place of the sum of the terms T_N of N and T_D of D;
//! that any [`PowerLaw`] can have ([`PowerLawBuilder::coupled`]), as well as a B(h) that grows with N
//! ([`PowerLawBuilder::growing_b`]).
//!
//! All in this table are a [`PowerLaw`], which evaluates a coefficient once for each distinct mixture of a
//! sweep and a power once for each distinct N or D. Three laws from other papers do not have the form of
//! eq. (3), or their coefficients depend on D as well as h. They are [`Formula`]s:
//!
//! | law | L | source |
//! |---|---|---|
//! | [`DataConstrainedLaw`] | `E + A/N'^alpha + B/D'^beta`, with D' tokens' worth of repeated ones | Muennighoff et al. (2023) |
//! | [`AutoScaleLaw`] | `E + sum_i (n0_i + h_i D / unit)^-gamma_i` | Kang et al. (2024) |
//! | [`DCptLaw`], for a domain with weight r | `E + A/N^alpha + B r^eta / D^beta + C / (r + epsilon)^gamma` | Que et al. (2024) |
//!
//! [`built_in`] lists them all, [`named`] finds one by its name, and [`suitable`] gives those that can
//! describe a sweep. A law of your own is another choice of five coefficient functions, which may be a
//! [`CoefficientFn`] of your own, a [`Formula`], or anything that implements [`ScalingLaw`].
//!
//! # What each can describe
//!
//! | law | depends on | on which domains | the optimal mixture of one target | certified | at `h_i = 0` |
//! |---|---|---|---|---|---|
//! | chinchilla | N, D | none | any | yes | finite |
//! | simple | N, D | all | a corner, at every scale | yes | finite |
//! | additive | N, D | all | the same at every scale | yes | finite, steep where `gamma_i < 1` |
//! | joint | N, D | all | moves with N and D | yes | finite, steep where `gamma_i < 1` |
//! | full, coupled full | N, D | all | moves with N and D | no | finite, steep where `gamma_i < 1` |
//! | coupled | N, D | all | the same at every scale | yes | finite, steep where `gamma_i < 1` |
//! | additive for one N; one D; both | D; N; nothing | all | the same at every scale | yes | finite, steep where `gamma_i < 1` |
//! | Ye M1 to M4 | nothing | all | one | yes, but for M3 | finite |
//! | Ge 24 | D | its own | that domain alone | yes | infinite without its own |
//! | data-constrained | N, D | all, by how much there is of them | moves with D: whatever repeats least | where `beta <= alpha` | finite |
//! | autoscale | D | all | moves with D | yes | finite |
//! | d-cpt | N, D | its own | moves with D | where `eta >= 1` | finite, steep where `eta < 1` |
//!
//! - *Repetition.* Only the data-constrained law knows that a domain can run out; all others count every
//!   token as new, even if it was seen before. It knows no other difference between domains: two domains
//!   that both have enough tokens are the same to it. In the other laws domains differ in what they are
//!   worth to a target.
//! - *Scale.* A law in which the mixture has a term of its own (simple, additive) chooses the same mixture
//!   for every N and D, also for several targets. Where the mixture changes only the term of D
//!   (autoscale, d-cpt) the choice moves with D and not with N.
//! - *What data can identify.* A law has a coordinate for each parameter that can be told apart with the
//!   best possible data; more may be printed in its paper. Your data may not be enough: R* of the
//!   data-constrained law needs runs that repeat data or exceed the size that is best for it. `n0_i`,
//!   `gamma_i` and E of autoscale compensate each other unless each domain's tokens vary by a large factor,
//!   and so do C, gamma and epsilon of d-cpt unless some runs have nearly nothing of the domain.
//!   [`Identifiability`](crate::uncertainty::Identifiability) tells which are determined.
//!
//! # Coordinates
//!
//! Optimizers do not move the printed coefficients but well-scaled [`Coordinates`]: logarithms
//! of positive coefficients, N and D divided by reference scales, and a linear power through its
//! values at the corners of the simplex ([`LinearPower`]). Coefficients are read and given in the
//! paper's units, for raw N and D; those of the full law are for `N/N0` and `D/D0`, which its
//! formula prints.
//!
//! ```
//! use mixlaw::law::{AdditiveLaw, Gradient, ScalingLaw};
//! use mixlaw::Scale;
//!
//! let law = AdditiveLaw::new(&["web", "code"], Scale { n: 1e9, d: 2e10 })?;
//! let z = law.coordinates_of(&[
//!     ("E", 1.5), ("C[web]", 1.0), ("gamma[web]", 0.5), ("C[code]", 2.0), ("gamma[code]", 1.0),
//!     ("A", 400.0), ("alpha", 0.34), ("B", 400.0), ("beta", 0.28),
//! ])?;
//! // 0.25 of web: E + 1 / (1 * 0.25^0.5 + 2 * 0.75) = 2, and what N and D leave.
//! let rest = 400.0 / 7e9f64.powf(0.34) + 400.0 / 1.4e11f64.powf(0.28);
//! let mut gradient = Gradient::new(&law);
//! let loss = law.gradient(&z, Scale { n: 7e9, d: 1.4e11 }, &[0.25, 0.75], &mut gradient);
//! assert!((loss - (2.0 + rest)).abs() < 1e-12);
//! // Ten percent more tokens are worth about a tenth of this, in nats.
//! assert!(gradient.log_d < 0.0);
//! # Ok::<(), mixlaw::Error>(())
//! ```

mod batch;
mod coefficient;
mod coordinates;
mod coupling;
mod dependence;
mod formula;
mod forward;
mod from_fn;
mod grouped;
mod mixture_function;
mod named;
mod power_law;
mod prior;
mod scalar;
mod settings;

/// The token that sealed methods take: no other crate can name it, and so none can call or override them.
mod sealed {
    #[derive(Debug, Clone, Copy)]
    pub struct Token;
}

use std::collections::{HashMap, HashSet};
use std::fmt::Debug;

use crate::error::{Error, ErrorKind, Place, cut};
use crate::random::Random;
use crate::scale::Scale;

pub use batch::{Batch, Points};
pub(crate) use coefficient::BoundCoefficient;
use coefficient::indexed;
pub use coefficient::{
    Biased, CoefficientFn, Constant, ExponentialProduct, ExponentialSum, GeometricMean, InverseSum,
    LinearPower, SharedExponentialSum, Typical,
};
pub(crate) use coordinates::Transform;
pub use coordinates::{Coordinate, Coordinates};
pub use dependence::Dependence;
pub use formula::{Formula, FormulaLaw};
pub(crate) use from_fn::FromFn;
pub(crate) use mixture_function::{Curvature, MixtureFunction, Sum};
pub use named::*;
pub use power_law::{PowerLaw, PowerLawBuilder};
pub(crate) use prior::PriorOver;
pub use prior::{Prior, PriorTerm};
#[doc(hidden)]
pub use scalar::Dual;
pub use scalar::Scalar;
pub use settings::LawSettings;

/// A formula that predicts the loss of a model of N parameters, trained on D tokens of the mixture h.
///
/// A law has coordinates z, which an optimizer moves, and named coefficients in the paper's units,
/// which people read; [`ScalingLaw::coordinates`] converts. A law is immutable: a point z is passed
/// to every call, so that many threads can evaluate one law at once.
///
/// The trait is `dyn`-compatible, and implemented by `&L`, `Box<L>` and `Arc<L>` of every law `L`, so
/// a `Box<dyn ScalingLaw>` works wherever a law is asked for. To write a law of your own,
/// implement [`Formula`] (the loss alone; exact gradients follow), compose a [`PowerLaw`], or
/// implement this trait with analytic gradients.
///
/// ```
/// use mixlaw::law::{ChinchillaLaw, ScalingLaw};
/// use mixlaw::Scale;
///
/// // The coefficients that Hoffmann et al. (2022) printed for their third approach.
/// let law = ChinchillaLaw::new(&["web"], Scale::ONE)?;
/// let printed = [("E", 1.69), ("A", 406.4), ("alpha", 0.34), ("B", 410.7), ("beta", 0.28)];
/// let z = law.coordinates_of(&printed)?;
/// let loss = law.loss(&z, Scale { n: 70e9, d: 1.4e12 }, &[1.0]);
/// assert!((loss - 1.9366).abs() < 1e-3);
/// # Ok::<(), mixlaw::Error>(())
/// ```
pub trait ScalingLaw: Debug + Send + Sync {
    /// A short name, such as `joint`.
    fn name(&self) -> &str;

    /// The names of the domains, in the order of every h.
    fn domains(&self) -> &[String];

    /// The coordinates of the law: names, bounds and the paper's units.
    fn coordinates(&self) -> &Coordinates;

    /// The loss in nats at coordinates `z`, N parameters, D tokens and domain weights `h`.
    ///
    /// The result may be infinite or NaN at extreme coordinates; optimizers step back from there.
    ///
    /// # Panics
    /// If `z` or `h` has the wrong length.
    fn loss(&self, z: &[f64], at: Scale, h: &[f64]) -> f64;

    /// The loss, and its gradient with respect to z, h, ln N and ln D.
    ///
    /// The derivative with respect to h is taken with every weight free; on the simplex it is
    /// defined up to a constant added to all its entries. It may be infinite where `h_i = 0`, and is
    /// never NaN where N and D are at least 1, infinity included, and the loss is below 1e100.
    ///
    /// # Panics
    /// If `z`, `h` or `out` has the wrong length.
    fn gradient(&self, z: &[f64], at: Scale, h: &[f64], out: &mut Gradient) -> f64;

    /// The coefficients in the paper's units, by name: first those that stand for the coordinates,
    /// then others that follow from them. They are enough to predict the loss from raw N, D and h.
    fn coefficients(&self, z: &[f64]) -> Vec<(String, f64)> {
        let coordinates = self.coordinates();
        let names = coordinates.iter().map(|c| c.name().to_owned());
        names.zip(coordinates.coefficients(z)).collect()
    }

    /// The coordinates of named coefficients in the paper's units, in any order.
    ///
    /// # Errors
    /// If one is missing, unknown or out of its range.
    fn coordinates_of(&self, coefficients: &[(&str, f64)]) -> Result<Vec<f64>, Error> {
        let values = by_name(self.name(), self.coordinates(), coefficients)?;
        self.coordinates().from_coefficients(&values)
    }

    /// The formula with its numbers, in the paper's units, for people to read.
    fn formula(&self, z: &[f64]) -> String {
        let list: Vec<String> =
            self.coefficients(z).iter().map(|(name, c)| format!("{name} = {c:.4e}")).collect();
        format!("{}: {}", self.name(), list.join(", "))
    }

    /// What the law was made with beside its domains and its reference scale, from which a stored fit
    /// makes it again where it is one of the crate's ([`BuiltIn::build`]); by default nothing.
    fn settings(&self) -> LawSettings {
        LawSettings::default()
    }

    /// Draws coordinates to start a fit from; by default from the range of each coordinate.
    fn start(&self, data: &StartData<'_>, random: &mut Random) -> Vec<f64> {
        let _ = data;
        self.coordinates().iter().map(|c| c.draw(random)).collect()
    }

    /// What is believed of the coefficients before there is data; by default each is near the middle of the
    /// range that starts are drawn from, with half the width of that as its deviation.
    fn prior(&self, data: &StartData<'_>) -> Prior {
        let _ = data;
        self.coordinates().iter().fold(Prior::new(), |prior, c| prior.within_draws(c))
    }

    /// Which of N, D and h the loss depends on; by default as the derivatives at some drawn points say.
    fn dependence(&self) -> Dependence {
        Dependence::measured(self)
    }

    /// The law at coordinates `z` and one N and D, as a function of h alone; what mixtures are chosen
    /// by. By default through [`ScalingLaw::gradient`], with no more known of it. Either scale may be
    /// infinite, which leaves out its term.
    #[doc(hidden)]
    fn at_scale<'a>(
        &'a self,
        z: &'a [f64],
        at: Scale,
        _: sealed::Token,
    ) -> Box<dyn MixtureFunction + 'a> {
        assert_eq!(z.len(), self.coordinates().len(), "one value for each coordinate");
        let gradient = Gradient::new(self);
        Box::new(mixture_function::AtScale { law: self, z, at, gradient, convex: false })
    }

    /// Checks that the law is defined at N, D and h. N and D may be infinite: the limit.
    ///
    /// # Errors
    /// One that says what is wrong with the point.
    fn check(&self, at: Scale, h: &[f64]) -> Result<(), Error> {
        check_point(self.domains().len(), at, h)
    }

    /// Binds the law to many points for repeated evaluation; by default one point after the other.
    fn batch<'a>(&'a self, points: Points<'a>) -> Box<dyn Batch + 'a> {
        Box::new(batch::RowByRow::new(self, points))
    }
}

/// A law at coordinates `z` and one N and D, as a function of h alone.
///
/// Other modules use this and the next three functions to call what is sealed in laws and coefficient
/// functions.
pub(crate) fn at_scale<'a>(
    law: &'a dyn ScalingLaw,
    z: &'a [f64],
    at: Scale,
) -> Box<dyn MixtureFunction + 'a> {
    law.at_scale(z, at, sealed::Token)
}

/// The second derivatives of all losses of a batch along `z + t v`, at t = 0, into `out`.
pub(crate) fn second_derivatives(batch: &mut dyn Batch, z: &[f64], v: &[f64], out: &mut [f64]) {
    batch.second_derivatives(z, v, out, sealed::Token);
}

/// A coefficient function bound to mixtures.
pub(crate) fn bind_function<'a>(
    function: &'a dyn CoefficientFn,
    mixtures: &[&[f64]],
) -> Box<dyn BoundCoefficient + 'a> {
    function.bind(mixtures, sealed::Token)
}

/// A coefficient function at coordinates `z`, as a function of h alone.
pub(crate) fn function_at<'a>(
    function: &'a dyn CoefficientFn,
    z: &'a [f64],
) -> Box<dyn MixtureFunction + 'a> {
    function.at(z, sealed::Token)
}

/// The gradient of a law at one point; a buffer to use again and again.
#[derive(Debug, Clone, PartialEq)]
pub struct Gradient {
    /// With respect to the coordinates.
    pub z: Vec<f64>,
    /// With respect to the domain weights.
    pub h: Vec<f64>,
    /// With respect to ln N.
    pub log_n: f64,
    /// With respect to ln D.
    pub log_d: f64,
}

impl Gradient {
    /// Zeros for a law.
    #[must_use]
    pub fn new(law: &(impl ScalingLaw + ?Sized)) -> Self {
        Self {
            z: vec![0.0; law.coordinates().len()],
            h: vec![0.0; law.domains().len()],
            log_n: 0.0,
            log_d: 0.0,
        }
    }
}

/// What a law may know of the data when it draws a start or states its prior.
#[derive(Debug, Clone, Copy)]
pub struct StartData<'a> {
    /// The least loss, in nats.
    pub least_loss: f64,
    /// The median loss, in nats.
    pub median_loss: f64,
    /// The mean of the domain weights.
    pub mixture: &'a [f64],
}

/// The check that every law does.
pub(crate) fn check_point(k: usize, at: Scale, h: &[f64]) -> Result<(), Error> {
    for (name, value) in [("N", at.n), ("D", at.d)] {
        if value.is_nan() || value <= 0.0 {
            return Err(Error::setting(name, value, "a number > 0"));
        }
    }
    if h.len() != k {
        let what = "a mixture".to_owned();
        return Err(ErrorKind::Length { what, found: h.len(), expected: k }.into());
    }
    crate::mixture::validate(h)
}

/// The error of a law that is infinite without a domain.
fn infinite(law: &str, domain: &str) -> Error {
    ErrorKind::Infinite { law: law.to_owned(), domain: domain.to_owned() }.into()
}

/// The error of a coefficient that is out of its range.
fn bad_coefficient(name: &str, value: f64, expected: &'static str) -> Error {
    Error::setting(format!("coefficient `{}`", cut(name)), value, expected)
}

/// The error of a coefficient that a law does not have.
fn unknown_coefficient(law: &str, name: &str, known: Vec<String>) -> Error {
    let kind = ErrorKind::Unknown { kind: "coefficient", name: name.to_owned(), known };
    Error::from(kind).at(Place::Law(law.to_owned()))
}

/// The error of a coefficient that a law has and that is not among the named ones.
fn missing_coefficient(law: &str, name: &str, named: &[(&str, f64)]) -> Error {
    let found = named.iter().map(|(name, _)| (*name).to_owned()).collect();
    let kind = ErrorKind::Missing { kind: "coefficient", name: name.to_owned(), found };
    Error::from(kind).at(Place::Law(law.to_owned()))
}

/// The values of `coordinates` among named coefficients, each of which must be known.
fn by_name(law: &str, coordinates: &Coordinates, named: &[(&str, f64)]) -> Result<Vec<f64>, Error> {
    no_repeats("coefficient", named)?;
    if let Some((name, _)) = named.iter().find(|(name, _)| coordinates.position(name).is_none()) {
        let known = coordinates.iter().map(|c| c.name().to_owned()).collect();
        return Err(unknown_coefficient(law, name, known));
    }
    let values: HashMap<&str, f64> = named.iter().copied().collect();
    let value = |c: &Coordinate| {
        let value = values.get(c.name()).copied();
        value.ok_or_else(|| missing_coefficient(law, c.name(), named))
    };
    coordinates.iter().map(value).collect()
}

/// Checks that no name is given twice.
fn no_repeats(kind: &'static str, named: &[(&str, f64)]) -> Result<(), Error> {
    let mut seen = HashSet::new();
    match named.iter().find(|(name, _)| !seen.insert(*name)) {
        None => Ok(()),
        Some((name, _)) => {
            Err(ErrorKind::Repeated { kind, name: (*name).to_owned(), group: None }.into())
        }
    }
}

/// The place of a domain among the domains of a law.
fn place_of(domain: &str, domains: &[String]) -> Result<usize, Error> {
    domains.iter().position(|d| d == domain).ok_or_else(|| {
        let (name, known) = (domain.to_owned(), domains.to_vec());
        ErrorKind::Unknown { kind: "domain", name, known }.into()
    })
}

/// Checks the names of the domains of a law.
fn check_domains(domains: &[impl AsRef<str>]) -> Result<Vec<String>, Error> {
    let domains: Vec<String> = domains.iter().map(|d| d.as_ref().to_owned()).collect();
    if domains.is_empty() {
        return Err(ErrorKind::Empty { what: "a law", part: "domain" }.into());
    }
    let mut seen = HashSet::new();
    for name in &domains {
        let (kind, owned) = ("domain", || name.clone());
        if name.is_empty() {
            return Err(ErrorKind::Name { kind, name: owned(), problem: "is empty" }.into());
        }
        if !seen.insert(name) {
            return Err(ErrorKind::Repeated { kind, name: owned(), group: None }.into());
        }
    }
    Ok(domains)
}
