//! Sweeps in CSV files.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;

use csv::{ByteRecord, ReaderBuilder, StringRecord, Terminator, WriterBuilder};

use super::{Allowed, Origin, Sweep, TRAIN};
use crate::error::{Error, ErrorKind, Place, cut};

/// How to read a sweep from CSV, with settings that [`Sweep::read_csv`] does not have.
///
/// ```
/// use mixlaw::sweep::CsvReader;
///
/// // The third row has no loss yet, and the second one was measured again.
/// let text = "run,n_params,n_tokens,h_web,h_code,loss_python\n\
///     a,1e8,2e9,0.7,0.3,2.9\n\
///     a,1e8,4e9,0.7,0.3,2.8\n\
///     b,1e8,4e9,0.5,0.5,\n\
///     a,1e8,4e9,0.7,0.3,2.81\n";
/// let reader = CsvReader::new().skip_incomplete().repeated_measurements();
/// let (sweep, skipped) = reader.read_from(text.as_bytes())?;
/// assert_eq!((sweep.len(), skipped), (3, 1));
/// # Ok::<(), mixlaw::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct CsvReader {
    skip_incomplete: bool,
    repeats: bool,
}

impl CsvReader {
    /// Accepts what [`Sweep::read_csv`] does.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Leaves out the rows with an empty cell, which otherwise are an error, and counts them.
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

    /// Reads a file: the sweep, and how many rows were left out.
    ///
    /// # Errors
    /// As [`Sweep::read_csv`].
    pub fn read(&self, path: impl AsRef<Path>) -> Result<(Sweep, usize), Error> {
        let path = path.as_ref();
        let file = File::open(path).map_err(Error::from);
        file.and_then(|file| self.read_from(file)).map_err(|error| error.at(named(path)))
    }

    /// Reads from any reader; otherwise as [`CsvReader::read`].
    ///
    /// # Errors
    /// As [`Sweep::read_csv`].
    pub fn read_from(&self, reader: impl Read) -> Result<(Sweep, usize), Error> {
        let mut records = Records::new(reader);
        let Some((line, bytes)) = records.next()? else {
            return Err(ErrorKind::Empty { what: "a CSV file", part: "line" }.into());
        };
        let columns = text(bytes).and_then(|header| Columns::find(names(&header)));
        let columns = columns.map_err(|error| error.at(Place::Line(line)))?;
        let mut sweep = columns.empty_sweep();
        let (mut lines, mut skipped) = (Vec::new(), 0);
        while let Some((line, bytes)) = records.next()? {
            let added = text(bytes).and_then(|cells| self.add_row(&columns, &cells, &mut sweep));
            match added.map_err(|error| error.at(Place::Line(line)))? {
                true => lines.push(line),
                false => skipped += 1,
            }
        }
        if lines.is_empty() {
            let part =
                if skipped == 0 { "row below its header" } else { "row without empty cells" };
            return Err(ErrorKind::Empty { what: "a CSV file", part }.into());
        }
        sweep.origin = Origin::Lines(lines);
        let allowed = Allowed { repeats: self.repeats, ..Allowed::default() };
        Ok((sweep.validated(allowed)?, skipped))
    }

    /// Adds a row to the sweep; false if it has an empty cell and is left out for that.
    fn add_row(
        &self,
        columns: &Columns,
        cells: &StringRecord,
        sweep: &mut Sweep,
    ) -> Result<bool, Error> {
        let (found, expected) = (cells.len(), columns.header.len());
        if found != expected {
            return Err(ErrorKind::Fields { found, expected }.into());
        }
        let fault = |i: usize, value: String, expected: &'static str| {
            let error = Error::from(ErrorKind::Value { value, expected });
            error.at(Place::Column(columns.header[i].clone()))
        };
        if let Some(&empty) = columns.needed.iter().find(|&&i| cells[i].trim().is_empty()) {
            let error = || fault(empty, "an empty cell".to_owned(), "a value");
            return if self.skip_incomplete { Ok(false) } else { Err(error()) };
        }
        let number = |i: usize| {
            let parsed = cells[i].trim().parse::<f64>();
            parsed.map_err(|_| fault(i, format!("`{}`", cut(&cells[i])), "a number"))
        };
        sweep.n.push(number(columns.n)?);
        sweep.d.push(number(columns.d)?);
        for &(i, _) in &columns.domains {
            sweep.h.push(number(i)?);
        }
        for &(i, _) in &columns.targets {
            sweep.losses.push(number(i)?);
        }
        sweep.runs.extend(columns.run.map(|i| cells[i].trim().to_owned()));
        sweep.splits.push(columns.split.map_or(TRAIN, |i| cells[i].trim()).to_owned());
        Ok(true)
    }
}

impl Sweep {
    /// Reads a sweep from a CSV file.
    ///
    /// The columns, in any order: `run` (optional; otherwise rows that share N and mixture are one
    /// run), `split` (optional; otherwise all rows are `train`), `n_params`, `n_tokens`,
    /// `h_<domain>`... and `loss_<target>`.... Other columns, and those without a name, are ignored
    /// and listed by [`Sweep::ignored_columns`]. A byte order mark and CRLF line ends are accepted.
    /// Every row is validated, whatever its split. [`CsvReader`] has options.
    ///
    /// # Errors
    /// For the first fault; the error names the file, the line (counted from 1, with the header), the
    /// column and the value. [`ErrorKind::RowsDisagree`] if a run has several N or mixtures, or the
    /// same D twice.
    pub fn read_csv(path: impl AsRef<Path>) -> Result<Self, Error> {
        CsvReader::new().read(path).map(|(sweep, _)| sweep)
    }

    /// Reads a sweep in CSV from any reader; otherwise as [`Sweep::read_csv`].
    ///
    /// # Errors
    /// As [`Sweep::read_csv`].
    ///
    /// ```
    /// use mixlaw::Sweep;
    ///
    /// let text = "n_params,n_tokens,h_web,h_code,loss_python\n1e8,2e9,0.7,0.3,2.9\n1e8,4e9,0.7,-0.3,2.8\n";
    /// let error = Sweep::from_csv(text.as_bytes()).unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "line 3, column `h_code`: -0.3, expected a finite domain weight >= 0"
    /// );
    /// ```
    pub fn from_csv(reader: impl Read) -> Result<Self, Error> {
        CsvReader::new().read_from(reader).map(|(sweep, _)| sweep)
    }

    /// Writes the sweep to a CSV file that [`Sweep::read_csv`] reads back to the bit (and
    /// [`CsvReader`] where it has repeated measurements).
    ///
    /// # Errors
    /// [`ErrorKind::Io`] if the file cannot be written.
    pub fn write_csv(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        let file = File::create(path).map_err(Error::from);
        let written = file.and_then(|file| self.to_csv(BufWriter::new(file)));
        written.map_err(|error| error.at(named(path)))
    }

    /// Writes the sweep as CSV to any writer. A loss that is missing is an empty cell.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] if the writer fails.
    ///
    /// ```
    /// # use mixlaw::Sweep;
    /// # let sweep = Sweep::new(&["a"], &["t"], &[1e8], &[1e9], &[1.0], &[3.0])?;
    /// let mut text = Vec::new();
    /// sweep.to_csv(&mut text)?;
    /// assert_eq!(Sweep::from_csv(text.as_slice())?.row(0), sweep.row(0));
    /// # Ok::<(), mixlaw::Error>(())
    /// ```
    pub fn to_csv(&self, writer: impl Write) -> Result<(), Error> {
        let fault = |error: csv::Error| Error::from(io::Error::from(error));
        let mut out = WriterBuilder::new().from_writer(writer);
        let fixed = ["run", "split", "n_params", "n_tokens"].map(str::to_owned);
        let h = self.domains.iter().map(|d| format!("h_{d}"));
        let loss = self.targets.iter().map(|t| format!("loss_{t}"));
        out.write_record(fixed.into_iter().chain(h).chain(loss)).map_err(fault)?;
        for row in self.rows() {
            let numbers = [row.n, row.d].into_iter().chain(row.h.iter().chain(row.losses).copied());
            let names = [row.run, row.split].map(str::to_owned);
            out.write_record(names.into_iter().chain(numbers.map(cell))).map_err(fault)?;
        }
        Ok(out.flush()?)
    }
}

/// A number as a cell, which is empty for a loss that is missing.
fn cell(number: f64) -> String {
    if number.is_nan() { String::new() } else { number.to_string() }
}

/// The file as a place of errors.
fn named(path: &Path) -> Place {
    Place::File(path.display().to_string())
}

/// The names of the columns, without a byte order mark.
fn names(header: &StringRecord) -> Vec<String> {
    let bare = |(i, name): (usize, &str)| {
        let name = if i == 0 { name.trim_start_matches('\u{feff}') } else { name };
        name.trim().to_owned()
    };
    header.iter().enumerate().map(bare).collect()
}

/// Which columns of the file hold what.
struct Columns {
    header: Vec<String>,
    run: Option<usize>,
    split: Option<usize>,
    n: usize,
    d: usize,
    /// Column and name.
    domains: Vec<(usize, String)>,
    targets: Vec<(usize, String)>,
    /// Those whose cells must not be empty, in the order of the file.
    needed: Vec<usize>,
    ignored: Vec<String>,
}

impl Columns {
    fn find(header: Vec<String>) -> Result<Self, Error> {
        let mut seen = HashSet::new();
        if let Some(name) = header.iter().find(|name| !name.is_empty() && !seen.insert(*name)) {
            let (kind, name) = ("column", name.clone());
            return Err(ErrorKind::Repeated { kind, name, group: None }.into());
        }
        let at = |name: &str| header.iter().position(|c| c == name);
        let missing = |name: &str| {
            let (kind, name, found) = ("column", name.to_owned(), header.clone());
            Error::from(ErrorKind::Missing { kind, name, found })
        };
        let need = |name: &str| at(name).ok_or_else(|| missing(name));
        let prefixed = |prefix: &str, example: &str| {
            let bare = |(i, c): (usize, &String)| Some((i, c.strip_prefix(prefix)?.to_owned()));
            let found: Vec<(usize, String)> = header.iter().enumerate().filter_map(bare).collect();
            if found.is_empty() { Err(missing(example)) } else { Ok(found) }
        };
        let (run, split, n, d) = (at("run"), at("split"), need("n_params")?, need("n_tokens")?);
        let domains = prefixed("h_", "h_<domain>")?;
        let targets = prefixed("loss_", "loss_<target>")?;
        let lists = domains.iter().chain(&targets).map(|&(i, _)| i);
        let mut needed: Vec<usize> =
            run.into_iter().chain(split).chain([n, d]).chain(lists).collect();
        needed.sort_unstable();
        let others = header.iter().enumerate().filter(|(i, _)| needed.binary_search(i).is_err());
        let ignored = others.map(|(i, name)| match name.as_str() {
            "" => format!("column {} (no name)", i + 1),
            _ => name.clone(),
        });
        let ignored = ignored.collect();
        Ok(Self { run, split, n, d, domains, targets, needed, ignored, header })
    }

    /// A sweep of these columns without rows.
    fn empty_sweep(&self) -> Sweep {
        let names = |columns: &[(usize, String)]| columns.iter().map(|(_, x)| x.clone()).collect();
        Sweep {
            domains: names(&self.domains),
            targets: names(&self.targets),
            n: Vec::new(),
            d: Vec::new(),
            h: Vec::new(),
            losses: Vec::new(),
            runs: Vec::new(),
            splits: Vec::new(),
            origin: Origin::Lines(Vec::new()),
            ignored: self.ignored.clone(),
        }
    }
}

/// Input whose last line ends with a line feed, too.
struct Lines<R> {
    input: io::Chain<R, &'static [u8]>,
    /// All of it was read, and more was asked for.
    is_exhausted: bool,
}

impl<R: Read> Read for Lines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.is_exhausted |= count == 0 && !buffer.is_empty();
        Ok(count)
    }
}

/// The records of a file and their lines.
struct Records<R> {
    reader: csv::Reader<Lines<R>>,
    record: ByteRecord,
}

impl<R: Read> Records<R> {
    fn new(input: R) -> Self {
        let input = Lines { input: input.chain(b"\n"), is_exhausted: false };
        // Records end at a line feed, so that lines can be counted; a carriage return before it is
        // trimmed with the cell.
        let reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .terminator(Terminator::Any(b'\n'))
            .from_reader(input);
        Self { reader, record: ByteRecord::new() }
    }

    /// The first line of the next record that is not blank, and the record; `None` at the end.
    fn next(&mut self) -> Result<Option<(usize, &ByteRecord)>, Error> {
        loop {
            let more = self.reader.read_byte_record(&mut self.record).map_err(io::Error::from)?;
            if !more {
                return Ok(None);
            }
            let line_feeds = |text: &[u8]| text.iter().filter(|b| **b == b'\n').count();
            let line = usize::try_from(self.reader.position().line()).unwrap_or(usize::MAX);
            // Every record ends at a line feed, unless that is inside of quotes.
            if self.reader.get_ref().is_exhausted {
                let unclosed = self.record.iter().next_back().unwrap_or_default();
                let line = Place::Line(line - line_feeds(unclosed));
                return Err(Error::from(ErrorKind::UnclosedQuote).at(line));
            }
            let blank = self.record.len() == 1 && self.record[0].trim_ascii().is_empty();
            if !blank {
                // The reader is behind the record's line feed; a quoted cell may span lines.
                let line = line - 1 - line_feeds(self.record.as_slice());
                return Ok(Some((line, &self.record)));
            }
        }
    }
}

/// The record as text; bytes that are not UTF-8, or a NUL, make the file a binary one.
fn text(bytes: &ByteRecord) -> Result<StringRecord, Error> {
    if bytes.as_slice().contains(&0) {
        return Err(ErrorKind::NotText.into());
    }
    StringRecord::from_byte_record(bytes.clone()).map_err(|_| ErrorKind::NotText.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Place;

    const GOOD: &str = "run,split,n_params,n_tokens,h_a,h_b,loss_t,loss_u\n\
        r0,train,1e8,1e9,0.5,0.5,3.0,2.0\n\
        r0,train,1e8,2e9,0.5,0.5,2.9,1.9\n\
        r1,eval,4e8,2e9,0.1,0.9,2.8,1.8\n";

    fn message(text: &str) -> String {
        Sweep::from_csv(text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn a_file_is_read_and_written_to_the_bit() {
        let sweep = Sweep::from_csv(GOOD.as_bytes()).unwrap();
        assert_eq!(sweep.domains(), ["a", "b"]);
        assert_eq!(sweep.targets(), ["t", "u"]);
        assert_eq!(sweep.row(2).run, "r1");
        assert_eq!(sweep.split("eval").unwrap().place(0), Place::Line(4));
        let awkward = Sweep::new(
            &["a,\"b\"", "c"],
            &["t\nu"],
            &[0.1 + 0.2, 1e300],
            &[f64::MIN_POSITIVE, 1.0 / 3.0],
            &[1.0 / 3.0, 2.0 / 3.0, 0.0, 1.0],
            &[5e-324, 1.797e308],
        )
        .unwrap();
        for sweep in [sweep, awkward] {
            let mut text = Vec::new();
            sweep.to_csv(&mut text).unwrap();
            let back = Sweep::from_csv(text.as_slice()).unwrap();
            assert_eq!(back.len(), sweep.len());
            assert!(back.rows().zip(sweep.rows()).all(|(a, b)| a == b));
            assert_eq!(back.domains(), sweep.domains());
            assert_eq!(back.targets(), sweep.targets());
        }
    }

    #[test]
    fn column_order_marks_and_line_ends_do_not_matter() {
        let shuffled = "\u{feff}loss_u,h_b,note,n_tokens,split,h_a,loss_t,run,n_params\r\n\
            2.0,0.5,x,1e9,train,0.5,3.0,r0,1e8\r\n\
            1.9,0.5,,2e9,train,0.5,2.9,r0,1e8\r\n\
            1.8,0.9,z,2e9,eval,0.1,2.8,r1,4e8\r\n";
        let a = Sweep::from_csv(GOOD.as_bytes()).unwrap();
        let b = Sweep::from_csv(shuffled.as_bytes()).unwrap();
        assert_eq!(b.ignored_columns(), ["note"]);
        assert_eq!(b.domains(), ["b", "a"]);
        assert_eq!(a.losses_of("t").unwrap(), b.losses_of("t").unwrap());
        assert_eq!(a.losses_of("u").unwrap(), b.losses_of("u").unwrap());
    }

    #[test]
    fn every_fault_names_its_line_column_and_value() {
        let edit = |from: &str, to: &str| message(&GOOD.replacen(from, to, 1));
        let second = "r0,train,1e8,2e9,0.5,0.5,2.9,1.9";
        for (text, expected) in [
            (
                edit("n_params", "params"),
                "line 1: no column `n_params`, there are: run, split, params",
            ),
            (edit("h_a,h_b", "x,y"), "line 1: no column `h_<domain>`"),
            (edit("loss_t,loss_u", "x,y"), "line 1: no column `loss_<target>`"),
            (edit("h_b", "h_"), "domain name `` is empty"),
            (edit("h_b", "h_a"), "line 1: column `h_a` appears twice"),
            (
                edit(second, "r0,train,1e8,2e9,0.5,0.5,two,1.9"),
                "line 3, column `loss_t`: `two`, expected a number",
            ),
            (
                edit(second, "r0,train,1e8,,0.5,0.5,2.9,1.9"),
                "line 3, column `n_tokens`: an empty cell",
            ),
            (edit(second, "r0,,1e8,2e9,0.5,0.5,2.9,1.9"), "line 3, column `split`: an empty cell"),
            (
                edit(second, "r0,train,1e8,2e9,0.5,0.5,NaN,1.9"),
                "line 3, column `loss_t`: NaN, expected a finite loss > 0",
            ),
            (edit(second, "r0,train,1e8,2e9,0.5,0.5,inf,1.9"), "line 3, column `loss_t`: inf"),
            (edit(second, "r0,train,1e8,2e9,0.5,0.5,-2.9,1.9"), "line 3, column `loss_t`: -2.9"),
            (
                edit(second, "r0,train,0,2e9,0.5,0.5,2.9,1.9"),
                "line 3, column `n_params`: 0, expected a finite number > 0",
            ),
            (
                edit(second, "r0,train,1e8,2e9,0.4,0.5,2.9,1.9"),
                "line 3, columns h_a + h_b: the domain weights sum to 0.9",
            ),
            (
                message("n_params,n_tokens,h_a,w_b,loss_t\n1e8,2e9,0.5,0.5,2.9\n"),
                "line 2, columns h_a: the domain weights sum to 0.5, expected 1 (within 1e-6); \
                 ignored columns: w_b",
            ),
            (edit(second, "r0,train,1e8,2e9,-0.5,1.5,2.9,1.9"), "line 3, column `h_a`: -0.5"),
            (edit(second, "r0,other,1e8,2e9,-0.5,1.5,2.9,1.9"), "line 3, column `h_a`: -0.5"),
            (edit(second, "r0,train,1e8,2e9,0.5,0.5,2.9"), "line 3: 7 fields, expected 8"),
            (edit(second, "r0,train,1e8,2e9,0.5,0.5,2.9,1.9,1"), "line 3: 9 fields, expected 8"),
            (message(""), "a CSV file needs at least one line, got none"),
            (message("\n\n"), "a CSV file needs at least one line, got none"),
            (message("n_params,n_tokens,h_a,loss_t\n"), "a CSV file needs at least one row below"),
        ] {
            assert!(text.starts_with(expected), "{text:?} should start with {expected:?}");
        }
    }

    #[test]
    fn lines_are_counted_whatever_ends_and_separates_them() {
        let bad = GOOD.replacen("0.5,0.5,2.9", "0.5,0.5,x", 1);
        let found = |text: &str| message(text).split(',').next().unwrap().to_owned();
        assert_eq!(found(&bad), "line 3");
        assert_eq!(found(&bad.replace('\n', "\r\n")), "line 3");
        assert_eq!(found(&bad.replace("\nr0,train,1e8,2e9", "\n\n \nr0,train,1e8,2e9")), "line 5");
        let quoted = bad.replacen("r0,train", "\"r\n0\",train", 1);
        assert_eq!(found(&quoted), "line 4");
        let last = GOOD.trim_end().replace("2.8,1.8", "2.8,x");
        assert_eq!(found(&last), "line 4");
    }

    #[test]
    fn an_unclosed_quote_is_an_error_at_the_line_that_opens_it() {
        let rows = |range: std::ops::Range<usize>| -> String {
            range.map(|i| format!("r{i},train,1e8,1e9,0.5,0.5,3.0,2.0,\n")).collect()
        };
        let file = |note: &str| {
            let header = "run,split,n_params,n_tokens,h_a,h_b,loss_t,loss_u,note\n";
            format!(
                "{header}{}x,train,2e8,1e9,0.5,0.5,3.0,2.0,{note}\n{}",
                rows(0..3),
                rows(3..998)
            )
        };
        let unclosed = |line: u64| format!("line {line}: a quote is opened here and never closed");
        assert!(message(&file("\"ok")).starts_with(&unclosed(5)));
        assert_eq!(Sweep::from_csv(file("\"ok\"").as_bytes()).unwrap().len(), 999);
        // The header, a cell that begins on a later line of its record, and an end without line feed.
        assert!(message(&file("").replacen("run", "\"run", 1)).starts_with(&unclosed(1)));
        let spanning = file("\"ok").replacen("x,train", "\"x\ny\",train", 1);
        assert!(message(&spanning).starts_with(&unclosed(6)));
        assert!(message(&format!("{}\"", GOOD.trim_end())).starts_with("line 4, column `loss_u`"));
        assert!(message(&format!("{GOOD}\"")).starts_with(&unclosed(5)));
        // Below a chunk of the reader.
        let late = format!("{}{}\"", file(""), rows(998..2_998));
        assert!(message(&late).starts_with(&unclosed(3_001)));
    }

    /// The line of the quote that is open at the end: a quote opens at the start of a cell, and two
    /// are one inside of quotes.
    fn open_quote(text: &[u8]) -> Option<usize> {
        let (mut open, mut start, mut line) = (None, true, 1);
        let mut bytes = text.iter().peekable();
        while let Some(&b) = bytes.next() {
            match (open, b) {
                (Some(_), b'"') if bytes.peek() == Some(&&b'"') => _ = bytes.next(),
                (Some(_), b'"') => open = None,
                (None, b'"') if start => open = Some(line),
                _ => {}
            }
            line += usize::from(b == b'\n');
            start = open.is_none() && (b == b',' || b == b'\n');
        }
        open
    }

    #[test]
    fn quotes_are_open_where_a_count_of_them_says_so() {
        let letters = b"\"\n,a\r";
        let mut found = 0;
        for length in 0..=7u32 {
            for number in 0..letters.len().pow(length) {
                let digit = |i: u32| letters[number / letters.len().pow(i) % letters.len()];
                let text: Vec<u8> = (0..length).map(digit).collect();
                let mut records = Records::new(text.as_slice());
                let end = loop {
                    match records.next() {
                        // A record begins where no quote is open.
                        Ok(Some((line, _))) => {
                            let lines = text.split_inclusive(|b| *b == b'\n');
                            let before: Vec<&[u8]> = lines.take(line - 1).collect();
                            assert_eq!(open_quote(&before.concat()), None);
                        }
                        Ok(None) => break None,
                        Err(error) => match (error.kind(), error.places()) {
                            (ErrorKind::UnclosedQuote, [Place::Line(line)]) => break Some(*line),
                            _ => panic!("{error}"),
                        },
                    }
                };
                assert_eq!(end, open_quote(&text), "{:?}", String::from_utf8_lossy(&text));
                found += usize::from(end.is_some());
            }
        }
        assert!(found > 1_000);
    }

    #[test]
    fn binary_and_absent_files_are_refused() {
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
        let binary = |bytes: &[u8], line: usize| {
            let error = Sweep::from_csv(bytes).unwrap_err();
            assert_eq!(
                (error.kind(), error.places()),
                (&ErrorKind::NotText, &[Place::Line(line)][..])
            );
        };
        binary(png, 1);
        let nul = GOOD.replace("r1", "r\0");
        binary(nul.as_bytes(), 4);
        let absent = Sweep::read_csv("no/such/file.csv").unwrap_err().to_string();
        assert!(absent.starts_with("no/such/file.csv: "), "{absent}");
    }

    #[test]
    fn contradictions_name_both_lines() {
        let second = "r0,train,1e8,2e9,0.5,0.5,2.9,1.9";
        for (row, expected) in [
            ("r0,eval,2e8,2e9,0.5,0.5,2.9,1.9", "line 2 and line 3: run `r0` has `n_params` = "),
            ("r0,eval,1e8,2e9,0.4,0.6,2.9,1.9", "line 2 and line 3: run `r0` has `h_a` = "),
            ("r0,eval,1e8,1e9,0.5,0.5,9,1.9", "line 2 and line 3: run `r0` has D = "),
        ] {
            let text = message(&GOOD.replacen(second, row, 1));
            assert!(text.starts_with(expected), "{text:?} should start with {expected:?}");
        }
        let unnamed = "n_params,n_tokens,h_a,loss_t\n1e8,1e9,1,3\n\n1e8,1e9,1,3.1\n";
        assert!(message(unnamed).starts_with("line 2 and line 4: the same N, D and mixture"));
        let reader = CsvReader::new().repeated_measurements();
        let (sweep, _) = reader.read_from(unnamed.as_bytes()).unwrap();
        let mut text = Vec::new();
        sweep.to_csv(&mut text).unwrap();
        assert!(Sweep::from_csv(text.as_slice()).is_err());
        let (back, _) = reader.read_from(text.as_slice()).unwrap();
        assert!(back.rows().eq(sweep.rows()));
    }

    #[test]
    fn columns_without_a_name_are_ignored_and_listed() {
        // As a spreadsheet leaves them behind the last column, and a data frame before the first.
        let lines = |f: fn(usize, &str) -> String| -> String {
            GOOD.lines().enumerate().map(|(i, line)| f(i, line)).collect()
        };
        let expected = Sweep::from_csv(GOOD.as_bytes()).unwrap();
        let trailing = Sweep::from_csv(lines(|_, line| format!("{line},, \n")).as_bytes()).unwrap();
        assert!(trailing.rows().eq(expected.rows()));
        assert_eq!(trailing.ignored_columns(), ["column 9 (no name)", "column 10 (no name)"]);
        let indexed = lines(|i, line| match i {
            0 => format!(",{line}\n"),
            _ => format!("{},{line}\n", i - 1),
        });
        let indexed = Sweep::from_csv(indexed.as_bytes()).unwrap();
        assert!(indexed.rows().eq(expected.rows()));
        assert_eq!(indexed.ignored_columns(), ["column 1 (no name)"]);
        // A domain that lost its name is missed in the sum.
        assert!(
            message(&GOOD.replacen("h_b", "", 1)).contains("; ignored columns: column 6 (no name)")
        );
    }

    #[test]
    fn messages_are_short_whatever_the_file_holds() {
        let count = 200_000;
        let columns: Vec<String> = (0..count).map(|i| format!("h_{i}")).collect();
        let wide = format!("n_params,{},loss_t\n", columns.join(","));
        let text = message(&wide);
        assert!(text.starts_with("line 1: no column `n_tokens`, there are: n_params, h_0, h_1"));
        assert!(text.ends_with("and 199994 more"), "{text}");
        let cell = "x".repeat(100_000);
        assert!(message(&GOOD.replacen("2e9", &cell, 1)).len() < 200);
        let weights = vec!["0.5"; count].join(",");
        let rows =
            wide.replacen("n_params", "n_params,n_tokens", 1) + &format!("1e8,1e9,{weights},3\n");
        let text = message(&rows);
        assert!(text.len() < 300 && text.contains("h_7 and 199992 more"), "{text}");
    }

    #[test]
    fn skipping_counts_what_it_skips() {
        let text = GOOD.replacen("2.9,1.9", "2.9,", 1);
        let (sweep, skipped) =
            CsvReader::new().skip_incomplete().read_from(text.as_bytes()).unwrap();
        assert_eq!((sweep.len(), skipped), (2, 1));
        assert_eq!(sweep.place(1), Place::Line(4));
        let bad = text.replace("0.1,0.9", "0.1,0.8");
        assert!(CsvReader::new().skip_incomplete().read_from(bad.as_bytes()).is_err());
    }
}
