//! How faults begin and end.

use crate::fault::{self, Direction, Fault, FaultClass, What};
use crate::model::Model;
use crate::network::{Cut, CutMode, NodeSet};
use crate::process::NodeId;
use crate::time::Span;
use crate::timeline::Happening;
use crate::world::World;
use crate::world::core::{Delay, Event};
use crate::world::queue::Order;

impl<M: Model> World<M> {
    /// Begins a fault. `false` if it does not strike, because nobody holds its role or the budget is used up.
    pub(super) fn fault_begins(&mut self, index: usize) -> bool {
        // A waiting fault whose time came after the world had healed.
        if self.core.healed {
            return false;
        }
        let planned = &self.core.faults[index];
        let Some(fault) = planned.strikes(|role| self.holder(role)) else {
            if let Some(within) = planned.within {
                self.core.waiting_faults.push((index, self.core.now + within));
            }
            return false;
        };
        if !self.within_budget(&fault) {
            return false;
        }
        self.core.struck.push((index, fault.clone()));
        self.core.active[index] = Some(fault.clone());
        let (text, nodes) = (fault.what.to_string(), fault.what.nodes());
        self.core.record(|| Happening::FaultBegan { text, nodes });
        if let Some(until) = fault.until() {
            self.core.queue.push(until, Order::fault_end(index), Event::FaultEnds(index));
        }
        self.strike(index, &fault);
        true
    }

    /// Waiting faults strike when a node that has just changed holds their role: one nanosecond later, so that they
    /// come after the effects of that change, in a replay too.
    pub(super) fn strike_waiting_faults(&mut self) {
        for place in 0..self.changed.len() {
            self.strike_at_holder(self.changed[place]);
        }
    }

    fn strike_at_holder(&mut self, changed: NodeId) {
        let now = self.core.now;
        if self.processes[changed.index()].is_none() {
            return;
        }
        let mut waiting = std::mem::take(&mut self.core.waiting_faults);
        waiting.retain(|(index, until)| {
            if now >= *until {
                return false;
            }
            let fault = &self.core.faults[*index];
            let struck = fault.strikes(|role| self.holds(changed, role).map(|_| changed));
            let Some(struck) = struck else { return true };
            let at = now + fault.after.unwrap_or_default().max(Span(1));
            self.core.faults[*index] = Fault { at, ..struck.into() };
            if at < self.core.scenario.phases.heal_at() {
                self.core.queue.push(at, Order::fault(*index), Event::FaultBegins(*index));
            }
            false
        });
        self.core.waiting_faults = waiting;
    }

    /// The node that holds a role now: the one of the highest rank, and of those the one with the lowest number.
    pub fn holder(&self, role: &str) -> Option<NodeId> {
        let holders = self.processes().filter_map(|(node, _)| Some((self.holds(node, role)?, std::cmp::Reverse(node))));
        holders.max().map(|(_, node)| node.0)
    }

    /// Whether the budget, if there is one, counts this node.
    fn may_fail(&self, node: NodeId) -> bool {
        self.core.scenario.budget.as_ref().is_none_or(|budget| budget.among.contains(&node))
    }

    /// The rank with which a node that is up holds a role now.
    fn holds(&self, node: NodeId, role: &str) -> Option<u64> {
        let state = &self.core.nodes[node.index()];
        match role {
            fault::UNSYNCED => (self.may_fail(node) && !state.disk.settled()).then_some(0),
            fault::REPLIED => (self.may_fail(node) && state.replied).then_some(0),
            _ => self.core.scenario.config.holds(self.processes[node.index()].as_ref()?, role),
        }
    }

    fn within_budget(&self, fault: &Fault<NodeId>) -> bool {
        let Some(budget) = &self.core.scenario.budget else {
            return true;
        };
        if !matches!(
            fault.what,
            What::Crash { .. }
                | What::Wipe { .. }
                | What::Byzantine { .. }
                | What::FullDisk { .. }
                | What::Corrupt { .. }
        ) {
            return true;
        }
        let Some(struck) = fault.what.target() else {
            return true;
        };
        if !budget.among.contains(struck) {
            return true;
        }
        let gone = |node: &&NodeId| {
            let state = &self.core.nodes[node.index()];
            **node != *struck && (state.kept_down() || state.lies > 0 || state.full > 0)
        };
        budget.among.iter().filter(gone).count() < budget.down
    }

    fn strike(&mut self, index: usize, fault: &Fault<NodeId>) {
        let now = self.core.now;
        match &fault.what {
            &What::Crash { node } => {
                self.core.nodes[node.index()].downs += 1;
                self.take_down(node, "crash", FaultClass::Crash);
            }
            What::PowerLoss { nodes } => {
                for node in nodes {
                    self.core.nodes[node.index()].downs += 1;
                    self.take_down(*node, "power loss", FaultClass::Crash);
                }
            }
            &What::Wipe { node } => {
                self.core.nodes[node.index()].downs += 1;
                self.take_down(node, "wipe", FaultClass::Wipe);
                self.core.nodes[node.index()].disk = crate::disk::Disk::new();
            }
            What::Pause { node } => {
                self.core.nodes[node.index()].pauses += 1;
                self.core.fault_fired(FaultClass::Pause);
            }
            What::Cut { from, to, mode } => {
                self.core.cuts.push(cut(index, from.iter().copied(), to.iter().copied(), *mode));
            }
            What::Partition { side, mode } => {
                let rest: Vec<NodeId> = self.present().filter(|node| !side.contains(node)).collect();
                self.core.cuts.push(cut(index, side.iter().copied(), rest.iter().copied(), *mode));
                self.core.cuts.push(cut(index, rest.iter().copied(), side.iter().copied(), *mode));
            }
            What::Isolate { node, direction, mode } => {
                let rest: Vec<NodeId> = self.present().filter(|other| other != node).collect();
                if *direction != Direction::In {
                    self.core.cuts.push(cut(index, [*node], rest.iter().copied(), *mode));
                }
                if *direction != Direction::Out {
                    self.core.cuts.push(cut(index, rest.iter().copied(), [*node], *mode));
                }
            }
            What::Delay { from, to, by } => {
                let (from, to) = (from.iter().copied().collect(), to.iter().copied().collect());
                self.core.delays.push(Delay { fault: index, from, to, by: *by });
            }
            &What::Skew { node, offset_ns, drift_ppm } => {
                self.core.nodes[node.index()].clock.skew(now, offset_ns, drift_ppm);
                self.core.fault_fired(FaultClass::Skew);
                self.reschedule(node);
            }
            What::SlowDisk { node, by } => self.core.nodes[node.index()].slow += *by,
            What::FullDisk { node } => self.core.nodes[node.index()].full += 1,
            What::Corrupt { node, file, back } => {
                if self.core.nodes[node.index()].disk.corrupt(*file, *back) {
                    self.core.fault_fired(FaultClass::Disk);
                }
            }
            What::Byzantine { node } => {
                self.core.nodes[node.index()].lies += 1;
                self.core.fault_fired(FaultClass::Byzantine);
            }
        }
    }

    /// Ends a fault. `false` if it was not in force.
    pub(super) fn fault_ends(&mut self, index: usize) -> bool {
        let Some(fault) = self.core.active[index].take() else {
            return false;
        };
        let (text, nodes) = (fault.what.to_string(), fault.what.nodes());
        self.core.record(|| Happening::FaultEnded { text, nodes });
        let nodes = &mut self.core.nodes;
        match fault.what {
            What::Crash { node } | What::Wipe { node } => {
                nodes[node.index()].downs -= 1;
                self.bring_up(node);
            }
            What::PowerLoss { nodes: struck } => {
                struck.iter().for_each(|node| nodes[node.index()].downs -= 1);
                struck.iter().for_each(|node| self.bring_up(*node));
            }
            What::Pause { node } => {
                nodes[node.index()].pauses -= 1;
                self.serve_later(node);
            }
            What::Cut { .. } | What::Partition { .. } | What::Isolate { .. } => {
                self.core.cuts.retain(|cut| cut.fault != index);
                self.release_held();
            }
            What::Delay { .. } => self.core.delays.retain(|delay| delay.fault != index),
            What::Skew { node, .. } => self.correct_clock(node),
            What::SlowDisk { node, by } => {
                let state = &mut nodes[node.index()];
                state.slow = state.slow - by;
            }
            What::FullDisk { node } => {
                let state = &mut nodes[node.index()];
                state.full -= 1;
                if state.full == 0 && state.halted.is_some() {
                    state.halted = None;
                    self.bring_up(node);
                }
            }
            What::Corrupt { .. } => {}
            What::Byzantine { node } => nodes[node.index()].lies -= 1,
        }
        true
    }

    /// Corrects a clock, or applies the skew that began last of those still in force.
    fn correct_clock(&mut self, node: NodeId) {
        let now = self.core.now;
        // Not the last one in the plan, because a waiting fault may have begun after it.
        let active = self.core.active.iter().flatten().filter_map(|fault| match &fault.what {
            What::Skew { node: of, offset_ns, drift_ppm } if *of == node => Some((fault.at, (*offset_ns, *drift_ppm))),
            _ => None,
        });
        let still = active.max_by_key(|(began, _)| *began).map(|(_, skew)| skew);
        let clock = &mut self.core.nodes[node.index()].clock;
        match still {
            Some((offset_ns, drift_ppm)) => clock.skew(now, offset_ns, drift_ppm),
            None => clock.correct(now),
        }
        self.reschedule(node);
    }

    fn reschedule(&mut self, node: NodeId) {
        let now = self.core.now;
        let state = &mut self.core.nodes[node.index()];
        let clock = state.clock;
        for entry in state.timers.reschedule(now, |due| clock.when(due)) {
            let event = Event::Timer { node, slot: entry.slot };
            self.core.queue.push(entry.at, Order::timer(node, entry.kind, entry.n), event);
        }
    }

    fn release_held(&mut self) {
        let held = std::mem::take(&mut self.core.held);
        for (order, message) in held {
            let (from, to) = order.link();
            match self.core.stopped(from, to) {
                Some(_) => self.core.held.push((order, message)),
                None => self.core.queue.push(self.core.now, order, Event::Message(message)),
            }
        }
    }

    /// The end of chaos: every fault ends that touches the core; all faults if the core is all nodes.
    pub(super) fn heal(&mut self) {
        self.core.healed = true;
        self.core.waiting_faults.clear();
        self.core.record(|| Happening::Healed);
        for index in 0..self.core.active.len() {
            let ends = self.core.active[index].as_ref().is_some_and(|fault| self.touches_core(&fault.what));
            if ends {
                self.fault_ends(index);
            }
        }
        for node in self.present().collect::<Vec<_>>() {
            if self.in_core(node) && self.core.nodes[node.index()].halted.take().is_some() {
                self.bring_up(node);
            }
        }
    }

    fn in_core(&self, node: NodeId) -> bool {
        self.core.scenario.core.as_ref().is_none_or(|core| core.contains(&node))
    }

    fn touches_core(&self, what: &What<NodeId>) -> bool {
        if self.core.scenario.core.is_none() {
            return true;
        }
        let any = |nodes: &[NodeId]| nodes.iter().any(|node| self.in_core(*node));
        match what {
            What::Cut { from, to, .. } | What::Delay { from, to, .. } => any(from) && any(to),
            What::Partition { side, .. } => any(side) && self.present().any(|n| !side.contains(&n) && self.in_core(n)),
            _ => any(&what.nodes()),
        }
    }

    /// The extra duration of syncs of a node now.
    pub(super) fn slowness(&self, node: NodeId) -> Span {
        self.core.nodes[node.index()].slow
    }
}

fn cut(
    fault: usize,
    from: impl IntoIterator<Item = NodeId>,
    to: impl IntoIterator<Item = NodeId>,
    mode: CutMode,
) -> Cut {
    Cut { fault, from: NodeSet::from_iter(from), to: NodeSet::from_iter(to), mode }
}
