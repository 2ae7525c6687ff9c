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
//! use mixlaw::{Plan, Scales};
//!
//! let law = AdditiveLaw::new(&["web", "code"], Scales::ONE)?;
//! let z = law.coordinates_of(&[
//!     ("E", 1.5), ("C[web]", 1.0), ("gamma[web]", 0.5), ("C[code]", 2.0), ("gamma[code]", 0.5),
//!     ("A", 400.0), ("alpha", 0.34), ("B", 400.0), ("beta", 0.28),
//! ])?;
//! // There are 2e10 tokens of code, to be seen at most four times: 8/14 of 1.4e11 tokens.
//! let limits = Constraints::new().epochs("code", 2e10, 4.0);
//! let plan = Plan::new().with_law("python", 1.0, &law, &z).constraints(limits);
//! let choice = plan.best(7e9, 1.4e11)?;
//! assert!((choice.optimum.weights[1] - 8.0 / 14.0).abs() < 1e-9);
//! assert!(choice.cost_of_constraints() > 0.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod budget;
mod certainty;
mod extrapolation;
mod next_runs;
mod scale;
mod target_map;

#[cfg(feature = "serde")]
use crate::error::SimplexError;
use crate::error::{PlanError, SettingError};
use crate::fit::{Ensemble, Fit};
use crate::law::ScalingLaw;
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
/// use mixlaw::Scales;
///
/// let law = AdditiveLaw::new(&["web", "code"], Scales::ONE)?;
/// let z = law.coordinates_of(&[
///     ("E", 1.0), ("C[web]", 1.0), ("C[code]", 3.0), ("gamma[web]", 0.5), ("gamma[code]", 0.5),
///     ("A", 400.0), ("alpha", 0.34), ("B", 400.0), ("beta", 0.28),
/// ])?;
/// // 1e10 tokens of code, at most two times each.
/// let plan = Plan::new()
///     .with_law("python", 1.0, &law, &z)
///     .constraints(Constraints::new().epochs("code", 1e10, 2.0));
/// let choice = plan.best(7e9, 4e10)?;
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
    resamples: Option<&'a Resamples>,
}

/// The mixture that a [`Plan`] chose for one N and D.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(try_from = "StoredChoice")
)]
#[non_exhaustive]
pub struct Choice {
    /// N, in parameters.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
    pub n: f64,
    /// D, in tokens.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
    pub d: f64,
    /// The names of the domains, in the order of the weights.
    pub domains: Vec<String>,
    /// The best mixture that keeps the constraints, with its certificate.
    pub optimum: Optimum,
    /// The best mixture of all.
    pub unconstrained: Optimum,
    /// The predicted loss of each target at the optimum, in nats.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
    pub losses: Vec<(String, f64)>,
}

/// A [`Choice`] as it stands in a file, not checked.
#[cfg(feature = "serde")]
#[derive(serde::Deserialize)]
#[serde(expecting = "a choice of a plan")]
struct StoredChoice {
    #[serde(with = "crate::stored::number")]
    n: f64,
    #[serde(with = "crate::stored::number")]
    d: f64,
    domains: Vec<String>,
    optimum: Optimum,
    unconstrained: Optimum,
    #[serde(with = "crate::stored::number")]
    losses: Vec<(String, f64)>,
}

#[cfg(feature = "serde")]
impl TryFrom<StoredChoice> for Choice {
    type Error = SimplexError;

    fn try_from(stored: StoredChoice) -> Result<Self, SimplexError> {
        let StoredChoice { n, d, domains, optimum, unconstrained, losses } = stored;
        let expected = domains.len();
        for (what, mixture) in
            [("the optimum", &optimum), ("the unconstrained one", &unconstrained)]
        {
            let found = mixture.weights.len();
            if found != expected {
                return Err(SimplexError::Dimension { what, found, expected });
            }
        }
        Ok(Self { n, d, domains, optimum, unconstrained, losses })
    }
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
        self.with_law(fit.target(), weight, fit.law(), fit.coordinates())
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
        self.targets.push(Target {
            name: name.into(),
            weight,
            laws: vec![(law, z)],
            resamples: None,
        });
        self
    }

    /// Adds the target of an ensemble, by its mean prediction.
    #[must_use]
    pub fn with_ensemble(mut self, weight: f64, ensemble: &'a Ensemble) -> Self {
        let laws = ensemble.fits().iter().map(|fit| (fit.law(), fit.coordinates())).collect();
        let name = ensemble.target().to_owned();
        self.targets.push(Target { name, weight, laws, resamples: None });
        self
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
    /// different domains, or a pull does not fit them.
    pub fn objective(&self, n: f64, d: f64) -> Result<MixtureObjective<'a>, PlanError> {
        self.objective_of(&self.targets, n, d)
    }

    fn objective_of(
        &self,
        targets: &[Target<'a>],
        n: f64,
        d: f64,
    ) -> Result<MixtureObjective<'a>, PlanError> {
        if targets.is_empty() {
            return Err(PlanError::NoTargets);
        }
        let mut sum = MixtureObjective::new(n, d)?;
        for target in targets {
            if !(target.weight.is_finite() && target.weight > 0.0) {
                let name = format!("the weight of target `{}`", target.name);
                let (value, expected) = (target.weight, "a finite number > 0");
                return Err(SettingError::new(name, value, expected).into());
            }
            let name = format!("target `{}`", target.name);
            sum = sum.with_mean(&name, target.weight, target.laws.clone())?;
        }
        if let Some(pull) = &self.pull {
            sum = sum.with_pull(pull.clone())?;
        }
        Ok(match self.goal {
            Goal::Sum => sum,
            Goal::Worst => sum.worst(&[])?,
            Goal::WorstExcess => {
                let region = self.region(d)?;
                let least = |target: &Target<'a>| -> Result<f64, PlanError> {
                    let mut alone = Self::alone(target, n, d)?;
                    Ok(self.solver.minimize_within(&mut alone, &region)?.value)
                };
                let references: Result<Vec<f64>, _> = targets.iter().map(least).collect();
                sum.worst(&references?)?
            }
        })
    }

    fn region(&self, d: f64) -> Result<Region, PlanError> {
        Ok(self.constraints.region(self.domains(), d)?)
    }

    /// The best mixture for N and D, either of which may be infinite: the limit.
    ///
    /// # Errors
    /// As [`Plan::objective`], and if no mixture keeps the constraints.
    pub fn best(&self, n: f64, d: f64) -> Result<Choice, PlanError> {
        let mut objective = self.objective(n, d)?;
        let optimum = self.solver.minimize_within(&mut objective, &self.region(d)?)?;
        let unconstrained = if self.constraints.is_empty() {
            optimum.clone()
        } else {
            self.solver.minimize(&mut objective)
        };
        let losses = objective.losses(&optimum.weights)?;
        let names = self.targets.iter().map(|target| target.name.clone());
        let domains = self.domains().to_vec();
        Ok(Choice { n, d, domains, optimum, unconstrained, losses: names.zip(losses).collect() })
    }

    /// For each target alone the best mixture at N and D, within the constraints (Fig. 7). The values
    /// are losses, whatever the weight of the target and the goal; a pull is added to them.
    ///
    /// # Errors
    /// As [`Plan::best`].
    pub fn corners(&self, n: f64, d: f64) -> Result<Vec<(String, Optimum)>, PlanError> {
        let region = self.region(d)?;
        let one = |target: &Target<'a>| {
            let mut alone = Self::alone(target, n, d)?;
            if let Some(pull) = &self.pull {
                alone = alone.with_pull(pull.clone())?;
            }
            Ok((target.name.clone(), self.solver.minimize_within(&mut alone, &region)?))
        };
        self.targets.iter().map(one).collect()
    }

    /// The loss of one target.
    fn alone(target: &Target<'a>, n: f64, d: f64) -> Result<MixtureObjective<'a>, PlanError> {
        let name = format!("target `{}`", target.name);
        Ok(MixtureObjective::new(n, d)?.with_mean(&name, 1.0, target.laws.clone())?)
    }

    /// For each domain the least and the greatest weight among the mixtures that keep the constraints
    /// and are worth at most `epsilon` nats more than the choice: how much of it is decided. Exact to
    /// 1e-6 where the objective is convex; otherwise the range around the choice in which a mixture
    /// that good is found for every weight.
    ///
    /// # Errors
    /// As [`Plan::best`], and if epsilon is not a finite number >= 0.
    pub fn ranges(&self, choice: &Choice, epsilon: f64) -> Result<Vec<(f64, f64)>, PlanError> {
        if !(epsilon.is_finite() && epsilon >= 0.0) {
            let (name, expected) = ("epsilon".to_owned(), "a finite number >= 0");
            return Err(SettingError::new(name, epsilon, expected).into());
        }
        let mut objective = self.objective(choice.n, choice.d)?;
        let level = choice.optimum.value + epsilon;
        let solver = self.solver.clone().max_cells(0).start(choice.optimum.weights.clone());
        let mut good = |domain: &String, weight: f64| {
            let fixed = self.constraints.clone().at_least(domain, weight).at_most(domain, weight);
            let Ok(region) = fixed.region(&choice.domains, choice.d) else { return false };
            let best = solver.minimize_within(&mut objective, &region);
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
        let weights = choice.domains.iter().zip(choice.optimum.weights.iter());
        Ok(weights.map(|(domain, &h)| (end(domain, h, 0.0), end(domain, h, 1.0))).collect())
    }
}
