//! Gossip keeps its promises under every fault it tolerates, and each planted bug breaks the promise it should.

use seedbed_models::communication::gossip::swim::claim::State;
use seedbed_models::communication::gossip::{Detector, Gossip};
use seedbed_properties::communication::gossip::suite;
use seedbed_sim::{Case, Fault, NodeId, Source, Span, Time, What, World, component_tests};

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
