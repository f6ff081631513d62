//! What nodes say, what clients ask and are answered, and what is on disk.

use seedbed_sim::{Kinded, NodeId, OpId};
use serde::{Deserialize, Serialize};

use crate::parts::client;
use crate::transactions::TxId;
use crate::transactions::store::Key;
use crate::transactions::transfer::{Transfer, home};

/// The message that a transfer publishes: the account which is paid is to be credited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Deposit {
    /// The transaction that publishes it. It identifies the message, for a transaction publishes one.
    pub tx: TxId,
    /// The transfer.
    pub transfer: Transfer,
}

impl Deposit {
    /// The aggregate whose messages keep their order: the account that pays.
    pub fn aggregate(&self) -> Key {
        self.transfer.from
    }
}

/// A client's operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    /// Money from one account to another.
    Transfer(Transfer),
}

/// What clients are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ret {
    /// The money is withdrawn, and the deposit will come.
    Committed,
    /// There was not enough, or the service had lost the transaction in a crash: nothing happened and nothing will.
    Aborted,
}

/// What nodes send each other. A transaction also identifies the message that it publishes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Kinded)]
pub enum Message {
    /// A client's request, the same each time it is sent.
    Request(TxId, Transfer),
    /// The reply to a client: whether the transfer is committed.
    Answer(TxId, bool),
    /// A relay publishes a message.
    Publish(Deposit),
    /// The broker has stored it.
    Published(TxId),
    /// A service announces a message that no consumer may see yet.
    Half(Deposit),
    /// The broker has stored the half message.
    HalfStored(TxId),
    /// The transaction of a half message has ended: whether it is committed, and the message to be seen.
    End(TxId, bool),
    /// The broker has stored how it ended.
    Ended(TxId),
    /// The broker inquires how the transaction of a half message ended.
    CheckBack(Deposit),
    /// The broker delivers the message at this offset of the consumer's queue.
    Deliver(u64, Deposit),
    /// The consumer has applied the message at this offset, now or before.
    Consumed(u64),
}

/// The timers of all roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Kinded)]
pub enum Timer {
    /// A client sends its request again.
    Again,
    /// A relay looks for messages to send.
    Relay,
    /// The broker delivers again to this consumer.
    Redeliver(NodeId),
    /// The broker checks back on its half messages.
    CheckBack,
}

/// A record on disk.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Record {
    /// A record of the broker's log.
    Broker(BrokerRecord),
    /// A record of a service's database.
    Service(ServiceRecord),
    /// Up to where in the outbox a tailing relay has published.
    Position(usize),
}

/// A record of the broker's log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum BrokerRecord {
    /// A message that its consumer may see.
    Stored(Deposit),
    /// A half message.
    Half(Deposit),
    /// The transaction of a half message has ended: whether the message may be seen, or is dropped.
    Ended(TxId, bool),
    /// A consumer has consumed this many messages of its queue. Not forced.
    Consumed(NodeId, u64),
}

/// A record of a service's database: one local transaction.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ServiceRecord {
    /// The money is withdrawn, and the message is in the outbox.
    Committed(Deposit),
    /// The transaction is aborted; a request that comes late does not begin it anew.
    Aborted(TxId),
    /// The broker has the message. Not forced.
    Sent(TxId),
    /// The message is in the inbox, and the money is deposited.
    Applied(Deposit),
}

/// Clients of the services, each of which keeps its share of the accounts.
#[derive(Clone, Debug, Hash)]
pub struct Requests;

impl client::Requests for Requests {
    type Message = Message;
    type Timer = Timer;
    type Record = Record;
    type Op = Op;
    type Ret = Ret;
    type Session = ();

    const RETRY: Timer = Timer::Again;

    fn request((): &(), id: OpId, Op::Transfer(transfer): &Op) -> Message {
        Message::Request(id.into(), *transfer)
    }

    fn reply((): &mut (), message: Message) -> Result<(OpId, Ret), Message> {
        let Message::Answer(tx, committed) = message else { return Err(message) };
        Ok((tx.into(), if committed { Ret::Committed } else { Ret::Aborted }))
    }

    /// The service that keeps the account which pays.
    fn server(services: &[NodeId], Op::Transfer(transfer): &Op) -> Option<NodeId> {
        Some(home(services, transfer.from))
    }
}
