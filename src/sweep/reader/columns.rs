//! Which columns of a file hold what.

use std::collections::HashSet;

use super::records::Cells;
use super::{Names, SweepReader, Weights};
use crate::error::{Error, ErrorKind, Place, cut};
use crate::sweep::columns::check_column;
use crate::sweep::{Origin, Sweep, check_names};

/// Which columns of the file hold what.
#[derive(Clone)]
pub(super) struct Columns {
    pub(super) header: Vec<String>,
    pub(super) run: Option<usize>,
    pub(super) split: Option<usize>,
    pub(super) n: usize,
    pub(super) d: usize,
    /// Column and name; none where the one domain has no column.
    pub(super) domains: Vec<(usize, String)>,
    pub(super) targets: Vec<(usize, String)>,
    /// Column and name of those of one's own.
    pub(super) own: Vec<(usize, String)>,
    /// Of each filter.
    pub(super) filters: Vec<usize>,
    /// Those whose cells must not be empty, in the order of the file, and whether they are losses.
    pub(super) needed: Vec<(usize, bool)>,
    pub(super) ignored: Vec<String>,
    /// The domain of a table without weights.
    domain: Option<String>,
}

/// A header, and what its columns were taken for so far.
struct Header<'a> {
    names: &'a [String],
    taken: Vec<Option<&'static str>>,
    ignore_case: bool,
}

impl Header<'_> {
    fn same(&self, a: &str, b: &str) -> bool {
        if self.ignore_case { a.eq_ignore_ascii_case(b) } else { a == b }
    }

    fn at(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|column| self.same(column, name))
    }

    fn missing(&self, name: String) -> Error {
        ErrorKind::Missing { kind: "column", name, found: self.names.to_vec() }.into()
    }

    fn need(&self, name: &str) -> Result<usize, Error> {
        self.at(name).ok_or_else(|| self.missing(name.to_owned()))
    }

    /// Notes that the column is this and nothing else.
    fn take(&mut self, i: usize, other: &'static str) -> Result<usize, Error> {
        match self.taken[i].replace(other) {
            None => Ok(i),
            Some(first) => {
                Err(ErrorKind::Ambiguous { name: self.names[i].clone(), first, other }.into())
            }
        }
    }

    /// The columns named one by one, whose names are taken before those of any prefix.
    fn singles(
        &mut self,
        names: &Names,
        what: &'static str,
    ) -> Result<Vec<(usize, String)>, Error> {
        let mut found = Vec::new();
        for (column, name) in &names.singles {
            let i = self.need(column)?;
            found.push((self.take(i, what)?, name.clone()));
        }
        Ok(found)
    }

    /// Adds the columns of the prefix, `taken` being what is no part of it.
    fn prefixed(
        &mut self,
        names: &Names,
        (what, example): (&'static str, &str),
        taken: &[bool],
        found: &mut Vec<(usize, String)>,
    ) -> Result<(), Error> {
        let Some(prefix) = names.prefix() else { return Ok(()) };
        let mut is_there = false;
        for i in (0..taken.len()).filter(|&i| !taken[i]) {
            let name = &self.names[i];
            let begin = name.get(..prefix.len()).filter(|begin| self.same(begin, prefix));
            if begin.is_some() {
                let name = name[prefix.len()..].to_owned();
                found.push((self.take(i, what)?, name));
                is_there = true;
            }
        }
        found.sort_unstable_by_key(|(i, _)| *i);
        if is_there { Ok(()) } else { Err(self.missing(format!("{prefix}<{example}>"))) }
    }
}

impl Columns {
    pub(super) fn find(names: Vec<String>, reader: &SweepReader) -> Result<Self, Error> {
        let ignore_case = reader.ignore_case;
        let mut seen = HashSet::new();
        let key =
            |name: &String| if ignore_case { name.to_ascii_lowercase() } else { name.clone() };
        if let Some(name) = names.iter().find(|name| !name.is_empty() && !seen.insert(key(name))) {
            let (kind, name) = ("column", name.clone());
            return Err(ErrorKind::Repeated { kind, name, group: None }.into());
        }
        let mut header = Header { names: &names, taken: vec![None; names.len()], ignore_case };
        let mut optional = |name: &Option<String>, default: &str, what| {
            let found = match name {
                None => header.at(default),
                Some(name) => Some(header.need(name)?),
            };
            found.map(|i| header.take(i, what)).transpose()
        };
        let run = optional(&reader.run, "run", "the run")?;
        let split = optional(&reader.split, "split", "the split")?;
        let mut need = |name: &str, what| header.need(name).and_then(|i| header.take(i, what));
        let (n, d) = (need(&reader.n, "N")?, need(&reader.d, "D")?);
        let mut domains = header.singles(&reader.weights, "a weight")?;
        let mut targets = header.singles(&reader.losses, "a loss")?;
        let mut own = Vec::new();
        for name in &reader.columns {
            check_column(name)?;
            let i = header.need(name)?;
            own.push((header.take(i, "a column of its own")?, name.clone()));
        }
        // What is named by itself belongs to no prefix; what belongs to two of them is an error.
        let taken: Vec<bool> = header.taken.iter().map(Option::is_some).collect();
        if reader.domain.is_none() {
            header.prefixed(&reader.weights, ("a weight", "domain"), &taken, &mut domains)?;
        }
        header.prefixed(&reader.losses, ("a loss", "target"), &taken, &mut targets)?;
        let filters = reader.filters.iter().map(|filter| header.need(&filter.column));
        let filters = filters.collect::<Result<Vec<usize>, Error>>()?;

        let mut needed: Vec<(usize, bool)> =
            run.into_iter().chain(split).chain([n, d]).map(|i| (i, false)).collect();
        needed.extend(domains.iter().map(|&(i, _)| (i, false)));
        needed.extend(targets.iter().map(|&(i, _)| (i, true)));
        needed.extend(own.iter().map(|&(i, _)| (i, false)));
        needed.sort_unstable();
        let is_ignored = |i: &usize| header.taken[*i].is_none() && !filters.contains(i);
        let ignored = (0..names.len()).filter(is_ignored).map(|i| match names[i].as_str() {
            "" => format!("column {} (no name)", i + 1),
            name => name.to_owned(),
        });
        let ignored = ignored.collect();
        let domain = reader.domain.clone();
        let header = names;
        let columns = Self {
            header,
            run,
            split,
            n,
            d,
            domains,
            targets,
            own,
            filters,
            needed,
            ignored,
            domain,
        };
        check_names("domain", &columns.domain_names())?;
        check_names("target", &columns.target_names())?;
        Ok(columns)
    }

    pub(super) fn domain_names(&self) -> Vec<String> {
        self.domain.iter().chain(self.domains.iter().map(|(_, name)| name)).cloned().collect()
    }

    pub(super) fn target_names(&self) -> Vec<String> {
        self.targets.iter().map(|(_, name)| name.clone()).collect()
    }

    /// A sweep of these columns without rows.
    pub(super) fn empty_sweep(&self, origin: Origin) -> Sweep {
        Sweep {
            domains: self.domain_names(),
            targets: self.target_names(),
            n: Vec::new(),
            d: Vec::new(),
            h: Vec::new(),
            losses: Vec::new(),
            columns: self.own.iter().map(|(_, name)| name.clone()).collect(),
            values: Vec::new(),
            runs: Vec::new(),
            splits: Vec::new(),
            origin,
            ignored: self.ignored.clone(),
        }
    }

    /// Puts the columns into the order of the first file's.
    pub(super) fn match_order(&mut self, first: &Columns, ignore_case: bool) -> Result<(), Error> {
        let same = |a: &str, b: &str| a == b || (ignore_case && a.eq_ignore_ascii_case(b));
        type Named = Vec<(usize, String)>;
        let differ = |what, first: Vec<String>, other| -> Error {
            ErrorKind::Mismatch { what, first, other }.into()
        };
        let order = |what, first: &Named, found: &mut Named| {
            let at = |name: &str| found.iter().position(|(_, other)| same(name, other));
            let order: Option<Vec<usize>> = first.iter().map(|(_, name)| at(name)).collect();
            let names = |list: &Named| list.iter().map(|(_, name)| name.clone()).collect();
            let order = order.filter(|order| order.len() == found.len());
            let order = order.ok_or_else(|| differ(what, names(first), names(found)))?;
            *found = order.into_iter().map(|i| found[i].clone()).collect();
            Ok::<(), Error>(())
        };
        order("the domains of the first file and this one", &first.domains, &mut self.domains)?;
        order("the targets of the first file and this one", &first.targets, &mut self.targets)?;
        // The rows of one file would get by default what those of the other say.
        let optional = |columns: &Columns| {
            let found = [(columns.run, "runs"), (columns.split, "splits")].map(|(column, what)| {
                format!("{} {what}", if column.is_some() { "with" } else { "without" })
            });
            found.to_vec()
        };
        if optional(first) != optional(self) {
            let what = "the columns of the first file and this one";
            return Err(differ(what, optional(first), optional(self)));
        }
        Ok(())
    }

    /// The column that a sweep calls so.
    fn called(&self, sweep: &Sweep, name: &str) -> Option<usize> {
        let of = |all: &[String], columns: &[(usize, String)], name: &str| {
            columns.get(all.iter().position(|other| other == name)?).map(|(i, _)| *i)
        };
        match (name.strip_prefix("h_"), name.strip_prefix("loss_")) {
            (Some(domain), _) => of(&sweep.domains, &self.domains, domain),
            (_, Some(target)) => of(&sweep.targets, &self.targets, target),
            _ if name == "n_params" => Some(self.n),
            _ if name == "n_tokens" => Some(self.d),
            _ => of(&sweep.columns, &self.own, name),
        }
    }

    /// The error of a row in the words of the file: its names of columns and, where the numbers of the
    /// sweep are not those of the cells, the cell. The line is named outside of it.
    pub(super) fn in_row(
        &self,
        error: Error,
        sweep: &Sweep,
        cells: Cells<'_>,
        reader: &SweepReader,
    ) -> Error {
        let number = |name: &str| self.called(sweep, name);
        error.edit(|kind, places| {
            places.retain(|place| !matches!(place, Place::Line(_) | Place::LineOf { .. }));
            for place in places {
                match (&mut *kind, &mut *place) {
                    (ErrorKind::Value { value, .. }, Place::Column(name)) => {
                        let column = number(name).expect("a column with a value");
                        let is_scale = column == self.n || column == self.d;
                        let is_plain = |(i, _): &(usize, String)| *i == column;
                        let is_plain = self.targets.iter().chain(&self.own).any(is_plain);
                        let is_scaled = match is_scale {
                            true => reader.units,
                            false => !is_plain && reader.weights_as != Weights::Fraction,
                        };
                        if is_scaled {
                            *value = format!("`{}`", cut(cells.get(column)));
                        }
                        name.clone_from(&self.header[column]);
                    }
                    (ErrorKind::WeightSum { tolerance, .. }, Place::Columns(names)) => {
                        *tolerance = tolerance.max(reader.normalize.unwrap_or(0.0));
                        *names =
                            self.domains.iter().map(|(i, _)| self.header[*i].clone()).collect();
                    }
                    _ => {}
                }
            }
        })
    }

    /// The error that two rows of a run contradict each other, in the file's names of columns.
    pub(super) fn in_contradiction(&self, error: Error) -> Error {
        let weights = self.domains.iter().map(|(i, domain)| (format!("h_{domain}"), *i));
        let names = std::iter::once(("n_params".to_owned(), self.n)).chain(weights);
        error.edit(|kind, _| {
            let ErrorKind::RowsDisagree { problem, .. } = kind else { return };
            let said = |name: &str| format!(" has `{}` = ", cut(name));
            if let Some((name, i)) =
                names.into_iter().find(|(name, _)| problem.contains(&said(name)))
            {
                *problem = problem.replacen(&said(&name), &said(&self.header[i]), 1);
            }
        })
    }
}
