//! What runs add to what the law says: their noise, and how the law errs at larger scales.

use super::{Choice, Plan, finite};
use crate::error::Error;
use crate::predictor::{Interval, Members, TwoRuns, check_level, interval, quantile};
use crate::scale::Scale;

/// So many quantiles of the noise of targets whose runs cannot be brought together.
const QUANTILES: usize = 100;

impl Plan {
    /// Between what values the goal of a run with this choice will lie: as [`Plan::interval`], and with the
    /// noise of a run and, where the predictors [know it](crate::Predictor::with_scale_errors), the error of
    /// extrapolation. Noise and errors of several targets are taken to rise and fall together, which makes the
    /// interval rather too wide.
    ///
    /// # Errors
    /// As [`Plan::certainty`], and if the level is not between 0 and 1.
    pub fn prediction_interval(&self, choice: &Choice, level: f64) -> Result<Interval, Error> {
        check_level(level)?;
        let members = self.members()?;
        let (estimate, values) = self.values_of(choice)?;
        let objective = self.objective(choice.scale)?;
        let losses: Vec<f64> = choice.losses.iter().map(|(_, loss)| *loss).collect();
        let goal = objective.goal(&losses);
        let quantiles = |i: usize| {
            let share = (i as f64 + 0.5) / QUANTILES as f64;
            let moved = losses.iter().zip(&members);
            let moved = moved.map(|(l, m)| l * (1.0 + quantile(m.residuals(), share)));
            objective.goal(&moved.collect::<Vec<_>>()) - goal
        };
        let noise: Vec<f64> = (0..QUANTILES).map(quantiles).collect();
        let all = values.iter().flat_map(|value| noise.iter().map(move |noise| value + noise));
        let own = interval(estimate, all.collect(), level);
        let beyond =
            |m: &&Members| m.scale_errors().map_or(0.0, |e| e.half_width(choice.scale, level));
        let moved = losses.iter().zip(&members).map(|(l, m)| l * (1.0 + beyond(m)));
        let moved = objective.goal(&moved.collect::<Vec<_>>()) - goal;
        Ok(own.widened(moved.abs()))
    }

    /// How the goals of two runs at the scale of a choice differ beside what the law says. Both are as noisy as
    /// the choice.
    ///
    /// Where targets have residuals of the same runs, these are moved together, so that the noise of a sum is
    /// what it was in these runs. Otherwise all rise and fall together, which is the most that it can be.
    pub(super) fn two_runs(&self, choice: &Choice) -> Result<TwoRuns, Error> {
        let members = self.members()?;
        let losses: Vec<f64> = choice.losses.iter().map(|(_, loss)| *loss).collect();
        let objective = self.objective(choice.scale)?;
        let goal = objective.goal(&losses);
        let moved = |residuals: Vec<f64>| {
            let moved = losses.iter().zip(&residuals).map(|(loss, r)| loss * (1.0 + r));
            finite("the noise of a run", objective.goal(&moved.collect::<Vec<_>>()) - goal)
        };
        let noise: Result<Vec<f64>, Error> = residuals_together(&members).map(moved).collect();
        Ok(TwoRuns::new(noise?))
    }

    /// Whether the errors of extrapolation were checked as far as N and D; `None` if a predictor does not know
    /// of any, or nothing is extrapolated.
    pub(crate) fn is_checked(&self, at: Scale) -> Option<bool> {
        let all = self.targets.iter().map(|t| t.predictor.members()?.scale_errors());
        let all = all.collect::<Option<Vec<_>>>()?;
        let is_beyond = all.iter().any(|errors| errors.deviation(at) > 0.0);
        is_beyond.then(|| all.iter().all(|errors| errors.is_checked(at)))
    }
}

/// Of each run that all targets have a residual of, these residuals; if there is none, of each of some quantiles.
fn residuals_together(members: &[&Members]) -> impl Iterator<Item = Vec<f64>> {
    let all: Vec<&[(usize, f64)]> = members.iter().map(|m| m.between_runs().residuals()).collect();
    let of_row = |row: usize, of: &[(usize, f64)]| {
        of.binary_search_by_key(&row, |(row, _)| *row).ok().map(|i| of[i].1)
    };
    let rows = all.first().into_iter().flat_map(|first| first.iter());
    let mut found: Vec<Vec<f64>> =
        rows.filter_map(|(row, _)| all.iter().map(|of| of_row(*row, of)).collect()).collect();
    if found.is_empty() && all.iter().all(|of| !of.is_empty()) {
        let sorted = all.iter().map(|of| {
            let mut values: Vec<f64> = of.iter().map(|(_, value)| *value).collect();
            values.sort_by(f64::total_cmp);
            values
        });
        let sorted: Vec<Vec<f64>> = sorted.collect();
        let share = |i: usize| (i as f64 + 0.5) / QUANTILES as f64;
        let at = |i: usize| sorted.iter().map(|values| quantile(values, share(i))).collect();
        found = (0..QUANTILES).map(at).collect();
    }
    found.into_iter()
}
