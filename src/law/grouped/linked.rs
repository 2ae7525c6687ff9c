//! Laws whose terms are coupled, or whose B grows with N: all terms of a point are needed for each of its
//! derivatives, so that these are found point by point, once for each z.

use super::{A, ALL, ALL_PAIRS, ALPHA, B, BETA, DELTA, E, Grouped, P, Power, at_mixture, pair};
use crate::law::coupling::{Coupling, second_along};
use crate::law::power_law::PowerLaw;

/// What is known of the terms of each point.
pub(super) struct Linked {
    /// ln(N/N0) and `(N/N0)^delta` of each run.
    growth: Vec<Power>,
    is_coupled: bool,
    /// Of each point, in the order of mixtures and runs.
    points: Vec<Coupling>,
}

impl Linked {
    /// For the N of each run, and so many points.
    pub(super) fn new(law: &PowerLaw, n: impl Iterator<Item = f64>, points: usize) -> Self {
        let ln_n0 = law.coordinates.scale().n.ln();
        let growth = n.map(|n| Power { ln_x: n.ln() - ln_n0, power: 1.0 }).collect();
        Self { growth, is_coupled: law.p.is_some(), points: vec![Coupling::default(); points] }
    }

    fn power(&self, p: f64) -> f64 {
        if self.is_coupled { p } else { 1.0 }
    }
}

/// What the sums over the points of a run are of: a constant, the derivatives in both terms, the second of
/// these times what is to be multiplied with B and beta, and the derivative in p.
const BASES: usize = 5;
/// The base of each part.
const BASE_OF: [usize; ALL] = [0, 1, 1, 2, 3, 4, 2];

impl Grouped<'_> {
    /// Brings the terms of all points to the values of the parts.
    pub(super) fn update_linked(&mut self) {
        let Some(mut linked) = self.linked.take() else { return };
        let (p, delta) = (linked.power(self.values[P][0]), self.values[DELTA][0]);
        linked.growth.iter_mut().for_each(|g| g.power = (delta * g.ln_x).exp());
        for m in 0..self.mixtures.len() {
            let [a, alpha, b, beta] = [A, ALPHA, B, BETA].map(|i| at_mixture(&self.values[i], m));
            let (ln_a, ln_b) = (a.ln(), b.ln());
            for run in self.runs(m) {
                let (of_n, growth) = (self.n.get(run), linked.growth[run]);
                let (t_n, ln_t_n) = (a * of_n.power, ln_a - alpha * of_n.ln_x);
                let ln_grown = ln_b + delta * growth.ln_x;
                for i in self.points(run) {
                    let Power { ln_x, power } = self.d.get(i);
                    let t_d = b * power * growth.power;
                    let ln_t_d = ln_grown - beta * ln_x;
                    linked.points[i] = Coupling::of_logarithms([t_n, t_d], [ln_t_n, ln_t_d], p);
                }
            }
        }
        self.linked = Some(linked);
    }

    pub(super) fn linked_losses(&self, linked: &Linked, out: &mut [f64]) {
        for m in 0..self.mixtures.len() {
            let base = self.values[E][m];
            for run in self.runs(m) {
                for i in self.points(run) {
                    out[self.order[i] as usize] = base + linked.points[i].value;
                }
            }
        }
    }

    /// The weight of each point of a run, and its derivatives in the bases.
    fn bases<'b>(
        &'b self,
        linked: &'b Linked,
        run: usize,
        weights: &'b [f64],
    ) -> impl Iterator<Item = (f64, [f64; BASES])> + 'b {
        let growth = linked.growth[run].power;
        self.points(run).map(move |i| {
            let Coupling { by, by_p, .. } = linked.points[i];
            let Power { ln_x, power } = self.d.get(i);
            let by_b = by[1] * growth * power;
            (weights[self.order[i] as usize], [1.0, by[0], by_b, by_b * ln_x, by_p])
        })
    }

    /// What the base of each part is to be multiplied with in a run.
    fn factors(&self, linked: &Linked, m: usize, run: usize) -> [f64; ALL] {
        let Power { ln_x, power } = self.n.get(run);
        let (a, b) = (self.values[A][m], self.values[B][m]);
        [1.0, power, -a * power * ln_x, 1.0, -b, 1.0, b * linked.growth[run].ln_x]
    }

    /// As [`Grouped::gradient_sums`].
    pub(super) fn linked_gradient_sums(
        &self,
        linked: &Linked,
        m: usize,
        weights: &[f64],
    ) -> [f64; ALL] {
        let mut sums = [0.0; ALL];
        for run in self.runs(m) {
            let mut own = [0.0; BASES];
            for (w, bases) in self.bases(linked, run, weights) {
                own.iter_mut().zip(bases).for_each(|(sum, base)| *sum += w * base);
            }
            let factors = self.factors(linked, m, run);
            (0..ALL).for_each(|part| sums[part] += factors[part] * own[BASE_OF[part]]);
        }
        sums
    }

    /// As [`Grouped::gauss_newton_sums`].
    pub(super) fn linked_gauss_newton_sums(
        &self,
        linked: &Linked,
        m: usize,
        weights: &[f64],
    ) -> [f64; ALL_PAIRS] {
        let mut sums = [0.0; ALL_PAIRS];
        for run in self.runs(m) {
            let mut own = [[0.0; BASES]; BASES];
            for (w, bases) in self.bases(linked, run, weights) {
                for (row, base) in own.iter_mut().zip(bases) {
                    row.iter_mut().zip(bases).for_each(|(sum, other)| *sum += w * base * other);
                }
            }
            let factors = self.factors(linked, m, run);
            for a in 0..ALL {
                for b in 0..=a {
                    let sum = own[BASE_OF[a]][BASE_OF[b]];
                    sums[pair(a, b)] += factors[a] * factors[b] * sum;
                }
            }
        }
        sums
    }

    /// The second derivatives along the step that the derivatives `along` are for.
    pub(super) fn linked_second_derivatives(&self, linked: &Linked, out: &mut [f64]) {
        let whole = |part: usize, m: usize| {
            let [slope, second] = at_mixture(&self.along[part], m);
            [at_mixture(&self.values[part], m), slope, second]
        };
        let ([_, delta_slope, delta_second], p) = (whole(DELTA, 0), whole(P, 0));
        let p = if linked.is_coupled { p } else { [1.0, 0.0, 0.0] };
        for m in 0..self.mixtures.len() {
            let parts = [E, A, ALPHA, B, BETA].map(|part| whole(part, m));
            let [bias, a, [_, alpha_slope, alpha_second], b, [_, beta_slope, beta_second]] = parts;
            for run in self.runs(m) {
                let (of_n, growth) = (self.n.get(run), linked.growth[run]);
                let exponent = [-alpha_slope * of_n.ln_x, -alpha_second * of_n.ln_x];
                let t_n = term_along(a, of_n.power, exponent);
                for i in self.points(run) {
                    let of_d = self.d.get(i);
                    let exponent = [
                        delta_slope * growth.ln_x - beta_slope * of_d.ln_x,
                        delta_second * growth.ln_x - beta_second * of_d.ln_x,
                    ];
                    let t_d = term_along(b, of_d.power * growth.power, exponent);
                    out[self.order[i] as usize] = bias[2] + second_along([t_n, t_d], p);
                }
            }
        }
    }
}

/// A term with its derivatives along a step, from those of its level, its power, and the derivatives of
/// the logarithm of that.
fn term_along(level: [f64; 3], power: f64, [slope, second]: [f64; 2]) -> [f64; 3] {
    let [value, level_slope, level_second] = level;
    [
        power * value,
        power * (level_slope + value * slope),
        power * (level_second + 2.0 * level_slope * slope + value * (slope * slope + second)),
    ]
}
