//! The Rust side of `peers.py` and `mixtures.py`, which build and call it; commands print JSON.
//!
//! ```text
//! mixlaw-peers export DIR --starts S                     problems, starts and values as files
//! mixlaw-peers evaluate PROBLEM --repeats R              mixlaw: one value and gradient
//! mixlaw-peers fit PROBLEM --repeats R                   mixlaw: default fits, seeds 0..R
//! mixlaw-peers basin-multi-start PROBLEM --starts S --repeats R
//! mixlaw-peers basin-hopping PROBLEM --starts S --cap SECONDS --target VALUE
//! mixlaw-peers mixtures --laws LAW,... --count C --kmin K --kmax K --first-seed S
//! mixlaw-peers mixture-times --laws LAW,... --count C --k K --targets T --repeats R [--nonconvex]
//! ```

mod mixtures;
mod objective;
#[path = "../../problems.rs"]
mod problems;
mod with_basin;

use std::error::Error;
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use mixlaw::law::{JointLaw, ScalingLaw, StartData};
use mixlaw::{Fitter, Random, Sweep};
use objective::MeanHuber;
use serde_json::{Value, json};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Timed evaluations last about so long together.
const BURST: Duration = Duration::from_millis(20);

/// A problem by name, and the law to fit to it.
fn problem(name: &str) -> Result<(Sweep, JointLaw)> {
    let sweep = match name {
        "P3" => problems::p3(problems::SEED),
        "P8" => problems::p8(problems::SEED),
        _ => return Err(format!("unknown problem `{name}`, expected P3 or P8").into()),
    };
    let law = JointLaw::for_sweep(&sweep);
    Ok((sweep, law))
}

/// The box of the law's coordinates.
fn bounds(law: &JointLaw) -> Vec<(f64, f64)> {
    law.coordinates().iter().map(|c| c.bounds()).collect()
}

/// Starts as the law draws them, moved into its box: the same for every tool.
fn starts(sweep: &Sweep, law: &JointLaw, count: usize) -> Vec<Vec<f64>> {
    let mut losses = sweep.losses_of(problems::TARGET).expect("the target of the problem");
    losses.sort_by(f64::total_cmp);
    let mixtures = sweep.mixtures();
    let mean: Vec<f64> = mixtures.columns().into_iter().map(|c| c.sum() / c.len() as f64).collect();
    let data =
        StartData { least_loss: losses[0], median_loss: losses[losses.len() / 2], mixture: &mean };
    let mut random = Random::new(problems::SEED);
    let inside = |z: Vec<f64>| {
        z.iter().zip(bounds(law)).map(|(z, (lower, upper))| z.clamp(lower, upper)).collect()
    };
    (0..count).map(|_| inside(law.start(&data, &mut random))).collect()
}

fn export(directory: &Path, count: usize) -> Result<Value> {
    for name in ["P3", "P8"] {
        let (sweep, law) = problem(name)?;
        let data = objective::Data::new(&sweep);
        let mut objective = MeanHuber::new(&law, &data);
        let starts = starts(&sweep, &law, count);
        let mut gradient = vec![0.0; law.coordinates().len()];
        let values: Vec<Value> = starts
            .iter()
            .map(|z| json!([objective.value_gradient(z, &mut gradient), gradient]))
            .collect();
        let scales = law.coordinates().scale();
        let (lower, upper): (Vec<f64>, Vec<f64>) = bounds(&law).into_iter().unzip();
        let text = json!({
            "n": data.n, "d": data.d, "h": data.h, "losses": data.losses,
            "domains": sweep.domains().len(), "n0": scales.n, "d0": scales.d,
            "delta": objective::DELTA, "lower": lower, "upper": upper,
            "starts": starts, "values": values,
        });
        std::fs::write(directory.join(format!("{name}.json")), text.to_string())?;
    }
    Ok(json!({"mixlaw": env!("CARGO_PKG_VERSION")}))
}

/// Seconds for one value and gradient, once for each repeat.
fn evaluate(name: &str, repeats: usize) -> Result<Value> {
    let (sweep, law) = problem(name)?;
    let data = objective::Data::new(&sweep);
    let mut objective = MeanHuber::new(&law, &data);
    // Other coordinates every time: a batch may remember the last ones.
    let points = starts(&sweep, &law, 8);
    let mut gradient = vec![0.0; law.coordinates().len()];
    let mut burst = |count: usize| {
        let start = Instant::now();
        for z in points.iter().cycle().take(count) {
            black_box(objective.value_gradient(black_box(z), &mut gradient));
            black_box(&gradient);
        }
        start.elapsed().as_secs_f64() / count as f64
    };
    let count = (BURST.as_secs_f64() / burst(200)).ceil() as usize;
    Ok(json!({"seconds": (0..repeats).map(|_| burst(count)).collect::<Vec<_>>()}))
}

/// Default fits from cold, one for each seed.
fn fit(name: &str, repeats: usize) -> Result<Value> {
    let (sweep, _) = problem(name)?;
    let (mut seconds, mut objectives, mut solves) = (Vec::new(), Vec::new(), Vec::new());
    for seed in 0..repeats as u64 {
        let start = Instant::now();
        let fitter = Fitter::new().seed(seed);
        let fit = fitter.fit(JointLaw::for_sweep(&sweep), &sweep, problems::TARGET)?;
        seconds.push(start.elapsed().as_secs_f64());
        objectives.push(fit.objective());
        solves.push(fit.local_solves());
    }
    Ok(json!({"seconds": seconds, "objectives": objectives, "local_solves": solves}))
}

fn basin_multi_start(name: &str, count: usize, repeats: usize) -> Result<Value> {
    let (sweep, law) = problem(name)?;
    let data = objective::Data::new(&sweep);
    let starts = starts(&sweep, &law, count);
    let mut objectives = Vec::new();
    let mut seconds = Vec::new();
    for _ in 0..repeats {
        let start = Instant::now();
        let solve = |z: &Vec<f64>| with_basin::lbfgs(MeanHuber::new(&law, &data), &bounds(&law), z);
        objectives = starts.iter().map(solve).collect();
        seconds.push(start.elapsed().as_secs_f64());
    }
    Ok(json!({"seconds": seconds, "objectives": objectives}))
}

fn basin_hopping(name: &str, count: usize, cap: f64, target: f64) -> Result<Value> {
    let (sweep, law) = problem(name)?;
    let data = objective::Data::new(&sweep);
    let cap = Duration::from_secs_f64(cap);
    let hop = |(seed, z): (usize, &Vec<f64>)| {
        let objective = MeanHuber::new(&law, &data);
        with_basin::hopping(objective, &bounds(&law), z, seed as u64, cap, target)
            .map(|time| time.as_secs_f64())
    };
    let seconds: Vec<Option<f64>> =
        starts(&sweep, &law, count).iter().enumerate().map(hop).collect();
    Ok(json!({"seconds": seconds}))
}

fn run() -> Result<Value> {
    use lexopt::prelude::*;
    let mut names: Vec<String> = Vec::new();
    let (mut starts, mut repeats, mut cap, mut target) = (20, 5, 60.0, 0.0);
    let mut parser = lexopt::Parser::from_env();
    if let Some(Value(command)) = parser.next()? {
        match command.string()?.as_str() {
            "mixtures" => return mixtures::mixtures(parser),
            "mixture-times" => return mixtures::times(parser),
            command => names.push(command.to_owned()),
        }
    }
    while let Some(argument) = parser.next()? {
        match argument {
            Long("starts") => starts = parser.value()?.parse()?,
            Long("repeats") => repeats = parser.value()?.parse()?,
            Long("cap") => cap = parser.value()?.parse()?,
            Long("target") => target = parser.value()?.parse()?,
            Value(name) => names.push(name.string()?),
            _ => return Err(argument.unexpected().into()),
        }
    }
    match names.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["export", directory] => export(Path::new(directory), starts),
        ["evaluate", name] => evaluate(name, repeats),
        ["fit", name] => fit(name, repeats),
        ["basin-multi-start", name] => basin_multi_start(name, starts, repeats),
        ["basin-hopping", name] => basin_hopping(name, starts, cap, target),
        _ => Err("expected a command and its one argument; peers.py gives them".into()),
    }
}

fn main() -> Result<()> {
    println!("{}", run()?);
    Ok(())
}
