//! The law of Ge et al. (2024), "BiMix", as appendix B.2 of the paper prints it.

use rand::{Rng, RngExt};

use crate::error::LawError;
use crate::law::coefficient::{indexed, number};
use crate::law::forward::forward_law;
use crate::law::{CoefficientFn, Constant, Coordinate, PowerLaw, place_of};
use crate::scale::Scale;
use crate::sweep::Sweep;

/// `L_i = (B/D^beta + E) C / h_i^gamma` for one domain i (Ge 24): blind to N and to all other
/// domains. Of its 5 printed parameters 4 can be identified, as C is a factor of E and B; it is read
/// out as 1.
///
#[doc = include_str!("../../../docs/formulas/ge24.html")]
///
/// The law is infinite where `h_i = 0`: a row without the domain cannot be fitted, and is an error
/// that says so.
///
/// ```
/// use mixlaw::law::{Ge24Law, ScalingLaw};
/// use mixlaw::Scale;
///
/// let law = Ge24Law::new(&["web", "code"], "code", Scale::ONE)?;
/// assert_eq!((law.printed_parameters(), law.coordinates().len()), (5, 4));
/// assert!(law.check(Scale { n: 1e8, d: 1e9 }, &[1.0, 0.0]).is_err());
/// assert!(Ge24Law::new(&["web", "code"], "books", Scale::ONE).is_err());
/// # Ok::<(), mixlaw::LawError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Ge24Law(PowerLaw);

impl Ge24Law {
    /// The law for the loss on `domain`, with these reference scales.
    ///
    /// # Errors
    /// [`LawError`] if the domain is not among `domains`, one of these has no name or one that stands
    /// twice, or a scale is not a positive number.
    pub fn new(domains: &[impl AsRef<str>], domain: &str, scales: Scale) -> Result<Self, LawError> {
        let at = place_of(domain, domains)?;
        // E(h) and B(h) share gamma: the last coordinate of the one is the first of the other.
        PowerLaw::builder("ge24", domains)
            .scale(scales)
            .bias(DomainPower { domain: at, level: 0, gamma: 1 })
            .d_term(DomainPower { domain: at, level: 1, gamma: 0 }, Constant::exponent())
            .sharing(1)
            .printed_parameters(5)
            .build()
            .map(Self)
    }

    /// The law for the loss on `domain` of a sweep, with the geometric mean of its D as reference.
    ///
    /// # Errors
    /// [`LawError`] if the sweep has no such domain.
    pub fn for_sweep(sweep: &Sweep, domain: &str) -> Result<Self, LawError> {
        Self::new(sweep.domains(), domain, sweep.scale())
    }
}

forward_law!([] Ge24Law, self => self.0);

/// `level / h_i^gamma` for one domain; says which of its two coordinates comes first.
#[derive(Debug, Clone, PartialEq)]
struct DomainPower {
    domain: usize,
    level: usize,
    gamma: usize,
}

impl CoefficientFn for DomainPower {
    fn coordinates(&self, symbol: &str, domains: &[String]) -> Vec<Coordinate> {
        let gamma = Coordinate::positive(indexed("gamma", &domains[self.domain]), 1e-4..=3.0);
        let mut both = Constant::level().coordinates(symbol, domains);
        both.insert(self.gamma, gamma);
        both
    }

    fn value(&self, z: &[f64], h: &[f64]) -> f64 {
        (z[self.level] - z[self.gamma].exp() * h[self.domain].ln()).exp()
    }

    fn add_gradient(&self, z: &[f64], h: &[f64], scale: f64, dz: &mut [f64], dh: &mut [f64]) {
        let value = scale * self.value(z, h);
        let gamma = z[self.gamma].exp();
        dz[self.level] += value;
        dz[self.gamma] -= value * gamma * h[self.domain].ln();
        dh[self.domain] -= value * gamma / h[self.domain];
    }

    fn start(&self, level: f64, h: &[f64], rng: &mut dyn Rng, z: &mut [f64]) {
        z[self.gamma] = rng.random_range(0.01f64.ln()..0.5f64.ln());
        z[self.level] = level.ln() + z[self.gamma].exp() * h[self.domain].max(1e-3).ln();
    }

    fn formula(&self, domains: &[String], c: &[f64]) -> String {
        format!("{} h[{}]^-{}", number(c[self.level]), domains[self.domain], number(c[self.gamma]))
    }

    /// `C[domain]`, which is 1 by convention.
    fn derived(&self, symbol: &str, domains: &[String], _: &[f64]) -> Vec<(String, f64)> {
        let named = (indexed("C", &domains[self.domain]), 1.0);
        if symbol == "E" { vec![named] } else { Vec::new() }
    }

    /// The printed C is a factor of E and of B; 1 if it is not given.
    fn resolve(
        &self,
        symbol: &str,
        domains: &[String],
        get: &dyn Fn(&str) -> Option<f64>,
    ) -> Option<Vec<f64>> {
        let c = get(&indexed("C", &domains[self.domain])).unwrap_or(1.0);
        let mut both = vec![get(symbol)? * c];
        both.insert(self.gamma, get(&indexed("gamma", &domains[self.domain]))?);
        Some(both)
    }

    fn is_convex(&self, _: &[f64]) -> bool {
        true
    }

    fn infinite_without(&self) -> Option<usize> {
        Some(self.domain)
    }
}
