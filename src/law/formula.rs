//! Laws written once: a formula generic over the scalar, from which exact gradients follow.

use std::collections::HashMap;
use std::fmt::Debug;

use super::coordinates::Offset;
use super::mixture_function::AtScale;
use super::scalar::{Dual, LANES};
use super::sealed::Token;
use super::{
    Coordinate, Coordinates, Gradient, LawSettings, MixtureFunction, Scalar, ScalingLaw, StartData,
    Transform, bad_coefficient, by_name, check_domains, check_point, infinite, no_repeats,
};
use crate::error::Error;
use crate::random::Random;
use crate::scale::Scale;
use crate::sweep::Sweep;

/// The loss as a formula, and nothing else; [`FormulaLaw`] makes a complete [`ScalingLaw`] of it.
///
/// ```
/// use mixlaw::law::{FormulaLaw, Coordinate, Formula, Scalar, ScalingLaw};
/// use mixlaw::Scale;
///
/// /// E + B / (h_code D)^beta: only the tokens of code count.
/// #[derive(Debug)]
/// struct CodeTokens;
///
/// impl Formula for CodeTokens {
///     fn name(&self) -> &str {
///         "code-tokens"
///     }
///
///     fn coefficients(&self, _domains: &[String]) -> Vec<Coordinate> {
///         vec![
///             Coordinate::positive("E", 0.1..=10.0),
///             Coordinate::positive("B", 0.01..=10.0).over_d("beta"),
///             Coordinate::positive("beta", 0.03..=1.5),
///         ]
///     }
///
///     fn loss<S: Scalar>(&self, c: &[S], _n: S, d: S, h: &[S]) -> S {
///         c[0] + c[1] / (h[1] * d).powf(c[2])
///     }
/// }
///
/// let law = FormulaLaw::new(CodeTokens, &["web", "code"], Scale { n: 1e9, d: 1e10 })?;
/// let z = law.coordinates_of(&[("E", 1.5), ("B", 400.0), ("beta", 0.3)])?;
/// let loss = law.loss(&z, Scale { n: 1e9, d: 1e10 }, &[0.5, 0.5]);
/// assert!((loss - (1.5 + 400.0 / 5e9f64.powf(0.3))).abs() < 1e-12);
/// # Ok::<(), mixlaw::Error>(())
/// ```
pub trait Formula: Debug + Send + Sync {
    /// A short name.
    fn name(&self) -> &str;

    /// The coefficients: names, ranges to search, and ranges to draw starts from.
    fn coefficients(&self, domains: &[String]) -> Vec<Coordinate>;

    /// The loss in nats; `c` holds the coefficients themselves (not their logarithms), in the order
    /// of [`Formula::coefficients`].
    fn loss<S: Scalar>(&self, c: &[S], n: S, d: S, h: &[S]) -> S;

    /// Draws coordinates to start a fit from; by default from the range of each coordinate. With
    /// `data` a formula can start at the level of the losses.
    fn start(
        &self,
        coordinates: &Coordinates,
        data: &StartData<'_>,
        random: &mut Random,
    ) -> Vec<f64> {
        let _ = data;
        coordinates.iter().map(|c| c.draw(random)).collect()
    }

    /// Whether the loss is known to be convex in h on the simplex at coefficients `c`, whatever N and
    /// D are, so that a mixture found with it can be certified.
    fn is_convex(&self, c: &[f64]) -> bool {
        let _ = c;
        false
    }

    /// The places of the domains without which the loss is infinite; a row that lacks one of them is
    /// refused. None by default.
    fn infinite_without(&self, domains: &[String]) -> Vec<usize> {
        let _ = domains;
        Vec::new()
    }

    /// Named numbers that no fit moves but that are part of the law, such as how much there is of
    /// each domain. They are listed after the coefficients.
    fn constants(&self, domains: &[String]) -> Vec<(String, f64)> {
        let _ = domains;
        Vec::new()
    }
}

/// Levels for a start: E, a part of the least loss, and shares of the rest of the median loss for
/// `COUNT` terms.
pub(super) fn start_levels<const COUNT: usize>(
    data: &StartData<'_>,
    random: &mut Random,
) -> (f64, [f64; COUNT]) {
    let floor = random.uniform(0.3..0.95) * data.least_loss;
    let rest = (data.median_loss - floor).max(0.05 * data.median_loss);
    let shares: [f64; COUNT] = std::array::from_fn(|_| random.exponential());
    let total: f64 = shares.iter().sum();
    (floor, shares.map(|share| rest * share / total))
}

/// A [`ScalingLaw`] made of a [`Formula`], with exact gradients by forward-mode differentiation.
///
/// An evaluation of the gradient costs one evaluation of the formula for every eight coordinates and domains, each with
/// eight derivatives.
///
/// ```
/// use mixlaw::law::{FormulaLaw, Coordinate, Formula, Scalar, ScalingLaw};
/// use mixlaw::Scale;
///
/// /// E + sum_i C (h_i D / unit)^-1/2: where tokens are counted is a part of the law.
/// #[derive(Debug)]
/// struct Roots {
///     unit: f64,
/// }
///
/// impl Formula for Roots {
///     fn name(&self) -> &str {
///         "roots"
///     }
///
///     fn coefficients(&self, _domains: &[String]) -> Vec<Coordinate> {
///         vec![Coordinate::positive("E", 0.1..=10.0), Coordinate::positive("C", 1e-3..=1e3)]
///     }
///
///     fn loss<S: Scalar>(&self, c: &[S], _n: S, d: S, h: &[S]) -> S {
///         let mut sum = c[0];
///         h.iter().for_each(|&h| sum += c[1] / (h * d / S::from_f64(self.unit)).sqrt());
///         sum
///     }
///
///     fn is_convex(&self, _c: &[f64]) -> bool {
///         true
///     }
///
///     fn infinite_without(&self, domains: &[String]) -> Vec<usize> {
///         (0..domains.len()).collect()
///     }
///
///     fn constants(&self, _domains: &[String]) -> Vec<(String, f64)> {
///         vec![("unit".to_owned(), self.unit)]
///     }
/// }
///
/// let law = FormulaLaw::new(Roots { unit: 1e9 }, &["web", "code"], Scale::ONE)?;
/// let z = law.coordinates_of(&[("E", 2.0), ("C", 0.5)])?;
/// assert!((law.loss(&z, Scale { n: 1e8, d: 8e9 }, &[0.5, 0.5]) - 2.5).abs() < 1e-14);
/// assert_eq!(law.coefficients(&z)[2], ("unit".to_owned(), 1e9));
/// let error = law.check(Scale { n: 1e8, d: 8e9 }, &[1.0, 0.0]).unwrap_err();
/// assert_eq!(error.to_string(), "the roots law is infinite where the weight of domain `code` is 0");
/// # Ok::<(), mixlaw::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct FormulaLaw<F> {
    formula: F,
    domains: Vec<String>,
    coordinates: Coordinates,
    settings: LawSettings,
}

impl<F: Formula> FormulaLaw<F> {
    /// The law of these domains, with this reference scale.
    ///
    /// # Errors
    /// If a domain has no name or one that appears twice, or the coefficients are not
    /// valid (see [`Coordinates::new`]).
    pub fn new(formula: F, domains: &[impl AsRef<str>], scale: Scale) -> Result<Self, Error> {
        let domains = check_domains(domains)?;
        let coordinates = Coordinates::new(formula.coefficients(&domains), scale)?;
        let settings = LawSettings::default();
        Ok(Self { formula, domains, coordinates, settings })
    }

    /// What [`ScalingLaw::settings`] says.
    pub(super) fn with_settings(self, settings: LawSettings) -> Self {
        Self { settings, ..self }
    }

    /// The law of a sweep's domains, with the geometric means of its N and D as its reference scale.
    ///
    /// # Errors
    /// If the coefficients are not valid (see [`Coordinates::new`]).
    pub fn for_sweep(formula: F, sweep: &Sweep) -> Result<Self, Error> {
        Self::new(formula, sweep.domains(), sweep.scale())
    }

    /// The formula, with every argument made by `seed(value, place, rate)`: its value, its place
    /// among z, h, ln N and ln D, and its derivative with respect to what is at that place.
    fn evaluate<S: Scalar>(
        &self,
        z: &[f64],
        at: Scale,
        h: &[f64],
        seed: impl Fn(f64, usize, f64) -> S,
    ) -> S {
        let Scale { n, d } = at;
        let (p, k) = (self.coordinates.len(), self.domains.len());
        assert!(z.len() == p && h.len() == k, "one value for each coordinate and each domain");
        let mut stack = [S::from_f64(0.0); ON_STACK];
        let mut heap = Vec::new();
        let arguments = if p + k <= ON_STACK {
            &mut stack[..p + k]
        } else {
            heap.resize(p + k, S::from_f64(0.0));
            &mut heap[..]
        };
        let (c, weights) = arguments.split_at_mut(p);
        let apply = |transform, x: S| if transform == Transform::Log { x.exp() } else { x };
        for (i, coordinate) in self.coordinates.iter().enumerate() {
            let mut x = seed(z[i], i, 1.0);
            if let Some(Offset { exponent, ln_scale }) = self.coordinates.offset(i) {
                // Exponents of a power have no offset of their own.
                let transform = self.coordinates.get(exponent).transform();
                x += apply(transform, seed(z[exponent], exponent, 1.0)) * S::from_f64(ln_scale);
            }
            c[i] = apply(coordinate.transform(), x);
        }
        for (i, weight) in weights.iter_mut().enumerate() {
            *weight = seed(h[i], p + i, 1.0);
        }
        // With respect to their logarithms, N and D change at the rate N and D.
        self.formula.loss(c, seed(n, p + k, n), seed(d, p + k + 1, d), weights)
    }
}

/// Up to this many coordinates and domains, an evaluation allocates nothing.
const ON_STACK: usize = 128;

impl<F: Formula> ScalingLaw for FormulaLaw<F> {
    fn name(&self) -> &str {
        self.formula.name()
    }

    fn domains(&self) -> &[String] {
        &self.domains
    }

    fn coordinates(&self) -> &Coordinates {
        &self.coordinates
    }

    fn loss(&self, z: &[f64], at: Scale, h: &[f64]) -> f64 {
        self.evaluate(z, at, h, |value, _, _| value)
    }

    fn gradient(&self, z: &[f64], at: Scale, h: &[f64], out: &mut Gradient) -> f64 {
        let Scale { n, d } = at;
        let (p, k) = (z.len(), h.len());
        let limit = n.is_infinite() || d.is_infinite();
        let mut value = f64::NAN;
        for first in (0..p + k + 2).step_by(LANES) {
            let dual =
                self.evaluate(z, at, h, |value, place, rate| match place.checked_sub(first) {
                    Some(lane) if lane < LANES => Dual::seeded(value, lane, rate, limit),
                    _ => Dual::from_f64(value),
                });
            value = dual.value();
            for place in first..(first + LANES).min(p + k + 2) {
                let derivative = dual.derivative(place - first);
                match place {
                    i if i < p => out.z[i] = derivative,
                    i if i < p + k => out.h[i - p] = derivative,
                    i if i == p + k => out.log_n = derivative,
                    _ => out.log_d = derivative,
                }
            }
        }
        value
    }

    fn coefficients(&self, z: &[f64]) -> Vec<(String, f64)> {
        let names = self.coordinates.iter().map(|c| c.name().to_owned());
        let own = names.zip(self.coordinates.coefficients(z));
        own.chain(self.formula.constants(&self.domains)).collect()
    }

    /// Takes the constants of the formula too, which may be left out.
    fn coordinates_of(&self, coefficients: &[(&str, f64)]) -> Result<Vec<f64>, Error> {
        no_repeats("coefficient", coefficients)?;
        let constants: HashMap<String, f64> =
            self.formula.constants(&self.domains).into_iter().collect();
        let mut others = Vec::new();
        for &(name, value) in coefficients {
            match constants.get(name) {
                None => others.push((name, value)),
                Some(own) if *own == value => {}
                Some(_) => {
                    let expected = "the law's own constant, which is part of it";
                    return Err(bad_coefficient(name, value, expected));
                }
            }
        }
        let values = by_name(self.name(), &self.coordinates, &others)?;
        self.coordinates.from_coefficients(&values)
    }

    fn settings(&self) -> LawSettings {
        self.settings.clone()
    }

    fn start(&self, data: &StartData<'_>, random: &mut Random) -> Vec<f64> {
        self.formula.start(&self.coordinates, data, random)
    }

    fn at_scale<'a>(&'a self, z: &'a [f64], at: Scale, _: Token) -> Box<dyn MixtureFunction + 'a> {
        let convex = self.formula.is_convex(&self.coordinates.coefficients(z));
        Box::new(AtScale { law: self, z, at, gradient: Gradient::new(self), convex })
    }

    fn check(&self, at: Scale, h: &[f64]) -> Result<(), Error> {
        check_point(self.domains.len(), at, h)?;
        match self.formula.infinite_without(&self.domains).into_iter().find(|&i| h[i] == 0.0) {
            None => Ok(()),
            Some(i) => Err(infinite(self.name(), &self.domains[i])),
        }
    }
}
