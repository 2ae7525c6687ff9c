//! The best objective so far against the number of local solves (the paper's Fig. 2), as SVG: median
//! and quartiles over trials, for basin-hopping and random search over L-BFGS, for the trust region
//! from drawn starts, and for the crate's default fit.
//!
//! ```text
//! cargo bench --bench local_solves -- [P3 | P8 | SWEEP.csv] [--target T] [--law L] [--trials N]
//!                                     [--solves N] [--out OUT.svg]
//! ```
//!
//! fits the joint law to the python loss of the embedded sweep, or to a synthetic problem of the benches:
//! P3 has the design of the paper's figure. It draws to `docs/local_solves.svg`.

mod problems;

use std::error::Error;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};

use mixlaw::law::{self, LawSettings, ScalingLaw};
use mixlaw::optim::{
    BasinHopping, Lbfgs, MultiStart, Optimizer, Progress, SmoothFirst, TrustRegion,
};
use mixlaw::sweep::TRAIN;
use mixlaw::{Fitter, Sweep};
use plotters::prelude::*;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const SWEEP: &str = include_str!("../examples/data/byte_sweep.csv");

struct Options {
    sweep: Option<String>,
    target: Option<String>,
    law: String,
    trials: usize,
    solves: usize,
    out: String,
}

fn options() -> Result<Options> {
    use lexopt::prelude::*;
    let mut options = Options {
        sweep: None,
        target: None,
        law: "joint".to_owned(),
        trials: 100,
        solves: 30,
        out: "docs/local_solves.svg".to_owned(),
    };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            // Of cargo.
            Long("bench") => {}
            Long("target") => options.target = Some(parser.value()?.string()?),
            Long("law") => options.law = parser.value()?.string()?,
            Long("trials") => options.trials = parser.value()?.parse()?,
            Long("solves") => options.solves = parser.value()?.parse()?,
            Long("out") => options.out = parser.value()?.string()?,
            Value(sweep) if options.sweep.is_none() => options.sweep = Some(sweep.string()?),
            _ => return Err(argument.unexpected().into()),
        }
    }
    if options.trials == 0 || options.solves < 2 {
        return Err("expected at least 1 for --trials and 2 for --solves".into());
    }
    Ok(options)
}

fn main() -> Result<()> {
    run(&options()?)
}

/// A way to fit, and how to draw it.
struct Kind {
    name: &'static str,
    colour: RGBColor,
    fitter: Fitter,
}

fn kinds(solves: usize) -> [Kind; 4] {
    let kind = |name, colour, fitter| Kind { name, colour, fitter };
    let by = |optimizer: Box<dyn Optimizer>| Fitter::new().optimizer(optimizer);
    // A start counts twice: one solve of least squares, one of Huber.
    let from_data =
        SmoothFirst::new(TrustRegion::default().tolerance(1e-3), TrustRegion::default());
    let trust_region = MultiStart::new(from_data, solves.div_ceil(2));
    [
        kind(
            "random search, L-BFGS",
            RGBColor(120, 120, 120),
            by(Box::new(MultiStart::new(Lbfgs::default(), solves))),
        ),
        kind(
            "basin-hopping, L-BFGS",
            RGBColor(213, 94, 0),
            by(Box::new(BasinHopping::new(Lbfgs::default()).hops(solves - 1))),
        ),
        kind("random search, TrustRegion", RGBColor(0, 114, 178), by(Box::new(trust_region))),
        kind("default fit", RGBColor(0, 158, 115), Fitter::new()),
    ]
}

/// The best objective after 1, 2, ... local solves of one fit; infinite before the first of them is
/// one of the objective itself.
type History = Vec<f64>;

fn history(
    fitter: &Fitter,
    law: Arc<dyn ScalingLaw>,
    (train, target): (&Sweep, &str),
    solves: usize,
) -> Result<History> {
    let history = Arc::new(Mutex::new(History::new()));
    let shared = Arc::clone(&history);
    let note = move |progress: &Progress| {
        let mut history = shared.lock().expect("the observer does not panic");
        // Several solves may be done at once: a start is solved on least squares, then on Huber.
        if progress.done > history.len() {
            let before = history.last().copied().unwrap_or(f64::INFINITY);
            history.resize(progress.done - 1, before);
            history.push(progress.best);
        }
        let done = history.len() >= solves;
        if done { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    fitter.clone().observe(note).fit(law, train, target)?;
    let history = history.lock().expect("the observer did not panic").clone();
    Ok(history)
}

/// The histories of all trials of one kind, on as many threads as there are.
fn histories(
    kind: &Kind,
    law: &Arc<dyn ScalingLaw>,
    data: (&Sweep, &str),
    options: &Options,
) -> Result<Vec<History>> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let share = |first: usize| {
        let trials = (first..options.trials).step_by(threads);
        let trial = |seed| {
            let fitter = kind.fitter.clone().seed(seed as u64);
            // An error of a thread has to be text to leave it.
            history(&fitter, law.clone(), data, options.solves).map_err(|error| error.to_string())
        };
        trials.map(trial).collect::<std::result::Result<Vec<_>, _>>()
    };
    let shares: Vec<_> = std::thread::scope(|scope| {
        let share = &share;
        let workers: Vec<_> = (0..threads).map(|i| scope.spawn(move || share(i))).collect();
        workers.into_iter().map(|w| w.join().expect("a fit does not panic")).collect()
    });
    let mut all = Vec::new();
    for share in shares {
        all.extend(share?);
    }
    Ok(all)
}

/// The quartiles over trials after each number of solves that every trial came to.
fn quartiles(histories: &[History]) -> Vec<[f64; 3]> {
    let solves = histories.iter().map(Vec::len).min().unwrap_or(0);
    let after = |i: usize| {
        let mut values: Vec<f64> = histories.iter().map(|history| history[i]).collect();
        values.sort_by(f64::total_cmp);
        [0.25, 0.5, 0.75].map(|q| values[(q * (values.len() - 1) as f64).round() as usize])
    };
    (0..solves).map(after).collect()
}

fn run(options: &Options) -> Result<()> {
    let (sweep, target) = match options.sweep.as_deref() {
        Some("P3") => (problems::p3(problems::SEED), problems::TARGET),
        Some("P8") => (problems::p8(problems::SEED), problems::TARGET),
        Some(path) => (Sweep::read_csv(path)?, "python"),
        None => (Sweep::from_csv(SWEEP.as_bytes())?, "python"),
    };
    let target = options.target.as_deref().unwrap_or(target);
    let train = sweep.split(TRAIN)?;
    let law = law::named(&options.law)?.for_sweep(&train, &LawSettings::new().domain(target))?;

    let kinds = kinds(options.solves);
    let mut curves = Vec::new();
    let mut best = f64::INFINITY;
    for kind in &kinds {
        let histories = histories(kind, &law, (&train, target), options)?;
        best = histories.iter().flatten().copied().fold(best, f64::min);
        curves.push((kind, quartiles(&histories)));
    }
    println!("best objective found: {best:.6e}\n");
    println!("{:28} {:>8} {:>28}", "excess over it in %", "solves", "quartiles at the end");
    for (kind, curve) in &mut curves {
        curve.iter_mut().flatten().for_each(|value| *value = 100.0 * (*value / best - 1.0));
        let [low, median, high] = curve.last().expect("a fit has a local solve");
        println!("{:28} {:8} {low:9.4} {median:9.4} {high:9.4}", kind.name, curve.len());
    }
    let subject = options.sweep.as_deref().filter(|name| *name == "P3" || *name == "P8");
    let title =
        format!("{} law, {}: {} trials", options.law, subject.unwrap_or(target), options.trials);
    draw(&curves, &title, options)?;
    println!("\ndrawn: {}", options.out);
    Ok(())
}

/// Excesses below this many percent are drawn there.
const FLOOR: f64 = 0.01;

fn draw(curves: &[(&Kind, Vec<[f64; 3]>)], title: &str, options: &Options) -> Result<()> {
    let shown = curves.iter().flat_map(|(_, curve)| curve).flatten().filter(|x| x.is_finite());
    let most = shown.copied().fold(1.0, f64::max);
    let root = SVGBackend::new(&options.out, (760, 460)).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .caption(title, ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(42)
        .y_label_area_size(64)
        .build_cartesian_2d(1.0..options.solves as f64, (0.8 * FLOOR..1.3 * most).log_scale())?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .x_desc("local solves")
        .y_desc("excess over the best objective found, %")
        .x_label_formatter(&|x| format!("{x:.0}"))
        .y_label_formatter(&|y| if *y <= FLOOR { format!("≤ {FLOOR}") } else { y.to_string() })
        .label_style(("sans-serif", 13))
        .draw()?;
    for (kind, curve) in curves {
        let colour = kind.colour;
        // Where a quartile is not known yet, nothing is drawn.
        let known: Vec<(f64, [f64; 3])> = (1..)
            .map(f64::from)
            .zip(curve.iter().map(|quartiles| quartiles.map(|x| x.max(FLOOR))))
            .filter(|(_, quartiles)| quartiles.iter().all(|x| x.is_finite()))
            .collect();
        // A step: what a solve found holds until the next one ends.
        let end = options.solves as f64;
        let step = move |x: f64, y: f64| [(x, y), ((x + 1.0).min(end), y)];
        let line = |q: usize| known.iter().flat_map(move |(x, y)| step(*x, y[q]));
        let band: Vec<(f64, f64)> = line(0).chain(line(2).rev()).collect();
        chart.draw_series([Polygon::new(band, colour.mix(0.18))])?;
        let stroke = colour.stroke_width(2);
        chart
            .draw_series([PathElement::new(line(1).collect::<Vec<_>>(), stroke)])?
            .label(kind.name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], stroke));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .label_font(("sans-serif", 13))
        .background_style(WHITE.mix(0.8))
        .draw()?;
    root.present()?;
    Ok(())
}
