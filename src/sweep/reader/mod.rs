//! Sweeps from tables as people have them.

mod columns;
#[cfg(feature = "json")]
mod json;
mod numbers;
mod records;
mod report;

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use super::{Allowed, Origin, Sweep, TRAIN};
use crate::error::{Error, ErrorKind, Place, cut};
use crate::mixture::SUM_TOLERANCE;
use columns::Columns;
use numbers::{IN_PERCENT, Numbers, WITH_UNITS};
use records::{Cells, CsvRecords, Records};

pub use numbers::Weights;
pub use report::ReadReport;

/// How to read a sweep from a table that was not made for this crate.
///
/// Without settings it accepts what [`Sweep::read_csv`] does. Every convenience is asked for by name;
/// nothing is guessed. What a setting leaves out or changes is counted in the [`ReadReport`], and every
/// other fault is an error with its file, line and column, what was found there and what was expected.
///
/// | the table has | say |
/// |---|---|
/// | other names of columns | [`n_column`](Self::n_column), [`d_column`](Self::d_column), [`run_column`](Self::run_column), [`split_column`](Self::split_column), [`weight_columns`](Self::weight_columns), [`weight_column`](Self::weight_column), [`loss_columns`](Self::loss_columns), [`loss_column`](Self::loss_column), [`ignore_case`](Self::ignore_case) |
/// | tabs or semicolons, or is JSON lines | [`delimiter`](Self::delimiter), `json_lines` (feature `json`) |
/// | sizes such as `1.3B` | [`units`](Self::units) |
/// | weights that are no fractions, do not quite sum to 1, or are not there | [`weights_as`](Self::weights_as), [`normalize`](Self::normalize), [`no_weights`](Self::no_weights) |
/// | other numbers to keep | [`column`](Self::column) |
/// | losses that are not there | [`missing`](Self::missing), [`skip_incomplete`](Self::skip_incomplete) |
/// | rows that are not wanted | [`filter`](Self::filter) |
/// | one checkpoint measured several times | [`repeated_measurements`](Self::repeated_measurements) |
/// | several files | [`read_all`](Self::read_all) |
///
/// ```
/// use mixlaw::sweep::{SweepReader, Weights};
///
/// // As an experiment tracker exports it.
/// let text = "Name;params;tokens;outlier;train/weights/web;train/weights/code;eval/loss/python\n\
///     a;410M;2.1B;0;70.0;30.0;2.9\n\
///     a;410M;4.2B;0;70.0;30.0;2.8\n\
///     a;410M;8.4B;1;70.0;30.0;9.9\n\
///     b;410M;4.2B;0;33.3;66.6;2.7\n";
/// let reader = SweepReader::new()
///     .delimiter(b';')
///     .run_column("Name")
///     .n_column("params")
///     .d_column("tokens")
///     .units()
///     .weight_columns("train/weights/")
///     .weights_as(Weights::Percent)
///     .normalize(0.005)
///     .loss_columns("eval/loss/")
///     .filter("outlier", |cell| cell == "0");
/// let (sweep, report) = reader.read_from(text.as_bytes())?;
/// assert_eq!((sweep.len(), sweep.row(0).n, sweep.domains()[0].as_str()), (3, 4.1e8, "web"));
/// assert_eq!((report.rows, report.filtered[0].1, report.normalized), (4, 1, 1));
///
/// // A cell that is wrong is shown as it is in the table.
/// let wrong = text.replace("410M;2.1B", "410X;2.1B");
/// assert_eq!(
///     reader.read_from(wrong.as_bytes()).unwrap_err().to_string(),
///     "line 2, column `params`: `410X`, expected a number, with or without K, M, B, G or T"
/// );
/// # Ok::<(), mixlaw::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct SweepReader {
    n: String,
    d: String,
    run: Option<String>,
    split: Option<String>,
    weights: Names,
    losses: Names,
    /// Those of one's own.
    columns: Vec<String>,
    /// The domain of a table without weights.
    domain: Option<String>,
    ignore_case: bool,
    delimiter: u8,
    #[cfg(feature = "json")]
    json_lines: bool,
    units: bool,
    weights_as: Weights,
    normalize: Option<f64>,
    missing: Vec<String>,
    filters: Vec<Filter>,
    skip_incomplete: bool,
    repeats: bool,
}

/// The columns of weights or losses.
#[derive(Debug, Clone)]
struct Names {
    /// Used if there are no `singles`.
    default: &'static str,
    prefix: Option<String>,
    /// Column and name.
    singles: Vec<(String, String)>,
}

impl Names {
    fn with_default(default: &'static str) -> Self {
        Self { default, prefix: None, singles: Vec::new() }
    }

    fn prefix(&self) -> Option<&str> {
        let default = Some(self.default).filter(|_| self.singles.is_empty());
        self.prefix.as_deref().or(default)
    }
}

/// Rows to keep.
#[derive(Clone)]
struct Filter {
    column: String,
    keep: Arc<dyn Fn(&str) -> bool + Send + Sync>,
}

impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Filter").field("column", &self.column).finish_non_exhaustive()
    }
}

impl Default for SweepReader {
    fn default() -> Self {
        Self {
            n: "n_params".to_owned(),
            d: "n_tokens".to_owned(),
            run: None,
            split: None,
            weights: Names::with_default("h_"),
            losses: Names::with_default("loss_"),
            columns: Vec::new(),
            domain: None,
            ignore_case: false,
            delimiter: b',',
            #[cfg(feature = "json")]
            json_lines: false,
            units: false,
            weights_as: Weights::Fraction,
            normalize: None,
            missing: Vec::new(),
            filters: Vec::new(),
            skip_incomplete: false,
            repeats: false,
        }
    }
}

impl SweepReader {
    /// Accepts what [`Sweep::read_csv`] does.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The column of N, in place of `n_params`.
    #[must_use]
    pub fn n_column(self, name: impl Into<String>) -> Self {
        Self { n: name.into(), ..self }
    }

    /// The column of D, in place of `n_tokens`.
    #[must_use]
    pub fn d_column(self, name: impl Into<String>) -> Self {
        Self { d: name.into(), ..self }
    }

    /// The column of runs, in place of `run`; unlike that one it must be there.
    #[must_use]
    pub fn run_column(self, name: impl Into<String>) -> Self {
        Self { run: Some(name.into()), ..self }
    }

    /// The column of splits, in place of `split`; unlike that one it must be there.
    #[must_use]
    pub fn split_column(self, name: impl Into<String>) -> Self {
        Self { split: Some(name.into()), ..self }
    }

    /// The columns of weights are those whose name begins so, in place of `h_`; the rest of the name is
    /// the domain. A column that another setting names by itself is none of them, and one that
    /// [`SweepReader::loss_columns`] takes too is an error.
    #[must_use]
    pub fn weight_columns(mut self, prefix: impl Into<String>) -> Self {
        self.weights.prefix = Some(prefix.into());
        self
    }

    /// A column with the weights of this domain; may be repeated. Columns with a prefix are then weights
    /// only if [`SweepReader::weight_columns`] says so.
    #[must_use]
    pub fn weight_column(mut self, name: impl Into<String>, domain: impl Into<String>) -> Self {
        self.weights.singles.push((name.into(), domain.into()));
        self
    }

    /// The columns of losses are those whose name begins so, in place of `loss_`; otherwise as
    /// [`SweepReader::weight_columns`].
    #[must_use]
    pub fn loss_columns(mut self, prefix: impl Into<String>) -> Self {
        self.losses.prefix = Some(prefix.into());
        self
    }

    /// A column with the losses of this target; otherwise as [`SweepReader::weight_column`].
    ///
    /// ```
    /// use mixlaw::sweep::SweepReader;
    ///
    /// // One corpus, sizes and losses, as in a study of compute.
    /// let text = "Model Size,Training Tokens,loss\n7e7,1e9,3.9\n4e8,8e9,2.9\n";
    /// let reader = SweepReader::new().n_column("Model Size").d_column("Training Tokens");
    /// let reader = reader.loss_column("loss", "web").no_weights("web");
    /// let (sweep, _) = reader.read_from(text.as_bytes())?;
    /// assert_eq!((sweep.domains(), sweep.losses_of("web")?), (&["web".to_owned()][..], vec![3.9, 2.9]));
    /// # Ok::<(), mixlaw::Error>(())
    /// ```
    #[must_use]
    pub fn loss_column(mut self, name: impl Into<String>, target: impl Into<String>) -> Self {
        self.losses.singles.push((name.into(), target.into()));
        self
    }

    /// Keeps this column of numbers, which the sweep then has under the same name
    /// ([`Sweep::columns`]); may be repeated. With [`SweepReader::units`] the numbers may
    /// have units.
    ///
    /// ```
    /// use mixlaw::sweep::SweepReader;
    ///
    /// let text = "n_params,n_tokens,h_web,loss_web,planned\n1e8,2e9,1,3.1,4e9\n1e8,4e9,1,3.0,4e9\n";
    /// let (sweep, _) = SweepReader::new().column("planned").read_from(text.as_bytes())?;
    /// assert_eq!(sweep.column("planned")?, [4e9, 4e9]);
    /// # Ok::<(), mixlaw::Error>(())
    /// ```
    #[must_use]
    pub fn column(mut self, name: impl Into<String>) -> Self {
        self.columns.push(name.into());
        self
    }

    /// The table has no weights: all its rows were trained on this one domain. Columns with the prefix of
    /// weights are ignored.
    #[must_use]
    pub fn no_weights(mut self, domain: impl Into<String>) -> Self {
        self.domain = Some(domain.into());
        self.weights.singles.clear();
        self
    }

    /// Finds columns and prefixes whether their ASCII letters are upper or lower case. Domains and targets
    /// are called as the (first) file has them; two columns that differ by case alone are an error.
    #[must_use]
    pub fn ignore_case(self) -> Self {
        Self { ignore_case: true, ..self }
    }

    /// What is between cells, in place of a comma: `b'\t'`, `b';'`.
    #[must_use]
    pub fn delimiter(self, delimiter: u8) -> Self {
        Self { delimiter, ..self }
    }

    /// Reads JSON lines: an object on each line, its keys the names of the columns, its values numbers,
    /// texts, truth values (`true` and `false` for filters) or null.
    ///
    /// A key that an object lacks is an empty cell, as null is. Objects in it are columns with a `/`
    /// between the keys: `{"eval": {"loss": 2.9}}` has a column `eval/loss`. Text and numbers are read as
    /// from the cells of a CSV file. A bare `NaN`, which Python writes, is no JSON and is refused.
    /// The whole text is in memory while it is read.
    ///
    /// ```
    /// use mixlaw::sweep::SweepReader;
    ///
    /// let text = r#"{"n_params": 1e8, "n_tokens": 2e9, "h_web": 1, "loss": {"qa": 2.9, "web": 3.1}}
    ///     {"n_params": 1e8, "n_tokens": 4e9, "h_web": 1, "loss": {"qa": null, "web": 3.0}}"#;
    /// let reader = SweepReader::new().json_lines().loss_columns("loss/").missing(&[""]);
    /// let (sweep, report) = reader.read_from(text.as_bytes())?;
    /// assert_eq!((sweep.len(), sweep.targets()), (2, &["qa".to_owned(), "web".to_owned()][..]));
    /// assert_eq!(report.missing[0], ("qa".to_owned(), 1));
    /// # Ok::<(), mixlaw::Error>(())
    /// ```
    #[cfg(feature = "json")]
    #[cfg_attr(docsrs, doc(cfg(feature = "json")))]
    #[must_use]
    pub fn json_lines(self) -> Self {
        Self { json_lines: true, ..self }
    }

    /// N and D may have units: `70K`, `18.92M`, `1.3B`, `1.4T`, in upper or lower case, with or without a
    /// space before. K is 1e3, M 1e6, B or G 1e9 and T 1e12: never a power of two, and `m` is never a
    /// thousandth. A number as `7e9` is read too, but not `7e3M`. The digits are taken as they are:
    /// `18.92M` is 18.92e6 to the bit.
    #[must_use]
    pub fn units(self) -> Self {
        Self { units: true, ..self }
    }

    /// What the weights of the table are, in place of [`Weights::Fraction`].
    #[must_use]
    pub fn weights_as(self, weights: Weights) -> Self {
        Self { weights_as: weights, ..self }
    }

    /// Divides the weights of a row by their sum if that is off 1 by no more than `tolerance`, a number of
    /// at least 0 and below 1. Sums within 1e-6 of 1, which are fine as they are, are left alone. For
    /// percent the tolerance is one of the sum of fractions, too.
    #[must_use]
    pub fn normalize(self, tolerance: f64) -> Self {
        Self { normalize: Some(tolerance), ..self }
    }

    /// A loss whose cell is one of these is missing ([`SweepBuilder::missing_losses`]): `""` stands for an
    /// empty cell. Upper and lower case differ. Rows without any loss are an error, or left out by
    /// [`SweepReader::skip_incomplete`].
    ///
    /// [`SweepBuilder::missing_losses`]: super::SweepBuilder::missing_losses
    ///
    /// ```
    /// use mixlaw::sweep::SweepReader;
    ///
    /// let text = "n_params,n_tokens,h_web,loss_web,loss_qa\n1e8,2e9,1,3.1,NaN\n1e8,4e9,1,3.0,2.5\n";
    /// assert!(SweepReader::new().read_from(text.as_bytes()).is_err());
    /// let (sweep, report) = SweepReader::new().missing(&["", "NaN"]).read_from(text.as_bytes())?;
    /// assert_eq!((sweep.len(), sweep.with_losses_of("qa")?.len()), (2, 1));
    /// assert_eq!(report.missing[1], ("qa".to_owned(), 1));
    /// # Ok::<(), mixlaw::Error>(())
    /// ```
    #[must_use]
    pub fn missing(mut self, cells: &[impl AsRef<str>]) -> Self {
        self.missing = cells.iter().map(|cell| cell.as_ref().trim().to_owned()).collect();
        self
    }

    /// Keeps the rows whose cell in this column passes, whether the sweep has the column or not; may be
    /// repeated. The cell is without white space around it. Nothing else of a row that is left out is
    /// looked at.
    #[must_use]
    pub fn filter(
        mut self,
        column: impl Into<String>,
        keep: impl Fn(&str) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.filters.push(Filter { column: column.into(), keep: Arc::new(keep) });
        self
    }

    /// Leaves out the rows with an empty cell, which otherwise are an error, and counts them. With
    /// [`SweepReader::missing`] a loss that is missing makes no row incomplete, but all of them do.
    ///
    /// ```
    /// use mixlaw::sweep::SweepReader;
    ///
    /// let text = "n_params,n_tokens,h_web,loss_web\n1e8,2e9,1,3.1\n1e8,4e9,1,\n";
    /// let (sweep, report) = SweepReader::new().skip_incomplete().read_from(text.as_bytes())?;
    /// assert_eq!((sweep.len(), report.incomplete), (1, 1));
    /// # Ok::<(), mixlaw::Error>(())
    /// ```
    #[must_use]
    pub fn skip_incomplete(self) -> Self {
        Self { skip_incomplete: true, ..self }
    }

    /// Accepts several rows of one run with the same D; see
    /// [`SweepBuilder::repeated_measurements`](super::SweepBuilder::repeated_measurements).
    #[must_use]
    pub fn repeated_measurements(self) -> Self {
        Self { repeats: true, ..self }
    }

    /// Reads a file: the sweep, and what was left out and changed.
    ///
    /// # Errors
    /// For the first fault; the error names the file, the line (counted from 1, with the header), the
    /// column, what was found there and what was expected. [`ErrorKind::Setting`] if a setting is out of
    /// its range, [`ErrorKind::Missing`] if a column is not there, [`ErrorKind::Ambiguous`] if two
    /// settings take one column, [`ErrorKind::RowsDisagree`] if a run has several N or mixtures, or the
    /// same D twice.
    pub fn read(&self, path: impl AsRef<Path>) -> Result<(Sweep, ReadReport), Error> {
        let path = path.as_ref();
        let file = File::open(path).map_err(Error::from);
        file.and_then(|file| self.read_from(file)).map_err(|error| error.at(named(path)))
    }

    /// Reads from any reader; otherwise as [`SweepReader::read`].
    ///
    /// # Errors
    /// As [`SweepReader::read`].
    pub fn read_from(&self, reader: impl Read) -> Result<(Sweep, ReadReport), Error> {
        let mut table = Table::new(self)?;
        table.add(reader, None)?;
        table.finish()
    }

    /// Reads several files as one sweep, in their order. They have the same domains and targets, in any
    /// order of columns, and all or none have runs and splits. A run may go on in another file.
    ///
    /// # Errors
    /// As [`SweepReader::read`]; [`ErrorKind::Mismatch`] if the domains or targets of two files differ,
    /// [`ErrorKind::Empty`] without a file.
    pub fn read_all(
        &self,
        paths: impl IntoIterator<Item = impl AsRef<Path>>,
    ) -> Result<(Sweep, ReadReport), Error> {
        let mut table = Table::new(self)?;
        for path in paths {
            let path = path.as_ref();
            let file = File::open(path).map_err(Error::from);
            let added = file.and_then(|file| table.add(file, Some(path.display().to_string())));
            added.map_err(|error| error.at(named(path)))?;
        }
        table.finish()
    }

    fn check(&self) -> Result<(), Error> {
        if !self.delimiter.is_ascii() || matches!(self.delimiter, b'"' | b'\n' | b'\r' | 0) {
            let expected = "an ASCII character that is no quote, line end or NUL";
            return Err(Error::setting("delimiter", self.delimiter.into(), expected));
        }
        match self.normalize {
            Some(tolerance) if !(0.0..1.0).contains(&tolerance) => {
                Err(Error::setting("normalize", tolerance, "a number >= 0 and < 1"))
            }
            _ => Ok(()),
        }
    }

    fn allowed(&self) -> Allowed {
        Allowed { repeats: self.repeats, missing_losses: !self.missing.is_empty() }
    }

    fn is_missing(&self, cell: &str) -> bool {
        self.missing.iter().any(|missing| missing == cell)
    }

    fn records<R: Read>(&self, reader: R) -> Result<Records<R>, Error> {
        #[cfg(feature = "json")]
        if self.json_lines {
            return Ok(Records::Json(json::JsonLines::new(reader)?));
        }
        Ok(Records::Csv(CsvRecords::new(reader, self.delimiter)))
    }

    /// What is read, and its parts, as errors call them.
    fn words(&self) -> (&'static str, &'static str, &'static str) {
        #[cfg(feature = "json")]
        if self.json_lines {
            return ("a file of JSON lines", "object", "object");
        }
        ("a CSV file", "line", "row below its header")
    }
}

/// The file as a place of errors.
pub(super) fn named(path: &Path) -> Place {
    Place::File(path.display().to_string())
}

/// The names of the columns, without a byte order mark.
fn names(header: Cells<'_>) -> Vec<String> {
    let bare = |i: usize| {
        let name = header.get(i);
        if i == 0 { name.trim_start_matches('\u{feff}').trim() } else { name }.to_owned()
    };
    (0..header.len()).map(bare).collect()
}

/// A sweep that is being read.
struct Table<'a> {
    reader: &'a SweepReader,
    /// None before the first file.
    read: Option<(Sweep, Columns)>,
    report: ReadReport,
    numbers: Numbers,
}

impl<'a> Table<'a> {
    fn new(reader: &'a SweepReader) -> Result<Self, Error> {
        reader.check()?;
        let filtered = reader.filters.iter().map(|filter| (filter.column.clone(), 0)).collect();
        let report = ReadReport { filtered, ..ReadReport::default() };
        Ok(Self { reader, read: None, report, numbers: Numbers::default() })
    }

    /// Adds the rows of a file, which has a name if there are others.
    fn add(&mut self, input: impl Read, file: Option<String>) -> Result<(), Error> {
        let (what, part, below) = self.reader.words();
        let mut records = self.reader.records(input)?;
        let Some((line, header)) = records.next()? else {
            return Err(ErrorKind::Empty { what, part }.into());
        };
        let found = Cells::new(header);
        let found = found.and_then(|header| Columns::find(names(header), self.reader));
        let found = found.and_then(|columns| self.start(columns, file));
        let columns = found.map_err(|error| error.at(Place::Line(line)))?;
        let before = self.report.rows;
        while let Some((line, record)) = records.next()? {
            self.report.rows += 1;
            let added = Cells::new(record).and_then(|cells| self.add_row(&columns, cells, line));
            added.map_err(|error| error.at(Place::Line(line)))?;
        }
        if self.report.rows == before {
            return Err(ErrorKind::Empty { what, part: below }.into());
        }
        Ok(())
    }

    /// Begins a file: its columns, in the order of the first file's.
    fn start(&mut self, mut columns: Columns, file: Option<String>) -> Result<Columns, Error> {
        match (&mut self.read, file) {
            (None, file) => {
                let origin = match file {
                    None => Origin::Lines(Vec::new()),
                    Some(name) => Origin::Files { names: vec![name], lines: Vec::new() },
                };
                let sweep = columns.empty_sweep(origin);
                self.report.missing = sweep.targets.iter().map(|name| (name.clone(), 0)).collect();
                self.read = Some((sweep, columns.clone()));
            }
            (Some((sweep, first)), file) => {
                columns.match_order(first, self.reader.ignore_case)?;
                for name in &columns.ignored {
                    if !sweep.ignored.contains(name) {
                        sweep.ignored.push(name.clone());
                    }
                }
                if let Origin::Files { names, .. } = &mut sweep.origin {
                    names.extend(file);
                }
            }
        }
        Ok(columns)
    }

    /// Adds a row to the sweep, or counts it where it is left out.
    fn add_row(&mut self, columns: &Columns, cells: Cells<'_>, line: usize) -> Result<(), Error> {
        let (reader, report, numbers) = (self.reader, &mut self.report, &mut self.numbers);
        let (sweep, _) = self.read.as_mut().expect("a file was begun");
        let (found, expected) = (cells.len(), columns.header.len());
        if found != expected {
            return Err(ErrorKind::Fields { found, expected }.into());
        }
        for (k, (filter, &column)) in reader.filters.iter().zip(&columns.filters).enumerate() {
            if !(filter.keep)(cells.get(column)) {
                report.filtered[k].1 += 1;
                return Ok(());
            }
        }
        let fault = |column: usize, value: String, expected: &'static str| {
            let error = Error::from(ErrorKind::Value { value, expected });
            error.at(Place::Column(columns.header[column].clone()))
        };
        let is_empty = |&&(column, is_loss): &&(usize, bool)| {
            cells.get(column).is_empty() && !(is_loss && reader.is_missing(""))
        };
        let empty = columns.needed.iter().find(is_empty);
        let has_loss = || columns.targets.iter().any(|(i, _)| !reader.is_missing(cells.get(*i)));
        if reader.skip_incomplete && (empty.is_some() || !has_loss()) {
            report.incomplete += 1;
            return Ok(());
        }
        if let Some(&(column, _)) = empty {
            return Err(fault(column, "an empty cell".to_owned(), "a value"));
        }
        let wrong = |column: usize, expected| {
            fault(column, format!("`{}`", cut(cells.get(column))), expected)
        };
        let mut number = |column: usize, unit: Unit| {
            let cell = cells.get(column);
            let (number, expected) = match unit {
                Unit::None => (cell.parse().ok(), "a number"),
                Unit::Count => (numbers.with_unit(cell), WITH_UNITS),
                Unit::Percent => (numbers.percent(cell), IN_PERCENT),
            };
            number.ok_or_else(|| wrong(column, expected))
        };
        let count = if reader.units { Unit::Count } else { Unit::None };
        sweep.n.push(number(columns.n, count)?);
        sweep.d.push(number(columns.d, count)?);
        let weight = match reader.weights_as {
            Weights::Fraction => Unit::None,
            Weights::Percent => Unit::Percent,
            Weights::Tokens => count,
        };
        let begin = sweep.h.len();
        for &(column, _) in &columns.domains {
            sweep.h.push(number(column, weight)?);
        }
        if reader.domain.is_some() {
            sweep.h.push(1.0);
        }
        let change = reader.scale_weights(&mut sweep.h[begin..]);
        for (k, &(column, _)) in columns.targets.iter().enumerate() {
            let is_missing = reader.is_missing(cells.get(column));
            report.missing[k].1 += usize::from(is_missing);
            let loss = if is_missing { f64::NAN } else { number(column, Unit::None)? };
            if loss.is_nan() && !is_missing {
                let expected =
                    "a finite loss > 0; if losses may be missing, name such cells by `missing`";
                return Err(fault(column, loss.to_string(), expected));
            }
            sweep.losses.push(loss);
        }
        for &(column, _) in &columns.own {
            sweep.values.push(number(column, count)?);
        }
        sweep.runs.extend(columns.run.map(|i| cells.get(i).to_owned()));
        sweep.splits.push(columns.split.map_or(TRAIN, |i| cells.get(i)).to_owned());
        match &mut sweep.origin {
            Origin::Files { names, lines } => lines.push((names.len() - 1, line)),
            Origin::Lines(lines) | Origin::Rows(lines) => lines.push(line),
        }
        if let Some(change) = change {
            report.normalized += 1;
            report.largest_change = report.largest_change.max(change);
        }
        let checked = sweep.check_row(report.kept, reader.allowed());
        report.kept += 1;
        checked.map_err(|error| columns.in_row(error, sweep, cells, reader))
    }

    fn finish(self) -> Result<(Sweep, ReadReport), Error> {
        let Self { reader, read, mut report, .. } = self;
        let Some((sweep, first)) = read else {
            return Err(ErrorKind::Empty { what: "a list of files", part: "file" }.into());
        };
        if report.kept == 0 {
            let part = match report.incomplete {
                0 => "row that passes the filters",
                all if all == report.rows => "row without empty cells",
                _ => "row that passes the filters and has no empty cell",
            };
            return Err(ErrorKind::Empty { what: "a sweep", part }.into());
        }
        report.ignored_columns.clone_from(&sweep.ignored);
        let sweep = sweep.validated(reader.allowed());
        Ok((sweep.map_err(|error| first.in_contradiction(error))?, report))
    }
}

/// How a number is written.
#[derive(Clone, Copy)]
enum Unit {
    None,
    Count,
    Percent,
}

impl SweepReader {
    /// Divides the weights by their sum where that was asked for, and returns how far off it was where it
    /// should have been 1. What no row may have is left for the check of the row.
    fn scale_weights(&self, h: &mut [f64]) -> Option<f64> {
        let sum: f64 = h.iter().sum();
        let change = (sum - 1.0).abs();
        let are_weights = sum.is_finite() && sum > 0.0 && h.iter().all(|weight| *weight >= 0.0);
        let is_count = self.weights_as == Weights::Tokens;
        // The sum of decimals may be off by its rounding.
        let is_near = |tolerance| change > SUM_TOLERANCE && change <= tolerance + 1e-12;
        if !are_weights || !(is_count || self.normalize.is_some_and(is_near)) {
            return None;
        }
        h.iter_mut().for_each(|weight| *weight /= sum);
        (!is_count).then_some(change)
    }
}
