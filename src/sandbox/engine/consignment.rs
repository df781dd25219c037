//! What the engine delivers, of whichever service: moments of a call, and who is to be told of each.
//!
//! The engine has the timers, the lanes and the sender. A service's own part of the sandbox says what happens, what is posted
//! and where, under which rules, and what becomes of it.

use std::fmt::Debug;
use std::sync::Arc;

use chrono::TimeDelta;
use url::Url;

use crate::delivery::{Answer, Delivery, Reach, Rules, Successes};
use crate::network::is_loopback;
use crate::sandbox::options::Options;
use crate::sandbox::store::Store;
use crate::sandbox::timestamp::Timestamp;
use crate::webhook::ServiceKind;

/// Where it all takes place.
#[derive(Clone, Debug)]
pub(in crate::sandbox) struct Scene {
    pub(in crate::sandbox) store: Arc<Store>,
    reach: Reach,
    attempts: Option<u32>,
    any_2xx: bool,
    allows_private_targets: bool,
    has_webhook_secret: bool,
    has_duplicates: bool,
    is_out_of_order: bool,
}

/// Something that happens in a call, as one service tells it.
pub(in crate::sandbox) trait Moment: Debug + Send + Sync {
    /// It happens at `now`: writes it down, and says who is to be told.
    fn happen(&self, scene: &Scene, now: Timestamp) -> Vec<Arc<dyn Consignment>>;
}

/// One event for one receiver, through all its attempts.
pub(in crate::sandbox) trait Consignment: Debug + Send + Sync {
    /// Whose it is.
    fn service(&self) -> ServiceKind;

    /// What it goes to, told apart from everything else that any service delivers to: the events of one call arrive there in
    /// order.
    fn destination(&self) -> Arc<str>;

    /// The rules of its service, as `scene` has them.
    fn rules(&self, scene: &Scene) -> Rules;

    /// Which hosts it may be posted to.
    fn reach(&self, scene: &Scene) -> Reach {
        scene.reach()
    }

    /// What is posted in the attempt `number`, counted from 1, and where to; `None` when nothing is delivered there any more.
    fn post(&self, scene: &Scene, number: u32) -> Option<(Url, Delivery)>;

    /// It is delivered, or given up after `answer`.
    fn decided(&self, _scene: &Scene, _answer: &Answer, _is_delivered: bool) {}
}

/// A call before it begins: what happens in it, and how long after its beginning each.
#[derive(Debug, Default)]
pub(in crate::sandbox) struct Script(Vec<(TimeDelta, Box<dyn Moment>)>);

/// A call that is under way.
#[derive(Debug)]
pub(super) struct Play {
    /// What the service of calls knows it by.
    pub(super) call: u64,
    pub(super) script: Script,
}

impl Script {
    /// What happens at once and alone.
    pub(in crate::sandbox) fn of(moment: impl Moment + 'static) -> Self {
        let mut script = Self::default();
        script.add(0, moment);
        script
    }

    /// Lets `moment` happen `seconds` after the beginning.
    pub(in crate::sandbox) fn add(&mut self, seconds: i64, moment: impl Moment + 'static) {
        self.0.push((TimeDelta::seconds(seconds), Box::new(moment)));
    }

    /// When everything happens, in the order of time.
    pub(super) fn sorted(mut self) -> Self {
        self.0.sort_by_key(|(after, _)| *after);
        self
    }

    /// How long after the beginning each moment is.
    pub(super) fn times(&self) -> impl Iterator<Item = TimeDelta> {
        self.0.iter().map(|(after, _)| *after)
    }

    /// The moment at `index`, and whether it is the last one.
    pub(super) fn moment(&self, index: usize) -> Option<(&dyn Moment, bool)> {
        let (_, moment) = self.0.get(index)?;
        Some((moment.as_ref(), index + 1 == self.0.len()))
    }
}

impl Scene {
    /// The scene that `options` ask for.
    pub(super) fn new(store: Arc<Store>, options: &Options) -> Self {
        let reach = if options.deliver_anywhere { Reach::Anywhere } else { Reach::Loopback };
        Self {
            store,
            reach,
            attempts: options.attempts,
            any_2xx: options.any_2xx,
            allows_private_targets: options.allow_private_targets,
            has_webhook_secret: !options.no_webhook_secret,
            has_duplicates: options.duplicates,
            is_out_of_order: options.out_of_order,
        }
    }

    /// Which hosts are delivered to.
    pub(in crate::sandbox) const fn reach(&self) -> Reach {
        self.reach
    }

    /// Whether VoIPBIN's guard against targets that are not public is off.
    pub(in crate::sandbox) const fn allows_private_targets(&self) -> bool {
        self.allows_private_targets
    }

    /// Whether VoIPBIN's customer has a secret to sign with.
    pub(in crate::sandbox) const fn has_webhook_secret(&self) -> bool {
        self.has_webhook_secret
    }

    /// `consignments` of a service that may deliver an event more than once: each of them twice, if that is asked for.
    pub(in crate::sandbox) fn repeated(
        &self,
        consignments: Vec<Arc<dyn Consignment>>,
    ) -> Vec<Arc<dyn Consignment>> {
        let times = if self.has_duplicates { 2 } else { 1 };
        consignments.into_iter().flat_map(|one| vec![one; times]).collect()
    }

    /// What a service that keeps no order tells of the `steps` of a call, each so many seconds into it: beside each step, how
    /// many seconds after it has happened it is told. If that is asked for, the first of each two is told a second after the
    /// second.
    pub(in crate::sandbox) fn delayed(
        &self,
        steps: impl Iterator<Item = (i64, &'static str)>,
    ) -> Vec<((i64, &'static str), i64)> {
        let steps: Vec<_> = steps.collect();
        let delays = |pair: &[(i64, &str)]| match pair {
            [(first, _), (second, _)] if self.is_out_of_order => [second - first + 1, 0],
            _ => [0, 0],
        };
        let delays: Vec<i64> = steps.chunks(2).flat_map(delays).collect();
        steps.into_iter().zip(delays).collect()
    }

    /// The rules that deliveries go by where those of their service are `usual`.
    pub(in crate::sandbox) fn rules(&self, usual: Rules) -> Rules {
        let successes = match usual.successes {
            Successes::Only(_) if self.any_2xx => Successes::AnyTwoHundred,
            successes => successes,
        };
        Rules { attempts: self.attempts.unwrap_or(usual.attempts).max(1), successes, ..usual }
    }

    /// Where a registration wants its deliveries; `None` for places that nothing is delivered to.
    pub(in crate::sandbox) fn address(&self, url: &str) -> Option<Url> {
        let url = Url::parse(url).ok()?;
        let is_within_reach = self.reach == Reach::Anywhere || is_loopback(&url);
        (is_within_reach && matches!(url.scheme(), "http" | "https")).then_some(url)
    }
}
