use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crate::linalg::eigenvalues;
use crate::optim::sealed::Token;
use crate::optim::{Control, Minimum, Objective, Optimizer, Termination};
use crate::random::Random;

/// The functions that an optimizer is tried on.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Shape {
    /// Rosenbrock's valley in two variables, 1 at its end, and a third variable that is fixed.
    Valley,
    /// The same with places that are NaN or infinite around it.
    Holes,
    /// `(x - 2)^2` of one variable: it falls to zero.
    Bowl,
    /// 3 everywhere, in two variables.
    Flat,
    /// `-x_0 - 2 x_1`, whose minimum is a corner of the box, and which is below zero.
    Slope,
}

const SHAPES: [Shape; 5] = [Shape::Valley, Shape::Holes, Shape::Bowl, Shape::Flat, Shape::Slope];

impl Shape {
    fn start(self) -> Vec<f64> {
        match self {
            Self::Valley | Self::Holes => vec![-1.2, 1.0, 0.5],
            Self::Bowl => vec![-0.5],
            Self::Flat | Self::Slope => vec![0.5, 0.25],
        }
    }

    fn bounds(self, i: usize) -> (f64, f64) {
        match self {
            Self::Valley | Self::Holes if i == 2 => (0.5, 0.5),
            Self::Valley | Self::Holes => (-2.0, 3.0),
            Self::Bowl => (-4.0, 4.0),
            Self::Flat | Self::Slope => (-1.0, 1.0),
        }
    }

    /// Whether a point is in the box.
    fn contains(self, x: &[f64]) -> bool {
        let inside = |(i, x): (usize, &f64)| {
            let (lower, upper) = self.bounds(i);
            (lower..=upper).contains(x)
        };
        x.iter().enumerate().all(inside)
    }

    fn value_gradient(self, x: &[f64], g: &mut [f64]) -> f64 {
        g.fill(0.0);
        match self {
            Self::Holes if x[1] > 2.0 => f64::NAN,
            Self::Holes if x[1] < -1.0 => -f64::NAN,
            Self::Holes if x[0] < -1.5 => f64::INFINITY,
            // Next to the start, so that a short step meets it.
            Self::Holes if x[0] < -1.3 => f64::NAN,
            Self::Valley | Self::Holes => {
                let (a, b) = (1.0 - x[0], x[1] - x[0] * x[0]);
                g[0] = -2.0 * a - 400.0 * b * x[0];
                g[1] = 200.0 * b;
                g[2] = 1.0;
                0.5 + a * a + 100.0 * b * b + x[2]
            }
            Self::Bowl => {
                g[0] = 2.0 * (x[0] - 2.0);
                (x[0] - 2.0) * (x[0] - 2.0)
            }
            Self::Flat => 3.0,
            Self::Slope => {
                g.copy_from_slice(&[-1.0, -2.0]);
                -x[0] - 2.0 * x[1]
            }
        }
    }
}

/// So many evaluations are no search any more.
const MOST: usize = 20_000_000;
/// So many evaluations after a stop are an iteration.
const AFTER_STOP: usize = 200;

/// A function times a factor, which counts, and knows its box.
struct Counted<'a> {
    shape: Shape,
    factor: f64,
    evaluations: &'a AtomicUsize,
    name: &'a str,
}

impl Objective for Counted<'_> {
    fn dim(&self) -> usize {
        self.shape.start().len()
    }

    fn value_gradient(&mut self, x: &[f64], g: &mut [f64]) -> f64 {
        let Self { shape, name, .. } = self;
        if x.iter().any(|x| x.is_nan()) {
            return f64::NAN;
        }
        assert!(shape.contains(x), "{name}: {shape:?} is evaluated outside of its box, at {x:?}");
        let before = self.evaluations.fetch_add(1, Ordering::Relaxed);
        assert!(before < MOST, "{name}: {shape:?} is evaluated more than {MOST} times");
        let value = self.shape.value_gradient(x, g);
        g.iter_mut().for_each(|g| *g *= self.factor);
        self.factor * value
    }

    fn bounds(&self, i: usize) -> (f64, f64) {
        self.shape.bounds(i)
    }
}

/// Checks the contract of every optimizer, on small functions of one to three variables:
///
/// * a search ends, and never leaves the box, in which a variable may be fixed; a start that lies outside
///   is moved into it;
/// * the value is that of the point, and not above the start's;
/// * it steps back from points that are NaN or infinite; a start there, or one with a coordinate that
///   is NaN, is [`Termination::StartNotFinite`] where nothing better is found;
/// * the same seed gives the same minimum, to the bit, and so does the function times a power of two;
/// * the observer is asked, and a stop is obeyed;
/// * [`Optimizer::local_solves`], where it gives a number, is the number that a call makes.
///
/// An optimizer with a setting that its [`Optimizer::check`] does not accept has to end at the start, with
/// [`Termination::InvalidSetting`], and nothing else is asked of it.
///
/// # Panics
/// With a message that says what does not hold.
///
/// ```
/// use mixlaw::optim::{BasinHopping, Lbfgs};
/// use mixlaw::testing::assert_optimizer_contract;
///
/// assert_optimizer_contract(&Lbfgs::default());
/// assert_optimizer_contract(&BasinHopping::new(Lbfgs::default()).hops(5));
/// // A setting out of its range.
/// assert_optimizer_contract(&Lbfgs::default().memory(0));
/// ```
pub fn assert_optimizer_contract(optimizer: &dyn Optimizer) {
    let name = format!("{optimizer:?}");
    let is_valid = optimizer.check().is_ok();
    for shape in SHAPES {
        let trial = Trial { optimizer, name: &name, shape };
        if !is_valid {
            trial.check_invalid_setting();
            continue;
        }
        let whole = trial.run(1.0, &shape.start(), None);
        trial.check_end(&whole);
        trial.check_repetition(&whole.minimum);
        trial.check_scaling(&whole.minimum);
        trial.check_other_starts();
        trial.check_stops(&whole);
    }
}

/// An optimizer on one of the functions.
struct Trial<'a> {
    optimizer: &'a dyn Optimizer,
    name: &'a str,
    shape: Shape,
}

/// What a search came to.
struct Search {
    minimum: Minimum,
    /// The local solves that were announced.
    announced: Option<usize>,
    /// The calls of the observer, and whether it said stop.
    calls: usize,
    is_stopped: bool,
}

impl Trial<'_> {
    /// Minimises the function times `factor`; the observer says stop at the call `stop_after`.
    fn run(&self, factor: f64, start: &[f64], stop_after: Option<usize>) -> Search {
        let Self { optimizer, name, shape } = *self;
        let evaluations = Arc::new(AtomicUsize::new(0));
        let mut objective = Counted { shape, factor, evaluations: &evaluations, name };
        let announced = optimizer.local_solves(&mut objective);
        // The calls of the observer, and the evaluations when it said stop.
        let seen = Arc::new(Mutex::new((0, None)));
        let (told, counted, tried) = (seen.clone(), evaluations.clone(), name.to_owned());
        let mut control = Control::seeded(7).observe(move |_| {
            let (calls, at_stop) = &mut *told.lock().expect("no call panicked");
            assert!(at_stop.is_none(), "{tried}: the observer is asked again after a stop");
            *calls += 1;
            if Some(*calls) != stop_after {
                return ControlFlow::Continue(());
            }
            *at_stop = Some(counted.load(Ordering::Relaxed));
            ControlFlow::Break(())
        });
        let minimum = optimizer.minimize(&mut objective, start, &mut control);
        let (calls, at_stop) = *seen.lock().expect("no call panicked");
        let after = at_stop.map_or(0, |before| evaluations.load(Ordering::Relaxed) - before);
        assert!(after <= AFTER_STOP, "{name}: {shape:?} is evaluated {after} times after a stop");
        Search { minimum, announced, calls, is_stopped: at_stop.is_some() }
    }

    fn value_at(&self, x: &[f64]) -> f64 {
        self.shape.value_gradient(x, &mut vec![0.0; x.len()])
    }

    /// A minimum in the box, with its own value, not above that of `start`.
    fn check_minimum(&self, minimum: &Minimum, start: &[f64]) {
        let Self { name, shape, .. } = self;
        let value = self.value_at(&minimum.x);
        assert!(value == minimum.value, "{name}: {shape:?} is {value} at the point of {minimum:?}");
        let least = self.value_at(start);
        assert!(value <= least, "{name}: {shape:?} is {least} at the start of {minimum:?}");
        assert!(
            shape.contains(&minimum.x),
            "{name}: {shape:?} ends outside of its box: {minimum:?}"
        );
    }

    fn check_invalid_setting(&self) {
        let Self { name, shape, .. } = self;
        let Search { minimum, .. } = self.run(1.0, &shape.start(), None);
        let at_start = minimum.x == shape.start() && minimum.evaluations <= 2;
        assert!(
            at_start && minimum.termination == Termination::InvalidSetting,
            "{name}: a setting is out of its range, and {shape:?} ends with {minimum:?}"
        );
    }

    /// A search that nobody stops has an end of its own, a minimum, and the local solves announced.
    fn check_end(&self, whole: &Search) {
        let Self { name, shape, .. } = self;
        let minimum = &whole.minimum;
        self.check_minimum(minimum, &shape.start());
        let is_end =
            !matches!(minimum.termination, Termination::Stopped | Termination::InvalidSetting);
        assert!(is_end, "{name}: {shape:?} ends with {minimum:?}");
        let found = minimum.local_solves;
        let total = whole.announced.unwrap_or(found);
        assert!(found == total, "{name}: {shape:?} takes {found} local solves, it says {total}");
        // Where all is flat there may be no iteration.
        assert!(
            whole.calls > 0 || minimum.evaluations <= 10,
            "{name}: the observer is not asked on {shape:?}"
        );
    }

    fn check_repetition(&self, first: &Minimum) {
        let Self { name, shape, .. } = self;
        let again = self.run(1.0, &shape.start(), None).minimum;
        assert!(
            is_same(first, &again),
            "{name}: the same seed gives {first:?} and {again:?} on {shape:?}"
        );
    }

    fn check_scaling(&self, whole: &Minimum) {
        let Self { name, shape, .. } = self;
        for power in [-20, 20] {
            let factor = 2f64.powi(power);
            let scaled = self.run(factor, &shape.start(), None).minimum;
            assert!(
                scaled.x == whole.x && scaled.value == factor * whole.value,
                "{name}: {shape:?} times 2^{power} ends with {scaled:?}, without it with {whole:?}"
            );
        }
    }

    /// From outside of the box, from its corner, and from where there is no value.
    fn check_other_starts(&self) {
        let Self { name, shape, .. } = self;
        let corner: Vec<f64> = (0..shape.start().len()).map(|i| shape.bounds(i).1).collect();
        let outside: Vec<f64> = corner.iter().map(|x| x + 7.0).collect();
        let nan = vec![f64::NAN; corner.len()];
        for from in [&outside, &corner, &nan] {
            let minimum = self.run(1.0, from, None).minimum;
            if minimum.value.is_finite() {
                let known = from.iter().all(|x| !x.is_nan()) && self.value_at(&corner).is_finite();
                self.check_minimum(&minimum, if known { &corner } else { &minimum.x });
            } else {
                assert!(
                    minimum.termination == Termination::StartNotFinite,
                    "{name}: from {from:?} {shape:?} ends with {minimum:?}"
                );
            }
        }
    }

    fn check_stops(&self, whole: &Search) {
        let Self { name, shape, .. } = self;
        let calls = whole.calls;
        for stop_after in [1, 2, 5].into_iter().filter(|&stop| stop <= calls) {
            let Search { minimum, is_stopped, .. } =
                self.run(1.0, &shape.start(), Some(stop_after));
            assert!(is_stopped, "{name}: fewer calls of the observer on {shape:?} the second time");
            self.check_minimum(&minimum, &shape.start());
            // At the last call all may be done already.
            assert!(
                minimum.termination == Termination::Stopped || is_same(&minimum, &whole.minimum),
                "{name}: a stop after call {stop_after} of {calls} on {shape:?} ends with {minimum:?}"
            );
        }
    }
}

/// Whether point and value are the same to the bit.
fn is_same(a: &Minimum, b: &Minimum) -> bool {
    let bits = |minimum: &Minimum| -> Vec<u64> {
        minimum.x.iter().chain([&minimum.value]).map(|x| x.to_bits()).collect()
    };
    bits(a) == bits(b)
}

/// Checks the contract of every objective, at a point of its box with a finite value:
///
/// * its bounds are in order, and the point is inside;
/// * [`Objective::value`] is the value of [`Objective::value_gradient`], to the bit, and again the second
///   time;
/// * the gradient agrees with central differences, of steps of 1e-6 within the box, to 1e-4 of the value
///   and the largest slope, and to what it changes by over the step;
/// * [`Objective::curvature`], where there is one, is symmetric and positive semidefinite;
/// * a [fork](Objective::fork), where there is one, has the same value, gradient and curvature, and draws
///   the same start, to the bit;
/// * a drawn start is a point without NaN, the same for the same stream of random numbers.
///
/// # Panics
/// With a message that says what does not hold, or if `x` has another length than [`Objective::dim`].
///
/// ```
/// use mixlaw::optim::Objective;
/// use mixlaw::testing::assert_objective_contract;
///
/// struct Bowl;
///
/// impl Objective for Bowl {
///     fn dim(&self) -> usize {
///         2
///     }
///
///     fn value_gradient(&mut self, x: &[f64], g: &mut [f64]) -> f64 {
///         g[0] = 2.0 * (x[0] - 1.0);
///         g[1] = 8.0 * (x[1] + 2.0);
///         (x[0] - 1.0).powi(2) + 4.0 * (x[1] + 2.0).powi(2)
///     }
///
///     fn curvature(&mut self, _: &[f64], _: f64, out: &mut [f64]) -> bool {
///         out.copy_from_slice(&[2.0, 0.0, 0.0, 8.0]);
///         true
///     }
/// }
///
/// assert_objective_contract(&mut Bowl, &[0.3, -0.7]);
/// ```
pub fn assert_objective_contract(objective: &mut dyn Objective, x: &[f64]) {
    let n = objective.dim();
    assert_eq!(x.len(), n, "one value for each of the {n} variables");
    check_box(objective, x);
    let (value, gradient) = checked_value(objective, x);
    check_slopes(objective, x, value, &gradient);
    // A look elsewhere must leave no trace.
    let seen = Seen::of(objective, x);
    assert!(
        seen.value == value && seen.gradient == gradient,
        "the second time the value is {}, the first time {value}",
        seen.value
    );
    for (reserve, matrix) in &seen.curvatures {
        check_curvature(*reserve, matrix, n);
    }
    if let Some(start) = &seen.start {
        let is_point = start.len() == n && start.iter().all(|x| !x.is_nan());
        assert!(is_point, "a drawn start is {start:?}, expected {n} numbers");
    }
    if let Some(mut fork) = objective.fork() {
        let other = Seen::of(fork.as_mut(), x);
        assert!(other == seen, "a fork has {other:?}, the objective {seen:?}");
    }
    check_smooth_version(objective, x);
    let after = Seen::of(objective, x);
    assert!(after == seen, "the smooth version leaves {after:?}, before it was {seen:?}");
}

/// The bounds are in order, and the point is inside.
fn check_box(objective: &dyn Objective, x: &[f64]) {
    for (i, &x) in x.iter().enumerate() {
        let (lower, upper) = objective.bounds(i);
        assert!(lower <= upper, "variable {i} has the bounds {lower} and {upper}");
        assert!(lower <= x && x <= upper, "variable {i} is {x}, its box is {lower} to {upper}");
    }
}

/// Value and gradient, both finite; the value alone is the same.
fn checked_value(objective: &mut dyn Objective, x: &[f64]) -> (f64, Vec<f64>) {
    let mut g = vec![0.0; x.len()];
    let value = objective.value_gradient(x, &mut g);
    assert!(value.is_finite(), "the value at the point is {value}, expected a finite one");
    assert!(g.iter().all(|g| g.is_finite()), "the value is {value}, its gradient is {g:?}");
    let alone = objective.value(x);
    assert!(alone == value, "the value is {alone}, with its gradient it is {value}");
    (value, g)
}

/// Central differences along each variable that has room on both sides.
fn check_slopes(objective: &mut dyn Objective, x: &[f64], value: f64, g: &[f64]) {
    const STEP: f64 = 1e-6;
    let size = value.abs() + g.iter().fold(0.0f64, |size, g| size.max(g.abs()));
    for i in 0..x.len() {
        let (lower, upper) = objective.bounds(i);
        let step = STEP * x[i].abs().max(1.0);
        let mut moved = x.to_vec();
        let mut at = |x_i: f64| {
            moved[i] = x_i;
            objective.value(&moved)
        };
        let (below, above) = (x[i] - step, x[i] + step);
        if below < lower || above > upper {
            continue;
        }
        let (ahead, behind) = (at(above), at(below));
        let difference = (ahead - behind) / (above - below);
        // By how much the slope changes here, which at a kink is what a difference may be off by.
        let change = (ahead - 2.0 * value + behind).abs() / step;
        assert!(
            (difference - g[i]).abs() <= 1e-4 * size + change,
            "the slope of variable {i} is {}, by differences it is {difference}",
            g[i]
        );
    }
}

/// The matrix is finite, symmetric and positive semidefinite.
fn check_curvature(reserve: f64, matrix: &[f64], n: usize) {
    let scale = matrix.iter().fold(0.0f64, |scale, b| scale.max(b.abs()));
    assert!(scale.is_finite(), "the curvature with reserve {reserve} is {matrix:?}");
    for i in 0..n {
        for j in 0..i {
            let (a, b) = (matrix[i * n + j], matrix[j * n + i]);
            assert!(
                (a - b).abs() <= 1e-12 * scale,
                "the curvature between variables {i} and {j} is {a} one way and {b} the other"
            );
        }
    }
    let least = eigenvalues(&mut matrix.to_vec(), n).into_iter().fold(f64::INFINITY, f64::min);
    assert!(
        least >= -1e-10 * scale,
        "the curvature with reserve {reserve} has the eigenvalue {least}"
    );
}

/// Where there is a smooth version, its forks are smooth too, and factor 1 undoes it.
fn check_smooth_version(objective: &mut dyn Objective, x: &[f64]) {
    if !objective.set_smoothing(f64::INFINITY, Token) {
        return;
    }
    let smooth = Seen::of(objective, x);
    if let Some(mut fork) = objective.fork() {
        let other = Seen::of(fork.as_mut(), x);
        assert!(other == smooth, "a fork of the smooth version has {other:?}, itself {smooth:?}");
    }
    assert!(
        objective.set_smoothing(1.0, Token),
        "there is a smooth version, and with factor 1 there is none"
    );
}

/// All that an objective says at a point.
#[derive(Debug, PartialEq)]
struct Seen {
    value: f64,
    gradient: Vec<f64>,
    /// With their reserve.
    curvatures: Vec<(f64, Vec<f64>)>,
    start: Option<Vec<f64>>,
}

impl Seen {
    fn of(objective: &mut dyn Objective, x: &[f64]) -> Self {
        let n = x.len();
        let mut gradient = vec![0.0; n];
        let value = objective.value_gradient(x, &mut gradient);
        let mut curvatures = Vec::new();
        for reserve in [0.0, 0.1, 1.0] {
            let mut matrix = vec![0.0; n * n];
            if objective.curvature(x, reserve, &mut matrix) {
                curvatures.push((reserve, matrix));
            }
        }
        let start = objective.draw_start(&mut Random::new(1));
        Self { value, gradient, curvatures, start }
    }
}
