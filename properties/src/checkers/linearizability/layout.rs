//! The layout of a history, a part or a prefix of it, for the search.

use std::collections::BTreeMap;
use std::hash::Hash;

use seedbed_sim::fingerprint::stable_hash;

use super::failed::Words;
use super::operation::Operation;
use super::specification::{Span, Specification};

/// The rank of a missing response.
pub(super) const NEVER: u32 = Span::PENDING;

/// The events of a whole history, numbered in order.
pub(super) struct Ranks {
    /// By operation: the ranks of its invocation and its response.
    pub(super) of: Vec<(u32, u32)>,
    /// The operations in the order of invocation.
    pub(super) by_call: Vec<u32>,
}

impl Ranks {
    /// At one instant invocations come before responses: operations that touch are concurrent. The exception are
    /// consecutive operations of one process: a client that invokes an operation at the instant at which the last one
    /// returned does so after that, and after everything else that returned then.
    pub(super) fn new<O, R>(operations: &[Operation<O, R>]) -> Self {
        let times = |Operation { process, invoked, returned, .. }: &Operation<O, R>| Times {
            process: *process,
            invoked: *invoked,
            returned: *returned,
        };
        Ranks::of_times(&operations.iter().map(times).collect::<Vec<_>>())
    }

    fn of_times(operations: &[Times]) -> Self {
        assert!(operations.len() < (u32::MAX / 2) as usize, "a history has fewer than 2^31 operations");
        let mut events = Vec::with_capacity(2 * operations.len());
        for (n, operation) in (0u32..).zip(operations) {
            events.push((operation.invoked, 0u32, false, n));
            if let Some(returned) = operation.returned {
                assert!(operation.invoked <= returned, "operation {n} returned before it was invoked");
                events.push((returned, 0, true, n));
            }
        }
        events.sort_unstable();
        if events.windows(2).any(|pair| pair[0].0 == pair[1].0 && pair[0].2 != pair[1].2) {
            let turns = turns(operations, &events);
            for (_, turn, response, n) in &mut events {
                let (call, end) = turns[*n as usize];
                *turn = if *response { end } else { call };
            }
            events.sort_unstable();
        }
        let mut of = vec![(0, NEVER); operations.len()];
        let mut by_call = Vec::with_capacity(operations.len());
        for (rank, (.., response, n)) in (0u32..).zip(events) {
            if response {
                of[n as usize].1 = rank;
            } else {
                of[n as usize].0 = rank;
                by_call.push(n);
            }
        }
        Ranks { of, by_call }
    }
}

/// The times of an operation.
struct Times {
    process: u64,
    invoked: u64,
    returned: Option<u64>,
}

/// An event: its instant, its turn within the instant, whether it is a response, and the operation.
type Instant = (u64, u32, bool, u32);

/// The turns of each invocation and response within their instants: 0, or one more than the turn of the process's last
/// response if that was at the same instant.
fn turns(operations: &[Times], events: &[Instant]) -> Vec<(u32, u32)> {
    let mut turns = vec![(0, 0); operations.len()];
    // By process: the time and turn of its last response.
    let mut last: BTreeMap<u64, (u64, u32)> = BTreeMap::new();
    for &(invoked, _, _, n) in events.iter().filter(|&&(.., response, _)| !response) {
        let operation = &operations[n as usize];
        let call = match last.get(&operation.process) {
            Some(&(at, turn)) if at == invoked => turn + 1,
            _ => 0,
        };
        let end = if operation.returned == Some(invoked) { call } else { 0 };
        turns[n as usize] = (call, end);
        if let Some(returned) = operation.returned {
            let newest = last.entry(operation.process).or_insert((returned, end));
            *newest = (*newest).max((returned, end));
        }
    }
    turns
}

/// One operation in a layout.
pub(super) struct Item {
    /// Its index in the history.
    pub(super) operation: u32,
    pub(super) call: u32,
    pub(super) end: u32,
    /// Its bit in configurations: word and mask.
    pub(super) word: u32,
    pub(super) mask: u64,
    /// Operations of one class differ only in their times.
    pub(super) class: u32,
    pub(super) read_only: bool,
    /// Whether its answer depends on the state.
    pub(super) constrains_state: bool,
}

/// The operations of one part of a history up to some event, and how configurations are written.
///
/// A configuration of the search is the *front* (the first response whose operation is not yet linearised) and one bit
/// for each operation that is open there. All operations that returned earlier are linearised, none that was invoked
/// later is. So bits are reused once their operation has returned, and their number is the most operations that were
/// ever open together, however long the history. Only pending operations keep theirs.
pub(super) struct Layout {
    /// In the order of invocation.
    pub(super) items: Vec<Item>,
    /// The items that return, by response.
    pub(super) by_end: Vec<u32>,
    /// The items that never return and may have an effect, by invocation.
    pub(super) pending: Vec<u32>,
    pub(super) words: Words,
    /// [`Specification::precedence`].
    pub(super) precedence: Vec<u32>,
}

/// Allocates bits, the lowest free one first.
#[derive(Default)]
struct BitAllocator {
    free: Vec<u32>,
    made: u32,
}

impl BitAllocator {
    fn take(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            self.made += 1;
            self.made - 1
        })
    }
    fn words(&self) -> usize {
        self.made.div_ceil(64) as usize
    }
}

impl Layout {
    /// The layout of the operations `part` (in the order of invocation) up to the event `until`: operations that are
    /// invoked later are left out, those that return later are pending.
    pub(super) fn new<S: Specification>(
        spec: &S,
        operations: &[Operation<S::Op, S::Ret>],
        ranks: &Ranks,
        part: &[u32],
        until: u32,
    ) -> Self {
        let mut items = Vec::with_capacity(part.len());
        for &operation in part {
            let (call, end) = ranks.of[operation as usize];
            if call > until {
                break;
            }
            let end = if end > until { NEVER } else { end };
            let ret = answer(operations, operation, end);
            let op = &operations[operation as usize].op;
            let read_only = spec.read_only(op, ret);
            // A pending operation without effect can be left out.
            if read_only && end == NEVER {
                continue;
            }
            items.push(Item {
                operation,
                call,
                end,
                word: 0,
                mask: 0,
                class: 0,
                read_only,
                constrains_state: read_only || spec.answer_matters(op, ret),
            });
        }
        let mut layout = Layout::of(items);
        classify(&mut layout.items, operations);
        let spanned = layout.items.iter().map(|item| {
            let answer = answer(operations, item.operation, item.end);
            (&operations[item.operation as usize].op, answer, Span { call: item.call, end: item.end })
        });
        layout.precedence = spec.precedence(&spanned.collect::<Vec<_>>());
        layout
    }

    /// The layout of these items, before they are classified.
    fn of(mut items: Vec<Item>) -> Self {
        let mut by_end: Vec<u32> = (0..items.len() as u32).filter(|&n| items[n as usize].end != NEVER).collect();
        by_end.sort_unstable_by_key(|&n| items[n as usize].end);
        let pending = (0..items.len() as u32).filter(|&n| items[n as usize].end == NEVER).collect();
        let words = assign_bits(&mut items, &by_end);
        Layout { items, by_end, pending, words, precedence: Vec::new() }
    }
}

/// The known answer of an operation that ended at `end`.
pub(super) fn answer<O, R>(operations: &[Operation<O, R>], operation: u32, end: u32) -> Option<&R> {
    operations[operation as usize].ret.as_ref().filter(|_| end != NEVER)
}

fn assign_bits(items: &mut [Item], by_end: &[u32]) -> Words {
    let (mut mutators, mut readers, mut pending) =
        (BitAllocator::default(), BitAllocator::default(), BitAllocator::default());
    let mut bits = vec![0u32; items.len()];
    let mut ended = by_end.iter().copied().peekable();
    for n in 0..items.len() {
        while let Some(done) = ended.next_if(|&done| items[done as usize].end < items[n].call) {
            let allocator = if items[done as usize].read_only { &mut readers } else { &mut mutators };
            allocator.free.push(bits[done as usize]);
        }
        let item = &items[n];
        bits[n] = match (item.end, item.read_only) {
            (NEVER, _) => pending.take(),
            (_, true) => readers.take(),
            (_, false) => mutators.take(),
        };
    }
    let words = Words { mutators: mutators.words(), readers: readers.words(), pending: pending.words() };
    for (item, bit) in items.iter_mut().zip(bits) {
        let base = match (item.end, item.read_only) {
            (NEVER, _) => words.mutators + words.readers,
            (_, true) => words.mutators,
            (_, false) => 0,
        };
        item.word = base as u32 + bit / 64;
        item.mask = 1 << (bit % 64);
    }
    words
}

/// Gives operations that are equal (in operation, answer, and whether there is one) the same class: the number of the
/// first of them.
fn classify<O: Eq + Hash, R: Eq + Hash>(items: &mut [Item], operations: &[Operation<O, R>]) {
    let alike = |item: &Item| {
        let op = &operations[item.operation as usize].op;
        (op, answer(operations, item.operation, item.end), item.end == NEVER)
    };
    let searched = (0u32..).zip(items.iter()).filter(|(_, item)| !item.read_only);
    let hashes = searched.map(|(n, item)| (stable_hash(&alike(item)), n)).collect();
    group(items, hashes, &|a, b| alike(a) == alike(b));
}

/// Gives items that are the same to `equal` one class; those have the same hash.
fn group(items: &mut [Item], mut hashes: Vec<(u64, u32)>, equal: &dyn Fn(&Item, &Item) -> bool) {
    hashes.sort_unstable();
    let mut firsts: Vec<u32> = Vec::new();
    for group in hashes.chunk_by(|a, b| a.0 == b.0) {
        firsts.clear();
        for &(_, n) in group {
            let first = firsts.iter().copied().find(|&first| equal(&items[first as usize], &items[n as usize]));
            items[n as usize].class = first.unwrap_or(n);
            if first.is_none() {
                firsts.push(n);
            }
        }
    }
}
