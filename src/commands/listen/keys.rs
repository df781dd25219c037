//! The keys that `listen` verifies with, each with the name that lines call it by.

use std::path::{Path, PathBuf};

use super::super::Context;
use super::super::signing_key::{Key, given, key_from_file, new_key};
use crate::error::{Error, Kind};
use crate::receiver::Trust;
use crate::secret::Secret;

/// What deliveries are verified with; no keys believe whoever can connect.
#[derive(Clone, Debug, Default)]
pub(super) struct Keys {
    pub(super) names: Vec<String>,
    secrets: Vec<Secret>,
    /// Whether the first was made in this run.
    pub(super) is_new: bool,
}

/// What is done without a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Otherwise {
    /// Nothing is verified.
    Unsigned,
    /// A new one is made, for a webhook that is to be registered with it.
    Make,
    /// That is an error.
    Refuse,
}

impl Keys {
    /// The keys in `files`, else the one in the environment, else what `otherwise` says.
    pub(super) async fn choose(
        context: &Context,
        files: &[PathBuf],
        otherwise: Otherwise,
    ) -> Result<Self, Error> {
        let mut keys = Self::default();
        if otherwise == Otherwise::Unsigned {
            return Ok(keys);
        }
        for file in files {
            keys.add(name_of(file), key_from_file(context, file).await?, context);
        }
        if files.is_empty()
            && let Some(key) = given(context, None).await?
        {
            keys.add("VWH_SIGNING_KEY".to_owned(), key, context);
        }
        match (keys.secrets.as_slice(), otherwise) {
            ([], Otherwise::Make) => {
                keys.add("new key".to_owned(), new_key(context)?, context);
                keys.is_new = true;
                Ok(keys)
            }
            ([], _) => Err(Error::new(Kind::Usage, "there is no signing key to verify deliveries with")
                .hint("give it with --signing-key-file FILE or VWH_SIGNING_KEY; --unsigned believes whoever can connect")),
            _ => Ok(keys),
        }
    }

    fn add(&mut self, name: String, key: Secret, context: &Context) {
        let key = Key::Given(key);
        key.warn(context);
        if let Key::Given(key) = key {
            self.names.push(name);
            self.secrets.push(key);
        }
    }

    /// The first.
    pub(super) fn first(&self) -> Option<&Secret> {
        self.secrets.first()
    }

    /// What the receiver holds deliveries against.
    pub(super) fn trust(&self) -> Trust {
        if self.secrets.is_empty() { Trust::Anybody } else { Trust::Keys(self.secrets.clone()) }
    }
}

fn name_of(file: &Path) -> String {
    file.file_name().unwrap_or(file.as_os_str()).to_string_lossy().into_owned()
}
