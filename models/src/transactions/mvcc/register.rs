//! Where the oracles keep what must survive them: the stable storage of Percolator's section 2.3, shared by both.
//!
//! It holds the current epoch, the oracle whose epoch it is, and the highest timestamp that was ever allocated. Each claim
//! begins a new epoch, and only the holder of the current one may allocate: as the sequencers of Chubby fence off former
//! lock holders (Burrows 2006, section 2.4).

use seedbed_sim::{Context, File, NodeId, Process};

use crate::parts::wal;
use crate::transactions::mvcc::messages::{Allocation, Holder, Message, Op, Record, Ret, Timer};
use crate::transactions::mvcc::timestamp::{Epoch, Ts};

/// The file that holds the allocation.
const FILE: File = File(0);

/// The register. Its state is durable before anybody hears of it.
#[derive(Clone, Debug, Default, Hash)]
pub struct Register {
    allocation: Allocation,
}

impl Register {
    /// Grants the next epoch to an oracle that knows the current one, and tells it how things stand.
    fn claim(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, incarnation: u64, over: Epoch) {
        if over == self.allocation.epoch {
            self.allocation.epoch = over.next();
            self.allocation.holder = Some(Holder { node: from, incarnation });
            self.save(ctx);
        }
        ctx.send(from, Message::Held(self.allocation));
    }

    /// Confirms that an epoch is current and raises the bound; or tells which epoch is current.
    fn confirm(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, epoch: Epoch, upto: Ts, bound: Ts) {
        assert!(upto <= bound, "an oracle allocates what it hands out: {upto} of {bound}");
        if epoch != self.allocation.epoch {
            return ctx.send(from, Message::Held(self.allocation));
        }
        if bound > self.allocation.bound {
            self.allocation.bound = bound;
            self.save(ctx);
        }
        ctx.send(from, Message::Confirmed(epoch, upto));
    }

    fn save(&self, ctx: &mut Context<'_, Self>) {
        ctx.replace(FILE, vec![Record::Allocation(self.allocation)]);
    }
}

impl Process for Register {
    type Message = Message;
    type Timer = Timer;
    type Record = Record;
    type Op = Op;
    type Ret = Ret;

    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        if let Some([Record::Allocation(allocation)]) = wal::recover(ctx, FILE).as_deref() {
            self.allocation = *allocation;
        }
    }

    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: Message) {
        match message {
            Message::Claim { incarnation, over } => self.claim(ctx, from, incarnation, over),
            Message::Confirm { epoch, upto, bound } => self.confirm(ctx, from, epoch, upto, bound),
            message => panic!("no message for a register: {from} sent {message:?}"),
        }
    }

    fn timer(&mut self, _: &mut Context<'_, Self>, timer: Timer) {
        panic!("no timer of a register: {timer:?}");
    }
}
