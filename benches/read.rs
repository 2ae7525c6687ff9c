//! How fast a table is read, and what memory that takes, beside the `csv` crate's own reading of the same
//! file: its records alone, and its records with every number parsed into one vector. Beside polars:
//! `benches/peers/polars`.
//!
//! `cargo bench --bench read -- [ROWS] [COLUMNS]`, 100,000 rows of 30 columns by default: run, N, D, a
//! split, half of the others weights and half losses. Memory is the most that the heap holds at once
//! while a file is read.

mod counting;
mod tables;

use std::error::Error;
use std::fs;
use std::hint::black_box;
use std::time::Instant;

use counting::{Counting, allocations, peak};
use mixlaw::sweep::{SweepReader, Weights};
use tables::{numbers, records, table};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Reads the file twice, for time and for memory, and prints both.
fn measure(name: &str, rows: usize, mut read: impl FnMut()) {
    let began = Instant::now();
    read();
    let seconds = began.elapsed().as_secs_f64();
    let mut count = 0;
    let bytes = peak(|| count = allocations(&mut read));
    println!(
        "{name:40} {:10.0} rows/s {:10.1} MB {:10.2} allocations a row",
        rows as f64 / seconds,
        bytes as f64 / 1e6,
        count as f64 / rows as f64
    );
}

fn main() -> Result<(), Box<dyn Error>> {
    let sizes = std::env::args().skip(1).filter(|arg| !arg.starts_with("--"));
    let sizes = sizes.map(|arg| arg.parse()).collect::<Result<Vec<usize>, _>>()?;
    let rows = sizes.first().copied().unwrap_or(100_000);
    let columns = sizes.get(1).copied().unwrap_or(30).max(6);
    let (plain, percent) = (table(rows, columns, 1.0)?, table(rows, columns, 100.0)?);
    let size = fs::metadata(&plain.0)?.len() as f64;
    println!("{rows} rows of {columns} columns, {:.1} MB", size / 1e6);

    measure("csv: records", rows, || {
        records(&plain.0, |record| {
            black_box(record);
        });
    });
    measure("csv: records, numbers parsed", rows, || {
        black_box(numbers(&plain.0));
    });
    measure("SweepReader", rows, || {
        black_box(SweepReader::new().read(&plain.0).expect("a sweep"));
    });
    let percents = SweepReader::new().weights_as(Weights::Percent).units().missing(&["", "NaN"]);
    let percents = percents.filter("split", |cell| cell != "early");
    measure("SweepReader: percent, units, a filter", rows, || {
        black_box(percents.read(&percent.0).expect("a sweep"));
    });
    Ok(())
}
