//! A service that fits several laws once, stores them, and answers for mixtures from then on.

use std::error::Error;

use mixlaw::law::ScalingLaw;
use mixlaw::plan::{Choice, Plan};
use mixlaw::simplex::Constraints;
use mixlaw::{Fitter, Predictor, Scale, Sweep};

/// One target by several laws, each with its plan; clones of it share both.
#[derive(Debug, Clone)]
pub struct Service {
    predictors: Vec<Predictor>,
    plans: Vec<Plan>,
}

impl Service {
    /// Fits every law to the losses of a target, for mixtures within limits.
    pub fn fit(
        laws: Vec<Box<dyn ScalingLaw>>,
        sweep: &Sweep,
        target: &str,
        limits: &Constraints,
    ) -> Result<Self, Box<dyn Error>> {
        let fitter = Fitter::new().starts(8);
        let fit = |law| Ok(fitter.fit(law, sweep, target)?.into());
        Self::new(laws.into_iter().map(fit).collect::<Result<_, Box<dyn Error>>>()?, limits)
    }

    /// What is kept between two lives of the service.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(&self.predictors)
    }

    /// A service that was stored.
    pub fn from_json(text: &str, limits: &Constraints) -> Result<Self, Box<dyn Error>> {
        Self::new(serde_json::from_str(text)?, limits)
    }

    fn new(predictors: Vec<Predictor>, limits: &Constraints) -> Result<Self, Box<dyn Error>> {
        let plan = |p| Plan::builder().target(1.0, p).constraints(limits.clone()).build();
        let plans = predictors.iter().map(plan).collect::<Result<_, _>>()?;
        Ok(Self { predictors, plans })
    }

    /// The names of the laws, in the order they were given.
    pub fn laws(&self) -> Vec<String> {
        self.predictors.iter().map(Predictor::name).collect()
    }

    /// The best mixture by each law.
    pub fn best(&self, at: Scale) -> Result<Vec<Choice>, mixlaw::Error> {
        self.plans.iter().map(|plan| plan.best(at)).collect()
    }
}
