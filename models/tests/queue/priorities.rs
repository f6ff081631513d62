//! *Priority Queues*: of classic queues that are declared so, and of all quorum queues.

use seedbed_models::communication::message_queue::books::settings::QueueSettings;

use crate::say::{classic, get, plain, publish, publish_all, quorum, ready, urgent, with};

#[test]
fn higher_priorities_come_first_and_none_is_the_lowest() {
    let mut session = with(QueueSettings { max_priority: Some(5), ..classic() });
    for (id, priority) in [(1, 0), (2, 3), (3, 5), (4, 3), (5, 9)] {
        assert!(publish(&mut session, "q", id, urgent(priority)));
    }
    assert!(publish(&mut session, "q", 6, plain()));
    assert_eq!(ready(&session, "q"), [3, 5, 2, 4, 1, 6], "above the highest is the highest");
}

#[test]
fn a_classic_queue_that_is_not_declared_so_has_no_priorities() {
    let mut session = with(classic());
    assert!(publish(&mut session, "q", 1, urgent(0)) && publish(&mut session, "q", 2, urgent(9)));
    assert_eq!(ready(&session, "q"), [1, 2]);
}

#[test]
fn a_quorum_queue_has_32_and_none_is_the_fourth() {
    let mut session = with(quorum());
    for (id, properties) in
        [(1, urgent(3)), (2, plain()), (3, urgent(4)), (4, urgent(5)), (5, urgent(200)), (6, urgent(31))]
    {
        assert!(publish(&mut session, "q", id, properties));
    }
    assert_eq!(ready(&session, "q"), [5, 6, 4, 2, 3, 1]);
}

#[test]
fn what_is_returned_to_a_quorum_queue_comes_before_all_that_is_new() {
    let mut session = with(quorum());
    publish_all(&mut session, 1..=3);
    let (first, second) = (get(&mut session, "q"), get(&mut session, "q"));
    assert!(publish(&mut session, "q", 4, urgent(31)));
    session.nack(second.tag, false, true).expect("it is there");
    session.nack(first.tag, false, true).expect("it is there");
    assert_eq!(ready(&session, "q"), [2, 1, 4, 3], "in the order in which they came back");
}
