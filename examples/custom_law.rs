//! A law of your own in a few lines: write the formula once, fit it, compare it.
//!
//! Here the data term counts effective tokens: a token of domain i is worth `tau_i` to the target, and
//! repeating a domain's `U_i` unique tokens saturates at `rho` epochs' worth.

use mixlaw::law::{AdditiveLaw, Coordinate, Formula, FormulaLaw, Scalar};
use mixlaw::{Fitter, Sweep};

/// `L = E + A/N^alpha + (sum_i tau_i rho U_i (1 - exp(-h_i D / (rho U_i))) / sum_i U_i)^-beta`
#[derive(Debug)]
struct Repetition {
    unique_tokens: Vec<f64>,
}

impl Formula for Repetition {
    fn name(&self) -> &str {
        "repetition"
    }

    fn coefficients(&self, domains: &[String]) -> Vec<Coordinate> {
        let mut all = vec![
            Coordinate::positive("E", 1e-6..=10.0).drawn_from(0.5..=2.0),
            Coordinate::positive("A", 1e-6..=1e4).drawn_from(0.1..=1.0).over_n("alpha"),
            Coordinate::positive("alpha", 0.03..=1.5).drawn_from(0.1..=0.8),
            Coordinate::positive("beta", 0.03..=1.5).drawn_from(0.1..=0.8),
            Coordinate::positive("rho", 0.1..=100.0).drawn_from(1.0..=10.0),
        ];
        let tau = |d| Coordinate::positive(format!("tau[{d}]"), 1e-6..=1e6).drawn_from(0.1..=30.0);
        all.extend(domains.iter().map(tau));
        all
    }

    fn loss<S: Scalar>(&self, c: &[S], n: S, d: S, h: &[S]) -> S {
        let total: f64 = self.unique_tokens.iter().sum();
        let mut effective = S::from_f64(0.0);
        for (i, &unique) in self.unique_tokens.iter().enumerate() {
            let most = c[4] * S::from_f64(unique);
            effective += c[5 + i] * most * -(-(h[i] * d) / most).exp_m1() / S::from_f64(total);
        }
        c[0] + c[1] / n.powf(c[2]) + effective.powf(-c[3])
    }
}

fn main() -> Result<(), mixlaw::Error> {
    let sweep = Sweep::from_csv(include_str!("data/byte_sweep.csv").as_bytes())?;
    let (train, eval) = (sweep.split("train")?, sweep.split("eval")?);
    // The bytes of each training corpus, from the README of the data.
    let unique_tokens = vec![16e6, 10.953e6, 16e6, 16e6];
    let law = FormulaLaw::for_sweep(Repetition { unique_tokens }, &train)?;
    let own = Fitter::new().fit(law, &train, "rust")?;
    let additive = Fitter::new().fit(AdditiveLaw::for_sweep(&train), &train, "rust")?;
    // No run of this sweep repeats its data: it cannot say what repetition costs.
    println!("{own}\nOn a bound, not determined by the data: {}", own.at_bound().join(", "));
    println!("\nMRE in percent, train / held out");
    for (name, fit) in [("repetition", &own), ("additive", &additive)] {
        let [train, eval] = [fit.evaluate(&train)?, fit.evaluate(&eval)?].map(|m| 100.0 * m.mre);
        println!("  {name:10}  {train:.2} / {eval:.2}");
    }
    Ok(())
}
