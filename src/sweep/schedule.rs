//! What share of its schedule a checkpoint has seen.

use std::collections::HashMap;

use super::Sweep;
use crate::error::{Error, ErrorKind, Place, cut};

/// By how much D may be above the tokens that were planned, which are often round numbers.
const ABOVE: f64 = 0.01;

impl Sweep {
    /// The share `D / planned` of its run's schedule that each row has seen, where `planned` is the
    /// [column](Sweep::columns) of the tokens that runs were planned for.
    ///
    /// Where the learning rate decays, a checkpoint in the middle of a run is not what training to its D
    /// would give. Such a schedule cannot be seen in a table: it is said by this column. See
    /// [schedules](crate::guide::schedules_and_repeats).
    ///
    /// # Errors
    /// [`ErrorKind::Unknown`] if the sweep has no such column, [`ErrorKind::Value`] with the row if a
    /// number of tokens is not above 0, or D is above it by more than 1%, and
    /// [`ErrorKind::RowsDisagree`] if rows of one run differ in it.
    ///
    /// ```
    /// use mixlaw::Sweep;
    ///
    /// let sweep = Sweep::new(&["web"], &["web"], &[1e8; 2], &[2e9, 4e9], &[1.0; 2], &[3.1, 2.9])?;
    /// let sweep = sweep.with_column("planned_tokens", &[8e9; 2])?;
    /// assert_eq!(sweep.schedule_shares("planned_tokens")?, [0.25, 0.5]);
    /// // Planned in billions.
    /// let wrong = sweep.with_column("planned", &[8.0; 2])?;
    /// let error = wrong.schedule_shares("planned").unwrap_err().to_string();
    /// assert!(error.starts_with("row 0, column `planned`: 8, expected"));
    /// # Ok::<(), mixlaw::Error>(())
    /// ```
    pub fn schedule_shares(&self, planned: &str) -> Result<Vec<f64>, Error> {
        let tokens = self.column(planned)?;
        let mut first = HashMap::new();
        for (i, &planned_tokens) in tokens.iter().enumerate() {
            let fault = |expected| {
                let kind = ErrorKind::Value { value: planned_tokens.to_string(), expected };
                Err(Error::from(kind).at(Place::Column(planned.to_owned())).at(self.place(i)))
            };
            if planned_tokens <= 0.0 {
                return fault("a number of tokens > 0");
            }
            if self.d[i] > (1.0 + ABOVE) * planned_tokens {
                return fault("the tokens of the whole run, which are no fewer than the row's D");
            }
            let earlier = *first.entry(self.runs[i].as_str()).or_insert(i);
            if tokens[earlier] != planned_tokens {
                return Err(self.two_plans(earlier, i, planned, &tokens));
            }
        }
        Ok(self.d.iter().zip(tokens).map(|(d, planned)| d / planned).collect())
    }

    fn two_plans(&self, first: usize, other: usize, column: &str, tokens: &[f64]) -> Error {
        let (run, a, b) = (cut(&self.runs[first]), tokens[first], tokens[other]);
        let column = cut(column);
        let problem =
            format!("run `{run}` has `{column}` = {a} and {b}, expected one number in a run");
        let (first, other) = (self.place(first), self.place(other));
        ErrorKind::RowsDisagree { first, other, problem }.into()
    }

    /// The rows that have seen at least this share of their run's schedule, in order
    /// ([`Sweep::schedule_shares`]): with a share of 1 those at the end of it, with 0.5 the last half of
    /// each run. What is left out is the difference in [`Sweep::len`].
    ///
    /// Where `planned` is a round number, the last D is often a little less: a share of 0.99 has them.
    ///
    /// # Errors
    /// As [`Sweep::schedule_shares`], [`ErrorKind::Setting`] if the share is not above 0 and at most 1, and
    /// [`ErrorKind::Empty`] if there are no such rows.
    ///
    /// ```
    /// use mixlaw::Sweep;
    ///
    /// // Two runs, one of which was stopped early.
    /// let d = [2e9, 4e9, 2e9, 3e9];
    /// let (h, losses) = ([0.2, 0.8, 0.2, 0.8, 0.5, 0.5, 0.5, 0.5], [3.1, 2.9, 3.0, 2.8]);
    /// let sweep = Sweep::new(&["web", "code"], &["web"], &[1e8; 4], &d, &h, &losses)?;
    /// let sweep = sweep.with_column("planned_tokens", &[4e9; 4])?;
    /// assert_eq!(sweep.late_checkpoints("planned_tokens", 1.0)?.d(), [4e9]);
    /// assert_eq!(sweep.late_checkpoints("planned_tokens", 0.7)?.d(), [4e9, 3e9]);
    /// # Ok::<(), mixlaw::Error>(())
    /// ```
    pub fn late_checkpoints(&self, planned: &str, share: f64) -> Result<Sweep, Error> {
        if !(share > 0.0 && share <= 1.0) {
            let name = "the least share of a schedule";
            return Err(Error::setting(name, share, "a number above 0 and at most 1"));
        }
        let shares = self.schedule_shares(planned)?;
        let rows: Vec<usize> = (0..self.len()).filter(|&i| shares[i] >= share).collect();
        if rows.is_empty() {
            let what = "a selection of late checkpoints";
            return Err(ErrorKind::Empty { what, part: "row" }.into());
        }
        Ok(self.take(&rows))
    }

    /// Says that the last checkpoint of every run is at the end of its schedule: the sweep with one more
    /// column of this name, the largest D of each row's run. Splits do not matter to it; call it before
    /// rows are selected.
    ///
    /// # Errors
    /// As [`Sweep::with_column`].
    ///
    /// ```
    /// use mixlaw::Sweep;
    ///
    /// let sweep = Sweep::new(&["web"], &["web"], &[1e8; 2], &[2e9, 4e9], &[1.0; 2], &[3.1, 2.9])?;
    /// let sweep = sweep.with_last_as_planned("planned_tokens")?;
    /// assert_eq!(sweep.column("planned_tokens")?, [4e9, 4e9]);
    /// # Ok::<(), mixlaw::Error>(())
    /// ```
    pub fn with_last_as_planned(self, name: &str) -> Result<Self, Error> {
        let mut last: HashMap<&str, f64> = HashMap::new();
        for (run, &d) in self.runs.iter().zip(&self.d) {
            let most = last.entry(run).or_insert(d);
            *most = most.max(d);
        }
        let planned: Vec<f64> = self.runs.iter().map(|run| last[run.as_str()]).collect();
        self.with_column(name, &planned)
    }
}
