//! One history, or one part of it, or a prefix, laid out for the search.

use std::collections::BTreeMap;
use std::hash::Hash;

use seedbed_sim::fingerprint::stable_hash;

use super::failed::Words;
use super::operation::Operation;
use super::specification::{Span, Specification};

/// The rank of a response that never comes.
pub(super) const NEVER: u32 = Span::PENDING;

/// The events of a whole history, numbered in order.
pub(super) struct Ranks {
    /// Of each operation, the rank of its invocation and of its response.
    pub(super) of: Vec<(u32, u32)>,
    /// The operations in the order of invocation.
    pub(super) by_call: Vec<u32>,
}

impl Ranks {
    /// Invocations come before responses of the same instant: operations that touch are concurrent. Only what one process
    /// does at one instant, one operation after the other, stays in that order: a client that invokes the next at the
    /// very instant at which it learns of the last does so after it, and after whatever else returned then.
    pub(super) fn new<O, R>(operations: &[Operation<O, R>]) -> Self {
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

/// An event: its instant, its turn within the instant, whether it is a response, and the operation.
type Instant = (u64, u32, bool, u32);

/// The turn of each invocation and each response within its instant: 0, but where a process invokes an operation at the
/// instant at which its last one returned, one more than the turn of that.
fn turns<O, R>(operations: &[Operation<O, R>], events: &[Instant]) -> Vec<(u32, u32)> {
    let mut turns = vec![(0, 0); operations.len()];
    // Of each process, when its last operation returned, and in which turn.
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
    /// Its place in the history.
    pub(super) operation: u32,
    pub(super) call: u32,
    pub(super) end: u32,
    /// Its bit in configurations: word and mask.
    pub(super) word: u32,
    pub(super) mask: u64,
    /// Operations of one class are alike but for their times.
    pub(super) class: u32,
    pub(super) read_only: bool,
    /// Whether its answer says something about the state.
    pub(super) tells: bool,
}

/// The operations of one part of a history up to some event, and how configurations are written.
///
/// A configuration of the search is the *front* (the first response whose operation is not yet linearised) and one bit
/// for each operation that is open there. All that returned earlier are linearised, none that was invoked later is. So
/// bits are given to operations as rooms to guests: one is free again once its operation has returned, and as many are
/// needed as operations were ever open together, however long the history. Only pending operations keep theirs.
pub(super) struct Layout {
    /// In the order of invocation.
    pub(super) items: Vec<Item>,
    /// Items that return, in the order of their responses.
    pub(super) by_end: Vec<u32>,
    /// Items that never return and may have an effect, in the order of invocation.
    pub(super) pending: Vec<u32>,
    pub(super) words: Words,
    /// [`Specification::precedence`].
    pub(super) precedence: Vec<u32>,
}

/// Numbers handed out lowest first, and taken back.
#[derive(Default)]
struct Rooms {
    free: Vec<u32>,
    made: u32,
}

impl Rooms {
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
    /// Lays out the operations `part` (in the order of invocation) as far as the event `until`: what is invoked later
    /// is left out, what returns later is pending.
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
            // A pending operation without effect might as well never have been.
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
                tells: read_only || spec.answer_matters(op, ret),
            });
        }
        let mut by_end: Vec<u32> = (0..items.len() as u32).filter(|&n| items[n as usize].end != NEVER).collect();
        by_end.sort_unstable_by_key(|&n| items[n as usize].end);
        let pending = (0..items.len() as u32).filter(|&n| items[n as usize].end == NEVER).collect();
        let words = give_rooms(&mut items, &by_end);
        classify(&mut items, operations);
        let spanned = items.iter().map(|item| {
            let answer = answer(operations, item.operation, item.end);
            (&operations[item.operation as usize].op, answer, Span { call: item.call, end: item.end })
        });
        let precedence = spec.precedence(&spanned.collect::<Vec<_>>());
        Layout { items, by_end, pending, words, precedence }
    }
}

/// What an operation that ended at `end` is known to have returned.
pub(super) fn answer<O, R>(operations: &[Operation<O, R>], operation: u32, end: u32) -> Option<&R> {
    operations[operation as usize].ret.as_ref().filter(|_| end != NEVER)
}

fn give_rooms(items: &mut [Item], by_end: &[u32]) -> Words {
    let (mut mutators, mut readers, mut pending) = (Rooms::default(), Rooms::default(), Rooms::default());
    let mut rooms = vec![0u32; items.len()];
    let mut ended = by_end.iter().copied().peekable();
    for n in 0..items.len() {
        while let Some(done) = ended.next_if(|&done| items[done as usize].end < items[n].call) {
            let rooms_of = if items[done as usize].read_only { &mut readers } else { &mut mutators };
            rooms_of.free.push(rooms[done as usize]);
        }
        let item = &items[n];
        rooms[n] = match (item.end, item.read_only) {
            (NEVER, _) => pending.take(),
            (_, true) => readers.take(),
            (_, false) => mutators.take(),
        };
    }
    let words = Words { mutators: mutators.words(), readers: readers.words(), pending: pending.words() };
    for (item, room) in items.iter_mut().zip(rooms) {
        let base = match (item.end, item.read_only) {
            (NEVER, _) => words.mutators + words.readers,
            (_, true) => words.mutators,
            (_, false) => 0,
        };
        item.word = base as u32 + room / 64;
        item.mask = 1 << (room % 64);
    }
    words
}

/// Gives operations that are alike (the question, the answer, and whether there will be one) one class: the number of
/// the first of them.
fn classify<O: Eq + Hash, R: Eq + Hash>(items: &mut [Item], operations: &[Operation<O, R>]) {
    let alike = |item: &Item| {
        let op = &operations[item.operation as usize].op;
        (op, answer(operations, item.operation, item.end), item.end == NEVER)
    };
    let searched = (0u32..).zip(items.iter()).filter(|(_, item)| !item.read_only);
    let mut hashes: Vec<(u64, u32)> = searched.map(|(n, item)| (stable_hash(&alike(item)), n)).collect();
    hashes.sort_unstable();
    let mut firsts: Vec<u32> = Vec::new();
    for group in hashes.chunk_by(|a, b| a.0 == b.0) {
        firsts.clear();
        for &(_, n) in group {
            let first =
                firsts.iter().copied().find(|&first| alike(&items[first as usize]) == alike(&items[n as usize]));
            items[n as usize].class = first.unwrap_or(n);
            if first.is_none() {
                firsts.push(n);
            }
        }
    }
}
