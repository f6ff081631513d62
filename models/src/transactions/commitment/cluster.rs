//! Who is there: coordinators `n0` …, then participants, then clients.

use proptest::prelude::*;
use seedbed_sim::{Crashes, NodeId, Operation, Time};
use serde::{Deserialize, Serialize};

use crate::transactions::commitment::work::{self, Op};
use crate::transactions::store::Store;
use crate::transactions::transfer::{INITIAL_BALANCE, keys_of};

/// How many there are of each; and of accounts, which are spread over the participants. Each client has its coordinator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cluster {
    /// Coordinators.
    pub coordinators: u16,
    /// Participants.
    pub participants: u16,
    /// Clients.
    pub clients: u16,
    /// Accounts.
    pub accounts: u16,
}

impl Default for Cluster {
    fn default() -> Self {
        Cluster { coordinators: 2, participants: 3, clients: 3, accounts: 6 }
    }
}

/// What a node is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seat {
    /// It coordinates.
    Coordinator {
        /// Among these.
        participants: Vec<NodeId>,
    },
    /// It keeps accounts.
    Participant {
        /// What is in them at the beginning.
        store: Store,
        /// How many participants there are.
        among: usize,
    },
    /// It asks.
    Client {
        /// Whom; nobody if a shrunk scenario has no coordinator.
        coordinator: Option<NodeId>,
    },
}

impl Cluster {
    /// How many nodes there are.
    pub fn size(&self) -> usize {
        usize::from(self.coordinators) + usize::from(self.participants) + usize::from(self.clients)
    }

    /// What a node is for. Coordinators and participants are those that the scenario has: a trace that was shrunk tells of
    /// a smaller cluster.
    pub fn seat(&self, node: NodeId, nodes: &[NodeId]) -> Seat {
        let (first, last) = (self.coordinators, self.coordinators + self.participants);
        let participants: Vec<NodeId> = nodes.iter().copied().filter(|node| (first..last).contains(&node.0)).collect();
        if node.0 < first {
            return Seat::Coordinator { participants };
        }
        if let Some(place) = participants.iter().position(|participant| *participant == node) {
            let keys = keys_of(place as u16, participants.len() as u16, self.accounts);
            return Seat::Participant { store: Store::new(keys, INITIAL_BALANCE), among: participants.len() };
        }
        let coordinators: Vec<NodeId> = nodes.iter().copied().filter(|node| node.0 < first).collect();
        let place = usize::from(node.0 - last) % coordinators.len().max(1);
        Seat::Client { coordinator: coordinators.get(place).copied() }
    }

    /// What is wrong with these numbers, if anything.
    pub fn problem(&self) -> Option<&'static str> {
        match self {
            Cluster { coordinators: 0, .. } => Some("there must be at least one coordinator"),
            Cluster { participants: 0, .. } => Some("there must be at least one participant"),
            _ => None,
        }
    }

    /// The same with as many participants as make `nodes` nodes.
    ///
    /// # Errors
    /// If there cannot be that many.
    pub fn of(self, nodes: usize) -> Result<Self, String> {
        let others = usize::from(self.coordinators) + usize::from(self.clients);
        let participants = nodes.checked_sub(others).and_then(|n| u16::try_from(n).ok()).filter(|n| *n > 0);
        match participants {
            Some(participants) => Ok(Cluster { participants, ..self }),
            None => Err(format!("with {others} coordinators and clients, {nodes} nodes are too few or too many")),
        }
    }

    /// All but the clients, and that all of them may be down at once: logs are enough.
    pub fn crashes(&self) -> Crashes {
        Crashes::any(0..self.coordinators + self.participants)
    }

    /// Transfers and audits; see [`work::workload`].
    pub fn workload(&self, count: std::ops::Range<usize>, until: Time) -> BoxedStrategy<Vec<Operation<Op>>> {
        match self.can_work() {
            true => work::workload(self.client_numbers(), self.accounts, count, until),
            false => Just(Vec::new()).boxed(),
        }
    }

    fn can_work(&self) -> bool {
        self.clients > 0 && self.accounts >= 2
    }

    /// The numbers of the clients' nodes.
    pub fn client_numbers(&self) -> std::ops::Range<u16> {
        let others = self.coordinators + self.participants;
        others..others + self.clients
    }
}
