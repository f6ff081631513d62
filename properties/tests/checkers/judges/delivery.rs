//! The promises of delivery against their definitions.

use std::collections::{BTreeMap, BTreeSet};

use super::{closed, refusal, ruling, sequences, unpruned};
use proptest::prelude::*;
use seedbed_properties::checkers::delivery::{
    Agreement, AtLeastOnce, AtMostOnce, Causal, Destination, ExactlyOnce, Fifo, NoCreation, PairwiseOrder, TotalOrder,
    Validity,
};
use seedbed_properties::checkers::judge::Judge;

type Event = seedbed_properties::checkers::delivery::Event<char, u8>;
type Word = [Event];

const GROUP: [char; 3] = ['a', 'b', 'c'];

fn sent(by: char, message: u8) -> Event {
    Event::Sent { by, message, to: Destination::Everyone }
}

fn sent_to(by: char, message: u8, to: &str) -> Event {
    Event::Sent { by, message, to: Destination::Only(to.chars().collect()) }
}

fn delivered(at: char, message: u8) -> Event {
    Event::Delivered { at, message }
}

fn owed(to: char, message: u8) -> Event {
    Event::Owed { message, to }
}

// What the definitions are made of: places in a word.

/// The first sending of a message.
fn sending(word: &Word, message: u8) -> Option<usize> {
    word.iter().position(|event| matches!(event, Event::Sent { message: m, .. } if *m == message))
}

fn sender(word: &Word, message: u8) -> Option<(char, Destination<char>)> {
    match &word[sending(word, message)?] {
        Event::Sent { by, to, .. } => Some((*by, to.clone())),
        _ => unreachable!("a sending is one"),
    }
}

/// All deliveries, in order.
fn deliveries(word: &Word) -> Vec<(usize, char, u8)> {
    let one = |(n, event): (usize, &Event)| match event {
        Event::Delivered { at, message } => Some((n, *at, *message)),
        _ => None,
    };
    word.iter().enumerate().filter_map(one).collect()
}

fn first_deliveries(word: &Word) -> Vec<(usize, char, u8)> {
    let mut seen = BTreeSet::new();
    deliveries(word).into_iter().filter(|(_, at, message)| seen.insert((*at, *message))).collect()
}

fn has_delivered(word: &Word, at: char, message: u8) -> bool {
    word.contains(&delivered(at, message))
}

fn messages(word: &Word) -> BTreeSet<u8> {
    word.iter()
        .filter_map(|event| if let Event::Sent { message, .. } = event { Some(*message) } else { None })
        .collect()
}

fn no_creation(word: &Word) -> bool {
    deliveries(word).iter().all(|(n, at, message)| {
        sending(word, *message).is_some_and(|s| s < *n) && sender(word, *message).unwrap().1.includes(at)
    })
}

fn at_most_once(word: &Word) -> bool {
    deliveries(word).len() == first_deliveries(word).len()
}

fn at_least_once(word: &Word) -> bool {
    word.iter().all(|event| match event {
        Event::Owed { message, to } => has_delivered(word, *to, *message),
        _ => true,
    })
}

fn fifo(word: &Word, gaps: bool) -> bool {
    let by = |message| sender(word, message).map(|(by, _)| by);
    first_deliveries(word).iter().all(|(n, at, message)| {
        messages(word).into_iter().filter(|other| by(*other) == by(*message)).all(|other| {
            let earlier = sending(word, other) < sending(word, *message);
            if gaps {
                // Not after a later one.
                earlier || other == *message || !has_delivered(&word[..*n], *at, other)
            } else {
                !earlier || !sender(word, other).unwrap().1.includes(at) || has_delivered(&word[..*n], *at, other)
            }
        })
    })
}

/// Lamport's happens-before on places, by closing its three steps.
fn happens_before(word: &Word) -> Vec<Vec<bool>> {
    let process = |n: usize| match &word[n] {
        Event::Sent { by, message, .. } if sending(word, *message) == Some(n) => Some(*by),
        Event::Delivered { at, .. } => Some(*at),
        _ => None,
    };
    closed(word.len(), |a, b| {
        let local = process(a).is_some() && process(a) == process(b);
        local || matches!(word[b], Event::Delivered { message, .. } if sending(word, message) == Some(a))
    })
}

fn causal(word: &Word, own: bool) -> bool {
    let before = happens_before(word);
    deliveries(word).iter().all(|(n, at, message)| {
        let send = sending(word, *message).expect("nothing is created");
        messages(word).into_iter().all(|cause| {
            let (by, to) = sender(word, cause).unwrap();
            let precedes = before[sending(word, cause).unwrap()][send];
            !precedes || !to.includes(at) || (by == *at && !own) || has_delivered(&word[..*n], *at, cause)
        })
    })
}

fn sequence(word: &Word, of: char) -> Vec<u8> {
    deliveries(word).into_iter().filter(|(_, at, _)| *at == of).map(|(.., message)| message).collect()
}

fn total_order(word: &Word) -> bool {
    let sequences = GROUP.map(|node| sequence(word, node));
    sequences.iter().all(|a| sequences.iter().all(|b| a.starts_with(b) || b.starts_with(a)))
}

fn pairwise_order(word: &Word) -> bool {
    let place = |node, message| first_deliveries(word).iter().position(|(_, at, m)| *at == node && *m == message);
    let opposite = |p, q, m, n| match (place(p, m), place(p, n), place(q, m), place(q, n)) {
        (Some(pm), Some(pn), Some(qm), Some(qn)) => (pm < pn) != (qm < qn),
        _ => false,
    };
    let all: BTreeSet<u8> = deliveries(word).into_iter().map(|(.., message)| message).collect();
    !GROUP.iter().any(|p| GROUP.iter().any(|q| all.iter().any(|m| all.iter().any(|n| opposite(*p, *q, *m, *n)))))
}

fn concerned(word: &Word, message: u8) -> impl Fn(&char) -> bool {
    let sent = sender(word, message);
    move |node: &char| sent.as_ref().is_none_or(|(by, to)| by != node && to.includes(node))
}

fn agreement(word: &Word, correct: &str, uniform: bool) -> bool {
    deliveries(word).iter().filter(|(_, at, _)| uniform || correct.contains(*at)).all(|(.., message)| {
        correct.chars().filter(concerned(word, *message)).all(|node| has_delivered(word, node, *message))
    })
}

fn validity(word: &Word, correct: &str) -> bool {
    messages(word)
        .into_iter()
        .filter(|message| correct.contains(sender(word, *message).unwrap().0))
        .all(|message| correct.chars().filter(concerned(word, message)).all(|node| has_delivered(word, node, message)))
}

/// Compares one judge with its definition on one word, and counts.
struct Tally(BTreeMap<&'static str, [u64; 2]>);

impl Tally {
    fn compare<J: Judge<Event = Event> + Clone>(&mut self, name: &'static str, judge: J, word: &Word, holds: bool)
    where
        J::Node: std::fmt::Debug,
    {
        let ruled = ruling(&judge, word);
        assert_eq!(ruled.is_ok(), holds, "{name} of {word:?}: {ruled:?}");
        self.0.entry(name).or_default()[usize::from(holds)] += 1;
    }

    fn both_were_seen(&self) {
        assert!(self.0.values().all(|[bad, good]| *bad > 50 && *good > 50), "{:?}", self.0);
    }
}

/// Everything two senders, two receivers and promises can do in up to five events, created messages included.
#[test]
fn counts_exhaustive() {
    let mut letters = vec![sent('a', 1), sent_to('b', 2, "c")];
    letters.extend(['b', 'c'].iter().flat_map(|at| [1, 2].map(|message| delivered(*at, message))));
    letters.extend([owed('b', 1), owed('c', 1), owed('c', 2)]);
    let mut tally = Tally(BTreeMap::new());
    sequences(&letters, 5, &unpruned, &mut |word| {
        tally.compare("no creation", NoCreation::default(), word, no_creation(word));
        tally.compare("at most once", AtMostOnce::default(), word, at_most_once(word));
        tally.compare("at least once", AtLeastOnce::default(), word, at_least_once(word));
        tally.compare("exactly once", ExactlyOnce::default(), word, at_most_once(word) && at_least_once(word));
        // The common sequence knows no senders.
        tally.compare("total order", TotalOrder::default(), word, total_order(word));
        tally.compare("pairwise order", PairwiseOrder::default(), word, pairwise_order(word));
    });
    tally.both_were_seen();
}

/// Nothing is delivered before it is sent, or where it was not sent; nothing is sent twice.
fn orderly(word: &Word, next: &Event) -> bool {
    match next {
        Event::Sent { message, .. } => sending(word, *message).is_none(),
        Event::Delivered { at, message } => sender(word, *message).is_some_and(|(_, to)| to.includes(at)),
        _ => true,
    }
}

/// All runs of three processes with four messages and up to six events, one of them to one receiver only.
#[test]
fn orders_exhaustive() {
    let mut letters = vec![sent('a', 1), sent_to('a', 2, "c"), sent('a', 3), sent('b', 4)];
    letters.extend(GROUP.iter().flat_map(|at| [1, 2, 3, 4].map(|message| delivered(*at, message))));
    let mut tally = Tally(BTreeMap::new());
    let count = sequences(&letters, 6, &orderly, &mut |word| {
        tally.compare("gapless", Fifo::gapless(), word, fifo(word, false));
        tally.compare("in order", Fifo::in_order(), word, fifo(word, true));
        tally.compare("causal", Causal::new(), word, causal(word, false));
        tally.compare("causal, own", Causal::delivering_own(), word, causal(word, true));
        tally.compare("pairwise order", PairwiseOrder::default(), word, pairwise_order(word));
        tally.compare("agreement", Agreement::among(GROUP), word, agreement(word, "abc", false));
        tally.compare("validity", Validity::among(GROUP), word, validity(word, "abc"));
    });
    assert!(count > 10_000, "{count}");
    tally.both_were_seen();
}

/// The same at the end, where only some are correct.
#[test]
fn correct_processes_exhaustive() {
    let mut letters = vec![sent('a', 1), sent_to('b', 2, "c")];
    letters.extend(GROUP.iter().flat_map(|at| [1, 2].map(|message| delivered(*at, message))));
    sequences(&letters, 5, &orderly, &mut |word| {
        for correct in ["abc", "ab", "bc", "c", ""] {
            let obliged = |node: &char| correct.contains(*node);
            let judged = |mut judge: Agreement<char, u8>| {
                word.iter().for_each(|event| judge.observe(event.clone()).unwrap());
                judge.finish(&obliged).is_ok()
            };
            assert_eq!(judged(Agreement::among(GROUP)), agreement(word, correct, false), "{correct} {word:?}");
            assert_eq!(judged(Agreement::uniform(GROUP)), agreement(word, correct, true), "{correct} {word:?}");
            let mut judge = Validity::among(GROUP);
            word.iter().for_each(|event| judge.observe(event.clone()).unwrap());
            assert_eq!(judge.finish(&obliged).is_ok(), validity(word, correct), "{correct} {word:?}");
        }
    });
}

#[test]
fn refusals_are_told_in_words() {
    assert_eq!(
        refusal(&NoCreation::default(), &[delivered('b', 1)]),
        "no creation: 'b' delivers 1, which nobody has sent"
    );
    assert_eq!(
        refusal(&NoCreation::default(), &[sent_to('a', 1, "c"), delivered('b', 1)]),
        "no creation: 'b' delivers 1, which 'a' sent to others: Only({'c'})"
    );
    assert_eq!(
        refusal(&AtMostOnce::default(), &[delivered('b', 1), delivered('b', 1)]),
        "at most once: 'b' delivers 1 for the second time"
    );
    assert_eq!(
        refusal(&ExactlyOnce::default(), &[owed('b', 1), owed('c', 1)]),
        "at least once: 1 was promised to 'b' and never delivered there, and 1 more deliveries are missing"
    );
    assert_eq!(
        refusal(&Fifo::in_order(), &[sent('a', 1), sent('a', 2), delivered('b', 2), delivered('b', 1)]),
        "FIFO order: 'b' delivers 1 of 'a' after 2, which 'a' sent later"
    );
    let rude = [sent('a', 1), delivered('b', 1), sent('b', 2), delivered('c', 2)];
    assert_eq!(
        refusal(&Causal::default(), &rude),
        "causal order: 'c' delivers 2 of 'b' before 1 of 'a', which precedes it causally"
    );
    let opposite = [delivered('b', 1), delivered('b', 2), delivered('c', 2), delivered('c', 1)];
    assert_eq!(
        refusal(&TotalOrder::default(), &opposite),
        "total order: as number 1 of all, 'b' delivered 1 and 'c' 2"
    );
    assert_eq!(refusal(&PairwiseOrder::default(), &opposite), "total order: 'c' delivers 1 after 2, and 'b' before it");
    assert_eq!(
        refusal(&Agreement::among(GROUP), &[sent('a', 1), delivered('b', 1)]),
        "agreement: 'b' delivered 1, and 'c' never did"
    );
    assert_eq!(refusal(&Validity::among(GROUP), &[sent('a', 1)]), "validity: 'a' sent 1, and 'b' never delivered it");
}

#[test]
fn who_restarts_goes_on_in_the_common_sequence() {
    let at_b = [delivered('b', 1), delivered('b', 2)];
    let resumed = |after| Event::Resumed { at: 'c', after };
    let word = |rest: &[Event]| [&at_b[..], rest].concat();
    assert!(ruling(&TotalOrder::default(), &word(&[resumed(1), delivered('c', 2), delivered('c', 3)])).is_ok());
    assert!(ruling(&TotalOrder::default(), &word(&[resumed(1), delivered('c', 1)])).is_err());
    assert_eq!(
        refusal(&TotalOrder::default(), &word(&[resumed(3)])),
        "total order: 'c' goes on after 3 messages, and nobody has delivered more than 2"
    );
}

/// A broadcast that is atomic, FIFO and causal: a sequencer passes everything on in the order of sending; members are
/// behind by various amounts.
fn atomic_broadcast() -> impl Strategy<Value = Vec<Event>> {
    prop::collection::vec((0usize..3, any::<bool>()), 1..40).prop_map(|steps| {
        let (mut word, mut count, mut behind) = (vec![sent('a', 0)], 1, [0u8; 3]);
        for (who, sends) in steps {
            if sends {
                word.push(sent(GROUP[who], count));
                count += 1;
            } else if behind[who] < count {
                word.push(delivered(GROUP[who], behind[who]));
                behind[who] += 1;
            }
        }
        for (who, at) in GROUP.iter().enumerate() {
            word.extend((behind[who]..count).map(|message| delivered(*at, message)));
        }
        word
    })
}

fn renamed(word: &Word) -> Vec<Event> {
    let name = |c: &char| match c {
        'a' => 'b',
        'b' => 'c',
        _ => 'a',
    };
    let renamed = word.iter().map(|event| match event {
        Event::Sent { by, message, .. } => sent(name(by), 255 - message),
        Event::Delivered { at, message } => delivered(name(at), 255 - message),
        other => other.clone(),
    });
    renamed.collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn atomic_broadcast_passes_and_one_change_is_judged_as_defined(
        word in atomic_broadcast(),
        at in any::<prop::sample::Index>(),
        drift in 1u8..4,
        swap in any::<bool>(),
    ) {
        let mut tally = Tally(BTreeMap::new());
        let mut compare = |word: &Word, good: bool| {
            let plain = |holds: bool| good || holds;
            tally.compare("no creation", NoCreation::default(), word, plain(no_creation(word)));
            tally.compare("at most once", AtMostOnce::default(), word, plain(at_most_once(word)));
            tally.compare("total order", TotalOrder::default(), word, plain(total_order(word)));
            tally.compare("agreement", Agreement::among(GROUP), word, plain(agreement(word, "abc", false)));
            if no_creation(word) {
                tally.compare("gapless", Fifo::gapless(), word, plain(fifo(word, false)));
                tally.compare("in order", Fifo::in_order(), word, plain(fifo(word, true)));
                tally.compare("causal", Causal::delivering_own(), word, plain(causal(word, true)));
            }
        };
        compare(&word, true);
        let mut mutated = word;
        let place = at.index(mutated.len());
        if swap && place > 0 {
            mutated.swap(place - 1, place);
        } else if let Event::Delivered { message, .. } = &mut mutated[place] {
            *message = message.saturating_sub(drift);
        }
        compare(&mutated, false);
        compare(&renamed(&mutated), false);
        let alike = |judge: &dyn Fn(&Word) -> bool| judge(&mutated) == judge(&renamed(&mutated));
        prop_assert!(alike(&|word| ruling(&TotalOrder::default(), word).is_ok()));
        prop_assert!(alike(&|word| ruling(&Causal::delivering_own(), word).is_ok()));
        prop_assert!(alike(&|word| ruling(&Fifo::gapless(), word).is_ok()));
        prop_assert!(alike(&|word| ruling(&AtMostOnce::default(), word).is_ok()));
    }
}
