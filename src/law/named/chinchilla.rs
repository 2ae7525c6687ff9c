use crate::law::Constant;
use crate::law::forward::named_law;

named_law! {
    /// The Chinchilla law, `L = E + A/N^alpha + B/D^beta` (eq. 2; Hoffmann et al., 2022): it does not
    /// depend on the mixture. 5 parameters.
    ///
    #[doc = include_str!("../../../docs/formulas/chinchilla.html")]
    ///
    /// ```
    /// use mixlaw::law::{ChinchillaLaw, ScalingLaw};
    /// use mixlaw::Scale;
    ///
    /// let law = ChinchillaLaw::new(&["web", "code"], Scale::ONE)?;
    /// assert_eq!(law.coordinates().len(), 5);
    /// # Ok::<(), mixlaw::Error>(())
    /// ```
    ChinchillaLaw, "chinchilla", |builder| builder
        .bias(Constant::level())
        .n_term(Constant::level(), Constant::exponent())
        .d_term(Constant::level(), Constant::exponent())
}
