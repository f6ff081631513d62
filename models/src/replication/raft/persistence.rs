//! What is on disk: one write-ahead log, which begins with a snapshot once there is one.
//!
//! The paper's persistent state (Figure 2: `currentTerm`, `votedFor`, `log[]`) and the snapshot share one file, so that
//! one atomic replacement compacts it. Replies wait for the disk: the context's output commit is the paper's "updated
//! on stable storage before responding to RPCs".

use std::sync::Arc;

use seedbed_sim::{Context, NodeId, Written};

use crate::parts::wal;
use crate::replication::raft::bugs::Bug;
use crate::replication::raft::entry::{Entry, Payload};
use crate::replication::raft::log::Log;
use crate::replication::raft::machine::StateMachine;
use crate::replication::raft::marks;
use crate::replication::raft::record::{Record, WAL};
use crate::replication::raft::role::Role;
use crate::replication::raft::server::Server;
use crate::replication::raft::snapshot::Snapshot;
use crate::replication::raft::types::{Index, Term};

/// What a disk held.
pub(super) struct Recovered<S: StateMachine> {
    pub(super) term: Term,
    pub(super) vote: Option<NodeId>,
    pub(super) snapshot: Option<Arc<Snapshot<S>>>,
    pub(super) log: Log<S>,
}

impl<S: StateMachine> Server<S> {
    /// Reads the disk back. `None` if it is damaged: then the server has halted, for it may have forgotten what it
    /// promised.
    pub(super) fn recover(&mut self, ctx: &mut Context<'_, Self>) -> Option<Recovered<S>> {
        wal::recover(ctx, WAL).map(replay)
    }

    /// Writes down the current term and vote, and says up to where the log is durable once they are: all that was written
    /// before them.
    pub(super) fn save_vote(&self, ctx: &mut Context<'_, Self>) -> Written<Index> {
        let last = self.log.last();
        match self.vote_record(ctx) {
            Some(record) => ctx.append(WAL, record).is(last),
            None => Written::early(last),
        }
    }

    fn vote_record(&self, ctx: &Context<'_, Self>) -> Option<Record<S>> {
        let vote = if ctx.planted(Bug::VoteNotPersisted) { None } else { self.voted_for };
        (!ctx.planted(Bug::TermNotPersisted)).then_some(Record::Vote { term: self.current_term, vote })
    }

    /// Appends an entry of this leader's own, with the time of its clock.
    pub(super) fn append_own(&mut self, ctx: &mut Context<'_, Self>, payload: Payload<S>) -> Index {
        self.append(ctx, Entry { term: self.current_term, time: ctx.now(), payload })
    }

    /// Appends an entry to the log, in memory and on disk.
    pub(super) fn append(&mut self, ctx: &mut Context<'_, Self>, entry: Entry<S>) -> Index {
        if ctx.bug().is_none() {
            let (last, current) = (self.log.last_term(), self.current_term);
            assert!(entry.term >= last, "raft: terms ascend along the log: {} after {last}", entry.term);
            assert!(entry.term <= current, "raft: no entry is of a term to come: {} in {current}", entry.term);
        }
        let write = ctx.append(WAL, Record::Entry(entry.clone()));
        let config = match &entry.payload {
            Payload::Config(membership) => Some(membership.clone()),
            _ => None,
        };
        let index = self.log.append(entry);
        if let Role::Leader(leading) = &mut self.role {
            leading.own.wrote(write.is(index));
        }
        if let Some(membership) = config {
            (self.membership, self.configuration_index) = (membership, index);
        }
        index
    }

    /// Drops the log from `first` on, in memory and on disk.
    pub(super) fn truncate(&mut self, ctx: &mut Context<'_, Self>, first: Index) {
        if ctx.bug().is_none() {
            let committed = self.commit_index;
            assert!(!self.is_leader(), "raft: a leader deletes nothing (Leader Append-Only, Figure 3): from {first}");
            assert!(first > committed, "raft: what is committed is not deleted: from {first}, committed {committed}");
        }
        ctx.append(WAL, Record::Truncate { first });
        self.log.truncate(first);
        if self.configuration_index >= first {
            ctx.mark(marks::UNCOMMITTED_CONFIGURATION_TRUNCATED);
        }
        if self.configuration_index >= first && !ctx.planted(Bug::ConfigurationKeptAfterTruncation) {
            self.use_latest_configuration();
        }
    }

    /// Writes the file anew, behind a snapshot that the log was compacted to.
    pub(super) fn save_snapshot(&self, ctx: &mut Context<'_, Self>, snapshot: Arc<Snapshot<S>>) {
        let mut records = vec![Record::Snapshot(snapshot)];
        records.extend(self.vote_record(ctx));
        records.extend(self.log.from(self.log.base().next()).iter().cloned().map(Record::Entry));
        ctx.replace(WAL, records);
    }
}

fn replay<S: StateMachine>(records: Vec<Record<S>>) -> Recovered<S> {
    let mut found = Recovered { term: Term(0), vote: None, snapshot: None, log: Log::new(Index::ZERO, Term(0)) };
    for record in records {
        match record {
            Record::Snapshot(snapshot) => {
                found.log = Log::new(snapshot.last, snapshot.last_term);
                found.snapshot = Some(snapshot);
            }
            Record::Vote { term, vote } => (found.term, found.vote) = (term, vote),
            Record::Entry(entry) => drop(found.log.append(entry)),
            Record::Truncate { first } => found.log.truncate(first),
        }
    }
    // An entry of a later term than the last one written down was appended in that term.
    if found.log.last_term() > found.term {
        (found.term, found.vote) = (found.log.last_term(), None);
    }
    found
}
