//! Predictors with members: what fits to other runs of the same kind would have said.

use mixlaw::error::ErrorKind;
use mixlaw::fit::PriorStrength;
use mixlaw::law;
use mixlaw::plan::Plan;
use mixlaw::predictor::ScaleErrors;
use mixlaw::uncertainty::Bootstrap;
use mixlaw::{Fit, Predictor, Sweep};

use crate::Result;
use crate::flags::{Flags, Given};
use crate::goals::Targets;
use crate::laws;
use crate::load::Data;
use crate::progress;

/// The laws of the predictor that the crate recommends; without the last where rows have fewer than three sizes.
pub const LAWS: [&str; 3] = ["joint", "full", "coupled-full"];

/// So many resamples by default.
pub const RESAMPLES: usize = 200;

/// So many of fits to smaller sizes, for the errors at those held out.
const HELD_OUT: usize = 20;

/// The value of `--resamples`.
///
/// # Errors
/// If there would be too few to say anything of the tails, or more than say anything more.
pub fn resamples(given: &Given) -> Result<usize> {
    given.count(20..=1_000_000)
}

/// For each target the mean of the laws that are about it, rows weighted by their compute, with a prior
/// unless the flags say otherwise, with members, and with its errors at larger scales. Targets that no law is about are noted on stderr.
///
/// # Errors
/// If a fit cannot be made, or no law is about any target.
pub fn predictors(
    laws: &[String],
    data: &Data,
    flags: &Flags,
    resamples: usize,
) -> Result<Vec<Predictor>> {
    let mut all = Vec::new();
    for target in &data.targets {
        let fits = fits(laws, target, &data.train, flags).map_err(|error| data.fault(error))?;
        if fits.is_empty() {
            eprintln!("note: no law of {} applies to `{target}`", laws.join(", "));
            continue;
        }
        let bar = progress::bar(format!("{target}, resamples"));
        let bootstrap = Bootstrap::new(resamples).seed(flags.seed).observe(bar.observer());
        all.push(bootstrap.run(&Predictor::mean(&fits)?, &data.train)?);
    }
    if all.is_empty() {
        let (laws, targets) = (laws.join(", "), data.targets.join(", "));
        return Err(format!("--laws: no law of {laws} applies to any target of {targets}").into());
    }
    let fit = |rows: &Sweep, target: &str| {
        let predictor = Predictor::mean(&fits(laws, target, rows, flags)?)?;
        let members = Bootstrap::new(HELD_OUT).seed(flags.seed).run(&predictor, rows);
        Ok(members.unwrap_or(predictor))
    };
    let errors = ScaleErrors::measure(&data.train, &all, fit).map_err(|error| data.fault(error))?;
    all.into_iter().map(|predictor| Ok(predictor.with_scale_errors(&errors)?)).collect()
}

/// Whether a law is one that the crate recommends for these rows.
pub fn is_recommended(name: &str, rows: &Sweep) -> bool {
    law::recommended(rows).iter().any(|law| law.name() == name)
}

/// The fits of all laws that are about a target to these rows.
fn fits(
    laws: &[String],
    target: &str,
    rows: &Sweep,
    flags: &Flags,
) -> Result<Vec<Fit>, mixlaw::Error> {
    let mut fits = Vec::new();
    let of_default = |name: &&String| flags.laws.is_some() || is_recommended(name, rows);
    for name in laws.iter().filter(of_default) {
        let law = laws::law(name, rows, target, &flags.law_settings())?;
        let Some(law) = law else { continue };
        let bar = progress::bar(format!("{target}, {name}, local solves"));
        let prior = flags.coefficient_prior.unwrap_or(PriorStrength::Residuals);
        let fitter = laws::fitter(flags).weigh_by_compute(1.0).prior(prior);
        let fitter = fitter.observe(bar.observer());
        fits.push(fitter.fit(law, rows, target)?);
    }
    Ok(fits)
}

/// How a predictor does on the eval rows.
#[derive(Debug)]
pub struct HeldOut {
    /// The mean relative error, as a fraction.
    pub mre: f64,
    /// The share of the rows that are in their prediction intervals.
    pub inside: f64,
}

impl HeldOut {
    /// None where no eval row has a loss of the target.
    ///
    /// # Errors
    /// If the predictor does not know their scale.
    pub fn of(predictor: &Predictor, data: &Data, level: f64) -> Result<Option<Self>> {
        let Some(eval) = &data.eval else { return Ok(None) };
        let eval = match eval.with_losses_of(predictor.target()) {
            Err(error) if matches!(error.kind(), ErrorKind::NoLosses { .. }) => return Ok(None),
            eval => eval?,
        };
        let observed = eval.losses_of(predictor.target())?;
        let mut inside = 0;
        for (row, loss) in eval.rows().zip(&observed) {
            let interval = predictor.prediction_interval(row.scale(), row.h, level)?;
            inside += usize::from(interval.contains(*loss));
        }
        let inside = inside as f64 / observed.len() as f64;
        Ok(Some(Self { mre: predictor.evaluate(&eval)?.mre, inside }))
    }
}

/// The plan for a weighted sum of targets.
///
/// # Errors
/// If the predictors do not go together.
pub fn plan(goal: &Targets, predictors: &[Predictor]) -> Result<Plan, mixlaw::Error> {
    let plan = goal.iter().fold(Plan::builder(), |plan, (target, weight)| {
        let own = predictors.iter().find(|p| p.target() == target);
        plan.target(*weight, own.expect("goals are of fitted targets"))
    });
    plan.build()
}
