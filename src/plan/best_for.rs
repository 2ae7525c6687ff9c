use super::{Plan, Target};
use crate::error::{Error, ErrorKind};
use crate::mixture::Mixture;
use crate::scale::Scale;

/// So many points of a grid are compared with each other in well under a minute.
const MOST_POINTS: f64 = 20_000.0;

/// The mixture h*(w) to train on for a model that is best on a mixture w of targets (Fig. 8); made by
/// [`Plan::best_for`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct BestFor {
    /// What the model should be good at: weights of the targets.
    pub wanted: Mixture,
    /// What to train on.
    pub best: Mixture,
    /// The Jensen-Shannon distance between the two.
    pub distance: f64,
}

impl Plan {
    /// The mixture to train on at N and D for the targets weighted by `wanted`, in the order of the
    /// domains; the plan's own weights do not count. Every domain must be a target by the same name.
    ///
    /// # Errors
    /// As [`Plan::best`], and unless the targets are the domains.
    pub fn best_for(&self, at: Scale, wanted: &Mixture) -> Result<BestFor, Error> {
        let domains = self.domains();
        let names = || self.targets.iter().map(|target| target.name().to_owned()).collect();
        let apart = || {
            let (first, other) = (domains.to_vec(), names());
            Error::from(ErrorKind::Mismatch { what: "the domains and the targets", first, other })
        };
        if self.targets.len() != domains.len() {
            return Err(apart());
        }
        if wanted.len() != domains.len() {
            let (what, found) = ("the mixture of targets".to_owned(), wanted.len());
            return Err(ErrorKind::Length { what, found, expected: domains.len() }.into());
        }
        let mut targets: Vec<Target> = Vec::new();
        for (domain, &weight) in domains.iter().zip(wanted.iter()) {
            let own = self.targets.iter().find(|t| t.name() == domain).ok_or_else(apart)?;
            if weight > 0.0 {
                targets.push(Target { weight, ..own.clone() });
            }
        }
        let plan = Self { targets: targets.into(), ..self.begin("mixtures", Some(1)) };
        let region = plan.region(at.d)?;
        plan.check_sees(&region)?;
        let best = plan.minimize(&plan.solver, &mut plan.objective(at)?, &region)?.weights;
        plan.complete();
        let distance = wanted.js_distance(&best);
        Ok(BestFor { wanted: wanted.clone(), best, distance })
    }

    /// The mixtures w for which it is best to train on w itself, or nearly: the local minima of the
    /// distance between w and h*(w) (Fig. 9), nearest first. The search begins at the points of a grid of
    /// `steps` steps and ends within 1e-4 of the weights. A minimum with a distance far from zero is not a
    /// fixed point.
    ///
    /// # Errors
    /// As [`Plan::best_for`], at every mixture of targets, and if `steps` is 0 or the grid has more than
    /// 20,000 points.
    pub fn fixed_points(&self, at: Scale, steps: usize) -> Result<Vec<BestFor>, Error> {
        let k = self.domains().len();
        // (steps + k - 1)! / (steps! (k - 1)!)
        let points: f64 = (1..k).map(|i| (steps as f64 + i as f64) / i as f64).product();
        if points > MOST_POINTS {
            let name = format!("the number of points of a grid of {steps} steps over {k} domains");
            return Err(Error::setting(name, points.round(), "at most 20,000"));
        }
        let grid = Mixture::grid(k, steps, 0.0)?;
        let plan = self.begin("mixtures of the grid", Some(grid.len()));
        let quick = Self { solver: self.descents_only(grid.len() / 8), ..plan.clone() };
        let mapped =
            quick.all(&mut plan.control(), grid.len(), |i| quick.best_for(at, &grid[i]))?;
        let step = 1.0 / steps as f64;
        // Neighbours differ by one step of weight from one domain to another.
        let next = |a: &Mixture, b: &Mixture| {
            a.iter().zip(b.iter()).map(|(a, b)| (a - b).abs()).sum::<f64>() < 2.5 * step
        };
        let lowest = |x: &&BestFor| {
            let mut around = mapped.iter().filter(|y| next(&x.wanted, &y.wanted));
            around.all(|y| x.distance <= y.distance)
        };
        let mut found: Vec<BestFor> = Vec::new();
        let starts: Vec<&BestFor> = mapped.iter().filter(lowest).collect();
        let closest = |i: usize| quick.closest(at, starts[i].clone(), step);
        for point in quick.all(&mut plan.part(), starts.len(), closest)? {
            if !found.iter().any(|f| f.wanted.js_distance(&point.wanted) < 1e-2) {
                found.push(point);
            }
        }
        plan.complete();
        found.sort_by(|a, b| a.distance.total_cmp(&b.distance));
        Ok(found)
    }

    /// Moves weight between pairs of domains as long as that brings w and h*(w) together, in ever
    /// smaller steps.
    fn closest(&self, at: Scale, start: BestFor, step: f64) -> Result<BestFor, Error> {
        let k = start.wanted.len();
        let (mut here, mut step) = (start, 0.5 * step);
        while step > 1e-4 {
            let mut moved = false;
            for (i, j) in (0..k).flat_map(|i| (0..k).map(move |j| (i, j))).filter(|(i, j)| i != j) {
                let amount = step.min(here.wanted[i]);
                if amount <= 0.0 {
                    continue;
                }
                let mut w = here.wanted.to_vec();
                w[i] -= amount;
                w[j] += amount;
                let w = Mixture::new(w)?;
                let next = self.best_for(at, &w)?;
                if next.distance < here.distance {
                    (here, moved) = (next, true);
                }
            }
            step *= if moved { 1.0 } else { 0.5 };
        }
        Ok(here)
    }
}
