//! The subcommands: what is common to all of them, and which there are.

mod compare;
mod decide;
mod design;
mod fit;
mod mixture;
mod next_runs;
mod paper;
mod show;
mod sure;

use lexopt::Parser;
use lexopt::prelude::*;

use crate::Result;
use crate::flags::{self, Flags, Given};
use crate::reading;
use crate::report::{Report, print};

/// A subcommand. Its value holds the flags that it alone takes, at first with their defaults.
pub trait Command: Default {
    /// What it is called by.
    const NAME: &'static str;
    /// The files that it reads, in its usage; empty if it reads none.
    const FILE: &'static str = "[SWEEP.csv...]";
    /// One line for the list of subcommands.
    const ABOUT: &'static str;
    /// The flags of [`flags::SHARED`] that it takes.
    const SHARED: &'static [&'static str];
    /// The laws without `--laws`, in the help.
    const LAWS: &'static str = "simple,additive,joint,full";
    /// Its own flags, a line or more for each, and what else there is to know.
    const HELP: &'static str;

    /// Takes a flag of its own, whose value can be asked for; false if it has no such flag.
    ///
    /// # Errors
    /// If the value is not one that the flag can have.
    fn take(&mut self, flag: &str, value: &mut dyn FnMut() -> Result<Given>) -> Result<bool>;

    /// Does the work.
    ///
    /// # Errors
    /// If the flags and the sweep do not fit together, or something is wrong with either.
    fn run(&self, flags: &Flags) -> Result<Report>;
}

/// Runs the subcommand that the command line names.
///
/// # Errors
/// All that can go wrong; nothing was printed then.
pub fn run() -> Result<()> {
    let mut parser = Parser::from_env();
    let name = match parser.next()? {
        None => return Err(format!("expected a subcommand, one of: {}", names()).into()),
        Some(Long("help") | Short('h')) => return print(&overview()),
        Some(Long("version") | Short('V')) => {
            return print(concat!("mixlaw ", env!("CARGO_PKG_VERSION"), "\n"));
        }
        Some(Value(name)) => name.to_string_lossy().into_owned(),
        Some(other) => return Err(other.unexpected().into()),
    };
    match name.as_str() {
        design::DesignRuns::NAME => run_one::<design::DesignRuns>(parser),
        show::Show::NAME => run_one::<show::Show>(parser),
        decide::Decide::NAME => run_one::<decide::Decide>(parser),
        fit::Fit::NAME => run_one::<fit::Fit>(parser),
        mixture::Mixture::NAME => run_one::<mixture::Mixture>(parser),
        sure::Sure::NAME => run_one::<sure::Sure>(parser),
        compare::Compare::NAME => run_one::<compare::Compare>(parser),
        next_runs::NextRuns::NAME => run_one::<next_runs::NextRuns>(parser),
        paper::Paper::NAME => run_one::<paper::Paper>(parser),
        "help" => print(&overview()),
        other => Err(format!("unknown subcommand `{other}`, expected one of: {}", names()).into()),
    }
}

/// Names and what they are about, in the order of the work.
const ALL: [(&str, &str); 9] = [
    about::<design::DesignRuns>(),
    about::<show::Show>(),
    about::<decide::Decide>(),
    about::<fit::Fit>(),
    about::<mixture::Mixture>(),
    about::<sure::Sure>(),
    about::<compare::Compare>(),
    about::<next_runs::NextRuns>(),
    about::<paper::Paper>(),
];

const fn about<C: Command>() -> (&'static str, &'static str) {
    (C::NAME, C::ABOUT)
}

fn names() -> String {
    ALL.map(|(name, _)| name).join(", ")
}

fn overview() -> String {
    let mut text = String::from(
        "Scaling laws for optimal data mixtures: fit them to small runs, choose the domain weights.\n\n\
         usage: mixlaw SUBCOMMAND [SWEEP.csv...] [FLAGS]\n\n",
    );
    for (name, about) in ALL {
        text += &format!("  {name:10}  {about}\n");
    }
    text + "\nWithout a file the embedded byte-level sweep is read. `mixlaw SUBCOMMAND --help` lists the \
            flags;\n`mixlaw --version` prints the version.\n"
}

fn help<C: Command>() -> String {
    let own = if C::HELP.is_empty() { String::new() } else { format!("{}\n", C::HELP) };
    let files = if reads::<C>() { format!(" {}", C::FILE) } else { String::new() };
    format!(
        "{}.\n\nusage: mixlaw {}{files} [FLAGS]\n\n{}{own}",
        C::ABOUT,
        C::NAME,
        flags::help(C::SHARED, C::LAWS, reads::<C>())
    )
}

/// Whether it reads files.
const fn reads<C: Command>() -> bool {
    !C::FILE.is_empty()
}

/// Reads the rest of the command line, does the work, and then writes and prints what came out.
fn run_one<C: Command>(mut parser: Parser) -> Result<()> {
    let (mut command, mut flags) = (C::default(), Flags::default());
    while let Some(argument) = parser.next()? {
        match argument {
            Long("help") | Short('h') => return print(&help::<C>()),
            Value(path) if !reads::<C>() => {
                let path = path.to_string_lossy();
                return Err(format!("{path}: `mixlaw {}` reads no file", C::NAME).into());
            }
            Value(path) => {
                flags.paths.push(path.into_string().map_err(|path| {
                    format!("{}: expected a path in UTF-8", path.to_string_lossy())
                })?);
            }
            Long(name) => {
                let name = name.to_owned();
                let value = &mut || Given::new(&name, parser.value()?);
                let known = if reads::<C>()
                    && (reading::take(&mut flags.reader, &name, value)?
                        || flags.schedule.take(&name, value)?)
                {
                    true
                } else if C::SHARED.contains(&name.as_str()) {
                    flags.take(&name, value)?
                } else {
                    command.take(&name, value)?
                };
                if !known {
                    let own = C::NAME;
                    return Err(format!(
                        "--{name}: no flag of `mixlaw {own}`; `mixlaw {own} --help` lists those there are"
                    )
                    .into());
                }
            }
            Short(_) => return Err(argument.unexpected().into()),
        }
    }
    flags.check()?;
    command.run(&flags)?.deliver(flags.json.as_deref())
}
