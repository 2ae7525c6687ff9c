use plotters::prelude::*;

use super::{chart, colour, draw, ends, legend, nothing_to_draw, with_room};
use crate::error::{Error, ErrorKind};

/// Observed and predicted losses of one target or one group of rows, for [`observed_predicted`].
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// What the picture calls it.
    pub label: String,
    /// Observed and predicted loss of each row, in nats.
    pub points: Vec<(f64, f64)>,
    /// Whether these rows were fitted: they are drawn in grey, behind the others, and the legend says so.
    pub fitted: bool,
}

/// Observed against predicted loss (Fig. 3).
///
/// # Errors
/// [`ErrorKind::Empty`] if there are no points, [`ErrorKind::NotFinite`] if a loss is not finite.
pub fn observed_predicted(series: &[Series], title: &str) -> Result<String, Error> {
    for s in series {
        for (row, &(observed, predicted)) in s.points.iter().enumerate() {
            for (what, value) in [("observed", observed), ("predicted", predicted)] {
                if !value.is_finite() {
                    let what = format!("the {what} loss of point {row} of series `{}`", s.label);
                    return Err(ErrorKind::NotFinite { what, value }.into());
                }
            }
        }
    }
    let all = series.iter().flat_map(|s| &s.points).flat_map(|&(x, y)| [x, y]);
    let (low, high) = ends(all);
    if low > high {
        return Err(nothing_to_draw());
    }
    let axis = with_room(low, high, 0.04);
    draw((560, 520), |area| {
        let x = (axis.clone(), "observed loss, nats");
        let mut chart = chart(area, title, x, (axis.clone(), "predicted loss, nats"), 12)?;
        let (low, high) = (axis.at(0.0), axis.at(1.0));
        chart.draw_series([PathElement::new([(low, low), (high, high)], BLACK.mix(0.5))])?;
        let grey = RGBColor(190, 190, 190).filled();
        for s in series.iter().filter(|s| s.fitted) {
            chart
                .draw_series(s.points.iter().map(|p| Circle::new(*p, 2, grey)))?
                .label(format!("{} (fitted)", s.label))
                .legend(move |(x, y)| Circle::new((x + 8, y), 2, grey));
        }
        for (i, s) in series.iter().filter(|s| !s.fitted).enumerate() {
            let fill = colour(i).filled();
            chart
                .draw_series(s.points.iter().map(|p| Circle::new(*p, 3, fill)))?
                .label(&s.label)
                .legend(move |(x, y)| Circle::new((x + 8, y), 3, fill));
        }
        legend(&mut chart, SeriesLabelPosition::UpperLeft)
    })
}

#[cfg(test)]
mod tests {
    use super::{Series, observed_predicted};
    use crate::plot::tests::{assert_numbers_differ, texts};

    fn series(label: &str, fitted: bool, points: &[(f64, f64)]) -> Series {
        Series { label: label.to_owned(), points: points.to_vec(), fitted }
    }

    #[test]
    fn every_series_is_in_the_legend() {
        let points = [(2.0, 2.1), (2.5, 2.4)];
        let new = series("python, new", false, &points);
        let all = [series("python, old", true, &points), new];
        let svg = observed_predicted(&all, "").unwrap();
        assert!(texts(&svg).contains(&"python, old (fitted)"), "{:?}", texts(&svg));
        assert!(texts(&svg).contains(&"python, new"));
        let svg = observed_predicted(&all[..1], "").unwrap();
        assert!(texts(&svg).contains(&"python, old (fitted)"));
    }

    #[test]
    fn extreme_values_are_drawn() {
        for points in [
            [(f64::MIN, f64::MAX), (0.0, 0.0)],
            [(5e-324, 5e-324), (5e-324, 0.0)],
            [(f64::MAX, f64::MAX), (f64::MAX, f64::MAX)],
            [(-3.0, -2.0), (-4.0, -2.5)],
            [(2.0, 2.0), (2.0, 2.0 + 1e-15)],
        ] {
            assert_numbers_differ(&observed_predicted(&[series("x", false, &points)], "").unwrap());
        }
    }

    #[test]
    fn values_that_are_not_finite_are_named() {
        for y in [f64::INFINITY, f64::NEG_INFINITY, f64::NAN] {
            let bad = series("code", true, &[(1.0, 1.0), (2.0, y)]);
            let error = observed_predicted(&[bad], "").unwrap_err().to_string();
            let expected = format!("the predicted loss of point 1 of series `code` is {y}");
            assert!(error.starts_with(&expected), "{error}");
        }
        assert!(observed_predicted(&[series("x", false, &[])], "").is_err());
    }
}
