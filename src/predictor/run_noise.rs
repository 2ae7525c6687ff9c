use std::fmt;

use super::interval::quantile;
use super::{Interval, interval};
use crate::sweep::group;

/// By how much a run with one mixture is better than one with another at the same N and D.
///
/// It prints as `0.0903 [0.0751, 0.1065] nats, with probability 0.98`.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Difference {
    /// The loss, or the goal's value, of the other less that of the first, in nats.
    pub nats: Interval,
    /// The probability that the first is the lower one.
    #[cfg_attr(feature = "serde", serde(with = "super::stored::probability"))]
    pub probability: f64,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.4} nats, with probability {:.2}", self.nats, self.probability)
    }
}

/// So few rows at one N and D say nothing of how they differ.
const FEWEST: usize = 3;
/// So many quantiles stand for a difference of two runs.
const QUANTILES: usize = 201;

/// Relative residuals of runs at the largest size that was fitted, without what the runs of one N and D share:
/// what makes a run other than the law says, beside an error that is the same for all mixtures.
#[derive(Debug, Clone, PartialEq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct BetweenRuns {
    /// Each with the number of its row in the sweep, in ascending order.
    pub(super) residuals: Vec<(usize, f64)>,
}

/// A row of the sweep that was fitted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FittedRow {
    pub(crate) row: usize,
    pub(crate) n: f64,
    pub(crate) d: f64,
    pub(crate) relative: f64,
}

impl BetweenRuns {
    /// From relative residuals of rows with weight. Where hardly any runs of the largest size have the same
    /// D, from those of all sizes; where these neither, from the residuals as they are.
    pub(crate) fn new(rows: &[FittedRow]) -> Self {
        let largest = rows.iter().map(|row| row.n).fold(0.0, f64::max);
        let top: Vec<FittedRow> = rows.iter().copied().filter(|row| row.n == largest).collect();
        let of = |rows: &[FittedRow]| Some(centred(rows)).filter(|found| found.len() >= 2 * FEWEST);
        let plain = || rows.iter().map(|row| (row.row, row.relative)).collect();
        let mut residuals = of(&top).or_else(|| of(rows)).unwrap_or_else(plain);
        residuals.sort_by_key(|(row, _)| *row);
        Self { residuals }
    }

    /// The residual of each row that has one.
    pub(crate) fn residuals(&self) -> &[(usize, f64)] {
        &self.residuals
    }
}

/// Residuals less their mean at the same N and D, of all N and D with some of them, as large as those of many
/// would be.
fn centred(rows: &[FittedRow]) -> Vec<(usize, f64)> {
    let keys: Vec<[u64; 2]> = rows.iter().map(|row| [row.n, row.d].map(f64::to_bits)).collect();
    let mut groups = group(&keys).1;
    groups.retain(|group| group.len() >= FEWEST);
    let of_group = |group: Vec<usize>| {
        let count = group.len() as f64;
        let mean = group.iter().map(|&i| rows[i].relative).sum::<f64>() / count;
        let factor = (count / (count - 1.0)).sqrt();
        group.into_iter().map(move |i| (rows[i].row, factor * (rows[i].relative - mean)))
    };
    groups.into_iter().flat_map(of_group).collect()
}

/// How two runs at one N and D differ beside what the law says of them: quantiles of the noise of one less that
/// of the other. It is the same either way round.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TwoRuns(Vec<f64>);

impl TwoRuns {
    /// From draws of the noise of one run, in nats; from none, there is no noise.
    pub(crate) fn new(mut one: Vec<f64>) -> Self {
        one.sort_by(f64::total_cmp);
        if one.is_empty() {
            return Self(vec![0.0]);
        }
        // The middles of equal shares, so that no single draw is the end of all.
        let at = |i: usize, of: usize| (i as f64 + 0.5) / of as f64;
        let few = one.len().min(QUANTILES / 2);
        let one: Vec<f64> = (0..few).map(|i| quantile(&one, at(i, few))).collect();
        let mut both: Vec<f64> = one.iter().flat_map(|a| one.iter().map(move |b| a - b)).collect();
        both.sort_by(f64::total_cmp);
        Self((0..QUANTILES).map(|i| quantile(&both, at(i, QUANTILES))).collect())
    }

    /// The probability that a run is lower than another whose law's value is higher by this.
    pub(crate) fn probability(&self, difference: f64) -> f64 {
        let below = self.0.partition_point(|x| *x < difference);
        let up_to = self.0.partition_point(|x| *x <= difference);
        0.5 * (below + up_to) as f64 / self.0.len() as f64
    }

    /// The difference of two runs, where the law's are those of the members.
    pub(crate) fn difference(&self, estimate: f64, of_members: &[f64], level: f64) -> Difference {
        let all = of_members.iter().flat_map(|d| self.0.iter().map(move |noise| d + noise));
        let nats = interval(estimate, all.collect(), level);
        Difference { nats, probability: self.mean_probability(of_members.iter().copied()) }
    }

    /// The probability over the members. It is never 0 or 1: with B members at least `1 / (2 B + 2)`.
    pub(crate) fn mean_probability(&self, of_members: impl ExactSizeIterator<Item = f64>) -> f64 {
        let members = of_members.len() as f64;
        let sum: f64 = of_members.map(|d| self.probability(d)).sum();
        let least = 0.5 / (members + 1.0);
        (sum / members).clamp(least, 1.0 - least)
    }
}
