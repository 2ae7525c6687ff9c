//! Coordinates: what an optimizer moves, and the paper's coefficients that they stand for.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use super::bad_coefficient;
use crate::error::{Error, ErrorKind, cut};
use crate::random::Random;
use crate::scale::Scale;

/// How a coefficient follows from its coordinate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case")
)]
pub(crate) enum Transform {
    /// The coefficient is positive and the coordinate is its logarithm.
    Log,
    /// The coefficient is the coordinate.
    Identity,
}

impl Transform {
    fn coefficient(self, z: f64) -> f64 {
        match self {
            Transform::Log => z.exp(),
            Transform::Identity => z,
        }
    }

    fn coordinate(self, c: f64) -> f64 {
        match self {
            Transform::Log => c.ln(),
            Transform::Identity => c,
        }
    }
}

/// Which of N and D a coefficient is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Over {
    N,
    D,
}

/// One coordinate of a law: the name of its coefficient, how the coefficient follows from it, the box
/// that it is searched in and the range that it is drawn from.
///
/// ```
/// use mixlaw::law::Coordinate;
///
/// let alpha = Coordinate::positive("alpha", 0.03..=1.5).drawn_from(0.1..=0.8);
/// assert_eq!(alpha.bounds(), (0.03f64.ln(), 1.5f64.ln()));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Coordinate {
    name: String,
    transform: Transform,
    lower: f64,
    upper: f64,
    draw: (f64, f64),
    level: bool,
    over: Option<(Over, String)>,
    /// The name of its inverse.
    inverse: Option<String>,
}

impl Coordinate {
    /// A coefficient that is positive and searched for in `range`; its coordinate is its logarithm.
    #[must_use]
    pub fn positive(name: impl Into<String>, range: RangeInclusive<f64>) -> Self {
        Self::new(name.into(), Transform::Log, range)
    }

    /// A coefficient of either sign, or one that may be zero, that is searched for in `range`: its own
    /// coordinate.
    #[must_use]
    pub fn real(name: impl Into<String>, range: RangeInclusive<f64>) -> Self {
        Self::new(name.into(), Transform::Identity, range)
    }

    fn new(name: String, transform: Transform, range: RangeInclusive<f64>) -> Self {
        let (lower, upper) =
            (transform.coordinate(*range.start()), transform.coordinate(*range.end()));
        Self {
            name,
            transform,
            lower,
            upper,
            draw: (lower, upper),
            level: false,
            over: None,
            inverse: None,
        }
    }

    /// Where starts are drawn from, in units of the coefficient: log-uniform for a positive one,
    /// uniform for the others. By default the whole range.
    #[must_use]
    pub fn drawn_from(mut self, range: RangeInclusive<f64>) -> Self {
        self.draw =
            (self.transform.coordinate(*range.start()), self.transform.coordinate(*range.end()));
        self
    }

    /// Declares that the coefficient is over `N^exponent`. Its coordinate, bounds and draws are
    /// then those of its ratio to `N0^exponent`, the term at the reference scale: well scaled, where
    /// the raw coefficient would move with every change of the exponent.
    #[must_use]
    pub fn over_n(mut self, exponent: impl Into<String>) -> Self {
        self.over = Some((Over::N, exponent.into()));
        self
    }

    /// As [`Coordinate::over_n`], for `D^exponent`.
    #[must_use]
    pub fn over_d(mut self, exponent: impl Into<String>) -> Self {
        self.over = Some((Over::D, exponent.into()));
        self
    }

    /// Declares that adding `s` to this and every other level coordinate of a
    /// [`CoefficientFn`](super::CoefficientFn) multiplies its value by `e^s`.
    #[must_use]
    pub fn level(mut self) -> Self {
        self.level = true;
        self
    }

    /// Declares that the inverse of the coefficient has a name of its own, by which a
    /// [`Fitter`](crate::Fitter) can bound it too: `gamma_A`, which is printed, for `q_A = 1/gamma_A`.
    #[must_use]
    pub fn inverse_named(mut self, name: impl Into<String>) -> Self {
        self.inverse = Some(name.into());
        self
    }

    pub(crate) fn is_level(&self) -> bool {
        self.level
    }

    /// The name of the coefficient.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How the coefficient follows from the coordinate.
    pub(crate) fn transform(&self) -> Transform {
        self.transform
    }

    /// The least and the greatest value of the coordinate.
    #[must_use]
    pub fn bounds(&self) -> (f64, f64) {
        (self.lower, self.upper)
    }

    /// The coefficient in the middle of the draws, and half their width in the coordinate.
    pub(crate) fn draws(&self) -> (f64, f64) {
        let (lower, upper) = self.draw;
        (self.transform.coefficient(0.5 * (lower + upper)), 0.5 * (upper - lower))
    }

    /// Draws a start, uniform in the coordinate.
    pub fn draw(&self, random: &mut Random) -> f64 {
        let (lower, upper) = self.draw;
        lower + (upper - lower) * random.unit()
    }
}

/// Where a coordinate is relative to a reference scale: `coefficient = transform(z + ln_scale *
/// exponent)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Offset {
    /// Which coordinate the exponent is.
    pub(crate) exponent: usize,
    /// ln N0 or ln D0.
    pub(crate) ln_scale: f64,
}

/// The coordinates of a law together with its reference scale; converts to the paper's coefficients
/// and back.
#[derive(Debug, Clone, PartialEq)]
pub struct Coordinates {
    list: Vec<Coordinate>,
    /// The places in the order of the names.
    by_name: Vec<usize>,
    offsets: Vec<Option<Offset>>,
    scale: Scale,
}

impl Coordinates {
    /// The coordinates of a law with this reference scale.
    ///
    /// # Errors
    /// If a scale is not a positive number, a name appears twice, a range is empty, or a
    /// coefficient is over a power whose exponent is not among the coordinates.
    pub fn new(list: Vec<Coordinate>, scale: Scale) -> Result<Self, Error> {
        scale.check_reference()?;
        let mut places = HashMap::new();
        for (i, c) in list.iter().enumerate() {
            if places.insert(c.name.as_str(), i).is_some() {
                let (kind, name) = ("coefficient", c.name.clone());
                return Err(ErrorKind::Repeated { kind, name, group: None }.into());
            }
            c.check()?;
        }
        let find = |name: &str| places.get(name).copied();
        let offset = |c: &Coordinate| -> Result<Option<Offset>, Error> {
            let Some((over, exponent)) = &c.over else { return Ok(None) };
            let at = find(exponent).ok_or_else(|| ErrorKind::Unknown {
                kind: "coefficient",
                name: exponent.clone(),
                known: list.iter().map(|c| c.name.clone()).collect(),
            })?;
            // The map would run in circles.
            if list[at].over.is_some() {
                let part = format!("coefficient `{}`", cut(&c.name));
                let problem = "is over a power whose exponent is over a power itself".to_owned();
                return Err(ErrorKind::Composition { part, problem }.into());
            }
            let scale = if *over == Over::N { scale.n } else { scale.d };
            Ok(Some(Offset { exponent: at, ln_scale: scale.ln() }))
        };
        let offsets = list.iter().map(offset).collect::<Result<_, _>>()?;
        let mut by_name: Vec<usize> = (0..list.len()).collect();
        by_name.sort_unstable_by_key(|&i| list[i].name.as_str());
        Ok(Self { list, by_name, offsets, scale })
    }

    /// Number of coordinates: the identifiable parameters of the law.
    #[must_use]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The coordinates, in the order of every slice `z`.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Coordinate> {
        self.list.iter()
    }

    /// Coordinate `i`.
    ///
    /// # Panics
    /// If there is no such coordinate.
    #[must_use]
    pub fn get(&self, i: usize) -> &Coordinate {
        &self.list[i]
    }

    /// The reference scales N0 and D0.
    #[must_use]
    pub fn scale(&self) -> Scale {
        self.scale
    }

    /// The position of a coefficient.
    #[must_use]
    pub fn position(&self, name: &str) -> Option<usize> {
        let name_at = |i: &usize| self.list[*i].name.as_str().cmp(name);
        self.by_name.binary_search_by(name_at).ok().map(|at| self.by_name[at])
    }

    /// The position of the coefficient whose inverse has this name.
    pub(crate) fn position_of_inverse(&self, name: &str) -> Option<usize> {
        self.list.iter().position(|c| c.inverse.as_deref() == Some(name))
    }

    pub(crate) fn offset(&self, i: usize) -> Option<Offset> {
        self.offsets[i]
    }

    /// By how much coordinate `i` of the raw N and D differs from `z[i]`.
    pub(crate) fn shift(&self, i: usize, z: &[f64]) -> f64 {
        self.offsets[i].map_or(0.0, |o| {
            o.ln_scale * self.list[o.exponent].transform.coefficient(z[o.exponent])
        })
    }

    /// All coefficients in the paper's units, for raw N and D.
    ///
    /// # Panics
    /// If `z` has another length.
    #[must_use]
    pub fn coefficients(&self, z: &[f64]) -> Vec<f64> {
        assert_eq!(z.len(), self.len(), "one value for each coordinate");
        let coefficient = |i: usize| self.list[i].transform.coefficient(z[i] + self.shift(i, z));
        (0..self.len()).map(coefficient).collect()
    }

    /// The coordinates of coefficients in the paper's units: the inverse of
    /// [`Coordinates::coefficients`], whether they lie in the box or not.
    ///
    /// # Errors
    /// If one is not finite, or not positive where it has to be.
    ///
    /// # Panics
    /// If `coefficients` has another length.
    pub fn from_coefficients(&self, coefficients: &[f64]) -> Result<Vec<f64>, Error> {
        assert_eq!(coefficients.len(), self.len(), "one value for each coordinate");
        let mut z = Vec::with_capacity(self.len());
        for (c, &value) in self.list.iter().zip(coefficients) {
            z.push(c.checked_coordinate(value)?);
        }
        let shifts: Vec<f64> = (0..z.len()).map(|i| self.shift(i, &z)).collect();
        z.iter_mut().zip(shifts).for_each(|(z, shift)| *z -= shift);
        Ok(z)
    }
}

impl Coordinate {
    /// Checks that there is something to search and to draw from.
    fn check(&self) -> Result<(), Error> {
        let (lower, upper) = self.draw;
        let finite = lower.is_finite() && upper.is_finite();
        let range = |what: &str| format!("the lower end of {what} of `{}`", cut(&self.name));
        let expected = "a number that is not above the upper end";
        if self.lower.is_nan() || self.upper.is_nan() || self.lower > self.upper {
            return Err(Error::setting(range("the range"), self.lower, expected));
        }
        if !finite || lower > upper {
            let expected = "a finite number that is not above the upper end, which is finite too";
            return Err(Error::setting(range("the draws"), lower, expected));
        }
        Ok(())
    }

    /// The coordinate of a coefficient of this value.
    pub(crate) fn checked_coordinate(&self, value: f64) -> Result<f64, Error> {
        let z = self.transform.coordinate(value);
        let expected = match self.transform {
            Transform::Log => "a finite number > 0",
            Transform::Identity => "a finite number",
        };
        if z.is_finite() { Ok(z) } else { Err(bad_coefficient(&self.name, value, expected)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    fn chinchilla() -> Coordinates {
        let list = vec![
            Coordinate::positive("A", 1e-3..=1e3).over_n("alpha"),
            Coordinate::positive("alpha", 0.03..=1.5),
        ];
        Coordinates::new(list, Scale { n: 1e9, d: 1.0 }).unwrap()
    }

    #[test]
    fn coefficients_over_a_power_are_relative_inside_and_raw_outside() {
        let c = chinchilla();
        let z = c.from_coefficients(&[406.4, 0.34]).unwrap();
        assert_relative_eq!(z[0], 406.4f64.ln() - 0.34 * 1e9f64.ln(), max_relative = 1e-14);
        let back = c.coefficients(&z);
        assert_relative_eq!(back[0], 406.4, max_relative = 1e-13);
        assert_relative_eq!(back[1], 0.34, max_relative = 1e-14);
    }

    #[test]
    fn bad_coordinates_are_refused() {
        let positive = |name: &str| Coordinate::positive(name, 0.1..=1.0);
        let one = Scale::ONE;
        assert!(Coordinates::new(vec![positive("A"), positive("A")], one).is_err());
        assert!(Coordinates::new(vec![positive("A").over_n("alpha")], one).is_err());
        assert!(Coordinates::new(vec![Coordinate::real("q", 1.0..=0.0)], one).is_err());
        assert!(Coordinates::new(vec![positive("A")], Scale { n: 0.0, d: 1.0 }).is_err());
        assert!(chinchilla().from_coefficients(&[-1.0, 0.3]).is_err());
        assert!(chinchilla().from_coefficients(&[1.0, f64::NAN]).is_err());
    }
}
