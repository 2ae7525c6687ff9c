//! Progress on stderr for what takes longer than a moment; nothing where stderr is no terminal.

use std::borrow::Cow;
use std::io::IsTerminal as _;
use std::ops::ControlFlow;

use indicatif::{ProgressBar, ProgressStyle};
use mixlaw::optim::Progress;

/// A bar that is gone when it is dropped: drop it before something is printed.
pub struct Bar(ProgressBar);

/// A bar of `what`, such as fits; one without a length gets that of the call that it observes.
pub fn bar(what: impl Into<Cow<'static, str>>, len: impl Into<Option<usize>>) -> Bar {
    if !std::io::stderr().is_terminal() {
        return Bar(ProgressBar::hidden());
    }
    let (bar, template) = match len.into() {
        Some(len) => (ProgressBar::new(len as u64), WITH_LENGTH),
        None => (ProgressBar::no_length(), "{msg} {pos}, {elapsed}"),
    };
    Bar(bar.with_style(style(template)).with_message(what))
}

const WITH_LENGTH: &str = "{msg} [{bar:24}] {pos}/{len}, {percent}%, {eta} left";

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("a template").progress_chars("=> ")
}

impl Bar {
    /// One more is done.
    pub fn step(&self) {
        self.0.inc(1);
    }

    /// For a call that can be observed: counts what the call counts, from where the bar is now.
    pub fn observer(&self) -> impl FnMut(&Progress) -> ControlFlow<()> + Send + 'static {
        let (bar, first) = (self.0.clone(), self.0.position());
        move |progress| {
            if let (None, Some(total)) = (bar.length(), progress.total) {
                bar.set_length(first + total as u64);
                bar.set_style(style(WITH_LENGTH));
            }
            bar.set_position(first + progress.done as u64);
            ControlFlow::Continue(())
        }
    }

    /// Prints a line to stderr beside the bar.
    pub fn note(&self, line: &str) {
        self.0.suspend(|| eprintln!("{line}"));
    }
}
