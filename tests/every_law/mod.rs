//! Every law of the crate, for tests that say "every": the crate's own list, with settings for all.
#![allow(dead_code, reason = "each includer uses its own part")]

use std::sync::Arc;

use mixlaw::Scale;
use mixlaw::law::{self, LawSettings, ScalingLaw};

/// The unique tokens of the data-constrained law, here and in the reference values.
pub const UNIQUE: [f64; 7] = [6e9, 1e9, 4e10, 2e10, 2e8, 2e12, 1e10];

pub fn names() -> impl Iterator<Item = &'static str> {
    law::built_in().iter().map(|law| law.name())
}

/// Settings for all laws, for the loss on domain `own`.
fn settings(domains: &[impl AsRef<str>], own: usize) -> LawSettings {
    let unique: Vec<_> = domains.iter().map(AsRef::as_ref).zip(UNIQUE).collect();
    LawSettings::new().domain(domains[own].as_ref()).unique_tokens(&unique)
}

/// The law of this name, for the loss on domain `own` if it is one for a domain.
pub fn law(
    name: &str,
    domains: &[impl AsRef<str>],
    own: usize,
    scale: Scale,
) -> Arc<dyn ScalingLaw> {
    law::named(name).unwrap().build(domains, scale, &settings(domains, own)).unwrap()
}

/// One of each name, and those that exist with positive gamma too.
pub fn every_law(
    domains: &[impl AsRef<str>],
    own: usize,
    scale: Scale,
) -> Vec<Arc<dyn ScalingLaw>> {
    let positive = settings(domains, own).positive_gamma();
    let restricted =
        law::built_in().iter().map(|law| law.build(domains, scale, &positive).unwrap());
    let restricted = restricted.filter(|law| law.settings().positive_gamma);
    names().map(|name| law(name, domains, own, scale)).chain(restricted).collect()
}
