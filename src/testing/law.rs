//! Checks of laws, and of the coefficient functions that they are composed of.

use crate::law::{
    CoefficientFn, Coordinate, Coordinates, Gradient, MixtureFunction, Points, ScalingLaw,
    StartData, at_scale, bind_function, function_at, second_derivatives,
};
use crate::mixture::Mixture;
use crate::random::Random;
use crate::scale::Scale;

/// By how much a variable moves for a central difference.
const STEP: f64 = 1e-5;

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
/// use mixlaw::Scale;
///
/// let law = ChinchillaLaw::new(&["web"], Scale { n: 1e9, d: 2e10 })?;
/// let z = [0.5, -1.0, -1.2, -1.0, -1.3];
/// assert!(check_gradient(&law, &z, Scale { n: 4e8, d: 1e10 }, &[1.0]) < 1e-7);
/// # Ok::<(), mixlaw::Error>(())
/// ```
#[must_use]
pub fn check_gradient(law: &dyn ScalingLaw, z: &[f64], at: Scale, h: &[f64]) -> f64 {
    worst_derivative(law, z, at, h).0
}

/// The largest difference of [`check_gradient`], and in words which entry it is of.
fn worst_derivative(law: &dyn ScalingLaw, z: &[f64], at: Scale, h: &[f64]) -> (f64, String) {
    let Scale { n, d } = at;
    let mut gradient = Gradient::new(law);
    let loss = law.gradient(z, at, h, &mut gradient);
    let alone = law.loss(z, at, h);
    let same = format!("the loss: {loss:e} with its gradient, {alone:e} without");
    let mut worst = ((loss - alone).abs() / loss.abs(), same);
    let mut compare = |what: &dyn Fn() -> String, analytic: f64, f: &dyn Fn(f64) -> f64| {
        let difference = derivative(f);
        let error = (analytic - difference).abs() / (analytic.abs() + loss.abs());
        // NaN must not pass.
        if !(worst.0.is_nan() || error <= worst.0) {
            let what = what();
            worst = (error, format!("{what}: {analytic:e}, by differences {difference:e}"));
        }
    };
    for i in 0..z.len() {
        let name = || format!("the derivative in coordinate `{}`", law.coordinates().get(i).name());
        compare(&name, gradient.z[i], &|by| law.loss(&moved(z, i, by), at, h));
    }
    for i in (0..h.len()).filter(|&i| h[i] > STEP) {
        let name = || format!("the derivative in the weight of domain `{}`", law.domains()[i]);
        compare(&name, gradient.h[i], &|by| law.loss(z, at, &moved(h, i, by)));
    }
    let ln = |x: &str| format!("the derivative in ln {x}");
    compare(&|| ln("N"), gradient.log_n, &|by| law.loss(z, Scale { n: n * by.exp(), d }, h));
    compare(&|| ln("D"), gradient.log_d, &|by| law.loss(z, Scale { n, d: d * by.exp() }, h));
    worst
}

/// The derivative of `f` at 0 by central differences of two steps, so that the error is of the fourth
/// order: a power of a small weight is curved within one step.
fn derivative(mut f: impl FnMut(f64) -> f64) -> f64 {
    let mut by = |step: f64| (f(step) - f(-step)) / (2.0 * step);
    (4.0 * by(0.5 * STEP) - by(STEP)) / 3.0
}

/// `x` with entry `i` moved.
fn moved(x: &[f64], i: usize, by: f64) -> Vec<f64> {
    let mut x = x.to_vec();
    x[i] += by;
    x
}

/// The entry of a gradient that is NaN, in words.
fn nan_in(law: &dyn ScalingLaw, gradient: &Gradient) -> Option<String> {
    let place = |of: &[f64]| of.iter().position(|g| g.is_nan());
    if let Some(i) = place(&gradient.z) {
        return Some(format!("coordinate `{}`", law.coordinates().get(i).name()));
    }
    if let Some(i) = place(&gradient.h) {
        return Some(format!("the weight of domain `{}`", law.domains()[i]));
    }
    let scales = [("ln N", gradient.log_n), ("ln D", gradient.log_d)];
    scales.into_iter().find(|(_, g)| g.is_nan()).map(|(name, _)| name.to_owned())
}

/// Corners, and mixtures of all domains but one.
fn faces(k: usize) -> Vec<Vec<f64>> {
    let of_domain = |i: usize| {
        let corner = (0..k).map(|j| f64::from(j == i)).collect();
        let rest = 1.0 / (k as f64 - 1.0);
        let face = (0..k).map(|j| if j == i { 0.0 } else { rest }).collect();
        // Without its only domain there is no mixture.
        if k == 1 { vec![corner] } else { vec![corner, face] }
    };
    (0..k).flat_map(of_domain).collect()
}

/// Checks the contract of every law, at starts that the law draws and at random points around its
/// reference scale:
///
/// * as many coordinates as a start has, all starts finite, in the box of each coordinate and at a
///   finite positive loss;
/// * gradients that agree with central differences (see [`check_gradient`]); the message names the
///   coordinate, the domain or the scale whose derivative is off;
/// * no derivative with respect to what [`ScalingLaw::dependence`] leaves out;
/// * coefficients that give the coordinates back;
/// * a batch that agrees with one point after the other: losses, gradient, Gauss-Newton matrix
///   and second derivatives along a step;
/// * at mixtures with weights of 0 that [`ScalingLaw::check`] accepts, a loss that is not NaN, and a
///   gradient without NaN where the loss is finite;
/// * at infinite N, infinite D and both, a finite positive loss, or an error of
///   [`ScalingLaw::check`]; with weights of 0 as above;
/// * where it is known to be convex in h, such as by [`Formula::is_convex`](crate::law::Formula), no
///   value in the middle of two mixtures above their mean;
/// * an error of [`ScalingLaw::check`] for N, D and h that no law takes.
///
/// # Panics
/// With a message that says what does not hold.
///
/// ```
/// use mixlaw::law::JointLaw;
/// use mixlaw::testing::assert_law_contract;
/// use mixlaw::Scale;
///
/// assert_law_contract(&JointLaw::new(&["web", "code", "books"], Scale { n: 1e9, d: 2e10 })?);
/// # Ok::<(), mixlaw::Error>(())
/// ```
pub fn assert_law_contract(law: &dyn ScalingLaw) {
    let k = law.domains().len();
    let mixtures = Mixture::dirichlet(&vec![1.0; k], 6, 1).expect("a law has domains");
    let center = Mixture::uniform(k);
    let data = StartData { least_loss: 2.0, median_loss: 3.0, mixture: &center };
    let (n, d, h) = around(law.coordinates().scale(), &mixtures);
    let points = Points::new(&n, &d, &h, k);
    let mut random = Random::new(1);
    for _ in 0..10 {
        let z = law.start(&data, &mut random);
        assert_eq!(
            z.len(),
            law.coordinates().len(),
            "{}: a start has one value for each coordinate",
            law.name()
        );
        assert_in_box(law.name(), law.coordinates(), &z);
        let rows = assert_points(law, &z, points);
        assert_batch(law, &z, points, &rows);
        assert_second_derivatives(law, &z, points);
        assert_limits(law, &z, &mixtures);
        assert_coefficients(law, &z);
    }
    assert_refusals(law);
}

/// Twelve points around a scale: N, D and h. Mixtures, sizes and token counts repeat and mix.
fn around(scale: Scale, mixtures: &[Mixture]) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
    let n = (0..12).map(|i| scale.n * [0.3, 1.0, 5.0][i % 3]).collect();
    let d = (0..12).map(|i| scale.d * [0.2, 1.0, 1.5, 9.0][i % 4]).collect();
    let h = (0..12).flat_map(|i: usize| mixtures[(i * i) % 6].to_vec()).collect();
    (n, d, h)
}

/// Checks the loss and the gradient at inner points. Returns both for each.
fn assert_points(law: &dyn ScalingLaw, z: &[f64], points: Points<'_>) -> Vec<(f64, Gradient)> {
    let name = law.name();
    let of = law.dependence();
    let row = |i: usize| {
        let (at, h) = points.get(i);
        assert_eq!(law.check(at, h), Ok(()), "{name}: an inner point is refused");
        let (error, which) = worst_derivative(law, z, at, h);
        assert!(
            error < 1e-6,
            "{name}: the gradient is off by {error:e} in {which}, at {z:?}, {at}, h = {h:?}"
        );
        let mut gradient = Gradient::new(law);
        let loss = law.gradient(z, at, h, &mut gradient);
        assert!(loss.is_finite() && loss > 0.0, "{name}: loss {loss} at a start");
        for (what, depends, slope) in [("N", of.n, gradient.log_n), ("D", of.d, gradient.log_d)] {
            assert!(depends || slope == 0.0, "{name}: it says that it does not depend on {what}");
        }
        let same = |g: &f64| (g - gradient.h[0]).abs() <= 1e-12 * (g.abs() + loss.abs());
        let flat = gradient.h.iter().all(same);
        assert!(of.h || flat, "{name}: it says that it does not depend on the mixture");
        (loss, gradient)
    };
    (0..points.len()).map(row).collect()
}

/// Checks that a batch is one point after the other.
fn assert_batch(law: &dyn ScalingLaw, z: &[f64], points: Points<'_>, rows: &[(f64, Gradient)]) {
    let p = z.len();
    let weights: Vec<f64> = (0..rows.len()).map(|i| i as f64 - 4.0).collect();
    let squares: Vec<f64> = weights.iter().map(|w| w * w).collect();
    let losses: Vec<f64> = rows.iter().map(|(loss, _)| *loss).collect();
    let (mut gradient, mut matrix) = (vec![0.0; p], vec![0.0; p * p]);
    let (mut gradient_size, mut matrix_size) = (0.0, 0.0);
    for ((_, row), (w, square)) in rows.iter().zip(weights.iter().zip(&squares)) {
        for (a, of_a) in row.z.iter().enumerate() {
            gradient[a] += w * of_a;
            gradient_size += (w * of_a).abs();
            for (b, of_b) in row.z.iter().enumerate() {
                matrix[a * p + b] += square * of_a * of_b;
                matrix_size += (square * of_a * of_b).abs();
            }
        }
    }
    let close = |what: &str, found: &[f64], expected: &[f64], size: f64| {
        for (found, expected) in found.iter().zip(expected) {
            assert!(
                (found - expected).abs() <= 1e-12 * size,
                "{}: {what} of the batch is {found:e}, one by one it is {expected:e}",
                law.name()
            );
        }
    };
    let mut batch = law.batch(points);
    let mut found = vec![0.0; rows.len()];
    batch.losses(z, &mut found);
    close("a loss", &found, &losses, 3.0);
    let mut found = vec![0.0; p];
    batch.gradient(z, &weights, &mut found);
    close("the gradient", &found, &gradient, gradient_size);
    let mut found = vec![0.0; p * p];
    batch.gauss_newton(z, &squares, &mut found);
    close("the Gauss-Newton matrix", &found, &matrix, matrix_size);
}

/// Checks a batch's second derivatives along a step: the gradients' change in its direction.
fn assert_second_derivatives(law: &dyn ScalingLaw, z: &[f64], points: Points<'_>) {
    let v = step(z.len());
    let mut found = vec![0.0; points.len()];
    second_derivatives(law.batch(points).as_mut(), z, &v, &mut found);
    let mut row = Gradient::new(law);
    for (i, found) in found.into_iter().enumerate() {
        let (at, h) = points.get(i);
        let mut slope = |t: f64| -> f64 {
            law.gradient(&along(z, &v, t), at, h, &mut row);
            row.z.iter().zip(&v).map(|(g, v)| g * v).sum()
        };
        let (t, size) = (1e-5, slope(0.0).abs() + law.loss(z, at, h));
        let expected = (slope(t) - slope(-t)) / (2.0 * t);
        assert!(
            (found - expected).abs() <= 1e-6 * (size + expected.abs()),
            "{}: a second derivative of the batch is {found:e}, by differences {expected:e}",
            law.name()
        );
    }
}

/// Checks the law at the reference scale and at infinite N and D, inside and on the faces of the
/// simplex, and there as a function of the mixture.
fn assert_limits(law: &dyn ScalingLaw, z: &[f64], mixtures: &[Mixture]) {
    let (k, infinite) = (law.domains().len(), f64::INFINITY);
    let scale = law.coordinates().scale();
    let (of_size, of_tokens) = (Scale { d: infinite, ..scale }, Scale { n: infinite, ..scale });
    for at in [scale, of_tokens, of_size, Scale::INFINITE] {
        let inner = mixtures.iter().map(|h| (h.to_vec(), true));
        for (h, inner) in inner.chain(faces(k).into_iter().map(|h| (h, false))) {
            if law.check(at, &h).is_ok() {
                assert_sound(law, z, at, &h, inner);
            }
        }
        let what = format!("{} at {at} and {z:?}", law.name());
        let loss = |h: &[f64]| if law.check(at, h).is_ok() { law.loss(z, at, h) } else { infinite };
        assert_mixture_function(&what, at_scale(law, z, at).as_mut(), k, &loss);
    }
}

/// Checks that the coefficients give the coordinates back.
fn assert_coefficients(law: &dyn ScalingLaw, z: &[f64]) {
    let name = law.name();
    let coefficients = law.coefficients(z);
    let named: Vec<(&str, f64)> = coefficients.iter().map(|(n, c)| (n.as_str(), *c)).collect();
    let back = law.coordinates_of(&named).unwrap_or_else(|e| panic!("{name}: {e}"));
    for (z, back) in z.iter().zip(&back) {
        let same = (z - back).abs() <= 1e-11 * (1.0 + z.abs());
        assert!(same, "{name}: coordinate {z} comes back from its coefficient as {back}");
    }
    assert!(!law.formula(z).is_empty(), "{name}: its formula is empty");
}

/// Checks that points where no law is defined are refused.
fn assert_refusals(law: &dyn ScalingLaw) {
    let k = law.domains().len();
    for (n, d, h) in [(0.0, 1.0, k), (-1.0, 1.0, k), (1.0, f64::NAN, k), (1.0, 1.0, k + 1)] {
        let refused = law.check(Scale { n, d }, &vec![1.0 / h as f64; h]).is_err();
        assert!(refused, "{}: N = {n}, D = {d} and {h} domain weights are accepted", law.name());
    }
}

/// A step of `p` coordinates.
fn step(p: usize) -> Vec<f64> {
    (0..p).map(|i| [1.0, -0.5, 0.25][i % 3]).collect()
}

/// `z + t v`.
fn along(z: &[f64], v: &[f64], t: f64) -> Vec<f64> {
    z.iter().zip(v).map(|(z, v)| z + t * v).collect()
}

/// Checks that a start is one that a fit can begin at.
fn assert_in_box(name: &str, coordinates: &Coordinates, z: &[f64]) {
    for (c, z) in coordinates.iter().zip(z) {
        let (lower, upper) = c.bounds();
        let inside = *z >= lower - 1e-9 * lower.abs() && *z <= upper + 1e-9 * upper.abs();
        assert!(
            z.is_finite() && inside,
            "{name}: a start has coordinate `{}` at {z}, expected a finite number from {lower} to {upper}",
            c.name()
        );
    }
}

/// Checks one point, which may be at the limit or on a face: the loss is finite and positive at inner
/// mixtures, and not NaN on faces; the gradient has no NaN where the loss is finite.
fn assert_sound(law: &dyn ScalingLaw, z: &[f64], at: Scale, h: &[f64], inner: bool) {
    let name = law.name();
    let place = || format!("at {at}, h = {h:?} and {z:?}");
    let mut row = Gradient::new(law);
    let loss = law.gradient(z, at, h, &mut row);
    if inner {
        assert!(
            loss.is_finite() && loss > 0.0,
            "{name}: the loss is {loss:e} {}, expected a finite number > 0, or ScalingLaw::check to refuse the point",
            place()
        );
    }
    assert!(!loss.is_nan(), "{name}: the loss is NaN {}", place());
    let nan = nan_in(law, &row).filter(|_| loss.is_finite());
    assert!(
        nan.is_none(),
        "{name}: the loss is {loss:e} and its derivative in {} is NaN {}",
        nan.unwrap_or_default(),
        place()
    );
    let alone = law.loss(z, at, h);
    let same = alone == loss || (alone - loss).abs() <= 1e-12 * loss.abs();
    assert!(same, "{name}: loss {alone:e}, with its gradient {loss:e}, {}", place());
}

/// The value of a function of the mixture; adds `scale` times its slopes.
fn slopes(function: &mut dyn MixtureFunction, h: &[f64], scale: f64, dh: &mut [f64]) -> f64 {
    let ln_h: Vec<f64> = h.iter().map(|h| h.ln()).collect();
    function.add_gradient(h, &ln_h, scale, dh)
}

/// The value of a function of the mixture.
fn value(function: &mut dyn MixtureFunction, h: &[f64]) -> f64 {
    slopes(function, h, 0.0, &mut vec![0.0; h.len()])
}

/// Checks a function of the mixture against its values by another way, `expected`, which is infinite
/// where it is not defined: values, slopes, forks, what it says of its convexity, and relaxations.
fn assert_mixture_function(
    what: &str,
    function: &mut dyn MixtureFunction,
    k: usize,
    expected: &dyn Fn(&[f64]) -> f64,
) {
    let inner = Mixture::dirichlet(&vec![1.0; k], 5, 2).expect("there are domains");
    let mut points: Vec<Vec<f64>> = inner.iter().map(|h| h.to_vec()).collect();
    points.extend(faces(k));
    points.retain(|h| expected(h).is_finite());
    let inner = |h: &[f64]| h.iter().all(|h| *h > STEP);
    for h in &points {
        let mut dh = vec![1.0; k];
        let found = slopes(function, h, 2.0, &mut dh);
        let expected_value = expected(h);
        let close = |a: f64, b: f64, by: f64| (a - b).abs() <= by * (a.abs() + b.abs());
        assert!(
            close(found, expected_value, 1e-10),
            "{what}: at h = {h:?} its function of the mixture is {found:e}, expected {expected_value:e}"
        );
        let forked = value(function.fork().as_mut(), h);
        assert!(forked == found, "{what}: a fork of its function is {forked:e}, not {found:e}");
        assert!(!dh.iter().any(|g| g.is_nan()), "{what}: at h = {h:?} its slopes are {dh:?}");
        for i in (0..k).filter(|_| inner(h)) {
            let at = |by| value(function, &moved(h, i, by));
            let difference = derivative(at);
            // Twice the slope was added to 1.
            let slope = 0.5 * (dh[i] - 1.0);
            assert!(
                (slope - difference).abs() <= 1e-6 * (slope.abs() + found.abs()),
                "{what}: at h = {h:?} the slope of its function in weight {i} is {slope:e}, by differences {difference:e}"
            );
        }
    }
    let claims = function.is_convex();
    assert_convex(what, claims, &points, &mut |h| value(function, h));
    assert_relaxations(what, function, &points);
}

/// Checks that relaxations are convex and nowhere above the function.
fn assert_relaxations(what: &str, function: &mut dyn MixtureFunction, points: &[Vec<f64>]) {
    // On the whole simplex and on a smaller box, around every mixture.
    for h in points {
        for room in [1.0, 0.1] {
            let lower: Vec<f64> = h.iter().map(|h| (h - room).max(0.0)).collect();
            let upper: Vec<f64> = h.iter().map(|h| (h + room).min(1.0)).collect();
            let inside: Vec<Vec<f64>> = points
                .iter()
                .map(|other| h.iter().zip(other).map(|(a, b)| a + 0.1 * (b - a)).collect())
                .chain([h.clone()])
                .collect();
            let above: Vec<f64> = inside.iter().map(|h| value(function, h)).collect();
            let Some(mut relaxation) = function.relaxation(&lower, &upper) else { continue };
            let mut of = |h: &[f64]| value(relaxation.as_mut(), h);
            for (h, above) in inside.iter().zip(&above) {
                let below = of(h);
                assert!(
                    below <= above + 1e-10 * above.abs(),
                    "{what}: a relaxation is {below:e} at h = {h:?}, above the function, {above:e}"
                );
            }
            assert_convex(&format!("{what}, a relaxation"), true, &inside, &mut of);
        }
    }
}

/// Checks the middle of all pairs of points, where a function claims to be convex.
fn assert_convex(
    what: &str,
    claims: bool,
    points: &[Vec<f64>],
    value: &mut dyn FnMut(&[f64]) -> f64,
) {
    if !claims {
        return;
    }
    let values: Vec<f64> = points.iter().map(|h| value(h)).collect();
    for (i, (a, at_a)) in points.iter().zip(&values).enumerate() {
        for (b, at_b) in points[..i].iter().zip(&values) {
            let middle: Vec<f64> = a.iter().zip(b).map(|(a, b)| 0.5 * (a + b)).collect();
            let (found, mean) = (value(&middle), 0.5 * (at_a + at_b));
            assert!(
                found <= mean + 1e-10 * (at_a.abs() + at_b.abs()),
                "{what}: it claims to be convex, but between {a:?} and {b:?} it is {found:e}, above the mean of their values, {mean:e}"
            );
        }
    }
}

/// Checks the contract of every coefficient function, over `k` domains, at starts that it draws for this
/// level: about 2 for E, 0.5 for A and B at the reference scale, 0.3 for exponents.
///
/// * coordinates with different names and boxes that are not empty; starts that are finite, in these
///   boxes, and at a mean mixture within a factor of 10 of the level;
/// * finite positive values inside the simplex, on faces no NaN, and infinite without a domain only
///   where [`CoefficientFn::infinite_without`] says so;
/// * gradients in the coordinates and in h that agree with central differences, added `scale` times;
///   nothing added where the scale is 0, on faces too, and no NaN where the value is finite;
/// * coordinates that are declared as levels ([`Coordinate::level`](crate::law::Coordinate::level))
///   scale the value, and a function that is constant has one value;
/// * where [`CoefficientFn::is_convex`] claims it, no value in the middle of two mixtures above their
///   mean;
/// * coordinates with other names under another symbol, so that a law can use the function twice;
/// * the coefficients found again by their names ([`CoefficientFn::resolve`]).
///
/// # Panics
/// With a message that says what does not hold.
///
/// ```
/// use mixlaw::law::{InverseSum, LinearPower};
/// use mixlaw::testing::assert_coefficient_contract;
///
/// assert_coefficient_contract(&InverseSum, 3, 0.5);
/// assert_coefficient_contract(&LinearPower::exponent(), 3, 0.3);
/// ```
pub fn assert_coefficient_contract(function: &dyn CoefficientFn, k: usize, level: f64) {
    let name = format!("{function:?}");
    let domains: Vec<String> = (0..k).map(|i| format!("domain{i}")).collect();
    let coordinates = assert_names(function, &domains);
    let mixtures = Mixture::dirichlet(&vec![1.0; k], 6, 1).expect("at least one domain");
    let inner: Vec<Vec<f64>> = mixtures.iter().map(|h| h.to_vec()).collect();
    let center = Mixture::uniform(k);
    let mut random = Random::new(1);
    for _ in 0..10 {
        let mut z = vec![0.0; coordinates.len()];
        function.start(level, &center, &mut random, &mut z);
        assert_in_box(&name, &coordinates, &z);
        for h in inner.iter().cloned().chain(faces(k)) {
            assert_coefficient_at(function, &coordinates, &z, &h);
        }
        assert_levels(function, &coordinates, &z, level, &mixtures);
        assert_bound(function, &z, &mixtures);
        let expected = |h: &[f64]| {
            let lacks = function.infinite_without().is_some_and(|i| h[i] == 0.0);
            if lacks { f64::INFINITY } else { function.value(&z, h) }
        };
        assert_mixture_function(&name, function_at(function, &z).as_mut(), k, &expected);
        assert_convex(&name, function.is_convex(&z), &inner, &mut |h| function.value(&z, h));

        let c = coordinates.coefficients(&z);
        let get = |name: &str| coordinates.position(name).map(|i| c[i]);
        let found = function.resolve("X", &domains, &get);
        assert_eq!(found.as_ref(), Some(&c), "{name}: its coefficients by their names");
        assert!(!function.formula("X", &domains, &c).is_empty(), "{name}: its formula is empty");
    }
}

/// Checks that the coordinates are valid, and have other names for another coefficient of the law.
/// Returns those for the coefficient `X`.
fn assert_names(function: &dyn CoefficientFn, domains: &[String]) -> Coordinates {
    let both: Vec<_> =
        ["X", "Y"].iter().flat_map(|symbol| function.coordinates(symbol, domains)).collect();
    let x = both[..both.len() / 2].to_vec();
    let [x, _] = [x, both].map(|list| {
        Coordinates::new(list, Scale::ONE).unwrap_or_else(|e| panic!("{function:?}: {e}"))
    });
    x
}

/// Checks a start for a level at the mean mixture, and what raising the levels does.
fn assert_levels(
    function: &dyn CoefficientFn,
    coordinates: &Coordinates,
    z: &[f64],
    level: f64,
    mixtures: &[Mixture],
) {
    let center = Mixture::uniform(mixtures[0].len());
    let at_center = function.value(z, &center);
    assert!(
        at_center > 0.1 * level && at_center < 10.0 * level,
        "{function:?}: a start for the level {level} has the value {at_center} at the mean mixture"
    );
    for h in mixtures.iter().filter(|_| function.is_constant()) {
        let value = function.value(z, h);
        assert!(value == at_center, "{function:?}: it is constant, but {value} and {at_center}");
    }
    if coordinates.iter().any(|c| c.is_level()) {
        let up = |(z, c): (&f64, &Coordinate)| if c.is_level() { z + 0.5 } else { *z };
        let up: Vec<f64> = z.iter().zip(coordinates.iter()).map(up).collect();
        let (found, expected) = (function.value(&up, &center), 0.5f64.exp() * at_center);
        assert!(
            (found - expected).abs() <= 1e-10 * expected,
            "{function:?}: raising its levels by 0.5 makes the value {found}, expected {expected}"
        );
    }
}

/// Checks the value and the gradient at one mixture.
fn assert_coefficient_at(
    function: &dyn CoefficientFn,
    coordinates: &Coordinates,
    z: &[f64],
    h: &[f64],
) {
    let at = || format!("at h = {h:?} and {z:?}");
    let value = function.value(z, h);
    let lacks = function.infinite_without().is_some_and(|i| h[i] == 0.0);
    if lacks {
        assert!(value.is_infinite(), "{function:?}: {value} {}, expected it infinite", at());
    } else {
        let sound = value.is_finite() && value > 0.0;
        assert!(sound, "{function:?}: the value {value} {}, expected a finite number > 0", at());
    }
    let (mut dz, mut dh) = (vec![1.0; z.len()], vec![1.0; h.len()]);
    function.add_gradient(z, h, 0.0, &mut dz, &mut dh);
    let untouched = dz.iter().chain(&dh).all(|g| *g == 1.0);
    assert!(untouched, "{function:?}: with scale 0 the gradient adds something {}", at());
    if value.is_finite() {
        assert_coefficient_slopes(function, coordinates, z, h);
    }
}

/// Checks the slopes at a mixture with a finite value.
fn assert_coefficient_slopes(
    function: &dyn CoefficientFn,
    coordinates: &Coordinates,
    z: &[f64],
    h: &[f64],
) {
    let at = || format!("at h = {h:?} and {z:?}");
    let value = function.value(z, h);
    let (mut dz, mut dh) = (vec![1.0; z.len()], vec![1.0; h.len()]);
    function.add_gradient(z, h, 2.0, &mut dz, &mut dh);
    // Twice the slopes were added to 1.
    let slopes = |g: &[f64]| -> Vec<f64> { g.iter().map(|g| 0.5 * (g - 1.0)).collect() };
    let compare = |what: String, slope: f64, f: &dyn Fn(f64) -> f64| {
        let difference = derivative(f);
        assert!(
            (slope - difference).abs() <= 1e-6 * (slope.abs() + value.abs()),
            "{function:?}: the derivative in {what} is {slope:e}, by differences {difference:e}, {}",
            at()
        );
    };
    let inner = h.iter().all(|h| *h > STEP);
    let unsound = |what: &str, slope: f64| {
        assert!(!slope.is_nan(), "{function:?}: the derivative in {what} is NaN {}", at());
    };
    for (i, slope) in slopes(&dz).into_iter().enumerate() {
        let what = format!("coordinate `{}`", coordinates.get(i).name());
        unsound(&what, slope);
        compare(what, slope, &|by| function.value(&moved(z, i, by), h));
    }
    for (i, slope) in slopes(&dh).into_iter().enumerate() {
        let what = format!("weight {i}");
        unsound(&what, slope);
        if inner {
            compare(what, slope, &|by| function.value(z, &moved(h, i, by)));
        }
    }
}

/// Checks that a function bound to mixtures is the function itself.
fn assert_bound(function: &dyn CoefficientFn, z: &[f64], mixtures: &[Mixture]) {
    let (p, k) = (z.len(), mixtures[0].len());
    let all: Vec<&[f64]> = mixtures.iter().map(|h| &h[..]).collect();
    let v = step(p);
    let mut bound = bind_function(function, &all);
    let mut values = vec![0.0; all.len()];
    bound.values(z, &all, &mut values);
    let mut found_along = vec![[0.0; 2]; all.len()];
    bound.derivatives_along(z, &v, &all, &values, &mut found_along);
    let close = |what: &str, found: f64, expected: f64, by: f64| {
        assert!(
            (found - expected).abs() <= by,
            "{function:?}: {what} is {found:e} bound to mixtures, and {expected:e} alone, at {z:?}"
        );
    };
    let gradient = |z: &[f64], h: &[f64]| {
        let (mut dz, mut dh) = (vec![0.0; p], vec![0.0; k]);
        function.add_gradient(z, h, 1.0, &mut dz, &mut dh);
        dz
    };
    let slope = |t: f64, h: &[f64]| -> f64 {
        gradient(&along(z, &v, t), h).iter().zip(&v).map(|(g, v)| g * v).sum()
    };
    for (m, h) in all.iter().enumerate() {
        let value = function.value(z, h);
        close("the value", values[m], value, 1e-11 * value.abs());
        let mut found = vec![0.0; p];
        bound.gradient(z, m, h, values[m], &mut found);
        let size = found.iter().fold(value.abs(), |size, g| size.max(g.abs()));
        for (found, expected) in found.into_iter().zip(gradient(z, h)) {
            close("a derivative", found, expected, 1e-10 * size);
        }
        let [first, second] = found_along[m];
        let expected = derivative(|by| slope(by, h));
        close("the slope along a step", first, slope(0.0, h), 1e-9 * size);
        let by = 1e-5 * (size + expected.abs());
        close("the second derivative along a step", second, expected, by);
    }
}
