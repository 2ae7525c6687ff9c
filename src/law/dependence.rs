use super::{Gradient, ScalingLaw, StartData};
use crate::mixture::Mixture;
use crate::random::Random;
use crate::scale::Scale;

/// Which of N, D and h the loss of a law depends on; made by [`ScalingLaw::dependence`].
///
/// ```
/// use mixlaw::law::{AdditiveFixedNLaw, ChinchillaLaw, ScalingLaw};
/// use mixlaw::Scale;
///
/// let of = AdditiveFixedNLaw::new(&["web", "code"], Scale::ONE)?.dependence();
/// assert!(!of.n && of.d && of.h);
/// // A law that does not depend on the mixture cannot choose one.
/// assert!(!ChinchillaLaw::new(&["web", "code"], Scale::ONE)?.dependence().h);
/// # Ok::<(), mixlaw::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dependence {
    /// On the model size N.
    pub n: bool,
    /// On the training tokens D.
    pub d: bool,
    /// On the mixture h. Over a single domain there is one mixture only, and nothing depends on it.
    pub h: bool,
}

impl Dependence {
    /// What the derivatives of a law at some drawn points say: a derivative that is zero at all of
    /// them, or the same with respect to every weight, is one of something that the law does not see.
    pub(super) fn measured(law: &(impl ScalingLaw + ?Sized)) -> Self {
        let k = law.domains().len();
        let scale = law.coordinates().scale();
        let center = Mixture::uniform(k);
        let data = StartData { least_loss: 2.0, median_loss: 3.0, mixture: &center };
        let mixtures = Mixture::dirichlet(&vec![1.0; k], 3, 1).unwrap_or_default();
        let mut random = Random::new(1);
        let mut gradient = Gradient::new(law);
        let mut of = Self { n: false, d: false, h: false };
        for _ in 0..3 {
            let z = law.start(&data, &mut random);
            for (h, factor) in mixtures.iter().zip([0.5, 1.0, 2.0]) {
                let loss = law.gradient(
                    &z,
                    Scale { n: factor * scale.n, d: factor * scale.d },
                    h,
                    &mut gradient,
                );
                of.n |= gradient.log_n != 0.0;
                of.d |= gradient.log_d != 0.0;
                // Slopes that differ by rounding alone are equal.
                let same = |g: &f64| (g - gradient.h[0]).abs() <= 1e-12 * (g.abs() + loss.abs());
                of.h |= !gradient.h.iter().all(same);
            }
        }
        of
    }
}
