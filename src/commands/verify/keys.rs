//! The keys that `verify` tries, and what they are called.

use std::path::Path;

use super::VerifyArgs;
use crate::commands::service::check_key;
use crate::commands::{Context, signing_key};
use crate::error::{Error, Kind};
use crate::secret::Secret;

/// Where a key is that no file has.
pub(super) const ENVIRONMENT: &str = "VWH_SIGNING_KEY";

/// The keys, in the order given.
pub(super) struct Keys {
    /// The keys themselves.
    pub(super) secrets: Vec<Secret>,
    names: Vec<String>,
    /// A key in the environment that is not tried, because files were named.
    pub(super) unused: Option<Secret>,
}

impl Keys {
    /// Those that `args` name, else the one in the environment.
    pub(super) async fn of(args: &VerifyArgs, context: &Context) -> Result<Self, Error> {
        let files = &args.signing_key_file;
        let in_environment = signing_key::given(context, None).await?;
        if files.is_empty() {
            let key = in_environment.ok_or_else(|| {
                Error::new(Kind::Usage, "there is no key to verify with")
                    .hint("give one with --signing-key-file FILE or VWH_SIGNING_KEY")
            })?;
            check_key(args.service, &key, ENVIRONMENT)?;
            return Ok(Self { secrets: vec![key], names: vec![ENVIRONMENT.to_owned()], unused: None });
        }
        let mut secrets = Vec::new();
        for file in files {
            let key = signing_key::key_from_file(context, file).await?;
            check_key(args.service, &key, &file.display().to_string())?;
            secrets.push(key);
        }
        let unused = in_environment.filter(|key| !secrets.contains(key));
        Ok(Self { secrets, names: names(files), unused })
    }

    /// What the key at `index` is called.
    pub(super) fn name(&self, index: usize) -> String {
        self.names.get(index).cloned().unwrap_or_default()
    }
}

/// The names of the files; with their folders where two have the same.
fn names(files: &[impl AsRef<Path>]) -> Vec<String> {
    let short = |file: &Path| file.file_name().map(|name| name.to_string_lossy().into_owned());
    let shorts: Vec<Option<String>> = files.iter().map(|file| short(file.as_ref())).collect();
    let is_alone = |name: &Option<String>| shorts.iter().filter(|other| *other == name).count() == 1;
    let named = files.iter().zip(&shorts).map(|(file, short)| match short {
        Some(name) if is_alone(short) => name.clone(),
        _ => file.as_ref().display().to_string(),
    });
    named.collect()
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn a_key_is_called_by_its_file() {
        assert_eq!(names(&["keys/a.key", "b.key"]), ["a.key", "b.key"]);
        assert_eq!(names(&["old/crm.key", "new/crm.key", "x"]), ["old/crm.key", "new/crm.key", "x"]);
    }
}
