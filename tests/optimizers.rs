//! How optimizers compose: starts, sequences, smooth versions, observers, seeds.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use mixlaw::fit::Residual;
use mixlaw::law::suitable;
use mixlaw::law::{AdditiveLaw, ChinchillaLaw, ScalingLaw};
use mixlaw::optim::{
    BasinHopping, Control, Lbfgs, Minimum, MultiStart, Objective, Optimizer, Sequence, SmoothFirst,
    Termination, TrustRegion,
};
use mixlaw::testing::{assert_objective_contract, assert_optimizer_contract};
use mixlaw::{Error, Fitter, Random, Sweep};

/// `(x^2 - 4)^2 + x`, with minima near -2 (the lower one) and 2: the roots of its derivative by
/// SciPy (brentq).
struct Double {
    draws: f64,
}

impl Double {
    fn new() -> Self {
        Self { draws: 0.0 }
    }
}

const LOWER: f64 = -2.030_546_615;
const UPPER: f64 = 1.967_985_401;

impl Objective for Double {
    fn dim(&self) -> usize {
        1
    }

    fn value_gradient(&mut self, x: &[f64], g: &mut [f64]) -> f64 {
        let x = x[0];
        g[0] = 4.0 * x * (x * x - 4.0) + 1.0;
        (x * x - 4.0).powi(2) + x
    }

    fn draw_start(&mut self, _: &mut Random) -> Option<Vec<f64>> {
        self.draws -= 1.5;
        Some(vec![self.draws])
    }
}

fn run(optimizer: &dyn Optimizer, objective: &mut Double, start: f64) -> Minimum {
    optimizer.minimize(objective, &[start], &mut Control::default())
}

fn is_near(x: f64, expected: f64) -> bool {
    (x - expected).abs() < 1e-5
}

#[test]
fn local_optimizers_stay_in_their_basin() {
    for optimizer in [&Lbfgs::default() as &dyn Optimizer, &TrustRegion::default()] {
        assert!(is_near(run(optimizer, &mut Double::new(), 1.5).x[0], UPPER), "{optimizer:?}");
        assert!(is_near(run(optimizer, &mut Double::new(), -1.5).x[0], LOWER), "{optimizer:?}");
    }
}

#[test]
fn multi_start_keeps_the_best_of_drawn_and_listed_starts() {
    let drawn = run(&MultiStart::new(Lbfgs::default(), 3), &mut Double::new(), 1.5);
    assert!(is_near(drawn.x[0], LOWER));
    assert_eq!(drawn.local_solves, 3);
    let listed = MultiStart::from_points(Lbfgs::default(), vec![vec![3.0], vec![2.5]]);
    assert!(is_near(run(&listed, &mut Double::new(), -1.5).x[0], UPPER));
    let grid = MultiStart::grid(Lbfgs::default(), &[vec![3.0, -3.0]]);
    assert!(is_near(run(&grid, &mut Double::new(), 1.5).x[0], LOWER));
    // Points of other objectives are no starts here.
    let other = MultiStart::from_points(Lbfgs::default(), vec![vec![3.0, 2.5]]);
    assert!(is_near(run(&other, &mut Double::new(), -1.5).x[0], LOWER));
}

#[test]
fn a_sequence_goes_on_where_the_first_ended() {
    let hops = BasinHopping::new(Lbfgs::default()).hops(30).step(2.0);
    let minimum = run(&Sequence::new(Lbfgs::default(), hops), &mut Double::new(), 1.5);
    assert!(is_near(minimum.x[0], LOWER));
    assert_eq!(minimum.local_solves, 32);
    // That of the local solve which found it: nothing was cut short.
    assert!(minimum.termination.converged(), "{minimum:?}");
}

#[test]
fn seeds_decide() {
    let hops = BasinHopping::new(Lbfgs::default().max_iterations(1)).hops(5);
    let at = |seed| hops.minimize(&mut Double::new(), &[1.5], &mut Control::seeded(seed)).x;
    assert_eq!(at(1), at(1));
    assert_ne!(at(1), at(2));
}

/// One of every kind, and some of others.
fn all() -> Vec<Box<dyn Optimizer>> {
    let points = vec![vec![1.0], vec![0.5, -0.5], vec![0.5, -0.5, 0.5]];
    vec![
        Box::new(Lbfgs::default()),
        Box::new(Lbfgs::default().memory(usize::MAX)),
        Box::new(TrustRegion::default()),
        Box::new(MultiStart::new(Lbfgs::default(), 4)),
        Box::new(MultiStart::new(TrustRegion::default(), 5).shortlist(2, Lbfgs::default())),
        Box::new(
            MultiStart::new(TrustRegion::default(), 2).shortlist(usize::MAX, Lbfgs::default()),
        ),
        Box::new(MultiStart::from_points(Lbfgs::default(), points)),
        Box::new(BasinHopping::new(Lbfgs::default())),
        Box::new(BasinHopping::new(MultiStart::new(TrustRegion::default(), 2)).hops(3)),
        Box::new(SmoothFirst::new(Lbfgs::default(), TrustRegion::default())),
        Box::new(Sequence::new(
            Lbfgs::default(),
            SmoothFirst::new(Lbfgs::default(), Lbfgs::default()),
        )),
        Box::new(Sequence::new(
            MultiStart::new(SmoothFirst::new(Lbfgs::default(), Lbfgs::default()), 3)
                .shortlist(2, TrustRegion::default()),
            BasinHopping::new(TrustRegion::default()).hops(3),
        )),
    ]
}

#[test]
fn every_optimizer_can_be_stopped() {
    for optimizer in all() {
        let mut calls = 0;
        let mut control = Control::default().observe(move |progress| {
            calls += 1;
            assert!(progress.evaluations > 0);
            if calls < 2 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        let minimum = optimizer.minimize(&mut Double::new(), &[5.0], &mut control);
        assert_eq!(minimum.termination, Termination::Stopped, "{optimizer:?}");
        assert!(minimum.value.is_finite() && minimum.value < 446.0, "{optimizer:?}");
    }
}

#[test]
fn every_optimizer_keeps_the_contract() {
    for optimizer in all() {
        assert_optimizer_contract(&optimizer);
    }
}

#[test]
fn settings_out_of_range_are_errors_of_a_fit_and_end_a_search_at_its_start() {
    let (l, t) = (Lbfgs::default, TrustRegion::default);
    let bad: Vec<(Box<dyn Optimizer>, &str)> = vec![
        (Box::new(l().memory(0)), "memory is 0, expected at least 1"),
        (Box::new(l().tolerance(f64::NAN)), "tolerance is NaN, expected a finite number >= 0"),
        (Box::new(t().tolerance(-1e-9)), "tolerance is -1e-9, expected"),
        (Box::new(t().tolerance(f64::INFINITY)), "tolerance is inf, expected"),
        (Box::new(MultiStart::new(l(), 0)), "starts is 0, expected at least 1"),
        (Box::new(MultiStart::from_points(l(), Vec::new())), "starts is 0, expected at least 1"),
        (Box::new(MultiStart::new(l(), 2).shortlist(0, l())), "the length of the shortlist is 0"),
        (Box::new(MultiStart::new(l(), 2).shortlist(1, l().memory(0))), "memory is 0"),
        (Box::new(MultiStart::new(l().memory(0), 2)), "memory is 0"),
        (
            Box::new(BasinHopping::new(l()).step(f64::NAN)),
            "step is NaN, expected a finite number > 0",
        ),
        (Box::new(BasinHopping::new(l()).step(0.0)), "step is 0, expected"),
        (Box::new(BasinHopping::new(l()).step(f64::INFINITY)), "step is inf, expected"),
        (Box::new(BasinHopping::new(l()).temperature(-1.0)), "temperature is -1, expected"),
        (Box::new(BasinHopping::new(l()).temperature(f64::NAN)), "temperature is NaN, expected"),
        (Box::new(BasinHopping::new(l().memory(0))), "memory is 0"),
        (Box::new(SmoothFirst::new(l().memory(0), l())), "memory is 0"),
        (Box::new(SmoothFirst::new(l(), l().memory(0))), "memory is 0"),
        (Box::new(Sequence::new(l().memory(0), l())), "memory is 0"),
        (Box::new(Sequence::new(l(), l().memory(0))), "memory is 0"),
        (Box::new(std::sync::Arc::new(l().memory(0))), "memory is 0"),
    ];
    let tokens: Vec<f64> = (1..=6).map(|i| 1e9 * f64::from(i)).collect();
    let losses: Vec<f64> = tokens.iter().map(|d| 2.0 + 300.0 / d.powf(0.3)).collect();
    let sweep = Sweep::new(&["a"], &["t"], &[1e8; 6], &tokens, &[1.0; 6], &losses).unwrap();
    for (optimizer, message) in bad {
        assert_optimizer_contract(&optimizer);
        let minimum = optimizer.minimize(&mut Double::new(), &[1.5], &mut Control::default());
        assert_eq!((minimum.x[0], minimum.termination), (1.5, Termination::InvalidSetting));
        assert!(minimum.value == Double::new().value(&[1.5]) && minimum.local_solves == 0);
        let fitter = Fitter::new().optimizer(optimizer);
        let error = fitter.fit(ChinchillaLaw::for_sweep(&sweep), &sweep, "t").unwrap_err();
        assert!(error.to_string().contains(message), "{error}, expected {message}");
    }
    let none = Fitter::new().starts(0).fit(ChinchillaLaw::for_sweep(&sweep), &sweep, "t");
    assert!(none.unwrap_err().to_string().contains("starts is 0"));
}

/// Checks the objective of a fit at the start and at a minimum.
#[derive(Debug)]
struct Checking;

impl Optimizer for Checking {
    fn minimize(
        &self,
        objective: &mut dyn Objective,
        start: &[f64],
        control: &mut Control,
    ) -> Minimum {
        assert_objective_contract(objective, start);
        let local = SmoothFirst::new(TrustRegion::default(), TrustRegion::default());
        let minimum = local.minimize(objective, start, control);
        assert_objective_contract(objective, &minimum.x);
        minimum
    }
}

#[test]
fn the_objective_of_every_fit_keeps_the_contract() {
    let (mut n, mut d, mut h, mut losses) = (vec![], vec![], vec![], vec![]);
    for i in 0..60 {
        let x = f64::from(i);
        n.push([1e8, 3e8, 9e8][i as usize % 3]);
        d.push([2e9, 5e9, 8e9, 2e10][i as usize % 4]);
        let share = 0.1 + 0.8 * (x * 0.618).fract();
        h.extend([share, 1.0 - share]);
        losses.push(2.0 + share * share + 0.1 * (x * 1.618).sin() + 1e8 / n[i as usize]);
    }
    let sweep = Sweep::new(&["a", "b"], &["a"], &n, &d, &h, &losses).unwrap();
    let mut fitted = 0;
    for law in suitable(&sweep, "a").unwrap() {
        // A variable of its own for raw N, and one that is fixed.
        let bounded = match law.coordinates().position("A") {
            Some(_) => Fitter::new().bound("A", 1.0, 1e6),
            None => Fitter::new().bound("q_A", 0.2, 0.6),
        };
        for fitter in [
            Fitter::new(),
            Fitter::new().delta(f64::INFINITY),
            Fitter::new().residual(Residual::LogLoss).weigh_by_compute(1.0).seed(2),
            bounded.fix("E", 1.5).seed(3),
        ] {
            fitter.optimizer(Checking).fit(law.clone(), &sweep, "a").unwrap();
            fitted += 1;
        }
    }
    assert_eq!(fitted, 7 * 4);
}

#[test]
#[should_panic(expected = "the slope of variable 0 is")]
fn a_slope_that_is_off_breaks_the_contract() {
    struct Off;
    impl Objective for Off {
        fn dim(&self) -> usize {
            1
        }

        fn value_gradient(&mut self, x: &[f64], g: &mut [f64]) -> f64 {
            g[0] = 2.001 * x[0];
            x[0] * x[0]
        }
    }
    assert_objective_contract(&mut Off, &[0.7]);
}

/// Climbs, leaves the box, draws from a clock: whatever it is asked to do wrong.
#[derive(Debug)]
struct Wrong(&'static str);

impl Optimizer for Wrong {
    fn check(&self) -> Result<(), Error> {
        if self.0 == "accepts a bad setting" {
            return Err(Error::setting("this", 0.0, "at least 1"));
        }
        Ok(())
    }

    fn local_solves(&self, _: &mut dyn Objective) -> Option<usize> {
        Some(if self.0 == "says two solves" { 2 } else { 1 })
    }

    fn minimize(
        &self,
        objective: &mut dyn Objective,
        start: &[f64],
        control: &mut Control,
    ) -> Minimum {
        static CALLS: AtomicUsize = AtomicUsize::new(0);
        let calls = CALLS.fetch_add(1, Ordering::Relaxed) as f64;
        if self.0 == "does not ask" {
            return Lbfgs::default().minimize(objective, start, &mut Control::default());
        }
        let minimum = Lbfgs::default().minimize(objective, start, &mut control.inner(0));
        match self.0 {
            "climbs" => {
                let up: Vec<f64> = start.iter().map(|x| 0.5 * x).collect();
                Minimum { x: up, ..minimum }
            }
            "leaves the box" => {
                objective.value(&start.iter().map(|x| x - 9.0).collect::<Vec<_>>());
                minimum
            }
            "is another every time" => {
                let local = Lbfgs::default().max_iterations(1 + calls as usize % 2);
                local.minimize(objective, start, control)
            }
            "knows the unit" => {
                let most = if minimum.value > 1e-4 { 3 } else { 100 };
                Lbfgs::default().max_iterations(most).minimize(objective, start, control)
            }
            "does not stop" => {
                (0..300).for_each(|_| _ = objective.value(&minimum.x));
                minimum
            }
            _ => minimum,
        }
    }
}

#[test]
fn what_is_wrong_with_an_optimizer_breaks_the_contract() {
    for (wrong, message) in [
        ("climbs", "at the point of"),
        ("leaves the box", "outside of its box"),
        ("is another every time", "the same seed gives"),
        ("knows the unit", "times 2^"),
        ("does not stop", "after a stop"),
        ("does not ask", "the observer is not asked"),
        ("says two solves", "it says 2"),
        ("accepts a bad setting", "a setting is out of its range"),
    ] {
        let check = std::panic::catch_unwind(|| assert_optimizer_contract(&Wrong(wrong)));
        let panic = check.expect_err(wrong);
        let text = panic.downcast_ref::<String>().expect("a message with values");
        assert!(text.contains(message), "{wrong}: {text}");
    }
}

/// Keeps every start that it is given, and ends there.
#[derive(Debug, Clone, Default)]
struct Recorder(std::sync::Arc<std::sync::Mutex<Vec<Vec<f64>>>>);

impl Optimizer for Recorder {
    fn minimize(&self, objective: &mut dyn Objective, start: &[f64], _: &mut Control) -> Minimum {
        self.0.lock().unwrap().push(start.to_vec());
        Minimum::measured(objective, start.to_vec(), Termination::Complete, 0)
    }
}

#[test]
fn no_start_is_drawn_twice() {
    let sweep = Sweep::new(
        &["a", "b"],
        &["t"],
        &[1e8, 2e8, 4e8, 1e8, 2e8, 4e8, 1e8, 2e8, 4e8],
        &[1e9, 1e9, 1e9, 2e9, 2e9, 2e9, 4e9, 4e9, 4e9],
        &[0.1, 0.9, 0.2, 0.8, 0.3, 0.7, 0.4, 0.6, 0.5, 0.5, 0.6, 0.4, 0.7, 0.3, 0.8, 0.2, 0.9, 0.1],
        &[3.9, 3.8, 3.7, 3.6, 3.5, 3.4, 3.3, 3.2, 3.1],
    )
    .unwrap();
    for seed in [0, 1, u64::MAX] {
        let recorder = Recorder::default();
        let starts = || MultiStart::new(recorder.clone(), 6);
        let search = Sequence::new(
            Sequence::new(starts(), MultiStart::new(starts(), 4)),
            BasinHopping::new(BasinHopping::new(starts()).hops(3)).hops(3),
        );
        let fitter = Fitter::new().seed(seed).optimizer(search);
        fitter.fit(AdditiveLaw::for_sweep(&sweep), &sweep, "t").unwrap();
        let mut starts: Vec<Vec<u64>> = recorder
            .0
            .lock()
            .unwrap()
            .iter()
            .map(|x| x.iter().map(|x| x.to_bits()).collect())
            .collect();
        let all = starts.len();
        // Six, four times six, and six for each of four times four minima.
        assert_eq!(all, 6 + 24 + 96);
        starts.sort();
        starts.dedup();
        // The second and the third part begin where the one before them ended: these are not drawn.
        assert_eq!(starts.len(), all - 2, "of {all} starts");
    }
}

/// Remembers the random numbers of its starts.
struct Drawn(Vec<f64>);

impl Objective for Drawn {
    fn dim(&self) -> usize {
        1
    }

    fn value_gradient(&mut self, x: &[f64], g: &mut [f64]) -> f64 {
        g[0] = 0.0;
        1.0 + x[0].abs()
    }

    fn draw_start(&mut self, random: &mut Random) -> Option<Vec<f64>> {
        self.0.push(random.unit());
        Some(vec![1.0])
    }
}

#[test]
fn the_first_hop_has_other_random_numbers_than_the_starts() {
    for seed in 0..20 {
        let recorder = Recorder::default();
        let hops = BasinHopping::new(recorder.clone()).step(0.5).hops(1);
        let search = MultiStart::new(hops, 3);
        let mut drawn = Drawn(Vec::new());
        search.minimize(&mut drawn, &[1.0], &mut Control::seeded(seed));
        assert_eq!(drawn.0.len(), 2);
        // The hop from 1 is by at most 0.5: the numbers from 0 to 1 that they were made of.
        let starts = recorder.0.lock().unwrap().clone();
        let hops = starts.iter().skip(1).step_by(2).map(|x| x[0] - 1.0 + 0.5);
        let mut numbers: Vec<f64> = drawn.0.iter().copied().chain(hops).collect();
        assert_eq!(numbers.len(), 5);
        numbers.sort_by(f64::total_cmp);
        assert!(numbers.windows(2).all(|w| w[1] - w[0] > 1e-9), "{numbers:?}");
    }
}

/// Ends at its start, with this as the value of starts below 0.
#[derive(Debug)]
struct Says(f64);

impl Optimizer for Says {
    fn minimize(&self, objective: &mut dyn Objective, start: &[f64], _: &mut Control) -> Minimum {
        let x = start.to_vec();
        let minimum = Minimum::measured(objective, x, Termination::StartNotFinite, 0);
        let value = if start[0] < 0.0 { self.0 } else { minimum.value };
        Minimum { value, ..minimum }
    }
}

#[test]
fn no_value_that_is_not_here_is_preferred() {
    for not_here in [f64::NAN, -f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let points = vec![vec![-1.0], vec![1.5], vec![-1.2]];
        let search = MultiStart::from_points(Says(not_here), points);
        let best = run(&search, &mut Double::new(), 1.5);
        assert_eq!(best.x, [1.5], "{not_here}");
        let shortlist = search.shortlist(1, Lbfgs::default());
        assert!(is_near(run(&shortlist, &mut Double::new(), 1.5).x[0], UPPER), "{not_here}");
        let sequence = Sequence::new(Says(not_here), Lbfgs::default().max_iterations(1));
        assert!(run(&sequence, &mut Double::new(), -1.5).value.is_finite(), "{not_here}");
    }
}

/// Ignores its second variable, NaN or not.
struct Blind;

impl Objective for Blind {
    fn dim(&self) -> usize {
        2
    }

    fn value_gradient(&mut self, x: &[f64], g: &mut [f64]) -> f64 {
        g.copy_from_slice(&[2.0 * x[0], 0.0]);
        1.0 + x[0] * x[0]
    }

    fn bounds(&self, _: usize) -> (f64, f64) {
        (-5.0, 5.0)
    }
}

#[test]
fn a_start_that_is_nan_is_no_corner_of_the_box() {
    for optimizer in [&Lbfgs::default() as &dyn Optimizer, &TrustRegion::default()] {
        let minimum = optimizer.minimize(&mut Blind, &[1.0, f64::NAN], &mut Control::default());
        assert_eq!(minimum.termination, Termination::StartNotFinite, "{optimizer:?}");
        assert!(minimum.x[1].is_nan() && minimum.value == f64::INFINITY, "{minimum:?}");
        assert_eq!(minimum.evaluations, 0);
    }
}

#[test]
fn huge_settings_take_no_memory_before_they_are_needed() {
    let starts =
        MultiStart::new(Lbfgs::default(), usize::MAX).shortlist(usize::MAX, TrustRegion::default());
    let hops = BasinHopping::new(Lbfgs::default()).hops(usize::MAX);
    for optimizer in
        [&starts as &dyn Optimizer, &hops, &Sequence::new(hops.clone(), starts.clone())]
    {
        let total = Arc::new(Mutex::new(Some(1)));
        let told = total.clone();
        let mut control = Control::default().observe(move |progress| {
            *told.lock().unwrap() = progress.total;
            if progress.done < 40 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        let minimum = optimizer.minimize(&mut Double::new(), &[1.5], &mut control);
        assert_eq!((minimum.termination, minimum.local_solves), (Termination::Stopped, 40));
        assert_eq!(*total.lock().unwrap(), None, "more than can be counted");
    }
}

/// Runs from the same starts, on the caller's thread (its objective cannot fork) or on several.
#[cfg(feature = "rayon")]
#[test]
fn threads_do_not_change_a_bit() {
    use mixlaw::law::JointLaw;

    let (mut n, mut d, mut h, mut losses) = (vec![], vec![], vec![], vec![]);
    for i in 0..60 {
        let x = f64::from(i);
        n.push([1e8, 3e8, 9e8][i as usize % 3]);
        d.push([2e9, 5e9, 8e9, 2e10][i as usize % 4]);
        let share = 0.1 + 0.8 * (x * 0.618).fract();
        h.extend([share, 1.0 - share]);
        losses.push(2.0 + share * share + 0.1 * (x * 1.618).sin() + 1e8 / n[i as usize]);
    }
    let sweep = Sweep::new(&["a", "b"], &["t"], &n, &d, &h, &losses).unwrap();
    let fit = |threads: usize, fitter: &Fitter| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let fit = pool.install(|| fitter.fit(JointLaw::for_sweep(&sweep), &sweep, "t").unwrap());
        let bits: Vec<u64> = fit.coordinates().iter().map(|z| z.to_bits()).collect();
        (bits, fit.objective().to_bits(), fit.evaluations(), fit.local_solves())
    };
    let lbfgs = SmoothFirst::new(Lbfgs::default(), Lbfgs::default());
    let fitters = [Fitter::new(), Fitter::new().optimizer(MultiStart::new(lbfgs, 11))];
    for fitter in &fitters {
        let one = fit(1, fitter);
        for threads in [2, 3, 8] {
            assert_eq!(fit(threads, fitter), one, "{threads} threads");
        }
    }
}
