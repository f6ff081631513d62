//! §5.2, leader election.

use seedbed_models::replication::raft::settings::Timer;
use seedbed_sim::{Span, Time};

use crate::say::*;
use crate::setup::*;

// "When servers start up, they begin as followers."
#[test]
fn a_server_starts_as_a_follower_that_waits() {
    let mut server = Bench::new(new_server(S1, 3, plain())).on(S1);
    let did = server.start();
    assert!(did.sent().is_empty() && !did.wrote());
    assert!(matches!(did.armed()[..], [(Timer::Election, _)]));
}

// "To begin an election, a follower increments its current term and transitions to candidate state. It then votes for itself
// and issues RequestVote RPCs in parallel to each of the other servers in the cluster."
#[test]
fn a_follower_that_hears_from_nobody_stands_for_election() {
    let mut server = follower(3, plain());
    let did = server.timer(Timer::Election);
    assert_eq!(did.appended(), [term_and_vote(1, Some(S1))]);
    assert_eq!(did.sent(), [(S2, request_vote(1, (0, 0))), (S3, request_vote(1, (0, 0)))]);
    assert!(matches!(did.armed()[..], [(Timer::Election, _)]), "it times out again if nobody wins");
}

// The candidate's vote for itself counts in its own term only if it is remembered as others' votes are.
#[test]
fn a_candidate_asks_when_its_own_vote_is_on_disk() {
    let mut server = follower_with_slow_disk(3, plain());
    assert!(server.timer(Timer::Election).released().is_empty());
    assert_eq!(server.synced().messages_released().len(), 2);
}

// "Each candidate will time out and start a new election by incrementing its term."
#[test]
fn a_candidate_that_times_out_stands_in_the_next_term() {
    let mut server = candidate(3, plain());
    let did = server.timer(Timer::Election);
    assert_eq!(did.appended(), [term_and_vote(2, Some(S1))]);
    assert_eq!(did.sent(), [(S2, request_vote(2, (0, 0))), (S3, request_vote(2, (0, 0)))]);
}

// "A candidate wins an election if it receives votes from a majority of the servers in the full cluster for the same term."
#[test]
fn an_election_is_won_by_a_majority() {
    let cases: &[(u16, &[bool], bool)] = &[
        (1, &[], true),
        (2, &[], false),
        (2, &[true], true),
        (3, &[], false),
        (3, &[true], true),
        (3, &[false], false),
        (3, &[false, true], true),
        (3, &[false, false], false),
        (4, &[true], false),
        (4, &[true, true], true),
        (5, &[true], false),
        (5, &[true, true], true),
        (5, &[false, false, true], false),
        (5, &[false, false, true, true], true),
        (5, &[false, false, false, true], false),
        (7, &[true, true], false),
        (7, &[true, true, true], true),
    ];
    for (size, votes, wins) in cases {
        let mut server = candidate(*size, plain());
        for (voter, granted) in others(*size).into_iter().zip(*votes) {
            server.message(voter, vote(1, *granted));
        }
        assert_eq!((leads(&server), term(&server)), (*wins, 1), "{size} servers, votes {votes:?}");
    }
}

#[test]
fn a_vote_that_comes_twice_counts_once() {
    let mut server = candidate(5, plain());
    server.message(S2, vote(1, true));
    server.message(S2, vote(1, true));
    assert!(!leads(&server));
}

#[test]
fn a_vote_of_an_earlier_term_does_not_count() {
    let mut server = candidate(3, plain());
    server.timer(Timer::Election);
    server.message(S2, vote(1, true));
    assert!(!leads(&server));
    server.message(S2, vote(2, true));
    assert!(leads(&server));
}

#[test]
fn a_vote_of_a_server_outside_of_the_group_does_not_count() {
    let mut server = candidate(3, plain());
    server.message(S5, vote(1, true));
    assert!(!leads(&server));
}

// A majority has refused: this term is lost, and the candidate waits for its timer, or for the leader.
#[test]
fn a_candidate_that_has_lost_waits_for_its_timer() {
    let mut server = candidate(3, plain());
    server.message(S2, vote(1, false));
    let did = server.message(S3, vote(1, false));
    assert!(did.sent().is_empty() && did.armed().is_empty() && did.cancelled().is_empty());
    assert_eq!(term(&server), 1);
    assert!(server.due(&Timer::Election).is_some());
}

// "Once a candidate wins an election, it becomes leader. It then sends heartbeat messages to all of the other servers to
// establish its authority and prevent new elections."
#[test]
fn a_leader_tells_everybody_at_once() {
    let mut server = candidate(3, plain());
    let did = server.message(S2, vote(1, true));
    // Its first entry serves as the heartbeat.
    let first = append_entries(1, (0, 0), vec![by(&server, noop(1))], 0);
    assert_eq!(did.sent(), [(S2, first.clone()), (S3, first)]);
    assert_eq!(did.cancelled(), [Timer::Election]);
    assert_eq!(did.armed(), [(Timer::Heartbeat, plain().heartbeat)]);
}

// "Leaders send periodic heartbeats (AppendEntries RPCs that carry no log entries) to all followers."
#[test]
fn a_leader_sends_heartbeats_for_as_long_as_it_leads() {
    let mut server = leader(3, plain());
    for _ in 0..3 {
        let did = server.timer(Timer::Heartbeat);
        assert_eq!(did.sent(), [(S2, heartbeat(1, (1, 1), 1)), (S3, heartbeat(1, (1, 1), 1))]);
        assert_eq!(did.armed(), [(Timer::Heartbeat, plain().heartbeat)]);
    }
}

// "Each server will vote for at most one candidate in a given term, on a first-come-first-served basis."
#[test]
fn a_server_votes_once_a_term() {
    let first_of = |vote| {
        let mut server = follower_with_log(3, plain(), 1, &[]);
        if let Some(candidate) = vote {
            server.message(candidate, request_vote(1, (0, 0)));
        }
        server
    };
    let cases = [
        (None, S2, true),
        (None, S3, true),
        // The answer may have been lost: who has the vote is told again.
        (Some(S2), S2, true),
        (Some(S3), S3, true),
        (Some(S2), S3, false),
        (Some(S3), S2, false),
    ];
    for (voted, candidate, granted) in cases {
        let did = first_of(voted).message(candidate, request_vote(1, (0, 0)));
        assert_eq!(did.sent(), [(candidate, vote(1, granted))], "voted for {voted:?}, asked by {candidate}");
    }
}

#[test]
fn a_server_votes_anew_in_a_later_term() {
    let mut server = follower(3, plain());
    server.message(S2, request_vote(1, (0, 0)));
    let did = server.message(S3, request_vote(2, (0, 0)));
    assert_eq!(did.sent(), [(S3, vote(2, true))]);
    assert_eq!(did.appended(), [term_and_vote(2, None), term_and_vote(2, Some(S3))]);
}

#[test]
fn a_vote_is_remembered_over_a_crash() {
    let mut server = follower(3, plain());
    server.message(S2, request_vote(1, (0, 0)));
    server.restart(new_server(S1, 3, plain()));
    assert_eq!(server.message(S3, request_vote(1, (0, 0))).sent(), [(S3, vote(1, false))]);
    assert_eq!(server.message(S2, request_vote(1, (0, 0))).sent(), [(S2, vote(1, true))]);
}

#[test]
fn candidates_and_leaders_have_voted_for_themselves() {
    assert_eq!(candidate(3, plain()).message(S2, request_vote(1, (9, 1))).sent(), [(S2, vote(1, false))]);
    assert_eq!(leader(3, plain()).message(S2, request_vote(1, (9, 1))).sent(), [(S2, vote(1, false))]);
}

// "If the leader's term (included in its RPC) is at least as large as the candidate's current term, then the candidate
// recognizes the leader as legitimate and returns to follower state."
#[test]
fn a_candidate_follows_a_leader_of_its_term_or_a_later_one() {
    for leaders_term in [1, 2] {
        let mut server = candidate(3, plain());
        let did = server.message(S2, append_entries(leaders_term, (0, 0), noops(&[leaders_term]), 0));
        assert_eq!(did.sent(), [(S2, appended(leaders_term, 1))]);
        server.message(S3, vote(1, true));
        assert_eq!((leads(&server), term(&server)), (false, leaders_term));
    }
}

// "If the term in the RPC is smaller than the candidate's current term, then the candidate rejects the RPC and continues in
// candidate state."
#[test]
fn a_candidate_goes_on_against_a_leader_of_an_earlier_term() {
    let mut server = candidate(3, plain());
    server.timer(Timer::Election);
    let did = server.message(S2, heartbeat(1, (0, 0), 0));
    assert!(is_refusal(&did.sent_to(S2)[0]));
    server.message(S3, vote(2, true));
    assert!(leads(&server));
}

// "Election timeouts are chosen randomly from a fixed interval": by followers and by candidates, and anew each time.
#[test]
fn election_timeouts_are_drawn_from_their_interval() {
    let (min, max) = (plain().election_min, plain().election_max);
    let mut server = Bench::new(new_server(S1, 3, plain())).on(S1).instant_disk();
    let timeouts = [min, max, Span::ms(200), Span::ms(170)];
    server.draws_in_turn("election_timeout", timeouts.map(|timeout| timeout.0));
    assert_eq!(server.start().armed(), [(Timer::Election, timeouts[0])], "a follower");
    for timeout in &timeouts[1..] {
        assert_eq!(server.timer(Timer::Election).armed(), [(Timer::Election, *timeout)], "a candidate, each time anew");
    }
}

#[test]
#[should_panic(expected = "outside of its range")]
fn no_election_timeout_is_shorter_than_the_least() {
    let mut server = Bench::new(new_server(S1, 3, plain())).on(S1);
    server.draws("election_timeout", plain().election_min.0 - 1);
    server.start();
}

// Without a word from anybody, servers of one group do not stand at the same instant.
#[test]
fn servers_of_a_group_time_out_apart() {
    let due = |id| {
        let mut server = Bench::new(new_server(id, 5, plain())).on(id);
        server.start();
        server.due(&Timer::Election).expect("it waits")
    };
    let mut all = [S1, S2, S3, S4, S5].map(due);
    all.sort();
    assert!(all.windows(2).all(|pair| pair[0] < pair[1]), "{all:?}");
}

// Figure 2, rules for followers: the election timer starts again at AppendEntries from the current leader, and when a vote is
// granted; at nothing else.
#[test]
fn the_election_timer_starts_again_at_a_heartbeat_and_at_a_vote() {
    let restarts = |message| {
        let mut server = follower_with_log(3, plain(), 2, &[2]);
        server.at(Time::ms(20)).message(S2, message).armed().iter().any(|(timer, _)| *timer == Timer::Election)
    };
    assert!(restarts(heartbeat(2, (1, 2), 0)));
    assert!(restarts(append_entries(2, (9, 2), noops(&[2]), 0)), "the leader lives, though the logs do not agree");
    assert!(restarts(request_vote(3, (1, 2))), "a vote granted");
    assert!(!restarts(request_vote(3, (0, 0))), "a vote refused for the log");
    assert!(!restarts(request_vote(1, (1, 2))), "a vote refused for the term");
    assert!(!restarts(heartbeat(1, (1, 1), 0)), "a deposed leader");
}

// §5.2 needs no second server.
#[test]
fn a_group_of_one_elects_itself_and_commits_alone() {
    let mut server = follower(1, plain());
    let did = server.timer(Timer::Election);
    assert!(did.sent().is_empty());
    assert!(leads(&server));
    assert_eq!(commit(&server), 1);
    assert_eq!(server.invoke(OP, put(7)).completed().len(), 1);
}
