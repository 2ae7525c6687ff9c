use super::{Choice, Plan, Target, finite};
use crate::design::Run;
use crate::error::{Error, ErrorKind, Place};
use crate::mixture::Mixture;
use crate::optim::Termination;
use crate::predictor::Members;

/// What a next run is chosen by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Criterion {
    /// The decision (V-optimal): what leaves the least `sum_j Var[V(h_j) - V(h*)]`, the variance over
    /// the members of what the mixtures h_j that could be the best are worth, relative to the choice
    /// h*, in nats^2.
    #[default]
    Decision,
    /// The law (D-optimal): what reduces the volume of the laws that are still possible most, by
    /// `sum_t ln(1 + Var[L_t] / noise_t) / 2` over the targets t: the runs whose losses are least
    /// certain.
    Law,
}

/// A run that was chosen, and how much it tells.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct NextRun {
    /// Its number among the candidates.
    pub candidate: usize,
    /// The gain of this run together with those before it: the share by which the variance of the
    /// decision falls, or the information on the law in nats. A run measures the losses of all targets.
    #[cfg_attr(feature = "serde", serde(with = "super::stored::gain"))]
    pub gain: f64,
}

/// So many mixtures that could be the best stand for the decision.
const RIVALS: usize = 40;

/// A quantity in every resample, less its mean.
type Anomaly = Vec<f64>;

fn centred(mut values: Vec<f64>) -> Anomaly {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    values.iter_mut().for_each(|v| *v -= mean);
    values
}

fn covariance(a: &Anomaly, b: &Anomaly) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>() / (a.len() - 1) as f64
}

/// What is left of `x` once `y` has been measured with noise of this variance: the update of a square
/// root filter, after which the resamples have the covariance of a Kalman update (Whitaker and Hamill,
/// 2002).
fn condition(x: &mut Anomaly, y: &Anomaly, variance: f64, noise: f64) {
    let total = variance + noise;
    let gain = covariance(x, y) / total / (1.0 + (noise / total).sqrt());
    x.iter_mut().zip(y).for_each(|(x, y)| *x -= gain * y);
}

impl Plan {
    /// Which `count` of the candidates to run next, best first, each chosen as if those before it had
    /// been run: a greedy design. A run measures the losses of all targets, with the noise that the
    /// residuals of the members show.
    ///
    /// With C the covariances of the decision with these losses, S those of the losses with each other
    /// and R their noise, a run reduces the variance of the decision by `C (S + R)^-1 C^T` (a Kalman
    /// update).
    ///
    /// # Errors
    /// As [`Plan::certainty`], if the runs asked for are not from 1 to the number of candidates, or a
    /// law is not defined or not finite at one of these.
    ///
    /// ```
    /// # use mixlaw::law::AdditiveLaw;
    /// # use mixlaw::plan::{Criterion, Run};
    /// # use mixlaw::uncertainty::Bootstrap;
    /// # use mixlaw::{Fitter, Mixture, Plan, Scale, Sweep};
    /// # let (mut n, mut d, mut h, mut loss) = (vec![], vec![], vec![], vec![]);
    /// # for web in [0.1f64, 0.3, 0.5, 0.7, 0.9] {
    /// #     for (size, tokens) in [(1e8, 2e9), (1e8, 8e9), (4e8, 2e9), (4e8, 8e9)] {
    /// #         n.push(size);
    /// #         d.push(tokens);
    /// #         h.extend([web, 1.0 - web]);
    /// #         let noise = 1.0 + 0.002 * (37.0 * web + size / 1e8).sin();
    /// #         loss.push(noise * (1.0 + 1.0 / (2.0 * f64::powf(web, 0.5) + f64::powf(1.0 - web, 0.5))
    /// #             + 400.0 / f64::powf(size, 0.34) + 400.0 / f64::powf(tokens, 0.28)));
    /// #     }
    /// # }
    /// # let sweep = Sweep::new(&["web", "code"], &["web"], &n, &d, &h, &loss)?;
    /// # let fit = Fitter::new().fit(AdditiveLaw::for_sweep(&sweep), &sweep, "web")?;
    /// let web = Bootstrap::new(100).run(&fit, &sweep)?;
    /// let plan = Plan::builder().target(1.0, web).build()?;
    /// let choice = plan.best(Scale { n: 1e9, d: 2e10 })?;
    /// let candidates: Vec<Run> = Mixture::grid(2, 10, 0.0)?
    ///     .into_iter()
    ///     .map(|h| Run { scale: Scale { n: 4e8, d: 8e9 }, h })
    ///     .collect();
    /// let next = plan.next_runs(&choice, &candidates, 2, Criterion::Decision)?;
    /// println!("run {} first", candidates[next[0].candidate].h.named(plan.domains()));
    /// assert!(next[1].gain >= next[0].gain);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn next_runs(
        &self,
        choice: &Choice,
        candidates: &[Run],
        count: usize,
        criterion: Criterion,
    ) -> Result<Vec<NextRun>, Error> {
        if !(1..=candidates.len()).contains(&count) {
            let expected = "from 1 to the number of candidates";
            return Err(Error::setting("the number of runs", count as f64, expected));
        }
        self.check_choice(choice)?;
        let plan = self.begin("runs", Some(count));
        let mut control = plan.control();
        let mut design = Design {
            measured: plan.measured(candidates)?,
            decision: match criterion {
                Criterion::Law => Vec::new(),
                Criterion::Decision => plan.decision(choice)?,
            },
            criterion,
        };
        let before = design.spread();
        let mut chosen: Vec<NextRun> = Vec::new();
        let mut information = 0.0;
        for _ in 0..count {
            let open = (0..candidates.len())
                .filter(|i| chosen.iter().all(|run| run.candidate != *i))
                .collect::<Vec<usize>>();
            let Some((candidate, gain)) = design.best_of(&open) else { break };
            information += gain;
            design.measure(candidate);
            let gain = match criterion {
                Criterion::Law => information,
                Criterion::Decision if before > 0.0 => 1.0 - design.spread() / before,
                Criterion::Decision => 0.0,
            };
            chosen.push(NextRun { candidate, gain });
            if control.counted(1) {
                break;
            }
        }
        plan.complete();
        Ok(chosen)
    }

    /// What each candidate would measure, of every target: its losses by the members, and the variance
    /// of the noise of a run.
    fn measured(&self, candidates: &[Run]) -> Result<Vec<Vec<Measured>>, Error> {
        let members = self.members()?;
        let of_run = |(i, run): (usize, &Run)| {
            if run.h.len() != self.domains.len() {
                let (found, expected) = (run.h.len(), self.domains.len());
                let what = format!("the mixture of candidate {i}");
                return Err(ErrorKind::Length { what, found, expected }.into());
            }
            let of_target = |(target, members): (&Target, &&Members)| {
                let values = target.predictor.values(run.scale, target.own(&run.h))?;
                let mean = values.iter().sum::<f64>() / values.len() as f64;
                finite(&format!("the mean loss of target `{}`", target.name()), mean)?;
                let noise = members.residual_variance() * mean * mean;
                Ok(Measured { loss: centred(values), noise })
            };
            let own: Result<Vec<Measured>, Error> =
                self.targets.iter().zip(&members).map(of_target).collect();
            own.map_err(|error| error.at(Place::Candidate(i)))
        };
        candidates.iter().enumerate().map(of_run).collect()
    }

    /// What the mixtures that could be the best are worth to each member, relative to the choice.
    fn decision(&self, choice: &Choice) -> Result<Vec<Anomaly>, Error> {
        let certainty = self.certainty(choice)?;
        if certainty.termination() != Termination::Complete {
            return Err(ErrorKind::Stopped.into());
        }
        let members = certainty.optima().len();
        let rivals = &certainty.optima()[..RIVALS.min(members)];
        let values = self.for_all_members(members, |plan| {
            let mut objective = plan.objective(choice.scale)?;
            let own = objective.value(&choice.optimum.weights)?;
            let rival = |h: &Mixture| finite("the value of a rival", objective.value(h)? - own);
            rivals.iter().map(rival).collect::<Result<Vec<f64>, Error>>()
        })?;
        Ok((0..rivals.len()).map(|i| centred(values.iter().map(|v| v[i]).collect())).collect())
    }
}

/// What a run would measure of one target.
struct Measured {
    loss: Anomaly,
    /// The variance of its noise.
    noise: f64,
}

/// What is known and could be measured, as it stands after the runs that were chosen.
struct Design {
    /// Of each candidate, of each target.
    measured: Vec<Vec<Measured>>,
    decision: Vec<Anomaly>,
    criterion: Criterion,
}

impl Design {
    /// The variance of the decision.
    fn spread(&self) -> f64 {
        self.decision.iter().map(|v| covariance(v, v)).sum()
    }

    /// The first of these candidates with the largest gain.
    fn best_of(&self, candidates: &[usize]) -> Option<(usize, f64)> {
        let gains = crate::parallel::map(candidates.len(), |place| {
            let run = &self.measured[candidates[place]];
            match self.criterion {
                Criterion::Law => information_of(run),
                Criterion::Decision => reduction(&self.decision, run),
            }
        });
        let mut best: Option<(usize, f64)> = None;
        for (&i, gain) in candidates.iter().zip(gains) {
            if best.is_none_or(|(_, most)| gain > most) {
                best = Some((i, gain));
            }
        }
        best
    }

    /// What is left once a candidate has been run.
    fn measure(&mut self, candidate: usize) {
        for target in 0..self.measured[candidate].len() {
            let Measured { loss: y, noise } = &self.measured[candidate][target];
            let (y, noise) = (y.clone(), *noise);
            let variance = covariance(&y, &y);
            if variance + noise > 0.0 {
                let losses = self.measured.iter_mut().flatten().map(|measured| &mut measured.loss);
                losses.chain(&mut self.decision).for_each(|x| condition(x, &y, variance, noise));
            }
        }
    }
}

/// The variance that measuring a run takes off the decision: targets one after the other, each where
/// those before it are known.
fn reduction(decision: &[Anomaly], run: &[Measured]) -> f64 {
    let mut decision = decision.to_vec();
    let mut losses: Vec<Anomaly> = run.iter().map(|measured| measured.loss.clone()).collect();
    let mut sum = 0.0;
    for target in 0..run.len() {
        let y = losses[target].clone();
        let (variance, noise) = (covariance(&y, &y), run[target].noise);
        if variance + noise <= 0.0 {
            continue;
        }
        sum += decision.iter().map(|v| covariance(v, &y).powi(2)).sum::<f64>() / (variance + noise);
        let others = losses[target + 1..].iter_mut();
        // What the last one leaves is not asked for.
        if others.len() > 0 {
            others.chain(&mut decision).for_each(|x| condition(x, &y, variance, noise));
        }
    }
    sum
}

/// `sum ln(1 + variance / noise) / 2` over the targets, one after the other.
fn information_of(run: &[Measured]) -> f64 {
    let mut losses: Vec<Anomaly> = run.iter().map(|measured| measured.loss.clone()).collect();
    let mut sum = 0.0;
    for target in 0..run.len() {
        let y = losses[target].clone();
        let (variance, noise) = (covariance(&y, &y), run[target].noise.max(f64::MIN_POSITIVE));
        losses.iter_mut().for_each(|x| condition(x, &y, variance, noise));
        sum += 0.5 * (variance / noise).ln_1p();
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditioning_is_a_kalman_update() {
        let x = centred(vec![0.3, -1.0, 2.0, 0.7, -0.4]);
        let z = centred(vec![1.0, 0.2, -0.3, 0.8, 0.1]);
        let y = centred(vec![0.5, -0.9, 1.1, 0.2, 0.6]);
        let (variance, noise) = (covariance(&y, &y), 0.7);
        let (xy, zy) = (covariance(&x, &y), covariance(&z, &y));
        let expected = covariance(&x, &z) - xy * zy / (variance + noise);
        let (mut x_after, mut z_after) = (x.clone(), z.clone());
        condition(&mut x_after, &y, variance, noise);
        condition(&mut z_after, &y, variance, noise);
        approx::assert_relative_eq!(covariance(&x_after, &z_after), expected, max_relative = 1e-12);
        // What it takes off is what `reduction` says beforehand.
        let fall = covariance(&x, &x) - covariance(&x_after, &x_after);
        let said = reduction(&[x], &[Measured { loss: y, noise }]);
        approx::assert_relative_eq!(said, fall, max_relative = 1e-12);
    }

    #[test]
    fn two_losses_that_move_together_are_worth_less_than_one_and_one() {
        let x = centred(vec![0.3, -1.0, 2.0, 0.7, -0.4]);
        let a = centred(vec![0.5, -0.9, 1.1, 0.2, 0.6]);
        let b = centred(vec![0.4, -0.7, 1.3, 0.2, 0.1]);
        let noise = [0.7, 0.2];
        // C (S + R)^-1 C^T with the inverse of two by two.
        let (aa, bb) = (covariance(&a, &a) + noise[0], covariance(&b, &b) + noise[1]);
        let (ab, ca, cb) = (covariance(&a, &b), covariance(&x, &a), covariance(&x, &b));
        let expected = (ca * ca * bb - 2.0 * ca * cb * ab + cb * cb * aa) / (aa * bb - ab * ab);
        let run = [Measured { loss: a, noise: noise[0] }, Measured { loss: b, noise: noise[1] }];
        let said = reduction(&[x], &run);
        approx::assert_relative_eq!(said, expected, max_relative = 1e-12);
        assert!(said < 0.8 * (ca * ca / aa + cb * cb / bb), "{said}");
    }
}
