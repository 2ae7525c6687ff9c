//! What is believed of a law's coefficients before there is data.

use std::fmt;

use super::{Coordinate, ScalingLaw};
use crate::error::{Error, ErrorKind, Place};

/// What is believed of the coefficients of a law before it has seen data: that some are near a value, and
/// that some are like each other.
///
/// ```text
/// 1/2 sum_i ((z_i - m_i) / s_i)^2 + 1/2 sum_G sum_{i in G} ((z_i - mean_G z) / s_G)^2
/// ```
///
/// over the coordinates z: logarithms of coefficients that are positive, the coefficients themselves
/// otherwise. A coefficient over `N^alpha` or `D^beta` counts by the term at the law's reference scale, which
/// is near the data in a law made by `for_sweep`. Every law has one ([`ScalingLaw::prior`]); a
/// [`Fitter`](crate::Fitter::believe) adds terms to it, as [`Prior::and`] does.
///
/// ```
/// use mixlaw::law::{JointLaw, Prior, ScalingLaw, StartData};
/// use mixlaw::Scale;
///
/// let law = JointLaw::new(&["web", "code"], Scale { n: 3e8, d: 8e9 })?;
/// let data = StartData { least_loss: 2.0, median_loss: 2.5, mixture: &[0.5, 0.5] };
/// println!("{}", law.prior(&data));
///
/// // gamma[web] near 0.4, within some 20%, and code as useful as web.
/// let own = Prior::new().about("gamma[web]", 0.4, 0.2).alike(&["C[web]", "C[code]"], 0.1);
/// assert_eq!(own.to_string(), "gamma[web] about 0.4000 (0.2)\nC[web], C[code] alike (0.1)");
/// # Ok::<(), mixlaw::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Prior {
    terms: Vec<PriorTerm>,
}

/// One of the beliefs of a [`Prior`].
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case")
)]
#[non_exhaustive]
pub enum PriorTerm {
    /// A coefficient is near a value.
    About {
        /// Its name.
        coefficient: String,
        /// The value, in the paper's units; of a term over `N^alpha` or `D^beta` the term at the
        /// reference scale.
        #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
        value: f64,
        /// The standard deviation of its coordinate: of the logarithm where the coefficient is
        /// positive. Infinite for no belief.
        #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
        deviation: f64,
    },
    /// Coefficients are near their mean, whatever that is.
    Alike {
        /// Their names.
        coefficients: Vec<String>,
        /// The standard deviation of each coordinate from their mean.
        #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
        deviation: f64,
    },
}

impl fmt::Display for PriorTerm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::About { coefficient, value, deviation } => {
                write!(
                    f,
                    "{coefficient} about {} ({deviation})",
                    super::coefficient::number(*value)
                )
            }
            Self::Alike { coefficients, deviation } => {
                write!(f, "{} alike ({deviation})", coefficients.join(", "))
            }
        }
    }
}

impl fmt::Display for Prior {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let terms: Vec<String> = self.terms.iter().map(PriorTerm::to_string).collect();
        f.write_str(&terms.join("\n"))
    }
}

impl Prior {
    /// No belief.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds that a coefficient is near `value`, in place of what was believed of it alone. The deviation is
    /// that of its logarithm where it is positive: 0.2 is some 20%.
    #[must_use]
    pub fn about(mut self, coefficient: impl Into<String>, value: f64, deviation: f64) -> Self {
        let coefficient = coefficient.into();
        self.terms.retain(
            |term| !matches!(term, PriorTerm::About { coefficient: c, .. } if *c == coefficient),
        );
        self.terms.push(PriorTerm::About { coefficient, value, deviation });
        self
    }

    /// Adds that coefficients are alike: each within this deviation of their mean, in place of what was
    /// believed of the same group.
    #[must_use]
    pub fn alike(mut self, coefficients: &[impl AsRef<str>], deviation: f64) -> Self {
        let coefficients: Vec<String> =
            coefficients.iter().map(|c| c.as_ref().to_owned()).collect();
        self.terms.retain(
            |term| !matches!(term, PriorTerm::Alike { coefficients: c, .. } if *c == coefficients),
        );
        self.terms.push(PriorTerm::Alike { coefficients, deviation });
        self
    }

    /// Adds that a coordinate is near the middle of the range that starts are drawn from.
    pub(crate) fn within_draws(self, coordinate: &Coordinate) -> Self {
        let (middle, deviation) = coordinate.draws();
        if deviation > 0.0 { self.about(coordinate.name(), middle, deviation) } else { self }
    }

    /// The terms, in their order.
    #[must_use]
    pub fn terms(&self) -> &[PriorTerm] {
        &self.terms
    }

    /// All terms of this prior and those of another one. Of the latter, what is said about one coefficient
    /// alone takes the place of what this one says about it alone, and a group that is alike takes the place
    /// of the same group, in the same order; all others stand beside each other.
    #[must_use]
    pub fn and(self, other: Prior) -> Self {
        other.terms.into_iter().fold(self, |prior, term| match term {
            PriorTerm::About { coefficient, value, deviation } => {
                prior.about(coefficient, value, deviation)
            }
            PriorTerm::Alike { coefficients, deviation } => prior.alike(&coefficients, deviation),
        })
    }

    /// The terms over the coordinates of a law.
    ///
    /// # Errors
    /// If the law has no such coefficient, or a value or a deviation is out of its range.
    pub(crate) fn over(&self, law: &dyn ScalingLaw) -> Result<PriorOver, Error> {
        let coordinates = law.coordinates();
        let mut out = PriorOver::default();
        for term in &self.terms {
            match term {
                PriorTerm::About { coefficient, value, deviation } => {
                    let i = place(law, coefficient)?;
                    let mean = coordinates.get(i).checked_coordinate(*value)?;
                    let precision = precision(coefficient, *deviation)?;
                    out.about.push(About { i, mean, precision });
                }
                PriorTerm::Alike { coefficients, deviation } => {
                    if coefficients.is_empty() {
                        let what = "a group of coefficients that are alike";
                        return Err(ErrorKind::Empty { what, part: "coefficient" }.into());
                    }
                    let places: Result<Vec<usize>, Error> =
                        coefficients.iter().map(|c| place(law, c)).collect();
                    let name = coefficients.first().map_or("", |c| c.as_str());
                    let precision = precision(name, *deviation)?;
                    let places = places?;
                    let shifts = vec![0.0; places.len()];
                    out.alike.push(Alike { places, shifts, precision });
                }
            }
        }
        Ok(out)
    }
}

fn place(law: &dyn ScalingLaw, name: &str) -> Result<usize, Error> {
    law.coordinates().position(name).ok_or_else(|| {
        let known = law.coordinates().iter().map(|c| c.name().to_owned()).collect();
        let kind = ErrorKind::Unknown { kind: "coefficient", name: name.to_owned(), known };
        Error::from(kind).at(Place::Law(law.name().to_owned()))
    })
}

/// One over the square of a deviation.
fn precision(name: &str, deviation: f64) -> Result<f64, Error> {
    let precision = deviation.powi(-2);
    if deviation > 0.0 && precision.is_finite() {
        return Ok(precision);
    }
    let name = format!("the deviation of `{}`", crate::error::cut(name));
    Err(Error::setting(name, deviation, "a number > 1e-150 (infinity is no belief)"))
}

/// A prior over the coordinates of one law.
#[derive(Debug, Clone, Default)]
pub(crate) struct PriorOver {
    about: Vec<About>,
    alike: Vec<Alike>,
}

#[derive(Debug, Clone, Copy)]
struct About {
    i: usize,
    mean: f64,
    precision: f64,
}

/// Coordinates that are near their mean plus a shift each; the shifts sum to zero.
#[derive(Debug, Clone)]
struct Alike {
    places: Vec<usize>,
    shifts: Vec<f64>,
    precision: f64,
}

impl Alike {
    /// The deviations from the mean, and from what is believed of them.
    fn deviations<'a>(&'a self, z: &'a [f64]) -> impl Iterator<Item = (usize, f64)> + 'a {
        let mean = self.places.iter().map(|&i| z[i]).sum::<f64>() / self.places.len() as f64;
        self.places.iter().zip(&self.shifts).map(move |(&i, shift)| (i, z[i] - mean - shift))
    }
}

impl PriorOver {
    pub(crate) fn value(&self, z: &[f64]) -> f64 {
        let about: f64 = self.about.iter().map(|t| t.precision * (z[t.i] - t.mean).powi(2)).sum();
        let alike: f64 = self
            .alike
            .iter()
            .map(|t| t.precision * t.deviations(z).map(|(_, d)| d * d).sum::<f64>())
            .sum();
        0.5 * (about + alike)
    }

    /// Adds `scale` times the gradient. The deviations of a group sum to zero, so that its mean has no
    /// part in it.
    pub(crate) fn add_gradient(&self, z: &[f64], scale: f64, out: &mut [f64]) {
        for term in &self.about {
            out[term.i] += scale * term.precision * (z[term.i] - term.mean);
        }
        for term in &self.alike {
            term.deviations(z).for_each(|(i, d)| out[i] += scale * term.precision * d);
        }
    }

    /// Adds `scale` times the second derivatives to a matrix of `p` rows.
    pub(crate) fn add_curvature(&self, p: usize, scale: f64, out: &mut [f64]) {
        for term in &self.about {
            out[term.i * p + term.i] += scale * term.precision;
        }
        for term in &self.alike {
            let share = scale * term.precision / term.places.len() as f64;
            for &i in &term.places {
                out[i * p + i] += scale * term.precision;
                term.places.iter().for_each(|&j| out[i * p + j] -= share);
            }
        }
    }

    /// The same with each mean moved by a draw of its own deviation: minimising with it and with resampled
    /// rows draws, about, from the posterior. `normal` gives the draws.
    pub(crate) fn perturbed(&self, normal: &mut dyn FnMut() -> f64) -> Self {
        let mut out = self.clone();
        let mut draw = |precision: f64| {
            let normal = normal();
            if precision > 0.0 { normal / precision.sqrt() } else { 0.0 }
        };
        out.about.iter_mut().for_each(|term| term.mean += draw(term.precision));
        for term in &mut out.alike {
            term.shifts.iter_mut().for_each(|shift| *shift = draw(term.precision));
            let mean = term.shifts.iter().sum::<f64>() / term.shifts.len() as f64;
            term.shifts.iter_mut().for_each(|shift| *shift -= mean);
        }
        out
    }
}
