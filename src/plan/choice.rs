use std::fmt;

#[cfg(feature = "serde")]
use super::finite;
#[cfg(feature = "serde")]
use crate::error::{Error, ErrorKind};
use crate::scale::Scale;
use crate::simplex::Optimum;

/// The mixture that a [`Plan`](super::Plan) chose for one N and D.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(try_from = "StoredChoice")
)]
#[non_exhaustive]
pub struct Choice {
    /// The N and D it was chosen for.
    pub scale: Scale,
    /// The names of the domains, in the order of the weights.
    pub domains: Vec<String>,
    /// The best mixture that keeps the constraints, with its certificate.
    pub optimum: Optimum,
    /// The best mixture without constraints.
    pub unconstrained: Optimum,
    /// The predicted loss of each target at the optimum, in nats.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
    pub losses: Vec<(String, f64)>,
    /// The targets whose laws do not depend on the mixture
    /// ([`ScalingLaw::dependence`](crate::law::ScalingLaw::dependence)): they had no part in the choice,
    /// and how it changes their losses is not known.
    pub blind: Vec<String>,
}

/// A [`Choice`] as it is in a file, not checked.
#[cfg(feature = "serde")]
#[derive(serde::Deserialize)]
#[serde(expecting = "a choice of a plan")]
struct StoredChoice {
    scale: Scale,
    domains: Vec<String>,
    optimum: Optimum,
    unconstrained: Optimum,
    #[serde(with = "crate::stored::number")]
    losses: Vec<(String, f64)>,
    #[serde(default)]
    blind: Vec<String>,
}

#[cfg(feature = "serde")]
impl TryFrom<StoredChoice> for Choice {
    type Error = Error;

    fn try_from(stored: StoredChoice) -> Result<Self, Error> {
        let StoredChoice { scale, domains, optimum, unconstrained, losses, blind } = stored;
        if let Some(i) = (1..domains.len()).find(|&i| domains[..i].contains(&domains[i])) {
            let (kind, name) = ("domain", domains[i].clone());
            return Err(ErrorKind::Repeated { kind, name, group: None }.into());
        }
        for (what, found) in [("the optimum", &optimum), ("the unconstrained one", &unconstrained)]
        {
            check_optimum(what, found, domains.len())?;
        }
        for (name, loss) in &losses {
            finite(&format!("the loss of target `{name}`"), *loss)?;
        }
        if let Some(name) = blind.iter().find(|b| !losses.iter().any(|(name, _)| name == *b)) {
            let known = losses.into_iter().map(|(name, _)| name).collect();
            return Err(ErrorKind::Unknown { kind: "target", name: name.clone(), known }.into());
        }
        Ok(Self { scale, domains, optimum, unconstrained, losses, blind })
    }
}

/// Checks what is stored of an optimum over `k` domains.
#[cfg(feature = "serde")]
fn check_optimum(what: &'static str, optimum: &Optimum, k: usize) -> Result<(), Error> {
    let found = optimum.weights.len();
    if found != k {
        return Err(ErrorKind::Length { what: what.to_owned(), found, expected: k }.into());
    }
    finite(&format!("the value of {what}"), optimum.value)?;
    let wrong = |part: &str, value: f64, expected: &str| {
        let (what, found) = (format!("the {part} of {what} is"), value.to_string());
        Err(ErrorKind::Stored { what, found, expected: expected.to_owned() }.into())
    };
    if let Some(bound) = optimum.lower_bound.filter(|b| b.is_nan() || *b > optimum.value) {
        return wrong("lower bound", bound, &format!("at most its value, {}", optimum.value));
    }
    if optimum.residual.is_nan() || optimum.residual < 0.0 {
        return wrong("residual", optimum.residual, "a number >= 0");
    }
    if let Some(&share) = optimum.shares.iter().find(|share| !(0.0..=1.0).contains(*share)) {
        return wrong("share of a part", share, "a number from 0 to 1");
    }
    let wrong_one = |multiplier: f64| multiplier.is_nan() || multiplier < 0.0;
    match optimum.active.iter().find(|active| wrong_one(active.multiplier)) {
        Some(active) => wrong("multiplier of a constraint", active.multiplier, "a number >= 0"),
        None => Ok(()),
    }
}

impl Choice {
    /// What the constraints cost: the value of the optimum above that of the unconstrained one, in
    /// nats.
    #[must_use]
    pub fn cost_of_constraints(&self) -> f64 {
        (self.optimum.value - self.unconstrained.value).max(0.0)
    }

    /// The weight of a domain in the optimum; `None` if there is no such domain.
    #[must_use]
    pub fn weight(&self, domain: &str) -> Option<f64> {
        let i = self.domains.iter().position(|own| own == domain)?;
        Some(self.optimum.weights[i])
    }
}

/// The scale, the mixture, its value with what is shown of it, the losses, and what limits it.
impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let optimum = &self.optimum;
        writeln!(f, "at {}:", self.scale)?;
        writeln!(f, "  {:.3}", optimum.weights.named(&self.domains))?;
        write!(f, "  value {:.4} ({})", optimum.value, optimum.certificate)?;
        let cost = self.cost_of_constraints();
        if cost > 0.0 {
            write!(f, ", the constraints cost {cost:.4}")?;
        }
        for (target, loss) in &self.losses {
            write!(f, "\n  {target} {loss:.4}")?;
        }
        for active in &optimum.active {
            let multiplier = active.multiplier;
            write!(
                f,
                "\n  held by {}: {multiplier:.4} for each unit of weight",
                active.constraint
            )?;
        }
        if !self.blind.is_empty() {
            write!(
                f,
                "\n  not chosen for {}: the law does not see the mixture",
                self.blind.join(", ")
            )?;
        }
        Ok(())
    }
}
