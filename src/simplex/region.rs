use super::linear_program::{self, Row};
use crate::error::SimplexError;
use crate::linalg::dot;
use crate::mixture::{Mixture, least_on_simplex};

/// The mixtures that a [`SimplexSolver`](super::SimplexSolver) may choose from: the simplex within
/// bounds on its weights and on sums over groups of them. Made by
/// [`Constraints::region`](super::Constraints::region); never empty.
#[derive(Debug, Clone, PartialEq)]
pub struct Region {
    lower: Vec<f64>,
    upper: Vec<f64>,
    groups: Vec<Group>,
    labels: Vec<[Option<String>; 2]>,
}

/// `lower <= <a, h> <= upper` with entries of `a` that are 0 and 1.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Group {
    pub(super) a: Vec<f64>,
    pub(super) lower: f64,
    pub(super) upper: f64,
    /// What people call the two sides.
    labels: [String; 2],
}

impl Group {
    /// The bound that a multiplier of this sign belongs to.
    pub(super) fn bound(&self, multiplier: f64) -> f64 {
        if multiplier < 0.0 { self.lower } else { self.upper }
    }

    pub(super) fn label(&self, multiplier: f64) -> &str {
        &self.labels[usize::from(multiplier >= 0.0)]
    }
}

/// One side of a constraint, with the words of whoever made it.
#[derive(Debug, Clone)]
pub(super) struct Limit {
    pub(super) label: String,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone)]
pub(super) enum Kind {
    AtLeast(usize, f64),
    AtMost(usize, f64),
    GroupAtLeast(Vec<bool>, f64),
    GroupAtMost(Vec<bool>, f64),
}

impl Kind {
    /// The limit as `<a, h> <= b`.
    fn row(&self, k: usize) -> (Vec<f64>, f64) {
        let one = |i: usize, sign: f64| {
            let mut a = vec![0.0; k];
            a[i] = sign;
            a
        };
        let all = |members: &[bool], sign: f64| -> Vec<f64> {
            members.iter().map(|m| if *m { sign } else { 0.0 }).collect()
        };
        match self {
            Self::AtLeast(i, value) => (one(*i, -1.0), -value),
            Self::AtMost(i, value) => (one(*i, 1.0), *value),
            Self::GroupAtLeast(members, value) => (all(members, -1.0), -value),
            Self::GroupAtMost(members, value) => (all(members, 1.0), *value),
        }
    }
}

/// Where `<cost, h>` is least among the mixtures within limits; `None` if there are none.
fn least_within(k: usize, limits: &[&Limit], cost: &[f64]) -> Option<Vec<f64>> {
    let sum = Row { a: vec![1.0; k], b: 1.0, equality: true };
    let rows: Vec<Row> = std::iter::once(sum)
        .chain(limits.iter().map(|limit| {
            let (a, b) = limit.kind.row(k);
            Row { a, b, equality: false }
        }))
        .collect();
    linear_program::minimize(cost, &rows)
}

/// Weights that can move by less than this are fixed.
const FIXED: f64 = 1e-12;

impl Region {
    /// All mixtures of `k` domains.
    ///
    /// # Panics
    /// If `k` is 0.
    #[must_use]
    pub fn simplex(k: usize) -> Self {
        assert!(k > 0, "a mixture needs at least one domain");
        let labels = (0..k).map(|i| [Some(format!("weight {i} >= 0")), None]).collect();
        Self { lower: vec![0.0; k], upper: vec![1.0; k], groups: Vec::new(), labels }
    }

    /// The mixtures of `domains` within limits.
    pub(super) fn new(domains: &[String], limits: Vec<Limit>) -> Result<Self, SimplexError> {
        let k = domains.len();
        let mut out = Self::simplex(k);
        for (label, domain) in out.labels.iter_mut().zip(domains) {
            label[0] = Some(format!("{domain} >= 0"));
        }
        for limit in &limits {
            match limit.kind {
                Kind::AtLeast(i, value) if value > out.lower[i] => {
                    out.lower[i] = value;
                    out.labels[i][0] = Some(limit.label.clone());
                }
                Kind::AtMost(i, value) if value < out.upper[i] => {
                    out.upper[i] = value;
                    out.labels[i][1] = Some(limit.label.clone());
                }
                Kind::GroupAtLeast(ref members, value) => {
                    let group = out.group(members);
                    if value > group.lower {
                        (group.lower, group.labels[0]) = (value, limit.label.clone());
                    }
                }
                Kind::GroupAtMost(ref members, value) => {
                    let group = out.group(members);
                    if value < group.upper {
                        (group.upper, group.labels[1]) = (value, limit.label.clone());
                    }
                }
                _ => {}
            }
        }
        let boxed = out.lower.iter().zip(&out.upper).all(|(l, u)| *l <= u + FIXED);
        // Bounds that cross by rounding are one.
        out.lower.iter_mut().zip(&out.upper).for_each(|(l, u)| *l = l.min(*u));
        let (least, most): (f64, f64) = (out.lower.iter().sum(), out.upper.iter().sum());
        let fits = boxed && least <= 1.0 + FIXED && most >= 1.0 - FIXED;
        let all: Vec<&Limit> = limits.iter().collect();
        if !fits || (!out.groups.is_empty() && least_within(k, &all, &vec![0.0; k]).is_none()) {
            return Err(SimplexError::Infeasible { conflict: conflict(k, &all) });
        }
        out.fix_what_cannot_move(k, &all);
        Ok(out)
    }

    /// The group of these members, a new one if there is none.
    fn group(&mut self, members: &[bool]) -> &mut Group {
        let a: Vec<f64> = members.iter().map(|m| f64::from(*m)).collect();
        let at = self.groups.iter().position(|g| g.a == a).unwrap_or(self.groups.len());
        if at == self.groups.len() {
            let labels = [String::new(), String::new()];
            self.groups.push(Group { a, lower: 0.0, upper: 1.0, labels });
        }
        &mut self.groups[at]
    }

    /// Fixes the weights to which the constraints leave one value, and forgets groups without others.
    fn fix_what_cannot_move(&mut self, k: usize, all: &[&Limit]) {
        if self.groups.is_empty() {
            let rest = 1.0 - self.lower.iter().sum::<f64>();
            let room = self.upper.iter().sum::<f64>() - 1.0;
            if rest <= FIXED {
                self.upper.clone_from(&self.lower);
            } else if room <= FIXED {
                self.lower.clone_from(&self.upper);
            }
            return;
        }
        for i in 0..k {
            let mut cost = vec![0.0; k];
            let mut end = |sign: f64| {
                cost[i] = sign;
                least_within(k, all, &cost).map_or(f64::NAN, |h| h[i])
            };
            let (least, most) = (end(1.0), end(-1.0));
            if most - least <= FIXED {
                let value = if least <= FIXED { 0.0 } else { least };
                (self.lower[i], self.upper[i]) = (value, value);
            }
        }
        let (lower, upper) = (&self.lower, &self.upper);
        self.groups.retain(|group| (0..k).any(|i| group.a[i] != 0.0 && lower[i] < upper[i]));
    }

    /// Number of domains.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.lower.len()
    }

    /// The least and the greatest weight that the bounds leave to domain `i`; groups may leave less.
    ///
    /// # Panics
    /// If there is no such domain.
    #[must_use]
    pub fn bounds(&self, i: usize) -> (f64, f64) {
        (self.lower[i], self.upper[i])
    }

    /// By how much weights break the worst of the constraints, the sum of one among them; 0 if they
    /// keep all.
    ///
    /// # Panics
    /// If `h` has another length.
    ///
    /// ```
    /// use mixlaw::simplex::Region;
    ///
    /// assert_eq!(Region::simplex(2).violation(&[0.25, 0.75]), 0.0);
    /// assert_eq!(Region::simplex(2).violation(&[-0.25, 1.25]), 0.25);
    /// ```
    #[must_use]
    pub fn violation(&self, h: &[f64]) -> f64 {
        assert_eq!(h.len(), self.dim(), "one weight for each domain");
        let bounds = h.iter().zip(self.lower.iter().zip(&self.upper));
        let of_bounds = bounds.map(|(h, (lower, upper))| (lower - h).max(h - upper));
        let of_groups = self.groups.iter().map(|g| {
            let sum = dot(&g.a, h);
            (g.lower - sum).max(sum - g.upper)
        });
        let of_sum = (h.iter().sum::<f64>() - 1.0).abs();
        of_bounds.chain(of_groups).fold(of_sum, f64::max)
    }

    /// Leaves the weight of domain `i` these bounds, which are its own or tighter.
    pub(super) fn set_bounds(&mut self, i: usize, lower: f64, upper: f64) {
        (self.lower[i], self.upper[i]) = (lower, upper);
    }

    pub(super) fn lower(&self) -> &[f64] {
        &self.lower
    }

    pub(super) fn upper(&self) -> &[f64] {
        &self.upper
    }

    pub(super) fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Whether the weight of domain `i` has one value only.
    pub(super) fn is_fixed(&self, i: usize) -> bool {
        self.lower[i] >= self.upper[i]
    }

    /// What people call the lower or the upper bound of domain `i`.
    pub(super) fn label(&self, i: usize, side: usize) -> String {
        let implied = || format!("weight {i} fixed by other constraints");
        self.labels[i][side].clone().unwrap_or_else(implied)
    }

    /// Draws the bounds together as far as the sum of one allows; false if nothing is left.
    pub(super) fn tighten(&mut self) -> bool {
        let (least, most): (f64, f64) = (self.lower.iter().sum(), self.upper.iter().sum());
        for i in 0..self.dim() {
            let (lower, upper) = (self.lower[i], self.upper[i]);
            self.upper[i] = upper.min(1.0 - (least - lower)).max(lower);
            self.lower[i] = lower.max(1.0 - (most - upper)).min(self.upper[i]);
        }
        let boxed = least <= 1.0 + FIXED && most >= 1.0 - FIXED;
        if !boxed || self.groups.is_empty() {
            return boxed;
        }
        linear_program::minimize(&vec![0.0; self.dim()], &self.rows()).is_some()
    }

    /// The constraints as rows of a linear program.
    fn rows(&self) -> Vec<Row> {
        let k = self.dim();
        let bounds = (0..k).flat_map(|i| {
            [Kind::AtLeast(i, self.lower[i]).row(k), Kind::AtMost(i, self.upper[i]).row(k)]
        });
        let groups = self.groups.iter().flat_map(|g| {
            let opposite = g.a.iter().map(|a| -a).collect();
            [(g.a.clone(), g.upper), (opposite, -g.lower)]
        });
        let sum = Row { a: vec![1.0; k], b: 1.0, equality: true };
        let limits = bounds.chain(groups).map(|(a, b)| Row { a, b, equality: false });
        std::iter::once(sum).chain(limits).collect()
    }

    /// A mixture as far inside as there is one: the mean of those with the least and the most of each
    /// domain. `None` if the region is empty.
    pub(super) fn middle(&self) -> Option<Vec<f64>> {
        let (k, rows) = (self.dim(), self.rows());
        let mut mean = vec![0.0; k];
        for i in 0..k {
            for sign in [1.0, -1.0] {
                let mut cost = vec![0.0; k];
                cost[i] = sign;
                let end = linear_program::minimize(&cost, &rows)?;
                mean.iter_mut().zip(end).for_each(|(m, h)| *m += h / (2 * k) as f64);
            }
        }
        Some(mean)
    }

    /// The least that `<g, h>` can be, from multipliers of the groups, negative ones for lower bounds: a
    /// bound by duality, sharp with the right multipliers.
    pub(super) fn least(&self, g: &[f64], multipliers: &[f64]) -> f64 {
        if self.groups.is_empty() {
            return least_on_simplex(g, &self.lower, &self.upper);
        }
        let used = self.groups.iter().zip(multipliers);
        let constant: f64 = used.map(|(group, y)| y * group.bound(*y)).sum();
        least_on_simplex(&self.priced(g, multipliers), &self.lower, &self.upper) - constant
    }

    /// Costs with the prices of the groups added.
    pub(super) fn priced(&self, g: &[f64], multipliers: &[f64]) -> Vec<f64> {
        let mut cost = g.to_vec();
        for (group, y) in self.groups.iter().zip(multipliers) {
            cost.iter_mut().zip(&group.a).for_each(|(c, a)| *c += y * a);
        }
        cost
    }

    /// Whether a mixture keeps all limits.
    #[must_use]
    pub fn contains(&self, h: &Mixture) -> bool {
        self.violation(h) <= FIXED
    }
}

/// Limits that cannot be kept together, none of which could be left out for that: those that are
/// still needed after trying to do without each of them in turn.
fn conflict(k: usize, limits: &[&Limit]) -> Vec<String> {
    let mut kept = limits.to_vec();
    for i in (0..kept.len()).rev() {
        let mut without = kept.clone();
        without.remove(i);
        if least_within(k, &without, &vec![0.0; k]).is_none() {
            kept = without;
        }
    }
    kept.into_iter().map(|limit| limit.label.clone()).collect()
}
