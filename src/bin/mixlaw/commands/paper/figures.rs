//! What the paper prints, and what it is about.

/// The laws of Tables 4 and 8.
pub const LAWS: [&str; 4] = ["simple", "additive", "joint", "full"];
/// The domains, each of which is a target.
pub const TARGETS: [&str; 7] =
    ["arxiv", "book", "c4", "github", "commoncrawl", "stackexchange", "wikipedia"];
/// The target that is no domain.
pub const OPENHERMES: &str = "openhermes";

/// Table 8, train and 3B MRE in percent, by target and law.
pub const TABLE_8: [[(f64, f64); 4]; 7] = [
    [(0.55, 2.40), (0.50, 2.09), (0.39, 1.62), (0.39, 1.83)],
    [(0.38, 1.11), (0.29, 0.80), (0.24, 1.19), (0.24, 1.14)],
    [(0.35, 0.47), (0.29, 0.31), (0.24, 0.34), (0.23, 0.41)],
    [(0.81, 2.05), (0.65, 1.17), (0.54, 2.51), (0.52, 1.97)],
    [(0.34, 0.65), (0.29, 0.58), (0.24, 0.90), (0.23, 0.74)],
    [(0.57, 0.68), (0.51, 0.36), (0.38, 0.47), (0.36, 0.42)],
    [(0.97, 4.53), (0.92, 4.45), (0.57, 2.09), (0.56, 1.98)],
];
/// Table 4, the mean 3B MRE in percent by law.
pub const TABLE_4: [f64; 4] = [1.70, 1.39, 1.30, 1.21];
/// Table 16 in percent, with 8.8 for the misprinted 8.0 of github.
pub const H_AVG: [f64; 7] = [9.6, 9.5, 25.1, 8.8, 12.1, 17.9, 17.0];
/// As [`H_AVG`], for openhermes alone.
pub const H_OH: [f64; 7] = [9.4, 4.8, 27.8, 6.6, 36.9, 13.5, 1.0];

/// The size of the rows of Tables 13 and 14.
pub const SIZE: f64 = 310e6;
/// Their targets; the paper's book is PG-19.
pub const TARGETS_13_14: [&str; 4] = ["wikipedia", "github", "stackexchange", "book"];
/// So many mixtures are fitted, and the rest predicted, so often.
pub const SPLITS_13_14: (usize, usize) = (25, 5);
/// The laws of Table 13.
pub const LAWS_13: [&str; 5] = ["additive-fixed-nd", "ye-m1", "ye-m2", "ye-m3", "ye-m4"];
/// Table 13, train and test MRE in percent, by target and law.
#[expect(clippy::approx_constant, reason = "an error of 3.14% is not pi")]
pub const TABLE_13: [[(f64, f64); 5]; 4] = [
    [(0.07, 0.18), (0.08, 0.14), (0.09, 0.17), (2.54, 4.20), (0.17, 0.31)],
    [(0.10, 0.19), (0.20, 0.61), (0.22, 0.40), (5.45, 5.26), (0.36, 0.44)],
    [(0.07, 0.18), (0.14, 0.32), (0.14, 0.21), (4.11, 3.20), (0.22, 0.34)],
    [(0.08, 0.12), (0.09, 0.17), (0.13, 0.18), (2.21, 3.14), (0.16, 0.21)],
];
/// The laws of Table 14.
pub const LAWS_14: [&str; 2] = ["additive-fixed-n", "ge24"];
/// Table 14, as Table 13.
pub const TABLE_14: [[(f64, f64); 2]; 4] = [
    [(0.13, 0.17), (0.51, 0.62)],
    [(0.20, 0.26), (1.99, 2.26)],
    [(0.14, 0.19), (0.94, 1.21)],
    [(0.13, 0.15), (0.49, 0.54)],
];
