use std::fmt;
use std::sync::Arc;

use crate::error::Error;
use crate::mixture::Mixture;

/// A function of the mixture that a [`Plan`](super::Plan) adds to the losses, in nats.
///
/// ```
/// use mixlaw::law::{AdditiveLaw, ScalingLaw};
/// use mixlaw::plan::{Penalty, Plan};
/// use mixlaw::{Predictor, Scale};
///
/// let law = AdditiveLaw::new(&["web", "code"], Scale::ONE)?;
/// let z = law.coordinates_of(&[
///     ("E", 1.0), ("C[web]", 1.0), ("C[code]", 3.0), ("gamma[web]", 0.5), ("gamma[code]", 0.5),
///     ("A", 400.0), ("alpha", 0.34), ("B", 400.0), ("beta", 0.28),
/// ])?;
/// let python = Predictor::new("python", law, &z)?;
/// let best = |penalty: Penalty| {
///     let plan = Plan::builder().target(1.0, &python).penalty(penalty).build()?;
///     Ok::<f64, mixlaw::Error>(plan.best(Scale { n: 7e9, d: 4e10 })?.optimum.weights[1])
/// };
/// // Without a penalty it is 0.9 of code; the mixture in use has half.
/// let near_ours = best(Penalty::kl(0.1, &[("web", 0.5), ("code", 0.5)]))?;
/// assert!(0.5 < near_ours && near_ours < 0.9);
/// // A token of code costs more: 0.2 nats for the whole mixture.
/// let dear = best(Penalty::from_convex_fn(|h, slopes| {
///     slopes[1] = 0.2;
///     0.2 * h[1]
/// }))?;
/// assert!(dear < 0.9);
/// # Ok::<(), mixlaw::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Penalty(Kind);

#[derive(Debug, Clone)]
enum Kind {
    Kl { strength: f64, prior: Vec<(String, f64)> },
    Js { strength: f64, prior: Vec<(String, f64)> },
    Own(Own),
}

type Function = dyn Fn(&[f64], &mut [f64]) -> f64 + Send + Sync;

/// A function of the caller's.
#[derive(Clone)]
pub(super) struct Own {
    function: Arc<Function>,
    is_convex: bool,
}

impl fmt::Debug for Own {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Own").field("is_convex", &self.is_convex).finish_non_exhaustive()
    }
}

impl Penalty {
    /// `strength KL(h | prior) = strength sum_i h_i ln(h_i / prior_i)`, in nats: a cost for the distance
    /// from a prior mixture. Every domain must have a weight above zero in the prior; `strength` is what
    /// a divergence of one nat costs, in nats of loss.
    #[must_use]
    pub fn kl(strength: f64, prior: &[(impl AsRef<str>, f64)]) -> Self {
        Self(Kind::Kl { strength, prior: named(prior) })
    }

    /// `strength JS^2`, where JS is [`Mixture::js_distance`] to the prior mixture; finite everywhere, so
    /// that domains may have a weight of zero in the prior.
    #[must_use]
    pub fn js(strength: f64, prior: &[(impl AsRef<str>, f64)]) -> Self {
        Self(Kind::Js { strength, prior: named(prior) })
    }

    /// A function of yours: its value in nats at the domain weights, in the order of
    /// [`Plan::domains`](super::Plan::domains). It writes its slopes in the weights, each taken with
    /// every weight free, into its second argument, which holds zeros before. Mixtures that are chosen
    /// with it are not certified.
    #[must_use]
    pub fn from_fn(function: impl Fn(&[f64], &mut [f64]) -> f64 + Send + Sync + 'static) -> Self {
        Self(Kind::Own(Own { function: Arc::new(function), is_convex: false }))
    }

    /// As [`Penalty::from_fn`], for a function that is convex on the simplex. If it is not, the
    /// certificates of mixtures that are chosen with it are wrong.
    #[must_use]
    pub fn from_convex_fn(
        function: impl Fn(&[f64], &mut [f64]) -> f64 + Send + Sync + 'static,
    ) -> Self {
        Self(Kind::Own(Own { function: Arc::new(function), is_convex: true }))
    }

    /// The penalty for a plan of these domains, checked.
    pub(super) fn resolve(&self, domains: &[String]) -> Result<Added, Error> {
        let (strength, prior) = match &self.0 {
            Kind::Own(own) => return Ok(Added::Own(own.clone())),
            Kind::Kl { strength, prior } | Kind::Js { strength, prior } => (*strength, prior),
        };
        if !(strength.is_finite() && strength >= 0.0) {
            let name = "the strength of a penalty";
            return Err(Error::setting(name, strength, "a finite number >= 0"));
        }
        let prior: Vec<(&str, f64)> = prior.iter().map(|(d, w)| (d.as_str(), *w)).collect();
        let prior = Mixture::from_named(domains, &prior)?;
        match (&self.0, prior.iter().position(|p| *p == 0.0)) {
            (Kind::Kl { .. }, Some(i)) => Err(Error::setting(
                format!("the prior weight of domain `{}`", domains[i]),
                0.0,
                "a weight > 0 (KL is infinite without; JS is not)",
            )),
            (Kind::Kl { .. }, None) => Ok(Added::Kl { strength, prior }),
            _ => Ok(Added::Js { strength, prior }),
        }
    }
}

fn named(prior: &[(impl AsRef<str>, f64)]) -> Vec<(String, f64)> {
    prior.iter().map(|(domain, weight)| (domain.as_ref().to_owned(), *weight)).collect()
}

/// A penalty with the weights of its prior in the order of the plan.
#[derive(Debug, Clone)]
pub(super) enum Added {
    Kl { strength: f64, prior: Mixture },
    Js { strength: f64, prior: Mixture },
    Own(Own),
}

impl Added {
    /// The penalty that this one was made of, for domains in the order of the plan.
    pub(super) fn to_penalty(&self, domains: &[String]) -> Penalty {
        let named = |prior: &Mixture| {
            domains.iter().cloned().zip(prior.iter().copied()).collect::<Vec<(String, f64)>>()
        };
        match self {
            Self::Kl { strength, prior } => Penalty::kl(*strength, &named(prior)),
            Self::Js { strength, prior } => Penalty::js(*strength, &named(prior)),
            Self::Own(own) => Penalty(Kind::Own(own.clone())),
        }
    }

    pub(super) fn is_convex(&self) -> bool {
        match self {
            Self::Kl { .. } | Self::Js { .. } => true,
            Self::Own(own) => own.is_convex,
        }
    }

    /// The value; adds `scale` times the gradient to `g`. `slopes` is a buffer of the length of h.
    pub(super) fn add_gradient(
        &self,
        h: &[f64],
        ln_h: &[f64],
        scale: f64,
        slopes: &mut [f64],
        g: &mut [f64],
    ) -> f64 {
        match self {
            Self::Own(own) => {
                slopes.fill(0.0);
                let value = (own.function)(h, slopes);
                g.iter_mut().zip(slopes).for_each(|(g, own)| *g += scale * *own);
                value
            }
            Self::Kl { strength, prior } => {
                let mut sum = 0.0;
                for i in 0..h.len() {
                    let ln_ratio = ln_h[i] - prior[i].ln();
                    sum += if h[i] > 0.0 { h[i] * ln_ratio } else { 0.0 };
                    g[i] += scale * strength * (ln_ratio + 1.0);
                }
                strength * sum
            }
            Self::Js { strength, prior } => {
                let mut sum = 0.0;
                for i in (0..h.len()).filter(|&i| h[i] + prior[i] > 0.0) {
                    let p = prior[i];
                    // ln(h / m) and ln(p / m), exact next to the prior too, where both vanish.
                    let apart = (h[i] - p) / (h[i] + p);
                    let [ln_h_ratio, ln_p_ratio] = [apart.ln_1p(), (-apart).ln_1p()];
                    let own = if h[i] > 0.0 { h[i] * ln_h_ratio } else { 0.0 };
                    sum += 0.5 * (own + if p > 0.0 { p * ln_p_ratio } else { 0.0 });
                    g[i] += 0.5 * scale * strength * ln_h_ratio;
                }
                strength * sum
            }
        }
    }

    /// Adds what its second derivatives are at least for all weights up to `upper`; false if nothing is
    /// known of them.
    pub(super) fn add_curvature(&self, upper: &[f64], diagonal: &mut [f64]) -> bool {
        if let Self::Kl { strength, .. } = self {
            diagonal.iter_mut().zip(upper).for_each(|(d, u)| *d += strength / u);
        }
        self.is_convex()
    }
}
