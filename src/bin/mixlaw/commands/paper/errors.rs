//! Tables 8 and 4: errors of the four laws.

use std::fmt::Write as _;

use super::figures::{LAWS, TABLE_4, TABLE_8, TARGETS};
use super::{HEADS, Largest};
use crate::Result;
use crate::laws::Fitted;
use crate::report::percent;

/// Writes them; returns the largest differences of train, 3B and mean 3B errors.
///
/// # Errors
/// Never: a text takes all.
pub fn write(out: &mut String, fits: &[Fitted]) -> Result<[Largest; 3]> {
    let [mut train, mut held_out, mut means] = [(); 3].map(|()| Largest::default());
    let mut table_4 = String::new();
    writeln!(out, "Table 8, mean relative error in percent\n")?;
    writeln!(out, "{:24}  {:^23}   {:^23}", "", "train", "3B")?;
    writeln!(out, "{:24}  {HEADS}   {HEADS}", "")?;
    for (j, law) in LAWS.into_iter().enumerate() {
        let (mut ours_train, mut ours_held_out) = (0.0, 0.0);
        for (target, paper) in TARGETS.into_iter().zip(TABLE_8.map(|row| row[j])) {
            let own = |x: &&Fitted| x.law == law && x.fit.target() == target;
            let fitted = fits.iter().find(own).expect("every law was fitted to every target");
            let mre_train = percent(fitted.mre_train);
            let mre_eval = percent(fitted.mre_eval.expect("there are eval rows"));
            ours_train += mre_train / 7.0;
            ours_held_out += mre_eval / 7.0;
            let name = format!("{law} {target}");
            let train = train.cell(&name, mre_train, paper.0, 2);
            let held_out = held_out.cell(&name, mre_eval, paper.1, 2);
            writeln!(out, "{name:24}  {train}   {held_out}")?;
        }
        let paper_train = TABLE_8.iter().map(|row| row[j].0 / 7.0).sum::<f64>();
        let difference = ours_train - paper_train;
        let mean = means.cell(law, ours_held_out, TABLE_4[j], 2);
        let name = format!("{law} mean");
        writeln!(
            out,
            "{name:24}  {ours_train:7.2} {paper_train:7.2} {difference:+7.2}   {mean}\n"
        )?;
        table_4 += &format!("{law:24}  {mean}\n");
    }
    writeln!(
        out,
        "Table 4, mean relative error of the 3B rows in percent, mean of the seven domains\n\n\
         {:24}  {HEADS}\n{table_4}\n\
         The 3B figures cannot agree exactly: which rows the paper used, and how it counted N, is\n\
         not public. The joint law's train figures are those of `--gamma positive`.\n",
        ""
    )?;
    Ok([train, held_out, means])
}
