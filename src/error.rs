//! The one error of the crate: what is wrong, where, and what was expected.

use std::borrow::Cow;
use std::fmt;

/// So much of a name or a cell is shown in a message, in characters.
const SHOWN_TEXT: usize = 60;
/// So many names of a list are shown in a message.
const SHOWN_NAMES: usize = 8;

/// The beginning of a text, for a message.
pub(crate) fn cut(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(SHOWN_TEXT) {
        Some((end, _)) => format!("{}…", &text[..end]).into(),
        None => text.into(),
    }
}

/// The first names of a list, for a message: `a, b and 31 more`.
pub(crate) fn list(names: &[impl AsRef<str>]) -> String {
    listed(names, ", ")
}

/// As [`list`], with something else between the names.
pub(crate) fn listed(names: &[impl AsRef<str>], separator: &str) -> String {
    // "and 1 more" would not be shorter.
    let shown = if names.len() <= SHOWN_NAMES + 1 { names.len() } else { SHOWN_NAMES };
    let first: Vec<Cow<'_, str>> = names[..shown].iter().map(|name| cut(name.as_ref())).collect();
    let first = first.join(separator);
    if shown == names.len() { first } else { format!("{first} and {} more", names.len() - shown) }
}

/// A number without hundreds of zeros.
pub(crate) fn short(x: f64) -> String {
    let is_plain = x == 0.0 || !x.is_finite() || (1e-5..1e16).contains(&x.abs());
    if is_plain { x.to_string() } else { format!("{x:e}") }
}

/// What is wrong with data, a setting or a question, where, and what was expected.
///
/// It prints as one line. [`Error::kind`] has the parts and [`Error::places`] tells where; predicates such
/// as [`Error::is_infeasible`] answer what a program decides by. A result that is only worse than hoped is
/// not an error: a fit that did not converge is a [`Fit`](crate::Fit) with its
/// [`Termination`](crate::optim::Termination).
///
/// ```
/// use mixlaw::error::{ErrorKind, Place};
/// use mixlaw::Sweep;
///
/// let loss = [3.0, -1.0];
/// let error = Sweep::new(&["web"], &["code"], &[1e8; 2], &[1e9, 2e9], &[1.0; 2], &loss);
/// let error = error.unwrap_err();
/// assert_eq!(error.to_string(), "row 1, column `loss_code`: -1, expected a finite loss > 0");
/// assert_eq!(error.places(), [Place::Row(1), Place::Column("loss_code".to_owned())]);
/// assert!(matches!(error.kind(), ErrorKind::Value { .. }));
/// ```
#[derive(Clone, PartialEq)]
pub struct Error(Box<Inner>);

#[derive(Clone, PartialEq)]
struct Inner {
    kind: ErrorKind,
    /// The outermost first.
    places: Vec<Place>,
}

/// Where something is wrong.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Place {
    /// A row of arrays, counted from 0.
    #[error("row {0}")]
    Row(usize),
    /// A line of a file; the header is line 1.
    #[error("line {0}")]
    Line(usize),
    /// A line of one of several files.
    #[error("{file}, line {line}")]
    LineOf {
        /// The file.
        file: String,
        /// The line of it.
        line: usize,
    },
    /// A column of a table.
    #[error("column `{}`", cut(.0))]
    Column(String),
    /// Several columns of a table.
    #[error("columns {}", listed(.0, " + "))]
    Columns(Vec<String>),
    /// A file.
    #[error("{0}")]
    File(String),
    /// A target of a plan.
    #[error("target `{}`", cut(.0))]
    Target(String),
    /// A law.
    #[error("the {} law", cut(.0))]
    Law(String),
    /// A candidate of a design, counted from 0.
    #[error("candidate {0}")]
    Candidate(usize),
    /// A point of a path.
    #[error("t = {t}, N = {n:e}, D = {d:e}")]
    Time {
        /// The time.
        t: f64,
        /// N there.
        n: f64,
        /// D there.
        d: f64,
    },
}

/// What is wrong.
///
/// The field `kind` of a variant tells what the name belongs to: `domain`, `target`, `run`, `split`,
/// `column`, `coefficient`, `law`, ..
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A setting, a coefficient, N or D out of its range. Setters take every value, so that settings
    /// can be chained; the first call that would use one returns this.
    #[error("{} is {}, expected {expected}", cut(name), short(*value))]
    Setting {
        /// The setting.
        name: String,
        /// Its value; that of a count is the number itself.
        value: f64,
        /// The values that it may have.
        expected: &'static str,
    },
    /// A value in data that no run can have.
    #[error("{}, expected {expected}", cut(value))]
    Value {
        /// What was found there.
        value: String,
        /// What should be there.
        expected: &'static str,
    },
    /// A domain weight that is negative, infinite or NaN.
    #[error("domain weight {index} is {}, expected a finite number >= 0", short(*value))]
    Weight {
        /// Its position.
        index: usize,
        /// Its value.
        value: f64,
    },
    /// Domain weights that do not sum to one.
    #[error(
        "the domain weights sum to {sum}, expected 1 (within {}){}", short(*tolerance), but_ignored(ignored)
    )]
    WeightSum {
        /// What they sum to.
        sum: f64,
        /// How far from 1 the sum may be.
        tolerance: f64,
        /// Columns of the file that were ignored, where the sum is too small: one of them may be a
        /// domain whose name is misspelled.
        ignored: Vec<String>,
    },
    /// A list, an array or a mixture of the wrong length.
    #[error("{what} has length {found}, expected {expected}")]
    Length {
        /// Which one.
        what: String,
        /// Its length.
        found: usize,
        /// The length that it should have.
        expected: usize,
    },
    /// Something that must have at least one part and has none.
    #[error("{what} needs at least one {part}, got none")]
    Empty {
        /// What has none, such as `a sweep`.
        what: &'static str,
        /// Of what.
        part: &'static str,
    },
    /// A name that is empty or would not survive a file.
    #[error("{kind} name `{}` {problem}", cut(name))]
    Name {
        /// What has the name.
        kind: &'static str,
        /// The name.
        name: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A name that appears twice where each may appear once.
    #[error("{kind} `{}` appears twice{}", cut(name), within(group.as_deref()))]
    Repeated {
        /// What has the name.
        kind: &'static str,
        /// The name.
        name: String,
        /// In which group, where there are several.
        group: Option<String>,
    },
    /// A column of a table that two settings take for different things.
    #[error("column `{}` is taken for {first} and for {other}, expected one of them", cut(name))]
    Ambiguous {
        /// The column.
        name: String,
        /// What the first setting takes it for.
        first: &'static str,
        /// What the other one does.
        other: &'static str,
    },
    /// A name that nothing has.
    #[error("unknown {kind} `{}`, expected one of: {}", cut(name), list(known))]
    Unknown {
        /// What should have the name.
        kind: &'static str,
        /// The name.
        name: String,
        /// The names that there are.
        known: Vec<String>,
    },
    /// A name that must be there and is not.
    #[error("no {kind} `{}`, there {}", cut(name), are(found))]
    Missing {
        /// What should have the name.
        kind: &'static str,
        /// What was looked for.
        name: String,
        /// The names that there are.
        found: Vec<String>,
    },
    /// Two lists of names that must be the same, such as the domains of a law and those of a sweep.
    #[error("{what} differ: {} and {}", list(first), list(other))]
    Mismatch {
        /// Of what, such as `the domains of a law and a sweep`.
        what: &'static str,
        /// The first list.
        first: Vec<String>,
        /// The other one.
        other: Vec<String>,
    },
    /// A target of which no row has a loss.
    #[error("no row has a loss of target `{}`", cut(target))]
    NoLosses {
        /// The target.
        target: String,
    },
    /// A target that a resample leaves without a row.
    #[error(
        "resample {resample} draws none of the {measured} {unit} of {units} that have a loss of target `{}`, expected some in every resample: more {unit} with its loss, or resamples of a sweep of these alone",
        cut(target)
    )]
    Undrawn {
        /// The target.
        target: String,
        /// What is drawn: `runs` or `mixtures`.
        unit: &'static str,
        /// How many there are.
        units: usize,
        /// How many of these have a loss of the target.
        measured: usize,
        /// The first resample that draws none of them.
        resample: usize,
    },
    /// A line of a file with too few or too many fields.
    #[error("{found} fields, expected {expected} as in the header")]
    Fields {
        /// Its number of fields.
        found: usize,
        /// That of the header.
        expected: usize,
    },
    /// A file that ends inside of quotes.
    #[error("a quote is opened here and never closed")]
    UnclosedQuote,
    /// A file that is not text.
    #[error("not UTF-8 text, expected a table")]
    NotText,
    /// A line of a file of JSON lines that is not an object.
    #[error("not a JSON object: {message}")]
    NotJson {
        /// What is wrong, and at which character.
        message: String,
    },
    /// A file that could not be read or written.
    #[error("{message}")]
    Io {
        /// What the system said.
        kind: std::io::ErrorKind,
        /// The same in words.
        message: String,
    },
    /// Rows that cannot both be right, or are the same measurement twice.
    #[error("{first} and {other}: {problem}")]
    RowsDisagree {
        /// A row.
        first: Place,
        /// The one that it does not agree with.
        other: Place,
        /// What they contradict each other in, and what to do.
        problem: String,
    },
    /// A split that leaves one of its sides without a row.
    #[error("no row is {side}, expected rows on both sides of a split")]
    EmptySplit {
        /// Which rows there are none of, such as `above N = 1e9`.
        side: String,
    },
    /// Too little data for a law.
    #[error(
        "{rows} rows cannot determine the {coefficients} free coefficients of the {} law, expected at least as many rows",
        cut(law)
    )]
    TooFewRows {
        /// The law.
        law: String,
        /// Rows with a weight above zero.
        rows: usize,
        /// Coefficients that are not fixed.
        coefficients: usize,
    },
    /// A law that is infinite without a domain.
    #[error("the {} law is infinite where the weight of domain `{}` is 0", cut(law), cut(domain))]
    Infinite {
        /// The law.
        law: String,
        /// The domain.
        domain: String,
    },
    /// A law that cannot be composed of these parts.
    #[error("{part} {problem}")]
    Composition {
        /// The law, or the part of it that does not fit.
        part: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A prediction at another N (or D) than that of all rows of a fit, whose law does not depend on it.
    #[error(
        "the {} law does not depend on {what} and was fitted to rows of {what} = {fitted:e} alone: it does not know the loss at {what} = {value:e}. To use it there all the same, such as to rank mixtures, take for_any_scale()",
        cut(law)
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
    /// No coefficients with a finite objective were found.
    #[error(
        "wherever the fit of the {} law began or went, the loss of some row was infinite or not a number",
        cut(law)
    )]
    NoFiniteLoss {
        /// The law.
        law: String,
    },
    /// A value that means nothing, such as one without a lower limit.
    #[error("{what} is {value}, expected a finite number")]
    NotFinite {
        /// Of what.
        what: String,
        /// The value.
        value: f64,
    },
    /// A sweep that a fit was not made from.
    #[error(
        "the objective of the {} fit is {found:e} on this sweep, expected {expected:e}, which it reached on the sweep that it was made from",
        cut(law)
    )]
    OtherSweep {
        /// The law.
        law: String,
        /// The objective on this sweep.
        found: f64,
        /// The objective of the fit.
        expected: f64,
    },
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
    /// Something stored that does not agree with itself, or with what it is read for.
    #[error("{what} {found}, expected {expected}")]
    Stored {
        /// What is wrong, such as `its domains are`.
        what: String,
        /// What was found.
        found: String,
        /// What should be there.
        expected: String,
    },
    /// Constraints that no mixture keeps.
    #[error("no mixture keeps all of: {}", listed(constraints, "; "))]
    Infeasible {
        /// Some that cannot be kept together, each of which could be left out to mend it.
        constraints: Vec<String>,
    },
    /// A mixture cannot be chosen by laws that do not depend on it.
    #[error(
        "the law of no target depends on the mixture, so that none can be chosen: {}; constraints that leave one mixture make N and D the only choice",
        list(targets)
    )]
    Blind {
        /// The targets.
        targets: Vec<String>,
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
    /// A worst case has no parts that add up.
    #[error("only a sum of losses can be decomposed, not the worst of them")]
    NotASum,
    /// A question about certainty to a predictor without members that answer it.
    #[error("target `{}` has no members, expected a predictor made by Bootstrap::run", cut(target))]
    NoMembers {
        /// The target.
        target: String,
    },
    /// Members of two targets that do not belong together.
    #[error(
        "the members of `{}` and `{}` are of different draws, expected the same seed, number and sweep",
        cut(first),
        cut(other)
    )]
    OtherDraws {
        /// The first target.
        first: String,
        /// The other one.
        other: String,
    },
    /// A choice that this plan did not make, or not with these constraints.
    #[error("the choice is not one of this plan: {problem}")]
    OtherChoice {
        /// How that is known.
        problem: String,
    },
    /// An observer stopped the call before there was anything to return.
    #[error("stopped by an observer before there was a result")]
    Stopped,
    /// A picture that could not be drawn.
    #[error("the picture could not be drawn: {message}")]
    Drawing {
        /// Why.
        message: String,
    },
}

/// `; ignored columns: a, b`, if there are some.
fn but_ignored(columns: &[String]) -> String {
    if columns.is_empty() { String::new() } else { format!("; ignored columns: {}", list(columns)) }
}

/// `are: a, b`, or `are none`.
fn are(names: &[String]) -> String {
    if names.is_empty() { "are none".to_owned() } else { format!("are: {}", list(names)) }
}

/// ` in the group a + b`, if there is one.
fn within(group: Option<&str>) -> String {
    group.map_or(String::new(), |group| format!(" in the group {}", cut(group)))
}

impl Error {
    /// A setting out of its range; what an [`Optimizer`](crate::optim::Optimizer) or a
    /// [`ScalingLaw`](crate::law::ScalingLaw) of your own returns from its `check`.
    ///
    /// ```
    /// use mixlaw::Error;
    ///
    /// let error = Error::setting("hops", f64::NAN, "a number > 0");
    /// assert_eq!(error.to_string(), "hops is NaN, expected a number > 0");
    /// ```
    #[must_use]
    pub fn setting(name: impl Into<String>, value: f64, expected: &'static str) -> Self {
        ErrorKind::Setting { name: name.into(), value, expected }.into()
    }

    /// What is wrong.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// Where, the outermost place first; none where there is only one place it can be.
    #[must_use]
    pub fn places(&self) -> &[Place] {
        &self.0.places
    }

    /// The same error in other words, such as the names that a file has for its columns.
    #[cfg(feature = "csv")]
    #[must_use]
    pub(crate) fn edit(mut self, edit: impl FnOnce(&mut ErrorKind, &mut Vec<Place>)) -> Self {
        edit(&mut self.0.kind, &mut self.0.places);
        self
    }

    /// The same error, with where it happened put first.
    #[must_use]
    pub(crate) fn at(mut self, place: Place) -> Self {
        self.0.places.insert(0, place);
        self
    }

    /// Whether a setting, N, D or a coefficient is out of its range: the caller's mistake.
    #[must_use]
    pub fn is_setting(&self) -> bool {
        matches!(self.kind(), ErrorKind::Setting { .. })
    }

    /// Whether a file could not be read or written.
    #[must_use]
    pub fn is_io(&self) -> bool {
        matches!(self.kind(), ErrorKind::Io { .. })
    }

    /// Whether a name is not known: of a target, a domain, a law, a coefficient or a split.
    #[must_use]
    pub fn is_unknown_name(&self) -> bool {
        matches!(self.kind(), ErrorKind::Unknown { .. })
    }

    /// Whether there are fewer rows than coefficients: a law with fewer may do.
    #[must_use]
    pub fn is_too_few_rows(&self) -> bool {
        matches!(self.kind(), ErrorKind::TooFewRows { .. })
    }

    /// Whether a fit cannot predict at this N or D; see [`Fit::for_any_scale`](crate::Fit::for_any_scale).
    #[must_use]
    pub fn is_other_scale(&self) -> bool {
        matches!(self.kind(), ErrorKind::OtherScale { .. })
    }

    /// Whether no mixture keeps the constraints: some have to be relaxed.
    #[must_use]
    pub fn is_infeasible(&self) -> bool {
        matches!(self.kind(), ErrorKind::Infeasible { .. })
    }

    /// Whether no law depends on the mixture, so that none can be chosen.
    #[must_use]
    pub fn is_blind(&self) -> bool {
        matches!(self.kind(), ErrorKind::Blind { .. })
    }

    /// Whether a loss is below what any budget reaches.
    #[must_use]
    pub fn is_unreachable(&self) -> bool {
        matches!(self.kind(), ErrorKind::Unreachable { .. })
    }

    /// Whether an observer stopped the call before there was a result.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        matches!(self.kind(), ErrorKind::Stopped)
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Self(Box::new(Inner { kind, places: Vec::new() }))
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        ErrorKind::Io { kind: error.kind(), message: error.to_string() }.into()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, place) in self.places().iter().enumerate() {
            write!(f, "{}{place}", if i > 0 { ", " } else { "" })?;
        }
        write!(f, "{}{}", if self.places().is_empty() { "" } else { ": " }, self.kind())
    }
}

/// As it prints, so that `unwrap` and `main` show the message.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_show_the_beginning_of_long_texts_and_lists() {
        assert_eq!(cut("web"), "web");
        assert_eq!(cut(&"é".repeat(60)), "é".repeat(60));
        assert_eq!(cut(&"é".repeat(61)), "é".repeat(60) + "…");
        let names: Vec<String> = (0..39).map(|i| format!("d{i}")).collect();
        assert_eq!(list(&names[..2]), "d0, d1");
        assert_eq!(list(&names[..9]), "d0, d1, d2, d3, d4, d5, d6, d7, d8");
        assert_eq!(list(&names), "d0, d1, d2, d3, d4, d5, d6, d7 and 31 more");
        let unknown = ErrorKind::Unknown { kind: "target", name: "x".repeat(9_999), known: names };
        let error = Error::from(unknown);
        assert!(error.to_string().len() < 200, "{error}");
    }
}
