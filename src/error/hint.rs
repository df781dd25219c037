//! What a hint names: its commands are to be pasted as they stand, although whoever wrote it knew neither the connection
//! nor the webhook. Pure.

use super::Error;
use crate::invocation::Invocation;
use crate::output::text::word;

impl Error {
    /// With the webhook's id where the hint says `ID`, if it is about one alone.
    #[must_use]
    pub fn about(self, ids: &[String]) -> Self {
        let [id] = ids else { return self };
        Self { hint: self.hint.map(|hint| hint.replace(" ID", &format!(" {}", word(id)))), ..self }
    }

    /// With the commands of its hint as they reach the connection again.
    #[must_use]
    pub fn retyped(self, invocation: &Invocation) -> Self {
        Self { hint: self.hint.map(|hint| invocation.retype(&hint)), ..self }
    }
}
