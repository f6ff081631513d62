//! The model: a home or a bus, and cores with their caches.

use std::sync::LazyLock;

use proptest::prelude::*;
use seedbed_sim::{
    Crashes, FaultClass, Info, Kinded, Latency, Model, NetworkConfig, NoDisk, NodeId, Phases, Roles, Setting, Span,
    Tolerance, Workload,
};
use serde::{Deserialize, Serialize};

use crate::caching::coherence::bugs::Bug;
use crate::caching::coherence::bus::Bus;
use crate::caching::coherence::controller::{Controller, Homes};
use crate::caching::coherence::core::{self, Core};
use crate::caching::coherence::home::Home;
use crate::caching::coherence::marks;
use crate::caching::coherence::messages::{Block, Data, Message, MessageKind, NodeSet, Op, Ret, Timer, VirtualNetwork};
use crate::caching::coherence::ports::{Inbox, Ports};
use crate::caching::coherence::processor::{self, Processor};
use crate::caching::coherence::protocol::{Interconnect, Protocol, combinations};
use crate::caching::coherence::settings::{Channels, Delays, LONG_DELAY, MemoryModel};
use crate::caching::coherence::setup::Setup;
use crate::caching::coherence::workload::{usual, with_long_delays, writing_distinct_values};
use crate::caching::litmus::{Litmus, Outcome, Program, classical};
use crate::parts::bounds::{at_most, exists};
use crate::parts::link::{self, Linked};

/// The configuration: the home or the bus `n0`, then the cores.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Coherence {
    /// The protocol.
    pub protocol: Protocol,
    /// The interconnect.
    pub interconnect: Interconnect,
    /// The memory model that the cores implement.
    pub memory: MemoryModel,
    /// The number of cores, each with a cache.
    pub cores: u8,
    /// The number of blocks that clients use.
    pub blocks: u8,
    /// The number of blocks that a cache has room for, where the protocol evicts blocks.
    pub capacity: u8,
    /// The litmus program that the cores run, if any: one of [`classical`]. Clients then use other blocks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub litmus: Option<String>,
    /// Bounds on the virtual channels between nodes, if they are bounded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channels: Option<Channels>,
    /// Whether the nodes have reliable links over a network that loses and duplicates messages.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub linked: bool,
    /// Whether the network reorders forwards, or the broadcasts of a bus, which it should not: a step beyond the tolerance.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub disordered: bool,
    /// The longest time between two instructions of a litmus program.
    pub think: Span,
    /// The longest time that a store stays in a store buffer without need.
    #[serde(default = "short", skip_serializing_if = "is_short")]
    pub drain: Span,
    /// The longest time that a message which no core waits for (an eviction, data to memory, the completion of a transaction)
    /// stays in an outgoing buffer, and a broadcast of the bus in a snoop queue; with zero there are no such buffers.
    #[serde(default, skip_serializing_if = "no_time")]
    pub lazy: Span,
}

fn no_time(span: &Span) -> bool {
    *span == Span::ZERO
}

fn short() -> Span {
    Span::ms(20)
}

fn is_short(span: &Span) -> bool {
    *span == short()
}

/// The most blocks of clients; a litmus program has some of its own.
const MOST_BLOCKS: u64 = 100;

/// The directory or the bus, with the memory.
pub const HOME: NodeId = NodeId(0);

impl Default for Coherence {
    fn default() -> Self {
        Coherence {
            protocol: Protocol::Msi,
            interconnect: Interconnect::Directory,
            memory: MemoryModel::Sc,
            cores: 4,
            blocks: 4,
            capacity: 2,
            litmus: None,
            channels: None,
            linked: false,
            disordered: false,
            think: Span::ms(20),
            drain: short(),
            lazy: Span::ZERO,
        }
    }
}

fn no_program(name: &str) -> String {
    let names: Vec<_> = CLASSICAL.iter().map(|litmus| litmus.program.name.as_str()).collect();
    format!("there is no litmus program '{name}'; there are: {}", names.join(", "))
}

/// The classical programs, made once.
static CLASSICAL: LazyLock<Vec<Litmus>> = LazyLock::new(classical);

/// The litmus program of this name.
pub fn program(name: &str) -> Option<&'static Litmus> {
    CLASSICAL.iter().find(|litmus| litmus.program.name == name)
}

impl Coherence {
    /// The same with this protocol on its usual interconnect.
    pub fn with(self, protocol: Protocol) -> Self {
        self.on(protocol, protocol.interconnects()[0])
    }

    /// The same with this protocol on this interconnect.
    pub fn on(self, protocol: Protocol, interconnect: Interconnect) -> Self {
        Coherence { protocol, interconnect, ..self }
    }

    /// The same with the cores of this litmus program, which they run. Stores may stay in the store buffers for as long as the
    /// threads of others take: otherwise some outcomes of TSO would hardly be seen where a miss takes long.
    pub fn running(self, litmus: &Litmus) -> Self {
        let locations = litmus.program.locations() as u8;
        Coherence {
            litmus: Some(litmus.program.name.clone()),
            cores: litmus.program.threads.len() as u8,
            capacity: locations,
            drain: Span(self.think.0 * 6),
            ..self
        }
    }

    /// The nodes that are processors.
    pub fn core_ids(&self) -> impl Iterator<Item = NodeId> + use<> {
        (1..=u16::from(self.cores)).map(NodeId)
    }

    /// Whether the interconnect is a bus.
    pub fn has_bus(&self) -> bool {
        self.interconnect == Interconnect::Bus
    }

    /// Where the homes of the blocks are.
    pub fn homes(&self) -> Homes {
        if self.protocol.is_distributed() { Homes::Distributed(self.cores.into()) } else { Homes::Central(HOME) }
    }

    /// The litmus program that the cores run.
    pub fn program(&self) -> Option<&'static Program> {
        self.litmus.as_deref().and_then(program).map(|litmus| &litmus.program)
    }

    /// The number of all blocks: the locations of the litmus program come first, then the blocks of clients.
    pub fn all_blocks(&self) -> u8 {
        self.locations() + self.blocks
    }

    /// The number of the first block that clients use.
    pub fn first_client_block(&self) -> u8 {
        self.locations()
    }

    fn locations(&self) -> u8 {
        self.program().map_or(0, |program| program.locations() as u8)
    }

    /// The data of a block: those of its owner, or else of its home.
    pub fn value<'a>(&self, nodes: impl Iterator<Item = &'a Node> + Clone, block: Block) -> Option<Data> {
        let owned = nodes.clone().filter_map(Node::cache).find(|cache| cache.table().owns(cache.line(block).state));
        let at_home = || nodes.clone().filter_map(Node::home_controller).next();
        owned.or_else(at_home).map(|controller| controller.line(block).data)
    }

    /// The outcome of the litmus program, if it has ended.
    pub fn outcome<'a>(&self, nodes: impl Iterator<Item = &'a Node> + Clone) -> Option<(&'static Program, Outcome)> {
        let program = self.program()?;
        let cores: Vec<&Core> = nodes.clone().filter_map(Node::core).take(program.threads.len()).collect();
        if cores.len() < program.threads.len() || cores.iter().any(|core| !core.is_done()) {
            return None;
        }
        let locations = (0..program.locations() as u8).map(|at| self.value(nodes.clone(), Block(at)));
        let memory: Vec<Data> = locations.collect::<Option<_>>()?;
        let outcome = core::outcome(cores.into_iter(), memory.into_iter());
        Some((program, outcome))
    }

    fn setup(&self) -> Setup {
        Setup {
            protocol: self.protocol,
            interconnect: self.interconnect,
            homes: self.homes(),
            blocks: self.all_blocks(),
            channels: self.channels,
            delays: Delays { instruction: self.think, store_buffer: self.drain, buffers: self.lazy },
        }
    }

    fn node(&self, me: NodeId, present: &[NodeId]) -> Node {
        let setup = self.setup();
        if me == HOME {
            return match self.interconnect {
                Interconnect::Bus => {
                    let caches = present.iter().copied().filter(|node| *node != HOME).collect();
                    Node::Bus(Bus::new(me, caches, setup))
                }
                _ if self.protocol.is_distributed() => Node::Idle,
                _ => Node::Home(Home::new(me, setup)),
            };
        }
        let thread = usize::from(me.0) - 1;
        let program = self.program().filter(|program| thread < program.threads.len());
        let core = Core::new(self.memory, program.map(|program| (program, thread)));
        let settings = processor::Settings {
            capacity: self.capacity.into(),
            prefetches_owned: self.protocol != Protocol::Dragon,
            first_client_block: self.locations(),
        };
        Node::Processor(Processor::new(me, core, setup, settings))
    }
}

/// A node.
// Most nodes are processors: a box would cost more than the room that the others waste.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug, Hash, Roles)]
#[roles(Message, Timer, NoDisk, Op, Ret)]
pub enum Node {
    /// The homes are at the processors.
    Idle,
    /// The home of all blocks.
    Home(Home),
    /// The bus, with the memory.
    Bus(Bus),
    /// A core with its cache.
    Processor(Processor),
}

impl Node {
    /// The core, if there is one.
    pub fn core(&self) -> Option<&Core> {
        self.processor().map(Processor::core)
    }

    /// The cache controller, if there is one.
    pub fn cache(&self) -> Option<&Controller> {
        self.processor().map(Processor::cache)
    }

    /// The directory, manager or memory controller, if there is one.
    pub fn home_controller(&self) -> Option<&Controller> {
        match self {
            Node::Idle => None,
            Node::Home(home) => Some(home.controller()),
            Node::Bus(bus) => Some(bus.memory()),
            Node::Processor(processor) => processor.manager(),
        }
    }

    /// All controllers.
    pub fn controllers(&self) -> impl Iterator<Item = &Controller> {
        self.cache().into_iter().chain(self.home_controller())
    }

    /// The messages that wait to be handled, if the node handles any.
    pub fn inbox(&self) -> Option<&Inbox> {
        self.ports().map(Ports::inbox)
    }

    /// Where its messages come in and leave, if it handles any.
    pub fn ports(&self) -> Option<&Ports> {
        match self {
            Node::Idle => None,
            Node::Home(home) => Some(home.ports()),
            Node::Bus(bus) => Some(bus.ports()),
            Node::Processor(processor) => Some(processor.ports()),
        }
    }
}

impl Model for Coherence {
    type Process = Linked<Node>;

    const INFO: Info = Info {
        name: "coherence",
        row: "C35",
        family: "caching",
        summary: "Cache coherence: MSI to MESIF on bus and directory, German's, Dragon, IVY; litmus programs on SC and TSO cores.",
        sources: &[
            "Nagarajan, Sorin, Hill & Wood, *A Primer on Memory Consistency and Cache Coherence*, 2nd edition, 2020",
            "Li & Hudak, *Memory Coherence in Shared Virtual Memory Systems*, 1989",
        ],
        tolerates: &[FaultClass::Loss, FaultClass::Dup, FaultClass::Reorder],
        roles: &[],
        bugs: Bug::LISTED,
        marks: &[marks::MARKS, link::MARKS],
    };

    fn size(&self) -> usize {
        1 + usize::from(self.cores)
    }

    fn spawn(&self, node: NodeId, nodes: &[NodeId]) -> Linked<Node> {
        let inner = self.node(node, nodes);
        if self.linked { Linked::reliable(inner, Span::ms(30)) } else { Linked::bare(inner) }
    }

    fn validate_op(&self, op: &Op) -> Result<(), String> {
        op.block().map_or(Ok(()), |Block(block)| exists("block", block.into(), self.blocks.into()))
    }

    fn is_client(&self, node: NodeId) -> bool {
        node != HOME
    }

    fn validate(&self) -> Result<(), String> {
        let on = self.protocol.interconnects();
        if !on.contains(&self.interconnect) {
            let on: Vec<_> = on.iter().map(|on| on.name()).collect();
            return Err(format!("{} runs on: {}", self.protocol, on.join(", ")));
        }
        if self.cores == 0 || usize::from(self.cores) >= NodeSet::MOST {
            return Err(format!("coherence needs 1 to {} cores", NodeSet::MOST - 1));
        }
        if self.blocks == 0 || self.capacity == 0 {
            return Err("coherence needs at least one block, and caches with room for one".into());
        }
        at_most("blocks", self.blocks, MOST_BLOCKS)?;
        at_most("capacity", self.capacity, MOST_BLOCKS)?;
        if let Some(channels) = self.channels {
            if self.linked || self.has_bus() || self.protocol.is_distributed() {
                return Err("bounded channels are for directories without reliable links".into());
            }
            if !(1..=3).contains(&channels.count) || channels.slots == 0 {
                return Err("there are one to three channels, each with room for at least one message".into());
            }
        }
        let Some(name) = &self.litmus else { return Ok(()) };
        let litmus = program(name).ok_or_else(|| no_program(name))?;
        match litmus.program.threads.len() {
            threads if threads > self.cores.into() => Err(format!("{name} needs {threads} cores")),
            _ => Ok(()),
        }
    }

    fn settings() -> &'static [Setting] {
        &[
            Setting { name: "protocol", what: Protocol::NAMES },
            Setting { name: "interconnect", what: Interconnect::NAMES },
            Setting { name: "memory", what: MemoryModel::NAMES },
            Setting { name: "litmus", what: "run this litmus program, such as SB, and tell all its outcomes" },
        ]
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "protocol" => *self = self.clone().with(value.parse()?),
            "interconnect" => self.interconnect = value.parse()?,
            "memory" => self.memory = value.parse()?,
            "litmus" => {
                let litmus = program(value).ok_or_else(|| no_program(value))?;
                *self = self.clone().running(litmus);
            }
            _ => return Err(format!("coherence has nothing to set called '{name}'")),
        }
        Ok(())
    }

    fn set_nodes(&mut self, nodes: usize) -> Result<(), String> {
        let cores = nodes.checked_sub(1).and_then(|cores| u8::try_from(cores).ok());
        self.cores = cores.ok_or("coherence has a home and cores")?;
        self.validate()
    }

    fn tolerance(&self) -> Tolerance {
        let classes: &[FaultClass] = if self.linked {
            &[FaultClass::Loss, FaultClass::Dup, FaultClass::Reorder]
        } else {
            &[FaultClass::Reorder]
        };
        Tolerance { classes, crashes: Crashes::any(0..0), ..self.usual_tolerance() }
    }

    /// Forwards keep their order from the home to each cache (Primer §8.2), and so do the broadcasts of a bus; where the network
    /// has no order, nothing does. Reliable links make their own order.
    fn fifo(&self, kind: &str) -> bool {
        let ordered = self.interconnect != Interconnect::Unordered && !self.disordered && !self.linked;
        let forward = |forward: &MessageKind| {
            forward.network() == VirtualNetwork::Forward && MessageKind::kind_name(forward.kind()) == kind
        };
        ordered && MessageKind::ALL.iter().any(forward)
    }

    fn network(&self) -> NetworkConfig {
        NetworkConfig::reliable(Latency::HeavyTail { min: Span::ms(1), alpha_milli: 800, max: Span::ms(120) })
    }

    fn reaction_time(&self) -> Span {
        Span::ms(30)
    }

    fn reached(&self, process: &Linked<Node>, mark: &mut dyn FnMut(&'static str)) {
        process.inner().controllers().for_each(|controller| controller.reached(mark));
    }

    /// Every protocol on every interconnect that it runs on, both memory models, small and large caches; with reliable links or
    /// with bounded channels; with a litmus program beside the operations of clients, or none.
    fn variants(&self) -> BoxedStrategy<Self> {
        let model = self.clone();
        // The rarer the rarest entries of its tables, the more often a combination is drawn.
        let share = |(protocol, on): (Protocol, Interconnect)| {
            let (directory, bus, unordered) = match protocol {
                Protocol::Msi => (6, 4, 3),
                Protocol::Mesi => (7, 12, 12),
                Protocol::Moesi => (6, 10, 19),
                Protocol::Mesif => (12, 18, 36),
                Protocol::German => (3, 0, 0),
                Protocol::Dragon => (0, 12, 0),
                Protocol::IvyFixed => (0, 0, 3),
                Protocol::IvyDynamic => (0, 0, 1),
            };
            match on {
                Interconnect::Directory => directory,
                Interconnect::Bus => bus,
                Interconnect::Unordered => unordered,
            }
        };
        let one = |on: (Protocol, Interconnect)| (share(on), Just(on).boxed());
        let combinations = prop::strategy::Union::new_weighted(combinations().map(one).collect());
        let fitting = CLASSICAL.iter().filter(|litmus| litmus.program.threads.len() <= self.cores.into());
        let programs: Vec<String> = fitting.map(|litmus| litmus.program.name.clone()).collect();
        let channels = (1..=3u8).prop_map(|slots| Some(Channels { count: 3, slots }));
        let links = prop_oneof![
            6 => Just((false, None)).boxed(),
            1 => Just((true, None)).boxed(),
            1 => channels.prop_map(|channels| (false, channels)).boxed(),
        ];
        let memory = prop_oneof![Just(MemoryModel::Sc), Just(MemoryModel::Tso)];
        let litmus = prop_oneof![4 => Just(None).boxed(), 1 => prop::sample::select(programs).prop_map(Some).boxed()];
        let capacity = prop_oneof![2 => Just(1u8), 1 => Just(2)];
        let lazy = prop_oneof![1 => Just(Span::ZERO), 2 => Just(Span::ms(40)), 2 => Just(Span::ms(160))];
        (combinations, memory, capacity, links, litmus, lazy)
            .prop_map(move |((protocol, interconnect), memory, capacity, (linked, channels), litmus, lazy)| {
                let bounded = interconnect != Interconnect::Bus && !protocol.is_distributed();
                let channels = channels.filter(|_| bounded);
                Coherence { protocol, interconnect, memory, capacity, linked, channels, litmus, lazy, ..model.clone() }
            })
            .boxed()
    }

    /// Where messages wait for each other there must be a directory that waits for what it forwards.
    fn variants_with(&self, bug: &'static str) -> BoxedStrategy<Self> {
        if Bug::named(bug) != Some(Bug::EvictionWaitsForForward) {
            return self.variants();
        }
        let waits = prop::sample::select(vec![Protocol::Msi, Protocol::Mesi]);
        (self.variants(), waits).prop_map(|(model, protocol)| model.on(protocol, Interconnect::Directory)).boxed()
    }

    /// One core alone, and two to six that contend for one block or for many.
    fn sizes(&self) -> Vec<Self> {
        if self.litmus.is_some() {
            return Vec::new();
        }
        let sizes = [(1, 2), (2, 1), (2, 4), (3, 2), (5, 4), (6, 8)];
        sizes.map(|(cores, blocks)| Coherence { cores, blocks, ..self.clone() }).to_vec()
    }

    fn phases(&self) -> Phases {
        Phases { chaos: Span::secs(2), settle: Span::secs(12) }
    }

    fn workload(&self) -> BoxedStrategy<Workload<Self>> {
        match self.litmus {
            Some(_) => Just(Vec::new()).boxed(),
            None => writing_distinct_values(usual(self.cores.into(), self.blocks)),
        }
    }

    /// Long delays are made use of.
    fn own_workload(&self) -> Option<BoxedStrategy<Workload<Self>>> {
        let drafts = || with_long_delays(self.cores.into(), self.blocks);
        (self.lazy > LONG_DELAY).then(|| writing_distinct_values(drafts()))
    }
}
