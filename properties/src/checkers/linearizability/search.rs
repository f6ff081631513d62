//! The search of Wing and Gong ("Testing and verifying concurrent objects", 1993) with Lowe's memoisation and
//! just-in-time linearisation ("Testing for linearizability", 2017, sections 4 and 5), depth first.
//!
//! Additions to the papers, each with the reason why it loses no linearisation:
//! - Only *failed* configurations are kept: no configuration occurs twice on one path, because each step linearises one
//!   more operation. So a linearizable history needs memory for its path only.
//! - A read-only operation is linearised as soon as it is possible. In any linearisation that has it later, moving it
//!   to here keeps all answers, and every operation it passes had not returned when it was invoked.
//! - Of equal operations that are both open, the one that returns first goes first: otherwise exchange them.
//! - *Dominance*: if a configuration failed, so does each one with the same front, state and linearised mutators, fewer
//!   linearised readers, and at least the same used pending operations. (Readers are never in the way, and pending
//!   operations may be left out.) So pending operations do not double the number of configurations each.
//! - A pending operation that is followed at once by one that leads to the same state without it may be left out.
//! - If the operation at the front, or one of the next few, cannot get its answer from any operation that is invoked in
//!   time ([`Specification::attainable`]), the configuration fails at once.

use super::checker::Stop;
use super::failed::{Failed, Key};
use super::layout::{Item, Layout, NEVER, answer};
use super::operation::Operation;
use super::specification::{Specification, Step};
use super::verdict::Unknown;

/// The limits of a search.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    pub(super) steps: u64,
    pub(super) configurations: usize,
    pub(super) bytes: u64,
    pub(super) stop: Option<Stop>,
}

/// The result of a search.
pub(super) enum Found {
    /// A linearisation, as indices in the history.
    Order(Vec<u32>),
    /// No linearisation exists.
    Nothing,
    /// The limits were reached.
    GaveUp(Unknown),
}

/// An order that cannot be continued.
#[derive(Clone, Debug)]
pub(super) struct DeadEnd<State> {
    /// The number of explained responses.
    pub(super) front: u32,
    /// The state at its end.
    pub(super) state: State,
    /// The number of linearised operations.
    pub(super) length: usize,
    /// The last of them, as indices in the history, in order.
    pub(super) recent: Vec<u32>,
}

const ROOT: u32 = u32::MAX;
/// The number of responses ahead of the front that are checked for unattainable answers.
const AHEAD: usize = 16;
/// The most answers that are checked.
const GOALS: usize = 3;
/// After how many steps it is asked whether to give up.
const PATIENCE: usize = 1_000;
/// The size of a state that takes as long as a step.
const BYTES_A_STEP: usize = 64;
/// The most dead ends that are kept.
const MAX_DEAD_ENDS: usize = 4;
/// The number of last operations that are kept of a dead end.
const RECENT: usize = 8;

/// A linearised mutator, and the candidates to follow it.
struct Frame<U> {
    item: u32,
    undo: Option<U>,
    /// The length of the trail before it.
    trail: u32,
    /// The index of its first candidate.
    candidates: u32,
    /// The index of the next candidate to try.
    cursor: u32,
    key: Key,
}

pub(super) struct Search<'a, S: Specification> {
    spec: &'a S,
    operations: &'a [Operation<S::Op, S::Ret>],
    layout: &'a Layout,
    state: S::State,
    /// Two doubly linked lists in the order of invocation: readers and mutators that return and are not linearised. The
    /// sentinels are the two items after the last.
    next: Vec<u32>,
    previous: Vec<u32>,
    linearised: Vec<bool>,
    bits: Vec<u64>,
    /// The front: the first of [`Layout::by_end`] that is not linearised.
    front: u32,
    /// The linearised operations in order, each with the front before it.
    trail: Vec<(u32, u32)>,
    frames: Vec<Frame<S::Undo>>,
    candidates: Vec<u32>,
    /// By class: the last configuration that has one of its operations as a candidate.
    stamps: Vec<u64>,
    failed: Failed<S::State>,
    steps: u64,
    /// Steps since [`Budget::stop`] was asked; of large states, more than one each.
    unasked: usize,
    budget: Budget,
    /// The last response whose answer was found unattainable.
    pub(super) missed: u32,
    /// The greatest front reached.
    pub(super) furthest: u32,
    enough_at: u32,
    looks_ahead: bool,
    /// Some dead ends at the greatest front.
    pub(super) dead_ends: Vec<DeadEnd<S::State>>,
}

/// The result of entering a configuration.
enum Entered {
    Done,
    Open,
    Dead,
}

impl<'a, S: Specification> Search<'a, S> {
    pub(super) fn new(
        spec: &'a S,
        operations: &'a [Operation<S::Op, S::Ret>],
        layout: &'a Layout,
        budget: Budget,
    ) -> Self {
        let count = layout.items.len();
        let mut search = Search {
            spec,
            operations,
            layout,
            state: spec.initial(),
            next: vec![0; count + 2],
            previous: vec![0; count + 2],
            linearised: vec![false; count],
            bits: vec![0; layout.words.total()],
            front: 0,
            trail: Vec::with_capacity(count),
            frames: Vec::new(),
            candidates: Vec::new(),
            stamps: vec![0; count],
            failed: Failed::new(layout.words, budget.configurations, budget.bytes),
            steps: 0,
            unasked: 0,
            budget,
            missed: 0,
            furthest: 0,
            enough_at: NEVER,
            looks_ahead: true,
            dead_ends: Vec::new(),
        };
        search.link();
        search
    }

    fn readers(&self) -> usize {
        self.layout.items.len()
    }

    fn mutators(&self) -> usize {
        self.layout.items.len() + 1
    }

    fn link(&mut self) {
        for (sentinel, read_only) in [(self.readers(), true), (self.mutators(), false)] {
            let mut last = sentinel;
            for (n, item) in self.layout.items.iter().enumerate() {
                if item.end != NEVER && item.read_only == read_only {
                    self.next[last] = n as u32;
                    self.previous[n] = last as u32;
                    last = n;
                }
            }
            self.next[last] = sentinel as u32;
            self.previous[sentinel] = last as u32;
        }
    }

    /// Stops the search once a few dead ends at this front are known; until then it goes as far as possible, even if it
    /// is known earlier that there is no linearisation.
    pub(super) fn enough_at(&mut self, front: u32) {
        self.enough_at = front;
        self.looks_ahead = false;
    }

    /// Runs the search.
    pub(super) fn run(&mut self) -> Found {
        match self.enter(ROOT, None) {
            Entered::Done => return Found::Order(self.order()),
            Entered::Open => {}
            Entered::Dead => return Found::Nothing,
        }
        loop {
            let frame = self.frames.last_mut().expect("the root is left only by returning");
            let Some(&item) = self.candidates.get(frame.cursor as usize) else {
                self.fail();
                if self.frames.is_empty() {
                    return Found::Nothing;
                }
                continue;
            };
            if self.dead_ends.len() == MAX_DEAD_ENDS && self.dead_ends[0].front == self.enough_at {
                return Found::Nothing;
            }
            frame.cursor += 1;
            self.steps += 1;
            if self.steps > self.budget.steps {
                return Found::GaveUp(Unknown::Steps { limit: self.budget.steps, forgot: self.failed.overflowed });
            }
            if self.is_stopped() {
                return Found::GaveUp(Unknown::Stopped { forgot: self.failed.overflowed });
            }
            let undo = match self.apply(item) {
                Step::Illegal => continue,
                // A pending operation without effect here can be left out.
                Step::Same if self.layout.items[item as usize].end == NEVER => continue,
                Step::Same => None,
                Step::Changed(undo) => Some(undo),
            };
            let Some(undo) = self.unless_wasted(item, undo) else {
                continue;
            };
            if let Entered::Done = self.enter(item, undo) {
                return Found::Order(self.order());
            }
        }
    }

    fn is_stopped(&mut self) -> bool {
        self.unasked += 1;
        if self.unasked < PATIENCE {
            return false;
        }
        self.unasked = 0;
        self.budget.stop.is_some_and(|stop| stop())
    }

    fn order(&self) -> Vec<u32> {
        self.trail.iter().map(|&(item, _)| self.layout.items[item as usize].operation).collect()
    }

    fn apply(&mut self, item: u32) -> Step<S::Undo> {
        let item = &self.layout.items[item as usize];
        let op = &self.operations[item.operation as usize].op;
        self.spec.apply(&mut self.state, op, answer(self.operations, item.operation, item.end))
    }

    /// Undoes `item`, which has just been applied, if the operation before it is pending and leaving that one out would
    /// have led to the same state. Returns what undoes `item` otherwise.
    fn unless_wasted(&mut self, item: u32, undo: Option<S::Undo>) -> Option<Option<S::Undo>> {
        let frame = self.frames.last_mut().expect("a configuration is open");
        let is_pending = frame.item != ROOT && self.layout.items[frame.item as usize].end == NEVER;
        // A later operation read what it wrote.
        let was_read = self.trail.len() as u32 > frame.trail + 1;
        if !is_pending || was_read {
            return Some(undo);
        }
        let (before, with) = (frame.item, self.state.clone());
        let undo_before = frame.undo.take();
        self.undo(item, undo);
        self.undo(before, undo_before);
        let without = self.apply(item);
        let wasted = !matches!(without, Step::Illegal) && self.state == with;
        if let Step::Changed(undo) = without {
            self.undo(item, Some(undo));
        }
        let Step::Changed(again) = self.apply(before) else {
            panic!("a pending operation had an effect, and now has none")
        };
        self.frames.last_mut().expect("a configuration is open").undo = Some(again);
        if wasted {
            return None;
        }
        match self.apply(item) {
            Step::Changed(undo) => Some(Some(undo)),
            Step::Same => Some(None),
            Step::Illegal => panic!("an operation was possible, and now is not"),
        }
    }

    /// Enters the configuration after `item`, which has just been applied. A failed configuration is left at once.
    fn enter(&mut self, item: u32, undo: Option<S::Undo>) -> Entered {
        let trail = self.trail.len() as u32;
        let candidates = self.candidates.len() as u32;
        self.frames.push(Frame { item, undo, trail, candidates, cursor: candidates, key: Key::default() });
        if item != ROOT {
            self.linearise(item);
        }
        self.linearise_readers();
        if self.front as usize == self.layout.by_end.len() {
            return Entered::Done;
        }
        if self.looks_ahead && !self.attainable() {
            self.note_dead_end();
            self.leave();
            return Entered::Dead;
        }
        let key = self.failed.key(self.front, &self.bits, &self.state);
        self.unasked += key.bytes as usize / BYTES_A_STEP;
        if self.failed.dominates(key, self.front, &self.bits, &self.state) {
            self.leave();
            return Entered::Dead;
        }
        self.frames.last_mut().expect("just pushed").key = key;
        self.gather();
        Entered::Open
    }

    /// Linearises all readers that are possible.
    fn linearise_readers(&mut self) {
        let mut at = self.next[self.readers()];
        while (at as usize) < self.layout.items.len() && self.is_open(at) {
            let following = self.next[at as usize];
            match self.apply(at) {
                Step::Illegal => {}
                Step::Same => self.linearise(at),
                Step::Changed(_) => panic!(
                    "a read-only operation changed the state: operation {}",
                    self.layout.items[at as usize].operation
                ),
            }
            at = following;
        }
    }

    /// Whether an operation was invoked before the front.
    fn is_open(&self, item: u32) -> bool {
        let end = self.layout.by_end.get(self.front as usize).map_or(NEVER, |&n| self.layout.items[n as usize].end);
        self.layout.items[item as usize].call < end
    }

    /// Whether the next operations whose answers depend on the state can still get them, as far as the specification
    /// can tell.
    fn attainable(&mut self) -> bool {
        let ahead = self.layout.by_end[self.front as usize..].iter().copied().take(AHEAD);
        let left = ahead.filter(|&n| self.layout.items[n as usize].constrains_state && !self.linearised[n as usize]);
        let missed = left.take(GOALS).find(|&goal| !self.is_attainable(goal));
        if let Some(goal) = missed {
            let end = self.layout.items[goal as usize].end;
            let rank = self.layout.by_end.partition_point(|&n| self.layout.items[n as usize].end < end);
            self.missed = self.missed.max(rank as u32);
        }
        missed.is_none()
    }

    /// Whether an operation can still get its answer, from those that were invoked before it returns.
    fn is_attainable(&self, goal: u32) -> bool {
        let items = &self.layout.items;
        let Item { operation: goal, end, .. } = items[goal as usize];
        let in_time = |&n: &u32| items[n as usize].call < end;
        let first = self.next[self.mutators()];
        let links = std::iter::successors(Some(first), |&n| self.next.get(n as usize).copied());
        let mutators = links.take_while(|&n| (n as usize) < items.len()).take_while(in_time);
        let pending = self.layout.pending.iter().copied().take_while(in_time);
        let pending = pending.filter(|&n| !self.linearised[n as usize]);
        let means = mutators.chain(pending).map(|n| items[n as usize].operation).filter(|&n| n != goal);
        let Operation { op, ret, .. } = &self.operations[goal as usize];
        self.spec.attainable(&self.state, op, ret.as_ref(), means.map(|n| &self.operations[n as usize].op))
    }

    /// Lists the candidates: the operation at the front first, because it blocks all others; then the others in the
    /// order of invocation; then those that never return.
    fn gather(&mut self) {
        let stamp = self.steps + 1;
        let front = self.layout.by_end[self.front as usize];
        if !self.layout.items[front as usize].read_only {
            self.consider(front, stamp);
        }
        let begin = self.candidates.len();
        let mut at = self.next[self.mutators()];
        while (at as usize) < self.layout.items.len() && self.is_open(at) {
            self.consider(at, stamp);
            at = self.next[at as usize];
        }
        for n in 0..self.layout.pending.len() {
            let item = self.layout.pending[n];
            if !self.is_open(item) {
                break;
            }
            if !self.linearised[item as usize] {
                self.consider(item, stamp);
            }
        }
        match self.layout.precedence.as_slice() {
            [] => self.helpful_first(begin),
            precedence => {
                let first = self.frames.last().expect("candidates belong to a frame").candidates as usize;
                by_precedence(&mut self.candidates[first..], precedence);
            }
        }
    }

    /// Adds a candidate, unless an equal one returns earlier.
    fn consider(&mut self, item: u32, stamp: u64) {
        let class = self.layout.items[item as usize].class as usize;
        if self.stamps[class] != stamp {
            self.stamps[class] = stamp;
            self.candidates.push(item);
            return;
        }
        let first = self.frames.last().expect("candidates belong to a frame").candidates as usize;
        let ends = |n: u32| self.layout.items[n as usize].end;
        let same = |n: &&mut u32| self.layout.items[**n as usize].class as usize == class;
        let alike = self.candidates[first..].iter_mut().find(same).expect("a stamp means a candidate");
        if ends(item) < ends(*alike) {
            *alike = item;
        }
    }

    /// If the operation at the front is not possible now, candidates after which it is are tried first.
    fn helpful_first(&mut self, begin: usize) {
        let front = self.layout.by_end[self.front as usize];
        if begin + 1 >= self.candidates.len() || self.can_happen(front) {
            return;
        }
        let mut helpful = begin;
        for n in begin..self.candidates.len() {
            let item = self.candidates[n];
            if self.helps(item, front) {
                self.candidates[helpful..=n].rotate_right(1);
                helpful += 1;
            }
        }
    }

    fn can_happen(&mut self, item: u32) -> bool {
        match self.apply(item) {
            Step::Illegal => false,
            Step::Same => true,
            Step::Changed(undo) => {
                self.undo(item, Some(undo));
                true
            }
        }
    }

    /// Whether `goal` can happen right after `item`.
    fn helps(&mut self, item: u32, goal: u32) -> bool {
        let undo = match self.apply(item) {
            Step::Illegal => return false,
            Step::Same => None,
            Step::Changed(undo) => Some(undo),
        };
        let helps = self.can_happen(goal);
        self.undo(item, undo);
        helps
    }

    fn undo(&mut self, item: u32, undo: Option<S::Undo>) {
        if let Some(undo) = undo {
            let op = &self.operations[self.layout.items[item as usize].operation as usize].op;
            self.spec.undo(&mut self.state, op, undo);
        }
    }

    /// Marks an operation as linearised.
    fn linearise(&mut self, n: u32) {
        let item = &self.layout.items[n as usize];
        self.trail.push((n, self.front));
        self.linearised[n as usize] = true;
        self.bits[item.word as usize] |= item.mask;
        if item.end == NEVER {
            return;
        }
        let (previous, next) = (self.previous[n as usize], self.next[n as usize]);
        self.next[previous as usize] = next;
        self.previous[next as usize] = previous;
        while let Some(&n) = self.layout.by_end.get(self.front as usize) {
            if !self.linearised[n as usize] {
                break;
            }
            let item = &self.layout.items[n as usize];
            self.bits[item.word as usize] &= !item.mask;
            self.front += 1;
        }
        self.furthest = self.furthest.max(self.front);
    }

    /// Undoes the last operation of the trail, in exactly the reverse order.
    fn take_back(&mut self) {
        let (n, front) = self.trail.pop().expect("something was linearised");
        while self.front > front {
            self.front -= 1;
            let item = &self.layout.items[self.layout.by_end[self.front as usize] as usize];
            self.bits[item.word as usize] |= item.mask;
        }
        let item = &self.layout.items[n as usize];
        self.bits[item.word as usize] &= !item.mask;
        self.linearised[n as usize] = false;
        if item.end != NEVER {
            let (previous, next) = (self.previous[n as usize], self.next[n as usize]);
            self.next[previous as usize] = n;
            self.previous[next as usize] = n;
        }
    }

    /// Stores the last configuration as failed, and leaves it.
    fn fail(&mut self) {
        self.note_dead_end();
        let key = self.frames.last().expect("a configuration failed").key;
        self.failed.insert(key, self.front, &self.bits, self.state.clone());
        self.leave();
    }

    fn leave(&mut self) {
        let frame = self.frames.pop().expect("a configuration is left");
        while self.trail.len() > frame.trail as usize {
            self.take_back();
        }
        self.candidates.truncate(frame.candidates as usize);
        if frame.item != ROOT {
            self.undo(frame.item, frame.undo);
        }
    }

    /// Stores a dead end at the greatest front, with only the end of its order.
    fn note_dead_end(&mut self) {
        if self.front < self.furthest {
            return;
        }
        if self.dead_ends.first().is_some_and(|old| old.front < self.front) {
            self.dead_ends.clear();
        }
        if self.dead_ends.len() < MAX_DEAD_ENDS && self.dead_ends.iter().all(|old| old.state != self.state) {
            let recent = &self.trail[self.trail.len().saturating_sub(RECENT)..];
            let order = recent.iter().map(|&(item, _)| self.layout.items[item as usize].operation).collect();
            let length = self.trail.len();
            self.dead_ends.push(DeadEnd { front: self.front, state: self.state.clone(), length, recent: order });
        }
    }
}

fn by_precedence(candidates: &mut [u32], precedence: &[u32]) {
    candidates.sort_by_key(|&n| precedence[n as usize]);
}
