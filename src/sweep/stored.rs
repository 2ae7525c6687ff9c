//! Sweeps as they are stored.

use serde::{Deserialize, Serialize};

use super::{Allowed, Origin, Sweep, shape};
use crate::error::Error;
use crate::stored::Version;

/// A [`Sweep`] as it is in a file, not checked.
#[derive(Serialize, Deserialize)]
#[serde(expecting = "a sweep")]
pub(super) struct StoredSweep {
    mixlaw: Version,
    domains: Vec<String>,
    targets: Vec<String>,
    /// Names of columns of one's own; the first files had none.
    #[serde(default)]
    columns: Vec<String>,
    /// The numbers of the rows without it.
    #[serde(default)]
    origin: Option<Origin>,
    #[serde(default)]
    ignored: Vec<String>,
    /// Whether a run may have a D several times.
    #[serde(default)]
    repeated_measurements: bool,
    /// Whether losses may be NaN.
    #[serde(default)]
    missing_losses: bool,
    rows: Vec<StoredRow>,
}

/// By the names of a CSV file's columns, which are those of errors too.
#[derive(Serialize, Deserialize)]
struct StoredRow {
    run: String,
    split: String,
    n_params: f64,
    n_tokens: f64,
    h: Vec<f64>,
    #[serde(with = "crate::stored::number")]
    losses: Vec<f64>,
    #[serde(default)]
    columns: Vec<f64>,
}

impl From<Sweep> for StoredSweep {
    fn from(sweep: Sweep) -> Self {
        let rows = sweep.rows().map(|row| StoredRow {
            run: row.run.to_owned(),
            split: row.split.to_owned(),
            n_params: row.n,
            n_tokens: row.d,
            h: row.h.to_vec(),
            losses: row.losses.to_vec(),
            columns: row.columns.to_vec(),
        });
        let rows = rows.collect();
        let repeated_measurements = sweep.repeated_rows().is_some();
        let missing_losses = sweep.losses.iter().any(|loss| loss.is_nan());
        let Sweep { domains, targets, columns, origin, ignored, .. } = sweep;
        Self {
            mixlaw: Version,
            domains,
            targets,
            columns,
            origin: Some(origin),
            ignored,
            repeated_measurements,
            missing_losses,
            rows,
        }
    }
}

impl TryFrom<StoredSweep> for Sweep {
    type Error = Error;

    fn try_from(stored: StoredSweep) -> Result<Self, Error> {
        let StoredSweep { domains, targets, columns, origin, ignored, rows, .. } = stored;
        for (i, row) in rows.iter().enumerate() {
            shape(&format!("h of row {i}"), row.h.len(), domains.len())?;
            shape(&format!("losses of row {i}"), row.losses.len(), targets.len())?;
            shape(&format!("columns of row {i}"), row.columns.len(), columns.len())?;
        }
        let numbers = |of: fn(&StoredRow) -> f64| rows.iter().map(of).collect::<Vec<f64>>();
        let lists = |of: fn(&StoredRow) -> &[f64]| rows.iter().flat_map(of).copied().collect();
        let names = |of: fn(&StoredRow) -> &str| rows.iter().map(of).collect::<Vec<&str>>();
        let (h, losses): (Vec<f64>, Vec<f64>) = (lists(|row| &row.h), lists(|row| &row.losses));
        let (n, d) = (numbers(|row| row.n_params), numbers(|row| row.n_tokens));
        // Errors name the row of this file, the sweep's own that of its first one.
        let builder = Sweep::builder(&domains, &targets)
            .runs(&names(|row| &row.run))
            .splits(&names(|row| &row.split));
        let allowed = Allowed {
            repeats: stored.repeated_measurements,
            missing_losses: stored.missing_losses,
        };
        let mut sweep = builder.allowing(allowed).build(&n, &d, &h, &losses)?;
        for (j, name) in columns.iter().enumerate() {
            let values: Vec<f64> = rows.iter().map(|row| row.columns[j]).collect();
            sweep = sweep.with_column(name, &values)?;
        }
        let origin = origin.unwrap_or_else(|| sweep.origin.clone());
        shape("origin", origin.len()?, sweep.len())?;
        Ok(Sweep { origin, ignored, ..sweep })
    }
}
