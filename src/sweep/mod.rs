//! Sweeps: the runs a law is fitted to, validated once.
//!
//! A [`Sweep`] is a table with one row for each checkpoint: model size N (parameters), training
//! tokens D, domain weights h (one column for each named domain) and losses in nats per token (one
//! column for each named target). A row also has the name of its run, whose checkpoints share N and
//! h, and the name of its split: laws are fitted to `train` and judged on `eval`. Mixtures whose
//! weights agree within 1e-6 are one mixture, for runs, splits, counts and resamples.
//!
//! Where evaluations are not run on every checkpoint, a row may lack the losses of some targets
//! ([`SweepBuilder::missing_losses`]).
//!
//! In a CSV file (feature `csv`) the columns are, in any order:
//!
//! ```text
//! run, split, n_params, n_tokens, h_<domain>..., loss_<target>...
//! ```
//!
//! of which `run` and `split` are optional. `SweepReader` reads tables with other names and units, and
//! [`Sweep::from_rows`] takes rows of a type of yours.
//!
//! ```
//! use mixlaw::Sweep;
//!
//! // Three runs of one size, with the losses on one target.
//! let (n, d) = ([1e8, 1e8, 1e8], [2e9, 4e9, 8e9]);
//! let h = [0.2, 0.8, 0.5, 0.5, 0.8, 0.2];
//! let sweep = Sweep::new(&["web", "code"], &["python"], &n, &d, &h, &[3.2, 3.0, 3.1])?;
//! let mostly_code = sweep.select(|row| row.h[1] >= 0.5)?;
//! assert_eq!(mostly_code.len(), 2);
//!
//! // A fault is named by its row and column.
//! let short = [0.2, 0.7, 0.5, 0.5, 0.8, 0.2];
//! let error = Sweep::new(&["web", "code"], &["python"], &n, &d, &short, &[3.2, 3.0, 3.1]);
//! assert!(error.unwrap_err().to_string().contains("row 0"));
//! # Ok::<(), mixlaw::Error>(())
//! ```

mod builder;
mod columns;
#[cfg(feature = "csv")]
mod csv;
mod domains;
mod groups;
mod join;
mod noise;
#[cfg(feature = "csv")]
mod reader;
mod rows;
mod schedule;
mod split;
#[cfg(feature = "serde")]
mod stored;
mod summary;
mod warnings;

use std::borrow::Cow;
use std::collections::HashSet;

use ndarray::{ArrayView1, ArrayView2};

use crate::error::{Error, ErrorKind, Place, cut};
use crate::mixture;
use crate::scale::Scale;

pub use builder::SweepBuilder;
pub use groups::Group;
pub(crate) use groups::group;
pub use noise::{MixtureNoise, Noise};
#[cfg(feature = "csv")]
#[cfg_attr(docsrs, doc(cfg(feature = "csv")))]
pub use reader::{ReadReport, SweepReader, Weights};
pub use rows::SweepRows;
pub use warnings::Warning;

/// The split that laws are fitted to.
pub const TRAIN: &str = "train";
/// The split that laws are judged on.
pub const EVAL: &str = "eval";

/// Runs and their checkpoints: N, D, h and the losses of named targets.
///
/// Every row is validated when the sweep is made: N and D finite and positive, domain weights on the
/// simplex, losses finite and positive. A run has one N and one mixture, and each D once. Nothing is
/// dropped, clipped or renormalised.
///
/// A sweep may lack losses, where that was asked for ([`SweepBuilder::missing_losses`]): they are NaN in
/// [`Sweep::losses`] and [`Row::losses`]. What is done for a target is done with the rows that have its
/// loss; [`Sweep::count_losses`] says how many these are.
///
/// ```
/// use mixlaw::Sweep;
///
/// let (n, d) = ([1e8, 1e8, 2e8], [1e9, 2e9, 2e9]);
/// let h = [0.5, 0.5, 0.5, 0.5, 0.9, 0.1];
/// let sweep = Sweep::new(&["web", "code"], &["python"], &n, &d, &h, &[3.1, 2.9, 3.0])?;
/// assert_eq!(sweep.len(), 3);
/// assert_eq!(sweep.row(2).h, [0.9, 0.1]);
/// // Without names of their own, runs are the rows that share N and mixture.
/// assert_eq!(sweep.row(0).run, sweep.row(1).run);
/// # Ok::<(), mixlaw::Error>(())
/// ```
#[derive(Debug, Clone)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(try_from = "stored::StoredSweep", into = "stored::StoredSweep")
)]
pub struct Sweep {
    domains: Vec<String>,
    targets: Vec<String>,
    n: Vec<f64>,
    d: Vec<f64>,
    /// Rows x domains.
    h: Vec<f64>,
    /// Rows x targets, NaN where a loss is missing.
    losses: Vec<f64>,
    /// Names of columns of one's own.
    columns: Vec<String>,
    /// Rows x columns of one's own.
    values: Vec<f64>,
    runs: Vec<String>,
    splits: Vec<String>,
    origin: Origin,
    ignored: Vec<String>,
}

/// Where the rows came from, so that errors can name them.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case")
)]
enum Origin {
    /// Row numbers of the arrays, from 0.
    Rows(Vec<usize>),
    /// Lines of a file, the header being line 1.
    #[cfg_attr(
        not(any(feature = "csv", feature = "serde")),
        expect(dead_code, reason = "only files have lines")
    )]
    Lines(Vec<usize>),
    /// Numbers of files and lines of them.
    Files { names: Vec<String>, lines: Vec<(usize, usize)> },
}

impl Origin {
    fn place(&self, row: usize) -> Place {
        match self {
            Origin::Rows(rows) => Place::Row(rows[row]),
            Origin::Lines(lines) => Place::Line(lines[row]),
            Origin::Files { names, lines } => {
                let (file, line) = lines[row];
                Place::LineOf { file: names[file].clone(), line }
            }
        }
    }

    fn select(&self, keep: &[usize]) -> Origin {
        let pick = |of: &[usize]| keep.iter().map(|&i| of[i]).collect();
        match self {
            Origin::Rows(rows) => Origin::Rows(pick(rows)),
            Origin::Lines(lines) => Origin::Lines(pick(lines)),
            Origin::Files { names, lines } => Origin::Files {
                names: names.clone(),
                lines: keep.iter().map(|&i| lines[i]).collect(),
            },
        }
    }

    /// The number of rows, if there is a file for each.
    #[cfg(feature = "serde")]
    fn len(&self) -> Result<usize, Error> {
        match self {
            Origin::Rows(rows) | Origin::Lines(rows) => Ok(rows.len()),
            Origin::Files { names, lines } => {
                let files = 1 + lines.iter().map(|(file, _)| *file).max().unwrap_or(0);
                if files <= names.len() {
                    return Ok(lines.len());
                }
                let what = "the names of files".to_owned();
                Err(ErrorKind::Length { what, found: names.len(), expected: files }.into())
            }
        }
    }
}

/// Losses that are missing on both sides are equal.
impl PartialEq for Sweep {
    fn eq(&self, other: &Self) -> bool {
        let Self { domains, targets, n, d, h, losses, .. } = self;
        let Self { columns, values, runs, splits, origin, ignored, .. } = self;
        (domains, targets, n, d, h)
            == (&other.domains, &other.targets, &other.n, &other.d, &other.h)
            && same_losses(losses, &other.losses)
            && (columns, values) == (&other.columns, &other.values)
            && (runs, splits, origin, ignored)
                == (&other.runs, &other.splits, &other.origin, &other.ignored)
    }
}

/// Whether the losses are the same and the same ones are missing.
fn same_losses(a: &[f64], b: &[f64]) -> bool {
    let same = |(a, b): (&f64, &f64)| a == b || (a.is_nan() && b.is_nan());
    a.len() == b.len() && a.iter().zip(b).all(same)
}

/// One checkpoint of a [`Sweep`].
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Row<'a> {
    /// Model size N, in parameters.
    pub n: f64,
    /// Training tokens D.
    pub d: f64,
    /// Domain weights h, in the order of [`Sweep::domains`].
    pub h: &'a [f64],
    /// Losses in nats, in the order of [`Sweep::targets`]; NaN where one is missing
    /// ([`SweepBuilder::missing_losses`]).
    pub losses: &'a [f64],
    /// Numbers in columns of one's own, in the order of [`Sweep::columns`].
    pub columns: &'a [f64],
    /// The run this checkpoint belongs to.
    pub run: &'a str,
    /// The split: [`TRAIN`], [`EVAL`] or any other.
    pub split: &'a str,
}

/// Losses that are missing on both sides are equal.
impl PartialEq for Row<'_> {
    fn eq(&self, other: &Self) -> bool {
        let Self { n, d, h, losses, columns, run, split } = *self;
        (n, d, h, run, split) == (other.n, other.d, other.h, other.run, other.split)
            && columns == other.columns
            && same_losses(losses, other.losses)
    }
}

impl Row<'_> {
    /// N and D.
    #[must_use]
    pub fn scale(&self) -> Scale {
        Scale { n: self.n, d: self.d }
    }
}

impl Sweep {
    /// A sweep from slices: N and D of each row, and row by row the weights `h` of the domains and the
    /// `losses` on the targets.
    ///
    /// All rows belong to the split [`TRAIN`], and rows that share N and mixture to one run;
    /// [`Sweep::builder`] takes names of both.
    ///
    /// # Errors
    /// If a length is wrong, a name is empty or appears twice, or a row is not valid; the error names the
    /// row (from 0) and the column. [`ErrorKind::RowsDisagree`] if two rows have the same N, D and
    /// mixture, which only runs with names of their own may have.
    ///
    /// ```
    /// use mixlaw::Sweep;
    ///
    /// let fault = Sweep::new(&["a", "b"], &["t"], &[1e8], &[0.0], &[0.5, 0.5], &[3.0]);
    /// assert_eq!(
    ///     fault.unwrap_err().to_string(),
    ///     "row 0, column `n_tokens`: 0, expected a finite number > 0"
    /// );
    /// ```
    pub fn new(
        domains: &[impl AsRef<str>],
        targets: &[impl AsRef<str>],
        n: &[f64],
        d: &[f64],
        h: &[f64],
        losses: &[f64],
    ) -> Result<Self, Error> {
        Self::builder(domains, targets).build(n, d, h, losses)
    }

    /// A sweep from the arrays of `ndarray`: `n` and `d` of length p, `h` p x domains, `losses`
    /// p x targets; otherwise as [`Sweep::new`].
    ///
    /// # Errors
    /// As [`Sweep::new`].
    ///
    /// ```
    /// use mixlaw::Sweep;
    /// use mixlaw::ndarray::array;
    ///
    /// let h = array![[0.5, 0.5], [0.9, 0.1]];
    /// let (n, d, losses) = (array![1e8, 2e8], array![1e9, 2e9], array![[3.1], [3.0]]);
    /// let sweep = Sweep::from_arrays(
    ///     &["web", "code"], &["python"], n.view(), d.view(), h.view(), losses.view(),
    /// )?;
    /// assert_eq!(sweep.mixtures(), h);
    /// # Ok::<(), mixlaw::Error>(())
    /// ```
    pub fn from_arrays(
        domains: &[impl AsRef<str>],
        targets: &[impl AsRef<str>],
        n: ArrayView1<'_, f64>,
        d: ArrayView1<'_, f64>,
        h: ArrayView2<'_, f64>,
        losses: ArrayView2<'_, f64>,
    ) -> Result<Self, Error> {
        shape("the columns of h", h.ncols(), domains.len())?;
        shape("the columns of losses", losses.ncols(), targets.len())?;
        let [n, d] = [n, d].map(|a| a.iter().copied().collect::<Vec<f64>>());
        let [h, losses] = [h, losses].map(|a| a.iter().copied().collect::<Vec<f64>>());
        Self::new(domains, targets, &n, &d, &h, &losses)
    }

    /// Checks names, shapes, every row and every run, and names the runs where nobody did.
    fn validated(mut self, allowed: Allowed) -> Result<Self, Error> {
        check_names("domain", &self.domains)?;
        check_names("target", &self.targets)?;
        let p = self.n.len();
        shape("d", self.d.len(), p)?;
        shape("h", self.h.len(), p * self.domains.len())?;
        shape("losses", self.losses.len(), p * self.targets.len())?;
        if p == 0 {
            return Err(ErrorKind::Empty { what: "a sweep", part: "row" }.into());
        }
        for i in 0..p {
            self.check_row(i, allowed)?;
        }
        self.splits.iter().try_for_each(|name| check_name("split", name))?;
        let has_names = !self.runs.is_empty();
        if has_names {
            self.runs.iter().try_for_each(|name| check_name("run", name))?;
            self.check_runs()?;
        } else {
            self.runs = self.name_runs();
        }
        match self.repeated_rows() {
            Some((first, other)) if !allowed.repeats => Err(self.repeated(first, other, has_names)),
            _ => Ok(self),
        }
    }

    fn repeated(&self, first: usize, other: usize, has_names: bool) -> Error {
        let (what, seeds) = if has_names {
            let run = cut(&self.runs[first]);
            (format!("run `{run}` has D = {} twice", self.d[first]), "give each run its own name")
        } else {
            let what = "the same N, D and mixture, and no names of runs";
            (what.to_owned(), "name the runs (column `run`, `runs` of the builder)")
        };
        let problem = format!(
            "{what}; if they are runs with other seeds, {seeds}; if one checkpoint was measured again, say `repeated_measurements()`"
        );
        let (first, other) = (self.place(first), self.place(other));
        ErrorKind::RowsDisagree { first, other, problem }.into()
    }

    fn check_row(&self, i: usize, allowed: Allowed) -> Result<(), Error> {
        let value = |column: String, value: f64, expected| {
            let kind = ErrorKind::Value { value: value.to_string(), expected };
            Err(Error::from(kind).at(Place::Column(column)).at(self.place(i)))
        };
        for (column, x) in [("n_params", self.n[i]), ("n_tokens", self.d[i])] {
            if !(x.is_finite() && x > 0.0) {
                return value(column.to_owned(), x, "a finite number > 0");
            }
        }
        if let Err(error) = mixture::validate(self.h(i)) {
            return match *error.kind() {
                ErrorKind::Weight { index, value: weight } => {
                    let column = format!("h_{}", self.domains[index]);
                    value(column, weight, "a finite domain weight >= 0")
                }
                ErrorKind::WeightSum { sum, .. } => Err(self.wrong_sum(i, sum)),
                _ => Err(error.at(self.place(i))),
            };
        }
        let losses = self.row(i).losses;
        for (target, &loss) in self.targets.iter().zip(losses) {
            let expected = match loss.is_nan() {
                true if allowed.missing_losses => continue,
                true => "a finite loss > 0; if losses may be missing, say `missing_losses()`",
                false => "a finite loss > 0",
            };
            if !(loss.is_finite() && loss > 0.0) {
                return value(format!("loss_{target}"), loss, expected);
            }
        }
        if losses.iter().all(|loss| loss.is_nan()) {
            let (value, expected) = ("no loss".to_owned(), "that of at least one target");
            return Err(Error::from(ErrorKind::Value { value, expected }).at(self.place(i)));
        }
        self.check_columns(i)
    }

    fn wrong_sum(&self, i: usize, sum: f64) -> Error {
        let columns = self.domains.iter().map(|domain| format!("h_{domain}")).collect();
        let ignored = if sum < 1.0 { self.ignored.clone() } else { Vec::new() };
        let tolerance = mixture::SUM_TOLERANCE;
        let error = Error::from(ErrorKind::WeightSum { sum, tolerance, ignored });
        error.at(Place::Columns(columns)).at(self.place(i))
    }

    /// Number of rows.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a sweep is never empty")]
    pub fn len(&self) -> usize {
        self.n.len()
    }

    /// The names of the domains.
    #[must_use]
    pub fn domains(&self) -> &[String] {
        &self.domains
    }

    /// The names of the targets.
    #[must_use]
    pub fn targets(&self) -> &[String] {
        &self.targets
    }

    /// Columns of the file that are not part of a sweep and were ignored; none for arrays.
    #[must_use]
    pub fn ignored_columns(&self) -> &[String] {
        &self.ignored
    }

    /// Row `i`.
    ///
    /// # Panics
    /// If there is no such row.
    #[must_use]
    pub fn row(&self, i: usize) -> Row<'_> {
        let m = self.targets.len();
        Row {
            n: self.n[i],
            d: self.d[i],
            h: self.h(i),
            losses: &self.losses[i * m..(i + 1) * m],
            columns: self.columns_of(i),
            run: self.runs.get(i).map_or("", String::as_str),
            split: &self.splits[i],
        }
    }

    /// All rows, in order.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = Row<'_>> {
        (0..self.len()).map(|i| self.row(i))
    }

    /// Where row `i` is from, as errors name it: row 3 of arrays, or line 5 of a file.
    ///
    /// # Panics
    /// If there is no such row.
    #[must_use]
    pub fn place(&self, i: usize) -> Place {
        self.origin.place(i)
    }

    fn h(&self, i: usize) -> &[f64] {
        let k = self.domains.len();
        &self.h[i * k..(i + 1) * k]
    }

    /// Model sizes N, in parameters, one for each row.
    #[must_use]
    pub fn n(&self) -> &[f64] {
        &self.n
    }

    /// Training tokens D, one for each row.
    #[must_use]
    pub fn d(&self) -> &[f64] {
        &self.d
    }

    /// Domain weights h, rows x domains.
    #[must_use]
    pub fn mixtures(&self) -> ArrayView2<'_, f64> {
        view(&self.h, self.len(), self.domains.len())
    }

    /// Losses in nats, rows x targets; NaN where one is missing.
    #[must_use]
    pub fn losses(&self) -> ArrayView2<'_, f64> {
        view(&self.losses, self.len(), self.targets.len())
    }

    /// The losses of one target, in nats, one for each row.
    ///
    /// # Errors
    /// [`ErrorKind::Unknown`] if the sweep has no such target, and [`ErrorKind::Value`] with the first
    /// row that lacks its loss: [`Sweep::with_losses_of`] leaves such rows out.
    pub fn losses_of(&self, target: &str) -> Result<Vec<f64>, Error> {
        let losses = self.losses_or_nan(target)?;
        match losses.iter().position(|loss| loss.is_nan()) {
            None => Ok(losses),
            Some(i) => {
                let value = "no loss".to_owned();
                let expected = "one in every row; `with_losses_of` gives the rows that have it";
                let column = Place::Column(format!("loss_{target}"));
                Err(Error::from(ErrorKind::Value { value, expected }).at(column).at(self.place(i)))
            }
        }
    }

    /// The losses of one target, NaN where one is missing.
    pub(crate) fn losses_or_nan(&self, target: &str) -> Result<Vec<f64>, Error> {
        let column =
            self.targets.iter().position(|t| t == target).ok_or_else(|| ErrorKind::Unknown {
                kind: "target",
                name: target.to_owned(),
                known: self.targets.clone(),
            })?;
        Ok(self.losses().column(column).to_vec())
    }

    /// The targets and how many rows have a loss of each, in the order of [`Sweep::targets`].
    ///
    /// ```
    /// use mixlaw::Sweep;
    ///
    /// // Python is not evaluated at the first checkpoint.
    /// let (d, losses) = ([1e9, 2e9], [3.1, f64::NAN, 2.9, 2.5]);
    /// let builder = Sweep::builder(&["web"], &["web", "python"]).missing_losses();
    /// let sweep = builder.build(&[1e8; 2], &d, &[1.0; 2], &losses)?;
    /// assert_eq!(sweep.count_losses(), [("web".to_owned(), 2), ("python".to_owned(), 1)]);
    /// # Ok::<(), mixlaw::Error>(())
    /// ```
    #[must_use]
    pub fn count_losses(&self) -> Vec<(String, usize)> {
        let losses = self.losses();
        let columns = losses.columns().into_iter();
        let counts = columns.map(|column| column.iter().filter(|loss| !loss.is_nan()).count());
        self.targets.iter().cloned().zip(counts).collect()
    }

    /// The rows that have a loss of this target, in order; all rows where none is missing. Errors name
    /// them by the same places.
    ///
    /// There is no need for it before a fit: what is done for a target uses its rows only. Resamples of
    /// targets that are to be compared are made from the whole sweep, from which the runs are drawn.
    ///
    /// # Errors
    /// [`ErrorKind::Unknown`] if the sweep has no such target, [`ErrorKind::NoLosses`] if no row has a
    /// loss of it.
    ///
    /// ```
    /// use mixlaw::Sweep;
    ///
    /// let (d, losses) = ([1e9, 2e9], [3.1, f64::NAN, 2.9, 2.5]);
    /// let builder = Sweep::builder(&["web"], &["web", "python"]).missing_losses();
    /// let sweep = builder.build(&[1e8; 2], &d, &[1.0; 2], &losses)?;
    /// assert!(sweep.losses_of("python").is_err());
    /// let rows = sweep.with_losses_of("python")?;
    /// assert_eq!(rows.losses_of("python")?, [2.5]);
    /// assert_eq!(rows.place(0).to_string(), "row 1");
    /// # Ok::<(), mixlaw::Error>(())
    /// ```
    pub fn with_losses_of(&self, target: &str) -> Result<Sweep, Error> {
        self.measured(target).map(Cow::into_owned)
    }

    /// [`Sweep::with_losses_of`], which is the sweep itself where no loss of the target is missing.
    pub(crate) fn measured(&self, target: &str) -> Result<Cow<'_, Sweep>, Error> {
        let rows = self.rows_with_loss(target)?;
        let all = rows.len() == self.len();
        Ok(if all { Cow::Borrowed(self) } else { Cow::Owned(self.take(&rows)) })
    }

    /// The numbers of the rows that have a loss of a target; never none.
    pub(crate) fn rows_with_loss(&self, target: &str) -> Result<Vec<usize>, Error> {
        let losses = self.losses_or_nan(target)?;
        let rows: Vec<usize> = (0..self.len()).filter(|&i| !losses[i].is_nan()).collect();
        if rows.is_empty() {
            return Err(ErrorKind::NoLosses { target: target.to_owned() }.into());
        }
        Ok(rows)
    }

    /// The least and the greatest weight of each domain over all rows.
    #[must_use]
    pub fn weight_ranges(&self) -> Vec<(f64, f64)> {
        let range = |i: usize| {
            let ends = (f64::INFINITY, f64::NEG_INFINITY);
            self.rows().fold(ends, |(low, high), row| (low.min(row.h[i]), high.max(row.h[i])))
        };
        (0..self.domains.len()).map(range).collect()
    }

    /// The geometric means of N and D over all rows, whichever losses these have.
    #[must_use]
    pub fn scale(&self) -> Scale {
        let mean = |x: &[f64]| (x.iter().map(|v| v.ln()).sum::<f64>() / x.len() as f64).exp();
        Scale { n: mean(&self.n), d: mean(&self.d) }
    }
}

/// What a sweep may have that is an error otherwise.
#[derive(Debug, Clone, Copy, Default)]
struct Allowed {
    /// Rows with the run and D of another.
    repeats: bool,
    /// Losses that are NaN.
    missing_losses: bool,
}

pub(crate) fn owned(names: &[impl AsRef<str>]) -> Vec<String> {
    names.iter().map(|name| name.as_ref().to_owned()).collect()
}

fn view(data: &[f64], rows: usize, columns: usize) -> ArrayView2<'_, f64> {
    ArrayView2::from_shape((rows, columns), data).expect("validated shape")
}

fn shape(what: &str, found: usize, expected: usize) -> Result<(), Error> {
    if found == expected {
        return Ok(());
    }
    Err(ErrorKind::Length { what: what.to_owned(), found, expected }.into())
}

pub(crate) fn check_names(kind: &'static str, names: &[String]) -> Result<(), Error> {
    if names.is_empty() {
        return Err(ErrorKind::Empty { what: "a sweep", part: kind }.into());
    }
    let mut seen = HashSet::new();
    for name in names {
        check_name(kind, name)?;
        if !seen.insert(name) {
            return Err(ErrorKind::Repeated { kind, name: name.clone(), group: None }.into());
        }
    }
    Ok(())
}

/// A name must survive a file.
fn check_name(kind: &'static str, name: &str) -> Result<(), Error> {
    let problem = match name {
        "" => "is empty",
        _ if name.trim() != name => "begins or ends with white space",
        _ if name.contains('\0') => "contains a NUL",
        _ => return Ok(()),
    };
    Err(ErrorKind::Name { kind, name: name.to_owned(), problem }.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sweep() -> Sweep {
        Sweep::new(
            &["a", "b"],
            &["t", "u"],
            &[1e8, 1e8, 4e8, 4e8],
            &[1e9, 2e9, 1e9, 2e9],
            &[0.5, 0.5, 0.5, 0.5, 0.2, 0.8, 0.3, 0.7],
            &[3.0, 4.0, 2.9, 3.9, 2.8, 3.8, 2.7, 3.7],
        )
        .unwrap()
    }

    #[test]
    fn arrays_and_slices_make_the_same_sweep() {
        let s = sweep();
        let made = |h: ArrayView2<'_, f64>| {
            let (n, d) = (ArrayView1::from(s.n()), ArrayView1::from(s.d()));
            Sweep::from_arrays(&["a", "b"], &["t", "u"], n, d, h, s.losses()).unwrap()
        };
        let t = made(s.mixtures());
        assert_eq!(s, t);
        assert_eq!(s.losses_of("u").unwrap(), [4.0, 3.9, 3.8, 3.7]);
        // A transposed (Fortran-order) view holds the same numbers.
        let fortran = s.mixtures().t().to_owned();
        assert_eq!(s, made(fortran.t()));
    }

    #[test]
    fn rows_and_slices_make_the_same_sweep() {
        let named = |s: &Sweep, runs: &[&str], splits: &[&str]| {
            let builder = Sweep::builder(&["a", "b"], &["t", "u"]).runs(runs).splits(splits);
            builder.build(&s.n, &s.d, &s.h, &s.losses).unwrap()
        };
        let plain = sweep();
        let full = named(&plain, &["r", "r", "s", "v"], &["x", TRAIN, TRAIN, EVAL]);
        // By number and by reference; columns in any order among each other.
        let by_number = Sweep::from_rows(0..4, |i| plain.row(i).scale())
            .target("t", |i| plain.row(i).losses[0])
            .domain("a", |i| plain.row(i).h[0])
            .target("u", |i| plain.row(i).losses[1])
            .domain("b", |i| plain.row(i).h[1]);
        assert_eq!(by_number.clone().build().unwrap(), plain);
        let by_name = by_number.run(|i| full.row(i).run).split(|i| full.row(i).split.to_owned());
        assert_eq!(by_name.build().unwrap(), full);
        let again = |s: &Sweep| {
            let rows: Vec<Row> = s.rows().collect();
            let rows = Sweep::from_rows(&rows, |row| row.scale()).domain("a", |row| row.h[0]);
            rows.run(|row| row.run)
                .split(|row| row.split)
                .domain("b", |row| row.h[1])
                .target("t", |row| row.losses[0])
                .target("u", |row| row.losses[1])
                .build()
                .unwrap()
        };
        assert_eq!(again(&full), full);
    }

    #[test]
    fn faults_of_rows_of_any_type_are_named() {
        let rows = || Sweep::from_rows([1e9, 2e9], |d| Scale { n: 1e8, d });
        let whole = || rows().domain("a", |_| 1.0).target("t", |d| 1e10 / d);
        let fault = |rows: SweepRows<f64>| rows.build().unwrap_err().to_string();
        for (rows, expected) in [
            (rows(), "a sweep needs at least one domain"),
            (rows().domain("a", |_| 1.0), "a sweep needs at least one target"),
            (whole().domain("a", |_| 0.0), "domain `a` appears twice"),
            (whole().target("t ", |_| 1.0), "target name `t ` begins or ends"),
            (whole().domain("b", |d| d - 1e9), "row 1, columns h_a + h_b: the domain weights sum"),
            (whole().target("u", |_| f64::NAN), "row 0, column `loss_u`: NaN"),
            (whole().run(|_| "one").split(|_| ""), "split name `` is empty"),
            (
                Sweep::from_rows([1e9; 2], |d| Scale { n: 1e8, d })
                    .domain("a", |_| 1.0)
                    .target("t", |_| 3.0),
                "row 0 and row 1: the same N, D and mixture",
            ),
            (
                Sweep::from_rows([], |d| Scale { n: 1e8, d })
                    .domain("a", |_| 1.0)
                    .target("t", |_| 3.0),
                "a sweep needs at least one row",
            ),
        ] {
            let error = fault(rows);
            assert!(error.starts_with(expected), "{error}");
        }
        let twice = Sweep::from_rows([1e9; 2], |d| Scale { n: 1e8, d }).domain("a", |_| 1.0);
        let twice = twice.run(|_| "r").repeated_measurements().target("t", |_| 3.0);
        assert_eq!(twice.build().unwrap().len(), 2);
        let sparse = whole().target("u", |_| f64::NAN).missing_losses().build().unwrap();
        assert_eq!(sparse.count_losses()[1], ("u".to_owned(), 0));
    }

    #[test]
    fn scales_are_geometric_means() {
        let scales = sweep().scale();
        approx::assert_relative_eq!(scales.n, 2e8, max_relative = 1e-14);
        approx::assert_relative_eq!(scales.d, 2f64.sqrt() * 1e9, max_relative = 1e-14);
    }

    #[test]
    fn every_fault_names_its_row_and_column() {
        type Edit = fn(&mut Vec<f64>, &mut Vec<f64>, &mut Vec<f64>, &mut Vec<f64>);
        let cases: [(Edit, &str); 8] = [
            (|n, _, _, _| n[1] = 0.0, "row 1, column `n_params`: 0"),
            (|_, d, _, _| d[2] = f64::INFINITY, "row 2, column `n_tokens`: inf"),
            (|_, _, h, _| h[3] = -0.5, "row 1, column `h_b`: -0.5"),
            (|_, _, h, _| h[0] = 0.4, "row 0, columns h_a + h_b: the domain weights sum to 0.9"),
            (|_, _, _, l| l[7] = f64::NAN, "row 3, column `loss_u`: NaN"),
            (|_, _, _, l| l[0] = -1.0, "row 0, column `loss_t`: -1"),
            (|_, d, _, _| d.truncate(3), "d has length 3, expected 4"),
            (
                |n, d, h, l| [n, d, h, l].map(Vec::clear).into_iter().collect(),
                "a sweep needs at least one row",
            ),
        ];
        for (edit, expected) in cases {
            let s = sweep();
            let (mut n, mut d, mut h, mut l) =
                (s.n.clone(), s.d.clone(), s.h.clone(), s.losses.clone());
            edit(&mut n, &mut d, &mut h, &mut l);
            let error = Sweep::new(&["a", "b"], &["t", "u"], &n, &d, &h, &l).unwrap_err();
            assert!(error.to_string().starts_with(expected), "{error}");
        }
    }

    #[test]
    fn names_are_checked() {
        let s = sweep();
        let make = |domains: &[&str], targets: &[&str]| {
            Sweep::new(domains, targets, s.n(), s.d(), &s.h, &s.losses).map(|_| ())
        };
        let is_name = |e: &Error| matches!(e.kind(), ErrorKind::Name { .. });
        let is_length = |e: &Error| matches!(e.kind(), ErrorKind::Length { .. });
        let twice = make(&["a", "a"], &["t", "u"]).unwrap_err();
        assert_eq!(twice.to_string(), "domain `a` appears twice");
        assert!(make(&["a", ""], &["t", "u"]).is_err_and(|e| is_name(&e)));
        assert!(make(&["a", "b"], &["t"]).is_err_and(|e| is_length(&e)));
        assert!(sweep().losses_of("v").unwrap_err().is_unknown_name());
        let named = |runs: &[&str], splits: &[&str]| {
            let builder = Sweep::builder(&["a", "b"], &["t", "u"]).runs(runs).splits(splits);
            builder.build(&s.n, &s.d, &s.h, &s.losses)
        };
        let (runs, splits) = (["r", "r", "s", "t"], ["x"; 4]);
        assert!(named(&runs, &splits).is_ok());
        assert!(named(&runs[..3], &splits).is_err_and(|e| is_length(&e)));
        assert!(named(&runs, &splits[..1]).is_err_and(|e| is_length(&e)));
        assert!(named(&["r", "r", "", "t"], &splits).is_err_and(|e| is_name(&e)));
        assert!(named(&runs, &["x", "x ", "x", "x"]).is_err_and(|e| is_name(&e)));
    }
}
