//! Shaking: leaves out items of a story that is still a little long, and perturbs the others.
//!
//! Delta debugging leaves items out and changes nothing else. But in a story of elections and leases a fault is often
//! there only to bring another to the right instant, and without it that one has to come earlier or later. So items are
//! left out while times, lengths and draws are perturbed at random, until the same property fails without them. The
//! random numbers have a fixed seed.

use rand_chacha::ChaCha8Rng;
use rand_core::Rng;

use crate::choice::Deviation;
use crate::fault::by_time;
use crate::generator::generator;
use crate::shrink::{AnyShrunk, Progress, SHORT, Shrinker};
use crate::system::{AnyStory, Runner};
use crate::time::{Span, Time};

/// The search ends after this many unsuccessful attempts in a row.
const SHAKES: usize = 8_000;

/// Stories with more items than this are not shaken: one item fewer would not make them readable.
const LONG: usize = 3 * SHORT;

/// The greatest distances that items are moved, used in turn.
const FAR: [Span; 4] = [Span::ms(3), Span::ms(20), Span::ms(80), Span::ms(300)];

/// Shakes a story until it is short or attempts stay unsuccessful.
pub(super) fn shake(
    shrunk: AnyShrunk,
    runner: &dyn Runner,
    keep_going: &mut dyn FnMut(&Progress) -> bool,
) -> AnyShrunk {
    let mut shrinker = Shrinker { runner, best: shrunk, stopped: false, keep_going };
    shrinker.shake();
    shrinker.best
}

impl Shrinker<'_> {
    fn shake(&mut self) {
        let mut words = Words(generator(0, "shrink/shake"));
        let mut unsuccessful = 0;
        while unsuccessful < SHAKES && !self.stopped && (SHORT + 1..=LONG).contains(&self.best.story.sizes().items()) {
            let mut candidate = self.best.story.clone();
            for _ in 0..=words.below(2) {
                leave_out(&mut candidate, &mut words);
            }
            let far = FAR[unsuccessful % FAR.len()];
            match words.below(2) {
                0 => shift_what_follows(&mut candidate, far, &mut words),
                _ => shift_some(&mut candidate, far, &mut words),
            }
            redraw(&mut candidate, &mut words);
            unsuccessful += 1;
            if self.attempt(candidate) {
                self.shrink();
                unsuccessful = 0;
            }
        }
    }
}

/// A source of small random numbers.
struct Words(ChaCha8Rng);

impl Words {
    /// A number below `n`; zero if `n` is zero.
    fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.0.next_u64()) * n as u128) >> 64) as usize
    }

    /// An instant at most `far` away.
    fn near(&mut self, at: Time, far: Span) -> Time {
        Time((at.0 + self.below(far.0 as usize * 2 + 1) as u64).saturating_sub(far.0))
    }
}

/// Leaves out a random item.
fn leave_out(story: &mut AnyStory, words: &mut Words) {
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

/// Moves everything from a random instant on by the same time, earlier or later.
fn shift_what_follows(story: &mut AnyStory, far: Span, words: &mut Words) {
    let case = &mut story.case;
    let faults = case.faults.iter().map(|fault| fault.at);
    let instants: Vec<_> = faults.chain(case.operations.iter().map(|operation| operation.at)).collect();
    let Some(from) = instants.get(words.below(instants.len())).copied() else { return };
    let to = words.near(from, far);
    let moved = |at: &mut Time| {
        if *at >= from {
            *at = Time(at.0 - from.0 + to.0);
        }
    };
    case.faults.iter_mut().map(|fault| &mut fault.at).for_each(moved);
    case.operations.iter_mut().map(|operation| &mut operation.at).for_each(moved);
    by_time(&mut case.faults);
}

/// Moves some faults and operations, and changes the lengths of some faults.
fn shift_some(story: &mut AnyStory, far: Span, words: &mut Words) {
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
    by_time(&mut story.case.faults);
    for operation in &mut story.case.operations {
        if words.below(3) == 0 {
            operation.at = words.near(operation.at, far);
        }
    }
}

/// Changes the values of some draws.
fn redraw(story: &mut AnyStory, words: &mut Words) {
    for deviation in &mut story.deviations {
        if let Deviation::Draw { billionths, .. } = deviation
            && words.below(3) == 0
        {
            *billionths = words.below(100) as u32 * 10_000_000;
        }
    }
}
