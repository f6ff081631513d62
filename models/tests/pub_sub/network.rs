//! The broker and a client on the network: what is written, what waits for the disk, what a silence does.

use seedbed_models::communication::pub_sub::messages::{Message, Op, Timer};
use seedbed_models::communication::pub_sub::model::BROKER;
use seedbed_models::communication::pub_sub::names::{Attempt, ClientId, ConnectionId, PacketId};
use seedbed_models::communication::pub_sub::packet::{Connect, Packet, Qos, Reason};
use seedbed_models::communication::pub_sub::{Bug, Node, PubSub, Topic, messages::Draft};
use seedbed_models::parts::link::Segment;
use seedbed_sim::{Bench, Model, NodeId, OpId, Span};

use crate::say::{connect, message, publish};

const ANN: NodeId = NodeId(1);

fn node(node: NodeId) -> Node {
    PubSub::default().spawn(node, &[])
}

fn segment(id: ConnectionId, seq: u64, packet: Packet) -> Message {
    Message::Segment(id, Segment::Numbered { seq, message: packet })
}

/// The packets among messages.
fn packets(messages: &[(NodeId, Message)]) -> Vec<Packet> {
    let packet = |(_, message): &(NodeId, Message)| match message {
        Message::Segment(_, Segment::Numbered { message, .. }) => Some(message.clone()),
        _ => None,
    };
    messages.iter().filter_map(packet).collect()
}

fn opened(messages: &[(NodeId, Message)]) -> ConnectionId {
    let id = messages.iter().find_map(|(_, message)| match message {
        Message::Opened(_, id) => Some(*id),
        _ => None,
    });
    id.expect("a connection is opened")
}

/// A broker to which Ann is connected.
fn broker() -> (Bench<Node>, ConnectionId) {
    let mut broker = Bench::new(node(BROKER)).on(BROKER);
    broker.start();
    let id = opened(&broker.message(ANN, Message::Open(Attempt(5))).sent());
    let connect = Connect { client: ClientId(1), ..connect(ClientId(1)) };
    broker.message(ANN, segment(id, 0, Packet::Connect(Box::new(connect))));
    broker.synced();
    (broker, id)
}

#[test]
fn an_acknowledgement_waits_for_the_disk() {
    for bug in [false, true] {
        let (broker, id) = broker();
        let mut broker = if bug { broker.plant(Bug::AckBeforePersist) } else { broker };
        let did = broker.message(ANN, segment(id, 1, publish(message("a", Qos::AtLeastOnce, 1), 7)));
        let ack = Packet::PubAck(PacketId(7), Reason::NoMatchingSubscribers);
        assert_eq!(packets(&did.messages_released()).contains(&ack), bug);
        assert_eq!(packets(&broker.synced().messages_released()).contains(&ack), !bug);
    }
}

#[test]
fn what_has_qos_0_forces_no_write() {
    let (mut broker, id) = broker();
    let did = broker.message(ANN, segment(id, 1, publish(message("a", Qos::AtMostOnce, 1), 0)));
    assert_eq!((did.appended().len(), did.appended_lazily().len()), (0, 1));
    let did = broker.message(ANN, segment(id, 2, Packet::PingReq));
    assert_eq!((did.appended().len(), did.appended_lazily().len()), (0, 0));
}

#[test]
fn sessions_are_read_back() {
    let (mut broker, _) = broker();
    broker.restart(node(BROKER));
    let Node::Broker(restarted) = broker.process() else { panic!("a broker") };
    let session = restarted.engine().session(ClientId(1)).expect("it lives");
    assert!(session.online.is_none());
}

// §3.1.2.10
#[test]
fn a_silent_client_is_disconnected() {
    let (mut broker, id) = broker();
    assert_eq!(broker.due(&Timer::Idle(id)), Some(broker.now() + Span::ms(450)), "one and a half times 300 ms");
    broker.timer(Timer::Idle(id));
    let Node::Broker(process) = broker.process() else { panic!("a broker") };
    assert!(process.engine().session(ClientId(1)).expect("it lives").online.is_none());
}

#[test]
fn an_attempt_that_arrives_twice_opens_one_connection() {
    let (mut broker, id) = broker();
    assert_eq!(opened(&broker.message(ANN, Message::Open(Attempt(5))).sent()), id);
}

#[test]
fn a_packet_of_an_unknown_connection_is_answered_with_its_end() {
    let (mut broker, _) = broker();
    let unknown = ConnectionId(404);
    let sent = broker.message(ANN, segment(unknown, 0, Packet::PingReq)).sent();
    assert!(matches!(&sent[..], [(ANN, Message::Closed(id, _))] if *id == unknown), "{sent:?}");
    // Not an acknowledgement: else two nodes without a connection would go on for ever.
    assert!(broker.message(ANN, Message::Segment(unknown, Segment::Ack { below: 1 })).sent().is_empty());
}

/// A client whose connection is open and accepted.
fn client() -> (Bench<Node>, ConnectionId) {
    let mut client = Bench::new(node(ANN)).on(ANN).instant_disk();
    let sent = client.start().sent();
    let [(BROKER, Message::Open(attempt))] = &sent[..] else { panic!("it opens a connection: {sent:?}") };
    let id = ConnectionId(8);
    let sent = client.message(BROKER, Message::Opened(*attempt, id)).sent();
    assert!(matches!(packets(&sent)[..], [Packet::Connect(_)]));
    client.message(BROKER, segment(id, 0, Packet::ConnAck { session_present: false, receive_maximum: 3 }));
    client.message(BROKER, Message::Segment(id, Segment::Ack { below: 1 }));
    (client, id)
}

fn draft(qos: Qos) -> Op {
    Op::Publish(vec![Draft { topic: Topic::from("a"), qos, retain: false, empty: false, expiry: None }])
}

#[test]
fn an_operation_ends_with_its_acknowledgement() {
    let (mut client, id) = client();
    assert!(client.invoke(OpId(3), draft(Qos::AtLeastOnce)).completed().is_empty());
    let did = client.message(BROKER, segment(id, 1, Packet::PubAck(PacketId(1), Reason::Success)));
    assert_eq!(did.completed().len(), 1);
}

#[test]
fn a_client_pings_where_it_says_nothing_and_gives_up_where_it_hears_nothing() {
    let (mut client, id) = client();
    client.pass(Span::ms(150));
    assert!(packets(&client.timer(Timer::Idle(id)).sent()).is_empty(), "it has said CONNECT");
    client.pass(Span::ms(150));
    assert_eq!(packets(&client.timer(Timer::Idle(id)).sent()), [Packet::PingReq]);
    client.pass(Span::ms(150));
    let sent = client.timer(Timer::Idle(id)).sent();
    assert!(sent.iter().any(|(_, message)| matches!(message, Message::Closed(..))), "{sent:?}");
}

/// Messages of QoS 0 are not answered.
#[test]
fn a_client_pings_where_it_hears_nothing_however_much_it_says() {
    let (mut client, id) = client();
    let mut pinged = |op| {
        client.pass(Span::ms(150));
        client.invoke(OpId(op), draft(Qos::AtMostOnce));
        packets(&client.timer(Timer::Idle(id)).sent()).contains(&Packet::PingReq)
    };
    assert_eq!([pinged(1), pinged(2)], [false, true]);
}

#[test]
fn a_connection_on_which_nothing_is_acknowledged_is_given_up() {
    let (mut client, id) = client();
    client.invoke(OpId(3), draft(Qos::AtMostOnce));
    for _ in 0..4 {
        assert_eq!(packets(&client.timer(Timer::Resend(id)).sent()).len(), 1, "it is sent again");
    }
    let sent = client.timer(Timer::Resend(id)).sent();
    assert!(sent.iter().any(|(_, message)| matches!(message, Message::Closed(..))), "{sent:?}");
}
