use mixlaw::law::{AdditiveLaw, JointLaw, ScalingLaw, SimpleLaw};
use mixlaw::simplex::Constraints;
use mixlaw::testing::SyntheticSweep;
use mixlaw::{Scale, Sweep};
use service::Service;

/// Losses of a known additive law, whose best mixture has 0.8 of web.
fn sweep() -> Sweep {
    SyntheticSweep::new(&["web", "code"])
        .mixtures(12)
        .sizes(&[1e8, 2e8, 4e8])
        .tokens(&[2e9, 4e9, 8e9])
        .losses_by("python", |at, h| {
            let learned = 1.0 / (2.0 * h[0].sqrt() + h[1].sqrt());
            1.0 + learned + 400.0 / at.n.powf(0.34) + 400.0 / at.d.powf(0.28)
        })
        .build()
        .unwrap()
}

fn service(limits: &Constraints) -> Service {
    let sweep = sweep();
    let laws: Vec<Box<dyn ScalingLaw>> = vec![
        Box::new(SimpleLaw::for_sweep(&sweep)),
        Box::new(AdditiveLaw::for_sweep(&sweep)),
        Box::new(JointLaw::for_sweep(&sweep)),
    ];
    Service::fit(laws, &sweep, "python", limits).unwrap()
}

#[test]
fn a_stored_service_answers_the_same_to_the_bit() {
    let limits = Constraints::new().at_most("web", 0.7);
    let service = service(&limits);
    let text = service.to_json().unwrap();
    let again = Service::from_json(&text, &limits).unwrap();
    let at = Scale { n: 1e9, d: 2e10 };
    let answers = again.best(at).unwrap();
    assert_eq!(answers, service.best(at).unwrap());
    assert!((answers[1].optimum.weights[0] - 0.7).abs() < 1e-9);
    let free = Service::from_json(&text, &Constraints::new()).unwrap().best(at).unwrap();
    assert!((free[1].optimum.weights[0] - 0.8).abs() < 1e-2);
}

#[test]
fn threads_ask_at_once() {
    let service = service(&Constraints::new());
    let scales = (0..8).map(|i| 1e9 * 2f64.powi(i)).map(|n| Scale { n, d: 20.0 * n });
    let one_by_one: Vec<_> = scales.clone().map(|at| service.best(at).unwrap()).collect();
    let ask = |at| {
        let service = service.clone();
        std::thread::spawn(move || service.best(at).unwrap())
    };
    let threads: Vec<_> = scales.map(ask).collect();
    let at_once: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    assert_eq!(one_by_one, at_once);
}

#[test]
fn what_is_no_fit_is_refused_with_a_reason() {
    let limits = Constraints::new();
    let text = service(&limits).to_json().unwrap();
    let newer = text.replacen("\"mixlaw\":1", "\"mixlaw\":99", 1);
    let error = Service::from_json(&newer, &limits).unwrap_err().to_string();
    assert!(error.contains("99"), "{error}");
    let other = text.replacen("\"law\":\"simple\"", "\"law\":\"simpler\"", 1);
    let error = Service::from_json(&other, &limits).unwrap_err().to_string();
    assert!(error.contains("simpler"), "{error}");
}
