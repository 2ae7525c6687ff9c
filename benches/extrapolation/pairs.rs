//! Pairs of measured mixtures: how probable it was said to be that the one is better, and how often it was.

use std::collections::HashMap;

use crate::steps::Step;

/// The least probability of each bin.
const BINS: [f64; 5] = [0.5, 0.6, 0.7, 0.8, 0.9];

/// A pair, with the mixture that is said to be better first.
struct Said {
    bin: usize,
    probability: f64,
    right: f64,
    /// The mixtures, each a number of its own for a sweep, step and mixture.
    mixtures: [usize; 2],
}

pub fn report(steps: &[Step]) {
    println!(
        "\n## Pairs of measured mixtures at sizes held out up to 3 times the largest fitted\n"
    );
    println!("said, right, standard error clustered by mixture (percent), pairs\n");
    println!("| sweep | by | {} |", BINS.map(|b| format!("from {b}")).join(" | "));
    println!("|---|---|---|---|---|---|---|");
    let mut sweeps: Vec<&str> = steps.iter().map(|step| step.sweep).collect();
    sweeps.dedup();
    for sweep in sweeps.iter().copied().map(Some).chain([None]) {
        for eval in [false, true] {
            for (way, name) in ["laws alone", "runs"].into_iter().enumerate() {
                let own = |step: &&Step| {
                    let times = step.sizes[1] / step.sizes[0];
                    sweep.is_none_or(|s| s == step.sweep) && step.is_eval == eval && times <= 3.0
                };
                let said: Vec<Said> = steps
                    .iter()
                    .filter(own)
                    .enumerate()
                    .flat_map(|(i, s)| said(i, s, way))
                    .collect();
                if said.is_empty() {
                    continue;
                }
                let mark = if eval { " (eval)" } else { "" };
                let cells: Vec<String> = (0..BINS.len()).map(|bin| cell(&said, bin)).collect();
                println!("| {}{mark} | {name} | {} |", sweep.unwrap_or("all"), cells.join(" | "));
            }
        }
    }
}

fn said(step_number: usize, step: &Step, way: usize) -> impl Iterator<Item = Said> {
    step.targets.iter().flat_map(|target| &target.pairs).map(move |pair| {
        let p = pair.probabilities[way];
        let is_right = (pair.measured > 0.0) == (p >= 0.5);
        let probability = p.max(1.0 - p);
        let bin = BINS.iter().rposition(|least| probability >= *least).unwrap_or(0);
        let right = f64::from(u8::from(is_right));
        Said { bin, probability, right, mixtures: pair.mixtures.map(|m| 1000 * step_number + m) }
    })
}

fn cell(said: &[Said], bin: usize) -> String {
    let own: Vec<&Said> = said.iter().filter(|s| s.bin == bin).collect();
    let count = own.len() as f64;
    let mean = |of: fn(&Said) -> f64| 100.0 * own.iter().map(|s| of(s)).sum::<f64>() / count;
    let (probability, right) = (mean(|s| s.probability), mean(|s| s.right));
    // Pairs that share a mixture depend on each other (dyadic clusters: Fafchamps and Gubert, 2007).
    let mut sums: HashMap<usize, f64> = HashMap::new();
    let mut squares = 0.0;
    for one in &own {
        let error = one.right - 0.01 * right;
        squares += error * error;
        one.mixtures.iter().for_each(|m| *sums.entry(*m).or_default() += error);
    }
    let variance = sums.values().map(|sum| sum * sum).sum::<f64>() - squares;
    let error = 100.0 * variance.max(squares).sqrt() / count;
    format!("{probability:.0} {right:.0} ±{error:.0} ({count})")
}
