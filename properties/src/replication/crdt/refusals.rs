//! S3 of what is not done: a replica refuses an update only where its type has no such update, or not now.

use seedbed_models::replication::crdt::clock::ReplicaId;
use seedbed_models::replication::crdt::ghost::{Entry, Updates};
use seedbed_models::replication::crdt::vocabulary::{CounterOp, ListOp, SetOp, TextOp};
use seedbed_models::replication::crdt::{Crdt, Kind, Op, Replica, Value};
use seedbed_sim::{Broken, Property, Verdict, World};

use super::execution::Execution;

/// An update is refused only if, of the updates that its replica has seen,
///
/// - a counter is to count down that only grows, or has granted and used all rights but too few of its replica;
/// - what is to be taken out is not there.
///
/// Whether a replica knows whom to grant rights to cannot be seen from outside, so a grant may be refused.
#[derive(Clone, Debug, Default)]
pub struct RefusedForAReason {
    execution: Execution,
}

impl Property<Crdt> for RefusedForAReason {
    fn name(&self) -> String {
        "crdt/refused_for_a_reason".into()
    }

    fn after_event(&mut self, world: &World<Crdt>) -> Verdict {
        for &node in world.changed() {
            let Some(changed) = self.execution.look(world, node)? else { continue };
            for entry in changed.entries {
                let Entry::Refused { update, .. } = entry else { continue };
                if !may_refuse(world.config().kind, &self.execution, changed.replica, update) {
                    let (seen, value) = (&changed.replica.ghost().seen, changed.replica.value());
                    let words = format!("{node} has seen {seen:?}, shows {value:?}, and refuses {update:?}");
                    return Err(Broken::new([node], words));
                }
            }
        }
        Ok(())
    }
}

fn may_refuse(kind: Kind, execution: &Execution, replica: &Replica, update: &Op) -> bool {
    match (update, replica.value()) {
        (Op::Counter(CounterOp::Decrement(by)), _) if kind == Kind::BoundedCounter => {
            replica.id().is_some_and(|me| rights(execution, &replica.ghost().seen, me) < i64::from(*by))
        }
        (Op::Counter(CounterOp::Decrement(_)), _) => kind == Kind::GCounter,
        (Op::Counter(CounterOp::Grant { .. }), _) => true,
        (Op::Set(SetOp::Remove(_)), _) if kind == Kind::GSet => true,
        (Op::Set(SetOp::Remove(item)), Value::Items(items)) => !items.contains(item),
        (Op::List(ListOp::Delete(_)) | Op::Text(TextOp::Delete(..)), Value::Sequence(shown)) if shown.is_empty() => {
            true
        }
        (Op::Text(TextOp::Delete(_, count)), _) => *count == 0,
        (Op::Text(TextOp::Insert(_, text)), _) => text.is_empty(),
        _ => false,
    }
}

/// The rights to count down that a replica has: those that it has made or was granted, less those that it has used or granted.
fn rights(execution: &Execution, seen: &Updates, of: ReplicaId) -> i64 {
    let change = |event: &super::execution::Event| {
        let (by, own) = (event.stamp.dot.replica, event.stamp.dot.replica == of);
        match event.update {
            Op::Counter(CounterOp::Increment(by)) if own => i64::from(by),
            Op::Counter(CounterOp::Decrement(by)) if own => -i64::from(by),
            Op::Counter(CounterOp::Grant { rights, .. }) => {
                let gets = event.stamp.addressee == Some(of) && by != of;
                i64::from(rights) * (i64::from(gets) - i64::from(own))
            }
            _ => 0,
        }
    };
    execution.of(seen).map(|(_, event)| change(event)).sum()
}
