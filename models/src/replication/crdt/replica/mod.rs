//! A replica, in one of the three styles.

pub mod author;
pub mod delta;
pub mod operation;
pub mod rounds;
pub mod state;

use seedbed_sim::{Context as Ctx, File, NodeId, OpId, Process, Span, kinds};

use crate::replication::crdt::broadcast::Order;
use crate::replication::crdt::bugs::Bug;
use crate::replication::crdt::clock::ReplicaId;
use crate::replication::crdt::ghost::Ghost;
use crate::replication::crdt::marks;
use crate::replication::crdt::messages::Message;
use crate::replication::crdt::types::Kind;
use crate::replication::crdt::vocabulary::{Op, Ret, Value};

use self::delta::DeltaReplica;
use self::operation::OperationReplica;
use self::state::StateReplica;

/// Where a replica keeps what it must not forget.
pub const FILE: File = File(0);

/// How a replica is set up.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Settings {
    /// The data type.
    pub kind: Kind,
    /// The others, in turn.
    pub peers: Vec<NodeId>,
    /// How long it lets pass between telling one of them and the next.
    pub interval: Span,
    /// The resolution of its clock.
    pub resolution: Span,
    /// Delta style: how many deltas it keeps.
    pub buffer: usize,
    /// Operation-based: the order of delivery.
    pub order: Order,
    /// Operation-based: whether it forgets what is causally stable.
    pub forgets: bool,
    /// The planted bug.
    pub bug: Option<Bug>,
}

/// A replica. It has its style for life.
// Worlds have few nodes: a box would cost more than the room.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug, Hash)]
pub enum Replica {
    /// It gossips its whole state.
    State(StateReplica),
    /// It broadcasts operations.
    Operation(OperationReplica),
    /// It sends deltas.
    Delta(DeltaReplica),
}

/// The timers of replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Timer {
    /// A new replica is born.
    Birth,
    /// It is time to tell the next peer.
    Gossip,
    /// Operation-based: it is time to ask again to be let in.
    Join,
    /// Operation-based: it is time to forget what is stable.
    Forget,
}
kinds!(Timer: Birth, Gossip, Join, Forget);

/// A record on a replica's disk.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Record {
    /// State-based: all of it.
    State(state::Checkpoint),
    /// Delta style: all of it.
    Delta(delta::Checkpoint),
    /// Operation-based: one thing that happened.
    Operation(operation::Entry),
}

impl Replica {
    /// Who it is; nobody before its birth.
    pub fn id(&self) -> Option<ReplicaId> {
        match self {
            Replica::State(replica) => replica.author().id(),
            Replica::Operation(replica) => replica.author().id(),
            Replica::Delta(replica) => replica.author().id(),
        }
    }

    /// What properties know of it.
    pub fn ghost(&self) -> &Ghost {
        match self {
            Replica::State(replica) => replica.ghost(),
            Replica::Operation(replica) => replica.ghost(),
            Replica::Delta(replica) => replica.ghost(),
        }
    }

    /// What a client reads there.
    pub fn value(&self) -> Value {
        match self {
            Replica::State(replica) => replica.state().value(),
            Replica::Operation(replica) => replica.payload().value(),
            Replica::Delta(replica) => replica.state().value(),
        }
    }

    /// How much of what it has is not known to be with the others: of a state, how many of them; of operations, how many
    /// of those.
    pub fn untold(&self) -> u64 {
        match self {
            Replica::State(replica) => replica.untold(),
            Replica::Operation(replica) => replica.untold(),
            Replica::Delta(replica) => replica.untold(),
        }
    }

    /// Whether it takes updates.
    pub fn is_member(&self) -> bool {
        match self {
            Replica::State(_) | Replica::Delta(_) => self.id().is_some(),
            Replica::Operation(replica) => replica.is_member(),
        }
    }
}

impl Process for Replica {
    type Message = Message;
    type Timer = Timer;
    type Record = Record;
    type Op = Op;
    type Ret = Ret;

    fn start(&mut self, ctx: &mut Ctx<'_, Self>) {
        match self {
            Replica::State(replica) => replica.start(ctx),
            Replica::Operation(replica) => replica.start(ctx),
            Replica::Delta(replica) => replica.start(ctx),
        }
    }

    fn message(&mut self, ctx: &mut Ctx<'_, Self>, sender: NodeId, message: Message) {
        match (self, message) {
            (Replica::State(replica), Message::State { from, state, latest, had }) => {
                replica.receive(ctx, from, &state, latest, &had)
            }
            (Replica::Delta(replica), Message::Delta { from, since_acked_by, delta, upto, latest, had }) => {
                let interval = delta::Interval { since_acked_by, delta: *delta, upto, latest, had };
                replica.receive(ctx, from, interval)
            }
            (Replica::Delta(replica), Message::Ack { from, of, upto }) => replica.acknowledged(ctx, from, of, upto),
            (Replica::Operation(replica), Message::Update { from, update }) => replica.receive(ctx, from, vec![update]),
            (Replica::Operation(replica), Message::Missing { from, updates }) => replica.receive(ctx, from, updates),
            (Replica::Operation(replica), Message::Digest { from, delivered }) => replica.digest(ctx, from, &delivered),
            (Replica::Operation(replica), Message::Join { from, delivered }) => replica.join(ctx, from, &delivered),
            (Replica::Operation(replica), Message::Welcome { from, to, member, delivered, news }) => {
                replica.welcome(ctx, to, operation::Welcome { from, member, delivered, news })
            }
            (replica, message) => {
                panic!("a message of another style: {sender} sent {message:?} to {replica:?}")
            }
        }
    }

    fn timer(&mut self, ctx: &mut Ctx<'_, Self>, timer: Timer) {
        match (self, timer) {
            (Replica::State(replica), Timer::Birth) => replica.birth(ctx),
            (Replica::State(replica), Timer::Gossip) => replica.gossip(ctx),
            (Replica::Delta(replica), Timer::Birth) => replica.birth(ctx),
            (Replica::Delta(replica), Timer::Gossip) => replica.gossip(ctx),
            (Replica::Operation(replica), Timer::Birth) => replica.birth(ctx),
            (Replica::Operation(replica), Timer::Gossip) => replica.gossip(ctx),
            (Replica::Operation(replica), Timer::Join) => replica.ask_to_join(ctx),
            (Replica::Operation(replica), Timer::Forget) => replica.forget(ctx),
            (replica, timer) => panic!("a timer of another style: {timer:?} at {replica:?}"),
        }
    }

    fn invoke(&mut self, ctx: &mut Ctx<'_, Self>, op: OpId, input: Op) {
        if !self.is_member() {
            ctx.mark(marks::ASKED_BEFORE_IT_WAS_A_MEMBER);
            return ctx.fail(op, "this replica is not yet a member");
        }
        let made = match self {
            Replica::State(replica) => replica.update(ctx, op, &input),
            Replica::Operation(replica) => replica.update(ctx, op, &input),
            Replica::Delta(replica) => replica.update(ctx, op, &input),
        };
        if made.is_none() {
            ctx.mark(marks::UPDATE_REFUSED);
        }
        ctx.complete(op, made.map_or(Ret::Refused, |()| Ret::Made));
    }
}
