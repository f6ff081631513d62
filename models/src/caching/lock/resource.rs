//! The protected resource: it accepts writes, and where it checks fencing tokens it refuses those with a smaller token than
//! the greatest that it has seen (Burrows, "The Chubby lock service", 2006, section 2.4; Kleppmann, "How to do distributed
//! locking", 2016).
//!
//! The greatest token is that of an accepted write, which is on disk, so a crash does not forget it. A write that is sent
//! again is known by its acquisition and number, and is not applied again.

use seedbed_sim::{Context, File, NodeId, Process, Watermark};

use crate::caching::lock::bugs::Bug;
use crate::caching::lock::marks;
use crate::caching::lock::messages::{Accepted, Message, Op, Record, Ret, Timer, Token};
use crate::parts::wal;

/// The resource's log.
pub const LOG: File = File(2);

/// The resource.
#[derive(Clone, Debug, Hash)]
pub struct Resource {
    /// Whether it checks fencing tokens.
    fencing: bool,
    /// The accepted writes, in order.
    accepted: Vec<Accepted>,
    /// How many of them are on disk; none before it has read its log.
    durable: Option<Watermark<usize>>,
    greatest: Token,
}

impl Resource {
    /// A resource, before it has read its log; `fencing` says whether it checks tokens.
    pub fn new(fencing: bool) -> Self {
        Resource { fencing, accepted: Vec::new(), durable: None, greatest: Token(0) }
    }

    /// The accepted writes that are on disk, in order.
    pub fn accepted(&self) -> &[Accepted] {
        &self.accepted[..self.durable.as_ref().map_or(0, |mark| *mark.durable())]
    }

    fn apply(&mut self, write: Accepted) {
        self.greatest = self.greatest.max(write.token);
        self.accepted.push(write);
    }

    fn write(&mut self, ctx: &mut Context<'_, Self>, write: Accepted) {
        let Accepted { by, acquisition, n, token } = write;
        let reply = |accepted| Message::Written { acquisition, n, accepted };
        if self.accepted.iter().any(|known| (known.acquisition, known.n) == (acquisition, n)) {
            ctx.mark(marks::KNOWN_WRITE_COMES_AGAIN);
            if !ctx.planted(Bug::WriteAppliedTwice) {
                return ctx.send(by, reply(true));
            }
        }
        let refused = ctx.planted(Bug::RefusesOwnToken) && token == self.greatest;
        if token < self.greatest || refused {
            ctx.mark(marks::WRITE_WITH_AN_OLD_TOKEN);
            if self.fencing && !ctx.planted(Bug::FencingNotChecked) {
                return ctx.send(by, reply(false));
            }
        }
        self.apply(write);
        let write = ctx.append(LOG, Record::Accepted(write));
        if let Some(mark) = &mut self.durable {
            mark.wrote(write.is(self.accepted.len()));
        }
        ctx.send(by, reply(true));
    }
}

impl Process for Resource {
    type Message = Message;
    type Timer = Timer;
    type Record = Record;
    type Op = Op;
    type Ret = Ret;

    /// Recovers from the log.
    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        let on_disk = ctx.recovered(LOG, ());
        for record in wal::recover(ctx, LOG).unwrap_or_default() {
            match record {
                Record::Accepted(write) => self.apply(write),
                record => panic!("the resource's log has writes, and not {record:?}"),
            }
        }
        if !self.accepted.is_empty() {
            ctx.mark(marks::RESOURCE_RESTARTED);
        }
        self.durable = Some(Watermark::at(on_disk.map(|()| self.accepted.len())));
    }

    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: Message) {
        match message {
            Message::Write { acquisition, n, token } => self.write(ctx, Accepted { by: from, acquisition, n, token }),
            message => panic!("no message for the resource: {from} sent {message:?}"),
        }
    }

    fn timer(&mut self, _: &mut Context<'_, Self>, timer: Timer) {
        panic!("the resource has no timers: {timer:?}");
    }

    fn synced(&mut self, ctx: &mut Context<'_, Self>) {
        if let Some(mark) = &mut self.durable {
            mark.synced(ctx);
        }
    }
}
