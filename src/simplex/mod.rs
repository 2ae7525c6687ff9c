//! Mixtures from fitted laws: mirror descent on the simplex, within constraints and with a
//! certificate.
//!
//! A [`MixtureObjective`] is a weighted sum of fitted laws at one N and D as a function of h (eq. 8
//! and 13), or the worst of them; a [`SimplexSolver`] minimises it, or any other differentiable
//! function of h, over the [`Region`] that [`Constraints`] leave, and says with its [`Optimum`] how far
//! from the least value it can be.
//!
//! ```
//! use mixlaw::law::{AdditiveLaw, ScalingLaw};
//! use mixlaw::simplex::{Certificate, Constraints};
//! use mixlaw::{MixtureObjective, Scale, SimplexSolver};
//!
//! let law = AdditiveLaw::new(&["web", "code"], Scale::ONE)?;
//! let z = law.coordinates_of(&[
//!     ("E", 1.5), ("C[web]", 1.0), ("gamma[web]", 0.5), ("C[code]", 2.0), ("gamma[code]", 0.5),
//!     ("A", 400.0), ("alpha", 0.34), ("B", 400.0), ("beta", 0.28),
//! ])?;
//! // At the best mixture h_i is proportional to C_i^2: one fifth of web, four of code.
//! let mut objective = MixtureObjective::new(Scale { n: 7e9, d: 1.4e11 })?.with_law(1.0, &law, &z)?;
//! let best = SimplexSolver::new().minimize(&mut objective);
//! assert!((best.weights[0] - 0.2).abs() < 1e-4);
//! assert_eq!(best.certificate, Certificate::Convex);
//!
//! let region = Constraints::new().at_most("code", 0.5).region(law.domains(), 1.4e11)?;
//! let limited = SimplexSolver::new().minimize_within(&mut objective, &region)?;
//! assert!((limited.weights[0] - 0.5).abs() < 1e-9 && limited.value > best.value);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod branch_and_bound;
mod budget;
mod constraints;
mod descent;
mod linear_program;
mod mirror_step;
mod mixture_objective;
mod objective;
mod region;
mod scaled;
mod solver;

pub(crate) mod sealed {
    /// What methods for the crate's own use take. It has no name outside of the crate, so that nobody
    /// else can call or implement them.
    #[derive(Debug, Clone, Copy)]
    pub struct Token;
}

pub use constraints::Constraints;
pub use descent::Step;
pub(crate) use mixture_objective::Located;
pub use mixture_objective::{MixtureObjective, Pull};
pub use objective::SimplexObjective;
pub use region::Region;
pub use solver::{Active, Certificate, Optimum, SimplexSolver};
