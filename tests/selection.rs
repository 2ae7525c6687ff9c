//! Laws compared by their errors on runs that were held out.

use mixlaw::law::{AdditiveFixedNLaw, AdditiveLaw, ChinchillaLaw, JointLaw};
use mixlaw::selection::{Candidate, Comparison, LargestScale, LearningCurve, Score, Selection};
use mixlaw::uncertainty::Probe;
use mixlaw::{Error, Fitter, Predictor, Scale, Sweep};

/// Three domains, 4 sizes x 12 mixtures x 3 token counts, losses of an additive law without noise.
fn synthetic() -> Sweep {
    let (mut n, mut d, mut h, mut loss) = (vec![], vec![], vec![], vec![]);
    for size in [5e7, 1e8, 2e8, 5e8] {
        for i in 0..12 {
            let a = 0.1 + 0.06 * f64::from(i);
            let b = (1.0 - a) * (0.2 + 0.05 * f64::from(i * 5 % 12));
            for tokens in [2e9, 5e9, 1.2e10] {
                n.push(size);
                d.push(tokens);
                h.extend([a, b, 1.0 - a - b]);
                let sum = 0.7 * a.powf(0.5) + 0.4 * b.powf(0.3) + 0.3 * (1.0 - a - b).powf(0.6);
                loss.push(
                    1.2 + 1.0 / sum
                        + 380.0 / f64::powf(size, 0.34)
                        + 420.0 / f64::powf(tokens, 0.29),
                );
            }
        }
    }
    Sweep::new(&["a", "b", "c"], &["t"], &n, &d, &h, &loss).unwrap()
}

fn candidates(sweep: &Sweep) -> [Candidate; 2] {
    [
        Candidate::new(ChinchillaLaw::for_sweep(sweep), Fitter::new()),
        Candidate::new(AdditiveLaw::for_sweep(sweep), Fitter::new()),
    ]
}

#[test]
fn the_true_law_wins_and_regrets_nothing() {
    let sweep = synthetic();
    let comparison = Selection::new().candidates(candidates(&sweep)).run(&sweep, "t").unwrap();
    println!("{comparison}");
    assert_eq!(comparison.largest_scale(), Some(LargestScale::Size(5e8)));
    assert_eq!(comparison.best().unwrap().name, "additive");
    let [blind, truth] = comparison.scores() else { panic!("two scores") };
    for held_out in [truth.mixtures.unwrap(), truth.scale.unwrap()] {
        assert!(held_out.test.mre < 0.0002, "{held_out:?}");
        assert_eq!(held_out.regret, Some(0.0));
    }
    for held_out in [blind.mixtures.unwrap(), blind.scale.unwrap()] {
        assert!(held_out.test.mre > 0.005, "{held_out:?}");
        assert!(held_out.regret.unwrap() > 0.01, "{held_out:?}");
    }
    assert_eq!((blind.coefficients, truth.coefficients), (5, 11));
}

/// Losses that hardly depend on the mixture, and noise: the law that is blind to it predicts best.
#[test]
fn the_best_law_for_a_plan_sees_the_mixture() {
    let (mut n, mut d, mut h, mut loss) = (vec![], vec![], vec![], vec![]);
    for (i, size) in [5e7, 1e8, 2e8, 5e8].into_iter().enumerate() {
        for j in 0..6 {
            for tokens in [2e9, 5e9, 1.2e10] {
                n.push(size);
                d.push(tokens);
                let web = 0.1 + 0.15 * f64::from(j);
                h.extend([web, 1.0 - web]);
                // Fractional parts of a multiple of the golden ratio.
                let u = (0.618_033_988_749_895 * n.len() as f64 * (i + 1) as f64).fract() - 0.5;
                let law = 2.0 + 380.0 / f64::powf(size, 0.34) + 420.0 / f64::powf(tokens, 0.29);
                loss.push(law * (1.0 + 0.02 * u));
            }
        }
    }
    let sweep = Sweep::new(&["web", "code"], &["t"], &n, &d, &h, &loss).unwrap();
    let fitter = || Fitter::new().starts(4);
    let comparison = Selection::new()
        .candidate(Candidate::new(ChinchillaLaw::for_sweep(&sweep), fitter()))
        .candidate(Candidate::new(JointLaw::for_sweep(&sweep), fitter()))
        .run(&sweep, "t")
        .unwrap();
    assert_eq!(comparison.best_predictor().unwrap().name, "chinchilla", "{comparison}");
    let best = comparison.best().unwrap();
    assert!(best.sees_mixture && best.name == "joint");
    let sees = |name: &str| comparison.get(name).unwrap().sees_mixture;
    assert!(sees("joint") && !sees("chinchilla"));
}

/// A law for one N is compared on the rows of that N, and says so where there are others.
#[test]
fn a_law_for_one_size_is_compared_where_it_can_be() {
    let one_size = synthetic().select(|row| row.n == 1e8).unwrap();
    let law = || AdditiveFixedNLaw::for_sweep(&one_size);
    let selection = Selection::new().candidate(Candidate::new(law(), Fitter::new().starts(4)));
    let comparison = selection.clone().folds(2).run(&one_size, "t").unwrap();
    assert_eq!(comparison.largest_scale(), Some(LargestScale::Tokens(1.2e10)));
    let score = comparison.best().unwrap();
    assert!(score.failures.is_empty() && score.scale.is_some(), "{comparison}");

    // Each of two folds has the mixtures of one size.
    let other = synthetic().select(|row| row.n == if row.h[0] < 0.4 { 1e8 } else { 5e8 }).unwrap();
    let [_, truth] = candidates(&other);
    let selection = selection.candidate(truth).mixtures(5, 12).seed(3);
    let comparison = selection.run(&other, "t").unwrap();
    let [blind, _] = comparison.scores() else { panic!("two scores") };
    // Fitted to one size in some split, it cannot predict the other.
    let refused = blind.failures.iter().any(|f| f.message.contains("for_any_scale"));
    assert!(refused && blind.mixtures.is_none(), "{comparison}");
}

#[test]
fn by_default_all_laws_that_suit_are_compared() {
    let sweep = synthetic().select(|row| (1e8..5e8).contains(&row.n) && row.h[0] < 0.5).unwrap();
    let comparison = Selection::new().folds(2).run(&sweep, "t").unwrap();
    let names: Vec<&str> = comparison.scores().iter().map(|x| x.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "chinchilla",
            "simple",
            "additive",
            "joint",
            "full",
            "coupled",
            "coupled-full",
            "recommended"
        ]
    );
    // The recommended predictor is the crate's own, fitted to all rows.
    let own = Predictor::recommended(&sweep, "t").unwrap();
    let best = comparison.get("recommended").unwrap().fit.as_ref().unwrap();
    let at = |own: &Predictor| own.predict(Scale { n: 1e9, d: 1e10 }, [0.3, 0.3, 0.4]);
    assert_eq!(at(&own).unwrap(), at(best).unwrap());
    // Two sizes: the tokens are held out.
    assert_eq!(comparison.largest_scale(), Some(LargestScale::Tokens(1.2e10)));
}

/// All figures of a comparison, which are the same for the same seed.
fn figures(comparison: &Comparison) -> Vec<String> {
    let figures = |x: &Score| {
        format!("{} {} {:?} {:?} {:?}", x.name, x.coefficients, x.train, x.mixtures, x.scale)
    };
    comparison.scores().iter().map(figures).collect()
}

#[test]
fn the_seed_decides_and_the_threads_do_not() {
    let sweep = synthetic();
    let run = |seed: u64| {
        let selection = Selection::new().candidates(candidates(&sweep)).folds(3).seed(seed);
        figures(&selection.run(&sweep, "t").unwrap())
    };
    let pool = |threads: usize| {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool")
    };
    let one = pool(1).install(|| run(0));
    assert_eq!(one, pool(4).install(|| run(0)));
    assert_ne!(one, run(1));
}

#[test]
fn splits_and_curves_draw_the_same_mixtures() {
    let sweep = synthetic();
    let [_, additive] = candidates(&sweep);
    let selection = Selection::new().candidate(additive.clone()).mixtures(4, 1).seed(9);
    let score = selection.run(&sweep, "t").unwrap().scores()[0].mixtures.unwrap();
    let curve = LearningCurve::new([4]).repeats(1).seed(9).run(&additive, &sweep, "t").unwrap();
    assert_eq!(curve.points()[0].mean, score.test.mre);
}

#[test]
fn an_ensemble_errs_by_the_mean_of_its_laws() {
    let sweep = synthetic();
    let laws: Vec<_> = mixlaw::law::suitable(&sweep, "t").unwrap().into_iter().take(2).collect();
    let alone = laws.clone().into_iter().map(|law| Candidate::new(law, Fitter::new()));
    let both = Candidate::mean(laws.clone(), Fitter::new()).unwrap();
    let selection = Selection::new().candidates(alone).candidate(both).mixtures(8, 1);
    let comparison = selection.run(&sweep, "t").unwrap();
    let [first, second, both] = comparison.scores() else { panic!("three scores") };
    let mae = |x: &Score| x.mixtures.unwrap().test.mae;
    assert!(mae(both) <= f64::midpoint(mae(first), mae(second)) + 1e-12);
    assert_eq!(both.coefficients, first.coefficients + second.coefficients);
}

#[test]
fn a_law_of_other_domains_is_a_failure_beside_the_others() {
    let sweep = synthetic();
    let other = JointLaw::new(&["x", "y"], sweep.scale()).unwrap();
    let [chinchilla, _] = candidates(&sweep);
    let selection =
        Selection::new().candidates([Candidate::new(other, Fitter::new()), chinchilla]).folds(2);
    let comparison = selection.run(&sweep, "t").unwrap();
    assert_eq!(comparison.best_predictor().unwrap().name, "chinchilla");
    assert!(comparison.best().is_none());
    assert_eq!(comparison.scores()[0].failures.len(), 3);
    assert!(comparison.to_string().contains("differ: x, y and "), "{comparison}");
}

/// A product of what a mixture and what a scale give, on which every size has the D that its steps allow;
/// the largest two sizes lack mixtures.
fn product(sizes: &[f64]) -> Sweep {
    let (mut n, mut d, mut h, mut loss) = (vec![], vec![], vec![], vec![]);
    for (step, &size) in sizes.iter().enumerate() {
        for i in 0..7 {
            if i == [9, 9, 4, 3][step] {
                continue;
            }
            let web = 0.05 + 0.15 * f64::from(i);
            for checkpoint in 1..=4 {
                let tokens = f64::from(checkpoint) * 1e9 * (1.0 + 0.3 * step as f64);
                n.push(size);
                d.push(tokens);
                h.extend([web, 1.0 - web]);
                let of_mixture = 1.0 + 0.4 * (web - 0.4).powi(2) + 0.1 * (9.0 * web).sin();
                let of_scale = 2.0 + 380.0 / size.powf(0.34) + 420.0 / tokens.powf(0.29);
                loss.push(of_mixture * of_scale);
            }
        }
    }
    Sweep::new(&["web", "code"], &["t"], &n, &d, &h, &loss).unwrap()
}

/// By hand: the loss of the same mixture at the nearest D, times the ratio of a fit that is blind to it.
fn scaled(blind: &mixlaw::Fit, fitted: &Sweep, at: mixlaw::sweep::Row<'_>) -> Option<f64> {
    let same = fitted.rows().filter(|row| row.h == at.h);
    let apart = |row: &mixlaw::sweep::Row<'_>| (row.d / at.d).ln().abs();
    let from = same.min_by(|a, b| apart(a).total_cmp(&apart(b)))?;
    let of = |scale: Scale| blind.predict(scale, at.h).unwrap();
    Some(from.losses[0] * of(at.scale()) / of(from.scale()))
}

#[test]
fn the_baseline_scales_the_loss_of_the_same_mixture() {
    let sweep = product(&[5e7, 1e8, 2e8, 5e8]);
    let candidate = Candidate::new(AdditiveLaw::for_sweep(&sweep), Fitter::new().starts(4));
    let comparison = Selection::new().candidate(candidate).run(&sweep, "t").unwrap();
    println!("{comparison}");

    let fitted = sweep.select(|row| row.n < 5e8).unwrap();
    let blind = ChinchillaLaw::for_sweep(&fitted);
    let blind = Fitter::new().fit(blind, &fitted, "t").unwrap();
    let below = fitted.select(|row| row.n == 2e8).unwrap();
    let held_out = sweep.select(|row| row.n == 5e8).unwrap();
    let pairs: Vec<(f64, f64)> = held_out
        .rows()
        .filter_map(|row| Some((row.losses[0], scaled(&blind, &below, row)?)))
        .collect();
    // Of six mixtures at 5e8, 2e8 lacks one.
    assert_eq!((held_out.len(), pairs.len()), (24, 20));
    let (observed, predicted): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
    let expected = mixlaw::fit::Metrics::new(&observed, &predicted);
    let baseline = comparison.baseline().unwrap();
    assert_eq!(baseline.measured.unwrap().test, expected);
    // The order of mixtures is the same at every scale.
    assert_eq!(baseline.measured.unwrap().rank, Some(1.0));

    let score = &comparison.scores()[0];
    let (scale, measured) = (score.scale.unwrap(), score.measured.unwrap());
    assert_eq!((scale.test.count, measured.test.count), (24, 20));
    assert_eq!(scale.train, measured.train);
    let fit = Fitter::new().starts(4).fit(AdditiveLaw::for_sweep(&sweep), &fitted, "t").unwrap();
    let missing = below.rows().map(|row| row.h.to_vec()).collect::<Vec<_>>();
    let rows = held_out.select(|row| missing.iter().any(|h| h == row.h)).unwrap();
    assert_eq!(measured.test, fit.evaluate(&rows).unwrap());
    // It is no candidate.
    assert!(comparison.get("baseline").is_none() && comparison.scores().len() == 1);
    let line = |of: &str| comparison.to_string().lines().any(|line| line.starts_with(of));
    assert!(line("baseline  "), "{comparison}");
    let better = expected.mre < measured.test.mre;
    assert_eq!(line("At mixtures that were measured the baseline errs less than additive"), better);
}

/// Where tokens are held out, the scaled loss is of the same N.
#[test]
fn the_baseline_of_held_out_tokens_keeps_the_size() {
    let sweep = product(&[1e8, 5e8]).select(|row| row.d < 3.5e9 || row.n < 2e8).unwrap();
    let [candidate, _] = candidates(&sweep);
    let comparison = Selection::new().candidate(candidate).run(&sweep, "t").unwrap();
    assert_eq!(comparison.largest_scale(), Some(LargestScale::Tokens(4e9)));
    // 4e9 was trained at 1e8 alone.
    let baseline = comparison.baseline().unwrap().measured.unwrap();
    assert_eq!(baseline.test.count, 7);
    let fitted = sweep.select(|row| row.d < 4e9).unwrap();
    let blind = Fitter::new().fit(ChinchillaLaw::for_sweep(&fitted), &fitted, "t").unwrap();
    let same_size = fitted.select(|row| row.n == 1e8).unwrap();
    let held_out = sweep.select(|row| row.d == 4e9).unwrap();
    let predicted: Vec<f64> =
        held_out.rows().map(|row| scaled(&blind, &same_size, row).unwrap()).collect();
    let observed = held_out.losses_of("t").unwrap();
    assert_eq!(baseline.test, mixlaw::fit::Metrics::new(&observed, &predicted));
}

#[test]
fn without_a_mixture_that_was_measured_there_is_no_baseline() {
    // Every size has mixtures of its own.
    let sweep = synthetic();
    let own = |n: f64, h: f64| ((h * 100.0).round() as i64 / 6) % 4 == (n / 6e7).log2() as i64;
    let sweep = sweep.select(|row| own(row.n, row.h[0])).unwrap();
    let [_, additive] = candidates(&sweep);
    let comparison = Selection::new().candidate(additive).folds(2).run(&sweep, "t").unwrap();
    let score = &comparison.scores()[0];
    assert!(score.scale.is_some() && score.measured.is_none(), "{comparison}");
    assert!(comparison.baseline().is_none());
    // A law that cannot be fitted is told.
    let fewest = product(&[1e8, 2e8, 4e8]).select(|row| row.h[0] < 0.1 && row.d < 2e9).unwrap();
    let candidate = Candidate::new(AdditiveLaw::for_sweep(&fewest), Fitter::new());
    let comparison = Selection::new().candidate(candidate).run(&fewest, "t").unwrap();
    let baseline = comparison.baseline().unwrap();
    assert!(baseline.measured.is_none() && baseline.failures.len() == 1, "{comparison}");
    assert!(comparison.to_string().contains("baseline, all but N = 4.0000e8: 2 rows"));
}

#[test]
fn the_rank_within_a_scale_tells_what_the_pooled_one_hides() {
    let sweep = synthetic();
    let comparison = Selection::new().candidates(candidates(&sweep)).run(&sweep, "t").unwrap();
    let [blind, truth] = comparison.scores() else { panic!("two scores") };
    // Chinchilla's law knows the scales, whose losses differ more than those of the mixtures.
    assert!(blind.mixtures.unwrap().test.spearman > 0.5, "{comparison}");
    for held_out in [blind.mixtures, blind.scale, blind.measured] {
        assert_eq!(held_out.unwrap().rank, Some(0.0), "{comparison}");
    }
    for held_out in [truth.scale, truth.measured] {
        assert!(held_out.unwrap().rank.unwrap() > 0.99, "{comparison}");
    }
    // Two mixtures of a fold have no order to speak of.
    let folds = Selection::new().candidates(candidates(&sweep)).folds(6).run(&sweep, "t").unwrap();
    assert_eq!(folds.scores()[1].mixtures.unwrap().rank, None);
}

#[test]
fn a_scale_far_beyond_the_held_out_one_is_warned_of() {
    let sweep = synthetic();
    let [_, additive] = candidates(&sweep);
    let run = |selection: Selection| {
        selection.candidate(additive.clone()).folds(2).run(&sweep, "t").unwrap()
    };
    let plain = run(Selection::new());
    let step = plain.step().unwrap();
    assert!((step.n - 2.5).abs() < 1e-12 && (step.d - 1.0).abs() < 1e-12);
    assert!(plain.needed_step().is_none() && !plain.needs_longer_step());
    assert!(plain.to_string().contains("is 2.50 times the largest N and 1.00 times the largest D"));

    let asked = |n, d| run(Selection::new().for_scale(Scale { n, d }));
    // Twice is tested by 2.5 times, and so is what was trained.
    for near in [asked(1e9, 1.2e10), asked(1e8, 1e9)] {
        assert!(!near.needs_longer_step() && !near.to_string().contains("Warning"), "{near}");
    }
    // The figures are the same.
    let far = asked(2.5e10, 2.4e10);
    assert_eq!(figures(&far), figures(&plain));
    assert!(far.needs_longer_step());
    assert_eq!(far.needed_step().unwrap().d, 2.0);
    let text = far.to_string();
    let size = "Warning: the errors at scale are of 2.50 times extrapolation in N, and 50.00 times";
    let tokens = "Warning: the errors at scale are of no extrapolation in D, and 2.00 times";
    assert!(text.contains(size) && text.contains(tokens), "{text}");

    let wrong = Selection::new().for_scale(Scale { n: -1.0, d: 1e9 }).run(&sweep, "t");
    assert_eq!(wrong.unwrap_err().to_string(), "N is -1, expected a number > 0");
}

/// The paper's LLM sweep, where the variable `MIXLAW_SLIMPAJAMA` names its file.
#[cfg(feature = "csv")]
mod slimpajama {
    use mixlaw::law::{
        AdditiveFixedNDLaw, AdditiveFixedNLaw, Ge24Law, ScalingLaw, YeM1Law, YeM2Law, YeM3Law,
        YeM4Law,
    };

    use super::*;

    const TARGETS: [&str; 4] = ["wikipedia", "github", "stackexchange", "book"];

    /// The train rows of 310e6 parameters.
    fn sweep() -> Option<Sweep> {
        match std::env::var_os("MIXLAW_SLIMPAJAMA") {
            Some(path) => {
                let train = Sweep::read_csv(path).unwrap().split("train").unwrap();
                Some(train.select(|row| row.n == 310e6).unwrap())
            }
            None => {
                eprintln!("skipped: MIXLAW_SLIMPAJAMA does not name the sweep's file");
                None
            }
        }
    }

    /// Test MRE of random splits of 25 mixtures to fit, by candidate.
    fn test_mre(sweep: &Sweep, target: &str, laws: Vec<Box<dyn ScalingLaw>>) -> Vec<f64> {
        let candidates = laws.into_iter().map(|law| Candidate::new(law, Fitter::new()));
        let selection = Selection::new().candidates(candidates).mixtures(25, 5);
        let comparison = selection.run(sweep, target).unwrap();
        println!("{comparison}\n");
        comparison.scores().iter().map(|score| score.mixtures.unwrap().test.mre).collect()
    }

    #[test]
    fn at_one_scale_the_additive_law_beats_those_of_ye_as_in_table_13() {
        let Some(sweep) = sweep() else { return };
        let sweep = sweep.select(|row| row.d == 2e10).unwrap();
        assert_eq!(sweep.len(), 60);
        let mut means = [0.0; 5];
        for target in TARGETS {
            let laws: Vec<Box<dyn ScalingLaw>> = vec![
                Box::new(AdditiveFixedNDLaw::for_sweep(&sweep)),
                Box::new(YeM1Law::for_sweep(&sweep)),
                Box::new(YeM2Law::for_sweep(&sweep)),
                Box::new(YeM3Law::for_sweep(&sweep)),
                Box::new(YeM4Law::for_sweep(&sweep)),
            ];
            let errors = test_mre(&sweep, target, laws);
            means.iter_mut().zip(errors).for_each(|(mean, error)| *mean += error / 4.0);
        }
        println!("mean test MRE: {means:.3?}");
        assert!(means[1..].iter().all(|ye| means[0] < *ye), "{means:?}");
    }

    #[test]
    fn at_one_size_the_additive_law_beats_that_of_ge_as_in_table_14() {
        let Some(sweep) = sweep() else { return };
        for target in TARGETS {
            let laws: Vec<Box<dyn ScalingLaw>> = vec![
                Box::new(AdditiveFixedNLaw::for_sweep(&sweep)),
                Box::new(Ge24Law::for_sweep(&sweep, target).unwrap()),
            ];
            let errors = test_mre(&sweep, target, laws);
            assert!(errors[0] < errors[1], "{target}: {errors:?}");
        }
    }
}

/// Every setting out of its range is an error of the call that uses it, and named with its range.
#[test]
fn settings_out_of_range_are_named() {
    let sweep = synthetic().select(|row| row.h[0] < 0.3).unwrap();
    let law = || AdditiveLaw::for_sweep(&sweep);
    let error = |result: Result<(), Error>| {
        let error = result.unwrap_err();
        assert!(error.is_setting(), "{error}");
        error.to_string()
    };
    let fit = |fitter: Fitter| error(fitter.fit(law(), &sweep, "t").map(|_| ()));
    let rows = sweep.len();
    for (found, expected) in [
        (fit(Fitter::new().delta(0.0)), "delta is 0, expected a number > 0"),
        (fit(Fitter::new().delta(f64::NAN)), "delta is NAN, expected a number > 0"),
        (fit(Fitter::new().delta(-1.0)), "delta is -1, expected a number > 0"),
        (
            fit(Fitter::new().weigh_by_compute(f64::NAN)),
            "the power of the compute is NAN, expected",
        ),
        (
            fit(Fitter::new().weigh_by_compute(f64::INFINITY)),
            "the power of the compute is inf, expected a finite number",
        ),
        (fit(Fitter::new().row_weights([1.0])), "the number of row weights is 1, expected one for"),
        (
            fit(Fitter::new().row_weights(vec![f64::NAN; rows])),
            "the weight of row 0 is NAN, expected a finite number >= 0",
        ),
        (
            fit(Fitter::new().row_weights(vec![0.0; rows])),
            "the sum of the row weights is 0, expected a finite number > 0",
        ),
        (
            fit(Fitter::new().row_weights(vec![f64::MAX; rows])),
            "the sum of the row weights is inf, expected a finite number > 0",
        ),
    ] {
        assert!(found.starts_with(&expected.replace("NAN", "NaN")), "{found}");
    }

    let candidate = Candidate::new(law(), Fitter::new().starts(1));
    let select = |selection: Selection| {
        error(selection.candidate(candidate.clone()).run(&sweep, "t").map(|_| ()))
    };
    let of_mixtures = "expected at least 1 and less than the distinct mixtures of the sweep";
    let huge = usize::MAX;
    for (found, expected) in [
        (select(Selection::new().folds(0)), "the number of folds is 0, expected at least 2".into()),
        (select(Selection::new().folds(1)), "the number of folds is 1, expected at least 2".into()),
        (
            select(Selection::new().mixtures(2, 0)),
            "the number of splits is 0, expected from 1 to 10000".into(),
        ),
        (
            select(Selection::new().mixtures(2, huge)),
            format!("the number of splits is {:e}, expected from 1 to 10000", huge as f64),
        ),
        (
            select(Selection::new().mixtures(0, 3)),
            format!("the number of mixtures to fit is 0, {of_mixtures}"),
        ),
        (
            select(Selection::new().mixtures(huge, 3)),
            format!("the number of mixtures to fit is {:e}, {of_mixtures}", huge as f64),
        ),
    ] {
        assert_eq!(found, expected);
    }
    // A wrong setting of one candidate is a failure of that one, by the same words.
    let wrong = Candidate::new(law(), Fitter::new().delta(-1.0));
    let comparison = Selection::new().folds(2).candidate(wrong).run(&sweep, "t").unwrap();
    let failures = &comparison.scores()[0].failures;
    assert!(failures[0].message.starts_with("delta is -1, expected"), "{failures:?}");

    let curve = |count, repeats| {
        let curve = LearningCurve::new([count]).repeats(repeats);
        error(curve.run(&candidate, &sweep, "t").map(|_| ()))
    };
    assert_eq!(curve(2, 0), "the number of repeats is 0, expected from 1 to 10000");
    assert!(curve(2, huge).ends_with("expected from 1 to 10000"));
    assert_eq!(curve(0, 2), format!("the number of mixtures to fit is 0, {of_mixtures}"));

    let fit = candidate.fit(&sweep, "t").unwrap().fits().next().unwrap().clone();
    let probe = |probe: Probe| error(probe.run(&fit, &sweep).map(|_| ()));
    for within in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let found = probe(Probe::new().within(within));
        assert_eq!(found, format!("within is {within}, expected a finite number > 0"));
    }
    assert!(probe(Probe::new().starts(huge)).ends_with("expected at most 1000000"));
}
