//! Servers in the states from which tests begin. The server on the bench is [`S1`].

use seedbed_models::replication::raft::membership::Membership;
use seedbed_models::replication::raft::record::WAL;
use seedbed_models::replication::raft::settings::{Changes, ReadMode, Timer};
use seedbed_models::replication::raft::{Entry, Index, Kv, Server, Settings};
use seedbed_sim::bench::Handled;
use seedbed_sim::{NodeId, OpId};

use crate::say::*;

pub const S1: NodeId = NodeId(1);
pub const S2: NodeId = NodeId(2);
pub const S3: NodeId = NodeId(3);
pub const S4: NodeId = NodeId(4);
pub const S5: NodeId = NodeId(5);
pub const CLIENT: NodeId = NodeId(9);

/// An operation of a hosting process.
pub const OP: OpId = OpId(1);

pub type Bench = seedbed_sim::Bench<Server<Kv>>;
pub type Did = Handled<Server<Kv>>;

/// The paper's Raft, without what the thesis adds to it.
pub fn plain() -> Settings {
    Settings {
        pre_vote: false,
        check_quorum: false,
        reads: ReadMode::Log,
        changes: Changes::Never,
        snapshot_threshold: 1_000_000,
        ..Settings::default()
    }
}

/// An entry with the time of this server's clock, as it writes its own as a leader.
pub fn by(bench: &Bench, entry: Entry<Kv>) -> Entry<Kv> {
    Entry { time: bench.now(), ..entry }
}

/// The servers `S1` to `S<size>`.
pub fn group(size: u16) -> Membership {
    Membership::of((1..=size).map(NodeId))
}

/// The server that begins on an empty disk.
pub fn new_server(id: NodeId, size: u16, settings: Settings) -> Server<Kv> {
    Server::new(id, group(size), settings)
}

/// A server in a group of `size` that has just started, with a disk that takes no time.
pub fn follower(size: u16, settings: Settings) -> Bench {
    follower_with_log(size, settings, 0, &[])
}

/// The same, with a term and entries of these terms on its disk.
pub fn follower_with_log(size: u16, settings: Settings, term: u64, log: &[u64]) -> Bench {
    server_with_log(S1, size, settings, term, log)
}

pub fn server_with_log(id: NodeId, size: u16, settings: Settings, term: u64, log: &[u64]) -> Bench {
    let entries = noops(log).into_iter().map(entry);
    let records = (term > 0).then(|| term_and_vote(term, None)).into_iter().chain(entries);
    let mut bench = Bench::new(new_server(id, size, settings)).on(id).instant_disk().with_file(WAL, records);
    bench.start();
    bench
}

/// The same, without the disk that takes no time.
pub fn follower_with_slow_disk(size: u16, settings: Settings) -> Bench {
    let mut bench = Bench::new(new_server(S1, size, settings)).on(S1);
    bench.start();
    bench
}

/// A server that has stood for election in term 1.
pub fn candidate(size: u16, settings: Settings) -> Bench {
    let mut bench = follower(size, settings);
    bench.timer(Timer::Election);
    bench
}

/// Its election timer fires, and these vote for it: in the pre-vote, if it holds one, and in the election. Gives what it did
/// when it won.
pub fn elect(bench: &mut Bench, voters: &[NodeId]) -> Did {
    let next = term(bench) + 1;
    let mut did = bench.timer(Timer::Election);
    for voter in voters {
        bench.message(*voter, pre_vote(next, true));
    }
    for voter in voters {
        if !leads(bench) {
            did = bench.message(*voter, vote(next, true));
        }
    }
    assert!(leads(bench), "{voters:?} are enough");
    did
}

/// A leader of term 1, elected by everybody, whose first entry nobody has acknowledged.
pub fn new_leader(size: u16, settings: Settings) -> Bench {
    new_leader_with_log(size, settings, 0, &[])
}

/// A leader elected with these entries in its log, in the term after `term`.
pub fn new_leader_with_log(size: u16, settings: Settings, term: u64, log: &[u64]) -> Bench {
    let mut bench = follower_with_log(size, settings, term, log);
    elect(&mut bench, &others(size));
    bench
}

/// A leader of term 1 whose first entry everybody has: entries go out as they come.
pub fn leader(size: u16, settings: Settings) -> Bench {
    let mut bench = new_leader(size, settings);
    acknowledged_by(&mut bench, &others(size));
    bench
}

/// All servers but the first.
pub fn others(size: u16) -> Vec<NodeId> {
    (2..=size).map(NodeId).collect()
}

/// These followers have the leader's whole log. Gives what it did at the last of them.
pub fn acknowledged_by(bench: &mut Bench, followers: &[NodeId]) -> Did {
    let (term, last) = (term(bench), last_index(bench));
    let mut did = None;
    for follower in followers {
        did = Some(bench.message(*follower, appended(term, last)));
    }
    did.expect("somebody acknowledges")
}

// -------------------------------------------------------------------------------------------------------------------
// What is looked at beside effects

pub fn term(bench: &Bench) -> u64 {
    bench.process().term().0
}

pub fn leads(bench: &Bench) -> bool {
    bench.process().is_leader()
}

pub fn commit(bench: &Bench) -> u64 {
    bench.process().commit_index().0
}

pub fn applied(bench: &Bench) -> u64 {
    bench.process().last_applied().0
}

pub fn last_index(bench: &Bench) -> u64 {
    bench.process().log().last().0
}

/// The terms of the entries behind the snapshot.
pub fn log_terms(bench: &Bench) -> Vec<u64> {
    let log = bench.process().log();
    (log.base().0 + 1..=log.last().0).map(|index| log.term(Index(index)).expect("the log has it").0).collect()
}

/// What the state machine holds.
pub fn value(bench: &Bench) -> Vec<u32> {
    bench.process().machine().get(1).cloned().unwrap_or_default()
}

/// What is in force as the group.
pub fn membership(bench: &Bench) -> Membership {
    bench.process().membership().clone()
}
