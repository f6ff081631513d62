//! The properties of remote procedure calls, judged by the effects on the disks of the back servers, and by what clients
//! surface.

mod deadlines;
mod effects;
mod replies;
mod table;

use seedbed_models::communication::request_response::Node;
use seedbed_models::communication::request_response::RequestResponse;
use seedbed_models::communication::request_response::back::LOG;
use seedbed_models::communication::request_response::client::Client;
use seedbed_models::communication::request_response::messages::{Execution, Record};
use seedbed_sim::{Answered, Boundary, FaultClass, NodeId, Span, Suite, Swarm, World, maker};

use crate::transactions::journals::Journals;

use deadlines::{DeadlinesTravel, FrontsLetGo, NothingAfterTheDeadline};
use effects::{AtMostOnce, TalliesAddUp};
use replies::{AnsweredCallsTookEffect, EndsForAReason, OwnReply};
use table::TableKeepsWhatMayBeRetried;

/// How long after the faults a call may take that has all the time.
const END_WITHIN: Span = Span::ms(2_500);

/// Remote procedure calls with their properties.
pub fn suite() -> Suite<RequestResponse> {
    Suite::new(RequestResponse::default())
        .property(OwnReply::default())
        .property(NothingAfterTheDeadline::default())
        .property(AtMostOnce::default())
        .property(AnsweredCallsTookEffect::default())
        .property(TableKeepsWhatMayBeRetried::default())
        .property(TalliesAddUp::default())
        .property(EndsForAReason::default())
        .property(DeadlinesTravel::default())
        .property(FrontsLetGo)
        .property(Answered::within("request_response/calls_end", END_WITHIN))
        .boundary_with(
            Boundary::new(
                "no-table",
                "without completion records a call that is sent again, for its reply was lost, takes effect twice",
                "request_response/at_most_once_without_a_table",
                RequestResponse { table: false, ..RequestResponse::default() },
                Swarm::only([FaultClass::Loss]).as_configured(),
            ),
            [maker(AtMostOnce::without_a_table())],
        )
}

fn executions(record: &Record) -> &[Execution] {
    match record {
        Record::Executed(execution) => std::slice::from_ref(execution),
        Record::Opened(..) | Record::Expired(_) | Record::Incomplete(..) => &[],
    }
}

/// What the back servers have executed.
fn journals() -> Journals<RequestResponse, Execution> {
    Journals::new(LOG, executions)
}

/// The client on a node, if there is one and it is up.
fn client(world: &World<RequestResponse>, node: NodeId) -> Option<&Client> {
    world.process(node).and_then(Node::client)
}
