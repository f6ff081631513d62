//! The conditions of atomic commitment against their definitions.

use super::{refusal, ruling, sequences, unpruned};
use proptest::prelude::*;
use seedbed_properties::checkers::atomic_commitment::stores::{self, Effect, StoresAgree};
use seedbed_properties::checkers::atomic_commitment::{AtomicCommitment, Decision, Event, Rule};

type Word = [Event<u8, char>];

const PARTICIPANTS: [char; 2] = ['a', 'b'];

/// The book's sentences, about a whole execution of one transaction.
fn by_definition(rule: Rule, word: &Word) -> bool {
    let decided = |n: usize| match &word[n] {
        Event::Decided { node, decision, .. } => Some((*node, *decision)),
        _ => None,
    };
    let decisions: Vec<_> = (0..word.len()).filter_map(decided).collect();
    let votes = |upto: usize, who: char, wanted: bool| {
        word[..upto].iter().any(|e| matches!(e, Event::Voted { node, yes, .. } if *node == who && *yes == wanted))
    };
    let end = word.len();
    let begun = word.iter().any(|e| matches!(e, Event::Began { .. }));
    match rule {
        Rule::Agreement => decisions.iter().all(|p| decisions.iter().all(|q| p.0 == q.0 || p.1 == q.1)),
        Rule::Final => decisions.iter().all(|p| decisions.iter().all(|q| p.0 != q.0 || p.1 == q.1)),
        Rule::OnlyIfAllYes => (0..end).filter(|n| decided(*n).is_some_and(|(_, d)| d == Decision::Commit)).all(|n| {
            begun
                && PARTICIPANTS.iter().all(|p| votes(n, *p, true))
                && !['a', 'b', 'c'].iter().any(|p| votes(end, *p, false))
        }),
        // As soon as all have voted yes and somebody has aborted, something must have failed.
        Rule::NoNeedlessAbort => (0..=end).all(|n| {
            let aborted = (0..n).any(|m| decided(m).is_some_and(|(_, d)| d == Decision::Abort));
            let all_yes = PARTICIPANTS.iter().all(|p| votes(n, *p, true));
            let some_no = ['a', 'b', 'c'].iter().any(|p| votes(n, *p, false));
            !(begun && aborted && all_yes && !some_no) || word[..n].iter().any(|e| [Event::Failed, late(7)].contains(e))
        }),
        Rule::AllDecide => ['a', 'b', 'c']
            .iter()
            .all(|p| !(votes(end, *p, true) || votes(end, *p, false)) || decisions.iter().any(|(node, _)| node == p)),
    }
}

fn began() -> Event<u8, char> {
    Event::Began { transaction: 7, participants: PARTICIPANTS.to_vec() }
}

fn late(transaction: u8) -> Event<u8, char> {
    Event::Late { transaction }
}

fn voted(node: char, yes: bool) -> Event<u8, char> {
    Event::Voted { transaction: 7, node, yes }
}

fn decided(node: char, decision: Decision) -> Event<u8, char> {
    Event::Decided { transaction: 7, node, decision }
}

fn alphabet() -> Vec<Event<u8, char>> {
    // What is late of another transaction excuses nothing here.
    let mut letters = vec![Event::Failed, late(7), late(8)];
    for node in ['a', 'b', 'c'] {
        letters.extend([Decision::Commit, Decision::Abort].map(|decision| decided(node, decision)));
        if node != 'c' {
            letters.extend([true, false].map(|yes| voted(node, yes)));
        }
    }
    letters
}

/// All executions of two participants and a coordinator with up to five events.
#[test]
fn exhaustive() {
    for rule in Rule::ALL {
        let (mut good, mut bad) = (0, 0);
        sequences(&alphabet(), 5, &unpruned, &mut |word| {
            let word: Vec<_> = std::iter::once(began()).chain(word.iter().cloned()).collect();
            let holds = by_definition(rule, &word);
            let ruled = ruling(&AtomicCommitment::judging(rule), &word);
            assert_eq!(ruled.is_ok(), holds, "{rule:?} of {word:?}: {ruled:?}");
            if let Err(refusal) = ruled {
                assert_eq!(refusal.rule, rule.code());
            }
            if holds { good += 1 } else { bad += 1 }
        });
        assert!(good > 100 && bad > 100, "{rule:?}: {good} good, {bad} bad");
    }
}

/// Who takes part may be told late, or never.
#[test]
fn exhaustive_without_a_beginning() {
    let letters: Vec<_> = alphabet().into_iter().chain([began()]).collect();
    // A commit must not come before it is known who must agree to it, so the definition is asked with the past only.
    sequences(&letters, 4, &unpruned, &mut |word| {
        let told_late = word.iter().position(|e| matches!(e, Event::Decided { decision: Decision::Commit, .. }))
            < word.iter().position(|e| matches!(e, Event::Began { .. }));
        for rule in Rule::ALL {
            if (rule == Rule::OnlyIfAllYes && told_late) || rule == Rule::NoNeedlessAbort {
                continue;
            }
            let ruled = ruling(&AtomicCommitment::judging(rule), word);
            assert_eq!(ruled.is_ok(), by_definition(rule, word), "{rule:?} of {word:?}: {ruled:?}");
        }
    });
}

#[test]
fn refusals_are_told_in_words() {
    let said = |rule, word: &Word| refusal(&AtomicCommitment::judging(rule), word);
    use Decision::{Abort, Commit};
    assert_eq!(
        said(Rule::Agreement, &[decided('a', Commit), decided('b', Abort)]),
        "AC1: 'b' decides to abort 7, 'a' to commit it"
    );
    assert_eq!(
        said(Rule::Final, &[decided('a', Commit), decided('a', Commit), decided('a', Abort)]),
        "AC2: 'a' decided to commit 7, and now to abort it"
    );
    let yes = [began(), voted('a', true), voted('b', true)];
    assert_eq!(
        said(Rule::NoNeedlessAbort, &[&yes[..], &[decided('c', Abort)]].concat()),
        "AC4: 'c' aborts 7, though all of {'a', 'b'} voted yes and nothing failed"
    );
    assert_eq!(
        said(Rule::OnlyIfAllYes, &[&yes[..], &[voted('b', false), decided('c', Commit)]].concat()),
        "AC3: 'c' commits 7, though 'b' voted no"
    );
    assert_eq!(
        said(Rule::AllDecide, &[&yes[..], &[decided('a', Commit)]].concat()),
        "AC5: ['b'] voted on 7 and never learnt what was decided"
    );
}

/// An execution of two-phase commit: some vote no, some decisions are repeated after a restart, some are never learnt.
fn executions() -> impl Strategy<Value = Vec<Event<u8, char>>> {
    let order = Just(vec!['a', 'b']).prop_shuffle();
    (order, any_bools(), any_bools(), prop::collection::vec(0usize..3, 0..5)).prop_map(|(order, no, deaf, again)| {
        let mut word = vec![began()];
        word.extend((0..2).map(|n| voted(order[n], !(no[0] && no[n + 1]))));
        let decision = if no[0] && (no[1] || no[2]) { Decision::Abort } else { Decision::Commit };
        word.extend((0..2).filter(|n| !deaf[*n]).map(|n| decided(order[n], decision)));
        word.push(decided('c', decision));
        word.extend(again.into_iter().filter(|n| *n == 2 || !deaf[*n]).map(|n| decided(['a', 'b', 'c'][n], decision)));
        // Where somebody stays deaf, something failed.
        if deaf.contains(&true) {
            word.insert(1, Event::Failed);
        }
        word
    })
}

fn any_bools() -> impl Strategy<Value = [bool; 3]> {
    prop::array::uniform3(prop::bool::weighted(0.3))
}

fn renamed(word: &Word) -> Vec<Event<u64, char>> {
    let name = |c: &char| char::from(b'z' - (*c as u8 - b'a'));
    let renamed = word.iter().map(|event| match event {
        Event::Began { participants, .. } => {
            Event::Began { transaction: 900, participants: participants.iter().map(name).collect() }
        }
        Event::Voted { node, yes, .. } => Event::Voted { transaction: 900, node: name(node), yes: *yes },
        Event::Decided { node, decision, .. } => {
            Event::Decided { transaction: 900, node: name(node), decision: *decision }
        }
        Event::Late { transaction: 7 } => Event::Late { transaction: 900 },
        Event::Late { .. } => Event::Late { transaction: 901 },
        Event::Failed => Event::Failed,
    });
    renamed.collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn two_phase_commit_passes_and_one_change_is_judged_as_defined(
        word in executions(),
        at in any::<prop::sample::Index>(),
    ) {
        for rule in Rule::ALL {
            let passes = ruling(&AtomicCommitment::judging(rule), &word);
            let all_told = !word.contains(&Event::Failed);
            prop_assert!(passes.is_ok() || (rule == Rule::AllDecide && !all_told), "{:?}", passes);
        }
        let mut word = word;
        match at.get_mut(&mut word) {
            Event::Voted { yes, .. } => *yes = !*yes,
            Event::Decided { decision, .. } => {
                *decision = if *decision == Decision::Commit { Decision::Abort } else { Decision::Commit };
            }
            _ => {}
        }
        for rule in Rule::ALL {
            let ruled = ruling(&AtomicCommitment::judging(rule), &word).is_ok();
            prop_assert_eq!(ruled, by_definition(rule, &word), "{:?} of {:?}", rule, word);
            prop_assert_eq!(ruled, ruling(&AtomicCommitment::judging(rule), &renamed(&word)).is_ok());
        }
    }
}

fn stores_by_definition(word: &[stores::Event<u8, char>]) -> bool {
    let prefixes = (0..=word.len()).map(|n| &word[..n]);
    let mut told = word.iter().filter_map(|event| match event {
        stores::Event::Answered { decision, .. } => Some(*decision),
        stores::Event::Holds { .. } => None,
    });
    let answer = told.next();
    let of = |prefix: &[stores::Event<u8, char>], who: char| {
        prefix.iter().rev().find_map(|event| match event {
            stores::Event::Holds { node, effect, .. } if *node == who => Some(*effect),
            _ => None,
        })
    };
    let answered = |prefix: &[stores::Event<u8, char>]| {
        prefix.iter().any(|event| matches!(event, stores::Event::Answered { .. })).then_some(answer).flatten()
    };
    told.all(|other| Some(other) == answer)
        && prefixes.clone().all(|prefix| {
            let now = ['a', 'b'].map(|who| of(prefix, who));
            let (present, absent) = (now.contains(&Some(Effect::Present)), now.contains(&Some(Effect::Absent)));
            let told = answered(prefix);
            (!present || !absent && told != Some(Decision::Abort)) && (!absent || told != Some(Decision::Commit))
        })
        && ['a', 'b'].iter().all(|who| {
            let mut settled: Vec<Effect> = prefixes.clone().filter_map(|prefix| of(prefix, *who)).collect();
            settled.dedup();
            settled.iter().rev().skip(1).all(|effect| *effect == Effect::Open) && settled.last() != Some(&Effect::Open)
        })
}

/// All that two stores and a client can tell in up to five events.
#[test]
fn stores_exhaustive() {
    let mut letters = Vec::new();
    for node in ['a', 'b'] {
        let holds = |effect| stores::Event::Holds { node, transaction: 1u8, effect };
        letters.extend([Effect::Present, Effect::Absent, Effect::Open].map(holds));
    }
    let answered = |decision| stores::Event::Answered { transaction: 1, decision };
    letters.extend([Decision::Commit, Decision::Abort].map(answered));
    let (mut good, mut bad) = (0, 0);
    sequences(&letters, 5, &unpruned, &mut |word| {
        let holds = stores_by_definition(word);
        let ruled = ruling(&StoresAgree::default(), word);
        assert_eq!(ruled.is_ok(), holds, "{word:?}: {ruled:?}");
        if holds { good += 1 } else { bad += 1 }
    });
    assert!(good > 100 && bad > 100, "{good} good, {bad} bad");
}
