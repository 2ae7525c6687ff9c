//! How often a fit finds the best objective known: default fits over many seeds, and beside them
//! L-BFGS multi-start and basin-hopping over L-BFGS, each given the median time of a default fit.
//!
//! ```text
//! cargo bench --bench reliability -- [--seeds S] [--peer-seeds S] [--threads T]
//!                                    [--slimpajama FILE.csv]
//! ```
//!
//! The best objective known is the least that any fit of the run found. For the SlimPajama sweep, an
//! argument because it is not part of this project, it is also the column for box bounds in a file
//! `slimpajama_best.csv` beside it, if there is one.

mod problems;

use std::error::Error;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use mixlaw::law::{FullLaw, JointLaw, ScalingLaw};
use mixlaw::optim::{BasinHopping, Lbfgs, MultiStart};
use mixlaw::{Fitter, Sweep};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

struct Options {
    seeds: u64,
    peer_seeds: u64,
    threads: usize,
    slimpajama: Option<String>,
}

fn options() -> Result<Options> {
    use lexopt::prelude::*;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut options = Options { seeds: 200, peer_seeds: 20, threads, slimpajama: None };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            // What cargo says to every bench.
            Long("bench") => {}
            Long("seeds") => options.seeds = parser.value()?.parse()?,
            Long("peer-seeds") => options.peer_seeds = parser.value()?.parse()?,
            Long("threads") => options.threads = parser.value()?.parse()?,
            Long("slimpajama") => options.slimpajama = Some(parser.value()?.string()?),
            _ => return Err(argument.unexpected().into()),
        }
    }
    if options.seeds == 0 || options.threads == 0 {
        return Err("--seeds and --threads have to be at least 1".into());
    }
    Ok(options)
}

/// One law to fit to one target.
struct Case {
    name: &'static str,
    law: Arc<dyn ScalingLaw>,
    sweep: Sweep,
    target: &'static str,
    /// The best objective found elsewhere; infinite if nobody looked.
    known: f64,
}

fn cases(slimpajama: Option<&str>) -> Result<Vec<Case>> {
    let joint = |name, sweep: Sweep, target| {
        let law = Arc::new(JointLaw::for_sweep(&sweep));
        Case { name, law, sweep, target, known: f64::INFINITY }
    };
    let bytes = Sweep::from_csv(include_str!("../examples/data/byte_sweep.csv").as_bytes())?;
    let mut cases = vec![
        joint("P3, joint", problems::p3(problems::SEED), problems::TARGET),
        joint("P8, joint", problems::p8(problems::SEED), problems::TARGET),
        joint("byte sweep, python, joint", bytes.split("train")?, "python"),
    ];
    if let Some(path) = slimpajama {
        let train = Sweep::read_csv(path)?.split("train")?;
        let known = |target, law| best_of_file(path, target, law);
        cases.push(Case {
            known: known("commoncrawl", "joint")?,
            ..joint("SlimPajama, Common Crawl, joint", train.clone(), "commoncrawl")
        });
        cases.push(Case {
            known: known("c4", "full")?,
            law: Arc::new(FullLaw::for_sweep(&train)),
            ..joint("SlimPajama, C4, full", train, "c4")
        });
    }
    Ok(cases)
}

/// The objective within the default box in the file beside the sweep, whose columns are `target`,
/// `law`, `bounds` and `huber`.
fn best_of_file(sweep: &str, target: &str, law: &str) -> Result<f64> {
    let path = Path::new(sweep).with_file_name("slimpajama_best.csv");
    if !path.exists() {
        return Ok(f64::INFINITY);
    }
    let text = std::fs::read_to_string(path)?;
    let row = text.lines().find_map(|line| line.strip_prefix(&format!("{target},{law},box,")));
    let huber = row.and_then(|rest| rest.split(',').next());
    Ok(huber.ok_or(format!("slimpajama_best.csv has no {target}, {law}, box"))?.parse()?)
}

/// The objective that a fit reached, and the time that it took.
type Outcome = (f64, f64);

/// Runs `fit` for every seed below `seeds`, on several threads.
fn over_seeds(seeds: u64, threads: usize, fit: impl Fn(u64) -> f64 + Sync) -> Vec<Outcome> {
    let next = AtomicU64::new(0);
    let work = || {
        let mut own = Vec::new();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds {
                return own;
            }
            let start = Instant::now();
            let value = fit(seed);
            own.push((value, start.elapsed().as_secs_f64()));
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|w| w.join().expect("a fit does not panic")).collect()
    })
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

fn run(case: &Case, options: &Options) {
    let default = over_seeds(options.seeds, options.threads, |seed| {
        let fit = Fitter::new().seed(seed).fit(case.law.clone(), &case.sweep, case.target);
        fit.expect("the case is valid").objective()
    });
    let limit = Duration::from_secs_f64(median(default.iter().map(|outcome| outcome.1)));
    let limited = |fitter: Fitter| {
        over_seeds(options.peer_seeds, options.threads, |seed| {
            let start = Instant::now();
            let (fitter, law) = (fitter.clone().seed(seed), case.law.clone());
            let fitter = fitter.observe(move |_| {
                let in_time = start.elapsed() < limit;
                if in_time { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            });
            let fit = fitter.fit(law, &case.sweep, case.target);
            fit.expect("the case is valid").objective()
        })
    };
    let multi_start = MultiStart::new(Lbfgs::default(), usize::MAX);
    let hopping = BasinHopping::new(Lbfgs::default()).hops(usize::MAX);
    let all = [
        ("default", default),
        ("L-BFGS multi-start", limited(Fitter::new().optimizer(multi_start))),
        ("basin-hopping", limited(Fitter::new().optimizer(hopping))),
    ];
    let found = all.iter().flat_map(|(_, outcomes)| outcomes).map(|outcome| outcome.0);
    let best = found.fold(case.known, f64::min);
    for (name, outcomes) in all.iter().filter(|(_, outcomes)| !outcomes.is_empty()) {
        let excess = || outcomes.iter().map(|outcome| 100.0 * (outcome.0 / best - 1.0));
        let within = |percent: f64| {
            100.0 * excess().filter(|x| *x <= percent).count() as f64 / outcomes.len() as f64
        };
        println!(
            "| {} | {best:.6e} | {name} | {} | {:.1}% | {:.1}% | {:.1} ms | {:.3}% |",
            case.name,
            outcomes.len(),
            within(0.1),
            within(1.0),
            1e3 * median(outcomes.iter().map(|outcome| outcome.1)),
            excess().fold(0.0, f64::max),
        );
    }
}

fn main() -> Result<()> {
    let options = options()?;
    println!(
        "| problem | best known | fit | seeds | within 0.1% | within 1% | median time | worst excess |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for case in cases(options.slimpajama.as_deref())? {
        run(&case, &options);
    }
    Ok(())
}
