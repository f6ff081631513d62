//! Fetch sessions (KIP-227): who fetches the same partitions again and again says only what has changed, and is told only what is new.
//! [`FetchSessions`] is the broker's side, [`SessionHandler`] the fetcher's.

use std::collections::BTreeMap;

use crate::communication::log_broker::messages::{Error, FetchPartition, Fetched, Fetcher};
use crate::communication::log_broker::names::{Offset, TopicPartition};
use crate::communication::log_broker::numbers::{SessionEpoch, SessionId};

/// No session.
pub const NO_SESSION: SessionId = SessionId(0);
/// The epoch of a request that asks for a session.
pub const INITIAL: SessionEpoch = SessionEpoch(0);
/// The epoch of a request that wants none (−1 in Kafka).
pub const FINAL: SessionEpoch = SessionEpoch(u32::MAX);

/// The partitions of a request.
pub type Wanted = Vec<(TopicPartition, FetchPartition)>;
/// What was found in them.
pub type Found = Vec<(TopicPartition, Result<Fetched, Error>)>;

/// What a fetcher was told of a partition, besides records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Told {
    high_watermark: Offset,
    last_stable: Offset,
    log_start: Offset,
}

/// A partition of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Cached {
    fetch: FetchPartition,
    told: Option<Told>,
}

/// A session, as a broker has it.
#[derive(Clone, Debug, Hash)]
struct Session {
    by: Fetcher,
    /// The epoch of the next request.
    next: SessionEpoch,
    partitions: BTreeMap<TopicPartition, Cached>,
}

/// The sessions of a broker.
#[derive(Clone, Debug, Default, Hash)]
pub struct FetchSessions {
    begun: u64,
    sessions: BTreeMap<SessionId, Session>,
}

impl FetchSessions {
    /// A request: in which session it is, and all partitions that it is about. `name` is one that no session has had, if `begun` is
    /// part of it. Of more than `slots` sessions the oldest goes.
    ///
    /// # Errors
    /// If there is no such session, or a request of it is missing or came twice.
    pub fn request(
        &mut self,
        by: Fetcher,
        (id, epoch): (SessionId, SessionEpoch),
        wanted: Wanted,
        forgotten: &[TopicPartition],
        (name, slots): (impl FnOnce(u64) -> SessionId, usize),
    ) -> Result<(SessionId, Wanted), Error> {
        if epoch == FINAL {
            self.sessions.remove(&id);
            return Ok((NO_SESSION, wanted));
        }
        let cached = |(partition, fetch): (TopicPartition, FetchPartition)| (partition, Cached { fetch, told: None });
        if epoch == INITIAL {
            self.sessions.remove(&id);
            self.sessions.retain(|_, session| session.by != by);
            if slots == 0 {
                return Ok((NO_SESSION, wanted));
            }
            while self.sessions.len() >= slots {
                self.sessions.pop_first();
            }
            self.begun += 1;
            let id = name(self.begun);
            let partitions = wanted.iter().copied().map(cached).collect();
            self.sessions.insert(id, Session { by, next: INITIAL.next(), partitions });
            return Ok((id, wanted));
        }
        let session =
            self.sessions.get_mut(&id).filter(|session| session.by == by).ok_or(Error::FetchSessionIdNotFound)?;
        if epoch != session.next {
            return Err(Error::InvalidFetchSessionEpoch);
        }
        session.next = session.next.next();
        for partition in forgotten {
            session.partitions.remove(partition);
        }
        for (partition, fetch) in wanted {
            let told = session.partitions.get(&partition).and_then(|cached| cached.told);
            session.partitions.insert(partition, Cached { fetch, told });
        }
        Ok((id, session.partitions.iter().map(|(partition, cached)| (*partition, cached.fetch)).collect()))
    }

    /// What of it the fetcher is told: in a session, what it was not told before.
    pub fn response(&mut self, id: SessionId, found: Found) -> Found {
        let Some(session) = self.sessions.get_mut(&id) else { return found };
        let mut is_new = |(partition, found): &(TopicPartition, Result<Fetched, Error>)| {
            let Some(cached) = session.partitions.get_mut(partition) else { return true };
            let Ok(fetched) = found else {
                cached.told = None;
                return true;
            };
            let Fetched { high_watermark, last_stable, log_start, .. } = *fetched;
            let told = Some(Told { high_watermark, last_stable, log_start });
            !fetched.batches.is_empty() || std::mem::replace(&mut cached.told, told) != told
        };
        found.into_iter().filter(|found| is_new(found)).collect()
    }
}

/// A fetcher's side of its session with one broker.
#[derive(Clone, Debug, Default, Hash)]
pub struct SessionHandler {
    id: SessionId,
    /// The epoch of the next request.
    next: SessionEpoch,
    partitions: BTreeMap<TopicPartition, FetchPartition>,
}

impl SessionHandler {
    /// What to say of these partitions: the session, those that have changed, and those that are wanted no more.
    pub fn request(&mut self, wanted: &Wanted) -> ((SessionId, SessionEpoch), Wanted, Vec<TopicPartition>) {
        let before = std::mem::replace(&mut self.partitions, wanted.iter().copied().collect());
        if self.next == INITIAL {
            return ((self.id, INITIAL), wanted.clone(), Vec::new());
        }
        let has_changed = |(partition, fetch): &&(TopicPartition, FetchPartition)| before.get(partition) != Some(fetch);
        let changed = wanted.iter().filter(has_changed).copied().collect();
        let gone = before.into_keys().filter(|partition| !self.partitions.contains_key(partition)).collect();
        ((self.id, self.next), changed, gone)
    }

    /// A response has come.
    pub fn answered(&mut self, id: SessionId, error: Option<Error>) {
        if error.is_some() || id == NO_SESSION {
            return self.lost();
        }
        let is_new = self.id != id || self.next == INITIAL;
        (self.id, self.next) = (id, if is_new { INITIAL.next() } else { self.next.next() });
    }

    /// A request is given up: the next one asks for another session.
    pub fn lost(&mut self) {
        self.next = INITIAL;
    }
}
