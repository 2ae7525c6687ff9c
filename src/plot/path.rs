use plotters::prelude::*;

use super::axis::Axis;
use super::{Area, Chart, Failure, chart, colour, draw};
use crate::error::{Error, ErrorKind};
use crate::plan::Choice;

/// The training FLOPs of a choice, where they have a place on a logarithmic axis.
fn flops(choice: &Choice) -> Result<f64, Error> {
    let flops = 6.0 * choice.scale.n * choice.scale.d;
    if flops.is_finite() && flops > 0.0 {
        return Ok(flops);
    }
    let name = format!("6ND of a choice at {}", choice.scale);
    Err(Error::setting(name, flops, "a finite number > 0; `limit` takes where the path leads"))
}

/// The optimal weight of every domain along a path over scale (Fig. 6 and 10), against the FLOPs 6ND;
/// dashed at the right, where it leads.
///
/// # Errors
/// [`ErrorKind::Setting`] if the path has fewer than two choices, or one of them has FLOPs that are not
/// finite and above zero; [`ErrorKind::Mismatch`] or [`ErrorKind::Length`] if the choices and the limit
/// are not of the same domains.
pub fn path(choices: &[Choice], limit: Option<&Choice>, title: &str) -> Result<String, Error> {
    let [first, _, ..] = choices else {
        let count = choices.len() as f64;
        return Err(Error::setting("the number of choices of a path", count, "at least 2"));
    };
    let domains = &first.domains;
    check_domains(domains, choices.iter().chain(limit))?;
    let mut points: Vec<(f64, &[f64])> = choices
        .iter()
        .map(|c| Ok((flops(c)?, &c.optimum.weights[..])))
        .collect::<Result<_, Error>>()?;
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    let weights = choices.iter().chain(limit).flat_map(|c| c.optimum.weights.iter().copied());
    let most = (1.1 * weights.fold(0.0, f64::max)).min(1.0);
    let x = Axis::logarithmic(points[0].0, points[points.len() - 1].0);
    let (from, last) = (x.at(0.88), points[points.len() - 1]);
    draw((760, 440), |area| {
        let y = (Axis::linear(0.0, most), "optimal domain weight");
        let mut chart = chart(area, title, (x, "6ND, FLOPs"), y, 120)?;
        for i in 0..domains.len() {
            let line = points.iter().map(|(x, h)| (*x, h[i]));
            chart.draw_series(LineSeries::new(line, colour(i).stroke_width(2)))?;
            if let Some(limit) = limit {
                let weight = limit.optimum.weights[i];
                let line = [(from, weight), (last.0, weight)];
                chart.draw_series(DashedLineSeries::new(line, 4, 4, colour(i).into()))?;
            }
        }
        label_ends(area, &chart, domains, last)
    })
}

/// Checks that all choices are of these domains.
fn check_domains<'a>(
    domains: &[String],
    choices: impl Iterator<Item = &'a Choice>,
) -> Result<(), Error> {
    for choice in choices {
        if choice.domains != domains {
            let what = "the domains of the choices of a path";
            let (first, other) = (domains.to_vec(), choice.domains.clone());
            return Err(ErrorKind::Mismatch { what, first, other }.into());
        }
        let (found, expected) = (choice.optimum.weights.len(), domains.len());
        if found != expected {
            let what = format!("the mixture of the choice at {}", choice.scale);
            return Err(ErrorKind::Length { what, found, expected }.into());
        }
    }
    Ok(())
}

/// Names at the ends of the lines, drawn apart where these are close.
fn label_ends(
    area: &Area<'_>,
    chart: &Chart<'_, '_>,
    names: &[String],
    (x, weights): (f64, &[f64]),
) -> Result<(), Failure> {
    let mut order: Vec<usize> = (0..names.len()).collect();
    order.sort_by(|a, b| weights[*b].total_cmp(&weights[*a]));
    let mut above = i32::MIN / 2;
    for i in order {
        let (x, y) = chart.backend_coord(&(x, weights[i]));
        let y = y.max(above + 15);
        let ink = colour(i);
        let style = ("sans-serif", 14).into_text_style(area).color(&ink);
        area.draw_text(&names[i], &style, (x + 6, y - 8))?;
        above = y;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::path;
    use crate::law::{AdditiveLaw, ScalingLaw};
    use crate::plan::{Choice, Growth, Plan, Rate};
    use crate::plot::tests::texts;
    use crate::predictor::Predictor;
    use crate::scale::Scale;

    fn plan(domains: &[&str]) -> Plan {
        let law = AdditiveLaw::new(domains, Scale::ONE).unwrap();
        let mut z = vec![0.0; law.coordinates().len()];
        for (z, i) in z.iter_mut().zip(0..) {
            *z = [-1.0, -0.5, 0.0][i % 3];
        }
        Plan::builder().target(1.0, Predictor::new("x", law, &z).unwrap()).build().unwrap()
    }

    fn choices(domains: &[&str], ends: &[(f64, f64)]) -> Vec<Choice> {
        let plan = plan(domains);
        ends.iter().map(|(n, d)| plan.best(Scale { n: *n, d: *d }).unwrap()).collect()
    }

    #[test]
    fn an_infinite_or_overflowing_scale_is_an_error_that_names_it() {
        let two = choices(&["web", "code"], &[(1e8, 1e9), (f64::INFINITY, 1e10)]);
        let error = path(&two, None, "").unwrap_err().to_string();
        assert!(error.contains("N = inf, D = 1e10"), "{error}");
        let two = choices(&["web", "code"], &[(1e300, 1e9), (1e300, 1e10)]);
        let error = path(&two, None, "").unwrap_err().to_string();
        assert!(error.contains("6ND of a choice at N = 1e300, D = 1e9 is inf"), "{error}");
    }

    #[test]
    fn any_finite_path_is_drawn() {
        for ends in
            [[(1e8, 1e9), (1e8, 1e9)], [(1e9, 1e10), (1e8, 1e9)], [(1e-300, 1e-20), (1e150, 1e150)]]
        {
            let svg = path(&choices(&["web", "code"], &ends), None, "a title").unwrap();
            assert!(texts(&svg).contains(&"a title"));
        }
    }

    #[test]
    fn the_limit_of_a_path_may_be_infinite() {
        let (plan, from) = (plan(&["web", "code"]), Scale { n: 1e9, d: 2e10 });
        let growth = Growth { n: Rate::Linear, d: Rate::Linear };
        let along = plan.path(from, growth, &[1.0, 10.0, 100.0]).unwrap();
        let limit = plan.limit(from, growth).unwrap();
        let svg = path(&along, Some(&limit), "").unwrap();
        for text in ["web", "code", "1e21", "6ND, FLOPs"] {
            assert!(texts(&svg).contains(&text), "{text}");
        }
    }

    #[test]
    fn choices_of_different_domains_are_an_error() {
        let two = choices(&["web", "code"], &[(1e8, 1e9), (1e8, 1e10)]);
        let three = choices(&["web", "code", "books"], &[(1e8, 1e9), (1e8, 1e10)]);
        for (choices, limit) in [
            (vec![two[0].clone(), three[0].clone()], None),
            (vec![three[0].clone(), two[0].clone()], None),
            (two.clone(), Some(&three[0])),
            (three.clone(), Some(&two[0])),
        ] {
            let error = path(&choices, limit, "").unwrap_err().to_string();
            assert!(
                error.contains("domains of the choices of a path differ")
                    && error.contains("books"),
                "{error}"
            );
        }
        let mut odd = three.clone();
        odd[1].domains.pop();
        assert!(path(&odd, None, "").is_err());
    }
}
