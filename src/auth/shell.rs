//! Runs a command of the user's own secret store and takes what it prints: no more than a secret needs, and nothing of it
//! outlives a run that was given up.

use std::io::IsTerminal as _;
use std::process::{ExitStatus, Stdio};

use tokio::io::AsyncReadExt as _;
use tokio::process::{Child, ChildStdout, Command};

/// A command prints no more than this for one secret.
pub(super) const OUTPUT_LIMIT: usize = 1 << 20;

/// What a command came to.
pub(super) enum Printed {
    /// It succeeded and printed this.
    Text(Vec<u8>),
    /// It failed.
    Failed(ExitStatus),
    /// It printed more than [`OUTPUT_LIMIT`], and was killed for it.
    TooMuch,
}

/// Runs `command` with `sh -c`. Dropping the future kills what was started.
///
/// It is done when the shell is: something that the shell left in the background is neither waited for nor killed.
pub(super) async fn run(command: &str) -> std::io::Result<Printed> {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(command).stdout(Stdio::piped()).kill_on_drop(true);
    let can_ask = std::io::stdin().is_terminal();
    // The secret store may have to ask for its own password, so it keeps the terminal; what is piped in is for vwh, or for
    // the script around it.
    shell.stdin(if can_ask { Stdio::inherit() } else { Stdio::null() });
    // On a terminal only the foreground group may read, so one that may ask stays in it.
    let has_own_group = cfg!(unix) && !can_ask;
    #[cfg(unix)]
    if has_own_group {
        shell.process_group(0);
    }
    let mut child = shell.spawn()?;
    // Dropped before the child is, whose id is its own until then.
    let group = Group::of(&child, has_own_group);
    let Some(mut stdout) = child.stdout.take() else { return Ok(Printed::Text(Vec::new())) };
    let mut text = Vec::new();
    let status = loop {
        let mut rest = (&mut stdout).take((OUTPUT_LIMIT + 1 - text.len()) as u64);
        tokio::select! {
            biased;
            read = rest.read_buf(&mut text) => {
                if text.len() > OUTPUT_LIMIT {
                    return Ok(Printed::TooMuch);
                }
                if read? == 0 {
                    break child.wait().await?;
                }
            }
            status = child.wait() => {
                drain(&mut stdout, &mut text).await?;
                break status?;
            }
        }
    };
    group.keep();
    Ok(match status {
        _ if text.len() > OUTPUT_LIMIT => Printed::TooMuch,
        status if status.success() => Printed::Text(text),
        status => Printed::Failed(status),
    })
}

/// Takes what is in the pipe already. Something in the background may hold it open for ever.
#[cfg(unix)]
#[expect(clippy::unused_async, reason = "elsewhere there is something to wait for")]
async fn drain(stdout: &mut ChildStdout, text: &mut Vec<u8>) -> std::io::Result<()> {
    let mut chunk = [0; 4096];
    while text.len() <= OUTPUT_LIMIT {
        // The runtime keeps its end from blocking.
        match rustix::io::read(&mut *stdout, &mut chunk) {
            Ok(0) | Err(rustix::io::Errno::AGAIN) => break,
            Ok(length) => text.extend_from_slice(&chunk[..length]),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

#[cfg(not(unix))]
async fn drain(stdout: &mut ChildStdout, text: &mut Vec<u8>) -> std::io::Result<()> {
    let left = (OUTPUT_LIMIT + 1).saturating_sub(text.len());
    stdout.take(left as u64).read_to_end(text).await.map(drop)
}

/// The process group of a command: killed as a whole when this is dropped.
struct Group {
    #[cfg(unix)]
    leader: Option<rustix::process::Pid>,
}

impl Group {
    #[cfg(unix)]
    fn of(child: &Child, is_own: bool) -> Self {
        let id = child.id().filter(|_| is_own).and_then(|id| i32::try_from(id).ok());
        Self { leader: id.and_then(rustix::process::Pid::from_raw) }
    }

    #[cfg(not(unix))]
    fn of(_: &Child, _: bool) -> Self {
        Self {}
    }

    /// The shell has ended by itself.
    #[cfg_attr(not(unix), expect(unused_mut, reason = "there are no groups there"))]
    fn keep(mut self) {
        #[cfg(unix)]
        {
            self.leader = None;
        }
    }
}

#[cfg(unix)]
impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.leader {
            let _ = rustix::process::kill_process_group(leader, rustix::process::Signal::KILL);
        }
    }
}
