use super::{Plan, Target, minimize};
use crate::error::{PlanError, SettingError};
use crate::mixture::Mixture;
use crate::parallel;
use crate::scale::Scale;

/// So many points of a grid are compared with each other in well under a minute.
const MOST_POINTS: f64 = 20_000.0;

/// A point of the map w -> h*(w): the mixture to train on to be best at the mixture w (Fig. 8).
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Mapped {
    /// What one wants to be good at: weights of the targets.
    pub wanted: Mixture,
    /// What one should train on.
    pub best: Mixture,
    /// The Jensen-Shannon distance between the two.
    pub distance: f64,
}

impl Plan<'_> {
    /// The mixture to train on at N and D for the targets weighted by `wanted`, in the order of the
    /// domains; the plan's own weights do not count. Every domain must be a target by the same name.
    ///
    /// # Errors
    /// As [`Plan::best`], and [`PlanError::Domains`] unless the targets are the domains.
    pub fn map(&self, at: Scale, wanted: &Mixture) -> Result<Mapped, PlanError> {
        let Scale { d, .. } = at;
        let domains = self.domains();
        let names = || self.targets.iter().map(|t| t.name.clone()).collect::<Vec<_>>();
        let apart = || PlanError::Domains { plan: names(), sweep: domains.to_vec() };
        if self.targets.len() != domains.len() || wanted.len() != domains.len() {
            return Err(apart());
        }
        let mut targets: Vec<Target<'_>> = Vec::new();
        for (domain, &weight) in domains.iter().zip(wanted.iter()) {
            let own = self.targets.iter().find(|t| t.name == *domain).ok_or_else(apart)?;
            if weight > 0.0 {
                targets.push(Target { weight, ..own.clone() });
            }
        }
        let region = self.region(d)?;
        Self::check_sees(&targets, &region)?;
        let mut objective = self.objective_of(&targets, at)?;
        let best = minimize(&self.solver, &mut objective, &region)?.weights;
        let distance = wanted.js_distance(&best);
        Ok(Mapped { wanted: wanted.clone(), best, distance })
    }

    /// The mixtures that are best trained on themselves, or as nearly as any next to them: the local
    /// minima of the distance between w and h*(w) (Fig. 9), nearest first. They are looked for from
    /// the points of a grid of `steps` steps, and closed in on to 1e-4 in the weights; a distance far
    /// from zero is no fixed point.
    ///
    /// # Errors
    /// As [`Plan::map`], at every mixture of targets, and if `steps` is 0 or the grid has more than
    /// 20,000 points.
    pub fn fixed_points(&self, at: Scale, steps: usize) -> Result<Vec<Mapped>, PlanError> {
        if self.targets.is_empty() {
            return Err(PlanError::NoTargets);
        }
        let k = self.domains().len();
        // (steps + k - 1)! / (steps! (k - 1)!)
        let points: f64 = (1..k).map(|i| (steps as f64 + i as f64) / i as f64).product();
        if points > MOST_POINTS {
            let name = format!("the number of points of a grid of {steps} steps over {k} domains");
            return Err(SettingError::new(name, points.round(), "at most 20,000").into());
        }
        let grid = Mixture::grid(k, steps, 0.0)?;
        let quick = Self { solver: self.descents_only(grid.len() / 8), ..self.clone() };
        let mapped = parallel::map(grid.len(), |i| quick.map(at, &grid[i]));
        let mapped = mapped.into_iter().collect::<Result<Vec<Mapped>, PlanError>>()?;
        let step = 1.0 / steps as f64;
        // Neighbours differ by one step of weight from one domain to another.
        let next = |a: &Mixture, b: &Mixture| {
            a.iter().zip(b.iter()).map(|(a, b)| (a - b).abs()).sum::<f64>() < 2.5 * step
        };
        let lowest = |x: &&Mapped| {
            let mut around = mapped.iter().filter(|y| next(&x.wanted, &y.wanted));
            around.all(|y| x.distance <= y.distance)
        };
        let mut found: Vec<Mapped> = Vec::new();
        let starts: Vec<&Mapped> = mapped.iter().filter(lowest).collect();
        for point in parallel::map(starts.len(), |i| quick.closest(at, starts[i].clone(), step)) {
            let point = point?;
            if !found.iter().any(|f| f.wanted.js_distance(&point.wanted) < 1e-2) {
                found.push(point);
            }
        }
        found.sort_by(|a, b| a.distance.total_cmp(&b.distance));
        Ok(found)
    }

    /// Moves weight between pairs of domains as long as that brings w and h*(w) together, in ever
    /// smaller steps.
    fn closest(&self, at: Scale, start: Mapped, step: f64) -> Result<Mapped, PlanError> {
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
                let next = self.map(at, &w)?;
                if next.distance < here.distance {
                    (here, moved) = (next, true);
                }
            }
            step *= if moved { 1.0 } else { 0.5 };
        }
        Ok(here)
    }
}
