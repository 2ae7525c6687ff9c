//! Eq. (3) over many points at once.
//!
//! A sweep has few distinct mixtures, N and D, and many rows. Here a coefficient is evaluated once
//! for each distinct mixture and a power once for each distinct N or D (where the exponent depends on
//! h: for each distinct pair with a mixture). Points of one mixture and one N are a run: within it
//! only the D term differs, and a point costs one multiply-add. The gradient of a point is a
//! combination of the at most five gradients of its mixture's coefficients, so that sums over points
//! are sums of five numbers, or of 5 x 5 for the Gauss-Newton matrix, for each mixture. The options of a
//! law, which make the terms more than a sum, have loops of their own in `linked`.

mod linked;

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::ops::Range;

use super::coefficient::BoundCoefficient;
use super::power_law::{PowerLaw, Term};
use super::sealed::Token;
use super::{Batch, Points};
use crate::linalg::{dot, mirror_lower};
use linked::Linked;

/// The parts E, A, alpha, B and beta of every law, by their number.
const PARTS: usize = 5;
const E: usize = 0;
const A: usize = 1;
const ALPHA: usize = 2;
const B: usize = 3;
const BETA: usize = 4;
/// Those of laws with options: p and delta.
const P: usize = 5;
const DELTA: usize = 6;
const ALL: usize = 7;

/// Pairs of parts: the lower triangle of a matrix, row by row.
const PAIRS: usize = PARTS * (PARTS + 1) / 2;
const ALL_PAIRS: usize = ALL * (ALL + 1) / 2;

/// The number of the pair of parts a and b <= a.
const fn pair(a: usize, b: usize) -> usize {
    a * (a + 1) / 2 + b
}

/// Gradients are kept for so many mixtures that they are at most so many numbers; if that is all
/// mixtures, they serve the next call too.
const KEPT: usize = 1 << 16;

/// A [`PowerLaw`] bound to points.
pub(super) struct Grouped<'a> {
    mixtures: Vec<&'a [f64]>,
    /// Points in the order of their mixtures and, for one mixture, of their N.
    order: Vec<u32>,
    /// Where each run begins in that order, and where the runs of each mixture begin among the runs.
    first_point: Vec<u32>,
    first_run: Vec<u32>,
    /// The parts that the law has.
    parts: Vec<Part<'a>>,
    /// The value of every part at every mixture; zero for parts that the law has not. A constant
    /// exponent has one value for all, and so have p and delta.
    values: [Vec<f64>; ALL],
    /// `(N/N0)^-alpha` of the runs and `(D/D0)^-beta` of the points.
    n: Powers,
    d: Powers,
    /// The terms of each point, of a law with options.
    linked: Option<Linked>,
    /// The coordinates that all values belong to, once there are some.
    at: Vec<f64>,
    is_current: bool,
    gradients: Gradients,
    /// For each pair of parts a sum over the points of each mixture of a block.
    sums: Vec<f64>,
    /// One of them times one of the gradients' columns.
    scaled: Vec<f64>,
    /// The derivatives of the values along a step; empty until somebody asks.
    along: [Vec<[f64; 2]>; ALL],
}

/// A coefficient function bound to the mixtures.
struct Part<'a> {
    number: usize,
    /// Its coordinates among those of the law.
    at: Range<usize>,
    bound: Box<dyn BoundCoefficient + 'a>,
}

/// For each item the number of its key, in order of first appearance, and how many keys there are.
fn number<K: Hash + Eq>(keys: impl Iterator<Item = K>) -> (Vec<u32>, usize) {
    let mut seen = HashMap::new();
    let numbers = keys
        .map(|key| {
            let next = u32::try_from(seen.len()).expect("fewer than 2^32 points");
            *seen.entry(key).or_insert(next)
        })
        .collect();
    (numbers, seen.len())
}

/// Where the numbers of an ascending list change: the first place of each, and the end.
fn boundaries<T: PartialEq>(sorted: impl Iterator<Item = T>) -> Vec<u32> {
    let mut first = Vec::new();
    let mut last = None;
    let mut end = 0;
    for (i, item) in (0..).zip(sorted) {
        if last.as_ref() != Some(&item) {
            first.push(i);
            last = Some(item);
        }
        end = i + 1;
    }
    first.push(end);
    first
}

/// What belongs to a mixture in a list for all of them, or in a list of one for all.
fn at_mixture<T: Copy>(values: &[T], m: usize) -> T {
    values[m.min(values.len() - 1)]
}

/// A mixture as a key: equal bit for bit.
struct Bits<'a>(&'a [f64]);

impl Bits<'_> {
    fn bits(&self) -> impl Iterator<Item = u64> {
        self.0.iter().map(|w| w.to_bits())
    }
}

impl PartialEq for Bits<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.bits().eq(other.bits())
    }
}

impl Eq for Bits<'_> {}

impl Hash for Bits<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bits().for_each(|b| b.hash(state));
    }
}

/// ln x and `x^-exponent`.
#[derive(Clone, Copy, Default)]
struct Power {
    ln_x: f64,
    power: f64,
}

/// The powers of the distinct values of x, which is N/N0 or D/D0.
struct Powers {
    powers: Vec<Power>,
    /// Which of them belongs to a run or a point.
    slot: Vec<u32>,
    /// Where the slots of each mixture begin; empty if the exponent is constant and mixtures share
    /// their slots.
    first_slot: Vec<u32>,
}

impl Powers {
    /// Of a term that may be absent, for values of N or D and the number of the mixture of each,
    /// ascending.
    fn new(term: Option<&Term>, x: impl Iterator<Item = (f64, u32)> + Clone) -> Self {
        let Some(term) = term else {
            // One power of zero for all.
            let powers = vec![Power::default()];
            return Self { powers, slot: vec![0; x.count()], first_slot: Vec::new() };
        };
        let shared = term.exponent.function.is_constant();
        let owner = |m: u32| if shared { 0 } else { m };
        let (slot, count) = number(x.clone().map(|(x, m)| (owner(m), x.to_bits())));
        let mut powers = vec![Power::default(); count];
        let mut owners = vec![0; count];
        for ((x, m), &slot) in x.zip(&slot) {
            powers[slot as usize].ln_x = x.ln() - term.ln_scale;
            owners[slot as usize] = m;
        }
        let first_slot = if shared { Vec::new() } else { boundaries(owners.into_iter()) };
        Self { powers, slot, first_slot }
    }

    /// Whether one exponent is that of all mixtures.
    fn is_shared(&self) -> bool {
        self.first_slot.is_empty()
    }

    /// Brings the powers to the exponents of all mixtures.
    fn update(&mut self, exponents: &[f64]) {
        let fill = |powers: &mut [Power], exponent: f64| {
            powers.iter_mut().for_each(|p| p.power = (-exponent * p.ln_x).exp());
        };
        if self.is_shared() {
            return fill(&mut self.powers, exponents[0]);
        }
        for (slots, exponent) in self.first_slot.windows(2).zip(exponents) {
            fill(&mut self.powers[slots[0] as usize..slots[1] as usize], *exponent);
        }
    }

    /// The power of run or point `i`.
    fn get(&self, i: usize) -> Power {
        self.powers[self.slot[i] as usize]
    }
}

/// The gradients of the parts at a block of mixtures: for each coordinate of each part its
/// derivatives at all of them.
struct Gradients {
    columns: Vec<f64>,
    /// Mixtures in a block.
    block: usize,
    /// The gradient of one part at one mixture.
    row: Vec<f64>,
    /// The first mixture of the block that is there.
    first: Option<usize>,
}

impl Gradients {
    /// Room for the gradients of these parts, at blocks of so many mixtures.
    fn of(parts: &[Part<'_>], mixtures: usize) -> Self {
        let widths = || parts.iter().map(|part| part.at.len());
        let width: usize = widths().sum();
        let block = mixtures.min((KEPT / width.max(1)).max(1));
        Self {
            columns: vec![0.0; width * block],
            block,
            row: vec![0.0; widths().max().unwrap_or(0)],
            first: None,
        }
    }

    fn column(&self, i: usize, len: usize) -> &[f64] {
        &self.columns[i * self.block..][..len]
    }
}

/// The order in which points are gone through.
struct Layout<'a> {
    /// The distinct mixtures, and of each point the number of its own.
    mixtures: Vec<&'a [f64]>,
    mixture: Vec<u32>,
    order: Vec<u32>,
    first_point: Vec<u32>,
    first_run: Vec<u32>,
}

impl<'a> Layout<'a> {
    fn of(points: Points<'a>) -> Self {
        let (mixture, count) = number(points.iter().map(|(_, h)| Bits(h)));
        let (size, _) = number(points.iter().map(|(at, _)| at.n.to_bits()));
        let mut order: Vec<u32> = (0..).take(points.len()).collect();
        order.sort_by_key(|&i| (mixture[i as usize], size[i as usize]));

        let first_point =
            boundaries(order.iter().map(|&i| (mixture[i as usize], size[i as usize])));
        let runs = first_point[..first_point.len() - 1].iter().map(|&i| order[i as usize]);
        let first_run = boundaries(runs.map(|i| mixture[i as usize]));
        let mixtures = first_run[..count]
            .iter()
            .map(|&run| points.get(order[first_point[run as usize] as usize] as usize).1)
            .collect();
        Self { mixtures, mixture, order, first_point, first_run }
    }

    /// For each run a point of it.
    fn runs(&self) -> impl Iterator<Item = u32> + Clone {
        let firsts = &self.first_point[..self.first_point.len() - 1];
        firsts.iter().map(|&i| self.order[i as usize])
    }

    /// The powers of a term at the runs or points `of`, where `x` is their N or D.
    fn powers(
        &self,
        term: Option<&Term>,
        of: impl Iterator<Item = u32> + Clone,
        x: impl Fn(usize) -> f64 + Copy,
    ) -> Powers {
        Powers::new(term, of.map(|i| (x(i as usize), self.mixture[i as usize])))
    }
}

impl<'a> Grouped<'a> {
    pub(super) fn new(law: &'a PowerLaw, points: Points<'a>) -> Self {
        assert_eq!(points.domains(), law.domains.len(), "points of the law's domains");
        let layout = Layout::of(points);
        let n = layout.powers(law.n_term.as_ref(), layout.runs(), |i| points.get(i).0.n);
        let all = layout.order.iter().copied();
        let d = layout.powers(law.d_term.as_ref(), all, |i| points.get(i).0.d);
        let Layout { mixtures, order, first_point, first_run, .. } = layout;
        let parts: Vec<Part<'a>> = law
            .numbered_parts()
            .map(|(number, part)| Part {
                number,
                at: part.at.clone(),
                bound: part.function.bind(&mixtures, Token),
            })
            .collect();
        let gradients = Gradients::of(&parts, mixtures.len());
        let block = gradients.block;
        let values = std::array::from_fn(|number| {
            let is_shared = (number == ALPHA && n.is_shared())
                || (number == BETA && d.is_shared())
                || number >= PARTS;
            vec![0.0; if is_shared { 1 } else { mixtures.len() }]
        });
        let linked = law.has_options().then(|| {
            let runs = first_point[..first_point.len() - 1].iter();
            let n = runs.map(|&i| points.get(order[i as usize] as usize).0.n);
            Linked::new(law, n, order.len())
        });
        let pairs = if linked.is_some() { ALL_PAIRS } else { PAIRS };
        Self {
            mixtures,
            order,
            first_point,
            first_run,
            parts,
            values,
            n,
            d,
            linked,
            at: vec![0.0; law.coordinates.len()],
            is_current: false,
            gradients,
            sums: vec![0.0; pairs * block],
            scaled: vec![0.0; block],
            along: Default::default(),
        }
    }

    /// Brings all values to the coordinates `z`.
    fn update(&mut self, z: &[f64]) {
        assert_eq!(z.len(), self.at.len(), "one value for each coordinate");
        if self.is_current && self.at == z {
            return;
        }
        self.is_current = true;
        self.at.copy_from_slice(z);
        self.gradients.first = None;
        for Part { number, at, bound } in &mut self.parts {
            bound.values(&z[at.clone()], &self.mixtures, &mut self.values[*number]);
            match *number {
                ALPHA => self.n.update(&self.values[ALPHA]),
                BETA => self.d.update(&self.values[BETA]),
                _ => {}
            }
        }
        if self.linked.is_some() {
            self.update_linked();
        }
    }

    /// Fills the gradients of all parts at the mixtures of a block, if they are not there yet.
    fn fill_gradients(&mut self, mixtures: Range<usize>) {
        let Gradients { columns, block, row, first } = &mut self.gradients;
        if *first == Some(mixtures.start) {
            return;
        }
        *first = Some(mixtures.start);
        let mut from = 0;
        for Part { number, at, bound } in &mut self.parts {
            let row = &mut row[..at.len()];
            for (place, m) in mixtures.clone().enumerate() {
                let value = at_mixture(&self.values[*number], m);
                bound.gradient(&self.at[at.clone()], m, self.mixtures[m], value, row);
                row.iter().enumerate().for_each(|(i, g)| columns[(from + i) * *block + place] = *g);
            }
            from += at.len();
        }
    }

    /// The mixtures, block by block.
    fn blocks(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        let (count, block) = (self.mixtures.len(), self.gradients.block);
        (0..count).step_by(block.max(1)).map(move |first| first..(first + block).min(count))
    }

    fn runs(&self, m: usize) -> Range<usize> {
        self.first_run[m] as usize..self.first_run[m + 1] as usize
    }

    fn points(&self, run: usize) -> Range<usize> {
        self.first_point[run] as usize..self.first_point[run + 1] as usize
    }

    /// For each point of a run its weight, its power of D, and that times ln(D/D0).
    fn weighted_points(
        &self,
        run: usize,
        weights: &[f64],
    ) -> impl Iterator<Item = (f64, f64, f64)> {
        let points = self.points(run);
        let slots = &self.d.slot[points.clone()];
        self.order[points].iter().zip(slots).map(|(&i, &slot)| {
            let Power { ln_x, power } = self.d.powers[slot as usize];
            (weights[i as usize], power, power * ln_x)
        })
    }

    /// The derivatives of the losses of a run in E, A and alpha.
    fn run_derivatives(&self, m: usize, run: usize) -> [f64; 3] {
        let Power { ln_x, power } = self.n.get(run);
        [1.0, power, -self.values[A][m] * power * ln_x]
    }

    /// What [`Batch::gradient`] is, of sums over the points of each mixture. A copy for each kind of sums is
    /// faster than one that asks which they are.
    #[inline(never)]
    fn add_gradient<const COUNT: usize>(
        &mut self,
        weights: &[f64],
        out: &mut [f64],
        sums_at: impl Fn(&Self, usize, &[f64]) -> [f64; COUNT],
    ) {
        for mixtures in self.blocks() {
            self.fill_gradients(mixtures.clone());
            let (block, count) = (self.gradients.block, mixtures.len());
            for (place, m) in mixtures.enumerate() {
                let sums = sums_at(self, m, weights);
                sums.iter().enumerate().for_each(|(i, sum)| self.sums[i * block + place] = *sum);
            }
            let mut from = 0;
            for Part { number, at, .. } in &self.parts {
                let sums = &self.sums[number * block..][..count];
                for (i, out) in out[at.clone()].iter_mut().enumerate() {
                    *out += dot(sums, self.gradients.column(from + i, count));
                }
                from += at.len();
            }
        }
    }

    /// As [`Grouped::add_gradient`], of [`Batch::gauss_newton`].
    #[inline(never)]
    fn add_gauss_newton<const COUNT: usize>(
        &mut self,
        weights: &[f64],
        out: &mut [f64],
        sums_at: impl Fn(&Self, usize, &[f64]) -> [f64; COUNT],
    ) {
        let p = self.at.len();
        for mixtures in self.blocks() {
            self.fill_gradients(mixtures.clone());
            let (block, count) = (self.gradients.block, mixtures.len());
            for (place, m) in mixtures.enumerate() {
                let sums = sums_at(self, m, weights);
                sums.iter().enumerate().for_each(|(i, sum)| self.sums[i * block + place] = *sum);
            }
            let mut from_a = 0;
            for (nth, Part { number: a, at: at_a, .. }) in self.parts.iter().enumerate() {
                for i in 0..at_a.len() {
                    let column = self.gradients.column(from_a + i, count);
                    let mut from_b = 0;
                    for Part { number: b, at: at_b, .. } in &self.parts[..=nth] {
                        let sums = &self.sums[pair(*a, *b) * block..][..count];
                        let scaled = &mut self.scaled[..count];
                        for ((scaled, sum), g) in scaled.iter_mut().zip(sums).zip(column) {
                            *scaled = sum * g;
                        }
                        let others = if a == b { i + 1 } else { at_b.len() };
                        for j in 0..others {
                            let sum = dot(scaled, self.gradients.column(from_b + j, count));
                            out[(at_a.start + i) * p + at_b.start + j] += sum;
                        }
                        from_b += at_b.len();
                    }
                }
                from_a += at_a.len();
            }
        }
    }

    /// `sum_j weights_j dL_j/d(part)` over the points of mixture `m`.
    fn gradient_sums(&self, m: usize, weights: &[f64]) -> [f64; PARTS] {
        let mut sums = [0.0; PARTS];
        for run in self.runs(m) {
            let (mut one, mut power, mut power_ln) = (0.0, 0.0, 0.0);
            for (w, x, x_ln) in self.weighted_points(run, weights) {
                one += w;
                power += w * x;
                power_ln += w * x_ln;
            }
            let in_run = self.run_derivatives(m, run);
            (0..3).for_each(|a| sums[a] += one * in_run[a]);
            sums[B] += power;
            sums[BETA] -= self.values[B][m] * power_ln;
        }
        sums
    }

    /// `sum_j weights_j (dL_j/d(part a)) (dL_j/d(part b))` over the points of mixture `m`, for each
    /// pair of parts.
    fn gauss_newton_sums(&self, m: usize, weights: &[f64]) -> [f64; PAIRS] {
        let mut sums = [0.0; PAIRS];
        let b = self.values[B][m];
        for run in self.runs(m) {
            // Over 1, the power and its derivative in beta.
            let mut own = [0.0; 6];
            for (w, power, power_ln) in self.weighted_points(run, weights) {
                let slope = -b * power_ln;
                let (w_power, w_slope) = (w * power, w * slope);
                let terms =
                    [w, w_power, w_power * power, w_slope, w_slope * power, w_slope * slope];
                own.iter_mut().zip(terms).for_each(|(sum, term)| *sum += term);
            }
            let in_run = self.run_derivatives(m, run);
            for a in E..=ALPHA {
                (E..=a).for_each(|c| sums[pair(a, c)] += own[0] * in_run[a] * in_run[c]);
                sums[pair(B, a)] += own[1] * in_run[a];
                sums[pair(BETA, a)] += own[3] * in_run[a];
            }
            sums[pair(B, B)] += own[2];
            sums[pair(BETA, B)] += own[4];
            sums[pair(BETA, BETA)] += own[5];
        }
        sums
    }
}

impl Batch for Grouped<'_> {
    fn losses(&mut self, z: &[f64], out: &mut [f64]) {
        assert_eq!(out.len(), self.order.len(), "one loss for each point");
        self.update(z);
        if let Some(linked) = &self.linked {
            return self.linked_losses(linked, out);
        }
        for m in 0..self.mixtures.len() {
            for run in self.runs(m) {
                let base = self.values[E][m] + self.values[A][m] * self.n.get(run).power;
                let b = self.values[B][m];
                let points = self.points(run);
                for (&i, &slot) in self.order[points.clone()].iter().zip(&self.d.slot[points]) {
                    out[i as usize] = base + b * self.d.powers[slot as usize].power;
                }
            }
        }
    }

    fn gradient(&mut self, z: &[f64], weights: &[f64], out: &mut [f64]) {
        assert_eq!(weights.len(), self.order.len(), "one weight for each point");
        self.update(z);
        out.fill(0.0);
        match self.linked.take() {
            None => self.add_gradient(weights, out, Self::gradient_sums),
            Some(linked) => {
                let sums =
                    |own: &Self, m: usize, w: &[f64]| own.linked_gradient_sums(&linked, m, w);
                self.add_gradient(weights, out, sums);
                self.linked = Some(linked);
            }
        }
    }

    fn gauss_newton(&mut self, z: &[f64], weights: &[f64], out: &mut [f64]) {
        assert_eq!(weights.len(), self.order.len(), "one weight for each point");
        self.update(z);
        out.fill(0.0);
        match self.linked.take() {
            None => self.add_gauss_newton(weights, out, Self::gauss_newton_sums),
            Some(linked) => {
                let sums =
                    |own: &Self, m: usize, w: &[f64]| own.linked_gauss_newton_sums(&linked, m, w);
                self.add_gauss_newton(weights, out, sums);
                self.linked = Some(linked);
            }
        }
        mirror_lower(out, z.len());
    }

    fn second_derivatives(&mut self, z: &[f64], v: &[f64], out: &mut [f64], _: Token) {
        assert_eq!(out.len(), self.order.len(), "one number for each point");
        self.update(z);
        let count = self.mixtures.len();
        for (along, values) in self.along.iter_mut().zip(&self.values) {
            along.resize(values.len(), [0.0; 2]);
        }
        for Part { number, at, bound } in &mut self.parts {
            let (z, v) = (&z[at.clone()], &v[at.clone()]);
            bound.derivatives_along(
                z,
                v,
                &self.mixtures,
                &self.values[*number],
                &mut self.along[*number],
            );
        }
        if let Some(linked) = &self.linked {
            return self.linked_second_derivatives(linked, out);
        }
        for m in 0..count {
            let at = |level: usize| TermAlong {
                level: [self.values[level][m], self.along[level][m][0], self.along[level][m][1]],
                exponent: at_mixture(&self.along[level + 1], m),
            };
            let (in_n, in_d) = (at(A), at(B));
            for run in self.runs(m) {
                let base = self.along[E][m][1] + in_n.at(self.n.get(run));
                let points = self.points(run);
                for (&i, &slot) in self.order[points.clone()].iter().zip(&self.d.slot[points]) {
                    out[i as usize] = base + in_d.at(self.d.powers[slot as usize]);
                }
            }
        }
    }
}

/// The derivatives along a step of a term `level / x^exponent` at one mixture: those of the level of
/// order 0 to 2, and those of the exponent of order 1 and 2.
struct TermAlong {
    level: [f64; 3],
    exponent: [f64; 2],
}

impl TermAlong {
    /// The second derivative of the term at some x.
    fn at(&self, Power { ln_x, power }: Power) -> f64 {
        let (slope, second) = (-self.exponent[0] * ln_x, -self.exponent[1] * ln_x);
        let [level, level_slope, level_second] = self.level;
        power * (level_second + 2.0 * level_slope * slope + level * (slope * slope + second))
    }
}
