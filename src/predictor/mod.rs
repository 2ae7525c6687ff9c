//! Predictors: the loss of one target as a function of scale and mixture, from any source.
//!
//! A [`Predictor`] is what a [`Plan`](crate::Plan) chooses mixtures by. It is owned, cheap to clone,
//! and made from
//!
//! | what there is | by |
//! |---|---|
//! | one fit | `Predictor::from(&fit)`; a `&Fit` works wherever a predictor is asked for |
//! | several fits, whose predictions are averaged | [`Predictor::mean`] |
//! | the runs of a sweep | [`Predictor::recommended`] |
//! | a fit and its sweep, to know how sure it is | [`Bootstrap::run`](crate::uncertainty::Bootstrap::run) |
//! | a law with coefficients that are known | [`Predictor::new`] |
//! | any other function | [`Predictor::from_fn`] |
//!
//! ```
//! use mixlaw::law::{AdditiveLaw, JointLaw};
//! use mixlaw::{Fitter, Predictor, Scale, Sweep};
//! # let (mut n, mut d, mut h, mut loss) = (vec![], vec![], vec![], vec![]);
//! # for web in [0.1, 0.3, 0.5, 0.9] {
//! #     for (size, tokens) in [(1e8, 2e9), (1e8, 8e9), (4e8, 2e9), (4e8, 8e9)] {
//! #         n.push(size);
//! #         d.push(tokens);
//! #         h.extend([web, 1.0 - web]);
//! #         loss.push(1.0 + 1.0 / (2.0 * f64::powf(web, 0.5) + 1.0 - web)
//! #             + 400.0 / f64::powf(size, 0.34) + 400.0 / f64::powf(tokens, 0.28));
//! #     }
//! # }
//! # let sweep = Sweep::new(&["web", "code"], &["web"], &n, &d, &h, &loss)?;
//! let additive = Fitter::new().fit(AdditiveLaw::for_sweep(&sweep), &sweep, "web")?;
//! let joint = Fitter::new().fit(JointLaw::for_sweep(&sweep), &sweep, "web")?;
//! let both = Predictor::mean([&additive, &joint])?;
//! let (at, h) = (Scale { n: 1e9, d: 2e10 }, [0.5, 0.5]);
//! let mean = (additive.predict(at, &h)? + joint.predict(at, &h)?) / 2.0;
//! assert!((both.predict(at, h)? - mean).abs() < 1e-15);
//! # Ok::<(), mixlaw::Error>(())
//! ```

mod interval;
mod members;
mod run_noise;
mod scale_errors;
#[cfg(feature = "serde")]
mod stored;

use std::sync::Arc;

use crate::error::{Error, ErrorKind, Place};
use crate::fit::{Fit, Fitter, Metrics, aligned};
use crate::law::{self, FromFn, MixtureFunction, ScalingLaw, Sum, at_scale};
use crate::scale::Scale;
use crate::sweep::Sweep;

pub use interval::{CoefficientInterval, Interval};
pub(crate) use interval::{check_level, interval, quantile};
pub use members::Members;
pub(crate) use members::{BLOCK, Draws, Residual, RunNoise, residual_quantiles};
pub use run_noise::Difference;
pub(crate) use run_noise::{BetweenRuns, FittedRow, TwoRuns};
pub use scale_errors::{ScaleErrors, ScaleStep};
#[cfg(feature = "serde")]
pub(crate) use stored::plain;

/// The loss of one target as a function of N, D and h; see the [module](self).
///
/// It knows its target, its domains by name, the [fits](Predictor::fits) that it is made of and, where
/// it was resampled, its [members](Predictor::members): the same laws at other coordinates, each fitted to
/// another draw of the runs. Its own prediction is that of the fits to all rows.
///
/// ```
/// use mixlaw::law::{ChinchillaLaw, ScalingLaw};
/// use mixlaw::{Predictor, Scale};
///
/// // The coefficients that Hoffmann et al. (2022) printed for their third approach.
/// let law = ChinchillaLaw::new(&["web"], Scale::ONE)?;
/// let printed = [("E", 1.69), ("A", 406.4), ("alpha", 0.34), ("B", 410.7), ("beta", 0.28)];
/// let z = law.coordinates_of(&printed)?;
/// let chinchilla = Predictor::new("web", law, &z)?;
/// let loss = chinchilla.predict(Scale { n: 70e9, d: 1.4e12 }, [1.0])?;
/// assert!((loss - 1.9366).abs() < 1e-3);
/// # Ok::<(), mixlaw::Error>(())
/// ```
///
/// With the feature `serde` it can be stored and read, with its members, where its laws are the crate's.
/// Writing one with another law is an error.
#[derive(Debug, Clone)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Deserialize),
    serde(try_from = "stored::StoredPredictor")
)]
pub struct Predictor(Arc<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    target: String,
    /// The laws whose mean the loss is; never none, and all of the same domains.
    parts: Vec<Part>,
    members: Option<Members>,
}

/// A law at its coordinates.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "most parts are fits, and there are few")]
pub(crate) enum Part {
    /// Those of a fit, which may not know every N and D.
    Fit(Fit),
    Law {
        law: Arc<dyn ScalingLaw>,
        z: Vec<f64>,
    },
}

impl Part {
    pub(crate) fn law(&self) -> &dyn ScalingLaw {
        match self {
            Self::Fit(fit) => fit.law(),
            Self::Law { law, .. } => law.as_ref(),
        }
    }

    pub(crate) fn z(&self) -> &[f64] {
        match self {
            Self::Fit(fit) => fit.coordinates(),
            Self::Law { z, .. } => z,
        }
    }

    fn check_scale(&self, at: Scale) -> Result<(), Error> {
        match self {
            Self::Fit(fit) => Ok(fit.check_scale(at)?),
            Self::Law { .. } => Ok(()),
        }
    }
}

impl From<Fit> for Predictor {
    fn from(fit: Fit) -> Self {
        Self::of(fit.target().to_owned(), vec![Part::Fit(fit)], None)
    }
}

impl From<&Fit> for Predictor {
    fn from(fit: &Fit) -> Self {
        fit.clone().into()
    }
}

impl From<&Predictor> for Predictor {
    fn from(predictor: &Predictor) -> Self {
        predictor.clone()
    }
}

impl Predictor {
    fn of(target: String, parts: Vec<Part>, members: Option<Members>) -> Self {
        Self(Arc::new(Inner { target, parts, members }))
    }

    /// A law at coordinates `z`; [`ScalingLaw::coordinates_of`] makes them from coefficients.
    ///
    /// # Errors
    /// [`Error`] if `z` is not one finite number for each coordinate.
    pub fn new(
        target: impl Into<String>,
        law: impl ScalingLaw + 'static,
        z: &[f64],
    ) -> Result<Self, Error> {
        let target = target.into();
        let checked = check_coordinates(&law, z);
        checked.map_err(|error| error.at(Place::Target(target.clone())))?;
        let part = Part::Law { law: Arc::new(law), z: z.to_vec() };
        Ok(Self::of(target, vec![part], None))
    }

    /// A function of yours: the loss in nats at N, D and domain weights h, in the order of
    /// `domains`. It writes the slopes in the weights, each taken with every weight free, into its
    /// last argument, which holds zeros before. N and D may be infinite.
    ///
    /// Only the values of such a function are known, so mixtures that are chosen by it are not certified;
    /// see [`Predictor::from_convex_fn`]. A formula with coefficients that are to be fitted is a
    /// [`Formula`](crate::law::Formula).
    ///
    /// # Errors
    /// [`Error`] if a domain has no name, or one that appears twice.
    ///
    /// ```
    /// use mixlaw::{Plan, Predictor, Scale};
    ///
    /// // Worse the further from one third of code.
    /// let own = Predictor::from_convex_fn("code", &["web", "code"], |_, h, slopes| {
    ///     slopes[1] = 2.0 * (h[1] - 1.0 / 3.0);
    ///     2.0 + (h[1] - 1.0 / 3.0).powi(2)
    /// })?;
    /// let plan = Plan::builder().target(1.0, own).build()?;
    /// let choice = plan.best(Scale { n: 7e9, d: 1.4e11 })?;
    /// assert!((choice.optimum.weights[1] - 1.0 / 3.0).abs() < 1e-4);
    /// assert!(choice.optimum.is_certified());
    /// # Ok::<(), mixlaw::Error>(())
    /// ```
    pub fn from_fn(
        target: impl Into<String>,
        domains: &[impl AsRef<str>],
        loss: impl Fn(Scale, &[f64], &mut [f64]) -> f64 + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        Self::from_law_of_fn(target.into(), domains, loss, false)
    }

    /// As [`Predictor::from_fn`], for a function that is convex in h on the simplex, at every N and D.
    /// If it is not, the certificates of mixtures that are chosen by it are wrong.
    ///
    /// # Errors
    /// As [`Predictor::from_fn`].
    pub fn from_convex_fn(
        target: impl Into<String>,
        domains: &[impl AsRef<str>],
        loss: impl Fn(Scale, &[f64], &mut [f64]) -> f64 + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        Self::from_law_of_fn(target.into(), domains, loss, true)
    }

    fn from_law_of_fn(
        target: String,
        domains: &[impl AsRef<str>],
        loss: impl Fn(Scale, &[f64], &mut [f64]) -> f64 + Send + Sync + 'static,
        is_convex: bool,
    ) -> Result<Self, Error> {
        let law = FromFn::new(&target, domains, loss, is_convex)?;
        Self::new(target, law, &[])
    }

    /// The mean of predictors of one target: laws are wrong in different ways, and where two disagree the
    /// mean mostly has a smaller error than either. It has no members, even if its parts have: resample
    /// the mean.
    ///
    /// # Errors
    /// [`Error`] if there are none, or they have different targets or domains.
    pub fn mean(predictors: impl IntoIterator<Item = impl Into<Predictor>>) -> Result<Self, Error> {
        let all: Vec<Predictor> = predictors.into_iter().map(Into::into).collect();
        let Some(first) = all.first() else {
            return Err(ErrorKind::Empty { what: "a mean", part: "predictor" }.into());
        };
        for other in &all {
            let (ours, theirs) = ([first.target().to_owned()], [other.target().to_owned()]);
            let mismatch = |what, first: &[String], other: &[String]| {
                Err(ErrorKind::Mismatch { what, first: first.to_vec(), other: other.to_vec() }
                    .into())
            };
            if ours != theirs {
                return mismatch("the targets of the parts of a mean", &ours, &theirs);
            }
            if first.domains() != other.domains() {
                let what = "the domains of the parts of a mean";
                return mismatch(what, first.domains(), other.domains());
            }
        }
        let parts = all.iter().flat_map(|predictor| predictor.0.parts.clone()).collect();
        Ok(Self::of(first.target().to_owned(), parts, None))
    }

    /// The crate's predictor for a larger scale: the mean of the [recommended laws](law::recommended), each fitted
    /// by [`Fitter::recommended`], with rows that count by their compute and a prior.
    ///
    /// The laws and the power of the compute were chosen by errors on larger sizes held out (`cargo bench
    /// --bench predictors`), the prior by the choices that follow from it on three sweeps of real runs (`cargo
    /// bench --bench decisions`).
    ///
    /// It is `Predictor::mean` of fits, which can be [observed](Fitter::observe) one by one.
    ///
    /// Where all rows have one N or one D, mixtures can be told apart as well as by simpler laws, but what
    /// another N or D would change is what the prior believes, and nothing else.
    ///
    /// # Errors
    /// As [`Fitter::fit`].
    pub fn recommended(sweep: &Sweep, target: &str) -> Result<Self, Error> {
        Self::recommended_by(&Fitter::recommended(), sweep, target)
    }

    /// As [`Predictor::recommended`], with another seed or an observer.
    pub(crate) fn recommended_by(
        fitter: &Fitter,
        sweep: &Sweep,
        target: &str,
    ) -> Result<Self, Error> {
        let fits = law::recommended(sweep).into_iter().map(|law| fitter.fit(law, sweep, target));
        Self::mean(fits.collect::<Result<Vec<Fit>, Error>>()?)
    }

    /// The same predictor with each of its fits for use at every N and D; see [`Fit::for_any_scale`].
    #[must_use]
    pub fn for_any_scale(self) -> Self {
        let mut inner = Arc::unwrap_or_clone(self.0);
        let at_any = |part| match part {
            Part::Fit(fit) => Part::Fit(fit.for_any_scale()),
            law => law,
        };
        inner.parts = inner.parts.into_iter().map(at_any).collect();
        Self(Arc::new(inner))
    }

    /// The target whose loss it predicts.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.0.target
    }

    /// The names of the domains, in the order of every h.
    #[must_use]
    pub fn domains(&self) -> &[String] {
        self.0.parts[0].law().domains()
    }

    /// The names of its laws, such as `joint + full`.
    #[must_use]
    pub fn name(&self) -> String {
        let names: Vec<&str> = self.0.parts.iter().map(|part| part.law().name()).collect();
        names.join(" + ")
    }

    /// Its laws with their coordinates, the mean of whose losses it predicts;
    /// [`ScalingLaw::coefficients`] prints these in the paper's units.
    pub fn laws(&self) -> impl ExactSizeIterator<Item = (&dyn ScalingLaw, &[f64])> {
        self.0.parts.iter().map(|part| (part.law(), part.z()))
    }

    /// The fits that it is made of; none if it is a law at coordinates or a function of yours.
    pub fn fits(&self) -> impl Iterator<Item = &Fit> {
        self.0.parts.iter().filter_map(|part| match part {
            Part::Fit(fit) => Some(fit),
            Part::Law { .. } => None,
        })
    }

    /// Whether it can tell mixtures apart: whether one of its laws
    /// [depends](ScalingLaw::dependence) on the mixture. Over a single domain there is nothing to tell.
    #[must_use]
    pub fn sees_mixture(&self) -> bool {
        self.domains().len() < 2 || self.0.parts.iter().any(|part| part.law().dependence().h)
    }

    /// The loss in nats at N parameters, D tokens and domain weights h, in the order of
    /// [`Predictor::domains`].
    ///
    /// # Errors
    /// As [`Fit::predict`].
    pub fn predict(&self, at: Scale, h: impl AsRef<[f64]>) -> Result<f64, Error> {
        let h = h.as_ref();
        self.check(at, h)?;
        Ok(mean(self.0.parts.iter().map(|part| part.law().loss(part.z(), at, h))))
    }

    /// The predictions for all rows of a sweep, in nats.
    ///
    /// # Errors
    /// As [`Fit::predict_sweep`].
    pub fn predict_sweep(&self, sweep: &Sweep) -> Result<Vec<f64>, Error> {
        let h = aligned(self.0.parts[0].law(), sweep)?;
        let predict = |(i, h): (usize, &[f64])| {
            let predicted = self.predict(sweep.row(i).scale(), h);
            predicted.map_err(|error| error.at(sweep.place(i)))
        };
        h.chunks(self.domains().len()).enumerate().map(predict).collect()
    }

    /// How well it predicts the losses of its target on all rows of a sweep that have one.
    ///
    /// # Errors
    /// As [`Fit::evaluate`].
    pub fn evaluate(&self, sweep: &Sweep) -> Result<Metrics, Error> {
        let sweep = sweep.measured(self.target())?;
        let observed = sweep.losses_of(self.target())?;
        Ok(Metrics::new(&observed, &self.predict_sweep(&sweep)?))
    }

    /// Checks that it can predict at N, D and h.
    pub(crate) fn check(&self, at: Scale, h: &[f64]) -> Result<(), Error> {
        for part in &self.0.parts {
            part.law().check(at, h)?;
            part.check_scale(at)?;
        }
        Ok(())
    }

    /// Checks that it can predict at N and D.
    pub(crate) fn check_scale(&self, at: Scale) -> Result<(), Error> {
        self.0.parts.iter().try_for_each(|part| part.check_scale(at))
    }

    /// The loss at one N and D as a function of h alone.
    pub(crate) fn at_scale(&self, seen: Seen, at: Scale) -> Box<dyn MixtureFunction + '_> {
        let parts = &self.0.parts;
        let members = match (seen, &self.0.members) {
            (Seen::Own, _) | (_, None) => vec![None],
            (Seen::Member(member), _) => vec![Some(member)],
            (Seen::Mean | Seen::WorstShare(_), Some(members)) => {
                (0..members.len()).map(Some).collect()
            }
        };
        let share = 1.0 / (members.len() * parts.len()) as f64;
        let mut functions: Vec<(f64, Box<dyn MixtureFunction + '_>)> = Vec::new();
        for member in members {
            for (i, part) in parts.iter().enumerate() {
                functions.push((share, at_scale(part.law(), self.z(member, i), at)));
            }
        }
        match functions.pop() {
            Some((_, one)) if functions.is_empty() => one,
            last => Box::new(Sum(functions.into_iter().chain(last).collect())),
        }
    }

    /// The coordinates of a part, or of a member's.
    fn z(&self, member: Option<usize>, part: usize) -> &[f64] {
        match (member, &self.0.members) {
            (Some(member), Some(members)) => &members.coordinates[member][part],
            _ => self.0.parts[part].z(),
        }
    }
}

/// Whose losses count.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Seen {
    /// The predictor's own.
    Own,
    /// Those of a member.
    Member(usize),
    /// The mean over all members.
    Mean,
    /// The mean over the worst share of the members, by the weighted sum of their losses.
    WorstShare(f64),
}

/// What follows from the members of a predictor.
impl Predictor {
    /// The same predictor with members: for each the coordinates of each of its parts.
    pub(crate) fn with_members(self, members: Members) -> Self {
        let mut inner = Arc::unwrap_or_clone(self.0);
        inner.members = Some(members);
        Self(Arc::new(inner))
    }

    pub(crate) fn parts(&self) -> &[Part] {
        &self.0.parts
    }

    /// Its members, if it was [resampled](crate::uncertainty::Bootstrap::run).
    #[must_use]
    pub fn members(&self) -> Option<&Members> {
        self.0.members.as_ref()
    }

    /// A member as a predictor of its own, of laws at its coordinates; `None` if there is no such
    /// member.
    #[must_use]
    pub fn member(&self, member: usize) -> Option<Predictor> {
        let all = self.0.members.as_ref()?.coordinates.get(member)?;
        let one = |(part, z): (&Part, &Vec<f64>)| {
            let law = match part {
                Part::Fit(fit) => fit.shared_law(),
                Part::Law { law, .. } => Arc::clone(law),
            };
            Part::Law { law, z: z.clone() }
        };
        let parts = self.0.parts.iter().zip(all).map(one).collect();
        Some(Self::of(self.target().to_owned(), parts, None))
    }

    /// The members, which must be there.
    pub(crate) fn needed_members(&self) -> Result<&Members, Error> {
        self.0.members.as_ref().ok_or_else(|| {
            let target = self.target().to_owned();
            ErrorKind::NoMembers { target }.into()
        })
    }

    /// The loss of every member at N parameters, D tokens and domain weights h, in nats.
    ///
    /// # Errors
    /// As [`Predictor::predict`], and if it has no members.
    pub fn values(&self, at: Scale, h: impl AsRef<[f64]>) -> Result<Vec<f64>, Error> {
        let (members, h) = (self.needed_members()?, h.as_ref());
        self.check(at, h)?;
        Ok(members.coordinates.iter().map(|z| self.loss_of(z, at, h)).collect())
    }

    /// The loss with other coordinates for each part.
    pub(crate) fn loss_of(&self, z: &[Vec<f64>], at: Scale, h: &[f64]) -> f64 {
        mean(self.0.parts.iter().zip(z).map(|(part, z)| part.law().loss(z, at, h)))
    }

    /// The interval of the law's value at N, D and h: where it would be with other runs of the same
    /// kind, at this level (0.9 for 90%). By percentiles.
    ///
    /// # Errors
    /// As [`Predictor::values`], and if the level is not between 0 and 1.
    pub fn interval(&self, at: Scale, h: impl AsRef<[f64]>, level: f64) -> Result<Interval, Error> {
        check_level(level)?;
        let h = h.as_ref();
        Ok(interval(self.predict(at, h)?, self.values(at, h)?, level))
    }

    /// The interval of the loss that a new run will have at N, D and h: as [`Predictor::interval`],
    /// and with the noise of a run and the misfit of the law as large as they are, relative to the
    /// loss, at runs that a resample did not draw: the percentiles of `L_b (1 + r_j)` over the losses
    /// L_b of all members and the residuals r_j of [`Predictor::residuals`].
    ///
    /// Where the noise of runs was [declared](crate::uncertainty::Bootstrap::noise), it is that of the
    /// mixture h: the percentiles of `L_b + u_j sqrt(sigma(h)^2 + (m L_b)^2)`, with the declared
    /// deviation sigma, the misfit m relative to the loss, and the residuals u_j divided by such
    /// deviations at their rows. m is what the noise does not explain: the mean of the u_j^2 is 1
    /// (Paule and Mandel, 1982), and m is 0 if they are less without it. sigma is an estimate, so it is
    /// widened by the ratio of Student's t to the normal distribution at u_j.
    ///
    /// How the law errs beyond the scales that were fitted is added where it is known: see
    /// [`Predictor::with_scale_errors`]. Without it 90% intervals held 30 to 79% of the runs that were made at
    /// sizes 2.2 to 2.8 times the largest.
    ///
    /// # Errors
    /// As [`Predictor::interval`].
    pub fn prediction_interval(
        &self,
        at: Scale,
        h: impl AsRef<[f64]>,
        level: f64,
    ) -> Result<Interval, Error> {
        check_level(level)?;
        let h = h.as_ref();
        let (values, members) = (self.values(at, h)?, self.needed_members()?);
        let values: Vec<f64> = match &members.noise {
            Some(noise) => noise.around(&values, h),
            None => {
                let around = |value| members.residuals.iter().map(move |r| value * (1.0 + r));
                values.into_iter().flat_map(around).collect()
            }
        };
        let own = interval(self.predict(at, h)?, values, level);
        Ok(members.scale_errors().map_or(own, |errors| errors.widen(own, at, level)))
    }

    /// By how much a run with domain weights h is better than one with the weights `other`, at one N and D: the
    /// loss of the other less its own.
    ///
    /// Over all members, and with the noise of two runs: the residuals of the runs at the largest size that was
    /// fitted, less what those of one N and D have in common. An error that all mixtures share takes no part in
    /// a difference, and what is left hardly grows with the scale, so nothing is added beyond the data.
    ///
    /// # Errors
    /// As [`Predictor::interval`].
    ///
    /// ```
    /// # use mixlaw::law::AdditiveLaw;
    /// # use mixlaw::testing::SyntheticSweep;
    /// # use mixlaw::uncertainty::Bootstrap;
    /// # use mixlaw::{Fitter, Scale};
    /// let runs = SyntheticSweep::new(&["web", "code"]).run_noise(0.003);
    /// let runs = runs.losses_by("t", |at, h| 2.0 - h[0] * h[1] + 40.0 / at.n.powf(0.2) + 40.0 / at.d.powf(0.2));
    /// let sweep = runs.build()?.split("train")?;
    /// let fit = Fitter::new().starts(4).fit(AdditiveLaw::for_sweep(&sweep), &sweep, "t")?;
    /// let predictor = Bootstrap::new(20).run(&fit, &sweep)?;
    /// let at = Scale { n: 1e9, d: 2e10 };
    /// let better = predictor.difference(at, [0.5, 0.5], [0.9, 0.1], 0.9)?;
    /// println!("{better}");
    /// let turned = predictor.difference(at, [0.9, 0.1], [0.5, 0.5], 0.9)?;
    /// assert!((better.probability + turned.probability - 1.0).abs() < 1e-12);
    /// # Ok::<(), mixlaw::Error>(())
    /// ```
    pub fn difference(
        &self,
        at: Scale,
        h: impl AsRef<[f64]>,
        other: impl AsRef<[f64]>,
        level: f64,
    ) -> Result<Difference, Error> {
        check_level(level)?;
        let (h, other) = (h.as_ref(), other.as_ref());
        let loss = self.predict(at, h)?;
        let estimate = self.predict(at, other)? - loss;
        let (own, others) = (self.values(at, h)?, self.values(at, other)?);
        let differences: Vec<f64> =
            own.iter().zip(&others).map(|(own, other)| other - own).collect();
        let noise = self.needed_members()?.between_runs().residuals().iter().map(|r| loss * r.1);
        Ok(TwoRuns::new(noise.collect()).difference(estimate, &differences, level))
    }

    /// The same predictor with what is known of how it errs at larger scales, which
    /// [`Predictor::prediction_interval`] then adds as an error of its own: half the width of the interval becomes
    /// the root of the sum of the squares of both.
    ///
    /// # Errors
    /// If it has no members.
    pub fn with_scale_errors(self, errors: &ScaleErrors) -> Result<Self, Error> {
        self.needed_members()?;
        let mut inner = Arc::unwrap_or_clone(self.0);
        if let Some(members) = &mut inner.members {
            members.scale_errors = Some(errors.clone());
        }
        Ok(Self(Arc::new(inner)))
    }

    /// The intervals of all coefficients of all laws, in the paper's units. Those that a law does not
    /// have are not listed, and those that a member does not have are counted without it:
    /// [`CoefficientInterval::members`].
    ///
    /// # Errors
    /// If it has no members, or the level is not between 0 and 1.
    pub fn coefficients(&self, level: f64) -> Result<Vec<CoefficientInterval>, Error> {
        check_level(level)?;
        let members = self.needed_members()?;
        let of_part = |(i, part): (usize, &Part)| {
            let law = part.law();
            let all: Vec<Vec<(String, f64)>> =
                members.coordinates.iter().map(|z| law.coefficients(&z[i])).collect();
            let one = |(name, estimate): (String, f64)| {
                let own = |list: &Vec<(String, f64)>| {
                    list.iter().find(|(other, _)| *other == name).map(|(_, value)| *value)
                };
                let values: Vec<f64> = all.iter().filter_map(own).collect();
                let members = values.len();
                let (lower, upper) = (f64::NEG_INFINITY, f64::INFINITY);
                let interval = if values.is_empty() {
                    Interval { estimate, lower, upper }
                } else {
                    interval(estimate, values, level)
                };
                CoefficientInterval { law: law.name().to_owned(), name, interval, members }
            };
            law.coefficients(part.z()).into_iter().map(one).collect::<Vec<_>>()
        };
        Ok(self.0.parts.iter().enumerate().flat_map(of_part).collect())
    }

    /// The interval that holds this share of the relative residuals `observed / predicted - 1` at
    /// runs that a resample did not draw: the noise of a run and the misfit of the law.
    ///
    /// # Errors
    /// If it has no members, or the level is not between 0 and 1.
    pub fn residuals(&self, level: f64) -> Result<Interval, Error> {
        check_level(level)?;
        let residuals = &self.needed_members()?.residuals;
        Ok(interval(quantile(residuals, 0.5), residuals.clone(), level))
    }
}

/// Checks that there is one finite number for each coordinate of a law.
fn check_coordinates(law: &impl ScalingLaw, z: &[f64]) -> Result<(), Error> {
    let coordinates = law.coordinates();
    if z.len() != coordinates.len() {
        let what = format!("the list of coordinates of the {} law", law.name());
        let (found, expected) = (z.len(), coordinates.len());
        return Err(ErrorKind::Length { what, found, expected }.into());
    }
    match coordinates.iter().zip(z).find(|(_, z)| !z.is_finite()) {
        None => Ok(()),
        Some((c, z)) => {
            let name = format!("coordinate `{}` of the {} law", c.name(), law.name());
            Err(Error::setting(name, *z, "a finite number"))
        }
    }
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len() as f64;
    values.sum::<f64>() / count
}
