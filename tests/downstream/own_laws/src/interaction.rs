//! A law written as a formula, once; its gradients follow.

use mixlaw::law::{Coordinate, Formula, Scalar};

/// `L = E + (A / N^a + 1 / (D sum_i tau_i h_i))^b`: size and data limit each other, as in Kaplan
/// et al. (2020), eq. 1.5. A token of domain i is worth `tau_i` to the target.
///
/// It holds about how many tokens a run has: `tau_i` is searched for around one over that.
#[derive(Debug)]
pub struct Interaction(pub f64);

impl Formula for Interaction {
    fn name(&self) -> &str {
        "interaction"
    }

    fn coefficients(&self, domains: &[String]) -> Vec<Coordinate> {
        let mut all = vec![
            Coordinate::positive("E", 1e-6..=10.0).drawn_from(0.3..=2.0),
            Coordinate::positive("A", 1e-6..=1e6).drawn_from(0.1..=10.0).over_n("a"),
            Coordinate::positive("a", 0.03..=4.0).drawn_from(0.2..=2.0),
            Coordinate::positive("b", 0.03..=2.0).drawn_from(0.1..=0.8),
        ];
        let near = |by: f64| 1.0 / (self.0 * by)..=by / self.0;
        let tau = |d| Coordinate::positive(format!("tau[{d}]"), near(1e6)).drawn_from(near(10.0));
        all.extend(domains.iter().map(tau));
        all
    }

    fn loss<S: Scalar>(&self, c: &[S], n: S, d: S, h: &[S]) -> S {
        let worth: S = h.iter().zip(&c[4..]).map(|(&h, &tau)| tau * h).sum();
        c[0] + (c[1] / n.powf(c[2]) + S::from_f64(1.0) / (d * worth)).powf(c[3])
    }
}
