//! The model: coordinators, participants with accounts, and clients that move money between them.

use std::collections::BTreeSet;

use proptest::prelude::*;
use seedbed_sim::{Context, FaultClass, Info, Model, NodeId, OpId, Operation, Phases, Process, Span, Tolerance};
use serde::{Deserialize, Serialize};

use crate::transactions::TxId;
use crate::transactions::commitment::{Client, Cluster, Decision, Entry, Op, Ret, Seat, Standing, ledger};
use crate::transactions::store::Key;
use crate::transactions::three_phase_commit::bugs::Bug;
use crate::transactions::three_phase_commit::coordinator::{Coordinator, Phase};
use crate::transactions::three_phase_commit::marks;
use crate::transactions::three_phase_commit::messages::{Message, Timer};
use crate::transactions::three_phase_commit::participant::{Part, Participant};
use crate::transactions::three_phase_commit::settings::Settings;
use crate::transactions::transfer::{Transfer, Transfers};

pub use crate::transactions::commitment::ledger::LOG;

/// The configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ThreePhaseCommit {
    /// Who is there.
    pub cluster: Cluster,
    /// How the protocol is tuned.
    pub settings: Settings,
    /// How long a client waits before it asks again.
    pub patience: Span,
    /// The planted bug.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bug: Option<Bug>,
}

impl Default for ThreePhaseCommit {
    fn default() -> Self {
        ThreePhaseCommit {
            cluster: Cluster::default(),
            settings: Settings::default(),
            patience: Span::ms(200),
            bug: None,
        }
    }
}

/// A lock of a transaction that is not decided keeps readers out.
impl Transfers for ThreePhaseCommit {
    fn clients(&self) -> std::ops::Range<u16> {
        self.cluster.client_numbers()
    }

    fn account_count(&self) -> u16 {
        self.cluster.accounts
    }

    fn request(transfer: Transfer) -> Op {
        transfer.into()
    }

    fn moved(answer: &Ret) -> bool {
        matches!(answer, Ret::Committed { .. })
    }

    fn accounts(process: &Node) -> Vec<(Key, Option<i64>)> {
        let ledgers = process.participant().into_iter().map(Participant::ledger);
        ledgers.flat_map(|ledger| ledger.store().readable()).collect()
    }
}

/// A coordinator, a participant, or a client.
// Most nodes are participants: a box would cost more than the room that clients waste.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug, Hash)]
pub enum Node {
    /// Decides.
    Coordinator(Coordinator),
    /// Votes.
    Participant(Participant),
    /// Asks.
    Client(Client),
}

impl Node {
    /// The participant, if it is one.
    pub fn participant(&self) -> Option<&Participant> {
        match self {
            Node::Participant(participant) => Some(participant),
            _ => None,
        }
    }

    /// What it has said and decided in this life.
    pub fn journal(&self) -> &[Entry] {
        match self {
            Node::Coordinator(coordinator) => coordinator.journal().entries(),
            Node::Participant(participant) => participant.ledger().journal().entries(),
            Node::Client(_) => &[],
        }
    }
}

/// One record of a log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Record {
    /// A participant's.
    Participant(ledger::Record),
    /// A coordinator begins another life.
    Life,
    /// A coordinator asks for votes.
    Start {
        /// On what.
        tx: TxId,
        /// Whose.
        participants: Vec<NodeId>,
    },
    /// A coordinator decides, or learns what others have decided.
    Decision {
        /// On what.
        tx: TxId,
        /// What.
        decision: Decision,
    },
    /// An elected coordinator goes on with those who have not fallen.
    View {
        /// With what.
        tx: TxId,
        /// With whom.
        members: BTreeSet<NodeId>,
    },
}

impl Record {
    /// The record of a participant, if it is one.
    pub fn of_participant(&self) -> Option<&ledger::Record> {
        match self {
            Record::Participant(record) => Some(record),
            _ => None,
        }
    }
}

impl From<ledger::Record> for Record {
    fn from(record: ledger::Record) -> Self {
        Record::Participant(record)
    }
}

impl Process for Node {
    type Message = Message;
    type Timer = Timer;
    type Record = Record;
    type Op = Op;
    type Ret = Ret;

    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        match self {
            Node::Coordinator(coordinator) => coordinator.start(ctx),
            Node::Participant(participant) => participant.start(ctx),
            Node::Client(_) => {}
        }
    }

    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: Message) {
        match self {
            Node::Coordinator(coordinator) => coordinator.message(ctx, from, message),
            Node::Participant(participant) => participant.message(ctx, from, message),
            Node::Client(client) => match message {
                Message::Answer(answer) => client.answered(ctx, answer),
                message => panic!("a client is not sent this: {from} sent it {message:?}"),
            },
        }
    }

    fn timer(&mut self, ctx: &mut Context<'_, Self>, timer: Timer) {
        match self {
            Node::Coordinator(coordinator) => coordinator.timer(ctx, timer),
            Node::Participant(participant) => participant.timer(ctx, timer),
            Node::Client(client) => {
                ctx.mark(marks::REQUEST_ASKED_AGAIN);
                client.ask(ctx);
            }
        }
    }

    fn synced(&mut self, ctx: &mut Context<'_, Self>) {
        match self {
            Node::Coordinator(coordinator) => coordinator.synced(ctx),
            Node::Participant(participant) => participant.synced(ctx),
            Node::Client(_) => {}
        }
    }

    fn invoke(&mut self, ctx: &mut Context<'_, Self>, op: OpId, input: Op) {
        match self {
            Node::Client(client) => client.invoke(ctx, op, input),
            _ => panic!("operations are for clients: {op:?} came to {}", ctx.id()),
        }
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
        // Who falls while it tells others something leaves some who know it and some who do not; and who falls before it
        // has voted knows as little of the others as they of it.
        roles: &["telling", "unvoted", "half voted", "in doubt", "elected"],
        bugs: Bug::LISTED,
        marks: &[marks::MARKS, ledger::MARKS],
    };

    fn size(&self) -> usize {
        self.cluster.size()
    }

    fn spawn(&self, node: NodeId, nodes: &[NodeId]) -> Node {
        let (settings, bug) = (self.settings, self.bug);
        match self.cluster.seat(node, nodes) {
            Seat::Coordinator { participants } => Node::Coordinator(Coordinator::new(participants, settings, bug)),
            Seat::Participant { store, among } => Node::Participant(Participant::new(store, among, settings, bug)),
            Seat::Client { coordinator } => Node::Client(Client::new(coordinator, self.patience)),
        }
    }

    fn validate(&self) -> Result<(), String> {
        let Settings { delta, gap } = self.settings;
        if delta == Span::ZERO || self.patience == Span::ZERO {
            return Err("delta and patience must be above 0".into());
        }
        // The timeouts leave a quarter of δ for a word that waits until others have been told something else.
        if gap * u64::from(self.cluster.participants) * 4 > delta {
            return Err(format!(
                "gap {gap} is too long for {} participants and delta {delta}",
                self.cluster.participants
            ));
        }
        self.cluster.problem().map_or(Ok(()), |problem| Err(problem.into()))
    }

    fn bug(&self) -> Option<&'static str> {
        self.bug.map(Bug::name)
    }

    fn set_bug(&mut self, bug: Option<&'static str>) {
        self.bug = Bug::planted(bug);
    }

    /// Changes how many participants there are; coordinators and clients stay.
    fn set_nodes(&mut self, nodes: usize) -> Result<(), String> {
        self.cluster = self.cluster.of(nodes)?;
        Ok(())
    }

    fn tolerance(&self) -> Tolerance {
        Tolerance { crashes: self.cluster.crashes(), delay: Some(self.settings.delta), ..Tolerance::of(self) }
    }

    fn reaction_time(&self) -> Span {
        self.settings.silence(usize::from(self.cluster.participants))
    }

    fn holds(&self, process: &Node, role: &str) -> Option<u64> {
        let holds = match (process, role) {
            (Node::Coordinator(coordinator), "telling") => {
                coordinator.speaks(|phase| !matches!(phase, Phase::Voting { .. }))
            }
            (Node::Coordinator(coordinator), "half voted") => coordinator
                .phases()
                .any(|phase| matches!(phase, Phase::Voting { waiting, yes } if !waiting.is_empty() && !yes.is_empty())),
            (Node::Participant(participant), "telling") => participant.speaks(),
            (Node::Participant(participant), "unvoted") => {
                participant.ledger().any(|standing| matches!(standing, Standing::Working(_) | Standing::Unable))
            }
            (Node::Participant(participant), "elected") => {
                participant.parts().any(|part| matches!(part, Part::Asks { .. }))
            }
            (Node::Participant(participant), "in doubt") => participant.parts().next().is_some(),
            _ => false,
        };
        holds.then_some(0)
    }

    /// Timeouts that follow the bound and some that are longer, and words that are told at once and one after the other.
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
