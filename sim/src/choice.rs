//! Choices: every random event has a name, and a source maps names to values.
//!
//! | choice | name | value | default |
//! |---|---|---|---|
//! | fate of a message | `(send, from, to, kind, n)`: the n-th of its kind on the link | lost or not; latency; latency of a copy, if any | arrives once after the base latency |
//! | draw of a process | `(draw, node, label, n)`: the n-th with this label on the node | a fraction of the range, in billionths | a fixed fraction that differs from node to node |
//! | lateness of a timer | `(timer, node, kind, n)`: the n-th arming of this kind on the node | zero to the scenario's `timer_jitter` | zero |
//! | length of a sync | `(sync, node, n)`: the n-th on the node | zero to `sync_jitter`, added to the least | zero |
//! | unsynced write at a crash | `(crash, node, n, write)`: the write-th unsynced one at the n-th crash | kept, lost, torn | kept |
//!
//! Events at the same instant are not a choice: they run in the order of their names.
//!
//! Each choice has two names. The *cheap* one generates values from a seed: each link and each node has its own ChaCha
//! stream (keyed by the seed and a domain), and each message takes four words of it, so that finding a value is reading
//! the next words. The *durable* one, above, is what a trace records: kinds and labels by name, counted separately, so
//! that a new kind of message or a new draw in the code renames no other choice.

use std::collections::BTreeMap;

use rand_chacha::ChaCha8Rng;
use rand_core::Rng;
use serde::{Deserialize, Serialize};

use crate::chacha::Key;
use crate::disk::{DiskConfig, WriteFate};
use crate::effects::{Path, path_text};
use crate::generator::{domain_key, stream};
use crate::kind::Kinded;
use crate::network::{Fate, Link, Links, NetworkConfig, below};
use crate::process::NodeId;
use crate::strategy::pct::{Order, Priorities};
use crate::time::Span;
use crate::words::LinkWords;

/// A fraction in billionths: draws are stored as a place in their range, so that they keep their meaning when the
/// range moves.
pub type Billionths = u32;

const BILLION: u64 = 1_000_000_000;

/// One choice whose value is not the default: an item of a trace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "choice", rename_all = "snake_case", deny_unknown_fields)]
pub enum Deviation {
    /// The fate of a message. No latency means the base latency.
    Send {
        /// The sender, which may be the receiver too.
        from: NodeId,
        /// The receiver.
        to: NodeId,
        /// As [`Kinded`] names it, in snake case.
        kind: String,
        /// Which one of this kind on this link, from 0.
        n: u32,
        /// Whether it never arrives.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        lost: bool,
        /// From the instant it leaves its node; the base latency if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        latency: Option<Span>,
        /// The latency of a second copy; none is delivered if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        copy: Option<Span>,
    },
    /// The value of [`crate::Context::draw`].
    Draw {
        /// Whose process draws.
        node: NodeId,
        /// With the names of hosted processes in front: `raft/election_timeout`.
        label: String,
        /// Which one with this label on this node, from 0.
        n: u32,
        /// The place in the range, in billionths.
        billionths: Billionths,
    },
    /// The lateness of a timer.
    Timer {
        /// Where it is armed.
        node: NodeId,
        /// As [`Kinded`] names it, in snake case.
        kind: String,
        /// Which arming of this kind on this node, from 0.
        n: u32,
        /// At most the scenario's `timer_jitter`.
        late: Span,
    },
    /// The extra length of a sync.
    Sync {
        /// Whose disk.
        node: NodeId,
        /// Which sync of this node, from 0.
        n: u32,
        /// Added to the scenario's least length; at most its `sync_jitter`.
        longer: Span,
    },
    /// The fate of an unsynced write at a crash.
    Crash {
        /// The node that crashes.
        node: NodeId,
        /// Which crash of this node, from 0.
        n: u32,
        /// Which of the unsynced writes, from 0 for the oldest.
        write: u32,
        /// Whether it reached the disk.
        fate: WriteFate,
    },
}

impl Deviation {
    /// The nodes that the choice is about.
    pub fn nodes(&self) -> Vec<NodeId> {
        match self {
            Deviation::Send { from, to, .. } => vec![*from, *to],
            Deviation::Draw { node, .. }
            | Deviation::Timer { node, .. }
            | Deviation::Sync { node, .. }
            | Deviation::Crash { node, .. } => vec![*node],
        }
    }
}

/// Where the choices of a run come from.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// Every name gets the value that this seed maps it to.
    Seed(u64),
    /// Every name gets its default, but for these.
    Fixed(Vec<Deviation>),
    /// Every name gets the value that the seed maps it to, but for these.
    Changed {
        /// The seed of all other choices.
        seed: u64,
        /// The choices that have a fixed value.
        changes: Vec<Deviation>,
    },
    /// Every name gets the value that the seed maps it to, but messages are late by the priorities of their links.
    Ordered {
        /// The seed of choices and of priorities.
        seed: u64,
        /// The latencies that priorities stand for.
        order: Order,
    },
}

impl Source {
    /// The seed that choices come from, if they do.
    pub fn seed(&self) -> Option<u64> {
        match self {
            Source::Seed(seed) | Source::Changed { seed, .. } | Source::Ordered { seed, .. } => Some(*seed),
            Source::Fixed(_) => None,
        }
    }
}

/// The durable name of a choice.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Name {
    Send(NodeId, NodeId, u16, u32),
    Draw(NodeId, String, u32),
    Timer(NodeId, u16, u32),
    Sync(NodeId, u32),
    Crash(NodeId, u32, u32),
}

/// A fixed choice, and whether the run asked for it.
#[derive(Clone, Debug)]
struct Fixed {
    /// Its index in the trace's list.
    index: usize,
    value: Deviation,
}

/// The source of all choices of a world.
#[derive(Clone, Debug)]
pub(crate) struct Choices {
    seed: Option<u64>,
    fixed: BTreeMap<Name, Fixed>,
    /// Links with a fixed message fate; the others need no look-up.
    fixed_used: Vec<bool>,
    /// The choices that are not the default, if the run is recorded.
    recorded: Option<Vec<Deviation>>,
    /// Whether choices are counted by their durable names.
    named: bool,
    message_kinds: Kinds,
    timer_kinds: Kinds,
    /// The random words of links, for sources with a seed.
    links: Option<LinkWords>,
    /// The priorities of links, for [`Source::Ordered`].
    priorities: Option<Priorities>,
    draws: NodeStreams,
    physics: NodeStreams,
    draw_counts: BTreeMap<(NodeId, String), u32>,
    sync_counts: Vec<u32>,
    crash_counts: Vec<u32>,
}

/// The kinds of messages or timers of a model; names are made on demand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kinds {
    count: u16,
    name: fn(u16) -> String,
}

impl Kinds {
    pub(crate) fn of<K: Kinded>() -> Self {
        Kinds { count: K::kind_count(), name: K::kind_name }
    }

    fn name(self, kind: u16) -> String {
        (self.name)(kind)
    }

    fn find(self, name: &str) -> Option<u16> {
        (0..self.count).find(|kind| self.name(*kind) == name)
    }
}

/// A stream of random words for each node, created at its first draw.
#[derive(Clone, Debug, Default)]
struct NodeStreams(Vec<Option<Box<ChaCha8Rng>>>);

impl NodeStreams {
    fn next_word(&mut self, seed: u64, domain: &str, node: NodeId) -> u32 {
        let words = at(&mut self.0, node).get_or_insert_with(|| Box::new(stream(seed, domain, u64::from(node.0))));
        words.next_u32()
    }
}

/// The entry of a node; the list grows as needed.
fn at<T: Default>(list: &mut Vec<T>, node: NodeId) -> &mut T {
    if list.len() <= node.index() {
        list.resize_with(node.index() + 1, T::default);
    }
    &mut list[node.index()]
}

impl Choices {
    pub(crate) fn new(source: &Source, record: bool, nodes: usize, messages: Kinds, timers: Kinds) -> Self {
        let (seed, deviations, order) = match source {
            Source::Seed(seed) => (Some(*seed), &[][..], None),
            Source::Fixed(deviations) => (None, &deviations[..], None),
            Source::Changed { seed, changes } => (Some(*seed), &changes[..], None),
            Source::Ordered { seed, order } => (Some(*seed), &[][..], Some(*order)),
        };
        let priorities = order.zip(seed).map(|(order, seed)| Priorities::new(order, seed));
        let name = |deviation: &Deviation| match deviation {
            Deviation::Send { from, to, kind, n, .. } => Some(Name::Send(*from, *to, messages.find(kind)?, *n)),
            Deviation::Draw { node, label, n, .. } => Some(Name::Draw(*node, label.clone(), *n)),
            Deviation::Timer { node, kind, n, .. } => Some(Name::Timer(*node, timers.find(kind)?, *n)),
            Deviation::Sync { node, n, .. } => Some(Name::Sync(*node, *n)),
            Deviation::Crash { node, n, write, .. } => Some(Name::Crash(*node, *n, *write)),
        };
        let links = seed
            .map(|seed| Key::new(domain_key(seed, "link")))
            .map(|key| if nodes <= Links::ARRAY_NODES { LinkWords::new(key, nodes) } else { LinkWords::for_many(key) });
        let fixed = deviations.iter().enumerate();
        let fixed = fixed.filter_map(|(index, value)| Some((name(value)?, Fixed { index, value: value.clone() })));
        Choices {
            seed,
            fixed: fixed.collect(),
            fixed_used: vec![false; deviations.len()],
            recorded: record.then(Vec::new),
            // Priorities are looked up on the slow path, so that runs without them pay nothing.
            named: record || seed.is_none() || !deviations.is_empty() || priorities.is_some(),
            message_kinds: messages,
            timer_kinds: timers,
            links,
            priorities,
            draws: NodeStreams::default(),
            physics: NodeStreams::default(),
            draw_counts: BTreeMap::new(),
            sync_counts: Vec::new(),
            crash_counts: Vec::new(),
        }
    }

    fn fixed(&mut self, name: &Name) -> Option<&Deviation> {
        let fixed = self.fixed.get(name)?;
        self.fixed_used[fixed.index] = true;
        Some(&fixed.value)
    }

    fn record(&mut self, deviation: impl FnOnce() -> Deviation) {
        if let Some(recorded) = &mut self.recorded {
            recorded.push(deviation());
        }
    }

    /// The recorded choices, in the order in which they were made.
    pub(crate) fn take_recorded(&mut self) -> Vec<Deviation> {
        self.recorded.take().unwrap_or_default()
    }

    /// For each fixed choice, whether the run asked for it.
    pub(crate) fn used(&self) -> &[bool] {
        &self.fixed_used
    }

    /// The fate of the next message on a link. Once the world has `healed`, nothing is lost or duplicated.
    #[inline(always)]
    pub(crate) fn send(
        &mut self,
        (from, to, kind): (NodeId, NodeId, u16),
        network: &NetworkConfig,
        healed: bool,
        link: &mut Link,
        seek: bool,
    ) -> Fate {
        let n = link.sent;
        link.sent += 1;
        let mut fate = match &mut self.links {
            Some(words) => {
                let words = if seek { words.seek(from, to, n) } else { words.next(from, to, n) };
                Fate::sample(network, words)
            }
            None => Fate::on_time(network.latency.base()),
        };
        if self.named {
            fate = self.send_by_name((from, to, kind), network, healed, link, fate);
        } else if healed {
            fate = Fate::on_time(fate.latency);
        }
        fate
    }

    /// Whether the fate of messages depends on the seed alone.
    pub(crate) fn only_from_seed(&self) -> bool {
        self.links.is_some() && !self.named
    }

    /// The latency of the next message, in a world of few nodes, where nothing is lost or duplicated and choices are
    /// [`Choices::only_from_seed`].
    #[inline(always)]
    pub(crate) fn latency(&mut self, (from, to): (NodeId, NodeId), network: &NetworkConfig, link: &mut Link) -> Span {
        let n = link.sent;
        link.sent += 1;
        let words = self.links.as_mut().expect("a seed has words for links");
        Fate::sample(network, words.next(from, to, n)).latency
    }

    #[cold]
    fn send_by_name(
        &mut self,
        (from, to, kind): (NodeId, NodeId, u16),
        network: &NetworkConfig,
        healed: bool,
        link: &mut Link,
        mut fate: Fate,
    ) -> Fate {
        if link.sent_of_kind.len() <= kind as usize {
            link.sent_of_kind.resize(kind as usize + 1, 0);
        }
        let n = link.sent_of_kind[kind as usize];
        link.sent_of_kind[kind as usize] += 1;
        if let Some(priorities) = &mut self.priorities
            && !healed
        {
            fate = priorities.order((from, to, kind), network, fate);
        }
        if !self.fixed.is_empty()
            && let Some(Deviation::Send { lost, latency, copy, .. }) = self.fixed(&Name::Send(from, to, kind, n))
        {
            fate = Fate { lost: *lost, latency: latency.unwrap_or(network.latency.base()), copy: *copy };
        }
        if healed {
            fate = Fate::on_time(fate.latency);
        }
        let base = network.latency.base();
        if self.recorded.is_some() && fate != Fate::on_time(base) {
            let kind = self.message_kinds.name(kind);
            let latency = (fate.latency != base && !fate.lost).then_some(fate.latency);
            self.record(|| Deviation::Send { from, to, kind, n, lost: fate.lost, latency, copy: fate.copy });
        }
        fate
    }

    /// A number in `low..=high`.
    pub(crate) fn draw(&mut self, node: NodeId, path: Path<'_>, low: u64, high: u64) -> u64 {
        let default = default_fraction(node);
        let mut fraction = match self.seed {
            Some(seed) => {
                let word = self.draws.next_word(seed, "draw", node);
                ((u64::from(word) * BILLION) >> 32) as Billionths
            }
            None => default,
        };
        if self.named {
            let label = path_text(path);
            let count = self.draw_counts.entry((node, label.clone())).or_insert(0);
            let n = *count;
            *count += 1;
            if let Some(Deviation::Draw { billionths, .. }) = self.fixed(&Name::Draw(node, label.clone(), n)) {
                fraction = (*billionths).min(BILLION as u32 - 1);
            }
            if fraction != default {
                self.record(|| Deviation::Draw { node, label, n, billionths: fraction });
            }
        }
        point(fraction, low, high)
    }

    fn physics_word(&mut self, node: NodeId) -> Option<u32> {
        Some(self.physics.next_word(self.seed?, "node", node))
    }

    /// By how much the n-th arming of a kind of timer is late.
    #[inline]
    pub(crate) fn timer(&mut self, node: NodeId, kind: u16, n: u32, jitter: Span) -> Span {
        if jitter == Span::ZERO && self.fixed.is_empty() {
            return Span::ZERO;
        }
        let word = if jitter == Span::ZERO { None } else { self.physics_word(node) };
        let mut late = word.map_or(Span::ZERO, |word| share(word, jitter));
        if self.named {
            if let Some(Deviation::Timer { late: fixed, .. }) = self.fixed(&Name::Timer(node, kind, n)) {
                late = *fixed;
            }
            if late != Span::ZERO && self.recorded.is_some() {
                let kind = self.timer_kinds.name(kind);
                self.record(|| Deviation::Timer { node, kind, n, late });
            }
        }
        late
    }

    /// How long the next sync of a node takes.
    pub(crate) fn sync(&mut self, node: NodeId, disk: &DiskConfig) -> Span {
        let count = at(&mut self.sync_counts, node);
        let n = *count;
        *count += 1;
        let word = if disk.sync_jitter == Span::ZERO { None } else { self.physics_word(node) };
        let mut longer = word.map_or(Span::ZERO, |word| share(word, disk.sync_jitter));
        if self.named {
            if let Some(Deviation::Sync { longer: fixed, .. }) = self.fixed(&Name::Sync(node, n)) {
                longer = *fixed;
            }
            if longer != Span::ZERO {
                self.record(|| Deviation::Sync { node, n, longer });
            }
        }
        disk.sync + longer
    }

    /// Counts a crash of a node; the number of the crash is an argument of [`Choices::crashed_write`].
    pub(crate) fn crash(&mut self, node: NodeId) -> u32 {
        let count = at(&mut self.crash_counts, node);
        *count += 1;
        *count - 1
    }

    /// The fate of one unsynced write.
    pub(crate) fn crashed_write(&mut self, node: NodeId, n: u32, write: u32, disk: &DiskConfig) -> WriteFate {
        let mut fate = match self.physics_word(node) {
            Some(word) if below(word, disk.lost_ppm) => WriteFate::Lost,
            Some(word) if below(word, disk.lost_ppm.saturating_add(disk.torn_ppm)) => WriteFate::Torn,
            _ => WriteFate::Kept,
        };
        if self.named {
            if let Some(Deviation::Crash { fate: fixed, .. }) = self.fixed(&Name::Crash(node, n, write)) {
                fate = *fixed;
            }
            if fate != WriteFate::Kept {
                self.record(|| Deviation::Crash { node, n, write, fate });
            }
        }
        fate
    }
}

/// The part of a span that a random word stands for.
fn share(word: u32, of: Span) -> Span {
    Span(((u128::from(word) * u128::from(of.0)) >> 32) as u64)
}

/// The number in `low..=high` that a fraction stands for.
fn point(fraction: Billionths, low: u64, high: u64) -> u64 {
    let width = u128::from(high - low) + 1;
    low + (width * u128::from(fraction) / u128::from(BILLION)) as u64
}

/// The default of a node's draw in `low..=high`.
pub(crate) fn default_draw(node: NodeId, low: u64, high: u64) -> u64 {
    point(default_fraction(node), low, high)
}

/// A point of a range that differs from node to node: multiples of the golden ratio spread evenly however many nodes
/// there are.
fn default_fraction(node: NodeId) -> Billionths {
    const GOLDEN: u64 = 618_033_989;
    (((u64::from(node.0) + 1) * GOLDEN) % BILLION) as Billionths
}
