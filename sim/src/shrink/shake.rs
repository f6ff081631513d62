//! Shaking: leave something out of a story that stays long, and shift the rest a little.
//!
//! Delta debugging leaves out and changes nothing else. But in a story of elections and leases a fault is often there only
//! to bring another to the right instant, and without it that one has to come earlier or later. So items are left out while
//! times, lengths and draws are shaken, until the same property fails without them. The shakes are random and the same in
//! every shrink.

use rand_chacha::ChaCha8Rng;
use rand_core::Rng;

use crate::choice::{Deviation, generator};
use crate::model::Model;
use crate::shrink::{SHORT, Shrinker, Story};
use crate::time::{Span, Time};

/// After so many shakes in a row that gave nothing, nothing more is expected.
const SHAKES: usize = 3_000;

/// How far times are moved at most, in turn.
const FAR: [Span; 4] = [Span::ms(3), Span::ms(20), Span::ms(80), Span::ms(300)];

impl<M: Model> Shrinker<'_, M> {
    /// Shakes a story that is long until it is not, or nothing more comes of it.
    pub(super) fn shake(&mut self) {
        let mut words = Words(generator(0, "shrink/shake"));
        let mut in_vain = 0;
        while in_vain < SHAKES && !self.stopped && self.best.sizes().items() > SHORT {
            let mut candidate = self.best.clone();
            for _ in 0..=words.below(2) {
                leave_out(&mut candidate, &mut words);
            }
            let far = FAR[in_vain % FAR.len()];
            shift(&mut candidate, far, &mut words);
            in_vain += 1;
            if self.attempt(candidate) {
                self.reduce();
                in_vain = 0;
            }
        }
    }
}

/// A source of small random numbers.
struct Words(ChaCha8Rng);

impl Words {
    /// Below `n`; zero if `n` is.
    fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.0.next_u64()) * n as u128) >> 64) as usize
    }

    /// An instant at most `far` away.
    fn near(&mut self, at: Time, far: Span) -> Time {
        at - far + Span(self.below(far.0 as usize * 2 + 1) as u64)
    }
}

/// Leaves out one of all items.
fn leave_out<M: Model>(story: &mut Story<M>, words: &mut Words) {
    let (faults, operations) = (story.case.faults.len(), story.case.operations.len());
    let place = words.below(faults + operations + story.deviations.len());
    if place < faults {
        story.case.faults.remove(place);
    } else if place < faults + operations {
        story.case.operations.remove(place - faults);
    } else if place < faults + operations + story.deviations.len() {
        story.deviations.remove(place - faults - operations);
    }
}

/// Moves some of the faults, and makes some of them shorter or longer; gives some draws another value.
fn shift<M: Model>(story: &mut Story<M>, far: Span, words: &mut Words) {
    for fault in &mut story.case.faults {
        if words.below(2) == 0 {
            fault.at = words.near(fault.at, far);
        }
        if let Some(lasts) = &mut fault.lasts
            && words.below(4) == 0
        {
            *lasts = Span((lasts.0 / 2 + words.below(lasts.0 as usize + 1) as u64 * 3 / 2).max(1));
        }
    }
    story.case.faults.sort_by_key(|fault| fault.at);
    for deviation in &mut story.deviations {
        if let Deviation::Draw { billionths, .. } = deviation
            && words.below(3) == 0
        {
            *billionths = words.below(100) as u32 * 10_000_000;
        }
    }
}
