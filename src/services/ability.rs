//! What a service can do, and what it is to be told instead where it cannot: the one table that commands, help and README
//! go by.

use crate::webhook::ServiceKind;

/// What not every service can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ability {
    /// Moving an expiry on, clearing a failed flag.
    Renew,
    /// Telling which webhooks have failed.
    PruneFailed,
    /// A changed copy in the place of a webhook that cannot be changed.
    Replace,
    /// The same with nothing but a new key.
    Rotate,
    /// Changing a webhook in place.
    Update,
    /// Telling which events there were.
    Missed,
    /// Telling which events there are to subscribe to.
    EventTypes,
}

/// Why a service cannot do something, and what does it instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lack {
    /// One sentence without a full stop.
    pub sentence: &'static str,
    /// What to do instead.
    pub instead: &'static str,
}

/// What `service` lacks of `ability`; `None` if it has it.
#[must_use]
pub const fn lack_of(service: ServiceKind, ability: Ability) -> Option<Lack> {
    match service {
        ServiceKind::Vis => of_vis(ability),
        ServiceKind::ContactCenter => of_contact_center(ability),
        ServiceKind::Voipbin => of_voipbin(ability),
    }
}

/// What to know about the services that lack `ability`, for the end of a command's help. A command to type keeps its line.
#[must_use]
pub fn elsewhere(ability: Ability) -> String {
    let lacks = ServiceKind::ALL.into_iter().filter_map(|service| lack_of(service, ability));
    let lines = lacks.map(|lack| format!("\n  {}:\n    {}", lack.sentence, lack.instead));
    format!("Other services:{}", lines.collect::<String>())
}

const fn of_vis(ability: Ability) -> Option<Lack> {
    let (sentence, instead) = match ability {
        Ability::Update => {
            ("VIS cannot change a webhook", "vwh replace ID --new-url URL puts a changed copy in its place")
        }
        Ability::EventTypes => ("VIS has one event, CALL", "vwh create needs no --event there"),
        _ => return None,
    };
    Some(Lack { sentence, instead })
}

const fn of_contact_center(ability: Ability) -> Option<Lack> {
    let (sentence, instead) = match ability {
        Ability::Renew => {
            ("Contact Center webhooks do not expire", "vwh update ID --resume brings a paused one back")
        }
        Ability::PruneFailed => (
            "Contact Center does not report failed deliveries",
            "vwh list shows what is registered; vwh delete ID removes one",
        ),
        Ability::Replace => {
            ("Contact Center changes a webhook in place", "vwh update ID --url URL keeps its id")
        }
        Ability::Rotate => (
            "Contact Center changes a key in place",
            "vwh update ID --generate-signing-key --signing-key-out FILE",
        ),
        Ability::Missed => (
            "Contact Center keeps no list of events",
            "it tries each notification for up to 24 hours by itself",
        ),
        Ability::Update | Ability::EventTypes => return None,
    };
    Some(Lack { sentence, instead })
}

const fn of_voipbin(ability: Ability) -> Option<Lack> {
    let (sentence, instead) = match ability {
        Ability::Renew => ("a VoIPBIN webhook does not expire", "vwh list shows it"),
        Ability::PruneFailed => (
            "VoIPBIN does not report failed deliveries",
            "vwh list shows the webhook; vwh delete ID removes it",
        ),
        Ability::Replace => ("VoIPBIN changes its one webhook in place", "vwh update ID --url URL"),
        Ability::Rotate => (
            "VoIPBIN makes the key itself and has no way to change it",
            "ask VoIPBIN's support for a new one",
        ),
        Ability::Missed => {
            ("VoIPBIN keeps no list of events", "it tries each event three times, then drops it")
        }
        Ability::EventTypes => {
            ("VoIPBIN delivers every event and lets none be chosen", "vwh create needs no --event there")
        }
        Ability::Update => return None,
    };
    Some(Lack { sentence, instead })
}
