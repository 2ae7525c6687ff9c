//! From a CSV file to a constrained mixture with intervals, in one page.

use mixlaw::fit::Ensemble;
use mixlaw::simplex::Constraints;
use mixlaw::uncertainty::Bootstrap;
use mixlaw::{Mixture, Plan, Scale, Sweep};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sweep =
        Sweep::read_csv(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/byte_sweep.csv"))?;
    let train = sweep.split("train")?;
    let bootstrap = Bootstrap::new(200);
    let mut fits = Vec::new();
    for target in ["python", "rust"] {
        fits.push(bootstrap.run(Ensemble::recommended(&train, target)?, &train)?);
    }

    // 4e5 tokens of C, seen at most four times; at least 30% of English and French together.
    let limits = Constraints::new().epochs("c", 4e5, 4.0).group(&["english", "french"], 0.3, 1.0);
    let plan = Plan::new().with_resamples(0.5, &fits[0]).with_resamples(0.5, &fits[1]);
    let plan = plan.constraints(limits);
    let choice = plan.best(Scale { n: 230_784.0, d: 5.12e6 })?;

    let weights = plan.certainty(&choice)?.weights(0.9)?;
    for (domain, weight) in choice.domains.iter().zip(weights) {
        println!("{domain:8} {weight:.3}");
    }
    for resamples in &fits {
        let h = &choice.optimum.weights;
        let loss = resamples.prediction_interval(choice.scale, h, 0.9)?;
        println!("{} loss of a new run: {loss:.3} nats", resamples.ensemble().target());
    }
    let uniform = plan.advantage(&choice, &Mixture::uniform(4), 0.9)?;
    println!(
        "against uniform: {:.4} nats, better with probability {:.2}",
        uniform.nats, uniform.probability
    );
    println!("the limits cost {:.4} nats", choice.cost_of_constraints());
    Ok(())
}
