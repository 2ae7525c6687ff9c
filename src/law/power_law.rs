//! Eq. (3), the form of every law of the paper, with any five coefficient functions.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use super::coefficient::number;
use super::grouped::Grouped;
use super::mixture_function::{MixtureFunction, PowerTerm, Sum};
use super::sealed::Token;
use super::{
    Batch, CoefficientFn, Coordinate, Coordinates, Gradient, LawSettings, Points, Prior,
    ScalingLaw, StartData, Typical, bad_coefficient, check_domains, check_point, infinite,
    missing_coefficient, no_repeats, unknown_coefficient,
};
use crate::error::{Error, ErrorKind, cut};
use crate::random::Random;
use crate::scale::Scale;

/// `L = E(h) + A(h) / N^alpha(h) + B(h) / D^beta(h)` (eq. 3) with five coefficient functions of the
/// domain weights; the N term, the D term or both may be absent.
///
/// Inside, N and D are divided by the law's reference scales N0 and D0, so that A(h) and B(h) are
/// terms of the loss at the middle of the data. Where alpha is constant, the coefficients of A are
/// read and printed for the raw N. Where alpha depends on h (the full law), no choice of A(h) absorbs
/// a change of N0, which is then a part of the law and printed with it. The same goes for B, beta and
/// D0.
///
/// All the named laws are made of this; so is a law of your own:
///
/// ```
/// use mixlaw::law::{Biased, Constant, InverseSum, LinearPower, PowerLaw, ScalingLaw};
/// use mixlaw::Scale;
///
/// // Between additive and joint: only the data term depends on the mixture.
/// let law = PowerLaw::builder("half-joint", &["web", "code"])
///     .scale(Scale { n: 1e9, d: 2e10 })
///     .bias(Biased(InverseSum))
///     .n_term(Constant::level(), Constant::exponent())
///     .d_term(LinearPower::level(), Constant::exponent())
///     .build()?;
/// assert_eq!(law.coordinates().len(), 11);
/// # Ok::<(), mixlaw::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct PowerLaw {
    name: String,
    pub(super) domains: Vec<String>,
    pub(super) coordinates: Coordinates,
    settings: LawSettings,
    pub(super) bias: Part,
    pub(super) n_term: Option<Term>,
    pub(super) d_term: Option<Term>,
}

/// A coefficient function and where its coordinates are among those of the law.
#[derive(Debug, Clone)]
pub(super) struct Part {
    symbol: &'static str,
    pub(super) function: Arc<dyn CoefficientFn>,
    pub(super) at: Range<usize>,
}

impl Part {
    pub(super) fn value(&self, z: &[f64], h: &[f64]) -> f64 {
        self.function.value(&z[self.at.clone()], h)
    }

    fn add_gradient(&self, z: &[f64], h: &[f64], scale: f64, out: &mut Gradient) {
        let at = self.at.clone();
        self.function.add_gradient(&z[at.clone()], h, scale, &mut out.z[at], &mut out.h);
    }

    fn at_coordinates<'a>(&'a self, z: &'a [f64]) -> Box<dyn MixtureFunction + 'a> {
        self.function.at(&z[self.at.clone()], Token)
    }

    fn start(&self, level: f64, h: &[f64], random: &mut Random, z: &mut [f64]) {
        self.function.start(level, h, random, &mut z[self.at.clone()]);
    }
}

/// `level(h) / x^exponent(h)`, where x is N/N0 or D/D0.
#[derive(Debug, Clone)]
pub(super) struct Term {
    pub(super) level: Part,
    pub(super) exponent: Part,
    /// Whether the scale is absorbed by the level, so that its coefficients are those of raw N or D.
    absorbs_scale: bool,
    pub(super) ln_scale: f64,
}

impl Term {
    fn value(&self, z: &[f64], x: f64, h: &[f64]) -> f64 {
        if x == f64::INFINITY {
            return 0.0;
        }
        let ln_x = x.ln() - self.ln_scale;
        self.level.value(z, h) * (-self.exponent.value(z, h) * ln_x).exp()
    }

    /// Adds the gradient in z and h to `out`; returns the value and its derivative in ln x.
    fn add_gradient(&self, z: &[f64], x: f64, h: &[f64], out: &mut Gradient) -> (f64, f64) {
        if x == f64::INFINITY {
            return (0.0, 0.0);
        }
        let ln_x = x.ln() - self.ln_scale;
        let exponent = self.exponent.value(z, h);
        let power = (-exponent * ln_x).exp();
        let value = self.level.value(z, h) * power;
        self.level.add_gradient(z, h, power, out);
        self.exponent.add_gradient(z, h, -value * ln_x, out);
        (value, -exponent * value)
    }
}

impl Term {
    /// What is left of the term at one x: a positive multiple of the level where the exponent is
    /// constant. Nothing at infinity.
    fn at<'a>(
        &'a self,
        z: &'a [f64],
        x: f64,
        k: usize,
    ) -> Option<(f64, Box<dyn MixtureFunction + 'a>)> {
        if x == f64::INFINITY {
            return None;
        }
        let ln_x = x.ln() - self.ln_scale;
        let level = self.level.at_coordinates(z);
        if self.exponent.function.is_constant() {
            let exponent = self.exponent.value(z, &[]);
            return Some(((-exponent * ln_x).exp(), level));
        }
        let exponent = self.exponent.at_coordinates(z);
        let slopes = [vec![0.0; k], vec![0.0; k]];
        Some((1.0, Box::new(PowerTerm { level, exponent, ln_x, slopes })))
    }
}

/// A part of a formula, in parentheses if one of these stands outside of all that it has.
fn grouped(text: String, separators: &[&str]) -> String {
    let mut depth = 0;
    let is_apart = text.char_indices().any(|(i, c)| {
        depth += i32::from("([".contains(c)) - i32::from(")]".contains(c));
        depth == 0 && separators.iter().any(|separator| text[i..].starts_with(separator))
    });
    if is_apart { format!("({text})") } else { text }
}

/// [`Coordinate::over_n`] or [`Coordinate::over_d`], with the name of the exponent.
type Over = fn(Coordinate, &'static str) -> Coordinate;

/// Chooses the five coefficient functions of a [`PowerLaw`]; made by [`PowerLaw::builder`].
#[derive(Debug, Clone)]
pub struct PowerLawBuilder {
    name: String,
    domains: Result<Vec<String>, Error>,
    scale: Scale,
    bias: Option<Arc<dyn CoefficientFn>>,
    n_term: Option<[Arc<dyn CoefficientFn>; 2]>,
    d_term: Option<[Arc<dyn CoefficientFn>; 2]>,
    settings: LawSettings,
}

impl PowerLawBuilder {
    /// The reference scales N0 and D0; by default 1. See [`Sweep::scale`](crate::Sweep::scale).
    #[must_use]
    pub fn scale(self, scale: Scale) -> Self {
        Self { scale, ..self }
    }

    /// E(h).
    #[must_use]
    pub fn bias(self, e: impl CoefficientFn + 'static) -> Self {
        Self { bias: Some(Arc::new(e)), ..self }
    }

    /// A(h) and alpha(h).
    #[must_use]
    pub fn n_term(
        self,
        a: impl CoefficientFn + 'static,
        alpha: impl CoefficientFn + 'static,
    ) -> Self {
        Self { n_term: Some([Arc::new(a), Arc::new(alpha)]), ..self }
    }

    /// B(h) and beta(h).
    #[must_use]
    pub fn d_term(
        self,
        b: impl CoefficientFn + 'static,
        beta: impl CoefficientFn + 'static,
    ) -> Self {
        Self { d_term: Some([Arc::new(b), Arc::new(beta)]), ..self }
    }

    /// What [`ScalingLaw::settings`] says.
    pub(super) fn settings(self, settings: LawSettings) -> Self {
        Self { settings, ..self }
    }

    /// The law.
    ///
    /// # Errors
    /// If a domain has no name or one that appears twice, a scale is not a positive
    /// number, there is no E(h), or two coefficients have the same name.
    pub fn build(self) -> Result<PowerLaw, Error> {
        let domains = self.domains?;
        let bias = self.bias.ok_or_else(|| ErrorKind::Composition {
            part: format!("the {} law", cut(&self.name)),
            problem: "has no bias term E(h)".to_owned(),
        })?;
        let mut list: Vec<Coordinate> = Vec::new();
        let mut part =
            |symbol, function: Arc<dyn CoefficientFn>, over: Option<(Over, &'static str)>| {
                let own = function.coordinates(symbol, &domains);
                let at = list.len()..list.len() + own.len();
                list.extend(own.into_iter().map(|c| match over {
                    Some((over, exponent)) if c.is_level() => over(c, exponent),
                    _ => c,
                }));
                Part { symbol, function, at }
            };
        let bias = part("E", bias, None);
        let mut term = |functions: Option<[Arc<dyn CoefficientFn>; 2]>,
                        over: Over,
                        symbols: [_; 2],
                        scale: f64| {
            functions.map(|[level, exponent]| {
                let has_level =
                    level.coordinates(symbols[0], &domains).iter().any(Coordinate::is_level);
                // The level is over a power with this exponent, which has to have a name.
                let own = exponent.coordinates(symbols[1], &domains);
                let is_named = own.iter().any(|c| c.name() == symbols[1]);
                let absorbs_scale = exponent.is_constant() && is_named && has_level;
                let level = part(symbols[0], level, absorbs_scale.then_some((over, symbols[1])));
                let exponent = part(symbols[1], exponent, None);
                Term { level, exponent, absorbs_scale, ln_scale: scale.ln() }
            })
        };
        let n_term = term(self.n_term, |c, alpha| c.over_n(alpha), ["A", "alpha"], self.scale.n);
        let d_term = term(self.d_term, |c, beta| c.over_d(beta), ["B", "beta"], self.scale.d);
        let coordinates = Coordinates::new(list, self.scale)?;
        Ok(PowerLaw {
            name: self.name,
            domains,
            coordinates,
            settings: self.settings,
            bias,
            n_term,
            d_term,
        })
    }
}

impl PowerLaw {
    /// Starts to compose a law for these domains.
    #[must_use]
    pub fn builder(name: &str, domains: &[impl AsRef<str>]) -> PowerLawBuilder {
        PowerLawBuilder {
            name: name.to_owned(),
            domains: check_domains(domains),
            scale: Scale::ONE,
            bias: None,
            n_term: None,
            d_term: None,
            settings: LawSettings::default(),
        }
    }

    fn check_lengths(&self, z: &[f64], h: &[f64]) {
        assert!(
            z.len() == self.coordinates.len() && h.len() == self.domains.len(),
            "one value for each coordinate and each domain"
        );
    }

    /// The terms that are there, with the letter of their variable.
    fn terms(&self) -> impl Iterator<Item = (char, &Term)> {
        let named = [('N', self.n_term.as_ref()), ('D', self.d_term.as_ref())];
        named.into_iter().filter_map(|(x, term)| Some((x, term?)))
    }

    fn parts(&self) -> impl Iterator<Item = &Part> {
        self.numbered_parts().map(|(_, part)| part)
    }

    /// The parts that are there, with their number among E, A, alpha, B and beta.
    pub(super) fn numbered_parts(&self) -> impl Iterator<Item = (usize, &Part)> {
        let terms = [(1, &self.n_term), (3, &self.d_term)];
        let of_terms = terms.into_iter().flat_map(|(first, term)| {
            term.iter().flat_map(move |t| [(first, &t.level), (first + 1, &t.exponent)])
        });
        std::iter::once((0, &self.bias)).chain(of_terms)
    }
}

impl ScalingLaw for PowerLaw {
    fn name(&self) -> &str {
        &self.name
    }

    fn domains(&self) -> &[String] {
        &self.domains
    }

    fn coordinates(&self) -> &Coordinates {
        &self.coordinates
    }

    fn loss(&self, z: &[f64], at: Scale, h: &[f64]) -> f64 {
        let Scale { n, d } = at;
        self.check_lengths(z, h);
        let term = |term: &Option<Term>, x| term.as_ref().map_or(0.0, |t| t.value(z, x, h));
        self.bias.value(z, h) + term(&self.n_term, n) + term(&self.d_term, d)
    }

    fn gradient(&self, z: &[f64], at: Scale, h: &[f64], out: &mut Gradient) -> f64 {
        let Scale { n, d } = at;
        self.check_lengths(z, h);
        out.z.fill(0.0);
        out.h.fill(0.0);
        self.bias.add_gradient(z, h, 1.0, out);
        let mut term = |term: &Option<Term>, x| {
            term.as_ref().map_or((0.0, 0.0), |t| t.add_gradient(z, x, h, out))
        };
        let (n_value, log_n) = term(&self.n_term, n);
        let (d_value, log_d) = term(&self.d_term, d);
        (out.log_n, out.log_d) = (log_n, log_d);
        self.bias.value(z, h) + n_value + d_value
    }

    fn coefficients(&self, z: &[f64]) -> Vec<(String, f64)> {
        let values = self.coordinates.coefficients(z);
        let names = self.coordinates.iter().map(|c| c.name().to_owned());
        let mut all: Vec<(String, f64)> = names.zip(values.iter().copied()).collect();
        for part in self.parts() {
            all.extend(part.function.derived(part.symbol, &self.domains, &values[part.at.clone()]));
        }
        let scale = self.coordinates.scale();
        for (x, _) in self.terms().filter(|(_, term)| !term.absorbs_scale) {
            all.push(if x == 'N' {
                ("N0".to_owned(), scale.n)
            } else {
                ("D0".to_owned(), scale.d)
            });
        }
        all
    }

    /// Takes the coefficients that [`ScalingLaw::coefficients`] lists; where all that a coefficient
    /// function needs are missing, its printed form: `gamma_A` and `ln_C_A[domain]` for `q_A` and
    /// `ln_v_A[domain]`. Others that follow from these are accepted and not read.
    fn coordinates_of(&self, coefficients: &[(&str, f64)]) -> Result<Vec<f64>, Error> {
        no_repeats("coefficient", coefficients)?;
        let given: HashMap<&str, f64> = coefficients.iter().copied().collect();
        let get = |name: &str| given.get(name).copied();
        let mut values = vec![f64::NAN; self.coordinates.len()];
        let mut known = vec!["N0".to_owned(), "D0".to_owned()];
        for part in self.parts() {
            let own = part.function.coordinates(part.symbol, &self.domains);
            let resolved = part.function.resolve(part.symbol, &self.domains, &get);
            let found = resolved.ok_or_else(|| {
                let missing = own.iter().find(|c| get(c.name()).is_none());
                missing_coefficient(&self.name, missing.map_or("", |c| c.name()), coefficients)
            })?;
            known.extend(own.iter().map(|c| c.name().to_owned()));
            let derived = part.function.derived(part.symbol, &self.domains, &found);
            known.extend(derived.into_iter().map(|(name, _)| name));
            values[part.at.clone()].copy_from_slice(&found);
        }
        let is_known: HashSet<&str> = known.iter().map(String::as_str).collect();
        if let Some((name, _)) = coefficients.iter().find(|(name, _)| !is_known.contains(name)) {
            return Err(unknown_coefficient(&self.name, name, known));
        }
        let scale = self.coordinates.scale();
        for (name, own) in [("N0", scale.n), ("D0", scale.d)] {
            if let Some(value) = get(name).filter(|value| *value != own) {
                let expected = "the reference scale of the law, which is part of it";
                return Err(bad_coefficient(name, value, expected));
            }
        }
        self.coordinates.from_coefficients(&values)
    }

    fn formula(&self, z: &[f64]) -> String {
        let values = self.coordinates.coefficients(z);
        let text = |part: &Part| {
            part.function.formula(part.symbol, &self.domains, &values[part.at.clone()])
        };
        let mut out = format!("L = {}", text(&self.bias));
        for (x, term) in self.terms() {
            let (level, exponent) = (text(&term.level), text(&term.exponent));
            let level = grouped(level, &[" + ", " - "]);
            let exponent = grouped(exponent, &[" ", "/"]);
            let base = if term.absorbs_scale {
                x.to_string()
            } else {
                format!("({x}/{})", number(term.ln_scale.exp()))
            };
            out.push_str(&format!(" + {level} / {base}^{exponent}"));
        }
        out
    }

    fn settings(&self) -> LawSettings {
        self.settings.clone()
    }

    fn start(&self, data: &StartData<'_>, random: &mut Random) -> Vec<f64> {
        let mut z = vec![0.0; self.coordinates.len()];
        let floor = random.uniform(0.3..0.95) * data.least_loss;
        let rest = (data.median_loss - floor).max(0.05 * data.median_loss);
        let mut share = || random.exponential();
        let shares = [share(), share(), share()];
        let total = shares[0]
            + self.n_term.as_ref().map_or(0.0, |_| shares[1])
            + self.d_term.as_ref().map_or(0.0, |_| shares[2]);
        self.bias.start(floor + rest * shares[0] / total, data.mixture, random, &mut z);
        for (term, share) in [(&self.n_term, shares[1]), (&self.d_term, shares[2])] {
            if let Some(term) = term {
                term.exponent.start(random.uniform(0.1..0.8), data.mixture, random, &mut z);
                term.level.start(rest * share / total, data.mixture, random, &mut z);
            }
        }
        z
    }

    /// E(h) is about .6 of the least loss, each other term about .2 of it at the reference scale, and alpha
    /// and beta are about .35.
    fn prior(&self, data: &StartData<'_>) -> Prior {
        let of = |part: &Part, value: f64, deviation: f64| {
            part.function.prior(part.symbol, &self.domains, Typical { value, deviation })
        };
        let least = data.least_loss;
        self.terms().fold(of(&self.bias, 0.6 * least, 0.7), |prior, (_, term)| {
            prior.and(of(&term.level, 0.2 * least, 1.5)).and(of(&term.exponent, 0.35, 0.5))
        })
    }

    fn batch<'a>(&'a self, points: Points<'a>) -> Box<dyn Batch + 'a> {
        Box::new(Grouped::new(self, points))
    }

    fn at_scale<'a>(&'a self, z: &'a [f64], at: Scale, _: Token) -> Box<dyn MixtureFunction + 'a> {
        let Scale { n, d } = at;
        assert_eq!(z.len(), self.coordinates.len(), "one value for each coordinate");
        let k = self.domains.len();
        let terms = [(&self.n_term, n), (&self.d_term, d)];
        let of_terms = terms.into_iter().filter_map(|(term, x)| term.as_ref()?.at(z, x, k));
        Box::new(Sum(std::iter::once((1.0, self.bias.at_coordinates(z))).chain(of_terms).collect()))
    }

    fn check(&self, at: Scale, h: &[f64]) -> Result<(), Error> {
        check_point(self.domains.len(), at, h)?;
        let lacking = |part: &Part| part.function.infinite_without().filter(|&i| h[i] == 0.0);
        match self.parts().find_map(lacking) {
            None => Ok(()),
            Some(i) => Err(infinite(&self.name, &self.domains[i])),
        }
    }
}
