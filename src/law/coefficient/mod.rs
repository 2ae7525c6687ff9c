//! Coefficient functions: the h-dependent parts that laws of the form of eq. (3) are composed of.

mod biased;
mod constant;
mod exponential;
mod inverse_sum;
mod linear_power;

use std::fmt::Debug;

use rand::Rng;

use super::Coordinate;

pub use biased::Biased;
pub use constant::Constant;
pub use exponential::{ExponentialProduct, ExponentialSum, GeometricMean, SharedExponentialSum};
pub use inverse_sum::InverseSum;
pub use linear_power::LinearPower;

/// A positive function of the domain weights with coordinates of its own: one of the five
/// coefficients E(h), A(h), alpha(h), B(h), beta(h) of a [`PowerLaw`](super::PowerLaw).
///
/// `z` holds the function's own coordinates only, in the order of
/// [`CoefficientFn::coordinates`].
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

    /// Whether the value does not depend on h.
    fn is_constant(&self) -> bool {
        false
    }

    /// The domain without which the value is infinite, if there is one.
    fn infinite_without(&self) -> Option<usize> {
        None
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
