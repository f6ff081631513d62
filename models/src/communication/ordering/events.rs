//! The events of a member: stamped by its clocks, written to its log, and read back after a crash.

use std::collections::BTreeMap;

use seedbed_sim::{Context, File, NodeId, OpId, Process, Written};

use crate::communication::ordering::bugs::Bug;
use crate::communication::ordering::clocks::{Clocks, VectorTime};
use crate::communication::ordering::envelope::{Envelope, MessageId};
use crate::communication::ordering::marks;
use crate::communication::ordering::messages::{Event, Message, Record, Ret, Timer, What};

/// Where the events of a member are.
pub const LOG: File = File(0);

/// A member, in whatever way it orders messages.
pub trait MemberProcess: Process<Message = Message, Timer = Timer, Record = Record, Ret = Ret> {}

impl<P: Process<Message = Message, Timer = Timer, Record = Record, Ret = Ret>> MemberProcess for P {}

/// What a member has done, and its clocks.
#[derive(Clone, Debug, Hash)]
pub struct Events {
    me: NodeId,
    clocks: Clocks,
    /// The number of its last message.
    last: u64,
    /// The messages that it has delivered, in order.
    delivered: Vec<MessageId>,
    /// How many of each member's.
    counts: VectorTime,
    /// The operations that wait until a message of this member is delivered here.
    outstanding: BTreeMap<MessageId, OpId>,
}

impl Events {
    /// Nothing has happened at this member of a group of so many.
    pub fn new(me: NodeId, members: usize) -> Self {
        let (clocks, counts) = (Clocks::new(me, members), VectorTime::zero(members));
        Events { me, clocks, last: 0, delivered: Vec::new(), counts, outstanding: BTreeMap::new() }
    }

    /// The messages that it has delivered, in order.
    pub fn delivered(&self) -> &[MessageId] {
        &self.delivered
    }

    /// Whether it has delivered a message.
    pub fn has_delivered(&self, id: MessageId) -> bool {
        self.delivered.contains(&id)
    }

    /// Plants a bug, if there is one.
    pub fn plant(&mut self, bug: Option<Bug>) {
        self.clocks = self.clocks.clone().with(bug);
    }

    /// An event that the log has.
    pub fn restore(&mut self, event: &Event, forgets_deliveries: bool) {
        self.clocks.restore(&event.stamp);
        match &event.what {
            What::Broadcast(message) => self.last = message.id.seq,
            What::Receive(_) => {}
            What::Deliver(_) if forgets_deliveries => {}
            What::Deliver(id) => self.delivers(*id),
        }
    }

    /// A client's message is broadcast. It is to be sent to the others; what else is concluded from it waits until it is durable.
    pub fn broadcast<P: MemberProcess>(
        &mut self,
        ctx: &mut Context<'_, P>,
        op: OpId,
        content: u32,
    ) -> Written<Envelope> {
        self.last += 1;
        let id = MessageId { sender: self.me, seq: self.last };
        let stamp = self.clocks.local(ctx.now());
        let message = Envelope { id, content, stamp: stamp.clone(), after: self.counts.clone() };
        self.outstanding.insert(id, op);
        ctx.append(LOG, Record::Event(Event { what: What::Broadcast(message.clone()), stamp })).is(message)
    }

    /// Another's message has come, for the first time.
    pub fn receive<P: MemberProcess>(&mut self, ctx: &mut Context<'_, P>, message: &Envelope) {
        if message.stamp.hybrid.l > ctx.now() {
            ctx.mark(marks::CLOCK_BEHIND_A_MESSAGE);
        }
        let stamp = self.clocks.receive(&message.stamp, ctx.now());
        ctx.append(LOG, Record::Event(Event { what: What::Receive(message.clone()), stamp }));
    }

    /// A message is delivered.
    pub fn deliver<P: MemberProcess>(&mut self, ctx: &mut Context<'_, P>, id: MessageId) {
        let stamp = self.clocks.local(ctx.now());
        ctx.append(LOG, Record::Event(Event { what: What::Deliver(id), stamp }));
        ctx.note(|| format!("delivers {id:?}"));
        self.delivers(id);
        match self.outstanding.remove(&id) {
            Some(op) if ctx.planted(Bug::AnsweredBeforeSync) => ctx.complete_early(op, Ret::Delivered),
            Some(op) => ctx.complete(op, Ret::Delivered),
            None => {}
        }
    }

    fn delivers(&mut self, id: MessageId) {
        self.delivered.push(id);
        self.counts.tick(id.sender);
    }
}
