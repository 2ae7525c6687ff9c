//! Laws written once: a formula generic over the scalar, from which exact gradients follow.

use std::fmt::Debug;

use super::coordinates::Offset;
use super::scalar::LANES;
use super::{
    Coordinate, Coordinates, Dual, Gradient, Scalar, ScalingLaw, Transform, check_domains,
};
use crate::error::LawError;
use crate::sweep::{Scales, Sweep};

/// The loss as a formula, and nothing else; [`Auto`] makes a complete [`ScalingLaw`] of it.
///
/// ```
/// use mixlaw::law::{Auto, Coordinate, Formula, Scalar, ScalingLaw};
/// use mixlaw::Scales;
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
/// let law = Auto::new(CodeTokens, &["web", "code"], Scales { n: 1e9, d: 1e10 })?;
/// let z = law.coordinates_of(&[("E", 1.5), ("B", 400.0), ("beta", 0.3)])?;
/// let loss = law.loss(&z, 1e9, 1e10, &[0.5, 0.5]);
/// assert!((loss - (1.5 + 400.0 / 5e9f64.powf(0.3))).abs() < 1e-12);
/// # Ok::<(), mixlaw::LawError>(())
/// ```
pub trait Formula: Debug + Send + Sync {
    /// A short name.
    fn name(&self) -> &str;

    /// The coefficients: names, ranges to search, and ranges to draw starts from.
    fn coefficients(&self, domains: &[String]) -> Vec<Coordinate>;

    /// The loss in nats; `c` holds the coefficients themselves (not their logarithms), in the order
    /// of [`Formula::coefficients`].
    fn loss<S: Scalar>(&self, c: &[S], n: S, d: S, h: &[S]) -> S;
}

/// A [`ScalingLaw`] made of a [`Formula`], with exact gradients by forward-mode differentiation.
///
/// An evaluation of the gradient costs one evaluation of the formula over [`Dual`] for every eight
/// coordinates and domains.
#[derive(Debug, Clone)]
pub struct Auto<F> {
    formula: F,
    domains: Vec<String>,
    coordinates: Coordinates,
}

impl<F: Formula> Auto<F> {
    /// The law of these domains, with these reference scales.
    ///
    /// # Errors
    /// [`LawError`] if a domain has no name or one that stands twice, or the coefficients are not
    /// valid (see [`Coordinates::new`]).
    pub fn new(formula: F, domains: &[impl AsRef<str>], scales: Scales) -> Result<Self, LawError> {
        let domains = check_domains(domains)?;
        let coordinates = Coordinates::new(formula.coefficients(&domains), scales)?;
        Ok(Self { formula, domains, coordinates })
    }

    /// The law of a sweep's domains, with the geometric means of its N and D as reference scales.
    ///
    /// # Errors
    /// [`LawError`] if the coefficients are not valid (see [`Coordinates::new`]).
    pub fn for_sweep(formula: F, sweep: &Sweep) -> Result<Self, LawError> {
        Self::new(formula, sweep.domains(), sweep.scales())
    }

    /// The formula.
    #[must_use]
    pub fn formula(&self) -> &F {
        &self.formula
    }

    /// The formula, with every argument made by `seed(value, place, rate)`: its value, its place
    /// among z, h, ln N and ln D, and its derivative with respect to what stands at that place.
    fn evaluate<S: Scalar>(
        &self,
        z: &[f64],
        n: f64,
        d: f64,
        h: &[f64],
        seed: impl Fn(f64, usize, f64) -> S,
    ) -> S {
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

impl<F: Formula> ScalingLaw for Auto<F> {
    fn name(&self) -> &str {
        self.formula.name()
    }

    fn domains(&self) -> &[String] {
        &self.domains
    }

    fn coordinates(&self) -> &Coordinates {
        &self.coordinates
    }

    fn loss(&self, z: &[f64], n: f64, d: f64, h: &[f64]) -> f64 {
        self.evaluate(z, n, d, h, |value, _, _| value)
    }

    fn gradient(&self, z: &[f64], n: f64, d: f64, h: &[f64], out: &mut Gradient) -> f64 {
        let (p, k) = (z.len(), h.len());
        let mut value = f64::NAN;
        for first in (0..p + k + 2).step_by(LANES) {
            let dual =
                self.evaluate(z, n, d, h, |value, place, rate| match place.checked_sub(first) {
                    Some(lane) if lane < LANES => Dual::seeded(value, lane, rate),
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
}
