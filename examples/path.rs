//! How the optimal mixture of a joint law moves with scale (the paper's Fig. 6 and 10), from known
//! coefficients: N and D grow at different speeds, and the path depends on which of them does.
//! `cargo run --release --features plot --example path [DIR]` draws into DIR, by default `target/path`.

use std::path::Path;

use mixlaw::law::{JointLaw, ScalingLaw};
use mixlaw::plan::{Growth, Plan, Rate};
use mixlaw::{Predictor, Scale};

/// A target that all three domains teach: interleaved data spares tokens but not size, text spares
/// size but not tokens.
const COEFFICIENTS: [(&str, f64); 17] = [
    ("E", 1.0),
    ("C[text]", 2.0),
    ("C[captions]", 1.0),
    ("C[interleaved]", 1.5),
    ("gamma[text]", 0.5),
    ("gamma[captions]", 0.4),
    ("gamma[interleaved]", 0.6),
    ("gamma_A", 1.0),
    ("ln_C_A[text]", 5.3),
    ("ln_C_A[captions]", 6.2),
    ("ln_C_A[interleaved]", 6.4),
    ("alpha", 0.34),
    ("gamma_B", 1.0),
    ("ln_C_B[text]", 6.8),
    ("ln_C_B[captions]", 6.2),
    ("ln_C_B[interleaved]", 5.7),
    ("beta", 0.28),
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = std::env::args().nth(1).unwrap_or("target/path".to_owned());
    std::fs::create_dir_all(&directory)?;
    let law = JointLaw::new(&["text", "captions", "interleaved"], Scale::ONE)?;
    let z = law.coordinates_of(&COEFFICIENTS)?;
    let plan = Plan::builder().target(1.0, Predictor::new("average", law, &z)?).build()?;
    let from = Scale { n: 1e8, d: 2e9 };
    let times: Vec<f64> = (0..25).map(|i| 10f64.powf(f64::from(i) / 4.0)).collect();
    for (n, d, title) in [
        (Rate::Linear, Rate::Constant, "N grows, D stays"),
        (Rate::Constant, Rate::Linear, "D grows, N stays"),
        (Rate::Linear, Rate::Linear, "N and D grow by the same factor"),
        (Rate::Sqrt, Rate::Linear, "N grows as the square root of D"),
        (Rate::Log, Rate::Linear, "N grows as the logarithm of D"),
    ] {
        let (path, limit) =
            (plan.path(from, Growth { n, d }, &times)?, plan.limit(from, Growth { n, d })?);
        let svg = mixlaw::plot::path(&path, Some(&limit), title)?;
        let name = format!("{n:?}-{d:?}").to_lowercase();
        std::fs::write(Path::new(&directory).join(format!("{name}.svg")), svg)?;
        println!("{title:34} {:.3}", limit.optimum.weights.named(&limit.domains));
    }
    println!("are the mixtures in the limit; drawn in {directory}");
    Ok(())
}
