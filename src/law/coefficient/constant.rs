use std::ops::RangeInclusive;

use super::{BoundCoefficient, CoefficientFn, MixtureFunction, number};
use crate::law::Coordinate;
use crate::law::mixture_function::Fixed;
use crate::law::sealed::Token;
use crate::random::Random;

/// Levels (terms of the loss at the reference scale, in nats) are searched for in this range: wide
/// enough never to matter for a loss that is measured in nats.
pub(super) const LEVELS: RangeInclusive<f64> = 1e-8..=1e4;
/// Exponents alpha and beta are searched for in this range.
pub(super) const EXPONENTS: RangeInclusive<f64> = 0.03..=1.5;

/// A positive constant; its coordinate is its logarithm.
///
/// ```
/// use mixlaw::law::{CoefficientFn, Constant};
///
/// assert_eq!(Constant::level().value(&[2f64.ln()], &[0.5, 0.5]), 2.0);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Constant {
    range: RangeInclusive<f64>,
}

impl Constant {
    /// A constant that is searched for in `range`.
    #[must_use]
    pub fn within(range: RangeInclusive<f64>) -> Self {
        Self { range }
    }

    /// E, A or B: a term of the loss at the reference scale, in nats.
    #[must_use]
    pub fn level() -> Self {
        Self::within(LEVELS)
    }

    /// alpha or beta: an exponent between 0.03 and 1.5.
    #[must_use]
    pub fn exponent() -> Self {
        Self::within(EXPONENTS)
    }
}

impl CoefficientFn for Constant {
    fn coordinates(&self, symbol: &str, _: &[String]) -> Vec<Coordinate> {
        vec![Coordinate::positive(symbol, self.range.clone()).level()]
    }

    fn value(&self, z: &[f64], _: &[f64]) -> f64 {
        z[0].exp()
    }

    fn add_gradient(&self, z: &[f64], _: &[f64], scale: f64, dz: &mut [f64], _: &mut [f64]) {
        dz[0] += scale * z[0].exp();
    }

    fn start(&self, level: f64, _: &[f64], _: &mut Random, z: &mut [f64]) {
        z[0] = level.clamp(*self.range.start(), *self.range.end()).ln();
    }

    fn formula(&self, _: &str, _: &[String], c: &[f64]) -> String {
        number(c[0])
    }

    fn bind<'a>(&'a self, _: &[&[f64]], _: Token) -> Box<dyn BoundCoefficient + 'a> {
        Box::new(BoundConstant)
    }

    fn at<'a>(&'a self, z: &'a [f64], _: Token) -> Box<dyn MixtureFunction + 'a> {
        Box::new(Fixed(z[0].exp()))
    }

    fn is_convex(&self, _: &[f64]) -> bool {
        true
    }

    fn is_constant(&self) -> bool {
        true
    }
}

struct BoundConstant;

impl BoundCoefficient for BoundConstant {
    fn values(&mut self, z: &[f64], _: &[&[f64]], out: &mut [f64]) {
        out.fill(z[0].exp());
    }

    fn gradient(&mut self, _: &[f64], _: usize, _: &[f64], value: f64, out: &mut [f64]) {
        out[0] = value;
    }

    fn derivatives_along(
        &mut self,
        _: &[f64],
        v: &[f64],
        _: &[&[f64]],
        values: &[f64],
        out: &mut [[f64; 2]],
    ) {
        let along = values.iter().map(|value| [value * v[0], value * v[0] * v[0]]);
        out.iter_mut().zip(along).for_each(|(out, own)| *out = own);
    }
}
