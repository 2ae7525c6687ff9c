use std::sync::Arc;

use super::{Goal, Penalty, Plan, Target};
use crate::error::{Error, ErrorKind};
use crate::predictor::Predictor;
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
        }
    }

    /// Adds a target with its weight: anything that is or makes a [`Predictor`], such as a
    /// [`&Fit`](crate::Fit).
    ///
    /// A predictor with [members](Predictor::members) decides by its own prediction; its members answer
    /// [`Plan::certainty`] and the like.
    #[must_use]
    pub fn target(mut self, weight: f64, predictor: impl Into<Predictor>) -> Self {
        self.targets.push((weight, predictor.into()));
        self
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
    /// them, the constraints name an unknown domain or contradict each other for every D, or a setting of
    /// the solver is out of its range.
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
        let penalties: Result<Vec<_>, Error> =
            self.penalties.iter().map(|penalty| penalty.resolve(&domains)).collect();
        self.solver.check()?;
        // With a single token limits on epochs leave nearly all mixtures.
        self.constraints.region(&domains, 1.0)?;
        Ok(Plan {
            domains: domains.into(),
            targets: targets.into(),
            goal: self.goal,
            penalties: penalties?.into(),
            constraints: Arc::new(self.constraints),
            solver: self.solver,
            observer: None,
            member: None,
            call: None,
        })
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
