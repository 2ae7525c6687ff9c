use super::linear_program::{self, Row};
use crate::error::{Error, ErrorKind};
use crate::linalg::{dot, fill_cheapest};
use crate::mixture::SUM_TOLERANCE;

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

/// Where `<cost, h>` is least among the mixtures within limits; `None` if there are none.
fn least_within(k: usize, limits: &[&Limit], cost: &[f64]) -> Option<Vec<f64>> {
    let (mut lower, mut upper) = (vec![0.0f64; k], vec![1.0f64; k]);
    let mut rows = vec![Row { a: vec![1.0; k], low: 1.0, high: 1.0 }];
    let group = |members: &[bool], low: f64, high: f64| {
        let a = members.iter().map(|m| f64::from(*m)).collect();
        Row { a, low, high }
    };
    for limit in limits {
        match &limit.kind {
            Kind::AtLeast(i, value) => lower[*i] = lower[*i].max(*value),
            Kind::AtMost(i, value) => upper[*i] = upper[*i].min(*value),
            Kind::GroupAtLeast(members, value) => rows.push(group(members, *value, 1.0)),
            Kind::GroupAtMost(members, value) => rows.push(group(members, 0.0, *value)),
        }
    }
    linear_program::minimize(cost, &lower, &upper, &rows)
}

/// Weights that can move by less than this are fixed; what breaks constraints by less keeps them. What
/// the crate returns keeps them to 1e-12.
const FIXED: f64 = 4e-13;

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
    pub(super) fn new(domains: &[String], limits: Vec<Limit>) -> Result<Self, Error> {
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
            return Err(ErrorKind::Infeasible { constraints: conflict(k, &all) }.into());
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
        // What two mixtures of the region have different weights of can move.
        let mut ends = vec![(f64::INFINITY, f64::NEG_INFINITY); k];
        for i in 0..k {
            let mut cost = vec![0.0; k];
            for sign in [1.0, -1.0] {
                cost[i] = sign;
                if ends[i].1 - ends[i].0 > FIXED {
                    break;
                }
                if let Some(h) = least_within(k, all, &cost) {
                    let both = ends.iter_mut().zip(h);
                    both.for_each(|(end, h)| *end = (end.0.min(h), end.1.max(h)));
                }
            }
            let (least, most) = ends[i];
            if most - least <= FIXED {
                let value = if least <= FIXED { 0.0 } else { least };
                (self.lower[i], self.upper[i]) = (value, value);
            }
        }
        let (lower, upper) = (&self.lower, &self.upper);
        self.groups.retain(|group| (0..k).any(|i| group.a[i] != 0.0 && lower[i] < upper[i]));
    }

    /// Number of domains.
    pub(crate) fn dim(&self) -> usize {
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

    /// By how much weights miss the constraint that they miss most, where the sum of one is a constraint
    /// too; 0 if they keep all, NaN if a weight is NaN.
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
    pub fn violation(&self, h: impl AsRef<[f64]>) -> f64 {
        let h = h.as_ref();
        assert_eq!(h.len(), self.dim(), "one weight for each domain");
        if h.iter().any(|h| h.is_nan()) {
            return f64::NAN;
        }
        let bounds = h.iter().zip(self.lower.iter().zip(&self.upper));
        let of_bounds = bounds.map(|(h, (lower, upper))| (lower - h).max(h - upper));
        let of_groups = self.groups.iter().map(|g| {
            let sum = dot(&g.a, h);
            (g.lower - sum).max(sum - g.upper)
        });
        let of_sum = (h.iter().sum::<f64>() - 1.0).abs();
        of_bounds.chain(of_groups).fold(of_sum, f64::max)
    }

    /// Whether weights keep all constraints as what the crate returns does.
    pub(super) fn keeps(&self, h: &[f64]) -> bool {
        self.violation(h) <= 1e-12
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

    /// Draws the bounds together as far as the sum of one allows, rounded outwards; false if nothing is
    /// left.
    pub(super) fn tighten(&mut self) -> bool {
        let (least, most): (f64, f64) = (self.lower.iter().sum(), self.upper.iter().sum());
        let rounding = self.dim() as f64 * f64::EPSILON;
        for i in 0..self.dim() {
            let (lower, upper) = (self.lower[i], self.upper[i]);
            self.upper[i] = upper.min(1.0 - (least - lower) + rounding).max(lower);
            self.lower[i] = lower.max(1.0 - (most - upper) - rounding).min(self.upper[i]);
        }
        let boxed = least <= 1.0 + FIXED && most >= 1.0 - FIXED;
        if !boxed || self.groups.is_empty() {
            return boxed;
        }
        self.least_vertex(&vec![0.0; self.dim()], &self.rows()).is_some()
    }

    /// About what a linear program over the region costs, in terms of sums.
    pub(super) fn program_cost(&self) -> usize {
        let rows = self.groups.len() + 1;
        if rows == 1 { 0 } else { self.dim() * (self.dim() + 2 * rows) * rows / 4 }
    }

    fn least_vertex(&self, cost: &[f64], rows: &[Row]) -> Option<Vec<f64>> {
        linear_program::minimize(cost, &self.lower, &self.upper, rows)
    }

    /// The sum and the groups as rows of a linear program.
    fn rows(&self) -> Vec<Row> {
        let groups = self.groups.iter();
        let groups = groups.map(|g| Row { a: g.a.clone(), low: g.lower, high: g.upper });
        let sum = Row { a: vec![1.0; self.dim()], low: 1.0, high: 1.0 };
        std::iter::once(sum).chain(groups).collect()
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
                let end = self.least_vertex(&cost, &rows)?;
                mean.iter_mut().zip(end).for_each(|(m, h)| *m += h / (2 * k) as f64);
            }
        }
        Some(mean)
    }

    /// Costs with the prices of the groups added, and the price of weight: what is dearer is wanted as
    /// little as its bounds allow, what is cheaper as much.
    pub(super) fn prices(&self, g: &[f64], multipliers: &[f64]) -> (Vec<f64>, f64) {
        let cost = self.priced(g, multipliers);
        let (_, price) = fill_cheapest(&cost, &self.lower, &self.upper);
        if price.is_finite() {
            return (cost, price);
        }
        // Where the lower bounds are all that there is, nothing is wanted above them.
        let least = cost.iter().copied().fold(f64::INFINITY, f64::min);
        (cost, least)
    }

    /// Costs with the prices of the groups added.
    fn priced(&self, g: &[f64], multipliers: &[f64]) -> Vec<f64> {
        let mut cost = g.to_vec();
        for (group, y) in self.groups.iter().zip(multipliers) {
            cost.iter_mut().zip(&group.a).for_each(|(c, a)| *c += y * a);
        }
        cost
    }

    /// Whether a mixture keeps all limits to 1e-6, which is how far the weights of a
    /// [`Mixture`](crate::Mixture) may be off a sum of one. What a solver returns keeps them to 1e-12.
    ///
    /// ```
    /// use mixlaw::{Mixture, simplex::Region};
    ///
    /// assert!(Region::simplex(2).contains(&Mixture::new(vec![0.3333333, 0.6666666])?));
    /// # Ok::<(), mixlaw::Error>(())
    /// ```
    #[must_use]
    pub fn contains(&self, h: impl AsRef<[f64]>) -> bool {
        // The sum of rounded weights is itself off by a few units in the last place.
        self.violation(h) <= SUM_TOLERANCE * (1.0 + 1e-9)
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
