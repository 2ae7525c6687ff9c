//! How a comparison prints.

use std::fmt;

use super::comparison::{Comparison, Failure, HeldOut, Score};
use crate::optim::Termination;

/// A row of a table; the first and the last columns have no title above.
fn line(f: &mut fmt::Formatter<'_>, width: usize, name: &str, cells: [&str; 11]) -> fmt::Result {
    let [
        coefficients,
        all,
        mre,
        rank,
        regret,
        scale,
        at_rank,
        at_regret,
        measured,
        own_rank,
        seconds,
    ] = cells;
    write!(
        f,
        "\n{name:width$}  {coefficients:>5}  {all:>8}  {mre:>8} {rank:>6} {regret:>8}  {scale:>8} \
         {at_rank:>6} {at_regret:>8}  {measured:>8} {own_rank:>6}  {seconds:>7}"
    )
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.target, self.holdout)?;
        if let Some((largest, rows)) = self.scale {
            write!(f, "; scale held out: {largest}, {rows} rows")?;
        }
        let names = self.scores.iter().chain(&self.baseline);
        let width = names.map(|score| score.name.chars().count()).max().unwrap_or(0);
        write!(f, "\nMRE in percent, rank correlation within one N and D, regret in nats\n")?;
        line(
            f,
            width,
            "",
            ["free", "all", "mixtures", "", "", "scale", "", "", "measured", "", ""],
        )?;
        let columns = [
            "coef.", "MRE", "MRE", "rank", "regret", "MRE", "rank", "regret", "MRE", "rank",
            "seconds",
        ];
        line(f, width, "", columns)?;
        for score in self.scores.iter().chain(&self.baseline) {
            let cells = cells(score);
            line(f, width, &score.name, cells.each_ref().map(String::as_str))?;
        }
        self.notes(f)
    }
}

fn cells(score: &Score) -> [String; 11] {
    let cell = |value: Option<f64>, digits| {
        value.map_or("-".to_owned(), |value| format!("{value:.digits$}"))
    };
    let mre = |held_out: Option<HeldOut>| cell(held_out.map(|x| 100.0 * x.test.mre), 3);
    let rank = |held_out: Option<HeldOut>| cell(held_out.and_then(|x| x.rank), 3);
    let regret = |held_out: Option<HeldOut>| cell(held_out.and_then(|x| x.regret), 4);
    [
        score.coefficients.to_string(),
        cell(score.train.map(|train| 100.0 * train.mre), 3),
        mre(score.mixtures),
        rank(score.mixtures),
        regret(score.mixtures),
        mre(score.scale),
        rank(score.scale),
        regret(score.scale),
        mre(score.measured),
        rank(score.measured),
        format!("{:.1}", score.seconds),
    ]
}

impl Comparison {
    /// What is printed below the table.
    fn notes(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for score in self.scores.iter().chain(&self.baseline) {
            for Failure { part, message } in &score.failures {
                write!(f, "\n{}, {part}: {message}", score.name)?;
            }
        }
        self.note_on_baseline(f)?;
        let blind = self.scores.iter().filter(|score| !score.sees_mixture);
        let blind: Vec<&str> = blind.map(|score| score.name.as_str()).collect();
        if !blind.is_empty() {
            write!(
                f,
                "\nNo choice of a mixture, on which it does not depend: {}",
                blind.join(", ")
            )?;
        }
        self.steps.write(f, self.largest_scale())?;
        if self.termination == Termination::Stopped {
            write!(f, "\n{}: some figures are missing", self.termination)?;
        }
        Ok(())
    }

    /// What the baseline is, on how many rows, and whether it is better than the best candidate.
    fn note_on_baseline(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(baseline) = &self.baseline else { return Ok(()) };
        let Some(own) = baseline.measured else { return Ok(()) };
        let (name, count) = (&baseline.name, own.test.count);
        write!(
            f,
            "\n{name}: the loss of the same mixture at the largest scale fitted, times the ratio of \
             the chinchilla law; measured: on the {count} held-out rows that have one"
        )?;
        let best = self.best().and_then(|best| Some((&best.name, best.measured?)));
        if let Some((best, theirs)) = best.filter(|(_, theirs)| own.test.mre < theirs.test.mre) {
            write!(
                f,
                "\nAt mixtures that were measured the {name} errs less than {best}: {:.3} against \
                 {:.3}",
                100.0 * own.test.mre,
                100.0 * theirs.test.mre
            )?;
        }
        Ok(())
    }
}
