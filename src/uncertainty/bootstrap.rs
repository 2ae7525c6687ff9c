use std::ops::ControlFlow;

use crate::error::{Error, ErrorKind};
use crate::fit::Refit;
use crate::optim::{Control, Observer, Progress, Termination};
use crate::predictor::{
    BLOCK, BetweenRuns, Draws, FittedRow, Members, Part, Predictor, Residual, RunNoise,
    residual_quantiles,
};
use crate::random::Random;
use crate::streams::{self, Kind};
use crate::sweep::{Noise, Sweep};

/// What a bootstrap draws: all checkpoints of a unit move together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Unit {
    /// Runs, the checkpoints of which share their seed noise.
    #[default]
    Run,
    /// Mixtures: all runs of a mixture together. For sweeps in which runs of one mixture have more in
    /// common than a seed, such as the misfit of the law there.
    Mixture,
}

/// Fits laws again and again to runs drawn with replacement: how the fits would have come out with other
/// runs of the same kind.
///
/// A draw is a weight for each row: how often its run was drawn, equally often in every 100 resamples (a
/// balanced bootstrap: Davison, Hinkley and Schechtman, 1986), so that the mean over them depends little on
/// the seed. Where a fit has a [prior](crate::Fitter::prior), each resample also moves what is believed by a
/// draw of its own deviation, which stands for what no run determines. Runs whose rows all have a
/// [weight](crate::Fitter::row_weights) of 0 are not drawn. Every fit starts from the fit to all rows, so
/// that it stays in the same valley. With the feature `rayon` the fits share the threads of
/// the current pool, with the same result, bit for bit, on any number of them.
///
/// Where [losses are missing](crate::sweep::SweepBuilder::missing_losses), runs are drawn from the whole
/// sweep, also those without a loss of the target: members of different targets are then of the same
/// runs, whatever each lacks, and [belong together](crate::predictor::Members::is_aligned_with). A
/// resample draws runs with the loss u times on average, where u runs have it. A share of about
/// `exp(-u)` of all resamples draws none; if one of those asked for does, that is an error. Intervals
/// are about as wide, and hold as often, as by draws of the u runs alone. With fewer runs than the law
/// has coefficients they hold far less often than they say, by either way of drawing and with nothing
/// missing too: [`Identifiability::warnings`](super::Identifiability::warnings) counts the target's runs.
///
/// It is the pairs bootstrap of clusters (Cameron, Gelbach and Miller, 2008), with percentile intervals
/// (Efron and Tibshirani, 1993, ch. 13). `cargo bench --bench coverage` measures how often they hold.
///
/// See the [module](crate::uncertainty) for an example.
#[derive(Debug, Clone, PartialEq)]
pub struct Bootstrap {
    resamples: usize,
    seed: u64,
    unit: Unit,
    noise: Option<Noise>,
    observer: Option<Observer>,
}

/// So few resamples say nothing of the tails.
const FEWEST: usize = 20;
/// So many say nothing more.
const MOST: usize = 1_000_000;

/// One resample: the coordinates of each fit, and predictions of the rows that were not drawn.
type Member = (Vec<Vec<f64>>, Vec<(usize, f64)>);

impl Bootstrap {
    /// This many resamples of runs, with seed 0. 200 are enough for a look, 1,000 for a 95% interval.
    #[must_use]
    pub fn new(resamples: usize) -> Self {
        Self { resamples, seed: 0, unit: Unit::Run, noise: None, observer: None }
    }

    /// The seed. The same seed draws the same runs for every target of a sweep, which is what makes
    /// [`Plan::certainty`](crate::plan::Plan::certainty) possible.
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// What is drawn.
    #[must_use]
    pub fn unit(self, unit: Unit) -> Self {
        Self { unit, ..self }
    }

    /// The noise of runs that was measured by [repeats](Sweep::noise):
    /// [`Predictor::prediction_interval`] then takes that of the mixture it is asked for, in place of the
    /// residuals of all mixtures together. No member changes.
    ///
    /// ```
    /// use mixlaw::law::AdditiveLaw;
    /// use mixlaw::uncertainty::Bootstrap;
    /// use mixlaw::{Fitter, Scale, Sweep};
    /// # let (mut n, mut d, mut h, mut loss, mut names) = (vec![], vec![], vec![], vec![], vec![]);
    /// # for (i, web) in [0.2f64, 0.2, 0.2, 0.2, 0.5, 0.5, 0.5, 0.5, 0.7, 0.9].into_iter().enumerate() {
    /// #     for (size, tokens) in [(1e8, 2e9), (1e8, 8e9), (4e8, 2e9), (4e8, 8e9)] {
    /// #         n.push(size);
    /// #         d.push(tokens);
    /// #         h.extend([web, 1.0 - web]);
    /// #         names.push(format!("{size}-{i}"));
    /// #         let noise = if web < 0.4 { 0.04 } else { 0.001 };
    /// #         loss.push(3.0 - web + 400.0 / f64::powf(size, 0.34) + noise * (7.7 * i as f64).sin());
    /// #     }
    /// # }
    /// # let builder = Sweep::builder(&["web", "code"], &["web"]).runs(&names);
    /// # let sweep = builder.build(&n, &d, &h, &loss)?;
    ///
    /// // Runs with 0.2 of web are noisy, those with 0.5 are not.
    /// let noise = sweep.noise("web")?;
    /// let fit = Fitter::new().fit(AdditiveLaw::for_sweep(&sweep), &sweep, "web")?;
    /// let predictor = Bootstrap::new(50).noise(noise).run(&fit, &sweep)?;
    /// let width = |h: [f64; 2]| -> Result<f64, mixlaw::Error> {
    ///     let interval = predictor.prediction_interval(Scale { n: 4e8, d: 8e9 }, h, 0.9)?;
    ///     Ok(interval.upper - interval.lower)
    /// };
    /// assert!(width([0.2, 0.8])? > 1.5 * width([0.5, 0.5])?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn noise(self, noise: Noise) -> Self {
        Self { noise: Some(noise), ..self }
    }

    /// Calls `observer` with the [`Progress`] of every run of these settings, which it can stop: within an
    /// iteration of a fit, with the resamples that are done. These are the first of those of an
    /// unobserved call with the same seed, bit for bit.
    #[must_use]
    pub fn observe(
        self,
        observer: impl FnMut(&Progress) -> ControlFlow<()> + Send + 'static,
    ) -> Self {
        Self { observer: Some(Observer::new(observer)), ..self }
    }

    /// The same with the observer of some settings, if they have one.
    pub(crate) fn observed_by(self, observer: Option<&Observer>) -> Self {
        Self { observer: observer.cloned(), ..self }
    }

    /// Resamples a fit, or a mean of them, on the sweep that it was made from: the same predictor with
    /// [members](Predictor::members).
    ///
    /// # Errors
    /// [`Error`] if the predictor is not made of fits, the sweep is not the one that they were made
    /// from, fewer than two runs (or mixtures) have a weight in the fits, these weigh different ones,
    /// the resamples asked for are not from 20 to 1,000,000, an observer stops it before one is made,
    /// one of these draws no run with a loss of the target ([`ErrorKind::Undrawn`]), or no row is left
    /// out by a resample that predicts it: then nothing is known of the noise of a
    /// run. More resamples leave more out. [`ErrorKind::Mismatch`] if the [noise](Bootstrap::noise) is of
    /// another target or of other domains.
    pub fn run(&self, fit: impl Into<Predictor>, sweep: &Sweep) -> Result<Predictor, Error> {
        let predictor = fit.into();
        if !(FEWEST..=MOST).contains(&self.resamples) {
            let (name, expected) = ("the number of resamples", "from 20 to 1,000,000");
            return Err(Error::setting(name, self.resamples as f64, expected));
        }
        let noise = self
            .noise
            .as_ref()
            .map(|noise| noise.of_target(predictor.target())?.for_domains(predictor.domains()));
        let noise = noise.transpose()?;
        let refits = refits(&predictor, sweep)?;
        let rows = Rows::new(&predictor, &refits, sweep)?;
        let draws = self.draws(predictor.target(), &refits, sweep)?;
        // Runs are drawn together for all targets, but what is believed of each is its own.
        let beliefs = streams::seed_of_name(self.seed, predictor.target());
        let mut control = Control::default().observed_by(self.observer.as_ref());
        control.expect("resamples", Some(self.resamples));
        let call = control.clone();
        let member = |resample: usize| -> Option<Member> {
            let counts = draws.counts(resample);
            let mut normal = balanced_normals(beliefs, resample);
            let solve = |refit: &Refit<'_>| refit.solve(&counts, &mut normal, &call);
            let z: Vec<Vec<f64>> = refits.iter().map(solve).collect::<Option<_>>()?;
            let left_out = (0..counts.len()).filter(|&i| counts[i] == 0.0 && rows.weights[i] > 0.0);
            let predictions = left_out.map(|i| (i, rows.predict(&z, i))).collect();
            Some((z, predictions))
        };
        let mut members = Vec::new();
        let mut sums = vec![(0.0, 0usize); sweep.len()];
        for (z, predictions) in control.map(self.resamples, member) {
            members.push(z);
            for (i, prediction) in predictions {
                sums[i] = (sums[i].0 + prediction, sums[i].1 + 1);
            }
        }
        control.complete();
        if members.is_empty() {
            return Err(ErrorKind::Stopped.into());
        }
        let termination = Termination::of_many(members.len() == self.resamples);
        let residuals = residual_quantiles(rows.residuals(&sums))?;
        let noise = noise.map(|noise| {
            let residuals = rows.standardizable(&sums, &noise);
            RunNoise::new(noise, &residuals)
        });
        let between = rows.between_runs()?;
        let members = Members::new(members, residuals, draws, termination, between);
        let members = members.with_noise(noise.transpose()?);
        drop((rows, refits));
        Ok(predictor.with_members(members))
    }

    /// What is drawn: the runs or mixtures that have a weight, the same in all fits. Those that lack
    /// the loss of the target are drawn too, so that resamples are of the same runs for every target.
    fn draws(&self, target: &str, refits: &[Refit<'_>], sweep: &Sweep) -> Result<Draws, Error> {
        let (unit_of, unit, name) = match self.unit {
            Unit::Run => (sweep.run_numbers(), "runs", "the number of runs to draw from"),
            Unit::Mixture => {
                (sweep.mixture_numbers(), "mixtures", "the number of mixtures to draw from")
            }
        };
        let by = |weights: &[f64]| Draws::new(self.seed, unit_of.clone(), weights);
        let of = |refit: &Refit<'_>| by(&refit.weights_of_draws(sweep));
        let draws = of(&refits[0]);
        let weights: Vec<Vec<f64>> =
            refits.iter().map(|refit| refit.row_weights(sweep.len())).collect();
        let measured = weights.iter().map(|weights| by(weights).units).min();
        let (units, measured) = (draws.units, measured.expect("a predictor has parts"));
        if measured < 2 {
            let expected = "at least 2 with a weight in the fit";
            return Err(Error::setting(name, measured as f64, expected));
        }
        let is_empty = |resample: &usize| {
            let counts = draws.counts(*resample);
            let is_left_out = |weights: &Vec<f64>| {
                counts.iter().zip(weights).all(|(count, weight)| count * weight == 0.0)
            };
            weights.iter().any(is_left_out)
        };
        // A resample without a row says nothing of the target. To draw another one in its place would
        // be for this target alone, and to leave it out would hide how little is known.
        let resamples = if measured < units { self.resamples } else { 0 };
        if let Some(resample) = (0..resamples).find(is_empty) {
            let target = target.to_owned();
            let undrawn = ErrorKind::Undrawn { target, unit, units, measured, resample };
            return Err(undrawn.into());
        }
        // A draw that leaves a fit without a row would leave it as it is.
        match refits.iter().find(|refit| of(refit) != draws) {
            None => Ok(draws),
            Some(other) => Err(ErrorKind::Mismatch {
                what: "the runs with weight in the fits of a mean",
                first: vec![format!("those of {}", refits[0].fit().law().name())],
                other: vec![format!("those of {}", other.fit().law().name())],
            }
            .into()),
        }
    }
}

/// The standard normal draws of a resample, which are zero in the mean over each block of resamples.
fn balanced_normals(seed: u64, resample: usize) -> impl FnMut() -> f64 {
    let (block, place) = (resample / BLOCK * BLOCK, resample % BLOCK);
    let stream = |i| streams::stream(seed, Kind::Belief, (block + i) as u64);
    let mut streams: Vec<Random> = (0..BLOCK).map(stream).collect();
    let scale = (BLOCK as f64 / (BLOCK - 1) as f64).sqrt();
    move || {
        let drawn: Vec<f64> = streams.iter_mut().map(Random::normal).collect();
        scale * (drawn[place] - drawn.iter().sum::<f64>() / BLOCK as f64)
    }
}

/// What it takes to fit each part again.
fn refits<'a>(predictor: &'a Predictor, sweep: &Sweep) -> Result<Vec<Refit<'a>>, Error> {
    let one = |part: &'a Part| match part {
        Part::Fit(fit) => Ok(Refit::new(fit, sweep)?),
        Part::Law { law, .. } => Err(ErrorKind::Composition {
            part: format!("the {} law", law.name()),
            problem: "was not fitted, expected a fit to resample".to_owned(),
        }
        .into()),
    };
    predictor.parts().iter().map(one).collect()
}

/// The weight of each row in a mean of fits, whose weights add up to 1 each and may be of different
/// settings: a residual of the mean counts as the row does on average.
fn mean_weights(refits: &[Refit<'_>], rows: usize) -> Vec<f64> {
    let mut mean = vec![0.0; rows];
    for refit in refits {
        let own = refit.row_weights(rows);
        mean.iter_mut().zip(own).for_each(|(mean, own)| *mean += own / refits.len() as f64);
    }
    mean
}

/// The rows of a sweep as a predictor sees them.
struct Rows<'a> {
    predictor: &'a Predictor,
    sweep: &'a Sweep,
    /// NaN where one is missing, which is a row without weight.
    losses: Vec<f64>,
    /// The domain weights in the order of the laws.
    h: Vec<f64>,
    /// The mean over the fits.
    weights: Vec<f64>,
}

impl<'a> Rows<'a> {
    fn new(
        predictor: &'a Predictor,
        refits: &[Refit<'_>],
        sweep: &'a Sweep,
    ) -> Result<Self, Error> {
        Ok(Self {
            predictor,
            sweep,
            losses: sweep.losses_or_nan(predictor.target())?,
            h: crate::fit::aligned(predictor.parts()[0].law(), sweep)?,
            weights: mean_weights(refits, sweep.len()),
        })
    }

    fn predict(&self, z: &[Vec<f64>], i: usize) -> f64 {
        let k = self.predictor.domains().len();
        self.predictor.loss_of(z, self.sweep.row(i).scale(), &self.h[i * k..(i + 1) * k])
    }

    /// The relative residual against the mean of the resamples that left a row out, where it is known,
    /// with the weight of the row in the mean of the fits: the noise of a run and the misfit of the laws, at
    /// rows that the fits have not seen.
    fn residuals(&self, sums: &[(f64, usize)]) -> Vec<(f64, f64)> {
        let with_weight = |(i, relative): (usize, f64)| (relative, self.weights[i]);
        self.relative_residuals(sums).map(with_weight).collect()
    }

    /// The residuals of the rows that have a weight against the predictor itself.
    fn between_runs(&self) -> Result<BetweenRuns, Error> {
        let k = self.predictor.domains().len();
        let of_row = |row: usize| -> Result<Option<FittedRow>, Error> {
            if self.weights[row] == 0.0 || self.losses[row].is_nan() {
                return Ok(None);
            }
            let at = self.sweep.row(row).scale();
            let predicted = self.predictor.predict(at, &self.h[row * k..(row + 1) * k])?;
            let relative = self.losses[row] / predicted - 1.0;
            Ok(Some(FittedRow { row, n: at.n, d: at.d, relative }).filter(|_| relative.is_finite()))
        };
        let rows = (0..self.sweep.len()).map(of_row).collect::<Result<Vec<_>, Error>>()?;
        Ok(BetweenRuns::new(&rows.into_iter().flatten().collect::<Vec<_>>()))
    }

    /// The same with the declared noise at their mixtures.
    fn standardizable(&self, sums: &[(f64, usize)], noise: &Noise) -> Vec<Residual> {
        let k = self.predictor.domains().len();
        let with_noise = |(i, relative): (usize, f64)| {
            let predicted = self.losses[i] / (1.0 + relative);
            let noise = noise.deviation(&self.h[i * k..(i + 1) * k]) / predicted;
            Residual { relative, noise, weight: self.weights[i] }
        };
        self.relative_residuals(sums).map(with_noise).collect()
    }

    fn relative_residuals(&self, sums: &[(f64, usize)]) -> impl Iterator<Item = (usize, f64)> {
        let residual = |(i, &(sum, count)): (usize, &(f64, usize))| {
            let relative = self.losses[i] * count as f64 / sum - 1.0;
            let known = count > 0 && sum.is_finite() && relative.is_finite();
            known.then_some((i, relative))
        };
        sums.iter().enumerate().filter_map(residual)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Fitter;
    use crate::law::AdditiveLaw;

    /// Twelve runs with two checkpoints each.
    fn sweep() -> Sweep {
        let (mut n, mut d, mut h, mut losses) = (vec![], vec![], vec![], vec![]);
        for i in 0..12 {
            for tokens in [2e9f64, 8e9] {
                let (size, web): (f64, f64) = ([1e8, 4e8][i % 2], 0.076 * (i + 1) as f64);
                n.push(size);
                d.push(tokens);
                h.extend([web, 1.0 - web]);
                let noise = 1.0 + 0.003 * (i as f64 * 2.7).sin();
                let learned = 1.0 / (2.0 * web.powf(0.5) + (1.0 - web).powf(0.8));
                let rest = 400.0 / size.powf(0.34) + 400.0 / tokens.powf(0.28);
                losses.push(noise * (1.0 + learned + rest));
            }
        }
        Sweep::new(&["web", "code"], &["t"], &n, &d, &h, &losses).unwrap()
    }

    #[test]
    fn residuals_are_of_rows_that_are_left_out_and_predicted() {
        let sweep = sweep();
        let fit = Fitter::new().starts(2).fit(AdditiveLaw::for_sweep(&sweep), &sweep, "t").unwrap();
        let predictor = Predictor::from(fit);
        let refits = refits(&predictor, &sweep).unwrap();
        let rows = Rows::new(&predictor, &refits, &sweep).unwrap();
        for none in [(0.0, 0), (f64::INFINITY, 3), (f64::NAN, 3), (0.0, 3)] {
            assert!(rows.residuals(&vec![none; sweep.len()]).is_empty());
        }
        let mut sums = vec![(f64::INFINITY, 3); sweep.len()];
        sums[5] = (3.0 * rows.losses[5], 3);
        assert_eq!(rows.residuals(&sums), [(0.0, 1.0 / 24.0)]);
    }

    #[test]
    fn a_residual_of_a_mean_counts_as_its_row_does_on_average() {
        let sweep = sweep();
        let law = AdditiveLaw::for_sweep(&sweep);
        let fit = |power| {
            let fitter = Fitter::new().starts(2).weigh_by_compute(power);
            fitter.fit(law.clone(), &sweep, "t").unwrap()
        };
        let both = Predictor::mean([fit(0.0), fit(1.0)]).unwrap();
        let refits = refits(&both, &sweep).unwrap();
        let rows = Rows::new(&both, &refits, &sweep).unwrap();
        let sums: Vec<(f64, usize)> = rows.losses.iter().map(|loss| (*loss, 1)).collect();
        // Six runs each of 1e8 and 4e8 with 2e9 and 8e9 tokens: N D adds up to 30e18.
        let expected = |row: crate::sweep::Row<'_>| 0.5 / 24.0 + 0.5 * row.n * row.d / 30e18;
        for ((_, weight), row) in rows.residuals(&sums).into_iter().zip(sweep.rows()) {
            assert!((weight - expected(row)).abs() < 1e-15, "{weight} {}", expected(row));
        }
    }

    #[test]
    fn a_member_is_the_fit_to_rows_that_count_as_often_as_their_run_was_drawn() {
        let sweep = sweep();
        let law = AdditiveLaw::for_sweep(&sweep);
        let fit = Fitter::new().fit(law.clone(), &sweep, "t").unwrap();
        let resamples = Bootstrap::new(20).seed(0).run(fit, &sweep).unwrap();
        let draws = Draws::new(0, sweep.run_numbers(), &[1.0; 24]);
        let mut within = 0;
        for b in 0..20 {
            let counts = draws.counts(b);
            assert_eq!(counts.iter().sum::<f64>(), 24.0);
            assert!(counts.chunks(2).all(|run| run[0] == run[1]));
            let fitter = Fitter::new().row_weights(counts.clone());
            let best = fitter.fit(law.clone(), &sweep, "t").unwrap().objective();
            let member = resamples.member(b).unwrap();
            let huber = |r: f64| if r.abs() < 1e-3 { 0.5 * r * r } else { 1e-3 * (r.abs() - 5e-4) };
            let rows = sweep.rows().zip(&counts);
            let own =
                rows.map(|(r, c)| c * huber(r.losses[0] - member.predict(r.scale(), r.h).unwrap()));
            let own = own.sum::<f64>() / 24.0;
            within += usize::from(own <= 1.02 * best);
        }
        // A few settle in another valley than the best of 24 starts.
        assert!(within >= 17, "{within} of 20 within 2% of the best");
    }

    #[test]
    fn members_of_a_target_that_lacks_losses_are_of_draws_of_all_runs() {
        let complete = sweep();
        let losses = complete.losses();
        // The sixth run has no loss of the second target, and three others lack a checkpoint.
        let lacks = |i: usize| i % 7 == 3 || i / 2 == 5;
        let both = (0..24).flat_map(|i| {
            let loss = losses[[i, 0]];
            [loss, if lacks(i) { f64::NAN } else { 1.1 * loss }]
        });
        let both: Vec<f64> = both.collect();
        let h: Vec<f64> = complete.mixtures().iter().copied().collect();
        let builder = Sweep::builder(&["web", "code"], &["t", "u"]).missing_losses();
        let sweep = builder.build(complete.n(), complete.d(), &h, &both).unwrap();
        let law = AdditiveLaw::for_sweep(&sweep);
        let fit = Fitter::new().starts(2).fit(law, &sweep, "u").unwrap();
        let resamples = Bootstrap::new(20).seed(3).run(&fit, &sweep).unwrap();
        let draws = Draws::new(3, sweep.run_numbers(), &[1.0; 24]);
        assert_eq!(draws.units, 12);
        let own = sweep.with_losses_of("u").unwrap();
        let refit = Refit::new(&fit, &own).unwrap();
        for b in 0..20 {
            let counts = draws.counts(b);
            let counts: Vec<f64> = (0..24).filter(|&i| !lacks(i)).map(|i| counts[i]).collect();
            let z = refit.solve(&counts, &mut || 0.0, &Control::default()).unwrap();
            let member = resamples.member(b).unwrap();
            assert_eq!(member.laws().next().unwrap().1, z);
        }
    }
}
