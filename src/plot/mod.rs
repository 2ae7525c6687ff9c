//! Pictures of fits and mixtures as SVG text (feature `plot`), for reports and examples.
//!
//! ```
//! # use mixlaw::law::{AdditiveLaw, ScalingLaw};
//! # use mixlaw::plan::{Growth, Plan, Rate};
//! # use mixlaw::{Predictor, Scale};
//! # let law = AdditiveLaw::new(&["web", "code"], Scale::ONE)?;
//! # let z = law.coordinates_of(&[
//! #     ("E", 1.0), ("C[web]", 1.0), ("C[code]", 3.0), ("gamma[web]", 0.5), ("gamma[code]", 0.5),
//! #     ("A", 400.0), ("alpha", 0.34), ("B", 400.0), ("beta", 0.28),
//! # ])?;
//! let plan = Plan::builder().target(1.0, Predictor::new("python", law, &z)?).build()?;
//! let growth = Growth { n: Rate::Linear, d: Rate::Linear };
//! let path = plan.path(Scale { n: 1e9, d: 2e10 }, growth, &[1.0, 10.0, 100.0])?;
//! let svg = mixlaw::plot::path(&path, None, "N and D together")?;
//! assert!(svg.starts_with("<svg"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod axis;
mod bands;
mod observed_predicted;
mod path;
mod ternary;

use plotters::coord::Shift;
use plotters::prelude::*;

use self::axis::Axis;
use crate::error::{Error, ErrorKind};

pub use bands::{Band, bands};
pub use observed_predicted::{Series, observed_predicted};
pub use path::path;
pub use ternary::{region, ternary};

/// An error of the drawing library, whose types are no part of the crate's own [`Error`].
struct Failure(Error);

impl<E: std::error::Error + Send + Sync> From<DrawingAreaErrorKind<E>> for Failure {
    fn from(error: DrawingAreaErrorKind<E>) -> Self {
        Self(ErrorKind::Drawing { message: error.to_string() }.into())
    }
}

/// That there are no points to draw.
fn nothing_to_draw() -> Error {
    ErrorKind::Empty { what: "a picture", part: "point" }.into()
}

/// Colours that people with any kind of sight can tell apart (Okabe and Ito).
const COLOURS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(90, 90, 90),
];

fn colour(i: usize) -> RGBColor {
    COLOURS[i % COLOURS.len()]
}

/// A drawing area over SVG text.
type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// A chart with both axes drawn.
type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<Axis, Axis>>;

fn draw(
    size: (u32, u32),
    content: impl FnOnce(&Area<'_>) -> Result<(), Failure>,
) -> Result<String, Error> {
    let mut svg = String::new();
    let draw = |area: Area<'_>| {
        area.fill(&WHITE)?;
        content(&area)?;
        Ok(area.present()?)
    };
    let drawn = draw(SVGBackend::with_string(&mut svg, size).into_drawing_area());
    drawn.map_err(|failure: Failure| failure.0)?;
    Ok(svg)
}

/// The axes with their labels under a title, and so many pixels free on the right.
fn chart<'a, 'b>(
    area: &'a Area<'b>,
    title: &str,
    (x, x_desc): (Axis, &str),
    (y, y_desc): (Axis, &str),
    right: u32,
) -> Result<Chart<'a, 'b>, Failure> {
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 18))
        .margin(12)
        .margin_right(right)
        .x_label_area_size(42)
        .y_label_area_size(28 + y.label_width())
        .build_cartesian_2d(x, y)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .x_desc(x_desc)
        .y_desc(y_desc)
        .label_style(("sans-serif", 13))
        .draw()?;
    Ok(chart)
}

/// The legend of the series that have a label.
fn legend<'a, 'b: 'a>(
    chart: &mut Chart<'a, 'b>,
    position: SeriesLabelPosition,
) -> Result<(), Failure> {
    chart
        .configure_series_labels()
        .position(position)
        .label_font(("sans-serif", 13))
        .background_style(WHITE.mix(0.85))
        .draw()?;
    Ok(())
}

/// The least and the greatest of some values; `(inf, -inf)` of none.
fn ends(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)))
}

/// An axis over values with some room on both sides, which does not go below zero on its own.
fn with_room(low: f64, high: f64, fraction: f64) -> Axis {
    let room = fraction * (0.5 * high - 0.5 * low) * 2.0;
    let below = if low >= 0.0 { (low - room).max(0.0) } else { low - room };
    Axis::linear(below.max(f64::MIN), (high + room).min(f64::MAX))
}

#[cfg(test)]
mod tests {
    /// The texts of a picture, in order.
    pub(super) fn texts(svg: &str) -> Vec<&str> {
        svg.lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('<'))
            .collect()
    }

    /// No two numbers at the axes are written the same within one axis: a number appears at most once
    /// for x and once for y.
    pub(super) fn assert_numbers_differ(svg: &str) {
        let mut numbers: Vec<&str> =
            texts(svg).into_iter().filter(|text| text.parse::<f64>().is_ok()).collect();
        assert!(numbers.len() >= 4, "{numbers:?}");
        numbers.sort_unstable();
        assert!(numbers.windows(3).all(|three| three[0] != three[2]), "{numbers:?}");
    }
}
