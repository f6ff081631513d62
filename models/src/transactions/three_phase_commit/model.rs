//! The model: coordinators, participants with accounts, and clients that move money between them.

use proptest::prelude::*;
use seedbed_sim::{FaultClass, Info, Model, NodeId, Operation, Phases, Span, Tolerance};
use serde::{Deserialize, Serialize};

use crate::transactions::commitment::{self, Cluster, Commits, Op, Roles, State};
use crate::transactions::three_phase_commit::bugs::Bug;
use crate::transactions::three_phase_commit::coordinator::{Coordinator, Phase};
use crate::transactions::three_phase_commit::marks;
use crate::transactions::three_phase_commit::messages::ThreePhase;
use crate::transactions::three_phase_commit::participant::Participant;
use crate::transactions::three_phase_commit::settings::Settings;
use crate::transactions::three_phase_commit::termination::Part;

/// The configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ThreePhaseCommit {
    /// The nodes.
    pub cluster: Cluster,
    /// The bound on delays.
    pub settings: Settings,
    /// After how long a client sends an unanswered request again.
    #[serde(alias = "patience")]
    pub request_timeout: Span,
}

impl Default for ThreePhaseCommit {
    fn default() -> Self {
        ThreePhaseCommit { cluster: Cluster::default(), settings: Settings::default(), request_timeout: Span::ms(200) }
    }
}

/// A coordinator, a participant, or a client.
pub type Node = commitment::Node<ThreePhase>;

impl Roles for ThreePhase {
    type Phase = Phase;
    type Coordinator = Coordinator;
    type Participant = Participant;
}

impl Commits for ThreePhaseCommit {
    type Protocol = ThreePhase;

    fn cluster(&self) -> &Cluster {
        &self.cluster
    }
}

impl Model for ThreePhaseCommit {
    type Process = Node;

    const INFO: Info = Info {
        name: "three_phase_commit",
        row: "C25",
        family: "transactions",
        summary: "Non-blocking atomic commitment where delays are bounded (Skeen 1981).",
        sources: &[
            "Skeen, *Nonblocking Commit Protocols*, SIGMOD 1981",
            "Bernstein, Hadzilacos & Goodman, *Concurrency Control and Recovery in Database Systems*, 1987, section 7.5",
        ],
        tolerates: &[FaultClass::Crash],
        // A node that crashes while it tells others something leaves some who know it and some who do not; one that crashes
        // before it has voted knows as little of the others as they of it.
        roles: &["telling", "unvoted", "half voted", "in doubt", "elected"],
        bugs: Bug::LISTED,
        marks: &[marks::MARKS, commitment::marks::MARKS],
    };

    fn size(&self) -> usize {
        self.cluster.size()
    }

    fn spawn(&self, node: NodeId, nodes: &[NodeId]) -> Node {
        let coordinator = |participants| Coordinator::new(participants, self.settings);
        let participant = |store, participants| Participant::new(store, participants, self.settings);
        self.cluster.spawn(node, nodes, self.request_timeout, coordinator, participant)
    }

    fn validate_op(&self, op: &Op) -> Result<(), String> {
        op.validate(self.cluster.accounts)
    }

    fn is_client(&self, node: NodeId) -> bool {
        self.cluster.client_numbers().contains(&node.0)
    }

    fn validate(&self) -> Result<(), String> {
        let (Settings { delta, gap }, participants) = (self.settings, self.cluster.participants);
        if delta == Span::ZERO || self.request_timeout == Span::ZERO {
            return Err("delta and request_timeout must be above 0".into());
        }
        // The timeouts leave a quarter of δ for a message that waits until an earlier broadcast is finished.
        if gap * u64::from(participants) * 4 > delta {
            return Err(format!("gap {gap} is too long for {participants} participants and delta {delta}"));
        }
        self.cluster.validate()
    }

    /// Changes how many participants there are; coordinators and clients stay.
    fn set_nodes(&mut self, nodes: usize) -> Result<(), String> {
        self.cluster = self.cluster.of(nodes)?;
        Ok(())
    }

    fn tolerance(&self) -> Tolerance {
        Tolerance { crashes: self.cluster.crashes(), delay: Some(self.settings.delta), ..self.usual_tolerance() }
    }

    fn sizes(&self) -> Vec<Self> {
        Cluster::sizes().into_iter().map(|cluster| ThreePhaseCommit { cluster, ..self.clone() }).collect()
    }

    fn reaction_time(&self) -> Span {
        self.settings.coordinator_timeout(usize::from(self.cluster.participants))
    }

    fn holds(&self, process: &Node, role: &str) -> Option<u64> {
        let holds = match (process, role) {
            (Node::Coordinator(coordinator), "telling") => coordinator.is_telling(),
            (Node::Coordinator(coordinator), "half voted") => {
                coordinator.phases().any(|phase| matches!(phase, Phase::Voting(votes) if votes.partial()))
            }
            (Node::Participant(participant), "telling") => participant.is_telling(),
            (Node::Participant(participant), "unvoted") => {
                let mut states = participant.ledger().states();
                states.any(|(_, state)| matches!(state, State::Working(_) | State::Unable))
            }
            (Node::Participant(participant), "elected") => {
                participant.parts().any(|part| matches!(part, Part::Asks { .. }))
            }
            (Node::Participant(participant), "in doubt") => participant.parts().next().is_some(),
            _ => false,
        };
        holds.then_some(0)
    }

    /// Timeouts that follow the bound and some that are longer, and broadcasts with and without a gap.
    fn variants(&self) -> BoxedStrategy<Self> {
        let model = self.clone();
        (prop_oneof![4 => Just(1u64), 1 => Just(2)], prop::bool::weighted(0.8))
            .prop_map(move |(times, apart)| {
                let Settings { delta, gap } = model.settings;
                let settings = Settings { delta: delta * times, gap: if apart { gap } else { Span::ZERO } };
                ThreePhaseCommit { settings, ..model.clone() }
            })
            .boxed()
    }

    fn phases(&self) -> Phases {
        Phases { chaos: Span::ms(1_500), settle: Span::secs(3) }
    }

    fn workload(&self) -> BoxedStrategy<Vec<Operation<Op>>> {
        self.cluster.workload(16..60, self.phases().heal_at())
    }
}
