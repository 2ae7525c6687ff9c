//! Sweeps in CSV files.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;

use csv::WriterBuilder;

use super::Sweep;
use super::reader::{SweepReader, named};
use crate::error::Error;

impl Sweep {
    /// Reads a sweep from a CSV file.
    ///
    /// The columns, in any order: `run` (optional; otherwise rows that share N and mixture are one
    /// run), `split` (optional; otherwise all rows are `train`), `n_params`, `n_tokens`,
    /// `h_<domain>`... and `loss_<target>`.... Other columns, and those without a name, are ignored
    /// and listed by [`Sweep::ignored_columns`]. A byte order mark and CRLF line ends are accepted.
    /// Every row is validated, whatever its split. [`SweepReader`] reads tables of other forms.
    ///
    /// # Errors
    /// For the first fault; the error names the file, the line (counted from 1, with the header), the
    /// column and the value. [`ErrorKind::RowsDisagree`](crate::error::ErrorKind::RowsDisagree) if a
    /// run has several N or mixtures, or the same D twice.
    pub fn read_csv(path: impl AsRef<Path>) -> Result<Self, Error> {
        SweepReader::new().read(path).map(|(sweep, _)| sweep)
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
        SweepReader::new().read_from(reader).map(|(sweep, _)| sweep)
    }

    /// Writes the sweep to a CSV file that [`Sweep::read_csv`] reads back to the bit (and
    /// [`SweepReader`] where it has repeated measurements, lacks losses or has columns of one's own).
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::error::ErrorKind::Io) if the file cannot be written.
    pub fn write_csv(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        let file = File::create(path).map_err(Error::from);
        let written = file.and_then(|file| self.to_csv(BufWriter::new(file)));
        written.map_err(|error| error.at(named(path)))
    }

    /// Writes the sweep as CSV to any writer. A loss that is missing is an empty cell.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::error::ErrorKind::Io) if the writer fails.
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
        let own = self.columns.iter().cloned();
        out.write_record(fixed.into_iter().chain(h).chain(loss).chain(own)).map_err(fault)?;
        for row in self.rows() {
            let lists = row.h.iter().chain(row.losses).chain(row.columns).copied();
            let numbers = [row.n, row.d].into_iter().chain(lists);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{ErrorKind, Place};

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
            (edit("h_b", "h_"), "line 1: domain name `` is empty"),
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
        let reader = SweepReader::new().repeated_measurements();
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
        let (sweep, report) =
            SweepReader::new().skip_incomplete().read_from(text.as_bytes()).unwrap();
        assert_eq!((sweep.len(), report.rows, report.incomplete), (2, 3, 1));
        assert_eq!(sweep.place(1), Place::Line(4));
        let bad = text.replace("0.1,0.9", "0.1,0.8");
        assert!(SweepReader::new().skip_incomplete().read_from(bad.as_bytes()).is_err());
    }
}
