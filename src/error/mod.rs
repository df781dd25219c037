//! The error that reaches the user, and the only place that picks exit codes.
//!
//! Lower modules fail with their own errors; `From` turns them into a kind, a sentence and a hint here. Commands add what
//! they were doing. Printing is `output`'s.

mod cure;
mod hint;

use std::io;
use std::process::ExitCode;

use crate::files::FileError;
use crate::http::fault::Fault;
use crate::http::{AuthorizeError, HttpError, NoToken, NoTokenCause};
use crate::output::{ErrorView, OutputError};
use crate::quoting::quoted;
use crate::sandbox::SandboxError;
use crate::settings::SettingsError;

/// How a run ended when nothing went wrong with the run itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitStatus {
    /// Done.
    Success,
    /// Ran, and the answer is no.
    Failure,
    /// `check`: WARNING.
    Warning,
    /// `check`: CRITICAL.
    Critical,
    /// `check`: UNKNOWN, any error included.
    Unknown,
}

impl ExitStatus {
    /// The exit code; of `check` it is that of monitoring plugins (design §1).
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Failure | Self::Warning => 1,
            Self::Critical => 2,
            Self::Unknown => 3,
        }
    }
}

/// What kind of failure it is: the name in JSON and the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A guard, or some items failed: 1.
    Failure,
    /// The command line: 2.
    Usage,
    /// Configuration, or a file the user named: 2.
    Configuration,
    /// Not signed in, or not allowed: 3.
    Authentication,
    /// No such webhook: 4.
    NotFound,
    /// Try again later: 5.
    Unavailable,
    /// The service rejected the request: 6.
    Rejected,
    /// Needs a confirmation that was not given: 7.
    Confirmation,
    /// Undecodable reply, local I/O: 70.
    Internal,
    /// Ctrl-C, SIGTERM or SIGHUP: 130.
    Interrupted,
    /// Whoever read our output has gone: 0, quietly.
    BrokenPipe,
}

/// A failure: its kind, what failed, why, and the next step.
#[derive(Clone, Debug)]
pub struct Error {
    /// Kind.
    pub kind: Kind,
    /// What failed, on what.
    pub message: String,
    /// Why, outermost first.
    pub causes: Vec<String>,
    /// What to type next.
    pub hint: Option<String>,
    /// The HTTP status, if a service answered.
    pub status: Option<u16>,
    /// The profile it is about, where several were asked for.
    pub profile: Option<String>,
}

impl Kind {
    /// The name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Failure => "failure",
            Self::Usage => "usage",
            Self::Configuration => "configuration",
            Self::Authentication => "authentication",
            Self::NotFound => "not-found",
            Self::Unavailable => "unavailable",
            Self::Rejected => "rejected",
            Self::Confirmation => "confirmation",
            Self::Internal => "internal",
            Self::Interrupted => "interrupted",
            Self::BrokenPipe => "broken-pipe",
        }
    }

    const fn code(self) -> u8 {
        match self {
            Self::BrokenPipe => 0,
            Self::Failure => 1,
            Self::Usage | Self::Configuration => 2,
            Self::Authentication => 3,
            Self::NotFound => 4,
            Self::Unavailable => 5,
            Self::Rejected => 6,
            Self::Confirmation => 7,
            Self::Internal => 70,
            Self::Interrupted => 130,
        }
    }
}

/// The exit code of a run.
#[must_use]
pub fn exit_code(result: &Result<ExitStatus, Error>) -> ExitCode {
    ExitCode::from(match result {
        Ok(status) => status.code(),
        Err(error) => error.kind.code(),
    })
}

impl Error {
    /// An error without causes or hint.
    #[must_use]
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), causes: Vec::new(), hint: None, status: None, profile: None }
    }

    /// The same, about this one of several profiles.
    #[must_use]
    pub fn of_profile(self, profile: &str) -> Self {
        Self { profile: Some(profile.to_owned()), ..self }
    }

    /// The same, of another kind.
    #[must_use]
    pub fn of_kind(self, kind: Kind) -> Self {
        Self { kind, ..self }
    }

    /// With the next step.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// With what was being done when it failed.
    #[must_use]
    pub fn while_doing(mut self, what: impl Into<String>) -> Self {
        self.causes.insert(0, std::mem::replace(&mut self.message, what.into()));
        self
    }

    /// With its cause.
    #[must_use]
    pub fn because(mut self, cause: impl Into<String>) -> Self {
        self.causes.push(cause.into());
        self
    }

    /// As it is shown.
    #[must_use]
    pub fn view(&self) -> ErrorView<'_> {
        ErrorView {
            kind: self.kind.name(),
            message: &self.message,
            hint: self.hint.as_deref(),
            status: self.status,
            causes: &self.causes,
            profile: self.profile.as_deref(),
        }
    }

    /// Whether the service said no to the request itself, so that nothing came of it.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        self.status.is_some() && matches!(self.kind, Kind::Authentication | Kind::Rejected)
    }

    /// Whether the token is of no use, for this request or any other.
    #[must_use]
    pub fn is_about_token(&self) -> bool {
        self.kind == Kind::Authentication && self.status != Some(403)
    }

    /// Everything in one sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        std::iter::once(&self.message).chain(&self.causes).map(String::as_str).collect::<Vec<_>>().join(": ")
    }
}

impl From<HttpError> for Error {
    fn from(error: HttpError) -> Self {
        let message = error.to_string();
        match error {
            HttpError::Authorize(error) => error.into(),
            HttpError::Connect { source, .. } => {
                let cause = source.to_string();
                let hint = if cause.contains("certificate") {
                    "check the base URL; a private root certificate is added with SSL_CERT_FILE"
                } else if cause.starts_with("through the proxy") {
                    "check HTTPS_PROXY; NO_PROXY lists hosts that are reached without it"
                } else {
                    "check the base URL and the network, then run the command again"
                };
                Self { causes: vec![cause], ..Self::new(Kind::Unavailable, message).hint(hint) }
            }
            HttpError::Broken { source, .. } => Self {
                causes: vec![source.to_string()],
                ..Self::new(Kind::Unavailable, message).hint("run the command again in a moment")
            },
            HttpError::TimeLimit { .. } => {
                Self::new(Kind::Unavailable, message).hint("run it again, with a longer --timeout if need be")
            }
            HttpError::Throttled { .. } => Self::new(Kind::Unavailable, message)
                .hint("run it again after that, or give it a longer --timeout to wait it out"),
            HttpError::Redirect { status, .. } => Self {
                status: Some(status),
                ..Self::new(Kind::Rejected, message)
                    .hint("a token is never sent on to another address: set the base URL to the right one")
            },
            HttpError::Fault { host, fault } => of_fault(message, &host, &fault),
            HttpError::Ambiguous { source } => {
                let Self { message: cause, causes, status, .. } = Self::from(*source);
                let causes = std::iter::once(cause).chain(causes).collect();
                Self { causes, status, ..Self::new(Kind::Unavailable, message) }
            }
            HttpError::Undone { source, .. } => Self {
                causes: vec![source.to_string()],
                ..Self::new(Kind::Unavailable, message)
                    .hint("vwh list shows what is there by now; then run this again")
            },
            HttpError::Renewed => Self::new(Kind::Unavailable, message).hint("run it again"),
            HttpError::Absent { .. } => Self::new(Kind::NotFound, message),
            HttpError::Undecodable { .. } => Self::new(Kind::Internal, message)
                .hint("check the base URL; if it is right, -vv shows the headers of what the service sent"),
            HttpError::Taken { id, .. } => Self::new(Kind::Rejected, message)
                .hint("--replace puts the new one in its place; or change it with: vwh update ID --url URL")
                .about(&[id]),
            HttpError::Differs { .. } => Self::new(Kind::Failure, message)
                .hint("somebody else may have changed the customer at the same moment: look at it, then run this again"),
            HttpError::Unsupported { .. } => Self::new(Kind::Usage, message).hint("vwh --help says what each service can do"),
            HttpError::Interrupted => Self::new(Kind::Interrupted, message),
        }
    }
}

fn of_fault(message: String, host: &str, fault: &Fault) -> Error {
    let kind = match fault.status {
        401 | 403 => Kind::Authentication,
        404 | 410 => Kind::NotFound,
        408 | 429 | 500..=599 => Kind::Unavailable,
        _ if fault.meaning() == crate::http::fault::Meaning::Transient => Kind::Unavailable,
        _ => Kind::Rejected,
    };
    let hint = cure::of_fault(host, fault);
    Error { status: Some(fault.status), hint, ..Error::new(kind, message) }
}

impl From<AuthorizeError> for Error {
    fn from(error: AuthorizeError) -> Self {
        let AuthorizeError { message, hint, reason, source } = error;
        let known = match &source {
            // What is known is known of the sign-in of people.
            Some(NoTokenCause::Service(error)) if reason != NoToken::ClientRefused => match error.as_ref() {
                HttpError::Fault { host, fault } => cure::known(host, fault).map(str::to_owned),
                _ => None,
            },
            _ => None,
        };
        let cause = source.map(|source| match source {
            NoTokenCause::Service(error) => Self::from(*error),
            NoTokenCause::File(error) => error.into(),
        });
        let kind = match (reason, &cause) {
            (NoToken::Configuration, _) => Kind::Configuration,
            (NoToken::NotSignedIn | NoToken::ClientRefused, _) => Kind::Authentication,
            (NoToken::TimedOut, _) => Kind::Unavailable,
            (NoToken::Interrupted, _) => Kind::Interrupted,
            (NoToken::Failed, Some(cause)) => cause.kind,
            (NoToken::Failed, None) => Kind::Internal,
        };
        let Some(cause) = cause else { return Self { hint, ..Self::new(kind, message) } };
        Self {
            causes: std::iter::once(cause.message).chain(cause.causes).collect(),
            hint: known.or(hint).or(cause.hint),
            status: cause.status,
            ..Self::new(kind, message)
        }
    }
}

impl From<SettingsError> for Error {
    fn from(error: SettingsError) -> Self {
        Self { hint: error.hint, ..Self::new(Kind::Configuration, error.message) }
    }
}

impl From<FileError> for Error {
    fn from(error: FileError) -> Self {
        let message = error.to_string();
        match error {
            FileError::Io(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Self::new(kind_of(&error), message).hint("move away what is in the file's place")
            }
            FileError::Io(error) => Self::new(kind_of(&error), message)
                .hint("check that the disk has room and the directory is yours"),
            FileError::Directory { source, .. } => {
                Self { hint: place_hint(&source), ..Self::new(kind_of(&source), message) }
            }
            FileError::Exposed(path) => Self::new(Kind::Configuration, message).hint(format!(
                "it may hold secrets; close it with: chmod 600 {}",
                quoted(&path.display().to_string())
            )),
            FileError::Locked(_) => Self::new(Kind::Unavailable, message)
                .hint("wait until the other vwh has finished, then run this again"),
            FileError::TimedOut(_) => Self::new(Kind::Unavailable, message)
                .hint("if it is a pipe, something has to write to it; --timeout gives it longer"),
            FileError::Interrupted => Self::new(Kind::Interrupted, message),
        }
    }
}

/// Whether it is the place that is wrong, which is the user's choice, or the machine.
#[must_use]
pub fn kind_of(error: &io::Error) -> Kind {
    match error.kind() {
        io::ErrorKind::NotFound
        | io::ErrorKind::NotADirectory
        | io::ErrorKind::AlreadyExists
        | io::ErrorKind::InvalidFilename
        | io::ErrorKind::PermissionDenied
        | io::ErrorKind::ReadOnlyFilesystem => Kind::Configuration,
        _ => Kind::Internal,
    }
}

fn place_hint(error: &io::Error) -> Option<String> {
    let hint = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "make room on the disk",
        _ if kind_of(error) == Kind::Configuration => "set VWH_STATE_DIR to a directory of your own",
        _ => return None,
    };
    Some(hint.to_owned())
}

impl From<OutputError> for Error {
    fn from(error: OutputError) -> Self {
        match error {
            OutputError::BrokenPipe => Self::new(Kind::BrokenPipe, "nobody reads the output"),
            OutputError::Interrupted => Self::new(Kind::Interrupted, "interrupted"),
            OutputError::Io(error) => Self {
                causes: vec![error.to_string()],
                ..Self::new(Kind::Internal, "cannot write the output")
            },
        }
    }
}

impl From<SandboxError> for Error {
    fn from(error: SandboxError) -> Self {
        let kind = match &error {
            SandboxError::Running { .. } | SandboxError::Busy { .. } => Kind::Unavailable,
            SandboxError::Bind { .. }
            | SandboxError::Exposed { .. }
            | SandboxError::Speed { .. }
            | SandboxError::Calls { .. } => Kind::Configuration,
            SandboxError::File(error) => kind_of(error),
            SandboxError::State { .. } => Kind::Internal,
        };
        let hint = match &error {
            SandboxError::File(error) => place_hint(error),
            error => error.hint(),
        };
        let mut causes = Vec::new();
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            causes.push(cause.to_string());
            source = cause.source();
        }
        Self { causes, hint, ..Self::new(kind, error.to_string()) }
    }
}
