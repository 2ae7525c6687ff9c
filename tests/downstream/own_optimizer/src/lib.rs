//! Two optimizers for mixlaw: one written here, one from another crate.

mod nelder_mead;
mod with_basin;

pub use nelder_mead::NelderMead;
pub use with_basin::BasinLbfgsb;
