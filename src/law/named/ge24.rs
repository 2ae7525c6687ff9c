//! The law of Ge et al. (2024), "BiMix", as appendix B.2 of the paper prints it.

use crate::error::Error;
use crate::law::coefficient::{indexed, number};
use crate::law::formula::start_levels;
use crate::law::forward::forward_methods;
use crate::law::{
    Coordinate, Coordinates, Formula, FormulaLaw, LawSettings, Scalar, ScalingLaw, StartData,
    bad_coefficient, check_domains, no_repeats, place_of,
};
use crate::random::Random;
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
/// # Ok::<(), mixlaw::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Ge24Law(FormulaLaw<DomainPower>);

impl Ge24Law {
    /// The law for the loss on `domain`, with this reference scale.
    ///
    /// # Errors
    /// If the domain is not among `domains`, one of these has no name or one that appears twice, or a
    /// scale is not a positive number.
    pub fn new(domains: &[impl AsRef<str>], domain: &str, scale: Scale) -> Result<Self, Error> {
        let domains = check_domains(domains)?;
        let formula = DomainPower { domain: place_of(domain, &domains)? };
        let law = FormulaLaw::new(formula, &domains, scale)?;
        Ok(Self(law.printing(5).with_settings(LawSettings::new().domain(domain))))
    }

    /// The law for the loss on `domain` of a sweep, with the geometric mean of its D as reference.
    ///
    /// # Errors
    /// If the sweep has no such domain.
    pub fn for_sweep(sweep: &Sweep, domain: &str) -> Result<Self, Error> {
        Self::new(sweep.domains(), domain, sweep.scale())
    }
}

impl ScalingLaw for Ge24Law {
    forward_methods!(self => self.0);

    /// Takes the printed C too, a factor of E and of B that is 1 where it is left out.
    fn coordinates_of(&self, coefficients: &[(&str, f64)]) -> Result<Vec<f64>, Error> {
        no_repeats("coefficient", coefficients)?;
        let name = self.0.as_formula().factor(self.domains());
        let factor = coefficients.iter().find(|(own, _)| *own == name).map_or(1.0, |(_, c)| *c);
        if !(factor.is_finite() && factor > 0.0) {
            return Err(bad_coefficient(&name, factor, "a finite number > 0"));
        }
        let scaled = |&(name, value): &(&'_ str, f64)| match name {
            "E" | "B" => (name.to_owned(), factor * value),
            _ => (name.to_owned(), value),
        };
        let others = coefficients.iter().filter(|(own, _)| *own != name).map(scaled);
        let others: Vec<(String, f64)> = others.collect();
        let others: Vec<(&str, f64)> = others.iter().map(|(n, c)| (n.as_str(), *c)).collect();
        self.0.coordinates_of(&others)
    }
}

/// `(E + B / D^beta) / h_i^gamma` for one domain.
#[derive(Debug, Clone)]
struct DomainPower {
    domain: usize,
}

impl DomainPower {
    /// The name of the factor that is 1 by convention.
    fn factor(&self, domains: &[String]) -> String {
        indexed("C", &domains[self.domain])
    }
}

impl Formula for DomainPower {
    fn name(&self) -> &str {
        "ge24"
    }

    fn coefficients(&self, domains: &[String]) -> Vec<Coordinate> {
        let gamma = indexed("gamma", &domains[self.domain]);
        vec![
            Coordinate::positive("E", 1e-8..=1e4),
            Coordinate::positive(gamma, 1e-4..=3.0).drawn_from(0.01..=0.5),
            Coordinate::positive("B", 1e-8..=1e4).over_d("beta"),
            Coordinate::positive("beta", 0.03..=1.5).drawn_from(0.1..=0.8),
        ]
    }

    fn loss<S: Scalar>(&self, c: &[S], _: S, d: S, h: &[S]) -> S {
        (c[0] + c[2] * d.powf(-c[3])) * h[self.domain].powf(-c[1])
    }

    fn start(
        &self,
        coordinates: &Coordinates,
        data: &StartData<'_>,
        random: &mut Random,
    ) -> Vec<f64> {
        let mut z: Vec<f64> = coordinates.iter().map(|c| c.draw(random)).collect();
        let (floor, [mixture, tokens]) = start_levels(data, random);
        let in_weight = z[1].exp() * data.mixture[self.domain].max(1e-3).ln();
        z[0] = (floor + mixture).ln() + in_weight;
        z[2] = tokens.ln() + in_weight;
        z
    }

    fn formula(&self, domains: &[String], c: &[f64]) -> String {
        let [e, gamma, b, beta] = [0, 1, 2, 3].map(|i| number(c[i]));
        format!("L = ({e} + {b} / D^{beta}) / h[{}]^{gamma}", domains[self.domain])
    }

    /// A falling power of one weight.
    fn is_convex(&self, _: &[f64]) -> bool {
        true
    }

    fn infinite_without(&self, _: &[String]) -> Vec<usize> {
        vec![self.domain]
    }

    fn constants(&self, domains: &[String]) -> Vec<(String, f64)> {
        vec![(self.factor(domains), 1.0)]
    }
}
