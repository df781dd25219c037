//! What VIS takes in a registration (vis §5). What it merely frowns upon is a warning elsewhere.

use super::super::rules::{Refusal, Wish};

/// Refuses what VIS has no place for.
pub fn check(wish: &Wish<'_>) -> Result<(), Refusal> {
    if wish.name.is_some() {
        return Err(Refusal::new("a VIS webhook has no name", "leave --name out; its id names it"));
    }
    if let Some(event) = wish.events.iter().find(|event| *event != "CALL") {
        return Err(Refusal::new(format!("VIS has no event {event:?}"), "it has one: CALL"));
    }
    if wish.replaces {
        return Err(Refusal::new(
            "VIS has room for any number of webhooks, and none is in the way",
            "leave --replace out; vwh replace ID changes one",
        ));
    }
    Ok(())
}
