//! The properties of the coherence protocols of `seedbed-models`.
//!
//! On a bus an *instant* is a position in the order of broadcast requests (Primer §7.1: snooping protocols rely on one
//! order for all, not on one time); elsewhere it is an instant of the world's time.

use seedbed_models::caching::coherence::protocol::{combinations, tables};
use seedbed_models::caching::coherence::settings::Channels;
use seedbed_models::caching::coherence::{Coherence, Interconnect, Protocol};
use seedbed_sim::{Boundary, FaultClass, Mark, Suite, Swarm};

use super::accesses::Accesses;
use super::agreement::{directory_agrees, inclusion};
use super::answers::answered_as_performed;
use super::deadlock::NoDeadlock;
use super::liveness::RequestsComplete;
use super::outcomes::{litmus_outcomes, observation};
use super::permissions::OneWriter;

/// The coherence protocols with their properties.
pub fn suite() -> Suite<Coherence> {
    let suite = Suite::new(Coherence::default())
        .observation(observation)
        .property(Accesses::data_value())
        .property(Accesses::program_order())
        .property(answered_as_performed())
        .property(OneWriter::default())
        .property(inclusion())
        .property(directory_agrees())
        .property(NoDeadlock)
        .property(litmus_outcomes())
        .property(RequestsComplete::default())
        .boundary(Boundary::new(
            "unordered-forwards",
            "a directory whose forwards overtake each other: an owner that wants to write gives its old data to a later reader",
            // MOESI's home continues while an owner is being read from. Those of MSI and MESI stall, so their tables
            // meet an impossible event, or a deadlock, before a core reads or writes wrongly: shown for all states of a
            // small world in `tests/caching/coherence_exhaustive.rs`.
            "coherence/data_value",
            Coherence { disordered: true, ..Coherence::default().with(Protocol::Moesi) },
            Swarm::only([FaultClass::Reorder]).as_configured(),
        ))
        .boundary(Boundary::new(
            "unordered-bus",
            "a bus that shows requests to each cache in another order: two think that they were first",
            "coherence/single_writer",
            Coherence { disordered: true, ..Coherence::default().on(Protocol::Msi, Interconnect::Bus) },
            Swarm::only([FaultClass::Reorder]).as_configured(),
        ))
        .boundary(Boundary::new(
            "one-channel-too-few",
            "forwards and responses share a channel: a forward waits for a response that waits behind it",
            "coherence/no_deadlock",
            Coherence { channels: Some(Channels { count: 2, slots: 1 }), ..Coherence::default() },
            Swarm::tolerated().as_configured(),
        ));
    entries().map(Mark::demanded).fold(suite, Suite::sometimes)
}

/// The marks of all entries of all transition tables, each of which must be reached.
pub fn entries() -> impl Iterator<Item = &'static str> {
    combinations().flat_map(|(protocol, on)| {
        let tables = tables(protocol, on, None);
        tables.cache.marks().chain(tables.home.iter().flat_map(|home| home.marks()))
    })
}
