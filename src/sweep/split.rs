//! Ways to split a sweep: by name, run, mixture or anything else of a row.

use std::hash::Hash;

use super::groups::group;
use super::{Row, Sweep};
use crate::error::{Error, ErrorKind};
use crate::streams::{self, Kind};

impl Sweep {
    /// The rows of one split, such as [`TRAIN`](super::TRAIN).
    ///
    /// # Errors
    /// [`ErrorKind::Unknown`] if no row belongs to it.
    ///
    /// ```
    /// # use mixlaw::Sweep;
    /// let sweep = Sweep::builder(&["a"], &["t"])
    ///     .splits(&["train", "eval"])
    ///     .build(&[1e8, 2e8], &[1e9; 2], &[1.0; 2], &[3.0, 2.9])?;
    /// assert_eq!(sweep.split("eval")?.len(), 1);
    /// assert!(sweep.split("test").is_err());
    /// # Ok::<(), mixlaw::Error>(())
    /// ```
    pub fn split(&self, name: &str) -> Result<Sweep, Error> {
        self.select(|row| row.split == name).map_err(|_| {
            let known = self.split_counts().into_iter().map(|(split, _)| split).collect();
            ErrorKind::Unknown { kind: "split", name: name.to_owned(), known }.into()
        })
    }

    /// The splits and how many rows each has, in order of appearance.
    #[must_use]
    pub fn split_counts(&self) -> Vec<(String, usize)> {
        let (names, members) = group(&self.splits);
        names.into_iter().cloned().zip(members.iter().map(Vec::len)).collect()
    }

    /// The rows for which `keep` returns true, in order. What is left out is the difference in
    /// [`Sweep::len`].
    ///
    /// # Errors
    /// [`ErrorKind::Empty`] if there are none.
    ///
    /// ```
    /// # use mixlaw::Sweep;
    /// # let sweep = Sweep::new(&["a"], &["t"], &[1e8, 4e8], &[1e9; 2], &[1.0; 2], &[3.0, 2.9])?;
    /// let small = sweep.select(|row| row.n <= 1e8)?;
    /// let large = sweep.select(|row| row.n > 1e8)?;
    /// assert_eq!((small.len(), large.len()), (1, 1));
    /// # Ok::<(), mixlaw::Error>(())
    /// ```
    pub fn select(&self, mut keep: impl FnMut(Row<'_>) -> bool) -> Result<Sweep, Error> {
        let rows: Vec<usize> = (0..self.len()).filter(|&i| keep(self.row(i))).collect();
        if rows.is_empty() {
            return Err(ErrorKind::Empty { what: "a selection of rows", part: "row" }.into());
        }
        Ok(self.take(&rows))
    }

    /// The rows of `count` runs drawn at random, and those of the others. The same seed draws the
    /// same runs; checkpoints of a run stay together.
    ///
    /// # Errors
    /// [`ErrorKind::EmptySplit`] if `count` is 0 or not less than the number of runs.
    pub fn split_by_run(&self, count: usize, seed: u64) -> Result<(Sweep, Sweep), Error> {
        self.split_groups("runs", &self.runs, count, seed)
    }

    /// The rows of `count` distinct mixtures drawn at random, and those of the others: how the paper
    /// tests a law on mixtures it has not seen. The same seed draws the same mixtures. Mixtures that
    /// agree within 1e-6 are one, as [`Sweep::count_mixtures`] counts them.
    ///
    /// # Errors
    /// [`ErrorKind::EmptySplit`] if `count` is 0 or not less than the number of distinct mixtures.
    ///
    /// ```
    /// # use mixlaw::Sweep;
    /// # let h = [0.1, 0.9, 0.1, 0.9, 0.5, 0.5, 0.8, 0.2];
    /// # let sweep =
    /// #     Sweep::new(&["a", "b"], &["t"], &[1e8; 4], &[1e9, 2e9, 1e9, 1e9], &h, &[3.0; 4])?;
    /// let (fit, test) = sweep.split_by_mixture(2, 0)?;
    /// assert!(fit.rows().all(|a| test.rows().all(|b| a.h != b.h)));
    /// # Ok::<(), mixlaw::Error>(())
    /// ```
    pub fn split_by_mixture(&self, count: usize, seed: u64) -> Result<(Sweep, Sweep), Error> {
        self.split_groups("mixtures", &self.mixture_numbers(), count, seed)
    }

    /// The distinct mixtures in `folds` parts, drawn at random and of equal number where that is
    /// possible: for each part the rows of the other mixtures, and its own.
    ///
    /// # Panics
    /// If there are fewer than two folds, or more than mixtures.
    pub(crate) fn folds_by_mixture(&self, folds: usize, seed: u64) -> Vec<(Sweep, Sweep)> {
        let numbers = self.mixture_numbers();
        let mixtures = self.count_mixtures();
        assert!((2..=mixtures).contains(&folds), "{folds} folds of {mixtures} mixtures");
        let mut places: Vec<usize> = (0..mixtures).collect();
        streams::stream(seed, Kind::Folds, 0).shuffle(&mut places);
        let of_fold = |fold: usize| {
            let (own, others): (Vec<usize>, Vec<usize>) =
                (0..self.len()).partition(|&i| places[numbers[i]] % folds == fold);
            (self.take(&others), self.take(&own))
        };
        (0..folds).map(of_fold).collect()
    }

    fn split_groups<K: Hash + Eq>(
        &self,
        kind: &str,
        keys: &[K],
        count: usize,
        seed: u64,
    ) -> Result<(Sweep, Sweep), Error> {
        let (_, members) = group(keys);
        let mut order: Vec<usize> = (0..members.len()).collect();
        streams::stream(seed, Kind::Split, 0).shuffle(&mut order);
        let mut first = vec![false; self.len()];
        for &g in order.iter().take(count) {
            members[g].iter().for_each(|&i| first[i] = true);
        }
        let drawn = format!("{count} of {} {kind}", members.len());
        self.partition([format!("in {drawn}"), format!("outside of {drawn}")], |i| first[i])
    }

    /// The rows that are `first`, and the others; errors call the two sides by their names.
    fn partition(
        &self,
        names: [String; 2],
        first: impl Fn(usize) -> bool,
    ) -> Result<(Sweep, Sweep), Error> {
        let (a, b): (Vec<usize>, Vec<usize>) = (0..self.len()).partition(|&i| first(i));
        for (rows, side) in [&a, &b].into_iter().zip(names) {
            if rows.is_empty() {
                return Err(ErrorKind::EmptySplit { side }.into());
            }
        }
        Ok((self.take(&a), self.take(&b)))
    }

    /// The rows with these numbers.
    pub(crate) fn take(&self, rows: &[usize]) -> Sweep {
        let pick = |of: &[f64], width: usize| -> Vec<f64> {
            rows.iter().flat_map(|&i| &of[i * width..(i + 1) * width]).copied().collect()
        };
        let names = |of: &[String]| rows.iter().map(|&i| of[i].clone()).collect();
        Sweep {
            domains: self.domains.clone(),
            targets: self.targets.clone(),
            n: pick(&self.n, 1),
            d: pick(&self.d, 1),
            h: pick(&self.h, self.domains.len()),
            losses: pick(&self.losses, self.targets.len()),
            columns: self.columns.clone(),
            values: pick(&self.values, self.columns.len()),
            runs: names(&self.runs),
            splits: names(&self.splits),
            origin: self.origin.select(rows),
            ignored: self.ignored.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::Sweep;

    /// 3 sizes x 4 mixtures x 2 token counts.
    fn sweep() -> Sweep {
        let (mut n, mut d, mut h, mut loss) = (vec![], vec![], vec![], vec![]);
        for size in [1e8, 2e8, 4e8] {
            for w in [0.1, 0.3, 0.5, 0.9] {
                for tokens in [1e9, 3e9] {
                    n.push(size);
                    d.push(tokens);
                    h.extend([w, 1.0 - w]);
                    loss.push(3.0);
                }
            }
        }
        Sweep::new(&["a", "b"], &["t"], &n, &d, &h, &loss).unwrap()
    }

    #[test]
    fn sides_are_disjoint_and_complete() {
        let s = sweep();
        for (a, b) in [
            (s.select(|row| row.n <= 2e8).unwrap(), s.select(|row| row.n > 2e8).unwrap()),
            s.split_by_run(5, 1).unwrap(),
            s.split_by_mixture(3, 1).unwrap(),
        ] {
            assert_eq!(a.len() + b.len(), s.len());
            let place = |side: &Sweep, i| side.place(i).to_string();
            let mut places: Vec<String> = (0..a.len())
                .map(|i| place(&a, i))
                .chain((0..b.len()).map(|i| place(&b, i)))
                .collect();
            places.sort();
            places.dedup();
            assert_eq!(places.len(), s.len());
        }
    }

    #[test]
    fn groups_stay_together() {
        let s = sweep();
        assert_eq!(s.select(|row| row.n <= 2e8).unwrap().len(), 16);
        let (a, b) = s.split_by_run(5, 9).unwrap();
        assert_eq!(a.len(), 10);
        assert!(a.rows().all(|x| b.rows().all(|y| x.run != y.run)));
        let (a, b) = s.split_by_mixture(1, 9).unwrap();
        assert_eq!(a.len(), 6);
        assert!(a.rows().all(|x| b.rows().all(|y| x.h != y.h)));
    }

    #[test]
    fn folds_are_a_partition_by_mixture() {
        let s = sweep();
        let folds = s.folds_by_mixture(3, 5);
        let sizes: Vec<(usize, usize)> = folds.iter().map(|(a, b)| (a.len(), b.len())).collect();
        // 4 mixtures of 6 rows in 3 folds: one of them has two.
        assert_eq!(sizes.iter().map(|x| x.1).max(), Some(12));
        assert!(sizes.iter().all(|(a, b)| a + b == 24 && *b >= 6));
        let mut places: Vec<String> =
            folds.iter().flat_map(|(_, b)| (0..b.len()).map(|i| b.place(i).to_string())).collect();
        places.sort();
        places.dedup();
        assert_eq!(places.len(), 24);
        assert!(folds.iter().all(|(a, b)| a.rows().all(|x| b.rows().all(|y| x.h != y.h))));
        assert_eq!(folds, s.folds_by_mixture(3, 5));
        assert!((0..9).any(|seed| s.folds_by_mixture(3, seed) != folds));
    }

    #[test]
    fn seeds_decide_and_repeat() {
        let s = sweep();
        assert_eq!(s.split_by_run(5, 4).unwrap(), s.split_by_run(5, 4).unwrap());
        let draws: Vec<Sweep> = (0..8).map(|seed| s.split_by_run(5, seed).unwrap().0).collect();
        assert!(draws.iter().any(|x| *x != draws[0]));
    }

    /// Draws may change only together with a value-breaking entry in the changelog.
    #[test]
    fn drawn_runs_are_stable_per_seed() {
        let (drawn, _) = sweep().split_by_run(3, 42).unwrap();
        let runs: Vec<&str> = drawn.rows().map(|row| row.run).step_by(2).collect();
        assert_eq!(runs, ["run0", "run6", "run11"]);
    }

    #[test]
    fn a_side_without_rows_is_refused() {
        let s = sweep();
        for count in [0, 12, 13] {
            let error = s.split_by_run(count, 0).unwrap_err().to_string();
            let side = if count == 0 { "in" } else { "outside of" };
            let expected = format!(
                "no row is {side} {count} of 12 runs, expected rows on both sides of a split"
            );
            assert_eq!(error, expected);
        }
        assert!(s.select(|_| false).is_err());
        let unknown = s.split("eval").unwrap_err().to_string();
        assert_eq!(unknown, "unknown split `eval`, expected one of: train");
    }
}
