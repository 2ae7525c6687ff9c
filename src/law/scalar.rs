//! The numbers that a [`Formula`](super::Formula) is written for.

use std::cmp::Ordering;
use std::fmt::Debug;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};

/// A real number that a formula can calculate with: `f64`, or a number that carries its derivatives
/// along.
///
/// Comparisons use the value alone. No other crate can implement it, so that functions can be added.
pub trait Scalar:
    sealed::Sealed
    + Copy
    + Debug
    + PartialOrd
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
    + DivAssign
    + Sum
    + Send
    + Sync
    + 'static
{
    /// A constant.
    fn from_f64(x: f64) -> Self;

    /// `e^self`.
    fn exp(self) -> Self;

    /// `e^self - 1`, exact for small arguments.
    fn exp_m1(self) -> Self;

    /// The natural logarithm.
    fn ln(self) -> Self;

    /// `ln(1 + self)`, exact for small arguments.
    fn ln_1p(self) -> Self;

    /// The square root.
    fn sqrt(self) -> Self;

    /// `self^exponent`. At 0 its derivative in the exponent is 0.
    fn powf(self, exponent: Self) -> Self;

    /// The hyperbolic tangent.
    fn tanh(self) -> Self;

    /// The larger of two numbers; `self` where they are equal.
    #[must_use]
    fn max(self, other: Self) -> Self {
        if other > self { other } else { self }
    }

    /// The smaller of two numbers; `self` where they are equal.
    #[must_use]
    fn min(self, other: Self) -> Self {
        if other < self { other } else { self }
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for f64 {}
    impl Sealed for super::Dual {}
}

impl Scalar for f64 {
    fn from_f64(x: f64) -> Self {
        x
    }

    fn exp(self) -> Self {
        self.exp()
    }

    fn exp_m1(self) -> Self {
        self.exp_m1()
    }

    fn ln(self) -> Self {
        self.ln()
    }

    fn ln_1p(self) -> Self {
        self.ln_1p()
    }

    fn sqrt(self) -> Self {
        self.sqrt()
    }

    fn powf(self, exponent: Self) -> Self {
        self.powf(exponent)
    }

    fn tanh(self) -> Self {
        self.tanh()
    }
}

/// How many derivatives a [`Dual`] carries at once.
pub(super) const LANES: usize = 8;

/// A value with its derivatives in eight directions: forward-mode differentiation.
///
/// ```
/// use mixlaw::law::{Dual, Scalar};
///
/// // d/dx x^2 at 3
/// let x = Dual::variable(3.0, 0);
/// assert_eq!((x * x).derivative(0), 6.0);
/// ```
///
/// At an infinite N or D a formula is evaluated with numbers of another rule: a value of 0 has no
/// derivatives. `(d h)^-b` is 0 at an infinite d, and its derivative in h is 0 times infinity; that is 0
/// there, because a power falls faster than its argument grows. At a finite N and D this rule would hide
/// an error: the derivative of `1 / (1 / h)` at `h = 0` is 0 times infinity too, and it is 1.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub struct Dual {
    value: f64,
    tangent: [f64; LANES],
    /// Whether it is of a formula at an infinite N or D.
    limit: bool,
}

impl Dual {
    /// A variable, with derivative 1 in direction `lane` and 0 in the others.
    ///
    /// # Panics
    /// If `lane` is 8 or more.
    #[must_use]
    pub fn variable(value: f64, lane: usize) -> Self {
        Self::seeded(value, lane, 1.0, false)
    }

    /// A value with derivative `rate` in direction `lane` and 0 in the others, of a formula at an infinite
    /// N or D if `limit`.
    pub(super) fn seeded(value: f64, lane: usize, rate: f64, limit: bool) -> Self {
        let mut tangent = [0.0; LANES];
        tangent[lane] = rate;
        Self { value, tangent, limit }
    }

    /// The value.
    #[must_use]
    pub fn value(self) -> f64 {
        self.value
    }

    /// The derivative in direction `lane`.
    ///
    /// # Panics
    /// If `lane` is 8 or more.
    #[must_use]
    pub fn derivative(self, lane: usize) -> f64 {
        self.tangent[lane]
    }

    /// `f(self)` where `f` has this value and this derivative. A derivative that is infinite leaves
    /// directions alone in which nothing moves.
    fn chain(self, value: f64, derivative: f64) -> Self {
        let nothing = self.limit && derivative == 0.0;
        let tangent = self.tangent.map(|t| if t == 0.0 || nothing { 0.0 } else { derivative * t });
        Self { value, tangent, ..self }
    }

    /// `f(self, other)` where `f` has this value and these partial derivatives.
    fn combine(self, other: Self, value: f64, by_self: f64, by_other: f64) -> Self {
        let (a, b) = (self.chain(value, by_self), other.chain(value, by_other));
        let mut tangent = a.tangent;
        tangent.iter_mut().zip(b.tangent).for_each(|(a, b)| *a += b);
        Self { value, tangent, limit: self.limit || other.limit }
    }
}

impl PartialEq for Dual {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl PartialOrd for Dual {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.value.partial_cmp(&other.value)
    }
}

impl Add for Dual {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        self.combine(other, self.value + other.value, 1.0, 1.0)
    }
}

impl Sub for Dual {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self.combine(other, self.value - other.value, 1.0, -1.0)
    }
}

impl Mul for Dual {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        self.combine(other, self.value * other.value, other.value, self.value)
    }
}

impl Div for Dual {
    type Output = Self;

    fn div(self, other: Self) -> Self {
        let quotient = self.value / other.value;
        self.combine(other, quotient, other.value.recip(), -quotient / other.value)
    }
}

impl Neg for Dual {
    type Output = Self;

    fn neg(self) -> Self {
        self.chain(-self.value, -1.0)
    }
}

macro_rules! assign {
    ($trait:ident, $method:ident, $operator:tt) => {
        impl $trait for Dual {
            fn $method(&mut self, other: Self) {
                *self = *self $operator other;
            }
        }
    };
}

assign!(AddAssign, add_assign, +);
assign!(SubAssign, sub_assign, -);
assign!(MulAssign, mul_assign, *);
assign!(DivAssign, div_assign, /);

impl Sum for Dual {
    fn sum<I: Iterator<Item = Self>>(terms: I) -> Self {
        terms.fold(Self::from_f64(0.0), Add::add)
    }
}

impl Scalar for Dual {
    fn from_f64(x: f64) -> Self {
        Self { value: x, tangent: [0.0; LANES], limit: false }
    }

    fn exp(self) -> Self {
        let value = self.value.exp();
        self.chain(value, value)
    }

    fn exp_m1(self) -> Self {
        self.chain(self.value.exp_m1(), self.value.exp())
    }

    fn ln(self) -> Self {
        self.chain(self.value.ln(), 1.0 / self.value)
    }

    fn ln_1p(self) -> Self {
        self.chain(self.value.ln_1p(), 1.0 / (1.0 + self.value))
    }

    fn sqrt(self) -> Self {
        let value = self.value.sqrt();
        self.chain(value, 0.5 / value)
    }

    fn powf(self, exponent: Self) -> Self {
        let (x, p) = (self.value, exponent.value);
        let value = x.powf(p);
        let by_base = if p == 0.0 { 0.0 } else { p * x.powf(p - 1.0) };
        let by_exponent = if value == 0.0 { 0.0 } else { value * x.ln() };
        self.combine(exponent, value, by_base, by_exponent)
    }

    fn tanh(self) -> Self {
        let value = self.value.tanh();
        self.chain(value, 1.0 - value * value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    /// Every operation once.
    fn tour<S: Scalar>(x: S, y: S) -> S {
        let c = S::from_f64;
        let mut out = (x * y - y / x).exp() + (x + c(1.5)).ln() * x.powf(y) - (-y).exp_m1();
        out += (x * x).ln_1p() / (y + c(2.0)).sqrt();
        out -= [x, y, x * y].into_iter().sum();
        out *= x.max(y) + x.min(y) * y.min(x).tanh();
        out /= y;
        out
    }

    #[test]
    fn derivatives_agree_with_central_differences() {
        let (x, y) = (0.7, 1.3);
        let dual = tour(Dual::variable(x, 0), Dual::variable(y, 7));
        assert_eq!(dual.value(), tour(x, y));
        let step = 1e-6;
        let dx = (tour(x + step, y) - tour(x - step, y)) / (2.0 * step);
        let dy = (tour(x, y + step) - tour(x, y - step)) / (2.0 * step);
        assert_relative_eq!(dual.derivative(0), dx, max_relative = 1e-8);
        assert_relative_eq!(dual.derivative(7), dy, max_relative = 1e-8);
        assert_eq!(dual.derivative(3), 0.0);
    }

    #[test]
    fn powers_of_zero_have_one_sided_derivatives() {
        let at = |p: f64| Dual::variable(0.0, 0).powf(Dual::variable(p, 1));
        assert_eq!((at(2.0).derivative(0), at(2.0).derivative(1)), (0.0, 0.0));
        assert_eq!((at(1.0).derivative(0), at(1.0).derivative(1)), (1.0, 0.0));
        assert_eq!((at(0.5).derivative(0), at(0.5).derivative(1)), (f64::INFINITY, 0.0));
    }
}
