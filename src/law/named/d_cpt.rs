//! The D-CPT law of Que et al. (2024) for continued pretraining.

use crate::error::Error;
use crate::law::formula::start_levels;
use crate::law::forward::forward_law;
use crate::law::{
    Coordinate, Coordinates, Formula, FormulaLaw, LawSettings, Scalar, StartData, check_domains,
    indexed, place_of,
};
use crate::random::Random;
use crate::scale::Scale;
use crate::sweep::Sweep;

/// `L = E + A / N^alpha + B r^eta / D^beta + C / (r + epsilon)^gamma`, where r is the weight of one
/// domain. 9 parameters, from "D-CPT Law: Domain-specific Continual Pre-Training Scaling Law for Large
/// Language Models" (Que et al., 2024, arXiv 2406.01375).
///
#[doc = include_str!("../../../docs/formulas/d_cpt.html")]
///
/// Theirs: continued pretraining on a general and a domain corpus, with a fit for the loss on each of
/// them, in which r is the share of that same corpus, D the tokens of the continued pretraining and
/// epsilon keeps the loss finite at r = 0. `eta > 0` says that a larger share makes the loss fall
/// faster with D. They ask that the loss fall with r; the formula does not ensure this, because
/// `B r^eta` rises. The equation is known here from public summaries of the paper, which agree on it;
/// neither its text nor code of the authors was at hand. Whether their fits move epsilon is not known,
/// so it is a coefficient here, which [`Fitter::fix`](crate::Fitter::fix) can hold. A form across
/// domains, which adds `F / K^mu` with a learnable K of each domain, is not here.
///
/// Ours: with more than two domains, r is the weight of the named one; how the rest is divided does not
/// matter.
///
/// The loss is known to be convex in h where `eta >= 1`; at r = 0 its slope is infinite where
/// `eta < 1`.
///
/// ```
/// use mixlaw::law::{DCptLaw, ScalingLaw};
/// use mixlaw::Scale;
///
/// let law = DCptLaw::new(&["general", "code"], "code", Scale::ONE)?;
/// let z = law.coordinates_of(&[
///     ("E", 0.5), ("A", 300.0), ("alpha", 0.3), ("B", 200.0), ("beta", 0.3),
///     ("eta[code]", 0.5), ("C", 0.1), ("gamma[code]", 0.4), ("epsilon[code]", 0.01),
/// ])?;
/// let loss = law.loss(&z, Scale { n: 1e9, d: 1e10 }, &[0.75, 0.25]);
/// let expected = 0.5 + 300.0 / 1e9f64.powf(0.3) + 100.0 / 1e10f64.powf(0.3) + 0.1 / 0.26f64.powf(0.4);
/// assert!((loss - expected).abs() < 1e-12);
/// # Ok::<(), mixlaw::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct DCptLaw(FormulaLaw<Ratio>);

impl DCptLaw {
    /// The law for the loss on `domain`, with this reference scale.
    ///
    /// # Errors
    /// If the domain is not among `domains`, one of these has no name or one that appears
    /// twice, or a scale is not a positive number.
    pub fn new(domains: &[impl AsRef<str>], domain: &str, scale: Scale) -> Result<Self, Error> {
        let domains = check_domains(domains)?;
        let formula = Ratio { domain: place_of(domain, &domains)? };
        let law = FormulaLaw::new(formula, &domains, scale)?;
        Ok(Self(law.with_settings(LawSettings::new().domain(domain))))
    }

    /// The law for the loss on `domain` of a sweep, with the geometric means of its N and D as its
    /// reference scale.
    ///
    /// # Errors
    /// If the sweep has no such domain.
    pub fn for_sweep(sweep: &Sweep, domain: &str) -> Result<Self, Error> {
        Self::new(sweep.domains(), domain, sweep.scale())
    }
}

forward_law!([] DCptLaw, self => self.0);

#[derive(Debug, Clone)]
struct Ratio {
    /// Whose weight is r.
    domain: usize,
}

impl Formula for Ratio {
    fn name(&self) -> &str {
        "d-cpt"
    }

    fn coefficients(&self, domains: &[String]) -> Vec<Coordinate> {
        let of_domain =
            |symbol, range| Coordinate::positive(indexed(symbol, &domains[self.domain]), range);
        vec![
            Coordinate::positive("E", 1e-8..=1e4),
            Coordinate::positive("A", 1e-8..=1e4).over_n("alpha"),
            Coordinate::positive("alpha", 0.03..=1.5).drawn_from(0.1..=0.8),
            Coordinate::positive("B", 1e-8..=1e4).over_d("beta"),
            Coordinate::positive("beta", 0.03..=1.5).drawn_from(0.1..=0.8),
            of_domain("eta", 0.01..=3.0).drawn_from(0.1..=1.0),
            Coordinate::positive("C", 1e-8..=1e4),
            of_domain("gamma", 0.01..=3.0).drawn_from(0.05..=0.8),
            of_domain("epsilon", 1e-4..=1.0).drawn_from(0.01..=0.3),
        ]
    }

    fn loss<S: Scalar>(&self, c: &[S], n: S, d: S, h: &[S]) -> S {
        let r = h[self.domain];
        // Powers below one, so that those of a huge N or D are nothing, and so are their slopes.
        let mut sum = c[0] + c[1] * n.powf(-c[2]) + c[6] * (r + c[8]).powf(-c[7]);
        let left = c[3] * d.powf(-c[4]);
        // The infinite slope of r^eta at 0 times nothing is nothing.
        if left > S::from_f64(0.0) {
            sum += left * r.powf(c[5]);
        }
        sum
    }

    fn start(
        &self,
        coordinates: &Coordinates,
        data: &StartData<'_>,
        random: &mut Random,
    ) -> Vec<f64> {
        let mut z: Vec<f64> = coordinates.iter().map(|c| c.draw(random)).collect();
        let r = data.mixture[self.domain];
        let (e, [a, b, c]) = start_levels(data, random);
        (z[0], z[1]) = (e.ln(), a.ln());
        // The terms of the mean mixture.
        z[3] = b.ln() - z[5].exp() * r.max(1e-3).ln();
        z[6] = c.ln() + z[7].exp() * (r + z[8].exp()).ln();
        z
    }

    fn is_convex(&self, c: &[f64]) -> bool {
        c[5] >= 1.0
    }
}
