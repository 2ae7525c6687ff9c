//! Sweeps from rows of any type, by a closure for each column.

use super::{Sweep, SweepBuilder};
use crate::error::Error;
use crate::scale::Scale;

/// A sweep to be made from rows of a type of yours; by [`Sweep::from_rows`].
#[derive(Debug, Clone)]
pub struct SweepRows<R> {
    rows: Vec<R>,
    scales: Vec<Scale>,
    /// Of each domain, one weight for each row.
    weights: Vec<Vec<f64>>,
    /// Of each target, one loss for each row.
    losses: Vec<Vec<f64>>,
    builder: SweepBuilder,
}

impl Sweep {
    /// A sweep from rows of any type: a vector of structs, a query, or the numbers of the rows of a table of
    /// another crate. `scale` gives N and D of a row; the other columns are given by a closure each, those
    /// of [`run`](SweepRows::run) and [`split`](SweepRows::split) where there are any.
    ///
    /// `rows` gives what is cheap to copy: a reference to each row, or its number.
    ///
    /// ```
    /// use mixlaw::{Scale, Sweep};
    ///
    /// struct MyRun {
    ///     name: String,
    ///     params: f64,
    ///     tokens: u64,
    ///     code: f64,
    ///     python_bits: f64,
    /// }
    /// let run = |name: &str, tokens, code, python_bits| MyRun {
    ///     name: name.to_owned(), params: 4e8, tokens, code, python_bits,
    /// };
    /// let runs = vec![run("a", 2_000_000_000, 0.3, 3.1), run("b", 2_000_000_000, 0.5, 2.9)];
    ///
    /// let sweep = Sweep::from_rows(&runs, |run| Scale { n: run.params, d: run.tokens as f64 })
    ///     .run(|run| &run.name)
    ///     .domain("web", |run| 1.0 - run.code)
    ///     .domain("code", |run| run.code)
    ///     .target("python", |run| run.python_bits * std::f64::consts::LN_2)
    ///     .build()?;
    /// assert_eq!((sweep.len(), sweep.row(1).run), (2, "b"));
    /// assert_eq!(sweep.row(1).h, [0.5, 0.5]);
    /// # Ok::<(), mixlaw::Error>(())
    /// ```
    ///
    /// Domains that are not known when the program is written, and losses that may be missing:
    ///
    /// ```
    /// use std::collections::BTreeMap;
    /// use mixlaw::{Scale, Sweep};
    ///
    /// let weights = |code: f64| BTreeMap::from([("code", code), ("web", 1.0 - code)]);
    /// let rows = [(1e9, weights(0.2), Some(3.1)), (2e9, weights(0.2), None), (4e9, weights(0.2), Some(2.8))];
    /// let domains = rows[0].1.keys();
    /// let sweep = domains
    ///     .fold(Sweep::from_rows(&rows, |row| Scale { n: 1e8, d: row.0 }), |rows, domain| {
    ///         rows.domain(domain, |row| row.1[domain])
    ///     })
    ///     .target("qa", |row| row.2.unwrap_or(f64::NAN))
    ///     .target("web", |_| 3.0)
    ///     .missing_losses()
    ///     .build()?;
    /// assert_eq!(sweep.domains(), ["code", "web"]);
    /// assert_eq!(sweep.count_losses()[0], ("qa".to_owned(), 2));
    /// # Ok::<(), mixlaw::Error>(())
    /// ```
    #[must_use]
    pub fn from_rows<R: Copy>(
        rows: impl IntoIterator<Item = R>,
        scale: impl FnMut(R) -> Scale,
    ) -> SweepRows<R> {
        let rows: Vec<R> = rows.into_iter().collect();
        let scales = rows.iter().copied().map(scale).collect();
        let none: [&str; 0] = [];
        let builder = Sweep::builder(&none, &none);
        SweepRows { rows, scales, weights: Vec::new(), losses: Vec::new(), builder }
    }
}

impl<R: Copy> SweepRows<R> {
    /// A domain, and its weight h_i in each row.
    #[must_use]
    pub fn domain(mut self, name: impl AsRef<str>, weight: impl FnMut(R) -> f64) -> Self {
        self.builder.domains.push(name.as_ref().to_owned());
        self.weights.push(self.rows.iter().copied().map(weight).collect());
        self
    }

    /// A target, and its loss in each row, in nats per token; NaN where it is missing, if that is
    /// [accepted](SweepRows::missing_losses).
    #[must_use]
    pub fn target(mut self, name: impl AsRef<str>, loss: impl FnMut(R) -> f64) -> Self {
        self.builder.targets.push(name.as_ref().to_owned());
        self.losses.push(self.rows.iter().copied().map(loss).collect());
        self
    }

    /// The name of the run of each row. Without it the rows that share N and mixture are one run.
    #[must_use]
    pub fn run<S: AsRef<str>>(self, name: impl FnMut(R) -> S) -> Self {
        let names: Vec<S> = self.rows.iter().copied().map(name).collect();
        Self { builder: self.builder.runs(&names), ..self }
    }

    /// The name of the split of each row; [`TRAIN`](super::TRAIN) without it.
    #[must_use]
    pub fn split<S: AsRef<str>>(self, name: impl FnMut(R) -> S) -> Self {
        let names: Vec<S> = self.rows.iter().copied().map(name).collect();
        Self { builder: self.builder.splits(&names), ..self }
    }

    /// As [`SweepBuilder::repeated_measurements`].
    #[must_use]
    pub fn repeated_measurements(self) -> Self {
        Self { builder: self.builder.repeated_measurements(), ..self }
    }

    /// As [`SweepBuilder::missing_losses`].
    #[must_use]
    pub fn missing_losses(self) -> Self {
        Self { builder: self.builder.missing_losses(), ..self }
    }

    /// The sweep. Errors number the rows from 0, in the order in which they were given.
    ///
    /// # Errors
    /// As [`Sweep::new`] and [`SweepBuilder::build`].
    ///
    /// ```
    /// use mixlaw::{Scale, Sweep};
    ///
    /// let losses = [3.1, f64::INFINITY];
    /// let rows = Sweep::from_rows(0..2, |i| Scale { n: 1e8, d: 1e9 * (i + 1) as f64 });
    /// let error = rows.domain("web", |_| 1.0).target("qa", |i| losses[i]).build().unwrap_err();
    /// assert_eq!(error.to_string(), "row 1, column `loss_qa`: inf, expected a finite loss > 0");
    /// ```
    pub fn build(self) -> Result<Sweep, Error> {
        let n: Vec<f64> = self.scales.iter().map(|scale| scale.n).collect();
        let d: Vec<f64> = self.scales.iter().map(|scale| scale.d).collect();
        let by_row = |columns: &[Vec<f64>]| -> Vec<f64> {
            (0..n.len()).flat_map(|i| columns.iter().map(move |column| column[i])).collect()
        };
        self.builder.build(&n, &d, &by_row(&self.weights), &by_row(&self.losses))
    }
}
