//! TEMPORARY: the enums that are being replaced by `Error`.
#![allow(missing_docs)]
use crate::error::{Error, ErrorKind, cut, list, listed, short};

/// A setting out of its range, found by the call that uses it.
///
/// Setters take every value, so that settings can be chained. The first call that would use one that
/// is out of its range returns this error: it names the setting, its value and the range.
///
/// ```
/// use mixlaw::law::ChinchillaLaw;
/// use mixlaw::{Fitter, Sweep};
///
/// let sweep = Sweep::new(&["web"], &["web"], &[1e8], &[1e9], &[1.0], &[3.0])?;
/// let fitter = Fitter::new().delta(-1.0);
/// let error = fitter.fit(ChinchillaLaw::for_sweep(&sweep), &sweep, "web").unwrap_err();
/// assert_eq!(error.to_string(), "delta is -1, expected a number > 0 (infinity is least squares)");
/// # Ok::<(), mixlaw::SweepError>(())
/// ```
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{name} is {}, expected {expected}", short(*value))]
#[non_exhaustive]
pub struct SettingError {
    /// The setting.
    pub name: String,
    /// Its value; that of a count is the number itself.
    pub value: f64,
    /// The values that it may have.
    pub expected: &'static str,
}

impl SettingError {
    /// For an [`Optimizer`](crate::optim::Optimizer) of your own, whose
    /// [`check`](crate::optim::Optimizer::check) returns it.
    ///
    /// ```
    /// use mixlaw::SettingError;
    ///
    /// let error = SettingError::new("hops", f64::NAN, "a number > 0");
    /// assert_eq!(error.to_string(), "hops is NaN, expected a number > 0");
    /// ```
    #[must_use]
    pub fn new(name: impl Into<String>, value: f64, expected: &'static str) -> Self {
        Self { name: name.into(), value, expected }
    }
}

/// A vector that is not a point of the simplex, or a design that has none.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MixtureError {
    #[error(transparent)]
    New(#[from] Error),
    /// There are no domains at all.
    #[error("a mixture needs at least one domain, got none")]
    Empty,
    /// A weight is negative, infinite or NaN.
    #[error("domain weight {index} is {value}, expected a finite number >= 0")]
    Weight {
        /// Position of the weight.
        index: usize,
        /// Its value.
        value: f64,
    },
    /// The weights do not sum to one.
    #[error("the domain weights sum to {sum}, expected 1 (within 1e-6)")]
    Sum {
        /// What they sum to.
        sum: f64,
    },
    /// Named weights do not match the domains one to one.
    #[error(
        "{problem} domain `{}`, expected exactly one weight for each of: {}",
        cut(name),
        list(expected)
    )]
    Name {
        /// `unknown`, `missing` or `repeated`.
        problem: &'static str,
        /// The offending name.
        name: String,
        /// The domains there are.
        expected: Vec<String>,
    },
    /// A grid or a Dirichlet design that cannot be made.
    #[error("{0}")]
    Design(String),
}

/// Data that is not a sweep.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SweepError {
    #[error(transparent)]
    New(#[from] Error),
    /// An array has the wrong shape.
    #[error("{what} has length {found}, expected {expected}")]
    Shape {
        /// Which array.
        what: String,
        /// Its length.
        found: usize,
        /// The length it should have.
        expected: usize,
    },
    /// There is nothing in it.
    #[error("{0}")]
    Empty(String),
    /// A name is empty, appears twice or would not survive a file.
    #[error("{kind} name `{}` {problem}", cut(name))]
    Name {
        /// `domain`, `target`, `run` or `split`.
        kind: &'static str,
        /// The name.
        name: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A domain or target that the sweep does not have.
    #[error("unknown {kind} `{}`, the sweep has: {}", cut(name), list(known))]
    Unknown {
        /// `domain`, `target` or `split`.
        kind: &'static str,
        /// The name asked for.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// A value that no run can have.
    #[error("{place}, column `{}`: {}, expected {expected}", cut(column), cut(value))]
    Value {
        /// `row 3` (from 0) of arrays, `line 5` (the header is line 1) of a file.
        place: String,
        /// The column.
        column: String,
        /// What stood there.
        value: String,
        /// What should stand there.
        expected: &'static str,
    },
    /// The domain weights of a row are not a point of the simplex.
    #[error("{place}, columns {columns}: {source}")]
    Mixture {
        /// The row or line.
        place: String,
        /// The columns of the weights.
        columns: String,
        /// What is wrong with them.
        source: MixtureError,
    },
    /// A column that must be there is not.
    #[error("line 1: no column {expected}; the header has: {}", list(header))]
    MissingColumn {
        /// What was looked for.
        expected: &'static str,
        /// The columns there are.
        header: Vec<String>,
    },
    /// A column appears twice.
    #[error("line 1: column `{}` appears twice", cut(.0))]
    RepeatedColumn(String),
    /// A line has too few or too many fields.
    #[error("line {line} has {found} fields, expected {expected} as in the header")]
    Ragged {
        /// The line.
        line: u64,
        /// Its number of fields.
        found: usize,
        /// The header's.
        expected: usize,
    },
    /// Rows that cannot both be right, or are the same measurement twice.
    #[error("{first} and {other}: {problem}")]
    Contradiction {
        /// A row or line.
        first: String,
        /// The one that it does not agree with.
        other: String,
        /// What they contradict each other in, and what to do.
        problem: String,
    },
    /// The file ends inside of quotes.
    #[error("line {line}: a quote is opened here and never closed")]
    UnclosedQuote {
        /// The line where the quote was opened.
        line: u64,
    },
    /// The file is not text.
    #[error("line {line}: not UTF-8 text, expected a CSV file")]
    Binary {
        /// The first line that is not.
        line: u64,
    },
    /// The file could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// Which file (or `CSV` for a reader or a writer).
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// A split that leaves one of its sides without a row.
    #[error("{0}")]
    Split(String),
}

/// A law that cannot be built, or a point where it is not defined.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LawError {
    #[error(transparent)]
    New(#[from] Error),
    /// A domain name is empty, appears twice or is not there at all.
    #[error("{0}")]
    Domains(String),
    /// The crate has no law of this name.
    #[error("unknown law `{}`, expected one of: {}", cut(name), known.join(", "))]
    Name {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// A reference scale is not a positive number.
    #[error("reference scale {name} is {value}, expected a finite number > 0")]
    Scale {
        /// `N0` or `D0`.
        name: &'static str,
        /// Its value.
        value: f64,
    },
    /// A named coefficient is missing.
    #[error("coefficient `{}` is missing, the {law} law needs: {}", cut(name), list(needed))]
    Missing {
        /// The law.
        law: String,
        /// The coefficient.
        name: String,
        /// All it needs.
        needed: Vec<String>,
    },
    /// A coefficient that the law does not have.
    #[error("the {law} law has no coefficient `{}`, it has: {}", cut(name), list(known))]
    Unknown {
        /// The law.
        law: String,
        /// The name asked for.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// A coefficient out of its range.
    #[error("coefficient `{}` is {}, expected {expected}", cut(name), short(*value))]
    Coefficient {
        /// The coefficient.
        name: String,
        /// Its value.
        value: f64,
        /// What it should be.
        expected: &'static str,
    },
    /// N, D or h is not a point that a law takes.
    #[error("{what} is {}, expected {expected}", short(*value))]
    Point {
        /// `N`, `D` or `the number of domain weights`.
        what: &'static str,
        /// Its value.
        value: f64,
        /// What it should be.
        expected: String,
    },
    /// The domain weights are not a point of the simplex.
    #[error(transparent)]
    Mixture(#[from] MixtureError),
    /// The law is infinite there.
    #[error("the {law} law is infinite where the weight of domain `{}` is 0", cut(domain))]
    Infinite {
        /// The law.
        law: String,
        /// The domain.
        domain: String,
    },
    /// A fit of a law that does not depend on N (or D), asked for another N than that of all its rows.
    #[error(
        "the {law} law does not depend on {what} and was fitted to rows of {what} = {fitted:e} alone: it does not know the loss at {what} = {value:e}. To use it there all the same, such as to rank mixtures, take fit.for_any_scale()"
    )]
    OtherScale {
        /// The law.
        law: String,
        /// `N` or `D`.
        what: &'static str,
        /// The value asked for.
        value: f64,
        /// That of the rows.
        fitted: f64,
    },
}

/// A fit that cannot be started.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FitError {
    #[error(transparent)]
    New(#[from] Error),
    /// The law and the sweep do not have the same domains.
    #[error(
        "the {law} law has the domains {}, but the sweep has: {}",
        list(law_domains),
        list(sweep_domains)
    )]
    Domains {
        /// The law.
        law: String,
        /// Its domains.
        law_domains: Vec<String>,
        /// The sweep's.
        sweep_domains: Vec<String>,
    },
    /// A target that the sweep does not have.
    #[error("unknown target `{}`, the sweep has: {}", cut(name), list(known))]
    Target {
        /// The target asked for.
        name: String,
        /// The targets there are.
        known: Vec<String>,
    },
    /// Too little data.
    #[error(
        "{rows} rows cannot determine the {coefficients} free coefficients of the {law} law, expected at least as many rows"
    )]
    TooFewRows {
        /// The law.
        law: String,
        /// Rows with a weight above zero.
        rows: usize,
        /// Coefficients that are not fixed.
        coefficients: usize,
    },
    /// A row where the law is not defined.
    #[error("{place}: {source}")]
    Row {
        /// The row, as the sweep names it.
        place: String,
        /// Why.
        source: LawError,
    },
    /// A coefficient that the law does not have, or a bound that it cannot keep.
    #[error(transparent)]
    Law(#[from] LawError),
    /// No coefficients with a finite objective were found.
    #[error(
        "wherever the fit of the {law} law began or went, the loss of some row was infinite or not a number"
    )]
    NoFiniteLoss {
        /// The law.
        law: String,
    },
    /// Fits that cannot be averaged.
    #[error("{0}")]
    Ensemble(String),
    /// A fit to store or to read, of a law that is not one of the crate's.
    #[error(
        "the {} law is not one of the crate's, which are: {}; its fit is stored as Fit::to_stored gives it, and read by StoredFit::with_law",
        cut(law),
        known.join(", ")
    )]
    NotBuiltIn {
        /// The law.
        law: String,
        /// Those that are.
        known: Vec<String>,
    },
    /// A stored fit that does not belong to its law, or does not agree with itself.
    #[error("stored fit of the {} law: {what} {found}, expected {expected}", cut(law))]
    Stored {
        /// The law, as stored.
        law: String,
        /// What is wrong, such as `the domains are`.
        what: String,
        /// What stands there.
        found: String,
        /// What should stand there.
        expected: String,
    },
    /// A sweep that a fit was not made from.
    #[error(
        "the objective of the {law} fit is {found:e} on this sweep, expected {expected:e}, which it reached on the sweep that it was made from"
    )]
    Sweep {
        /// The law.
        law: String,
        /// The objective on this sweep.
        found: f64,
        /// The objective of the fit.
        expected: f64,
    },
    /// A setting out of its range.
    #[error(transparent)]
    Setting(#[from] SettingError),
}

/// A mixture that cannot be looked for.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SimplexError {
    #[error(transparent)]
    New(#[from] Error),
    /// The laws of a sum have different domains.
    #[error("the fits have different domains: {} and {}", list(first), list(other))]
    Domains {
        /// Those of the first fit.
        first: Vec<String>,
        /// Those of the fit that differs.
        other: Vec<String>,
    },
    /// A constraint on a domain that there is none of.
    #[error("unknown domain `{}`, expected one of: {}", cut(name), list(known))]
    Unknown {
        /// The name asked for.
        name: String,
        /// The domains there are.
        known: Vec<String>,
    },
    /// A domain that appears twice in a group.
    #[error("domain `{}` appears twice in the group {}", cut(domain), cut(group))]
    Repeated {
        /// The constraint.
        group: String,
        /// The domain.
        domain: String,
    },
    /// Constraints that no mixture keeps.
    #[error("no mixture keeps all of: {}", listed(conflict, "; "))]
    Infeasible {
        /// Some that cannot be kept together, each of which could be left out to mend it.
        conflict: Vec<String>,
    },
    /// A region, a start or a mixture for another number of domains.
    #[error("{what} has {found} domain weights, expected {expected}")]
    Dimension {
        /// Which one.
        what: &'static str,
        /// How many it has.
        found: usize,
        /// How many it should have.
        expected: usize,
    },
    /// An objective that is no finite number wherever a descent starts, so that there is none.
    #[error("the objective is {value} at every start, expected a finite value and slopes")]
    NotFinite {
        /// The value at the first start.
        value: f64,
    },
    /// A setting, a weight, N, D or a constraint with a number out of its range.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// A point where no law is defined.
    #[error(transparent)]
    Law(#[from] LawError),
    /// Weights that are no mixture.
    #[error(transparent)]
    Mixture(#[from] MixtureError),
}

impl PlanError {
    /// The same, with where it happened.
    pub(crate) fn at(self, place: String) -> Self {
        Self::At { place, source: Box::new(self) }
    }
}

impl From<LawError> for PlanError {
    fn from(error: LawError) -> Self {
        Self::Simplex(error.into())
    }
}

impl From<MixtureError> for PlanError {
    fn from(error: MixtureError) -> Self {
        Self::Simplex(error.into())
    }
}

/// A question that a plan cannot answer.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    #[error(transparent)]
    New(#[from] Error),
    /// A plan without targets.
    #[error("the plan has no targets, expected at least one law")]
    NoTargets,
    /// A setting out of its range.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// A mixture cannot be chosen by laws that do not depend on it.
    #[error(
        "the law of no target depends on the mixture, so that none can be chosen: {}; constraints that leave one mixture make N and D the only choice",
        list(targets)
    )]
    Blind {
        /// The targets.
        targets: Vec<String>,
    },
    /// A value that means nothing, such as one without a lower limit.
    #[error("{what} is {value}, expected a finite number")]
    NotFinite {
        /// Of what.
        what: String,
        /// The value.
        value: f64,
    },
    /// A choice that this plan did not make, or not with these constraints.
    #[error("the choice is not one of this plan: {0}")]
    Choice(String),
    /// A stored result that does not agree with itself.
    #[error("{0}")]
    Stored(String),
    /// An error of one target, one candidate or one point of a path.
    #[error("{place}: {source}")]
    At {
        /// Which one.
        place: String,
        /// What is wrong there.
        source: Box<PlanError>,
    },
    /// A loss that no budget reaches.
    #[error(
        "a value of {value} is not reached by any N and D considered, the least of which have {floor}"
    )]
    Unreachable {
        /// The value asked for, in nats.
        value: f64,
        /// The least value of those, in nats.
        floor: f64,
    },
    /// Names that do not belong together.
    #[error("the plan has {}, but {} are needed", list(plan), list(sweep))]
    Domains {
        /// The domains or targets of the plan.
        plan: Vec<String>,
        /// Those of the sweep, or those that the targets should be.
        sweep: Vec<String>,
    },
    /// A worst case has no parts that add up.
    #[error("only a sum of losses can be decomposed, not the worst of them")]
    NotASum,
    /// A question about certainty without resamples that answer it together.
    #[error("{0}")]
    Resamples(String),
    /// No mixture can be looked for.
    #[error(transparent)]
    Simplex(#[from] SimplexError),
}

impl From<MixtureError> for Error {
    fn from(error: MixtureError) -> Self {
        match error {
            MixtureError::New(error) => error,
            other => ErrorKind::Legacy(other.to_string()).into(),
        }
    }
}

impl From<SweepError> for Error {
    fn from(error: SweepError) -> Self {
        match error {
            SweepError::New(error) => error,
            other => ErrorKind::Legacy(other.to_string()).into(),
        }
    }
}

impl From<LawError> for Error {
    fn from(error: LawError) -> Self {
        match error {
            LawError::New(error) => error,
            other => ErrorKind::Legacy(other.to_string()).into(),
        }
    }
}

impl From<FitError> for Error {
    fn from(error: FitError) -> Self {
        match error {
            FitError::New(error) => error,
            other => ErrorKind::Legacy(other.to_string()).into(),
        }
    }
}

impl From<SimplexError> for Error {
    fn from(error: SimplexError) -> Self {
        match error {
            SimplexError::New(error) => error,
            other => ErrorKind::Legacy(other.to_string()).into(),
        }
    }
}

impl From<PlanError> for Error {
    fn from(error: PlanError) -> Self {
        match error {
            PlanError::New(error) => error,
            other => ErrorKind::Legacy(other.to_string()).into(),
        }
    }
}

impl From<SettingError> for Error {
    fn from(error: SettingError) -> Self {
        Error::setting(error.name, error.value, error.expected)
    }
}
