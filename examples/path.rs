//! How the optimal mixture of a joint law moves with scale (the paper's Fig. 6 and 10), from known
//! coefficients: N and D grow at different speeds, and the path depends on which of them does.
//!
//! `cargo run --release --features plot --example path -- [DIR]` draws one SVG for each pair of
//! speeds into DIR, by default `target/path`, and prints where they lead.

use std::path::Path;

use mixlaw::Scale;
use mixlaw::law::{JointLaw, ScalingLaw};
use mixlaw::plan::{Growth, Plan};

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
    let plan = Plan::new().with_law("average", 1.0, &law, &z);
    let from = (1e8, 2e9);
    let times: Vec<f64> = (0..25).map(|i| 10f64.powf(f64::from(i) / 4.0)).collect();
    println!("{:24} {:>34}", "growth of N, D", "optimal mixture in the limit");
    for (n, d, title) in [
        (Growth::Linear, Growth::Constant, "N grows, D stays"),
        (Growth::Constant, Growth::Linear, "D grows, N stays"),
        (Growth::Linear, Growth::Linear, "N and D grow by the same factor"),
        (Growth::Sqrt, Growth::Linear, "N grows as the square root of D"),
        (Growth::Log, Growth::Linear, "N grows as the logarithm of D"),
    ] {
        let path = plan.path(from, (n, d), &times)?;
        let limit = plan.limit(from, (n, d))?;
        let name = format!("{n:?}-{d:?}").to_lowercase();
        let svg = mixlaw::plot::path(&path, Some(&limit), title)?;
        std::fs::write(Path::new(&directory).join(format!("{name}.svg")), svg)?;
        println!("{name:24} {:.3}", limit.optimum.weights.named(&limit.domains));
    }
    println!("drawn in {directory}");
    Ok(())
}
