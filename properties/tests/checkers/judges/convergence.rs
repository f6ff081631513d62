//! Convergence and the measure of staleness against their definitions.

use std::collections::BTreeSet;

use super::{refusal, ruling, sequences, unpruned};
use proptest::prelude::*;
use seedbed_properties::checkers::consistency::eventual::{
    Convergence, Observation, Seen, StrongConvergence, strong_eventual,
};
use seedbed_properties::checkers::consistency::staleness::{Bounded, Event, Stale, Staleness};
use seedbed_properties::checkers::judge::Judge;
use seedbed_sim::{Span, Time};

type Sight = Seen<char, u8, u8>;

/// All that three replicas with two sets of updates and two states can show in up to four sights.
#[test]
fn convergence_exhaustive() {
    let mut letters = Vec::new();
    for replica in ['a', 'b', 'c'] {
        letters.extend([(0, 0), (0, 1), (1, 0), (1, 1)].map(|(delivered, state)| Seen { replica, delivered, state }));
    }
    let (mut good, mut bad) = ([0; 2], [0; 2]);
    let mut count = |n: usize, holds: bool| if holds { good[n] += 1 } else { bad[n] += 1 };
    sequences(&letters, 4, &unpruned, &mut |word: &[Sight]| {
        let strong = word.iter().all(|a| word.iter().all(|b| a.delivered != b.delivered || a.state == b.state));
        assert_eq!(ruling(&StrongConvergence::default(), word).is_ok(), strong, "{word:?}");
        count(0, strong);
        let observations: Vec<_> = word
            .iter()
            .map(|seen| Observation {
                replica: seen.replica as u64,
                updates: BTreeSet::from([seen.delivered]),
                state: seen.state,
            })
            .collect();
        assert_eq!(strong_eventual(&observations).holds(), strong);
        for correct in ["abc", "ab", "c"] {
            let last = |who: char| word.iter().rev().find(|seen| seen.replica == who).map(|seen| seen.state);
            let states: BTreeSet<u8> = correct.chars().filter_map(last).collect();
            let mut judge = Convergence::default();
            word.iter().for_each(|seen| judge.observe(seen.clone()).unwrap());
            assert_eq!(judge.finish(&|who| correct.contains(*who)).is_ok(), states.len() <= 1, "{correct}: {word:?}");
            count(1, states.len() <= 1);
        }
    });
    assert!(good.iter().chain(&bad).all(|count| *count > 1_000), "{good:?} {bad:?}");
}

#[test]
fn refusals_are_told_in_words() {
    let seen = |replica, delivered, state| Seen { replica, delivered, state };
    assert_eq!(
        refusal(&Convergence::default(), &[seen('a', 1u8, 'x'), seen('b', 2, 'y')]),
        "convergence: in the end 'a' holds 'x' and 'b' 'y'; they have applied 1 and 2"
    );
    let read = |value, began| Event::Read { by: 'r', key: 'x', value, began: Time(began) };
    let written = |value, at| Event::Written { key: 'x', value, at: Time(at) };
    let history = [written(1, 10), written(2, 20), written(3, 30), read(Some(1), 35)];
    assert_eq!(
        refusal(&Bounded::by(1, Span(10)), &history),
        "bounded staleness: 'r' reads 1 from 'x' at 0.000000035 s, which is behind by 2 versions and 0.000000015 s; at \
         most 1 versions are allowed; at most 0.000000010 s is allowed"
    );
    let judge = Bounded::by(2, Span(15));
    assert!(ruling(&judge, &history).is_ok());
    assert_eq!(
        refusal(&judge, &[read(Some(1), 5)]),
        "read from nowhere: 'r' reads 1 from 'x', and nobody has written it"
    );
    assert_eq!(
        refusal(&judge, &[written(1, 5), written(1, 6)]),
        "unique writes: 1 is written to 'x' for the second time: let values be unique"
    );
    assert_eq!(
        refusal(&judge, &[written(1, 5), written(2, 4)]),
        "order of writes: 2 is written to 'x' at 0.000000004 s, before what was written last"
    );
}

/// How stale a read was: by counting, and by trying each instant back to the one at which it would have been fresh.
fn stale(writes: &[(u64, u64)], value: Option<u64>, began: u64) -> Stale {
    let place = value.map(|value| writes.iter().position(|(v, _)| *v == value).unwrap());
    let newer = |n: usize| place.is_none_or(|place| n > place);
    let versions = (0..writes.len()).filter(|n| newer(*n) && writes[*n].1 <= began).count() as u64;
    let outdated_at = |t: u64| (0..writes.len()).any(|n| newer(n) && writes[n].1 <= t);
    let fresh = (0..=began).rev().find(|t| !outdated_at(*t));
    // It was fresh until the instant after.
    let time = if outdated_at(began) { began - fresh.map_or(0, |t| t + 1) } else { 0 };
    Stale { versions, time: Span(time) }
}

/// All histories of up to three writes at five instants, and one read.
#[test]
fn staleness_exhaustive() {
    let mut words = 0;
    let letters: Vec<u64> = (0..5).collect();
    sequences(&letters, 3, &|word, next| word.last().is_none_or(|last| last <= next), &mut |times| {
        let writes: Vec<(u64, u64)> = (1..).zip(times.iter().copied()).collect();
        for value in (0..=writes.len() as u64).map(|v| (v > 0).then_some(v)) {
            for began in 0..6 {
                let mut staleness = Staleness::default();
                for (value, at) in &writes {
                    staleness.observe::<char>(Event::Written { key: 'x', value: *value, at: Time(*at) }).unwrap();
                }
                let read = Event::Read { by: 'r', key: 'x', value, began: Time(began) };
                let measured = staleness.observe(read.clone()).unwrap().unwrap();
                assert_eq!(measured, stale(&writes, value, began), "{writes:?} {value:?} at {began}");
                assert_eq!(staleness.worst(), measured);
                for (versions, time) in [(0, 10), (1, 10), (3, 0), (3, 2)] {
                    let mut judge = Bounded::by(versions, Span(time));
                    for (value, at) in &writes {
                        judge.observe(Event::Written { key: 'x', value: *value, at: Time(*at) }).unwrap();
                    }
                    let within = measured.versions <= versions && measured.time <= Span(time);
                    assert_eq!(judge.observe(read.clone()).is_ok(), within);
                }
                words += 1;
            }
        }
    });
    assert!(words > 1_000, "{words}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Percentiles are those of the sorted measurements, to three digits. The shares are binary fractions: 29 % of 100 is a
    /// little more than 29 in floating point.
    #[test]
    fn percentiles(reads in prop::collection::vec((0u64..30, 0u64..1_000_000), 1..60), share in 1u64..=128) {
        let mut staleness = Staleness::default();
        let writes: Vec<(u64, u64)> = (0..30).map(|n| (n + 1, n * 20_000)).collect();
        for (value, at) in &writes {
            staleness.observe::<char>(Event::Written { key: 'x', value: *value, at: Time(*at) }).unwrap();
        }
        let mut measured: Vec<Stale> = Vec::new();
        for (value, began) in reads {
            let read = Event::Read { by: 'r', key: 'x', value: (value > 0).then_some(value), began: Time(began) };
            measured.extend(staleness.observe(read).unwrap());
        }
        prop_assert_eq!(staleness.reads(), measured.len() as u64);
        let rank = (measured.len() as u64 * share).div_ceil(128).max(1) as usize - 1;
        let mut versions: Vec<u64> = measured.iter().map(|stale| stale.versions).collect();
        versions.sort_unstable();
        prop_assert_eq!(staleness.versions_at(share as f64 / 128.0), versions[rank]);
        let mut times: Vec<u64> = measured.iter().map(|stale| stale.time.0).collect();
        times.sort_unstable();
        let (told, exact) = (staleness.time_at(share as f64 / 128.0).0, times[rank]);
        prop_assert!(told >= exact && told - exact <= exact / 1_000 + 1, "{} for {}", told, exact);
    }

    /// Replicas of a set pass whatever the order of delivery; one that loses an element is refused when its twin is seen.
    #[test]
    fn a_grow_only_set(deliveries in prop::collection::vec((0usize..3, 0u8..6), 1..40), at in any::<prop::sample::Index>()) {
        let mut sets = [const { BTreeSet::new() }; 3];
        let mut word = Vec::new();
        for (replica, element) in deliveries {
            sets[replica].insert(element);
            word.push(Seen { replica, delivered: sets[replica].clone(), state: sets[replica].clone() });
        }
        for replica in 0..3 {
            let all: BTreeSet<u8> = sets.iter().flatten().copied().collect();
            word.push(Seen { replica, delivered: all.clone(), state: all });
        }
        prop_assert_eq!(ruling(&StrongConvergence::default(), &word), Ok(()));
        prop_assert_eq!(ruling(&Convergence::default(), &word), Ok(()));
        let changed = at.index(word.len());
        word[changed].state.pop_first();
        let twins = word.iter().filter(|seen| seen.delivered == word[changed].delivered).count() > 1;
        prop_assert_eq!(ruling(&StrongConvergence::default(), &word).is_err(), twins);
        let renamed: Vec<_> = word.iter().map(|seen| Seen {
            replica: 9 - seen.replica,
            delivered: seen.delivered.iter().map(|e| 100 - e).collect::<BTreeSet<u8>>(),
            state: seen.state.clone(),
        }).collect();
        prop_assert_eq!(ruling(&StrongConvergence::default(), &renamed).is_err(), twins);
    }
}
