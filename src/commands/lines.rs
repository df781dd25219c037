//! The lines of a file that the user names, or of stdin: one at a time, bounded, and without blocking a Ctrl-C. What they
//! say is their readers' business.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, BufRead as _, BufReader, Read};
use std::path::PathBuf;

use tokio::sync::mpsc;

use super::Context;
use crate::error::{Error, Kind};

/// A line is no longer than this: room for a record of the largest body that `listen` takes (1 MiB), every byte escaped.
const LONGEST: u64 = 8 << 20;

/// Lines that have arrived together are handed over together, up to so many: else the hand-over takes longer than reading.
const TOGETHER: usize = 256;

/// How much is read at once.
const BUFFER: usize = 64 << 10;

/// How many of these handfuls are read ahead.
const AHEAD: usize = 2;

/// Where lines come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Standard input.
    Stdin,
    /// A file, which may be a pipe.
    File(PathBuf),
}

/// Lines that are being read.
pub struct Lines {
    source: Source,
    incoming: mpsc::Receiver<io::Result<VecDeque<Vec<u8>>>>,
    arrived: VecDeque<Vec<u8>>,
    number: usize,
}

impl From<PathBuf> for Source {
    fn from(path: PathBuf) -> Self {
        if path.as_os_str() == "-" { Self::Stdin } else { Self::File(path) }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdin => formatter.write_str("stdin"),
            Self::File(path) => write!(formatter, "{}", path.display()),
        }
    }
}

impl Lines {
    /// Begins to read `source`.
    #[must_use]
    pub fn of(source: Source) -> Self {
        let (sender, incoming) = mpsc::channel(AHEAD);
        let named = source.clone();
        // A thread of its own: one that waits for a pipe must not keep the program from ending.
        std::thread::spawn(move || {
            if let Err(error) = read(&named, &sender) {
                let _ = sender.blocking_send(Err(error));
            }
        });
        Self { source, incoming, arrived: VecDeque::new(), number: 0 }
    }

    /// The next line with its line end, which the last one may lack; `None` after that.
    pub async fn next(&mut self, context: &Context) -> Result<Option<Vec<u8>>, Error> {
        if self.arrived.is_empty() {
            self.arrived = self.receive(context).await?;
        }
        let line = self.arrived.pop_front();
        self.number += usize::from(line.is_some());
        Ok(line)
    }

    /// The next lines; none at the end.
    async fn receive(&mut self, context: &Context) -> Result<VecDeque<Vec<u8>>, Error> {
        let limits = &context.limits;
        let received = limits.or_interrupted(limits.within(self.incoming.recv())).await;
        let failed =
            |kind: Kind, why: String| Error::new(kind, format!("cannot read {}", self.source)).because(why);
        match received {
            Err(_) => Err(Error::new(Kind::Interrupted, "interrupted")),
            Ok(None) => Err(failed(Kind::Unavailable, "the time limit came before its end".to_owned())
                .hint("if it is a pipe, something has to write to it; --timeout gives it longer")),
            Ok(Some(Some(Err(error)))) => Err(failed(Kind::Configuration, error.to_string())
                .hint("name a file that is there and that you may read")),
            Ok(Some(Some(Ok(lines)))) => Ok(lines),
            Ok(Some(None)) => Ok(VecDeque::new()),
        }
    }

    /// The number of the line that was given last, counted from 1.
    #[must_use]
    pub const fn number(&self) -> usize {
        self.number
    }

    /// Where they come from.
    #[must_use]
    pub const fn source(&self) -> &Source {
        &self.source
    }
}

/// Sends every line of `source` until nobody wants more.
fn read(source: &Source, handfuls: &mpsc::Sender<io::Result<VecDeque<Vec<u8>>>>) -> io::Result<()> {
    let file: Box<dyn Read> = match source {
        Source::Stdin => Box::new(io::stdin().lock()),
        Source::File(path) => Box::new(std::fs::File::open(path)?),
    };
    let mut reader = BufReader::with_capacity(BUFFER, file);
    loop {
        let mut lines = VecDeque::new();
        let ended = handful(&mut reader, &mut lines);
        // What came before the end is handed over whatever the end is.
        let is_wanted = lines.is_empty() || handfuls.blocking_send(Ok(lines)).is_ok();
        if !is_wanted || ended? {
            return Ok(());
        }
    }
}

/// Adds what has arrived to `lines`, a line at least; `true` at the end. What has not arrived yet is not waited for.
fn handful(reader: &mut BufReader<Box<dyn Read>>, lines: &mut VecDeque<Vec<u8>>) -> io::Result<bool> {
    while lines.len() < TOGETHER {
        let mut line = Vec::new();
        reader.by_ref().take(LONGEST + 1).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Ok(true);
        }
        if line.len() as u64 > LONGEST {
            let text = format!("a line in it is longer than {} MiB", LONGEST >> 20);
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        lines.push_back(line);
        if !reader.buffer().contains(&b'\n') {
            break;
        }
    }
    Ok(false)
}
