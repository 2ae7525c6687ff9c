//! How sure a fit is: resampled fits, intervals, and what the data does not determine.
//!
//! A fit is one answer to noisy runs; other runs would have given another one. A [`Bootstrap`] makes
//! many such answers from the same sweep: a [`Predictor`](crate::Predictor) with members.
//!
//! | question | answer |
//! |---|---|
//! | how far off may a coefficient be? | [`Predictor::coefficients`](crate::Predictor::coefficients) |
//! | how far off may the law be at N, D and h? | [`Predictor::interval`](crate::Predictor::interval) |
//! | where will the loss of a new run be? | [`Predictor::prediction_interval`](crate::Predictor::prediction_interval) |
//! | which coefficients does the data not determine? | [`Identifiability`] |
//! | which mixtures could be the best? | [`Plan::certainty`](crate::plan::Plan::certainty) |
//!
//! The intervals cover noise, and a misfit as large as that on the runs that were fitted. They do not cover
//! that the law may be wrong at a hundred times their scale.
//!
//! ```
//! use mixlaw::law::AdditiveLaw;
//! use mixlaw::uncertainty::Bootstrap;
//! use mixlaw::{Fitter, Scale, Sweep};
//! # let (mut n, mut d, mut h, mut loss) = (vec![], vec![], vec![], vec![]);
//! # for web in [0.1f64, 0.3, 0.5, 0.7, 0.9] {
//! #     for (size, tokens) in [(1e8, 2e9), (1e8, 8e9), (4e8, 2e9), (4e8, 8e9)] {
//! #         n.push(size);
//! #         d.push(tokens);
//! #         h.extend([web, 1.0 - web]);
//! #         let noise = 1.0 + 0.002 * (37.0 * web + size / 1e8).sin();
//! #         loss.push(noise * (1.0 + 1.0 / (2.0 * f64::powf(web, 0.5) + 1.0 - web)
//! #             + 400.0 / f64::powf(size, 0.34) + 400.0 / f64::powf(tokens, 0.28)));
//! #     }
//! # }
//!
//! # let sweep = Sweep::new(&["web", "code"], &["web"], &n, &d, &h, &loss)?;
//! let fit = Fitter::new().fit(AdditiveLaw::for_sweep(&sweep), &sweep, "web")?;
//! let predictor = Bootstrap::new(100).run(&fit, &sweep)?;
//!
//! let law = predictor.interval(Scale { n: 1e9, d: 2e10 }, &[0.5, 0.5], 0.9)?;
//! let run = predictor.prediction_interval(Scale { n: 1e9, d: 2e10 }, &[0.5, 0.5], 0.9)?;
//! println!("the law: {law:.3}; a run: {run:.3}");
//! assert!(run.upper - run.lower > law.upper - law.lower);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod bootstrap;
mod identifiability;

pub use bootstrap::{Bootstrap, Unit};
pub use identifiability::{CoefficientRange, DomainPair, Identifiability, Probe, Restarts};
