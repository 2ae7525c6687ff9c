//! Whether the residuals of mixtures at the largest size that was fitted carry over to larger sizes: what
//! would be gained by anchoring predictions at measured mixtures.
//!
//! ```text
//! cargo bench --bench anchors [-- final]
//! ```
//!
//! On the byte-level sweep, and those that `MIXLAW_SLIMPAJAMA` and `MIXLAW_REDPAJAMA` name:
//! [`Predictor::recommended`] is fitted to the training sizes up to each but the smallest and the largest
//! one, and predicts the larger training sizes. To its prediction is added a part of its log residuals at
//! the largest fitted size. Everything is in log loss; the mean over all mixtures is taken off the residuals
//! that are added, for it tells of levels and not of mixtures. First for mixtures that were measured at
//! that size, then, with a third of the mixtures held out three times, for those that were not.
//!
//! `final` prints the eval rows in place of the training sizes: the one report, after all choices.

use std::error::Error;

use mixlaw::fit::Metrics;
use mixlaw::law::ChinchillaLaw;
use mixlaw::{Fitter, Predictor, Sweep};
use rayon::prelude::*;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// In how many parts the mixtures are for the ones that were not measured.
const PARTS: usize = 3;

/// What is added to a prediction.
const MEASURED: [&str; 10] = [
    "nothing",
    "0.3 of the residual of the mixture",
    "0.5 of it",
    "all of it",
    "0.3 of that at the nearest D",
    "0.5 of it",
    "all of it",
    "kriging, exp(-TV / l)",
    "the baseline in place of the prediction",
    "the mean of the two",
];
const NEW: [&str; 3] = ["nothing", "kriging, exp(-TV / l)", "kriging, exp(-|x|^2 / 2 l^2)"];

/// A sweep with the number of each row's mixture.
struct Rows {
    name: &'static str,
    sweep: Sweep,
    mixtures: Vec<usize>,
}

impl Rows {
    fn new(name: &'static str, sweep: Sweep) -> Self {
        let mut mixtures = vec![0; sweep.len()];
        for (number, group) in sweep.distinct_mixtures().into_iter().enumerate() {
            group.rows.into_iter().for_each(|row| mixtures[row] = number);
        }
        Self { name, sweep, mixtures }
    }

    /// The sizes of a split, in order.
    fn sizes(&self, split: &str) -> Vec<f64> {
        let of_split = self.sweep.rows().filter(|row| row.split == split);
        let mut sizes: Vec<f64> = of_split.map(|row| row.n).collect();
        sizes.sort_by(f64::total_cmp);
        sizes.dedup();
        sizes
    }
}

/// A fit to a target: log losses and predictions of all rows.
struct Fitted {
    observed: Vec<f64>,
    predicted: Vec<f64>,
    /// Of a law that is blind to mixtures.
    blind: Vec<f64>,
}

fn fit(rows: &Rows, is_fitted: &[bool], target: &str) -> Result<Fitted> {
    let mut places = is_fitted.iter();
    let fitted = rows.sweep.select(|_| *places.next().expect("one for each row"))?;
    let law = ChinchillaLaw::for_sweep(&fitted);
    let blind = Predictor::from(Fitter::new().fit(law, &fitted, target)?);
    let ln = |values: Vec<f64>| values.into_iter().map(f64::ln).collect();
    Ok(Fitted {
        observed: ln(rows.sweep.losses_of(target)?),
        predicted: ln(Predictor::recommended(&fitted, target)?.predict_sweep(&rows.sweep)?),
        blind: ln(blind.predict_sweep(&rows.sweep)?),
    })
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), x| (sum + x, count + 1.0));
    sum / count
}

/// The rows at the largest fitted size, by mixture.
struct Anchors<'a> {
    rows: &'a Rows,
    /// Number of the mixture, its rows.
    mixtures: Vec<(usize, Vec<usize>)>,
}

impl<'a> Anchors<'a> {
    fn new(rows: &'a Rows, is_fitted: &[bool], top: f64) -> Self {
        let mut mixtures: Vec<(usize, Vec<usize>)> = Vec::new();
        for i in (0..rows.sweep.len()).filter(|&i| is_fitted[i] && rows.sweep.n()[i] == top) {
            match mixtures.iter_mut().find(|(number, _)| *number == rows.mixtures[i]) {
                Some((_, own)) => own.push(i),
                None => mixtures.push((rows.mixtures[i], vec![i])),
            }
        }
        Self { rows, mixtures }
    }

    fn place(&self, row: usize) -> Option<usize> {
        self.mixtures.iter().position(|(number, _)| *number == self.rows.mixtures[row])
    }

    /// The row of an anchor whose D is nearest.
    fn nearest(&self, place: usize, row: usize) -> usize {
        let d = self.rows.sweep.d();
        let apart = |&i: &usize| (d[i] / d[row]).ln().abs();
        let own = self.mixtures[place].1.iter().copied();
        own.min_by(|a, b| apart(a).total_cmp(&apart(b))).expect("a mixture has rows")
    }

    /// The mean residual of each mixture, less that of all.
    fn residuals(&self, fitted: &Fitted) -> Vec<f64> {
        let residual = |i: &usize| fitted.observed[*i] - fitted.predicted[*i];
        let own: Vec<f64> =
            self.mixtures.iter().map(|(_, rows)| mean(rows.iter().map(residual))).collect();
        let all = mean(own.iter().copied());
        own.into_iter().map(|own| own - all).collect()
    }

    /// The residual at the D nearest to that of a row, less the mean over all mixtures there.
    fn at_nearest(&self, fitted: &Fitted, place: usize, row: usize) -> f64 {
        let residual = |i: usize| fitted.observed[i] - fitted.predicted[i];
        let own = self.nearest(place, row);
        let others = (0..self.mixtures.len()).map(|place| residual(self.nearest(place, own)));
        residual(own) - mean(others)
    }

    fn h(&self, place: usize) -> &[f64] {
        self.rows.sweep.row(self.mixtures[place].1[0]).h
    }
}

/// A correlation between mixtures, with the variance of what is each mixture's own.
#[derive(Clone, Copy)]
struct Kernel {
    /// Of total variation, or of the squared Euclidean distance.
    variation: bool,
    length: f64,
    own: f64,
}

impl Kernel {
    fn at(self, a: &[f64], b: &[f64]) -> f64 {
        let pairs = a.iter().zip(b);
        if self.variation {
            (-0.5 * pairs.map(|(a, b)| (a - b).abs()).sum::<f64>() / self.length).exp()
        } else {
            let square = pairs.map(|(a, b)| (a - b).powi(2)).sum::<f64>();
            (-0.5 * square / self.length.powi(2)).exp()
        }
    }

    /// The Cholesky factor of the covariance of the anchors, row by row.
    fn factor(self, anchors: &Anchors<'_>) -> Vec<Vec<f64>> {
        let mut factor: Vec<Vec<f64>> = Vec::new();
        for i in 0..anchors.mixtures.len() {
            let mut row: Vec<f64> = Vec::with_capacity(i + 1);
            let known = |row: &[f64], other: &[f64]| -> f64 {
                row.iter().zip(other).map(|(a, b)| a * b).sum()
            };
            for (j, other) in factor.iter().enumerate() {
                let covariance = self.at(anchors.h(i), anchors.h(j));
                row.push((covariance - known(&row, other)) / other[j]);
            }
            row.push((1.0 + self.own - known(&row, &row)).sqrt());
            factor.push(row);
        }
        factor
    }

    /// The covariance's inverse times some residuals.
    fn solve(factor: &[Vec<f64>], residuals: &[f64]) -> Vec<f64> {
        let count = residuals.len();
        let mut x = residuals.to_vec();
        for i in 0..count {
            let known: f64 = (0..i).map(|j| factor[i][j] * x[j]).sum();
            x[i] = (x[i] - known) / factor[i][i];
        }
        for i in (0..count).rev() {
            let known: f64 = (i + 1..count).map(|j| factor[j][i] * x[j]).sum();
            x[i] = (x[i] - known) / factor[i][i];
        }
        x
    }

    /// The most likely one for the residuals of all targets together, each with a variance of its own.
    fn choose(variation: bool, anchors: &Anchors<'_>, residuals: &[Vec<f64>]) -> Self {
        let lengths = [0.03, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6];
        let own = [0.01, 0.1, 0.3, 1.0, 3.0, 10.0, 100.0];
        let all = lengths
            .iter()
            .flat_map(|&length| own.iter().map(move |&own| Self { variation, length, own }));
        let surprise = |kernel: &Self| {
            let factor = kernel.factor(anchors);
            let logs: f64 = factor.iter().enumerate().map(|(i, row)| row[i].ln()).sum();
            let one = |r: &Vec<f64>| {
                let count = r.len() as f64;
                let square: f64 = Self::solve(&factor, r).iter().zip(r).map(|(a, b)| a * b).sum();
                logs + 0.5 * count * (square / count).ln()
            };
            residuals.iter().map(one).sum::<f64>()
        };
        all.min_by(|a, b| surprise(a).total_cmp(&surprise(b))).expect("a list of kernels")
    }

    /// The residuals that it expects in some rows.
    fn expect(self, anchors: &Anchors<'_>, residuals: &[f64], rows: &[usize]) -> Vec<f64> {
        let x = Self::solve(&self.factor(anchors), residuals);
        let sweep = &anchors.rows.sweep;
        let one = |&row: &usize| {
            let h = sweep.row(row).h;
            x.iter().enumerate().map(|(place, x)| x * self.at(h, anchors.h(place))).sum()
        };
        rows.iter().map(one).collect()
    }
}

/// What is printed: [`KINDS`].
type Figures = [f64; 4];

const KINDS: [&str; 4] = [
    "MRE (%)",
    "Error between mixtures of one N and D (%)",
    "The same at the largest D alone (%)",
    "Rank within N and D",
];

/// The figures of some predictions of one N.
fn figures(rows: &Rows, fitted: &Fitted, test: &[usize], predicted: &[f64]) -> Figures {
    let error = |place: usize| fitted.observed[test[place]] - predicted[place];
    let mre = mean((0..test.len()).map(|place| ((-error(place)).exp() - 1.0).abs()));
    let mut tokens: Vec<f64> = test.iter().map(|&row| rows.sweep.d()[row]).collect();
    tokens.sort_by(f64::total_cmp);
    tokens.dedup();
    let (mut between, mut rank, mut count, mut at_last) = (0.0, 0.0, 0.0, f64::NAN);
    for d in tokens {
        let own: Vec<usize> =
            (0..test.len()).filter(|&place| rows.sweep.d()[test[place]] == d).collect();
        if own.len() < 3 {
            continue;
        }
        let offset = mean(own.iter().map(|&place| error(place)));
        let sum = own.iter().map(|&place| (error(place) - offset).abs()).sum::<f64>();
        (between, at_last) = (between + sum, sum / own.len() as f64);
        let of = |values: &dyn Fn(usize) -> f64| own.iter().map(|&i| values(i)).collect::<Vec<_>>();
        let (observed, predicted) = (of(&|i| fitted.observed[test[i]]), of(&|i| predicted[i]));
        rank += own.len() as f64 * Metrics::new(&observed, &predicted).spearman;
        count += own.len() as f64;
    }
    [100.0 * mre, 100.0 * between / count, 100.0 * at_last, rank / count]
}

/// All that is tried at mixtures that were measured.
fn at_measured(
    anchors: &Anchors<'_>,
    fitted: &Fitted,
    kernel: Kernel,
    test: &[usize],
) -> Vec<Figures> {
    let residuals = anchors.residuals(fitted);
    let place = |row: usize| anchors.place(row).expect("a measured mixture");
    let predicted: Vec<f64> = test.iter().map(|&row| fitted.predicted[row]).collect();
    let plus = |share: f64, added: &[f64]| -> Vec<f64> {
        predicted.iter().zip(added).map(|(p, added)| p + share * added).collect()
    };
    let own: Vec<f64> = test.iter().map(|&row| residuals[place(row)]).collect();
    let near: Vec<f64> =
        test.iter().map(|&row| anchors.at_nearest(fitted, place(row), row)).collect();
    let baseline = |&row: &usize| {
        let from = anchors.nearest(place(row), row);
        fitted.observed[from] + fitted.blind[row] - fitted.blind[from]
    };
    let baseline: Vec<f64> = test.iter().map(baseline).collect();
    let both = predicted.iter().zip(&baseline).map(|(a, b)| f64::midpoint(*a, *b)).collect();
    let shares = [0.0, 0.3, 0.5, 1.0];
    let mut ways: Vec<Vec<f64>> = shares.iter().map(|share| plus(*share, &own)).collect();
    ways.extend(shares[1..].iter().map(|share| plus(*share, &near)));
    ways.push(plus(1.0, &kernel.expect(anchors, &residuals, test)));
    ways.extend([baseline, both]);
    ways.iter().map(|way| figures(anchors.rows, fitted, test, way)).collect()
}

/// All that is tried at mixtures that were not.
fn at_new(
    anchors: &Anchors<'_>,
    fitted: &Fitted,
    kernels: [Kernel; 2],
    test: &[usize],
) -> Vec<Figures> {
    let residuals = anchors.residuals(fitted);
    let predicted: Vec<f64> = test.iter().map(|&row| fitted.predicted[row]).collect();
    let mut ways = vec![predicted.clone()];
    for kernel in kernels {
        let added = kernel.expect(anchors, &residuals, test);
        ways.push(predicted.iter().zip(added).map(|(p, added)| p + added).collect());
    }
    ways.iter().map(|way| figures(anchors.rows, fitted, test, way)).collect()
}

/// A step from a largest fitted size to a predicted one: the figures of each target and way.
struct Step {
    name: String,
    found: Vec<Vec<Figures>>,
}

/// The steps from one largest fitted size, with a part of the mixtures left out or none.
fn steps(rows: &Rows, top: f64, ats: &[f64], out: Option<usize>) -> Result<Vec<Step>> {
    let sweep = &rows.sweep;
    let is_out = |i: usize| out.is_some_and(|part| rows.mixtures[i] % PARTS == part);
    let is_fitted: Vec<bool> = (0..sweep.len())
        .map(|i| sweep.row(i).split == "train" && sweep.n()[i] <= top && !is_out(i))
        .collect();
    let anchors = Anchors::new(rows, &is_fitted, top);
    let fits = sweep.targets().par_iter().map(|target| fit(rows, &is_fitted, target));
    let fits: Vec<Fitted> = fits.collect::<Result<_>>()?;
    let residuals: Vec<Vec<f64>> = fits.iter().map(|fit| anchors.residuals(fit)).collect();
    let kernels = [true, false].map(|variation| Kernel::choose(variation, &anchors, &residuals));
    let step = |&at: &f64| {
        let is_test =
            |i: &usize| sweep.n()[*i] == at && anchors.place(*i).is_some() == out.is_none();
        let test: Vec<usize> = (0..sweep.len()).filter(is_test).collect();
        let found = fits.iter().map(|fit| match out {
            None => at_measured(&anchors, fit, kernels[0], &test),
            Some(_) => at_new(&anchors, fit, kernels, &test),
        });
        let name = format!("{} {top:.3e} to {at:.3e}", rows.name);
        Step { name, found: found.collect() }
    };
    // Of the eval rows of a sweep none may have such a mixture.
    Ok(ats.iter().map(step).filter(|step| !step.found[0][0][0].is_nan()).collect())
}

/// The mean over targets of each step, the geometric mean over steps, and in how many of all pairs of a
/// target and a step a way is better than nothing.
fn print(steps: &[Step], ways: &[&str]) {
    for (kind, title) in KINDS.iter().enumerate() {
        // Between mixtures there is nothing to say where fewer than three have one N and D.
        if steps.iter().flat_map(|step| &step.found).any(|target| target[0][kind].is_nan()) {
            continue;
        }
        print!("\n| {title} |");
        steps.iter().for_each(|step| print!(" {} |", step.name));
        println!(" geometric mean | better |\n|{}", "---|".repeat(steps.len() + 3));
        for (way, name) in ways.iter().enumerate() {
            let of = |step: &Step| mean(step.found.iter().map(|target| target[way][kind]));
            print!("| {name} |");
            steps.iter().for_each(|step| print!(" {:.3} |", of(step)));
            let logs = mean(steps.iter().map(|step| of(step).ln()));
            let pairs: Vec<_> = steps.iter().flat_map(|step| &step.found).collect();
            let is_better = |target: &&&Vec<Figures>| {
                let gain = target[way][kind] - target[0][kind];
                (if kind == KINDS.len() - 1 { gain } else { -gain }) > 1e-12
            };
            let better = pairs.iter().filter(is_better).count();
            println!(" {:.4} | {better} of {} |", logs.exp(), pairs.len());
        }
    }
}

fn main() -> Result<()> {
    let is_final = std::env::args().any(|a| a == "final");
    let bytes = include_bytes!("../examples/data/byte_sweep.csv").as_slice();
    let mut sweeps = vec![("bytes", Sweep::from_csv(bytes)?)];
    for (name, variable) in [("SlimPajama", "MIXLAW_SLIMPAJAMA"), ("RedPajama", "MIXLAW_REDPAJAMA")]
    {
        match std::env::var_os(variable) {
            Some(path) => sweeps.push((name, Sweep::read_csv(path)?)),
            None => println!("without {name}: {variable} does not name its file"),
        }
    }
    let (mut measured, mut new) = (Vec::new(), Vec::new());
    for (name, sweep) in sweeps {
        let sweep = sweep.select(|row| row.split == "train" || row.split == "eval")?;
        let rows = Rows::new(name, sweep);
        let (sizes, eval) = (rows.sizes("train"), rows.sizes("eval"));
        let tops = if is_final { sizes.len() - 1..sizes.len() } else { 1..sizes.len() - 1 };
        for top in tops {
            let ats = if is_final { &eval } else { &sizes[top + 1..] };
            measured.extend(steps(&rows, sizes[top], ats, None)?);
            for part in (0..PARTS).filter(|_| !is_final) {
                new.push(steps(&rows, sizes[top], ats, Some(part))?);
            }
        }
    }
    println!("\n## Mixtures that were measured at the largest fitted size");
    print(&measured, &MEASURED);
    if !is_final {
        println!("\n## Mixtures that were not");
        print(&pooled(new), &NEW);
    }
    Ok(())
}

/// The steps of all parts of one largest fitted size together.
fn pooled(parts: Vec<Vec<Step>>) -> Vec<Step> {
    let mut all: Vec<Step> = Vec::new();
    for step in parts.into_iter().flatten() {
        match all.iter_mut().find(|other| other.name == step.name) {
            Some(other) => other.found.extend(step.found),
            None => all.push(step),
        }
    }
    all
}
