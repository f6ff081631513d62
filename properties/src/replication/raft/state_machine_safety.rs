//! S5, state machine safety: "if a server has applied a log entry at a given index to its state machine, no other
//! server will ever apply a different log entry for the same index" (paper Figure 3 and §5.4.3).

use seedbed_models::replication::raft::{Index, Server, Term};
use seedbed_sim::fingerprint::stable_hash;
use seedbed_sim::{Broken, NodeId, PerLife, Property, Verdict, World};

use super::group::{Group, StatesByIndex, changed};

/// The entries that servers know to be committed, applied or not, are one sequence: the same entry at each index in
/// every server, and in its log until a snapshot covers it. And servers that have applied up to the same index have the same
/// state, whether they executed the entries or got a snapshot of what these did.
#[derive(Clone, Debug, Default)]
pub struct StateMachineSafety {
    /// By index: the entry that was committed or applied there first, and by which server.
    chosen: Vec<Option<Chosen>>,
    states: StatesByIndex,
    seen: PerLife<Seen>,
}

#[derive(Clone, Copy, Debug)]
struct Chosen {
    term: Term,
    says: u64,
    first: NodeId,
}

#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    upto: Index,
    appended: u64,
}

impl<M: Group> Property<M> for StateMachineSafety {
    fn name(&self) -> String {
        "raft/state_machine_safety".into()
    }

    #[inline]
    fn after_event(&mut self, world: &World<M>) -> Verdict {
        changed(world).try_for_each(|(node, server)| {
            self.judge(world, node, server)?;
            self.states.same(world, node, server.last_applied(), server.machine(), "state")
        })
    }
}

impl StateMachineSafety {
    #[inline]
    fn judge<M: Group>(&mut self, world: &World<M>, node: NodeId, server: &Server<M::Machine>) -> Verdict {
        let log = server.log();
        let now = Seen { upto: server.commit_index().max(server.last_applied()), appended: log.appended() };
        if log.last() < now.upto {
            let message = format!("{node} has committed up to index {}, but its log ends at {}", now.upto, log.last());
            return Err(Broken::new([node], message));
        }
        let seen = self.seen.of(world, node);
        let before = std::mem::replace(seen, now);
        if (before.upto, before.appended) == (now.upto, now.appended) {
            return Ok(());
        }
        // Newly committed entries, and committed ones that were overwritten.
        let written = log.last().0 - (now.appended - before.appended).min(log.last().0);
        let first = before.upto.0.min(written).max(log.base().0) + 1;
        for at in (first..=now.upto.0).map(Index) {
            let entry = log.entry(at).expect("a log has what lies between its ends");
            self.look(node, at, entry.term, stable_hash(&entry.payload))?;
        }
        Ok(())
    }

    fn look(&mut self, node: NodeId, at: Index, term: Term, says: u64) -> Verdict {
        let slot = at.0 as usize;
        if self.chosen.len() <= slot {
            self.chosen.resize(slot + 1, None);
        }
        match self.chosen[slot] {
            None => self.chosen[slot] = Some(Chosen { term, says, first: node }),
            Some(chosen) if (chosen.term, chosen.says) == (term, says) => {}
            Some(Chosen { term: other, first, .. }) => {
                let message = format!(
                    "at index {at}, {first} applied an entry of term {other} and {node} another, of term {term}"
                );
                return Err(Broken::new([first, node], message));
            }
        }
        Ok(())
    }
}
