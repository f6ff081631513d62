//! §3.3: completion records go when their client says that it has had the results, and not before.

use seedbed_models::communication::request_response::marks;
use seedbed_models::communication::request_response::messages::{Message, Refusal, Timer};

use crate::rifl_3_duplicates::served;
use crate::say::{BACK, FRONT, HERE, execute, executed, id, spawned};

#[test]
fn records_before_the_first_incomplete_call_are_dropped() {
    let mut back = served();
    let kept = |back: &seedbed_sim::Bench<_>, seq| completed(back, seq).is_some();
    // A second call, while the first is still open at the client.
    back.message(FRONT, execute(2, 1));
    assert_eq!(back.timer(Timer::Serve).sent(), [executed(2, 10)]);
    assert!(kept(&back, 1) && kept(&back, 2));
    // A third one says that the first has ended, and the second has not.
    assert!(back.message(FRONT, execute(3, 2)).marked(marks::RECORDS_DROPPED));
    assert!(!kept(&back, 1) && kept(&back, 2));
}

fn refused(seq: u64) -> Message {
    Message::Executed(id(1, seq), HERE, Err(Refusal::Stale))
}

fn completed(
    back: &seedbed_sim::Bench<seedbed_models::communication::request_response::Node>,
    seq: u64,
) -> Option<u64> {
    back.process().back().expect("a back server").completed(id(1, seq), HERE)
}

#[test]
fn a_request_before_the_first_incomplete_call_is_stale() {
    let mut back = served();
    back.message(FRONT, execute(3, 3));
    back.timer(Timer::Serve);
    for late in [1, 2] {
        let stale = back.message(FRONT, execute(late, 1));
        assert!(stale.marked(marks::STALE) && !stale.wrote(), "executed before or not: {late}");
        assert_eq!(stale.sent(), [(FRONT, refused(late))], "so that it is sent no more");
    }
}

// A request that waits is stale too, once its client has told that it waits no longer.
#[test]
fn what_has_become_stale_in_the_queue_is_not_executed() {
    let mut back = served();
    back.message(FRONT, execute(2, 2));
    back.message(FRONT, execute(3, 3));
    let stale = back.timer(Timer::Serve);
    assert!(stale.marked(marks::STALE));
    assert_eq!(stale.sent(), [(FRONT, refused(2))]);
    assert_eq!(back.timer(Timer::Serve).sent(), [executed(3, 10)]);
}

// What the client has said is not forced: after a crash more is known than need be, and never less.
#[test]
fn a_crash_forgets_at_most_that_something_can_be_dropped() {
    let mut back = served();
    back.message(FRONT, execute(2, 2));
    back.restart(spawned(BACK));
    assert_eq!(completed(&back, 1), Some(5), "the word that it can go is lost, and the record is there");
}
