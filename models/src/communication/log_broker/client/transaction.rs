//! Transactions of a client (Kafka, `TransactionManager`): it gets the next epoch of its transactional id, sends records, and asks the
//! coordinator to commit or to abort.

use seedbed_sim::{Context, OpId, Time};

use crate::communication::log_broker::client::process::{Client, Did, Sent};
use crate::communication::log_broker::marks;
use crate::communication::log_broker::messages::{Error, Request, Ret, Timer};
use crate::communication::log_broker::names::{ProducerEpoch, ProducerId};
use crate::communication::log_broker::transactions::coordinator::partition_of;

/// What a transaction is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Phase {
    /// The producer needs an epoch.
    Beginning,
    /// Its records are sent.
    Sending,
    /// The coordinator is asked to end it.
    Ending,
}

/// A transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Transaction {
    /// The operation.
    pub(super) op: OpId,
    /// Whether it is to be committed, as far as all goes well.
    pub(super) commit: bool,
    /// What it is about.
    pub(super) phase: Phase,
    /// Until when the coordinator is asked.
    pub(super) deadline: Time,
}

impl Error {
    /// Whether the transaction that runs cannot go on: another has its transactional id, or its coordinator has aborted it.
    pub(super) fn ends_transaction(self) -> bool {
        matches!(
            self,
            Error::ProducerFenced
                | Error::InvalidProducerEpoch
                | Error::InvalidProducerIdMapping
                | Error::InvalidTxnState
        )
    }
}

impl Client {
    /// Asks the coordinator for what the transaction needs next.
    pub(super) fn transact(&mut self, ctx: &mut Context<'_, Self>) {
        let Some(transaction) = self.transaction() else { return };
        if transaction.phase == Phase::Beginning && self.transactional.is_some() {
            return self.begin_sending(ctx);
        }
        if transaction.phase == Phase::Sending {
            return;
        }
        if ctx.now() >= transaction.deadline {
            // What was never begun, or never to be committed, will not be.
            let outcome = (transaction.phase == Phase::Beginning || !transaction.commit).then_some(false);
            return self.transaction_ended(ctx, outcome, None);
        }
        if self.requests.outstanding().any(|(_, sent)| *sent == Sent::Coordinator) {
            return;
        }
        let id = self.config.transactional_id;
        let Some(coordinator) = self.leaders.get(&partition_of(id)).copied().flatten() else {
            self.refresh_metadata(ctx);
            return ctx.arm(Timer::Coordinator, self.config.settings.retry_backoff);
        };
        let request = match (transaction.phase, self.transactional) {
            (Phase::Ending, Some(producer)) => {
                Request::EndTxn { transactional_id: id, producer, committed: transaction.commit }
            }
            _ => Request::InitProducerId {
                transactional_id: Some(id),
                current: None,
                timeout: self.config.settings.transaction_timeout,
            },
        };
        self.requests.send(ctx, coordinator, request, Sent::Coordinator, self.config.settings.request_timeout);
    }

    /// All records are acknowledged or given up: the transaction ends.
    pub(super) fn begin_ending(&mut self, ctx: &mut Context<'_, Self>, all_acked: bool) {
        let deadline = self.latest(ctx.now());
        let Some(transaction) = self.transaction_mut() else { return };
        assert!(transaction.phase == Phase::Sending, "a transaction ends after its records: {transaction:?}");
        transaction.commit &= all_acked;
        (transaction.phase, transaction.deadline) = (Phase::Ending, deadline);
        let (op, commit) = (transaction.op, transaction.commit);
        self.did.push(Did::Decided { op, commit });
        self.transact(ctx);
    }

    /// The coordinator has given an epoch.
    pub(super) fn epoch_given(
        &mut self,
        ctx: &mut Context<'_, Self>,
        answer: Result<(ProducerId, ProducerEpoch), Error>,
    ) {
        match answer {
            Ok(producer) => {
                self.transactional = Some(producer);
                self.transact(ctx);
            }
            Err(_) => self.ask_coordinator_again(ctx),
        }
    }

    /// The coordinator has ended the transaction, or has not. Who is fenced does not know whether what it had asked for was done before.
    pub(super) fn end_given(
        &mut self,
        ctx: &mut Context<'_, Self>,
        answer: Result<(ProducerId, ProducerEpoch), Error>,
    ) {
        let Some(transaction) = self.transaction().filter(|transaction| transaction.phase == Phase::Ending) else {
            return;
        };
        match answer {
            Ok(producer) => {
                ctx.mark(if transaction.commit { marks::TRANSACTION_COMMITTED } else { marks::TRANSACTION_ABORTED });
                self.transaction_ended(ctx, Some(transaction.commit), Some(producer));
            }
            Err(error) if error.ends_transaction() => {
                self.transaction_ended(ctx, (!transaction.commit).then_some(false), None);
            }
            Err(_) => self.ask_coordinator_again(ctx),
        }
    }

    fn ask_coordinator_again(&mut self, ctx: &mut Context<'_, Self>) {
        self.leaders.remove(&partition_of(self.config.transactional_id));
        ctx.arm(Timer::Coordinator, self.config.settings.retry_backoff);
    }

    /// The transaction has ended, and the producer goes on in the epoch that it was given; without one it gets another.
    fn transaction_ended(
        &mut self,
        ctx: &mut Context<'_, Self>,
        outcome: Option<bool>,
        next: Option<(ProducerId, ProducerEpoch)>,
    ) {
        let Some(transaction) = self.transaction() else { return };
        self.transactional = next;
        self.did.push(Did::Ended { op: transaction.op, outcome });
        self.work_is_done();
        ctx.complete(transaction.op, Ret::Ended(outcome));
    }
}
