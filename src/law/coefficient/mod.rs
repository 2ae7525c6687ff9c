//! Coefficient functions: the h-dependent parts that laws of the form of eq. (3) are composed of.

mod biased;
mod constant;
mod exponential;
mod inverse_sum;
mod linear_power;

use std::fmt::Debug;
use std::sync::Arc;

use super::mixture_function::{MixtureFunction, Plain};
use super::sealed::Token;
use super::{Coordinate, Prior};
use crate::linalg::dot;
use crate::random::Random;

pub use biased::Biased;
pub use constant::Constant;
pub use exponential::{ExponentialProduct, ExponentialSum, GeometricMean, SharedExponentialSum};
pub use inverse_sum::InverseSum;
pub use linear_power::LinearPower;

/// A positive function of the domain weights with coordinates of its own: one of the five
/// coefficients E(h), A(h), alpha(h), B(h), beta(h) of a [`PowerLaw`](super::PowerLaw).
///
/// `z` holds the function's own coordinates only, in the order of
/// [`CoefficientFn::coordinates`]. A `Box` or an `Arc` of a function is one, so that a law can be
/// composed of functions that are chosen when the program runs.
///
/// Coordinates, value and gradient are required; the other methods tell more about the function.
///
/// ```
/// use mixlaw::law::{CoefficientFn, Constant, Coordinate, PowerLaw, ScalingLaw};
/// use mixlaw::testing::{assert_coefficient_contract, assert_law_contract};
/// use mixlaw::Scale;
///
/// /// `C sum_i h_i^2`: how concentrated the mixture is.
/// #[derive(Debug)]
/// struct Concentration;
///
/// impl CoefficientFn for Concentration {
///     fn coordinates(&self, symbol: &str, _domains: &[String]) -> Vec<Coordinate> {
///         vec![Coordinate::positive(symbol, 1e-3..=1e3).level()]
///     }
///
///     fn value(&self, z: &[f64], h: &[f64]) -> f64 {
///         z[0].exp() * h.iter().map(|h| h * h).sum::<f64>()
///     }
///
///     fn add_gradient(&self, z: &[f64], h: &[f64], scale: f64, dz: &mut [f64], dh: &mut [f64]) {
///         dz[0] += scale * self.value(z, h);
///         dh.iter_mut().zip(h).for_each(|(dh, h)| *dh += scale * z[0].exp() * 2.0 * h);
///     }
/// }
///
/// assert_coefficient_contract(&Concentration, 3, 0.5);
/// let law = PowerLaw::builder("concentration", &["web", "code"])
///     .bias(Constant::level())
///     .n_term(Concentration, Constant::exponent())
///     .build()?;
/// assert_law_contract(&law);
/// let z = law.coordinates_of(&[("E", 1.5), ("A", 400.0), ("alpha", 0.34)])?;
/// assert_eq!(law.formula(&z), "L = 1.500 + A(h; A = 400.0) / N^0.3400");
/// # Ok::<(), mixlaw::Error>(())
/// ```
pub trait CoefficientFn: Debug + Send + Sync {
    /// The coordinates of the function, where the law calls it `symbol`: `E`, `A`, `alpha`, `B` or
    /// `beta`, or a part of one of these. Names with the symbol in them, such as `q_A`, are different in
    /// every place, so that a function can be used for several coefficients of one law.
    fn coordinates(&self, symbol: &str, domains: &[String]) -> Vec<Coordinate>;

    /// The value at domain weights `h`.
    fn value(&self, z: &[f64], h: &[f64]) -> f64;

    /// Adds `scale` times the gradient with respect to the coordinates to `dz`, and with respect to
    /// the domain weights to `dh`. Adds nothing if `scale` is 0, even where a derivative is infinite.
    fn add_gradient(&self, z: &[f64], h: &[f64], scale: f64, dz: &mut [f64], dh: &mut [f64]);

    /// Draws coordinates at which the value at the mean mixture `h` is about `level`; by default from the
    /// range of each coordinate. Those that are levels are moved until the value is `level`; without
    /// such, the best of some draws is taken.
    fn start(&self, level: f64, h: &[f64], random: &mut Random, z: &mut [f64]) {
        let names: Vec<String> = (0..h.len()).map(|i| i.to_string()).collect();
        let coordinates = self.coordinates("", &names);
        let draws = if coordinates.iter().any(Coordinate::is_level) { 1 } else { DRAWS };
        let mut best = (f64::INFINITY, vec![0.0; z.len()]);
        for _ in 0..draws {
            z.iter_mut().zip(&coordinates).for_each(|(z, c)| *z = c.draw(random));
            let off = (level / self.value(z, h)).ln();
            if off.abs() < best.0.abs() {
                best = (off, z.to_vec());
            }
        }
        let (off, drawn) = best;
        for ((z, drawn), c) in z.iter_mut().zip(drawn).zip(&coordinates) {
            let (lower, upper) = c.bounds();
            *z = if c.is_level() { (drawn + off).clamp(lower, upper) } else { drawn };
        }
    }

    /// What is believed of the coefficients where the value is about `typical`: by default each level is near
    /// that, and every other one near the middle of the range that starts are drawn from.
    fn prior(&self, symbol: &str, domains: &[String], typical: Typical) -> Prior {
        let add = |prior: Prior, c: Coordinate| {
            if c.is_level() {
                prior.about(c.name(), typical.value, typical.deviation)
            } else {
                prior.within_draws(&c)
            }
        };
        self.coordinates(symbol, domains).into_iter().fold(Prior::new(), add)
    }

    /// The function with its numbers, for people to read; `c` holds its coefficients in the paper's
    /// units, one for each coordinate. By default their names and values.
    fn formula(&self, symbol: &str, domains: &[String], c: &[f64]) -> String {
        let names = self.coordinates(symbol, domains);
        let values =
            names.iter().zip(c).map(|(name, c)| format!("{} = {}", name.name(), number(*c)));
        format!("{symbol}(h; {})", values.collect::<Vec<_>>().join(", "))
    }

    /// Named coefficients that follow from `c` and are printed beside it.
    fn derived(&self, symbol: &str, domains: &[String], c: &[f64]) -> Vec<(String, f64)> {
        let _ = (symbol, domains, c);
        Vec::new()
    }

    /// The coefficients `c`, from named ones that `get` finds: those of the coordinates, or derived
    /// ones that determine them. `None` if some are missing.
    fn resolve(
        &self,
        symbol: &str,
        domains: &[String],
        get: &dyn Fn(&str) -> Option<f64>,
    ) -> Option<Vec<f64>> {
        named(&self.coordinates(symbol, domains), get)
    }

    /// The function bound to mixtures that will be evaluated again and again, with what depends on
    /// them alone computed once; by default one mixture after the other, with [`CoefficientFn::value`]
    /// and [`CoefficientFn::add_gradient`].
    #[doc(hidden)]
    fn bind<'a>(&'a self, mixtures: &[&[f64]], _: Token) -> Box<dyn BoundCoefficient + 'a> {
        let k = mixtures.first().map_or(0, |h| h.len());
        Box::new(OneByOne::new(self, k))
    }

    /// The function at coordinates `z`, as a function of h alone; by default through
    /// [`CoefficientFn::value`] and [`CoefficientFn::add_gradient`].
    #[doc(hidden)]
    fn at<'a>(&'a self, z: &'a [f64], _: Token) -> Box<dyn MixtureFunction + 'a> {
        Box::new(Plain::new(self, z))
    }

    /// Whether the function is known to be convex on the simplex at coordinates `z`, so that a
    /// mixture found with it can be certified.
    fn is_convex(&self, z: &[f64]) -> bool {
        let _ = z;
        false
    }

    /// Whether the value does not depend on h.
    fn is_constant(&self) -> bool {
        false
    }

    /// The domain without which the value is infinite, if there is one.
    fn infinite_without(&self) -> Option<usize> {
        None
    }
}

/// What is believed of the value of a coefficient function.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Typical {
    /// The value.
    pub value: f64,
    /// The standard deviation of its logarithm.
    pub deviation: f64,
}

macro_rules! forward_coefficient {
    ($pointer:ty) => {
        impl<F: CoefficientFn + ?Sized> CoefficientFn for $pointer {
            fn coordinates(&self, symbol: &str, domains: &[String]) -> Vec<Coordinate> {
                (**self).coordinates(symbol, domains)
            }

            fn value(&self, z: &[f64], h: &[f64]) -> f64 {
                (**self).value(z, h)
            }

            fn add_gradient(
                &self,
                z: &[f64],
                h: &[f64],
                scale: f64,
                dz: &mut [f64],
                dh: &mut [f64],
            ) {
                (**self).add_gradient(z, h, scale, dz, dh);
            }

            fn start(&self, level: f64, h: &[f64], random: &mut Random, z: &mut [f64]) {
                (**self).start(level, h, random, z);
            }

            fn prior(&self, symbol: &str, domains: &[String], typical: Typical) -> Prior {
                (**self).prior(symbol, domains, typical)
            }

            fn formula(&self, symbol: &str, domains: &[String], c: &[f64]) -> String {
                (**self).formula(symbol, domains, c)
            }

            fn derived(&self, symbol: &str, domains: &[String], c: &[f64]) -> Vec<(String, f64)> {
                (**self).derived(symbol, domains, c)
            }

            fn resolve(
                &self,
                symbol: &str,
                domains: &[String],
                get: &dyn Fn(&str) -> Option<f64>,
            ) -> Option<Vec<f64>> {
                (**self).resolve(symbol, domains, get)
            }

            fn bind<'a>(
                &'a self,
                mixtures: &[&[f64]],
                token: Token,
            ) -> Box<dyn BoundCoefficient + 'a> {
                (**self).bind(mixtures, token)
            }

            fn at<'a>(&'a self, z: &'a [f64], token: Token) -> Box<dyn MixtureFunction + 'a> {
                (**self).at(z, token)
            }

            fn is_convex(&self, z: &[f64]) -> bool {
                (**self).is_convex(z)
            }

            fn is_constant(&self) -> bool {
                (**self).is_constant()
            }

            fn infinite_without(&self) -> Option<usize> {
                (**self).infinite_without()
            }
        }
    };
}

forward_coefficient!(Box<F>);
forward_coefficient!(Arc<F>);

/// So many starts are drawn of a function that cannot be brought to a level.
const DRAWS: usize = 32;

/// A coefficient function bound to mixtures by [`CoefficientFn::bind`]. It may hold buffers; an
/// evaluation does not allocate.
pub trait BoundCoefficient: Send {
    /// The values at `mixtures`, which are those it was bound to, into `out`.
    fn values(&mut self, z: &[f64], mixtures: &[&[f64]], out: &mut [f64]);

    /// The gradient in z at the mixture of number `m`, which is `h`, into `out`; `z` and `value` are
    /// those of the last call of `values`.
    fn gradient(&mut self, z: &[f64], m: usize, h: &[f64], value: f64, out: &mut [f64]);

    /// The first and second derivatives of all values along `z + t v`, at t = 0, into `out`; `z` and
    /// `values` are those of the last call of [`BoundCoefficient::values`].
    fn derivatives_along(
        &mut self,
        z: &[f64],
        v: &[f64],
        mixtures: &[&[f64]],
        values: &[f64],
        out: &mut [[f64; 2]],
    );
}

/// A step for central differences of gradients along `v`: the largest move of a coordinate is 1e-5,
/// where rounding and the third derivative matter equally little.
pub(super) fn difference_step(v: &[f64]) -> f64 {
    1e-5 / v.iter().fold(f64::MIN_POSITIVE, |longest, v| longest.max(v.abs()))
}

/// One mixture after the other; right for every function.
struct OneByOne<'a, F: ?Sized> {
    function: &'a F,
    /// The derivatives in h, which nobody asks for.
    dh: Vec<f64>,
    /// Coordinates further along a step, and a gradient there.
    ahead: Vec<f64>,
    dz: Vec<f64>,
}

impl<'a, F: CoefficientFn + ?Sized> OneByOne<'a, F> {
    /// A function of mixtures of `k` domains.
    fn new(function: &'a F, k: usize) -> Self {
        Self { function, dh: vec![0.0; k], ahead: Vec::new(), dz: Vec::new() }
    }
}

impl<F: CoefficientFn + ?Sized> BoundCoefficient for OneByOne<'_, F> {
    fn values(&mut self, z: &[f64], mixtures: &[&[f64]], out: &mut [f64]) {
        out.iter_mut().zip(mixtures).for_each(|(o, h)| *o = self.function.value(z, h));
    }

    fn gradient(&mut self, z: &[f64], _: usize, h: &[f64], _: f64, out: &mut [f64]) {
        out.fill(0.0);
        self.function.add_gradient(z, h, 1.0, out, &mut self.dh);
    }

    fn derivatives_along(
        &mut self,
        z: &[f64],
        v: &[f64],
        mixtures: &[&[f64]],
        _: &[f64],
        out: &mut [[f64; 2]],
    ) {
        let t = difference_step(v);
        self.ahead.resize(z.len(), 0.0);
        self.dz.resize(z.len(), 0.0);
        let mut slope = |t: f64, h: &[f64]| {
            self.ahead.iter_mut().zip(z.iter().zip(v)).for_each(|(a, (z, v))| *a = z + t * v);
            self.dz.fill(0.0);
            self.function.add_gradient(&self.ahead, h, 1.0, &mut self.dz, &mut self.dh);
            dot(&self.dz, v)
        };
        for (out, h) in out.iter_mut().zip(mixtures) {
            *out = [slope(0.0, h), (slope(t, h) - slope(-t, h)) / (2.0 * t)];
        }
    }
}

/// The coefficients of these coordinates, if `get` finds them all.
fn named(coordinates: &[Coordinate], get: &dyn Fn(&str) -> Option<f64>) -> Option<Vec<f64>> {
    coordinates.iter().map(|c| get(c.name())).collect()
}

/// The name of a coefficient of one domain: `C[web]`.
pub(super) fn indexed(name: &str, domain: &str) -> String {
    format!("{name}[{domain}]")
}

/// The name of a coefficient of a function that the law calls `symbol`: in E(h), and in the part of it
/// that depends on h, as the paper prints it, and with the symbol elsewhere: `C` and `C_A`.
fn within(name: &str, symbol: &str) -> String {
    if symbol == "E" || symbol == BIASED_E { name.to_owned() } else { format!("{name}_{symbol}") }
}

/// What [`Biased`] calls the function that it adds to E.
const BIASED_E: &str = "h";

/// A number for people to read: four significant digits, without a power of ten where it is short.
pub(crate) fn number(x: f64) -> String {
    let size = x.abs();
    if size == 0.0 || (1e-3..1e5).contains(&size) {
        // Digits after the point for four significant ones.
        let digits = if size == 0.0 { 0 } else { (3 - size.log10().floor() as i32).max(0) };
        format!("{x:.*}", digits as usize)
    } else {
        format!("{x:.3e}")
    }
}

/// `a[web] + 2.000 h[code]`-like sums: joins terms with plus and minus signs.
pub(super) fn sum(terms: impl IntoIterator<Item = String>) -> String {
    let mut out = String::new();
    for term in terms {
        match (out.is_empty(), term.strip_prefix('-')) {
            (true, _) => out.push_str(&term),
            (false, Some(rest)) => out.push_str(&format!(" - {rest}")),
            (false, None) => out.push_str(&format!(" + {term}")),
        }
    }
    out
}
