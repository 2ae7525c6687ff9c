use mixlaw::law::{AdditiveLaw, FormulaLaw, JointLaw, ScalingLaw};
use mixlaw::selection::{Candidate, Selection};
use mixlaw::testing::{SyntheticSweep, assert_law_contract, check_gradient};
use mixlaw::{Fitter, Plan, Scale, Sweep};
use own_laws::{FactorLaw, Interaction, data_mixture};

/// The losses of really trained models that mixlaw embeds, without the first steps of training.
fn byte_sweep() -> Sweep {
    let text = include_str!("../../../../examples/data/byte_sweep.csv");
    Sweep::from_csv(text.as_bytes()).unwrap().split("train").unwrap()
}

fn laws(sweep: &Sweep) -> [Box<dyn ScalingLaw>; 3] {
    [
        Box::new(data_mixture(sweep).unwrap()),
        Box::new(FormulaLaw::for_sweep(Interaction(sweep.scale().d), sweep).unwrap()),
        Box::new(FactorLaw::for_sweep(sweep).unwrap()),
    ]
}

#[test]
fn they_keep_the_contract_of_a_law() {
    for law in laws(&byte_sweep()) {
        assert_law_contract(&law);
    }
}

#[test]
fn their_gradients_are_exact_on_a_face_of_the_simplex_too() {
    for law in laws(&byte_sweep()) {
        // Within the box, different for every coordinate.
        let z: Vec<f64> = law
            .coordinates()
            .iter()
            .enumerate()
            .map(|(i, c)| (0.3 * f64::sin(2.0 * i as f64)).clamp(c.bounds().0, c.bounds().1))
            .collect();
        let error = check_gradient(&law, &z, Scale { n: 3e4, d: 2e6 }, &[0.5, 0.0, 0.3, 0.2]);
        assert!(error < 1e-7, "{}: {error:e}", law.name());
    }
}

#[test]
fn a_planted_law_is_found_again() {
    let sweep = byte_sweep();
    let law = FactorLaw::for_sweep(&sweep).unwrap();
    let printed = [
        ("E", 1.2),
        ("A", 8.0),
        ("alpha", 0.3),
        ("B", 40.0),
        ("beta", 0.35),
        ("c[french]", 0.4),
        ("c[python]", -0.7),
        ("c[c]", 0.2),
    ];
    let z = law.coordinates_of(&printed).unwrap();
    let planted = SyntheticSweep::new(sweep.domains())
        .sizes(&[1e4, 4e4, 2e5])
        .tokens(&[1e6, 3e6, 9e6])
        .losses("target", FactorLaw::for_sweep(&sweep).unwrap(), &z)
        .and_then(|synthetic| synthetic.build())
        .unwrap();
    let fit = Fitter::new().starts(6).fit(law, &planted, "target").unwrap();
    for (name, value) in printed {
        let found = fit.coefficient(name).unwrap();
        assert!((found - value).abs() < 1e-3 * value.abs(), "{name}: {found}, planted {value}");
    }

    // More of a domain with a lower c is better: the best mixture is that domain alone.
    let plan = Plan::builder().target(1.0, &fit).build().unwrap();
    let best = plan.best(Scale { n: 1e6, d: 1e8 }).unwrap().optimum;
    assert!(best.weights[2] > 0.999, "{}", best.weights.named(sweep.domains()));
}

#[test]
fn they_are_compared_with_the_papers_laws() {
    let sweep = byte_sweep();
    let fitter = Fitter::new().starts(6);
    let of_the_paper: [Box<dyn ScalingLaw>; 2] =
        [Box::new(AdditiveLaw::for_sweep(&sweep)), Box::new(JointLaw::for_sweep(&sweep))];
    let all = laws(&sweep).into_iter().chain(of_the_paper);
    let comparison = Selection::new()
        .candidates(all.map(|law| Candidate::new(law, fitter.clone())))
        .folds(3)
        .run(&sweep, "rust")
        .unwrap();
    println!("{comparison}");
    let names: Vec<&str> = comparison.scores().iter().map(|s| s.name.as_str()).collect();
    assert_eq!(names, ["data-mixture", "interaction", "factor", "additive", "joint"]);
    let of_scale = |name: &str| comparison.get(name).unwrap().scale.unwrap().test.mre;
    for score in comparison.scores() {
        assert!(score.failures.is_empty() && score.mixtures.unwrap().test.mre < 0.02);
    }
    // Five coefficients fewer than the additive law, and closer at a size that was not fitted.
    assert!(of_scale("factor") < of_scale("additive"));
}
