//! The nodes of a world of atomic commitment, and what its models have in common.

use seedbed_sim::{Model, NodeId, Process, World};

use crate::parts::client::Client;
use crate::transactions::TxId;
use crate::transactions::commitment::cluster::Cluster;
use crate::transactions::commitment::journal::{Entry, Journal};
use crate::transactions::commitment::ledger::{self, Ledger};
use crate::transactions::commitment::protocol::Protocol;
use crate::transactions::commitment::resource_manager::{LOG, ResourceManager};
use crate::transactions::commitment::work::{Op, Ret};
use crate::transactions::store::Key;
use crate::transactions::transfer::{Transfer, Transfers};

/// A protocol with its roles.
pub trait Roles: Protocol {
    /// The role that decides.
    type Coordinator: Process<Message = Self::Message, Timer = Self::Timer, Record = Self::Record, Op = Op, Ret = Ret>
        + AsRef<Journal>;
    /// The role that votes.
    type Participant: Process<Message = Self::Message, Timer = Self::Timer, Record = Self::Record, Op = Op, Ret = Ret>
        + AsRef<ResourceManager<Self>>;
}

/// A coordinator, a participant, or a client.
#[derive(Clone, Debug, Hash, seedbed_sim::Roles)]
#[roles(P::Message, P::Timer, P::Record, Op, Ret)]
pub enum Node<P: Roles> {
    /// Decides.
    Coordinator(P::Coordinator),
    /// Votes.
    Participant(P::Participant),
    /// Asks for transactions.
    Client(Client<P>),
}

impl<P: Roles> Node<P> {
    /// What it has voted and decided since it last started.
    pub fn journal(&self) -> &[Entry] {
        match self {
            Node::Coordinator(coordinator) => coordinator.as_ref().entries(),
            Node::Participant(participant) => participant.as_ref().journal().entries(),
            Node::Client(_) => &[],
        }
    }

    /// A participant's store and the states of its transactions.
    pub fn ledger(&self) -> Option<&Ledger> {
        Some(self.participant()?.as_ref().ledger())
    }

    /// The transaction that a client waits for.
    pub fn outstanding(&self) -> Option<TxId> {
        self.client()?.outstanding().map(TxId::from)
    }
}

/// A model of a protocol of atomic commitment.
pub trait Commits: Model<Process = Node<Self::Protocol>> {
    /// The protocol.
    type Protocol: Roles;

    /// The nodes.
    fn cluster(&self) -> &Cluster;

    /// A participant's records in the log of a node.
    fn log(world: &World<Self>, node: NodeId) -> impl Iterator<Item = &ledger::Record> {
        world.log(node, LOG).filter_map(Self::Protocol::participant_record)
    }

    /// The ledger that a participant that is up would have after a crash that leaves all that is on its disk.
    fn after_recovery(world: &World<Self>, node: NodeId) -> Option<Ledger> {
        Some(world.process(node)?.participant()?.as_ref().after_recovery(world.log(node, LOG)))
    }
}

/// A lock of a transaction that is not decided keeps readers out.
impl<M: Commits> Transfers for M {
    fn clients(&self) -> std::ops::Range<u16> {
        self.cluster().client_numbers()
    }

    fn account_count(&self) -> u16 {
        self.cluster().accounts
    }

    fn request(transfer: Transfer) -> Op {
        transfer.into()
    }

    fn moved(answer: &Ret) -> bool {
        matches!(answer, Ret::Committed { .. })
    }

    fn accounts(process: &Node<M::Protocol>) -> Vec<(Key, Option<i64>)> {
        process.ledger().into_iter().flat_map(|ledger| ledger.store().readable()).collect()
    }
}
