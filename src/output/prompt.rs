//! Asks a person: yes or no, or for a line, shown or hidden; and reads what stands on stdin. What the answers are is the commands' business.
//!
//! While a line is hidden the terminal's echo is off. What turns it on again is held by the future that waits, not by the
//! thread that reads: Ctrl-C drops the future, and the thread may wait for ever.

use std::io::{self, Read as _};

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::fold::folded;
use super::{Answer, Output, OutputError};
use crate::limits::Limits;
use crate::secret::Secret;

/// What comes on stdin for one secret is no longer than this.
const STDIN_LIMIT: u64 = 1 << 20;

impl Output {
    /// Asks a yes-or-no question on stderr. Waiting for the person does not count against the time limit.
    pub async fn ask(&self, question: &str, limits: &Limits) -> Result<Answer, OutputError> {
        self.say_part(&format!("{} ", folded(&format!("{question} [y/N]"), self.notice_columns())));
        let line = self.answered(limits, read_line).await?;
        let is_yes = matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes");
        Ok(if is_yes { Answer::Yes } else { Answer::No })
    }

    /// Asks for a line on stderr, or just reads it where nobody is there to read a question; empty if the person pressed
    /// return, or the end of input. Waiting for the person does not count against the time limit.
    pub async fn ask_line(&self, question: Option<&str>, limits: &Limits) -> Result<String, OutputError> {
        if let Some(question) = question {
            self.say_part(&format!("{question}: "));
        }
        let line = self.answered(limits, read_line).await?;
        Ok(line.trim().to_owned())
    }

    /// The same without showing what is typed.
    pub async fn ask_secret(&self, question: &str, limits: &Limits) -> Result<Secret, OutputError> {
        // Before the question, so that nothing typed after it is ever shown.
        let _hidden = Hidden::begin();
        self.say_part(&format!("{question}: "));
        let line = self.answered(limits, read_hidden).await?;
        if cfg!(unix) {
            // The return key was not echoed either.
            self.say("");
        }
        let line = line.strip_suffix('\n').unwrap_or(&line);
        Ok(Secret::new(line.strip_suffix('\r').unwrap_or(line)))
    }

    async fn answered(
        &self,
        limits: &Limits,
        read: fn() -> io::Result<String>,
    ) -> Result<String, OutputError> {
        let asked = Instant::now();
        let answered = limits.or_interrupted(in_thread(read)).await;
        limits.extend(asked.elapsed());
        let answered = answered.map_err(|_| OutputError::Interrupted);
        let is_ended = matches!(&answered, Ok(Ok(Ok(line))) if line.ends_with('\n'));
        if !is_ended && self.terminals.stdin {
            // Nobody pressed return, so what comes next would stand on the line of the question.
            self.say("");
        }
        Ok(answered?.map_err(io::Error::other)??)
    }
}

/// All of stdin as text, as long as `limits` allow; `None` if time ran out.
pub async fn read_stdin(limits: &Limits) -> Result<Option<Secret>, OutputError> {
    let read = in_thread(|| {
        let mut text = String::new();
        io::stdin().take(STDIN_LIMIT).read_to_string(&mut text)?;
        Ok(text)
    });
    match limits.or_interrupted(limits.within(read)).await {
        Err(_) => Err(OutputError::Interrupted),
        Ok(None) => Ok(None),
        Ok(Some(text)) => Ok(Some(Secret::new(text.map_err(io::Error::other)??))),
    }
}

async fn in_thread(
    read: impl FnOnce() -> io::Result<String> + Send + 'static,
) -> Result<io::Result<String>, oneshot::error::RecvError> {
    let (sender, receiver) = oneshot::channel();
    // A thread of its own: one that waits for a person must not keep the program from ending.
    std::thread::spawn(move || {
        let _ = sender.send(read());
    });
    receiver.await
}

fn read_line() -> io::Result<String> {
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    Ok(line)
}

#[cfg(unix)]
fn read_hidden() -> io::Result<String> {
    read_line()
}

#[cfg(not(unix))]
fn read_hidden() -> io::Result<String> {
    rpassword::read_password().map(|line| line + "\n")
}

/// The terminal's echo is off as long as this lives. Elsewhere than on Unix the reading itself sees to it.
struct Hidden {
    #[cfg(unix)]
    before: Option<rustix::termios::Termios>,
}

#[cfg(unix)]
impl Hidden {
    fn begin() -> Self {
        use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
        let stdin = io::stdin();
        let Ok(before) = tcgetattr(&stdin) else { return Self { before: None } };
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO | LocalModes::ECHONL);
        let is_set = tcsetattr(&stdin, OptionalActions::Now, &hidden).is_ok();
        Self { before: is_set.then_some(before) }
    }
}

#[cfg(unix)]
impl Drop for Hidden {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            let _ = rustix::termios::tcsetattr(io::stdin(), rustix::termios::OptionalActions::Now, before);
        }
    }
}

#[cfg(not(unix))]
impl Hidden {
    const fn begin() -> Self {
        Self {}
    }
}
