//! Total order by agreement: the members are servers of a Raft group (C11), which agrees on one sequence of messages after the
//! other; atomic broadcast and consensus are equivalent (Chandra & Toueg, *Unreliable Failure Detectors for Reliable Distributed
//! Systems*, 1996, §7).
//!
//! A member writes its message down, and submits it to the leader again and again until it is applied here. It may get into the
//! log several times: the sequence takes it once. The group's log is another file than the member's: a message that the group
//! remembers and its sender does not would give its name twice, so a member submits what is on its disk, also to itself.

use std::collections::{BTreeMap, VecDeque};

use seedbed_sim::{Context, Durable, Hosted, NodeId, OpId, Process, Span, Written};

use crate::communication::ordering::bugs::Bug;
use crate::communication::ordering::envelope::{Envelope, MessageId};
use crate::communication::ordering::events::{Events, LOG};
use crate::communication::ordering::marks;
use crate::communication::ordering::messages::{Message, Op, Record, Ret, Timer, What};
use crate::communication::ordering::sequence::Sequence;
use crate::parts::wal;
use crate::replication::raft;

/// A member with its server of the group.
#[derive(Clone, Debug, Hash)]
pub struct OnRaft {
    me: NodeId,
    server: raft::Server<Sequence>,
    events: Events,
    /// Its own messages that are not durable yet, the oldest first.
    written: VecDeque<Written<Envelope>>,
    /// Its own messages that are not delivered yet.
    submitted: BTreeMap<MessageId, Durable<Envelope>>,
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
        OnRaft { me, server, events, written: VecDeque::new(), submitted: BTreeMap::new(), repair, invoked: 0 }
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

    /// Submits what has become durable.
    fn submit_durable(&mut self, ctx: &mut Context<'_, Self>) {
        while let Some(message) = self.written.front().and_then(|written| written.durable(ctx)) {
            self.written.pop_front();
            self.submitted.insert(message.id, message.clone());
            self.submit(ctx, message);
        }
    }

    /// To the leader, if one is known of.
    fn submit(&mut self, ctx: &mut Context<'_, Self>, message: Durable<Envelope>) {
        match self.server.leader() {
            Some(leader) if leader == self.me => self.append(ctx, message.into_inner()),
            Some(leader) => ctx.send(leader, Message::Submit(message.into_inner())),
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

    fn recover(&mut self, ctx: &mut Context<'_, Self>, on_disk: Durable<()>, records: Vec<Record>) {
        let bug = ctx.bug().and_then(Bug::named);
        self.events.plant(bug);
        for record in records {
            let Record::Event(event) = record else { panic!("no record of a member on Raft: {record:?}") };
            self.events.restore(&event, bug == Some(Bug::DeliveriesForgotten));
            match event.what {
                What::Broadcast(message) => {
                    self.submitted.insert(message.id, on_disk.map(|()| message));
                }
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
        let on_disk = ctx.recovered(LOG, ());
        let Some(records) = wal::recover(ctx, LOG) else { return };
        self.recover(ctx, on_disk, records);
        self.host(ctx, |server, ctx| server.start(ctx));
    }

    fn invoke(&mut self, ctx: &mut Context<'_, Self>, op: OpId, Op::Broadcast(content): Op) {
        self.written.push_back(self.events.broadcast(ctx, op, content));
        ctx.arm(Timer::Repair, self.repair);
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
                let again: Vec<Durable<Envelope>> = self.submitted.values().cloned().collect();
                for message in again {
                    ctx.mark(marks::SUBMITTED_AGAIN);
                    self.submit(ctx, message);
                }
                if !self.submitted.is_empty() || !self.written.is_empty() {
                    ctx.arm(Timer::Repair, self.repair);
                }
            }
        }
    }

    fn synced(&mut self, ctx: &mut Context<'_, Self>) {
        self.submit_durable(ctx);
        self.host(ctx, |server, ctx| server.synced(ctx));
    }
}
