//! The progress bar of a command's batches: on a terminal, and only once they have taken longer than a second.

use std::cell::Cell;
use std::io::{self, Write as _};
use std::time::{Duration, Instant};

/// A bar for a batch that ends sooner would only flicker.
const SHOWN_AFTER: Duration = Duration::from_secs(1);

/// A terminal need not draw more often than an eye can follow.
const DRAWN_EVERY: Duration = Duration::from_millis(100);

/// Cells of the bar. It is short and ends its line early: the `^C` that a terminal echoes has to fit behind it, or the line
/// would wrap and half of it stay.
const CELLS: usize = 40;

/// One bar for everything that the command does, which shows itself when it is due.
#[derive(Default)]
pub struct Progress {
    is_shown: bool,
    done: Cell<usize>,
    total: Cell<usize>,
    /// When there was something to do first.
    started: Cell<Option<Instant>>,
    /// When it was drawn last; `None` if it is not on the screen.
    drawn: Cell<Option<Instant>>,
    /// How many hold it back.
    hidden: Cell<usize>,
}

/// Holds the bar back while something else is on the screen, such as a question.
pub struct Hidden<'a>(&'a Progress);

impl Progress {
    /// A bar over nothing yet; never shown unless `is_shown`.
    #[must_use]
    pub fn new(is_shown: bool) -> Self {
        Self { is_shown, ..Self::default() }
    }

    /// So many more items are to be done.
    pub fn grow(&self, items: usize) {
        self.total.set(self.total.get() + items);
        self.started.set(self.started.get().or_else(|| Some(Instant::now())));
    }

    /// One more item is done.
    pub fn advance(&self) {
        self.done.set(self.done.get() + 1);
        let is_due = self.started.get().is_some_and(|started| started.elapsed() > SHOWN_AFTER);
        let is_fresh = self.drawn.get().is_some_and(|drawn| drawn.elapsed() < DRAWN_EVERY);
        if self.is_shown && is_due && !is_fresh && self.hidden.get() == 0 {
            self.drawn.set(Some(Instant::now()));
            write(&format!("\r{}\x1b[K", bar(self.done.get(), self.total.get())));
        }
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
        if self.drawn.take().is_some() {
            write("\r\x1b[K");
        }
    }
}

impl Drop for Hidden<'_> {
    fn drop(&mut self) {
        self.0.hidden.set(self.0.hidden.get() - 1);
    }
}

/// `[####----] 57 of 90`, with [`CELLS`] cells.
fn bar(done: usize, total: usize) -> String {
    let filled = (done * CELLS).checked_div(total).unwrap_or_default().min(CELLS);
    format!("[{}{}] {done} of {total}", "#".repeat(filled), "-".repeat(CELLS - filled))
}

/// A stderr that cannot be written to is no reason to stop.
fn write(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::bar;

    #[test]
    fn it_fills_with_what_is_done() {
        assert_eq!(bar(0, 0), format!("[{}] 0 of 0", "-".repeat(40)));
        assert_eq!(bar(45, 90), format!("[{}{}] 45 of 90", "#".repeat(20), "-".repeat(20)));
        assert_eq!(bar(89, 90), format!("[{}-] 89 of 90", "#".repeat(39)));
        assert_eq!(bar(90, 90), format!("[{}] 90 of 90", "#".repeat(40)));
    }
}
