//! `mixlaw next-runs`: which runs to launch next.

use std::fmt::Write as _;

use mixlaw::plan::{Choice, Criterion, NextRun, Run};
use mixlaw::{Mixture, Scale, Sweep};
use serde_json::{Value, json};

use super::Command;
use crate::Result;
use crate::bootstrapped;
use crate::flags::{Flags, Given};
use crate::goals;
use crate::load::{self, Data};
use crate::report::{Report, named, object, percent};

/// Its own flags.
#[derive(Debug)]
pub struct NextRuns {
    resamples: usize,
    count: usize,
    criterion: Criterion,
    mixtures: Mixtures,
    /// Where the candidates would be run; none for the scales of the train rows.
    scales: Vec<Scale>,
}

/// The mixtures of the candidates.
#[derive(Debug, Clone, Copy)]
enum Mixtures {
    Drawn(usize),
    Grid(usize),
    Sweep,
}

impl Default for NextRuns {
    fn default() -> Self {
        Self {
            resamples: bootstrapped::RESAMPLES,
            count: 3,
            criterion: Criterion::Decision,
            mixtures: Mixtures::Drawn(100),
            scales: Vec::new(),
        }
    }
}

const MIXTURES: &str = "drawn:M, grid:STEPS or sweep";

impl Command for NextRuns {
    const NAME: &'static str = "next-runs";
    const ABOUT: &'static str =
        "Says which runs to make next, to be surer of the mixture or of the law";
    const SHARED: &'static [&'static str] = super::fit::Fit::SHARED;
    const LAWS: &'static str = "joint,full, the predictor that the crate recommends";
    const HELP: &'static str = "  --count C               so many runs, each chosen as if those before it had been made [default: 3]
  --criterion decision|law  what they are for: the mixture, or the law [default: decision]
  --mixtures drawn:M      candidates: M mixtures drawn uniformly [default: drawn:100],
             grid:STEPS   those whose weights are multiples of 1/STEPS, or
             sweep        those of the train rows
  --run-at N,D            where the candidates would be run; may be repeated [default: each size of the
                          train rows with its largest D]
  --resamples R           resampled fits, from 20 to 1000000 [default: 200]
The laws are averaged, rows count by their compute, and the coefficients have a prior.";

    fn take(&mut self, flag: &str, value: &mut dyn FnMut() -> Result<Given>) -> Result<bool> {
        match flag {
            "count" => self.count = value()?.count(1..=1_000_000)?,
            "criterion" => {
                let is_law = value()?.one_of(&["decision", "law"])? == "law";
                self.criterion = if is_law { Criterion::Law } else { Criterion::Decision };
            }
            "mixtures" => {
                let given = value()?;
                self.mixtures = match given.text.split_once(':') {
                    None if given.text == "sweep" => Mixtures::Sweep,
                    Some(("drawn", m)) => Mixtures::Drawn(given.count_of(m, 1..=1_000_000)?),
                    Some(("grid", steps)) => Mixtures::Grid(given.count_of(steps, 1..=10_000)?),
                    _ => return Err(given.wrong(&given.text, MIXTURES)),
                };
            }
            "run-at" => self.scales.push(value()?.scale()?),
            "resamples" => self.resamples = bootstrapped::resamples(&value()?)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn run(&self, flags: &Flags) -> Result<Report> {
        let laws = flags.laws_or(&bootstrapped::LAWS)?;
        let data = Data::load(flags)?;
        let candidates = self.candidates(&data.train, flags.seed)?;
        if self.count > candidates.len() {
            let (count, most) = (self.count, candidates.len());
            let expected = "from 1 to the number of candidates";
            return Err(format!("--count: `{count}`, expected {expected}, {most}").into());
        }
        let predictors = bootstrapped::predictors(&laws, &data, flags, self.resamples)?;
        let fitted: Vec<String> = predictors.iter().map(|p| p.target().to_owned()).collect();
        let (mut text, mut all) = (String::new(), Vec::new());
        for targets in goals::goals(&laws.join(" + "), &fitted, &data, flags)? {
            let plan = bootstrapped::plan(&targets, &predictors)?;
            let choice = plan.best(data.scale)?;
            let next = plan.next_runs(&choice, &candidates, self.count, self.criterion)?;
            let runs: Vec<(Run, NextRun)> =
                next.into_iter().map(|run| (candidates[run.candidate].clone(), run)).collect();
            let what = match self.criterion {
                Criterion::Law => "the information on the law that they bring together, in nats",
                _ => "the share of the decision's variance that they take off together",
            };
            writeln!(text, "{}: the next runs, and {what}", goals::title(&targets))?;
            goals::write_blind(&mut text, &choice)?;
            write(&mut text, &choice.domains, &runs, self.criterion)?;
            all.push(json!({
                "targets": object(targets),
                "n": choice.scale.n,
                "d": choice.scale.d,
                "loss": choice.optimum.value,
                "weights": named(&choice.domains, &choice.optimum.weights),
                "criterion": if self.criterion == Criterion::Law { "law" } else { "decision" },
                "candidates": candidates.len(),
                "next_runs": json(&choice.domains, &runs),
            }));
            let last = all.last_mut().and_then(Value::as_object_mut).expect("just added");
            goals::add_blind(last, &choice);
        }
        Ok(Report { text, json: all.into() })
    }
}

impl NextRuns {
    fn candidates(&self, train: &Sweep, seed: u64) -> Result<Vec<Run>> {
        let k = train.domains().len();
        let mixtures = match self.mixtures {
            Mixtures::Drawn(count) => Mixture::dirichlet(&vec![1.0; k], count, seed),
            Mixtures::Grid(steps) => Mixture::grid(k, steps, 0.0),
            Mixtures::Sweep => Ok(load::mixtures(train)),
        };
        let mixtures = mixtures.map_err(|error| format!("--mixtures: {error}"))?;
        let scales =
            if self.scales.is_empty() { train.largest_scales() } else { self.scales.clone() };
        Ok(at_all(&scales, &mixtures))
    }
}

/// `count` mixtures drawn uniformly, at each of these scales.
///
/// # Errors
/// If these are too many.
pub fn drawn(scales: &[Scale], count: usize, choice: &Choice) -> Result<Vec<Run>, mixlaw::Error> {
    let mixtures = Mixture::dirichlet(&vec![1.0; choice.domains.len()], count, 0)?;
    Ok(at_all(scales, &mixtures))
}

fn at_all(scales: &[Scale], mixtures: &[Mixture]) -> Vec<Run> {
    let runs = |&scale| mixtures.iter().map(move |h| Run { scale, h: h.clone() });
    scales.iter().flat_map(runs).collect()
}

/// Writes runs with what they are good for.
///
/// # Errors
/// Never: a text takes all.
pub fn write(
    out: &mut String,
    domains: &[String],
    runs: &[(Run, NextRun)],
    criterion: Criterion,
) -> Result<()> {
    let domains = domains.to_vec();
    for (run, next) in runs {
        let (at, h) = (run.scale, run.h.named(&domains));
        let gain = match criterion {
            Criterion::Law => format!("{:.3}", next.gain),
            _ => format!("{:.0}%", percent(next.gain)),
        };
        writeln!(out, "    N = {:.3e}, D = {:.3e}, {h:.2}: {gain}", at.n, at.d)?;
    }
    Ok(())
}

pub fn json(domains: &[String], runs: &[(Run, NextRun)]) -> Value {
    let one = |(run, next): &(Run, NextRun)| {
        json!({
            "n": run.scale.n,
            "d": run.scale.d,
            "weights": named(domains, &run.h),
            "gain": next.gain,
        })
    };
    runs.iter().map(one).collect()
}
