//! The protected resource: it accepts writes, and where it checks fencing tokens it refuses those that come with an older
//! token than the newest it has seen (Burrows, "The Chubby lock service", 2006, section 2.4; Kleppmann, "How to do
//! distributed locking", 2016).
//!
//! The newest token is what it wrote last, so a crash does not forget it. A write that is sent again is known by its turn
//! and number, and is not applied again.

use seedbed_sim::{Context, File, NodeId};

use crate::caching::lock::bugs::Bug;
use crate::caching::lock::marks;
use crate::caching::lock::messages::{Message, Token, Turn};
use crate::caching::lock::model::{Node, Record};
use crate::parts::wal;

/// The resource's log.
pub const LOG: File = File(2);

/// A write that was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Accepted {
    /// Whose.
    pub by: NodeId,
    /// Which turn of holding the lock it belongs to.
    pub turn: Turn,
    /// Which write of the turn.
    pub n: u8,
    /// The token it came with.
    pub token: Token,
}

/// The resource.
#[derive(Clone, Debug, Hash)]
pub struct Resource {
    fencing: bool,
    bug: Option<Bug>,
    /// What was accepted, in its order.
    accepted: Vec<Accepted>,
    /// How much of it is on disk.
    durable: usize,
    newest: Token,
}

impl Resource {
    /// A resource; `fencing` says whether it looks at tokens.
    pub fn new(fencing: bool, bug: Option<Bug>) -> Self {
        Resource { fencing, bug, accepted: Vec::new(), durable: 0, newest: Token(0) }
    }

    /// What was accepted and is on disk: no crash takes it.
    pub fn accepted(&self) -> &[Accepted] {
        &self.accepted[..self.durable]
    }

    pub(super) fn start(&mut self, ctx: &mut Context<'_, Node>) {
        for record in wal::recover(ctx, LOG).unwrap_or_default() {
            if let Record::Accepted(accepted) = record {
                self.apply(accepted);
            }
        }
        self.durable = self.accepted.len();
    }

    fn apply(&mut self, accepted: Accepted) {
        self.newest = self.newest.max(accepted.token);
        self.accepted.push(accepted);
    }

    pub(super) fn write(&mut self, ctx: &mut Context<'_, Node>, write: Accepted) {
        let answer = |accepted| Message::Written { turn: write.turn, n: write.n, accepted };
        if self.accepted.iter().any(|known| (known.turn, known.n) == (write.turn, write.n)) {
            return ctx.send(write.by, answer(true));
        }
        if write.token < self.newest {
            ctx.mark(marks::WRITE_WITH_AN_OLD_TOKEN);
            if self.fencing && self.bug != Some(Bug::FencingNotChecked) {
                return ctx.send(write.by, answer(false));
            }
        }
        self.apply(write);
        ctx.append(LOG, Record::Accepted(write));
        ctx.send(write.by, answer(true));
    }

    pub(super) fn synced(&mut self, ctx: &mut Context<'_, Node>) {
        if ctx.durable() {
            self.durable = self.accepted.len();
        }
    }
}
