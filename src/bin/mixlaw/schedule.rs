//! What is done with checkpoints that are not at the end of their schedule: flags of all subcommands.

use mixlaw::{Fitter, Sweep};

use crate::Result;
use crate::flags::Given;

/// The lines of these flags in the help.
pub const HELP: &str = "\
Checkpoints in the middle of a schedule, of which nothing is guessed:
  --planned-column NAME   the tokens that a run was planned for
  --unfinished WAY        drop:SHARE leaves out the rows that have seen less than this share of them;
                          weigh:POWER multiplies the weight of a row in a fit by this power of its share
";

const WAYS: &str = "drop:SHARE or weigh:POWER";

/// What the flags say.
#[derive(Debug, Clone, Default)]
pub struct Schedule {
    pub planned: Option<String>,
    unfinished: Option<Unfinished>,
}

#[derive(Debug, Clone, Copy)]
enum Unfinished {
    Drop(f64),
    Weigh(f64),
}

impl Schedule {
    /// Takes a flag of [`HELP`]; false if there is no such flag.
    ///
    /// # Errors
    /// If the value is not one that the flag can have.
    pub fn take(&mut self, flag: &str, value: &mut dyn FnMut() -> Result<Given>) -> Result<bool> {
        match flag {
            "planned-column" => self.planned = Some(value()?.name()?.to_owned()),
            "unfinished" => {
                let given = value()?;
                self.unfinished = Some(match given.text.split_once(':') {
                    Some(("drop", share)) => {
                        let number = given.positive(share)?;
                        if number > 1.0 {
                            return Err(given.wrong(share, "a number above 0 and at most 1"));
                        }
                        Unfinished::Drop(number)
                    }
                    Some(("weigh", power)) => Unfinished::Weigh(given.number(power)?),
                    _ => return Err(given.wrong(&given.text, WAYS)),
                });
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Checks that both flags are there or none.
    ///
    /// # Errors
    /// If one is alone.
    pub fn check(&self) -> Result<()> {
        match (&self.planned, self.unfinished) {
            (Some(_), None) => {
                Err(format!("--planned-column: expected --unfinished {WAYS} too").into())
            }
            (None, Some(_)) => Err("--unfinished: expected --planned-column NAME too".into()),
            _ => Ok(()),
        }
    }

    /// The rows that are left. How many are not is noted on stderr.
    ///
    /// # Errors
    /// If a row's planned tokens are none, or no row is left.
    pub fn apply(&self, sweep: Sweep) -> Result<Sweep, mixlaw::Error> {
        let Some(planned) = &self.planned else { return Ok(sweep) };
        let Some(Unfinished::Drop(share)) = self.unfinished else {
            sweep.schedule_shares(planned)?;
            return Ok(sweep);
        };
        let kept = sweep.late_checkpoints(planned, share)?;
        let (left_out, rows) = (sweep.len() - kept.len(), sweep.len());
        eprintln!("note: {left_out} of {rows} rows left out below {share} of `{planned}`");
        Ok(kept)
    }

    /// The fitter with rows weighed by their share, if that was asked for.
    pub fn weigh(&self, fitter: Fitter) -> Fitter {
        match (&self.planned, self.unfinished) {
            (Some(planned), Some(Unfinished::Weigh(power))) => {
                fitter.weigh_by_schedule(planned, power)
            }
            _ => fitter,
        }
    }
}
