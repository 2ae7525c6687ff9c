//! The recommended way from a CSV file to a constrained mixture, and how far it can be trusted:
//! `cargo run --release --example decide [SWEEP.csv]`.

use mixlaw::simplex::Constraints;
use mixlaw::{Decider, Scale, Sweep};

fn main() -> Result<(), mixlaw::Error> {
    let embedded = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/byte_sweep.csv");
    let sweep = Sweep::read_csv(std::env::args().nth(1).as_deref().unwrap_or(embedded))?;
    let train = sweep.split("train")?;

    // 4e5 tokens of C, seen at most four times; at least 30% of English and French together.
    let limits = Constraints::new().epochs("c", 4e5, 4.0).group(&["english", "french"], 0.3, 1.0);
    let decider = Decider::new().constraints(limits);

    // The mean of two laws for each target, fitted to all runs and to 400 draws of them.
    let predictors = decider.predictors(&train, ["python", "rust"])?;
    for predictor in &predictors {
        println!("held out: {}", predictor.evaluate(&sweep.split("eval")?)?);
    }

    // The mixture for both, at a larger scale.
    let goal = predictors.iter().map(|predictor| (0.5, predictor));
    let decision = decider.decide_by(goal, &train, Scale { n: 230_784.0, d: 5.12e6 })?;
    println!("{decision}");
    println!("the limits cost {:.4} nats", decision.choice.cost_of_constraints());
    Ok(())
}
