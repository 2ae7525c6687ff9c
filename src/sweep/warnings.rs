//! What is usually a mistake in a table of runs, as data.

use std::collections::HashMap;
use std::fmt;

use super::summary::{count, number};
use super::{EVAL, Group, Sweep, TRAIN};
use crate::error::{Error, cut};

/// A loss that rises over a run does so by more than this share of it; less can be the noise of
/// checkpoints.
const RISE: f64 = 0.01;
/// A target with losses in fewer of the rows has few.
const FEW: f64 = 0.25;
/// The share of its schedule from which on a checkpoint is final, as planned tokens are round numbers.
const FINAL: f64 = 0.99;

/// What is usually a mistake in a sweep, though it can be meant so; by [`Sweep::warnings`]. Its `Display`
/// is one line.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(tag = "kind", rename_all = "snake_case")
)]
#[non_exhaustive]
pub enum Warning {
    /// A split whose name looks like [`TRAIN`] or [`EVAL`] and is not: its rows are in neither.
    SplitName {
        /// The name of the split.
        split: String,
        /// The name that it looks like.
        like: String,
        /// The number of its rows.
        rows: usize,
    },
    /// No row is of the split [`TRAIN`], to which laws are fitted by the program.
    NoTrainRows,
    /// All rows that are fitted have one size, so no law can learn the effect of N.
    OneSize {
        /// That size N, in parameters.
        n: f64,
    },
    /// All rows that are fitted have one number of tokens, so no law can learn the effect of D.
    OneD {
        /// That number D.
        d: f64,
    },
    /// Mixtures with rows at one size and one D only, as a weight that was mistyped makes one.
    MixtureOnce {
        /// How many such mixtures there are.
        mixtures: usize,
        /// Of how many distinct mixtures.
        of: usize,
        /// The run of the first of them.
        run: String,
    },
    /// Losses of a target that rise with D within runs, as where D or the losses are in the wrong order,
    /// or the runs diverge.
    LossesRise {
        /// The target.
        target: String,
        /// How many runs have such losses.
        runs: usize,
        /// Of how many runs with two losses of the target or more.
        of: usize,
        /// The one among them whose loss rises most, relative to that at its least D.
        run: String,
        /// By what share of it.
        #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
        share: f64,
        /// From how many of its checkpoints to the next the loss rises.
        rises: usize,
        /// Of how many.
        steps: usize,
    },
    /// A target with losses in few of the rows.
    FewLosses {
        /// The target.
        target: String,
        /// How many rows have a loss of it.
        losses: usize,
        /// Of how many rows.
        rows: usize,
    },
    /// Runs without a checkpoint at the end of their schedule; by [`Sweep::schedule_warnings`].
    NoFinalCheckpoint {
        /// The column of the tokens that were planned.
        column: String,
        /// How many runs have none.
        runs: usize,
        /// Of how many.
        of: usize,
        /// The largest share of a schedule that any of these has seen.
        share: f64,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SplitName { split, like, rows } => {
                let (split, rows) = (cut(split), count(*rows, "row"));
                write!(f, "split `{split}` ({rows}) looks like `{like}` and is another one")
            }
            Self::NoTrainRows => write!(f, "no row is of the split `{TRAIN}`"),
            Self::OneSize { n } => {
                write!(f, "all rows that are fitted have one size, N = {}", number(*n))
            }
            Self::OneD { d } => {
                write!(f, "all rows that are fitted have one number of tokens, D = {}", number(*d))
            }
            Self::MixtureOnce { mixtures, of, run } => {
                let (run, of) = (cut(run), count(*of, "distinct mixture"));
                write!(f, "{mixtures} of {of} at one N and one D only, the first in run `{run}`")
            }
            Self::LossesRise { target, runs, of, run, share, rises, steps } => {
                let (target, run, of) = (cut(target), cut(run), count(*of, "run"));
                write!(f, "losses of `{target}` rise with D in {runs} of {of}, ")?;
                let percent = number(100.0 * share);
                write!(f, "most in `{run}`: by {percent}%, ")?;
                write!(f, "from {rises} of {steps} checkpoints to the next")
            }
            Self::FewLosses { target, losses, rows } => {
                let (target, rows) = (cut(target), count(*rows, "row"));
                write!(f, "losses of `{target}` in {losses} of {rows}")
            }
            Self::NoFinalCheckpoint { column, runs, of, share } => {
                let (column, of, share) = (cut(column), count(*of, "run"), number(*share));
                write!(f, "{runs} of {of} without a checkpoint at the end of its schedule ")?;
                write!(f, "(`{column}`): they have seen at most {share} of it")
            }
        }
    }
}

impl Sweep {
    /// What is usually a mistake; none of it is an error, and nothing is changed.
    ///
    /// - [`Warning::SplitName`]: a name that is `train` or `eval` in other case, with one letter added, left
    ///   out, changed or swapped with the next, or `training` or `evaluation`. One digit more, as in
    ///   `eval2`, is a name of its own.
    /// - [`Warning::NoTrainRows`], [`Warning::OneSize`], [`Warning::OneD`]: of the rows that are fitted,
    ///   which are those of `train`, or all if there are none.
    /// - [`Warning::MixtureOnce`]: of all rows, where these have several sizes or D.
    /// - [`Warning::LossesRise`]: the loss at the largest D of a run is above that at the least by more than
    ///   1%, and it rises from more than half of the checkpoints to the next. Noise of checkpoints that is a
    ///   few tenths of a percent, or a single loss that is off, is no warning.
    /// - [`Warning::FewLosses`]: in fewer than a quarter of the rows.
    ///
    /// A schedule that ends later than the rows cannot be seen in a table: see [`Sweep::schedule_warnings`].
    ///
    /// ```
    /// use mixlaw::Sweep;
    /// use mixlaw::sweep::Warning;
    ///
    /// let sweep = Sweep::builder(&["web"], &["qa"])
    ///     .splits(&["train", "train", "trian"])
    ///     .build(&[1e8, 1e8, 4e8], &[1e9, 2e9, 1e9], &[1.0; 3], &[3.0, 2.9, 2.8])?;
    /// let warnings = sweep.warnings();
    /// assert!(matches!(&warnings[0], Warning::SplitName { split, .. } if split == "trian"));
    /// assert_eq!(warnings[0].to_string(), "split `trian` (1 row) looks like `train` and is another one");
    /// assert_eq!(warnings[1], Warning::OneSize { n: 1e8 });
    /// assert_eq!(warnings.len(), 2);
    /// # Ok::<(), mixlaw::Error>(())
    /// ```
    #[must_use]
    pub fn warnings(&self) -> Vec<Warning> {
        let mut all = self.split_names();
        let has_train = self.splits.iter().any(|split| split == TRAIN);
        if !has_train {
            all.push(Warning::NoTrainRows);
        }
        let fitted: Vec<usize> =
            (0..self.len()).filter(|&i| !has_train || self.splits[i] == TRAIN).collect();
        if let Some(n) = only(fitted.iter().map(|&i| self.n[i])) {
            all.push(Warning::OneSize { n });
        }
        if let Some(d) = only(fitted.iter().map(|&i| self.d[i])) {
            all.push(Warning::OneD { d });
        }
        all.extend(self.mixture_once());
        let runs = self.by_tokens();
        all.extend((0..self.targets.len()).filter_map(|target| self.losses_rise(target, &runs)));
        let rows = self.len();
        for (target, losses) in self.count_losses() {
            if (losses as f64) < FEW * rows as f64 {
                all.push(Warning::FewLosses { target, losses, rows });
            }
        }
        all
    }

    /// What is usually a mistake where `planned` is the [column](Sweep::columns) of the tokens that runs were
    /// planned for: [`Warning::NoFinalCheckpoint`], if runs have no row that has seen 0.99 of these or more.
    /// Of a decaying schedule such rows alone are what training to their D gives.
    ///
    /// # Errors
    /// As [`Sweep::schedule_shares`].
    ///
    /// ```
    /// use mixlaw::Sweep;
    ///
    /// let sweep = Sweep::new(&["web"], &["web"], &[1e8; 2], &[2e9, 4e9], &[1.0; 2], &[3.1, 2.9])?;
    /// let whole = sweep.clone().with_column("planned", &[4e9; 2])?;
    /// assert!(whole.schedule_warnings("planned")?.is_empty());
    /// let part = sweep.with_column("planned", &[8e9; 2])?;
    /// assert_eq!(
    ///     part.schedule_warnings("planned")?[0].to_string(),
    ///     "1 of 1 run without a checkpoint at the end of its schedule (`planned`): they have seen at \
    ///      most 0.5 of it"
    /// );
    /// # Ok::<(), mixlaw::Error>(())
    /// ```
    pub fn schedule_warnings(&self, planned: &str) -> Result<Vec<Warning>, Error> {
        let shares = self.schedule_shares(planned)?;
        let mut seen: HashMap<&str, f64> = HashMap::new();
        for (run, &share) in self.runs.iter().zip(&shares) {
            let most = seen.entry(run).or_insert(share);
            *most = most.max(share);
        }
        let of = seen.len();
        let unfinished: Vec<f64> = seen.into_values().filter(|share| *share < FINAL).collect();
        let Some(share) = unfinished.iter().copied().reduce(f64::max) else {
            return Ok(Vec::new());
        };
        let (column, runs) = (planned.to_owned(), unfinished.len());
        Ok(vec![Warning::NoFinalCheckpoint { column, runs, of, share }])
    }

    fn split_names(&self) -> Vec<Warning> {
        let like = |split: &str| [TRAIN, EVAL].into_iter().find(|known| looks_like(split, known));
        let warning = |(split, rows): (String, usize)| {
            let like = like(&split)?.to_owned();
            Some(Warning::SplitName { split, like, rows })
        };
        self.split_counts().into_iter().filter_map(warning).collect()
    }

    fn mixture_once(&self) -> Option<Warning> {
        // Otherwise all of them are.
        let several =
            only(self.n.iter().copied()).is_none() || only(self.d.iter().copied()).is_none();
        if !several {
            return None;
        }
        let groups = self.distinct_mixtures();
        let once = groups.iter().filter(|group| {
            only(group.rows.iter().map(|&i| self.n[i])).is_some()
                && only(group.rows.iter().map(|&i| self.d[i])).is_some()
        });
        let runs: Vec<&str> = once.map(|group| group.first.run).collect();
        let run = (*runs.first()?).to_owned();
        Some(Warning::MixtureOnce { mixtures: runs.len(), of: groups.len(), run })
    }

    /// The rows of each run, in the order of D.
    fn by_tokens(&self) -> Vec<Vec<usize>> {
        let sorted = |group: Group<'_>| {
            let mut rows = group.rows;
            rows.sort_by(|&a, &b| self.d[a].total_cmp(&self.d[b]));
            rows
        };
        self.runs().into_iter().map(sorted).collect()
    }

    fn losses_rise(&self, target: usize, runs: &[Vec<usize>]) -> Option<Warning> {
        let curves: Vec<Curve> = runs.iter().filter_map(|rows| self.curve(target, rows)).collect();
        let rising: Vec<&Curve> =
            curves.iter().filter(|curve| curve.rises_on_the_whole()).collect();
        let most = rising.iter().max_by(|a, b| a.rise.total_cmp(&b.rise))?;
        Some(Warning::LossesRise {
            target: self.targets[target].clone(),
            runs: rising.len(),
            of: curves.len(),
            run: self.runs[most.row].clone(),
            share: most.rise,
            rises: most.rises,
            steps: most.steps,
        })
    }

    /// How the losses of a target go over the rows of a run, in the order of D; none with one D only.
    fn curve(&self, target: usize, rows: &[usize]) -> Option<Curve> {
        let loss = |i: usize| self.losses[i * self.targets.len() + target];
        let rows: Vec<usize> = rows.iter().copied().filter(|&i| !loss(i).is_nan()).collect();
        let (&first, &last) = (rows.first()?, rows.last()?);
        // Measurements of one checkpoint that were repeated are no step.
        let steps = rows.windows(2).filter(|pair| self.d[pair[0]] < self.d[pair[1]]);
        let steps: Vec<bool> = steps.map(|pair| loss(pair[1]) > loss(pair[0])).collect();
        let rises = steps.iter().filter(|rises| **rises).count();
        let rise = loss(last) / loss(first) - 1.0;
        (!steps.is_empty()).then_some(Curve { row: first, rise, rises, steps: steps.len() })
    }
}

/// The losses of a target over one run.
struct Curve {
    /// A row of the run.
    row: usize,
    /// By what share the last loss is above the first.
    rise: f64,
    /// From how many checkpoints to the next it rises.
    rises: usize,
    /// Of how many.
    steps: usize,
}

impl Curve {
    fn rises_on_the_whole(&self) -> bool {
        self.rise > RISE && 2 * self.rises > self.steps
    }
}

/// The one value that all have.
fn only(mut values: impl Iterator<Item = f64>) -> Option<f64> {
    let first = values.next()?;
    values.all(|value| value == first).then_some(first)
}

/// Whether a name may be meant to be the other one, and is not.
fn looks_like(name: &str, known: &str) -> bool {
    if name == known {
        return false;
    }
    let lower = name.to_lowercase();
    let long = match known {
        TRAIN => "training",
        _ => "evaluation",
    };
    let digits = |text: &str| text.chars().any(|c| c.is_ascii_digit());
    !digits(name) && (lower == long || one_edit(&lower, known))
}

/// Whether two names are the same or differ by one letter: one more, one less, another one, or two that
/// are swapped.
fn one_edit(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let same = |(x, y): &(&char, &char)| x == y;
    let front = a.iter().zip(&b).take_while(same).count();
    let most = a.len().min(b.len()) - front;
    let back = a.iter().rev().zip(b.iter().rev()).take(most).take_while(same).count();
    let (a, b) = (&a[front..a.len() - back], &b[front..b.len() - back]);
    let swapped = a.len() == 2 && b.len() == 2 && a[0] == b[1] && a[1] == b[0];
    swapped || a.len().max(b.len()) <= 1
}
