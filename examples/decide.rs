//! The recommended way from a CSV file to a constrained mixture with intervals, in one page:
//! `cargo run --release --example decide [SWEEP.csv]`.

use mixlaw::simplex::Constraints;
use mixlaw::uncertainty::Bootstrap;
use mixlaw::{Mixture, Plan, Predictor, Scale, Sweep};

fn main() -> Result<(), mixlaw::Error> {
    let embedded = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/byte_sweep.csv");
    let sweep = Sweep::read_csv(std::env::args().nth(1).as_deref().unwrap_or(embedded))?;
    let train = sweep.split("train")?;

    // The mean of two laws, fitted to all runs and to 200 draws of them.
    let bootstrap = Bootstrap::new(200);
    let python = bootstrap.run(Predictor::recommended(&train, "python")?, &train)?;
    let rust = bootstrap.run(Predictor::recommended(&train, "rust")?, &train)?;

    // 4e5 tokens of C, seen at most four times; at least 30% of English and French together.
    let limits = Constraints::new().epochs("c", 4e5, 4.0).group(&["english", "french"], 0.3, 1.0);
    let plan =
        Plan::builder().target(0.5, &python).target(0.5, &rust).constraints(limits).build()?;
    let choice = plan.best(Scale { n: 230_784.0, d: 5.12e6 })?;

    let weights = plan.certainty(&choice)?.weights(0.9)?;
    for (domain, weight) in choice.domains.iter().zip(weights) {
        println!("{domain:8} {weight:.3}");
    }
    for predictor in [&python, &rust] {
        let h = &choice.optimum.weights;
        let loss = predictor.prediction_interval(choice.scale, h, 0.9)?;
        println!("{} loss of a new run: {loss:.3} nats", predictor.target());
    }
    let uniform = plan.advantage(&choice, &Mixture::uniform(choice.domains.len()), 0.9)?;
    println!(
        "against uniform: {:.4} nats, better with probability {:.2}",
        uniform.nats, uniform.probability
    );
    println!("the limits cost {:.4} nats", choice.cost_of_constraints());
    Ok(())
}
