//! What a run has to say: a text for people and JSON for programs.

use std::io::Write as _;

use mixlaw::predictor::Interval;
use serde_json::{Map, Value, json};

use crate::Result;

/// What came out of a run. It is printed only when all is done, so that a run that fails prints
/// nothing.
#[derive(Debug)]
pub struct Report {
    pub text: String,
    pub json: Value,
}

impl Report {
    /// Writes the JSON to its file, if there is one, and prints the text; `-` prints the JSON alone.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn deliver(&self, file: Option<&str>) -> Result<()> {
        let Some(path) = file else { return print(&self.text) };
        let json = serde_json::to_string_pretty(&self.json)? + "\n";
        if path == "-" {
            return print(&json);
        }
        std::fs::write(path, json).map_err(|error| format!("--json: {path}: {error}"))?;
        print(&self.text)
    }
}

/// Prints a text, and ends the program quietly when nobody reads on, as behind `| head`.
///
/// # Errors
/// If it cannot be printed for another reason.
pub fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Named numbers as an object.
pub fn object(pairs: impl IntoIterator<Item = (String, f64)>) -> Map<String, Value> {
    pairs.into_iter().map(|(name, value)| (name, json!(value))).collect()
}

/// The weights of a mixture by the names of the domains.
pub fn named(domains: &[String], h: &[f64]) -> Map<String, Value> {
    object(domains.iter().cloned().zip(h.iter().copied()))
}

pub fn interval(x: &Interval) -> Value {
    json!({ "estimate": x.estimate, "lower": x.lower, "upper": x.upper })
}

/// Fractions are percent in tables and JSON.
pub fn percent(fraction: f64) -> f64 {
    100.0 * fraction
}
