//! A client: one transaction at a time, asked for again until it is answered.

use seedbed_sim::{Context, NodeId, OpId, Process, Span, kinds};

use crate::transactions::TxId;
use crate::transactions::commitment::work::{Op, Ret};

/// A client asks for a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Request {
    /// Its name, the same when it is asked for again.
    pub tx: TxId,
    /// The coordinator's life in which it may begin; see [`crate::transactions::commitment::desk`].
    pub life: u64,
    /// What it does.
    pub op: Op,
}

/// The coordinator tells how a transaction ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Answer {
    /// Which.
    pub tx: TxId,
    /// How.
    pub ret: Ret,
    /// The coordinator's life, for the next request.
    pub life: u64,
}

/// Time to ask again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Retry;
kinds!(Retry: of one);

/// A process that has clients among its nodes.
pub trait Asks: Process<Op = Op, Ret = Ret, Message: From<Request>, Timer: From<Retry>> {}
impl<P: Process<Op = Op, Ret = Ret, Message: From<Request>, Timer: From<Retry>>> Asks for P {}

/// A client of one coordinator.
#[derive(Clone, Debug, Hash)]
pub struct Client {
    /// None if a shrunk scenario has no coordinator: then nothing is ever answered.
    coordinator: Option<NodeId>,
    patience: Span,
    life: u64,
    open: Option<Request>,
}

impl Client {
    /// A client that asks again after `patience`.
    pub fn new(coordinator: Option<NodeId>, patience: Span) -> Self {
        Client { coordinator, patience, life: 1, open: None }
    }

    /// The transaction that it waits for.
    pub fn open(&self) -> Option<TxId> {
        self.open.as_ref().map(|request| request.tx)
    }

    /// Asks for a transaction.
    pub fn invoke<P: Asks>(&mut self, ctx: &mut Context<'_, P>, op: OpId, input: Op) {
        assert!(self.open.is_none(), "a client has one transaction open at a time: {op:?} came during {:?}", self.open);
        self.open = Some(Request { tx: op.into(), life: self.life, op: input });
        self.ask(ctx);
    }

    /// Asks, or asks again: in the same words, so that no coordinator begins it twice.
    pub fn ask<P: Asks>(&mut self, ctx: &mut Context<'_, P>) {
        if let (Some(request), Some(coordinator)) = (&self.open, self.coordinator) {
            ctx.send(coordinator, request.clone().into());
            ctx.arm(Retry.into(), self.patience);
        }
    }

    /// Is answered.
    pub fn answered<P: Asks>(&mut self, ctx: &mut Context<'_, P>, answer: Answer) {
        self.life = self.life.max(answer.life);
        if self.open() == Some(answer.tx) {
            self.open = None;
            ctx.cancel(&Retry.into());
            ctx.complete(OpId(answer.tx.0), answer.ret);
        }
    }
}
