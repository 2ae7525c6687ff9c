//! Mixtures from fitted laws: mirror descent on the simplex, within constraints and with a
//! certificate.
//!
//! A [`MixtureObjective`] is a weighted sum of fitted laws at one N and D as a function of h (eq. 8
//! and 13), or the worst of them; a [`SimplexSolver`] minimises it, or any other differentiable
//! function of h, over the [`Region`] that [`Constraints`] leave, and says with its [`Optimum`] how far
//! from the least value it can be.

mod branch_and_bound;
mod constraints;
mod descent;
mod linear_program;
mod mirror_step;
mod mixture_objective;
mod objective;
mod region;
mod solver;

pub use constraints::Constraints;
pub use descent::Step;
pub(crate) use mixture_objective::Located;
pub use mixture_objective::{MixtureObjective, Pull};
pub use objective::SimplexObjective;
pub use region::Region;
pub use solver::{Active, Certificate, Optimum, SimplexSolver};
