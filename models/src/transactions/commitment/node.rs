//! The nodes of a world of atomic commitment, and what its models have in common.

use seedbed_sim::Process;

use crate::parts::client::Client;
use crate::transactions::TxId;
use crate::transactions::commitment::journal::Entry;
use crate::transactions::commitment::ledger::Ledger;
use crate::transactions::commitment::protocol::{Phase, Protocol};
use crate::transactions::commitment::resource_manager::ResourceManager;
use crate::transactions::commitment::transaction_manager::TransactionManager;
use crate::transactions::commitment::work::{Op, Ret};

/// A protocol with its roles.
pub trait Roles: Protocol {
    /// The phases that a coordinator takes a transaction through.
    type Phase: Phase;
    /// The role that decides.
    type Coordinator: Process<Message = Self::Message, Timer = Self::Timer, Record = Self::Record, Op = Op, Ret = Ret>
        + AsRef<TransactionManager<Self, Self::Phase>>;
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
            Node::Coordinator(coordinator) => coordinator.as_ref().journal().entries(),
            Node::Participant(participant) => participant.as_ref().journal().entries(),
            Node::Client(_) => &[],
        }
    }

    /// The transactions for which it has something left to do, ascending.
    pub fn open(&self) -> Vec<TxId> {
        match self {
            Node::Coordinator(coordinator) => coordinator.as_ref().open().collect(),
            Node::Participant(participant) => {
                let states = participant.as_ref().ledger().states();
                states.filter(|(_, state)| !state.is_settled()).map(|(tx, _)| tx).collect()
            }
            Node::Client(_) => Vec::new(),
        }
    }

    /// A participant's store and the states of its transactions.
    pub fn ledger(&self) -> Option<&Ledger> {
        Some(self.participant()?.as_ref().ledger())
    }
}
