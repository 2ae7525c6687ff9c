//! The baseline: the measured loss of the same mixture, scaled by a law that is blind to mixtures.

use super::LargestScale;
use crate::error::Error;
use crate::predictor::Predictor;
use crate::scale::Scale;
use crate::sweep::Sweep;

/// The name of the baseline in tables.
pub(super) const NAME: &str = "baseline";

/// The held-out rows whose mixture was measured at the largest scale that was fitted.
pub(super) struct Anchored {
    /// Which rows of those held out.
    pub(super) rows: Vec<usize>,
    /// These rows.
    pub(super) sweep: Sweep,
    /// For each the scale and the mean loss at which the mixture was measured.
    from: Vec<(Scale, f64)>,
}

impl Anchored {
    /// Of rows of a sweep, the fitted and the held-out ones by their numbers; `None` if there are none.
    pub(super) fn new(
        sweep: &Sweep,
        losses: &[f64],
        largest: LargestScale,
        fitted: &[usize],
        held_out: &[usize],
    ) -> Option<Self> {
        let mixtures = sweep.mixture_numbers();
        let below = fitted.iter().map(|&i| sweep.n()[i]).fold(0.0, f64::max);
        let of_row = |&i: &usize| {
            let n = match largest {
                LargestScale::Size(_) => below,
                LargestScale::Tokens(_) => sweep.n()[i],
            };
            let same = |j: &&usize| mixtures[**j] == mixtures[i] && sweep.n()[**j] == n;
            nearest(sweep, losses, fitted.iter().filter(same).copied(), sweep.d()[i])
        };
        let found: Vec<(usize, (Scale, f64))> = held_out
            .iter()
            .enumerate()
            .filter_map(|(place, row)| Some((place, of_row(row)?)))
            .collect();
        let (rows, from): (Vec<usize>, Vec<_>) = found.into_iter().unzip();
        let own: Vec<usize> = rows.iter().map(|&place| held_out[place]).collect();
        (!own.is_empty()).then(|| Self { rows, sweep: sweep.take(&own), from })
    }

    /// The losses there times the ratio of a law that is blind to the mixture.
    pub(super) fn predict(&self, blind: &Predictor) -> Result<Vec<f64>, Error> {
        let one = |(row, &(from, loss)): (crate::sweep::Row<'_>, &(Scale, f64))| {
            let at = |scale| blind.predict(scale, row.h);
            Ok(loss * at(row.scale())? / at(from)?)
        };
        self.sweep.rows().zip(&self.from).map(one).collect()
    }
}

/// The scale and the mean loss of the rows whose D is nearest to `d`; of two that are as near, the larger.
fn nearest(
    sweep: &Sweep,
    losses: &[f64],
    rows: impl Iterator<Item = usize> + Clone,
    d: f64,
) -> Option<(Scale, f64)> {
    let distance = |i: usize| (sweep.d()[i] / d).ln().abs();
    let first = rows.clone().min_by(|&a, &b| {
        distance(a).total_cmp(&distance(b)).then(sweep.d()[b].total_cmp(&sweep.d()[a]))
    })?;
    let at = sweep.row(first).scale();
    let (sum, count) = rows
        .filter(|&i| sweep.d()[i] == at.d)
        .fold((0.0, 0), |(sum, count), i| (sum + losses[i], count + 1));
    Some((at, sum / f64::from(count)))
}
