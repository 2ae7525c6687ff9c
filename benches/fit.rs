//! The joint law on the embedded sweep: one value and gradient of the objective's sums, and a fit. The
//! same evaluation one row after the other, with gradients by hand and as a formula.

#![allow(missing_docs, reason = "the macro that groups benchmarks makes public functions")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use mixlaw::law::{
    Coordinate, Formula, FormulaLaw, Gradient, JointLaw, Points, Scalar, ScalingLaw,
};
use mixlaw::optim::{SmoothFirst, TrustRegion};
use mixlaw::{Fitter, Sweep};

fn train() -> Sweep {
    let text = include_str!("../examples/data/byte_sweep.csv");
    Sweep::from_csv(text.as_bytes()).unwrap().split("train").unwrap()
}

fn value_and_gradient(c: &mut Criterion) {
    let train = train();
    let law = JointLaw::for_sweep(&train);
    let (n, d) = (train.n().to_vec(), train.d().to_vec());
    let h: Vec<f64> = train.mixtures().iter().copied().collect();
    let points = Points::new(&n, &d, &h, train.domains().len());
    let mut batch = law.batch(points);
    let (mut losses, weights) = (vec![0.0; train.len()], vec![1.0; train.len()]);
    let mut z = vec![0.1; law.coordinates().len()];
    let mut gradient = z.clone();
    c.bench_function("value and gradient, joint law, 336 rows", |b| {
        b.iter(|| {
            // Other coordinates every time: the batch remembers the last ones.
            z[0] = if z[0] == 0.1 { 0.2 } else { 0.1 };
            batch.losses(black_box(&z), &mut losses);
            batch.gradient(&z, &weights, &mut gradient);
            black_box(&gradient);
        });
    });
}

/// The joint law as somebody would write it who does not know the crate's.
#[derive(Debug)]
struct JointFormula;

/// `(sum_i h_i v_i^q)^(1/q)`, where c holds the `ln v_i` and q.
fn power_mean<S: Scalar>(c: &[S], h: &[S]) -> S {
    let (mut sum, q) = (S::from_f64(0.0), c[h.len()]);
    h.iter().zip(c).for_each(|(&h, &ln_v)| sum += h * (q * ln_v).exp());
    sum.powf(S::from_f64(1.0) / q)
}

impl Formula for JointFormula {
    fn name(&self) -> &str {
        "joint as a formula"
    }

    fn coefficients(&self, domains: &[String]) -> Vec<Coordinate> {
        let law = JointLaw::new(domains, mixlaw::Scale::ONE).expect("valid domains");
        law.coordinates().iter().cloned().collect()
    }

    fn loss<S: Scalar>(&self, c: &[S], n: S, d: S, h: &[S]) -> S {
        let k = h.len();
        let (a, b) = (&c[1 + 2 * k..], &c[3 + 3 * k..]);
        let mut sum = S::from_f64(0.0);
        (0..k).for_each(|i| sum += c[1 + i] * h[i].powf(c[1 + k + i]));
        c[0] + S::from_f64(1.0) / sum
            + power_mean(a, h) / n.powf(a[k + 1])
            + power_mean(b, h) / d.powf(b[k + 1])
    }
}

fn row_by_row(c: &mut Criterion) {
    let train = train();
    let laws: [(_, Box<dyn ScalingLaw>); 2] = [
        ("gradients by hand", Box::new(JointLaw::for_sweep(&train))),
        ("a formula", Box::new(FormulaLaw::for_sweep(JointFormula, &train).unwrap())),
    ];
    for (name, law) in laws {
        let mut z = vec![0.1; law.coordinates().len()];
        let mut gradient = Gradient::new(&law);
        let mut sums = z.clone();
        c.bench_function(&format!("the same row by row, {name}"), |b| {
            b.iter(|| {
                z[0] = if z[0] == 0.1 { 0.2 } else { 0.1 };
                sums.fill(0.0);
                for row in train.rows() {
                    black_box(law.gradient(black_box(&z), row.scale(), row.h, &mut gradient));
                    sums.iter_mut().zip(&gradient.z).for_each(|(sum, g)| *sum += g);
                }
                black_box(&sums);
            });
        });
    }
}

fn fit(c: &mut Criterion) {
    let train = train();
    let local = SmoothFirst::new(TrustRegion::default().tolerance(1e-3), TrustRegion::default());
    let mut group = c.benchmark_group("fit of the joint law to python, 336 rows");
    group.sample_size(10);
    for (name, fitter) in
        [("one start", Fitter::new().optimizer(local)), ("default", Fitter::new())]
    {
        group.bench_function(name, |b| {
            b.iter(|| fitter.fit(JointLaw::for_sweep(&train), &train, "python").unwrap());
        });
    }
    group.finish();
}

criterion_group!(benches, value_and_gradient, row_by_row, fit);
criterion_main!(benches);
