//! A service that fits several laws once, stores them, and answers for mixtures from then on.

use mixlaw::law::ScalingLaw;
use mixlaw::plan::{Choice, Plan};
use mixlaw::simplex::Constraints;
use mixlaw::{Scale, Fit, FitError, Fitter, PlanError, Sweep};

/// Fits of one target by several laws.
#[derive(Debug)]
pub struct Service {
    fits: Vec<Fit>,
}

impl Service {
    /// Fits every law to the losses of a target.
    pub fn fit(
        laws: Vec<Box<dyn ScalingLaw>>,
        sweep: &Sweep,
        target: &str,
    ) -> Result<Self, FitError> {
        let fitter = Fitter::new().starts(8);
        let fits: Result<Vec<Fit>, FitError> =
            laws.into_iter().map(|law| fitter.fit(law, sweep, target)).collect();
        Ok(Self { fits: fits? })
    }

    /// What is kept between two lives of the service.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(&self.fits)
    }

    /// A service that was stored.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        Ok(Self { fits: serde_json::from_str(text)? })
    }

    /// The laws, in the order they were given.
    pub fn laws(&self) -> impl Iterator<Item = &dyn ScalingLaw> {
        self.fits.iter().map(Fit::law)
    }

    /// The best mixture by each law, within limits.
    pub fn best(&self, at: Scale, limits: &Constraints) -> Result<Vec<Choice>, PlanError> {
        let plan = |fit| Plan::new().with_fit(1.0, fit).constraints(limits.clone());
        self.fits.iter().map(|fit| plan(fit).best(Scale { n, d })).collect()
    }
}
