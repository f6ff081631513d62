//! The ledger: what the effects of handlers go to, outside of the task queue. It knows effects by their keys, and has each once (an
//! *idempotent receiver*): a task that is executed twice has its effect once, where the key is that of the task.

use std::collections::{BTreeMap, BTreeSet};

use seedbed_sim::{Context, File, NodeId, Process};

use crate::communication::task_queue::marks;
use crate::communication::task_queue::messages::{EffectKey, Execution, Message, Op, Record, Ret, Timer};
use crate::communication::task_queue::task::TaskId;
use crate::parts::wal;

/// Its log.
pub const LOG: File = File(0);

/// The ledger.
#[derive(Clone, Debug, Default, Hash)]
pub struct Ledger {
    keys: BTreeSet<EffectKey>,
    effects: Vec<EffectKey>,
    /// How often handlers of a task were told that something is busy, in this life, and under which lease last.
    busy: BTreeMap<TaskId, BTreeSet<Execution>>,
}

impl Ledger {
    /// The effects, in their order.
    pub fn effects(&self) -> &[EffectKey] {
        &self.effects
    }

    fn apply(
        &mut self,
        ctx: &mut Context<'_, Self>,
        from: NodeId,
        execution: Execution,
        keys: Vec<EffectKey>,
        busy: u8,
    ) {
        let told = self.busy.entry(execution.task).or_default();
        if told.contains(&execution) || told.len() < usize::from(busy) {
            told.insert(execution);
            return ctx.send(from, Message::Busy(execution));
        }
        let new: Vec<EffectKey> = keys.into_iter().filter(|key| !self.keys.contains(key)).collect();
        if new.is_empty() {
            ctx.mark(marks::EFFECT_WAS_THERE);
        } else {
            ctx.append(LOG, Record::Effects(execution, new.clone()));
            self.keep(new);
        }
        ctx.send(from, Message::Applied(execution));
    }

    fn keep(&mut self, new: Vec<EffectKey>) {
        self.keys.extend(&new);
        self.effects.extend(new);
    }
}

impl Process for Ledger {
    type Message = Message;
    type Timer = Timer;
    type Record = Record;
    type Op = Op;
    type Ret = Ret;

    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        for record in wal::recover(ctx, LOG).unwrap_or_default() {
            match record {
                Record::Effects(_, keys) => self.keep(keys),
                record => panic!("the ledger's log has effects, and not {record:?}"),
            }
        }
    }

    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: Message) {
        match message {
            Message::Apply(execution, keys, busy) => self.apply(ctx, from, execution, keys, busy),
            message => panic!("no message for the ledger: {from} sent {message:?}"),
        }
    }
}
