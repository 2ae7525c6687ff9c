//! Sweeps that lack losses of some targets.

#[path = "../benches/designs.rs"]
mod designs;

use designs::{TARGET, Truth, beyond};
use mixlaw::error::{ErrorKind, Place};
use mixlaw::law::{AdditiveLaw, ChinchillaLaw, FullLaw, JointLaw, ScalingLaw, SimpleLaw, suitable};
use mixlaw::optim::Termination;
use mixlaw::plan::{Criterion, Plan, Run};
#[cfg(feature = "csv")]
use mixlaw::predictor::Interval;
use mixlaw::selection::{Candidate, LearningCurve, Selection};
#[cfg(feature = "csv")]
use mixlaw::simplex::Constraints;
use mixlaw::testing::{Modality, SyntheticSweep};
use mixlaw::uncertainty::{Bootstrap, Identifiability, Unit};
use mixlaw::{Error, Fitter, Mixture, Predictor, Random, Scale, Sweep};

const TARGETS: [&str; 2] = ["web", "code"];

/// 2 sizes x 10 mixtures x 4 token counts, with noise of runs and checkpoints. The weights of a mixture
/// differ by rounding.
struct Table {
    n: Vec<f64>,
    d: Vec<f64>,
    h: Vec<f64>,
    losses: Vec<f64>,
}

impl Table {
    fn new() -> Self {
        let (mut n, mut d, mut h, mut losses) = (vec![], vec![], vec![], vec![]);
        let mut random = Random::new(3);
        for size in [1e8f64, 4e8] {
            for i in 0..10 {
                let web = 0.05 + 0.1 * f64::from(i);
                let of_run = 1.0 + 0.002 * (random.unit() - 0.5);
                for tokens in [2e9f64, 4e9, 8e9, 16e9] {
                    n.push(size);
                    d.push(tokens);
                    let off = 1e-9 * random.unit();
                    h.extend([web + off, 1.0 - web - off]);
                    let rest = 400.0 / size.powf(0.34) + 400.0 / tokens.powf(0.28);
                    for (own, other) in [(web, 1.0 - web), (1.0 - web, web)] {
                        let learned = 1.0 / (2.0 * own.powf(0.5) + 0.7 * other.powf(0.8));
                        let noise = of_run * (1.0 + 0.002 * (random.unit() - 0.5));
                        losses.push(noise * (1.0 + learned + rest));
                    }
                }
            }
        }
        Self { n, d, h, losses }
    }

    fn len(&self) -> usize {
        self.n.len()
    }

    /// Without the losses of a row and target for which `deleted` says so.
    fn without(mut self, deleted: impl Fn(usize, usize) -> bool) -> Self {
        for (i, losses) in self.losses.chunks_mut(2).enumerate() {
            losses.iter_mut().enumerate().filter(|(t, _)| deleted(i, *t)).for_each(|(_, loss)| {
                *loss = f64::NAN;
            });
        }
        self
    }

    fn sweep(&self) -> Sweep {
        let builder = Sweep::builder(&TARGETS, &TARGETS).missing_losses();
        builder.build(&self.n, &self.d, &self.h, &self.losses).unwrap()
    }

    /// A sweep of one target alone and the rows that have its loss, without a word on missing ones, and
    /// the numbers of these rows.
    fn alone(&self, target: usize) -> (Sweep, Vec<usize>) {
        let rows: Vec<usize> =
            (0..self.len()).filter(|i| !self.losses[2 * i + target].is_nan()).collect();
        let pick = |of: &[f64]| rows.iter().map(|&i| of[i]).collect::<Vec<f64>>();
        let h: Vec<f64> = rows.iter().flat_map(|&i| &self.h[2 * i..][..2]).copied().collect();
        let losses: Vec<f64> = rows.iter().map(|&i| self.losses[2 * i + target]).collect();
        let targets = &TARGETS[target..=target];
        let (n, d) = (pick(&self.n), pick(&self.d));
        (Sweep::new(&TARGETS, targets, &n, &d, &h, &losses).unwrap(), rows)
    }
}

/// Of each target some losses are missing, of no row both: the code loss of every third row, and the
/// web loss of the rows after it and of all of the last run.
fn sparse() -> Table {
    Table::new().without(|i, target| match target {
        0 => i % 3 == 1 || i >= 76,
        _ => i % 3 == 0 && i < 76,
    })
}

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|x| x.to_bits()).collect()
}

#[test]
fn losses_are_missing_only_where_that_is_asked_for() {
    let table = sparse();
    let Table { n, d, h, losses } = &table;
    let error = Sweep::new(&TARGETS, &TARGETS, n, d, h, losses).unwrap_err();
    assert_eq!(
        error.to_string(),
        "row 0, column `loss_code`: NaN, expected a finite loss > 0; if losses may be missing, say \
         `missing_losses()`"
    );
    for loss in [f64::INFINITY, 0.0, -1.0] {
        let mut losses = losses.clone();
        losses[0] = loss;
        let builder = Sweep::builder(&TARGETS, &TARGETS).missing_losses();
        let error = builder.build(n, d, h, &losses).unwrap_err().to_string();
        assert!(error.starts_with("row 0, column `loss_web`"), "{error}");
    }
    let mut losses = losses.clone();
    losses[6..8].fill(f64::NAN);
    let builder = Sweep::builder(&TARGETS, &TARGETS).missing_losses();
    let error = builder.build(n, d, h, &losses).unwrap_err().to_string();
    assert_eq!(error, "row 3: no loss, expected that of at least one target");
}

#[test]
fn a_sweep_has_the_rows_of_each_target() {
    let table = sparse();
    let sweep = table.sweep();
    assert_eq!(sweep.len(), table.len());
    assert_eq!(bits(sweep.row(0).losses), bits(&[table.losses[0], f64::NAN]));
    assert_eq!(sweep, sweep.clone());
    assert_eq!(sweep.row(0), sweep.row(0));
    assert_ne!(sweep, Table::new().sweep());
    let counts = sweep.count_losses();
    for (target, name) in TARGETS.into_iter().enumerate() {
        let (alone, rows) = table.alone(target);
        assert_eq!(counts[target], (name.to_owned(), rows.len()));
        let own = sweep.with_losses_of(name).unwrap();
        assert_eq!((own.n(), own.d()), (alone.n(), alone.d()));
        assert_eq!(own.mixtures(), alone.mixtures());
        assert_eq!(own.losses_of(name).unwrap(), alone.losses_of(name).unwrap());
        for (i, row) in rows.into_iter().enumerate() {
            assert_eq!(own.place(i), Place::Row(row));
        }
    }
    let error = sweep.losses_of("code").unwrap_err().to_string();
    assert_eq!(
        error,
        "row 0, column `loss_code`: no loss, expected one in every row; `with_losses_of` gives the rows \
         that have it"
    );
    assert!(sweep.with_losses_of("python").unwrap_err().is_unknown_name());
    // The last run has no loss on the web.
    let last = sweep.select(|row| row.run == "run19").unwrap();
    let none = |error: &Error| matches!(error.kind(), ErrorKind::NoLosses { .. });
    assert_eq!(last.count_losses()[0].1, 0);
    assert!(last.with_losses_of("web").is_err_and(|e| none(&e)));
    let law = ChinchillaLaw::for_sweep(&last);
    assert!(Fitter::new().fit(law, &last, "web").is_err_and(|e| none(&e)));
    assert!(Selection::new().run(&last, "web").is_err_and(|e| none(&e)));
    assert!(suitable(&last, "web").unwrap().is_empty());
}

/// The given law fitted to a sweep that lacks losses and to the rows that have one, with a fitter for
/// each.
fn check_same_fit(
    law: impl ScalingLaw + Clone + 'static,
    target: usize,
    fitters: [Fitter; 2],
    (sweep, alone): (&Sweep, &Sweep),
) {
    let name = law.name().to_owned();
    let fit = |fitter: &Fitter, sweep: &Sweep| {
        fitter.clone().starts(3).seed(7).fit(law.clone(), sweep, TARGETS[target]).unwrap()
    };
    let (own, other) = (fit(&fitters[0], sweep), fit(&fitters[1], alone));
    assert_eq!(bits(own.coordinates()), bits(other.coordinates()), "{name}");
    assert_eq!(own.objective().to_bits(), other.objective().to_bits(), "{name}");
    assert_eq!(own.evaluations(), other.evaluations(), "{name}");
    assert_eq!((own.sizes(), own.tokens()), (other.sizes(), other.tokens()), "{name}");
    assert_eq!(own.evaluate(sweep).unwrap(), other.evaluate(alone).unwrap(), "{name}");
    let predictors = [Predictor::from(&own), Predictor::from(&other)];
    let metrics = predictors[0].evaluate(sweep).unwrap();
    assert_eq!(metrics, predictors[1].evaluate(alone).unwrap(), "{name}");
    assert_eq!(metrics.count, alone.len(), "{name}");
}

#[test]
fn a_fit_is_that_to_the_rows_of_its_target() {
    let table = sparse();
    let sweep = table.sweep();
    let weights: Vec<f64> = (0..table.len()).map(|i| f64::from(i as u32 % 5)).collect();
    for target in [0, 1] {
        let (alone, rows) = table.alone(target);
        let own: Vec<f64> = rows.iter().map(|&i| weights[i]).collect();
        let both = (&sweep, &alone);
        let plain = [Fitter::new(), Fitter::new()];
        let row_weights =
            [Fitter::new().row_weights(weights.clone()), Fitter::new().row_weights(own)];
        let compute = plain.clone().map(|fitter| fitter.weigh_by_compute(1.0));
        let all = row_weights.clone().map(|fitter| fitter.weigh_by_compute(0.5));
        for fitters in [plain, row_weights, compute, all] {
            check_same_fit(ChinchillaLaw::for_sweep(&sweep), target, fitters.clone(), both);
            check_same_fit(SimpleLaw::for_sweep(&sweep), target, fitters.clone(), both);
            check_same_fit(AdditiveLaw::for_sweep(&sweep), target, fitters.clone(), both);
            check_same_fit(JointLaw::for_sweep(&sweep), target, fitters.clone(), both);
            check_same_fit(FullLaw::for_sweep(&sweep), target, fitters, both);
        }
    }
    // One weight for each row of the sweep, not of the target.
    let (_, rows) = table.alone(0);
    let fitter = Fitter::new().row_weights(vec![1.0; rows.len()]);
    let fit = fitter.fit(AdditiveLaw::for_sweep(&sweep), &sweep, "web");
    assert!(fit.is_err_and(|error| error.is_setting()));
}

#[test]
fn what_is_said_of_a_fit_is_of_the_rows_of_its_target() {
    let table = sparse();
    let sweep = table.sweep();
    for (target, name) in TARGETS.into_iter().enumerate() {
        let (alone, rows) = table.alone(target);
        let law = AdditiveLaw::for_sweep(&sweep);
        let fitter = Fitter::new().starts(3);
        let reports = [&sweep, &alone].map(|sweep| {
            let fit = fitter.fit(law.clone(), sweep, name).unwrap();
            Identifiability::of(&fit, sweep).unwrap()
        });
        assert_eq!(reports[0], reports[1]);
        assert_eq!((reports[0].rows, reports[0].runs), (rows.len(), [19, 20][target]));

        let candidate = Candidate::new(law, fitter);
        let scores = [&sweep, &alone].map(|sweep| {
            let chinchilla =
                Candidate::new(ChinchillaLaw::for_sweep(&table.sweep()), Fitter::new());
            let selection = Selection::new().folds(3).candidates([candidate.clone(), chinchilla]);
            let comparison = selection.run(sweep, name).unwrap();
            comparison.scores().iter().map(|s| (s.train, s.mixtures, s.scale)).collect::<Vec<_>>()
        });
        assert_eq!(scores[0], scores[1]);
        assert_eq!(scores[0][0].1.unwrap().test.count, rows.len());
        let curves = [&sweep, &alone].map(|sweep| {
            let curve = LearningCurve::new([5, 10]).repeats(3).test(sweep);
            curve.run(&candidate, sweep, name).unwrap()
        });
        assert_eq!(curves[0], curves[1]);
        let curve = LearningCurve::new([5]).repeats(2);
        assert!(curve.run(&candidate, &sweep, name).is_ok());
        let names = |sweep: &Sweep| {
            let laws = suitable(sweep, name).unwrap();
            laws.iter().map(|law| law.name().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(names(&sweep), names(&alone));
    }
    // With the largest size deleted for a target, its law cannot be one of N.
    let one_size = Table::new().without(|i, target| target == 0 && i >= 40).sweep();
    let laws = suitable(&one_size, "web").unwrap();
    assert!(laws.iter().all(|law| !law.dependence().n) && !laws.is_empty());
    assert!(suitable(&one_size, "code").unwrap().iter().any(|law| law.dependence().n));
}

fn resampled(sweep: &Sweep, target: &str, bootstrap: &Bootstrap) -> Result<Predictor, Error> {
    let fit = Fitter::new().starts(3).fit(AdditiveLaw::for_sweep(sweep), sweep, target)?;
    bootstrap.run(fit, sweep)
}

#[test]
fn what_another_target_lacks_changes_no_bit() {
    let complete = Table::new();
    let (alone, _) = complete.alone(0);
    let other_lacks = Table::new().without(|i, target| target == 1 && i % 4 != 1).sweep();
    for sweep in [&complete.sweep(), &other_lacks] {
        for unit in [Unit::Run, Unit::Mixture] {
            let bootstrap = Bootstrap::new(20).seed(4).unit(unit);
            let [a, b] = [sweep, &alone].map(|s| resampled(s, "web", &bootstrap).unwrap());
            assert_eq!(a.members(), b.members());
        }
        let run = |sweep: &Sweep| {
            let comparison = Selection::new()
                .mixtures(6, 3)
                .candidate(Candidate::new(AdditiveLaw::for_sweep(sweep), Fitter::new().starts(3)))
                .run(sweep, "web");
            let comparison = comparison.unwrap();
            let score = &comparison.scores()[0];
            (score.train, score.mixtures, score.scale)
        };
        assert_eq!(run(sweep), run(&alone));
    }
}

#[test]
fn members_of_targets_that_lack_different_losses_belong_together() {
    let sweep = sparse().sweep();
    for unit in [Unit::Run, Unit::Mixture] {
        let bootstrap = Bootstrap::new(60).seed(2).unit(unit);
        let [web, code] = TARGETS.map(|target| resampled(&sweep, target, &bootstrap).unwrap());
        assert!(web.members().unwrap().is_aligned_with(code.members().unwrap()));
        let plan = Plan::builder().target(0.5, &web).target(0.5, &code).build().unwrap();
        let at = Scale { n: 1e9, d: 2e10 };
        let choice = plan.best(at).unwrap();
        let certainty = plan.certainty(&choice).unwrap();
        assert_eq!(
            (certainty.optima().len(), certainty.termination()),
            (60, Termination::Complete)
        );
        let skewed = Mixture::new(vec![0.9, 0.1]).unwrap();
        assert!(plan.advantage(&choice, &skewed, 0.9).unwrap().law.nats.lower > 0.0);
        let as_good = plan.as_good(&choice, std::slice::from_ref(&skewed)).unwrap();
        assert!(as_good[0] < 0.1);
        let candidates = [Run { scale: at, h: skewed }, Run { scale: at, h: Mixture::uniform(2) }];
        let next = plan.next_runs(&choice, &candidates, 1, Criterion::Decision).unwrap();
        assert_eq!(next.len(), 1);
        // Resamples of the rows of a target alone are of its runs alone.
        let own = sweep.with_losses_of("web").unwrap();
        let alone = resampled(&own, "web", &bootstrap).unwrap();
        let plan = Plan::builder().target(0.5, &alone).target(0.5, &code).build().unwrap();
        let error = plan.certainty(&plan.best(at).unwrap()).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::OtherDraws { .. }), "{error}");
    }
}

#[test]
fn a_target_of_few_runs_is_refused_where_a_resample_has_none_of_them() {
    // Three of twenty runs have a loss on the web.
    let sweep = Table::new().without(|i, target| target == 0 && i % 40 >= 4 && i != 11).sweep();
    let fit = |sweep: &Sweep| {
        Fitter::new().starts(1).fit(ChinchillaLaw::for_sweep(sweep), sweep, "web").unwrap()
    };
    let Err(error) = Bootstrap::new(200).run(fit(&sweep), &sweep) else { panic!("not refused") };
    let ErrorKind::Undrawn { target, unit, units, measured, resample } = error.kind() else {
        panic!("{error}")
    };
    assert_eq!((target.as_str(), *unit, *units, *measured), ("web", "runs", 20, 3));
    assert!(*resample < 200);
    assert!(error.to_string().contains("none of the 3 runs of 20"), "{error}");
    // Without the other runs there is nothing to be drawn in their place.
    let own = sweep.with_losses_of("web").unwrap();
    assert!(Bootstrap::new(200).run(fit(&own), &own).is_ok());
    // One run alone is none to resample, however many there are of other targets.
    let one = Table::new().without(|i, target| target == 0 && i >= 4).sweep();
    let law = ChinchillaLaw::for_sweep(&one);
    let fitter = Fitter::new().starts(1).fix("alpha", 0.3).fix("A", 400.0);
    let fit = fitter.fit(law, &one, "web").unwrap();
    let Err(error) = Bootstrap::new(20).run(fit, &one) else { panic!("not refused") };
    assert_eq!(
        error.to_string(),
        "the number of runs to draw from is 1, expected at least 2 with a weight in the fit"
    );
}

#[test]
fn runs_without_weight_are_not_drawn_whatever_they_lack() {
    let table = sparse();
    let sweep = table.sweep();
    // All but the first four runs.
    let weights: Vec<f64> = (0..table.len()).map(|i| f64::from(u8::from(i >= 16))).collect();
    let members = TARGETS.map(|target| {
        let fitter = Fitter::new().starts(2).row_weights(weights.clone());
        let fit = fitter.fit(AdditiveLaw::for_sweep(&sweep), &sweep, target).unwrap();
        Bootstrap::new(20).run(fit, &sweep).unwrap()
    });
    let [web, code] = members.each_ref().map(|predictor| predictor.members().unwrap());
    assert!(web.is_aligned_with(code));
    let part = sweep.select(|row| !["run0", "run1", "run2", "run3"].contains(&row.run)).unwrap();
    let law = AdditiveLaw::for_sweep(&sweep);
    let fit = Fitter::new().starts(2).fit(law, &part, "web").unwrap();
    let own = Bootstrap::new(20).run(fit, &part).unwrap();
    let at = Scale { n: 1e9, d: 2e10 };
    let values = |predictor: &Predictor| bits(&predictor.values(at, [0.5, 0.5]).unwrap());
    assert_eq!(values(&own), values(&members[0]));
}

#[cfg(feature = "csv")]
#[test]
fn a_missing_loss_is_an_empty_cell() {
    let sweep = sparse().sweep();
    let mut text = Vec::new();
    sweep.to_csv(&mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    let first = text.lines().nth(1).unwrap();
    assert!(first.ends_with(',') && !text.contains("NaN"), "{first}");
}

#[cfg(feature = "serde")]
#[test]
fn a_stored_sweep_keeps_what_it_lacks() {
    let sweep = sparse().sweep();
    let json = serde_json::to_string(&sweep).unwrap();
    assert_eq!(serde_json::from_str::<Sweep>(&json).unwrap(), sweep);
    let bytes = postcard::to_stdvec(&sweep).unwrap();
    assert_eq!(postcard::from_bytes::<Sweep>(&bytes).unwrap(), sweep);
    // The rows of a target may have none of another.
    let last = sweep.select(|row| row.run == "run19").unwrap();
    let json = serde_json::to_string(&last).unwrap();
    assert!(json.contains(r#""missing_losses":true"#) && json.contains(r#""losses":["NaN","#));
    assert_eq!(serde_json::from_str::<Sweep>(&json).unwrap(), last);
    // Only where the file says so.
    let without = json.replace(r#""missing_losses":true,"#, "");
    let error = serde_json::from_str::<Sweep>(&without).unwrap_err().to_string();
    assert!(error.contains("column `loss_web`: NaN"), "{error}");
}

/// A design with the losses of its target in `count` runs alone, and of another target in all.
fn measured_in(train: &Sweep, count: usize, seed: u64) -> Sweep {
    let mut runs: Vec<&str> = train.rows().map(|row| row.run).collect();
    let all_runs = runs.clone();
    runs.sort_unstable();
    runs.dedup();
    Random::new(seed).shuffle(&mut runs);
    let has = |run: &str| runs[..count].contains(&run);
    let losses =
        train.rows().flat_map(|row| [if has(row.run) { row.losses[0] } else { f64::NAN }, 3.0]);
    let losses: Vec<f64> = losses.collect();
    let h: Vec<f64> = train.mixtures().iter().copied().collect();
    let builder = Sweep::builder(train.domains(), &[TARGET, "other"]).runs(&all_runs);
    builder.missing_losses().build(train.n(), train.d(), &h, &losses).unwrap()
}

#[test]
fn intervals_hold_the_truth_where_most_runs_lack_the_target() {
    let (mut held, mut held_alone, mut narrow) = (0, 0, 0);
    for seed in 0..40 {
        let truth = Truth::draw(SyntheticSweep::paper(Modality::Multimodal), false, seed);
        let train = truth.train();
        let sweep = measured_in(&train, 20, seed);
        let alone = sweep.with_losses_of(TARGET).unwrap();
        assert_eq!((sweep.count_runs(), alone.count_runs()), (127, 20));
        let fit = Fitter::new().starts(6).fit(truth.law.clone(), &sweep, TARGET).unwrap();
        let (at, h) = (beyond(&train), Mixture::uniform(3));
        let own = truth.loss(at, &h);
        let interval = |sweep: &Sweep| {
            let resamples = Bootstrap::new(60).seed(seed).run(&fit, sweep).unwrap();
            resamples.interval(at, &h, 0.9).unwrap()
        };
        let (of_all, of_own) = (interval(&sweep), interval(&alone));
        held += u32::from(of_all.contains(own));
        held_alone += u32::from(of_own.contains(own));
        let middle = 0.5 * (of_all.lower + of_all.upper);
        narrow += u32::from((own - middle).abs() <= 0.4 * (of_all.upper - middle));
    }
    println!("of 40 at 90%: {held} by draws of all runs, {held_alone} by draws of its own");
    // 36 with a standard deviation of 1.9.
    assert!(held >= 31 && held_alone >= 31, "{held} and {held_alone} of 40");
    assert!(narrow < 31, "{narrow} of 40");
}

/// Ye et al.'s sweep with 80% of the losses of each target deleted at random, twenty times.
///
/// What is looked at, for two targets and their equal sum, at the largest size and most tokens of the
/// sweep, which no row of the fits has: the law's values at the four mixtures measured there, how much better the
/// choice is than the natural mixture, and the weights of the choice. These are what a law is used for;
/// coefficients are not looked at, as many of them are not determined by this sweep (weights around one
/// mixture), so that those of one and the same function differ between fits.
#[cfg(feature = "csv")]
#[test]
fn intervals_of_a_sparse_sweep_hold_what_the_full_one_says() {
    const PAIR: [&str; 2] = ["github", "wikipediaen"];
    let Some(path) = std::env::var_os("MIXLAW_REDPAJAMA") else {
        eprintln!("skipped: MIXLAW_REDPAJAMA does not name the sweep's file");
        return;
    };
    let all = Sweep::read_csv(path).unwrap();
    let (train, eval) = (all.split("train").unwrap(), all.split("eval").unwrap());
    let mixtures: Vec<&[f64]> = eval.rows().map(|row| row.h).collect();
    let mixtures: Vec<&[f64]> = mixtures.chunk_by(|a, b| a == b).map(|same| same[0]).collect();
    assert_eq!(mixtures.len(), 4);
    let most = |values: &[f64]| values.iter().copied().fold(0.0, f64::max);
    let at = Scale { n: most(eval.n()), d: most(eval.d()) };
    let natural = Mixture::new(train.row(0).h).unwrap();
    let law = AdditiveLaw::for_sweep(&train);
    let fit = |sweep: &Sweep, target: &str| {
        Fitter::new().starts(6).fit(law.clone(), sweep, target).unwrap()
    };
    let plan = |predictors: [Predictor; 2]| {
        let builder = predictors.into_iter().fold(Plan::builder(), |b, p| b.target(0.5, p));
        builder.constraints(Constraints::new().trained_box(&train, 0.0)).build().unwrap()
    };

    let full = PAIR.map(|target| Predictor::from(fit(&train, target)));
    let full_plan = plan(full.clone());
    let full_choice = full_plan.best(at).unwrap();
    let value = |h: &[f64]| full.iter().map(|p| 0.5 * p.predict(at, h).unwrap()).sum::<f64>();

    // Of how many intervals how many hold the estimate: values, advantages and weights, and of the
    // weights those that differ between members.
    let mut held = [[0; 2]; 4];
    // Of the values, how many are held by intervals two fifths as wide.
    let mut narrow = 0;
    let mut count = |of: usize, interval: Interval, estimate: f64| {
        let slack = 1e-6;
        let holds = interval.lower - slack <= estimate && estimate <= interval.upper + slack;
        held[of][0] += usize::from(holds);
        held[of][1] += 1;
    };
    for seed in 0..20 {
        let sparse = deleted(&train, 0.8, seed);
        let resampled = PAIR.map(|target| {
            let bootstrap = Bootstrap::new(60).seed(seed);
            bootstrap.run(fit(&sparse, target), &sparse).unwrap()
        });
        for (own, full) in resampled.iter().zip(&full) {
            for h in &mixtures {
                let estimate = full.predict(at, h).unwrap();
                let interval = own.interval(at, h, 0.9).unwrap();
                count(0, interval, estimate);
                let middle = 0.5 * (interval.lower + interval.upper);
                narrow += usize::from((estimate - middle).abs() <= 0.4 * (interval.upper - middle));
            }
        }
        let plan = plan(resampled);
        let choice = plan.best(at).unwrap();
        let advantage = plan.advantage(&choice, &natural, 0.9).unwrap().law.nats;
        count(1, advantage, value(&natural) - value(&choice.optimum.weights));
        let weights = plan.certainty(&choice).unwrap().weights(0.9).unwrap();
        for (interval, estimate) in weights.into_iter().zip(full_choice.optimum.weights.iter()) {
            count(2, interval, *estimate);
            if interval.upper - interval.lower > 1e-6 {
                count(3, interval, *estimate);
            }
        }
    }
    let names =
        ["values of the law", "advantages", "weights of the choice", "of these, not decided"];
    for (name, [held, count]) in names.into_iter().zip(held) {
        println!("{name}: {held} of {count} intervals of 90% hold the full table's estimate");
        assert!(held * 100 >= 85 * count, "{name}: {held} of {count}");
    }
    // Intervals that are too narrow would be seen.
    println!("values of the law: {narrow} of {} in intervals two fifths as wide", held[0][1]);
    assert!(narrow * 100 < 85 * held[0][1], "{narrow}");
}

/// The sweep without this share of the losses of each target, drawn at random, and without the rows
/// that have none left.
#[cfg(feature = "csv")]
fn deleted(sweep: &Sweep, share: f64, seed: u64) -> Sweep {
    let (p, m) = (sweep.len(), sweep.targets().len());
    let mut losses: Vec<f64> = sweep.losses().iter().copied().collect();
    let mut random = Random::new(seed);
    for target in 0..m {
        let mut rows: Vec<usize> = (0..p).collect();
        random.shuffle(&mut rows);
        for &row in &rows[..(share * p as f64).round() as usize] {
            losses[row * m + target] = f64::NAN;
        }
    }
    let some = |row: &usize| losses[row * m..][..m].iter().any(|loss| !loss.is_nan());
    let rows: Vec<usize> = (0..p).filter(some).collect();
    let pick = |of: &[f64], width: usize| -> Vec<f64> {
        rows.iter().flat_map(|&i| &of[i * width..][..width]).copied().collect()
    };
    let runs: Vec<&str> = rows.iter().map(|&i| sweep.row(i).run).collect();
    let h: Vec<f64> = sweep.mixtures().iter().copied().collect();
    Sweep::builder(sweep.domains(), sweep.targets())
        .runs(&runs)
        .missing_losses()
        .build(&pick(sweep.n(), 1), &pick(sweep.d(), 1), &pick(&h, h.len() / p), &pick(&losses, m))
        .unwrap()
}
