use std::ops::ControlFlow;

use mixlaw::law::{AdditiveLaw, ChinchillaLaw, ScalingLaw};
use mixlaw::optim::{BasinHopping, Control, MultiStart, Objective, Optimizer, Termination};
use mixlaw::testing::assert_optimizer_contract;
use mixlaw::{Fitter, Sweep};
use own_optimizer::{BasinLbfgsb, NelderMead};

/// Rosenbrock's valley, of which the last variable is fixed; its minimum is 0.5 at (1, 1, 2).
struct Valley;

impl Objective for Valley {
    fn dim(&self) -> usize {
        3
    }

    fn value_gradient(&mut self, x: &[f64], g: &mut [f64]) -> f64 {
        let (a, b) = (1.0 - x[0], x[1] - x[0] * x[0]);
        g.copy_from_slice(&[-2.0 * a - 400.0 * b * x[0], 200.0 * b, 1.0]);
        a * a + 100.0 * b * b + x[2] - 1.5
    }

    fn bounds(&self, i: usize) -> (f64, f64) {
        if i == 2 { (2.0, 2.0) } else { (-5.0, 5.0) }
    }
}

/// The six-hump camel back: six minima, two of them at the least value, -1.0316285.
struct Camel;

impl Objective for Camel {
    fn dim(&self) -> usize {
        2
    }

    fn value_gradient(&mut self, x: &[f64], g: &mut [f64]) -> f64 {
        let [x, y] = [x[0], x[1]];
        g[0] = 8.0 * x - 8.4 * x.powi(3) + 2.0 * x.powi(5) + y;
        g[1] = x - 8.0 * y + 16.0 * y.powi(3);
        (4.0 - 2.1 * x * x + x.powi(4) / 3.0) * x * x + x * y + (4.0 * y * y - 4.0) * y * y
    }

    fn bounds(&self, i: usize) -> (f64, f64) {
        if i == 0 { (-3.0, 3.0) } else { (-2.0, 2.0) }
    }
}

fn both() -> [Box<dyn Optimizer>; 2] {
    [Box::new(NelderMead::default()), Box::new(BasinLbfgsb::default())]
}

#[test]
fn they_find_the_end_of_a_valley_in_its_box() {
    for optimizer in both() {
        let run = optimizer.minimize(&mut Valley, &[-1.2, 1.0, 7.0], &mut Control::default());
        assert!((run.value - 0.5).abs() < 1e-6 && run.x[2] == 2.0, "{optimizer:?}: {run:?}");
        assert!(run.termination.converged() && run.optimality < 1e-2, "{optimizer:?}: {run:?}");
    }
}

#[test]
fn they_keep_the_contract_alone_and_inside_others() {
    for optimizer in both() {
        assert_optimizer_contract(&optimizer);
        assert_optimizer_contract(&MultiStart::new(&*optimizer, 3));
        assert_optimizer_contract(&BasinHopping::new(&*optimizer).hops(3));
    }
    for edge in [0.0, f64::NAN] {
        let bad = NelderMead { edge, ..NelderMead::default() };
        assert_optimizer_contract(&bad);
        let error = Fitter::new().optimizer(bad);
        let sweep = sweep();
        let error = error.fit(ChinchillaLaw::for_sweep(&sweep), &sweep, "web").unwrap_err();
        assert!(error.to_string().starts_with("edge is "), "{error}");
    }
}

#[test]
fn they_can_be_stopped() {
    for optimizer in both() {
        let mut control = Control::default().observe(|progress| {
            if progress.evaluations < 20 {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        });
        let run = optimizer.minimize(&mut Valley, &[-1.2, 1.0, 2.0], &mut control);
        assert_eq!(run.termination, Termination::Stopped);
        // The start is worth 24.7.
        assert!(run.evaluations <= 25 && run.value < 24.7, "{run:?}");
    }
}

#[test]
fn inside_multi_start_and_basin_hopping_they_find_the_least_of_many_minima() {
    for optimizer in [
        Box::new(MultiStart::new(NelderMead::default(), 20)) as Box<dyn Optimizer>,
        Box::new(MultiStart::new(BasinLbfgsb::default(), 20)),
        Box::new(BasinHopping::new(NelderMead::default()).hops(50)),
        Box::new(BasinHopping::new(BasinLbfgsb::default()).hops(50)),
    ] {
        let run = optimizer.minimize(&mut Camel, &[2.1, -1.9], &mut Control::seeded(3));
        assert!((run.value + 1.031_628_453).abs() < 1e-8, "{optimizer:?}: {run:?}");
    }
}

/// Losses of Chinchilla's law and of a mixture, times 1 plus noise.
fn sweep() -> Sweep {
    let (mut n, mut d, mut h, mut loss) = (vec![], vec![], vec![], vec![]);
    for web in [0.1, 0.3, 0.5, 0.7, 0.9] {
        for size in [1e8, 4e8, 2e9] {
            for tokens in [2e9, 8e9, 3e10] {
                n.push(size);
                d.push(tokens);
                h.extend([web, 1.0 - web]);
                let noise = (0.618_033_988_749_895 * n.len() as f64).fract() - 0.5;
                let clean = 1.7 + 400.0 / f64::powf(size, 0.34) + 400.0 / f64::powf(tokens, 0.28);
                loss.push((clean + 0.2 / (0.2 + web)) * (1.0 + 0.01 * noise));
            }
        }
    }
    Sweep::new(&["web", "code"], &["web"], &n, &d, &h, &loss).unwrap()
}

/// The objective of a fit by `optimizer`, relative to that of the default one.
fn excess(
    law: impl ScalingLaw + Clone + 'static,
    optimizer: impl Optimizer + 'static,
    sweep: &Sweep,
) -> f64 {
    let default = Fitter::new().fit(law.clone(), sweep, "web").unwrap();
    let fit = Fitter::new().optimizer(optimizer).fit(law, sweep, "web").unwrap();
    println!("{:e}, by default {:e}", fit.objective(), default.objective());
    fit.objective() / default.objective() - 1.0
}

#[test]
fn a_fit_by_nelder_mead_is_as_good_as_the_default() {
    let sweep = sweep();
    let one = sweep.select(|row| row.h[0] == 0.5).unwrap();
    let law = ChinchillaLaw::for_sweep(&one);
    assert!(excess(law.clone(), MultiStart::new(NelderMead::default(), 12), &one) < 1e-2);
    assert!(excess(law, BasinHopping::new(NelderMead::default()).hops(20), &one) < 1e-2);
}

#[test]
fn a_fit_by_basin_is_as_good_as_the_default() {
    let sweep = sweep();
    let law = AdditiveLaw::for_sweep(&sweep);
    assert!(excess(law.clone(), MultiStart::new(BasinLbfgsb::default(), 24), &sweep) < 1e-2);
    assert!(excess(law, BasinHopping::new(BasinLbfgsb::default()).hops(400), &sweep) < 1e-2);
}
