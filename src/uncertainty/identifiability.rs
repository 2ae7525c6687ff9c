use std::fmt;
use std::ops::ControlFlow;

use crate::error::Error;
use crate::fit::{Fit, Profile, Refit};
use crate::law::{ScalingLaw, Transform};
use crate::linalg::eigenvalues;
use crate::optim::{Control, Observer, Progress, Termination};
use crate::scale::Scale;
use crate::streams::{self, Kind};
use crate::sweep::Sweep;

/// What the data of a fit determines and what it does not. Made by [`Identifiability::of`], or by a
/// [`Probe`] with other settings.
///
/// If nearly every value of a coefficient fits, it tells nothing about its domain; and if the predictions
/// of a law differ from start to start, it should not be trusted beyond its data. A report prints as a page
/// for people; [`Identifiability::warnings`] is the part of it that deserves attention. Of a fit with a
/// [prior](crate::Fitter::prior), the eigenvalues and the coefficients that are not seen are those of the rows
/// alone; ranges and restarts are of the whole objective, in which the prior narrows what the rows leave open.
///
/// ```
/// use mixlaw::law::AdditiveLaw;
/// use mixlaw::uncertainty::Identifiability;
/// use mixlaw::{Fitter, Sweep};
///
/// // Three domains, one of which no run has any of.
/// let (mut n, mut d, mut h, mut loss) = (vec![], vec![], vec![], vec![]);
/// for web in [0.1f64, 0.3, 0.5, 0.7, 0.9] {
///     for (size, tokens) in [(1e8, 2e9), (1e8, 8e9), (4e8, 2e9), (4e8, 8e9)] {
///         n.push(size);
///         d.push(tokens);
///         h.extend([web, 1.0 - web, 0.0]);
///         let noise = 1.0 + 0.002 * (37.0 * web + size / 1e8).sin();
///         loss.push(noise * (1.0 + 1.0 / (2.0 * f64::powf(web, 0.5) + 1.0 - web)
///             + 400.0 / f64::powf(size, 0.34) + 400.0 / f64::powf(tokens, 0.28)));
///     }
/// }
/// let domains = ["web", "code", "books"];
/// let sweep = Sweep::new(&domains, &["python"], &n, &d, &h, &loss)?;
/// let fit = Fitter::new().fit(AdditiveLaw::for_sweep(&sweep), &sweep, "python")?;
///
/// let report = Identifiability::of(&fit, &sweep)?;
/// println!("{report}");
/// assert_eq!(report.unseen, ["C[books]", "gamma[books]"]);
/// let books = report.range("gamma[books]").unwrap();
/// assert_eq!(books.to_string(), "gamma[books]: any value at all fits within 0.1%");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Identifiability {
    /// The name of the law.
    pub law: String,
    /// The target that was fitted.
    pub target: String,
    /// The number of rows with weight.
    pub rows: usize,
    /// The number of runs with weight. Checkpoints of one run share their noise, so that this, and not
    /// the rows, is how much there is to average over.
    pub runs: usize,
    /// The eigenvalues, in descending order, of the Gauss-Newton matrix of the objective between the
    /// free coordinates, scaled to a unit diagonal: `D^-1/2 B D^-1/2` with `D = diag B`. Their sum is
    /// the number of coordinates that the data sees. A small one is a combination of coefficients
    /// that hardly changes the fit. Rows in the linear part of the Huber loss count with the parabola
    /// that touches it there.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
    pub eigenvalues: Vec<f64>,
    /// The coefficients that no row depends on, at the fit. Each adds an eigenvalue of zero.
    pub unseen: Vec<String>,
    /// The range of each free coefficient, in the order of the law's coordinates; of the first ones
    /// only where an observer stopped it.
    pub ranges: Vec<CoefficientRange>,
    /// The coefficients on a bound of their range; see [`Fit::at_bound`].
    pub at_bound: Vec<String>,
    /// All pairs of domains that the law has the same coefficients for, by how little it changes the
    /// objective to swap these.
    pub pairs: Vec<DomainPair>,
    /// What fits from other starts found.
    pub restarts: Restarts,
    /// The share of the weight that is on rows in the linear part of the Huber loss, `|r| >= delta`.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
    pub linear_share: f64,
    /// The setting of [`Probe::within`].
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
    pub within: f64,
    /// [`Termination::Stopped`] if an observer stopped it early, otherwise
    /// [`Termination::Complete`].
    pub termination: Termination,
}

/// The values of a coefficient with which the objective stays within a given fraction of the fit's,
/// all other coefficients fitted again.
///
/// It prints as a sentence, such as `gamma[web]: any value from 0.31 up fits within 0.1%`.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct CoefficientRange {
    /// The name of the coefficient.
    pub name: String,
    /// Its value in the fit, in the paper's units.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
    pub estimate: f64,
    /// The least value that was found, in the paper's units.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
    pub lower: f64,
    /// The greatest value that was found, in the paper's units.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
    pub upper: f64,
    /// Whether `lower` is as low as the fit allows: the end of the coefficient's box.
    pub lower_is_end: bool,
    /// Whether `upper` is as high as the fit allows.
    pub upper_is_end: bool,
    /// How it follows from its coordinate: whether its values compare by ratio or by difference.
    transform: Transform,
    /// The relative excess of the objective that was allowed.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
    pub within: f64,
}

/// Two domains, and what swapping their coefficients does.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct DomainPair {
    /// One domain.
    pub a: String,
    /// The other one.
    pub b: String,
    /// The relative excess of the objective where all coefficients of the two domains are swapped and
    /// nothing is fitted again. Infinite where their boxes do not allow it.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
    pub excess: f64,
    /// The excess up to which the data does not tell the two apart: `12 m/R`, for m free coefficients
    /// of each domain and R runs. Between equal domains the noise of R runs makes an excess of `4 m/R`
    /// on average: that of m coefficients is `m/R`, and a swap goes twice as far. In 300 synthetic
    /// sweeps with two equal domains of two coefficients the average was `7.2/R`, and 95% of them
    /// stayed below `20/R`, where the limit is `24/R`.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
    pub limit: f64,
}

/// Fits from other starts, of one start each.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Restarts {
    /// How many were made.
    pub starts: usize,
    /// How many of them end within 1% of the best objective, theirs or the fit's.
    pub near: usize,
    /// How many predictions, of these and of the fit, differ by more than 0.1% at [`Restarts::scale`] and
    /// [`Restarts::h`]. 1 is a fit that all other starts agree with.
    pub distinct: usize,
    /// The least of these predictions, in nats.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
    pub lower: f64,
    /// The greatest of them, in nats.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
    pub upper: f64,
    /// The difference of the two over the mean of all.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
    pub spread: f64,
    /// The least objective of them over the fit's, less one: below zero where one found a better fit.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
    pub best_excess: f64,
    /// Where the predictions are made: twice the largest N and twice the largest D of the rows,
    pub scale: Scale,
    /// and their mean mixture, in the order of the law's domains, each row with its weight in the fit.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
    pub h: Vec<f64>,
}

/// The settings of an [`Identifiability`] report.
///
/// ```
/// use mixlaw::uncertainty::Probe;
///
/// let probe = Probe::new().within(0.01).starts(24).seed(1);
/// # let _ = probe;
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Probe {
    within: f64,
    starts: usize,
    seed: u64,
    observer: Option<Observer>,
}

/// A diagonal this small beside the largest is rounding: of squares, so that slopes are compared by
/// 1e-12.
const UNSEEN: f64 = 1e-24;
/// A box without an end is taken to end this far from the fit, in units of the coordinate.
const FAR: f64 = 50.0;
/// A fit with a coefficient held goes on as long as it gains this fraction of what is allowed. On the
/// paper's sweep a tenth of that hardly changes a range, and ten times as much cuts some in half.
const FALL: f64 = 0.01;
/// The shortest first step, in units of the coordinate; where the fit is perfect, no step is allowed.
const SHORTEST: f64 = 1e-9;
/// An end of a range is found to this fraction of its distance from the fit.
const PRECISION: f64 = 0.05;
/// Where the step was halved so often without a value that fits, there is none.
const REFUSALS: usize = 12;
/// Positive coefficients whose range is wider than this factor are undetermined,
const WIDE_FACTOR: f64 = 10.0;
/// and so are others whose range is wider than this.
const WIDE: f64 = 2.0;
/// How near to the best objective another fit has to come.
const NEAR_OPTIMAL: f64 = 0.01;
/// What swapping a pair of coefficients may cost, in units of the objective over the number of runs.
const EXCHANGEABLE: f64 = 12.0;
/// Predictions that differ by less are the same.
const DISTINCT: f64 = 1e-3;
/// The most other starts that can be asked for.
const MOST_STARTS: usize = 1_000_000;
/// Beyond this condition number eigenvalues are rounding.
const RESOLVED: f64 = 1e15;

impl Default for Probe {
    fn default() -> Self {
        Self { within: 1e-3, starts: 12, seed: 0, observer: None }
    }
}

impl Probe {
    /// Ranges within 0.1% of the objective, 12 other starts, seed 0.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The relative excess of the objective with which a value of a coefficient still fits: 0.001 for
    /// 0.1%. This is not a level of confidence; for that see [`Bootstrap`](super::Bootstrap).
    #[must_use]
    pub fn within(self, within: f64) -> Self {
        Self { within, ..self }
    }

    /// The number of other starts, at most 1,000,000; 0 for none.
    #[must_use]
    pub fn starts(self, starts: usize) -> Self {
        Self { starts, ..self }
    }

    /// The seed of the other starts.
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Calls `observer` with the [`Progress`] of every run of these settings, which it can stop within an
    /// iteration of a fit. It counts the other starts first, then two ends of the range of each free
    /// coefficient; the report of a stopped run has those that are done.
    #[must_use]
    pub fn observe(
        self,
        observer: impl FnMut(&Progress) -> ControlFlow<()> + Send + 'static,
    ) -> Self {
        Self { observer: Some(Observer::new(observer)), ..self }
    }

    /// Looks at a fit on the sweep that it was made from.
    ///
    /// Ranges are found by moving one coefficient away from the fit in steps that double as long as the
    /// others can follow within the limit and halve where they cannot, to an end of its box or until the
    /// step is below 5% of the distance from the fit. Each fit starts from the last one that was good
    /// enough, so that a range belongs to the valley of the fit, and it is at least as wide as it says.
    /// A coefficient over a power of N or D is moved as it is printed, for raw N and D, its exponent
    /// with it; a box without an end is searched up to 50 units of the coordinate from the fit.
    ///
    /// With the feature `rayon` the fits share the threads of the current pool, with the same result,
    /// bit for bit, on any number of them.
    ///
    /// # Errors
    /// If the sweep is another one, `within` is not a finite number above 0, or there are
    /// more than 1,000,000 starts.
    pub fn run(&self, fit: &Fit, sweep: &Sweep) -> Result<Identifiability, Error> {
        self.check()?;
        let probed = Probed::new(self, fit, sweep)?;
        let tasks = self.starts.saturating_add(2 * probed.free.len());
        let mut control = Control::default().observed_by(self.observer.as_ref());
        control.expect("other starts and ends of ranges", Some(tasks));
        let call = control.clone();
        let done = control.map(tasks, |task| match task.checked_sub(self.starts) {
            None => probed.restart(task, &call).map(Done::Restart),
            Some(side) => probed.side(side, &call).map(Done::Side),
        });
        control.complete();
        let termination = Termination::of_many(done.len() == tasks);
        Ok(probed.report(done, termination))
    }

    fn check(&self) -> Result<(), Error> {
        if !(self.within > 0.0 && self.within.is_finite()) {
            return Err(Error::setting("within", self.within, "a finite number > 0"));
        }
        if self.starts > MOST_STARTS {
            let expected = "at most 1000000";
            return Err(Error::setting("starts", self.starts as f64, expected));
        }
        Ok(())
    }
}

/// A fit under a probe.
struct Probed<'a> {
    probe: &'a Probe,
    fit: &'a Fit,
    refit: Refit<'a>,
    /// The places of the coefficients that are not fixed.
    free: Vec<usize>,
    used: Used,
    spectrum: Spectrum,
}

impl<'a> Probed<'a> {
    fn new(probe: &'a Probe, fit: &'a Fit, sweep: &Sweep) -> Result<Self, Error> {
        let refit = Refit::new(fit, sweep)?;
        let free = refit.free();
        let used = Used::new(&refit, fit, sweep)?;
        let spectrum = Spectrum::new(&refit, &free);
        Ok(Self { probe, fit, refit, free, used, spectrum })
    }

    /// The objective of a fit from another start, and what it predicts.
    fn restart(&self, start: usize, call: &Control) -> Option<(f64, f64)> {
        let seed = streams::seed(self.probe.seed, Kind::Restart, start as u64);
        let (z, objective) = self.refit.restart(seed, call)?;
        Some((objective, self.fit.law().loss(&z, self.used.at, &self.used.h)))
    }

    /// Both ends of the range of each free coefficient, one after the other.
    fn side(&self, task: usize, call: &Control) -> Option<Side> {
        let (place, direction) = (task / 2, if task % 2 == 0 { -1.0 } else { 1.0 });
        let (objective, within) = (self.fit.objective(), self.probe.within);
        let limit = objective + (within * objective).max(f64::MIN_POSITIVE);
        // What fits with all others left where they are; more once they follow.
        let gain = 2.0 * within * objective;
        let step = (gain / self.spectrum.diagonal[place]).sqrt().max(SHORTEST);
        let i = self.free[place];
        let search = |profile: Profile<'_>| Side::new(profile, i, direction, step, limit, call);
        self.refit.profile(i, FALL * within, search)
    }

    /// The range of coefficient `i` between its two sides.
    fn range(&self, i: usize, sides: &[Side]) -> CoefficientRange {
        let coordinates = self.fit.law().coordinates();
        let estimate = coordinates.coefficients(self.fit.coordinates())[i];
        let transform = coordinates.get(i).transform();
        let value = |side: &Side| match transform {
            Transform::Log => side.variable.exp(),
            Transform::Identity => side.variable,
        };
        CoefficientRange {
            name: coordinates.get(i).name().to_owned(),
            estimate,
            // Rounding on the way must not leave the estimate out.
            lower: value(&sides[0]).min(estimate),
            upper: value(&sides[1]).max(estimate),
            lower_is_end: sides[0].is_end,
            upper_is_end: sides[1].is_end,
            transform,
            within: self.probe.within,
        }
    }

    fn report(self, done: Vec<Done>, termination: Termination) -> Identifiability {
        let (mut restarts, mut sides) = (Vec::new(), Vec::new());
        for done in done {
            match done {
                Done::Restart(restart) => restarts.push(restart),
                Done::Side(side) => sides.push(side),
            }
        }
        let law = self.fit.law();
        let ranges = self.free.iter().zip(sides.chunks_exact(2));
        let ranges = ranges.map(|(&i, sides)| self.range(i, sides)).collect();
        let name = |&place: &usize| law.coordinates().get(self.free[place]).name().to_owned();
        Identifiability {
            law: law.name().to_owned(),
            target: self.fit.target().to_owned(),
            rows: self.used.rows,
            runs: self.used.runs,
            unseen: self.spectrum.unseen.iter().map(name).collect(),
            eigenvalues: self.spectrum.eigenvalues,
            ranges,
            at_bound: self.fit.at_bound().to_vec(),
            pairs: pairs(self.fit, &self.refit, &self.free, self.used.runs),
            restarts: self.used.restarts(self.fit, &restarts),
            linear_share: self.refit.linear_share(),
            within: self.probe.within,
            termination,
        }
    }
}

/// One fit of a probe.
enum Done {
    /// From another start: its objective, and what it predicts.
    Restart((f64, f64)),
    Side(Side),
}

/// The rows that have weight in a fit.
struct Used {
    rows: usize,
    runs: usize,
    at: Scale,
    h: Vec<f64>,
}

impl Used {
    fn new(refit: &Refit<'_>, fit: &Fit, sweep: &Sweep) -> Result<Self, Error> {
        let weights = refit.row_weights(sweep.len());
        let all_h = crate::fit::aligned(fit.law(), sweep)?;
        let numbers = sweep.run_numbers();
        let k = fit.law().domains().len();
        let (mut n, mut d, mut h, mut runs, mut rows) = (0.0f64, 0.0f64, vec![0.0; k], vec![], 0);
        for i in (0..sweep.len()).filter(|&i| weights[i] > 0.0) {
            let row = sweep.row(i);
            (n, d) = (n.max(row.n), d.max(row.d));
            let mixture = &all_h[i * k..(i + 1) * k];
            h.iter_mut().zip(mixture).for_each(|(mean, h)| *mean += weights[i] * h);
            runs.push(numbers[i]);
            rows += 1;
        }
        runs.sort_unstable();
        runs.dedup();
        Ok(Self { rows, runs: runs.len(), at: Scale { n: 2.0 * n, d: 2.0 * d }, h })
    }

    /// Of objectives and predictions.
    fn restarts(self, fit: &Fit, found: &[(f64, f64)]) -> Restarts {
        let own = fit.objective();
        let least = found.iter().map(|(value, _)| *value).fold(f64::INFINITY, f64::min);
        let limit = (1.0 + NEAR_OPTIMAL) * least.min(own);
        let near = found.iter().filter(|(value, _)| *value <= limit).map(|(_, p)| *p);
        let mut predictions: Vec<f64> = near.collect();
        let near = predictions.len();
        predictions.push(fit.law().loss(fit.coordinates(), self.at, &self.h));
        predictions.sort_by(f64::total_cmp);
        let (lower, upper) = (predictions[0], predictions[near]);
        let (mut distinct, mut last) = (1, lower);
        for &prediction in &predictions {
            if prediction > last * (1.0 + DISTINCT) {
                (distinct, last) = (distinct + 1, prediction);
            }
        }
        let mean = predictions.iter().sum::<f64>() / predictions.len() as f64;
        Restarts {
            starts: found.len(),
            near,
            distinct,
            lower,
            upper,
            spread: (upper - lower) / mean,
            best_excess: if found.is_empty() || least == own { 0.0 } else { least / own - 1.0 },
            scale: self.at,
            h: self.h,
        }
    }
}

/// The scaled Gauss-Newton matrix of a fit.
struct Spectrum {
    /// The diagonal before scaling, of the free coordinates.
    diagonal: Vec<f64>,
    /// The places among the free coordinates of those that the data does not see.
    unseen: Vec<usize>,
    eigenvalues: Vec<f64>,
}

impl Spectrum {
    fn new(refit: &Refit<'_>, free: &[usize]) -> Self {
        let matrix = refit.curvature();
        let p = (matrix.len() as f64).sqrt().round() as usize;
        let diagonal: Vec<f64> = free.iter().map(|&i| matrix[i * p + i]).collect();
        let floor = UNSEEN * diagonal.iter().copied().fold(0.0, f64::max);
        let is_seen = |place: &usize| diagonal[*place] > floor;
        let (seen, unseen): (Vec<usize>, Vec<usize>) = (0..free.len()).partition(is_seen);
        let mut scaled = Vec::with_capacity(seen.len() * seen.len());
        for &a in &seen {
            let scale = |b: usize| (diagonal[a] * diagonal[b]).sqrt();
            scaled.extend(seen.iter().map(|&b| matrix[free[a] * p + free[b]] / scale(b)));
        }
        let mut eigenvalues = eigenvalues(&mut scaled, seen.len());
        // The matrix has none below zero; rounding may.
        eigenvalues.iter_mut().for_each(|value| *value = value.max(0.0));
        eigenvalues.resize(free.len(), 0.0);
        Self { diagonal, unseen, eigenvalues }
    }
}

/// How far a coefficient can be moved one way.
struct Side {
    /// The variable of the last value that fits.
    variable: f64,
    /// Whether it is the end of the box.
    is_end: bool,
}

impl Side {
    /// Moves variable `i` one way, by `step` at first, as long as the objective can be kept to
    /// `limit`; `None` if the observer of the call has stopped it.
    fn new(
        mut profile: Profile<'_>,
        i: usize,
        direction: f64,
        step: f64,
        limit: f64,
        call: &Control,
    ) -> Option<Self> {
        let origin = profile.start()[i];
        let (lower, upper) = profile.range();
        let end = if direction > 0.0 { upper.min(origin + FAR) } else { lower.max(origin - FAR) };
        let room = direction * (end - origin);
        // As in `Fit::at_bound`.
        if room <= 1e-6 * (1.0 + end.abs()) {
            return Some(Self { variable: end, is_end: true });
        }
        // The last two that fit, by their distance from the fit.
        let mut last = (0.0, profile.start().to_vec());
        let mut before = None;
        let (mut step, mut refusals) = (step.min(room), 0);
        // A refusal may be of a start that was too far away to solve from: from nearer the same place
        // is tried again.
        while refusals < REFUSALS && 2.0 * step > PRECISION * last.0 {
            let distance = (last.0 + step).min(room);
            let mut starts = vec![last.1.clone()];
            if let Some((distance_before, y_before)) = &before {
                let ahead = (distance - last.0) / (last.0 - distance_before);
                let extended = |(y, y_before): (&f64, &f64)| y + ahead * (y - y_before);
                starts.push(last.1.iter().zip::<&Vec<f64>>(y_before).map(extended).collect());
            }
            let value = if distance == room { end } else { origin + direction * distance };
            let solved = profile.solve(value, &starts, limit, call);
            if call.is_stopped() {
                return None;
            }
            match solved {
                Some(_) if distance == room => return Some(Self { variable: end, is_end: true }),
                Some(y) => {
                    before = Some(std::mem::replace(&mut last, (distance, y)));
                    step *= if refusals == 0 { 2.0 } else { 1.0 };
                    refusals = 0;
                }
                None => {
                    step *= 0.5;
                    refusals += 1;
                }
            }
        }
        let is_end = profile.is_level_at_end(&last.1, direction);
        Some(Self { variable: last.1[i], is_end })
    }
}

/// All pairs of domains with the same coefficients, by their excess.
fn pairs(fit: &Fit, refit: &Refit<'_>, free: &[usize], runs: usize) -> Vec<DomainPair> {
    let law = fit.law();
    let domains = law.domains();
    let own: Vec<Vec<(&str, usize)>> = domains.iter().map(|d| coefficients_of(law, d)).collect();
    let symbols = |of: usize| own[of].iter().map(|(symbol, _)| *symbol);
    let alike = |&(a, b): &(usize, usize)| !own[a].is_empty() && symbols(a).eq(symbols(b));
    let count = domains.len();
    let all = (0..count).flat_map(|a| (a + 1..count).map(move |b| (a, b)));
    let couples: Vec<(usize, usize)> = all.filter(alike).collect();
    // One after the other: the coordinates of all pairs together grow with the cube of the domains.
    let swapped = couples.iter().map(|&(a, b)| {
        let mut z = fit.coordinates().to_vec();
        own[a].iter().zip(&own[b]).for_each(|((_, i), (_, j))| z.swap(*i, *j));
        z
    });
    let values = refit.values(std::iter::once(fit.coordinates().to_vec()).chain(swapped));
    let objective = values[0];
    let excess = |value: f64| if value == objective { 0.0 } else { value / objective - 1.0 };
    let pair = |((a, b), value): ((usize, usize), f64)| {
        let excess = excess(value);
        let count = own[a].iter().filter(|(_, i)| free.contains(i)).count();
        let limit = EXCHANGEABLE * count as f64 / runs as f64;
        DomainPair { a: domains[a].clone(), b: domains[b].clone(), excess, limit }
    };
    let mut pairs: Vec<DomainPair> =
        couples.iter().copied().zip(values[1..].iter().copied()).map(pair).collect();
    pairs.sort_by(|a, b| a.excess.total_cmp(&b.excess));
    pairs
}

/// The coefficients of a domain: what is before its name, and their places.
fn coefficients_of<'a>(law: &'a dyn ScalingLaw, domain: &str) -> Vec<(&'a str, usize)> {
    let suffix = format!("[{domain}]");
    let names = law.coordinates().iter().map(|c| c.name()).enumerate();
    let mut own: Vec<(&str, usize)> =
        names.filter_map(|(i, name)| Some((name.strip_suffix(&suffix)?, i))).collect();
    own.sort_unstable();
    own
}

impl Identifiability {
    /// Looks at a fit on the sweep that it was made from, with the settings of [`Probe::new`].
    ///
    /// # Errors
    /// As [`Probe::run`].
    pub fn of(fit: &Fit, sweep: &Sweep) -> Result<Self, Error> {
        Probe::new().run(fit, sweep)
    }

    /// The largest eigenvalue over the smallest: the square of how much better the best determined
    /// combination of coefficients is known than the worst. Infinite where one of them is zero;
    /// beyond 1e15 it is rounding.
    #[must_use]
    pub fn condition(&self) -> f64 {
        match (self.eigenvalues.first(), self.eigenvalues.last()) {
            (Some(largest), Some(smallest)) if *largest > 0.0 => largest / smallest,
            _ => f64::INFINITY,
        }
    }

    /// The range of a coefficient; `None` if it is fixed or there is none of that name.
    #[must_use]
    pub fn range(&self, name: &str) -> Option<&CoefficientRange> {
        self.ranges.iter().find(|range| range.name == name)
    }

    /// The coefficients that the data does not determine; see [`CoefficientRange::is_undetermined`].
    pub fn undetermined(&self) -> impl Iterator<Item = &CoefficientRange> {
        self.ranges.iter().filter(|range| range.is_undetermined())
    }

    /// The pairs of domains that the data does not tell apart.
    pub fn exchangeable(&self) -> impl Iterator<Item = &DomainPair> {
        self.pairs.iter().filter(|pair| pair.is_exchangeable())
    }

    /// The number of free coefficients.
    fn free(&self) -> usize {
        self.eigenvalues.len()
    }

    /// What deserves attention, one line each; none where all is well.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let p = self.free();
        let mut lines: Vec<String> = self.undetermined().map(|range| range.to_string()).collect();
        if self.termination == Termination::Stopped {
            let found = self.ranges.len();
            lines.push(format!(
                "{}, with the ranges of {found} of {p} coefficients",
                self.termination
            ));
        }
        if !self.at_bound.is_empty() {
            lines.push(format!("on a bound of the range allowed: {}", self.at_bound.join(", ")));
        }
        for DomainPair { a, b, excess, limit } in self.exchangeable() {
            lines.push(format!(
                "{a} and {b} are exchangeable: swapping their coefficients raises the objective by {:.1}%, and noise explains up to {:.1}%",
                100.0 * excess,
                100.0 * limit
            ));
        }
        if self.runs <= p {
            let runs = self.runs;
            lines.push(format!("{p} coefficients were fitted to no more than {runs} runs"));
        }
        let restarts = &self.restarts;
        if restarts.distinct > 1 {
            lines.push(format!(
                "fits that are as good differ: {} of {} other starts come within 1% of the best objective, and their predictions at twice the largest N and D and the fit's lie {:.2}% apart",
                restarts.near,
                restarts.starts,
                100.0 * restarts.spread
            ));
        }
        if restarts.best_excess < -self.within {
            lines.push(format!(
                "there is a better fit: another start reached an objective that is {:.2}% lower, so fit with more starts",
                -100.0 * restarts.best_excess
            ));
        }
        lines
    }
}

impl DomainPair {
    /// Whether the data does not tell the two apart: the excess is at most [`DomainPair::limit`].
    #[must_use]
    pub fn is_exchangeable(&self) -> bool {
        self.excess <= self.limit
    }
}

impl CoefficientRange {
    /// Whether the data does not determine the coefficient: its range reaches an end of its box, or
    /// spans more than a factor of 10 if it is positive, more than 2 if it can have either sign (as
    /// exponents and logarithms can).
    #[must_use]
    pub fn is_undetermined(&self) -> bool {
        let is_wide = match self.transform {
            Transform::Log => self.upper > WIDE_FACTOR * self.lower,
            Transform::Identity => self.upper - self.lower > WIDE,
        };
        self.lower_is_end || self.upper_is_end || is_wide
    }

    /// The values in words.
    fn words(&self) -> String {
        let (lower, upper) = (Short(self.lower), Short(self.upper));
        match (self.lower_is_end, self.upper_is_end) {
            (false, false) => format!("any value from {lower} to {upper}"),
            (false, true) => format!("any value from {lower} up"),
            (true, false) => format!("any value up to {upper}"),
            (true, true) => "any value at all".to_owned(),
        }
    }
}

impl fmt::Display for CoefficientRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = Short(100.0 * self.within);
        write!(f, "{}: {} fits within {percent}%", self.name, self.words())
    }
}

/// A number with three digits.
struct Short(f64);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let magnitude = self.0.abs().log10().floor();
        let text = if self.0 == 0.0 || !(-4.0..6.0).contains(&magnitude) {
            format!("{:.2e}", self.0)
        } else {
            format!("{:.*}", (2.0 - magnitude).max(0.0) as usize, self.0)
        };
        // 0.100 is 0.1.
        let is_plain = text.contains('.') && !text.contains('e');
        f.pad(if is_plain { text.trim_end_matches('0').trim_end_matches('.') } else { &text })
    }
}

impl fmt::Display for Identifiability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let p = self.free();
        let (law, target) = (&self.law, &self.target);
        let (rows, runs) = (self.rows, self.runs);
        writeln!(f, "{law} law on {target}: {p} free coefficients, {rows} rows of {runs} runs")?;
        let condition = self.condition();
        if condition > RESOLVED {
            writeln!(f, "Condition number: beyond what double precision resolves")?;
        } else {
            writeln!(f, "Condition number: {condition:.1e}")?;
        }
        if !self.unseen.is_empty() {
            writeln!(f, "At the fit no row depends on: {}", self.unseen.join(", "))?;
        }
        let linear = 100.0 * self.linear_share;
        writeln!(f, "Rows in the linear part of the Huber loss: {linear:.0}% of the weight")?;
        let Restarts { starts, near, distinct, lower, upper, spread, .. } = &self.restarts;
        if *starts > 0 {
            writeln!(f, "Other starts: {near} of {starts} within 1% of the best objective")?;
            writeln!(
                f,
                "At twice the largest N and D these and the fit predict {lower:.4} to {upper:.4} ({:.2}% apart, {distinct} distinct)",
                100.0 * spread
            )?;
        }
        writeln!(f, "\nWhat fits within {}% of the objective", Short(100.0 * self.within))?;
        let width = self.ranges.iter().map(|range| range.name.chars().count()).max().unwrap_or(0);
        for range in &self.ranges {
            let mark = if range.is_undetermined() { "undetermined: " } else { "" };
            let (estimate, words) = (Short(range.estimate), range.words());
            writeln!(f, "  {:width$}  {estimate:>9}  {mark}{words}", range.name)?;
        }
        let warnings = self.warnings();
        if warnings.is_empty() {
            return write!(f, "\nNo warnings");
        }
        // The undetermined ones are in the table already.
        let others = &warnings[self.undetermined().count()..];
        let found = self.ranges.len();
        write!(f, "\nUndetermined: {} of {found} coefficients", warnings.len() - others.len())?;
        others.iter().try_for_each(|line| write!(f, "\nWarning: {line}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(lower: f64, upper: f64, ends: (bool, bool), transform: Transform) -> CoefficientRange {
        CoefficientRange {
            name: "x".to_owned(),
            estimate: lower,
            lower,
            upper,
            lower_is_end: ends.0,
            upper_is_end: ends.1,
            transform,
            within: 0.001,
        }
    }

    #[test]
    fn ranges_are_put_in_words() {
        let words = |ends| range(0.3, 12_345.6, ends, Transform::Log).to_string();
        assert_eq!(words((false, false)), "x: any value from 0.3 to 12346 fits within 0.1%");
        assert_eq!(words((false, true)), "x: any value from 0.3 up fits within 0.1%");
        assert_eq!(words((true, false)), "x: any value up to 12346 fits within 0.1%");
        assert_eq!(words((true, true)), "x: any value at all fits within 0.1%");
    }

    #[test]
    fn wide_ranges_and_those_to_an_end_are_undetermined() {
        let inside = (false, false);
        assert!(!range(0.3, 2.9, inside, Transform::Log).is_undetermined());
        assert!(range(0.3, 3.1, inside, Transform::Log).is_undetermined());
        assert!(!range(-0.9, 1.0, inside, Transform::Identity).is_undetermined());
        assert!(range(-1.1, 1.0, inside, Transform::Identity).is_undetermined());
        assert!(range(0.3, 0.4, (true, false), Transform::Log).is_undetermined());
        assert!(range(0.3, 0.4, (false, true), Transform::Identity).is_undetermined());
    }

    #[test]
    fn numbers_have_three_digits() {
        let text = |x: f64| Short(x).to_string();
        assert_eq!([text(0.1), text(0.012_345), text(-3.0)], ["0.1", "0.0123", "-3"]);
        assert_eq!([text(1e-7), text(0.0), text(100.0)], ["1.00e-7", "0.00e0", "100"]);
        assert_eq!(text(f64::INFINITY), "inf");
    }
}
