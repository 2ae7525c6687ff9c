//! What a reader left out and changed.

use std::fmt;

/// What [`SweepReader`](super::SweepReader) did to a table: how many rows it read and kept, and all
/// that it left out or changed, none of which it does without being asked.
///
/// It prints one fact on each line.
///
/// ```
/// use mixlaw::sweep::SweepReader;
///
/// let text = "n_params,n_tokens,h_web,h_code,loss_python,outlier\n\
///     1e8,2e9,0.7,0.3,2.9,0\n\
///     1e8,4e9,0.7,0.296,2.8,0\n\
///     1e8,8e9,0.7,0.3,9.9,1\n";
/// let reader = SweepReader::new().filter("outlier", |cell| cell == "0").normalize(0.01);
/// let (_, report) = reader.read_from(text.as_bytes())?;
/// assert_eq!(
///     report.to_string(),
///     "3 rows read, 2 kept\n\
///      1 row left out by the filter of `outlier`\n\
///      1 row normalised: the sum of its weights was off by at most 0.004"
/// );
/// # Ok::<(), mixlaw::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct ReadReport {
    /// Rows of all files.
    pub rows: usize,
    /// Rows that the sweep has.
    pub kept: usize,
    /// For each filter, in their order, its column and the rows that it left out; a row counts for the
    /// first filter that it does not pass.
    pub filtered: Vec<(String, usize)>,
    /// Rows left out because they have an empty cell, or no loss at all.
    pub incomplete: usize,
    /// Rows whose weights were divided by their sum. Token counts, which always are, do not count.
    pub normalized: usize,
    /// The most that the sum of such a row was from 1.
    pub largest_change: f64,
    /// For each target, in the order of the sweep, the losses that are missing in the rows kept.
    pub missing: Vec<(String, usize)>,
    /// Columns that are not part of the sweep and that no filter reads.
    pub ignored_columns: Vec<String>,
}

impl ReadReport {
    /// Whether the sweep has all rows as they are in the table, whatever columns it ignored.
    #[must_use]
    pub fn is_unchanged(&self) -> bool {
        let has_all = self.missing.iter().all(|(_, count)| *count == 0);
        self.rows == self.kept && self.normalized == 0 && has_all
    }
}

impl fmt::Display for ReadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = |count: usize| format!("{count} {}", if count == 1 { "row" } else { "rows" });
        write!(f, "{} read, {} kept", rows(self.rows), self.kept)?;
        for (column, count) in &self.filtered {
            write!(f, "\n{} left out by the filter of `{column}`", rows(*count))?;
        }
        if self.incomplete > 0 {
            write!(f, "\n{} left out as incomplete", rows(self.incomplete))?;
        }
        if self.normalized > 0 {
            let whose = if self.normalized == 1 { "its" } else { "their" };
            let (rows, most) = (rows(self.normalized), self.largest_change);
            // Without the rounding of the sum.
            let most = (most * 1e9).round() / 1e9;
            write!(f, "\n{rows} normalised: the sum of {whose} weights was off by at most {most}")?;
        }
        for (target, count) in self.missing.iter().filter(|(_, count)| *count > 0) {
            write!(f, "\n{count} of {} losses of `{target}` missing", self.kept)?;
        }
        if !self.ignored_columns.is_empty() {
            write!(f, "\nignored columns: {}", self.ignored_columns.join(", "))?;
        }
        Ok(())
    }
}
