//! The state of a node, besides its process.

use std::collections::VecDeque;

use crate::clock::Clock;
use crate::disk::Disk;
use crate::process::{NodeId, OpId, Process};
use crate::time::Span;
use crate::world::queue::Order;
use crate::world::timers::Timers;

/// An output of a handler.
#[derive(Clone, Debug)]
pub(crate) enum Output<P: Process> {
    Send { to: NodeId, message: P::Message },
    Complete { op: OpId, ret: P::Ret },
    Fail { op: OpId, reason: String },
    GiveUp { op: OpId, reason: String },
}

/// An input that a handler is called with.
#[derive(Clone, Debug)]
pub(crate) enum Arrival<P: Process> {
    /// With the name of its event, which has its sender.
    Message(Order, P::Message),
    Timer(P::Timer),
    Invoke(usize),
    Synced,
}

/// The state of a node, besides its process.
#[derive(Clone, Debug)]
pub(crate) struct Node<P: Process> {
    /// Whether the scenario has this node.
    pub(crate) present: bool,
    /// The number of active faults that keep it down.
    pub(crate) downs: u32,
    /// The reason with which it halted, if it did.
    pub(crate) halted: Option<String>,
    /// The reason with which the running handler halts.
    pub(crate) halting: Option<String>,
    pub(crate) pauses: u32,
    pub(crate) lies: u32,
    pub(crate) full: u32,
    pub(crate) slow: Span,
    /// Whether it has said something since its last forced write.
    pub(crate) replied: bool,
    pub(crate) clock: Clock,
    pub(crate) timers: Timers<P::Timer>,
    pub(crate) disk: Disk<P::Record>,
    /// The number of crashes, which distinguishes events of earlier lives from those of this one.
    pub(crate) life: u32,
    /// Outputs of the running handler.
    pub(crate) outbox: Vec<Output<P>>,
    /// Outputs that wait until the write with this number is durable.
    pub(crate) held: VecDeque<(u64, Output<P>)>,
    /// Arrivals while the node is paused or busy.
    pub(crate) inbox: VecDeque<Arrival<P>>,
    /// Whether the handling of the next arrival in the inbox is scheduled.
    pub(crate) serving: bool,
    pub(crate) service: Span,
    /// The open operation of this client, and operations that wait for its end.
    pub(crate) open: Option<OpId>,
    pub(crate) waiting: VecDeque<usize>,
}

impl<P: Process> Node<P> {
    pub(crate) fn new(present: bool, service: Span) -> Self {
        Node {
            present,
            downs: 0,
            halted: None,
            halting: None,
            pauses: 0,
            lies: 0,
            full: 0,
            slow: Span::ZERO,
            replied: false,
            clock: Clock::default(),
            timers: Timers::new(),
            disk: Disk::new(),
            life: 0,
            outbox: Vec::new(),
            held: VecDeque::new(),
            inbox: VecDeque::new(),
            serving: false,
            service,
            open: None,
            waiting: VecDeque::new(),
        }
    }

    /// Whether a fault or a halt keeps it down.
    pub(crate) fn kept_down(&self) -> bool {
        !self.present || self.downs > 0 || self.halted.is_some()
    }

    /// Forgets a due timer that the node has not handled yet, because it was paused or busy: until then it can be
    /// cancelled or moved.
    #[inline]
    pub(crate) fn forget_due(&mut self, timer: &P::Timer) {
        if !self.inbox.is_empty() {
            self.inbox.retain(|arrival| !matches!(arrival, Arrival::Timer(due) if due == timer));
        }
    }
}
