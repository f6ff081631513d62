//! The model: a home or a bus, and cores with their caches.

use std::sync::LazyLock;

use proptest::prelude::*;
use seedbed_sim::{
    Crashes, FaultClass, Info, Kinded, Latency, Model, NetworkConfig, NodeId, Operation, Phases, Setting, Span, Time,
    Tolerance, Workload,
};
use serde::{Deserialize, Serialize};

use super::bugs::Bug;
use super::controller::{Controller, Homes};
use super::core::{self, Core, Kind, Op};
use super::message::{Block, Data, Network, Nodes, Part, Say};
use super::node::{Channels, Node, Pace, RARELY};
use super::protocol::{Interconnect, Protocol, tables};
use crate::caching::litmus::{Litmus, Outcome, Program, classical};
use crate::parts::link::{self, Linked};

/// The configuration: the home or the bus `n0`, then the cores.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Coherence {
    /// The protocol.
    pub protocol: Protocol,
    /// What the nodes are connected by.
    pub interconnect: Interconnect,
    /// What stands between a core and its cache.
    pub memory: Kind,
    /// How many cores, each with a cache.
    pub cores: u8,
    /// How many blocks there are.
    pub blocks: u8,
    /// How many of them a cache has room for, where the protocol gives blocks up.
    pub capacity: u8,
    /// The litmus program that the cores run, if any: one of [`classical`]. Clients then use other blocks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub litmus: Option<String>,
    /// Bounds on the channels between nodes; without it there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channels: Option<Channels>,
    /// Whether the nodes have reliable links over a network that loses and doubles messages.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub linked: bool,
    /// Whether the network breaks its word to keep forwards, or what a bus shows, in order: a step beyond the tolerance.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub disordered: bool,
    /// The longest that a core lets pass before an instruction of its program.
    pub think: Span,
    /// The longest that a store stays in a store buffer without need.
    #[serde(default = "short", skip_serializing_if = "is_short")]
    pub drain: Span,
    /// The longest that what no core waits for (that a block is given up, that memory gets its data back, that a requestor
    /// has all) stays in a buffer before it is sent, and what a bus shows in another before a cache looks at it; zero: there
    /// are no such buffers.
    #[serde(default, skip_serializing_if = "no_time")]
    pub lazy: Span,
    /// The planted bug.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bug: Option<Bug>,
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

/// The node that is the directory, or the bus, with the memory.
pub const HOME: NodeId = NodeId(0);

impl Default for Coherence {
    fn default() -> Self {
        Coherence {
            protocol: Protocol::Msi,
            interconnect: Interconnect::Directory,
            memory: Kind::Sc,
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
            bug: None,
        }
    }
}

/// The classical programs, made once.
static CLASSICAL: LazyLock<Vec<Litmus>> = LazyLock::new(classical);

/// The litmus program of this name.
pub fn program(name: &str) -> Option<&'static Litmus> {
    CLASSICAL.iter().find(|litmus| litmus.program.name == name)
}

impl Coherence {
    /// The same with a protocol, on what it usually runs on.
    pub fn with(self, protocol: Protocol) -> Self {
        self.on(protocol, protocol.interconnects()[0])
    }

    /// The same with a protocol on this.
    pub fn on(self, protocol: Protocol, interconnect: Interconnect) -> Self {
        Coherence { protocol, interconnect, ..self }
    }

    /// The same, whose cores run this program and no more. Their stores may stay in the buffers for as long as all of the
    /// others' program takes, or else some outcomes of TSO would hardly be seen where a miss takes long.
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

    /// The nodes with cores.
    pub fn core_ids(&self) -> impl Iterator<Item = NodeId> + use<> {
        (1..=u16::from(self.cores)).map(NodeId)
    }

    /// Whether requests go by a bus.
    pub fn has_bus(&self) -> bool {
        self.interconnect == Interconnect::Bus
    }

    /// Where the homes of the blocks are.
    pub fn homes(&self) -> Homes {
        match self.protocol.is_spread() {
            true => Homes::Spread { cores: self.cores.into() },
            false => Homes::At(HOME),
        }
    }

    /// The program that the cores run.
    pub fn program(&self) -> Option<&'static Program> {
        self.litmus.as_deref().and_then(program).map(|litmus| &litmus.program)
    }

    /// How many blocks there are in all: the locations of the program come first, then those of clients.
    pub fn all_blocks(&self) -> u8 {
        self.locations() + self.blocks
    }

    fn locations(&self) -> u8 {
        self.program().map_or(0, |program| program.locations() as u8)
    }

    /// What a block holds, as far as the nodes know: what its owner has, or else its home.
    pub fn value<'a>(&self, nodes: impl Iterator<Item = &'a Node> + Clone, block: Block) -> Option<Data> {
        let owned = nodes.clone().filter_map(Node::cache).find(|cache| cache.table().owns(cache.line(block).state));
        let at_home = || nodes.clone().filter_map(Node::home).next();
        owned.or_else(at_home).map(|controller| controller.line(block).data)
    }

    /// How the program has ended, if it has.
    pub fn outcome<'a>(&self, nodes: impl Iterator<Item = &'a Node> + Clone) -> Option<(&'static Program, Outcome)> {
        let program = self.program()?;
        let cores: Vec<&Core> = nodes.clone().filter_map(Node::core).take(program.threads.len()).collect();
        if cores.len() < program.threads.len() || cores.iter().any(|core| !core.is_through()) {
            return None;
        }
        let locations = (0..program.locations() as u8).map(|at| self.value(nodes.clone(), Block(at)));
        let memory: Vec<Data> = locations.collect::<Option<_>>()?;
        let outcome = core::outcome(cores.into_iter(), memory.into_iter());
        Some((program, outcome))
    }

    fn node(&self, me: NodeId, present: &[NodeId]) -> Node {
        let tables = tables(self.protocol, self.interconnect, self.bug);
        let (homes, blocks) = (self.homes(), self.all_blocks());
        let forgets = self.bug == Some(Bug::AckCountLost);
        let controller = |table, part| {
            let controller = Controller::new(table, me, part, homes, blocks).forgetting(forgets);
            if self.protocol.is_spread() { controller.owned_at_home() } else { controller }
        };
        let home = || tables.home.as_ref().map(|table| controller(table, Part::Home));
        let mut node =
            Node::new(me, self.capacity.into(), Pace { most: self.think, drain: self.drain, lazy: self.lazy });
        node.channels = self.channels;
        node.fetches_owned = self.protocol != Protocol::Dragon;
        if me == HOME {
            let shows_to = present.iter().copied().filter(|node| *node != HOME);
            node.shows_to = if self.has_bus() { shows_to.collect() } else { Nodes::default() };
            node.home = if self.protocol.is_spread() { None } else { home() };
            return node;
        }
        let thread = usize::from(me.0) - 1;
        let program = self.program();
        let program = program.filter(|program| thread < program.threads.len());
        node.core = Some(Core::new(self.memory, program.map(|program| (program, thread))));
        node.first_of_clients = self.locations();
        node.cache = Some(controller(&tables.cache, Part::Cache));
        node.home = if self.protocol.is_spread() { home() } else { None };
        if !tables.cache.replaces() {
            node.capacity = blocks.into();
        }
        node
    }
}

fn named<T: Copy>(value: &str, all: &[T], name: impl Fn(T) -> &'static str) -> Result<T, String> {
    let known = || all.iter().map(|one| name(*one)).collect::<Vec<_>>().join(", ");
    let found = all.iter().find(|one| name(**one) == value);
    found.copied().ok_or_else(|| format!("there is no '{value}'; there are: {}", known()))
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
        marks: &[crate::caching::coherence::node::MARKS, link::MARKS],
    };

    fn size(&self) -> usize {
        1 + usize::from(self.cores)
    }

    fn spawn(&self, node: NodeId, nodes: &[NodeId]) -> Linked<Node> {
        let inner = self.node(node, nodes);
        match self.linked {
            true => Linked::reliable(inner, Span::ms(30)),
            false => Linked::bare(inner),
        }
    }

    fn validate(&self) -> Result<(), String> {
        let on = self.protocol.interconnects();
        if !on.contains(&self.interconnect) {
            let on: Vec<_> = on.iter().map(|on| on.name()).collect();
            return Err(format!("{} runs on: {}", self.protocol, on.join(", ")));
        }
        if self.cores == 0 || usize::from(self.cores) >= Nodes::MOST {
            return Err(format!("coherence needs 1 to {} cores", Nodes::MOST - 1));
        }
        if self.blocks == 0 || self.capacity == 0 {
            return Err("coherence needs at least one block, and caches with room for one".into());
        }
        if let Some(channels) = self.channels {
            if self.linked || self.has_bus() || self.protocol.is_spread() {
                return Err("bounded channels are for directories without reliable links".into());
            }
            if !(1..=3).contains(&channels.count) || channels.slots == 0 {
                return Err("there are one to three channels, each with room for at least one message".into());
            }
        }
        let Some(name) = &self.litmus else { return Ok(()) };
        let Some(litmus) = program(name) else {
            let names: Vec<_> = CLASSICAL.iter().map(|litmus| litmus.program.name.as_str()).collect();
            return Err(format!("there is no litmus program '{name}'; there are: {}", names.join(", ")));
        };
        match litmus.program.threads.len() {
            threads if threads > self.cores.into() => Err(format!("{name} needs {threads} cores")),
            _ => Ok(()),
        }
    }

    fn bug(&self) -> Option<&'static str> {
        self.bug.map(Bug::name)
    }

    fn set_bug(&mut self, bug: Option<&'static str>) {
        self.bug = Bug::planted(bug);
    }

    fn settings() -> &'static [Setting] {
        &[
            Setting { name: "protocol", what: "msi, mesi, moesi, mesif, german, dragon, ivy_fixed, ivy_dynamic" },
            Setting { name: "interconnect", what: "bus, directory, unordered" },
            Setting { name: "memory", what: "sc, tso: what the cores promise" },
            Setting { name: "litmus", what: "run this litmus program, such as SB, and tell all its outcomes" },
        ]
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "protocol" => *self = self.clone().with(named(value, &Protocol::ALL, Protocol::name)?),
            "interconnect" => self.interconnect = named(value, &Interconnect::ALL, Interconnect::name)?,
            "memory" => self.memory = named(value, &[Kind::Sc, Kind::Tso], Kind::name)?,
            "litmus" => {
                let known =
                    || CLASSICAL.iter().map(|litmus| litmus.program.name.as_str()).collect::<Vec<_>>().join(", ");
                let litmus = program(value).ok_or_else(|| format!("there is no '{value}'; there are: {}", known()))?;
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
        Tolerance { classes, crashes: Crashes::any(0..0), ..Tolerance::of(self) }
    }

    /// Forwards keep their order from the home to each cache (Primer §8.2), and so does what a bus shows; where the network
    /// has no order, nothing does. Reliable links make their own.
    fn fifo(&self, kind: &str) -> bool {
        let ordered = self.interconnect != Interconnect::Unordered && !self.disordered && !self.linked;
        let forward = |say: &Say| say.network() == Network::Forward && Say::kind_name(say.kind()) == kind;
        ordered && Say::ALL.iter().any(forward)
    }

    fn network(&self) -> NetworkConfig {
        NetworkConfig::reliable(Latency::HeavyTail { min: Span::ms(1), alpha_milli: 800, max: Span::ms(120) })
    }

    fn reaction_time(&self) -> Span {
        Span::ms(30)
    }

    fn reached(&self, process: &Linked<Node>, mark: &mut dyn FnMut(&'static str)) {
        let node = process.inner();
        for controller in node.cache().into_iter().chain(node.home()) {
            controller.reached(mark);
        }
    }

    /// Every protocol on everything it runs on, both kinds of cores, small and large caches; with reliable links or with
    /// bounded channels; with a litmus program beside what clients ask, or none.
    fn variants(&self) -> BoxedStrategy<Self> {
        let model = self.clone();
        // In proportion to how rare the rarest entries of their tables are.
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
        let combinations = prop::strategy::Union::new_weighted(super::protocol::combinations().map(one).collect());
        let fitting = CLASSICAL.iter().filter(|litmus| litmus.program.threads.len() <= self.cores.into());
        let programs: Vec<String> = fitting.map(|litmus| litmus.program.name.clone()).collect();
        let channels = (1..=3u8).prop_map(|slots| Some(Channels { count: 3, slots }));
        let links = prop_oneof![
            6 => Just((false, None)).boxed(),
            1 => Just((true, None)).boxed(),
            1 => channels.prop_map(|channels| (false, channels)).boxed(),
        ];
        let memory = prop_oneof![Just(Kind::Sc), Just(Kind::Tso)];
        let litmus = prop_oneof![4 => Just(None).boxed(), 1 => prop::sample::select(programs).prop_map(Some).boxed()];
        let capacity = prop_oneof![2 => Just(1u8), 1 => Just(2)];
        let lazy = prop_oneof![1 => Just(Span::ZERO), 2 => Just(Span::ms(40)), 2 => Just(Span::ms(160))];
        (combinations, memory, capacity, links, litmus, lazy)
            .prop_map(move |((protocol, interconnect), memory, capacity, (linked, channels), litmus, lazy)| {
                let bounded = interconnect != Interconnect::Bus && !protocol.is_spread();
                let channels = channels.filter(|_| bounded);
                Coherence { protocol, interconnect, memory, capacity, linked, channels, litmus, lazy, ..model.clone() }
            })
            .boxed()
    }

    fn phases(&self) -> Phases {
        Phases { chaos: Span::secs(2), settle: Span::secs(12) }
    }

    /// Accesses of all cores to few blocks, in bursts: what is interesting happens where several want the same block.
    fn workload(&self) -> BoxedStrategy<Workload<Self>> {
        match self.litmus {
            Some(_) => Just(Vec::new()).boxed(),
            None => writing_what_no_other_does(self.usual()),
        }
    }

    /// Where something may be late for long, that is made use of.
    fn own_workload(&self) -> Option<BoxedStrategy<Workload<Self>>> {
        let late = || prop_oneof![farewells(self.cores.into(), self.blocks), self.usual()].boxed();
        (self.lazy > RARELY).then(|| writing_what_no_other_does(late()))
    }
}

impl Coherence {
    fn usual(&self) -> BoxedStrategy<Vec<Asked>> {
        let (cores, blocks) = (self.cores.into(), self.blocks);
        prop_oneof![1 => crowd(cores, blocks), 2 => relay(cores, blocks, true), 1 => relay(cores, blocks, false)]
            .boxed()
    }
}

/// Each access writes the place of its operation, from one on.
fn writing_what_no_other_does(asked: BoxedStrategy<Vec<Asked>>) -> BoxedStrategy<Workload<Coherence>> {
    asked
        .prop_map(|mut all| {
            all.sort_by_key(|(at, ..)| *at);
            let operation = |(place, (at, client, op)): (usize, Asked)| {
                let value = place as Data + 1;
                let op = match op {
                    Op::Store(block, _) => Op::Store(block, value),
                    Op::Swap(block, _) => Op::Swap(block, value),
                    other => other,
                };
                Operation { at, client: NodeId(client), op }
            };
            all.into_iter().enumerate().map(operation).collect()
        })
        .boxed()
}

/// When, which core, what.
type Asked = (Time, u16, Op);

/// All cores at once, at few blocks.
fn crowd(cores: u16, blocks: u8) -> BoxedStrategy<Vec<Asked>> {
    let block = prop_oneof![6 => Just(0u8), 1 => 0..blocks].prop_map(Block);
    let op = block.prop_flat_map(|block| {
        prop_oneof![
            5 => Just(Op::Load(block)),
            5 => Just(Op::Store(block, 0)),
            1 => Just(Op::Swap(block, 0)),
            1 => Just(Op::Fence),
            2 => Just(Op::Fetch(block)),
            2 => Just(Op::FetchOwned(block)),
            4 => Just(Op::Evict(block)),
        ]
    });
    let until = prop_oneof![Just(50u64), Just(200), Just(800)];
    let asked = move |until: u64| {
        let at = (0..until * 10).prop_map(|at| Time(at * 100_000));
        prop::collection::vec((at, 1..=cores, op.clone()), 30..120)
    };
    until.prop_flat_map(asked).boxed()
}

/// One core after the other asks for the same block, does not wait, asks for something else of it while it comes, and
/// gives it up: what it said last may then be very late. In turn, or whoever it is.
fn relay(cores: u16, blocks: u8, in_turn: bool) -> BoxedStrategy<Vec<Asked>> {
    let gap = if in_turn { [2u64, 3, 6] } else { [2, 4, 6] };
    let often = prop::sample::select(vec![9u64, 6, 3]);
    (prop::sample::select(gap.to_vec()), often, prop::collection::vec(any::<u64>(), 80..260))
        .prop_map(move |(gap, often, legs)| {
            let mut asked = Vec::new();
            // One block after the other: of each there is a beginning, where nobody has it.
            let each = legs.len().div_ceil(blocks.into());
            for (place, leg) in legs.into_iter().enumerate() {
                let mut lot = Lot(leg);
                let block = Block((place / each) as u8);
                let core = lot.below(cores.into()) as u16;
                let core = 1 + if in_turn { (place as u16 + (core + 1) / 4) % cores } else { core };
                let begins = Time::ms(place as u64 * gap + 1);
                let late = |late: u64| begins + Span::ms(late);
                let first = match lot.below(10) {
                    0..2 => Op::Load(block),
                    2..4 => Op::Store(block, 0),
                    4..7 => Op::Fetch(block),
                    _ => Op::FetchOwned(block),
                };
                asked.push((begins, core, first));
                let then = match lot.below(18) {
                    0..2 => Some(Op::Load(block)),
                    2..4 => Some(Op::Store(block, 0)),
                    4 => Some(Op::Fetch(block)),
                    5..7 => Some(Op::FetchOwned(block)),
                    7..9 => Some(Op::Evict(block)),
                    _ => None,
                };
                asked.extend(then.map(|op| (late(lot.below(12)), core, op)));
                // What is not waited for costs no message while the block comes.
                asked.push((late(lot.below(12)), core, Op::Fetch(block)));
                let gives_up = lot.below(10) < often;
                asked.extend(gives_up.then(|| (late(lot.below(12)), core, Op::Evict(block))));
            }
            asked
        })
        .boxed()
}

/// A number that is drawn once and parted: cheaper than to draw each part.
struct Lot(u64);

impl Lot {
    /// A part of it, from zero up to and without `n`.
    fn below(&mut self, n: u64) -> u64 {
        let part = self.0 % n;
        self.0 /= n;
        part
    }
}

/// Again and again one core gives a block up, and before its word of that is heard another has taken the block and given it
/// up too, and somebody has it again, alone.
fn farewells(cores: u16, blocks: u8) -> BoxedStrategy<Vec<Asked>> {
    let gap = prop::sample::select(vec![90u64, 150]);
    (gap, prop::collection::vec(any::<u64>(), 13..24))
        .prop_map(move |(gap, farewells)| {
            let mut asked = Vec::new();
            for (place, farewell) in farewells.into_iter().enumerate() {
                let mut lot = Lot(farewell);
                let block = Block(lot.below(blocks.into()) as u8);
                let mut core = || 1 + lot.below(cores.into()) as u16;
                let (other, leaves, takes, last) = (core(), core(), core(), core());
                let mut first = || if lot.below(3) < 2 { Op::Load(block) } else { Op::Swap(block, 0) };
                let (by_other, by_leaver) = (first(), first());
                let late = |late: u64| Time::ms(place as u64 * gap + 1 + late);
                // Who reads last forwards, or owns: both are worth while.
                let leaver_first = lot.below(2) == 0;
                asked.push((late(if leaver_first { 7 } else { 0 }), other, by_other));
                asked.push((late(if leaver_first { 0 } else { 7 }), leaves, by_leaver));
                asked.push((late(16), leaves, Op::Evict(block)));
                let after = 16 + lot.below(4);
                asked.extend([Op::Swap(block, 0), Op::Evict(block)].map(|op| (late(after), takes, op)));
                // At once, when the answer to what it gave up has come, or when that may have come.
                let last = if lot.below(2) == 0 { takes } else { last };
                asked.push((late(after + [0, 12, 20, 30][lot.below(4) as usize]), last, Op::Load(block)));
            }
            asked
        })
        .boxed()
}
