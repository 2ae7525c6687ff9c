use super::SimplexObjective;
use super::sealed::Token;
use crate::error::{LawError, SettingError, SimplexError};
use crate::fit::{Ensemble, Fit};
use crate::law::{Curvature, MixtureFunction, ScalingLaw, Sum};
use crate::mixture::Mixture;
use crate::scale::Scale;

/// What a mixture is chosen by: a weighted sum of fitted laws at one N and D, or the worst of them,
/// as a function of h.
///
/// ```text
/// sum_t w_t L_t(N, D, h)                  eq. 13; eq. 8 with equal weights
/// max_t w_t (L_t(N, D, h) - reference_t)  after `worst`
/// ```
///
/// The domains of the laws are matched by name. N and D may be infinite: the limit of ever larger
/// models or ever more tokens.
///
/// ```
/// use mixlaw::law::{AdditiveLaw, ScalingLaw};
/// use mixlaw::simplex::{MixtureObjective, SimplexSolver};
/// use mixlaw::Scale;
///
/// let law = AdditiveLaw::new(&["web", "code"], Scale::ONE)?;
/// let z = law.coordinates_of(&[
///     ("E", 1.0), ("C[web]", 1.0), ("C[code]", 3.0), ("gamma[web]", 0.5), ("gamma[code]", 0.5),
///     ("A", 400.0), ("alpha", 0.34), ("B", 400.0), ("beta", 0.28),
/// ])?;
/// let mut objective = MixtureObjective::new(Scale { n: 1e9, d: 2e10 })?.with_law(1.0, &law, &z)?;
/// let best = SimplexSolver::new().minimize(&mut objective);
/// // The sum of C_i h_i^0.5 is largest where h is proportional to C_i^2.
/// assert!((best.weights[1] - 0.9).abs() < 1e-4);
/// assert!(best.is_certified());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct MixtureObjective<'a> {
    at: Scale,
    domains: &'a [String],
    terms: Vec<Term<'a>>,
    /// Whether the worst term counts instead of the sum.
    worst: bool,
    pull: Option<Pull>,
    ln_h: Vec<f64>,
}

/// A law at its coordinates.
pub(crate) type Located<'a> = (&'a dyn ScalingLaw, &'a [f64]);

#[derive(Debug)]
struct Term<'a> {
    weight: f64,
    /// What is subtracted from the loss before it is weighted.
    reference: f64,
    /// The laws whose mean the loss is.
    laws: Vec<Located<'a>>,
    function: Reordered<'a>,
}

impl Term<'_> {
    /// The term as it is where that is convex, otherwise its relaxation.
    fn relaxation(&self, lower: &[f64], upper: &[f64], convex: bool) -> Option<Term<'_>> {
        let function = self.function.relaxation(lower, upper, convex)?;
        Some(Term { function, laws: self.laws.clone(), ..*self })
    }
}

/// A function whose domains may stand in another order than those of the objective.
#[derive(Debug)]
struct Reordered<'a> {
    function: Box<dyn MixtureFunction + 'a>,
    /// For each of its domains the place in the objective; `None` where they agree.
    order: Option<Vec<usize>>,
    /// Own h, ln h and gradient.
    buffers: [Vec<f64>; 3],
}

impl<'a> Reordered<'a> {
    fn new(function: Box<dyn MixtureFunction + 'a>, order: Option<Vec<usize>>) -> Self {
        let k = order.as_ref().map_or(0, Vec::len);
        Self { function, order, buffers: [0; 3].map(|_| vec![0.0; k]) }
    }

    fn own(&self, x: &[f64]) -> Vec<f64> {
        self.order
            .as_ref()
            .map_or_else(|| x.to_vec(), |order| order.iter().map(|&i| x[i]).collect())
    }

    fn add_gradient(&mut self, h: &[f64], ln_h: &[f64], scale: f64, g: &mut [f64]) -> f64 {
        let Some(order) = &self.order else {
            return self.function.add_gradient(h, ln_h, scale, g);
        };
        let [own_h, own_ln_h, own_g] = &mut self.buffers;
        for (j, &i) in order.iter().enumerate() {
            (own_h[j], own_ln_h[j], own_g[j]) = (h[i], ln_h[i], 0.0);
        }
        let value = self.function.add_gradient(own_h, own_ln_h, scale, own_g);
        order.iter().zip(own_g).for_each(|(&i, own)| g[i] += *own);
        value
    }

    fn relaxation(&self, lower: &[f64], upper: &[f64], convex: bool) -> Option<Reordered<'_>> {
        let function = if convex {
            self.function.fork()
        } else {
            self.function.relaxation(&self.own(lower), &self.own(upper))?
        };
        Some(Reordered::new(function, self.order.clone()))
    }

    fn add_curvature(&self, lower: &[f64], upper: &[f64], scale: f64, out: &mut Curvature) -> bool {
        let mut own = Curvature::zero(lower.len());
        let known =
            self.function.add_curvature(&self.own(lower), &self.own(upper), scale, &mut own);
        let ridges = own.ridges.into_iter().map(|(factor, c)| (factor, self.ours(c)));
        out.ridges.extend(ridges);
        let diagonal = self.ours(own.diagonal);
        out.diagonal.iter_mut().zip(diagonal).for_each(|(out, own)| *out += own);
        known
    }

    /// The function's own numbers in the order of the objective.
    fn ours(&self, own: Vec<f64>) -> Vec<f64> {
        let Some(order) = &self.order else { return own };
        let mut out = own.clone();
        order.iter().zip(own).for_each(|(&i, x)| out[i] = x);
        out
    }

    fn add_looseness(&mut self, h: &[f64], scale: f64, out: &mut [f64]) {
        let own_h = self.own(h);
        let mut own = vec![0.0; h.len()];
        self.function.add_looseness(&own_h, scale, &mut own);
        out.iter_mut().zip(self.ours(own)).for_each(|(out, own)| *out += own);
    }
}

/// A pull to a prior mixture, for [`MixtureObjective::with_pull`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Pull {
    /// `strength KL(h | prior) = strength sum_i h_i ln(h_i / prior_i)`, in nats. Every domain of the
    /// prior must have a weight.
    Kl {
        /// What a divergence of one nat costs, in nats of loss.
        strength: f64,
        /// The prior.
        prior: Mixture,
    },
    /// `strength JS^2`, where JS is [`Mixture::js_distance`] to the prior; finite everywhere.
    Js {
        /// What a divergence of one nat costs, in nats of loss.
        strength: f64,
        /// The prior.
        prior: Mixture,
    },
}

impl Pull {
    fn parts(&self) -> (f64, &Mixture) {
        match self {
            Self::Kl { strength, prior } | Self::Js { strength, prior } => (*strength, prior),
        }
    }

    fn check(&self, domains: &[String]) -> Result<(), SimplexError> {
        let (strength, prior) = self.parts();
        if !(strength.is_finite() && strength >= 0.0) {
            let (name, expected) = ("the strength of the pull".to_owned(), "a finite number >= 0");
            return Err(SettingError::new(name, strength, expected).into());
        }
        if prior.len() != domains.len() {
            let (what, found, expected) = ("the prior", prior.len(), domains.len());
            return Err(SimplexError::Dimension { what, found, expected });
        }
        match (self, prior.iter().position(|p| *p == 0.0)) {
            (Self::Kl { .. }, Some(i)) => Err(SettingError::new(
                format!("the prior weight of domain `{}`", domains[i]),
                0.0,
                "a weight > 0 (KL is infinite without; JS is not)",
            )
            .into()),
            _ => Ok(()),
        }
    }

    /// The value; adds `scale` times the gradient to `g`.
    fn add_gradient(&self, h: &[f64], ln_h: &[f64], scale: f64, g: &mut [f64]) -> f64 {
        let (strength, prior) = self.parts();
        let scale = scale * strength;
        let mut sum = 0.0;
        for i in 0..h.len() {
            let p = prior[i];
            match self {
                Self::Kl { .. } => {
                    let ln_ratio = ln_h[i] - p.ln();
                    sum += if h[i] > 0.0 { h[i] * ln_ratio } else { 0.0 };
                    g[i] += scale * (ln_ratio + 1.0);
                }
                Self::Js { .. } if h[i] + p > 0.0 => {
                    // ln(h / m) and ln(p / m), exact next to the prior too, where both vanish.
                    let apart = (h[i] - p) / (h[i] + p);
                    let [ln_h_ratio, ln_p_ratio] = [apart.ln_1p(), (-apart).ln_1p()];
                    let own = if h[i] > 0.0 { h[i] * ln_h_ratio } else { 0.0 };
                    sum += 0.5 * (own + if p > 0.0 { p * ln_p_ratio } else { 0.0 });
                    g[i] += 0.5 * scale * ln_h_ratio;
                }
                Self::Js { .. } => {}
            }
        }
        strength * sum
    }
}

impl<'a> MixtureObjective<'a> {
    /// An empty sum at N parameters and D tokens.
    ///
    /// # Errors
    /// [`SimplexError::Setting`] if N or D is not a number > 0.
    pub fn new(at: Scale) -> Result<Self, SimplexError> {
        let Scale { n, d } = at;
        for (name, value) in [("N", n), ("D", d)] {
            if value.is_nan() || value <= 0.0 {
                let expected = "a number > 0";
                return Err(SettingError::new(name, value, expected).into());
            }
        }
        let (terms, ln_h) = (Vec::new(), Vec::new());
        Ok(Self { at, domains: &[], terms, worst: false, pull: None, ln_h })
    }

    /// Adds `weight` times the loss that a fit predicts.
    ///
    /// # Errors
    /// As [`MixtureObjective::with_law`], and if the fit does not know N and D
    /// ([`Fit::for_any_scale`]).
    pub fn with_fit(self, weight: f64, fit: &'a Fit) -> Result<Self, SimplexError> {
        fit.check_scale(self.at)?;
        let name = format!("target `{}`", fit.target());
        self.with_mean(&name, weight, vec![(fit.law(), fit.coordinates())])
    }

    /// Adds `weight` times the mean of the losses that an ensemble predicts.
    ///
    /// # Errors
    /// As [`MixtureObjective::with_fit`].
    pub fn with_ensemble(self, weight: f64, ensemble: &'a Ensemble) -> Result<Self, SimplexError> {
        ensemble.fits().iter().try_for_each(|fit| fit.check_scale(self.at))?;
        let laws = ensemble.fits().iter().map(|fit| (fit.law(), fit.coordinates()));
        let name = format!("target `{}`", ensemble.target());
        self.with_mean(&name, weight, laws.collect())
    }

    /// Adds `weight` times the loss of a law at coordinates `z`.
    ///
    /// # Errors
    /// [`SimplexError`] if the weight is not a finite number > 0, `z` is not one finite number for each
    /// coordinate, or the law's domains are not those of the laws before it. Laws are counted from 0.
    pub fn with_law(
        self,
        weight: f64,
        law: &'a dyn ScalingLaw,
        z: &'a [f64],
    ) -> Result<Self, SimplexError> {
        let name = format!("law {}", self.terms.len());
        self.with_mean(&name, weight, vec![(law, z)])
    }

    /// Adds `weight` times the mean loss of laws with the same domains; errors call it by the name.
    pub(crate) fn with_mean(
        mut self,
        name: &str,
        weight: f64,
        laws: Vec<Located<'a>>,
    ) -> Result<Self, SimplexError> {
        let domains = laws[0].0.domains();
        if !(weight.is_finite() && weight > 0.0) {
            let (name, expected) = (format!("the weight of {name}"), "a finite number > 0");
            return Err(SettingError::new(name, weight, expected).into());
        }
        for (law, z) in &laws {
            let coordinates = law.coordinates();
            if z.len() != coordinates.len() {
                let name = format!("the number of coordinates of the {} law", law.name());
                let (value, expected) =
                    (z.len() as f64, "one number for each coordinate of the law");
                return Err(SettingError::new(name, value, expected).into());
            }
            if let Some((c, z)) = coordinates.iter().zip(*z).find(|(_, z)| !z.is_finite()) {
                let name = format!("coordinate `{}` of {name} ({})", c.name(), law.name());
                return Err(SettingError::new(name, *z, "a finite number").into());
            }
        }
        if self.terms.is_empty() {
            self.domains = domains;
            self.ln_h = vec![0.0; self.domains.len()];
        }
        let place = |domain| self.domains.iter().position(|d| d == domain);
        let order: Option<Vec<usize>> = domains.iter().map(place).collect();
        let order = order.filter(|order| order.len() == self.domains.len()).ok_or_else(|| {
            SimplexError::Domains { first: self.domains.to_vec(), other: domains.to_vec() }
        })?;
        let agrees = order.iter().enumerate().all(|(j, i)| i == &j);
        let order = (!agrees).then_some(order);
        let share = 1.0 / laws.len() as f64;
        let mut functions: Vec<(f64, Box<dyn MixtureFunction + 'a>)> =
            laws.iter().map(|&(law, z)| (share, law.at_scale(z, self.at))).collect();
        let function = match functions.pop() {
            Some((_, one)) if functions.is_empty() => one,
            last => Box::new(Sum(functions.into_iter().chain(last).collect())),
        };
        let function = Reordered::new(function, order);
        self.terms.push(Term { weight, reference: 0.0, laws, function });
        Ok(self)
    }

    /// Counts the worst of the weighted losses instead of their sum: `max_t w_t (L_t - reference_t)`,
    /// with references of zero or, for the worst excess, of each law's own best.
    ///
    /// # Errors
    /// [`SimplexError::Dimension`] unless there is one reference for each law, or none;
    /// [`SimplexError::Setting`] if one is not a finite number, or there are no laws.
    pub fn worst(mut self, references: &[f64]) -> Result<Self, SimplexError> {
        if self.terms.is_empty() {
            let name = "the number of laws of a worst case";
            return Err(SettingError::new(name, 0.0, "at least 1").into());
        }
        if let Some(t) = references.iter().position(|r| !r.is_finite()) {
            let name = format!("the reference of law {t}");
            return Err(SettingError::new(name, references[t], "a finite number").into());
        }
        if !references.is_empty() && references.len() != self.terms.len() {
            let what = "the list of references";
            let (found, expected) = (references.len(), self.terms.len());
            return Err(SimplexError::Dimension { what, found, expected });
        }
        self.terms.iter_mut().zip(references).for_each(|(term, r)| term.reference = *r);
        self.worst = true;
        Ok(self)
    }

    /// Adds a pull to a prior mixture; call it after the laws.
    ///
    /// # Errors
    /// [`SimplexError`] if the strength is negative or not finite, the prior has another number of
    /// domains than the laws, or lacks a domain where it must not.
    pub fn with_pull(mut self, pull: Pull) -> Result<Self, SimplexError> {
        pull.check(self.domains)?;
        self.pull = Some(pull);
        Ok(self)
    }

    /// The names of the domains, in the order of h.
    #[must_use]
    pub fn domains(&self) -> &'a [String] {
        self.domains
    }

    /// The losses of the laws at `h`, in nats and without weights, in the order they were added.
    ///
    /// # Errors
    /// [`LawError`] if h has the wrong length, or a law is not defined there.
    pub fn losses(&mut self, h: &[f64]) -> Result<Vec<f64>, SimplexError> {
        self.set(h)?;
        let at = self.at;
        let loss = |term: &mut Term<'_>| {
            let own = term.function.own(h);
            term.laws.iter().try_for_each(|(law, _)| law.check(at, &own))?;
            Ok(term.function.add_gradient(h, &self.ln_h, 0.0, &mut vec![0.0; h.len()]))
        };
        self.terms.iter_mut().map(loss).collect()
    }

    /// The objective at `h`, in nats.
    ///
    /// # Errors
    /// [`LawError`] if h has the wrong length, or a law is not defined there.
    pub fn value(&mut self, h: &[f64]) -> Result<f64, SimplexError> {
        let losses = self.losses(h)?;
        let terms = losses.iter().zip(&self.terms).map(|(l, t)| t.weight * (l - t.reference));
        // NaN is not a loss to be overlooked.
        let larger = |a: f64, b: f64| if a.is_nan() || b < a { a } else { b };
        let pull = self
            .pull
            .as_ref()
            .map_or(0.0, |pull| pull.add_gradient(h, &self.ln_h, 0.0, &mut vec![0.0; h.len()]));
        Ok(pull + if self.worst { terms.fold(f64::NEG_INFINITY, larger) } else { terms.sum() })
    }

    /// A lower bound on the second derivatives of a part between the bounds.
    fn part_curvature(&self, part: usize, lower: &[f64], upper: &[f64]) -> Option<Curvature> {
        let mut out = Curvature::zero(lower.len());
        let own = |t: usize| !self.worst || t == part;
        let known = self
            .terms
            .iter()
            .enumerate()
            .filter(|(t, _)| own(*t))
            .all(|(_, term)| term.function.add_curvature(lower, upper, term.weight, &mut out));
        if let Some(Pull::Kl { strength, .. }) = &self.pull {
            out.diagonal.iter_mut().zip(upper).for_each(|(d, u)| *d += strength / u);
        }
        known.then_some(out)
    }

    /// Checks the length of h and takes its logarithms.
    fn set(&mut self, h: &[f64]) -> Result<(), SimplexError> {
        if h.len() != self.domains.len() {
            let (what, value) = ("the number of domain weights", h.len() as f64);
            let expected = self.domains.len().to_string();
            return Err(LawError::Point { what, value, expected }.into());
        }
        self.ln_h.iter_mut().zip(h).for_each(|(l, h)| *l = h.ln());
        Ok(())
    }
}

impl SimplexObjective for MixtureObjective<'_> {
    fn dim(&self) -> usize {
        self.domains.len()
    }

    fn value_gradient(&mut self, h: &[f64], g: &mut [f64]) -> f64 {
        if !self.worst {
            let mut value = [0.0];
            self.parts_gradients(h, &mut value, g);
            return value[0];
        }
        let (m, k) = (self.parts(), h.len());
        let (mut values, mut slopes) = (vec![0.0; m], vec![0.0; m * k]);
        self.parts_gradients(h, &mut values, &mut slopes);
        let worst = (0..m).max_by(|&a, &b| values[a].total_cmp(&values[b])).unwrap_or(0);
        g.copy_from_slice(&slopes[worst * k..][..k]);
        values[worst]
    }

    fn parts(&self) -> usize {
        if self.worst { self.terms.len() } else { 1 }
    }

    fn parts_gradients(&mut self, h: &[f64], values: &mut [f64], slopes: &mut [f64]) {
        let k = h.len();
        values.fill(0.0);
        slopes.fill(0.0);
        self.ln_h.iter_mut().zip(h).for_each(|(l, h)| *l = h.ln());
        for (t, Term { weight, reference, function, .. }) in self.terms.iter_mut().enumerate() {
            let part = if self.worst { t } else { 0 };
            let g = &mut slopes[part * k..][..k];
            values[part] +=
                *weight * (function.add_gradient(h, &self.ln_h, *weight, g) - *reference);
        }
        if let Some(pull) = &self.pull {
            for (value, g) in values.iter_mut().zip(slopes.chunks_exact_mut(k)) {
                *value += pull.add_gradient(h, &self.ln_h, 1.0, g);
            }
        }
    }

    /// The largest reference, weighted, that a loss is measured from.
    fn scale(&self, _: Token) -> f64 {
        self.terms.iter().map(|t| (t.weight * t.reference).abs()).fold(0.0, f64::max)
    }

    fn cost(&self, _: Token) -> usize {
        let terms: usize = self.terms.iter().map(|term| term.function.function.cost()).sum();
        terms * self.domains.len()
    }

    fn is_convex(&self) -> bool {
        self.terms.iter().all(|term| term.function.function.is_convex())
    }

    fn relaxation(
        &self,
        lower: &[f64],
        upper: &[f64],
        _: Token,
    ) -> Option<Box<dyn SimplexObjective + '_>> {
        let free: Vec<usize> = (0..lower.len()).filter(|&i| lower[i] < upper[i]).collect();
        // A part that is convex between the bounds is its own relaxation.
        let convex = |part: usize| {
            self.part_curvature(part, lower, upper).is_some_and(|c| c.is_convex_along(&free))
        };
        let convex: Vec<bool> = (0..self.parts()).map(convex).collect();
        let relaxed =
            self.terms.iter().enumerate().map(|(t, term)| {
                term.relaxation(lower, upper, convex[if self.worst { t } else { 0 }])
            });
        let terms: Option<Vec<Term<'_>>> = relaxed.collect();
        Some(Box::new(MixtureObjective {
            terms: terms?,
            pull: self.pull.clone(),
            ln_h: self.ln_h.clone(),
            ..*self
        }))
    }

    fn curvature(
        &self,
        lower: &[f64],
        upper: &[f64],
        shares: &[f64],
        _: Token,
    ) -> Option<Vec<f64>> {
        let mut out = vec![0.0; lower.len()];
        for (part, share) in shares.iter().enumerate().filter(|(_, share)| **share > 0.0) {
            let own = self.part_curvature(part, lower, upper)?;
            // Ridges of convex functions bend upwards, and may be left out.
            if own.ridges.iter().any(|(factor, _)| *factor < 0.0) {
                return None;
            }
            out.iter_mut().zip(own.diagonal).for_each(|(out, own)| *out += share * own);
        }
        // One negative entry can take from what all others add.
        out.iter().all(|bend| *bend >= 0.0).then_some(out)
    }

    fn add_relaxation_gap(&mut self, h: &[f64], shares: &[f64], out: &mut [f64], _: Token) {
        for (t, term) in self.terms.iter_mut().enumerate() {
            let share = shares[if self.worst { t } else { 0 }];
            term.function.add_looseness(h, share * term.weight, out);
        }
    }
}
