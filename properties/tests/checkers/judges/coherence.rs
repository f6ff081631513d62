//! Coherence against its definitions.

use std::collections::BTreeMap;

use super::{refusal, ruling, sequences, unpruned};
use proptest::prelude::*;
use seedbed_properties::checkers::coherence::{
    Access, DataValue, Performed, Permission, Permits, ProgramOrder, SingleWriter, coherent,
};
use seedbed_properties::checkers::judge::Judge;

type Step = Performed<char, u8, u8>;

/// All that three caches can do with one block, and two with a second, in up to five changes.
#[test]
fn single_writer_exhaustive() {
    let permissions = [Permission::None, Permission::Read, Permission::Write];
    let mut letters = Vec::new();
    for (core, location) in [('a', 0u8), ('b', 0), ('c', 0), ('a', 1)] {
        letters.extend(permissions.map(|permission| Permits { core, location, permission }));
    }
    let (mut good, mut bad) = (0, 0);
    sequences(&letters, 5, &unpruned, &mut |word| {
        let now = |upto: usize, core: char, location: u8| {
            let mut told = word[..upto].iter().rev().filter(|p| p.core == core && p.location == location);
            told.next().map_or(Permission::None, |p| p.permission)
        };
        let holds = (0..=word.len()).all(|upto| {
            [0, 1].iter().all(|location| {
                let all = ['a', 'b', 'c'].map(|core| now(upto, core, *location));
                let writers = all.iter().filter(|p| **p == Permission::Write).count();
                let readers = all.iter().filter(|p| **p == Permission::Read).count();
                writers == 0 || (writers == 1 && readers == 0)
            })
        });
        let ruled = ruling(&SingleWriter::default(), word);
        assert_eq!(ruled.is_ok(), holds, "{word:?}: {ruled:?}");
        if holds { good += 1 } else { bad += 1 }
    });
    assert!(good > 1_000 && bad > 1_000, "{good} good, {bad} bad");
}

fn accesses() -> Vec<Access<u8>> {
    let mut all: Vec<Access<u8>> = (0..3).map(Access::Load).collect();
    all.extend((1..3).map(Access::Store));
    all.extend([Access::Swap { read: 0, written: 2 }, Access::Swap { read: 1, written: 2 }]);
    all
}

fn data_value(word: &[Step]) -> bool {
    (0..word.len()).all(|n| {
        let mut before = word[..n].iter().rev().filter(|p| p.location == word[n].location);
        let there = before.find_map(|p| p.access.written().copied()).unwrap_or(0);
        word[n].access.read().is_none_or(|read| *read == there)
    })
}

fn program_order(word: &[Step]) -> bool {
    (0..word.len()).all(|b| {
        (0..b).all(|a| {
            (word[a].core, word[a].location) != (word[b].core, word[b].location) || word[a].index < word[b].index
        })
    })
}

/// Whether some order of the accesses to each location, in program order, has every read see the last write.
fn some_order(word: &[Step]) -> bool {
    let here = |location: u8| word.iter().filter(|p| p.location == location).cloned().collect::<Vec<_>>();
    [0, 1].iter().all(|location| extends(&mut Vec::new(), &here(*location)))
}

fn extends(placed: &mut Vec<Step>, left: &[Step]) -> bool {
    left.is_empty()
        || (0..left.len()).any(|n| {
            let first = left.iter().all(|p| p.core != left[n].core || p.index >= left[n].index);
            let mut rest = left.to_vec();
            placed.push(rest.remove(n));
            let found = first && data_value(placed) && extends(placed, &rest);
            placed.pop();
            found
        })
}

/// All that two cores can do to one location, and to another, in up to four accesses; with places in the program that
/// need not be those of taking effect.
#[test]
fn orders_exhaustive() {
    let mut letters = Vec::new();
    for core in ['a', 'b'] {
        for access in accesses() {
            letters.extend([0, 1].map(|index| Performed { core, location: 0, access, index }));
        }
    }
    letters.push(Performed { core: 'a', location: 1, access: Access::Load(0), index: 0 });
    letters.push(Performed { core: 'b', location: 1, access: Access::Store(1), index: 0 });
    let mut counts = BTreeMap::new();
    // One core does one thing at a time.
    let once = |word: &[Step], next: &Step| {
        !word.iter().any(|p| (p.core, p.location, p.index) == (next.core, next.location, next.index))
    };
    sequences(&letters, 4, &unpruned, &mut |word| {
        let ruled = ruling(&ProgramOrder::default(), word);
        assert_eq!(ruled.is_ok(), program_order(word), "{word:?}: {ruled:?}");
    });
    sequences(&letters, 4, &once, &mut |word| {
        let ruled = ruling(&DataValue::starting_with(0), word);
        assert_eq!(ruled.is_ok(), data_value(word), "{word:?}: {ruled:?}");
        let explained = coherent(&0, word, 10_000);
        assert_eq!(explained.is_ok(), some_order(word), "{word:?}: {explained:?}");
        // An order that was told is an order that exists.
        assert!(explained.is_ok() || !(data_value(word) && program_order(word)));
        *counts.entry((data_value(word), explained.is_ok())).or_insert(0) += 1;
    });
    assert!(counts.len() == 4 && counts.values().all(|count| *count > 100), "{counts:?}");
}

#[test]
fn refusals_are_told_in_words() {
    let by = |core, index, access| Performed { core, location: 0u8, access, index };
    let permits = |core, permission| Permits { core, location: 0u8, permission };
    assert_eq!(
        refusal(&SingleWriter::default(), &[permits('a', Permission::Write), permits('b', Permission::Read)]),
        "single writer: 'b' may read 0 while 'a' may write it"
    );
    assert_eq!(
        refusal(&DataValue::starting_with(0u8), &[by('a', 0, Access::Load(3))]),
        "data value: 'a' reads 3 from 0, where nobody has written and 0 was at the start"
    );
    assert_eq!(
        refusal(&ProgramOrder::default(), &[by('a', 1, Access::Store(1u8)), by('a', 0, Access::Load(1))]),
        "program order: 'a' performs Load(1) at 0, number 0 of its program, after Store(1), number 1"
    );
    let torn = [by('a', 0, Access::Store(1)), by('b', 0, Access::Load(1)), by('b', 1, Access::Load(0))];
    assert_eq!(
        coherent(&0u8, &torn, 1_000).unwrap_err().to_string(),
        "coherence: no order of the accesses to 0 explains them: after ['a' Store(1), 'b' Load(1)] none of ['b' Load(0)] \
         can come next"
    );
    // Undecided is not coherent.
    let many: Vec<_> = (0..40).map(|n| by(['a', 'b', 'c', 'd'][n % 4], n as u64, Access::Store(1u8))).collect();
    let many = [&many[..], &[by('e', 0, Access::Load(9))]].concat();
    assert_eq!(coherent(&0u8, &many, 50).unwrap_err().rule, "undecided");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    /// What cores do to a real memory passes; one value changed is judged as defined; names do not matter.
    #[test]
    fn a_memory(
        steps in prop::collection::vec((0usize..3, 0u8..2, 0u8..3, 1u8..4), 1..10),
        at in any::<prop::sample::Index>(),
        other in 0u8..4,
    ) {
        let (mut memory, mut next, mut word) = ([0u8; 2], [0u64; 3], Vec::new());
        for (core, location, what, value) in steps {
            let cell = &mut memory[usize::from(location)];
            let access = match what {
                0 => Access::Load(*cell),
                1 => Access::Store(value),
                _ => Access::Swap { read: *cell, written: value },
            };
            if let Some(written) = access.written() {
                *cell = *written;
            }
            word.push(Performed { core: ['a', 'b', 'c'][core], location, access, index: next[core] });
            next[core] += 1;
        }
        prop_assert!(data_value(&word));
        prop_assert!(ruling(&DataValue::starting_with(0), &word).is_ok());
        prop_assert!(ruling(&ProgramOrder::default(), &word).is_ok());
        prop_assert!(coherent(&0, &word, 100_000).is_ok());
        match &mut at.get_mut(&mut word).access {
            Access::Load(value) | Access::Store(value) | Access::Swap { read: value, .. } => *value = other,
        }
        prop_assert_eq!(ruling(&DataValue::starting_with(0), &word).is_ok(), data_value(&word));
        prop_assert_eq!(coherent(&0, &word, 100_000).is_ok(), some_order(&word), "{:?}", word);
        // The order in which accesses stand means nothing, nor do names.
        let mut renamed: Vec<_> = word.iter().map(|p| Performed {
            core: u64::from(b'z' - p.core as u8),
            location: 1 - p.location,
            access: p.access,
            index: p.index + 7,
        }).collect();
        renamed.reverse();
        prop_assert_eq!(coherent(&0, &renamed, 100_000).is_ok(), some_order(&word));
    }
}

/// The judges are told of two locations at once and keep them apart.
#[test]
fn locations_are_apart() {
    let mut judge = DataValue::starting_with(0u8);
    for (location, value) in [(0u8, 1), (1, 2)] {
        judge.observe(Performed { core: 'a', location, access: Access::Store(value), index: 0 }).unwrap();
    }
    assert!(judge.observe(Performed { core: 'b', location: 0, access: Access::Load(1), index: 0 }).is_ok());
    assert!(judge.observe(Performed { core: 'b', location: 1, access: Access::Load(1), index: 1 }).is_err());
}
