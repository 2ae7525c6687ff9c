//! Pictures of fits and mixtures as SVG text (feature `plot`), for reports and examples.
//!
//! ```
//! # use mixlaw::law::{AdditiveLaw, ScalingLaw};
//! # use mixlaw::plan::{Growth, Plan};
//! # use mixlaw::Scales;
//! # let law = AdditiveLaw::new(&["web", "code"], Scales::ONE)?;
//! # let z = law.coordinates_of(&[
//! #     ("E", 1.0), ("C[web]", 1.0), ("C[code]", 3.0), ("gamma[web]", 0.5), ("gamma[code]", 0.5),
//! #     ("A", 400.0), ("alpha", 0.34), ("B", 400.0), ("beta", 0.28),
//! # ])?;
//! let plan = Plan::new().with_law("python", 1.0, &law, &z);
//! let growth = (Growth::Linear, Growth::Linear);
//! let path = plan.path((1e9, 2e10), growth, &[1.0, 10.0, 100.0])?;
//! let svg = mixlaw::plot::path(&path, None, "N and D together")?;
//! assert!(svg.starts_with("<svg"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use plotters::coord::Shift;
use plotters::coord::ranged1d::ValueFormatter;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;

use crate::error::PlanError;
use crate::mixture::Mixture;
use crate::plan::{Choice, Plan};
use crate::uncertainty::Interval;

/// A picture that could not be drawn.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlotError {
    /// The drawing library said no.
    #[error("the picture could not be drawn: {0}")]
    Drawing(String),
    /// There is nothing to draw, or a number of domains that a picture does not have.
    #[error("{0}")]
    Data(String),
    /// A value that the picture needs cannot be had.
    #[error(transparent)]
    Plan(#[from] PlanError),
}

impl<E: std::error::Error + Send + Sync> From<DrawingAreaErrorKind<E>> for PlotError {
    fn from(error: DrawingAreaErrorKind<E>) -> Self {
        Self::Drawing(error.to_string())
    }
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

/// A chart with this axis of x.
type Chart<'a, 'b, X> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<X, RangedCoordf64>>;

fn draw(
    size: (u32, u32),
    content: impl FnOnce(&Area<'_>) -> Result<(), PlotError>,
) -> Result<String, PlotError> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        area.fill(&WHITE)?;
        content(&area)?;
        area.present()?;
    }
    Ok(svg)
}

/// The optimal weight of every domain along a path over scale (Fig. 6 and 10), against the FLOPs 6ND;
/// dashed at the right, where it leads.
///
/// # Errors
/// [`PlotError::Data`] if the path has fewer than two choices.
pub fn path(choices: &[Choice], limit: Option<&Choice>, title: &str) -> Result<String, PlotError> {
    let [first, .., last] = choices else {
        return Err(PlotError::Data("a path needs at least two choices".to_owned()));
    };
    let flops = |choice: &Choice| 6.0 * choice.n * choice.d;
    let weights = choices.iter().chain(limit).flat_map(|c| c.optimum.weights.iter().copied());
    let most = (1.1 * weights.fold(0.0, f64::max)).min(1.0);
    draw((760, 440), |area| {
        let mut chart = ChartBuilder::on(area)
            .caption(title, ("sans-serif", 18))
            .margin(12)
            .margin_right(120)
            .x_label_area_size(42)
            .y_label_area_size(56)
            .build_cartesian_2d((flops(first)..flops(last)).log_scale(), 0.0..most)?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .x_desc("6ND, FLOPs")
            .y_desc("optimal domain weight")
            .x_label_formatter(&|x| format!("{x:.0e}"))
            .y_label_formatter(&|y| format!("{y:.2}"))
            .label_style(("sans-serif", 13))
            .draw()?;
        for i in 0..first.domains.len() {
            let line: Vec<(f64, f64)> =
                choices.iter().map(|c| (flops(c), c.optimum.weights[i])).collect();
            let stroke = colour(i).stroke_width(2);
            chart.draw_series(LineSeries::new(line, stroke))?;
            if let Some(limit) = limit {
                let weight = limit.optimum.weights[i];
                let from = flops(last) * (flops(first) / flops(last)).powf(0.12);
                let line = [(from, weight), (flops(last), weight)];
                chart.draw_series(DashedLineSeries::new(line, 4, 4, colour(i).into()))?;
            }
        }
        // Names at the ends of the lines, drawn apart where these are close.
        let mut order: Vec<usize> = (0..first.domains.len()).collect();
        let end = |i: &usize| last.optimum.weights[*i];
        order.sort_by(|a, b| end(b).total_cmp(&end(a)));
        let mut above = i32::MIN / 2;
        for i in order {
            let (x, y) = chart.backend_coord(&(flops(last), end(&i)));
            let y = y.max(above + 15);
            let ink = colour(i);
            let style = ("sans-serif", 14).into_text_style(area).color(&ink);
            area.draw_text(&first.domains[i], &style, (x + 6, y - 8))?;
            above = y;
        }
        Ok(())
    })
}

/// Rows of small triangles in a ternary map.
const ROWS: usize = 48;

/// The mixtures of three domains as a triangle of small cells; the other domains keep their weights.
struct Triangle<'a> {
    domains: [&'a str; 3],
    corners: [usize; 3],
    base: &'a Mixture,
    /// The weight of the three together.
    shared: f64,
    cells: Vec<[[f64; 3]; 3]>,
}

impl<'a> Triangle<'a> {
    fn new(names: &[String], domains: [&'a str; 3], base: &'a Mixture) -> Result<Self, PlotError> {
        let place = |name: &str| names.iter().position(|d| d == name);
        let (Some(a), Some(b), Some(c)) = (place(domains[0]), place(domains[1]), place(domains[2]))
        else {
            let message = format!(
                "a ternary map of {}, expected three of: {}",
                domains.join(", "),
                names.join(", ")
            );
            return Err(PlotError::Data(message));
        };
        let corners = [a, b, c];
        if base.len() != names.len() || a == b || b == c || a == c {
            let message = "a ternary map needs three different domains, and a base of all domains";
            return Err(PlotError::Data(message.to_owned()));
        }
        let shared: f64 = corners.iter().map(|&i| base[i]).sum();
        if shared <= 0.0 {
            let message = "the three domains of a ternary map have no weight in its base";
            return Err(PlotError::Data(message.to_owned()));
        }
        // Corners of all small triangles, standing and hanging.
        let step = 1.0 / ROWS as f64;
        let point = |i: usize, j: usize| {
            let (x, y) = (i as f64 * step, j as f64 * step);
            [x, y, 1.0 - x - y]
        };
        let mut cells = Vec::new();
        for i in 0..ROWS {
            for j in 0..ROWS - i {
                cells.push([point(i, j), point(i + 1, j), point(i, j + 1)]);
                if i + j + 2 <= ROWS {
                    cells.push([point(i + 1, j), point(i + 1, j + 1), point(i, j + 1)]);
                }
            }
        }
        Ok(Self { domains, corners, base, shared, cells })
    }

    /// The mixture in the middle of each cell.
    fn mixtures(&self) -> Vec<Mixture> {
        let mixture = |cell: &[[f64; 3]; 3]| {
            let mut h = self.base.to_vec();
            for (&i, share) in self.corners.iter().zip(centre(cell)) {
                h[i] = self.shared * share;
            }
            Mixture::new(h).expect("shares of a mixture")
        };
        self.cells.iter().map(mixture).collect()
    }

    /// The shares of the three domains in a mixture that has any of them.
    fn shares(&self, h: &Mixture) -> Option<[f64; 3]> {
        let own: f64 = self.corners.iter().map(|&i| h[i]).sum();
        (own > 0.0).then(|| self.corners.map(|i| h[i] / own))
    }

    /// The cells in these colours on grey, dots for the marks, and a ring.
    fn draw(
        &self,
        caption: &str,
        fills: &[Option<RGBColor>],
        marks: &[Mixture],
        ring: Option<[f64; 3]>,
    ) -> Result<String, PlotError> {
        // The corner of the first domain is on the left, of the second on the right, of the third above.
        let xy = |p: [f64; 3]| (p[1] + 0.5 * p[2], 0.75f64.sqrt() * p[2]);
        draw((640, 560), |area| {
            let mut chart = ChartBuilder::on(area)
                .caption(caption, ("sans-serif", 16))
                .margin(24)
                .build_cartesian_2d(-0.08..1.08, -0.08..0.95)?;
            let ends = [xy([1.0, 0.0, 0.0]), xy([0.0, 1.0, 0.0]), xy([0.0, 0.0, 1.0])];
            chart.draw_series([Polygon::new(ends, RGBColor(225, 225, 225).filled())])?;
            for (cell, fill) in self.cells.iter().zip(fills) {
                let Some(fill) = fill else { continue };
                let corners: Vec<(f64, f64)> = cell.iter().map(|p| xy(*p)).collect();
                chart.draw_series([Polygon::new(corners, fill.filled())])?;
            }
            let dots = marks.iter().filter_map(|h| self.shares(h));
            chart.draw_series(dots.map(|p| Circle::new(xy(p), 2, BLACK.filled())))?;
            if let Some(ring) = ring {
                chart.draw_series([Circle::new(xy(ring), 7, WHITE.stroke_width(3))])?;
                chart.draw_series([Circle::new(xy(ring), 9, BLACK.stroke_width(1))])?;
            }
            let labels = ends.into_iter().zip([(-10, 8), (-40, 8), (-20, -20)]);
            let texts = self.domains.iter().zip(labels).map(|(name, (at, offset))| {
                EmptyElement::at(at) + Text::new((*name).to_owned(), offset, ("sans-serif", 15))
            });
            chart.draw_series(texts)?;
            Ok(())
        })
    }
}

fn centre(cell: &[[f64; 3]; 3]) -> [f64; 3] {
    std::array::from_fn(|x| cell.iter().map(|p| p[x].max(0.0)).sum::<f64>() / 3.0)
}

/// The value over all mixtures of three domains, as a triangle: dark where it is low, with the best
/// mixture of the triangle, and the mixtures of `marks`, such as those trained on. The other domains
/// keep their share of `base`, as many parts of its weight as they have there.
///
/// # Errors
/// [`PlotError::Data`] unless three different domains of the plan are named and have weight in `base`,
/// and as [`Plan::best`].
pub fn ternary(
    plan: &Plan<'_>,
    (n, d): (f64, f64),
    domains: [&str; 3],
    base: &Mixture,
    marks: &[Mixture],
) -> Result<String, PlotError> {
    let triangle = Triangle::new(plan.domains(), domains, base)?;
    let mut objective = plan.objective(n, d)?;
    let value = |h: Mixture| objective.value(&h).map_err(PlanError::from);
    let values: Vec<f64> =
        triangle.mixtures().into_iter().map(value).collect::<Result<_, PlanError>>()?;
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    // The few values next to a corner would take all the colours.
    let mut sorted = values.clone();
    sorted.sort_by(f64::total_cmp);
    let high = sorted[sorted.len() * 9 / 10].max(low + f64::MIN_POSITIVE);
    let best = triangle.cells.iter().zip(&values).min_by(|x, y| x.1.total_cmp(y.1));
    let share = |value: &f64| ((value - low) / (high - low)).clamp(0.0, 1.0);
    let fills: Vec<Option<RGBColor>> =
        values.iter().map(|value| Some(ViridisRGB.get_color(share(value)))).collect();
    let caption = format!("predicted loss, {low:.3} to {high:.3} nats and above");
    triangle.draw(&caption, &fills, marks, best.map(|x| centre(x.0)))
}

/// The region of mixtures of three domains that could be the best at a level, as a triangle: brighter
/// where more resamples find a mixture at least as good as the choice, grey outside of the region; a
/// ring around the choice and a dot for the best mixture of each resample. The other domains have their
/// weights of the choice.
///
/// # Errors
/// [`PlotError::Data`] unless three different domains of the plan are named and have weight in the
/// choice, and as [`Plan::as_good`].
pub fn region(
    plan: &Plan<'_>,
    choice: &Choice,
    domains: [&str; 3],
    level: f64,
) -> Result<String, PlotError> {
    let triangle = Triangle::new(plan.domains(), domains, &choice.optimum.weights)?;
    let optima = plan.certainty(choice)?.optima().to_vec();
    let as_good = plan.as_good(choice, &triangle.mixtures())?;
    let fill = |p: &f64| (*p > 1.0 - level).then(|| ViridisRGB.get_color(*p));
    let fills: Vec<Option<RGBColor>> = as_good.iter().map(fill).collect();
    let caption = format!("mixtures that could be the best at a level of {:.0}%", 100.0 * level);
    triangle.draw(&caption, &fills, &optima, triangle.shares(&choice.optimum.weights))
}

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
/// [`PlotError::Data`] if there are no points, or an x that is not above zero.
pub fn bands(bands: &[Band], x: &str, y: &str, title: &str) -> Result<String, PlotError> {
    let lines = || bands.iter().flat_map(|b| &b.points);
    let dots = || bands.iter().flat_map(|b| &b.observed);
    let ends = |values: &mut dyn Iterator<Item = f64>| {
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)))
    };
    let (left, right) = ends(&mut lines().map(|p| p.0).chain(dots().map(|p| p.0)));
    let values = lines().flat_map(|p| [p.1.lower, p.1.upper, p.1.estimate]);
    let (low, high) = ends(&mut values.chain(dots().map(|p| p.1)));
    if !(left > 0.0 && right.is_finite() && low.is_finite() && high.is_finite()) {
        let message = "bands need points of finite values, at x above zero";
        return Err(PlotError::Data(message.to_owned()));
    }
    let room = 0.05 * (high - low).max(1e-6 * high.abs());
    let heights = (low - room).max(0.0)..high + room;
    draw((760, 440), |area| {
        let mut builder = ChartBuilder::on(area);
        builder
            .caption(title, ("sans-serif", 18))
            .margin(12)
            .x_label_area_size(42)
            .y_label_area_size(60);
        if right > 100.0 * left {
            let x_axis = (left / 1.05..right * 1.05).log_scale();
            draw_bands(builder.build_cartesian_2d(x_axis, heights)?, bands, x, y)
        } else {
            let x_axis = left..right + 0.01 * (right - left) + f64::MIN_POSITIVE;
            draw_bands(builder.build_cartesian_2d(x_axis, heights)?, bands, x, y)
        }
    })
}

fn draw_bands<'a, 'b: 'a, X: Ranged<ValueType = f64> + ValueFormatter<f64>>(
    mut chart: Chart<'a, 'b, X>,
    bands: &[Band],
    x: &str,
    y: &str,
) -> Result<(), PlotError> {
    let number = |x: &f64| if *x >= 1e5 { format!("{x:.0e}") } else { format!("{x:.0}") };
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .x_desc(x)
        .y_desc(y)
        .x_label_formatter(&number)
        .y_label_formatter(&|y| format!("{y:.2}"))
        .label_style(("sans-serif", 13))
        .draw()?;
    for (i, band) in bands.iter().enumerate() {
        let ink = colour(i);
        let upper = band.points.iter().map(|p| (p.0, p.1.upper));
        let lower = band.points.iter().rev().map(|p| (p.0, p.1.lower));
        let outline: Vec<(f64, f64)> = upper.chain(lower).collect();
        chart.draw_series([Polygon::new(outline, ink.mix(0.22).filled())])?;
        let dots = band.observed.iter().map(|p| Circle::new(*p, 2, ink.filled()));
        chart.draw_series(dots)?;
        let line = band.points.iter().map(|p| (p.0, p.1.estimate));
        chart
            .draw_series(LineSeries::new(line, ink.stroke_width(2)))?
            .label(&band.label)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], ink.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .label_font(("sans-serif", 13))
        .background_style(WHITE.mix(0.85))
        .draw()?;
    Ok(())
}

/// Observed and predicted losses of one target or one group of rows, for [`observed_predicted`].
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// What the picture calls it.
    pub label: String,
    /// Observed and predicted loss of each row, in nats.
    pub points: Vec<(f64, f64)>,
    /// Whether it is drawn in grey, behind the others, as rows that were fitted.
    pub fitted: bool,
}

/// Observed against predicted loss (Fig. 3).
///
/// # Errors
/// [`PlotError::Data`] if there are no points.
pub fn observed_predicted(series: &[Series], title: &str) -> Result<String, PlotError> {
    let all = || series.iter().flat_map(|s| &s.points).flat_map(|&(x, y)| [x, y]);
    let (low, high) = all().fold((f64::INFINITY, 0.0f64), |(a, b), x| (a.min(x), b.max(x)));
    if !low.is_finite() {
        return Err(PlotError::Data("there are no points to draw".to_owned()));
    }
    let room = 0.04 * (high - low) + 1e-3;
    let (low, high) = (low - room, high + room);
    draw((560, 520), |area| {
        let mut chart = ChartBuilder::on(area)
            .caption(title, ("sans-serif", 18))
            .margin(12)
            .x_label_area_size(42)
            .y_label_area_size(52)
            .build_cartesian_2d(low..high, low..high)?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .x_desc("observed loss, nats")
            .y_desc("predicted loss, nats")
            .x_label_formatter(&|x| format!("{x:.1}"))
            .y_label_formatter(&|y| format!("{y:.1}"))
            .label_style(("sans-serif", 13))
            .draw()?;
        chart.draw_series([PathElement::new([(low, low), (high, high)], BLACK.mix(0.5))])?;
        let grey = RGBColor(190, 190, 190);
        for s in series.iter().filter(|s| s.fitted) {
            chart.draw_series(s.points.iter().map(|p| Circle::new(*p, 2, grey.filled())))?;
        }
        for (i, s) in series.iter().filter(|s| !s.fitted).enumerate() {
            let fill = colour(i).filled();
            chart
                .draw_series(s.points.iter().map(|p| Circle::new(*p, 3, fill)))?
                .label(&s.label)
                .legend(move |(x, y)| Circle::new((x + 8, y), 3, fill));
        }
        if series.iter().any(|s| !s.fitted) {
            chart
                .configure_series_labels()
                .position(SeriesLabelPosition::UpperLeft)
                .label_font(("sans-serif", 13))
                .background_style(WHITE.mix(0.85))
                .draw()?;
        }
        Ok(())
    })
}
