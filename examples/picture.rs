//! Observed against predicted loss on the embedded sweep (the paper's Fig. 3), as SVG:
//! `cargo run --release --example picture -- [OUT.svg]`, by default the picture of the README.

use std::sync::Arc;

use mixlaw::law::{AdditiveLaw, JointLaw, ScalingLaw};
use mixlaw::{Fitter, Sweep};
use plotters::prelude::*;

const COLOURS: [RGBColor; 5] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
];
const TRAIN: RGBColor = RGBColor(190, 190, 190);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).unwrap_or("docs/observed_predicted.svg".to_owned());
    let sweep = Sweep::from_csv(include_str!("data/byte_sweep.csv").as_bytes())?;
    let (train, eval) = (sweep.split("train")?, sweep.split("eval")?);
    let laws: [Arc<dyn ScalingLaw>; 2] =
        [Arc::new(AdditiveLaw::for_sweep(&train)), Arc::new(JointLaw::for_sweep(&train))];

    let root = SVGBackend::new(&path, (900, 460)).into_drawing_area();
    root.fill(&WHITE)?;
    for (area, law) in root.split_evenly((1, 2)).iter().zip(laws) {
        let mut chart = ChartBuilder::on(area)
            .caption(format!("{} law", law.name()), ("sans-serif", 18))
            .margin(12)
            .x_label_area_size(42)
            .y_label_area_size(52)
            .build_cartesian_2d(1.4..3.1, 1.4..3.1)?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .x_desc("observed loss, nats per byte")
            .y_desc("predicted loss, nats per byte")
            .x_labels(6)
            .y_labels(6)
            .x_label_formatter(&|x| format!("{x:.1}"))
            .y_label_formatter(&|y| format!("{y:.1}"))
            .label_style(("sans-serif", 13))
            .draw()?;
        chart.draw_series([PathElement::new([(1.4, 1.4), (3.1, 3.1)], BLACK.mix(0.5))])?;
        let fits: Result<Vec<_>, _> =
            train.targets().iter().map(|t| Fitter::new().fit(law.clone(), &train, t)).collect();
        let fits = fits?;
        for fit in &fits {
            let points = train.losses_of(fit.target())?.into_iter().zip(fit.predict_sweep(&train)?);
            chart.draw_series(points.map(|p| Circle::new(p, 2, TRAIN.filled())))?;
        }
        for (fit, colour) in fits.iter().zip(COLOURS) {
            let points = eval.losses_of(fit.target())?.into_iter().zip(fit.predict_sweep(&eval)?);
            let label = format!("{}, MRE {:.2}%", fit.target(), fit.evaluate(&eval)?.mre);
            chart
                .draw_series(points.map(|p| Circle::new(p, 3, colour.filled())))?
                .label(label)
                .legend(move |(x, y)| Circle::new((x + 8, y), 3, colour.filled()));
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperLeft)
            .label_font(("sans-serif", 13))
            .background_style(WHITE.mix(0.8))
            .draw()?;
    }
    root.present()?;
    println!("drawn: {path}");
    Ok(())
}
