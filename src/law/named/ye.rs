//! The four laws of Ye et al. (2024) for one N and D, as appendix B.1 of the paper prints them.

use crate::law::forward::named_law;
use crate::law::{Biased, ExponentialProduct, ExponentialSum, GeometricMean, SharedExponentialSum};

named_law! {
    /// `L = E + sum_i C_i exp(gamma_i h_i)` (Ye M1): without N and D. 2k + 1 parameters.
    ///
    #[doc = include_str!("../../../docs/formulas/ye_m1.html")]
    ///
    /// ```
    /// use mixlaw::law::{ScalingLaw, YeM1Law};
    /// use mixlaw::Scale;
    ///
    /// let law = YeM1Law::new(&["web", "code"], Scale::ONE)?;
    /// assert_eq!(law.coordinates().len(), 5);
    /// # Ok::<(), mixlaw::Error>(())
    /// ```
    YeM1Law, "ye-m1", |builder| builder.bias(Biased(ExponentialSum))
}

named_law! {
    /// `L = E + C sum_i exp(gamma_i h_i)` (Ye M2): without N and D. k + 2 parameters.
    ///
    #[doc = include_str!("../../../docs/formulas/ye_m2.html")]
    ///
    /// ```
    /// use mixlaw::law::{ScalingLaw, YeM2Law};
    /// use mixlaw::Scale;
    ///
    /// let law = YeM2Law::new(&["web", "code"], Scale::ONE)?;
    /// assert_eq!(law.coordinates().len(), 4);
    /// # Ok::<(), mixlaw::Error>(())
    /// ```
    YeM2Law, "ye-m2", |builder| builder.bias(Biased(SharedExponentialSum))
}

named_law! {
    /// `L = E + C exp(prod_i gamma_i h_i)` (Ye M3): without N and D. Of its k + 2 printed
    /// parameters 3 can be identified: only the product of the gamma_i matters.
    ///
    #[doc = include_str!("../../../docs/formulas/ye_m3.html")]
    ///
    /// ```
    /// use mixlaw::law::{ScalingLaw, YeM3Law};
    /// use mixlaw::Scale;
    ///
    /// let law = YeM3Law::new(&["web", "code"], Scale::ONE)?;
    /// assert_eq!(law.coordinates().len(), 3);
    /// # Ok::<(), mixlaw::Error>(())
    /// ```
    YeM3Law, "ye-m3", |builder| builder
        .bias(Biased(ExponentialProduct))
}

named_law! {
    /// `L = E + C exp(sum_i gamma_i h_i)` (Ye M4): without N and D. Of its k + 2 printed
    /// parameters k + 1 can be identified: on the simplex, C is a constant added to every gamma_i.
    ///
    #[doc = include_str!("../../../docs/formulas/ye_m4.html")]
    ///
    /// ```
    /// use mixlaw::law::{ScalingLaw, YeM4Law};
    /// use mixlaw::Scale;
    ///
    /// let law = YeM4Law::new(&["web", "code"], Scale::ONE)?;
    /// assert_eq!(law.coordinates().len(), 3);
    /// # Ok::<(), mixlaw::Error>(())
    /// ```
    YeM4Law, "ye-m4", |builder| builder
        .bias(Biased(GeometricMean))
}
