use super::interval::quantile;
use super::run_noise::BetweenRuns;
use super::scale_errors::ScaleErrors;
use crate::error::{Error, ErrorKind};
use crate::optim::Termination;
use crate::streams::{self, Kind};
use crate::sweep::Noise;

/// So many quantiles stand for the residuals.
const RESIDUALS: usize = 101;

/// The resampled fits of a [`Predictor`](super::Predictor): its laws at other coordinates, one set for
/// each resample of the runs.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Members {
    /// For each member the coordinates of each law.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
    pub(super) coordinates: Vec<Vec<Vec<f64>>>,
    /// Quantiles of `observed / predicted - 1` at rows that a resample did not draw.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
    pub(super) residuals: Vec<f64>,
    pub(super) draws: Draws,
    pub(super) termination: Termination,
    /// Files of earlier crates have none.
    #[cfg_attr(feature = "serde", serde(default))]
    pub(super) noise: Option<RunNoise>,
    #[cfg_attr(feature = "serde", serde(default))]
    pub(super) between_runs: BetweenRuns,
    /// How it errs at larger scales, where that was measured.
    #[cfg_attr(feature = "serde", serde(default))]
    pub(super) scale_errors: Option<ScaleErrors>,
}

/// How the loss of a run differs from a member's where the noise was declared.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct RunNoise {
    /// With the domains in the order of the predictor.
    pub(super) noise: Noise,
    /// The standard deviation of what the noise does not explain, relative to the loss.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
    pub(super) misfit: f64,
    /// Quantiles of the relative residuals, each divided by its deviation.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
    pub(super) standardized: Vec<f64>,
}

/// A relative residual of a row that a resample did not draw.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Residual {
    pub(crate) relative: f64,
    /// The declared noise, relative to the prediction.
    pub(crate) noise: f64,
    /// The weight of the row.
    pub(crate) weight: f64,
}

impl RunNoise {
    /// The misfit is such that the squares of the standardized residuals are 1 on average (Paule and
    /// Mandel, 1982).
    ///
    /// # Errors
    /// If there are no residuals.
    pub(crate) fn new(noise: Noise, residuals: &[Residual]) -> Result<Self, Error> {
        let total: f64 = residuals.iter().map(|r| r.weight).sum();
        let mean = |variance: f64| {
            let square = |r: &Residual| {
                r.weight / total * r.relative * r.relative / (variance + r.noise * r.noise)
            };
            residuals.iter().map(square).sum::<f64>()
        };
        // Above the largest square the mean is below 1.
        let largest = residuals.iter().fold(0.0, |most: f64, r| most.max(r.relative.abs()));
        let (mut low, mut high) = (0.0, largest * largest);
        if mean(0.0) <= 1.0 {
            high = 0.0;
        }
        for _ in 0..200 {
            let middle = 0.5 * (low + high);
            if mean(middle) > 1.0 { low = middle } else { high = middle }
        }
        let standardized = |r: &Residual| (r.relative / high.sqrt().hypot(r.noise), r.weight);
        let standardized = residual_quantiles(residuals.iter().map(standardized).collect())?;
        Ok(Self { noise, misfit: high.sqrt(), standardized })
    }

    /// Losses of a run of domain weights h, in the order of the predictor, where the law's are `values`.
    pub(super) fn around(&self, values: &[f64], h: &[f64]) -> Vec<f64> {
        let deviation = self.noise.deviation(h);
        let noise = |u: &f64| (*u, deviation * self.noise.widening(h, *u));
        let noise: Vec<(f64, f64)> = self.standardized.iter().map(noise).collect();
        let around = |loss: &f64| {
            let (loss, misfit) = (*loss, self.misfit * loss);
            noise.iter().map(move |(u, noise)| loss + u * misfit.hypot(*noise))
        };
        values.iter().flat_map(around).collect()
    }
}

impl Members {
    pub(crate) fn new(
        coordinates: Vec<Vec<Vec<f64>>>,
        residuals: Vec<f64>,
        draws: Draws,
        termination: Termination,
        between_runs: BetweenRuns,
    ) -> Self {
        let (noise, scale_errors) = (None, None);
        Self { coordinates, residuals, draws, termination, noise, between_runs, scale_errors }
    }

    /// The same with a noise of runs that was declared.
    pub(crate) fn with_noise(self, noise: Option<RunNoise>) -> Self {
        Self { noise, ..self }
    }

    /// The noise of runs, if it was [declared](crate::uncertainty::Bootstrap::noise).
    #[must_use]
    pub fn noise(&self) -> Option<&Noise> {
        self.noise.as_ref().map(|noise| &noise.noise)
    }

    /// How the predictor errs at larger scales, if that was [measured](super::Predictor::with_scale_errors).
    #[must_use]
    pub fn scale_errors(&self) -> Option<&ScaleErrors> {
        self.scale_errors.as_ref()
    }

    /// How runs differ from what is predicted, beside what all runs of one N and D share.
    pub(crate) fn between_runs(&self) -> &BetweenRuns {
        &self.between_runs
    }

    /// How many there are.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "there are always some")]
    pub fn len(&self) -> usize {
        self.coordinates.len()
    }

    /// [`Termination::Stopped`] if an observer stopped their making early, otherwise
    /// [`Termination::Complete`].
    #[must_use]
    pub fn termination(&self) -> Termination {
        self.termination
    }

    /// Whether both are of the same draws of the same runs, so that the members of two targets belong
    /// together: made with one seed and number from one sweep, whichever losses of it each target has.
    #[must_use]
    pub fn is_aligned_with(&self, other: &Members) -> bool {
        self.draws == other.draws && self.len() == other.len()
    }

    /// Quantiles of the relative residuals.
    pub(crate) fn residuals(&self) -> &[f64] {
        &self.residuals
    }

    /// The variance of the relative residuals, by their interquartile range, which a few odd runs do
    /// not move.
    pub(crate) fn residual_variance(&self) -> f64 {
        let range = quantile(&self.residuals, 0.75) - quantile(&self.residuals, 0.25);
        // That of a normal distribution is 1.349 standard deviations.
        (range / 1.349).powi(2)
    }
}

/// So many resamples are balanced together: what follows from them in the mean, and is about linear in the
/// draws, has hardly any noise of the drawing.
pub(crate) const BLOCK: usize = 100;

/// What was drawn: equal draws are of the same runs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Draws {
    seed: u64,
    pub(crate) units: usize,
    /// The unit of each row; `None` where no row of the unit has a weight.
    unit_of: Vec<Option<usize>>,
}

impl Draws {
    /// From the units of which a row has a weight, in their order.
    pub(crate) fn new(seed: u64, unit_of: Vec<usize>, weights: &[f64]) -> Self {
        let mut numbers = vec![None; unit_of.len()];
        let mut units = 0;
        for (unit, _) in unit_of.iter().zip(weights).filter(|(_, weight)| **weight > 0.0) {
            if numbers[*unit].is_none() {
                numbers[*unit] = Some(units);
                units += 1;
            }
        }
        Self { seed, units, unit_of: unit_of.into_iter().map(|unit| numbers[unit]).collect() }
    }

    /// Checks what was read: units that are all there.
    #[cfg(feature = "serde")]
    pub(super) fn check(&self) -> Result<(), Error> {
        let units = (0..self.units).all(|unit| self.unit_of.contains(&Some(unit)));
        if units && self.unit_of.iter().flatten().all(|unit| *unit < self.units) {
            return Ok(());
        }
        let (what, expected) = ("the units of the rows are".to_owned(), "0, 1, .. in use each");
        let (found, expected) = (format!("not all below {}", self.units), expected.to_owned());
        Err(ErrorKind::Stored { what, found, expected }.into())
    }

    /// How often each row is drawn by a resample. A block of resamples draws every unit equally often.
    pub(crate) fn counts(&self, resample: usize) -> Vec<f64> {
        let (block, place) = (resample / BLOCK, resample % BLOCK);
        let mut drawn: Vec<usize> = (0..BLOCK * self.units).map(|i| i % self.units).collect();
        streams::stream(self.seed, Kind::Resample, block as u64).shuffle(&mut drawn);
        let mut counts = vec![0.0; self.units];
        drawn[place * self.units..][..self.units].iter().for_each(|&unit| counts[unit] += 1.0);
        self.unit_of.iter().map(|unit| unit.map_or(0.0, |unit| counts[unit])).collect()
    }
}

/// Quantiles of relative residuals, each with the weight of its row.
///
/// # Errors
/// If there are none.
pub(crate) fn residual_quantiles(mut residuals: Vec<(f64, f64)>) -> Result<Vec<f64>, Error> {
    residuals.sort_by(|a, b| a.0.total_cmp(&b.0));
    let total: f64 = residuals.iter().map(|r| r.1).sum();
    let (mut quantiles, mut below) = (Vec::with_capacity(RESIDUALS), 0.0);
    for (residual, weight) in residuals {
        below += weight / total;
        while quantiles.len() < RESIDUALS
            && (quantiles.len() as f64 + 0.5) / RESIDUALS as f64 <= below
        {
            quantiles.push(residual);
        }
    }
    if quantiles.is_empty() {
        let what = "the noise of a run";
        return Err(
            ErrorKind::Empty { what, part: "row that a resample leaves out and predicts" }.into()
        );
    }
    Ok(quantiles)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_of_resamples_draws_every_unit_equally_often() {
        let draws = Draws::new(42, (0..30).collect(), &[1.0; 30]);
        let all: Vec<Vec<f64>> = (0..10 * BLOCK).map(|resample| draws.counts(resample)).collect();
        assert!(all.iter().all(|counts| counts.iter().sum::<f64>() == 30.0));
        for block in all.chunks(BLOCK) {
            let of = |unit: usize| block.iter().map(|counts| counts[unit]).sum::<f64>();
            assert!((0..30).all(|unit| of(unit) == BLOCK as f64));
        }
        // The variance of a count of 30 draws without replacement from 100 of each of 30.
        let expected = (1.0 - 1.0 / 30.0) * (3000.0 - 30.0) / (3000.0 - 1.0);
        let squares: f64 = all.iter().flatten().map(|count| (count - 1.0).powi(2)).sum();
        let variance = squares / (all.len() * 30) as f64;
        assert!((variance / expected - 1.0).abs() < 0.05, "{variance} {expected}");
    }

    #[test]
    fn one_residual_is_enough_for_the_quantiles_and_none_is_not() {
        assert_eq!(residual_quantiles(vec![(0.25, 2.0)]).unwrap(), vec![0.25; RESIDUALS]);
        let error = residual_quantiles(Vec::new()).unwrap_err().to_string();
        assert!(error.starts_with("the noise of a run needs at least one row"), "{error}");
    }
}
