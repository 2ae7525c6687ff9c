//! Numbers as tables have them.

/// What a weight in a table is.
///
/// ```
/// use mixlaw::sweep::{SweepReader, Weights};
///
/// let read = |weights, cells| {
///     let text = format!("n_params,n_tokens,h_web,h_code,loss_qa\n1e8,2e9,{cells},2.9\n");
///     SweepReader::new().weights_as(weights).read_from(text.as_bytes()).map(|(sweep, _)| sweep)
/// };
/// let fractions = read(Weights::Fraction, "0.125,0.875")?;
/// assert_eq!(fractions, read(Weights::Percent, "12.50%,87.5")?);
/// assert_eq!(fractions, read(Weights::Tokens, "250000000,1750000000")?);
/// # Ok::<(), mixlaw::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Weights {
    /// A share of the tokens; those of a row sum to 1.
    #[default]
    Fraction,
    /// A share in percent, with or without the sign: `12.5`, `12.50%`. Those of a row sum to 100, and
    /// the fraction is the one that the same digits would be with the point moved.
    Percent,
    /// A number of tokens, or of anything else that the shares are shares of: each is divided by the
    /// sum of its row. With [`SweepReader::units`](super::SweepReader::units) they may have units too.
    Tokens,
}

/// Reads numbers; its text is scratch.
#[derive(Debug, Default)]
pub(super) struct Numbers(String);

/// A number with or without units, as errors say what they expect.
pub(super) const WITH_UNITS: &str = "a number, with or without K, M, B, G or T";
/// A number in percent.
pub(super) const IN_PERCENT: &str = "a number in percent";

impl Numbers {
    /// The number, with its unit if it has one. The digits get an exponent, so that `18.92M` is
    /// 18.92e6 to the bit.
    pub(super) fn with_unit(&mut self, cell: &str) -> Option<f64> {
        let exponent = match cell.bytes().next_back()?.to_ascii_uppercase() {
            b'K' => "e3",
            b'M' => "e6",
            b'B' | b'G' => "e9",
            b'T' => "e12",
            _ => return cell.parse().ok(),
        };
        self.shifted(&cell[..cell.len() - 1], exponent)
    }

    /// The fraction that a number in percent is.
    pub(super) fn percent(&mut self, cell: &str) -> Option<f64> {
        let digits = cell.strip_suffix('%').unwrap_or(cell).trim_end();
        // With an exponent of its own, or `inf` and `NaN`, which are refused as what they are.
        self.shifted(digits, "e-2").or_else(|| digits.parse::<f64>().ok().map(|x| x / 100.0))
    }

    fn shifted(&mut self, digits: &str, exponent: &str) -> Option<f64> {
        self.0.clear();
        self.0.push_str(digits.trim_end());
        self.0.push_str(exponent);
        self.0.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_move_the_point_and_do_not_round() {
        let read = |cell: &str| Numbers::default().with_unit(cell);
        for (cell, expected) in [
            ("1.3B", 1.3e9),
            ("1.3 b", 1.3e9),
            ("410M", 410e6),
            ("18.92m", 18.92e6),
            ("70k", 70e3),
            ("70K", 70e3),
            ("2G", 2e9),
            ("1.4T", 1.4e12),
            ("7e9", 7e9),
            (".5M", 0.5e6),
            ("-3M", -3e6),
            ("12", 12.0),
        ] {
            assert_eq!(read(cell), Some(expected), "{cell}");
        }
        // Twice scaled, no digits, binary units, thousands and units of another kind.
        for cell in ["1e3M", "M", "", "KB", "1KB", "1Ki", "1,300K", "1 300", "infB", "nanK", "5µ"]
        {
            assert_eq!(read(cell), None, "{cell}");
        }
    }

    #[test]
    fn percent_is_the_fraction_of_the_same_digits() {
        let read = |cell: &str| Numbers::default().percent(cell);
        for (cell, expected) in [
            ("12.50%", 0.125),
            ("12.50 %", 0.125),
            ("33.33", 0.3333),
            ("100", 1.0),
            ("1e1%", 0.1),
            ("-7%", -0.07),
        ] {
            assert_eq!(read(cell), Some(expected), "{cell}");
        }
        assert_eq!(read("inf"), Some(f64::INFINITY));
        for cell in ["%", "", "12%%", "a%", "12,5%"] {
            assert_eq!(read(cell), None, "{cell}");
        }
    }
}
