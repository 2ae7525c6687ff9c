//! Evaluations of one law on one problem, as many as asked for, and nothing else: what
//! `callgrind.sh` counts the instructions of.
//!
//! ```text
//! evaluate LAW PROBLEM KIND COUNT
//! ```
//!
//! LAW is the name of a law of the crate; PROBLEM is P3 or P8; KIND is value, gradient (the value and
//! the gradient) or gauss-newton (the value and the matrix).

mod problems;

use std::error::Error;
use std::hint::black_box;

use mixlaw::law::{self, LawSettings, Points, ScalingLaw, StartData};
use mixlaw::{Mixture, Random};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let [law, problem, kind, count] = arguments.as_slice() else {
        println!("evaluate LAW PROBLEM KIND COUNT; callgrind.sh gives the arguments");
        return Ok(());
    };
    let sweep = match problem.as_str() {
        "P3" => problems::p3(problems::SEED),
        "P8" => problems::p8(problems::SEED),
        _ => return Err(format!("unknown problem `{problem}`").into()),
    };
    let law = law::named(law)?.for_sweep(&sweep, &LawSettings::new().domain(problems::TARGET))?;
    let (n, d) = (sweep.n().to_vec(), sweep.d().to_vec());
    let h: Vec<f64> = sweep.mixtures().iter().copied().collect();
    let mut batch = law.batch(Points::new(&n, &d, &h, sweep.domains().len()));
    // Two points, in turns: a batch may remember the last one.
    let mixture = Mixture::uniform(sweep.domains().len());
    let data = StartData { least_loss: 1.7, median_loss: 2.2, mixture: &mixture };
    let mut random = Random::new(0);
    let points = [law.start(&data, &mut random), law.start(&data, &mut random)];
    let p = points[0].len();
    let (mut losses, weights) = (vec![0.0; sweep.len()], vec![1.0; sweep.len()]);
    let (mut gradient, mut matrix) = (vec![0.0; p], vec![0.0; p * p]);
    for z in points.iter().cycle().take(count.parse()?) {
        batch.losses(black_box(z), &mut losses);
        match kind.as_str() {
            "value" => {}
            "gradient" => batch.gradient(z, black_box(&weights), &mut gradient),
            "gauss-newton" => batch.gauss_newton(z, black_box(&weights), &mut matrix),
            _ => return Err(format!("unknown kind `{kind}`").into()),
        }
        black_box((&losses, &gradient, &matrix));
    }
    Ok(())
}
