//! A controller of the quorum: a server of C11's Raft with the metadata as its state machine.

use seedbed_sim::{Answer, Context, Hosted, NodeId, OpId, Process};

use crate::communication::log_broker::controller::metadata::{Command, Metadata, Output};
use crate::communication::log_broker::messages::{Message, Record, Timer};
use crate::replication::raft;
use crate::replication::raft::types::{Index, Term};

/// Who leads, and how far the metadata is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Progress {
    term: Term,
    leads: bool,
    applied: Index,
}

/// What has changed while the server handled something.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// The commands of this controller that were executed, by their numbers.
    pub executed: Vec<(u64, Output)>,
    /// Whether it is active now and was not, or in an earlier term.
    pub became_active: bool,
    /// Whether it is not active any more, or was not in between.
    pub resigned: bool,
    /// Whether the metadata has changed.
    pub progressed: bool,
}

/// A controller.
#[derive(Clone, Debug, Hash)]
pub struct Quorum {
    server: raft::Server<Metadata>,
    seen: Progress,
    invoked: u64,
}

impl Quorum {
    /// A controller of a quorum.
    pub fn new(server: raft::Server<Metadata>) -> Self {
        Quorum { server, seen: Progress { term: Term(0), leads: false, applied: Index::ZERO }, invoked: 0 }
    }

    /// The server.
    pub fn server(&self) -> &raft::Server<Metadata> {
        &self.server
    }

    /// The metadata, as far as this controller knows it.
    pub fn metadata(&self) -> &Metadata {
        self.server.machine()
    }

    /// The active controller, if it is known.
    pub fn active(&self) -> Option<NodeId> {
        self.server.leader()
    }

    /// Whether this is it.
    pub fn is_active(&self) -> bool {
        self.server.is_leader()
    }

    /// Runs a handler of the server.
    pub fn host<P>(
        &mut self,
        ctx: &mut Context<'_, P>,
        handler: impl FnOnce(&mut raft::Server<Metadata>, &mut Context<'_, raft::Server<Metadata>>),
    ) -> Changes
    where
        P: Process<Message = Message, Timer = Timer, Record = Record>,
    {
        let answers = ctx.host(Hosted::named("raft"), |ctx| handler(&mut self.server, ctx));
        let completed = |answer| match answer {
            Answer::Completed(op, output) => Some((op.0 ^ OpId::internal(0).0, output)),
            // Whoever asked will ask again.
            Answer::Failed(..) | Answer::GivenUp(..) => None,
        };
        let executed = answers.into_iter().filter_map(completed).collect();
        let server = &self.server;
        let now = Progress { term: server.term(), leads: server.is_leader(), applied: server.last_applied() };
        let before = std::mem::replace(&mut self.seen, now);
        let other_term = before.term != now.term;
        Changes {
            executed,
            became_active: now.leads && (!before.leads || other_term),
            resigned: before.leads && (!now.leads || other_term),
            progressed: now.applied != before.applied,
        }
    }

    /// Asks the quorum to execute a command. Returns its number.
    pub fn invoke<P>(&mut self, ctx: &mut Context<'_, P>, command: Command) -> (u64, Changes)
    where
        P: Process<Message = Message, Timer = Timer, Record = Record>,
    {
        self.invoked += 1;
        let number = self.invoked;
        (number, self.host(ctx, |server, ctx| server.invoke(ctx, OpId::internal(number), command)))
    }
}
