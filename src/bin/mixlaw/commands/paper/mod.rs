//! `mixlaw paper`: the paper's language-model figures, fitted again. Table 8, its means in Table 4, the
//! mixtures of Table 16, and the laws of others beside the additive one in Tables 13 and 14.
//!
//! It takes the paper's SlimPajama runs, which are not part of this crate: Apple's repository
//! ml-scalefit has them, and so has the repository meiqwq/Explaining-Data-Mixing-Scaling-Laws
//! (`data/dmsl_llm_slimpajama.csv`). The sweep has the domains of [`figures::TARGETS`], their losses and
//! `loss_openhermes`; its train rows are the models up to 1.2e9 parameters without embeddings and its
//! eval rows those of 2.7e9, which the paper calls 3B.
//!
//! The 3B figures cannot be expected to agree exactly: which rows the paper used, and how it counted
//! N, is not public. `--gamma positive` makes the joint law land on the paper's train figures.
//!
//! Tables 13 and 14 are made as the paper made them, but not from the same runs: the paper's are of
//! four domains and 200e6 parameters, these of seven domains and 310e6.

mod errors;
mod figures;
mod mixtures;
mod splits;

use std::fmt::{self, Write as _};

use mixlaw::Plan;
use mixlaw::sweep::{EVAL, TRAIN};

use super::{Command, fit};
use crate::Result;
use crate::flags::{Flags, Given};
use crate::goals::{self, Best};
use crate::laws::{self, Fitted};
use crate::load::Data;
use crate::report::Report;
use figures::{H_AVG, H_OH, LAWS, LAWS_13, LAWS_14, OPENHERMES, SIZE, TABLE_13, TABLE_14, TARGETS};

/// It has no flags of its own.
#[derive(Debug, Default)]
pub struct Paper;

impl Command for Paper {
    const NAME: &'static str = "paper";
    const FILE: &'static str = "SLIMPAJAMA.csv";
    const ABOUT: &'static str =
        "Compares fits to the paper's SlimPajama runs with the paper's figures";
    const SHARED: &'static [&'static str] = &["optimizer", "starts", "gamma", "seed", "at", "json"];
    const HELP: &'static str = "Laws, targets and weights are those of the paper's tables; --optimizer, --starts and --gamma are not
for Tables 13 and 14.";

    fn take(&mut self, flag: &str, _: &mut dyn FnMut() -> Result<Given>) -> Result<bool> {
        if ["laws", "targets", "weights"].contains(&flag) {
            return Err(format!("--{flag}: not here: it is that of the paper's tables").into());
        }
        Ok(false)
    }

    fn run(&self, flags: &Flags) -> Result<Report> {
        if flags.paths.is_empty() {
            return Err(
                "the SlimPajama sweep is not part of this crate; get it from Apple's repository \
                 ml-scalefit, or as data/dmsl_llm_slimpajama.csv of the public GitHub repository \
                 meiqwq/Explaining-Data-Mixing-Scaling-Laws, bring it into the columns described in \
                 the README of the examples, and give its path"
                    .into(),
            );
        }
        let mut data = Data::load(flags)?;
        let known = data.train.domains();
        let missing = TARGETS.iter().any(|name| !known.iter().any(|d| d == name));
        if missing || known.len() != TARGETS.len() {
            let (known, expected) = (known.join(", "), TARGETS.join(", "));
            let error = format!("the domains are {known}, expected the paper's: {expected}");
            return Err(data.fault(error));
        }
        data.targets = TARGETS.into_iter().chain([OPENHERMES]).map(String::from).collect();
        for target in &data.targets {
            data.train.losses_of(target).map_err(|error| data.fault(error))?;
        }
        data.sweep.split(EVAL).map_err(|error| data.fault(error))?;
        let one_size = data
            .sweep
            .select(|row| row.split == TRAIN && row.n == SIZE)
            .map_err(|_| data.fault(format!("no train row has {SIZE:e} parameters")))?;
        let one_scale = splits::largest_shared_d(&one_size)
            .ok_or_else(|| data.fault("no number of tokens is shared by all mixtures"))?;

        let laws = LAWS.map(String::from);
        let fits = laws::fit_all(&laws, &data, flags)?;
        let chosen = choose(&fits, &data, flags)?;
        let [average, openhermes] = chosen.as_slice() else {
            return Err("expected one mixture for the domains and one for openhermes".into());
        };
        let mut text = String::new();
        let [train, held_out, means] = errors::write(&mut text, &fits)?;
        let [average, openhermes] =
            mixtures::write(&mut text, [(average, &H_AVG), (openhermes, &H_OH)])?;
        let title = format!("Table 13, N = {SIZE:e} and D = {:e}", one_scale.row(0).d);
        splits::write(&mut text, &title, &one_scale, LAWS_13, TABLE_13, flags.seed)?;
        let title = format!("Table 14, N = {SIZE:e}");
        splits::write(&mut text, &title, &one_size, LAWS_14, TABLE_14, flags.seed)?;
        writeln!(
            text,
            "Largest differences: Table 8 train {train}, 3B {held_out}; Table 4 {means}; h*_avg \
             {average}; h*_OH {openhermes}"
        )?;
        Ok(Report { text, json: fit::json(&fits, chosen.iter().map(|(_, x)| x.json().into())) })
    }
}

/// The mixtures of Table 16, by the additive law.
fn choose(fits: &[Fitted], data: &Data, flags: &Flags) -> Result<Vec<(Plan, Best)>> {
    let mut chosen = Vec::new();
    for (law, targets, own) in goals::goals_of_laws(&["additive".to_owned()], fits, data, flags)? {
        let plan = own.iter().fold(Plan::builder(), |plan, (w, x)| plan.target(*w, &x.fit));
        let plan = plan.build()?;
        let best = Best::of(law, targets, &plan, data.scale)?;
        chosen.push((plan, best));
    }
    Ok(chosen)
}

const HEADS: &str = "   ours   paper    diff";

/// The largest difference so far, and where.
#[derive(Debug, Default)]
struct Largest(f64, String);

impl Largest {
    /// `ours paper difference`, remembered under this name.
    fn cell(&mut self, name: &str, ours: f64, paper: f64, digits: usize) -> String {
        let difference = ours - paper;
        if self.1.is_empty() || difference.abs() > self.0.abs() {
            *self = Self(difference, name.to_owned());
        }
        format!("{ours:7.digits$} {paper:7.digits$} {difference:+7.digits$}")
    }
}

impl fmt::Display for Largest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:+.2} ({})", self.0, self.1)
    }
}
