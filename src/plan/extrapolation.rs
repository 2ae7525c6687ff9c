use std::fmt;

use super::Choice;
use crate::error::{Error, ErrorKind};
use crate::mixture::js_distance;
use crate::scale::Scale;
use crate::sweep::Sweep;

/// How far a choice lies outside of what was trained on.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Extrapolation {
    /// N over the largest N that was trained; above 1 it extrapolates.
    #[cfg_attr(feature = "serde", serde(with = "super::stored::size"))]
    pub size: f64,
    /// D over the largest D that was trained on.
    #[cfg_attr(feature = "serde", serde(with = "super::stored::tokens"))]
    pub tokens: f64,
    /// The domains whose weight is outside of the range that was trained with.
    pub weights: Vec<Outside>,
    /// The Jensen-Shannon distance to the nearest mixture that was trained on.
    #[cfg_attr(feature = "serde", serde(with = "super::stored::distance"))]
    pub nearest: f64,
}

/// A domain weight outside of the range that was trained with.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Outside {
    /// The domain.
    pub domain: String,
    /// Its weight.
    #[cfg_attr(feature = "serde", serde(with = "super::stored::weight"))]
    pub weight: f64,
    /// The least weight that was trained with.
    #[cfg_attr(feature = "serde", serde(with = "super::stored::weight"))]
    pub lower: f64,
    /// The greatest weight that was trained with.
    #[cfg_attr(feature = "serde", serde(with = "super::stored::weight"))]
    pub upper: f64,
}

impl Extrapolation {
    /// Compares a choice with the rows that its laws were fitted to.
    ///
    /// # Errors
    /// [`Error`] if the sweep has other domains.
    ///
    /// ```
    /// # use mixlaw::law::{AdditiveLaw, ScalingLaw};
    /// # use mixlaw::plan::{Extrapolation, Plan};
    /// # use mixlaw::{Predictor, Scale, Sweep};
    /// # let law = AdditiveLaw::new(&["web", "code"], Scale::ONE)?;
    /// # let z = law.coordinates_of(&[
    /// #     ("E", 1.0), ("C[web]", 1.0), ("C[code]", 3.0), ("gamma[web]", 0.5), ("gamma[code]", 0.5),
    /// #     ("A", 400.0), ("alpha", 0.34), ("B", 400.0), ("beta", 0.28),
    /// # ])?;
    /// # let plan = Plan::builder().target(1.0, Predictor::new("python", law, &z)?).build()?;
    /// let (n, d, h) = ([1e8, 1e8], [1e9, 2e9], [0.8, 0.2, 0.4, 0.6]);
    /// let train = Sweep::new(&["web", "code"], &["python"], &n, &d, &h, &[3.0, 2.9])?;
    /// let far = Extrapolation::of(&plan.best(Scale { n: 1e9, d: 4e9 })?, &train)?;
    /// assert_eq!((far.size, far.tokens), (10.0, 2.0));
    /// // The optimum has 0.9 of code, and no run had more than 0.6.
    /// assert_eq!((far.weights[1].domain.as_str(), far.weights[1].upper), ("code", 0.6));
    /// # Ok::<(), mixlaw::Error>(())
    /// ```
    pub fn of(choice: &Choice, trained: &Sweep) -> Result<Self, Error> {
        Self::at(choice.scale, &choice.domains, &choice.optimum.weights, trained)
    }

    /// As [`Extrapolation::of`], for any prediction: at N, D and a mixture of these domains.
    ///
    /// # Errors
    /// As [`Extrapolation::of`], and if N or D is not a number > 0 or the mixture has another number of
    /// domains.
    pub fn at(
        at: Scale,
        domains: &[String],
        h: impl AsRef<[f64]>,
        trained: &Sweep,
    ) -> Result<Self, Error> {
        let Scale { n, d } = at;
        at.check()?;
        let h = h.as_ref();
        let place = |domain| trained.domains().iter().position(|d| d == domain);
        let order: Option<Vec<usize>> = domains.iter().map(place).collect();
        let is_order = |order: &Vec<usize>| {
            let k = trained.domains().len();
            (order.len(), h.len()) == (k, k) && (0..k).all(|j| order.contains(&j))
        };
        let order = order.filter(is_order).ok_or_else(|| ErrorKind::Mismatch {
            what: "the domains of a mixture and a sweep",
            first: domains.to_vec(),
            other: trained.domains().to_vec(),
        })?;
        let ranges = trained.weight_ranges();
        let outside = order.iter().enumerate().filter_map(|(i, &j)| {
            let (weight, (lower, upper)) = (h[i], ranges[j]);
            let domain = domains[i].clone();
            (weight < lower || weight > upper).then_some(Outside { domain, weight, lower, upper })
        });
        let largest = |of: &dyn Fn(usize) -> f64| (0..trained.len()).map(of).fold(0.0, f64::max);
        let distance = |row: usize| {
            js_distance(order.iter().zip(h.iter()).map(|(&j, h)| (*h, trained.row(row).h[j])))
        };
        Ok(Self {
            size: n / largest(&|row| trained.row(row).n),
            tokens: d / largest(&|row| trained.row(row).d),
            weights: outside.collect(),
            nearest: (0..trained.len()).map(distance).fold(f64::INFINITY, f64::min),
        })
    }

    /// Whether any of these is outside the range that was trained on.
    #[must_use]
    pub fn any(&self) -> bool {
        self.size > 1.0 || self.tokens > 1.0 || !self.weights.is_empty()
    }
}

/// How much larger N and D are, and each domain weight that lies outside, on a line of its own.
impl fmt::Display for Extrapolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (size, tokens) = (self.size, self.tokens);
        write!(f, "N is {size:.2} and D {tokens:.2} times the largest that was trained")?;
        for Outside { domain, weight, lower, upper } in &self.weights {
            write!(f, "\n{domain} {weight:.3} was trained from {lower:.3} to {upper:.3} only")?;
        }
        Ok(())
    }
}
