//! Snapshots, whole and in chunks (paper §7, thesis ch. 5).

use std::sync::Arc;

use seedbed_sim::{NodeId, Time};

use crate::replication::raft::machine::StateMachine;
use crate::replication::raft::membership::Membership;
use crate::replication::raft::sessions::{Last, Sessions};
use crate::replication::raft::types::{Index, Session, Term};

/// Everything that the entries up to `last` did.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Snapshot<S: StateMachine> {
    /// The last entry it stands for.
    pub last: Index,
    /// That entry's term.
    pub last_term: Term,
    /// Who is in the group.
    pub membership: Membership,
    /// The state machine.
    pub machine: S,
    /// The sessions, for what was executed must stay known.
    pub sessions: Sessions<S>,
    /// How many commands the machine has executed.
    pub executed: u64,
}

/// A part of a snapshot (Figure 13: InstallSnapshot's arguments). Snapshots of the same last entry have the same items in the
/// same order, whoever took them.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Chunk<S: StateMachine> {
    /// `lastIncludedIndex`.
    pub last: Index,
    /// `lastIncludedTerm`.
    pub last_term: Term,
    /// Who is in the group (thesis Figure 5.3: `lastConfig`).
    pub membership: Membership,
    /// The log's time at the last entry.
    pub time: Time,
    /// How many commands the machine has executed.
    pub executed: u64,
    /// How many items come before these.
    pub offset: usize,
    /// `data[]`.
    pub items: Vec<Item<S>>,
    /// Whether these are the last.
    pub done: bool,
}

/// What a snapshot is made of.
#[derive(Clone, Debug, PartialEq, Hash)]
pub enum Item<S: StateMachine> {
    /// A part of the state machine.
    Machine(S),
    /// A session, and what it executed last.
    #[allow(private_interfaces)]
    Session(Session, Last<S::Output>),
}

impl<S: StateMachine> Snapshot<S> {
    /// At most `count` items from `offset` on.
    pub fn chunk(&self, offset: usize, count: usize) -> Chunk<S> {
        let sessions = self.sessions.parts().map(|(session, last)| Item::Session(session, last));
        let mut rest = self.machine.parts().into_iter().map(Item::Machine).chain(sessions).skip(offset);
        Chunk {
            last: self.last,
            last_term: self.last_term,
            membership: self.membership.clone(),
            time: self.sessions.now(),
            executed: self.executed,
            offset,
            items: rest.by_ref().take(count).collect(),
            done: rest.next().is_none(),
        }
    }
}

/// A leader sends a snapshot to a follower, which may take longer than until it takes its next one.
#[derive(Clone, Debug, Hash)]
pub(super) struct Sending<S: StateMachine> {
    pub(super) to: NodeId,
    pub(super) snapshot: Arc<Snapshot<S>>,
    /// How many items the follower has.
    pub(super) received: usize,
}

/// What a follower has of a snapshot that it is being sent. A crash forgets it.
#[derive(Clone, Debug, Hash)]
pub(super) struct Receiving<S: StateMachine> {
    snapshot: Snapshot<S>,
    received: usize,
}

impl<S: StateMachine> Receiving<S> {
    /// Nothing yet, of the snapshot that a chunk belongs to.
    pub(super) fn begin(chunk: &Chunk<S>) -> Self {
        let snapshot = Snapshot {
            last: chunk.last,
            last_term: chunk.last_term,
            membership: chunk.membership.clone(),
            machine: S::default(),
            sessions: Sessions::none_at(chunk.time),
            executed: chunk.executed,
        };
        Receiving { snapshot, received: 0 }
    }

    /// Whether a chunk belongs to the same snapshot.
    pub(super) fn is_of(&self, chunk: &Chunk<S>) -> bool {
        (self.snapshot.last, self.snapshot.last_term) == (chunk.last, chunk.last_term)
    }

    /// How many items there are, from the first.
    pub(super) fn received(&self) -> usize {
        self.received
    }

    /// Takes the next chunk.
    pub(super) fn take(&mut self, chunk: Chunk<S>) {
        self.received += chunk.items.len();
        for item in chunk.items {
            match item {
                Item::Machine(part) => self.snapshot.machine.join(part),
                Item::Session(session, last) => self.snapshot.sessions.insert(session, last),
            }
        }
    }

    /// The snapshot, all of whose chunks were taken.
    pub(super) fn whole(self) -> Snapshot<S> {
        self.snapshot
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::replication::raft::kv::{Command, Kv, Output};
    use crate::replication::raft::types::RequestId;

    fn snapshot(keys: u8, sessions: u64) -> Snapshot<Kv> {
        let mut machine = Kv::default();
        (0..keys).for_each(|key| drop(machine.apply(&Command::Put { key, item: u32::from(key) })));
        let mut table = Sessions::none_at(Time::ms(7));
        for session in (1..=sessions).map(Session) {
            table.open(session);
            table.executed(RequestId { session, sequence: session.0 }, Output::Done);
        }
        let membership = Membership::of([NodeId(0)]);
        Snapshot { last: Index(9), last_term: Term(2), membership, machine, sessions: table, executed: sessions }
    }

    proptest! {
        /// Whatever the size of chunks, they make the snapshot again, and the last alone says that it is.
        #[test]
        fn chunks_make_the_snapshot_again(keys in 0u8..6, sessions in 0u64..6, size in 1usize..5) {
            let snapshot = snapshot(keys, sessions);
            let mut receiving = Receiving::begin(&snapshot.chunk(0, size));
            let items = usize::from(keys) + sessions as usize;
            for number in 0..items.div_ceil(size).max(1) {
                let chunk = snapshot.chunk(receiving.received(), size);
                prop_assert!(receiving.is_of(&chunk));
                prop_assert_eq!(chunk.done, (number + 1) * size >= items);
                receiving.take(chunk);
            }
            prop_assert_eq!(receiving.received(), items);
            prop_assert_eq!(receiving.whole(), snapshot);
        }
    }
}
