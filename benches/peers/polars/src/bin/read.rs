//! How fast a table is read and what memory that takes: the `csv` crate's own reading, mixlaw's
//! `SweepReader` and polars, which has a thread for each core unless `POLARS_MAX_THREADS` says otherwise.
//!
//! `cargo run --release --bin read -- [ROWS] [COLUMNS]`, 1,000,000 rows of 30 columns by default, as in
//! `benches/read.rs`. Memory is the most that the heap of all threads holds at once; each reader reads
//! once for time and once for memory. Files that polars maps into memory are not on the heap.

#[path = "../../../../tables.rs"]
mod tables;

use std::alloc::{GlobalAlloc, Layout, System};
use std::error::Error;
use std::fs;
use std::hint::black_box;
use std::sync::atomic::{AtomicIsize, Ordering::Relaxed};
use std::time::Instant;

use mixlaw::sweep::SweepReader;
use polars::prelude::*;
use tables::{numbers, records, table};

/// The system's allocator, which counts the bytes in use of all threads together.
struct Counting;

static IN_USE: AtomicIsize = AtomicIsize::new(0);
static PEAK: AtomicIsize = AtomicIsize::new(0);

fn note(change: isize) {
    let in_use = IN_USE.fetch_add(change, Relaxed) + change;
    PEAK.fetch_max(in_use, Relaxed);
}

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size() as isize);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        note(-(layout.size() as isize));
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(size as isize - layout.size() as isize);
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn measure(name: &str, rows: usize, mut read: impl FnMut()) {
    let began = Instant::now();
    read();
    let seconds = began.elapsed().as_secs_f64();
    let before = IN_USE.load(Relaxed);
    PEAK.store(before, Relaxed);
    read();
    let peak = (PEAK.load(Relaxed) - before) as f64 / 1e6;
    println!("{name:32} {:10.0} rows/s {peak:10.1} MB", rows as f64 / seconds);
}

fn main() -> Result<(), Box<dyn Error>> {
    let sizes = std::env::args().skip(1).map(|arg| arg.parse());
    let sizes = sizes.collect::<Result<Vec<usize>, _>>()?;
    let rows = sizes.first().copied().unwrap_or(1_000_000);
    let columns = sizes.get(1).copied().unwrap_or(30).max(6);
    let file = table(rows, columns, 1.0)?;
    let path = &file.0;
    let megabytes = fs::metadata(path)?.len() as f64 / 1e6;
    println!("{rows} rows of {columns} columns, {megabytes:.1} MB");

    measure("csv: records", rows, || {
        records(path, |record| {
            black_box(record);
        });
    });
    measure("csv: records, numbers parsed", rows, || {
        black_box(numbers(path));
    });
    measure("SweepReader", rows, || {
        black_box(SweepReader::new().read(path).expect("a sweep"));
    });
    let threads = std::env::var("POLARS_MAX_THREADS").unwrap_or_else(|_| "all".to_owned());
    measure(&format!("polars, threads: {threads}"), rows, || {
        let reader = CsvReadOptions::default().try_into_reader_with_file_path(Some(path.clone()));
        black_box(reader.and_then(|reader| reader.finish()).expect("a frame"));
    });
    Ok(())
}
