//! Where the books of a broker are: on its own disk, or agreed on by a group.

use seedbed_sim::{Answer, Context, Hosted, NodeId, OpId, Process, Written};

use crate::communication::message_queue::books::command::{Command, Effects, Stamped};
use crate::communication::message_queue::books::journal::Settlement;
use crate::communication::message_queue::books::state::Books;
use crate::communication::message_queue::bugs::Bug;
use crate::communication::message_queue::marks;
use crate::communication::message_queue::messages::{LOG, Message, QueueProcess, Record, Timer};
use crate::parts::wal;
use crate::replication::raft;
use crate::replication::raft::types::{Index, Term};

/// A command that was executed: its number, and what comes of it.
pub type Executed = (u64, Effects);

/// The books of a broker with classic queues: every command is written to the log, and executed at once. What is said of it waits for
/// the disk.
#[derive(Clone, Debug, Default, Hash)]
pub struct Classic {
    books: Books,
}

impl Classic {
    /// The books.
    pub fn books(&self) -> &Books {
        &self.books
    }

    /// Replays the log. `false` if it is damaged: then the node has halted.
    pub fn recover(&mut self, ctx: &mut Context<'_, impl QueueProcess<Record = Record>>) -> bool {
        let Some(records) = wal::recover(ctx, LOG) else { return false };
        for record in &records {
            let Record::Command(stamped) = record else { panic!("no record of a classic queue: {record:?}") };
            self.books.replay(stamped);
        }
        if !records.is_empty() {
            if self.books.copies().next().is_some() {
                ctx.mark(marks::BROKER_RESTARTED_WITH_MESSAGES);
            }
            drop(self.execute(ctx, Command::Restart));
        }
        true
    }

    /// Writes a command down and executes it.
    pub fn execute(
        &mut self,
        ctx: &mut Context<'_, impl QueueProcess<Record = Record>>,
        command: Command,
    ) -> (Effects, Written<()>) {
        let stamped = stamp(ctx, command);
        let effects = raft::machine::StateMachine::apply(&mut self.books, &stamped);
        let is_ack = matches!(stamped.command, Command::Settle { how: Settlement::Ack, .. });
        if is_ack && ctx.planted(Bug::AckNotWritten) {
            return (effects, Written::early(()));
        }
        (effects, ctx.append(LOG, Record::Command(stamped)).is(()))
    }
}

/// Who leads, and how far the books are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Progress {
    term: Term,
    leads: bool,
    applied: Index,
}

/// A server of the group that replicates the books. (RabbitMQ has a group for each queue: here one has all, and with it the exchanges,
/// so that a message goes from one queue to another in one step.)
#[derive(Clone, Debug, Hash)]
pub struct Quorum {
    server: raft::Server<Books>,
    seen: Progress,
    invoked: u64,
}

/// What has changed while the server handled something.
#[derive(Clone, Debug)]
pub struct Changes {
    /// The commands of this broker that were executed.
    pub executed: Vec<Executed>,
    /// Whether it leads now and did not, or in an earlier term.
    pub began_to_lead: bool,
    /// Whether it does not lead any more, or has lost the lead in between.
    pub ceased_to_lead: bool,
    /// Whether the books have changed.
    pub progressed: bool,
}

impl Quorum {
    /// A server of a group.
    pub fn new(server: raft::Server<Books>) -> Self {
        let seen = Progress { term: Term(0), leads: false, applied: Index::ZERO };
        Quorum { server, seen, invoked: 0 }
    }

    /// The server.
    pub fn server(&self) -> &raft::Server<Books> {
        &self.server
    }

    /// Who leads, if that is known.
    pub fn leader(&self) -> Option<NodeId> {
        self.server.leader()
    }

    /// Runs a handler of the server.
    pub fn host<P>(
        &mut self,
        ctx: &mut Context<'_, P>,
        handler: impl FnOnce(&mut raft::Server<Books>, &mut Context<'_, raft::Server<Books>>),
    ) -> Changes
    where
        P: Process<Message = Message, Timer = Timer, Record = Record>,
    {
        let answers = ctx.host(Hosted::named("raft"), |ctx| handler(&mut self.server, ctx));
        let completed = |answer| match answer {
            Answer::Completed(op, effects) => Some((number_of(op), effects)),
            // Its connection is closed: whoever asked hears no more.
            Answer::Failed(..) | Answer::GivenUp(..) => None,
        };
        let executed = answers.into_iter().filter_map(completed).collect();
        let server = &self.server;
        let now = Progress { term: server.term(), leads: server.is_leader(), applied: server.last_applied() };
        let before = std::mem::replace(&mut self.seen, now);
        let other_term = before.term != now.term;
        Changes {
            executed,
            began_to_lead: now.leads && (!before.leads || other_term),
            ceased_to_lead: before.leads && (!now.leads || other_term),
            progressed: now != before,
        }
    }

    /// Asks the group to execute a command. Returns its number.
    pub fn invoke<P>(&mut self, ctx: &mut Context<'_, P>, command: Command) -> (u64, Changes)
    where
        P: Process<Message = Message, Timer = Timer, Record = Record>,
    {
        self.invoked += 1;
        let (number, stamped) = (self.invoked, stamp(ctx, command));
        (number, self.host(ctx, |server, ctx| server.invoke(ctx, OpId::internal(number), stamped)))
    }
}

fn number_of(op: OpId) -> u64 {
    op.0 ^ OpId::internal(0).0
}

fn stamp(ctx: &Context<'_, impl QueueProcess>, command: Command) -> Stamped {
    Stamped { at: ctx.now(), command, bug: ctx.bug().and_then(Bug::named) }
}

/// Where the books of a broker are.
// A world has few brokers: a box would cost more than the room.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug, Hash)]
pub enum Store {
    /// On its own disk.
    Classic(Classic),
    /// Agreed on by a group.
    Quorum(Quorum),
}

impl Store {
    /// The books, as this broker has them.
    pub fn books(&self) -> &Books {
        match self {
            Store::Classic(classic) => classic.books(),
            Store::Quorum(quorum) => quorum.server().machine(),
        }
    }

    /// Whether this broker serves clients.
    pub fn serves(&self) -> bool {
        match self {
            Store::Classic(_) => true,
            Store::Quorum(quorum) => quorum.server().is_leader(),
        }
    }
}
