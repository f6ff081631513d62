//! S2, leader append-only: "a leader never overwrites or deletes entries in its log; it only appends new entries"
//! (paper Figure 3 and §5.3).

use seedbed_models::replication::raft::{Index, Server, Term};
use seedbed_sim::{Broken, NodeId, PerLife, Property, Verdict, World};

use super::group::{Group, changed_leaders};

/// While a server leads a term, its last entry stays at its index. By log matching, so do those before.
#[derive(Clone, Debug, Default)]
pub struct LeaderAppendOnly {
    seen: PerLife<Option<Seen>>,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    led: Term,
    last: Index,
    last_term: Term,
}

impl<M: Group> Property<M> for LeaderAppendOnly {
    fn name(&self) -> String {
        "raft/leader_append_only".into()
    }

    #[inline]
    fn after_event(&mut self, world: &World<M>) -> Verdict {
        changed_leaders(world).try_for_each(|(node, server)| self.judge(world, node, server))
    }
}

impl LeaderAppendOnly {
    #[inline]
    fn judge<M: Group>(&mut self, world: &World<M>, node: NodeId, server: &Server<M::Machine>) -> Verdict {
        let (log, led) = (server.log(), server.term());
        let now = Seen { led, last: log.last(), last_term: log.last_term() };
        let before = self.seen.of(world, node).replace(now);
        let Some(before) = before.filter(|before| before.led == led) else {
            return Ok(());
        };
        // Entries that a snapshot covers were committed, and have left the log.
        if before.last < log.base() || log.term(before.last) == Some(before.last_term) {
            return Ok(());
        }
        let Seen { last, last_term, .. } = before;
        let found = match log.term(last) {
            Some(term) => format!("has one of term {term} there now"),
            None => "has it no more".to_string(),
        };
        Err(Broken::new(
            [node],
            format!("{node}, leader of term {led}, had an entry of term {last_term} at index {last} and {found}"),
        ))
    }
}
