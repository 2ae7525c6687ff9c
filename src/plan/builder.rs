use std::sync::Arc;

use super::{Goal, Penalty, Plan, Risk, Target};
use crate::error::{Error, ErrorKind};
use crate::predictor::{Predictor, Seen};
use crate::simplex::{Constraints, SimplexSolver};

/// What a [`Plan`] will hold; made by [`Plan::builder`].
///
/// Setters take any value; [`PlanBuilder::build`] checks them.
#[derive(Debug, Clone, Default)]
pub struct PlanBuilder {
    domains: Option<Vec<String>>,
    targets: Vec<(f64, Predictor)>,
    goal: Goal,
    penalties: Vec<Penalty>,
    constraints: Constraints,
    solver: SimplexSolver,
    risk: Option<Risk>,
}

impl PlanBuilder {
    pub(super) fn of(plan: &Plan) -> Self {
        let target = |target: &Target| (target.weight, target.predictor.clone());
        Self {
            domains: Some(plan.domains.to_vec()),
            targets: plan.targets.iter().map(target).collect(),
            goal: plan.goal,
            penalties: plan.penalties.iter().map(|added| added.to_penalty(&plan.domains)).collect(),
            constraints: Constraints::clone(&plan.constraints),
            solver: plan.solver.clone(),
            risk: match plan.seen {
                Seen::Own | Seen::Member(_) => None,
                Seen::Mean => Some(Risk::Mean),
                Seen::WorstShare(q) => Some(Risk::WorstShare(q)),
            },
        }
    }

    /// Adds a target with its weight: anything that is or makes a [`Predictor`], such as a
    /// [`&Fit`](crate::Fit).
    ///
    /// A predictor with [members](Predictor::members) decides by its own prediction, unless
    /// [`PlanBuilder::risk`] is set; its members answer [`Plan::certainty`] and the like.
    #[must_use]
    pub fn target(mut self, weight: f64, predictor: impl Into<Predictor>) -> Self {
        self.targets.push((weight, predictor.into()));
        self
    }

    /// Lets the losses of the members of each predictor count in place of its own prediction, by their mean or
    /// by the mean of the worst share of them: the plan then minimises what is expected, or feared, given all
    /// that the data leaves open, and not what one fit says. [`Choice::losses`](super::Choice::losses) are
    /// means over the members by either. Where its optima may be several, [`Plan::best`] descends from the best mixture of the predictors
    /// themselves, which is found first.
    ///
    /// ```
    /// # use mixlaw::law::AdditiveLaw;
    /// use mixlaw::plan::Risk;
    /// # use mixlaw::uncertainty::Bootstrap;
    /// # use mixlaw::{Fitter, Plan, Scale, Sweep};
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
    /// let fit = Fitter::recommended().fit(AdditiveLaw::for_sweep(&sweep), &sweep, "web")?;
    /// let web = Bootstrap::new(50).run(fit, &sweep)?;
    /// let at = Scale { n: 1e9, d: 2e10 };
    /// let choice = Plan::builder().target(1.0, &web).risk(Risk::Mean).build()?.best(at)?;
    /// // The value is the mean over the members.
    /// let values = web.values(at, &choice.optimum.weights)?;
    /// let mean = values.iter().sum::<f64>() / values.len() as f64;
    /// assert!((choice.optimum.value - mean).abs() < 1e-12);
    /// // The careful minimise the mean of the worst tenth.
    /// let careful = Plan::builder().target(1.0, &web).risk(Risk::WorstShare(0.1)).build()?;
    /// assert!(careful.best(at)?.optimum.value > mean);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn risk(self, risk: Risk) -> Self {
        Self { risk: Some(risk), ..self }
    }

    /// How several targets count together; by default their weighted sum.
    #[must_use]
    pub fn goal(self, goal: Goal) -> Self {
        Self { goal, ..self }
    }

    /// Adds a penalty to the losses.
    #[must_use]
    pub fn penalty(mut self, penalty: Penalty) -> Self {
        self.penalties.push(penalty);
        self
    }

    /// What the mixture must keep, in place of any limits that were set before.
    #[must_use]
    pub fn constraints(self, constraints: Constraints) -> Self {
        Self { constraints, ..self }
    }

    /// The solver.
    #[must_use]
    pub fn solver(self, solver: SimplexSolver) -> Self {
        Self { solver, ..self }
    }

    /// The order of the domains in every mixture; by default that of the first predictor.
    #[must_use]
    pub fn domains(self, domains: &[impl AsRef<str>]) -> Self {
        let domains = domains.iter().map(|domain| domain.as_ref().to_owned()).collect();
        Self { domains: Some(domains), ..self }
    }

    /// The plan.
    ///
    /// # Errors
    /// [`Error`] if there are no targets, two have the same name, a weight is not a finite
    /// number > 0, the predictors have different domains (in whatever order), a penalty does not fit
    /// them, [`PlanBuilder::risk`] is set and a predictor has no members, its share is not > 0 and at most
    /// 1, or it is [`Risk::WorstShare`] and members are of different draws or the goal is not the sum, the constraints name an
    /// unknown domain or contradict each other for every D, or a setting of the solver is out of its
    /// range.
    pub fn build(self) -> Result<Plan, Error> {
        let Some((_, first)) = self.targets.first() else {
            return Err(ErrorKind::Empty { what: "a plan", part: "target" }.into());
        };
        let domains = self.domains.unwrap_or_else(|| first.domains().to_vec());
        let mut targets: Vec<Target> = Vec::with_capacity(self.targets.len());
        for (weight, predictor) in self.targets {
            let name = predictor.target();
            if targets.iter().any(|other| other.name() == name) {
                let (kind, name) = ("target", name.to_owned());
                return Err(ErrorKind::Repeated { kind, name, group: None }.into());
            }
            if !(weight.is_finite() && weight > 0.0) {
                let name = format!("the weight of target `{name}`");
                return Err(Error::setting(name, weight, "a finite number > 0"));
            }
            let order = order_of(predictor.domains(), &domains)?;
            let blind = !predictor.sees_mixture();
            targets.push(Target { weight, predictor, order, blind });
        }
        let seen = match self.risk {
            None => Seen::Own,
            Some(Risk::Mean) => Seen::Mean,
            Some(Risk::WorstShare(q)) => Seen::WorstShare(q),
        };
        if let Some(risk) = self.risk {
            risk.check()?;
            targets.iter().try_for_each(|t| t.predictor.needed_members().map(|_| ()))?;
        }
        let penalties: Result<Vec<_>, Error> =
            self.penalties.iter().map(|penalty| penalty.resolve(&domains)).collect();
        self.solver.check()?;
        // With a single token limits on epochs leave nearly all mixtures.
        self.constraints.region(&domains, 1.0)?;
        let plan = Plan {
            domains: domains.into(),
            targets: targets.into(),
            goal: self.goal,
            penalties: penalties?.into(),
            constraints: Arc::new(self.constraints),
            solver: self.solver,
            observer: None,
            seen,
            call: None,
        };
        if let Seen::WorstShare(q) = seen {
            plan.members()?;
            if plan.goal != Goal::Sum {
                let name = "the share of the worst members";
                return Err(Error::setting(name, q, "none where the goal is not the sum"));
            }
        }
        Ok(plan)
    }
}

/// For each domain of a predictor its place among those of the plan; `None` where they agree.
fn order_of(own: &[String], domains: &[String]) -> Result<Option<Vec<usize>>, Error> {
    let place = |domain| domains.iter().position(|d| d == domain);
    let order: Option<Vec<usize>> = own.iter().map(place).collect();
    match order.filter(|order| order.len() == domains.len()) {
        Some(order) if order.iter().enumerate().all(|(j, i)| i == &j) => Ok(None),
        Some(order) => Ok(Some(order)),
        None => Err(ErrorKind::Mismatch {
            what: "the domains of a plan and a target",
            first: domains.to_vec(),
            other: own.to_vec(),
        }
        .into()),
    }
}
