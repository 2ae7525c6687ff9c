//! Three laws that mixlaw does not have, one for each way to write one.

mod composed;
mod factor;
mod interaction;

pub use composed::data_mixture;
pub use factor::FactorLaw;
pub use interaction::Interaction;
