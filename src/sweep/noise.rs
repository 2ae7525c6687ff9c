//! The noise of runs, from repeats.

use std::collections::HashMap;

use super::groups::group;
use super::{Sweep, shape};
use crate::error::{Error, ErrorKind};
use crate::mixture::{self, SUM_TOLERANCE, agree};

/// Degrees of freedom from which on a mixture has a deviation of its own: four runs of it.
const ENOUGH: usize = 3;
/// The least variance whose logarithm counts, relative to the pooled one: repeats that are equal by rounding.
const LEAST: f64 = 1e-5;

/// How much the loss of one target differs between repeats: its standard deviation in nats, by mixture
/// where there are enough repeats. Made by [`Sweep::noise`].
///
/// *Pooled.* For each N and mixture c with repeats, the variance between the losses L of rows with the same
/// D, and its degrees of freedom:
///
/// ```text
/// s_c^2 = sum_D sum_r (L_Dr - mean_D)^2 / sum_D (r_D - 1)        f_c = max_D (r_D - 1)
/// s^2   = sum_c f_c s_c^2 / sum_c f_c
/// ```
///
/// for r_D repeats at D. Checkpoints of a run share its noise, so several D are not several times
/// as many degrees of freedom.
///
/// *By mixture.* The same sum over the sizes c of one mixture m gives its own s_m^2, with f_m degrees of
/// freedom. A mixture with fewer than 3 has the pooled deviation. The variances of the others are
/// shrunk to a common one:
///
/// ```text
/// v_m = (f_0 s_0^2 + f_m s_m^2) / (f_0 + f_m)
/// ```
///
/// where f_0 and s_0^2 follow from the mean and the variance of ln s_m^2 over these mixtures: the
/// empirical Bayes estimate of Smyth (2004, *Statistical Applications in Genetics and Molecular Biology*
/// 3(1), 3, section 6.2). Where the s_m^2 differ by no more than equal variances would by chance, f_0 is
/// infinite and all v_m are s^2, as they are where only one mixture has enough repeats and others have
/// some.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(try_from = "StoredNoise")
)]
pub struct Noise {
    target: String,
    domains: Vec<String>,
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
    pooled: f64,
    degrees_of_freedom: usize,
    mixtures: Vec<MixtureNoise>,
}

/// A [`Noise`] as it is in a file, not checked.
#[cfg(feature = "serde")]
#[derive(serde::Deserialize)]
#[serde(expecting = "the noise of a target")]
struct StoredNoise {
    target: String,
    domains: Vec<String>,
    #[serde(with = "crate::stored::number")]
    pooled: f64,
    degrees_of_freedom: usize,
    mixtures: Vec<MixtureNoise>,
}

#[cfg(feature = "serde")]
impl TryFrom<StoredNoise> for Noise {
    type Error = Error;

    fn try_from(stored: StoredNoise) -> Result<Self, Error> {
        let StoredNoise { target, domains, pooled, degrees_of_freedom, mixtures } = stored;
        let noise = Self { target, domains, pooled, degrees_of_freedom, mixtures };
        noise.check().map(|()| noise)
    }
}

/// The noise at one mixture that was repeated; see [`Noise`].
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct MixtureNoise {
    /// The domain weights, in the order of the domains of the sweep.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
    pub h: Vec<f64>,
    /// The degrees of freedom f_m of its own deviation.
    pub degrees_of_freedom: usize,
    /// The standard deviation s_m of its own repeats, in nats.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
    pub own: f64,
    /// The standard deviation that it is taken to have, in nats: the square root of v_m, or the pooled one.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
    pub deviation: f64,
    /// The degrees of freedom of that: f_0 + f_m, or those of the pooled one, which are the most.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
    pub shrunk_degrees_of_freedom: f64,
}

/// A variance and its degrees of freedom.
#[derive(Debug, Clone, Copy, Default)]
struct Variance {
    value: f64,
    freedom: usize,
}

impl Variance {
    /// The mean of several, each counting by its degrees of freedom.
    fn pooled(of: &[Variance]) -> Self {
        let freedom = of.iter().map(|v| v.freedom).sum();
        let sum: f64 = of.iter().map(|v| v.freedom as f64 * v.value).sum();
        Self { value: sum / freedom as f64, freedom }
    }
}

impl Sweep {
    /// The noise of a target, from rows that are repeats. To call this is to say that they are: all rows
    /// with the same N, D and mixture (within 1e-6) that have a loss of the target, whatever their runs
    /// and splits. [Select](Sweep::select) other rows away before, and those runs of one mixture that
    /// differ in more than their seed.
    ///
    /// Repeats of runs, each with a [name](super::SweepBuilder::runs) of its own, give the noise of a
    /// run. [Repeated measurements](super::SweepBuilder::repeated_measurements) of one run give that of a
    /// measurement, which is less; do not mix the two.
    ///
    /// # Errors
    /// [`ErrorKind::Unknown`] if the sweep has no such target, [`ErrorKind::NoLosses`] if no row has a loss
    /// of it, [`ErrorKind::Empty`] if no two rows are repeats, and [`ErrorKind::Setting`] if all repeats are
    /// equal.
    ///
    /// ```
    /// use mixlaw::Sweep;
    ///
    /// // Three seeds of one mixture and two of another.
    /// let h = [0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.1, 0.9, 0.1, 0.9];
    /// let losses = [3.00, 3.01, 3.02, 3.20, 3.24];
    /// let sweep = Sweep::builder(&["web", "code"], &["web"])
    ///     .runs(&["a0", "a1", "a2", "b0", "b1"])
    ///     .build(&[1e8; 5], &[2e9; 5], &h, &losses)?;
    /// let noise = sweep.noise("web")?;
    /// // Squares about the means: 0.01^2 + 0 + 0.01^2 and 0.02^2 + 0.02^2, with 2 + 1 degrees of freedom.
    /// assert_eq!(noise.degrees_of_freedom(), 3);
    /// assert!((noise.pooled() - f64::sqrt(0.001 / 3.0)).abs() < 1e-12);
    /// // Too few for a deviation of their own.
    /// assert_eq!(noise.at([0.1, 0.9])?, noise.pooled());
    /// # Ok::<(), mixlaw::Error>(())
    /// ```
    pub fn noise(&self, target: &str) -> Result<Noise, Error> {
        let sweep = self.measured(target)?;
        let numbers = sweep.mixture_numbers();
        let by_mixture = variances(&sweep, &numbers, &sweep.losses_or_nan(target)?);
        if by_mixture.is_empty() {
            let part = "pair of rows with the same N, D and mixture";
            return Err(ErrorKind::Empty { what: "the noise of repeats", part }.into());
        }
        let all: Vec<Variance> = by_mixture.iter().flat_map(|(_, v)| v).copied().collect();
        let pooled = Variance::pooled(&all);
        if !(pooled.value.is_finite() && pooled.value > 0.0) {
            let name = format!("the variance of repeats of `{target}`");
            return Err(Error::setting(name, pooled.value, "a finite number > 0"));
        }
        let own: Vec<Variance> = by_mixture.iter().map(|(_, v)| Variance::pooled(v)).collect();
        let rows = by_mixture.iter().map(|(row, _)| row).zip(&own);
        let mixtures = rows.zip(shrunk(pooled, &own));
        let mixtures = mixtures.map(|((&row, own), (variance, freedom))| MixtureNoise {
            h: sweep.h(row).to_vec(),
            degrees_of_freedom: own.freedom,
            own: own.value.sqrt(),
            deviation: variance.sqrt(),
            shrunk_degrees_of_freedom: freedom,
        });
        Ok(Noise {
            target: target.to_owned(),
            domains: sweep.domains.clone(),
            pooled: pooled.value.sqrt(),
            degrees_of_freedom: pooled.freedom,
            mixtures: mixtures.collect(),
        })
    }
}

/// The variances of the sizes of each mixture that has repeats, with the first row of the mixture, in order
/// of appearance.
fn variances(sweep: &Sweep, mixtures: &[usize], losses: &[f64]) -> Vec<(usize, Vec<Variance>)> {
    let (_, cells) =
        group(&mixtures.iter().zip(&sweep.n).map(|(m, n)| (*m, n.to_bits())).collect::<Vec<_>>());
    let mut places = HashMap::new();
    let mut all: Vec<(usize, Vec<Variance>)> = Vec::new();
    for rows in cells {
        let Some(variance) = variance(&rows, &sweep.d, losses) else { continue };
        let place = *places.entry(mixtures[rows[0]]).or_insert_with(|| {
            all.push((rows[0], Vec::new()));
            all.len() - 1
        });
        all[place].1.push(variance);
    }
    all
}

/// The variance between rows of one N and mixture that have the same D, if there are any.
fn variance(rows: &[usize], d: &[f64], losses: &[f64]) -> Option<Variance> {
    let (_, groups) = group(&rows.iter().map(|&i| d[i].to_bits()).collect::<Vec<_>>());
    let free = |group: &Vec<usize>| group.len() - 1;
    let freedom = groups.iter().map(free).max().filter(|freedom| *freedom > 0)?;
    let of =
        |group: &Vec<usize>| squares(&group.iter().map(|&i| losses[rows[i]]).collect::<Vec<_>>());
    let sum: f64 = groups.iter().map(of).sum();
    Some(Variance { value: sum / groups.iter().map(free).sum::<usize>() as f64, freedom })
}

/// The sum of squares about the mean.
fn squares(values: &[f64]) -> f64 {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    values.iter().map(|value| (value - mean).powi(2)).sum()
}

/// The variance that each mixture is taken to have, and its degrees of freedom.
fn shrunk(pooled: Variance, own: &[Variance]) -> Vec<(f64, f64)> {
    let enough: Vec<Variance> = own.iter().filter(|v| v.freedom >= ENOUGH).copied().collect();
    let (prior, common) = match enough.len() {
        0 | 1 => (f64::INFINITY, pooled.value),
        _ => common(pooled.value, &enough),
    };
    let most = pooled.freedom as f64;
    let one = |v: &Variance| {
        let f = v.freedom as f64;
        match v.freedom >= ENOUGH && prior.is_finite() {
            true => ((prior * common + f * v.value) / (prior + f), most.min(prior + f)),
            false => (pooled.value, most),
        }
    };
    own.iter().map(one).collect()
}

/// The degrees of freedom f_0 and the variance s_0^2 of what several variances are shrunk to, by moments
/// of their logarithms; infinite and the pooled one where these differ as equal variances would.
fn common(pooled: f64, own: &[Variance]) -> (f64, f64) {
    let half = |v: &Variance| 0.5 * v.freedom as f64;
    let log = |v: &Variance| v.value.max(LEAST * pooled).ln() - digamma(half(v)) + half(v).ln();
    let logs: Vec<f64> = own.iter().map(log).collect();
    let count = own.len() as f64;
    let mean = logs.iter().sum::<f64>() / count;
    let by_chance = own.iter().map(|v| trigamma(half(v))).sum::<f64>() / count;
    let excess = squares(&logs) / (count - 1.0) - by_chance;
    if excess <= 0.0 {
        return (f64::INFINITY, pooled);
    }
    let half = inverse_trigamma(excess);
    (2.0 * half, (mean + digamma(half) - half.ln()).exp())
}

/// The derivative of ln Gamma at x > 0, by its recurrence and its asymptotic series (Abramowitz and
/// Stegun, 6.3.5 and 6.3.18).
fn digamma(mut x: f64) -> f64 {
    let mut sum = 0.0;
    while x < 20.0 {
        sum -= 1.0 / x;
        x += 1.0;
    }
    let y = 1.0 / (x * x);
    let series = y * (1.0 / 12.0 - y * (1.0 / 120.0 - y * (1.0 / 252.0 - y / 240.0)));
    sum + x.ln() - 0.5 / x - series
}

/// The derivative of [`digamma`] (6.4.6 and 6.4.12).
fn trigamma(mut x: f64) -> f64 {
    let mut sum = 0.0;
    while x < 20.0 {
        sum += 1.0 / (x * x);
        x += 1.0;
    }
    let y = 1.0 / (x * x);
    let series = y * (1.0 / 6.0 - y * (1.0 / 30.0 - y * (1.0 / 42.0 - y / 30.0)));
    sum + (1.0 + series) / x + 0.5 * y
}

/// Where [`trigamma`], which falls, has this value; within 1e-6 to 1e6.
fn inverse_trigamma(value: f64) -> f64 {
    let (mut low, mut high) = (1e-6f64.ln(), 1e6f64.ln());
    for _ in 0..100 {
        let middle = 0.5 * (low + high);
        if trigamma(middle.exp()) > value { low = middle } else { high = middle }
    }
    (0.5 * (low + high)).exp()
}

impl Noise {
    /// The target.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The names of the domains, in the order of every h.
    #[must_use]
    pub fn domains(&self) -> &[String] {
        &self.domains
    }

    /// The pooled standard deviation s of all repeats, in nats.
    #[must_use]
    pub fn pooled(&self) -> f64 {
        self.pooled
    }

    /// The degrees of freedom of the pooled deviation.
    #[must_use]
    pub fn degrees_of_freedom(&self) -> usize {
        self.degrees_of_freedom
    }

    /// The mixtures that were repeated, in order of appearance.
    #[must_use]
    pub fn mixtures(&self) -> &[MixtureNoise] {
        &self.mixtures
    }

    /// The standard deviation of a run of domain weights h, in nats: that of the first of
    /// [`Noise::mixtures`] whose weights agree with h within 1e-6, the pooled one if there is none.
    ///
    /// # Errors
    /// If h is not a mixture of [`Noise::domains`].
    pub fn at(&self, h: impl AsRef<[f64]>) -> Result<f64, Error> {
        let h = h.as_ref();
        shape("h", h.len(), self.domains.len())?;
        mixture::validate(h)?;
        Ok(self.deviation(h))
    }

    /// [`Noise::at`], of weights that are known to be a mixture of the domains.
    pub(crate) fn deviation(&self, h: &[f64]) -> f64 {
        self.of(h).map_or(self.pooled, |m| m.deviation)
    }

    fn of(&self, h: &[f64]) -> Option<&MixtureNoise> {
        let same = |m: &&MixtureNoise| m.h.iter().zip(h).all(|(a, b)| agree(*a, *b, SUM_TOLERANCE));
        self.mixtures.iter().find(same)
    }

    /// What the deviation at h is to be multiplied by so that `u` of a normal distribution becomes the same
    /// quantile of Student's t: the deviation is an estimate. By the expansion of Abramowitz and Stegun
    /// (26.7.5), beyond 3 as at 3. It is within 1% from 3 degrees of freedom on, and 12% too small for one
    /// pair of repeats.
    pub(crate) fn widening(&self, h: &[f64], u: f64) -> f64 {
        let pooled = self.degrees_of_freedom as f64;
        let f = self.of(h).map_or(pooled, |m| m.shrunk_degrees_of_freedom);
        let z = (u * u).min(9.0);
        let first = (z + 1.0) / 4.0;
        let second = ((5.0 * z + 16.0) * z + 3.0) / 96.0;
        let third = (((3.0 * z + 19.0) * z + 17.0) * z - 15.0) / 384.0;
        1.0 + (first + (second + third / f) / f) / f
    }

    /// Checks that it is that of a target.
    pub(crate) fn of_target(&self, target: &str) -> Result<&Self, Error> {
        if self.target == target {
            return Ok(self);
        }
        let what = "the targets of the noise and of what it is used for";
        let (first, other) = (vec![self.target.clone()], vec![target.to_owned()]);
        Err(ErrorKind::Mismatch { what, first, other }.into())
    }

    /// The same with h in the order of these domains.
    pub(crate) fn for_domains(&self, domains: &[String]) -> Result<Noise, Error> {
        let place = |domain: &String| self.domains.iter().position(|own| own == domain);
        let order: Option<Vec<usize>> = domains.iter().map(place).collect();
        let Some(order) = order.filter(|order| order.len() == self.domains.len()) else {
            let (first, other) = (self.domains.clone(), domains.to_vec());
            let what = "the domains of the noise and of what it is used for";
            return Err(ErrorKind::Mismatch { what, first, other }.into());
        };
        let mut noise = Self { domains: domains.to_vec(), ..self.clone() };
        for mixture in &mut noise.mixtures {
            mixture.h = order.iter().map(|&i| mixture.h[i]).collect();
        }
        Ok(noise)
    }

    /// Checks what was read.
    #[cfg(feature = "serde")]
    pub(crate) fn check(&self) -> Result<(), Error> {
        let fault = |what: &str, found: f64| {
            let (what, expected) = (what.to_owned(), "a finite number > 0".to_owned());
            Err(ErrorKind::Stored { what, found: found.to_string(), expected }.into())
        };
        let is_valid = |deviation: f64| deviation.is_finite() && deviation > 0.0;
        if !is_valid(self.pooled) {
            return fault("the pooled deviation of repeats is", self.pooled);
        }
        if self.degrees_of_freedom == 0 {
            return fault("the degrees of freedom of repeats are", 0.0);
        }
        for mixture in &self.mixtures {
            if !is_valid(mixture.deviation) {
                return fault("the deviation of a mixture's repeats is", mixture.deviation);
            }
            let freedom = mixture.shrunk_degrees_of_freedom;
            if !(freedom.is_finite() && freedom >= 1.0) {
                let what = "the degrees of freedom of a mixture's noise are".to_owned();
                let expected = "a finite number >= 1".to_owned();
                let found = freedom.to_string();
                return Err(ErrorKind::Stored { what, found, expected }.into());
            }
            shape("the weights of a mixture with repeats", mixture.h.len(), self.domains.len())?;
            mixture::validate(&mixture.h)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use approx::assert_relative_eq;

    use super::*;

    #[test]
    fn quantiles_become_those_of_student() {
        // The normal and Student's t at 0.95 and 0.975, from tables.
        let noise = |degrees_of_freedom| Noise {
            target: "t".to_owned(),
            domains: vec!["a".to_owned()],
            pooled: 1.0,
            degrees_of_freedom,
            mixtures: Vec::new(),
        };
        for (f, at_95, at_975) in [(3, 2.3534, 3.1824), (5, 2.0150, 2.5706), (20, 1.7247, 2.0860)] {
            for (u, t) in [(1.6449, at_95), (1.9600, at_975)] {
                assert_relative_eq!(u * noise(f).widening(&[1.0], u), t, max_relative = 0.01);
            }
        }
    }

    #[test]
    fn functions_of_gamma_have_their_closed_forms() {
        let euler = 0.577_215_664_901_532_9;
        assert_relative_eq!(digamma(1.0), -euler, max_relative = 1e-12);
        let half = -euler - 2.0 * 2f64.ln();
        assert_relative_eq!(digamma(0.5), half, max_relative = 1e-12);
        assert_relative_eq!(digamma(2.5), half + 2.0 + 2.0 / 3.0, max_relative = 1e-12);
        assert_relative_eq!(trigamma(1.0), PI * PI / 6.0, max_relative = 1e-12);
        let half = PI * PI / 2.0;
        assert_relative_eq!(trigamma(0.5), half, max_relative = 1e-12);
        assert_relative_eq!(trigamma(2.5), half - 4.0 - 4.0 / 9.0, max_relative = 1e-12);
        for x in [0.01, 0.3, 2.0, 40.0, 1e4] {
            assert_relative_eq!(inverse_trigamma(trigamma(x)), x, max_relative = 1e-9);
        }
    }
}
