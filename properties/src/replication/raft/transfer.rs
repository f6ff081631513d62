//! Leadership transfer (thesis §3.10): a server that is up, has a vote and can be brought up to date gets the leadership.

use seedbed_models::replication::raft::Term;
use seedbed_sim::{Broken, DiskConfig, NodeId, Property, Span, Verdict, World};

use super::group::{Group, changed};

/// Where nothing fails and messages are fast, a leader that hands over does not give up, and the next to lead is the server to
/// which it did. (Elsewhere the messages of a transfer may be lost or late, and giving up is right.)
#[derive(Clone, Debug, Default)]
pub struct TransferSucceeds {
    /// The transfer that is under way: who leads which term, and who is to lead next.
    under_way: Option<(NodeId, Term, NodeId)>,
}

/// Messages that take no longer than this are fast: a transfer takes a few of them, and may take an election timeout.
const FAST: Span = Span::ms(5);

impl<M: Group> Property<M> for TransferSucceeds {
    fn name(&self) -> String {
        "raft/transfer_succeeds".into()
    }

    #[inline]
    fn after_event(&mut self, world: &World<M>) -> Verdict {
        for (node, server) in changed(world) {
            if let Some(to) = server.transfer_to() {
                self.under_way = Some((node, server.term(), to));
                continue;
            }
            let Some((leader, term, to)) = self.under_way else { continue };
            let gave_up = node == leader && server.term() == term && server.is_leader();
            let led_by_another = server.is_leader() && server.term() > term && node != to;
            let ended = gave_up || (server.is_leader() && server.term() > term);
            if ended {
                self.under_way = None;
            }
            if (gave_up || led_by_another) && is_calm(world) && world.process(to).is_some() {
                let instead = if gave_up { leader } else { node };
                let message = format!("{leader}, leader of term {term}, was to hand over to {to}, and {instead} leads");
                return Err(Broken::new([leader, to], message));
            }
        }
        Ok(())
    }
}

/// Whether no fault has struck in this world, and no message was lost or slow. What happened says so, and not what the network
/// was configured to do: a strategy or a trace may make single messages late.
fn is_calm<M: Group>(world: &World<M>) -> bool {
    let stats = world.stats();
    world.struck().is_empty()
        && stats.lost == 0
        && stats.slowest <= FAST
        && world.scenario().disk == DiskConfig::default()
}
