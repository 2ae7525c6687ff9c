//! Checks for laws of your own, to be called from unit tests.
//!
//! ```
//! use mixlaw::law::{Auto, Coordinate, Formula, Scalar};
//! use mixlaw::testing::{assert_law_contract, check_gradient};
//! use mixlaw::Scales;
//!
//! /// `L = E + A/N^alpha`: blind to the tokens and to the mixture.
//! #[derive(Debug)]
//! struct SizeAlone;
//!
//! impl Formula for SizeAlone {
//!     fn name(&self) -> &str {
//!         "size-alone"
//!     }
//!
//!     fn coefficients(&self, _domains: &[String]) -> Vec<Coordinate> {
//!         vec![
//!             Coordinate::positive("E", 1e-6..=10.0),
//!             Coordinate::positive("A", 1e-6..=1e6).over_n("alpha"),
//!             Coordinate::positive("alpha", 0.03..=1.5),
//!         ]
//!     }
//!
//!     fn loss<S: Scalar>(&self, c: &[S], n: S, _d: S, _h: &[S]) -> S {
//!         c[0] + c[1] / n.powf(c[2])
//!     }
//! }
//!
//! let law = Auto::new(SizeAlone, &["web", "code"], Scales { n: 1e9, d: 2e10 })?;
//! assert_law_contract(&law);
//! assert!(check_gradient(&law, &[0.5, -1.0, -1.2], 4e8, 1e10, &[0.5, 0.5]) < 1e-7);
//! # Ok::<(), mixlaw::LawError>(())
//! ```

mod simplex;

pub use simplex::*;

use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;

use crate::law::{Gradient, Points, ScalingLaw, StartData};
use crate::mixture::Mixture;

/// Compares the gradient of a law at one point with central differences of its loss.
///
/// Returns the largest difference over all entries of z, h, ln N and ln D, relative to the entry and
/// to the loss: `|analytic - difference| / (|analytic| + |loss|)`. With exact gradients it is of the
/// order of 1e-8. Weights closer to 0 than the step, 1e-5, are left out.
///
/// # Panics
/// If `z` or `h` has the wrong length.
///
/// ```
/// use mixlaw::law::{ChinchillaLaw, ScalingLaw};
/// use mixlaw::testing::check_gradient;
/// use mixlaw::Scales;
///
/// let law = ChinchillaLaw::new(&["web"], Scales { n: 1e9, d: 2e10 })?;
/// let z = [0.5, -1.0, -1.2, -1.0, -1.3];
/// assert!(check_gradient(&law, &z, 4e8, 1e10, &[1.0]) < 1e-7);
/// # Ok::<(), mixlaw::LawError>(())
/// ```
#[must_use]
pub fn check_gradient(law: &dyn ScalingLaw, z: &[f64], n: f64, d: f64, h: &[f64]) -> f64 {
    const STEP: f64 = 1e-5;
    let mut gradient = Gradient::new(law);
    let loss = law.gradient(z, n, d, h, &mut gradient);
    let moved = |x: &[f64], i: usize, by: f64| {
        let mut x = x.to_vec();
        x[i] += by;
        x
    };
    let mut worst: f64 = (loss - law.loss(z, n, d, h)).abs() / loss.abs();
    let mut compare = |analytic: f64, f: &dyn Fn(f64) -> f64| {
        let difference = (f(STEP) - f(-STEP)) / (2.0 * STEP);
        let error = (analytic - difference).abs() / (analytic.abs() + loss.abs());
        // NaN must not pass.
        worst = if worst.is_nan() || error <= worst { worst } else { error };
    };
    for i in 0..z.len() {
        compare(gradient.z[i], &|by| law.loss(&moved(z, i, by), n, d, h));
    }
    for i in (0..h.len()).filter(|&i| h[i] > STEP) {
        compare(gradient.h[i], &|by| law.loss(z, n, d, &moved(h, i, by)));
    }
    compare(gradient.log_n, &|by| law.loss(z, n * by.exp(), d, h));
    compare(gradient.log_d, &|by| law.loss(z, n, d * by.exp(), h));
    worst
}

/// Checks what every law must keep, at starts that the law draws and at random points around its
/// reference scales:
///
/// * as many coordinates as a start has, all starts at a finite positive loss;
/// * gradients that agree with central differences (see [`check_gradient`]);
/// * coefficients that give the coordinates back;
/// * a batch that agrees with one point after the other: losses, gradient, Gauss-Newton matrix
///   and second derivatives along a step;
/// * on the faces of the simplex that [`ScalingLaw::check`] accepts, a loss that is not NaN, and a
///   gradient without NaN where the loss is finite;
/// * N, D and h that no law takes refused by [`ScalingLaw::check`].
///
/// # Panics
/// With a message that says what does not hold.
///
/// ```
/// use mixlaw::law::JointLaw;
/// use mixlaw::testing::assert_law_contract;
/// use mixlaw::Scales;
///
/// assert_law_contract(&JointLaw::new(&["web", "code", "books"], Scales { n: 1e9, d: 2e10 })?);
/// # Ok::<(), mixlaw::LawError>(())
/// ```
pub fn assert_law_contract(law: &dyn ScalingLaw) {
    let (k, p) = (law.domains().len(), law.coordinates().len());
    let scales = law.coordinates().scales();
    let name = law.name();
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
    let mixtures = Mixture::dirichlet(&vec![1.0; k], 6, 1).expect("a law has domains");

    let center = Mixture::uniform(k);
    let data = StartData { least_loss: 2.0, median_loss: 3.0, mixture: &center };
    for _ in 0..10 {
        let z = law.start(&data, &mut rng);
        assert_eq!(z.len(), p, "{name}: a start has one value for each coordinate");

        // Twelve points: mixtures, sizes and token counts repeat and mix.
        let mut n = Vec::new();
        let mut d = Vec::new();
        let mut h = Vec::new();
        for i in 0..12 {
            n.push(scales.n * [0.3, 1.0, 5.0][i % 3]);
            d.push(scales.d * [0.2, 1.0, 1.5, 9.0][i % 4]);
            h.extend_from_slice(&mixtures[(i * i) % 6]);
        }
        let points = Points::new(&n, &d, &h, k);
        let mut row = Gradient::new(law);
        let weights: Vec<f64> = (0..12).map(|i| f64::from(i) - 4.0).collect();
        let squares: Vec<f64> = weights.iter().map(|w| w * w).collect();
        let (mut gradient, mut matrix) = (vec![0.0; p], vec![0.0; p * p]);
        let (mut gradient_size, mut matrix_size) = (0.0, 0.0);
        let mut losses = vec![0.0; 12];
        for i in 0..12 {
            let (n, d, h) = points.get(i);
            assert_eq!(law.check(n, d, h), Ok(()), "{name}: an inner point is refused");
            let error = check_gradient(law, &z, n, d, h);
            assert!(
                error < 1e-6,
                "{name}: the gradient is off by {error:e} at {z:?}, {n}, {d}, {h:?}"
            );
            losses[i] = law.gradient(&z, n, d, h, &mut row);
            assert!(
                losses[i].is_finite() && losses[i] > 0.0,
                "{name}: loss {} at a start",
                losses[i]
            );
            for a in 0..p {
                gradient[a] += weights[i] * row.z[a];
                gradient_size += (weights[i] * row.z[a]).abs();
                for b in 0..p {
                    matrix[a * p + b] += squares[i] * row.z[a] * row.z[b];
                    matrix_size += (squares[i] * row.z[a] * row.z[b]).abs();
                }
            }
        }
        let mut batch = law.batch(points);
        let close = |what: &str, found: &[f64], expected: &[f64], size: f64| {
            for (found, expected) in found.iter().zip(expected) {
                assert!(
                    (found - expected).abs() <= 1e-12 * size,
                    "{name}: {what} of the batch is {found:e}, one by one it is {expected:e}"
                );
            }
        };
        let mut found = vec![0.0; 12];
        batch.losses(&z, &mut found);
        close("a loss", &found, &losses, 3.0);
        let mut found = vec![0.0; p];
        batch.gradient(&z, &weights, &mut found);
        close("the gradient", &found, &gradient, gradient_size);
        let mut found = vec![0.0; p * p];
        batch.gauss_newton(&z, &squares, &mut found);
        close("the Gauss-Newton matrix", &found, &matrix, matrix_size);

        // Along a step, the gradients' change in the direction of the step.
        let v: Vec<f64> = (0..p).map(|i| [1.0, -0.5, 0.25][i % 3]).collect();
        let mut found = vec![0.0; 12];
        batch.bends(&z, &v, &mut found);
        for (i, found) in found.into_iter().enumerate() {
            let (n, d, h) = points.get(i);
            let mut slope = |t: f64| -> f64 {
                let at: Vec<f64> = z.iter().zip(&v).map(|(z, v)| z + t * v).collect();
                law.gradient(&at, n, d, h, &mut row);
                row.z.iter().zip(&v).map(|(g, v)| g * v).sum()
            };
            let (t, size) = (1e-5, slope(0.0).abs() + losses[i]);
            let expected = (slope(t) - slope(-t)) / (2.0 * t);
            assert!(
                (found - expected).abs() <= 1e-6 * (size + expected.abs()),
                "{name}: a second derivative of the batch is {found:e}, by differences {expected:e}"
            );
        }

        // Corners, and mixtures of all domains but one.
        let faces = (0..k).flat_map(|i| {
            let corner: Vec<f64> = (0..k).map(|j| f64::from(j == i)).collect();
            let rest = 1.0 / (k as f64 - 1.0);
            let face: Vec<f64> = (0..k).map(|j| if j == i { 0.0 } else { rest }).collect();
            [corner, face]
        });
        for h in faces.filter(|h| law.check(scales.n, scales.d, h).is_ok()) {
            let loss = law.gradient(&z, scales.n, scales.d, &h, &mut row);
            let mut slopes = row.z.iter().chain(&row.h).chain([&row.log_n, &row.log_d]);
            let sound = !loss.is_nan() && (loss.is_infinite() || !slopes.any(|g| g.is_nan()));
            assert!(sound, "{name}: loss {loss}, NaN in it or in {row:?}, at {z:?}, h = {h:?}");
            let alone = law.loss(&z, scales.n, scales.d, &h);
            let same = alone == loss || (alone - loss).abs() <= 1e-12 * loss.abs();
            assert!(same, "{name}: loss {alone}, with its gradient {loss}, at h = {h:?}");
        }

        let coefficients = law.coefficients(&z);
        let named: Vec<(&str, f64)> = coefficients.iter().map(|(n, c)| (n.as_str(), *c)).collect();
        let back = law.coordinates_of(&named).unwrap_or_else(|e| panic!("{name}: {e}"));
        for (z, back) in z.iter().zip(&back) {
            let same = (z - back).abs() <= 1e-11 * (1.0 + z.abs());
            assert!(same, "{name}: coordinate {z} comes back from its coefficient as {back}");
        }
    }
    for (n, d, h) in [(0.0, 1.0, k), (-1.0, 1.0, k), (1.0, f64::NAN, k), (1.0, 1.0, k + 1)] {
        let refused = law.check(n, d, &vec![1.0 / h as f64; h]).is_err();
        assert!(refused, "{name}: N = {n}, D = {d} and {h} domain weights are accepted");
    }
}
