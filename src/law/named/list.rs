//! The one list of the laws of the crate: what is known of each without making it.

use std::sync::Arc;

use super::*;
use crate::error::{Error, ErrorKind};
use crate::law::{Dependence, LawSettings, ScalingLaw};
use crate::scale::Scale;
use crate::sweep::Sweep;

/// A law of the crate, by its name: for programs whose users choose laws, and for stored fits.
///
/// ```
/// use mixlaw::law::{self, LawSettings, ScalingLaw};
/// use mixlaw::Scale;
///
/// let settings = LawSettings::new().domain("code").unique_tokens(&[("code", 1e9)]);
/// for built_in in law::built_in() {
///     let law = built_in.build(&["web", "code"], Scale { n: 1e9, d: 2e10 }, &settings)?;
///     assert_eq!(law.name(), built_in.name());
///     assert_eq!(law.dependence(), built_in.dependence());
/// }
/// # Ok::<(), mixlaw::Error>(())
/// ```
#[derive(Debug)]
pub struct BuiltIn {
    name: &'static str,
    dependence: Dependence,
    needs: Needs,
    make: Make,
}

type Make = fn(&[String], Scale, &LawSettings) -> Result<Arc<dyn ScalingLaw>, Error>;

/// What a law needs that not every sweep has.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Needs {
    Nothing,
    /// Its target is one of the domains.
    OwnDomain,
    /// Another experiment: runs that continue the training of a model, or that differ in the tokens of
    /// one domain at a time.
    OtherRuns,
    /// The same, and its target is one of the domains.
    OtherRunsOfOwnDomain,
    /// The numbers of unique tokens.
    UniqueTokens,
}

impl BuiltIn {
    /// The name, such as `joint`: that of the law itself.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Which of N, D and h its loss depends on; of the data-constrained law where some domain can run
    /// out.
    #[must_use]
    pub fn dependence(&self) -> Dependence {
        self.dependence
    }

    /// Whether it is a law for the loss on one of its domains, which [`LawSettings::domain`] names.
    #[must_use]
    pub fn needs_domain(&self) -> bool {
        matches!(self.needs, Needs::OwnDomain | Needs::OtherRunsOfOwnDomain)
    }

    /// Whether it has to know how many unique tokens there are ([`LawSettings::unique_tokens`]).
    /// Without any no domain runs out.
    #[must_use]
    pub fn needs_unique_tokens(&self) -> bool {
        self.needs == Needs::UniqueTokens
    }

    /// The law of these domains, with this reference scale.
    ///
    /// # Errors
    /// If a domain has no name or one that appears twice, a scale is not a positive number, or a
    /// setting that the law takes is out of its range or of an unknown domain.
    pub fn build(
        &self,
        domains: &[impl AsRef<str>],
        scale: Scale,
        settings: &LawSettings,
    ) -> Result<Arc<dyn ScalingLaw>, Error> {
        let domains: Vec<String> = domains.iter().map(|d| d.as_ref().to_owned()).collect();
        (self.make)(&domains, scale, settings)
    }

    /// The law of a sweep's domains, with the geometric means of its N and D as its reference scale.
    /// Give it the rows that the law will be fitted to.
    ///
    /// # Errors
    /// As [`BuiltIn::build`].
    pub fn for_sweep(
        &self,
        sweep: &Sweep,
        settings: &LawSettings,
    ) -> Result<Arc<dyn ScalingLaw>, Error> {
        self.build(sweep.domains(), sweep.scale(), settings)
    }

    /// Whether it is one of the laws of [`suitable`].
    fn suits(&self, sweep: &Sweep, target: &str) -> bool {
        let Ok(rows) = sweep.measured(target) else { return false };
        let several = |x: &[f64]| x.iter().any(|value| *value != x[0]);
        let Dependence { n, d, h } = self.dependence;
        let has_target = || match sweep.domains().iter().position(|domain| domain == target) {
            Some(i) => rows.rows().all(|row| row.h[i] > 0.0),
            None => false,
        };
        let meets_needs = match self.needs {
            Needs::Nothing => true,
            Needs::OwnDomain => has_target(),
            Needs::OtherRuns | Needs::OtherRunsOfOwnDomain | Needs::UniqueTokens => false,
        };
        let few = |law: Arc<dyn ScalingLaw>| law.coordinates().len() <= rows.len();
        meets_needs
            && n == several(rows.n())
            && d == several(rows.d())
            && (!h || rows.count_mixtures() > 1)
            && self.for_sweep(sweep, &LawSettings::new().domain(target)).is_ok_and(few)
    }
}

/// The laws of the crate.
#[must_use]
pub fn built_in() -> &'static [BuiltIn] {
    LAWS
}

/// The law of the crate with this name.
///
/// # Errors
/// [`ErrorKind::Unknown`] if there is none.
///
/// ```
/// use mixlaw::law;
///
/// assert!(law::named("joint")?.dependence().h);
/// let error = law::named("adjoint").unwrap_err();
/// assert!(error.to_string().starts_with("unknown law `adjoint`, expected one of: chinchilla"));
/// # Ok::<(), mixlaw::Error>(())
/// ```
pub fn named(name: &str) -> Result<&'static BuiltIn, Error> {
    LAWS.iter().find(|law| law.name == name).ok_or_else(|| {
        let known = LAWS.iter().map(|law| law.name.to_owned()).collect();
        ErrorKind::Unknown { kind: "law", name: name.to_owned(), known }.into()
    })
}

/// The laws of the crate that can describe what differs between the rows of a sweep and are determined by
/// as many rows, with the sweep's own reference scale:
///
/// - they depend on N, and on D, if and only if these differ: a term of what does not differ would be one
///   more constant beside E;
/// - they do not depend on the mixture where all rows have the same;
/// - one that is for a single domain is there if that is `target`, and no row is without it;
/// - they have no more coefficients than there are rows;
/// - they are for runs that differ in N, D and the mixture as a whole, of which no more is known: not
///   [`DataConstrainedLaw`], [`AutoScaleLaw`] and [`DCptLaw`].
///
/// | the rows differ in | laws |
/// |---|---|
/// | N and D | chinchilla, simple, additive, joint, full, coupled, coupled-full |
/// | D alone | additive for one N; ge24 where the target is a domain that no row is without |
/// | N alone | `additive-fixed-d`: `L = E + 1/(sum_i C_i h_i^gamma_i) + A/N^alpha`, 2k + 3 parameters |
/// | neither | additive for one N and D, Ye M1 to M4 |
///
/// Where all rows have one mixture only chinchilla is left, and nothing where N or D does not differ.
///
/// # Errors
/// [`ErrorKind::Unknown`] if the sweep has no such target.
///
/// ```
/// use mixlaw::Sweep;
/// use mixlaw::law::{self, ScalingLaw};
///
/// // Eight mixtures, one size, two token counts.
/// let h: Vec<f64> = (0..8).flat_map(|i| [i as f64 / 8.0, 1.0 - i as f64 / 8.0]).collect();
/// let d = [1e9, 2e9, 1e9, 2e9, 1e9, 2e9, 1e9, 2e9];
/// let sweep = Sweep::new(&["web", "code"], &["code"], &[1e8; 8], &d, &h, &[3.0; 8])?;
/// let laws = law::suitable(&sweep, "code")?;
/// let names: Vec<&str> = laws.iter().map(|law| law.name()).collect();
/// assert_eq!(names, ["additive-fixed-n", "ge24"]);
/// # Ok::<(), mixlaw::Error>(())
/// ```
pub fn suitable(sweep: &Sweep, target: &str) -> Result<Vec<Arc<dyn ScalingLaw>>, Error> {
    if !sweep.targets().iter().any(|known| known == target) {
        let (name, known) = (target.to_owned(), sweep.targets().to_vec());
        return Err(ErrorKind::Unknown { kind: "target", name, known }.into());
    }
    let settings = LawSettings::new().domain(target);
    let suits = LAWS.iter().filter(|law| law.suits(sweep, target));
    suits.map(|law| law.for_sweep(sweep, &settings)).collect()
}

/// The laws whose mean is [`Predictor::recommended`](crate::Predictor::recommended): joint, full and, where the sweep
/// has three sizes or more, coupled full. From two sizes it is hardly told how the terms of N and D are coupled, and
/// predictions of larger sizes err more with it than without ([measurements](crate::guide::measurements)). Sizes
/// within a tenth of each other are one.
///
/// ```
/// use mixlaw::Sweep;
/// use mixlaw::law::{self, ScalingLaw};
///
/// let sweep = |n: &[f64]| {
///     let (d, h, loss) = (vec![1e9; n.len()], vec![1.0; n.len()], vec![3.0; n.len()]);
///     Sweep::new(&["web"], &["web"], n, &d, &h, &loss)
/// };
/// let names = |n: &[f64]| -> Result<Vec<String>, mixlaw::Error> {
///     Ok(law::recommended(&sweep(n)?).iter().map(|law| law.name().to_owned()).collect())
/// };
/// assert_eq!(names(&[1e8, 1.05e8, 2e8])?, ["joint", "full"]);
/// assert_eq!(names(&[1e8, 2e8, 4e8])?, ["joint", "full", "coupled-full"]);
/// # Ok::<(), mixlaw::Error>(())
/// ```
#[must_use]
pub fn recommended(sweep: &Sweep) -> Vec<Arc<dyn ScalingLaw>> {
    let mut sizes = sweep.n().to_vec();
    sizes.sort_by(f64::total_cmp);
    sizes.dedup_by(|next, first| *next < 1.1 * *first);
    let mut laws: Vec<Arc<dyn ScalingLaw>> =
        vec![Arc::new(JointLaw::for_sweep(sweep)), Arc::new(FullLaw::for_sweep(sweep))];
    if sizes.len() >= 3 {
        laws.push(Arc::new(CoupledFullLaw::for_sweep(sweep)));
    }
    laws
}

macro_rules! plain {
    ($law:ident) => {
        |domains, scale, _| Ok(Arc::new($law::new(domains, scale)?))
    };
}

macro_rules! signed {
    ($law:ident) => {
        |domains, scale, settings| {
            let law = $law::new(domains, scale)?;
            Ok(Arc::new(if settings.positive_gamma { law.positive_gamma() } else { law }))
        }
    };
}

macro_rules! of_domain {
    ($law:ident) => {
        |domains, scale, settings| {
            // Where none is set, one that no law has.
            let domain = settings.domain.as_deref().unwrap_or("");
            Ok(Arc::new($law::new(domains, domain, scale)?))
        }
    };
}

/// A law, with whether it depends on N, D and h.
const fn law(name: &'static str, on: [bool; 3], needs: Needs, make: Make) -> BuiltIn {
    let [n, d, h] = on;
    BuiltIn { name, dependence: Dependence { n, d, h }, needs, make }
}

const LAWS: &[BuiltIn] = &[
    law("chinchilla", [true, true, false], Needs::Nothing, plain!(ChinchillaLaw)),
    law("simple", [true, true, true], Needs::Nothing, signed!(SimpleLaw)),
    law("additive", [true, true, true], Needs::Nothing, plain!(AdditiveLaw)),
    law("joint", [true, true, true], Needs::Nothing, signed!(JointLaw)),
    law("full", [true, true, true], Needs::Nothing, signed!(FullLaw)),
    law("coupled", [true, true, true], Needs::Nothing, plain!(CoupledLaw)),
    law("coupled-full", [true, true, true], Needs::Nothing, signed!(CoupledFullLaw)),
    law("additive-fixed-n", [false, true, true], Needs::Nothing, plain!(AdditiveFixedNLaw)),
    law("additive-fixed-d", [true, false, true], Needs::Nothing, plain!(AdditiveFixedDLaw)),
    law("additive-fixed-nd", [false, false, true], Needs::Nothing, plain!(AdditiveFixedNDLaw)),
    law("ye-m1", [false, false, true], Needs::Nothing, plain!(YeM1Law)),
    law("ye-m2", [false, false, true], Needs::Nothing, plain!(YeM2Law)),
    law("ye-m3", [false, false, true], Needs::Nothing, plain!(YeM3Law)),
    law("ye-m4", [false, false, true], Needs::Nothing, plain!(YeM4Law)),
    law("ge24", [false, true, true], Needs::OwnDomain, of_domain!(Ge24Law)),
    law("autoscale", [false, true, true], Needs::OtherRuns, plain!(AutoScaleLaw)),
    law("d-cpt", [true, true, true], Needs::OtherRunsOfOwnDomain, of_domain!(DCptLaw)),
    law("data-constrained", [true, true, true], Needs::UniqueTokens, |domains, scale, settings| {
        let unique = settings.unique_tokens.iter().map(|(domain, u)| (domain.as_str(), *u));
        let unique: Vec<(&str, f64)> = unique.collect();
        Ok(Arc::new(DataConstrainedLaw::new(domains, &unique, scale)?))
    }),
];
