//! The model: a group of members, each with its own client.

use proptest::prelude::*;
use seedbed_sim::{
    FaultClass, Info, Model, NodeId, Phases, Roles, Setting, Skew, Span, Time, Tolerance, Workload, workload,
};
use serde::{Deserialize, Serialize};

use crate::communication::ordering::bugs::Bug;
use crate::communication::ordering::marks;
use crate::communication::ordering::member::{Member, SEQUENCER};
use crate::communication::ordering::messages::{Message, Op, Record, Ret, Timer};
use crate::communication::ordering::on_raft::OnRaft;
use crate::communication::ordering::orders::Order;
use crate::communication::ordering::settings::Settings;
use crate::parts::bounds::at_most;
use crate::parts::wal;
use crate::replication::raft;
use crate::replication::raft::membership::Membership;

/// By how much clocks may be off, and what they may drift, in parts per million: hybrid clocks are judged by it.
pub const SKEW: Skew = Skew { offset: Span::ms(20), drift_ppm: 250 };
/// Inside the bound no clock is further from the true time than this, in a run of up to 80 s.
pub const CLOCK_ERROR: Span = Span::ms(40);

/// The most members of a group. Each member remembers what each other has told of the messages of every member, and each message has
/// times with a count for every member: this grows with the third power.
pub const MOST_MEMBERS: u16 = 64;

/// The configuration: members `n0`, `n1`, and so on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ordering {
    /// In which order members deliver.
    pub order: Order,
    /// How many members.
    pub members: u16,
    /// After how long a member tells the others again what it has, or submits again what is not delivered.
    pub repair: Span,
}

impl Default for Ordering {
    fn default() -> Self {
        Ordering { order: Order::Causal, members: 4, repair: Span::ms(60) }
    }
}

impl Ordering {
    /// The same in another order.
    pub fn of(order: Order) -> Self {
        Ordering { order, ..Ordering::default() }
    }

    /// The orders in which a planted bug can show.
    fn concerned(bug: Bug) -> &'static [Order] {
        match bug {
            Bug::NoMergeOnReceive
            | Bug::VectorRestartsAtZero
            | Bug::HlcIgnoresRemote
            | Bug::DeliveriesForgotten
            | Bug::AnsweredBeforeSync => &Order::ALL,
            Bug::AnswersOnce => &[Order::Reliable, Order::Fifo, Order::Causal, Order::Sequencer],
            Bug::GapSkipped => &[Order::Fifo],
            Bug::OtherCausesIgnored | Bug::CausalBufferDropsTies => &[Order::Causal],
            Bug::AssignsBeforeSync => &[Order::Sequencer],
        }
    }

    fn variants_of(&self, orders: &'static [Order]) -> BoxedStrategy<Self> {
        let model = self.clone();
        let repair = prop_oneof![2 => Just(self.repair), 1 => Just(Span::ms(10)), 1 => Just(Span::ms(200))];
        (prop::sample::select(orders), repair)
            .prop_map(move |(order, repair)| Ordering { order, repair, ..model.clone() })
            .boxed()
    }
}

/// A member.
// Worlds have few nodes, and all of one kind: a box would cost more than the room.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug, Hash, Roles)]
#[roles(Message, Timer, Record, Op, Ret)]
pub enum Node {
    /// It disseminates messages by itself.
    Member(Member),
    /// It has a server of a Raft group.
    OnRaft(OnRaft),
}

impl Model for Ordering {
    type Process = Node;

    const INFO: Info = Info {
        name: "ordering",
        row: "C08",
        family: "communication",
        summary: "Logical clocks, and broadcast in any order: reliable, FIFO, causal, total by a sequencer or by agreement.",
        sources: &[
            "Lamport, *Time, Clocks, and the Ordering of Events in a Distributed System*, 1978",
            "Mattern, *Virtual Time and Global States of Distributed Systems*, 1989",
            "Birman, Schiper & Stephenson, *Lightweight Causal and Atomic Group Multicast*, 1991",
            "Hadzilacos & Toueg, *A Modular Approach to Fault-Tolerant Broadcasts and Related Problems*, 1994",
            "Kulkarni, Demirbas, Madappa, Avva & Leone, *Logical Physical Clocks*, OPODIS 2014",
            "Cachin, Guerraoui & Rodrigues, *Introduction to Reliable and Secure Distributed Programming*, 2011",
        ],
        tolerates: &FaultClass::USUAL,
        roles: &["sequencer", "ahead"],
        bugs: Bug::LISTED,
        marks: &[marks::MARKS, wal::MARKS],
    };

    fn size(&self) -> usize {
        self.members.into()
    }

    fn spawn(&self, node: NodeId, nodes: &[NodeId]) -> Node {
        if self.order == Order::Agreement {
            let group = Membership::of(nodes.iter().copied());
            let server = raft::Server::new(node, group, raft::Settings::default());
            return Node::OnRaft(OnRaft::new(node, self.size(), server, self.repair));
        }
        let peers = nodes.iter().copied().filter(|peer| *peer != node).collect();
        let settings = Settings { members: self.members, order: self.order, repair: self.repair };
        Node::Member(Member::new(node, peers, settings))
    }

    fn validate(&self) -> Result<(), String> {
        match self {
            Ordering { members: 0, .. } => Err("ordering needs at least one member".into()),
            Ordering { members, .. } if *members > MOST_MEMBERS => at_most("members", *members, MOST_MEMBERS.into()),
            Ordering { repair: Span::ZERO, .. } => Err("repair must be above zero".into()),
            _ => Ok(()),
        }
    }

    fn settings() -> &'static [Setting] {
        &[Setting { name: "order", what: Order::NAMES }]
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "order" => self.order = value.parse()?,
            _ => return Err(format!("ordering has nothing to set called '{name}'")),
        }
        Ok(())
    }

    fn set_nodes(&mut self, nodes: usize) -> Result<(), String> {
        self.members =
            u16::try_from(nodes).ok().filter(|members| *members > 0).ok_or("ordering needs at least one member")?;
        Ok(())
    }

    fn tolerance(&self) -> Tolerance {
        Tolerance { skew: SKEW, ..self.usual_tolerance() }
    }

    /// A sole member, and up to seven.
    fn sizes(&self) -> Vec<Self> {
        [1, 2, 3, 7].map(|members| Ordering { members, ..self.clone() }).to_vec()
    }

    fn reaction_time(&self) -> Span {
        if self.order == Order::Agreement { Span::ms(150) } else { self.repair }
    }

    fn holds(&self, process: &Node, role: &str) -> Option<u64> {
        match (process, role) {
            (Node::Member(member), "sequencer") => member.is_sequencer().then_some(u64::from(SEQUENCER.0)),
            (Node::Member(member), "ahead") => Some(member.behind() as u64).filter(|behind| *behind > 0),
            (Node::OnRaft(member), "sequencer") => member.server().is_leader().then(|| member.server().term().0),
            _ => None,
        }
    }

    /// All orders; repairs in haste and at leisure.
    fn variants(&self) -> BoxedStrategy<Self> {
        self.variants_of(&Order::ALL)
    }

    fn variants_with(&self, bug: &'static str) -> BoxedStrategy<Self> {
        self.variants_of(Ordering::concerned(Bug::named(bug).expect("the model lists it")))
    }

    fn phases(&self) -> Phases {
        Phases { chaos: Span::ms(1_500), settle: Span::secs(3) }
    }

    fn workload(&self) -> BoxedStrategy<Workload<Self>> {
        let until = Time::ZERO + Span(self.phases().chaos.0 * 9 / 10);
        workload(0..self.members, 6..24, until, (1u32..100).prop_map(Op::Broadcast))
    }
}
