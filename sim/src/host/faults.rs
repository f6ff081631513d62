//! The faults of a deployment, as they are applied to madsim's nodes and network, and whether they had an effect.

use std::collections::BTreeMap;
use std::fmt;

use madsim::net::NetSim;
use madsim::runtime::{Handle as Madsim, NodeHandle};

use crate::fault::{Fault, What};
use crate::host::current::Current;
use crate::host::links::links;
use crate::process::NodeId;
use crate::time::Span;

/// A fault of the plan that had no effect.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Idle {
    /// Its place in the plan.
    pub place: usize,
    /// As it was planned.
    pub fault: Fault<NodeId>,
    /// Why it had none.
    pub why: String,
}

impl fmt::Display for Idle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "faults[{}] had no effect ({}): {}", self.place, self.fault, self.why)
    }
}

/// What the faults that last do to each node and link. Several may do the same to one; it recovers when the last of them ends.
#[derive(Debug)]
pub(super) struct Faults {
    downs: Vec<u32>,
    pauses: Vec<u32>,
    cuts: BTreeMap<(NodeId, NodeId), u32>,
}

/// Where faults are applied.
pub(super) struct Place<'a> {
    pub(super) madsim: &'a Madsim,
    pub(super) nodes: &'a [NodeHandle],
    pub(super) net: &'a NetSim,
    pub(super) current: &'a Current,
}

impl Faults {
    pub(super) fn none(nodes: u16) -> Self {
        let nodes = usize::from(nodes);
        Faults { downs: vec![0; nodes], pauses: vec![0; nodes], cuts: BTreeMap::new() }
    }

    /// Begins or ends a fault. Whether it had an effect, as far as it shows by now.
    pub(super) fn change(&mut self, what: &What<NodeId>, begins: bool, place: &Place<'_>) -> bool {
        match what {
            What::Crash { node } => self.crash(*node, begins, false, place),
            What::Wipe { node } => self.crash(*node, begins, true, place),
            What::PowerLoss { nodes } => {
                // All of them: `any` would stop at the first.
                let struck = nodes.iter().filter(|node| self.crash(**node, begins, false, place));
                struck.count() > 0
            }
            What::Pause { node } => {
                let id = place.nodes[node.index()].id();
                let runs = !place.madsim.is_exit(id);
                if counted(&mut self.pauses[node.index()], begins) {
                    if begins {
                        place.madsim.pause(id);
                    } else {
                        place.madsim.resume(id);
                    }
                    return runs;
                }
                false
            }
            What::SlowDisk { node, by } => {
                let files = &mut place.current.files.borrow_mut()[node.index()];
                if begins {
                    files.slow += *by;
                    files.was_slow = false;
                    return false;
                }
                files.slow = files.slow - *by;
                *by > Span::ZERO && files.was_slow
            }
            What::FullDisk { node } => {
                let files = &mut place.current.files.borrow_mut()[node.index()];
                let counts = counted(&mut files.full, begins);
                if begins {
                    files.was_full &= !counts;
                    return false;
                }
                files.was_full
            }
            what => {
                let mut struck = false;
                for (from, to) in links(what, self.downs.len() as u16) {
                    let (source, sink) = (place.nodes[from.index()].id(), place.nodes[to.index()].id());
                    if counted(self.cuts.entry((from, to)).or_insert(0), begins) {
                        struck = true;
                        if begins {
                            place.net.clog_link(source, sink);
                        } else {
                            place.net.unclog_link(source, sink);
                        }
                    }
                }
                struck
            }
        }
    }

    /// A crash of a node that is down already prolongs how long it is down, if it ends later.
    fn crash(&mut self, node: NodeId, begins: bool, wipes: bool, place: &Place<'_>) -> bool {
        let id = place.nodes[node.index()].id();
        let changes = counted(&mut self.downs[node.index()], begins);
        if changes && begins {
            place.madsim.kill(id);
            place.current.crash_files(node);
            place.current.forget_panics(node);
        }
        if begins && wipes {
            place.current.files.borrow_mut()[node.index()].wipe();
        }
        if changes && !begins {
            place.madsim.restart(id);
            if self.pauses[node.index()] > 0 {
                place.madsim.pause(id);
            }
        }
        changes || (begins && wipes)
    }
}

/// Counts a fault that begins or ends; `true` if it was the first to begin or the last to end.
fn counted(count: &mut u32, begins: bool) -> bool {
    if begins {
        *count += 1;
    } else {
        *count -= 1;
    }
    *count == u32::from(begins)
}
