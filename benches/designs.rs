//! Sweeps in the three designs of the paper's Table 1, or any other, of a law whose coefficients are
//! drawn too: what the benches of uncertainty fit.
#![allow(dead_code, reason = "each includer uses its own part")]

#[path = "problems.rs"]
mod problems;

use std::sync::Arc;

use mixlaw::law::{AdditiveLaw, JointLaw, ScalingLaw};
use mixlaw::sweep::TRAIN;
use mixlaw::testing::{Modality, SyntheticSweep};
use mixlaw::{Mixture, Plan, Predictor, Scale, Sweep};
use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;

/// The one target.
pub const TARGET: &str = "loss";

/// The paper's designs and their names.
pub const DESIGNS: [(&str, Modality); 3] = [
    ("LLM, k = 7", Modality::Language),
    ("NMM, k = 3", Modality::Multimodal),
    ("LVM, k = 4", Modality::Vision),
];

/// A law with the true coordinates, and sweeps of it.
#[derive(Debug)]
pub struct Truth {
    pub law: Arc<dyn ScalingLaw>,
    pub z: Vec<f64>,
    pub synthetic: SyntheticSweep,
}

impl Truth {
    /// An additive or a joint law with drawn coefficients, for sweeps of a design.
    pub fn draw(design: SyntheticSweep, joint: bool, seed: u64) -> Self {
        let design = noisy(design).seed(seed);
        // The scales of a sweep are those of its N and D, whatever its losses.
        let ones = train(&design.clone().losses_by(TARGET, |_, _| 1.0));
        let law: Arc<dyn ScalingLaw> = if joint {
            Arc::new(JointLaw::for_sweep(&ones))
        } else {
            Arc::new(AdditiveLaw::for_sweep(&ones))
        };
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let z = problems::coefficients(design.domains().len(), joint, &mut rng);
        let synthetic = design.losses(TARGET, law.clone(), &z).expect("a law of these domains");
        Self { law, z, synthetic }
    }

    /// The training runs.
    pub fn train(&self) -> Sweep {
        train(&self.synthetic)
    }

    /// The loss without noise.
    pub fn loss(&self, at: Scale, h: &Mixture) -> f64 {
        self.law.loss(&self.z, at, h)
    }

    /// The law without noise, to be minimised.
    pub fn plan(&self) -> Plan {
        let predictor = Predictor::new(TARGET, self.law.clone(), &self.z).expect("a law");
        Plan::builder().target(1.0, predictor).build().expect("a plan")
    }

    /// What new runs of these mixtures measure.
    pub fn measure(&self, at: Scale, mixtures: &[Mixture], seed: u64) -> Vec<f64> {
        let runs = noisy(SyntheticSweep::new(self.law.domains())).mixtures_of(mixtures).seed(seed);
        let runs = runs.sizes(&[at.n]).tokens(&[at.d]).losses(TARGET, self.law.clone(), &self.z);
        train(&runs.expect("a law of these domains")).losses_of(TARGET).expect("the target")
    }
}

/// With runs that are off by 0.3%, and checkpoints by 0.1% beside that.
fn noisy(design: SyntheticSweep) -> SyntheticSweep {
    design.run_noise(0.003).checkpoint_noise(0.001)
}

fn train(synthetic: &SyntheticSweep) -> Sweep {
    synthetic.build().and_then(|sweep| sweep.split(TRAIN)).expect("a valid design")
}

/// 3 times the largest N of a sweep, and its largest D.
pub fn beyond(sweep: &Sweep) -> Scale {
    let largest = |x: &[f64]| x.iter().copied().fold(0.0, f64::max);
    Scale { n: 3.0 * largest(sweep.n()), d: largest(sweep.d()) }
}
