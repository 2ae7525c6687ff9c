use std::fmt;

use crate::fit::Metrics;
use crate::optim::Termination;
use crate::predictor::Predictor;
use crate::sweep::Sweep;

use super::step::{Step, Steps};

/// The scores of all candidates of a [`Selection`](super::Selection), in the order in which they
/// were given.
///
/// It prints as a table, with `-` where a figure is missing; below it is why fits failed.
#[derive(Debug, Clone)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Comparison {
    pub(super) target: String,
    pub(super) scores: Vec<Score>,
    pub(super) holdout: String,
    /// What was held out, and how many rows that is.
    pub(super) scale: Option<(LargestScale, usize)>,
    /// Files of earlier crates have neither this nor the baseline.
    #[cfg_attr(feature = "serde", serde(default))]
    pub(super) steps: Steps,
    #[cfg_attr(feature = "serde", serde(default))]
    pub(super) baseline: Option<Score>,
    pub(super) termination: Termination,
}

/// The figures of one candidate. One is `None` where the sweep does not allow it, a fit failed
/// ([`Score::failures`]) or the observer stopped the call before.
#[derive(Debug, Clone)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Score {
    /// The name of the candidate.
    pub name: String,
    /// The coefficients of its laws that are not fixed.
    pub coefficients: usize,
    /// Whether it can choose between mixtures: whether one of its laws depends on the mixture.
    pub sees_mixture: bool,
    /// The fit to all rows. That of a law that is not the crate's is written when stored, but not read
    /// again.
    #[cfg_attr(feature = "serde", serde(with = "crate::predictor::plain"))]
    pub fit: Option<Predictor>,
    /// Its errors on all rows.
    pub train: Option<Metrics>,
    /// Held-out mixtures, over all folds or splits together.
    pub mixtures: Option<HeldOut>,
    /// The held-out largest scale.
    pub scale: Option<HeldOut>,
    /// Those of its rows that the [baseline](Comparison::baseline) predicts too: only on these can the two
    /// be compared.
    #[cfg_attr(feature = "serde", serde(default))]
    pub measured: Option<HeldOut>,
    /// The fits that could not be made. After one, the other folds or splits are not tried.
    pub failures: Vec<Failure>,
    /// Wall time of all fits, in seconds.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
    pub seconds: f64,
}

/// Errors with some rows held out.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct HeldOut {
    /// On the rows that were fitted, all parts pooled.
    pub train: Metrics,
    /// On the rows that were held out, all parts pooled. Its rank correlation is that over all scales
    /// together, which a law that knows only the scale has too.
    pub test: Metrics,
    /// The rank correlation (Spearman) between the mixtures of one N and D: the mean over all such groups
    /// of at least three held-out mixtures, weighted by their number. 1 is the right order, 0 what chance
    /// gives, and where all have the same prediction. `None` if there are no such groups, or their losses
    /// do not differ.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::number", default))]
    pub rank: Option<f64>,
    /// The regret of the mixture that the candidate would choose, in nats. Of each group of held-out
    /// rows with the same N and D it is the observed loss of the row with the least predicted loss (of
    /// several with the same prediction, the mean) minus the least observed loss; this is the mean
    /// over all groups with at least two mixtures, `None` if there are none.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
    pub regret: Option<f64>,
}

/// A fit that could not be made.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Failure {
    /// To which rows: `all rows`, `fold 2 of 5`, `split 1 of 3` or, for the largest scale, such as
    /// `all but N = 1.2350e9`.
    pub part: String,
    /// Why, as the error prints.
    pub message: String,
}

/// The scale that was held out: all rows of the largest N, fitted on the others; where there are
/// fewer than three sizes all rows of the largest D. Fitted on one size alone, no law can learn the
/// effect of size. Fitted on two it can learn a slope, but not where it ends: E, A and alpha are three
/// numbers. The figure means more with four sizes or more.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case")
)]
#[non_exhaustive]
pub enum LargestScale {
    /// The largest N, in parameters.
    Size(#[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))] f64),
    /// The largest D, in tokens.
    Tokens(#[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))] f64),
}

impl LargestScale {
    /// What is held out of a sweep: the numbers of the rows to fit, and of those held out.
    pub(super) fn hold_out(sweep: &Sweep) -> Option<(Self, [Vec<usize>; 2])> {
        // The two largest of at least three values.
        let largest = |values: Vec<f64>| {
            let mut values = values;
            values.sort_by(f64::total_cmp);
            values.dedup();
            match values[..] {
                [_, .., below, largest] => Some((below, largest)),
                _ => None,
            }
        };
        let split = |is_fitted: &dyn Fn(usize) -> bool| {
            let (fitted, held_out) = (0..sweep.len()).partition(|&i| is_fitted(i));
            [fitted, held_out]
        };
        if let Some((below, n)) = largest(sweep.n().to_vec()) {
            return Some((Self::Size(n), split(&|i| sweep.n()[i] <= below)));
        }
        let (below, d) = largest(sweep.d().to_vec())?;
        Some((Self::Tokens(d), split(&|i| sweep.d()[i] <= below)))
    }
}

impl fmt::Display for LargestScale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Size(n) => write!(f, "N = {n:.4e}"),
            Self::Tokens(d) => write!(f, "D = {d:.4e}"),
        }
    }
}

impl Comparison {
    /// The target whose loss was fitted.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.target
    }

    /// One score for each candidate.
    #[must_use]
    pub fn scores(&self) -> &[Score] {
        &self.scores
    }

    /// The score of the first candidate of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Score> {
        self.scores.iter().find(|score| score.name == name)
    }

    /// The scale that was held out, if the sweep has one to hold out.
    #[must_use]
    pub fn largest_scale(&self) -> Option<LargestScale> {
        self.scale.map(|(largest, _)| largest)
    }

    /// How far the scale that was held out is beyond the rows that were fitted for it: the step that the
    /// errors at scale are of. `None` if none was held out.
    #[must_use]
    pub fn step(&self) -> Option<Step> {
        self.steps.held_out
    }

    /// How far the scale of [`Selection::for_scale`](super::Selection::for_scale) is beyond all rows.
    #[must_use]
    pub fn needed_step(&self) -> Option<Step> {
        self.steps.needed.map(|(_, step)| step)
    }

    /// Whether the scale to serve is so far beyond the rows, in N or in D, that the errors at the held-out
    /// scale say little of it: by more than 1.1 times, and more than 1.5 times as far on a logarithmic scale
    /// as the [step](Comparison::step) that was held out. The table then has a warning. False where no scale
    /// was [asked for](super::Selection::for_scale).
    ///
    /// Laws that are alike after a step of 1.3 times can be apart after one of 3. More sizes help, the
    /// smallest ones far below the largest.
    #[must_use]
    pub fn needs_longer_step(&self) -> bool {
        self.steps.is_longer_needed()
    }

    /// What every law should beat at mixtures that were measured: the loss of the same mixture at the
    /// largest N that was fitted, at the D nearest to that of the row (on a logarithmic scale), times
    /// `L(N, D) / L(N', D')` of the [Chinchilla law](crate::law::ChinchillaLaw), which is blind to mixtures,
    /// fitted to the same rows. Where a D was held out, it is the loss of the same mixture and N at the
    /// nearest D.
    ///
    /// It predicts the held-out rows whose mixture was measured there: its errors are in
    /// [`Score::measured`], and those of every candidate on the same rows. Its regret and rank correlation
    /// are those of the order in which the mixtures were at the smaller scale. It is no candidate: it
    /// knows no other mixtures.
    ///
    /// `None` if no scale or no such row was held out; if its law could not be fitted, its
    /// [failures](Score::failures) tell why.
    ///
    /// ```
    /// use mixlaw::law::AdditiveLaw;
    /// use mixlaw::selection::{Candidate, Selection};
    /// use mixlaw::{Fitter, Sweep};
    /// # let (mut n, mut d, mut h, mut loss) = (vec![], vec![], vec![], vec![]);
    /// # for size in [1e8, 2e8, 4e8] {
    /// #     for web in [0.1f64, 0.3, 0.5, 0.7, 0.9] {
    /// #         for tokens in [2e9, 8e9] {
    /// #             // One mixture is not among the largest of the sizes that are fitted.
    /// #             if size == 2e8 && web == 0.9 {
    /// #                 continue;
    /// #             }
    /// #             n.push(size);
    /// #             d.push(tokens);
    /// #             h.extend([web, 1.0 - web]);
    /// #             let scale = 2.0 + 400.0 / f64::powf(size, 0.34) + 400.0 / f64::powf(tokens, 0.28);
    /// #             loss.push((1.2 + (web - 0.4).powi(2)) * scale);
    /// #         }
    /// #     }
    /// # }
    /// # let sweep = Sweep::new(&["web", "code"], &["web"], &n, &d, &h, &loss)?;
    /// let law = Candidate::new(AdditiveLaw::for_sweep(&sweep), Fitter::new());
    /// let comparison = Selection::new().candidate(law).folds(2).run(&sweep, "web")?;
    /// let baseline = comparison.baseline().and_then(|score| score.measured).expect("four mixtures");
    /// let additive = comparison.scores()[0].measured.expect("the same");
    /// // Ten rows of five mixtures were held out, and 2e8 has four of these.
    /// assert_eq!((baseline.test.count, additive.test.count), (8, 8));
    /// // What a mixture does is the same factor at every scale here.
    /// assert!(baseline.test.mre < additive.test.mre);
    /// # Ok::<(), mixlaw::Error>(())
    /// ```
    #[must_use]
    pub fn baseline(&self) -> Option<&Score> {
        self.baseline.as_ref()
    }

    /// [`Termination::Stopped`] if an observer stopped it early, otherwise
    /// [`Termination::Complete`].
    #[must_use]
    pub fn termination(&self) -> Termination {
        self.termination
    }

    /// The candidate to choose a mixture with: of those that depend on the mixture
    /// ([`Score::sees_mixture`]) the one with the least MRE on the held-out largest scale; where none
    /// has one, on held-out mixtures, which also decide between equal ones. `None` where nothing was
    /// held out, or no candidate depends on the mixture.
    ///
    /// A law that does not depend on it, such as Chinchilla's, can have the least error where the mixture
    /// matters little, but cannot choose a mixture: it is left out here, and counts in
    /// [`Comparison::best_predictor`].
    ///
    /// The error on the largest scale comes first because a mixture is chosen for a model larger than all
    /// that were trained, and laws that agree on the runs differ beyond them. Runs can cover the mixtures,
    /// but not the scale. The train error does not count, because it falls with every coefficient, nor
    /// does the regret, which depends on a few rows. If two errors are nearly equal, take the candidate
    /// with fewer coefficients. A held-out scale that leaves only two others to fit tells little: two sizes
    /// cannot tell an exponent from the floor. Neither does one that is much nearer than the scale that the
    /// mixture is for: [`Comparison::needs_longer_step`].
    #[must_use]
    pub fn best(&self) -> Option<&Score> {
        self.least_error(|score| score.sees_mixture)
    }

    /// The candidate to predict losses with: as [`Comparison::best`], of all candidates.
    #[must_use]
    pub fn best_predictor(&self) -> Option<&Score> {
        self.least_error(|_| true)
    }

    fn least_error(&self, counts: impl Fn(&Score) -> bool) -> Option<&Score> {
        // A missing figure, or NaN, is worse than every number.
        let mre = |held_out: &Option<HeldOut>| {
            let mre = held_out.map_or(f64::INFINITY, |held_out| held_out.test.mre);
            if mre.is_nan() { f64::INFINITY } else { mre }
        };
        let key = |score: &Score| (mre(&score.scale), mre(&score.mixtures));
        let known = |score: &&Score| score.scale.is_some() || score.mixtures.is_some();
        self.scores.iter().filter(known).filter(|score| counts(score)).min_by(|a, b| {
            let (a, b) = (key(a), key(b));
            a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::selection::tests::sweep;

    #[test]
    fn the_largest_scale_leaves_two_values() {
        let held_out = |sizes: &[f64], tokens: &[f64]| {
            LargestScale::hold_out(&sweep(sizes, tokens))
                .map(|(what, [a, b])| (what, a.len(), b.len()))
        };
        let size = held_out(&[1e8, 4e8, 2e8], &[1e9, 4e9, 8e9]);
        assert_eq!(size, Some((LargestScale::Size(4e8), 36, 18)));
        let tokens = held_out(&[1e8, 4e8], &[1e9, 8e9, 4e9]);
        assert_eq!(tokens, Some((LargestScale::Tokens(8e9), 24, 12)));
        assert_eq!(held_out(&[1e8, 4e8], &[1e9, 8e9]), None);
    }

    /// A score with these MRE of mixtures and scale.
    fn score(name: &str, mixtures: Option<f64>, scale: Option<f64>) -> Score {
        let held_out = |mre: Option<f64>| {
            mre.map(|mre| {
                let test = Metrics { mre, ..Metrics::new(&[1.0], &[1.0]) };
                HeldOut { train: test, test, rank: None, regret: None }
            })
        };
        Score {
            name: name.to_owned(),
            coefficients: 1,
            sees_mixture: true,
            fit: None,
            train: None,
            mixtures: held_out(mixtures),
            scale: held_out(scale),
            measured: None,
            failures: Vec::new(),
            seconds: 0.0,
        }
    }

    fn comparison(scores: Vec<Score>) -> Comparison {
        Comparison {
            target: "t".to_owned(),
            scores,
            holdout: "mixtures held out: 5 folds".to_owned(),
            scale: None,
            steps: Steps::default(),
            baseline: None,
            termination: Termination::Complete,
        }
    }

    #[test]
    fn the_best_is_best_at_scale_and_then_at_mixtures() {
        let best = |scores| comparison(scores).best().map(|score| score.name.clone());
        let a = || score("a", Some(0.1), Some(0.9));
        let b = || score("b", Some(0.5), Some(0.4));
        let c = || score("c", Some(0.3), Some(0.4));
        assert_eq!(best(vec![a(), b(), c()]).unwrap(), "c");
        let without = |x: Score| Score { scale: None, ..x };
        assert_eq!(best(vec![without(a()), b()]).unwrap(), "b");
        assert_eq!(best(vec![b(), score("nan", Some(0.0), Some(f64::NAN))]).unwrap(), "b");
        assert_eq!(best(vec![without(b()), without(a())]).unwrap(), "a");
        assert_eq!(best(vec![score("none", None, None)]), None);
    }

    #[test]
    fn a_candidate_that_is_blind_to_the_mixture_does_not_choose_it() {
        let blind = Score { sees_mixture: false, ..score("blind", Some(0.1), Some(0.1)) };
        let sees = score("sees", Some(0.5), Some(0.9));
        let both = comparison(vec![blind.clone(), sees]);
        assert_eq!(both.best().unwrap().name, "sees");
        assert_eq!(both.best_predictor().unwrap().name, "blind");
        let text = both.to_string();
        assert!(text.ends_with("\nNo choice of a mixture, on which it does not depend: blind"));
        let alone = comparison(vec![blind]);
        assert!(alone.best().is_none() && alone.best_predictor().is_some());
    }

    #[test]
    fn the_table_is_aligned() {
        let text = comparison(vec![
            score("a rather long name of a candidate", Some(0.0125), Some(1.0)),
            score("b", None, Some(0.005)),
        ])
        .to_string();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 7, "{text}");
        assert!(lines[4..].iter().all(|line| line.len() == lines[4].len()), "{text}");
        assert!(lines[5].contains("1.250") && lines[6].contains(" - "), "{text}");
    }
}
