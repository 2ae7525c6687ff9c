//! Scaling laws for optimal data mixtures: fit them to small runs, predict large ones, and choose
//! the domain weights to train on.
//!
//! # The problem
//!
//! A large model is trained on a mixture of k domains (web, code, books, ...) with weights
//! `h = (h_1, ..., h_k)`, `h_i >= 0`, `sum_i h_i = 1`. Its loss on a target depends on its size N, on
//! the tokens D it was trained on, and on h. Training it once is expensive, so h cannot be found by
//! trial. The paper "Scaling Laws for Optimal Data Mixtures" (Shukor et al., 2025) fits a formula
//! (eq. 3)
//!
// L = E(h) + A(h)/N^alpha(h) + B(h)/D^beta(h)
#![doc = include_str!("../docs/formulas/power_law.html")]
//!
//! to the losses of small runs, and minimises its prediction for the large one over the simplex. This
//! crate does both, for the paper's laws and for yours.
//!
//! # The steps
//!
//! | step | type | what it is |
//! |---|---|---|
//! | data | [`Sweep`] | runs and checkpoints: N, D, h and the losses of named targets, validated once |
//! | law | [`ScalingLaw`](law::ScalingLaw) | a formula with named coefficients: [`AdditiveLaw`](law::AdditiveLaw), [`JointLaw`](law::JointLaw), ... or your own |
//! | fit | [`Fitter`], [`Fit`] | the robust loss of eq. 6, minimised by any [`Optimizer`](optim::Optimizer) |
//! | prediction | [`Predictor`] | the loss of one target at any [`Scale`] and mixture: a fit, several, one with intervals, or a function of yours |
//! | decision | [`Decider`] | the recommended way in one call: the mixture, how far it can be trusted, and which runs would tell more |
//! | questions | [`Plan`], [`Constraints`](simplex::Constraints) | the certified mixture within limits, for a budget, over scale, and how much of it is decided |
//! | doubt | [`Bootstrap`](uncertainty::Bootstrap), [`Selection`](selection::Selection) | intervals, what is not determined, which law predicts best |
//!
//! ```
//! use mixlaw::law::AdditiveLaw;
//! use mixlaw::{Fitter, Mixture, Plan, Scale, Sweep};
//!
//! # let text = {
//! #     let mut text = String::from("split,n_params,n_tokens,h_web,h_code,loss_python\n");
//! #     for web in [0.2f64, 0.5, 0.8] {
//! #         for (n, d, split) in [(1e8f64, 2e9f64, "train"), (1e8, 8e9, "train"), (4e8, 2e9, "train"),
//! #             (4e8, 8e9, "train"), (2e9, 3e10, "eval")] {
//! #             let loss = 1.0 + 1.0 / (0.5 * web.powf(0.4) + 2.0 * (1.0 - web).powf(0.6))
//! #                 + 400.0 / n.powf(0.34) + 400.0 / d.powf(0.28);
//! #             text += &format!("{split},{n},{d},{web},{},{loss}\n", 1.0 - web);
//! #         }
//! #     }
//! #     text
//! # };
//! # #[cfg(feature = "csv")] {
//! // `text` is a CSV file with the columns split, n_params, n_tokens, h_web, h_code, loss_python.
//! let sweep = Sweep::from_csv(text.as_bytes())?;
//! let train = sweep.split("train")?;
//!
//! let fit = Fitter::new().fit(AdditiveLaw::for_sweep(&train), &train, "python")?;
//! println!("{fit}");
//! println!("held out: {}", fit.evaluate(&sweep.split("eval")?)?);
//!
//! let large = Scale { n: 7e9, d: 1.5e11 };
//! let plan = Plan::builder().target(1.0, &fit).build()?;
//! let choice = plan.best(large)?;
//! println!("{choice}");
//! assert!(choice.optimum.value <= fit.predict(large, &Mixture::uniform(2))?);
//! # }
//! # Ok::<(), mixlaw::Error>(())
//! ```
//!
//! The [`guide`] has a chapter for each of these steps, for laws and optimizers of your own, and a
//! comparison with other tools.
//!
//! # Symbols, shapes and units
//!
//! | symbol | meaning | unit, shape |
//! |---|---|---|
//! | N | model size | parameters |
//! | D | training tokens | tokens |
//! | h | domain weights | k numbers on the simplex, in the order of the domains' names |
//! | L | loss on a target | nats per token |
//! | E, A, alpha, B, beta | the coefficients of eq. 3 | E in nats; A and B such that `A/N^alpha` and `B/D^beta` are |
//! | C_i, gamma_i | the coefficients of domain i in a function of h | |
//! | z | the coordinates of a law: what an optimizer moves | one number for each identifiable parameter |
//! | N0, D0 | reference scales, by which a law divides N and D inside | parameters, tokens |
//! | delta | where the Huber loss turns from a parabola to a line | nats |
//!
//! # What to expect of a fit
//!
//! Joint and full laws are badly identified: many sets of coefficients within 1% of the best
//! objective differ by up to a factor of two in their error at larger scale. The best objective is not
//! the best predictor: [`Predictor::recommended`], whose fits have a [prior](law::Prior), is the one that
//! measurements chose, and [`Selection`](selection::Selection) compares others on your sweep by their predictions for
//! its largest runs. [`Identifiability`](uncertainty::Identifiability) tells what the data does not
//! determine, and [`Bootstrap`](uncertainty::Bootstrap) how far off a prediction may be. An optimal mixture
//! outside the range of mixtures that were trained on is an extrapolation.
//!
//! Why the crate is built as it is, and what is promised for later versions, is a [chapter of the
//! guide](guide::design).
//!
//! # Features
//!
//! * `csv` (default): read and write sweeps as CSV files.
//! * `json`: read sweeps from JSON lines too; includes `csv`.
//! * `rayon` (default): starts run on all threads of the current pool, with the same result, bit for
//!   bit, on any number of them.
//! * `plot`: pictures of fits and mixtures as SVG.
//! * `serde`: sweeps, mixtures, constraints, fits, predictors with their members, choices and what else
//!   follows from them can be stored and read again, to the bit. What is read is checked as by its
//!   constructor; sweeps, fits and predictors carry the version of the format, `"mixlaw": 1`. Infinite
//!   numbers and NaN are `"inf"`, `"-inf"` and `"NaN"` in text formats. A fit is read with its law
//!   where that is one of the crate's, and by `fit::StoredFit` with one of yours. `serde_json` reads every
//!   number to the bit only with its feature `float_roundtrip`. Plans are not stored: build them again
//!   from stored predictors.
//! * `cli`: the program `mixlaw`, which does all this for a CSV file.
//!
//! The crate works without any of them. No entropy source is ever read: seeds are values, and the same
//! seed gives the same result to the bit on one platform and build.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

pub mod decision;
pub mod design;
pub mod error;
pub mod fit;
pub mod guide;
pub mod law;
mod linalg;
mod mixture;
pub mod optim;
mod parallel;
pub mod plan;
#[cfg(feature = "plot")]
#[cfg_attr(docsrs, doc(cfg(feature = "plot")))]
pub mod plot;
pub mod predictor;
mod random;
mod scale;
pub mod selection;
pub mod simplex;
#[cfg(feature = "serde")]
mod stored;
mod streams;
mod student;
pub mod sweep;
pub mod testing;
pub mod uncertainty;

pub use ndarray;

pub use decision::Decider;
pub use error::Error;
pub use fit::{Fit, Fitter};
pub use mixture::Mixture;
pub use plan::Plan;
pub use predictor::Predictor;
pub use random::Random;
pub use scale::Scale;
pub use simplex::{Optimum, SimplexSolver};
pub use sweep::Sweep;

#[cfg(all(doctest, feature = "csv"))]
#[doc = include_str!("../README.md")]
struct Readme;
