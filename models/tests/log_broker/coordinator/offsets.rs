//! Committed positions: who may commit, and when a position counts.

use seedbed_models::communication::log_broker::Bug;
use seedbed_models::communication::log_broker::groups::{Error, Request, Response};
use seedbed_models::communication::log_broker::names::MemberId;

use super::say::{Desk, commit, dynamic, fetch, fetched, join};

#[test]
fn a_member_commits_in_its_generation() {
    let (mut desk, names) = Desk::stable(2);
    assert_eq!(desk.call(commit(dynamic(names[0], 1), &[(0, 5)])), Response::OffsetCommit(Ok(())));
    assert_eq!(desk.call(fetch(true)), fetched(&[(0, 5)]));
    for (identity, error) in [
        (dynamic(names[0], 0), Error::IllegalGeneration),
        (dynamic(names[0], 2), Error::IllegalGeneration),
        (dynamic(MemberId(1), 1), Error::UnknownMemberId),
    ] {
        assert_eq!(desk.call(commit(identity, &[(0, 9)])), Response::OffsetCommit(Err(error)));
    }
    assert_eq!(desk.call(fetch(true)), fetched(&[(0, 5)]));
    desk.bug = Some(Bug::NoGenerationFencing);
    assert_eq!(desk.call(commit(dynamic(names[0], 0), &[(0, 3)])), Response::OffsetCommit(Ok(())));
}

// What is given back is committed before its member joins again; and not after.
#[test]
fn a_member_commits_while_others_join() {
    let (mut desk, names) = Desk::stable(2);
    desk.ask(Request::JoinGroup(join(Some(names[0]))));
    assert_eq!(desk.call(commit(dynamic(names[1], 1), &[(1, 4)])), Response::OffsetCommit(Ok(())));
    desk.ask(Request::JoinGroup(join(Some(names[1]))));
    let error = |error| Response::OffsetCommit(Err(error));
    assert_eq!(desk.call(commit(dynamic(names[1], 1), &[(1, 5)])), error(Error::IllegalGeneration));
    assert_eq!(desk.call(commit(dynamic(names[1], 2), &[(1, 5)])), error(Error::RebalanceInProgress));
    assert_eq!(desk.call(fetch(true)), fetched(&[(1, 4)]));
}

#[test]
fn a_position_counts_when_it_is_replicated() {
    let (mut desk, names) = Desk::stable(1);
    desk.held = Some(Vec::new());
    let asked = desk.ask(commit(dynamic(names[0], 1), &[(0, 5), (1, 6)]));
    assert_eq!((desk.answer(asked), desk.call(fetch(true))), (None, fetched(&[])));
    desk.replicated(Ok(()));
    assert_eq!(desk.answer(asked), Some(Response::OffsetCommit(Ok(()))));
    assert_eq!(desk.call(fetch(true)), fetched(&[(0, 5), (1, 6)]));
    desk.held = Some(Vec::new());
    let asked = desk.ask(commit(dynamic(names[0], 1), &[(0, 7)]));
    desk.replicated(Err(Error::CoordinatorNotAvailable));
    assert_eq!(desk.answer(asked), Some(Response::OffsetCommit(Err(Error::CoordinatorNotAvailable))));
    assert_eq!(desk.call(fetch(true)), fetched(&[(0, 5), (1, 6)]));
}

// Of two commits the later in the log counts, even if it goes back (a consumer may seek).
#[test]
fn the_later_record_counts() {
    let (mut desk, names) = Desk::stable(1);
    desk.call(commit(dynamic(names[0], 1), &[(0, 5)]));
    desk.call(commit(dynamic(names[0], 1), &[(0, 2)]));
    assert_eq!(desk.call(fetch(true)), fetched(&[(0, 2)]));
    assert_eq!(desk.failover(&[]).call(fetch(true)), fetched(&[(0, 2)]));
}
