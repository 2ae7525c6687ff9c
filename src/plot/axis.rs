use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};

/// Values that differ by less than this fraction of the largest are one value in a picture: what is
/// between them is rounding, and labels could not tell them apart.
const FLAT: f64 = 1e-6;

/// More ticks than this are too many.
const MOST_TICKS: usize = 9;
/// More characters than this at all ticks of an axis run into each other.
const MOST_CHARACTERS: usize = 48;

/// A range of finite values on a line of pixels, with ticks whose labels are what they say.
///
/// The drawing library's own axes do not end where steps are lost in rounding, or where a range is
/// infinite.
#[derive(Debug, Clone)]
pub(super) struct Axis {
    low: f64,
    high: f64,
    logarithmic: bool,
    ticks: Vec<(f64, String)>,
}

/// Whether two ends of a range are one value for a picture.
pub(super) fn is_flat(low: f64, high: f64) -> bool {
    0.5 * high - 0.5 * low <= 0.5 * FLAT * low.abs().max(high.abs())
}

impl Axis {
    /// From `low` to `high`, which are finite and in order. A range that is flat gets some room.
    pub(super) fn linear(low: f64, high: f64) -> Self {
        let (low, high) = if is_flat(low, high) {
            let room = (FLAT * low.abs().max(high.abs())).max(1e-300);
            (low - room, high + room)
        } else {
            (low, high)
        };
        let (low, high) = (low.max(f64::MIN), high.min(f64::MAX));
        Self { low, high, logarithmic: false, ticks: linear_ticks(low, high) }
    }

    /// From `low` to `high`, which are finite, above zero and in order. A range that is flat gets some
    /// room.
    pub(super) fn logarithmic(low: f64, high: f64) -> Self {
        let flat = is_flat(low, high);
        let low = if flat { (low / 10.0).max(f64::from_bits(1)) } else { low };
        let high = if flat { (high * 10.0).min(f64::MAX) } else { high };
        Self { low, high, logarithmic: true, ticks: logarithmic_ticks(low, high) }
    }

    /// Where a value is, from 0 at the low end to 1 at the high one.
    pub(super) fn share(&self, value: f64) -> f64 {
        let (low, high, value) = if self.logarithmic {
            (self.low.ln(), self.high.ln(), value.ln())
        } else {
            // Halves, because the difference of two large numbers can be infinite.
            (0.5 * self.low, 0.5 * self.high, 0.5 * value)
        };
        ((value - low) / (high - low)).clamp(0.0, 1.0)
    }

    /// The value that is this share of the axis away from its low end.
    pub(super) fn at(&self, share: f64) -> f64 {
        if self.logarithmic {
            (self.low.ln() * (1.0 - share) + self.high.ln() * share).exp()
        } else {
            self.low * (1.0 - share) + self.high * share
        }
    }

    /// The ticks with their labels, in order.
    pub(super) fn ticks(&self) -> &[(f64, String)] {
        &self.ticks
    }

    /// Pixels for the longest label in letters of 13 pixels.
    pub(super) fn label_width(&self) -> u32 {
        let longest = self.ticks.iter().map(|(_, label)| label.len()).max().unwrap_or(0);
        8 * longest as u32
    }
}

impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (from, to): (i32, i32)) -> i32 {
        from + (f64::from(to - from) * self.share(*value)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.ticks.iter().map(|tick| tick.0).collect()
    }

    fn range(&self) -> Range<f64> {
        self.low..self.high
    }
}

impl ValueFormatter<f64> for Axis {
    fn format_ext(&self, value: &f64) -> String {
        self.ticks
            .iter()
            .find(|tick| tick.0 == *value)
            .map(|tick| tick.1.clone())
            .unwrap_or_default()
    }
}

/// `mantissa * 10^exponent`, rounded once.
fn decimal(mantissa: i64, exponent: i32) -> f64 {
    format!("{mantissa}e{exponent}").parse().expect("a number")
}

/// `mantissa * 10^exponent` in as few characters as say exactly that.
fn label(mantissa: i64, exponent: i32) -> String {
    if mantissa == 0 {
        return "0".to_owned();
    }
    let (mut mantissa, mut exponent) = (mantissa, exponent);
    while mantissa % 10 == 0 {
        (mantissa, exponent) = (mantissa / 10, exponent + 1);
    }
    let (sign, digits) = (if mantissa < 0 { "-" } else { "" }, mantissa.abs().to_string());
    let power = exponent + digits.len() as i32 - 1;
    let scientific = match digits.split_at(1) {
        (first, "") => format!("{sign}{first}e{power}"),
        (first, rest) => format!("{sign}{first}.{rest}e{power}"),
    };
    let plain = match (exponent, power) {
        (0.., ..5) => format!("{sign}{digits}{}", "0".repeat(exponent as usize)),
        (_, ..-4) | (0.., _) => return scientific,
        (_, ..0) => format!("{sign}0.{}{digits}", "0".repeat((-power - 1) as usize)),
        _ => {
            let (whole, rest) = digits.split_at((power + 1) as usize);
            format!("{sign}{whole}.{rest}")
        }
    };
    if plain.len() > scientific.len() + 2 { scientific } else { plain }
}

/// Whether so many labels are neither too many nor too long.
fn fits(ticks: &[(f64, String)]) -> bool {
    let longest = ticks.iter().map(|(_, label)| label.len()).max().unwrap_or(0);
    ticks.len() <= MOST_TICKS && ticks.len() * longest <= MOST_CHARACTERS
}

/// The first list that fits, or the last one of three ticks or more.
fn first_that_fits(lists: impl Iterator<Item = Vec<(f64, String)>>) -> Vec<(f64, String)> {
    let mut best = Vec::new();
    for ticks in lists {
        if fits(&ticks) && ticks.len() >= 2 {
            return ticks;
        }
        if best.is_empty() || (2..=MOST_TICKS).contains(&ticks.len()) {
            best = ticks;
        }
    }
    best
}

/// Multiples of 1, 2 or 5 times a power of ten.
fn linear_ticks(low: f64, high: f64) -> Vec<(f64, String)> {
    // Ten steps or a few more of the smallest size.
    let smallest = ((high / 10.0 - low / 10.0).log10().floor() as i32).max(-323);
    let steps = (smallest..smallest + 3).flat_map(|e| [(1, e), (2, e), (5, e)]);
    first_that_fits(steps.map(|(m, e)| {
        // More than twice as many as there is room for are not needed to see that they are too many.
        let step = decimal(m, e);
        let (first, last) = ((low / step).ceil() as i64, (high / step).floor() as i64);
        let ticks =
            (first..=last).take(2 * MOST_TICKS).map(|i| (decimal(i * m, e), label(i * m, e)));
        ticks.filter(|(x, _)| (low..=high).contains(x)).collect()
    }))
}

/// Powers of ten with 2 and 5 between them, fewer where there is no room; linear ones where a range has
/// too few of them.
fn logarithmic_ticks(low: f64, high: f64) -> Vec<(f64, String)> {
    let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
    let list = |mantissas: &'static [i64], stride: usize| {
        let powers = (first..=last).filter(move |e| e.rem_euclid(stride as i32) == 0);
        let ticks =
            powers.flat_map(move |e| mantissas.iter().map(move |m| (decimal(*m, e), label(*m, e))));
        ticks.filter(|(x, _)| (low..=high).contains(x)).collect::<Vec<_>>()
    };
    let lists = (last - first <= 4).then(|| list(&[1, 2, 5], 1));
    if lists.as_ref().is_some_and(|fine| fine.len() < 3) {
        return linear_ticks(low, high);
    }
    let strides = [1, 2, 3, 5, 10, 20, 50, 100].into_iter();
    let coarse = strides.filter(|stride| (last - first) as usize <= stride * MOST_TICKS);
    first_that_fits(lists.into_iter().chain(coarse.map(|stride| list(&[1], stride))))
}

#[cfg(test)]
mod tests {
    use rand::rngs::Xoshiro256PlusPlus;
    use rand::{RngExt, SeedableRng};

    use super::Axis;

    /// What labels say is where they are, to a hundredth of the room between two of them, and no two
    /// say the same.
    fn assert_true(axis: &Axis) {
        let ticks = axis.ticks();
        assert!((2..=12).contains(&ticks.len()), "{axis:?}");
        for (value, label) in ticks {
            assert_eq!(label.parse::<f64>().unwrap(), *value, "{axis:?}");
            assert!((axis.low..=axis.high).contains(value), "{axis:?}");
        }
        for pair in ticks.windows(2) {
            assert!(pair[0].0 < pair[1].0 && pair[0].1 != pair[1].1, "{axis:?}");
            assert!(axis.share(pair[0].0) < axis.share(pair[1].0), "{axis:?}");
        }
        assert!(ticks.iter().all(|(_, label)| label.len() <= 16), "{axis:?}");
    }

    fn labels(axis: &Axis) -> Vec<&str> {
        axis.ticks().iter().map(|tick| tick.1.as_str()).collect()
    }

    #[test]
    fn usual_ranges_have_usual_labels() {
        assert_eq!(labels(&Axis::linear(0.0, 1.0)), ["0", "0.2", "0.4", "0.6", "0.8", "1"]);
        assert_eq!(labels(&Axis::linear(1e11, 2.4e11)).first(), Some(&"1e11"));
        assert!(labels(&Axis::linear(1e11, 2.4e11)).contains(&"1.2e11"));
        assert_eq!(labels(&Axis::logarithmic(1e6, 1e9)), ["1e6", "1e7", "1e8", "1e9"]);
        assert_eq!(labels(&Axis::linear(-3.0, 3.0)), ["-3", "-2", "-1", "0", "1", "2", "3"]);
    }

    #[test]
    fn ticks_are_distinct_and_true_at_any_range() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(3);
        for _ in 0..3_000 {
            let magnitude = 10f64.powf(rng.random_range(-307.0..308.0));
            let width = 10f64.powf(rng.random_range(-9.0..3.0));
            let low = magnitude * rng.random_range(-1.0..1.0);
            let high = (low + magnitude * width).min(f64::MAX);
            assert_true(&Axis::linear(low, high));
            let low = low.abs().max(1e-307);
            assert_true(&Axis::logarithmic(low, low.max((low * (1.0 + width)).min(f64::MAX))));
            let other = 10f64.powf(rng.random_range(-307.0..308.0));
            assert_true(&Axis::logarithmic(other.min(magnitude), other.max(magnitude)));
        }
        for (low, high) in [
            (f64::MIN, f64::MAX),
            (0.0, 0.0),
            (0.0, f64::MAX),
            (-5e-324, 5e-324),
            (f64::MAX, f64::MAX),
            (f64::MIN, f64::MIN),
            (1e16, 1e16 + 4.0),
        ] {
            assert_true(&Axis::linear(low, high));
        }
        for (low, high) in [(5e-324, f64::MAX), (5e-324, 5e-324), (f64::MAX, f64::MAX), (3.0, 3.0)]
        {
            assert_true(&Axis::logarithmic(low, high));
        }
    }
}
