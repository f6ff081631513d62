//! S5: the table of completion records, and its garbage.

use std::collections::BTreeSet;

use seedbed_models::communication::request_response::leases::LOG as LEASES_LOG;
use seedbed_models::communication::request_response::messages::{Execution, Key, Record, RpcId, SessionId};
use seedbed_models::communication::request_response::model::LEASES;
use seedbed_models::communication::request_response::{Node, RequestResponse};
use seedbed_sim::{Broken, NodeId, PerLife, Property, Verdict, World};

use crate::communication::request_response::{client, journals};
use crate::transactions::journals::Journals;

/// S5: what a back server has executed in this life, and may be sent again by its client, which still waits, it knows to be
/// executed; unless the session is over.
#[derive(Clone)]
pub struct TableKeepsWhatMayBeRetried {
    journals: Journals<RequestResponse, Execution>,
    /// What each back server has had in its table in this life.
    had: PerLife<BTreeSet<(RpcId, Key)>>,
}

impl Default for TableKeepsWhatMayBeRetried {
    fn default() -> Self {
        TableKeepsWhatMayBeRetried { journals: journals(), had: PerLife::default() }
    }
}

impl TableKeepsWhatMayBeRetried {
    fn look(&mut self, world: &World<RequestResponse>, node: NodeId) -> Verdict {
        let Some(back) = world.process(node).and_then(Node::back) else { return Ok(()) };
        let old = self.journals.read(world, node);
        let had = self.had.of(world, node);
        for new in &self.journals.of(node)[old..] {
            if back.completed(new.id, new.key).is_some() {
                had.insert((new.id, new.key));
            }
        }
        had.retain(|(id, _)| !is_over(world, id.session));
        let waits = |id: RpcId| {
            world
                .processes()
                .any(|(other, _)| client(world, other).is_some_and(|client| client.open().any(|open| open == id)))
        };
        match had.iter().find(|(id, key)| back.completed(*id, *key).is_none() && waits(*id)) {
            None => Ok(()),
            Some((id, key)) => {
                let words = format!(
                    "{node} has executed {id:?} on {key:?} and does not know it any more; its client still waits"
                );
                Err(Broken::new([node], words))
            }
        }
    }
}

/// Whether the lease manager has written down that a session is over.
fn is_over(world: &World<RequestResponse>, session: SessionId) -> bool {
    world.log(LEASES, LEASES_LOG).any(|record| matches!(record, Record::Expired(over) if *over == session))
}

impl Property<RequestResponse> for TableKeepsWhatMayBeRetried {
    fn name(&self) -> String {
        "request_response/table_keeps_what_may_be_retried".into()
    }

    fn after_event(&mut self, world: &World<RequestResponse>) -> Verdict {
        if !world.config().table {
            return Ok(());
        }
        world.changed().iter().try_for_each(|node| self.look(world, *node))
    }
}
