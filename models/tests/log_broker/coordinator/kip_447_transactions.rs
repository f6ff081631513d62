//! KIP-98 and KIP-447: positions that are committed by transactions.

use seedbed_models::communication::log_broker::groups::{Error, Response};
use seedbed_models::communication::log_broker::names::ProducerId;

use super::say::{Desk, commit, commit_in, dynamic, fetch, fetched};

const PRODUCER: ProducerId = ProducerId(8);

#[test]
fn positions_count_when_the_transaction_is_committed() {
    let (mut desk, names) = Desk::stable(1);
    let of = dynamic(names[0], 1);
    desk.call(commit(of, &[(0, 1)]));
    assert_eq!(desk.call(commit_in(8, of, &[(0, 5), (1, 6)])), Response::TxnOffsetCommit(Ok(())));
    let unstable = Response::OffsetFetch(Err(Error::UnstableOffsetCommit));
    assert_eq!(desk.call(fetch(true)), unstable, "who has to know waits");
    assert_eq!(desk.call(fetch(false)), fetched(&[(0, 1)]));
    desk.end_transaction(ProducerId(9), true);
    assert_eq!(desk.call(fetch(true)), unstable, "the transaction of another");
    desk.end_transaction(PRODUCER, true);
    assert_eq!(desk.call(fetch(true)), fetched(&[(0, 5), (1, 6)]));
}

#[test]
fn positions_of_an_aborted_transaction_are_dropped() {
    let (mut desk, names) = Desk::stable(1);
    desk.call(commit_in(8, dynamic(names[0], 1), &[(0, 5)]));
    desk.end_transaction(PRODUCER, false);
    assert_eq!(desk.call(fetch(true)), fetched(&[]));
}

#[test]
fn a_position_is_unstable_while_it_is_replicated() {
    let (mut desk, names) = Desk::stable(1);
    desk.held = Some(Vec::new());
    let asked = desk.ask(commit_in(8, dynamic(names[0], 1), &[(0, 5)]));
    assert_eq!(desk.call(fetch(true)), Response::OffsetFetch(Err(Error::UnstableOffsetCommit)));
    desk.replicated(Err(Error::CoordinatorNotAvailable));
    assert_eq!(desk.answer(asked), Some(Response::TxnOffsetCommit(Err(Error::CoordinatorNotAvailable))));
    assert_eq!(desk.call(fetch(true)), fetched(&[]));
}

// KIP-447: "fenced by the consumer group's generation", and not by a transactional id for each partition.
#[test]
fn a_zombie_of_an_old_generation_is_fenced() {
    let (mut desk, names) = Desk::stable(1);
    let zombie = desk.call(commit_in(8, dynamic(names[0], 0), &[(0, 5)]));
    assert_eq!(zombie, Response::TxnOffsetCommit(Err(Error::IllegalGeneration)));
}

// Of a commit inside of a transaction and one outside of it the later record counts, and not the later end.
#[test]
fn a_later_commit_counts_though_the_transaction_ends_after_it() {
    let (mut desk, names) = Desk::stable(1);
    let of = dynamic(names[0], 1);
    desk.call(commit_in(8, of, &[(0, 5)]));
    desk.call(commit(of, &[(0, 3)]));
    desk.end_transaction(PRODUCER, true);
    assert_eq!(desk.call(fetch(true)), fetched(&[(0, 3)]));
}
