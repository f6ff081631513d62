//! Delivery orders at one member (Birman, Schiper & Stephenson 1991, §5.1; Cachin, Guerraoui & Rodrigues 2011, Algorithms 3.12
//! and 3.15).

use seedbed_models::communication::ordering::envelope::MessageId;
use seedbed_models::communication::ordering::messages::{Op, Ret};
use seedbed_models::communication::ordering::{Order, marks};
use seedbed_sim::OpId;

use crate::say::{ANN, BOB, CAT, data, delivers, id, member, restart};

const NOTHING: [MessageId; 0] = [];

// CBCAST, delivery rule: of the sender the next, of all others no more than is delivered here.
#[test]
fn a_message_waits_for_what_its_sender_had_delivered() {
    let mut cat = member(Order::Causal, CAT);
    let early = cat.message(BOB, data(BOB, 1, [1, 0, 0]));
    assert_eq!(delivers(&early), NOTHING, "it answers Ann's first, which is not here");
    assert!(early.marked(marks::WAITS_FOR_ANOTHERS_MESSAGE));
    assert_eq!(delivers(&cat.message(ANN, data(ANN, 2, [1, 0, 0]))), NOTHING, "nor is Ann's second the next of hers");
    let cause = cat.message(ANN, data(ANN, 1, [0, 0, 0]));
    assert_eq!(delivers(&cause)[0], id(ANN, 1));
    let mut rest = delivers(&cause)[1..].to_vec();
    rest.sort();
    assert_eq!(rest, [id(ANN, 2), id(BOB, 1)], "both waited for it, and neither for the other");
}

// "Concurrent messages may be delivered in different orders": the buffer keeps all of them, also those of one Lamport time.
#[test]
fn messages_of_one_lamport_time_wait_side_by_side() {
    let mut cat = member(Order::Causal, CAT);
    for (sender, after) in [(ANN, [0, 0, 1]), (BOB, [0, 0, 1])] {
        assert_eq!(delivers(&cat.message(sender, data(sender, 1, after))), NOTHING);
    }
    let own = cat.invoke(OpId(1), Op::Broadcast(7));
    assert_eq!(delivers(&own), [id(CAT, 1), id(ANN, 1), id(BOB, 1)]);
}

#[test]
fn in_fifo_order_a_message_waits_for_earlier_ones_of_its_sender_only() {
    let mut cat = member(Order::Fifo, CAT);
    let early = cat.message(ANN, data(ANN, 2, [1, 5, 0]));
    assert_eq!(delivers(&early), NOTHING);
    assert!(early.marked(marks::WAITS_FOR_AN_EARLIER_MESSAGE));
    assert_eq!(delivers(&cat.message(BOB, data(BOB, 1, [9, 0, 0]))), [id(BOB, 1)], "causes are not asked for");
    assert_eq!(delivers(&cat.message(ANN, data(ANN, 1, [0, 0, 0]))), [id(ANN, 1), id(ANN, 2)]);
}

#[test]
fn without_an_order_messages_are_delivered_as_they_come() {
    let mut cat = member(Order::Reliable, CAT);
    assert_eq!(delivers(&cat.message(ANN, data(ANN, 2, [1, 0, 0]))), [id(ANN, 2)]);
    assert_eq!(delivers(&cat.message(ANN, data(ANN, 1, [0, 0, 0]))), [id(ANN, 1)]);
    let again = cat.message(BOB, data(ANN, 1, [0, 0, 0]));
    assert!(again.marked(marks::CAME_AGAIN) && !again.wrote(), "integrity: once");
}

// Validity: the sender delivers its own at once, where no number has to be waited for, and then its client is answered.
#[test]
fn a_sender_delivers_its_own() {
    for order in [Order::Reliable, Order::Fifo, Order::Causal] {
        let mut ann = member(order, ANN);
        let did = ann.invoke(OpId(3), Op::Broadcast(7));
        assert_eq!(delivers(&did), [id(ANN, 1)], "{order}");
        assert_eq!(did.completed(), [(OpId(3), Ret::Delivered)]);
        assert_eq!((did.sent_to(BOB).len(), did.sent_to(CAT).len()), (1, 1));
    }
}

// Log-delivery (Cachin and others, §3.5): what is delivered stays delivered, and what has come and waits, waits on.
#[test]
fn a_member_that_restarts_goes_on_where_it_was() {
    let mut cat = member(Order::Causal, CAT);
    cat.message(ANN, data(ANN, 1, [0, 0, 0]));
    cat.message(BOB, data(BOB, 1, [2, 0, 0]));
    let recovered = restart(&mut cat, Order::Causal, CAT);
    assert!(recovered.marked(marks::RECOVERED_FROM_DISK));
    assert_eq!(delivers(&recovered), NOTHING);
    assert!(cat.message(ANN, data(ANN, 1, [0, 0, 0])).marked(marks::CAME_AGAIN));
    assert_eq!(delivers(&cat.message(ANN, data(ANN, 2, [1, 0, 0]))), [id(ANN, 2), id(BOB, 1)]);
    assert_eq!(delivers(&cat.invoke(OpId(4), Op::Broadcast(7))), [id(CAT, 1)]);
    restart(&mut cat, Order::Causal, CAT);
    assert_eq!(delivers(&cat.invoke(OpId(5), Op::Broadcast(7))), [id(CAT, 2)], "no name is given twice");
}
