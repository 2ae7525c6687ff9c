//! All 28 fits of the paper's LLM sweep (4 laws x 7 targets) at default settings on one thread: how far
//! each is from the best objective known, how long all take, and how long 1,000 bootstrap refits do.
//!
//! ```text
//! cargo bench --bench slimpajama -- SLIMPAJAMA.csv [SEED]
//! ```

use std::error::Error;
use std::time::Instant;

use mixlaw::law::{AdditiveLaw, FullLaw, JointLaw, ScalingLaw, SimpleLaw};
use mixlaw::predictor::Members;
use mixlaw::uncertainty::Bootstrap;
use mixlaw::{Fitter, Sweep};

/// The lowest mean Huber objectives (times 1e6) that a long SciPy search or this crate ever found in
/// the default box, for the simple, additive, joint and full law.
const BEST: [(&str, [f64; 4]); 7] = [
    ("arxiv", [9.923735, 8.619924, 6.922709, 6.451263]),
    ("book", [11.592096, 8.422767, 7.132868, 6.901435]),
    ("c4", [11.280576, 8.913167, 7.215178, 7.075544]),
    ("github", [8.842583, 6.996456, 5.471330, 5.316404]),
    ("commoncrawl", [10.426904, 8.681107, 6.979063, 6.823355]),
    ("stackexchange", [10.772339, 9.407346, 6.433020, 6.157348]),
    ("wikipedia", [23.565410, 21.337507, 11.526661, 11.057344]),
];

fn main() -> Result<(), Box<dyn Error>> {
    let start = Instant::now();
    let mut arguments = std::env::args().skip(1).filter(|a| a != "--bench");
    let Some(path) = arguments.next() else {
        println!("slimpajama SLIMPAJAMA.csv [SEED]: the path of the sweep is needed");
        return Ok(());
    };
    let seed = arguments.next().map_or(Ok(0), |seed| seed.parse())?;
    let train = Sweep::read_csv(path)?.split("train")?;
    let mut evaluations = 0;
    for (target, best) in BEST {
        let laws: [Box<dyn ScalingLaw>; 4] = [
            Box::new(SimpleLaw::for_sweep(&train)),
            Box::new(AdditiveLaw::for_sweep(&train)),
            Box::new(JointLaw::for_sweep(&train)),
            Box::new(FullLaw::for_sweep(&train)),
        ];
        for (law, best) in laws.into_iter().zip(best) {
            let name = law.name().to_owned();
            let begin = Instant::now();
            let fit = Fitter::new().seed(seed).fit(law, &train, target)?;
            let excess = 100.0 * (fit.objective() / (1e-6 * best) - 1.0);
            let time = begin.elapsed().as_secs_f64() * 1e3;
            println!("{target:13} {name:8} {excess:+.3}% {time:6.1} ms");
            evaluations += fit.evaluations();
        }
    }
    println!("all: {:.2} s, {evaluations} evaluations", start.elapsed().as_secs_f64());
    let fit = Fitter::new().seed(seed).fit(JointLaw::for_sweep(&train), &train, "commoncrawl")?;
    let begin = Instant::now();
    let resampled = Bootstrap::new(1000).seed(seed).run(fit, &train)?;
    let time = begin.elapsed().as_secs_f64();
    let count = resampled.members().map_or(0, Members::len);
    println!("commoncrawl, joint: {count} bootstrap refits in {time:.2} s");
    Ok(())
}
