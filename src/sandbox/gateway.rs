//! Errors of the API gateway in front of the service, in its three shapes (specs/vis.md §11).
//!
//! The service's own errors are in `vis`.

use std::time::Duration;

use axum::http::StatusCode;
use axum::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use chrono::TimeDelta;
use serde_json::{Value, json};

use super::options::ErrorShape;
use super::reply::Reply;
use super::timestamp::Timestamp;

/// One error, before it has a shape.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct GatewayError {
    status: StatusCode,
    family: Family,
    code: u32,
    message: &'static str,
    description: &'static str,
    detail: Detail,
}

/// The gateway's module that reports: it decides the XML namespace and the extra members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Security,
    Throttling,
    Routing,
}

/// What an error carries in its headers.
#[derive(Debug, PartialEq, Eq)]
enum Detail {
    Nothing,
    Challenge(&'static str),
    NextAccess(Timestamp),
}

impl GatewayError {
    /// No bearer token in the request.
    pub(super) fn missing_credentials() -> Self {
        Self {
            status: StatusCode::UNAUTHORIZED,
            family: Family::Security,
            code: 900_902,
            message: "Missing Credentials",
            description: "Make sure your API invocation call has a header: \"Authorization : Bearer ACCESS_TOKEN\"",
            detail: Detail::Challenge("OAuth2 realm=\"WSO2 API Manager\""),
        }
    }

    /// A token that is wrong or expired: the gateway does not tell which.
    pub(super) fn invalid_credentials() -> Self {
        Self {
            status: StatusCode::UNAUTHORIZED,
            family: Family::Security,
            code: 900_901,
            message: "Invalid Credentials",
            description: "Access failure for API: /t/vbc.prod/vis/v1, version: v1 status: (900901) - Invalid Credentials. \
                          Make sure you have provided the correct security credentials",
            detail: Detail::Challenge(
                "OAuth2 realm=\"WSO2 API Manager\", error=\"invalid_token\", \
                 error_description=\"The access token expired or is invalid\"",
            ),
        }
    }

    /// The quota is used up for another `wait` from `now` on.
    ///
    /// The window is real time and `now` is sandbox time, so the end named is the one that lies `wait`, in whole seconds
    /// and rounded up, after the reply's own `Date`.
    pub(super) fn throttled(wait: Duration, now: Timestamp) -> Self {
        let seconds = i64::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(i64::MAX);
        let wait = TimeDelta::try_seconds(seconds).unwrap_or(TimeDelta::MAX);
        Self {
            status: StatusCode::TOO_MANY_REQUESTS,
            family: Family::Throttling,
            code: 900_803,
            message: "Message throttled out",
            description: "You have exceeded your quota",
            detail: Detail::NextAccess(now.plus(wait)),
        }
    }

    /// The API is there, the path is not.
    pub(super) fn no_resource() -> Self {
        let description = "No matching resource found for given API Request";
        Self::routing(StatusCode::NOT_FOUND, 404, "Runtime Error", description)
    }

    /// No API has this path.
    pub(super) fn no_api() -> Self {
        let description = "The requested resource is not available.";
        Self::routing(StatusCode::NOT_FOUND, 404, "Not Found", description)
    }

    /// The path is there, the method is not.
    pub(super) fn no_method() -> Self {
        let description = "Method not allowed for given API resource";
        Self::routing(StatusCode::METHOD_NOT_ALLOWED, 405, "Method Not Allowed", description)
    }

    /// The error that the gateway reports with `status`, for faults to order.
    pub(super) fn of_status(status: StatusCode, now: Timestamp) -> Self {
        let (code, message, description) = match status.as_u16() {
            401 => return Self::invalid_credentials(),
            404 => return Self::no_resource(),
            405 => return Self::no_method(),
            429 => return Self::throttled(Duration::from_secs(1), now),
            403 => (900_908, "Resource forbidden ", "User is NOT authorized to access the Resource."),
            500 => (900_900, "Unclassified Authentication Failure", "Unclassified Authentication Failure"),
            502 => (101_503, "Runtime Error", "Error connecting to the back end"),
            503 => (303_001, "Runtime Error", "The endpoint is suspended"),
            504 => (101_504, "Runtime Error", "Connection timed out"),
            other => {
                let reason = status.canonical_reason().unwrap_or("Runtime Error");
                return Self::routing(
                    status,
                    u32::from(other),
                    reason,
                    "A fault that the sandbox was asked for",
                );
            }
        };
        let family = if code / 1000 == 900 { Family::Security } else { Family::Routing };
        Self { status, family, code, message, description, detail: Detail::Nothing }
    }

    fn routing(status: StatusCode, code: u32, message: &'static str, description: &'static str) -> Self {
        Self { status, family: Family::Routing, code, message, description, detail: Detail::Nothing }
    }

    /// The reply in `shape`.
    pub(super) fn reply(&self, shape: ErrorShape) -> Reply {
        let reply = match shape {
            ErrorShape::Json => Reply::json(self.status, &json!({"fault": self.members(&json!(self.code))})),
            ErrorShape::Bare => Reply::json(self.status, &self.members(&json!(self.code.to_string()))),
            ErrorShape::Xml => Reply::text(self.status, "application/xml; charset=UTF-8", self.xml()),
        };
        match &self.detail {
            Detail::Nothing => reply,
            Detail::Challenge(challenge) => reply.with_header(WWW_AUTHENTICATE, challenge),
            Detail::NextAccess(time) => reply.with_header(RETRY_AFTER, &time.http_date()),
        }
    }

    fn members(&self, code: &Value) -> Value {
        let mut members = json!({"code": code, "message": self.message, "description": self.description});
        if self.family == Family::Routing {
            members["type"] = json!("Status report");
        }
        if let Detail::NextAccess(time) = &self.detail {
            members["nextAccessTime"] = json!(time.next_access_time());
        }
        members
    }

    fn xml(&self) -> String {
        let (prefix, namespace) = match self.family {
            Family::Security => ("ams", "http://wso2.org/apimanager/security"),
            Family::Throttling => ("amt", "http://wso2.org/apimanager/throttling"),
            Family::Routing => ("am", "http://wso2.org/apimanager"),
        };
        let element =
            |name: &str, text: &str| format!("<{prefix}:{name}>{}</{prefix}:{name}>", escaped(text));
        let mut children = element("code", &self.code.to_string());
        if self.family == Family::Routing {
            children += &element("type", "Status report");
        }
        children += &element("message", self.message);
        children += &element("description", self.description);
        if let Detail::NextAccess(time) = &self.detail {
            children += &element("nextAccessTime", &time.next_access_time());
        }
        format!("<{prefix}:fault xmlns:{prefix}=\"{namespace}\">{children}</{prefix}:fault>")
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::super::timestamp::tests::at;
    use super::*;

    fn body(error: &GatewayError, shape: ErrorShape) -> String {
        String::from_utf8(error.reply(shape).body.to_vec()).unwrap()
    }

    #[test]
    fn the_code_is_a_number_when_wrapped_and_text_when_bare() {
        let error = GatewayError::no_resource();
        let wrapped: Value = serde_json::from_str(&body(&error, ErrorShape::Json)).unwrap();
        assert_eq!(wrapped["fault"]["code"], 404);
        let bare: Value = serde_json::from_str(&body(&error, ErrorShape::Bare)).unwrap();
        assert_eq!(bare["code"], "404");
        assert_eq!(bare["type"], "Status report");
    }

    #[test]
    fn xml_has_a_namespace_for_each_family() {
        assert_eq!(
            body(&GatewayError::invalid_credentials(), ErrorShape::Xml)
                .split_once("<ams:description>")
                .unwrap()
                .0,
            "<ams:fault xmlns:ams=\"http://wso2.org/apimanager/security\"><ams:code>900901</ams:code>\
             <ams:message>Invalid Credentials</ams:message>"
        );
        let throttled = GatewayError::throttled(Duration::from_secs(1), at("2024-03-01T09:30:59Z"));
        let throttled = body(&throttled, ErrorShape::Xml);
        assert!(
            throttled.starts_with("<amt:fault xmlns:amt=\"http://wso2.org/apimanager/throttling\">"),
            "{throttled}"
        );
        assert!(throttled.contains("<amt:nextAccessTime>2024-Mar-01 09:31:00+0000 UTC<"), "{throttled}");
        assert!(
            body(&GatewayError::no_method(), ErrorShape::Xml).contains("<am:type>Status report</am:type>")
        );
    }

    #[test]
    fn a_wait_is_rounded_up_from_the_second_that_date_shows() {
        let now = at("2024-03-01T09:30:00.900Z");
        let reply = GatewayError::throttled(Duration::from_millis(1001), now).reply(ErrorShape::Bare);
        assert_eq!(reply.headers[RETRY_AFTER], "Fri, 01 Mar 2024 09:30:02 GMT");
        assert_eq!(now.http_date(), "Fri, 01 Mar 2024 09:30:00 GMT");
    }
}
