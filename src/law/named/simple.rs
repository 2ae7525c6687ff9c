use crate::law::forward::named_law;
use crate::law::{Biased, Constant, LinearPower};

named_law! {
    /// The simple law, `L = E + (sum_i C_i h_i)^gamma + A/N^alpha + B/D^beta` (eq. 9, which prints A
    /// with D and B with N). k + 6 parameters.
    ///
    #[doc = include_str!("../../../docs/formulas/simple.html")]
    ///
    /// Its optimal mixture for one target is always a corner of the simplex. The paper's figures
    /// need gamma of either sign, which is the default.
    ///
    /// ```
    /// use mixlaw::law::{ScalingLaw, SimpleLaw};
    /// use mixlaw::Scale;
    ///
    /// let law = SimpleLaw::new(&["web", "code"], Scale::ONE)?;
    /// assert_eq!(law.coordinates().len(), 8);
    /// # Ok::<(), mixlaw::Error>(())
    /// ```
    SimpleLaw, "simple", |builder, power| builder
        .bias(Biased(power(LinearPower::level())))
        .n_term(Constant::level(), Constant::exponent())
        .d_term(Constant::level(), Constant::exponent())
}
