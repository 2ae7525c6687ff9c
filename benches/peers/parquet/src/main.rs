//! A sweep from a Parquet file, by the arrow crates.
//!
//! `cargo run -- [FILE]`; without a file it writes one first.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, RecordBatch, StringArray, UInt64Array};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Float64Type};
use mixlaw::{Scale, Sweep};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

/// A column of numbers, NaN where a cell is null.
fn numbers(column: &ArrayRef) -> Result<Vec<f64>, Box<dyn Error>> {
    let column = cast(column, &DataType::Float64)?;
    let cells = column.as_primitive::<Float64Type>().iter();
    Ok(cells.map(|cell| cell.unwrap_or(f64::NAN)).collect())
}

/// The sweep of the columns `run`, `n_params`, `n_tokens`, `h_<domain>` and `loss_<target>`.
fn sweep(path: &Path) -> Result<Sweep, Box<dyn Error>> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path)?)?.build()?;
    let batches = reader.collect::<Result<Vec<RecordBatch>, _>>()?;
    let schema = batches.first().ok_or("a file without rows")?.schema();
    let table = concat_batches(&schema, &batches)?;
    let column = |name: &str| table.column_by_name(name).ok_or(format!("no column `{name}`"));
    let (n, d) = (numbers(column("n_params")?)?, numbers(column("n_tokens")?)?);
    let runs = cast(column("run")?, &DataType::Utf8)?;
    let runs = runs.as_string::<i32>();
    let mut rows = Sweep::from_rows(0..table.num_rows(), |i| Scale { n: n[i], d: d[i] })
        .run(|i| if runs.is_valid(i) { runs.value(i) } else { "" })
        .missing_losses();
    for (field, cells) in schema.fields().iter().zip(table.columns()) {
        if let Some(domain) = field.name().strip_prefix("h_") {
            let weights = numbers(cells)?;
            rows = rows.domain(domain, |i| weights[i]);
        } else if let Some(target) = field.name().strip_prefix("loss_") {
            let losses = numbers(cells)?;
            rows = rows.target(target, |i| losses[i]);
        }
    }
    Ok(rows.build()?)
}

/// A file to try it on.
fn example() -> Result<PathBuf, Box<dyn Error>> {
    let path = std::env::temp_dir().join(format!("mixlaw-{}.parquet", std::process::id()));
    let columns: BTreeMap<&str, ArrayRef> = BTreeMap::from([
        ("run", Arc::new(StringArray::from(vec!["a", "a", "b", "b"])) as ArrayRef),
        ("n_params", Arc::new(UInt64Array::from(vec![100_000_000; 4]))),
        ("n_tokens", Arc::new(UInt64Array::from_iter_values((1..5).map(|i| i * 1_000_000_000)))),
        ("h_web", Arc::new(Float64Array::from(vec![0.8, 0.8, 0.5, 0.5]))),
        ("h_code", Arc::new(Float64Array::from(vec![0.2, 0.2, 0.5, 0.5]))),
        ("loss_python", Arc::new(Float64Array::from(vec![3.1, 3.0, 2.8, 2.7]))),
        ("loss_qa", Arc::new(Float64Array::from(vec![None, Some(3.5), None, Some(3.6)]))),
    ]);
    let table = RecordBatch::try_from_iter(columns)?;
    let mut writer = ArrowWriter::try_new(File::create(&path)?, table.schema(), None)?;
    writer.write(&table)?;
    writer.close()?;
    Ok(path)
}

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).map(PathBuf::from);
    let path = path.map_or_else(example, Ok)?;
    let sweep = sweep(&path)?;
    println!("{}: {} rows of {:?}", path.display(), sweep.len(), sweep.domains());
    println!("losses: {:?}", sweep.count_losses());
    Ok(())
}
