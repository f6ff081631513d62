//! The judges of events against their definitions, on all short sequences and on random ones; and what these tests share.

mod atomic_commitment;
mod coherence;
mod conservation;
mod convergence;
mod cuts;
mod delivery;
mod in_worlds;
mod mutual_exclusion;
mod rates;

use seedbed_properties::checkers::judge::{Judge, Refusal};

/// Calls `f` with every sequence over the alphabet of at most so many letters, as long as `keep` lets its beginnings
/// pass; says how many there were.
pub fn sequences<E: Clone>(
    alphabet: &[E],
    most: usize,
    keep: &dyn Fn(&[E], &E) -> bool,
    f: &mut dyn FnMut(&[E]),
) -> usize {
    fn go<E: Clone>(
        letters: &[E],
        left: usize,
        word: &mut Vec<E>,
        keep: &dyn Fn(&[E], &E) -> bool,
        f: &mut dyn FnMut(&[E]),
    ) -> usize {
        f(word);
        let mut count = 1;
        for letter in letters.iter().filter(|_| left > 0) {
            if keep(word, letter) {
                word.push(letter.clone());
                count += go(letters, left - 1, word, keep, f);
                word.pop();
            }
        }
        count
    }
    go(alphabet, most, &mut Vec::new(), keep, f)
}

/// What a judge says of a list of events.
pub fn ruling<J: Judge + Clone>(judge: &J, events: &[J::Event]) -> Result<(), Refusal<J::Node>>
where
    J::Event: Clone,
{
    judge.clone().judge(events.iter().cloned())
}

/// The words of the refusal.
pub fn refusal<J: Judge + Clone>(judge: &J, events: &[J::Event]) -> String
where
    J::Event: Clone + std::fmt::Debug,
{
    match ruling(judge, events) {
        Ok(()) => panic!("this was let pass: {events:#?}"),
        Err(refusal) => refusal.to_string(),
    }
}

/// Any continuation at all.
pub fn unpruned<E>(_: &[E], _: &E) -> bool {
    true
}

/// A relation on places and what follows from it: Lamport's happens-before, if the steps are those of processes and of
/// messages.
pub fn closed(count: usize, step: impl Fn(usize, usize) -> bool) -> Vec<Vec<bool>> {
    let row = |a| (0..count).map(|b| a < b && step(a, b)).collect();
    let mut before: Vec<Vec<bool>> = (0..count).map(row).collect();
    for via in 0..count {
        let onward = before[via].clone();
        for from in before.iter_mut().filter(|from| from[via]) {
            from.iter_mut().zip(&onward).for_each(|(reaches, more)| *reaches |= more);
        }
    }
    before
}
