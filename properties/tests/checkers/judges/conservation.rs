//! Conservation against its definition.

use std::collections::BTreeMap;

use super::{refusal, ruling, sequences, unpruned};
use proptest::prelude::*;
use seedbed_properties::checkers::conservation::{Conservation, Event, over_cut};
use seedbed_properties::checkers::judge::Judge;

type Word = [Event<char, u8>];

fn holds(at: char, amount: i128) -> Event<char, u8> {
    Event::Holds { at, of: 0, amount }
}

fn flows(by: i128) -> Event<char, u8> {
    Event::Flows { of: 0, by }
}

/// From scratch at each instant: the sum of what each part told last is what it was when all were known, and what has
/// flowed since.
fn by_definition(word: &Word, declared: Option<i128>) -> bool {
    let sum_and_flow = |prefix: &Word| {
        let mut parts: BTreeMap<char, i128> = BTreeMap::new();
        let mut flowed = 0;
        for event in prefix {
            match event {
                Event::Holds { at, amount, .. } => _ = parts.insert(*at, *amount),
                Event::Flows { by, .. } => flowed += by,
            }
        }
        (parts.contains_key(&'a') && parts.contains_key(&'b'), parts.values().sum::<i128>(), flowed)
    };
    let instants: Vec<_> = (0..=word.len()).map(|n| sum_and_flow(&word[..n])).filter(|(all, ..)| *all).collect();
    let Some((_, sum, flow)) = instants.first() else {
        return false;
    };
    let start = declared.unwrap_or(sum - flow);
    instants.iter().all(|(_, sum, flow)| *sum == start + flow)
        && !word.iter().any(|event| matches!(event, Event::Holds { amount, .. } if *amount < 0))
}

/// All that two parts, a third that turns up later, and flows can do in up to five instants.
#[test]
fn exhaustive() {
    let mut letters = vec![flows(1), flows(-1), holds('a', -1), holds('c', 1)];
    letters.extend((0..3).flat_map(|n| [holds('a', n), holds('b', n)]));
    for declared in [None, Some(2)] {
        let judge = Conservation::new(['a', 'b']);
        let judge = declared.map_or(judge.clone(), |amount| judge.total(0, amount));
        let (mut good, mut bad) = (0, 0);
        sequences(&letters, 5, &unpruned, &mut |word| {
            let expected = by_definition(word, declared);
            let ruled = ruling(&judge, word);
            assert_eq!(ruled.is_ok(), expected, "{declared:?} {word:?}: {ruled:?}");
            if expected { good += 1 } else { bad += 1 }
        });
        assert!(good > 100 && bad > 100, "{good} good, {bad} bad");
    }
}

#[test]
fn a_transfer_is_one_instant_and_half_of_it_is_refused() {
    let mut judge = Conservation::new(['a', 'b']);
    for event in [holds('a', 5), holds('b', 5)] {
        judge.observe(event).unwrap();
    }
    judge.instant().unwrap();
    judge.observe(holds('a', 2)).unwrap();
    judge.observe(holds('b', 8)).unwrap();
    judge.instant().unwrap();
    judge.observe(holds('b', 9)).unwrap();
    let refusal = judge.instant().unwrap_err();
    assert_eq!(refusal.to_string(), "conservation: of 0 there should be 10, there is 11: 'a' 2, 'b' 9");
}

#[test]
fn what_is_refused_is_told_in_words() {
    let judge = Conservation::new(['a']);
    assert_eq!(refusal(&judge, &[holds('a', -3)]), "never negative: 'a' holds -3 of 0");
    assert!(ruling(&judge.clone().may_be_negative(), &[holds('a', -3)]).is_ok());
    assert_eq!(refusal(&judge, &[flows(1)]), "conservation: nothing was ever heard of {'a'}, so nothing was judged");
    // Another quantity, which was not there at the start.
    let born = [holds('a', 3), Event::Holds { at: 'a', of: 1, amount: 1 }];
    assert_eq!(refusal(&judge, &born), "conservation: of 1 there should be 0, there is 1: 'a' 1");
    let paid_in = [holds('a', 3), Event::Flows { of: 1, by: 0 }, Event::Holds { at: 'a', of: 1, amount: 0 }];
    assert!(ruling(&judge, &paid_in).is_ok());

    assert!(over_cut(10, [('a', 3), ('b', 5)], [(('a', 'b'), 2)]).is_ok());
    assert_eq!(
        over_cut(10, [('a', 3), ('b', 5)], [(('a', 'b'), 1)]).unwrap_err().to_string(),
        "conservation: the cut should hold 10, it holds 9 (8 at the nodes: [('a', 3), ('b', 5)]; 1 on its way: \
         [(('a', 'b'), 1)])"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// A bank that keeps books of what is on its way: each event is an instant, and all are good; one amount changed is
    /// judged as defined.
    #[test]
    fn a_bank(
        moves in prop::collection::vec((0usize..3, 0usize..3, 0i128..5), 1..20),
        at in any::<prop::sample::Index>(),
        by in 1i128..4,
    ) {
        let names = ['a', 'b', 'c'];
        let mut accounts = [20i128; 3];
        let mut word = vec![holds('a', 20), holds('b', 20), holds('c', 20)];
        for (from, to, amount) in moves {
            let amount = amount.min(accounts[from]);
            if from == to {
                accounts[from] += amount;
                word.push(Event::Flows { of: 0, by: amount });
                word.push(holds(names[from], accounts[from]));
                continue;
            }
            accounts[from] -= amount;
            accounts[to] += amount;
            word.push(holds(names[from], accounts[from]));
            word.push(holds(names[to], accounts[to]));
        }
        // Pairs of events are instants.
        let judged = |word: &Word| {
            let mut judge = Conservation::new(names);
            let (start, rest) = word.split_at(3);
            start.iter().try_for_each(|event| judge.observe(event.clone()))?;
            judge.instant()?;
            for pair in rest.chunks(2) {
                pair.iter().try_for_each(|event| judge.observe(event.clone()))?;
                judge.instant()?;
            }
            judge.finish(&|_| true)
        };
        prop_assert!(judged(&word).is_ok());
        let mut mutated = word.clone();
        match at.get_mut(&mut mutated) {
            Event::Holds { amount, .. } => *amount += by,
            Event::Flows { by: flowed, .. } => *flowed += by,
        }
        // A change before the start only changes the total; then the next word of that part contradicts it, if there is one.
        let place = at.index(word.len());
        let told_again = match &mutated[place] {
            Event::Holds { at, .. } => {
                word[place + 1..].iter().any(|later| matches!(later, Event::Holds { at: who, .. } if who == at))
            }
            Event::Flows { .. } => true,
        };
        prop_assert_eq!(judged(&mutated).is_err(), place >= 3 || told_again);
    }
}
