//! Random mixture problems that tests, benches and the comparison with SciPy share: weighted sums of
//! laws of one kind at one N and D, with optima inside, on faces and at corners.
#![allow(dead_code, reason = "each includer uses its own part")]

use mixlaw::law::{AdditiveLaw, FullLaw, JointLaw, ScalingLaw, SimpleLaw};
use mixlaw::simplex::{MixtureObjective, SimplexObjective};
use mixlaw::{Scale, SimplexError};
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, StandardNormal};

pub const LAWS: [&str; 4] = ["simple", "additive", "joint", "full"];

/// Laws of one kind with their coordinates and weights.
#[derive(Debug)]
pub struct MixtureProblem {
    pub law: Box<dyn ScalingLaw>,
    pub targets: Vec<(f64, Vec<f64>)>,
    pub scale: Scale,
}

impl MixtureProblem {
    /// A problem of `k` domains and `targets` targets; the seed decides everything else.
    pub fn random(law: &str, k: usize, targets: usize, seed: u64) -> Self {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let domains: Vec<String> = (0..k).map(|i| format!("d{i}")).collect();
        let scales = Scale { n: 3e8, d: 2e10 };
        let law: Box<dyn ScalingLaw> = match law {
            "simple" => Box::new(SimpleLaw::new(&domains, scales).expect("valid")),
            "additive" => Box::new(AdditiveLaw::new(&domains, scales).expect("valid")),
            "joint" => Box::new(JointLaw::new(&domains, scales).expect("valid")),
            "full" => Box::new(FullLaw::new(&domains, scales).expect("valid")),
            _ => panic!("unknown law {law}"),
        };
        // How fast domains teach: all slowly (optima inside), all fast (faces and corners), or both.
        let gammas = [0.1..0.95, 0.8..2.5, 0.1..2.0][seed as usize % 3].clone();
        let one = |rng: &mut Xoshiro256PlusPlus| {
            let z =
                law.coordinates().iter().map(|c| coordinate(c.name(), k, &gammas, rng)).collect();
            (rng.random_range(0.1..2.0), z)
        };
        let mut targets: Vec<(f64, Vec<f64>)> = (0..targets).map(|_| one(&mut rng)).collect();
        let total: f64 = targets.iter().map(|(weight, _)| weight).sum();
        targets.iter_mut().for_each(|(weight, _)| *weight /= total);
        let (n, d) =
            (10f64.powf(rng.random_range(8.0..10.5)), 10f64.powf(rng.random_range(9.5..12.0)));
        Self { law, targets, n, d }
    }

    /// The weighted sum of the targets.
    pub fn objective(&self) -> Result<MixtureObjective<'_>, SimplexError> {
        self.targets.iter().try_fold(MixtureObjective::new(self.scale)?, |sum, (weight, z)| {
            sum.with_law(*weight, self.law.as_ref(), z)
        })
    }

    /// The value at `h`.
    pub fn value(&self, h: &[f64]) -> f64 {
        let mut objective = self.objective().expect("valid laws");
        objective.value_gradient(h, &mut vec![0.0; h.len()])
    }
}

/// A coordinate by its name, such as `gamma[d0]`, `ln_v_A[d1]`, `q_A` or `alpha`.
fn coordinate(
    name: &str,
    k: usize,
    gammas: &std::ops::Range<f64>,
    rng: &mut Xoshiro256PlusPlus,
) -> f64 {
    let normal: f64 = StandardNormal.sample(rng);
    let uniform: f64 = rng.random();
    let kind = name.split('[').next().expect("a name");
    match kind {
        "E" => (0.5 + uniform).ln(),
        // The sum is of order one or two at the uniform mixture.
        "C" => 0.8 * normal + (1.5 / (k as f64).sqrt()).ln(),
        "gamma" => (gammas.start + uniform * (gammas.end - gammas.start)).ln(),
        "alpha" | "beta" => (0.15 + 0.35 * uniform).ln(),
        "ln_v_alpha" | "ln_v_beta" => 0.3f64.ln() + 0.15 * normal,
        "ln_v_h" => 0.7f64.ln() + 0.5 * normal,
        "A" | "B" | "ln_v_A" | "ln_v_B" => 0.4f64.ln() + 0.4 * normal,
        _ if kind.starts_with("q_") => -3.0 + 7.0 * uniform,
        _ => panic!("unknown coordinate {name}"),
    }
}
