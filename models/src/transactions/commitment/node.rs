//! The nodes of a world of atomic commitment, and what its models have in common.

use seedbed_sim::Process;

use crate::parts::client::Client;
use crate::transactions::commitment::journal::{Entry, Journal};
use crate::transactions::commitment::ledger::Ledger;
use crate::transactions::commitment::protocol::Protocol;
use crate::transactions::commitment::resource_manager::ResourceManager;
use crate::transactions::commitment::work::{Op, Ret};

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
}
