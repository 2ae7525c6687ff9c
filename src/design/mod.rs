//! The first runs of a sweep: which sizes, tokens and mixtures to train before any loss is known.
//!
//! A law cannot learn what the runs do not vary. A [`Design`] varies N, D and every domain weight, within
//! a budget, and is written as a table to which the losses are added. Once there are some,
//! [`Plan::next_runs`](crate::Plan::next_runs) says which runs are worth most.
//!
//! ```
//! use mixlaw::design::Design;
//!
//! let design = Design::builder(&["web", "code", "books"])
//!     .unique_tokens(&[("web", 2e12), ("code", 3e11), ("books", 5e10)])
//!     .flops(2e20)
//!     .targets(&["qa"])
//!     .build()?;
//! println!("{design}");
//! assert!(design.flops() <= 2e20);
//! assert_eq!((design.mixtures().len(), design.runs().len()), (9, 24));
//!
//! # #[cfg(feature = "csv")] {
//! // A row for each checkpoint, with an empty cell for each loss.
//! let mut table = Vec::new();
//! design.to_csv(&mut table)?;
//! let header = "run,split,n_params,n_tokens,h_web,h_code,h_books,";
//! assert!(table.starts_with(header.as_bytes()));
//! # }
//! # Ok::<(), mixlaw::Error>(())
//! ```

mod builder;
#[cfg(feature = "csv")]
mod csv;
mod spread;

use std::fmt;

use crate::mixture::Mixture;
use crate::scale::Scale;

pub use builder::DesignBuilder;
pub(crate) use spread::narrow;

/// A run that could be launched.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Run {
    /// Its N and D.
    pub scale: Scale,
    /// The mixture, in the order of the domains of the design or the plan.
    pub h: Mixture,
}

/// Runs of one size with the same checkpoints; they take the first of the mixtures.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Group {
    pub(crate) n: f64,
    /// Of the checkpoints, the last of them D.
    pub(crate) tokens: Vec<f64>,
    pub(crate) mixtures: usize,
}

impl Group {
    /// The D of its runs.
    fn d(&self) -> f64 {
        self.tokens.last().copied().unwrap_or(0.0)
    }

    /// 6 N D over its runs.
    fn flops(&self) -> f64 {
        self.mixtures as f64 * 6.0 * self.n * self.d()
    }
}

/// The runs to launch first; by [`Design::builder`].
///
/// The mixtures are ordered so that the first few of them are spread too. The smallest size trains all of
/// them, the largest a third.
#[derive(Debug, Clone, PartialEq)]
pub struct Design {
    domains: Vec<String>,
    targets: Vec<String>,
    /// The tokens that there are of each domain.
    unique: Vec<Option<f64>>,
    /// The D of the run whose repetition is matched.
    matched: Option<f64>,
    mixtures: Vec<Mixture>,
    groups: Vec<Group>,
}

/// A row of the table of a [`Design`]: what a run will have seen when its losses are measured.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Checkpoint {
    /// The name of its run.
    pub run: String,
    /// N, and the tokens D seen so far.
    pub scale: Scale,
    /// The mixture, in the order of [`Design::domains`].
    pub h: Mixture,
    /// The tokens of each domain, `h_i D`.
    pub tokens: Vec<f64>,
    /// How often each domain was seen: `h_i D` over the tokens kept of it, or over those that there are.
    /// None where it is not known how many there are.
    pub epochs: Vec<Option<f64>>,
    /// How many tokens of each domain the run may draw from, to repeat them as often as the large run
    /// will: `U_i D_run / D_large`, where D_run is the D of the whole run
    /// ([`DesignBuilder::repetition_of`]).
    pub keep: Vec<Option<f64>>,
}

impl Design {
    /// The names of the domains.
    #[must_use]
    pub fn domains(&self) -> &[String] {
        &self.domains
    }

    /// The mixtures, each once.
    #[must_use]
    pub fn mixtures(&self) -> &[Mixture] {
        &self.mixtures
    }

    /// The runs in the order of the table, each with the D at its end: the smallest size first.
    #[must_use]
    pub fn runs(&self) -> Vec<Run> {
        self.each_run()
            .map(|(group, h)| Run { scale: at(group.n, group.d()), h: h.clone() })
            .collect()
    }

    /// What all runs cost together: the sum of 6 N D.
    #[must_use]
    pub fn flops(&self) -> f64 {
        self.groups.iter().map(Group::flops).sum()
    }

    /// The rows of the table, run by run: `run0`, `run1`, ..
    ///
    /// ```
    /// use mixlaw::design::Design;
    ///
    /// // 1e9 tokens of wiki, of which the large run sees 1e11 tokens: 10 epochs at a weight of 0.1.
    /// let design = Design::builder(&["web", "wiki"])
    ///     .unique_tokens(&[("wiki", 1e9)])
    ///     .sizes(&[1e7, 2e7, 4e7])
    ///     .repetition_of(1e11)
    ///     .build()?;
    /// let rows = design.checkpoints();
    /// let last = rows.iter().rfind(|row| row.run == "run0").unwrap();
    /// assert_eq!((last.scale.d, last.keep[1]), (2e8, Some(1e9 * 2e8 / 1e11)));
    /// assert!((last.epochs[1].unwrap() / (last.h[1] * 1e11 / 1e9) - 1.0).abs() < 1e-12);
    /// assert_eq!(last.epochs[0], None);
    /// # Ok::<(), mixlaw::Error>(())
    /// ```
    #[must_use]
    pub fn checkpoints(&self) -> Vec<Checkpoint> {
        let of_run = |(run, (group, h)): (usize, (&Group, &Mixture))| -> Vec<Checkpoint> {
            let share = self.matched.map(|large| group.d() / large);
            let keep: Vec<Option<f64>> =
                self.unique.iter().map(|&unique| Some(unique? * share?)).collect();
            let row = |&d: &f64| {
                let tokens: Vec<f64> = h.iter().map(|weight| weight * d).collect();
                let there_are =
                    keep.iter().zip(&self.unique).map(|(keep, unique)| keep.or(*unique));
                let epochs = tokens.iter().zip(there_are).map(|(t, u)| Some(t / u?)).collect();
                let (run, keep) = (format!("run{run}"), keep.clone());
                Checkpoint { run, scale: at(group.n, d), h: h.clone(), tokens, epochs, keep }
            };
            group.tokens.iter().map(row).collect()
        };
        self.each_run().enumerate().flat_map(of_run).collect()
    }

    /// Every run with its mixture.
    fn each_run(&self) -> impl Iterator<Item = (&Group, &Mixture)> {
        self.groups
            .iter()
            .flat_map(|group| self.mixtures.iter().take(group.mixtures).map(move |h| (group, h)))
    }

    pub(crate) fn groups(&self) -> &[Group] {
        &self.groups
    }
}

fn at(n: f64, d: f64) -> Scale {
    Scale { n, d }
}

/// What there is: the runs of each size, and for each domain its weights and how often it is repeated at
/// most.
impl fmt::Display for Design {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = self.checkpoints();
        let (runs, mixtures) = (self.each_run().count(), self.mixtures.len());
        let cost = self.flops();
        writeln!(f, "{runs} runs of {mixtures} mixtures, {} rows, {cost:.2e} FLOPs", rows.len())?;
        for group in &self.groups {
            let (n, first, d) = (group.n, group.tokens[0], group.d());
            let each = 6.0 * n * d;
            let runs = group.mixtures;
            writeln!(
                f,
                "  N = {n:.2e}, D = {first:.2e} to {d:.2e}: {runs} runs of {each:.2e} FLOPs"
            )?;
        }
        for (i, domain) in self.domains.iter().enumerate() {
            let weights = self.mixtures.iter().map(|h| h[i]);
            let (low, high) = weights.fold((1.0f64, 0.0f64), |(l, u), w| (l.min(w), u.max(w)));
            write!(f, "  {domain}: weights {low:.3} to {high:.3}")?;
            let epochs = rows.iter().filter_map(|row| row.epochs[i]).reduce(f64::max);
            match epochs {
                Some(epochs) => writeln!(f, ", at most {epochs:.2} epochs")?,
                None => writeln!(f)?,
            }
        }
        Ok(())
    }
}
