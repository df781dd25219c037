//! Why a request is not taken as a delivery, in the terms that all rooms share.

use std::fmt;

use super::contact_center::signature::Flaw as TokenFlaw;
use crate::webhook::ServiceKind;

/// Why a request is no delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Its body is not a JSON object.
    #[error("the body is not a JSON object")]
    NotJson,
    /// There is no `event`, or it is no object (VIS).
    #[error("the body has no event")]
    NoEvent,
    /// It has no `type` (Contact Center).
    #[error("the body is no CloudEvent: it has no type")]
    NoCloudEvent,
    /// It has no `type` (VoIPBIN).
    #[error("the body has no type")]
    NoType,
    /// A member stands there twice: two readers may then see two different ones.
    #[error("the body has a member twice")]
    Twice,
    /// Its signature's header comes twice: two readers may then see two different ones.
    #[error("it has two signatures, and they differ")]
    TwoSignatures,
}

/// Why a request is not taken as a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// It is none.
    Malformed(Malformed),
    /// There is no signature.
    Unsigned,
    /// The signature fits no key.
    Forged,
    /// Its token is not believed (Contact Center).
    Token(TokenFlaw),
    /// It is of this service, and another one's was wanted.
    Stranger(ServiceKind),
}

impl Flaw {
    /// All of them.
    pub const ALL: [Self; 19] = [
        Self::Malformed(Malformed::NotJson),
        Self::Malformed(Malformed::NoEvent),
        Self::Malformed(Malformed::NoCloudEvent),
        Self::Malformed(Malformed::NoType),
        Self::Malformed(Malformed::Twice),
        Self::Malformed(Malformed::TwoSignatures),
        Self::Unsigned,
        Self::Forged,
        Self::Token(TokenFlaw::NoToken),
        Self::Token(TokenFlaw::Algorithm),
        Self::Token(TokenFlaw::UndecodedKey),
        Self::Token(TokenFlaw::NoExpiry),
        Self::Token(TokenFlaw::Expired),
        Self::Token(TokenFlaw::NoHash),
        Self::Token(TokenFlaw::KeyedHash),
        Self::Token(TokenFlaw::Altered),
        Self::Stranger(ServiceKind::Vis),
        Self::Stranger(ServiceKind::ContactCenter),
        Self::Stranger(ServiceKind::Voipbin),
    ];
}

impl fmt::Display for Flaw {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(malformed) => malformed.fmt(formatter),
            Self::Unsigned => formatter.write_str("the signature is missing"),
            Self::Forged => formatter.write_str("the signature fits no key"),
            Self::Token(flaw) => flaw.fmt(formatter),
            Self::Stranger(service) => {
                write!(formatter, "it is of {}, and --service wants another", service.title())
            }
        }
    }
}

impl From<Malformed> for Flaw {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

impl From<TokenFlaw> for Flaw {
    fn from(flaw: TokenFlaw) -> Self {
        match flaw {
            TokenFlaw::Forged => Self::Forged,
            other => Self::Token(other),
        }
    }
}
