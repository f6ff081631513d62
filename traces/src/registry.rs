//! The components that the command line knows: one line each. [`recorded`] says, with a short function, how the operations
//! of a model read as those of an object, and lets `seedbed check` judge its traces.

use seedbed_properties::caching::coherence;
use seedbed_properties::caching::lock;
use seedbed_properties::examples::{echo, tutorial};
use seedbed_properties::formats::Model as Object;
use seedbed_properties::replication::crdt;
use seedbed_properties::replication::raft;
use seedbed_properties::transactions::{mvcc, outbox, saga, tcc, three_phase_commit, two_phase_commit};

use crate::component::{Component, component, recorded};

/// All components, in the order of the catalogue.
pub fn all() -> Vec<Component> {
    vec![
        component(echo::suite),
        recorded(tutorial::suite, Object::Counter, tutorial::recorded),
        recorded(raft::suite, Object::Kv, raft::history::recorded),
        component(crdt::suite),
        component(two_phase_commit::suite),
        component(three_phase_commit::suite),
        component(saga::suite),
        component(tcc::suite),
        component(outbox::suite),
        component(mvcc::suite),
        component(coherence::suite),
        component(lock::suite),
    ]
}

/// The component of this name.
///
/// # Errors
/// If there is none; the error lists those there are.
pub fn find(name: &str) -> anyhow::Result<Component> {
    let mut all = all();
    match all.iter().position(|component| component.info().name == name) {
        Some(place) => Ok(all.swap_remove(place)),
        None => {
            let known: Vec<_> = all.iter().map(|component| component.info().name).collect();
            anyhow::bail!("there is no model '{name}'; there are: {}", known.join(", "))
        }
    }
}
