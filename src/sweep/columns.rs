//! Columns of one's own.

use super::{Sweep, check_name, shape};
use crate::error::{Error, ErrorKind, Place};

/// What a column of one's own must hold, for errors.
pub(super) const EXPECTED: &str = "a finite number";

impl Sweep {
    /// The names of the columns that rows carry beside N, D, weights and losses, in the order in which
    /// they were added; none unless [`Sweep::with_column`] or `SweepReader::column` asks for them.
    #[must_use]
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The numbers of one of [`Sweep::columns`], one for each row.
    ///
    /// # Errors
    /// [`ErrorKind::Unknown`] if the sweep has no such column.
    pub fn column(&self, name: &str) -> Result<Vec<f64>, Error> {
        let column =
            self.columns.iter().position(|c| c == name).ok_or_else(|| ErrorKind::Unknown {
                kind: "column",
                name: name.to_owned(),
                known: self.columns.clone(),
            })?;
        let width = self.columns.len();
        Ok(self.values.iter().skip(column).step_by(width).copied().collect())
    }

    /// The sweep with one more number for each row, such as the tokens that its run was planned for, or
    /// its seed. Nothing in the crate reads it unless it is named; splits, selections, joins and files
    /// keep it; a file is read again with it by `SweepReader::column`.
    ///
    /// # Errors
    /// [`ErrorKind::Length`] if there is not one value for each row, [`ErrorKind::Value`] with the row of
    /// a value that is not finite, [`ErrorKind::Repeated`] if the sweep has a column of this name, and
    /// [`ErrorKind::Name`] if the name is empty, has white space around it or is that of another column of
    /// a CSV file (`run`, `split`, `n_params`, `n_tokens`, `h_...`, `loss_...`).
    ///
    /// ```
    /// use mixlaw::Sweep;
    ///
    /// // Two checkpoints of a run that was planned for 4e9 tokens.
    /// let sweep = Sweep::new(&["web"], &["web"], &[1e8; 2], &[2e9, 4e9], &[1.0; 2], &[3.1, 2.9])?;
    /// let sweep = sweep.with_column("planned_tokens", &[4e9; 2])?;
    /// assert_eq!(sweep.columns(), ["planned_tokens"]);
    /// let last = sweep.select(|row| row.d == row.columns[0])?;
    /// assert_eq!(last.column("planned_tokens")?, [4e9]);
    /// # Ok::<(), mixlaw::Error>(())
    /// ```
    pub fn with_column(self, name: &str, values: &[f64]) -> Result<Self, Error> {
        check_column(name)?;
        if self.columns.iter().any(|column| column == name) {
            let (kind, name) = ("column", name.to_owned());
            return Err(ErrorKind::Repeated { kind, name, group: None }.into());
        }
        shape(&format!("the column `{name}`"), values.len(), self.len())?;
        let width = self.columns.len();
        let row = |(i, &value): (usize, &f64)| {
            self.values[i * width..(i + 1) * width].iter().copied().chain([value])
        };
        let values = values.iter().enumerate().flat_map(row).collect();
        let columns = self.columns.iter().cloned().chain([name.to_owned()]).collect();
        let sweep = Self { columns, values, ..self };
        (0..sweep.len()).try_for_each(|i| sweep.check_columns(i))?;
        Ok(sweep)
    }

    /// The row's numbers in the columns of one's own.
    pub(super) fn columns_of(&self, i: usize) -> &[f64] {
        let width = self.columns.len();
        &self.values[i * width..(i + 1) * width]
    }

    /// Checks the row's numbers in the columns of one's own.
    pub(super) fn check_columns(&self, i: usize) -> Result<(), Error> {
        let mut values = self.columns.iter().zip(self.columns_of(i));
        let Some((name, value)) = values.find(|(_, value)| !value.is_finite()) else {
            return Ok(());
        };
        let kind = ErrorKind::Value { value: value.to_string(), expected: EXPECTED };
        Err(Error::from(kind).at(Place::Column(name.clone())).at(self.place(i)))
    }
}

/// A column must not be taken for another one when a file is read again.
pub(super) fn check_column(name: &str) -> Result<(), Error> {
    check_name("column", name)?;
    let is_fixed = ["run", "split", "n_params", "n_tokens"].contains(&name);
    if is_fixed || name.starts_with("h_") || name.starts_with("loss_") {
        let problem = "is that of another column of a sweep, expected a name of its own";
        return Err(ErrorKind::Name { kind: "column", name: name.to_owned(), problem }.into());
    }
    Ok(())
}
