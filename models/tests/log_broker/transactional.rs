//! The state machine of a transactional id.

use seedbed_models::communication::log_broker::messages::Error;
use seedbed_models::communication::log_broker::names::{ProducerEpoch, ProducerId, Topic, TopicPartition};
use seedbed_models::communication::log_broker::numbers::TransactionalId;
use seedbed_models::communication::log_broker::transactions::machine::Step;
use seedbed_models::communication::log_broker::transactions::record::{State, TransactionRecord};
use seedbed_sim::{Span, Time};

const PARTITION: TopicPartition = TopicPartition::new(Topic(0), 0);
const TIMEOUT: Span = Span::ms(100);

fn first() -> TransactionRecord {
    TransactionRecord::first(TransactionalId(1), ProducerId(7), TIMEOUT)
}

fn by(epoch: u16) -> (ProducerId, ProducerEpoch) {
    (ProducerId(7), ProducerEpoch(epoch))
}

fn written(step: Result<Step, Error>) -> TransactionRecord {
    match step {
        Ok(Step::Write(record)) => record,
        other => panic!("a record is to be written, and not {other:?}"),
    }
}

fn ongoing() -> TransactionRecord {
    written(first().add(by(0), &[PARTITION], Time::ms(5)))
}

// KIP-890: "the epoch is bumped at every transaction".
#[test]
fn a_transaction_ends_in_the_next_epoch() {
    let prepared = written(ongoing().end(by(0), true, false));
    assert_eq!(
        (prepared.state, prepared.epoch, prepared.last_epoch),
        (State::PrepareCommit, ProducerEpoch(1), Some(ProducerEpoch(0)))
    );
    let complete = prepared.completed();
    assert_eq!((complete.state, complete.epoch), (State::CompleteCommit, ProducerEpoch(1)));
    assert!(complete.partitions.is_empty());
    let next = written(complete.add(by(1), &[PARTITION], Time::ms(9)));
    assert_eq!((next.state, next.began), (State::Ongoing, Some(Time::ms(9))));
    assert_eq!(complete.add(by(0), &[PARTITION], Time::ms(9)), Err(Error::ProducerFenced), "it is late");
}

#[test]
fn an_end_that_is_asked_for_again_is_answered_again() {
    let prepared = written(ongoing().end(by(0), true, false));
    assert_eq!(prepared.end(by(0), true, false), Ok(Step::Done));
    assert_eq!(prepared.completed().end(by(0), true, false), Ok(Step::Done));
    assert_eq!(prepared.end(by(0), false, false), Err(Error::ProducerFenced), "it was to be committed");
}

#[test]
fn nothing_begins_while_a_decision_is_carried_out() {
    let prepared = written(ongoing().end(by(0), false, false));
    assert_eq!(prepared.state, State::PrepareAbort);
    assert_eq!(prepared.add(by(1), &[PARTITION], Time::ZERO), Err(Error::ConcurrentTransactions));
    assert_eq!(prepared.init(None, TIMEOUT), Err(Error::ConcurrentTransactions));
    assert_eq!(prepared.end(by(1), false, false), Err(Error::ConcurrentTransactions));
}

#[test]
fn a_partition_is_added_once() {
    assert_eq!(ongoing().add(by(0), &[PARTITION], Time::ms(8)), Ok(Step::Done));
    let other = TopicPartition::new(Topic(0), 1);
    let both = written(ongoing().add(by(0), &[other], Time::ms(8)));
    assert_eq!((both.partitions.len(), both.began), (2, Some(Time::ms(5))), "it began with the first");
    assert_eq!(both.verify(by(0), &[PARTITION, other]), Ok(()));
    assert_eq!(ongoing().verify(by(0), &[other]), Err(Error::InvalidTxnState));
}

// KIP-98: a new life of a producer fences those before, and aborts what they were at.
#[test]
fn a_new_life_fences_the_one_before() {
    let again = written(first().init(None, TIMEOUT));
    assert_eq!((again.epoch, again.state), (ProducerEpoch(1), State::Empty));
    assert_eq!(again.add(by(0), &[PARTITION], Time::ZERO), Err(Error::ProducerFenced));
    assert_eq!(ongoing().init(None, TIMEOUT), Ok(Step::Fence));
    let fenced = ongoing().fenced();
    assert_eq!((fenced.state, fenced.epoch), (State::PrepareEpochFence, ProducerEpoch(1)));
    assert_eq!(fenced.end(by(0), true, false), Err(Error::ProducerFenced));
    assert_eq!(fenced.fenced(), fenced, "once is enough");
    let aborted = fenced.aborted();
    assert_eq!((aborted.state, aborted.epoch), (State::PrepareAbort, ProducerEpoch(1)));
    assert_eq!(aborted.end(by(0), false, false), Err(Error::ProducerFenced), "the producer has not asked for it");
}

// KIP-360: who says which epoch it has gets the next one, and that again when it asks again.
#[test]
fn an_epoch_is_asked_for_again() {
    let again = written(first().init(Some(by(0)), TIMEOUT));
    assert_eq!(again.init(Some(by(0)), TIMEOUT), Ok(Step::Done));
    assert_eq!(again.init(Some((ProducerId(8), ProducerEpoch(1))), TIMEOUT), Err(Error::InvalidProducerIdMapping));
    let third = written(again.init(Some(by(1)), TIMEOUT));
    assert_eq!(third.init(Some(by(0)), TIMEOUT), Err(Error::ProducerFenced));
}

#[test]
fn an_empty_transaction_is_aborted_and_not_committed() {
    assert_eq!(first().end(by(0), true, false), Err(Error::InvalidTxnState));
    let aborted = written(first().end(by(0), false, false));
    assert_eq!((aborted.state, aborted.epoch), (State::PrepareAbort, ProducerEpoch(1)));
}

#[test]
fn a_transaction_is_late_after_its_timeout() {
    assert!(!ongoing().is_late(Time::ms(104)));
    assert!(ongoing().is_late(Time::ms(105)));
    assert!(!first().is_late(Time::ms(1_000)), "there is none");
    assert!(!written(ongoing().end(by(0), true, false)).is_late(Time::ms(1_000)), "it is decided");
}
