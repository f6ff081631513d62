//! What caches, directories, memories and the bus send each other, what clients ask of cores, and the timers.

use seedbed_sim::{Kinded, Named, NodeId};
use serde::{Deserialize, Serialize};

/// The data of a block. All blocks have zero at the beginning.
pub type Data = u32;

/// A block: the unit of coherence (Primer ch. 2); in IVY a page.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Block(pub u8);

impl std::fmt::Display for Block {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // By the names that litmus programs have for their locations.
        crate::caching::litmus::Location(self.0).fmt(f)
    }
}

impl std::fmt::Debug for Block {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

/// A set of nodes: the sharers of a block, or IVY's copy set.
#[derive(Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct NodeSet(u32);

impl NodeSet {
    /// The greatest number of nodes that a world with such sets can have.
    pub const MOST: usize = 32;

    /// The set of one node.
    pub fn of(node: NodeId) -> Self {
        NodeSet::default().with(node)
    }

    /// The set with this node.
    pub fn with(self, node: NodeId) -> Self {
        NodeSet(self.0 | 1 << node.0)
    }

    /// The set without this node.
    pub fn without(self, node: NodeId) -> Self {
        NodeSet(self.0 & !(1 << node.0))
    }

    /// Whether this node is in the set.
    pub fn has(self, node: NodeId) -> bool {
        self.0 >> node.0 & 1 == 1
    }

    /// The number of nodes in the set.
    pub fn count(self) -> u8 {
        self.0.count_ones() as u8
    }

    /// Whether no node is in the set.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The nodes, ascending.
    pub fn iter(self) -> impl Iterator<Item = NodeId> {
        (0..NodeSet::MOST as u16).map(NodeId).filter(move |node| self.has(*node))
    }
}

impl FromIterator<NodeId> for NodeSet {
    fn from_iter<I: IntoIterator<Item = NodeId>>(nodes: I) -> Self {
        nodes.into_iter().fold(NodeSet::default(), NodeSet::with)
    }
}

impl std::fmt::Debug for NodeSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// The kinds of messages, which the tables call by the names of the variants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Kinded, Named)]
#[named(as_written)]
pub enum MessageKind {
    // Requests, to the home of a block or to the bus.
    /// Requests a copy to read.
    GetS,
    /// Requests the only copy, to write.
    GetM,
    /// Evicts a shared copy.
    PutS,
    /// Evicts the only copy, which was not modified.
    PutE,
    /// Evicts an owned copy, which others may share and which is newer than memory.
    PutO,
    /// Evicts the only copy, which was modified.
    PutM,
    /// Evicts the copy of the forwarder, which others may share and which memory has too.
    PutF,
    /// Updates the copies of others (Dragon's BusUpd).
    Upd,
    // What the home forwards.
    /// Asks the owner to send its data to a reader.
    FwdGetS,
    /// Asks the owner to send its data to a writer, and to invalidate its copy.
    FwdGetM,
    /// Invalidates a shared copy.
    Inv,
    /// Acknowledges an eviction.
    PutAck,
    /// The requestor has the data; so many sharers acknowledge their invalidation to it.
    AckCount,
    /// Grants a copy to read (German's GntS), on the network of responses.
    GntS,
    /// Grants the only copy (German's GntE), on the network of responses.
    GntE,
    /// Grants the owner that its copy is the only one (IVY).
    Grant,
    // Requests, as a bus broadcasts them.
    /// A GetS on the bus.
    BusGetS,
    /// A GetM on the bus.
    BusGetM,
    /// A PutM on the bus.
    BusPutM,
    /// A PutF on the bus.
    BusPutF,
    /// An Upd on the bus.
    BusUpd,
    // Responses.
    /// The data.
    Data,
    /// The data, and the receiver has the only copy.
    DataE,
    /// The data, and the receiver becomes the forwarder.
    DataF,
    /// Acknowledges an invalidation.
    InvAck,
    /// The requestor's transaction is complete.
    Unblock,
    /// A message was taken out of a bounded channel.
    Credit,
}

/// The virtual networks of the Primer (§8.2). What a message of one network waits for comes by a later one, so that no network
/// waits for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum VirtualNetwork {
    /// From caches to the home.
    Request,
    /// From the home to other caches; or from the bus to all.
    Forward,
    /// To those that wait for it.
    Response,
}

impl MessageKind {
    /// The virtual network that it takes.
    pub fn network(self) -> VirtualNetwork {
        match self {
            // The home may have to wait for acknowledgements before it grants, so a grant must not fill their channel.
            MessageKind::GntS | MessageKind::GntE => VirtualNetwork::Response,
            kind if kind <= MessageKind::Upd => VirtualNetwork::Request,
            kind if kind <= MessageKind::BusUpd => VirtualNetwork::Forward,
            _ => VirtualNetwork::Response,
        }
    }

    /// Whether it is a request as the bus broadcasts it.
    pub fn is_broadcast(self) -> bool {
        (MessageKind::BusGetS..=MessageKind::BusUpd).contains(&self)
    }

    /// The broadcast of a request.
    ///
    /// # Panics
    /// If it is no request for a bus.
    pub fn broadcast(self) -> MessageKind {
        match self {
            MessageKind::GetS => MessageKind::BusGetS,
            MessageKind::GetM => MessageKind::BusGetM,
            MessageKind::PutM => MessageKind::BusPutM,
            MessageKind::PutF => MessageKind::BusPutF,
            MessageKind::Upd => MessageKind::BusUpd,
            other => panic!("no request for a bus: {other:?}"),
        }
    }
}

/// The part of a node that a message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// The cache controller.
    Cache,
    /// The directory, manager or memory controller.
    Home,
    /// The bus.
    Bus,
}

/// A message.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Message {
    /// Its kind.
    pub kind: MessageKind,
    /// The block.
    pub block: Block,
    /// The part of the receiver.
    pub part: Part,
    /// The node that began the transaction.
    pub requestor: NodeId,
    /// The data of the block; without meaning where the kind has none.
    pub data: Data,
    /// The number of acknowledgements that the requestor has to wait for; of a credit, the channel.
    pub acks: u8,
    /// The sharers (IVY's copy set, which moves with the page).
    pub sharers: NodeSet,
    /// Where there is a bus: the position, in the bus order, of the request that this answers.
    pub bus_time: u64,
}

impl Message {
    fn has_data(&self) -> bool {
        use MessageKind::*;
        matches!(self.kind, PutM | PutO | Upd | BusUpd | GntS | GntE | Data | DataE | DataF)
    }
}

/// `FwdGetM x for n2`, as drawings show it.
impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} {} for {}", self.kind, self.block, self.requestor)?;
        if self.has_data() {
            write!(f, " = {}", self.data)?;
        }
        match self.acks {
            0 => Ok(()),
            n => write!(f, ", {n} acks"),
        }
    }
}

/// Its kind is that of its [`MessageKind`].
impl Kinded for Message {
    fn kind(&self) -> u16 {
        self.kind.kind()
    }
    fn kind_count() -> u16 {
        MessageKind::kind_count()
    }
    fn kind_name(kind: u16) -> String {
        MessageKind::kind_name(kind)
    }
}

/// What clients ask of a core.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    /// Read a block.
    Load(Block),
    /// Write to a block.
    Store(Block, Data),
    /// Read a block and write to it, atomically; also a fence.
    Swap(Block, Data),
    /// Wait until all earlier accesses are performed.
    Fence,
    /// Prefetch a block to read it, without waiting.
    Fetch(Block),
    /// Prefetch a block to write to it, without waiting.
    FetchOwned(Block),
    /// Evict a block, at once or when its transaction is complete, without waiting.
    Evict(Block),
}

impl Op {
    /// The block that it is about; a fence is about none.
    pub fn block(self) -> Option<Block> {
        match self {
            Op::Load(block)
            | Op::Store(block, _)
            | Op::Swap(block, _)
            | Op::Fetch(block)
            | Op::FetchOwned(block)
            | Op::Evict(block) => Some(block),
            Op::Fence => None,
        }
    }

    /// The same with its block mapped.
    pub(super) fn map_block(self, other: impl Fn(Block) -> Block) -> Op {
        match self {
            Op::Load(block) => Op::Load(other(block)),
            Op::Store(block, data) => Op::Store(other(block), data),
            Op::Swap(block, data) => Op::Swap(other(block), data),
            Op::Fence => Op::Fence,
            Op::Fetch(block) => Op::Fetch(other(block)),
            Op::FetchOwned(block) => Op::FetchOwned(other(block)),
            Op::Evict(block) => Op::Evict(other(block)),
        }
    }
}

/// What a core answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ret {
    /// The data that was read.
    Read(Data),
    /// It is done; a store of a TSO core is in the store buffer.
    Done,
}

/// The timers of nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Kinded)]
pub enum Timer {
    /// The core issues the next instruction of its litmus program.
    GoOn,
    /// A message leaves the outgoing buffer: the one with this number.
    Lazily(u64),
    /// The cache controller snoops the next request of the bus.
    Snoop,
    /// The oldest store leaves the store buffer.
    Drain,
}
