//! Where `-v` goes: the log lines of vwh itself, and of nothing else, on stderr.

use std::io;

use tracing::Level;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Starts logging at `verbosity`: 0 logs nothing and costs nothing, 1 tells of requests, 2 of decisions too.
pub fn start(verbosity: u8) {
    let level = match verbosity {
        0 => return,
        1 => Level::INFO,
        _ => Level::DEBUG,
    };
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .without_time()
        .with_target(false)
        .with_ansi(false)
        .with_filter(Targets::new().with_target("vwh", level));
    // Fails only if logging was started already.
    let _ = tracing_subscriber::registry().with(lines).try_init();
}
