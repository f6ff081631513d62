//! What the Raft group keeps for locks: leases and keys, numbered by the revisions of the store.

use seedbed_models::caching::lock::on_raft::machine::{Command, Output};
use seedbed_models::caching::lock::on_raft::{LeaseId, Locks, Revision};
use seedbed_models::replication::raft::machine::StateMachine;

// As etcd's store revision, which counts modifications of the key space: deletions too, whoever makes them. What finds nothing to
// change does not count.
#[test]
fn each_change_has_a_revision_of_its_own() {
    let mut locks = Locks::default();
    let mut apply = |command| locks.apply(&command);
    let alone = |key| Output::Queued { key: Revision(key), previous: None, next: None };
    let (first, second, third) = (LeaseId(1), LeaseId(4), LeaseId(6));
    assert_eq!(apply(Command::Grant), Output::Granted(first));
    assert_eq!(apply(Command::Enqueue(first)), alone(2));
    assert_eq!(apply(Command::Enqueue(first)), alone(2), "there is one");
    assert_eq!(apply(Command::Delete { lease: first, revision: Revision(2) }), Output::Done);
    assert_eq!(apply(Command::Delete { lease: first, revision: Revision(2) }), Output::Gone);
    assert_eq!(apply(Command::Grant), Output::Granted(second), "the deletion was revision 3");
    assert_eq!(apply(Command::KeepAlive(first)), Output::Done);
    assert_eq!(apply(Command::Revoke { lease: first, keep_alives: 1 }), Output::Done);
    assert_eq!(apply(Command::Revoke { lease: first, keep_alives: 1 }), Output::Gone);
    assert_eq!(apply(Command::Grant), Output::Granted(third), "the revocation was revision 5");
}
