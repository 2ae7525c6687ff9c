//! How the table is read: flags of all subcommands.

use mixlaw::sweep::{ReadReport, SweepReader, Weights};
use mixlaw::{Error, Sweep};

use crate::Result;
use crate::flags::Given;

/// The lines of these flags in the help.
pub const HELP: &str = "\
How the file is read; several files with the same domains and targets are joined:
  --n-column NAME         [default: n_params]
  --d-column NAME         [default: n_tokens]
  --run-column NAME       [default: run, if there is one]
  --split-column NAME     [default: split, if there is one]
  --weight-columns PREFIX before the name of a domain [default: h_]
  --weight-column COLUMN=DOMAIN
                          one column by its name; may be repeated
  --loss-columns PREFIX   before the name of a target [default: loss_]
  --loss-column COLUMN=TARGET
                          one column by its name; may be repeated
  --no-weights DOMAIN     the table has no weights: all of it is this domain
  --ignore-case           in the names of columns
  --delimiter CHARACTER   between cells, or tab [default: ,]
  --json-lines            an object on each line
  --units                 N and D as 410M, 1.3B; K, M, B or G, and T
  --weights-as KIND       fraction, percent or tokens [default: fraction]
  --normalize TOLERANCE   divide weights by their sum if it is so near to 1
  --missing CELL,CELL     cells of losses that are missing; nothing between commas is an empty cell
  --where COLUMN=VALUE    only rows with this cell; may be repeated
  --skip-incomplete       leave out rows with an empty cell
  --repeated-measurements a checkpoint may have been measured several times
";

/// Takes a flag of [`HELP`]; false if there is no such flag.
///
/// # Errors
/// If the value is not one that the flag can have.
pub fn take(
    reader: &mut SweepReader,
    flag: &str,
    value: &mut dyn FnMut() -> Result<Given>,
) -> Result<bool> {
    let old = std::mem::take(reader);
    let column = |given: Given, expected: &str| -> Result<(String, String)> {
        let (column, name) = given.sides(&given.text, '=', expected)?;
        if column.is_empty() || name.is_empty() {
            return Err(given.wrong(&given.text, expected));
        }
        Ok((column.to_owned(), name.to_owned()))
    };
    *reader = match flag {
        "n-column" => old.n_column(value()?.name()?),
        "d-column" => old.d_column(value()?.name()?),
        "run-column" => old.run_column(value()?.name()?),
        "split-column" => old.split_column(value()?.name()?),
        "weight-columns" => old.weight_columns(value()?.name()?),
        "weight-column" => {
            let (column, domain) = column(value()?, "COLUMN=DOMAIN")?;
            old.weight_column(column, domain)
        }
        "loss-columns" => old.loss_columns(value()?.name()?),
        "loss-column" => {
            let (column, target) = column(value()?, "COLUMN=TARGET")?;
            old.loss_column(column, target)
        }
        "no-weights" => old.no_weights(value()?.name()?),
        "ignore-case" => old.ignore_case(),
        "delimiter" => {
            let given = value()?;
            let delimiter = match given.text.as_bytes() {
                b"tab" => b'\t',
                [one] if one.is_ascii() && !b"\"\r\n\0".contains(one) => *one,
                _ => {
                    let expected = "tab, or one ASCII character that is no quote or line end";
                    return Err(given.wrong(&given.text, expected));
                }
            };
            old.delimiter(delimiter)
        }
        "json-lines" => old.json_lines(),
        "units" => old.units(),
        "weights-as" => match value()?.one_of(&["fraction", "percent", "tokens"])? {
            "percent" => old.weights_as(Weights::Percent),
            "tokens" => old.weights_as(Weights::Tokens),
            _ => old.weights_as(Weights::Fraction),
        },
        "normalize" => old.normalize(value()?.share()?),
        "missing" => {
            let given = value()?;
            let cells: Vec<&str> = given.text.split(',').map(str::trim).collect();
            if let Some((_, cell)) =
                cells.iter().enumerate().find(|(i, cell)| cells[..*i].contains(cell))
            {
                return Err(format!("--missing: `{cell}` appears twice").into());
            }
            old.missing(&cells)
        }
        "where" => {
            let given = value()?;
            let (column, cell) = given.sides(&given.text, '=', "COLUMN=VALUE")?;
            if column.is_empty() {
                return Err(given.wrong(&given.text, "COLUMN=VALUE"));
            }
            let cell = cell.to_owned();
            old.filter(column, move |other| other == cell)
        }
        "skip-incomplete" => old.skip_incomplete(),
        "repeated-measurements" => old.repeated_measurements(),
        _ => {
            *reader = old;
            return Ok(false);
        }
    };
    Ok(true)
}

/// Reads the files, or the text without any. What was left out or changed is noted on stderr.
///
/// # Errors
/// If they are no sweep.
pub fn read(reader: &SweepReader, paths: &[String], text: &str) -> Result<Sweep, Error> {
    let (sweep, report) = match paths {
        [] => reader.read_from(text.as_bytes()),
        [path] => reader.read(path),
        paths => reader.read_all(paths),
    }?;
    note(&report);
    Ok(sweep)
}

fn note(report: &ReadReport) {
    if !report.is_unchanged() || !report.ignored_columns.is_empty() {
        report.to_string().lines().for_each(|line| eprintln!("note: {line}"));
    }
}
