//! How sure are we? Intervals for fits, predictions and mixtures, what the data does not determine, which
//! law predicts best, how many runs are enough, and which to run next.
//!
//! `cargo run --release --example how_sure` runs on the embedded byte-level sweep; `-- --help` lists the
//! flags. With `--features plot`, `--pictures DIR` draws the intervals over scale, the region of mixtures
//! that could be the best, and the learning curves.

mod common;

use std::sync::Arc;

use common::{Options, Result, Targets, progress, say};
use mixlaw::fit::Ensemble;
use mixlaw::law::ScalingLaw;
use mixlaw::plan::{Advantage, Choice, Criterion, Extrapolation, NextRun, Plan, Run};
use mixlaw::selection::{Candidate, LearningPoint, Selection, learning_curve_observed};
use mixlaw::sweep::{EVAL, TRAIN};
use mixlaw::uncertainty::{Bootstrap, Identifiability, Interval, Probe, Resamples};
use mixlaw::{Fit, FitError, Mixture, Scale, Sweep};
use serde_json::{Map, Value, json};

const SWEEP: &str = include_str!("data/byte_sweep.csv");

const HELP: &str = "  --resamples R           resampled fits, at least 20 [default: 200]
  --level P               of the intervals and the region, between 0 and 1 [default: 0.9]
  --against A=W,B=W       a mixture to compare the choice with, such as the one in use; beside
                          uniform and the mean of the train rows
  --pictures DIR          draw pictures there (with --features plot)
The laws are averaged, and rows count by their compute; by default the laws are joint,full, the
predictor that the crate recommends.";

struct Extra {
    resamples: usize,
    level: f64,
    against: Option<Vec<(String, f64)>>,
    pictures: Option<String>,
}

impl Extra {
    fn take(&mut self, flag: &str, parser: &mut lexopt::Parser) -> Result<bool> {
        let name = format!("--{flag}");
        match flag {
            "resamples" => self.resamples = common::number(&name, &common::text(parser)?)?,
            "level" => {
                self.level = common::positive(&name, &common::text(parser)?)?;
                if self.level >= 1.0 {
                    return Err(format!("--level: {}, expected less than 1", self.level).into());
                }
            }
            "against" => {
                let all = common::list(&common::text(parser)?);
                let one = |text: &String| -> Result<(String, f64)> {
                    let (domain, weight) = common::pair(&name, text, "A=W,B=W")?;
                    Ok((domain.to_owned(), common::number(&name, weight)?))
                };
                self.against = Some(all.iter().map(one).collect::<Result<_>>()?);
            }
            "pictures" => self.pictures = Some(common::text(parser)?),
            _ => return Ok(false),
        }
        Ok(true)
    }
}

fn main() {
    let mut extra = Extra { resamples: 200, level: 0.9, against: None, pictures: None };
    let options = common::options(&mut |flag, parser| extra.take(flag, parser));
    common::finish(options.and_then(|options| match options {
        Some(options) => run(&options, &extra),
        None => {
            say!("Says how sure fits and mixtures are.\n\n{}\n{HELP}\n", common::HELP);
            Ok(())
        }
    }));
}

/// A target with its resampled fits and what the data does not determine of them.
struct Sure {
    resamples: Resamples,
    reports: Vec<Identifiability>,
    mre_train: f64,
    /// The error on the eval rows, and the share of them in their prediction intervals.
    eval: Option<(f64, f64)>,
    law: Interval,
    run: Interval,
}

/// A choice with what is known of it.
struct Decided {
    targets: Targets,
    choice: Choice,
    weights: Vec<Interval>,
    share: f64,
    extrapolation: Extrapolation,
    rivals: Vec<(&'static str, Advantage)>,
    next: Vec<(Run, NextRun)>,
}

/// Draws for the share of the simplex.
const DRAWS: usize = 4000;

fn run(options: &Options, extra: &Extra) -> Result<()> {
    let sweep = common::read_sweep(options, SWEEP)?;
    let train = sweep.split(TRAIN).map_err(|error| common::in_sweep(options, error))?;
    let rivals = rivals(&train, extra)?;
    let (n, d) = common::scale(&sweep, options)?;
    let targets = options.targets.clone().unwrap_or_else(|| sweep.targets().to_vec());
    for target in &targets {
        train.losses_of(target).map_err(|error| common::in_sweep(options, error))?;
    }
    let recommended = ["joint", "full"].map(String::from).to_vec();
    let laws = if options.laws_given { options.laws.clone() } else { recommended };

    let mut sure = Vec::new();
    for target in &targets {
        match examine(&laws, target, &sweep, &train, options, extra, (n, d))? {
            Some(one) => sure.push(one),
            None => eprintln!("note: no law of {} applies to `{target}`", laws.join(", ")),
        }
    }
    print_fits(&sure, n, d, extra);

    let fitted: Vec<String> = sure.iter().map(|s| s.resamples.ensemble().target().into()).collect();
    let mut decided = Vec::new();
    for goal in common::goals(&sweep, &laws.join(" + "), &fitted, options)? {
        let plan = plan(&goal, &sure);
        let one = decide(&plan, goal.clone(), (n, d), &rivals, &train, extra)?;
        print_choice(&one);
        decided.push(one);
    }

    let first = &fitted[0];
    say!("\nLaws compared on `{first}`, by held-out mixtures and the largest size held out:\n\n");
    let comparison = {
        let bar = progress::bar("Laws compared, fits", None);
        Selection::new().seed(options.seed).run_observed(&train, first, &mut bar.observer())?
    };
    say!("{comparison}\n");
    let curves = learning(&comparison, &train, first, options.seed)?;

    if let Some(directory) = &extra.pictures {
        draw(directory, &sure, &decided, &curves, &sweep, extra.level)?;
    }
    let Some(path) = &options.json else { return Ok(()) };
    let all = json!({
        "level": extra.level,
        "n": n,
        "d": d,
        "fits": sure.iter().map(|s| fit_json(s, extra.level)).collect::<Result<Vec<_>>>()?,
        "mixtures": decided.iter().map(decided_json).collect::<Vec<_>>(),
        "learning": curves.iter().map(|(name, points)| json!({
            "law": name,
            "target": first,
            "mixtures": points.iter().map(|p| p.mixtures).collect::<Vec<_>>(),
            "mre": points.iter().map(|p| p.mean).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
    });
    let text = serde_json::to_string_pretty(&all)?;
    std::fs::write(path, text + "\n").map_err(|error| format!("{path}: {error}").into())
}

/// Mixtures to compare a choice with.
fn rivals(train: &Sweep, extra: &Extra) -> Result<Vec<(&'static str, Mixture)>> {
    let k = train.domains().len();
    let mean = train.mixtures().mean_axis(mixlaw::ndarray::Axis(0)).expect("there are rows");
    let mut all = vec![
        ("uniform", Mixture::uniform(k)),
        ("the mean of the train rows", Mixture::new(mean.to_vec())?),
    ];
    if let Some(against) = &extra.against {
        let named: Vec<(&str, f64)> = against.iter().map(|(d, w)| (d.as_str(), *w)).collect();
        let h = Mixture::from_named(train.domains(), &named)
            .map_err(|error| format!("--against: {error}"))?;
        all.push(("that of --against", h));
    }
    Ok(all)
}

fn examine(
    laws: &[String],
    target: &str,
    sweep: &Sweep,
    train: &Sweep,
    options: &Options,
    extra: &Extra,
    at: Scale,
) -> Result<Option<Sure>> {
    let law = |name: &String| common::law(name, train, target, options.positive_gamma).transpose();
    let laws: Vec<Arc<dyn ScalingLaw>> = laws.iter().filter_map(law).collect::<Result<_>>()?;
    if laws.is_empty() {
        return Ok(None);
    }
    let fitter = common::fitter(options).weigh_by_compute(1.0);
    let ensemble = Ensemble::fit(&fitter, laws, train, target)
        .map_err(|error| common::in_sweep(options, error))?;
    let resamples = {
        let bar = progress::bar(format!("{target}, resamples"), None);
        let bootstrap = Bootstrap::new(extra.resamples).seed(options.seed);
        bootstrap.run_observed(&ensemble, train, &mut bar.observer())?
    };
    let reports: std::result::Result<Vec<_>, _> =
        ensemble.fits().iter().map(|fit| probe(fit, train)).collect();
    let eval = match sweep.split(EVAL) {
        Err(_) => None,
        Ok(eval) => {
            let observed = eval.losses_of(target)?;
            let mut held = 0;
            for (row, loss) in eval.rows().zip(&observed) {
                let interval = resamples.prediction_interval(row.scale(), row.h, extra.level)?;
                held += usize::from(interval.contains(*loss));
            }
            Some((ensemble.evaluate(&eval)?.mre, held as f64 / observed.len() as f64))
        }
    };
    let uniform = Mixture::uniform(train.domains().len());
    Ok(Some(Sure {
        reports: reports?,
        mre_train: ensemble.evaluate(train)?.mre,
        eval,
        law: resamples.interval(Scale { n, d }, &uniform, extra.level)?,
        run: resamples.prediction_interval(Scale { n, d }, &uniform, extra.level)?,
        resamples,
    }))
}

/// What the data does not determine of a fit.
fn probe(fit: &Fit, train: &Sweep) -> std::result::Result<Identifiability, FitError> {
    let bar =
        progress::bar(format!("{}, {}, identifiability", fit.target(), fit.law().name()), None);
    Probe::new().run_observed(fit, train, &mut bar.observer())
}

fn plan<'a>(goal: &Targets, sure: &'a [Sure]) -> Plan<'a> {
    goal.iter().fold(Plan::new(), |plan, (target, weight)| {
        let own = sure.iter().find(|s| s.resamples.ensemble().target() == target);
        plan.with_resamples(*weight, &own.expect("it was fitted").resamples)
    })
}

fn decide(
    plan: &Plan<'_>,
    targets: Targets,
    at: Scale,
    rivals: &[(&'static str, Mixture)],
    train: &Sweep,
    extra: &Extra,
) -> Result<Decided> {
    let choice = plan.best(Scale { n, d })?;
    let rivals = rivals
        .iter()
        .map(|(name, h)| Ok((*name, plan.advantage(&choice, h, extra.level)?)))
        .collect::<Result<Vec<_>>>()?;
    // Runs as those that were trained, at every size with its largest D, and 100 mixtures.
    let mut sizes: Vec<(f64, f64)> = Vec::new();
    for row in train.rows() {
        match sizes.iter_mut().find(|size| size.0 == row.n) {
            Some(size) => size.1 = size.1.max(row.d),
            None => sizes.push((row.n, row.d)),
        }
    }
    let mixtures = Mixture::dirichlet(&vec![1.0; choice.domains.len()], 100, 0)?;
    let candidates: Vec<Run> = sizes
        .iter()
        .flat_map(|&(n, d)| mixtures.iter().map(move |h| Run { n, d, h: h.clone() }))
        .collect();
    let next = plan.next_runs(&choice, &candidates, 3, Criterion::Decision)?;
    let bar = progress::bar("Region, draws", None);
    let mut observer = bar.observer();
    let (share, _) = plan.region_share_observed(&choice, extra.level, DRAWS, 0, &mut observer)?;
    drop(bar);
    Ok(Decided {
        targets,
        weights: plan.certainty(&choice)?.weights(extra.level)?,
        extrapolation: Extrapolation::of(&choice, train)?,
        share,
        rivals,
        next: next.into_iter().map(|run| (candidates[run.candidate].clone(), run)).collect(),
        choice,
    })
}

fn print_fits(sure: &[Sure], at: Scale, extra: &Extra) {
    let percent = 100.0 * extra.level;
    say!(
        "Intervals at {percent:.0}%, {} resamples by run; N = {n:.4e}, D = {d:.4e}\n\n",
        extra.resamples
    );
    let width = sure.iter().map(|s| s.resamples.ensemble().target().len()).max().unwrap_or(0);
    say!(
        "{:width$}  {:>15}  {:>23}  {:>23}  eval rows in their\n",
        "",
        "MRE train/eval",
        "law at uniform",
        "a new run there"
    );
    for s in sure {
        let target = s.resamples.ensemble().target();
        let (eval, held) = s.eval.map_or(("-".to_owned(), "-".to_owned()), |(mre, held)| {
            (format!("{mre:.2}"), format!("{:.0}%", 100.0 * held))
        });
        let errors = format!("{:.2} / {eval}", s.mre_train);
        let (law, run) = (format!("{:.3}", s.law), format!("{:.3}", s.run));
        say!("{target:width$}  {errors:>15}  {law:>23}  {run:>23}  interval: {held}\n");
    }
    say!("\nWhat the data does not determine\n");
    for s in sure {
        for report in &s.reports {
            let warnings = report.warnings();
            let (shown, rest) = warnings.split_at(warnings.len().min(6));
            say!("{}, {} law, condition {:.0e}:\n", report.target, report.law, report.condition());
            shown.iter().for_each(|line| say!("  - {line}\n"));
            if !rest.is_empty() {
                say!("  - and {} more\n", rest.len());
            }
        }
    }
}

fn print_choice(x: &Decided) {
    let names: Vec<&str> = x.targets.iter().map(|(t, _)| t.as_str()).collect();
    say!("\nThe mixture for {}: value {:.3}\n", names.join(", "), x.choice.optimum.value);
    for (domain, weight) in x.choice.domains.iter().zip(&x.weights) {
        say!("  {domain}: {weight:.3}\n");
    }
    common::print_blind(&x.choice);
    let draws = DRAWS as f64;
    let share = if x.share > 0.0 {
        format!("{:.2}%", 100.0 * x.share)
    } else {
        format!("less than {:.2}%", 100.0 / draws)
    };
    say!("  mixtures that could be the best take {share} of the simplex\n");
    let far = &x.extrapolation;
    say!(
        "  from the data: N is {:.1} and D {:.1} times the largest trained, the nearest mixture is at a distance of {:.3}\n",
        far.size,
        far.tokens,
        far.nearest
    );
    for (name, advantage) in &x.rivals {
        let probability = advantage.probability;
        say!("  beats {name} with probability {probability:.3}, by {:.4} nats\n", advantage.nats);
    }
    say!("  next runs, and the share of the decision's variance that they take off together:\n");
    for (run, next) in &x.next {
        let h = run.h.named(&x.choice.domains);
        say!("    N = {:.3e}, D = {:.3e}, {h:.2}: {:.0}%\n", run.n, run.d, 100.0 * next.gain);
    }
}

type Curve = (String, Vec<LearningPoint>);

/// Errors against the number of mixtures for the additive and the joint law, where they apply.
fn learning(
    comparison: &mixlaw::selection::Comparison,
    train: &Sweep,
    target: &str,
    seed: u64,
) -> Result<Vec<Curve>> {
    let mixtures = train.count_mixtures();
    let counts: Vec<usize> = [3, 5, 8, 12, 16, 24, 32, 48]
        .into_iter()
        .filter(|count| 4 * count <= 3 * mixtures)
        .collect();
    let mut curves = Vec::new();
    say!("MRE on new mixtures against the number of mixtures trained (mean of 5 draws)\n");
    for name in ["additive", "joint"] {
        if comparison.get(name).is_none() {
            continue;
        }
        let law = common::law(name, train, target, false)?.expect("a law for every target");
        let candidate = Candidate::new(law, mixlaw::Fitter::new().starts(8));
        let mut points = Vec::new();
        let bar = progress::bar(format!("Learning curve, {name}, fits"), 5 * counts.len());
        for &count in &counts {
            let observer = &mut bar.observer();
            // Too few rows for the law are no point of its curve.
            let curve =
                learning_curve_observed(&candidate, train, target, &[count], 5, seed, observer);
            points.extend(curve.map(|(points, _)| points).unwrap_or_default());
        }
        drop(bar);
        let text: Vec<String> =
            points.iter().map(|p| format!("{}: {:.2}%", p.mixtures, p.mean)).collect();
        say!("  {name}: {}\n", text.join(", "));
        curves.push((name.to_owned(), points));
    }
    Ok(curves)
}

fn interval_json(x: &Interval) -> Value {
    json!({ "estimate": x.estimate, "lower": x.lower, "upper": x.upper })
}

fn fit_json(s: &Sure, level: f64) -> Result<Value> {
    let mut coefficients = Map::new();
    for c in s.resamples.coefficients(level)? {
        let law = coefficients.entry(c.law).or_insert_with(|| Value::Object(Map::new()));
        law.as_object_mut().expect("an object").insert(c.name, interval_json(&c.interval));
    }
    let reports = s
        .reports
        .iter()
        .map(|r| json!({ "law": r.law, "eigenvalues": r.eigenvalues, "warnings": r.warnings() }));
    Ok(json!({
        "target": s.resamples.ensemble().target(),
        "laws": s.resamples.ensemble().name(),
        "mre_train": s.mre_train,
        "mre_eval": s.eval.map(|e| e.0),
        "eval_in_interval": s.eval.map(|e| e.1),
        "law_at_uniform": interval_json(&s.law),
        "run_at_uniform": interval_json(&s.run),
        "coefficients": coefficients,
        "identifiability": reports.collect::<Vec<_>>(),
    }))
}

fn decided_json(x: &Decided) -> Value {
    let weights: Map<String, Value> =
        x.choice.domains.iter().cloned().zip(x.weights.iter().map(interval_json)).collect();
    let rivals: Map<String, Value> = x
        .rivals
        .iter()
        .map(|(name, a)| {
            let value = json!({ "probability": a.probability, "nats": interval_json(&a.nats) });
            ((*name).to_owned(), value)
        })
        .collect();
    let next = x.next.iter().map(|(run, next)| {
        json!({ "n": run.n, "d": run.d, "weights": common::named(&x.choice.domains, &run.h), "gain": next.gain })
    });
    let mut value = json!({
        "targets": common::object(x.targets.clone()),
        "loss": x.choice.optimum.value,
        "weights": weights,
        "region_share": x.share,
        "n_over_trained": x.extrapolation.size,
        "d_over_trained": x.extrapolation.tokens,
        "nearest_mixture": x.extrapolation.nearest,
        "beats": rivals,
        "next_runs": next.collect::<Vec<_>>(),
    });
    common::add_blind(value.as_object_mut().expect("it was made as an object"), &x.choice);
    value
}

#[cfg(not(feature = "plot"))]
fn draw(_: &str, _: &[Sure], _: &[Decided], _: &[Curve], _: &Sweep, _: f64) -> Result<()> {
    Err("--pictures: needs the feature plot: cargo run --release --features plot --example how_sure".into())
}

#[cfg(feature = "plot")]
fn draw(
    directory: &str,
    sure: &[Sure],
    decided: &[Decided],
    curves: &[Curve],
    sweep: &Sweep,
    level: f64,
) -> Result<()> {
    use mixlaw::plot::{self, Band};
    std::fs::create_dir_all(directory).map_err(|error| format!("{directory}: {error}"))?;
    let write = |name: &str, svg: String| -> Result<()> {
        let path = format!("{directory}/{name}.svg");
        std::fs::write(&path, svg).map_err(|error| format!("{path}: {error}"))?;
        say!("drew {path}\n");
        Ok(())
    };
    // Losses of new runs over N, at the mixture with most rows and its most frequent D.
    let (h, d) = most_frequent(sweep);
    let own = || sweep.rows().enumerate().filter(|(_, row)| row.h == &h[..] && row.d == d);
    let largest = own().map(|(_, row)| row.n).fold(0.0, f64::max);
    let mut bands = Vec::new();
    for s in sure {
        let mut points = Vec::new();
        for step in -20..=8 {
            let n = largest * 10f64.powf(0.1 * f64::from(step));
            points.push((n, s.resamples.prediction_interval(Scale { n, d }, &h, level)?));
        }
        let target = s.resamples.ensemble().target();
        let losses = sweep.losses_of(target)?;
        let observed = own().map(|(i, row)| (row.n, losses[i])).collect();
        bands.push(Band { label: target.to_owned(), points, observed });
    }
    let title =
        format!("{:.0}% intervals of new runs at D = {d:.2e} of one mixture", 100.0 * level);
    write("bands", plot::bands(&bands, "N, parameters", "loss, nats", &title)?)?;
    for (i, x) in decided.iter().enumerate() {
        let plan = plan(&x.targets, sure);
        let mut order: Vec<usize> = (0..x.choice.domains.len()).collect();
        order.sort_by(|&a, &b| x.choice.optimum.weights[b].total_cmp(&x.choice.optimum.weights[a]));
        if let [a, b, c, ..] = order[..] {
            let three = [a, b, c].map(|i| x.choice.domains[i].as_str());
            write(&format!("region{i}"), plot::region(&plan, &x.choice, three, level)?)?;
        }
    }
    let band = |(name, points): &Curve| Band {
        label: name.clone(),
        points: points
            .iter()
            .map(|p| {
                let of_draws = Interval { estimate: p.mean, lower: p.least, upper: p.greatest };
                (p.mixtures as f64, of_draws)
            })
            .collect(),
        observed: Vec::new(),
    };
    let bands: Vec<Band> = curves.iter().map(band).collect();
    let title = "Error on new mixtures: mean, least and greatest of 5 draws";
    write("learning", plot::bands(&bands, "mixtures trained", "MRE, %", title)?)
}

/// The mixture and D of which most models were trained.
#[cfg(feature = "plot")]
fn most_frequent(sweep: &Sweep) -> (Mixture, f64) {
    let count = |row: &mixlaw::sweep::Row<'_>| {
        sweep.rows().filter(|other| other.h == row.h && other.d == row.d).count()
    };
    let most = sweep.rows().max_by_key(count).expect("a sweep is never empty");
    (Mixture::new(most.h.to_vec()).expect("a sweep's rows are mixtures"), most.d)
}
