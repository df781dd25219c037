//! The option `--service` of the commands that speak to no service: whose deliveries they are about.

use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::error::{Error, Kind};
use crate::secret::Secret;
use crate::services::incoming::key_flaw;
use crate::webhook::ServiceKind;

/// Reads the name of a service.
pub fn parser() -> impl TypedValueParser<Value = ServiceKind> {
    let names = PossibleValuesParser::new(ServiceKind::ALL.map(ServiceKind::name));
    names.try_map(|name| ServiceKind::named(&name).ok_or("there is no such service"))
}

/// Refuses `key`, which comes from `origin`, if it can be none of `service`.
pub fn check_key(service: Option<ServiceKind>, key: &Secret, origin: &str) -> Result<(), Error> {
    match service.and_then(|service| key_flaw(service, key)) {
        None => Ok(()),
        Some(flaw) => Err(Error::new(Kind::Configuration, format!("the signing key in {origin} {flaw}"))
            .hint("put the secret into it as the service shows it")),
    }
}
