//! Rows of one mixture whose domain weights differ by rounding.
//!
//! A law is evaluated once for each mixture that differs in any bit, so that a sweep whose weights
//! were normalised row by row costs several times as much. A search therefore goes over rows without
//! that difference, and only its end over the rows as they are.

use super::problem::Problem;
use super::{Data, Minimum};
use crate::optim::{Control, Optimizer, Termination, TrustRegion};

/// Weights of one mixture that differ by so little, relative to the greater, are as good as equal:
/// a power of them differs as little. Mixtures are told apart by absolute differences, and a small
/// weight may not change by much of itself.
const ROUNDING: f64 = 1e-4;

impl Data {
    /// The same rows where those of one mixture have the weights of its first row, unless one of their
    /// own differs by more than rounding; `None` if that changes nothing.
    pub(super) fn without_rounding(&self) -> Option<Data> {
        let k = self.h.len() / self.rows.len();
        let most = self.mixtures.iter().max().expect("a fit has rows");
        let mut first = vec![None; most + 1];
        let mut h = self.h.clone();
        let mut changed = false;
        for (i, mixture) in self.mixtures.iter().enumerate() {
            let of_first = *first[*mixture].get_or_insert(i);
            let (own, other) = (&self.h[i * k..][..k], &self.h[of_first * k..][..k]);
            let near = |(a, b): (&f64, &f64)| (a - b).abs() <= ROUNDING * a.max(*b);
            if own != other && own.iter().zip(other).all(near) {
                h[i * k..][..k].copy_from_slice(other);
                changed = true;
            }
        }
        changed.then(|| Data { h, ..self.clone() })
    }
}

/// Minimises by `search` over the rows without rounding, if they are others, and then by `last` over
/// the rows as they are: the problem of these, and its minimum.
pub(super) fn minimize<'a>(
    rows: &'a Data,
    without_rounding: Option<&'a Data>,
    problem: impl Fn(&'a Data) -> Problem<'a>,
    search: impl FnOnce(&mut Problem<'a>) -> Minimum,
    last: &TrustRegion,
    control: &Control,
) -> (Problem<'a>, Minimum) {
    let mut own = problem(rows);
    let Some(without_rounding) = without_rounding else {
        let minimum = search(&mut own);
        return (own, minimum);
    };
    let found = search(&mut problem(without_rounding));
    let mut minimum = if found.termination == Termination::Stopped {
        Minimum::measured(&mut own, found.x.clone(), Termination::Stopped, 0)
    } else {
        last.minimize(&mut own, &found.x, &mut control.within(0))
    };
    if control.is_cut_off(minimum.termination) {
        // What is not finished does not count.
        minimum = Minimum::measured(&mut own, found.x, Termination::Stopped, minimum.evaluations);
    }
    // The last steps belong to the solve that they end.
    let evaluations = found.evaluations + minimum.evaluations;
    (own, Minimum { evaluations, local_solves: found.local_solves, ..minimum })
}

#[cfg(test)]
mod tests {
    use crate::law::AdditiveLaw;
    use crate::{Fitter, Scale, Sweep};

    /// The weights of the law's first domain in the rows of a search, if they are not those of the
    /// sweep, whose second domain it is.
    fn searched(second: &[f64]) -> Option<Vec<f64>> {
        let p = second.len();
        let h: Vec<f64> = second.iter().flat_map(|w| [1.0 - w, *w]).collect();
        let d: Vec<f64> = (1..=p).map(|i| 1e9 * i as f64).collect();
        let sweep = Sweep::new(&["a", "b"], &["t"], &vec![1e8; p], &d, &h, &vec![3.0; p]).unwrap();
        let law = AdditiveLaw::new(&["b", "a"], Scale::ONE).unwrap();
        // The first row has no weight.
        let mut weights = vec![1.0; p];
        weights[0] = 0.0;
        let data = Fitter::new().row_weights(weights).data(&law, &sweep, "t").unwrap();
        let without = data.without_rounding()?;
        assert_eq!((&without.rows, &without.losses), (&data.rows, &data.losses));
        Some(without.h.chunks(2).map(|h| h[0]).collect())
    }

    #[test]
    fn a_search_goes_over_each_mixture_once() {
        assert_eq!(searched(&[0.5, 0.5, 0.5, 0.25]), None);
        let off = [0.5, 0.5 + 1e-9, 0.5 - 1e-9, 0.25, 0.25 + 5e-7, 0.5 + 1e-9];
        let near = [0.5 + 1e-9, 0.5 + 1e-9, 0.25, 0.25, 0.5 + 1e-9];
        assert_eq!(searched(&off), Some(near.to_vec()));
    }

    #[test]
    fn a_small_weight_does_not_change_by_much_of_itself() {
        // All of one mixture, and 2 or 20% off.
        assert_eq!(searched(&[1e-6, 1e-6, 1.02e-6, 1.2e-6]), None);
        assert_eq!(searched(&[1e-3, 1e-3, 1.00001e-3]), Some(vec![1e-3, 1e-3]));
    }
}
