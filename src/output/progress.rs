//! The progress bar of a batch: on a terminal, and only once the batch has taken longer than a second.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar for a batch that ends sooner would only flicker.
const SHOWN_AFTER: Duration = Duration::from_secs(1);

/// A bar that shows itself when it is due.
pub struct Progress {
    bar: Option<ProgressBar>,
    started: Instant,
}

impl Progress {
    /// A bar over `total` items; never shown unless `is_shown`.
    #[must_use]
    pub fn new(total: usize, is_shown: bool) -> Self {
        let bar =
            is_shown.then(|| ProgressBar::with_draw_target(Some(total as u64), ProgressDrawTarget::hidden()));
        if let (Some(bar), Ok(style)) = (&bar, ProgressStyle::with_template("{wide_bar} {pos}/{len}")) {
            bar.set_style(style);
        }
        Self { bar, started: Instant::now() }
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

    /// Takes the bar away.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
