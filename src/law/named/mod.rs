//! The laws of the crate, one small file for each, and the list of them.

mod additive;
mod autoscale;
mod chinchilla;
mod coupled;
mod d_cpt;
mod data_constrained;
mod full;
mod ge24;
mod joint;
mod list;
mod simple;
mod ye;

pub use additive::{AdditiveFixedDLaw, AdditiveFixedNDLaw, AdditiveFixedNLaw, AdditiveLaw};
pub use autoscale::AutoScaleLaw;
pub use chinchilla::ChinchillaLaw;
pub use coupled::{CoupledFullLaw, CoupledLaw};
pub use d_cpt::DCptLaw;
pub use data_constrained::DataConstrainedLaw;
pub use full::FullLaw;
pub use ge24::Ge24Law;
pub use joint::JointLaw;
pub use list::{BuiltIn, built_in, named, recommended, suitable};
pub use simple::SimpleLaw;
pub use ye::{YeM1Law, YeM2Law, YeM3Law, YeM4Law};
