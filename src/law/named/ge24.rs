//! The law of Ge et al. (2024), "BiMix", as appendix B.2 of the paper prints it.

use crate::error::Error;
use crate::law::coefficient::{indexed, number};
use crate::law::formula::start_levels;
use crate::law::mixture_function::AtScale;
use crate::law::sealed::Token;
use crate::law::{
    Coordinate, Coordinates, Gradient, LawSettings, MixtureFunction, ScalingLaw, StartData,
    by_name, check_domains, check_point, infinite, no_repeats, place_of,
};
use crate::random::Random;
use crate::scale::Scale;
use crate::sweep::Sweep;

/// `L_i = (B/D^beta + E) C / h_i^gamma` for one domain i (Ge 24): it depends neither on N nor on any other
/// domain. Of its 5 printed parameters 4 can be identified, because C is a factor of E and B; C is given
/// as 1.
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
/// assert_eq!(law.coordinates().len(), 4);
/// assert!(law.check(Scale { n: 1e8, d: 1e9 }, &[1.0, 0.0]).is_err());
/// assert!(Ge24Law::new(&["web", "code"], "books", Scale::ONE).is_err());
/// # Ok::<(), mixlaw::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Ge24Law {
    domains: Vec<String>,
    /// Whose weight it is.
    own: usize,
    coordinates: Coordinates,
}

impl Ge24Law {
    /// The law for the loss on `domain`, with this reference scale.
    ///
    /// # Errors
    /// If the domain is not among `domains`, one of these has no name or one that appears twice, or a
    /// scale is not a positive number.
    pub fn new(domains: &[impl AsRef<str>], domain: &str, scale: Scale) -> Result<Self, Error> {
        let domains = check_domains(domains)?;
        let own = place_of(domain, &domains)?;
        let list = vec![
            Coordinate::positive("E", 1e-8..=1e4),
            Coordinate::positive(indexed("gamma", domain), 1e-4..=3.0).drawn_from(0.01..=0.5),
            Coordinate::positive("B", 1e-8..=1e4).over_d("beta"),
            Coordinate::positive("beta", 0.03..=1.5).drawn_from(0.1..=0.8),
        ];
        Ok(Self { domains, own, coordinates: Coordinates::new(list, scale)? })
    }

    /// The law for the loss on `domain` of a sweep, with the geometric mean of its D as reference.
    ///
    /// # Errors
    /// If the sweep has no such domain.
    pub fn for_sweep(sweep: &Sweep, domain: &str) -> Result<Self, Error> {
        Self::new(sweep.domains(), domain, sweep.scale())
    }

    /// The name of the factor that is 1 by convention.
    fn factor(&self) -> String {
        indexed("C", &self.domains[self.own])
    }

    /// ln(D/D0) and ln h of the domain, and with these both terms.
    fn terms(&self, z: &[f64], d: f64, h: &[f64]) -> (f64, f64, [f64; 2]) {
        assert!(
            z.len() == self.coordinates.len() && h.len() == self.domains.len(),
            "one value for each coordinate and each domain"
        );
        let (ln_d, ln_h) = (d.ln() - self.coordinates.scale().d.ln(), h[self.own].ln());
        let in_h = -z[1].exp() * ln_h;
        (ln_d, ln_h, [(z[0] + in_h).exp(), (z[2] + in_h - z[3].exp() * ln_d).exp()])
    }
}

impl ScalingLaw for Ge24Law {
    fn name(&self) -> &str {
        "ge24"
    }

    fn domains(&self) -> &[String] {
        &self.domains
    }

    fn coordinates(&self) -> &Coordinates {
        &self.coordinates
    }

    fn loss(&self, z: &[f64], at: Scale, h: &[f64]) -> f64 {
        let (_, _, [bias, term]) = self.terms(z, at.d, h);
        bias + term
    }

    fn gradient(&self, z: &[f64], at: Scale, h: &[f64], out: &mut Gradient) -> f64 {
        let (ln_d, ln_h, [bias, term]) = self.terms(z, at.d, h);
        let (loss, gamma, beta) = (bias + term, z[1].exp(), z[3].exp());
        // At infinity the term is gone, and so are its slopes.
        let in_beta = if term > 0.0 { -beta * term * ln_d } else { 0.0 };
        out.z.copy_from_slice(&[bias, -gamma * loss * ln_h, term, in_beta]);
        out.h.fill(0.0);
        out.h[self.own] = -gamma * loss / h[self.own];
        (out.log_n, out.log_d) = (0.0, -beta * term);
        loss
    }

    fn coefficients(&self, z: &[f64]) -> Vec<(String, f64)> {
        let names = self.coordinates.iter().map(|c| c.name().to_owned());
        let own = names.zip(self.coordinates.coefficients(z));
        own.chain([(self.factor(), 1.0)]).collect()
    }

    /// Takes the printed C too, a factor of E and of B that is 1 where it is left out.
    fn coordinates_of(&self, coefficients: &[(&str, f64)]) -> Result<Vec<f64>, Error> {
        let name = self.factor();
        no_repeats("coefficient", coefficients)?;
        let others: Vec<_> = coefficients.iter().copied().filter(|(own, _)| *own != name).collect();
        let factor = coefficients.iter().find(|(own, _)| *own == name).map_or(1.0, |(_, c)| *c);
        let mut c = by_name(self.name(), &self.coordinates, &others)?;
        (c[0], c[2]) = (factor * c[0], factor * c[2]);
        self.coordinates.from_coefficients(&c)
    }

    fn formula(&self, z: &[f64]) -> String {
        let c = self.coordinates.coefficients(z);
        let [e, gamma, b, beta] = [0, 1, 2, 3].map(|i| number(c[i]));
        format!("L = ({e} + {b} / D^{beta}) / h[{}]^{gamma}", self.domains[self.own])
    }

    fn settings(&self) -> LawSettings {
        LawSettings::new().domain(&self.domains[self.own])
    }

    fn start(&self, data: &StartData<'_>, random: &mut Random) -> Vec<f64> {
        let mut z: Vec<f64> = self.coordinates.iter().map(|c| c.draw(random)).collect();
        let (floor, [mixture, tokens]) = start_levels(data, random);
        let in_h = z[1].exp() * data.mixture[self.own].max(1e-3).ln();
        z[0] = (floor + mixture).ln() + in_h;
        z[2] = tokens.ln() + in_h;
        z
    }

    /// A falling power of one weight is convex.
    fn at_scale<'a>(&'a self, z: &'a [f64], at: Scale, _: Token) -> Box<dyn MixtureFunction + 'a> {
        assert_eq!(z.len(), self.coordinates.len(), "one value for each coordinate");
        Box::new(AtScale { law: self, z, at, gradient: Gradient::new(self), convex: true })
    }

    fn check(&self, at: Scale, h: &[f64]) -> Result<(), Error> {
        check_point(self.domains.len(), at, h)?;
        if h[self.own] > 0.0 { Ok(()) } else { Err(infinite("ge24", &self.domains[self.own])) }
    }
}
