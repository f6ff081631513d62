//! A consumer, one reply at a time.

use seedbed_models::communication::stream::consumer::Event;
use seedbed_models::communication::stream::messages::{ConnectionId, Message, Timer};
use seedbed_models::communication::stream::model::MASTER;
use seedbed_models::communication::stream::reply::PendingItem;
use seedbed_models::communication::stream::settings::{DEAD, DELIVERIES, GROUP, PAYLOAD, POISON, STREAM, field};
use seedbed_models::communication::stream::{
    Claimed, Command, ConsumerName, GroupAfter, Id, Item, Node, Reply, Stream, marks,
};
use seedbed_sim::{Bench, Model, NodeId};

const CONSUMER: NodeId = NodeId(6);
const NAME: ConsumerName = ConsumerName(6);
const CONNECTION: ConnectionId = ConnectionId(3);
const ENTRY: Id = Id::new(5, 0);

fn item(payload: u64, poison: u64) -> Item {
    Item { id: ENTRY, fields: Some([(PAYLOAD, payload), (POISON, poison)].into()) }
}

/// A consumer with what it has asked last.
struct Asked {
    consumer: Bench<Node>,
    seq: u64,
    command: Option<Command>,
}

impl Asked {
    /// A consumer that has a connection and its group, and no history: it waits for new entries.
    fn reading() -> Self {
        let model = Stream { keeps_name: true, ..Stream::default() };
        let nodes: Vec<NodeId> = (0..model.size() as u16).map(NodeId).collect();
        let mut consumer = Bench::new(model.spawn(CONSUMER, &nodes)).on(CONSUMER).instant_disk();
        consumer.draws("connect", 1).draws("work", 1_000_000);
        consumer.start();
        let mut asked = Asked { consumer, seq: 0, command: None };
        asked.connect();
        assert!(matches!(asked.command, Some(Command::XGroupCreate { make: true, .. })), "{:?}", asked.command);
        asked.reply(Reply::Ok);
        assert!(asked.reads(GroupAfter::Pending(Id::ZERO)), "its history first: {:?}", asked.command);
        asked.reply(Reply::Streams(vec![(STREAM, vec![])]));
        assert!(asked.reads(GroupAfter::New), "{:?}", asked.command);
        asked
    }

    fn connect(&mut self) {
        self.seq = 0;
        // The nonce has the number of failures in it, and the draw.
        let nonces = (0..8).map(|failures| 1 << 20 | failures);
        for nonce in nonces {
            let did = self.consumer.message(MASTER, Message::Connected(nonce, CONNECTION)).sent();
            self.take(did);
        }
    }

    fn take(&mut self, sent: Vec<(NodeId, Message)>) {
        for (to, message) in sent {
            if let Message::Request(CONNECTION, seq, command) = message {
                assert_eq!((to, seq), (MASTER, self.seq + 1));
                (self.seq, self.command) = (seq, Some(command));
            }
        }
    }

    fn reply(&mut self, reply: Reply) {
        self.command = None;
        let did = self.consumer.message(MASTER, Message::Answer(CONNECTION, self.seq, reply)).sent();
        self.take(did);
    }

    fn work(&mut self) {
        let did = self.consumer.timer(Timer::Work).sent();
        self.take(did);
    }

    fn reads(&self, from: GroupAfter) -> bool {
        matches!(&self.command, Some(Command::XReadGroup { streams, .. }) if streams[..] == [(STREAM, from)])
    }

    fn journal(&self) -> &[Event] {
        self.consumer.process().consumer().expect("a consumer").journal()
    }

    /// It has claimed the entry, which was delivered so often.
    fn claimed(deliveries: u64, poison: u64) -> Self {
        let mut asked = Asked::reading();
        asked.consumer.timer(Timer::Recover);
        asked.reply(Reply::Nil);
        assert!(matches!(asked.command, Some(Command::XAutoClaim(_))), "{:?}", asked.command);
        let claimed = Claimed::Entries(vec![item(8, poison)]);
        asked.reply(Reply::AutoClaimed { cursor: Id::ZERO, claimed, deleted: vec![] });
        assert!(matches!(asked.command, Some(Command::XPending { consumer: Some(NAME), .. })), "{:?}", asked.command);
        asked.reply(Reply::Pending(vec![PendingItem { id: ENTRY, consumer: NAME, idle: 0, deliveries }]));
        asked
    }
}

#[test]
fn an_entry_is_processed_and_then_acknowledged() {
    let mut asked = Asked::reading();
    asked.reply(Reply::Streams(vec![(STREAM, vec![item(8, 0)])]));
    assert_eq!(asked.command, None, "it works");
    asked.work();
    assert_eq!(asked.command, Some(Command::XAck(STREAM, GROUP, vec![ENTRY])));
    asked.reply(Reply::Number(1));
    assert!(asked.reads(GroupAfter::New));
    let expected =
        [Event::Received(ENTRY), Event::Processed(ENTRY, 8), Event::Acknowledges(ENTRY), Event::Acknowledged(ENTRY)];
    assert_eq!(asked.journal(), expected);
}

#[test]
fn an_entry_whose_processing_fails_stays_pending() {
    let mut asked = Asked::reading();
    asked.reply(Reply::Streams(vec![(STREAM, vec![item(8, 1)])]));
    asked.work();
    assert!(asked.reads(GroupAfter::New), "nothing is acknowledged: {:?}", asked.command);
    assert_eq!(asked.journal().last(), Some(&Event::Failed(ENTRY)));
}

#[test]
fn what_is_claimed_is_processed_if_it_was_not_delivered_too_often() {
    let most = u64::from(Stream::default().max_deliveries);
    let mut asked = Asked::claimed(most, 0);
    asked.work();
    assert_eq!(asked.command, Some(Command::XAck(STREAM, GROUP, vec![ENTRY])));
}

#[test]
fn what_was_delivered_too_often_is_buried_and_then_acknowledged() {
    let most = u64::from(Stream::default().max_deliveries);
    let mut asked = Asked::claimed(most + 1, 0);
    let Some(Command::XAdd { key: DEAD, fields, .. }) = &asked.command else {
        panic!("a dead letter: {:?}", asked.command)
    };
    assert_eq!((field(fields, PAYLOAD), field(fields, DELIVERIES)), (Some(8), Some(most + 1)));
    asked.reply(Reply::Id(Id::new(9, 0)));
    assert_eq!(asked.command, Some(Command::XAck(STREAM, GROUP, vec![ENTRY])));
}

// Between the claim and the question another consumer may have claimed it.
#[test]
fn what_is_another_consumers_meanwhile_is_left_to_it() {
    let mut asked = Asked::reading();
    asked.consumer.timer(Timer::Recover);
    asked.reply(Reply::Nil);
    let claimed = Claimed::Entries(vec![item(8, 0)]);
    asked.reply(Reply::AutoClaimed { cursor: Id::ZERO, claimed, deleted: vec![] });
    asked.reply(Reply::Pending(vec![]));
    assert!(asked.reads(GroupAfter::New), "{:?}", asked.command);
}

#[test]
fn a_claim_goes_on_at_its_cursor_until_the_end() {
    let mut asked = Asked::reading();
    asked.consumer.timer(Timer::Recover);
    asked.reply(Reply::Nil);
    let none = || Claimed::Entries(vec![]);
    asked.reply(Reply::AutoClaimed { cursor: ENTRY, claimed: none(), deleted: vec![] });
    assert!(matches!(&asked.command, Some(Command::XAutoClaim(claim)) if claim.start == ENTRY), "{:?}", asked.command);
    asked.reply(Reply::AutoClaimed { cursor: Id::ZERO, claimed: none(), deleted: vec![] });
    assert!(asked.reads(GroupAfter::New), "{:?}", asked.command);
}

// The reply to its acknowledgement is lost. It has processed the entry, finds it in its history, and does not do so again.
#[test]
fn what_is_processed_is_not_processed_again_after_a_reconnection() {
    let mut asked = Asked::reading();
    asked.reply(Reply::Streams(vec![(STREAM, vec![item(8, 0)])]));
    asked.work();
    asked.consumer.draws("backoff", 20_000_000);
    assert!(asked.consumer.timer(Timer::Connection).marked(marks::CONNECTION_LOST));
    asked.consumer.timer(Timer::Connection);
    asked.connect();
    assert!(asked.reads(GroupAfter::Pending(Id::ZERO)), "{:?}", asked.command);
    asked.reply(Reply::Streams(vec![(STREAM, vec![item(8, 0)])]));
    asked.reply(Reply::Pending(vec![PendingItem { id: ENTRY, consumer: NAME, idle: 0, deliveries: 2 }]));
    assert_eq!(asked.command, Some(Command::XAck(STREAM, GROUP, vec![ENTRY])));
    assert_eq!(asked.journal().iter().filter(|event| matches!(event, Event::Processed(..))).count(), 1);
    assert!(asked.consumer.due(&Timer::Work).is_none(), "it does not work");
}

#[test]
fn what_is_gone_from_its_history_is_acknowledged() {
    let mut asked = Asked::reading();
    asked.consumer.draws("backoff", 20_000_000);
    asked.consumer.timer(Timer::Connection);
    asked.consumer.timer(Timer::Connection);
    asked.connect();
    asked.reply(Reply::Streams(vec![(STREAM, vec![Item { id: ENTRY, fields: None }])]));
    assert_eq!(asked.command, Some(Command::XAck(STREAM, GROUP, vec![ENTRY])));
}
