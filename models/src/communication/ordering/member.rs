//! A member that disseminates messages by itself, and delivers them in its order; one of them is the sequencer.

use std::collections::BTreeSet;

use seedbed_sim::{Context, NodeId, OpId, Process};

use crate::communication::ordering::bugs::Bug;
use crate::communication::ordering::dissemination::{Digest, Dissemination};
use crate::communication::ordering::envelope::{Envelope, MessageId};
use crate::communication::ordering::events::{Events, LOG};
use crate::communication::ordering::marks;
use crate::communication::ordering::messages::{Message, Op, Record, Ret, Timer, What};
use crate::communication::ordering::orders::{Delivery, Order};
use crate::communication::ordering::settings::Settings;
use crate::parts::wal;

/// The member that numbers the messages, in the order that needs one.
pub const SEQUENCER: NodeId = NodeId(0);

/// A member.
#[derive(Clone, Debug, Hash)]
pub struct Member {
    me: NodeId,
    settings: Settings,
    events: Events,
    group: Dissemination,
    delivery: Delivery,
    /// Whether it is going to tell the others what it has.
    repairs: bool,
}

impl Member {
    /// A member with these others.
    pub fn new(me: NodeId, peers: Vec<NodeId>, settings: Settings) -> Self {
        let members = usize::from(settings.members);
        Member {
            me,
            settings,
            events: Events::new(me, members),
            group: Dissemination::new(peers),
            delivery: Delivery::new(settings.order, members, None),
            repairs: false,
        }
    }

    /// What it has delivered.
    pub fn events(&self) -> &Events {
        &self.events
    }

    /// Whether it numbers the messages.
    pub fn is_sequencer(&self) -> bool {
        self.settings.order == Order::Sequencer && self.me == SEQUENCER
    }

    /// How many of the others may lack something that it has.
    pub fn behind(&self) -> usize {
        self.group.unsettled().len()
    }

    /// A message is here, and on disk with what this handler writes.
    fn arrived(&mut self, ctx: &mut Context<'_, Self>, message: &Envelope) {
        self.delivery.arrived(message);
        if self.is_sequencer() {
            self.give_number(ctx, message.id);
        }
        self.deliver_all(ctx);
        if !self.events.has_delivered(message.id) {
            ctx.mark(self.delivery.why());
        }
        self.arm_repair(ctx);
    }

    /// The sequencer gives the next number. The others hear of it once it is durable: a number is given once.
    fn give_number(&mut self, ctx: &mut Context<'_, Self>, id: MessageId) {
        let first = self.group.numbers().len() as u64;
        self.add_number(id);
        let numbers = Message::Numbers { first, ids: vec![id] };
        if ctx.planted(Bug::AssignsBeforeSync) {
            ctx.append_lazily(LOG, Record::Number(id));
            self.group.peers().iter().for_each(|peer| ctx.send_early(*peer, numbers.clone()));
        } else {
            ctx.append(LOG, Record::Number(id));
            ctx.broadcast(self.group.peers().iter().copied(), numbers);
        }
    }

    fn add_number(&mut self, id: MessageId) {
        self.group.number(id);
        self.delivery.numbered(id);
    }

    fn deliver_all(&mut self, ctx: &mut Context<'_, Self>) {
        while let Some(id) = self.delivery.next() {
            self.delivery.delivered(id);
            self.events.deliver(ctx, id);
        }
    }

    fn receive(&mut self, ctx: &mut Context<'_, Self>, message: &Envelope) {
        if !self.group.add(message) {
            return ctx.mark(marks::CAME_AGAIN);
        }
        self.events.receive(ctx, message);
        self.arrived(ctx, message);
    }

    fn receive_numbers(&mut self, ctx: &mut Context<'_, Self>, first: u64, ids: &[MessageId]) {
        let known = self.group.numbers().len() as u64;
        // Only the sequencer's own numbers count for it.
        if self.is_sequencer() {
            return;
        }
        if first > known {
            return ctx.mark(marks::NUMBERS_CAME_EARLY);
        }
        for id in ids.iter().skip((known - first) as usize) {
            ctx.append(LOG, Record::Number(*id));
            self.add_number(*id);
        }
        self.deliver_all(ctx);
        self.arm_repair(ctx);
    }

    /// Another asks, by what it has: it is told what this one has, also if it was told before, for an answer may be lost.
    fn asked(&mut self, ctx: &mut Context<'_, Self>, peer: NodeId, digest: Digest) {
        let answers = !ctx.planted(Bug::AnswersOnce) || self.group.is_news(peer, &digest);
        self.told(ctx, peer, digest);
        if answers {
            ctx.send(peer, Message::HaveToo(self.group.digest(peer)));
        }
    }

    /// Another tells what it has: it is sent what it lacks.
    fn told(&mut self, ctx: &mut Context<'_, Self>, peer: NodeId, digest: Digest) {
        self.group.told(peer, digest);
        for message in self.group.lacking(peer) {
            ctx.mark(if message.id.sender == self.me { marks::SENT_AGAIN } else { marks::HANDED_ON });
            ctx.send(peer, Message::Data(message));
        }
        if let Some((first, ids)) = self.group.numbers_lacking(peer) {
            ctx.send(peer, Message::Numbers { first, ids });
        }
        self.arm_repair(ctx);
    }

    fn arm_repair(&mut self, ctx: &mut Context<'_, Self>) {
        if !self.repairs && !self.group.unsettled().is_empty() {
            self.repairs = true;
            ctx.arm(Timer::Repair, self.settings.repair);
        }
    }

    fn recover(&mut self, ctx: &mut Context<'_, Self>, records: Vec<Record>) {
        let bug = ctx.bug().and_then(Bug::named);
        self.events.plant(bug);
        self.delivery = Delivery::new(self.settings.order, usize::from(self.settings.members), bug);
        if !records.is_empty() {
            ctx.mark(marks::RECOVERED_FROM_DISK);
        }
        for record in records {
            match record {
                Record::Event(event) => {
                    self.events.restore(&event, bug == Some(Bug::DeliveriesForgotten));
                    if let What::Broadcast(message) | What::Receive(message) = event.what {
                        self.group.add(&message);
                        self.delivery.arrived(&message);
                    }
                }
                Record::Number(id) => self.add_number(id),
                Record::Raft(record) => panic!("no record of a member without a Raft server: {record:?}"),
            }
        }
        self.events.delivered().iter().for_each(|id| self.delivery.delivered(*id));
    }

    /// What the crash came between: messages without numbers, and what can be delivered.
    fn go_on(&mut self, ctx: &mut Context<'_, Self>) {
        if self.is_sequencer() {
            let numbered: BTreeSet<MessageId> = self.group.numbers().iter().copied().collect();
            let all: Vec<MessageId> = self.group.messages().map(|message| message.id).collect();
            for id in all.into_iter().filter(|id| !numbered.contains(id)) {
                self.give_number(ctx, id);
            }
        }
        self.deliver_all(ctx);
        self.arm_repair(ctx);
    }
}

impl Process for Member {
    type Message = Message;
    type Timer = Timer;
    type Record = Record;
    type Op = Op;
    type Ret = Ret;

    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        let Some(records) = wal::recover(ctx, LOG) else { return };
        self.recover(ctx, records);
        self.go_on(ctx);
    }

    fn invoke(&mut self, ctx: &mut Context<'_, Self>, op: OpId, Op::Broadcast(content): Op) {
        // All that is told of it waits for the disk, and what else is written comes after it in the same file.
        let message = self.events.broadcast(ctx, op, content).not_yet().clone();
        self.group.add(&message);
        ctx.broadcast(self.group.peers().iter().copied(), Message::Data(message.clone()));
        self.arrived(ctx, &message);
    }

    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: Message) {
        match message {
            Message::Data(message) => self.receive(ctx, &message),
            Message::Have(digest) => self.asked(ctx, from, digest),
            Message::HaveToo(digest) => self.told(ctx, from, digest),
            Message::Numbers { first, ids } => self.receive_numbers(ctx, first, &ids),
            message => panic!("no message for a member without a Raft server: {from} sent {message:?}"),
        }
    }

    /// It tells those who may lack something, or have something that it lacks, what it has.
    fn timer(&mut self, ctx: &mut Context<'_, Self>, _: Timer) {
        self.repairs = false;
        for peer in self.group.unsettled() {
            ctx.send(peer, Message::Have(self.group.digest(peer)));
        }
        self.arm_repair(ctx);
    }
}
