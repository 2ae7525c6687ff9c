//! Every law of the crate, for tests that say "every": there is no other list.
#![allow(dead_code, reason = "each includer uses its own part")]

use std::sync::Arc;

use mixlaw::Scale;
use mixlaw::law::{self, DataConstrainedLaw, FullLaw, JointLaw, ScalingLaw, SimpleLaw};

/// The unique tokens of the data-constrained law, here and in the reference values.
pub const UNIQUE: [f64; 7] = [6e9, 1e9, 4e10, 2e10, 2e8, 2e12, 1e10];

/// The names: those that the crate knows, and that of the law that needs more than names.
pub fn names() -> impl Iterator<Item = &'static str> {
    law::names().chain(["data-constrained"])
}

/// The law of this name, for the loss on domain `own` if it is one for a domain.
pub fn law(
    name: &str,
    domains: &[impl AsRef<str>],
    own: usize,
    scales: Scale,
) -> Arc<dyn ScalingLaw> {
    if name == "data-constrained" {
        let unique: Vec<_> = domains.iter().map(AsRef::as_ref).zip(UNIQUE).collect();
        return Arc::new(DataConstrainedLaw::new(domains, &unique, scales).unwrap());
    }
    law::named(name, domains, domains[own].as_ref(), scales).unwrap()
}

/// One of each name, and those that exist with positive gamma too.
pub fn every_law(
    domains: &[impl AsRef<str>],
    own: usize,
    scales: Scale,
) -> Vec<Arc<dyn ScalingLaw>> {
    let mut all: Vec<Arc<dyn ScalingLaw>> =
        names().map(|name| law(name, domains, own, scales)).collect();
    all.push(Arc::new(SimpleLaw::new(domains, scales).unwrap().positive_gamma()));
    all.push(Arc::new(JointLaw::new(domains, scales).unwrap().positive_gamma()));
    all.push(Arc::new(FullLaw::new(domains, scales).unwrap().positive_gamma()));
    all
}
