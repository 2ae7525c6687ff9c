//! The path over scale, the loss over three domains, and observed against predicted loss.

use mixlaw::plan::Plan;
use mixlaw::plot::{self, Series};
use mixlaw::sweep::{EVAL, TRAIN};

use super::summary::Summary;
use crate::Result;
use crate::goals;
use crate::load::{self, Data};
use crate::pictures::{Folder, greatest_three};

/// Draws them for each mixture.
///
/// # Errors
/// If one cannot be drawn or written.
pub fn draw(
    folder: &Folder,
    out: &mut String,
    chosen: &[(Plan, Summary<'_>)],
    data: &Data,
) -> Result<()> {
    for (number, (plan, summary)) in chosen.iter().enumerate() {
        let Summary { best, own, path, limit, .. } = summary;
        let (law, choice) = (&best.law, &best.choice);
        let title = format!("{law} law, {}", goals::title(&best.targets));
        let svg = plot::path(path, Some(limit), &title)?;
        folder.write(out, &format!("{number}-{law}-path"), &svg)?;
        if let Some(three) = greatest_three(choice) {
            let (best, marks) = (&choice.optimum.weights, load::mixtures(&data.train));
            let svg = plot::ternary(plan, choice.scale, three, best, &marks)?;
            folder.write(out, &format!("{number}-{law}-ternary"), &svg)?;
        }
        let mut series = Vec::new();
        for (_, fitted) in own {
            for split in [TRAIN, EVAL] {
                let Ok(rows) = data.sweep.split(split) else { continue };
                // A split may have no loss of a target.
                let Ok(rows) = rows.with_losses_of(fitted.fit.target()) else { continue };
                let observed = rows.losses_of(fitted.fit.target())?;
                let points = observed.into_iter().zip(fitted.fit.predict_sweep(&rows)?).collect();
                let label = fitted.fit.target().to_owned();
                series.push(Series { label, points, fitted: split == TRAIN });
            }
        }
        let svg = plot::observed_predicted(&series, &title)?;
        folder.write(out, &format!("{number}-{law}-predicted"), &svg)?;
    }
    Ok(())
}
