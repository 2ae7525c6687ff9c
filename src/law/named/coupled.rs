//! Laws whose terms of N and D are coupled.

use crate::law::forward::named_law;
use crate::law::{Biased, Constant, InverseSum, LinearPower};

named_law! {
    /// The coupled law, the additive law whose terms of N and D are coupled:
    /// `L = E + 1/(sum_i C_i h_i^gamma_i) + ((A/N^alpha)^(1/p) + (B/D^beta)^(1/p))^p`. 2k + 6 parameters.
    ///
    #[doc = include_str!("../../../docs/formulas/coupled.html")]
    ///
    /// The coupling is that of Kaplan et al. (2020, eq. 1.5), `(A'/N^a + B'/D^b)^p`, with
    /// `A = A'^p`, `alpha = a p`, `B = B'^p` and `beta = b p`; see
    /// [`coupled`](crate::law::PowerLawBuilder::coupled). With p = 1 it is the additive law. Its optimal
    /// mixture does not depend on N and D. Convex in h where every `gamma_i <= 1`.
    ///
    /// p is searched for between 0.1 and 1, and needs runs in which N and D do not move together.
    ///
    /// ```
    /// use mixlaw::law::{CoupledLaw, ScalingLaw};
    /// use mixlaw::Scale;
    ///
    /// let law = CoupledLaw::new(&["web", "code"], Scale::ONE)?;
    /// assert_eq!(law.coordinates().len(), 10);
    /// let z = law.coordinates_of(&[
    ///     ("E", 1.0), ("C[web]", 1.0), ("gamma[web]", 1.0), ("C[code]", 1.0), ("gamma[code]", 1.0),
    ///     ("A", 3000.0), ("alpha", 0.5), ("B", 4000.0), ("beta", 0.5), ("p", 0.5),
    /// ])?;
    /// // Terms of 0.3 and 0.4: the square root of the sum of their squares.
    /// let loss = law.loss(&z, Scale { n: 1e8, d: 1e8 }, &[0.5, 0.5]);
    /// assert!((loss - 2.5).abs() < 1e-12);
    /// # Ok::<(), mixlaw::Error>(())
    /// ```
    CoupledLaw, "coupled", |builder| builder
        .bias(Biased(InverseSum))
        .n_term(Constant::level(), Constant::exponent())
        .d_term(Constant::level(), Constant::exponent())
        .coupled()
}

named_law! {
    /// The coupled full law, the full law whose terms are coupled as in [`CoupledLaw`]:
    /// `L = E + 1/(sum_i C_i h_i^gamma_i) + (T_N^(1/p) + T_D^(1/p))^p` with `T_N = A(h)/(N/N0)^alpha(h)` and
    /// `T_D = B(h)/(D/D0)^beta(h)`. 6k + 6 parameters.
    ///
    #[doc = include_str!("../../../docs/formulas/coupled_full.html")]
    ///
    /// Alone it errs more than the full law where two sizes are fitted and larger ones predicted. In the
    /// mean with the joint and the full law it errs less than these two
    /// ([measurements](crate::guide::measurements)).
    ///
    /// ```
    /// use mixlaw::law::{CoupledFullLaw, ScalingLaw};
    /// use mixlaw::Scale;
    ///
    /// let law = CoupledFullLaw::new(&["web", "code"], Scale { n: 1e9, d: 2e10 })?;
    /// assert_eq!(law.coordinates().len(), 18);
    /// assert_eq!(law.coordinates().iter().last().unwrap().name(), "p");
    /// # Ok::<(), mixlaw::Error>(())
    /// ```
    CoupledFullLaw, "coupled-full", |builder, power| builder
        .bias(Biased(InverseSum))
        .n_term(power(LinearPower::level()), power(LinearPower::exponent()))
        .d_term(power(LinearPower::level()), power(LinearPower::exponent()))
        .coupled()
}
