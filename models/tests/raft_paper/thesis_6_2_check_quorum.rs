//! Thesis §6.2: "a leader in Raft steps down if an election timeout elapses without a successful round of heartbeats to a
//! majority of its cluster".

use seedbed_models::replication::raft::Settings;
use seedbed_models::replication::raft::settings::Timer;

use crate::say::*;
use crate::setup::*;

fn settings() -> Settings {
    Settings { check_quorum: true, ..plain() }
}

#[test]
fn a_leader_looks_after_an_election_timeout_whether_a_quorum_answers() {
    let mut server = candidate(3, settings());
    let did = server.message(S2, vote(1, true));
    assert!(did.armed().contains(&(Timer::CheckQuorum, settings().election_max)));
}

#[test]
fn a_leader_that_a_quorum_answers_leads_on() {
    let mut server = leader(5, settings());
    server.timer(Timer::CheckQuorum);
    for follower in [S2, S4] {
        server.message(follower, appended(1, 1));
    }
    let did = server.timer(Timer::CheckQuorum);
    assert!(leads(&server));
    assert_eq!(did.armed(), [(Timer::CheckQuorum, settings().election_max)]);
}

// A refusal shows that its sender follows this leader as well as an acknowledgement does.
#[test]
fn a_follower_that_refuses_has_answered() {
    let mut server = leader(3, settings());
    server.timer(Timer::CheckQuorum);
    server.message(S2, refused(1, 1, 1, None));
    server.timer(Timer::CheckQuorum);
    assert!(leads(&server));
}

#[test]
fn a_leader_that_no_quorum_answers_steps_down() {
    let mut server = leader(5, settings());
    server.timer(Timer::CheckQuorum);
    server.message(S2, appended(1, 1));
    let did = server.timer(Timer::CheckQuorum);
    assert!(!leads(&server));
    assert!(did.cancelled().contains(&Timer::Heartbeat));
    assert!(did.armed().iter().any(|(timer, _)| *timer == Timer::Election));
    assert_eq!(term(&server), 1, "nobody has entered another term");
    // "Clients retry with another server."
    assert_eq!(server.message(CLIENT, register(1)).sent(), [(CLIENT, not_leader(None))]);
}

// What was heard before the last look counts no more.
#[test]
fn answers_count_for_one_election_timeout() {
    let mut server = leader(3, settings());
    server.timer(Timer::CheckQuorum);
    assert!(leads(&server), "everybody had answered");
    server.timer(Timer::CheckQuorum);
    assert!(!leads(&server), "nobody has since");
}

#[test]
fn without_check_quorum_a_leader_leads_until_it_hears_of_another() {
    let server = leader(3, plain());
    assert_eq!(server.due(&Timer::CheckQuorum), None);
}

#[test]
fn a_leader_alone_is_its_own_quorum() {
    let mut server = new_leader(1, settings());
    server.timer(Timer::CheckQuorum);
    server.timer(Timer::CheckQuorum);
    assert!(leads(&server));
}
