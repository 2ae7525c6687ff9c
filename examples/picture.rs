//! Observed against predicted loss on the embedded sweep (the paper's Fig. 3), as SVG:
//! `cargo run --release --features plot --example picture [OUT.svg]`, by default the picture of the
//! README.

use mixlaw::law::JointLaw;
use mixlaw::plot::{Series, observed_predicted};
use mixlaw::{Fitter, Sweep};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).unwrap_or("docs/observed_predicted.svg".to_owned());
    let sweep = Sweep::from_csv(include_str!("data/byte_sweep.csv").as_bytes())?;
    let train = sweep.split("train")?;
    let mut series = Vec::new();
    for target in train.targets() {
        let fit = Fitter::new().fit(JointLaw::for_sweep(&train), &train, target)?;
        for (split, fitted) in [("train", true), ("eval", false)] {
            let rows = sweep.split(split)?;
            let observed = rows.losses_of(target)?;
            let points = observed.into_iter().zip(fit.predict_sweep(&rows)?).collect();
            let label = format!("{target}, MRE {:.2}%", 100.0 * fit.evaluate(&rows)?.mre);
            series.push(Series { label, points, fitted });
        }
    }
    std::fs::write(&path, observed_predicted(&series, "joint law")?)?;
    println!("drawn: {path}");
    Ok(())
}
