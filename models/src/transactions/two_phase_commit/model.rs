//! The model: coordinators, participants with accounts, and clients that move money between them.

use proptest::prelude::*;
use seedbed_sim::{FaultClass, Info, Model, NodeId, Operation, Phases, Span, Tolerance};
use serde::{Deserialize, Serialize};

use crate::parts::wal;
use crate::transactions::commitment::{self, Cluster, Commits, Op, Roles, State};
use crate::transactions::two_phase_commit::bugs::Bug;
use crate::transactions::two_phase_commit::coordinator::{Coordinator, Phase};
use crate::transactions::two_phase_commit::marks;
use crate::transactions::two_phase_commit::messages::TwoPhase;
use crate::transactions::two_phase_commit::participant::Participant;
use crate::transactions::two_phase_commit::settings::{Presumption, Settings};

/// The configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TwoPhaseCommit {
    /// The nodes.
    pub cluster: Cluster,
    /// The options and timeouts.
    pub settings: Settings,
    /// After how long a client sends an unanswered request again.
    #[serde(alias = "patience")]
    pub request_timeout: Span,
}

impl Default for TwoPhaseCommit {
    fn default() -> Self {
        TwoPhaseCommit { cluster: Cluster::default(), settings: Settings::default(), request_timeout: Span::ms(200) }
    }
}

impl TwoPhaseCommit {
    /// The usual cluster, with this presumption.
    pub fn presuming(presumption: Presumption) -> Self {
        let usual = TwoPhaseCommit::default();
        TwoPhaseCommit { settings: Settings { presumption, ..usual.settings }, ..usual }
    }
}

/// A coordinator, a participant, or a client.
pub type Node = commitment::Node<TwoPhase>;

impl Roles for TwoPhase {
    type Phase = Phase;
    type Coordinator = Coordinator;
    type Participant = Participant;
}

impl Commits for TwoPhaseCommit {
    type Protocol = TwoPhase;

    fn cluster(&self) -> &Cluster {
        &self.cluster
    }
}

impl Model for TwoPhaseCommit {
    type Process = Node;

    const INFO: Info = Info {
        name: "two_phase_commit",
        row: "C24",
        family: "transactions",
        summary: "Atomic commitment by votes and a decision (Gray 1978; Mohan, Lindsay & Obermarck 1986).",
        sources: &[
            "Gray, *Notes on Data Base Operating Systems*, 1978",
            "Mohan, Lindsay & Obermarck, *Transaction Management in the R\\* Distributed Database Management System*, 1986",
            "Bernstein, Hadzilacos & Goodman, *Concurrency Control and Recovery in Database Systems*, 1987, chapter 7",
        ],
        tolerates: &FaultClass::USUAL,
        // A coordinator that crashes while it collects votes leaves all in doubt; what it has just decided only it knows.
        roles: &["collecting", "in doubt", "deciding", "working"],
        bugs: Bug::LISTED,
        marks: &[marks::MARKS, commitment::marks::MARKS, wal::MARKS],
    };

    fn size(&self) -> usize {
        self.cluster.size()
    }

    fn spawn(&self, node: NodeId, nodes: &[NodeId]) -> Node {
        let coordinator = |participants| Coordinator::new(participants, self.settings);
        let participant = |store, _| Participant::new(store, self.settings);
        self.cluster.spawn(node, nodes, self.request_timeout, coordinator, participant)
    }

    fn validate_op(&self, op: &Op) -> Result<(), String> {
        op.validate(self.cluster.accounts)
    }

    fn is_client(&self, node: NodeId) -> bool {
        self.cluster.client_numbers().contains(&node.0)
    }

    fn validate(&self) -> Result<(), String> {
        let Settings { vote_timeout, resend_interval, idle_timeout, decision_timeout, .. } = self.settings;
        let timeouts = [vote_timeout, resend_interval, idle_timeout, decision_timeout, self.request_timeout];
        if timeouts.contains(&Span::ZERO) {
            return Err(
                "vote_timeout, resend_interval, idle_timeout, decision_timeout and request_timeout must be above 0"
                    .into(),
            );
        }
        self.cluster.validate()
    }

    /// Changes how many participants there are; coordinators and clients stay.
    fn set_nodes(&mut self, nodes: usize) -> Result<(), String> {
        self.cluster = self.cluster.of(nodes)?;
        Ok(())
    }

    fn tolerance(&self) -> Tolerance {
        self.usual_tolerance().crashing(self.cluster.crashes())
    }

    fn sizes(&self) -> Vec<Self> {
        Cluster::sizes().into_iter().map(|cluster| TwoPhaseCommit { cluster, ..self.clone() }).collect()
    }

    fn reaction_time(&self) -> Span {
        self.settings.decision_timeout
    }

    /// The more transactions, the higher the rank.
    fn holds(&self, process: &Node, role: &str) -> Option<u64> {
        let count = match (process, role) {
            (Node::Coordinator(coordinator), "collecting") => {
                coordinator.phases().filter(|phase| matches!(phase, Phase::Voting(_))).count()
            }
            (Node::Coordinator(coordinator), "deciding") => {
                coordinator.phases().filter(|phase| matches!(phase, Phase::Decided { .. })).count()
            }
            (Node::Participant(participant), "in doubt") => participant.ledger().in_doubt().count(),
            (Node::Participant(participant), "working") => {
                usize::from(participant.ledger().states().any(|(_, state)| matches!(state, State::Working(_))))
            }
            _ => 0,
        };
        (count > 0).then_some(count as u64)
    }

    /// Every presumption, the options on and off, and timeouts tighter than the network and wider than most faults.
    fn variants(&self) -> BoxedStrategy<Self> {
        let model = self.clone();
        let presumption = prop::sample::select(Presumption::ALL.to_vec());
        let scale = prop_oneof![1 => Just((1, 4)), 4 => Just((1, 1)), 1 => Just((3, 1))];
        (presumption, prop::bool::weighted(0.7), prop::bool::weighted(0.7), scale)
            .prop_map(move |(presumption, cooperative, read_only, (times, over))| {
                let settings = Settings {
                    presumption,
                    cooperative: cooperative && model.settings.cooperative,
                    read_only: read_only && model.settings.read_only,
                    ..model.settings.scaled(times, over)
                };
                TwoPhaseCommit { settings, ..model.clone() }
            })
            .boxed()
    }

    fn phases(&self) -> Phases {
        Phases { chaos: Span::ms(1_500), settle: Span::secs(3) }
    }

    fn workload(&self) -> BoxedStrategy<Vec<Operation<Op>>> {
        self.cluster.workload(8..36, self.phases().heal_at())
    }
}
