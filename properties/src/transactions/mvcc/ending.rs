//! L: abandoned locks are resolved, and every transaction ends.

use seedbed_models::transactions::mvcc::{Mvcc, Settings};
use seedbed_sim::{AtEnd, Broken, Property, Span, World};

use super::stores;

/// In a healed world, a transaction that is still open after this many times to live of a lock is stuck, and a lock of
/// that age is permanent. Younger ones may be in progress until the very end, because clients that were paused catch
/// up.
const LIVES: u64 = 10;

/// That time in virtual time.
fn lives(world: &World<Mvcc>) -> Span {
    world.config().ttl * LIVES
}

/// At the end no row has an old lock: abandoned locks were resolved by other transactions.
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

/// At the end every transaction is committed or aborted, unless its client crashed and lost it, or began it recently: it may
/// send requests again for a while before it gives up.
pub fn transactions_end() -> impl Property<Mvcc> + Clone + Send + Sync {
    AtEnd::liveness("mvcc/transactions_end", |world: &World<Mvcc>| {
        let gives_up = world.config().retry * u64::from(Settings::RETRIES);
        let within = lives(world).max(gives_up);
        let Some(invocation) = world.outstanding().find(|asked| world.now().since(asked.invoked) >= within) else {
            return Ok(());
        };
        let (client, at, op) = (invocation.client, invocation.invoked, &invocation.op);
        Err(Broken::new([client], format!("{client} has had no end of {op:?}, asked for at {at}")))
    })
}
