//! Delta-state replication: Algorithm 2 of Almeida, Shoker and Baquero 2018, "delta-interval based anti-entropy
//! ensuring causal consistency". A replica keeps the deltas that it has made or learnt, numbered; it sends each of the
//! others the join of those that the other has not acknowledged, and its whole state where it no longer has them.
//!
//! That an interval is joined only by those who have all that comes before it (the *causal delta-merging condition*)
//! makes it as good as the whole state. The paper's replicas never lose their disks. Here they do, so acknowledgements
//! name whose sequence numbers they are about, and an interval names whose acknowledgement it builds upon: another
//! replica on that node does not join it, and is sent a state.

use std::collections::BTreeMap;

use seedbed_sim::{Context as Ctx, NodeId, OpId, Process, Time};

use crate::replication::crdt::bugs::Bug;
use crate::replication::crdt::clock::ReplicaId;
use crate::replication::crdt::ghost::{Ghost, Updates};
use crate::replication::crdt::marks;
use crate::replication::crdt::messages::{Message, Timer};
use crate::replication::crdt::replica::author::Author;
use crate::replication::crdt::replica::client::Updatable;
use crate::replication::crdt::replica::record::{DeltaCheckpoint, Record};
use crate::replication::crdt::replica::rounds::Rounds;
use crate::replication::crdt::replica::settings::{BIRTH_WAIT, FILE, Settings};
use crate::replication::crdt::types::State;
use crate::replication::crdt::vocabulary::{Op, Ret};

/// A replica that sends deltas.
#[derive(Clone, Debug, Hash)]
pub struct DeltaReplica {
    settings: Settings,
    author: Author,
    /// X: the state. Durable.
    state: State,
    /// c: the number of the next delta. Durable.
    sequence: u64,
    /// D: the deltas, by number. Volatile.
    deltas: BTreeMap<u64, State>,
    /// A: up to where each other node's replica has acknowledged. Volatile.
    acked: BTreeMap<NodeId, (ReplicaId, u64)>,
    ghost: Ghost,
    rounds: Rounds,
}

/// What is sent.
#[derive(Clone, Debug)]
struct Interval {
    since_acked_by: Option<ReplicaId>,
    delta: State,
    upto: u64,
    latest: Time,
    had: Updates,
}

impl DeltaReplica {
    /// A replica that has nothing.
    pub fn new(settings: Settings) -> Self {
        let (author, state) = (Author::new(&settings), State::new(settings.kind));
        let (deltas, acked, rounds) = (BTreeMap::new(), BTreeMap::new(), Rounds::new(&settings));
        DeltaReplica { settings, author, state, sequence: 0, deltas, acked, ghost: Ghost::default(), rounds }
    }

    /// Who writes its updates.
    pub fn author(&self) -> &Author {
        &self.author
    }

    /// What it has.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// How many deltas it keeps.
    pub fn buffered(&self) -> usize {
        self.deltas.len()
    }

    /// What properties know of it.
    pub fn ghost(&self) -> &Ghost {
        &self.ghost
    }

    /// How many of the others have not acknowledged all that it has.
    pub fn untold(&self) -> u64 {
        let behind = self.settings.peers.iter().filter(|peer| self.acked_by(**peer) < self.sequence);
        behind.count() as u64
    }

    fn acked_by(&self, peer: NodeId) -> u64 {
        self.acked.get(&peer).map_or(0, |(_, upto)| *upto)
    }

    fn birth(&mut self, ctx: &mut Ctx<'_, Self>) {
        self.author.be_born(ctx);
        self.save(ctx);
        self.rounds.begin(ctx);
    }

    fn save(&self, ctx: &mut Ctx<'_, Self>) {
        let (identity, seen) = (self.author.identity(), self.ghost.seen.clone());
        let (known, state) = (self.author.known().collect(), self.state.clone());
        let checkpoint = DeltaCheckpoint { identity, known, state, sequence: self.sequence, seen };
        ctx.replace(FILE, vec![Record::Delta(checkpoint)]);
    }

    /// `D' = D{c ↦ d}, c' = c + 1`; beyond the room that there is, the oldest goes.
    fn keep(&mut self, delta: State) {
        self.deltas.insert(self.sequence, delta);
        self.sequence += 1;
        while self.deltas.len() > self.settings.buffer {
            self.deltas.pop_first();
        }
    }

    /// Sends the next peer what it has not acknowledged (`periodically // ship delta-interval or state`), and drops
    /// what everybody has (`periodically // garbage collect deltas`).
    fn gossip(&mut self, ctx: &mut Ctx<'_, Self>) {
        let Some(peer) = self.rounds.next(ctx) else {
            return;
        };
        let everybody = self.settings.peers.iter().map(|peer| self.acked_by(*peer)).min().unwrap_or(0);
        self.deltas.retain(|n, _| *n >= everybody);
        if self.acked_by(peer) >= self.sequence && self.acked.contains_key(&peer) {
            return;
        }
        let (since_acked_by, delta) = self.interval_for(ctx, peer);
        let (from, upto, latest) = (self.author.me(), self.sequence, self.author.latest());
        let had = self.ghost.seen.clone();
        ctx.send(peer, Message::Delta { from, since_acked_by, delta: Box::new(delta), upto, latest, had });
    }

    /// The join of all deltas that the peer has not acknowledged, or the state.
    fn interval_for(&self, ctx: &mut Ctx<'_, Self>, peer: NodeId) -> (Option<ReplicaId>, State) {
        let acked = self.acked_by(peer);
        let oldest = self.deltas.first_key_value().map(|(n, _)| *n);
        let gap = oldest.is_none_or(|oldest| oldest > acked);
        let planted = ctx.planted(Bug::DeltaGap) && oldest.is_some();
        match self.acked.get(&peer) {
            Some((replica, acked)) if !gap || planted => {
                let mut interval = State::new(self.settings.kind);
                self.deltas.range(acked..).for_each(|(_, delta)| interval.join(delta));
                ctx.mark(marks::DELTA_INTERVAL_SENT);
                (Some(*replica), interval)
            }
            Some(_) => {
                ctx.mark(marks::WHOLE_STATE_SENT_FOR_WANT_OF_DELTAS);
                (None, self.state.clone())
            }
            None => (None, self.state.clone()),
        }
    }

    /// Joins what another has sent with its own, keeps it as a delta if there was something new, and acknowledges it
    /// (`on receive (delta, d, n)`).
    fn receive(&mut self, ctx: &mut Ctx<'_, Self>, from: ReplicaId, interval: Interval) {
        let Some(me) = self.author.id() else {
            return;
        };
        if self.author.meet(from) {
            // What its node has acknowledged before was another's.
            self.acked.remove(&from.node);
            self.save(ctx);
        }
        self.author.tell_if_outdated(ctx, from);
        let Interval { since_acked_by, delta, upto, latest, had } = interval;
        if since_acked_by.is_some_and(|acked_by| acked_by != me) {
            ctx.mark(marks::INTERVAL_MEANT_FOR_AN_EARLIER_REPLICA);
            return ctx.send(from.node, Message::Ack { from: me, of: from, upto: 0 });
        }
        self.author.observe(latest);
        let before = self.state.clone();
        self.state.join(&delta);
        let grown = self.state != before;
        if grown || !self.ghost.seen.includes(&had) {
            self.ghost.joined(from, &had);
            if grown {
                self.keep(delta);
            }
            self.save(ctx);
        }
        // Who does not go by its last name yet is not told that it was heard: it goes on sending until it does.
        if !self.author.is_outdated(from) {
            ctx.send(from.node, Message::Ack { from: me, of: from, upto });
        }
    }

    /// Goes by a later name. What others acknowledged, they did to the earlier one, and some may not have heard of this: all
    /// are sent the state under the new name, and whoever took it for the earlier replica begins anew with it.
    fn outdated(&mut self, ctx: &mut Ctx<'_, Self>, of: ReplicaId, later: ReplicaId) {
        if self.author.succeed(ctx, of, later).is_some() {
            self.acked.clear();
            self.save(ctx);
        }
    }

    /// `A' = A{j ↦ max(A(j), n)}`; of another replica on that node, nothing was known.
    fn acknowledged(&mut self, ctx: &mut Ctx<'_, Self>, by: ReplicaId, of: ReplicaId, upto: u64) {
        if Some(of) != self.author.id() || self.author.is_outdated(by) {
            self.author.tell_if_outdated(ctx, by);
            return ctx.mark(marks::ACKNOWLEDGEMENT_OF_OR_BY_AN_EARLIER_REPLICA);
        }
        if self.author.meet(by) {
            self.save(ctx);
        }
        match self.acked.get_mut(&by.node) {
            Some((known, acked)) if *known == by => *acked = upto.max(*acked),
            _ => _ = self.acked.insert(by.node, (by, upto)),
        }
    }
}

impl Updatable for DeltaReplica {
    fn is_member(&self) -> bool {
        self.author.id().is_some()
    }

    fn ghost_mut(&mut self) -> &mut Ghost {
        &mut self.ghost
    }

    /// A client's update (`on operation`): the delta is joined with the state and kept.
    fn update(&mut self, ctx: &mut Ctx<'_, Self>, op: OpId, update: &Op) -> Option<()> {
        let stamp = self.author.stamp(ctx, update);
        let delta = self.state.delta(update, &stamp)?;
        self.state.join(&delta);
        self.keep(delta);
        self.author.made(&stamp);
        self.ghost.made(op, update, &stamp);
        self.save(ctx);
        Some(())
    }
}

impl Process for DeltaReplica {
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
            Some(Record::Delta(checkpoint)) => Some(checkpoint),
            _ => None,
        });
        let Some(DeltaCheckpoint { identity, known, state, sequence, seen }) = checkpoint else {
            return ctx.arm(Timer::Birth, BIRTH_WAIT);
        };
        ctx.mark(marks::RECOVERED_FROM_DISK);
        self.author.recover(identity);
        known.into_iter().for_each(|other| _ = self.author.meet(other));
        (self.state, self.sequence, self.ghost.seen) = (state, sequence, seen);
        self.rounds.begin(ctx);
    }

    fn message(&mut self, ctx: &mut Ctx<'_, Self>, sender: NodeId, message: Message) {
        match message {
            Message::Delta { from, since_acked_by, delta, upto, latest, had } => {
                self.receive(ctx, from, Interval { since_acked_by, delta: *delta, upto, latest, had });
            }
            Message::Ack { from, of, upto } => self.acknowledged(ctx, from, of, upto),
            Message::Outdated { of, later } => self.outdated(ctx, of, later),
            message => panic!("no message for a replica of the delta style: {sender} sent {message:?}"),
        }
    }

    fn timer(&mut self, ctx: &mut Ctx<'_, Self>, timer: Timer) {
        match timer {
            Timer::Birth => self.birth(ctx),
            Timer::Gossip => self.gossip(ctx),
            timer => panic!("no timer of a replica of the delta style: {timer:?}"),
        }
    }

    fn invoke(&mut self, ctx: &mut Ctx<'_, Self>, op: OpId, update: Op) {
        self.answer(ctx, op, &update);
    }
}
