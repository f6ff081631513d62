//! What a member has, and what others lack of it: whoever has a message on its disk hands it on, until all are known to have it
//! (Cachin, Guerraoui & Rodrigues 2011, §3.5, logged broadcast, with the digests of Demers and others, *Epidemic Algorithms
//! for Replicated Database Maintenance*, 1987, §1.3, in place of messages that are repeated for ever).
//!
//! Pure: a member sends what this returns. Digests leave a member after its writes are durable, as all messages do, so what
//! another was told of it does not lose in a crash.

use std::collections::BTreeMap;

use seedbed_sim::NodeId;

use crate::communication::ordering::envelope::{Envelope, MessageId};
use crate::parts::channel::Inbox;

/// What a member has.
#[derive(Clone, Debug, Default, Hash)]
pub struct Digest {
    /// The messages.
    pub has: Inbox,
    /// How many of the sequencer's numbers.
    pub numbers: u64,
    /// How many things these are together: it grows with every one.
    pub version: u64,
    /// The version of the receiver that the member has heard of.
    pub heard: u64,
}

/// What a member has, and what it knows of the others.
#[derive(Clone, Debug, Hash)]
pub struct Dissemination {
    peers: Vec<NodeId>,
    messages: BTreeMap<MessageId, Envelope>,
    has: Inbox,
    numbers: Vec<MessageId>,
    /// What each of the others has told.
    told: BTreeMap<NodeId, Digest>,
}

impl Dissemination {
    /// A member, with these others, that has nothing.
    pub fn new(peers: Vec<NodeId>) -> Self {
        let (messages, has, numbers, told) = Default::default();
        Dissemination { peers, messages, has, numbers, told }
    }

    /// The other members.
    pub fn peers(&self) -> &[NodeId] {
        &self.peers
    }

    /// The messages that it has.
    pub fn messages(&self) -> impl Iterator<Item = &Envelope> {
        self.messages.values()
    }

    /// The messages that have numbers, in their order.
    pub fn numbers(&self) -> &[MessageId] {
        &self.numbers
    }

    /// Adds a message. Returns whether it is new.
    pub fn add(&mut self, message: &Envelope) -> bool {
        let new = self.has.insert(message.id.sender, message.id.seq);
        if new {
            self.messages.insert(message.id, message.clone());
        }
        new
    }

    /// The next number is that of this message.
    pub fn number(&mut self, id: MessageId) {
        self.numbers.push(id);
    }

    fn version(&self) -> u64 {
        (self.messages.len() + self.numbers.len()) as u64
    }

    /// What to tell another member.
    pub fn digest(&self, peer: NodeId) -> Digest {
        let heard = self.told.get(&peer).map_or(0, |told| told.version);
        Digest { has: self.has.clone(), numbers: self.numbers.len() as u64, version: self.version(), heard }
    }

    /// Another member tells what it has.
    pub fn told(&mut self, peer: NodeId, digest: Digest) {
        let known = self.told.entry(peer).or_default();
        // A digest that was overtaken says less than what is known.
        if digest.version >= known.version {
            *known = Digest { heard: digest.heard.max(known.heard), ..digest };
        }
    }

    /// Whether a digest tells something new, or is of a member that has not heard of all that this one has.
    pub fn is_news(&self, peer: NodeId, digest: &Digest) -> bool {
        let known = self.told.get(&peer).map_or(0, |told| told.version);
        digest.heard < self.version() || digest.version > known
    }

    /// The messages that another lacks, as far as it has told.
    pub fn lacking(&self, peer: NodeId) -> Vec<Envelope> {
        let Some(told) = self.told.get(&peer) else { return Vec::new() };
        self.messages().filter(|message| !told.has.contains(message.id.sender, message.id.seq)).cloned().collect()
    }

    /// The numbers that another lacks, as far as it has told: from which on, and the messages.
    pub fn numbers_lacking(&self, peer: NodeId) -> Option<(u64, Vec<MessageId>)> {
        let first = self.told.get(&peer)?.numbers;
        let lacking = self.numbers.get(first as usize..).filter(|lacking| !lacking.is_empty())?;
        Some((first, lacking.to_vec()))
    }

    /// Whether another is known to have exactly what this one has, and to know that.
    pub fn agrees_with(&self, peer: NodeId) -> bool {
        let Some(told) = self.told.get(&peer) else { return false };
        let same = told.version == self.version() && told.numbers == self.numbers.len() as u64;
        same && told.heard == self.version() && self.lacking(peer).is_empty()
    }

    /// The others that are not known to have exactly what this one has.
    pub fn unsettled(&self) -> Vec<NodeId> {
        self.peers.iter().copied().filter(|peer| !self.agrees_with(*peer)).collect()
    }
}
