//! Keep a fit as JSON, and predict with it later without fitting again: what is read is checked, and the
//! same to the bit (feature `serde`).

use mixlaw::law::JointLaw;
use mixlaw::{Fit, Fitter, Mixture, Scale, Sweep};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sweep = Sweep::from_csv(include_str!("data/byte_sweep.csv").as_bytes())?;
    let train = sweep.split("train")?;
    let fit = Fitter::new().starts(4).fit(JointLaw::for_sweep(&train), &train, "rust")?;

    // serde_json reads every number to the bit only with its feature `float_roundtrip`.
    let text = serde_json::to_string_pretty(&fit)?;
    println!("{} characters: {} ..\n", text.len(), &text[..40].replace('\n', ""));
    let read: Fit = serde_json::from_str(&text)?;

    let (at, uniform) = (Scale { n: 1e6, d: 2e7 }, Mixture::uniform(4));
    let loss = read.predict(at, &uniform)?;
    assert_eq!(loss, fit.predict(at, &uniform)?);
    println!("loss on rust at {at}: {loss:.4} nats");

    // A file that was changed by hand is an error, not a wrong answer.
    let error = serde_json::from_str::<Fit>(&text.replace("python", "french")).unwrap_err();
    println!("with a domain renamed: {error}");
    Ok(())
}
