//! `mixlaw decide`: the recommended way from a sweep to a mixture, with how far it can be trusted.

use std::fmt::Write as _;
use std::time::Instant;

use mixlaw::decision::Decision;
use mixlaw::plan::{Outside, Risk};
use mixlaw::{Decider, Mixture, Predictor};
use serde_json::{Map, Value, json};

use super::{Command, fit};
use crate::Result;
use crate::bootstrapped::{self, HeldOut};
use crate::flags::{Flags, Given, against};
use crate::goals::{self, Targets};
use crate::limits::Limits;
use crate::load::Data;
use crate::progress;
use crate::report::{Report, interval, named, object, percent};

/// Its own flags.
#[derive(Debug)]
pub struct Decide {
    members: usize,
    level: f64,
    margin: Option<f64>,
    risk: Risk,
    limits: Limits,
    against: Option<(Given, Vec<(String, f64)>)>,
    each: bool,
}

impl Default for Decide {
    fn default() -> Self {
        let limits = Limits::default();
        let (margin, risk, against) = (None, Risk::Mean, None);
        Self { members: 400, level: 0.9, margin, risk, limits, against, each: false }
    }
}

impl Command for Decide {
    const NAME: &'static str = "decide";
    const ABOUT: &'static str =
        "The recommended way: the mixture, how far it can be trusted, and what would tell more";
    const SHARED: &'static [&'static str] = fit::Fit::SHARED;
    const LAWS: &'static str = "joint,full, the predictor that the crate recommends";
    const HELP: &'static str =
        "  --members M             resampled fits that stand for what the runs leave open, from 20 to 1000000
                          [default: 400]
  --level P               of the intervals, between 0 and 1 [default: 0.9]
  --margin M              how far a weight may be outside of what was trained with, in ranges of what was;
                          0 for not at all [default: any distance]
  --risk mean|worst:Q     minimise the mean loss of the members, or for the careful the mean of their worst
                          share Q, such as worst:0.1 [default: mean]
  --each                  a choice for each of the targets alone
  --against A=W,B=W       a mixture to compare the choice with, such as the one in use, in place of the
                          mean of the trained ones
  --cap DOMAIN=TOKENS:EPOCHS   a domain of so many tokens is seen at most so many times; may be repeated
  --min DOMAIN=WEIGHT     least weight; may be repeated
  --max DOMAIN=WEIGHT     largest weight; may be repeated
  --group A+B=LEAST:MOST  bounds on a sum of weights; may be repeated
  --box                   stay within the weights that were trained with: --margin 0
The laws are averaged, rows count by their compute, and the coefficients have a prior. A mixture is chosen
by the mean of its losses over the members, unless --risk says otherwise.";

    fn take(&mut self, flag: &str, value: &mut dyn FnMut() -> Result<Given>) -> Result<bool> {
        match flag {
            "members" => self.members = bootstrapped::resamples(&value()?)?,
            "level" => self.level = value()?.share()?,
            "margin" => self.margin = Some(margin(&value()?)?),
            "risk" => self.risk = risk(&value()?)?,
            "against" => self.against = Some(against(value()?)?),
            "each" => self.each = true,
            _ => return self.limits.take(flag, value),
        }
        Ok(true)
    }

    fn run(&self, flags: &Flags) -> Result<Report> {
        if self.each && flags.weights.is_some() {
            return Err("--each: expected no --weights, which is one choice".into());
        }
        if self.limits.is_box() && self.margin.is_some() {
            return Err("--box: expected no --margin, which it sets to 0".into());
        }
        let laws = flags.laws_or(&bootstrapped::LAWS)?;
        let data = Data::load(flags)?;
        self.limits.check(&data, Some(data.scale.d))?;
        let decider = self.decider(flags, &data)?;
        let predictors = bootstrapped::predictors(&laws, &data, flags, self.members)?;
        let held_out = predictors.iter().map(|p| HeldOut::of(p, &data, self.level));
        let held_out = held_out.collect::<Result<Vec<_>>>()?;
        let mut text = String::new();
        write_targets(&mut text, &predictors, &held_out, self.level)?;

        let mut choices = Vec::new();
        for targets in self.goals(&laws, &predictors, &data, flags)? {
            let start = Instant::now();
            let own = targets.iter().map(|(target, weight)| {
                let own = predictors.iter().find(|p| p.target() == target);
                (*weight, own.expect("goals are of fitted targets"))
            });
            let bar = progress::bar(format!("{}, members", goals::title(&targets)));
            let decider = decider.clone().observe(bar.observer());
            let decision = decider.decide_by(own, &data.train, data.scale)?;
            drop(bar);
            writeln!(text, "\n{}, {decision}", goals::title(&targets))?;
            choices.push(choice_json(targets, &decision, start.elapsed().as_secs_f64()));
        }
        let targets: Vec<Value> =
            predictors.iter().zip(&held_out).map(|(p, held)| target_json(p, held)).collect();
        Ok(Report { text, json: json!({ "targets": targets, "choices": choices }) })
    }
}

impl Decide {
    fn decider(&self, flags: &Flags, data: &Data) -> Result<Decider> {
        let mut decider = Decider::new()
            .members(self.members)
            .seed(flags.seed)
            .level(self.level)
            .risk(self.risk)
            .constraints(self.limits.constraints(data));
        if let Some(margin) = self.margin {
            decider = decider.margin(margin);
        }
        let Some((Given { flag, text }, weights)) = &self.against else { return Ok(decider) };
        let named: Vec<(&str, f64)> = weights.iter().map(|(d, w)| (d.as_str(), *w)).collect();
        let h = Mixture::from_named(data.train.domains(), &named)
            .map_err(|error| format!("--{flag}: `{text}`: {error}"))?;
        Ok(decider.against(h))
    }

    /// What to choose a mixture for.
    fn goals(
        &self,
        laws: &[String],
        predictors: &[Predictor],
        data: &Data,
        flags: &Flags,
    ) -> Result<Vec<Targets>> {
        let fitted: Vec<String> = predictors.iter().map(|p| p.target().to_owned()).collect();
        if self.each {
            return Ok(fitted.into_iter().map(|target| vec![(target, 1.0)]).collect());
        }
        goals::goals(&laws.join(" + "), &fitted, data, flags)
    }
}

/// What to minimise over the members.
fn risk(given: &Given) -> Result<Risk> {
    let wrong = || given.wrong(&given.text, "`mean` or `worst:Q` with 0 < Q <= 1");
    let text = given.text.trim();
    if text == "mean" {
        return Ok(Risk::Mean);
    }
    let share = text.strip_prefix("worst:").and_then(|q| q.parse().ok());
    let share = share.filter(|q: &f64| *q > 0.0 && *q <= 1.0);
    share.map(Risk::WorstShare).ok_or_else(wrong)
}

/// What a choice minimises, as it was asked for.
fn risk_json(risk: Risk) -> Value {
    match risk {
        Risk::WorstShare(q) => json!({ "worst": q }),
        _ => json!("mean"),
    }
}

/// A number that is not negative.
fn margin(given: &Given) -> Result<f64> {
    let wrong = || given.wrong(&given.text, "a finite number >= 0");
    let value: f64 = given.text.trim().parse().map_err(|_| wrong())?;
    if value.is_finite() && value >= 0.0 { Ok(value) } else { Err(wrong()) }
}

fn write_targets(
    out: &mut String,
    predictors: &[Predictor],
    held_out: &[Option<HeldOut>],
    level: f64,
) -> Result<()> {
    let width = predictors.iter().map(|p| p.target().len()).max().unwrap_or(0).max("target".len());
    let level = percent(level);
    writeln!(out, "{:width$}  MRE eval  in {level:.0}% interval  predictor", "target")?;
    for (predictor, held) in predictors.iter().zip(held_out) {
        let (target, name) = (predictor.target(), predictor.name());
        let (mre, inside) = held.as_ref().map_or(("-".to_owned(), "-".to_owned()), |held| {
            (format!("{:.2}%", percent(held.mre)), format!("{:.0}%", percent(held.inside)))
        });
        writeln!(out, "{target:width$}  {mre:>8}  {inside:>15}  {name}")?;
    }
    Ok(())
}

fn target_json(predictor: &Predictor, held: &Option<HeldOut>) -> Value {
    json!({
        "target": predictor.target(),
        "predictor": predictor.name(),
        "mre_eval": held.as_ref().map(|held| percent(held.mre)),
        "coverage_eval": held.as_ref().map(|held| percent(held.inside)),
    })
}

fn choice_json(targets: Targets, decision: &Decision, seconds: f64) -> Value {
    let (choice, domains) = (&decision.choice, &decision.choice.domains);
    let ends = |x: &mixlaw::predictor::Interval| json!([x.lower, x.upper]);
    let outside = decision.extrapolation.weights.iter().map(|one| {
        let Outside { domain, weight, lower, upper, .. } = one;
        (domain.clone(), if weight < lower { weight - lower } else { weight - upper })
    });
    let rivals = decision.rivals.iter().map(|rival| {
        let advantage = &rival.advantage;
        json!({
            "name": rival.name,
            "weights": named(domains, &rival.h),
            "probability": advantage.runs.probability,
            "nats": ends(&advantage.runs.nats),
            "law": {
                "probability": advantage.law.probability,
                "nats": ends(&advantage.law.nats),
            },
            "is_the_choice": rival.is_the_choice(),
            "is_decided": rival.is_decided(),
        })
    });
    let next = decision.next_runs.iter().map(|(run, gain)| {
        let weights = named(domains, &run.h);
        json!({ "n": run.scale.n, "d": run.scale.d, "weights": weights, "gain": gain })
    });
    let best: Map<String, Value> =
        domains.iter().cloned().zip(decision.weights.iter().map(interval)).collect();
    let uniform = &decision.rivals[0].advantage.runs;
    let mut value = json!({
        "n": choice.scale.n,
        "d": choice.scale.d,
        "targets": object(targets),
        "weights": named(domains, &choice.optimum.weights),
        "risk": risk_json(decision.risk),
        "loss": choice.optimum.value,
        "interval": ends(&decision.value),
        "better_than_uniform": { "probability": uniform.probability, "nats": ends(&uniform.nats) },
        "outside_of_training": object(outside),
        "lower_bound": choice.optimum.lower_bound,
        "seconds": seconds,
        "level": decision.level,
        "best_weights": best,
        "is_decided": decision.is_decided(),
        "rivals": rivals.collect::<Vec<_>>(),
        "next_runs": next.collect::<Vec<_>>(),
        "n_over_trained": decision.extrapolation.size,
        "d_over_trained": decision.extrapolation.tokens,
        "extrapolation_is_checked": decision.is_checked,
        "within_trained": decision.within_trained.as_ref().map(|within| json!({
            "weights": named(domains, &within.optimum.weights),
            "loss": within.optimum.value,
        })),
    });
    goals::add_blind(value.as_object_mut().expect("it was made as an object"), choice);
    value
}
