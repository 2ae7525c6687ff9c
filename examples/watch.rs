//! Watch a long call and end it early: every better objective as it is found, and a deadline after which a
//! fit keeps the best of them.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use mixlaw::law::FullLaw;
use mixlaw::optim::{Progress, Termination};
use mixlaw::{Fitter, Sweep};

fn main() -> Result<(), mixlaw::Error> {
    let sweep = Sweep::from_csv(include_str!("data/byte_sweep.csv").as_bytes())?;
    let train = sweep.split("train")?;

    let deadline = Instant::now() + Duration::from_secs(2);
    let mut least = f64::INFINITY;
    let observer = move |progress: &Progress| {
        // It is called in every iteration: say only what is new.
        if progress.best < least {
            least = progress.best;
            println!("{least:.6e} after {} {}", progress.done, progress.what);
        }
        if Instant::now() < deadline { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    // Far more starts than there is time for.
    let fitter = Fitter::new().starts(1_000_000).observe(observer);
    let fit = fitter.fit(FullLaw::for_sweep(&train), &train, "python")?;

    assert_eq!(fit.termination(), Termination::Stopped);
    println!("{} local solves within two seconds", fit.local_solves());
    // The same number of them, with no hurry, gives the same fit to the bit.
    println!("objective {:e}, error {:.2}%", fit.objective(), 100.0 * fit.evaluate(&train)?.mre);
    Ok(())
}
