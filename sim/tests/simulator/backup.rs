//! A model from nothing, in one file: a primary that keeps a copy on a backup. The guide's page on writing a model goes
//! through it.

use std::collections::BTreeMap;

use proptest::prelude::*;
use seedbed_sim::{
    AtEnd, Bug, Campaign, Context, FaultClass, File, Info, Invariant, Model, NodeId, OpId, Operation, Process, Span,
    Stored, Suite, Time, World, check, kinds,
};
use serde::{Deserialize, Serialize};

/// Messages are values: they are moved, never serialised.
#[derive(Clone, Debug, Hash)]
enum Message {
    /// Client to primary: write this.
    Write(OpId, u64),
    /// Primary to backup: keep a copy.
    Copy(OpId, u64),
    /// Backup to primary: it is kept.
    Copied(OpId),
    /// Primary to client: it is done.
    Written(OpId),
}
// Traces name messages by kind: the third `Copy` from n0 to n1.
kinds!(Message: Write, Copy, Copied, Written);

/// Time to ask again.
#[derive(Clone, Debug, Hash, PartialEq, Eq, PartialOrd, Ord)]
struct Retry(OpId);
kinds!(Retry: of one);

const PRIMARY: NodeId = NodeId(0);
const BACKUP: NodeId = NodeId(1);
/// The file that both keep what is written in.
const LOG: File = File(0);

/// Primary, backup or client.
#[derive(Clone, Debug, Hash)]
struct Node {
    /// What this node has on its disk.
    kept: BTreeMap<OpId, u64>,
    /// At the primary: who waits for which write.
    asked: BTreeMap<OpId, (NodeId, u64)>,
    /// At a client: its writes that are not answered yet.
    wanted: BTreeMap<OpId, u64>,
}

impl Process for Node {
    type Message = Message;
    type Timer = Retry;
    type Record = (OpId, u64); // what is written to disk
    type Op = u64; // what clients ask
    type Ret = (); // what they are answered

    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        self.kept = ctx.read(LOG).into_iter().filter_map(Stored::good).collect();
    }

    fn invoke(&mut self, ctx: &mut Context<'_, Self>, op: OpId, value: u64) {
        self.wanted.insert(op, value);
        ctx.send(PRIMARY, Message::Write(op, value));
        ctx.arm(Retry(op), Span::ms(50));
    }

    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: Message) {
        match message {
            Message::Write(op, value) => {
                self.keep(ctx, op, value);
                self.asked.insert(op, (from, value));
                ctx.send(BACKUP, Message::Copy(op, value));
                if ctx.bug() == Some("hasty") {
                    ctx.send(from, Message::Written(op));
                }
            }
            Message::Copy(op, value) => {
                self.keep(ctx, op, value);
                ctx.send(from, Message::Copied(op));
            }
            Message::Copied(op) => {
                if let Some((client, _)) = self.asked.remove(&op) {
                    ctx.send(client, Message::Written(op));
                }
            }
            Message::Written(op) => {
                if self.wanted.remove(&op).is_some() {
                    ctx.cancel(&Retry(op));
                    ctx.complete(op, ());
                }
            }
        }
    }

    fn timer(&mut self, ctx: &mut Context<'_, Self>, Retry(op): Retry) {
        if let Some(value) = self.wanted.get(&op).copied() {
            ctx.mark("asked again");
            self.invoke(ctx, op, value);
        }
    }
}

impl Node {
    /// Keeps what is new, in memory and on disk.
    fn keep(&mut self, ctx: &mut Context<'_, Self>, op: OpId, value: u64) {
        if self.kept.insert(op, value).is_none() {
            ctx.append(LOG, (op, value));
        }
    }
}

/// The model: how it is configured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Backup {}

impl Model for Backup {
    type Process = Node;
    const INFO: Info = Info {
        tolerates: &[FaultClass::Loss, FaultClass::Dup, FaultClass::Reorder, FaultClass::Partition, FaultClass::Pause],
        bugs: &[Bug {
            name: "hasty",
            what: "the primary answers before the backup has the copy",
            caught_by: "backup/acknowledged_is_copied",
        }],
        ..Info::named("backup", "", "examples", "A primary that keeps a copy on a backup.")
    };

    fn size(&self) -> usize {
        4
    }

    fn spawn(&self, _: NodeId, _: &[NodeId]) -> Node {
        Node { kept: BTreeMap::new(), asked: BTreeMap::new(), wanted: BTreeMap::new() }
    }

    fn workload(&self) -> BoxedStrategy<Vec<Operation<u64>>> {
        let write = (0u64..1500, 2u16..4, any::<u64>());
        let write = write.prop_map(|(ms, client, op)| Operation { at: Time::ms(ms), client: NodeId(client), op });
        prop::collection::vec(write, 1..10).boxed()
    }
}

/// What must be true, and what must have happened.
fn suite() -> Suite<Backup> {
    let copied = |world: &World<Backup>| {
        let Some(backup) = world.process(BACKUP) else { return Ok(()) };
        let mut told = world.history().invocations().iter().filter(|write| write.returned().is_some());
        match told.find(|write| !backup.kept.contains_key(&write.id)) {
            None => Ok(()),
            Some(write) => Err(format!("{} was told that {} is written: no copy", write.client, write.op).into()),
        }
    };
    let answered = |world: &World<Backup>| {
        let open = world.history().invocations().iter().filter(|write| write.returned().is_none()).count();
        match open {
            0 => Ok(()),
            open => Err(format!("{open} writes were never answered").into()),
        }
    };
    Suite::new(Backup::default())
        .property(Invariant::new("backup/acknowledged_is_copied", copied))
        .property(AtEnd::liveness("backup/writes_complete", answered))
        .sometimes("asked again")
}

#[test]
fn every_property_holds() {
    check(Backup::default()).suite(suite()).run();
}

#[test]
fn the_bug_is_caught() {
    assert!(Campaign::hunting(suite(), "hasty").breaks("backup/acknowledged_is_copied", 0..1000));
}
