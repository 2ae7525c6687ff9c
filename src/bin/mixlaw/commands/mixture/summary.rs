//! A mixture with all that is known of it.

use std::fmt::Write as _;

use mixlaw::plan::{Choice, Decomposition, Extrapolation, Growth, Outside, Plan, Rate};
use mixlaw::simplex::Optimum;
use serde_json::{Map, Value, json};

use crate::Result;
use crate::goals::{self, Best};
use crate::laws::Fitted;
use crate::load::Data;
use crate::report::{named, object};

#[derive(Debug)]
pub struct Summary<'a> {
    pub best: Best,
    /// The fits to the targets, with the weights of these.
    pub own: Vec<(f64, &'a Fitted)>,
    epsilon: f64,
    /// The weighted mean absolute error of the fits on the train rows: what the goal is uncertain by
    /// at least.
    fit_error: f64,
    ranges: Vec<(f64, f64)>,
    extrapolation: Extrapolation,
    uniform_tokens: f64,
    corners: Vec<(String, Optimum)>,
    pub path: Vec<Choice>,
    pub limit: Choice,
    decomposition: Option<Decomposition>,
}

impl<'a> Summary<'a> {
    /// Asks the plan, and the one without constraints.
    ///
    /// # Errors
    /// If either has no answer.
    pub fn new(
        plan: &Plan,
        free: &Plan,
        best: Best,
        own: Vec<(f64, &'a Fitted)>,
        data: &Data,
        epsilon: Option<f64>,
    ) -> Result<Self> {
        let at = best.choice.scale;
        let mut fit_error = 0.0;
        for (weight, fitted) in &own {
            fit_error += weight * fitted.fit.evaluate(&data.train)?.mae;
        }
        let epsilon = epsilon.unwrap_or(fit_error);
        // From the middle of the train rows on, both growing alike.
        let (from, growth) = (data.train.scale(), Growth { n: Rate::Linear, d: Rate::Linear });
        let times: Vec<f64> = (0..13).map(|i| 10f64.powf(f64::from(i) / 4.0)).collect();
        let uniform = mixlaw::Mixture::uniform(best.choice.domains.len());
        Ok(Self {
            // The worst of several losses has no parts that add up.
            decomposition: free.decompose(at, &best.choice.optimum.weights).ok(),
            ranges: plan.ranges(&best.choice, epsilon)?,
            extrapolation: Extrapolation::of(&best.choice, &data.train)?,
            uniform_tokens: plan.price(at, &uniform)?.tokens,
            corners: plan.corners(at)?,
            path: free.path(from, growth, &times)?,
            limit: free.limit(from, growth)?,
            epsilon,
            fit_error,
            best,
            own,
        })
    }

    /// Writes it for people.
    ///
    /// # Errors
    /// Never: a text takes all.
    pub fn write(&self, out: &mut String) -> Result<()> {
        let Best { law, targets, choice, uniform_loss } = &self.best;
        let Choice { scale, domains, optimum, unconstrained, losses, .. } = choice;
        let (n, d) = (scale.n, scale.d);
        writeln!(out, "{law}, {} at N = {n:.4e}, D = {d:.4e}", goals::title(targets))?;
        let width = domains.iter().map(String::len).max().unwrap_or(0).max(8);
        let within = self.epsilon;
        writeln!(out, "  {:width$}  weight  within {within:.1e}  unconstrained", "domain")?;
        for (i, domain) in domains.iter().enumerate() {
            let (low, high) = self.ranges[i];
            let (own, free) = (optimum.weights[i], unconstrained.weights[i]);
            writeln!(out, "  {domain:width$}  {own:.4}  {low:.3} to {high:.3}   {free:.4}")?;
        }
        let bound = optimum.lower_bound.map_or("none".to_owned(), |b| format!("{b:.9}"));
        let (value, certificate) = (optimum.value, &optimum.certificate);
        writeln!(out, "  value {value:.9}, lower bound {bound} ({certificate})")?;
        let (free, cost) = (unconstrained.value, choice.cost_of_constraints());
        writeln!(out, "  unconstrained {free:.6}: the constraints cost {cost:.6}")?;
        let times = self.uniform_tokens / d;
        writeln!(out, "  uniform {uniform_loss:.6}, and as good with {times:.3} times the tokens")?;
        let losses: Vec<String> = losses.iter().map(|(t, l)| format!("{t} {l:.4}")).collect();
        writeln!(out, "  losses: {}", losses.join(", "))?;
        goals::write_blind(out, choice)?;
        for active in &optimum.active {
            let (constraint, nats) = (&active.constraint, active.multiplier);
            writeln!(out, "  held by {constraint}: {nats:.4} for each unit of weight")?;
        }
        if let Some(Decomposition { floor, mixture, size, data, .. }) = &self.decomposition {
            write!(out, "  of this {floor:.4} in the limit, {mixture:.4} by the mixture, ")?;
            writeln!(out, "{size:.4} by N, {data:.4} by D")?;
        }
        let limit = self.limit.optimum.weights.named(domains);
        writeln!(out, "  in the limit of N and D, unconstrained: {limit:.3}")?;
        self.write_warnings(out)
    }

    fn write_warnings(&self, out: &mut String) -> Result<()> {
        let Extrapolation { size, tokens, weights, nearest, .. } = &self.extrapolation;
        for (what, ratio) in [("N", size), ("D", tokens)] {
            if *ratio > 1.0 {
                writeln!(out, "  warning: {what} is {ratio:.2} times the largest that was fitted")?;
            }
        }
        for Outside { domain, weight, lower, upper, .. } in weights {
            writeln!(
                out,
                "  warning: {domain} {weight:.3} was trained on from {lower:.3} to {upper:.3} only"
            )?;
        }
        writeln!(out, "  nearest mixture that was trained on: JS distance {nearest:.3}")?;
        let gain = self.best.uniform_loss - self.best.choice.unconstrained.value;
        if gain < self.fit_error {
            writeln!(
                out,
                "  warning: flat: uniform is worse than the unconstrained by {gain:.4}, and the fits err by {:.4}",
                self.fit_error
            )?;
        }
        for (_, x) in self.own.iter().filter(|(_, x)| !x.fit.at_bound().is_empty()) {
            let names = x.fit.at_bound().join(", ");
            writeln!(out, "  warning: {} on a bound: {names}", x.fit.target())?;
        }
        writeln!(out)?;
        Ok(())
    }

    /// What `mixlaw fit` says of a mixture, and more.
    pub fn json(&self) -> Value {
        let choice = &self.best.choice;
        let Choice { domains, optimum, unconstrained, losses, .. } = choice;
        let solved = |o: &Optimum| {
            json!({
                "weights": named(domains, &o.weights),
                "loss": o.value,
                "lower_bound": o.lower_bound,
                "certificate": o.certificate.to_string(),
            })
        };
        let range = |(low, high): &(f64, f64)| json!([low, high]);
        let ranges: Map<_, _> =
            domains.iter().cloned().zip(self.ranges.iter().map(range)).collect();
        let corners: Map<_, _> = self.corners.iter().map(|(t, o)| (t.clone(), solved(o))).collect();
        let outside = |x: &Outside| json!({ "domain": x.domain, "weight": x.weight, "lower": x.lower, "upper": x.upper });
        let far = &self.extrapolation;
        let step = |c: &Choice| {
            json!({
                "n": c.scale.n,
                "d": c.scale.d,
                "loss": c.optimum.value,
                "weights": named(domains, &c.optimum.weights),
            })
        };
        let at_bound: Map<_, _> = self
            .own
            .iter()
            .map(|(_, x)| (x.fit.target().to_owned(), json!(x.fit.at_bound())))
            .collect();
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
            "losses": object(losses.clone()),
            "ranges": { "epsilon": self.epsilon, "domains": ranges },
            "fit_error": self.fit_error,
            "extrapolation": {
                "size": far.size,
                "tokens": far.tokens,
                "weights": far.weights.iter().map(outside).collect::<Vec<_>>(),
                "nearest": far.nearest,
            },
            "at_bound": at_bound,
            // Infinity is no JSON number: null where no number of tokens helps uniform.
            "uniform_tokens": self.uniform_tokens,
            "corners": corners,
            "path": self.path.iter().map(step).collect::<Vec<_>>(),
            "decomposition": self.decomposition.as_ref().map(|x| {
                json!({ "floor": x.floor, "mixture": x.mixture, "size": x.size, "data": x.data })
            }),
            "limit": {
                "loss": self.limit.optimum.value,
                "weights": named(domains, &self.limit.optimum.weights),
            },
        });
        let mut all = self.best.json();
        if let Value::Object(more) = more {
            all.extend(more);
        }
        all.into()
    }
}
