use plotters::prelude::*;

use super::axis::{Axis, is_flat};
use super::{Area, Failure, draw};
use crate::error::{Error, ErrorKind, list};
use crate::mixture::Mixture;
use crate::plan::{Choice, Plan};
use crate::predictor::check_level;
use crate::scale::Scale;

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
    fn new(names: &[String], domains: [&'a str; 3], base: &'a Mixture) -> Result<Self, Error> {
        let kind = "domain";
        let mut corners = [0; 3];
        for (j, name) in domains.into_iter().enumerate() {
            corners[j] = names.iter().position(|d| d == name).ok_or_else(|| {
                let (name, known) = (name.to_owned(), names.to_vec());
                ErrorKind::Unknown { kind, name, known }
            })?;
            if corners[..j].contains(&corners[j]) {
                let (name, group) = (name.to_owned(), Some(list(&domains)));
                return Err(ErrorKind::Repeated { kind, name, group }.into());
            }
        }
        let (found, expected) = (base.len(), names.len());
        if found != expected {
            let what = "the base of a ternary map".to_owned();
            return Err(ErrorKind::Length { what, found, expected }.into());
        }
        let shared: f64 = corners.iter().map(|&i| base[i]).sum();
        if shared <= 0.0 {
            let name = format!("the weight of {} in the base together", list(&domains));
            return Err(Error::setting(name, shared, "a number > 0"));
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
            // The base may miss a sum of one by as much as mixtures may.
            let sum: f64 = h.iter().sum();
            Mixture::new(h.iter().map(|x| x / sum).collect::<Vec<_>>())
                .expect("shares of a mixture")
        };
        self.cells.iter().map(mixture).collect()
    }

    /// The shares of the three domains in a mixture that has any of them.
    fn shares(&self, h: &Mixture) -> Option<[f64; 3]> {
        let own: f64 = self.corners.iter().map(|&i| h[i]).sum();
        (own > 0.0).then(|| self.corners.map(|i| h[i] / own))
    }

    /// The cells in the colours of their values, dots for the marks, a ring, and the colours explained
    /// at the right.
    fn draw(
        &self,
        caption: &str,
        values: &[f64],
        colours: &Colours<'_>,
        marks: &[Mixture],
        ring: Option<[f64; 3]>,
    ) -> Result<String, Error> {
        let domains = self.base.len();
        if let Some((i, mark)) = marks.iter().enumerate().find(|(_, h)| h.len() != domains) {
            let (what, found) = (format!("mark {i}"), mark.len());
            return Err(ErrorKind::Length { what, found, expected: domains }.into());
        }
        // The corner of the first domain is on the left, of the second on the right, of the third above.
        let xy = |p: [f64; 3]| (p[1] + 0.5 * p[2], 0.75f64.sqrt() * p[2]);
        draw((760, 560), |area| {
            let (map, bar) = area.split_horizontally(640);
            let mut chart = ChartBuilder::on(&map)
                .caption(caption, ("sans-serif", 16))
                .margin(24)
                .build_cartesian_2d(-0.08..1.08, -0.08..0.95)?;
            for (cell, value) in self.cells.iter().zip(values) {
                let corners: Vec<(f64, f64)> = cell.iter().map(|p| xy(*p)).collect();
                chart.draw_series([Polygon::new(corners, colours.of(*value).filled())])?;
            }
            let dots = marks.iter().filter_map(|h| self.shares(h));
            chart.draw_series(dots.map(|p| Circle::new(xy(p), 2, BLACK.filled())))?;
            if let Some(ring) = ring {
                chart.draw_series([Circle::new(xy(ring), 7, WHITE.stroke_width(3))])?;
                chart.draw_series([Circle::new(xy(ring), 9, BLACK.stroke_width(1))])?;
            }
            let ends = [xy([1.0, 0.0, 0.0]), xy([0.0, 1.0, 0.0]), xy([0.0, 0.0, 1.0])];
            let labels = ends.into_iter().zip([(-10, 8), (-40, 8), (-20, -20)]);
            let texts = self.domains.iter().zip(labels).map(|(name, (at, offset))| {
                EmptyElement::at(at) + Text::new((*name).to_owned(), offset, ("sans-serif", 15))
            });
            chart.draw_series(texts)?;
            colours.draw(&bar)
        })
    }
}

/// Where there is no value, or one that does not count.
const GREY: RGBColor = RGBColor(225, 225, 225);

/// Which colours show which values.
struct Colours<'a> {
    axis: Axis,
    /// Values up to this one are grey.
    grey_up_to: f64,
    /// What the values are, in lines.
    title: [&'a str; 2],
    /// What the upper end of the bar says.
    end: &'a str,
}

impl Colours<'_> {
    fn of(&self, value: f64) -> RGBColor {
        let counts = value.is_finite() && value > self.grey_up_to;
        if counts { ViridisRGB.get_color(self.axis.share(value)) } else { GREY }
    }

    /// A bar of all colours, with numbers beside it.
    fn draw(&self, area: &Area<'_>) -> Result<(), Failure> {
        let (left, right, top, bottom) = (12, 28, 140, 440);
        for y in top..bottom {
            let share = (f64::from(bottom - y) - 0.5) / f64::from(bottom - top);
            let fill = self.of(self.axis.at(share)).filled();
            area.draw(&Rectangle::new([(left, y), (right, y + 1)], fill))?;
        }
        let style = ("sans-serif", 13).into_text_style(area);
        for (value, label) in self.axis.ticks() {
            let y = bottom - (f64::from(bottom - top) * self.axis.share(*value)).round() as i32;
            area.draw(&PathElement::new([(right, y), (right + 4, y)], BLACK))?;
            area.draw_text(label, &style, (right + 8, y - 7))?;
        }
        for (line, y) in self.title.iter().zip([top - 56, top - 40]) {
            area.draw_text(line, &style, (left, y))?;
        }
        area.draw_text(self.end, &style, (left, top - 20))?;
        Ok(())
    }
}

fn centre(cell: &[[f64; 3]; 3]) -> [f64; 3] {
    std::array::from_fn(|x| cell.iter().map(|p| p[x].max(0.0)).sum::<f64>() / 3.0)
}

/// The value over all mixtures of three domains, as a triangle: dark where it is low, with the best
/// mixture of the triangle, and the mixtures of `marks`, such as those trained on. The other domains
/// keep their share of `base`, as many parts of its weight as they have there. Mixtures without a finite
/// value are grey; where all have the same there is no best one.
///
/// # Errors
/// Unless three different domains of the plan are named and have weight in `base`, the marks are mixtures
/// of the domains of the plan, and some value is finite; and as [`Plan::best`].
pub fn ternary(
    plan: &Plan,
    at: Scale,
    domains: [&str; 3],
    base: &Mixture,
    marks: &[Mixture],
) -> Result<String, Error> {
    let triangle = Triangle::new(plan.domains(), domains, base)?;
    let mut objective = plan.objective(at)?;
    let value = |h: Mixture| objective.value(&h);
    let values: Vec<f64> =
        triangle.mixtures().into_iter().map(value).collect::<Result<_, Error>>()?;
    let mut sorted: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    let [low, .., most] = sorted[..] else {
        let what = format!("the value of mixtures of {} at {at}", list(&domains));
        let value = values.into_iter().find(|value| !value.is_finite()).unwrap_or(f64::NAN);
        return Err(ErrorKind::NotFinite { what, value }.into());
    };
    // The few values next to a corner would take all the colours.
    let high = sorted[sorted.len() * 9 / 10];
    let flat = is_flat(low, most);
    let best = values.iter().position(|value| *value == low).filter(|_| !flat);
    let colours = Colours {
        axis: Axis::linear(low, high),
        grey_up_to: f64::NEG_INFINITY,
        title: ["predicted loss", "in nats"],
        end: if is_flat(high, most) { "" } else { "and above" },
    };
    let what = if flat { "every mixture has the same value" } else { "value of the mixtures" };
    let caption = format!("{what} at N = {:.2e}, D = {:.2e}", at.n, at.d);
    let ring = best.map(|i| centre(&triangle.cells[i]));
    triangle.draw(&caption, &values, &colours, marks, ring)
}

/// The region of mixtures of three domains that could be the best at a level, as a triangle: brighter
/// where more resamples find a mixture at least as good as the choice, grey outside of the region; a
/// ring around the choice and a dot for the best mixture of each resample. The other domains have their
/// weights of the choice.
///
/// # Errors
/// Unless three different domains of the plan are named and have weight in the choice; if the level is
/// not between 0 and 1, and as [`Plan::as_good`].
pub fn region(
    plan: &Plan,
    choice: &Choice,
    domains: [&str; 3],
    level: f64,
) -> Result<String, Error> {
    check_level(level)?;
    let triangle = Triangle::new(plan.domains(), domains, &choice.optimum.weights)?;
    let optima = plan.certainty(choice)?.optima().to_vec();
    let as_good = plan.as_good(choice, &triangle.mixtures())?;
    let percent: Vec<f64> = as_good.iter().map(|share| 100.0 * share).collect();
    let colours = Colours {
        axis: Axis::linear(0.0, 100.0),
        grey_up_to: 100.0 * (1.0 - level),
        title: ["as good in", "% of resamples"],
        end: "",
    };
    let caption = format!("mixtures that could be the best at a level of {:.0}%", 100.0 * level);
    let ring = triangle.shares(&choice.optimum.weights);
    triangle.draw(&caption, &percent, &colours, &optima, ring)
}

#[cfg(test)]
mod tests {
    use super::{region, ternary};
    use crate::law::{AdditiveLaw, ChinchillaLaw, ScalingLaw};
    use crate::plan::Plan;
    use crate::plot::tests::texts;
    use crate::uncertainty::Bootstrap;
    use crate::{Fitter, Mixture, Predictor, Scale, Sweep};

    const DOMAINS: [&str; 3] = ["web", "code", "books"];

    /// The numbers beside the bar.
    fn numbers(svg: &str) -> Vec<f64> {
        texts(svg).iter().filter_map(|text| text.parse().ok()).collect()
    }

    fn plan(target: &str, law: impl ScalingLaw + 'static, z: &[f64]) -> Plan {
        Plan::builder().target(1.0, Predictor::new(target, law, z).unwrap()).build().unwrap()
    }

    fn additive() -> (AdditiveLaw, Vec<f64>) {
        let law = AdditiveLaw::new(&DOMAINS, Scale::ONE).unwrap();
        let z = law.coordinates_of(&[
            ("E", 1.0),
            ("C[web]", 1.0),
            ("C[code]", 3.0),
            ("C[books]", 2.0),
            ("gamma[web]", 0.5),
            ("gamma[code]", 0.5),
            ("gamma[books]", 0.5),
            ("A", 400.0),
            ("alpha", 0.34),
            ("B", 400.0),
            ("beta", 0.28),
        ]);
        (law, z.unwrap())
    }

    #[test]
    fn the_colours_have_numbers_and_a_unit() {
        let (law, z) = additive();
        let plan = plan("python", law, &z);
        let base = Mixture::uniform(3);
        let svg = ternary(&plan, Scale { n: 1e9, d: 2e10 }, DOMAINS, &base, &[]).unwrap();
        // E + 400 / N^.34 + 400 / D^.28 + 1 / sqrt(1 + 9 + 4) at the best, at least.
        let rest = 1.0 + 400.0 / 1e9f64.powf(0.34) + 400.0 / 2e10f64.powf(0.28);
        let least = rest + 1.0 / 14f64.sqrt();
        let numbers = numbers(&svg);
        assert!(numbers.len() >= 3, "{numbers:?}");
        assert!(
            numbers.iter().all(|x| (least..rest + 1.0).contains(x)),
            "{numbers:?} from {least}"
        );
        assert!(texts(&svg).contains(&"in nats") && texts(&svg).contains(&"and above"));
        assert!(svg.contains("<circle"), "a ring around the best");
    }

    #[test]
    fn a_constant_is_drawn_without_a_best_mixture() {
        let law = ChinchillaLaw::new(&DOMAINS, Scale::ONE).unwrap();
        let z = law.coordinates_of(&[
            ("E", 3.0),
            ("A", 1e-9),
            ("alpha", 0.3),
            ("B", 1e-9),
            ("beta", 0.3),
        ]);
        let z = z.unwrap();
        let plan = plan("x", law, &z);
        let svg =
            ternary(&plan, Scale { n: 1e9, d: 2e10 }, DOMAINS, &Mixture::uniform(3), &[]).unwrap();
        assert!(!svg.contains("<circle"), "no ring");
        assert!(svg.contains("every mixture has the same value"));
        assert!(numbers(&svg).contains(&3.0), "{:?}", texts(&svg));
    }

    #[test]
    fn marks_of_other_domains_are_an_error() {
        let (law, z) = additive();
        let plan = plan("python", law, &z);
        let (base, marks) = (Mixture::uniform(3), [Mixture::uniform(3), Mixture::uniform(2)]);
        let error = ternary(&plan, Scale { n: 1e9, d: 2e10 }, DOMAINS, &base, &marks).unwrap_err();
        assert_eq!(error.to_string(), "mark 1 has length 2, expected 3");
    }

    #[test]
    fn a_region_has_a_scale_in_percent_and_a_level_between_0_and_1() {
        let (law, z) = additive();
        let (mut n, mut d, mut h, mut loss) = (vec![], vec![], vec![], vec![]);
        for (i, w) in Mixture::dirichlet(&[1.0; 3], 24, 1).unwrap().iter().enumerate() {
            let (size, tokens) = (1e8 * [1.0, 4.0][i % 2], 2e9 * [1.0, 4.0, 2.0][i % 3]);
            n.push(size);
            d.push(tokens);
            loss.push(law.loss(&z, Scale { n: size, d: tokens }, w) * [1.001, 0.999][i / 2 % 2]);
            h.extend_from_slice(w);
        }
        let sweep = Sweep::new(&DOMAINS, &["python"], &n, &d, &h, &loss).unwrap();
        let fit = Fitter::new().starts(4).fit(law, &sweep, "python").unwrap();
        let resampled = Bootstrap::new(20).run(&fit, &sweep).unwrap();
        let plan = Plan::builder().target(1.0, resampled).build().unwrap();
        let choice = plan.best(Scale { n: 1e9, d: 2e10 }).unwrap();
        let svg = region(&plan, &choice, DOMAINS, 0.9).unwrap();
        assert_eq!(numbers(&svg), [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]);
        assert!(texts(&svg).contains(&"% of resamples"));
        for level in [0.0, 1.0, -1.0, f64::NAN] {
            let error = region(&plan, &choice, DOMAINS, level).unwrap_err().to_string();
            assert!(error.contains("level"), "{error}");
        }
    }
}
