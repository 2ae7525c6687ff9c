//! Eq. (3) over many points at once.
//!
//! A sweep has few distinct mixtures, N and D, and many rows. Here a coefficient is evaluated once
//! for each distinct mixture, a power once for each distinct N or D (where the exponent depends on h:
//! for each distinct pair with a mixture), and a row costs two multiply-adds. The gradient of a row
//! is a combination of the at most five gradients of its mixture's coefficients, so that sums over
//! rows are sums of five numbers, or of 5 x 5 for the Gauss-Newton matrix, for each mixture.

use std::collections::HashMap;
use std::hash::Hash;

use super::power_law::{Part, PowerLaw, Term};
use super::{Batch, Points};

/// The parts E, A, alpha, B and beta.
const PARTS: usize = 5;

/// A [`PowerLaw`] bound to points.
#[derive(Clone)]
pub(super) struct Grouped<'a> {
    law: &'a PowerLaw,
    k: usize,
    /// Distinct mixtures, one after the other.
    mixtures: Vec<f64>,
    /// Points in the order of their mixtures, and where each mixture begins in it.
    order: Vec<u32>,
    first: Vec<usize>,
    n_term: Option<GroupedTerm<'a>>,
    d_term: Option<GroupedTerm<'a>>,
    /// E(h) of each mixture.
    bias: Vec<f64>,
    /// The coordinates that all values belong to.
    at: Vec<f64>,
    /// The gradient of each part, concatenated, at one mixture.
    gradients: Vec<f64>,
    /// Its derivatives in h, which nobody asks for.
    unused: Vec<f64>,
    /// A combination of the parts' gradients.
    row: Vec<f64>,
}

/// A term `level(h) / x^exponent(h)` bound to points.
#[derive(Clone)]
struct GroupedTerm<'a> {
    term: &'a Term,
    /// Distinct values of ln(x/x0), and the power of each.
    ln_x: Vec<f64>,
    power: Vec<f64>,
    /// Which of them belongs to a point, in the order of mixtures.
    slot: Vec<u32>,
    /// Where the slots of each mixture begin; empty if the exponent is constant and mixtures share
    /// their slots.
    first_slot: Vec<usize>,
    /// The level at each mixture.
    level: Vec<f64>,
}

/// For each item the number of its key, in order of first appearance.
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

impl<'a> GroupedTerm<'a> {
    /// Binds a term to the values `x` of points that are ordered by their mixture.
    fn new(term: &'a Term, x: impl Iterator<Item = f64> + Clone, mixture: &[u32]) -> Self {
        let shared = term.exponent.function.is_constant();
        let owner = |i: usize| if shared { 0 } else { mixture[i] };
        let (slot, count) = number(x.clone().enumerate().map(|(i, x)| (owner(i), x.to_bits())));
        let mut ln_x = vec![0.0; count];
        let mut first_slot = Vec::new();
        for (i, x) in x.enumerate() {
            ln_x[slot[i] as usize] = x.ln() - term.ln_scale;
            if !shared && (i == 0 || mixture[i] != mixture[i - 1]) {
                // Mixtures come one after the other, and so do their new slots.
                first_slot.push(slot[i] as usize);
            }
        }
        if !shared {
            first_slot.push(count);
        }
        let mixtures = mixture.last().map_or(0, |&m| m as usize + 1);
        Self { term, power: vec![0.0; count], ln_x, slot, first_slot, level: vec![0.0; mixtures] }
    }

    fn fill_powers(power: &mut [f64], ln_x: &[f64], exponent: f64) {
        power.iter_mut().zip(ln_x).for_each(|(p, x)| *p = (-exponent * x).exp());
    }

    fn update(&mut self, z: &[f64], mixtures: &[f64], k: usize) {
        for (level, h) in self.level.iter_mut().zip(mixtures.chunks_exact(k)) {
            *level = self.term.level.value(z, h);
        }
        if self.power.is_empty() {
            return;
        }
        if self.first_slot.is_empty() {
            let exponent = self.term.exponent.value(z, &mixtures[..k]);
            Self::fill_powers(&mut self.power, &self.ln_x, exponent);
            return;
        }
        for (slots, h) in self.first_slot.windows(2).zip(mixtures.chunks_exact(k)) {
            let exponent = self.term.exponent.value(z, h);
            let slots = slots[0]..slots[1];
            Self::fill_powers(&mut self.power[slots.clone()], &self.ln_x[slots], exponent);
        }
    }

    /// The derivatives of the loss of point `i` (in the order of mixtures) with respect to the level
    /// and the exponent.
    fn derivatives(&self, i: usize, mixture: usize) -> [f64; 2] {
        let slot = self.slot[i] as usize;
        let power = self.power[slot];
        [power, -self.level[mixture] * power * self.ln_x[slot]]
    }
}

impl<'a> Grouped<'a> {
    pub(super) fn new(law: &'a PowerLaw, points: Points<'a>) -> Self {
        let (p, k) = (law.coordinates.len(), law.domains.len());
        assert_eq!(points.domains(), k, "points of the law's domains");
        let all = || (0..points.len()).map(|i| points.get(i));
        let key = |h: &[f64]| h.iter().map(|w| w.to_bits()).collect::<Vec<u64>>();
        let (mixture, count) = number(all().map(|(_, _, h)| key(h)));
        let mut order: Vec<u32> = (0..mixture.len()).map(|i| i as u32).collect();
        order.sort_by_key(|&i| mixture[i as usize]);
        let mixture: Vec<u32> = order.iter().map(|&i| mixture[i as usize]).collect();
        let first: Vec<usize> =
            (0..=count).map(|m| mixture.partition_point(|&own| (own as usize) < m)).collect();
        let ordered = || order.iter().map(|&i| points.get(i as usize));
        let mixtures =
            first[..count].iter().flat_map(|&i| points.get(order[i] as usize).2).copied().collect();
        let bind = |term: &'a Option<Term>, x: fn((f64, f64, &'a [f64])) -> f64| {
            term.as_ref().map(|term| GroupedTerm::new(term, ordered().map(x), &mixture))
        };
        Self {
            k,
            mixtures,
            n_term: bind(&law.n_term, |(n, _, _)| n),
            d_term: bind(&law.d_term, |(_, d, _)| d),
            order,
            first,
            bias: vec![0.0; count],
            at: vec![f64::NAN; p],
            gradients: vec![0.0; law.parts().map(|part| part.at.len()).sum()],
            unused: vec![0.0; k],
            row: vec![0.0; p],
            law,
        }
    }

    /// Brings all values to the coordinates `z`.
    fn update(&mut self, z: &[f64]) {
        assert_eq!(z.len(), self.at.len(), "one value for each coordinate");
        if self.at == z {
            return;
        }
        self.at.copy_from_slice(z);
        for (bias, h) in self.bias.iter_mut().zip(self.mixtures.chunks_exact(self.k)) {
            *bias = self.law.bias.value(z, h);
        }
        for term in self.n_term.iter_mut().chain(&mut self.d_term) {
            term.update(z, &self.mixtures, self.k);
        }
    }

    /// The derivatives of the loss of point `i` (in the order of mixtures) with respect to the five
    /// parts; zero for those that are absent.
    fn derivatives(&self, i: usize, mixture: usize) -> [f64; PARTS] {
        let of = |term: &Option<GroupedTerm<'_>>| {
            term.as_ref().map_or([0.0; 2], |term| term.derivatives(i, mixture))
        };
        let ([a, alpha], [b, beta]) = (of(&self.n_term), of(&self.d_term));
        [1.0, a, alpha, b, beta]
    }

    /// The parts of the law with their number among the five.
    fn parts(&self) -> impl Iterator<Item = (usize, &'a Part)> + use<'a> {
        let law = self.law;
        let of = |first: usize, term: &'a Option<Term>| {
            let parts = term.as_ref().map(|t| [(first, &t.level), (first + 1, &t.exponent)]);
            parts.into_iter().flatten()
        };
        std::iter::once((0, &law.bias)).chain(of(1, &law.n_term)).chain(of(3, &law.d_term))
    }

    /// Fills the gradients of all parts at one mixture.
    fn fill_gradients(&mut self, mixture: usize) {
        let h = &self.mixtures[mixture * self.k..(mixture + 1) * self.k];
        self.gradients.fill(0.0);
        self.unused.fill(0.0);
        let mut from = 0;
        for (_, part) in self.parts() {
            let own = &mut self.gradients[from..from + part.at.len()];
            part.function.add_gradient(&self.at[part.at.clone()], h, 1.0, own, &mut self.unused);
            from += part.at.len();
        }
    }
}

impl Batch for Grouped<'_> {
    fn losses(&mut self, z: &[f64], out: &mut [f64]) {
        assert_eq!(out.len(), self.order.len(), "one loss for each point");
        self.update(z);
        for (m, range) in self.first.windows(2).enumerate() {
            for i in range[0]..range[1] {
                let value = |term: &Option<GroupedTerm<'_>>| {
                    term.as_ref().map_or(0.0, |t| t.level[m] * t.power[t.slot[i] as usize])
                };
                out[self.order[i] as usize] =
                    self.bias[m] + value(&self.n_term) + value(&self.d_term);
            }
        }
    }

    fn gradient(&mut self, z: &[f64], weights: &[f64], out: &mut [f64]) {
        assert_eq!(weights.len(), self.order.len(), "one weight for each point");
        self.update(z);
        out.fill(0.0);
        for m in 0..self.bias.len() {
            let mut sums = [0.0; PARTS];
            for i in self.first[m]..self.first[m + 1] {
                let w = weights[self.order[i] as usize];
                if w == 0.0 {
                    continue;
                }
                let derivatives = self.derivatives(i, m);
                sums.iter_mut().zip(derivatives).for_each(|(sum, d)| *sum += w * d);
            }
            if sums == [0.0; PARTS] {
                continue;
            }
            self.fill_gradients(m);
            let mut from = 0;
            for (part, Part { at, .. }) in self.parts() {
                let own = &self.gradients[from..from + at.len()];
                out[at.clone()].iter_mut().zip(own).for_each(|(o, g)| *o += sums[part] * g);
                from += at.len();
            }
        }
    }

    fn gauss_newton(&mut self, z: &[f64], weights: &[f64], out: &mut [f64]) {
        assert_eq!(weights.len(), self.order.len(), "one weight for each point");
        self.update(z);
        out.fill(0.0);
        let p = z.len();
        for m in 0..self.bias.len() {
            let mut sums = [[0.0; PARTS]; PARTS];
            for i in self.first[m]..self.first[m + 1] {
                let w = weights[self.order[i] as usize];
                if w == 0.0 {
                    continue;
                }
                let derivatives = self.derivatives(i, m);
                for (row, a) in sums.iter_mut().zip(derivatives) {
                    row.iter_mut().zip(derivatives).for_each(|(sum, b)| *sum += w * a * b);
                }
            }
            if sums == [[0.0; PARTS]; PARTS] {
                continue;
            }
            self.fill_gradients(m);
            let mut from_a = 0;
            for (a, Part { at: at_a, .. }) in self.parts() {
                // What multiplies the gradient of part a.
                self.row.fill(0.0);
                let mut from_b = 0;
                for (b, Part { at: at_b, .. }) in self.parts() {
                    let own = &self.gradients[from_b..from_b + at_b.len()];
                    let row = self.row[at_b.clone()].iter_mut();
                    row.zip(own).for_each(|(r, g)| *r += sums[a][b] * g);
                    from_b += at_b.len();
                }
                for (i, g) in at_a.clone().zip(&self.gradients[from_a..]) {
                    let lower = out[i * p..=i * p + i].iter_mut();
                    lower.zip(&self.row).for_each(|(o, r)| *o += g * r);
                }
                from_a += at_a.len();
            }
        }
        crate::linalg::mirror_lower(out, p);
    }
}
