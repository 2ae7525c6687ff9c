//! Designs from a budget, sizes and domains.

use super::spread::{check_natural, spread};
use super::{Design, Group};
use crate::error::{Error, ErrorKind, short};
use crate::streams::{self, Kind};
use crate::sweep::{check_names, owned};

/// No design has more: their spread takes time.
const MOST_MIXTURES: usize = 1000;
const MOST_DOMAINS: usize = 100;

/// Sizes where none are given, each half of the next.
const SIZES: i32 = 4;

/// A [`Design`] to be made; by [`Design::builder`].
#[derive(Debug, Clone)]
pub struct DesignBuilder {
    domains: Vec<String>,
    unique: Vec<(String, f64)>,
    natural: Option<(Vec<f64>, f64)>,
    sizes: Vec<f64>,
    flops: Option<f64>,
    runs: Option<usize>,
    tokens_per_parameter: f64,
    checkpoints: usize,
    decaying: bool,
    matched: Option<f64>,
    targets: Vec<String>,
    seed: u64,
}

impl Design {
    /// A builder of a design for these domains, at least two.
    ///
    /// It needs a budget ([`flops`](DesignBuilder::flops)) or [`sizes`](DesignBuilder::sizes). What is not
    /// given follows:
    ///
    /// | given | mixtures | sizes |
    /// |---|---|---|
    /// | `flops` | 3 for each domain, 8 at least | four, each half of the next, as large as the budget allows |
    /// | `flops`, `runs` | as many as the runs allow | the same |
    /// | `sizes` | 3 for each domain, 8 at least | as given |
    /// | `sizes`, with `flops`, `runs` or both | as many as these allow | as given |
    #[must_use]
    pub fn builder(domains: &[impl AsRef<str>]) -> DesignBuilder {
        DesignBuilder {
            domains: owned(domains),
            unique: Vec::new(),
            natural: None,
            sizes: Vec::new(),
            flops: None,
            runs: None,
            tokens_per_parameter: 20.0,
            checkpoints: 4,
            decaying: false,
            matched: None,
            targets: Vec::new(),
            seed: 0,
        }
    }
}

impl DesignBuilder {
    /// How many tokens there are of some domains, U, each once: what epochs are counted against.
    #[must_use]
    pub fn unique_tokens(self, tokens: &[(&str, f64)]) -> Self {
        let unique = tokens.iter().map(|&(domain, tokens)| (domain.to_owned(), tokens)).collect();
        Self { unique, ..self }
    }

    /// Spreads the mixtures around a natural one, such as the shares of the tokens that there are, in place
    /// of over the whole simplex. The candidates have a natural weight w as mean and
    /// `sqrt(w (1 - w) / (concentration + 1))` as standard deviation. The simplex is the uniform mixture
    /// with a concentration of the number of domains.
    ///
    /// ```
    /// use mixlaw::design::Design;
    ///
    /// let there_are = [("web", 2e12), ("code", 3e11), ("books", 5e10)];
    /// let all: f64 = there_are.iter().map(|(_, tokens)| tokens).sum();
    /// let natural = there_are.map(|(_, tokens)| tokens / all);
    /// let builder = Design::builder(&["web", "code", "books"]).unique_tokens(&there_are).flops(1e20);
    /// let books = |design: Design| design.mixtures().iter().map(|h| h[2]).fold(0.0, f64::max);
    /// assert!(books(builder.clone().narrow(&natural, 20.0).build()?) < 0.4);
    /// assert!(books(builder.build()?) > 0.7);
    /// # Ok::<(), mixlaw::Error>(())
    /// ```
    #[must_use]
    pub fn narrow(self, natural: &[f64], concentration: f64) -> Self {
        Self { natural: Some((natural.to_vec(), concentration)), ..self }
    }

    /// The model sizes N in parameters, three or more: two cannot tell the exponent of N from the floor.
    #[must_use]
    pub fn sizes(self, sizes: &[f64]) -> Self {
        Self { sizes: sizes.to_vec(), ..self }
    }

    /// The most that all runs may cost together: the sum of 6 N D.
    #[must_use]
    pub fn flops(self, flops: f64) -> Self {
        Self { flops: Some(flops), ..self }
    }

    /// The most runs.
    #[must_use]
    pub fn runs(self, runs: usize) -> Self {
        Self { runs: Some(runs), ..self }
    }

    /// D over N at the end of a run; 20 unless set.
    #[must_use]
    pub fn tokens_per_parameter(self, tokens: f64) -> Self {
        Self { tokens_per_parameter: tokens, ..self }
    }

    /// How many D there are at each size, each half of the next; 4 unless set. With sizes that are half of
    /// the next too, neighbouring sizes share all of them but one, and N and D vary apart.
    #[must_use]
    pub fn checkpoints(self, count: usize) -> Self {
        Self { checkpoints: count, ..self }
    }

    /// Makes each D a run of its own, with a schedule that ends there: for learning rates that decay, where
    /// a checkpoint in the middle is not what training to that D would give. Runs that end early cost
    /// their own tokens.
    ///
    /// ```
    /// use mixlaw::design::Design;
    ///
    /// let builder = Design::builder(&["web", "code"]).sizes(&[1e7, 2e7, 4e7]).checkpoints(2);
    /// let constant = builder.clone().build()?;
    /// let decaying = builder.decaying_schedule().build()?;
    /// assert_eq!(decaying.runs().len(), 2 * constant.runs().len());
    /// assert_eq!(decaying.checkpoints().len(), constant.checkpoints().len());
    /// assert!((decaying.flops() / constant.flops() - 1.5).abs() < 1e-12);
    /// # Ok::<(), mixlaw::Error>(())
    /// ```
    #[must_use]
    pub fn decaying_schedule(self) -> Self {
        Self { decaying: true, ..self }
    }

    /// Has each run draw from a part of each domain, so that it repeats the domain as often as a run of
    /// `tokens` tokens with the same mixture will: [`Checkpoint::keep`](super::Checkpoint::keep) says how
    /// many tokens of it. Losses of small runs that never repeat what the large one repeats are too good
    /// where the domain is scarce, and so is its weight in the mixture that they choose.
    #[must_use]
    pub fn repetition_of(self, tokens: f64) -> Self {
        Self { matched: Some(tokens), ..self }
    }

    /// The targets: the table gets a column of empty cells for each of their losses.
    #[must_use]
    pub fn targets(self, targets: &[impl AsRef<str>]) -> Self {
        Self { targets: owned(targets), ..self }
    }

    /// The seed of the mixtures; 0 unless set.
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// The design.
    ///
    /// # Errors
    /// [`ErrorKind::Empty`] if there is neither a budget nor a size, or repetition is to be matched of no
    /// domain; [`ErrorKind::Setting`] if a number is out of its range, the budget or the runs do not allow
    /// one mixture more than there are domains, or they allow more than 1,000; [`ErrorKind::Unknown`] or
    /// [`ErrorKind::Repeated`] if the tokens are of no domain or of one twice; [`ErrorKind::Length`] if the
    /// natural mixture is of other domains; [`ErrorKind::Name`] for a name that would not survive a file.
    /// Numbers of a domain are named by it.
    ///
    /// ```
    /// use mixlaw::design::Design;
    ///
    /// let builder = Design::builder(&["web", "code"]).sizes(&[1e7, 2e7, 4e7]);
    /// let error = builder.unique_tokens(&[("web", 1e12), ("code", -1.0)]).build().unwrap_err();
    /// assert_eq!(error.to_string(), "the tokens of domain `code` is -1, expected a number from 1 to 1e30");
    /// ```
    pub fn build(mut self) -> Result<Design, Error> {
        self.check()?;
        let unique = self.unique_by_domain()?;
        let (sizes, count) = self.sizes_and_mixtures()?;
        let groups = self.groups(&sizes, count);
        self.check_matched(&unique, &groups)?;
        let k = self.domains.len();
        let (natural, concentration) =
            self.natural.take().unwrap_or_else(|| (vec![1.0 / k as f64; k], k as f64));
        check_natural(&natural, &self.domains)?;
        let seed = streams::seed(self.seed, Kind::Design, 1);
        let mixtures = spread(&natural, concentration, count, seed)?;
        let Self { domains, targets, matched, .. } = self;
        Ok(Design { domains, targets, unique, matched, mixtures, groups })
    }

    fn check(&self) -> Result<(), Error> {
        let k = self.domains.len();
        if !(2..=MOST_DOMAINS).contains(&k) {
            return Err(Error::setting("the number of domains", k as f64, "from 2 to 100"));
        }
        check_names("domain", &self.domains)?;
        if !self.targets.is_empty() {
            check_names("target", &self.targets)?;
        }
        let positive = |name: &str, value: Option<f64>| match value {
            Some(value) if !(value.is_finite() && value > 0.0) => {
                Err(Error::setting(name, value, "a finite number > 0"))
            }
            _ => Ok(()),
        };
        positive("flops", self.flops)?;
        positive("repetition_of", self.matched)?;
        within(
            "tokens_per_parameter",
            self.tokens_per_parameter,
            1e-3,
            1e6,
            "a number from 1e-3 to 1e6",
        )?;
        if !(2..=20).contains(&self.checkpoints) {
            return Err(Error::setting("checkpoints", self.checkpoints as f64, "from 2 to 20"));
        }
        self.check_sizes()
    }

    fn check_sizes(&self) -> Result<(), Error> {
        if self.sizes.is_empty() {
            let part = "of a budget (flops) and sizes";
            return match self.flops {
                Some(_) => Ok(()),
                None => Err(ErrorKind::Empty { what: "a design", part }.into()),
            };
        }
        for (i, &n) in self.sizes.iter().enumerate() {
            within("a size", n, 1.0, 1e20, "a number from 1 to 1e20")?;
            if self.sizes[..i].contains(&n) {
                return Err(Error::setting("a size", n, "each size once"));
            }
        }
        match self.sizes.len() {
            few @ 0..=2 => Err(Error::setting("the number of sizes", few as f64, "at least 3")),
            _ => Ok(()),
        }
    }

    /// The tokens that there are, in the order of the domains.
    fn unique_by_domain(&self) -> Result<Vec<Option<f64>>, Error> {
        let kind = "domain";
        let mut unique = vec![None; self.domains.len()];
        for (name, tokens) in &self.unique {
            let place = self.domains.iter().position(|domain| domain == name).ok_or_else(|| {
                ErrorKind::Unknown { kind, name: name.clone(), known: self.domains.clone() }
            })?;
            let what = format!("the tokens of domain `{name}`");
            within(&what, *tokens, 1.0, 1e30, "a number from 1 to 1e30")?;
            if unique[place].replace(*tokens).is_some() {
                return Err(ErrorKind::Repeated { kind, name: name.clone(), group: None }.into());
            }
        }
        Ok(unique)
    }

    fn check_matched(&self, unique: &[Option<f64>], groups: &[Group]) -> Result<(), Error> {
        let Some(large) = self.matched else { return Ok(()) };
        if unique.iter().all(Option::is_none) {
            let part = "domain with unique_tokens";
            return Err(ErrorKind::Empty { what: "repetition_of", part }.into());
        }
        let longest = groups.iter().map(Group::d).fold(0.0, f64::max);
        if large < longest {
            let name = format!("repetition_of (the longest run has D = {longest:e})");
            return Err(Error::setting(name, large, "at least that"));
        }
        Ok(())
    }

    /// The sizes in order, and how many mixtures there are.
    fn sizes_and_mixtures(&self) -> Result<(Vec<f64>, usize), Error> {
        let k = self.domains.len();
        let usual = (3 * k).max(8);
        if self.sizes.is_empty() {
            let unit: Vec<f64> = (1 - SIZES..=0).map(|power| 2f64.powi(power)).collect();
            let count = if self.runs.is_some() { self.most_mixtures(&unit)? } else { usual };
            return Ok((self.affordable(&unit, count)?, count));
        }
        let mut sizes = self.sizes.clone();
        sizes.sort_by(f64::total_cmp);
        let is_limited = self.flops.is_some() || self.runs.is_some();
        let count = if is_limited { self.most_mixtures(&sizes)? } else { usual };
        Ok((sizes, count))
    }

    /// As many mixtures as the runs allow, and the budget where the sizes are given.
    fn most_mixtures(&self, sizes: &[f64]) -> Result<usize, Error> {
        let sum = |count, of: fn(&Group) -> f64| -> f64 {
            self.groups(sizes, count).iter().map(of).sum()
        };
        let runs = |count| sum(count, |group| group.mixtures as f64);
        let flops = |count| sum(count, Group::flops);
        let budget = self.flops.filter(|_| !self.sizes.is_empty());
        let limits: [(_, _, &dyn Fn(usize) -> f64); 2] =
            [("runs", self.runs.map(|runs| runs as f64), &runs), ("flops", budget, &flops)];
        let limits: Vec<_> =
            limits.into_iter().filter_map(|(name, most, of)| Some((name, most?, of))).collect();
        let least = self.domains.len() + 1;
        for (name, most, of) in &limits {
            if of(least) > *most {
                let name = format!("{name} ({least} mixtures need {})", short(of(least)));
                let expected = "enough for one mixture more than there are domains";
                return Err(Error::setting(name, *most, expected));
            }
        }
        let fits = |&count: &usize| limits.iter().all(|(_, most, of)| of(count) <= *most);
        match (least..=MOST_MIXTURES + 1).take_while(fits).last() {
            Some(count) if count > MOST_MIXTURES => {
                let (name, most, _) = limits[0];
                Err(Error::setting(name, most, "no more than 1000 mixtures need"))
            }
            count => Ok(count.unwrap_or(least)),
        }
    }

    /// These sizes times what the budget allows, rounded down to two digits.
    fn affordable(&self, unit: &[f64], count: usize) -> Result<Vec<f64>, Error> {
        let flops = self.flops.unwrap_or(0.0);
        // Every cost is that of the unit times the square of the factor.
        let of_unit: f64 = self.groups(unit, count).iter().map(Group::flops).sum();
        let largest = two_digits((flops / of_unit).sqrt());
        let smallest = largest * unit[0];
        if smallest < 1.0 {
            let expected = "enough for models of one parameter";
            return Err(Error::setting("flops", flops, expected));
        }
        Ok(unit.iter().map(|size| size * largest).collect())
    }

    /// The runs of these sizes, in order: the smallest trains all mixtures, the largest a third, and those
    /// between what is between.
    fn groups(&self, sizes: &[f64], count: usize) -> Vec<Group> {
        let steps = sizes.len() - 1;
        let mut groups = Vec::new();
        for (i, &n) in sizes.iter().enumerate() {
            let mixtures = (count * (3 * steps - 2 * i)).div_ceil(3 * steps).max(2).min(count);
            let d = self.tokens_per_parameter * n;
            let tokens =
                (0..self.checkpoints).rev().map(|halvings| d / f64::from(1u32 << halvings));
            if self.decaying {
                groups.extend(tokens.map(|d| Group { n, tokens: vec![d], mixtures }));
            } else {
                groups.push(Group { n, tokens: tokens.collect(), mixtures });
            }
        }
        groups
    }
}

fn within(
    name: &str,
    value: f64,
    low: f64,
    high: f64,
    expected: &'static str,
) -> Result<(), Error> {
    if (low..=high).contains(&value) { Ok(()) } else { Err(Error::setting(name, value, expected)) }
}

/// The number with the first two of its digits.
fn two_digits(x: f64) -> f64 {
    let text = format!("{x:e}");
    let Some((digits, power)) = text.split_once('e') else { return x };
    let first: String = digits.chars().take(3).collect();
    format!("{first}e{power}").parse().unwrap_or(x)
}
