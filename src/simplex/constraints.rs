use std::collections::HashSet;
use std::fmt;

use super::region::{Kind, Limit, Region};
use crate::error::{MixtureError, SettingError, SimplexError};
use crate::sweep::Sweep;

/// What a mixture must keep, by the names of its domains: bounds on weights, on sums over groups of
/// domains, on how often the tokens of a domain may be repeated, and the box of the training data.
///
/// A list of statements; [`Constraints::region`] checks that they can be kept together.
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
/// let region = limits.region(&domains, 1e11)?;
/// assert_eq!(region.bounds(2), (0.0, 0.2));
///
/// let error = limits.at_least("wikipedia", 0.45).region(&domains, 1e10).unwrap_err();
/// let conflict = "no mixture keeps all of: code >= 0.1; code + wikipedia <= 0.5; wikipedia >= 0.45";
/// assert_eq!(error.to_string(), conflict);
/// # Ok::<(), mixlaw::SimplexError>(())
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

    /// Every weight between the least and the greatest that a row of the sweep was trained with:
    /// where a fitted law interpolates. Weights whose sum is off one by rounding count as what they are
    /// of their sum.
    #[must_use]
    pub fn trained_box(self, sweep: &Sweep) -> Self {
        let ends = (f64::INFINITY, f64::NEG_INFINITY);
        let mut ranges = vec![ends; sweep.domains().len()];
        for row in sweep.rows() {
            let sum: f64 = row.h.iter().sum();
            for ((low, high), h) in ranges.iter_mut().zip(row.h) {
                (*low, *high) = (low.min(h / sum), high.max(h / sum));
            }
        }
        sweep.domains().iter().zip(ranges).fold(self, |out, (domain, (lower, upper))| {
            out.with(Constraint::Trained { domain: domain.clone(), lower, upper })
        })
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The mixtures of `domains` that keep all statements when D tokens are trained on. D matters to
    /// epochs only, and may be infinite.
    ///
    /// # Errors
    /// [`SimplexError`] if there are no domains or one twice, a domain is unknown, a number is out of its
    /// range, or no mixture keeps all statements; it then names a set of them that cannot be kept together, while any of them could
    /// be left out to mend it.
    pub fn region(&self, domains: &[impl AsRef<str>], d: f64) -> Result<Region, SimplexError> {
        let domains: Vec<String> = domains.iter().map(|name| name.as_ref().to_owned()).collect();
        let domains = &domains[..];
        if domains.is_empty() {
            return Err(MixtureError::Empty.into());
        }
        let mut seen = HashSet::new();
        if let Some(name) = domains.iter().find(|name| !seen.insert(*name)) {
            let (problem, name, expected) = ("repeated", name.clone(), domains.to_vec());
            return Err(MixtureError::Name { problem, name, expected }.into());
        }
        let place = |name: &String| {
            domains.iter().position(|d| d == name).ok_or_else(|| SimplexError::Unknown {
                name: name.clone(),
                known: domains.to_vec(),
            })
        };
        if d.is_nan() || d <= 0.0 {
            let (name, expected) = ("D".to_owned(), "a number > 0");
            return Err(SettingError::new(name, d, expected).into());
        }
        let mut limits = Vec::new();
        for constraint in &self.list {
            let checked = |value: f64| {
                let fine = (0.0..=1.0).contains(&value);
                fine.then_some(value).ok_or_else(|| {
                    let name = format!("the limit in `{constraint}`");
                    SettingError::new(name, value, "a domain weight from 0 to 1")
                })
            };
            let limit = |kind: Kind| Limit { label: constraint.label(&kind), kind };
            match constraint {
                Constraint::AtLeast(domain, weight) => {
                    limits.push(limit(Kind::AtLeast(place(domain)?, checked(*weight)?)));
                }
                Constraint::AtMost(domain, weight) => {
                    limits.push(limit(Kind::AtMost(place(domain)?, checked(*weight)?)));
                }
                Constraint::Trained { domain, lower, upper } => {
                    let i = place(domain)?;
                    // A sweep's weights are in order, what stands in a file need not be.
                    if !(*lower >= 0.0 && lower <= upper) {
                        let expected = "a range of domain weights";
                        let name = format!("the least weight in `{constraint}`");
                        return Err(SettingError::new(name, *lower, expected).into());
                    }
                    limits.push(limit(Kind::AtLeast(i, *lower)));
                    limits.push(limit(Kind::AtMost(i, upper.min(1.0))));
                }
                Constraint::Epochs { domain, tokens, epochs } => {
                    let i = place(domain)?;
                    for (what, value) in [("tokens", *tokens), ("epochs", *epochs)] {
                        if value.is_nan() || value < 0.0 {
                            let name = format!("the {what} of domain `{domain}`");
                            let expected = "a number >= 0";
                            return Err(SettingError::new(name, value, expected).into());
                        }
                    }
                    let share = tokens * epochs / d;
                    // Neither 0 times infinity nor infinity over infinity is a limit.
                    let share = if share.is_nan() { 1.0 } else { share.min(1.0) };
                    limits.push(limit(Kind::AtMost(i, share)));
                }
                Constraint::Group { domains: group, lower, upper } => {
                    let mut members = vec![false; domains.len()];
                    for domain in group {
                        let i = place(domain)?;
                        if std::mem::replace(&mut members[i], true) {
                            let (group, domain) = (constraint.to_string(), domain.clone());
                            return Err(SimplexError::Repeated { group, domain });
                        }
                    }
                    if group.is_empty() {
                        let name = "the number of domains in a group".to_owned();
                        let expected = "at least 1";
                        return Err(SettingError::new(name, 0.0, expected).into());
                    }
                    let (lower, upper) = (checked(*lower)?, checked(*upper)?);
                    // A bound that every mixture keeps is none.
                    if lower > 0.0 {
                        limits.push(limit(Kind::GroupAtLeast(members.clone(), lower)));
                    }
                    if upper < 1.0 {
                        limits.push(limit(Kind::GroupAtMost(members, upper)));
                    }
                }
            }
        }
        Region::new(domains, limits)
    }
}

impl Constraint {
    /// The one side of the statement that a limit is.
    fn label(&self, kind: &Kind) -> String {
        let at_least = matches!(kind, Kind::AtLeast(..) | Kind::GroupAtLeast(..));
        match self {
            Self::Group { domains, lower, upper } => {
                let (sign, value) = if at_least { (">=", lower) } else { ("<=", upper) };
                format!("{} {sign} {value}", domains.join(" + "))
            }
            Self::Trained { domain, lower, upper } => {
                let (sign, value) = if at_least { (">=", lower) } else { ("<=", upper) };
                format!("{domain} {sign} {value} (trained on)")
            }
            _ => self.to_string(),
        }
    }
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
            Self::Trained { domain, lower, upper } => {
                write!(f, "{lower} <= {domain} <= {upper} (trained on)")
            }
        }
    }
}
