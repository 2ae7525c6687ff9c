//! Stored values with faults: what is read is either refused or as good as any other.

use mixlaw::law::{AdditiveLaw, JointLaw};
use mixlaw::plan::{Certainty, Choice, Extrapolation, Plan};
use mixlaw::simplex::Constraints;
use mixlaw::uncertainty::{Bootstrap, Identifiability};
use mixlaw::{Fit, Fitter, Mixture, Predictor, Scale, Sweep};
use rand::rngs::Xoshiro256PlusPlus as Random;
use rand::{RngExt, SeedableRng};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::data::{NAMES, mixture, number, pick, sweep};
use crate::harness::{Tally, campaign};

/// Everything that can be stored, once.
struct Good {
    sweep: Sweep,
    fits: [Fit; 2],
    resampled: Predictor,
    choice: Choice,
    values: Vec<(&'static str, Value)>,
}

fn good() -> Good {
    let mut rng = Random::seed_from_u64(11);
    let sweep = sweep(&mut rng, 3, 2);
    let fitter = Fitter::new().starts(2);
    let fits = [
        fitter.fit(AdditiveLaw::for_sweep(&sweep), &sweep, "web").unwrap(),
        fitter.fit(JointLaw::for_sweep(&sweep), &sweep, "web").unwrap(),
    ];
    let resampled = Bootstrap::new(20).run(&fits[0], &sweep).unwrap();
    let (n, d, names) = ([1e8; 3], [1e9; 3], ["a", "b", "c"]);
    let h = sweep.row(0).h.repeat(3);
    let builder = Sweep::builder(sweep.domains(), &["web"]).runs(&names);
    let noise = builder.build(&n, &d, &h, &[3.0, 3.1, 3.3]).unwrap().noise("web").unwrap();
    let noisy = Bootstrap::new(20).noise(noise).run(&fits[0], &sweep).unwrap();
    let limits = Constraints::new().at_most("web", 0.4).group(&["web", "code"], 0.1, 0.9);
    let limits = limits.epochs("books", 1e9, 4.0).trained_box(&sweep, 0.0);
    let plan = Plan::builder().target(1.0, &resampled).build().unwrap();
    let choice = plan.best(Scale { n: 1e9, d: 2e10 }).unwrap();
    let certainty = plan.certainty(&choice).unwrap();
    let mean = Predictor::mean(&fits).unwrap();
    let identifiability = Identifiability::of(&fits[0], &sweep).unwrap();
    fn value(value: &impl Serialize) -> Value {
        serde_json::to_value(value).unwrap()
    }
    let values = vec![
        ("sweep", value(&sweep)),
        ("mixture", value(&Mixture::uniform(3))),
        ("scales", value(&sweep.scale())),
        ("constraints", value(&limits)),
        ("fit", value(&fits[0])),
        ("fit", value(&fits[1])),
        ("fitter", value(&fitter.row_weights(vec![1.0; sweep.len()]).bound("E", 0.5, 2.0))),
        ("predictor", value(&mean)),
        ("predictor", value(&resampled)),
        ("predictor", value(&noisy)),
        ("choice", value(&choice)),
        ("certainty", value(&certainty)),
        ("identifiability", value(&identifiability)),
    ];
    Good { sweep, fits, resampled, choice, values }
}

/// The number of places in a value: itself and all within.
fn places(value: &Value) -> usize {
    1 + match value {
        Value::Array(list) => list.iter().map(places).sum(),
        Value::Object(map) => map.values().map(places).sum(),
        _ => 0,
    }
}

/// The place of this number, counted as in [`places`].
fn place(value: &mut Value, at: usize) -> &mut Value {
    if at == 0 {
        return value;
    }
    let inner: Box<dyn Iterator<Item = &mut Value> + '_> = match value {
        Value::Array(list) => Box::new(list.iter_mut()),
        Value::Object(map) => Box::new(map.values_mut()),
        _ => unreachable!("no places within"),
    };
    let mut at = at - 1;
    for value in inner {
        let within = places(value);
        if at < within {
            return place(value, at);
        }
        at -= within;
    }
    unreachable!("fewer places")
}

fn damage(rng: &mut Random, value: &mut Value) {
    let all = places(value);
    let spot = place(value, rng.random_range(0..all));
    let odd = |rng: &mut Random| match number(rng) {
        x if x.is_nan() => json!("NaN"),
        x if x == f64::INFINITY => json!("inf"),
        x if x == f64::NEG_INFINITY => json!("-inf"),
        x => json!(x),
    };
    match spot {
        Value::Number(_) if rng.random_bool(0.9) => {
            *spot = if rng.random_bool(0.8) { odd(rng) } else { json!(rng.random::<u64>()) };
        }
        Value::String(text) if rng.random_bool(0.8) => {
            let other =
                pick(rng, &["", "web", "code", "nothing", "NaN", "\u{0}", "additive", "joint"]);
            *text = if rng.random() { other.to_owned() } else { other.repeat(2_000) };
        }
        Value::Array(list) if !list.is_empty() => {
            let i = rng.random_range(0..list.len());
            match rng.random_range(0..4) {
                0 => list.truncate(i),
                1 => drop(list.remove(i)),
                2 => list.push(list[i].clone()),
                _ => list.swap(0, i),
            }
        }
        Value::Object(map) if !map.is_empty() => {
            let key = map.keys().nth(rng.random_range(0..map.len())).expect("a key").clone();
            if rng.random() {
                map.remove(&key);
            } else {
                map.insert("other".to_owned(), Value::Null);
            }
        }
        _ => *spot = pick(rng, &[Value::Null, Value::Bool(true)].each_ref()).clone(),
    }
}

fn read<T: DeserializeOwned>(tally: &mut Tally, value: Value) -> Option<T> {
    match serde_json::from_value(value) {
        // Not texts of this crate: they repeat what was read.
        Err(error)
            if ["unknown variant", "invalid type", "invalid value"]
                .iter()
                .any(|own| error.to_string().starts_with(own)) =>
        {
            tally.count("refused");
            None
        }
        read => tally.answer("accepted", read),
    }
}

fn use_fit(rng: &mut Random, tally: &mut Tally, fit: &Fit, good: &Good) {
    let minimum = fit.objective();
    assert!(minimum >= 0.0 && minimum.is_finite(), "a fit with the objective {minimum}");
    let h = mixture(rng, 3);
    tally.answer("predictions", fit.predict(Scale { n: 1e9, d: 2e10 }, &h));
    tally.answer("evaluations", fit.evaluate(&good.sweep));
    let _ = (fit.to_string(), fit.coefficients(), fit.at_bound().len(), fit.optimality());
    let plan = Plan::builder().target(1.0, fit).build().unwrap();
    if let Some(choice) = tally.answer("choices", plan.best(Scale { n: 1e9, d: 2e10 })) {
        tally.answer("extrapolations", Extrapolation::of(&choice, &good.sweep));
    }
    if rng.random_bool(0.05) {
        if let Some(resamples) =
            tally.answer("bootstraps", Bootstrap::new(20).run(fit, &good.sweep))
        {
            tally.answer("intervals", resamples.interval(Scale { n: 1e9, d: 2e10 }, &h, 0.9));
        }
    }
}

fn one(rng: &mut Random, tally: &mut Tally, good: &Good) {
    let (what, value) = &good.values[rng.random_range(0..good.values.len())];
    let mut value = value.clone();
    for _ in 0..pick(rng, &[1, 1, 1, 2, 4]) {
        damage(rng, &mut value);
    }
    match *what {
        "sweep" => {
            let Some(sweep) = read::<Sweep>(tally, value) else { return };
            for row in sweep.rows() {
                assert!(row.n > 0.0 && row.n.is_finite() && row.d > 0.0 && row.d.is_finite());
                assert!(row.losses.iter().all(|loss| loss.is_finite()));
            }
            let Some(target) = sweep.targets().first().cloned() else { return };
            let law = AdditiveLaw::for_sweep(&sweep);
            tally.answer("fits", Fitter::new().starts(1).fit(law, &sweep, &target));
        }
        "mixture" => {
            let Some(mixture) = read::<Mixture>(tally, value) else { return };
            let sum: f64 = mixture.iter().sum();
            assert!(
                (sum - 1.0).abs() <= 1.01e-6 && mixture.iter().all(|x| *x >= 0.0),
                "{mixture:?}"
            );
        }
        "scales" => {
            let Some(scales) = read::<Scale>(tally, value) else { return };
            tally.answer("laws", AdditiveLaw::new(&NAMES[..3], scales));
        }
        "constraints" => {
            let Some(limits) = read::<Constraints>(tally, value) else { return };
            tally.answer("regions", limits.region(&NAMES[..3], 2e10));
            let plan = Plan::builder().target(1.0, &good.fits[0]).constraints(limits).build();
            let Some(plan) = tally.answer("plans", plan) else { return };
            tally.answer("choices", plan.best(Scale { n: 1e9, d: 2e10 }));
        }
        "fit" => {
            let Some(fit) = read::<Fit>(tally, value) else { return };
            use_fit(rng, tally, &fit, good);
        }
        "fitter" => {
            let Some(fitter) = read::<Fitter>(tally, value) else { return };
            let law = AdditiveLaw::for_sweep(&good.sweep);
            tally.answer("fits", fitter.starts(1).fit(law, &good.sweep, "web"));
        }
        "predictor" => {
            let Some(predictor) = read::<Predictor>(tally, value) else { return };
            assert!(predictor.fits().next().is_some());
            predictor.fits().for_each(|fit| use_fit(rng, tally, fit, good));
            let (at, h) = (Scale { n: 1e9, d: 2e10 }, mixture(rng, predictor.domains().len()));
            tally.answer("predictions", predictor.predict(at, &h));
            if predictor.members().is_some() {
                tally.answer("intervals", predictor.interval(at, &h, 0.9));
                tally.answer("intervals", predictor.prediction_interval(at, &h, 0.9));
                tally.answer("intervals", predictor.coefficients(0.9));
                let plan = Plan::builder().target(1.0, &predictor).build().unwrap();
                if let Some(choice) = tally.answer("choices", plan.best(at)) {
                    tally.answer("certainties", plan.certainty(&choice));
                }
            }
        }
        "choice" => {
            let Some(choice) = read::<Choice>(tally, value) else { return };
            let Choice { scale, optimum, .. } = &choice;
            assert!(scale.n > 0.0 && scale.d > 0.0, "a choice at {scale}");
            assert!(optimum.lower_bound.is_none_or(|bound| bound <= optimum.value), "{optimum:?}");
            let _ = (choice.cost_of_constraints(), optimum.gap(), optimum.is_certified());
            let plan = Plan::builder().target(1.0, &good.resampled).build().unwrap();
            tally.answer("ranges", plan.ranges(&choice, 0.01));
            tally.answer("certainties", plan.certainty(&choice));
            tally.answer("extrapolations", Extrapolation::of(&choice, &good.sweep));
            tally.answer("advantages", plan.advantage(&choice, &good.choice.optimum.weights, 0.9));
        }
        "certainty" => {
            let Some(certainty) = read::<Certainty>(tally, value) else { return };
            tally.answer("intervals", certainty.weights(0.9));
        }
        "identifiability" => {
            let Some(found) = read::<Identifiability>(tally, value) else { return };
            let _ = (found.to_string(), found.warnings(), found.condition());
            let _ = (found.exchangeable().count(), found.undetermined().count());
        }
        other => unreachable!("{other}"),
    }
}

#[test]
fn stored() {
    let good = good();
    campaign("stored", 150, |rng, tally| one(rng, tally, &good));
}
