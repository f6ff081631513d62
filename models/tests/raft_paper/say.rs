//! What servers and clients say, and what is on disk: the one place that knows how messages are spelled.

use seedbed_models::replication::raft::kv::{Command, Output};
use seedbed_models::replication::raft::membership::Membership;
use seedbed_models::replication::raft::messages::Message;
use seedbed_models::replication::raft::record::Record;
use seedbed_models::replication::raft::snapshot::{Chunk, Snapshot};
use seedbed_models::replication::raft::types::{RequestId, Session};
use seedbed_models::replication::raft::{Entry, Index, Kv, Payload, Term};
use seedbed_sim::{NodeId, Time};

pub type Said = Message<Kv>;

/// The index and the term of an entry, in the order in which the paper names them (`prevLogIndex`, `prevLogTerm`).
pub type At = (u64, u64);

// -------------------------------------------------------------------------------------------------------------------
// Entries

pub fn noop(term: u64) -> Entry<Kv> {
    Entry { term: Term(term), time: Time::ZERO, payload: Payload::Noop }
}

pub fn noops(terms: &[u64]) -> Vec<Entry<Kv>> {
    terms.iter().map(|term| noop(*term)).collect()
}

pub fn put(item: u32) -> Command {
    Command::Put { key: 1, item }
}

pub fn append_to_value(item: u32) -> Command {
    Command::Append { key: 1, item }
}

pub fn get() -> Command {
    Command::Get { key: 1 }
}

pub fn got(items: &[u32]) -> Output {
    Output::Got((!items.is_empty()).then(|| items.to_vec()))
}

/// A command of a hosting process.
pub fn command(term: u64, command: Command) -> Entry<Kv> {
    Entry { term: Term(term), time: Time::ZERO, payload: Payload::Command { id: None, command } }
}

pub fn config(term: u64, membership: Membership) -> Entry<Kv> {
    Entry { term: Term(term), time: Time::ZERO, payload: Payload::Config(membership) }
}

// -------------------------------------------------------------------------------------------------------------------
// Elections

/// A candidate whose log ends in `last` asks for a vote.
pub fn request_vote(term: u64, last: At) -> Said {
    asks(term, last, false, false)
}

pub fn request_pre_vote(term: u64, last: At) -> Said {
    asks(term, last, true, false)
}

/// A candidate asks that the leader has told to stand.
pub fn request_vote_for_transfer(term: u64, last: At) -> Said {
    asks(term, last, false, true)
}

fn asks(term: u64, (last_index, last_term): At, pre_vote: bool, transfer: bool) -> Said {
    Message::RequestVote {
        term: Term(term),
        last_log_index: Index(last_index),
        last_log_term: Term(last_term),
        pre_vote,
        transfer,
    }
}

pub fn vote(term: u64, granted: bool) -> Said {
    Message::Vote { term: Term(term), granted, pre_vote: false }
}

pub fn pre_vote(term: u64, granted: bool) -> Said {
    Message::Vote { term: Term(term), granted, pre_vote: true }
}

pub fn timeout_now(term: u64) -> Said {
    Message::TimeoutNow { term: Term(term) }
}

// -------------------------------------------------------------------------------------------------------------------
// Replication

pub fn append_entries(term: u64, (prev, prev_term): At, entries: Vec<Entry<Kv>>, commit: u64) -> Said {
    Message::AppendEntries {
        term: Term(term),
        prev_log_index: Index(prev),
        prev_log_term: Term(prev_term),
        entries,
        leader_commit: Index(commit),
        round: 0,
    }
}

pub fn heartbeat(term: u64, prev: At, commit: u64) -> Said {
    append_entries(term, prev, Vec::new(), commit)
}

/// The logs agree up to `matched`.
pub fn appended(term: u64, matched: u64) -> Said {
    Message::Appended { term: Term(term), match_index: Index(matched), round: 0 }
}

/// The logs do not agree at `prev`; the leader may try `hint` next.
pub fn refused(term: u64, prev: u64, hint: u64, hint_term: Option<u64>) -> Said {
    Message::Refused {
        term: Term(term),
        prev_log_index: Index(prev),
        hint: Index(hint),
        hint_term: hint_term.map(Term),
        round: 0,
    }
}

pub fn install_snapshot(term: u64, snapshot: Snapshot<Kv>) -> Said {
    chunk(term, snapshot, 0, usize::MAX)
}

/// At most `count` items of a snapshot, from `offset` on.
pub fn chunk(term: u64, snapshot: Snapshot<Kv>, offset: usize, count: usize) -> Said {
    Message::InstallSnapshot { term: Term(term), chunk: snapshot.chunk(offset, count), round: 0 }
}

/// The follower has this many items of the snapshot that ends at `last`.
pub fn chunk_received(term: u64, last: u64, received: usize) -> Said {
    Message::ChunkReceived { term: Term(term), last: Index(last), received, round: 0 }
}

/// The same in a round of heartbeats that reads or leases wait for.
pub fn in_round(round: u64, mut message: Said) -> Said {
    match &mut message {
        Message::AppendEntries { round: of, .. }
        | Message::Appended { round: of, .. }
        | Message::Refused { round: of, .. }
        | Message::InstallSnapshot { round: of, .. }
        | Message::ChunkReceived { round: of, .. } => *of = round,
        other => panic!("a message of no round: {other:?}"),
    }
    message
}

/// Whether a message answers AppendEntries with no.
pub fn is_refusal(message: &Said) -> bool {
    matches!(message, Message::Refused { .. })
}

/// The entries of an AppendEntries.
pub fn entries_of(message: &Said) -> Vec<Entry<Kv>> {
    match message {
        Message::AppendEntries { entries, .. } => entries.clone(),
        other => panic!("this is no AppendEntries: {other:?}"),
    }
}

/// The leader's commit index in an AppendEntries.
pub fn commit_of(message: &Said) -> u64 {
    match message {
        Message::AppendEntries { leader_commit, .. } => leader_commit.0,
        other => panic!("this is no AppendEntries: {other:?}"),
    }
}

/// Index and term of the entry before those of an AppendEntries.
pub fn prev_of(message: &Said) -> At {
    match message {
        Message::AppendEntries { prev_log_index, prev_log_term, .. } => (prev_log_index.0, prev_log_term.0),
        other => panic!("this is no AppendEntries: {other:?}"),
    }
}

/// What an InstallSnapshot brings.
pub fn chunk_of(message: &Said) -> Chunk<Kv> {
    match message {
        Message::InstallSnapshot { chunk, .. } => chunk.clone(),
        other => panic!("this is no InstallSnapshot: {other:?}"),
    }
}

// -------------------------------------------------------------------------------------------------------------------
// Clients

pub fn register(nonce: u64) -> Said {
    Message::Register { nonce }
}

pub fn registered(nonce: u64, session: u64) -> Said {
    Message::Registered { nonce, session: Session(session) }
}

pub fn request(session: u64, sequence: u64, command: Command) -> Said {
    Message::Request { id: RequestId { session: Session(session), sequence }, command }
}

pub fn reply(session: u64, sequence: u64, output: Output) -> Said {
    Message::Reply { id: RequestId { session: Session(session), sequence }, output }
}

pub fn keep_alive(session: u64) -> Said {
    Message::KeepAlive { session: Session(session) }
}

pub fn kept_alive(session: u64) -> Said {
    Message::KeptAlive { session: Session(session) }
}

pub fn session_expired(session: u64) -> Said {
    Message::SessionExpired { session: Session(session) }
}

pub fn done() -> Output {
    Output::Done
}

pub fn not_leader(leader: Option<NodeId>) -> Said {
    Message::NotLeader { leader }
}

pub fn reconfigure(goal: Membership) -> Said {
    Message::Reconfigure { goal }
}

pub fn reconfigured(goal: Membership) -> Said {
    Message::Reconfigured { goal, done: true }
}

pub fn transfer(to: NodeId) -> Said {
    Message::Transfer { to }
}

pub fn transfer_given_up(to: NodeId) -> Said {
    Message::Transferred { to, done: false }
}

pub fn transferred(to: NodeId) -> Said {
    Message::Transferred { to, done: true }
}

// -------------------------------------------------------------------------------------------------------------------
// The disk

/// `currentTerm` and `votedFor`.
pub fn term_and_vote(term: u64, vote: Option<NodeId>) -> Record<Kv> {
    Record::Vote { term: Term(term), vote }
}

pub fn entry(entry: Entry<Kv>) -> Record<Kv> {
    Record::Entry(entry)
}

pub fn truncate(first: u64) -> Record<Kv> {
    Record::Truncate { first: Index(first) }
}

pub fn is_truncation(record: &Record<Kv>) -> bool {
    matches!(record, Record::Truncate { .. })
}

/// The configuration of a log record, if it is one.
pub fn membership_of(record: Record<Kv>) -> Option<Membership> {
    match record {
        Record::Entry(Entry { payload: Payload::Config(membership), .. }) => Some(membership),
        _ => None,
    }
}
