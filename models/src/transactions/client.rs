//! A client: it asks one node for one thing at a time, and asks again, always by the same name, until it is answered.

use seedbed_sim::{Context, NodeId, OpId, Process, Span};

use crate::transactions::TxId;

seedbed_sim::marks! {
    CLIENT_ASKED_AGAIN = "client asked again",
}

/// A process that has clients of this sort among its nodes.
pub trait Asks: Process {
    /// What a client says to ask for a transaction.
    fn request(tx: TxId, op: &Self::Op) -> Self::Message;

    /// The timer that a client asks again by.
    fn again() -> Self::Timer;
}

/// A client. All of it is volatile: what it had asked for when it crashed stays unknown.
#[derive(Clone, Debug, Hash)]
pub struct Client<O> {
    patience: Span,
    open: Option<(OpId, NodeId, O)>,
}

impl<O> Client<O> {
    /// A client that asks again after `patience`.
    pub fn new(patience: Span) -> Self {
        Client { patience, open: None }
    }

    /// Asks `whom` for `op`.
    ///
    /// # Panics
    /// If another operation is open.
    pub fn invoke<P: Asks<Op = O>>(&mut self, ctx: &mut Context<'_, P>, op: OpId, whom: NodeId, input: O) {
        let open = self.open.as_ref().map(|(op, ..)| op);
        assert!(open.is_none(), "a client has one operation open at a time: {op:?} came during {open:?}");
        self.open = Some((op, whom, input));
        self.ask(ctx);
    }

    /// Nobody has answered.
    pub fn again<P: Asks<Op = O>>(&mut self, ctx: &mut Context<'_, P>) {
        ctx.mark(CLIENT_ASKED_AGAIN);
        self.ask(ctx);
    }

    /// An answer has come: to the open operation, or a late copy of an earlier one.
    pub fn answered<P: Asks<Op = O>>(&mut self, ctx: &mut Context<'_, P>, tx: TxId, ret: P::Ret) {
        if let Some((op, ..)) = self.open.take_if(|(op, ..)| TxId::from(*op) == tx) {
            ctx.cancel(&P::again());
            ctx.complete(op, ret);
        }
    }

    fn ask<P: Asks<Op = O>>(&self, ctx: &mut Context<'_, P>) {
        let Some((op, whom, input)) = &self.open else { return };
        ctx.send(*whom, P::request(TxId::from(*op), input));
        ctx.arm(P::again(), self.patience);
    }
}
