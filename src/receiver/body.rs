//! Reads a request's body, within bounds: no body is larger than the limit, and all that are being read are not larger than
//! the budget.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::report::Reason;

/// The largest body (design §6).
const LIMIT: usize = 1 << 20;

/// Bodies up to this size are free; every connection may send one.
const FREE: usize = 16 * 1024;

/// What all larger bodies may take together, in KiB.
const BUDGET: usize = 64 * 1024;

/// So much of a body that is too large is read and thrown away, so that its sender gets to read the answer.
const THROWN_AWAY: usize = 8 << 20;

/// What is left for large bodies.
#[derive(Debug)]
pub(super) struct Budget(Arc<Semaphore>);

impl Default for Budget {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(BUDGET)))
    }
}

/// A body that was read.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) bytes: Bytes,
    /// Gives its share of the budget back when the request is done with.
    _share: Option<OwnedSemaphorePermit>,
}

/// Reads `incoming`. Whoever `expects` to be told to go on is told so only if it may.
pub(super) async fn read(mut incoming: Incoming, expects: bool, budget: &Budget) -> Result<Body, Reason> {
    let declared = incoming.size_hint().exact().map(|size| usize::try_from(size).unwrap_or(usize::MAX));
    if declared.is_some_and(|size| size > LIMIT) {
        if !expects {
            throw_away(incoming, 0).await;
        }
        return Err(Reason::TooLarge);
    }
    let mut share = declared.filter(|size| *size > FREE).map(|size| budget.share(size)).transpose()?;
    let Some(first) = next(&mut incoming).await? else {
        return Ok(Body { bytes: Bytes::new(), _share: share });
    };
    if incoming.is_end_stream() && first.len() <= LIMIT {
        return Ok(Body { bytes: first, _share: share });
    }
    let mut bytes = BytesMut::from(first);
    while let Some(piece) = next(&mut incoming).await? {
        let length = bytes.len() + piece.len();
        if length > LIMIT {
            throw_away(incoming, length).await;
            return Err(Reason::TooLarge);
        }
        if length > FREE && share.is_none() {
            share = Some(budget.share(LIMIT)?);
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(Body { bytes: bytes.freeze(), _share: share })
}

/// The next piece of data; trailers are nothing to us.
async fn next(incoming: &mut Incoming) -> Result<Option<Bytes>, Reason> {
    loop {
        match incoming.frame().await {
            None => return Ok(None),
            Some(Err(_)) => return Err(Reason::CutShort),
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    return Ok(Some(data));
                }
            }
        }
    }
}

async fn throw_away(mut incoming: Incoming, mut read: usize) {
    while let Ok(Some(piece)) = next(&mut incoming).await {
        read += piece.len();
        if read > THROWN_AWAY {
            return;
        }
    }
}

impl Budget {
    fn share(&self, size: usize) -> Result<OwnedSemaphorePermit, Reason> {
        let kibibytes = u32::try_from(size.div_ceil(1024)).unwrap_or(u32::MAX);
        Arc::clone(&self.0).try_acquire_many_owned(kibibytes).map_err(|_| Reason::NoRoom)
    }
}
