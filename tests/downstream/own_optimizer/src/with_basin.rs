//! The L-BFGS-B of the crate basin as an optimizer of mixlaw.

use std::cell::RefCell;

use basin::{
    BoxBounds, ConstraintDescription, ConstraintSet, Constraints, CostFunction, Executor,
    FirstOrderState, Gradient, Lbfgsb,
};
use mixlaw::optim::{Control, Minimum, Objective, Optimizer, Termination};

/// basin's L-BFGS-B in the objective's box.
#[derive(Debug, Clone)]
pub struct BasinLbfgsb {
    /// The most iterations.
    pub max_iterations: u64,
    /// It stops when an iteration lowers the value by less than this, relative to the value.
    pub tolerance: f64,
}

impl Default for BasinLbfgsb {
    fn default() -> Self {
        Self { max_iterations: 2_000, tolerance: 1e-12 }
    }
}

/// The observer of mixlaw said stop.
#[derive(Debug)]
struct Stopped;

/// What basin evaluates through a shared reference.
struct Search<'a> {
    objective: &'a mut dyn Objective,
    control: &'a mut Control,
    evaluations: usize,
    best: (f64, Vec<f64>),
}

struct InBox<'s, 'a> {
    search: &'s RefCell<Search<'a>>,
    lower: Vec<f64>,
    upper: Vec<f64>,
    /// The value at the start: basin sees values of order 1, whatever the objective's scale.
    unit: f64,
}

impl Constraints for InBox<'_, '_> {
    type Set = ConstraintSet<BoxBounds<Vec<f64>>>;

    fn constraints(&self) -> <Self::Set as ConstraintDescription>::Borrowed<'_> {
        ConstraintSet::new().with_bounds(BoxBounds::new(Some(&self.lower), Some(&self.upper)))
    }
}

impl CostFunction for InBox<'_, '_> {
    type Param = Vec<f64>;
    type Output = f64;
    type Error = Stopped;

    fn cost(&self, x: &Vec<f64>) -> Result<f64, Stopped> {
        Ok(self.cost_and_gradient(x)?.0)
    }
}

impl Gradient for InBox<'_, '_> {
    type Gradient = Vec<f64>;

    fn gradient(&self, x: &Vec<f64>) -> Result<Vec<f64>, Stopped> {
        Ok(self.cost_and_gradient(x)?.1)
    }

    fn cost_and_gradient(&self, x: &Vec<f64>) -> Result<(f64, Vec<f64>), Stopped> {
        let search = &mut *self.search.borrow_mut();
        let mut g = vec![0.0; x.len()];
        let value = search.objective.value_gradient(x, &mut g);
        search.evaluations += 1;
        if value < search.best.0 {
            search.best = (value, x.clone());
        }
        if search.control.should_stop(search.evaluations, search.best.0) {
            return Err(Stopped);
        }
        g.iter_mut().for_each(|g| *g /= self.unit);
        Ok((value / self.unit, g))
    }
}

impl Optimizer for BasinLbfgsb {
    fn local_solves(&self, _: &mut dyn Objective) -> Option<usize> {
        Some(1)
    }

    fn minimize(
        &self,
        objective: &mut dyn Objective,
        start: &[f64],
        control: &mut Control,
    ) -> Minimum {
        assert_eq!(start.len(), objective.dim(), "one value for each variable");
        let (lower, upper): (Vec<f64>, Vec<f64>) =
            (0..start.len()).map(|i| objective.bounds(i)).unzip();
        let start: Vec<f64> =
            start.iter().zip(lower.iter().zip(&upper)).map(|(x, (l, u))| x.clamp(*l, *u)).collect();
        let value = objective.value(&start);
        if !value.is_finite() {
            return Minimum::measured(objective, start, Termination::StartNotFinite, 1);
        }
        let unit = if value == 0.0 { 1.0 } else { value.abs() };
        let search = Search { objective, control, evaluations: 1, best: (value, start.clone()) };
        let search = RefCell::new(search);
        let problem = InBox { search: &search, lower, upper, unit };
        let solver = Lbfgsb::new().with_relative_cost_reduction_tolerance(self.tolerance);
        let run = Executor::new(problem, solver, FirstOrderState::new(start))
            .max_iter(self.max_iterations)
            .run();
        let termination = match run {
            Err(_) => Termination::Stopped,
            Ok(run) => match run.report.termination {
                basin::Termination::Converged(_) => Termination::Converged,
                basin::Termination::Limit(_) => Termination::Exhausted,
                _ => Termination::NoProgress,
            },
        };
        let Search { objective, evaluations, best, .. } = search.into_inner();
        Minimum::measured(objective, best.1, termination, evaluations)
    }
}
