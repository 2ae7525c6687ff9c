//! Domains that change: the runs that were made before stay.

use super::{Allowed, Row, Sweep};
use crate::error::{Error, ErrorKind, Place};

impl Sweep {
    /// The same runs with one domain in two parts, of which the first has the share `share(row)` of the
    /// weight and the second the rest: the share that it had of the data that the run was trained on. That
    /// is one number (`|_| 0.3`), or one for each run where the data changed, such as a column of one's
    /// own. The parts stand in the place of the domain, and one of them may have its name.
    ///
    /// Where the share is the same in all runs no law can tell the parts apart: that needs runs that vary
    /// it.
    ///
    /// # Errors
    /// [`ErrorKind::Unknown`] if there is no such domain, [`ErrorKind::Value`] with the row of a share
    /// outside of [0, 1], [`ErrorKind::RowsDisagree`] if a run has two of them,
    /// [`ErrorKind::Repeated`] and [`ErrorKind::Name`] for the names of the parts.
    ///
    /// ```
    /// use mixlaw::Sweep;
    ///
    /// let h = [0.5, 0.5, 0.8, 0.2];
    /// let sweep = Sweep::new(&["web", "code"], &["qa"], &[1e8; 2], &[1e9; 2], &h, &[3.0, 3.1])?;
    /// // A quarter of all web pages was forums.
    /// let split = sweep.split_domain("web", ["forums", "pages"], |_| 0.25)?;
    /// assert_eq!(split.domains(), ["forums", "pages", "code"]);
    /// assert_eq!(split.row(1).h, [0.2, 0.6000000000000001, 0.2]);
    /// assert_eq!(split.merge_domains(["forums", "pages"], "web")?.domains(), sweep.domains());
    /// # Ok::<(), mixlaw::Error>(())
    /// ```
    pub fn split_domain(
        &self,
        domain: &str,
        parts: [&str; 2],
        mut share: impl FnMut(Row<'_>) -> f64,
    ) -> Result<Sweep, Error> {
        let at = self.domain_number(domain)?;
        let mut h = Vec::with_capacity(self.h.len() + self.len());
        for (i, row) in self.rows().enumerate() {
            let share = share(row);
            if !(0.0..=1.0).contains(&share) {
                let kind = ErrorKind::Value {
                    value: share.to_string(),
                    expected: "a share of the domain from 0 to 1",
                };
                return Err(Error::from(kind).at(self.column_of(at)).at(self.place(i)));
            }
            let whole = row.h[at];
            h.extend_from_slice(&row.h[..at]);
            h.extend([whole * share, whole * (1.0 - share)]);
            h.extend_from_slice(&row.h[at + 1..]);
        }
        let mut domains = self.domains.clone();
        domains.splice(at..=at, parts.map(str::to_owned));
        self.with_domains(domains, h)
    }

    /// The same runs with two domains as one, whose weight is the sum of theirs. It stands in the place of
    /// the first, and may have the name of either. Runs whose mixtures differed in these two alone then
    /// have one mixture, and count as repeats of it ([`Sweep::noise`]).
    ///
    /// # Errors
    /// [`ErrorKind::Unknown`] if there is no such domain, [`ErrorKind::Repeated`] if both are the same one
    /// or the name is that of another domain, [`ErrorKind::Name`] if it is empty or has white space around
    /// it.
    ///
    /// ```
    /// use mixlaw::Sweep;
    ///
    /// let (domains, h) = (["c", "web", "rust"], [0.125, 0.75, 0.125]);
    /// let sweep = Sweep::new(&domains, &["qa"], &[1e8], &[1e9], &h, &[3.0])?;
    /// let merged = sweep.merge_domains(["c", "rust"], "code")?;
    /// assert_eq!(merged.domains(), ["code", "web"]);
    /// assert_eq!(merged.row(0).h, [0.25, 0.75]);
    /// # Ok::<(), mixlaw::Error>(())
    /// ```
    pub fn merge_domains(&self, domains: [&str; 2], into: &str) -> Result<Sweep, Error> {
        let [first, other] = domains.map(|name| self.domain_number(name));
        let (first, other) = (first?, other?);
        if first == other {
            let (kind, name) = ("domain", domains[0].to_owned());
            return Err(ErrorKind::Repeated { kind, name, group: None }.into());
        }
        let mut h = Vec::with_capacity(self.h.len());
        for row in self.rows() {
            h.extend(
                (0..row.h.len())
                    .filter(|i| *i != other)
                    .map(|i| if i == first { row.h[first] + row.h[other] } else { row.h[i] }),
            );
        }
        let mut names = self.domains.clone();
        into.clone_into(&mut names[first]);
        names.remove(other);
        self.with_domains(names, h)
    }

    /// The same runs without a domain that none of them used.
    ///
    /// # Errors
    /// [`ErrorKind::Unknown`] if there is no such domain, [`ErrorKind::Value`] with the first row in which
    /// its weight is not 0: without it the others would not sum to 1.
    ///
    /// ```
    /// use mixlaw::Sweep;
    ///
    /// let h = [0.5, 0.0, 0.5, 0.75, 0.0, 0.25];
    /// let domains = ["web", "books", "code"];
    /// let sweep = Sweep::new(&domains, &["qa"], &[1e8; 2], &[1e9; 2], &h, &[3.0, 3.1])?;
    /// assert_eq!(sweep.drop_domain("books")?.domains(), ["web", "code"]);
    /// assert_eq!(
    ///     sweep.drop_domain("web").unwrap_err().to_string(),
    ///     "row 0, column `h_web`: 0.5, expected 0 in all rows of a domain that is dropped"
    /// );
    /// # Ok::<(), mixlaw::Error>(())
    /// ```
    pub fn drop_domain(&self, domain: &str) -> Result<Sweep, Error> {
        let at = self.domain_number(domain)?;
        if let Some(i) = (0..self.len()).find(|&i| self.h(i)[at] != 0.0) {
            let kind = ErrorKind::Value {
                value: self.h(i)[at].to_string(),
                expected: "0 in all rows of a domain that is dropped",
            };
            return Err(Error::from(kind).at(self.column_of(at)).at(self.place(i)));
        }
        let mut names = self.domains.clone();
        names.remove(at);
        let others = self.rows().flat_map(|row| [&row.h[..at], &row.h[at + 1..]].concat());
        self.with_domains(names, others.collect())
    }

    fn domain_number(&self, name: &str) -> Result<usize, Error> {
        self.domains.iter().position(|domain| domain == name).ok_or_else(|| {
            let known = self.domains.clone();
            ErrorKind::Unknown { kind: "domain", name: name.to_owned(), known }.into()
        })
    }

    fn column_of(&self, domain: usize) -> Place {
        Place::Column(format!("h_{}", self.domains[domain]))
    }

    /// The same rows with other domains and their weights.
    fn with_domains(&self, domains: Vec<String>, h: Vec<f64>) -> Result<Sweep, Error> {
        Sweep { domains, h, ..self.clone() }
            .validated(Allowed { repeats: true, missing_losses: true })
    }
}
