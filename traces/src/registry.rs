//! The components that the command line knows: one line each.

use seedbed_properties::commitment::{three_phase_commit, two_phase_commit};
use seedbed_properties::consensus::raft;
use seedbed_properties::examples::{echo, tutorial};

use crate::component::{Component, component};

/// All components, in the order of the catalogue.
pub fn all() -> Vec<Box<dyn Component>> {
    vec![
        component(echo::suite),
        component(tutorial::suite),
        component(raft::suite),
        component(two_phase_commit::suite),
        component(three_phase_commit::suite),
    ]
}

/// The component of this name.
///
/// # Errors
/// If there is none; the error lists those there are.
pub fn find(name: &str) -> anyhow::Result<Box<dyn Component>> {
    let mut all = all();
    match all.iter().position(|component| component.info().name == name) {
        Some(place) => Ok(all.swap_remove(place)),
        None => {
            let known: Vec<_> = all.iter().map(|component| component.info().name).collect();
            anyhow::bail!("there is no model '{name}'; there are: {}", known.join(", "))
        }
    }
}
