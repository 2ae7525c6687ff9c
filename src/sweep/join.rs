//! Sweeps that become one.

use super::{Allowed, Origin, Sweep};
use crate::error::{Error, ErrorKind};

impl Sweep {
    /// The rows of this sweep and then those of another, as one. Domains, targets and columns of one's own
    /// are the same by name, and stand in the order of this sweep. A run may go on in the other: rows with
    /// the same name of the run are one run. Where nobody named the runs of either, and no rows were left
    /// out, they are named again by N and mixture.
    ///
    /// Errors about the joined sweep count its rows from 0, the first of the other being
    /// [`Sweep::len`] of this one; lines of several files keep their names.
    ///
    /// # Errors
    /// [`ErrorKind::Mismatch`] if the domains, the targets or the columns differ, and
    /// [`ErrorKind::RowsDisagree`] if a run has two sizes or mixtures, or the same D in both; the last is
    /// accepted where one of them has repeated measurements already.
    ///
    /// ```
    /// use mixlaw::Sweep;
    ///
    /// let part = |run: &str, domains: [&str; 2], d: f64, h: [f64; 2]| {
    ///     Sweep::builder(&domains, &["qa"]).runs(&[run]).build(&[1e8], &[d], &h, &[3.0])
    /// };
    /// let first = part("a", ["web", "code"], 1e9, [0.75, 0.25])?;
    /// let joined = first.join(&part("a", ["code", "web"], 2e9, [0.25, 0.75])?)?;
    /// assert_eq!((joined.len(), joined.count_runs()), (2, 1));
    /// assert_eq!(joined.row(1).h, [0.75, 0.25]);
    /// // A run of this name, with another mixture.
    /// let error = first.join(&part("a", ["web", "code"], 2e9, [0.5, 0.5])?).unwrap_err();
    /// assert!(error.to_string().starts_with("row 0 and row 1: run `a` has `h_web` = 0.75 and 0.5"));
    /// # Ok::<(), mixlaw::Error>(())
    /// ```
    pub fn join(&self, other: &Sweep) -> Result<Sweep, Error> {
        let domains = order("the domains of two sweeps", &self.domains, &other.domains)?;
        let targets = order("the targets of two sweeps", &self.targets, &other.targets)?;
        let columns = order("the columns of two sweeps", &self.columns, &other.columns)?;
        let unnamed = self.runs == self.name_runs() && other.runs == other.name_runs();
        let allowed = Allowed {
            repeats: self.repeated_rows().is_some() || other.repeated_rows().is_some(),
            missing_losses: true,
        };
        let more = other.ignored.iter().filter(|name| !self.ignored.contains(name));
        let joined = Sweep {
            n: [&self.n[..], &other.n].concat(),
            d: [&self.d[..], &other.d].concat(),
            h: with(&self.h, &other.h, &domains),
            losses: with(&self.losses, &other.losses, &targets),
            values: with(&self.values, &other.values, &columns),
            runs: if unnamed { Vec::new() } else { [&self.runs[..], &other.runs].concat() },
            splits: [&self.splits[..], &other.splits].concat(),
            origin: self.origin.join(&other.origin, self.len() + other.len()),
            ignored: self.ignored.iter().chain(more).cloned().collect(),
            domains: self.domains.clone(),
            targets: self.targets.clone(),
            columns: self.columns.clone(),
        };
        joined.validated(allowed)
    }
}

impl Origin {
    /// Rows of arrays and lines of one file do not say of which, and are counted anew.
    fn join(&self, other: &Origin, rows: usize) -> Origin {
        let (Origin::Files { names, lines }, Origin::Files { names: more, lines: below }) =
            (self, other)
        else {
            return Origin::Rows((0..rows).collect());
        };
        let below = below.iter().map(|&(file, line)| (names.len() + file, line));
        Origin::Files {
            names: [&names[..], more].concat(),
            lines: lines.iter().copied().chain(below).collect(),
        }
    }
}

/// For each of the first names its place among the others.
fn order(what: &'static str, first: &[String], other: &[String]) -> Result<Vec<usize>, Error> {
    let place = |name: &String| other.iter().position(|o| o == name);
    let order: Option<Vec<usize>> = first.iter().map(place).collect();
    order.filter(|order| order.len() == other.len()).ok_or_else(|| {
        let (first, other) = (first.to_vec(), other.to_vec());
        ErrorKind::Mismatch { what, first, other }.into()
    })
}

/// Rows, and below them others whose columns are put into this order.
fn with(rows: &[f64], others: &[f64], order: &[usize]) -> Vec<f64> {
    // A sweep may have no column of its own.
    let ordered = others.chunks_exact(order.len().max(1));
    let ordered = ordered.flat_map(|row| order.iter().map(|&i| row[i]));
    rows.iter().copied().chain(ordered).collect()
}
