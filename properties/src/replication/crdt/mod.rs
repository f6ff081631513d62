//! The properties of replicated data types (row C16 of the catalogue): laws of their states ([`laws`]), the values they
//! show ([`values`], by the oracle [`specification`] over the [`execution`]), what they refuse ([`refusals`]), sequences ([`sequence`]), garbage
//! collection ([`stability`]), and eventual delivery ([`reach`]).

pub mod execution;
pub mod laws;
pub mod reach;
pub mod refusals;
pub mod sequence;
pub mod session;
pub mod specification;
pub mod stability;
pub mod values;

use seedbed_models::replication::crdt::broadcast::Order;
use seedbed_models::replication::crdt::{Crdt, Kind, Style};
use seedbed_sim::{AtEnd, Boundary, FaultClass, Span, Suite, Swarm, World};

/// The data types with their properties.
pub fn suite() -> Suite<Crdt> {
    Suite::new(Crdt::default())
        .property(laws::Semilattice::default())
        .property(laws::DeltaIsFull::default())
        .property(stability::TombstonesStay::default())
        .property(values::Converges::default())
        .property(values::Specified::default())
        .property(sequence::StrongList::default())
        .property(refusals::RefusedForAReason::default())
        .property(values::NeverBelowBound::default())
        .property(values::LastWriterWins::default())
        .property(reach::Reaches::default())
        .property(AtEnd::liveness("crdt/nothing_is_kept", stability::nothing_is_kept))
        .boundary(Boundary {
            bug: None,
            name: "without-causal-order",
            what: "operations are applied as they come: a removal overtakes the addition that it is about, and replicas differ for ever",
            breaks: "crdt/strong_convergence",
            model: Crdt { order: Order::Any, ..seldom(Crdt::of(Kind::AwSet, Style::Operation)) },
            swarm: Swarm::only([FaultClass::Reorder]).as_configured(),
        })
        .boundary(Boundary {
            bug: None,
            name: "later-write-lost",
            what: "a clock is off by more than lies between two writes: the earlier one is taken for the last",
            breaks: "crdt/last_writer_wins",
            model: seldom(Crdt::of(Kind::LwwRegister, Style::State)),
            swarm: Swarm::only([FaultClass::Skew]).over_skew(25).as_configured(),
        })
}

/// The data type that runs: the configured one, or the one that a planted bug puts in its place.
fn running(world: &World<Crdt>) -> Kind {
    world.config().kind.as_planted(world.scenario().planted())
}

/// Replicas that synchronise rarely, for short stories.
fn seldom(model: Crdt) -> Crdt {
    Crdt { interval: Span::ms(200), ..model }
}
