//! How one evaluation of the joint law (value and gradient of the mean Huber) grows with rows and
//! domains, in time and in memory, beside a plain loop over the rows.
//!
//! Two designs: runs with a mixture of their own and 20 checkpoints each, at four sizes; and rows that
//! share nothing, neither mixture nor N nor D. Memory is the most that the heap holds at once, the data
//! included, as a multiple of the data (N, D, h and loss). `cargo bench --bench scale`.

mod counting;

use std::hint::black_box;
use std::time::{Duration, Instant};

use counting::{Counting, peak};
use mixlaw::law::{Gradient, JointLaw, Points, ScalingLaw, StartData};
use mixlaw::{Mixture, Scale};
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, Exp1};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const DELTA: f64 = 1e-3;
const CHECKPOINTS: usize = 20;
/// Evaluations are repeated for so long, and at least three times.
const ENOUGH: Duration = Duration::from_millis(300);

#[derive(Clone, Copy, PartialEq)]
enum Design {
    Runs,
    NoRepeats,
}

struct Data {
    n: Vec<f64>,
    d: Vec<f64>,
    h: Vec<f64>,
    losses: Vec<f64>,
}

impl Data {
    fn new(design: Design, rows: usize, k: usize) -> Self {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(0);
        let mut data =
            Self { n: vec![0.0; rows], d: vec![0.0; rows], h: vec![0.0; rows * k], losses: vec![] };
        for i in 0..rows {
            let checkpoint = i % CHECKPOINTS;
            let (before, own) = data.h.split_at_mut(i * k);
            if design == Design::Runs && checkpoint > 0 {
                data.n[i] = data.n[i - 1];
                data.d[i] = 1e9 * (checkpoint + 1) as f64;
                own[..k].copy_from_slice(&before[(i - 1) * k..]);
                continue;
            }
            own[..k].iter_mut().for_each(|h| *h = Exp1.sample(&mut rng));
            let total: f64 = own[..k].iter().sum();
            own[..k].iter_mut().for_each(|h| *h /= total);
            (data.n[i], data.d[i]) = match design {
                Design::Runs => ([1e8, 2e8, 4e8, 8e8][rng.random_range(0..4)], 1e9),
                Design::NoRepeats => (rng.random_range(1e8..1e9), rng.random_range(1e9..2e10)),
            };
        }
        data.losses = (0..rows).map(|_| rng.random_range(2.0..3.0)).collect();
        data
    }

    fn bytes(&self) -> usize {
        size_of::<f64>() * (self.n.len() + self.d.len() + self.h.len() + self.losses.len())
    }
}

/// The derivative of the Huber loss of a residual, `prediction - observation`.
fn slope(residual: f64) -> f64 {
    residual.clamp(-DELTA, DELTA)
}

/// The median times of two evaluations, which take turns so that a busy minute meets both.
fn time(
    points: &[Vec<f64>; 2],
    mut first: impl FnMut(&[f64]),
    mut second: impl FnMut(&[f64]),
) -> [f64; 2] {
    let seconds = |evaluate: &mut dyn FnMut(&[f64]), z: &[f64]| {
        let start = Instant::now();
        evaluate(black_box(z));
        start.elapsed().as_secs_f64()
    };
    let (start, mut times) = (Instant::now(), [Vec::new(), Vec::new()]);
    while times[0].len() < 3 || start.elapsed() < ENOUGH {
        let z = &points[times[0].len() % 2];
        times[0].push(seconds(&mut first, z));
        times[1].push(seconds(&mut second, z));
    }
    times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    })
}

/// One line of the table.
struct Measured {
    batch: f64,
    plain: f64,
    memory: f64,
}

fn measure(design: Design, rows: usize, k: usize) -> Measured {
    let data = Data::new(design, rows, k);
    let domains: Vec<String> = (0..k).map(|i| format!("domain{i}")).collect();
    let law = JointLaw::new(&domains, Scale { n: 3e8, d: 8e9 }).expect("valid domains and scales");
    let mixture = Mixture::uniform(k);
    let start = StartData { least_loss: 1.8, median_loss: 2.5, mixture: &mixture };
    let mut random = mixlaw::Random::new(0);
    let points = [law.start(&start, &mut random), law.start(&start, &mut random)];
    let mut times = [0.0; 2];
    let grown = peak(|| {
        let mut batch = law.batch(Points::new(&data.n, &data.d, &data.h, k));
        let (mut predictions, mut weights) = (vec![0.0; rows], vec![0.0; rows]);
        let mut gradient = Gradient::new(&law);
        let mut sums = [gradient.z.clone(), gradient.z.clone()];
        let [batch_sums, plain_sums] = &mut sums;
        times = time(
            &points,
            |z| {
                batch.losses(z, &mut predictions);
                for ((w, p), o) in weights.iter_mut().zip(&predictions).zip(&data.losses) {
                    *w = slope(p - o);
                }
                batch.gradient(z, &weights, batch_sums);
            },
            |z| {
                plain_sums.fill(0.0);
                for (i, o) in data.losses.iter().enumerate() {
                    let h = &data.h[i * k..(i + 1) * k];
                    let w = slope(
                        law.gradient(z, Scale { n: data.n[i], d: data.d[i] }, h, &mut gradient) - o,
                    );
                    plain_sums.iter_mut().zip(&gradient.z).for_each(|(sum, g)| *sum += w * g);
                }
            },
        );
        let scale = sums[1].iter().fold(0.0f64, |most, g| most.max(g.abs()));
        let differ = |(a, b): (&f64, &f64)| (a - b).abs() > 1e-9 * scale;
        assert!(!sums[0].iter().zip(&sums[1]).any(differ), "both compute the same");
    });
    let memory = (data.bytes() + grown) as f64 / data.bytes() as f64;
    Measured { batch: times[0], plain: times[1], memory }
}

fn verdict(what: &str, value: f64, limit: f64) {
    let word = if value <= limit { "holds" } else { "FAILS" };
    println!("{word}: {what}: {value:.2}, at most {limit}");
}

fn main() {
    println!("| design | k | rows | ms | x for 10 x rows | ns/row | plain loop ms | memory |");
    println!("|---|---|---|---|---|---|---|---|");
    let mut verdicts = Vec::new();
    for (design, name) in [(Design::Runs, "runs"), (Design::NoRepeats, "no repeats")] {
        for (k, largest) in [(3, 1_000_000), (8, 1_000_000), (64, 100_000)] {
            let mut before: Option<f64> = None;
            for rows in [1_000, 10_000, 100_000, 1_000_000].into_iter().filter(|r| *r <= largest) {
                let Measured { batch, plain, memory } = measure(design, rows, k);
                let growth = before.map(|before| batch / before);
                println!(
                    "| {name} | {k} | {rows} | {:.3} | {} | {:.1} | {:.3} | {memory:.2} |",
                    1e3 * batch,
                    growth.map_or(String::new(), |g| format!("{g:.1}")),
                    1e9 * batch / rows as f64,
                    1e3 * plain,
                );
                let case = format!("{name}, k = {k}, {rows} rows");
                if (k, rows) == (8, 1_000_000) {
                    let growth = growth.expect("there were fewer rows before");
                    verdicts.push((format!("{case}: time, of that for a tenth"), growth, 13.0));
                    verdicts.push((format!("{case}: memory, of the data"), memory, 4.0));
                }
                if design == Design::NoRepeats {
                    // Not slower, as far as a clock can tell.
                    verdicts.push((
                        format!("{case}: time, of the plain loop's"),
                        batch / plain,
                        1.05,
                    ));
                }
                before = Some(batch);
            }
        }
    }
    println!();
    verdicts.into_iter().for_each(|(what, value, limit)| verdict(&what, value, limit));
}
