//! The law behind AutoScale, of Kang et al. (2024).

use crate::error::Error;
use crate::law::forward::forward_law;
use crate::law::{
    Coordinate, Coordinates, Formula, FormulaLaw, Scalar, StartData, check_domains, indexed,
};
use crate::random::Random;
use crate::scale::Scale;
use crate::sweep::Sweep;

/// `L = E + sum_i (n0_i + h_i D / unit)^-gamma_i`: every domain has a power law of its own in the
/// tokens that it gets, to which the other domains add as much as `n0_i` tokens. It does not depend on N.
/// 2k + 1 parameters of
/// 3k printed ones, from "AutoScale: Scale-Aware Data Mixing for Pre-Training LLMs" (Kang et al.,
/// 2024, arXiv 2407.20177).
///
#[doc = include_str!("../../../docs/formulas/autoscale.html")]
///
/// Theirs: for each domain the loss where its tokens alone are changed, `(N0_i + N_i)^-gamma_i +
/// l_i`, fitted to three runs; and the mixture that minimises the sum of these. The authors' example,
/// `algorithms/DDO_example.ipynb` of their repository feiyang-k/AutoScale, puts `(x + a)^-b + c`
/// through the three, where x is a domain's tokens in multiples of what it gets in the base run, whose
/// mixture is uniform, and the value is the perplexity over all domains divided by that of the base
/// run. From this source and from that of olmix, which fits the same sum, the equation is known here;
/// the text of the paper was not at hand.
///
/// The sum of the `l_i` is all that can be identified of them from the sum: E, of either sign, which
/// is no irreducible loss. The method goes on to extrapolate optimal mixtures without the law, which
/// is not done here.
///
/// Ours: all domains are fitted at once, to the loss in nats. A power without a factor depends on the
/// units of its argument and of its value, so a fit to a relative perplexity has other coefficients.
/// For tokens 1 is, as theirs, what a domain gets in the uniform mixture, at the reference scale:
/// `unit = D0 / k` tokens, which is a part of the law and listed with its coefficients.
///
/// The loss is convex in h, and the optimal mixture depends on D.
///
/// ```
/// use mixlaw::law::{AutoScaleLaw, ScalingLaw};
/// use mixlaw::Scale;
///
/// let law = AutoScaleLaw::new(&["web", "code"], Scale { n: 1e9, d: 2e10 })?;
/// let printed = [("n0[web]", 0.5), ("gamma[web]", 1.0), ("n0[code]", 1.0), ("gamma[code]", 0.5)];
/// let z = law.coordinates_of(&[&[("E", 2.0)], &printed[..]].concat())?;
/// // 1.5e10 and 0.5e10 tokens, which are 1.5 and 0.5 units of 1e10.
/// let loss = law.loss(&z, Scale { n: 1e9, d: 2e10 }, &[0.75, 0.25]);
/// assert!((loss - (2.0 + 1.0 / 2.0 + 1.5f64.powf(-0.5))).abs() < 1e-14);
/// # Ok::<(), mixlaw::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct AutoScaleLaw(FormulaLaw<Shifted>);

impl AutoScaleLaw {
    /// The law of these domains; `scale.d / k` is the unit of tokens.
    ///
    /// # Errors
    /// If a domain has no name or one that appears twice, or a scale is not a positive
    /// number.
    pub fn new(domains: &[impl AsRef<str>], scale: Scale) -> Result<Self, Error> {
        let domains = check_domains(domains)?;
        let unit = scale.d / domains.len() as f64;
        let law = FormulaLaw::new(Shifted { unit }, &domains, scale)?;
        Ok(Self(law))
    }

    /// The law of a sweep's domains, with the geometric mean of its D, divided by their number, as
    /// the unit of tokens.
    #[must_use]
    pub fn for_sweep(sweep: &Sweep) -> Self {
        Self::new(sweep.domains(), sweep.scale()).expect("a sweep's names are valid")
    }
}

forward_law!([] AutoScaleLaw, self => self.0);

#[derive(Debug, Clone)]
struct Shifted {
    /// In tokens.
    unit: f64,
}

impl Formula for Shifted {
    fn name(&self) -> &str {
        "autoscale"
    }

    fn coefficients(&self, domains: &[String]) -> Vec<Coordinate> {
        let n0 = |d: &String| Coordinate::positive(indexed("n0", d), 1e-3..=1e6);
        let gamma = |d: &String| {
            Coordinate::positive(indexed("gamma", d), 0.01..=3.0).drawn_from(0.1..=1.0)
        };
        let e = Coordinate::real("E", -1e4..=1e4);
        [e].into_iter().chain(domains.iter().map(n0)).chain(domains.iter().map(gamma)).collect()
    }

    fn loss<S: Scalar>(&self, c: &[S], _: S, d: S, h: &[S]) -> S {
        let k = h.len();
        let (mut sum, units) = (c[0], d / S::from_f64(self.unit));
        for (i, &h) in h.iter().enumerate() {
            let tokens = c[1 + i] + h * units;
            if tokens < S::from_f64(f64::INFINITY) {
                sum += tokens.powf(-c[1 + k + i]);
            } else if h <= S::from_f64(0.0) {
                // Of infinitely many tokens a domain that is not there has none.
                sum += c[1 + i].powf(-c[1 + k + i]);
            }
        }
        sum
    }

    /// The terms are shares of a part of the median loss, and E is the rest of it.
    fn start(
        &self,
        coordinates: &Coordinates,
        data: &StartData<'_>,
        random: &mut Random,
    ) -> Vec<f64> {
        let mut z: Vec<f64> = coordinates.iter().map(|c| c.draw(random)).collect();
        let k = data.mixture.len();
        let mut rest = data.median_loss;
        for i in 0..k {
            let gamma = z[1 + k + i].exp();
            let term = random.uniform(0.02..0.5) * data.median_loss / k as f64;
            // At the reference scale the domain has about k h_i units.
            let tokens = k as f64 * data.mixture[i];
            let (lower, upper) = coordinates.get(1 + i).bounds();
            z[1 + i] = (term.powf(-1.0 / gamma) - tokens).max(1e-2).ln().clamp(lower, upper);
            rest -= (z[1 + i].exp() + tokens).powf(-gamma);
        }
        z[0] = rest;
        z
    }

    /// A falling power of what is linear in h is convex.
    fn is_convex(&self, _: &[f64]) -> bool {
        true
    }

    fn constants(&self, _: &[String]) -> Vec<(String, f64)> {
        vec![("unit".to_owned(), self.unit)]
    }
}
