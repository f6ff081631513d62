//! A part of S7: "a server always uses the latest configuration in its log, regardless of whether the entry is committed"
//! (paper §6, thesis §4.1).

use seedbed_models::replication::raft::machine::StateMachine;
use seedbed_models::replication::raft::membership::Membership;
use seedbed_models::replication::raft::{Index, Payload, Server};
use seedbed_sim::{Broken, NodeId, PerLife, Property, Verdict, World};

use super::group::{Group, changed};

/// The configuration that a server uses is the last one in its log; where the log has none, that of its snapshot, or what
/// the group began with. Checked when entries have come or gone.
#[derive(Clone, Debug, Default)]
pub struct ConfigurationInLog {
    seen: PerLife<Seen>,
}

/// What tells whether a log has changed since the last look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Seen {
    appended: u64,
    ends: (Index, Index),
    configuration: Index,
}

impl<M: Group> Property<M> for ConfigurationInLog {
    fn name(&self) -> String {
        "raft/configuration_in_log".into()
    }

    #[inline]
    fn after_event(&mut self, world: &World<M>) -> Verdict {
        changed(world).try_for_each(|(node, server)| {
            let log = server.log();
            let ends = (log.base(), log.last());
            let now = Seen { appended: log.appended(), ends, configuration: server.configuration_index() };
            if std::mem::replace(self.seen.of(world, node), now) == now { Ok(()) } else { judge(node, server) }
        })
    }
}

fn judge<S: StateMachine>(node: NodeId, server: &Server<S>) -> Verdict {
    let log = server.log();
    let of = |at: Index| match log.entry(at).map(|entry| &entry.payload) {
        Some(Payload::Config(membership)) => Some((at, membership)),
        _ => None,
    };
    let in_log = (log.base().0 + 1..=log.last().0).rev().map(Index).find_map(of);
    let of_snapshot = server.snapshot().map(|snapshot| (Index::ZERO, &snapshot.membership));
    let Some((at, membership)) = in_log.or(of_snapshot) else { return Ok(()) };
    let used: (Index, &Membership) = (server.configuration_index(), server.membership());
    if used.1 == membership && (used.0 == at || at == Index::ZERO) {
        return Ok(());
    }
    let message = format!(
        "{node} uses {:?} of index {}, and the last configuration in its log is {membership:?}, at {at}",
        used.1, used.0
    );
    Err(Broken::new([node], message))
}
