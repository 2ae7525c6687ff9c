use super::constant::LEVELS;
use super::{BIASED_E, BoundCoefficient, CoefficientFn, MixtureFunction, Typical, number};
use crate::law::mixture_function::{Fixed, Sum};
use crate::law::sealed::Token;
use crate::law::{Coordinate, Prior};
use crate::random::Random;

/// A positive constant E plus another coefficient function: the bias term of the paper's laws.
///
/// ```
/// use mixlaw::law::{Biased, CoefficientFn, InverseSum};
///
/// // E + 1 / (C_1 h_1^gamma_1) with E = 2, C_1 = 4 and gamma_1 = 1.
/// let bias = Biased(InverseSum);
/// assert_eq!(bias.value(&[2f64.ln(), 4f64.ln(), 0.0], &[1.0]), 2.25);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Biased<T>(pub T);

/// The symbol of the other function.
fn inner(symbol: &str) -> String {
    if symbol == "E" { BIASED_E.to_owned() } else { format!("{symbol}_h") }
}

impl<T: CoefficientFn> CoefficientFn for Biased<T> {
    /// The constant under the law's symbol, and the coordinates of the other function: its symbol is `h`
    /// in E(h), and `A_h` in A(h).
    fn coordinates(&self, symbol: &str, domains: &[String]) -> Vec<Coordinate> {
        let own = Coordinate::positive(symbol, LEVELS);
        let others = self.0.coordinates(&inner(symbol), domains);
        // The sum scales with its levels only if the other part has some.
        let own = if others.iter().any(Coordinate::is_level) { own.level() } else { own };
        [own].into_iter().chain(others).collect()
    }

    fn value(&self, z: &[f64], h: &[f64]) -> f64 {
        z[0].exp() + self.0.value(&z[1..], h)
    }

    fn add_gradient(&self, z: &[f64], h: &[f64], scale: f64, dz: &mut [f64], dh: &mut [f64]) {
        dz[0] += scale * z[0].exp();
        self.0.add_gradient(&z[1..], h, scale, &mut dz[1..], dh);
    }

    fn start(&self, level: f64, h: &[f64], random: &mut Random, z: &mut [f64]) {
        let share = random.uniform(0.3..0.95);
        z[0] = (share * level).ln();
        self.0.start((1.0 - share) * level, h, random, &mut z[1..]);
    }

    /// The constant is most of the value. The rest differs by mixture, and is less well known.
    fn prior(&self, symbol: &str, domains: &[String], typical: Typical) -> Prior {
        let rest = Typical { value: typical.value / 3.0, deviation: 4.0 * typical.deviation };
        let prior = Prior::new().about(symbol, typical.value, typical.deviation);
        prior.and(self.0.prior(&inner(symbol), domains, rest))
    }

    fn formula(&self, symbol: &str, domains: &[String], c: &[f64]) -> String {
        format!("{} + {}", number(c[0]), self.0.formula(&inner(symbol), domains, &c[1..]))
    }

    fn derived(&self, symbol: &str, domains: &[String], c: &[f64]) -> Vec<(String, f64)> {
        self.0.derived(&inner(symbol), domains, &c[1..])
    }

    fn resolve(
        &self,
        symbol: &str,
        domains: &[String],
        get: &dyn Fn(&str) -> Option<f64>,
    ) -> Option<Vec<f64>> {
        let mut c = vec![get(symbol)?];
        c.extend(self.0.resolve(&inner(symbol), domains, get)?);
        Some(c)
    }

    fn bind<'a>(&'a self, mixtures: &[&[f64]], token: Token) -> Box<dyn BoundCoefficient + 'a> {
        let other = self.0.bind(mixtures, token);
        Box::new(BoundBiased { constant: f64::NAN, other, values: vec![0.0; mixtures.len()] })
    }

    fn at<'a>(&'a self, z: &'a [f64], token: Token) -> Box<dyn MixtureFunction + 'a> {
        Box::new(Sum(vec![(1.0, Box::new(Fixed(z[0].exp()))), (1.0, self.0.at(&z[1..], token))]))
    }

    fn is_convex(&self, z: &[f64]) -> bool {
        self.0.is_convex(&z[1..])
    }

    fn infinite_without(&self) -> Option<usize> {
        self.0.infinite_without()
    }
}

struct BoundBiased<'a> {
    constant: f64,
    other: Box<dyn BoundCoefficient + 'a>,
    /// Of the other function.
    values: Vec<f64>,
}

impl BoundCoefficient for BoundBiased<'_> {
    fn values(&mut self, z: &[f64], mixtures: &[&[f64]], out: &mut [f64]) {
        self.constant = z[0].exp();
        self.other.values(&z[1..], mixtures, &mut self.values);
        out.iter_mut().zip(&self.values).for_each(|(out, other)| *out = self.constant + other);
    }

    fn gradient(&mut self, z: &[f64], m: usize, h: &[f64], _: f64, out: &mut [f64]) {
        out[0] = self.constant;
        self.other.gradient(&z[1..], m, h, self.values[m], &mut out[1..]);
    }

    fn derivatives_along(
        &mut self,
        z: &[f64],
        v: &[f64],
        mixtures: &[&[f64]],
        _: &[f64],
        out: &mut [[f64; 2]],
    ) {
        self.other.derivatives_along(&z[1..], &v[1..], mixtures, &self.values, out);
        let own = [self.constant * v[0], self.constant * v[0] * v[0]];
        out.iter_mut().flatten().zip(own.iter().cycle()).for_each(|(out, own)| *out += own);
    }
}
