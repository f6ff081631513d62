//! The properties of three-phase commit (C25).

use seedbed_models::transactions::three_phase_commit::ThreePhaseCommit;
use seedbed_sim::{Boundary, FaultClass, Span, Suite, Swarm, maker};

use super::{NonBlocking, liveness, safety};

/// Three-phase commit with its properties.
pub fn suite() -> Suite<ThreePhaseCommit> {
    let mut suite = Suite::new(ThreePhaseCommit::default());
    suite.properties.extend(safety());
    suite.properties.push(maker(NonBlocking::within(in_doubt_at_most)));
    suite.properties.extend(liveness());
    suite
        .boundary(Boundary::new(
            "split-by-partition",
            "a partition after the pre-commit: the side that knows of it commits, the other aborts",
            "three_phase_commit/stores_agree",
            ThreePhaseCommit::default(),
            Swarm::only([FaultClass::Partition]).as_configured(),
        ))
        .boundary(Boundary::new(
            "late-message",
            "one message takes longer than the bound, so one who is up is taken for fallen",
            "three_phase_commit/ac1_agreement",
            ThreePhaseCommit::default(),
            Swarm::only([FaultClass::Reorder]).as_configured(),
        ))
}

fn in_doubt_at_most(model: &ThreePhaseCommit) -> Span {
    model.settings.in_doubt_at_most(usize::from(model.cluster.participants))
}
