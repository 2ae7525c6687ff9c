//! Functions of a user that return anything, or panic.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mixlaw::law::{AdditiveLaw, Coordinates, Gradient, ScalingLaw};
use mixlaw::optim::{
    BasinHopping, Control, Lbfgs, MultiStart, Objective, Optimizer, Sequence, SmoothFirst,
    TrustRegion,
};
use mixlaw::plan::Plan;
use mixlaw::simplex::{Constraints, SimplexObjective, SimplexSolver};
use mixlaw::{Fitter, Mixture, Predictor, Scale};
use rand::RngExt;
use rand::rngs::Xoshiro256PlusPlus as Random;

use crate::data::{NAMES, mixture, number, pick, sweep};
use crate::harness::{Tally, campaign, caught};

/// What a planned panic says.
const PLANNED: &str = "planned";

/// Panics at its turn, counted over all threads.
#[derive(Debug, Clone)]
struct Fuse(Arc<AtomicUsize>);

impl Fuse {
    fn new(calls: usize) -> Self {
        Self(Arc::new(AtomicUsize::new(calls)))
    }

    fn never() -> Self {
        Self::new(usize::MAX)
    }

    fn burn(&self) {
        if self.0.load(Ordering::Relaxed) != usize::MAX
            && self.0.fetch_sub(1, Ordering::Relaxed) == 1
        {
            self.0.store(usize::MAX, Ordering::Relaxed);
            panic!("{PLANNED}");
        }
    }
}

/// A number from 0 to 1 for each x, without any order.
fn scattered(seed: u64, x: &[f64]) -> f64 {
    let mut hash = seed;
    for value in x {
        hash = (hash ^ value.to_bits()).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        hash ^= hash >> 29;
    }
    (hash >> 11) as f64 / (1u64 << 53) as f64
}

#[derive(Debug, Clone, Copy)]
enum Shape {
    Bowl,
    Holes(f64),
    Outside(f64),
    Noise,
    Constant(f64),
    Kinks(f64),
    Steep(f64),
}

#[derive(Debug, Clone, Copy)]
enum Slopes {
    True,
    Zero,
    Negated,
    Noise,
    All(f64),
}

/// A function of x that is the same at the same x.
#[derive(Debug, Clone)]
struct Wild {
    seed: u64,
    shape: Shape,
    slopes: Slopes,
    fuse: Fuse,
}

impl Wild {
    fn new(rng: &mut Random) -> Self {
        let odd = pick(rng, &[f64::NAN, f64::INFINITY, f64::NEG_INFINITY]);
        let size = pick(rng, &[1e-310, 1e-160, 1e-9, 1e9, 1e150, 1e300]);
        let shapes = [
            Shape::Bowl,
            Shape::Holes(odd),
            Shape::Outside(odd),
            Shape::Noise,
            Shape::Constant(pick(rng, &[odd, 0.0, 1.0, -3.0])),
            Shape::Kinks(size),
            Shape::Steep(size),
        ];
        let slopes = [Slopes::Zero, Slopes::Negated, Slopes::Noise, Slopes::All(number(rng))];
        let slopes = if rng.random_bool(0.5) { Slopes::True } else { pick(rng, &slopes) };
        Self { seed: rng.random(), shape: pick(rng, &shapes), slopes, fuse: Fuse::never() }
    }

    fn value_gradient(&self, x: &[f64], g: &mut [f64]) -> f64 {
        self.fuse.burn();
        let mut value = 1.0;
        for (i, (x, g)) in x.iter().zip(g.iter_mut()).enumerate() {
            let from = x - scattered(self.seed, &[i as f64]);
            let (v, slope) = match self.shape {
                Shape::Kinks(size) => (size * from.abs(), size * from.signum()),
                Shape::Steep(size) => (size * from * from, 2.0 * size * from),
                _ => (from * from, 2.0 * from),
            };
            value += v;
            *g = match self.slopes {
                Slopes::True => slope,
                Slopes::Zero => 0.0,
                Slopes::Negated => -slope,
                Slopes::Noise => 1e3 * (scattered(self.seed + 1 + i as u64, &[*x]) - 0.5),
                Slopes::All(slope) => slope,
            };
        }
        match self.shape {
            Shape::Holes(odd) if scattered(self.seed, x) < 0.3 => odd,
            Shape::Outside(odd) if value > 1.2 => odd,
            Shape::Noise => 10.0 * scattered(self.seed, x) - 5.0,
            Shape::Constant(constant) => constant,
            _ => value,
        }
    }
}

/// [`Wild`] in a box, with more to tell than a gradient.
#[derive(Debug, Clone)]
struct Boxed {
    wild: Wild,
    bounds: Vec<(f64, f64)>,
    curvature: Option<f64>,
    draws: Option<f64>,
    forks: bool,
}

impl Boxed {
    fn new(rng: &mut Random) -> Self {
        let maybe = |rng: &mut Random| rng.random_bool(0.4).then(|| number(rng));
        let bounds = (0..rng.random_range(0..5)).map(|_| {
            let (a, b) = (rng.random_range(-2.0..2.0), rng.random_range(-2.0..2.0f64));
            match rng.random_range(0..5) {
                0 => (f64::NEG_INFINITY, f64::INFINITY),
                1 => (a, a),
                2 => (a, f64::INFINITY),
                _ => (b.min(a), b.max(a)),
            }
        });
        Self {
            bounds: bounds.collect(),
            wild: Wild::new(rng),
            curvature: maybe(rng),
            draws: maybe(rng),
            forks: rng.random(),
        }
    }

    fn holds(&self, x: &[f64]) -> bool {
        x.len() == self.bounds.len()
            && x.iter().zip(&self.bounds).all(|(x, (lower, upper))| lower <= x && x <= upper)
    }

    fn clamped(&self, x: &[f64]) -> Vec<f64> {
        x.iter().zip(&self.bounds).map(|(x, (lower, upper))| x.max(*lower).min(*upper)).collect()
    }
}

impl Objective for Boxed {
    fn dim(&self) -> usize {
        self.bounds.len()
    }

    fn value_gradient(&mut self, x: &[f64], g: &mut [f64]) -> f64 {
        self.wild.value_gradient(x, g)
    }

    fn bounds(&self, i: usize) -> (f64, f64) {
        self.bounds[i]
    }

    fn curvature(&mut self, _: &[f64], _: f64, out: &mut [f64]) -> bool {
        let Some(value) = self.curvature else { return false };
        out.fill(value);
        true
    }

    fn draw_start(&mut self, random: &mut mixlaw::Random) -> Option<Vec<f64>> {
        let odd = self.draws?;
        let draw = |_: &_| if random.unit() < 0.2 { odd } else { random.uniform(-1.0..1.0) };
        Some(self.bounds.iter().map(draw).collect())
    }

    fn fork(&self) -> Option<Box<dyn Objective + Send + '_>> {
        self.forks.then(|| Box::new(self.clone()) as Box<dyn Objective + Send>)
    }
}

fn local(rng: &mut Random) -> Box<dyn Optimizer> {
    if rng.random() { Box::new(TrustRegion::default()) } else { Box::new(Lbfgs::default()) }
}

fn optimizer(rng: &mut Random) -> Box<dyn Optimizer> {
    let few = rng.random_range(1..6);
    match rng.random_range(0..7) {
        0 => Box::new(MultiStart::new(local(rng), few)),
        1 => Box::new(MultiStart::new(local(rng), few).shortlist(2, local(rng))),
        2 => Box::new(BasinHopping::new(local(rng)).hops(few)),
        3 => Box::new(Sequence::new(local(rng), local(rng))),
        4 => Box::new(SmoothFirst::new(local(rng), local(rng))),
        _ => local(rng),
    }
}

/// Runs what may panic as planned; `None` if it did.
fn unless_planned<R>(tally: &mut Tally, run: impl FnOnce() -> R) -> Option<R> {
    match caught(run) {
        Ok(result) => Some(result),
        Err(text) if text == PLANNED => {
            tally.count("planned panics");
            None
        }
        Err(text) => panic!("another panic: {text}"),
    }
}

fn minimized(rng: &mut Random, tally: &mut Tally) {
    let mut objective = Boxed::new(rng);
    let optimizer = optimizer(rng);
    let start: Vec<f64> = (0..objective.dim())
        .map(|_| if rng.random_bool(0.05) { number(rng) } else { rng.random_range(-3.0..3.0) })
        .collect();
    let (panics, watched) = (rng.random_bool(0.2), rng.random_bool(0.3));
    if panics {
        objective.wild.fuse = Fuse::new(rng.random_range(1..200));
    }
    let (mut steps, stop, watcher) =
        (0, rng.random_range(1..50), Fuse::new(rng.random_range(1..50)));
    let observer = move |_: &mixlaw::optim::Progress| {
        steps += 1;
        if panics {
            watcher.burn();
        }
        if steps < stop { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    let control = Control::seeded(rng.random());
    let mut control = if watched { control.observe(observer) } else { control };
    let found = unless_planned(tally, || optimizer.minimize(&mut objective, &start, &mut control));
    objective.wild.fuse = Fuse::never();
    let found = found.unwrap_or_else(|| {
        // The next call does not know of it.
        optimizer.minimize(&mut objective, &start, &mut Control::default())
    });
    tally.count("minima");
    let begins = !start.iter().any(|x| x.is_nan())
        && objective.clamped(&start).iter().all(|x| x.is_finite());
    if !begins && !found.value.is_finite() {
        // There was nowhere to begin.
        tally.count("starts nowhere");
        return;
    }
    assert!(
        objective.holds(&found.x),
        "{:?} is outside of {:?}: {optimizer:?}",
        found.x,
        objective.bounds
    );
    let at_start = objective.value(&objective.clamped(&start));
    let risen = begins && at_start.is_finite() && (found.value.is_nan() || found.value > at_start);
    assert!(!risen, "from {at_start} to {}: {optimizer:?}, {objective:?}", found.value);
    let value = objective.value(&found.x);
    assert!(
        same(value, found.value),
        "{} at a point of value {value}: {optimizer:?}, {objective:?}",
        found.value
    );
}

/// Whether two values are the same; NaN and infinities are all no value.
fn same(a: f64, b: f64) -> bool {
    a == b || !(a.is_finite() || b.is_finite())
}

/// The largest of some wild functions on the simplex.
#[derive(Debug)]
struct Largest {
    domains: usize,
    parts: Vec<Wild>,
}

impl SimplexObjective for Largest {
    fn dim(&self) -> usize {
        self.domains
    }

    fn value_gradient(&mut self, h: &[f64], g: &mut [f64]) -> f64 {
        let mut largest = f64::NEG_INFINITY;
        let mut own = vec![0.0; h.len()];
        for part in &self.parts {
            let value = part.value_gradient(h, &mut own);
            if value > largest || value.is_nan() {
                largest = value;
                g.copy_from_slice(&own);
            }
        }
        largest
    }

    fn parts(&self) -> usize {
        self.parts.len()
    }

    fn parts_gradients(&mut self, h: &[f64], values: &mut [f64], slopes: &mut [f64]) {
        for ((part, value), g) in self.parts.iter().zip(values).zip(slopes.chunks_mut(h.len())) {
            *value = part.value_gradient(h, g);
        }
    }
}

fn on_the_simplex(rng: &mut Random, tally: &mut Tally) {
    let domains = rng.random_range(1..6);
    let parts = (0..rng.random_range(1..4)).map(|_| Wild::new(rng)).collect();
    let mut objective = Largest { domains, parts };
    let inside = mixture(rng, domains);
    let mut limits = Constraints::new();
    for i in 0..domains {
        if rng.random_bool(0.3) {
            limits = limits.at_most(NAMES[i], (inside[i] + rng.random_range(0.0..0.3)).min(1.0));
        }
        if rng.random_bool(0.2) {
            limits = limits.at_least(NAMES[i], (inside[i] - rng.random_range(0.0..0.3)).max(0.0));
        }
    }
    let region = limits.region(&NAMES[..domains], 1e9).expect("a mixture is inside");
    if rng.random_bool(0.2) {
        objective.parts[0].fuse = Fuse::new(rng.random_range(1..200));
    }
    let mut solver = SimplexSolver::new();
    if rng.random_range(0..50) != 0 {
        solver = solver.budget(pick(rng, &[1_000, 100_000, 1_000_000]));
    }
    if rng.random_bool(0.3) {
        solver = solver.start(Mixture::uniform(domains));
    }
    let solve = |objective: &mut Largest| solver.minimize_within(objective, &region);
    let found = unless_planned(tally, || solve(&mut objective));
    objective.parts[0].fuse = Fuse::never();
    let found = found.unwrap_or_else(|| solve(&mut objective));
    let Some(found) = tally.answer("optima", found) else { return };
    let (h, sum) = (&found.weights, found.weights.iter().sum::<f64>());
    assert!(
        (sum - 1.0).abs() <= 1e-12 && h.iter().all(|x| *x >= 0.0),
        "weights {h:?} of sum {sum}"
    );
    assert!(region.violation(h) <= 1e-9, "{h:?} breaks {limits:?} by {:e}", region.violation(h));
    let value = objective.value_gradient(h, &mut vec![0.0; domains]);
    // Where neighbours have values of their own, the last rounding of the weights changes the value.
    let scattered = |part: &Wild| matches!(part.shape, Shape::Noise | Shape::Holes(_));
    let close = (value - found.value).abs() <= 1e-12 * value.abs();
    assert!(
        close || same(value, found.value) || objective.parts.iter().any(scattered),
        "{} at a mixture of value {value}: {objective:?}",
        found.value
    );
    assert!(found.lower_bound.is_none_or(|bound| bound <= value), "a bound of a function unknown");
}

/// An additive law that panics at its turn.
#[derive(Debug)]
struct Panicking(AdditiveLaw, Fuse);

impl ScalingLaw for Panicking {
    fn name(&self) -> &str {
        "panicking"
    }

    fn domains(&self) -> &[String] {
        self.0.domains()
    }

    fn coordinates(&self) -> &Coordinates {
        self.0.coordinates()
    }

    fn loss(&self, z: &[f64], at: Scale, h: &[f64]) -> f64 {
        self.1.burn();
        self.0.loss(z, at, h)
    }

    fn gradient(&self, z: &[f64], at: Scale, h: &[f64], out: &mut Gradient) -> f64 {
        self.1.burn();
        self.0.gradient(z, at, h, out)
    }
}

fn with_a_panicking_law(rng: &mut Random, tally: &mut Tally) {
    let k = rng.random_range(1..4);
    let rows = sweep(rng, k, 1);
    let law = || AdditiveLaw::new(&NAMES[..k], Scale { n: 2e8, d: 4e9 }).unwrap();
    let fuse = Fuse::new(rng.random_range(1..3_000));
    let fitter = Fitter::new().starts(rng.random_range(1..4)).seed(rng.random());
    let fit = |fuse| fitter.fit(Panicking(law(), fuse), &rows, "web");
    if unless_planned(tally, || fit(fuse)).is_none() {
        tally.answer("fits", fit(Fuse::never()));
    }
    let z = crate::data::coordinates(rng, &law());
    // A plan asks the law what it depends on before it solves.
    let panicking = Panicking(law(), Fuse::new(rng.random_range(20..2_000)));
    let target = Predictor::new("web", panicking, &z).unwrap();
    let plan = Plan::builder().target(1.0, target).build().unwrap();
    let found = unless_planned(tally, || plan.best(Scale { n: 1e9, d: 2e10 }));
    let found = found.unwrap_or_else(|| plan.best(Scale { n: 1e9, d: 2e10 }));
    tally.answer("choices", found);
}

#[test]
fn hostile() {
    campaign("hostile", 250, |rng, tally| match rng.random_range(0..20) {
        0 => with_a_panicking_law(rng, tally),
        1..6 => on_the_simplex(rng, tally),
        _ => minimized(rng, tally),
    });
}
