//! Choices by the worst share of the members, against computations of their own.

use mixlaw::error::ErrorKind;
use mixlaw::law::{AdditiveLaw, ScalingLaw};
use mixlaw::plan::{Goal, Risk};
use mixlaw::testing::SyntheticSweep;
use mixlaw::uncertainty::Bootstrap;
use mixlaw::{Fitter, Mixture, Plan, Predictor, Scale, Sweep};

const DOMAINS: [&str; 3] = ["web", "code", "books"];
const AT: Scale = Scale { n: 3e9, d: 1.6e10 };
const MEMBERS: usize = 40;

/// Runs of two targets by additive laws, which are convex.
fn runs() -> Sweep {
    let law = AdditiveLaw::new(&DOMAINS, Scale { n: 3e8, d: 8e9 }).unwrap();
    let z = |c: [f64; 3]| {
        let mut truth =
            vec![("E", 1.5), ("A", 400.0), ("alpha", 0.34), ("B", 400.0), ("beta", 0.28)];
        truth.extend([("C[web]", c[0]), ("C[code]", c[1]), ("C[books]", c[2])]);
        truth.extend([("gamma[web]", 0.5), ("gamma[code]", 0.5), ("gamma[books]", 0.5)]);
        law.coordinates_of(&truth).unwrap()
    };
    SyntheticSweep::new(&DOMAINS)
        .narrow(&[0.4, 0.2, 0.4], 15.0)
        .losses("news", law.clone(), &z([1.5, 1.0, 0.5]))
        .unwrap()
        .losses("python", law.clone(), &z([0.4, 1.6, 0.8]))
        .unwrap()
        .run_noise(0.02)
        .build()
        .unwrap()
}

fn predictors() -> [Predictor; 2] {
    let sweep = runs();
    ["news", "python"].map(|target| {
        // Convex, as far as gamma is at most 1.
        let bounded = |fitter: Fitter, domain| fitter.bound(format!("gamma[{domain}]"), 0.05, 1.0);
        let fit = DOMAINS.into_iter().fold(Fitter::recommended().starts(8), bounded);
        let fit = fit.fit(AdditiveLaw::for_sweep(&sweep), &sweep, target).unwrap();
        Bootstrap::new(MEMBERS).run(fit, &sweep).unwrap()
    })
}

fn plan([news, python]: &[Predictor; 2], risk: Risk) -> Plan {
    Plan::builder().target(1.0, news).target(0.5, python).risk(risk).build().unwrap()
}

/// The mean of the largest `count` weighted sums of the members' losses.
fn worst([news, python]: &[Predictor; 2], h: &Mixture, count: usize) -> f64 {
    let (news, python) = (news.values(AT, h).unwrap(), python.values(AT, h).unwrap());
    let mut sums: Vec<f64> = news.iter().zip(&python).map(|(a, b)| a + 0.5 * b).collect();
    sums.sort_by(|a, b| b.total_cmp(a));
    sums[..count].iter().sum::<f64>() / count as f64
}

#[test]
fn the_choice_is_that_of_a_grid_and_its_bound_is_close() {
    let predictors = predictors();
    for count in [1, 4, 10, MEMBERS] {
        let plan = plan(&predictors, Risk::WorstShare(count as f64 / MEMBERS as f64));
        let choice = plan.best(AT).unwrap();
        let (best, h) = (choice.optimum.value, &choice.optimum.weights);
        assert!((best - worst(&predictors, h, count)).abs() < 1e-12, "{count}");
        let bound = choice.optimum.lower_bound.unwrap();
        assert!(bound <= best && best - bound < 5e-5 * best, "{count}: {bound} {best}");
        for other in Mixture::grid(3, 60, 0.0).unwrap() {
            let value = worst(&predictors, &other, count);
            // The smooth function is at most 1e-5 of the largest value below.
            assert!(best <= value + 1e-4 && bound <= value + 1e-12, "{count}: {best} {value}");
        }
    }
}

#[test]
fn a_share_of_one_is_the_mean_and_the_smaller_the_larger() {
    let predictors = predictors();
    let mean = plan(&predictors, Risk::Mean).best(AT).unwrap();
    let all = plan(&predictors, Risk::WorstShare(1.0)).best(AT).unwrap();
    assert!((mean.optimum.value - all.optimum.value).abs() < 1e-8);
    let [third, tenth, less] =
        [0.33, 0.1, 1e-9].map(|q| plan(&predictors, Risk::WorstShare(q)).best(AT).unwrap());
    assert!(mean.optimum.value < third.optimum.value && third.optimum.value < tenth.optimum.value);
    // Less than one member is the worst one.
    assert!((less.optimum.value - worst(&predictors, &less.optimum.weights, 1)).abs() < 1e-12);
    // The mean's choice is not better in its worst tenth.
    let of_mean = worst(&predictors, &mean.optimum.weights, MEMBERS / 10);
    assert!(tenth.optimum.value <= of_mean + 1e-4);
}

#[test]
fn the_plan_is_asked_for_certainty_as_any_other() {
    let predictors = predictors();
    let plan = plan(&predictors, Risk::WorstShare(0.1));
    let choice = plan.best(AT).unwrap();
    assert_eq!(plan.certainty(&choice).unwrap().optima().len(), MEMBERS);
    let again = plan.to_builder().build().unwrap();
    assert_eq!(again.best(AT).unwrap(), choice);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let [news, _] = predictors();
    for q in [0.0, -0.1, 1.5, f64::NAN] {
        let builder = Plan::builder().target(1.0, &news).risk(Risk::WorstShare(q));
        let text = builder.build().unwrap_err().to_string();
        assert!(text.contains("the share of the worst members"), "{text}");
    }
    let worst_case = Plan::builder().target(1.0, &news).goal(Goal::Worst);
    assert!(worst_case.risk(Risk::WorstShare(0.1)).build().is_err());
    let sweep = runs();
    let fit = Fitter::recommended().starts(4);
    let fit = fit.fit(AdditiveLaw::for_sweep(&sweep), &sweep, "python").unwrap();
    let other = Bootstrap::new(MEMBERS).seed(7).run(&fit, &sweep).unwrap();
    let two = Plan::builder().target(1.0, &news).target(1.0, other).risk(Risk::WorstShare(0.1));
    assert!(matches!(two.build().unwrap_err().kind(), ErrorKind::OtherDraws { .. }));
    let none = Plan::builder().target(1.0, &fit).risk(Risk::WorstShare(0.1));
    assert!(none.build().is_err());
}
