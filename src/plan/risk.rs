//! How the losses of the members count together.

use std::fmt;

use super::objective::Reordered;
use crate::error::Error;

/// What is minimised over the members of the predictors, each of which may be right; for
/// [`PlanBuilder::risk`](super::PlanBuilder::risk).
///
/// The value of member b is the weighted sum of its losses, `V_b(h) = sum_t w_t L_tb(h)`: the members of all
/// targets are of the same draws.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Risk {
    /// The mean of all `V_b`: what is expected.
    #[default]
    Mean,
    /// The mean of the largest `V_b`, a share q of all with 0 < q <= 1 (conditional value at risk, CVaR): for
    /// the careful. At q = 1 it is the mean, and with one member or less it is the worst one. It is convex
    /// where every member is.
    WorstShare(#[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))] f64),
}

/// `the mean of the members`, `the mean of the worst 10% of the members`.
impl fmt::Display for Risk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mean => f.write_str("the mean of the members"),
            // Up to a digit that is rounding.
            Self::WorstShare(q) => {
                write!(f, "the mean of the worst {}% of the members", (1e6 * q).round() / 1e4)
            }
        }
    }
}

impl Risk {
    /// Checks the share.
    pub(crate) fn check(self) -> Result<(), Error> {
        match self {
            Self::WorstShare(q) if !(q > 0.0 && q <= 1.0) => {
                let name = "the share of the worst members";
                Err(Error::setting(name, q, "a number > 0 and at most 1"))
            }
            _ => Ok(()),
        }
    }
}

/// How far the smooth function that is minimised may be below the mean of the worst share, relative to the
/// size of the values.
const SMOOTHING: f64 = 1e-5;

/// The worst share of the members of an objective.
///
/// With weights w of the members, at most 1 / (q m) each and 1 together, the mean of the worst share is
/// `max_w <w, V>`. It has kinks where the order of members changes, and one slope proves nothing there. What
/// is minimised is `max_w <w, V> - mu sum w ln(m w)`, which is smooth, convex where V is, and below the
/// other by at most `mu ln(1 / q)`; so its lower bounds are also those of the other.
#[derive(Debug)]
pub(super) struct WorstShare<'a> {
    share: f64,
    /// The factor mu.
    smoothing: f64,
    /// The terms of each member, with their weights.
    members: Vec<Vec<(f64, Reordered<'a>)>>,
}

impl<'a> WorstShare<'a> {
    pub(super) fn new(share: f64, members: Vec<Vec<(f64, Reordered<'a>)>>, k: usize) -> Self {
        let mut own = Self { share, smoothing: 0.0, members };
        let uniform = vec![1.0 / k as f64; k];
        let ln = vec![-(k as f64).ln(); k];
        let size = own.values(&uniform, &ln).into_iter().map(f64::abs).fold(0.0, f64::max);
        let size = if size.is_finite() && size > 0.0 { size } else { 1.0 };
        // With a share of less than one member the largest weight is 1.
        let most = (1.0 / share).min(own.members.len() as f64).ln();
        own.smoothing = SMOOTHING * size / most.max(1.0);
        own
    }

    /// The largest weight of a member.
    fn cap(&self) -> f64 {
        (1.0 / (self.share * self.members.len() as f64)).min(1.0)
    }

    fn values(&mut self, h: &[f64], ln_h: &[f64]) -> Vec<f64> {
        let unused = &mut vec![0.0; h.len()];
        let mut one =
            |(weight, f): &mut (f64, Reordered<'a>)| *weight * f.add_gradient(h, ln_h, 0.0, unused);
        self.members.iter_mut().map(|terms| terms.iter_mut().map(&mut one).sum()).collect()
    }

    /// The mean of the worst share.
    pub(super) fn value(&mut self, h: &[f64], ln_h: &[f64]) -> f64 {
        let mut values = self.values(h, ln_h);
        if values.iter().any(|value| value.is_nan()) {
            return f64::NAN;
        }
        values.sort_by(|a, b| b.total_cmp(a));
        let (cap, mut left, mut sum) = (self.cap(), 1.0f64, 0.0);
        for value in values {
            let weight = cap.min(left);
            if weight <= 0.0 {
                break;
            }
            sum += weight * value;
            left -= weight;
        }
        sum
    }

    /// The smooth value below it, whose gradient is added to `g`.
    pub(super) fn add_gradient(&mut self, h: &[f64], ln_h: &[f64], g: &mut [f64]) -> f64 {
        let values = self.values(h, ln_h);
        if values.iter().any(|value| !value.is_finite()) {
            g.fill(f64::NAN);
            return values.into_iter().fold(f64::NAN, f64::max);
        }
        let (mu, cap, m) = (self.smoothing, self.cap(), values.len() as f64);
        let weights = weights(&values, mu, cap);
        let mut value = 0.0;
        for ((terms, own), w) in self.members.iter_mut().zip(values).zip(weights) {
            // What is left of members that hardly count is far below rounding.
            if w < 1e-20 {
                continue;
            }
            value += w * own - mu * w * (m * w).ln();
            for (weight, f) in terms {
                f.add_gradient(h, ln_h, w * *weight, g);
            }
        }
        value
    }
}

/// The weights that maximise `<w, V> - mu sum w ln w`, at most `cap` each and 1 together: as `exp(V / mu)`,
/// with the largest cut off.
fn weights(values: &[f64], mu: f64, cap: f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*b].total_cmp(&values[*a]));
    let largest = values[order[0]];
    // The sums of all from a place on, each relative to the value at the place.
    let mut sums = vec![0.0; order.len() + 1];
    for i in (0..order.len()).rev() {
        let next = order.get(i + 1).map_or(largest, |&j| values[j]);
        sums[i] = 1.0 + sums[i + 1] * ((next - values[order[i]]) / mu).min(0.0).exp();
    }
    let mut weights = vec![0.0; values.len()];
    let mut left = 1.0f64;
    for (place, &i) in order.iter().enumerate() {
        let own = left / sums[place];
        if own <= cap {
            for &j in &order[place..] {
                weights[j] = own * ((values[j] - values[i]) / mu).exp();
            }
            break;
        }
        weights[i] = cap;
        left = (left - cap).max(0.0);
    }
    weights
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smooth_weights_keep_the_cap_and_beat_all_others() {
        let values: Vec<f64> = (0..20).map(|i| 2.0 + (7.3 * f64::from(i)).sin()).collect();
        let worth = |w: &[f64], mu: f64| -> f64 {
            let one = |(w, v): (&f64, &f64)| if *w > 0.0 { w * v - mu * w * w.ln() } else { 0.0 };
            w.iter().zip(&values).map(one).sum()
        };
        for (mu, cap) in [(1e-5, 0.2), (0.1, 0.2), (0.5, 0.0625), (0.3, 0.05), (0.01, 1.0)] {
            let w = weights(&values, mu, cap);
            assert!((w.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{w:?}");
            assert!(w.iter().all(|w| (0.0..=cap + 1e-15).contains(w)));
            // Concave: no small exchange of two weights is better.
            for (i, j) in (0..20).flat_map(|i| (0..20).map(move |j| (i, j))).filter(|(i, j)| i != j)
            {
                let step = 1e-4_f64.min(w[i]).min(cap - w[j]);
                if step > 0.0 {
                    let mut other = w.clone();
                    other[i] -= step;
                    other[j] += step;
                    assert!(worth(&other, mu) <= worth(&w, mu) + 1e-13);
                }
            }
        }
    }
}
