//! How fast a table is read, and what memory that takes, beside the `csv` crate's own reading of the same
//! file: its records alone, and its records with every number parsed into one vector.
//!
//! `cargo bench --bench read -- [ROWS] [COLUMNS]`, 100,000 rows of 30 columns by default: run, N, D, a
//! split, half of the others weights and half losses. Memory is the most that the heap holds at once
//! while a file is read.

mod counting;

use std::error::Error;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::hint::black_box;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use counting::{Counting, allocations, peak};
use csv::ByteRecord;
use mixlaw::sweep::{SweepReader, Weights};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Checkpoints of a run.
const CHECKPOINTS: usize = 20;

/// A file that is removed in the end.
struct TempFile(PathBuf);

impl Drop for TempFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// A table of runs with a mixture each; weights times `factor`.
fn table(rows: usize, columns: usize, factor: f64) -> Result<TempFile, Box<dyn Error>> {
    let name = format!("mixlaw-read-{}-{factor}.csv", std::process::id());
    let file = TempFile(std::env::temp_dir().join(name));
    let mut out = BufWriter::new(File::create(&file.0)?);
    let domains = (columns - 4) / 2;
    let targets = columns - 4 - domains;
    let mut line = String::from("run,split,n_params,n_tokens");
    (0..domains).for_each(|i| write!(line, ",h_{i}").expect("a string"));
    (0..targets).for_each(|i| write!(line, ",loss_{i}").expect("a string"));
    writeln!(out, "{line}")?;
    for row in 0..rows {
        let (run, checkpoint) = (row / CHECKPOINTS, row % CHECKPOINTS);
        line.clear();
        write!(line, "run{run},train,{},{}", 1e8 + run as f64, 1e9 * (checkpoint + 1) as f64)?;
        let parts: Vec<f64> =
            (0..domains).map(|i| 1.0 + ((run * 31 + i * 17) % 101) as f64).collect();
        let sum: f64 = parts.iter().sum();
        parts.iter().for_each(|x| write!(line, ",{}", factor * x / sum).expect("a string"));
        for i in 0..targets {
            write!(line, ",{:.6}", 2.0 + ((row * 7 + i * 13) % 1009) as f64 / 1009.0)?;
        }
        writeln!(out, "{line}")?;
    }
    out.flush()?;
    Ok(file)
}

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

/// The records by the `csv` crate, and what `each` does with them.
fn records(path: &Path, mut each: impl FnMut(&ByteRecord)) {
    let mut reader = csv::ReaderBuilder::new().from_path(path).expect("the file");
    let mut record = ByteRecord::new();
    while reader.read_byte_record(&mut record).expect("a record") {
        each(&record);
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let numbers = std::env::args().skip(1).filter(|arg| !arg.starts_with("--"));
    let numbers = numbers.map(|arg| arg.parse()).collect::<Result<Vec<usize>, _>>()?;
    let rows = numbers.first().copied().unwrap_or(100_000);
    let columns = numbers.get(1).copied().unwrap_or(30).max(6);
    let (plain, percent) = (table(rows, columns, 1.0)?, table(rows, columns, 100.0)?);
    let size = fs::metadata(&plain.0)?.len() as f64;
    println!("{rows} rows of {columns} columns, {:.1} MB", size / 1e6);

    measure("csv: records", rows, || {
        records(&plain.0, |record| {
            black_box(record);
        });
    });
    measure("csv: records, numbers parsed", rows, || {
        let mut numbers: Vec<f64> = Vec::new();
        records(&plain.0, |record| {
            let cells = record.iter().skip(2);
            let text = cells.map(|cell| std::str::from_utf8(cell).expect("text"));
            numbers.extend(text.map(|cell| cell.parse::<f64>().expect("a number")));
        });
        black_box(numbers);
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
