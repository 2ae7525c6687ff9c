//! `mixlaw mixture`: from fitted laws to a decision. Certified mixtures within constraints, how much of
//! them is decided, and how they move with scale.

#[cfg(feature = "plot")]
mod pictures;
mod summary;

use mixlaw::plan::{Budget, Goal, Penalty, Plan, PlanBuilder};
use mixlaw::simplex::Constraints;

use super::{Command, fit};
use crate::Result;
use crate::flags::{Flags, Given};
use crate::goals::{self, Best};
use crate::laws::{self, Fitted};
use crate::limits::Limits;
use crate::load::Data;
use crate::pictures::Folder;
use crate::progress;
use crate::report::Report;
use summary::Summary;

/// Its own flags.
#[derive(Debug, Default)]
pub struct Mixture {
    limits: Limits,
    prior: Option<(Given, Vec<(String, f64)>)>,
    pull: Option<f64>,
    goal: Goal,
    flops: Option<f64>,
    epsilon: Option<f64>,
    pictures: Option<Folder>,
}

impl Command for Mixture {
    const NAME: &'static str = "mixture";
    const ABOUT: &'static str = "Chooses the mixture to train on, within constraints";
    const SHARED: &'static [&'static str] = fit::Fit::SHARED;
    const HELP: &'static str =
        "  --cap DOMAIN=TOKENS:EPOCHS   a domain of so many tokens is seen at most so many times; may be repeated
  --min DOMAIN=WEIGHT          least weight; may be repeated
  --max DOMAIN=WEIGHT          largest weight; may be repeated
  --group A+B=LEAST:MOST       bounds on a sum of weights; may be repeated
  --box                        stay within the weights that were trained with
  --prior A=W,B=W              pull to this mixture, by the KL divergence
  --pull STRENGTH              what a divergence of one nat costs, in nats of loss [default: 0.05]
  --minimax                    the worst of the targets instead of their sum
  --excess                     the worst excess of a target over its own best
  --flops C                    choose N and D too, for 6ND = C
  --epsilon E                  mixtures within E nats of the optimum are as good [default: the mean
                               absolute error of the fits on the train rows]
  --pictures DIR               draw pictures there (built with --features cli,plot)";

    fn take(&mut self, flag: &str, value: &mut dyn FnMut() -> Result<Given>) -> Result<bool> {
        let positive = |given: Given| given.positive(&given.text);
        match flag {
            "prior" => {
                let given = value()?;
                let weights = given.weights("A=W,B=W", Given::positive)?;
                self.prior = Some((given, weights));
            }
            "minimax" => self.goal = Goal::Worst,
            "excess" => self.goal = Goal::WorstExcess,
            "pull" => self.pull = Some(positive(value()?)?),
            "flops" => self.flops = Some(positive(value()?)?),
            "epsilon" => self.epsilon = Some(positive(value()?)?),
            "pictures" => self.pictures = Some(Folder::new(value()?)?),
            _ => return self.limits.take(flag, value),
        }
        Ok(true)
    }

    fn run(&self, flags: &Flags) -> Result<Report> {
        let laws = flags.laws_or(&laws::PAPER)?;
        self.check(flags)?;
        let data = Data::load(flags)?;
        // Before anything is fitted.
        self.limits.check(&data, self.flops.is_none().then_some(data.scale.d))?;
        if let Some((Given { flag, text }, prior)) = &self.prior {
            let named: Vec<(&str, f64)> = prior.iter().map(|(d, w)| (d.as_str(), *w)).collect();
            mixlaw::Mixture::from_named(data.train.domains(), &named)
                .map_err(|error| format!("--{flag}: `{text}`: {error}"))?;
        }
        let fits = laws::fit_all(&laws, &data, flags)?;
        let (mut text, mut json) = (String::new(), Vec::new());
        let mut chosen = Vec::new();
        for (law, targets, own) in goals::goals_of_laws(&laws, &fits, &data, flags)? {
            let of_law = |error| format!("{law}: {error}");
            let plan = self.plan(&own, self.limits.constraints(&data)).build().map_err(of_law)?;
            // A cap in epochs leaves nothing in the limit: the path is that without constraints.
            let free = self.plan(&own, Constraints::new()).build().map_err(of_law)?;
            let bar = progress::bar(format!("{law}, {}, solves", goals::title(&targets)));
            let (watched, free) = (plan.observe(bar.observer()), free.observe(bar.observer()));
            let at = match self.flops {
                None => data.scale,
                Some(flops) => {
                    watched.within_budget(flops, &Budget::flops()).map_err(of_law)?.scale
                }
            };
            let best = Best::of(law, targets, &watched, at).map_err(of_law)?;
            let summary = Summary::new(&watched, &free, best, own, &data, self.epsilon)?;
            drop(bar);
            summary.write(&mut text)?;
            json.push(summary.json());
            chosen.push((plan, summary));
        }
        #[cfg(feature = "plot")]
        if let Some(folder) = &self.pictures {
            pictures::draw(folder, &mut text, &chosen, &data)?;
        }
        Ok(Report { text, json: fit::json(&fits, json.into_iter()) })
    }
}

impl Mixture {
    /// Flags that need or exclude one another.
    fn check(&self, flags: &Flags) -> Result<()> {
        if let (Some(pull), None) = (self.pull, &self.prior) {
            return Err(format!("--pull: `{pull}`, expected a --prior to pull to").into());
        }
        if let (Some(flops), Some(_)) = (self.flops, flags.at) {
            return Err(
                format!("--flops: `{flops:e}`, expected no --at, which gives N and D").into()
            );
        }
        Ok(())
    }

    fn plan(&self, own: &[(f64, &Fitted)], limits: Constraints) -> PlanBuilder {
        let targets = own.iter().fold(Plan::builder(), |plan, (w, x)| plan.target(*w, &x.fit));
        let plan = targets.goal(self.goal).constraints(limits);
        let Some((_, prior)) = &self.prior else { return plan };
        let named: Vec<(&str, f64)> = prior.iter().map(|(d, w)| (d.as_str(), *w)).collect();
        plan.penalty(Penalty::kl(self.pull.unwrap_or(0.05), &named))
    }
}
