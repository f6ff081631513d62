//! A participant: a service that executes and compensates its steps for a coordinator, wherever that is.

use seedbed_sim::{Context, File, NodeId, Process};

use crate::parts::wal;
use crate::transactions::saga::business::Request;
use crate::transactions::saga::marks;
use crate::transactions::saga::messages::{Entry, Message, Outcome, Record, Timer};
use crate::transactions::saga::plan::ServiceId;
use crate::transactions::saga::service::Service;

/// The journal of a participant.
pub const JOURNAL: File = File(0);

/// A participant. It answers whoever requests a step, so it needs to know no other node.
#[derive(Clone, Debug, Hash)]
pub struct Participant {
    service: Service,
}

impl Participant {
    /// The service of this place in the business, before it has read its journal.
    pub fn new(service: ServiceId, semantic_locks: bool) -> Self {
        Participant { service: Service::new(service, semantic_locks) }
    }

    /// Its store and its journal.
    pub fn service(&self) -> &Service {
        &self.service
    }

    /// Forces what was done to disk, and replies. What was done before is only answered.
    fn reply(&self, ctx: &mut Context<'_, Self>, coordinator: NodeId, entry: Option<Entry>, reply: Message) {
        if let Some(entry) = entry {
            entry.report(ctx);
            ctx.append(JOURNAL, Record::Entry(entry));
        } else {
            ctx.mark(marks::REPEATED_STEP_ANSWERED_FROM_THE_JOURNAL);
        }
        ctx.send(coordinator, reply);
    }
}

impl Process for Participant {
    type Message = Message;
    type Timer = Timer;
    type Record = Record;
    type Op = Request;
    type Ret = Outcome;

    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        for record in wal::recover(ctx, JOURNAL).unwrap_or_default() {
            match record {
                Record::Entry(entry) => self.service.restore(entry),
                other => panic!("a participant's journal has entries: {other:?}"),
            }
        }
    }

    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: Message) {
        match message {
            Message::Execute(saga, request, step) => {
                let entry = self.service.execute(ctx, saga, request, step);
                let refused = self.service.refusal(saga, step);
                self.reply(ctx, from, entry, Message::Executed(saga, step, refused));
            }
            Message::Compensate(saga, request, step) => {
                let entry = self.service.compensate(ctx, saga, request, step);
                self.reply(ctx, from, entry, Message::Compensated(saga, step));
            }
            message => panic!("no message for a participant: {from} sent {message:?}"),
        }
    }

    fn timer(&mut self, _: &mut Context<'_, Self>, timer: Timer) {
        panic!("no timer of a participant: {timer:?}");
    }
}
