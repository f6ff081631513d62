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
    Attempt, BodyId, ChannelId, ConnectionId, ConsumerTag, DeliveryTag, ExchangeName, Key, QueueName,
};
use seedbed_models::communication::message_queue::{MessageQueue, Node};
use seedbed_models::parts::link::Segment;
use seedbed_sim::bench::Handled;
use seedbed_sim::{Bench, Model, NodeId, Span};

use crate::say::{classic, plain};

const CLIENT: NodeId = NodeId(3);
const ATTEMPT: Attempt = Attempt(7);

fn spawned() -> Node {
    let model = MessageQueue::default();
    let nodes: Vec<NodeId> = (0..model.size() as u16).map(NodeId).collect();
    model.spawn(BROKER, &nodes)
}

/// A broker, and the client's end of a connection with it.
struct Wire {
    broker: Bench<Node>,
    connection: ConnectionId,
    next: u64,
}

impl Wire {
    /// A connection that is open, with a channel on which publishes are confirmed.
    fn open(broker: Bench<Node>) -> Wire {
        let mut wire = Wire { broker: broker.on(BROKER), connection: ConnectionId(0), next: 0 };
        wire.broker.start();
        wire.connect();
        wire
    }

    fn connect(&mut self) {
        self.next = 0;
        self.connection = self.ask();
        self.say(Frame::Topology(Command::OpenChannel(self.channel())));
        self.say(Frame::SelectConfirms(self.channel()));
    }

    /// Asks for the connection, and returns its name.
    fn ask(&mut self) -> ConnectionId {
        let opened = self.broker.message(CLIENT, Message::Open(ATTEMPT));
        match opened.sent_to(CLIENT)[..] {
            [Message::Opened(ATTEMPT, connection)] => connection,
            ref sent => panic!("it is opened: {sent:?}"),
        }
    }

    fn channel(&self) -> ChannelId {
        ChannelId { connection: self.connection, number: 1 }
    }

    fn confirm(&self, seq: u64, multiple: bool, accepted: bool) -> Frame {
        Frame::Confirm { channel: self.channel(), seq, multiple, accepted }
    }

    fn say(&mut self, frame: Frame) -> Handled<Node> {
        let segment = Segment::Numbered { seq: self.next, message: frame };
        self.next += 1;
        self.broker.message(CLIENT, Message::Packet(Packet { connection: self.connection, segment }))
    }

    fn queue(&mut self, settings: QueueSettings) {
        self.say(Frame::Topology(Command::DeclareQueue(self.channel(), QueueName::from("q"), Box::new(settings))));
    }

    fn consume(&mut self) -> Handled<Node> {
        self.say(Frame::Consume(Command::Consume(
            self.channel(),
            QueueName::from("q"),
            ConsumerTag(1),
            AckMode::Manual,
        )))
    }

    fn ack(&mut self, tag: u64) -> Handled<Node> {
        let (channel, tag) = (self.channel(), DeliveryTag(tag));
        self.say(Frame::Settle(Command::Settle { channel, tag, multiple: false, how: Settlement::Ack }))
    }

    fn publish(&mut self, body: u64, key: &str, mandatory: bool) -> Handled<Node> {
        let publish = Publish {
            exchange: ExchangeName::from(""),
            key: Key::from(key),
            mandatory,
            properties: plain(),
            body: Body::of(BodyId(body)),
        };
        self.say(Frame::Publish(self.channel(), Box::new(publish)))
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
    assert_eq!(frames(&synced.messages_released()), [wire.confirm(1, false, true)]);
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
    assert_eq!(frames(&synced.messages_released()), [wire.confirm(3, true, true)], "the fourth is not on disk");
    assert!(synced.marked(marks::CONFIRMED_SEVERAL));
    assert_eq!(frames(&wire.broker.synced().messages_released()), [wire.confirm(4, false, true)]);
}

#[test]
fn with_the_bug_it_is_confirmed_before() {
    let mut wire = Wire::open(Bench::new(spawned()).plant(Bug::ConfirmBeforeSync));
    wire.queue(classic());
    let published = wire.publish(1, "q", false);
    assert_eq!(frames(&published.messages_released()), [wire.confirm(1, false, true)]);
}

#[test]
fn a_message_without_a_route_is_returned_before_it_is_confirmed() {
    let mut wire = on_an_instant_disk();
    let published = wire.publish(1, "nowhere", true);
    assert!(published.marked(marks::RETURNED));
    assert_eq!(frames(&published.sent()), [Frame::Return(wire.channel(), BodyId(1)), wire.confirm(1, false, true)]);
    assert_eq!(frames(&wire.publish(2, "nowhere", false).sent()), [wire.confirm(2, false, true)], "not mandatory");
}

#[test]
fn what_a_full_queue_refuses_is_nacked() {
    let mut wire = Wire::open(Bench::new(spawned()).instant_disk());
    wire.queue(QueueSettings { max_length: Some(1), overflow: Overflow::RejectPublish, ..classic() });
    assert_eq!(frames(&wire.publish(1, "q", false).sent()), [wire.confirm(1, false, true)]);
    assert_eq!(frames(&wire.publish(2, "q", false).sent()), [wire.confirm(2, false, false)]);
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
    let beat = wire.broker.timer(Timer::Beat(wire.connection));
    assert!(matches!(beat.sent_to(CLIENT)[..], [Message::Heartbeat(of)] if of == wire.connection), "{beat:?}");
    wire.broker.pass(Span(1));
    let lost = wire.broker.timer(Timer::Beat(wire.connection));
    assert!(lost.marked(marks::CLOSED_BY_SILENCE));
    assert!(matches!(lost.sent_to(CLIENT)[..], [Message::Closed(of)] if of == wire.connection), "{lost:?}");
    assert_eq!((wire.books().unacked().count(), wire.books().copies().count()), (0, 1));
    let late = wire.ack(1);
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
    wire.ack(2);
    let restarted = wire.broker.restart(spawned());
    assert!(restarted.marked(marks::BROKER_RESTARTED_WITH_MESSAGES));
    assert_eq!(wire.books().channels().count(), 0, "all connections are gone");
    wire.connect();
    let again = delivered(&frames(&wire.consume().sent()));
    assert_eq!(again, [(1, 1, true), (2, 3, true)], "tags begin anew on a new channel");
}

/// A connection is named by the life of the broker that has opened it: after a restart the same attempt opens another one, and what
/// still comes on the old one is told so.
#[test]
fn an_attempt_that_arrives_again_opens_nothing_new_unless_the_broker_has_restarted() {
    let mut wire = on_an_instant_disk();
    let old = wire.connection;
    assert_eq!(wire.ask(), old);
    wire.broker.pass(Span::ms(2));
    wire.broker.restart(spawned());
    assert_ne!(wire.ask(), old);
    let late = wire.publish(1, "q", false);
    assert!(late.marked(marks::CONNECTION_UNKNOWN));
    assert!(matches!(late.sent_to(CLIENT)[..], [Message::Closed(closed)] if closed == old), "{late:?}");
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
