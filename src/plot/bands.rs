use plotters::prelude::*;

use super::axis::Axis;
use super::{chart, colour, draw, ends, legend, nothing_to_draw, with_room};
use crate::error::{Error, ErrorKind};
use crate::predictor::Interval;

/// A line with the interval around it, for [`bands`].
#[derive(Debug, Clone, PartialEq)]
pub struct Band {
    /// What the picture calls it.
    pub label: String,
    /// x, and the interval there, in order.
    pub points: Vec<(f64, Interval)>,
    /// Dots: x and y.
    pub observed: Vec<(f64, f64)>,
}

/// Lines with the intervals around them: losses over scale, or errors over the number of runs. The
/// axis of x is logarithmic where it spans more than a factor of 100.
///
/// # Errors
/// [`ErrorKind::Empty`] if there are no points, [`ErrorKind::Setting`] if an x is not finite and above
/// zero, [`ErrorKind::NotFinite`] if another value is not finite.
pub fn bands(bands: &[Band], x: &str, y: &str, title: &str) -> Result<String, Error> {
    bands.iter().try_for_each(check)?;
    let lines = || bands.iter().flat_map(|b| &b.points);
    let dots = || bands.iter().flat_map(|b| &b.observed);
    let (left, right) = ends(lines().map(|p| p.0).chain(dots().map(|p| p.0)));
    let values = lines().flat_map(|p| [p.1.lower, p.1.upper, p.1.estimate]);
    let (low, high) = ends(values.chain(dots().map(|p| p.1)));
    if left > right {
        return Err(nothing_to_draw());
    }
    let x_axis = if right / 100.0 > left {
        Axis::logarithmic((left / 1.05).max(f64::from_bits(1)), (right * 1.05).min(f64::MAX))
    } else {
        Axis::linear(left, (right + 0.01 * (right - left)).min(f64::MAX))
    };
    draw((760, 440), |area| {
        let mut chart = chart(area, title, (x_axis, x), (with_room(low, high, 0.05), y), 12)?;
        for (i, band) in bands.iter().enumerate() {
            let ink = colour(i);
            let upper = band.points.iter().map(|p| (p.0, p.1.upper));
            let lower = band.points.iter().rev().map(|p| (p.0, p.1.lower));
            let outline: Vec<(f64, f64)> = upper.chain(lower).collect();
            chart.draw_series([Polygon::new(outline, ink.mix(0.22).filled())])?;
            let dots = band.observed.iter().map(|p| Circle::new(*p, 2, ink.filled()));
            chart.draw_series(dots)?;
            let line = band.points.iter().map(|p| (p.0, p.1.estimate));
            let stroke = ink.stroke_width(2);
            chart
                .draw_series(LineSeries::new(line, stroke))?
                .label(&band.label)
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], stroke));
        }
        legend(&mut chart, SeriesLabelPosition::UpperRight)
    })
}

/// Checks that a band can be drawn.
fn check(band: &Band) -> Result<(), Error> {
    let points = band.points.iter().flat_map(|(x, p)| {
        let values = [("estimate", p.estimate), ("lower end", p.lower), ("upper end", p.upper)];
        values.map(|(what, value)| (*x, what, value))
    });
    for (x, what, value) in points.chain(band.observed.iter().map(|p| (p.0, "observed value", p.1)))
    {
        if !(x > 0.0 && x.is_finite()) {
            let name = format!("an x of band `{}`", band.label);
            return Err(Error::setting(name, x, "a finite number > 0"));
        }
        if !value.is_finite() {
            let what = format!("the {what} of band `{}` at x = {x:e}", band.label);
            return Err(ErrorKind::NotFinite { what, value }.into());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Band, bands};
    use crate::plot::tests::{assert_numbers_differ, texts};
    use crate::predictor::Interval;

    fn band(points: &[(f64, f64)]) -> Band {
        let interval = |y: f64| Interval { estimate: y, lower: y - 0.1 * y.abs(), upper: y };
        Band {
            label: "python".to_owned(),
            points: points.iter().map(|(x, y)| (*x, interval(*y))).collect(),
            observed: vec![points[0]],
        }
    }

    #[test]
    fn a_narrow_axis_has_labels_that_differ() {
        let svg = bands(&[band(&[(1e11, 2.51), (2.4e11, 2.5)])], "N", "loss, nats", "").unwrap();
        assert_numbers_differ(&svg);
        assert!(texts(&svg).contains(&"1.2e11"), "{:?}", texts(&svg));
        assert!(texts(&svg).contains(&"python"));
    }

    #[test]
    fn extreme_values_are_drawn() {
        for points in [
            [(1e-300, -1e308), (1e300, 1e308)],
            [(5e-324, 0.0), (f64::MAX, 0.0)],
            [(1.0, f64::MAX), (f64::MAX, f64::MAX)],
            [(f64::MAX, 5e-324), (f64::MAX, 5e-324)],
            [(3.0, -2.0), (3.0, -2.0)],
        ] {
            assert_numbers_differ(&bands(&[band(&points)], "x", "y", "").unwrap());
        }
    }

    #[test]
    fn values_without_a_place_are_named() {
        let fine = [(1.0, 2.0), (2.0, 1.0)];
        assert!(bands(&[], "", "", "").unwrap_err().to_string().contains("at least one point"));
        for x in [f64::INFINITY, f64::NAN, 0.0, -1.0] {
            let error = bands(&[band(&fine), band(&[(x, 1.0)])], "", "", "").unwrap_err();
            assert!(error.to_string().starts_with("an x of band `python` is "), "{error}");
            assert!(error.is_setting());
        }
        for y in [f64::INFINITY, f64::NEG_INFINITY, f64::NAN] {
            let mut bad = band(&fine);
            bad.points[1].1.upper = y;
            let error = bands(&[bad], "", "", "").unwrap_err().to_string();
            let expected = format!(
                "the upper end of band `python` at x = 2e0 is {y}, expected a finite number"
            );
            assert_eq!(error, expected);
            let mut bad = band(&fine);
            bad.observed[0].1 = y;
            let error = bands(&[bad], "", "", "").unwrap_err().to_string();
            assert!(error.starts_with("the observed value of band"), "{error}");
        }
    }
}
