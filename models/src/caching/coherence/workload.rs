//! What clients ask of cores: accesses to few blocks, in bursts, for what is interesting happens where several cores want the
//! same block.

use proptest::prelude::*;
use seedbed_sim::{NodeId, Operation, Span, Time};

use crate::caching::coherence::messages::{Block, Data, Op};

/// The operations of drafts, in the order of their times. Each store writes another value: the number of its operation, from
/// one on.
pub(super) fn writing_distinct_values(drafts: BoxedStrategy<Vec<Draft>>) -> BoxedStrategy<Vec<Operation<Op>>> {
    drafts
        .prop_map(|mut all| {
            all.sort_by_key(|(at, ..)| *at);
            let operation = |(place, (at, client, op)): (usize, Draft)| {
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

/// When an operation is asked for, the node of the core, and the operation, whose value is not chosen yet.
pub(super) type Draft = (Time, u16, Op);

/// The usual drafts.
pub(super) fn usual(cores: u16, blocks: u8) -> BoxedStrategy<Vec<Draft>> {
    prop_oneof![1 => contention(cores, blocks), 2 => handover(cores, blocks, true), 1 => handover(cores, blocks, false)]
        .boxed()
}

/// Drafts for nodes where messages may be delayed for long.
pub(super) fn with_long_delays(cores: u16, blocks: u8) -> BoxedStrategy<Vec<Draft>> {
    prop_oneof![late_evictions(cores, blocks), usual(cores, blocks)].boxed()
}

/// All cores access few blocks at once.
fn contention(cores: u16, blocks: u8) -> BoxedStrategy<Vec<Draft>> {
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

/// One core after the other requests the same block, requests something else of it during the transaction, and evicts it: the
/// message of that may then be very late. The cores are in turn, or random.
fn handover(cores: u16, blocks: u8, in_turn: bool) -> BoxedStrategy<Vec<Draft>> {
    let gap = if in_turn { [2u64, 3, 6] } else { [2, 4, 6] };
    let often = prop::sample::select(vec![9u64, 6, 3]);
    (prop::sample::select(gap.to_vec()), often, prop::collection::vec(any::<u64>(), 80..260))
        .prop_map(move |(gap, often, legs)| {
            let mut drafts = Vec::new();
            // One block after the other, for each has a beginning, where no cache has it.
            let each = legs.len().div_ceil(blocks.into());
            for (place, leg) in legs.into_iter().enumerate() {
                let mut split = Split(leg);
                let block = Block((place / each) as u8);
                let core = split.below(cores.into()) as u16;
                let core = 1 + if in_turn { (place as u16 + (core + 1) / 4) % cores } else { core };
                let begins = Time::ms(place as u64 * gap + 1);
                let late = |late: u64| begins + Span::ms(late);
                let first = match split.below(10) {
                    0..2 => Op::Load(block),
                    2..4 => Op::Store(block, 0),
                    4..7 => Op::Fetch(block),
                    _ => Op::FetchOwned(block),
                };
                drafts.push((begins, core, first));
                let then = match split.below(18) {
                    0..2 => Some(Op::Load(block)),
                    2..4 => Some(Op::Store(block, 0)),
                    4 => Some(Op::Fetch(block)),
                    5..7 => Some(Op::FetchOwned(block)),
                    7..9 => Some(Op::Evict(block)),
                    _ => None,
                };
                drafts.extend(then.map(|op| (late(split.below(12)), core, op)));
                // A prefetch during the transaction costs no message.
                drafts.push((late(split.below(12)), core, Op::Fetch(block)));
                let gives_up = split.below(10) < often;
                drafts.extend(gives_up.then(|| (late(split.below(12)), core, Op::Evict(block))));
            }
            drafts
        })
        .boxed()
}

/// A number that is drawn once and split into several: cheaper than to draw each.
struct Split(u64);

impl Split {
    /// The next number, below `n`.
    fn below(&mut self, n: u64) -> u64 {
        let part = self.0 % n;
        self.0 /= n;
        part
    }
}

/// Again and again a core evicts a block, and before the message of that arrives another core has fetched and evicted the block
/// too, and a third has it alone.
fn late_evictions(cores: u16, blocks: u8) -> BoxedStrategy<Vec<Draft>> {
    let gap = prop::sample::select(vec![90u64, 150]);
    (gap, prop::collection::vec(any::<u64>(), 13..24))
        .prop_map(move |(gap, evictions)| {
            let mut drafts = Vec::new();
            for (place, eviction) in evictions.into_iter().enumerate() {
                let mut split = Split(eviction);
                let block = Block(split.below(blocks.into()) as u8);
                let mut core = || 1 + split.below(cores.into()) as u16;
                let (other, leaves, takes, last) = (core(), core(), core(), core());
                let mut first = || if split.below(3) < 2 { Op::Load(block) } else { Op::Swap(block, 0) };
                let (by_other, by_leaver) = (first(), first());
                let late = |late: u64| Time::ms(place as u64 * gap + 1 + late);
                // The last reader is the forwarder, and the first the owner: both orders matter.
                let leaver_first = split.below(2) == 0;
                drafts.push((late(if leaver_first { 7 } else { 0 }), other, by_other));
                drafts.push((late(if leaver_first { 0 } else { 7 }), leaves, by_leaver));
                drafts.push((late(16), leaves, Op::Evict(block)));
                let after = 16 + split.below(4);
                drafts.extend([Op::Swap(block, 0), Op::Evict(block)].map(|op| (late(after), takes, op)));
                // At once, when the acknowledgement of the eviction has come, or when it may have come.
                let last = if split.below(2) == 0 { takes } else { last };
                drafts.push((late(after + [0, 12, 20, 30][split.below(4) as usize]), last, Op::Load(block)));
            }
            drafts
        })
        .boxed()
}
