//! Eq. (3), the form of every law of the paper, with any five coefficient functions.

use std::collections::{HashMap, HashSet};
use std::ops::{Range, RangeInclusive};
use std::sync::Arc;

use super::coefficient::number;
use super::coupling::{CoupledTerms, Coupling, Growth};
use super::grouped::Grouped;
use super::mixture_function::{MixtureFunction, PowerTerm, Sum};
use super::sealed::Token;
use super::{
    Batch, CoefficientFn, Constant, Coordinate, Coordinates, Gradient, LawSettings, Points, Prior,
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
    /// p, where the terms are coupled.
    pub(super) p: Option<Part>,
    /// delta, where B grows with N.
    pub(super) delta: Option<Part>,
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

    /// Adds `weight` times the gradient in z and h to `out`; returns the value and its derivative in ln x.
    fn add_gradient(
        &self,
        z: &[f64],
        x: f64,
        h: &[f64],
        weight: f64,
        out: &mut Gradient,
    ) -> (f64, f64) {
        if x == f64::INFINITY {
            return (0.0, 0.0);
        }
        let ln_x = x.ln() - self.ln_scale;
        let exponent = self.exponent.value(z, h);
        let power = (-exponent * ln_x).exp();
        let value = self.level.value(z, h) * power;
        self.level.add_gradient(z, h, weight * power, out);
        self.exponent.add_gradient(z, h, weight * (-value * ln_x), out);
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
    is_coupled: bool,
    grows: bool,
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

    /// Couples the terms of N and D by a power p in (0, 1]:
    ///
    /// ```text
    /// L = E(h) + (T_N^(1/p) + T_D^(1/p))^p,   T_N = A(h) / N^alpha(h),   T_D = B(h) / D^beta(h)
    /// ```
    ///
    /// p is one more coefficient: 1 is the sum of both terms, and the closer p is to 0 the more the larger
    /// term counts alone. It is searched for between 0.1 and 1, and believed to be about 0.6, within a
    /// factor of 1.5.
    ///
    /// Kaplan et al. (2020, eq. 1.5) have `L = ((N_c/N)^(alpha_N/alpha_D) + D_c/D)^alpha_D`. In general
    /// that is `(A'/N^a + B'/D^b)^p`, and the same formula with
    ///
    /// ```text
    /// A = A'^p,   alpha = a p,   B = B'^p,   beta = b p
    /// ```
    ///
    /// since `A'/N^a = (A/N^alpha)^(1/p)`. So alpha and beta are the exponents by which the loss falls
    /// where one term is all there is, A and B are in nats, and none of them moves with p: theirs are
    /// `alpha = alpha_N`, `beta = p = alpha_D`, `A = N_c^alpha_N`, `B = D_c^alpha_D`.
    ///
    /// For p <= 1 the coupled terms are the norm of order 1/p of (T_N, T_D), so that the loss is convex in
    /// h wherever both terms are.
    ///
    /// ```
    /// use mixlaw::Scale;
    /// use mixlaw::law::{Constant, PowerLaw, ScalingLaw};
    ///
    /// let law = PowerLaw::builder("coupled-chinchilla", &["web"])
    ///     .bias(Constant::level())
    ///     .n_term(Constant::level(), Constant::exponent())
    ///     .d_term(Constant::level(), Constant::exponent())
    ///     .coupled()
    ///     .build()?;
    /// let z = law.coordinates_of(&[
    ///     ("E", 1.5), ("A", 30.0), ("alpha", 0.5), ("B", 40.0), ("beta", 0.5), ("p", 0.5),
    /// ])?;
    /// // Terms of 0.003 and 0.004: the square root of the sum of their squares.
    /// let loss = law.loss(&z, Scale { n: 1e8, d: 1e8 }, &[1.0]);
    /// assert!((loss - 1.505).abs() < 1e-12);
    /// assert_eq!(law.formula(&z), "L = 1.500 + ((30.00 / N^0.5000)^(1/0.5000) + (40.00 / D^0.5000)^(1/0.5000))^0.5000");
    /// # Ok::<(), mixlaw::Error>(())
    /// ```
    #[must_use]
    pub fn coupled(self) -> Self {
        Self { is_coupled: true, ..self }
    }

    /// Multiplies the term of D by `(N/N0)^delta`: with delta > 0 a larger model is further from its limit
    /// after the same tokens. delta is one more coefficient, of either sign, believed to be 0 within 0.1. (In
    /// the law of Li et al., arXiv 2506.10972, both the coefficient and the exponent of D depend on N; this
    /// is a power of N for the coefficient alone.) N has to be finite unless D is infinite.
    ///
    /// ```
    /// use mixlaw::Scale;
    /// use mixlaw::law::{Constant, PowerLaw, ScalingLaw};
    ///
    /// let law = PowerLaw::builder("growing", &["web"])
    ///     .scale(Scale { n: 1e8, d: 1.0 })
    ///     .bias(Constant::level())
    ///     .d_term(Constant::level(), Constant::exponent())
    ///     .growing_b()
    ///     .build()?;
    /// let z = law.coordinates_of(&[("E", 1.5), ("B", 4e3), ("beta", 0.5), ("delta", 0.25)])?;
    /// // 4000 / 1e10^0.5 = 0.04, and 16 times the size at which it is that doubles it.
    /// let loss = law.loss(&z, Scale { n: 1.6e9, d: 1e10 }, &[1.0]);
    /// assert!((loss - 1.58).abs() < 1e-12);
    /// # Ok::<(), mixlaw::Error>(())
    /// ```
    #[must_use]
    pub fn growing_b(self) -> Self {
        Self { grows: true, ..self }
    }

    /// What [`ScalingLaw::settings`] says.
    pub(super) fn settings(self, settings: LawSettings) -> Self {
        Self { settings, ..self }
    }

    /// The law.
    ///
    /// # Errors
    /// If a domain has no name or one that appears twice, a scale is not a positive
    /// number, there is no E(h), terms that are coupled are not both there, B grows and is not there, or
    /// two coefficients have the same name.
    pub fn build(self) -> Result<PowerLaw, Error> {
        let domains = self.domains?;
        let lacks = |problem: &str| ErrorKind::Composition {
            part: format!("the {} law", cut(&self.name)),
            problem: problem.to_owned(),
        };
        let bias = self.bias.ok_or_else(|| lacks("has no bias term E(h)"))?;
        if self.is_coupled && (self.n_term.is_none() || self.d_term.is_none()) {
            return Err(lacks("couples two terms, of N and D, and has not both").into());
        }
        if self.grows && self.d_term.is_none() {
            return Err(lacks("has no term of D, whose B(h) could grow with N").into());
        }
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
        let p = self.is_coupled.then(|| part("p", Arc::new(Constant::within(P)), None));
        let delta = self.grows.then(|| part("delta", Arc::new(Growth), None));
        let coordinates = Coordinates::new(list, self.scale)?;
        Ok(PowerLaw {
            name: self.name,
            domains,
            coordinates,
            settings: self.settings,
            bias,
            n_term,
            d_term,
            p,
            delta,
        })
    }
}

/// p is searched for in this range.
const P: RangeInclusive<f64> = 0.1..=1.0;

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
            is_coupled: false,
            grows: false,
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

    /// The parts that are there, with their number among E, A, alpha, B, beta, p and delta.
    pub(super) fn numbered_parts(&self) -> impl Iterator<Item = (usize, &Part)> {
        let terms = [(1, &self.n_term), (3, &self.d_term)];
        let of_terms = terms.into_iter().flat_map(|(first, term)| {
            term.iter().flat_map(move |t| [(first, &t.level), (first + 1, &t.exponent)])
        });
        let options = [(5, self.p.as_ref()), (6, self.delta.as_ref())];
        let options = options.into_iter().filter_map(|(number, part)| Some((number, part?)));
        std::iter::once((0, &self.bias)).chain(of_terms).chain(options)
    }

    /// Whether the terms are more than a sum.
    pub(super) fn has_options(&self) -> bool {
        self.p.is_some() || self.delta.is_some()
    }

    /// p, which is 1 where the terms are not coupled.
    fn power(&self, z: &[f64]) -> f64 {
        self.p.as_ref().map_or(1.0, |p| p.value(z, &[]))
    }

    /// delta, ln(N/N0) and `(N/N0)^delta`.
    fn growth(&self, z: &[f64], n: f64) -> [f64; 3] {
        let delta = self.delta.as_ref().map_or(0.0, |delta| delta.value(z, &[]));
        let ln_n = n.ln() - self.coordinates.scale().n.ln();
        [delta, ln_n, if delta == 0.0 { 1.0 } else { (delta * ln_n).exp() }]
    }

    /// Both terms, the second with its growth, of a law with options; and that growth, which is nothing
    /// where there is nothing to grow.
    fn linked_terms(&self, z: &[f64], at: Scale, h: &[f64]) -> ([f64; 2], f64) {
        let term = |term: &Option<Term>, x| term.as_ref().map_or(0.0, |t| t.value(z, x, h));
        let (t_n, t_d) = (term(&self.n_term, at.n), term(&self.d_term, at.d));
        let growth = if t_d == 0.0 { 0.0 } else { self.growth(z, at.n)[2] };
        let grown = if growth == 0.0 { 0.0 } else { t_d * growth };
        ([t_n, grown], if grown == 0.0 { 0.0 } else { growth })
    }

    /// Adds the gradient of the terms of a law with options to `out`; returns their value.
    fn add_linked_gradient(&self, z: &[f64], at: Scale, h: &[f64], out: &mut Gradient) -> f64 {
        let (terms, growth) = self.linked_terms(z, at, h);
        let Coupling { value, by, by_p } = Coupling::of(terms, self.power(z));
        let mut add = |term: &Option<Term>, x, weight| {
            term.as_ref().map_or(0.0, |t| t.add_gradient(z, x, h, weight, out).1)
        };
        let (log_n, log_d) =
            (add(&self.n_term, at.n, by[0]), add(&self.d_term, at.d, by[1] * growth));
        (out.log_n, out.log_d) = (by[0] * log_n, by[1] * growth * log_d);
        if let Some(p) = &self.p {
            p.add_gradient(z, h, by_p, out);
        }
        if let Some(part) = self.delta.as_ref().filter(|_| terms[1] > 0.0) {
            let [delta, ln_n, _] = self.growth(z, at.n);
            out.log_n += by[1] * terms[1] * delta;
            part.add_gradient(z, h, by[1] * terms[1] * ln_n, out);
        }
        value
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
        if self.has_options() {
            let terms = self.linked_terms(z, at, h).0;
            return self.bias.value(z, h) + Coupling::of(terms, self.power(z)).value;
        }
        let term = |term: &Option<Term>, x| term.as_ref().map_or(0.0, |t| t.value(z, x, h));
        self.bias.value(z, h) + term(&self.n_term, n) + term(&self.d_term, d)
    }

    fn gradient(&self, z: &[f64], at: Scale, h: &[f64], out: &mut Gradient) -> f64 {
        let Scale { n, d } = at;
        self.check_lengths(z, h);
        out.z.fill(0.0);
        out.h.fill(0.0);
        self.bias.add_gradient(z, h, 1.0, out);
        if self.has_options() {
            return self.bias.value(z, h) + self.add_linked_gradient(z, at, h, out);
        }
        let mut term = |term: &Option<Term>, x| {
            term.as_ref().map_or((0.0, 0.0), |t| t.add_gradient(z, x, h, 1.0, out))
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
        if self.delta.is_some() && all.iter().all(|(name, _)| name != "N0") {
            all.push(("N0".to_owned(), scale.n));
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
        let mut terms = Vec::new();
        for (x, term) in self.terms() {
            let (level, exponent) = (text(&term.level), text(&term.exponent));
            let level = grouped(level, &[" + ", " - "]);
            let exponent = grouped(exponent, &[" ", "/"]);
            let base = if term.absorbs_scale {
                x.to_string()
            } else {
                format!("({x}/{})", number(term.ln_scale.exp()))
            };
            let growth = self.delta.as_ref().filter(|_| x == 'D').map_or(String::new(), |delta| {
                format!(" (N/{})^{}", number(self.coordinates.scale().n), text(delta))
            });
            terms.push(format!("{level}{growth} / {base}^{exponent}"));
        }
        if let Some(p) = &self.p {
            let p = text(p);
            let powers: Vec<String> = terms.iter().map(|t| format!("({t})^(1/{p})")).collect();
            terms = vec![format!("({})^{p}", powers.join(" + "))];
        }
        terms.iter().for_each(|term| out.push_str(&format!(" + {term}")));
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
        for (part, range) in [(&self.p, 0.3..1.0), (&self.delta, -0.1..0.1)] {
            if let Some(part) = part {
                part.start(random.uniform(range), data.mixture, random, &mut z);
            }
        }
        z
    }

    /// E(h) is about .6 of the least loss, each other term about .2 of it at the reference scale, alpha
    /// and beta are about .35, p is about .6 and delta about 0.
    fn prior(&self, data: &StartData<'_>) -> Prior {
        let of = |part: &Part, value: f64, deviation: f64| {
            part.function.prior(part.symbol, &self.domains, Typical { value, deviation })
        };
        let least = data.least_loss;
        let of_terms = self.terms().fold(of(&self.bias, 0.6 * least, 0.7), |prior, (_, term)| {
            prior.and(of(&term.level, 0.2 * least, 1.5)).and(of(&term.exponent, 0.35, 0.5))
        });
        let options = [(&self.p, 0.6, 0.4), (&self.delta, 0.0, 0.1)];
        options.into_iter().fold(of_terms, |prior, (part, value, deviation)| match part {
            Some(part) => prior.and(of(part, value, deviation)),
            None => prior,
        })
    }

    fn batch<'a>(&'a self, points: Points<'a>) -> Box<dyn Batch + 'a> {
        Box::new(Grouped::new(self, points))
    }

    fn at_scale<'a>(&'a self, z: &'a [f64], at: Scale, _: Token) -> Box<dyn MixtureFunction + 'a> {
        let Scale { n, d } = at;
        assert_eq!(z.len(), self.coordinates.len(), "one value for each coordinate");
        let k = self.domains.len();
        let terms = [(&self.n_term, n, 1.0), (&self.d_term, d, self.growth(z, n)[2])];
        let mut of_terms: Vec<(f64, Box<dyn MixtureFunction + 'a>)> = terms
            .into_iter()
            .filter_map(|(term, x, growth)| {
                let (factor, function) = term.as_ref()?.at(z, x, k)?;
                Some((factor * growth, function))
            })
            .collect();
        if self.p.is_some() && of_terms.len() == 2 {
            // Without the other, a term is what it is.
            if let (Some(of_d), Some(of_n)) = (of_terms.pop(), of_terms.pop()) {
                let both = CoupledTerms::new(self.power(z), [of_n, of_d], k);
                of_terms.push((1.0, Box::new(both)));
            }
        }
        Box::new(Sum(std::iter::once((1.0, self.bias.at_coordinates(z))).chain(of_terms).collect()))
    }

    fn check(&self, at: Scale, h: &[f64]) -> Result<(), Error> {
        check_point(self.domains.len(), at, h)?;
        if self.delta.is_some() && at.n.is_infinite() && at.d.is_finite() {
            let expected = "a finite number, because the term of D grows with N";
            return Err(Error::setting("N", at.n, expected));
        }
        let lacking = |part: &Part| part.function.infinite_without().filter(|&i| h[i] == 0.0);
        match self.parts().find_map(lacking) {
            None => Ok(()),
            Some(i) => Err(infinite(&self.name, &self.domains[i])),
        }
    }
}
