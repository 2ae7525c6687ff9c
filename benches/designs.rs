//! Synthetic sweeps in the three designs of the paper's Table 1, with noise that is shared within a
//! run: what the benches of uncertainty draw.
#![allow(dead_code, reason = "each includer uses its own part")]

#[path = "problems.rs"]
mod problems;

use std::sync::Arc;

use mixlaw::law::{AdditiveLaw, JointLaw, ScalingLaw};
use mixlaw::{Mixture, Scale, Sweep};
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, StandardNormal};

/// The one target.
pub const TARGET: &str = "loss";

/// Relative noise of a run, which all its checkpoints share.
pub const RUN_NOISE: f64 = 0.003;
/// Relative noise of a checkpoint beside that.
pub const CHECKPOINT_NOISE: f64 = 0.001;
const CHECKPOINTS: usize = 10;

/// A row of Table 1: sizes, each with its number of mixtures and its range of tokens.
#[derive(Debug, Clone, Copy)]
pub struct Design {
    pub name: &'static str,
    pub domains: usize,
    pub sizes: [(f64, usize, f64, f64); 4],
}

pub const DESIGNS: [Design; 3] = [
    Design {
        name: "LLM, k = 7",
        domains: 7,
        sizes: [
            (412e6, 60, 4e9, 20e9),
            (834e6, 40, 7e9, 26e9),
            (1.1e9, 40, 7e9, 36e9),
            (1.4e9, 20, 13e9, 46e9),
        ],
    },
    Design {
        name: "NMM, k = 3",
        domains: 3,
        sizes: [
            (106e6, 32, 20e9, 100e9),
            (275e6, 31, 20e9, 100e9),
            (616e6, 30, 20e9, 100e9),
            (932e6, 34, 20e9, 100e9),
        ],
    },
    Design {
        name: "LVM, k = 4",
        domains: 4,
        sizes: [
            (89e6, 32, 17e9, 50e9),
            (157e6, 32, 17e9, 50e9),
            (306e6, 15, 17e9, 100e9),
            (531e6, 16, 17e9, 170e9),
        ],
    },
];

/// A run: N, D of its checkpoints, and its mixture.
#[derive(Debug, Clone)]
pub struct Run {
    pub n: f64,
    pub d: Vec<f64>,
    pub h: Mixture,
}

impl Design {
    /// The runs: for each size some mixtures of one pool, evenly spaced checkpoints.
    pub fn runs(&self, rng: &mut Xoshiro256PlusPlus) -> Vec<Run> {
        let k = self.domains;
        let pool = if k == 3 {
            Mixture::grid(3, 7, 0.1).expect("a valid design")
        } else {
            Mixture::dirichlet(&vec![1.0; k], 60, rng.random()).expect("a valid design")
        };
        let mut runs = Vec::new();
        for (n, count, first, last) in self.sizes {
            let step = (last - first) / (CHECKPOINTS - 1) as f64;
            let d: Vec<f64> = (0..CHECKPOINTS).map(|i| first + step * i as f64).collect();
            let mut order: Vec<(u64, usize)> = (0..pool.len()).map(|i| (rng.random(), i)).collect();
            order.sort_unstable();
            let some = order.into_iter().take(count);
            runs.extend(some.map(|(_, i)| Run { n, d: d.clone(), h: pool[i].clone() }));
        }
        runs
    }

    /// 3 times the largest N, and the largest D.
    pub fn beyond(&self) -> (f64, f64) {
        (3.0 * self.sizes[3].0, self.sizes[3].3)
    }
}

/// A law with the true coordinates.
#[derive(Debug)]
pub struct Truth {
    pub law: Arc<dyn ScalingLaw>,
    pub z: Vec<f64>,
}

impl Truth {
    /// An additive or a joint law with drawn coefficients, for sweeps of these runs.
    pub fn draw(runs: &[Run], joint: bool, rng: &mut Xoshiro256PlusPlus) -> Self {
        let ones = sweep(runs, |_, _| 1.0);
        let law: Arc<dyn ScalingLaw> = if joint {
            Arc::new(JointLaw::for_sweep(&ones))
        } else {
            Arc::new(AdditiveLaw::for_sweep(&ones))
        };
        let z = problems::coefficients(runs[0].h.len(), joint, rng);
        Self { law, z }
    }

    pub fn loss(&self, at: Scale, h: &Mixture) -> f64 {
        self.law.loss(&self.z, at, h)
    }

    /// The losses of the runs, with noise.
    pub fn observe(&self, runs: &[Run], rng: &mut Xoshiro256PlusPlus) -> Sweep {
        let mut of_run = (usize::MAX, 0.0);
        sweep(runs, |r, d| {
            if of_run.0 != r {
                of_run = (r, RUN_NOISE * normal(rng));
            }
            let noise = of_run.1 + CHECKPOINT_NOISE * normal(rng);
            self.loss(Scale { n: runs[r].n, d }, &runs[r].h) * (1.0 + noise)
        })
    }
}

pub fn normal(rng: &mut Xoshiro256PlusPlus) -> f64 {
    StandardNormal.sample(rng)
}

pub fn rng(seed: u64) -> Xoshiro256PlusPlus {
    Xoshiro256PlusPlus::seed_from_u64(seed)
}

/// A sweep of the runs with the losses that `loss` gives for the number of a run and D.
fn sweep(runs: &[Run], mut loss: impl FnMut(usize, f64) -> f64) -> Sweep {
    let (mut n, mut d, mut h, mut losses, mut names) = (vec![], vec![], vec![], vec![], vec![]);
    for (r, run) in runs.iter().enumerate() {
        for &tokens in &run.d {
            n.push(run.n);
            d.push(tokens);
            h.extend_from_slice(run.h.weights());
            losses.push(loss(r, tokens));
            names.push(format!("run{r}"));
        }
    }
    let domains: Vec<String> = (1..=runs[0].h.len()).map(|i| format!("domain{i}")).collect();
    let builder = Sweep::builder(&domains, &[TARGET]).runs(&names);
    builder.build(&n, &d, &h, &losses).expect("valid rows")
}
