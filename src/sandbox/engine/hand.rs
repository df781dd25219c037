//! Moving the clock by hand: from timer to timer, so that everything on the way happens in its order, and a minute of
//! retries takes no longer than their answers.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;

use super::Engine;

/// How an advance ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sandbox) enum End {
    /// All of the time has passed, and every attempt on the way is answered.
    Through,
    /// It took too long; so much of the time is left, perhaps nothing of it.
    Left(TimeDelta),
    /// The sandbox stops.
    Stopped,
}

/// Keeps everything else from happening by itself meanwhile; also when whoever asked for it hangs up.
struct Hold<'engine>(&'engine Engine);

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        self.0.work().is_in_hand = false;
        self.0.changed.notify_one();
    }
}

impl Engine {
    /// Lets `span` pass, in real time no longer than `patience`. A reset in the middle ends it.
    pub(in crate::sandbox) async fn advance(
        self: &Arc<Self>,
        span: TimeDelta,
        patience: Option<Duration>,
    ) -> End {
        let mut left = span;
        let through = self.pass_all(&mut left);
        let end = match patience {
            Some(patience) => tokio::time::timeout(patience, through).await.ok(),
            None => Some(through.await),
        };
        match end {
            Some(true) => End::Through,
            Some(false) => End::Stopped,
            None => End::Left(left),
        }
    }

    /// False when the server stops first.
    async fn pass_all(self: &Arc<Self>, left: &mut TimeDelta) -> bool {
        let _turn = self.turn.lock().await;
        let (era, _hold) = self.hold();
        let mut is_through = false;
        loop {
            // A retry's pause begins with the answer before it.
            if !self.settled().await {
                return false;
            }
            if is_through || !self.step(era, left) {
                return true;
            }
            is_through = left.is_zero();
            tokio::task::yield_now().await;
        }
    }

    fn hold(&self) -> (u64, Hold<'_>) {
        let mut work = self.work();
        work.is_in_hand = true;
        (work.era, Hold(self))
    }

    /// Waits until no attempt is under way; false when the server stops first.
    async fn settled(&self) -> bool {
        let (mut stopping, mut under_way) = (self.stopping.clone(), self.under_way.subscribe());
        tokio::select! {
            biased;
            _ = stopping.wait_for(|is_stopping| *is_stopping) => false,
            _ = under_way.wait_for(|count| *count == 0) => true,
        }
    }

    /// Moves the clock to the next timer within what is left, or through all of that, and lets happen what is due then.
    /// False when everything was dropped since `era`, and with it what this was for.
    fn step(self: &Arc<Self>, era: u64, left: &mut TimeDelta) -> bool {
        let mut work = self.work();
        if work.era != era {
            return false;
        }
        let now = self.scene.store.now();
        let to_next = work.next().map(|due| due.since(now).max(TimeDelta::zero()));
        let step = to_next.filter(|step| step <= left).unwrap_or(*left);
        self.scene.store.advance(step);
        *left -= step;
        self.happen(&mut work);
        true
    }
}
