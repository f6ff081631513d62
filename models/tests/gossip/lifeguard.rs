//! Lifeguard: local health, suspicions that others share, and the buddy system.

use seedbed_models::communication::gossip::messages::{Message, Seq, Timer};
use seedbed_models::communication::gossip::swim::claim::State::{Dead, Suspect};
use seedbed_models::communication::gossip::swim::health::{Health, WORST};
use seedbed_models::communication::gossip::{Detector, Gossip, marks};
use seedbed_sim::{Bench, Span};

use crate::say::{ANN, BOB, CAT, DAN, claim, claims_to, hears, member, next_ping, ping, started};

fn period(handled: &seedbed_sim::bench::Handled<seedbed_models::communication::gossip::Member>) -> Span {
    let armed = handled.armed();
    armed.iter().find(|(timer, _)| *timer == Timer::Period).expect("the next period").1
}

#[test]
fn health_is_between_one_and_nine_times() {
    let mut health = Health::default();
    assert_eq!(health.factor(), 1);
    health.improve();
    assert_eq!(health.factor(), 1);
    health.worsen(2);
    assert_eq!(health.factor(), 3);
    health.improve();
    assert_eq!(health.factor(), 2);
    health.worsen(100);
    assert_eq!(health.factor(), WORST + 1);
}

// §IV-A: a failed probe, and helpers that say nothing at all.
#[test]
fn a_member_that_hears_nothing_is_slower() {
    let mut member = member(Detector::Lifeguard);
    next_ping(&mut member);
    let failed = member.timer(Timer::Period);
    assert!(failed.marked(marks::HEALTH_WORSE));
    assert_eq!(period(&failed), Span::ms(200));
    member.timer(Timer::Indirect);
    assert_eq!(period(&member.timer(Timer::Period)), Span::ms(400), "the helpers were silent too");
}

#[test]
fn helpers_that_had_no_answer_say_so_and_the_member_doubts_itself_less() {
    let mut member = member(Detector::Lifeguard);
    let (_, seq) = next_ping(&mut member);
    for (helper, _) in member.timer(Timer::Indirect).sent() {
        assert!(member.message(helper, Message::Nack(seq)).marked(marks::NACK));
    }
    assert_eq!(period(&member.timer(Timer::Period)), Span::ms(200));
    assert!(!member.message(ANN, Message::Nack(seq)).marked(marks::NACK), "that period is over");
}

#[test]
fn a_helper_without_an_answer_says_so_with_lifeguard_only() {
    for (detector, says) in [(Detector::Lifeguard, vec![(ANN, Message::Nack(Seq(7)))]), (Detector::Suspicion, vec![])] {
        let mut member = member(detector);
        let (_, own) = ping(&member.message(ANN, Message::PingReq(Seq(7), BOB, vec![]))).expect("it pings");
        assert_eq!(member.timer(Timer::Relay(own)).sent(), says, "{detector:?}");
        assert!(member.message(BOB, Message::Ack(own, vec![])).sent().is_empty(), "too late");
    }
}

#[test]
fn answers_make_it_well_again_and_refuting_makes_it_worse() {
    let mut member = member(Detector::Lifeguard);
    hears(&mut member, &[claim(crate::say::ME, Suspect, 1, BOB)]);
    let first = member.timer(Timer::Period);
    assert_eq!(period(&first), Span::ms(200));
    let (target, seq) = ping(&first).expect("somebody is pinged");
    member.message(target, Message::Ack(seq, vec![]));
    assert_eq!(period(&member.timer(Timer::Period)), Span::ms(100));
}

fn suspicion_of_ann(member: &Bench<seedbed_models::communication::gossip::Member>) -> Span {
    member.due(&Timer::Suspicion(ANN)).expect("it is suspected").since(member.now())
}

// §IV-B: six times as long at first; the second and third accuser shorten it, by log(c + 1) / log(K + 1) of the way.
#[test]
fn a_suspicion_is_shorter_for_each_that_shares_it() {
    let mut member = member(Detector::Lifeguard);
    hears(&mut member, &[claim(ANN, Suspect, 1, BOB)]);
    assert_eq!(suspicion_of_ann(&member), Span::ms(2_400));
    hears(&mut member, &[claim(ANN, Suspect, 1, BOB)]);
    assert_eq!(suspicion_of_ann(&member), Span::ms(2_400), "the same accuser");
    let shared = hears(&mut member, &[claim(ANN, Suspect, 1, CAT)]);
    assert!(shared.marked(marks::SUSPICION_SHORTENED));
    assert_eq!(suspicion_of_ann(&member), Span::ms(1_138));
    assert!(claims_to(&shared, DAN).contains(&claim(ANN, Suspect, 1, CAT)), "others are to know it too");
    member.pass(Span::ms(100));
    hears(&mut member, &[claim(ANN, Suspect, 1, DAN)]);
    assert_eq!(suspicion_of_ann(&member), Span::ms(300));
    hears(&mut member, &[claim(ANN, Suspect, 1, crate::say::ME)]);
    assert_eq!(suspicion_of_ann(&member), Span::ms(300), "K others are enough");
}

#[test]
fn without_lifeguard_and_among_three_a_suspicion_has_its_shortest_time() {
    let mut plain = member(Detector::Suspicion);
    hears(&mut plain, &[claim(ANN, Suspect, 1, BOB)]);
    hears(&mut plain, &[claim(ANN, Suspect, 1, CAT)]);
    assert_eq!(suspicion_of_ann(&plain), Span::ms(400));
    let mut of_three = started(&Gossip { members: 3, ..Gossip::default() });
    of_three.message(BOB, Message::Ping(Seq(1), vec![claim(ANN, Suspect, 1, BOB)]));
    assert_eq!(suspicion_of_ann(&of_three), Span::ms(400), "nobody else could share it");
    let settings = |members| Gossip { members, ..Gossip::default() }.member_settings();
    let shortest = [1, 10, 11, 100, 1_000].map(|members| settings(members).shortest_suspicion());
    assert_eq!(shortest, [400, 400, 800, 800, 1_200].map(Span::ms));
}

// §IV-C: who is suspected hears so from whoever it speaks to, also when that was told often enough to others.
#[test]
fn who_is_suspected_hears_so() {
    for (detector, state, hears_it) in [
        (Detector::Lifeguard, Suspect, true),
        (Detector::Suspicion, Suspect, false),
        (Detector::Suspicion, Dead, true),
        (Detector::Swim, Dead, true),
    ] {
        let mut member = member(detector);
        let accused = claim(ANN, state, 1, BOB);
        hears(&mut member, &[accused]);
        (0..20).for_each(|_| _ = hears(&mut member, &[]));
        let answered = member.message(ANN, Message::Ping(Seq(1), vec![]));
        assert_eq!(claims_to(&answered, ANN).contains(&accused), hears_it, "{detector:?} {state:?}");
    }
}
