//! Who a replica is, and how it names and dates its updates.

use std::collections::BTreeMap;

use seedbed_sim::{Context, NodeId, Process, Span, Time};

use crate::replication::crdt::bugs::Bug;
use crate::replication::crdt::clock::{Clock, Dot, ReplicaId, Stamp, Timestamp};
use crate::replication::crdt::marks;
use crate::replication::crdt::messages::Message;
use crate::replication::crdt::replica::settings::Settings;
use crate::replication::crdt::vocabulary::Op;

/// The author of a replica's updates.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Author {
    id: Option<ReplicaId>,
    /// How many updates it has made.
    made: u64,
    clock: Clock,
    /// The latest replica that it knows on each other node.
    known: BTreeMap<NodeId, ReplicaId>,
}

/// What of an author is on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Identity {
    /// Who it is.
    pub id: ReplicaId,
    /// How many updates it has made.
    pub made: u64,
    /// The latest instant that its clock has shown or seen.
    pub latest: Time,
}

impl Author {
    /// One who is not yet born.
    pub fn new(settings: &Settings) -> Self {
        let clock = Clock::new(settings.resolution);
        Author { id: None, made: 0, clock, known: BTreeMap::new() }
    }

    /// Who it is; nobody before its birth.
    pub fn id(&self) -> Option<ReplicaId> {
        self.id
    }

    /// Who it is.
    ///
    /// # Panics
    /// If it is not yet born.
    pub fn me(&self) -> ReplicaId {
        self.id.expect("nothing is said or done before birth")
    }

    /// Is born: there was nothing on its disk.
    pub fn be_born<P: Process>(&mut self, ctx: &mut Context<'_, P>) -> ReplicaId {
        let now = ctx.now();
        self.take_name(ctx, now)
    }

    fn take_name<P: Process>(&mut self, ctx: &mut Context<'_, P>, born: Time) -> ReplicaId {
        let (node, nonce) = (ctx.id(), ctx.draw("nonce", 0..=u64::from(u32::MAX)));
        let born = if ctx.planted(Bug::DrawnName) { Time::ZERO } else { born };
        let own = ReplicaId { node, born, nonce };
        let reused = ReplicaId { node, born: Time::ZERO, nonce: 0 };
        let id = if ctx.planted(Bug::DotReuseAfterRestart) { reused } else { own };
        (self.id, self.made) = (Some(id), 0);
        id
    }

    /// Another has told that it knows `later`, which its node is supposed to have had after the replica called `of`. If that is
    /// this one, the clock was wrong at its birth: it goes by a later name from now on, which is returned. Its updates keep
    /// theirs.
    pub fn succeed<P: Process>(
        &mut self,
        ctx: &mut Context<'_, P>,
        of: ReplicaId,
        later: ReplicaId,
    ) -> Option<ReplicaId> {
        if self.id != Some(of) || later <= of || ctx.planted(Bug::DrawnName) {
            return None;
        }
        ctx.mark(marks::TAKES_A_LATER_NAME);
        Some(self.take_name(ctx, later.born + Span(1)))
    }

    /// Tells a replica that its node is supposed to have had another since, if that is so.
    pub fn tell_if_outdated<P: Process<Message = Message>>(&self, ctx: &mut Context<'_, P>, other: ReplicaId) {
        if let Some(later) = self.known.get(&other.node).filter(|known| **known > other) {
            ctx.send(other.node, Message::Outdated { of: other, later: *later });
        }
    }

    /// Is again who it was.
    pub fn recover(&mut self, Identity { id, made, latest }: Identity) {
        (self.id, self.made) = (Some(id), made);
        self.clock.observe(latest);
    }

    /// What of it has to be on disk.
    pub fn identity(&self) -> Identity {
        Identity { id: self.me(), made: self.made, latest: self.latest() }
    }

    /// The name and the time of its next update.
    pub fn stamp<P: Process>(&self, ctx: &Context<'_, P>, op: &Op) -> Stamp {
        let me = self.me();
        let by = (!ctx.planted(Bug::NoTieBreak)).then_some(me);
        let by_count = ctx.planted(Bug::DatedByCount);
        Stamp {
            dot: Dot { replica: me, counter: self.made + 1 },
            time: Timestamp { time: self.clock.next(if by_count { Time::ZERO } else { ctx.now() }), by },
            addressee: op.addressee().and_then(|node| self.known.get(&node).copied()),
        }
    }

    /// Has made an update with this stamp.
    pub fn made(&mut self, stamp: &Stamp) {
        assert!(stamp.dot.counter == self.made + 1, "an author counts its updates: {stamp:?} after {}", self.made);
        self.made += 1;
        self.clock.observe(stamp.time.time);
    }

    /// Recovers that it has made one of the updates in its log.
    pub fn recover_made(&mut self, dot: &Dot) {
        if Some(dot.replica) == self.id {
            self.made = self.made.max(dot.counter);
        }
    }

    /// Sees an instant of another's clock.
    pub fn observe(&mut self, latest: Time) {
        self.clock.observe(latest);
    }

    /// The latest instant that its clock has shown or seen.
    pub fn latest(&self) -> Time {
        self.clock.latest()
    }

    /// Whether a replica is one that its node had before a later one.
    pub fn is_outdated(&self, other: ReplicaId) -> bool {
        self.known.get(&other.node).is_some_and(|known| *known > other)
    }

    /// Takes a replica for the one that its node has now, unless it knows a later one. Says whether it is new.
    pub fn meet(&mut self, other: ReplicaId) -> bool {
        let new = self.known.get(&other.node).is_none_or(|known| *known < other);
        if new {
            self.known.insert(other.node, other);
        }
        new
    }

    /// Whether this is the replica that its node has now, as far as is known.
    pub fn knows(&self, other: ReplicaId) -> bool {
        self.known.get(&other.node) == Some(&other)
    }

    /// All replicas that other nodes have now, as far as is known.
    pub fn known(&self) -> impl Iterator<Item = ReplicaId> + '_ {
        self.known.values().copied()
    }
}
