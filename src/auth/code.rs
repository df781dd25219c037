//! The authorization code: the URL that a browser is sent to, and what it brings back. Pure but for the randomness it is
//! handed.

use std::io;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use url::{Url, form_urlencoded};

use crate::markup::shortened;
use crate::secret::Secret;

/// One sign-in through a browser: what ties its end to its beginning.
#[derive(Clone, Debug)]
pub struct Attempt {
    state: Secret,
    verifier: Secret,
}

/// What a browser brought back instead of a code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// It is not the end of this attempt.
    #[error("it belongs to another sign-in: its state is not the one that was sent")]
    OtherState,
    /// The service, or the person, said no.
    #[error("{0}")]
    Refused(String),
    /// Neither code nor error.
    #[error("it holds no code")]
    NoCode,
}

impl Attempt {
    /// A new attempt; `random` fills in bytes that nobody can guess.
    pub fn new(random: fn(&mut [u8]) -> io::Result<()>) -> io::Result<Self> {
        let text = || {
            let mut bytes = [0; 32];
            random(&mut bytes)?;
            Ok::<_, io::Error>(Secret::new(BASE64_URL_SAFE_NO_PAD.encode(bytes)))
        };
        Ok(Self { state: text()?, verifier: text()? })
    }

    /// What the challenge was made of, for the token endpoint (RFC 7636).
    #[must_use]
    pub fn verifier(&self) -> &Secret {
        &self.verifier
    }

    /// Where to send the browser: `token_url` with `authorize` as its last segment (vis §1).
    #[must_use]
    pub fn authorize_url(&self, token_url: &Url, client_id: &str, redirect_uri: &str) -> Url {
        let mut url = token_url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().pop().push("authorize");
        }
        let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(self.verifier.reveal()));
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", client_id)
            .append_pair("redirect_uri", redirect_uri)
            .append_pair("scope", "openid")
            .append_pair("state", self.state.reveal())
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        url
    }

    /// The code in the `query` that the browser came back with. What has another state is not looked at any further.
    pub fn code_in(&self, query: &str) -> Result<Secret, Unusable> {
        let member = |name: &str| {
            let mut pairs = form_urlencoded::parse(query.as_bytes());
            pairs.find_map(|(key, value)| (key == name && !value.is_empty()).then(|| value.into_owned()))
        };
        if member("state").as_deref() != Some(self.state.reveal()) {
            return Err(Unusable::OtherState);
        }
        if let Some(error) = member("error") {
            let text = member("error_description").map_or(error.clone(), |text| format!("{error}: {text}"));
            return Err(Unusable::Refused(shortened(&text)));
        }
        member("code").map(Secret::new).ok_or(Unusable::NoCode)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::proptest;
    use url::Url;

    use super::{Attempt, Secret, Unusable};

    fn attempt() -> Attempt {
        Attempt {
            state: Secret::new("st"),
            // RFC 7636 appendix B.
            verifier: Secret::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
        }
    }

    #[test]
    fn the_browser_is_sent_to_the_sibling_of_the_token_url() {
        for (token_url, authorize) in [
            ("https://api.vonage.com/token", "https://api.vonage.com/authorize"),
            ("https://a.example/t/vbc.prod/oauth2/token/", "https://a.example/t/vbc.prod/oauth2/authorize"),
            ("http://127.0.0.1:4010/", "http://127.0.0.1:4010/authorize"),
        ] {
            let token_url: Url = token_url.parse().expect("a URL");
            let url = attempt().authorize_url(&token_url, "key", "http://127.0.0.1:1/cb?x=1&y");
            assert_eq!(
                url.as_str(),
                format!(
                    "{authorize}?response_type=code&client_id=key&redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2Fcb%3Fx%3D1%26y\
                     &scope=openid&state=st&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM\
                     &code_challenge_method=S256"
                )
            );
        }
    }

    #[test]
    fn only_this_attempts_code_is_taken() {
        let code_in = |query: &str| attempt().code_in(query).map(|code| code.reveal().to_owned());
        assert_eq!(code_in("state=st&code=a%2Bb"), Ok("a+b".to_owned()));
        for query in ["", "code=x", "state=&code=x", "state=ST&code=x", "state=s&code=x", "error=no"] {
            assert_eq!(code_in(query), Err(Unusable::OtherState), "{query}");
        }
        assert_eq!(code_in("state=st"), Err(Unusable::NoCode));
        assert_eq!(code_in("state=st&code="), Err(Unusable::NoCode));
        let refused = Err(Unusable::Refused("access_denied: the person said no".to_owned()));
        assert_eq!(
            code_in("state=st&code=x&error=access_denied&error_description=the+person%0Asaid+no"),
            refused
        );
    }

    #[test]
    fn two_attempts_share_nothing() {
        let counting = |bytes: &mut [u8]| getrandom::fill(bytes).map_err(std::io::Error::other);
        let (one, other) = (Attempt::new(counting).expect("random"), Attempt::new(counting).expect("random"));
        assert!(one.state != other.state && one.verifier != other.verifier && one.state != one.verifier);
        assert_eq!(one.verifier.reveal().len(), 43);
        assert!(!format!("{one:?}").contains(one.state.reveal()));
    }

    proptest! {
        #[test]
        fn without_the_state_no_query_gives_a_code(query in ".*") {
            let is_ours = query.contains("state=st");
            assert!(attempt().code_in(&query).is_err() || is_ours);
        }
    }
}
