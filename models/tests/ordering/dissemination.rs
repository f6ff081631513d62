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

// Each asks the other by what it has, and hears that the other knows: then both are silent.
#[test]
fn members_that_have_the_same_fall_silent() {
    let (mut ann, mut bob) = (member(Order::Causal, ANN), member(Order::Causal, BOB));
    ann.invoke(OpId(1), Op::Broadcast(7));
    bob.invoke(OpId(2), Op::Broadcast(8));
    let digest = tells(&mut ann, BOB);
    assert!(talk(&mut ann, &mut bob, digest) <= 4, "a question, an answer, and a message of each");
    let digest = tells(&mut ann, BOB);
    assert_eq!(talk(&mut ann, &mut bob, digest), 2, "Ann asks, and knows then that Bob has all");
    let question = tells(&mut bob, ANN).remove(0);
    for answer in ann.message(BOB, question).sent_to(BOB) {
        assert!(bob.message(ANN, answer).sent().is_empty(), "so does Bob");
    }
    assert_eq!((tells(&mut ann, BOB).len(), tells(&mut bob, ANN).len()), (0, 0));
}

// An answer is answered with what is lacking and nothing else: otherwise those whose messages cross would answer answers for ever.
#[test]
fn an_answer_is_not_answered() {
    let (mut ann, mut bob) = (member(Order::Causal, ANN), member(Order::Causal, BOB));
    ann.invoke(OpId(1), Op::Broadcast(7));
    let question = tells(&mut bob, ANN).remove(0);
    let answer = ann.message(BOB, question).sent_to(BOB);
    let [Message::Data(_), Message::HaveToo(digest)] = &answer[..] else {
        panic!("what Bob lacks, and what Ann has: {answer:?}")
    };
    ann.message(CAT, data(CAT, 1, [0, 0, 0]));
    assert!(bob.message(ANN, Message::HaveToo(digest.clone())).sent().is_empty(), "Bob has nothing that Ann lacks");
}

// Whoever asks again has not heard the answer.
#[test]
fn who_asks_again_is_answered_again() {
    let (mut ann, mut bob) = (member(Order::Causal, ANN), member(Order::Causal, BOB));
    ann.invoke(OpId(1), Op::Broadcast(7));
    for _ in 0..2 {
        let question = tells(&mut ann, BOB).remove(0);
        let answer = bob.message(ANN, question).sent_to(ANN);
        assert!(matches!(answer[..], [Message::HaveToo(_)]), "{answer:?}");
    }
}
