//! §3.1 to §3.3: the completion record is written with the effect, and answers what comes again.

use seedbed_models::communication::request_response::Node;
use seedbed_models::communication::request_response::marks;
use seedbed_models::communication::request_response::messages::{Message, SessionId, Timer};
use seedbed_sim::Bench;

use crate::say::{BACK, FRONT, LEASES, OTHER_FRONT, execute, executed, id, node, spawned};

/// The lease manager says that the first session lasts, to the question that is open.
pub fn lasts(back: &mut Bench<Node>, asked: &[(seedbed_sim::NodeId, Message)]) {
    let [(LEASES, Message::Check(session, number))] = asked else { panic!("one question: {asked:?}") };
    back.message(LEASES, Message::Checked(*session, *number, true));
}

/// A back server that knows that the first session lasts, and has executed its first call.
pub fn served() -> Bench<Node> {
    let mut back = node(BACK);
    let asked = back.message(FRONT, execute(1, 1)).sent();
    lasts(&mut back, &asked);
    assert_eq!(back.timer(Timer::Serve).sent(), [executed(1, 5)]);
    back
}

#[test]
fn what_comes_again_is_answered_from_the_record() {
    let mut back = served();
    let again = back.message(OTHER_FRONT, execute(1, 1));
    assert!(again.marked(marks::ANSWERED_FROM_THE_TABLE) && !again.wrote());
    assert_eq!(again.sent(), [(OTHER_FRONT, executed(1, 5).1)], "through another front server too");
}

#[test]
fn the_record_is_on_disk_with_the_effect_before_the_answer_leaves() {
    let mut back = Bench::new(spawned(BACK)).on(BACK);
    back.draws("service", 0).start();
    let asked = back.message(FRONT, execute(1, 1)).sent();
    lasts(&mut back, &asked);
    let served = back.timer(Timer::Serve);
    assert_eq!((served.appended().len(), served.released().len()), (1, 0));
    assert_eq!(back.synced().messages_released(), [executed(1, 5)]);
}

#[test]
fn a_record_survives_a_crash() {
    let mut back = served();
    back.restart(spawned(BACK));
    let asked = back.message(FRONT, execute(1, 1)).sent();
    let [(LEASES, Message::Check(SessionId(1), number))] = asked[..] else {
        panic!("in a new life it asks: {asked:?}")
    };
    let again = back.message(LEASES, Message::Checked(SessionId(1), number, true));
    assert_eq!(again.sent(), [executed(1, 5)]);
    back.message(FRONT, execute(2, 2));
    assert_eq!(back.timer(Timer::Serve).sent(), [executed(2, 10)], "the tally goes on");
}

// `checkDuplicate` says that a call is in progress: it waits once, and whoever asked last is answered.
#[test]
fn a_call_in_progress_is_not_begun_again() {
    let mut back = served();
    back.message(FRONT, execute(2, 2));
    assert!(back.message(OTHER_FRONT, execute(2, 2)).marked(marks::CAME_AGAIN_IN_THE_QUEUE));
    assert_eq!(back.timer(Timer::Serve).sent(), [(OTHER_FRONT, executed(2, 10).1)]);
    assert!(!back.process().back().expect("a back server").awaits(id(1, 2)));
}
