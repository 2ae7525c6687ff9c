//! `mixlaw fit`: the paper's laws, how well they predict held-out rows, and the best mixtures.

mod validation;

use std::fmt::Write as _;

use mixlaw::plan::{Extrapolation, Outside, Plan};
use serde_json::{Value, json};

use super::Command;
use crate::Result;
use crate::flags::{Flags, Given};
use crate::goals::{self, Best};
use crate::laws::{self, Fitted};
use crate::load::Data;
use crate::report::Report;

/// It has no flags of its own.
#[derive(Debug, Default)]
pub struct Fit;

impl Command for Fit {
    const NAME: &'static str = "fit";
    const ABOUT: &'static str = "Fits scaling laws to a sweep and finds the best mixtures";
    const SHARED: &'static [&'static str] = &[
        "laws",
        "unique",
        "targets",
        "optimizer",
        "starts",
        "coefficient-prior",
        "gamma",
        "seed",
        "at",
        "weights",
        "json",
    ];
    const HELP: &'static str = "";

    fn take(&mut self, _: &str, _: &mut dyn FnMut() -> Result<Given>) -> Result<bool> {
        Ok(false)
    }

    fn run(&self, flags: &Flags) -> Result<Report> {
        let laws = flags.laws_or(&laws::PAPER)?;
        let data = Data::load(flags)?;
        let fits = laws::fit_all(&laws, &data, flags)?;
        let mixtures = best_mixtures(&laws, &fits, &data, flags)?;
        let mut text = String::new();
        write_fits(&mut text, &fits, &laws)?;
        write_mixtures(&mut text, &mixtures, &data)?;
        if data.is_embedded(flags) {
            validation::write(&mut text, &fits, &laws)?;
        }
        Ok(Report { text, json: json(&fits, mixtures.iter().map(|x| x.json().into())) })
    }
}

/// Fits and what is known of mixtures.
pub fn json(fits: &[Fitted], mixtures: impl Iterator<Item = Value>) -> Value {
    json!({
        "fits": fits.iter().map(laws::fit_json).collect::<Vec<_>>(),
        "mixtures": mixtures.collect::<Vec<_>>(),
    })
}

/// The best mixtures of every law that sees the mixture.
fn best_mixtures(
    laws: &[String],
    fits: &[Fitted],
    data: &Data,
    flags: &Flags,
) -> Result<Vec<Best>> {
    let mut all = Vec::new();
    for (law, targets, own) in goals::goals_of_laws(laws, fits, data, flags)? {
        let plan = own.iter().fold(Plan::builder(), |plan, (w, x)| plan.target(*w, &x.fit));
        match Best::of(law, targets, &plan.build()?, data.scale) {
            Err(error) if error.is_blind() => {}
            best => all.push(best?),
        }
    }
    Ok(all)
}

fn write_fits(out: &mut String, fits: &[Fitted], laws: &[String]) -> Result<()> {
    writeln!(out, "Mean relative error in percent, train / held out\n")?;
    writeln!(out, "{}", laws::error_table(fits, laws))?;
    let bounded: Vec<&Fitted> = fits.iter().filter(|x| !x.fit.at_bound().is_empty()).collect();
    if !bounded.is_empty() {
        writeln!(out, "Coefficients that ended on a bound; the data does not determine them:")?;
        for x in bounded {
            let names = x.fit.at_bound().join(", ");
            writeln!(out, "  {:17} {:15} {names}", x.law, x.fit.target())?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn write_mixtures(out: &mut String, mixtures: &[Best], data: &Data) -> Result<()> {
    if !mixtures.is_empty() {
        let at = data.scale;
        writeln!(out, "Best mixtures at N = {:.4e}, D = {:.4e}\n", at.n, at.d)?;
    }
    for best in mixtures {
        let Best { law, targets, choice, uniform_loss } = best;
        let optimum = &choice.optimum;
        writeln!(out, "{law}, {}", goals::title(targets))?;
        writeln!(out, "  {:.3}", optimum.weights.named(&choice.domains))?;
        goals::write_blind(out, choice)?;
        writeln!(out, "  predicted loss {:.4}, uniform {uniform_loss:.4}", optimum.value)?;
        for Outside { domain, weight, lower, upper, .. } in
            Extrapolation::of(choice, &data.train)?.weights
        {
            writeln!(
                out,
                "  extrapolates: {domain} {weight:.3}, trained on {lower:.3} to {upper:.3}"
            )?;
        }
    }
    Ok(())
}
