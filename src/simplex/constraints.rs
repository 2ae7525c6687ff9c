use std::collections::HashSet;
use std::fmt;

use super::region::{Kind, Limit, Region};
use crate::error::{Error, ErrorKind};
use crate::sweep::Sweep;

/// What a mixture must keep, by the names of its domains: bounds on weights, on sums over groups of
/// domains, on how often the tokens of a domain may be repeated, and the box of the training data.
///
/// They are a list, and print as one; [`Constraints::region`] checks that they can be kept together.
///
/// ```
/// use mixlaw::simplex::Constraints;
///
/// let domains = ["web", "code", "wikipedia"].map(String::from);
/// let limits = Constraints::new()
///     .at_least("code", 0.1)
///     .epochs("wikipedia", 4e9, 5.0)
///     .group(&["code", "wikipedia"], 0.0, 0.5);
/// // Five epochs of 4e9 tokens are a fifth of 1e11.
/// assert_eq!(
///     limits.to_string(),
///     "code >= 0.1; wikipedia <= 5 epochs of 4e9 tokens; 0 <= code + wikipedia <= 0.5"
/// );
/// let region = limits.region(&domains, 1e11)?;
/// assert_eq!(region.bounds(2), (0.0, 0.2));
///
/// let error = limits.at_least("wikipedia", 0.45).region(&domains, 1e10).unwrap_err();
/// let conflict = "no mixture keeps all of: code >= 0.1; code + wikipedia <= 0.5; wikipedia >= 0.45";
/// assert_eq!(error.to_string(), conflict);
/// # Ok::<(), mixlaw::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct Constraints {
    list: Vec<Constraint>,
}

/// One statement.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case")
)]
enum Constraint {
    AtLeast(String, f64),
    AtMost(String, f64),
    Group {
        domains: Vec<String>,
        lower: f64,
        upper: f64,
    },
    Epochs {
        domain: String,
        #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
        tokens: f64,
        #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
        epochs: f64,
    },
    Trained {
        domain: String,
        lower: f64,
        upper: f64,
        /// By which share of the trained range the two are outside of it.
        #[cfg_attr(feature = "serde", serde(default))]
        margin: f64,
    },
}

impl Constraints {
    /// None: the whole simplex.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn with(mut self, constraint: Constraint) -> Self {
        self.list.push(constraint);
        self
    }

    /// `h_domain >= weight`.
    #[must_use]
    pub fn at_least(self, domain: impl Into<String>, weight: f64) -> Self {
        self.with(Constraint::AtLeast(domain.into(), weight))
    }

    /// `h_domain <= weight`.
    #[must_use]
    pub fn at_most(self, domain: impl Into<String>, weight: f64) -> Self {
        self.with(Constraint::AtMost(domain.into(), weight))
    }

    /// `lower <= sum of h over the domains <= upper`.
    #[must_use]
    pub fn group(self, domains: &[impl AsRef<str>], lower: f64, upper: f64) -> Self {
        let domains = domains.iter().map(|d| d.as_ref().to_owned()).collect();
        self.with(Constraint::Group { domains, lower, upper })
    }

    /// `h_domain D <= epochs tokens`: a domain of so many tokens is seen at most so many times.
    #[must_use]
    pub fn epochs(self, domain: impl Into<String>, tokens: f64, epochs: f64) -> Self {
        self.with(Constraint::Epochs { domain: domain.into(), tokens, epochs })
    }

    /// Every weight between the least and the greatest that a row of the sweep was trained with, or outside
    /// of these by at most the share `margin` of the range between them, which is finite and not negative.
    /// With a margin of 0 a fitted law interpolates. Weights whose sum differs from one by rounding are
    /// divided by their sum.
    #[must_use]
    pub fn trained_box(self, sweep: &Sweep, margin: f64) -> Self {
        let ends = (f64::INFINITY, f64::NEG_INFINITY);
        let mut ranges = vec![ends; sweep.domains().len()];
        for row in sweep.rows() {
            let sum: f64 = row.h.iter().sum();
            for ((low, high), h) in ranges.iter_mut().zip(row.h) {
                (*low, *high) = (low.min(h / sum), high.max(h / sum));
            }
        }
        sweep.domains().iter().zip(ranges).fold(self, |out, (domain, (low, high))| {
            let beyond = margin * (high - low);
            let (lower, upper) = ((low - beyond).max(0.0), (high + beyond).min(1.0));
            out.with(Constraint::Trained { domain: domain.clone(), lower, upper, margin })
        })
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The mixtures of `domains` that keep all statements when D tokens are trained on. D matters to
    /// epochs only, and may be infinite.
    ///
    /// # Errors
    /// [`ErrorKind::Infeasible`] if no mixture keeps all statements: it names some that cannot
    /// be kept together; leaving out any one of these is enough. [`ErrorKind::Empty`] if there are no
    /// domains, [`ErrorKind::Repeated`] if one appears twice, also within a group, [`ErrorKind::Unknown`]
    /// if a statement names another, and [`ErrorKind::Setting`] if a number is out of its range.
    pub fn region(&self, domains: &[impl AsRef<str>], d: f64) -> Result<Region, Error> {
        let domains: Vec<String> = domains.iter().map(|name| name.as_ref().to_owned()).collect();
        if domains.is_empty() {
            return Err(ErrorKind::Empty { what: "a region", part: "domain" }.into());
        }
        let mut seen = HashSet::new();
        if let Some(name) = domains.iter().find(|name| !seen.insert(*name)) {
            return Err(repeated(name, None));
        }
        if d.is_nan() || d <= 0.0 {
            return Err(Error::setting("D", d, "a number > 0"));
        }
        let mut limits = Vec::new();
        for constraint in &self.list {
            let kinds = constraint.kinds(&domains, d)?;
            limits.extend(
                kinds.into_iter().map(|kind| Limit { label: constraint.label(&kind), kind }),
            );
        }
        Region::new(&domains, limits)
    }
}

/// The statements one after the other: `code >= 0.1; web <= 0.6`, or `no constraints`.
impl fmt::Display for Constraints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.list.is_empty() {
            return f.write_str("no constraints");
        }
        for (i, constraint) in self.list.iter().enumerate() {
            write!(f, "{}{constraint}", if i > 0 { "; " } else { "" })?;
        }
        Ok(())
    }
}

fn repeated(domain: &str, group: Option<String>) -> Error {
    ErrorKind::Repeated { kind: "domain", name: domain.to_owned(), group }.into()
}

/// The number of a domain.
fn position(domains: &[String], name: &str) -> Result<usize, Error> {
    domains.iter().position(|domain| domain == name).ok_or_else(|| {
        let (name, known) = (name.to_owned(), domains.to_vec());
        ErrorKind::Unknown { kind: "domain", name, known }.into()
    })
}

impl Constraint {
    /// The limits that the statement sets to mixtures of `domains`, of D tokens.
    fn kinds(&self, domains: &[String], d: f64) -> Result<Vec<Kind>, Error> {
        let at = |name: &str| position(domains, name);
        Ok(match self {
            Self::AtLeast(domain, weight) => {
                vec![Kind::AtLeast(at(domain)?, self.checked(*weight)?)]
            }
            Self::AtMost(domain, weight) => vec![Kind::AtMost(at(domain)?, self.checked(*weight)?)],
            Self::Trained { domain, lower, upper, margin } => {
                let i = at(domain)?;
                if !(margin.is_finite() && *margin >= 0.0) {
                    let name = "the margin around what was trained on";
                    return Err(Error::setting(name, *margin, "a finite number >= 0"));
                }
                // A sweep's weights are in order, those of a file need not be.
                if !(*lower >= 0.0 && lower <= upper) {
                    let name = format!("the least weight in `{self}`");
                    return Err(Error::setting(name, *lower, "a range of domain weights"));
                }
                vec![Kind::AtLeast(i, *lower), Kind::AtMost(i, upper.min(1.0))]
            }
            Self::Epochs { domain, tokens, epochs } => {
                vec![Kind::AtMost(at(domain)?, most_of_epochs(domain, *tokens, *epochs, d)?)]
            }
            Self::Group { domains: group, lower, upper } => {
                let members = self.members(group, domains)?;
                let (lower, upper) = (self.checked(*lower)?, self.checked(*upper)?);
                // A bound that every mixture keeps is none.
                let lower = (lower > 0.0).then(|| Kind::GroupAtLeast(members.clone(), lower));
                let upper = (upper < 1.0).then_some(Kind::GroupAtMost(members, upper));
                lower.into_iter().chain(upper).collect()
            }
        })
    }

    /// A limit of the statement, if it is a domain weight.
    fn checked(&self, limit: f64) -> Result<f64, Error> {
        if (0.0..=1.0).contains(&limit) {
            return Ok(limit);
        }
        let name = format!("the limit in `{self}`");
        Err(Error::setting(name, limit, "a domain weight from 0 to 1"))
    }

    /// Which domains are in a group.
    fn members(&self, group: &[String], domains: &[String]) -> Result<Vec<bool>, Error> {
        let mut members = vec![false; domains.len()];
        for domain in group {
            let i = position(domains, domain)?;
            if std::mem::replace(&mut members[i], true) {
                return Err(repeated(domain, Some(self.to_string())));
            }
        }
        if group.is_empty() {
            return Err(Error::setting("the number of domains in a group", 0.0, "at least 1"));
        }
        Ok(members)
    }

    /// The one side of the statement that a limit is.
    fn label(&self, kind: &Kind) -> String {
        let at_least = matches!(kind, Kind::AtLeast(..) | Kind::GroupAtLeast(..));
        match self {
            Self::Group { domains, lower, upper } => {
                let (sign, value) = if at_least { (">=", lower) } else { ("<=", upper) };
                format!("{} {sign} {value}", domains.join(" + "))
            }
            Self::Trained { domain, lower, upper, margin } => {
                let (sign, value) = if at_least { (">=", lower) } else { ("<=", upper) };
                format!("{domain} {sign} {value} ({})", trained_with(*margin))
            }
            _ => self.to_string(),
        }
    }
}

/// Where the limits of a trained range are from.
fn trained_with(margin: f64) -> String {
    if margin == 0.0 {
        "trained on".to_owned()
    } else {
        format!("trained on, with a margin of {margin} of that range")
    }
}

/// The greatest weight of a domain of so many tokens, seen so many times among D.
fn most_of_epochs(domain: &str, tokens: f64, epochs: f64, d: f64) -> Result<f64, Error> {
    for (what, value) in [("tokens", tokens), ("epochs", epochs)] {
        if value.is_nan() || value < 0.0 {
            let name = format!("the {what} of domain `{domain}`");
            return Err(Error::setting(name, value, "a number >= 0"));
        }
    }
    let share = tokens * epochs / d;
    // Neither 0 times infinity nor infinity over infinity is a limit.
    Ok(if share.is_nan() { 1.0 } else { share.min(1.0) })
}

impl fmt::Display for Constraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(domain, weight) => write!(f, "{domain} >= {weight}"),
            Self::AtMost(domain, weight) => write!(f, "{domain} <= {weight}"),
            Self::Group { domains, lower, upper } => {
                write!(f, "{lower} <= {} <= {upper}", domains.join(" + "))
            }
            Self::Epochs { domain, tokens, epochs } => {
                write!(f, "{domain} <= {epochs} epochs of {tokens:e} tokens")
            }
            Self::Trained { domain, lower, upper, margin } => {
                write!(f, "{lower} <= {domain} <= {upper} ({})", trained_with(*margin))
            }
        }
    }
}
