//! Which rows are one run, and which have one mixture.

use std::collections::HashMap;
use std::hash::Hash;

use super::{Row, Sweep};
use crate::error::{Error, ErrorKind, cut};
use crate::mixture::{SUM_TOLERANCE, agree};
use crate::scale::Scale;

/// Rows that belong together: those of one run ([`Sweep::runs`]) or of one mixture
/// ([`Sweep::distinct_mixtures`]).
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Group<'a> {
    /// The first of the rows: it has the name of the run, its N, and the weights.
    pub first: Row<'a>,
    /// The numbers of all of them, from 0, in order.
    pub rows: Vec<usize>,
}

impl Sweep {
    /// The runs, in order of appearance; [`Sweep::count_runs`] says how many. All rows of one have its N and
    /// its mixture.
    ///
    /// ```
    /// use mixlaw::Sweep;
    ///
    /// let h = [0.5, 0.5, 0.2, 0.8, 0.5, 0.5];
    /// let (d, losses) = ([1e9, 1e9, 2e9], [3.0, 3.1, 2.8]);
    /// let sweep = Sweep::builder(&["web", "code"], &["web"])
    ///     .runs(&["a", "b", "a"])
    ///     .build(&[1e8; 3], &d, &h, &losses)?;
    /// let runs = sweep.runs();
    /// assert_eq!((runs[0].first.run, &runs[0].rows), ("a", &vec![0, 2]));
    /// // The last loss of each run.
    /// let last = runs.iter().filter_map(|run| run.rows.last());
    /// assert_eq!(last.map(|&i| sweep.row(i).losses[0]).collect::<Vec<_>>(), [2.8, 3.1]);
    /// # Ok::<(), mixlaw::Error>(())
    /// ```
    #[must_use]
    pub fn runs(&self) -> Vec<Group<'_>> {
        self.groups(&self.run_numbers())
    }

    /// The distinct mixtures with their rows, in order of appearance, told apart as
    /// [`Sweep::count_mixtures`] counts them. Weights of the rows of one can differ within the tolerance.
    ///
    /// ```
    /// use mixlaw::Sweep;
    ///
    /// let h = [0.5, 0.5, 0.2, 0.8, 0.5, 0.5];
    /// let (n, d) = ([1e8, 1e8, 4e8], [1e9; 3]);
    /// let sweep = Sweep::new(&["web", "code"], &["web"], &n, &d, &h, &[3.0, 3.1, 2.8])?;
    /// let mixtures = sweep.distinct_mixtures();
    /// assert_eq!(mixtures[0].first.h, [0.5, 0.5]);
    /// assert_eq!(mixtures[0].rows, [0, 2]);
    /// assert_eq!(mixtures.len(), sweep.count_mixtures());
    /// # Ok::<(), mixlaw::Error>(())
    /// ```
    #[must_use]
    pub fn distinct_mixtures(&self) -> Vec<Group<'_>> {
        self.groups(&self.mixture_numbers())
    }

    fn groups(&self, numbers: &[usize]) -> Vec<Group<'_>> {
        let (_, members) = group(numbers);
        members.into_iter().map(|rows| Group { first: self.row(rows[0]), rows }).collect()
    }

    /// The number of distinct runs, by name.
    #[must_use]
    pub fn count_runs(&self) -> usize {
        group(&self.runs).0.len()
    }

    /// The number of distinct mixtures. Runs have the same mixture if all their weights agree within
    /// 1e-6, and a weight of zero only with zero; mixtures are told apart in this way everywhere.
    ///
    /// ```
    /// use mixlaw::Sweep;
    ///
    /// // The first two mixtures differ by rounding.
    /// let h = [1.0 / 3.0, 2.0 / 3.0, 0.3333333, 0.6666667, 0.5, 0.5];
    /// let (n, d) = ([1e8, 1e8, 1e8], [1e9, 2e9, 1e9]);
    /// let sweep = Sweep::new(&["web", "code"], &["web"], &n, &d, &h, &[3.0; 3])?;
    /// assert_eq!(sweep.count_mixtures(), 2);
    /// assert_eq!(sweep.count_runs(), 2);
    /// # Ok::<(), mixlaw::Error>(())
    /// ```
    #[must_use]
    pub fn count_mixtures(&self) -> usize {
        1 + self.mixture_numbers().into_iter().max().expect("a sweep is never empty")
    }

    /// Every size N with the most tokens D that it was trained on: where a next run would be compared with
    /// those there are.
    ///
    /// ```
    /// use mixlaw::{Scale, Sweep};
    ///
    /// let (n, d) = ([1e8, 1e8, 4e8], [1e9, 2e9, 4e9]);
    /// let sweep = Sweep::new(&["web"], &["qa"], &n, &d, &[1.0; 3], &[3.0, 2.9, 2.5])?;
    /// assert_eq!(sweep.largest_scales(), [Scale { n: 1e8, d: 2e9 }, Scale { n: 4e8, d: 4e9 }]);
    /// # Ok::<(), mixlaw::Error>(())
    /// ```
    #[must_use]
    pub fn largest_scales(&self) -> Vec<Scale> {
        let mut scales: Vec<Scale> = Vec::new();
        for row in self.rows() {
            match scales.iter_mut().find(|scale| scale.n == row.n) {
                Some(scale) => scale.d = scale.d.max(row.d),
                None => scales.push(row.scale()),
            }
        }
        scales
    }

    /// The number of the run of each row, in order of appearance.
    pub(crate) fn run_numbers(&self) -> Vec<usize> {
        numbers(&self.runs)
    }

    /// The number of the mixture of each row, in order of appearance. All rows of a run have that of
    /// its first row, and the runs whose first rows agree within the tolerance of sums with that of
    /// the first among them share one.
    pub(crate) fn mixture_numbers(&self) -> Vec<usize> {
        let (_, runs) = group(&self.runs);
        let of_runs = number_mixtures(runs.iter().map(|rows| self.h(rows[0])));
        let mut numbers = vec![0; self.len()];
        for (rows, mixture) in runs.iter().zip(of_runs) {
            rows.iter().for_each(|&i| numbers[i] = mixture);
        }
        numbers
    }

    /// Names for runs that nobody named: a run is the rows that share N and mixture.
    pub(super) fn name_runs(&self) -> Vec<String> {
        let mixtures = number_mixtures((0..self.len()).map(|i| self.h(i)));
        let keys: Vec<(u64, usize)> = self.n.iter().map(|n| n.to_bits()).zip(mixtures).collect();
        numbers(&keys).into_iter().map(|run| format!("run{run}")).collect()
    }

    /// Checks that every run has one N and one mixture.
    pub(super) fn check_runs(&self) -> Result<(), Error> {
        let (names, members) = group(&self.runs);
        for (name, rows) in names.into_iter().zip(&members) {
            let fault = |a: usize, b: usize, column: &str, values: (f64, f64), expected: &str| {
                let (a, b, (x, y)) =
                    if a < b { (a, b, values) } else { (b, a, (values.1, values.0)) };
                let (name, column) = (cut(name), cut(column));
                let problem = format!(
                    "run `{name}` has `{column}` = {x} and {y}, expected one {expected} in a run"
                );
                let (first, other) = (self.place(a), self.place(b));
                Err(ErrorKind::RowsDisagree { first, other, problem }.into())
            };
            let first = rows[0];
            if let Some(&other) = rows.iter().find(|&&i| self.n[i] != self.n[first]) {
                let sizes = (self.n[first], self.n[other]);
                return fault(first, other, "n_params", sizes, "size");
            }
            if let Some((domain, a, b)) = self.two_mixtures(rows) {
                let column = format!("h_{}", self.domains[domain]);
                let weights = (self.h(a)[domain], self.h(b)[domain]);
                return fault(a, b, &column, weights, "mixture (within 1e-6)");
            }
        }
        Ok(())
    }

    /// A domain and two rows whose weights of it are not within the tolerance of a common one.
    fn two_mixtures(&self, rows: &[usize]) -> Option<(usize, usize, usize)> {
        (0..self.domains.len()).find_map(|domain| {
            let weight = |i: usize| self.h(i)[domain];
            let by_weight = |a: &usize, b: &usize| weight(*a).total_cmp(&weight(*b));
            // The first of those with the same weight.
            let least = rows.iter().copied().min_by(by_weight)?;
            let most = rows.iter().copied().rev().max_by(by_weight)?;
            let one = agree(weight(least), weight(most), 2.0 * SUM_TOLERANCE);
            (!one).then_some((domain, least, most))
        })
    }

    /// The first row that has the run and D of an earlier one, and that one before it.
    pub(super) fn repeated_rows(&self) -> Option<(usize, usize)> {
        let runs = self.run_numbers();
        let mut seen = HashMap::new();
        (0..self.len()).find_map(|i| {
            let earlier = seen.insert((runs[i], self.d[i].to_bits()), i)?;
            Some((earlier, i))
        })
    }
}

/// The number of each mixture, in order of appearance: that of the first one before it which it
/// agrees with and which has a number of its own.
fn number_mixtures<'a>(mixtures: impl Iterator<Item = &'a [f64]>) -> Vec<usize> {
    let mut first: Vec<&[f64]> = Vec::new();
    let mut cells: HashMap<i64, Vec<usize>> = HashMap::new();
    let number = |h: &'a [f64]| {
        let cell = cell(h);
        let near = (cell - 1..=cell + 1).filter_map(|cell| cells.get(&cell)).flatten();
        let same = |&&number: &&usize| {
            first[number].iter().zip(h).all(|(a, b)| agree(*a, *b, SUM_TOLERANCE))
        };
        near.filter(same).min().copied().unwrap_or_else(|| {
            cells.entry(cell).or_default().push(first.len());
            first.push(h);
            first.len() - 1
        })
    };
    mixtures.map(number).collect()
}

/// A cell for mixtures of which those that agree are in the same or the next: few mixtures share one,
/// so that a sweep of many need not compare all with all.
fn cell(h: &[f64]) -> i64 {
    // At most 1, different for each domain, and no sums of some are sums of others.
    let factor = |i: usize| 0.5 + 0.5 * (i as f64).sin();
    let position: f64 = h.iter().enumerate().map(|(i, weight)| factor(i) * weight).sum();
    (position / (SUM_TOLERANCE * h.len() as f64)).floor() as i64
}

/// The number of each row's key, in order of appearance.
fn numbers<K: Hash + Eq>(keys: &[K]) -> Vec<usize> {
    let mut numbers = vec![0; keys.len()];
    for (g, rows) in group(keys).1.iter().enumerate() {
        rows.iter().for_each(|&i| numbers[i] = g);
    }
    numbers
}

/// The distinct keys in order of appearance, and the rows of each.
pub(crate) fn group<K: Hash + Eq>(keys: &[K]) -> (Vec<&K>, Vec<Vec<usize>>) {
    let mut index = HashMap::new();
    let mut names = Vec::new();
    let mut members: Vec<Vec<usize>> = Vec::new();
    for (i, key) in keys.iter().enumerate() {
        let g = *index.entry(key).or_insert_with(|| {
            names.push(key);
            members.push(Vec::new());
            members.len() - 1
        });
        members[g].push(i);
    }
    (names, members)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mixture::Mixture;

    /// What [`number_mixtures`] says, by comparing all with all.
    fn by_comparison(mixtures: &[Vec<f64>]) -> Vec<usize> {
        let mut first: Vec<&[f64]> = Vec::new();
        let mut numbers = Vec::new();
        for h in mixtures {
            let same = |f: &&[f64]| f.iter().zip(h).all(|(a, b)| agree(*a, *b, SUM_TOLERANCE));
            numbers.push(first.iter().position(same).unwrap_or_else(|| {
                first.push(h);
                first.len() - 1
            }));
        }
        numbers
    }

    #[test]
    fn mixtures_that_agree_within_the_tolerance_are_one() {
        let base = [0.2, 0.3, 0.5];
        let near = |by: f64| vec![base[0] + by, base[1] - by, base[2]];
        let zero = vec![0.2 + 0.3, 0.0, 0.5];
        let all = [
            base.to_vec(),
            near(1e-9),
            near(-0.9e-6),
            near(1.1e-6),
            zero.clone(),
            vec![zero[0] - 1e-12, 1e-12, 0.5],
            vec![0.5, -0.0, 0.5],
            // Agrees with the one before the last, and with the first of all first.
            near(0.5e-6),
        ];
        assert_eq!(number_mixtures(all.iter().map(Vec::as_slice)), [0, 0, 0, 1, 2, 3, 2, 0]);
        assert_eq!(by_comparison(&all), [0, 0, 0, 1, 2, 3, 2, 0]);
    }

    #[test]
    fn cells_find_what_comparing_all_with_all_finds() {
        for (k, seed) in [(1, 0), (2, 1), (3, 2), (7, 3), (40, 4)] {
            let centers = Mixture::dirichlet(&vec![1.0; k], 20, seed).unwrap();
            let shifts = Mixture::dirichlet(&vec![1.0; k], 40, seed + 9).unwrap();
            // Around each centre some that agree with it, some at the edge and some beyond.
            let around = |(i, shift): (usize, &Mixture)| {
                let by = [1e-9, 0.99e-6, 1.01e-6, 3e-6][i % 4];
                let moved = |(j, c): (usize, &f64)| c + by * (shift[j] - shift[(j + 1) % k]);
                let center = &centers[i % 20];
                center.iter().enumerate().map(moved).collect::<Vec<f64>>()
            };
            let mixtures: Vec<Vec<f64>> = shifts.iter().enumerate().map(around).collect();
            let all: Vec<Vec<f64>> = (0..3).flat_map(|_| mixtures.clone()).collect();
            let found = number_mixtures(all.iter().map(Vec::as_slice));
            assert_eq!(found, by_comparison(&all), "{k} domains");
        }
    }

    #[test]
    fn a_cell_holds_few_mixtures() {
        // Comparing all with all would be 5e9 pairs.
        for k in [2, 3, 30] {
            let mixtures = Mixture::dirichlet(&vec![1.0; k], 100_000, 5).unwrap();
            let mut cells: HashMap<i64, usize> = HashMap::new();
            mixtures.iter().for_each(|h| *cells.entry(cell(h)).or_default() += 1);
            let pairs: usize = cells.values().map(|count| count * count).sum();
            assert!(pairs < 10_000_000, "{k} domains: {pairs}");
        }
        let grid = Mixture::grid(4, 60, 0.0).unwrap();
        let cells: std::collections::HashSet<i64> = grid.iter().map(|h| cell(h)).collect();
        assert!(2 * cells.len() > grid.len(), "{} of {}", cells.len(), grid.len());
    }

    /// Two runs of two domains at one size with the mixture of each row.
    fn sweep(runs: &[&str], d: &[f64], first: &[f64]) -> Result<Sweep, Error> {
        let p = runs.len();
        let h: Vec<f64> = first.iter().flat_map(|h| [*h, 1.0 - h]).collect();
        Sweep::builder(&["a", "b"], &["t"]).runs(runs).build(&vec![1e8; p], d, &h, &vec![3.0; p])
    }

    #[test]
    fn a_run_has_one_size_and_one_mixture() {
        let error = |n: &[f64], first: &[f64]| {
            let h: Vec<f64> = first.iter().flat_map(|h| [*h, 1.0 - h]).collect();
            let builder = Sweep::builder(&["a", "b"], &["t"]).runs(&["r", "s", "r", "r"]);
            builder.build(n, &[1e9, 1e9, 2e9, 3e9], &h, &[3.0; 4]).unwrap_err().to_string()
        };
        assert_eq!(
            error(&[1e8, 2e8, 1e8, 2e8], &[0.5; 4]),
            "row 0 and row 3: run `r` has `n_params` = 100000000 and 200000000, expected one size in \
             a run"
        );
        assert_eq!(
            error(&[1e8, 2e8, 1e8, 1e8], &[0.5, 0.25, 0.5, 0.25]),
            "row 0 and row 3: run `r` has `h_a` = 0.5 and 0.25, expected one mixture (within 1e-6) in \
             a run"
        );
        assert!(error(&[1e8; 4], &[1.0, 0.25, 1.0 - 1e-9, 1.0]).contains("`h_b` = 0 and"));
        assert!(sweep(&["r", "s", "r"], &[1e9, 1e9, 2e9], &[0.5, 0.25, 0.5 + 1e-9]).is_ok());
        // Another split is the same run.
        let split = Sweep::builder(&["a"], &["t"]).runs(&["r", "r"]).splits(&["train", "eval"]);
        assert!(split.build(&[1e8, 2e8], &[1e9, 2e9], &[1.0; 2], &[3.0; 2]).is_err());
    }

    #[test]
    fn a_part_of_a_run_is_a_run() {
        // Within 1e-6 of the first row, and not of each other.
        let s = sweep(
            &["r", "r", "r", "s"],
            &[1e9, 2e9, 3e9, 1e9],
            &[0.5, 0.5 + 0.9e-6, 0.5 - 0.9e-6, 0.1],
        );
        let s = s.unwrap();
        assert_eq!(s.mixture_numbers(), [0, 0, 0, 1]);
        let part = s.select(|row| row.d > 1e9).unwrap();
        assert_eq!(part.count_mixtures(), 1);
        assert!(part.check_runs().is_ok());
        assert!(sweep(&["r", "r"], &[1e9, 2e9], &[0.5, 0.5 + 2.1e-6]).is_err());
    }

    #[test]
    fn one_measurement_stands_once_unless_it_is_said_to_be_repeated() {
        let message = |runs: Option<&[&str]>| {
            let builder = Sweep::builder(&["a"], &["t"]);
            let builder = runs.into_iter().fold(builder, |builder, runs| builder.runs(runs));
            let (n, d, losses) = ([1e8; 3], [1e9, 2e9, 1e9], [3.0, 2.9, 9.0]);
            let repeated =
                builder.clone().repeated_measurements().build(&n, &d, &[1.0; 3], &losses);
            assert_eq!(repeated.unwrap().len(), 3);
            builder.build(&n, &d, &[1.0; 3], &losses).map_err(|error| error.to_string())
        };
        let unnamed = message(None).unwrap_err();
        assert!(unnamed.starts_with("row 0 and row 2: the same N, D and mixture"), "{unnamed}");
        assert!(unnamed.contains("`repeated_measurements()`"), "{unnamed}");
        let named = message(Some(&["r", "r", "r"])).unwrap_err();
        assert!(named.starts_with("row 0 and row 2: run `r` has D = 1000000000 twice"), "{named}");
        assert!(message(Some(&["r", "r", "s"])).is_ok());
        // Equal within the tolerance too.
        let h = [0.5, 0.5, 0.5 + 1e-9, 0.5 - 1e-9];
        let built = Sweep::new(&["a", "b"], &["t"], &[1e8; 2], &[1e9; 2], &h, &[3.0; 2]);
        assert!(matches!(built, Err(e) if matches!(e.kind(), ErrorKind::RowsDisagree { .. })));
    }
}
