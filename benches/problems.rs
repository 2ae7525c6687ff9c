//! Two synthetic problems that tests, benches and the comparison with other tools share.
//!
//! [`p3`] has the design of the paper's multimodal sweep (Table 1): every size takes its mixtures from
//! one grid of evenly spaced points with weights of at least 0.1 (sec. 2.3). [`p8`] is a small sweep
//! of eight domains that shares no mixture between sizes. Their losses come from a joint law with
//! coefficients of the size that fits of real sweeps have, times 1 + 0.003 x normal noise. A seed
//! draws mixtures, coefficients and noise; [`SEED`] gives *the* P3 and P8.
#![allow(dead_code, reason = "each includer uses its own part")]

use mixlaw::law::{JointLaw, ScalingLaw};
use mixlaw::{Mixture, Scale, Sweep};
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, StandardNormal};

/// The seed of the problems that figures are reported for.
pub const SEED: u64 = 0;

/// The one target of both problems.
pub const TARGET: &str = "loss";

const NOISE: f64 = 0.003;

/// 32 + 31 + 30 + 34 mixtures of 3 domains at four sizes, 9 token counts each, 1,062 of these rows.
pub fn p3(seed: u64) -> Sweep {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let grid = Mixture::grid(3, 7, 0.1).expect("a valid design");
    let mut runs = Vec::new();
    for (n, count) in [(106e6, 32), (275e6, 31), (616e6, 30), (932e6, 34)] {
        let some = sample(count, grid.len(), &mut rng);
        runs.extend(some.into_iter().map(|i| (n, grid[i].clone())));
    }
    problem(&runs, &even(9, 20e9, 100e9), 1062, &mut rng)
}

/// 25 mixtures of 8 domains at each of four sizes, 11 token counts each: 1,100 rows.
pub fn p8(seed: u64) -> Sweep {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mixtures = Mixture::dirichlet(&[1.0; 8], 100, rng.random()).expect("a valid design");
    let sizes = [90e6, 200e6, 350e6, 700e6].into_iter().flat_map(|n| [n; 25]);
    let runs: Vec<_> = sizes.zip(mixtures).collect();
    problem(&runs, &even(11, 2e9, 17e9), 1100, &mut rng)
}

/// `count` values from `first` to `last`, evenly spaced.
fn even(count: usize, first: f64, last: f64) -> Vec<f64> {
    let step = (last - first) / (count - 1) as f64;
    (0..count).map(|i| first + step * i as f64).collect()
}

/// `count` of the numbers below `of`, in order: those with the least of as many random keys.
fn sample(count: usize, of: usize, rng: &mut Xoshiro256PlusPlus) -> Vec<usize> {
    let keys: Vec<u64> = (0..of).map(|_| rng.random()).collect();
    let mut chosen: Vec<usize> = (0..of).collect();
    chosen.sort_by_key(|&i| keys[i]);
    chosen.truncate(count);
    chosen.sort_unstable();
    chosen
}

/// `rows` of the checkpoints of runs, each a size and its mixture.
fn problem(
    runs: &[(f64, Mixture)],
    tokens: &[f64],
    rows: usize,
    rng: &mut Xoshiro256PlusPlus,
) -> Sweep {
    let kept = sample(rows, runs.len() * tokens.len(), rng);
    assert_eq!(kept.len(), rows, "the rows of the problem");
    let run = |row: &usize| &runs[row / tokens.len()];
    let n: Vec<f64> = kept.iter().map(|row| run(row).0).collect();
    let d: Vec<f64> = kept.iter().map(|row| tokens[row % tokens.len()]).collect();
    let h: Vec<f64> = kept.iter().flat_map(|row| run(row).1.weights().to_vec()).collect();
    let k = runs[0].1.len();
    let domains: Vec<String> = (1..=k).map(|i| format!("domain{i}")).collect();
    let sweep =
        |losses: &[f64]| Sweep::new(&domains, &[TARGET], &n, &d, &h, losses).expect("valid rows");
    // The scales of a sweep are those of its N and D, whatever its losses.
    let law = JointLaw::for_sweep(&sweep(&vec![1.0; rows]));
    let z = coefficients(k, true, rng);
    let loss = |i: usize| {
        let noise: f64 = StandardNormal.sample(rng);
        law.loss(&z, Scale { n: n[i], d: d[i] }, &h[i * k..(i + 1) * k]) * (1.0 + NOISE * noise)
    };
    sweep(&(0..rows).map(loss).collect::<Vec<_>>())
}

/// Coordinates of a joint or an additive law that puts losses between 1.5 and 4. Like those of real
/// sweeps, its domains differ by up to ten times in what they teach, and by little in how fast.
pub fn coefficients(k: usize, joint: bool, rng: &mut Xoshiro256PlusPlus) -> Vec<f64> {
    let normal = |spread: f64, rng: &mut Xoshiro256PlusPlus| -> f64 {
        let x: f64 = StandardNormal.sample(rng);
        spread * x
    };
    let mut z = vec![rng.random_range(0.7f64..1.1).ln()];
    let unlearned = rng.random_range(0.5..0.8);
    let shares: Vec<f64> = (0..k).map(|_| normal(0.7, rng).exp()).collect();
    let gammas: Vec<f64> = (0..k).map(|_| rng.random_range(0.2..1.2)).collect();
    let total: f64 = shares.iter().sum();
    // The domains' shares of the sum, and its inverse, are those at the uniform mixture.
    let c = shares.iter().zip(&gammas).map(|(s, g)| s / (total * unlearned) * (k as f64).powf(*g));
    z.extend(c.map(f64::ln));
    z.extend(gammas.iter().map(|g| g.ln()));
    for level in [0.3..0.5, 0.2..0.4] {
        let level: f64 = rng.random_range(level);
        if joint {
            z.extend((0..k).map(|_| level.ln() + normal(0.25, rng)));
            let gamma: f64 = rng.random_range(0.3..1.5);
            z.push(1.0 / gamma);
        } else {
            z.push(level.ln());
        }
        z.push(rng.random_range(0.2f64..0.5).ln());
    }
    z
}
