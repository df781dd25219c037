//! What can go wrong with the sandbox itself, as opposed to what it answers over HTTP.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why a sandbox could not be started, joined, or stopped cleanly.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// Another process holds `sandbox.lock`.
    #[error("a sandbox is already running{}", address.map(|at| format!(" at {at}")).unwrap_or_default())]
    Running {
        /// Where it listens, when that could be read.
        address: Option<SocketAddr>,
        /// Whether it is part of a command that runs, and ends with it.
        embedded: bool,
    },
    /// The address to listen on is taken or not ours.
    #[error("cannot listen on {address}")]
    Bind {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The state file is there, but it is not a state that this version can read.
    #[error("{} is not a sandbox state that vwh can read: {reason}", path.display())]
    State {
        /// The state file.
        path: PathBuf,
        /// What is wrong, and where; never a piece of the file, which holds keys.
        reason: String,
    },
    /// The state file, which holds a token and signing keys, is open to other users.
    #[error("{} can be read by other users", path.display())]
    Exposed {
        /// The state file.
        path: PathBuf,
    },
    /// Another process starts or stops the sandbox, and does not get done.
    #[error("gave up waiting for {}", path.display())]
    Busy {
        /// The lock file that stayed taken.
        path: PathBuf,
    },
    /// The clock's speed is not a number from 0 to 1,000,000.
    #[error("a speed of {speed} is not between 0 and 1000000")]
    Speed {
        /// The speed that was asked for.
        speed: f64,
    },
    /// More calls would come by themselves than any receiver keeps up with.
    #[error("at this speed no more than {most} calls a minute can come by themselves")]
    Calls {
        /// How many at most.
        most: f64,
    },
    /// A file or directory could not be read, written or locked; the text names it.
    #[error(transparent)]
    File(#[from] io::Error),
}

impl SandboxError {
    /// What to do about it, as one line for a person, where there is something to do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Running { embedded: true, .. } => {
                Some("try again when the command is done that uses it".to_owned())
            }
            Self::Running { .. } => Some("stop it with `vwh sandbox stop`".to_owned()),
            Self::Bind { .. } => {
                Some("let the system choose a port: `vwh sandbox --bind 127.0.0.1:0`".to_owned())
            }
            Self::State { .. } => Some("start a new one with `vwh sandbox reset`".to_owned()),
            Self::Exposed { path } => Some(format!("close it: chmod 600 '{}'", path.display())),
            Self::Busy { .. } => {
                Some("try again; another vwh is starting or stopping the sandbox".to_owned())
            }
            Self::Speed { .. } | Self::Calls { .. } | Self::File(_) => None,
        }
    }
}
