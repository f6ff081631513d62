//! Mutual exclusion, locks and fencing against their definitions.

use std::collections::BTreeSet;

use super::{refusal, ruling, sequences, unpruned};
use proptest::prelude::*;
use seedbed_properties::checkers::mutual_exclusion::fencing::{Accepted, Fencing, SerialHolders};
use seedbed_properties::checkers::mutual_exclusion::{Event, Exclusion, Inside, Lock, Rule};

type Word = [Event<u8, char>];

/// All that three nodes and two resources can do in up to four changes.
#[test]
fn exclusion_exhaustive() {
    let letters: Vec<Inside<char, u8>> = ['a', 'b', 'c']
        .into_iter()
        .flat_map(|node| [vec![], vec![1], vec![2], vec![1, 2]].map(|resources| Inside { node, resources }))
        .collect();
    let (mut good, mut bad) = (0, 0);
    sequences(&letters, 4, &unpruned, &mut |word| {
        // At each instant, of each resource: how many are inside?
        let inside = |upto: usize, who: char, resource: u8| {
            let last = word[..upto].iter().rev().find(|inside| inside.node == who);
            last.is_some_and(|inside| inside.resources.contains(&resource))
        };
        let crowd = |upto, resource| ['a', 'b', 'c'].iter().filter(|who| inside(upto, **who, resource)).count();
        let holds = (0..=word.len()).all(|upto| crowd(upto, 1) <= 1 && crowd(upto, 2) <= 1);
        let ruled = ruling(&Exclusion::default(), word);
        assert_eq!(ruled.is_ok(), holds, "{word:?}: {ruled:?}");
        if holds { good += 1 } else { bad += 1 }
    });
    assert!(good > 1_000 && bad > 1_000, "{good} good, {bad} bad");
}

fn asked(by: char) -> Event<u8, char> {
    Event::Asked { resource: 0, by }
}
fn withdrew(by: char) -> Event<u8, char> {
    Event::Withdrew { resource: 0, by }
}
fn entered(by: char, depth: u32) -> Event<u8, char> {
    Event::Entered { resource: 0, by, depth }
}
fn left(by: char, depth: u32) -> Event<u8, char> {
    Event::Left { resource: 0, by, depth }
}
fn expired() -> Event<u8, char> {
    Event::Expired { resource: 0 }
}

/// Who holds the lock after these events, and how deep: looking back from the end.
fn held(word: &Word) -> Option<(char, u32)> {
    let (last, before) = word.split_last()?;
    match last {
        Event::Expired { .. } => None,
        Event::Asked { .. } | Event::Withdrew { .. } => held(before),
        Event::Entered { by, .. } => {
            Some((*by, held(before).filter(|(holder, _)| holder == by).map_or(1, |h| h.1 + 1)))
        }
        Event::Left { by, .. } => {
            held(before).filter(|(holder, depth)| holder == by && *depth > 1).map(|(h, d)| (h, d - 1))
        }
    }
}

/// The queue of those who wait, after these events.
fn queue(word: &Word) -> Vec<char> {
    let Some((last, before)) = word.split_last() else {
        return Vec::new();
    };
    let mut queue = queue(before);
    match last {
        Event::Asked { by, .. } => queue.push(*by),
        Event::Withdrew { by, .. } => _ = queue.iter().position(|who| who == by).map(|at| queue.remove(at)),
        Event::Entered { by, .. } if held(before).is_none_or(|(holder, _)| holder != *by) => {
            _ = queue.iter().position(|who| who == by).map(|at| queue.remove(at));
        }
        _ => {}
    }
    queue
}

fn by_definition(rule: Rule, word: &Word) -> bool {
    (0..word.len()).all(|n| {
        let before = held(&word[..n]);
        let holder = before.map(|(holder, _)| holder);
        match (rule, &word[n]) {
            (Rule::Exclusion, Event::Entered { by, .. }) => holder.is_none_or(|holder| holder == *by),
            (Rule::OnlyHolderReleases, Event::Left { by, .. }) => holder == Some(*by),
            (Rule::Balanced, Event::Entered { depth, .. }) => Some(*depth) == held(&word[..=n]).map(|(_, depth)| depth),
            (Rule::Balanced, Event::Left { by, depth, .. }) if holder == Some(*by) => {
                *depth == held(&word[..=n]).map_or(0, |(_, depth)| depth)
            }
            (Rule::InOrder, Event::Entered { by, .. }) if holder != Some(*by) => queue(&word[..n]).first() == Some(by),
            _ => true,
        }
    })
}

const RULES: [Rule; 4] = [Rule::Exclusion, Rule::OnlyHolderReleases, Rule::Balanced, Rule::InOrder];

/// All that two clients can do to a lock in up to five events.
#[test]
fn locks_exhaustive() {
    let mut letters = vec![expired()];
    for by in ['a', 'b'] {
        letters.extend([asked(by), withdrew(by), entered(by, 1), entered(by, 2), left(by, 0), left(by, 1)]);
    }
    for rule in RULES {
        let (mut good, mut bad) = (0, 0);
        sequences(&letters, 5, &unpruned, &mut |word| {
            let holds = by_definition(rule, word);
            let ruled = ruling(&Lock::judging(rule), word);
            assert_eq!(ruled.is_ok(), holds, "{rule:?} of {word:?}: {ruled:?}");
            if holds { good += 1 } else { bad += 1 }
        });
        assert!(good > 1_000 && bad > 1_000, "{rule:?}: {good} good, {bad} bad");
    }
}

/// In order, without those who give up, in one sentence: those to whom it is granted are the first of those who asked.
#[test]
fn order_by_another_definition() {
    let letters: Vec<_> =
        ['a', 'b', 'c'].into_iter().flat_map(|by| [asked(by), entered(by, 1)]).chain([expired()]).collect();
    sequences(&letters, 6, &|word, _| by_definition(Rule::Exclusion, word), &mut |word| {
        let who = |upto: usize, grants: bool| -> Vec<char> {
            let mut fresh = (0..upto).filter_map(|n| match &word[n] {
                Event::Asked { by, .. } if !grants => Some(*by),
                Event::Entered { by, .. } if grants && held(&word[..n]).is_none_or(|(holder, _)| holder != *by) => {
                    Some(*by)
                }
                _ => None,
            });
            fresh.by_ref().collect()
        };
        let holds = (0..=word.len()).all(|n| who(n, false).starts_with(&who(n, true)));
        assert_eq!(ruling(&Lock::judging(Rule::InOrder), word).is_ok(), holds, "{word:?}");
    });
}

#[test]
fn refusals_are_told_in_words() {
    let said = |rule, word: &Word| refusal(&Lock::judging(rule), word);
    assert_eq!(
        said(Rule::Exclusion, &[entered('a', 1), entered('b', 1)]),
        "mutual exclusion: 0 is granted to 'b' while 'a' holds it"
    );
    assert_eq!(
        said(Rule::OnlyHolderReleases, &[left('a', 0)]),
        "only the holder releases: 'a' releases 0, which nobody holds"
    );
    assert_eq!(
        said(Rule::Balanced, &[entered('a', 1), entered('a', 2), left('a', 0)]),
        "counts balance: 'a' still holds 0 1 times, the lock says 0"
    );
    assert_eq!(said(Rule::Balanced, &[entered('a', 2)]), "counts balance: 'a' has entered 0 1 times, the lock says 2");
    assert_eq!(
        said(Rule::InOrder, &[asked('a'), asked('b'), entered('b', 1)]),
        "granted in order: 0 is granted to 'b', though 'a' asked for it earlier"
    );
    assert_eq!(
        said(Rule::InOrder, &[entered('b', 1)]),
        "granted in order: 0 is granted to 'b', who does not ask for it"
    );
}

/// All that three holders with three tokens can have accepted in up to five writes.
#[test]
fn fencing_exhaustive() {
    let accepted = |by, token| Accepted { resource: 'r', by, token };
    let letters: Vec<_> =
        ['a', 'b', 'c'].into_iter().flat_map(|by| [1, 2, 3].map(|token| accepted(by, token))).collect();
    // All orders of the three.
    let orders = ["abc", "acb", "bac", "bca", "cab", "cba"];
    let (mut fenced_count, mut serial_count) = (0, 0);
    let count = sequences(&letters, 5, &unpruned, &mut |word| {
        // The writes are those of turns, one after the other, in the order of their tokens.
        let turns: BTreeSet<(u64, char)> = word.iter().map(|w| (w.token, w.by)).collect();
        let one_holder_a_token = turns.iter().all(|t| turns.iter().all(|u| t.0 != u.0 || t.1 == u.1));
        let in_turn: Vec<_> =
            turns.iter().flat_map(|turn| word.iter().filter(move |w| (w.token, w.by) == *turn).cloned()).collect();
        let fenced = one_holder_a_token && in_turn == word;
        assert_eq!(ruling(&Fencing::default(), word).is_ok(), fenced, "{word:?}");
        let serial = orders.iter().any(|order| {
            let in_order: Vec<_> =
                order.chars().flat_map(|by| word.iter().filter(move |w| w.by == by).cloned()).collect();
            in_order == word
        });
        assert_eq!(ruling(&SerialHolders::default(), word).is_ok(), serial, "{word:?}");
        fenced_count += u32::from(fenced);
        serial_count += u32::from(serial);
    });
    assert!(fenced_count > 100 && serial_count > 100 && count > 50_000, "{fenced_count} {serial_count} {count}");
}

/// A fair reentrant lock whose leases may end.
fn fair_lock() -> impl Strategy<Value = Vec<Event<u8, char>>> {
    prop::collection::vec((0usize..3, 0u8..4), 1..60).prop_map(|steps| {
        let mut word: Vec<Event<u8, char>> = Vec::new();
        for (who, what) in steps {
            let by = ['a', 'b', 'c'][who];
            let (holder, queue) = (held(&word), queue(&word));
            match (what, holder) {
                (0, _) if !queue.contains(&by) && holder.is_none_or(|(h, _)| h != by) => word.push(asked(by)),
                (1, None) if !queue.is_empty() => word.push(entered(queue[0], 1)),
                (1, Some((h, depth))) => word.push(entered(h, depth + 1)),
                (2, Some((h, depth))) => word.push(left(h, depth - 1)),
                (3, _) if who == 0 => word.push(expired()),
                (3, _) if queue.contains(&by) => word.push(withdrew(by)),
                _ => {}
            }
        }
        word
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_fair_lock_passes_and_one_change_is_judged_as_defined(
        word in fair_lock(),
        at in any::<prop::sample::Index>(),
        drift in 1u32..3,
    ) {
        for rule in RULES {
            prop_assert_eq!(ruling(&Lock::judging(rule), &word), Ok(()), "{:?}", word);
        }
        let mut mutated = word;
        if let Some(n) = (!mutated.is_empty()).then(|| at.index(mutated.len())) {
            match &mut mutated[n] {
                Event::Entered { depth, .. } | Event::Left { depth, .. } if drift == 1 => *depth += drift,
                Event::Asked { by, .. } | Event::Withdrew { by, .. } | Event::Entered { by, .. } | Event::Left { by, .. } => {
                    *by = if *by == 'a' { 'b' } else { 'a' };
                }
                Event::Expired { .. } => {}
            }
        }
        let names = |c: char| char::from(b'z' - (c as u8 - b'a'));
        let renamed: Vec<Event<char, char>> = mutated.iter().map(|event| match event.clone() {
            Event::Asked { by, .. } => Event::Asked { resource: 'q', by: names(by) },
            Event::Withdrew { by, .. } => Event::Withdrew { resource: 'q', by: names(by) },
            Event::Entered { by, depth, .. } => Event::Entered { resource: 'q', by: names(by), depth },
            Event::Left { by, depth, .. } => Event::Left { resource: 'q', by: names(by), depth },
            Event::Expired { .. } => Event::Expired { resource: 'q' },
        }).collect();
        for rule in RULES {
            let ruled = ruling(&Lock::judging(rule), &mutated).is_ok();
            prop_assert_eq!(ruled, by_definition(rule, &mutated), "{:?} of {:?}", rule, mutated);
            prop_assert_eq!(ruled, ruling(&Lock::judging(rule), &renamed).is_ok());
        }
    }
}
