//! What a law of the crate is made of, besides its domains and its reference scale.

/// What a law is made of, besides its domains and its reference scale; for laws that are chosen by name
/// ([`BuiltIn::build`](super::BuiltIn::build)). A law uses the settings that it needs and ignores the rest.
///
/// ```
/// use mixlaw::law::{self, LawSettings, ScalingLaw};
/// use mixlaw::Scale;
///
/// let settings = LawSettings::new().domain("code").unique_tokens(&[("code", 1e9)]);
/// let law = law::named("ge24")?.build(&["web", "code"], Scale::ONE, &settings)?;
/// assert_eq!(law.settings(), LawSettings::new().domain("code"));
/// # Ok::<(), mixlaw::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct LawSettings {
    /// The domain whose loss the law is for: that of [`Ge24Law`](super::Ge24Law) and
    /// [`DCptLaw`](super::DCptLaw).
    pub domain: Option<String>,
    /// Whether gamma is positive in every linear power; by default it has either sign. For
    /// [`SimpleLaw`](super::SimpleLaw), [`JointLaw`](super::JointLaw), [`FullLaw`](super::FullLaw) and
    /// [`CoupledFullLaw`](super::CoupledFullLaw).
    pub positive_gamma: bool,
    /// How many unique tokens there are of a domain; the others do not run out. For
    /// [`DataConstrainedLaw`](super::DataConstrainedLaw).
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
    pub unique_tokens: Vec<(String, f64)>,
}

impl LawSettings {
    /// No settings.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the domain whose loss the law is for.
    #[must_use]
    pub fn domain(self, domain: impl Into<String>) -> Self {
        Self { domain: Some(domain.into()), ..self }
    }

    /// Lets gamma be positive.
    #[must_use]
    pub fn positive_gamma(self) -> Self {
        Self { positive_gamma: true, ..self }
    }

    /// Sets how many unique tokens there are of some domains.
    #[must_use]
    pub fn unique_tokens(self, tokens: &[(&str, f64)]) -> Self {
        let owned = tokens.iter().map(|&(domain, tokens)| (domain.to_owned(), tokens));
        Self { unique_tokens: owned.collect(), ..self }
    }
}
