//! How optimizers compose: starts, sequences, smooth versions, observers, seeds.

use std::ops::ControlFlow;

use mixlaw::optim::{
    BasinHopping, Control, Lbfgs, MultiStart, Objective, Optimizer, Progress, Sequence,
    SmoothFirst, Termination, TrustRegion,
};
use rand::Rng;

/// `(x^2 - 4)^2 + x`, with minima near -2 (the lower one) and 2: the roots of its derivative by
/// SciPy (brentq). Its smooth version is `(x - 3)^2`.
struct Double {
    smooth: bool,
    has_smooth: bool,
    draws: f64,
}

impl Double {
    fn new() -> Self {
        Self { smooth: false, has_smooth: true, draws: 0.0 }
    }
}

const LOWER: f64 = -2.030_546_615;
const UPPER: f64 = 1.967_985_401;

impl Objective for Double {
    fn dim(&self) -> usize {
        1
    }

    fn value_gradient(&mut self, x: &[f64], g: &mut [f64]) -> f64 {
        let x = x[0];
        if self.smooth {
            g[0] = 2.0 * (x - 3.0);
            return (x - 3.0).powi(2);
        }
        g[0] = 4.0 * x * (x * x - 4.0) + 1.0;
        (x * x - 4.0).powi(2) + x
    }

    fn draw_start(&mut self, _: &mut dyn Rng) -> Option<Vec<f64>> {
        self.draws -= 1.5;
        Some(vec![self.draws])
    }

    fn set_smoothing(&mut self, factor: f64) -> bool {
        self.smooth = factor > 1.0 && self.has_smooth;
        self.has_smooth
    }
}

fn run(optimizer: &dyn Optimizer, objective: &mut Double, start: f64) -> mixlaw::optim::Minimum {
    optimizer.minimize(objective, &[start], &mut Control::default())
}

fn is_near(x: f64, expected: f64) -> bool {
    (x - expected).abs() < 1e-5
}

#[test]
fn local_optimizers_stay_in_their_basin() {
    for optimizer in [&Lbfgs::default() as &dyn Optimizer, &TrustRegion::default()] {
        assert!(is_near(run(optimizer, &mut Double::new(), 1.5).x[0], UPPER), "{optimizer:?}");
        assert!(is_near(run(optimizer, &mut Double::new(), -1.5).x[0], LOWER), "{optimizer:?}");
    }
}

#[test]
fn multi_start_keeps_the_best_of_drawn_and_listed_starts() {
    let drawn = run(&MultiStart::new(Lbfgs::default(), 3), &mut Double::new(), 1.5);
    assert!(is_near(drawn.x[0], LOWER));
    assert_eq!(drawn.local_solves, 3);
    let listed = MultiStart::from_points(Lbfgs::default(), vec![vec![3.0], vec![2.5]]);
    assert!(is_near(run(&listed, &mut Double::new(), -1.5).x[0], UPPER));
    let grid = MultiStart::grid(Lbfgs::default(), &[vec![3.0, -3.0]]);
    assert!(is_near(run(&grid, &mut Double::new(), 1.5).x[0], LOWER));
    // Points of other objectives are no starts here.
    let other = MultiStart::from_points(Lbfgs::default(), vec![vec![3.0, 2.5]]);
    assert!(is_near(run(&other, &mut Double::new(), -1.5).x[0], LOWER));
}

#[test]
fn the_smooth_version_comes_first_and_leaves_no_trace() {
    let optimizer = SmoothFirst::new(Lbfgs::default(), Lbfgs::default());
    let mut objective = Double::new();
    let minimum = run(&optimizer, &mut objective, -1.5);
    // From -1.5 over 3, the minimum of the smooth version, to the upper minimum.
    assert!(is_near(minimum.x[0], UPPER));
    assert!((minimum.value - UPPER).abs() < 0.05 && !objective.smooth);
    assert_eq!(minimum.local_solves, 2);

    let mut rough = Double { has_smooth: false, ..Double::new() };
    let minimum = run(&optimizer, &mut rough, -1.5);
    assert!(is_near(minimum.x[0], LOWER) && minimum.local_solves == 1);
}

#[test]
fn a_sequence_goes_on_where_the_first_ended() {
    let hops = BasinHopping::new(Lbfgs::default()).hops(30).step(2.0);
    let minimum = run(&Sequence::new(Lbfgs::default(), hops), &mut Double::new(), 1.5);
    assert!(is_near(minimum.x[0], LOWER));
    assert_eq!((minimum.local_solves, minimum.termination), (32, Termination::Exhausted));
}

#[test]
fn seeds_decide() {
    let hops = BasinHopping::new(Lbfgs::default().max_iterations(1)).hops(5);
    let at = |seed| hops.minimize(&mut Double::new(), &[1.5], &mut Control::seeded(seed)).x;
    assert_eq!(at(1), at(1));
    assert_ne!(at(1), at(2));
}

#[test]
fn every_optimizer_can_be_stopped() {
    let all: [Box<dyn Optimizer>; 5] = [
        Box::new(Lbfgs::default()),
        Box::new(TrustRegion::default()),
        Box::new(MultiStart::new(Lbfgs::default(), 4)),
        Box::new(BasinHopping::new(Lbfgs::default())),
        Box::new(Sequence::new(
            Lbfgs::default(),
            SmoothFirst::new(Lbfgs::default(), Lbfgs::default()),
        )),
    ];
    for optimizer in all {
        let mut calls = 0;
        let mut observer = |progress: &Progress| {
            calls += 1;
            assert!(progress.evaluations > 0);
            if calls < 2 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        };
        let mut control = Control::default().observed_by(&mut observer);
        let minimum = optimizer.minimize(&mut Double::new(), &[5.0], &mut control);
        assert_eq!(minimum.termination, Termination::Stopped, "{optimizer:?}");
        assert!(minimum.value.is_finite() && minimum.value < 446.0, "{optimizer:?}");
    }
}

/// Runs from the same starts, on the caller's thread (its objective cannot fork) or on several.
#[cfg(feature = "rayon")]
#[test]
fn threads_do_not_change_a_bit() {
    use mixlaw::law::JointLaw;
    use mixlaw::optim::{Lbfgs, SmoothFirst};
    use mixlaw::{Fitter, Sweep};

    let (mut n, mut d, mut h, mut losses) = (vec![], vec![], vec![], vec![]);
    for i in 0..60 {
        let x = f64::from(i);
        n.push([1e8, 3e8, 9e8][i as usize % 3]);
        d.push([2e9, 5e9, 8e9, 2e10][i as usize % 4]);
        let share = 0.1 + 0.8 * (x * 0.618).fract();
        h.extend([share, 1.0 - share]);
        losses.push(2.0 + share * share + 0.1 * (x * 1.618).sin() + 1e8 / n[i as usize]);
    }
    let sweep = Sweep::from_slices(&["a", "b"], &["t"], &n, &d, &h, &losses).unwrap();
    let fit = |threads: usize, fitter: &Fitter| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let fit = pool.install(|| fitter.fit(JointLaw::for_sweep(&sweep), &sweep, "t").unwrap());
        let bits: Vec<u64> = fit.coordinates().iter().map(|z| z.to_bits()).collect();
        (bits, fit.objective().to_bits(), fit.evaluations(), fit.local_solves())
    };
    let lbfgs = SmoothFirst::new(Lbfgs::default(), Lbfgs::default());
    let fitters = [Fitter::new(), Fitter::new().optimizer(MultiStart::new(lbfgs, 11))];
    for fitter in &fitters {
        let one = fit(1, fitter);
        for threads in [2, 3, 8] {
            assert_eq!(fit(threads, fitter), one, "{threads} threads");
        }
    }
}
