//! A law with gradients by hand.

use mixlaw::law::{Coordinate, Coordinates, Gradient, ScalingLaw};
use mixlaw::{Error, Scale, Sweep};

/// `L = E + (A / N^alpha + B / D^beta) exp(sum_i c_i h_i)`: the mixture is a factor of all that scale
/// removes. The first domain's c is 0, because a constant added to every `c_i` is a factor of A and B.
#[derive(Debug)]
pub struct FactorLaw {
    domains: Vec<String>,
    coordinates: Coordinates,
}

/// Where the coordinates of c begin.
const FIRST_C: usize = 5;

impl FactorLaw {
    pub fn for_sweep(sweep: &Sweep) -> Result<Self, Error> {
        let mut all = vec![
            Coordinate::positive("E", 1e-6..=10.0).drawn_from(0.3..=2.0),
            Coordinate::positive("A", 1e-6..=1e4).drawn_from(0.1..=1.0).over_n("alpha"),
            Coordinate::positive("alpha", 0.03..=1.5).drawn_from(0.1..=0.8),
            Coordinate::positive("B", 1e-6..=1e4).drawn_from(0.1..=1.0).over_d("beta"),
            Coordinate::positive("beta", 0.03..=1.5).drawn_from(0.1..=0.8),
        ];
        let c = |d| Coordinate::real(format!("c[{d}]"), -20.0..=20.0).drawn_from(-1.0..=1.0);
        all.extend(sweep.domains()[1..].iter().map(c));
        let coordinates = Coordinates::new(all, sweep.scale())?;
        Ok(Self { domains: sweep.domains().to_vec(), coordinates })
    }

    /// E, the terms of N and D before the mixture, and the factor of the mixture.
    fn parts(&self, z: &[f64], at: Scale, h: &[f64]) -> [f64; 4] {
        assert!(z.len() == self.coordinates.len() && h.len() == self.domains.len());
        let scales = self.coordinates.scale();
        let n_term = (z[1] - z[2].exp() * (at.n / scales.n).ln()).exp();
        let d_term = (z[3] - z[4].exp() * (at.d / scales.d).ln()).exp();
        let sum: f64 = z[FIRST_C..].iter().zip(&h[1..]).map(|(c, h)| c * h).sum();
        [z[0].exp(), n_term, d_term, sum.exp()]
    }
}

/// A part times a logarithm: at an infinite N or D the part is gone, and 0 times infinity would be NaN.
fn times(part: f64, ln: f64) -> f64 {
    if part > 0.0 { part * ln } else { 0.0 }
}

impl ScalingLaw for FactorLaw {
    fn name(&self) -> &str {
        "factor"
    }

    fn domains(&self) -> &[String] {
        &self.domains
    }

    fn coordinates(&self) -> &Coordinates {
        &self.coordinates
    }

    fn loss(&self, z: &[f64], at: Scale, h: &[f64]) -> f64 {
        let [e, n_term, d_term, factor] = self.parts(z, at, h);
        e + (n_term + d_term) * factor
    }

    fn gradient(&self, z: &[f64], at: Scale, h: &[f64], out: &mut Gradient) -> f64 {
        let [e, n_term, d_term, factor] = self.parts(z, at, h);
        let (n_part, d_part) = (n_term * factor, d_term * factor);
        let scales = self.coordinates.scale();
        let (alpha, beta) = (z[2].exp(), z[4].exp());
        out.z[0] = e;
        out.z[1] = n_part;
        out.z[2] = -alpha * times(n_part, (at.n / scales.n).ln());
        out.z[3] = d_part;
        out.z[4] = -beta * times(d_part, (at.d / scales.d).ln());
        out.h[0] = 0.0;
        for (i, &c) in z[FIRST_C..].iter().enumerate() {
            out.z[FIRST_C + i] = (n_part + d_part) * h[1 + i];
            out.h[1 + i] = (n_part + d_part) * c;
        }
        out.log_n = -alpha * n_part;
        out.log_d = -beta * d_part;
        e + n_part + d_part
    }
}
