//! From fitted laws to a decision: the mixture to train on, for which N and D, and how much of it is
//! really decided.
//!
//! A [`Plan`] holds the laws of all targets, what counts ([`Goal`]), the constraints and the solver.
//! It answers with a [`Choice`]: the certified mixture at one N and D beside the one without
//! constraints. From there:
//!
//! | question | answer |
//! |---|---|
//! | which mixtures are as good as the best? | [`Plan::ranges`] |
//! | which mixtures could be the best, given the noise of the runs? | [`Plan::certainty`] |
//! | is it really better than another one? | [`Plan::advantage`] |
//! | which runs would decide more? | [`Plan::next_runs`] |
//! | how far is it from what was trained on? | [`Extrapolation`] |
//! | which N and D for a budget, and which budget for a loss? | [`Plan::within_budget`], [`Plan::least_budget`] |
//! | what does another mixture cost? | [`Plan::price`] |
//! | how does it move with scale (Fig. 6, 10)? | [`Plan::path`], [`Plan::limit`] |
//! | what for one target alone (Fig. 7)? | [`Plan::corners`] |
//! | is it best to train on what one wants to be good at (Fig. 8, 9)? | [`Plan::map`], [`Plan::fixed_points`] |
//! | what is left of the loss in the limit (eq. 12)? | [`Plan::decompose`] |
//!
//! ```
//! use mixlaw::law::{AdditiveLaw, ScalingLaw};
//! use mixlaw::simplex::Constraints;
//! use mixlaw::{Plan, Scale};
//!
//! let law = AdditiveLaw::new(&["web", "code"], Scale::ONE)?;
//! let z = law.coordinates_of(&[
//!     ("E", 1.5), ("C[web]", 1.0), ("gamma[web]", 0.5), ("C[code]", 2.0), ("gamma[code]", 0.5),
//!     ("A", 400.0), ("alpha", 0.34), ("B", 400.0), ("beta", 0.28),
//! ])?;
//! // There are 2e10 tokens of code, to be seen at most four times: 8/14 of 1.4e11 tokens.
//! let limits = Constraints::new().epochs("code", 2e10, 4.0);
//! let plan = Plan::new().with_law("python", 1.0, &law, &z).constraints(limits);
//! let choice = plan.best(Scale { n: 7e9, d: 1.4e11 })?;
//! assert!((choice.optimum.weights[1] - 8.0 / 14.0).abs() < 1e-9);
//! assert!(choice.cost_of_constraints() > 0.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod budget;
mod certainty;
mod extrapolation;
mod next_runs;
mod scale;
#[cfg(feature = "serde")]
mod stored;
mod target_map;

#[cfg(feature = "serde")]
use crate::error::SimplexError;
use crate::error::{PlanError, SettingError, list};
use crate::fit::{Ensemble, Fit};
use crate::law::ScalingLaw;
use crate::mixture::Mixture;
use crate::scale::Scale;
use crate::simplex::{
    Constraints, Located, MixtureObjective, Optimum, Pull, Region, SimplexSolver,
};
use crate::uncertainty::Resamples;

pub use budget::{Budget, Price};
pub use certainty::{Advantage, Certainty};
pub use extrapolation::{Extrapolation, Outside};
pub use next_runs::{Criterion, NextRun, Run};
pub use scale::{Decomposition, Growth};
pub use target_map::Mapped;

/// What counts of several targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Goal {
    /// The weighted sum of the losses (eq. 8, 13).
    #[default]
    Sum,
    /// The worst of the weighted losses.
    Worst,
    /// The worst of the weighted excesses of each loss over the least that it could have alone, within
    /// the same constraints.
    WorstExcess,
}

/// Laws of the targets, what counts of them, and what a mixture must keep.
///
/// ```
/// use mixlaw::law::{AdditiveLaw, ScalingLaw};
/// use mixlaw::plan::Plan;
/// use mixlaw::simplex::Constraints;
/// use mixlaw::Scale;
///
/// let law = AdditiveLaw::new(&["web", "code"], Scale::ONE)?;
/// let z = law.coordinates_of(&[
///     ("E", 1.0), ("C[web]", 1.0), ("C[code]", 3.0), ("gamma[web]", 0.5), ("gamma[code]", 0.5),
///     ("A", 400.0), ("alpha", 0.34), ("B", 400.0), ("beta", 0.28),
/// ])?;
/// // 1e10 tokens of code, at most two times each.
/// let plan = Plan::new()
///     .with_law("python", 1.0, &law, &z)
///     .constraints(Constraints::new().epochs("code", 1e10, 2.0));
/// let choice = plan.best(Scale { n: 7e9, d: 4e10 })?;
/// assert!((choice.optimum.weights[1] - 0.5).abs() < 1e-9);
/// assert!(choice.optimum.is_certified());
/// // Without the limit it would be 0.9.
/// assert!((choice.unconstrained.weights[1] - 0.9).abs() < 1e-4);
/// // 1 / ((1 + 3) sqrt(0.5)) against 1 / (sqrt(0.1) + 3 sqrt(0.9)).
/// assert!((choice.cost_of_constraints() - (0.125f64.sqrt() - 0.1f64.sqrt())).abs() < 1e-6);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Plan<'a> {
    targets: Vec<Target<'a>>,
    goal: Goal,
    pull: Option<Pull>,
    constraints: Constraints,
    solver: SimplexSolver,
}

#[derive(Debug, Clone)]
struct Target<'a> {
    name: String,
    weight: f64,
    /// The laws whose mean the loss is.
    laws: Vec<Located<'a>>,
    /// The fits that they are of, which may not know every N and D; none for a law alone.
    fits: &'a [Fit],
    resamples: Option<&'a Resamples>,
    /// Whether there are several domains, and no law depends on their weights.
    blind: bool,
}

impl<'a> Target<'a> {
    fn new(name: String, weight: f64, laws: Vec<Located<'a>>, fits: &'a [Fit]) -> Self {
        let sees = |law: &dyn ScalingLaw| law.domains().len() < 2 || law.dependence().h;
        let blind = !laws.iter().any(|(law, _)| sees(*law));
        Self { name, weight, laws, fits, resamples: None, blind }
    }

    /// Adds the loss, with this weight, to an objective at N and D.
    fn add_to(
        &self,
        objective: MixtureObjective<'a>,
        weight: f64,
        at: Scale,
    ) -> Result<MixtureObjective<'a>, PlanError> {
        self.fits.iter().try_for_each(|fit| fit.check_scale(at))?;
        let name = format!("target `{}`", self.name);
        Ok(objective.with_mean(&name, weight, self.laws.clone())?)
    }
}

/// What must be finite wherever something is chosen.
const BEST: &str = "the value of the best mixture";
/// By how much the value of a choice may differ from the plan's own at its mixture, relative to it.
const SAME_VALUE: f64 = 1e-8;

/// The mixture that a [`Plan`] chose for one N and D.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(try_from = "StoredChoice")
)]
#[non_exhaustive]
pub struct Choice {
    /// The N and D it was chosen for.
    pub scale: Scale,
    /// The names of the domains, in the order of the weights.
    pub domains: Vec<String>,
    /// The best mixture that keeps the constraints, with its certificate.
    pub optimum: Optimum,
    /// The best mixture of all.
    pub unconstrained: Optimum,
    /// The predicted loss of each target at the optimum, in nats.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
    pub losses: Vec<(String, f64)>,
    /// The targets whose laws do not depend on the mixture
    /// ([`ScalingLaw::dependence`]): the others chose it, and
    /// nothing is known of what it does to these.
    pub blind: Vec<String>,
}

/// A [`Choice`] as it stands in a file, not checked.
#[cfg(feature = "serde")]
#[derive(serde::Deserialize)]
#[serde(expecting = "a choice of a plan")]
struct StoredChoice {
    scale: Scale,
    domains: Vec<String>,
    optimum: Optimum,
    unconstrained: Optimum,
    #[serde(with = "crate::stored::number")]
    losses: Vec<(String, f64)>,
    #[serde(default)]
    blind: Vec<String>,
}

#[cfg(feature = "serde")]
impl TryFrom<StoredChoice> for Choice {
    type Error = PlanError;

    fn try_from(stored: StoredChoice) -> Result<Self, PlanError> {
        let StoredChoice { scale, domains, optimum, unconstrained, losses, blind } = stored;
        scale.check()?;
        if let Some(i) = (1..domains.len()).find(|&i| domains[..i].contains(&domains[i])) {
            return Err(PlanError::Stored(format!("domain `{}` appears twice", domains[i])));
        }
        for (what, found) in [("the optimum", &optimum), ("the unconstrained one", &unconstrained)]
        {
            check_optimum(what, found, domains.len())?;
        }
        for (name, loss) in &losses {
            finite(&format!("the loss of target `{name}`"), *loss)?;
        }
        if let Some(name) = blind.iter().find(|b| !losses.iter().any(|(name, _)| name == *b)) {
            let text = format!("`{name}` is said to be blind to the mixture, but is not a target");
            return Err(PlanError::Stored(text));
        }
        Ok(Self { scale, domains, optimum, unconstrained, losses, blind })
    }
}

/// Checks what is stored of an optimum over `k` domains.
#[cfg(feature = "serde")]
fn check_optimum(what: &'static str, optimum: &Optimum, k: usize) -> Result<(), PlanError> {
    let found = optimum.weights.len();
    if found != k {
        return Err(SimplexError::Dimension { what, found, expected: k }.into());
    }
    finite(&format!("the value of {what}"), optimum.value)?;
    let wrong = |part: &str, value: f64, expected: &str| {
        Err(PlanError::Stored(format!("the {part} of {what} is {value}, expected {expected}")))
    };
    if let Some(bound) = optimum.lower_bound.filter(|b| b.is_nan() || *b > optimum.value) {
        return wrong("lower bound", bound, &format!("at most its value, {}", optimum.value));
    }
    if optimum.residual.is_nan() || optimum.residual < 0.0 {
        return wrong("residual", optimum.residual, "a number >= 0");
    }
    if let Some(&share) = optimum.shares.iter().find(|share| !(0.0..=1.0).contains(*share)) {
        return wrong("share of a part", share, "a number from 0 to 1");
    }
    let wrong_one = |multiplier: f64| multiplier.is_nan() || multiplier < 0.0;
    match optimum.active.iter().find(|active| wrong_one(active.multiplier)) {
        Some(active) => wrong("multiplier of a constraint", active.multiplier, "a number >= 0"),
        None => Ok(()),
    }
}

/// A value that must be finite.
fn finite(what: &str, value: f64) -> Result<f64, PlanError> {
    let wrong = || PlanError::NotFinite { what: what.to_owned(), value };
    value.is_finite().then_some(value).ok_or_else(wrong)
}

impl Choice {
    /// What the constraints cost: the value of the optimum above that of the unconstrained one, in
    /// nats.
    #[must_use]
    pub fn cost_of_constraints(&self) -> f64 {
        (self.optimum.value - self.unconstrained.value).max(0.0)
    }
}

impl<'a> Plan<'a> {
    /// No targets yet, the weighted sum as the goal, no constraints.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the target of a fit.
    #[must_use]
    pub fn with_fit(self, weight: f64, fit: &'a Fit) -> Self {
        self.with_fits(fit.target(), weight, std::slice::from_ref(fit))
    }

    /// Adds a target by its law at coordinates `z`.
    #[must_use]
    pub fn with_law(
        mut self,
        name: impl Into<String>,
        weight: f64,
        law: &'a dyn ScalingLaw,
        z: &'a [f64],
    ) -> Self {
        self.targets.push(Target::new(name.into(), weight, vec![(law, z)], &[]));
        self
    }

    fn with_fits(mut self, name: &str, weight: f64, fits: &'a [Fit]) -> Self {
        let laws = fits.iter().map(|fit| (fit.law(), fit.coordinates())).collect();
        self.targets.push(Target::new(name.to_owned(), weight, laws, fits));
        self
    }

    /// Adds the target of an ensemble, by its mean prediction.
    #[must_use]
    pub fn with_ensemble(self, weight: f64, ensemble: &'a Ensemble) -> Self {
        self.with_fits(ensemble.target(), weight, ensemble.fits())
    }

    /// Adds the target of resampled fits: it is decided by the fits to all rows, and
    /// [`Plan::certainty`] says how sure that is.
    #[must_use]
    pub fn with_resamples(self, weight: f64, resamples: &'a Resamples) -> Self {
        let mut plan = self.with_ensemble(weight, resamples.ensemble());
        plan.targets.iter_mut().next_back().expect("just added").resamples = Some(resamples);
        plan
    }

    /// What counts of several targets.
    #[must_use]
    pub fn goal(self, goal: Goal) -> Self {
        Self { goal, ..self }
    }

    /// Adds a pull to a prior mixture, in the order of [`Plan::domains`].
    #[must_use]
    pub fn pull(self, pull: Pull) -> Self {
        Self { pull: Some(pull), ..self }
    }

    /// What the mixture must keep.
    #[must_use]
    pub fn constraints(self, constraints: Constraints) -> Self {
        Self { constraints, ..self }
    }

    /// The solver.
    #[must_use]
    pub fn solver(self, solver: SimplexSolver) -> Self {
        Self { solver, ..self }
    }

    /// The names of the domains: those of the first law.
    #[must_use]
    pub fn domains(&self) -> &[String] {
        self.targets.first().map_or(&[], |target| target.laws[0].0.domains())
    }

    /// The function of h that is minimised at N and D, either of which may be infinite.
    ///
    /// # Errors
    /// [`PlanError`] if there are no targets, a weight, N or D is out of its range, the laws have
    /// different domains, a pull does not fit them, or a fit does not know N and D
    /// ([`Fit::for_any_scale`]).
    pub fn objective(&self, at: Scale) -> Result<MixtureObjective<'a>, PlanError> {
        self.objective_of(&self.targets, at)
    }

    fn objective_of(
        &self,
        targets: &[Target<'a>],
        at: Scale,
    ) -> Result<MixtureObjective<'a>, PlanError> {
        self.objective_over(targets, at, &self.references(targets, at)?)
    }

    /// What each target could have alone, which the excesses are over; none for other goals.
    fn references(&self, targets: &[Target<'a>], at: Scale) -> Result<Vec<f64>, PlanError> {
        let Scale { d, .. } = at;
        if self.goal != Goal::WorstExcess || targets.is_empty() {
            return Ok(Vec::new());
        }
        let region = self.region(d)?;
        let solver = self.solver.clone().share_of_budget(targets.len());
        let least = |target: &Target<'a>| {
            Ok(minimize(&solver, &mut Self::alone(target, at)?, &region)?.value)
        };
        targets.iter().map(least).collect()
    }

    fn objective_over(
        &self,
        targets: &[Target<'a>],
        at: Scale,
        references: &[f64],
    ) -> Result<MixtureObjective<'a>, PlanError> {
        if targets.is_empty() {
            return Err(PlanError::NoTargets);
        }
        let mut sum = MixtureObjective::new(at)?;
        for target in targets {
            if !(target.weight.is_finite() && target.weight > 0.0) {
                let name = format!("the weight of target `{}`", target.name);
                let (value, expected) = (target.weight, "a finite number > 0");
                return Err(SettingError::new(name, value, expected).into());
            }
            sum = target.add_to(sum, target.weight, at)?;
        }
        if let Some(pull) = &self.pull {
            sum = sum.with_pull(pull.clone())?;
        }
        Ok(if self.goal == Goal::Sum { sum } else { sum.worst(references)? })
    }

    fn region(&self, d: f64) -> Result<Region, PlanError> {
        if self.targets.is_empty() {
            return Err(PlanError::NoTargets);
        }
        Ok(self.constraints.region(self.domains(), d)?)
    }

    /// Checks that some target depends on the mixture, or that there is nothing to choose.
    fn check_sees(targets: &[Target<'a>], region: &Region) -> Result<(), PlanError> {
        let free = (0..region.dim()).filter(|&i| region.bounds(i).0 < region.bounds(i).1);
        // One weight alone is what the others leave.
        if targets.iter().any(|target| !target.blind) || free.count() < 2 {
            return Ok(());
        }
        Err(PlanError::Blind { targets: targets.iter().map(|t| t.name.clone()).collect() })
    }

    /// Checks that a choice is one of this plan.
    fn check_choice(&self, choice: &Choice) -> Result<(), PlanError> {
        let (h, value) = (&choice.optimum.weights, choice.optimum.value);
        let fault = |what: String| Err(PlanError::Choice(what));
        if self.targets.is_empty() {
            return Err(PlanError::NoTargets);
        }
        if choice.domains != self.domains() || h.len() != choice.domains.len() {
            let (own, plan) = (list(&choice.domains), list(self.domains()));
            return fault(format!(
                "its {} weights are of the domains {own}, expected {plan}",
                h.len()
            ));
        }
        let region = self.region(choice.scale.d)?;
        Self::check_sees(&self.targets, &region)?;
        let here = self.objective(choice.scale)?.value(h)?;
        let same = (here - value).abs() <= SAME_VALUE * here.abs().max(1.0);
        if !same {
            return fault(format!("its value is {value}, but its mixture is worth {here} here"));
        }
        if !region.contains(h) {
            return fault("its mixture does not keep the constraints".to_owned());
        }
        Ok(())
    }

    /// The best mixture for N and D, either of which may be infinite: the limit.
    ///
    /// # Errors
    /// As [`Plan::objective`], if no mixture keeps the constraints, if no target depends on the mixture
    /// ([`PlanError::Blind`]) though there are several to choose from, and if the value or a loss is
    /// not finite ([`PlanError::NotFinite`]).
    pub fn best(&self, at: Scale) -> Result<Choice, PlanError> {
        let d = at.d;
        let mut objective = self.objective(at)?;
        let region = self.region(d)?;
        Self::check_sees(&self.targets, &region)?;
        let optimum = minimize(&self.solver, &mut objective, &region)?;
        let unconstrained = if self.constraints.is_empty() {
            optimum.clone()
        } else {
            let all = Constraints::new().region(self.domains(), d)?;
            minimize(&self.solver, &mut objective, &all)?
        };
        let losses = objective.losses(&optimum.weights)?;
        let named = |(target, loss): (&Target<'_>, f64)| {
            let what = format!("the loss of target `{}`", target.name);
            Ok((target.name.clone(), finite(&what, loss)?))
        };
        let losses = self.targets.iter().zip(losses).map(named);
        let losses = losses.collect::<Result<Vec<_>, PlanError>>()?;
        let blind = self.targets.iter().filter(|t| t.blind).map(|t| t.name.clone()).collect();
        let domains = self.domains().to_vec();
        Ok(Choice { scale: at, domains, optimum, unconstrained, losses, blind })
    }

    /// For each target alone the best mixture at N and D, within the constraints (Fig. 7). The values
    /// are losses, whatever the weight of the target and the goal; a pull is added to them. Targets
    /// whose laws do not depend on the mixture have no best one and are left out.
    ///
    /// # Errors
    /// As [`Plan::best`].
    pub fn corners(&self, at: Scale) -> Result<Vec<(String, Optimum)>, PlanError> {
        let Scale { d, .. } = at;
        let region = self.region(d)?;
        Self::check_sees(&self.targets, &region)?;
        let one = |target: &Target<'a>| {
            let mut alone = Self::alone(target, at)?;
            if let Some(pull) = &self.pull {
                alone = alone.with_pull(pull.clone())?;
            }
            Ok((target.name.clone(), minimize(&self.solver, &mut alone, &region)?))
        };
        self.targets.iter().filter(|target| !target.blind).map(one).collect()
    }

    /// The loss of one target.
    fn alone(target: &Target<'a>, at: Scale) -> Result<MixtureObjective<'a>, PlanError> {
        target.add_to(MixtureObjective::new(at)?, 1.0, at)
    }

    /// The solver without the search for a proof, for one of several problems that share its budget.
    fn descents_only(&self, problems: usize) -> SimplexSolver {
        self.solver.clone().max_cells(0).share_of_budget(problems)
    }

    /// The best mixture that descents find from `near` and, unless that one is shown to be the best,
    /// from the solver's own starts. No proof is searched for, and the value may not be finite.
    fn descend(
        &self,
        objective: &mut MixtureObjective<'_>,
        region: &Region,
        near: &Mixture,
        problems: usize,
    ) -> Result<Optimum, PlanError> {
        let local = self.descents_only(problems);
        let from_near = local.clone().start(near.clone()).minimize_within(objective, region);
        if from_near.as_ref().is_ok_and(Optimum::is_certified) {
            return Ok(from_near?);
        }
        match (from_near, local.minimize_within(objective, region)) {
            (Ok(near), Ok(own)) => {
                // Equal up to rounding is the same: keep the near one.
                let margin = 1e-12 * near.value.abs();
                Ok(if near.value <= own.value + margin { near } else { own })
            }
            (from_near, own) => Ok(from_near.or(own)?),
        }
    }

    /// For each domain the least and the greatest weight among the mixtures that keep the constraints
    /// and are worth at most `epsilon` nats more than the choice: how much of it is decided. Exact to
    /// 1e-6 where the objective is convex. Otherwise mixtures that are as good are looked for by
    /// descents from the choice and the solver's own starts, and some may be missed.
    ///
    /// # Errors
    /// As [`Plan::best`], if epsilon is not a finite number >= 0, and [`PlanError::Choice`] if the
    /// choice is not one of this plan.
    pub fn ranges(&self, choice: &Choice, epsilon: f64) -> Result<Vec<(f64, f64)>, PlanError> {
        if !(epsilon.is_finite() && epsilon >= 0.0) {
            return Err(SettingError::new("epsilon", epsilon, "a finite number >= 0").into());
        }
        self.check_choice(choice)?;
        let mut objective = self.objective(choice.scale)?;
        let (own, level) = (&choice.optimum.weights, choice.optimum.value + epsilon);
        // What is wrong with all mixtures is an error; a law may be infinite without a domain.
        self.descend(&mut objective, &self.region(choice.scale.d)?, own, 4)?;
        // Some twenty for each of two ends, of two descents each.
        let problems = 100 * choice.domains.len();
        let mut good = |domain: &String, weight: f64| {
            let fixed = self.constraints.clone().at_least(domain, weight).at_most(domain, weight);
            let Ok(region) = fixed.region(&choice.domains, choice.scale.d) else { return false };
            let best = self.descend(&mut objective, &region, own, problems);
            best.is_ok_and(|best| best.value <= level)
        };
        let mut end = |domain: &String, inside: f64, outside: f64| {
            if good(domain, outside) {
                return outside;
            }
            let (mut inside, mut outside) = (inside, outside);
            while (inside - outside).abs() > 1e-6 {
                let middle = 0.5 * (inside + outside);
                *(if good(domain, middle) { &mut inside } else { &mut outside }) = middle;
            }
            inside
        };
        let weights = choice.domains.iter().zip(own.iter());
        Ok(weights.map(|(domain, &h)| (end(domain, h, 0.0), end(domain, h, 1.0))).collect())
    }
}

/// The optimum, whose value must be finite.
fn minimize(
    solver: &SimplexSolver,
    objective: &mut MixtureObjective<'_>,
    region: &Region,
) -> Result<Optimum, PlanError> {
    let optimum = solver.minimize_within(objective, region)?;
    finite(BEST, optimum.value)?;
    Ok(optimum)
}
