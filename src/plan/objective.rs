use super::Target;
use super::penalty::Added;
use super::risk::WorstShare;
use crate::error::{Error, ErrorKind};
use crate::law::{Curvature, MixtureFunction};
use crate::predictor::{Members, Seen};
use crate::scale::Scale;
use crate::simplex::sealed::Token;
use crate::simplex::{Optimum, SimplexObjective};

/// What a [`Plan`](super::Plan) minimises at one N and D, as a function of h; made by
/// [`Plan::objective`](super::Plan::objective).
///
/// ```text
/// sum_t w_t L_t(N, D, h) + penalties                  eq. 13; eq. 8 with equal weights
/// max_t w_t (L_t(N, D, h) - reference_t) + penalties  of a worst case
/// ```
///
/// ```
/// use mixlaw::law::{AdditiveLaw, ScalingLaw};
/// use mixlaw::{Plan, Predictor, Scale};
///
/// let law = AdditiveLaw::new(&["web", "code"], Scale::ONE)?;
/// let z = law.coordinates_of(&[
///     ("E", 1.0), ("C[web]", 1.0), ("C[code]", 3.0), ("gamma[web]", 0.5), ("gamma[code]", 0.5),
///     ("A", 400.0), ("alpha", 0.34), ("B", 400.0), ("beta", 0.28),
/// ])?;
/// let at = Scale { n: 1e9, d: 2e10 };
/// let rest = 400.0 / at.n.powf(0.34) + 400.0 / at.d.powf(0.28);
/// let plan = Plan::builder().target(2.0, Predictor::new("python", law, &z)?).build()?;
/// let mut objective = plan.objective(at)?;
/// // Half of each: 1 + 1 / (4 sqrt(0.5)), and twice that with a weight of 2.
/// let loss = 1.0 + 0.125f64.sqrt() + rest;
/// assert!((objective.losses(&[0.5, 0.5])?[0] - loss).abs() < 1e-12);
/// assert!((objective.value(&[0.5, 0.5])? - 2.0 * loss).abs() < 1e-12);
/// # Ok::<(), mixlaw::Error>(())
/// ```
#[derive(Debug)]
pub struct MixtureObjective<'a> {
    at: Scale,
    domains: &'a [String],
    terms: Vec<Term<'a>>,
    /// Whether the worst term counts instead of the sum.
    worst: bool,
    penalties: &'a [Added],
    /// What counts instead of the sum of the terms, if it does.
    worst_share: Option<WorstShare<'a>>,
    ln_h: Vec<f64>,
    slopes: Vec<f64>,
}

#[derive(Debug)]
struct Term<'a> {
    weight: f64,
    /// What is subtracted from the loss before it is weighted.
    reference: f64,
    target: &'a Target,
    function: Reordered<'a>,
}

impl Term<'_> {
    /// The term as it is where that is convex, otherwise its relaxation.
    fn relaxation(&self, lower: &[f64], upper: &[f64], convex: bool) -> Option<Term<'_>> {
        let function = self.function.relaxation(lower, upper, convex)?;
        Some(Term { function, ..*self })
    }
}

/// A function whose domains may stand in another order than those of the objective.
#[derive(Debug)]
pub(super) struct Reordered<'a> {
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

    pub(super) fn add_gradient(
        &mut self,
        h: &[f64],
        ln_h: &[f64],
        scale: f64,
        g: &mut [f64],
    ) -> f64 {
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

    fn add_relaxation_gap(&mut self, h: &[f64], scale: f64, out: &mut [f64]) {
        let own_h = self.own(h);
        let mut own = vec![0.0; h.len()];
        self.function.add_relaxation_gap(&own_h, scale, &mut own);
        out.iter_mut().zip(self.ours(own)).for_each(|(out, own)| *out += own);
    }
}

/// The weighted terms of each member.
fn of_members<'a>(
    targets: &[(&'a Target, f64)],
    at: Scale,
) -> Result<Vec<Vec<(f64, Reordered<'a>)>>, Error> {
    targets.iter().try_for_each(|(target, _)| target.predictor.check_scale(at))?;
    let members = targets.iter().filter_map(|(target, _)| target.predictor.members());
    let count = members.map(Members::len).min().unwrap_or(0);
    let one = |member: usize, (target, weight): &(&'a Target, f64)| {
        let function = target.predictor.at_scale(Seen::Member(member), at);
        (*weight, Reordered::new(function, target.order.clone()))
    };
    let of = |member| targets.iter().map(|target| one(member, target)).collect();
    Ok((0..count).map(of).collect())
}

impl<'a> MixtureObjective<'a> {
    /// Of targets with weights, as these losses are.
    pub(super) fn new(
        targets: impl Iterator<Item = (&'a Target, f64)>,
        domains: &'a [String],
        penalties: &'a [Added],
        seen: Seen,
        at: Scale,
    ) -> Result<Self, Error> {
        at.check()?;
        let term = |(target, weight): (&'a Target, f64)| {
            target.predictor.check_scale(at)?;
            let function = target.predictor.at_scale(seen, at);
            let function = Reordered::new(function, target.order.clone());
            Ok(Term { weight, reference: 0.0, target, function })
        };
        let targets: Vec<(&'a Target, f64)> = targets.collect();
        let worst_share = match seen {
            Seen::WorstShare(q) => {
                Some(WorstShare::new(q, of_members(&targets, at)?, domains.len()))
            }
            _ => None,
        };
        let terms = targets.into_iter().map(term).collect::<Result<Vec<_>, Error>>()?;
        let zeros = vec![0.0; domains.len()];
        let (ln_h, slopes) = (zeros.clone(), zeros);
        Ok(Self { at, domains, terms, worst: false, penalties, worst_share, ln_h, slopes })
    }

    /// Sets the value of an optimum to what the objective is worth there: the solver saw a smooth function
    /// that is slightly lower where the worst share of members counts.
    pub(super) fn settle(&mut self, optimum: &mut Optimum) -> Result<(), Error> {
        if self.worst_share.is_some() && optimum.value.is_finite() {
            optimum.value = self.value(&optimum.weights)?;
            optimum.lower_bound = optimum.lower_bound.map(|bound| bound.min(optimum.value));
        }
        Ok(())
    }

    /// Counts the worst of the weighted losses above their references, or above zero without any.
    pub(super) fn worst(mut self, references: &[f64]) -> Self {
        self.terms.iter_mut().zip(references).for_each(|(term, r)| term.reference = *r);
        self.worst = true;
        self
    }

    /// The names of the domains, in the order of h.
    #[must_use]
    pub fn domains(&self) -> &'a [String] {
        self.domains
    }

    /// The losses of the targets at `h`, in nats and without weights, in the order they were added.
    ///
    /// # Errors
    /// [`Error`] if h has the wrong length, or a law is not defined there.
    pub fn losses(&mut self, h: impl AsRef<[f64]>) -> Result<Vec<f64>, Error> {
        let h = h.as_ref();
        self.set(h)?;
        let at = self.at;
        let loss = |term: &mut Term<'_>| {
            let own = term.function.own(h);
            term.target.predictor.check(at, &own)?;
            Ok(term.function.add_gradient(h, &self.ln_h, 0.0, &mut vec![0.0; h.len()]))
        };
        self.terms.iter_mut().map(loss).collect()
    }

    /// The objective at `h`, in nats.
    ///
    /// # Errors
    /// As [`MixtureObjective::losses`].
    pub fn value(&mut self, h: impl AsRef<[f64]>) -> Result<f64, Error> {
        let h = h.as_ref();
        let losses = self.losses(h)?;
        let goal = match self.worst_share.as_mut() {
            Some(worst) => worst.value(h, &self.ln_h),
            None => self.goal(&losses),
        };
        let unused = &mut vec![0.0; h.len()];
        let add = |added: &Added| added.add_gradient(h, &self.ln_h, 0.0, &mut self.slopes, unused);
        Ok(self.penalties.iter().map(add).sum::<f64>() + goal)
    }

    /// The objective without penalties, where the targets have these losses.
    pub(super) fn goal(&self, losses: &[f64]) -> f64 {
        let terms = losses.iter().zip(&self.terms).map(|(l, t)| t.weight * (l - t.reference));
        // NaN is not a loss to be overlooked.
        let larger = |a: f64, b: f64| if a.is_nan() || b < a { a } else { b };
        if self.worst { terms.fold(f64::NEG_INFINITY, larger) } else { terms.sum() }
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
        let add = |added: &Added| added.add_curvature(upper, &mut out.diagonal);
        (known && self.penalties.iter().all(add)).then_some(out)
    }

    /// Checks the length of h and takes its logarithms.
    fn set(&mut self, h: &[f64]) -> Result<(), Error> {
        if h.len() != self.domains.len() {
            let (what, found) = ("the mixture".to_owned(), h.len());
            return Err(ErrorKind::Length { what, found, expected: self.domains.len() }.into());
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
        if let Some(worst) = &mut self.worst_share {
            values[0] = worst.add_gradient(h, &self.ln_h, slopes);
        }
        let terms: &mut [Term<'_>] =
            if self.worst_share.is_some() { &mut [] } else { &mut self.terms };
        for (t, Term { weight, reference, function, .. }) in terms.iter_mut().enumerate() {
            let part = if self.worst { t } else { 0 };
            let g = &mut slopes[part * k..][..k];
            values[part] +=
                *weight * (function.add_gradient(h, &self.ln_h, *weight, g) - *reference);
        }
        for added in self.penalties {
            for (value, g) in values.iter_mut().zip(slopes.chunks_exact_mut(k)) {
                *value += added.add_gradient(h, &self.ln_h, 1.0, &mut self.slopes, g);
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
        self.penalties.iter().all(Added::is_convex)
            && self.terms.iter().all(|term| term.function.function.is_convex())
    }

    fn relaxation(
        &self,
        lower: &[f64],
        upper: &[f64],
        _: Token,
    ) -> Option<Box<dyn SimplexObjective + '_>> {
        let free: Vec<usize> = (0..lower.len()).filter(|&i| lower[i] < upper[i]).collect();
        if self.worst_share.is_some() || !self.penalties.iter().all(Added::is_convex) {
            return None;
        }
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
            worst_share: None,
            ln_h: self.ln_h.clone(),
            slopes: self.slopes.clone(),
            at: self.at,
            domains: self.domains,
            worst: self.worst,
            penalties: self.penalties,
        }))
    }

    fn curvature(
        &self,
        lower: &[f64],
        upper: &[f64],
        shares: &[f64],
        _: Token,
    ) -> Option<Vec<f64>> {
        if self.worst_share.is_some() {
            return None;
        }
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
            term.function.add_relaxation_gap(h, share * term.weight, out);
        }
    }
}
