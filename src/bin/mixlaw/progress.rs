//! Progress on stderr for what takes longer than a moment; nothing where stderr is no terminal.

use std::borrow::Cow;
use std::io::IsTerminal as _;
use std::ops::ControlFlow;

use indicatif::{ProgressBar, ProgressStyle};
use mixlaw::optim::Progress;

/// A bar that is gone when it is dropped: drop it before something is printed.
#[derive(Debug)]
pub struct Bar(ProgressBar);

/// A bar of `what`, such as resamples. It gets its length from the call that it observes.
pub fn bar(what: impl Into<Cow<'static, str>>) -> Bar {
    if !std::io::stderr().is_terminal() {
        return Bar(ProgressBar::hidden());
    }
    let bar = ProgressBar::no_length().with_style(style("{msg} {pos}, {elapsed}"));
    Bar(bar.with_message(what))
}

const WITH_LENGTH: &str = "{msg} [{bar:24}] {pos}/{len}, {percent}%, {eta} left";

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("a template").progress_chars("=> ")
}

impl Bar {
    /// For a call that can be observed: counts what the call counts.
    pub fn observer(&self) -> impl FnMut(&Progress) -> ControlFlow<()> + Send + 'static {
        let bar = self.0.clone();
        move |progress| {
            // Several calls may share a bar, one after the other.
            let total = progress.total.map(|total| total as u64);
            if let Some(total) = total.filter(|_| bar.length() != total) {
                bar.set_length(total);
                bar.set_style(style(WITH_LENGTH));
            }
            bar.set_position(progress.done as u64);
            ControlFlow::Continue(())
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
