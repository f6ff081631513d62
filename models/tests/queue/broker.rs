//! A broker with classic queues, frame by frame: what waits for the disk, confirms of one and of several, returns, the loss of a
//! connection (RabbitMQ, *Publisher Confirms*; AMQP 0-9-1, §1.8.3 and §4.2.7).

use seedbed_models::communication::message_queue::books::command::{AckMode, Command, Publish};
use seedbed_models::communication::message_queue::books::journal::Settlement;
use seedbed_models::communication::message_queue::books::message::Body;
use seedbed_models::communication::message_queue::books::settings::{Overflow, QueueSettings};
use seedbed_models::communication::message_queue::bugs::Bug;
use seedbed_models::communication::message_queue::marks;
use seedbed_models::communication::message_queue::messages::{Frame, Message, Packet, Record, Timer};
use seedbed_models::communication::message_queue::model::BROKER;
use seedbed_models::communication::message_queue::names::{
    BodyId, ChannelId, ConnectionId, ConsumerTag, DeliveryTag, ExchangeName, Key, QueueName,
};
use seedbed_models::communication::message_queue::{MessageQueue, Node};
use seedbed_models::parts::link::Segment;
use seedbed_sim::bench::Handled;
use seedbed_sim::{Bench, Model, NodeId, Span};

use crate::say::{classic, plain};

const CLIENT: NodeId = NodeId(3);
const CONNECTION: ConnectionId = ConnectionId(7);
const CHANNEL: ChannelId = ChannelId { connection: CONNECTION, number: 1 };

fn spawned() -> Node {
    let model = MessageQueue::default();
    let nodes: Vec<NodeId> = (0..model.size() as u16).map(NodeId).collect();
    model.spawn(BROKER, &nodes)
}

/// A broker, and the client's end of a connection with it.
struct Wire {
    broker: Bench<Node>,
    next: u64,
}

impl Wire {
    /// A connection that is open, with a channel on which publishes are confirmed.
    fn open(broker: Bench<Node>) -> Wire {
        let mut wire = Wire { broker: broker.on(BROKER), next: 0 };
        wire.broker.start();
        wire.connect();
        wire
    }

    fn connect(&mut self) {
        self.next = 0;
        let opened = self.broker.message(CLIENT, Message::Open(CONNECTION));
        assert!(matches!(opened.sent_to(CLIENT)[..], [Message::Opened(CONNECTION)]), "{opened:?}");
        self.say(Frame::Topology(Command::OpenChannel(CHANNEL)));
        self.say(Frame::SelectConfirms(CHANNEL));
    }

    fn say(&mut self, frame: Frame) -> Handled<Node> {
        let segment = Segment::Numbered { seq: self.next, message: frame };
        self.next += 1;
        self.broker.message(CLIENT, Message::Packet(Packet { connection: CONNECTION, segment }))
    }

    fn queue(&mut self, settings: QueueSettings) {
        self.say(Frame::Topology(Command::DeclareQueue(CHANNEL, QueueName::from("q"), Box::new(settings))));
    }

    fn consume(&mut self) -> Handled<Node> {
        self.say(Frame::Consume(Command::Consume(CHANNEL, QueueName::from("q"), ConsumerTag(1), AckMode::Manual)))
    }

    fn publish(&mut self, body: u64, key: &str, mandatory: bool) -> Handled<Node> {
        let publish = Publish {
            exchange: ExchangeName::from(""),
            key: Key::from(key),
            mandatory,
            properties: plain(),
            body: Body::of(BodyId(body)),
        };
        self.say(Frame::Publish(CHANNEL, Box::new(publish)))
    }

    fn books(&self) -> &seedbed_models::communication::message_queue::books::Books {
        self.broker.process().broker().expect("it is a broker").books()
    }
}

fn on_a_slow_disk() -> Wire {
    let mut wire = Wire::open(Bench::new(spawned()));
    wire.queue(classic());
    wire.broker.synced();
    wire
}

fn on_an_instant_disk() -> Wire {
    let mut wire = Wire::open(Bench::new(spawned()).instant_disk());
    wire.queue(classic());
    wire
}

fn frames(messages: &[(NodeId, Message)]) -> Vec<Frame> {
    let frame = |(_, message): &(NodeId, Message)| match message {
        Message::Packet(Packet { segment: Segment::Numbered { message, .. }, .. }) => Some(message.clone()),
        _ => None,
    };
    messages.iter().filter_map(frame).collect()
}

fn confirm(seq: u64, multiple: bool, accepted: bool) -> Frame {
    Frame::Confirm { channel: CHANNEL, seq, multiple, accepted }
}

fn delivered(frames: &[Frame]) -> Vec<(u64, u64, bool)> {
    let delivery = |frame: &Frame| match frame {
        Frame::Deliver(of) => Some((of.tag.0, of.message.body.id.0, of.redelivered)),
        _ => None,
    };
    frames.iter().filter_map(delivery).collect()
}

#[test]
fn a_publish_is_confirmed_when_it_is_on_disk() {
    let mut wire = on_a_slow_disk();
    let published = wire.publish(1, "q", false);
    assert!(matches!(published.appended()[..], [Record::Command(_)]));
    assert!(frames(&published.sent()).is_empty());
    let synced = wire.broker.synced();
    assert_eq!(frames(&synced.messages_released()), [confirm(1, false, true)]);
}

#[test]
fn several_are_confirmed_at_once() {
    let mut wire = on_a_slow_disk();
    for body in 1..=3 {
        wire.publish(body, "q", false);
    }
    wire.broker.sync_begins();
    wire.publish(4, "q", false);
    let synced = wire.broker.synced();
    assert_eq!(frames(&synced.messages_released()), [confirm(3, true, true)], "the fourth is not on disk");
    assert!(synced.marked(marks::CONFIRMED_SEVERAL));
    assert_eq!(frames(&wire.broker.synced().messages_released()), [confirm(4, false, true)]);
}

#[test]
fn with_the_bug_it_is_confirmed_before() {
    let mut wire = Wire::open(Bench::new(spawned()).plant(Bug::ConfirmBeforeSync));
    wire.queue(classic());
    let published = wire.publish(1, "q", false);
    assert_eq!(frames(&published.messages_released()), [confirm(1, false, true)]);
}

#[test]
fn a_message_without_a_route_is_returned_before_it_is_confirmed() {
    let mut wire = on_an_instant_disk();
    let published = wire.publish(1, "nowhere", true);
    assert!(published.marked(marks::RETURNED));
    assert_eq!(frames(&published.sent()), [Frame::Return(CHANNEL, BodyId(1)), confirm(1, false, true)]);
    assert_eq!(frames(&wire.publish(2, "nowhere", false).sent()), [confirm(2, false, true)], "not mandatory");
}

#[test]
fn what_a_full_queue_refuses_is_nacked() {
    let mut wire = Wire::open(Bench::new(spawned()).instant_disk());
    wire.queue(QueueSettings { max_length: Some(1), overflow: Overflow::RejectPublish, ..classic() });
    assert_eq!(frames(&wire.publish(1, "q", false).sent()), [confirm(1, false, true)]);
    assert_eq!(frames(&wire.publish(2, "q", false).sent()), [confirm(2, false, false)]);
}

#[test]
fn a_delivery_waits_for_the_disk_as_well() {
    let mut wire = on_a_slow_disk();
    wire.consume();
    wire.broker.synced();
    let published = wire.publish(1, "q", false);
    assert_eq!(delivered(&frames(&published.sent())), [(1, 1, false)]);
    assert!(frames(&published.messages_released()).is_empty());
    assert_eq!(delivered(&frames(&wire.broker.synced().messages_released())), [(1, 1, false)]);
}

#[test]
fn frames_are_handled_in_their_order_and_once() {
    let mut wire = on_an_instant_disk();
    let first = wire.next;
    wire.next = first + 1;
    wire.publish(2, "q", false);
    assert_eq!(wire.books().copies().count(), 0, "one is missing before it");
    wire.next = first;
    wire.publish(1, "q", false);
    wire.next = first;
    wire.publish(1, "q", false);
    let bodies: Vec<u64> = wire.books().copies().map(|(_, queued)| queued.message.body.id.0).collect();
    assert_eq!(bodies, [1, 2]);
}

#[test]
fn a_connection_that_is_silent_is_closed_and_its_deliveries_come_back() {
    let mut wire = on_an_instant_disk();
    wire.consume();
    wire.publish(1, "q", false);
    assert_eq!(wire.books().unacked().count(), 1);
    let timeout = MessageQueue::default().timeout;
    wire.broker.pass(Span(timeout.0 - 1));
    let beat = wire.broker.timer(Timer::Beat(CONNECTION));
    assert!(matches!(beat.sent_to(CLIENT)[..], [Message::Heartbeat(CONNECTION)]), "{beat:?}");
    wire.broker.pass(Span(1));
    let lost = wire.broker.timer(Timer::Beat(CONNECTION));
    assert!(lost.marked(marks::CLOSED_BY_SILENCE));
    assert!(matches!(lost.sent_to(CLIENT)[..], [Message::Closed(CONNECTION)]), "{lost:?}");
    assert_eq!((wire.books().unacked().count(), wire.books().copies().count()), (0, 1));
    let late = wire.say(Frame::Settle(Command::Settle {
        channel: CHANNEL,
        tag: DeliveryTag(1),
        multiple: false,
        how: Settlement::Ack,
    }));
    assert!(late.marked(marks::CONNECTION_UNKNOWN), "it comes too late");
    assert_eq!(wire.books().copies().count(), 1);
}

#[test]
fn after_a_crash_what_was_confirmed_is_there_and_what_was_acked_is_not() {
    let mut wire = on_an_instant_disk();
    for body in 1..=3 {
        wire.publish(body, "q", false);
    }
    wire.consume();
    wire.say(Frame::Settle(Command::Settle { channel: CHANNEL, tag: DeliveryTag(2), multiple: false, how: Settlement::Ack }));
    let restarted = wire.broker.restart(spawned());
    assert!(restarted.marked(marks::BROKER_RESTARTED_WITH_MESSAGES));
    assert_eq!(wire.books().channels().count(), 0, "all connections are gone");
    wire.connect();
    let again = delivered(&frames(&wire.consume().sent()));
    assert_eq!(again, [(1, 1, true), (2, 3, true)], "tags begin anew on a new channel");
}

#[test]
fn a_publish_that_was_not_on_disk_is_lost_in_a_crash() {
    let mut wire = on_a_slow_disk();
    wire.publish(1, "q", false);
    wire.broker.restart(spawned());
    assert_eq!(wire.books().copies().count(), 0);
}

#[test]
fn a_message_expires_though_nobody_comes() {
    let mut wire = Wire::open(Bench::new(spawned()).instant_disk());
    wire.queue(QueueSettings { message_ttl: Some(Span::ms(9)), ..classic() });
    let published = wire.publish(1, "q", false);
    assert!(published.armed().contains(&(Timer::Due, Span::ms(9))), "{published:?}");
    wire.broker.timer(Timer::Due);
    assert_eq!(wire.books().copies().count(), 0);
}
