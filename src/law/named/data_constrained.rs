//! The law of Muennighoff et al. (2023) for data that is repeated.

use std::collections::HashMap;

use crate::error::Error;
use crate::law::formula::start_levels;
use crate::law::forward::forward_law;
use crate::law::{
    Coordinate, Coordinates, Formula, FormulaLaw, LawSettings, Scalar, StartData, bad_coefficient,
    check_domains, indexed, no_repeats, place_of,
};
use crate::random::Random;
use crate::scale::Scale;
use crate::sweep::Sweep;

/// `L = E + A / N'^alpha + B / D'^beta`: tokens that are seen again, and parameters beyond those that
/// the unique tokens can use, are worth less and less. 7 parameters, from "Scaling Data-Constrained
/// Language Models" (Muennighoff et al., 2023, arXiv 2305.16264).
///
#[doc = include_str!("../../../docs/formulas/data_constrained.html")]
///
/// Theirs, for `U_D` unique tokens out of D that are seen, N in parameters and the loss in nats:
///
#[doc = include_str!("../../../docs/formulas/repeated.html")]
///
/// so that `U_N` is the size that is best for `U_D` tokens under Chinchilla's law, or N where that is
/// less. These are the formulas of the code that the authors published (the section "Parametric Fit"
/// in the README of huggingface/datablations); the tests of this law hold the two losses that it
/// prints. In their fit, to runs on C4, alpha and beta are equal; here they may differ.
///
/// Ours is the mixture: of the `h_i D` tokens of domain i at most `U_i` are unique, each domain
/// saturates by itself, and `D' = sum_i D'_i`, `U_D = sum_i min(h_i D, U_i)`, with one `R*_D` for all.
/// A unique token is worth the same in every domain, so the loss depends on h by repetition alone: any
/// mixture without repetition is as good as any other, and where D is more than all unique tokens the
/// best one repeats all domains equally often, `h_i` proportional to `U_i`. For tokens that differ in worth,
/// take the formula of `examples/custom_law.rs`.
///
/// The loss is convex in h where `beta <= alpha`. Where no row repeats data `R*_D` is not determined,
/// and where no model is larger than `U_N` neither is `R*_N`: fix them (`R*_D` = 15.4 and `R*_N` = 5.3
/// in their fit).
///
/// ```
/// use mixlaw::law::{DataConstrainedLaw, ScalingLaw};
/// use mixlaw::Scale;
///
/// // The published fit, for 25e9 unique tokens: 9.7 epochs of a model of 6.3e9 parameters.
/// let law = DataConstrainedLaw::new(&["c4"], &[("c4", 25e9)], Scale::ONE)?;
/// let z = law.coordinates_of(&[
///     ("E", 0.6254804f64.exp()),
///     ("A", 6.255414f64.exp()),
///     ("alpha", 0.3526596),
///     ("B", 7.3049974f64.exp()),
///     ("beta", 0.3526596),
///     ("R*_D", 15.387756),
///     ("R*_N", 5.309743),
/// ])?;
/// assert!((law.loss(&z, Scale { n: 6.34e9, d: 242e9 }, &[1.0]) - 2.2256440889984477).abs() < 1e-12);
/// # Ok::<(), mixlaw::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct DataConstrainedLaw(FormulaLaw<Repeated>);

impl DataConstrainedLaw {
    /// The law of these domains, of some of which there are only so many unique tokens, by name; the
    /// others do not run out. `scale` is the reference scale.
    ///
    /// # Errors
    /// If a domain has no name or one that appears twice, a count is not a number > 0 or
    /// appears twice, one is of an unknown domain, or a scale is not a positive number.
    pub fn new(
        domains: &[impl AsRef<str>],
        unique_tokens: &[(&str, f64)],
        scale: Scale,
    ) -> Result<Self, Error> {
        let domains = check_domains(domains)?;
        let mut unique = vec![f64::INFINITY; domains.len()];
        no_repeats("domain", unique_tokens)?;
        let places: HashMap<&str, usize> = domains.iter().map(String::as_str).zip(0..).collect();
        for &(domain, value) in unique_tokens {
            let at = places.get(domain).copied().map_or_else(|| place_of(domain, &domains), Ok)?;
            if value.is_nan() || value <= 0.0 {
                return Err(bad_coefficient(&indexed("U", domain), value, "a number > 0"));
            }
            unique[at] = value;
        }
        let settings = LawSettings::new().unique_tokens(unique_tokens);
        let law = FormulaLaw::new(Repeated { unique }, &domains, scale)?;
        Ok(Self(law.with_settings(settings)))
    }

    /// The law of a sweep's domains, with the geometric means of its N and D as its reference scale.
    ///
    /// # Errors
    /// As [`DataConstrainedLaw::new`].
    pub fn for_sweep(sweep: &Sweep, unique_tokens: &[(&str, f64)]) -> Result<Self, Error> {
        Self::new(sweep.domains(), unique_tokens, sweep.scale())
    }
}

forward_law!([] DataConstrainedLaw, self => self.0);

#[derive(Debug, Clone)]
struct Repeated {
    /// The unique tokens of each domain.
    unique: Vec<f64>,
}

/// What `total` is worth of which `unique` are the first, and `star` times as many at most are added
/// by more.
fn saturated<S: Scalar>(unique: S, total: S, star: S) -> S {
    if total <= unique {
        total
    } else {
        unique + unique * extra(S::from_f64(1.0) - total / unique, star)
    }
}

/// `star (1 - e^(-x / star))`: what x repetitions add, from -x.
fn extra<S: Scalar>(minus_x: S, star: S) -> S {
    let exponent = minus_x / star;
    // Beyond, the power is nothing beside 1.
    if exponent > S::from_f64(-100.0) { -star * exponent.exp_m1() } else { star }
}

impl Formula for Repeated {
    fn name(&self) -> &str {
        "data-constrained"
    }

    fn coefficients(&self, _: &[String]) -> Vec<Coordinate> {
        vec![
            Coordinate::positive("E", 1e-8..=1e4),
            Coordinate::positive("A", 1e-8..=1e4).over_n("alpha"),
            Coordinate::positive("alpha", 0.03..=1.5).drawn_from(0.2..=0.6),
            Coordinate::positive("B", 1e-8..=1e4).over_d("beta"),
            Coordinate::positive("beta", 0.03..=1.5).drawn_from(0.2..=0.6),
            Coordinate::positive("R*_D", 0.1..=1e3).drawn_from(3.0..=30.0),
            Coordinate::positive("R*_N", 0.1..=1e3).drawn_from(3.0..=30.0),
        ]
    }

    fn loss<S: Scalar>(&self, c: &[S], n: S, d: S, h: &[S]) -> S {
        let [e, a, alpha, b, beta, star_d, star_n] = [c[0], c[1], c[2], c[3], c[4], c[5], c[6]];
        let (mut unique, mut worth) = (S::from_f64(0.0), S::from_f64(0.0));
        for (&h, &limit) in h.iter().zip(&self.unique) {
            // A domain that is not there has no tokens, even of infinitely many.
            let tokens = if h > S::from_f64(0.0) || d < S::from_f64(f64::INFINITY) {
                h * d
            } else {
                S::from_f64(0.0)
            };
            let limit = S::from_f64(limit);
            unique += if tokens <= limit { tokens } else { limit };
            worth += saturated(limit, tokens, star_d);
        }
        // By logarithms: the best size itself, or what it gains by another token, may be too large.
        let ratio = beta / alpha;
        let ln_g = (alpha * a / (beta * b)).ln() / (alpha + beta);
        let ln_best = (ratio + S::from_f64(1.0)) * ln_g + ratio * unique.ln();
        let mut ln_size = n.ln();
        if ln_size > ln_best {
            ln_size = ln_best + extra(-(ln_size - ln_best).exp_m1(), star_n).ln_1p();
        }
        e + a * (-alpha * ln_size).exp() + b * worth.powf(-beta)
    }

    fn start(
        &self,
        coordinates: &Coordinates,
        data: &StartData<'_>,
        random: &mut Random,
    ) -> Vec<f64> {
        let mut z: Vec<f64> = coordinates.iter().map(|c| c.draw(random)).collect();
        let (e, [a, b]) = start_levels(data, random);
        (z[0], z[1], z[3]) = (e.ln(), a.ln(), b.ln());
        z
    }

    /// D' and U_D are concave in h, and so is N' where U_N is concave in U_D; a falling convex power
    /// of a concave function is convex.
    fn is_convex(&self, c: &[f64]) -> bool {
        c[4] <= c[2]
    }

    fn constants(&self, domains: &[String]) -> Vec<(String, f64)> {
        domains.iter().map(|d| indexed("U", d)).zip(self.unique.iter().copied()).collect()
    }
}
