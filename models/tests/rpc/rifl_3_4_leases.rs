//! §3.4: leases of clients, which the lease manager alone ends.

use seedbed_models::communication::request_response::messages::{Message, Refusal, SessionId, Timer};
use seedbed_models::communication::request_response::{RequestResponse, marks};
use seedbed_sim::Span;

use crate::rifl_3_duplicates::served;
use crate::say::{BACK, CLIENT, FRONT, HERE, LEASES, execute, id, node, spawned};

fn ttl() -> Span {
    RequestResponse::default().ttl
}

#[test]
fn a_session_lasts_while_it_is_kept_alive() {
    let mut leases = node(LEASES);
    let opened = Message::Opened(7, SessionId(1));
    assert_eq!(leases.message(CLIENT, Message::Open(7)).sent(), [(CLIENT, opened.clone())]);
    assert_eq!(leases.message(CLIENT, Message::Open(7)).sent(), [(CLIENT, opened)], "the same for the same nonce");
    leases.pass(ttl() - Span::ms(1));
    assert_eq!(
        leases.message(CLIENT, Message::KeepAlive(SessionId(1))).sent(),
        [(CLIENT, Message::KeptAlive(SessionId(1)))]
    );
    let checked = |lasts| [(BACK, Message::Checked(SessionId(1), 3, lasts))];
    assert_eq!(leases.message(BACK, Message::Check(SessionId(1), 3)).sent(), checked(true));
    assert!(leases.timer(Timer::Expire).marked(marks::SESSION_EXPIRED));
    assert_eq!(leases.message(BACK, Message::Check(SessionId(1), 3)).sent(), checked(false));
    assert_eq!(
        leases.message(CLIENT, Message::KeepAlive(SessionId(1))).sent(),
        [(CLIENT, Message::Expired(SessionId(1)))]
    );
}

#[test]
fn the_end_of_a_session_survives_a_crash() {
    let mut leases = node(LEASES);
    leases.message(CLIENT, Message::Open(7));
    leases.message(CLIENT, Message::Open(8));
    leases.pass(ttl() - Span::ms(1));
    leases.message(CLIENT, Message::KeepAlive(SessionId(2)));
    leases.timer(Timer::Expire);
    leases.restart(spawned(LEASES));
    let lasts = |leases: &mut seedbed_sim::Bench<_>, n| {
        leases.message(BACK, Message::Check(SessionId(n), 1)).sent()
            == [(BACK, Message::Checked(SessionId(n), 1, true))]
    };
    assert!(!lasts(&mut leases, 1) && lasts(&mut leases, 2));
    assert_eq!(
        leases.message(CLIENT, Message::Open(9)).sent(),
        [(CLIENT, Message::Opened(9, SessionId(3)))],
        "no name again"
    );
}

// A server that is not sure of a lease asks, and the answer to an earlier question says nothing of now.
#[test]
fn a_back_server_asks_again_after_a_while() {
    let mut back = served();
    back.pass(ttl());
    let asked = back.message(FRONT, execute(2, 2)).sent();
    let [(LEASES, Message::Check(SessionId(1), number))] = asked[..] else { panic!("one question: {asked:?}") };
    let late = back.message(LEASES, Message::Checked(SessionId(1), number - 1, true));
    assert!(late.armed().is_empty(), "nothing is begun: {late:?}");
    let over = back.message(LEASES, Message::Checked(SessionId(1), number, false));
    assert!(over.marked(marks::SESSION_ENDED_AT_A_BACK));
    assert_eq!(over.sent(), [(FRONT, Message::Executed(id(1, 2), HERE, Err(Refusal::SessionExpired)))]);
    back.restart(spawned(BACK));
    assert_eq!(back.process().back().expect("a back server").completed(id(1, 1), HERE), None);
}
