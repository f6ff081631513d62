//! State-based replication: every now and then a replica sends its whole state to the next of the others, and whoever
//! gets one joins it with its own (Shapiro and others 2011, the state-based object). Nothing is acknowledged: what is
//! lost is sent again with the next state, and what comes twice or late changes nothing.

use seedbed_sim::{Context as Ctx, NodeId, OpId, Process, Time};

use crate::replication::crdt::bugs::Bug;
use crate::replication::crdt::clock::ReplicaId;
use crate::replication::crdt::ghost::{Ghost, Updates};
use crate::replication::crdt::marks;
use crate::replication::crdt::messages::{Message, Timer};
use crate::replication::crdt::replica::author::Author;
use crate::replication::crdt::replica::client::Updatable;
use crate::replication::crdt::replica::record::{Record, StateCheckpoint};
use crate::replication::crdt::replica::rounds::Rounds;
use crate::replication::crdt::replica::settings::{BIRTH_WAIT, FILE, Settings};
use crate::replication::crdt::types::State;
use crate::replication::crdt::vocabulary::{Op, Ret};

/// A replica that gossips its state.
#[derive(Clone, Debug, Hash)]
pub struct StateReplica {
    settings: Settings,
    author: Author,
    state: State,
    ghost: Ghost,
    rounds: Rounds,
    /// How many it has told since it made its last update.
    told: usize,
}

impl StateReplica {
    /// A replica that has nothing.
    pub fn new(settings: Settings) -> Self {
        let (author, state) = (Author::new(&settings), State::new(settings.kind));
        let rounds = Rounds::new(&settings);
        StateReplica { settings, author, state, ghost: Ghost::default(), rounds, told: usize::MAX }
    }

    /// Who writes its updates.
    pub fn author(&self) -> &Author {
        &self.author
    }

    /// What it has.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// What properties know of it.
    pub fn ghost(&self) -> &Ghost {
        &self.ghost
    }

    /// How many of the others it has not told since it made an update.
    pub fn untold(&self) -> u64 {
        self.settings.peers.len().saturating_sub(self.told) as u64
    }

    fn birth(&mut self, ctx: &mut Ctx<'_, Self>) {
        self.author.be_born(ctx);
        self.save(ctx);
        self.rounds.begin(ctx);
    }

    fn save(&self, ctx: &mut Ctx<'_, Self>) {
        let identity = self.author.identity();
        let checkpoint = StateCheckpoint { identity, state: self.state.clone(), seen: self.ghost.seen.clone() };
        ctx.replace(FILE, vec![Record::State(checkpoint)]);
    }

    /// Sends its state to the next peer.
    fn gossip(&mut self, ctx: &mut Ctx<'_, Self>) {
        let Some(peer) = self.rounds.next(ctx) else {
            return;
        };
        self.told = self.told.saturating_add(1);
        let (from, latest, had) = (self.author.me(), self.author.latest(), self.ghost.seen.clone());
        ctx.send(peer, Message::State { from, state: Box::new(self.state.clone()), latest, had });
    }

    /// Joins another's state with its own (the method `m` of the state-based object).
    fn receive(&mut self, ctx: &mut Ctx<'_, Self>, from: ReplicaId, state: &State, latest: Time, had: &Updates) {
        if self.author.id().is_none() {
            return;
        }
        self.author.meet(from);
        self.author.tell_if_outdated(ctx, from);
        self.author.observe(latest);
        let before = self.state.clone();
        self.state.join(state);
        if self.state == before && self.ghost.seen.includes(had) {
            return ctx.mark(marks::NOTHING_NEW_IN_A_STATE);
        }
        if !had.includes(&self.ghost.seen) {
            ctx.mark(marks::STATES_JOINED_THAT_HAD_BOTH_GONE_ON);
        }
        self.ghost.joined(from, had);
        self.save(ctx);
    }
}

impl Updatable for StateReplica {
    fn is_member(&self) -> bool {
        self.author.id().is_some()
    }

    fn ghost_mut(&mut self) -> &mut Ghost {
        &mut self.ghost
    }

    /// A client's update (the method `u` of the state-based object): the state grows here.
    fn update(&mut self, ctx: &mut Ctx<'_, Self>, op: OpId, update: &Op) -> Option<()> {
        let stamp = self.author.stamp(ctx, update);
        if !self.state.mutate(update, &stamp) {
            return None;
        }
        self.author.made(&stamp);
        self.ghost.made(op, update, &stamp);
        self.told = 0;
        self.save(ctx);
        Some(())
    }
}

impl Process for StateReplica {
    type Message = Message;
    type Timer = Timer;
    type Record = Record;
    type Op = Op;
    type Ret = Ret;

    /// Recovers its last checkpoint. Without one it is new, and waits to be born.
    fn start(&mut self, ctx: &mut Ctx<'_, Self>) {
        self.settings.kind = self.settings.kind.as_planted(ctx.bug());
        self.state = State::new(self.settings.kind);
        let checkpoint = ctx.read(FILE).into_iter().find_map(|stored| match stored.good() {
            Some(Record::State(checkpoint)) => Some(checkpoint),
            _ => None,
        });
        let Some(StateCheckpoint { identity, state, seen }) = checkpoint else {
            return ctx.arm(Timer::Birth, BIRTH_WAIT);
        };
        ctx.mark(marks::RECOVERED_FROM_DISK);
        self.author.recover(identity);
        if !ctx.planted(Bug::RecoversWithoutItsState) {
            self.state = state;
        }
        self.ghost.seen = seen;
        self.rounds.begin(ctx);
    }

    fn message(&mut self, ctx: &mut Ctx<'_, Self>, sender: NodeId, message: Message) {
        match message {
            Message::State { from, state, latest, had } => self.receive(ctx, from, &state, latest, &had),
            Message::Outdated { of, later } => {
                if self.author.succeed(ctx, of, later).is_some() {
                    self.save(ctx);
                }
            }
            message => panic!("no message for a state-based replica: {sender} sent {message:?}"),
        }
    }

    fn timer(&mut self, ctx: &mut Ctx<'_, Self>, timer: Timer) {
        match timer {
            Timer::Birth => self.birth(ctx),
            Timer::Gossip => self.gossip(ctx),
            timer => panic!("no timer of a state-based replica: {timer:?}"),
        }
    }

    fn invoke(&mut self, ctx: &mut Ctx<'_, Self>, op: OpId, update: Op) {
        self.answer(ctx, op, &update);
    }
}
