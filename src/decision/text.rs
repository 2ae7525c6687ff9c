use std::fmt;

use super::{Decision, Rival};
use crate::plan::Risk;

/// The choice with its intervals, how far it is from what was trained, and what it is better than.
impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { choice, risk, level, value, weights, extrapolation, .. } = self;
        // Up to a digit that is rounding.
        let percent = (1e6 * level).round() / 1e4;
        writeln!(f, "{choice}")?;
        if *risk != Risk::Mean {
            writeln!(f, "the value is {risk}")?;
        }
        writeln!(
            f,
            "intervals at {percent}%: the value of a run {value:.4}, and the best weight of"
        )?;
        let width = choice.domains.iter().map(|d| d.chars().count()).max().unwrap_or(0);
        for (domain, weight) in choice.domains.iter().zip(weights) {
            writeln!(f, "  {domain:width$}  {weight:.3}")?;
        }
        writeln!(f, "{extrapolation}")?;
        if self.is_checked == Some(false) {
            writeln!(
                f,
                "no held-out scale is as far beyond the fitted ones: the width of the value's interval is \
                 believed and not checked"
            )?;
        }
        if let (false, Some(within), Some(cost)) =
            (extrapolation.weights.is_empty(), &self.within_trained, self.cost_of_staying_within())
        {
            let h = within.optimum.weights.named(&choice.domains);
            writeln!(f, "to stay within what was trained would cost {cost:.4} nats: {h:.3}")?;
        }
        for (i, rival) in self.rivals.iter().enumerate() {
            let end = if i + 1 < self.rivals.len() { "\n" } else { "" };
            write!(f, "{rival}{end}")?;
        }
        if !self.next_runs.is_empty() {
            write!(
                f,
                "\nthe runs that would tell most, and the share of the doubt they take off together:"
            )?;
        }
        for (run, gain) in &self.next_runs {
            let h = run.h.named(&choice.domains);
            write!(f, "\n  {:.3}: {h:.2}: {:.0}%", run.scale, 100.0 * gain)?;
        }
        Ok(())
    }
}

/// That it is better, or that the runs do not tell.
impl fmt::Display for Rival {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, advantage, .. } = self;
        if self.is_the_choice() {
            write!(f, "it is {name}")
        } else if !advantage.within_limits {
            write!(
                f,
                "{name} does not keep the constraints; the choice is better by {:.4}",
                advantage.law.nats
            )
        } else if self.is_decided() {
            write!(f, "better than {name} by {advantage}")
        } else {
            write!(f, "these runs do not tell whether it is better than {name}: by {advantage}")
        }
    }
}
