//! A service that gives out tokens and knows which of them it gave last; and homes that sign in to it. It has no tests.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use chrono::{SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json as value};

use crate::service::OWNER;
use crate::support::{Reply, Request, Server, Vwh, json};

/// Secrets of the profile `work`; none of them may ever be seen.
pub(crate) const PASSWORD: &str = "pass wörd&=+%7";
pub(crate) const CLIENT_SECRET: &str = "s3cr3t/cl+ient=";

/// What the service has given out.
#[derive(Debug, Default)]
pub(crate) struct Grants {
    pub(crate) count: usize,
    /// The access token that the API takes; none before the first grant.
    pub(crate) access: Option<String>,
}

/// A token endpoint at `/token` and an API beside it.
pub(crate) struct TokenService {
    pub(crate) server: Server,
    grants: Arc<Mutex<Grants>>,
}

impl TokenService {
    /// One that grants whatever is asked.
    pub(crate) fn generous() -> Self {
        Self::new(|_, grants| grants.grant())
    }

    /// One whose token endpoint answers with what `token` returns.
    pub(crate) fn new(token: impl Fn(&Request, &mut Grants) -> Reply + Send + Sync + 'static) -> Self {
        let grants = Arc::new(Mutex::new(Grants::default()));
        let shared = Arc::clone(&grants);
        let server = Server::new(move |request| {
            let mut grants = shared.lock().unwrap();
            if request.path == "/token" { token(request, &mut grants) } else { grants.answer(request) }
        });
        Self { server, grants }
    }

    /// One that refuses every sign-in with this body.
    pub(crate) fn refusing(status: u16, body: impl Into<String>) -> Self {
        let body = body.into();
        Self::new(move |_, _| json(status, body.clone()))
    }

    /// The forms that came to the token endpoint.
    pub(crate) fn forms(&self) -> Vec<BTreeMap<String, String>> {
        let requests = self.server.requests().into_iter().filter(|request| request.path == "/token");
        requests.map(|request| form(&request)).collect()
    }

    /// The kinds of grant that were asked for.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.forms().into_iter().map(|form| form["grant_type"].clone()).collect()
    }

    /// Takes this token at the API from now on, and no other.
    pub(crate) fn accept(&self, token: &str) {
        self.grants.lock().unwrap().access = Some(token.to_owned());
    }

    /// A home whose default profile `work` has these keys besides its addresses, user and client.
    pub(crate) fn home(&self, keys: &str) -> Vwh {
        let base = self.server.base_url();
        home(&base, &format!("{base}/token"), keys)
    }

    /// The same with a password file, so that it signs in by itself.
    pub(crate) fn unattended(&self) -> Vwh {
        self.home("password_file = 'password'")
    }
}

impl Grants {
    /// A new pair of tokens.
    pub(crate) fn grant(&mut self) -> Reply {
        self.count += 1;
        let access = format!("access-{}", self.count);
        self.access = Some(access.clone());
        let pair = value!({
            "access_token": access, "refresh_token": format!("refresh-{}", self.count),
            "token_type": "Bearer", "scope": "openid", "id_token": "id-token", "expires_in": 86_400,
        });
        json(200, pair.to_string())
    }

    fn answer(&self, request: &Request) -> Reply {
        let token = request.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
        match (token, request.path.as_str()) {
            (None, _) => json(401, r#"{"code":"900902","message":"Missing Credentials"}"#),
            (token, _) if token != self.access.as_deref() => {
                json(401, r#"{"code":"900901","message":"Invalid Credentials"}"#)
            }
            (_, "/self") => json(200, OWNER),
            _ => json(200, r#"[{"id":"w-1"}]"#),
        }
    }
}

/// A home with the default profile `work` at these addresses.
pub(crate) fn home(base_url: &str, token_url: &str, keys: &str) -> Vwh {
    let vwh = Vwh::new();
    vwh.write("password", &format!("{PASSWORD}\n"));
    vwh.write("client-secret", &format!("{CLIENT_SECRET}\n"));
    vwh.configure(&format!(
        "default_profile = 'work'\n[profiles.work]\nbase_url = '{base_url}'\ntoken_url = '{token_url}'\n\
         username = 'operator'\nclient_id = 'k3y'\nclient_secret_file = 'client-secret'\n{keys}\n"
    ));
    vwh
}

/// The members of a form.
pub(crate) fn form(request: &Request) -> BTreeMap<String, String> {
    url::form_urlencoded::parse(&request.body).into_owned().collect()
}

/// Stores a sign-in of `work` at `service` whose token ends in `seconds`, and gives it.
pub(crate) fn signed_in(service: &TokenService, vwh: &Vwh, seconds: i64) -> Value {
    let base = service.server.base_url();
    let credentials = value!({
        "version": 1, "baseUrl": base, "tokenUrl": format!("{base}/token"),
        "clientId": "k3y", "username": "operator@vbc.prod",
        "accessToken": "access-0", "issuedAt": moment(seconds - 86_400), "expiresAt": moment(seconds),
        "refreshToken": "refresh-0", "refreshExpiresAt": moment(seconds + 518_400),
        "clientSecret": null, "claimedUser": null, "expectedUser": null, "past": [],
    });
    store(vwh, &credentials);
    credentials
}

/// Puts `credentials` where those of `work` are.
pub(crate) fn store(vwh: &Vwh, credentials: &Value) {
    vwh.write(".local/state/vwh/credentials/work.json", &credentials.to_string());
}

/// What is stored of `work`.
pub(crate) fn stored(vwh: &Vwh) -> Value {
    let path = vwh.state().join("credentials/work.json");
    std::fs::read_to_string(path).map_or(Value::Null, |text| serde_json::from_str(&text).unwrap())
}

/// What is remembered of signing in as the user of `work` at `service`.
pub(crate) fn past(service: &TokenService, pending: &Value, refused: &Value) -> Value {
    value!([{
        "username": "operator@vbc.prod", "tokenUrl": format!("{}/token", service.server.base_url()),
        "pending": pending, "refused": refused, "notBefore": null,
    }])
}

/// The moment in `seconds` from now.
pub(crate) fn moment(seconds: i64) -> String {
    (Utc::now() + TimeDelta::seconds(seconds)).to_rfc3339_opts(SecondsFormat::Secs, true)
}
