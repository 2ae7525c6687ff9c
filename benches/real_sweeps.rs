//! Sweeps of real runs.

use mixlaw::Sweep;
use mixlaw::sweep::TRAIN;

/// A sweep of real runs.
pub struct Real {
    pub name: &'static str,
    pub sweep: Sweep,
    /// All but those that are known to be wrong.
    pub targets: Vec<String>,
}

impl Real {
    pub fn train(&self) -> Sweep {
        self.sweep.split(TRAIN).expect("it has train rows")
    }
}

/// The sweeps that are there.
pub fn sweeps() -> Result<Vec<Real>, Box<dyn std::error::Error>> {
    let bytes = include_str!("../examples/data/byte_sweep.csv");
    let mut all = vec![("byte sweep", Sweep::from_csv(bytes.as_bytes())?)];
    for (name, variable) in [("SlimPajama", "MIXLAW_SLIMPAJAMA"), ("RedPajama", "MIXLAW_REDPAJAMA")]
    {
        match std::env::var_os(variable) {
            Some(path) => all.push((name, Sweep::read_csv(path)?)),
            None => println!("{name} is left out: {variable} is not set"),
        }
    }
    let real = |(name, sweep): (&'static str, Sweep)| {
        // The 3B rows of OpenHermes are off every curve; the means are those of the paper.
        let kept = |target: &&String| *target != "openhermes";
        let targets = sweep.targets().iter().filter(kept).cloned().collect();
        Real { name, sweep, targets }
    };
    Ok(all.into_iter().map(real).collect())
}
