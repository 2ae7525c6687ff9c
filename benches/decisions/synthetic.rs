//! Choices under laws that are known.

use mixlaw::plan::Risk;
use mixlaw::testing::{Modality, SyntheticSweep};
use mixlaw::{Decider, Mixture, Plan};
use rayon::prelude::*;

use crate::designs::{self, DESIGNS, TARGET, Truth};
use crate::{Result, before_priors};

const LEVEL: f64 = 0.9;
const MEMBERS: usize = 60;
/// What the careful minimise.
const CAREFUL: Risk = Risk::WorstShare(0.1);
const MARGINS: [f64; 3] = [0.0, 1.0, f64::INFINITY];

/// Seven domains around a natural mixture, as most public sweeps have them.
pub fn narrow() -> SyntheticSweep {
    let natural = [0.5, 0.2, 0.1, 0.08, 0.05, 0.04, 0.03];
    let domains = ["a", "b", "c", "d", "e", "f", "g"];
    SyntheticSweep::new(&domains).narrow(&natural, 30.0).mixtures(24)
}

struct Found {
    /// Of the recommended way by margin, of the careful one, and of the way before.
    regrets: Vec<f64>,
    /// How often the intervals hold the true loss.
    held: f64,
}

fn replicate(design: SyntheticSweep, joint: bool, seed: u64) -> Found {
    let truth = Truth::draw(design, joint, seed);
    let train = truth.train();
    let at = designs::beyond(&train);
    let k = train.domains().len();
    let optimum = truth.plan().best(at).expect("an optimum").optimum.weights;
    let least = truth.loss(at, &optimum);
    let regret = |h: &Mixture| truth.loss(at, h) - least;

    let decider = Decider::new().members(MEMBERS).seed(seed);
    let predictor = decider.predictors(&train, [TARGET]).expect("fits").remove(0);
    let mut regrets = Vec::new();
    for margin in MARGINS {
        let plan =
            decider.clone().margin(margin).plan([(1.0, &predictor)], &train).expect("a plan");
        regrets.push(regret(&plan.best(at).expect("a choice").optimum.weights));
    }
    let careful = decider.clone().risk(CAREFUL).plan([(1.0, &predictor)], &train).expect("a plan");
    regrets.push(regret(&careful.best(at).expect("a choice").optimum.weights));
    let before = before_priors(&train, TARGET, seed).expect("fits");
    let plan = Plan::builder().target(1.0, before).build().expect("a plan");
    regrets.push(regret(&plan.best(at).expect("a choice").optimum.weights));

    let mut points = vec![Mixture::uniform(k)];
    points.extend(Mixture::dirichlet(&vec![3.0; k], 4, seed).expect("mixtures"));
    let holds = |h: &&Mixture| {
        let interval = predictor.interval(at, h.weights(), LEVEL).expect("an interval");
        interval.contains(truth.loss(at, h))
    };
    let held = points.iter().filter(holds).count() as f64 / points.len() as f64;
    Found { regrets, held }
}

pub fn report(count: u64) -> Result<()> {
    println!(
        "\n## Synthetic sweeps, {count} of each: mean and worst regret, in thousandths of a nat\n"
    );
    let margin = |m: &f64| format!("recommended, margin {m}");
    let careful = "worst tenth of the members".to_owned();
    let names: Vec<String> = MARGINS.iter().map(margin).chain([careful]).collect();
    println!("| design | law | {} | before | intervals that hold |", names.join(" | "));
    println!("|---|---|{}", "---|".repeat(names.len() + 2));
    let paper = |(name, design): (&'static str, Modality)| (name, SyntheticSweep::paper(design));
    let designs = DESIGNS.into_iter().map(paper).chain([("narrow, k = 7", narrow())]);
    for (name, design) in designs {
        for joint in [false, true] {
            let seeds = (0..count).into_par_iter();
            let all: Vec<Found> =
                seeds.map(|seed| replicate(design.clone(), joint, seed)).collect();
            print!("| {name} | {} |", if joint { "joint" } else { "additive" });
            for way in 0..MARGINS.len() + 2 {
                let own: Vec<f64> = all.iter().map(|f| 1000.0 * f.regrets[way]).collect();
                let mean = own.iter().sum::<f64>() / own.len() as f64;
                print!(" {mean:.1}, {:.0} |", own.iter().copied().fold(0.0, f64::max));
            }
            println!(" {:.1}% |", 100.0 * all.iter().map(|f| f.held).sum::<f64>() / count as f64);
        }
    }
    Ok(())
}
