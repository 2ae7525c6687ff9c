//! The sweep of a run, read once and checked against the flags.

use std::fmt::Display;

use mixlaw::sweep::{EVAL, TRAIN};
use mixlaw::{Mixture, Scale, Sweep};

use crate::Result;
use crate::flags::Flags;
use crate::reading;

const EMBEDDED: &str = include_str!("../../../examples/data/byte_sweep.csv");

/// A sweep and its parts.
#[derive(Debug)]
pub struct Data {
    /// The paths, or that it is the embedded sweep.
    pub name: String,
    pub sweep: Sweep,
    pub train: Sweep,
    /// None if no row is one of these.
    pub eval: Option<Sweep>,
    /// The targets asked for, or all.
    pub targets: Vec<String>,
    /// N and D to choose mixtures for: those asked for, or the largest of the train and eval rows.
    pub scale: Scale,
}

impl Data {
    /// Reads the sweep that the flags name, or the embedded one. Rows that are not used are noted on
    /// stderr.
    ///
    /// # Errors
    /// If it is no sweep, it has no train rows, or a flag names a target that it does not have.
    pub fn load(flags: &Flags) -> Result<Self> {
        flags.schedule.check()?;
        let (name, sweep) = read(flags)?;
        for (split, count) in sweep.split_counts() {
            if split != TRAIN && split != EVAL {
                eprintln!("note: {count} rows of split `{split}` are not used");
            }
        }
        for (domain, _) in &flags.unique {
            if !sweep.domains().contains(domain) {
                let known = sweep.domains().join(", ");
                return Err(format!("--unique: unknown `{domain}`, {name} has: {known}").into());
            }
        }
        let weighted = flags.weights.iter().flatten().map(|(target, _)| ("weights", target));
        let asked_for = flags.targets.iter().flatten().map(|target| ("targets", target));
        for (flag, target) in asked_for.chain(weighted) {
            if !sweep.targets().contains(target) {
                let known = sweep.targets().join(", ");
                return Err(format!("--{flag}: unknown `{target}`, {name} has: {known}").into());
            }
        }
        let train = sweep.split(TRAIN).map_err(|error| in_file(&name, error))?;
        let eval = sweep.split(EVAL).ok();
        let all = std::iter::once(&train).chain(&eval).flat_map(Sweep::rows);
        let scale = flags.at.unwrap_or_else(|| {
            all.fold(Scale { n: 0.0, d: 0.0 }, |most, row| {
                let Scale { n, d } = row.scale();
                Scale { n: most.n.max(n), d: most.d.max(d) }
            })
        });
        let targets = flags.targets.clone().unwrap_or_else(|| sweep.targets().to_vec());
        Ok(Self { name, sweep, train, eval, targets, scale })
    }

    /// Whether the embedded sweep was read.
    pub fn is_embedded(&self, flags: &Flags) -> bool {
        flags.paths.is_empty()
    }

    /// The message with what was read in front.
    pub fn fault(&self, error: impl Display) -> Box<dyn std::error::Error> {
        in_file(&self.name, error)
    }

    /// Whether a target is also a domain.
    pub fn is_domain(&self, target: &str) -> bool {
        self.train.domains().iter().any(|domain| domain == target)
    }
}

/// The rows that the flags name, of every split, and what they are called: the paths, or the embedded sweep.
///
/// # Errors
/// If they are no sweep; the message names the file of several that the fault is in.
pub fn read(flags: &Flags) -> Result<(String, Sweep)> {
    let name = match flags.paths.as_slice() {
        [] => "embedded sweep".to_owned(),
        paths => paths.join(", "),
    };
    let column = flags.schedule.planned.iter();
    let reader = column.fold(flags.reader.clone(), |reader, name| reader.column(name));
    let sweep = reading::read(&reader, &flags.paths, EMBEDDED);
    let sweep = sweep.and_then(|sweep| flags.schedule.apply(sweep));
    let sweep = sweep.map_err(|error| match flags.paths.len() {
        0 | 1 => in_file(&name, error),
        _ => error.into(),
    })?;
    Ok((name, sweep))
}

/// The mixtures of the rows, each once.
pub fn mixtures(sweep: &Sweep) -> Vec<Mixture> {
    let one = |h: &[f64]| Mixture::new(h).expect("a sweep's rows are mixtures");
    sweep.distinct_mixtures().iter().map(|group| one(group.first.h)).collect()
}

/// The message with the name of the file in front, once.
fn in_file(name: &str, error: impl Display) -> Box<dyn std::error::Error> {
    let message = error.to_string();
    if message.starts_with(name) { message.into() } else { format!("{name}: {message}").into() }
}
