//! A sweep from a polars `DataFrame`, whatever made it: here a table that is written out below.
//!
//! `cargo run --release --bin mixlaw-polars`

use std::error::Error;
use std::f64::consts::LN_2;

use mixlaw::{Scale, Sweep};
use polars::prelude::*;

/// A column of numbers, NaN where a cell is null.
fn numbers(frame: &DataFrame, name: &str) -> PolarsResult<Vec<f64>> {
    let column = frame.column(name)?.cast(&DataType::Float64)?;
    Ok(column.f64()?.iter().map(|cell| cell.unwrap_or(f64::NAN)).collect())
}

fn names<'a>(frame: &'a DataFrame, name: &str) -> PolarsResult<Vec<&'a str>> {
    Ok(frame.column(name)?.str()?.iter().map(Option::unwrap_or_default).collect())
}

/// Weights in percent under `mix/`, losses in bits under `eval/`, some of which were not measured.
fn sweep(frame: &DataFrame) -> Result<Sweep, Box<dyn Error>> {
    let (n, d) = (numbers(frame, "params")?, numbers(frame, "tokens")?);
    let runs = names(frame, "name")?;
    let mut rows = Sweep::from_rows(0..frame.height(), |i| Scale { n: n[i], d: d[i] })
        .run(|i| runs[i])
        .missing_losses();
    for column in frame.get_column_names_str() {
        let cells = || numbers(frame, column);
        if let Some(domain) = column.strip_prefix("mix/") {
            let percent = cells()?;
            rows = rows.domain(domain, |i| percent[i] / 100.0);
        } else if let Some(target) = column.strip_prefix("eval/") {
            let bits = cells()?;
            rows = rows.target(target, |i| bits[i] * LN_2);
        }
    }
    Ok(rows.build()?)
}

fn main() -> Result<(), Box<dyn Error>> {
    let frame = df!(
        "name" => ["a", "a", "b", "b"],
        "params" => [100_000_000i64; 4],
        "tokens" => [1e9, 2e9, 1e9, 2e9],
        "mix/web" => [80.0, 80.0, 50.0, 50.0],
        "mix/code" => [20, 20, 50, 50],
        "eval/python" => [Some(4.5), Some(4.3), Some(4.1), Some(3.9)],
        "eval/qa" => [None, Some(5.0), None, Some(5.2)],
    )?;
    let sweep = sweep(&frame)?;
    println!("{} rows, {} runs of {:?}", sweep.len(), sweep.count_runs(), sweep.domains());
    println!("losses: {:?}", sweep.count_losses());
    Ok(())
}
