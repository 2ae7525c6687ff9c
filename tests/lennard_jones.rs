//! Basin-hopping on Lennard-Jones clusters in reduced units, against the global minima that
//! D. J. Wales and J. P. K. Doye list in "Global Optimization by Basin-Hopping and the Lowest Energy
//! Structures of Lennard-Jones Clusters Containing up to 110 Atoms", J. Phys. Chem. A 101 (1997)
//! 5111-5116.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};

use mixlaw::optim::{
    BasinHopping, Control, Lbfgs, Minimum, Objective, Optimizer, Progress, Termination,
};
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

/// `4 sum (r^-12 - r^-6)` over all pairs of atoms, multiplied by a constant.
struct Cluster {
    atoms: usize,
    scale: f64,
}

impl Objective for Cluster {
    fn dim(&self) -> usize {
        3 * self.atoms
    }

    fn value_gradient(&mut self, x: &[f64], g: &mut [f64]) -> f64 {
        let mut energy = 0.0;
        g.fill(0.0);
        for a in 0..self.atoms {
            for b in 0..a {
                let d: [f64; 3] = std::array::from_fn(|k| x[3 * a + k] - x[3 * b + k]);
                let inverse = 1.0 / d.iter().map(|d| d * d).sum::<f64>();
                let sixth = inverse.powi(3);
                energy += 4.0 * (sixth * sixth - sixth);
                let slope = self.scale * (24.0 * inverse * (sixth - 2.0 * sixth * sixth));
                for (k, d) in d.iter().enumerate() {
                    g[3 * a + k] += slope * d;
                    g[3 * b + k] -= slope * d;
                }
            }
        }
        self.scale * energy
    }
}

/// A walk of so many hops, with random atoms in a cube of side 2.5 to start from.
fn walk(atoms: usize, hops: usize, seed: u64, scale: f64) -> Minimum {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let start: Vec<f64> = (0..3 * atoms).map(|_| rng.random_range(-1.25..1.25)).collect();
    let optimizer = BasinHopping::new(Lbfgs::default()).hops(hops);
    optimizer.minimize(&mut Cluster { atoms, scale }, &start, &mut Control::seeded(seed))
}

fn assert_all_seeds_reach(energy: f64, atoms: usize, hops: usize, seeds: u64) {
    let found: Vec<f64> = (0..seeds).map(|seed| walk(atoms, hops, seed, 1.0).value).collect();
    let successes = found.iter().filter(|e| (*e - energy).abs() < 1e-6).count();
    assert_eq!(
        successes as u64, seeds,
        "of {seeds} seeds reach {energy} within {hops} hops: {found:?}"
    );
}

#[test]
fn seven_atoms_form_a_bipyramid() {
    assert_all_seeds_reach(-16.505384, 7, 50, 5);
}

#[test]
fn thirteen_atoms_form_an_icosahedron() {
    assert_all_seeds_reach(-44.326801, 13, 150, 3);
}

#[test]
fn a_seed_gives_one_result_and_another_seed_another() {
    let first = walk(7, 20, 1, 1.0);
    assert_eq!(first, walk(7, 20, 1, 1.0));
    assert_ne!(first.evaluations, walk(7, 20, 2, 1.0).evaluations);
}

#[test]
fn a_power_of_two_times_the_energy_leaves_every_bit_of_the_walk() {
    let scale = 2f64.powi(20);
    for seed in 0..3 {
        let plain = walk(7, 30, seed, 1.0);
        assert_eq!(walk(7, 30, seed, scale), Minimum { value: scale * plain.value, ..plain });
    }
}

#[test]
fn an_observer_stops_the_walk_at_the_best_so_far() {
    let start: Vec<f64> = (0..21).map(|i| f64::from(i * i % 11) / 5.0).collect();
    for limit in [1, 2, 100, 500] {
        let told = Arc::new(Mutex::new((None, 0)));
        let seen = told.clone();
        let mut control = Control::default().observe(move |progress| {
            let (last, calls_after_stop) = &mut *seen.lock().unwrap();
            *calls_after_stop +=
                usize::from(last.is_some_and(|p: Progress| p.evaluations >= limit));
            *last = Some(*progress);
            if progress.evaluations < limit {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        });
        let found = BasinHopping::new(Lbfgs::default()).minimize(
            &mut Cluster { atoms: 7, scale: 1.0 },
            &start,
            &mut control,
        );
        let (last, calls_after_stop) = *told.lock().unwrap();
        let last = last.expect("the observer is called");
        assert_eq!(found.termination, Termination::Stopped);
        // A local solve that was begun does not count, but for the first one.
        assert_eq!((found.value, found.local_solves), (last.best, last.done));
        assert!(last.evaluations >= limit && found.evaluations <= last.evaluations);
        assert_eq!(calls_after_stop, 0);
        if let Some(hops) = found.local_solves.checked_sub(1) {
            let walk = BasinHopping::new(Lbfgs::default()).hops(hops);
            let mut cluster = Cluster { atoms: 7, scale: 1.0 };
            let whole = walk.minimize(&mut cluster, &start, &mut Control::default());
            assert_eq!(Minimum { termination: Termination::Stopped, ..whole }, found);
        }
        let value = Cluster { atoms: 7, scale: 1.0 }.value(&found.x);
        assert_eq!(value, found.value);
    }
}

/// Two atoms that are almost in one place have a gradient of 1e27, beside which every later one is
/// nothing.
#[test]
fn a_start_at_a_singularity_is_left_for_a_minimum() {
    for distance in [1e-2, 1e-1, 0.5, 2.0] {
        let start = [0.0, 0.0, 0.0, 0.6 * distance, 0.0, 0.8 * distance];
        let mut cluster = Cluster { atoms: 2, scale: 1.0 };
        let found = Lbfgs::default().minimize(&mut cluster, &start, &mut Control::default());
        assert!(found.termination.converged() && (found.value + 1.0).abs() < 1e-12, "{found:?}");
    }
}
