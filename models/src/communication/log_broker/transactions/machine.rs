//! The state machine of one transactional id (KIP-98, KIP-360, KIP-890): what a request makes of it. Each step is a record of the
//! coordinator's log, and in force when that is committed.

use std::collections::BTreeSet;

use seedbed_sim::{Span, Time};

use crate::communication::log_broker::messages::Error;
use crate::communication::log_broker::names::{ProducerEpoch, ProducerId, TopicPartition};
use crate::communication::log_broker::numbers::TransactionalId;
use crate::communication::log_broker::transactions::record::{State, TransactionRecord};

/// What a request makes of a transactional id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// It becomes this, which is to be written down first.
    Write(TransactionRecord),
    /// Nothing: the request was done before.
    Done,
    /// Its transaction is to be aborted first, with a producer epoch that fences whoever runs it.
    Fence,
}

impl State {
    /// Whether a decision is being carried out.
    pub fn is_preparing(self) -> bool {
        matches!(self, State::PrepareCommit | State::PrepareAbort)
    }
}

impl TransactionRecord {
    /// A transactional id that was never used before.
    pub fn first(id: TransactionalId, producer: ProducerId, timeout: Span) -> Self {
        let (epoch, last_epoch) = (ProducerEpoch(0), None);
        let (state, partitions, began) = (State::Empty, BTreeSet::new(), None);
        TransactionRecord { id, producer, epoch, last_epoch, state, partitions, timeout, began }
    }

    /// The epoch after this one. (Kafka takes another producer id before epochs run out, at 32,767.)
    fn next_epoch(&self) -> ProducerEpoch {
        ProducerEpoch(self.epoch.0.checked_add(1).expect("a producer has fewer transactions than there are epochs"))
    }

    /// The same in the next epoch.
    fn bumped(&self, state: State) -> Self {
        TransactionRecord { epoch: self.next_epoch(), last_epoch: Some(self.epoch), state, ..self.clone() }
    }

    /// A producer begins a life (`InitProducerId`): it gets the next epoch, which fences lives before. `current` is said by one that goes
    /// on in the same life (KIP-360).
    ///
    /// # Errors
    /// If another has the transactional id, or a decision is being carried out.
    pub fn init(&self, current: Option<(ProducerId, ProducerEpoch)>, timeout: Span) -> Result<Step, Error> {
        if let Some((id, epoch)) = current {
            let is_retry = Some(epoch) == self.last_epoch;
            match () {
                () if id != self.producer => return Err(Error::InvalidProducerIdMapping),
                () if is_retry && self.state == State::Empty => return Ok(Step::Done),
                () if epoch != self.epoch => return Err(Error::ProducerFenced),
                () => {}
            }
        }
        match self.state {
            State::PrepareCommit | State::PrepareAbort => Err(Error::ConcurrentTransactions),
            State::Ongoing | State::PrepareEpochFence => Ok(Step::Fence),
            State::Empty | State::CompleteCommit | State::CompleteAbort => {
                let began = None;
                Ok(Step::Write(TransactionRecord {
                    timeout,
                    began,
                    partitions: BTreeSet::new(),
                    ..self.bumped(State::Empty)
                }))
            }
        }
    }

    /// A transaction writes to partitions (`AddPartitionsToTxn`).
    ///
    /// # Errors
    /// If the producer is not the one that has the transactional id, or a decision is being carried out.
    pub fn add(
        &self,
        producer: (ProducerId, ProducerEpoch),
        partitions: &[TopicPartition],
        now: Time,
    ) -> Result<Step, Error> {
        self.is_by(producer)?;
        match self.state {
            State::PrepareCommit | State::PrepareAbort => Err(Error::ConcurrentTransactions),
            State::PrepareEpochFence => Err(Error::ProducerFenced),
            State::Ongoing if partitions.iter().all(|partition| self.partitions.contains(partition)) => Ok(Step::Done),
            State::Ongoing | State::Empty | State::CompleteCommit | State::CompleteAbort => {
                let began = self.began.filter(|_| self.state == State::Ongoing).or(Some(now));
                let mut record = TransactionRecord { state: State::Ongoing, began, ..self.clone() };
                record.partitions.extend(partitions);
                Ok(Step::Write(record))
            }
        }
    }

    /// Whether partitions are part of the transaction (KIP-890, *verify only*).
    ///
    /// # Errors
    /// If they are not.
    pub fn verify(&self, producer: (ProducerId, ProducerEpoch), partitions: &[TopicPartition]) -> Result<(), Error> {
        self.is_by(producer)?;
        match self.state {
            State::Ongoing if partitions.iter().all(|partition| self.partitions.contains(partition)) => Ok(()),
            State::PrepareCommit | State::PrepareAbort => Err(Error::ConcurrentTransactions),
            _ => Err(Error::InvalidTxnState),
        }
    }

    fn is_by(&self, (id, epoch): (ProducerId, ProducerEpoch)) -> Result<(), Error> {
        match () {
            () if id != self.producer => Err(Error::InvalidProducerIdMapping),
            () if epoch != self.epoch => Err(Error::ProducerFenced),
            () => Ok(()),
        }
    }

    /// A producer ends its transaction (`EndTxn`), and goes on in the next epoch: what is late of this transaction, its records and its
    /// markers, is of an epoch that is over (KIP-890). With `keeps_epoch` it goes on in the same, which is a bug that can be planted.
    ///
    /// # Errors
    /// If another producer has the transactional id, there is no transaction to commit, or another decision was made.
    pub fn end(&self, producer: (ProducerId, ProducerEpoch), commit: bool, keeps_epoch: bool) -> Result<Step, Error> {
        let (id, epoch) = producer;
        let (preparing, complete) = if commit {
            (State::PrepareCommit, State::CompleteCommit)
        } else {
            (State::PrepareAbort, State::CompleteAbort)
        };
        if id != self.producer {
            return Err(Error::InvalidProducerIdMapping);
        }
        let is_retry = Some(epoch) == self.last_epoch || keeps_epoch && epoch == self.epoch;
        match self.state {
            state if is_retry && (state == preparing || state == complete) => return Ok(Step::Done),
            _ if epoch != self.epoch => return Err(Error::ProducerFenced),
            _ => {}
        }
        match self.state {
            State::Ongoing if keeps_epoch => Ok(Step::Write(TransactionRecord { state: preparing, ..self.clone() })),
            State::Ongoing => Ok(Step::Write(self.bumped(preparing))),
            // A producer that does not know whether it has begun: whatever it may have sent is fenced.
            State::Empty | State::CompleteCommit | State::CompleteAbort if !commit => {
                Ok(Step::Write(self.bumped(preparing)))
            }
            State::Empty | State::CompleteCommit | State::CompleteAbort => Err(Error::InvalidTxnState),
            State::PrepareCommit | State::PrepareAbort => Err(Error::ConcurrentTransactions),
            State::PrepareEpochFence => Err(Error::ProducerFenced),
        }
    }

    /// The producer is fenced: its transaction will be aborted.
    pub fn fenced(&self) -> Self {
        assert!(
            matches!(self.state, State::Ongoing | State::PrepareEpochFence),
            "who runs no transaction is not fenced: {self:?}"
        );
        match self.state {
            State::PrepareEpochFence => self.clone(),
            _ => TransactionRecord { last_epoch: None, ..self.bumped(State::PrepareEpochFence) },
        }
    }

    /// The abort of a fenced producer's transaction is decided.
    pub fn aborted(&self) -> Self {
        assert!(
            self.state == State::PrepareEpochFence,
            "a transaction is aborted for its producer when that is fenced: {self:?}"
        );
        TransactionRecord { state: State::PrepareAbort, ..self.clone() }
    }

    /// All markers are written.
    pub fn completed(&self) -> Self {
        let state = match self.state {
            State::PrepareCommit => State::CompleteCommit,
            State::PrepareAbort => State::CompleteAbort,
            state => panic!("a transaction completes when it is decided, and not in {state:?}"),
        };
        TransactionRecord { state, partitions: BTreeSet::new(), began: None, ..self.clone() }
    }

    /// Whether the transaction takes too long (`transaction.timeout.ms`).
    pub fn is_late(&self, now: Time) -> bool {
        match (self.state, self.began) {
            (State::Ongoing, Some(began)) => now.since(began) >= self.timeout,
            (State::PrepareEpochFence, _) => true,
            _ => false,
        }
    }
}
