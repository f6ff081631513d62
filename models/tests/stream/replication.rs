//! Replicas ("Redis replication", "How Redis replication works") and failover, step by step.

use std::sync::Arc;

use seedbed_models::communication::stream::effect::Effect;
use seedbed_models::communication::stream::messages::{Message, RunId};
use seedbed_models::communication::stream::model::{MASTER, SENTINEL};
use seedbed_models::communication::stream::server::Role;
use seedbed_models::communication::stream::settings::STREAM;
use seedbed_models::communication::stream::{Error, Id, NewId, Node, Reply, Stream, marks};
use seedbed_models::parts::redis;
use seedbed_sim::{Bench, Model, NodeId, Time};

use crate::say::{add, fields};

const REPLICA: NodeId = NodeId(1);
const CLIENT: NodeId = NodeId(4);
const RUN: RunId = RunId(7);

fn spawned(node: NodeId) -> Node {
    let model = Stream { replicated: true, ..Stream::default() };
    let nodes: Vec<NodeId> = (0..model.size() as u16).map(NodeId).collect();
    model.spawn(node, &nodes)
}

fn started(node: NodeId) -> Bench<Node> {
    let mut server = Bench::new(spawned(node)).on(node).instant_disk();
    server.draws("connections", 1).draws("run", RUN.0);
    server.start();
    server.at(Time::ms(10));
    server
}

fn streamed(run: RunId, offset: u64, ms: u64) -> Message {
    let effects: Arc<[Effect]> = [Effect::Added(STREAM, Id::new(ms, 0), fields(7))].into();
    Message::Stream { epoch: 0, run, offset, effects }
}

/// A replica that has what its master has, which is nothing.
fn replica(master: &mut Bench<Node>) -> Bench<Node> {
    let mut replica = started(REPLICA);
    assert_eq!(replica.message(MASTER, Message::Ping(0, RUN, 0)).sent(), [(MASTER, Message::Psync)], "it is new");
    let sent = master.message(REPLICA, Message::Psync).sent();
    let [(REPLICA, all)] = &sent[..] else { panic!("all data: {sent:?}") };
    assert!(replica.message(MASTER, all.clone()).marked(marks::REPLICA_RESYNCHRONISED));
    replica
}

fn times(server: &Bench<Node>) -> Vec<u64> {
    let keys = server.process().server().expect("a server").engine().keys();
    keys.stream(STREAM).map(|stream| stream.entries().map(|(id, _)| id.ms).collect()).unwrap_or_default()
}

#[test]
fn what_follows_is_applied_and_a_gap_asks_for_all() {
    let mut replica = replica(&mut started(MASTER));
    assert_eq!(replica.message(MASTER, streamed(RUN, 1, 1)).sent(), []);
    assert_eq!(replica.message(MASTER, streamed(RUN, 1, 1)).sent(), [], "a copy");
    assert_eq!(replica.message(MASTER, streamed(RUN, 3, 3)).sent(), [(MASTER, Message::Psync)]);
    assert_eq!(times(&replica), [1]);
}

// A master that has begun a new life may have forgotten what the replica has: its offsets mean something else.
#[test]
fn another_life_of_the_master_asks_for_all() {
    let mut replica = replica(&mut started(MASTER));
    replica.message(MASTER, streamed(RUN, 1, 1));
    assert_eq!(replica.message(MASTER, streamed(RunId(8), 2, 2)).sent(), [(MASTER, Message::Psync)]);
    assert_eq!(replica.message(MASTER, Message::Ping(0, RunId(8), 0)).sent(), [(MASTER, Message::Psync)]);
    assert_eq!(times(&replica), [1]);
}

#[test]
fn a_replica_goes_on_after_a_crash_with_what_it_has() {
    let mut replica = replica(&mut started(MASTER));
    replica.message(MASTER, streamed(RUN, 1, 1));
    replica.restart(spawned(REPLICA));
    assert_eq!(times(&replica), [1]);
    assert_eq!(replica.message(MASTER, streamed(RUN, 2, 2)).sent(), []);
    assert_eq!(times(&replica), [1, 2]);
}

#[test]
fn a_replica_refuses_clients() {
    let mut replica = replica(&mut started(MASTER));
    let sent = replica.message(CLIENT, Message::Connect(1)).sent();
    let [(CLIENT, Message::Connected(1, id))] = sent[..] else { panic!("it is connected: {sent:?}") };
    let refused = Message::Answer(id, 1, Reply::Error(Error::ReadOnly));
    assert_eq!(replica.message(CLIENT, Message::Request(id, 1, add(NewId::Auto))).sent(), [(CLIENT, refused)]);
}

#[test]
fn a_failover_goes_on_with_what_the_replica_has() {
    let mut master = started(MASTER);
    let mut replica = replica(&mut master);
    replica.message(MASTER, streamed(RUN, 1, 1));
    let watch = || Message::from(redis::Message::Watch(REPLICA, 1));
    let promoted = replica.message(SENTINEL, watch());
    assert!(promoted.marked(marks::REPLICA_PROMOTED));
    let server = replica.process().server().expect("a server");
    assert_eq!((server.role(), server.epoch()), (Role::Master, 1));
    assert_eq!(times(&replica), [1]);
    // The old one throws away what it has, once it has all of the new one, and not before.
    assert!(master.message(SENTINEL, watch()).marked(marks::OLD_MASTER_MADE_A_REPLICA));
    let alive = master.message(SENTINEL, watch()).sent();
    assert_eq!(alive, [(SENTINEL, redis::Message::Alive(1, None).into())], "it is not fit to be promoted");
    assert_eq!(master.message(REPLICA, Message::Ping(1, RUN, 0)).sent(), [(REPLICA, Message::Psync)]);
    // It remembers the failover, whatever is synced of the data.
    master.restart(spawned(MASTER));
    assert_eq!(master.process().server().map(|server| server.role()), Some(Role::Replica { of: REPLICA }));
}
