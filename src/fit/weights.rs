//! Weights of rows that follow from what was said of the runs: their noise and their schedule.

use super::{Fitter, Residual};
use crate::error::Error;
use crate::sweep::{Noise, Sweep};

/// What rows are weighted by beside their compute.
#[derive(Debug, Clone, PartialEq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct Weighing {
    noise: Option<Noise>,
    schedule: Option<Schedule>,
}

/// How rows count by the share of their run's schedule that they have seen.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Schedule {
    /// The column of planned tokens.
    planned: String,
    #[cfg_attr(feature = "serde", serde(with = "crate::stored::number"))]
    power: f64,
}

impl Weighing {
    pub(super) fn noise(&self) -> Option<&Noise> {
        self.noise.as_ref()
    }

    pub(super) fn schedule(&self) -> Option<(&str, f64)> {
        self.schedule.as_ref().map(|schedule| (schedule.planned.as_str(), schedule.power))
    }

    /// Checks what is wrong with every sweep.
    pub(super) fn check(&self) -> Result<(), Error> {
        match &self.schedule {
            Some(Schedule { power, .. }) if !power.is_finite() => {
                let name = "the power of the share of the schedule";
                Err(Error::setting(name, *power, "a finite number"))
            }
            _ => Ok(()),
        }
    }

    /// Checks what was read.
    #[cfg(feature = "serde")]
    pub(super) fn check_stored(&self) -> Result<(), Error> {
        self.noise.iter().try_for_each(Noise::check)
    }
}

impl Fitter {
    /// Multiplies the weight of every row by the one that its declared [noise](Sweep::noise) gives it,
    /// for its deviation sigma at the row's mixture (over the loss, for [`Residual::LogLoss`]):
    ///
    /// ```text
    /// 1 / (sigma min(sigma, 1.25 delta))
    /// ```
    ///
    /// These are the best weights of a law that is right in both limits: `1 / sigma^2` for least squares,
    /// and `1 / sigma` where delta is far below the noise and the Huber loss nearly an absolute value, which
    /// bounds by itself what a noisy row can do. (An estimator with score psi has the least variance with
    /// weights `E psi' / E psi^2`; 1.25 is `sqrt(pi / 2)`.) Where the law is wrong by more than the
    /// noise, quiet mixtures count for more than they should.
    ///
    /// ```
    /// use mixlaw::law::AdditiveLaw;
    /// use mixlaw::{Fitter, Sweep};
    /// # let (mut n, mut d, mut h, mut loss, mut names) = (vec![], vec![], vec![], vec![], vec![]);
    /// # for (i, web) in [0.2f64, 0.2, 0.2, 0.2, 0.5, 0.5, 0.5, 0.5, 0.7, 0.9].into_iter().enumerate() {
    /// #     for (size, tokens) in [(1e8, 2e9), (1e8, 8e9), (4e8, 2e9), (4e8, 8e9)] {
    /// #         n.push(size);
    /// #         d.push(tokens);
    /// #         h.extend([web, 1.0 - web]);
    /// #         names.push(format!("{size}-{i}"));
    /// #         let noise = if web < 0.4 { 0.04 } else { 0.001 };
    /// #         loss.push(3.0 - web + 400.0 / f64::powf(size, 0.34) + noise * (7.7 * i as f64).sin());
    /// #     }
    /// # }
    /// # let builder = Sweep::builder(&["web", "code"], &["web"]).runs(&names);
    /// # let sweep = builder.build(&n, &d, &h, &loss)?;
    ///
    /// // Four runs each of a mixture with 0.2 of web, which is noisy, and of one with 0.5.
    /// let noise = sweep.noise("web")?;
    /// assert!(noise.at([0.2, 0.8])? > 10.0 * noise.at([0.5, 0.5])?);
    /// let fitter = Fitter::new().weigh_by_noise(noise);
    /// let fit = fitter.fit(AdditiveLaw::for_sweep(&sweep), &sweep, "web")?;
    /// # assert!(fit.objective() < 1e-3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn weigh_by_noise(self, noise: Noise) -> Self {
        Self { weighing: Weighing { noise: Some(noise), ..self.weighing }, ..self }
    }

    /// Multiplies the weight of every row by `(D / planned)^power`, the share of its run's schedule
    /// that it has seen to some power: `planned` is the [column](Sweep::columns) of the tokens that
    /// runs were planned for. By default rows count whatever the schedule.
    ///
    /// A checkpoint in the middle of a decaying schedule is not what training to its D would give:
    /// [schedules](crate::guide::schedules_and_repeats). [`Sweep::late_checkpoints`] leaves early ones
    /// out.
    ///
    /// ```
    /// use mixlaw::law::ChinchillaLaw;
    /// use mixlaw::{Fitter, Sweep};
    ///
    /// let (n, d) = ([1e8, 1e8, 2e8, 2e8, 4e8, 4e8], [2e9, 8e9, 4e9, 8e9, 2e9, 8e9]);
    /// let loss = [3.6, 3.1, 3.1, 2.9, 3.0, 2.6];
    /// let sweep = Sweep::new(&["web"], &["web"], &n, &d, &[1.0; 6], &loss)?;
    /// let sweep = sweep.with_column("planned_tokens", &[8e9; 6])?;
    /// let fitter = Fitter::new().starts(2);
    /// let fit = |fitter: Fitter| fitter.fit(ChinchillaLaw::for_sweep(&sweep), &sweep, "web");
    /// let by_schedule = fit(fitter.clone().weigh_by_schedule("planned_tokens", 1.0))?;
    /// let given = fit(fitter.row_weights([0.25, 1.0, 0.5, 1.0, 0.25, 1.0]))?;
    /// assert_eq!(by_schedule.coordinates(), given.coordinates());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn weigh_by_schedule(self, planned: impl Into<String>, power: f64) -> Self {
        let schedule = Some(Schedule { planned: planned.into(), power });
        Self { weighing: Weighing { schedule, ..self.weighing }, ..self }
    }

    /// Multiplies the weights of rows that have the loss by those of noise and schedule.
    pub(super) fn weigh_rows(
        &self,
        sweep: &Sweep,
        target: &str,
        weights: &mut [f64],
    ) -> Result<(), Error> {
        if let Some(noise) = &self.weighing.noise {
            let noise = noise.of_target(target)?.for_domains(sweep.domains())?;
            let losses = sweep.losses_of(target)?;
            let limit = (0.5 * std::f64::consts::PI).sqrt() * self.delta;
            for (i, weight) in weights.iter_mut().enumerate() {
                let unit = if self.residual == Residual::LogLoss { losses[i] } else { 1.0 };
                let deviation = noise.deviation(sweep.row(i).h) / unit;
                // Relative to that of the pooled one, so that no square is out of range.
                let pooled = noise.pooled();
                *weight *= (pooled / deviation) * (pooled.min(limit) / deviation.min(limit));
            }
        }
        if let Some(Schedule { planned, power }) = &self.weighing.schedule {
            let shares = sweep.schedule_shares(planned)?;
            let rows = weights.iter_mut().zip(shares);
            rows.for_each(|(weight, share)| *weight *= share.powf(*power));
        }
        Ok(())
    }
}
