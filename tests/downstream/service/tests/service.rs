use mixlaw::Sweep;
use mixlaw::law::{AdditiveLaw, JointLaw, ScalingLaw, SimpleLaw};
use mixlaw::simplex::Constraints;
use service::Service;

/// Losses of a known additive law, whose best mixture has 0.8 of web.
fn sweep() -> Sweep {
    let (mut n, mut d, mut h, mut loss) = (vec![], vec![], vec![], vec![]);
    for web in [0.05f64, 0.2, 0.35, 0.5, 0.65, 0.8, 0.95] {
        for size in [1e8f64, 2e8, 4e8] {
            for tokens in [2e9f64, 4e9, 8e9] {
                n.push(size);
                d.push(tokens);
                h.extend([web, 1.0 - web]);
                let learned = 1.0 / (2.0 * web.sqrt() + (1.0 - web).sqrt());
                loss.push(1.0 + learned + 400.0 / size.powf(0.34) + 400.0 / tokens.powf(0.28));
            }
        }
    }
    Sweep::new(&["web", "code"], &["python"], &n, &d, &h, &loss).unwrap()
}

fn service() -> Service {
    let sweep = sweep();
    let laws: Vec<Box<dyn ScalingLaw>> = vec![
        Box::new(SimpleLaw::for_sweep(&sweep)),
        Box::new(AdditiveLaw::for_sweep(&sweep)),
        Box::new(JointLaw::for_sweep(&sweep)),
    ];
    Service::fit(laws, &sweep, "python").unwrap()
}

#[test]
fn a_stored_service_answers_the_same_to_the_bit() {
    let service = service();
    let again = Service::from_json(&service.to_json().unwrap()).unwrap();
    let names: Vec<&str> = again.laws().map(|law| law.name()).collect();
    assert_eq!(names, ["simple", "additive", "joint"]);
    let limits = Constraints::new().at_most("web", 0.7);
    let answers = again.best(1e9, 2e10, &limits).unwrap();
    assert_eq!(answers, service.best(1e9, 2e10, &limits).unwrap());
    assert!((answers[1].optimum.weights[0] - 0.7).abs() < 1e-9);
    let free = again.best(1e9, 2e10, &Constraints::new()).unwrap();
    assert!((free[1].optimum.weights[0] - 0.8).abs() < 1e-2);
}

#[test]
fn threads_ask_at_once() {
    let service = service();
    let limits = Constraints::new();
    let scales: Vec<f64> = (0..8).map(|i| 1e9 * 2f64.powi(i)).collect();
    let one_by_one: Vec<_> =
        scales.iter().map(|&n| service.best(n, 20.0 * n, &limits).unwrap()).collect();
    let at_once: Vec<_> = std::thread::scope(|scope| {
        let (service, limits) = (&service, &limits);
        let ask = |&n: &f64| scope.spawn(move || service.best(n, 20.0 * n, limits));
        let threads: Vec<_> = scales.iter().map(ask).collect();
        threads.into_iter().map(|thread| thread.join().unwrap().unwrap()).collect()
    });
    assert_eq!(one_by_one, at_once);
}

#[test]
fn what_is_no_fit_is_refused_with_a_reason() {
    let text = service().to_json().unwrap();
    let newer = text.replacen("\"mixlaw\": 1", "\"mixlaw\": 99", 1);
    let error = Service::from_json(&newer).unwrap_err().to_string();
    assert!(error.contains("99"), "{error}");
    let other = text.replacen("\"law\": \"simple\"", "\"law\": \"simpler\"", 1);
    let error = Service::from_json(&other).unwrap_err().to_string();
    assert!(error.contains("simpler"), "{error}");
}
