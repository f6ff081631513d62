//! Rates and bounds against their definitions: every interval, by brute force.

use super::{refusal, ruling, sequences, unpruned};
use proptest::prelude::*;
use seedbed_properties::checkers::rates::{
    Admitted, Bound, Call, Counted, Deadline, Flight, InFlight, Level, Ratio, TokenBucket, Window,
};
use seedbed_sim::{Span, Time};

type Word = [Admitted<char>];

fn of(word: &Word, who: char) -> Vec<&Admitted<char>> {
    word.iter().filter(|a| a.of == who).collect()
}

fn sum(part: &[&Admitted<char>]) -> u128 {
    part.iter().map(|a| u128::from(a.amount)).sum()
}

fn in_order(word: &Word) -> bool {
    ['a', 'b'].iter().all(|who| of(word, *who).is_sorted_by_key(|a| a.at))
}

/// All intervals from one admission to another: the worst begin and end at one.
fn within_rate(word: &Word, burst: u64, rate: u64, per: Span) -> bool {
    in_order(word)
        && ['a', 'b'].iter().all(|who| {
            let all = of(word, *who);
            (0..all.len()).all(|from| {
                (from..all.len()).all(|to| {
                    let length = u128::from(all[to].at.0 - all[from].at.0);
                    let allowed = u128::from(burst) * u128::from(per.0) + u128::from(rate) * length;
                    sum(&all[from..=to]) * u128::from(per.0) <= allowed
                })
            })
        })
}

/// All windows that begin at an admission.
fn within_window(word: &Word, most: u64, length: Span) -> bool {
    in_order(word)
        && ['a', 'b'].iter().all(|who| {
            let all = of(word, *who);
            all.iter().all(|first| {
                let inside = |a: &&&Admitted<char>| a.at >= first.at && a.at.0 < first.at.0 + length.0;
                let inside: Vec<_> = all.iter().filter(inside).copied().collect();
                sum(&inside) <= u128::from(most)
            })
        })
}

/// All that a limiter can admit in up to five steps at six instants, told in order or not.
#[test]
fn exhaustive() {
    let mut letters = Vec::new();
    for at in 0..6 {
        letters.extend([1, 2].map(|amount| Admitted { of: 'a', at: Time(at), amount }));
    }
    letters.push(Admitted { of: 'b', at: Time(1), amount: 2 });
    let (mut good, mut bad) = ([0; 2], [0; 2]);
    let mut count = |n: usize, holds: bool| if holds { good[n] += 1 } else { bad[n] += 1 };
    sequences(&letters, 5, &unpruned, &mut |word| {
        for (burst, rate, per) in [(2, 1, Span(1)), (3, 2, Span(3)), (4, 1, Span(2))] {
            let holds = within_rate(word, burst, rate, per);
            let ruled = ruling(&TokenBucket::new(burst, rate, per), word);
            assert_eq!(ruled.is_ok(), holds, "{burst} + {rate}/{per:?}: {word:?}: {ruled:?}");
            count(0, holds);
        }
        for (most, length) in [(3, Span(2)), (4, Span(3)), (2, Span(1))] {
            let holds = within_window(word, most, length);
            let ruled = ruling(&Window::new(most, length), word);
            assert_eq!(ruled.is_ok(), holds, "{most} in {length:?}: {word:?}: {ruled:?}");
            count(1, holds);
        }
    });
    assert!(good.iter().chain(&bad).all(|count| *count > 1_000), "{good:?} {bad:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// A token bucket with real times passes its own limit, and with one amount or instant changed is judged as defined.
    #[test]
    fn a_token_bucket(
        wants in prop::collection::vec((0u64..40_000_000, 1u64..4), 1..40),
        burst in 1u64..6,
        rate in 1u64..5,
        at in any::<prop::sample::Index>(),
        more in 0u64..3,
        later in 0u64..30_000_000,
    ) {
        let per = Span::ms(7);
        let full = u128::from(burst) * u128::from(per.0);
        let (mut tokens, mut now, mut word) = (full, 0, Vec::new());
        for (pause, amount) in wants {
            now += pause;
            tokens = full.min(tokens + u128::from(pause) * u128::from(rate));
            let price = u128::from(amount) * u128::from(per.0);
            if price <= tokens {
                tokens -= price;
                word.push(Admitted { of: 'a', at: Time(now), amount });
            }
        }
        prop_assert_eq!(ruling(&TokenBucket::new(burst, rate, per), &word), Ok(()));
        prop_assert!(within_rate(&word, burst, rate, per));
        if !word.is_empty() {
            let changed = at.index(word.len());
            word[changed].amount += more;
            word[changed].at += Span(later);
        }
        prop_assert_eq!(ruling(&TokenBucket::new(burst, rate, per), &word).is_ok(), within_rate(&word, burst, rate, per));
        let window = Span::ms(20);
        prop_assert_eq!(ruling(&Window::new(burst, window), &word).is_ok(), within_window(&word, burst, window));
    }
}

#[test]
fn bounds_exhaustive() {
    let letters: Vec<Flight<char>> =
        ['a', 'b'].into_iter().flat_map(|of| [Flight::Begins(of), Flight::Ends(of)]).collect();
    sequences(&letters, 7, &unpruned, &mut |word| {
        let now = |upto: usize, who: char| {
            let count = |flight: Flight<char>| word[..upto].iter().filter(|f| **f == flight).count() as i64;
            count(Flight::Begins(who)) - count(Flight::Ends(who))
        };
        let holds = (0..=word.len()).all(|n| ['a', 'b'].iter().all(|who| (0..=2).contains(&now(n, *who))));
        assert_eq!(ruling(&InFlight::at_most(2), word).is_ok(), holds, "{word:?}");
    });
    let letters = [Counted::Base('a'), Counted::Extra('a'), Counted::Extra('b')];
    sequences(&letters, 8, &unpruned, &mut |word| {
        // At most three for two, and one more.
        let holds = (0..=word.len()).all(|n| {
            ['a', 'b'].iter().all(|who| {
                let count = |counted: Counted<char>| word[..n].iter().filter(|c| **c == counted).count();
                2 * count(Counted::Extra(*who)) <= 3 * count(Counted::Base(*who)) + 2
            })
        });
        assert_eq!(ruling(&Ratio::new(3, 2, 1), word).is_ok(), holds, "{word:?}");
    });
    let level = |value| [Level { of: 'a', value }];
    for (value, holds) in [(-1, false), (0, true), (5, true), (6, false)] {
        assert_eq!(ruling(&Bound::between(0, 5), &level(value)).is_ok(), holds);
        assert_eq!(ruling(&Bound::at_most(5), &level(value)).is_ok(), value <= 5);
        assert_eq!(ruling(&Bound::at_least(0), &level(value)).is_ok(), value >= 0);
    }
}

/// All sequences of two calls with different deadlines up to the sixth instant.
#[test]
fn deadlines_exhaustive() {
    let mut letters = Vec::new();
    for at in (0..6).map(Time) {
        letters.push(Call::Began { by: 'x', call: 1, at, within: Span(2) });
        letters.push(Call::Began { by: 'y', call: 2, at, within: Span(0) });
        letters.extend([Call::Ended { call: 1, at }, Call::Ended { call: 2, at }, Call::Now { at }]);
    }
    let when = |call: &Call<char, i32>| match call {
        Call::Began { at, .. } | Call::Ended { at, .. } | Call::Now { at } => *at,
    };
    let once_and_in_order = |word: &[Call<char, i32>], next: &Call<char, i32>| {
        let same = |other: &Call<char, i32>| match (other, next) {
            (Call::Began { call: a, .. }, Call::Began { call: b, .. }) => a == b,
            _ => false,
        };
        !word.iter().any(same) && word.last().is_none_or(|last| when(last) <= when(next))
    };
    let (mut good, mut bad) = (0, 0);
    sequences(&letters, 5, &once_and_in_order, &mut |word| {
        let end = word.last().map_or(Time::ZERO, when);
        let holds = word.iter().enumerate().all(|(n, began)| {
            let Call::Began { call, at, within, .. } = began else { return true };
            let ended = word[n..].iter().find(|c| matches!(c, Call::Ended { call: other, .. } if other == call));
            ended.map_or(end, when) <= *at + *within
        });
        assert_eq!(ruling(&Deadline::default(), word).is_ok(), holds, "{word:?}");
        if holds { good += 1 } else { bad += 1 }
    });
    assert!(good > 1_000 && bad > 1_000, "{good} good, {bad} bad");
}

#[test]
fn refusals_are_told_in_words() {
    let at = |ms| Admitted { of: 'a', at: Time::ms(ms), amount: 1 };
    assert_eq!(
        refusal(&Window::new(2, Span::ms(10)), &[at(0), at(5), at(9)]),
        "window: 'a' admits 3 from 0.000 s to 0.009 s; at most 2 in 0.010 s are allowed"
    );
    assert_eq!(
        refusal(&Window::new(2, Span::ms(10)), &[at(5), at(3)]),
        "order of time: 'a' admits at 0.003 s, after 0.005 s"
    );
    let (begins, ends) = (Flight::Begins('a'), Flight::Ends('a'));
    assert_eq!(
        refusal(&InFlight::at_most(1), &[begins.clone(), begins]),
        "in flight: 'a' has 2 under way; at most 1 are allowed"
    );
    assert_eq!(refusal(&InFlight::at_most(1), &[ends]), "in flight: 'a' ends one more than it has begun");
    assert_eq!(
        refusal(&Ratio::new(1, 10, 0), &[Counted::Base('a'), Counted::Extra('a')]),
        "ratio: 'a' made 1 for 1; at most 1/10 each and 0 more are allowed"
    );
}
