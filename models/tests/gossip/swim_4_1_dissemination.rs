//! SWIM §4.1: claims travel on other messages, the least sent first, each so many times.

use seedbed_models::communication::gossip::messages::{Message, Seq, Timer};
use seedbed_models::communication::gossip::swim::claim::{Claim, State};
use seedbed_models::communication::gossip::swim::piggyback::{MOST_CLAIMS, Piggyback};
use seedbed_models::communication::gossip::{Detector, Gossip};
use seedbed_sim::{NodeId, Span};

use crate::say::{ANN, BOB, CAT, DAN, ME, claim, claims_to, hears, member};

#[test]
fn the_least_sent_go_first_and_each_goes_so_often() {
    let mut piggyback = Piggyback::default();
    let claims: Vec<Claim> = (0..8).map(|n| Claim::alive(NodeId(n), 1)).collect();
    claims.iter().for_each(|claim| piggyback.tell(*claim));
    let (first, over) = piggyback.take(2);
    assert_eq!((first.as_slice(), over), (&claims[..MOST_CLAIMS], 0));
    let (second, over) = piggyback.take(2);
    assert_eq!(second, [6, 7, 0, 1, 2, 3].map(|n| claims[n]));
    assert_eq!(over, 4, "four have gone twice");
    let (third, _) = piggyback.take(2);
    assert_eq!(third, [6, 7, 4, 5].map(|n| claims[n]));
    assert_eq!(piggyback.take(2), (vec![], 0));
}

#[test]
fn a_newer_claim_takes_the_place_of_an_older_one_and_is_told_as_often() {
    let mut piggyback = Piggyback::default();
    piggyback.tell(Claim::alive(ANN, 1));
    piggyback.take(2);
    piggyback.tell(Claim::alive(ANN, 2));
    assert_eq!(piggyback.take(2).0, [Claim::alive(ANN, 2)]);
    assert_eq!(piggyback.take(2).0, [Claim::alive(ANN, 2)]);
    assert!(piggyback.take(2).0.is_empty());
}

#[test]
fn what_is_heard_is_told_on_three_times_the_logarithm_of_the_size() {
    let settings = |members| Gossip { members, ..Gossip::default() }.member_settings();
    assert_eq!([1, 3, 7, 1_023].map(|members| settings(members).transmissions()), [3, 6, 9, 30]);
    let mut member = member(Detector::Suspicion);
    let dead = claim(CAT, State::Dead, 1, BOB);
    hears(&mut member, &[dead]);
    let told = |member: &mut seedbed_sim::Bench<_>| {
        let answered = member.message(ANN, Message::Ping(Seq(1), vec![]));
        claims_to(&answered, ANN).contains(&dead)
    };
    let often = (0..20).filter(|_| told(&mut member)).count();
    assert_eq!(often, 8, "and once it was told to the one who said it");
}

#[test]
fn an_exchange_tells_all_and_brings_all() {
    let mut member = member(Detector::Suspicion);
    let (dead, suspect) = (claim(CAT, State::Dead, 1, BOB), claim(ANN, State::Suspect, 1, BOB));
    hears(&mut member, &[dead]);
    let answered = member.message(BOB, Message::Sync(vec![suspect], true));
    let [(BOB, Message::Sync(claims, false))] = &answered.sent()[..] else { panic!("{answered:?}") };
    let unheard = Claim::unheard;
    assert_eq!(*claims, [Claim::alive(ME, 1), suspect, unheard(BOB), dead, unheard(DAN)]);
    assert!(member.message(BOB, Message::Sync(vec![], false)).sent().is_empty());
}

// All are held dead, one of them has left, and the member's health is bad: it still meets the others as often as ever.
#[test]
fn those_held_dead_are_met_in_turn_and_who_has_left_is_not() {
    let mut member = member(Detector::Lifeguard);
    for _ in 0..9 {
        member.timer(Timer::Period);
    }
    hears(&mut member, &[ANN, BOB, CAT].map(|lost| claim(lost, State::Dead, 1, DAN)));
    member.message(DAN, Message::Sync(vec![claim(DAN, State::Dead, 1, DAN)], false));
    let mut met = Vec::new();
    for _ in 0..4 {
        let exchanged = member.timer(Timer::Exchange);
        assert_eq!(exchanged.armed(), [(Timer::Exchange, Span::ms(600))]);
        met.extend(exchanged.sent().into_iter().map(|(to, message)| {
            assert!(matches!(message, Message::Sync(_, true)));
            to
        }));
    }
    assert_eq!(met, [ANN, BOB, CAT, ANN]);
}

#[test]
fn one_that_is_alive_is_met_too() {
    let mut member = member(Detector::Suspicion);
    hears(&mut member, &[claim(CAT, State::Dead, 1, BOB)]);
    let met: Vec<NodeId> = member.timer(Timer::Exchange).sent().into_iter().map(|(to, _)| to).collect();
    assert!(matches!(met[..], [ANN | BOB | DAN, CAT]), "{met:?}");
}
