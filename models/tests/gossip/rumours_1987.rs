//! Demers and others 1987, §1.3: push, pull, and both.

use seedbed_models::communication::gossip::messages::{Message, Op, Ret, Rumour, RumourId, Timer};
use seedbed_models::communication::gossip::{Detector, Gossip, Member, Spread, marks};
use seedbed_sim::{Bench, OpId};

use crate::say::{ANN, BOB, ME, started};

fn rumour(number: u32) -> Rumour {
    Rumour { id: RumourId { origin: BOB, life: 5, number }, content: number * 10 }
}

fn spreading(spread: Spread) -> Bench<Member> {
    let mut member = started(&Gossip { spread, ..Gossip::detecting(Detector::None) });
    member.draws("peer", 0);
    member
}

#[test]
fn a_rumour_is_begun_delivered_and_pushed() {
    let mut member = spreading(Spread::Push);
    assert!(member.timer(Timer::Round).sent().is_empty(), "there is nothing to say");
    assert_eq!(member.invoke(OpId(1), Op::Spread(42)).completed(), [(OpId(1), Ret::Begun)]);
    let [own] = member.process().rumours().delivered()[..] else { panic!("one rumour") };
    assert_eq!((own.id.origin, own.content), (ME, 42));
    assert_eq!(member.timer(Timer::Round).sent(), [(ANN, Message::Push(vec![own]))]);
}

#[test]
fn what_is_pushed_is_delivered_once() {
    let mut member = spreading(Spread::Push);
    member.message(ANN, Message::Push(vec![rumour(1), rumour(2)]));
    assert!(member.message(BOB, Message::Push(vec![rumour(2)])).marked(marks::RUMOUR_AGAIN));
    assert_eq!(member.process().rumours().delivered(), [rumour(1), rumour(2)]);
}

#[test]
fn a_pull_says_what_is_there_and_brings_the_rest() {
    let mut member = spreading(Spread::Pull);
    assert_eq!(member.timer(Timer::Round).sent(), [(ANN, Message::Pull(vec![]))]);
    member.message(ANN, Message::Push(vec![rumour(1), rumour(2)]));
    assert_eq!(member.timer(Timer::Round).sent(), [(ANN, Message::Pull(vec![rumour(1).id, rumour(2).id]))]);
    let answered = member.message(BOB, Message::Pull(vec![rumour(1).id]));
    assert_eq!(answered.sent(), [(BOB, Message::Push(vec![rumour(2)]))]);
    let other = member.message(BOB, Message::Pull(vec![rumour(1).id, rumour(3).id]));
    assert_eq!(other.sent(), [(BOB, Message::Push(vec![rumour(2)]))], "as many are not the same");
    assert!(member.message(BOB, Message::Pull(vec![rumour(1).id, rumour(2).id])).sent().is_empty());
}

#[test]
fn both_at_once_give_and_take() {
    let mut member = spreading(Spread::PushPull);
    member.message(ANN, Message::Push(vec![rumour(1)]));
    let answered = member.message(BOB, Message::PushPull(vec![rumour(2)]));
    assert_eq!(answered.sent(), [(BOB, Message::Push(vec![rumour(1)]))]);
    assert_eq!(member.process().rumours().delivered(), [rumour(1), rumour(2)]);
    assert_eq!(member.timer(Timer::Round).sent(), [(ANN, Message::PushPull(vec![rumour(1), rumour(2)]))]);
}

#[test]
fn a_sole_member_speaks_to_nobody() {
    for detector in Detector::ALL {
        let mut alone = started(&Gossip { members: 1, ..Gossip::detecting(detector) });
        alone.invoke(OpId(1), Op::Spread(1));
        assert!(alone.timer(Timer::Round).sent().is_empty());
    }
}

#[test]
fn all_others_are_chosen_and_never_itself() {
    let mut third = Bench::new(seedbed_sim::Model::spawn(&Gossip::detecting(Detector::None), BOB, &[])).on(BOB);
    third.start();
    let mut chosen = Vec::new();
    for draw in 0..4 {
        third.draws("peer", draw);
        chosen.extend(third.timer(Timer::Round).sent().into_iter().map(|(to, _)| to.0));
    }
    assert_eq!(chosen, [0, 1, 3, 4]);
}
