//! What predictions say of the mixtures that were measured at one N and D.

use std::collections::HashSet;

use crate::fit::Metrics;
use crate::sweep::Sweep;

/// Fewer mixtures have no order to speak of: two are in it or not.
const FEWEST_RANKED: usize = 3;

/// The mixtures of one N and D; there are at least two.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct AtOneScale {
    /// The observed loss of the mixture with the least prediction, less the least.
    regret: f64,
    /// The rank correlation and how many mixtures it is of.
    rank: Option<(f64, usize)>,
}

impl AtOneScale {
    /// For each N and D with at least two mixtures.
    pub(super) fn of_all(sweep: &Sweep, observed: &[f64], predicted: &[f64]) -> Vec<Self> {
        let scale = |i: usize| (sweep.row(i).n, sweep.row(i).d);
        let mut order: Vec<usize> = (0..sweep.len()).collect();
        order.sort_by(|&a, &b| {
            let (a, b) = (scale(a), scale(b));
            a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1))
        });
        let groups = order.chunk_by(|&a, &b| scale(a) == scale(b));
        let mixtures = sweep.mixture_numbers();
        let several = |rows: &&[usize]| rows.iter().any(|&i| mixtures[i] != mixtures[rows[0]]);
        let one = |rows: &[usize]| Self {
            regret: regret(rows, &mixtures, observed, predicted),
            rank: rank(rows, &mixtures, observed, predicted),
        };
        groups.filter(several).map(one).collect()
    }

    /// The mean over several; `None` if there are none.
    pub(super) fn mean_regret(all: &[Self]) -> Option<f64> {
        let mean = all.iter().map(|one| one.regret).sum::<f64>() / all.len() as f64;
        (!all.is_empty()).then_some(mean)
    }

    /// The mean over several, each by the number of its mixtures; `None` if none has a rank correlation.
    pub(super) fn mean_rank(all: &[Self]) -> Option<f64> {
        let ranked = all.iter().filter_map(|one| one.rank);
        let (sum, count) = ranked.fold((0.0, 0), |(sum, count), (rank, mixtures)| {
            (sum + rank * mixtures as f64, count + mixtures)
        });
        (count > 0).then(|| sum / count as f64)
    }
}

fn regret(rows: &[usize], mixtures: &[usize], observed: &[f64], predicted: &[f64]) -> f64 {
    let least = |of: &[f64]| rows.iter().map(|&i| of[i]).min_by(f64::total_cmp).expect("some rows");
    let best = least(predicted);
    let is_best: HashSet<usize> =
        rows.iter().filter(|&&i| predicted[i] == best).map(|&i| mixtures[i]).collect();
    // All rows of a mixture, whose weights may differ by rounding and predictions with them.
    let chosen: Vec<f64> =
        rows.iter().filter(|&&i| is_best.contains(&mixtures[i])).map(|&i| observed[i]).collect();
    chosen.iter().sum::<f64>() / chosen.len() as f64 - least(observed)
}

/// Of the mean observed losses of mixtures. Who predicts the same loss for all orders none: 0.
fn rank(
    rows: &[usize],
    mixtures: &[usize],
    observed: &[f64],
    predicted: &[f64],
) -> Option<(f64, usize)> {
    let mut sums: Vec<(usize, f64, usize, f64)> = Vec::new();
    for &i in rows {
        match sums.iter_mut().find(|(mixture, ..)| *mixture == mixtures[i]) {
            Some((_, sum, count, _)) => (*sum, *count) = (*sum + observed[i], *count + 1),
            None => sums.push((mixtures[i], observed[i], 1, predicted[i])),
        }
    }
    let observed: Vec<f64> = sums.iter().map(|(_, sum, count, _)| sum / *count as f64).collect();
    let predicted: Vec<f64> = sums.iter().map(|(.., predicted)| *predicted).collect();
    let is_one = |values: &[f64]| values.iter().all(|value| *value == values[0]);
    if sums.len() < FEWEST_RANKED || is_one(&observed) {
        return None;
    }
    let rank = if is_one(&predicted) { 0.0 } else { Metrics::new(&observed, &predicted).spearman };
    Some((rank, sums.len()))
}

#[cfg(test)]
mod tests {
    use approx::assert_relative_eq;

    use super::*;

    #[test]
    fn regret_is_the_price_of_the_choice() {
        // Three groups: (1e8, 1e9) with three mixtures, (1e8, 2e9) with one mixture twice, but for
        // rounding, and (2e8, 1e9) with two, not side by side.
        let n = [1e8, 2e8, 1e8, 1e8, 1e8, 1e8, 2e8];
        let d = [1e9, 1e9, 1e9, 1e9, 2e9, 2e9, 1e9];
        let web = [0.1, 0.1, 0.5, 0.9, 0.5, 0.5 + 1e-9, 0.9];
        let h: Vec<f64> = web.iter().flat_map(|w| [*w, 1.0 - w]).collect();
        let observed = [3.0, 2.5, 2.8, 2.9, 2.0, 2.2, 2.7];
        let names: Vec<String> = (0..7).map(|i| format!("r{i}")).collect();
        let builder = Sweep::builder(&["a", "b"], &["t"]).runs(&names);
        let s = builder.clone().build(&n, &d, &h, &observed).unwrap();
        let regrets = |s: &Sweep, observed: &[f64], predicted: &[f64]| {
            let all = AtOneScale::of_all(s, observed, predicted);
            all.iter().map(|one| one.regret).collect::<Vec<f64>>()
        };
        let of = |predicted: &[f64]| regrets(&s, &observed, predicted);
        assert_eq!(of(&observed), [0.0, 0.0]);
        let wrong = of(&[3.0, 2.6, 2.9, 2.7, 9.0, 1.0, 2.5]);
        assert_relative_eq!(wrong[..], [0.1, 0.2][..], epsilon = 1e-12);
        // Who cannot tell mixtures apart chooses any.
        let blind = of(&[1.0; 7]);
        assert_relative_eq!(blind[..], [0.1, 0.1][..], epsilon = 1e-12);
        // A mixture is chosen with all its runs: the mean of 2.8 and 3.0 over 2.7.
        let h = [0.1, 0.9, 0.5, 0.5, 0.5 + 1e-9, 0.5 - 1e-9];
        let (n, d, observed) = ([1e8; 3], [1e9; 3], [2.7, 2.8, 3.0]);
        let s = builder.runs(&names[..3]).build(&n, &d, &h, &observed).unwrap();
        let of_both = regrets(&s, &observed, &[3.0, 2.8, 2.8 + 1e-10]);
        assert_relative_eq!(of_both[..], [0.2][..], epsilon = 1e-12);
    }

    #[test]
    fn the_rank_within_a_scale_does_not_know_of_others() {
        // Two scales far apart: four mixtures in the right order but for one swap of neighbours, and
        // three in reverse; a third scale has two.
        let n = [1e8, 1e8, 1e8, 1e8, 4e8, 4e8, 4e8, 8e8, 8e8];
        let web = [0.1, 0.2, 0.3, 0.4, 0.1, 0.2, 0.3, 0.1, 0.2];
        let h: Vec<f64> = web.iter().flat_map(|w| [*w, 1.0 - w]).collect();
        let observed = [4.0, 4.1, 4.2, 4.3, 3.0, 3.1, 3.2, 2.0, 2.1];
        let predicted = [4.0, 4.2, 4.1, 4.3, 3.2, 3.1, 3.0, 2.1, 2.0];
        let s = Sweep::new(&["a", "b"], &["t"], &n, &[1e9; 9], &h, &observed).unwrap();
        let all = AtOneScale::of_all(&s, &observed, &predicted);
        // 1 - 6 (1 + 1) / (4 (16 - 1)) = 0.8, by four; -1 by three.
        assert_relative_eq!(AtOneScale::mean_rank(&all).unwrap(), (4.0 * 0.8 - 3.0) / 7.0);
        // Pooled: 1 - 6 (2 + 8 + 2) / (9 (81 - 1)).
        assert_relative_eq!(Metrics::new(&observed, &predicted).spearman, 0.9, epsilon = 1e-12);
        // One prediction for all mixtures has no order.
        let blind = [4.1, 4.1, 4.1, 4.1, 3.1, 3.1, 3.1, 2.0, 2.0];
        let all = AtOneScale::of_all(&s, &observed, &blind);
        assert_eq!(AtOneScale::mean_rank(&all), Some(0.0));
        // Losses that are all equal cannot be put in order, nor can two mixtures.
        let all = AtOneScale::of_all(&s, &[3.0; 9], &predicted);
        assert_eq!((AtOneScale::mean_rank(&all), all.len()), (None, 3));
        assert_eq!(AtOneScale::mean_rank(&[]), None);
    }

    #[test]
    fn repeats_of_a_mixture_are_ranked_by_their_mean() {
        let web = [0.1, 0.1, 0.2, 0.3];
        let h: Vec<f64> = web.iter().flat_map(|w| [*w, 1.0 - w]).collect();
        // The means are 3.0, 3.1 and 3.2.
        let observed = [2.7, 3.3, 3.1, 3.2];
        let builder = Sweep::builder(&["a", "b"], &["t"]).runs(&["a", "b", "c", "d"]);
        let s = builder.build(&[1e8; 4], &[1e9; 4], &h, &observed).unwrap();
        let all = AtOneScale::of_all(&s, &observed, &[1.0, 1.0, 2.0, 3.0]);
        assert_eq!(all[0].rank, Some((1.0, 3)));
    }
}
