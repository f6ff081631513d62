//! S3, log matching: "if two logs contain an entry with the same index and term, then the logs are identical in all
//! entries up through the given index" (paper Figure 3 and §5.3).

use seedbed_models::replication::raft::machine::StateMachine;
use seedbed_models::replication::raft::{Entry, Index, Server, Term};
use seedbed_sim::fingerprint::stable_hash;
use seedbed_sim::{Broken, NodeId, PerLife, Property, Verdict, World};

use super::group::{Group, changed};

/// All entries that any log ever had at an index in a term are the same, and follow an entry of the same term. By
/// induction over the index that is log matching, and only new entries need a check.
#[derive(Clone, Debug, Default)]
pub struct LogMatching {
    /// By index: the entries there, one for each term.
    known: Vec<Vec<Known>>,
    /// By node: the number of appended entries at the last look.
    seen: PerLife<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Known {
    term: Term,
    before: Option<Term>,
    says: u64,
    first: NodeId,
}

impl<M: Group> Property<M> for LogMatching {
    fn name(&self) -> String {
        "raft/log_matching".into()
    }

    #[inline]
    fn after_event(&mut self, world: &World<M>) -> Verdict {
        changed(world).try_for_each(|(node, server)| self.judge(world, node, server))
    }
}

impl LogMatching {
    #[inline]
    fn judge<M: Group>(&mut self, world: &World<M>, node: NodeId, server: &Server<M::Machine>) -> Verdict {
        let log = server.log();
        let seen = self.seen.of(world, node);
        let new = log.appended() - *seen;
        if new == 0 {
            return Ok(());
        }
        *seen = log.appended();
        let first = log.last().0.saturating_sub(new).max(log.base().0) + 1;
        for at in (first..=log.last().0).map(Index) {
            let entry = log.entry(at).expect("a log has what lies between its ends");
            self.look(node, at, log.term(at.before()), entry)?;
        }
        Ok(())
    }

    fn look<S: StateMachine>(&mut self, node: NodeId, at: Index, before: Option<Term>, entry: &Entry<S>) -> Verdict {
        let slot = at.0 as usize;
        if self.known.len() <= slot {
            self.known.resize(slot + 1, Vec::new());
        }
        let now = Known { term: entry.term, before, says: stable_hash(&entry.payload), first: node };
        let Some(known) = self.known[slot].iter().find(|known| known.term == entry.term) else {
            self.known[slot].push(now);
            return Ok(());
        };
        let term = entry.term;
        if known.says != now.says {
            let message = format!("the entries of term {term} at index {at} of {} and {node} differ", known.first);
            return Err(Broken::new([known.first, node], message));
        }
        if known.before != now.before {
            let describe = |before: Option<Term>| before.map_or("nothing".to_string(), |term| format!("term {term}"));
            let message = format!(
                "{} and {node} have the same entry of term {term} at index {at}, but before it stands {} and {}",
                known.first,
                describe(known.before),
                describe(now.before)
            );
            return Err(Broken::new([known.first, node], message));
        }
        Ok(())
    }
}
