/// A differentiable function of the domain weights, for a [`SimplexSolver`](super::SimplexSolver).
///
/// One method is enough for a function of your own. The others tell the solver what is known of it,
/// so that it can show that no other mixture is better: that it is convex, or a convex function below
/// it. [`MixtureObjective`](super::MixtureObjective) knows that of the paper's laws. Certificates take
/// values and slopes to be exact to about 1e-14 of their size;
/// [`assert_simplex_objective_contract`](crate::testing::assert_simplex_objective_contract) checks one
/// of your own.
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
    /// Number of domains.
    fn dim(&self) -> usize;

    /// The value at `h`, and into `g` the gradient with every weight free. NaN and `+inf` mean "not
    /// here".
    fn value_gradient(&mut self, h: &[f64], g: &mut [f64]) -> f64;

    /// Number of functions of which the objective is the largest; 1 unless it is a worst case.
    fn parts(&self) -> usize {
        1
    }

    /// The values of all parts at `h` into `values`, and their gradients one after the other into
    /// `slopes`. Only for an objective of several parts.
    fn parts_gradients(&mut self, h: &[f64], values: &mut [f64], slopes: &mut [f64]) {
        values[0] = self.value_gradient(h, slopes);
    }

    /// The size of numbers that are subtracted from one another to make the value, if it is much larger
    /// than the value: of a loss above a reference, the reference. Tolerances and rounding are relative
    /// to it, or to the value where that is larger; 0 leaves them to the value.
    fn scale(&self) -> f64 {
        0.0
    }

    /// About how many terms one evaluation sums up, by which a solver counts its budget: one for each
    /// domain and part, unless it is said otherwise.
    fn cost(&self) -> usize {
        self.dim() * self.parts()
    }

    /// Whether the function is convex on the simplex; a wrong answer makes the certificate wrong.
    fn is_convex(&self) -> bool {
        false
    }

    /// A convex function of as many parts, each of which is nowhere above the one here on the
    /// mixtures between `lower` and `upper`, and the closer to it the less room there is between
    /// them; `None` if none is known.
    fn relaxation(&self, lower: &[f64], upper: &[f64]) -> Option<Box<dyn SimplexObjective + '_>> {
        let _ = (lower, upper);
        None
    }

    /// Of a convex function: numbers >= 0 so that no mixture between `lower` and `upper` has second
    /// derivatives below the diagonal matrix of them, part t counting `shares[t]`; `None` if none are
    /// known.
    fn curvature(&self, lower: &[f64], upper: &[f64], shares: &[f64]) -> Option<Vec<f64>> {
        let _ = (lower, upper, shares);
        None
    }

    /// Of a relaxation: adds to `out[i]` about how much of its distance to the function at h is due
    /// to the room of domain i, where part t counts `shares[t]`.
    fn add_looseness(&mut self, h: &[f64], shares: &[f64], out: &mut [f64]) {
        let _ = (h, shares, out);
    }
}
