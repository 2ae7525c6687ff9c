//! The joint law on the embedded sweep: one value and gradient of the objective's sums, and a fit.

#![allow(missing_docs, reason = "the macro that groups benchmarks makes public functions")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use mixlaw::law::{JointLaw, Points, ScalingLaw};
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

criterion_group!(benches, value_and_gradient, fit);
criterion_main!(benches);
