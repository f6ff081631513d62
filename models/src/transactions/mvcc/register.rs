//! Where the oracles keep what must survive them: the stable storage of Percolator's section 2.3, shared by both.
//!
//! It holds the current epoch, whose it is, and an upper bound of all timestamps that were ever handed out. Each claim
//! begins a new epoch, and a confirmation is given to the holder of the current one only: as the sequencers of Chubby
//! fence off former lock holders (Burrows 2006, section 2.4).

use seedbed_sim::{Context, File, NodeId};

use crate::parts::wal;
use crate::transactions::mvcc::messages::{Holder, Message};
use crate::transactions::mvcc::model::{Node, Record};
use crate::transactions::mvcc::timestamp::{Epoch, Ts};

/// The file that holds it.
const FILE: File = File(0);

/// The register's state; durable before anybody hears of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Register {
    /// The current epoch.
    pub epoch: Epoch,
    /// Whose it is.
    pub holder: Option<Holder>,
    /// No timestamp above this was ever handed out.
    pub bound: Ts,
}

impl Register {
    pub(super) fn start(&mut self, ctx: &mut Context<'_, Node>) {
        if let Some([Record::Register(register)]) = wal::recover(ctx, FILE).as_deref() {
            *self = *register;
        }
    }

    /// Gives the next epoch to whoever knows the current one.
    pub(super) fn claim(&mut self, ctx: &mut Context<'_, Node>, from: NodeId, life: u64, over: Epoch) {
        if over == self.epoch {
            self.epoch = over.next();
            self.holder = Some(Holder { node: from, life });
            self.save(ctx);
        }
        self.tell(ctx, from);
    }

    /// Confirms that an epoch is current, and raises the bound; or tells which one is.
    pub(super) fn confirm(&mut self, ctx: &mut Context<'_, Node>, from: NodeId, epoch: Epoch, upto: Ts, bound: Ts) {
        assert!(upto <= bound, "an oracle reserves what it hands out: {upto} of {bound}");
        if epoch != self.epoch {
            return self.tell(ctx, from);
        }
        if bound > self.bound {
            self.bound = bound;
            self.save(ctx);
        }
        ctx.send(from, Message::Confirmed { epoch, upto });
    }

    fn tell(&self, ctx: &mut Context<'_, Node>, to: NodeId) {
        let Register { epoch, holder, bound } = *self;
        ctx.send(to, Message::Held { epoch, holder, bound });
    }

    fn save(&self, ctx: &mut Context<'_, Node>) {
        ctx.replace(FILE, vec![Record::Register(*self)]);
    }
}
