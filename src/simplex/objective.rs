use crate::error::{LawError, SimplexError};
use crate::fit::Fit;
use crate::law::{Gradient, ScalingLaw};

/// A differentiable function of the domain weights, for a [`SimplexSolver`](super::SimplexSolver).
///
/// ```
/// use mixlaw::simplex::{SimplexObjective, SimplexSolver};
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
/// }
///
/// let best = SimplexSolver::new().minimize(&mut Near([0.7, 0.3, 0.0]));
/// assert!((best.weights[0] - 0.7).abs() < 1e-4);
/// ```
pub trait SimplexObjective {
    /// Number of domains.
    fn dim(&self) -> usize;

    /// The value at `h`, and into `g` the gradient with every weight free. NaN and `+inf` mean "not
    /// here".
    fn value_gradient(&mut self, h: &[f64], g: &mut [f64]) -> f64;
}

/// `sum_t w_t L_t(N, D, h)` over fitted laws, as a function of h (eq. 13; eq. 8 with equal weights).
///
/// The domains of the laws are matched by name.
///
/// ```
/// use mixlaw::law::{AdditiveLaw, ScalingLaw};
/// use mixlaw::simplex::{MixtureObjective, SimplexSolver};
/// use mixlaw::Scales;
///
/// let law = AdditiveLaw::new(&["web", "code"], Scales::ONE)?;
/// let z = law.coordinates_of(&[
///     ("E", 1.0), ("C[web]", 1.0), ("C[code]", 3.0), ("gamma[web]", 0.5), ("gamma[code]", 0.5),
///     ("A", 400.0), ("alpha", 0.34), ("B", 400.0), ("beta", 0.28),
/// ])?;
/// let mut objective = MixtureObjective::new(1e9, 2e10)?.with_law(1.0, &law, &z)?;
/// let best = SimplexSolver::new().minimize(&mut objective);
/// // The sum of C_i h_i^0.5 is largest where h is proportional to C_i^2.
/// assert!((best.weights[1] - 0.9).abs() < 1e-4);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct MixtureObjective<'a> {
    n: f64,
    d: f64,
    domains: &'a [String],
    terms: Vec<Term<'a>>,
}

#[derive(Debug, Clone)]
struct Term<'a> {
    weight: f64,
    law: &'a dyn ScalingLaw,
    z: &'a [f64],
    /// For each domain of the law its place in the objective.
    order: Vec<usize>,
    h: Vec<f64>,
    gradient: Gradient,
}

impl<'a> MixtureObjective<'a> {
    /// An empty sum at N parameters and D tokens.
    ///
    /// # Errors
    /// [`SimplexError::Setting`] if N or D is not a finite number > 0.
    pub fn new(n: f64, d: f64) -> Result<Self, SimplexError> {
        for (name, value) in [("N", n), ("D", d)] {
            if !(value.is_finite() && value > 0.0) {
                let expected = "a finite number > 0";
                return Err(SimplexError::Setting { name: name.to_owned(), value, expected });
            }
        }
        Ok(Self { n, d, domains: &[], terms: Vec::new() })
    }

    /// Adds `weight` times the loss that a fit predicts.
    ///
    /// # Errors
    /// As [`MixtureObjective::with_law`].
    pub fn with_fit(self, weight: f64, fit: &'a Fit) -> Result<Self, SimplexError> {
        self.with_law(weight, fit.law(), fit.coordinates())
    }

    /// Adds `weight` times the loss of a law at coordinates `z`.
    ///
    /// # Errors
    /// [`SimplexError`] if the weight is not a finite number > 0, or the law's domains are not those
    /// of the laws before it.
    ///
    /// # Panics
    /// If `z` has the wrong length.
    pub fn with_law(
        mut self,
        weight: f64,
        law: &'a dyn ScalingLaw,
        z: &'a [f64],
    ) -> Result<Self, SimplexError> {
        assert_eq!(z.len(), law.coordinates().len(), "one value for each coordinate");
        if !(weight.is_finite() && weight > 0.0) {
            let (name, expected) = ("the weight of a law".to_owned(), "a finite number > 0");
            return Err(SimplexError::Setting { name, value: weight, expected });
        }
        if self.terms.is_empty() {
            self.domains = law.domains();
        }
        let place = |domain| self.domains.iter().position(|d| d == domain);
        let order: Option<Vec<usize>> = law.domains().iter().map(place).collect();
        let order = order.filter(|order| order.len() == self.domains.len()).ok_or_else(|| {
            SimplexError::Domains { first: self.domains.to_vec(), other: law.domains().to_vec() }
        })?;
        let (h, gradient) = (vec![0.0; order.len()], Gradient::new(law));
        self.terms.push(Term { weight, law, z, order, h, gradient });
        Ok(self)
    }

    /// The names of the domains, in the order of h.
    #[must_use]
    pub fn domains(&self) -> &[String] {
        self.domains
    }

    /// The weighted sum of the losses at `h`, in nats.
    ///
    /// # Errors
    /// [`LawError`](crate::LawError) if h has the wrong length, or a law is not defined there.
    pub fn value(&self, h: &[f64]) -> Result<f64, SimplexError> {
        if h.len() != self.domains.len() {
            let (what, value) = ("the number of domain weights", h.len() as f64);
            let expected = self.domains.len().to_string();
            return Err(LawError::Point { what, value, expected }.into());
        }
        let mut sum = 0.0;
        for term in &self.terms {
            let own: Vec<f64> = term.order.iter().map(|&i| h[i]).collect();
            term.law.check(self.n, self.d, &own)?;
            sum += term.weight * term.law.loss(term.z, self.n, self.d, &own);
        }
        Ok(sum)
    }
}

impl SimplexObjective for MixtureObjective<'_> {
    fn dim(&self) -> usize {
        self.domains.len()
    }

    fn value_gradient(&mut self, h: &[f64], g: &mut [f64]) -> f64 {
        g.fill(0.0);
        let mut sum = 0.0;
        for Term { weight, law, z, order, h: own, gradient } in &mut self.terms {
            own.iter_mut().zip(order.iter()).for_each(|(own, &i)| *own = h[i]);
            sum += *weight * law.gradient(z, self.n, self.d, own, gradient);
            gradient.h.iter().zip(order.iter()).for_each(|(own, &i)| g[i] += *weight * own);
        }
        sum
    }
}
