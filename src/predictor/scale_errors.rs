use std::fmt;

use super::{Interval, Predictor, mean};
use crate::error::{Error, ErrorKind, Place};
use crate::fit::aligned;
use crate::scale::Scale;
use crate::student;
use crate::sweep::{Row, Sweep, group};

/// How far off predictions at larger scales are, as far as a sweep can tell: every size above the two smallest
/// held out, and predicted from what is smaller (rolling origin).
///
/// Of one target and one size held out, nearly all of the error is an offset that all mixtures share. Its
/// standard deviation, relative to the loss, is taken to grow as that of a trend that wanders (an integrated
/// random walk):
///
/// ```text
/// s x^1.5,   x^2 = ln(N / N_max)^2 + ln(D / D_max)^2       each term 0 within the data
/// s^2 = (2 s_0^2 + J sum_j e_j / sum_j x_j^3) / (2 + J),   s_0 = 1.5 m
/// ```
///
/// e_j and x_j^3 are the means of `offset^2 - v` and of x^3 over all targets and all fits by which the j-th size was
/// held out, where v is the variance of the offset that the members of these fits and the noise of the rows
/// explain. J is the number of such sizes: targets and fits are not counted as if they were independent. What is
/// believed before, as much as two sizes held out would tell, comes from how well the laws hold where they were
/// fitted: m is the standard deviation of the offsets of the rows at one N and D, beside what noise explains. A law
/// that fits to within the noise of its runs is so believed to hold further out; 0.005 stands for s_0 where no
/// three runs have the same N and D. Quantiles are those of Student's t with `2 + J` degrees of freedom.
///
/// The power and the factor were chosen on training sizes of three sweeps; how often the intervals hold is
/// [measured](crate::guide::measurements) by `cargo bench --bench extrapolation`. The error between mixtures at
/// one scale hardly grows, so [`Predictor::difference`] does not need it.
///
/// ```
/// use mixlaw::law::AdditiveLaw;
/// use mixlaw::predictor::ScaleErrors;
/// use mixlaw::testing::SyntheticSweep;
/// use mixlaw::uncertainty::Bootstrap;
/// use mixlaw::{Fitter, Predictor, Scale, Sweep};
///
/// let runs = SyntheticSweep::new(&["web", "code"]).run_noise(0.003);
/// let runs = runs.losses_by("t", |at, h| 2.0 - h[0] * h[1] + 40.0 / at.n.powf(0.2) + 40.0 / at.d.powf(0.2));
/// let sweep = runs.build()?.split("train")?;
/// let fit = |rows: &Sweep, target: &str| -> Result<Predictor, mixlaw::Error> {
///     let fit = Fitter::new().starts(4).fit(AdditiveLaw::for_sweep(rows), rows, target)?;
///     Bootstrap::new(20).run(&fit, rows)
/// };
/// let predictor = fit(&sweep, "t")?;
/// let errors = ScaleErrors::measure(&sweep, [&predictor], fit)?;
/// println!("{errors}");
///
/// let (at, h) = (Scale { n: 1e11, d: 1e12 }, [0.5, 0.5]);
/// let without = predictor.prediction_interval(at, h, 0.9)?;
/// let with = predictor.with_scale_errors(&errors)?.prediction_interval(at, h, 0.9)?;
/// assert!(with.lower <= without.lower && without.upper <= with.upper);
/// # Ok::<(), mixlaw::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ScaleErrors {
    largest: Scale,
    steps: Vec<ScaleStep>,
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
    believed: f64,
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
    /// The standard deviation of the offset that is explained: over the members of the predictor, if it has any,
    /// and by the noise of the rows, as if those of one mixture had all of it in common.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
    pub known: f64,
    /// The standard deviation of `ln(observed / predicted)` around the offset.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
    pub between: f64,
}

/// The offset of a scale grows with this power of the distance.
const POWER: f64 = 1.5;
/// What is believed of the offset at a distance of 1, as a multiple of the misfit within the data.
const OF_MISFIT: f64 = 1.5;
/// The same where the misfit is not known.
const BELIEVED: f64 = 0.005;
/// As many sizes held out would say as much as what is believed.
const BELIEF: usize = 2;
/// Of so many rows at one N and D at least their mean is an offset.
const FEWEST: usize = 3;
/// Sizes within this factor are one.
const SAME: f64 = 1.1;
/// Token counts within this factor are one: checkpoints of one run are many, and steps between them short.
const TWICE: f64 = 2.0;
/// At most so many of the largest levels are fitted up to.
const ORIGINS: usize = 5;

impl ScaleErrors {
    /// Holds out every size of the sweep above the two smallest, and predicts it by what `fit` makes of all that
    /// is smaller; `predictors` are of all rows, each of another target. Sizes within a tenth of each other are one.
    /// With many sizes, fits are to all that is up to each of the five largest but one. Where all rows have one
    /// size, token counts are held out in the same way, of which those within a factor of 2 are one. The sizes are
    /// those at which a target has a loss.
    ///
    /// Where there are fewer than three, nothing can be held out: there are no [steps](ScaleErrors::steps) then,
    /// and the intervals stand on what is believed alone.
    ///
    /// What `fit` makes should have [members](Predictor::members), twenty or more. Without them nothing is taken
    /// off the squares of the offsets, and the error is rather too large.
    ///
    /// # Errors
    /// Those of `fit`, and if a target is not one of the sweep's or a prediction is not a positive number.
    pub fn measure(
        sweep: &Sweep,
        predictors: impl IntoIterator<Item = impl Into<Predictor>>,
        fit: impl Fn(&Sweep, &str) -> Result<Predictor, Error>,
    ) -> Result<Self, Error> {
        let (mut steps, mut squares) = (Vec::new(), Vec::new());
        for predictor in predictors {
            let predictor = predictor.into();
            let at_target = |error: Error| error.at(Place::Target(predictor.target().to_owned()));
            let sweep = sweep.measured(predictor.target())?;
            squares.extend(misfits(&predictor, &sweep).map_err(at_target)?);
            for (rows, beyond) in Origins::of(&sweep).splits(&sweep) {
                let predictor = fit(&rows, predictor.target()).map_err(at_target)?;
                for beyond in beyond {
                    let step = ScaleStep::of(&predictor, &rows, &beyond);
                    steps.push(step.map_err(at_target)?);
                }
            }
        }
        let believed = if squares.is_empty() {
            BELIEVED
        } else {
            OF_MISFIT * mean(squares.iter().copied()).max(0.0).sqrt()
        };
        Ok(Self { largest: largest(sweep), steps, believed })
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
        self.sizes().len()
    }

    /// The standard deviation of the offset at N and D, relative to the loss: 0 within the data.
    #[must_use]
    pub fn deviation(&self, at: Scale) -> f64 {
        match self.rate() {
            // Even infinitely far.
            0.0 => 0.0,
            rate => rate * distance(self.largest, at).powf(POWER),
        }
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
        let sizes = self.sizes();
        let (excess, cubes) =
            sizes.iter().fold((0.0, 0.0), |(e, x), size| (e + size.0, x + size.1));
        let held_out = if sizes.is_empty() { 0.0 } else { sizes.len() as f64 * excess / cubes };
        let believed = BELIEF as f64 * self.believed * self.believed;
        ((believed + held_out) / (BELIEF + sizes.len()) as f64).sqrt()
    }

    /// Of each size held out e and x^3.
    fn sizes(&self) -> Vec<(f64, f64)> {
        let excess = |step: &&ScaleStep| step.offset * step.offset - step.known * step.known;
        let cube = |step: &&ScaleStep| step.distance.powf(2.0 * POWER);
        // Of all targets together it is not negative, and a size counts once however often it was predicted.
        let of = |steps: &Vec<&ScaleStep>| {
            (mean(steps.iter().map(excess)).max(0.0), mean(steps.iter().map(cube)))
        };
        let beyond = self.steps.iter().filter(|step| step.distance > 0.0);
        let by_fit = grouped(beyond, |a, b| a.fitted == b.fitted && same(a.predicted, b.predicted));
        let by_size = grouped(by_fit.iter(), |a, b| same(a[0].predicted, b[0].predicted));
        let mean_of = |fits: Vec<&Vec<&ScaleStep>>| {
            (mean(fits.iter().map(|f| of(f).0)), mean(fits.iter().map(|f| of(f).1)))
        };
        by_size.into_iter().map(mean_of).collect()
    }

    /// Checks what was read.
    #[cfg(feature = "serde")]
    pub(super) fn check(&self) -> Result<(), Error> {
        self.largest.check()?;
        if !(self.believed.is_finite() && self.believed >= 0.0) {
            let what = "the error that is believed is".to_owned();
            let (found, expected) = (self.believed.to_string(), "a finite number >= 0".to_owned());
            return Err(ErrorKind::Stored { what, found, expected }.into());
        }
        for step in &self.steps {
            step.fitted.check()?;
            step.predicted.check()?;
            let is_valid = |x: f64| x.is_finite() && x >= 0.0;
            let deviations = [step.distance, step.between, step.known];
            if !(deviations.into_iter().all(is_valid) && step.offset.is_finite()) {
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
        let from = largest(fitted);
        let errors = errors(predictor, beyond)?;
        let offset = mean(errors.iter().copied());
        let square = |x: f64| x * x;
        let of_members = match predictor.members() {
            None => 0.0,
            Some(_) => deviation(&offsets_of_members(predictor, beyond)?),
        };
        let between = mean(errors.iter().map(|e| square(e - offset))).sqrt();
        let of_noise = between / (beyond.count_mixtures() as f64).sqrt();
        Ok(Self {
            target: predictor.target().to_owned(),
            fitted: from,
            predicted: largest(beyond),
            distance: mean(beyond.rows().map(|r| square(distance(from, r.scale())))).sqrt(),
            rows: errors.len(),
            offset,
            known: of_members.hypot(of_noise),
            between,
        })
    }
}

/// `ln(observed / predicted)` of every row.
fn errors(predictor: &Predictor, rows: &Sweep) -> Result<Vec<f64>, Error> {
    let (observed, predicted) =
        (rows.losses_of(predictor.target())?, predictor.predict_sweep(rows)?);
    observed.iter().zip(&predicted).map(|(o, p)| finite((o / p).ln())).collect()
}

/// Of each member the mean logarithm of the losses that it predicts.
fn offsets_of_members(predictor: &Predictor, rows: &Sweep) -> Result<Vec<f64>, Error> {
    let h = aligned(predictor.parts()[0].law(), rows)?;
    let mut sums = Vec::new();
    for (row, h) in rows.rows().zip(h.chunks(rows.domains().len())) {
        let values = predictor.values(row.scale(), h)?;
        sums.resize(values.len(), 0.0);
        sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value.ln());
    }
    sums.into_iter().map(|sum| finite(sum / rows.len() as f64)).collect()
}

fn finite(value: f64) -> Result<f64, Error> {
    if value.is_finite() {
        return Ok(value);
    }
    let what = "the logarithm of a prediction at a size held out".to_owned();
    Err(ErrorKind::NotFinite { what, value }.into())
}

fn deviation(values: &[f64]) -> f64 {
    let centre = mean(values.iter().copied());
    let squares = values.iter().map(|value| (value - centre).powi(2)).sum::<f64>();
    (squares / (values.len() - 1).max(1) as f64).sqrt()
}

/// The squares of the offsets at each N and D with some rows, less what their noise explains.
fn misfits(predictor: &Predictor, rows: &Sweep) -> Result<Vec<f64>, Error> {
    let errors = errors(predictor, rows)?;
    let key = |row: Row<'_>| [row.n, row.d].map(f64::to_bits);
    let keys: Vec<[u64; 2]> = rows.rows().map(key).collect();
    let groups = group(&keys).1.into_iter().filter(|group| group.len() >= FEWEST);
    let square = |group: Vec<usize>| {
        let errors: Vec<f64> = group.into_iter().map(|i| errors[i]).collect();
        let offset = mean(errors.iter().copied());
        offset * offset - deviation(&errors).powi(2) / errors.len() as f64
    };
    Ok(groups.map(square).collect())
}

/// Things in groups, each with the first of its group.
fn grouped<T>(all: impl Iterator<Item = T>, is_same: impl Fn(&T, &T) -> bool) -> Vec<Vec<T>> {
    let mut groups: Vec<Vec<T>> = Vec::new();
    for one in all {
        match groups.iter_mut().find(|group| is_same(&group[0], &one)) {
            Some(group) => group.push(one),
            None => groups.push(vec![one]),
        }
    }
    groups
}

/// Whether two scales are one, up to the tenth by which sizes are.
fn same(a: Scale, b: Scale) -> bool {
    let near = |a: f64, b: f64| a / b < SAME && b / a < SAME;
    near(a.n, b.n) && near(a.d, b.d)
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
