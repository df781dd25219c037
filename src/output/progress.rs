//! The progress bar of a command's batches: on a terminal, and only once they have taken longer than a second.

use std::cell::{Cell, OnceCell};
use std::io::{self, Write as _};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar for a batch that ends sooner would only flicker.
const SHOWN_AFTER: Duration = Duration::from_secs(1);

/// Not as wide as the terminal: the `^C` that it echoes must fit behind the bar, or the line wraps and half of it stays.
const TEMPLATE: &str = "{bar:50} {pos}/{len}";

/// One bar for everything that the command does, which shows itself when it is due.
pub struct Progress {
    bar: Option<ProgressBar>,
    /// When there was something to do first.
    started: OnceCell<Instant>,
    /// How many hold it back.
    hidden: Cell<usize>,
}

/// Holds the bar back while something else is on the screen, such as a question.
pub struct Hidden<'a>(&'a Progress);

impl Progress {
    /// A bar over nothing yet; never shown unless `is_shown`.
    #[must_use]
    pub fn new(is_shown: bool) -> Self {
        let bar = is_shown.then(|| ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::hidden()));
        if let (Some(bar), Ok(style)) = (&bar, ProgressStyle::with_template(TEMPLATE)) {
            bar.set_style(style);
        }
        Self { bar, started: OnceCell::new(), hidden: Cell::new(0) }
    }

    /// So many more items are to be done.
    pub fn grow(&self, items: usize) {
        self.started.get_or_init(Instant::now);
        if let Some(bar) = &self.bar {
            bar.inc_length(items as u64);
        }
    }

    /// One more item is done.
    pub fn advance(&self) {
        let Some(bar) = &self.bar else { return };
        let is_due = self.started.get().is_some_and(|started| started.elapsed() > SHOWN_AFTER);
        if bar.is_hidden() && is_due && self.hidden.get() == 0 {
            bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        bar.inc(1);
    }

    /// Takes the bar away as long as the value lives: what is written meanwhile stands where it was.
    #[must_use]
    pub fn hide(&self) -> Hidden<'_> {
        self.hidden.set(self.hidden.get() + 1);
        self.clear();
        Hidden(self)
    }

    /// Takes the bar away: what is written next stands where it was. The next item brings it back.
    pub fn clear(&self) {
        if let Some(bar) = self.bar.as_ref().filter(|bar| !bar.is_hidden()) {
            bar.set_draw_target(ProgressDrawTarget::hidden());
            // `finish_and_clear` would keep it from ever coming back.
            let _ = io::stderr().lock().write_all(b"\r\x1b[2K");
        }
    }
}

impl Drop for Hidden<'_> {
    fn drop(&mut self) {
        self.0.hidden.set(self.0.hidden.get() - 1);
    }
}
