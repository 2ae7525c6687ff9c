//! Predictors and plans as values: functions of one's own, domains in any order, threads, builders.

use std::sync::Arc;

use mixlaw::law::{AdditiveLaw, ScalingLaw};
use mixlaw::plan::{Budget, Criterion, Goal, Growth, Penalty, Plan, Rate, Run};
use mixlaw::predictor::Members;
use mixlaw::simplex::Constraints;
use mixlaw::uncertainty::Bootstrap;
use mixlaw::{Fitter, Mixture, Predictor, Scale, Sweep};

const NAMES: [&str; 3] = ["web", "code", "books"];
const AT: Scale = Scale { n: 1e9, d: 2e10 };

/// `C` and `gamma` of web, code and books.
fn law(domains: &[&str], c: [f64; 3], gamma: [f64; 3]) -> (AdditiveLaw, Vec<f64>) {
    let law = AdditiveLaw::new(domains, Scale { n: 3e8, d: 6e9 }).unwrap();
    let mut named = vec![
        ("E".to_owned(), 1.5),
        ("A".to_owned(), 400.0),
        ("alpha".to_owned(), 0.34),
        ("B".to_owned(), 400.0),
        ("beta".to_owned(), 0.28),
    ];
    for (i, name) in NAMES.iter().enumerate() {
        named.push((format!("C[{name}]"), c[i]));
        named.push((format!("gamma[{name}]"), gamma[i]));
    }
    let named: Vec<(&str, f64)> = named.iter().map(|(name, x)| (name.as_str(), *x)).collect();
    let z = law.coordinates_of(&named).unwrap();
    (law, z)
}

/// Loss and slopes of `1.5 + 1 / sum_i c_i h_i^gamma_i` and terms of N and D, as a function.
fn own(
    domains: &[&str],
    c: [f64; 3],
    gamma: [f64; 3],
) -> impl Fn(Scale, &[f64], &mut [f64]) -> f64 + Send + Sync + Clone + 'static {
    let place = |name: &&str| NAMES.iter().position(|own| own == name).unwrap();
    let order: Vec<usize> = domains.iter().map(place).collect();
    move |at, h, slopes| {
        assert!(slopes.iter().all(|slope| *slope == 0.0), "{slopes:?}");
        let term = |j: usize| c[order[j]] * h[j].powf(gamma[order[j]]);
        let sum: f64 = (0..3).map(term).sum();
        for (j, slope) in slopes.iter_mut().enumerate() {
            *slope = -gamma[order[j]] * term(j) / h[j] / (sum * sum);
        }
        1.5 + 1.0 / sum + 400.0 / at.n.powf(0.34) + 400.0 / at.d.powf(0.28)
    }
}

const C: [f64; 3] = [1.0, 2.0, 0.7];
const GAMMA: [f64; 3] = [0.5, 0.4, 0.6];

#[test]
fn a_function_of_ones_own_is_the_law_that_it_computes() {
    let (law, z) = law(&NAMES, C, GAMMA);
    let known = Predictor::new("t", law, &z).unwrap();
    let convex = Predictor::from_convex_fn("t", &NAMES, own(&NAMES, C, GAMMA)).unwrap();
    let any = Predictor::from_fn("t", &NAMES, own(&NAMES, C, GAMMA)).unwrap();
    for h in Mixture::dirichlet(&[1.0; 3], 20, 0).unwrap() {
        let expected = known.predict(AT, &h).unwrap();
        assert!((convex.predict(AT, &h).unwrap() / expected - 1.0).abs() < 1e-13);
    }
    assert!(known.sees_mixture() && any.sees_mixture());
    assert_eq!(any.fits().count(), 0);
    let (other, y) = self::law(&NAMES, [0.5, 0.8, 2.0], [0.5, 0.7, 0.4]);
    let other = Predictor::new("u", other, &y).unwrap();
    for goal in [Goal::Sum, Goal::Worst, Goal::WorstExcess] {
        let plan = |first: &Predictor| {
            let plan = Plan::builder().target(1.0, first).target(0.5, &other).goal(goal);
            plan.constraints(Constraints::new().at_most("code", 0.4)).build().unwrap()
        };
        let [known, convex, any] = [&known, &convex, &any].map(plan);
        let [a, b, c] = [&known, &convex, &any].map(|plan| plan.best(AT).unwrap());
        assert!(a.optimum.is_certified() && b.optimum.is_certified(), "{goal:?}: {b}");
        assert!(!c.optimum.is_certified() && c.optimum.lower_bound.is_none(), "{goal:?}: {c}");
        for other in [&b, &c] {
            assert!((other.optimum.value - a.optimum.value).abs() < 1e-8, "{goal:?}: {other}, {a}");
        }
        let ranges = known.ranges(&a, 1e-3).unwrap();
        for (plan, choice) in [(&convex, &b), (&any, &c)] {
            for (own, expected) in plan.ranges(choice, 1e-3).unwrap().iter().zip(&ranges) {
                assert!((own.0 - expected.0).abs() < 1e-4 && (own.1 - expected.1).abs() < 1e-4);
            }
        }
    }
    // One part of which nothing is known leaves nothing known of the mean.
    let half = Predictor::mean([&known, &any]).unwrap();
    let choice = Plan::builder().target(1.0, half).build().unwrap().best(AT).unwrap();
    assert!(!choice.optimum.is_certified());
    let all = Predictor::mean([&known, &convex]).unwrap();
    let choice = Plan::builder().target(1.0, all).build().unwrap().best(AT).unwrap();
    assert!(choice.optimum.is_certified());
    let error = Predictor::from_fn("t", &["a", "b", "a"], |_, _, _| 1.0).unwrap_err();
    assert!(error.to_string().contains("domain `a` appears twice"), "{error}");
}

/// 72 rows of two targets, the domains of whose sweep stand in this order.
fn sweep(domains: [&str; 3]) -> Sweep {
    let place = |name: &str| NAMES.iter().position(|own| *own == name).unwrap();
    let (mut n, mut d, mut h, mut losses, mut runs) = (vec![], vec![], vec![], vec![], vec![]);
    let functions = [own(&NAMES, C, GAMMA), own(&NAMES, [0.5, 0.8, 2.0], [0.5, 0.7, 0.4])];
    for (i, w) in Mixture::dirichlet(&[2.0; 3], 12, 5).unwrap().iter().enumerate() {
        for size in [1e8, 4e8] {
            for tokens in [2e9, 6e9, 18e9] {
                n.push(size);
                d.push(tokens);
                h.extend(domains.map(|name| w[place(name)]));
                runs.push(format!("{i} at {size:e}"));
                for (t, function) in functions.iter().enumerate() {
                    let noise = 1.0 + 0.004 * (2.7 * i as f64 + size / 1e8 + t as f64).sin();
                    losses.push(noise * function(Scale { n: size, d: tokens }, w, &mut [0.0; 3]));
                }
            }
        }
    }
    let builder = Sweep::builder(&domains, &["t", "u"]).runs(&runs);
    builder.build(&n, &d, &h, &losses).unwrap()
}

/// Two targets with members, the first with its domains as they are, the second as told.
fn resampled(other: [&str; 3]) -> [Predictor; 2] {
    let one = |target: &str, domains: [&str; 3]| {
        let sweep = sweep(NAMES);
        let law = AdditiveLaw::new(&domains, sweep.scale()).unwrap();
        let fit = Fitter::new().starts(4).fit(law, &sweep, target).unwrap();
        Bootstrap::new(30).run(fit, &sweep).unwrap()
    };
    [one("t", NAMES), one("u", other)]
}

#[test]
fn the_order_of_the_domains_of_a_predictor_does_not_matter() {
    // The same coordinates by name, so that nothing but the order differs.
    let gammas = ([0.5, 0.8, 2.0], [0.5, 0.7, 0.4]);
    let turned = ["books", "web", "code"];
    let close = |a: f64, b: f64, what: &str| {
        assert!((a - b).abs() <= 1e-12 * a.abs().max(1.0) || a == b, "{what}: {a} and {b}");
    };
    let penalty = || Penalty::kl(0.01, &[("code", 0.3), ("books", 0.3), ("web", 0.4)]);
    let limits = || Constraints::new().at_most("code", 0.5).epochs("books", 2e9, 4.0);
    let plans = |goal: Goal| {
        [NAMES, turned].map(|order| {
            let (a, x) = law(&NAMES, C, GAMMA);
            let (b, y) = law(&order, gammas.0, gammas.1);
            let builder = Plan::builder().goal(goal).penalty(penalty()).constraints(limits());
            let builder = builder.target(1.0, Predictor::new("t", a, &x).unwrap());
            builder.target(0.7, Predictor::new("u", b, &y).unwrap()).build().unwrap()
        })
    };
    for goal in [Goal::Sum, Goal::Worst, Goal::WorstExcess] {
        let [a, b] = plans(goal);
        assert_eq!((a.domains(), b.domains()), (&NAMES.map(String::from)[..], a.domains()));
        let (x, y) = (a.best(AT).unwrap(), b.best(AT).unwrap());
        close(x.optimum.value, y.optimum.value, "value");
        let h = Mixture::new(vec![0.5, 0.2, 0.3]).unwrap();
        let (p, q) = (a.objective(AT).unwrap().losses(&h), b.objective(AT).unwrap().losses(&h));
        p.unwrap().iter().zip(q.unwrap()).for_each(|(p, q)| close(*p, q, "loss"));
        let (p, q) = (a.ranges(&x, 1e-3).unwrap(), b.ranges(&x, 1e-3).unwrap());
        assert!(p.iter().zip(&q).all(|(p, q)| (p.0 - q.0).abs() + (p.1 - q.1).abs() < 3e-6));
        let (p, q) = (a.price(AT, &h).unwrap(), b.price(AT, &h).unwrap());
        close(p.value, q.value, "price");
        close(p.best, q.best, "best");
        let growth = Growth { n: Rate::Linear, d: Rate::Constant };
        let (p, q) = (a.path(AT, growth, &[1.0, 9.0]), b.path(AT, growth, &[1.0, 9.0]));
        for (p, q) in p.unwrap().iter().zip(q.unwrap()) {
            close(p.optimum.value, q.optimum.value, "path");
        }
        let (p, q) = (a.corners(AT).unwrap(), b.corners(AT).unwrap());
        p.iter().zip(&q).for_each(|(p, q)| close(p.1.value, q.1.value, "corner"));
    }
    let [a, b] = plans(Goal::Sum);
    let (h, flops) = (Mixture::uniform(3), Budget::flops());
    let (p, q) = (a.decompose(AT, &h).unwrap(), b.decompose(AT, &h).unwrap());
    close(p.floor, q.floor, "floor");
    close(p.mixture, q.mixture, "mixture");
    let (p, q) = (a.within_budget(1e20, &flops).unwrap(), b.within_budget(1e20, &flops).unwrap());
    assert!((p.optimum.value - q.optimum.value).abs() < 1e-12, "{p} {q}");
    // An order of the plan's own.
    let own = b.to_builder().domains(&["code", "books", "web"]).build().unwrap();
    let choice = own.best(AT).unwrap();
    close(choice.optimum.value, b.best(AT).unwrap().optimum.value, "own order");
    for name in NAMES {
        let (x, y) = (choice.weight(name).unwrap(), b.best(AT).unwrap().weight(name).unwrap());
        assert!((x - y).abs() < 1e-4, "{name}: {x} and {y}");
    }
    let error = b.to_builder().domains(&["code", "web"]).build().unwrap_err();
    assert!(error.to_string().starts_with("the domains of a plan and a target differ"), "{error}");
}

#[test]
fn members_are_asked_in_the_order_of_their_own_domains() {
    let [t, u] = resampled(["books", "web", "code"]);
    // The same members as a function each, with the plan's own order.
    let plan = Plan::builder().target(1.0, &t).target(0.7, &u).build().unwrap();
    let choice = plan.best(AT).unwrap();
    let other = Mixture::new(vec![0.6, 0.3, 0.1]).unwrap();
    let loss = |b: usize, h: &Mixture| {
        let turned = [h[2], h[0], h[1]];
        t.member(b).unwrap().predict(AT, h).unwrap()
            + 0.7 * u.member(b).unwrap().predict(AT, turned).unwrap()
    };
    let members = t.members().map(Members::len).unwrap();
    let lower = (0..members).filter(|&b| loss(b, &other) > loss(b, &choice.optimum.weights));
    let share = lower.count() as f64 / members as f64;
    let advantage = plan.advantage(&choice, &other, 0.9).unwrap();
    let least = 0.5 / (members as f64 + 1.0);
    assert!((advantage.law.probability - share.clamp(least, 1.0 - least)).abs() < 1e-12);
    let own =
        |h: &Mixture| t.predict(AT, h).unwrap() + 0.7 * u.predict(AT, [h[2], h[0], h[1]]).unwrap();
    let nats = own(&other) - own(&choice.optimum.weights);
    assert!((advantage.law.nats.estimate - nats).abs() < 1e-12);
    assert_eq!(advantage.runs.nats.estimate, advantage.law.nats.estimate);
    let as_good = plan.as_good(&choice, std::slice::from_ref(&other)).unwrap();
    assert!((as_good[0] - (1.0 - advantage.runs.probability)).abs() < 1e-12);
    // What each member would choose is better to it than the choice.
    for (b, h) in plan.certainty(&choice).unwrap().optima().iter().enumerate() {
        assert!(loss(b, h) <= loss(b, &choice.optimum.weights) + 1e-12, "{b}");
    }
    let runs = [Run { scale: AT, h: other.clone() }, Run { scale: AT, h: Mixture::uniform(3) }];
    let next = plan.next_runs(&choice, &runs, 2, Criterion::Law).unwrap();
    assert!(next[0].gain > 0.0 && next[1].gain >= next[0].gain);
    let spread = |run: &Run| {
        let turned = [run.h[2], run.h[0], run.h[1]];
        let of = |values: Vec<f64>, quartiles: (f64, f64)| {
            let mean = values.iter().sum::<f64>() / members as f64;
            let sum = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>();
            let noise = (quartiles.1 - quartiles.0) / 1.349 * mean;
            0.5 * (sum / (members - 1) as f64 / noise.powi(2)).ln_1p()
        };
        let quartiles = |p: &Predictor| {
            let interval = p.residuals(0.5).unwrap();
            (interval.lower, interval.upper)
        };
        let first = of(t.values(AT, &run.h).unwrap(), quartiles(&t));
        (first, of(u.values(AT, turned).unwrap(), quartiles(&u)))
    };
    // One target alone is worth what its own losses are worth.
    let alone = Plan::builder().domains(&NAMES).target(1.0, &u).build().unwrap();
    let choice = alone.best(AT).unwrap();
    for run in &runs {
        let gain = alone.next_runs(&choice, std::slice::from_ref(run), 1, Criterion::Law);
        assert!((gain.unwrap()[0].gain - spread(run).1).abs() < 1e-12);
    }
}

#[test]
fn a_plan_is_shared_by_threads() {
    fn shared<T: Send + Sync + Clone + 'static>() {}
    shared::<Plan>();
    shared::<Predictor>();
    let [t, u] = resampled(NAMES);
    let limits = Constraints::new().at_most("code", 0.5);
    let plan = Plan::builder().target(1.0, t).target(0.7, u).constraints(limits).build().unwrap();
    let ask = |plan: &Plan| {
        let choice = plan.best(AT).unwrap();
        let certainty = plan.certainty(&choice).unwrap();
        let advantage = plan.advantage(&choice, &Mixture::uniform(3), 0.9).unwrap();
        format!("{choice:?} {certainty:?} {advantage:?} {:?}", plan.ranges(&choice, 1e-3).unwrap())
    };
    let expected = ask(&plan);
    let shared = Arc::new(plan.clone());
    let threads: Vec<_> = (0..4)
        .map(|i| {
            let (own, shared) = (plan.clone(), Arc::clone(&shared));
            std::thread::spawn(move || if i % 2 == 0 { ask(&own) } else { ask(&shared) })
        })
        .collect();
    for thread in threads {
        assert_eq!(thread.join().unwrap(), expected);
    }
}

#[test]
fn clones_share_what_they_hold() {
    // A function with a counter of its owners: no clone of a plan or a predictor copies it.
    let owned = Arc::new(());
    let own = Arc::clone(&owned);
    let loss = move |_: Scale, h: &[f64], slopes: &mut [f64]| {
        let _own = &own;
        slopes.copy_from_slice(h);
        1.0 + 0.5 * h.iter().map(|h| h * h).sum::<f64>()
    };
    let predictor = Predictor::from_convex_fn("t", &NAMES, loss).unwrap();
    let plan = Plan::builder().target(1.0, &predictor).build().unwrap();
    let clones: Vec<Plan> = (0..1000).map(|_| plan.clone()).collect();
    assert_eq!(Arc::strong_count(&owned), 2);
    assert!(clones[999].domains().as_ptr() == plan.domains().as_ptr());
    let copy = predictor.clone();
    assert!(copy.domains().as_ptr() == predictor.domains().as_ptr());
}

#[test]
fn a_builder_of_a_plan_makes_the_same_one() {
    let [t, u] = resampled(["books", "web", "code"]);
    let penalty = Penalty::js(0.1, &[("web", 1.0), ("code", 0.0), ("books", 0.0)]);
    let own = Penalty::from_convex_fn(|h, slopes| {
        slopes[0] = 0.1;
        0.1 * h[0]
    });
    let plan = Plan::builder()
        .target(1.0, t)
        .target(0.7, u)
        .goal(Goal::WorstExcess)
        .penalty(penalty)
        .penalty(own)
        .constraints(Constraints::new().at_most("web", 0.05))
        .solver(mixlaw::SimplexSolver::new().max_cells(7))
        .domains(&["code", "web", "books"])
        .build()
        .unwrap();
    let again = plan.to_builder().build().unwrap();
    assert_eq!(plan.predictors().map(Predictor::target).collect::<Vec<_>>(), ["t", "u"]);
    let choice = plan.best(AT).unwrap();
    assert_eq!(again.best(AT).unwrap(), choice);
    assert_eq!(again.certainty(&choice).unwrap(), plan.certainty(&choice).unwrap());
    // One setting changed is that one.
    let sum = plan.to_builder().goal(Goal::Sum).build().unwrap();
    let free = sum.to_builder().constraints(Constraints::new()).build().unwrap();
    let (sum, free) = (sum.best(AT).unwrap(), free.best(AT).unwrap());
    assert!(free.optimum.value < sum.optimum.value - 1e-6);
    assert!((sum.cost_of_constraints() - (sum.optimum.value - free.optimum.value)).abs() < 1e-9);
    assert_eq!(free.cost_of_constraints(), 0.0);
}

#[test]
fn what_a_plan_cannot_hold_is_refused_as_it_is_built() {
    let (law, z) = law(&NAMES, C, GAMMA);
    let t = Predictor::new("t", law, &z).unwrap();
    let elsewhere = Predictor::from_fn("u", &["web", "maths"], |_, _, _| 1.0).unwrap();
    let plan = Plan::builder().target(1.0, &t);
    for (wrong, expected) in [
        (plan.clone().target(1.0, &t), "target `t` appears twice"),
        (plan.clone().target(1.0, elsewhere), "the domains of a plan and a target differ"),
        (
            plan.clone().penalty(Penalty::kl(-1.0, &[("web", 1.0)])),
            "the strength of a penalty is -1",
        ),
        (
            plan.clone().penalty(Penalty::kl(1.0, &[("web", 0.5), ("code", 0.5), ("books", 0.0)])),
            "the prior weight of domain `books` is 0",
        ),
        (plan.clone().penalty(Penalty::js(1.0, &[("maths", 1.0)])), "unknown domain `maths`"),
        (
            plan.clone().penalty(Penalty::js(1.0, &[("web", 1.0)])),
            "no domain `code`, there are: web",
        ),
        (
            plan.clone().penalty(Penalty::js(1.0, &[("web", 0.5), ("code", 0.2), ("books", 0.0)])),
            "the domain weights sum to 0.7",
        ),
        (
            plan.clone().constraints(Constraints::new().at_least("maths", 0.1)),
            "unknown domain `maths`",
        ),
        (
            plan.clone().solver(mixlaw::SimplexSolver::new().max_iterations(0)),
            "max_iterations is 0",
        ),
    ] {
        let text = wrong.build().unwrap_err().to_string();
        assert!(text.starts_with(expected), "{text}, not {expected}");
    }
}
