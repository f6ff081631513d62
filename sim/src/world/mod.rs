//! The world: a virtual clock, a queue of events, and the nodes.
//!
//! A world is a function of its case and its source of choices. Handlers take no time unless the scenario gives their
//! node a service time. Events at one instant run in the order of their names: faults, then starts, operations, ends of
//! syncs, timers, messages.

mod core;
mod faults;
mod node;
mod queue;
mod timers;

use std::hash::{Hash, Hasher};

use crate::choice::Deviation;
use crate::choice::Source;
use crate::disk::File;
use crate::disk::{Stored, WriteFate};
use crate::fault::{Fault, FaultClass};
use crate::history::{History, Invocation};
use crate::log;
use crate::model::{Model, Op, Ret};
use crate::network::CutMode;
use crate::process::Context;
use crate::process::{NodeId, OpId, Process};
use crate::scenario::{Case, Impossible, Scenario};
use crate::stack::Floor;
use crate::stats::Stats;
use crate::time::{Span, Time};
use crate::timeline::{Entry, Happening, Undelivered};
use crate::undecided::Undecided;

use self::core::{Core, Event, NodeEffects, Recording};
use self::node::Arrival;
use self::queue::Order;
use self::timers::Wake;

/// A simulated world of one model.
///
/// [`crate::check()`] creates worlds; properties look at them.
///
/// ```
/// use seedbed_sim::{Case, Source, World};
/// # use seedbed_sim::doc::PingPong;
/// let mut world = World::new(&Case::quiet(PingPong), &Source::Seed(7)).unwrap();
/// while world.step() {}
/// assert!(world.stats().delivered > 0);
/// ```
#[derive(Clone)]
pub struct World<M: Model> {
    processes: Vec<Option<M::Process>>,
    core: Core<M>,
    /// Cleared at the beginning of each event; kept to reuse its memory.
    changed: Vec<NodeId>,
    logging: bool,
}

impl<M: Model> World<M> {
    /// A world before its first event.
    ///
    /// # Errors
    /// If no world can run this case.
    pub fn new(case: &Case<M>, source: &Source) -> Result<Self, Impossible> {
        case.validate()?;
        Ok(Self::begin(case, source, false))
    }

    /// A world that records its timeline and every choice that is not the default.
    ///
    /// # Errors
    /// If no world can run this case.
    pub fn recording(case: &Case<M>, source: &Source) -> Result<Self, Impossible> {
        case.validate()?;
        Ok(Self::begin(case, source, true))
    }

    pub(crate) fn begin(case: &Case<M>, source: &Source, record: bool) -> Self {
        let mut core = Core::new(case, source, record);
        let heal_at = core.scenario.phases.heal_at();
        core.queue.push(heal_at, Order::HEAL, Event::Heal);
        for (index, fault) in core.faults.iter().enumerate().filter(|(_, fault)| fault.at < heal_at) {
            core.queue.push(fault.at, Order::fault(index), Event::FaultBegins(index));
        }
        for node in &core.scenario.nodes {
            core.queue.push(Time::ZERO, Order::start(*node), Event::Start(*node));
        }
        for (index, operation) in core.operations.iter().enumerate() {
            core.queue.push(operation.at, Order::operation(index), Event::Invoke(index));
        }
        let processes = core.nodes.iter().map(|_| None).collect();
        World { processes, core, changed: Vec::new(), logging: log::wanted() }
    }

    // ---------------------------------------------------------------------------------------------------------------
    // State that properties look at

    /// The world's time.
    pub fn now(&self) -> Time {
        self.core.now
    }

    /// The scenario.
    pub fn scenario(&self) -> &Scenario<M> {
        &self.core.scenario
    }

    /// The model's configuration.
    pub fn config(&self) -> &M {
        &self.core.scenario.config
    }

    /// The nodes of the scenario, whether up or down.
    pub fn present(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.core.scenario.nodes.iter().copied()
    }

    /// The process of a node, if it is up.
    #[inline]
    pub fn process(&self, node: NodeId) -> Option<&M::Process> {
        self.processes.get(node.index())?.as_ref()
    }

    /// The nodes that are up, with their processes.
    pub fn processes(&self) -> impl Iterator<Item = (NodeId, &M::Process)> {
        let named = self.processes.iter().enumerate();
        named.filter_map(|(index, process)| Some((NodeId(index as u16), process.as_ref()?)))
    }

    /// The nodes whose states or disks the last event may have changed, each once, in the order in which they changed:
    /// those that handled something, started, or were taken down. Most events change one node; a fault may change none;
    /// and several nodes start in one event when the world heals. Every start is an event, so a property that looks
    /// only at these nodes has seen each process from its beginning.
    #[inline]
    pub fn changed(&self) -> &[NodeId] {
        &self.changed
    }

    /// The number of times that a node has crashed, or its *incarnation*. A property that remembers volatile state of a
    /// node must forget it when this changes; [`PerLife`](crate::PerLife) does.
    pub fn life(&self, node: NodeId) -> u32 {
        self.core.nodes[node.index()].life
    }

    /// The records of a file on a node's disk, synced or not; also while the node is down.
    pub fn disk(&self, node: NodeId, file: File) -> &[Stored<<M::Process as Process>::Record>] {
        self.core.nodes[node.index()].disk.records(file)
    }

    /// The records of a file on a node's disk up to the first damaged one, synced or not: a log as the node would read
    /// it back.
    pub fn log(&self, node: NodeId, file: File) -> impl Iterator<Item = &<M::Process as Process>::Record> {
        self.disk(node, file).iter().map_while(|stored| match stored {
            Stored::Good(record) => Some(record),
            Stored::Torn | Stored::Corrupt => None,
        })
    }

    /// A node's own clock.
    pub fn clock(&self, node: NodeId) -> Time {
        self.core.nodes[node.index()].clock.read(self.core.now)
    }

    /// Whether a node is paused.
    pub fn paused(&self, node: NodeId) -> bool {
        self.core.nodes[node.index()].pauses > 0
    }

    /// Whether a Byzantine fault is in force on a node.
    pub fn byzantine(&self, node: NodeId) -> bool {
        self.core.nodes[node.index()].lies > 0
    }

    /// Whether a cut stops messages that are sent now.
    pub fn is_cut(&self, from: NodeId, to: NodeId) -> bool {
        self.core.stopped(from, to).is_some()
    }

    /// Whether any links are cut, and whether any are delayed by a fault.
    pub(crate) fn links_disturbed(&self) -> (bool, bool) {
        (!self.core.cuts.is_empty(), !self.core.delays.is_empty())
    }

    /// Whether chaos is over and the world has healed.
    pub fn healed(&self) -> bool {
        self.core.healed
    }

    /// The operations that were invoked so far, with their answers.
    pub fn history(&self) -> &History<Op<M>, Ret<M>> {
        &self.core.history
    }

    /// The operations that clients wait for: they have not ended, and no crash of the client has made it forget that it asked.
    pub fn outstanding(&self) -> impl Iterator<Item = &Invocation<Op<M>, Ret<M>>> {
        let invocations = self.core.history.invocations().iter();
        invocations.filter(|asked| self.core.nodes[asked.client.index()].open == Some(asked.id))
    }

    /// Those of them that clients have waited for since long ago: for `within` at least, not counting the time before the world
    /// healed.
    pub fn overdue(&self, within: Span) -> impl Iterator<Item = &Invocation<Op<M>, Ret<M>>> {
        let heal_at = self.core.scenario.phases.heal_at();
        self.outstanding().filter(move |asked| self.now().since(asked.invoked.max(heal_at)) >= within)
    }

    /// The messages on their way, with sender and receiver: those that have left their node and were not handled yet, copies
    /// included. In no order, so that a property must not depend on any.
    pub fn in_flight(&self) -> impl Iterator<Item = (NodeId, NodeId, &<M::Process as Process>::Message)> {
        let on_links = self.core.queue.iter().filter_map(|(order, event)| match event {
            Event::Message(message) => Some((order, message)),
            _ => None,
        });
        let arrivals = self.core.nodes.iter().flat_map(|node| &node.inbox);
        let arrived = arrivals.filter_map(|arrival| match arrival {
            Arrival::Message(order, message) => Some((*order, message)),
            _ => None,
        });
        on_links.chain(arrived).map(|(order, message)| {
            let (from, to) = order.link();
            (from, to, message)
        })
    }

    /// Counts so far.
    pub fn stats(&self) -> &Stats {
        &self.core.stats
    }

    /// How often each mark was made ([`Context::mark`]).
    pub fn marks(&self) -> &[(&'static str, u64)] {
        &self.core.marks
    }

    /// The marks, including those of [`Model::reached`].
    pub(crate) fn marks_in_all(&self) -> Vec<(&'static str, u64)> {
        let mut marks = self.core.marks.clone();
        let made = marks.len();
        for process in self.processes.iter().flatten() {
            self.config().reached(process, &mut |name| marks.push((name, 1)));
        }
        // Several processes may reach the same marks; their counts are added.
        marks[made..].sort_unstable();
        marks.dedup_by(|next, kept| {
            let same = std::ptr::eq(next.0, kept.0);
            kept.1 += if same { next.1 } else { 0 };
            same
        });
        marks
    }

    /// The faults that began so far, each with its index in the plan and with roles resolved to nodes.
    pub fn struck(&self) -> &[(usize, Fault<NodeId>)] {
        &self.core.struck
    }

    /// The timers of a node that are armed, and when they are due on its clock.
    pub fn timers(&self, node: NodeId) -> impl Iterator<Item = (&<M::Process as Process>::Timer, Time)> {
        self.core.nodes[node.index()].timers.armed()
    }

    /// A hash of all events, messages, operations and answers so far.
    pub fn fingerprint(&self) -> u64 {
        self.core.fingerprint.finish()
    }

    /// A hash of the states of all nodes, whatever events led there.
    pub fn state_hash(&self) -> u64 {
        crate::fingerprint::stable_hash(&self.processes)
    }

    /// The timeline; empty unless the world records.
    pub fn timeline(&self) -> &[Entry] {
        self.core.recording.as_ref().map_or(&[], |recording| &recording.entries)
    }

    /// The history of a finished run.
    pub fn into_history(self) -> History<Op<M>, Ret<M>> {
        self.core.history
    }

    /// Stops recording the timeline; choices are still recorded.
    pub(crate) fn forget_timeline(&mut self) {
        self.core.recording = None;
    }

    /// Takes the recorded timeline and the recorded choices.
    pub fn take_recording(&mut self) -> (Vec<Entry>, Vec<Deviation>) {
        (self.core.recording.take().unwrap_or_default().entries, self.core.choices.take_recorded())
    }

    /// For each deviation of a fixed source, whether the run asked for it.
    pub fn used_choices(&self) -> &[bool] {
        self.core.choices.used()
    }

    // ---------------------------------------------------------------------------------------------------------------
    // Running

    /// When the next event is due; `None` if there is none before the end.
    pub fn next_at(&self) -> Option<Time> {
        self.core.queue.next_at().filter(|at| *at <= self.core.scenario.phases.end_at())
    }

    /// Runs the next event. `false` if there is none before the end of the run, or the run has come to its bound on events
    /// ([`World::broken_off`]).
    #[inline]
    pub fn step(&mut self) -> bool {
        self.step_until(self.core.scenario.phases.end_at())
    }

    /// Runs the next event that is due by `limit`. `false` if there is none.
    #[inline]
    pub(crate) fn step_until(&mut self, limit: Time) -> bool {
        loop {
            if self.core.is_spent() {
                return false;
            }
            let Some((at, order, event)) = self.core.queue.pop_by(limit) else {
                return false;
            };
            if self.run_event(at, order, event) {
                if !self.core.waiting_faults.is_empty() {
                    self.strike_waiting_faults();
                }
                self.core.stats.events += 1;
                return true;
            }
        }
    }

    /// Why there are no more steps although the run is not over; `None` if it is over, or goes on.
    pub fn broken_off(&self) -> Option<Undecided> {
        self.next_at().and_then(|_| self.limit_reached())
    }

    /// The limit that the run has come to, if any.
    pub(crate) fn limit_reached(&self) -> Option<Undecided> {
        if self.core.recording.as_ref().is_some_and(Recording::is_full) {
            return Some(Undecided::Recording);
        }
        self.core.is_spent().then_some(Undecided::Events(self.core.most_events))
    }

    /// Advances the time to the end of the run, after the last event.
    pub(crate) fn advance_to_end(&mut self) {
        self.advance_quietly(self.core.scenario.phases.end_at());
    }

    /// Advances the time where nothing happens.
    pub(crate) fn advance_quietly(&mut self, to: Time) {
        self.changed.clear();
        self.advance_to(to);
    }

    /// Runs one event; `false` for one without effect, such as a cancelled timer.
    #[inline(always)]
    fn run_event(&mut self, at: Time, order: Order, event: Event<M::Process>) -> bool {
        self.advance_to(at);
        self.changed.clear();
        match event {
            Event::Message(message) => {
                self.fingerprint_event(at, order);
                self.arrive(order, message);
            }
            Event::Timer { node, slot } => {
                let state = &mut self.core.nodes[node.index()];
                let clock = state.clock;
                match state.timers.wake(slot, at, |due| clock.when(due)) {
                    Wake::Stale => return false,
                    Wake::Later(entry) => {
                        let order = Order::timer(node, entry.kind, entry.n);
                        self.core.queue.push(entry.at, order, Event::Timer { node, slot: entry.slot });
                        return false;
                    }
                    Wake::Due(timer) => {
                        self.fingerprint_event(at, order);
                        self.accept(node, Arrival::Timer(timer));
                    }
                }
            }
            event => return self.run_rarer_event(at, order, event),
        }
        true
    }

    /// The same for what is rarer than messages and timers, and would be in the way of these.
    #[inline(never)]
    fn run_rarer_event(&mut self, at: Time, order: Order, event: Event<M::Process>) -> bool {
        match event {
            Event::Message(_) | Event::Timer { .. } => unreachable!("they are run where they are taken"),
            Event::SyncEnds { node, life } => {
                if self.core.nodes[node.index()].life != life {
                    return false;
                }
                self.fingerprint_event(at, order);
                self.core.nodes[node.index()].disk.end_sync();
                self.core.record(|| Happening::Synced { node });
                self.accept(node, Arrival::Synced);
            }
            Event::Serve(node) => return self.serve(node, at, order),
            Event::Invoke(index) => {
                self.fingerprint_event(at, order);
                self.invoke_when_free(index);
            }
            Event::Start(node) => {
                if self.processes[node.index()].is_some() || self.core.nodes[node.index()].kept_down() {
                    return false;
                }
                self.fingerprint_event(at, order);
                self.start(node);
            }
            // A fault's index in the plan is no part of the fingerprint, because a recorded plan lacks faults that did
            // not strike.
            Event::FaultBegins(index) => {
                if !self.fault_begins(index) {
                    return false;
                }
                self.fingerprint_event(at, Order::fault(0));
            }
            Event::FaultEnds(index) => {
                if !self.fault_ends(index) {
                    return false;
                }
                self.fingerprint_event(at, Order::fault_end(0));
            }
            Event::Heal => {
                self.fingerprint_event(at, order);
                self.heal();
            }
        }
        true
    }

    #[inline]
    fn mark_changed(&mut self, node: NodeId) {
        if !self.changed.contains(&node) {
            self.changed.push(node);
        }
    }

    #[inline]
    fn fingerprint_event(&mut self, at: Time, order: Order) {
        self.core.fingerprint.word(at.0);
        self.core.fingerprint.word(order.bits());
    }

    #[inline]
    fn advance_to(&mut self, at: Time) {
        #[cfg(madsim)]
        if M::READS_MADSIM_TIME
            && let Some(clock) = &self.core.clock
            && at > self.core.now
        {
            clock.advance(std::time::Duration::from_nanos(at.0 - self.core.now.0));
        }
        self.core.now = at;
    }

    /// Leaves madsim's clock to the host of the async nodes. Draws the seed of their schedule: the choice `(draw, first
    /// node, host/schedule, 0)`.
    #[cfg(madsim)]
    pub(crate) fn begin_hosting(&mut self) -> u64 {
        self.core.clock = None;
        let name = crate::effects::Step { name: "host/schedule", instance: None };
        self.core.choices.draw(self.core.scenario.nodes[0], &[name], 0, 999_999_999)
    }

    /// Advances the time between two events.
    #[cfg(madsim)]
    pub(crate) fn pass_time(&mut self, to: Time) {
        debug_assert!(self.core.queue.next_at().is_none_or(|next| to <= next), "time does not pass an event");
        self.core.now = self.core.now.max(to);
    }

    #[inline(always)]
    fn arrive(&mut self, order: Order, message: <M::Process as Process>::Message) {
        let (from, to) = order.link();
        if !self.core.cuts.is_empty() {
            match self.core.stopped(from, to) {
                Some(CutMode::Drop) => return self.core.cut(order, &message),
                Some(CutMode::Hold) => {
                    self.core.fault_fired(FaultClass::Partition);
                    return self.core.hold(order, message);
                }
                None => {}
            }
        }
        if self.processes[to.index()].is_none() {
            self.core.stats.to_down += 1;
            return self.core.undelivered(order, &message, Undelivered::Down);
        }
        if self.idle(to) {
            self.deliver(order, message);
        } else {
            self.accept(to, Arrival::Message(order, message));
        }
    }

    /// Whether a node handles arrivals immediately.
    #[inline]
    fn idle(&self, node: NodeId) -> bool {
        let state = &self.core.nodes[node.index()];
        state.pauses == 0 && !state.serving && state.service == Span::ZERO
    }

    /// Handles an arrival at a node now, or keeps it in the inbox while the node is paused or busy.
    fn accept(&mut self, node: NodeId, arrival: Arrival<M::Process>) {
        if self.idle(node) {
            return self.handle(node, arrival);
        }
        let state = &mut self.core.nodes[node.index()];
        state.inbox.push_back(arrival);
        if state.pauses == 0 && !state.serving {
            self.serve_later(node);
        }
    }

    /// Schedules the handling of the next arrival in the inbox, if the node can continue.
    fn serve_later(&mut self, node: NodeId) {
        let state = &mut self.core.nodes[node.index()];
        if state.pauses > 0 || state.serving || state.inbox.is_empty() {
            return;
        }
        state.serving = true;
        let at = self.core.now + state.service;
        self.core.queue.push(at, Order::serve(node), Event::Serve(node));
    }

    fn serve(&mut self, node: NodeId, at: Time, order: Order) -> bool {
        let state = &mut self.core.nodes[node.index()];
        state.serving = false;
        if state.pauses > 0 {
            return false;
        }
        let Some(arrival) = state.inbox.pop_front() else {
            return false;
        };
        self.fingerprint_event(at, order);
        self.handle(node, arrival);
        self.serve_later(node);
        true
    }

    fn handle(&mut self, node: NodeId, arrival: Arrival<M::Process>) {
        match arrival {
            Arrival::Message(order, message) => self.deliver(order, message),
            Arrival::Timer(timer) => {
                self.core.record(|| Happening::Fired { node, text: format!("{timer:?}") });
                self.act(node, |process, ctx| process.timer(ctx, timer));
            }
            Arrival::Invoke(index) => self.invoke(index),
            Arrival::Synced => self.act(node, |process, ctx| process.synced(ctx)),
        }
    }

    #[inline(always)]
    fn deliver(&mut self, order: Order, message: <M::Process as Process>::Message) {
        let (from, to) = order.link();
        self.core.stats.delivered += 1;
        message.hash(&mut self.core.fingerprint);
        self.core.record_message(order, &message, |message, from, to, kind| Happening::Delivered {
            message,
            from,
            to,
            kind,
        });
        self.act(to, |process, ctx| process.message(ctx, from, message));
    }

    fn invoke_when_free(&mut self, index: usize) {
        let client = self.core.operations[index].client;
        if self.processes[client.index()].is_none() {
            self.core.stats.skipped += 1;
            return;
        }
        let state = &mut self.core.nodes[client.index()];
        if state.open.is_some() {
            return state.waiting.push_back(index);
        }
        state.open = Some(OpId(index as u64));
        self.accept(client, Arrival::Invoke(index));
    }

    fn invoke(&mut self, index: usize) {
        let operation = &self.core.operations[index];
        let (id, client, op) = (OpId(index as u64), operation.client, operation.op.clone());
        op.hash(&mut self.core.fingerprint);
        self.core.record(|| Happening::Invoked { node: client, op: id, text: format!("{op:?}") });
        self.core.history.invoke(id, client, op.clone(), self.core.now);
        self.act(client, |process, ctx| process.invoke(ctx, id, op));
    }

    /// Runs a handler on a node that is up, and processes its effects: outputs wait for the disk, a sync begins, a node
    /// that halts goes down. Does nothing on a node that is down.
    #[inline]
    pub fn act(&mut self, node: NodeId, handler: impl FnOnce(&mut M::Process, &mut Context<'_, M::Process>)) {
        self.mark_changed(node);
        let Some(process) = &mut self.processes[node.index()] else {
            return;
        };
        let now = self.core.nodes[node.index()].clock.read(self.core.now);
        if self.logging {
            let role = self.core.scenario.config.role(process).unwrap_or("");
            log::enter(self.core.now, node, role);
        }
        let bug = self.core.bug;
        let floor = Floor::below_here();
        let mut effects = NodeEffects { core: &mut self.core, node, floor };
        handler(process, &mut Context { effects: &mut effects, id: node, now, bug, floor });
        if self.logging {
            log::leave();
        }
        self.after_handler(node);
    }

    #[inline(always)]
    fn after_handler(&mut self, node: NodeId) {
        let state = &mut self.core.nodes[node.index()];
        let nothing_pending = || state.outbox.is_empty() && state.disk.settled() && state.held.is_empty();
        if state.halting.is_none() && (self::core::diskless::<M>() || nothing_pending()) {
            return;
        }
        self.commit_outputs(node);
    }

    /// Output commit: the handler's outputs leave once everything that the node has forced is durable.
    #[inline(never)]
    fn commit_outputs(&mut self, node: NodeId) {
        let state = &mut self.core.nodes[node.index()];
        if let Some(reason) = state.halting.take() {
            state.outbox.clear();
            state.halted = Some(reason.clone());
            return self.stop(node, &reason);
        }
        let forced = state.disk.forced();
        // Taken to be emptied, and put back to reuse its memory.
        let mut outputs = std::mem::take(&mut state.outbox);
        let settled = state.disk.settled();
        state.replied = settled && (state.replied || !outputs.is_empty() || !state.held.is_empty());
        if state.held.is_empty() && settled {
            for output in outputs.drain(..) {
                self.core.put_out(node, output);
            }
            self.core.nodes[node.index()].outbox = outputs;
            return;
        }
        state.held.extend(outputs.drain(..).map(|output| (forced, output)));
        state.outbox = outputs;
        while let Some((_, output)) = next_durable_output(&mut self.core, node) {
            self.core.put_out(node, output);
        }
        self.sync(node);
    }

    /// Begins a sync if there is something to sync and none is under way.
    fn sync(&mut self, node: NodeId) {
        let slow = self.slowness(node);
        let state = &mut self.core.nodes[node.index()];
        if state.disk.settled() || state.disk.syncing() {
            return;
        }
        state.disk.begin_sync();
        if slow > Span::ZERO {
            self.core.fault_fired(FaultClass::Disk);
        }
        let takes = self.core.choices.sync(node, &self.core.scenario.disk) + slow;
        if takes > Span::ZERO {
            let life = self.core.nodes[node.index()].life;
            let at = self.core.now + takes;
            return self.core.queue.push(at, Order::sync(node), Event::SyncEnds { node, life });
        }
        self.core.nodes[node.index()].disk.end_sync();
        self.act(node, |process, ctx| process.synced(ctx));
    }

    fn start(&mut self, node: NodeId) {
        let process = self.core.scenario.config.spawn(node, &self.core.scenario.nodes);
        self.processes[node.index()] = Some(process);
        self.core.record(|| Happening::Started { node });
        self.act(node, |process, ctx| process.start(ctx));
        let state = &mut self.core.nodes[node.index()];
        if state.open.is_none()
            && let Some(next) = state.waiting.pop_front()
        {
            self.core.queue.push(self.core.now, Order::operation(next), Event::Invoke(next));
        }
    }

    /// Takes a node down by a fault.
    fn take_down(&mut self, node: NodeId, why: &str, class: FaultClass) {
        self.mark_changed(node);
        if self.processes[node.index()].is_some() {
            self.core.fault_fired(class);
            self.stop(node, why);
        }
    }

    /// Stops a node: it loses its volatile state, and unsynced writes meet their fates.
    fn stop(&mut self, node: NodeId, why: &str) {
        self.processes[node.index()] = None;
        self.core.record(|| Happening::Down { node, why: why.to_string() });
        let crash = self.core.choices.crash(node);
        let Core { nodes, choices, scenario, stats, .. } = &mut self.core;
        let state = &mut nodes[node.index()];
        state.life += 1;
        state.timers.clear();
        state.outbox.clear();
        state.held.clear();
        state.replied = false;
        state.inbox.clear();
        state.open = None;
        state.disk.crash(|write| {
            let fate = choices.crashed_write(node, crash, write, &scenario.disk);
            stats.faults[FaultClass::Disk as usize] += u64::from(fate != WriteFate::Kept);
            fate
        });
    }

    /// Starts a node, unless something else keeps it down.
    fn bring_up(&mut self, node: NodeId) {
        self.mark_changed(node);
        if self.processes[node.index()].is_none() && !self.core.nodes[node.index()].kept_down() {
            self.start(node);
        }
    }
}

/// Takes the next output that waits for a write which is durable now.
fn next_durable_output<M: Model>(core: &mut Core<M>, node: NodeId) -> Option<(u64, self::node::Output<M::Process>)> {
    let state = &mut core.nodes[node.index()];
    let durable = state.disk.durable();
    match state.held.front() {
        Some((forced, _)) if *forced <= durable => state.held.pop_front(),
        _ => None,
    }
}
