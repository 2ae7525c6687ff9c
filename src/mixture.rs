//! Mixtures: validated points of the simplex, and designs for the runs to launch.

use std::collections::HashMap;
use std::fmt;
use std::ops::Deref;

use approx::{AbsDiffEq, RelativeEq};
use rand_distr::{Distribution, Gamma, Open01};

use crate::error::{Error, ErrorKind};
use crate::streams;

/// By how much the sum of domain weights may be off one.
pub(crate) const SUM_TOLERANCE: f64 = 1e-6;

/// A design may have so many weights in all, 0.4 GB of them.
const MOST_WEIGHTS: f64 = 5e7;

/// Domain weights h: a point of the simplex, `h_i >= 0`, `sum_i h_i = 1`.
///
/// The weights are kept as they were given, to the bit; a sum within 1e-6 of one is accepted and
/// not renormalised. A mixture derefs to its weights.
///
/// ```
/// use mixlaw::Mixture;
///
/// let h = Mixture::new(vec![0.5, 0.3, 0.2])?;
/// assert_eq!(h[1], 0.3);
/// assert!(Mixture::new(vec![0.5, 0.4]).is_err());
/// # Ok::<(), mixlaw::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(try_from = "Vec<f64>", into = "Vec<f64>")
)]
pub struct Mixture {
    weights: Vec<f64>,
}

/// Checks that `weights` is a point of the simplex.
pub(crate) fn validate(weights: &[f64]) -> Result<(), Error> {
    if weights.is_empty() {
        return Err(no_domain("a mixture"));
    }
    for (index, &value) in weights.iter().enumerate() {
        if !value.is_finite() || value < 0.0 {
            return Err(ErrorKind::Weight { index, value }.into());
        }
    }
    let sum: f64 = weights.iter().sum();
    // The sum of k rounded weights is itself off by a few units in the last place.
    if (sum - 1.0).abs() > SUM_TOLERANCE * (1.0 + 1e-9) {
        return Err(
            ErrorKind::WeightSum { sum, tolerance: SUM_TOLERANCE, ignored: Vec::new() }.into()
        );
    }
    Ok(())
}

fn no_domain(what: &'static str) -> Error {
    ErrorKind::Empty { what, part: "domain" }.into()
}

/// Whether two domain weights are the same one, written with other digits. Zero is the same only as
/// zero: a law may be infinite there.
pub(crate) fn agree(a: f64, b: f64, tolerance: f64) -> bool {
    (a == 0.0) == (b == 0.0) && (a - b).abs() <= tolerance * (1.0 + 1e-9)
}

/// The Jensen-Shannon distance of two mixtures, from the pairs of their weights.
pub(crate) fn js_distance(pairs: impl Iterator<Item = (f64, f64)>) -> f64 {
    let half = |h: f64, m: f64| if h > 0.0 { h * (h / m).ln() } else { 0.0 };
    let of_pair = |(a, b): (f64, f64)| {
        let m = 0.5 * (a + b);
        half(a, m) + half(b, m)
    };
    (0.5 * pairs.map(of_pair).sum::<f64>().max(0.0)).sqrt()
}

impl Mixture {
    /// A mixture with these weights, in the order of the domains.
    ///
    /// # Errors
    /// [`ErrorKind::Empty`] if there are none, [`ErrorKind::Weight`] if one is negative or not finite,
    /// and [`ErrorKind::WeightSum`] if they do not sum to one within 1e-6.
    pub fn new(weights: impl Into<Vec<f64>>) -> Result<Self, Error> {
        let weights = weights.into();
        validate(&weights)?;
        Ok(Self { weights })
    }

    /// A mixture from named weights in any order, put into the order of `domains`.
    ///
    /// # Errors
    /// [`ErrorKind::Unknown`], [`ErrorKind::Repeated`] or [`ErrorKind::Missing`] unless every domain is
    /// named exactly once, and those of [`Mixture::new`].
    ///
    /// ```
    /// use mixlaw::Mixture;
    ///
    /// let domains = ["web", "code"].map(String::from);
    /// let h = Mixture::from_named(&domains, &[("code", 0.25), ("web", 0.75)])?;
    /// assert_eq!(h.weights(), [0.75, 0.25]);
    /// # Ok::<(), mixlaw::Error>(())
    /// ```
    pub fn from_named(domains: &[impl AsRef<str>], named: &[(&str, f64)]) -> Result<Self, Error> {
        let kind = "domain";
        let mut found: HashMap<&str, Option<f64>> =
            domains.iter().map(|domain| (domain.as_ref(), None)).collect();
        for &(name, weight) in named {
            let place = found.get_mut(name).ok_or_else(|| ErrorKind::Unknown {
                kind,
                name: name.to_owned(),
                known: domains.iter().map(|name| name.as_ref().to_owned()).collect(),
            })?;
            if place.replace(weight).is_some() {
                let name = name.to_owned();
                return Err(ErrorKind::Repeated { kind, name, group: None }.into());
            }
        }
        let weight = |domain: &str| {
            found[domain].ok_or_else(|| ErrorKind::Missing {
                kind,
                name: domain.to_owned(),
                found: named.iter().map(|(name, _)| (*name).to_owned()).collect(),
            })
        };
        let weights: Result<Vec<f64>, _> = domains.iter().map(|d| weight(d.as_ref())).collect();
        Self::new(weights?)
    }

    /// The mixture with weight 1/k for each of `k` domains.
    ///
    /// # Panics
    /// If `k` is 0.
    #[must_use]
    pub fn uniform(k: usize) -> Self {
        assert!(k > 0, "a mixture needs at least one domain");
        Self { weights: vec![1.0 / k as f64; k] }
    }

    /// The corner of the simplex of `k` domains that trains on domain `i` alone.
    ///
    /// # Panics
    /// If `i >= k`.
    #[must_use]
    pub fn corner(k: usize, i: usize) -> Self {
        assert!(i < k, "there is no domain {i} among {k}");
        let mut weights = vec![0.0; k];
        weights[i] = 1.0;
        Self { weights }
    }

    /// The domain weights h.
    #[must_use]
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// The mixture with the names of its domains, for people to read: `web 0.7500, code 0.2500`, with as
    /// many digits as the format asks for.
    ///
    /// # Panics
    /// If there are not as many names as weights.
    #[must_use]
    pub fn named<'a>(&'a self, domains: &'a [String]) -> impl fmt::Display + 'a {
        assert_eq!(domains.len(), self.len(), "one name for each domain weight");
        NamedMixture { weights: &self.weights, domains }
    }

    /// The Jensen-Shannon distance `sqrt((KL(h|m) + KL(g|m)) / 2)` with `m = (h + g) / 2`
    /// (appendix D.1), between 0 and `sqrt(ln 2)`.
    ///
    /// # Panics
    /// If the mixtures have different numbers of domains.
    ///
    /// ```
    /// use mixlaw::Mixture;
    ///
    /// let apart = Mixture::corner(3, 0).js_distance(&Mixture::corner(3, 1));
    /// assert!((apart - 2f64.ln().sqrt()).abs() < 1e-15);
    /// ```
    #[must_use]
    pub fn js_distance(&self, other: impl AsRef<[f64]>) -> f64 {
        let other = other.as_ref();
        assert_eq!(self.len(), other.len(), "mixtures of the same domains");
        js_distance(self.iter().copied().zip(other.iter().copied()))
    }

    /// The evenly spaced grid of the paper (sec. 2.3): all mixtures of `k` domains whose weights are
    /// `min + j (1 - k min) / steps` with whole numbers `j >= 0`, in lexicographic order.
    ///
    /// There are `(steps + k - 1)! / (steps! (k - 1)!)` of them.
    ///
    /// # Errors
    /// [`ErrorKind::Empty`] if `k` is 0, and [`ErrorKind::Setting`] if `steps` is, `min` is not in
    /// `[0, 1/k)`, or the grid would have more than 50 million weights: its points times `k`. For many
    /// domains [`Mixture::dirichlet`] draws as few mixtures as you like.
    ///
    /// ```
    /// use mixlaw::Mixture;
    ///
    /// let grid = Mixture::grid(3, 2, 0.1)?;
    /// assert_eq!(grid.len(), 6);
    /// assert!(grid.iter().all(|h| h.iter().all(|&w| w >= 0.1)));
    /// # Ok::<(), mixlaw::Error>(())
    /// ```
    pub fn grid(k: usize, steps: usize, min: f64) -> Result<Vec<Mixture>, Error> {
        if k == 0 {
            return Err(no_domain("a grid of mixtures"));
        }
        if steps == 0 {
            return Err(Error::setting("the number of steps of a grid", 0.0, "at least 1"));
        }
        if !(min >= 0.0 && min * (k as f64) < 1.0) {
            let name = format!("the least weight of a grid over {k} domains");
            let expected = "a number >= 0 and below 1 over the number of domains";
            return Err(Error::setting(name, min, expected));
        }
        let what = format!("a grid of {steps} steps over {k} domains");
        check_size(&what, grid_points(k, steps), k)?;
        let step = (1.0 - k as f64 * min) / steps as f64;
        let mut counts = vec![0; k];
        let mut out = Vec::new();
        compositions(steps, 0, &mut counts, &mut |counts| {
            out.push(Mixture { weights: counts.iter().map(|&c| min + c as f64 * step).collect() });
        });
        Ok(out)
    }

    /// `count` independent draws from the Dirichlet distribution with these concentrations, one for
    /// each domain; all ones is uniform over the simplex. The same seed gives the same draws.
    ///
    /// # Errors
    /// [`ErrorKind::Empty`] if there are no concentrations, [`ErrorKind::Setting`] if one is not a
    /// number from 1e-100 to 1e100, or the draws would have more than 50 million weights.
    ///
    /// ```
    /// use mixlaw::Mixture;
    ///
    /// let design = Mixture::dirichlet(&[1.0; 4], 10, 7)?;
    /// assert_eq!(design, Mixture::dirichlet(&[1.0; 4], 10, 7)?);
    /// # Ok::<(), mixlaw::Error>(())
    /// ```
    pub fn dirichlet(
        concentration: &[f64],
        count: usize,
        seed: u64,
    ) -> Result<Vec<Mixture>, Error> {
        if concentration.is_empty() {
            return Err(no_domain("a Dirichlet design"));
        }
        for (i, &a) in concentration.iter().enumerate() {
            if !(1e-100..=1e100).contains(&a) {
                let name = format!("Dirichlet concentration {i}");
                return Err(Error::setting(name, a, "a number from 1e-100 to 1e100"));
            }
        }
        check_size("a Dirichlet design", count as f64, concentration.len())?;
        let mut rng = streams::of_mixtures(seed);
        // The logarithm of a Gamma(a) draw: that of Gamma(a + 1) times U^(1/a), which for a tiny a is
        // a number where the draw itself underflows.
        let mut ln_gamma = |a: f64| {
            let gamma = Gamma::new(a + 1.0, 1.0).expect("a positive shape");
            let uniform: f64 = Open01.sample(&mut rng);
            gamma.sample(&mut rng).ln() + uniform.ln() / a
        };
        Ok((0..count)
            .map(|_| {
                let ln: Vec<f64> = concentration.iter().map(|&a| ln_gamma(a)).collect();
                let top = ln.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let draws: Vec<f64> = ln.iter().map(|l| (l - top).exp()).collect();
                let sum: f64 = draws.iter().sum();
                Mixture { weights: draws.iter().map(|x| x / sum).collect() }
            })
            .collect())
    }
}

/// Checks that a design of so many mixtures of `k` domains fits into memory.
fn check_size(what: &str, points: f64, k: usize) -> Result<(), Error> {
    if points * k as f64 <= MOST_WEIGHTS {
        return Ok(());
    }
    let name = format!("the number of weights of {what}");
    Err(Error::setting(name, points * k as f64, "at most 5e7"))
}

/// How many points a grid has, as the nearest float; infinite above its range.
fn grid_points(k: usize, steps: usize) -> f64 {
    let all = steps as f64 + (k - 1) as f64;
    let mut points = 1.0;
    // Each factor makes it more, and every product is a whole number.
    for i in 0..steps.min(k - 1) {
        points = points * (all - i as f64) / (i + 1) as f64;
        if points.is_infinite() {
            break;
        }
    }
    points
}

/// Calls `visit` with every way to split `left` into the entries of `counts[at..]`.
fn compositions(left: usize, at: usize, counts: &mut [usize], visit: &mut impl FnMut(&[usize])) {
    if at + 1 == counts.len() {
        counts[at] = left;
        visit(counts);
        return;
    }
    for c in 0..=left {
        counts[at] = c;
        compositions(left - c, at + 1, counts, visit);
    }
}

impl Deref for Mixture {
    type Target = [f64];

    fn deref(&self) -> &[f64] {
        &self.weights
    }
}

impl AsRef<[f64]> for Mixture {
    fn as_ref(&self) -> &[f64] {
        &self.weights
    }
}

impl TryFrom<Vec<f64>> for Mixture {
    type Error = Error;

    fn try_from(weights: Vec<f64>) -> Result<Self, Error> {
        Self::new(weights)
    }
}

impl From<Mixture> for Vec<f64> {
    fn from(mixture: Mixture) -> Self {
        mixture.weights
    }
}

impl AbsDiffEq for Mixture {
    type Epsilon = f64;

    fn default_epsilon() -> f64 {
        f64::default_epsilon()
    }

    fn abs_diff_eq(&self, other: &Self, epsilon: f64) -> bool {
        self.weights.as_slice().abs_diff_eq(other.weights.as_slice(), epsilon)
    }
}

impl RelativeEq for Mixture {
    fn default_max_relative() -> f64 {
        f64::default_max_relative()
    }

    fn relative_eq(&self, other: &Self, epsilon: f64, max_relative: f64) -> bool {
        self.weights.as_slice().relative_eq(other.weights.as_slice(), epsilon, max_relative)
    }
}

/// A mixture that prints with the names of its domains.
struct NamedMixture<'a> {
    weights: &'a [f64],
    domains: &'a [String],
}

impl fmt::Display for NamedMixture<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = f.precision().unwrap_or(4);
        for (i, (name, weight)) in self.domains.iter().zip(self.weights).enumerate() {
            let comma = if i == 0 { "" } else { ", " };
            write!(f, "{comma}{name} {weight:.digits$}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::{assert_abs_diff_eq, assert_relative_eq};

    #[test]
    fn weights_off_the_simplex_are_refused() {
        let refused = |weights: &[f64]| Mixture::new(weights).unwrap_err().to_string();
        assert_eq!(refused(&[]), "a mixture needs at least one domain, got none");
        let weight = "domain weight 1 is -0.1, expected a finite number >= 0";
        assert_eq!(refused(&[1.1, -0.1]), weight);
        assert!(refused(&[f64::NAN, 1.0]).starts_with("domain weight 0 is NaN"));
        assert_eq!(refused(&[0.5, 0.4]), "the domain weights sum to 0.9, expected 1 (within 1e-6)");
        assert!(Mixture::new(vec![0.5, 0.5 + 2e-6]).is_err());
        let kept = Mixture::new(vec![0.5, 0.5 + 0.9e-6]).unwrap();
        assert_eq!(kept[1], 0.5 + 0.9e-6);
    }

    #[test]
    fn names_decide_the_order_and_must_match() {
        let domains = ["a", "b"].map(String::from);
        for (named, problem) in [
            (vec![("a", 1.0)], "no domain `b`, there are: a"),
            (vec![], "no domain `a`, there are none"),
            (vec![("a", 0.5), ("c", 0.5)], "unknown domain `c`, expected one of: a, b"),
            (vec![("a", 0.5), ("a", 0.5), ("b", 0.0)], "domain `a` appears twice"),
        ] {
            let error = Mixture::from_named(&domains, &named).unwrap_err();
            assert_eq!(error.to_string(), problem);
        }
    }

    #[test]
    fn the_grid_has_the_binomial_count_of_distinct_mixtures() {
        for (k, steps, count) in [(1, 3, 1), (2, 4, 5), (4, 3, 20), (8, 2, 36)] {
            let grid = Mixture::grid(k, steps, 0.1).unwrap();
            assert_eq!(grid.len(), count);
            for (i, h) in grid.iter().enumerate() {
                assert!(validate(h).is_ok());
                assert!(h.iter().all(|&w| w >= 0.1));
                assert!(grid[..i].iter().all(|g| h.js_distance(g) > 1e-3));
            }
        }
        assert!(Mixture::grid(4, 3, 0.25).is_err());
        assert!(Mixture::grid(0, 3, 0.0).is_err());
        assert!(Mixture::grid(3, 0, 0.0).is_err());
        assert!(Mixture::grid(3, 1, f64::NAN).is_err());
    }

    #[test]
    fn designs_that_do_not_fit_into_memory_are_refused() {
        let grid = |k, steps| Mixture::grid(k, steps, 0.0).unwrap_err().to_string();
        // 36! / (20! 16!) times 17, by exact arithmetic.
        assert_eq!(
            grid(17, 20),
            "the number of weights of a grid of 20 steps over 17 domains is 124233825870, \
             expected at most 5e7"
        );
        let weights = |k, steps| match Mixture::grid(k, steps, 0.0).unwrap_err().kind() {
            ErrorKind::Setting { value, .. } => *value,
            other => panic!("{other}"),
        };
        // 116! / (100! 16!) times 17.
        assert_relative_eq!(weights(17, 100), 2.954088103014234e20, max_relative = 1e-14);
        // Without room for the whole number of points, and of weights.
        assert_relative_eq!(weights(2, usize::MAX), 2f64.powi(65), max_relative = 1e-14);
        assert_relative_eq!(weights(usize::MAX, 1), 2f64.powi(128), max_relative = 1e-14);
        assert_eq!(weights(usize::MAX, usize::MAX), f64::INFINITY);
        assert_eq!(Mixture::grid(1, usize::MAX, 0.0).unwrap().len(), 1);
        assert_eq!(Mixture::grid(5, 40, 0.0).unwrap().len(), 135_751);
        for count in [usize::MAX, usize::MAX / 4, 25_000_001] {
            let error = Mixture::dirichlet(&[1.0; 2], count, 0).unwrap_err().to_string();
            assert!(error.starts_with("the number of weights of a Dirichlet design is"), "{error}");
        }
    }

    #[test]
    fn dirichlet_draws_have_the_moments_of_the_distribution() {
        let alpha = [0.5, 1.0, 2.5];
        let draws = Mixture::dirichlet(&alpha, 20_000, 3).unwrap();
        for i in 0..3 {
            let mean = draws.iter().map(|h| h[i]).sum::<f64>() / 20_000.0;
            let var = draws.iter().map(|h| (h[i] - mean).powi(2)).sum::<f64>() / 20_000.0;
            let p = alpha[i] / 4.0;
            assert_abs_diff_eq!(mean, p, epsilon = 0.01);
            assert_relative_eq!(var, p * (1.0 - p) / 5.0, max_relative = 0.05);
        }
        assert!(Mixture::dirichlet(&[1.0, 0.0], 1, 0).is_err());
        assert!(Mixture::dirichlet(&[1.0, f64::INFINITY], 1, 0).is_err());
        assert!(Mixture::dirichlet(&[], 1, 0).is_err());
        for extreme in [1e-100, 1e-4, 1e100] {
            let draws = Mixture::dirichlet(&[extreme; 3], 50, 1).unwrap();
            assert!(draws.iter().all(|h| validate(h).is_ok()));
        }
    }

    /// Draws may change only together with a value-breaking entry in the changelog.
    #[test]
    fn dirichlet_draws_are_stable_per_seed() {
        let draw = &Mixture::dirichlet(&[0.5, 1.0, 2.0], 2, 42).unwrap()[1];
        let pinned = [0.495_414_105_961_249_9, 0.189_322_395_752_288_99, 0.315_263_498_286_461_05];
        assert_eq!(draw.weights(), pinned);
    }

    #[test]
    fn js_distance_is_a_metric_on_examples() {
        let a = Mixture::new(vec![0.2, 0.8]).unwrap();
        let b = Mixture::new(vec![0.7, 0.3]).unwrap();
        let c = Mixture::corner(2, 1);
        assert_eq!(a.js_distance(&a), 0.0);
        assert_eq!(a.js_distance(&b), b.js_distance(&a));
        assert!(a.js_distance(&b) <= a.js_distance(&c) + c.js_distance(&b));
        // SciPy: scipy.spatial.distance.jensenshannon([.2, .8], [.7, .3])
        assert_abs_diff_eq!(a.js_distance(&b), 0.364_012_981_797_418_64, epsilon = 1e-15);
    }

    #[test]
    fn names_are_printed() {
        let domains = ["web", "code"].map(String::from);
        let h = Mixture::new(vec![0.25, 0.75]).unwrap();
        assert_eq!(h.named(&domains).to_string(), "web 0.2500, code 0.7500");
        assert_eq!(format!("{:.1}", h.named(&domains)), "web 0.2, code 0.8");
    }
}
