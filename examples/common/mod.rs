//! What the examples share: options, laws by name, fits and mixtures as tables and JSON.
#![allow(dead_code, reason = "each example uses its own part")]

pub mod progress;

use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Instant;

use mixlaw::law::{self, Dependence, FullLaw, JointLaw, ScalingLaw, SimpleLaw};
use mixlaw::optim::{BasinHopping, Lbfgs, MultiStart};
use mixlaw::plan::{Choice, Plan};
use mixlaw::sweep::{EVAL, TRAIN};
use mixlaw::{Fit, FitError, Fitter, LawError, Mixture, PlanError, Scale, Sweep};
use progress::Bar;
use serde_json::{Map, Value, json};

/// `print!` that ends the program quietly when nobody reads on, as behind `| head`.
macro_rules! say {
    ($($arguments:tt)*) => {
        crate::common::print(format_args!($($arguments)*))
    };
}
pub(crate) use say;

/// What [`say`] calls.
pub fn print(text: std::fmt::Arguments<'_>) {
    if std::io::stdout().write_fmt(text).is_err() {
        std::process::exit(0);
    }
}

pub type Result<T> = std::result::Result<T, Box<dyn Error>>;

const OPTIMIZERS: [&str; 4] = ["trust-region", "lbfgs", "multi-start", "basin-hopping"];

/// The flags that every example takes.
pub const HELP: &str = "  SWEEP.csv               columns run, split, n_params, n_tokens, h_<domain>..., loss_<target>...
                          [default: the embedded byte-level sweep]
  --laws a,b              chinchilla, simple, additive, joint, full, additive-fixed-n,
                          additive-fixed-d, additive-fixed-nd, ye-m1, ye-m2, ye-m3, ye-m4, ge24,
                          autoscale, d-cpt
                          [default: simple,additive,joint,full]
  --targets x,y           [default: all]
  --optimizer NAME        trust-region, lbfgs, multi-start (L-BFGS from drawn starts) or
                          basin-hopping (over L-BFGS) [default: trust-region]
  --starts S              starts, or hops of basin-hopping
                          [default: 24; lbfgs 1; multi-start and basin-hopping 32]
  --gamma any|positive    sign of a linear power's exponent [default: any]
  --seed S                [default: 0]
  --at N,D                parameters and tokens to choose the mixtures for
                          [default: the largest of the train and eval rows]
  --weights x=1,y=2       choose one mixture for this weighted sum of targets [default: the mean of
                          the targets that are domains (of all, if none is), and each other alone]
  --json OUT              write fits and mixtures as JSON
  --help";

/// What the command line asks for.
#[derive(Debug, Clone)]
pub struct Options {
    pub path: Option<String>,
    pub laws: Vec<String>,
    /// Whether the laws are those of the command line.
    pub laws_given: bool,
    pub targets: Option<Vec<String>>,
    pub optimizer: String,
    pub starts: Option<usize>,
    pub positive_gamma: bool,
    pub seed: u64,
    pub at: Option<(f64, f64)>,
    pub weights: Option<Vec<(String, f64)>>,
    pub json: Option<String>,
}

/// Takes a flag that only one example has, with its value from the parser; false if it is unknown.
pub type Extra<'a> = &'a mut dyn FnMut(&str, &mut lexopt::Parser) -> Result<bool>;

/// The options of the command line, or `None` where it asks for help.
pub fn options(extra: Extra<'_>) -> Result<Option<Options>> {
    use lexopt::prelude::*;
    let mut options = Options {
        path: None,
        laws: ["simple", "additive", "joint", "full"].map(String::from).to_vec(),
        laws_given: false,
        targets: None,
        optimizer: OPTIMIZERS[0].to_owned(),
        starts: None,
        positive_gamma: false,
        seed: 0,
        at: None,
        weights: None,
        json: None,
    };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("help") | Short('h') => return Ok(None),
            Long("laws") => {
                options.laws = list(&text(&mut parser)?);
                options.laws_given = true;
                for law in &options.laws {
                    known_law("--laws", law)?;
                }
            }
            Long("targets") => options.targets = Some(list(&text(&mut parser)?)),
            Long("optimizer") => {
                options.optimizer = text(&mut parser)?;
                one_of("--optimizer", &options.optimizer, &OPTIMIZERS)?;
            }
            Long("starts") => {
                let starts: usize = number("--starts", &text(&mut parser)?)?;
                if starts == 0 {
                    return Err("--starts: 0, expected at least 1".into());
                }
                options.starts = Some(starts);
            }
            Long("gamma") => {
                let gamma = text(&mut parser)?;
                one_of("--gamma", &gamma, &["any", "positive"])?;
                options.positive_gamma = gamma == "positive";
            }
            Long("seed") => options.seed = number("--seed", &text(&mut parser)?)?,
            Long("at") => {
                let at = text(&mut parser)?;
                let (n, d) = at.split_once(',').ok_or(format!("--at: `{at}`, expected N,D"))?;
                options.at = Some((positive("--at", n)?, positive("--at", d)?));
            }
            Long("weights") => {
                let pairs = list(&text(&mut parser)?);
                let pair = |pair: &String| -> Result<(String, f64)> {
                    let (target, weight) = self::pair("--weights", pair, "TARGET=WEIGHT")?;
                    Ok((target.to_owned(), positive(&format!("--weights {target}"), weight)?))
                };
                options.weights = Some(pairs.iter().map(pair).collect::<Result<_>>()?);
            }
            Long("json") => options.json = Some(text(&mut parser)?),
            Value(path) if options.path.is_none() => {
                options.path = Some(path.to_string_lossy().into_owned());
            }
            Long(flag) => {
                let flag = flag.to_owned();
                if !extra(&flag, &mut parser)? {
                    return Err(format!("invalid option '--{flag}'").into());
                }
            }
            _ => return Err(argument.unexpected().into()),
        }
    }
    let weighted = options.weights.iter().flatten().map(|(target, _)| target);
    unique("--weights", weighted)?;
    unique("--targets", options.targets.iter().flatten())?;
    unique("--laws", options.laws.iter())?;
    Ok(Some(options))
}

/// The value of a flag.
pub fn text(parser: &mut lexopt::Parser) -> Result<String> {
    Ok(parser.value()?.into_string().map_err(|_| "an argument is not UTF-8 text")?)
}

/// The two sides of `NAME=VALUE`.
pub fn pair<'a>(flag: &str, text: &'a str, expected: &str) -> Result<(&'a str, &'a str)> {
    let sides =
        text.split_once('=').ok_or_else(|| format!("{flag}: `{text}`, expected {expected}"))?;
    Ok((sides.0.trim(), sides.1.trim()))
}

fn unique<'a>(flag: &str, names: impl Iterator<Item = &'a String>) -> Result<()> {
    let mut seen = Vec::new();
    for name in names {
        if seen.contains(&name) {
            return Err(format!("{flag}: `{name}` appears twice").into());
        }
        seen.push(name);
    }
    Ok(())
}

pub fn list(text: &str) -> Vec<String> {
    text.split(',').map(|item| item.trim().to_owned()).collect()
}

/// Checks the name of a law.
pub fn known_law(flag: &str, name: &str) -> Result<()> {
    one_of(flag, name, &law::names().collect::<Vec<_>>())
}

pub fn one_of(flag: &str, name: &str, known: &[&str]) -> Result<()> {
    if known.contains(&name) {
        return Ok(());
    }
    Err(format!("{flag}: unknown `{name}`, expected one of: {}", known.join(", ")).into())
}

pub fn number<T: FromStr>(flag: &str, text: &str) -> Result<T> {
    text.trim().parse().map_err(|_| format!("{flag}: `{text}`, expected a number").into())
}

/// A finite number above zero.
pub fn positive(flag: &str, text: &str) -> Result<f64> {
    let value: f64 = number(flag, text)?;
    if value.is_finite() && value > 0.0 {
        return Ok(value);
    }
    Err(format!("{flag}: `{}`, expected a finite number > 0", text.trim()).into())
}

/// Runs an example; prints what went wrong and exits with status 1.
pub fn main(about: &str, run: impl FnOnce(&Options) -> Result<()>) {
    let result = options(&mut |_, _| Ok(false)).and_then(|options| match options {
        Some(options) => run(&options),
        None => {
            say!("{about}\n\n{HELP}\n");
            Ok(())
        }
    });
    finish(result);
}

/// Prints what went wrong and exits with status 1.
pub fn finish(result: Result<()>) {
    if let Err(error) = result {
        eprintln!("error: {error}");
        std::process::exit(1);
    }
}

/// Reads the sweep that the options name, or the embedded text.
pub fn read_sweep(options: &Options, embedded: &str) -> Result<Sweep> {
    let sweep = match &options.path {
        Some(path) => Sweep::read_csv(path).map_err(|error| with_path(path, &error.to_string()))?,
        None => Sweep::from_csv(embedded.as_bytes())?,
    };
    if !sweep.ignored_columns().is_empty() {
        eprintln!("note: ignored columns: {}", sweep.ignored_columns().join(", "));
    }
    Ok(sweep)
}

/// The message with the path in front, once.
fn with_path(path: &str, message: &str) -> String {
    if message.starts_with(path) { message.to_owned() } else { format!("{path}: {message}") }
}

/// The message with what was read in front: the path, or that it is the embedded sweep.
pub fn in_sweep(options: &Options, error: impl std::fmt::Display) -> String {
    with_path(options.path.as_deref().unwrap_or("embedded sweep"), &error.to_string())
}

/// The law of this name for a target; `None` where the law is about domains and the target is none.
pub fn law(
    name: &str,
    train: &Sweep,
    target: &str,
    positive: bool,
) -> Result<Option<Arc<dyn ScalingLaw>>> {
    let is_domain = train.domains().iter().any(|domain| domain == target);
    if !is_domain && ["ge24", "d-cpt"].contains(&name) {
        return Ok(None);
    }
    Ok(Some(match name {
        "simple" if positive => Arc::new(SimpleLaw::for_sweep(train).positive_gamma()),
        "joint" if positive => Arc::new(JointLaw::for_sweep(train).positive_gamma()),
        "full" if positive => Arc::new(FullLaw::for_sweep(train).positive_gamma()),
        _ => law::named(name, train.domains(), target, train.scale())?,
    }))
}

/// The fitter that the options ask for.
pub fn fitter(options: &Options) -> Fitter {
    let fitter = Fitter::new().seed(options.seed);
    let starts = |default| options.starts.unwrap_or(default);
    match options.optimizer.as_str() {
        "lbfgs" => fitter.optimizer(MultiStart::new(Lbfgs::default(), starts(1))),
        "multi-start" => fitter.optimizer(MultiStart::new(Lbfgs::default(), starts(32))),
        "basin-hopping" => fitter.optimizer(BasinHopping::new(Lbfgs::default()).hops(starts(32))),
        _ => options.starts.map_or(fitter.clone(), |starts| fitter.starts(starts)),
    }
}

/// A fit with its errors.
pub struct Fitted {
    pub law: String,
    pub fit: Fit,
    pub mre_train: f64,
    pub mre_eval: Option<f64>,
    pub seconds: f64,
}

/// Fits every law to every target on the train rows.
pub fn fit_all(sweep: &Sweep, options: &Options) -> Result<Vec<Fitted>> {
    let train = sweep.split(TRAIN).map_err(|error| in_sweep(options, error))?;
    let eval = sweep.split(EVAL).ok();
    for (split, count) in sweep.split_counts() {
        if split != TRAIN && split != EVAL {
            eprintln!("note: {count} rows of split `{split}` are not used");
        }
    }
    let weighted = options.weights.iter().flatten().map(|(target, _)| target);
    for target in options.targets.iter().flatten().chain(weighted) {
        sweep.losses_of(target).map_err(|error| in_sweep(options, error))?;
    }
    let targets = options.targets.as_deref().unwrap_or(sweep.targets());
    let fitter = fitter(options);
    let bar = progress::bar("Fits", options.laws.len() * targets.len());
    let mut fits = Vec::new();
    for name in &options.laws {
        let mut noted = false;
        for target in targets {
            let Some(law) = law(name, &train, target, options.positive_gamma)? else {
                bar.note(&format!(
                    "note: {name} is a law for the loss on a domain; `{target}` is none"
                ));
                bar.step();
                continue;
            };
            if !std::mem::replace(&mut noted, true) {
                note_blindness(name, law.dependence(), &train, &bar);
            }
            let start = Instant::now();
            let fit = fitter.fit(law, &train, target).map_err(|error| in_sweep(options, error))?;
            let seconds = start.elapsed().as_secs_f64();
            let mre_train = fit.evaluate(&train)?.mre;
            let mre_eval = match eval.as_ref().map(|eval| fit.evaluate(eval)) {
                Some(Err(FitError::Row {
                    source: LawError::OtherScale { what, fitted, .. },
                    ..
                })) => {
                    let note = format!(
                        "note: {name} was fitted at {what} = {fitted:e} alone: no held-out error at \
                         others, and it chooses a mixture as it would there"
                    );
                    bar.note(&note);
                    None
                }
                evaluated => evaluated.transpose()?.map(|metrics| metrics.mre),
            };
            // The mixture may be for another N or D than the law has seen.
            let fit = fit.for_any_scale();
            fits.push(Fitted { law: name.clone(), fit, mre_train, mre_eval, seconds });
            bar.step();
        }
    }
    if fits.is_empty() {
        let (laws, targets) = (options.laws.join(", "), targets.join(", "));
        return Err(format!("no law of {laws} applies to any target of {targets}").into());
    }
    Ok(fits)
}

/// Says where a law cannot see what differs between the rows.
fn note_blindness(law: &str, of: Dependence, train: &Sweep, bar: &Bar) {
    let several = |mut values: Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values.dedup();
        values.len() > 1
    };
    if !of.n && several(train.n().to_vec()) {
        let what = "does not depend on N, but the train rows have several sizes";
        bar.note(&format!("note: {law} {what}"));
    }
    if !of.d && several(train.d().to_vec()) {
        let what = "does not depend on D, but the train rows have several token counts";
        bar.note(&format!("note: {law} {what}"));
    }
}

/// Train and held-out MRE, a row for each target and a column for each law.
pub fn error_table(fits: &[Fitted], laws: &[String]) -> String {
    let mut targets: Vec<&str> = Vec::new();
    for fitted in fits {
        if !targets.contains(&fitted.fit.target()) {
            targets.push(fitted.fit.target());
        }
    }
    let width = targets.iter().map(|t| t.len()).max().unwrap_or(0).max("mean".len());
    let mut out = format!("{:width$}", "");
    laws.iter().for_each(|law| write!(out, "  {law:>17}").unwrap());
    out.push('\n');
    let cell = |fitted: &[&Fitted]| {
        let mean = |f: &dyn Fn(&Fitted) -> Option<f64>| -> String {
            let values: Option<Vec<f64>> = fitted.iter().map(|x| f(x)).collect();
            values.filter(|v| !v.is_empty()).map_or("-".to_owned(), |v| {
                format!("{:.2}", v.iter().sum::<f64>() / v.len() as f64)
            })
        };
        format!("{} / {}", mean(&|x| Some(x.mre_train)), mean(&|x| x.mre_eval))
    };
    for target in targets.iter().copied().map(Some).chain([None]) {
        write!(out, "{:width$}", target.unwrap_or("mean")).unwrap();
        for law in laws {
            let own = |x: &&Fitted| x.law == *law && target.is_none_or(|t| x.fit.target() == t);
            write!(out, "  {:>17}", cell(&fits.iter().filter(own).collect::<Vec<_>>())).unwrap();
        }
        out.push('\n');
    }
    out
}

/// The best mixture for a weighted sum of targets under one law.
pub struct Best {
    pub law: String,
    pub targets: Targets,
    pub choice: Choice,
    pub uniform_loss: f64,
}

/// The weighted sums of targets to choose a mixture for.
pub fn goals(
    sweep: &Sweep,
    law: &str,
    fitted: &[String],
    options: &Options,
) -> Result<Vec<Targets>> {
    if let Some(weights) = &options.weights {
        for (target, _) in weights {
            if !fitted.contains(target) {
                return Err(format!("--weights: {law} was not fitted to target `{target}`").into());
            }
        }
        return Ok(vec![weights.clone()]);
    }
    let is_domain = |target: &&String| sweep.domains().contains(target);
    let some_domain = fitted.iter().any(|target| is_domain(&target));
    let (mean, rest): (Vec<&String>, Vec<&String>) =
        fitted.iter().partition(|target| !some_domain || is_domain(target));
    let share = 1.0 / mean.len() as f64;
    let mean = mean.into_iter().map(|target| (target.clone(), share)).collect();
    Ok(std::iter::once(mean).chain(rest.into_iter().map(|t| vec![(t.clone(), 1.0)])).collect())
}

/// Targets with their weights in a sum.
pub type Targets = Vec<(String, f64)>;

/// N and D to choose mixtures for: those asked for, or the largest of the train and eval rows.
pub fn scale(sweep: &Sweep, options: &Options) -> Result<(f64, f64)> {
    let fitted_rows = sweep.select(|row| row.split == TRAIN || row.split == EVAL)?;
    let largest = |x: &[f64]| x.iter().copied().fold(0.0, f64::max);
    let all = || (largest(&fitted_rows.n().to_vec()), largest(&fitted_rows.d().to_vec()));
    Ok(options.at.unwrap_or_else(all))
}

/// For every law and every weighted sum of targets a plan.
pub fn plans<'a>(
    sweep: &Sweep,
    fits: &'a [Fitted],
    options: &'a Options,
) -> Result<Vec<(&'a str, Targets, Plan<'a>)>> {
    let mut all = Vec::new();
    for law in &options.laws {
        let own: Vec<&Fitted> = fits.iter().filter(|x| x.law == *law).collect();
        if own.is_empty() {
            continue;
        }
        let targets: Vec<String> = own.iter().map(|x| x.fit.target().to_owned()).collect();
        for targets in goals(sweep, law, &targets, options)? {
            let fit = |target: &str| own.iter().find(|x| x.fit.target() == target);
            let plan = targets.iter().fold(Plan::new(), |plan, (target, weight)| {
                plan.with_fit(*weight, &fit(target).expect("it was fitted").fit)
            });
            all.push((law.as_str(), targets, plan));
        }
    }
    Ok(all)
}

/// The best mixtures of every law that sees the mixture.
pub fn best_mixtures(sweep: &Sweep, fits: &[Fitted], options: &Options) -> Result<Vec<Best>> {
    let at = scale(sweep, options)?;
    let best = |(law, targets, plan): (&str, _, Plan<'_>)| match Best::of(law, targets, &plan, at) {
        Err(error) if matches!(error.downcast_ref(), Some(PlanError::Blind { .. })) => None,
        best => Some(best),
    };
    plans(sweep, fits, options)?.into_iter().filter_map(best).collect()
}

/// Of a choice: the targets that had no part in it.
pub fn print_blind(choice: &Choice) {
    if !choice.blind.is_empty() {
        say!("  not chosen for {}: the law does not see the mixture\n", choice.blind.join(", "));
    }
}

impl Best {
    pub fn of(law: &str, targets: Targets, plan: &Plan<'_>, at: Scale) -> Result<Self> {
        let choice = plan.best(at)?;
        let uniform = Mixture::uniform(choice.domains.len());
        let uniform_loss = plan.objective(at)?.value(&uniform)?;
        Ok(Self { law: law.to_owned(), targets, choice, uniform_loss })
    }
}

impl Best {
    /// `mean of english, french`, `rust`, or the weighted sum.
    pub fn goal(&self) -> String {
        let names: Vec<&str> = self.targets.iter().map(|(t, _)| t.as_str()).collect();
        let weight = self.targets[0].1;
        if names.len() == 1 && weight == 1.0 {
            names[0].to_owned()
        } else if self.targets.iter().all(|(_, w)| (w * names.len() as f64 - 1.0).abs() < 1e-12) {
            format!("mean of {}", names.join(", "))
        } else {
            let terms: Vec<String> = self.targets.iter().map(|(t, w)| format!("{w} {t}")).collect();
            terms.join(" + ")
        }
    }
}

/// Writes fits and mixtures as JSON, if the options ask for it.
pub fn write_json(options: &Options, fits: &[Fitted], mixtures: &[Value]) -> Result<()> {
    let Some(path) = &options.json else { return Ok(()) };
    let all =
        json!({ "fits": fits.iter().map(fit_json).collect::<Vec<_>>(), "mixtures": mixtures });
    let text = serde_json::to_string_pretty(&all)?;
    std::fs::write(path, text + "\n").map_err(|error| format!("{path}: {error}").into())
}

/// Named numbers as an object.
pub fn object(pairs: impl IntoIterator<Item = (String, f64)>) -> Map<String, Value> {
    pairs.into_iter().map(|(name, value)| (name, json!(value))).collect()
}

/// The weights of a mixture by the names of the domains.
pub fn named(domains: &[String], h: &[f64]) -> Map<String, Value> {
    object(domains.iter().cloned().zip(h.iter().copied()))
}

fn fit_json(x: &Fitted) -> Value {
    json!({
        "target": x.fit.target(),
        "law": x.law,
        "huber": x.fit.objective(),
        "mre_train": x.mre_train,
        "mre_eval": x.mre_eval,
        "coefficients": object(x.fit.coefficients()),
        "at_bound": x.fit.at_bound(),
        "seconds": x.seconds,
        "evaluations": x.fit.evaluations(),
        "local_solves": x.fit.local_solves(),
        "termination": x.fit.termination().to_string(),
    })
}

/// What `fit` and `mixture` write of a mixture.
pub fn mixture_json(x: &Best) -> Map<String, Value> {
    let optimum = &x.choice.optimum;
    let value = json!({
        "law": x.law,
        "n": x.choice.scale.n,
        "d": x.choice.scale.d,
        "targets": object(x.targets.clone()),
        "weights": named(&x.choice.domains, &optimum.weights),
        "loss": optimum.value,
        "uniform_loss": x.uniform_loss,
        "gap": optimum.residual,
        "iterations": optimum.iterations,
    });
    let Value::Object(mut map) = value else { unreachable!("it was made as an object") };
    add_blind(&mut map, &x.choice);
    map
}

/// Adds the targets that had no part in a choice, where there are any.
pub fn add_blind(map: &mut Map<String, Value>, choice: &Choice) {
    if !choice.blind.is_empty() {
        map.insert("blind".to_owned(), json!(choice.blind));
    }
}
