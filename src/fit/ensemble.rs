use super::{Fit, Fitter, Metrics, losses_of};
use crate::error::{FitError, LawError, list};
use crate::law::{FullLaw, JointLaw, ScalingLaw};
use crate::scale::Scale;
use crate::sweep::Sweep;

/// Several fits of one target, whose predictions are averaged.
///
/// The fit with the best objective is not the best predictor: laws are wrong in different ways, and
/// the mean of two errs less than either where they disagree. [`Ensemble::recommended`] is the
/// predictor that did best in measurements.
///
/// ```
/// use mixlaw::fit::Ensemble;
/// use mixlaw::law::{AdditiveLaw, SimpleLaw, ScalingLaw};
/// use mixlaw::{Fitter, Scale, Sweep};
/// # let (mut n, mut d, mut h, mut loss) = (vec![], vec![], vec![], vec![]);
/// # for web in [0.1, 0.5, 0.9] {
/// #     for (size, tokens) in [(1e8, 2e9), (1e8, 8e9), (4e8, 2e9), (4e8, 8e9)] {
/// #         n.push(size);
/// #         d.push(tokens);
/// #         h.extend([web, 1.0 - web]);
/// #         loss.push(1.0 + 1.0 / (2.0 * f64::powf(web, 0.5) + 1.0 - web)
/// #             + 400.0 / f64::powf(size, 0.34) + 400.0 / f64::powf(tokens, 0.28));
/// #     }
/// # }
/// # let sweep = Sweep::new(&["web", "code"], &["web"], &n, &d, &h, &loss)?;
/// let laws: Vec<Box<dyn ScalingLaw>> =
///     vec![Box::new(SimpleLaw::for_sweep(&sweep)), Box::new(AdditiveLaw::for_sweep(&sweep))];
/// let ensemble = Ensemble::fit(&Fitter::new(), laws, &sweep, "web")?;
/// let both: Result<Vec<f64>, _> =
///     ensemble.fits().iter().map(|fit| fit.predict(Scale { n: 1e9, d: 2e10 }, &[0.5, 0.5])).collect();
/// let mean = both?.iter().sum::<f64>() / 2.0;
/// assert!((ensemble.predict(Scale { n: 1e9, d: 2e10 }, &[0.5, 0.5])? - mean).abs() < 1e-15);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// With the feature `serde` it can be stored and read where its laws are the crate's; with another law
/// the writing is an error. Fits of other laws are stored one by one, as `StoredFit`.
#[derive(Debug, Clone)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Deserialize),
    serde(try_from = "super::stored::StoredEnsemble")
)]
pub struct Ensemble {
    fits: Vec<Fit>,
}

impl From<Fit> for Ensemble {
    fn from(fit: Fit) -> Self {
        Self { fits: vec![fit] }
    }
}

impl From<&Fit> for Ensemble {
    fn from(fit: &Fit) -> Self {
        fit.clone().into()
    }
}

impl From<&Ensemble> for Ensemble {
    fn from(ensemble: &Ensemble) -> Self {
        ensemble.clone()
    }
}

impl Ensemble {
    /// An ensemble of fits.
    ///
    /// # Errors
    /// [`FitError::Ensemble`] if there are none, or they have different targets or domains.
    pub fn new(fits: Vec<Fit>) -> Result<Self, FitError> {
        let Some(first) = fits.first() else {
            return Err(FitError::Ensemble("an ensemble needs at least one fit, got none".into()));
        };
        if let Some(other) = fits.iter().find(|fit| fit.target() != first.target()) {
            return Err(FitError::Ensemble(format!(
                "the fits of an ensemble are of different targets: `{}` and `{}`",
                first.target(),
                other.target()
            )));
        }
        let domains = first.law().domains();
        if let Some(other) = fits.iter().find(|fit| fit.law().domains() != domains) {
            return Err(FitError::Ensemble(format!(
                "the laws of an ensemble have different domains: {} and {}",
                list(domains),
                list(other.law().domains())
            )));
        }
        Ok(Self { fits })
    }

    /// Fits every law to the losses of `target`. For an observer, fit them one by one with
    /// [`Fitter::fit_observed`] and put them together with [`Ensemble::new`].
    ///
    /// # Errors
    /// As [`Fitter::fit`] and [`Ensemble::new`].
    pub fn fit(
        fitter: &Fitter,
        laws: impl IntoIterator<Item = impl ScalingLaw + 'static>,
        sweep: &Sweep,
        target: &str,
    ) -> Result<Self, FitError> {
        let fits: Result<Vec<Fit>, FitError> =
            laws.into_iter().map(|law| fitter.fit(law, sweep, target)).collect();
        Self::new(fits?)
    }

    /// The crate's predictor for a larger scale: the mean of the joint and the full law, each fitted
    /// with rows weighted by their compute ([`Fitter::weigh_by_compute`]).
    ///
    /// Chosen by its errors on larger sizes held out from two sweeps (three hold-outs within the paper's
    /// training sizes, four of the byte-level sweep), among three laws and their means, best fits,
    /// means of near-optimal fits and means of resamples, and powers of the compute: `cargo bench
    /// --bench predictors`. Near-optimal fits gain 3% more for 24 times the work, and the power 1.5
    /// gains 6%, but costs up to 80% where a law is right.
    ///
    /// # Errors
    /// As [`Fitter::fit`], and [`FitError::Ensemble`] if all rows have the same N or the same D.
    pub fn recommended(sweep: &Sweep, target: &str) -> Result<Self, FitError> {
        for (what, values) in [("N", sweep.n()), ("D", sweep.d())] {
            if values.iter().all(|value| *value == values[0]) {
                return Err(FitError::Ensemble(format!(
                    "the joint and the full law need rows of several {what}, but {what} is {:e} in all \
                     of them; selection::applicable lists the laws that suit",
                    values[0]
                )));
            }
        }
        let laws: [Box<dyn ScalingLaw>; 2] =
            [Box::new(JointLaw::for_sweep(sweep)), Box::new(FullLaw::for_sweep(sweep))];
        Self::fit(&Fitter::new().weigh_by_compute(1.0), laws, sweep, target)
    }

    /// The same ensemble with each of its fits for use at every N and D; see [`Fit::for_any_scale`].
    #[must_use]
    pub fn for_any_scale(self) -> Self {
        Self { fits: self.fits.into_iter().map(Fit::for_any_scale).collect() }
    }

    /// The fits.
    #[must_use]
    pub fn fits(&self) -> &[Fit] {
        &self.fits
    }

    /// The target whose loss was fitted.
    #[must_use]
    pub fn target(&self) -> &str {
        self.fits[0].target()
    }

    /// The names of the domains, in the order of every h.
    #[must_use]
    pub fn domains(&self) -> &[String] {
        self.fits[0].law().domains()
    }

    /// The names of the laws, such as `joint + full`.
    #[must_use]
    pub fn name(&self) -> String {
        let names: Vec<&str> = self.fits.iter().map(|fit| fit.law().name()).collect();
        names.join(" + ")
    }

    /// The mean of the predicted losses, in nats, at N parameters, D tokens and domain weights h.
    ///
    /// # Errors
    /// As [`Fit::predict`].
    pub fn predict(&self, at: Scale, h: &[f64]) -> Result<f64, LawError> {
        let sum: Result<f64, LawError> = self.fits.iter().map(|fit| fit.predict(at, h)).sum();
        Ok(sum? / self.fits.len() as f64)
    }

    /// The predictions for all rows of a sweep, in nats.
    ///
    /// # Errors
    /// As [`Fit::predict_sweep`].
    pub fn predict_sweep(&self, sweep: &Sweep) -> Result<Vec<f64>, FitError> {
        let mut mean = vec![0.0; sweep.len()];
        for fit in &self.fits {
            let share = 1.0 / self.fits.len() as f64;
            let own = fit.predict_sweep(sweep)?;
            mean.iter_mut().zip(own).for_each(|(mean, own)| *mean += share * own);
        }
        Ok(mean)
    }

    /// How well the ensemble predicts the losses of its target on all rows of a sweep.
    ///
    /// # Errors
    /// As [`Fit::evaluate`].
    pub fn evaluate(&self, sweep: &Sweep) -> Result<Metrics, FitError> {
        let observed = losses_of(sweep, self.target())?;
        Ok(Metrics::new(&observed, &self.predict_sweep(sweep)?))
    }
}
