//! Sweeps from arrays, with names of runs and splits.

use super::{Allowed, Origin, Sweep, TRAIN, owned, shape};
use crate::error::Error;

/// A sweep to be made from slices, with names of runs and splits; by [`Sweep::builder`].
#[derive(Debug, Clone)]
pub struct SweepBuilder {
    pub(super) domains: Vec<String>,
    pub(super) targets: Vec<String>,
    runs: Option<Vec<String>>,
    splits: Option<Vec<String>>,
    allowed: Allowed,
}

impl Sweep {
    /// A builder for a sweep from slices, with settings that [`Sweep::new`] does not have.
    ///
    /// ```
    /// use mixlaw::Sweep;
    ///
    /// let (n, d) = ([1e8, 1e8, 1e8], [2e9, 4e9, 4e9]);
    /// let h = [0.2, 0.8, 0.2, 0.8, 0.2, 0.8];
    /// // Two seeds of one mixture, the first of them with two checkpoints.
    /// let sweep = Sweep::builder(&["web", "code"], &["python"])
    ///     .runs(&["seed0", "seed0", "seed1"])
    ///     .splits(&["early", "train", "train"])
    ///     .build(&n, &d, &h, &[3.2, 3.0, 3.01])?;
    /// assert_eq!((sweep.count_runs(), sweep.count_mixtures()), (2, 1));
    /// assert_eq!(sweep.split("train")?.len(), 2);
    /// # Ok::<(), mixlaw::Error>(())
    /// ```
    #[must_use]
    pub fn builder(domains: &[impl AsRef<str>], targets: &[impl AsRef<str>]) -> SweepBuilder {
        SweepBuilder {
            domains: owned(domains),
            targets: owned(targets),
            runs: None,
            splits: None,
            allowed: Allowed::default(),
        }
    }
}

impl SweepBuilder {
    /// The name of the run of each row. Without it the rows that share N and mixture are one run.
    #[must_use]
    pub fn runs(self, names: &[impl AsRef<str>]) -> Self {
        Self { runs: Some(owned(names)), ..self }
    }

    /// The name of the split of each row; [`TRAIN`] without it.
    #[must_use]
    pub fn splits(self, names: &[impl AsRef<str>]) -> Self {
        Self { splits: Some(owned(names)), ..self }
    }

    /// Accepts several rows of one run with the same D: measurements of one checkpoint that were
    /// repeated. Each of them counts as a row. Without it they are an error.
    ///
    /// Runs of one mixture with different seeds are not such measurements: give each a name.
    ///
    /// ```
    /// use mixlaw::Sweep;
    ///
    /// let twice = Sweep::builder(&["web"], &["web"]);
    /// let build = |b: mixlaw::sweep::SweepBuilder| b.build(&[1e8; 2], &[2e9; 2], &[1.0; 2], &[3.0, 3.1]);
    /// assert!(build(twice.clone()).is_err());
    /// assert_eq!(build(twice.clone().repeated_measurements())?.count_runs(), 1);
    /// assert_eq!(build(twice.runs(&["seed0", "seed1"]))?.count_runs(), 2);
    /// # Ok::<(), mixlaw::Error>(())
    /// ```
    #[must_use]
    pub fn repeated_measurements(self) -> Self {
        Self { allowed: Allowed { repeats: true, ..self.allowed }, ..self }
    }

    /// Accepts losses that are NaN: those of targets that were not evaluated at a checkpoint. Without it
    /// they are an error. A row must have the loss of one target at least: one without any would bring
    /// nothing to a fit, and yet count as a run and for [`Sweep::scale`].
    ///
    /// For each target only the rows that have its loss are fitted, evaluated, held out and resampled;
    /// resamples of all targets are of the same runs nevertheless.
    ///
    /// ```
    /// use mixlaw::Sweep;
    ///
    /// let build = |b: mixlaw::sweep::SweepBuilder, losses: &[f64]| {
    ///     b.build(&[1e8; 2], &[1e9, 2e9], &[1.0; 2], losses)
    /// };
    /// let sparse = [3.1, f64::NAN, 2.9, 2.5];
    /// let builder = Sweep::builder(&["web"], &["web", "python"]);
    /// let error = build(builder.clone(), &sparse).unwrap_err();
    /// assert!(error.to_string().starts_with("row 0, column `loss_python`: NaN"));
    /// let sweep = build(builder.clone().missing_losses(), &sparse)?;
    /// assert_eq!(sweep.with_losses_of("python")?.len(), 1);
    /// // A row without any loss.
    /// assert!(build(builder.missing_losses(), &[3.1, 2.6, f64::NAN, f64::NAN]).is_err());
    /// # Ok::<(), mixlaw::Error>(())
    /// ```
    #[must_use]
    pub fn missing_losses(self) -> Self {
        Self { allowed: Allowed { missing_losses: true, ..self.allowed }, ..self }
    }

    #[cfg(feature = "serde")]
    pub(super) fn allowing(self, allowed: Allowed) -> Self {
        Self { allowed, ..self }
    }

    /// The sweep: `n` and `d` of one number for each row, `h` and `losses` row by row, a loss NaN where
    /// it is missing.
    ///
    /// # Errors
    /// As [`Sweep::new`], and [`ErrorKind::Length`](crate::error::ErrorKind::Length) if there are not as
    /// many names of runs or splits as rows, [`ErrorKind::Name`](crate::error::ErrorKind::Name) if one is
    /// empty or begins or ends with white space.
    pub fn build(self, n: &[f64], d: &[f64], h: &[f64], losses: &[f64]) -> Result<Sweep, Error> {
        let p = n.len();
        for (what, names) in [("runs", &self.runs), ("splits", &self.splits)] {
            if let Some(names) = names {
                shape(what, names.len(), p)?;
            }
        }
        let sweep = Sweep {
            domains: self.domains,
            targets: self.targets,
            n: n.to_vec(),
            d: d.to_vec(),
            h: h.to_vec(),
            losses: losses.to_vec(),
            columns: Vec::new(),
            values: Vec::new(),
            runs: self.runs.unwrap_or_default(),
            splits: self.splits.unwrap_or_else(|| vec![TRAIN.to_owned(); p]),
            origin: Origin::Rows((0..p).collect()),
            ignored: Vec::new(),
        };
        sweep.validated(self.allowed)
    }
}
