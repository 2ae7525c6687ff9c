use crate::law::forward::named_law;
use crate::law::{Biased, InverseSum, LinearPower};

named_law! {
    /// The full law, `L = E + 1/(sum_i C_i h_i^gamma_i) + A(h)/(N/N0)^alpha(h) + B(h)/(D/D0)^beta(h)`
    /// with four linear powers `(sum_i C_i h_i)^gamma` for A, B, alpha and beta (eq. 10 and 11).
    /// 6k + 5 parameters; sec. 6 says one more.
    ///
    #[doc = include_str!("../../../docs/formulas/full.html")]
    ///
    /// The reference scales N0 and D0 are part of the law: alpha depends on h, so that no A(h) of
    /// this form absorbs another N0.
    ///
    /// ```
    /// use mixlaw::law::{FullLaw, ScalingLaw};
    /// use mixlaw::Scale;
    ///
    /// let law = FullLaw::new(&["web", "code"], Scale { n: 1e9, d: 2e10 })?;
    /// assert_eq!(law.coordinates().len(), 17);
    /// # Ok::<(), mixlaw::Error>(())
    /// ```
    FullLaw, "full", |builder, power| builder
        .bias(Biased(InverseSum))
        .n_term(power(LinearPower::level()), power(LinearPower::exponent()))
        .d_term(power(LinearPower::level()), power(LinearPower::exponent()))
}
