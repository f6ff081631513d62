//! The properties of two-phase commit (C24).

use seedbed_models::transactions::two_phase_commit::{Settings, TwoPhaseCommit};
use seedbed_sim::{Boundary, FaultClass, Span, Suite, Swarm, maker};

use super::{NonBlocking, liveness, safety};

/// Longer than any participant is in doubt while coordinators stay up and messages are not very late.
const LONG: Span = Span::ms(400);

/// Participants that inquire rarely, for a short story.
fn asking_seldom() -> TwoPhaseCommit {
    let usual = TwoPhaseCommit::default();
    TwoPhaseCommit { settings: Settings { decision_timeout: Span::ms(150), ..usual.settings }, ..usual }
}

/// Two-phase commit with its properties.
pub fn suite() -> Suite<TwoPhaseCommit> {
    let mut suite = Suite::new(TwoPhaseCommit::default());
    suite.properties.extend(safety());
    suite.properties.extend(liveness());
    let boundary = Boundary::new(
        "blocked-by-coordinator-crash",
        "a coordinator that crashes after it asked for votes leaves those who voted yes in doubt, with their locks",
        "two_phase_commit/non_blocking",
        asking_seldom(),
        Swarm::only([FaultClass::Crash]).as_configured(),
    );
    suite.boundary_with(boundary, [maker(NonBlocking::within(|_| LONG))])
}
