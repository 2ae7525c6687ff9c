//! The additive law, and what is left of it at a fixed scale.

use crate::law::forward::named_law;
use crate::law::{Biased, Constant, InverseSum};

named_law! {
    /// The additive law, `L = E + 1/(sum_i C_i h_i^gamma_i) + A/N^alpha + B/D^beta` (eq. 4).
    /// 2k + 5 parameters.
    ///
    #[doc = include_str!("../../../docs/formulas/additive.html")]
    ///
    /// Its optimal mixture does not depend on N and D. Convex in h where every `gamma_i <= 1`.
    ///
    /// ```
    /// use mixlaw::law::{AdditiveLaw, ScalingLaw};
    /// use mixlaw::Scale;
    ///
    /// let law = AdditiveLaw::new(&["web", "code"], Scale::ONE)?;
    /// assert_eq!(law.coordinates().len(), 9);
    /// # Ok::<(), mixlaw::Error>(())
    /// ```
    AdditiveLaw, "additive", |builder| builder
        .bias(Biased(InverseSum))
        .n_term(Constant::level(), Constant::exponent())
        .d_term(Constant::level(), Constant::exponent())
}

named_law! {
    /// The additive law for one model size, `L = E + 1/(sum_i C_i h_i^gamma_i) + B/D^beta`
    /// (appendix B.2): it does not depend on N. 2k + 3 parameters.
    ///
    #[doc = include_str!("../../../docs/formulas/additive_fixed_n.html")]
    ///
    /// ```
    /// use mixlaw::law::{AdditiveFixedNLaw, ScalingLaw};
    /// use mixlaw::Scale;
    ///
    /// let law = AdditiveFixedNLaw::new(&["web", "code"], Scale::ONE)?;
    /// assert_eq!(law.coordinates().len(), 7);
    /// # Ok::<(), mixlaw::Error>(())
    /// ```
    AdditiveFixedNLaw, "additive-fixed-n", |builder| builder
        .bias(Biased(InverseSum))
        .d_term(Constant::level(), Constant::exponent())
}

named_law! {
    /// The additive law for one number of tokens, `L = E + 1/(sum_i C_i h_i^gamma_i) + A/N^alpha`:
    /// it does not depend on D. 2k + 3 parameters.
    ///
    #[doc = include_str!("../../../docs/formulas/additive_fixed_d.html")]
    ///
    /// ```
    /// use mixlaw::law::{AdditiveFixedDLaw, ScalingLaw};
    /// use mixlaw::Scale;
    ///
    /// let law = AdditiveFixedDLaw::new(&["web", "code"], Scale::ONE)?;
    /// assert_eq!(law.coordinates().len(), 7);
    /// # Ok::<(), mixlaw::Error>(())
    /// ```
    AdditiveFixedDLaw, "additive-fixed-d", |builder| builder
        .bias(Biased(InverseSum))
        .n_term(Constant::level(), Constant::exponent())
}

named_law! {
    /// The additive law for one model size and one number of tokens,
    /// `L = E + 1/(sum_i C_i h_i^gamma_i)` (appendix B.1): it depends on neither N nor D. 2k + 1
    /// parameters.
    ///
    #[doc = include_str!("../../../docs/formulas/additive_fixed_nd.html")]
    ///
    /// ```
    /// use mixlaw::law::{AdditiveFixedNDLaw, ScalingLaw};
    /// use mixlaw::Scale;
    ///
    /// let law = AdditiveFixedNDLaw::new(&["web", "code"], Scale::ONE)?;
    /// assert_eq!(law.coordinates().len(), 5);
    /// # Ok::<(), mixlaw::Error>(())
    /// ```
    AdditiveFixedNDLaw, "additive-fixed-nd", |builder| builder.bias(Biased(InverseSum))
}
