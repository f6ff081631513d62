//! What a replica may refuse.

use seedbed_models::replication::crdt::vocabulary::{
    CounterOp, EntryOp, FlagOp, ListOp, MapOp, Op, RegisterOp, SetOp, TextOp, TreeOp,
};
use seedbed_models::replication::crdt::{Crdt, Kind, Ret};
use seedbed_sim::{Broken, Verdict, World};

use super::running;

/// An update that needs nothing to be there is never refused: availability is what replicated data types are for (Shapiro et al.
/// 2011, section 2.1: a source-local precondition is all that may hold an update back).
pub fn updates_are_taken(world: &World<Crdt>) -> Verdict {
    let kind = running(world);
    let refused = |asked: &&seedbed_sim::Invocation<Op, Ret>| asked.returned() == Some(&Ret::Refused);
    match world.history().invocations().iter().filter(refused).find(|asked| needs_nothing(kind, &asked.op)) {
        None => Ok(()),
        Some(asked) => Err(Broken::new([asked.client], format!("{:?} was refused, which needs nothing", asked.op))),
    }
}

/// Whether an update has no precondition in a data type.
fn needs_nothing(kind: Kind, op: &Op) -> bool {
    match op {
        Op::Counter(CounterOp::Increment(_)) => true,
        // What was taken out of a two-phase set never comes in again.
        Op::Set(SetOp::Add(_)) => kind != Kind::TwoPhaseSet,
        Op::Register(RegisterOp::Assign(_)) | Op::Flag(FlagOp::Enable) => true,
        Op::Entry(EntryOp::Put(..)) | Op::Map(MapOp::Add(..)) | Op::Tree(TreeOp::Assign(..)) => true,
        Op::List(ListOp::Insert(..)) => true,
        Op::Text(TextOp::Insert(_, text)) => !text.is_empty(),
        _ => false,
    }
}
