//! What must be true of the coherence protocols of `seedbed-models`.
//!
//! Where there is a bus, *instant* means a place in the order in which the bus shows requests (Primer §7.1: snooping
//! protocols rely on all seeing one order, not on seeing it at one time); elsewhere it is an instant of the world's time.

use seedbed_models::caching::coherence::node::Channels;
use seedbed_models::caching::coherence::protocol::{combinations, tables};
use seedbed_models::caching::coherence::{Coherence, Interconnect, Protocol};
use seedbed_sim::{Boundary, FaultClass, Suite, Swarm};

use super::accesses::Accesses;
use super::agreement::{directory_agrees, inclusion};
use super::deadlock::NoDeadlock;
use super::liveness::requests_complete;
use super::outcomes::{litmus_outcomes, observation};
use super::permissions::OneWriter;

/// Coherence with everything that must be true of it.
pub fn suite() -> Suite<Coherence> {
    let suite = Suite::new(Coherence::default())
        .observation(observation)
        .property(Accesses::data_value())
        .property(Accesses::program_order())
        .property(OneWriter::default())
        .property(inclusion())
        .property(directory_agrees())
        .property(NoDeadlock)
        .property(litmus_outcomes())
        .property(requests_complete())
        .boundary(Boundary {
            bug: None,
            name: "unordered-forwards",
            what: "a directory whose forwards overtake each other: an owner that wants to write gives its old data to a later reader",
            // MOESI's home goes on while an owner is read from. MSI's and MESI's stall, so their tables meet what they call
            // impossible, or a deadlock, before anybody reads or writes what he must not: shown for all states of a small
            // world in `tests/caching/coherence_exhaustive.rs`.
            breaks: "coherence/data_value",
            model: Coherence { disordered: true, ..Coherence::default().with(Protocol::Moesi) },
            swarm: Swarm::only([FaultClass::Reorder]).as_configured(),
        })
        .boundary(Boundary {
            bug: None,
            name: "unordered-bus",
            what: "a bus that shows requests to each cache in another order: two think that they were first",
            breaks: "coherence/single_writer",
            model: Coherence { disordered: true, ..Coherence::default().on(Protocol::Msi, Interconnect::Bus) },
            swarm: Swarm::only([FaultClass::Reorder]).as_configured(),
        })
        .boundary(Boundary {
            bug: None,
            name: "one-channel-too-few",
            what: "forwards and responses share a channel: a forward waits for a response that waits behind it",
            breaks: "coherence/no_deadlock",
            model: Coherence { channels: Some(Channels { count: 2, slots: 1 }), ..Coherence::default() },
            swarm: Swarm::tolerated().as_configured(),
        });
    entries().fold(suite, Suite::sometimes)
}

/// The marks of all entries of all transition tables: each must be reached.
pub fn entries() -> impl Iterator<Item = &'static str> {
    combinations().flat_map(|(protocol, on)| {
        let tables = tables(protocol, on, None);
        tables.cache.marks().chain(tables.home.iter().flat_map(|home| home.marks()))
    })
}
