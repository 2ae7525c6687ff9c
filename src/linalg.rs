//! The little linear algebra that a fit needs: dense symmetric systems of at most some hundred
//! unknowns, stored row by row.

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

#[cfg(test)]
mod tests {
    use super::*;

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
            approx::assert_relative_eq!(*found, expected, max_relative = 1e-14);
        }
    }

    #[test]
    fn an_indefinite_matrix_is_refused() {
        assert!(!cholesky(&mut [1.0, 0.0, 2.0, 1.0], 2, 2));
        assert!(!cholesky(&mut [f64::NAN], 1, 1));
    }
}
