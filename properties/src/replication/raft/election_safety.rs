//! S1, election safety: "at most one leader can be elected in a given term" (paper Figure 3 and §5.2).

use seedbed_models::replication::raft::{Server, Term};
use seedbed_sim::{Broken, NodeId, PerLife, Property, Verdict, World};

use super::group::{Group, changed_leaders};

/// At most one server leads in a term, over the whole run.
#[derive(Clone, Debug, Default)]
pub struct ElectionSafety {
    /// By term: its leader.
    leaders: Vec<Option<NodeId>>,
    /// By node: the last term that it was seen to lead.
    seen: PerLife<Option<Term>>,
}

impl<M: Group> Property<M> for ElectionSafety {
    fn name(&self) -> String {
        "raft/election_safety".into()
    }

    #[inline]
    fn after_event(&mut self, world: &World<M>) -> Verdict {
        changed_leaders(world).try_for_each(|(node, server)| self.judge(world, node, server))
    }
}

impl ElectionSafety {
    #[inline]
    fn judge<M: Group>(&mut self, world: &World<M>, node: NodeId, server: &Server<M::Machine>) -> Verdict {
        let term = server.term();
        let seen = self.seen.of(world, node);
        if *seen == Some(term) {
            return Ok(());
        }
        *seen = Some(term);
        let at = term.0 as usize;
        if self.leaders.len() <= at {
            self.leaders.resize(at + 1, None);
        }
        match self.leaders[at] {
            Some(other) if other != node => {
                Err(Broken::new([other, node], format!("{other} and {node} both lead term {term}")))
            }
            _ => {
                self.leaders[at] = Some(node);
                Ok(())
            }
        }
    }
}
