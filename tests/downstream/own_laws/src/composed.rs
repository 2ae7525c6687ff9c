//! A law composed of the coefficients that mixlaw brings.

use mixlaw::law::{Biased, Constant, InverseSum, LinearPower, PowerLaw};
use mixlaw::{Error, Sweep};

/// `L = E + 1 / (sum_i C_i h_i^gamma_i) + A / N^alpha + (sum_i C_i h_i)^gamma / D^beta`: of the two
/// terms that scale removes, only that of the data depends on the mixture.
pub fn data_mixture(sweep: &Sweep) -> Result<PowerLaw, Error> {
    PowerLaw::builder("data-mixture", sweep.domains())
        .scale(sweep.scale())
        .bias(Biased(InverseSum))
        .n_term(Constant::level(), Constant::exponent())
        .d_term(LinearPower::level(), Constant::exponent())
        .build()
}
