//! Probabilistic concurrency testing: messages are delivered by priorities, which are random and change at few random
//! points. (Burckhardt, Kothari, Musuvathi, Nagarakatte: *A Randomized Scheduler with Probabilistic Guarantees of Finding
//! Bugs*, ASPLOS 2010, §3. For messages: Ozkan, Majumdar, Niksic, Tabaei Befrouei, Weissenbacher: *Randomized Testing of
//! Distributed Systems with Probabilistic Guarantees*, OOPSLA 2018.)
//!
//! **What is ordered.** In place of the paper's threads there are *chains*: all messages of a link with FIFO order, or
//! all messages of one kind on a link without. Each chain gets a random priority. d − 1 of the first k messages of a
//! run are change points: from there on, their chain has a priority below all initial ones, each change point its own.
//! OOPSLA 2018 splits the messages into chains of causality instead; links are such chains that need no lookahead, only
//! more of them.
//!
//! **How.** A world has no scheduler, and the order of messages follows from latencies. So a priority *is* a latency,
//! from the base latency for the highest to a greatest one for the lowest, geometrically spread; each message of a
//! chain has the latency of its priority. Of two messages in flight the one of the higher priority arrives first,
//! unless the other was sent earlier by more than their latencies differ. The greatest latency is drawn from the seed,
//! and is never longer than a bound that the model relies on ([`Tolerance::delay`](crate::Tolerance::delay)). Latencies
//! are named choices, so a recorded run replays without the strategy.
//!
//! **What it guarantees.** A bug that needs d orderings among n chains of at most k messages, all of them in flight within
//! the window that latencies span, shows with a probability of at least 1 / (n · k^(d−1)) a seed (the theorem of §3).
//! Outside the window, and for bugs that need faults, it guarantees nothing more than the fault plan does.
//!
//! **What it leaves alone.** Faults, loss and duplication are those of the swarm, because most planted bugs need both a
//! fault and an order. (`--faults none` gives plans without faults.) Links with FIFO order keep it: a late message
//! holds up those behind it. After the world has healed, latencies are the network's own again, because liveness is
//! judged there, and a link that stays slow is more than a late message.

use std::collections::BTreeMap;

use rand_core::Rng;

use crate::fingerprint::stable_hash;
use crate::generator::{generator, stream};
use crate::network::{Fate, NetworkConfig};
use crate::process::NodeId;
use crate::time::Span;

/// The depth of bugs to find: the most orderings that they need. "Most bugs have small depths", says the paper (§2.2),
/// and means three and less.
pub const DEPTH: u32 = 3;

/// The greatest latency as a multiple of the base latency; a seed picks one.
const SPREADS: [u64; 4] = [8, 40, 200, 400];

/// The lowest initial priority, where 0 is the highest of all; those of change points are lower.
const INITIAL: f64 = 0.75;

/// How priorities become latencies in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// k: the number of messages among which the change points are.
    pub steps: u32,
    /// d: the number of change points plus one.
    pub depth: u32,
    /// The latency of the lowest priority.
    pub most: Span,
}

impl Order {
    /// The order of a seed, where messages take at least `least` and at most `bound`.
    pub(crate) fn drawn(seed: u64, steps: u32, least: Span, bound: Span) -> Self {
        let spread = SPREADS[generator(seed, "pct/spread").next_u32() as usize % SPREADS.len()];
        Order { steps, depth: DEPTH, most: (least * spread).min(bound) }
    }
}

/// The messages of a link, or those of one kind where messages of a link overtake each other.
type Chain = (NodeId, NodeId, Option<u16>);

/// The priorities of a run: 0 is the highest, 1 the lowest.
#[derive(Clone, Debug)]
pub(crate) struct Priorities {
    seed: u64,
    most: Span,
    of: BTreeMap<Chain, f64>,
    /// The number of messages so far.
    asked: u32,
    /// The change points: the number of a message, and the new priority of its chain.
    changes: Vec<(u32, f64)>,
}

impl Priorities {
    pub(crate) fn new(order: Order, seed: u64) -> Self {
        let mut words = generator(seed, "pct/changes");
        let points = order.depth.saturating_sub(1);
        let below = |i: u32| INITIAL + (1.0 - INITIAL) * f64::from(i + 1) / f64::from(points);
        let at =
            |words: &mut rand_chacha::ChaCha8Rng| ((u64::from(words.next_u32()) * u64::from(order.steps)) >> 32) as u32;
        let changes = (0..points).map(|i| (at(&mut words), below(i))).collect();
        Priorities { seed, most: order.most, of: BTreeMap::new(), asked: 0, changes }
    }

    /// The fate of the next message, late by the priority of its chain.
    pub(crate) fn order(
        &mut self,
        (from, to, kind): (NodeId, NodeId, u16),
        network: &NetworkConfig,
        fate: Fate,
    ) -> Fate {
        let chain = (from, to, (!network.fifo).then_some(kind));
        let seed = self.seed;
        let priority = self.of.entry(chain).or_insert_with(|| initial(seed, chain));
        if let Some((_, lower)) = self.changes.iter().find(|(at, _)| *at == self.asked) {
            *priority = *lower;
        }
        self.asked = self.asked.saturating_add(1);
        let latency = latency(*priority, network.latency.base(), self.most);
        // A duplicate arrives after its original, by the latency that the network gives it.
        Fate { latency, copy: fate.copy.map(|copy| (latency + copy).min(self.most).max(latency)), ..fate }
    }
}

/// The initial priority of a chain. It depends on the name of the chain only.
fn initial(seed: u64, chain: Chain) -> f64 {
    let word = stream(seed, "pct/chain", stable_hash(&chain)).next_u32();
    INITIAL * f64::from(word) / (f64::from(u32::MAX) + 1.0)
}

/// Interpolates geometrically, so that each lower priority waits for the higher ones.
fn latency(priority: f64, least: Span, most: Span) -> Span {
    let (low, high) = (least.0.max(1), most.0.max(least.0).max(1));
    let latency = low as f64 * libm::pow(high as f64 / low as f64, priority);
    Span((latency as u64).clamp(least.0, high))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_follow_priorities_within_their_bounds() {
        let (least, most) = (Span::ms(1), Span::ms(400));
        let all: Vec<Span> = (0..=100u32).map(|i| latency(f64::from(i) / 100.0, least, most)).collect();
        assert!(all.windows(2).all(|pair| pair[0] < pair[1]), "{all:?}");
        assert_eq!((all[0], all[50]), (least, Span::ms(20)));
        assert!(all[100] <= most && all[100] > Span::ms(399));
        assert_eq!(latency(0.5, most, least), most, "a bound below the least latency leaves that");
    }
}
