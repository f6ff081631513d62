//! L: abandoned locks are resolved, and every transaction ends.

use seedbed_models::transactions::mvcc::Mvcc;
use seedbed_sim::{AtEnd, Broken, Property, Span, World};

use super::stores;

/// A transaction that a healed world has not brought to an end in this many lives of a lock is stuck, and a lock that has
/// been there for as long is there for good. Younger ones may be under way: clients that were paused have work to catch up
/// with, to the very end.
const LIVES: u64 = 10;

/// The same in virtual time.
fn lives(world: &World<Mvcc>) -> Span {
    world.config().ttl * LIVES
}

/// In the end no row has an old lock: whoever had left one behind, somebody has settled it.
pub fn locks_resolved() -> impl Property<Mvcc> + Clone + Send + Sync {
    AtEnd::liveness("mvcc/locks_resolved", |world: &World<Mvcc>| {
        let lives = lives(world);
        for (node, store) in stores(world) {
            let shard = world.process(node).and_then(|process| process.shard());
            let old = |key, start| shard.is_none_or(|shard| shard.age(world.clock(node), key, start) >= lives);
            if let Some((key, start, lock)) = store.locks().find(|(key, start, _)| old(*key, *start)) {
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

/// Every transaction is committed or aborted in the end, unless its client crashed and forgot it, or began it just now.
pub fn transactions_end() -> impl Property<Mvcc> + Clone + Send + Sync {
    AtEnd::liveness("mvcc/transactions_end", |world: &World<Mvcc>| {
        let lives = lives(world);
        let Some(invocation) = world.outstanding().find(|asked| world.now().since(asked.invoked) >= lives) else {
            return Ok(());
        };
        let (client, at, op) = (invocation.client, invocation.invoked, &invocation.op);
        Err(Broken::new([client], format!("{client} has had no end of {op:?}, asked for at {at}")))
    })
}
