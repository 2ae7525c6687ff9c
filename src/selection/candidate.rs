use std::sync::Arc;

use crate::error::{Error, ErrorKind};
use crate::fit::Fitter;
use crate::law::{self, ScalingLaw, suitable};
use crate::predictor::Predictor;
use crate::sweep::Sweep;

/// What is compared where no candidate is given.
pub(super) fn defaults(sweep: &Sweep, target: &str) -> Result<Vec<Candidate>, Error> {
    let laws = suitable(sweep, target)?;
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
/// assert_eq!(candidate.called("additive, weighted").name(), "additive, weighted");
/// # Ok::<(), mixlaw::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Candidate {
    name: String,
    laws: Vec<Arc<dyn ScalingLaw>>,
    fitter: Fitter,
}

impl Candidate {
    /// One law, by its own name. A fitter with row weights cannot fit a part of the rows, so that nothing
    /// can be held out.
    #[must_use]
    pub fn new(law: impl ScalingLaw + 'static, fitter: Fitter) -> Self {
        Self { name: law.name().to_owned(), laws: vec![Arc::new(law)], fitter }
    }

    /// Several laws, each fitted by the same fitter, whose predictions are averaged: a [`Predictor`].
    /// Its name is theirs, such as `joint + full`.
    ///
    /// # Errors
    /// If there is no law.
    pub fn mean(
        laws: impl IntoIterator<Item = impl ScalingLaw + 'static>,
        fitter: Fitter,
    ) -> Result<Self, Error> {
        let laws: Vec<Arc<dyn ScalingLaw>> =
            laws.into_iter().map(|law| Arc::new(law) as Arc<dyn ScalingLaw>).collect();
        if laws.is_empty() {
            return Err(ErrorKind::Empty { what: "a candidate", part: "law" }.into());
        }
        let names: Vec<&str> = laws.iter().map(|law| law.name()).collect();
        Ok(Self { name: names.join(" + "), laws, fitter })
    }

    /// [`Predictor::recommended`] as a candidate, by the name `recommended`.
    #[must_use]
    pub fn recommended(sweep: &Sweep) -> Self {
        Self {
            name: "recommended".to_owned(),
            laws: law::recommended(sweep),
            fitter: Fitter::recommended(),
        }
    }

    /// The same candidate by another name.
    #[must_use]
    pub fn called(self, name: impl Into<String>) -> Self {
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
    pub fn fit(&self, sweep: &Sweep, target: &str) -> Result<Predictor, Error> {
        let fit = |law: &Arc<dyn ScalingLaw>| self.fitter.fit(Arc::clone(law), sweep, target);
        Predictor::mean(self.laws.iter().map(fit).collect::<Result<Vec<_>, _>>()?)
    }

    /// Whether one of its laws depends on the mixture. Over one domain there is only one mixture.
    pub(super) fn sees_mixture(&self) -> bool {
        let sees = |law: &Arc<dyn ScalingLaw>| law.domains().len() == 1 || law.dependence().h;
        self.laws.iter().any(sees)
    }

    /// The coefficients of all its laws that are not fixed.
    ///
    /// # Errors
    /// If the fitter bounds a coefficient that a law does not have.
    pub(super) fn free_coefficients(&self) -> Result<usize, Error> {
        self.laws.iter().map(|law| self.fitter.free_coefficients(law)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::law::JointLaw;
    use crate::selection::tests::sweep;

    fn names(sweep: &Sweep, target: &str) -> Vec<String> {
        let laws = suitable(sweep, target).unwrap();
        laws.iter().map(|law| law.name().to_owned()).collect()
    }

    #[test]
    fn laws_are_those_of_what_differs() {
        let all = ["chinchilla", "simple", "additive", "joint", "full", "coupled", "coupled-full"];
        let (sizes, tokens) = ([1e8, 2e8, 4e8], [1e9, 4e9]);
        assert_eq!(names(&sweep(&sizes, &tokens), "t"), all);
        assert_eq!(names(&sweep(&[1e8], &tokens), "t"), ["additive-fixed-n"]);
        assert_eq!(names(&sweep(&sizes, &[1e9]), "t"), ["additive-fixed-d"]);
        let fixed = ["additive-fixed-nd", "ye-m1", "ye-m2", "ye-m3", "ye-m4"];
        assert_eq!(names(&sweep(&[1e8], &[1e9]), "t"), fixed);
        let fault = suitable(&sweep(&sizes, &tokens), "u").unwrap_err();
        assert!(fault.is_unknown_name());
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
            Sweep::new(&["a", "b"], &["a", "t"], &[1e8; 8], &d, &h, &[3.0; 16]).unwrap()
        };
        assert_eq!(names(&of(0.1), "a"), ["additive-fixed-n", "ge24"]);
        assert_eq!(names(&of(0.0), "a"), ["additive-fixed-n"]);
        assert_eq!(names(&of(0.1), "t"), ["additive-fixed-n"]);
    }

    #[test]
    fn fixed_coefficients_are_not_free() {
        let s = sweep(&[1e8, 2e8, 4e8], &[1e9, 4e9]);
        let candidate = |fitter| Candidate::new(crate::law::AdditiveLaw::for_sweep(&s), fitter);
        assert_eq!(candidate(Fitter::new()).free_coefficients().unwrap(), 9);
        let fixed = Fitter::new().fix("alpha", 0.34).fix("beta", 0.28).weigh_by_compute(1.0);
        assert_eq!(candidate(fixed.clone()).free_coefficients().unwrap(), 7);
        let weighted = fixed.row_weights(vec![1.0; s.len()]);
        assert_eq!(candidate(weighted).free_coefficients().unwrap(), 7);
        // Joint 4k + 5, full 6k + 5.
        assert_eq!(Candidate::recommended(&s).free_coefficients().unwrap(), 13 + 17 + 18);
    }

    #[test]
    fn a_candidate_has_a_law() {
        assert!(matches!(
            Candidate::mean([] as [JointLaw; 0], Fitter::new()),
            Err(error) if matches!(error.kind(), ErrorKind::Empty { .. })
        ));
        let s = sweep(&[1e8, 2e8, 4e8], &[1e9, 4e9]);
        let two = suitable(&s, "t").unwrap().into_iter().take(2);
        let both = Candidate::mean(two, Fitter::new()).unwrap();
        assert_eq!(both.name(), "chinchilla + simple");
        assert_eq!(both.fit(&s, "t").unwrap().fits().count(), 2);
    }
}
