//! Thesis §6.3, sessions: they expire by the log's own time, and clients keep theirs alive.

use seedbed_models::replication::raft::types::{RequestId, Session};
use seedbed_models::replication::raft::{Entry, Kv, Payload, SessionClient, Settings, Term, Timer};
use seedbed_sim::{OpId, Span, Time};

use crate::say::*;
use crate::setup::*;

fn expiring() -> Settings {
    Settings { session_timeout: Some(Span::ms(10)), ..plain() }
}

fn at(ms: u64, payload: Payload<Kv>) -> Entry<Kv> {
    Entry { term: Term(1), time: Time::ms(ms), payload }
}

fn session_command(item: u32) -> Payload<Kv> {
    let id = RequestId { session: Session(1), sequence: 1 };
    Payload::Command { id: Some(id), command: append_to_value(item) }
}

/// The sessions of a follower that has applied these entries.
fn sessions_after(entries: &[Entry<Kv>]) -> Vec<(Session, Time)> {
    let mut server = follower(3, expiring());
    server.message(S2, append_entries(1, (0, 0), entries.to_vec(), entries.len() as u64));
    server.process().sessions().active().collect()
}

// "Servers must agree on when to expire a session": by the time in the entries, though this server's clock stands still.
#[test]
fn a_session_expires_by_the_time_of_entries() {
    let kept = at(9, Payload::KeepAlive(Session(1)));
    assert_eq!(sessions_after(&[at(1, Payload::Register), at(11, Payload::Noop)]), [(Session(1), Time::ms(1))]);
    assert_eq!(sessions_after(&[at(1, Payload::Register), at(12, Payload::Noop)]), []);
    assert_eq!(sessions_after(&[at(1, Payload::Register), kept, at(12, Payload::Noop)]), [(Session(1), Time::ms(9))]);
}

// The clock of a new leader may be behind that of the last.
#[test]
fn the_logs_time_never_goes_back() {
    let late = [at(1, Payload::Register), at(8, Payload::Noop), at(2, session_command(7)), at(18, Payload::Noop)];
    assert_eq!(sessions_after(&late), [(Session(1), Time::ms(8))]);
}

#[test]
fn a_command_of_an_expired_session_is_not_executed() {
    let mut server = follower(3, expiring());
    let entries = vec![at(1, Payload::Register), at(12, session_command(7))];
    server.message(S2, append_entries(1, (0, 0), entries, 2));
    assert_eq!((applied(&server), value(&server)), (2, vec![]));
}

#[test]
fn a_leader_says_whether_a_session_is_kept() {
    let mut server = leader(3, plain());
    server.message(CLIENT, register(77));
    server.message(S2, appended(1, 2));
    server.message(CLIENT, keep_alive(2));
    assert_eq!(server.message(S2, appended(1, 3)).sent_to(CLIENT), [kept_alive(2)]);
    server.message(CLIENT, keep_alive(9));
    assert_eq!(server.message(S2, appended(1, 4)).sent_to(CLIENT), [session_expired(9)]);
    server.message(CLIENT, request(9, 1, put(1)));
    assert_eq!(server.message(S2, appended(1, 5)).sent_to(CLIENT), [session_expired(9)]);
    assert!(value(&server).is_empty());
    let mut other = follower(3, plain());
    assert_eq!(other.message(CLIENT, keep_alive(2)).sent(), [(CLIENT, not_leader(None))]);
}

/// A client with session 2 of two servers, which it keeps alive every 100 ms.
fn client() -> seedbed_sim::Bench<SessionClient<Kv>> {
    let mut session = SessionClient::new(vec![S1, S2], Span::ms(50)).with_session_timeout(Some(Span::ms(400)));
    session.set_nonce(7);
    let mut client = seedbed_sim::Bench::new(session);
    client.start();
    client.invoke(OpId(1), put(1));
    let did = client.message(S1, registered(7, 2));
    assert!(did.armed().contains(&(Timer::KeepAlive, Span::ms(100))), "{did:?}");
    client
}

// "Live clients … issue keep-alive requests during periods of inactivity".
#[test]
fn a_client_keeps_its_session_alive() {
    let mut client = client();
    client.message(S1, reply(2, 1, done()));
    assert_eq!(client.timer(Timer::KeepAlive).sent(), [(S1, keep_alive(2))]);
    client.message(S1, kept_alive(2));
    assert_eq!(client.timer(Timer::KeepAlive).sent(), [(S1, keep_alive(2))]);
    let did = client.timer(Timer::KeepAlive);
    assert_eq!(did.sent(), [(S2, keep_alive(2))], "nobody has answered: another is asked");
}

// Who "attempts to continue to operate after its session was expired" cannot know what was executed.
#[test]
fn a_client_gives_up_the_command_of_an_expired_session() {
    let mut client = client();
    client.invoke(OpId(2), put(2));
    let did = client.message(S1, session_expired(2));
    assert_eq!((did.given_up(), did.completed(), did.failed()), (vec![OpId(1)], vec![], vec![]));
    assert_eq!(did.sent(), [(S1, register(8))], "the next command goes into a session of its own");
    assert!(client.message(S1, session_expired(2)).sent().is_empty(), "an answer that comes twice");
    assert_eq!(client.message(S1, registered(8, 9)).sent(), [(S1, request(9, 2, put(2)))]);
}
