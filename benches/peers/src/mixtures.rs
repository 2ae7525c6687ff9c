//! The mixtures that mixlaw finds for random problems, and its time: for `mixtures.py`, which
//! evaluates the same problems in NumPy.

#[path = "../../mixture_problems.rs"]
mod mixture_problems;

use std::time::Instant;

use mixlaw::Mixture;
use mixlaw::plan::MixtureObjective;
use mixlaw::simplex::{Optimum, SimplexSolver, Step};
use mixture_problems::{LAWS, MixtureProblem};
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use crate::Result;

/// The most targets that a problem drawn from a seed has.
const MAX_TARGETS: usize = 7;
/// The paper's fixed step is given up for a problem that needs more iterations than this.
const MAX_FIXED: usize = 10_000;
/// The Frank-Wolfe gap that the fixed step has to reach, in units of the value.
const FIXED_GAP: f64 = 1e-8;

/// What both commands are asked for.
struct Options {
    laws: Vec<String>,
    count: usize,
    k_min: usize,
    k_max: usize,
    first_seed: u64,
    k: usize,
    targets: usize,
    repeats: usize,
    nonconvex: bool,
}

impl Options {
    fn read(mut parser: lexopt::Parser) -> Result<Self> {
        use lexopt::prelude::*;
        let mut out = Self {
            laws: LAWS.map(String::from).to_vec(),
            count: 10,
            k_min: 7,
            k_max: 17,
            first_seed: 0,
            k: 7,
            targets: MAX_TARGETS,
            repeats: 5,
            nonconvex: false,
        };
        while let Some(argument) = parser.next()? {
            match argument {
                Long("laws") => {
                    out.laws = parser.value()?.string()?.split(',').map(String::from).collect();
                }
                Long("count") => out.count = parser.value()?.parse()?,
                Long("kmin") => out.k_min = parser.value()?.parse()?,
                Long("kmax") => out.k_max = parser.value()?.parse()?,
                Long("first-seed") => out.first_seed = parser.value()?.parse()?,
                Long("k") => out.k = parser.value()?.parse()?,
                Long("targets") => out.targets = parser.value()?.parse()?,
                Long("repeats") => out.repeats = parser.value()?.parse()?,
                Long("nonconvex") => out.nonconvex = true,
                _ => return Err(argument.unexpected().into()),
            }
        }
        if let Some(law) = out.laws.iter().find(|law| !LAWS.contains(&law.as_str())) {
            return Err(format!("unknown law `{law}`, expected one of {}", LAWS.join(", ")).into());
        }
        if out.k_min == 0 || out.k_min > out.k_max {
            return Err("expected 0 < kmin <= kmax".into());
        }
        Ok(out)
    }

    /// For each law and seed a problem, its size drawn from the seed, and what mixlaw finds.
    fn mixtures(&self) -> Result<Value> {
        let mut out = Vec::new();
        for law in &self.laws {
            for seed in self.first_seed..self.first_seed + self.count as u64 {
                // Other numbers than those that the problem draws from its seed.
                let mut rng = Xoshiro256PlusPlus::seed_from_u64(!seed);
                let k = rng.random_range(self.k_min..=self.k_max);
                let targets = rng.random_range(1..=MAX_TARGETS);
                let problem = MixtureProblem::random(law, k, targets, seed);
                let (optimum, seconds) = timed(&SimplexSolver::new(), &mut problem.objective(), 1);
                let mut entry = described(law, seed, &problem);
                entry["mixlaw"] = outcome(&optimum, seconds);
                out.push(entry);
            }
        }
        Ok(out.into())
    }

    /// For each law `count` problems of one size: convex ones if the law is additive, or those that
    /// are not convex.
    fn times(&self) -> Result<Value> {
        // The exponents gamma are all below one for every third seed alone.
        let seeds = (self.first_seed..).filter(|seed| (seed % 3 == 0) != self.nonconvex);
        let seeds: Vec<u64> = seeds.take(self.count).collect();
        let mut out = Vec::new();
        for law in &self.laws {
            for (i, &seed) in seeds.iter().enumerate() {
                let problem = MixtureProblem::random(law, self.k, self.targets, seed);
                let mut objective = problem.objective();
                let mut entry = described(law, seed, &problem);
                let mut run = |name: &str, solver: &SimplexSolver| {
                    let (optimum, seconds) = timed(solver, &mut objective, self.repeats);
                    entry[name] = outcome(&optimum, seconds);
                };
                let solver = SimplexSolver::new();
                run("mixlaw", &solver);
                if self.nonconvex {
                    run("local", &solver.max_cells(0));
                } else {
                    run("coarse", &solver.clone().tolerance(FIXED_GAP));
                    // Every corner in turn.
                    run("from_corner", &solver.start(Mixture::corner(self.k, i % self.k)));
                    entry["fixed"] = self.fixed(&mut objective);
                }
                out.push(entry);
            }
        }
        Ok(out.into())
    }

    /// The paper's mirror descent at the step of a grid that needs the least iterations; null where
    /// none gets there.
    fn fixed(&self, objective: &mut MixtureObjective<'_>) -> Value {
        let mut best: Option<(f64, usize)> = None;
        for step in -6..=6 {
            let eta = 10f64.powf(f64::from(step) / 3.0);
            let limit = best.map_or(MAX_FIXED, |(_, iterations)| iterations);
            let optimum = fixed_step(eta, limit, self.k).minimize(objective);
            if optimum.termination.converged() && optimum.iterations < limit {
                best = Some((eta, optimum.iterations));
            }
        }
        best.map_or(Value::Null, |(eta, _)| {
            let solver = fixed_step(eta, MAX_FIXED, self.k);
            let (optimum, seconds) = timed(&solver, objective, self.repeats);
            let mut out = outcome(&optimum, seconds);
            out["eta"] = eta.into();
            out
        })
    }
}

/// Mirror descent from the uniform mixture as the paper has it (eq. 7).
fn fixed_step(eta: f64, max_iterations: usize, k: usize) -> SimplexSolver {
    SimplexSolver::new()
        .step(Step::Fixed(eta))
        .tolerance(FIXED_GAP)
        .max_iterations(max_iterations)
        .start(Mixture::uniform(k))
}

/// What a solver finds, and the median of its seconds.
fn timed(
    solver: &SimplexSolver,
    objective: &mut MixtureObjective<'_>,
    repeats: usize,
) -> (Optimum, f64) {
    let mut run = || {
        let start = Instant::now();
        let optimum = solver.minimize(objective);
        (optimum, start.elapsed().as_secs_f64())
    };
    let (optimum, first) = run();
    let mut seconds = vec![first];
    seconds.extend((1..repeats).map(|_| run().1));
    seconds.sort_by(f64::total_cmp);
    (optimum, seconds[seconds.len() / 2])
}

/// All that it takes to evaluate a problem elsewhere.
fn described(law: &str, seed: u64, problem: &MixtureProblem) -> Value {
    let coordinates = problem.law.coordinates();
    let scales = coordinates.scale();
    let (weights, targets): (Vec<f64>, Vec<&Vec<f64>>) =
        problem.targets.iter().map(|(weight, z)| (*weight, z)).unzip();
    json!({
        "law": law, "seed": seed, "k": problem.law.domains().len(),
        "n": problem.scale.n, "d": problem.scale.d, "n0": scales.n, "d0": scales.d,
        "names": coordinates.iter().map(|c| c.name()).collect::<Vec<_>>(),
        "weights": weights, "targets": targets,
    })
}

/// What is kept of an optimum.
fn outcome(optimum: &Optimum, seconds: f64) -> Value {
    json!({
        "weights": optimum.weights.weights(), "value": optimum.value,
        "lower_bound": optimum.lower_bound, "certificate": optimum.certificate.to_string(),
        "certified": optimum.is_certified(), "residual": optimum.residual,
        "iterations": optimum.iterations, "seconds": seconds,
    })
}

/// `mixlaw-peers mixtures`
pub fn mixtures(parser: lexopt::Parser) -> Result<Value> {
    Options::read(parser)?.mixtures()
}

/// `mixlaw-peers mixture-times`
pub fn times(parser: lexopt::Parser) -> Result<Value> {
    Options::read(parser)?.times()
}
