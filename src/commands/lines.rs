//! The lines of a file that the user names, or of stdin: one at a time, bounded, and without blocking a Ctrl-C. What they
//! say is their readers' business.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::PathBuf;

use tokio::sync::mpsc;

use super::Context;
use crate::error::{Error, Kind};

/// A line is no longer than this: room for a record of the largest body that `listen` takes (1 MiB), every byte escaped.
const LONGEST: u64 = 8 << 20;

/// How many lines are read ahead.
const AHEAD: usize = 64;

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
    incoming: mpsc::Receiver<io::Result<Vec<u8>>>,
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
        Self { source, incoming, number: 0 }
    }

    /// The next line with its line end, which the last one may lack; `None` after that.
    pub async fn next(&mut self, context: &Context) -> Result<Option<Vec<u8>>, Error> {
        let limits = &context.limits;
        let next = limits.or_interrupted(limits.within(self.incoming.recv())).await;
        let failed =
            |kind: Kind, why: String| Error::new(kind, format!("cannot read {}", self.source)).because(why);
        match next {
            Err(_) => Err(Error::new(Kind::Interrupted, "interrupted")),
            Ok(None) => Err(failed(Kind::Unavailable, "the time limit came before its end".to_owned())
                .hint("if it is a pipe, something has to write to it; --timeout gives it longer")),
            Ok(Some(Some(Err(error)))) => Err(failed(Kind::Configuration, error.to_string())),
            Ok(Some(Some(Ok(line)))) => {
                self.number += 1;
                Ok(Some(line))
            }
            Ok(Some(None)) => Ok(None),
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
fn read(source: &Source, lines: &mpsc::Sender<io::Result<Vec<u8>>>) -> io::Result<()> {
    let mut reader: Box<dyn BufRead> = match source {
        Source::Stdin => Box::new(io::stdin().lock()),
        Source::File(path) => Box::new(BufReader::new(std::fs::File::open(path)?)),
    };
    loop {
        let mut line = Vec::new();
        reader.by_ref().take(LONGEST + 1).read_until(b'\n', &mut line)?;
        if line.len() as u64 > LONGEST {
            let text = format!("a line in it is longer than {} MiB", LONGEST >> 20);
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        if line.is_empty() || lines.blocking_send(Ok(line)).is_err() {
            return Ok(());
        }
    }
}
