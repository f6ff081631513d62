//! What transactions compute.

use seedbed_models::transactions::TxId;
use seedbed_models::transactions::mvcc::Mvcc;
use seedbed_models::transactions::mvcc::columns::{Row, Write};
use seedbed_models::transactions::mvcc::timestamp::Ts;
use seedbed_models::transactions::store::{Key, Step};
use seedbed_sim::{AtEnd, Broken, Property, Verdict, World};

use super::stores;

/// Every committed version has the value that its transaction's step says, computed from the snapshot that the transaction
/// read; and no step takes a row below zero. Judged by the disks of shards: the judges of isolation tell versions apart by their
/// writers, and see no value.
pub fn values_follow() -> impl Property<Mvcc> + Clone + Send + Sync {
    AtEnd::new("mvcc/values_follow", |world: &World<Mvcc>| {
        for (node, store) in stores(world) {
            for (key, row) in store.rows() {
                let committed = row.writes.values().filter_map(|write| match write {
                    Write::Put(start) => Some(*start),
                    Write::Rollback => None,
                });
                for start in committed {
                    follows(world, key, row, start).map_err(|broken| Broken::new([node], broken.message))?;
                }
            }
        }
        Ok(())
    })
}

fn follows(world: &World<Mvcc>, key: Key, row: &Row, start: Ts) -> Verdict {
    let cell = row.data[&start];
    let of_writer = |id| cell.writer == Some(TxId::from(id));
    let invocation = world.history().invocations().iter().find(|invocation| of_writer(invocation.id));
    let steps = invocation.map(|invocation| invocation.op.steps()).unwrap_or_default();
    let mut writes = steps.into_iter().filter(|step| step.key() == key && step.writes());
    let (Some(step), None) = (writes.next(), writes.next()) else { return Ok(()) };
    let read = row.version(start).value;
    let should = match step {
        Step::Put { value, .. } => value,
        Step::Add { amount, .. } => read + amount,
        Step::Read { .. } => return Ok(()),
    };
    let adds = matches!(step, Step::Add { .. });
    if cell.value == should && (!adds || should >= 0) {
        return Ok(());
    }
    let words = format!("{step:?} of the transaction that began at {start} has read {read} and written {}", cell.value);
    Err(words.into())
}
