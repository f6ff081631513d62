//! Short words for messages and members.

use seedbed_models::communication::ordering::clocks::{Clocks, VectorTime};
use seedbed_models::communication::ordering::envelope::{Envelope, MessageId};
use seedbed_models::communication::ordering::messages::{Message, Record, What};
use seedbed_models::communication::ordering::{Node, Order, Ordering};
use seedbed_sim::bench::Handled;
use seedbed_sim::{Bench, Model, NodeId, Time};

pub const ANN: NodeId = NodeId(0);
pub const BOB: NodeId = NodeId(1);
pub const CAT: NodeId = NodeId(2);

fn model(order: Order) -> Ordering {
    Ordering { members: 3, ..Ordering::of(order) }
}

fn spawned(order: Order, node: NodeId) -> Node {
    model(order).spawn(node, &[ANN, BOB, CAT])
}

/// A member of three, which has started.
pub fn member(order: Order, node: NodeId) -> Bench<Node> {
    let mut member = Bench::new(spawned(order, node)).on(node).instant_disk();
    member.start();
    member
}

/// The same where writes wait for the disk.
pub fn with_a_slow_disk(order: Order, node: NodeId) -> Bench<Node> {
    let mut member = Bench::new(spawned(order, node)).on(node);
    member.start();
    member
}

/// A crash of a member, and its recovery.
pub fn restart(member: &mut Bench<Node>, order: Order, node: NodeId) -> Handled<Node> {
    member.restart(spawned(order, node))
}

pub fn id(sender: NodeId, seq: u64) -> MessageId {
    MessageId { sender, seq }
}

/// A message whose sender had delivered so many of each member's.
pub fn message(sender: NodeId, seq: u64, after: [u64; 3]) -> Envelope {
    let counted = |mut time: VectorTime, (member, count): (u16, u64)| {
        (0..count).for_each(|_| time.tick(NodeId(member)));
        time
    };
    let after = (0..).zip(after).fold(VectorTime::zero(3), counted);
    let stamp = Clocks::new(sender, 3).local(Time::ms(seq));
    Envelope { id: id(sender, seq), content: 0, stamp, after }
}

pub fn data(sender: NodeId, seq: u64, after: [u64; 3]) -> Message {
    Message::Data(message(sender, seq, after))
}

/// What a member delivers in a handler, in order.
pub fn delivers(did: &Handled<Node>) -> Vec<MessageId> {
    let delivered = |record: &Record| match record {
        Record::Event(event) => match event.what {
            What::Deliver(id) => Some(id),
            _ => None,
        },
        _ => None,
    };
    did.appended().iter().filter_map(delivered).collect()
}
