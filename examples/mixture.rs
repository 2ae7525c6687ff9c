//! From fitted laws to a decision: certified mixtures within constraints, how much of them is decided,
//! and how they move with scale.
//!
//! `cargo run --release --example mixture` runs on the embedded byte-level sweep; `-- --help` lists
//! the flags. With `--features plot`, `--pictures DIR` draws the path over scale, the ternary map of
//! the loss, and observed against predicted loss.

mod common;

use common::{Best, Fitted, Options, Result, say};
use mixlaw::plan::{Budget, Choice, Decomposition, Extrapolation, Goal, Growth, Outside, Plan};
use mixlaw::simplex::{Constraints, Optimum, Pull};
use mixlaw::sweep::TRAIN;
use mixlaw::{Mixture, Scale, Sweep};
use serde_json::{Value, json};

const SWEEP: &str = include_str!("data/byte_sweep.csv");

const HELP: &str = "  --cap DOMAIN=TOKENS:EPOCHS   a domain of so many tokens is seen at most so many times; may be repeated
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
  --pictures DIR               draw pictures there (with --features plot)";

#[derive(Default)]
struct Extra {
    constraints: Constraints,
    trained_box: bool,
    prior: Option<Vec<(String, f64)>>,
    pull: Option<f64>,
    goal: Goal,
    flops: Option<f64>,
    epsilon: Option<f64>,
    pictures: Option<String>,
}

impl Extra {
    /// Takes a flag that `fit` does not have.
    fn take(&mut self, flag: &str, parser: &mut lexopt::Parser) -> Result<bool> {
        let name = format!("--{flag}");
        let bounds = |text: &str, expected: &str| -> Result<(f64, f64)> {
            let wrong = || format!("{name}: `{text}`, expected {expected}");
            let (a, b) = text.split_once(':').ok_or_else(wrong)?;
            Ok((common::number(&name, a)?, common::number(&name, b)?))
        };
        let limits = std::mem::take(&mut self.constraints);
        match flag {
            "cap" => {
                let (text, expected) = (common::text(parser)?, "DOMAIN=TOKENS:EPOCHS");
                let (domain, cap) = common::pair(&name, &text, expected)?;
                let (tokens, epochs) = bounds(cap, expected)?;
                self.constraints = limits.epochs(domain, tokens, epochs);
                return Ok(true);
            }
            "min" | "max" => {
                let text = common::text(parser)?;
                let (domain, weight) = common::pair(&name, &text, "DOMAIN=WEIGHT")?;
                let weight = common::number(&name, weight)?;
                let least = flag == "min";
                self.constraints = if least {
                    limits.at_least(domain, weight)
                } else {
                    limits.at_most(domain, weight)
                };
                return Ok(true);
            }
            "group" => {
                let (text, expected) = (common::text(parser)?, "A+B=LEAST:MOST");
                let (domains, range) = common::pair(&name, &text, expected)?;
                let (least, most) = bounds(range, expected)?;
                let domains: Vec<&str> = domains.split('+').map(str::trim).collect();
                self.constraints = limits.group(&domains, least, most);
                return Ok(true);
            }
            "prior" => {
                let all = common::list(&common::text(parser)?);
                let one = |text: &String| -> Result<(String, f64)> {
                    let (domain, weight) = common::pair(&name, text, "A=W,B=W")?;
                    Ok((domain.to_owned(), common::number(&name, weight)?))
                };
                self.prior = Some(all.iter().map(one).collect::<Result<_>>()?);
            }
            "box" => self.trained_box = true,
            "minimax" => self.goal = Goal::Worst,
            "excess" => self.goal = Goal::WorstExcess,
            "pull" => self.pull = Some(common::positive(&name, &common::text(parser)?)?),
            "flops" => self.flops = Some(common::positive(&name, &common::text(parser)?)?),
            "epsilon" => self.epsilon = Some(common::positive(&name, &common::text(parser)?)?),
            "pictures" => self.pictures = Some(common::text(parser)?),
            _ => return Ok(false),
        }
        self.constraints = limits;
        Ok(true)
    }

    fn apply<'a>(&self, plan: Plan<'a>, train: &Sweep) -> Result<Plan<'a>> {
        let limits = self.constraints.clone();
        let limits = if self.trained_box { limits.trained_box(train) } else { limits };
        let plan = plan.constraints(limits).goal(self.goal);
        let Some(prior) = &self.prior else { return Ok(plan) };
        let named: Vec<(&str, f64)> = prior.iter().map(|(d, w)| (d.as_str(), *w)).collect();
        let prior = Mixture::from_named(plan.domains(), &named)
            .map_err(|error| format!("--prior: {error}"))?;
        Ok(plan.pull(Pull::Kl { strength: self.pull.unwrap_or(0.05), prior }))
    }
}

fn main() {
    let mut extra = Extra::default();
    let options = common::options(&mut |flag, parser| extra.take(flag, parser));
    common::finish(options.and_then(|options| match options {
        Some(options) => run(&options, &extra),
        None => {
            say!("Chooses the mixture to train on.\n\n{}\n{HELP}\n", common::HELP);
            Ok(())
        }
    }));
}

fn run(options: &Options, extra: &Extra) -> Result<()> {
    if extra.pull.is_some() && extra.prior.is_none() {
        return Err("--pull: there is no --prior to pull to".into());
    }
    if extra.flops.is_some() && options.at.is_some() {
        return Err("--flops: chooses N and D, which --at gives".into());
    }
    let sweep = common::read_sweep(options, SWEEP)?;
    let train = sweep.split(TRAIN).map_err(|error| common::in_sweep(options, error))?;
    // Constraints are checked before anything is fitted.
    let (n, d) = common::scale(&sweep, options)?;
    let limits = extra.constraints.clone();
    let limits = if extra.trained_box { limits.trained_box(&train) } else { limits };
    if extra.flops.is_none() {
        limits.region(sweep.domains(), d)?;
    }
    let fits = common::fit_all(&sweep, options)?;
    let mut all = Vec::new();
    for (law, targets, plan) in common::plans(&sweep, &fits, options)? {
        let plan = extra.apply(plan, &train)?;
        let (n, d) = match extra.flops {
            None => (n, d),
            Some(flops) => {
                let chosen = plan.within_budget(flops, &Budget::flops())?;
                (chosen.n, chosen.d)
            }
        };
        let best = Best::of(law, targets, &plan, n, d)?;
        let error = error_of(&fits, &best, &train)?;
        let report = Report::new(&plan, best, &train, extra.epsilon.unwrap_or(error), error)?;
        report.print(&fits);
        all.push((plan, report));
    }
    if let Some(directory) = &extra.pictures {
        draw(directory, &all, &fits, &sweep)?;
    }
    let json: Vec<Value> = all.iter().map(|(_, report)| report.json(&fits)).collect();
    common::write_json(options, &fits, &json)
}

fn own<'a>(fits: &'a [Fitted], best: &'a Best) -> impl Iterator<Item = (&'a Fitted, f64)> {
    best.targets.iter().filter_map(|(target, weight)| {
        let fitted = fits.iter().find(|x| x.law == best.law && x.fit.target() == target)?;
        Some((fitted, *weight))
    })
}

/// The weighted mean absolute error of the fits on the train rows: what the goal is uncertain by at
/// least.
fn error_of(fits: &[Fitted], best: &Best, train: &Sweep) -> Result<f64> {
    let mut sum = 0.0;
    for (fitted, weight) in own(fits, best) {
        sum += weight * fitted.fit.evaluate(train)?.mae;
    }
    Ok(sum)
}

/// A mixture with all that is known of it.
struct Report {
    best: Best,
    epsilon: f64,
    fit_error: f64,
    ranges: Vec<(f64, f64)>,
    extrapolation: Extrapolation,
    uniform_tokens: f64,
    corners: Vec<(String, Optimum)>,
    path: Vec<Choice>,
    limit: Choice,
    decomposition: Option<Decomposition>,
}

impl Report {
    fn new(
        plan: &Plan<'_>,
        best: Best,
        train: &Sweep,
        epsilon: f64,
        fit_error: f64,
    ) -> Result<Self> {
        let (n, d) = (best.choice.n, best.choice.d);
        // From the middle of the train rows on, both growing alike.
        let from = (train.scale().n, train.scale().d);
        let growth = (Growth::Linear, Growth::Linear);
        let times: Vec<f64> = (0..13).map(|i| 10f64.powf(f64::from(i) / 4.0)).collect();
        // A cap in epochs leaves nothing in the limit: the path is that without constraints.
        let free = plan.clone().constraints(Constraints::new());
        // The worst of several losses has no parts that add up.
        let decomposition = free.decompose(Scale { n, d }, &best.choice.optimum.weights).ok();
        Ok(Self {
            decomposition,
            ranges: plan.ranges(&best.choice, epsilon)?,
            extrapolation: Extrapolation::of(&best.choice, train)?,
            uniform_tokens: plan
                .price(Scale { n, d }, &Mixture::uniform(best.choice.domains.len()))?
                .tokens,
            corners: plan.corners(Scale { n, d })?,
            path: free.path(from, growth, &times)?,
            limit: free.limit(from, growth)?,
            epsilon,
            fit_error,
            best,
        })
    }

    fn print(&self, fits: &[Fitted]) {
        let Choice { n, d, domains, optimum, unconstrained, losses, .. } = &self.best.choice;
        say!("{}, {} at N = {n:.4e}, D = {d:.4e}\n", self.best.law, self.best.goal());
        let width = domains.iter().map(String::len).max().unwrap_or(0).max(8);
        say!("  {:width$}  weight  within {:.1e}  unconstrained\n", "domain", self.epsilon);
        for (i, domain) in domains.iter().enumerate() {
            let (low, high) = self.ranges[i];
            let free = unconstrained.weights[i];
            say!(
                "  {domain:width$}  {:.4}  {low:.3} to {high:.3}   {free:.4}\n",
                optimum.weights[i]
            );
        }
        let bound = optimum.lower_bound.map_or("none".to_owned(), |b| format!("{b:.9}"));
        say!("  value {:.9}, lower bound {bound} ({})\n", optimum.value, optimum.certificate);
        say!(
            "  unconstrained {:.6}: the constraints cost {:.6}\n",
            unconstrained.value,
            self.best.choice.cost_of_constraints()
        );
        say!(
            "  uniform {:.6}, and as good with {:.3} times the tokens\n",
            self.best.uniform_loss,
            self.uniform_tokens / d
        );
        let losses: Vec<String> = losses.iter().map(|(t, l)| format!("{t} {l:.4}")).collect();
        say!("  losses: {}\n", losses.join(", "));
        common::print_blind(&self.best.choice);
        for active in &optimum.active {
            say!(
                "  held by {}: {:.4} for each unit of weight\n",
                active.constraint,
                active.multiplier
            );
        }
        if let Some(Decomposition { floor, mixture, size, data, .. }) = &self.decomposition {
            say!("  of this {floor:.4} in the limit, {mixture:.4} by the mixture, ");
            say!("{size:.4} by N, {data:.4} by D\n");
        }
        let limit = &self.limit;
        say!(
            "  in the limit of N and D, unconstrained: {:.3}\n",
            limit.optimum.weights.named(domains)
        );
        let Extrapolation { size, tokens, weights, nearest, .. } = &self.extrapolation;
        for (what, ratio) in [("N", size), ("D", tokens)] {
            if *ratio > 1.0 {
                say!("  warning: {what} is {ratio:.2} times the largest that was fitted\n");
            }
        }
        for Outside { domain, weight, lower, upper, .. } in weights {
            say!(
                "  warning: {domain} {weight:.3} was trained on from {lower:.3} to {upper:.3} only\n"
            );
        }
        say!("  nearest mixture that was trained on: JS distance {nearest:.3}\n");
        let gain = self.best.uniform_loss - unconstrained.value;
        if gain < self.fit_error {
            let error = self.fit_error;
            say!(
                "  warning: flat: uniform is worse than the unconstrained by {gain:.4}, and the fits err by {error:.4}\n"
            );
        }
        for (fitted, _) in own(fits, &self.best).filter(|(x, _)| !x.fit.at_bound().is_empty()) {
            say!(
                "  warning: {} on a bound: {}\n",
                fitted.fit.target(),
                fitted.fit.at_bound().join(", ")
            );
        }
        say!("\n");
    }

    fn json(&self, fits: &[Fitted]) -> Value {
        let choice = &self.best.choice;
        let Choice { domains, optimum, unconstrained, losses, .. } = choice;
        let solved = |o: &Optimum| {
            json!({
                "weights": common::named(domains, &o.weights),
                "loss": o.value,
                "lower_bound": o.lower_bound,
                "certificate": o.certificate.to_string(),
            })
        };
        let range = |(low, high): &(f64, f64)| json!([low, high]);
        let ranges = domains.iter().cloned().zip(self.ranges.iter().map(range));
        let outside = |x: &Outside| json!({ "domain": x.domain, "weight": x.weight, "lower": x.lower, "upper": x.upper });
        let far = &self.extrapolation;
        let step = |c: &Choice| {
            json!({ "n": c.n, "d": c.d, "loss": c.optimum.value,
                "weights": common::named(domains, &c.optimum.weights) })
        };
        let bounds = own(fits, &self.best)
            .map(|(x, _)| (x.fit.target().to_owned(), json!(x.fit.at_bound())));
        let active = optimum
            .active
            .iter()
            .map(|a| json!({ "constraint": a.constraint, "multiplier": a.multiplier }));
        let more = json!({
            "lower_bound": optimum.lower_bound,
            "certificate": optimum.certificate.to_string(),
            "certified": optimum.is_certified(),
            "residual": optimum.residual,
            "termination": optimum.termination.to_string(),
            "shares": optimum.shares,
            "active": active.collect::<Vec<_>>(),
            "unconstrained": solved(unconstrained),
            "cost_of_constraints": choice.cost_of_constraints(),
            "losses": common::object(losses.clone()),
            "ranges": { "epsilon": self.epsilon, "domains": ranges.collect::<serde_json::Map<_, _>>() },
            "fit_error": self.fit_error,
            "extrapolation": {
                "size": far.size,
                "tokens": far.tokens,
                "weights": far.weights.iter().map(outside).collect::<Vec<_>>(),
                "nearest": far.nearest,
            },
            "at_bound": bounds.collect::<serde_json::Map<_, _>>(),
            // Infinity is no JSON number: null where no number of tokens helps uniform.
            "uniform_tokens": self.uniform_tokens,
            "corners": self.corners.iter().map(|(t, o)| (t.clone(), solved(o))).collect::<serde_json::Map<_, _>>(),
            "path": self.path.iter().map(step).collect::<Vec<_>>(),
            "decomposition": self.decomposition.as_ref().map(|x| {
                json!({ "floor": x.floor, "mixture": x.mixture, "size": x.size, "data": x.data })
            }),
            "limit": { "loss": self.limit.optimum.value, "weights": common::named(domains, &self.limit.optimum.weights) },
        });
        let mut all = common::mixture_json(&self.best);
        if let Value::Object(more) = more {
            all.extend(more);
        }
        all.into()
    }
}

#[cfg(not(feature = "plot"))]
fn draw(_: &str, _: &[(Plan<'_>, Report)], _: &[Fitted], _: &Sweep) -> Result<()> {
    Err("--pictures: build with `--features plot`".into())
}

#[cfg(feature = "plot")]
fn draw(directory: &str, all: &[(Plan<'_>, Report)], fits: &[Fitted], sweep: &Sweep) -> Result<()> {
    use mixlaw::plot::{self, Series};

    std::fs::create_dir_all(directory).map_err(|error| format!("{directory}: {error}"))?;
    let write = |name: String, svg: String| -> Result<()> {
        let path = std::path::Path::new(directory).join(name);
        std::fs::write(&path, svg).map_err(|error| format!("{}: {error}", path.display()))?;
        say!("drawn: {}\n", path.display());
        Ok(())
    };
    for (number, (plan, report)) in all.iter().enumerate() {
        let Report { best, path, limit, .. } = report;
        let (law, choice) = (&best.law, &best.choice);
        let title = format!("{law} law, {}", best.goal());
        write(format!("{number}-{law}-path.svg"), plot::path(path, Some(limit), &title)?)?;
        if choice.domains.len() >= 3 {
            // The three that the optimum has most of.
            let mut order: Vec<usize> = (0..choice.domains.len()).collect();
            let h = &choice.optimum.weights;
            order.sort_by(|&a, &b| h[b].total_cmp(&h[a]));
            let three = [0, 1, 2].map(|i| choice.domains[order[i]].as_str());
            let marks: Vec<Mixture> = sweep
                .split(TRAIN)?
                .rows()
                .map(|row| Mixture::new(row.h.to_vec()))
                .collect::<std::result::Result<_, _>>()?;
            let at = (choice.n, choice.d);
            let svg = plot::ternary(plan, at, three, h, &marks)?;
            write(format!("{number}-{law}-ternary.svg"), svg)?;
        }
        let mut series = Vec::new();
        for (fitted, _) in own(fits, best) {
            for split in [TRAIN, mixlaw::sweep::EVAL] {
                let Ok(rows) = sweep.split(split) else { continue };
                let observed = rows.losses_of(fitted.fit.target())?;
                let points = observed.into_iter().zip(fitted.fit.predict_sweep(&rows)?).collect();
                let label = fitted.fit.target().to_owned();
                series.push(Series { label, points, fitted: split == TRAIN });
            }
        }
        let svg = plot::observed_predicted(&series, &title)?;
        write(format!("{number}-{law}-predicted.svg"), svg)?;
    }
    Ok(())
}
