//! The parameters of an OAuth request, from a form or a query. They hold passwords: there is no `Debug`.

use std::collections::BTreeMap;

use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use url::form_urlencoded;

use super::refusal::Refusal;

/// Parameters by name. One without a value counts as not sent (RFC 6749 §3.2).
pub(in crate::sandbox) struct Form(BTreeMap<String, String>);

impl Form {
    /// Reads a request's body, which is none when it was too large.
    pub(in crate::sandbox) fn read(headers: &HeaderMap, body: Option<&[u8]>) -> Result<Self, Refusal> {
        if !is_form(headers) {
            let description = "The Content-Type must be application/x-www-form-urlencoded";
            return Err(Refusal::invalid_request(description));
        }
        Self::parse(body.ok_or_else(Refusal::too_large)?)
    }

    /// Reads `name=value&…`, where each name may stand once.
    pub(in crate::sandbox) fn parse(text: &[u8]) -> Result<Self, Refusal> {
        let mut parameters = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(text) {
            if value.is_empty() {
                continue;
            }
            if parameters.insert(name.clone().into_owned(), value.into_owned()).is_some() {
                return Err(Refusal::invalid_request(format!("The parameter {name} is given twice")));
            }
        }
        Ok(Self(parameters))
    }

    /// The parameter `name`, if it was sent.
    pub(in crate::sandbox) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The parameter `name`, without which nothing comes of the request.
    pub(in crate::sandbox) fn required(&self, name: &str) -> Result<&str, Refusal> {
        self.get(name).ok_or_else(|| Refusal::invalid_request(format!("Missing parameter: {name}")))
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_empty_parameter_is_none_and_two_are_too_many() {
        let form = Form::parse(b"username=demo%40vbc.prod&scope=&password=a+b%26").ok().unwrap();
        assert_eq!(form.get("username"), Some("demo@vbc.prod"));
        assert_eq!(form.get("password"), Some("a b&"));
        assert_eq!(form.get("scope"), None);
        assert_eq!(form.required("code").unwrap_err().description, "Missing parameter: code");
        let twice = Form::parse(b"code=1&code=1").err().unwrap();
        assert_eq!(twice, Refusal::invalid_request("The parameter code is given twice"));
    }

    #[test]
    fn only_a_form_is_read() {
        let with = |value: &str| is_form(&HeaderMap::from_iter([(CONTENT_TYPE, value.parse().unwrap())]));
        assert!(with("application/x-www-form-urlencoded"));
        assert!(with("Application/X-WWW-Form-Urlencoded; charset=UTF-8"));
        assert!(!with("application/json") && !with("application/x-www-form-urlencodedx"));
        assert!(!is_form(&HeaderMap::new()));
    }

    proptest! {
        #[test]
        fn any_value_arrives_as_it_was_sent(value in ".+") {
            let sent = form_urlencoded::Serializer::new(String::new()).append_pair("password", &value).finish();
            let form = Form::parse(sent.as_bytes()).ok().unwrap();
            prop_assert_eq!(form.get("password"), Some(value.as_str()));
        }
    }
}
