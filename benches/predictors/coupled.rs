//! Laws whose terms of N and D are coupled, beside the others.

use mixlaw::law::{
    AdditiveLaw, Biased, Constant, CoupledFullLaw, CoupledLaw, FullLaw, InverseSum, JointLaw,
    LinearPower, PowerLaw, PowerLawBuilder, ScalingLaw,
};
use mixlaw::{Fitter, Sweep};
use rayon::prelude::*;

use super::{Result, mean};
use mixlaw::fit::Metrics;

const LAWS: [&str; 9] = [
    "additive",
    "coupled",
    "joint",
    "coupled joint",
    "full",
    "coupled full",
    "growing joint",
    "coupled growing",
    "coupled growing joint",
];

/// Of the means those whose errors on the eval rows are looked at: today's recommended predictor, and the one
/// that was chosen on the training sizes.
const REPORTED: [&[usize]; 2] = [&[2, 4], &[2, 4, 5]];

/// Laws whose predictions are averaged, by their numbers.
const MEANS: &[&[usize]] = &[
    &[0],
    &[1],
    &[2],
    &[3],
    &[4],
    &[5],
    &[6],
    &[7],
    &[8],
    &[2, 4],
    &[1, 2],
    &[1, 4],
    &[1, 3],
    &[1, 2, 4],
    &[1, 1, 2, 4],
    &[2, 3],
    &[3, 5],
    &[2, 4, 3],
    &[2, 4, 5],
    &[2, 4, 3, 5],
    &[1, 2, 4, 3, 5],
    &[1, 3, 5],
];

fn law(name: &str, sweep: &Sweep) -> Result<Box<dyn ScalingLaw>> {
    let start = PowerLaw::builder(name, sweep.domains()).scale(sweep.scale());
    let start = start.bias(Biased(InverseSum));
    let additive = |b: PowerLawBuilder| {
        b.n_term(Constant::level(), Constant::exponent())
            .d_term(Constant::level(), Constant::exponent())
    };
    let joint = |b: PowerLawBuilder| {
        b.n_term(LinearPower::level(), Constant::exponent())
            .d_term(LinearPower::level(), Constant::exponent())
    };
    Ok(match name {
        "additive" => Box::new(AdditiveLaw::for_sweep(sweep)),
        "coupled" => Box::new(CoupledLaw::for_sweep(sweep)),
        "joint" => Box::new(JointLaw::for_sweep(sweep)),
        "full" => Box::new(FullLaw::for_sweep(sweep)),
        "coupled joint" => Box::new(joint(start).coupled().build()?),
        "coupled full" => Box::new(CoupledFullLaw::for_sweep(sweep)),
        "growing joint" => Box::new(joint(start).growing_b().build()?),
        "coupled growing" => Box::new(additive(start).coupled().growing_b().build()?),
        _ => Box::new(joint(start).coupled().growing_b().build()?),
    })
}

/// Rows to fit and rows to predict, and what to call them.
struct Case {
    name: String,
    rows: Sweep,
    test: Sweep,
}

/// The largest training size held out; and all but the two smallest.
fn held_out(name: &str, train: &Sweep) -> Result<Vec<Case>> {
    let mut sizes = train.n().to_vec();
    sizes.sort_by(f64::total_cmp);
    sizes.dedup();
    let largest = sizes[sizes.len() - 1];
    let case = |least: f64, what: &str| -> Result<Case> {
        let rows = train.select(|row| row.n < least)?;
        let test = train.select(|row| row.n >= least)?;
        Ok(Case { name: format!("{name}, {what}"), rows, test })
    };
    Ok(vec![case(largest, "one step")?, case(sizes[2], "two steps")?])
}

/// The errors (%) of every mean, and p of the coupled laws.
fn errors(case: &Case, means: &[&[usize]], target: &str) -> Result<(Vec<f64>, Vec<f64>)> {
    let mut of_law = Vec::new();
    let mut powers = Vec::new();
    for (l, name) in LAWS.into_iter().enumerate() {
        if !means.iter().any(|laws| laws.contains(&l)) {
            of_law.push(Vec::new());
            continue;
        }
        let fit = Fitter::recommended().fit(law(name, &case.rows)?, &case.rows, target)?;
        let p = fit.coefficients().into_iter().find(|(name, _)| name == "p");
        powers.extend(p.map(|(_, p)| p));
        of_law.push(fit.predict_sweep(&case.test)?);
    }
    let observed = case.test.losses_of(target)?;
    let of_mean = |laws: &&[usize]| {
        let own: Vec<Vec<f64>> = laws.iter().map(|&l| of_law[l].clone()).collect();
        100.0 * Metrics::new(&observed, &mean(&own)).mre
    };
    Ok((means.iter().map(of_mean).collect(), powers))
}

/// The tables. The 3B rows of OpenHermes are off every curve; they are left out everywhere.
pub fn report(arguments: &[String]) -> Result<()> {
    let bytes = include_bytes!("../../examples/data/byte_sweep.csv").as_slice();
    let mut sweeps = vec![("bytes".to_owned(), Sweep::from_csv(bytes)?)];
    for path in arguments.iter().filter(|a| *a != "--eval") {
        let name = path.rsplit('/').next().unwrap_or(path).trim_end_matches(".csv");
        sweeps.push((name.to_owned(), Sweep::read_csv(path)?));
    }
    let mut cases = Vec::new();
    let is_final = arguments.iter().any(|a| a == "--eval");
    let means = if is_final { &REPORTED[..] } else { MEANS };
    for (name, sweep) in &sweeps {
        let train = sweep.split("train")?;
        if is_final {
            let test = sweep.split("eval")?;
            cases.push(Case { name: format!("{name}, eval rows"), rows: train, test });
        } else {
            cases.extend(held_out(name, &train)?);
        }
    }
    let mut columns = Vec::new();
    for case in &cases {
        let targets: Vec<&String> =
            case.rows.targets().iter().filter(|t| *t != "openhermes").collect();
        let one = |target: &&String| errors(case, means, target).map_err(|e| e.to_string());
        let all: Vec<_> = targets.par_iter().map(one).collect::<std::result::Result<_, _>>()?;
        eprintln!("{}: {} targets", case.name, targets.len());
        for (target, (_, powers)) in targets.iter().zip(&all) {
            eprintln!("  {target}: p {powers:.2?}");
        }
        columns.push(all.into_iter().map(|(errors, _)| errors).collect::<Vec<_>>());
    }
    print(&cases, means, &columns);
    Ok(())
}

/// Mean errors over the targets of each case, with how many targets each mean predicts better than joint +
/// full.
fn print(cases: &[Case], means: &[&[usize]], columns: &[Vec<Vec<f64>>]) {
    print!("| laws |");
    cases.iter().for_each(|case| print!(" {} |", case.name));
    println!(" geometric mean | better than joint + full |");
    println!("|{}", "---|".repeat(3 + cases.len()));
    let today = means.iter().position(|laws| *laws == REPORTED[0]).unwrap_or(0);
    for (m, laws) in means.iter().enumerate() {
        let names: Vec<&str> = laws.iter().map(|&l| LAWS[l]).collect();
        print!("| {} |", names.join(" + "));
        let mut logs = 0.0;
        for of_targets in columns {
            let mean = of_targets.iter().map(|e| e[m]).sum::<f64>() / of_targets.len() as f64;
            print!(" {mean:.3} |");
            logs += mean.ln() / columns.len() as f64;
        }
        let all: Vec<&Vec<f64>> = columns.iter().flatten().collect();
        let better = all.iter().filter(|e| e[m] < e[today]).count();
        println!(" {:.3} | {better} of {} |", logs.exp(), all.len());
    }
}
