//! The properties of sagas: Garcia-Molina & Salem, *Sagas* (SIGMOD 1987). Judged by the logs and stores of the
//! services, and by the answers to clients, not by the states of coordinators.

mod answers;
mod ends;
mod isolation;
mod rules;
mod stores;

use seedbed_models::transactions::saga::Saga;
use seedbed_sim::{AtEnd, Boundary, Maker, Suite, Swarm, maker};

pub use ends::END_WITHIN;
pub use isolation::{Isolation, history};

/// Sagas with their properties.
pub fn suite() -> Suite<Saga> {
    let properties = safety().into_iter().chain(isolation()).collect();
    Suite { properties, ..Suite::new(Saga::default()) }
        .property(AtEnd::liveness("saga/every_saga_ends", ends::every_saga_ends))
        .boundary(unlocked(
            "dirty-read",
            "without semantic locks a saga builds on what another did and then undid",
            "saga/no_dirty_read",
        ))
        .boundary(unlocked(
            "lost-update",
            "without semantic locks two sagas read the same points, and one writes over what the other wrote",
            "saga/no_lost_update",
        ))
}

fn unlocked(name: &'static str, what: &'static str, breaks: &'static str) -> Boundary<Saga> {
    // The violation needs no faults.
    let (model, swarm) = (Saga::default().without_semantic_locks(), Swarm::calm().as_configured());
    Boundary { bug: None, name, what, breaks, model, swarm }
}

/// The properties of sagas with and without semantic locks: S1 to S4, answers, and conservation.
pub fn safety() -> Vec<Maker<Saga>> {
    vec![
        maker(rules::at_most_once()),
        maker(rules::transaction_before_compensation()),
        maker(rules::forward_past_the_pivot()),
        maker(rules::all_or_compensated()),
        maker(answers::EndedWhenTold::default()),
        maker(stores::conservation()),
        maker(AtEnd::new("saga/stores_hold_what_was_answered", stores::hold_what_was_answered)),
    ]
}

/// The isolation that semantic locks provide.
pub fn isolation() -> Vec<Maker<Saga>> {
    vec![maker(Isolation::NoLostUpdate), maker(Isolation::NoDirtyRead), maker(Isolation::Serializable)]
}
