//! `mixlaw design`: the runs to launch first.

use mixlaw::Mixture;
use mixlaw::design::{Checkpoint, Design};
use serde_json::{Map, Value, json};

use super::Command;
use crate::Result;
use crate::flags::{Flags, Given, wrong};
use crate::report::{Report, named, object};

/// Its own flags.
#[derive(Debug, Default)]
pub struct DesignRuns {
    /// With the tokens that there are of them.
    domains: Vec<(String, Option<f64>)>,
    flops: Option<f64>,
    runs: Option<usize>,
    sizes: Vec<f64>,
    tokens_per_parameter: Option<f64>,
    checkpoints: Option<usize>,
    decaying: bool,
    concentration: Option<f64>,
    natural: Option<Vec<(String, f64)>>,
    repetition_of: Option<f64>,
    targets: Vec<String>,
    csv: Option<String>,
}

impl Command for DesignRuns {
    const NAME: &'static str = "design";
    const FILE: &'static str = "";
    const ABOUT: &'static str = "Says which runs to launch first, as a table to fill in";
    const SHARED: &'static [&'static str] = &["seed", "json"];
    const HELP: &'static str = "  --domains A=U,B=U,C     the domains, and how many tokens there are of them, where that is known
  --flops F               the most that all runs may cost together, by 6ND
  --runs R                the most runs
  --sizes N,N,N           parameters, three sizes or more [default: four, as large as --flops allows]
  --tokens-per-parameter T  D over N at the end of a run [default: 20]
  --checkpoints C         how many D at each size, each half of the next [default: 4]
  --decaying-schedule     each D is a run of its own
  --narrow CONCENTRATION  mixtures around the natural one; the less, the wider [default: the whole simplex]
  --natural A=W,B=W       the natural mixture [default: the shares of the tokens that there are]
  --repetition-of D       runs repeat each domain as often as one of D tokens will, by keeping a part of it
  --targets x,y           targets whose losses get a column to be filled in
  --csv OUT               write the table; - prints it in place of the summary
It needs --flops or --sizes.";

    fn take(&mut self, flag: &str, value: &mut dyn FnMut() -> Result<Given>) -> Result<bool> {
        match flag {
            "domains" => self.domains = domains(&value()?)?,
            "flops" => self.flops = Some(positive(&value()?)?),
            "runs" => self.runs = Some(value()?.count(1..=1_000_000)?),
            "sizes" => {
                let given = value()?;
                let sizes = given.text.split(',').map(|size| given.positive(size));
                self.sizes = sizes.collect::<Result<Vec<f64>>>()?;
            }
            "tokens-per-parameter" => self.tokens_per_parameter = Some(positive(&value()?)?),
            "checkpoints" => self.checkpoints = Some(value()?.count(2..=20)?),
            "decaying-schedule" => self.decaying = true,
            "narrow" => self.concentration = Some(positive(&value()?)?),
            "natural" => self.natural = Some(value()?.weights("DOMAIN=WEIGHT", Given::positive)?),
            "repetition-of" => self.repetition_of = Some(positive(&value()?)?),
            "targets" => self.targets = value()?.names()?,
            "csv" => self.csv = Some(value()?.text),
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn run(&self, flags: &Flags) -> Result<Report> {
        if self.domains.is_empty() {
            return Err("--domains: expected the domains, such as web=2e12,code=3e11".into());
        }
        let prints = |out: &Option<String>| out.as_deref() == Some("-");
        if prints(&self.csv) && prints(&flags.json) {
            return Err(wrong("csv", "-", "a file, where --json prints"));
        }
        let design = self.design(flags.seed)?;
        let mut text = design.to_string();
        match self.csv.as_deref() {
            Some("-") => {
                let mut table = Vec::new();
                design.to_csv(&mut table)?;
                text = String::from_utf8(table)?;
            }
            Some(path) => design.write_csv(path).map_err(|error| format!("--csv: {error}"))?,
            None => {}
        }
        Ok(Report { text, json: to_json(&design) })
    }
}

impl DesignRuns {
    fn design(&self, seed: u64) -> Result<Design> {
        let names: Vec<&str> = self.domains.iter().map(|(name, _)| name.as_str()).collect();
        let known =
            self.domains.iter().filter_map(|(name, tokens)| Some((name.as_str(), (*tokens)?)));
        let unique: Vec<(&str, f64)> = known.collect();
        let mut builder =
            Design::builder(&names).unique_tokens(&unique).sizes(&self.sizes).seed(seed);
        if let Some(flops) = self.flops {
            builder = builder.flops(flops);
        }
        if let Some(runs) = self.runs {
            builder = builder.runs(runs);
        }
        if let Some(tokens) = self.tokens_per_parameter {
            builder = builder.tokens_per_parameter(tokens);
        }
        if let Some(count) = self.checkpoints {
            builder = builder.checkpoints(count);
        }
        if self.decaying {
            builder = builder.decaying_schedule();
        }
        if let Some(tokens) = self.repetition_of {
            builder = builder.repetition_of(tokens);
        }
        builder = match (self.concentration, &self.natural) {
            (Some(concentration), _) => builder.narrow(&self.natural_weights()?, concentration),
            (None, Some(_)) => return Err("--natural: expected --narrow with it".into()),
            (None, None) => builder,
        };
        Ok(builder.targets(&self.targets).build()?)
    }

    /// The natural mixture, in the order of the domains.
    fn natural_weights(&self) -> Result<Vec<f64>> {
        let names: Vec<&str> = self.domains.iter().map(|(name, _)| name.as_str()).collect();
        if let Some(natural) = &self.natural {
            let weights: Vec<(&str, f64)> = natural.iter().map(|(d, w)| (d.as_str(), *w)).collect();
            let h = Mixture::from_named(&names, &weights);
            return Ok(h.map_err(|error| format!("--natural: {error}"))?.into());
        }
        if let Some((name, _)) = self.domains.iter().find(|(_, tokens)| tokens.is_none()) {
            let fault = "expected the tokens of each domain in --domains, or --natural";
            return Err(format!("--narrow: no tokens of `{name}`, {fault}").into());
        }
        let all: f64 = self.domains.iter().filter_map(|(_, tokens)| *tokens).sum();
        Ok(self.domains.iter().filter_map(|(_, tokens)| Some((*tokens)? / all)).collect())
    }
}

fn positive(given: &Given) -> Result<f64> {
    given.positive(&given.text)
}

/// `A=U,B=U,C`.
fn domains(given: &Given) -> Result<Vec<(String, Option<f64>)>> {
    let mut all: Vec<(String, Option<f64>)> = Vec::new();
    for part in given.text.split(',') {
        let (name, tokens) = match part.split_once('=') {
            None => (part, None),
            Some((name, tokens)) => {
                let tokens = given.positive(tokens);
                (name, Some(tokens.map_err(|error| format!("{error} for {}", name.trim()))?))
            }
        };
        let name = name.trim();
        if name.is_empty() {
            return Err(given.wrong(part, "a name, or DOMAIN=TOKENS"));
        }
        if all.iter().any(|(other, _)| other == name) {
            return Err(format!("--{}: `{name}` appears twice", given.flag).into());
        }
        all.push((name.to_owned(), tokens));
    }
    Ok(all)
}

fn to_json(design: &Design) -> Value {
    let known = |numbers: &[Option<f64>]| -> Map<String, Value> {
        let named = design.domains().iter().cloned().zip(numbers);
        object(named.filter_map(|(domain, number)| Some((domain, (*number)?))))
    };
    let row = |row: &Checkpoint| {
        json!({
            "run": row.run,
            "n": row.scale.n,
            "d": row.scale.d,
            "weights": named(design.domains(), &row.h),
            "tokens": named(design.domains(), &row.tokens),
            "epochs": known(&row.epochs),
            "keep": known(&row.keep),
        })
    };
    let rows: Vec<Value> = design.checkpoints().iter().map(row).collect();
    json!({ "flops": design.flops(), "runs": design.runs().len(), "rows": rows })
}
