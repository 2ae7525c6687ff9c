//! The main job: fit the paper's laws to a sweep of small runs, see how well they predict held-out
//! rows, and find the best mixtures at the largest scale.
//!
//! `cargo run --release --example fit` runs on the embedded byte-level sweep; `-- --help` lists the
//! flags.

mod common;

use common::{Best, Fitted, Options, Result, say};
use mixlaw::Scale;
use mixlaw::Sweep;
use mixlaw::plan::{Extrapolation, Outside};
use mixlaw::sweep::TRAIN;
use serde_json::Value;

const SWEEP: &str = include_str!("data/byte_sweep.csv");
const VALIDATION: &str = include_str!("data/byte_validation.csv");

fn main() {
    common::main("Fits scaling laws to a sweep and finds the best mixture.", run);
}

fn run(options: &Options) -> Result<()> {
    let sweep = common::read_sweep(options, SWEEP)?;
    let fits = common::fit_all(&sweep, options)?;
    say!("Mean relative error in percent, train / held out\n\n");
    say!("{}\n", common::error_table(&fits, &options.laws));
    let bounded: Vec<&Fitted> = fits.iter().filter(|x| !x.fit.at_bound().is_empty()).collect();
    if !bounded.is_empty() {
        say!("Coefficients that ended on a bound; the data does not determine them:\n");
        for x in bounded {
            say!("  {:17} {:15} {}\n", x.law, x.fit.target(), x.fit.at_bound().join(", "));
        }
        say!("\n");
    }

    let mixtures = common::best_mixtures(&sweep, &fits, options)?;
    let train = sweep.split(TRAIN)?;
    if let Some(Best { choice: at, .. }) = mixtures.first() {
        say!("Best mixtures at N = {:.4e}, D = {:.4e}\n\n", at.n, at.d);
    }
    for best in &mixtures {
        let Best { law, choice, uniform_loss, .. } = best;
        let optimum = &choice.optimum;
        say!("{law}, {}\n", best.goal());
        say!("  {:.3}\n", optimum.weights.named(&choice.domains));
        common::print_blind(choice);
        say!("  predicted loss {:.4}, uniform {:.4}\n", optimum.value, uniform_loss);
        for Outside { domain, weight, lower, upper, .. } in
            Extrapolation::of(choice, &train)?.weights
        {
            say!("  extrapolates: {domain} {weight:.3}, trained on {lower:.3} to {upper:.3}\n");
        }
    }
    if options.path.is_none() {
        print_validation(&fits, options)?;
    }
    let mixtures: Vec<Value> = mixtures.iter().map(|x| common::mixture_json(x).into()).collect();
    common::write_json(options, &fits, &mixtures)
}

/// The embedded sweep comes with a check: models of the largest size, trained on mixtures that fits
/// made before had predicted to be the best, and on plain ones, three seeds each.
fn print_validation(fits: &[Fitted], options: &Options) -> Result<()> {
    let validation = Sweep::from_csv(VALIDATION.as_bytes())?;
    let first = validation.row(0);
    let all: Vec<&str> = validation.targets().iter().map(String::as_str).collect();
    let domains: Vec<&str> = validation.domains().iter().map(String::as_str).collect();
    let rest: Vec<&str> = all.into_iter().filter(|t| !domains.contains(t)).collect();
    say!("\nMeasured at N = {:.4e}, D = {:.4e}, three seeds each\n", first.n, first.d);
    for targets in std::iter::once(domains.clone()).chain(rest.into_iter().map(|t| vec![t])) {
        let laws: Vec<&String> =
            options.laws.iter().filter(|law| has(fits, law, &targets)).collect();
        if laws.is_empty() {
            continue;
        }
        let goal = if targets.len() > 1 { "mean of the domains" } else { targets[0] };
        say!("\n{goal:32} measured (sd)     ");
        laws.iter().for_each(|law| say!(" {law:>10}"));
        say!("\n");
        let measured = measured(&validation, &targets)?;
        for x in &measured {
            say!("  {:30} {:.4} ({:.4})   ", x.name, x.mean, x.deviation);
            for law in &laws {
                say!(" {:10.4}", predicted(fits, law, &targets, first.n, first.d, &x.h)?);
            }
            say!("\n");
        }
        let uniform = measured.iter().find(|x| x.name == "uniform").expect("it was trained");
        let chosen =
            if targets.len() > 1 { "best4".to_owned() } else { format!("best{}", targets[0]) };
        for x in measured.iter().filter(|x| x.name.starts_with(&chosen)) {
            // The standard error of a difference of two means of `seeds` runs each.
            let error = ((x.deviation.powi(2) + uniform.deviation.powi(2)) / x.seeds as f64).sqrt();
            let gain = uniform.mean - x.mean;
            let verdict = match gain / error {
                t if t > 3.0 => "lower than uniform",
                t if t < -3.0 => "higher than uniform",
                _ => "not told from uniform by these runs",
            };
            say!("  uniform - {}: {gain:+.4} +- {error:.4}, {verdict}\n", x.name);
        }
    }
    say!(
        "\nThe mixtures named best were chosen before these runs, by fits of the same train rows:\n\
         best4 for the mean of the domains, bestrust for rust, which is never trained on. Each\n\
         figure above is about these runs alone; three seeds tell differences of some 0.01 in nats.\n"
    );
    Ok(())
}

fn has(fits: &[Fitted], law: &str, targets: &[&str]) -> bool {
    targets.iter().all(|t| fits.iter().any(|x| x.law == law && x.fit.target() == *t))
}

/// The mean over targets that a law predicts.
fn predicted(fits: &[Fitted], law: &str, targets: &[&str], at: Scale, h: &[f64]) -> Result<f64> {
    let mut sum = 0.0;
    for x in fits.iter().filter(|x| x.law == law && targets.contains(&x.fit.target())) {
        sum += x.fit.predict(Scale { n, d }, h)?;
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
