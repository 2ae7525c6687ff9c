//! The recommended way in one call: from the runs of a sweep to a mixture, with how far it can be trusted.
//!
//! A [`Decider`] fits the recommended predictor with members to each target, chooses the mixture whose loss
//! is the least in the mean over the members, and compares it with the mixtures that one would take without
//! a law. A [`Decision`] holds the choice, its intervals, how far it is from what was trained and what it
//! would cost to stay within that, and, where the runs do not tell, the runs that would.
//!
//! All of it is done by [`Fitter::recommended`], [`Bootstrap`], [`Plan`] and [`Extrapolation`], which can be
//! asked one by one.

#[cfg(feature = "serde")]
mod stored;
mod text;

use std::ops::ControlFlow;

use crate::error::{Error, ErrorKind};
use crate::fit::Fitter;
use crate::mixture::Mixture;
use crate::optim::{Observer, Progress, Termination};
use crate::plan::{Advantage, Choice, Criterion, Extrapolation, Plan, Risk, Run};
use crate::predictor::{Interval, Predictor, ScaleErrors, check_level};
use crate::scale::Scale;
use crate::simplex::Constraints;
use crate::sweep::Sweep;
use crate::uncertainty::Bootstrap;

/// How to get from a sweep to a mixture. Every setting has a default that is recommended.
///
/// ```
/// use mixlaw::{Decider, Scale, Sweep};
/// # let (mut n, mut d, mut h, mut loss) = (vec![], vec![], vec![], vec![]);
/// # for web in [0.1f64, 0.3, 0.5, 0.7, 0.9] {
/// #     for (size, tokens) in [(1e8, 2e9), (1e8, 8e9), (4e8, 2e9), (4e8, 8e9)] {
/// #         n.push(size);
/// #         d.push(tokens);
/// #         h.extend([web, 1.0 - web]);
/// #         let noise = 1.0 + 0.002 * (37.0 * web + size / 1e8).sin();
/// #         loss.push(noise * (1.0 + 1.0 / (2.0 * f64::powf(web, 0.5) + f64::powf(1.0 - web, 0.5))
/// #             + 400.0 / f64::powf(size, 0.34) + 400.0 / f64::powf(tokens, 0.28)));
/// #     }
/// # }
/// # let train = Sweep::new(&["web", "code"], &["news"], &n, &d, &h, &loss)?;
///
/// // The law that made these losses is best at 0.8 of web.
/// let decision = Decider::new().decide(&train, [(1.0, "news")], Scale { n: 1e9, d: 2e10 })?;
/// println!("{decision}");
/// assert!((decision.choice.optimum.weights[0] - 0.8).abs() < 0.05);
/// assert!(decision.rivals[0].advantage.runs.probability > 0.95);
/// // Not of every rival do so few runs tell.
/// assert!(decision.rivals[0].is_decided() && decision.rivals[0].name.starts_with("equal weights"));
/// # Ok::<(), mixlaw::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Decider {
    members: usize,
    seed: u64,
    level: f64,
    margin: f64,
    risk: Risk,
    constraints: Constraints,
    in_use: Option<Mixture>,
    observer: Option<Observer>,
}

/// What a [`Decider`] finds.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(try_from = "stored::StoredDecision")
)]
#[non_exhaustive]
pub struct Decision {
    /// The mixture within the constraints, with its certificate. Its value is the mean over the members, or what
    /// [`Decider::risk`] asks for.
    pub choice: Choice,
    /// What was minimised over the members.
    pub risk: Risk,
    /// The level of all intervals.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
    pub level: f64,
    /// The interval of the goal's value for a run with the choice, in nats: [`Plan::prediction_interval`].
    /// Its estimate is the value of the choice, which by a [worst share](Risk::WorstShare) may lie above the interval.
    pub value: Interval,
    /// For each domain the interval of the weights that the members would have chosen, each alone.
    pub weights: Vec<Interval>,
    /// How far the choice is from what was trained.
    pub extrapolation: Extrapolation,
    /// Whether a scale as far beyond what was fitted was held out ([`ScaleErrors`]): if not, how much wider the
    /// interval of the value is for the extrapolation is believed and was not seen. `None` within the data.
    pub is_checked: Option<bool>,
    /// What would have been chosen with each weight within what was trained; none if no such mixture keeps the
    /// constraints. Outside of that a law is believed and not tested.
    pub within_trained: Option<Choice>,
    /// The mixtures that one would take without a law, and by how much the choice is better.
    pub rivals: Vec<Rival>,
    /// Where the runs do not tell ([`Decision::is_decided`]), the runs that would tell most, best first, each
    /// with the share of the variance of the decision that it takes off together with those before it.
    /// Otherwise empty.
    pub next_runs: Vec<(Run, f64)>,
}

/// A mixture that a choice is compared with.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Rival {
    /// What it is.
    pub name: String,
    /// The mixture, in the order of the choice's domains.
    pub h: Mixture,
    /// Half the sum of the differences between its weights and those of the choice (total variation): the
    /// share of the tokens that would be other ones.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
    pub distance: f64,
    /// By how much the choice is better, and how probably.
    pub advantage: Advantage,
}

/// The least probability of being better with which a comparison is decided.
pub const DECIDED: f64 = 0.8;
/// Mixtures that differ by less than this share of the tokens are the same for all that matters.
const SAME: f64 = 0.005;
/// Rivals that differ by less, which is rounding, are one.
const EQUAL: f64 = 1e-5;
/// So many mixtures are drawn for the runs that would tell more.
const DRAWN: usize = 100;
/// So many members of fits to smaller sizes: for a variance and not for quantiles.
const HELD_OUT_MEMBERS: usize = 20;
/// So many runs are named.
const NEXT: usize = 3;

impl Default for Decider {
    fn default() -> Self {
        Self::new()
    }
}

impl Decider {
    /// The defaults: 400 members, seed 0, intervals at a level of 0.9, no constraints.
    #[must_use]
    pub fn new() -> Self {
        Self {
            members: 400,
            seed: 0,
            level: 0.9,
            margin: f64::INFINITY,
            risk: Risk::Mean,
            constraints: Constraints::new(),
            in_use: None,
            observer: None,
        }
    }

    /// The number of members, from 20, best a multiple of 100; see [`Bootstrap`]. Choices of two
    /// seeds differ the less the more there are.
    #[must_use]
    pub fn members(self, members: usize) -> Self {
        Self { members, ..self }
    }

    /// The seed of starts and members.
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// The level of the intervals, between 0 and 1.
    #[must_use]
    pub fn level(self, level: f64) -> Self {
        Self { level, ..self }
    }

    /// How far a weight may be outside of what was trained with, as a share of the range that was trained:
    /// 0 for not at all; by default infinity, for no such limit.
    ///
    /// With the prior the limit does more harm than good: in replays on three sweeps of real runs, and in
    /// synthetic ones that surround a natural mixture, choices without it have the least regret (`cargo bench
    /// --bench decisions`). A [`Decision`] says how far outside it is, and what
    /// [`within_trained`](Decision::within_trained) would cost.
    #[must_use]
    pub fn margin(self, margin: f64) -> Self {
        Self { margin, ..self }
    }

    /// What is minimised over the members: by default their mean, and for the careful the mean of the worst
    /// share of them.
    #[must_use]
    pub fn risk(self, risk: Risk) -> Self {
        Self { risk, ..self }
    }

    /// What the mixture must keep, beside the margin.
    #[must_use]
    pub fn constraints(self, constraints: Constraints) -> Self {
        Self { constraints, ..self }
    }

    /// A mixture to compare the choice with, such as the one in use, in the order of the sweep's domains. It
    /// takes the place of the mean of the training mixtures.
    #[must_use]
    pub fn against(self, in_use: Mixture) -> Self {
        Self { in_use: Some(in_use), ..self }
    }

    /// Calls `observer` with the [`Progress`] of every step: the local solves of each fit, the resamples of
    /// each target, the members of the choice. It can stop the decision, which is an error then,
    /// [`Error::is_stopped`].
    #[must_use]
    pub fn observe(
        self,
        observer: impl FnMut(&Progress) -> ControlFlow<()> + Send + 'static,
    ) -> Self {
        Self { observer: Some(Observer::new(observer)), ..self }
    }

    /// The recommended predictor of each target, with members and with its errors at larger scales:
    /// [`Predictor::recommended`] after a [`Bootstrap`], and [`ScaleErrors`] of all these targets together.
    ///
    /// # Errors
    /// As [`Fitter::fit`] and [`Bootstrap::run`], and if the observer stops it.
    pub fn predictors(
        &self,
        train: &Sweep,
        targets: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<Vec<Predictor>, Error> {
        self.check(train)?;
        let observer = self.observer.as_ref();
        let fitter = Fitter::recommended().seed(self.seed).observed_by(observer);
        let bootstrap = Bootstrap::new(self.members).seed(self.seed).observed_by(observer);
        let fit = |rows: &Sweep, target: &str| -> Result<Predictor, Error> {
            let predictor = Predictor::recommended_by(&fitter, rows, target)?;
            let stopped = predictor.fits().any(|fit| fit.termination() == Termination::Stopped);
            if stopped { Err(ErrorKind::Stopped.into()) } else { Ok(predictor) }
        };
        let one = |target: &str| -> Result<Predictor, Error> {
            let predictor = bootstrap.run(&fit(train, target)?, train)?;
            let members = predictor.needed_members()?;
            let is_complete = members.termination() == Termination::Complete;
            if is_complete { Ok(predictor) } else { Err(ErrorKind::Stopped.into()) }
        };
        let predictors = targets.into_iter().map(|target| one(target.as_ref()));
        let predictors = predictors.collect::<Result<Vec<_>, Error>>()?;
        let held_out = |rows: &Sweep, target: &str| -> Result<Predictor, Error> {
            let predictor = fit(rows, target)?;
            // With too few runs to draw from, nothing is taken off the errors.
            let members = Bootstrap::new(HELD_OUT_MEMBERS).seed(self.seed).run(&predictor, rows);
            Ok(members.unwrap_or(predictor))
        };
        let errors = ScaleErrors::measure(train, &predictors, held_out)?;
        predictors.into_iter().map(|predictor| predictor.with_scale_errors(&errors)).collect()
    }

    /// The mixture for a weighted sum of targets at N and D, from the runs of a sweep.
    ///
    /// # Errors
    /// As [`Decider::predictors`] and [`Decider::decide_by`].
    pub fn decide(
        &self,
        train: &Sweep,
        targets: impl IntoIterator<Item = (f64, impl AsRef<str>)>,
        at: Scale,
    ) -> Result<Decision, Error> {
        let (weights, names): (Vec<f64>, Vec<_>) = targets.into_iter().unzip();
        let predictors = self.predictors(train, names)?;
        self.decide_by(weights.into_iter().zip(predictors), train, at)
    }

    /// As [`Decider::decide`], by predictors with members, of this crate's making or yours, for any weighted
    /// sum of their targets. The sweep is the one that they were fitted to.
    ///
    /// # Errors
    /// As [`PlanBuilder::build`](crate::plan::PlanBuilder::build), [`Plan::best`] and [`Plan::certainty`]; if
    /// the sweep has other domains, the level is not between 0 and 1, the margin is not a number >= 0, the
    /// mixture in use has another number of domains, or the observer stops it.
    pub fn decide_by(
        &self,
        targets: impl IntoIterator<Item = (f64, impl Into<Predictor>)>,
        train: &Sweep,
        at: Scale,
    ) -> Result<Decision, Error> {
        let plan = self.plan(targets, train)?;
        let choice = plan.best(at)?;
        let within_trained = self.within_trained(&plan, train, at)?;
        let stopped = |choice: &Choice| choice.optimum.termination == Termination::Stopped;
        let certainty = plan.certainty(&choice)?;
        if stopped(&choice)
            || within_trained.as_ref().is_some_and(stopped)
            || certainty.termination() == Termination::Stopped
        {
            return Err(ErrorKind::Stopped.into());
        }
        let rivals = self.rivals(&plan, &choice, train)?;
        let mut decision = Decision {
            risk: self.risk,
            level: self.level,
            value: plan.prediction_interval(&choice, self.level)?,
            weights: certainty.weights(self.level)?,
            extrapolation: Extrapolation::of(&choice, train)?,
            is_checked: plan.is_checked(at),
            within_trained,
            rivals,
            next_runs: Vec::new(),
            choice,
        };
        if !decision.is_decided() {
            decision.next_runs = self.next_runs(&plan, &decision, train)?;
        }
        Ok(decision)
    }

    /// The plan that [`Decider::decide_by`] asks, for all that a [`Plan`] can be asked beside it.
    ///
    /// # Errors
    /// As [`Decider::decide_by`].
    pub fn plan(
        &self,
        targets: impl IntoIterator<Item = (f64, impl Into<Predictor>)>,
        train: &Sweep,
    ) -> Result<Plan, Error> {
        self.check(train)?;
        let builder = Plan::builder().domains(train.domains()).risk(self.risk);
        let builder = targets.into_iter().fold(builder, |plan, (weight, p)| plan.target(weight, p));
        let mut limits = self.constraints.clone();
        if self.margin != f64::INFINITY {
            limits = limits.trained_box(train, self.margin);
        }
        Ok(builder.constraints(limits).build()?.observed_by(self.observer.as_ref()))
    }

    /// Checks the settings, before anything that takes long.
    fn check(&self, train: &Sweep) -> Result<(), Error> {
        check_level(self.level)?;
        if self.margin.is_nan() || self.margin < 0.0 {
            let name = "the margin around what was trained on";
            return Err(Error::setting(name, self.margin, "a number >= 0"));
        }
        let k = train.domains().len();
        match self.in_use.as_ref().filter(|h| h.len() != k) {
            None => self.constraints.region(train.domains(), 1.0).map(|_| ()),
            Some(h) => {
                let (what, found) = ("the mixture in use".to_owned(), h.len());
                Err(ErrorKind::Length { what, found, expected: k }.into())
            }
        }
    }

    /// The best choice of a plan with each weight within what was trained, if any keeps the constraints.
    fn within_trained(
        &self,
        plan: &Plan,
        train: &Sweep,
        at: Scale,
    ) -> Result<Option<Choice>, Error> {
        let limits = self.constraints.clone().trained_box(train, 0.0);
        match plan.to_builder().constraints(limits).build() {
            Ok(plan) => match plan.observed_by(self.observer.as_ref()).best(at) {
                Err(error) if is_infeasible(&error) => Ok(None),
                choice => choice.map(Some),
            },
            Err(error) if is_infeasible(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What one would take without a law: equal weights, the mixture in use or the mean of those that were
    /// trained, and the one among the trained mixtures that is predicted to be best at this scale.
    fn rivals(&self, plan: &Plan, choice: &Choice, train: &Sweep) -> Result<Vec<Rival>, Error> {
        let k = train.domains().len();
        let trained = train.distinct_mixtures().into_iter();
        let trained: Vec<Mixture> =
            trained.map(|group| Mixture::new(group.first.h.to_vec())).collect::<Result<_, _>>()?;
        let mean: Vec<f64> = (0..k).map(|i| mean(trained.iter().map(|h| h[i]))).collect();
        let second = match &self.in_use {
            Some(h) => ("the mixture in use", h.clone()),
            None => ("the mean of the trained mixtures", Mixture::new(mean)?),
        };
        let mut all = vec![("equal weights", Mixture::uniform(k)), second];
        all.extend(best_of(plan, choice, trained)?.map(|h| ("the best trained mixture", h)));
        let rival = |name: &str, h: Mixture| -> Result<Rival, Error> {
            let advantage = plan.advantage(choice, &h, self.level)?;
            let distance = distance(&h, &choice.optimum.weights);
            Ok(Rival { name: name.to_owned(), h, distance, advantage })
        };
        let mut rivals: Vec<Rival> = Vec::new();
        for (name, h) in all {
            match rivals.iter_mut().find(|other| distance(&other.h, &h) < EQUAL) {
                Some(other) => other.name = format!("{} ({name})", other.name),
                None => rivals.push(rival(name, h)?),
            }
        }
        Ok(rivals)
    }

    /// The runs that would tell most: at each trained size with its most tokens, of the choice, of its
    /// rivals, and of mixtures drawn at random.
    fn next_runs(
        &self,
        plan: &Plan,
        decision: &Decision,
        train: &Sweep,
    ) -> Result<Vec<(Run, f64)>, Error> {
        let mut mixtures = vec![decision.choice.optimum.weights.clone()];
        mixtures.extend(decision.rivals.iter().map(|rival| rival.h.clone()));
        let uniform = vec![1.0; train.domains().len()];
        mixtures.extend(Mixture::dirichlet(&uniform, DRAWN, self.seed)?);
        let at = |scale| mixtures.iter().map(move |h| Run { scale, h: h.clone() });
        let candidates: Vec<Run> = train.largest_scales().into_iter().flat_map(at).collect();
        let next = plan.next_runs(&decision.choice, &candidates, NEXT, Criterion::Decision)?;
        if next.len() < NEXT {
            return Err(ErrorKind::Stopped.into());
        }
        Ok(next.into_iter().map(|run| (candidates[run.candidate].clone(), run.gain)).collect())
    }
}

impl Rival {
    /// Whether it is the choice, up to half a percent of the tokens.
    #[must_use]
    pub fn is_the_choice(&self) -> bool {
        self.distance <= SAME
    }

    /// Whether the runs tell that the choice is better: with a probability of at least [`DECIDED`]. A rival
    /// that is the choice, or that does not keep the constraints, leaves nothing to decide.
    #[must_use]
    pub fn is_decided(&self) -> bool {
        let Advantage { runs, within_limits, .. } = self.advantage;
        self.is_the_choice() || !within_limits || runs.probability >= DECIDED
    }
}

impl Decision {
    /// Whether the runs tell that the choice is better than each of its rivals ([`Rival::is_decided`]).
    #[must_use]
    pub fn is_decided(&self) -> bool {
        self.rivals.iter().all(Rival::is_decided)
    }

    /// What it would cost to keep each weight within what was trained, as predicted, in nats: the value of
    /// [`Decision::within_trained`] above that of the choice.
    #[must_use]
    pub fn cost_of_staying_within(&self) -> Option<f64> {
        let within = self.within_trained.as_ref()?;
        Some((within.optimum.value - self.choice.optimum.value).max(0.0))
    }
}

fn is_infeasible(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Infeasible { .. })
}

/// The one of these mixtures that keeps the constraints and has the least value, if any keeps them.
fn best_of(plan: &Plan, choice: &Choice, all: Vec<Mixture>) -> Result<Option<Mixture>, Error> {
    let region = plan.region(choice.scale.d)?;
    let mut objective = plan.objective(choice.scale)?;
    let mut best: Option<(f64, Mixture)> = None;
    for h in all.into_iter().filter(|h| region.contains(h)) {
        let value = objective.value(&h)?;
        if best.as_ref().is_none_or(|(least, _)| value < *least) {
            best = Some((value, h));
        }
    }
    Ok(best.map(|(_, h)| h))
}

/// Half the sum of the differences between weights.
fn distance(a: &Mixture, b: &Mixture) -> f64 {
    a.iter().zip(b.iter()).map(|(a, b)| (a - b).abs()).sum::<f64>() / 2.0
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len() as f64;
    values.sum::<f64>() / count
}
