//! The properties of gossip.

mod burials;
mod clocks;
mod holdings;
mod incarnations;
mod rumours;
pub mod spreading;

use seedbed_models::communication::gossip::{Detector, Gossip};
use seedbed_sim::{Answered, Boundary, FaultClass, Span, Suite, Swarm, maker};

use burials::{Completeness, NeverBuriedForGood, NobodyIsBuriedAlive, SuspectedForLongEnough};
use incarnations::{DeadUntilRefuted, IncarnationsOnlyGrow};
use rumours::{DeliveredOnce, RumoursAreTrue, RumoursReachAll};

/// How long after the faults a client may wait.
const END_WITHIN: Span = Span::ms(2_500);

/// Gossip with its properties.
pub fn suite() -> Suite<Gossip> {
    Suite::new(Gossip::default())
        .property(NeverBuriedForGood::default())
        .property(IncarnationsOnlyGrow::default())
        .property(DeadUntilRefuted::default())
        .property(SuspectedForLongEnough::default())
        .property(Completeness::default())
        .property(RumoursAreTrue::default())
        .property(DeliveredOnce::default())
        .property(RumoursReachAll)
        .property(Answered::within("gossip/operations_end", END_WITHIN))
        .boundary_with(
            Boundary::new(
                "without-suspicion",
                "without suspicion a member that stands still for a moment is declared dead",
                "gossip/nobody_is_buried_alive",
                Gossip::detecting(Detector::Swim),
                Swarm::only([FaultClass::Pause]).as_configured(),
            ),
            [maker(NobodyIsBuriedAlive::default())],
        )
}
