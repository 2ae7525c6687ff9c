//! Mixtures from fitted laws: mirror descent on the simplex.
//!
//! A [`MixtureObjective`] is a weighted sum of fitted laws at one N and D as a function of h (eq. 8
//! and 13); a [`SimplexSolver`] minimises it, or any other differentiable function of h.

mod objective;
mod solver;

pub use objective::{MixtureObjective, SimplexObjective};
pub use solver::{Optimum, SimplexSolver, Step};
