//! Sizes held out, predicted from what is smaller.

use mixlaw::predictor::{Interval, ScaleErrors};
use mixlaw::sweep::{EVAL, TRAIN};
use mixlaw::uncertainty::Bootstrap;
use mixlaw::{Predictor, Sweep};
use rayon::prelude::*;

use crate::real_sweeps::Real;
use crate::{LEVEL, Result};

const MEMBERS: usize = 100;

/// A size that is predicted from smaller ones.
pub struct Step {
    pub sweep: &'static str,
    /// Whether its rows are those that nothing was chosen by.
    pub is_eval: bool,
    /// The largest size fitted, and the one predicted.
    pub sizes: [f64; 2],
    /// For each target.
    pub targets: Vec<Predicted>,
}

/// What was predicted of one target, and what was measured.
pub struct Predicted {
    pub target: String,
    /// Of each row the loss, the prediction, and the intervals without and with the error of extrapolation.
    pub rows: Vec<(f64, f64, [Interval; 2])>,
    pub pairs: Vec<Pair>,
}

/// Two mixtures at one N and D.
pub struct Pair {
    pub mixtures: [usize; 2],
    /// The loss of the second less that of the first.
    pub measured: f64,
    /// The loss of the first, as predicted.
    pub loss: f64,
    /// The intervals of the difference by the laws alone, and of two runs.
    pub intervals: [Interval; 2],
    /// The probabilities that the first is lower, by the laws alone and of two runs.
    pub probabilities: [f64; 2],
}

/// All steps of the sweeps, by sweep.
pub fn all(sweeps: &[Real], eval: bool) -> Result<Vec<Step>> {
    let mut steps = Vec::new();
    for real in sweeps {
        let train = real.train();
        let mut sizes = train.n().to_vec();
        sizes.sort_by(f64::total_cmp);
        sizes.dedup();
        for i in 1..sizes.len() {
            let fitted = train.select(|row| row.n <= sizes[i])?;
            let mut beyond: Vec<(&str, f64, Sweep)> = Vec::new();
            for &size in &sizes[i + 1..] {
                beyond.push((TRAIN, size, train.select(|row| row.n == size)?));
            }
            if eval {
                let rows = real.sweep.split(EVAL)?;
                beyond.push((EVAL, rows.n()[0], rows));
            }
            if beyond.is_empty() {
                continue;
            }
            let predictors = predictors(&fitted, &real.targets)?;
            for (split, size, rows) in beyond {
                let one = |p: &[Predictor; 2]| Predicted::of(p, &rows).expect("predictions");
                let targets = predictors.par_iter().map(one).collect();
                let (sizes, is_eval) = ([sizes[i], size], split == EVAL);
                steps.push(Step { sweep: real.name, is_eval, sizes, targets });
            }
        }
    }
    Ok(steps)
}

/// What a decision would know of these rows, without and with the error of extrapolation.
fn predictors(rows: &Sweep, targets: &[String]) -> Result<Vec<[Predictor; 2]>> {
    let resampled = |target: &String| {
        let predictor = Predictor::recommended(rows, target).expect("fits");
        Bootstrap::new(MEMBERS).run(predictor, rows).expect("members")
    };
    let predictors: Vec<Predictor> = targets.par_iter().map(resampled).collect();
    let held_out = |rows: &Sweep, target: &str| {
        Bootstrap::new(20).run(Predictor::recommended(rows, target)?, rows)
    };
    let errors = ScaleErrors::measure(rows, &predictors, held_out)?;
    predictors.into_iter().map(|p| Ok([p.clone(), p.with_scale_errors(&errors)?])).collect()
}

impl Predicted {
    fn of([plain, predictor]: &[Predictor; 2], rows: &Sweep) -> Result<Self> {
        let rows = rows.with_losses_of(predictor.target())?;
        let losses = rows.losses_of(predictor.target())?;
        let one = |(row, loss): (mixlaw::sweep::Row<'_>, &f64)| {
            let (at, h) = (row.scale(), row.h);
            let intervals = [
                plain.prediction_interval(at, h, LEVEL)?,
                predictor.prediction_interval(at, h, LEVEL)?,
            ];
            Ok((*loss, predictor.predict(at, h)?, intervals))
        };
        let all = rows.rows().zip(&losses).map(one).collect::<Result<Vec<_>>>()?;
        let target = predictor.target().to_owned();
        Ok(Self { target, rows: all, pairs: pairs(predictor, &rows, &losses)? })
    }
}

/// All pairs of mixtures at the token count with the most of them, the largest of several.
fn pairs(predictor: &Predictor, rows: &Sweep, losses: &[f64]) -> Result<Vec<Pair>> {
    let at = |d: f64| (0..rows.len()).filter(|&i| rows.d()[i] == d).collect::<Vec<usize>>();
    let most = rows.d().iter().map(|&d| (at(d).len(), d));
    let most = most.max_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))).expect("a row");
    let rows_of = at(most.1);
    let scale = rows.row(rows_of[0]).scale();
    let of = |i: usize| -> Result<(f64, Vec<f64>)> {
        let h = rows.row(i).h;
        Ok((predictor.predict(scale, h)?, predictor.values(scale, h)?))
    };
    let known = rows_of.iter().map(|&i| of(i)).collect::<Result<Vec<_>>>()?;
    let mut all = Vec::new();
    for (a, &i) in rows_of.iter().enumerate() {
        for (b, &j) in rows_of.iter().enumerate().skip(a + 1) {
            let (first, second) = (&known[a], &known[b]);
            let mut differences: Vec<f64> =
                first.1.iter().zip(&second.1).map(|(x, y)| y - x).collect();
            differences.sort_by(f64::total_cmp);
            let share = |p: f64| differences[((MEMBERS - 1) as f64 * p).round() as usize];
            let tail = 0.5 * (1.0 - LEVEL);
            let estimate = second.0 - first.0;
            let law = Interval { estimate, lower: share(tail), upper: share(1.0 - tail) };
            let lower = differences.iter().filter(|d| **d > 0.0).count() as f64 / MEMBERS as f64;
            let runs = predictor.difference(scale, rows.row(i).h, rows.row(j).h, LEVEL)?;
            all.push(Pair {
                mixtures: [a, b],
                measured: losses[j] - losses[i],
                loss: first.0,
                intervals: [law, runs.nats],
                probabilities: [lower, runs.probability],
            });
        }
    }
    Ok(all)
}

/// How often intervals hold a value, their mean half width, and their mean interval score (Gneiting and Raftery,
/// 2007), the last two in percent of the loss.
#[derive(Default, Clone, Copy)]
pub struct Held {
    count: f64,
    inside: f64,
    half_width: f64,
    score: f64,
}

impl Held {
    pub fn add(&mut self, value: f64, interval: Interval, loss: f64) {
        let (lower, upper) = (interval.lower, interval.upper);
        let missed = (lower - value).max(value - upper).max(0.0);
        self.count += 1.0;
        self.inside += f64::from(u8::from(interval.contains(value)));
        self.half_width += 50.0 * (upper - lower) / loss;
        self.score += 100.0 * (upper - lower + 2.0 / (1.0 - LEVEL) * missed) / loss;
    }

    pub fn plus(self, other: Self) -> Self {
        Self {
            count: self.count + other.count,
            inside: self.inside + other.inside,
            half_width: self.half_width + other.half_width,
            score: self.score + other.score,
        }
    }
}

impl std::fmt::Display for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { count, inside, half_width, score } = self;
        write!(
            f,
            "{:.1}% | {:.2} | {:.2}",
            100.0 * inside / count,
            half_width / count,
            score / count
        )
    }
}

/// Of levels and of differences, without and with what is new, and the sum of relative errors.
#[derive(Default, Clone, Copy)]
struct Sums {
    levels: [Held; 2],
    differences: [Held; 2],
    errors: f64,
}

impl Sums {
    fn add(&mut self, target: &Predicted) {
        for (loss, predicted, intervals) in &target.rows {
            self.errors += 100.0 * (predicted / loss - 1.0).abs();
            for (held, interval) in self.levels.iter_mut().zip(intervals) {
                held.add(*loss, *interval, *predicted);
            }
        }
        for pair in &target.pairs {
            for (held, interval) in self.differences.iter_mut().zip(&pair.intervals) {
                held.add(pair.measured, *interval, pair.loss);
            }
        }
    }
}

impl Step {
    fn times(&self) -> f64 {
        self.sizes[1] / self.sizes[0]
    }

    fn sums(&self) -> Sums {
        let mut sums = Sums::default();
        self.targets.iter().for_each(|target| sums.add(target));
        sums
    }
}

/// How often the intervals held, by target: all steps of up to 3 times N together.
fn by_target(steps: &[&Step]) {
    let Some(first) = steps.first() else { return };
    let mark = if first.is_eval { "the eval size" } else { "training sizes held out" };
    let mut of: Vec<(&str, Sums)> = Vec::new();
    for target in steps.iter().flat_map(|step| &step.targets) {
        match of.iter_mut().find(|(name, _)| *name == target.target) {
            Some((_, sums)) => sums.add(target),
            None => {
                of.push((&target.target, Sums::default()));
                of.last_mut().expect("it was pushed").1.add(target);
            }
        }
    }
    println!(
        "\n{}, {mark}, by target: loss of a run, difference of two runs (percent)\n",
        first.sweep
    );
    let percent = |held: &Held| 100.0 * held.inside / held.count;
    let one = |(name, sums): &(&str, Sums)| {
        format!("{name} {:.0}, {:.0}", percent(&sums.levels[1]), percent(&sums.differences[1]))
    };
    println!("{}", of.iter().map(one).collect::<Vec<_>>().join("; "));
}

pub fn report(steps: &[Step]) {
    println!("\n## Sizes held out, nominal {:.0}%\n", 100.0 * LEVEL);
    println!(
        "half widths and interval scores in percent of the loss; without | with the error of\n"
    );
    println!("extrapolation for levels, laws alone | runs for differences\n");
    println!(
        "| sweep | fitted to | times N | MRE | levels | width | score | with | width | score | differences | width | score | of runs | width | score |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|");
    let line = |name: &str, fitted: &str, times: &str, sums: &Sums| {
        let [a, b] = sums.levels;
        let [c, d] = sums.differences;
        let mre = sums.errors / a.count;
        println!("| {name} | {fitted} | {times} | {mre:.2} | {a} | {b} | {c} | {d} |");
    };
    let mut sweeps: Vec<&str> = steps.iter().map(|step| step.sweep).collect();
    sweeps.dedup();
    for &sweep in &sweeps {
        let mut pooled = Sums::default();
        for step in steps.iter().filter(|step| step.sweep == sweep) {
            let (sums, times) = (step.sums(), step.times());
            let mark = if step.is_eval { " (eval)" } else { "" };
            line(
                &format!("{sweep}{mark}"),
                &format!("{:.3e}", step.sizes[0]),
                &format!("{times:.2}"),
                &sums,
            );
            if times <= 3.0 && !step.is_eval {
                for i in 0..2 {
                    pooled.levels[i] = pooled.levels[i].plus(sums.levels[i]);
                    pooled.differences[i] = pooled.differences[i].plus(sums.differences[i]);
                }
                pooled.errors += sums.errors;
            }
        }
        line(&format!("**{sweep}, training sizes**"), "all", "up to 3", &pooled);
    }
    for sweep in sweeps {
        let short = |step: &&Step| step.sweep == sweep && step.times() <= 3.0;
        for is_eval in [false, true] {
            let own = steps.iter().filter(short).filter(|step| step.is_eval == is_eval);
            let last = own.clone().map(|step| step.sizes[0]).fold(0.0, f64::max);
            // Of the eval rows only the step from all training sizes.
            by_target(&own.filter(|s| !is_eval || s.sizes[0] == last).collect::<Vec<_>>());
        }
    }
}
