//! What is gained by leaving out or weighing down checkpoints in the middle of a schedule.
//!
//! ```text
//! MIXLAW_REDPAJAMA=redpajama7.csv MIXLAW_SLIMPAJAMA=slimpajama.csv cargo bench --bench schedules
//! ```
//!
//! Joint laws are fitted to the smaller training sizes of two public sweeps and predict a larger training
//! size that was held out: all its rows, and those of its last checkpoints. The rows that are fitted are
//! kept as they are, left out below a share of the planned tokens, or weighed by a power of that share;
//! each with rows weighted equally and by compute. A sweep whose variable is not set is skipped.

use std::error::Error;

use mixlaw::fit::Metrics;
use mixlaw::law::JointLaw;
use mixlaw::sweep::TRAIN;
use mixlaw::{Fitter, Sweep};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const PLANNED: &str = "planned_tokens";

/// What is done with the checkpoints.
#[derive(Clone, Copy)]
enum Way {
    Drop(f64),
    Weigh(f64),
}

const WAYS: [Way; 8] = [
    Way::Weigh(0.0),
    Way::Drop(0.15),
    Way::Drop(0.25),
    Way::Drop(0.5),
    Way::Drop(0.99),
    Way::Weigh(0.5),
    Way::Weigh(1.0),
    Way::Weigh(2.0),
];

impl Way {
    fn name(self) -> String {
        match self {
            Way::Weigh(0.0) => "as they are".to_owned(),
            Way::Weigh(power) => format!("weighed by share^{power}"),
            Way::Drop(share) => format!("left out below {share} of the plan"),
        }
    }

    fn rows(self, sweep: &Sweep) -> std::result::Result<Sweep, mixlaw::Error> {
        match self {
            Way::Weigh(_) => Ok(sweep.clone()),
            Way::Drop(share) => sweep.late_checkpoints(PLANNED, share),
        }
    }

    fn fitter(self, compute: f64) -> Fitter {
        let fitter = Fitter::new().weigh_by_compute(compute);
        match self {
            Way::Weigh(power) => fitter.weigh_by_schedule(PLANNED, power),
            Way::Drop(_) => fitter,
        }
    }
}

/// Rows to fit, and named rows to predict.
struct Case {
    name: String,
    train: Sweep,
    tests: Vec<(&'static str, Sweep)>,
}

/// The largest D that most runs of some rows have.
fn last(sweep: &Sweep) -> Result<Sweep> {
    let mut tokens = sweep.d().to_vec();
    tokens.sort_by(f64::total_cmp);
    tokens.dedup();
    let runs = sweep.count_runs();
    let shared = tokens
        .into_iter()
        .rev()
        .find(|d| 2 * sweep.rows().filter(|row| row.d == *d).count() > runs);
    let d = shared.ok_or("no D is shared by the runs")?;
    Ok(sweep.select(|row| row.d == d)?)
}

/// A larger size held out of the training sizes.
fn size(sweep: &Sweep, top: f64, at: f64) -> Result<Case> {
    let all = sweep.select(|row| row.n == at)?;
    Ok(Case {
        name: format!("fitted up to {top:.2e} parameters, at {at:.2e}"),
        train: sweep.select(|row| row.n <= top)?,
        tests: vec![("last checkpoints", last(&all)?), ("all rows", all)],
    })
}

/// The mean relative error (%) over the targets on each of the tests, or why there is none.
fn errors(way: Way, compute: f64, case: &Case, targets: &[String]) -> Result<Vec<f64>> {
    let rows = way.rows(&case.train)?;
    let mut errors = vec![0.0; case.tests.len()];
    for target in targets {
        let fit = way.fitter(compute).fit(JointLaw::for_sweep(&rows), &rows, target)?;
        for (error, (_, test)) in errors.iter_mut().zip(&case.tests) {
            let metrics: Metrics = fit.evaluate(test)?;
            *error += 100.0 * metrics.mre / targets.len() as f64;
        }
    }
    Ok(errors)
}

fn table(case: &Case, targets: &[String]) {
    println!("\n### {}\n", case.name);
    print!("| rows | |");
    for weights in ["equal weights", "by compute"] {
        case.tests.iter().for_each(|(test, _)| print!(" {weights}, {test} |"));
    }
    println!("\n|---|---|{}", "---|".repeat(2 * case.tests.len()));
    for way in WAYS {
        let rows = way.rows(&case.train).map_or(0, |rows| rows.len());
        print!("| {} | {rows} rows |", way.name());
        for compute in [0.0, 1.0] {
            match errors(way, compute, case, targets) {
                Ok(errors) => errors.iter().for_each(|error| print!(" {error:.2} |")),
                Err(_) => case.tests.iter().for_each(|_| print!(" - |")),
            }
        }
        println!();
    }
}

fn read(variable: &str) -> Result<Option<Sweep>> {
    match std::env::var_os(variable) {
        Some(path) => Ok(Some(Sweep::read_csv(path)?)),
        None => {
            println!("\nskipped: {variable} does not name the sweep's file");
            Ok(None)
        }
    }
}

/// Every run is planned for 1.05e11 tokens on a cosine schedule; two of the training sizes end it.
fn redpajama() -> Result<()> {
    const END: f64 = 104_857_600_000.0;
    let Some(sweep) = read("MIXLAW_REDPAJAMA")? else { return Ok(()) };
    let sweep = sweep.split(TRAIN)?;
    let sweep = sweep.clone().with_column(PLANNED, &vec![END; sweep.len()])?;
    let targets: Vec<String> =
        sweep.targets().iter().filter(|t| t.starts_with("g_") || *t == "avg").cloned().collect();
    let (finished, unfinished) =
        (sweep.select(|row| row.d == END)?, sweep.select(|row| row.d < END)?);
    println!(
        "\n## Cosine schedules: RedPajama, {} of {} training rows finished\n\nMean relative error (%) of {}",
        finished.len(),
        sweep.len(),
        targets.join(", ")
    );
    let cases = [
        size(&sweep, 2.02e8, 302_311_424.0)?,
        size(&sweep, 8.6e7, 201_541_632.0)?,
        Case {
            name: "fitted to all that is not finished".to_owned(),
            train: unfinished,
            tests: vec![("the finished rows", finished)],
        },
    ];
    cases.iter().for_each(|case| table(case, &targets));
    Ok(())
}

/// Constant schedules; the plan of a run is its last checkpoint.
fn slimpajama() -> Result<()> {
    let Some(sweep) = read("MIXLAW_SLIMPAJAMA")? else { return Ok(()) };
    let sweep = sweep.with_last_as_planned(PLANNED)?.split(TRAIN)?;
    // The large rows of OpenHermes are off every curve.
    let targets: Vec<String> =
        sweep.targets().iter().filter(|t| *t != "openhermes").cloned().collect();
    println!(
        "\n## Constant schedules: SlimPajama\n\nMean relative error (%) of {}",
        targets.join(", ")
    );
    let cases = [size(&sweep, 9.37e8, 1.235e9)?, size(&sweep, 6.8e8, 9.37e8)?];
    cases.iter().for_each(|case| table(case, &targets));
    Ok(())
}

fn main() -> Result<()> {
    redpajama()?;
    slimpajama()
}
