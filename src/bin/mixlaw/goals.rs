//! The weighted sums of targets to choose mixtures for, and the best mixtures.

use std::fmt::Write as _;

use mixlaw::plan::{Choice, Plan};
use mixlaw::{Mixture, Scale};
use serde_json::{Map, Value, json};

use crate::Result;
use crate::flags::Flags;
use crate::laws::Fitted;
use crate::load::Data;
use crate::report::{named, object};

/// Targets with their weights in a sum.
pub type Targets = Vec<(String, f64)>;

/// The weighted sums of targets to choose a mixture for, of those that `law` was fitted to.
///
/// # Errors
/// If a target has a weight and was not fitted.
pub fn goals(law: &str, fitted: &[String], data: &Data, flags: &Flags) -> Result<Vec<Targets>> {
    if let Some(weights) = &flags.weights {
        return match weights.iter().find(|(target, _)| !fitted.contains(target)) {
            None => Ok(vec![weights.clone()]),
            Some((target, _)) => {
                Err(format!("--weights: {law} was not fitted to target `{target}`").into())
            }
        };
    }
    let some_domain = fitted.iter().any(|target| data.is_domain(target));
    let (mean, rest): (Vec<&String>, Vec<&String>) =
        fitted.iter().partition(|target| !some_domain || data.is_domain(target));
    let share = 1.0 / mean.len() as f64;
    let mean = mean.into_iter().map(|target| (target.clone(), share)).collect();
    Ok(std::iter::once(mean).chain(rest.into_iter().map(|t| vec![(t.clone(), 1.0)])).collect())
}

/// `mean of english, french`, `rust`, or the weighted sum.
pub fn title(targets: &Targets) -> String {
    let names: Vec<&str> = targets.iter().map(|(t, _)| t.as_str()).collect();
    let weight = targets[0].1;
    if names.len() == 1 && weight == 1.0 {
        names[0].to_owned()
    } else if targets.iter().all(|(_, w)| (w * names.len() as f64 - 1.0).abs() < 1e-12) {
        format!("mean of {}", names.join(", "))
    } else {
        let terms: Vec<String> = targets.iter().map(|(t, w)| format!("{w} {t}")).collect();
        terms.join(" + ")
    }
}

/// A law, a weighted sum of targets, and the fits to these.
pub type Goal<'a> = (&'a str, Targets, Vec<(f64, &'a Fitted)>);

/// Every law with every weighted sum of targets.
///
/// # Errors
/// As [`goals`].
pub fn goals_of_laws<'a>(
    laws: &'a [String],
    fits: &'a [Fitted],
    data: &Data,
    flags: &Flags,
) -> Result<Vec<Goal<'a>>> {
    let mut all = Vec::new();
    for law in laws {
        let own: Vec<&Fitted> = fits.iter().filter(|x| x.law == *law).collect();
        if own.is_empty() {
            continue;
        }
        let fitted: Vec<String> = own.iter().map(|x| x.fit.target().to_owned()).collect();
        for targets in goals(law, &fitted, data, flags)? {
            let fit = |(target, weight): &(String, f64)| {
                let fit = own.iter().find(|x| x.fit.target() == target);
                (*weight, *fit.expect("goals are of fitted targets"))
            };
            let fits = targets.iter().map(fit).collect();
            all.push((law.as_str(), targets, fits));
        }
    }
    Ok(all)
}

/// The best mixture for a weighted sum of targets under one law.
#[derive(Debug)]
pub struct Best {
    pub law: String,
    pub targets: Targets,
    pub choice: Choice,
    pub uniform_loss: f64,
}

impl Best {
    /// # Errors
    /// As [`Plan::best`].
    pub fn of(law: &str, targets: Targets, plan: &Plan, at: Scale) -> Result<Self, mixlaw::Error> {
        let choice = plan.best(at)?;
        let uniform = Mixture::uniform(choice.domains.len());
        let uniform_loss = plan.objective(at)?.value(&uniform)?;
        Ok(Self { law: law.to_owned(), targets, choice, uniform_loss })
    }

    /// What is said of every mixture.
    pub fn json(&self) -> Map<String, Value> {
        let optimum = &self.choice.optimum;
        let value = json!({
            "law": self.law,
            "n": self.choice.scale.n,
            "d": self.choice.scale.d,
            "targets": object(self.targets.clone()),
            "weights": named(&self.choice.domains, &optimum.weights),
            "loss": optimum.value,
            "uniform_loss": self.uniform_loss,
            "gap": optimum.residual,
            "iterations": optimum.iterations,
        });
        let Value::Object(mut map) = value else { unreachable!("it was made as an object") };
        add_blind(&mut map, &self.choice);
        map
    }
}

/// Says which targets had no part in a choice, if there are any.
///
/// # Errors
/// Never: a text takes all.
pub fn write_blind(out: &mut String, choice: &Choice) -> Result<()> {
    if !choice.blind.is_empty() {
        let blind = choice.blind.join(", ");
        writeln!(out, "  not chosen for {blind}: the law does not see the mixture")?;
    }
    Ok(())
}

/// Adds the targets that had no part in a choice, if there are any.
pub fn add_blind(map: &mut Map<String, Value>, choice: &Choice) {
    if !choice.blind.is_empty() {
        map.insert("blind".to_owned(), json!(choice.blind));
    }
}
