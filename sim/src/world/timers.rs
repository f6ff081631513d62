//! The timers of one node.
//!
//! An armed timer has at most one live entry in the world's queue. Arming it again for later leaves the entry: it wakes
//! up at the old time, finds the timer due later, and is queued again. So a timer that is rearmed at every heartbeat
//! costs one entry per period, not one per heartbeat.

use std::collections::BTreeMap;

use crate::kind::Kinded;
use crate::time::{Span, Time};

#[derive(Clone, Debug)]
struct Slot<T> {
    timer: T,
    armed: bool,
    /// The number of this arming among those of its kind.
    n: u32,
    /// When it is due on the node's clock, and its lateness on the world's.
    due: Time,
    late: Span,
    /// When its entry in the queue wakes up.
    queued: Option<Time>,
    /// The number of its entries in the queue; those replaced by an earlier one have no effect.
    entries: u32,
}

#[derive(Clone, Debug)]
pub(crate) struct Timers<T> {
    slots: Vec<Option<Slot<T>>>,
    index: BTreeMap<T, u32>,
    free: Vec<u32>,
    armed_of_kind: Vec<u32>,
}

/// An entry for the queue.
pub(crate) struct Entry {
    pub(crate) slot: u32,
    pub(crate) at: Time,
    pub(crate) kind: u16,
    pub(crate) n: u32,
}

/// The effect of an entry that wakes up.
pub(crate) enum Wake<T> {
    /// The timer is due.
    Due(T),
    /// None: the timer was cancelled, moved, or has fired.
    Stale,
    /// The timer is due later, and needs this entry.
    Later(Entry),
}

impl<T: Clone + Ord + Kinded> Timers<T> {
    pub(crate) fn new() -> Self {
        Timers { slots: Vec::new(), index: BTreeMap::new(), free: Vec::new(), armed_of_kind: Vec::new() }
    }

    /// The number of the next arming of a kind.
    pub(crate) fn next_arming(&mut self, kind: u16) -> u32 {
        let kind = kind as usize;
        if self.armed_of_kind.len() <= kind {
            self.armed_of_kind.resize(kind + 1, 0);
        }
        self.armed_of_kind[kind] += 1;
        self.armed_of_kind[kind] - 1
    }

    /// Arms a timer; `at` is the world's time of `due` plus `late`.
    pub(crate) fn arm(&mut self, timer: T, n: u32, due: Time, late: Span, at: Time) -> Option<Entry> {
        let kind = timer.kind();
        let place = match self.index.get(&timer) {
            Some(place) => *place,
            None => self.take_place(timer),
        };
        let slot = self.slots[place as usize].as_mut().expect("an indexed slot is taken");
        (slot.armed, slot.n, slot.due, slot.late) = (true, n, due, late);
        if slot.queued.is_some_and(|queued| queued <= at) {
            return None;
        }
        slot.queued = Some(at);
        slot.entries += 1;
        Some(Entry { slot: place, at, kind, n })
    }

    fn take_place(&mut self, timer: T) -> u32 {
        let slot = Slot {
            timer: timer.clone(),
            armed: false,
            n: 0,
            due: Time::ZERO,
            late: Span::ZERO,
            queued: None,
            entries: 0,
        };
        let place = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            (self.slots.len() - 1) as u32
        });
        self.slots[place as usize] = Some(slot);
        self.index.insert(timer, place);
        place
    }

    pub(crate) fn cancel(&mut self, timer: &T) {
        if let Some(place) = self.index.get(timer) {
            self.slots[*place as usize].as_mut().expect("an indexed slot is taken").armed = false;
        }
    }

    /// Disarms all timers, when the node goes down.
    pub(crate) fn clear(&mut self) {
        for slot in self.slots.iter_mut().flatten() {
            slot.armed = false;
        }
    }

    /// Wakes an entry at `now`; `when` converts a time of the node's clock to the world's.
    pub(crate) fn wake(&mut self, place: u32, now: Time, when: impl Fn(Time) -> Time) -> Wake<T> {
        let slot = self.slots[place as usize].as_mut().expect("a queued slot is taken");
        slot.entries -= 1;
        let live = slot.queued == Some(now);
        if live {
            slot.queued = None;
        }
        if live && slot.armed {
            let at = when(slot.due) + slot.late;
            if at > now {
                slot.queued = Some(at);
                slot.entries += 1;
                return Wake::Later(Entry { slot: place, at, kind: slot.timer.kind(), n: slot.n });
            }
            slot.armed = false;
            let timer = slot.timer.clone();
            self.release_if_idle(place);
            return Wake::Due(timer);
        }
        self.release_if_idle(place);
        Wake::Stale
    }

    fn release_if_idle(&mut self, place: u32) {
        let slot = self.slots[place as usize].as_ref().expect("a queued slot is taken");
        if slot.entries == 0 && !slot.armed {
            self.index.remove(&slot.timer);
            self.slots[place as usize] = None;
            self.free.push(place);
        }
    }

    /// New entries after a change of the clock, for every timer that is now due before its entry wakes up.
    pub(crate) fn reschedule(&mut self, now: Time, when: impl Fn(Time) -> Time) -> Vec<Entry> {
        let mut entries = Vec::new();
        for (place, slot) in self.slots.iter_mut().enumerate() {
            let Some(slot) = slot.as_mut().filter(|slot| slot.armed) else {
                continue;
            };
            let at = (when(slot.due) + slot.late).max(now);
            if slot.queued.is_none_or(|queued| at < queued) {
                slot.queued = Some(at);
                slot.entries += 1;
                entries.push(Entry { slot: place as u32, at, kind: slot.timer.kind(), n: slot.n });
            }
        }
        entries
    }

    /// The armed timers, and when they are due on the node's clock.
    pub(crate) fn armed(&self) -> impl Iterator<Item = (&T, Time)> {
        let slot = |place: &u32| self.slots[*place as usize].as_ref().expect("an indexed slot is taken");
        self.index.values().map(slot).filter(|slot| slot.armed).map(|slot| (&slot.timer, slot.due))
    }
}
