//! Clients, frame by frame: a pool that recovers, publishes that are sent again, deliveries that are settled (RabbitMQ, *Reliability
//! Guide*; *Consumer Acknowledgements and Publisher Confirms*).

use seedbed_models::communication::message_queue::books::command::{AckMode, Command, Delivery};
use seedbed_models::communication::message_queue::books::journal::Settlement;
use seedbed_models::communication::message_queue::books::message::{Body, Message as Content, Refusal};
use seedbed_models::communication::message_queue::client::consumer::Acks;
use seedbed_models::communication::message_queue::marks;
use seedbed_models::communication::message_queue::messages::{
    Draft, Frame, Message, Op, Outcome, Packet, Ret, Timer, body_id,
};
use seedbed_models::communication::message_queue::model::BROKER;
use seedbed_models::communication::message_queue::names::{
    Attempt, ChannelId, ConnectionId, ConsumerTag, DeliveryTag, ExchangeName, Key, QueueName,
};
use seedbed_models::communication::message_queue::topology::WORK;
use seedbed_models::communication::message_queue::{MessageQueue, Node};
use seedbed_models::parts::link::Segment;
use seedbed_sim::bench::Handled;
use seedbed_sim::{Bench, Model, NodeId, OpId};

use crate::say::{body, plain};

const PUBLISHER: NodeId = NodeId(3);
const CONSUMER: NodeId = NodeId(5);

/// A client, and the broker's end of its one connection.
struct Wire {
    client: Bench<Node>,
    attempt: Attempt,
    connection: ConnectionId,
    next: u64,
}

impl Wire {
    /// A client whose connection is open; and what it has said on it.
    fn open(model: &MessageQueue, node: NodeId) -> (Wire, Vec<Frame>) {
        let nodes: Vec<NodeId> = (0..model.size() as u16).map(NodeId).collect();
        let mut client = Bench::new(model.spawn(node, &nodes)).on(node);
        client.draws("service", 0).draws("ready first", 0);
        let attempt = asked(&client.start());
        let mut wire = Wire { client, attempt, connection: ConnectionId(0), next: 0 };
        let said = frames(&wire.opened());
        (wire, said)
    }

    /// The broker opens the connection that was asked for, under a new name.
    fn opened(&mut self) -> Handled<Node> {
        (self.next, self.connection) = (0, ConnectionId(self.connection.0 + 1));
        self.client.message(BROKER, Message::Opened(self.attempt, self.connection))
    }

    fn say(&mut self, frame: Frame) -> Handled<Node> {
        let segment = Segment::Numbered { seq: self.next, message: frame };
        self.next += 1;
        self.client.message(BROKER, Message::Packet(Packet { connection: self.connection, segment }))
    }

    fn channel(&self) -> ChannelId {
        ChannelId { connection: self.connection, number: 1 }
    }

    fn confirm(&mut self, seq: u64, multiple: bool, accepted: bool) -> Handled<Node> {
        let channel = self.channel();
        self.say(Frame::Confirm { channel, seq, multiple, accepted })
    }

    fn deliver(&mut self, tag: u64, failures: u8) -> Handled<Node> {
        let of = Body { id: body(tag), failures, refusal: Refusal::Nack };
        let delivery = Delivery {
            channel: self.channel(),
            consumer: Some(ConsumerTag(1)),
            tag: DeliveryTag(tag),
            redelivered: false,
            delivery_count: 0,
            queue: QueueName::from(WORK),
            message: Content::new(of, ExchangeName::from(""), Key::from(WORK), plain()),
        };
        self.say(Frame::Deliver(Box::new(delivery)))
    }
}

/// The attempt of the client to open a connection.
fn asked(did: &Handled<Node>) -> Attempt {
    match did.sent_to(BROKER)[..] {
        [.., Message::Open(attempt)] => attempt,
        ref sent => panic!("it asks for a connection: {sent:?}"),
    }
}

fn frames(did: &Handled<Node>) -> Vec<Frame> {
    let frame = |(_, message)| match message {
        Message::Packet(Packet { segment: Segment::Numbered { message, .. }, .. }) => Some(message),
        _ => None,
    };
    did.sent().into_iter().filter_map(frame).collect()
}

fn one_channel() -> MessageQueue {
    MessageQueue { channels: 1, ..MessageQueue::default() }
}

fn draft(mandatory: bool) -> Draft {
    let (exchange, key) = (ExchangeName::from(""), Key::from(WORK));
    Draft { exchange, key, mandatory, properties: plain(), failures: 0, refusal: Refusal::Nack }
}

/// The bodies of publishes, and on which channel they are.
fn published(frames: &[Frame]) -> Vec<(u16, u64)> {
    let publish = |frame: &Frame| match frame {
        Frame::Publish(channel, publish) => Some((channel.number, publish.body.id.0)),
        _ => None,
    };
    frames.iter().filter_map(publish).collect()
}

fn ended(outcomes: &[Outcome]) -> Vec<(OpId, Ret)> {
    vec![(OpId(1), Ret::Published(outcomes.to_vec()))]
}

fn settled(frames: &[Frame]) -> Vec<(u64, bool, Settlement)> {
    let settle = |frame: &Frame| match frame {
        Frame::Settle(Command::Settle { tag, multiple, how, .. }) => Some((tag.0, *multiple, *how)),
        _ => None,
    };
    frames.iter().filter_map(settle).collect()
}

#[test]
fn on_every_new_connection_the_topology_is_declared_before_it_is_used() {
    let (mut wire, said) = Wire::open(&MessageQueue::default(), CONSUMER);
    let opens = |said: &[Frame]| {
        said.iter().take_while(|frame| matches!(frame, Frame::Topology(Command::OpenChannel(_)))).count()
    };
    let declared = |said: &[Frame]| said.iter().filter(|frame| matches!(frame, Frame::Topology(_))).count();
    let consumes = |said: &[Frame]| {
        let of = |frame: &Frame| match frame {
            Frame::Consume(Command::Consume(channel, queue, tag, mode)) => {
                Some((channel.number, queue.to_string(), tag.0, *mode))
            }
            _ => None,
        };
        said.iter().filter_map(of).collect::<Vec<_>>()
    };
    let subscriptions: Vec<_> =
        [1, 2].into_iter().flat_map(|channel| [(channel, "work", 1), (channel, "audit", 2)]).collect();
    let subscriptions: Vec<_> = subscriptions
        .into_iter()
        .map(|(channel, queue, tag)| (channel, queue.to_string(), tag, AckMode::Manual))
        .collect();
    assert_eq!((opens(&said), declared(&said)), (2, 2 + 6 + 4 + 11));
    assert_eq!(consumes(&said), subscriptions);

    let lost = wire.client.message(BROKER, Message::Closed(wire.connection));
    let again = asked(&lost);
    assert_ne!(again, wire.attempt, "an attempt has a name of its own");
    wire.attempt = again;
    let opened = wire.opened();
    assert!(opened.marked(marks::CONSUMER_CAME_BACK));
    let said = frames(&opened);
    assert_eq!((opens(&said), declared(&said)), (2, 2 + 6 + 4 + 11));
    assert_eq!(consumes(&said), subscriptions);
}

#[test]
fn a_client_goes_to_who_leads() {
    let model = MessageQueue { queues: "quorum".parse().expect("a kind"), ..one_channel() };
    let nodes: Vec<NodeId> = (0..model.size() as u16).map(NodeId).collect();
    let mut client = Bench::new(model.spawn(PUBLISHER, &nodes)).on(PUBLISHER);
    let first = asked(&client.start());
    let redirected = client.message(BROKER, Message::NotLeader(first, Some(NodeId(2))));
    assert!(redirected.marked(marks::REDIRECTED));
    let [(NodeId(2), Message::Open(second))] = redirected.sent()[..] else { panic!("one question: {redirected:?}") };
    let connection = ConnectionId(1);
    let late = client.message(BROKER, Message::Opened(first, connection));
    assert!(late.marked(marks::LATE_CONNECTION_CLOSED));
    assert!(matches!(late.sent()[..], [(BROKER, Message::Closed(closed))] if closed == connection), "{late:?}");
    let tried = client.timer(Timer::Reconnect(0));
    assert!(matches!(tried.sent()[..], [(BROKER, Message::Open(third))] if third != second), "the next: {tried:?}");
}

/// An attempt that arrives twice, the second time at a broker which has restarted since, opens two connections: the client keeps its
/// own, and the other one goes. (Under one name for both, each end would go on with its own numbers, and neither hear of it.)
#[test]
fn an_attempt_that_arrives_again_leaves_no_connection_behind() {
    let (mut wire, _) = Wire::open(&one_channel(), CONSUMER);
    let (own, other) = (wire.connection, ConnectionId(77));
    assert!(wire.client.message(BROKER, Message::Opened(wire.attempt, own)).sent().is_empty(), "it is said again");
    let late = wire.client.message(BROKER, Message::Opened(wire.attempt, other));
    assert!(late.marked(marks::LATE_CONNECTION_CLOSED));
    assert!(matches!(late.sent()[..], [(BROKER, Message::Closed(closed))] if closed == other), "{late:?}");
    let pool = wire.client.process().client().expect("it is a client").pool();
    assert_eq!(pool.open().collect::<Vec<_>>(), [own]);
}

#[test]
fn publishes_take_turns_on_channels_and_are_confirmed_one_by_one() {
    let (mut wire, said) = Wire::open(&MessageQueue::default(), PUBLISHER);
    assert_eq!(said.iter().filter(|frame| matches!(frame, Frame::SelectConfirms(_))).count(), 2);
    let sent = frames(&wire.client.invoke(OpId(1), Op::Publish(vec![draft(false), draft(false), draft(false)])));
    let id = |index| body_id(OpId(1), index).0;
    assert_eq!(published(&sent), [(1, id(0)), (2, id(1)), (1, id(2))]);
    let other = ChannelId { number: 2, ..wire.channel() };
    assert!(
        wire.say(Frame::Confirm { channel: other, seq: 1, multiple: false, accepted: true }).completed().is_empty()
    );
    assert!(wire.confirm(2, false, true).completed().is_empty());
    assert_eq!(wire.confirm(1, false, true).completed(), ended(&[Outcome::Confirmed; 3]));
}

#[test]
fn a_confirm_of_several_covers_all_up_to_its_number() {
    let (mut wire, _) = Wire::open(&one_channel(), PUBLISHER);
    wire.client.invoke(OpId(1), Op::Publish(vec![draft(false), draft(true), draft(false)]));
    let channel = wire.channel();
    wire.say(Frame::Return(channel, body_id(OpId(1), 1)));
    assert!(wire.confirm(2, true, true).completed().is_empty());
    let refused = wire.confirm(3, false, false);
    assert!(refused.marked(marks::PUBLISH_REFUSED));
    assert_eq!(refused.completed(), ended(&[Outcome::Confirmed, Outcome::Returned, Outcome::Refused]));
}

#[test]
fn what_was_not_confirmed_is_published_again_on_the_next_connection() {
    let (mut wire, _) = Wire::open(&one_channel(), PUBLISHER);
    wire.client.invoke(OpId(1), Op::Publish(vec![draft(false), draft(false), draft(false)]));
    wire.confirm(1, false, true);
    let lost = wire.client.message(BROKER, Message::Closed(wire.connection));
    assert!(lost.marked(marks::PUBLISHED_AGAIN) && published(&frames(&lost)).is_empty());
    wire.attempt = asked(&lost);
    let again = wire.opened();
    let id = |index| body_id(OpId(1), index).0;
    assert_eq!(published(&frames(&again)), [(1, id(1)), (1, id(2))]);
    assert_eq!(wire.confirm(2, true, true).completed(), ended(&[Outcome::Confirmed; 3]), "numbers begin anew");
}

#[test]
fn who_asks_for_no_confirms_hears_nothing() {
    let (mut wire, said) = Wire::open(&MessageQueue { confirms: false, ..one_channel() }, PUBLISHER);
    assert!(!said.iter().any(|frame| matches!(frame, Frame::SelectConfirms(_))));
    assert_eq!(wire.client.invoke(OpId(1), Op::Publish(vec![draft(false)])).completed(), ended(&[Outcome::Sent]));
}

#[test]
fn a_message_that_is_asked_for_is_acknowledged() {
    let (mut wire, _) = Wire::open(&one_channel(), PUBLISHER);
    let asked = frames(&wire.client.invoke(OpId(1), Op::Get(QueueName::from(WORK))));
    assert!(matches!(&asked[..], [Frame::Get(Command::Get(..))]), "{asked:?}");
    let channel = wire.channel();
    let nothing = wire.say(Frame::Got(channel, None));
    assert!(nothing.marked(marks::GOT_NOTHING));
    assert_eq!(nothing.completed(), [(OpId(1), Ret::Got(None))]);
}

#[test]
fn each_delivery_is_acknowledged_when_it_is_processed() {
    let (mut wire, _) = Wire::open(&one_channel(), CONSUMER);
    assert!(settled(&frames(&wire.deliver(1, 0))).is_empty());
    wire.deliver(2, 0);
    assert_eq!(settled(&frames(&wire.client.timer(Timer::Work))), [(1, false, Settlement::Ack)]);
    assert_eq!(settled(&frames(&wire.client.timer(Timer::Work))), [(2, false, Settlement::Ack)]);
}

#[test]
fn who_acknowledges_each_may_do_so_in_any_order() {
    let (mut wire, _) = Wire::open(&one_channel(), CONSUMER);
    wire.client.draws("ready first", 1);
    wire.deliver(1, 0);
    wire.deliver(2, 0);
    assert_eq!(settled(&frames(&wire.client.timer(Timer::Work))), [(2, false, Settlement::Ack)]);
    assert_eq!(settled(&frames(&wire.client.timer(Timer::Work))), [(1, false, Settlement::Ack)]);
}

#[test]
fn several_are_acknowledged_at_once_or_after_a_while() {
    let (mut wire, _) = Wire::open(&MessageQueue { acks: Acks::Several(2), ..one_channel() }, CONSUMER);
    for tag in 1..=3 {
        wire.deliver(tag, 0);
    }
    assert!(settled(&frames(&wire.client.timer(Timer::Work))).is_empty());
    let second = wire.client.timer(Timer::Work);
    assert!(second.marked(marks::ACKED_SEVERAL));
    assert_eq!(settled(&frames(&second)), [(2, true, Settlement::Ack)]);
    assert!(settled(&frames(&wire.client.timer(Timer::Work))).is_empty());
    assert_eq!(settled(&frames(&wire.client.timer(Timer::Flush))), [(3, true, Settlement::Ack)]);
}

#[test]
fn what_fails_does_not_share_the_fate_of_what_did_not() {
    let (mut wire, _) = Wire::open(&MessageQueue { acks: Acks::Several(9), ..one_channel() }, CONSUMER);
    wire.deliver(1, 0);
    wire.deliver(2, 1);
    wire.client.timer(Timer::Work);
    let failed = wire.client.timer(Timer::Work);
    assert!(failed.marked(marks::FAILED_TO_PROCESS));
    let nack = Settlement::Nack { requeue: true };
    assert_eq!(settled(&frames(&failed)), [(1, true, Settlement::Ack), (2, false, nack)]);
}

#[test]
fn what_was_delivered_on_a_lost_connection_is_not_processed() {
    let (mut wire, _) = Wire::open(&one_channel(), CONSUMER);
    wire.deliver(1, 0);
    let lost = wire.client.message(BROKER, Message::Closed(wire.connection));
    assert!(lost.marked(marks::DELIVERY_OF_A_LOST_CONNECTION_DROPPED));
    assert!(frames(&wire.client.timer(Timer::Work)).is_empty());
    let consumer = wire.client.process().client().and_then(|client| client.consumer()).expect("it is a consumer");
    assert_eq!(consumer.inbox().len(), 0);
}
