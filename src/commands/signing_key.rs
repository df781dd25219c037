//! The key options that commands share: a key of the user's own, a new one, or none. A key is read from a file or the
//! environment, never from the command line, and a new one is kept or shown before it is used.

use std::path::{Path, PathBuf};

use clap::Args;

use super::Context;
use crate::error::{Error, Kind};
use crate::files::{self, FileError};
use crate::secret::{MASK, Secret};
use crate::services::facts::facts;
use crate::services::{self, rules::KeyWish};
use crate::webhook::ServiceKind;

/// Length of a generated key: as long as the HMAC-SHA256 that it keys.
pub const KEY_BYTES: usize = 32;

/// Where the signing key comes from.
#[derive(Args, Clone, Debug)]
#[command(group = clap::ArgGroup::new("key").multiple(false))]
pub struct KeyArgs {
    /// Sign with the key in this file; one newline at its end is not part of it
    #[arg(long, value_name = "FILE", group = "key")]
    signing_key_file: Option<PathBuf>,

    /// Sign with a new key
    #[arg(long, group = "key")]
    generate_signing_key: bool,

    /// Do not sign (VIS)
    #[arg(long, group = "key", conflicts_with = "signing_key_out")]
    unsigned: bool,

    /// Sign with a new key, and write it to this new file, readable by you alone, instead of showing it
    #[arg(long, value_name = "FILE", conflicts_with = "signing_key_file")]
    signing_key_out: Option<PathBuf>,
}

impl KeyArgs {
    /// Whether any of the options was given.
    #[must_use]
    pub fn is_given(&self) -> bool {
        self.unsigned
            || self.generate_signing_key
            || self.signing_key_file.is_some()
            || self.signing_key_out.is_some()
    }

    /// The file that has the key.
    #[must_use]
    pub fn file(&self) -> Option<&PathBuf> {
        self.signing_key_file.as_ref()
    }

    /// The new file that is to keep a generated key.
    #[must_use]
    pub fn out(&self) -> Option<&PathBuf> {
        self.signing_key_out.as_ref()
    }

    /// Whether there is to be no key.
    #[must_use]
    pub fn is_unsigned(&self) -> bool {
        self.unsigned
    }
}

/// Where a key came from decides what is done with it afterwards.
#[derive(Clone)]
pub enum Key {
    /// No key.
    Unsigned,
    /// The user's own.
    Given(Secret),
    /// Made in this run.
    Generated {
        /// The key.
        key: Secret,
        /// Where it is to be kept; `None` shows it.
        file: Option<PathBuf>,
    },
    /// To be made when it is certain that it is needed.
    ToGenerate {
        /// Where it is to be kept; `None` shows it.
        file: Option<PathBuf>,
    },
}

impl Key {
    /// The key itself.
    #[must_use]
    pub fn secret(&self) -> Option<&Secret> {
        match self {
            Self::Unsigned | Self::ToGenerate { .. } => None,
            Self::Given(key) | Self::Generated { key, .. } => Some(key),
        }
    }

    /// Writes a generated key to the file that is to keep it, and gives that; to be done before the key is sent, since a
    /// webhook whose key is lost can never be verified.
    pub fn write(&self) -> Result<Option<&Path>, Error> {
        let Self::Generated { key, file: Some(file) } = self else { return Ok(None) };
        let written = files::create_new_private(file, format!("{}\n", key.reveal()).as_bytes());
        written.map_err(|error| {
            Error::new(Kind::Configuration, "nothing was created: cannot write the key")
                .because(error.to_string())
        })?;
        Ok(Some(file))
    }

    /// Shows a generated key that no file keeps.
    pub fn show_once(&self, context: &Context) {
        if let Self::Generated { key, file: None } = self {
            context.output.show_once("signing key (shown only now)", key.reveal());
        }
    }

    /// Says so if everybody knows this key.
    pub fn warn(&self, context: &Context) {
        if self.secret().is_some_and(|key| key.reveal() == "string") {
            context
                .output
                .warning("this key is the one printed in the vendor's tutorial, so anybody can sign with it");
        }
    }

    /// What is asked of the service.
    #[must_use]
    pub fn wish(&self) -> KeyWish<'_> {
        match self {
            Self::Unsigned => KeyWish::None,
            Self::ToGenerate { .. } => KeyWish::New,
            Self::Given(key) | Self::Generated { key, .. } => KeyWish::Given(key),
        }
    }

    /// This key, made for `service` if it is to be made. Fails if a new key could be neither kept nor shown; nothing is written yet.
    pub fn made(self, context: &Context, service: ServiceKind) -> Result<Self, Error> {
        match self {
            Self::ToGenerate { file } => generate(file, context, service),
            other => Ok(other),
        }
    }
}

/// The key that `args` and the environment ask for. Nothing is made or written yet.
pub async fn choose(args: &KeyArgs, context: &Context) -> Result<Key, Error> {
    if args.unsigned {
        return Ok(Key::Unsigned);
    }
    if let Some(path) = &args.signing_key_file {
        return key_from_file(context, path).await.map(Key::Given);
    }
    match context.settings.signing_key() {
        Some(key) if !args.generate_signing_key && args.signing_key_out.is_none() => {
            usable(key.clone(), "VWH_SIGNING_KEY").map(Key::Given)
        }
        _ => Ok(Key::ToGenerate { file: args.signing_key_out.clone() }),
    }
}

/// The user's own key: the one in `file`, else the one in the environment.
pub async fn given(context: &Context, file: Option<&Path>) -> Result<Option<Secret>, Error> {
    match file {
        Some(path) => key_from_file(context, path).await.map(Some),
        None => context.settings.signing_key().map(|key| usable(key.clone(), "VWH_SIGNING_KEY")).transpose(),
    }
}

/// The key in a file that the user named.
pub async fn key_from_file(context: &Context, path: &Path) -> Result<Secret, Error> {
    let named = files::read_named(path, &context.limits).await.map_err(|error| match error {
        FileError::Interrupted | FileError::TimedOut(_) => {
            Error::from(error).while_doing("cannot read the signing key")
        }
        error => Error::new(Kind::Configuration, "cannot read the signing key")
            .because(error.to_string())
            .hint("--signing-key-file names it: it has to be a text file that you may read"),
    })?;
    if let Some(warning) = &named.warning {
        context.output.warning(warning);
    }
    let line = named.text.strip_suffix('\n');
    let key = line.map_or(named.text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
    usable(Secret::new(key), &path.display().to_string())
}

fn usable(key: Secret, origin: &str) -> Result<Secret, Error> {
    if key.reveal().is_empty() {
        Err(Error::new(Kind::Configuration, format!("the signing key in {origin} is empty"))
            .hint("put the key into it; --unsigned is for webhooks that have none"))
    } else if key.reveal() == MASK {
        Err(Error::new(
            Kind::Configuration,
            format!("the signing key in {origin} is the mask that vwh prints for a key"),
        )
        .hint("--show-secrets prints the key itself"))
    } else {
        Ok(key)
    }
}

/// The error for a file that a new key cannot be written to.
#[must_use]
pub fn exists_already(file: &Path) -> Error {
    Error::new(Kind::Configuration, format!("the file `{}` exists already", file.display()))
        .hint("a key is never overwritten: name a new file, or use this one with --signing-key-file")
}

fn generate(file: Option<PathBuf>, context: &Context, service: ServiceKind) -> Result<Key, Error> {
    let can_show = context.output.terminals().stderr && !context.settings.format.is_json();
    if file.is_none() && !can_show {
        return Err(Error::new(
            Kind::Usage,
            "a generated key would be lost: there is no terminal to show it on",
        )
        .hint(if facts(service).may_be_unsigned {
            "--signing-key-out FILE keeps it; --signing-key-file FILE brings your own; --unsigned needs none"
        } else {
            "--signing-key-out FILE keeps it; --signing-key-file FILE brings your own"
        }));
    }
    if let Some(file) = &file
        && file.exists()
    {
        return Err(exists_already(file));
    }
    Ok(Key::Generated { key: new_key(context, service)?, file })
}

/// A key that nobody ever had, in the spelling that `service` takes.
pub fn new_key(context: &Context, service: ServiceKind) -> Result<Secret, Error> {
    let mut bytes = [0; KEY_BYTES];
    (context.random_bytes)(&mut bytes).map_err(|error| {
        Error::new(Kind::Internal, "no random numbers to make a key of").because(error.to_string())
    })?;
    Ok(services::new_key(service, &bytes))
}
