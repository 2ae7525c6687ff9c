use crate::law::forward::named_law;
use crate::law::{Biased, Constant, InverseSum, LinearPower};

named_law! {
    /// The joint law, `L = E + 1/(sum_i C_i h_i^gamma_i) + A(h)/N^alpha + B(h)/D^beta` with
    /// `A(h) = (sum_i C_i^A h_i)^gamma_A` and `B(h) = (sum_i C_i^B h_i)^gamma_B` (eq. 5).
    /// 4k + 5 parameters.
    ///
    #[doc = include_str!("../../../docs/formulas/joint.html")]
    ///
    /// Its optimal mixture moves with N and D. With gamma_A = gamma_B = 1 and equal C it is the
    /// additive law. Fits are badly identified: several that are equally good on the data can differ
    /// by a factor of two in their error at larger scale.
    ///
    /// ```
    /// use mixlaw::law::{JointLaw, ScalingLaw};
    /// use mixlaw::Scale;
    ///
    /// let law = JointLaw::new(&["web", "code"], Scale::ONE)?;
    /// assert_eq!(law.coordinates().len(), 13);
    /// assert_eq!(law.positive_gamma().coordinates().iter().last().unwrap().name(), "beta");
    /// # Ok::<(), mixlaw::Error>(())
    /// ```
    JointLaw, "joint", |builder, power| builder
        .bias(Biased(InverseSum))
        .n_term(power(LinearPower::level()), Constant::exponent())
        .d_term(power(LinearPower::level()), Constant::exponent())
}
