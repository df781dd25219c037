//! A terminal that a person has stopped with Ctrl-S. Ctrl-C starts it again by itself; a SIGTERM does not, and whoever waits
//! for the terminal then would never end, or end without its last lines.

use super::Output;

impl Output {
    /// Starts the terminal of stdout again, if it is stopped.
    #[cfg(unix)]
    pub fn start_terminal(&self) {
        use rustix::process::getpgrp;
        use rustix::termios::{InputModes, OptionalActions, tcgetattr, tcgetpgrp, tcsetattr};
        let terminal = std::io::stdout();
        // Whoever is in the background of a terminal and touches it is stopped too.
        let is_in_background = tcgetpgrp(&terminal).is_ok_and(|group| group != getpgrp());
        let Ok(modes) = tcgetattr(&terminal) else { return };
        if is_in_background || !modes.input_modes.contains(InputModes::IXON) {
            return;
        }
        // A terminal that cannot be stopped is not: there is no other way to undo a Ctrl-S.
        let mut unstoppable = modes.clone();
        unstoppable.input_modes.remove(InputModes::IXON);
        let _ = tcsetattr(&terminal, OptionalActions::Now, &unstoppable);
        let _ = tcsetattr(&terminal, OptionalActions::Now, &modes);
    }

    /// Starts the terminal of stdout again, if it is stopped.
    #[cfg(not(unix))]
    pub fn start_terminal(&self) {}
}
