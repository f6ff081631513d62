//! Consistent cuts against their definition: closed under happens-before.

use std::collections::{BTreeMap, BTreeSet};

use super::{closed, refusal, ruling, sequences};
use proptest::prelude::*;
use seedbed_properties::checkers::cuts::{Counts, Snapshots, by_clocks, by_counts};

type Event = seedbed_properties::checkers::cuts::Event<u8, char, u8>;
type Word = [Event];

const GROUP: [char; 3] = ['a', 'b', 'c'];

fn sent(by: char, to: char, message: u8) -> Event {
    Event::Sent { by, to, message }
}
fn received(at: char, message: u8) -> Event {
    Event::Received { at, message }
}
fn recorded(at: char) -> Event {
    Event::Recorded { snapshot: 0, at }
}
fn channel(from: char, to: char, messages: &[u8]) -> Event {
    Event::Channel { snapshot: 0, from, to, messages: messages.to_vec() }
}
fn completed() -> Event {
    Event::Completed { snapshot: 0 }
}

fn process(event: &Event) -> Option<char> {
    match event {
        Event::Sent { by, .. } => Some(*by),
        Event::Received { at, .. } => Some(*at),
        _ => None,
    }
}

fn sending(word: &Word, message: u8) -> Option<(usize, char, char)> {
    word.iter().enumerate().find_map(|(n, event)| match event {
        Event::Sent { by, to, message: m } if *m == message => Some((n, *by, *to)),
        _ => None,
    })
}

/// Happens-before on places, closed.
fn happens_before(word: &Word) -> Vec<Vec<bool>> {
    let sent_at = |message| sending(word, message).map(|(n, ..)| n);
    closed(word.len(), |a, b| {
        let local = process(&word[a]).is_some() && process(&word[a]) == process(&word[b]);
        local || matches!(&word[b], Event::Received { message, .. } if sent_at(*message) == Some(a))
    })
}

fn position(word: &Word, at: char) -> Option<usize> {
    word.iter().position(|event| *event == recorded(at))
}

/// In the cut is what a process did before it recorded; one that has not yet could still record after all it has done,
/// and what it has done is not in the cut for certain.
fn consistent(word: &Word) -> bool {
    let before = happens_before(word);
    let inside = |n: usize| position(word, process(&word[n]).unwrap()).is_none_or(|at| n < at);
    let done: Vec<usize> = (0..word.len()).filter(|n| process(&word[*n]).is_some()).collect();
    // Only what is in the cut for certain pulls its past into it.
    let certain = |n: usize| inside(n) && position(word, process(&word[n]).unwrap()).is_some();
    done.iter().all(|b| !certain(*b) || done.iter().all(|a| !before[*a][*b] || inside(*a)))
}

fn in_channel(word: &Word, from: char, to: char) -> Option<BTreeSet<u8>> {
    let (sender, receiver) = (position(word, from)?, position(word, to)?);
    let messages = word[..sender].iter().filter_map(|event| match event {
        Event::Sent { by, to: t, message } if *by == from && *t == to => Some(*message),
        _ => None,
    });
    Some(messages.filter(|message| !word[..receiver].contains(&received(to, *message))).collect())
}

fn channels_told(word: &Word, from: char, to: char) -> Vec<BTreeSet<u8>> {
    let told = word.iter().filter_map(|event| match event {
        Event::Channel { from: f, to: t, messages, .. } if *f == from && *t == to => {
            Some(messages.iter().copied().collect())
        }
        _ => None,
    });
    told.collect()
}

fn pairs() -> impl Iterator<Item = (char, char)> {
    GROUP.into_iter().flat_map(|a| GROUP.map(|b| (a, b)))
}

fn by_definition(word: &Word) -> bool {
    let channels = |word: &Word| {
        pairs().all(|(from, to)| {
            let told = channels_told(word, from, to);
            told.len() <= 1 && in_channel(word, from, to).is_none_or(|is| told.first().is_none_or(|told| *told == is))
        })
    };
    let complete = |word: &Word| {
        pairs().all(|(from, to)| {
            let used =
                word.iter().any(|event| matches!(event, Event::Sent { by, to: t, .. } if *by == from && *t == to));
            !used
                || in_channel(word, from, to)
                    .is_some_and(|is| is.is_empty() || channels_told(word, from, to).first() == Some(&is))
        })
    };
    consistent(word)
        && (0..=word.len()).all(|n| channels(&word[..n]))
        && (0..word.len()).all(|n| word[n] != completed() || complete(&word[..n]))
}

/// Messages are sent and received once, in any order; processes record once.
fn orderly(word: &Word, next: &Event) -> bool {
    !word.contains(next)
        && match next {
            Event::Received { at, message } => sending(word, *message).is_some_and(|(_, _, to)| to == *at),
            _ => !word.contains(&completed()),
        }
}

/// All runs of three processes with three messages, and what may be recorded of one channel, in up to six events.
#[test]
fn exhaustive() {
    let mut letters = vec![sent('a', 'b', 1), sent('a', 'b', 2), sent('b', 'c', 3)];
    letters.extend([received('b', 1), received('b', 2), received('c', 3)]);
    letters.extend(GROUP.map(recorded));
    letters.extend([channel('a', 'b', &[]), channel('a', 'b', &[1]), channel('a', 'b', &[1, 2]), completed()]);
    let (mut good, mut bad) = (0, 0);
    sequences(&letters, 6, &orderly, &mut |word| {
        let holds = by_definition(word);
        let ruled = ruling(&Snapshots::default(), word);
        assert_eq!(ruled.is_ok(), holds, "{word:?}: {ruled:?}");
        if holds { good += 1 } else { bad += 1 }
    });
    assert!(good > 1_000 && bad > 1_000, "{good} good, {bad} bad");
}

#[test]
fn refusals_are_told_in_words() {
    let said = |word: &Word| refusal(&Snapshots::default(), word);
    let start = [sent('a', 'b', 1), recorded('a'), recorded('b')];
    assert_eq!(
        said(&[&start[..], &[channel('a', 'b', &[])]].concat()),
        "channel state: in snapshot 0 the channel from 'a' to 'b' holds {1}, and {} is recorded"
    );
    assert_eq!(
        said(&[&start[..], &[completed()]].concat()),
        "channel state: snapshot 0 is called complete without the channel from 'a' to 'b', which holds {1}"
    );
    assert_eq!(
        said(&[sent('a', 'b', 1), recorded('a'), completed()]),
        "complete: snapshot 0 is called complete without the state of 'b'"
    );
    assert_eq!(said(&[recorded('a'), recorded('a')]), "recorded once: 'a' records its state twice in snapshot 0");
    let through_b =
        [recorded('a'), sent('a', 'b', 1), received('b', 1), sent('b', 'c', 2), received('c', 2), recorded('c')];
    assert_eq!(said(&through_b), "consistent cut: in snapshot 0 'c' knows of step 1 of 'a', whose own last one is 0");
    assert_eq!(said(&[received('a', 9)]), "no creation: 'a' receives 9, which nobody has sent to it");
}

/// Runs of Chandy and Lamport's algorithm on FIFO channels.
fn chandy_lamport(choices: &[(u8, usize, usize)]) -> Vec<Event> {
    let mut word = Vec::new();
    // Nothing: a marker.
    let mut channels: BTreeMap<(char, char), Vec<Option<u8>>> = BTreeMap::new();
    let mut open: BTreeMap<(char, char), Vec<u8>> = BTreeMap::new();
    let mut next = 0;
    let record = |at: char,
                  marker_from: Option<char>,
                  word: &mut Vec<Event>,
                  channels: &mut BTreeMap<(char, char), Vec<Option<u8>>>,
                  open: &mut BTreeMap<(char, char), Vec<u8>>| {
        word.push(recorded(at));
        for other in GROUP.into_iter().filter(|other| *other != at) {
            channels.entry((at, other)).or_default().push(None);
            if marker_from == Some(other) {
                word.push(channel(other, at, &[]));
            } else {
                open.insert((other, at), Vec::new());
            }
        }
    };
    let deliver = |pair: (char, char),
                   word: &mut Vec<Event>,
                   channels: &mut BTreeMap<(char, char), Vec<Option<u8>>>,
                   open: &mut BTreeMap<(char, char), Vec<u8>>| {
        let queue = channels.entry(pair).or_default();
        if queue.is_empty() {
            return;
        }
        match queue.remove(0) {
            Some(message) => {
                word.push(received(pair.1, message));
                if let Some(recording) = open.get_mut(&pair) {
                    recording.push(message);
                }
            }
            None if position(word, pair.1).is_none() => record(pair.1, Some(pair.0), word, channels, open),
            None => {
                let recording = open.remove(&pair).expect("a channel is recorded until its marker comes");
                word.push(channel(pair.0, pair.1, &recording));
            }
        }
    };
    for (what, from, to) in choices {
        let pair = (GROUP[*from], GROUP[*to]);
        match what {
            _ if from == to => {}
            0 | 1 => {
                word.push(sent(pair.0, pair.1, next));
                channels.entry(pair).or_default().push(Some(next));
                next += 1;
            }
            2 if position(&word, 'a').is_none() && GROUP.iter().all(|g| position(&word, *g).is_none()) => {
                record('a', None, &mut word, &mut channels, &mut open);
            }
            _ => deliver(pair, &mut word, &mut channels, &mut open),
        }
    }
    if GROUP.iter().all(|g| position(&word, *g).is_none()) {
        record('b', None, &mut word, &mut channels, &mut open);
    }
    while channels.values().any(|queue| !queue.is_empty()) {
        pairs().for_each(|pair| deliver(pair, &mut word, &mut channels, &mut open));
    }
    word.push(completed());
    word
}

/// The vector clocks of the last events of a cut.
fn clocks(word: &Word) -> BTreeMap<char, BTreeMap<char, u64>> {
    let mut now: BTreeMap<char, BTreeMap<char, u64>> = GROUP.map(|g| (g, BTreeMap::new())).into();
    let (mut carried, mut cut) = (BTreeMap::new(), BTreeMap::new());
    for event in word {
        if let Event::Recorded { at, .. } = event {
            cut.insert(*at, now[at].clone());
        }
        let Some(who) = process(event) else { continue };
        let clock = now.get_mut(&who).unwrap();
        *clock.entry(who).or_default() += 1;
        match event {
            Event::Sent { message, .. } => drop(carried.insert(*message, clock.clone())),
            Event::Received { message, .. } => {
                let known: &BTreeMap<char, u64> = &carried[message];
                for (other, count) in known {
                    let mine = clock.entry(*other).or_default();
                    *mine = *count.max(mine);
                }
            }
            _ => {}
        }
    }
    cut
}

/// What a cut counts of each channel, taking the recorded channels at their word.
fn counts(word: &Word) -> BTreeMap<(char, char), Counts> {
    let counted = pairs().filter(|(from, to)| from != to).map(|(from, to)| {
        let [sender, receiver] = [from, to].map(|node| position(word, node).unwrap());
        let sent =
            word[..sender].iter().filter(|e| matches!(e, Event::Sent { by, to: t, .. } if *by == from && *t == to));
        let received = word[..receiver].iter().filter(|event| match event {
            Event::Received { at, message } => *at == to && sending(word, *message).unwrap().1 == from,
            _ => false,
        });
        let in_channel = channels_told(word, from, to).first().map_or(0, BTreeSet::len) as u64;
        ((from, to), Counts { sent: sent.count() as u64, received: received.count() as u64, in_channel })
    });
    counted.collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn chandy_lamport_passes_and_one_change_is_judged_as_defined(
        choices in prop::collection::vec((0u8..5, 0usize..3, 0usize..3), 0..40),
        who in 0usize..3,
        by in 1usize..12,
        drops in any::<bool>(),
    ) {
        let word = chandy_lamport(&choices);
        prop_assert_eq!(ruling(&Snapshots::default(), &word), Ok(()), "{:?}", word);
        prop_assert_eq!(by_clocks(&clocks(&word)), Ok(()));
        prop_assert_eq!(by_counts(&counts(&word)), Ok(()));

        // A marker comes late, or a message is left out of a channel.
        let mut mutated = word;
        if drops {
            let full = mutated.iter_mut().find_map(|event| match event {
                Event::Channel { messages, .. } if !messages.is_empty() => Some(messages),
                _ => None,
            });
            if let Some(messages) = full {
                messages.pop();
            }
        } else {
            let from = position(&mutated, GROUP[who]).unwrap();
            let event = mutated.remove(from);
            mutated.insert((from + by).min(mutated.len() - 1), event);
        }
        prop_assert_eq!(ruling(&Snapshots::default(), &mutated).is_ok(), by_definition(&mutated), "{:?}", mutated);
        prop_assert_eq!(by_clocks(&clocks(&mutated)).is_ok(), consistent(&mutated), "{:?}", mutated);
        if by_counts(&counts(&mutated)).is_err() {
            prop_assert!(ruling(&Snapshots::default(), &mutated).is_err());
        }
    }
}
