//! Sweeps whose true law is known.

use std::fmt;
use std::sync::Arc;

use crate::design::{self, Design, Group};
use crate::error::{Error, ErrorKind};
use crate::law::ScalingLaw;
use crate::mixture::{self, Mixture};
use crate::random::Random;
use crate::scale::Scale;
use crate::streams::{self, Kind};
use crate::sweep::{EVAL, Sweep, TRAIN};

/// A sweep of runs that were never trained: their losses are those of a law or a function of yours,
/// times noise. For tests of what is fitted to it, since the truth is known.
///
/// The mixtures are drawn once and every model size takes the first of them, as many as it asks for.
/// A loss is
///
/// ```text
/// loss(N, D, h) exp(run_noise e_run + checkpoint_noise e_checkpoint)
/// ```
///
/// with standard normal numbers e: one for each run and target, which all checkpoints of the run
/// share, and one for each checkpoint and target. Without noise (the default) the losses are exact.
///
/// The same seed gives the same sweep to the bit. Its mixtures stay the same where the sizes, the
/// tokens, the targets or the noise change, and the noise of a target where other targets are added.
///
/// # Does a fit find the law again, and its mixture?
///
/// ```
/// use mixlaw::law::{AdditiveLaw, ScalingLaw};
/// use mixlaw::testing::SyntheticSweep;
/// use mixlaw::{Fitter, Mixture, Scale};
///
/// // The law under test, and what it should find.
/// let law = AdditiveLaw::new(&["web", "code"], Scale { n: 3e8, d: 8e9 })?;
/// let truth = [
///     ("E", 1.5), ("C[web]", 1.0), ("gamma[web]", 0.5), ("C[code]", 2.0), ("gamma[code]", 0.7),
///     ("A", 400.0), ("alpha", 0.34), ("B", 400.0), ("beta", 0.28),
/// ];
/// let z = law.coordinates_of(&truth)?;
///
/// let synthetic = SyntheticSweep::new(&["web", "code"])
///     .sizes(&[1e8, 3e8, 1e9])
///     .tokens(&[4e9, 8e9, 1.6e10])
///     .mixtures(12)
///     .losses("python", law.clone(), &z)?;
/// let sweep = synthetic.build()?;
/// assert_eq!((sweep.len(), sweep.count_runs(), sweep.count_mixtures()), (108, 36, 12));
///
/// // Without noise: the coefficients themselves.
/// let fit = Fitter::new().fit(law.clone(), &sweep, "python")?;
/// for (name, value) in truth {
///     let found = fit.coefficients().into_iter().find(|(other, _)| other == name).unwrap().1;
///     assert!((found / value - 1.0).abs() < 1e-3, "{name}: {found}");
/// }
///
/// // With noise: its error at a larger scale, against the true loss.
/// let noisy = synthetic.clone().run_noise(0.002).checkpoint_noise(0.0005).seed(7).build()?;
/// let fit = Fitter::new().fit(law, &noisy, "python")?;
/// let (at, h) = (Scale { n: 7e9, d: 1.4e11 }, Mixture::uniform(2));
/// let error = fit.predict(at, &h)? / synthetic.loss("python", at, h.weights())? - 1.0;
/// assert!(error.abs() < 0.02, "{error}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A mixture that is chosen by a fit is judged by its regret: what the true loss is there, above the
/// true loss at the true optimum or at the best of [`Mixture::grid`].
#[derive(Debug, Clone)]
pub struct SyntheticSweep {
    domains: Vec<String>,
    pool: Pool,
    train: Vec<Group>,
    eval: Vec<Group>,
    tokens: Vec<f64>,
    mixtures: usize,
    run_noise: f64,
    checkpoint_noise: f64,
    seed: u64,
    targets: Vec<Target>,
}

/// The three sweeps of the paper's Table 1, for [`SyntheticSweep::paper`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Modality {
    /// Language models (LLM): 7 domains, 160 runs of 412M to 1.4B parameters.
    Language,
    /// Native multimodal models (NMM): 3 domains, 127 runs of 106M to 932M parameters.
    Multimodal,
    /// Vision models (LVM): 4 domains, 95 runs of 89M to 531M parameters.
    Vision,
}

impl Modality {
    /// All three, in the order of the table.
    pub const ALL: [Modality; 3] = [Modality::Language, Modality::Multimodal, Modality::Vision];
}

/// Where mixtures come from.
#[derive(Debug, Clone)]
enum Pool {
    Simplex,
    Narrow { natural: Vec<f64>, concentration: f64 },
    Grid { steps: usize, min: f64 },
    Given(Vec<Mixture>),
}

type Loss = dyn Fn(Scale, &[f64]) -> f64 + Send + Sync;

#[derive(Clone)]
struct Target {
    name: String,
    loss: Arc<Loss>,
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target").field("name", &self.name).finish_non_exhaustive()
    }
}

impl SyntheticSweep {
    /// 20 mixtures from anywhere on the simplex at each of three sizes, 1e8, 3e8 and 1e9 parameters,
    /// with checkpoints at 4e9, 8e9 and 1.6e10 tokens; exact losses, of no target yet.
    #[must_use]
    pub fn new(domains: &[impl AsRef<str>]) -> Self {
        let synthetic = Self {
            domains: domains.iter().map(|name| name.as_ref().to_owned()).collect(),
            pool: Pool::Simplex,
            train: Vec::new(),
            eval: Vec::new(),
            tokens: vec![4e9, 8e9, 1.6e10],
            mixtures: 20,
            run_noise: 0.0,
            checkpoint_noise: 0.0,
            seed: 0,
            targets: Vec::new(),
        };
        synthetic.sizes(&[1e8, 3e8, 1e9])
    }

    /// The design of a row of the paper's Table 1: its domains, sizes, ranges of tokens and numbers of
    /// mixtures, and the larger sizes that it evaluates on, as the split [`EVAL`].
    ///
    /// Each run has 9 evenly spaced checkpoints. The mixtures are points of evenly spaced grids
    /// (sec. 2.3): for language, of weights from 0.02 in 13 steps, as in the losses that were
    /// published; for the others, of weights from 0.1 in steps of 0.1.
    ///
    /// ```
    /// use mixlaw::testing::{Modality, SyntheticSweep};
    ///
    /// let sweep = SyntheticSweep::paper(Modality::Multimodal)
    ///     .losses_by("text", |at, h| 2.0 - 0.1 * h[2] + 400.0 / at.n.powf(0.34) + 400.0 / at.d.powf(0.28))
    ///     .build()?;
    /// assert_eq!(sweep.split("train")?.count_runs(), 32 + 31 + 30 + 34);
    /// assert_eq!(sweep.split("eval")?.count_runs(), 8 + 4);
    /// # Ok::<(), mixlaw::Error>(())
    /// ```
    #[must_use]
    pub fn paper(modality: Modality) -> Self {
        /// A size, its first and last tokens, and its number of mixtures.
        type Rows = &'static [(f64, f64, f64, usize)];
        let (domains, steps, min, train, eval): (&[&str], _, _, Rows, Rows) = match modality {
            Modality::Language => (
                &["arxiv", "book", "c4", "github", "commoncrawl", "stackexchange", "wikipedia"],
                13,
                0.02,
                &[
                    (412e6, 4e9, 20e9, 60),
                    (834e6, 7e9, 26e9, 40),
                    (1.1e9, 7e9, 36e9, 40),
                    (1.4e9, 13e9, 46e9, 20),
                ],
                &[(3e9, 20e9, 100e9, 4)],
            ),
            Modality::Multimodal => (
                &["image-caption", "interleaved", "text"],
                7,
                0.1,
                &[
                    (106e6, 20e9, 100e9, 32),
                    (275e6, 20e9, 100e9, 31),
                    (616e6, 20e9, 100e9, 30),
                    (932e6, 20e9, 100e9, 34),
                ],
                &[(2.3e9, 100e9, 160e9, 8), (8e9, 100e9, 160e9, 4)],
            ),
            Modality::Vision => (
                &["noisy-image-text", "synthetic", "high-quality-1", "high-quality-2"],
                6,
                0.1,
                &[
                    (89e6, 17e9, 50e9, 32),
                    (157e6, 17e9, 50e9, 32),
                    (306e6, 17e9, 100e9, 15),
                    (531e6, 17e9, 170e9, 16),
                ],
                &[(1.1e9, 17e9, 334e9, 8)],
            ),
        };
        let groups = |rows: Rows| -> Vec<Group> {
            let group = |&(n, first, last, mixtures): &(f64, f64, f64, usize)| {
                let tokens = (0..9).map(|i| first + (last - first) * f64::from(i) / 8.0).collect();
                Group { n, tokens, mixtures }
            };
            rows.iter().map(group).collect()
        };
        Self { train: groups(train), eval: groups(eval), ..Self::new(domains) }.grid(steps, min)
    }

    /// The runs of a [`Design`], all of them in the split [`TRAIN`]: to see, before they are paid for,
    /// what fits to them would find if a law were the true one. Names of runs and rows are in the order of
    /// the design's table.
    ///
    /// ```
    /// use mixlaw::design::Design;
    /// use mixlaw::testing::SyntheticSweep;
    ///
    /// let design = Design::builder(&["web", "code"]).sizes(&[1e8, 2e8, 4e8]).build()?;
    /// let sweep = SyntheticSweep::from_design(&design)
    ///     .losses_by("python", |at, h| 2.0 - 0.3 * h[1] + 400.0 / at.n.powf(0.34) + 400.0 / at.d.powf(0.28))
    ///     .run_noise(0.002)
    ///     .build()?;
    /// assert_eq!(sweep.count_runs(), design.runs().len());
    /// assert_eq!(sweep.d()[0], design.checkpoints()[0].scale.d);
    /// # Ok::<(), mixlaw::Error>(())
    /// ```
    #[must_use]
    pub fn from_design(design: &Design) -> Self {
        let synthetic = Self::new(design.domains()).mixtures_of(design.mixtures());
        Self { train: design.groups().to_vec(), ..synthetic }
    }

    /// The model sizes N to train, each with the [`tokens`](Self::tokens) and the number of
    /// [`mixtures`](Self::mixtures) that are set.
    #[must_use]
    pub fn sizes(mut self, sizes: &[f64]) -> Self {
        let group = |&n| Group { n, tokens: self.tokens.clone(), mixtures: self.mixtures };
        self.train = sizes.iter().map(group).collect();
        self
    }

    /// The tokens D of the checkpoints of every training run.
    #[must_use]
    pub fn tokens(mut self, tokens: &[f64]) -> Self {
        self.train.iter_mut().for_each(|group| group.tokens = tokens.to_vec());
        Self { tokens: tokens.to_vec(), ..self }
    }

    /// The number of mixtures at every training size.
    #[must_use]
    pub fn mixtures(mut self, count: usize) -> Self {
        self.train.iter_mut().for_each(|group| group.mixtures = count);
        Self { mixtures: count, ..self }
    }

    /// Adds `mixtures` runs of a size to the split [`EVAL`], with checkpoints at `tokens`. Their mixtures
    /// are in no training run, as long as there are enough others.
    ///
    /// ```
    /// use mixlaw::testing::SyntheticSweep;
    ///
    /// let sweep = SyntheticSweep::new(&["web", "code"])
    ///     .mixtures(10)
    ///     .eval(7e9, &[1.5e11], 4)
    ///     .losses_by("python", |at, h| 2.0 - 0.3 * h[1] + 100.0 / at.n.powf(0.3))
    ///     .build()?;
    /// assert_eq!(sweep.split("eval")?.len(), 4);
    /// assert_eq!(sweep.count_mixtures(), 14);
    /// # Ok::<(), mixlaw::Error>(())
    /// ```
    #[must_use]
    pub fn eval(mut self, n: f64, tokens: &[f64], mixtures: usize) -> Self {
        self.eval.push(Group { n, tokens: tokens.to_vec(), mixtures });
        self
    }

    /// Mixtures around a natural one, as many public sweeps have them: drawn from the Dirichlet
    /// distribution with concentrations `concentration * natural`, so that a weight w of the natural
    /// mixture is the mean, and `sqrt(w (1 - w) / (concentration + 1))` the standard deviation.
    ///
    /// ```
    /// use mixlaw::testing::SyntheticSweep;
    ///
    /// let sweep = SyntheticSweep::new(&["web", "code"])
    ///     .narrow(&[0.8, 0.2], 100.0)
    ///     .losses_by("python", |at, h| 2.0 - 0.3 * h[1] + 100.0 / at.n.powf(0.3))
    ///     .build()?;
    /// // The standard deviation is 0.04.
    /// assert!(sweep.rows().all(|row| (0.6..1.0).contains(&row.h[0])));
    /// # Ok::<(), mixlaw::Error>(())
    /// ```
    #[must_use]
    pub fn narrow(self, natural: &[f64], concentration: f64) -> Self {
        Self { pool: Pool::Narrow { natural: natural.to_vec(), concentration }, ..self }
    }

    /// Points of [`Mixture::grid`], in an order that the seed draws.
    #[must_use]
    pub fn grid(self, steps: usize, min: f64) -> Self {
        Self { pool: Pool::Grid { steps, min }, ..self }
    }

    /// These mixtures, all of them at every training size.
    #[must_use]
    pub fn mixtures_of(self, mixtures: &[Mixture]) -> Self {
        Self { pool: Pool::Given(mixtures.to_vec()), ..self.mixtures(mixtures.len()) }
    }

    /// The relative noise of a run, which all its checkpoints share; 0 unless set.
    #[must_use]
    pub fn run_noise(self, run_noise: f64) -> Self {
        Self { run_noise, ..self }
    }

    /// The relative noise of a checkpoint, beside that of its run; 0 unless set.
    #[must_use]
    pub fn checkpoint_noise(self, checkpoint_noise: f64) -> Self {
        Self { checkpoint_noise, ..self }
    }

    /// The seed of mixtures and noise; 0 unless set.
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Adds a target whose true loss is that of a law at coordinates `z`.
    ///
    /// # Errors
    /// [`ErrorKind::Mismatch`] if the law has other domains, [`ErrorKind::Length`] if `z` has not one
    /// number for each coordinate.
    pub fn losses(
        self,
        target: &str,
        law: impl ScalingLaw + 'static,
        z: &[f64],
    ) -> Result<Self, Error> {
        if law.domains() != self.domains {
            return Err(ErrorKind::Mismatch {
                what: "the domains of a law and a sweep",
                first: law.domains().to_vec(),
                other: self.domains,
            }
            .into());
        }
        check_length("z", z.len(), law.coordinates().len())?;
        let z = z.to_vec();
        Ok(self.losses_by(target, move |at, h| law.loss(&z, at, h)))
    }

    /// Adds a target whose true loss is any function of N, D and h, in nats: to see how a law does that
    /// is not quite right.
    #[must_use]
    pub fn losses_by(
        mut self,
        target: &str,
        loss: impl Fn(Scale, &[f64]) -> f64 + Send + Sync + 'static,
    ) -> Self {
        self.targets.push(Target { name: target.to_owned(), loss: Arc::new(loss) });
        self
    }

    /// The names of the domains.
    #[must_use]
    pub fn domains(&self) -> &[String] {
        &self.domains
    }

    /// The true loss of a target, in nats: without noise, at any N, D and h.
    ///
    /// # Errors
    /// [`ErrorKind::Unknown`] if there is no such target, [`ErrorKind::Setting`] if N or D is not a
    /// number > 0, [`ErrorKind::Length`] if `h` has not one weight for each domain, and those of
    /// [`Mixture::new`].
    pub fn loss(&self, target: &str, at: Scale, h: impl AsRef<[f64]>) -> Result<f64, Error> {
        let h = h.as_ref();
        let found = self.targets.iter().find(|t| t.name == target).ok_or_else(|| {
            let known = self.targets.iter().map(|t| t.name.clone()).collect();
            Error::from(ErrorKind::Unknown { kind: "target", name: target.to_owned(), known })
        })?;
        at.check()?;
        check_length("h", h.len(), self.domains.len())?;
        mixture::validate(h)?;
        Ok((found.loss)(at, h))
    }

    /// The sweep: first the training runs, size after size, then those of the split [`EVAL`]; `run0`,
    /// `run1`, .. are their names.
    ///
    /// # Errors
    /// [`ErrorKind::Setting`] if a noise is not a finite number >= 0, the concentration of
    /// [`narrow`](Self::narrow) is not a finite number > 0, or more mixtures are asked for than there
    /// are; [`ErrorKind::Length`] if a mixture has not one weight for each domain; those of
    /// [`Mixture::grid`] and [`Mixture::dirichlet`]; and as [`Sweep::new`], such as for a target without
    /// a name or a loss that is not a finite number > 0, which names its row.
    pub fn build(&self) -> Result<Sweep, Error> {
        let noises = [("run_noise", self.run_noise), ("checkpoint_noise", self.checkpoint_noise)];
        for (name, noise) in noises {
            if !(noise.is_finite() && noise >= 0.0) {
                return Err(Error::setting(name, noise, "a finite number >= 0"));
            }
        }
        let most = |groups: &[Group]| groups.iter().map(|g| g.mixtures).max().unwrap_or(0);
        let trained = most(&self.train);
        let pool = self.draw(trained + most(&self.eval))?;
        let least = trained.max(most(&self.eval));
        if pool.len() < least {
            return Err(Error::setting("mixtures", least as f64, "no more than there are to take"));
        }
        let train = self.train.iter().map(|group| (group, 0, TRAIN));
        let groups = train.chain(self.eval.iter().map(|group| (group, trained, EVAL)));
        let (mut n, mut d, mut h, mut losses) = (vec![], vec![], vec![], vec![]);
        let (mut runs, mut splits) = (vec![], vec![]);
        let mut run = 0;
        for (group, first, split) in groups {
            for h_of_run in pool.iter().cycle().skip(first).take(group.mixtures) {
                let mut noise = self.noise(run);
                for &tokens in &group.tokens {
                    n.push(group.n);
                    d.push(tokens);
                    h.extend_from_slice(h_of_run);
                    let at = Scale { n: group.n, d: tokens };
                    losses.extend(self.targets.iter().zip(&mut noise).map(|(target, noise)| {
                        let e = noise.of_run + self.checkpoint_noise * noise.random.normal();
                        (target.loss)(at, h_of_run) * e.exp()
                    }));
                    runs.push(format!("run{run}"));
                    splits.push(split);
                }
                run += 1;
            }
        }
        let targets: Vec<&String> = self.targets.iter().map(|target| &target.name).collect();
        let builder = Sweep::builder(&self.domains, &targets).runs(&runs).splits(&splits);
        builder.build(&n, &d, &h, &losses)
    }

    /// `count` mixtures, or as many as there are.
    fn draw(&self, count: usize) -> Result<Vec<Mixture>, Error> {
        let seed = streams::seed(self.seed, Kind::Design, 0);
        let k = self.domains.len();
        match &self.pool {
            Pool::Simplex => Ok(Mixture::dirichlet(&vec![1.0; k], count, seed)?),
            Pool::Narrow { natural, concentration } => {
                check_length("the natural mixture", natural.len(), k)?;
                design::narrow(natural, *concentration, count, seed)
            }
            Pool::Grid { steps, min } => {
                let mut grid = Mixture::grid(k, *steps, *min)?;
                let mut random = Random::new(seed);
                for i in 0..count.min(grid.len()) {
                    let other = i + random.below(grid.len() - i);
                    grid.swap(i, other);
                }
                grid.truncate(count);
                Ok(grid)
            }
            Pool::Given(mixtures) => {
                for h in mixtures {
                    check_length("a mixture", h.len(), k)?;
                }
                Ok(mixtures.clone())
            }
        }
    }

    /// The noise of a run, for each target.
    fn noise(&self, run: u64) -> Vec<Noise> {
        let of_target = |target: usize| {
            let base = streams::seed(self.seed, Kind::Noise, target as u64);
            let mut random = Random::new(streams::seed(base, Kind::Noise, run));
            Noise { of_run: self.run_noise * random.normal(), random }
        };
        (0..self.targets.len()).map(of_target).collect()
    }
}

/// The noise of a run: what its checkpoints share, and where their own comes from.
struct Noise {
    of_run: f64,
    random: Random,
}

fn check_length(what: &str, found: usize, expected: usize) -> Result<(), Error> {
    if found == expected {
        return Ok(());
    }
    Err(ErrorKind::Length { what: what.to_owned(), found, expected }.into())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::fit::Fitter;
    use crate::law::{AdditiveLaw, ChinchillaLaw};

    fn true_loss(at: Scale, h: &[f64]) -> f64 {
        2.0 - 0.3 * h[1] + 400.0 / at.n.powf(0.34) + 400.0 / at.d.powf(0.28)
    }

    /// 600 runs of 4 checkpoints.
    fn many() -> SyntheticSweep {
        SyntheticSweep::new(&["web", "code"])
            .mixtures(200)
            .tokens(&[2e9, 4e9, 8e9, 1.6e10])
            .losses_by("python", true_loss)
            .losses_by("rust", |at, h| 1.5 * true_loss(at, h))
    }

    /// The logarithms of the noise of a target, run by run.
    fn noise(synthetic: &SyntheticSweep, target: &str) -> Vec<[f64; 4]> {
        let sweep = synthetic.build().unwrap();
        let losses = sweep.losses_of(target).unwrap();
        let of_row = |i: usize| {
            let row = sweep.row(i);
            (losses[i] / synthetic.loss(target, row.scale(), row.h).unwrap()).ln()
        };
        (0..sweep.len() / 4).map(|run| [0, 1, 2, 3].map(|i| of_row(4 * run + i))).collect()
    }

    fn mean(x: impl ExactSizeIterator<Item = f64>) -> f64 {
        let count = x.len() as f64;
        x.sum::<f64>() / count
    }

    /// The levels of the noise of runs and of checkpoints, by an analysis of variance.
    fn levels(noise: &[[f64; 4]]) -> (f64, f64) {
        let means: Vec<f64> = noise.iter().map(|run| mean(run.iter().copied())).collect();
        let within = noise
            .iter()
            .zip(&means)
            .map(|(run, m)| run.iter().map(|x| (x - m).powi(2)).sum::<f64>() / 3.0);
        let within = mean(within);
        let all = mean(means.iter().copied());
        let between =
            means.iter().map(|m| (m - all).powi(2)).sum::<f64>() / (means.len() - 1) as f64;
        ((between - within / 4.0).max(0.0).sqrt(), within.sqrt())
    }

    #[test]
    fn noise_has_the_levels_that_were_asked_for() {
        // Four standard deviations: a level that s degrees of freedom tell is off by 1 in sqrt(2 s).
        // There are 599 for the runs, whose means also have a 40th of their variance from checkpoints,
        // and 1,800 for the checkpoints.
        let (of_run, of_checkpoint) = (0.01, 0.003);
        for seed in 0..5 {
            let synthetic = many().run_noise(of_run).checkpoint_noise(of_checkpoint).seed(seed);
            for target in ["python", "rust"] {
                let noise = noise(&synthetic, target);
                let (run, checkpoint) = levels(&noise);
                assert!((run / of_run - 1.0).abs() < 4.0 / 1198f64.sqrt() * 1.03, "{run}");
                assert!(
                    (checkpoint / of_checkpoint - 1.0).abs() < 4.0 / 3600f64.sqrt(),
                    "{checkpoint}"
                );
                let mean = mean(noise.iter().flatten().copied().collect::<Vec<f64>>().into_iter());
                assert!(mean.abs() < 4.0 * of_run * (1.03 / 600f64).sqrt(), "{mean}");
            }
        }
    }

    #[test]
    fn checkpoints_share_the_noise_of_their_run_and_targets_do_not() {
        let synthetic = many().run_noise(0.01);
        let [python, rust] = ["python", "rust"].map(|target| noise(&synthetic, target));
        for run in &python {
            assert!(run.iter().all(|x| (x - run[0]).abs() < 1e-14), "{run:?}");
        }
        let distinct: BTreeSet<u64> = python.iter().map(|run| run[0].to_bits()).collect();
        assert_eq!(distinct.len(), 600);
        // 600 pairs without correlation have one of 1 in sqrt(600).
        let products = mean(python.iter().zip(&rust).map(|(a, b)| a[0] * b[0])) / 1e-4;
        assert!(products.abs() < 4.0 / 600f64.sqrt(), "{products}");
        // And those of one checkpoint do not, beside that of their run.
        let noise = noise(&many().checkpoint_noise(0.01), "python");
        let products = mean(noise.iter().map(|run| run[0] * run[1])) / 1e-4;
        assert!(products.abs() < 4.0 / 600f64.sqrt(), "{products}");
    }

    #[test]
    fn without_noise_the_losses_are_exact() {
        let synthetic = many();
        let sweep = synthetic.build().unwrap();
        for row in sweep.rows() {
            assert_eq!(row.losses[0], true_loss(row.scale(), row.h));
            assert_eq!(row.losses[0], synthetic.loss("python", row.scale(), row.h).unwrap());
        }
    }

    #[test]
    fn a_seed_says_all_and_nothing_else_changes_what_it_draws() {
        let make = |seed| many().run_noise(0.01).checkpoint_noise(0.003).seed(seed);
        let sweep = make(7).build().unwrap();
        assert_eq!(sweep, make(7).build().unwrap());
        let other = make(8).build().unwrap();
        assert_ne!(sweep.mixtures(), other.mixtures());
        assert_ne!(sweep.losses(), other.losses());
        assert_eq!(sweep.mixtures(), make(7).run_noise(0.0).build().unwrap().mixtures());
        let more = make(7).losses_by("c", true_loss).eval(7e9, &[1e11], 3).build().unwrap();
        let train = more.split(TRAIN).unwrap();
        assert_eq!(sweep.mixtures(), train.mixtures());
        for target in ["python", "rust"] {
            assert_eq!(sweep.losses_of(target).unwrap(), train.losses_of(target).unwrap());
        }
        // A sweep with fewer mixtures has the first of them.
        let few = make(7).mixtures(5).build().unwrap();
        assert_eq!(few.row(19).h, sweep.row(19).h);
    }

    #[test]
    fn the_paper_s_designs_are_those_of_its_table() {
        // N, first and last tokens in billions, number of mixtures; with the split.
        type Row = (&'static str, f64, f64, f64, usize);
        let table: [(Modality, usize, &[Row]); 3] = [
            (
                Modality::Language,
                7,
                &[
                    ("train", 412e6, 4.0, 20.0, 60),
                    ("train", 834e6, 7.0, 26.0, 40),
                    ("train", 1.1e9, 7.0, 36.0, 40),
                    ("train", 1.4e9, 13.0, 46.0, 20),
                    ("eval", 3e9, 20.0, 100.0, 4),
                ],
            ),
            (
                Modality::Multimodal,
                3,
                &[
                    ("train", 106e6, 20.0, 100.0, 32),
                    ("train", 275e6, 20.0, 100.0, 31),
                    ("train", 616e6, 20.0, 100.0, 30),
                    ("train", 932e6, 20.0, 100.0, 34),
                    ("eval", 2.3e9, 100.0, 160.0, 8),
                    ("eval", 8e9, 100.0, 160.0, 4),
                ],
            ),
            (
                Modality::Vision,
                4,
                &[
                    ("train", 89e6, 17.0, 50.0, 32),
                    ("train", 157e6, 17.0, 50.0, 32),
                    ("train", 306e6, 17.0, 100.0, 15),
                    ("train", 531e6, 17.0, 170.0, 16),
                    ("eval", 1.1e9, 17.0, 334.0, 8),
                ],
            ),
        ];
        for (modality, k, rows) in table {
            let synthetic = SyntheticSweep::paper(modality).losses_by("loss", true_loss).seed(3);
            let sweep = synthetic.build().unwrap();
            assert_eq!(sweep.domains().len(), k);
            assert_eq!(sweep.count_runs(), rows.iter().map(|row| row.4).sum::<usize>());
            for &(split, n, first, last, count) in rows {
                let own = sweep.select(|row| row.n == n && row.split == split).unwrap();
                assert_eq!((own.count_mixtures(), own.len()), (count, 9 * count), "{n}");
                let ends = own.d().iter().fold((f64::INFINITY, 0.0), |(low, high), &d| {
                    (f64::min(low, d), f64::max(high, d))
                });
                assert_eq!(ends, (1e9 * first, 1e9 * last), "{n}");
            }
            // Evenly spaced points of the simplex.
            let (min, steps) = if k == 7 { (0.02, 13.0) } else { (0.1, 10.0 - k as f64) };
            for w in sweep.mixtures() {
                let step = (w - min) / (1.0 - k as f64 * min) * steps;
                assert!(step > -1e-9 && (step - step.round()).abs() < 1e-9, "{modality:?}: {w}");
            }
        }
    }

    #[test]
    fn narrow_mixtures_have_their_mean_and_spread() {
        let natural = [0.7, 0.25, 0.05];
        let synthetic = SyntheticSweep::new(&["a", "b", "c"])
            .sizes(&[1e8])
            .tokens(&[1e9])
            .mixtures(2000)
            .narrow(&natural, 50.0)
            .losses_by("loss", true_loss);
        let sweep = synthetic.build().unwrap();
        for (i, w) in natural.into_iter().enumerate() {
            let column = sweep.mixtures().column(i).to_vec();
            let spread = (w * (1.0 - w) / 51.0).sqrt();
            let found = mean(column.iter().copied());
            assert!((found - w).abs() < 4.0 * spread / 2000f64.sqrt(), "{found}");
            // The kurtosis of the beta distribution of the least weight is 4.2: a variance of it is
            // off by sqrt(3.2 / 2000), a standard deviation by half of that.
            let variance = mean(column.iter().map(|h| (h - w).powi(2)));
            let bound = 4.0 * 0.5 * (3.2f64 / 2000.0).sqrt();
            assert!((variance.sqrt() / spread - 1.0).abs() < bound, "{variance}");
        }
    }

    #[test]
    fn held_out_mixtures_are_new_as_far_as_there_are_such() {
        let given = Mixture::grid(2, 4, 0.0).unwrap();
        let base = SyntheticSweep::new(&["web", "code"]).losses_by("loss", true_loss);
        let mixtures = |synthetic: SyntheticSweep, split: &str| {
            let sweep = synthetic.build().unwrap().split(split).unwrap();
            sweep.select(|row| row.d == 4e9).unwrap().rows().map(|r| r.h[0]).collect::<Vec<f64>>()
        };
        let few = base.clone().sizes(&[1e8]).mixtures_of(&given).mixtures(3).eval(7e9, &[4e9], 3);
        assert_eq!(mixtures(few.clone(), TRAIN), [0.0, 0.25, 0.5]);
        assert_eq!(mixtures(few, EVAL), [0.75, 1.0, 0.0]);
        // Setters in any order.
        let one = base.clone().tokens(&[4e9]).mixtures_of(&given).sizes(&[1e8, 3e8]);
        let other = base.clone().sizes(&[1e8, 3e8]).mixtures_of(&given).tokens(&[4e9]);
        assert_eq!(one.build().unwrap(), other.build().unwrap());
        assert_eq!(one.build().unwrap().len(), 10);
        let drawn = base.mixtures(4).eval(7e9, &[4e9], 4).build().unwrap();
        assert_eq!(drawn.count_mixtures(), 8);
    }

    #[test]
    fn what_cannot_be_made_is_refused() {
        let base = || SyntheticSweep::new(&["web", "code"]).losses_by("loss", true_loss);
        let fault = |synthetic: SyntheticSweep| synthetic.build().unwrap_err().to_string();
        assert_eq!(
            fault(base().run_noise(-0.1)),
            "run_noise is -0.1, expected a finite number >= 0"
        );
        let error = fault(base().checkpoint_noise(f64::NAN));
        assert_eq!(error, "checkpoint_noise is NaN, expected a finite number >= 0");
        let error = fault(base().grid(4, 0.1).mixtures(6));
        assert_eq!(error, "mixtures is 6, expected no more than there are to take");
        let error = fault(base().mixtures_of(&[Mixture::uniform(3)]));
        assert_eq!(error, "a mixture has length 3, expected 2");
        let error = fault(base().narrow(&[1.0], 10.0));
        assert_eq!(error, "the natural mixture has length 1, expected 2");
        assert!(fault(base().narrow(&[0.5, 0.4], 10.0)).contains("sum to 0.9"));
        let error = fault(base().narrow(&[0.5, 0.5], 0.0));
        assert_eq!(error, "concentration is 0, expected a finite number > 0");
        for none in [base().sizes(&[]), base().tokens(&[]), base().mixtures(0)] {
            assert!(fault(none).contains("at least one row"));
        }
        assert!(fault(SyntheticSweep::new(&["web"])).contains("at least one target"));
        assert!(fault(base().losses_by("bad", |_, _| -1.0)).contains("column `loss_bad`: -1"));

        let law = ChinchillaLaw::new(&["web"], Scale::ONE).unwrap();
        let error = base().losses("other", law, &[0.0; 5]).unwrap_err().to_string();
        assert_eq!(error, "the domains of a law and a sweep differ: web and web, code");
        let law = ChinchillaLaw::new(&["web", "code"], Scale::ONE).unwrap();
        let error = base().losses("other", law, &[0.0; 4]).unwrap_err().to_string();
        assert_eq!(error, "z has length 4, expected 5");
        let at = Scale { n: 1e9, d: 1e10 };
        assert!(base().loss("other", at, [0.5, 0.5]).unwrap_err().is_unknown_name());
        assert!(base().loss("loss", at, [0.5, 0.4]).is_err());
        assert!(base().loss("loss", at, [1.0]).is_err());
        assert!(base().loss("loss", Scale { n: 0.0, d: 1.0 }, [0.5, 0.5]).is_err());
    }

    #[test]
    fn a_fit_finds_the_law_of_an_exact_sweep() {
        let design = SyntheticSweep::paper(Modality::Multimodal);
        let law = AdditiveLaw::new(design.domains(), Scale { n: 4e8, d: 5e10 }).unwrap();
        let z = [0.0, 0.5, -0.2, 0.1, -0.7, 0.0, -0.3, -1.0, -1.1, -1.4, -1.0];
        let synthetic = design.losses("text", law.clone(), &z).unwrap();
        let sweep = synthetic.build().unwrap();
        let fit = Fitter::new().fit(law, &sweep.split(TRAIN).unwrap(), "text").unwrap();
        for row in sweep.split(EVAL).unwrap().rows() {
            let h = Mixture::new(row.h.to_vec()).unwrap();
            let loss = fit.predict(row.scale(), &h).unwrap();
            assert!((loss / row.losses[0] - 1.0).abs() < 1e-6, "{loss} and {}", row.losses[0]);
        }
    }
}
