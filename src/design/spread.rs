//! Mixtures that are spread well.

use crate::error::{Error, ErrorKind};
use crate::mixture::{self, Mixture, SUM_TOLERANCE};

/// So many candidates are drawn at least, and for each mixture.
const CANDIDATES: (usize, usize) = (1000, 4);

/// Drawn mixtures are moved so far to the natural one, so that no weight is zero.
const INWARDS: f64 = 0.1;

/// Mixtures around a natural one, independent of each other: a weight w of it is their mean, and
/// `sqrt(w (1 - w) / (concentration + 1))` their standard deviation.
pub(crate) fn narrow(
    natural: &[f64],
    concentration: f64,
    count: usize,
    seed: u64,
) -> Result<Vec<Mixture>, Error> {
    mixture::validate(natural)?;
    if !(concentration.is_finite() && concentration > 0.0) {
        return Err(Error::setting("concentration", concentration, "a finite number > 0"));
    }
    let concentrations: Vec<f64> = natural.iter().map(|w| concentration * w).collect();
    Mixture::dirichlet(&concentrations, count, seed)
}

/// `count` mixtures, more than there are domains: the natural one, and of the candidates that [`narrow`]
/// draws the one with the most of each domain, then always the one that is farthest from all before it.
/// They are ordered so that each is as far as it can be from those before it, and the first few are spread
/// too.
pub(super) fn spread(
    natural: &[f64],
    concentration: f64,
    count: usize,
    seed: u64,
) -> Result<Vec<Mixture>, Error> {
    let candidates = CANDIDATES.0.max(CANDIDATES.1 * count);
    let drawn = narrow(natural, concentration, candidates, seed)?;
    let mut candidates: Vec<Vec<f64>> = drawn.iter().map(|h| inwards(h, natural)).collect();
    let mut chosen: Vec<Vec<f64>> = vec![natural.to_vec()];
    for domain in 0..natural.len() {
        let weights: Vec<f64> = candidates.iter().map(|h| h[domain]).collect();
        chosen.extend(largest(&weights).map(|most| candidates.swap_remove(most)));
    }
    add_farthest(&mut chosen, candidates, count);
    let others = chosen.split_off(1);
    add_farthest(&mut chosen, others, count);
    let is_one =
        |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(&a, &b)| mixture::agree(a, b, SUM_TOLERANCE));
    if (1..count).any(|i| chosen[..i].iter().any(|other| is_one(&chosen[i], other))) {
        let expected = "a smaller one: two mixtures would be the same within 1e-6";
        return Err(Error::setting("concentration", concentration, expected));
    }
    chosen.into_iter().map(Mixture::new).collect()
}

fn inwards(h: &[f64], natural: &[f64]) -> Vec<f64> {
    h.iter().zip(natural).map(|(h, w)| (1.0 - INWARDS) * h + INWARDS * w).collect()
}

/// The place of the first of the largest.
fn largest(x: &[f64]) -> Option<usize> {
    (0..x.len()).reduce(|a, b| if x[b] > x[a] { b } else { a })
}

/// Adds mixtures of a pool to those chosen until there are `count`, each time the first of those that are
/// farthest from the nearest one that was chosen.
fn add_farthest(chosen: &mut Vec<Vec<f64>>, mut pool: Vec<Vec<f64>>, count: usize) {
    let mut nearest = vec![f64::INFINITY; pool.len()];
    let mut seen = 0;
    loop {
        for h in &chosen[seen..] {
            for (nearest, other) in nearest.iter_mut().zip(&pool) {
                let pairs = h.iter().copied().zip(other.iter().copied());
                *nearest = nearest.min(mixture::js_distance(pairs));
            }
        }
        seen = chosen.len();
        let Some(farthest) = largest(&nearest).filter(|_| seen < count) else { return };
        nearest.swap_remove(farthest);
        chosen.push(pool.swap_remove(farthest));
    }
}

/// Checks the natural mixture of these domains.
pub(super) fn check_natural(natural: &[f64], domains: &[String]) -> Result<(), Error> {
    if natural.len() != domains.len() {
        let (found, expected) = (natural.len(), domains.len());
        let what = "the natural mixture".to_owned();
        return Err(ErrorKind::Length { what, found, expected }.into());
    }
    for (domain, &weight) in domains.iter().zip(natural) {
        if weight.is_nan() || weight <= 0.0 {
            let name = format!("the natural weight of domain `{domain}`");
            return Err(Error::setting(
                name,
                weight,
                "a number > 0, since every domain has to vary",
            ));
        }
    }
    mixture::validate(natural)
}
