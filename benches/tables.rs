//! Tables to measure readers on, and the `csv` crate's own reading of them.

use std::error::Error;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use csv::ByteRecord;

/// Checkpoints of a run.
const CHECKPOINTS: usize = 20;

/// A file that is removed in the end.
pub struct TempFile(pub PathBuf);

impl Drop for TempFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// A table of runs with a mixture each; weights times `factor`.
pub fn table(rows: usize, columns: usize, factor: f64) -> Result<TempFile, Box<dyn Error>> {
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

/// The records by the `csv` crate, and what `each` does with them.
pub fn records(path: &Path, mut each: impl FnMut(&ByteRecord)) {
    let mut reader = csv::ReaderBuilder::new().from_path(path).expect("the file");
    let mut record = ByteRecord::new();
    while reader.read_byte_record(&mut record).expect("a record") {
        each(&record);
    }
}

/// Every number of the table of [`table`], row by row, by the `csv` crate and the standard library.
pub fn numbers(path: &Path) -> Vec<f64> {
    let mut numbers: Vec<f64> = Vec::new();
    records(path, |record| {
        let cells = record.iter().skip(2);
        let text = cells.map(|cell| std::str::from_utf8(cell).expect("text"));
        numbers.extend(text.map(|cell| cell.parse::<f64>().expect("a number")));
    });
    numbers
}
