//! Student's t distribution with a whole number of degrees of freedom.

use std::f64::consts::FRAC_2_PI;

/// The probability of a value up to `t`, for `t >= 0`: Abramowitz and Stegun, 26.7.3 and 26.7.4.
fn cumulative(t: f64, freedom: usize) -> f64 {
    let theta = (t / (freedom as f64).sqrt()).atan();
    let (sin, cos) = theta.sin_cos();
    let is_odd = freedom % 2 == 1;
    let first = if is_odd { cos } else { 1.0 };
    let (mut term, mut sum) = (first, first);
    // From the second term on, each is the one before by cos^2 and a ratio.
    let start = if is_odd { 3 } else { 2 };
    for i in (start..freedom.saturating_sub(1)).step_by(2) {
        term *= cos * cos * (i - 1) as f64 / i as f64;
        sum += term;
    }
    let inside = match freedom {
        1 => FRAC_2_PI * theta,
        _ if is_odd => FRAC_2_PI * (theta + sin * sum),
        _ => sin * sum,
    };
    0.5 + 0.5 * inside
}

/// The value below which a share `p` lies, from 1/2 to below 1.
pub(crate) fn quantile(p: f64, freedom: usize) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    while cumulative(high, freedom) < p && high < 1e300 {
        (low, high) = (high, 2.0 * high);
    }
    for _ in 0..100 {
        let middle = 0.5 * (low + high);
        if cumulative(middle, freedom) < p { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_tables() {
        // scipy.stats.t.ppf(p, f)
        for (p, freedom, expected) in [
            (0.95, 1, 6.313_751_514_675_037),
            (0.95, 2, 2.919_985_580_353_725),
            (0.975, 3, 3.182_446_305_284_263),
            (0.95, 4, 2.131_846_786_326_649_3),
            (0.75, 5, 0.726_686_843_817_230_4),
            (0.995, 8, 3.355_387_331_333_395_7),
            (0.95, 31, 1.695_518_783_404_437_6),
            (0.5, 4, 0.0),
        ] {
            let found = quantile(p, freedom);
            assert!((found - expected).abs() < 1e-9, "{p} {freedom}: {found}");
        }
    }
}
