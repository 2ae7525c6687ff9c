//! The flags about what a mixture must keep.

use mixlaw::simplex::Constraints;

use crate::Result;
use crate::flags::Given;
use crate::load::Data;

/// The limits of the command line, in its order.
#[derive(Debug, Default)]
pub struct Limits {
    list: Vec<(Given, Limit)>,
    /// Stay within the weights that were trained with.
    trained_box: bool,
}

#[derive(Debug)]
enum Limit {
    AtLeast(String, f64),
    AtMost(String, f64),
    Group { domains: Vec<String>, least: f64, most: f64 },
    Epochs { domain: String, tokens: f64, epochs: f64 },
}

impl Limit {
    fn add_to(&self, all: Constraints) -> Constraints {
        match self {
            Self::AtLeast(domain, weight) => all.at_least(domain, *weight),
            Self::AtMost(domain, weight) => all.at_most(domain, *weight),
            Self::Group { domains, least, most } => all.group(domains, *least, *most),
            Self::Epochs { domain, tokens, epochs } => all.epochs(domain, *tokens, *epochs),
        }
    }
}

/// `NAME=A:B`.
fn range<'a>(given: &'a Given, expected: &str) -> Result<(&'a str, f64, f64)> {
    let (name, ends) = given.sides(&given.text, '=', expected)?;
    let (a, b) = given.sides(ends, ':', expected)?;
    Ok((name, given.number(a)?, given.number(b)?))
}

impl Limits {
    /// Takes a flag; false if it is not one of a limit.
    ///
    /// # Errors
    /// If its value is not of the right form.
    pub fn take(&mut self, flag: &str, value: &mut dyn FnMut() -> Result<Given>) -> Result<bool> {
        if flag == "box" {
            self.trained_box = true;
            return Ok(true);
        }
        if !["cap", "min", "max", "group"].contains(&flag) {
            return Ok(false);
        }
        let given = value()?;
        let limit = match flag {
            "cap" => {
                let (domain, tokens, epochs) = range(&given, "DOMAIN=TOKENS:EPOCHS")?;
                Limit::Epochs { domain: domain.to_owned(), tokens, epochs }
            }
            "group" => {
                let (domains, least, most) = range(&given, "A+B=LEAST:MOST")?;
                let domains = domains.split('+').map(|domain| domain.trim().to_owned()).collect();
                Limit::Group { domains, least, most }
            }
            _ => {
                let (domain, weight) = given.sides(&given.text, '=', "DOMAIN=WEIGHT")?;
                let (domain, weight) = (domain.to_owned(), given.number(weight)?);
                let is_least = flag == "min";
                if is_least {
                    Limit::AtLeast(domain, weight)
                } else {
                    Limit::AtMost(domain, weight)
                }
            }
        };
        self.list.push((given, limit));
        Ok(true)
    }

    /// Whether the trained box is one of them.
    pub fn is_box(&self) -> bool {
        self.trained_box
    }

    /// What they are together.
    pub fn constraints(&self, data: &Data) -> Constraints {
        let all = self.list.iter().fold(Constraints::new(), |all, (_, limit)| limit.add_to(all));
        if self.trained_box { all.trained_box(&data.train, 0.0) } else { all }
    }

    /// Checks each of them, and where D is known whether they can be kept together.
    ///
    /// # Errors
    /// For one that is about an unknown domain or has a number out of its range, and for some that
    /// cannot be kept together.
    pub fn check(&self, data: &Data, d: Option<f64>) -> Result<()> {
        let domains = data.train.domains();
        for (Given { flag, text }, limit) in &self.list {
            let alone = limit.add_to(Constraints::new());
            let region = alone.region(domains, d.unwrap_or(f64::INFINITY));
            region.map_err(|error| format!("--{flag}: `{text}`: {error}"))?;
        }
        if let Some(d) = d {
            let mut flags: Vec<String> =
                self.list.iter().map(|(given, _)| format!("--{}", given.flag)).collect();
            flags.extend(self.trained_box.then(|| "--box".to_owned()));
            flags.dedup();
            let region = self.constraints(data).region(domains, d);
            region.map_err(|error| format!("{}: {error}", flags.join(", ")))?;
        }
        Ok(())
    }
}
