use super::sealed::Token;

/// A differentiable function of the domain weights, for a [`SimplexSolver`](super::SimplexSolver).
///
/// Two methods are enough for a function of your own. [`SimplexObjective::is_convex`] tells the solver
/// that it is convex, so that the gap of its optimum certifies that no other mixture is better; the
/// largest of several functions has them as its [`SimplexObjective::parts`]. Of any other function the
/// optimum is the best local one. [`MixtureObjective`](crate::plan::MixtureObjective) also knows convex
/// functions below the paper's laws, by which laws that are not convex get a certificate.
///
/// Certificates take values and slopes to be exact to about 1e-14 of their size;
/// [`assert_simplex_objective_contract`](crate::testing::assert_simplex_objective_contract) checks an
/// objective.
///
/// ```
/// use mixlaw::simplex::{Certificate, SimplexObjective, SimplexSolver};
///
/// /// Squared distance to a point of the simplex.
/// struct Near([f64; 3]);
///
/// impl SimplexObjective for Near {
///     fn dim(&self) -> usize {
///         3
///     }
///
///     fn value_gradient(&mut self, h: &[f64], g: &mut [f64]) -> f64 {
///         for i in 0..3 {
///             g[i] = 2.0 * (h[i] - self.0[i]);
///         }
///         h.iter().zip(self.0).map(|(h, x)| (h - x).powi(2)).sum()
///     }
///
///     fn is_convex(&self) -> bool {
///         true
///     }
/// }
///
/// let best = SimplexSolver::new().minimize(&mut Near([0.7, 0.3, 0.0]));
/// assert!((best.weights[0] - 0.7).abs() < 1e-4);
/// assert_eq!(best.certificate, Certificate::Convex);
/// ```
pub trait SimplexObjective: Send {
    /// Number of domains, at least 1.
    fn dim(&self) -> usize;

    /// The value at `h`, and into `g` the gradient: slopes `df/dh_i` as if every weight could change on
    /// its own. Both slices have one entry for each domain. A value of NaN or `+inf` says that the
    /// function is not defined there; an infinite slope is allowed where a weight is 0.
    fn value_gradient(&mut self, h: &[f64], g: &mut [f64]) -> f64;

    /// Number of functions of which the objective is the largest, at least 1; more than 1 for a worst
    /// case.
    fn parts(&self) -> usize {
        1
    }

    /// The values of all parts at `h` into `values`, and their gradients one after the other into
    /// `slopes`, which is parts x domains. An objective of several parts must have it; its
    /// [`SimplexObjective::value_gradient`] is that of the part with the largest value.
    fn parts_gradients(&mut self, h: &[f64], values: &mut [f64], slopes: &mut [f64]) {
        values[0] = self.value_gradient(h, slopes);
    }

    /// Whether every part is convex on the simplex; a wrong answer makes the certificate wrong.
    fn is_convex(&self) -> bool {
        false
    }

    /// The size of numbers that are subtracted from one another to make the value, if it is much larger
    /// than the value: of a loss above a reference, the reference. Tolerances and rounding are relative
    /// to it, or to the value where that is larger; 0 leaves them to the value.
    #[doc(hidden)]
    fn scale(&self, _: Token) -> f64 {
        0.0
    }

    /// About how many terms one evaluation sums up, by which a solver counts its budget.
    #[doc(hidden)]
    fn cost(&self, _: Token) -> usize {
        self.dim() * self.parts()
    }

    /// A convex function of as many parts, each of which is nowhere above the one here on the
    /// mixtures between `lower` and `upper`, and the closer to it the less room there is between
    /// them; `None` if none is known.
    #[doc(hidden)]
    fn relaxation(
        &self,
        lower: &[f64],
        upper: &[f64],
        _: Token,
    ) -> Option<Box<dyn SimplexObjective + '_>> {
        let _ = (lower, upper);
        None
    }

    /// Of a convex function: numbers >= 0 so that no mixture between `lower` and `upper` has second
    /// derivatives below the diagonal matrix of them, part t counting `shares[t]`; `None` if none are
    /// known.
    #[doc(hidden)]
    fn curvature(
        &self,
        lower: &[f64],
        upper: &[f64],
        shares: &[f64],
        _: Token,
    ) -> Option<Vec<f64>> {
        let _ = (lower, upper, shares);
        None
    }

    /// Of a relaxation: adds to `out[i]` about how much of its distance to the function at h is due
    /// to the room of domain i, where part t counts `shares[t]`.
    #[doc(hidden)]
    fn add_relaxation_gap(&mut self, h: &[f64], shares: &[f64], out: &mut [f64], _: Token) {
        let _ = (h, shares, out);
    }
}
