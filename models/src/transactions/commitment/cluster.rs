//! The nodes of a world: coordinators `n0` …, then participants, then clients.

use proptest::prelude::*;
use seedbed_sim::{Crashes, NodeId, Operation, Span, Time};
use serde::{Deserialize, Serialize};

use crate::parts::bounds::{MOST_KEYS, at_most};
use crate::parts::client::Client;
use crate::transactions::commitment::node::{Node, Roles};
use crate::transactions::commitment::work::{self, Op};
use crate::transactions::store::Store;
use crate::transactions::transfer::{INITIAL_BALANCE, keys_of};

/// How many nodes of each role there are, and how many accounts, which are spread over the participants.
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

impl Cluster {
    /// How many nodes there are.
    pub fn size(&self) -> usize {
        usize::from(self.coordinators) + usize::from(self.participants) + usize::from(self.clients)
    }

    /// The process of a node. Coordinators and participants are those that the scenario has: a trace that was shrunk has
    /// fewer. `participant` is given its store and how many participants there are.
    pub fn spawn<P: Roles>(
        &self,
        node: NodeId,
        nodes: &[NodeId],
        request_timeout: Span,
        coordinator: impl FnOnce(Vec<NodeId>) -> P::Coordinator,
        participant: impl FnOnce(Store, usize) -> P::Participant,
    ) -> Node<P> {
        let (first, last) = (self.coordinators, self.coordinators + self.participants);
        let participants: Vec<NodeId> = nodes.iter().copied().filter(|node| (first..last).contains(&node.0)).collect();
        if node.0 < first {
            return Node::Coordinator(coordinator(participants));
        }
        if let Some(place) = participants.iter().position(|participant| *participant == node) {
            let keys = keys_of(place as u16, participants.len() as u16, self.accounts);
            return Node::Participant(participant(Store::new(keys, INITIAL_BALANCE), participants.len()));
        }
        // Each client has its coordinator; none if a shrunk scenario has no coordinators.
        let coordinators: Vec<NodeId> = nodes.iter().copied().filter(|node| node.0 < first).collect();
        let place = usize::from(node.0 - last) % coordinators.len().max(1);
        Node::Client(Client::new(coordinators.get(place).copied().into_iter().collect(), request_timeout))
    }

    /// Whether a world can have this many.
    ///
    /// # Errors
    /// What there must be more of, or less.
    pub fn validate(&self) -> Result<(), String> {
        match self {
            Cluster { coordinators: 0, .. } => Err("there must be at least one coordinator".into()),
            Cluster { participants: 0, .. } => Err("there must be at least one participant".into()),
            _ => at_most("accounts", self.accounts, MOST_KEYS),
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

    /// All nodes may crash, and all of them at once: logs are enough, and clients that have forgotten what they asked for ask
    /// for other things.
    pub fn crashes(&self) -> Crashes {
        Crashes::any(0..self.coordinators + self.participants).and_clients(self.client_numbers().map(NodeId))
    }

    /// Other sizes: from one node a role to six participants, and more clients than coordinators or accounts.
    pub fn sizes() -> Vec<Cluster> {
        let sizes = [(1, 1, 1, 2), (1, 2, 4, 6), (2, 1, 3, 3), (3, 4, 6, 8), (2, 6, 3, 13), (1, 3, 8, 4)];
        let cluster =
            |(coordinators, participants, clients, accounts)| Cluster { coordinators, participants, clients, accounts };
        sizes.map(cluster).to_vec()
    }

    /// Transfers and audits; see [`work::workload`].
    pub fn workload(&self, count: std::ops::Range<usize>, until: Time) -> BoxedStrategy<Vec<Operation<Op>>> {
        if self.clients > 0 && self.accounts >= 2 {
            work::workload(self.client_numbers(), self.accounts, count, until)
        } else {
            Just(Vec::new()).boxed()
        }
    }

    /// The numbers of the clients' nodes.
    pub fn client_numbers(&self) -> std::ops::Range<u16> {
        let others = self.coordinators + self.participants;
        others..others + self.clients
    }
}
