//! The flags that several subcommands take, and how the value of any flag is read.

use std::ffi::OsString;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::Path;
use std::str::FromStr;

use mixlaw::Scale;
use mixlaw::fit::PriorStrength;
use mixlaw::law::{self, LawSettings};
use mixlaw::sweep::SweepReader;

use crate::Result;
use crate::reading;
use crate::schedule::{self, Schedule};

/// A flag, and its lines in the help.
type Shared = (&'static str, &'static str);

/// The flags that a subcommand can take beside its own.
pub const SHARED: [Shared; 11] = [
    ("laws", "  --laws a,b              "),
    (
        "unique",
        "  --unique A=U,B=U        unique tokens of domains, for data-constrained [default: no domain runs out]",
    ),
    ("targets", "  --targets x,y           [default: all]"),
    (
        "optimizer",
        "  --optimizer NAME        trust-region, lbfgs, multi-start (L-BFGS from drawn starts) or
                          basin-hopping (over L-BFGS) [default: trust-region]",
    ),
    (
        "starts",
        "  --starts S              starts, or hops of basin-hopping
                          [default: 24; lbfgs 1; multi-start and basin-hopping 32]",
    ),
    (
        "coefficient-prior",
        "  --coefficient-prior none|auto|NATS
                          how much what is believed of coefficients before the runs counts: auto by the
                          size of the residuals, NATS as if rows were off by so many
                          [default: auto for decide, sure and next-runs, otherwise none]",
    ),
    ("gamma", "  --gamma any|positive    sign of a linear power's exponent [default: any]"),
    ("seed", "  --seed S                [default: 0]"),
    (
        "at",
        "  --at N,D                parameters and tokens to choose the mixtures for
                          [default: the largest of the train and eval rows]",
    ),
    (
        "weights",
        "  --weights x=1,y=2       choose one mixture for this weighted sum of targets [default: the mean of
                          the targets that are domains (of all, if none is), and each other alone]",
    ),
    (
        "json",
        "  --json OUT              write what came out as JSON too; - prints it in place of the table",
    ),
];

/// The help of these flags, of `--help`, which all subcommands take, and of the file where one is read.
pub fn help(names: &[&str], default_laws: &str, reads: bool) -> String {
    let file = "  SWEEP.csv               columns run, split, n_params, n_tokens, h_<domain>..., loss_<target>...\n";
    let of_files = (file, reading::HELP, schedule::HELP);
    let (file, reading, schedule) = if reads { of_files } else { ("", "", "") };
    let mut text = file.to_owned();
    for (name, lines) in SHARED.into_iter().filter(|(name, _)| names.contains(name)) {
        text += lines;
        if name == "laws" {
            text += &wrapped_laws();
            text += &format!("{INDENT}[default: {default_laws}]");
        }
        text.push('\n');
    }
    text + "  --help\n" + reading + schedule
}

/// Where a flag's explanation begins, on a line of its own.
const INDENT: &str = "\n                          ";

/// The names of all laws, on lines of some 100 characters.
fn wrapped_laws() -> String {
    let (mut text, mut column) = (String::new(), 0);
    for (i, law) in law::built_in().iter().enumerate() {
        if i > 0 {
            text.push(',');
            let fits = column + law.name().len() < 70;
            text.push_str(if fits { " " } else { INDENT });
            column = if fits { column } else { 0 };
        }
        text.push_str(law.name());
        column += law.name().len() + 2;
    }
    text
}

const OPTIMIZERS: [&str; 4] = ["trust-region", "lbfgs", "multi-start", "basin-hopping"];

/// What the command line says, of the flags in [`SHARED`].
#[derive(Debug, Clone)]
pub struct Flags {
    /// Of the files that are read as one sweep.
    pub paths: Vec<String>,
    pub reader: SweepReader,
    pub schedule: Schedule,
    pub laws: Option<Vec<String>>,
    pub unique: Vec<(String, f64)>,
    pub targets: Option<Vec<String>>,
    pub optimizer: String,
    pub starts: Option<usize>,
    pub coefficient_prior: Option<PriorStrength>,
    pub positive_gamma: bool,
    pub seed: u64,
    pub at: Option<Scale>,
    pub weights: Option<Vec<(String, f64)>>,
    pub json: Option<String>,
}

impl Default for Flags {
    fn default() -> Self {
        Self {
            paths: Vec::new(),
            reader: SweepReader::new(),
            schedule: Schedule::default(),
            laws: None,
            unique: Vec::new(),
            targets: None,
            optimizer: OPTIMIZERS[0].to_owned(),
            starts: None,
            coefficient_prior: None,
            positive_gamma: false,
            seed: 0,
            at: None,
            weights: None,
            json: None,
        }
    }
}

impl Flags {
    /// Takes one of [`SHARED`]; false if there is no such flag.
    ///
    /// # Errors
    /// If the value is not one that the flag can have.
    pub fn take(&mut self, flag: &str, value: &mut dyn FnMut() -> Result<Given>) -> Result<bool> {
        match flag {
            "laws" => self.laws = Some(value()?.names()?),
            "unique" => self.unique = value()?.weights("DOMAIN=TOKENS", Given::positive)?,
            "targets" => self.targets = Some(value()?.names()?),
            "optimizer" => self.optimizer = value()?.one_of(&OPTIMIZERS)?.to_owned(),
            "starts" => self.starts = Some(value()?.count(1..=1_000_000)?),
            "coefficient-prior" => self.coefficient_prior = Some(prior(&value()?)?),
            "gamma" => self.positive_gamma = value()?.one_of(&["any", "positive"])? == "positive",
            "seed" => self.seed = value()?.whole("a whole number from 0 to 2^64 - 1")?,
            "at" => self.at = Some(value()?.scale()?),
            "weights" => self.weights = Some(value()?.weights("TARGET=WEIGHT", Given::positive)?),
            "json" => self.json = Some(value()?.text),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Checks what can be known before the sweep is read.
    ///
    /// # Errors
    /// If a target has a weight and is not among the targets, or the JSON cannot be written where it
    /// is to be.
    pub fn check(&self) -> Result<()> {
        if let Some(targets) = &self.targets {
            let weighted = self.weights.iter().flatten();
            if let Some((target, _)) = weighted.into_iter().find(|(t, _)| !targets.contains(t)) {
                return Err(wrong(
                    "weights",
                    target,
                    format!("of --targets {}", targets.join(",")),
                ));
            }
        }
        match self.json.as_deref() {
            None | Some("-") => Ok(()),
            Some(path) => {
                // Known before hours of fits, not after.
                let folder = Path::new(path).parent().filter(|p| !p.as_os_str().is_empty());
                let is_file = !Path::new(path).is_dir() && folder.is_none_or(Path::is_dir);
                let expected = "a file in a folder that exists";
                if is_file { Ok(()) } else { Err(wrong("json", path, expected)) }
            }
        }
    }

    /// What laws are made with beside their target.
    pub fn law_settings(&self) -> LawSettings {
        let unique: Vec<(&str, f64)> = self.unique.iter().map(|(d, u)| (d.as_str(), *u)).collect();
        let settings = LawSettings::new().unique_tokens(&unique);
        if self.positive_gamma { settings.positive_gamma() } else { settings }
    }

    /// The laws asked for, or the ones given here.
    ///
    /// # Errors
    /// If the crate has no law of a name.
    pub fn laws_or(&self, default: &[&str]) -> Result<Vec<String>> {
        let known: Vec<&str> = law::built_in().iter().map(law::BuiltIn::name).collect();
        let Some(laws) = &self.laws else {
            return Ok(default.iter().map(|&name| name.to_owned()).collect());
        };
        one_of_each("laws", laws, &known)?;
        Ok(laws.clone())
    }
}

/// `none`, `auto`, or a number of nats.
fn prior(given: &Given) -> Result<PriorStrength> {
    match given.text.as_str() {
        "none" => Ok(PriorStrength::None),
        "auto" => Ok(PriorStrength::Residuals),
        text => {
            let wrong = || given.wrong(text, "none, auto, or a finite number of nats > 0");
            let nats: f64 = text.trim().parse().map_err(|_| wrong())?;
            let valid = nats.is_finite() && nats > 0.0;
            if valid { Ok(PriorStrength::Nats(nats)) } else { Err(wrong()) }
        }
    }
}

/// The mixture of `--against`, by name.
///
/// # Errors
/// If it is not of the right form.
pub fn against(given: Given) -> Result<(Given, Vec<(String, f64)>)> {
    let weights = given.weights("A=W,B=W", Given::number)?;
    Ok((given, weights))
}

/// An error about a part of what was given to a flag.
pub fn wrong(flag: &str, part: &str, expected: impl Display) -> Box<dyn std::error::Error> {
    format!("--{flag}: `{part}`, expected {expected}").into()
}

/// Checks that all names are known.
///
/// # Errors
/// For the first that is not.
pub fn one_of_each(flag: &str, names: &[String], known: &[impl AsRef<str>]) -> Result<()> {
    let known: Vec<&str> = known.iter().map(AsRef::as_ref).collect();
    match names.iter().find(|name| !known.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => {
            Err(format!("--{flag}: unknown `{name}`, expected one of: {}", known.join(", ")).into())
        }
    }
}

/// A flag and the value that was given to it.
#[derive(Debug, Clone)]
pub struct Given {
    /// Without its dashes.
    pub flag: String,
    pub text: String,
}

impl Given {
    /// # Errors
    /// If the value is not text.
    pub fn new(flag: &str, value: OsString) -> Result<Self> {
        let not_text = |value: OsString| wrong(flag, &value.to_string_lossy(), "text in UTF-8");
        Ok(Self { flag: flag.to_owned(), text: value.into_string().map_err(not_text)? })
    }

    /// The error that this part of the value is not as expected.
    pub fn wrong(&self, part: &str, expected: impl Display) -> Box<dyn std::error::Error> {
        wrong(&self.flag, part, expected)
    }

    /// A name or a part of one.
    ///
    /// # Errors
    /// If it is empty.
    pub fn name(&self) -> Result<&str> {
        let name = self.text.trim();
        if name.is_empty() { Err(self.wrong(name, "a name")) } else { Ok(name) }
    }

    fn parse<T: FromStr>(&self, part: &str, expected: &str) -> Result<T> {
        part.trim().parse().map_err(|_| self.wrong(part, expected))
    }

    /// A whole number of the type's range, which the text says.
    ///
    /// # Errors
    /// If it is not one.
    pub fn whole<T: FromStr>(&self, expected: &str) -> Result<T> {
        self.parse(&self.text, expected)
    }

    /// A whole number in a range.
    ///
    /// # Errors
    /// If it is not one.
    pub fn count(&self, range: RangeInclusive<usize>) -> Result<usize> {
        self.count_of(&self.text, range)
    }

    /// As [`Given::count`], for a part of the value.
    ///
    /// # Errors
    /// If it is not one.
    pub fn count_of(&self, part: &str, range: RangeInclusive<usize>) -> Result<usize> {
        let expected = format!("a whole number from {} to {}", range.start(), range.end());
        let count = self.parse(part, &expected)?;
        if range.contains(&count) { Ok(count) } else { Err(self.wrong(part, expected)) }
    }

    /// A number in this part of the value.
    ///
    /// # Errors
    /// If it is none, infinite or NaN.
    pub fn number(&self, part: &str) -> Result<f64> {
        let expected = "a finite number";
        let value: f64 = self.parse(part, expected)?;
        if value.is_finite() { Ok(value) } else { Err(self.wrong(part.trim(), expected)) }
    }

    /// A number above zero in this part of the value.
    ///
    /// # Errors
    /// If it is none, infinite or NaN, or not above zero.
    pub fn positive(&self, part: &str) -> Result<f64> {
        let expected = "a finite number > 0";
        let value: f64 = self.parse(part, expected)?;
        let valid = value.is_finite() && value > 0.0;
        if valid { Ok(value) } else { Err(self.wrong(part.trim(), expected)) }
    }

    /// A number above zero and below one.
    ///
    /// # Errors
    /// If it is not one.
    pub fn share(&self) -> Result<f64> {
        let expected = "a number between 0 and 1";
        let value: f64 = self.parse(&self.text, expected)?;
        if value > 0.0 && value < 1.0 { Ok(value) } else { Err(self.wrong(&self.text, expected)) }
    }

    /// One of several words.
    ///
    /// # Errors
    /// If it is none of them.
    pub fn one_of(&self, known: &[&str]) -> Result<&str> {
        one_of_each(&self.flag, std::slice::from_ref(&self.text), known)?;
        Ok(&self.text)
    }

    /// Names between commas.
    ///
    /// # Errors
    /// If one appears twice or is empty.
    pub fn names(&self) -> Result<Vec<String>> {
        let names: Vec<String> = self.text.split(',').map(|name| name.trim().to_owned()).collect();
        self.distinct(&names)?;
        Ok(names)
    }

    fn distinct(&self, names: &[String]) -> Result<()> {
        if names.iter().any(String::is_empty) {
            return Err(self.wrong(&self.text, "a name between two commas"));
        }
        match names.iter().enumerate().find(|(i, name)| names[..*i].contains(name)) {
            None => Ok(()),
            Some((_, name)) => Err(format!("--{}: `{name}` appears twice", self.flag).into()),
        }
    }

    /// `N,D`.
    ///
    /// # Errors
    /// If they are not two finite numbers above zero.
    pub fn scale(&self) -> Result<Scale> {
        let (n, d) = self.text.split_once(',').ok_or_else(|| self.wrong(&self.text, "N,D"))?;
        Ok(Scale { n: self.positive(n)?, d: self.positive(d)? })
    }

    /// The two sides of the first `=` or `:` in this part.
    ///
    /// # Errors
    /// If there is none.
    pub fn sides<'a>(
        &self,
        part: &'a str,
        between: char,
        expected: &str,
    ) -> Result<(&'a str, &'a str)> {
        let sides = part.split_once(between).ok_or_else(|| self.wrong(part, expected))?;
        Ok((sides.0.trim(), sides.1.trim()))
    }

    /// `A=W,B=W`: names with numbers.
    ///
    /// # Errors
    /// If it is not that, a name appears twice, or a number is none of these.
    pub fn weights(
        &self,
        expected: &str,
        number: fn(&Self, &str) -> Result<f64>,
    ) -> Result<Vec<(String, f64)>> {
        let one = |part: &str| -> Result<(String, f64)> {
            let (name, weight) = self.sides(part.trim(), '=', expected)?;
            let weight = number(self, weight).map_err(|error| format!("{error} for {name}"))?;
            Ok((name.to_owned(), weight))
        };
        let all = self.text.split(',').map(one).collect::<Result<Vec<_>>>()?;
        self.distinct(&all.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>())?;
        Ok(all)
    }
}
