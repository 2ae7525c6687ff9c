//! Choices among measured mixtures, by fits that know less.

use std::collections::BTreeMap;

use mixlaw::simplex::Constraints;
use mixlaw::{Decider, Predictor, Sweep};
use rayon::prelude::*;

use crate::Result;
use crate::real::{Real, WAYS, predictor};

/// How far outside of what was trained a choice may be, in ranges of each weight.
const MARGINS: [f64; 5] = [0.0, 0.25, 0.5, 1.0, f64::INFINITY];

const MEMBERS: usize = 100;

/// What is fitted, and where the choice is looked up.
struct Case<'a> {
    name: String,
    train: Sweep,
    /// The largest training size at its most tokens.
    test: Sweep,
    target: &'a str,
}

/// Mixtures that are the same up to rounding.
fn key(h: &[f64]) -> Vec<i64> {
    h.iter().map(|x| (x * 1e5).round() as i64).collect()
}

/// Parts of the mixtures of a sweep, by name: all, the half nearest the centre, without the fifth that
/// has most of a domain, and with at most the median of a domain.
fn parts(train: &Sweep) -> Vec<(String, Sweep)> {
    let k = train.domains().len();
    let mut mixtures: Vec<Vec<f64>> = Vec::new();
    for row in train.rows() {
        if !mixtures.iter().any(|h| key(h) == key(row.h)) {
            mixtures.push(row.h.to_vec());
        }
    }
    let centre = |i: usize| mixtures.iter().map(|h| h[i]).sum::<f64>() / mixtures.len() as f64;
    let centre: Vec<f64> = (0..k).map(centre).collect();
    let by = |of: &dyn Fn(&[f64]) -> f64, count: usize| -> Vec<Vec<i64>> {
        let mut sorted: Vec<&Vec<f64>> = mixtures.iter().collect();
        sorted.sort_by(|a, b| of(a).total_cmp(&of(b)));
        sorted.into_iter().take(count).map(|h| key(h)).collect()
    };
    let (all, half) = (mixtures.len(), mixtures.len().div_ceil(2));
    let from_centre = |h: &[f64]| h.iter().zip(&centre).map(|(a, b)| (a - b).abs()).sum::<f64>();
    let mut kept = vec![
        ("all".to_owned(), by(&|_| 0.0, all)),
        ("nearest half".to_owned(), by(&from_centre, half)),
    ];
    for i in 0..k {
        kept.push(("a corner left out".to_owned(), by(&|h| h[i], all - all / 5)));
        kept.push(("a domain capped".to_owned(), by(&|h| h[i], half)));
    }
    let select = |(name, keys): (String, Vec<Vec<i64>>)| {
        let part = train.select(|row| keys.contains(&key(row.h)));
        (name, part.expect("rows are left"))
    };
    kept.into_iter().map(select).collect()
}

fn cases(real: &Real) -> Vec<Case<'_>> {
    let train = real.train();
    let largest = train.n().iter().copied().fold(0.0, f64::max);
    let below = train.select(|row| row.n < largest).expect("several sizes");
    let test = train.select(|row| row.n == largest).expect("rows");
    let most = test.d().iter().copied().fold(0.0, f64::max);
    let test = test.select(|row| row.d == most).expect("rows");
    let mut all = Vec::new();
    for (name, part) in parts(&below) {
        for target in &real.targets {
            let (train, test) = (part.clone(), test.clone());
            all.push(Case { name: format!("{}, {name}", real.name), train, test, target });
        }
    }
    all
}

/// The regret of the row with the least of these values among those that may be chosen.
fn regret(values: &[f64], losses: &[f64], may: impl Fn(usize) -> bool) -> f64 {
    let least = losses.iter().copied().fold(f64::INFINITY, f64::min);
    let chosen = (0..values.len()).filter(|&i| may(i));
    let chosen = chosen.min_by(|&a, &b| values[a].total_cmp(&values[b]));
    chosen.map_or(f64::NAN, |i| losses[i] - least)
}

/// The loss of the nearest trained mixture, at the largest trained size with its most tokens.
fn nearest(case: &Case<'_>) -> Vec<f64> {
    let Case { train, target, .. } = case;
    let n = train.n().iter().copied().fold(0.0, f64::max);
    let rows = train.select(|row| row.n == n).expect("rows");
    let d = rows.d().iter().copied().fold(0.0, f64::max);
    let rows = rows.select(|row| row.d == d).expect("rows");
    let losses = rows.losses_of(target).expect("losses");
    let of = |h: &[f64]| {
        let distance =
            |i: usize| -> f64 { rows.row(i).h.iter().zip(h).map(|(a, b)| (a - b).abs()).sum() };
        let near = (0..rows.len()).min_by(|&a, &b| distance(a).total_cmp(&distance(b)));
        losses[near.expect("rows")]
    };
    case.test.rows().map(|row| of(row.h)).collect()
}

/// What a [`Decider`] minimises: the mean over members, at each row of the test.
fn expected(case: &Case<'_>) -> Vec<f64> {
    let Case { train, test, target, .. } = case;
    let decider = Decider::new().members(MEMBERS);
    let predictor = decider.predictors(train, [target]).expect("fits").remove(0);
    let mean = |row: mixlaw::sweep::Row<'_>| {
        let values = predictor.values(row.scale(), row.h).expect("values");
        values.iter().sum::<f64>() / values.len() as f64
    };
    test.rows().map(mean).collect()
}

/// The regrets of all ways: the recommended one by margin, the others, the best trained mixture, the
/// nearest neighbour.
fn replay(case: &Case<'_>) -> Vec<f64> {
    let Case { train, test, target, .. } = case;
    let losses = test.losses_of(target).expect("losses");
    let predicted = |p: &Predictor| p.predict_sweep(test).expect("predictions");
    let mut out = Vec::new();
    let anyone = |_: usize| true;
    let expected = expected(case);
    for margin in MARGINS {
        let limits = if margin.is_finite() {
            Constraints::new().trained_box(train, margin)
        } else {
            Constraints::new()
        };
        let region = limits.region(train.domains(), 1.0).expect("limits");
        out.push(regret(&expected, &losses, |i| region.contains(test.row(i).h)));
    }
    for way in &WAYS[1..] {
        let values = predicted(&predictor(way, train, target).expect("a fit"));
        out.push(regret(&values, &losses, anyone));
    }
    let near = nearest(case);
    let trained: Vec<Vec<i64>> = train.rows().map(|row| key(row.h)).collect();
    out.push(regret(&near, &losses, |i| trained.contains(&key(test.row(i).h))));
    out.push(regret(&near, &losses, anyone));
    out
}

pub fn report(sweeps: &[Real]) -> Result<()> {
    println!("\n## Replays: mean and worst regret, in thousandths of a nat\n");
    let margin = |m: &f64| format!("recommended, margin {m}");
    let mut names: Vec<String> = MARGINS.iter().map(margin).collect();
    names.extend(WAYS[1..].iter().map(|way| (*way).to_owned()));
    names.extend(["best trained", "nearest neighbour"].map(str::to_owned));
    println!("| mixtures fitted | replays | {} |", names.join(" | "));
    println!("|---|---|{}", "---|".repeat(names.len()));
    let mut total: Vec<Vec<f64>> = Vec::new();
    for real in sweeps {
        let cases = cases(real);
        let regrets: Vec<Vec<f64>> = cases.par_iter().map(replay).collect();
        let mut groups: BTreeMap<&str, Vec<Vec<f64>>> = BTreeMap::new();
        for (case, regret) in cases.iter().zip(&regrets) {
            groups.entry(&case.name).or_default().push(regret.clone());
        }
        groups.iter().for_each(|(name, all)| print_row(name, all));
        total.extend(regrets);
    }
    print_row("all", &total);
    Ok(())
}

fn print_row(name: &str, all: &[Vec<f64>]) {
    // Where no measured mixture is within a margin, no way counts.
    let all: Vec<&Vec<f64>> =
        all.iter().filter(|regrets| regrets.iter().all(|r| r.is_finite())).collect();
    print!("| {name} | {} |", all.len());
    for way in 0..all[0].len() {
        let own: Vec<f64> = all.iter().map(|r| 1000.0 * r[way]).collect();
        let (mean, worst) = (own.iter().sum::<f64>() / own.len() as f64, own.iter().copied());
        print!(" {mean:.1}, {:.0} |", worst.fold(0.0, f64::max));
    }
    println!();
}
