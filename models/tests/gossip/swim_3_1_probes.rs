//! SWIM §3.1: a ping, helpers, and the end of the period.

use seedbed_models::communication::gossip::messages::{Message, Seq, Timer};
use seedbed_models::communication::gossip::swim::claim::State;
use seedbed_models::communication::gossip::{Bug, Detector, Gossip, marks};
use seedbed_sim::{Bench, Span};

use crate::say::{ANN, BOB, ME, held, member, next_ping, ping, spawned};

#[test]
fn a_ping_is_answered_with_its_number() {
    let answered = member(Detector::Swim).message(ANN, Message::Ping(Seq(7), vec![]));
    assert!(matches!(answered.sent()[..], [(ANN, Message::Ack(Seq(7), _))]), "{answered:?}");
}

#[test]
fn who_answers_in_time_is_held_alive_and_nobody_is_asked_to_help() {
    let mut member = member(Detector::Swim);
    let (target, seq) = next_ping(&mut member);
    let acked = member.message(target, Message::Ack(seq, vec![]));
    assert_eq!(acked.cancelled(), [Timer::Indirect]);
    member.timer(Timer::Period);
    assert_eq!(held(&member, target).state, State::Alive);
}

#[test]
fn without_an_answer_helpers_ping_too_and_one_answer_is_enough() {
    let mut member = member(Detector::Swim);
    let (target, seq) = next_ping(&mut member);
    let asked = member.timer(Timer::Indirect).sent();
    assert_eq!(asked.len(), 3, "all others help: {asked:?}");
    for (helper, message) in &asked {
        assert!(*helper != target && *helper != ME);
        assert!(matches!(message, Message::PingReq(s, t, _) if (*s, *t) == (seq, target)), "{message:?}");
    }
    let acked = member.message(asked[0].0, Message::Ack(seq, vec![]));
    assert!(acked.marked(marks::ANSWERED_THROUGH_A_HELPER));
    member.timer(Timer::Period);
    assert_eq!(held(&member, target).state, State::Alive);
}

#[test]
fn who_answers_neither_is_dead_at_the_end_of_the_period() {
    let mut member = member(Detector::Swim);
    let (target, seq) = next_ping(&mut member);
    member.timer(Timer::Indirect);
    assert!(member.timer(Timer::Period).marked(marks::DECLARED_DEAD));
    let now = held(&member, target);
    assert_eq!((now.state, now.by), (State::Dead, ME));
    let late = member.message(target, Message::Ack(seq, vec![]));
    assert!(late.marked(marks::LATE_ANSWER));
    assert_eq!(held(&member, target), now, "a late answer says nothing of an incarnation");
}

// An answer to an earlier ping is none to this one.
#[test]
fn an_answer_counts_in_its_own_period() {
    let mut member = member(Detector::Swim);
    let (first, seq) = next_ping(&mut member);
    member.message(first, Message::Ack(seq, vec![]));
    let (second, _) = next_ping(&mut member);
    assert!(member.message(first, Message::Ack(seq, vec![])).marked(marks::LATE_ANSWER));
    member.timer(Timer::Period);
    assert_eq!(held(&member, second).state, State::Dead);
}

#[test]
fn a_helper_pings_with_a_number_of_its_own_and_hands_the_answer_on() {
    let mut member = member(Detector::Lifeguard);
    let helps = member.message(ANN, Message::PingReq(Seq(7), BOB, vec![]));
    let (BOB, own) = ping(&helps).expect("it pings") else { panic!("{helps:?}") };
    assert_eq!(helps.armed(), [(Timer::Relay(own), Span::ms(24))]);
    let acked = member.message(BOB, Message::Ack(own, vec![]));
    assert!(matches!(acked.sent()[..], [(ANN, Message::Ack(Seq(7), _))]), "{acked:?}");
    assert_eq!(acked.cancelled(), [Timer::Relay(own)]);
    assert!(member.message(BOB, Message::Ack(own, vec![])).sent().is_empty(), "once");
}

#[test]
fn a_helper_does_not_answer_for_another_but_with_the_bug() {
    let model = Gossip::detecting(Detector::Swim);
    let mut wrong = Bench::new(spawned(&model)).instant_disk().plant(Bug::HelperAnswersForTheTarget);
    wrong.start();
    assert_eq!(wrong.message(ANN, Message::PingReq(Seq(7), BOB, vec![])).sent(), [(ANN, Message::Ack(Seq(7), vec![]))]);
}
