//! Runs the shipped binary in a home of its own, with an environment of which every variable is named here.
//!
//! It runs vwh and nothing else, and asserts nothing.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;

use tempfile::TempDir;

use super::Outcome;
use super::process::Process;

/// The token of [`Vwh::connected_to`].
pub(crate) const TOKEN: &str = "invented-token-0123456789";

/// A home in a temporary folder and the environment to run vwh in. Runs of one `Vwh` see each other's files.
#[derive(Clone)]
pub(crate) struct Vwh {
    program: PathBuf,
    home: Arc<TempDir>,
    environment: Vec<(String, String)>,
}

impl Vwh {
    /// An empty home and no `VWH_*` variable.
    pub(crate) fn new() -> Self {
        Self::in_place_of(env!("CARGO_BIN_EXE_vwh"))
    }

    /// Runs `program` where vwh would run, for the tests of this harness.
    pub(crate) fn in_place_of(program: &str) -> Self {
        let home = Arc::new(tempfile::tempdir().expect("a temporary folder"));
        Self { program: PathBuf::from(program), home, environment: Vec::new() }
    }

    /// An empty home, and a connection to the service at `base_url` as [`TOKEN`]'s owner.
    pub(crate) fn connected_to(base_url: &str) -> Self {
        Self::new().env("VWH_BASE_URL", base_url).env("VWH_TOKEN", TOKEN)
    }

    /// The same home, with `program` run where vwh would be: a script that sets a limit and then becomes vwh.
    pub(crate) fn through(mut self, program: &Path) -> Self {
        program.clone_into(&mut self.program);
        self
    }

    /// The same home with one more variable.
    pub(crate) fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.push((name.to_owned(), value.into()));
        self
    }

    /// One invocation.
    pub(crate) fn args<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Run {
        let arguments = arguments.into_iter().map(str::to_owned).collect();
        Run { vwh: self.clone(), arguments, stdin: None, stdin_from: None, stdout: None, unset: Vec::new() }
    }

    /// The home folder.
    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// Where vwh keeps its state.
    pub(crate) fn state(&self) -> PathBuf {
        self.home().join(STATE).join("vwh")
    }

    /// Writes `text` as vwh's configuration.
    pub(crate) fn configure(&self, text: &str) {
        self.write(&format!("{CONFIGURATION}/vwh/config.toml"), text);
    }

    /// Writes a file below the home that only its owner can read, and gives its path.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.home().join(name);
        fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("a folder below the home");
        fs::write(&path, text).expect("a file below the home");
        #[cfg(unix)]
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600))
            .expect("the owner may set the mode");
        path
    }
}

/// Below the home, where the XDG variables point.
const CONFIGURATION: &str = ".config";
const STATE: &str = ".local/state";

/// One invocation of vwh, not yet started.
#[must_use]
pub(crate) struct Run {
    vwh: Vwh,
    arguments: Vec<String>,
    stdin: Option<String>,
    stdin_from: Option<Stdio>,
    stdout: Option<Stdio>,
    unset: Vec<String>,
}

impl Run {
    /// One more variable, for this run only.
    pub(crate) fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.vwh = self.vwh.env(name, value);
        self
    }

    /// Without this variable, which every run has otherwise.
    pub(crate) fn without_env(mut self, name: &str) -> Self {
        self.unset.push(name.to_owned());
        self
    }

    /// Where stdout goes. Without it the outcome has it.
    pub(crate) fn stdout(mut self, stream: impl Into<Stdio>) -> Self {
        self.stdout = Some(stream.into());
        self
    }

    /// What stdin holds. Without it stdin is the null device.
    pub(crate) fn stdin(mut self, text: &str) -> Self {
        self.stdin = Some(text.to_owned());
        self
    }

    /// Where stdin comes from, for a test that writes to it later.
    pub(crate) fn stdin_from(mut self, stream: impl Into<Stdio>) -> Self {
        self.stdin_from = Some(stream.into());
        self
    }

    /// Runs it to its end.
    #[track_caller]
    pub(crate) fn run(self) -> Outcome {
        self.spawn().wait()
    }

    /// Starts it.
    pub(crate) fn spawn(mut self) -> Process {
        let mut command = self.command();
        command.stdout(self.stdout.take().unwrap_or_else(Stdio::piped)).stderr(Stdio::piped());
        let Some(text) = self.stdin else {
            command.stdin(self.stdin_from.take().unwrap_or_else(Stdio::null));
            return Process::start(command, self.vwh.home);
        };
        let (reader, mut writer) = std::io::pipe().expect("a pipe");
        command.stdin(reader);
        // vwh may end without reading all of it.
        thread::spawn(move || drop(writer.write_all(text.as_bytes())));
        Process::start(command, self.vwh.home)
    }

    pub(super) fn shared_home(&self) -> Arc<TempDir> {
        Arc::clone(&self.vwh.home)
    }

    /// The invocation with its environment; the streams are the caller's business.
    pub(super) fn command(&self) -> Command {
        let home = self.vwh.home();
        let mut command = Command::new(&self.vwh.program);
        command.args(&self.arguments).current_dir(home).env_clear();
        command.env("HOME", home).env("XDG_CONFIG_HOME", home.join(CONFIGURATION));
        command.env("XDG_STATE_HOME", home.join(STATE));
        if cfg!(windows) {
            // Sockets need SystemRoot; the others are where Windows programs look for a home.
            let system = std::env::var("SystemRoot").expect("Windows sets SystemRoot");
            command.env("PATH", format!(r"{system}\System32")).env("SystemRoot", system);
            for name in ["USERPROFILE", "APPDATA", "LOCALAPPDATA", "TEMP", "TMP"] {
                command.env(name, home);
            }
        } else {
            command.env("PATH", "/usr/bin:/bin");
        }
        command.envs(self.vwh.environment.iter().map(|(name, value)| (name, value)));
        for name in &self.unset {
            command.env_remove(name);
        }
        command
    }
}
