//! The crate's own laws by their names.

use std::sync::Arc;

use super::coefficient::indexed;
use super::{
    AdditiveFixedNDLaw, AdditiveFixedNLaw, AdditiveLaw, AutoScaleLaw, ChinchillaLaw, DCptLaw,
    FullLaw, Ge24Law, JointLaw, ScalingLaw, SimpleLaw, YeM1Law, YeM2Law, YeM3Law, YeM4Law,
    additive_fixed_d,
};
use crate::error::LawError;
use crate::sweep::Scales;

/// The names that [`built_in`] knows.
pub(crate) const BUILT_IN: [&str; 15] = [
    "chinchilla",
    "simple",
    "additive",
    "joint",
    "full",
    "additive-fixed-n",
    "additive-fixed-d",
    "additive-fixed-nd",
    "ye-m1",
    "ye-m2",
    "ye-m3",
    "ye-m4",
    "ge24",
    "autoscale",
    "d-cpt",
];

/// The crate's law of this name, `None` if it has none; none either for the data-constrained law, whose
/// coordinates don't tell how much there is of each domain. `lower` is the least value of each
/// coordinate, by its name: which coordinates there are tells the domain of Ge 24 and D-CPT, and how
/// low they go whether a gamma had to be positive.
pub(crate) fn built_in(
    name: &str,
    domains: &[String],
    scales: Scales,
    lower: &[(&str, f64)],
) -> Result<Option<Arc<dyn ScalingLaw>>, LawError> {
    macro_rules! signed {
        ($law:ident) => {{
            let law = $law::new(domains, scales)?;
            let positive = law.clone().positive_gamma();
            if has_positive_gamma(&law, &positive, lower) {
                Arc::new(positive)
            } else {
                Arc::new(law)
            }
        }};
    }
    Ok(Some(match name {
        "chinchilla" => Arc::new(ChinchillaLaw::new(domains, scales)?),
        "simple" => signed!(SimpleLaw),
        "additive" => Arc::new(AdditiveLaw::new(domains, scales)?),
        "joint" => signed!(JointLaw),
        "full" => signed!(FullLaw),
        "additive-fixed-n" => Arc::new(AdditiveFixedNLaw::new(domains, scales)?),
        "additive-fixed-d" => Arc::new(additive_fixed_d(domains, scales)?),
        "additive-fixed-nd" => Arc::new(AdditiveFixedNDLaw::new(domains, scales)?),
        "ye-m1" => Arc::new(YeM1Law::new(domains, scales)?),
        "ye-m2" => Arc::new(YeM2Law::new(domains, scales)?),
        "ye-m3" => Arc::new(YeM3Law::new(domains, scales)?),
        "ye-m4" => Arc::new(YeM4Law::new(domains, scales)?),
        "ge24" => {
            Arc::new(Ge24Law::new(domains, own_domain(name, "gamma", domains, lower)?, scales)?)
        }
        "autoscale" => Arc::new(AutoScaleLaw::new(domains, scales)?),
        "d-cpt" => {
            Arc::new(DCptLaw::new(domains, own_domain(name, "eta", domains, lower)?, scales)?)
        }
        _ => return Ok(None),
    }))
}

/// The domain whose coefficient of this symbol a law for one domain has.
fn own_domain<'a>(
    law: &str,
    symbol: &str,
    domains: &'a [String],
    lower: &[(&str, f64)],
) -> Result<&'a str, LawError> {
    let is_own = |domain: &&String| {
        let own = indexed(symbol, domain);
        lower.iter().any(|(name, _)| *name == own)
    };
    domains.iter().find(is_own).map(String::as_str).ok_or_else(|| {
        let known: Vec<String> = domains.iter().map(|d| indexed(symbol, d)).collect();
        LawError::Domains(format!(
            "the {law} law has the {symbol} of one domain, expected one of: {}",
            known.join(", ")
        ))
    })
}

/// Whether no coordinate of a law with gamma of either sign goes as low as there, of those that
/// `positive_gamma` keeps from it.
fn has_positive_gamma(
    law: &dyn ScalingLaw,
    positive: &dyn ScalingLaw,
    lower: &[(&str, f64)],
) -> bool {
    let both = law.coordinates().iter().zip(positive.coordinates().iter());
    let mut restricted = both.filter(|(either, positive)| either.bounds() != positive.bounds());
    restricted.all(|(c, _)| lower.iter().any(|(name, lower)| *name == c.name() && *lower >= 0.0))
}
