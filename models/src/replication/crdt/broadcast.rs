//! Causal broadcast with vector clocks, retransmission and causal stability.
//!
//! A message carries the context of what its sender had delivered when it broadcast it, and waits until that is
//! delivered here (Birman, Schiper and Stephenson, "Lightweight causal and atomic group multicast", 1991). Messages are
//! kept until everybody is known to have them, and whoever lacks one gets it from anybody who has it, so it survives
//! its sender. When everybody has reported that it has delivered a message, and all that they had when they reported is
//! delivered here, the message is *causally stable*: whatever is delivered here from now on was broadcast by somebody
//! who had delivered it (Baquero, Almeida and Shoker, "Pure Operation-Based Replicated Data Types", 2017).

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::hash::Hash;

use seedbed_sim::NodeId;
use serde::{Deserialize, Serialize};

use crate::replication::crdt::clock::{Dot, ReplicaId};
use crate::replication::crdt::context::Context;

/// In which order messages are delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// None before those that causally precede it.
    Causal,
    /// As they come. Each once, all in the end.
    Any,
}

/// A message of the broadcast.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Message<P> {
    /// Its name: of one sender's, each number is used once, without gaps.
    pub dot: Dot,
    /// What its sender had delivered before.
    pub after: Context,
    /// What it is about.
    pub payload: P,
}

/// One member's side of the broadcast. It sends nothing itself: it says what is to be delivered and what others lack.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Broadcast<P> {
    order: Order,
    /// Planted: what comes twice is delivered twice.
    repeats: bool,
    delivered: Context,
    /// What was delivered and not since been pruned, in the order of delivery.
    log: Vec<Message<P>>,
    /// What was pruned: it is delivered everywhere.
    pruned: Context,
    /// What came before what it is after.
    waiting: Vec<Message<P>>,
    /// What each other member had delivered when it last said so.
    reports: BTreeMap<NodeId, Context>,
}

impl<P: Clone + Debug + Eq + Hash> Broadcast<P> {
    /// A member that has delivered nothing.
    pub fn new(order: Order) -> Self {
        Broadcast {
            order,
            repeats: false,
            delivered: Context::default(),
            log: Vec::new(),
            pruned: Context::default(),
            waiting: Vec::new(),
            reports: BTreeMap::new(),
        }
    }

    /// Plants a bug: what comes twice is delivered twice.
    pub fn repeating(self) -> Self {
        Broadcast { repeats: true, ..self }
    }

    /// What it has delivered.
    pub fn delivered(&self) -> &Context {
        &self.delivered
    }

    /// What it keeps for those who may lack it.
    pub fn log(&self) -> &[Message<P>] {
        &self.log
    }

    /// What everybody has, and is no longer kept.
    pub fn pruned(&self) -> &Context {
        &self.pruned
    }

    /// How many messages wait for others.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Broadcasts: the sender delivers its own at once. The message is to be sent to all others.
    ///
    /// # Panics
    /// If the name is not the sender's next one.
    pub fn broadcast(&mut self, dot: Dot, payload: P) -> Message<P> {
        let upto = self.delivered.upto(&dot.replica);
        assert!(dot.counter == upto + 1, "a sender numbers its messages without gaps: {dot:?} after {upto}");
        let message = Message { dot, after: self.delivered.clone(), payload };
        self.deliver(message.clone());
        message
    }

    fn deliver(&mut self, message: Message<P>) {
        self.delivered.insert(message.dot);
        self.log.push(message);
    }

    /// Takes a message, and returns what is now delivered, in order: nothing, if it has come before or has to wait, or
    /// also those that have waited for it.
    pub fn receive(&mut self, message: Message<P>) -> Vec<Message<P>> {
        let had = self.delivered.contains(&message.dot);
        if had && !self.repeats || self.waiting.iter().any(|waiting| waiting.dot == message.dot) {
            return Vec::new();
        }
        if had {
            return vec![message];
        }
        self.waiting.push(message);
        let mut ready = Vec::new();
        while let Some(next) = self.waiting.iter().position(|message| self.is_ready(message)) {
            let message = self.waiting.swap_remove(next);
            self.deliver(message.clone());
            ready.push(message);
        }
        ready
    }

    /// The delivery condition: all that the message is after is delivered, its sender's earlier ones among it.
    fn is_ready(&self, message: &Message<P>) -> bool {
        match self.order {
            Order::Causal => self.delivered.includes(&message.after),
            Order::Any => true,
        }
    }

    /// What somebody lacks who has delivered `theirs`, in causal order; nothing at all can be said if some of it was
    /// pruned here.
    pub fn missing(&self, theirs: &Context) -> Option<Vec<Message<P>>> {
        let lacks = |message: &&Message<P>| !theirs.contains(&message.dot);
        theirs.includes(&self.pruned).then(|| self.log.iter().filter(lacks).cloned().collect())
    }

    /// Another member reports what it has delivered. Only counts if all of that is delivered here too: else something
    /// may still come from there that its reporter made before it had delivered what it reports.
    pub fn report(&mut self, member: NodeId, delivered: &Context) {
        if self.delivered.includes(delivered) {
            self.reports.entry(member).or_default().join(delivered);
        }
    }

    /// Another member has begun anew, as this replica: what it reported before does not count. What has come from an
    /// earlier one of its replicas and waits here is dropped: who has delivered it has what it waits for, and sends
    /// both. If nobody has, it is too late for it, for who begins anew was told that this member does not have it.
    pub fn succeeded_by(&mut self, successor: ReplicaId) {
        self.reports.remove(&successor.node);
        let outdated = |replica: ReplicaId| replica.node == successor.node && replica < successor;
        self.waiting.retain(|message| !outdated(message.dot.replica));
    }

    /// Another member is known as this replica now: what its node reported before does not count.
    pub fn forget_report(&mut self, member: NodeId) {
        self.reports.remove(&member);
    }

    /// What is causally stable: delivered here, and everywhere else as far as the others have reported.
    pub fn stable(&self, others: &[NodeId]) -> Context {
        let nothing = Context::default();
        let reports = others.iter().map(|other| self.reports.get(other).unwrap_or(&nothing));
        reports.fold(self.delivered.clone(), |stable, report| stable.meet(report))
    }

    /// Drops messages that are in `stable`; returns their names.
    pub fn prune(&mut self, stable: &Context) -> Vec<Dot> {
        let mut dropped = Vec::new();
        self.log.retain(|message| {
            let goes = stable.contains(&message.dot);
            dropped.extend(goes.then_some(message.dot));
            !goes
        });
        dropped.iter().for_each(|dot| self.pruned.insert(*dot));
        dropped
    }

    /// Goes on where another member is, who has delivered all that this one has.
    ///
    /// # Panics
    /// If it has not.
    pub fn go_on_from(&mut self, delivered: Context, log: Vec<Message<P>>, pruned: Context) {
        assert!(
            delivered.includes(&self.delivered),
            "a snapshot has all that was delivered here: {delivered:?} and {:?}",
            self.delivered
        );
        (self.delivered, self.log, self.pruned) = (delivered, log, pruned);
        self.waiting.clear();
    }

    /// Recovers a message from the log of this member: it was delivered before.
    pub fn recover(&mut self, message: Message<P>) {
        self.deliver(message);
    }
}
