use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use crate::mixture::Mixture;
use crate::simplex::SimplexObjective;
use crate::simplex::sealed::Token;

/// Checks what a [`SimplexSolver`](crate::SimplexSolver) assumes of an objective, at mixtures that are drawn
/// with a fixed seed:
///
/// * the same value and slopes whenever they are asked for; of several parts the largest value, with the
///   slopes of one that has it; slopes without NaN where the value is finite;
/// * slopes that agree with central differences along moves from one domain to another, inside and on
///   faces, to about 1e-6 of their size;
/// * where [`SimplexObjective::is_convex`] is claimed, every part above its tangents and, in the middle
///   of two mixtures, not above their mean.
///
/// Mixtures at which the objective is not finite are left out, unless none is left.
///
/// # Panics
/// With a message that says what does not hold, and where.
///
/// ```
/// use mixlaw::simplex::SimplexObjective;
/// use mixlaw::testing::assert_simplex_objective_contract;
///
/// /// `sum_i c_i / (1 + h_i)`.
/// struct Diminishing([f64; 3]);
///
/// impl SimplexObjective for Diminishing {
///     fn dim(&self) -> usize {
///         3
///     }
///
///     fn value_gradient(&mut self, h: &[f64], g: &mut [f64]) -> f64 {
///         (0..3).for_each(|i| g[i] = -self.0[i] / (1.0 + h[i]).powi(2));
///         (0..3).map(|i| self.0[i] / (1.0 + h[i])).sum()
///     }
///
///     fn is_convex(&self) -> bool {
///         true
///     }
/// }
///
/// assert_simplex_objective_contract(&mut Diminishing([1.0, 2.0, 0.5]));
/// ```
pub fn assert_simplex_objective_contract(objective: &mut dyn SimplexObjective) {
    let k = objective.dim();
    assert!(k >= 1, "dim: an objective needs at least one domain");
    assert!(objective.parts() >= 1, "parts: an objective needs at least one part");
    let scale = objective.scale(Token);
    assert!(scale.is_finite() && scale >= 0.0, "scale: {scale}, expected a finite number >= 0");
    assert!(objective.cost(Token) >= 1, "cost: 0, expected at least 1");

    let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
    let mixtures = samples(k);
    let mut finite = Vec::new();
    for h in &mixtures {
        let at = At::of(objective, h);
        check_parts(objective, h, &at);
        if at.is_finite() {
            check_slopes(objective, &at, scale);
            finite.push(at);
        }
    }
    assert!(!finite.is_empty(), "the value is finite at none of {} mixtures", mixtures.len());
    let convex = objective.is_convex();
    if convex {
        check_tangents("is_convex", &finite, scale, None);
        check_middles(objective, &finite, scale);
    }
    for trial in 0..20 {
        let patch = Patch::draw(objective, &finite, trial, &mut rng);
        if convex {
            let Patch { lower, upper, shares, at } = &patch;
            let curvature = objective.curvature(lower, upper, shares, Token);
            check_curvature("the objective", at, curvature, shares, scale);
        }
        check_relaxation(objective, &patch, scale);
    }
}

/// A part of the simplex, from all of it down to one mixture.
struct Patch {
    /// The box around its mixtures.
    lower: Vec<f64>,
    upper: Vec<f64>,
    /// A share for each part of the objective.
    shares: Vec<f64>,
    at: Vec<At>,
}

impl Patch {
    fn draw(
        objective: &mut dyn SimplexObjective,
        finite: &[At],
        trial: usize,
        rng: &mut Xoshiro256PlusPlus,
    ) -> Self {
        let inside = Self::mixtures(finite, trial, rng);
        let end = |f: fn(f64, f64) -> f64, i: usize| {
            inside.iter().map(|h| h[i]).reduce(f).expect("there are some")
        };
        let lower: Vec<f64> = (0..objective.dim()).map(|i| end(f64::min, i)).collect();
        let upper: Vec<f64> = (0..objective.dim()).map(|i| end(f64::max, i)).collect();
        let at = inside.iter().map(|h| At::of(objective, h)).collect();
        let mut shares: Vec<f64> =
            (0..objective.parts()).map(|_| rng.random_range(0.1..1.0)).collect();
        let sum: f64 = shares.iter().sum();
        shares.iter_mut().for_each(|share| *share /= sum);
        Self { lower, upper, shares, at }
    }

    /// Some mixtures toward one, the nearer the later the trial, and others between these.
    fn mixtures(finite: &[At], trial: usize, rng: &mut Xoshiro256PlusPlus) -> Vec<Vec<f64>> {
        let size = [8, 4, 3, 2, 1][trial % 5];
        let mut corners: Vec<Vec<f64>> = Vec::new();
        let center = &finite[rng.random_range(0..finite.len())].h;
        let near = 10f64.powi(-(trial as i32 / 5) * 2);
        for _ in 0..size {
            let other = &finite[rng.random_range(0..finite.len())].h;
            let toward = |(c, o): (&f64, &f64)| c + near * (o - c);
            corners.push(center.iter().zip(other).map(toward).collect());
        }
        let mut inside = corners.clone();
        for _ in 0..8 {
            let (a, b) = (rng.random_range(0..size), rng.random_range(0..size));
            let t: f64 = rng.random();
            let between = |(a, b): (&f64, &f64)| a + t * (b - a);
            inside.push(corners[a].iter().zip(&corners[b]).map(between).collect());
        }
        inside
    }
}

/// Mixtures inside, on faces and at corners.
fn samples(k: usize) -> Vec<Vec<f64>> {
    let wide = Mixture::dirichlet(&vec![1.0; k], 12, 1).expect("at least one domain");
    let edge = Mixture::dirichlet(&vec![0.3; k], 6, 2).expect("at least one domain");
    let mut out: Vec<Vec<f64>> = wide.into_iter().chain(edge).map(Vec::from).collect();
    for i in 0..k.min(6) {
        let mut face = out[i].clone();
        face[i] = 0.0;
        let sum: f64 = face.iter().sum();
        if sum > 0.0 {
            face.iter_mut().for_each(|h| *h /= sum);
            out.push(face);
        }
        out.push(Mixture::corner(k, i).into());
    }
    out
}

/// All parts at a mixture.
struct At {
    h: Vec<f64>,
    values: Vec<f64>,
    slopes: Vec<f64>,
}

impl At {
    fn of(objective: &mut dyn SimplexObjective, h: &[f64]) -> Self {
        let (k, m) = (h.len(), objective.parts());
        let (mut values, mut slopes) = (vec![f64::NAN; m], vec![f64::NAN; m * k]);
        objective.parts_gradients(h, &mut values, &mut slopes);
        Self { h: h.to_vec(), values, slopes }
    }

    fn is_finite(&self) -> bool {
        self.values.iter().all(|f| f.is_finite())
    }

    fn slope(&self, t: usize) -> &[f64] {
        &self.slopes[t * self.h.len()..][..self.h.len()]
    }

    /// The tangent of a part at another mixture, and the size of its terms; `None` without slopes.
    fn tangent(&self, t: usize, h: &[f64]) -> Option<(f64, f64)> {
        let mut sum = (self.values[t], self.values[t].abs());
        for (i, g) in self.slope(t).iter().enumerate() {
            if h[i] != self.h[i] {
                let term = g * (h[i] - self.h[i]);
                sum = (sum.0 + term, sum.1 + g.abs() * (h[i] + self.h[i]));
            }
        }
        sum.1.is_finite().then_some(sum)
    }
}

/// Rounding that is no fault: of numbers of this size.
fn allowed(size: f64) -> f64 {
    1e-12 * size
}

fn check_parts(objective: &mut dyn SimplexObjective, h: &[f64], at: &At) {
    let mut g = vec![f64::NAN; h.len()];
    let value = objective.value_gradient(h, &mut g);
    let again = At::of(objective, h);
    let same = |a: &[f64], b: &[f64]| {
        a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan())
    };
    let repeats = same(&again.values, &at.values) && same(&again.slopes, &at.slopes);
    assert!(repeats, "parts_gradients: another answer the second time at h = {h:?}");
    if !at.is_finite() {
        return;
    }
    let worst = at.values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let close = (value - worst).abs() <= allowed(worst.abs());
    assert!(close, "value_gradient: the value is {value}, that of the parts {worst}, at h = {h:?}");
    for (t, f) in at.values.iter().enumerate() {
        let sound = !at.slope(t).iter().any(|g| g.is_nan());
        assert!(sound, "parts_gradients: part {t} is {f}, with NaN in its slopes, at h = {h:?}");
    }
    let of_worst = (0..at.values.len()).any(|t| {
        let equal = |(a, b): (&f64, &f64)| a == b || (a - b).abs() <= allowed(a.abs());
        at.values[t] >= worst - allowed(worst.abs()) && at.slope(t).iter().zip(&g).all(equal)
    });
    assert!(
        of_worst,
        "value_gradient: slopes {g:?} of no part with the largest value, at h = {h:?}"
    );
}

/// Central differences along moves of weight between two domains that are present.
fn check_slopes(objective: &mut dyn SimplexObjective, at: &At, scale: f64) {
    let present: Vec<usize> = (0..at.h.len()).filter(|&i| at.h[i] > 1e-4).collect();
    for pair in present.windows(2) {
        let (i, j) = (pair[0], pair[1]);
        let step = 0.01 * at.h[i].min(at.h[j]);
        let mut moved = |by: f64| {
            let mut h = at.h.clone();
            h[i] += by;
            h[j] -= by;
            At::of(objective, &h).values
        };
        let [far, back, near, rear] = [step, -step, 0.5 * step, -0.5 * step].map(&mut moved);
        for t in 0..at.values.len() {
            let wide = (far[t] - back[t]) / (2.0 * step);
            let narrow = (near[t] - rear[t]) / step;
            // What is left after the first error cancels is of the order of the step to the fourth.
            let difference = (4.0 * narrow - wide) / 3.0;
            let (a, b) = (at.slope(t)[i], at.slope(t)[j]);
            let size = at.values[t].abs().max(scale);
            let error = (a - b - difference).abs();
            let fine = error <= 1e-6 * (a.abs() + b.abs()) + 1e-13 * size / step;
            let h = &at.h;
            assert!(
                fine,
                "the slope of part {t} from domain {j} to domain {i} is {}, by differences \
                 {difference}, at h = {h:?}",
                a - b
            );
        }
    }
}

/// Every part is above its tangents at all mixtures, by at least the curvature that is claimed.
fn check_tangents(what: &str, at: &[At], scale: f64, curvature: Option<(&[f64], &[f64])>) {
    for a in at {
        for b in at {
            let mut sum = (0.0, 0.0, 0.0);
            for t in 0..a.values.len() {
                let Some((tangent, size)) = a.tangent(t, &b.h) else { continue };
                let size = size + b.values[t].abs() + scale;
                let (value, h, from) = (b.values[t], &b.h, &a.h);
                assert!(
                    value >= tangent - allowed(size),
                    "{what}: part {t} is {value} at h = {h:?}, below the tangent from {from:?}, \
                     {tangent}"
                );
                if let Some((_, shares)) = curvature {
                    sum.0 += shares[t] * (value - tangent);
                    sum.1 += shares[t] * size;
                    sum.2 += 1.0;
                }
            }
            if let Some((curvature, _)) = curvature.filter(|_| sum.2 == a.values.len() as f64) {
                let moves = a.h.iter().zip(&b.h).zip(curvature);
                let least: f64 = moves.map(|((a, b), c)| 0.5 * c * (a - b) * (a - b)).sum();
                let (rise, from, to) = (sum.0, &a.h, &b.h);
                assert!(
                    rise >= least - allowed(sum.1 + least),
                    "curvature: {what} rises by {rise} above its tangent from {from:?} to {to:?}, \
                     less than the {least} that is claimed"
                );
            }
        }
    }
}

fn check_middles(objective: &mut dyn SimplexObjective, at: &[At], scale: f64) {
    for (n, a) in at.iter().enumerate() {
        for b in &at[..n] {
            let h: Vec<f64> = a.h.iter().zip(&b.h).map(|(a, b)| 0.5 * (a + b)).collect();
            let middle = At::of(objective, &h).values;
            for (t, value) in middle.into_iter().enumerate() {
                let mean = 0.5 * (a.values[t] + b.values[t]);
                let size = scale + a.values[t].abs() + b.values[t].abs() + value.abs();
                let (from, to) = (&a.h, &b.h);
                assert!(
                    value <= mean + allowed(size),
                    "is_convex: part {t} is {value} between {from:?} and {to:?}, whose mean is {mean}"
                );
            }
        }
    }
}

fn check_curvature(what: &str, at: &[At], curvature: Option<Vec<f64>>, shares: &[f64], scale: f64) {
    let Some(curvature) = curvature else { return };
    assert_eq!(curvature.len(), at[0].h.len(), "curvature: one number for each domain");
    // It is infinite in a box in which nothing moves.
    let sound = curvature.iter().all(|c| *c >= 0.0);
    assert!(sound, "curvature: {curvature:?} of {what}, expected numbers >= 0");
    let finite: Vec<f64> = curvature.iter().map(|c| if c.is_finite() { *c } else { 0.0 }).collect();
    check_tangents(what, at, scale, Some((&finite, shares)));
}

fn check_relaxation(objective: &mut dyn SimplexObjective, patch: &Patch, scale: f64) {
    let Patch { lower, upper, shares, at } = patch;
    let m = objective.parts();
    let Some(mut below) = objective.relaxation(lower, upper, Token) else { return };
    let name = format!("relaxation between {lower:?} and {upper:?}");
    assert_eq!(below.parts(), m, "{name}: the number of parts");
    assert_eq!(below.dim(), lower.len(), "{name}: the number of domains");
    let relaxed: Vec<At> = at.iter().map(|at| At::of(below.as_mut(), &at.h)).collect();
    let is_point = lower == upper;
    for (at, relaxed) in at.iter().zip(&relaxed).filter(|(at, _)| at.is_finite()) {
        for t in 0..m {
            let (value, own, h) = (at.values[t], relaxed.values[t], &at.h);
            let size = value.abs() + scale;
            let fine = own <= value + allowed(size);
            assert!(fine, "{name}: part {t} is {own}, above the objective, {value}, at h = {h:?}");
            let close = !is_point || own >= value - 1e-9 * size;
            assert!(close, "{name}: part {t} is {own} at its only mixture, the objective {value}");
        }
        let mut gaps = vec![0.0; lower.len()];
        below.add_relaxation_gap(&at.h, shares, &mut gaps, Token);
        let sound = gaps.iter().all(|x| *x >= 0.0);
        assert!(sound, "add_relaxation_gap: {gaps:?} at h = {:?}, expected numbers >= 0", at.h);
    }
    let finite: Vec<At> = relaxed.into_iter().filter(At::is_finite).collect();
    if finite.is_empty() {
        return;
    }
    check_tangents(&name, &finite, scale, None);
    let curvature = below.curvature(lower, upper, shares, Token);
    check_curvature(&name, &finite, curvature, shares, scale);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `sum_i c_i h_i^2 + level` with what is wrong about it.
    struct Faulty {
        slope: f64,
        square: f64,
        convex: bool,
        curvature: f64,
        relaxed: Option<f64>,
        level: f64,
    }

    const SOUND: Faulty = Faulty {
        slope: 2.0,
        square: 1.0,
        convex: true,
        curvature: 2.0,
        relaxed: Some(0.0),
        level: 1.0,
    };

    impl SimplexObjective for Faulty {
        fn dim(&self) -> usize {
            4
        }

        fn value_gradient(&mut self, h: &[f64], g: &mut [f64]) -> f64 {
            g.iter_mut().zip(h).for_each(|(g, h)| *g = self.slope * self.square * h);
            self.level + self.square * h.iter().map(|h| h * h).sum::<f64>()
        }

        fn is_convex(&self) -> bool {
            self.convex
        }

        fn relaxation(
            &self,
            _: &[f64],
            _: &[f64],
            _: Token,
        ) -> Option<Box<dyn SimplexObjective + '_>> {
            let level = self.level + self.relaxed?;
            Some(Box::new(Faulty { level, relaxed: None, ..*self }))
        }

        fn curvature(&self, _: &[f64], _: &[f64], shares: &[f64], _: Token) -> Option<Vec<f64>> {
            Some(vec![self.curvature * shares[0]; 4])
        }
    }

    fn fault(mut objective: Faulty) -> Option<String> {
        let check = std::panic::AssertUnwindSafe(|| {
            assert_simplex_objective_contract(&mut objective);
        });
        let error = std::panic::catch_unwind(check).err()?;
        let message = error.downcast::<String>().map(|message| *message);
        Some(message.unwrap_or_default())
    }

    #[test]
    fn what_is_off_is_named() {
        assert_eq!(fault(SOUND), None);
        for (faulty, named) in [
            (Faulty { slope: 2.001, ..SOUND }, "the slope of part 0 from domain"),
            (Faulty { slope: f64::NAN, ..SOUND }, "with NaN in its slopes"),
            (Faulty { level: f64::NAN, ..SOUND }, "the value is finite at none of"),
            (Faulty { square: -1.0, relaxed: None, ..SOUND }, "is_convex: part 0"),
            (Faulty { curvature: 2.1, ..SOUND }, "curvature: the objective rises"),
            (Faulty { curvature: -1.0, ..SOUND }, "curvature: [-"),
            (Faulty { relaxed: Some(1e-6), ..SOUND }, "above the objective"),
            (Faulty { relaxed: Some(-1e-6), ..SOUND }, "at its only mixture"),
            (Faulty { square: -1.0, convex: false, ..SOUND }, "below the tangent"),
        ] {
            let message = fault(faulty).unwrap_or_else(|| panic!("not seen: {named}"));
            assert!(message.contains(named), "{message}");
        }
        let concave = Faulty { square: -1.0, convex: false, relaxed: None, ..SOUND };
        assert_eq!(fault(concave), None);
    }
}
