//! What random inputs are made of.

use std::sync::Arc;

use mixlaw::law::{self, LawSettings, ScalingLaw, StartData};
use mixlaw::{Mixture, Scale, Sweep};
use rand::rngs::Xoshiro256PlusPlus as Random;
use rand::{Rng, RngExt};

pub const NAMES: [&str; 6] = ["web", "code", "books", "wiki", "math", "chat"];

pub fn pick<T: Copy>(rng: &mut impl Rng, list: &[T]) -> T {
    list[rng.random_range(0..list.len())]
}

/// Any number, the awkward ones most of all.
pub fn number(rng: &mut impl Rng) -> f64 {
    const SPECIAL: [f64; 20] = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        0.5,
        2.0,
        1e-6,
        1e9,
        1.0 + 1e-9,
        5e-324,
        -5e-324,
        f64::MIN_POSITIVE,
        1e-160,
        1e160,
        1e300,
        f64::MAX,
        f64::MIN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
    ];
    match rng.random_range(0..4) {
        0 => rng.random_range(-2.0..2.0),
        1 => f64::from_bits(rng.random()),
        _ => pick(rng, &SPECIAL),
    }
}

/// Any count, the awkward ones most of all.
pub fn count(rng: &mut impl Rng) -> usize {
    const SPECIAL: [usize; 8] =
        [0, 1, 2, 7, u32::MAX as usize, usize::MAX / 2, usize::MAX - 1, usize::MAX];
    if rng.random_bool(0.3) { rng.random_range(0..40) } else { pick(rng, &SPECIAL) }
}

/// `usual` most of the time.
pub fn mostly<T>(rng: &mut Random, usual: T, other: impl FnOnce(&mut Random) -> T) -> T {
    if rng.random_bool(0.7) { usual } else { other(rng) }
}

pub fn mixture(rng: &mut impl Rng, k: usize) -> Mixture {
    let concentration = pick(rng, &[0.05, 0.5, 1.0, 5.0]);
    Mixture::dirichlet(&vec![concentration; k], 1, rng.random()).unwrap().remove(0)
}

/// A law of the paper over the first `k` names.
pub fn law(rng: &mut impl Rng, k: usize, names: &[&str], scales: Scale) -> Arc<dyn ScalingLaw> {
    law::named(pick(rng, names))
        .unwrap()
        .build(&NAMES[..k], scales, &LawSettings::new().domain("web"))
        .unwrap()
}

/// Coordinates as a fit would start from, or anywhere in the law's box.
pub fn coordinates(rng: &mut Random, law: &dyn ScalingLaw) -> Vec<f64> {
    let k = law.domains().len();
    if rng.random_bool(0.6) {
        let h = mixture(rng, k);
        let data = StartData { median_loss: 3.0, least_loss: 2.0, mixture: &h };
        return law.start(&data, &mut mixlaw::Random::new(rng.random()));
    }
    let edge = rng.random_bool(0.2);
    let within = |(lower, upper): (f64, f64)| {
        let share = if edge { pick(rng, &[0.0, 1.0, 0.5]) } else { rng.random() };
        lower + share * (upper - lower)
    };
    law.coordinates().iter().map(|c| c.bounds()).map(within).collect()
}

/// Losses of an additive law with noise: some mixtures, sizes and token counts.
pub fn sweep(rng: &mut Random, k: usize, targets: usize) -> Sweep {
    let (mut n, mut d, mut h, mut losses) = (vec![], vec![], vec![], vec![]);
    let noise = pick(rng, &[0.0, 1e-3, 0.1]);
    for _ in 0..rng.random_range(3..7) {
        let w = mixture(rng, k);
        for (size, tokens) in [(1e8, 2e9), (1e8, 8e9), (4e8, 2e9), (4e8, 8e9)] {
            n.push(size);
            d.push(tokens);
            h.extend_from_slice(&w);
            for t in 0..targets {
                let learned: f64 =
                    w.iter().enumerate().map(|(i, x)| (1 + (i + t) % k) as f64 * x.sqrt()).sum();
                let rest = 400.0 / f64::powf(size, 0.34) + 400.0 / f64::powf(tokens, 0.28);
                let noise = 1.0 + noise * rng.random_range(-1.0..1.0);
                losses.push(noise * (1.0 + 1.0 / learned + rest));
            }
        }
    }
    // Drawn mixtures may be the same one, in a corner.
    let builder = Sweep::builder(&NAMES[..k], &NAMES[..targets]).repeated_measurements();
    builder.build(&n, &d, &h, &losses).unwrap()
}
