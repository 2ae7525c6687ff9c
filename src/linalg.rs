//! The little linear algebra that fits and mixtures need: dense symmetric systems of at most some
//! hundred unknowns, stored row by row, and the least of a linear function of mixtures.

/// Copies the lower triangle of a `p x p` matrix to the upper one.
pub(crate) fn mirror_lower(matrix: &mut [f64], p: usize) {
    for i in 0..p {
        for j in 0..i {
            matrix[j * p + i] = matrix[i * p + j];
        }
    }
}

/// The inner product, summed in four lanes so that it need not wait for every sum.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let len = a.len().min(b.len());
    let (a, b) = (&a[..len], &b[..len]);
    let (a4, b4) = (a.chunks_exact(4), b.chunks_exact(4));
    let rest: f64 = a4.remainder().iter().zip(b4.remainder()).map(|(x, y)| x * y).sum();
    let mut lanes = [0.0; 4];
    for (a, b) in a4.zip(b4) {
        (0..4).for_each(|i| lanes[i] += a[i] * b[i]);
    }
    (lanes[0] + lanes[2]) + (lanes[1] + lanes[3]) + rest
}

/// Replaces the lower triangle of the leading `m x m` block of `a` (rows of length `stride`) by its
/// Cholesky factor; false if it is not positive definite.
pub(crate) fn cholesky(a: &mut [f64], m: usize, stride: usize) -> bool {
    for i in 0..m {
        let (done, rest) = a.split_at_mut(i * stride);
        let row = &mut rest[..=i];
        for j in 0..i {
            let other = &done[j * stride..=j * stride + j];
            row[j] = (row[j] - dot(&row[..j], &other[..j])) / other[j];
        }
        let pivot = row[i] - dot(&row[..i], &row[..i]);
        // NaN fails this comparison too.
        if !(pivot > 0.0 && pivot.is_finite()) {
            return false;
        }
        row[i] = pivot.sqrt();
    }
    true
}

/// Solves `L L^T x = b` in place for a factor made by [`cholesky`].
pub(crate) fn cholesky_solve(l: &[f64], m: usize, stride: usize, b: &mut [f64]) {
    for i in 0..m {
        b[i] = (b[i] - dot(&l[i * stride..i * stride + i], &b[..i])) / l[i * stride + i];
    }
    for i in (0..m).rev() {
        b[i] /= l[i * stride + i];
        let x = b[i];
        // Row by row, as the factor is stored.
        b[..i].iter_mut().zip(&l[i * stride..]).for_each(|(b, l)| *b -= x * l);
    }
}

/// More sweeps than any matrix of finite numbers needs: each squares how far it is from diagonal.
const MAX_SWEEPS: usize = 60;

/// The eigenvalues of a symmetric `p x p` matrix in descending order, by Jacobi's rotations; the
/// matrix is used up. Where it is positive definite and its diagonal is even, small eigenvalues are as
/// exact as its entries (Demmel and Veselić, 1992).
pub(crate) fn eigenvalues(a: &mut [f64], p: usize) -> Vec<f64> {
    for _ in 0..MAX_SWEEPS {
        let mut is_diagonal = true;
        for i in 1..p {
            for j in 0..i {
                let (x, y, z) = (a[i * p + i], a[i * p + j], a[j * p + j]);
                if y.is_nan() || y.abs() <= f64::EPSILON * (x * z).abs().sqrt() {
                    continue;
                }
                is_diagonal = false;
                // The smaller of the two angles that make a_ij zero.
                let ratio = 0.5 * (z - x) / y;
                let tangent = ratio.signum() / (ratio.abs() + ratio.hypot(1.0));
                let cosine = 1.0 / tangent.hypot(1.0);
                let sine = tangent * cosine;
                for k in (0..p).filter(|&k| k != i && k != j) {
                    let (u, v) = (a[i * p + k], a[j * p + k]);
                    let (u, v) = (cosine * u - sine * v, sine * u + cosine * v);
                    (a[i * p + k], a[k * p + i], a[j * p + k], a[k * p + j]) = (u, u, v, v);
                }
                (a[i * p + i], a[j * p + j]) = (x - tangent * y, z + tangent * y);
                (a[i * p + j], a[j * p + i]) = (0.0, 0.0);
            }
        }
        if is_diagonal {
            break;
        }
    }
    let mut values: Vec<f64> = (0..p).map(|i| a[i * p + i]).collect();
    values.sort_by(|a, b| b.total_cmp(a));
    values
}

/// The least `<cost, h>` over the mixtures between `lower` and `upper`: what is left above `lower`
/// goes to the cheapest domains first. Without room for it, it stays undistributed.
pub(crate) fn least_on_simplex(cost: &[f64], lower: &[f64], upper: &[f64]) -> f64 {
    fill_cheapest(cost, lower, upper).0
}

/// The same, and the cost of the domain that was filled last: the price of weight.
pub(crate) fn fill_cheapest(cost: &[f64], lower: &[f64], upper: &[f64]) -> (f64, f64) {
    let mut rest = 1.0;
    let mut total = 0.0;
    for (cost, lower) in cost.iter().zip(lower) {
        rest -= lower;
        // An absent domain costs nothing, even where its slope is infinite.
        total += if *lower > 0.0 { lower * cost } else { 0.0 };
    }
    let room = |i: usize| upper[i] - lower[i];
    let mut last = f64::NEG_INFINITY;
    let mut used = 0;
    // Few domains, and mostly one or two that are filled: no need to sort them.
    while rest > 0.0 && used < cost.len() {
        let above = |i: &usize| cost[*i] > last && room(*i) > 0.0;
        let Some(next) = (0..cost.len()).filter(above).map(|i| cost[i]).reduce(f64::min) else {
            break;
        };
        for i in (0..cost.len()).filter(|&i| cost[i] == next && room(i) > 0.0) {
            let share = room(i).min(rest).max(0.0);
            total += share * cost[i];
            rest -= share;
            used += 1;
        }
        last = next;
    }
    (total, last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    #[test]
    fn eigenvalues_are_those_of_numpy() {
        // numpy.linalg.eigvalsh of the Hilbert matrix 1/(i + j + 1) with i, j < 4.
        let mut hilbert: Vec<f64> = (0..16).map(|at| 1.0 / (at / 4 + at % 4 + 1) as f64).collect();
        let expected =
            [1.5002142800592426, 0.16914122022145003, 0.0067382736057606165, 9.670230402260835e-05];
        for (found, expected) in eigenvalues(&mut hilbert, 4).iter().zip(expected) {
            assert_relative_eq!(*found, expected, max_relative = 1e-11);
        }
        // Of either sign, with a zero on the diagonal.
        let mut mixed = [2.0, -1.0, 4.0, -1.0, 0.0, 3.0, 4.0, 3.0, -5.0];
        let expected = [3.8520847945285803, 1.193801199658487, -8.045885994187069];
        for (found, expected) in eigenvalues(&mut mixed, 3).iter().zip(expected) {
            assert_relative_eq!(*found, expected, max_relative = 1e-13);
        }
        assert_eq!(eigenvalues(&mut [], 0), Vec::<f64>::new());
        assert_eq!(eigenvalues(&mut [0.0; 4], 2), [0.0, 0.0]);
    }

    #[test]
    fn a_matrix_made_of_eigenvalues_has_them() {
        // Reflections at two planes turn a diagonal into a full matrix.
        let p = 60;
        let planted = |i: usize| 10f64.powf(2.0 - 0.1 * i as f64);
        let mut a = vec![0.0; p * p];
        (0..p).for_each(|i| a[i * p + i] = planted(i));
        for plane in [2.0, 7.0] {
            let v: Vec<f64> = (0..p).map(|i| (plane * (i + 1) as f64).sin()).collect();
            let square = dot(&v, &v);
            for _side in 0..2 {
                for row in a.chunks_exact_mut(p) {
                    let c = 2.0 * dot(row, &v) / square;
                    row.iter_mut().zip(&v).for_each(|(a, v)| *a -= c * v);
                }
                let turned: Vec<f64> = (0..p * p).map(|at| a[at % p * p + at / p]).collect();
                a = turned;
            }
        }
        mirror_lower(&mut a, p);
        for (i, found) in eigenvalues(&mut a, p).into_iter().enumerate() {
            // Rounding of the entries is relative to the largest.
            approx::assert_abs_diff_eq!(found, planted(i), epsilon = 1e-12 * planted(0));
        }
    }

    #[test]
    fn a_system_is_solved() {
        // Rows of stride 4, the leading 3 x 3 block of which is used.
        let a = [4.0, 2.0, -1.0, 9.0, 2.0, 5.0, 0.5, 9.0, -1.0, 0.5, 3.0, 9.0];
        let x = [1.0, -2.0, 0.5];
        let mut b: Vec<f64> = (0..3).map(|i| dot(&a[i * 4..i * 4 + 3], &x)).collect();
        let mut l = a;
        assert!(cholesky(&mut l, 3, 4));
        cholesky_solve(&l, 3, 4, &mut b);
        for (found, expected) in b.iter().zip(x) {
            assert_relative_eq!(*found, expected, max_relative = 1e-14);
        }
    }

    #[test]
    fn the_cheapest_domains_are_filled_first() {
        let (lower, upper) = ([0.1, 0.0, 0.2, 0.0], [0.5, 0.3, 0.4, 1.0]);
        // 0.1 and 0.2 are given; 0.3 goes to the cheapest domain, 0.4 to the next, and nothing is left.
        let (total, price) = fill_cheapest(&[2.0, 1.0, 4.0, 3.0], &lower, &upper);
        assert_relative_eq!(total, 0.5 * 2.0 + 0.3 + 0.2 * 4.0, max_relative = 1e-15);
        assert_eq!(price, 2.0);
        // A domain without weight may be infinitely dear.
        assert_eq!(least_on_simplex(&[f64::INFINITY, 1.0], &[0.0; 2], &[1.0; 2]), 1.0);
    }

    #[test]
    fn an_indefinite_matrix_is_refused() {
        assert!(!cholesky(&mut [1.0, 0.0, 2.0, 1.0], 2, 2));
        assert!(!cholesky(&mut [f64::NAN], 1, 1));
    }
}
