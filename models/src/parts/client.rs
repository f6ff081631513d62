//! A client: one operation at a time, and the same request again, always under the same identifier, until it is answered.

use std::fmt::Debug;
use std::hash::Hash;

use seedbed_sim::{Context, Kinded, Mark, NodeId, OpId, Process, Span};
use serde::{Serialize, de::DeserializeOwned};

seedbed_sim::marks! {
    REQUEST_RETRIED = "client asked again",
}

/// How clients of a protocol put their requests, and how they read the replies.
pub trait Requests: Clone + Debug + Hash + 'static {
    /// What nodes of the protocol send each other.
    type Message: Clone + Debug + Hash + Kinded + 'static;
    /// The timers of its nodes.
    type Timer: Clone + Debug + Hash + Ord + Kinded + 'static;
    /// The records on their disks.
    type Record: Clone + Debug + Hash + 'static;
    /// What clients ask.
    type Op: Clone + Debug + Hash + PartialEq + Serialize + DeserializeOwned + Send + 'static;
    /// What they are answered.
    type Ret: Clone + Debug + Hash + PartialEq + Serialize + DeserializeOwned + Send + 'static;
    /// What a client learns from one reply for its next request; `()` if nothing.
    type Session: Clone + Debug + Hash + Default;

    /// The timer by which a request is sent again.
    const RETRY: Self::Timer;
    /// The mark that is made when it is.
    const RETRIED: Mark = REQUEST_RETRIED;

    /// The request of an operation. Its identifier is that of the operation, so that asking again is not asking twice.
    fn request(session: &Self::Session, id: OpId, op: &Self::Op) -> Self::Message;

    /// What a message answers, and how.
    ///
    /// # Errors
    /// The message, if it is none for clients.
    fn reply(session: &mut Self::Session, message: Self::Message) -> Result<(OpId, Self::Ret), Self::Message>;

    /// Which of the servers is asked; `None` if there is none to ask, as in a shrunk scenario: then the operation is never
    /// answered.
    fn server(servers: &[NodeId], op: &Self::Op) -> Option<NodeId> {
        let _ = op;
        servers.first().copied()
    }
}

/// A client. All of it is volatile: whether what it had asked for when it crashed took effect stays unknown.
#[derive(Clone, Debug, Hash)]
pub struct Client<R: Requests> {
    servers: Vec<NodeId>,
    request_timeout: Span,
    session: R::Session,
    outstanding: Option<Outstanding<R::Message>>,
}

/// A request without a reply.
#[derive(Clone, Debug, Hash)]
struct Outstanding<Message> {
    op: OpId,
    server: Option<NodeId>,
    request: Message,
}

impl<R: Requests> Client<R> {
    /// A client of these servers that sends a request again when it has not been answered for `request_timeout`.
    pub fn new(servers: Vec<NodeId>, request_timeout: Span) -> Self {
        Client { servers, request_timeout, session: R::Session::default(), outstanding: None }
    }

    /// The operation that it waits for.
    pub fn outstanding(&self) -> Option<OpId> {
        self.outstanding.as_ref().map(|outstanding| outstanding.op)
    }

    fn send(&self, ctx: &mut Context<'_, Self>) {
        let Some(Outstanding { server: Some(server), request, .. }) = &self.outstanding else { return };
        ctx.send(*server, request.clone());
        ctx.arm(R::RETRY, self.request_timeout);
    }
}

impl<R: Requests> Process for Client<R> {
    type Message = R::Message;
    type Timer = R::Timer;
    type Record = R::Record;
    type Op = R::Op;
    type Ret = R::Ret;

    fn start(&mut self, _: &mut Context<'_, Self>) {}

    fn invoke(&mut self, ctx: &mut Context<'_, Self>, op: OpId, input: R::Op) {
        let outstanding = self.outstanding();
        assert!(outstanding.is_none(), "a client has one operation at a time: {op:?} came during {outstanding:?}");
        let server = R::server(&self.servers, &input);
        self.outstanding = Some(Outstanding { op, server, request: R::request(&self.session, op, &input) });
        self.send(ctx);
    }

    /// A reply: to the outstanding request, or a late copy of an earlier one.
    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: R::Message) {
        let (id, ret) = R::reply(&mut self.session, message)
            .unwrap_or_else(|message| panic!("no message for a client: {from} sent {message:?}"));
        if let Some(answered) = self.outstanding.take_if(|outstanding| outstanding.op == id) {
            ctx.cancel(&R::RETRY);
            ctx.complete(answered.op, ret);
        }
    }

    fn timer(&mut self, ctx: &mut Context<'_, Self>, _: R::Timer) {
        ctx.mark(R::RETRIED);
        self.send(ctx);
    }
}
