//! What a sweep holds, so that a mistake in a table is seen at once.

use std::fmt;

use super::Sweep;
use crate::error::cut;

/// So many sizes or numbers of tokens are listed; of more there is the range.
const LISTED: usize = 6;

/// Rows, runs and distinct mixtures, then N and D, the splits with their rows, the range of each domain's
/// weight, for each target how many rows have a loss and the range of these, the range of each of
/// [`Sweep::columns`], and what was ignored in a file. Numbers are rounded to four digits.
///
/// ```
/// use mixlaw::Sweep;
///
/// // D was written in billions, which is seen here, and not as an error.
/// let h = [0.5, 0.5, 0.95, 0.05, 0.2, 0.8];
/// let (n, d) = ([1e8, 1e8, 4e8], [2.1, 2.1, 4.2]);
/// let sweep = Sweep::new(&["web", "code"], &["qa"], &n, &d, &h, &[3.25, 3.0, 2.5])?;
/// assert_eq!(
///     sweep.to_string(),
///     "3 rows, 3 runs, 3 distinct mixtures
/// N         1e8, 4e8
/// D         2.1, 4.2
/// splits    train 3 rows
/// weights
///   web     0.2 to 0.95
///   code    0.05 to 0.8
/// losses
///   qa      2.5 to 3.25, 3 rows"
/// );
/// # Ok::<(), mixlaw::Error>(())
/// ```
impl fmt::Display for Sweep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = self.summary();
        let wide = |(name, _): &(String, String)| name.chars().count();
        let width = lines.iter().map(wide).max().unwrap_or(0).max(8);
        let (rows, runs, mixtures) = (self.len(), self.count_runs(), self.count_mixtures());
        let (rows, runs) = (count(rows, "row"), count(runs, "run"));
        write!(f, "{rows}, {runs}, {}", count(mixtures, "distinct mixture"))?;
        for (name, text) in lines {
            let line = format!("{name:width$}  {text}");
            write!(f, "\n{}", line.trim_end())?;
        }
        Ok(())
    }
}

impl Sweep {
    /// The lines of the summary below its first: what each is about, and what there is to say.
    fn summary(&self) -> Vec<(String, String)> {
        let of = |name: &str, text: String| (name.to_owned(), text);
        let inner = |name: &str, text: String| (format!("  {}", cut(name)), text);
        let splits = self.split_counts().into_iter();
        let splits: Vec<String> =
            splits.map(|(name, rows)| format!("{} {}", cut(&name), count(rows, "row"))).collect();
        let mut lines = vec![of("N", values(&self.n)), of("D", values(&self.d))];
        lines.push(of("splits", splits.join(", ")));
        lines.push(of("weights", String::new()));
        for (name, (low, high)) in self.domains.iter().zip(self.weight_ranges()) {
            lines.push(inner(name, range(low, high)));
        }
        lines.push(of("losses", String::new()));
        let losses = self.losses();
        for ((name, rows), column) in self.count_losses().iter().zip(losses.columns()) {
            let found = column.iter().copied().filter(|loss| !loss.is_nan());
            let rows = count(*rows, "row");
            let text = ends(found).map_or(rows.clone(), |(low, high)| {
                let range = range(low, high);
                format!("{range}, {rows}")
            });
            lines.push(inner(name, text));
        }
        if !self.columns.is_empty() {
            lines.push(of("columns", String::new()));
        }
        for (i, name) in self.columns.iter().enumerate() {
            let (low, high) = ends(self.rows().map(|row| row.columns[i])).unwrap_or_default();
            lines.push(inner(name, range(low, high)));
        }
        if !self.ignored.is_empty() {
            let names: Vec<_> =
                self.ignored.iter().map(|name| format!("`{}`", cut(name))).collect();
            lines.push(of("ignored", names.join(", ")));
        }
        lines
    }
}

/// `1 row`, `2 rows`.
pub(super) fn count(number: usize, of: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{number} {of}{s}")
}

/// The distinct values, or between which they are and how many.
fn values(all: &[f64]) -> String {
    let mut distinct = all.to_vec();
    distinct.sort_by(f64::total_cmp);
    distinct.dedup();
    if distinct.len() <= LISTED {
        return distinct.into_iter().map(number).collect::<Vec<_>>().join(", ");
    }
    let (first, last) = (distinct[0], distinct[distinct.len() - 1]);
    format!("{}, {} values", range(first, last), distinct.len())
}

fn ends(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.fold(None, |ends, x| {
        let (low, high) = ends.unwrap_or((x, x));
        Some((low.min(x), high.max(x)))
    })
}

/// Ends that are equal once; those that look alike are no one number.
fn range(low: f64, high: f64) -> String {
    if low == high {
        return number(low);
    }
    format!("{} to {}", number(low), number(high))
}

/// Four digits without zeros at the end: `0.25`, `1234`, `4.1e8`.
pub(super) fn number(x: f64) -> String {
    if x == 0.0 {
        return "0".to_owned();
    }
    if !x.is_finite() {
        return x.to_string();
    }
    let rounded = format!("{x:.3e}");
    let (digits, power) = rounded.split_once('e').unwrap_or((&rounded, "0"));
    let short = if digits.contains('.') { digits.trim_end_matches('0') } else { digits };
    let short = short.trim_end_matches('.');
    match rounded.parse::<f64>() {
        Ok(value) if (1e-3..1e4).contains(&value.abs()) => format!("{value}"),
        _ => format!("{short}e{power}"),
    }
}
