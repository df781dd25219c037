//! The progress bar of a command's batches: on a terminal, and only once they have taken longer than a second.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar for a batch that ends sooner would only flicker.
const SHOWN_AFTER: Duration = Duration::from_secs(1);

/// One bar for everything that the command does, which shows itself when it is due.
pub struct Progress {
    bar: Option<ProgressBar>,
    started: Instant,
}

impl Progress {
    /// A bar over nothing yet; never shown unless `is_shown`.
    #[must_use]
    pub fn new(is_shown: bool) -> Self {
        let bar = is_shown.then(|| ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::hidden()));
        if let (Some(bar), Ok(style)) = (&bar, ProgressStyle::with_template("{wide_bar} {pos}/{len}")) {
            bar.set_style(style);
        }
        Self { bar, started: Instant::now() }
    }

    /// So many more items are to be done.
    pub fn grow(&self, items: usize) {
        if let Some(bar) = &self.bar {
            bar.inc_length(items as u64);
        }
    }

    /// One more item is done.
    pub fn advance(&self) {
        if let Some(bar) = &self.bar {
            if bar.is_hidden() && self.started.elapsed() > SHOWN_AFTER {
                bar.set_draw_target(ProgressDrawTarget::stderr());
            }
            bar.inc(1);
        }
    }

    /// Takes the bar away: what is written next stands where it was. The next item brings it back.
    pub fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
    }
}
