use std::fmt;

use super::{BEST, Choice, Plan, finite};
use crate::error::{Error, ErrorKind};
use crate::mixture::Mixture;
use crate::optim::Termination;
use crate::predictor::{Difference, Interval, Members, Seen, TwoRuns, check_level, interval};

/// So many draws are looked at between two calls of the observer.
const ROUND: usize = 256;
/// More draws would say nothing more: the share has a standard error below 0.05% by then.
const MOST_DRAWS: usize = 1_000_000;

/// How sure a choice is: what the members of the predictors would have chosen. Made by
/// [`Plan::certainty`].
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(try_from = "StoredCertainty")
)]
pub struct Certainty {
    choice: Mixture,
    optima: Vec<Mixture>,
    termination: Termination,
}

/// How much better a choice is than another mixture; made by [`Plan::advantage`].
///
/// It prints what runs would show: `0.0903 [0.0751, 0.1065] nats, with probability 0.98`.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Advantage {
    /// Of one run with the choice and one with the other mixture, with the noise of both.
    pub runs: Difference,
    /// Of what the laws say, which is as if each mixture were run very often: the share of the members in
    /// which the choice is the lower one, and the interval of the difference over the members.
    pub law: Difference,
    /// Whether the other mixture keeps the plan's constraints. One that does not can be better than the
    /// choice.
    pub within_limits: bool,
}

impl fmt::Display for Advantage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outside = if self.within_limits { "" } else { " (it does not keep the limits)" };
        write!(f, "{}{outside}", self.runs)
    }
}

/// A [`Certainty`] as it is in a file, not checked.
#[cfg(feature = "serde")]
#[derive(serde::Deserialize)]
#[serde(expecting = "the certainty of a choice")]
struct StoredCertainty {
    choice: Mixture,
    optima: Vec<Mixture>,
    termination: Termination,
}

#[cfg(feature = "serde")]
impl TryFrom<StoredCertainty> for Certainty {
    type Error = Error;

    fn try_from(stored: StoredCertainty) -> Result<Self, Error> {
        let StoredCertainty { choice, optima, termination } = stored;
        if optima.is_empty() {
            return Err(ErrorKind::Empty { what: "a certainty", part: "optimum" }.into());
        }
        let expected = choice.len();
        match optima.iter().find(|h| h.len() != expected) {
            None => Ok(Self { choice, optima, termination }),
            Some(h) => {
                let (what, found) = ("an optimum".to_owned(), h.len());
                Err(ErrorKind::Length { what, found, expected }.into())
            }
        }
    }
}

/// The share of the simplex that could be the best; made by [`Plan::region_share`].
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct RegionShare {
    /// The share of the draws that are in the region.
    #[cfg_attr(feature = "serde", serde(with = "super::stored::share"))]
    pub share: f64,
    /// Of how many draws: fewer than were asked for where an observer stopped the call.
    pub draws: usize,
    /// [`Termination::Stopped`] if an observer stopped it early, otherwise
    /// [`Termination::Complete`].
    pub termination: Termination,
}

impl Certainty {
    /// The best mixture of every member.
    #[must_use]
    pub fn optima(&self) -> &[Mixture] {
        &self.optima
    }

    /// [`Termination::Stopped`] if an observer stopped it early, with the optima of the first members,
    /// otherwise [`Termination::Complete`].
    #[must_use]
    pub fn termination(&self) -> Termination {
        self.termination
    }

    /// For each domain the interval of its best weight, by percentiles of the members.
    ///
    /// # Errors
    /// If the level is not between 0 and 1.
    pub fn weights(&self, level: f64) -> Result<Vec<Interval>, Error> {
        check_level(level)?;
        let one = |i: usize| {
            let values = self.optima.iter().map(|h| h[i]).collect();
            interval(self.choice[i], values, level)
        };
        Ok((0..self.choice.len()).map(one).collect())
    }
}

/// How much of a choice is decided, given the noise of the runs.
impl Plan {
    /// What every member would have chosen, within the constraints: the best mixture that descents find
    /// from the choice and, unless it is certified, from the solver's own starts.
    ///
    /// # Errors
    /// As [`Plan::best`], if a target has no [members](crate::Predictor::members) or they are of different
    /// draws, and if the choice is not one of this plan.
    ///
    /// ```
    /// # use mixlaw::law::AdditiveLaw;
    /// # use mixlaw::uncertainty::Bootstrap;
    /// # use mixlaw::{Fitter, Mixture, Plan, Scale, Sweep};
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
    /// # let sweep = Sweep::new(&["web", "code"], &["web"], &n, &d, &h, &loss)?;
    /// # let fit = Fitter::new().fit(AdditiveLaw::for_sweep(&sweep), &sweep, "web")?;
    /// let web = Bootstrap::new(100).run(&fit, &sweep)?;
    /// let plan = Plan::builder().target(1.0, web).build()?;
    /// let choice = plan.best(Scale { n: 1e9, d: 2e10 })?;
    /// let certainty = plan.certainty(&choice)?;
    /// // The law that made these losses is best at 0.8 of web.
    /// assert!(certainty.weights(0.9)?[0].contains(0.8));
    /// let over_uniform = plan.advantage(&choice, &Mixture::uniform(2), 0.9)?;
    /// assert!(over_uniform.runs.probability > 0.95);
    /// // Which mixtures could be the best, at a level of 90%?
    /// let grid = Mixture::grid(2, 20, 0.0)?;
    /// let as_good = plan.as_good(&choice, &grid)?;
    /// let region: Vec<f64> =
    ///     grid.iter().zip(as_good).filter(|(_, p)| *p > 1.0 - 0.9).map(|(h, _)| h[0]).collect();
    /// assert!(region.contains(&0.8) && !region.contains(&0.5));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn certainty(&self, choice: &Choice) -> Result<Certainty, Error> {
        let members = self.count_members()?;
        self.check_choice(choice)?;
        let region = self.region(choice.scale.d)?;
        let one = |plan: &Self| -> Result<Mixture, Error> {
            let mut objective = plan.objective(choice.scale)?;
            let best = plan.descend(&mut objective, &region, &choice.optimum.weights, 1)?;
            finite(BEST, best.value)?;
            Ok(best.weights)
        };
        let plan = self.begin("members", Some(members));
        let (optima, termination) = plan.for_members(members, one)?;
        plan.complete();
        Ok(Certainty { choice: choice.optimum.weights.clone(), optima, termination })
    }

    /// Between what values the choice lies as the laws say, by percentiles of the members.
    /// [`Plan::prediction_interval`] is that of a run.
    ///
    /// # Errors
    /// As [`Plan::certainty`], and if the level is not between 0 and 1.
    pub fn interval(&self, choice: &Choice, level: f64) -> Result<Interval, Error> {
        check_level(level)?;
        let (estimate, values) = self.values_of(choice)?;
        Ok(interval(estimate, values, level))
    }

    /// The value of a choice, and that to each member.
    pub(super) fn values_of(&self, choice: &Choice) -> Result<(f64, Vec<f64>), Error> {
        let members = self.count_members()?;
        self.check_choice(choice)?;
        let value = |plan: &Self| -> Result<f64, Error> {
            let value = plan.objective(choice.scale)?.value(&choice.optimum.weights)?;
            finite("the value of the choice", value)
        };
        Ok((value(self)?, self.for_all_members(members, value)?))
    }

    /// How much better the choice is than another mixture, in the order of [`Plan::domains`]: of two runs, and
    /// as the laws say. The other one need not keep the constraints; [`Advantage::within_limits`] tells whether
    /// it does.
    ///
    /// The noise of runs is that of [`Predictor::difference`](crate::Predictor::difference), for both as large as
    /// at the choice; what the runs of all targets have in common is kept. Probabilities are never 0 or 1: of B
    /// members none says more than `(B + 1/2) / (B + 1)`.
    ///
    /// # Errors
    /// As [`Plan::certainty`], and if the mixture has another number of domains or the level is not
    /// between 0 and 1.
    pub fn advantage(
        &self,
        choice: &Choice,
        other: &Mixture,
        level: f64,
    ) -> Result<Advantage, Error> {
        check_level(level)?;
        let members = self.count_members()?;
        self.check_choice(choice)?;
        let difference = |plan: &Self| -> Result<f64, Error> {
            let mut objective = plan.objective(choice.scale)?;
            let own = finite("the value of the choice", objective.value(&choice.optimum.weights)?)?;
            finite("the advantage of the choice", objective.value(other)? - own)
        };
        let values = self.for_all_members(members, difference)?;
        let estimate = difference(self)?;
        let within_limits = self.region(choice.scale.d)?.contains(other);
        let runs = self.two_runs(choice)?.difference(estimate, &values, level);
        let law = TwoRuns::new(Vec::new()).difference(estimate, &values, level);
        Ok(Advantage { runs, law, within_limits })
    }

    /// For each mixture the probability that a run of it is at least as good as one of the choice, with the
    /// noise of both runs as in [`Plan::advantage`]: 1/2 for the choice itself.
    ///
    /// The region of mixtures that could be the best at a level of 90% are those with a probability above
    /// 10%: all that the choice does not beat with a probability of 90% or more. On synthetic sweeps it
    /// holds the true optimum at least that often (`cargo bench --bench coverage`).
    ///
    /// # Errors
    /// As [`Plan::certainty`], and if a mixture has another number of domains or a law is not defined
    /// there.
    pub fn as_good(&self, choice: &Choice, mixtures: &[Mixture]) -> Result<Vec<f64>, Error> {
        let members = self.count_members()?;
        self.check_choice(choice)?;
        let noise = self.two_runs(choice)?;
        let one = |plan: &Self| -> Result<Vec<f64>, Error> {
            let mut objective = plan.objective(choice.scale)?;
            let own = finite("the value of the choice", objective.value(&choice.optimum.weights)?)?;
            let better = |h: &Mixture| {
                let (value, what) = (objective.value(h)?, "the value of a mixture".to_owned());
                // An infinite one is no good, but of NaN nobody can tell.
                if value.is_nan() {
                    Err(ErrorKind::NotFinite { what, value }.into())
                } else {
                    Ok(own - value)
                }
            };
            mixtures.iter().map(better).collect()
        };
        let all = self.for_all_members(members, one)?;
        let share = |i: usize| noise.mean_probability(all.iter().map(|better| better[i]));
        Ok((0..mixtures.len()).map(share).collect())
    }

    /// The share of the whole simplex, with or without the constraints, that is in the region of
    /// [`Plan::as_good`] at this level: how many mixtures could still be the best. It is estimated from
    /// this many mixtures drawn uniformly.
    ///
    /// # Errors
    /// As [`Plan::as_good`], and if the level is not between 0 and 1 or the draws are not from 1 to
    /// 1,000,000.
    pub fn region_share(
        &self,
        choice: &Choice,
        level: f64,
        draws: usize,
        seed: u64,
    ) -> Result<RegionShare, Error> {
        check_level(level)?;
        if !(1..=MOST_DRAWS).contains(&draws) {
            let (value, expected) = (draws as f64, "from 1 to 1,000,000");
            return Err(Error::setting("the number of draws", value, expected));
        }
        let uniform = vec![1.0; choice.domains.len()];
        let drawn = Mixture::dirichlet(&uniform, draws, seed)?;
        let plan = self.begin("draws", Some(draws));
        let (mut done, mut inside, mut control) = (0, 0, plan.control());
        for some in drawn.chunks(ROUND) {
            inside += match plan.count_inside(choice, some, level) {
                Err(error) if error.is_stopped() && done > 0 => break,
                count => count?,
            };
            done += some.len();
            if control.counted(some.len()) {
                break;
            }
        }
        plan.complete();
        let termination = Termination::of_many(done == draws);
        Ok(RegionShare { share: inside as f64 / done as f64, draws: done, termination })
    }

    /// How many mixtures are in the region of those that could be the best.
    fn count_inside(&self, choice: &Choice, some: &[Mixture], level: f64) -> Result<usize, Error> {
        let shares = self.as_good(choice, some)?;
        Ok(shares.iter().filter(|share| **share > 1.0 - level).count())
    }

    /// The members of each target, checked to belong together.
    pub(super) fn members(&self) -> Result<Vec<&Members>, Error> {
        let all: Result<Vec<&Members>, Error> =
            self.targets.iter().map(|target| target.predictor.needed_members()).collect();
        let all = all?;
        match self.targets.iter().zip(&all).find(|(_, other)| !all[0].is_aligned_with(other)) {
            None => Ok(all),
            Some((other, _)) => {
                let (first, other) = (self.targets[0].name(), other.name());
                Err(ErrorKind::OtherDraws { first: first.to_owned(), other: other.to_owned() }
                    .into())
            }
        }
    }

    /// How many members there are, of every target.
    fn count_members(&self) -> Result<usize, Error> {
        Ok(self.members()?[0].len())
    }

    /// What `one` makes of the plan as each member sees it, without the search for a proof: of the first
    /// ones where an observer stops the call. The error of the first that has one.
    fn for_members<T: Send>(
        &self,
        members: usize,
        one: impl Fn(&Self) -> Result<T, Error> + Sync,
    ) -> Result<(Vec<T>, Termination), Error> {
        let solver = self.descents_only(members / 8);
        let as_member = |member| Self {
            seen: Seen::Member(member),
            solver: solver.clone(),
            call: Some(self.part()),
            ..self.clone()
        };
        let all = self.some(&mut self.control(), members, |member| one(&as_member(member)))?;
        let termination = Termination::of_many(all.len() == members);
        Ok((all, termination))
    }

    /// As [`Plan::for_members`], as a call of its own that makes no sense in part.
    pub(super) fn for_all_members<T: Send>(
        &self,
        members: usize,
        one: impl Fn(&Self) -> Result<T, Error> + Sync,
    ) -> Result<Vec<T>, Error> {
        let plan = self.begin("members", Some(members));
        let (all, termination) = plan.for_members(members, one)?;
        plan.complete();
        if termination == Termination::Complete { Ok(all) } else { Err(ErrorKind::Stopped.into()) }
    }
}
