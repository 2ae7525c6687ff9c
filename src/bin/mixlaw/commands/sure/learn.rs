//! Which law predicts best, and how the error falls with the number of mixtures.

use std::fmt::Write as _;

use mixlaw::law::{self, LawSettings};
use mixlaw::selection::{Candidate, LearningCurve, LearningPoint, Selection};
use mixlaw::{Fitter, Scale, Sweep};
use serde_json::{Value, json};

use crate::Result;
use crate::progress;
use crate::report::percent;

const DRAWS: usize = 5;

/// The errors of a law against the number of mixtures.
#[derive(Debug)]
pub struct Curve {
    pub law: &'static str,
    pub points: Vec<LearningPoint>,
}

impl Curve {
    pub fn json(&self, target: &str) -> Value {
        json!({
            "law": self.law,
            "target": target,
            "mixtures": self.points.iter().map(|p| p.mixtures).collect::<Vec<_>>(),
            "mre": self.points.iter().map(|p| percent(p.mean)).collect::<Vec<_>>(),
        })
    }
}

/// Writes the comparison of the laws on one target, and draws the curves of the additive and the joint
/// law, where they apply.
///
/// # Errors
/// If nothing can be compared.
pub fn learn(
    out: &mut String,
    train: &Sweep,
    target: &str,
    at: Scale,
    seed: u64,
) -> Result<Vec<Curve>> {
    writeln!(
        out,
        "\nLaws compared on `{target}`, by held-out mixtures and the largest size held out:\n"
    )?;
    let bar = progress::bar("Laws compared, fits");
    let selection = Selection::new().for_scale(at).seed(seed).observe(bar.observer());
    let comparison = selection.run(train, target)?;
    drop(bar);
    writeln!(out, "{comparison}")?;

    let mixtures = train.count_mixtures();
    let counts: Vec<usize> = [3, 5, 8, 12, 16, 24, 32, 48]
        .into_iter()
        .filter(|count| 4 * count <= 3 * mixtures)
        .collect();
    writeln!(
        out,
        "MRE on new mixtures against the number of mixtures trained (mean of {DRAWS} draws)"
    )?;
    let mut curves = Vec::new();
    for name in ["additive", "joint"] {
        if comparison.get(name).is_none() {
            continue;
        }
        let law = law::named(name)?.for_sweep(train, &LawSettings::new())?;
        let candidate = Candidate::new(law, Fitter::new().starts(8));
        let mut points = Vec::new();
        for &count in &counts {
            let bar = progress::bar(format!("Learning curve, {name}, {count} mixtures, fits"));
            let curve =
                LearningCurve::new([count]).repeats(DRAWS).seed(seed).observe(bar.observer());
            // Too few rows for the law are no point of its curve.
            if let Ok(curve) = curve.run(&candidate, train, target) {
                points.extend_from_slice(curve.points());
            }
        }
        let text: Vec<String> =
            points.iter().map(|p| format!("{}: {:.2}%", p.mixtures, percent(p.mean))).collect();
        writeln!(out, "  {name}: {}", text.join(", "))?;
        curves.push(Curve { law: name, points });
    }
    Ok(curves)
}
