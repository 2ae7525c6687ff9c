//! A folder of pictures.

use crate::Result;
use crate::flags::Given;

/// A folder to draw in.
#[derive(Debug, Clone)]
pub struct Folder {
    #[cfg(feature = "plot")]
    path: std::path::PathBuf,
}

impl Folder {
    /// The folder that `--pictures` names.
    ///
    /// # Errors
    /// If this program was built without pictures.
    #[cfg(not(feature = "plot"))]
    pub fn new(given: Given) -> Result<Self> {
        let Given { flag, text } = given;
        Err(format!(
            "--{flag}: `{text}`, expected no folder: this mixlaw was built without pictures; build it \
             with `--features cli,plot`"
        )
        .into())
    }

    /// The folder that `--pictures` names, which is made if it is not there.
    ///
    /// # Errors
    /// If it cannot be made.
    #[cfg(feature = "plot")]
    pub fn new(given: Given) -> Result<Self> {
        let path = std::path::PathBuf::from(&given.text);
        std::fs::create_dir_all(&path)
            .map_err(|error| given.wrong(&given.text, format!("a folder: {error}")))?;
        Ok(Self { path })
    }

    /// Writes a picture, and a line that it was drawn.
    ///
    /// # Errors
    /// If its file cannot be written.
    #[cfg(feature = "plot")]
    pub fn write(&self, out: &mut String, name: &str, svg: &str) -> Result<()> {
        let path = self.path.join(format!("{name}.svg"));
        std::fs::write(&path, svg).map_err(|error| format!("{}: {error}", path.display()))?;
        out.push_str(&format!("drawn: {}\n", path.display()));
        Ok(())
    }
}

/// The three domains that the optimum has most of, if there are as many.
#[cfg(feature = "plot")]
pub fn greatest_three(choice: &mixlaw::plan::Choice) -> Option<[&str; 3]> {
    let h = &choice.optimum.weights;
    let mut order: Vec<usize> = (0..choice.domains.len()).collect();
    order.sort_by(|&a, &b| h[b].total_cmp(&h[a]));
    let [a, b, c, ..] = order[..] else { return None };
    Some([a, b, c].map(|i| choice.domains[i].as_str()))
}
