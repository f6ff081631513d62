//! Deadlines and cancellation, at each tier (gRPC documentation, *Deadlines* and *Cancellation*: a deadline is propagated as the
//! time that is left, a cancellation to all calls that were made on behalf of the one that is cancelled).

use seedbed_models::communication::request_response::messages::{
    Call, Header, Message, Op, Outcome, Refusal, Ret, SessionId, Timer,
};
use seedbed_models::communication::request_response::{Node, marks};
use seedbed_sim::bench::Handled;
use seedbed_sim::{Bench, NodeId, OpId, Span};

use crate::rifl_3_duplicates::served;
use crate::say::{BACK, CLIENT, FRONT, HERE, LEASES, OTHER_BACK, OTHER_FRONT, THERE, header, id, node};

fn within(ms: u64) -> Header {
    Header { remaining: Some(Span::ms(ms)), ..header(1, 1) }
}

/// What the back servers are given of the time, in milliseconds.
fn given(did: &Handled<Node>) -> Vec<(NodeId, Option<u64>)> {
    let remaining = |(to, message)| match message {
        Message::Execute(header, ..) => Some((to, header.remaining.map(|left| left.0 / 1_000_000))),
        _ => None,
    };
    did.sent().into_iter().filter_map(remaining).collect()
}

#[test]
fn a_front_server_passes_on_what_is_left() {
    let mut front = node(FRONT);
    front.draws("backoff", 20_000_000);
    let first = front.message(CLIENT, Message::Request(within(50), vec![HERE, THERE], 5));
    assert_eq!(given(&first), [(BACK, Some(50)), (OTHER_BACK, Some(50))]);
    front.message(BACK, Message::Executed(id(1, 1), HERE, Ok(5)));
    assert_eq!(given(&front.timer(Timer::Retry(id(1, 1)))), [(OTHER_BACK, Some(30))], "to who has not answered");
    let over = front.timer(Timer::Deadline(id(1, 1)));
    assert!(over.marked(marks::DEADLINE_AT_THE_FRONT) && over.sent().is_empty());
    assert!(front.message(OTHER_BACK, Message::Executed(id(1, 1), THERE, Ok(5))).marked(marks::LATE_REPLY));
}

#[test]
fn a_back_server_does_not_begin_after_the_deadline() {
    let mut back = served();
    let header = Header { remaining: Some(Span::ms(3)), ..header(2, 2) };
    back.message(FRONT, Message::Execute(header, HERE, 5));
    back.pass(Span::ms(3));
    let late = back.timer(Timer::Serve);
    assert!(late.marked(marks::DEADLINE_IN_THE_QUEUE) && !late.wrote());
    assert_eq!(late.sent(), [(FRONT, Message::Executed(id(1, 2), HERE, Err(Refusal::DeadlineExceeded)))]);
}

#[test]
fn a_cancellation_travels_to_who_has_not_answered() {
    let mut front = node(FRONT);
    front.message(CLIENT, Message::Request(within(50), vec![HERE, THERE], 5));
    front.message(BACK, Message::Executed(id(1, 1), HERE, Ok(5)));
    assert_eq!(front.message(CLIENT, Message::Cancel(id(1, 1))).sent(), [(OTHER_BACK, Message::Cancel(id(1, 1)))]);
    assert_eq!(front.message(CLIENT, Message::Cancel(id(1, 1))).sent(), [], "once");

    let mut back = served();
    back.message(FRONT, Message::Execute(header(2, 2), HERE, 5));
    assert!(back.message(FRONT, Message::Cancel(id(1, 2))).marked(marks::CANCELLED_IN_THE_QUEUE));
    assert!(back.timer(Timer::Serve).sent().is_empty(), "what has not begun is not begun");
}

// A cancellation that is lost on the way: the back server knows by a later request that nobody waits.
#[test]
fn a_front_server_lets_go_of_what_is_stale() {
    let mut front = node(FRONT);
    front.message(CLIENT, Message::Request(within(50), vec![HERE, THERE], 5));
    assert_eq!(front.message(BACK, Message::Executed(id(1, 1), HERE, Err(Refusal::Stale))).sent(), []);
    assert!(front.process().front().expect("a front server").calls().is_empty());
}

/// A client with a session, that has asked for one call.
fn calling(deadline: u64, cancel_after: Option<u64>) -> Bench<Node> {
    let mut client = node(CLIENT);
    let asked = client.process().client().map(|_| ()).and(Some(client.timer(Timer::OpenAgain).sent()));
    let Some([(LEASES, Message::Open(nonce))]) = asked.as_deref() else { panic!("it asks for a session: {asked:?}") };
    client.message(LEASES, Message::Opened(*nonce, SessionId(1)));
    let call =
        Call { keys: vec![HERE], amount: 5, deadline: Span::ms(deadline), cancel_after: cancel_after.map(Span::ms) };
    client.invoke(OpId(1), Op::Calls(vec![call]));
    client
}

fn ended(outcome: Outcome) -> Vec<(OpId, Ret)> {
    vec![(OpId(1), Ret::Ended(vec![outcome]))]
}

#[test]
fn a_client_surfaces_the_reply_before_the_deadline_only() {
    let reply = Message::Reply(id(1, 1), Ok(vec![5]));
    let mut client = calling(50, None);
    client.pass(Span::ms(49));
    assert_eq!(client.message(FRONT, reply.clone()).completed(), ended(Outcome::Done(vec![5])));

    // It stood still, and the reply is handled before the timer.
    let mut client = calling(50, None);
    client.pass(Span::ms(50));
    assert_eq!(client.message(FRONT, reply.clone()).completed(), ended(Outcome::DeadlineExceeded));
    assert!(client.message(FRONT, reply).marked(marks::LATE_REPLY));
}

#[test]
fn a_client_that_cancels_tells_all_that_it_may_have_asked() {
    let mut client = calling(50, Some(10));
    let cancelled = client.timer(Timer::CallCancel(0));
    assert_eq!(cancelled.completed(), ended(Outcome::Cancelled));
    for front in [FRONT, OTHER_FRONT] {
        assert_eq!(cancelled.sent_to(front), [Message::Cancel(id(1, 1))]);
    }
}

#[test]
fn a_retry_is_the_same_call_through_another_front_server() {
    let mut client = calling(500, None);
    let again = client.timer(Timer::CallRetry(0)).sent();
    let [(OTHER_FRONT, Message::Request(header, ..))] = &again[..] else { panic!("one request: {again:?}") };
    assert_eq!((header.id, header.first_incomplete), (id(1, 1), 1));
}

#[test]
fn a_session_that_is_over_ends_what_was_sent_in_it() {
    let mut client = calling(500, None);
    let over = client.message(LEASES, Message::Expired(SessionId(1)));
    assert_eq!(over.completed(), ended(Outcome::SessionExpired));
    assert!(matches!(over.sent_to(LEASES)[..], [Message::Open(_)]), "and there is a new one");
}
