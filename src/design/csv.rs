//! Designs as tables.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use csv::WriterBuilder;

use super::Design;
use crate::error::{Error, Place};
use crate::sweep::TRAIN;

impl Design {
    /// Writes the table to a file; otherwise as [`Design::to_csv`].
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::error::ErrorKind::Io) if the file cannot be written; the error names it.
    pub fn write_csv(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        let file = File::create(path).map_err(Error::from);
        let written = file.and_then(|file| self.to_csv(BufWriter::new(file)));
        written.map_err(|error| error.at(Place::File(path.display().to_string())))
    }

    /// Writes the table as CSV to any writer, with a row for each of [`Design::checkpoints`]. Its columns
    /// are those of a sweep, `run`, `split`, `n_params`, `n_tokens` and `h_<domain>`, then
    /// `tokens_<domain>`, `epochs_<domain>` and `keep_<domain>` where they are known, which readers of
    /// sweeps ignore, and `loss_<target>` without a loss. Once these are filled in,
    /// [`Sweep::read_csv`](crate::Sweep::read_csv) reads it.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::error::ErrorKind::Io) if the writer fails.
    ///
    /// ```
    /// use mixlaw::Sweep;
    /// use mixlaw::design::Design;
    ///
    /// let builder = Design::builder(&["web", "code"]).sizes(&[1e7, 2e7, 4e7]).targets(&["qa"]);
    /// let mut table = Vec::new();
    /// builder.build()?.to_csv(&mut table)?;
    /// // Every line ends in an empty cell.
    /// let filled = String::from_utf8(table).unwrap().replace(",\n", ",2.5\n");
    /// let sweep = Sweep::from_csv(filled.as_bytes())?;
    /// assert_eq!((sweep.len(), sweep.count_mixtures()), (68, 8));
    /// assert_eq!(sweep.ignored_columns(), ["tokens_web", "tokens_code"]);
    /// # Ok::<(), mixlaw::Error>(())
    /// ```
    pub fn to_csv(&self, writer: impl Write) -> Result<(), Error> {
        let fault = |error: csv::Error| Error::from(io::Error::from(error));
        let mut out = WriterBuilder::new().from_writer(writer);
        out.write_record(self.columns()).map_err(fault)?;
        for row in self.checkpoints() {
            let mut cells = vec![row.run, TRAIN.to_owned()];
            let known = row.epochs.iter().chain(&row.keep).flatten();
            let numbers = [row.scale.n, row.scale.d].into_iter();
            let numbers = numbers.chain(row.h.iter().chain(&row.tokens).chain(known).copied());
            cells.extend(numbers.map(|number| number.to_string()));
            cells.resize(cells.len() + self.targets.len(), String::new());
            out.write_record(cells).map_err(fault)?;
        }
        Ok(out.flush()?)
    }

    fn columns(&self) -> Vec<String> {
        let mut columns = ["run", "split", "n_params", "n_tokens"].map(str::to_owned).to_vec();
        let known: Vec<&String> = self
            .domains
            .iter()
            .zip(&self.unique)
            .filter(|(_, u)| u.is_some())
            .map(|(d, _)| d)
            .collect();
        let kept = if self.matched.is_some() { known.clone() } else { Vec::new() };
        columns.extend(self.domains.iter().map(|domain| format!("h_{domain}")));
        columns.extend(self.domains.iter().map(|domain| format!("tokens_{domain}")));
        columns.extend(known.iter().map(|domain| format!("epochs_{domain}")));
        columns.extend(kept.iter().map(|domain| format!("keep_{domain}")));
        columns.extend(self.targets.iter().map(|target| format!("loss_{target}")));
        columns
    }
}
