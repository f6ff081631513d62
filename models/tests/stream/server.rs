//! A server: its connections, its append-only file ("Redis persistence"), and what it does for those that wait.

use seedbed_models::communication::stream::messages::{ConnectionId, Message, Record, Timer};
use seedbed_models::communication::stream::model::MASTER;
use seedbed_models::communication::stream::server::AOF;
use seedbed_models::communication::stream::settings::{Durability, STREAM};
use seedbed_models::communication::stream::{
    Command, ConsumerName, GroupAfter, GroupName, GroupStart, Id, NewId, Node, Reply, Stream, marks,
};
use seedbed_sim::{Bench, Model, NodeId, Span, Time, WriteFate};

use crate::say::{add, create, read};

const PRODUCER: NodeId = NodeId(4);
const CONSUMER: NodeId = NodeId(6);

fn spawned(durability: Durability) -> Node {
    let model = Stream { durability, ..Stream::default() };
    let nodes: Vec<NodeId> = (0..model.size() as u16).map(NodeId).collect();
    model.spawn(MASTER, &nodes)
}

fn server(durability: Durability) -> Bench<Node> {
    let mut server = Bench::new(spawned(durability)).on(MASTER);
    server.draws("connections", 1).draws("run", 7);
    server.start();
    server.synced();
    server.at(Time::ms(10));
    server
}

/// Connects a client.
fn connect(server: &mut Bench<Node>, client: NodeId, nonce: u64) -> ConnectionId {
    let sent = server.message(client, Message::Connect(nonce)).sent();
    let [(to, Message::Connected(of, id))] = sent[..] else { panic!("it is connected: {sent:?}") };
    assert_eq!((to, of), (client, nonce));
    id
}

fn held(server: &Bench<Node>) -> u64 {
    let server = server.process().server().expect("a server");
    server.engine().keys().stream(STREAM).map_or(0, |stream| stream.len())
}

#[test]
fn a_request_is_executed_once_and_in_its_order() {
    let mut server = server(Durability::Later);
    let id = connect(&mut server, PRODUCER, 1);
    let request = |seq| Message::Request(id, seq, add(NewId::Auto));
    let answer = Message::Answer(id, 1, Reply::Id(Id::new(10, 0)));
    assert_eq!(server.message(PRODUCER, request(1)).sent(), [(PRODUCER, answer)]);
    assert_eq!(server.message(PRODUCER, request(1)).sent(), [], "a copy");
    assert_eq!(server.message(PRODUCER, request(3)).sent(), [], "one before it was lost");
    assert_eq!(held(&server), 1);
}

#[test]
fn a_client_has_one_connection() {
    let mut server = server(Durability::Later);
    let first = connect(&mut server, PRODUCER, 1);
    assert_eq!(connect(&mut server, PRODUCER, 1), first, "a copy of the attempt");
    let second = connect(&mut server, PRODUCER, 2);
    let late = server.message(PRODUCER, Message::Request(first, 1, add(NewId::Auto)));
    assert!(late.marked(marks::REQUEST_OF_A_CLOSED_CONNECTION));
    assert_eq!(late.sent(), [(PRODUCER, Message::Reset(first))]);
    assert_eq!(server.message(PRODUCER, Message::Connect(1)).sent(), [], "a late copy opens nothing");
    assert!(!server.message(PRODUCER, Message::Request(second, 1, add(NewId::Auto))).sent().is_empty());
}

#[test]
fn connections_do_not_outlive_their_server() {
    let mut server = server(Durability::Always);
    let id = connect(&mut server, PRODUCER, 1);
    server.draws("connections", 2);
    server.restart(spawned(Durability::Always));
    let sent = server.message(PRODUCER, Message::Request(id, 1, add(NewId::Auto))).sent();
    assert_eq!(sent, [(PRODUCER, Message::Reset(id))]);
}

// "appendfsync always: fsync every time new commands are appended to the AOF."
#[test]
fn a_reply_waits_for_the_file_where_that_is_promised() {
    let mut server = server(Durability::Always);
    let id = connect(&mut server, PRODUCER, 1);
    let added = server.message(PRODUCER, Message::Request(id, 1, add(NewId::Auto)));
    assert_eq!((added.appended().len(), added.messages_released().len()), (1, 0));
    assert_eq!(server.synced().messages_released().len(), 1);
    server.restart(spawned(Durability::Always));
    assert_eq!(held(&server), 1);
}

// "appendfsync everysec: fsync every second … you may lose 1 second of data if there is a disaster."
#[test]
fn a_reply_comes_before_the_file_is_synced_where_it_is_not() {
    let mut server = server(Durability::EverySecond);
    let id = connect(&mut server, PRODUCER, 1);
    let added = server.message(PRODUCER, Message::Request(id, 1, add(NewId::Auto)));
    assert_eq!((added.appended().len(), added.appended_lazily().len(), added.messages_released().len()), (0, 1, 1));
    let mut lost = server.clone();
    lost.restart_with(spawned(Durability::EverySecond), |_| WriteFate::Lost);
    assert_eq!(held(&lost), 0);
    assert!(server.timer(Timer::Sync).marked(marks::SYNCED_AFTER_A_WHILE));
    server.synced();
    server.restart(spawned(Durability::EverySecond));
    assert_eq!(held(&server), 1);
}

#[test]
fn without_a_file_a_crash_takes_all() {
    let mut server = server(Durability::Never);
    let id = connect(&mut server, PRODUCER, 1);
    assert!(!server.message(PRODUCER, Message::Request(id, 1, add(NewId::Auto))).wrote());
    server.restart(spawned(Durability::Never));
    assert_eq!(held(&server), 0);
}

// What one command did is one record: a delivery with the position of its group.
#[test]
fn a_delivery_is_written_whole() {
    let mut server = server(Durability::Later);
    let id = connect(&mut server, CONSUMER, 1);
    server.message(CONSUMER, Message::Request(id, 1, create(GroupStart::Last)));
    server.message(CONSUMER, Message::Request(id, 2, add(NewId::Auto)));
    let before = server.read(AOF).len();
    server.message(CONSUMER, Message::Request(id, 3, read(ConsumerName(1), GroupAfter::New, None)));
    let records = server.read(AOF);
    let [Record::Effects(effects)] = &records[before..] else { panic!("one record: {records:?}") };
    assert_eq!(effects.len(), 3, "the consumer, the pending entry, the position: {effects:?}");
}

// As a server of Redis 7.0 does: what is counted of reading a history is not in the file.
#[test]
fn reading_a_history_is_not_written() {
    let mut server = server(Durability::Always);
    let id = connect(&mut server, CONSUMER, 1);
    let commands = [create(GroupStart::Last), add(NewId::Auto), read(ConsumerName(1), GroupAfter::New, None)];
    for (seq, command) in (1..).zip(commands) {
        server.message(CONSUMER, Message::Request(id, seq, command));
        server.synced();
    }
    let again =
        server.message(CONSUMER, Message::Request(id, 4, read(ConsumerName(1), GroupAfter::Pending(Id::ZERO), None)));
    assert!(!again.wrote());
    let deliveries = |server: &Bench<Node>| {
        let group = server.process().server().expect("a server").engine().keys().group(STREAM, GroupName(1));
        group.expect("a group").pending.values().map(|nack| nack.deliveries).collect::<Vec<u64>>()
    };
    assert_eq!(deliveries(&server), [2]);
    server.restart(spawned(Durability::Always));
    assert_eq!(deliveries(&server), [1]);
}

#[test]
fn whoever_waits_is_answered_by_what_another_adds_or_by_the_clock() {
    let mut server = server(Durability::Later);
    let (consumer, producer) = (connect(&mut server, CONSUMER, 1), connect(&mut server, PRODUCER, 1));
    server.message(CONSUMER, Message::Request(consumer, 1, create(GroupStart::Last)));
    let wait = Command::XReadGroup {
        group: GroupName(1),
        consumer: ConsumerName(1),
        streams: vec![(STREAM, GroupAfter::New)],
        count: None,
        block: Some(20),
        no_ack: false,
    };
    let waits = server.message(CONSUMER, Message::Request(consumer, 2, wait.clone()));
    assert_eq!((waits.sent(), waits.armed()), (vec![], vec![(Timer::Unblock, Span::ms(20))]));
    let over = server.timer(Timer::Unblock);
    assert_eq!(over.sent(), [(CONSUMER, Message::Answer(consumer, 2, Reply::Nil))]);
    server.message(CONSUMER, Message::Request(consumer, 3, wait));
    let added = server.message(PRODUCER, Message::Request(producer, 1, add(NewId::Auto)));
    let to: Vec<NodeId> = added.sent().iter().map(|(to, _)| *to).collect();
    assert_eq!(to, [PRODUCER, CONSUMER]);
    assert!(added.marked(marks::ADDED_WHILE_SOMEBODY_WAITED));
}
