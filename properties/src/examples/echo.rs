//! The properties of echo, few of them, because echo is a benchmark.

use seedbed_models::examples::echo::{Echo, Node};
use seedbed_sim::{AtEnd, Invariant, NodeId, Suite, Verdict, World};

/// Echo with its properties.
pub fn suite() -> Suite<Echo> {
    Suite::new(Echo::default())
        .property(Invariant::new("echo/no_more_answers_than_questions", no_more_answers_than_questions))
        .property(AtEnd::liveness("echo/every_client_is_answered", every_client_is_answered))
}

/// A client counts at most one round trip per answer, so never more than it was asked to make.
fn no_more_answers_than_questions(world: &World<Echo>) -> Verdict {
    world.changed().iter().try_for_each(|node| match world.process(*node) {
        Some(Node::Client(client)) if client.done > world.config().round_trips => {
            Err(format!("{node} counts {} round trips of {}", client.done, world.config().round_trips).into())
        }
        _ => Ok(()),
    })
}

/// After the faults have ended, every client gets an answer.
fn every_client_is_answered(world: &World<Echo>) -> Verdict {
    let waiting = |(node, process): (NodeId, &Node)| match process {
        Node::Client(client) if client.done == 0 => Some(node),
        _ => None,
    };
    match world.processes().find_map(waiting) {
        Some(node) => Err(format!("{node} never had an answer").into()),
        None => Ok(()),
    }
}
