//! S9: "commitIndex … increases monotonically" (paper Figure 2), as long as a server lives. It is volatile: after a
//! restart it begins at the snapshot.

use seedbed_models::replication::raft::{Index, Server};
use seedbed_sim::{Broken, NodeId, PerLife, Property, Verdict, World};

use super::group::{Group, changed};

/// Neither the commit index nor the last applied index decreases while a server lives.
#[derive(Clone, Debug, Default)]
pub struct CommitIndexMonotonic {
    seen: PerLife<(Index, Index)>,
}

impl<M: Group> Property<M> for CommitIndexMonotonic {
    fn name(&self) -> String {
        "raft/commit_index_monotonic".into()
    }

    #[inline]
    fn after_event(&mut self, world: &World<M>) -> Verdict {
        changed(world).try_for_each(|(node, server)| self.judge(world, node, server))
    }
}

impl CommitIndexMonotonic {
    #[inline]
    fn judge<M: Group>(&mut self, world: &World<M>, node: NodeId, server: &Server<M::Machine>) -> Verdict {
        let now = (server.commit_index(), server.last_applied());
        let before = std::mem::replace(self.seen.of(world, node), now);
        if now.0 >= before.0 && now.1 >= before.1 {
            return Ok(());
        }
        let message = format!(
            "{node} went back: from commit index {} to {}, from applied {} to {}",
            before.0, now.0, before.1, now.1
        );
        Err(Broken::new([node], message))
    }
}
