//! Where random numbers come from: every kind of draw has a stream of its own, and only this module makes
//! one from a seed.

use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;

use crate::random::Random;

/// What is drawn. Two kinds have different streams for the same seed and index.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    /// The own draws of a call under a [`Control`](crate::optim::Control).
    Own = 1,
    /// The seed of a call within another one.
    Inner,
    /// A resample of a bootstrap.
    Resample,
    /// Another start of a probe.
    Restart,
    /// A split of a sweep.
    Split,
    /// The folds of a selection.
    Folds,
    /// The seed of a split of a selection or a learning curve.
    Part,
    /// The mixtures of a synthetic sweep, and the candidates of a design.
    Design,
    /// The noise of a synthetic sweep.
    Noise,
    /// What a member of a bootstrap believes.
    Belief,
}

/// The stream of drawn mixtures, the only one that is the seed's own: designs stay as they are.
pub(crate) fn of_mixtures(seed: u64) -> Xoshiro256PlusPlus {
    Xoshiro256PlusPlus::seed_from_u64(seed)
}

/// The `index`-th seed of a kind.
pub(crate) fn seed(seed: u64, kind: Kind, index: u64) -> u64 {
    mixed(mixed(seed, kind as u64), index)
}

/// A seed for a name: other names have other ones.
pub(crate) fn seed_of_name(seed: u64, name: &str) -> u64 {
    // FNV-1a.
    let add = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
    mixed(seed, name.bytes().fold(0xCBF2_9CE4_8422_2325, add))
}

/// The `index`-th stream of a kind.
pub(crate) fn stream(base: u64, kind: Kind, index: u64) -> Random {
    Random::new(seed(base, kind, index))
}

/// For one seed, different indices give different numbers. The seed is scrambled first: those that
/// people take are close together.
fn mixed(seed: u64, index: u64) -> u64 {
    scrambled(scrambled(seed).wrapping_add(index.wrapping_add(1).wrapping_mul(GOLDEN)))
}

/// 2^64 over the golden ratio.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// The finalizer of SplitMix64, which is one to one.
fn scrambled(x: u64) -> u64 {
    let x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_streams_are_the_same() {
        use Kind::{Belief, Design, Folds, Inner, Noise, Own, Part, Resample, Restart, Split};
        let mut all = HashSet::new();
        let mut count = 0;
        for base in (0..20).chain([u64::MAX, 1 << 63, GOLDEN, GOLDEN.wrapping_mul(2)]) {
            // That of mixtures.
            all.insert(base);
            count += 1;
            for kind in [Own, Inner, Resample, Restart, Split, Folds, Part, Design, Noise, Belief] {
                for index in (0..200).chain([u64::MAX]) {
                    all.insert(seed(base, kind, index));
                    // And so on within the calls of a call.
                    all.insert(seed(seed(base, Inner, index), kind, 0));
                    count += 2;
                }
            }
        }
        assert_eq!(all.len(), count);
    }
}
