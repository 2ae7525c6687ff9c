//! A loss that is a function of the caller's, as a law without coordinates.

use std::fmt;
use std::sync::Arc;

use super::mixture_function::AtScale;
use super::sealed::Token;
use super::{Coordinates, Dependence, Gradient, MixtureFunction, ScalingLaw, check_domains};
use crate::error::Error;
use crate::scale::Scale;

/// The loss at a scale and a mixture, with its slopes in the domain weights.
type Loss = dyn Fn(Scale, &[f64], &mut [f64]) -> f64 + Send + Sync;

/// See [`Predictor::from_fn`](crate::Predictor::from_fn).
#[derive(Clone)]
pub(crate) struct FromFn {
    name: String,
    domains: Vec<String>,
    coordinates: Coordinates,
    loss: Arc<Loss>,
    is_convex: bool,
}

impl FromFn {
    pub(crate) fn new(
        name: &str,
        domains: &[impl AsRef<str>],
        loss: impl Fn(Scale, &[f64], &mut [f64]) -> f64 + Send + Sync + 'static,
        is_convex: bool,
    ) -> Result<Self, Error> {
        let coordinates = Coordinates::new(Vec::new(), Scale::ONE)?;
        let (name, domains) = (name.to_owned(), check_domains(domains)?);
        Ok(Self { name, domains, coordinates, loss: Arc::new(loss), is_convex })
    }
}

impl fmt::Debug for FromFn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FromFn").field("name", &self.name).finish_non_exhaustive()
    }
}

impl ScalingLaw for FromFn {
    fn name(&self) -> &str {
        &self.name
    }

    fn domains(&self) -> &[String] {
        &self.domains
    }

    fn coordinates(&self) -> &Coordinates {
        &self.coordinates
    }

    fn loss(&self, _: &[f64], at: Scale, h: &[f64]) -> f64 {
        (self.loss)(at, h, &mut vec![0.0; h.len()])
    }

    fn gradient(&self, _: &[f64], at: Scale, h: &[f64], out: &mut Gradient) -> f64 {
        // Nobody asks a law without coordinates how it changes with the scale.
        (out.log_n, out.log_d) = (f64::NAN, f64::NAN);
        out.h.fill(0.0);
        (self.loss)(at, h, &mut out.h)
    }

    fn formula(&self, _: &[f64]) -> String {
        self.name.clone()
    }

    fn dependence(&self) -> Dependence {
        Dependence { n: true, d: true, h: true }
    }

    fn at_scale<'a>(&'a self, z: &'a [f64], at: Scale, _: Token) -> Box<dyn MixtureFunction + 'a> {
        let gradient = Gradient::new(self);
        Box::new(AtScale { law: self, z, at, gradient, convex: self.is_convex })
    }
}
