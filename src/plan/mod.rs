//! From predictors to a decision: the mixture to train on, for which N and D, and how much of it is
//! really decided.
//!
//! A [`Plan`] holds the predictors of all targets, how they count together ([`Goal`]), the constraints and
//! the solver. It is built once, which checks all of it, and can then be asked any number of questions,
//! from any number of threads. The first answer is a [`Choice`]: the certified mixture at one N and D, and
//! the best one without constraints. All questions:
//!
//! | question | answer |
//! |---|---|
//! | which mixture for this N and D? | [`Plan::best`] |
//! | which mixtures are as good as the best? | [`Plan::ranges`] |
//! | what does another mixture cost? | [`Plan::price`] |
//! | which mixtures could be the best, given the noise of the runs? | [`Plan::certainty`] |
//! | is it really better than another one? | [`Plan::advantage`] |
//! | which runs would decide more? | [`Plan::next_runs`] |
//! | how far is it from what was trained on? | [`Extrapolation`] |
//! | which N and D for a budget, and which budget for a loss? | [`Plan::within_budget`], [`Plan::least_budget`] |
//! | how does it move with scale (Fig. 6, 10)? | [`Plan::path`], [`Plan::limit`] |
//! | what is best for one target alone (Fig. 7)? | [`Plan::corners`] |
//! | is it best to train on what the model should be good at (Fig. 8, 9)? | [`Plan::best_for`], [`Plan::fixed_points`] |
//! | what is left of the loss in the limit (eq. 12)? | [`Plan::decompose`] |
//!
//! ```
//! use mixlaw::law::{AdditiveLaw, ScalingLaw};
//! use mixlaw::simplex::Constraints;
//! use mixlaw::{Plan, Predictor, Scale};
//!
//! let law = AdditiveLaw::new(&["web", "code"], Scale::ONE)?;
//! let z = law.coordinates_of(&[
//!     ("E", 1.5), ("C[web]", 1.0), ("gamma[web]", 0.5), ("C[code]", 2.0), ("gamma[code]", 0.5),
//!     ("A", 400.0), ("alpha", 0.34), ("B", 400.0), ("beta", 0.28),
//! ])?;
//! // There are 2e10 tokens of code, to be seen at most four times: 8/14 of 1.4e11 tokens.
//! let limits = Constraints::new().epochs("code", 2e10, 4.0);
//! let python = Predictor::new("python", law, &z)?;
//! let plan = Plan::builder().target(1.0, python).constraints(limits).build()?;
//! let choice = plan.best(Scale { n: 7e9, d: 1.4e11 })?;
//! assert!((choice.optimum.weights[1] - 8.0 / 14.0).abs() < 1e-9);
//! assert!(choice.cost_of_constraints() > 0.0);
//! # Ok::<(), mixlaw::Error>(())
//! ```

mod builder;
mod choice;
mod objective;
mod penalty;
mod risk;
mod runs;
#[cfg(feature = "serde")]
mod stored;

use std::ops::ControlFlow;
use std::sync::Arc;

use crate::error::{Error, ErrorKind, list};
use crate::mixture::Mixture;
use crate::optim::{Control, Observer, Progress};
use crate::predictor::{Predictor, Seen};
use crate::scale::Scale;
use crate::simplex::{Constraints, Optimum, Region, SimplexObjective, SimplexSolver};

pub use builder::PlanBuilder;
pub use choice::Choice;
pub use objective::MixtureObjective;
use penalty::Added;
pub use penalty::Penalty;
pub use risk::Risk;

/// How several targets count together.
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

/// The predictors of the targets, how they count together, and what a mixture must keep.
///
/// It is made by [`Plan::builder`]. It is owned, cheap to clone, and can be asked from many threads.
///
/// ```
/// use mixlaw::law::{AdditiveLaw, ScalingLaw};
/// use mixlaw::plan::Plan;
/// use mixlaw::simplex::Constraints;
/// use mixlaw::{Predictor, Scale};
///
/// let law = AdditiveLaw::new(&["web", "code"], Scale::ONE)?;
/// let z = law.coordinates_of(&[
///     ("E", 1.0), ("C[web]", 1.0), ("C[code]", 3.0), ("gamma[web]", 0.5), ("gamma[code]", 0.5),
///     ("A", 400.0), ("alpha", 0.34), ("B", 400.0), ("beta", 0.28),
/// ])?;
/// // 1e10 tokens of code, at most two times each.
/// let plan = Plan::builder()
///     .target(1.0, Predictor::new("python", law, &z)?)
///     .constraints(Constraints::new().epochs("code", 1e10, 2.0))
///     .build()?;
/// let choice = plan.best(Scale { n: 7e9, d: 4e10 })?;
/// assert!((choice.optimum.weights[1] - 0.5).abs() < 1e-9);
/// assert!(choice.optimum.is_certified());
/// // Without the limit it would be 0.9.
/// assert!((choice.unconstrained.weights[1] - 0.9).abs() < 1e-4);
/// // 1 / ((1 + 3) sqrt(0.5)) against 1 / (sqrt(0.1) + 3 sqrt(0.9)).
/// assert!((choice.cost_of_constraints() - (0.125f64.sqrt() - 0.1f64.sqrt())).abs() < 1e-6);
/// # Ok::<(), mixlaw::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Plan {
    domains: Arc<[String]>,
    targets: Arc<[Target]>,
    goal: Goal,
    penalties: Arc<[Added]>,
    constraints: Arc<Constraints>,
    solver: SimplexSolver,
    observer: Option<Observer>,
    /// Whose losses count.
    seen: Seen,
    /// The call that it answers.
    call: Option<Control>,
}

#[derive(Debug, Clone)]
struct Target {
    weight: f64,
    predictor: Predictor,
    /// For each domain of the predictor its place in the plan; `None` where they agree.
    order: Option<Vec<usize>>,
    /// Whether there are several domains, and the predictor cannot tell mixtures apart.
    blind: bool,
}

impl Target {
    fn name(&self) -> &str {
        self.predictor.target()
    }

    /// A mixture of the plan in the order of the predictor's domains.
    fn own(&self, h: &[f64]) -> Vec<f64> {
        match &self.order {
            None => h.to_vec(),
            Some(order) => order.iter().map(|&i| h[i]).collect(),
        }
    }
}

/// What must be finite wherever something is chosen.
const BEST: &str = "the value of the best mixture";
/// By how much the value of a choice may differ from the plan's own at its mixture, relative to it.
const SAME_VALUE: f64 = 1e-8;

/// A value that must be finite.
fn finite(what: &str, value: f64) -> Result<f64, Error> {
    let wrong = || ErrorKind::NotFinite { what: what.to_owned(), value }.into();
    value.is_finite().then_some(value).ok_or_else(wrong)
}

/// What the solver finds, with the value of the objective itself.
fn solve(
    solver: &SimplexSolver,
    objective: &mut MixtureObjective<'_>,
    region: &Region,
    control: Control,
) -> Result<Optimum, Error> {
    let mut optimum = solver.minimize_for(objective, region, control)?;
    objective.settle(&mut optimum)?;
    Ok(optimum)
}

/// What every question begins with.
impl Plan {
    /// A plan without targets yet, with the weighted sum as the goal and no constraints.
    #[must_use]
    pub fn builder() -> PlanBuilder {
        PlanBuilder::default()
    }

    /// A builder with the settings of this plan, for a plan that differs in some, such as the
    /// constraints.
    #[must_use]
    pub fn to_builder(&self) -> PlanBuilder {
        PlanBuilder::of(self)
    }

    /// The best mixture for N and D, either of which may be infinite: the limit.
    ///
    /// # Errors
    /// [`Error`] if N or D is not a number > 0, a fit does not know them
    /// ([`Fit::for_any_scale`](crate::Fit::for_any_scale)), no mixture keeps the constraints, no target
    /// depends on the mixture ([`Error::is_blind`]) though there are several to choose from, or the value
    /// or a loss is not finite.
    pub fn best(&self, at: Scale) -> Result<Choice, Error> {
        let plan = self.begin("iterations", None);
        let (mut objective, region) = (plan.objective(at)?, self.region(at.d)?);
        self.check_sees(&region)?;
        let mut minimize = |region: &Region| {
            let solver = plan.solver_near(&objective, region, at)?;
            let optimum = solve(&solver, &mut objective, region, plan.control())?;
            finite(BEST, optimum.value)?;
            Ok::<Optimum, Error>(optimum)
        };
        let optimum = minimize(&region)?;
        let unconstrained = if self.constraints.is_empty() {
            optimum.clone()
        } else {
            minimize(&Constraints::new().region(&self.domains, at.d)?)?
        };
        if self.call.is_some() {
            // Half a choice is no part of an answer.
            self.check_stopped()?;
        }
        plan.complete();
        let losses = objective.losses(&optimum.weights)?;
        let named = |(target, loss): (&Target, f64)| {
            let what = format!("the loss of target `{}`", target.name());
            Ok((target.name().to_owned(), finite(&what, loss)?))
        };
        let losses = self.targets.iter().zip(losses).map(named);
        let losses = losses.collect::<Result<Vec<_>, Error>>()?;
        let blind = self.targets.iter().filter(|t| t.blind).map(|t| t.name().to_owned()).collect();
        let domains = self.domains.to_vec();
        Ok(Choice { scale: at, domains, optimum, unconstrained, losses, blind })
    }

    /// The same plan, observed: every call that can take long tells `observer` its [`Progress`] and can
    /// be stopped by it. An observer that never stops a call changes no result.
    ///
    /// | call | what is counted | a stop leaves |
    /// |---|---|---|
    /// | [`Plan::best`] | iterations of mirror descent | the best so far, with [`Termination::Stopped`](crate::optim::Termination::Stopped) |
    /// | [`Plan::certainty`] | members | those that are done |
    /// | [`Plan::region_share`] | draws | those that are done |
    /// | [`Plan::path`] | choices | those that are done |
    /// | [`Plan::next_runs`] | members, then runs | the runs that are chosen |
    /// | all others | what they are made of | an error, [`Error::is_stopped`] |
    ///
    /// Any call that is stopped before the first is done is this error too.
    ///
    /// ```
    /// use std::ops::ControlFlow;
    /// # use mixlaw::law::{AdditiveLaw, ScalingLaw};
    /// # use mixlaw::plan::Growth;
    /// # use mixlaw::plan::Rate::Linear;
    /// # use mixlaw::{Plan, Predictor, Scale};
    /// # let law = AdditiveLaw::new(&["web", "code"], Scale::ONE)?;
    /// # let z = law.coordinates_of(&[
    /// #     ("E", 1.0), ("C[web]", 1.0), ("C[code]", 3.0), ("gamma[web]", 0.5), ("gamma[code]", 0.5),
    /// #     ("A", 400.0), ("alpha", 0.34), ("B", 400.0), ("beta", 0.28),
    /// # ])?;
    /// # let plan = Plan::builder().target(1.0, Predictor::new("python", law, &z)?).build()?;
    ///
    /// let impatient = plan.observe(|progress| {
    ///     if progress.done < 2 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    /// });
    /// let (from, growth) = (Scale { n: 1e9, d: 2e10 }, Growth { n: Linear, d: Linear });
    /// assert_eq!(impatient.path(from, growth, &[1.0, 10.0, 100.0])?.len(), 2);
    /// assert_eq!(plan.path(from, growth, &[1.0, 10.0, 100.0])?.len(), 3);
    /// # Ok::<(), mixlaw::Error>(())
    /// ```
    #[must_use]
    pub fn observe(
        &self,
        observer: impl FnMut(&Progress) -> ControlFlow<()> + Send + 'static,
    ) -> Self {
        Self { observer: Some(Observer::new(observer)), ..self.clone() }
    }

    /// The same plan with the observer of some settings, if they have one.
    pub(crate) fn observed_by(self, observer: Option<&Observer>) -> Self {
        Self { observer: observer.cloned(), ..self }
    }

    /// The names of the domains, in the order of every mixture: those of the first predictor, unless they
    /// were set on the builder.
    #[must_use]
    pub fn domains(&self) -> &[String] {
        &self.domains
    }

    /// The predictors of the targets, in the order in which they were added.
    pub fn predictors(&self) -> impl ExactSizeIterator<Item = &Predictor> {
        self.targets.iter().map(|target| &target.predictor)
    }

    /// The function of h that is minimised at N and D, either of which may be infinite.
    ///
    /// # Errors
    /// [`Error`] if N or D is not a number > 0, or a fit does not know them
    /// ([`Fit::for_any_scale`](crate::Fit::for_any_scale)).
    pub fn objective(&self, at: Scale) -> Result<MixtureObjective<'_>, Error> {
        self.objective_over(at, &self.references(at)?)
    }
}

/// How much of a choice is decided by the predictors alone, and what others would cost.
impl Plan {
    /// For each domain the least and the greatest weight among the mixtures that keep the constraints and
    /// whose value is at most `epsilon` nats above that of the choice: how much of it is decided. Exact
    /// to 1e-6 where the objective is convex. Otherwise descents from the choice and the solver's own
    /// starts look for such mixtures, and may miss some.
    ///
    /// # Errors
    /// As [`Plan::best`], if epsilon is not a finite number >= 0, and if the choice is not one of this
    /// plan.
    pub fn ranges(&self, choice: &Choice, epsilon: f64) -> Result<Vec<(f64, f64)>, Error> {
        if !(epsilon.is_finite() && epsilon >= 0.0) {
            return Err(Error::setting("epsilon", epsilon, "a finite number >= 0"));
        }
        self.check_choice(choice)?;
        let plan = self.begin("ends of ranges", Some(2 * choice.domains.len()));
        let mut control = plan.control();
        let mut objective = plan.objective(choice.scale)?;
        let (own, level) = (&choice.optimum.weights, choice.optimum.value + epsilon);
        // What is wrong with all mixtures is an error; a law may be infinite without a domain.
        plan.descend(&mut objective, &self.region(choice.scale.d)?, own, 4)?;
        // Some twenty for each of two ends, of two descents each.
        let problems = 100 * choice.domains.len();
        let mut good = |domain: &String, weight: f64| {
            let fixed = Constraints::clone(&self.constraints)
                .at_least(domain, weight)
                .at_most(domain, weight);
            let Ok(region) = fixed.region(&choice.domains, choice.scale.d) else { return false };
            let best = plan.descend(&mut objective, &region, own, problems);
            best.is_ok_and(|best| best.value <= level)
        };
        let mut end = |domain: &String, inside: f64, outside: f64| {
            let (mut inside, mut outside) = (inside, outside);
            if good(domain, outside) {
                inside = outside;
            }
            while (inside - outside).abs() > 1e-6 && !control.is_stopped() {
                let middle = 0.5 * (inside + outside);
                *(if good(domain, middle) { &mut inside } else { &mut outside }) = middle;
            }
            control.counted(1);
            inside
        };
        let weights = choice.domains.iter().zip(own.iter());
        let ranges =
            weights.map(|(domain, &h)| (end(domain, h, 0.0), end(domain, h, 1.0))).collect();
        plan.check_stopped()?;
        plan.complete();
        Ok(ranges)
    }

    /// For each target alone the best mixture at N and D, within the constraints (Fig. 7). The values are
    /// losses, whatever the weight of the target and the goal; penalties are added to them. Targets that
    /// do not depend on the mixture have no best one and are left out.
    ///
    /// # Errors
    /// As [`Plan::best`].
    pub fn corners(&self, at: Scale) -> Result<Vec<(String, Optimum)>, Error> {
        let region = self.region(at.d)?;
        self.check_sees(&region)?;
        let plan = self.begin("targets", Some(self.targets.len()));
        let mut control = plan.control();
        let one = |target: &Target| {
            let mut alone = self.alone(target, &self.penalties, at)?;
            let best = plan.minimize(&self.solver, &mut alone, &region)?;
            control.counted(1);
            Ok((target.name().to_owned(), best))
        };
        let corners = self.targets.iter().filter(|target| !target.blind).map(one).collect();
        plan.complete();
        corners
    }
}

/// What the questions have in common.
impl Plan {
    /// The plan for one call, which counts this; a call within another one is a part of it.
    fn begin(&self, what: &'static str, total: Option<usize>) -> Self {
        let call = match &self.call {
            Some(outer) => outer.within(0),
            None => Control::default().observed_by(self.observer.as_ref()),
        };
        call.expect(what, total);
        Self { call: Some(call), ..self.clone() }
    }

    /// The control of the call that it answers.
    fn control(&self) -> Control {
        self.call.clone().unwrap_or_default()
    }

    /// The control of a part of the call, which only passes a stop on.
    fn part(&self) -> Control {
        self.control().within(0)
    }

    /// Tells the observer that the call is done.
    fn complete(&self) {
        self.control().complete();
    }

    /// An error if an observer has stopped the call.
    fn check_stopped(&self) -> Result<(), Error> {
        if self.control().is_stopped() { Err(ErrorKind::Stopped.into()) } else { Ok(()) }
    }

    /// `one` for each number below `count`, on all threads: of the first ones where an observer stops the
    /// call, which is an error where that is none. The error of the first that has one.
    fn some<T: Send>(
        &self,
        control: &mut Control,
        count: usize,
        one: impl Fn(usize) -> Result<T, Error> + Sync,
    ) -> Result<Vec<T>, Error> {
        // What a stop has cut short is thrown away.
        let task = |i| match one(i) {
            _ if self.control().is_stopped() => None,
            result => Some(result),
        };
        let all: Result<Vec<T>, Error> = control.map(count, task).into_iter().collect();
        let all = all?;
        if all.is_empty() && count > 0 { Err(ErrorKind::Stopped.into()) } else { Ok(all) }
    }

    /// As [`Plan::some`], all of them.
    fn all<T: Send>(
        &self,
        control: &mut Control,
        count: usize,
        one: impl Fn(usize) -> Result<T, Error> + Sync,
    ) -> Result<Vec<T>, Error> {
        let all = self.some(control, count, one)?;
        if all.len() == count { Ok(all) } else { Err(ErrorKind::Stopped.into()) }
    }

    /// The optimum, as a part of the call, whose value must be finite.
    fn minimize(
        &self,
        solver: &SimplexSolver,
        objective: &mut MixtureObjective<'_>,
        region: &Region,
    ) -> Result<Optimum, Error> {
        let optimum = solve(solver, objective, region, self.part())?;
        self.check_stopped()?;
        finite(BEST, optimum.value)?;
        Ok(optimum)
    }

    fn objective_over(&self, at: Scale, references: &[f64]) -> Result<MixtureObjective<'_>, Error> {
        let targets = self.targets.iter().map(|target| (target, target.weight));
        let sum = MixtureObjective::new(targets, &self.domains, &self.penalties, self.seen, at)?;
        Ok(if self.goal == Goal::Sum { sum } else { sum.worst(references) })
    }

    /// The loss of one target, with these penalties.
    fn alone<'a>(
        &'a self,
        target: &'a Target,
        penalties: &'a [Added],
        at: Scale,
    ) -> Result<MixtureObjective<'a>, Error> {
        let one = std::iter::once((target, 1.0));
        MixtureObjective::new(one, &self.domains, penalties, self.seen, at)
    }

    /// What each target could have alone, which the excesses are over; none for other goals.
    fn references(&self, at: Scale) -> Result<Vec<f64>, Error> {
        if self.goal != Goal::WorstExcess {
            return Ok(Vec::new());
        }
        let region = self.region(at.d)?;
        let solver = self.solver.clone().share_of_budget(self.targets.len());
        let least = |target: &Target| {
            let mut alone = self.alone(target, &[], at)?;
            Ok(self.minimize(&solver, &mut alone, &region)?.value)
        };
        self.targets.iter().map(least).collect()
    }

    pub(crate) fn region(&self, d: f64) -> Result<Region, Error> {
        self.constraints.region(&self.domains, d)
    }

    /// Checks that some target can tell mixtures apart, or that there is nothing to choose.
    fn check_sees(&self, region: &Region) -> Result<(), Error> {
        let free = (0..region.dim()).filter(|&i| region.bounds(i).0 < region.bounds(i).1);
        // One weight alone is what the others leave.
        if self.targets.iter().any(|target| !target.blind) || free.count() < 2 {
            return Ok(());
        }
        let targets = self.targets.iter().map(|target| target.name().to_owned()).collect();
        Err(ErrorKind::Blind { targets }.into())
    }

    /// Checks that a choice is one of this plan.
    fn check_choice(&self, choice: &Choice) -> Result<(), Error> {
        let (h, value) = (&choice.optimum.weights, choice.optimum.value);
        let fault = |problem: String| Err(ErrorKind::OtherChoice { problem }.into());
        if choice.domains != *self.domains || h.len() != choice.domains.len() {
            let (own, plan) = (list(&choice.domains), list(&self.domains));
            return fault(format!(
                "its {} weights are of the domains {own}, expected {plan}",
                h.len()
            ));
        }
        let region = self.region(choice.scale.d)?;
        self.check_sees(&region)?;
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

    /// The solver. Where all members count, which costs as much as all of them, and there
    /// may be several optima, it begins at the best mixture of the predictors themselves.
    fn solver_near(
        &self,
        objective: &MixtureObjective<'_>,
        region: &Region,
        at: Scale,
    ) -> Result<SimplexSolver, Error> {
        let of_members = matches!(self.seen, Seen::Mean | Seen::WorstShare(_));
        if !of_members || objective.is_convex() || self.solver.has_start() {
            return Ok(self.solver.clone());
        }
        let own = Self { seen: Seen::Own, ..self.clone() };
        let near = own.minimize(&self.descents_only(2), &mut own.objective(at)?, region)?;
        Ok(self.solver.clone().start(near.weights))
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
    ) -> Result<Optimum, Error> {
        let local = self.descents_only(problems);
        let from_near = solve(&local.clone().start(near.clone()), objective, region, self.part());
        if from_near.as_ref().is_ok_and(Optimum::is_certified) {
            return from_near;
        }
        match (from_near, solve(&local, objective, region, self.part())) {
            (Ok(near), Ok(own)) => {
                // Equal up to rounding is the same: keep the near one.
                let margin = 1e-12 * near.value.abs();
                Ok(if near.value <= own.value + margin { near } else { own })
            }
            (from_near, own) => from_near.or(own),
        }
    }
}

// The other questions, each with its impl of `Plan`. They stand here for the order of its page.
mod best_for;
mod budget;
mod certainty;
mod extrapolation;
mod next_runs;
mod path;

pub use crate::design::Run;
pub use best_for::BestFor;
pub use budget::{Budget, Price};
pub use certainty::{Advantage, Certainty, RegionShare};
pub use extrapolation::{Extrapolation, Outside};
pub use next_runs::{Criterion, NextRun};
pub use path::{Decomposition, Growth, Rate};
