//! Coefficient functions: the h-dependent parts that laws of the form of eq. (3) are composed of.

mod biased;
mod constant;
mod exponential;
mod inverse_sum;
mod linear_power;

use std::fmt::Debug;
use std::sync::Arc;

use rand::Rng;

use super::Coordinate;
use super::mixture_function::{MixtureFunction, Plain};
use crate::linalg::dot;

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
pub trait CoefficientFn: Debug + Send + Sync {
    /// The coordinates of the function, where the law calls it `symbol`.
    fn coordinates(&self, symbol: &str, domains: &[String]) -> Vec<Coordinate>;

    /// The value at domain weights `h`.
    fn value(&self, z: &[f64], h: &[f64]) -> f64;

    /// Adds `scale` times the gradient with respect to the coordinates to `dz`, and with respect to
    /// the domain weights to `dh`. Adds nothing if `scale` is 0, even where a derivative is infinite.
    fn add_gradient(&self, z: &[f64], h: &[f64], scale: f64, dz: &mut [f64], dh: &mut [f64]);

    /// Draws coordinates at which the value at the mean mixture `h` is about `level`.
    fn start(&self, level: f64, h: &[f64], rng: &mut dyn Rng, z: &mut [f64]);

    /// The function with its numbers, for people to read; `c` holds its coefficients in the paper's
    /// units, one for each coordinate.
    fn formula(&self, domains: &[String], c: &[f64]) -> String;

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
    fn bind<'a>(&'a self, mixtures: &[&[f64]]) -> Box<dyn BoundCoefficient + 'a> {
        let k = mixtures.first().map_or(0, |h| h.len());
        Box::new(OneByOne::new(self, k))
    }

    /// The function at coordinates `z`, as a function of h alone; by default through
    /// [`CoefficientFn::value`] and [`CoefficientFn::add_gradient`].
    fn at<'a>(&'a self, z: &'a [f64]) -> Box<dyn MixtureFunction + 'a> {
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

            fn start(&self, level: f64, h: &[f64], rng: &mut dyn Rng, z: &mut [f64]) {
                (**self).start(level, h, rng, z);
            }

            fn formula(&self, domains: &[String], c: &[f64]) -> String {
                (**self).formula(domains, c)
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

            fn bind<'a>(&'a self, mixtures: &[&[f64]]) -> Box<dyn BoundCoefficient + 'a> {
                (**self).bind(mixtures)
            }

            fn at<'a>(&'a self, z: &'a [f64]) -> Box<dyn MixtureFunction + 'a> {
                (**self).at(z)
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

/// A coefficient function bound to mixtures by [`CoefficientFn::bind`]. It may hold buffers; an
/// evaluation should not allocate.
pub trait BoundCoefficient: Send {
    /// The values at `mixtures`, which are those it was bound to, into `out`.
    fn values(&mut self, z: &[f64], mixtures: &[&[f64]], out: &mut [f64]);

    /// The gradient in z at the mixture of number `m`, which is `h`, into `out`; `z` and `value` are
    /// those of the last call of `values`.
    fn gradient(&mut self, z: &[f64], m: usize, h: &[f64], value: f64, out: &mut [f64]);

    /// The first and second derivatives of all values along `z + t v`, at t = 0, into `out`; `z` and
    /// `values` are those of the last call of [`BoundCoefficient::values`].
    fn bends(
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

    fn bends(
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
pub(super) fn indexed(symbol: &str, domain: &str) -> String {
    format!("{symbol}[{domain}]")
}

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
