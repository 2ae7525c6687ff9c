use std::fmt;
use std::ops::ControlFlow;

use super::{Candidate, CandidateFitter, MOST_DRAWS, draw_mixtures, setting};
use crate::error::Error;
use crate::optim::{Control, Observer, Progress, Termination};
use crate::sweep::Sweep;

/// The error of fits to one number of mixtures, over repeated draws.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct LearningPoint {
    /// The number of distinct mixtures that were fitted.
    pub mixtures: usize,
    /// The mean over the draws of the MRE on the rows that were predicted, a fraction.
    pub mean: f64,
    /// The least MRE of a draw.
    pub least: f64,
    /// The greatest MRE of a draw.
    pub greatest: f64,
}

impl LearningPoint {
    fn new(mixtures: usize, errors: &[f64]) -> Self {
        Self {
            mixtures,
            mean: errors.iter().sum::<f64>() / errors.len() as f64,
            least: errors.iter().copied().fold(f64::INFINITY, f64::min),
            greatest: errors.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        }
    }
}

/// How the error on new mixtures falls with the number of mixtures that were trained on (Fig. 5 of the
/// paper): for each count and each repeat, that many distinct mixtures are drawn at random, and a
/// candidate is fitted to all their rows and predicts the rows of the others.
///
/// A draw of more mixtures contains the draw of fewer of the same repeat, and every candidate gets the
/// same draws, so that points and curves can be compared.
///
/// ```
/// use mixlaw::law::AdditiveLaw;
/// use mixlaw::selection::{Candidate, LearningCurve};
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
/// let curve = LearningCurve::new([3, 6]).repeats(4).run(&candidate, &sweep, "web")?;
/// println!("{curve}");
/// let [few, more] = curve.points() else { panic!("a point for each count") };
/// assert!(more.mean < few.mean);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct LearningCurve {
    counts: Vec<usize>,
    repeats: usize,
    seed: u64,
    test: Option<Sweep>,
    observer: Option<Observer>,
}

impl LearningCurve {
    /// A point for each of these numbers of mixtures, of 10 repeats with seed 0.
    #[must_use]
    pub fn new(counts: impl Into<Vec<usize>>) -> Self {
        Self { counts: counts.into(), repeats: 10, seed: 0, test: None, observer: None }
    }

    /// The number of draws for each point, from 1 to 10,000.
    #[must_use]
    pub fn repeats(self, repeats: usize) -> Self {
        Self { repeats, ..self }
    }

    /// The seed of the draws.
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Measures the errors on all rows of this sweep, such as the runs of larger models, in place of the
    /// mixtures that were not drawn. A count may then be the number of all mixtures, for which there is
    /// only one draw.
    #[must_use]
    pub fn test(self, test: &Sweep) -> Self {
        Self { test: Some(test.clone()), ..self }
    }

    /// Calls `observer` with the [`Progress`] of every run of these settings, which it can stop within an
    /// iteration of a fit; the curve then has the points whose draws were all fitted. An observer of the
    /// candidate's own fitter is not called.
    #[must_use]
    pub fn observe(
        self,
        observer: impl FnMut(&Progress) -> ControlFlow<()> + Send + 'static,
    ) -> Self {
        Self { observer: Some(Observer::new(observer)), ..self }
    }

    /// Draws, fits and predicts, all with the rows that have a loss of the target.
    ///
    /// # Errors
    /// If a sweep has no such target, no loss of it or other domains, there are not 1 to 10,000 repeats, a count is
    /// 0 or not less than the number of distinct mixtures (with a [test](LearningCurve::test): greater
    /// than it), or the candidate cannot be fitted to a draw, such as by having more free coefficients
    /// than it has rows.
    pub fn run(
        &self,
        candidate: &Candidate,
        sweep: &Sweep,
        target: &str,
    ) -> Result<LearningPoints, Error> {
        let measured = sweep.measured(target)?;
        if let Some(test) = &self.test {
            test.rows_with_loss(target)?;
        }
        if !(1..=MOST_DRAWS).contains(&self.repeats) {
            return Err(setting("the number of repeats", self.repeats, "from 1 to 10000"));
        }
        let mixtures = measured.count_mixtures();
        // There is only one draw of all.
        let repeats_of = |count: usize| if count == mixtures { 1 } else { self.repeats };
        let draws = self.counts.iter().fold(0, |sum: usize, &n| sum.saturating_add(repeats_of(n)));
        let control = Control::default().observed_by(self.observer.as_ref());
        let mut fitter =
            CandidateFitter::new(target, control, draws.saturating_mul(candidate.laws().len()));
        let mut points = Vec::with_capacity(self.counts.len());
        for &count in &self.counts {
            let error =
                |repeat| self.error(&mut fitter, candidate, sweep, &measured, count, repeat);
            let errors: Option<Vec<f64>> =
                (0..repeats_of(count)).map(error).collect::<Result<_, _>>()?;
            let Some(errors) = errors else { break };
            points.push(LearningPoint::new(count, &errors));
        }
        Ok(LearningPoints { points, termination: fitter.end() })
    }

    /// The MRE of one draw of the mixtures of the rows that have the loss, `measured`; `None` if the
    /// observer has stopped the call.
    fn error(
        &self,
        fitter: &mut CandidateFitter<'_>,
        candidate: &Candidate,
        sweep: &Sweep,
        measured: &Sweep,
        count: usize,
        repeat: usize,
    ) -> Result<Option<f64>, Error> {
        let drawn;
        let (rows, others) = match &self.test {
            // A draw of all leaves no others.
            Some(test) if count == measured.count_mixtures() => (sweep, test),
            test => {
                drawn = draw_mixtures(measured, count, self.seed, repeat)?;
                (&drawn.0, test.as_ref().unwrap_or(&drawn.1))
            }
        };
        let Some(fit) = fitter.ensemble(candidate, rows) else { return Ok(None) };
        Ok(Some(fit?.evaluate(others)?.mre))
    }
}

/// The points of a [`LearningCurve`]. It prints as a table.
#[derive(Debug, Clone, PartialEq)]
pub struct LearningPoints {
    points: Vec<LearningPoint>,
    termination: Termination,
}

impl LearningPoints {
    /// A point for each count, in the order in which these were given; of the first ones only where an
    /// observer stopped it.
    #[must_use]
    pub fn points(&self) -> &[LearningPoint] {
        &self.points
    }

    /// [`Termination::Stopped`] if an observer stopped it early, otherwise [`Termination::Complete`].
    #[must_use]
    pub fn termination(&self) -> Termination {
        self.termination
    }
}

impl fmt::Display for LearningPoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "mixtures   mean MRE  of each draw")?;
        for point in &self.points {
            let [mean, least, greatest] =
                [point.mean, point.least, point.greatest].map(|mre| 100.0 * mre);
            let mixtures = point.mixtures;
            writeln!(f, "{mixtures:>8}  {mean:>8.3}%  {least:.3} to {greatest:.3}%")?;
        }
        if self.termination == Termination::Complete {
            return Ok(());
        }
        writeln!(f, "{}", self.termination)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::fit::Fitter;
    use crate::law::AdditiveLaw;
    use crate::selection::tests::sweep;

    #[test]
    fn points_are_in_the_order_of_the_counts_and_repeat() {
        let s = sweep(&[1e8, 2e8, 4e8], &[1e9, 4e9]);
        let candidate = Candidate::new(AdditiveLaw::for_sweep(&s), Fitter::new().starts(8));
        let run = |seed: u64| {
            let curve = LearningCurve::new([5, 2]).repeats(3).seed(seed);
            curve.run(&candidate, &s, "t").unwrap().points().to_vec()
        };
        let curve = run(7);
        assert_eq!(curve.iter().map(|p| p.mixtures).collect::<Vec<_>>(), [5, 2]);
        assert!(curve.iter().all(|p| p.least <= p.mean && p.mean <= p.greatest));
        // Two mixtures cannot determine 1/(C_1 h_1^g_1 + C_2 h_2^g_2), five can.
        assert!(curve[0].greatest < 0.0001 && curve[1].mean > 0.001, "{curve:?}");
        assert_eq!(curve, run(7));
        assert_ne!(curve, run(8));
    }

    #[test]
    fn another_sweep_is_predicted_from_all_mixtures_too() {
        // Three values of each leave nothing open in the terms of N and D.
        let s = sweep(&[1e8, 2e8, 4e8], &[1e9, 4e9, 1.6e10]);
        let large = sweep(&[2e9], &[2e10]);
        let candidate = Candidate::new(AdditiveLaw::for_sweep(&s), Fitter::new().starts(8));
        let curve = LearningCurve::new([2, 6]).repeats(3).test(&large);
        let curve = curve.run(&candidate, &s, "t").unwrap().points().to_vec();
        assert!(curve[1].mean < 0.001 && curve[1].least == curve[1].greatest, "{curve:?}");
        assert!(curve[0].mean > 10.0 * curve[1].mean, "{curve:?}");
        let exact = candidate.fit(&s, "t").unwrap().evaluate(&large).unwrap();
        assert_eq!(curve[1].mean, exact.mre);
    }

    #[test]
    fn an_observer_sees_every_fit_and_can_stop() {
        let s = sweep(&[1e8, 2e8, 4e8], &[1e9, 4e9, 1.6e10]);
        let candidate = Candidate::new(AdditiveLaw::for_sweep(&s), Fitter::new().starts(4));
        let half = LearningCurve::new([2, 4]).repeats(3).seed(5);
        let run = |curve: &LearningCurve, most: usize| {
            let last = Arc::new(Mutex::new((0, None)));
            let told = last.clone();
            let curve = curve.clone().observe(move |progress| {
                *told.lock().unwrap() = (progress.done, progress.total);
                if progress.done < most {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(())
                }
            });
            let LearningPoints { points, termination } = curve.run(&candidate, &s, "t").unwrap();
            let (done, total) = *last.lock().unwrap();
            (points, termination, done, total)
        };
        let alone = half.run(&candidate, &s, "t").unwrap().points;
        let (complete, stopped) = (Termination::Complete, Termination::Stopped);
        assert_eq!(run(&half, usize::MAX), (alone.clone(), complete, 6, Some(6)));
        // A stop at the last fit leaves nothing out, one at the end of a point keeps it, and one
        // within a point leaves that point out.
        assert_eq!(run(&half, 6), (alone.clone(), complete, 6, Some(6)));
        assert_eq!(run(&half, 5), (alone[..1].to_vec(), stopped, 5, Some(6)));
        assert_eq!(run(&half, 3), (alone[..1].to_vec(), stopped, 3, Some(6)));
        assert_eq!(run(&half, 2), (Vec::new(), stopped, 2, Some(6)));
        // Of all mixtures there is only one draw.
        let large = sweep(&[2e9], &[2e10]);
        let all = LearningCurve::new([2, 6]).repeats(3).seed(5).test(&large);
        let alone = all.run(&candidate, &s, "t").unwrap().points;
        assert_eq!(run(&all, usize::MAX), (alone.clone(), complete, 4, Some(4)));
        assert_eq!(run(&all, 3), (alone[..1].to_vec(), stopped, 3, Some(4)));
    }

    #[test]
    fn faults_are_errors() {
        let s = sweep(&[1e8, 2e8, 4e8], &[1e9, 4e9]);
        let candidate = Candidate::new(AdditiveLaw::for_sweep(&s), Fitter::new().starts(1));
        let run = |target: &str, count: usize, repeats: usize| {
            LearningCurve::new([count]).repeats(repeats).run(&candidate, &s, target)
        };
        assert!(matches!(run("u", 4, 1), Err(error) if error.is_unknown_name()));
        assert!(matches!(run("t", 4, 0), Err(error) if error.is_setting()));
        assert!(matches!(run("t", 0, 1), Err(error) if error.is_setting()));
        assert!(matches!(run("t", 6, 1), Err(error) if error.is_setting()));
        // One mixture has 6 rows for 9 coefficients.
        assert!(matches!(run("t", 1, 1), Err(error) if error.is_too_few_rows()));
        assert!(LearningCurve::new([7]).repeats(1).test(&s).run(&candidate, &s, "t").is_err());
    }
}
