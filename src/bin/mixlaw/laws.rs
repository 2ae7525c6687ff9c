//! Laws by name, and their fits.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Instant;

use mixlaw::law::{self, Dependence, LawSettings, ScalingLaw};
use mixlaw::optim::{BasinHopping, Lbfgs, MultiStart};
use mixlaw::{Fit, Fitter, Sweep};
use serde_json::{Value, json};

use crate::Result;
use crate::flags::Flags;
use crate::load::Data;
use crate::progress;
use crate::report::{object, percent};

/// The laws of the paper, which are fitted by default.
pub const PAPER: [&str; 4] = ["simple", "additive", "joint", "full"];

/// The law of this name for a target; `None` where the law is about domains and the target is none.
///
/// # Errors
/// If it is not defined for the sweep.
pub fn law(
    name: &str,
    train: &Sweep,
    target: &str,
    settings: &LawSettings,
) -> Result<Option<Arc<dyn ScalingLaw>>, mixlaw::Error> {
    let built_in = law::named(name)?;
    let is_domain = train.domains().iter().any(|domain| domain == target);
    if built_in.needs_domain() && !is_domain {
        return Ok(None);
    }
    built_in.for_sweep(train, &settings.clone().domain(target)).map(Some)
}

/// The fitter that the flags ask for.
pub fn fitter(flags: &Flags) -> Fitter {
    let prior = flags.coefficient_prior.unwrap_or_default();
    let fitter = flags.schedule.weigh(Fitter::new().seed(flags.seed)).prior(prior);
    let starts = |default| flags.starts.unwrap_or(default);
    match flags.optimizer.as_str() {
        "lbfgs" => fitter.optimizer(MultiStart::new(Lbfgs::default(), starts(1))),
        "multi-start" => fitter.optimizer(MultiStart::new(Lbfgs::default(), starts(32))),
        "basin-hopping" => fitter.optimizer(BasinHopping::new(Lbfgs::default()).hops(starts(32))),
        _ => match flags.starts {
            Some(starts) => fitter.starts(starts),
            None => fitter,
        },
    }
}

/// A fit with its errors, as fractions.
#[derive(Debug)]
pub struct Fitted {
    pub law: String,
    pub fit: Fit,
    pub mre_train: f64,
    pub mre_eval: Option<f64>,
    pub seconds: f64,
}

/// Fits every law to every target on the train rows. What a law cannot know is noted on stderr.
///
/// # Errors
/// If a fit cannot be made, or no law is for any of the targets.
pub fn fit_all(laws: &[String], data: &Data, flags: &Flags) -> Result<Vec<Fitted>> {
    let count = laws.len() * data.targets.len();
    let mut fits = Vec::new();
    for (i, name) in laws.iter().enumerate() {
        let mut noted = false;
        for (j, target) in data.targets.iter().enumerate() {
            let Some(law) = law(name, &data.train, target, &flags.law_settings())? else {
                eprintln!("note: {name} is a law for the loss on a domain; `{target}` is none");
                continue;
            };
            if !std::mem::replace(&mut noted, true) {
                note_blindness(name, law.dependence(), &data.train);
            }
            let number = i * data.targets.len() + j + 1;
            fits.push(fit_one(name, law, target, data, flags, &format!("{number} of {count}"))?);
        }
    }
    if fits.is_empty() {
        let (laws, targets) = (laws.join(", "), data.targets.join(", "));
        return Err(format!("--laws: no law of {laws} applies to any target of {targets}").into());
    }
    Ok(fits)
}

fn fit_one(
    name: &str,
    law: Arc<dyn ScalingLaw>,
    target: &str,
    data: &Data,
    flags: &Flags,
    number: &str,
) -> Result<Fitted> {
    let start = Instant::now();
    let bar = progress::bar(format!("Fit {number}, {name}, {target}, local solves"));
    let fitter = fitter(flags).observe(bar.observer());
    let fit = fitter.fit(law, &data.train, target).map_err(|error| data.fault(error))?;
    drop(bar);
    let seconds = start.elapsed().as_secs_f64();
    let mre_train = fit.evaluate(&data.train)?.mre;
    let mre_eval = match data.eval.as_ref().map(|eval| fit.evaluate(eval)) {
        Some(Err(error)) if error.is_other_scale() => {
            eprintln!(
                "note: {name} does not know the scale of the eval rows: no held-out error, and it \
                 chooses a mixture as it would at the scale of the train rows"
            );
            None
        }
        evaluated => evaluated.transpose()?.map(|metrics| metrics.mre),
    };
    // The mixture may be for another N or D than the law has seen.
    let fit = fit.for_any_scale();
    Ok(Fitted { law: name.to_owned(), fit, mre_train, mre_eval, seconds })
}

/// Says where a law cannot see what differs between the rows.
fn note_blindness(law: &str, of: Dependence, train: &Sweep) {
    let differs = |x: &[f64]| x.iter().any(|value| *value != x[0]);
    if !of.n && differs(train.n()) {
        eprintln!("note: {law} does not depend on N, but the train rows have several sizes");
    }
    if !of.d && differs(train.d()) {
        eprintln!("note: {law} does not depend on D, but the train rows have several token counts");
    }
}

/// Train and held-out MRE in percent, a row for each target and a column for each law.
pub fn error_table(fits: &[Fitted], laws: &[String]) -> String {
    let mut targets: Vec<&str> = Vec::new();
    for fitted in fits {
        if !targets.contains(&fitted.fit.target()) {
            targets.push(fitted.fit.target());
        }
    }
    let width = targets.iter().map(|t| t.len()).max().unwrap_or(0).max("mean".len());
    let mut out = format!("{:width$}", "");
    laws.iter().for_each(|law| out += &format!("  {law:>17}"));
    out.push('\n');
    let cell = |fitted: &[&Fitted]| {
        let mean = |f: &dyn Fn(&Fitted) -> Option<f64>| -> String {
            let values: Option<Vec<f64>> = fitted.iter().map(|x| f(x)).collect();
            values.filter(|v| !v.is_empty()).map_or("-".to_owned(), |v| {
                format!("{:.2}", percent(v.iter().sum::<f64>() / v.len() as f64))
            })
        };
        format!("{} / {}", mean(&|x| Some(x.mre_train)), mean(&|x| x.mre_eval))
    };
    for target in targets.iter().copied().map(Some).chain([None]) {
        let _ = write!(out, "{:width$}", target.unwrap_or("mean"));
        for law in laws {
            let own = |x: &&Fitted| x.law == *law && target.is_none_or(|t| x.fit.target() == t);
            let _ = write!(out, "  {:>17}", cell(&fits.iter().filter(own).collect::<Vec<_>>()));
        }
        out.push('\n');
    }
    out
}

pub fn fit_json(x: &Fitted) -> Value {
    json!({
        "target": x.fit.target(),
        "law": x.law,
        "huber": x.fit.huber(),
        "mre_train": percent(x.mre_train),
        "mre_eval": x.mre_eval.map(percent),
        "coefficients": object(x.fit.coefficients()),
        "at_bound": x.fit.at_bound(),
        "seconds": x.seconds,
        "evaluations": x.fit.evaluations(),
        "local_solves": x.fit.local_solves(),
        "termination": x.fit.termination().to_string(),
    })
}
