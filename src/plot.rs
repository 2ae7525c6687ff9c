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
use plotters::prelude::*;

use crate::error::PlanError;
use crate::mixture::Mixture;
use crate::plan::{Choice, Plan};

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
    let names = plan.domains();
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
    let mut objective = plan.objective(n, d)?;
    let mut value = |shares: [f64; 3]| -> Result<f64, PlotError> {
        let mut h = base.to_vec();
        corners.iter().zip(shares).for_each(|(&i, share)| h[i] = shared * share);
        Ok(objective.value(&h).map_err(PlanError::from)?)
    };
    // Centres and corners of all small triangles, standing and hanging.
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
    let centre = |cell: &[[f64; 3]; 3]| -> [f64; 3] {
        std::array::from_fn(|x| cell.iter().map(|p| p[x].max(0.0)).sum::<f64>() / 3.0)
    };
    let values: Vec<f64> =
        cells.iter().map(|cell| value(centre(cell))).collect::<Result<_, _>>()?;
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    // The few values next to a corner would take all the colours.
    let mut sorted = values.clone();
    sorted.sort_by(f64::total_cmp);
    let high = sorted[sorted.len() * 9 / 10].max(low + f64::MIN_POSITIVE);
    let best = cells.iter().zip(&values).min_by(|x, y| x.1.total_cmp(y.1)).map(|x| centre(x.0));
    // The corner of the first domain is on the left, of the second on the right, of the third above.
    let xy = |p: [f64; 3]| (p[1] + 0.5 * p[2], 0.75f64.sqrt() * p[2]);
    draw((640, 560), |area| {
        let mut chart = ChartBuilder::on(area)
            .caption(
                format!("predicted loss, {low:.3} to {high:.3} nats and above"),
                ("sans-serif", 16),
            )
            .margin(24)
            .build_cartesian_2d(-0.08..1.08, -0.08..0.95)?;
        for (cell, value) in cells.iter().zip(&values) {
            let share = ((value - low) / (high - low)).clamp(0.0, 1.0);
            let fill = ViridisRGB.get_color(share);
            let corners: Vec<(f64, f64)> = cell.iter().map(|p| xy(*p)).collect();
            chart.draw_series([Polygon::new(corners, fill.filled())])?;
        }
        let inside = |h: &Mixture| {
            let own: f64 = corners.iter().map(|&i| h[i]).sum();
            (own > 0.0).then(|| corners.map(|i| h[i] / own))
        };
        let dots = marks.iter().filter_map(inside).map(|p| Circle::new(xy(p), 2, BLACK.filled()));
        chart.draw_series(dots)?;
        if let Some(best) = best {
            chart.draw_series([Circle::new(xy(best), 7, WHITE.stroke_width(3))])?;
            chart.draw_series([Circle::new(xy(best), 9, BLACK.stroke_width(1))])?;
        }
        let labels = [
            (xy([1.0, 0.0, 0.0]), (-10, 8)),
            (xy([0.0, 1.0, 0.0]), (-40, 8)),
            (xy([0.0, 0.0, 1.0]), (-20, -20)),
        ];
        let texts = domains.iter().zip(labels).map(|(name, (at, offset))| {
            EmptyElement::at(at) + Text::new((*name).to_owned(), offset, ("sans-serif", 15))
        });
        chart.draw_series(texts)?;
        Ok(())
    })
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
