//! The noise of repeats, the weights that follow from it, and intervals that know it.

use mixlaw::fit::Residual;
use mixlaw::law::AdditiveLaw;
use mixlaw::sweep::Noise;
use mixlaw::uncertainty::Bootstrap;
use mixlaw::{Fitter, Predictor, Random, Scale, Sweep};

const DOMAINS: [&str; 2] = ["web", "code"];

/// A sweep of one target from N, D, the share of web and the loss of each row, every row a run.
fn sweep_of(rows: &[(f64, f64, f64, f64)]) -> Sweep {
    let column = |of: fn(&(f64, f64, f64, f64)) -> f64| rows.iter().map(of).collect::<Vec<f64>>();
    let h: Vec<f64> = rows.iter().flat_map(|row| [row.2, 1.0 - row.2]).collect();
    let names: Vec<String> = (0..rows.len()).map(|i| format!("r{i}")).collect();
    let builder = Sweep::builder(&DOMAINS, &["t"]).runs(&names);
    builder.build(&column(|r| r.0), &column(|r| r.1), &h, &column(|r| r.3)).unwrap()
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * b.abs()
}

#[test]
fn the_pooled_deviation_is_that_of_a_computation_by_hand() {
    let noise = sweep_of(&[
        // Two seeds at two checkpoints: squares 2 * 0.01^2 and 2 * 0.03^2 with 1 + 1 degrees of
        // freedom, a variance of 0.001, which counts as one, since the seeds are the same.
        (1e8, 1e9, 0.5, 3.00),
        (1e8, 1e9, 0.5, 3.02),
        (1e8, 2e9, 0.5, 2.90),
        (1e8, 2e9, 0.5, 2.96),
        // Another size: squares 0.02^2 + 0 + 0.02^2, a variance of 0.0004 with 2.
        (2e8, 1e9, 0.5, 2.78),
        (2e8, 1e9, 0.5, 2.80),
        (2e8, 1e9, 0.5, 2.82),
        // Another mixture: squares 2 * 0.05^2 with 1.
        (1e8, 1e9, 0.25, 3.10),
        (1e8, 1e9, 0.25, 3.20),
        // No repeats.
        (2e8, 2e9, 0.25, 2.95),
        (2e8, 2e9, 0.125, 9.0),
    ]);
    let noise = noise.noise("t").unwrap();
    assert_eq!(noise.degrees_of_freedom(), 4);
    let pooled = f64::sqrt((0.001 + 2.0 * 0.0004 + 0.005) / 4.0);
    assert!(close(noise.pooled(), pooled), "{}", noise.pooled());
    let own: Vec<(f64, usize)> =
        noise.mixtures().iter().map(|m| (m.own, m.degrees_of_freedom)).collect();
    assert!(close(own[0].0, f64::sqrt(0.0018 / 3.0)) && own[0].1 == 3, "{own:?}");
    assert!(close(own[1].0, f64::sqrt(0.005)) && own[1].1 == 1, "{own:?}");
    // One mixture with enough repeats says nothing of how much mixtures differ.
    for web in [0.5, 0.25, 0.125] {
        assert_eq!(noise.at([web, 1.0 - web]).unwrap(), noise.pooled());
    }
}

#[test]
fn deviations_of_mixtures_are_shrunk_as_by_smyth() {
    let losses: [(f64, &[f64]); 4] = [
        (0.2, &[3.0010, 3.0025, 2.9992, 3.0003, 2.9985, 3.0011]),
        (0.4, &[2.90, 2.95, 2.87, 2.84, 2.93]),
        (0.6, &[3.12, 3.10, 3.135, 3.11]),
        (0.8, &[3.3, 3.34]),
    ];
    let rows = losses.iter().flat_map(|(web, all)| all.iter().map(|l| (1e8, 1e9, *web, *l)));
    let sweep = sweep_of(&rows.collect::<Vec<_>>());
    let noise = sweep.noise("t").unwrap();
    // tests/reference/noise.py
    assert!(close(noise.pooled(), 0.02683147310003592), "{}", noise.pooled());
    let deviations =
        [0.001815755241558239, 0.04136972427516729, 0.013695415288161582, 0.02683147310003592];
    for ((web, _), expected) in losses.iter().zip(deviations) {
        let found = noise.at([*web, 1.0 - web]).unwrap();
        assert!((found / expected - 1.0).abs() < 1e-6, "{web}: {found}, {expected}");
    }
}

#[test]
fn equal_noise_is_pooled() {
    // 40 mixtures of four repeats each with the same noise: nothing tells them apart in most draws.
    let mut pooled = 0;
    for seed in 0..20 {
        let mut random = Random::new(seed);
        let webs = (0..40).flat_map(|i| [(1.0 + f64::from(i)) / 50.0; 4]);
        let rows: Vec<_> = webs.map(|web| (1e8, 1e9, web, 3.0 + 0.01 * random.normal())).collect();
        let noise = sweep_of(&rows).noise("t").unwrap();
        assert_eq!(noise.degrees_of_freedom(), 120);
        // The standard error of a deviation is about 1 / sqrt(2 * 120) of it.
        assert!((noise.pooled() / 0.01 - 1.0).abs() < 0.25, "{}", noise.pooled());
        let (low, high) = noise
            .mixtures()
            .iter()
            .fold((1.0f64, 0.0f64), |(low, high), m| (low.min(m.deviation), high.max(m.deviation)));
        // What is left of the spread is far below that of their own deviations.
        assert!(high / low < 2.5, "{low} to {high}");
        pooled += u32::from(low == high && low == noise.pooled());
    }
    assert!(pooled >= 5, "{pooled} of 20");
}

#[test]
fn what_has_no_noise_is_refused() {
    let two = |a: f64, b: f64| sweep_of(&[(1e8, 1e9, 0.5, a), (1e8, 1e9, 0.5, b)]);
    let error = |sweep: &Sweep, target| sweep.noise(target).unwrap_err().to_string();
    let none = sweep_of(&[(1e8, 1e9, 0.5, 3.0), (1e8, 2e9, 0.5, 2.9), (1e8, 1e9, 0.4, 3.0)]);
    assert_eq!(
        error(&none, "t"),
        "the noise of repeats needs at least one pair of rows with the same N, D and mixture, got none"
    );
    assert_eq!(
        error(&two(3.0, 3.0), "t"),
        "the variance of repeats of `t` is 0, expected a finite number > 0"
    );
    assert!(error(&two(1e-200, 2e200), "t").contains("variance of repeats of `t` is inf"));
    assert!(error(&two(3.0, 3.1), "u").starts_with("unknown target `u`"));
    let noise = two(3.0, 3.1).noise("t").unwrap();
    assert!(noise.at([0.5]).unwrap_err().to_string().starts_with("h has length 1, expected 2"));
    assert!(noise.at([0.5, f64::NAN]).is_err());
    let other = Sweep::new(&["a", "b"], &["t"], &[1e8], &[1e9], &[0.5, 0.5], &[3.0]).unwrap();
    let fault = |noise: Noise, sweep: &Sweep| {
        let law = AdditiveLaw::for_sweep(sweep);
        Fitter::new().weigh_by_noise(noise).fit(law, sweep, "t").unwrap_err().to_string()
    };
    let error = fault(noise.clone(), &other);
    assert!(error.ends_with("differ: web, code and a, b"), "{error}");
    let builder = Sweep::builder(&["a", "b"], &["u"]).runs(&["r", "s"]);
    let of_u = builder.build(&[1e8; 2], &[1e9; 2], &[0.5; 4], &[3.0, 3.1]).unwrap();
    let error = fault(of_u.noise("u").unwrap(), &other);
    assert!(error.ends_with("differ: u and t"), "{error}");
}

#[test]
fn losses_that_are_missing_are_no_repeats() {
    let builder = Sweep::builder(&["web"], &["t", "u"]).missing_losses().runs(&["a", "b", "c"]);
    let losses = [3.0, 2.0, 3.1, f64::NAN, 3.2, 2.2];
    let sweep = builder.build(&[1e8; 3], &[1e9; 3], &[1.0; 3], &losses).unwrap();
    let noise = |target| sweep.noise(target).unwrap();
    assert!(close(noise("t").pooled(), 0.1) && noise("t").degrees_of_freedom() == 2);
    assert!(close(noise("u").pooled(), f64::sqrt(0.02)) && noise("u").degrees_of_freedom() == 1);
}

const NOISY: f64 = 0.03;
const QUIET: f64 = 0.0015;

/// The noise of a run with this share of web: most mixtures are quiet.
fn deviation(web: f64) -> f64 {
    if web < 0.35 { NOISY } else { QUIET }
}

fn truth(at: Scale, web: f64) -> f64 {
    let mixture = 1.0 / (2.0 * web.powf(0.5) + (1.0 - web).powf(0.8));
    1.0 + mixture + 400.0 / at.n.powf(0.34) + 400.0 / at.d.powf(0.28)
}

/// Ten mixtures at three sizes and three D, with five runs of each at the smallest.
fn uneven(seed: u64) -> Sweep {
    let mut random = Random::new(seed);
    let mut rows = Vec::new();
    for i in 0..10 {
        let web = 0.05 + 0.1 * f64::from(i);
        for n in [1e8, 2e8, 4e8] {
            for d in [2e9, 4e9, 8e9] {
                let repeats = if n == 1e8 && d == 2e9 { 5 } else { 1 };
                for _ in 0..repeats {
                    let loss = truth(Scale { n, d }, web) + deviation(web) * random.normal();
                    rows.push((n, d, web, loss));
                }
            }
        }
    }
    sweep_of(&rows)
}

const BEYOND: Scale = Scale { n: 1e9, d: 2e10 };

#[test]
fn weights_are_those_of_the_formula() {
    let sweep = uneven(3);
    let noise = sweep.noise("t").unwrap();
    let law = AdditiveLaw::for_sweep(&sweep);
    for (delta, residual) in [
        (f64::INFINITY, Residual::Loss),
        (1e-3, Residual::Loss),
        (0.01, Residual::Loss),
        (1e-3, Residual::LogLoss),
    ] {
        let weight = |row: mixlaw::sweep::Row<'_>| {
            let unit = if residual == Residual::Loss { 1.0 } else { row.losses[0] };
            let sigma = noise.at(row.h).unwrap() / unit;
            1.0 / (sigma * sigma.min((std::f64::consts::PI / 2.0).sqrt() * delta))
        };
        let weights: Vec<f64> = sweep.rows().map(weight).collect();
        let fitter = Fitter::new().starts(2).delta(delta).residual(residual);
        let given = fitter.clone().row_weights(weights).fit(law.clone(), &sweep, "t").unwrap();
        let own = fitter.weigh_by_noise(noise.clone()).fit(law.clone(), &sweep, "t").unwrap();
        assert!((own.objective() / given.objective() - 1.0).abs() < 1e-6);
    }
}

#[test]
fn weights_by_the_noise_make_fits_more_exact() {
    // Root mean squares of errors beyond the runs, for both deltas without and with weights.
    let mut squares = [0.0; 4];
    for seed in 0..40 {
        let sweep = uneven(seed);
        let noise = sweep.noise("t").unwrap();
        let least_squares = Fitter::new().starts(4).delta(f64::INFINITY);
        let huber = Fitter::new().starts(4);
        let fitters = [
            least_squares.clone(),
            least_squares.weigh_by_noise(noise.clone()),
            huber.clone(),
            huber.weigh_by_noise(noise),
        ];
        for (sum, fitter) in squares.iter_mut().zip(fitters) {
            let fit = fitter.fit(AdditiveLaw::for_sweep(&sweep), &sweep, "t").unwrap();
            for web in [0.1, 0.4, 0.7, 0.9] {
                let error = fit.predict(BEYOND, [web, 1.0 - web]).unwrap() - truth(BEYOND, web);
                *sum += error * error / 160.0;
            }
        }
    }
    let errors = squares.map(f64::sqrt);
    assert!(errors[1] < 0.5 * errors[0], "{errors:?}");
    // The Huber loss bounds what noisy rows do, so there is less to gain.
    assert!(errors[3] < errors[2], "{errors:?}");
}

fn with_noise(seed: u64, noise: Option<Noise>) -> Predictor {
    let sweep = uneven(seed);
    let fitter = Fitter::new().starts(2).weigh_by_noise(sweep.noise("t").unwrap());
    let fit = fitter.fit(AdditiveLaw::for_sweep(&sweep), &sweep, "t").unwrap();
    let bootstrap = Bootstrap::new(40).seed(seed);
    let bootstrap = noise.into_iter().fold(bootstrap, Bootstrap::noise);
    bootstrap.run(&fit, &sweep).unwrap()
}

#[test]
fn intervals_of_runs_hold_at_noisy_and_at_quiet_mixtures() {
    let at = Scale { n: 4e8, d: 8e9 };
    // Runs of 1600 that 90% intervals hold at noisy and at quiet mixtures, with the declared noise and
    // without.
    let mut held = [[0u32; 2]; 2];
    for seed in 0..80 {
        let noise = uneven(seed).noise("t").unwrap();
        let predictors = [with_noise(seed, Some(noise)), with_noise(seed, None)];
        let mut random = Random::new(1000 + seed);
        for (way, predictor) in predictors.iter().enumerate() {
            for (place, webs) in [[0.15, 0.25], [0.55, 0.75]].into_iter().enumerate() {
                for web in webs {
                    let h = [web, 1.0 - web];
                    let interval = predictor.prediction_interval(at, h, 0.9).unwrap();
                    for _ in 0..10 {
                        let run = truth(at, web) + deviation(web) * random.normal();
                        held[way][place] += u32::from(interval.contains(run));
                    }
                }
            }
        }
    }
    // 1440 expected. Each deviation is estimated from five runs, which the shares of 160 mixtures show:
    // a standard deviation of some 20.
    for count in held[0] {
        assert!((1344..=1536).contains(&count), "{held:?}");
    }
    // One noise for all is wrong at the noisy ones.
    assert!(held[1][0] < 800, "{held:?}");
}

#[test]
fn declared_noise_changes_no_member() {
    let noise = uneven(1).noise("t").unwrap();
    let (with, without) = (with_noise(1, Some(noise.clone())), with_noise(1, None));
    let (at, h) = (BEYOND, [0.5, 0.5]);
    assert_eq!(with.values(at, h).unwrap(), without.values(at, h).unwrap());
    assert_eq!(with.residuals(0.9).unwrap(), without.residuals(0.9).unwrap());
    assert_eq!(with.members().unwrap().noise(), Some(&noise));
    assert_eq!(without.members().unwrap().noise(), None);
    // The domains are matched by name, the target too.
    let sweep = uneven(1);
    let of = |target: &str| {
        let builder = Sweep::builder(&["code", "web"], &[target]);
        let builder = builder.runs(&["a", "b"]);
        builder.build(&[1e8; 2], &[1e9; 2], &[0.5; 4], &[3.0, 3.1]).unwrap().noise(target).unwrap()
    };
    let fit = Fitter::new().starts(2).fit(AdditiveLaw::for_sweep(&sweep), &sweep, "t").unwrap();
    let other = Bootstrap::new(20).noise(of("t")).run(&fit, &sweep).unwrap();
    assert_eq!(other.members().unwrap().noise().unwrap().domains(), DOMAINS);
    let error = Bootstrap::new(20).noise(of("u")).run(&fit, &sweep).unwrap_err().to_string();
    assert_eq!(error, "the targets of the noise and of what it is used for differ: u and t");
}

#[cfg(feature = "serde")]
#[test]
fn declared_noise_is_stored_with_a_predictor() {
    let noise = uneven(1).noise("t").unwrap();
    let predictor = with_noise(1, Some(noise));
    let text = serde_json::to_string(&predictor).unwrap();
    let read: Predictor = serde_json::from_str(&text).unwrap();
    assert_eq!(read.members(), predictor.members());
    let mut stored: serde_json::Value = serde_json::from_str(&text).unwrap();
    for (place, wrong, expected) in [
        ("/members/noise/misfit", serde_json::json!(-1.0), "the misfit beside the noise is -1"),
        ("/members/noise/noise/pooled", serde_json::json!(0.0), "the pooled deviation of repeats"),
        ("/members/noise/standardized", serde_json::json!([2.0, 1.0]), "standardized residuals"),
        ("/members/noise/noise/domains", serde_json::json!(["a", "b"]), "domains of the noise"),
        ("/members/noise/noise/mixtures/0/h", serde_json::json!([1.0]), "has length 1, expected 2"),
    ] {
        let good = std::mem::replace(stored.pointer_mut(place).unwrap(), wrong);
        let error = serde_json::from_value::<Predictor>(stored.clone()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        *stored.pointer_mut(place).unwrap() = good;
    }
}

#[cfg(feature = "csv")]
#[test]
fn seeds_of_real_runs_have_the_deviation_of_an_independent_computation() {
    // Three seeds at two sizes and six D; tests/reference/noise.py
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/byte_noise.csv");
    let sweep = Sweep::read_csv(path).unwrap();
    for (target, expected) in [("english", 0.008770735430965881), ("rust", 0.014839296273371225)] {
        let noise = sweep.noise(target).unwrap();
        assert!(close(noise.pooled(), expected), "{target}: {}", noise.pooled());
        assert_eq!(noise.degrees_of_freedom(), 4);
    }
}
