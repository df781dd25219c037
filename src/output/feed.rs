//! Lines that come when they come, such as those of `listen`: written to stdout by a thread of its own, from a queue that is
//! bounded. A terminal that is stopped costs lines, which are counted, and never the time of whoever has something to tell.
//!
//! What a line looks like is decided by a [`Lines`]; nothing is lost but lines, whatever they are about.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::{Output, OutputError};

/// So many lines may wait.
const MOST: usize = 8192;

/// So many bytes of what they are made of may wait.
const MOST_BYTES: usize = 32 << 20;

/// Text is written in pieces of about this size.
const PIECE: usize = 64 * 1024;

/// From so many lines at once on, the next ones are waited for: nobody can read that fast, and being woken for each costs
/// more than the line.
const MANY: usize = 16;

/// How long.
const PAUSE: Duration = Duration::from_millis(5);

/// Makes lines out of what there is to tell.
pub trait Lines<T>: Send {
    /// Appends what there is to say of `item`, if anything.
    fn tell(&mut self, item: T, out: &mut String);

    /// Whether something is said of `item` on stderr, before which everything has to be written that came before it.
    fn speaks_aside(&self, item: &T) -> bool;

    /// Says that so many items could not be told.
    fn missed(&mut self, count: u64, out: &mut String);
}

/// The queue. Clones share it.
pub struct Feed<T>(Arc<Shared<T>>);

struct Shared<T> {
    queue: Mutex<Queue<T>>,
    changed: Condvar,
}

struct Queue<T> {
    items: VecDeque<Item<T>>,
    bytes: usize,
    /// How many had no room after the last item.
    missed: u64,
    state: State,
    is_awaited: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nobody writes yet.
    Waiting,
    Open,
    /// Nobody reads: only the last item is told, which may have something for stderr.
    Unread,
    Closed,
    Ended,
}

enum Item<T> {
    Told(T),
    Missed(u64),
}

impl<T> Clone for Feed<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Send + 'static> Default for Feed<T> {
    fn default() -> Self {
        let queue =
            Queue { items: VecDeque::new(), bytes: 0, missed: 0, state: State::Waiting, is_awaited: false };
        Self(Arc::new(Shared { queue: Mutex::new(queue), changed: Condvar::new() }))
    }
}

impl<T: Send + 'static> Feed<T> {
    /// Takes `item`, which holds on to about so many `bytes`, if there is room. Never waits.
    pub fn offer(&self, item: T, bytes: usize) {
        let mut queue = self.0.lock();
        if !matches!(queue.state, State::Waiting | State::Open) {
            return;
        }
        if queue.items.len() >= MOST || queue.bytes + bytes > MOST_BYTES {
            queue.missed += 1;
            return;
        }
        queue.note_missed();
        queue.items.push_back(Item::Told(item));
        queue.bytes += bytes;
        let is_awaited = queue.is_awaited;
        drop(queue);
        if is_awaited {
            self.0.changed.notify_all();
        }
    }

    /// Starts to write what was offered, and what will be. When nobody reads it any more, `unread` is told why.
    pub fn start(
        &self,
        output: Output,
        lines: impl Lines<T> + 'static,
        unread: impl FnOnce(OutputError) + Send + 'static,
    ) -> io::Result<()> {
        let shared = Arc::clone(&self.0);
        let writer = Writer { output, lines, unread: Some(Box::new(unread)), text: String::new() };
        self.0.lock().state = State::Open;
        thread::Builder::new().name("output".to_owned()).spawn(move || {
            writer.run(&shared);
            shared.lock().state = State::Ended;
            shared.changed.notify_all();
        })?;
        Ok(())
    }

    /// Takes a last item, room or not. Where nothing was ever written, nothing is now.
    pub fn close(&self, last: T) {
        let mut queue = self.0.lock();
        if queue.state == State::Waiting {
            return;
        }
        queue.note_missed();
        queue.items.push_back(Item::Told(last));
        queue.state = State::Closed;
        self.0.changed.notify_all();
    }

    /// Waits until everything is written that was offered to a closed one, but no longer than `patience`: a terminal that is
    /// stopped may stay so. Whether it is.
    #[must_use]
    pub fn is_written_within(&self, patience: Duration) -> bool {
        let mut queue = self.0.lock();
        let end = Instant::now() + patience;
        while queue.state == State::Closed {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            queue = self.0.changed.wait_timeout(queue, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}

impl<T> Queue<T> {
    fn note_missed(&mut self) {
        if self.missed > 0 {
            self.items.push_back(Item::Missed(std::mem::take(&mut self.missed)));
        }
    }
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, Queue<T>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the next items, and says whether they are the last.
    fn next(&self) -> (VecDeque<Item<T>>, bool) {
        let mut queue = self.lock();
        queue.is_awaited = true;
        while queue.items.is_empty() && queue.missed == 0 && queue.state != State::Closed {
            queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        queue.is_awaited = false;
        queue.note_missed();
        queue.bytes = 0;
        (std::mem::take(&mut queue.items), queue.state == State::Closed)
    }
}

/// Told why nobody reads.
type Unread = Box<dyn FnOnce(OutputError) + Send>;

struct Writer<L> {
    output: Output,
    lines: L,
    /// Taken when it was told.
    unread: Option<Unread>,
    text: String,
}

impl<L> Writer<L> {
    fn run<T>(mut self, shared: &Shared<T>)
    where
        L: Lines<T>,
    {
        loop {
            let (items, is_last) = shared.next();
            let count = items.len();
            for item in items {
                if matches!(&item, Item::Told(item) if self.lines.speaks_aside(item)) {
                    self.write(shared);
                }
                match item {
                    Item::Told(item) => self.lines.tell(item, &mut self.text),
                    Item::Missed(count) => self.lines.missed(count, &mut self.text),
                }
                if self.text.len() >= PIECE {
                    self.write(shared);
                }
            }
            self.write(shared);
            if is_last {
                return;
            }
            if count >= MANY {
                thread::sleep(PAUSE);
            }
        }
    }

    fn write<T>(&mut self, shared: &Shared<T>) {
        if self.unread.is_some()
            && let Err(error) = self.output.answer(&self.text)
            && let Some(unread) = self.unread.take()
        {
            let mut queue = shared.lock();
            if queue.state == State::Open {
                queue.state = State::Unread;
                queue.items.clear();
            }
            drop(queue);
            unread(error);
        }
        self.text.clear();
        self.text.shrink_to(2 * PIECE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What would be told next, with the number of what was missed in its place.
    fn next(feed: &Feed<usize>) -> Vec<Result<usize, u64>> {
        let (items, _) = feed.0.next();
        let told = |item| match item {
            Item::Told(item) => Ok(item),
            Item::Missed(count) => Err(count),
        };
        items.into_iter().map(told).collect()
    }

    #[test]
    fn what_has_no_room_is_counted_where_it_would_have_been() {
        let feed = Feed::default();
        for item in 0..MOST + 3 {
            feed.offer(item, 1);
        }
        let told = next(&feed);
        assert_eq!((told.len(), told[MOST - 1], told[MOST]), (MOST + 1, Ok(MOST - 1), Err(3)));
        feed.offer(7, MOST_BYTES);
        feed.offer(8, 1);
        feed.offer(9, 0);
        assert_eq!(next(&feed), [Ok(7), Err(1), Ok(9)]);
    }

    #[test]
    fn the_last_item_is_told_room_or_not_and_nothing_after_it() {
        let feed = Feed::default();
        feed.close(0);
        feed.0.lock().state = State::Open;
        for item in 0..=MOST {
            feed.offer(item, 0);
        }
        feed.close(usize::MAX);
        feed.offer(1, 0);
        let told = next(&feed);
        assert_eq!(told[MOST..], [Err(1), Ok(usize::MAX)]);
    }
}
