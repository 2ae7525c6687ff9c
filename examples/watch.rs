//! Watch a long call and end it early: a bar on stderr, and a deadline after which a fit keeps the best
//! of what it has found.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use mixlaw::law::FullLaw;
use mixlaw::optim::{Progress, Termination};
use mixlaw::{Fitter, Sweep};

fn main() -> Result<(), mixlaw::Error> {
    let sweep = Sweep::from_csv(include_str!("data/byte_sweep.csv").as_bytes())?;
    let train = sweep.split("train")?;

    let deadline = Instant::now() + Duration::from_secs(2);
    let mut told = 0;
    let observer = move |progress: &Progress| {
        // It is called in every iteration: say only what is new.
        if progress.done > told {
            told = progress.done;
            let Progress { done, what, best, .. } = progress;
            eprint!("\r{done} {what}, best objective {best:.6e}");
        }
        if Instant::now() < deadline { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    // Far more starts than there is time for.
    let fitter = Fitter::new().starts(1_000_000).observe(observer);
    let fit = fitter.fit(FullLaw::for_sweep(&train), &train, "python")?;
    eprintln!();

    assert_eq!(fit.termination(), Termination::Stopped);
    println!("{} local solves within two seconds", fit.local_solves());
    // The same number of them, with no hurry, gives the same fit to the bit.
    println!("objective {:e}, error {:.2}%", fit.objective(), 100.0 * fit.evaluate(&train)?.mre);
    Ok(())
}
