//! The components of the library, one per line. [`recorded`] adds a short function that converts the operations of a
//! model to those of an object, so that `seedbed check` can judge its traces.
//!
//! They are listed here, and not in the tool, so that the code that is generic over a model is compiled with it, and
//! not again after a change of the tool.

use std::fmt;

use seedbed_sim::choice::Source;
use seedbed_sim::system::AnyCase;
use seedbed_sim::{Model, Record, Suite, System};

use crate::caching::{coherence, lock};
use crate::communication::{gossip, log_broker, message_queue, ordering, request_response, stream};
use crate::examples::{additions, echo, tutorial};
use crate::formats::world::{self, View};
use crate::formats::{Model as Object, Operations};
use crate::replication::{crdt, raft};
use crate::transactions::{mvcc, outbox, saga, tcc, three_phase_commit, two_phase_commit};

/// All components, in the order of the catalogue.
pub fn all() -> Vec<Registered> {
    vec![
        component(echo::suite),
        recorded(tutorial::suite, Object::Counter, additions::recorded),
        component(request_response::suite),
        component(message_queue::suite),
        component(log_broker::suite),
        component(stream::suite),
        component(ordering::suite),
        component(gossip::suite),
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

/// A component with its types erased.
pub struct Registered {
    /// The model with its properties.
    pub system: System,
    /// Runs a case and converts its history to operations on an object, if the model supports that.
    ///
    /// # Panics
    /// If no world can run the case.
    pub operations: Option<AsOperations>,
}

/// Converts the history of a run to operations on an object.
pub type AsOperations = Box<dyn Fn(&AnyCase, &Source) -> Operations + Send + Sync>;

impl fmt::Debug for Registered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Registered").field(&self.system.info().name).finish()
    }
}

/// The component of a suite.
pub fn component<M: Model>(suite: fn() -> Suite<M>) -> Registered {
    Registered { system: System::new(suite()), operations: None }
}

/// The same for a model whose operations can be converted to those of an object: `seedbed check` judges its traces too.
pub fn recorded<M: Model>(suite: fn() -> Suite<M>, object: Object, view: View<M>) -> Registered {
    let operations = move |case: &AnyCase, source: &Source| {
        let outcome = seedbed_sim::run(&case.of_model::<M>(), source, &suite().properties, Record::No);
        world::operations(object, &outcome.expect("the case was validated").history, view)
    };
    Registered { operations: Some(Box::new(operations)), ..component(suite) }
}
