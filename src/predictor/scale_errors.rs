use std::fmt;

use super::{Interval, Predictor, mean};
use crate::error::{Error, ErrorKind, Place};
use crate::scale::Scale;
use crate::student;
use crate::sweep::{Row, Sweep};

/// How far off predictions at larger scales were, as far as a sweep can tell: every scale above the two
/// smallest held out, and predicted from what is smaller (rolling origin).
///
/// Of one target and one scale held out, nearly all of the error is an offset that all mixtures share. Its
/// standard deviation, relative to the loss, is taken to grow as that of a trend that wanders (an integrated
/// random walk):
///
/// ```text
/// s x^1.5,   x^2 = ln(N / N_max)^2 + ln(D / D_max)^2     each term 0 within the data
/// s^2 = (nu_0 s_0^2 + sum_j q_j) / (nu_0 + steps),       nu_0 = 2, s_0 = 0.005
/// ```
///
/// q_j is the mean of `(offset / x^1.5)^2` over all targets and all fits by which the j-th scale was held out,
/// and steps is the number of such scales: targets and fits are not counted as if they were independent.
/// s_0 and nu_0 are what is believed where little was held out. Quantiles are those of Student's t with
/// `nu_0 + steps` degrees of freedom. How often the intervals hold on real runs is [measured](crate::guide::measurements)
/// by `cargo bench --bench extrapolation`.
///
/// The error between mixtures at one scale hardly grows, so [`Predictor::difference`] does not need it.
///
/// ```
/// use mixlaw::law::AdditiveLaw;
/// use mixlaw::predictor::ScaleErrors;
/// use mixlaw::testing::SyntheticSweep;
/// use mixlaw::uncertainty::Bootstrap;
/// use mixlaw::{Fitter, Predictor, Scale};
///
/// let sweep = SyntheticSweep::new(&["web", "code"]).build()?.split("train")?;
/// let fit = |rows: &mixlaw::Sweep, target: &str| {
///     Fitter::new().starts(4).fit(AdditiveLaw::for_sweep(rows), rows, target).map(Predictor::from)
/// };
/// let target = sweep.targets()[0].clone();
/// let errors = ScaleErrors::measure(&sweep, [&target], fit)?;
/// println!("{errors}");
///
/// let predictor = Bootstrap::new(20).run(&fit(&sweep, &target)?, &sweep)?;
/// let (at, h) = (Scale { n: 1e11, d: 1e12 }, [0.5, 0.5]);
/// let today = predictor.prediction_interval(at, h, 0.9)?;
/// let wider = predictor.with_scale_errors(&errors)?.prediction_interval(at, h, 0.9)?;
/// assert!(wider.lower < today.lower && today.upper < wider.upper);
/// # Ok::<(), mixlaw::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ScaleErrors {
    largest: Scale,
    steps: Vec<ScaleStep>,
}

/// The errors of one target at one scale that was held out.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct ScaleStep {
    /// The target.
    pub target: String,
    /// The largest N and D of the rows that were fitted.
    pub fitted: Scale,
    /// The largest N and D of those that were predicted.
    pub predicted: Scale,
    /// How far these are beyond what was fitted: x above, its root mean square over the rows.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
    pub distance: f64,
    /// How many rows there are.
    pub rows: usize,
    /// The mean of `ln(observed / predicted)`.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
    pub offset: f64,
    /// The standard deviation of `ln(observed / predicted)` around the offset.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
    pub between: f64,
}

/// The offset of a scale grows with this power of the distance.
const POWER: f64 = 1.5;
/// What is believed of the offset at a distance of 1 before a scale is held out.
const BELIEVED: f64 = 0.005;
/// As many scales held out would say as much as what is believed.
const BELIEF: usize = 2;
/// Sizes within this factor are one.
const SAME: f64 = 1.1;
/// Token counts within this factor are one: checkpoints of one run are many, and steps between them short.
const TWICE: f64 = 2.0;
/// At most so many of the largest levels are fitted up to.
const ORIGINS: usize = 5;

impl ScaleErrors {
    /// Holds out every size of the sweep above the two smallest, and predicts it by what `fit` makes of all that
    /// is smaller. Sizes within a tenth of each other are one. With many sizes, fits are to all that is up to each
    /// of the five largest but one. Where all rows have one size, token counts are held out in the same way, of
    /// which those within a factor of 2 are one.
    ///
    /// Where there are fewer than three, nothing can be held out: there are no [steps](ScaleErrors::steps) then,
    /// and the intervals stand on what is believed alone.
    ///
    /// # Errors
    /// Those of `fit`, and if a target is not one of the sweep's.
    pub fn measure(
        sweep: &Sweep,
        targets: impl IntoIterator<Item = impl AsRef<str>>,
        fit: impl Fn(&Sweep, &str) -> Result<Predictor, Error>,
    ) -> Result<Self, Error> {
        let origins = Origins::of(sweep);
        let mut steps = Vec::new();
        for target in targets {
            let target = target.as_ref();
            let sweep = sweep.measured(target)?;
            for (rows, beyond) in origins.splits(&sweep) {
                let predictor =
                    fit(&rows, target).map_err(|e| e.at(Place::Target(target.to_owned())))?;
                for rows_beyond in beyond {
                    steps.push(ScaleStep::of(&predictor, &rows, &rows_beyond)?);
                }
            }
        }
        Ok(Self { largest: largest(sweep), steps })
    }

    /// What was held out, target by target, from the smallest scale fitted to the largest.
    #[must_use]
    pub fn steps(&self) -> &[ScaleStep] {
        &self.steps
    }

    /// The largest N and D of the sweep, beyond which predictions extrapolate.
    #[must_use]
    pub fn largest(&self) -> Scale {
        self.largest
    }

    /// How many scales were held out.
    #[must_use]
    pub fn held_out(&self) -> usize {
        self.squares().len()
    }

    /// The standard deviation of the offset at N and D, relative to the loss: 0 within the data.
    #[must_use]
    pub fn deviation(&self, at: Scale) -> f64 {
        self.rate() * distance(self.largest, at).powf(POWER)
    }

    /// Whether N and D are within the distance that was held out: beyond it, the growth of the error is
    /// believed and was not seen.
    #[must_use]
    pub fn is_checked(&self, at: Scale) -> bool {
        let farthest = self.steps.iter().map(|step| step.distance).fold(0.0, f64::max);
        // Up to rounding, and a scale of the same step.
        distance(self.largest, at) <= SAME * farthest
    }

    /// Half the width of the interval of the offset at N and D, relative to the loss.
    pub(crate) fn half_width(&self, at: Scale, level: f64) -> f64 {
        let quantile = student::quantile(0.5 + 0.5 * level, BELIEF + self.held_out());
        // Infinitely far nothing is known, and within the data there is nothing to add.
        match self.deviation(at) {
            0.0 => 0.0,
            deviation => (quantile * deviation).exp_m1(),
        }
    }

    /// An interval around an estimate with this error added, as errors that do not depend on each other add.
    pub(crate) fn widen(&self, interval: Interval, at: Scale, level: f64) -> Interval {
        interval.widened(self.half_width(at, level) * interval.estimate.abs())
    }

    /// s.
    fn rate(&self) -> f64 {
        let squares = self.squares();
        let believed = BELIEF as f64 * BELIEVED * BELIEVED;
        let freedom = (BELIEF + squares.len()) as f64;
        ((believed + squares.iter().sum::<f64>()) / freedom).sqrt()
    }

    /// Of each scale held out the mean of the squares of `offset / x^1.5`.
    fn squares(&self) -> Vec<f64> {
        let mut scales: Vec<(Scale, Vec<f64>)> = Vec::new();
        for step in self.steps.iter().filter(|step| step.distance > 0.0) {
            let square = (step.offset / step.distance.powf(POWER)).powi(2);
            let same = |a: f64, b: f64| a / b < SAME && b / a < SAME;
            let at = step.predicted;
            match scales.iter_mut().find(|(s, _)| same(s.n, at.n) && same(s.d, at.d)) {
                Some((_, squares)) => squares.push(square),
                None => scales.push((at, vec![square])),
            }
        }
        scales.iter().map(|(_, squares)| mean(squares.iter().copied())).collect()
    }

    /// Checks what was read.
    #[cfg(feature = "serde")]
    pub(super) fn check(&self) -> Result<(), Error> {
        self.largest.check()?;
        for step in &self.steps {
            step.fitted.check()?;
            step.predicted.check()?;
            let is_valid = |x: f64| x.is_finite() && x >= 0.0;
            if !(is_valid(step.distance) && is_valid(step.between) && step.offset.is_finite()) {
                let (what, expected) = ("a step of scale".to_owned(), "finite numbers".to_owned());
                let found = format!("{step:?}");
                return Err(ErrorKind::Stored { what, found, expected }.into());
            }
        }
        Ok(())
    }
}

impl ScaleStep {
    fn of(predictor: &Predictor, fitted: &Sweep, beyond: &Sweep) -> Result<Self, Error> {
        let (from, target) = (largest(fitted), predictor.target());
        let observed = beyond.losses_of(target)?;
        let predicted = predictor.predict_sweep(beyond)?;
        let errors: Vec<f64> = observed.iter().zip(&predicted).map(|(o, p)| (o / p).ln()).collect();
        if let Some(value) = errors.iter().copied().find(|e| !e.is_finite()) {
            let what = "the error of a prediction at a scale held out".to_owned();
            let error = Error::from(ErrorKind::NotFinite { what, value });
            return Err(error.at(Place::Target(target.to_owned())));
        }
        let offset = mean(errors.iter().copied());
        let square = |x: f64| x * x;
        Ok(Self {
            target: target.to_owned(),
            fitted: from,
            predicted: largest(beyond),
            distance: mean(beyond.rows().map(|r| square(distance(from, r.scale())))).sqrt(),
            rows: errors.len(),
            offset,
            between: mean(errors.iter().map(|e| square(e - offset))).sqrt(),
        })
    }
}

/// `python: 1.81 times N, 1.78 times D: -0.52% [0.32% between mixtures], of 20 rows`.
impl fmt::Display for ScaleStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { target, fitted, predicted, rows, offset, between, .. } = self;
        let (n, d) = (predicted.n / fitted.n, predicted.d / fitted.d);
        let (offset, between) = (100.0 * offset, 100.0 * between);
        write!(f, "{target}: {n:.2} times N, {d:.2} times D: {offset:+.2}%, ")?;
        write!(f, "{between:.2}% between rows, of {rows}")
    }
}

/// A line for each step.
impl fmt::Display for ScaleErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.steps {
            writeln!(f, "{step}")?;
        }
        let (scales, percent) = (self.held_out(), 100.0 * self.rate());
        write!(f, "{scales} scales held out: an offset of {percent:.2}% at e times N or D")
    }
}

/// Up to where a sweep is fitted, and what is beyond.
struct Origins {
    /// The sizes or token counts, in ascending order; the rows up to each are a fit's.
    levels: Vec<f64>,
    of: fn(Row<'_>) -> f64,
}

impl Origins {
    /// By size if there are three, by tokens if there is one.
    fn of(sweep: &Sweep) -> Self {
        let sizes = levels(sweep.n(), SAME);
        let (levels, of): (_, fn(Row<'_>) -> f64) = match sizes.len() {
            1 => (levels(sweep.d(), TWICE), |row| row.d),
            _ => (sizes, |row| row.n),
        };
        Self { levels, of }
    }

    /// For each origin the rows up to it, and for each level beyond it those of that level. Those that are
    /// empty are left out.
    fn splits(&self, sweep: &Sweep) -> Vec<(Sweep, Vec<Sweep>)> {
        let last = self.levels.len() - 1;
        let between = |low: f64, high: f64| {
            sweep.select(|row| low < (self.of)(row) && (self.of)(row) <= high).ok()
        };
        let split = |i: usize| {
            let next = |j: usize| between(self.levels[j], self.levels[j + 1]);
            Some((between(0.0, self.levels[i])?, (i..last).filter_map(next).collect()))
        };
        // Two levels at least are fitted, and of many only the largest are origins.
        (last.saturating_sub(ORIGINS).max(1)..last).filter_map(split).collect()
    }
}

/// The largest of each group of values that are within this factor of the least of them, in ascending order.
fn levels(values: &[f64], factor: f64) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let mut levels: Vec<[f64; 2]> = Vec::new();
    for value in sorted {
        match levels.last_mut() {
            Some([first, last]) if value < factor * *first => *last = value,
            _ => levels.push([value, value]),
        }
    }
    levels.into_iter().map(|[_, last]| last).collect()
}

fn largest(sweep: &Sweep) -> Scale {
    let most = |values: &[f64]| values.iter().copied().fold(0.0, f64::max);
    Scale { n: most(sweep.n()), d: most(sweep.d()) }
}

/// x.
fn distance(from: Scale, to: Scale) -> f64 {
    let beyond = |from: f64, to: f64| (to / from).ln().max(0.0);
    beyond(from.n, to.n).hypot(beyond(from.d, to.d))
}
