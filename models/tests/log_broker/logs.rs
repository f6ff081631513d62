//! Logs: offsets, leader epochs, and what is known of producers.

use seedbed_models::communication::log_broker::log::Log;
use seedbed_models::communication::log_broker::names::{Offset, ProducerEpoch, ProducerId};
use seedbed_models::communication::log_broker::numbers::{CoordinatorEpoch, LeaderEpoch, Sequence};
use seedbed_models::communication::log_broker::producers::Check;
use seedbed_models::communication::log_broker::record::{Contents, Data, Draft, Marker, Produced, Value};
use seedbed_sim::Time;

fn records(count: u64) -> Draft {
    Draft::plain((0..count).map(|value| (Time::ZERO, Data::User { key: None, value: Some(Value(value)) })))
}

fn produced(epoch: u16, sequence: u32, transactional: bool) -> Produced {
    Produced { id: ProducerId(7), epoch: ProducerEpoch(epoch), sequence: Some(Sequence(sequence)), transactional }
}

fn by(produced: Produced, count: u64) -> Draft {
    Draft { produced: Some(produced), ..records(count) }
}

fn marker(epoch: u16, committed: bool) -> Draft {
    let produced = Produced { sequence: None, ..produced(epoch, 0, true) };
    let contents = Contents::Control(Marker { committed, coordinator_epoch: CoordinatorEpoch(1) });
    Draft { produced: Some(produced), contents }
}

/// A log with batches of these epochs, of as many records.
fn log(batches: &[(u32, u64)]) -> Log {
    let mut log = Log::default();
    for (epoch, count) in batches {
        log.append_as_leader(records(*count), LeaderEpoch(*epoch));
    }
    log
}

#[test]
fn offsets_follow_each_other() {
    let log = log(&[(1, 2), (1, 1), (2, 3)]);
    let bases: Vec<u64> = log.batches().iter().map(|batch| batch.base_offset.0).collect();
    assert_eq!((bases, log.end()), (vec![0, 2, 3], Offset(6)));
    assert_eq!(log.batch_at(Offset(4)).map(|batch| batch.base_offset), Some(Offset(3)));
    assert_eq!(log.batch_at(Offset(6)), None);
}

// KIP-101: "the leader returns the last offset of the leader epoch", which is the first of the next, or the end of the log.
#[test]
fn an_epoch_ends_where_the_next_begins() {
    let log = log(&[(1, 2), (3, 3), (4, 1)]);
    let end_of = |epoch| log.epochs().end_of(LeaderEpoch(epoch), log.end());
    assert_eq!(end_of(1), Some((LeaderEpoch(1), Offset(2))));
    assert_eq!(end_of(4), Some((LeaderEpoch(4), Offset(6))));
    assert_eq!(end_of(9), Some((LeaderEpoch(4), Offset(6))), "a later epoch than all is the last");
    // KIP-279: of an epoch that the log does not have, the one before is returned.
    assert_eq!(end_of(2), Some((LeaderEpoch(1), Offset(2))));
    assert_eq!(end_of(0), None);
}

#[test]
fn an_epoch_without_records_leaves_nothing() {
    let mut log = log(&[(1, 2)]);
    log.begin_epoch(LeaderEpoch(2));
    log.begin_epoch(LeaderEpoch(3));
    assert_eq!(log.epochs().end_of(LeaderEpoch(2), log.end()), Some((LeaderEpoch(1), Offset(2))));
    log.append_as_leader(records(1), LeaderEpoch(3));
    assert_eq!(log.epochs().end_of(LeaderEpoch(3), log.end()), Some((LeaderEpoch(3), Offset(3))));
}

#[test]
fn truncation_takes_epochs_with_it() {
    let mut log = log(&[(1, 2), (3, 3), (4, 1)]);
    log.truncate_to(Offset(2));
    assert_eq!((log.end(), log.last_epoch()), (Offset(2), Some(LeaderEpoch(1))));
    log.truncate_to(Offset(9));
    assert_eq!(log.end(), Offset(2), "a log is not made longer");
}

#[test]
fn reading_ends_before_a_batch_that_is_not_below_the_end() {
    let log = log(&[(1, 2), (1, 2), (1, 2)]);
    let read = |from, to, most| log.read(Offset(from), Offset(to), most).len();
    assert_eq!(read(0, 6, 10), 3);
    assert_eq!(read(0, 5, 10), 2, "batches are whole");
    assert_eq!(read(3, 6, 10), 2, "that which has the offset is the first");
    assert_eq!(read(0, 6, 1), 1, "one at least");
    assert_eq!(read(0, 6, 4), 2);
}

#[test]
fn a_batch_that_comes_twice_is_known_by_its_numbers() {
    let mut log = Log::default();
    assert_eq!(log.producers().check(produced(0, 0, false), 2), Check::Next);
    assert_eq!(
        log.producers().check(produced(0, 2, false), 2),
        Check::OutOfOrder,
        "an unknown producer begins with zero"
    );
    log.append_as_leader(by(produced(0, 0, false), 2), LeaderEpoch(1));
    log.append_as_leader(by(produced(0, 2, false), 1), LeaderEpoch(1));
    let Check::Duplicate(same) = log.producers().check(produced(0, 0, false), 2) else { panic!("it was appended") };
    assert_eq!((same.base_offset, same.last_offset), (Offset(0), Offset(1)));
    assert_eq!(log.producers().check(produced(0, 3, false), 1), Check::Next);
    assert_eq!(log.producers().check(produced(0, 4, false), 1), Check::OutOfOrder);
    assert_eq!(log.producers().check(produced(0, 1, false), 1), Check::OutOfOrder, "half of a batch is no batch");
}

#[test]
fn five_batches_are_remembered() {
    let mut log = Log::default();
    for sequence in 0..6 {
        log.append_as_leader(by(produced(0, sequence, false), 1), LeaderEpoch(1));
    }
    assert_eq!(log.producers().check(produced(0, 0, false), 1), Check::OutOfOrder);
    assert!(matches!(log.producers().check(produced(0, 1, false), 1), Check::Duplicate(_)));
}

#[test]
fn a_later_epoch_begins_with_zero_and_fences() {
    let mut log = Log::default();
    log.append_as_leader(by(produced(3, 0, false), 1), LeaderEpoch(1));
    assert_eq!(log.producers().check(produced(4, 1, false), 1), Check::OutOfOrder);
    assert_eq!(log.producers().check(produced(4, 0, false), 1), Check::Next);
    assert_eq!(log.producers().check(produced(2, 0, false), 1), Check::Fenced);
}

#[test]
fn what_is_known_of_producers_is_that_of_the_log_that_is_left() {
    let mut log = Log::default();
    log.append_as_leader(by(produced(0, 0, true), 1), LeaderEpoch(1));
    log.append_as_leader(by(produced(0, 1, true), 1), LeaderEpoch(1));
    let before = log.clone();
    log.append_as_leader(marker(1, true), LeaderEpoch(1));
    log.truncate_to(Offset(2));
    assert_eq!(log, before);
}

// KIP-98: "the last stable offset (LSO) is the offset such that all lower offsets have been decided".
#[test]
fn the_last_stable_offset_is_below_all_transactions_under_way() {
    let mut log = Log::default();
    log.append_as_leader(records(1), LeaderEpoch(1));
    log.append_as_leader(by(produced(0, 0, true), 2), LeaderEpoch(1));
    log.append_as_leader(records(1), LeaderEpoch(1));
    assert_eq!(log.last_stable(Offset(4)), Offset(1));
    assert_eq!(log.last_stable(Offset(1)), Offset(1));
    log.append_as_leader(marker(1, false), LeaderEpoch(1));
    assert_eq!(log.last_stable(Offset(4)), Offset(1), "the marker is not below the high watermark");
    assert_eq!(log.last_stable(Offset(5)), Offset(5));
    let aborted = log.aborted_between(Offset(0), Offset(5));
    assert_eq!(aborted.iter().map(|ended| (ended.first, ended.last)).collect::<Vec<_>>(), [(Offset(1), Offset(4))]);
    assert!(log.aborted_between(Offset(5), Offset(9)).is_empty());
}
