//! What is typed for `vwh` to reach the connection of this run again: every command that a hint names begins with it.
//!
//! Texts that are made before the connection is known, or far away from it, name their commands bare (`vwh list`);
//! [`Invocation::retype`] puts the flags in where the text is about to be shown.

/// Commands that reach a connection. The others go without flags.
const CONNECTING: [&str; 17] = [
    "check",
    "create",
    "delete",
    "doctor",
    "event-types",
    "list",
    "login",
    "logout",
    "missed",
    "prune-failed",
    "renew",
    "replace",
    "restore",
    "rotate",
    "status",
    "update",
    "whoami",
];

/// `vwh` with the flags that name a connection, such as `vwh -p office`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation(String);

impl Default for Invocation {
    fn default() -> Self {
        Self("vwh".to_owned())
    }
}

impl Invocation {
    /// With these flags, as they are typed.
    #[must_use]
    pub fn with(flags: &str) -> Self {
        Self(format!("vwh {flags}"))
    }

    /// For the profile `name`, which was named or is the one that is used anyway.
    #[must_use]
    pub fn of_profile(name: &str, is_named: bool) -> Self {
        if is_named { Self::with(&format!("-p {name}")) } else { Self::default() }
    }

    /// In the sandbox; `service` is the one that the environment names there.
    #[must_use]
    pub fn sandbox(service: Option<&str>) -> Self {
        match service {
            Some(service) => Self(format!("VWH_SERVICE={service} vwh --sandbox")),
            None => Self::with("--sandbox"),
        }
    }

    /// What to type to run `rest`.
    #[must_use]
    pub fn command(&self, rest: &str) -> String {
        format!("{} {rest}", self.0)
    }

    /// `text` with each bare command in it as it has to be typed.
    #[must_use]
    pub fn retype(&self, text: &str) -> String {
        let mut parts = text.split("vwh ");
        let mut typed = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let end = part.find(|letter: char| !letter.is_ascii_lowercase() && letter != '-');
            let name = &part[..end.unwrap_or(part.len())];
            if CONNECTING.contains(&name) {
                typed.push_str(&self.command(part));
            } else {
                typed.push_str("vwh ");
                typed.push_str(part);
            }
        }
        typed
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::{CONNECTING, Invocation};
    use crate::cli::Cli;

    #[test]
    fn every_command_is_known_to_connect_or_not_to() {
        let others = ["completions", "listen", "man", "profiles", "sandbox", "trigger", "verify"];
        let mut known = [CONNECTING.as_slice(), &others].concat();
        known.sort_unstable();
        let mut all: Vec<String> =
            Cli::command().get_subcommands().map(|command| command.get_name().to_owned()).collect();
        all.sort_unstable();
        assert_eq!(known, all);
    }

    #[test]
    fn bare_commands_get_the_flags_and_nothing_else_does() {
        let cases = [
            ("vwh list", "vwh -p a list"),
            (
                "check the id with: vwh list; then vwh delete w-1.",
                "check the id with: vwh -p a list; then vwh -p a delete w-1.",
            ),
            ("`vwh prune-failed --max 3`", "`vwh -p a prune-failed --max 3`"),
            ("try: vwh --sandbox list, or vwh -p b list", "try: vwh --sandbox list, or vwh -p b list"),
            ("stop it with `vwh sandbox stop`", "stop it with `vwh sandbox stop`"),
            ("another vwh is at it, and vwh lists nothing", "another vwh is at it, and vwh lists nothing"),
            ("", ""),
        ];
        for (text, typed) in cases {
            assert_eq!(Invocation::with("-p a").retype(text), typed);
            assert_eq!(Invocation::default().retype(text), text);
        }
    }
}
