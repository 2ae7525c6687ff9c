//! Which runs next: how many runs it takes until the choice is good, when every next run is chosen by
//! what it decides, by what it tells of the law, or at random.
//!
//! ```text
//! cargo bench --bench next_runs [-- REPLICATIONS]
//! ```
//!
//! Every replication draws an additive law of 5 domains, a pool of 60 mixtures at each of three sizes,
//! and 10 runs of the pool to begin with; then runs are added four at a time. The regret is what the
//! true law loses, at 3 times the largest size, at the mixture that the fit chooses. A strategy has
//! reached a regret where it stays at or below it for all runs after.

mod designs;

use designs::{TARGET, Truth};
use mixlaw::plan::{Criterion, Run};
use mixlaw::testing::SyntheticSweep;
use mixlaw::uncertainty::Bootstrap;
use mixlaw::{Fitter, Mixture, Plan, Random, Scale};
use rayon::prelude::*;

const FIRST: usize = 10;
const LAST: usize = 90;
const STEP: usize = 4;
const REGRETS: [f64; 4] = [0.002, 0.001, 0.0005, 0.0002];
/// Where the mixture is chosen for.
const AT: Scale = Scale { n: 3e9, d: 1e11 };

#[derive(Clone, Copy)]
enum Strategy {
    Chosen(Criterion),
    Random,
}

const STRATEGIES: [(&str, Strategy); 3] = [
    ("decision (V)", Strategy::Chosen(Criterion::Decision)),
    ("law (D)", Strategy::Chosen(Criterion::Law)),
    ("random", Strategy::Random),
];

/// The regret after 10, 14, 18, ... runs.
fn regrets(strategy: Strategy, seed: u64) -> Vec<f64> {
    let tokens: Vec<f64> = (1..=8).map(|i| 4e9 * f64::from(i)).collect();
    let names: Vec<String> = (1..=5).map(|i| format!("domain{i}")).collect();
    let design = SyntheticSweep::new(&names).mixtures(60).tokens(&tokens);
    let truth = Truth::draw(design, false, seed);
    // What every run of the pool would measure, the same for all strategies.
    let observed = truth.train();
    let pool: Vec<Run> = observed
        .rows()
        .filter(|row| row.d == tokens[7])
        .map(|row| Run { scale: row.scale(), h: Mixture::new(row.h).expect("a mixture") })
        .collect();
    let true_plan = truth.plan();
    let mut true_value = true_plan.objective(AT).expect("an objective");
    let least = true_plan.best(AT).expect("a choice").optimum.value;
    let mut random = Random::new(seed);
    let mut left: Vec<usize> = (0..pool.len()).collect();
    let mut draw = |left: &mut Vec<usize>| left.swap_remove(random.below(left.len()));
    let mut done: Vec<usize> = (0..FIRST).map(|_| draw(&mut left)).collect();
    let mut regrets = Vec::new();
    while done.len() <= LAST {
        let names: Vec<String> = done.iter().map(|r| format!("run{r}")).collect();
        let sweep = observed.select(|row| names.iter().any(|n| n == row.run)).expect("rows");
        let fit = Fitter::new().seed(seed).fit(truth.law.clone(), &sweep, TARGET).expect("a fit");
        let resamples = Bootstrap::new(100).seed(seed).run(fit, &sweep).expect("resamples");
        let plan = Plan::builder().target(1.0, &resamples).build().expect("a plan");
        let choice = plan.best(AT).expect("a choice");
        let value = true_value.value(&choice.optimum.weights).expect("a mixture");
        regrets.push(value - least);
        match strategy {
            Strategy::Random => done.extend((0..STEP).map(|_| draw(&mut left))),
            Strategy::Chosen(criterion) => {
                let candidates: Vec<Run> = left.iter().map(|&r| pool[r].clone()).collect();
                let next = plan.next_runs(&choice, &candidates, STEP, criterion).expect("runs");
                let chosen: Vec<usize> = next.iter().map(|run| left[run.candidate]).collect();
                left.retain(|r| !chosen.contains(r));
                done.extend(chosen);
            }
        }
    }
    regrets
}

/// The number of runs from which the regret stays at or below `goal`; more than there were if it does
/// not.
fn reached(regrets: &[f64], goal: f64) -> usize {
    let steps = regrets.iter().rposition(|r| *r > goal).map_or(0, |last| last + 1);
    FIRST + STEP * steps
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let m = values.len();
    0.5 * (values[(m - 1) / 2] + values[m / 2])
}

fn main() {
    let count = std::env::args().skip(1).find_map(|a| a.parse::<u64>().ok()).unwrap_or(100);
    println!("median runs until the regret stays below, {count} replications");
    print!("| next runs |");
    REGRETS.iter().for_each(|r| print!(" {r} nats |"));
    println!(" median regret at 22 runs | at 42 |\n|---|---|---|---|---|---|---|");
    for (name, strategy) in STRATEGIES {
        let all: Vec<Vec<f64>> =
            (0..count).into_par_iter().map(|seed| regrets(strategy, seed)).collect();
        print!("| {name} |");
        for goal in REGRETS {
            let runs = median(all.iter().map(|r| reached(r, goal) as f64).collect());
            let never = runs > LAST as f64;
            print!(" {}{runs} |", if never { "not within " } else { "" });
        }
        let at = |runs: usize| median(all.iter().map(|r| r[(runs - FIRST) / STEP]).collect());
        println!(" {:.5} | {:.5} |", at(22), at(42));
    }
}
