//! What caches, directories, memories and the bus say to each other.

use seedbed_sim::{Kinded, NodeId, kinds};
use serde::{Deserialize, Serialize};

/// What a block holds. Everything holds zero at the start.
pub type Data = u32;

/// A block: the unit of coherence (Primer ch. 2); in IVY a page.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Block(pub u8);

impl std::fmt::Display for Block {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Litmus programs call their locations so.
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
pub struct Nodes(u32);

impl Nodes {
    /// The most nodes that a world can have, for the sets.
    pub const MOST: usize = 32;

    /// With one more.
    pub fn with(self, node: NodeId) -> Self {
        Nodes(self.0 | 1 << node.0)
    }

    /// Without one.
    pub fn without(self, node: NodeId) -> Self {
        Nodes(self.0 & !(1 << node.0))
    }

    /// Whether a node is in it.
    pub fn has(self, node: NodeId) -> bool {
        self.0 >> node.0 & 1 == 1
    }

    /// How many there are.
    pub fn count(self) -> u8 {
        self.0.count_ones() as u8
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The nodes, ascending.
    pub fn iter(self) -> impl Iterator<Item = NodeId> {
        (0..Nodes::MOST as u16).map(NodeId).filter(move |node| self.has(*node))
    }
}

impl FromIterator<NodeId> for Nodes {
    fn from_iter<I: IntoIterator<Item = NodeId>>(nodes: I) -> Self {
        nodes.into_iter().fold(Nodes::default(), Nodes::with)
    }
}

impl std::fmt::Debug for Nodes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// The kinds of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Say {
    // Requests, to the home of a block or to the bus.
    /// I want to read.
    GetS,
    /// I want to write.
    GetM,
    /// I give up a copy that others may have too.
    PutS,
    /// I give up the only copy, which I have not changed.
    PutE,
    /// I give up the copy that others get theirs from, and which memory may not have.
    PutO,
    /// I give up what I have changed.
    PutM,
    /// I give up the copy that others get theirs from, and which memory has too.
    PutF,
    /// I have written this: change your copies (Dragon's BusUpd).
    Upd,
    // What the home forwards.
    /// Send what you have to a reader.
    FwdGetS,
    /// Send what you have to a writer, and forget it.
    FwdGetM,
    /// Forget your copy.
    Inv,
    /// You have given up your copy.
    PutAck,
    /// You have the data; so many others have to forget theirs.
    AckCount,
    /// You may read (German's GntS); takes the network of responses.
    GntS,
    /// You may write (German's GntE).
    GntE,
    /// You may write what you have (IVY: the owner itself wants to write).
    Grant,
    // Requests as everybody on a bus sees them.
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
    /// What the block holds.
    Data,
    /// What it holds, and nobody else has it.
    DataE,
    /// What it holds, and from now on others get it from you.
    DataF,
    /// I have forgotten my copy.
    InvAck,
    /// I have all that I asked for.
    Unblock,
    /// There is room again for a message.
    Credit,
}
kinds!(Say: GetS, GetM, PutS, PutE, PutO, PutM, PutF, Upd, FwdGetS, FwdGetM, Inv, PutAck, AckCount, GntS, GntE, Grant,
    BusGetS, BusGetM, BusPutM, BusPutF, BusUpd, Data, DataE, DataF, InvAck, Unblock, Credit);

/// The three networks of the Primer (§8.2): what one waits for comes by a later one, so that none waits for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Network {
    /// From caches to the home.
    Request,
    /// From the home to caches, for somebody else; or from the bus to all.
    Forward,
    /// What is waited for.
    Response,
}

impl Say {
    /// All of them.
    pub const ALL: [Say; 27] = [
        Say::GetS,
        Say::GetM,
        Say::PutS,
        Say::PutE,
        Say::PutO,
        Say::PutM,
        Say::PutF,
        Say::Upd,
        Say::FwdGetS,
        Say::FwdGetM,
        Say::Inv,
        Say::PutAck,
        Say::AckCount,
        Say::GntS,
        Say::GntE,
        Say::Grant,
        Say::BusGetS,
        Say::BusGetM,
        Say::BusPutM,
        Say::BusPutF,
        Say::BusUpd,
        Say::Data,
        Say::DataE,
        Say::DataF,
        Say::InvAck,
        Say::Unblock,
        Say::Credit,
    ];

    /// Its name in the tables, which is that of the variant.
    pub fn named(name: &str) -> Option<Say> {
        Say::ALL.into_iter().find(|say| format!("{say:?}") == name)
    }

    /// The network it takes.
    pub fn network(self) -> Network {
        match self {
            // The home may have to wait for acknowledgements before it grants, so a grant must not fill the channel of what
            // it waits for.
            Say::GntS | Say::GntE => Network::Response,
            say if say <= Say::Upd => Network::Request,
            say if say <= Say::BusUpd => Network::Forward,
            _ => Network::Response,
        }
    }

    /// How a request is seen on the bus.
    ///
    /// # Panics
    /// If it is no request that a bus knows.
    pub fn on_the_bus(self) -> Say {
        match self {
            Say::GetS => Say::BusGetS,
            Say::GetM => Say::BusGetM,
            Say::PutM => Say::BusPutM,
            Say::PutF => Say::BusPutF,
            Say::Upd => Say::BusUpd,
            other => panic!("this is nothing for a bus: {other:?}"),
        }
    }
}

/// Which part of a node a message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// The cache.
    Cache,
    /// The directory or the memory.
    Home,
    /// The bus.
    Bus,
}

/// A message.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Message {
    /// What it says.
    pub say: Say,
    /// Of which block.
    pub block: Block,
    /// Which part of the receiver it is for.
    pub part: Part,
    /// On whose behalf: who began the transaction.
    pub req: NodeId,
    /// What the block holds, where that is said.
    pub data: Data,
    /// How many others have to say that they have forgotten their copies.
    pub acks: u8,
    /// Who has copies (IVY's copy set, which goes with the page).
    pub copies: Nodes,
    /// Where there is a bus: the place in its order of the request that this answers.
    pub place: u64,
}

impl Message {
    fn has_data(&self) -> bool {
        use Say::*;
        matches!(self.say, PutM | PutO | Upd | BusUpd | GntS | GntE | Data | DataE | DataF)
    }
}

/// `FwdGetM x for n2`: stories are full of them.
impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} {} for {}", self.say, self.block, self.req)?;
        if self.has_data() {
            write!(f, " = {}", self.data)?;
        }
        match self.acks {
            0 => Ok(()),
            n => write!(f, ", {n} acks"),
        }
    }
}

impl Kinded for Message {
    fn kind(&self) -> u16 {
        self.say.kind()
    }
    fn kind_count() -> u16 {
        Say::kind_count()
    }
    fn kind_name(kind: u16) -> String {
        Say::kind_name(kind)
    }
}
