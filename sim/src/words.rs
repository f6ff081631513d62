//! The random words of messages: a ChaCha stream for each link, four words for each message.

use crate::chacha::{BLOCKS, Block, Key, Place};
use crate::process::NodeId;

/// The words of one message.
pub(crate) type Words = [u32; 4];

/// How many messages share a block of the cipher.
const PER_BLOCK: u32 = 4;

/// For how many messages of a link words are computed at once, after its first ones.
const AT_ONCE: u32 = PER_BLOCK * BLOCKS as u32;

/// How many pairs of nodes get their first words at once.
const PAIRS: u16 = BLOCKS as u16 / 2;

/// The number of a link's stream.
fn stream(from: NodeId, to: NodeId) -> u64 {
    (u64::from(from.0) << 16) | u64::from(to.0)
}

/// The messages of a link whose words are computed.
#[derive(Clone, Copy, Debug, Default)]
struct Made {
    /// Those of message `n` are at `base + n`, modulo 2³².
    base: u32,
    /// All before this message, except those so old that they were overwritten.
    to: u32,
}

/// The random words of the links of a world. A stream has random access, so only words are kept that were computed and
/// not used.
#[derive(Clone, Debug)]
pub(crate) struct LinkWords {
    key: Key,
    nodes: usize,
    /// In a world of few nodes, by link: that of `a → b` is at `a · nodes + b`.
    made: Vec<Made>,
    words: Vec<Words>,
}

impl LinkWords {
    /// For links that ask for one message after the other ([`LinkWords::next`]), among this many nodes.
    pub(crate) fn new(key: Key, nodes: usize) -> Self {
        LinkWords { key, nodes, made: vec![Made::default(); nodes * nodes], words: Vec::new() }
    }

    /// For too many links to keep their words ([`LinkWords::seek`]).
    pub(crate) fn for_many(key: Key) -> Self {
        LinkWords::new(key, 0)
    }

    /// The words of the n-th message of a link that has asked for all before it.
    #[inline(always)]
    pub(crate) fn next(&mut self, from: NodeId, to: NodeId, n: u32) -> Words {
        let link = from.index() * self.nodes + to.index();
        let Made { mut base, to: end } = self.made[link];
        if end == n {
            self.make(from, to, n);
            base = self.made[link].base;
        }
        self.words[base.wrapping_add(n) as usize]
    }

    /// The words of the n-th message of a link, computed without being kept.
    pub(crate) fn seek(&self, from: NodeId, to: NodeId, n: u32) -> Words {
        let mut places = [Place::default(); BLOCKS];
        places[0] = Place { stream: stream(from, to), block: u64::from(n / PER_BLOCK) };
        message(&self.key.blocks(&places)[0], n % PER_BLOCK)
    }

    #[cold]
    #[inline(never)]
    fn make(&mut self, from: NodeId, to: NodeId, n: u32) {
        if n == 0 {
            self.make_first(from.max(to), from.min(to));
        } else {
            self.make_next(from, to, n);
        }
    }

    /// The words of the first messages of a link, and of links that are likely to be used soon: between the same two
    /// nodes in both directions, and between one of them and the neighbours of the other.
    fn make_first(&mut self, node: NodeId, peer: NodeId) {
        let peers = (0..PAIRS).map(|k| NodeId(peer.0 / PAIRS * PAIRS + k));
        let links = peers.flat_map(|peer| [(node, peer), (peer, node)]);
        let mut places = [Place::default(); BLOCKS];
        for (place, (from, to)) in places.iter_mut().zip(links.clone()) {
            place.stream = stream(from, to);
        }
        let blocks = self.key.blocks(&places);
        self.words.reserve(BLOCKS * PER_BLOCK as usize);
        // A peer with a higher number computes this link with its own.
        for (block, (from, to)) in blocks.iter().zip(links).filter(|(_, (from, to))| *from.max(to) == node) {
            self.made[from.index() * self.nodes + to.index()] = Made { base: self.words.len() as u32, to: PER_BLOCK };
            self.words.extend((0..PER_BLOCK).map(|n| message(block, n)));
        }
    }

    /// The words of the n-th message and of those that follow it.
    fn make_next(&mut self, from: NodeId, to: NodeId, n: u32) {
        let first = u64::from(n / PER_BLOCK);
        let places = std::array::from_fn(|k| Place { stream: stream(from, to), block: first + k as u64 });
        let blocks = self.key.blocks(&places);
        let made = &mut self.made[from.index() * self.nodes + to.index()];
        // The first time that this many are computed, they get space of their own.
        if n == PER_BLOCK {
            made.base = (self.words.len() as u32).wrapping_sub(n);
            self.words.resize(self.words.len() + AT_ONCE as usize, Words::default());
        } else {
            made.base = made.base.wrapping_sub(AT_ONCE);
        }
        made.to = n.saturating_add(AT_ONCE);
        let begin = made.base.wrapping_add(n) as usize;
        let words = self.words[begin..].as_flattened_mut();
        words[..blocks.as_flattened().len()].copy_from_slice(blocks.as_flattened());
    }
}

/// The words of the n-th message of a block.
fn message(block: &Block, n: u32) -> Words {
    let (messages, _) = block.as_chunks();
    messages[n as usize]
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha8Rng;
    use rand_core::{Rng, SeedableRng};

    #[test]
    fn in_turn_and_by_seeking_the_words_are_those_of_the_links_streams() {
        let key = [3; 32];
        let nodes = 7;
        let mut words = LinkWords::new(Key::new(key), nodes);
        let all = || (0..nodes as u16).map(NodeId);
        let links = all().flat_map(|from| all().map(move |to| (from, to)));
        let mut streams: Vec<_> = links
            .map(|(from, to)| {
                let mut stream = ChaCha8Rng::from_seed(key);
                stream.set_stream((u64::from(from.0) << 16) | u64::from(to.0));
                (from, to, stream)
            })
            .collect();
        for n in 0..150 {
            for (from, to, stream) in &mut streams {
                let expect: Words = std::array::from_fn(|_| stream.next_u32());
                assert_eq!(words.next(*from, *to, n), expect, "{from} to {to}, {n}");
                assert_eq!(words.seek(*from, *to, n), expect, "{from} to {to}, {n}");
            }
        }
    }
}
