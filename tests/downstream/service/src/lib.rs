//! A service that fits several laws once, stores them, and answers for mixtures from then on.

use mixlaw::law::ScalingLaw;
use mixlaw::plan::{Choice, Plan};
use mixlaw::simplex::Constraints;
use mixlaw::{Error, Fit, Fitter, Predictor, Scale, Sweep};

/// Plans of one target by several laws, built once; clones share them.
#[derive(Debug, Clone)]
pub struct Service(Vec<Plan>);

impl Service {
    /// Fits every law to the losses of a target, for mixtures within limits.
    pub fn fit(
        laws: Vec<Box<dyn ScalingLaw>>,
        sweep: &Sweep,
        target: &str,
        limits: &Constraints,
    ) -> Result<Self, Error> {
        let fits = laws.into_iter().map(|law| Fitter::new().starts(8).fit(law, sweep, target));
        Self::new(fits.collect::<Result<Vec<Fit>, Error>>()?, limits)
    }

    /// What is kept between two lives of the service.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(&self.0.iter().flat_map(Plan::predictors).collect::<Vec<_>>())
    }

    /// A service that was stored.
    pub fn from_json(text: &str, limits: &Constraints) -> Result<Self, Box<dyn std::error::Error>> {
        Ok(Self::new(serde_json::from_str::<Vec<Predictor>>(text)?, limits)?)
    }

    fn new(fits: Vec<impl Into<Predictor>>, limits: &Constraints) -> Result<Self, Error> {
        let plan = |fit| Plan::builder().target(1.0, fit).constraints(limits.clone()).build();
        Ok(Self(fits.into_iter().map(plan).collect::<Result<_, _>>()?))
    }

    /// The best mixture by each law, in the order they were given.
    pub fn best(&self, at: Scale) -> Result<Vec<Choice>, Error> {
        self.0.iter().map(|plan| plan.best(at)).collect()
    }
}
