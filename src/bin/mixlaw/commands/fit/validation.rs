//! The embedded sweep comes with a check: models of the largest size, trained on mixtures that fits
//! made before had predicted to be the best, and on plain ones, three seeds each.

use std::fmt::Write as _;

use mixlaw::{Scale, Sweep};

use crate::Result;
use crate::laws::Fitted;

const VALIDATION: &str = include_str!("../../../../../examples/data/byte_validation.csv");

/// Writes what was measured beside what the laws predict.
///
/// # Errors
/// If a law cannot predict it.
pub fn write(out: &mut String, fits: &[Fitted], laws: &[String]) -> Result<()> {
    let validation = Sweep::from_csv(VALIDATION.as_bytes())?;
    let at = validation.row(0).scale();
    let all: Vec<&str> = validation.targets().iter().map(String::as_str).collect();
    let domains: Vec<&str> = validation.domains().iter().map(String::as_str).collect();
    let rest: Vec<&str> = all.into_iter().filter(|t| !domains.contains(t)).collect();
    writeln!(out, "\nMeasured at N = {:.4e}, D = {:.4e}, three seeds each", at.n, at.d)?;
    for targets in std::iter::once(domains.clone()).chain(rest.into_iter().map(|t| vec![t])) {
        let laws: Vec<&String> = laws.iter().filter(|law| has(fits, law, &targets)).collect();
        if laws.is_empty() {
            continue;
        }
        let goal = if targets.len() > 1 { "mean of the domains" } else { targets[0] };
        write!(out, "\n{goal:32} measured (sd)     ")?;
        for law in &laws {
            write!(out, " {law:>10}")?;
        }
        writeln!(out)?;
        let measured = measured(&validation, &targets)?;
        for x in &measured {
            write!(out, "  {:30} {:.4} ({:.4})   ", x.name, x.mean, x.deviation)?;
            for law in &laws {
                write!(out, " {:10.4}", predicted(fits, law, &targets, at, &x.h)?)?;
            }
            writeln!(out)?;
        }
        write_verdicts(out, &measured, &targets)?;
    }
    writeln!(
        out,
        "\nThe mixtures named best were chosen before these runs, by fits of the same train rows:\n\
         best4 for the mean of the domains, bestrust for rust, which is never trained on. Each\n\
         figure above is about these runs alone; three seeds tell differences of some 0.01 in nats."
    )?;
    Ok(())
}

/// Whether the mixtures that were predicted to be the best are better than uniform.
fn write_verdicts(out: &mut String, measured: &[Measured], targets: &[&str]) -> Result<()> {
    let uniform = measured.iter().find(|x| x.name == "uniform").expect("it was trained");
    let chosen = if targets.len() > 1 { "best4".to_owned() } else { format!("best{}", targets[0]) };
    for x in measured.iter().filter(|x| x.name.starts_with(&chosen)) {
        // The standard error of a difference of two means of `seeds` runs each.
        let error = ((x.deviation.powi(2) + uniform.deviation.powi(2)) / x.seeds as f64).sqrt();
        let gain = uniform.mean - x.mean;
        let verdict = match gain / error {
            t if t > 3.0 => "lower than uniform",
            t if t < -3.0 => "higher than uniform",
            _ => "not told from uniform by these runs",
        };
        writeln!(out, "  uniform - {}: {gain:+.4} +- {error:.4}, {verdict}", x.name)?;
    }
    Ok(())
}

fn has(fits: &[Fitted], law: &str, targets: &[&str]) -> bool {
    targets.iter().all(|t| fits.iter().any(|x| x.law == law && x.fit.target() == *t))
}

/// The mean over targets that a law predicts.
fn predicted(fits: &[Fitted], law: &str, targets: &[&str], at: Scale, h: &[f64]) -> Result<f64> {
    let mut sum = 0.0;
    for x in fits.iter().filter(|x| x.law == law && targets.contains(&x.fit.target())) {
        sum += x.fit.predict(at, h)?;
    }
    Ok(sum / targets.len() as f64)
}

/// The loss measured at one mixture, over seeds.
struct Measured {
    name: String,
    h: Vec<f64>,
    mean: f64,
    deviation: f64,
    seeds: usize,
}

/// The mean of some targets, measured at each mixture; a run is named `size-mixture-seed`.
fn measured(validation: &Sweep, targets: &[&str]) -> Result<Vec<Measured>> {
    let mut losses = vec![0.0; validation.len()];
    for target in targets {
        for (sum, loss) in losses.iter_mut().zip(validation.losses_of(target)?) {
            *sum += loss / targets.len() as f64;
        }
    }
    let mut groups: Vec<(String, Vec<f64>, Vec<f64>)> = Vec::new();
    for (row, loss) in validation.rows().zip(losses) {
        let name = row.run.split('-').nth(1).unwrap_or(row.run).to_owned();
        match groups.iter_mut().find(|(known, ..)| *known == name) {
            Some((_, _, losses)) => losses.push(loss),
            None => groups.push((name, row.h.to_vec(), vec![loss])),
        }
    }
    let summary = |(name, h, losses): (String, Vec<f64>, Vec<f64>)| {
        let seeds = losses.len();
        let mean = losses.iter().sum::<f64>() / seeds as f64;
        let squares: f64 = losses.iter().map(|x| (x - mean).powi(2)).sum();
        let deviation = (squares / (seeds.max(2) - 1) as f64).sqrt();
        Measured { name, h, mean, deviation, seeds }
    };
    Ok(groups.into_iter().map(summary).collect())
}
