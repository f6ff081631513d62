//! S2, that deadlines travel, and that front servers work for nobody who does not wait.

use std::collections::{BTreeMap, BTreeSet};

use seedbed_models::communication::request_response::front::Front;
use seedbed_models::communication::request_response::messages::{Message, Outcome, RpcId};
use seedbed_models::communication::request_response::{Node, RequestResponse};
use seedbed_sim::{Broken, NodeId, Property, Span, Verdict, World};

use crate::checkers::judge::NewEntries;
use crate::communication::request_response::client;

/// S2: no reply is surfaced at its deadline or after, by the client's clock, even if the client stood still meanwhile.
#[derive(Clone, Default)]
pub struct NothingAfterTheDeadline(NewEntries);

impl Property<RequestResponse> for NothingAfterTheDeadline {
    fn name(&self) -> String {
        "request_response/nothing_after_the_deadline".into()
    }

    fn after_event(&mut self, world: &World<RequestResponse>) -> Verdict {
        for &node in world.changed() {
            let Some(client) = client(world, node) else { continue };
            for surfaced in self.0.of(world, node, client.surfaced())? {
                if matches!(surfaced.outcome, Outcome::Done(_)) && surfaced.at >= surfaced.deadline {
                    let words = format!(
                        "{node} surfaces the reply to {:?} at {}, and its deadline was {}",
                        surfaced.call, surfaced.at, surfaced.deadline
                    );
                    return Err(Broken::new([node], words));
                }
            }
        }
        Ok(())
    }
}

/// A front server works for a call no longer than its client waits: it has a deadline for each call that came with one, and gives
/// the back servers no more time than it was given.
#[derive(Clone, Default)]
pub struct DeadlinesTravel {
    /// The most time that each front server was given for a call: what it has sent earlier may still be on its way when the
    /// client, which has less time by then, asks again.
    given: BTreeMap<(NodeId, RpcId), Span>,
}

impl DeadlinesTravel {
    fn look(&mut self, world: &World<RequestResponse>, node: NodeId, front: &Front) -> Verdict {
        for (id, call) in front.calls() {
            let Some(given) = call.header().remaining else { continue };
            if call.deadline().is_none() {
                return Err(Broken::new(
                    [node],
                    format!("{node} has {id:?} without a deadline, and was given {given}"),
                ));
            }
            let most = self.given.entry((node, *id)).or_default();
            *most = given.max(*most);
        }
        for (from, to, message) in world.in_flight() {
            let Message::Execute(header, ..) = message else { continue };
            let Some(given) = self.given.get(&(from, header.id)).filter(|_| from == node) else { continue };
            if header.remaining.is_none_or(|passed| passed > *given) {
                let words =
                    format!("{node} was given {given} for {:?}, and gives {to} {:?}", header.id, header.remaining);
                return Err(Broken::new([node, to], words));
            }
        }
        Ok(())
    }
}

impl Property<RequestResponse> for DeadlinesTravel {
    fn name(&self) -> String {
        "request_response/deadlines_travel".into()
    }

    fn after_event(&mut self, world: &World<RequestResponse>) -> Verdict {
        for &node in world.changed() {
            let front = world.process(node).and_then(Node::front).filter(|front| !front.calls().is_empty());
            front.map_or(Ok(()), |front| self.look(world, node, front))?;
        }
        Ok(())
    }
}

/// Front servers let go of what nobody waits for: at the end each call that one of them has is open at its client. What is not to
/// be executed any more is refused, and a front server that was not told of a cancellation hears it so.
#[derive(Clone, Debug, Default)]
pub struct FrontsLetGo;

impl Property<RequestResponse> for FrontsLetGo {
    fn name(&self) -> String {
        "request_response/fronts_let_go".into()
    }

    fn is_liveness(&self) -> bool {
        true
    }

    fn at_end(&mut self, world: &World<RequestResponse>) -> Verdict {
        let open = world.processes().filter_map(|(_, process)| process.client()).flat_map(|client| client.open());
        let open: BTreeSet<RpcId> = open.collect();
        for (node, process) in world.processes() {
            let mut calls = process.front().into_iter().flat_map(|front| front.calls().keys());
            if let Some(id) = calls.find(|id| !open.contains(id)) {
                return Err(Broken::new([node], format!("{node} still works for {id:?}, and nobody waits for it")));
            }
        }
        Ok(())
    }
}
