//! What `trigger` posts: the events of a sample call, or the deliveries of a record. Posts nothing.

use super::TriggerArgs;
use crate::commands::Context;
use crate::commands::destination::MetadataPolicy;
use crate::commands::lines::{Lines, Source};
use crate::commands::posting::report::Subject;
use crate::commands::posting::sample::Sample;
use crate::commands::service::check_key;
use crate::commands::signing_key;
use crate::delivery::Delivery;
use crate::error::{Error, Kind};
use crate::receiver::record::{Record, is_torn};
use crate::secret::Secret;
use crate::services::facts::{Facts, facts};
use crate::services::incoming::{SYNTHETIC, TRIGGERED, read};
use crate::services::vis::delivery::Policy;
use crate::services::vis::delivery::scenario::Scenario;

/// What is posted at the most in one run: it is all read before anything is posted.
const MOST: usize = 64 << 20;

/// Everything that is posted, in order.
pub(super) enum Plan {
    /// A sample call, or one event of it.
    Sample(Sample),
    /// What was recorded, of where.
    Replay(Source, Vec<(Subject, Delivery)>),
}

impl Plan {
    /// The sample that `args` ask for.
    pub(super) async fn sample(args: &TriggerArgs, context: &Context) -> Result<Self, Error> {
        check(args)?;
        let key = key(args, context).await?;
        if !facts(args.service).tells_states {
            return Sample::events(context, args.service, args.event.as_deref(), key).map(Self::Sample);
        }
        let policy = Policy::named(args.metadata_policy.unwrap_or(MetadataPolicy::Header).wire_name());
        let sample = match &args.state {
            Some(state) => Sample::state(context, state, policy, key),
            None => Sample::call(context, args.scenario.unwrap_or(Scenario::InboundAnswered), policy, key),
        };
        sample.map(Self::Sample)
    }

    /// The deliveries that `listen --record` has written to `source`.
    pub(super) async fn replay(context: &Context, source: Source) -> Result<Self, Error> {
        let mut lines = Lines::of(source);
        let (mut deliveries, mut size) = (Vec::new(), 0);
        while let Some(line) = lines.next(context).await? {
            let text = str::from_utf8(&line).unwrap_or_default();
            size += line.len();
            if size > MOST {
                let message = format!("{} is larger than {} MiB", lines.source(), MOST >> 20);
                return Err(Error::new(Kind::Configuration, message).hint("replay it in parts"));
            }
            match Record::read(text) {
                Some(record) => deliveries.push(replayed(record)),
                None if is_torn(&line) => context.output.warning(&format!(
                    "line {} of {} is cut short, and is left out",
                    lines.number(),
                    lines.source()
                )),
                None if deliveries.is_empty() => return Err(no_record(&lines)),
                None => context.output.warning(&format!(
                    "line {} of {} is no line of a record, and is left out",
                    lines.number(),
                    lines.source()
                )),
            }
        }
        if deliveries.is_empty() {
            return Err(no_record(&lines));
        }
        Ok(Self::Replay(lines.source().clone(), deliveries))
    }

    /// What people call it.
    pub(super) fn what(&self) -> String {
        let (noun, count) = match self {
            Self::Sample(sample) if sample.key().is_some() => {
                ("a signed sample call".to_owned(), sample.len())
            }
            Self::Sample(sample) => ("an unsigned sample call".to_owned(), sample.len()),
            Self::Replay(source, deliveries) => (format!("the record of {source}"), deliveries.len()),
        };
        let events = if count == 1 { "event" } else { "events" };
        format!("{noun} ({count} {events})")
    }

    /// The key that signs it.
    pub(super) fn key(&self) -> Option<&Secret> {
        match self {
            Self::Sample(sample) => sample.key(),
            Self::Replay(..) => None,
        }
    }

    /// What each delivery is about, in order.
    pub(super) fn subjects(&self) -> Vec<Subject> {
        match self {
            Self::Sample(sample) => sample.subjects().cloned().collect(),
            Self::Replay(_, deliveries) => deliveries.iter().map(|(subject, _)| subject.clone()).collect(),
        }
    }

    /// The delivery at `index` as it is posted for this attempt. One that is replayed stays what it was.
    pub(super) fn delivery(&self, index: usize, attempt: u32) -> Delivery {
        match self {
            Self::Sample(sample) => sample.delivery(index, attempt),
            Self::Replay(_, deliveries) => deliveries[index].1.clone(),
        }
    }
}

fn replayed(record: Record) -> (Subject, Delivery) {
    let Record { mut headers, body, .. } = record;
    let subject = read(&headers, &body, None).map(|received| Subject::of(&received)).unwrap_or_default();
    headers.insert(SYNTHETIC, TRIGGERED);
    (subject, Delivery { headers, body, ..Delivery::default() })
}

fn no_record(lines: &Lines) -> Error {
    let source = lines.source();
    let message = match lines.number() {
        0 => format!("{source} is empty"),
        _ => format!("{source} is no record"),
    };
    Error::new(Kind::Configuration, message).hint("vwh listen --record FILE writes one")
}

/// The key that signs the sample, unless it is to be unsigned.
async fn key(args: &TriggerArgs, context: &Context) -> Result<Option<Secret>, Error> {
    if args.unsigned {
        return Ok(None);
    }
    let file = args.signing_key_file.as_deref();
    if args.metadata_policy == Some(MetadataPolicy::None) {
        if file.is_some() {
            context.output.warning(
                "the key is not used: a signature only travels with --metadata-policy header or body",
            );
        }
        return Ok(None);
    }
    let key = signing_key::given(context, file).await?;
    if let Some(key) = &key {
        let origin = file.map_or_else(|| "VWH_SIGNING_KEY".to_owned(), |file| file.display().to_string());
        check_key(Some(args.service), key, &origin)?;
    }
    key.map(Some).ok_or_else(|| {
        Error::new(Kind::Usage, "there is no key to sign with").hint(if facts(args.service).may_be_unsigned {
            "give one with --signing-key-file FILE or VWH_SIGNING_KEY, or post without one: --unsigned"
        } else {
            "give one with --signing-key-file FILE or VWH_SIGNING_KEY"
        })
    })
}

/// Refuses what the service has no place for.
fn check(args: &TriggerArgs) -> Result<(), Error> {
    let Facts { tells_states, may_be_unsigned, .. } = facts(args.service);
    let service = args.service.title();
    let refusal = if *tells_states && args.event.is_some() {
        (format!("{service} has one event, CALL, in several states"), "choose one with --state")
    } else if !tells_states
        && (args.state.is_some() || args.scenario.is_some() || args.metadata_policy.is_some())
    {
        (
            format!("{service} has neither states nor scenarios nor a metadata policy"),
            "choose an event with --event TYPE",
        )
    } else if args.event.as_deref().is_some_and(str::is_empty) {
        ("the event's type is empty".to_owned(), "write one such as channel.held.v1 or call_hangup")
    } else if args.unsigned && !may_be_unsigned {
        (format!("{service} signs every notification"), "leave --unsigned out")
    } else {
        return Ok(());
    };
    Err(Error::new(Kind::Usage, refusal.0).hint(refusal.1))
}
