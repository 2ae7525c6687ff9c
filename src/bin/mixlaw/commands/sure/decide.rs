//! A choice with what is known of it.

use std::fmt::Write as _;

use mixlaw::plan::{Advantage, Choice, Criterion, Extrapolation, NextRun, Plan, Run};
use mixlaw::predictor::{Difference, Interval};
use mixlaw::{Mixture, Sweep};
use serde_json::{Map, Value, json};

use crate::Result;
use crate::commands::next_runs;
use crate::flags::Given;
use crate::goals::{self, Targets};
use crate::load::Data;
use crate::progress;
use crate::report::{interval, object, percent};

/// Draws for the share of the simplex.
const DRAWS: usize = 4000;
/// So many runs to launch next.
const NEXT: usize = 3;

pub type Rival = (&'static str, Mixture);

/// Mixtures to compare a choice with.
///
/// # Errors
/// If the one of `--against` is no mixture of the domains.
pub fn rivals(train: &Sweep, against: Option<&(Given, Vec<(String, f64)>)>) -> Result<Vec<Rival>> {
    let k = train.domains().len();
    let mean = train.mixtures().mean_axis(mixlaw::ndarray::Axis(0)).expect("there are rows");
    let mut all = vec![
        ("uniform", Mixture::uniform(k)),
        ("the mean of the train rows", Mixture::new(mean.to_vec())?),
    ];
    if let Some((Given { flag, text }, weights)) = against {
        let named: Vec<(&str, f64)> = weights.iter().map(|(d, w)| (d.as_str(), *w)).collect();
        let h = Mixture::from_named(train.domains(), &named)
            .map_err(|error| format!("--{flag}: `{text}`: {error}"))?;
        all.push(("that of --against", h));
    }
    Ok(all)
}

#[derive(Debug)]
pub struct Decided {
    targets: Targets,
    pub choice: Choice,
    weights: Vec<Interval>,
    share: f64,
    extrapolation: Extrapolation,
    rivals: Vec<(&'static str, Advantage)>,
    next: Vec<(Run, NextRun)>,
}

impl Decided {
    /// Asks a plan of predictors with members.
    ///
    /// # Errors
    /// If it has no answer.
    pub fn new(
        plan: &Plan,
        targets: Targets,
        data: &Data,
        rivals: &[Rival],
        level: f64,
    ) -> Result<Self> {
        let choice = plan.best(data.scale)?;
        let mut advantages = Vec::new();
        for (name, h) in rivals {
            advantages.push((*name, plan.advantage(&choice, h, level)?));
        }
        let candidates = next_runs::drawn(&data.train.largest_scales(), 100, &choice)?;
        let next = plan.next_runs(&choice, &candidates, NEXT, Criterion::Decision)?;
        let bar = progress::bar("Region, draws");
        let watched = plan.observe(bar.observer());
        let share = watched.region_share(&choice, level, DRAWS, 0)?.share;
        drop(bar);
        Ok(Self {
            targets,
            weights: plan.certainty(&choice)?.weights(level)?,
            extrapolation: Extrapolation::of(&choice, &data.train)?,
            share,
            rivals: advantages,
            next: next.into_iter().map(|run| (candidates[run.candidate].clone(), run)).collect(),
            choice,
        })
    }

    /// Writes it for people.
    ///
    /// # Errors
    /// Never: a text takes all.
    pub fn write(&self, out: &mut String) -> Result<()> {
        let names: Vec<&str> = self.targets.iter().map(|(t, _)| t.as_str()).collect();
        let value = self.choice.optimum.value;
        writeln!(out, "\nThe mixture for {}: value {value:.3}", names.join(", "))?;
        for (domain, weight) in self.choice.domains.iter().zip(&self.weights) {
            writeln!(out, "  {domain}: {weight:.3}")?;
        }
        goals::write_blind(out, &self.choice)?;
        let share = if self.share > 0.0 {
            format!("{:.2}%", percent(self.share))
        } else {
            format!("less than {:.2}%", percent(1.0 / DRAWS as f64))
        };
        writeln!(out, "  mixtures that could be the best take {share} of the simplex")?;
        let far = &self.extrapolation;
        writeln!(
            out,
            "  from the data: N is {:.1} and D {:.1} times the largest trained, the nearest mixture is at a distance of {:.3}",
            far.size, far.tokens, far.nearest
        )?;
        for (name, advantage) in &self.rivals {
            let (probability, nats) = (advantage.runs.probability, advantage.runs.nats);
            writeln!(out, "  beats {name} with probability {probability:.3}, by {nats:.4} nats")?;
        }
        writeln!(
            out,
            "  next runs, and the share of the decision's variance that they take off together:"
        )?;
        next_runs::write(out, &self.choice.domains, &self.next, Criterion::Decision)
    }

    pub fn json(&self) -> Value {
        let weights: Map<String, Value> =
            self.choice.domains.iter().cloned().zip(self.weights.iter().map(interval)).collect();
        let rivals: Map<String, Value> = self
            .rivals
            .iter()
            .map(|(name, a)| {
                let Difference { probability, nats, .. } = a.runs;
                let value = json!({ "probability": probability, "nats": interval(&nats) });
                ((*name).to_owned(), value)
            })
            .collect();
        let mut value = json!({
            "targets": object(self.targets.clone()),
            "loss": self.choice.optimum.value,
            "weights": weights,
            "region_share": self.share,
            "n_over_trained": self.extrapolation.size,
            "d_over_trained": self.extrapolation.tokens,
            "nearest_mixture": self.extrapolation.nearest,
            "beats": rivals,
            "next_runs": next_runs::json(&self.choice.domains, &self.next),
        });
        goals::add_blind(value.as_object_mut().expect("it was made as an object"), &self.choice);
        value
    }
}
