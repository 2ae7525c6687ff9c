use super::{Decision, Rival};
use crate::error::{Error, ErrorKind};
use crate::plan::{Choice, Extrapolation, Risk, Run};
use crate::predictor::{Interval, check_level};

/// A [`Decision`] as it is in a file, not checked.
#[derive(serde::Deserialize)]
#[serde(expecting = "a decision")]
pub(super) struct StoredDecision {
    choice: Choice,
    risk: Risk,
    #[serde(with = "crate::stored::number")]
    level: f64,
    value: Interval,
    weights: Vec<Interval>,
    extrapolation: Extrapolation,
    #[serde(default)]
    is_checked: Option<bool>,
    within_trained: Option<Choice>,
    rivals: Vec<Rival>,
    next_runs: Vec<(Run, f64)>,
}

impl TryFrom<StoredDecision> for Decision {
    type Error = Error;

    fn try_from(stored: StoredDecision) -> Result<Self, Error> {
        let StoredDecision { choice, risk, level, value, weights, .. } = stored;
        let StoredDecision { extrapolation, is_checked, within_trained, rivals, next_runs, .. } =
            stored;
        check_level(level)?;
        risk.check()?;
        let k = choice.domains.len();
        let same = |what: &str, found: usize| -> Result<(), Error> {
            if found == k {
                return Ok(());
            }
            Err(ErrorKind::Length { what: what.to_owned(), found, expected: k }.into())
        };
        same("the intervals of the weights", weights.len())?;
        rivals.iter().try_for_each(|rival| same("the mixture of a rival", rival.h.len()))?;
        next_runs.iter().try_for_each(|(run, _)| same("the mixture of a next run", run.h.len()))?;
        if let Some(within) = within_trained.as_ref().filter(|w| w.domains != choice.domains) {
            let what = "the domains of a choice and the one within what was trained";
            let (first, other) = (choice.domains, within.domains.clone());
            return Err(ErrorKind::Mismatch { what, first, other }.into());
        }
        Ok(Self {
            choice,
            risk,
            level,
            value,
            weights,
            extrapolation,
            is_checked,
            within_trained,
            rivals,
            next_runs,
        })
    }
}
