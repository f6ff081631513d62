//! The model: coordinators, participants with accounts, and clients that move money between them.

use std::collections::BTreeSet;

use proptest::prelude::*;
use seedbed_sim::{Context, FaultClass, Info, Model, NodeId, OpId, Operation, Phases, Process, Span, Tolerance};
use serde::{Deserialize, Serialize};

use crate::parts::wal;
use crate::transactions::TxId;
use crate::transactions::commitment::{Client, Cluster, Decision, Entry, Op, Ret, Seat, Standing, ledger};
use crate::transactions::store::Key;
use crate::transactions::transfer::{Transfer, Transfers};
use crate::transactions::two_phase_commit::bugs::Bug;
use crate::transactions::two_phase_commit::coordinator::{Coordinator, Phase};
use crate::transactions::two_phase_commit::marks;
use crate::transactions::two_phase_commit::messages::{Message, Timer};
use crate::transactions::two_phase_commit::participant::Participant;
use crate::transactions::two_phase_commit::settings::{Presumption, Settings};

pub use crate::transactions::commitment::ledger::LOG;

/// The configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TwoPhaseCommit {
    /// Who is there.
    pub cluster: Cluster,
    /// How the protocol is tuned.
    pub settings: Settings,
    /// How long a client waits before it asks again.
    pub patience: Span,
    /// A demand that this protocol cannot meet where coordinators crash: that no participant that is up is in doubt for
    /// longer than this. No demand, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_doubt_at_most: Option<Span>,
    /// The planted bug.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bug: Option<Bug>,
}

impl Default for TwoPhaseCommit {
    fn default() -> Self {
        TwoPhaseCommit {
            cluster: Cluster::default(),
            settings: Settings::default(),
            patience: Span::ms(200),
            in_doubt_at_most: None,
            bug: None,
        }
    }
}

impl TwoPhaseCommit {
    /// The usual cluster, with this presumption.
    pub fn presuming(presumption: Presumption) -> Self {
        let usual = TwoPhaseCommit::default();
        TwoPhaseCommit { settings: Settings { presumption, ..usual.settings }, ..usual }
    }
}

/// A lock of a transaction that is not decided keeps readers out.
impl Transfers for TwoPhaseCommit {
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
    /// A coordinator asks for votes; only in presumed commit.
    Collecting {
        /// On what.
        tx: TxId,
        /// Whose.
        participants: BTreeSet<NodeId>,
    },
    /// A coordinator decides.
    Decision {
        /// On what.
        tx: TxId,
        /// What.
        decision: Decision,
        /// Who has to be told.
        participants: BTreeSet<NodeId>,
    },
    /// All that have to know what is decided do.
    End {
        /// On what.
        tx: TxId,
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
        // A coordinator that collects votes leaves all in doubt if it falls; what it has just decided only it knows.
        roles: &["collecting", "in doubt", "deciding", "working"],
        bugs: Bug::LISTED,
        marks: &[marks::MARKS, wal::MARKS, ledger::MARKS],
    };

    fn size(&self) -> usize {
        self.cluster.size()
    }

    fn spawn(&self, node: NodeId, nodes: &[NodeId]) -> Node {
        let (settings, bug) = (self.settings, self.bug);
        match self.cluster.seat(node, nodes) {
            Seat::Coordinator { participants } => Node::Coordinator(Coordinator::new(participants, settings, bug)),
            Seat::Participant { store, .. } => Node::Participant(Participant::new(store, settings, bug)),
            Seat::Client { coordinator } => Node::Client(Client::new(coordinator, self.patience)),
        }
    }

    fn validate(&self) -> Result<(), String> {
        let Settings { late, resend, idle, doubt, .. } = self.settings;
        if [late, resend, idle, doubt, self.patience].contains(&Span::ZERO) {
            return Err("late, resend, idle, doubt and patience must be above 0".into());
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
        Tolerance::of(self).crashing(self.cluster.crashes())
    }

    fn reaction_time(&self) -> Span {
        self.settings.doubt
    }

    fn holds(&self, process: &Node, role: &str) -> Option<u64> {
        let count = match (process, role) {
            (Node::Coordinator(coordinator), "collecting") => {
                coordinator.phases().filter(|phase| matches!(phase, Phase::Voting { .. })).count()
            }
            (Node::Coordinator(coordinator), "deciding") => {
                coordinator.phases().filter(|phase| matches!(phase, Phase::Decided { .. })).count()
            }
            (Node::Participant(participant), "in doubt") => participant.ledger().undecided().count(),
            (Node::Participant(participant), "working") => {
                usize::from(participant.ledger().any(|standing| matches!(standing, Standing::Working(_))))
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
                let scaled = |span: Span| Span(span.0 * times / over);
                let Settings { late, resend, idle, doubt, .. } = model.settings;
                let settings = Settings {
                    presumption,
                    cooperative: cooperative && model.settings.cooperative,
                    read_only: read_only && model.settings.read_only,
                    late: scaled(late),
                    resend: scaled(resend),
                    idle: scaled(idle),
                    doubt: scaled(doubt),
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
