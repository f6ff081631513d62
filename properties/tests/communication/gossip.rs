//! Gossip keeps its promises under every fault it tolerates, and each planted bug breaks the promise it should.

use seedbed_models::communication::gossip::messages::Op;
use seedbed_models::communication::gossip::swim::claim::State;
use seedbed_models::communication::gossip::{Detector, Gossip, Spread};
use seedbed_properties::communication::gossip::spreading::Spreading;
use seedbed_properties::communication::gossip::suite;
use seedbed_sim::{Case, Fault, NodeId, Operation, Source, Span, Time, What, World, component_tests};

component_tests! { suite, seeds: 400, calm: 100, bugs: 5_000 }

/// A member stands still for three protocol periods.
#[test]
fn suspicion_leaves_time_to_refute() {
    let n1 = NodeId(1);
    for (detector, is_declared) in [(Detector::Swim, true), (Detector::Suspicion, false), (Detector::Lifeguard, false)]
    {
        let mut case = Case::quiet(Gossip::detecting(detector));
        case.faults = vec![Fault::new(Time::ms(500), Span::ms(300), What::Pause { node: n1.into() })];
        let mut world = World::new(&case, &Source::Fixed(Vec::new())).expect("it is possible");
        let mut declared = false;
        while world.step() {
            let mut views = world.processes().filter_map(|(_, member)| member.membership());
            declared |= views.any(|membership| membership.view().of(n1).state == State::Dead);
        }
        assert_eq!(declared, is_declared, "{detector:?}");
        for (node, member) in world.processes().filter(|(node, _)| *node != n1) {
            let held = member.membership().expect("failures are detected").view().of(n1);
            assert_eq!(held.state, State::Alive, "{detector:?}: {node} holds {held:?}");
            assert!(held.incarnation > 1, "{detector:?}: it has refuted: {held:?}");
        }
    }
}

/// L: where nothing is lost, each member holds dead who has stopped within two turns and a period, and the time of a suspicion,
/// whatever it hears from others (SWIM §4.3, time-bounded strong completeness).
#[test]
fn who_has_stopped_is_held_dead_within_two_turns() {
    let stopped_at = Time::ms(1_000);
    for (members, detector) in
        [2, 3, 8, 20].into_iter().flat_map(|n| [Detector::Swim, Detector::Suspicion].map(|d| (n, d)))
    {
        let model = Gossip { members, ..Gossip::detecting(detector) };
        let settings = model.member_settings();
        let suspicion = if detector.suspects() { settings.shortest_suspicion() } else { Span::ZERO };
        let bound = settings.period * (2 * u64::from(members - 1) + 1) + suspicion;
        for seed in 0..20 {
            let stopped = NodeId(seed as u16 % members);
            let mut case = Case::quiet(model.clone());
            case.operations = vec![Operation { at: stopped_at, client: stopped, op: Op::Stop }];
            let mut world = World::new(&case, &Source::Seed(seed)).expect("it is possible");
            while world.now().since(stopped_at) <= bound && world.step() {}
            for (node, member) in world.processes().filter(|(node, _)| *node != stopped) {
                let held = member.membership().expect("failures are detected").view().of(stopped);
                assert_eq!(
                    held.state,
                    State::Dead,
                    "{detector:?}, {members} members, seed {seed}: {node} holds {held:?}"
                );
            }
        }
    }
}

/// L: a rumour reaches all in a number of rounds that is logarithmic in their number. The logistic curve needs `2 ln n` with push or
/// pull, and half of that with both; to this come some rounds for chance. Larger groups are measured by the benchmark.
#[test]
fn a_rumour_reaches_all_in_logarithmic_rounds() {
    for (members, logarithm) in [(10, 2.3), (100, 4.6), (1_000, 6.9)] {
        for spread in Spread::ALL {
            let rate = if spread == Spread::PushPull { 2.0 } else { 1.0 };
            let curve = 2.0 * logarithm / rate;
            for seed in 0..10 {
                let rounds = Spreading::measure(spread, members, seed).rounds();
                let last = rounds[rounds.len() - 1];
                assert!(
                    last <= curve + 6.0,
                    "{spread:?}, {members} members, seed {seed}: {last} rounds, and not {curve}"
                );
            }
        }
    }
}
