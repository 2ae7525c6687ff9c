//! `mixlaw compare`: which law predicts runs best that it was not fitted to.

use std::fmt::Write as _;

use mixlaw::fit::PriorStrength;
use mixlaw::law;
use mixlaw::selection::{Candidate, Comparison, HeldOut, Score, Selection, Step};
use serde_json::{Value, json};

use super::Command;
use crate::Result;
use crate::bootstrapped;
use crate::flags::{Flags, Given, one_of_each};
use crate::laws;
use crate::load::Data;
use crate::progress;
use crate::report::{Report, percent};

/// Its own flag.
#[derive(Debug)]
pub struct Compare {
    folds: usize,
}

impl Default for Compare {
    fn default() -> Self {
        Self { folds: 5 }
    }
}

/// The predictor that the crate recommends, as a name among those of laws.
const RECOMMENDED: &str = "recommended";

impl Command for Compare {
    const NAME: &'static str = "compare";
    const ABOUT: &'static str =
        "Compares laws by their errors on runs that they were not fitted to";
    const SHARED: &'static [&'static str] =
        &["laws", "unique", "targets", "optimizer", "starts", "gamma", "seed", "at", "json"];
    const LAWS: &'static str = "all that suit the train rows, and recommended";
    const HELP: &'static str = "  --folds F               parts of the mixtures, each of which is held out once, from 2 to 10000
                          [default: 5]
Of --laws, `recommended` is the mean of joint, full and, from three sizes on, coupled-full, rows weighted by compute and with a prior.";

    fn take(&mut self, flag: &str, value: &mut dyn FnMut() -> Result<Given>) -> Result<bool> {
        match flag {
            "folds" => self.folds = value()?.count(2..=10_000)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn run(&self, flags: &Flags) -> Result<Report> {
        let known: Vec<&str> =
            law::built_in().iter().map(law::BuiltIn::name).chain([RECOMMENDED]).collect();
        one_of_each("laws", flags.laws.as_deref().unwrap_or_default(), &known)?;
        let data = Data::load(flags)?;
        let (mut text, mut json) = (String::new(), Vec::new());
        for target in &data.targets {
            let candidates = candidates(target, &data, flags)?;
            if candidates.is_empty() {
                eprintln!("note: no law of those asked for applies to `{target}`");
                continue;
            }
            let bar = progress::bar(format!("{target}, fits"));
            let selection = Selection::new()
                .candidates(candidates)
                .folds(self.folds)
                .for_scale(data.scale)
                .seed(flags.seed)
                .observe(bar.observer());
            let comparison =
                selection.run(&data.train, target).map_err(|error| data.fault(error))?;
            drop(bar);
            writeln!(text, "{comparison}")?;
            if let Some(best) = comparison.best() {
                writeln!(text, "best to choose a mixture for {target}: {}\n", best.name)?;
            }
            json.extend(comparison.scores().iter().map(|score| score_json(&comparison, score)));
        }
        if json.is_empty() {
            let targets = data.targets.join(", ");
            return Err(format!("--laws: no law applies to any target of {targets}").into());
        }
        Ok(Report { text, json: json.into() })
    }
}

/// The laws asked for, or those that suit the rows and, where full does, the recommended mean.
fn candidates(target: &str, data: &Data, flags: &Flags) -> Result<Vec<Candidate>> {
    let names = match &flags.laws {
        Some(names) => names.clone(),
        None => {
            let suitable = law::suitable(&data.train, target)?;
            let mut names: Vec<String> = suitable.iter().map(|law| law.name().to_owned()).collect();
            if names.iter().any(|name| name == "full") {
                names.push(RECOMMENDED.to_owned());
            }
            names
        }
    };
    let fitter = laws::fitter(flags);
    let law = |name: &str| laws::law(name, &data.train, target, &flags.law_settings());
    let mut all = Vec::new();
    for name in names {
        if name == RECOMMENDED {
            let suits = |name: &&&str| bootstrapped::is_recommended(name, &data.train);
            let own = bootstrapped::LAWS.iter().filter(suits).map(|name| law(name));
            let own = own.collect::<Result<Vec<_>, _>>()?.into_iter().flatten();
            let weighted = fitter.clone().weigh_by_compute(1.0).prior(PriorStrength::Residuals);
            all.push(Candidate::mean(own, weighted)?.called(RECOMMENDED));
        } else if let Some(law) = law(&name)? {
            all.push(Candidate::new(law, fitter.clone()));
        }
    }
    Ok(all)
}

fn score_json(comparison: &Comparison, score: &Score) -> Value {
    let mre = |held_out: Option<HeldOut>| held_out.map(|x| percent(x.test.mre));
    let rank = |held_out: Option<HeldOut>| held_out.and_then(|x| x.rank);
    let step = |step: Option<Step>| step.map(|step| json!({ "n": step.n, "d": step.d }));
    let baseline = comparison.baseline().and_then(|baseline| baseline.measured);
    let failures = score
        .failures
        .iter()
        .map(|failure| json!({ "part": failure.part, "error": failure.message }));
    json!({
        "target": comparison.target(),
        "law": score.name,
        "coefficients": score.coefficients,
        "sees_mixture": score.sees_mixture,
        "mre_train": score.train.map(|train| percent(train.mre)),
        "mre_mixtures": mre(score.mixtures),
        "rank_mixtures": rank(score.mixtures),
        "regret_mixtures": score.mixtures.and_then(|x| x.regret),
        "mre_scale": mre(score.scale),
        "rank_scale": rank(score.scale),
        "regret_scale": score.scale.and_then(|x| x.regret),
        "mre_measured": mre(score.measured),
        "rank_measured": rank(score.measured),
        "mre_baseline": mre(baseline),
        "rank_baseline": rank(baseline),
        "step": step(comparison.step()),
        "needed_step": step(comparison.needed_step()),
        "needs_longer_step": comparison.needs_longer_step(),
        "best": comparison.best().is_some_and(|best| best.name == score.name),
        "failures": failures.collect::<Vec<_>>(),
        "seconds": score.seconds,
    })
}
