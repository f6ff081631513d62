//! SWIM §4.3: each member has its turn before any has its second.

use std::collections::BTreeSet;

use seedbed_models::communication::gossip::Detector;
use seedbed_models::communication::gossip::messages::Message;
use seedbed_models::communication::gossip::swim::claim::State;
use seedbed_sim::NodeId;

use crate::say::{ANN, BOB, CAT, DAN, claim, hears, member, next_ping};

fn turn(member: &mut seedbed_sim::Bench<seedbed_models::communication::gossip::Member>, length: usize) -> Vec<NodeId> {
    let pinged = |_| {
        let (target, seq) = next_ping(member);
        member.message(target, Message::Ack(seq, vec![]));
        target
    };
    (0..length).map(pinged).collect()
}

#[test]
fn a_turn_has_all_others_once() {
    let mut member = member(Detector::Suspicion);
    for _ in 0..3 {
        assert_eq!(turn(&mut member, 4).into_iter().collect::<BTreeSet<_>>(), [ANN, BOB, CAT, DAN].into());
    }
}

#[test]
fn who_is_held_dead_has_no_turn() {
    let mut member = member(Detector::Suspicion);
    hears(&mut member, &[claim(CAT, State::Dead, 1, ANN)]);
    for _ in 0..3 {
        assert_eq!(turn(&mut member, 3).into_iter().collect::<BTreeSet<_>>(), [ANN, BOB, DAN].into());
    }
}

#[test]
fn turns_follow_what_is_drawn() {
    let order = |draws: [u64; 4]| {
        let mut member = member(Detector::Suspicion);
        member.draws_in_turn("turn", draws);
        turn(&mut member, 4)
    };
    assert_ne!(order([0, 0, 0, 0]), order([3, 2, 1, 0]));
}
