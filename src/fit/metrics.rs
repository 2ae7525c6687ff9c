use std::fmt;

/// How well predictions agree with observed losses. It prints as one line.
///
/// ```
/// use mixlaw::fit::Metrics;
///
/// let m = Metrics::new(&[2.0, 4.0], &[2.1, 3.8]);
/// assert!((m.mre - 0.05).abs() < 1e-12);
/// assert!((m.mae - 0.15).abs() < 1e-12);
/// assert_eq!(m.to_string(), "MRE 5.000%, MAE 0.1500, RMSE 0.1581, R2 0.9750, rank 1.000, 2 rows");
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Metrics {
    /// Number of rows.
    pub count: usize,
    /// Mean relative error `|prediction - observation| / observation`, a fraction (sec. 2.3).
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
    pub mre: f64,
    /// Mean absolute error, in nats.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
    pub mae: f64,
    /// Root mean squared error, in nats.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
    pub rmse: f64,
    /// Share of the variance of the observations that is explained; NaN if they are all equal.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
    pub r2: f64,
    /// Rank correlation (Spearman), equal values sharing their mean rank; NaN if either side has one
    /// value only.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
    pub spearman: f64,
}

impl Metrics {
    /// Compares predictions with observations.
    ///
    /// # Panics
    /// If there are none, or not as many of the one as of the other.
    #[must_use]
    pub fn new(observed: &[f64], predicted: &[f64]) -> Self {
        assert_eq!(observed.len(), predicted.len(), "one prediction for each observation");
        assert!(!observed.is_empty(), "there is nothing to compare");
        let mean = |f: &dyn Fn(f64, f64) -> f64| {
            observed.iter().zip(predicted).map(|(&o, &p)| f(o, p)).sum::<f64>()
                / observed.len() as f64
        };
        let center = mean(&|o, _| o);
        let squares = mean(&|o, p| (p - o).powi(2));
        Self {
            count: observed.len(),
            mre: mean(&|o, p| (p - o).abs() / o),
            mae: mean(&|o, p| (p - o).abs()),
            rmse: squares.sqrt(),
            r2: if observed.iter().all(|o| *o == observed[0]) {
                f64::NAN
            } else {
                1.0 - squares / mean(&|o, _| (o - center).powi(2))
            },
            spearman: correlation(&ranks(observed), &ranks(predicted)),
        }
    }
}

/// The MRE in percent, errors in nats.
impl fmt::Display for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { count, mre, mae, rmse, r2, spearman } = self;
        write!(
            f,
            "MRE {:.3}%, MAE {mae:.4}, RMSE {rmse:.4}, R2 {r2:.4}, rank {spearman:.3}, {count} rows",
            100.0 * mre
        )
    }
}

/// Ranks from 0, equal values sharing their mean rank.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut first = 0;
    for equal in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let shared = first as f64 + (equal.len() - 1) as f64 / 2.0;
        equal.iter().for_each(|&i| ranks[i] = shared);
        first += equal.len();
    }
    ranks
}

/// Pearson's correlation.
fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let mean = |x: &[f64]| x.iter().sum::<f64>() / x.len() as f64;
    let (ma, mb) = (mean(a), mean(b));
    let product = |f: &dyn Fn(f64, f64) -> f64| -> f64 {
        a.iter().zip(b).map(|(x, y)| f(x - ma, y - mb)).sum()
    };
    product(&|x, y| x * y) / (product(&|x, _| x * x) * product(&|_, y| y * y)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    #[test]
    fn figures_agree_with_scipy_and_numpy() {
        let observed = [3.1, 2.9, 2.9, 2.5, 2.2];
        let predicted = [3.0, 2.95, 2.8, 2.6, 2.6];
        let m = Metrics::new(&observed, &predicted);
        // np.mean(abs(p-o)/o), np.mean(abs(p-o)), np.sqrt(np.mean((p-o)**2)),
        // 1 - np.sum((p-o)**2)/np.sum((o-o.mean())**2), scipy.stats.spearmanr(o, p)[0]
        assert_relative_eq!(m.mre, 0.061_160_076_853_069_1, max_relative = 1e-12);
        assert_relative_eq!(m.mae, 0.15, max_relative = 1e-12);
        assert_relative_eq!(m.rmse, 0.19621416870348585, max_relative = 1e-12);
        assert_relative_eq!(m.r2, 0.6354166666666665, max_relative = 1e-12);
        assert_relative_eq!(m.spearman, 0.9473684210526317, max_relative = 1e-12);
    }

    #[test]
    fn a_constant_has_no_rank_correlation() {
        let m = Metrics::new(&[2.0, 2.0], &[2.0, 3.0]);
        assert!(m.spearman.is_nan() && m.r2.is_nan());
    }
}
