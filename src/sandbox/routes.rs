//! Which operation a method and a path below the API's base mean (specs/vis.md §3).

use axum::http::Method;
use percent_encoding::percent_decode_str;

use super::gateway::GatewayError;

/// The operations of the service. Ids are decoded, and any text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    List,
    Create,
    Get(String),
    Delete(String),
    Renew(String),
    User,
    Account,
    Events,
    EventCount,
    Event(String),
}

/// Finds the operation. One slash at the end of the path makes no difference; `HEAD` is served as `GET`.
pub(super) fn operation(method: &Method, path: &str) -> Result<Operation, GatewayError> {
    let path = path.strip_suffix('/').unwrap_or(path);
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let method = if method == Method::HEAD { &Method::GET } else { method };
    match (segments.as_slice(), method) {
        (["self"], &Method::GET) => Ok(Operation::User),
        (["self", "account"], &Method::GET) => Ok(Operation::Account),
        (["self", "webhooks"], &Method::GET) => Ok(Operation::List),
        (["self", "webhooks"], &Method::POST) => Ok(Operation::Create),
        (["self", "webhooks", id], &Method::GET) if !id.is_empty() => Ok(Operation::Get(decoded(id))),
        (["self", "webhooks", id], &Method::DELETE) if !id.is_empty() => Ok(Operation::Delete(decoded(id))),
        (["self", "webhooks", id, "renew"], &Method::PUT) if !id.is_empty() => {
            Ok(Operation::Renew(decoded(id)))
        }
        (["self", "events"], &Method::GET) => Ok(Operation::Events),
        (["self", "events", "count"], &Method::GET) => Ok(Operation::EventCount),
        (["self", "events", id], &Method::GET) if !id.is_empty() => Ok(Operation::Event(decoded(id))),
        (["self"] | ["self", "account" | "webhooks" | "events"], _) => Err(GatewayError::no_method()),
        (["self", "events", id], _) if !id.is_empty() => Err(GatewayError::no_method()),
        (["self", "webhooks", id] | ["self", "webhooks", id, "renew"], _) if !id.is_empty() => {
            Err(GatewayError::no_method())
        }
        _ => Err(GatewayError::no_resource()),
    }
}

fn decoded(segment: &str) -> String {
    percent_decode_str(segment).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slash_at_the_end_makes_no_difference() {
        let get = |path| operation(&Method::GET, path);
        assert_eq!(get("/self/webhooks"), Ok(Operation::List));
        assert_eq!(get("/self/webhooks/"), Ok(Operation::List));
        assert_eq!(get("/self/webhooks/a-b"), Ok(Operation::Get("a-b".into())));
        assert_eq!(get("/self/webhooks/a-b/"), Ok(Operation::Get("a-b".into())));
        assert_eq!(operation(&Method::PUT, "/self/webhooks/a/renew/"), Ok(Operation::Renew("a".into())));
        assert_eq!(operation(&Method::HEAD, "/self/account/"), Ok(Operation::Account));
        assert_eq!(get("/self/events/"), Ok(Operation::Events));
        assert_eq!(get("/self/events/count"), Ok(Operation::EventCount));
        assert_eq!(get("/self/events/734/"), Ok(Operation::Event("734".into())));
    }

    #[test]
    fn ids_are_decoded_after_the_path_is_taken_apart() {
        let encoded = "/self/webhooks/..%2F1%20%C3%A9";
        assert_eq!(operation(&Method::DELETE, encoded), Ok(Operation::Delete("../1 é".into())));
    }

    #[test]
    fn a_known_path_with_another_method_is_405_and_the_rest_404() {
        for path in [
            "/self",
            "/self/webhooks/",
            "/self/webhooks/a",
            "/self/webhooks/a/renew",
            "/self/events",
            "/self/events/a",
        ] {
            assert_eq!(operation(&Method::PATCH, path), Err(GatewayError::no_method()), "{path}");
        }
        for path in [
            "",
            "/",
            "/other",
            "/self/webhooks//",
            "/self/webhooks/a/b",
            "/self/webhooks/a/renew/b",
            "/self/events//",
            "/self/events/a/b",
        ] {
            assert_eq!(operation(&Method::GET, path), Err(GatewayError::no_resource()), "{path}");
        }
    }
}
