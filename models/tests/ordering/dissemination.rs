//! Who has a message hands it on, until all are known to have it.

use seedbed_models::communication::ordering::messages::{Message, Op, Timer};
use seedbed_models::communication::ordering::{Node, Order};
use seedbed_sim::{Bench, NodeId, OpId};

use crate::say::{ANN, BOB, CAT, data, member};

/// What one member says to another is heard, and what that answers, until nothing is said any more. Gives how many messages
/// that took.
fn talk(ann: &mut Bench<Node>, bob: &mut Bench<Node>, begins: Vec<Message>) -> usize {
    let (mut said, mut to_bob) = (begins, true);
    let mut count = 0;
    while !said.is_empty() {
        count += said.len();
        let (from, hears, back) = if to_bob { (ANN, &mut *bob, ANN) } else { (BOB, &mut *ann, BOB) };
        said = said.into_iter().flat_map(|message| hears.message(from, message).sent_to(back)).collect();
        to_bob = !to_bob;
    }
    count
}

/// What a member tells another by its timer.
fn tells(member: &mut Bench<Node>, other: NodeId) -> Vec<Message> {
    member.timer(Timer::Repair).sent_to(other)
}

#[test]
fn a_message_survives_its_sender() {
    let (mut ann, mut bob) = (member(Order::Causal, ANN), member(Order::Causal, BOB));
    ann.message(CAT, data(CAT, 1, [0, 0, 0]));
    let digest = tells(&mut ann, BOB);
    talk(&mut ann, &mut bob, digest);
    let Node::Member(bob) = bob.process() else { panic!("a member") };
    assert_eq!(bob.events().delivered().len(), 1, "Cat is gone, and Ann has handed her message on");
}

// Each tells the other what it has, and hears that the other knows: then both are silent.
#[test]
fn members_that_have_the_same_fall_silent() {
    let (mut ann, mut bob) = (member(Order::Causal, ANN), member(Order::Causal, BOB));
    ann.invoke(OpId(1), Op::Broadcast(7));
    bob.invoke(OpId(2), Op::Broadcast(8));
    let digest = tells(&mut ann, BOB);
    assert!(talk(&mut ann, &mut bob, digest) <= 8);
    let again = [tells(&mut ann, BOB), tells(&mut bob, ANN)].concat();
    let more = again.len();
    assert!(more <= 2, "what is left to say is that all is known: {again:?}");
    let digest = again.into_iter().take(1).collect();
    talk(&mut ann, &mut bob, digest);
    assert_eq!((tells(&mut ann, BOB).len(), tells(&mut bob, ANN).len()), (0, 0));
}
