//! What a world keeps of one node beside its process.

use std::collections::VecDeque;

use crate::clock::Clock;
use crate::disk::Disk;
use crate::process::{NodeId, OpId, Process};
use crate::time::Span;
use crate::world::queue::Order;
use crate::world::timers::Timers;

/// Something that leaves a handler.
#[derive(Clone, Debug)]
pub(crate) enum Output<P: Process> {
    Send { to: NodeId, message: P::Message },
    Complete { op: OpId, ret: P::Ret },
    Fail { op: OpId, reason: String },
}

/// Something that a handler is to be called for.
#[derive(Clone, Debug)]
pub(crate) enum Arrival<P: Process> {
    /// With the name of its event, which says who sent it.
    Message(Order, P::Message),
    Timer(P::Timer),
    Invoke(usize),
    Synced,
}

/// One node, but for its process.
#[derive(Clone, Debug)]
pub(crate) struct Node<P: Process> {
    /// Whether the scenario has it.
    pub(crate) present: bool,
    /// How many faults keep it down.
    pub(crate) downs: u32,
    /// Why it stopped itself, if it did.
    pub(crate) halted: Option<String>,
    /// What a handler that is running said for the same purpose.
    pub(crate) halting: Option<String>,
    pub(crate) pauses: u32,
    pub(crate) lies: u32,
    pub(crate) full: u32,
    pub(crate) slow: Span,
    pub(crate) clock: Clock,
    pub(crate) timers: Timers<P::Timer>,
    pub(crate) disk: Disk<P::Record>,
    /// Counts crashes, so that what an earlier life began is told from what this one did.
    pub(crate) life: u32,
    /// What the running handler has said.
    pub(crate) outbox: Vec<Output<P>>,
    /// What was said and waits for the write with this number to be durable.
    pub(crate) held: VecDeque<(u64, Output<P>)>,
    /// What waits for the node to go on.
    pub(crate) inbox: VecDeque<Arrival<P>>,
    /// Whether an event is queued that takes the next from the inbox.
    pub(crate) serving: bool,
    pub(crate) service: Span,
    /// The open operation of this client, and those that wait for it to end.
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

    /// Whether anything keeps it from running.
    pub(crate) fn kept_down(&self) -> bool {
        !self.present || self.downs > 0 || self.halted.is_some()
    }

    /// A timer that came due while the node was paused or busy, and was not handled yet, has not fired: it can still be
    /// cancelled or moved.
    #[inline]
    pub(crate) fn forget_due(&mut self, timer: &P::Timer) {
        if !self.inbox.is_empty() {
            self.inbox.retain(|arrival| !matches!(arrival, Arrival::Timer(due) if due == timer));
        }
    }
}
