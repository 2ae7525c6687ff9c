use super::{BEST, Choice, Plan, Target, finite};
#[cfg(feature = "serde")]
use crate::error::SimplexError;
use crate::error::{PlanError, SettingError};
use crate::mixture::Mixture;
use crate::optim::{Control, Observer, Termination};
use crate::parallel;
use crate::uncertainty::{Interval, Resamples, check_level, interval};

/// So many draws are looked at between two calls of the observer.
const ROUND: usize = 256;
/// More draws would say nothing more: the share has a standard error below 0.05% by then.
const MOST_DRAWS: usize = 1_000_000;

/// How sure a choice is: what resampled fits would have chosen. Made by [`Plan::certainty`].
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(try_from = "StoredCertainty")
)]
pub struct Certainty {
    choice: Mixture,
    optima: Vec<Mixture>,
}

/// How much lower the value of a choice is than that of another mixture.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Advantage {
    /// The value of the other mixture less that of the choice, in nats.
    pub nats: Interval,
    /// The share of the resamples in which the choice is the lower one: the probability that it beats
    /// the other mixture.
    #[cfg_attr(feature = "serde", serde(with = "super::stored::probability"))]
    pub probability: f64,
    /// Whether the other mixture keeps the plan's constraints. One that does not may well be better.
    pub within_limits: bool,
}

/// A [`Certainty`] as it stands in a file, not checked.
#[cfg(feature = "serde")]
#[derive(serde::Deserialize)]
#[serde(expecting = "the certainty of a choice")]
struct StoredCertainty {
    choice: Mixture,
    optima: Vec<Mixture>,
}

#[cfg(feature = "serde")]
impl TryFrom<StoredCertainty> for Certainty {
    type Error = SimplexError;

    fn try_from(stored: StoredCertainty) -> Result<Self, SimplexError> {
        let StoredCertainty { choice, optima } = stored;
        if optima.is_empty() {
            let (name, expected) = ("the number of optima".to_owned(), "at least 1");
            return Err(SettingError::new(name, 0.0, expected).into());
        }
        let expected = choice.len();
        match optima.iter().find(|h| h.len() != expected) {
            None => Ok(Self { choice, optima }),
            Some(h) => {
                Err(SimplexError::Dimension { what: "an optimum", found: h.len(), expected })
            }
        }
    }
}

impl Certainty {
    /// The best mixture of every resample.
    #[must_use]
    pub fn optima(&self) -> &[Mixture] {
        &self.optima
    }

    /// For each domain the interval of its best weight, by percentiles of the resamples.
    ///
    /// # Errors
    /// If the level is not between 0 and 1.
    pub fn weights(&self, level: f64) -> Result<Vec<Interval>, PlanError> {
        check_level(level)?;
        let one = |i: usize| {
            let values = self.optima.iter().map(|h| h[i]).collect();
            interval(self.choice[i], values, level)
        };
        Ok((0..self.choice.len()).map(one).collect())
    }
}

impl<'a> Plan<'a> {
    /// The resamples of all targets, checked to belong together.
    pub(super) fn resamples(&self) -> Result<Vec<&'a Resamples>, PlanError> {
        let of = |target: &Target<'a>| {
            target.resamples.ok_or_else(|| {
                let name = &target.name;
                PlanError::Resamples(format!(
                    "target `{name}` has no resamples, expected all to be added by with_resamples"
                ))
            })
        };
        let all: Vec<&Resamples> = self.targets.iter().map(of).collect::<Result<_, _>>()?;
        let first = all.first().ok_or(PlanError::NoTargets)?;
        match self.targets.iter().zip(&all).find(|(_, other)| !first.is_aligned_with(other)) {
            None => Ok(all),
            Some((target, _)) => Err(PlanError::Resamples(format!(
                "the resamples of `{}` and `{}` are of different draws, expected the same seed, number and sweep",
                self.targets[0].name, target.name
            ))),
        }
    }

    /// The plan as a resample sees it; without the search for a proof.
    pub(super) fn resampled(&self, resamples: &[&'a Resamples], resample: usize) -> Self {
        let target = |(target, own): (&Target<'a>, &&'a Resamples)| Target {
            laws: own.member(resample).collect(),
            ..target.clone()
        };
        let targets = self.targets.iter().zip(resamples).map(target).collect();
        Self { targets, solver: self.descents_only(resamples[0].len() / 8), ..self.clone() }
    }

    /// What every resample would have chosen instead, within the constraints: the best mixture that
    /// descents find from the choice and, unless that one is shown to be the best, from the solver's
    /// own starts.
    ///
    /// # Errors
    /// [`PlanError::Resamples`] unless all targets were added by [`Plan::with_resamples`] with the same
    /// draws, [`PlanError::Choice`] if the choice is not one of this plan, and as [`Plan::best`].
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
    /// let resamples = Bootstrap::new(100).run(&fit, &sweep)?;
    /// let plan = Plan::new().with_resamples(1.0, &resamples);
    /// let choice = plan.best(Scale { n: 1e9, d: 2e10 })?;
    /// let certainty = plan.certainty(&choice)?;
    /// // The law that made these losses is best at 0.8 of web.
    /// assert!(certainty.weights(0.9)?[0].contains(0.8));
    /// let over_uniform = plan.advantage(&choice, &Mixture::uniform(2), 0.9)?;
    /// assert!(over_uniform.probability > 0.95);
    /// // Which mixtures could be the best, at a level of 90%?
    /// let grid = Mixture::grid(2, 20, 0.0)?;
    /// let as_good = plan.as_good(&choice, &grid)?;
    /// let region: Vec<f64> =
    ///     grid.iter().zip(as_good).filter(|(_, p)| *p > 1.0 - 0.9).map(|(h, _)| h[0]).collect();
    /// assert!(region.contains(&0.8) && !region.contains(&0.5));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn certainty(&self, choice: &Choice) -> Result<Certainty, PlanError> {
        let resamples = self.resamples()?;
        self.check_choice(choice)?;
        let region = self.region(choice.scale.d)?;
        let one = |resample: usize| -> Result<Mixture, PlanError> {
            let plan = self.resampled(&resamples, resample);
            let mut objective = plan.objective(choice.scale)?;
            let best = plan.descend(&mut objective, &region, &choice.optimum.weights, 1)?;
            finite(BEST, best.value)?;
            Ok(best.weights)
        };
        let optima = for_all(resamples[0].len(), one)?;
        Ok(Certainty { choice: choice.optimum.weights.clone(), optima })
    }

    /// How much better the choice is than another mixture, in the order of [`Plan::domains`]. The other
    /// one need not keep the constraints, but [`Advantage::within_limits`] says whether it does.
    ///
    /// # Errors
    /// As [`Plan::certainty`], and if the mixture has another number of domains or the level is not
    /// between 0 and 1.
    pub fn advantage(
        &self,
        choice: &Choice,
        other: &Mixture,
        level: f64,
    ) -> Result<Advantage, PlanError> {
        check_level(level)?;
        let resamples = self.resamples()?;
        self.check_choice(choice)?;
        let difference = |plan: &Self| -> Result<f64, PlanError> {
            let mut objective = plan.objective(choice.scale)?;
            let own = finite("the value of the choice", objective.value(&choice.optimum.weights)?)?;
            finite("the advantage of the choice", objective.value(other)? - own)
        };
        let values = for_all(resamples[0].len(), |b| difference(&self.resampled(&resamples, b)))?;
        let lower = values.iter().filter(|v| **v > 0.0).count();
        let probability = lower as f64 / values.len() as f64;
        let nats = interval(difference(self)?, values, level);
        let within_limits = self.region(choice.scale.d)?.contains(other);
        Ok(Advantage { nats, probability, within_limits })
    }

    /// For each mixture the share of the resamples in which it is at least as good as the choice.
    ///
    /// The region of mixtures that could be the best at a level of 90% are those with a share above
    /// 10%: all that the choice does not beat with a probability of 90% or more. On synthetic sweeps it
    /// holds the true optimum that often (`cargo bench --bench coverage`).
    ///
    /// # Errors
    /// As [`Plan::certainty`], and if a mixture has another number of domains or a law is not defined
    /// there.
    pub fn as_good(&self, choice: &Choice, mixtures: &[Mixture]) -> Result<Vec<f64>, PlanError> {
        let resamples = self.resamples()?;
        self.check_choice(choice)?;
        let one = |resample: usize| -> Result<Vec<bool>, PlanError> {
            let plan = self.resampled(&resamples, resample);
            let mut objective = plan.objective(choice.scale)?;
            let own = finite("the value of the choice", objective.value(&choice.optimum.weights)?)?;
            let good = |h: &Mixture| {
                let (value, what) = (objective.value(h)?, "the value of a mixture".to_owned());
                // An infinite one is no good, but of NaN nobody can tell.
                if value.is_nan() {
                    Err(PlanError::NotFinite { what, value })
                } else {
                    Ok(value <= own)
                }
            };
            mixtures.iter().map(good).collect()
        };
        let all = for_all(resamples[0].len(), one)?;
        let share = |i: usize| all.iter().filter(|good| good[i]).count() as f64 / all.len() as f64;
        Ok((0..mixtures.len()).map(share).collect())
    }

    /// The share of the simplex, within the constraints or not, that is in the region of
    /// [`Plan::as_good`] at this level, from this many mixtures drawn uniformly: how much is left to
    /// choose from.
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
    ) -> Result<f64, PlanError> {
        Ok(self.region_share_with(choice, level, draws, seed, Control::default())?.0)
    }

    /// As [`Plan::region_share`], with an observer that is told of the draws looked at after every 256
    /// of them and can stop the rest; the share is then that of as many draws. Beside it
    /// [`Termination::Stopped`] if the observer stopped it early, otherwise [`Termination::Complete`].
    ///
    /// # Errors
    /// As [`Plan::region_share`].
    pub fn region_share_observed(
        &self,
        choice: &Choice,
        level: f64,
        draws: usize,
        seed: u64,
        observer: &mut Observer<'_>,
    ) -> Result<(f64, Termination), PlanError> {
        let control = Control::default().observed_by(observer);
        self.region_share_with(choice, level, draws, seed, control)
    }

    fn region_share_with(
        &self,
        choice: &Choice,
        level: f64,
        draws: usize,
        seed: u64,
        mut control: Control<'_>,
    ) -> Result<(f64, Termination), PlanError> {
        check_level(level)?;
        if !(1..=MOST_DRAWS).contains(&draws) {
            let (value, expected) = (draws as f64, "from 1 to 1,000,000");
            return Err(SettingError::new("the number of draws", value, expected).into());
        }
        let uniform = vec![1.0; choice.domains.len()];
        let drawn = Mixture::dirichlet(&uniform, draws, seed)?;
        control.expect("draws", Some(draws));
        let (mut done, mut within) = (0, 0);
        for some in drawn.chunks(if control.is_observed() { ROUND } else { draws }) {
            let shares = self.as_good(choice, some)?;
            within += shares.iter().filter(|share| **share > 1.0 - level).count();
            done += some.len();
            if control.counted(some.len()) {
                break;
            }
        }
        Ok((within as f64 / done as f64, Termination::of_many(done == draws)))
    }
}

/// `one` for every resample, in order; the error of the first that has one.
pub(super) fn for_all<T: Send>(
    count: usize,
    one: impl Fn(usize) -> Result<T, PlanError> + Sync,
) -> Result<Vec<T>, PlanError> {
    parallel::map(count, one).into_iter().collect()
}
