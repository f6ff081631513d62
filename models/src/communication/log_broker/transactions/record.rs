//! What the coordinator of transactions writes to its log, `__transaction_state`: the last record of a transactional id is what is
//! known of it.

use std::collections::BTreeSet;

use seedbed_sim::{Span, Time};

use crate::communication::log_broker::names::{ProducerEpoch, ProducerId, TopicPartition};
use crate::communication::log_broker::numbers::TransactionalId;

/// What state a transaction is in (KIP-98, *Transaction Coordinator*).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// There is none yet.
    Empty,
    /// Partitions have been added.
    Ongoing,
    /// It is decided that it is committed: markers are being written.
    PrepareCommit,
    /// It is decided that it is aborted: markers are being written.
    PrepareAbort,
    /// All markers of a commit are written.
    CompleteCommit,
    /// All markers of an abort are written.
    CompleteAbort,
    /// Its producer is being fenced: its epoch is raised, and the transaction will be aborted.
    PrepareEpochFence,
}

/// What is known of a transactional id.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TransactionRecord {
    /// The transactional id.
    pub id: TransactionalId,
    /// The producer that has it now.
    pub producer: ProducerId,
    /// The producer's epoch.
    pub epoch: ProducerEpoch,
    /// The epoch before, by which a request that is sent again is told from one of a fenced producer (KIP-360, KIP-890).
    pub last_epoch: Option<ProducerEpoch>,
    /// The state.
    pub state: State,
    /// The partitions that the transaction has written to.
    pub partitions: BTreeSet<TopicPartition>,
    /// After how long the coordinator aborts a transaction of this producer.
    pub timeout: Span,
    /// When the transaction began.
    pub began: Option<Time>,
}
