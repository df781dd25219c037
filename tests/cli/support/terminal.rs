//! Runs vwh on a pseudo-terminal, where it believes that a person is watching, and types that person's answers.
//!
//! The terminal is on the streams only: it is nobody's controlling terminal, because that takes unsafe code after
//! `fork`. So a typed Ctrl-C is no signal here (send one instead), and `/dev/tty` is not this terminal.

use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::process::Stdio;

use rustix::fs::{Mode, OFlags};
use rustix::pty::OpenptFlags;
use rustix::termios::Winsize;

use super::capture::{Capture, find_text};
use super::process::Process;
use super::vwh::Run;
use super::{Outcome, Signal};

/// A standard stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    Stdin,
    Stdout,
    Stderr,
}

/// The terminal to run on: its width, and the streams that are not on it.
#[derive(Clone, Debug)]
pub(crate) struct Screen {
    columns: u16,
    without: Vec<Stream>,
}

impl Screen {
    /// All three streams on a terminal of this width.
    pub(crate) fn columns(columns: u16) -> Self {
        Self { columns, without: Vec::new() }
    }

    /// The same with `stream` elsewhere: stdin on the null device, the others in a pipe.
    pub(crate) fn without(mut self, stream: Stream) -> Self {
        self.without.push(stream);
        self
    }
}

/// A vwh that runs on a terminal.
pub(crate) struct Terminal {
    process: Process,
    screen: Capture,
    keyboard: File,
    /// A second handle of the program's end: whether it echoes can be asked after vwh has ended too.
    device: OwnedFd,
    /// Where the text begins that no wait has passed yet.
    position: usize,
}

impl Run {
    /// Starts it on a terminal.
    pub(crate) fn on_terminal(self, screen: &Screen) -> Terminal {
        let (keyboard, device) = open_pair(screen.columns);
        let stream = |stream: Stream, otherwise: Stdio| {
            if screen.without.contains(&stream) {
                return otherwise;
            }
            Stdio::from(device.try_clone().expect("a descriptor can be cloned"))
        };
        let mut command = self.command();
        command
            .env("TERM", "xterm-256color")
            .stdin(stream(Stream::Stdin, Stdio::null()))
            .stdout(stream(Stream::Stdout, Stdio::piped()))
            .stderr(stream(Stream::Stderr, Stdio::piped()));
        let process = Process::start(command, self.shared_home());
        let screen = Capture::of(keyboard.try_clone().expect("a descriptor can be cloned"));
        Terminal { process, screen, keyboard, device, position: 0 }
    }
}

impl Terminal {
    /// Waits until the terminal shows `text`, after what was last waited for. A prompt needs no end of line.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, text: &str) {
        let position = self.position;
        self.position = self.screen.wait_for(&format!("{text:?}"), |bytes| find_text(bytes, position, text));
    }

    /// The `IP:PORT` of the first URL that the terminal shows.
    pub(crate) fn shown_address(&self) -> String {
        self.screen.wait_for("a URL", |bytes| {
            let text = String::from_utf8_lossy(bytes);
            let (_, rest) = text.split_once("http://")?;
            Some(rest.split_once('/')?.0.to_owned())
        })
    }

    /// Types `text` and the return key.
    pub(crate) fn type_line(&mut self, text: &str) {
        self.keyboard.write_all(format!("{text}\n").as_bytes()).expect("the terminal takes what is typed");
    }

    /// Types Ctrl-S, which stops the terminal: nothing that is written to it is shown.
    pub(crate) fn type_stop(&mut self) {
        self.keyboard.write_all(b"\x13").expect("the terminal takes what is typed");
    }

    /// Types the end of input (Ctrl-D on an empty line).
    pub(crate) fn type_end(&mut self) {
        self.keyboard.write_all(b"\x04").expect("the terminal takes what is typed");
    }

    /// Sends vwh a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }

    /// Whether what is typed is shown.
    pub(crate) fn echoes(&self) -> bool {
        echoes(&self.device)
    }

    /// Waits for the end of vwh. `screen` is all that was shown, with the typed answers echoed.
    #[track_caller]
    pub(crate) fn wait(self) -> Outcome {
        self.wait_and_look().0
    }

    /// The same, and whether the terminal shows what is typed afterwards.
    #[track_caller]
    pub(crate) fn wait_and_look(self) -> (Outcome, bool) {
        let Self { process, screen, device, keyboard: _keyboard, .. } = self;
        let outcome = process.wait();
        let echoes = echoes(&device);
        // With the last handle of the device dropped, the screen ends.
        drop(device);
        let screen = screen.text().replace("\r\n", "\n");
        (Outcome { screen: Some(screen), ..outcome }, echoes)
    }
}

fn echoes(device: &OwnedFd) -> bool {
    let modes = rustix::termios::tcgetattr(device).expect("a terminal has modes").local_modes;
    modes.contains(rustix::termios::LocalModes::ECHO)
}

/// A terminal whose output is read only as far as the test does: the person's end and the program's end.
pub(crate) fn unread_terminal() -> (File, OwnedFd) {
    open_pair(80)
}

/// The person's end and the program's end of a new terminal.
fn open_pair(columns: u16) -> (File, OwnedFd) {
    let person = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a pseudo-terminal");
    // The program must not hold the person's end of its own terminal.
    rustix::io::fcntl_setfd(&person, rustix::io::FdFlags::CLOEXEC).expect("a descriptor takes a flag");
    rustix::pty::grantpt(&person).expect("our own pseudo-terminal");
    rustix::pty::unlockpt(&person).expect("our own pseudo-terminal");
    let name = rustix::pty::ptsname(&person, Vec::new()).expect("a pseudo-terminal has a name");
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let program = rustix::fs::open(name, flags, Mode::empty()).expect("our own pseudo-terminal");
    // After the program's end is open: before that macOS has nothing to keep the size in.
    let size = Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    rustix::termios::tcsetwinsize(&program, size).expect("a terminal has a size");
    (File::from(person), program)
}
