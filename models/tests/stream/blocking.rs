//! "Listening for new items with XREAD" and the blocking of `XREADGROUP`. Who waits first is served first.

use seedbed_models::communication::stream::{
    After, Command, ConsumerName, Engine, Error, Exactness, GroupAfter, GroupStart, Id, NewId, Reply, Threshold,
};
use seedbed_models::parts::redis::{self, Caller};
use seedbed_sim::{NodeId, Time};

use crate::say::{ANN, BOB, GROUP, KEY, add, add_trimming, at, create, found, id};

fn waiting(consumer: ConsumerName, block: u64) -> Command {
    let streams = vec![(KEY, GroupAfter::New)];
    Command::XReadGroup { group: GROUP, consumer, streams, count: Some(1), block: Some(block), no_ack: false }
}

fn tail(block: u64) -> Command {
    Command::XRead { streams: vec![(KEY, After::Now)], count: None, block: Some(block) }
}

/// A server with an empty stream and a group, for whose entries client 1 waits as Ann and client 2 as Bob.
fn awaited() -> Engine {
    let mut server = Engine::new(3);
    at(&mut server, 1, &create(GroupStart::Last));
    assert_eq!(server.command(Time::ms(1), 1, &waiting(ANN, 0)), []);
    assert_eq!(server.command(Time::ms(1), 2, &waiting(BOB, 50)), []);
    server
}

#[test]
fn the_first_to_wait_gets_the_entry() {
    let mut server = awaited();
    let replies = server.command(Time::ms(5), 9, &add(NewId::Auto));
    assert_eq!(replies, [(9, Reply::Id(id(5, 0))), (1, found(&[id(5, 0)]))]);
    let replies = server.command(Time::ms(6), 9, &add(NewId::Auto));
    assert_eq!(replies, [(9, Reply::Id(id(6, 0))), (2, found(&[id(6, 0)]))]);
    assert!(!server.is_waiting(NodeId(1)) && !server.is_waiting(NodeId(2)));
}

#[test]
fn readers_without_a_group_all_get_it() {
    let mut server = awaited();
    assert_eq!(server.command(Time::ms(2), 3, &tail(0)), []);
    assert_eq!(server.command(Time::ms(2), 4, &tail(0)), []);
    let replies = server.command(Time::ms(5), 9, &add(NewId::Auto));
    let served: Vec<u16> = replies.iter().map(|(client, _)| *client).collect();
    assert_eq!(served, [9, 1, 3, 4]);
}

#[test]
fn the_time_is_over() {
    let mut server = awaited();
    assert_eq!(server.next_time_out(), Some(Time::ms(51)));
    assert_eq!(server.time_out(Time::ms(50)), []);
    assert_eq!(server.time_out(Time::ms(51)), [(Caller { client: NodeId(2), request: 0 }, Reply::Nil)]);
    assert!(server.is_waiting(NodeId(1)), "zero is for ever");
    server.disconnect(NodeId(1));
    assert_eq!(server.command(Time::ms(60), 9, &add(NewId::Auto)).len(), 1, "nobody waits");
    assert_eq!(at(&mut server, 60, &crate::say::read_new(BOB)), found(&[id(60, 0)]));
}

#[test]
fn whoever_waits_for_a_group_learns_that_it_is_gone() {
    let mut server = awaited();
    let replies = server.command(Time::ms(5), 9, &Command::XGroupDestroy(KEY, GROUP));
    let gone = Reply::Error(Error::NoGroup);
    assert_eq!(replies, [(9, Reply::Number(1)), (1, gone.clone()), (2, gone)]);

    let mut server = awaited();
    assert_eq!(server.command(Time::ms(2), 3, &tail(0)), []);
    let replies = server.command(Time::ms(5), 9, &Command::Plain(redis::Command::Del(KEY)));
    let gone = Reply::Error(Error::Unblocked);
    assert_eq!(replies, [(9, Reply::Number(1)), (1, gone.clone()), (2, gone)]);
    assert!(server.is_waiting(NodeId(3)), "whoever reads without a group waits for another stream");
}

// As a server of Redis 7.0 answers: there was an entry, and it is gone.
#[test]
fn an_entry_that_is_gone_at_once_is_answered_with_nothing() {
    let mut server = awaited();
    assert_eq!(server.command(Time::ms(2), 3, &tail(0)), []);
    let add = add_trimming(NewId::Auto, Threshold::MaxLen(0), Exactness::Exact);
    let replies = server.command(Time::ms(5), 9, &add);
    assert_eq!(replies, [(9, Reply::Id(id(5, 0))), (1, found(&[])), (2, found(&[])), (3, found(&[]))]);
    assert_eq!(server.keys().group(KEY, GROUP).map(|group| group.last_delivered), Some(Id::ZERO));
}

#[test]
fn a_command_alone_does_not_wait() {
    let mut server = awaited();
    assert_eq!(at(&mut server, 2, &tail(0)), Reply::Nil);
    assert_eq!(at(&mut server, 2, &waiting(ANN, 0)), Reply::Nil);
}
