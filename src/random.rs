//! Random numbers for laws, objectives and optimizers, so that no other package's types are public.

use std::ops::Range;

use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, Exp1, StandardNormal};

/// A stream of random numbers, the same for the same seed on every platform.
///
/// ```
/// use mixlaw::Random;
///
/// let (mut a, mut b) = (Random::new(7), Random::new(7));
/// let x = a.uniform(1.0..2.0);
/// assert!((1.0..2.0).contains(&x) && x == b.uniform(1.0..2.0));
/// ```
#[derive(Debug, Clone)]
pub struct Random(Xoshiro256PlusPlus);

impl Random {
    /// The stream of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(Xoshiro256PlusPlus::seed_from_u64(seed))
    }

    /// A number between two finite ends, the upper one excluded.
    ///
    /// # Panics
    /// If the range is empty.
    pub fn uniform(&mut self, range: Range<f64>) -> f64 {
        self.0.random_range(range)
    }

    /// A number from 0 to 1, the latter excluded.
    pub fn unit(&mut self) -> f64 {
        self.0.random()
    }

    /// A whole number below `count`.
    ///
    /// # Panics
    /// If `count` is 0.
    pub fn below(&mut self, count: usize) -> usize {
        self.0.random_range(0..count)
    }

    /// A number of the normal distribution of mean 0 and variance 1.
    pub fn normal(&mut self) -> f64 {
        StandardNormal.sample(&mut self.0)
    }

    /// A number of the exponential distribution of mean 1.
    pub fn exponential(&mut self) -> f64 {
        Exp1.sample(&mut self.0)
    }

    /// Puts some items into a random order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        items.shuffle(&mut self.0);
    }
}
