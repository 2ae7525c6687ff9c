//! Random mixture problems that tests, benches and the comparison with SciPy share: weighted sums of
//! laws of one kind at one N and D, with optima inside, on faces and at corners.
#![allow(dead_code, reason = "each includer uses its own part")]

use std::sync::Arc;

use mixlaw::law::{
    AdditiveLaw, Biased, Constant, CoupledLaw, FullLaw, InverseSum, JointLaw, LinearPower,
    PowerLaw, ScalingLaw, SimpleLaw,
};
use mixlaw::plan::{MixtureObjective, Plan, PlanBuilder};
use mixlaw::simplex::SimplexObjective;
use mixlaw::{Predictor, Scale};
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, StandardNormal};

pub const LAWS: [&str; 4] = ["simple", "additive", "joint", "full"];

/// The joint law with its terms coupled.
fn coupled_joint(domains: &[String], scale: Scale) -> PowerLaw {
    let builder = PowerLaw::builder("coupled joint", domains).scale(scale).bias(Biased(InverseSum));
    let builder = builder.n_term(LinearPower::level(), Constant::exponent());
    let builder = builder.d_term(LinearPower::level(), Constant::exponent());
    builder.coupled().build().expect("valid")
}

/// Laws of one kind with their coordinates and weights.
#[derive(Debug)]
pub struct MixtureProblem {
    pub law: Arc<dyn ScalingLaw>,
    pub targets: Vec<(f64, Vec<f64>)>,
    pub scale: Scale,
    /// The weighted sum of the targets, which are called t0, t1, ..
    pub plan: Plan,
}

impl MixtureProblem {
    /// A problem of `k` domains and `targets` targets; the seed decides everything else.
    pub fn random(law: &str, k: usize, targets: usize, seed: u64) -> Self {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let domains: Vec<String> = (0..k).map(|i| format!("d{i}")).collect();
        let scales = Scale { n: 3e8, d: 2e10 };
        let law: Arc<dyn ScalingLaw> = match law {
            "simple" => Arc::new(SimpleLaw::new(&domains, scales).expect("valid")),
            "additive" => Arc::new(AdditiveLaw::new(&domains, scales).expect("valid")),
            "joint" => Arc::new(JointLaw::new(&domains, scales).expect("valid")),
            "coupled" => Arc::new(CoupledLaw::new(&domains, scales).expect("valid")),
            "coupled joint" => Arc::new(coupled_joint(&domains, scales)),
            "full" => Arc::new(FullLaw::new(&domains, scales).expect("valid")),
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
        let scale = Scale {
            n: 10f64.powf(rng.random_range(8.0..10.5)),
            d: 10f64.powf(rng.random_range(9.5..12.0)),
        };
        let weighted = targets.iter().map(|(weight, z)| (*weight, &z[..]));
        let plan = plan_of(&law, weighted);
        Self { law, targets, scale, plan }
    }

    /// The same targets with one weight for all.
    pub fn with_equal_weights(&self, weight: f64) -> Plan {
        plan_of(&self.law, self.targets.iter().map(|(_, z)| (weight, &z[..])))
    }

    /// The weighted sum of the targets.
    pub fn objective(&self) -> MixtureObjective<'_> {
        self.plan.objective(self.scale).expect("a valid scale")
    }

    /// The value at `h`.
    pub fn value(&self, h: &[f64]) -> f64 {
        self.objective().value_gradient(h, &mut vec![0.0; h.len()])
    }
}

/// A plan for targets of one law, with their weights and coordinates.
fn plan_of<'a>(law: &Arc<dyn ScalingLaw>, targets: impl Iterator<Item = (f64, &'a [f64])>) -> Plan {
    let add = |plan: PlanBuilder, (t, (weight, z)): (usize, (f64, &[f64]))| {
        plan.target(weight, Predictor::new(format!("t{t}"), Arc::clone(law), z).expect("valid"))
    };
    targets.enumerate().fold(Plan::builder(), add).build().expect("valid")
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
        "p" => (0.1 + 0.9 * uniform).ln(),
        _ if kind.starts_with("q_") => -3.0 + 7.0 * uniform,
        _ => panic!("unknown coordinate {name}"),
    }
}
