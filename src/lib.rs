//! Scaling laws for optimal data mixtures.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod error;
mod mixture;
pub mod sweep;

pub use ndarray;

pub use error::{FitError, LawError, MixtureError, SimplexError, SweepError};
pub use mixture::{Mixture, NamedMixture};
pub use sweep::{Scales, Sweep};
