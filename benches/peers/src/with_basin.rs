//! The same objective for the crate basin: L-BFGS-B in the law's box, and basin-hopping over it.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use basin::core::inner::{InitialState, WarmStart};
use basin::core::problem::Problem;
use basin::core::solver::{Solver, SolverStep};
use basin::{
    BasinHopping, BoxBounds, ConstraintDescription, ConstraintSet, ConstraintSolveError,
    Constraints, CostFunction, Executor, FirstOrderState, Gradient, Lbfgsb, PointState,
    Termination,
};

use crate::objective::{DELTA, MeanHuber};

/// The unit of the objective as basin sees it, so that it is of order 1 and absolute tolerances and
/// temperatures mean what they say.
const UNIT: f64 = DELTA * DELTA;

/// Why a search was broken off.
#[derive(Debug)]
enum Stop {
    Reached(Duration),
    TimeOver,
}

/// The objective in its box, with a clock.
struct Boxed<'a> {
    objective: RefCell<MeanHuber<'a>>,
    lower: Vec<f64>,
    upper: Vec<f64>,
    start: Instant,
    cap: Duration,
    target: f64,
}

impl<'a> Boxed<'a> {
    fn new(objective: MeanHuber<'a>, bounds: &[(f64, f64)], cap: Duration, target: f64) -> Self {
        let (lower, upper) = bounds.iter().copied().unzip();
        let objective = RefCell::new(objective);
        Self { objective, lower, upper, start: Instant::now(), cap, target }
    }
}

impl Constraints for Boxed<'_> {
    type Set = ConstraintSet<BoxBounds<Vec<f64>>>;

    fn constraints(&self) -> <Self::Set as ConstraintDescription>::Borrowed<'_> {
        ConstraintSet::new().with_bounds(BoxBounds::new(Some(&self.lower), Some(&self.upper)))
    }
}

impl CostFunction for Boxed<'_> {
    type Param = Vec<f64>;
    type Output = f64;
    type Error = Stop;

    fn cost(&self, z: &Vec<f64>) -> Result<f64, Stop> {
        Ok(self.cost_and_gradient(z)?.0)
    }
}

impl Gradient for Boxed<'_> {
    type Gradient = Vec<f64>;

    fn gradient(&self, z: &Vec<f64>) -> Result<Vec<f64>, Stop> {
        Ok(self.cost_and_gradient(z)?.1)
    }

    fn cost_and_gradient(&self, z: &Vec<f64>) -> Result<(f64, Vec<f64>), Stop> {
        let mut gradient = vec![0.0; z.len()];
        let value = self.cost_and_gradient_into(z, &mut gradient)?;
        Ok((value, gradient))
    }

    fn cost_and_gradient_into(&self, z: &Vec<f64>, gradient: &mut Vec<f64>) -> Result<f64, Stop> {
        gradient.resize(z.len(), 0.0);
        let value = self.objective.borrow_mut().value_gradient(z, gradient);
        let elapsed = self.start.elapsed();
        if value <= self.target {
            return Err(Stop::Reached(elapsed));
        }
        if elapsed > self.cap {
            return Err(Stop::TimeOver);
        }
        gradient.iter_mut().for_each(|g| *g /= UNIT);
        Ok(value / UNIT)
    }
}

/// L-BFGS-B, stopped as the other tools' are.
fn local() -> Lbfgsb<Vec<f64>> {
    Lbfgsb::new().with_relative_cost_reduction_tolerance(1e-9)
}

const MAX_ITERATIONS: u64 = 5000;

/// The objective that L-BFGS-B reaches from a start.
pub fn lbfgs(objective: MeanHuber<'_>, bounds: &[(f64, f64)], start: &[f64]) -> f64 {
    let problem = Boxed::new(objective, bounds, Duration::MAX, f64::NEG_INFINITY);
    let state = FirstOrderState::new(start.to_vec());
    let result = Executor::new(problem, local(), state).max_iter(MAX_ITERATIONS).run();
    result.map_or(f64::NAN, |result| UNIT * result.best_cost())
}

/// When basin-hopping came to the target, if it did within the cap.
pub fn hopping(
    objective: MeanHuber<'_>,
    bounds: &[(f64, f64)],
    start: &[f64],
    seed: u64,
    cap: Duration,
    target: f64,
) -> Option<Duration> {
    let problem = Boxed::new(objective, bounds, cap, target);
    let solver = BasinHopping::new(InBox(local()), seed).with_inner_max_iter(MAX_ITERATIONS);
    let state = PointState::new(start.to_vec());
    match Executor::new(problem, solver, state).max_iter(u64::MAX).run() {
        Err(Stop::Reached(time)) => Some(time),
        _ => None,
    }
}

/// L-BFGS-B with the problem's own error, which basin-hopping asks of its inner solver.
struct InBox(Lbfgsb<Vec<f64>>);

type State = FirstOrderState<Vec<f64>>;

fn unwrapped<T>(result: Result<T, ConstraintSolveError<Stop>>) -> Result<T, Stop> {
    result.map_err(|error| match error {
        ConstraintSolveError::Evaluation(stop) => stop,
        error => unreachable!("the box is valid: {error:?}"),
    })
}

impl InitialState<Vec<f64>> for InBox {
    type State = State;

    fn seed(&self, z: &Vec<f64>) -> State {
        self.0.seed(z)
    }
}

impl WarmStart<Vec<f64>> for InBox {}

impl<'a> Solver<Boxed<'a>, State> for InBox {
    type Error = Stop;

    fn init(&mut self, problem: &mut Problem<Boxed<'a>>, state: State) -> Result<State, Stop> {
        unwrapped(self.0.init(problem, state))
    }

    fn next_iter(
        &mut self,
        problem: &mut Problem<Boxed<'a>>,
        state: State,
    ) -> Result<SolverStep<State>, Stop> {
        unwrapped(self.0.next_iter(problem, state))
    }

    fn reset_convergence(&mut self) {
        Solver::<Boxed<'a>, State>::reset_convergence(&mut self.0);
    }

    fn check_convergence(
        &mut self,
        problem: &Problem<Boxed<'a>>,
        state: &State,
    ) -> Option<Termination<f64>> {
        self.0.check_convergence(problem, state)
    }
}
