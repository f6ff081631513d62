//! Total order by agreement: the members are servers of a Raft group (C11), which agrees on one sequence of messages after the
//! other; atomic broadcast and consensus are equivalent (Chandra & Toueg, *Unreliable Failure Detectors for Reliable Distributed
//! Systems*, 1996, §7).
//!
//! A member writes its message down, and submits it to the leader again and again until it is applied here. It may get into the
//! log several times: the sequence takes it once.

use std::collections::BTreeMap;

use seedbed_sim::{Context, Hosted, NodeId, OpId, Process, Span};

use crate::communication::ordering::bugs::Bug;
use crate::communication::ordering::events::{Events, LOG};
use crate::communication::ordering::marks;
use crate::communication::ordering::messages::{Envelope, Message, MessageId, Op, Record, Ret, Timer, What};
use crate::parts::wal;
use crate::replication::raft;
use crate::replication::raft::machine::StateMachine;

/// The sequence that the group agrees on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Sequence {
    messages: Vec<Envelope>,
}

impl Sequence {
    /// The messages, in order.
    pub fn messages(&self) -> &[Envelope] {
        &self.messages
    }

    fn has(&self, id: MessageId) -> bool {
        self.messages.iter().any(|message| message.id == id)
    }
}

impl StateMachine for Sequence {
    type Command = Envelope;
    /// Whether the message was not in the sequence before.
    type Output = bool;

    fn apply(&mut self, message: &Envelope) -> bool {
        let new = !self.has(message.id);
        if new {
            self.messages.push(message.clone());
        }
        new
    }
}

/// A member with its server of the group.
#[derive(Clone, Debug, Hash)]
pub struct OnRaft {
    me: NodeId,
    server: raft::Server<Sequence>,
    events: Events,
    /// Its own messages that are not delivered yet.
    submitted: BTreeMap<MessageId, Envelope>,
    repair: Span,
    /// How many commands it has invoked on its server.
    invoked: u64,
}

/// Where the server's files are.
const RAFT: Hosted = Hosted::named("raft").files_from(1);

impl OnRaft {
    /// A member of a group of so many with this server, which submits again after `repair` what is not delivered.
    pub fn new(me: NodeId, members: usize, server: raft::Server<Sequence>, repair: Span) -> Self {
        let events = Events::new(me, members);
        OnRaft { me, server, events, submitted: BTreeMap::new(), repair, invoked: 0 }
    }

    /// The server.
    pub fn server(&self) -> &raft::Server<Sequence> {
        &self.server
    }

    /// What it has delivered.
    pub fn events(&self) -> &Events {
        &self.events
    }

    /// Runs a handler of the server, and delivers what that has applied.
    fn host(
        &mut self,
        ctx: &mut Context<'_, Self>,
        handler: impl FnOnce(&mut raft::Server<Sequence>, &mut Context<'_, raft::Server<Sequence>>),
    ) {
        // What a command returns is not needed: the member sees what is applied.
        drop(ctx.host(RAFT, |ctx| handler(&mut self.server, ctx)));
        self.deliver_all(ctx);
    }

    /// Delivers what is applied and not delivered. After a crash the server begins with less than what was.
    fn deliver_all(&mut self, ctx: &mut Context<'_, Self>) {
        let applied = self.server.machine().messages();
        let new = applied.get(self.events.delivered().len()..).unwrap_or_default().to_vec();
        for message in new {
            if message.id.sender != self.me {
                self.events.receive(ctx, &message);
            }
            self.submitted.remove(&message.id);
            self.events.deliver(ctx, message.id);
        }
    }

    /// To the leader, if one is known of.
    fn submit(&mut self, ctx: &mut Context<'_, Self>, message: Envelope) {
        match self.server.leader() {
            Some(leader) if leader == self.me => self.append(ctx, message),
            Some(leader) => ctx.send(leader, Message::Submit(message)),
            None => {}
        }
    }

    /// The leader appends a message to the log. A server that leads no more says so to nobody: the sender asks again.
    fn append(&mut self, ctx: &mut Context<'_, Self>, message: Envelope) {
        if self.server.machine().has(message.id) {
            return ctx.mark(marks::SUBMITTED_TWICE);
        }
        self.invoked += 1;
        let op = OpId::internal(self.invoked);
        self.host(ctx, |server, ctx| server.invoke(ctx, op, message));
    }

    fn recover(&mut self, ctx: &mut Context<'_, Self>, records: Vec<Record>) {
        let bug = ctx.bug().and_then(Bug::named);
        self.events.plant(bug);
        for record in records {
            let Record::Event(event) = record else { panic!("no record of a member on Raft: {record:?}") };
            self.events.restore(&event, bug == Some(Bug::DeliveriesForgotten));
            match event.what {
                What::Broadcast(message) => drop(self.submitted.insert(message.id, message)),
                What::Deliver(id) => drop(self.submitted.remove(&id)),
                What::Receive(_) => {}
            }
        }
        if !self.submitted.is_empty() {
            ctx.mark(marks::RECOVERED_FROM_DISK);
            ctx.arm(Timer::Repair, self.repair);
        }
    }
}

impl Process for OnRaft {
    type Message = Message;
    type Timer = Timer;
    type Record = Record;
    type Op = Op;
    type Ret = Ret;

    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        let Some(records) = wal::recover(ctx, LOG) else { return };
        self.recover(ctx, records);
        self.host(ctx, |server, ctx| server.start(ctx));
    }

    fn invoke(&mut self, ctx: &mut Context<'_, Self>, op: OpId, Op::Broadcast(content): Op) {
        let message = self.events.broadcast(ctx, op, content);
        self.submitted.insert(message.id, message.clone());
        ctx.arm(Timer::Repair, self.repair);
        self.submit(ctx, message);
    }

    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: Message) {
        match message {
            Message::Submit(message) if self.server.is_leader() => self.append(ctx, message),
            Message::Submit(_) => {}
            Message::Raft(message) => self.host(ctx, |server, ctx| server.message(ctx, from, message)),
            message => panic!("no message for a member on Raft: {from} sent {message:?}"),
        }
    }

    fn timer(&mut self, ctx: &mut Context<'_, Self>, timer: Timer) {
        match timer {
            Timer::Raft(timer) => self.host(ctx, |server, ctx| server.timer(ctx, timer)),
            Timer::Repair => {
                let again: Vec<Envelope> = self.submitted.values().cloned().collect();
                for message in again {
                    ctx.mark(marks::SUBMITTED_AGAIN);
                    self.submit(ctx, message);
                }
                if !self.submitted.is_empty() {
                    ctx.arm(Timer::Repair, self.repair);
                }
            }
        }
    }

    fn synced(&mut self, ctx: &mut Context<'_, Self>) {
        self.host(ctx, |server, ctx| server.synced(ctx));
    }
}
