use super::{Candidate, MOST_DRAWS, Work, draw_mixtures, setting};
use crate::error::FitError;
use crate::fit::losses_of;
use crate::optim::{Control, Observer, Termination};
use crate::sweep::Sweep;

/// The error of fits to one number of mixtures, over repeated draws.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct LearningPoint {
    /// The number of distinct mixtures that were fitted.
    pub mixtures: usize,
    /// The mean over the draws of the MRE on the rows that were predicted, in percent.
    pub mean: f64,
    /// The least MRE of a draw, in percent.
    pub least: f64,
    /// The greatest MRE of a draw, in percent.
    pub greatest: f64,
}

/// How the error on new mixtures falls with the number of mixtures that were trained (Fig. 5 of the
/// paper): for each of `counts` and each of `repeats` draws, the candidate is fitted to all rows of
/// so many distinct mixtures drawn at random, and predicts the rows of the others.
///
/// A draw of more mixtures contains the draw of fewer with the same number, and every candidate gets
/// the same draws, so that points and curves can be compared.
///
/// # Errors
/// [`FitError`] if the sweep has no such target, there are not 1 to 10,000 repeats, a count is 0 or not
/// less than the number of distinct mixtures, or the candidate cannot be fitted to a draw, such as by having
/// more free coefficients than it has rows.
///
/// ```
/// use mixlaw::law::AdditiveLaw;
/// use mixlaw::selection::{Candidate, learning_curve};
/// use mixlaw::{Fitter, Sweep};
/// # let (mut n, mut d, mut h, mut loss) = (vec![], vec![], vec![], vec![]);
/// # for web in [0.05, 0.2, 0.35, 0.5, 0.65, 0.8, 0.95] {
/// #     for (size, tokens) in [(1e8, 2e9), (1e8, 8e9), (4e8, 2e9), (4e8, 8e9)] {
/// #         n.push(size);
/// #         d.push(tokens);
/// #         h.extend([web, 1.0 - web]);
/// #         loss.push(1.0 + 1.0 / (2.0 * f64::powf(web, 0.5) + 1.0 - web)
/// #             + 400.0 / f64::powf(size, 0.34) + 400.0 / f64::powf(tokens, 0.28));
/// #     }
/// # }
///
/// # let sweep = Sweep::new(&["web", "code"], &["web"], &n, &d, &h, &loss)?;
/// let candidate = Candidate::new(AdditiveLaw::for_sweep(&sweep), Fitter::new());
/// let curve = learning_curve(&candidate, &sweep, "web", &[3, 6], 4, 0)?;
/// for point in &curve {
///     println!("{} mixtures: {:.3}% ({:.3} to {:.3})", point.mixtures, point.mean, point.least,
///         point.greatest);
/// }
/// assert!(curve[1].mean < curve[0].mean);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn learning_curve(
    candidate: &Candidate,
    sweep: &Sweep,
    target: &str,
    counts: &[usize],
    repeats: usize,
    seed: u64,
) -> Result<Vec<LearningPoint>, FitError> {
    Ok(curve(candidate, sweep, None, target, counts, repeats, seed, Control::default())?.0)
}

/// As [`learning_curve`], with an observer that is told of the fits made and can stop the rest, within
/// an iteration of a fit; the curve then has the points whose draws were all fitted. Beside it
/// [`Termination::Stopped`] if the observer stopped it early, otherwise [`Termination::Complete`].
///
/// # Errors
/// As [`learning_curve`].
pub fn learning_curve_observed(
    candidate: &Candidate,
    sweep: &Sweep,
    target: &str,
    counts: &[usize],
    repeats: usize,
    seed: u64,
    observer: &mut Observer<'_>,
) -> Result<(Vec<LearningPoint>, Termination), FitError> {
    let control = Control::default().observed_by(observer);
    curve(candidate, sweep, None, target, counts, repeats, seed, control)
}

/// As [`learning_curve`], with the error on all rows of another sweep, such as the runs of larger
/// models, whatever their mixtures. A count may be that of all mixtures.
///
/// # Errors
/// As [`learning_curve`], other than that a count may be the number of mixtures; and if `test` has
/// other domains or no such target.
pub fn learning_curve_on(
    candidate: &Candidate,
    sweep: &Sweep,
    test: &Sweep,
    target: &str,
    counts: &[usize],
    repeats: usize,
    seed: u64,
) -> Result<Vec<LearningPoint>, FitError> {
    Ok(curve(candidate, sweep, Some(test), target, counts, repeats, seed, Control::default())?.0)
}

/// As [`learning_curve_on`], observed as by [`learning_curve_observed`].
///
/// # Errors
/// As [`learning_curve_on`].
#[allow(clippy::too_many_arguments, reason = "those of learning_curve_on, and the observer")]
pub fn learning_curve_on_observed(
    candidate: &Candidate,
    sweep: &Sweep,
    test: &Sweep,
    target: &str,
    counts: &[usize],
    repeats: usize,
    seed: u64,
    observer: &mut Observer<'_>,
) -> Result<(Vec<LearningPoint>, Termination), FitError> {
    let control = Control::default().observed_by(observer);
    curve(candidate, sweep, Some(test), target, counts, repeats, seed, control)
}

#[allow(clippy::too_many_arguments, reason = "those of learning_curve_on_observed")]
fn curve(
    candidate: &Candidate,
    sweep: &Sweep,
    test: Option<&Sweep>,
    target: &str,
    counts: &[usize],
    repeats: usize,
    seed: u64,
    control: Control<'_>,
) -> Result<(Vec<LearningPoint>, Termination), FitError> {
    if let Some(test) = test {
        losses_of(test, target)?;
    }
    if !(1..=MOST_DRAWS).contains(&repeats) {
        return Err(setting("the number of repeats", repeats, "from 1 to 10000"));
    }
    let mixtures = sweep.count_mixtures();
    // There is but one draw of all.
    let repeats_of = |count: usize| if count == mixtures { 1 } else { repeats };
    let draws = counts.iter().fold(0, |sum: usize, &count| sum.saturating_add(repeats_of(count)));
    let mut work = Work::new(target, control, draws.saturating_mul(candidate.laws().len()));
    // `None` if the observer has stopped.
    let mut error = |count: usize, repeat: usize| -> Result<Option<f64>, FitError> {
        let drawn;
        let (rows, others) = match test {
            // A draw of all leaves no others.
            Some(test) if count == mixtures => (sweep, test),
            _ => {
                drawn = draw_mixtures(sweep, count, seed, repeat)?;
                (&drawn.0, test.unwrap_or(&drawn.1))
            }
        };
        let Some(fit) = work.ensemble(candidate, rows) else { return Ok(None) };
        Ok(Some(fit?.evaluate(others)?.mre))
    };
    let mut points = Vec::with_capacity(counts.len());
    for &count in counts {
        let repeats = repeats_of(count);
        let errors: Option<Vec<f64>> =
            (0..repeats).map(|repeat| error(count, repeat)).collect::<Result<_, _>>()?;
        let Some(errors) = errors else { break };
        points.push(LearningPoint {
            mixtures: count,
            mean: errors.iter().sum::<f64>() / repeats as f64,
            least: errors.iter().copied().fold(f64::INFINITY, f64::min),
            greatest: errors.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        });
    }
    Ok((points, work.end()))
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::*;
    use crate::fit::Fitter;
    use crate::law::AdditiveLaw;
    use crate::optim::Progress;
    use crate::selection::tests::sweep;

    #[test]
    fn points_are_in_the_order_of_the_counts_and_repeat() {
        let s = sweep(&[1e8, 2e8, 4e8], &[1e9, 4e9]);
        let candidate = Candidate::new(AdditiveLaw::for_sweep(&s), Fitter::new().starts(8));
        let curve = learning_curve(&candidate, &s, "t", &[5, 2], 3, 7).unwrap();
        assert_eq!(curve.iter().map(|p| p.mixtures).collect::<Vec<_>>(), [5, 2]);
        assert!(curve.iter().all(|p| p.least <= p.mean && p.mean <= p.greatest));
        // Two mixtures cannot determine 1/(C_1 h_1^g_1 + C_2 h_2^g_2), five can.
        assert!(curve[0].greatest < 0.01 && curve[1].mean > 0.1, "{curve:?}");
        assert_eq!(curve, learning_curve(&candidate, &s, "t", &[5, 2], 3, 7).unwrap());
        assert_ne!(curve, learning_curve(&candidate, &s, "t", &[5, 2], 3, 8).unwrap());
    }

    #[test]
    fn another_sweep_is_predicted_from_all_mixtures_too() {
        // Three values of each leave nothing open in the terms of N and D.
        let s = sweep(&[1e8, 2e8, 4e8], &[1e9, 4e9, 1.6e10]);
        let large = sweep(&[2e9], &[2e10]);
        let candidate = Candidate::new(AdditiveLaw::for_sweep(&s), Fitter::new().starts(8));
        let curve = learning_curve_on(&candidate, &s, &large, "t", &[2, 6], 3, 0).unwrap();
        assert!(curve[1].mean < 0.1 && curve[1].least == curve[1].greatest, "{curve:?}");
        assert!(curve[0].mean > 10.0 * curve[1].mean, "{curve:?}");
        let exact = candidate.fit(&s, "t").unwrap().evaluate(&large).unwrap();
        assert_eq!(curve[1].mean, exact.mre);
    }

    #[test]
    fn an_observer_sees_every_fit_and_can_stop() {
        let s = sweep(&[1e8, 2e8, 4e8], &[1e9, 4e9, 1.6e10]);
        let candidate = Candidate::new(AdditiveLaw::for_sweep(&s), Fitter::new().starts(4));
        let run = |test: Option<&Sweep>, most: usize| {
            let mut seen = Vec::new();
            let mut observer = |progress: &Progress| {
                seen.push((progress.done, progress.total));
                if progress.done < most {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(())
                }
            };
            let (c, observer) = (&candidate, &mut observer);
            let (points, termination) = match test {
                None => learning_curve_observed(c, &s, "t", &[2, 4], 3, 5, observer),
                Some(test) => learning_curve_on_observed(c, &s, test, "t", &[2, 6], 3, 5, observer),
            }
            .unwrap();
            let (done, total) = seen[seen.len() - 1];
            (points, termination, done, total)
        };
        let alone = learning_curve(&candidate, &s, "t", &[2, 4], 3, 5).unwrap();
        let (complete, stopped) = (Termination::Complete, Termination::Stopped);
        assert_eq!(run(None, usize::MAX), (alone.clone(), complete, 6, Some(6)));
        // A stop at the last fit leaves nothing out, one at the end of a point keeps it, and one
        // within a point leaves that point out.
        assert_eq!(run(None, 6), (alone.clone(), complete, 6, Some(6)));
        assert_eq!(run(None, 5), (alone[..1].to_vec(), stopped, 5, Some(6)));
        assert_eq!(run(None, 3), (alone[..1].to_vec(), stopped, 3, Some(6)));
        assert_eq!(run(None, 2), (Vec::new(), stopped, 2, Some(6)));
        // Of all mixtures there is but one draw.
        let large = sweep(&[2e9], &[2e10]);
        let alone = learning_curve_on(&candidate, &s, &large, "t", &[2, 6], 3, 5).unwrap();
        assert_eq!(run(Some(&large), usize::MAX), (alone.clone(), complete, 4, Some(4)));
        assert_eq!(run(Some(&large), 3), (alone[..1].to_vec(), stopped, 3, Some(4)));
    }

    #[test]
    fn faults_are_errors() {
        let s = sweep(&[1e8, 2e8, 4e8], &[1e9, 4e9]);
        let candidate = Candidate::new(AdditiveLaw::for_sweep(&s), Fitter::new().starts(1));
        let run = |target: &str, count: usize, repeats: usize| {
            learning_curve(&candidate, &s, target, &[count], repeats, 0)
        };
        assert!(matches!(run("u", 4, 1), Err(FitError::Target { .. })));
        assert!(matches!(run("t", 4, 0), Err(FitError::Setting(_))));
        assert!(matches!(run("t", 0, 1), Err(FitError::Setting(_))));
        assert!(matches!(run("t", 6, 1), Err(FitError::Setting(_))));
        // One mixture has 6 rows for 9 coefficients.
        assert!(matches!(run("t", 1, 1), Err(FitError::TooFewRows { .. })));
        assert!(learning_curve_on(&candidate, &s, &s, "t", &[7], 1, 0).is_err());
    }
}
