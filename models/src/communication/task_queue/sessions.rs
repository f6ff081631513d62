//! The broker's side of sessions. A session is a client's pool of connections to the broker: requests are executed at most once, in
//! whatever order they come, and never by another life of the broker.

use std::collections::{BTreeMap, BTreeSet};

use seedbed_sim::NodeId;

use crate::communication::task_queue::messages::{Nonce, Seq, SessionId};
use crate::parts::channel::Inbox;

/// A session.
#[derive(Clone, Debug, Hash)]
struct Open {
    id: SessionId,
    nonce: Nonce,
    /// The requests that were executed.
    requests: Inbox,
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It is new.
    New,
    /// It is a copy of one that was executed.
    Copy,
    /// There is no such session.
    Unknown,
}

/// The sessions of the broker in this life.
#[derive(Clone, Debug, Hash)]
pub struct Sessions {
    life: u64,
    opened: u64,
    open: BTreeMap<NodeId, Open>,
    closed: BTreeSet<(NodeId, Nonce)>,
}

impl Sessions {
    /// No sessions, in this life of the broker.
    pub fn new(life: u64) -> Self {
        Sessions { life, opened: 0, open: BTreeMap::new(), closed: BTreeSet::new() }
    }

    /// A client connects, and its other session is closed. `None` if this is the late copy of an attempt whose session was
    /// closed.
    pub fn connect(&mut self, client: NodeId, nonce: Nonce) -> Option<SessionId> {
        if self.closed.contains(&(client, nonce)) {
            return None;
        }
        if let Some(open) = self.open.get(&client).filter(|open| open.nonce == nonce) {
            return Some(open.id);
        }
        self.opened += 1;
        let id = SessionId { life: self.life, number: self.opened };
        if let Some(other) = self.open.insert(client, Open { id, nonce, requests: Inbox::default() }) {
            self.closed.insert((client, other.nonce));
        }
        Some(id)
    }

    /// A request comes.
    pub fn admit(&mut self, client: NodeId, id: SessionId, seq: Seq) -> Admission {
        let Some(open) = self.open.get_mut(&client).filter(|open| open.id == id) else { return Admission::Unknown };
        if open.requests.insert(client, seq) { Admission::New } else { Admission::Copy }
    }
}
