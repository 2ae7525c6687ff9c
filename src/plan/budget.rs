use std::fmt;
use std::ops::RangeInclusive;

use super::{Choice, Plan, finite};
use crate::error::{Error, ErrorKind};
use crate::optim::Control;
use crate::scale::Scale;

/// What a run of N parameters and D tokens costs, and which N and D are considered.
///
/// ```
/// use mixlaw::plan::Budget;
/// use mixlaw::Scale;
///
/// // Inference counts too: 1e12 tokens of it at 2N FLOPs each.
/// let lifetime = Budget::new(|at| 6.0 * at.n * at.d + 2.0 * at.n * 1e12).sizes(1e8..=1e11);
/// assert_eq!(Budget::flops().cost(Scale { n: 1e9, d: 2e10 }), 1.2e20);
/// assert!(lifetime.cost(Scale { n: 1e9, d: 2e10 }) > 1.2e20);
/// ```
pub struct Budget<'f> {
    cost: Box<dyn Fn(Scale) -> f64 + Send + Sync + 'f>,
    sizes: RangeInclusive<f64>,
    tokens: RangeInclusive<f64>,
}

impl fmt::Debug for Budget<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sizes, tokens, .. } = self;
        f.debug_struct("Budget")
            .field("sizes", sizes)
            .field("tokens", tokens)
            .finish_non_exhaustive()
    }
}

impl<'f> Budget<'f> {
    /// The training FLOPs of a transformer, 6ND.
    #[must_use]
    pub fn flops() -> Self {
        Self::new(|at| 6.0 * at.n * at.d)
    }

    /// A cost of N and D in any unit: a number > 0 that does not fall where N or D grows; infinite where
    /// a run is not possible.
    #[must_use]
    pub fn new(cost: impl Fn(Scale) -> f64 + Send + Sync + 'f) -> Self {
        Self { cost: Box::new(cost), sizes: 1e6..=1e13, tokens: 1e6..=1e16 }
    }

    /// The sizes N that are considered; by default 1e6 to 1e13 parameters.
    #[must_use]
    pub fn sizes(self, sizes: RangeInclusive<f64>) -> Self {
        Self { sizes, ..self }
    }

    /// The token counts D that are considered; by default 1e6 to 1e16.
    #[must_use]
    pub fn tokens(self, tokens: RangeInclusive<f64>) -> Self {
        Self { tokens, ..self }
    }

    /// The cost of N parameters and D tokens.
    #[must_use]
    pub fn cost(&self, at: Scale) -> f64 {
        (self.cost)(at)
    }

    /// The cost, which must be one.
    fn checked_cost(&self, at: Scale) -> Result<f64, Error> {
        let Scale { n, d } = at;
        let cost = self.cost(at);
        if cost > 0.0 {
            return Ok(cost);
        }
        let name = format!("the cost of N = {n:e} and D = {d:e}");
        Err(Error::setting(name, cost, "a number > 0"))
    }

    /// The most tokens that a model of N parameters can see for `amount`, at most `most`, if any are
    /// considered.
    fn tokens_for(&self, n: f64, most: f64, amount: f64) -> Result<Option<f64>, Error> {
        let least = *self.tokens.start();
        let within = |d: f64| Ok(self.checked_cost(Scale { n, d })? <= amount);
        if !within(least)? {
            return Ok(None);
        }
        if within(most)? {
            return Ok(Some(most));
        }
        Ok(Some(bisect(least.ln(), most.ln(), |ln_d| within(ln_d.exp()))?.exp()))
    }

    fn check(&self) -> Result<(), Error> {
        for (name, range) in [("sizes", &self.sizes), ("tokens", &self.tokens)] {
            let (least, most) = (*range.start(), *range.end());
            let wrong = |which: &str, value, expected| {
                let name = format!("the {which} of the {name} considered");
                Err(Error::setting(name, value, expected))
            };
            if !(least.is_finite() && least > 0.0) {
                return wrong("least", least, "a finite number > 0");
            }
            if !(most.is_finite() && most >= least) {
                return wrong("most", most, "a finite number that is at least the least");
            }
        }
        Ok(())
    }
}

/// The last place between `yes` and `no` where a condition holds that holds at `yes`.
fn bisect(
    mut yes: f64,
    mut no: f64,
    mut holds: impl FnMut(f64) -> Result<bool, Error>,
) -> Result<f64, Error> {
    for _ in 0..60 {
        let middle = 0.5 * (yes + no);
        *(if holds(middle)? { &mut yes } else { &mut no }) = middle;
    }
    Ok(yes)
}

/// The last place between `yes` and `no`, to 1e-12, where a function is at most 0, as it is at `yes`:
/// halves down to a room of 1, then false position, in which an end that stays counts half (Illinois).
fn last_root(
    mut yes: (f64, f64),
    no: f64,
    mut f: impl FnMut(f64) -> Result<f64, Error>,
) -> Result<f64, Error> {
    let mut no = (no, f(no)?);
    if no.1 <= 0.0 {
        return Ok(no.0);
    }
    let mut moved = None;
    // Sixty halves would be enough.
    for _ in 0..60 {
        // Of the room, how close is close enough.
        let close = 1e-12 * yes.0.abs().max(1.0) / (yes.0 - no.0).abs();
        if close >= 1.0 {
            break;
        }
        let near = (yes.0 - no.0).abs() <= 1.0 && no.1.is_finite();
        // An end that is the root itself is left by a step.
        let share = if near { yes.1 / (yes.1 - no.1) } else { 0.5 };
        let share = share.clamp(0.5 * close, 1.0 - 0.5 * close);
        let middle = yes.0 + share * (no.0 - yes.0);
        let at = f(middle)?;
        let side = at <= 0.0;
        let (end, other) = if side { (&mut yes, &mut no) } else { (&mut no, &mut yes) };
        *end = (middle, at);
        if moved == Some(side) {
            other.1 *= 0.5;
        }
        moved = Some(side);
    }
    Ok(yes.0)
}

/// What a mixture costs compared with the best one at the same N and D; made by [`Plan::price`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Price {
    /// Its value, in nats.
    pub value: f64,
    /// The value of the best mixture that keeps the constraints, in nats.
    pub best: f64,
    /// The tokens that it takes to reach the best value with this mixture; infinite if no number of
    /// them does.
    pub tokens: f64,
}

/// Sizes that are tried over the whole range before the best of them is closed in on.
const SIZES: usize = 33;
/// How closely, in the logarithm of N.
const CLOSE: f64 = 1e-7;

impl Plan {
    /// The best N, D and mixture together that cost at most `amount`.
    ///
    /// N is searched over the whole range, and then between the neighbours of the best. D is as large as
    /// the amount allows, but never so large that the constraints cannot be kept. The mixture at the end
    /// is certified as by [`Plan::best`].
    ///
    /// # Errors
    /// As [`Plan::best`], if the amount, a range or a cost is not a number > 0, and if every N
    /// and D that is considered costs more.
    ///
    /// ```
    /// use mixlaw::law::{ChinchillaLaw, ScalingLaw};
    /// use mixlaw::plan::{Budget, Plan};
    /// use mixlaw::{Predictor, Scale};
    ///
    /// let law = ChinchillaLaw::new(&["web"], Scale::ONE)?;
    /// let printed = [("E", 1.69), ("A", 406.4), ("alpha", 0.34), ("B", 410.7), ("beta", 0.28)];
    /// let z = law.coordinates_of(&printed)?;
    /// let choice = Plan::builder()
    ///     .target(1.0, Predictor::new("web", law, &z)?)
    ///     .build()?
    ///     .within_budget(5.88e23, &Budget::flops())?;
    /// // N = G (C/6)^a with G = (alpha A / (beta B))^(1/(alpha + beta)) and a = beta/(alpha + beta).
    /// let g = (0.34 * 406.4 / (0.28 * 410.7f64)).powf(1.0 / 0.62);
    /// let n = g * (5.88e23 / 6.0f64).powf(0.28 / 0.62);
    /// assert!((choice.scale.n / n - 1.0).abs() < 1e-3);
    /// # Ok::<(), mixlaw::Error>(())
    /// ```
    pub fn within_budget(&self, amount: f64, budget: &Budget<'_>) -> Result<Choice, Error> {
        if amount.is_nan() || amount <= 0.0 {
            return Err(Error::setting("the budget", amount, "a number > 0"));
        }
        let most = self.most_tokens(budget)?;
        // Some hundred scales are looked at.
        let plan = self.begin("scales", None);
        let search = plan.sharing(32);
        let Some(at) = search.best_scale(amount, most, budget, &mut plan.control())? else {
            let (n, d) = (budget.sizes.start(), budget.tokens.start());
            let name = format!("the budget for N >= {n:e} and D >= {d:e}");
            let expected = "enough for these, which Budget::sizes and Budget::tokens set";
            return Err(Error::setting(name, amount, expected));
        };
        let choice = plan.best(at);
        plan.complete();
        choice
    }

    /// The most tokens considered with which the constraints can be kept: limits on epochs exclude
    /// more.
    fn most_tokens(&self, budget: &Budget<'_>) -> Result<f64, Error> {
        budget.check()?;
        let (least, most) = (*budget.tokens.start(), *budget.tokens.end());
        let keeps = |ln_d: f64| match self.region(ln_d.exp()) {
            Err(error) if error.is_infeasible() => Ok(false),
            region => region.map(|_| true),
        };
        self.check_sees(&self.region(least)?)?;
        if keeps(most.ln())? {
            return Ok(most);
        }
        Ok(bisect(least.ln(), most.ln(), keeps)?.exp())
    }

    /// The least cost for which the value falls to `value` nats, and the choice that does it.
    ///
    /// # Errors
    /// As [`Plan::best`], if the value is not finite, a range or a cost is not a number > 0 or the cost
    /// of the greatest N and D is infinite, and [`Error::is_unreachable`] if nothing that is
    /// considered reaches it.
    pub fn least_budget(&self, value: f64, budget: &Budget<'_>) -> Result<(f64, Choice), Error> {
        if !value.is_finite() {
            return Err(Error::setting("the value", value, "a finite number of nats"));
        }
        let tokens = self.most_tokens(budget)?;
        let least =
            budget.checked_cost(Scale { n: *budget.sizes.start(), d: *budget.tokens.start() })?;
        let most = budget.checked_cost(Scale { n: *budget.sizes.end(), d: tokens })?;
        if !(least <= most && most.is_finite()) {
            let name = "the cost of the greatest N and D considered";
            let expected = "a finite number that is at least the cost of the least";
            return Err(Error::setting(name, most, expected));
        }
        // Up to sixty amounts are looked at, at some hundred scales each. Nothing can be had for some.
        let plan = self.begin("scales", None);
        let (each, mut control) = (plan.sharing(2048), plan.control());
        let mut excess =
            |amount: f64| match each.best_scale(amount, tokens, budget, &mut control)? {
                Some(at) => Ok(each.quick(at)? - value),
                None => Ok(f64::INFINITY),
            };
        let at_most = excess(most)?;
        if at_most > 0.0 {
            return Err(ErrorKind::Unreachable { value, floor: value + at_most }.into());
        }
        let enough = last_root((most.ln(), at_most), least.ln(), |ln| excess(ln.exp()))?.exp();
        let choice = plan.within_budget(enough, budget)?;
        plan.complete();
        Ok((enough, choice))
    }

    /// What the mixture h costs at N and D compared with the best one, in nats and in tokens. A mixture
    /// that does not keep the constraints can have a lower value than the best one that does.
    ///
    /// Excesses ([`Goal::WorstExcess`](super::Goal::WorstExcess)) are over what each target could have
    /// alone at this N and D, also where more tokens are looked at.
    ///
    /// # Errors
    /// As [`Plan::best`], and if h has the wrong length or a law is not defined or not finite there.
    pub fn price(&self, at: Scale, h: impl AsRef<[f64]>) -> Result<Price, Error> {
        let (d, h) = (at.d, h.as_ref());
        let plan = self.begin("iterations", None);
        let best = plan.best(at)?.optimum.value;
        let references = plan.references(at)?;
        let with = |d: f64| -> Result<f64, Error> {
            let at = Scale { d, ..at };
            self.objective_over(at, &references)?.value(h)
        };
        let reached = |d: f64| {
            let (value, what) = (with(d)?, format!("the value of the mixture at D = {d:e}"));
            if value.is_nan() {
                Err(ErrorKind::NotFinite { what, value }.into())
            } else {
                Ok(value <= best)
            }
        };
        let value = finite("the value of the mixture", with(d)?)?;
        let tokens = if value <= best {
            d
        } else if !reached(f64::INFINITY)? {
            f64::INFINITY
        } else {
            let mut enough = 2.0 * d;
            while !reached(enough)? {
                enough *= 2.0;
            }
            bisect(enough.ln(), d.ln(), |ln_d| reached(ln_d.exp()))?.exp()
        };
        plan.complete();
        Ok(Price { value, best, tokens })
    }

    /// The plan for one of several problems that share the budget of its solver.
    fn sharing(&self, problems: usize) -> Self {
        Self { solver: self.solver.clone().share_of_budget(problems), ..self.clone() }
    }

    /// The least value at N and D, without a certificate.
    fn quick(&self, at: Scale) -> Result<f64, Error> {
        let Scale { d, .. } = at;
        let solver = self.descents_only(1);
        Ok(self.minimize(&solver, &mut self.objective(at)?, &self.region(d)?)?.value)
    }

    /// The best N and D for an amount, with at most so many tokens; `None` if nothing considered costs
    /// so little.
    fn best_scale(
        &self,
        amount: f64,
        most_tokens: f64,
        budget: &Budget<'_>,
        control: &mut Control,
    ) -> Result<Option<Scale>, Error> {
        let (least, most) = (budget.sizes.start().ln(), budget.sizes.end().ln());
        let size = |ln_n: f64| ln_n.exp().clamp(*budget.sizes.start(), *budget.sizes.end());
        let mut at = |ln_n: f64| -> Result<f64, Error> {
            control.counted(1);
            let tokens = budget.tokens_for(size(ln_n), most_tokens, amount)?;
            tokens.map_or(Ok(f64::INFINITY), |d| self.quick(Scale { n: size(ln_n), d }))
        };
        let step = (most - least) / (SIZES - 1) as f64;
        let mut best = (f64::INFINITY, least);
        for i in 0..SIZES {
            let ln_n = least + step * i as f64;
            let value = at(ln_n)?;
            if value < best.0 {
                best = (value, ln_n);
            }
        }
        if best.0.is_infinite() {
            return Ok(None);
        }
        // Golden sections between the neighbours.
        let ratio = 0.5 * (5f64.sqrt() - 1.0);
        let (mut low, mut high) = ((best.1 - step).max(least), (best.1 + step).min(most));
        let (mut a, mut b) = (high - ratio * (high - low), low + ratio * (high - low));
        let (mut at_a, mut at_b) = (at(a)?, at(b)?);
        while high - low > CLOSE {
            if at_a <= at_b {
                (high, b, at_b) = (b, a, at_a);
                a = high - ratio * (high - low);
                at_a = at(a)?;
            } else {
                (low, a, at_a) = (a, b, at_b);
                b = low + ratio * (high - low);
                at_b = at(b)?;
            }
        }
        let ends = [(at_a, a), (at_b, b), best];
        let (_, ln_n) = ends.into_iter().min_by(|x, y| x.0.total_cmp(&y.0)).expect("three");
        let n = size(ln_n);
        Ok(budget.tokens_for(n, most_tokens, amount)?.map(|d| Scale { n, d }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_is_found_from_its_right_side_in_few_steps() {
        // Falls to 0 at ln 7, and nothing can be had below 0.5.
        let mut calls = 0;
        let mut f = |x: f64| {
            calls += 1;
            Ok(if x < 0.5 { f64::INFINITY } else { 7.0 * (-x).exp() - 1.0 })
        };
        let at_most = f(40.0).unwrap();
        let root = last_root((40.0, at_most), -3.0, &mut f).unwrap();
        assert!((root - 7f64.ln()).abs() < 1e-10 && f(root).unwrap() <= 0.0, "{root}");
        assert!(calls < 25, "{calls}");
        assert_eq!(last_root((2.0, -1.0), 1.0, |_| Ok(-1.0)), Ok(1.0));
        assert_eq!(
            last_root((2.0, -1.0), 1.0, |_| Err(ErrorKind::NotASum.into())),
            Err(ErrorKind::NotASum.into())
        );
    }
}
