//! A target with the intervals of its predictor, and what the data does not determine of its fits.

use std::fmt::Write as _;

use mixlaw::predictor::Interval;
use mixlaw::uncertainty::{Identifiability, Probe};
use mixlaw::{Mixture, Predictor};
use serde_json::{Map, Value, json};

use crate::Result;
use crate::bootstrapped::HeldOut;
use crate::load::Data;
use crate::progress;
use crate::report::{interval, percent};

#[derive(Debug)]
pub struct Examined<'a> {
    predictor: &'a Predictor,
    reports: Vec<Identifiability>,
    mre_train: f64,
    eval: Option<HeldOut>,
    law: Interval,
    run: Interval,
}

impl<'a> Examined<'a> {
    /// Asks a predictor with members.
    ///
    /// # Errors
    /// If it does not know the scale of the eval rows or of the choice.
    pub fn new(predictor: &'a Predictor, data: &Data, level: f64) -> Result<Self> {
        let mut reports = Vec::new();
        for fit in predictor.fits() {
            let what = format!("{}, {}, identifiability", fit.target(), fit.law().name());
            let bar = progress::bar(what);
            reports.push(Probe::new().observe(bar.observer()).run(fit, &data.train)?);
        }
        let uniform = Mixture::uniform(data.train.domains().len());
        Ok(Self {
            reports,
            mre_train: predictor.evaluate(&data.train)?.mre,
            eval: HeldOut::of(predictor, data, level)?,
            law: predictor.interval(data.scale, &uniform, level)?,
            run: predictor.prediction_interval(data.scale, &uniform, level)?,
            predictor,
        })
    }

    /// # Errors
    /// If the coefficients have no intervals.
    pub fn json(&self, level: f64) -> Result<Value> {
        let mut coefficients = Map::new();
        for c in self.predictor.coefficients(level)? {
            let law = coefficients.entry(c.law).or_insert_with(|| Value::Object(Map::new()));
            law.as_object_mut().expect("an object").insert(c.name, interval(&c.interval));
        }
        let reports = self.reports.iter().map(
            |r| json!({ "law": r.law, "eigenvalues": r.eigenvalues, "warnings": r.warnings() }),
        );
        Ok(json!({
            "target": self.predictor.target(),
            "laws": self.predictor.name(),
            "mre_train": percent(self.mre_train),
            "mre_eval": self.eval.as_ref().map(|held| percent(held.mre)),
            "eval_in_interval": self.eval.as_ref().map(|held| held.inside),
            "law_at_uniform": interval(&self.law),
            "run_at_uniform": interval(&self.run),
            "coefficients": coefficients,
            "identifiability": reports.collect::<Vec<_>>(),
        }))
    }
}

/// Writes all targets for people.
///
/// # Errors
/// Never: a text takes all.
pub fn write(
    out: &mut String,
    all: &[Examined<'_>],
    data: &Data,
    level: f64,
    resamples: usize,
) -> Result<()> {
    let (at, level) = (data.scale, percent(level));
    writeln!(
        out,
        "Intervals at {level:.0}%, {resamples} resamples by run; N = {:.4e}, D = {:.4e}\n",
        at.n, at.d
    )?;
    let width = all.iter().map(|x| x.predictor.target().len()).max().unwrap_or(0);
    writeln!(
        out,
        "{:width$}  {:>15}  {:>23}  {:>23}  eval rows in their",
        "", "MRE train/eval", "law at uniform", "a new run there"
    )?;
    for x in all {
        let target = x.predictor.target();
        let (eval, held) = x.eval.as_ref().map_or(("-".to_owned(), "-".to_owned()), |held| {
            (format!("{:.2}", percent(held.mre)), format!("{:.0}%", percent(held.inside)))
        });
        let errors = format!("{:.2} / {eval}", percent(x.mre_train));
        let (law, run) = (format!("{:.3}", x.law), format!("{:.3}", x.run));
        writeln!(out, "{target:width$}  {errors:>15}  {law:>23}  {run:>23}  interval: {held}")?;
    }
    writeln!(out, "\nWhat the data does not determine")?;
    for report in all.iter().flat_map(|x| &x.reports) {
        let (target, law, condition) = (&report.target, &report.law, report.condition());
        writeln!(out, "{target}, {law} law, condition {condition:.0e}:")?;
        let warnings = report.warnings();
        let (shown, rest) = warnings.split_at(warnings.len().min(6));
        for line in shown {
            writeln!(out, "  - {line}")?;
        }
        if !rest.is_empty() {
            writeln!(out, "  - and {} more", rest.len())?;
        }
    }
    Ok(())
}
