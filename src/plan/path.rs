use super::{Choice, Goal, Plan, finite};
use crate::error::{Error, ErrorKind, Place};
use crate::mixture::Mixture;
use crate::scale::Scale;

/// How N and D grow with t along a path (Fig. 10).
///
/// ```
/// use mixlaw::plan::{Growth, Rate};
///
/// // Twice the parameters and twice the tokens: t = 2.
/// let chinchilla = Growth { n: Rate::Linear, d: Rate::Linear };
/// assert_eq!(chinchilla.n.factor(2.0), 2.0);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Growth {
    /// How N grows.
    pub n: Rate,
    /// How D grows.
    pub d: Rate,
}

/// How N or D grows with t, as a factor that is 1 at t = 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rate {
    /// Not at all.
    Constant,
    /// `1 + ln t`, for t above 1/e only.
    Log,
    /// `sqrt(t)`.
    Sqrt,
    /// `t`.
    Linear,
}

impl Rate {
    /// The factor at t.
    ///
    /// ```
    /// use mixlaw::plan::Rate;
    ///
    /// assert_eq!(Rate::Sqrt.factor(16.0), 4.0);
    /// ```
    #[must_use]
    pub fn factor(self, t: f64) -> f64 {
        match self {
            Self::Constant => 1.0,
            Self::Log => 1.0 + t.ln(),
            Self::Sqrt => t.sqrt(),
            Self::Linear => t,
        }
    }
}

/// The predicted value of a mixture as a sum of a floor, and of what is lost by the mixture, by the finite
/// size and by the finite tokens (eq. 12 for the first two). All in nats; made by [`Plan::decompose`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Decomposition {
    /// `L(inf, inf, h*)`, of the mixture that is best in the limit: the entropy of the targets, and how
    /// far the best model of the domains is from them.
    pub floor: f64,
    /// `L(inf, inf, h) - L(inf, inf, h*)`: what the mixture costs even the largest model.
    pub mixture: f64,
    /// `L(N, inf, h) - L(inf, inf, h)`: what the finite size costs.
    pub size: f64,
    /// What the finite number of tokens costs: the rest, `L(inf, D, h) - L(inf, inf, h)` for every law of
    /// the form of eq. (3).
    pub data: f64,
    /// The mixture that is best in the limit, h*.
    pub limit: Mixture,
}

impl Plan {
    /// The choices along `(N n(t), D d(t))` for every t (Fig. 6 and 10).
    ///
    /// # Errors
    /// As [`Plan::best`], with t, N and D of the first point that has no choice, and if t or a factor
    /// is not a number > 0.
    pub fn path(&self, from: Scale, growth: Growth, times: &[f64]) -> Result<Vec<Choice>, Error> {
        let plan = self.begin("choices", Some(times.len()));
        let point = |&t: &f64| {
            let factors = (growth.n.factor(t), growth.d.factor(t));
            if !(t > 0.0 && factors.0 > 0.0 && factors.1 > 0.0) {
                let expected = "a number > 0, and above 1/e for the rate Log";
                return Err(Error::setting("t", t, expected));
            }
            let at = Scale { n: from.n * factors.0, d: from.d * factors.1 };
            plan.best(at).map_err(|error| match error.is_stopped() {
                true => error,
                false => error.at(Place::Time { t, n: at.n, d: at.d }),
            })
        };
        let (mut choices, mut control) = (Vec::with_capacity(times.len()), plan.control());
        for t in times {
            match point(t) {
                Err(error) if error.is_stopped() && !choices.is_empty() => break,
                choice => choices.push(choice?),
            }
            if control.counted(1) {
                break;
            }
        }
        plan.complete();
        Ok(choices)
    }

    /// The end of a path: the choice where what grows is infinite.
    ///
    /// # Errors
    /// As [`Plan::best`].
    pub fn limit(&self, from: Scale, growth: Growth) -> Result<Choice, Error> {
        let Scale { n, d } = from;
        let end = |x, rate| if rate == Rate::Constant { x } else { f64::INFINITY };
        self.best(Scale { n: end(n, growth.n), d: end(d, growth.d) })
    }

    /// What the value of the mixture h at N and D consists of (eq. 12).
    ///
    /// # Errors
    /// As [`Plan::best`], and for another goal than the sum.
    pub fn decompose(&self, at: Scale, h: impl AsRef<[f64]>) -> Result<Decomposition, Error> {
        let h = h.as_ref();
        if self.goal != Goal::Sum {
            return Err(ErrorKind::NotASum.into());
        }
        let value = |at: Scale| {
            let what = format!("the value at {at}");
            finite(&what, self.objective(at)?.value(h)?)
        };
        let plan = self.begin("iterations", None);
        let limit = plan.best(Scale::INFINITE)?.optimum;
        plan.complete();
        let in_the_limit = value(Scale::INFINITE)?;
        let of_size = value(Scale { n: at.n, ..Scale::INFINITE })?;
        Ok(Decomposition {
            floor: limit.value,
            mixture: in_the_limit - limit.value,
            size: of_size - in_the_limit,
            data: value(at)? - of_size,
            limit: limit.weights,
        })
    }
}
