//! Fitting: from a law and a sweep to coefficients.
//!
//! A [`Fitter`] minimises the mean Huber loss of the residuals (eq. 6) with any
//! [`Optimizer`]; a [`Fit`] is the law with the coordinates that were found, and how it went.
//!
//! ```
//! use mixlaw::law::ChinchillaLaw;
//! use mixlaw::{Fitter, Mixture, Scale, Sweep};
//!
//! // Losses of four sizes and four token counts that follow E = 1.7, alpha = 0.34, beta = 0.28.
//! let sizes = [1e8f64, 2e8, 4e8, 8e8];
//! let tokens = [2e9f64, 4e9, 8e9, 16e9];
//! let points = sizes.iter().flat_map(|&n| tokens.iter().map(move |&d| (n, d)));
//! let (n, d): (Vec<f64>, Vec<f64>) = points.unzip();
//! let law = |at: Scale| 1.7 + 400.0 / at.n.powf(0.34) + 410.0 / at.d.powf(0.28);
//! let loss: Vec<f64> = n.iter().zip(&d).map(|(&n, &d)| law(Scale { n, d })).collect();
//! let sweep = Sweep::new(&["web"], &["web"], &n, &d, &[1.0; 16], &loss)?;
//!
//! let fit = Fitter::new().fit(ChinchillaLaw::for_sweep(&sweep), &sweep, "web")?;
//! println!("{fit}");
//! assert!((fit.coefficient("alpha").unwrap() - 0.34).abs() < 1e-3);
//! let large = Scale { n: 7e9, d: 1.4e11 };
//! assert!((fit.predict(large, &Mixture::uniform(1))? / law(large) - 1.0).abs() < 1e-4);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod metrics;
mod problem;
mod refit;
mod rounding;
mod scale;
#[cfg(feature = "serde")]
mod stored;
mod weights;

use std::collections::HashMap;
use std::fmt;
use std::ops::{ControlFlow, RangeInclusive};
use std::sync::Arc;

use crate::error::{Error, ErrorKind, Place, cut};
use crate::law::{Coordinates, Prior, ScalingLaw, Transform};
use crate::optim::{
    Control, Minimum, MultiStart, Objective, Observer, Optimizer, Progress, Sequence, SmoothFirst,
    Termination, TrustRegion,
};
use crate::scale::Scale;
use crate::sweep::{Noise, Sweep};

pub use metrics::Metrics;
use problem::{Bound, Criterion, Known, PriorPart, Problem};
pub(crate) use refit::{Profile, Refit};
use scale::FittedScale;
#[cfg(feature = "serde")]
#[cfg_attr(docsrs, doc(cfg(feature = "serde")))]
pub use stored::StoredFit;
use weights::Weighing;

/// What a residual is the difference of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case")
)]
#[non_exhaustive]
pub enum Residual {
    /// `L - prediction`, in nats (eq. 6).
    #[default]
    Loss,
    /// `ln L - ln prediction`, as in Chinchilla fits.
    LogLoss,
}

/// How much a law's [prior](ScalingLaw::prior) counts in a fit: by the standard deviation s that rows are
/// taken to have; see [`Fitter::prior`].
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case")
)]
#[non_exhaustive]
pub enum PriorStrength {
    /// Not at all (eq. 6).
    #[default]
    None,
    /// With this s, a finite number of nats > 0 (of the unit of the residual, if that is another one).
    Nats(#[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))] f64),
    /// With s as large as the residuals are: 1.4826 times the median of their sizes, at a first fit with s half
    /// a percent of the median loss. That is the noise of a run and the misfit of the law, both of which
    /// keep a row from telling coefficients apart. The second fit is one local solve by
    /// [`TrustRegion`] from the minimum of the first, whatever the optimizer of that.
    Residuals,
}

/// How to fit a law to a sweep.
///
/// The objective is the weighted mean over rows of the Huber loss of the residual, which is a
/// parabola for `|r| < delta` and a line beyond (eq. 6); with a [prior](Fitter::prior), which there is none by
/// default, that is added.
///
#[doc = include_str!("../../docs/formulas/huber.html")]
///
/// ```
/// use mixlaw::law::AdditiveLaw;
/// use mixlaw::{Fitter, Mixture, Sweep};
///
/// // Losses of a known law at six runs, twelve checkpoints, which the fit finds again.
/// let (mut n, mut d, mut h, mut loss) = (vec![], vec![], vec![], vec![]);
/// for web in [0.1, 0.5, 0.9] {
///     for (size, tokens) in [(1e8, 2e9), (1e8, 8e9), (4e8, 2e9), (4e8, 8e9)] {
///         n.push(size);
///         d.push(tokens);
///         h.extend([web, 1.0 - web]);
///         loss.push(1.0 + 1.0 / (2.0 * f64::powf(web, 0.5) + 1.0 - web)
///             + 400.0 / f64::powf(size, 0.34) + 400.0 / f64::powf(tokens, 0.28));
///     }
/// }
/// let sweep = Sweep::new(&["web", "code"], &["web"], &n, &d, &h, &loss)?;
/// let fit = Fitter::new().fit(AdditiveLaw::for_sweep(&sweep), &sweep, "web")?;
/// assert!(fit.evaluate(&sweep)?.mre < 1e-5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// With the feature `serde` the settings can be stored and read, all but the optimizer and the observer:
/// those that are read have the default optimizer and no observer.
#[derive(Debug, Clone)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(try_from = "stored::StoredFitter")
)]
pub struct Fitter {
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
    delta: f64,
    residual: Residual,
    weighing: Weighing,
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
    row_weights: Option<Vec<f64>>,
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
    compute_power: f64,
    prior: PriorStrength,
    beliefs: Prior,
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
    constraints: Vec<(String, f64, f64)>,
    #[cfg_attr(feature = "serde", serde(skip))]
    optimizer: Arc<dyn Optimizer>,
    seed: u64,
    #[cfg_attr(feature = "serde", serde(skip))]
    observer: Option<Observer>,
}

/// What a [`Fitter`] was set to: [`Fitter::settings`].
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct FitterSettings<'a> {
    /// The Huber delta, in the unit of the residual: [`Fitter::delta`].
    pub delta: f64,
    /// What residuals are differences of: [`Fitter::residual`].
    pub residual: Residual,
    /// The noise that rows are weighted by: [`Fitter::weigh_by_noise`].
    pub noise: Option<&'a Noise>,
    /// The column of planned tokens and the power of the share of these: [`Fitter::weigh_by_schedule`].
    pub schedule: Option<(&'a str, f64)>,
    /// One weight for each row, where there are any: [`Fitter::row_weights`].
    pub row_weights: Option<&'a [f64]>,
    /// The power of the compute in the weights: [`Fitter::weigh_by_compute`].
    pub compute_power: f64,
    /// How much the prior counts: [`Fitter::prior`].
    pub prior: PriorStrength,
    /// What is believed beside the prior of the law: [`Fitter::believe`].
    pub beliefs: &'a Prior,
    /// The name, the lower and the upper bound of each coefficient that has one, in the paper's units:
    /// [`Fitter::bound`] and [`Fitter::fix`].
    pub bounds: &'a [(String, f64, f64)],
    /// [`Fitter::seed`].
    pub seed: u64,
}

/// Starts of the default optimizer.
const DEFAULT_STARTS: usize = 24;
/// The first strength of a prior whose strength follows from the residuals, relative to the median loss.
const FIRST_STRENGTH: f64 = 0.005;

/// The crate's own way to the best fit that can be found: each start solved on least squares, then on
/// Huber coarsely; finer solves from the best third, and a last one to the end.
///
/// The coarse values tell basins apart well enough to go on with a third. Spending the same on hops
/// from the best, on closer or looser least squares, or on smoothing Huber in stages finds the best
/// minimum of the paper's sweep less often.
fn search(starts: usize) -> impl Optimizer {
    let local = |tolerance| TrustRegion::default().tolerance(tolerance);
    let shortlist = MultiStart::new(SmoothFirst::new(local(1e-3), local(1e-3)), starts)
        .shortlist(starts.div_ceil(3), local(1e-5));
    Sequence::new(shortlist, TrustRegion::default())
}

fn default_optimizer() -> Arc<dyn Optimizer> {
    Arc::new(search(DEFAULT_STARTS))
}

impl Default for Fitter {
    fn default() -> Self {
        Self {
            delta: 1e-3,
            residual: Residual::Loss,
            weighing: Weighing::default(),
            row_weights: None,
            compute_power: 0.0,
            prior: PriorStrength::None,
            beliefs: Prior::new(),
            constraints: Vec::new(),
            optimizer: default_optimizer(),
            seed: 0,
            observer: None,
        }
    }
}

impl Fitter {
    /// The paper's objective (mean Huber, delta 1e-3, on the loss) and the crate's optimizer with 24
    /// starts; see [`Fitter::starts`].
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The settings that a decision is made by: rows count by their [compute](Fitter::weigh_by_compute), and the
    /// law's [prior](Fitter::prior) counts by the residuals.
    ///
    /// Chosen on the training sizes of three sweeps, the largest held out, with all their mixtures and with
    /// parts of them: [measurements](crate::guide::measurements), `cargo bench --bench decisions`.
    ///
    /// ```
    /// use mixlaw::Fitter;
    /// use mixlaw::fit::PriorStrength;
    ///
    /// let settings = Fitter::recommended();
    /// assert_eq!(settings.settings().compute_power, 1.0);
    /// assert_eq!(settings.settings().prior, PriorStrength::Residuals);
    /// ```
    #[must_use]
    pub fn recommended() -> Self {
        Self::new().weigh_by_compute(1.0).prior(PriorStrength::Residuals)
    }

    /// The Huber delta, in the unit of the residual; infinity is least squares.
    #[must_use]
    pub fn delta(self, delta: f64) -> Self {
        Self { delta, ..self }
    }

    /// Residuals on the loss, or on its logarithm.
    #[must_use]
    pub fn residual(self, residual: Residual) -> Self {
        Self { residual, ..self }
    }

    /// One weight for each row of the sweep that will be fitted, such as how often a resample drew
    /// it; also for rows that lack the loss of the target. Only their ratios matter; a row of weight 0
    /// does not count.
    #[must_use]
    pub fn row_weights(self, weights: impl Into<Vec<f64>>) -> Self {
        Self { row_weights: Some(weights.into()), ..self }
    }

    /// Multiplies the weight of every row by `(N D)^power`, its compute to some power; 0 by default.
    ///
    /// Every law is wrong somewhere, and it is used at the scale of the largest runs and beyond: with
    /// power 1 a row counts by its cost. On held-out sizes of two real sweeps that reduced the error by
    /// about a quarter; where the law is exactly right it increases the error, which is then small, by 4
    /// to 36% of itself (`cargo bench --bench predictors`).
    #[must_use]
    pub fn weigh_by_compute(self, power: f64) -> Self {
        Self { compute_power: power, ..self }
    }

    /// Lets the law's [prior](ScalingLaw::prior) count; by default it does not. The objective is then
    ///
    /// ```text
    /// mean_j Huber(r_j) + s^2 / rows * prior
    /// ```
    ///
    /// with the weighted mean of eq. 6 over all rows that have a loss. With an infinite delta and equal
    /// weights that is, up to a factor, minus the logarithm of the posterior of rows that are off by s, each on
    /// its own. With delta below s a row counts for less than its square, and the prior for some `s / delta`
    /// times more: as if that many rows, such as the checkpoints of a run, were one observation. Every
    /// optimizer works with it.
    #[must_use]
    pub fn prior(self, strength: PriorStrength) -> Self {
        Self { prior: strength, ..self }
    }

    /// Adds beliefs to the law's prior; see [`Prior::and`] for what they replace. They count with the strength
    /// of [`Fitter::prior`]; a fit without one is an error then.
    #[must_use]
    pub fn believe(self, beliefs: Prior) -> Self {
        Self { beliefs: self.beliefs.and(beliefs), ..self }
    }

    /// Fixes a coefficient, in the paper's units.
    #[must_use]
    pub fn fix(self, name: impl Into<String>, value: f64) -> Self {
        self.bound(name, value, value)
    }

    /// Searches for a coefficient between `lower` and `upper` only, in the paper's units. Replaces
    /// the law's own box.
    #[must_use]
    pub fn bound(mut self, name: impl Into<String>, lower: f64, upper: f64) -> Self {
        self.constraints.push((name.into(), lower, upper));
        self
    }

    /// The optimizer.
    #[must_use]
    pub fn optimizer(self, optimizer: impl Optimizer + 'static) -> Self {
        Self { optimizer: Arc::new(optimizer), ..self }
    }

    /// The crate's optimizer with another number of starts, each drawn by the law and solved by
    /// [`TrustRegion`] on least squares and then coarsely on Huber; finer solves follow from the best
    /// third of them, and a last one from the best of all. On three of the 28 fits of the paper's sweep
    /// 24 starts find the best minimum known in a minority of seeds only; more starts do so more often.
    /// At least 1.
    #[must_use]
    pub fn starts(self, starts: usize) -> Self {
        self.optimizer(search(starts))
    }

    /// The seed of every random number of the fit. The same seed gives the same fit.
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Calls `observer` with the [`Progress`] of every fit by these settings, which it can stop within an
    /// iteration of a local solve: the fit is then the best of the local solves that are done. An observer
    /// that never stops it changes no bit of a fit. The settings that a [`Fit`] keeps have no observer.
    ///
    /// ```
    /// use std::ops::ControlFlow;
    /// use std::sync::{Arc, Mutex};
    ///
    /// use mixlaw::law::AdditiveLaw;
    /// use mixlaw::{Fitter, Sweep};
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
    /// let (fitter, law) = (Fitter::new().seed(7), AdditiveLaw::for_sweep(&sweep));
    /// let solves = Arc::new(Mutex::new((0, None)));
    /// let told = Arc::clone(&solves);
    /// let observed = fitter.clone().observe(move |progress| {
    ///     *told.lock().unwrap() = (progress.done, progress.total);
    ///     ControlFlow::Continue(())
    /// });
    /// let fit = observed.fit(law.clone(), &sweep, "web")?;
    /// assert_eq!(*solves.lock().unwrap(), (fit.local_solves(), Some(fit.local_solves())));
    /// assert_eq!(fit.coordinates(), fitter.fit(law, &sweep, "web")?.coordinates());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn observe(
        self,
        observer: impl FnMut(&Progress) -> ControlFlow<()> + Send + 'static,
    ) -> Self {
        Self { observer: Some(Observer::new(observer)), ..self }
    }

    /// The same with the observer of some settings, if they have one.
    pub(crate) fn observed_by(self, observer: Option<&Observer>) -> Self {
        Self { observer: observer.cloned(), ..self }
    }

    /// The values of all settings but the optimizer and the observer.
    ///
    /// ```
    /// use mixlaw::Fitter;
    ///
    /// let fitter = Fitter::new().delta(0.01).fix("alpha", 0.34).seed(7);
    /// let settings = fitter.settings();
    /// assert_eq!((settings.delta, settings.seed), (0.01, 7));
    /// assert_eq!(settings.bounds, [("alpha".to_owned(), 0.34, 0.34)]);
    /// ```
    #[must_use]
    pub fn settings(&self) -> FitterSettings<'_> {
        FitterSettings {
            delta: self.delta,
            residual: self.residual,
            noise: self.weighing.noise(),
            schedule: self.weighing.schedule(),
            row_weights: self.row_weights.as_deref(),
            compute_power: self.compute_power,
            prior: self.prior,
            beliefs: &self.beliefs,
            bounds: &self.constraints,
            seed: self.seed,
        }
    }

    /// Fits `law` to the losses of `target` on all rows of `sweep` that have one; give it the rows to
    /// train on, such as `sweep.split("train")?`. Where losses are missing the fit is that to
    /// [`Sweep::with_losses_of`] the target, bit for bit.
    ///
    /// The domains of the law and the sweep are matched by name. Where weights of one mixture differ by
    /// rounding, the optimizer goes over rows without that difference, which is several times faster,
    /// and [`TrustRegion`] takes the last steps over the rows as they are; what is reported is of these.
    ///
    /// # Errors
    /// If a domain, a target or a coefficient is unknown, no row has a loss of the target, a setting is
    /// out of its range, there are fewer rows than free coefficients, the law is not defined at a row, or no finite
    /// objective was found. Not converging is not an error: see [`Fit::termination`].
    pub fn fit(
        &self,
        law: impl ScalingLaw + 'static,
        sweep: &Sweep,
        target: &str,
    ) -> Result<Fit, Error> {
        let control = Control::seeded(self.seed).observed_by(self.observer.as_ref());
        self.fit_with(Arc::new(law), sweep, target, control)
    }

    /// As [`Fitter::fit`], as part of another call, which can be stopped.
    pub(crate) fn fit_within(
        &self,
        law: Arc<dyn ScalingLaw>,
        sweep: &Sweep,
        target: &str,
        call: &Control,
    ) -> Result<Fit, Error> {
        self.fit_with(law, sweep, target, call.within(self.seed))
    }

    fn fit_with(
        &self,
        law: Arc<dyn ScalingLaw>,
        sweep: &Sweep,
        target: &str,
        control: Control,
    ) -> Result<Fit, Error> {
        self.optimizer.check()?;
        let data = self.data(law.as_ref(), sweep, target)?;
        let bounds = self.bounds(law.as_ref())?;
        let free = self.free_coefficients(law.as_ref())?;
        let rows = data.losses.len();
        if rows < free && self.prior == PriorStrength::None {
            let law = law.name().to_owned();
            return Err(ErrorKind::TooFewRows { law, rows, coefficients: free }.into());
        }
        let (mut strength, by_residuals) = self.first_strength(&data);
        let mut criterion = self.criterion(law.as_ref(), &data, strength)?;
        let search = |problem: &mut Problem<'_>| {
            let start = problem.draw_start(&mut control.stream(0)).expect("a law draws its starts");
            control.expect("local solves", self.optimizer.local_solves(problem));
            self.optimizer.minimize(problem, &start, &mut control.inner(0))
        };
        let without_rounding = data.without_rounding();
        let last = TrustRegion::default();
        let (mut problem, mut minimum) = rounding::minimize(
            &data,
            without_rounding.as_ref(),
            |data| Problem::new(law.as_ref(), data, &bounds, &criterion),
            search,
            &last,
            &control,
        );
        if by_residuals && minimum.value.is_finite() {
            strength = problem.spread(&minimum.x);
            drop(problem);
            criterion = self.criterion(law.as_ref(), &data, strength)?;
            problem = Problem::new(law.as_ref(), &data, &bounds, &criterion);
            let Minimum { x, evaluations, local_solves, termination, .. } = minimum;
            minimum = if termination == Termination::Stopped {
                Minimum::measured(&mut problem, x, termination, 0)
            } else {
                last.minimize(&mut problem, &x, &mut control.within(0))
            };
            minimum.evaluations += evaluations;
            minimum.local_solves = local_solves;
        }
        control.end(&minimum);
        if !minimum.value.is_finite() {
            return Err(ErrorKind::NoFiniteLoss { law: law.name().to_owned() }.into());
        }
        let at_bound = problem::at_bound(law.as_ref(), &bounds, &minimum.x);
        let coordinates = problem.coordinates(&minimum.x);
        let huber = problem.huber(&minimum.x);
        drop(problem);
        let ranges = [scale::range(&data.n), scale::range(&data.d)];
        Ok(Fit {
            scale: FittedScale::new(law.as_ref(), Some(ranges), false),
            target: target.to_owned(),
            coordinates,
            at_bound,
            minimum,
            huber,
            strength,
            fitter: Self { observer: None, ..self.clone() },
            law,
        })
    }

    /// Checks what is wrong with every law and sweep; `place` names the rows of the weights.
    fn check_settings(&self, place: impl Fn(usize) -> Place) -> Result<(), Error> {
        self.weighing.check()?;
        if self.delta.is_nan() || self.delta <= 0.0 {
            let expected = "a number > 0 (infinity is least squares)";
            return Err(Error::setting("delta", self.delta, expected));
        }
        if !self.compute_power.is_finite() {
            let name = "the power of the compute";
            return Err(Error::setting(name, self.compute_power, "a finite number"));
        }
        if let PriorStrength::Nats(s) = self.prior {
            if !(s.is_finite() && s > 0.0) {
                let name = "the strength of the prior";
                return Err(Error::setting(name, s, "a finite number of nats > 0"));
            }
        }
        if self.prior == PriorStrength::None && !self.beliefs.terms().is_empty() {
            let name = "the strength of the prior, where there are beliefs,";
            return Err(Error::setting(name, 0.0, "one that is set by `Fitter::prior`"));
        }
        let mut weights = self.row_weights.iter().flatten().enumerate();
        match weights.find(|(_, w)| !w.is_finite() || **w < 0.0) {
            None => Ok(()),
            Some((i, &w)) => {
                let name = format!("the weight of {}", place(i));
                Err(Error::setting(name, w, "a finite number >= 0"))
            }
        }
    }

    /// The rows that have the loss, in the order of the law's domains, checked.
    fn data(&self, law: &dyn ScalingLaw, sweep: &Sweep, target: &str) -> Result<Data, Error> {
        if let Some(weights) = self.row_weights.as_ref().filter(|w| w.len() != sweep.len()) {
            let expected = "one for each row of the sweep";
            let found = weights.len() as f64;
            return Err(Error::setting("the number of row weights", found, expected));
        }
        self.check_settings(|row| sweep.place(row))?;
        let rows = sweep.rows_with_loss(target)?;
        let mut weights: Vec<f64> = match &self.row_weights {
            Some(weights) => rows.iter().map(|&row| weights[row]).collect(),
            None => vec![1.0; rows.len()],
        };
        let sweep = sweep.measured(target)?;
        let h = aligned(law, &sweep)?;
        let k = law.domains().len();
        for (i, h) in h.chunks(k).enumerate() {
            let row = sweep.row(i);
            law.check(row.scale(), h).map_err(|error| error.at(sweep.place(i)))?;
        }
        if self.compute_power != 0.0 {
            let Scale { n, d } = sweep.scale();
            for (weight, row) in weights.iter_mut().zip(sweep.rows()) {
                *weight *= ((row.n / n) * (row.d / d)).powf(self.compute_power);
            }
        }
        self.weigh_rows(&sweep, target, &mut weights)?;
        let total: f64 = weights.iter().sum();
        if !(total.is_finite() && total > 0.0) {
            let (name, expected) = ("the sum of the row weights", "a finite number > 0");
            return Err(Error::setting(name, total, expected));
        }
        let all = Data {
            n: sweep.n().to_vec(),
            d: sweep.d().to_vec(),
            h,
            losses: sweep.losses_of(target)?,
            weights,
            mixtures: sweep.mixture_numbers(),
            rows,
        };
        Ok(all.weighted(|_| 1.0))
    }

    /// What a fit to some rows minimises, where the prior has this strength: none at 0.
    fn criterion(
        &self,
        law: &dyn ScalingLaw,
        data: &Data,
        strength: f64,
    ) -> Result<Criterion, Error> {
        let Self { delta, residual, .. } = *self;
        let over = || law.prior(&Known::of(data).start_data()).and(self.beliefs.clone()).over(law);
        let factor = strength * strength / data.rows.len() as f64;
        let prior = if strength > 0.0 { Some(PriorPart { factor, over: over()? }) } else { None };
        Ok(Criterion { delta, residual, prior })
    }

    /// The strength to begin with, and whether the residuals then say better.
    fn first_strength(&self, data: &Data) -> (f64, bool) {
        match (self.prior, self.residual) {
            (PriorStrength::None, _) => (0.0, false),
            (PriorStrength::Nats(s), _) => (s, false),
            (PriorStrength::Residuals, Residual::Loss) => {
                (FIRST_STRENGTH * Known::of(data).start_data().median_loss, true)
            }
            (PriorStrength::Residuals, Residual::LogLoss) => (FIRST_STRENGTH, true),
        }
    }

    /// How many coefficients of a law are not fixed.
    pub(crate) fn free_coefficients(&self, law: &dyn ScalingLaw) -> Result<usize, Error> {
        Ok(self.bounds(law)?.iter().filter(|b| b.lower < b.upper).count())
    }

    /// The box, in units of the law's coordinates.
    fn bounds(&self, law: &dyn ScalingLaw) -> Result<Vec<Bound>, Error> {
        let coordinates = law.coordinates();
        let own = |(lower, upper)| Bound { lower, upper, raw: false };
        let mut bounds: Vec<Bound> = coordinates.iter().map(|c| own(c.bounds())).collect();
        for (name, lower, upper) in &self.constraints {
            let (i, is_inverse) = constrained(law, name)?;
            check_constraint(name, *lower, *upper, allowed(coordinates, i, is_inverse))?;
            let (mut lower, mut upper) = (*lower, *upper);
            if is_inverse {
                if (lower < 0.0) != (upper < 0.0) {
                    return Err(bad_bound(name, lower, "a range on one side of 0"));
                }
                (lower, upper) = (1.0 / upper, 1.0 / lower);
            }
            let end = |value| coordinates.get(i).checked_coordinate(value);
            let raw = coordinates.offset(i).is_some();
            bounds[i] = Bound { lower: end(lower)?, upper: end(upper)?, raw };
        }
        Ok(bounds)
    }
}

/// The coefficient that a name is of, and whether it is the name of its inverse.
fn constrained(law: &dyn ScalingLaw, name: &str) -> Result<(usize, bool), Error> {
    let coordinates = law.coordinates();
    if let Some(i) = coordinates.position(name) {
        return Ok((i, false));
    }
    coordinates.position_of_inverse(name).map(|i| (i, true)).ok_or_else(|| {
        let known = coordinates.iter().map(|c| c.name().to_owned()).collect();
        let kind = ErrorKind::Unknown { kind: "coefficient", name: name.to_owned(), known };
        Error::from(kind).at(Place::Law(law.name().to_owned()))
    })
}

/// Checks that both bounds are among the allowed values, or the sizes of these, and in order.
fn check_constraint(
    name: &str,
    lower: f64,
    upper: f64,
    (allowed, is_size, expected): (RangeInclusive<f64>, bool, &'static str),
) -> Result<(), Error> {
    for value in [lower, upper] {
        if !allowed.contains(&if is_size { value.abs() } else { value }) {
            return Err(bad_bound(name, value, expected));
        }
    }
    if lower > upper {
        return Err(bad_bound(name, lower, "a lower bound that is not above the upper one"));
    }
    Ok(())
}

fn bad_bound(name: &str, value: f64, expected: &'static str) -> Error {
    Error::setting(format!("coefficient `{}`", cut(name)), value, expected)
}

/// The values that a user's bound on coefficient `i` may have, or on the inverse of it, whether these are
/// sizes, and the same in words: all that a law can be computed with. Exponents of N and D are smaller
/// than other numbers.
fn allowed(
    coordinates: &Coordinates,
    i: usize,
    is_inverse: bool,
) -> (RangeInclusive<f64>, bool, &'static str) {
    let offsets = (0..coordinates.len()).filter_map(|j| coordinates.offset(j));
    let is_exponent = offsets.into_iter().any(|offset| offset.exponent == i);
    let (range, expected) = match (coordinates.get(i).transform(), is_exponent) {
        _ if is_inverse => {
            (1e-100..=1e100, "a number from 1e-100 to 1e100, or from -1e100 to -1e-100")
        }
        (Transform::Log, true) => (1e-100..=100.0, "a number from 1e-100 to 100"),
        (Transform::Log, false) => (1e-100..=1e100, "a number from 1e-100 to 1e100"),
        (Transform::Identity, true) => (-100.0..=100.0, "a number from -100 to 100"),
        (Transform::Identity, false) => (-1e100..=1e100, "a number from -1e100 to 1e100"),
    };
    (range, is_inverse, expected)
}

/// The rows of a fit that have weight; the weights sum to one.
#[derive(Debug, Clone)]
struct Data {
    /// Their numbers in the sweep.
    rows: Vec<usize>,
    n: Vec<f64>,
    d: Vec<f64>,
    h: Vec<f64>,
    losses: Vec<f64>,
    weights: Vec<f64>,
    /// The numbers of their mixtures, among all rows that have the loss.
    mixtures: Vec<usize>,
}

impl Data {
    /// The rows that have weight where row i of the sweep counts `counts[i]` times as much.
    fn reweighted(&self, counts: &[f64]) -> Data {
        self.weighted(|row| counts[row])
    }

    /// The rows that have weight where a row of the sweep counts `count` times as much. Rows without
    /// weight would cost as much as others.
    fn weighted(&self, count: impl Fn(usize) -> f64) -> Data {
        let k = self.h.len() / self.rows.len();
        let weight = |&i: &usize| self.weights[i] * count(self.rows[i]);
        let used: Vec<usize> = (0..self.rows.len()).filter(|i| weight(i) > 0.0).collect();
        let total: f64 = used.iter().map(weight).sum();
        let pick = |of: &[f64]| used.iter().map(|&i| of[i]).collect();
        Data {
            rows: used.iter().map(|&i| self.rows[i]).collect(),
            n: pick(&self.n),
            d: pick(&self.d),
            h: used.iter().flat_map(|&i| &self.h[i * k..(i + 1) * k]).copied().collect(),
            losses: pick(&self.losses),
            weights: used.iter().map(|i| weight(i) / total).collect(),
            mixtures: used.iter().map(|&i| self.mixtures[i]).collect(),
        }
    }
}

/// The domain weights of all rows, in the order of the law's domains.
pub(crate) fn aligned(law: &dyn ScalingLaw, sweep: &Sweep) -> Result<Vec<f64>, Error> {
    let places: HashMap<&String, usize> = sweep.domains().iter().zip(0..).collect();
    let order: Option<Vec<usize>> =
        law.domains().iter().map(|domain| places.get(domain).copied()).collect();
    match order {
        Some(order) if order.len() == sweep.domains().len() => {
            Ok(sweep.rows().flat_map(|row| order.iter().map(move |&i| row.h[i])).collect())
        }
        _ => Err(ErrorKind::Mismatch {
            what: "the domains of the law and the sweep",
            first: law.domains().to_vec(),
            other: sweep.domains().to_vec(),
        }
        .into()),
    }
}

/// A fitted law: its coordinates, its coefficients, and how the fit went. Made by [`Fitter::fit`].
///
/// It prints as its formula with numbers.
///
/// With the feature `serde` it can be stored, and read where its law is one of the crate's: by way of
/// `StoredFit`, which is also how to read a fit of another law.
///
/// A fit of a law that is not the crate's cannot be read in this way, so writing it is an error too.
#[derive(Debug, Clone)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize), serde(try_from = "StoredFit"))]
pub struct Fit {
    law: Arc<dyn ScalingLaw>,
    target: String,
    coordinates: Vec<f64>,
    at_bound: Vec<String>,
    minimum: Minimum,
    huber: f64,
    /// Of the prior, in nats; 0 without.
    strength: f64,
    fitter: Fitter,
    scale: FittedScale,
}

impl Fit {
    /// The law.
    #[must_use]
    pub fn law(&self) -> &dyn ScalingLaw {
        self.law.as_ref()
    }

    /// The same law for another owner, such as a fit to other rows:
    /// `fit.fitter().fit(fit.shared_law(), &sweep, "web")`.
    #[must_use]
    pub fn shared_law(&self) -> Arc<dyn ScalingLaw> {
        Arc::clone(&self.law)
    }

    /// The target whose loss was fitted.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The coordinates z, for every method of the law.
    #[must_use]
    pub fn coordinates(&self) -> &[f64] {
        &self.coordinates
    }

    /// All coefficients in the paper's units, by name.
    #[must_use]
    pub fn coefficients(&self) -> Vec<(String, f64)> {
        self.law.coefficients(&self.coordinates)
    }

    /// One coefficient in the paper's units, such as `alpha` or `gamma[web]`.
    #[must_use]
    pub fn coefficient(&self, name: &str) -> Option<f64> {
        self.coefficients().into_iter().find(|(n, _)| n == name).map(|(_, value)| value)
    }

    /// The objective that was reached: [`Fit::huber`], and the part of the prior where it
    /// [counts](Fitter::prior).
    #[must_use]
    pub fn objective(&self) -> f64 {
        self.minimum.value
    }

    /// The weighted mean Huber loss at the fit (eq. 6), without any prior.
    #[must_use]
    pub fn huber(&self) -> f64 {
        self.huber
    }

    /// The strength that the prior had, in nats, if it [counted](Fitter::prior).
    #[must_use]
    pub fn prior_strength(&self) -> Option<f64> {
        (self.strength > 0.0).then_some(self.strength)
    }

    /// Why the fit stopped.
    #[must_use]
    pub fn termination(&self) -> Termination {
        self.minimum.termination
    }

    /// How far the fit is from first-order optimality; see [`Minimum::optimality`].
    #[must_use]
    pub fn optimality(&self) -> f64 {
        self.minimum.optimality
    }

    /// Evaluations of the objective.
    #[must_use]
    pub fn evaluations(&self) -> usize {
        self.minimum.evaluations
    }

    /// Runs of a local optimizer.
    #[must_use]
    pub fn local_solves(&self) -> usize {
        self.minimum.local_solves
    }

    /// The coefficients that ended on a bound of their range: the data would push them further, or
    /// does not determine them. Fixed ones are not listed.
    #[must_use]
    pub fn at_bound(&self) -> &[String] {
        &self.at_bound
    }

    /// The least and the greatest N of the rows that were fitted, in parameters; unknown (`None`) for a
    /// fit that was stored by an earlier crate.
    ///
    /// ```
    /// use mixlaw::law::ChinchillaLaw;
    /// use mixlaw::{Fitter, Sweep};
    ///
    /// let (n, d) = ([1e8, 1e8, 2e8, 4e8, 4e8], [2e9, 8e9, 4e9, 2e9, 8e9]);
    /// let loss = [3.4, 3.1, 3.0, 2.9, 2.6];
    /// let sweep = Sweep::new(&["web"], &["web"], &n, &d, &[1.0; 5], &loss)?;
    /// let fit = Fitter::new().starts(1).fit(ChinchillaLaw::for_sweep(&sweep), &sweep, "web")?;
    /// assert_eq!((fit.sizes(), fit.tokens()), (Some(1e8..=4e8), Some(2e9..=8e9)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn sizes(&self) -> Option<RangeInclusive<f64>> {
        self.scale.ranges.map(|[(least, most), _]| least..=most)
    }

    /// The least and the greatest D of the rows that were fitted, in tokens; as [`Fit::sizes`].
    #[must_use]
    pub fn tokens(&self) -> Option<RangeInclusive<f64>> {
        self.scale.ranges.map(|[_, (least, most)]| least..=most)
    }

    /// The settings that made this fit; the same fitter makes it again.
    #[must_use]
    pub fn fitter(&self) -> &Fitter {
        &self.fitter
    }

    /// The same fit, for use at every N and D: its predictions, metrics, plans and resamples are then
    /// not an error at a scale that its rows do not have.
    ///
    /// A law that does not depend on N predicts the same loss for every N. Fitted to rows of one N it
    /// has the loss of that N, and its prediction for a larger model is too high. So a prediction at
    /// another N is an error ([`Error::is_other_scale`]), and so is one at another D. The order of its
    /// mixtures may still be right at a larger scale: small runs then choose the mixture of a large one.
    /// Call this for that purpose, and read the values as those of the small runs. A law that
    /// depends on N and D, or that was fitted to rows of several, is not changed by this.
    ///
    /// ```
    /// use mixlaw::law::AdditiveFixedNDLaw;
    /// use mixlaw::{Fitter, Plan, Scale, Sweep};
    /// # let (mut n, mut d, mut h, mut loss) = (vec![], vec![], vec![], vec![]);
    /// # for web in [0.05, 0.2, 0.35, 0.5, 0.65, 0.8, 0.95] {
    /// #     n.push(1e8);
    /// #     d.push(2e9);
    /// #     h.extend([web, 1.0 - web]);
    /// #     loss.push(3.0 + 1.0 / (2.0 * f64::powf(web, 0.5) + f64::powf(1.0 - web, 0.5)));
    /// # }
    ///
    /// // Seven mixtures, all of 1e8 parameters and 2e9 tokens.
    /// let sweep = Sweep::new(&["web", "code"], &["web"], &n, &d, &h, &loss)?;
    /// let fit = Fitter::new().fit(AdditiveFixedNDLaw::for_sweep(&sweep), &sweep, "web")?;
    /// assert!(fit.predict(Scale { n: 1e8, d: 2e9 }, &[0.5, 0.5]).is_ok());
    /// let refused = fit.predict(Scale { n: 7e9, d: 1.4e11 }, &[0.5, 0.5]);
    /// assert!(refused.unwrap_err().is_other_scale());
    ///
    /// // The mixture for 7e9 parameters, as the small runs rank mixtures: 4/5 of web is best.
    /// let fit = fit.for_any_scale();
    /// let choice = Plan::builder().target(1.0, &fit).build()?.best(Scale { n: 7e9, d: 1.4e11 })?;
    /// assert!((choice.optimum.weights[0] - 0.8).abs() < 0.01);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn for_any_scale(mut self) -> Self {
        self.scale.any = true;
        self
    }

    /// Checks that the fit can predict at N and D.
    pub(crate) fn check_scale(&self, at: Scale) -> Result<(), Error> {
        self.scale.check(self.law(), at)
    }

    /// Checks that the fit can predict at N, D and h.
    pub(crate) fn check(&self, at: Scale, h: &[f64]) -> Result<(), Error> {
        self.law.check(at, h)?;
        self.check_scale(at)
    }

    /// The loss in nats that the fit predicts at N parameters, D tokens and domain weights h, in the
    /// order of the law's domains.
    ///
    /// # Errors
    /// If N or D is not positive, h has the wrong length, the law is infinite there, or it
    /// does not depend on N (or D) and was fitted to rows of another one
    /// ([`Fit::for_any_scale`]).
    pub fn predict(&self, at: Scale, h: impl AsRef<[f64]>) -> Result<f64, Error> {
        let h = h.as_ref();
        self.check(at, h)?;
        Ok(self.law.loss(&self.coordinates, at, h))
    }

    /// The predictions for all rows of a sweep, in nats.
    ///
    /// # Errors
    /// If the sweep has other domains, and as [`Fit::predict`] for a row.
    pub fn predict_sweep(&self, sweep: &Sweep) -> Result<Vec<f64>, Error> {
        let h = aligned(self.law(), sweep)?;
        let predict = |(i, h)| {
            let row = sweep.row(i);
            self.predict(row.scale(), h).map_err(|error| error.at(sweep.place(i)))
        };
        h.chunks(self.law.domains().len()).enumerate().map(predict).collect()
    }

    /// How well the fit predicts the losses of its target on all rows of a sweep that have one;
    /// [`Metrics::count`] is how many these are.
    ///
    /// # Errors
    /// If the sweep has other domains, no such target or no loss of it, or [`Fit::predict`] refuses a
    /// row that has one.
    pub fn evaluate(&self, sweep: &Sweep) -> Result<Metrics, Error> {
        let sweep = sweep.measured(&self.target)?;
        let observed = sweep.losses_of(&self.target)?;
        Ok(Metrics::new(&observed, &self.predict_sweep(&sweep)?))
    }
}

impl fmt::Display for Fit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.law.formula(&self.coordinates))
    }
}
