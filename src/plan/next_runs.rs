use super::certainty::for_all;
use super::{Choice, Plan, finite};
use crate::error::{PlanError, SettingError, SimplexError};
use crate::mixture::Mixture;
use crate::scale::Scale;

/// A run that could be launched.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Run {
    /// Its N and D.
    pub scale: Scale,
    /// The mixture, in the order of [`Plan::domains`].
    pub h: Mixture,
}

/// What a next run is chosen by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Criterion {
    /// The decision (V-optimal): what leaves the least `sum_j Var[V(h_j) - V(h*)]`, the variance over
    /// the resamples of what the mixtures h_j that could be the best are worth, relative to the choice
    /// h*, in nats^2.
    #[default]
    Decision,
    /// The law (D-optimal): what shrinks the volume of the laws that are still possible most, by
    /// `sum_t ln(1 + Var[L_t] / noise_t) / 2` over the targets t: the runs whose losses are least
    /// certain.
    Law,
}

/// A run that was chosen, and what it is good for.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct NextRun {
    /// Its number among the candidates.
    pub candidate: usize,
    /// What it takes off, together with the runs before it: the share of the variance of the decision,
    /// or the information on the law in nats. A run is worth what the losses of all its targets are
    /// worth together.
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

impl Plan<'_> {
    /// Which `count` of the candidates to run next, best first, each chosen as if those before it had
    /// been run: a greedy design. A run measures the losses of all targets, with the noise that the
    /// residuals of the resamples show.
    ///
    /// With C the covariances of the decision with these losses, S those of the losses with each other
    /// and R their noise, a run leaves `C (S + R)^-1 C^T` less of the variance of the decision (a
    /// Kalman update).
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
    /// let resamples = Bootstrap::new(100).run(&fit, &sweep)?;
    /// let plan = Plan::new().with_resamples(1.0, &resamples);
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
    ) -> Result<Vec<NextRun>, PlanError> {
        if !(1..=candidates.len()).contains(&count) {
            let expected = "from 1 to the number of candidates";
            return Err(SettingError::new("the number of runs", count as f64, expected).into());
        }
        let resamples = self.resamples()?;
        self.check_choice(choice)?;
        let members = resamples[0].len();
        // Losses of every target at every candidate, and the values of the rivals.
        let mut measured: Vec<Vec<Anomaly>> = Vec::with_capacity(candidates.len());
        let mut noise = Vec::with_capacity(candidates.len());
        for (i, run) in candidates.iter().enumerate() {
            let (what, found, expected) = ("a candidate", run.h.len(), self.domains().len());
            if found != expected {
                return Err(SimplexError::Dimension { what, found, expected }.into());
            }
            let (mut own, mut own_noise) = (Vec::new(), Vec::new());
            for (target, of_target) in self.targets.iter().zip(&resamples) {
                let h = reordered(&run.h, self.domains(), target.laws[0].0.domains());
                let place = || format!("candidate {i}");
                let values = of_target.values(run.scale, &h);
                let values = values.map_err(|error| PlanError::from(error).at(place()))?;
                let mean = values.iter().sum::<f64>() / members as f64;
                let what = format!("the mean loss of target `{}`", target.name);
                finite(&what, mean).map_err(|error| error.at(place()))?;
                own_noise.push(of_target.residual_variance() * mean * mean);
                own.push(centred(values));
            }
            measured.push(own);
            noise.push(own_noise);
        }
        let mut decision = match criterion {
            Criterion::Law => Vec::new(),
            Criterion::Decision => {
                let certainty = self.certainty(choice)?;
                let rivals = &certainty.optima()[..RIVALS.min(members)];
                let values = for_all(members, |b| {
                    let plan = self.resampled(&resamples, b);
                    let mut objective = plan.objective(choice.scale)?;
                    let own = objective.value(&choice.optimum.weights)?;
                    let rival =
                        |h: &Mixture| finite("the value of a rival", objective.value(h)? - own);
                    rivals.iter().map(rival).collect::<Result<Vec<f64>, PlanError>>()
                })?;
                (0..rivals.len()).map(|i| centred(values.iter().map(|v| v[i]).collect())).collect()
            }
        };
        let spread = |all: &[Anomaly]| all.iter().map(|v| covariance(v, v)).sum::<f64>();
        let before = spread(&decision);
        let mut chosen: Vec<NextRun> = Vec::new();
        let mut information = 0.0;
        for _ in 0..count {
            let open: Vec<usize> = (0..candidates.len())
                .filter(|i| chosen.iter().all(|run| run.candidate != *i))
                .collect();
            let gains = crate::parallel::map(open.len(), |place| {
                let i = open[place];
                match criterion {
                    Criterion::Law => information_of(&measured[i], &noise[i]),
                    Criterion::Decision => reduction(&decision, &measured[i], &noise[i]),
                }
            });
            let mut best: Option<(usize, f64)> = None;
            for (i, gain) in open.into_iter().zip(gains) {
                if best.is_none_or(|(_, most)| gain > most) {
                    best = Some((i, gain));
                }
            }
            let Some((candidate, gain)) = best else { break };
            information += gain;
            for target in 0..self.targets.len() {
                let y = measured[candidate][target].clone();
                let (variance, noise) = (covariance(&y, &y), noise[candidate][target]);
                if variance + noise > 0.0 {
                    let all = measured.iter_mut().flatten().chain(&mut decision);
                    all.for_each(|x| condition(x, &y, variance, noise));
                }
            }
            let gain = match criterion {
                Criterion::Law => information,
                Criterion::Decision if before > 0.0 => 1.0 - spread(&decision) / before,
                Criterion::Decision => 0.0,
            };
            chosen.push(NextRun { candidate, gain });
        }
        Ok(chosen)
    }
}

/// The variance that measuring a run takes off the decision: targets one after the other, each where
/// those before it are known.
fn reduction(decision: &[Anomaly], run: &[Anomaly], noise: &[f64]) -> f64 {
    let (mut decision, mut run) = (decision.to_vec(), run.to_vec());
    let mut sum = 0.0;
    for target in 0..run.len() {
        let y = run[target].clone();
        let (variance, noise) = (covariance(&y, &y), noise[target]);
        if variance + noise <= 0.0 {
            continue;
        }
        sum += decision.iter().map(|v| covariance(v, &y).powi(2)).sum::<f64>() / (variance + noise);
        let others = run[target + 1..].iter_mut();
        // What the last one leaves is not asked for.
        if others.len() > 0 {
            others.chain(&mut decision).for_each(|x| condition(x, &y, variance, noise));
        }
    }
    sum
}

/// `sum ln(1 + variance / noise) / 2` over the targets, one after the other.
fn information_of(run: &[Anomaly], noise: &[f64]) -> f64 {
    let mut run = run.to_vec();
    let mut sum = 0.0;
    for target in 0..run.len() {
        let y = run[target].clone();
        let (variance, noise) = (covariance(&y, &y), noise[target].max(f64::MIN_POSITIVE));
        run.iter_mut().for_each(|x| condition(x, &y, variance, noise));
        sum += 0.5 * (variance / noise).ln_1p();
    }
    sum
}

/// The weights of `h`, of domains `from`, in the order of `to`.
fn reordered(h: &Mixture, from: &[String], to: &[String]) -> Vec<f64> {
    let weight = |domain| from.iter().position(|d| d == domain).map_or(0.0, |i| h[i]);
    to.iter().map(weight).collect()
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
        let said = reduction(&[x], std::slice::from_ref(&y), &[noise]);
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
        let said = reduction(&[x], &[a, b], &noise);
        approx::assert_relative_eq!(said, expected, max_relative = 1e-12);
        assert!(said < 0.8 * (ca * ca / aa + cb * cb / bb), "{said}");
    }
}
