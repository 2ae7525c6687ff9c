//! `mixlaw sure`: how sure are we? Intervals for fits, predictions and mixtures, what the data does not
//! determine, which law predicts best, how many runs are enough, and which to run next.

mod decide;
mod examine;
mod learn;
#[cfg(feature = "plot")]
mod pictures;

use serde_json::json;

use super::Command;
use crate::Result;
use crate::bootstrapped;
use crate::flags::{Flags, Given, against};
use crate::goals;
use crate::load::Data;
use crate::pictures::Folder;
use crate::report::Report;
use decide::Decided;
use examine::Examined;

/// Its own flags.
#[derive(Debug)]
pub struct Sure {
    resamples: usize,
    level: f64,
    against: Option<(Given, Vec<(String, f64)>)>,
    pictures: Option<Folder>,
}

impl Default for Sure {
    fn default() -> Self {
        Self { resamples: bootstrapped::RESAMPLES, level: 0.9, against: None, pictures: None }
    }
}

impl Command for Sure {
    const NAME: &'static str = "sure";
    const ABOUT: &'static str = "Says how sure fits and mixtures are";
    const SHARED: &'static [&'static str] = super::fit::Fit::SHARED;
    const LAWS: &'static str = "joint,full, the predictor that the crate recommends";
    const HELP: &'static str =
        "  --resamples R           resampled fits, from 20 to 1000000 [default: 200]
  --level P               of the intervals and the region, between 0 and 1 [default: 0.9]
  --against A=W,B=W       a mixture to compare the choice with, such as the one in use; beside
                          uniform and the mean of the train rows
  --pictures DIR          draw pictures there (built with --features cli,plot)
The laws are averaged, rows count by their compute, and the coefficients have a prior.";

    fn take(&mut self, flag: &str, value: &mut dyn FnMut() -> Result<Given>) -> Result<bool> {
        match flag {
            "resamples" => self.resamples = bootstrapped::resamples(&value()?)?,
            "level" => self.level = value()?.share()?,
            "against" => self.against = Some(against(value()?)?),
            "pictures" => self.pictures = Some(Folder::new(value()?)?),
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn run(&self, flags: &Flags) -> Result<Report> {
        let laws = flags.laws_or(&bootstrapped::LAWS)?;
        let data = Data::load(flags)?;
        let rivals = decide::rivals(&data.train, self.against.as_ref())?;
        let predictors = bootstrapped::predictors(&laws, &data, flags, self.resamples)?;
        let examined = predictors
            .iter()
            .map(|predictor| Examined::new(predictor, &data, self.level))
            .collect::<Result<Vec<_>>>()?;
        let mut text = String::new();
        examine::write(&mut text, &examined, &data, self.level, self.resamples)?;

        let fitted: Vec<String> = predictors.iter().map(|p| p.target().to_owned()).collect();
        let mut decided = Vec::new();
        for targets in goals::goals(&laws.join(" + "), &fitted, &data, flags)? {
            let plan = bootstrapped::plan(&targets, &predictors)?;
            let one = Decided::new(&plan, targets, &data, &rivals, self.level)?;
            one.write(&mut text)?;
            decided.push((plan, one));
        }
        let curves = learn::learn(&mut text, &data.train, &fitted[0], data.scale, flags.seed)?;
        #[cfg(feature = "plot")]
        if let Some(folder) = &self.pictures {
            let out = &mut text;
            pictures::draw(folder, out, &predictors, &decided, &curves, &data, self.level)?;
        }
        let json = json!({
            "level": self.level,
            "n": data.scale.n,
            "d": data.scale.d,
            "fits": examined.iter().map(|x| x.json(self.level)).collect::<Result<Vec<_>>>()?,
            "mixtures": decided.iter().map(|(_, x)| x.json()).collect::<Vec<_>>(),
            "learning": curves.iter().map(|x| x.json(&fitted[0])).collect::<Vec<_>>(),
        });
        Ok(Report { text, json })
    }
}
