//! Intervals over scale, regions of mixtures that could be the best, and learning curves.

use mixlaw::plan::Plan;
use mixlaw::plot::{self, Band};
use mixlaw::predictor::Interval;
use mixlaw::{Mixture, Predictor, Scale, Sweep};

use super::decide::Decided;
use super::learn::Curve;
use crate::Result;
use crate::load::Data;
use crate::pictures::{Folder, greatest_three};
use crate::report::percent;

/// Draws all of them.
///
/// # Errors
/// If one cannot be drawn or written.
pub fn draw(
    folder: &Folder,
    out: &mut String,
    predictors: &[Predictor],
    decided: &[(Plan, Decided)],
    curves: &[Curve],
    data: &Data,
    level: f64,
) -> Result<()> {
    folder.write(out, "bands", &over_size(predictors, &data.sweep, level)?)?;
    for (i, (plan, x)) in decided.iter().enumerate() {
        if let Some(three) = greatest_three(&x.choice) {
            let svg = plot::region(plan, &x.choice, three, level)?;
            folder.write(out, &format!("region{i}"), &svg)?;
        }
    }
    let band = |curve: &Curve| Band {
        label: curve.law.to_owned(),
        points: curve
            .points
            .iter()
            .map(|p| {
                let [estimate, lower, upper] = [p.mean, p.least, p.greatest].map(percent);
                (p.mixtures as f64, Interval { estimate, lower, upper })
            })
            .collect(),
        observed: Vec::new(),
    };
    let bands: Vec<Band> = curves.iter().map(band).collect();
    let title = "Error on new mixtures: mean, least and greatest of 5 draws";
    folder.write(out, "learning", &plot::bands(&bands, "mixtures trained", "MRE, %", title)?)
}

/// Losses of new runs over N, at the mixture with most rows and its most frequent D.
fn over_size(predictors: &[Predictor], sweep: &Sweep, level: f64) -> Result<String> {
    let (h, d) = most_frequent(sweep);
    let is_own = |row: &mixlaw::sweep::Row<'_>| row.h == &h[..] && row.d == d;
    let largest = sweep.rows().filter(is_own).map(|row| row.n).fold(0.0, f64::max);
    let mut bands = Vec::new();
    for predictor in predictors {
        let mut points = Vec::new();
        for step in -20..=8 {
            let n = largest * 10f64.powf(0.1 * f64::from(step));
            points.push((n, predictor.prediction_interval(Scale { n, d }, &h, level)?));
        }
        let target = predictor.target();
        let measured = sweep.with_losses_of(target)?;
        let rows = measured.rows().zip(measured.losses_of(target)?);
        let observed = rows.filter(|(row, _)| is_own(row)).map(|(row, loss)| (row.n, loss));
        let observed = observed.collect();
        bands.push(Band { label: target.to_owned(), points, observed });
    }
    let level = percent(level);
    let title = format!("{level:.0}% intervals of new runs at D = {d:.2e} of one mixture");
    Ok(plot::bands(&bands, "N, parameters", "loss, nats", &title)?)
}

/// The mixture and D of which most models were trained.
fn most_frequent(sweep: &Sweep) -> (Mixture, f64) {
    let count = |row: &mixlaw::sweep::Row<'_>| {
        sweep.rows().filter(|other| other.h == row.h && other.d == row.d).count()
    };
    let most = sweep.rows().max_by_key(count).expect("a sweep is never empty");
    (Mixture::new(most.h.to_vec()).expect("a sweep's rows are mixtures"), most.d)
}
