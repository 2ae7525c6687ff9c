//! `mixlaw show`: what a table holds, and what looks like a mistake in it.

use std::fmt::Write as _;

use mixlaw::Sweep;
use mixlaw::sweep::Warning;
use serde_json::{Map, Value, json};

use super::Command;
use crate::Result;
use crate::flags::{Flags, Given};
use crate::load;
use crate::report::Report;

/// It has no flags of its own.
#[derive(Debug, Default)]
pub struct Show;

impl Command for Show {
    const NAME: &'static str = "show";
    const ABOUT: &'static str =
        "Shows what a table holds, and what looks like a mistake; it fits nothing";
    const SHARED: &'static [&'static str] = &["json"];
    const HELP: &'static str =
        "With --planned-column alone, runs that do not reach the end of their schedule are shown.";

    fn take(&mut self, _: &str, _: &mut dyn FnMut() -> Result<Given>) -> Result<bool> {
        Ok(false)
    }

    fn run(&self, flags: &Flags) -> Result<Report> {
        // Planned tokens alone are enough here, where nothing is done with the rows.
        if flags.schedule.planned.is_none() {
            flags.schedule.check()?;
        }
        let (name, sweep) = load::read(flags)?;
        let mut warnings = sweep.warnings();
        if let Some(planned) = &flags.schedule.planned {
            warnings.extend(sweep.schedule_warnings(planned)?);
        }
        let mut text = format!("{name}\n{sweep}\n");
        if warnings.is_empty() {
            text += "no warnings\n";
        }
        for warning in &warnings {
            writeln!(text, "warning: {warning}")?;
        }
        Ok(Report { text, json: to_json(&sweep, &warnings) })
    }
}

fn to_json(sweep: &Sweep, warnings: &[Warning]) -> Value {
    let ranges = |names: &[String], values: &dyn Fn(usize) -> Vec<f64>| -> Map<String, Value> {
        let range = |(i, name): (usize, &String)| (name.clone(), ends(&values(i)));
        names.iter().enumerate().map(range).collect()
    };
    let losses = sweep.count_losses().into_iter().enumerate().map(|(i, (target, rows))| {
        let found = sweep.rows().map(|row| row.losses[i]).filter(|loss| !loss.is_nan());
        (target, json!({ "rows": rows, "range": ends(&found.collect::<Vec<_>>()) }))
    });
    let splits = sweep.split_counts().into_iter().map(|(split, rows)| (split, json!(rows)));
    json!({
        "rows": sweep.len(),
        "runs": sweep.count_runs(),
        "mixtures": sweep.count_mixtures(),
        "n": distinct(sweep.n()),
        "d": distinct(sweep.d()),
        "splits": splits.collect::<Map<_, _>>(),
        "weights": ranges(sweep.domains(), &|i| sweep.rows().map(|row| row.h[i]).collect()),
        "losses": losses.collect::<Map<_, _>>(),
        "columns": ranges(sweep.columns(), &|i| sweep.rows().map(|row| row.columns[i]).collect()),
        "ignored": sweep.ignored_columns(),
        "warnings": warnings.iter().map(of_warning).collect::<Vec<_>>(),
    })
}

/// The least and the greatest, or nothing.
fn ends(values: &[f64]) -> Value {
    let least = values.iter().copied().reduce(f64::min);
    least.map_or(Value::Null, |least| json!([least, values.iter().fold(least, |a, b| a.max(*b))]))
}

fn distinct(values: &[f64]) -> Vec<f64> {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values.dedup();
    values
}

/// Its kind, and the line that is printed of it.
fn of_warning(warning: &Warning) -> Value {
    let (kind, name) = match warning {
        Warning::SplitName { split, .. } => ("split_name", Some(split)),
        Warning::NoTrainRows => ("no_train_rows", None),
        Warning::OneSize { .. } => ("one_size", None),
        Warning::OneD { .. } => ("one_d", None),
        Warning::MixtureOnce { run, .. } => ("mixture_once", Some(run)),
        Warning::LossesRise { target, .. } => ("losses_rise", Some(target)),
        Warning::FewLosses { target, .. } => ("few_losses", Some(target)),
        Warning::NoFinalCheckpoint { column, .. } => ("no_final_checkpoint", Some(column)),
        _ => ("other", None),
    };
    json!({ "kind": kind, "name": name, "text": warning.to_string() })
}
