use std::sync::Arc;

use ndarray::ArrayView1;

use crate::error::FitError;
use crate::fit::{Fitter, losses_of};
use crate::law::{
    AdditiveFixedDLaw, AdditiveFixedNDLaw, AdditiveFixedNLaw, AdditiveLaw, ChinchillaLaw, FullLaw,
    Ge24Law, JointLaw, ScalingLaw, SimpleLaw, YeM1Law, YeM2Law, YeM3Law, YeM4Law,
};
use crate::predictor::Predictor;
use crate::sweep::Sweep;

/// The crate's laws that can describe what differs between the rows of a sweep and have no more
/// coordinates than it has rows, with the sweep's own reference scales.
///
/// | the rows differ in | laws |
/// |---|---|
/// | N and D | chinchilla, simple, additive, joint, full |
/// | D alone | additive for one N; ge24 where the target is a domain that no row is without |
/// | N alone | `additive-fixed-d`: `L = E + 1/(sum_i C_i h_i^gamma_i) + A/N^alpha`, 2k + 3 parameters |
/// | neither | additive for one N and D, Ye M1 to M4 |
///
/// A term of what does not differ would be one more constant beside E. For the same reason, where
/// all rows have one mixture only chinchilla is left, and nothing where N or D does not differ.
///
/// Not among them are the laws that ask for more than a sweep knows, or for one pair of corpora:
/// [`DataConstrainedLaw`](crate::law::DataConstrainedLaw), [`AutoScaleLaw`](crate::law::AutoScaleLaw)
/// and [`DCptLaw`](crate::law::DCptLaw). Add them as candidates.
///
/// # Errors
/// [`FitError::Target`] if the sweep has no such target.
///
/// ```
/// use mixlaw::Sweep;
/// use mixlaw::law::ScalingLaw;
/// use mixlaw::selection::applicable;
///
/// // Eight mixtures, one size, two token counts.
/// let h: Vec<f64> = (0..8).flat_map(|i| [i as f64 / 8.0, 1.0 - i as f64 / 8.0]).collect();
/// let d = [1e9, 2e9, 1e9, 2e9, 1e9, 2e9, 1e9, 2e9];
/// let sweep = Sweep::from_slices(&["web", "code"], &["code"], &[1e8; 8], &d, &h, &[3.0; 8])?;
/// let laws = applicable(&sweep, "code")?;
/// let names: Vec<&str> = laws.iter().map(|law| law.name()).collect();
/// assert_eq!(names, ["additive-fixed-n", "ge24"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn applicable(sweep: &Sweep, target: &str) -> Result<Vec<Arc<dyn ScalingLaw>>, FitError> {
    losses_of(sweep, target)?;
    let differs = |x: ArrayView1<'_, f64>| x.iter().any(|value| *value != x[0]);
    let one_mixture = sweep.count_mixtures() == 1;
    let mut laws: Vec<Arc<dyn ScalingLaw>> = match (differs(sweep.n()), differs(sweep.d())) {
        (true, true) if one_mixture => vec![Arc::new(ChinchillaLaw::for_sweep(sweep))],
        _ if one_mixture => Vec::new(),
        (true, true) => vec![
            Arc::new(ChinchillaLaw::for_sweep(sweep)),
            Arc::new(SimpleLaw::for_sweep(sweep)),
            Arc::new(AdditiveLaw::for_sweep(sweep)),
            Arc::new(JointLaw::for_sweep(sweep)),
            Arc::new(FullLaw::for_sweep(sweep)),
        ],
        (false, true) => {
            let mut laws: Vec<Arc<dyn ScalingLaw>> =
                vec![Arc::new(AdditiveFixedNLaw::for_sweep(sweep))];
            let domain = sweep.domains().iter().position(|domain| domain == target);
            if domain.is_some_and(|i| sweep.rows().all(|row| row.h[i] > 0.0)) {
                laws.push(Arc::new(Ge24Law::for_sweep(sweep, target)?));
            }
            laws
        }
        (true, false) => vec![Arc::new(AdditiveFixedDLaw::for_sweep(sweep))],
        (false, false) => vec![
            Arc::new(AdditiveFixedNDLaw::for_sweep(sweep)),
            Arc::new(YeM1Law::for_sweep(sweep)),
            Arc::new(YeM2Law::for_sweep(sweep)),
            Arc::new(YeM3Law::for_sweep(sweep)),
            Arc::new(YeM4Law::for_sweep(sweep)),
        ],
    };
    laws.retain(|law| law.coordinates().len() <= sweep.len());
    Ok(laws)
}

/// What is compared where no candidate is given.
pub(super) fn defaults(sweep: &Sweep, target: &str) -> Result<Vec<Candidate>, FitError> {
    let laws = applicable(sweep, target)?;
    let full = laws.iter().any(|law| law.name() == "full");
    let alone = laws.into_iter().map(|law| Candidate::new(law, Fitter::new()));
    Ok(alone.chain(full.then(|| Candidate::recommended(sweep))).collect())
}

/// A law, or several whose predictions are averaged, and how to fit them.
///
/// The same laws, and so the same reference scales, are fitted to every subset of the rows.
///
/// ```
/// use mixlaw::{Fitter, Scale};
/// use mixlaw::law::AdditiveLaw;
/// use mixlaw::selection::Candidate;
///
/// let law = AdditiveLaw::new(&["web", "code"], Scale::ONE)?;
/// let candidate = Candidate::new(law, Fitter::new().weigh_by_compute(1.0));
/// assert_eq!(candidate.name(), "additive");
/// assert_eq!(candidate.named("additive, weighted").name(), "additive, weighted");
/// # Ok::<(), mixlaw::LawError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Candidate {
    name: String,
    laws: Vec<Arc<dyn ScalingLaw>>,
    fitter: Fitter,
}

impl Candidate {
    /// One law, by its own name. A fitter with row weights fits no subset of the rows.
    #[must_use]
    pub fn new(law: impl ScalingLaw + 'static, fitter: Fitter) -> Self {
        Self { name: law.name().to_owned(), laws: vec![Arc::new(law)], fitter }
    }

    /// Several laws, each fitted by the same fitter, whose predictions are averaged: a [`Predictor`].
    /// Its name is theirs, such as `joint + full`.
    ///
    /// # Errors
    /// [`FitError::Ensemble`] if there is no law.
    pub fn ensemble(
        laws: impl IntoIterator<Item = impl ScalingLaw + 'static>,
        fitter: Fitter,
    ) -> Result<Self, FitError> {
        let laws: Vec<Arc<dyn ScalingLaw>> =
            laws.into_iter().map(|law| Arc::new(law) as Arc<dyn ScalingLaw>).collect();
        if laws.is_empty() {
            let error = "a candidate needs at least one law, got none";
            return Err(FitError::Ensemble(error.to_owned()));
        }
        let names: Vec<&str> = laws.iter().map(|law| law.name()).collect();
        Ok(Self { name: names.join(" + "), laws, fitter })
    }

    /// [`Predictor::recommended`] as a candidate, by the name `recommended`.
    #[must_use]
    pub fn recommended(sweep: &Sweep) -> Self {
        Self {
            name: "recommended".to_owned(),
            laws: vec![Arc::new(JointLaw::for_sweep(sweep)), Arc::new(FullLaw::for_sweep(sweep))],
            fitter: Fitter::new().weigh_by_compute(1.0),
        }
    }

    /// The same candidate by another name.
    #[must_use]
    pub fn named(self, name: impl Into<String>) -> Self {
        Self { name: name.into(), ..self }
    }

    /// Its name in tables.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its laws; never none.
    #[must_use]
    pub fn laws(&self) -> &[Arc<dyn ScalingLaw>] {
        &self.laws
    }

    /// How they are fitted.
    #[must_use]
    pub fn fitter(&self) -> &Fitter {
        &self.fitter
    }

    /// Fits the laws to the losses of `target` on all rows of a sweep.
    ///
    /// # Errors
    /// As [`Fitter::fit`](crate::Fitter::fit) and [`Predictor::mean`].
    pub fn fit(&self, sweep: &Sweep, target: &str) -> Result<Predictor, FitError> {
        let fit = |law: &Arc<dyn ScalingLaw>| self.fitter.fit(Arc::clone(law), sweep, target);
        Ok(Predictor::mean(self.laws.iter().map(fit).collect::<Result<Vec<_>, _>>()?)?)
    }

    /// Whether one of its laws depends on the mixture. Over one domain there is nothing to see.
    pub(super) fn sees_mixture(&self) -> bool {
        let sees = |law: &Arc<dyn ScalingLaw>| law.domains().len() == 1 || law.dependence().h;
        self.laws.iter().any(sees)
    }

    /// The coefficients of all its laws that are not fixed.
    ///
    /// # Errors
    /// [`FitError`] if the fitter bounds a coefficient that a law does not have.
    pub(super) fn free_coefficients(&self) -> Result<usize, FitError> {
        self.laws.iter().map(|law| self.fitter.free_coefficients(law)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::selection::tests::sweep;

    fn names(sweep: &Sweep, target: &str) -> Vec<String> {
        let laws = applicable(sweep, target).unwrap();
        laws.iter().map(|law| law.name().to_owned()).collect()
    }

    #[test]
    fn laws_are_those_of_what_differs() {
        let all = ["chinchilla", "simple", "additive", "joint", "full"];
        let (sizes, tokens) = ([1e8, 2e8, 4e8], [1e9, 4e9]);
        assert_eq!(names(&sweep(&sizes, &tokens), "t"), all);
        assert_eq!(names(&sweep(&[1e8], &tokens), "t"), ["additive-fixed-n"]);
        assert_eq!(names(&sweep(&sizes, &[1e9]), "t"), ["additive-fixed-d"]);
        let fixed = ["additive-fixed-nd", "ye-m1", "ye-m2", "ye-m3", "ye-m4"];
        assert_eq!(names(&sweep(&[1e8], &[1e9]), "t"), fixed);
        let fault = applicable(&sweep(&sizes, &tokens), "u").unwrap_err();
        assert!(matches!(fault, FitError::Target { .. }));
    }

    #[test]
    fn laws_have_no_more_coordinates_than_there_are_rows() {
        // 12 rows; k = 2: simple 8, additive 9, joint 13, full 17.
        let few = sweep(&[1e8, 2e8], &[1e9, 4e9]).select(|row| row.h[0] < 0.3).unwrap();
        assert_eq!(few.len(), 8);
        assert_eq!(names(&few, "t"), ["chinchilla", "simple"]);
        let defaults: Vec<String> =
            defaults(&few, "t").unwrap().iter().map(|c| c.name().to_owned()).collect();
        assert_eq!(defaults, ["chinchilla", "simple"]);
    }

    #[test]
    fn one_mixture_is_no_matter_of_mixtures() {
        let one = |s: &Sweep| s.select(|row| row.h[0] == 0.4).unwrap();
        let scales = one(&sweep(&[1e8, 2e8, 4e8], &[1e9, 4e9]));
        assert_eq!(names(&scales, "t"), ["chinchilla"]);
        assert!(names(&one(&sweep(&[1e8], &[1e9, 2e9, 4e9])), "t").is_empty());
    }

    #[test]
    fn ge24_needs_its_domain_in_every_row() {
        let of = |least: f64| {
            let h: Vec<f64> =
                [least, 0.3, 0.6, 0.9].iter().flat_map(|w| [*w, 1.0 - w].repeat(2)).collect();
            let d = [1e9, 2e9].repeat(4);
            Sweep::from_slices(&["a", "b"], &["a", "t"], &[1e8; 8], &d, &h, &[3.0; 16]).unwrap()
        };
        assert_eq!(names(&of(0.1), "a"), ["additive-fixed-n", "ge24"]);
        assert_eq!(names(&of(0.0), "a"), ["additive-fixed-n"]);
        assert_eq!(names(&of(0.1), "t"), ["additive-fixed-n"]);
    }

    #[test]
    fn fixed_coefficients_are_not_free() {
        let s = sweep(&[1e8, 2e8, 4e8], &[1e9, 4e9]);
        let candidate = |fitter| Candidate::new(AdditiveLaw::for_sweep(&s), fitter);
        assert_eq!(candidate(Fitter::new()).free_coefficients().unwrap(), 9);
        let fixed = Fitter::new().fix("alpha", 0.34).fix("beta", 0.28).weigh_by_compute(1.0);
        assert_eq!(candidate(fixed.clone()).free_coefficients().unwrap(), 7);
        let weighted = fixed.row_weights(vec![1.0; s.len()]);
        assert_eq!(candidate(weighted).free_coefficients().unwrap(), 7);
        // Joint 4k + 5, full 6k + 5.
        assert_eq!(Candidate::recommended(&s).free_coefficients().unwrap(), 13 + 17);
    }

    #[test]
    fn a_candidate_has_a_law() {
        assert!(matches!(
            Candidate::ensemble([] as [JointLaw; 0], Fitter::new()),
            Err(FitError::Ensemble(_))
        ));
        let s = sweep(&[1e8, 2e8, 4e8], &[1e9, 4e9]);
        let two = applicable(&s, "t").unwrap().into_iter().take(2);
        let both = Candidate::ensemble(two, Fitter::new()).unwrap();
        assert_eq!(both.name(), "chinchilla + simple");
        assert_eq!(both.fit(&s, "t").unwrap().fits().count(), 2);
    }
}
