//! Tables 13 and 14: errors on the mixtures that random splits fit, and on the others.

use std::fmt::Write as _;

use mixlaw::law::{self, LawSettings};
use mixlaw::selection::{Candidate, Score, Selection};
use mixlaw::{Fitter, Sweep};

use super::HEADS;
use super::figures::{SPLITS_13_14, TARGETS_13_14};
use crate::Result;
use crate::progress;
use crate::report::percent;

/// The rows of the largest number of tokens that all mixtures have.
pub fn largest_shared_d(sweep: &Sweep) -> Option<Sweep> {
    let mut tokens = sweep.d().to_vec();
    tokens.sort_by(f64::total_cmp);
    tokens.dedup();
    let of_tokens = |d: f64| sweep.select(|row| row.d == d).ok();
    tokens
        .into_iter()
        .rev()
        .filter_map(of_tokens)
        .find(|rows| rows.count_mixtures() == sweep.count_mixtures())
}

/// Writes one of them.
///
/// # Errors
/// If a law cannot be fitted to a split.
pub fn write<const L: usize>(
    out: &mut String,
    title: &str,
    sweep: &Sweep,
    laws: [&str; L],
    paper: [[(f64, f64); L]; 4],
    seed: u64,
) -> Result<()> {
    let (count, splits) = SPLITS_13_14;
    let table = title.split(',').next().unwrap_or(title);
    let mut comparisons = Vec::new();
    for target in TARGETS_13_14 {
        let bar = progress::bar(format!("{table}, {target}, fits"));
        let selection = Selection::new().mixtures(count, splits).seed(seed);
        let mut selection = selection.observe(bar.observer());
        for name in laws {
            // Every target of these tables is a domain.
            let law = law::named(name)?.for_sweep(sweep, &LawSettings::new().domain(target))?;
            selection = selection.candidate(Candidate::new(law, Fitter::new().seed(seed)));
        }
        comparisons.push(selection.run(sweep, target)?);
    }
    writeln!(
        out,
        "{title}: mean relative error in percent, {count} mixtures fitted and the others\n\
         predicted, {splits} splits. The paper's runs are others: four domains, 200e6 parameters\n"
    )?;
    writeln!(out, "{:32}  {:^23}   {:^23}", "", "train", "test")?;
    writeln!(out, "{:32}  {HEADS}   {HEADS}", "")?;
    for (j, law) in laws.into_iter().enumerate() {
        let mut sum = [0.0; 4];
        for (comparison, paper) in comparisons.iter().zip(paper.map(|row| row[j])) {
            let score: &Score = &comparison.scores()[j];
            let Some(errors) = score.mixtures else {
                return Err(format!("{law}, {}: {:?}", comparison.target(), score.failures).into());
            };
            let [train, test] = [errors.train.mre, errors.test.mre].map(percent);
            let cells = [train, paper.0, test, paper.1];
            sum.iter_mut().zip(cells).for_each(|(sum, cell)| *sum += cell / 4.0);
            write_line(out, &format!("{law} {}", comparison.target()), cells)?;
        }
        write_line(out, &format!("{law} mean"), sum)?;
        writeln!(out)?;
    }
    Ok(())
}

fn write_line(
    out: &mut String,
    name: &str,
    [train, paper_train, test, paper_test]: [f64; 4],
) -> Result<()> {
    let cell = |ours: f64, paper: f64| format!("{ours:7.2} {paper:7.2} {:+7.2}", ours - paper);
    writeln!(out, "{name:32}  {}   {}", cell(train, paper_train), cell(test, paper_test))?;
    Ok(())
}
