//! The model: a few replicas of one piece of data, each with its own client.

use proptest::prelude::*;
use seedbed_sim::{FaultClass, Info, Model, Named, NodeId, Operation, Phases, Skew, Span, Time, Tolerance, Workload};
use serde::{Deserialize, Serialize};

use crate::parts::bounds::{MOST_AT_A_TIME, at_most};
use crate::parts::wal;
use crate::replication::crdt::broadcast::Order;
use crate::replication::crdt::bugs::Bug;
use crate::replication::crdt::marks;
use crate::replication::crdt::replica::delta::DeltaReplica;
use crate::replication::crdt::replica::operation::OperationReplica;
use crate::replication::crdt::replica::state::StateReplica;
use crate::replication::crdt::replica::{Replica, Settings};
use crate::replication::crdt::types::Kind;

/// How updates get from one replica to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Named)]
#[serde(rename_all = "snake_case")]
pub enum Style {
    /// Whole states are gossiped.
    State,
    /// Operations are broadcast.
    Operation,
    /// Deltas are sent until they are acknowledged.
    Delta,
}

/// By how much clocks may be off, and what they may drift, in parts per million, where the last writer is to win.
pub const SKEW: Skew = Skew { offset: Span::ms(20), drift_ppm: 250 };
/// Inside the bound no clock is further from the true time than this, in a run of up to 80 s.
pub const CLOCK_ERROR: Span = Span::ms(40);

/// The configuration: a data type, a style, and so many replicas.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Crdt {
    /// The data type.
    pub kind: Kind,
    /// How updates get from one replica to another.
    pub style: Style,
    /// How many replicas.
    pub replicas: u16,
    /// How long a replica lets pass between telling one of the others and the next.
    pub interval: Span,
    /// The resolution of clocks: two that are read within it may show the same.
    pub resolution: Span,
    /// Delta style: how many deltas a replica keeps.
    pub buffer: usize,
    /// Operation-based: the order of delivery.
    pub order: Order,
    /// Operation-based: whether replicas forget what is causally stable.
    pub forgets: bool,
}

impl Default for Crdt {
    fn default() -> Self {
        Crdt {
            kind: Kind::AwSet,
            style: Style::State,
            replicas: 3,
            interval: Span::ms(30),
            resolution: Span::ms(1),
            buffer: 16,
            order: Order::Causal,
            forgets: false,
        }
    }
}

impl Crdt {
    /// A data type in a style.
    pub fn of(kind: Kind, style: Style) -> Self {
        Crdt { kind, style, ..Crdt::default() }
    }

    /// The data types and styles in which a planted bug can show.
    fn concerned(bug: Bug) -> (Vec<Kind>, Vec<Style>) {
        let (kinds, all) = (Kind::ALL.to_vec(), Style::ALL.to_vec());
        match bug {
            // Where operations come twice by name, the second is dropped as known.
            Bug::DotReuseAfterRestart => (kinds, vec![Style::State, Style::Delta]),
            Bug::RefusesTheFirst => (kinds, all),
            Bug::RecoversWithoutItsState => (kinds, vec![Style::State]),
            Bug::RemoveByValue => (vec![Kind::AwSet], vec![Style::Operation]),
            Bug::MergeBySum => (vec![Kind::GCounter], vec![Style::State, Style::Delta]),
            Bug::NoTieBreak => (vec![Kind::LwwRegister, Kind::LwwSet, Kind::LwwMap], all),
            Bug::DeltaGap => (kinds, vec![Style::Delta]),
            Bug::OpNotIdempotent => {
                (vec![Kind::GCounter, Kind::PnCounter, Kind::BoundedCounter], vec![Style::Operation])
            }
            Bug::TombstoneGcTooEarly | Bug::ReportsBeforeDurable => (kinds, vec![Style::Operation]),
            Bug::DatedByCount => (vec![Kind::LwwRegister, Kind::LwwSet, Kind::LwwMap], all),
            Bug::DrawnName => (kinds, vec![Style::Operation, Style::Delta]),
        }
    }

    fn variants_of(&self, kinds: Vec<Kind>, styles: Vec<Style>) -> BoxedStrategy<Self> {
        let model = self.clone();
        let resolution = prop_oneof![2 => Just(self.resolution), 1 => Just(Span::ms(100))];
        let buffer = prop_oneof![2 => Just(self.buffer), 1 => Just(2)];
        let interval = prop_oneof![2 => Just(self.interval), 1 => Just(Span::ms(10))];
        let rest = (resolution, buffer, interval, any::<bool>());
        (prop::sample::select(kinds), prop::sample::select(styles), rest)
            .prop_map(move |(kind, style, (resolution, buffer, interval, forgets))| {
                let forgets = forgets && style == Style::Operation;
                Crdt { kind, style, resolution, buffer, interval, forgets, ..model.clone() }
            })
            .boxed()
    }

    fn settings(&self, node: NodeId, nodes: &[NodeId]) -> Settings {
        // In turn from the next one on, so that not all tell the same one first.
        let (before, after): (Vec<_>, Vec<_>) =
            nodes.iter().filter(|peer| **peer != node).partition(|peer| **peer < node);
        Settings {
            kind: self.kind,
            peers: after.into_iter().chain(before).collect(),
            interval: self.interval,
            resolution: self.resolution,
            buffer: self.buffer,
            order: self.order,
            forgets: self.forgets,
        }
    }
}

impl Model for Crdt {
    type Process = Replica;

    const INFO: Info = Info {
        name: "crdt",
        row: "C16",
        family: "replication",
        summary: "Data that is replicated without coordination: counters, sets, registers, maps, text, in three styles.",
        sources: &[
            "Shapiro, Preguiça, Baquero & Zawirski, *Conflict-free Replicated Data Types*, SSS 2011",
            "Baquero, Almeida & Shoker, *Pure Operation-Based Replicated Data Types*, 2017",
            "Almeida, Shoker & Baquero, *Delta State Replicated Data Types*, 2018",
        ],
        tolerates: &[
            FaultClass::Loss,
            FaultClass::Dup,
            FaultClass::Reorder,
            FaultClass::Partition,
            FaultClass::Crash,
            FaultClass::Pause,
            FaultClass::Skew,
            FaultClass::Disk,
            FaultClass::Wipe,
        ],
        roles: &["ahead", "newcomer"],
        bugs: Bug::LISTED,
        marks: &[marks::MARKS, wal::MARKS],
    };

    fn size(&self) -> usize {
        usize::from(self.replicas)
    }

    fn spawn(&self, node: NodeId, nodes: &[NodeId]) -> Replica {
        let settings = self.settings(node, nodes);
        match self.style {
            Style::State => Replica::State(StateReplica::new(settings)),
            Style::Operation => Replica::Operation(OperationReplica::new(settings)),
            Style::Delta => Replica::Delta(DeltaReplica::new(settings)),
        }
    }

    fn validate(&self) -> Result<(), String> {
        match self {
            Crdt { replicas: 0, .. } => Err("crdt needs at least one replica".into()),
            Crdt { interval: Span::ZERO, .. } => Err("interval must be above zero".into()),
            Crdt { resolution: Span::ZERO, .. } => Err("resolution must be above zero".into()),
            Crdt { forgets: true, order: Order::Any, .. } => {
                Err("causal stability needs causal order; with order any, forgets must be false".into())
            }
            _ => at_most("buffer", self.buffer, MOST_AT_A_TIME),
        }
    }

    fn set_nodes(&mut self, nodes: usize) -> Result<(), String> {
        match nodes {
            0 => Err("crdt needs at least one replica".into()),
            nodes => {
                self.replicas = nodes as u16;
                Ok(())
            }
        }
    }

    /// Only where the last writer is to win do clocks matter: names of replicas do not rest on them.
    fn tolerance(&self) -> Tolerance {
        let any = Skew { offset: Span::secs(1), drift_ppm: 1_000 };
        let skew = if self.kind.is_last_writer_wins() { SKEW } else { any };
        Tolerance { skew, ..self.usual_tolerance() }
    }

    /// A sole replica, and up to seven.
    fn sizes(&self) -> Vec<Self> {
        [1, 2, 5, 7].map(|replicas| Crdt { replicas, ..self.clone() }).to_vec()
    }

    fn reaction_time(&self) -> Span {
        self.interval * 3
    }

    fn holds(&self, process: &Replica, role: &str) -> Option<u64> {
        match role {
            "newcomer" => (!process.is_member()).then_some(0),
            "ahead" if process.is_member() => Some(process.untold()).filter(|untold| *untold > 0),
            _ => None,
        }
    }

    /// All types in all styles; clocks so coarse that writes meet; room for few deltas; forgetting and not.
    fn variants(&self) -> BoxedStrategy<Self> {
        self.variants_of(Kind::ALL.to_vec(), Style::ALL.to_vec())
    }

    fn variants_with(&self, bug: &'static str) -> BoxedStrategy<Self> {
        let (kinds, styles) = Crdt::concerned(Bug::named(bug).expect("the model lists it"));
        self.variants_of(kinds, styles)
    }

    fn phases(&self) -> Phases {
        Phases { chaos: Span::ms(1_500), settle: Span::ms(2_000) }
    }

    fn workload(&self) -> BoxedStrategy<Workload<Self>> {
        let until = self.phases().heal_at().0 / 1_000_000;
        let client = (0..self.replicas).prop_map(NodeId);
        // Sometimes all of them at about the same time.
        let at = prop_oneof![2 => 100..until, 1 => (2..until / 100).prop_map(|n| n * 100)];
        let operation = (at, client, self.kind.updates(self.replicas));
        let operation = operation.prop_map(|(at, client, op)| Operation { at: Time::ms(at), client, op });
        prop::collection::vec(operation, 8..28)
            .prop_map(|mut operations| {
                operations.sort_by_cached_key(|operation| operation.at);
                operations
            })
            .boxed()
    }

    /// Each data type is asked for what it has.
    fn own_workload(&self) -> Option<BoxedStrategy<Workload<Self>>> {
        Some(self.workload())
    }
}
