//! S3: atomicity, judged by the disks of shards.

use std::collections::BTreeMap;

use seedbed_models::transactions::TxId;
use seedbed_models::transactions::mvcc::columns::{Columns, Row, Write};
use seedbed_models::transactions::mvcc::shard::{Shard, WAL};
use seedbed_models::transactions::mvcc::timestamp::Ts;
use seedbed_models::transactions::mvcc::{Mvcc, Ret};
use seedbed_models::transactions::store::{Key, Step};
use seedbed_sim::{AtEnd, Broken, NodeId, Property, Verdict, World};

use crate::checkers::atomic_commitment::Decision;
use crate::checkers::atomic_commitment::stores::{Effect, Event, StoresAgree};
use crate::checkers::judge::Judge;

/// S3, at the end: when every shard's rows are rebuilt from its disk, either all rows that a transaction writes have
/// its version, at one timestamp, or none has, in agreement with the answer to its client, which tells that timestamp.
pub fn all_or_nothing() -> impl Property<Mvcc> + Clone + Send + Sync {
    AtEnd::new("mvcc/all_or_nothing", |world: &World<Mvcc>| judge(world))
}

/// The rows of all shards, rebuilt from their disks.
pub fn stores(world: &World<Mvcc>) -> BTreeMap<NodeId, Columns> {
    let config = world.config();
    let here = |node: &NodeId| world.present().any(|present| present == *node);
    let shards = config.shard_ids().filter(here);
    shards.map(|node| (node, Shard::recovered(config.rows_of(node), world.log(node, WAL)))).collect()
}

fn judge(world: &World<Mvcc>) -> Verdict {
    let stores = stores(world);
    let mut agree: StoresAgree<TxId, (NodeId, Key)> = StoresAgree::default();
    for invocation in world.history().invocations() {
        let transaction = TxId::from(invocation.id);
        let writes = invocation.op.steps().iter().any(|step| step.writes());
        let mut committed: Option<(String, Ts)> = None;
        match invocation.returned() {
            Some(Ret::Committed { commit, .. }) if writes => {
                let Some(commit) = commit else {
                    let words = format!("{transaction} writes, and {} was told no commit timestamp", invocation.client);
                    return Err(Broken::new([invocation.client], words));
                };
                committed = Some((format!("by what {} was told", invocation.client), *commit));
                agree.observe(Event::Answered { transaction, decision: Decision::Commit })?;
            }
            Some(Ret::Aborted(_)) => agree.observe(Event::Answered { transaction, decision: Decision::Abort })?,
            _ => {}
        }
        for key in invocation.op.steps().into_iter().filter(|step| step.writes()).map(Step::key) {
            let home = world.config().home(key);
            let Some(store) = stores.get(&home) else { continue };
            let (effect, at) = effect(store.row(key), transaction);
            agree.observe(Event::Holds { node: (home, key), transaction, effect })?;
            match (&committed, at) {
                (Some((first, one)), Some(other)) if *one != other => {
                    return Err(format!("{transaction} is committed {first} at {one} and in {key} at {other}").into());
                }
                (None, Some(at)) => committed = Some((format!("in {key}"), at)),
                _ => {}
            }
        }
    }
    Ok(())
}

/// The effect of a transaction on a row, and its commit timestamp.
fn effect(row: &Row, transaction: TxId) -> (Effect, Option<Ts>) {
    let start = row.data.iter().find(|(_, cell)| cell.writer == Some(transaction)).map(|(start, _)| *start);
    let Some(start) = start else {
        return (Effect::Absent, None);
    };
    let put = row.writes.iter().find(|(_, write)| **write == Write::Put(start));
    match put {
        Some((commit, _)) => (Effect::Present, Some(*commit)),
        None => (Effect::Open, None),
    }
}
