//! For unit tests of your own: checks of laws, coefficient functions, optimizers and objectives, and
//! synthetic sweeps whose true law is known.
//!
//! ```
//! use mixlaw::law::{Coordinate, Formula, FormulaLaw, Scalar};
//! use mixlaw::testing::{assert_law_contract, check_gradient};
//! use mixlaw::Scale;
//!
//! /// `L = E + A/N^alpha`: without the tokens and the mixture.
//! #[derive(Debug)]
//! struct SizeAlone;
//!
//! impl Formula for SizeAlone {
//!     fn name(&self) -> &str {
//!         "size-alone"
//!     }
//!
//!     fn coefficients(&self, _domains: &[String]) -> Vec<Coordinate> {
//!         vec![
//!             Coordinate::positive("E", 1e-6..=10.0),
//!             Coordinate::positive("A", 1e-6..=1e6).over_n("alpha"),
//!             Coordinate::positive("alpha", 0.03..=1.5),
//!         ]
//!     }
//!
//!     fn loss<S: Scalar>(&self, c: &[S], n: S, _d: S, _h: &[S]) -> S {
//!         c[0] + c[1] / n.powf(c[2])
//!     }
//! }
//!
//! let law = FormulaLaw::new(SizeAlone, &["web", "code"], Scale { n: 1e9, d: 2e10 })?;
//! assert_law_contract(&law);
//! assert!(check_gradient(&law, &[0.5, -1.0, -1.2], Scale { n: 4e8, d: 1e10 }, &[0.5, 0.5]) < 1e-7);
//! # Ok::<(), mixlaw::Error>(())
//! ```

mod law;
mod optim;
mod simplex;
mod synthetic;

pub use law::{assert_coefficient_contract, assert_law_contract, check_gradient};
pub use optim::{assert_objective_contract, assert_optimizer_contract};
pub use simplex::assert_simplex_objective_contract;
pub use synthetic::{Modality, SyntheticSweep};
