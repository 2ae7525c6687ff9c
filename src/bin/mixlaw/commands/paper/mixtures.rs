//! Table 16: the mixtures of the additive law.

use std::fmt::Write as _;

use mixlaw::Plan;

use super::figures::TARGETS;
use super::{HEADS, Largest};
use crate::Result;
use crate::goals::Best;
use crate::report::percent;

/// Mixtures within this share of the optimal loss are as good, for the ranges beside Table 16.
const AS_GOOD: f64 = 1e-3;

/// Ours, and the paper's.
type Pair<'a> = (&'a (Plan, Best), &'a [f64; 7]);

/// Writes both rows; returns the largest difference of each.
///
/// # Errors
/// If a plan has no ranges.
pub fn write(out: &mut String, [average, openhermes]: [Pair<'_>; 2]) -> Result<[Largest; 2]> {
    writeln!(out, "Table 16, weights in percent (additive law)\n")?;
    let average = write_one(out, "h*_avg, mean of the seven domains", average)?;
    writeln!(
        out,
        "  The paper prints 8.0 for github, a misprint for 8.8: the printed row sums to 99.2, and\n  \
         the mixture that was trained has .0881.\n"
    )?;
    let openhermes = write_one(out, "h*_OH, openhermes alone", openhermes)?;
    writeln!(out, "  The paper's law predicted 0 for wikipedia, which the paper set to 1%.\n")?;
    Ok([average, openhermes])
}

/// One row, set upright, with the range of the mixtures that are as good.
fn write_one(out: &mut String, title: &str, ((plan, best), paper): Pair<'_>) -> Result<Largest> {
    let mut largest = Largest::default();
    let choice = &best.choice;
    let optimum = &choice.optimum;
    let ranges = plan.ranges(choice, AS_GOOD * optimum.value)?;
    writeln!(out, "{title:24}\n{:24}  {HEADS}   within {}%", "", percent(AS_GOOD))?;
    // The printed rows are rounded: what they lack is shared out.
    let total: f64 = paper.iter().sum();
    let mut printed = vec![0.0; 7];
    let mut inside = true;
    for (target, &paper) in TARGETS.into_iter().zip(paper) {
        let domain = choice.domains.iter().position(|d| d == target).expect("it was checked");
        let ours = percent(optimum.weights[domain]);
        let (low, high) = (percent(ranges[domain].0), percent(ranges[domain].1));
        printed[domain] = paper / total;
        inside &= (low..=high).contains(&paper);
        let cell = largest.cell(target, ours, paper, 1);
        writeln!(out, "  {target:22}  {cell}   {low:4.1} to {high:4.1}")?;
    }
    let value = plan.objective(choice.scale)?.value(&printed)?;
    let bound = optimum.lower_bound.map_or("none".to_owned(), |bound| format!("{bound:.9}"));
    let (loss, certificate) = (optimum.value, &optimum.certificate);
    writeln!(out, "  loss {loss:.9}, lower bound {bound} ({certificate})")?;
    writeln!(
        out,
        "  the paper's mixture: {:.4}% above the optimal loss, {}",
        percent(value / optimum.value - 1.0),
        if inside { "inside all ranges" } else { "outside some of the ranges" }
    )?;
    Ok(largest)
}
