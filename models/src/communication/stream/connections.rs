//! The connections of a server, as TCP has them: a request is executed at most once, in its order, and never after its
//! connection was closed. What became of a request whose reply does not come, the client does not know.

use std::collections::{BTreeMap, BTreeSet};

use seedbed_sim::NodeId;

use crate::communication::stream::messages::{ConnectionId, Nonce, Seq};

/// A connection.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Open {
    id: ConnectionId,
    nonce: Nonce,
    /// The last request.
    last: Seq,
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It is the next one.
    Next,
    /// It is a copy, or comes before one that was lost: it is dropped, and the client will connect anew.
    OutOfOrder,
    /// There is no such connection.
    Unknown,
}

/// The connections of a server in this life.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Connections {
    open: BTreeMap<NodeId, Open>,
    closed: BTreeSet<(NodeId, Nonce)>,
    next: u64,
}

impl Connections {
    /// No connections. `first` is the first number, which no other life of the server has given.
    pub fn new(first: u64) -> Self {
        Connections { open: BTreeMap::new(), closed: BTreeSet::new(), next: first }
    }

    /// A client connects, and its other connection is closed: a client has one. `None` if this is the late copy of an attempt
    /// whose connection was closed. Says whether the connection is new.
    pub fn connect(&mut self, client: NodeId, nonce: Nonce) -> Option<(ConnectionId, bool)> {
        if self.closed.contains(&(client, nonce)) {
            return None;
        }
        if let Some(open) = self.open.get(&client).filter(|open| open.nonce == nonce) {
            return Some((open.id, false));
        }
        let id = ConnectionId(self.next);
        self.next += 1;
        if let Some(other) = self.open.insert(client, Open { id, nonce, last: 0 }) {
            self.closed.insert((client, other.nonce));
        }
        Some((id, true))
    }

    /// A request comes.
    pub fn admit(&mut self, client: NodeId, id: ConnectionId, seq: Seq) -> Admission {
        match self.open.get_mut(&client).filter(|open| open.id == id) {
            Some(open) if seq == open.last + 1 => {
                open.last = seq;
                Admission::Next
            }
            Some(_) => Admission::OutOfOrder,
            None => Admission::Unknown,
        }
    }

    /// The connection of a client.
    pub fn of(&self, client: NodeId) -> Option<ConnectionId> {
        self.open.get(&client).map(|open| open.id)
    }

    /// All connections are closed: the server is a replica now. Their clients learn it by their next requests.
    pub fn close_all(&mut self) {
        self.closed.extend(std::mem::take(&mut self.open).into_iter().map(|(client, open)| (client, open.nonce)));
    }
}
