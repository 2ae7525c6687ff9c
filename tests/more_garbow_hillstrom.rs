//! The local optimizers on the test problems of J. J. Moré, B. S. Garbow and K. E. Hillstrom,
//! "Testing Unconstrained Optimization Software", ACM TOMS 7 (1981) 17-41: every problem of the
//! collection, from its standard start, against the minima that the paper lists.

use std::f64::consts::PI;

use mixlaw::law::{Dual, Scalar};
use mixlaw::optim::{Control, Lbfgs, Minimum, Objective, Optimizer, Termination, TrustRegion};

/// A sum of squared residuals.
struct Problem {
    name: &'static str,
    start: Vec<f64>,
    minima: &'static [f64],
    residuals: fn(&[Dual]) -> Vec<Dual>,
}

fn c(x: f64) -> Dual {
    Dual::from_f64(x)
}

fn sq(x: Dual) -> Dual {
    x * x
}

fn sum(terms: impl IntoIterator<Item = Dual>) -> Dual {
    terms.into_iter().fold(c(0.0), |a, b| a + b)
}

/// A function of one variable with this value and this derivative.
fn chain(x: Dual, value: f64, derivative: f64) -> Dual {
    c(value) + c(derivative) * (x - c(x.value()))
}

fn sin(x: Dual) -> Dual {
    chain(x, x.value().sin(), x.value().cos())
}

fn cos(x: Dual) -> Dual {
    chain(x, x.value().cos(), -x.value().sin())
}

fn atan(x: Dual) -> Dual {
    chain(x, x.value().atan(), 1.0 / (1.0 + x.value().powi(2)))
}

/// 1, 2, ..., `n` as numbers.
fn up_to(n: usize) -> impl DoubleEndedIterator<Item = f64> + Clone {
    (1..=n).map(|i| i as f64)
}

/// `x` with zeros for its neighbours at both ends.
fn padded(x: &[Dual]) -> Vec<Dual> {
    [&[c(0.0)], x, &[c(0.0)]].concat()
}

fn rosenbrock(x: &[Dual]) -> Vec<Dual> {
    let pair = |x: &[Dual]| [c(10.0) * (x[1] - sq(x[0])), c(1.0) - x[0]];
    x.chunks(2).flat_map(pair).collect()
}

fn powell_singular(x: &[Dual]) -> Vec<Dual> {
    let four = |x: &[Dual]| {
        [
            x[0] + c(10.0) * x[1],
            c(5f64.sqrt()) * (x[2] - x[3]),
            sq(x[1] - c(2.0) * x[2]),
            c(10f64.sqrt()) * sq(x[0] - x[3]),
        ]
    };
    x.chunks(4).flat_map(four).collect()
}

fn bard(x: &[Dual]) -> Vec<Dual> {
    let y =
        [0.14, 0.18, 0.22, 0.25, 0.29, 0.32, 0.35, 0.39, 0.37, 0.58, 0.73, 0.96, 1.34, 2.10, 4.39];
    up_to(15)
        .zip(y)
        .map(|(u, y)| {
            let (v, w) = (16.0 - u, u.min(16.0 - u));
            c(y) - (x[0] + c(u) / (c(v) * x[1] + c(w) * x[2]))
        })
        .collect()
}

fn gaussian(x: &[Dual]) -> Vec<Dual> {
    let half = [0.0009, 0.0044, 0.0175, 0.0540, 0.1295, 0.2420, 0.3521];
    let y = half.into_iter().chain([0.3989]).chain(half.into_iter().rev());
    up_to(15)
        .zip(y)
        .map(|(i, y)| {
            let t = (8.0 - i) / 2.0;
            x[0] * (-x[1] * sq(c(t) - x[2]) / c(2.0)).exp() - c(y)
        })
        .collect()
}

fn meyer(x: &[Dual]) -> Vec<Dual> {
    let y = [
        34780.0, 28610.0, 23650.0, 19630.0, 16370.0, 13720.0, 11540.0, 9744.0, 8261.0, 7030.0,
        6005.0, 5147.0, 4427.0, 3820.0, 3307.0, 2872.0,
    ];
    let residual = |(i, y)| x[0] * (x[1] / (c(45.0 + 5.0 * i) + x[2])).exp() - c(y);
    up_to(16).zip(y).map(residual).collect()
}

fn gulf(x: &[Dual]) -> Vec<Dual> {
    up_to(99)
        .map(|i| {
            let t = i / 100.0;
            let distance = c(25.0 + (-50.0 * t.ln()).powf(2.0 / 3.0)) - x[1];
            let distance = if distance < c(0.0) { -distance } else { distance };
            (-distance.powf(x[2]) / x[0]).exp() - c(t)
        })
        .collect()
}

fn wood(x: &[Dual]) -> Vec<Dual> {
    vec![
        c(10.0) * (x[1] - sq(x[0])),
        c(1.0) - x[0],
        c(90f64.sqrt()) * (x[3] - sq(x[2])),
        c(1.0) - x[2],
        c(10f64.sqrt()) * (x[1] + x[3] - c(2.0)),
        (x[1] - x[3]) / c(10f64.sqrt()),
    ]
}

fn kowalik_osborne(x: &[Dual]) -> Vec<Dual> {
    let y =
        [0.1957, 0.1947, 0.1735, 0.1600, 0.0844, 0.0627, 0.0456, 0.0342, 0.0323, 0.0235, 0.0246];
    let u = [4.0, 2.0, 1.0, 0.5, 0.25, 0.167, 0.125, 0.1, 0.0833, 0.0714, 0.0625];
    let model = |u: f64| x[0] * (c(u * u) + c(u) * x[1]) / (c(u * u) + c(u) * x[2] + x[3]);
    y.into_iter().zip(u).map(|(y, u)| c(y) - model(u)).collect()
}

fn brown_dennis(x: &[Dual]) -> Vec<Dual> {
    let residual = |i: f64| {
        let t = i / 5.0;
        sq(x[0] + c(t) * x[1] - c(t.exp())) + sq(x[2] + c(t.sin()) * x[3] - c(t.cos()))
    };
    up_to(20).map(residual).collect()
}

fn osborne_1(x: &[Dual]) -> Vec<Dual> {
    let y = [
        0.844, 0.908, 0.932, 0.936, 0.925, 0.908, 0.881, 0.850, 0.818, 0.784, 0.751, 0.718, 0.685,
        0.658, 0.628, 0.603, 0.580, 0.558, 0.538, 0.522, 0.506, 0.490, 0.478, 0.467, 0.457, 0.448,
        0.438, 0.431, 0.424, 0.420, 0.414, 0.411, 0.406,
    ];
    let model = |t: f64| x[0] + x[1] * (c(-t) * x[3]).exp() + x[2] * (c(-t) * x[4]).exp();
    up_to(33).zip(y).map(|(i, y)| c(y) - model(10.0 * (i - 1.0))).collect()
}

fn osborne_2(x: &[Dual]) -> Vec<Dual> {
    let y = [
        1.366, 1.191, 1.112, 1.013, 0.991, 0.885, 0.831, 0.847, 0.786, 0.725, 0.746, 0.679, 0.608,
        0.655, 0.616, 0.606, 0.602, 0.626, 0.651, 0.724, 0.649, 0.649, 0.694, 0.644, 0.624, 0.661,
        0.612, 0.558, 0.533, 0.495, 0.500, 0.423, 0.395, 0.375, 0.372, 0.391, 0.396, 0.405, 0.428,
        0.429, 0.523, 0.562, 0.607, 0.653, 0.672, 0.708, 0.633, 0.668, 0.645, 0.632, 0.591, 0.559,
        0.597, 0.625, 0.739, 0.710, 0.729, 0.720, 0.636, 0.581, 0.428, 0.292, 0.162, 0.098, 0.054,
    ];
    let peak = |k: usize, t: f64| x[k] * (-x[k + 4] * sq(c(t) - x[k + 7])).exp();
    let model = |t: f64| x[0] * (c(-t) * x[4]).exp() + sum((1..4).map(|k| peak(k, t)));
    up_to(65).zip(y).map(|(i, y)| c(y) - model((i - 1.0) / 10.0)).collect()
}

fn biggs_exp6(x: &[Dual]) -> Vec<Dual> {
    let residual = |i: f64| {
        let t = 0.1 * i;
        let term = |a: Dual, b: Dual| a * (c(-t) * b).exp();
        let y = (-t).exp() - 5.0 * (-10.0 * t).exp() + 3.0 * (-4.0 * t).exp();
        term(x[2], x[0]) - term(x[3], x[1]) + term(x[5], x[4]) - c(y)
    };
    up_to(13).map(residual).collect()
}

fn watson(x: &[Dual]) -> Vec<Dual> {
    let residual = |i: f64| {
        let t = c(i / 29.0);
        let (mut value, mut derivative) = (c(0.0), c(0.0));
        for x in x.iter().rev() {
            derivative = derivative * t + value;
            value = value * t + *x;
        }
        derivative - sq(value) - c(1.0)
    };
    up_to(29).map(residual).chain([x[0], x[1] - sq(x[0]) - c(1.0)]).collect()
}

fn penalty_1(x: &[Dual]) -> Vec<Dual> {
    let whole = sum(x.iter().map(|x| sq(*x))) - c(0.25);
    x.iter().map(|x| c(1e-5f64.sqrt()) * (*x - c(1.0))).chain([whole]).collect()
}

fn penalty_2(x: &[Dual]) -> Vec<Dual> {
    let e: Vec<Dual> = x.iter().map(|x| (*x / c(10.0)).exp()).collect();
    let a = c(1e-5f64.sqrt());
    let neighbours = (1..x.len()).map(|i| {
        let y = ((i as f64 + 1.0) / 10.0).exp() + (i as f64 / 10.0).exp();
        a * (e[i] + e[i - 1] - c(y))
    });
    let single = (1..x.len()).map(|i| a * (e[i] - c((-0.1f64).exp())));
    let whole = sum(up_to(x.len()).rev().zip(x).map(|(w, x)| c(w) * sq(*x))) - c(1.0);
    [x[0] - c(0.2)].into_iter().chain(neighbours).chain(single).chain([whole]).collect()
}

fn variably_dimensioned(x: &[Dual]) -> Vec<Dual> {
    let whole = sum(up_to(x.len()).zip(x).map(|(j, x)| c(j) * (*x - c(1.0))));
    x.iter().map(|x| *x - c(1.0)).chain([whole, sq(whole)]).collect()
}

fn trigonometric(x: &[Dual]) -> Vec<Dual> {
    let whole = sum(x.iter().map(|x| c(1.0) - cos(*x)));
    up_to(x.len()).zip(x).map(|(i, x)| whole + c(i) * (c(1.0) - cos(*x)) - sin(*x)).collect()
}

fn brown_almost_linear(x: &[Dual]) -> Vec<Dual> {
    let n = x.len();
    let whole = sum(x.iter().copied()) - c(n as f64 + 1.0);
    let product = x.iter().fold(c(1.0), |a, x| a * *x);
    x[..n - 1].iter().map(|x| *x + whole).chain([product - c(1.0)]).collect()
}

fn boundary_value(x: &[Dual]) -> Vec<Dual> {
    let h = 1.0 / (x.len() as f64 + 1.0);
    let residual = |(i, x): (f64, &[Dual])| {
        let y = x[1] + c(i * h + 1.0);
        c(2.0) * x[1] - x[0] - x[2] + c(h * h / 2.0) * y * y * y
    };
    up_to(x.len()).zip(padded(x).windows(3)).map(residual).collect()
}

fn integral_equation(x: &[Dual]) -> Vec<Dual> {
    let h = 1.0 / (x.len() as f64 + 1.0);
    let residual = |(t, x_t): (f64, &Dual)| {
        let kernel = |(s, x): (f64, &Dual)| {
            let y = *x + c(s + 1.0);
            c(s.min(t) * (1.0 - s.max(t))) * y * y * y
        };
        *x_t + c(h / 2.0) * sum(up_to(x.len()).map(|j| j * h).zip(x).map(kernel))
    };
    up_to(x.len()).map(|i| i * h).zip(x).map(residual).collect()
}

fn broyden_tridiagonal(x: &[Dual]) -> Vec<Dual> {
    let residual = |x: &[Dual]| (c(3.0) - c(2.0) * x[1]) * x[1] - x[0] - c(2.0) * x[2] + c(1.0);
    padded(x).windows(3).map(residual).collect()
}

fn broyden_banded(x: &[Dual]) -> Vec<Dual> {
    let term = |j: usize| x[j] * (c(1.0) + x[j]);
    let residual = |i: usize| {
        let band = (i.saturating_sub(5)..(i + 2).min(x.len())).filter(|j| *j != i);
        x[i] * (c(2.0) + c(5.0) * sq(x[i])) + c(1.0) - sum(band.map(term))
    };
    (0..x.len()).map(residual).collect()
}

/// With 20 residuals.
fn linear_full_rank(x: &[Dual]) -> Vec<Dual> {
    let rest = c(-0.1) * sum(x.iter().copied()) - c(1.0);
    (0..20).map(|i| if i < x.len() { x[i] + rest } else { rest }).collect()
}

/// With 20 residuals.
fn linear_rank_1(x: &[Dual]) -> Vec<Dual> {
    let whole = sum(up_to(x.len()).zip(x).map(|(j, x)| c(j) * *x));
    up_to(20).map(|i| c(i) * whole - c(1.0)).collect()
}

/// With 20 residuals.
fn linear_rank_1_with_zeros(x: &[Dual]) -> Vec<Dual> {
    let inner = up_to(x.len()).zip(x).skip(1).take(x.len() - 2);
    let whole = sum(inner.map(|(j, x)| c(j) * *x));
    let residual = |i: f64| if i == 20.0 { c(-1.0) } else { c(i - 1.0) * whole - c(1.0) };
    up_to(20).map(residual).collect()
}

fn chebyquad(x: &[Dual]) -> Vec<Dual> {
    let n = x.len();
    let mut residuals = vec![c(0.0); n];
    for x in x {
        let t = c(2.0) * *x - c(1.0);
        let (mut before, mut polynomial) = (c(1.0), t);
        for residual in &mut residuals {
            *residual += polynomial / c(n as f64);
            (before, polynomial) = (polynomial, c(2.0) * t * polynomial - before);
        }
    }
    for (i, residual) in up_to(n).zip(&mut residuals).filter(|(i, _)| i % 2.0 == 0.0) {
        *residual += c(1.0 / (i * i - 1.0));
    }
    residuals
}

fn problems() -> Vec<Problem> {
    let problem = |name, start: &[f64], minima, residuals| Problem {
        name,
        start: start.to_vec(),
        minima,
        residuals,
    };
    let grid = |n: usize, f: fn(f64) -> f64| -> Vec<f64> {
        up_to(n).map(|j| f(j / (n as f64 + 1.0))).collect()
    };
    vec![
        problem("Rosenbrock", &[-1.2, 1.0], &[0.0], rosenbrock),
        problem("Freudenstein and Roth", &[0.5, -2.0], &[0.0, 48.9842], |x| {
            let (x, y) = (x[0], x[1]);
            vec![
                c(-13.0) + x + ((c(5.0) - y) * y - c(2.0)) * y,
                c(-29.0) + x + ((y + c(1.0)) * y - c(14.0)) * y,
            ]
        }),
        problem("Powell badly scaled", &[0.0, 1.0], &[0.0], |x| {
            vec![c(1e4) * x[0] * x[1] - c(1.0), (-x[0]).exp() + (-x[1]).exp() - c(1.0001)]
        }),
        problem("Brown badly scaled", &[1.0, 1.0], &[0.0], |x| {
            vec![x[0] - c(1e6), x[1] - c(2e-6), x[0] * x[1] - c(2.0)]
        }),
        problem("Beale", &[1.0, 1.0], &[0.0], |x| {
            let power = [x[1], sq(x[1]), sq(x[1]) * x[1]];
            let y = [1.5, 2.25, 2.625];
            y.iter().zip(power).map(|(y, p)| c(*y) - x[0] * (c(1.0) - p)).collect()
        }),
        problem("Jennrich and Sampson", &[0.3, 0.4], &[124.362], |x| {
            let model = |i| (c(i) * x[0]).exp() + (c(i) * x[1]).exp();
            up_to(10).map(|i| c(2.0 + 2.0 * i) - model(i)).collect()
        }),
        problem("Helical valley", &[-1.0, 0.0, 0.0], &[0.0], |x| {
            let turn = if x[0] < c(0.0) { 0.5 } else { 0.0 };
            let theta = atan(x[1] / x[0]) / c(2.0 * PI) + c(turn);
            let radius = (sq(x[0]) + sq(x[1])).sqrt();
            vec![c(10.0) * (x[2] - c(10.0) * theta), c(10.0) * (radius - c(1.0)), x[2]]
        }),
        problem("Bard", &[1.0, 1.0, 1.0], &[8.21487e-3], bard),
        problem("Gaussian", &[0.4, 1.0, 0.0], &[1.12793e-8], gaussian),
        problem("Meyer", &[0.02, 4000.0, 250.0], &[87.9458], meyer),
        problem("Gulf research and development", &[5.0, 2.5, 0.15], &[0.0], gulf),
        problem("Box three-dimensional", &[0.0, 10.0, 20.0], &[0.0], |x| {
            let residual = |i: f64| {
                let e = |a: Dual| (c(-0.1 * i) * a).exp();
                e(x[0]) - e(x[1]) - x[2] * (e(c(1.0)) - e(c(10.0)))
            };
            up_to(10).map(residual).collect()
        }),
        problem("Powell singular", &[3.0, -1.0, 0.0, 1.0], &[0.0], powell_singular),
        problem("Wood", &[-3.0, -1.0, -3.0, -1.0], &[0.0], wood),
        problem("Kowalik and Osborne", &[0.25, 0.39, 0.415, 0.39], &[3.07505e-4], kowalik_osborne),
        problem("Brown and Dennis", &[25.0, 5.0, -5.0, -1.0], &[85822.2], brown_dennis),
        problem("Osborne 1", &[0.5, 1.5, -1.0, 0.01, 0.02], &[5.46489e-5], osborne_1),
        problem("Biggs EXP6", &[1.0, 2.0, 1.0, 1.0, 1.0, 1.0], &[0.0, 5.65565e-3], biggs_exp6),
        problem(
            "Osborne 2",
            &[1.3, 0.65, 0.65, 0.7, 0.6, 3.0, 5.0, 7.0, 2.0, 4.5, 5.5],
            &[4.01377e-2],
            osborne_2,
        ),
        problem("Watson, n = 6", &[0.0; 6], &[2.28767e-3], watson),
        problem("Watson, n = 9", &[0.0; 9], &[1.39976e-6], watson),
        problem("Watson, n = 12", &[0.0; 12], &[4.72238e-10], watson),
        problem("Extended Rosenbrock", &[-1.2, 1.0].repeat(10), &[0.0], rosenbrock),
        problem(
            "Extended Powell singular",
            &[3.0, -1.0, 0.0, 1.0].repeat(5),
            &[0.0],
            powell_singular,
        ),
        problem("Penalty I, n = 4", &[1.0, 2.0, 3.0, 4.0], &[2.24997e-5], penalty_1),
        problem("Penalty I, n = 10", &up_to(10).collect::<Vec<_>>(), &[7.08765e-5], penalty_1),
        problem("Penalty II, n = 4", &[0.5; 4], &[9.37629e-6], penalty_2),
        problem("Penalty II, n = 10", &[0.5; 10], &[2.93660e-4], penalty_2),
        problem(
            "Variably dimensioned",
            &up_to(10).map(|j| 1.0 - j / 10.0).collect::<Vec<_>>(),
            &[0.0],
            variably_dimensioned,
        ),
        problem("Trigonometric", &[0.1; 10], &[0.0, 2.79506e-5], trigonometric),
        problem("Brown almost-linear", &[0.5; 10], &[0.0, 1.0], brown_almost_linear),
        problem("Discrete boundary value", &grid(10, |t| t * (t - 1.0)), &[0.0], boundary_value),
        problem(
            "Discrete integral equation",
            &grid(10, |t| t * (t - 1.0)),
            &[0.0],
            integral_equation,
        ),
        problem("Broyden tridiagonal", &[-1.0; 10], &[0.0], broyden_tridiagonal),
        problem("Broyden banded", &[-1.0; 10], &[0.0], broyden_banded),
        problem("Linear, full rank", &[1.0; 10], &[10.0], linear_full_rank),
        problem("Linear, rank 1", &[1.0; 10], &[190.0 / 41.0], linear_rank_1),
        problem(
            "Linear, rank 1 with zero columns and rows",
            &[1.0; 10],
            &[227.0 / 37.0],
            linear_rank_1_with_zeros,
        ),
        problem("Chebyquad, n = 8", &grid(8, |t| t), &[3.51687e-3], chebyquad),
        problem("Chebyquad, n = 9", &grid(9, |t| t), &[0.0], chebyquad),
        problem("Chebyquad, n = 10", &grid(10, |t| t), &[6.50395e-3], chebyquad),
    ]
}

/// The objective of a problem, multiplied by a constant, in a box or, where that is empty, without
/// bounds.
struct SumOfSquares<'a> {
    problem: &'a Problem,
    scale: f64,
    bounds: &'a [(f64, f64)],
}

impl SumOfSquares<'_> {
    /// The residuals, and the rows of their Jacobian.
    fn linearize(&self, x: &[f64]) -> (Vec<f64>, Vec<Vec<f64>>) {
        let mut values = Vec::new();
        let mut rows = Vec::new();
        for first in (0..x.len()).step_by(8) {
            let lanes = first..(first + 8).min(x.len());
            let seed = |(i, x): (usize, &f64)| {
                if lanes.contains(&i) { Dual::variable(*x, i - first) } else { c(*x) }
            };
            let residuals =
                (self.problem.residuals)(&x.iter().enumerate().map(seed).collect::<Vec<_>>());
            values = residuals.iter().map(|r| r.value()).collect();
            rows.resize(residuals.len(), Vec::new());
            for (row, r) in rows.iter_mut().zip(&residuals) {
                row.extend(lanes.clone().map(|i| r.derivative(i - first)));
            }
        }
        (values, rows)
    }
}

impl Objective for SumOfSquares<'_> {
    fn dim(&self) -> usize {
        self.problem.start.len()
    }

    fn value_gradient(&mut self, x: &[f64], g: &mut [f64]) -> f64 {
        let (residuals, rows) = self.linearize(x);
        for (j, g) in g.iter_mut().enumerate() {
            let slope: f64 = residuals.iter().zip(&rows).map(|(r, row)| r * row[j]).sum();
            *g = self.scale * (2.0 * slope);
        }
        self.scale * residuals.iter().map(|r| r * r).sum::<f64>()
    }

    fn bounds(&self, i: usize) -> (f64, f64) {
        self.bounds.get(i).copied().unwrap_or((f64::NEG_INFINITY, f64::INFINITY))
    }

    fn curvature(&mut self, x: &[f64], _: f64, out: &mut [f64]) -> bool {
        let (_, rows) = self.linearize(x);
        let n = self.dim();
        for i in 0..n {
            for j in 0..n {
                let product: f64 = rows.iter().map(|row| row[i] * row[j]).sum();
                out[i * n + j] = self.scale * (2.0 * product);
            }
        }
        true
    }
}

fn run(optimizer: &dyn Optimizer, problem: &Problem, scale: f64) -> Minimum {
    let mut objective = SumOfSquares { problem, scale, bounds: &[] };
    optimizer.minimize(&mut objective, &problem.start, &mut Control::default())
}

/// Zeros to 1e-10, and others to the six digits of the paper, some of which are cut off rather than
/// rounded.
fn assert_published_minimum(problem: &Problem, found: &Minimum) {
    let agrees = |m: &f64| (found.value - m).abs() <= if *m == 0.0 { 1e-10 } else { 5e-6 * m };
    assert!(
        problem.minima.iter().any(agrees) && found.termination.converged(),
        "{}: {} at {:?}, {} after {} evaluations",
        problem.name,
        found.value,
        found.x,
        found.termination,
        found.evaluations,
    );
}

#[test]
fn lbfgs_finds_the_published_minima() {
    for problem in problems() {
        // Its value carries a rounding error of about 1e-11 of itself, beside which the falls along
        // a valley with a condition number beyond 1e16 cannot be seen by a line search.
        if problem.name != "Watson, n = 12" {
            assert_published_minimum(&problem, &run(&Lbfgs::default(), &problem, 1.0));
        }
    }
}

#[test]
fn trust_region_finds_the_published_minima() {
    for problem in problems() {
        assert_published_minimum(&problem, &run(&TrustRegion::default(), &problem, 1.0));
    }
}

/// A power of two changes the exponents of values, gradients and curvatures and no other bit, so
/// that a single comparison with an absolute number would show.
#[test]
fn a_power_of_two_times_the_objective_leaves_every_bit_of_the_minimum() {
    let optimizers: [&dyn Optimizer; 2] = [&Lbfgs::default(), &TrustRegion::default()];
    for (optimizer, problem) in
        optimizers.iter().flat_map(|o| problems().into_iter().map(move |p| (o, p)))
    {
        let plain = run(*optimizer, &problem, 1.0);
        for scale in [2f64.powi(40), 2f64.powi(-40)] {
            let scaled = run(*optimizer, &problem, scale);
            let expected = Minimum { value: scale * plain.value, ..plain.clone() };
            assert_eq!(scaled, expected, "{} by {optimizer:?}", problem.name);
        }
    }
}

#[test]
fn bounds_hold_rosenbrock_where_its_gradient_points_out() {
    let all = (f64::NEG_INFINITY, f64::INFINITY);
    // In the plane y = 3/2 the slope in x vanishes where 400 x^3 - 598 x = 2; x = 2 a cos t with
    // a^2 = 598 / 1200 turns that into cos 3t = 1 / (400 a^3).
    let a = (598f64 / 1200.0).sqrt();
    let root = 2.0 * a * ((1.0 / (400.0 * a.powi(3))).acos() / 3.0).cos();
    let cases = [
        // On the valley y = x^2 (1 - x)^2 falls until x is at its bound.
        ([(-2.0, 0.5), (-2.0, 2.0)], [-1.2, 1.0], [0.5, 0.25]),
        // The same from outside of the box.
        ([(-2.0, 0.5), (-2.0, 2.0)], [5.0, -7.0], [0.5, 0.25]),
        ([all, (1.5, f64::INFINITY)], [2.0, 3.0], [root, 1.5]),
        // All of the box is on one side of the valley.
        ([(1.2, 2.0), (-1.0, 1.0)], [1.5, 0.0], [1.2, 1.0]),
        // One variable is fixed.
        ([(-1.0, -1.0), all], [-1.0, 3.0], [-1.0, 1.0]),
        // The minimum is that without bounds, and a bound goes through it.
        ([(-2.0, 2.0), (-1.0, 1.0)], [-1.2, 1.0], [1.0, 1.0]),
    ];
    let optimizers: [&dyn Optimizer; 2] = [&Lbfgs::default(), &TrustRegion::default()];
    let problem = &problems()[0];
    for (bounds, start, solution) in &cases {
        for optimizer in optimizers {
            let mut objective = SumOfSquares { problem, scale: 1.0, bounds };
            let found = optimizer.minimize(&mut objective, start, &mut Control::default());
            assert!(found.termination.converged(), "{found:?}");
            let mut g = [0.0; 2];
            objective.value_gradient(&found.x, &mut g);
            for i in 0..2 {
                let ((lower, upper), x) = (bounds[i], found.x[i]);
                assert!((x - solution[i]).abs() < 1e-6, "{found:?} is not {solution:?}");
                assert!((lower..=upper).contains(&x), "{found:?} leaves {bounds:?}");
                let slack = 1e-4;
                assert!(x == upper || g[i] > -slack, "{found:?} has gradient {g:?}");
                assert!(x == lower || g[i] < slack, "{found:?} has gradient {g:?}");
            }
        }
    }
}

/// `-ln x - ln y - ln(1 - x - y)` within its triangle, and this value and this slope outside.
struct Barrier {
    outside: (f64, f64),
}

impl Objective for Barrier {
    fn dim(&self) -> usize {
        2
    }

    fn value_gradient(&mut self, x: &[f64], g: &mut [f64]) -> f64 {
        let slack = 1.0 - x[0] - x[1];
        if x[0] <= 0.0 || x[1] <= 0.0 || slack <= 0.0 {
            g.fill(self.outside.1);
            return self.outside.0;
        }
        g[0] = 1.0 / slack - 1.0 / x[0];
        g[1] = 1.0 / slack - 1.0 / x[1];
        -x[0].ln() - x[1].ln() - slack.ln()
    }
}

#[test]
fn steps_stay_where_the_objective_is_finite() {
    let nowhere = [
        (f64::NAN, f64::NAN),
        (f64::NAN, 0.0),
        (f64::INFINITY, 0.0),
        (f64::NEG_INFINITY, 1.0),
        (0.0, f64::NAN),
    ];
    let optimizers: [&dyn Optimizer; 2] = [&Lbfgs::default(), &TrustRegion::default()];
    for outside in nowhere {
        for optimizer in optimizers {
            let run = |start: [f64; 2]| {
                optimizer.minimize(&mut Barrier { outside }, &start, &mut Control::default())
            };
            for start in [[0.2, 0.3], [1e-9, 0.5], [1e-6, 1e-6], [0.999, 1e-5]] {
                let found = run(start);
                assert!(found.termination.converged(), "{found:?} with {outside:?} outside");
                assert!((found.value - 3.0 * 3f64.ln()).abs() < 1e-9, "{found:?}");
                assert!(found.x.iter().all(|x| (x - 1.0 / 3.0).abs() < 1e-4), "{found:?}");
            }
            let found = run([2.0, 2.0]);
            assert_eq!(found.termination, Termination::StartNotFinite, "{outside:?}");
            assert_eq!((found.x.as_slice(), found.evaluations), ([2.0, 2.0].as_slice(), 1));
        }
    }
}
