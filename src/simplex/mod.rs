//! Mixtures from fitted laws: mirror descent on the simplex, within constraints and with a
//! certificate.
//!
//! A [`SimplexSolver`] minimises any differentiable function of h, a [`SimplexObjective`], over the
//! [`Region`] that [`Constraints`] leave. Its [`Optimum`] tells how far its value can be from the least
//! one. A [`Plan`](crate::Plan) does so for the losses of targets (eq. 8 and 13).
//!
//! ```
//! use mixlaw::law::{AdditiveLaw, ScalingLaw};
//! use mixlaw::simplex::{Certificate, Constraints};
//! use mixlaw::{Plan, Predictor, Scale, SimplexSolver};
//!
//! let law = AdditiveLaw::new(&["web", "code"], Scale::ONE)?;
//! let z = law.coordinates_of(&[
//!     ("E", 1.5), ("C[web]", 1.0), ("gamma[web]", 0.5), ("C[code]", 2.0), ("gamma[code]", 0.5),
//!     ("A", 400.0), ("alpha", 0.34), ("B", 400.0), ("beta", 0.28),
//! ])?;
//! // At the best mixture h_i is proportional to C_i^2: one fifth of web, four of code.
//! let plan = Plan::builder().target(1.0, Predictor::new("python", law, &z)?).build()?;
//! let mut objective = plan.objective(Scale { n: 7e9, d: 1.4e11 })?;
//! let best = SimplexSolver::new().minimize(&mut objective);
//! assert!((best.weights[0] - 0.2).abs() < 1e-4);
//! assert_eq!(best.certificate, Certificate::Convex);
//!
//! let region = Constraints::new().at_most("code", 0.5).region(plan.domains(), 1.4e11)?;
//! let limited = SimplexSolver::new().minimize_within(&mut objective, &region)?;
//! assert!((limited.weights[0] - 0.5).abs() < 1e-9 && limited.value > best.value);
//! # Ok::<(), mixlaw::Error>(())
//! ```

mod branch_and_bound;
mod budget;
mod constraints;
mod descent;
mod linear_program;
mod mirror_step;
mod objective;
mod region;
mod scaled;
mod solver;

pub(crate) mod sealed {
    /// The token that sealed methods take: no other crate can name it, and so none can call or override
    /// them.
    #[derive(Debug, Clone, Copy)]
    pub struct Token;
}

pub use constraints::Constraints;
pub use descent::Step;
pub use objective::SimplexObjective;
pub use region::Region;
pub use solver::{Active, Certificate, Optimum, SimplexSolver};
