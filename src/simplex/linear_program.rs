//! A small linear program: `min <c, x>` with bounds on every x and rows `low <= <a, x> <= high`.
//!
//! The dense two-phase simplex method, with bounds kept outside of the tableau: it has one line for the
//! sum of the weights and one for each group, whatever the number of domains. Bland's rule, which cannot
//! cycle, takes over from the quicker choice of the steepest column. Libraries for large sparse programs
//! would bring a second linear algebra with them.

/// A row `low <= <a, x> <= high`.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) a: Vec<f64>,
    pub(super) low: f64,
    pub(super) high: f64,
}

/// Entries of the tableau below this are zero: the data are ones and numbers up to one.
const PIVOT: f64 = 1e-11;
/// Costs below this are zero.
const COST: f64 = 1e-14;
/// Pivots for each column with the steepest cost, and then with Bland's rule, which ends by itself;
/// rounding might not.
const STEEP_PIVOTS: usize = 4;
const MAX_PIVOTS: usize = 40;
/// Constraints that cannot be met together by less than this can.
const FEASIBLE: f64 = 4e-13;

/// Columns of nonbasic variables that are at zero; those at their upper bounds are turned around, so
/// that zero is there. The columns are x above its lower bound, one slack for each row, one artificial
/// variable for each row, and b.
struct Tableau {
    /// The number of x, and the column of the first artificial variable.
    n: usize,
    artificial: usize,
    lines: Vec<Vec<f64>>,
    cost: Vec<f64>,
    /// Of each line, the column of the variable that it belongs to.
    basis: Vec<usize>,
    /// How far each variable can rise from zero.
    room: Vec<f64>,
    /// Whether a variable is measured from its upper bound downwards.
    turned: Vec<bool>,
}

/// Where the least value is; `None` if no x meets bounds and rows.
pub(super) fn minimize(c: &[f64], lower: &[f64], upper: &[f64], rows: &[Row]) -> Option<Vec<f64>> {
    let is_empty = |(low, high): (&f64, &f64)| *low > high + FEASIBLE;
    if lower.iter().zip(upper).any(is_empty) || rows.iter().any(|r| is_empty((&r.low, &r.high))) {
        return None;
    }
    let mut tableau = Tableau::new(lower, upper, rows);
    if tableau.missing_after_first_phase() > FEASIBLE {
        return None;
    }
    tableau.second_phase(c);
    Some(tableau.solution(lower, upper))
}

impl Tableau {
    fn new(lower: &[f64], upper: &[f64], rows: &[Row]) -> Self {
        let (n, m) = (lower.len(), rows.len());
        let width = n + 2 * m + 1;
        let mut tableau = Self {
            n,
            artificial: n + m,
            lines: vec![vec![0.0; width]; m],
            cost: vec![0.0; width],
            basis: (0..m).map(|r| n + r).collect(),
            room: vec![f64::INFINITY; width],
            turned: vec![false; width],
        };
        for (room, (l, u)) in tableau.room.iter_mut().zip(lower.iter().zip(upper)) {
            *room = (u - l).max(0.0);
        }
        for (r, row) in rows.iter().enumerate() {
            let at_lower: f64 = row.a.iter().zip(lower).map(|(a, l)| a * l).sum();
            tableau.set_line(r, row, row.high - at_lower);
        }
        tableau
    }

    /// Line `r` with the right side `b`, its slack or else its artificial variable in the basis.
    fn set_line(&mut self, r: usize, row: &Row, b: f64) {
        let (slack, artificial, last) = (self.n + r, self.artificial + r, self.cost.len() - 1);
        let room = (row.high - row.low).max(0.0);
        let line = &mut self.lines[r];
        line[..self.n].copy_from_slice(&row.a);
        (line[slack], line[last]) = (1.0, b);
        self.room[slack] = room;
        if (0.0..=room).contains(&b) {
            return;
        }
        // The slack goes to the bound that is next, and the artificial variable takes what is missing.
        if b > room {
            self.turn(slack);
        }
        let line = &mut self.lines[r];
        if line[last] < 0.0 {
            line.iter_mut().for_each(|x| *x = -*x);
        }
        line[artificial] = 1.0;
        self.basis[r] = artificial;
    }

    /// Drives the artificial variables out, and says what is left of them.
    fn missing_after_first_phase(&mut self) -> f64 {
        let last = self.cost.len() - 1;
        self.cost[self.artificial..last].fill(1.0);
        self.reduce();
        self.pivot_down(last);
        let lines = self.lines.iter().zip(&self.basis).filter(|(_, j)| **j >= self.artificial);
        lines.map(|(line, _)| line[last]).sum()
    }

    /// Minimises `<c, x>` without the artificial variables.
    fn second_phase(&mut self, c: &[f64]) {
        let last = self.cost.len() - 1;
        self.room[self.artificial..last].fill(0.0);
        self.cost.fill(0.0);
        for (j, (cost, c)) in self.cost.iter_mut().zip(c).enumerate() {
            *cost = if self.turned[j] { -c } else { *c };
        }
        self.reduce();
        self.pivot_down(self.artificial);
    }

    /// The x of the basis, within their bounds.
    fn solution(&self, lower: &[f64], upper: &[f64]) -> Vec<f64> {
        let mut x = vec![0.0; self.n];
        for (line, &j) in self.lines.iter().zip(&self.basis) {
            if j < self.n {
                x[j] = line[self.cost.len() - 1].clamp(0.0, self.room[j]);
            }
        }
        let ends = lower.iter().zip(upper).zip(&self.turned);
        let place = |(x, ((l, u), turned)): (f64, ((&f64, &f64), &bool))| {
            if *turned { (u - x).max(*l) } else { (l + x).min(*u) }
        };
        x.into_iter().zip(ends).map(place).collect()
    }

    /// Subtracts the lines of the basic variables from the cost, so that their own costs are zero.
    fn reduce(&mut self) {
        for (line, &j) in self.lines.iter().zip(&self.basis) {
            let factor = self.cost[j];
            if factor != 0.0 {
                self.cost.iter_mut().zip(line).for_each(|(c, x)| *c -= factor * x);
            }
        }
    }

    /// Measures a nonbasic variable from its other bound.
    fn turn(&mut self, j: usize) {
        let (b, room) = (self.cost.len() - 1, self.room[j]);
        for line in self.lines.iter_mut().chain([&mut self.cost]) {
            line[b] -= line[j] * room;
            line[j] = -line[j];
        }
        self.turned[j] = !self.turned[j];
    }

    /// Measures the basic variable of a line from its other bound.
    fn turn_basic(&mut self, r: usize) {
        let (b, j) = (self.cost.len() - 1, self.basis[r]);
        let line = &mut self.lines[r];
        line.iter_mut().for_each(|x| *x = -*x);
        line[j] = 1.0;
        line[b] += self.room[j];
        self.turned[j] = !self.turned[j];
    }

    /// Pivots until none of the first `columns` has a negative cost.
    fn pivot_down(&mut self, columns: usize) {
        let b = self.cost.len() - 1;
        for step in 0..MAX_PIVOTS * b {
            let falls = |j: &usize| self.cost[*j] < -COST && self.room[*j] > 0.0;
            let falling = (0..columns).filter(falls);
            let next = if step < STEEP_PIVOTS * b {
                falling.min_by(|i, j| self.cost[*i].total_cmp(&self.cost[*j]))
            } else {
                falling.min()
            };
            let Some(j) = next else { return };
            // How far the variable can rise: until a basic one meets a bound, or it meets its own.
            let meets = |r: usize| {
                let (x, at, room) = (self.lines[r][j], self.lines[r][b], self.room[self.basis[r]]);
                if x > PIVOT {
                    (at.max(0.0) / x, false)
                } else if x < -PIVOT {
                    ((room - at).max(0.0) / -x, true)
                } else {
                    (f64::INFINITY, false)
                }
            };
            let least = (0..self.lines.len()).map(|r| (r, meets(r))).min_by(|(r, x), (s, y)| {
                x.0.total_cmp(&y.0).then(self.basis[*r].cmp(&self.basis[*s]))
            });
            match least {
                Some((r, (rise, from_above))) if rise < self.room[j] => {
                    if from_above {
                        self.turn_basic(r);
                    }
                    self.pivot(r, j);
                }
                _ if self.room[j].is_finite() => self.turn(j),
                _ => return,
            }
        }
    }

    fn pivot(&mut self, r: usize, j: usize) {
        let factor = 1.0 / self.lines[r][j];
        self.lines[r].iter_mut().for_each(|x| *x *= factor);
        let line = self.lines[r].clone();
        let others = self.lines.iter_mut().enumerate().filter(|(s, _)| *s != r);
        for other in others.map(|(_, other)| other).chain([&mut self.cost]) {
            let factor = other[j];
            if factor != 0.0 {
                other.iter_mut().zip(&line).for_each(|(x, y)| *x -= factor * y);
            }
        }
        self.basis[r] = j;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(a: &[f64], low: f64, high: f64) -> Row {
        Row { a: a.to_vec(), low, high }
    }

    #[test]
    fn a_textbook_program_is_solved() {
        // max 3x + 5y, x <= 4, 2y <= 12, 3x + 2y <= 18: (2, 6).
        let rows = [row(&[0.0, 2.0], -100.0, 12.0), row(&[3.0, 2.0], -100.0, 18.0)];
        let found = minimize(&[-3.0, -5.0], &[0.0; 2], &[4.0, 100.0], &rows);
        assert_eq!(found, Some(vec![2.0, 6.0]));
    }

    #[test]
    fn equalities_and_bounds_need_the_first_phase() {
        // x + y + z = 1, z >= 0.25, x <= 0.5; the cheapest is x.
        let sum = row(&[1.0, 1.0, 1.0], 1.0, 1.0);
        let (lower, upper) = ([0.0, 0.0, 0.25], [0.5, 1.0, 1.0]);
        let rows = [sum.clone()];
        assert_eq!(minimize(&[1.0, 3.0, 2.0], &lower, &upper, &rows), Some(vec![0.5, 0.0, 0.5]));
        assert_eq!(
            minimize(&[-1.0, -3.0, -2.0], &lower, &upper, &rows),
            Some(vec![0.0, 0.75, 0.25])
        );
        let conflict = [sum, row(&[1.0, 1.0, 1.0], 0.0, 0.9)];
        assert_eq!(minimize(&[1.0, 1.0, 1.0], &lower, &upper, &conflict), None);
        assert_eq!(minimize(&[1.0], &[0.5], &[0.4], &[]), None);
    }

    #[test]
    fn redundant_equalities_do_no_harm() {
        let rows = [row(&[1.0, 1.0], 1.0, 1.0), row(&[2.0, 2.0], 2.0, 2.0)];
        assert_eq!(minimize(&[1.0, 0.0], &[0.0; 2], &[1.0; 2], &rows), Some(vec![0.0, 1.0]));
    }

    #[test]
    fn random_programs_are_no_better_at_any_mixture_that_keeps_them() {
        use rand::rngs::Xoshiro256PlusPlus;
        use rand::{RngExt, SeedableRng};
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(5);
        for trial in 0..300 {
            let k = 2 + trial % 30;
            let designs = crate::Mixture::dirichlet(&vec![0.5; k], 40, trial as u64).unwrap();
            let inside = &designs[0];
            let mut rows = vec![Row { a: vec![1.0; k], low: 1.0, high: 1.0 }];
            for _ in 0..trial % 5 {
                let a: Vec<f64> = (0..k).map(|_| f64::from(rng.random_range(0..2u8))).collect();
                let sum: f64 = a.iter().zip(inside.iter()).map(|(a, h)| a * h).sum();
                let slack = |rng: &mut Xoshiro256PlusPlus| rng.random_range(0..3u8);
                let (low, high) = (f64::from(slack(&mut rng)), f64::from(slack(&mut rng)));
                rows.push(Row { a, low: sum - 0.2 * low, high: sum + 0.2 * high });
            }
            let lower: Vec<f64> = inside.iter().map(|h| h * rng.random_range(0.0..1.0)).collect();
            let upper: Vec<f64> = inside.iter().map(|h| h + rng.random_range(0.0..0.6)).collect();
            let cost: Vec<f64> = (0..k).map(|_| rng.random_range(-1.0..1.0)).collect();
            let keeps = |h: &[f64], room: f64| {
                let bounds = lower.iter().zip(&upper).zip(h);
                bounds.into_iter().all(|((l, u), h)| (l - room..=u + room).contains(h))
                    && rows.iter().all(|row| {
                        let sum: f64 = row.a.iter().zip(h).map(|(a, h)| a * h).sum();
                        (row.low - room..=row.high + room).contains(&sum)
                    })
            };
            let x = minimize(&cost, &lower, &upper, &rows).expect("there is a point inside");
            assert!(keeps(&x, 1e-13), "{trial}: {x:?}");
            let price = |h: &[f64]| -> f64 { h.iter().zip(&cost).map(|(h, c)| h * c).sum() };
            // From the point inside as far as possible to any other mixture.
            for other in &designs {
                for t in [1.0, 0.5, 0.25, 0.1, 0.01, 0.0] {
                    let h: Vec<f64> =
                        inside.iter().zip(other.iter()).map(|(a, b)| a + t * (b - a)).collect();
                    assert!(!keeps(&h, 0.0) || price(&h) >= price(&x) - 1e-12, "{trial}");
                }
            }
        }
    }
}
