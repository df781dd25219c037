//! The check of a receiver before a webhook is registered for it: it must take one sample call under the service's rules.

use url::Url;

use super::Context;
use super::posting::sample::Sample;
use super::posting::{Conclusion, Posting};
use super::signing_key::{Key, KeyArgs};
use crate::delivery::Successes;
use crate::error::{Error, Kind};
use crate::output::text::word;
use crate::secret::mask_url;
use crate::services::facts::facts;
use crate::services::vis::delivery::Policy;
use crate::services::vis::delivery::scenario::Scenario;
use crate::webhook::ServiceKind;

/// What is posted: short, and with a state of every phase of a call.
const SCENARIO: Scenario = Scenario::InboundMissed;

/// What is checked, and how.
pub struct Check<'a> {
    /// The receiver.
    pub url: &'a Url,
    /// Whose webhook will be registered.
    pub service: ServiceKind,
    /// The metadata policy that will be registered (VIS).
    pub policy: Policy,
    /// The key that will be registered.
    pub key: &'a Key,
    /// Where the user wants it from, for the command that tries the receiver alone.
    pub key_args: &'a KeyArgs,
    /// Whether any host may be posted to.
    pub is_yes: bool,
}

impl Check<'_> {
    /// Posts every event once. Fails unless each is answered with a success that the service takes and with a 2xx: VoIPBIN takes
    /// a refusal for delivered, and then the event is lost.
    pub async fn run(&self, context: &Context) -> Result<(), Error> {
        let key = self.key.secret();
        let sample = if facts(self.service).tells_states {
            Sample::call(context, SCENARIO, self.policy, key.cloned())?
        } else {
            Sample::events(context, self.service, None, key.cloned())?
        };
        let count = sample.len();
        let what = format!("a {} ({count} events)", facts(self.service).sample);
        let posting = Posting::begin(context, self.url, &what, self.is_yes).await?.once().hiding(key);
        for (index, subject) in sample.subjects().enumerate() {
            let posted =
                posting.post(self.service, subject.name(), |attempt| sample.delivery(index, attempt)).await;
            let interrupted =
                context.limits.is_interrupted().then(|| Error::new(Kind::Interrupted, "interrupted"));
            if let Some(error) = posted.ended.or(interrupted) {
                return Err(error.while_doing("nothing was registered"));
            }
            let last = posted.attempts.last();
            let status = last.and_then(|attempt| attempt.status);
            let is_taken = status.is_some_and(|status| (200..300).contains(&status));
            if posted.conclusion != Conclusion::Delivered || !is_taken {
                let said = || status.map(|status| status.to_string());
                let trouble =
                    last.and_then(|attempt| attempt.trouble.clone()).or_else(said).unwrap_or_default();
                return Err(Error::new(
                    Kind::Failure,
                    "nothing was registered, because the receiver fails the check",
                )
                .because(format!("{}: {trouble}", subject.name()))
                .hint(self.hint(status)));
            }
        }
        context.output.notice(&self.told(count));
        Ok(())
    }

    fn told(&self, count: usize) -> String {
        let how = match facts(self.service).rules.successes {
            Successes::Only(status) => format!("with {status}"),
            Successes::AnyTwoHundred | Successes::Below(_) => "with a 2xx".to_owned(),
        };
        format!("the receiver has answered all {count} events of a {} {how}", facts(self.service).sample)
    }

    fn hint(&self, status: Option<u16>) -> String {
        if matches!(self.key, Key::Generated { .. }) && matches!(status, Some(401 | 403)) {
            return "a receiver that verifies cannot know a key that was just made: make one, give it to the receiver, and \
                    register it with --signing-key-file FILE"
                .to_owned();
        }
        let mut command = format!("vwh trigger {} --once", word(&mask_url(self.url.as_str())));
        if self.service != ServiceKind::default() {
            command.push_str(&format!(" --service {}", self.service.name()));
        }
        let has_policies = self.service.has_policies();
        match self.policy {
            _ if !has_policies => {}
            Policy::None => command.push_str(" --metadata-policy none"),
            Policy::Body => command.push_str(" --metadata-policy body"),
            Policy::Header => {}
        }
        match (self.key, self.key_args.file().or(self.key_args.out())) {
            // A key that was made for this run is kept nowhere, since nothing was registered.
            (Key::Unsigned | Key::Generated { .. }, _) if !has_policies || self.policy != Policy::None => {
                command.push_str(" --unsigned");
            }
            (Key::Given(_), Some(file)) => {
                command.push_str(&format!(" --signing-key-file {}", word(&file.to_string_lossy())));
            }
            _ if self.service.makes_keys() => command.push_str(" --signing-key-file FILE"),
            _ => {}
        }
        format!("try the receiver alone until it answers 200: {command}")
    }
}
