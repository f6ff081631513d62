//! Everything in a world but its processes: what the effects of handlers change.

use std::any::TypeId;
use std::collections::BTreeMap;
use std::hash::Hash;
use std::ops::RangeInclusive;

use crate::choice::Source;
use crate::choice::{Choices, Kinds};
use crate::disk::Stored;
use crate::disk::{File, NEVER_WRITTEN};
use crate::effects::{Effects, Path};
use crate::fault::{Fault, FaultClass};
use crate::fingerprint::StableHasher;
use crate::history::{History, Outcome};
use crate::kind::Kinded;
use crate::mark::Mark;
use crate::model::{Model, Op, Ret};
use crate::network::{Cut, CutMode, Fate, Links, NodeSet};
use crate::process::{NoDisk, NodeId, OpId, Process};
use crate::scenario::{Case, Scenario};
use crate::stack::Floor;
use crate::stats::Stats;
use crate::time::{Span, Time};
use crate::timeline::{Entry, Happening, Undelivered};
use crate::undecided::MOST_RECORDED;
use crate::workload::Operation;
use crate::world::node::{Node, Output};
use crate::world::queue::{Order, Queue};

/// The payload of a queued event.
#[derive(Clone, Debug)]
pub(crate) enum Event<P: Process> {
    Heal,
    FaultBegins(usize),
    FaultEnds(usize),
    Start(NodeId),
    Invoke(usize),
    SyncEnds {
        node: NodeId,
        life: u32,
    },
    Timer {
        node: NodeId,
        slot: u32,
    },
    /// Sender and receiver are in its [`Order`].
    Message(P::Message),
    Serve(NodeId),
}

/// The timeline of a world that records.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recording {
    pub(crate) entries: Vec<Entry>,
    /// The numbers of messages, by event name. A duplicate has the number of its original.
    pub(crate) numbers: BTreeMap<Order, u64>,
    /// The memory that the entries take, about, in bytes.
    bytes: usize,
}

impl Recording {
    fn push(&mut self, at: Time, what: Happening) {
        self.bytes += size_of::<Entry>() + what.text_bytes();
        self.entries.push(Entry { at, what });
    }

    /// Whether it takes more memory than it may.
    pub(crate) fn is_full(&self) -> bool {
        self.bytes > MOST_RECORDED
    }
}

/// Links that a fault makes slower.
#[derive(Clone, Debug)]
pub(crate) struct Delay {
    pub(crate) fault: usize,
    pub(crate) from: NodeSet,
    pub(crate) to: NodeSet,
    pub(crate) by: Span,
}

#[derive(Clone)]
pub(crate) struct Core<M: Model> {
    pub(crate) scenario: Scenario<M>,
    /// The planted bug, as the model lists it.
    pub(crate) bug: Option<&'static str>,
    pub(crate) operations: Vec<Operation<Op<M>>>,
    pub(crate) faults: Vec<Fault>,
    /// By index in the plan: the faults in force, with their targets resolved.
    pub(crate) active: Vec<Option<Fault<NodeId>>>,
    /// Every fault that began.
    pub(crate) struck: Vec<(usize, Fault<NodeId>)>,
    /// Faults that wait for a holder of their role, by index, and until when they wait.
    pub(crate) waiting_faults: Vec<(usize, Time)>,
    pub(crate) now: Time,
    pub(crate) queue: Queue<Event<M::Process>>,
    pub(crate) nodes: Vec<Node<M::Process>>,
    pub(crate) links: Links,
    pub(crate) choices: Choices,
    pub(crate) cuts: Vec<Cut>,
    pub(crate) delays: Vec<Delay>,
    /// Messages that a cut of [`CutMode::Hold`] has stopped.
    pub(crate) held: Vec<(Order, <M::Process as Process>::Message)>,
    /// Whether the world has healed, so that nothing is lost or duplicated any more.
    pub(crate) healed: bool,
    /// By kind of message: whether it keeps its order.
    pub(crate) fifo: Vec<bool>,
    /// Whether messages have no other fate than a latency from the seed: nothing is lost, duplicated, recorded or
    /// named, and links have no bandwidth. Such messages take a faster path.
    pub(crate) ordinary: bool,
    pub(crate) history: History<Op<M>, Ret<M>>,
    pub(crate) marks: Vec<(&'static str, u64)>,
    pub(crate) stats: Stats,
    /// See [`Scenario::most_events`].
    pub(crate) most_events: u64,
    pub(crate) fingerprint: StableHasher,
    pub(crate) recording: Option<Recording>,
    /// madsim's clock, if the model [reads it](Model::READS_MADSIM_TIME).
    #[cfg(madsim)]
    pub(crate) clock: Option<madsim::time::TimeHandle>,
}

impl<M: Model> Core<M> {
    pub(crate) fn new(case: &Case<M>, source: &Source, record: bool) -> Self {
        let size = case.scenario.config.size();
        let keeps_order = |kind| {
            let scenario = &case.scenario;
            scenario.network.fifo || scenario.config.fifo(&<M::Process as Process>::Message::kind_name(kind))
        };
        let fifo = (0..<M::Process as Process>::Message::kind_count()).map(keeps_order).collect();
        let messages = Kinds::of::<<M::Process as Process>::Message>();
        let timers = Kinds::of::<<M::Process as Process>::Timer>();
        let scenario = case.scenario.clone();
        let service = |n| scenario.service.get(&n).copied().unwrap_or(Span::ZERO);
        let mut nodes: Vec<_> = (0..size).map(|n| Node::new(false, service(NodeId(n as u16)))).collect();
        for node in &scenario.nodes {
            nodes[node.index()].present = true;
        }
        let links = Links::new(size);
        let choices = Choices::new(source, record, size, messages, timers);
        let network = &scenario.network;
        let ordinary = !record
            && choices.only_from_seed()
            && !links.sparse()
            && (network.loss_ppm, network.dup_ppm, network.bandwidth) == (0, 0, None);
        Core {
            bug: scenario.planted(),
            operations: case.operations.clone(),
            active: vec![None; case.faults.len()],
            faults: case.faults.clone(),
            struck: Vec::new(),
            waiting_faults: Vec::new(),
            now: Time::ZERO,
            queue: Queue::new(),
            nodes,
            links,
            choices,
            cuts: Vec::new(),
            delays: Vec::new(),
            held: Vec::new(),
            healed: false,
            fifo,
            ordinary,
            history: History::default(),
            marks: Vec::new(),
            stats: Stats::default(),
            most_events: scenario.most_events(),
            fingerprint: StableHasher::default(),
            recording: record.then(Recording::default),
            #[cfg(madsim)]
            clock: M::READS_MADSIM_TIME.then(madsim::time::TimeHandle::try_current).flatten(),
            scenario,
        }
    }

    /// Whether the run has had as many events as it may, or sent more messages: those would be events to come.
    #[inline(always)]
    pub(crate) fn is_spent(&self) -> bool {
        self.stats.events >= self.most_events
            || self.stats.sent > self.most_events
            || self.recording.as_ref().is_some_and(Recording::is_full)
    }

    #[inline]
    pub(crate) fn record(&mut self, what: impl FnOnce() -> Happening) {
        if let Some(recording) = &mut self.recording {
            recording.push(self.now, what());
        }
    }

    pub(crate) fn fault_fired(&mut self, class: FaultClass) {
        self.stats.faults[class as usize] += 1;
    }

    /// Hands a message to the network.
    #[inline(always)]
    pub(crate) fn transmit(&mut self, from: NodeId, to: NodeId, message: <M::Process as Process>::Message) {
        assert!(to.index() < self.nodes.len(), "{from} sends to {to}, which this world does not have");
        if self.ordinary && self.cuts.is_empty() && self.delays.is_empty() {
            self.transmit_ordinary(from, to, message);
        } else {
            self.transmit_by_name(from, to, message);
        }
    }

    /// A message whose fate is only a latency ([`Core::ordinary`]).
    #[inline(never)]
    fn transmit_ordinary(&mut self, from: NodeId, to: NodeId, message: <M::Process as Process>::Message) {
        let link = self.links.get(from, to);
        let order = Order::message(from, to, link.sent, false);
        let network = &self.scenario.network;
        let latency = self.choices.latency((from, to), network, link);
        let arrival = link.arrival(self.now + latency, self.fifo[message.kind() as usize], network.fifo);
        self.stats.sent += 1;
        self.stats.arrival(arrival, self.now);
        self.queue.push(arrival.at, order, Event::Message(message));
    }

    /// The same for any message. Its fate is drawn before cuts are considered, so that removing a partition from a trace renames
    /// no choice.
    #[inline(never)]
    fn transmit_by_name(&mut self, from: NodeId, to: NodeId, message: <M::Process as Process>::Message) {
        let kind = message.kind();
        let seek = self.links.sparse();
        let link = self.links.get(from, to);
        let n = link.sent;
        let fate = self.choices.send((from, to, kind), &self.scenario.network, self.healed, link, seek);
        let id = self.stats.sent;
        self.stats.sent += 1;
        let order = Order::message(from, to, n, false);
        if self.recording.is_some() {
            self.record_sent(id, order, fate, &message);
        }
        if fate.lost {
            return self.lost(order, &message);
        }
        if !self.cuts.is_empty() && self.stopped(from, to) == Some(CutMode::Drop) {
            return self.cut(order, &message);
        }
        let departs = self.departure(from, to, &message);
        if let Some(copy) = fate.copy {
            self.stats.doubled += 1;
            self.fault_fired(FaultClass::Dup);
            self.schedule_arrival(Order::message(from, to, n, true), kind, message.clone(), departs + copy);
        }
        self.schedule_arrival(order, kind, message, departs + fate.latency);
    }

    #[cold]
    fn record_sent(&mut self, id: u64, order: Order, fate: Fate, message: &<M::Process as Process>::Message) {
        let (from, to) = order.link();
        let kind = crate::kind::name_of(message);
        self.record(|| Happening::Sent { message: id, from, to, kind, text: format!("{message:?}") });
        if let Some(recording) = &mut self.recording {
            recording.numbers.insert(order, id);
            if fate.copy.is_some() {
                recording.numbers.insert(order.of_copy(), id);
            }
        }
    }

    /// When a message sent now leaves its node, after queueing for bandwidth and delays by faults.
    fn departure(&mut self, from: NodeId, to: NodeId, message: &<M::Process as Process>::Message) -> Time {
        let mut departs = self.now;
        if let Some(bandwidth) = self.scenario.network.bandwidth {
            let link = self.links.get(from, to);
            let nanos = u128::from(M::Process::size(message)) * 1_000_000_000 / u128::from(bandwidth);
            departs = departs.max(link.busy_until) + Span(nanos as u64);
            link.busy_until = departs;
        }
        for delay in &self.delays {
            if delay.from.contains(from) && delay.to.contains(to) {
                departs += delay.by;
                self.stats.faults[FaultClass::Reorder as usize] += 1;
            }
        }
        departs
    }

    #[cold]
    fn lost(&mut self, order: Order, message: &<M::Process as Process>::Message) {
        self.stats.lost += 1;
        self.fault_fired(FaultClass::Loss);
        self.undelivered(order, message, Undelivered::Lost);
    }

    fn schedule_arrival(&mut self, order: Order, kind: u16, message: <M::Process as Process>::Message, at: Time) {
        let (from, to) = order.link();
        let arrival = self.links.get(from, to).arrival(at, self.fifo[kind as usize], self.scenario.network.fifo);
        self.stats.arrival(arrival, self.now);
        self.queue.push(arrival.at, order, Event::Message(message));
    }

    /// The effect of active cuts on messages of this link; dropping takes precedence over holding.
    pub(crate) fn stopped(&self, from: NodeId, to: NodeId) -> Option<CutMode> {
        let mut modes = self.cuts.iter().filter(|cut| cut.stops(from, to)).map(|cut| cut.mode);
        let first = modes.next()?;
        Some(if modes.any(|mode| mode == CutMode::Drop) { CutMode::Drop } else { first })
    }

    #[cold]
    pub(crate) fn cut(&mut self, order: Order, message: &<M::Process as Process>::Message) {
        self.stats.cut += 1;
        self.fault_fired(FaultClass::Partition);
        self.undelivered(order, message, Undelivered::Cut);
    }

    #[cold]
    pub(crate) fn hold(&mut self, order: Order, message: <M::Process as Process>::Message) {
        self.record_message(order, &message, |message, from, to, kind| Happening::Held { message, from, to, kind });
        self.held.push((order, message));
    }

    pub(crate) fn undelivered(&mut self, order: Order, message: &<M::Process as Process>::Message, why: Undelivered) {
        self.record_message(order, message, |message, from, to, kind| Happening::Undelivered {
            message,
            from,
            to,
            kind,
            why,
        });
    }

    /// Records what happened to a message, with its number, sender, receiver and kind.
    #[inline(always)]
    pub(crate) fn record_message(
        &mut self,
        order: Order,
        message: &<M::Process as Process>::Message,
        what: impl FnOnce(u64, NodeId, NodeId, String) -> Happening,
    ) {
        if let Some(recording) = &mut self.recording {
            let (from, to) = order.link();
            let what = what(recording.numbers[&order], from, to, crate::kind::name_of(message));
            recording.push(self.now, what);
        }
    }

    #[inline]
    pub(crate) fn put_out(&mut self, node: NodeId, output: Output<M::Process>) {
        match output {
            Output::Send { to, message } => self.transmit(node, to, message),
            Output::Complete { op, ret } => {
                self.record(|| Happening::Ended { node, op, text: format!("{ret:?}"), failed: false });
                ret.hash(&mut self.fingerprint);
                self.end_operation(node, op, Outcome::Returned { ret, at: self.now });
            }
            Output::Fail { op, reason } => {
                self.record(|| Happening::Ended { node, op, text: format!("failed: {reason}"), failed: true });
                self.end_operation(node, op, Outcome::Failed { reason, at: self.now });
            }
            Output::GiveUp { op, reason } => {
                self.record(|| Happening::Ended { node, op, text: format!("given up: {reason}"), failed: true });
                if self.history.give_up(op) {
                    self.invoke_next(node, op);
                }
            }
        }
    }

    fn end_operation(&mut self, node: NodeId, op: OpId, outcome: Outcome<Ret<M>>) {
        if self.history.end(op, outcome) {
            self.invoke_next(node, op);
        }
    }

    /// An operation has ended for its client, which can take the next one.
    fn invoke_next(&mut self, node: NodeId, op: OpId) {
        let node = &mut self.nodes[node.index()];
        if node.open == Some(op) {
            node.open = None;
            if let Some(next) = node.waiting.pop_front() {
                self.queue.push(self.now, Order::operation(next), Event::Invoke(next));
            }
        }
    }

    pub(crate) fn mark(&mut self, node: NodeId, name: &'static str) {
        match self.marks.iter_mut().find(|(known, _)| std::ptr::eq(*known, name) || *known == name) {
            Some((_, count)) => *count += 1,
            None => self.marks.push((name, 1)),
        }
        self.record(|| Happening::Marked { node, name: name.to_string() });
    }
}

/// Whether processes of this model never write, so that their outputs need not wait for a disk.
#[inline(always)]
pub(crate) fn diskless<M: Model>() -> bool {
    TypeId::of::<<M::Process as Process>::Record>() == TypeId::of::<NoDisk>()
}

/// The effects of a handler on one node of a world.
pub(crate) struct NodeEffects<'a, M: Model> {
    pub(crate) core: &'a mut Core<M>,
    pub(crate) node: NodeId,
    /// How low the stack may come.
    pub(crate) floor: Floor,
}

impl<M: Model> NodeEffects<'_, M> {
    #[inline(always)]
    fn node(&mut self) -> &mut Node<M::Process> {
        &mut self.core.nodes[self.node.index()]
    }

    #[inline(always)]
    fn put_out(&mut self, output: Output<M::Process>, early: bool) {
        if early || diskless::<M>() {
            self.core.put_out(self.node, output);
        } else {
            self.node().outbox.push(output);
        }
    }

    /// Halts a node that writes to a full disk.
    fn no_room(&mut self) -> bool {
        let full = self.node().full > 0;
        if full {
            self.core.fault_fired(FaultClass::Disk);
            self.node().halting = Some("its disk is full".into());
        }
        full
    }
}

impl<M: Model>
    Effects<
        <M::Process as Process>::Message,
        <M::Process as Process>::Timer,
        <M::Process as Process>::Record,
        <M::Process as Process>::Ret,
    > for NodeEffects<'_, M>
{
    #[inline]
    fn send(&mut self, to: NodeId, message: <M::Process as Process>::Message, early: bool) {
        self.floor.guard();
        // Not as an `Output`: most messages leave here, and need not be stored first.
        if early || diskless::<M>() {
            self.core.transmit(self.node, to, message);
        } else {
            self.node().outbox.push(Output::Send { to, message });
        }
    }

    #[inline]
    fn arm(&mut self, timer: <M::Process as Process>::Timer, after: Span) {
        self.floor.guard();
        let id = self.node;
        let Core { nodes, choices, scenario, queue, now, .. } = &mut *self.core;
        let node = &mut nodes[id.index()];
        node.forget_due(&timer);
        let kind = timer.kind();
        let n = node.timers.next_arming(kind);
        let late = choices.timer(id, kind, n, scenario.timer_jitter);
        let due = node.clock.read(*now) + after;
        let at = (node.clock.when(due) + late).max(*now);
        if let Some(entry) = node.timers.arm(timer, n, due, late, at) {
            let event = Event::Timer { node: id, slot: entry.slot };
            queue.push(entry.at, Order::timer(id, entry.kind, entry.n), event);
        }
    }

    #[inline]
    fn cancel(&mut self, timer: &<M::Process as Process>::Timer) {
        self.floor.guard();
        self.node().timers.cancel(timer);
        self.node().forget_due(timer);
    }

    fn draw(&mut self, path: Path<'_>, range: RangeInclusive<u64>) -> u64 {
        self.floor.guard();
        self.core.choices.draw(self.node, path, *range.start(), *range.end())
    }

    fn append(&mut self, file: File, record: <M::Process as Process>::Record) -> u64 {
        self.floor.guard();
        if self.no_room() {
            return NEVER_WRITTEN;
        }
        self.core.stats.forced += 1;
        self.node().disk.append(file, record)
    }

    fn append_lazily(&mut self, file: File, record: <M::Process as Process>::Record) -> u64 {
        self.floor.guard();
        if self.no_room() {
            return NEVER_WRITTEN;
        }
        self.core.stats.lazy += 1;
        self.node().disk.append_lazily(file, record)
    }

    fn replace(&mut self, file: File, records: Vec<<M::Process as Process>::Record>) -> u64 {
        self.floor.guard();
        if self.no_room() {
            return NEVER_WRITTEN;
        }
        self.core.stats.forced += 1;
        self.node().disk.replace(file, records)
    }

    fn read(&self, file: File) -> Vec<Stored<<M::Process as Process>::Record>> {
        self.floor.guard();
        self.core.nodes[self.node.index()].disk.read(file)
    }

    fn durable(&self) -> bool {
        self.floor.guard();
        self.core.nodes[self.node.index()].disk.settled()
    }

    fn written(&self) -> u64 {
        self.floor.guard();
        self.core.nodes[self.node.index()].disk.written()
    }

    fn durable_to(&self) -> u64 {
        self.floor.guard();
        self.core.nodes[self.node.index()].disk.durable()
    }

    fn complete(&mut self, op: OpId, ret: Ret<M>, early: bool) {
        self.floor.guard();
        self.put_out(Output::Complete { op, ret }, early);
    }

    fn fail(&mut self, op: OpId, reason: &str) {
        self.floor.guard();
        self.put_out(Output::Fail { op, reason: reason.to_string() }, false);
    }

    fn give_up(&mut self, op: OpId, reason: &str) {
        self.floor.guard();
        self.put_out(Output::GiveUp { op, reason: reason.to_string() }, false);
    }

    fn mark(&mut self, mark: Mark) {
        self.floor.guard();
        tracing::debug!("* {}", mark.name);
        self.core.mark(self.node, mark.name);
    }

    fn note(&mut self, text: &dyn Fn() -> String) {
        self.floor.guard();
        let node = self.node;
        tracing::debug!("{}", text());
        self.core.record(|| Happening::Noted { node, text: text() });
    }

    fn halt(&mut self, reason: &str) {
        self.floor.guard();
        self.node().halting = Some(reason.to_string());
    }

    fn byzantine(&self) -> bool {
        self.floor.guard();
        self.core.nodes[self.node.index()].lies > 0
    }
}
