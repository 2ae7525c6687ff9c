//! Scaling laws for optimal data mixtures.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod error;
pub mod fit;
pub mod law;
mod linalg;
mod mixture;
pub mod optim;
pub mod simplex;
pub mod sweep;
pub mod testing;

pub use ndarray;

pub use error::{FitError, LawError, MixtureError, SimplexError, SweepError};
pub use fit::{Fit, Fitter};
pub use mixture::{Mixture, NamedMixture};
pub use simplex::{MixtureObjective, Optimum, SimplexSolver};
pub use sweep::{Scales, Sweep};
