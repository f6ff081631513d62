//! The network: latency, loss, duplication, reordering, and cuts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::process::NodeId;
use crate::time::{Span, Time};

/// The distribution of latencies. Its *base* is the default of a message's latency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Latency {
    /// Always `base`: without jitter, where the order of events matters and their times do not.
    Constant {
        /// The latency of every message.
        base: Span,
    },
    /// A uniform distribution; the base is `min`.
    Uniform {
        /// The least latency, and the base.
        min: Span,
        /// The greatest latency.
        max: Span,
    },
    /// `min` plus a log-normal part; the base is `min + median`. As measured in real networks: most latencies are close
    /// together, few are long.
    LogNormal {
        /// Added to all.
        min: Span,
        /// The median of the random part.
        median: Span,
        /// The standard deviation of its logarithm, in thousandths.
        sigma_milli: u32,
        /// No message takes longer than this.
        max: Span,
    },
    /// A Pareto distribution cut off at `max`; the base is `min`. A few messages are very late.
    HeavyTail {
        /// The least latency, and the base.
        min: Span,
        /// The tail's index, in thousandths: the smaller, the heavier.
        alpha_milli: u32,
        /// No message takes longer than this.
        max: Span,
    },
}

impl Latency {
    /// The latency that is no deviation.
    pub fn base(&self) -> Span {
        match self {
            Latency::Constant { base } => *base,
            Latency::Uniform { min, .. } | Latency::HeavyTail { min, .. } => *min,
            Latency::LogNormal { min, median, .. } => *min + *median,
        }
    }

    /// The same distribution, cut off at `most`.
    pub fn at_most(self, most: Span) -> Self {
        match self {
            Latency::Constant { base } => Latency::Constant { base: base.min(most) },
            Latency::Uniform { min, max } => Latency::Uniform { min: min.min(most), max: max.min(most) },
            Latency::LogNormal { min, median, sigma_milli, max } => {
                // The base, the default latency, is bounded too.
                let min = min.min(most);
                Latency::LogNormal { min, median: median.min(most - min), sigma_milli, max: max.min(most) }
            }
            Latency::HeavyTail { min, alpha_milli, max } => {
                Latency::HeavyTail { min: min.min(most), alpha_milli, max: max.min(most) }
            }
        }
    }

    /// An upper bound on latencies.
    pub fn most(&self) -> Span {
        match self {
            Latency::Constant { base } => *base,
            Latency::Uniform { max, .. } | Latency::LogNormal { max, .. } | Latency::HeavyTail { max, .. } => *max,
        }
    }

    /// Why this is no distribution; `None` if it is one.
    pub(crate) fn problem(&self) -> Option<String> {
        match self {
            Latency::Uniform { min, max } if min > max => Some(format!("latency min {min} is above max {max}")),
            Latency::LogNormal { min, max, .. } | Latency::HeavyTail { min, max, .. } if min > max => {
                Some(format!("latency min {min} is above max {max}"))
            }
            Latency::HeavyTail { alpha_milli: 0, .. } => Some("latency alpha_milli must be above 0".into()),
            _ => None,
        }
    }

    /// The latency at a point of the distribution named by a random word.
    #[inline(always)]
    pub(crate) fn sample(&self, word: u32) -> Span {
        match *self {
            Latency::Constant { base } => base,
            Latency::Uniform { min, max } => {
                let width = (max.0 - min.0).saturating_add(1);
                Span(min.0 + scale(word, width))
            }
            _ => self.sample_curved(word),
        }
    }

    #[inline(never)]
    fn sample_curved(&self, word: u32) -> Span {
        match *self {
            Latency::Constant { .. } | Latency::Uniform { .. } => self.base(),
            Latency::LogNormal { min, median, sigma_milli, max } => {
                // Box–Muller over the two halves of the word: libm gives the same bits everywhere.
                let u = (f64::from(word >> 16) + 1.0) / 65537.0;
                let v = f64::from(word & 0xffff) / 65536.0;
                let normal = libm::sqrt(-2.0 * libm::log(u)) * libm::cos(std::f64::consts::TAU * v);
                let part = median.0 as f64 * libm::exp(normal * f64::from(sigma_milli) / 1000.0);
                Span(min.0.saturating_add(part as u64).min(max.0))
            }
            Latency::HeavyTail { min, alpha_milli, max } => {
                let u = (f64::from(word) + 1.0) / 4_294_967_297.0;
                let part = min.0 as f64 * libm::pow(u, -1000.0 / f64::from(alpha_milli));
                Span((part as u64).clamp(min.0, max.0))
            }
        }
    }
}

/// `word / 2³² · width`, rounded down: an even spread over `0..width` for widths that fit an instant.
fn scale(word: u32, width: u64) -> u64 {
    ((u128::from(word) * u128::from(width)) >> 32) as u64
}

/// The network of a scenario.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkConfig {
    /// Without bandwidth, cuts and delays, which are added.
    pub latency: Latency,
    /// Whether every link delivers in the order of sending (FIFO). If not, a model can still declare kinds of messages
    /// that keep their order ([`crate::Model::fifo`]).
    pub fifo: bool,
    /// How many messages in a million are lost.
    pub loss_ppm: u32,
    /// How many messages in a million arrive twice.
    pub dup_ppm: u32,
    /// Bytes per second on each link; unlimited if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bandwidth: Option<u64>,
}

impl NetworkConfig {
    /// In order, without loss and duplication, with this latency.
    pub fn reliable(latency: Latency) -> Self {
        NetworkConfig { latency, fifo: true, loss_ppm: 0, dup_ppm: 0, bandwidth: None }
    }
}

impl Default for NetworkConfig {
    /// Reliable, 1 to 10 ms.
    fn default() -> Self {
        NetworkConfig::reliable(Latency::Uniform { min: Span::ms(1), max: Span::ms(10) })
    }
}

/// The fate of one message in the network: the choice `(send, from, to, kind, n)`. The default is
/// [`Fate::on_time`] with the base latency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fate {
    /// It never arrives.
    pub lost: bool,
    /// From the instant it leaves its node.
    pub latency: Span,
    /// The latency of its duplicate, if it has one.
    pub copy: Option<Span>,
}

impl Fate {
    /// Arrives once, after `latency`.
    pub fn on_time(latency: Span) -> Self {
        Fate { lost: false, latency, copy: None }
    }

    /// The fate that four random words stand for.
    #[inline(always)]
    pub(crate) fn sample(config: &NetworkConfig, words: [u32; 4]) -> Self {
        Fate {
            lost: below(words[0], config.loss_ppm),
            latency: config.latency.sample(words[1]),
            copy: below(words[2], config.dup_ppm).then(|| config.latency.sample(words[3])),
        }
    }
}

/// True for `ppm` of a million words.
#[inline]
pub(crate) fn below(word: u32, ppm: u32) -> bool {
    ppm > 0 && u64::from(word) * 1_000_000 < u64::from(ppm) << 32
}

/// One direction between two nodes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Link {
    /// Messages sent so far.
    pub(crate) sent: u32,
    /// The same by kind of message; counted only if choices are recorded or fixed.
    pub(crate) sent_of_kind: Vec<u32>,
    /// The latest arrival of its messages.
    pub(crate) last_arrival: Time,
    /// The latest arrival among the kinds that keep their order on a link without FIFO order.
    pub(crate) last_ordered: Time,
    /// Until when its bandwidth is taken.
    pub(crate) busy_until: Time,
}

/// When a message arrives.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    pub(crate) at: Time,
    /// Whether it comes before one that was sent earlier.
    pub(crate) overtakes: bool,
}

impl Link {
    /// When a message arrives that would do so at `at`, if nothing was in its way. On a link without FIFO order, the kinds that
    /// keep their order keep it among themselves.
    #[inline(always)]
    pub(crate) fn arrival(&mut self, mut at: Time, keeps_order: bool, all_keep_order: bool) -> Arrival {
        if keeps_order {
            at = at.max(if all_keep_order { self.last_arrival } else { self.last_ordered });
            self.last_ordered = at;
        }
        let overtakes = at < self.last_arrival;
        self.last_arrival = self.last_arrival.max(at);
        Arrival { at, overtakes }
    }
}

/// All links of a world: an array in a small world, a map that grows on use in a large one.
#[derive(Clone, Debug)]
pub(crate) enum Links {
    Array { nodes: usize, links: Vec<Link> },
    Sparse(Vec<BTreeMap<NodeId, Link>>),
}

impl Links {
    /// Above this many nodes, links are created on use and keep no generator of their own.
    pub(crate) const ARRAY_NODES: usize = 24;

    pub(crate) fn new(nodes: usize) -> Self {
        if nodes <= Self::ARRAY_NODES {
            Links::Array { nodes, links: vec![Link::default(); nodes * nodes] }
        } else {
            Links::Sparse(vec![BTreeMap::new(); nodes])
        }
    }

    #[inline(always)]
    pub(crate) fn get(&mut self, from: NodeId, to: NodeId) -> &mut Link {
        match self {
            Links::Array { nodes, links } => &mut links[from.index() * *nodes + to.index()],
            Links::Sparse(links) => links[from.index()].entry(to).or_default(),
        }
    }

    #[inline]
    pub(crate) fn sparse(&self) -> bool {
        matches!(self, Links::Sparse(_))
    }
}

/// What happens to messages that a cut stops, both those in flight and those sent into it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CutMode {
    /// They are lost.
    #[default]
    Drop,
    /// They arrive when the cut ends, in order.
    Hold,
}

/// A cut that is in force: messages from `from` to `to` do not pass.
#[derive(Clone, Debug)]
pub(crate) struct Cut {
    /// The index of its fault in the plan.
    pub(crate) fault: usize,
    pub(crate) from: NodeSet,
    pub(crate) to: NodeSet,
    pub(crate) mode: CutMode,
}

impl Cut {
    pub(crate) fn stops(&self, from: NodeId, to: NodeId) -> bool {
        self.from.contains(from) && self.to.contains(to)
    }
}

/// A set of nodes with constant-time membership.
#[derive(Clone, Debug, Default)]
pub(crate) struct NodeSet(Vec<u64>);

impl NodeSet {
    pub(crate) fn contains(&self, node: NodeId) -> bool {
        let word = self.0.get(node.index() / 64).copied().unwrap_or(0);
        word >> (node.index() % 64) & 1 == 1
    }
}

impl FromIterator<NodeId> for NodeSet {
    fn from_iter<I: IntoIterator<Item = NodeId>>(nodes: I) -> Self {
        let mut set = NodeSet::default();
        for node in nodes {
            let word = node.index() / 64;
            if set.0.len() <= word {
                set.0.resize(word + 1, 0);
            }
            set.0[word] |= 1 << (node.index() % 64);
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quantile(latency: &Latency, q: f64) -> f64 {
        let step = 4_294_967;
        let mut all: Vec<u64> = (0..1000u32).map(|i| latency.sample(i.wrapping_mul(step).rotate_left(7)).0).collect();
        all.sort_unstable();
        all[(q * 999.0) as usize] as f64 / 1e6
    }

    #[test]
    fn distributions_have_their_shapes() {
        let uniform = Latency::Uniform { min: Span::ms(1), max: Span::ms(11) };
        assert!((quantile(&uniform, 0.5) - 6.0).abs() < 0.5);
        assert!(uniform.sample(0) == Span::ms(1) && uniform.sample(u32::MAX) <= Span::ms(11));
        let normal = Latency::LogNormal { min: Span::ms(1), median: Span::ms(4), sigma_milli: 500, max: Span::ms(100) };
        assert!((quantile(&normal, 0.5) - 5.0).abs() < 0.6, "{}", quantile(&normal, 0.5));
        let tail = Latency::HeavyTail { min: Span::ms(1), alpha_milli: 1000, max: Span::secs(1) };
        assert!((quantile(&tail, 0.5) - 2.0).abs() < 0.3);
        assert!(quantile(&tail, 0.99) > 50.0);
    }

    #[test]
    fn a_bounded_latency_is_never_longer() {
        let ms = Span::ms;
        let most = ms(5);
        for latency in [
            Latency::Constant { base: ms(9) },
            Latency::Uniform { min: ms(1), max: ms(50) },
            Latency::LogNormal { min: ms(1), median: ms(2), sigma_milli: 800, max: ms(200) },
            Latency::HeavyTail { min: ms(1), alpha_milli: 1_100, max: ms(400) },
        ] {
            assert!(latency.most() > most);
            let bounded = latency.at_most(most);
            assert_eq!(bounded.problem(), None);
            assert!(bounded.base() <= most && bounded.most() == most, "{bounded:?}");
            let longest = (0..100_000u32).map(|i| bounded.sample(i.wrapping_mul(2_654_435_761))).max();
            assert!(longest <= Some(most), "{bounded:?}");
        }
    }

    #[test]
    fn thresholds_count_in_millionths() {
        assert!(!below(0, 0) && below(0, 1) && below(u32::MAX, 1_000_000) && !below(u32::MAX, 999_999));
    }
}
