//! The fixed sequencer (Défago, Schiper & Urbán 2004, §4.1).

use seedbed_models::communication::ordering::envelope::MessageId;
use seedbed_models::communication::ordering::messages::{Message, Op};
use seedbed_models::communication::ordering::{Node, Order, marks};
use seedbed_sim::bench::Handled;
use seedbed_sim::{NodeId, OpId};

use crate::say::{ANN, BOB, CAT, data, delivers, id, member, restart, with_a_slow_disk};

const SEQUENCER: NodeId = ANN;
const ORDER: Order = Order::Sequencer;
const NOTHING: [MessageId; 0] = [];

fn numbers(first: u64, ids: &[MessageId]) -> Message {
    Message::Numbers { first, ids: ids.to_vec() }
}

/// What numbers a handler tells another member.
fn told(did: &Handled<Node>, to: NodeId) -> Vec<(u64, Vec<MessageId>)> {
    let numbers = |message| if let Message::Numbers { first, ids } = message { Some((first, ids)) } else { None };
    did.sent_to(to).into_iter().filter_map(numbers).collect()
}

#[test]
fn the_sequencer_numbers_messages_as_they_come() {
    let mut sequencer = member(ORDER, SEQUENCER);
    let second = sequencer.message(BOB, data(BOB, 2, [0, 1, 0]));
    assert_eq!(delivers(&second), [id(BOB, 2)], "in no order but its own");
    for other in [BOB, CAT] {
        assert_eq!(told(&second, other), [(0, vec![id(BOB, 2)])]);
    }
    assert_eq!(told(&sequencer.invoke(OpId(1), Op::Broadcast(7)), BOB), [(1, vec![id(ANN, 1)])]);
    assert_eq!(told(&sequencer.message(BOB, data(BOB, 2, [0, 1, 0])), CAT), [], "what comes again has its number");
}

#[test]
fn a_member_delivers_by_the_numbers() {
    let mut cat = member(ORDER, CAT);
    let own = cat.invoke(OpId(1), Op::Broadcast(7));
    assert_eq!(delivers(&own), NOTHING, "its own too");
    assert!(own.marked(marks::WAITS_FOR_ITS_NUMBER));
    assert!(cat.message(SEQUENCER, numbers(1, &[id(CAT, 1)])).marked(marks::NUMBERS_CAME_EARLY));
    assert_eq!(delivers(&cat.message(SEQUENCER, numbers(0, &[id(BOB, 1), id(CAT, 1)]))), NOTHING);
    assert_eq!(delivers(&cat.message(BOB, data(BOB, 1, [0, 0, 0]))), [id(BOB, 1), id(CAT, 1)]);
    let again = cat.message(SEQUENCER, numbers(1, &[id(CAT, 1), id(BOB, 2)]));
    assert_eq!(delivers(&again), NOTHING, "one that it knows, and a new one whose message is not here");
    assert_eq!(delivers(&cat.message(BOB, data(BOB, 2, [0, 0, 0]))), [id(BOB, 2)]);
}

// A number is told when it is durable, and given once: after a crash the sequencer goes on behind those that it has given.
#[test]
fn a_number_is_given_once() {
    let mut sequencer = member(ORDER, SEQUENCER);
    sequencer.message(BOB, data(BOB, 1, [0, 0, 0]));
    let restarted = restart(&mut sequencer, ORDER, SEQUENCER);
    assert_eq!((delivers(&restarted), told(&restarted, BOB)), (vec![], vec![]));
    assert_eq!(told(&sequencer.message(CAT, data(CAT, 1, [0, 0, 0])), BOB), [(1, vec![id(CAT, 1)])]);
    // Nobody else's word counts.
    sequencer.message(BOB, numbers(2, &[id(BOB, 7)]));
    assert_eq!(told(&sequencer.message(CAT, data(CAT, 2, [0, 0, 0])), BOB), [(2, vec![id(CAT, 2)])]);
}

#[test]
fn numbers_wait_for_the_disk() {
    let mut sequencer = with_a_slow_disk(ORDER, SEQUENCER);
    assert!(sequencer.message(BOB, data(BOB, 1, [0, 0, 0])).released().is_empty());
    let released = sequencer.synced();
    assert!(released.messages_released().iter().any(|(_, message)| matches!(message, Message::Numbers { .. })));
}
