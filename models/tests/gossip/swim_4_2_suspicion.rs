//! SWIM §4.2: suspicion, incarnations, and which claim overrides which.

use seedbed_models::communication::gossip::messages::{LOG, Message, Op, Record, Ret, Seq, Timer};
use seedbed_models::communication::gossip::swim::claim::State::{Alive, Dead, Suspect};
use seedbed_models::communication::gossip::swim::claim::{Claim, State};
use seedbed_models::communication::gossip::{Detector, Gossip, marks};
use seedbed_sim::{Bench, OpId, Span};

use crate::say::{ANN, BOB, CAT, DAN, ME, claim, claims_to, hears, held, member, next_ping, spawned};

// The table of §4.2; that `Dead` overrides claims of its own and earlier incarnations only is Serf's.
#[test]
fn newer_claims_override_older_ones_and_no_others() {
    let all = || [1, 2].into_iter().flat_map(|incarnation| [Alive, Suspect, Dead].map(|state| (state, incarnation)));
    let overrides = |new: (State, u64), old: (State, u64)| match (new, old) {
        ((Alive, i), (_, j)) => i > j,
        ((Suspect, i), (Alive, j)) => i >= j,
        ((Suspect, i), (Suspect | Dead, j)) => i > j,
        ((Dead, i), (Alive | Suspect, j)) => i >= j,
        ((Dead, i), (Dead, j)) => i > j,
    };
    for old in all() {
        for new in all().filter(|new| *new != old) {
            let mut member = member(Detector::Suspicion);
            let [old_claim, new_claim] = [old, new].map(|(state, incarnation)| claim(ANN, state, incarnation, BOB));
            hears(&mut member, &[old_claim]);
            let handled = hears(&mut member, &[new_claim]);
            let must = if overrides(new, old) { new_claim } else { old_claim };
            assert_eq!(held(&member, ANN), must, "{new:?} after {old:?}");
            assert_eq!(handled.marked(marks::OLD_CLAIM), !overrides(new, old));
        }
    }
}

#[test]
fn who_does_not_answer_is_suspected_and_then_dead() {
    let mut member = member(Detector::Suspicion);
    let (target, _) = next_ping(&mut member);
    let over = member.timer(Timer::Period);
    assert!(over.marked(marks::SUSPECTED));
    assert_eq!(held(&member, target), claim(target, Suspect, 0, ME));
    let four_periods = Span::ms(400);
    assert!(over.armed().contains(&(Timer::Suspicion(target), four_periods)), "{:?}", over.armed());
    member.timer(Timer::Suspicion(target));
    assert_eq!(held(&member, target), claim(target, Dead, 0, ME));
}

#[test]
fn a_refutation_ends_the_suspicion() {
    let mut member = member(Detector::Suspicion);
    hears(&mut member, &[claim(ANN, Suspect, 1, BOB)]);
    let refuted = hears(&mut member, &[Claim::alive(ANN, 2)]);
    assert_eq!(refuted.cancelled(), [Timer::Suspicion(ANN)]);
    assert!(refuted.marked(marks::SUSPICION_ENDED));
    let again = hears(&mut member, &[claim(ANN, Dead, 2, BOB)]);
    assert!(again.cancelled().is_empty() && again.marked(marks::DECLARED_DEAD));
    assert!(hears(&mut member, &[Claim::alive(ANN, 3)]).marked(marks::CAME_BACK));
}

#[test]
fn a_member_refutes_with_a_greater_incarnation_that_is_durable_first() {
    let mut slow = Bench::new(spawned(&Gossip::detecting(Detector::Suspicion))).on(ME);
    slow.start();
    slow.synced();
    let refutes = hears(&mut slow, &[claim(ME, Suspect, 1, BOB)]);
    assert_eq!(refutes.appended(), [Record::Incarnation(2)]);
    assert!(refutes.messages_released().is_empty(), "nobody hears of it yet");
    assert!(claims_to(&refutes, DAN).contains(&Claim::alive(ME, 2)));
    slow.synced();
    assert_eq!(slow.read(LOG).last(), Some(&Record::Incarnation(2)));
    let dead = hears(&mut slow, &[claim(ME, Dead, 7, BOB)]);
    assert_eq!(dead.appended(), [Record::Incarnation(8)]);
}

#[test]
fn an_old_claim_of_the_member_itself_is_answered_and_raises_nothing() {
    let mut member = member(Detector::Suspicion);
    hears(&mut member, &[claim(ME, Suspect, 1, BOB)]);
    (0..20).for_each(|_| _ = hears(&mut member, &[]));
    let old = hears(&mut member, &[claim(ME, Suspect, 1, CAT)]);
    assert!(old.appended().is_empty() && !old.marked(marks::REFUTED));
    assert!(claims_to(&old, DAN).contains(&Claim::alive(ME, 2)));
}

#[test]
fn a_new_life_has_a_greater_incarnation_than_all_before() {
    let model = Gossip::detecting(Detector::Suspicion);
    let mut member = member(Detector::Suspicion);
    hears(&mut member, &[claim(ME, Dead, 4, BOB)]);
    let restarted = member.restart(spawned(&model));
    assert_eq!(restarted.appended(), [Record::Incarnation(6)]);
    assert_eq!(member.process().membership().map(|membership| membership.incarnation()), Some(6));
}

#[test]
fn who_leaves_says_so_and_is_silent_for_ever() {
    let model = Gossip::detecting(Detector::Suspicion);
    let mut member = member(Detector::Suspicion);
    let leaves = member.invoke(OpId(1), Op::Leave);
    assert_eq!(leaves.completed(), [(OpId(1), Ret::Gone)]);
    assert_eq!(leaves.sent().len(), 3);
    for (_, message) in leaves.sent() {
        assert_eq!(message, Message::Sync(vec![claim(ME, Dead, 1, ME)], false));
    }
    for _ in 0..2 {
        assert!(member.message(ANN, Message::Ping(Seq(1), vec![])).sent().is_empty());
        assert_eq!(member.invoke(OpId(2), Op::Spread(1)).failed(), [OpId(2)]);
        assert!(member.restart(spawned(&model)).armed().is_empty());
    }
}
