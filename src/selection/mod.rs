//! Which law to trust: laws compared by their errors on runs that they were not fitted to.
//!
//! A law with more coefficients always fits the runs better; whether it predicts better shows only on
//! runs that were held out. A [`Selection`] fits every [`Candidate`] to all rows, and again with rows
//! held out in two ways, which ask different questions:
//!
//! | held out | the question | needs |
//! |---|---|---|
//! | mixtures, by folds or random splits | is the loss right at a mixture that was not trained? | two mixtures |
//! | the largest scale | is the loss right at a larger N, or a larger D? | three sizes, or three token counts |
//!
//! For both it gives the errors ([`Metrics`]), the rank correlation between the mixtures of one N and D,
//! and the regret: of the mixtures that were held out, the observed loss of the one that the law would have
//! chosen, less the lowest observed loss. Beside the laws is a [baseline](Comparison::baseline), the measured
//! loss of the same mixture at a smaller scale, and [`Selection::for_scale`] tells how much farther than
//! the held-out scale the one is that the mixture is for.
//! A [`LearningCurve`] tells how many mixtures are enough (Fig. 5 of the paper).
//!
//! ```
//! use mixlaw::{Scale, Sweep};
//! use mixlaw::selection::Selection;
//! # let (mut n, mut d, mut h, mut loss) = (vec![], vec![], vec![], vec![]);
//! # for web in [0.1, 0.3, 0.5, 0.7, 0.9] {
//! #     for size in [1e8, 2e8, 4e8] {
//! #         for tokens in [2e9, 8e9] {
//! #             n.push(size);
//! #             d.push(tokens);
//! #             h.extend([web, 1.0 - web]);
//! #             loss.push(1.0 + 1.0 / (2.0 * f64::powf(web, 0.5) + 1.0 - web)
//! #                 + 400.0 / f64::powf(size, 0.34) + 400.0 / f64::powf(tokens, 0.28));
//! #         }
//! #     }
//! # }
//!
//! # let sweep = Sweep::new(&["web", "code"], &["web"], &n, &d, &h, &loss)?;
//! // All laws of the crate that suit the sweep, and the recommended predictor.
//! let comparison = Selection::new().folds(3).run(&sweep, "web")?;
//! println!("{comparison}");
//!
//! // Of those that depend on the mixture: a law that does not cannot choose one.
//! let best = comparison.best().expect("something was held out");
//! assert_ne!(best.name, "chinchilla");
//! let fit = best.fit.as_ref().expect("it was fitted to all rows");
//! println!("{:.3} nats", fit.predict(Scale { n: 1e9, d: 2e10 }, &[0.5, 0.5])?);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Your own laws, settings and means of laws are candidates like the crate's:
//!
//! ```
//! use mixlaw::Fitter;
//! use mixlaw::law::{AdditiveLaw, JointLaw};
//! use mixlaw::selection::{Candidate, Selection};
//! # let n = [1e8, 2e8];
//! # let sweep = mixlaw::Sweep::new(&["a"], &["t"], &n, &[1e9; 2], &[1.0; 2], &[3.0, 2.9])?;
//!
//! let weighted = Fitter::new().weigh_by_compute(1.0);
//! let selection = Selection::new()
//!     .candidate(Candidate::new(AdditiveLaw::for_sweep(&sweep), Fitter::new()))
//!     .candidate(Candidate::new(JointLaw::for_sweep(&sweep), Fitter::new()))
//!     .candidate(Candidate::new(JointLaw::for_sweep(&sweep), weighted).called("joint, weighted"))
//!     .candidate(Candidate::recommended(&sweep));
//! # let _ = selection;
//! # Ok::<(), mixlaw::Error>(())
//! ```

mod baseline;
mod candidate;
mod comparison;
mod learning;
mod step;
mod table;
mod within;

use std::ops::ControlFlow;
use std::time::Instant;

pub use candidate::Candidate;
pub use comparison::{Comparison, Failure, HeldOut, LargestScale, Score};
pub use learning::{LearningCurve, LearningPoint, LearningPoints};
pub use step::Step;

use crate::error::Error;
use crate::fit::{Fitter, Metrics};
use crate::law::ChinchillaLaw;
use crate::optim::{Control, Observer, Progress, Termination};
use crate::predictor::Predictor;
use crate::scale::Scale;
use crate::streams::{self, Kind};
use crate::sweep::Sweep;
use baseline::Anchored;
use step::Steps;
use within::AtOneScale;

/// Compares candidates by their errors on rows held out; see the [module](self).
///
/// It makes `1 + folds + 1` fits of every law: to all rows, for each fold, and for the largest scale; and
/// one more for the [baseline](Comparison::baseline).
/// The fits come one after the other; with the feature `rayon` the starts of each share the threads
/// of the current pool. The same seeds give the same figures, bit for bit, on any number of
/// threads; only [`Score::seconds`] differs.
#[derive(Debug, Clone)]
pub struct Selection {
    candidates: Vec<Candidate>,
    holdout: Holdout,
    at: Option<Scale>,
    seed: u64,
    observer: Option<Observer>,
}

/// How mixtures are held out.
#[derive(Debug, Clone, Copy)]
enum Holdout {
    Folds(usize),
    Splits { count: usize, splits: usize },
}

impl Holdout {
    /// What a part of the mixtures is called.
    fn part(self) -> &'static str {
        match self {
            Self::Folds(_) => "fold",
            Self::Splits { .. } => "split",
        }
    }
}

impl Default for Selection {
    fn default() -> Self {
        Self {
            candidates: Vec::new(),
            holdout: Holdout::Folds(5),
            at: None,
            seed: 0,
            observer: None,
        }
    }
}

/// The most splits of a selection, and the most repeats of a learning curve: each is a fit of its own.
const MOST_DRAWS: usize = 10_000;

impl Selection {
    /// Five folds, seed 0 and the crate's own candidates: all [`suitable`](crate::law::suitable) laws with the default
    /// [`Fitter`], and [`Candidate::recommended`] where the joint and the full law
    /// are among them.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Holds mixtures out in this many folds: the distinct mixtures are divided at random into that many
    /// parts, and each part is predicted by a fit to the others. All rows of a mixture are in one part.
    /// If there are fewer mixtures than folds, each mixture is a fold.
    #[must_use]
    pub fn folds(self, folds: usize) -> Self {
        Self { holdout: Holdout::Folds(folds), ..self }
    }

    /// Holds mixtures out by random splits in place of folds: `count` distinct mixtures are drawn to
    /// fit and the others are predicted, `splits` times, at most 10,000. Tables 13 and 14 of the paper
    /// draw 25.
    #[must_use]
    pub fn mixtures(self, count: usize, splits: usize) -> Self {
        Self { holdout: Holdout::Splits { count, splits }, ..self }
    }

    /// The scale that a mixture will be paid for at. It changes no figure: the result says
    /// [how far](Comparison::needed_step) it is beyond the runs, beside how far the held-out scale is beyond
    /// those that were fitted, and [warns](Comparison::needs_longer_step) where it is much farther. See
    /// [`Step`] for an example.
    #[must_use]
    pub fn for_scale(self, at: Scale) -> Self {
        Self { at: Some(at), ..self }
    }

    /// The seed of the folds and splits: the same for every candidate. Fits have the seeds of their
    /// fitters.
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Adds a candidate. The crate's own are compared only where none is added.
    #[must_use]
    pub fn candidate(self, candidate: Candidate) -> Self {
        self.candidates([candidate])
    }

    /// Adds candidates.
    #[must_use]
    pub fn candidates(mut self, candidates: impl IntoIterator<Item = Candidate>) -> Self {
        self.candidates.extend(candidates);
        self
    }

    /// Calls `observer` with the [`Progress`] of every run of these settings, which it can stop within an
    /// iteration of a fit; the scores then have the figures of the fits that are done. Observers of the
    /// candidates' own fitters are not called.
    #[must_use]
    pub fn observe(
        self,
        observer: impl FnMut(&Progress) -> ControlFlow<()> + Send + 'static,
    ) -> Self {
        Self { observer: Some(Observer::new(observer)), ..self }
    }

    /// Fits, holds out and fits again, on the rows that have a loss of the target. Every candidate gets a
    /// [`Score`]: if it could not be fitted, [`Score::failures`] gives the reason.
    ///
    /// # Errors
    /// If the sweep has no such target or no loss of it, no law of the crate suits it and no candidate
    /// was added, there are fewer than two folds, not 1 to 10,000 splits, `count` is 0 or not less
    /// than the number of distinct mixtures of these rows, or N or D of the
    /// [scale](Selection::for_scale) is not a number > 0.
    pub fn run(&self, sweep: &Sweep, target: &str) -> Result<Comparison, Error> {
        self.at.map_or(Ok(()), Scale::check)?;
        let measured = sweep.measured(target)?;
        let candidates = self.candidates_for(sweep, target)?;
        let held_out = Parts {
            all: sweep,
            splits: self.splits(&measured)?,
            split_name: self.holdout.part(),
            largest: HeldOutScale::new(&measured, target)?,
        };
        let fits: usize = candidates.iter().map(|candidate| candidate.laws().len()).sum();
        let control = Control::default().observed_by(self.observer.as_ref());
        let mut fitter = CandidateFitter::new(target, control, held_out.count_fits(fits));
        let scores = candidates.iter().map(|one| held_out.score(one, &mut fitter)).collect();
        let largest = held_out.largest.as_ref();
        let baseline = largest.and_then(|largest| largest.baseline(&mut fitter));
        let steps = Steps {
            held_out: largest.map(|largest| Step::between(&largest.fitted, &largest.test)),
            needed: self.at.map(|at| (at, Step::new(&measured, at))),
        };
        Ok(Comparison {
            target: target.to_owned(),
            scores,
            holdout: held_out.in_words(),
            scale: largest.map(|largest| (largest.scale, largest.test.len())),
            steps,
            baseline,
            termination: fitter.end(),
        })
    }

    /// Those that were added, or the crate's own.
    fn candidates_for(&self, sweep: &Sweep, target: &str) -> Result<Vec<Candidate>, Error> {
        if !self.candidates.is_empty() {
            return Ok(self.candidates.clone());
        }
        let defaults = candidate::defaults(sweep, target)?;
        if defaults.is_empty() {
            let expected = "at least 1, no law suits the sweep";
            return Err(setting("the number of candidates", 0, expected));
        }
        Ok(defaults)
    }

    /// For each part of the mixtures the rows to fit and those to predict.
    fn splits(&self, sweep: &Sweep) -> Result<Vec<(Sweep, Sweep)>, Error> {
        let mixtures = sweep.count_mixtures();
        match self.holdout {
            Holdout::Folds(folds) if folds < 2 => {
                Err(setting("the number of folds", folds, "at least 2"))
            }
            Holdout::Folds(_) if mixtures < 2 => Ok(Vec::new()),
            Holdout::Folds(folds) => Ok(sweep.folds_by_mixture(folds.min(mixtures), self.seed)),
            Holdout::Splits { splits, .. } if !(1..=MOST_DRAWS).contains(&splits) => {
                Err(setting("the number of splits", splits, "from 1 to 10000"))
            }
            Holdout::Splits { count, splits } => {
                (0..splits).map(|i| draw_mixtures(sweep, count, self.seed, i)).collect()
            }
        }
    }
}

/// What every candidate is fitted to, and asked to predict.
struct Parts<'a> {
    all: &'a Sweep,
    /// The rows to fit and those held out, of each fold or split.
    splits: Vec<(Sweep, Sweep)>,
    split_name: &'static str,
    largest: Option<HeldOutScale>,
}

impl Parts<'_> {
    /// The number of all fits, of so many laws.
    fn count_fits(&self, laws: usize) -> usize {
        let each = 1 + self.splits.len() + usize::from(self.largest.is_some());
        let anchored = self.largest.as_ref().and_then(|largest| largest.anchored.as_ref());
        laws.saturating_mul(each).saturating_add(usize::from(anchored.is_some()))
    }

    fn in_words(&self) -> String {
        if self.splits.is_empty() {
            "one mixture, none held out".to_owned()
        } else {
            format!("mixtures held out: {} {}s", self.splits.len(), self.split_name)
        }
    }

    fn score(&self, candidate: &Candidate, fitter: &mut CandidateFitter<'_>) -> Score {
        let start = Instant::now();
        let mut failures = Vec::new();
        let mut attempt = |part: String, rows, test| {
            let result = fitter.fit(candidate, rows, test)?;
            result.map_err(|error| failures.push(Failure { part, message: error.to_string() })).ok()
        };
        let all = attempt("all rows".to_owned(), self.all, None);
        let mixtures = pooled(self.splits.iter().enumerate().map(|(i, (rows, test))| {
            let part = format!("{} {} of {}", self.split_name, i + 1, self.splits.len());
            attempt(part, rows, Some(test))
        }));
        let scale = self
            .largest
            .as_ref()
            .and_then(|largest| attempt(largest.part(), &largest.fitted, Some(&largest.test)));
        let measured = self.largest.as_ref().zip(scale.as_ref());
        let measured = measured.and_then(|(largest, predicted)| largest.measured(predicted));
        let scale = pooled([scale]);
        let (fit, train) = all.map(|all| (all.fit, all.train.metrics())).unzip();
        Score {
            name: candidate.name().to_owned(),
            // Bounds that a law cannot keep are among the failures.
            coefficients: candidate.free_coefficients().unwrap_or_default(),
            sees_mixture: candidate.sees_mixture(),
            fit,
            train,
            mixtures,
            scale,
            measured,
            failures,
            seconds: start.elapsed().as_secs_f64(),
        }
    }
}

/// The largest scale, held out.
struct HeldOutScale {
    scale: LargestScale,
    fitted: Sweep,
    test: Sweep,
    /// The held-out rows that the baseline predicts, if there are any.
    anchored: Option<Anchored>,
}

impl HeldOutScale {
    /// Of rows that all have the loss.
    fn new(sweep: &Sweep, target: &str) -> Result<Option<Self>, Error> {
        let losses = sweep.losses_of(target)?;
        Ok(LargestScale::hold_out(sweep).map(|(scale, [fitted, test])| Self {
            scale,
            anchored: Anchored::new(sweep, &losses, scale, &fitted, &test),
            fitted: sweep.take(&fitted),
            test: sweep.take(&test),
        }))
    }

    /// What is fitted, in words.
    fn part(&self) -> String {
        format!("all but {}", self.scale)
    }

    /// The errors on the rows that the baseline predicts too.
    fn measured(&self, predicted: &Predicted) -> Option<HeldOut> {
        let anchored = self.anchored.as_ref()?;
        let test = predicted.test.take(&anchored.rows);
        Some(held_out(&predicted.train, &test, &test.at_each_scale(&anchored.sweep)))
    }

    /// The baseline; `None` if it predicts no row or the observer has stopped.
    fn baseline(&self, fitter: &mut CandidateFitter<'_>) -> Option<Score> {
        let (start, anchored) = (Instant::now(), self.anchored.as_ref()?);
        let blind = Candidate::new(ChinchillaLaw::for_sweep(&self.fitted), Fitter::new());
        let score = fitter.ensemble(&blind, &self.fitted)?.and_then(|blind| {
            let test = Pairs {
                observed: anchored.sweep.losses_of(blind.target())?,
                predicted: anchored.predict(&blind)?,
            };
            let train = Pairs::new(&blind, &self.fitted)?;
            Ok(held_out(&train, &test, &test.at_each_scale(&anchored.sweep)))
        });
        let (measured, failures) = match score {
            Ok(measured) => (Some(measured), Vec::new()),
            Err(error) => (None, vec![Failure { part: self.part(), message: error.to_string() }]),
        };
        Some(Score {
            name: baseline::NAME.to_owned(),
            coefficients: blind.free_coefficients().unwrap_or_default(),
            sees_mixture: false,
            fit: None,
            train: None,
            mixtures: None,
            scale: None,
            measured,
            failures,
            seconds: start.elapsed().as_secs_f64(),
        })
    }
}

/// The `index`-th draw of `count` mixtures: their rows, and those of the others.
fn draw_mixtures(
    sweep: &Sweep,
    count: usize,
    seed: u64,
    index: usize,
) -> Result<(Sweep, Sweep), Error> {
    let seed = streams::seed(seed, Kind::Part, index as u64);
    sweep.split_by_mixture(count, seed).map_err(|_| {
        let expected = "at least 1 and less than the distinct mixtures of the sweep";
        setting("the number of mixtures to fit", count, expected)
    })
}

fn setting(name: &str, value: usize, expected: &'static str) -> Error {
    Error::setting(name, value as f64, expected)
}

/// Makes the fits of a selection or a curve, one after the other, as long as nobody says stop.
struct CandidateFitter<'a> {
    target: &'a str,
    control: Control,
    /// The observer said stop.
    stop: bool,
    /// Something was left out for it.
    undone: bool,
}

impl<'a> CandidateFitter<'a> {
    fn new(target: &'a str, control: Control, fits: usize) -> Self {
        control.expect("fits", Some(fits));
        Self { target, control, stop: false, undone: false }
    }

    fn end(self) -> Termination {
        // Fits that were not tried after a failure are done too.
        self.control.complete();
        Termination::of_many(!self.undone)
    }

    /// Fits a candidate to some rows and predicts them and those of a test; `None` if the observer
    /// has stopped.
    fn fit(
        &mut self,
        candidate: &Candidate,
        rows: &Sweep,
        test: Option<&Sweep>,
    ) -> Option<Result<Predicted, Error>> {
        let fit = self.ensemble(candidate, rows)?;
        Some(fit.and_then(|fit| Predicted::new(fit, rows, test)))
    }

    /// Fits a candidate to some rows; `None` if the observer has stopped.
    fn ensemble(
        &mut self,
        candidate: &Candidate,
        rows: &Sweep,
    ) -> Option<Result<Predictor, Error>> {
        let mut fits = Vec::with_capacity(candidate.laws().len());
        for law in candidate.laws() {
            if self.stop {
                self.undone = true;
                return None;
            }
            match candidate.fitter().fit_within(law.clone(), rows, self.target, &self.control) {
                Ok(fit) if self.control.is_cut_off(fit.termination()) => {
                    (self.stop, self.undone) = (true, true);
                    return None;
                }
                Ok(fit) => {
                    self.stop = self.control.counted(1);
                    fits.push(fit);
                }
                Err(error) => return Some(Err(error)),
            }
        }
        Some(Predictor::mean(fits))
    }
}

/// A fit with its predictions.
struct Predicted {
    fit: Predictor,
    train: Pairs,
    test: Pairs,
    /// Of each group of test rows that share N and D.
    groups: Vec<AtOneScale>,
}

impl Predicted {
    fn new(fit: Predictor, rows: &Sweep, test: Option<&Sweep>) -> Result<Self, Error> {
        let train = Pairs::new(&fit, rows)?;
        let (test, groups) = match test {
            Some(test) => {
                let pairs = Pairs::new(&fit, test)?;
                let groups = pairs.at_each_scale(test);
                (pairs, groups)
            }
            None => (Pairs::default(), Vec::new()),
        };
        Ok(Self { fit, train, test, groups })
    }
}

/// Observed and predicted losses of the same rows.
#[derive(Default)]
struct Pairs {
    observed: Vec<f64>,
    predicted: Vec<f64>,
}

impl Pairs {
    fn new(fit: &Predictor, sweep: &Sweep) -> Result<Self, Error> {
        let sweep = sweep.measured(fit.target())?;
        let observed = sweep.losses_of(fit.target())?;
        Ok(Self { observed, predicted: fit.predict_sweep(&sweep)? })
    }

    fn append(&mut self, other: Pairs) {
        self.observed.extend(other.observed);
        self.predicted.extend(other.predicted);
    }

    /// Some of the rows.
    fn take(&self, rows: &[usize]) -> Self {
        let of = |values: &[f64]| rows.iter().map(|&i| values[i]).collect();
        Self { observed: of(&self.observed), predicted: of(&self.predicted) }
    }

    /// What they say of the mixtures of one N and D; the rows are those of the sweep.
    fn at_each_scale(&self, sweep: &Sweep) -> Vec<AtOneScale> {
        AtOneScale::of_all(sweep, &self.observed, &self.predicted)
    }

    fn metrics(&self) -> Metrics {
        Metrics::new(&self.observed, &self.predicted)
    }
}

/// The figures over all parts; `None` if there are none or one of them is missing, after which no
/// other is tried.
fn pooled(parts: impl IntoIterator<Item = Option<Predicted>>) -> Option<HeldOut> {
    let (mut train, mut test, mut groups) = (Pairs::default(), Pairs::default(), Vec::new());
    for part in parts {
        let part = part?;
        train.append(part.train);
        test.append(part.test);
        groups.extend(part.groups);
    }
    (!test.observed.is_empty()).then(|| held_out(&train, &test, &groups))
}

/// The figures of fitted rows and of some that were held out; there are some of both.
fn held_out(train: &Pairs, test: &Pairs, groups: &[AtOneScale]) -> HeldOut {
    HeldOut {
        train: train.metrics(),
        test: test.metrics(),
        rank: AtOneScale::mean_rank(groups),
        regret: AtOneScale::mean_regret(groups),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::fit::Fitter;
    use crate::law::{AdditiveLaw, ChinchillaLaw};
    use crate::optim::{Minimum, Objective, Optimizer};

    /// Sizes x 6 mixtures x 2 token counts of an additive law without noise.
    pub(super) fn sweep(sizes: &[f64], tokens: &[f64]) -> Sweep {
        let (mut n, mut d, mut h, mut loss) = (vec![], vec![], vec![], vec![]);
        for &size in sizes {
            for web in [0.1f64, 0.25, 0.4, 0.6, 0.8, 0.95] {
                for &count in tokens {
                    n.push(size);
                    d.push(count);
                    h.extend([web, 1.0 - web]);
                    let bias = 1.0 / (0.7 * web.powf(0.5) + 1.1 * (1.0 - web).powf(0.4));
                    loss.push(1.0 + bias + 400.0 / size.powf(0.34) + 400.0 / count.powf(0.28));
                }
            }
        }
        Sweep::new(&["web", "code"], &["t"], &n, &d, &h, &loss).unwrap()
    }

    fn additive(sweep: &Sweep) -> Candidate {
        Candidate::new(AdditiveLaw::for_sweep(sweep), Fitter::new().starts(4))
    }

    #[test]
    fn every_row_is_held_out_once() {
        let s = sweep(&[1e8, 2e8, 4e8], &[1e9, 4e9]);
        let c = Selection::new().candidate(additive(&s)).folds(4).run(&s, "t").unwrap();
        let score = &c.scores()[0];
        let mixtures = score.mixtures.unwrap();
        assert_eq!((mixtures.test.count, mixtures.train.count), (36, 3 * 36));
        assert_eq!(score.train.unwrap().count, 36);
        let scale = score.scale.unwrap();
        assert_eq!((scale.test.count, scale.train.count), (12, 24));
        // More folds than mixtures: each is one, and alone there is nothing to choose from.
        let c = Selection::new().candidate(additive(&s)).folds(99).run(&s, "t").unwrap();
        let mixtures = c.scores()[0].mixtures.unwrap();
        assert_eq!((mixtures.test.count, mixtures.train.count), (36, 5 * 36));
        assert_eq!(mixtures.regret, None);
    }

    #[test]
    fn random_splits_draw_as_many_mixtures_as_asked_for() {
        let s = sweep(&[1e8, 2e8, 4e8], &[1e9, 4e9]);
        let selection = Selection::new().candidate(additive(&s));
        let c = selection.clone().mixtures(4, 3).run(&s, "t").unwrap();
        let mixtures = c.scores()[0].mixtures.unwrap();
        assert_eq!((mixtures.train.count, mixtures.test.count), (3 * 24, 3 * 12));
        for (count, splits) in [(0, 3), (6, 3), (4, 0)] {
            let fault = selection.clone().mixtures(count, splits).run(&s, "t").unwrap_err();
            assert!(fault.is_setting(), "{fault}");
        }
        assert!(selection.clone().folds(1).run(&s, "t").is_err());
        assert!(selection.run(&s, "u").unwrap_err().is_unknown_name());
    }

    #[test]
    fn a_fit_that_fails_is_named_and_the_others_stay() {
        // 6 mixtures of one row; 9 coefficients against 6 rows, then 5 against 4 of a fold.
        let s = sweep(&[1e8], &[1e9]);
        let chinchilla =
            Candidate::new(ChinchillaLaw::for_sweep(&s), Fitter::new().starts(2)).called("plain");
        let c = Selection::new().candidates([additive(&s), chinchilla]).folds(3).run(&s, "t");
        let c = c.unwrap();
        let [additive, plain] = c.scores() else { panic!("two scores") };
        assert!(additive.fit.is_none() && additive.train.is_none() && additive.mixtures.is_none());
        let parts: Vec<&str> = additive.failures.iter().map(|x| x.part.as_str()).collect();
        assert_eq!(parts, ["all rows", "fold 1 of 3"]);
        assert!(plain.fit.is_some() && plain.train.is_some() && plain.mixtures.is_none());
        assert_eq!(plain.failures.len(), 1);
        let expected = "plain, fold 1 of 3: 4 rows cannot determine the 5 free coefficients";
        assert!(c.to_string().contains(expected), "{c}");
        assert!(c.best().is_none() && c.largest_scale().is_none());
    }

    #[test]
    fn an_observer_sees_every_fit_and_can_stop() {
        let s = sweep(&[1e8, 2e8, 4e8], &[1e9, 4e9]);
        let selection = Selection::new().candidates([additive(&s), additive(&s)]).folds(2).seed(3);
        let run = |most: usize| {
            let seen = Arc::new(Mutex::new(Vec::new()));
            let told = seen.clone();
            let observed = selection.clone().observe(move |progress| {
                assert_eq!((progress.what, progress.total), ("fits", Some(9)));
                told.lock().unwrap().push(progress.done);
                if progress.done < most {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(())
                }
            });
            let c = observed.run(&s, "t").unwrap();
            let mut seen = seen.lock().unwrap().clone();
            // It is asked in every iteration of the local solves too.
            assert!(seen.len() > 10 * seen[seen.len() - 1]);
            seen.dedup();
            (c, seen)
        };
        let (all, seen) = run(usize::MAX);
        assert_eq!(seen, (0..=9).collect::<Vec<_>>());
        let unobserved = selection.run(&s, "t").unwrap();
        for (seen, alone) in all.scores().iter().zip(unobserved.scores()) {
            assert_eq!(seen.train, alone.train);
            assert_eq!((seen.mixtures, seen.scale), (alone.mixtures, alone.scale));
        }
        // A stop at the last fit leaves nothing out.
        assert_eq!(run(9).0.termination(), Termination::Complete);
        assert!(run(8).0.baseline().is_none());
        assert_eq!(all.termination(), Termination::Complete);
        let (some, seen) = run(3);
        assert_eq!(seen, [0, 1, 2, 3]);
        assert_eq!(some.termination(), Termination::Stopped);
        let [first, second] = some.scores() else { panic!("two scores") };
        assert_eq!(first.mixtures, all.scores()[0].mixtures);
        assert!(first.scale.is_none() && second.fit.is_none() && second.failures.is_empty());
    }

    /// Says that it was stopped, as one with a deadline of its own does.
    #[derive(Debug)]
    struct Hasty;

    impl Optimizer for Hasty {
        fn minimize(
            &self,
            objective: &mut dyn Objective,
            start: &[f64],
            _: &mut Control,
        ) -> Minimum {
            Minimum::measured(objective, start.to_vec(), Termination::Stopped, 0)
        }
    }

    #[test]
    fn an_optimizer_that_stops_early_does_not_stop_the_others() {
        let s = sweep(&[1e8, 2e8, 4e8], &[1e9, 4e9]);
        let hasty = Candidate::new(AdditiveLaw::for_sweep(&s), Fitter::new().optimizer(Hasty));
        let c = Selection::new().candidates([hasty.clone(), additive(&s)]).folds(2).run(&s, "t");
        let c = c.unwrap();
        assert_eq!(c.termination(), Termination::Complete);
        assert!(c.scores().iter().all(|score| score.fit.is_some() && score.mixtures.is_some()));
        let curve = LearningCurve::new([2, 4]).repeats(2).run(&hasty, &s, "t").unwrap();
        assert_eq!(curve.points().len(), 2);
    }

    #[test]
    fn nothing_to_compare_is_an_error() {
        let s = Sweep::new(&["a"], &["t"], &[1e8], &[1e9], &[1.0], &[3.0]).unwrap();
        let fault = Selection::new().run(&s, "t").unwrap_err().to_string();
        assert!(fault.contains("no law"), "{fault}");
    }
}
