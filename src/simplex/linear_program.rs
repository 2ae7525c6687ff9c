//! A small linear program: `min <c, x>` over `x >= 0` with rows `<a, x> <= b` or `= b`.
//!
//! The dense two-phase simplex method with Bland's rule, which cannot cycle. It is asked for a few
//! dozen rows, when a set of constraints is made; libraries for large sparse programs would bring a
//! second linear algebra with them.

/// A row `<a, x> <= b`, or `= b`.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) a: Vec<f64>,
    pub(super) b: f64,
    pub(super) equality: bool,
}

/// Entries of the tableau below this are zero: the data are ones and numbers up to one.
const PIVOT: f64 = 1e-11;
/// Costs below this are zero.
const COST: f64 = 1e-14;
/// Bland's rule ends by itself; rounding might not.
const MAX_PIVOTS: usize = 10_000;
/// Constraints that cannot be met together by less than this can.
const FEASIBLE: f64 = 1e-12;

/// Where the least value is; `None` if no x meets the rows.
pub(super) fn minimize(c: &[f64], rows: &[Row]) -> Option<Vec<f64>> {
    let n = c.len();
    // Columns: x, one slack for each inequality, one artificial variable for each row, and b.
    let slacks = rows.iter().filter(|row| !row.equality).count();
    let artificial = n + slacks;
    let width = artificial + rows.len() + 1;
    let mut tableau = vec![vec![0.0; width]; rows.len()];
    let mut basis = vec![0; rows.len()];
    let mut slack = n;
    for (r, (line, row)) in tableau.iter_mut().zip(rows).enumerate() {
        line[..n].copy_from_slice(&row.a);
        line[width - 1] = row.b;
        let mut start = artificial + r;
        if !row.equality {
            line[slack] = 1.0;
            if row.b >= 0.0 {
                start = slack;
            }
            slack += 1;
        }
        if row.b < 0.0 {
            line.iter_mut().for_each(|x| *x = -*x);
        }
        line[start] = 1.0;
        basis[r] = start;
    }
    // Phase 1 drives the artificial variables out, phase 2 minimises without them.
    let mut cost: Vec<f64> =
        (0..width).map(|j| f64::from(j >= artificial && j + 1 < width)).collect();
    reduce(&mut cost, &tableau, &basis);
    pivot_down(&mut cost, &mut tableau, &mut basis, width - 1);
    if -cost[width - 1] > FEASIBLE {
        return None;
    }
    for r in 0..basis.len() {
        // An artificial variable that is left at zero leaves for any other that can take its place.
        let other = (0..artificial).find(|&j| tableau[r][j].abs() > PIVOT);
        if let Some(j) = other.filter(|_| basis[r] >= artificial) {
            pivot(&mut cost, &mut tableau, &mut basis, r, j);
        }
    }
    cost = vec![0.0; width];
    cost[..n].copy_from_slice(c);
    reduce(&mut cost, &tableau, &basis);
    pivot_down(&mut cost, &mut tableau, &mut basis, artificial);
    let mut x = vec![0.0; n];
    for (line, &j) in tableau.iter().zip(&basis) {
        if j < n {
            x[j] = line[width - 1].max(0.0);
        }
    }
    Some(x)
}

/// Subtracts the rows of the basic variables from the cost, so that their own costs are zero.
fn reduce(cost: &mut [f64], tableau: &[Vec<f64>], basis: &[usize]) {
    for (line, &j) in tableau.iter().zip(basis) {
        let factor = cost[j];
        if factor != 0.0 {
            cost.iter_mut().zip(line).for_each(|(c, x)| *c -= factor * x);
        }
    }
}

/// Pivots until none of the first `columns` has a negative cost, or nothing bounds the descent.
fn pivot_down(cost: &mut [f64], tableau: &mut [Vec<f64>], basis: &mut [usize], columns: usize) {
    let b = cost.len() - 1;
    for _ in 0..MAX_PIVOTS {
        let Some(j) = (0..columns).find(|&j| cost[j] < -COST) else { return };
        let ratios = (0..tableau.len())
            .filter(|&r| tableau[r][j] > PIVOT)
            .map(|r| (r, tableau[r][b].max(0.0) / tableau[r][j]));
        let least = ratios.min_by(|(r, x), (s, y)| x.total_cmp(y).then(basis[*r].cmp(&basis[*s])));
        let Some((r, _)) = least else { return };
        pivot(cost, tableau, basis, r, j);
    }
}

fn pivot(cost: &mut [f64], tableau: &mut [Vec<f64>], basis: &mut [usize], r: usize, j: usize) {
    let factor = 1.0 / tableau[r][j];
    tableau[r].iter_mut().for_each(|x| *x *= factor);
    let line = tableau[r].clone();
    let others = tableau.iter_mut().enumerate().filter(|(s, _)| *s != r).map(|(_, other)| other);
    for other in others.map(Vec::as_mut_slice).chain([cost]) {
        let factor = other[j];
        if factor != 0.0 {
            other.iter_mut().zip(&line).for_each(|(x, y)| *x -= factor * y);
        }
    }
    basis[r] = j;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(a: &[f64], b: f64, equality: bool) -> Row {
        Row { a: a.to_vec(), b, equality }
    }

    #[test]
    fn a_textbook_program_is_solved() {
        // max 3x + 5y, x <= 4, 2y <= 12, 3x + 2y <= 18: (2, 6).
        let rows = [
            row(&[1.0, 0.0], 4.0, false),
            row(&[0.0, 2.0], 12.0, false),
            row(&[3.0, 2.0], 18.0, false),
        ];
        assert_eq!(minimize(&[-3.0, -5.0], &rows), Some(vec![2.0, 6.0]));
    }

    #[test]
    fn equalities_and_lower_bounds_need_the_first_phase() {
        // x + y + z = 1, z >= 0.25, x <= 0.5; the cheapest is x.
        let rows = [
            row(&[1.0, 1.0, 1.0], 1.0, true),
            row(&[0.0, 0.0, -1.0], -0.25, false),
            row(&[1.0, 0.0, 0.0], 0.5, false),
        ];
        assert_eq!(minimize(&[1.0, 3.0, 2.0], &rows), Some(vec![0.5, 0.0, 0.5]));
        let conflict = [rows[0].clone(), row(&[1.0, 1.0, 1.0], 0.9, false)];
        assert_eq!(minimize(&[1.0, 1.0, 1.0], &conflict), None);
    }

    #[test]
    fn redundant_equalities_do_no_harm() {
        let rows = [row(&[1.0, 1.0], 1.0, true), row(&[2.0, 2.0], 2.0, true)];
        assert_eq!(minimize(&[1.0, 0.0], &rows), Some(vec![0.0, 1.0]));
    }
}
