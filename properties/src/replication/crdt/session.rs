//! Recorded sessions of collaborative editing, in the format of the "concurrent editing traces" of
//! github.com/josephg/editing-traces, and their replay by replicas of a text.

use std::collections::BTreeSet;
use std::io::Read;

use seedbed_models::replication::crdt::clock::{Clock, Dot, ReplicaId, Stamp, Timestamp};
use seedbed_models::replication::crdt::context::Context;
use seedbed_models::replication::crdt::style::OperationBased;
use seedbed_models::replication::crdt::types::rga::{Effect, List};
use seedbed_models::replication::crdt::vocabulary::TextOp;
use seedbed_sim::{NodeId, Span, Time};
use serde::Deserialize;

/// A recorded session: transactions, each with its causal predecessors.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// The text at the end.
    pub end_content: String,
    /// The number of writers.
    pub num_agents: usize,
    /// The transactions; parents come before their children.
    pub txns: Vec<Transaction>,
}

/// A transaction of one writer.
#[derive(Clone, Debug, Deserialize)]
pub struct Transaction {
    /// Its direct causal predecessors, by index.
    pub parents: Vec<usize>,
    /// The number of its writer.
    pub agent: usize,
    /// Its edits: position, number of deleted characters, inserted text.
    pub patches: Vec<(u16, u16, String)>,
}

impl Session {
    /// Reads a session.
    ///
    /// # Errors
    /// If it is not of this format, or longer than a text can be.
    pub fn read(from: impl Read) -> Result<Session, serde_json::Error> {
        serde_json::from_reader(from)
    }

    /// Replays the session, each transaction with the causal past of the recording. Returns the writers, and the
    /// effects of each transaction.
    pub fn write(&self) -> (Vec<Writer>, Vec<Vec<Effect>>) {
        let mut writers: Vec<Writer> = (0..self.num_agents).map(|n| Writer::new(n, self.txns.len())).collect();
        let mut effects: Vec<Vec<Effect>> = Vec::with_capacity(self.txns.len());
        for (n, txn) in self.txns.iter().enumerate() {
            let writer = &mut writers[txn.agent];
            writer.catch_up(&txn.parents, self, &effects);
            effects.push(writer.write(n, &txn.patches));
        }
        (writers, effects)
    }

    /// A random linear extension of the causal order; `random` returns a number below its argument.
    pub fn causal_order(&self, random: &mut impl FnMut(usize) -> usize) -> Vec<usize> {
        let mut children = vec![Vec::new(); self.txns.len()];
        let mut waits: Vec<usize> = self.txns.iter().map(|txn| txn.parents.len()).collect();
        for (n, txn) in self.txns.iter().enumerate() {
            txn.parents.iter().for_each(|parent| children[*parent].push(n));
        }
        let mut ready: Vec<usize> = (0..waits.len()).filter(|n| waits[*n] == 0).collect();
        let mut order = Vec::new();
        while !ready.is_empty() {
            let n = ready.swap_remove(random(ready.len()));
            order.push(n);
            for child in &children[n] {
                waits[*child] -= 1;
                ready.extend((waits[*child] == 0).then_some(*child));
            }
        }
        order
    }
}

/// A replica of the text, of a writer or a reader.
#[derive(Clone, Debug)]
pub struct Writer {
    text: List<TextOp>,
    /// By transaction: whether it is in the text.
    has: Vec<bool>,
    clock: Clock,
    made: u64,
    me: ReplicaId,
}

impl Writer {
    /// An empty replica with number `n`, for a session of this many transactions.
    pub fn new(n: usize, transactions: usize) -> Self {
        let me = ReplicaId { node: NodeId(n as u16), born: Time::ZERO, nonce: 0 };
        Writer { text: List::default(), has: vec![false; transactions], clock: Clock::new(Span(1)), made: 0, me }
    }

    /// Applies the effects of a transaction, whose parents it has.
    pub fn take(&mut self, n: usize, effects: &[Effect]) {
        for effect in effects {
            if let Effect::Insert { first, .. } = effect {
                self.clock.observe(first.time);
            }
            self.text.effect(effect, &Context::default());
        }
        self.has[n] = true;
    }

    /// Applies the missing part of a transaction's past, earliest first.
    pub fn catch_up(&mut self, parents: &[usize], session: &Session, effects: &[Vec<Effect>]) {
        let mut lacks = BTreeSet::new();
        let mut open: Vec<usize> = parents.to_vec();
        while let Some(n) = open.pop() {
            if !self.has[n] && lacks.insert(n) {
                open.extend(&session.txns[n].parents);
            }
        }
        lacks.into_iter().for_each(|n| self.take(n, &effects[n]));
    }

    fn make(&mut self, op: TextOp) -> Effect {
        let time = Timestamp { time: self.clock.next(Time::ZERO), by: Some(self.me) };
        let stamp = Stamp { dot: Dot { replica: self.me, counter: self.made + 1 }, time, addressee: None };
        let effect = self.text.prepare(&op, &stamp).expect("what was recorded can be done");
        self.made += 1;
        self.clock.observe(time.time);
        self.text.effect(&effect, &Context::default());
        effect
    }

    /// Performs the edits of a transaction.
    fn write(&mut self, n: usize, patches: &[(u16, u16, String)]) -> Vec<Effect> {
        let mut effects = Vec::new();
        for (at, deleted, inserted) in patches {
            if *deleted > 0 {
                effects.push(self.make(TextOp::Delete(*at, *deleted)));
            }
            if !inserted.is_empty() {
                effects.push(self.make(TextOp::Insert(*at, inserted.clone())));
            }
        }
        self.has[n] = true;
        effects
    }

    /// The present text.
    pub fn reads(&self) -> String {
        self.text.value().text()
    }
}
