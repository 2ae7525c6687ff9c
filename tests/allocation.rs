//! What evaluations and optimizers allocate: nothing, once they are set up.

#[path = "../benches/counting.rs"]
mod counting;
mod every_law;
#[path = "../benches/problems.rs"]
mod problems;

use std::sync::{Arc, Mutex};

use counting::{Counting, allocations, peak};
use every_law::every_law;
use mixlaw::law::{
    AdditiveLaw, Coordinate, Formula, FormulaLaw, FullLaw, JointLaw, Points, Scalar, ScalingLaw,
    SimpleLaw, StartData,
};
use mixlaw::optim::{
    Control, Minimum, Objective, Optimizer, SmoothFirst, Termination, TrustRegion,
};
use mixlaw::{Fitter, Mixture, Random, Sweep, uncertainty};
use problems::{SEED, TARGET, p3, p8};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// `E + C exp(sum_i g_i h_i) / N^a`.
#[derive(Debug)]
struct Tilted;

impl Formula for Tilted {
    fn name(&self) -> &str {
        "tilted"
    }

    fn coefficients(&self, domains: &[String]) -> Vec<Coordinate> {
        let tilts = domains.iter().map(|d| Coordinate::real(format!("g[{d}]"), -3.0..=3.0));
        let others = [
            Coordinate::positive("E", 0.1..=10.0),
            Coordinate::positive("C", 0.01..=10.0).over_n("a"),
            Coordinate::positive("a", 0.03..=1.5),
        ];
        others.into_iter().chain(tilts).collect()
    }

    fn loss<S: Scalar>(&self, c: &[S], n: S, _: S, h: &[S]) -> S {
        let mut tilt = S::from_f64(0.0);
        for (g, &h) in c[3..].iter().zip(h) {
            tilt += *g * h;
        }
        c[0] + c[1] * tilt.exp() / n.powf(c[2])
    }
}

#[test]
fn a_batch_allocates_nothing() {
    for sweep in [p3(SEED), p8(SEED)] {
        let (n, d) = (sweep.n().to_vec(), sweep.d().to_vec());
        let h: Vec<f64> = sweep.mixtures().iter().copied().collect();
        let mut laws = every_law(sweep.domains(), 1, sweep.scale());
        laws.push(Arc::new(FormulaLaw::for_sweep(Tilted, &sweep).unwrap()));
        for law in laws {
            let mixture = Mixture::uniform(sweep.domains().len());
            let data = StartData { least_loss: 1.8, median_loss: 2.2, mixture: &mixture };
            let mut random = Random::new(SEED);
            let mut batch = law.batch(Points::new(&n, &d, &h, sweep.domains().len()));
            let (mut losses, weights) = (vec![0.0; n.len()], vec![1.0; n.len()]);
            let p = law.coordinates().len();
            let (mut gradient, mut matrix) = (vec![0.0; p], vec![0.0; p * p]);
            // At the first of these points it may set itself up.
            let counts = [(); 3].map(|()| {
                let z = law.start(&data, &mut random);
                [
                    allocations(|| batch.losses(&z, &mut losses)),
                    allocations(|| batch.gradient(&z, &weights, &mut gradient)),
                    allocations(|| batch.gauss_newton(&z, &weights, &mut matrix)),
                ]
            });
            assert_eq!(counts[1..], [[0; 3]; 2], "{}: losses, gradient, Gauss-Newton", law.name());
        }
    }
}

/// Counts the allocations of the objective: value, value and gradient, curvature.
#[derive(Debug, Clone, Default)]
struct Probe(Arc<Mutex<[usize; 3]>>);

impl Optimizer for Probe {
    fn minimize(&self, objective: &mut dyn Objective, start: &[f64], _: &mut Control) -> Minimum {
        let mut x = start.to_vec();
        let mut g = vec![0.0; x.len()];
        let mut curvature = vec![0.0; x.len() * x.len()];
        // Everything at the first point, where it may set itself up, then at others.
        for step in 0..3 {
            x.iter_mut().enumerate().for_each(|(i, x)| {
                let (lower, upper) = objective.bounds(i);
                *x = (*x + 0.01 * step as f64).clamp(lower, upper);
            });
            let counts = [
                allocations(|| _ = objective.value(&x)),
                allocations(|| _ = objective.value_gradient(&x, &mut g)),
                allocations(|| _ = objective.curvature(&x, 0.1, &mut curvature)),
            ];
            if step > 0 {
                self.0.lock().unwrap().iter_mut().zip(counts).for_each(|(sum, c)| *sum += c);
            }
        }
        let value = objective.value(&x);
        let termination = Termination::Complete;
        Minimum { x, value, optimality: 0.0, termination, evaluations: 10, local_solves: 1 }
    }
}

#[test]
fn the_objective_of_a_fit_allocates_nothing() {
    let sweep = p3(SEED);
    let plain = Fitter::new();
    // A bound on a coefficient for raw N makes it a variable of its own.
    let bounded = Fitter::new().bound("A", 1.0, 1e6);
    let cases: [(Box<dyn ScalingLaw>, &Fitter); 4] = [
        (Box::new(SimpleLaw::for_sweep(&sweep)), &bounded),
        (Box::new(AdditiveLaw::for_sweep(&sweep)), &plain),
        (Box::new(JointLaw::for_sweep(&sweep)), &plain),
        (Box::new(FullLaw::for_sweep(&sweep)), &plain),
    ];
    for (law, fitter) in cases {
        let (name, probe) = (law.name().to_owned(), Probe::default());
        fitter.clone().optimizer(probe.clone()).fit(law, &sweep, TARGET).unwrap();
        assert_eq!(*probe.0.lock().unwrap(), [0; 3], "{name}: value, gradient, curvature");
    }
}

/// Counts the evaluations and the allocations of another optimizer.
#[derive(Debug)]
struct Counted<O>(O, Arc<Mutex<(usize, usize)>>);

impl<O: Optimizer> Optimizer for Counted<O> {
    fn minimize(
        &self,
        objective: &mut dyn Objective,
        start: &[f64],
        control: &mut Control,
    ) -> Minimum {
        let mut minimum = None;
        let count = allocations(|| minimum = Some(self.0.minimize(objective, start, control)));
        let minimum = minimum.expect("it was minimised");
        *self.1.lock().unwrap() = (minimum.evaluations, count);
        minimum
    }
}

#[test]
fn an_iteration_of_the_trust_region_allocates_nothing() {
    let sweep = p8(SEED);
    let solve = |iterations| {
        let local = || TrustRegion::default().tolerance(0.0).max_iterations(iterations);
        let counts = Arc::new(Mutex::new((0, 0)));
        let optimizer = Counted(SmoothFirst::new(local(), local()), counts.clone());
        Fitter::new()
            .optimizer(optimizer)
            .fit(JointLaw::for_sweep(&sweep), &sweep, TARGET)
            .unwrap();
        *counts.lock().unwrap()
    };
    let (short, long) = (solve(5), solve(20));
    assert!(long.0 >= short.0 + 20, "evaluations: {} and {}", short.0, long.0);
    assert_eq!(long.1, short.1, "allocations with {} and {} evaluations", long.0, short.0);
}

/// Swapped coefficients of 7,140 pairs of domains are looked at one after the other: together they
/// would take 14 MB here, and 4 GB for 1,000 domains.
#[test]
fn a_probe_does_not_hold_all_pairs_at_once() {
    let k = 120;
    let domains: Vec<String> = (0..k).map(|i| format!("d{i}")).collect();
    let mixtures = Mixture::dirichlet(&vec![1.0; k], 6, 1).unwrap();
    let h: Vec<f64> = mixtures.iter().flat_map(|h| h.to_vec()).collect();
    let loss = [3.0, 3.1, 2.9, 3.2, 2.8, 3.0];
    let sweep = Sweep::new(&domains, &["t"], &[1e8; 6], &[1e9; 6], &h, &loss).unwrap();
    let mut fitter = Fitter::new().starts(1).fix("A", 1.0).fix("B", 1.0);
    for name in ["alpha", "beta"] {
        fitter = fitter.fix(name, 0.3);
    }
    for domain in &domains {
        let (c, gamma) = (format!("C[{domain}]"), format!("gamma[{domain}]"));
        fitter = fitter.fix(c, 0.1).fix(gamma, 0.5);
    }
    let fit = fitter.fit(AdditiveLaw::for_sweep(&sweep), &sweep, "t").unwrap();
    let mut pairs = 0;
    let bytes = peak(|| {
        let report = uncertainty::Probe::new().starts(0).run(&fit, &sweep).unwrap();
        pairs = report.pairs.len();
    });
    assert_eq!(pairs, 7140);
    assert!(bytes < 5_000_000, "{bytes}");
}
