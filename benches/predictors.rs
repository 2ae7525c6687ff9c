//! Which predictor errs least at a larger scale: what [`mixlaw::Predictor::recommended`] was chosen
//! by.
//!
//! ```text
//! cargo bench --bench predictors [-- SLIMPAJAMA.csv]
//! cargo bench --bench predictors -- --coupled SLIMPAJAMA.csv REDPAJAMA7.csv [--eval]
//! ```
//!
//! 1. Errors on larger sizes held out, of fits to the smaller ones: three hold-outs within the training
//!    sizes of the paper's sweep (where its path is given) and four of the byte-level sweep, on average
//!    over targets. Single fits of three laws and their means; with rows weighted equally and by
//!    compute; best fits, means of the near-optimal fits of 24 starts, and means of 60 resamples.
//! 2. What weights cost where the law is exactly right: the error of fits to synthetic sweeps.
//! 3. With the path, the one final report: fits to the paper's training sizes, evaluated at 3B.
//!
//! With `--coupled`, instead: laws whose terms of N and D are coupled, alone and in means, beside the others,
//! all by [`Fitter::recommended`], on training sizes held out of three sweeps; with `--eval` the eval rows
//! in place of these.

#[path = "predictors/coupled.rs"]
mod coupled;
mod designs;

use std::error::Error;

use designs::{DESIGNS, TARGET, Truth};
use mixlaw::fit::Metrics;
use mixlaw::law::{AdditiveLaw, FullLaw, JointLaw, ScalingLaw, SimpleLaw};
use mixlaw::testing::SyntheticSweep;
use mixlaw::uncertainty::Bootstrap;
use mixlaw::{Fitter, Mixture, Predictor, Sweep};
use rayon::prelude::*;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const LAWS: [&str; 3] = ["additive", "joint", "full"];
/// Laws whose predictions are averaged, by their numbers.
const MEANS: [&[usize]; 6] = [&[0], &[1], &[2], &[0, 1], &[1, 2], &[0, 1, 2]];
const WAYS: [&str; 3] = ["best fit", "near-optimal", "resamples"];

fn law(name: &str, sweep: &Sweep) -> Box<dyn ScalingLaw> {
    match name {
        "simple" => Box::new(SimpleLaw::for_sweep(sweep)),
        "additive" => Box::new(AdditiveLaw::for_sweep(sweep)),
        "joint" => Box::new(JointLaw::for_sweep(sweep)),
        _ => Box::new(FullLaw::for_sweep(sweep)),
    }
}

/// The mean of several predictions of the same rows.
fn mean(of: &[Vec<f64>]) -> Vec<f64> {
    (0..of[0].len()).map(|i| of.iter().map(|p| p[i]).sum::<f64>() / of.len() as f64).collect()
}

/// The predictions of `test` by a law in all [`WAYS`].
fn predictions(
    name: &str,
    fitter: &Fitter,
    rows: &Sweep,
    test: &Sweep,
    target: &str,
) -> Result<[Vec<f64>; 3]> {
    let best = fitter.fit(law(name, rows), rows, target)?;
    let mut near = vec![best.predict_sweep(test)?];
    for seed in 0..24 {
        let fit = fitter.clone().starts(1).seed(seed).fit(law(name, rows), rows, target)?;
        if fit.objective() <= 1.01 * best.objective() {
            near.push(fit.predict_sweep(test)?);
        }
    }
    let resampled = Bootstrap::new(60).run(&best, rows)?;
    let members = (0..).map_while(|b| resampled.member(b));
    let bag = members.map(|member| Ok(member.predict_sweep(test)?));
    let bag: Vec<Vec<f64>> = bag.collect::<Result<_>>()?;
    Ok([near[0].clone(), mean(&near), mean(&bag)])
}

/// The mean MRE over the targets of a hold-out, for each way and each mean of laws.
fn hold_out(power: f64, rows: &Sweep, test: &Sweep, targets: &[String]) -> Result<Vec<f64>> {
    let fitter = Fitter::new().weigh_by_compute(power);
    let mut errors = vec![0.0; WAYS.len() * MEANS.len()];
    for target in targets {
        let observed = test.losses_of(target)?;
        let mut of_law = Vec::new();
        for name in LAWS {
            of_law.push(predictions(name, &fitter, rows, test, target)?);
        }
        for (w, _) in WAYS.iter().enumerate() {
            for (m, laws) in MEANS.iter().enumerate() {
                let own: Vec<Vec<f64>> = laws.iter().map(|&l| of_law[l][w].clone()).collect();
                let mre = Metrics::new(&observed, &mean(&own)).mre * 100.0;
                errors[w * MEANS.len() + m] += mre / targets.len() as f64;
            }
        }
    }
    Ok(errors)
}

/// A sweep with its name, and pairs of the largest size to fit and the size to test.
type Case<'a> = (&'a str, &'a Sweep, &'a [(f64, f64)]);

fn hold_outs(cases: &[Case<'_>]) -> Result<()> {
    println!("## Mean MRE (%) on larger sizes held out, all chosen within the training sizes\n");
    print!("| rows weighted by | way | laws |");
    for (name, _, pairs) in cases {
        pairs.iter().for_each(|(top, at)| print!(" {name} <= {top:.2e}, at {at:.2e} |"));
    }
    println!(" geometric mean |");
    println!("|{}", "---|".repeat(4 + cases.iter().map(|c| c.2.len()).sum::<usize>()));
    for power in [0.0, 0.5, 1.0, 1.5] {
        let mut columns = Vec::new();
        for (_, sweep, pairs) in cases {
            // The 3B rows of OpenHermes are off every curve; the means are those of the paper.
            let targets: Vec<String> =
                sweep.targets().iter().filter(|t| *t != "openhermes").cloned().collect();
            for &(top, at) in *pairs {
                let rows = sweep.select(|row| row.n <= top)?;
                let test = sweep.select(|row| row.n == at)?;
                columns.push((power, rows, test, targets.clone()));
            }
        }
        let errors: Vec<Vec<f64>> = columns
            .iter()
            .map(|(power, rows, test, targets)| hold_out(*power, rows, test, targets))
            .collect::<Result<_>>()?;
        for (w, way) in WAYS.iter().enumerate() {
            for (m, laws) in MEANS.iter().enumerate() {
                let own: Vec<f64> = errors.iter().map(|e| e[w * MEANS.len() + m]).collect();
                let names: Vec<&str> = laws.iter().map(|&l| LAWS[l]).collect();
                print!("| (N D)^{power} | {way} | {} |", names.join(" + "));
                own.iter().for_each(|e| print!(" {e:.3} |"));
                let logs = own.iter().map(|e| e.ln()).sum::<f64>() / own.len() as f64;
                println!(" {:.3} |", logs.exp());
            }
        }
    }
    Ok(())
}

/// The error of the law's value at 3 times the largest size, where the law is right.
fn cost_of_weights(count: u64) {
    println!(
        "\n## Where the law is exactly right: root mean square error (%) of its value at 3 times the largest size, {count} sweeps\n"
    );
    println!(
        "| design | law | equal weights | by compute | by compute^1.5 |\n|---|---|---|---|---|"
    );
    for (name, design) in DESIGNS {
        for joint in [false, true] {
            let errors = |power: f64| {
                let one = |seed: u64| {
                    let truth = Truth::draw(SyntheticSweep::paper(design), joint, seed);
                    let sweep = truth.train();
                    let fitter = Fitter::new().seed(seed).weigh_by_compute(power);
                    let fit = fitter.fit(truth.law.clone(), &sweep, TARGET).expect("a fit");
                    let (at, h) =
                        (designs::beyond(&sweep), Mixture::uniform(sweep.domains().len()));
                    (fit.predict(at, &h).expect("a loss") / truth.loss(at, &h) - 1.0).powi(2)
                };
                let sum: f64 = (0..count).into_par_iter().map(one).collect::<Vec<_>>().iter().sum();
                100.0 * (sum / count as f64).sqrt()
            };
            let law = if joint { "joint" } else { "additive" };
            let [none, one, more] = [0.0, 1.0, 1.5].map(errors);
            println!("| {name} | {law} | {none:.3} | {one:.3} | {more:.3} |");
        }
    }
}

fn final_report(sweep: &Sweep) -> Result<()> {
    println!("\n## The final report: MRE (%) at 3B of fits to the training sizes\n");
    println!(
        "| target | recommended | simple | additive | joint | full |\n|---|---|---|---|---|---|"
    );
    let (train, eval) = (sweep.split("train")?, sweep.split("eval")?);
    let targets: Vec<&String> = sweep.targets().iter().filter(|t| *t != "openhermes").collect();
    let mut sums = [0.0; 5];
    for target in &targets {
        let recommended = 100.0 * Predictor::recommended(&train, target)?.evaluate(&eval)?.mre;
        let mut own = vec![recommended];
        for name in ["simple", "additive", "joint", "full"] {
            let fit = Fitter::new().fit(law(name, &train), &train, target)?;
            own.push(fit.evaluate(&eval)?.mre * 100.0);
        }
        print!("| {target} |");
        own.iter().for_each(|e| print!(" {e:.2} |"));
        println!();
        sums.iter_mut().zip(own).for_each(|(sum, e)| *sum += e / targets.len() as f64);
    }
    print!("| mean |");
    sums.iter().for_each(|e| print!(" {e:.2} |"));
    println!("\n| the paper, Table 4 | | 1.70 | 1.39 | 1.30 | 1.21 |");
    Ok(())
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    if arguments.first().is_some_and(|first| first == "--coupled") {
        return coupled::report(&arguments[1..]);
    }
    let slimpajama = arguments.first().map(Sweep::read_csv).transpose()?;
    let train = slimpajama.as_ref().map(|sweep| sweep.split("train")).transpose()?;
    let bytes = Sweep::from_csv(include_bytes!("../examples/data/byte_sweep.csv").as_slice())?
        .select(|row| row.split == "train" || row.split == "eval")?;
    let sizes = [(6.8e8, 9.37e8), (6.8e8, 1.235e9), (9.37e8, 1.235e9)];
    let byte_sizes =
        [(21_024.0, 40_624.0), (40_624.0, 81_544.0), (40_624.0, 230_784.0), (81_544.0, 230_784.0)];
    let mut cases: Vec<Case<'_>> = Vec::new();
    cases.extend(train.as_ref().map(|train| ("SlimPajama", train, &sizes[..])));
    cases.push(("bytes", &bytes, &byte_sizes[..]));
    hold_outs(&cases)?;
    cost_of_weights(100);
    slimpajama.as_ref().map_or(Ok(()), final_report)
}
