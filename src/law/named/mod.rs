//! The named laws, one small file for each, and how to make one by its name.

mod additive;
mod autoscale;
mod chinchilla;
mod d_cpt;
mod data_constrained;
mod full;
mod ge24;
mod joint;
mod simple;
mod ye;

use std::sync::Arc;

pub use additive::{AdditiveFixedDLaw, AdditiveFixedNDLaw, AdditiveFixedNLaw, AdditiveLaw};
pub use autoscale::AutoScaleLaw;
pub use chinchilla::ChinchillaLaw;
pub use d_cpt::DCptLaw;
pub use data_constrained::DataConstrainedLaw;
pub use full::FullLaw;
pub use ge24::Ge24Law;
pub use joint::JointLaw;
pub use simple::SimpleLaw;
pub use ye::{YeM1Law, YeM2Law, YeM3Law, YeM4Law};

use super::{ScalingLaw, check_domains};
use crate::error::LawError;
use crate::scale::Scale;

type Made = Result<Arc<dyn ScalingLaw>, LawError>;

/// How a law is made.
enum Make {
    /// From its domains and reference scales.
    Plain(fn(&[String], Scale) -> Made),
    /// The same, with gamma of either sign, or a positive one where the last argument is true.
    Signed(fn(&[String], Scale, bool) -> Made),
    /// The same, for the loss on one of its domains.
    OfDomain(fn(&[String], &str, Scale) -> Made),
}

macro_rules! plain {
    ($law:ident) => {
        Make::Plain(|domains, scales| Ok(Arc::new($law::new(domains, scales)?)))
    };
}

macro_rules! signed {
    ($law:ident) => {
        Make::Signed(|domains, scales, positive| {
            let law = $law::new(domains, scales)?;
            Ok(Arc::new(if positive { law.positive_gamma() } else { law }))
        })
    };
}

macro_rules! of_domain {
    ($law:ident) => {
        Make::OfDomain(|domains, own, scales| Ok(Arc::new($law::new(domains, own, scales)?)))
    };
}

/// Every law of the crate but the data-constrained one, which needs more than names: how much there
/// is of each domain.
const LAWS: &[(&str, Make)] = &[
    ("chinchilla", plain!(ChinchillaLaw)),
    ("simple", signed!(SimpleLaw)),
    ("additive", plain!(AdditiveLaw)),
    ("joint", signed!(JointLaw)),
    ("full", signed!(FullLaw)),
    ("additive-fixed-n", plain!(AdditiveFixedNLaw)),
    ("additive-fixed-d", plain!(AdditiveFixedDLaw)),
    ("additive-fixed-nd", plain!(AdditiveFixedNDLaw)),
    ("ye-m1", plain!(YeM1Law)),
    ("ye-m2", plain!(YeM2Law)),
    ("ye-m3", plain!(YeM3Law)),
    ("ye-m4", plain!(YeM4Law)),
    ("ge24", of_domain!(Ge24Law)),
    ("autoscale", plain!(AutoScaleLaw)),
    ("d-cpt", of_domain!(DCptLaw)),
];

/// The names that [`named`] knows.
pub fn names() -> impl Iterator<Item = &'static str> {
    LAWS.iter().map(|(name, _)| *name)
}

/// The crate's law of this name, as it is without further settings: for tools whose users name laws.
///
/// `target` is the name of the loss that the law will be fitted to. It matters to a law for the loss
/// on one of its domains, `ge24` and `d-cpt`, and to no other. [`DataConstrainedLaw`] has no name
/// here: it needs to know how much there is of each domain.
///
/// # Errors
/// [`LawError::Name`] if there is no law of this name, [`LawError::Domains`] if a domain has no name
/// or one that appears twice, or if a law for one domain is asked for a target that is none, and
/// [`LawError::Scale`] if a scale is not a positive number.
///
/// ```
/// use mixlaw::law::{self, ScalingLaw};
/// use mixlaw::Scale;
///
/// let domains = ["web", "code"];
/// for name in law::names() {
///     let law = law::named(name, &domains, "code", Scale::ONE)?;
///     assert_eq!(law.name(), name);
/// }
/// let error = law::named("adjoint", &domains, "code", Scale::ONE).unwrap_err();
/// assert!(error.to_string().starts_with("unknown law `adjoint`, expected one of: chinchilla"));
/// # Ok::<(), mixlaw::LawError>(())
/// ```
pub fn named(
    name: &str,
    domains: &[impl AsRef<str>],
    target: &str,
    scales: Scale,
) -> Result<Arc<dyn ScalingLaw>, LawError> {
    let domains = check_domains(domains)?;
    match make(name)? {
        Make::Plain(make) => make(&domains, scales),
        Make::Signed(make) => make(&domains, scales, false),
        Make::OfDomain(make) => make(&domains, target, scales),
    }
}

fn make(name: &str) -> Result<&'static Make, LawError> {
    LAWS.iter().find(|(known, _)| *known == name).map(|(_, make)| make).ok_or_else(|| {
        LawError::Name { name: name.to_owned(), known: names().map(str::to_owned).collect() }
    })
}

/// The law of this name whose coordinates have these names and lower bounds: they tell which domain
/// a law is for, and whether its gamma had to be positive. Where none has these names, the first.
#[cfg(feature = "serde")]
pub(crate) fn named_as(
    name: &str,
    domains: &[String],
    scales: Scale,
    lower: &[(&str, f64)],
) -> Result<Arc<dyn ScalingLaw>, LawError> {
    let domains = check_domains(domains)?;
    let mut laws = match make(name)? {
        Make::Plain(make) => vec![make(&domains, scales)?],
        Make::Signed(make) => {
            vec![make(&domains, scales, true)?, make(&domains, scales, false)?]
        }
        Make::OfDomain(make) => {
            domains.iter().map(|own| make(&domains, own, scales)).collect::<Result<_, _>>()?
        }
    };
    let widest = laws[laws.len() - 1].clone();
    let fits = |law: &Arc<dyn ScalingLaw>| {
        let (own, wide) = (law.coordinates(), widest.coordinates());
        own.len() == lower.len()
            && own.iter().zip(wide.iter()).zip(lower).all(|((c, wide), (name, lower))| {
                c.name() == *name && (c.bounds() == wide.bounds() || *lower >= c.bounds().0)
            })
    };
    let place = laws.iter().position(fits).unwrap_or(0);
    Ok(laws.swap_remove(place))
}
