//! Where `-v` goes: the log lines of vwh itself, and of nothing else, on stderr.

use std::fmt::{self, Write as _};
use std::io;

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::text::inert;

/// Starts logging at `verbosity`: 0 logs nothing and costs nothing, 1 tells of requests, 2 of decisions too.
pub fn start(verbosity: u8) {
    let level = match verbosity {
        0 => return,
        1 => Level::INFO,
        _ => Level::DEBUG,
    };
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .event_format(Line)
        .with_filter(Targets::new().with_target("vwh", level));
    // Fails only if logging was started already.
    let _ = tracing_subscriber::registry().with(lines).try_init();
}

/// `info: GET … 200`: the level and the message, which may repeat what a service sent.
struct Line;

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut message = Message::default();
        event.record(&mut message);
        let level = event.metadata().level().as_str().to_ascii_lowercase();
        writeln!(writer, "{level}: {}", inert(&message.0))
    }
}

/// The text of an event; vwh's own have nothing else.
#[derive(Default)]
struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            // Writing to a `String` does not fail.
            let _ = write!(self.0, "{value:?}");
        }
    }
}
