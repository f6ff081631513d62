//! The replication of a Redis server, step by step ("Redis replication", "High availability with Redis Sentinel").

use std::sync::Arc;

use seedbed_models::parts::redis::dataset::Effect;
use seedbed_models::parts::redis::server::AOF;
use seedbed_models::parts::redis::{
    Caller, Entry, Key, Message, Persistence, Record, Sentinel, Server, Settings, Timer,
};
use seedbed_sim::{Bench, NodeId, Span, Time};

const MASTER: NodeId = NodeId(0);
const NEAR: NodeId = NodeId(1);
const FAR: NodeId = NodeId(2);
const SENTINEL: NodeId = NodeId(3);

fn settings() -> Arc<Settings> {
    Arc::new(Settings {
        persistence: Persistence::Always,
        quarantine: Span::ZERO,
        master: MASTER,
        servers: vec![MASTER, NEAR, FAR],
        ping: Span::ms(10),
        down_after: Span::ms(100),
    })
}

fn put(key: u32, value: u64) -> Effect {
    Effect::Put(Key(key), Entry { value, expires: None, by: Caller { client: NodeId(9), request: 1 } })
}

fn streamed(offset: u64, effect: Effect) -> Message {
    Message::Stream { epoch: 0, offset, effect }
}

fn replica() -> Bench<Server> {
    let mut replica = Bench::new(Server::new(NEAR, settings())).on(NEAR).instant_disk();
    replica.start();
    replica
}

// "The master keeps the replica updated by sending a stream of commands": one that follows on the last is applied, and nothing is
// asked for.
#[test]
fn effects_in_order_are_applied() {
    let mut replica = replica();
    let first = replica.message(MASTER, streamed(1, put(1, 7)));
    let second = replica.message(MASTER, streamed(2, put(2, 8)));
    assert_eq!((first.sent(), second.sent()), (vec![], vec![]));
    assert_eq!(replica.process().data().entries().count(), 2);
    // What comes twice is known.
    assert!(!replica.message(MASTER, streamed(2, put(2, 9))).wrote());
    assert_eq!(replica.process().data().get(Key(2)).map(|entry| entry.value), Some(8));
}

// "When a partial resynchronization is not possible, the replica will ask for a full resynchronization."
#[test]
fn a_gap_asks_for_everything() {
    let mut replica = replica();
    assert_eq!(replica.message(MASTER, streamed(2, put(1, 7))).sent(), [(MASTER, Message::Psync)]);
    assert_eq!(replica.process().data().entries().count(), 0, "nothing is applied over a gap");
}

// A replica keeps an append-only file like its master: promoted after a crash, it goes on with what it had.
#[test]
fn a_replica_has_its_effects_after_a_crash() {
    let mut replica = replica();
    replica.message(MASTER, streamed(1, put(1, 7)));
    assert_eq!(replica.read(AOF).last(), Some(&Record::Effect(put(1, 7))));
    replica.restart(Server::new(NEAR, settings()));
    assert_eq!(replica.process().data().get(Key(1)).map(|entry| entry.value), Some(7));
    assert_eq!(replica.message(MASTER, streamed(2, put(2, 8))).sent(), [], "it knows how far it had come");
}

// "The replica that processed more data from the master" is promoted; of equal ones, that with the lower name.
#[test]
fn the_replica_with_the_greatest_offset_is_promoted() {
    for (near, far, promoted) in [(5, 3, NEAR), (3, 5, FAR), (4, 4, NEAR)] {
        let mut sentinel = Bench::new(Sentinel::new(settings())).on(SENTINEL).instant_disk();
        sentinel.start();
        sentinel.at(Time::ms(150)).message(NEAR, Message::Alive(0, Some(near)));
        sentinel.message(FAR, Message::Alive(0, Some(far)));
        sentinel.timer(Timer::Ping);
        assert_eq!(sentinel.process().master(), promoted, "{near} and {far}");
    }
}
