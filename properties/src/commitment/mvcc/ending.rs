//! L: abandoned locks are resolved, and every transaction ends.

use seedbed_models::transactions::mvcc::{Mvcc, Node};
use seedbed_sim::{AtEnd, Property, World};

use super::stores;

/// In the end no row is locked: whoever had left a lock behind, somebody has settled it.
pub fn locks_resolved() -> impl Property<Mvcc> + Clone + Send + Sync {
    AtEnd::liveness("mvcc/locks_resolved", |world: &World<Mvcc>| {
        for (node, store) in stores(world) {
            if let Some((key, start, lock)) = store.locks().next() {
                return Err(format!(
                    "{node} still has a lock on {key}, of the transaction that began at {start}, with its primary in {}",
                    lock.primary
                )
                .into());
            }
        }
        Ok(())
    })
}

/// Every transaction is committed or aborted in the end, unless its client crashed and forgot it.
pub fn transactions_end() -> impl Property<Mvcc> + Clone + Send + Sync {
    AtEnd::liveness("mvcc/transactions_end", |world: &World<Mvcc>| {
        for invocation in world.history().invocations().iter().filter(|invocation| invocation.ended().is_none()) {
            let open = match world.process(invocation.client) {
                Some(Node::Client(client)) => client.operation() == Some(invocation.id),
                _ => false,
            };
            if open {
                let (client, at, op) = (invocation.client, invocation.invoked, &invocation.op);
                return Err(seedbed_sim::Broken::new(
                    [client],
                    format!("{client} has had no end of {op:?}, asked for at {at}"),
                ));
            }
        }
        Ok(())
    })
}
