//! Operation-based replication: an update is prepared here, and its effect is broadcast and applied everywhere in
//! causal order (Shapiro and others 2011, the operation-based object; the broadcast is [`Broadcast`]). Every now and
//! then a replica tells the next of the others what it has delivered, and gets what it lacks, from whoever has it.
//!
//! **Forgetting.** A replica that forgets drops messages and tombstones when they are causally stable. That needs to
//! know who has to have them, so a replica takes part only when all others count it: it asks all to be let in, each
//! forgets what the node's earlier replica had reported, and answers with what the new one lacks. Until all have
//! answered it makes no update. What was forgotten before is in what it is given; what is stable afterwards it has
//! reported itself. From a node's earlier replica nothing is taken any more: what nobody had from it when its successor
//! was let in is lost, as what was on its disk is.
//!
//! So of any two members the one has what the other has forgotten. Of several that join at once, none becomes a member
//! before it knows that the others have what was forgotten where it goes on from. Should it find a member who lacks
//! some of that (then all who had it have lost their disks), it starts again from nothing: nobody has built upon it.

use std::collections::{BTreeMap, BTreeSet};

use seedbed_sim::{Context as Ctx, NodeId, OpId, Process};

use crate::parts::wal;
use crate::replication::crdt::broadcast::Broadcast;
use crate::replication::crdt::bugs::Bug;
use crate::replication::crdt::clock::ReplicaId;
use crate::replication::crdt::context::Context;
use crate::replication::crdt::ghost::{self, Ghost};
use crate::replication::crdt::marks;
use crate::replication::crdt::messages::{Made, Message, News, Snapshot, Timer, Update};
use crate::replication::crdt::replica::author::{Author, Identity};
use crate::replication::crdt::replica::client::Updatable;
use crate::replication::crdt::replica::record::{Entry, Record};
use crate::replication::crdt::replica::rounds::Rounds;
use crate::replication::crdt::replica::settings::{BIRTH_WAIT, FILE, Settings};
use crate::replication::crdt::types::Payload;
use crate::replication::crdt::vocabulary::{Op, Ret};

/// How many intervals lie between two times at which a replica forgets.
const FORGETS_EVERY: u64 = 3;

/// A replica that broadcasts operations.
#[derive(Clone, Debug, Hash)]
pub struct OperationReplica {
    settings: Settings,
    author: Author,
    payload: Payload,
    broadcast: Broadcast<Made>,
    standing: Standing,
    ghost: Ghost,
    rounds: Rounds,
}

/// Whether a replica is counted by the others.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Standing {
    /// By those who have welcomed it. Of those it has heard of, what they had.
    Joining {
        /// Who has welcomed it.
        by: BTreeSet<NodeId>,
        /// What others had delivered when they last spoke.
        had: BTreeMap<ReplicaId, Context>,
    },
    /// By all.
    Member,
}

impl Standing {
    /// Nobody counts it yet.
    fn newcomer() -> Self {
        Standing::Joining { by: BTreeSet::new(), had: BTreeMap::new() }
    }
}

impl OperationReplica {
    /// A replica that has nothing.
    pub fn new(settings: Settings) -> Self {
        let (author, payload) = (Author::new(&settings), Payload::new(settings.kind));
        let broadcast = Broadcast::new(settings.order);
        let standing = Standing::newcomer();
        let rounds = Rounds::new(&settings);
        OperationReplica { settings, author, payload, broadcast, standing, ghost: Ghost::default(), rounds }
    }

    /// A broadcast in which nothing was delivered.
    fn empty_broadcast(&self, ctx: &Ctx<'_, Self>) -> Broadcast<Made> {
        let broadcast = Broadcast::new(self.settings.order);
        if ctx.planted(Bug::OpNotIdempotent) { broadcast.repeating() } else { broadcast }
    }

    /// Who writes its updates.
    pub fn author(&self) -> &Author {
        &self.author
    }

    /// What it has.
    pub fn payload(&self) -> &Payload {
        &self.payload
    }

    /// Its side of the broadcast.
    pub fn broadcast(&self) -> &Broadcast<Made> {
        &self.broadcast
    }

    /// What properties know of it.
    pub fn ghost(&self) -> &Ghost {
        &self.ghost
    }

    /// Whether it takes updates.
    pub fn is_member(&self) -> bool {
        self.author.id().is_some() && self.standing == Standing::Member
    }

    /// How many messages it keeps that are not known to be everywhere.
    pub fn untold(&self) -> u64 {
        let stable = self.broadcast.stable(&self.settings.peers);
        self.broadcast.log().iter().filter(|message| !stable.contains(&message.dot)).count() as u64
    }

    // -----------------------------------------------------------------------------------------------------------------
    // Birth and recovery

    fn recover(&mut self, entry: Entry) {
        match entry {
            Entry::Born(id) => {
                self.author.recover(Identity { id, made: 0, latest: seedbed_sim::Time::ZERO });
                self.standing = Standing::newcomer();
            }
            Entry::Counts(other) => _ = self.author.meet(other),
            Entry::Delivered(update) => {
                self.author.recover_made(&update.dot);
                self.apply(&update);
                self.broadcast.recover(update);
            }
            Entry::Member => self.standing = Standing::Member,
            Entry::Snapshot(identity, snapshot) => {
                self.author.recover(identity);
                self.install(*snapshot);
            }
        }
    }

    fn birth(&mut self, ctx: &mut Ctx<'_, Self>) {
        let id = self.author.be_born(ctx);
        self.log(ctx, Entry::Born(id));
        self.go_on(ctx);
    }

    /// Takes part from now on, or asks to be let in. A crash may have lost that it was a member, so this is what a restart does
    /// too.
    fn go_on(&mut self, ctx: &mut Ctx<'_, Self>) {
        let nobody_counts = !self.settings.forgets || self.settings.peers.is_empty();
        if !self.is_member() && nobody_counts {
            self.log(ctx, Entry::Member);
            self.standing = Standing::Member;
        }
        if !self.is_member() {
            return self.ask_to_join(ctx);
        }
        self.rounds.begin(ctx);
        if self.settings.forgets {
            ctx.arm(Timer::Forget, self.settings.interval * FORGETS_EVERY);
        }
    }

    fn log(&self, ctx: &mut Ctx<'_, Self>, entry: Entry) {
        ctx.append(FILE, Record::Operation(entry));
    }

    // -----------------------------------------------------------------------------------------------------------------
    // Updates

    /// Applies an update to the payload (its effect-update).
    fn apply(&mut self, update: &Update) {
        self.author.observe(update.payload.time);
        self.payload.effect(&update.payload.effect, &update.after);
        self.ghost.applied(update.payload.op);
    }

    /// Updates have come. Those are delivered whose causes are.
    fn receive(&mut self, ctx: &mut Ctx<'_, Self>, from: ReplicaId, updates: Vec<Update>) {
        if !self.takes_from(ctx, from) {
            return;
        }
        for update in updates {
            let waited = self.broadcast.waiting();
            let known = self.broadcast.delivered().contains(&update.dot);
            let ready = self.broadcast.receive(update);
            if ready.is_empty() && known {
                ctx.mark(marks::DUPLICATE_OPERATION_DROPPED);
            } else if ready.is_empty() && self.broadcast.waiting() > waited {
                ctx.mark(marks::OPERATION_WAITS_FOR_ITS_CAUSES);
            }
            for update in ready {
                self.apply(&update);
                self.log(ctx, Entry::Delivered(update));
            }
        }
    }

    /// Whether the word of a replica counts here: a member takes it from those it counts. Where nothing is forgotten,
    /// everybody counts.
    fn takes_from(&mut self, ctx: &mut Ctx<'_, Self>, from: ReplicaId) -> bool {
        if !self.is_member() {
            return false;
        }
        if self.settings.forgets {
            let counts = self.author.knows(from);
            if !counts {
                ctx.mark(marks::WORD_OF_A_REPLICA_THAT_DOES_NOT_COUNT);
            }
            return counts;
        }
        if self.author.meet(from) {
            self.broadcast.forget_report(from.node);
        }
        true
    }

    // -----------------------------------------------------------------------------------------------------------------
    // Anti-entropy and causal stability

    /// Tells the next peer what was delivered here.
    fn gossip(&mut self, ctx: &mut Ctx<'_, Self>) {
        let Some(peer) = self.rounds.next(ctx) else {
            return;
        };
        let (from, delivered) = (self.author.me(), self.broadcast.delivered().clone());
        let digest = Message::Digest { from, delivered };
        if ctx.planted(Bug::ReportsBeforeDurable) { ctx.send_early(peer, digest) } else { ctx.send(peer, digest) }
    }

    /// Another has told what it has delivered: that is a report, and a question.
    fn digest(&mut self, ctx: &mut Ctx<'_, Self>, from: ReplicaId, delivered: &Context) {
        if !self.takes_from(ctx, from) || self.author.is_outdated(from) {
            return self.author.tell_if_outdated(ctx, from);
        }
        self.broadcast.report(from.node, delivered);
        // Members have all that was pruned: a digest that lacks some of it is an old one.
        let Some(updates) = self.broadcast.missing(delivered) else {
            return ctx.mark(marks::LATE_DIGEST);
        };
        if !updates.is_empty() {
            ctx.mark(marks::OPERATIONS_SENT_AGAIN);
            ctx.send(from.node, Message::Missing { from: self.author.me(), updates });
        }
    }

    /// Forgets messages and tombstones of what is causally stable.
    fn forget(&mut self, ctx: &mut Ctx<'_, Self>) {
        ctx.arm(Timer::Forget, self.settings.interval * FORGETS_EVERY);
        let stable = self.broadcast.stable(&self.settings.peers);
        let too_early = ctx.planted(Bug::TombstoneGcTooEarly);
        let removals = self.payload.forget(if too_early { self.broadcast.delivered() } else { &stable });
        let messages = self.broadcast.prune(&stable);
        if !removals.is_empty() {
            ctx.mark(marks::TOMBSTONES_FORGOTTEN);
        }
        if removals.is_empty() && messages.is_empty() {
            return;
        }
        self.ghost.journal.push(ghost::Entry::Forgot(removals.into_iter().chain(messages).collect()));
        self.save(ctx);
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot {
            payload: self.payload.clone(),
            delivered: self.broadcast.delivered().clone(),
            log: self.broadcast.log().to_vec(),
            pruned: self.broadcast.pruned().clone(),
            latest: self.author.latest(),
            had: self.ghost.seen.clone(),
        }
    }

    fn install(&mut self, snapshot: Snapshot) {
        let Snapshot { payload, delivered, log, pruned, latest, had } = snapshot;
        self.payload = payload;
        self.broadcast.go_on_from(delivered, log, pruned);
        self.author.observe(latest);
        self.ghost.went_on_from(&had);
    }

    /// Writes the log anew, with a snapshot instead of what happened.
    fn save(&self, ctx: &mut Ctx<'_, Self>) {
        let mut entries = vec![Entry::Born(self.author.me())];
        entries.extend(self.author.known().map(Entry::Counts));
        entries.push(Entry::Snapshot(self.author.identity(), Box::new(self.snapshot())));
        if self.is_member() {
            entries.push(Entry::Member);
        }
        ctx.replace(FILE, entries.into_iter().map(Record::Operation).collect());
    }

    // -----------------------------------------------------------------------------------------------------------------
    // Joining

    /// Asks all: those who have welcomed it too, for what they have by now.
    fn ask_to_join(&mut self, ctx: &mut Ctx<'_, Self>) {
        ctx.arm(Timer::Join, self.settings.interval);
        let (from, delivered) = (self.author.me(), self.broadcast.delivered().clone());
        ctx.broadcast(self.settings.peers.iter().copied(), Message::Join { from, delivered });
    }

    /// Counts another replica, and nobody that its node had before.
    fn count(&mut self, ctx: &mut Ctx<'_, Self>, other: ReplicaId, delivered: &Context) {
        if self.author.meet(other) {
            self.broadcast.succeeded_by(other);
            self.log(ctx, Entry::Counts(other));
        }
        if let Standing::Joining { had, .. } = &mut self.standing {
            had.entry(other).or_default().join(delivered);
        }
    }

    /// Counts a new replica from now on, and tells it what it lacks. A replica that is itself not yet a member does so
    /// too.
    fn join(&mut self, ctx: &mut Ctx<'_, Self>, from: ReplicaId, theirs: &Context) {
        let Some(me) = self.author.id() else {
            return;
        };
        if self.author.is_outdated(from) {
            ctx.mark(marks::WORD_OF_A_REPLICA_THAT_DOES_NOT_COUNT);
            return self.author.tell_if_outdated(ctx, from);
        }
        self.count(ctx, from, theirs);
        let news = match self.broadcast.missing(theirs) {
            Some(updates) => News::Updates(updates),
            None => News::Snapshot(Box::new(self.snapshot())),
        };
        let (member, delivered) = (self.is_member(), self.broadcast.delivered().clone());
        ctx.send(from.node, Message::Welcome { from: me, to: from, member, delivered, news });
        self.become_member(ctx);
    }

    /// Is counted by one more, and has what that one had.
    fn welcome(&mut self, ctx: &mut Ctx<'_, Self>, to: ReplicaId, welcome: Welcome) {
        let Welcome { from, member, delivered, news } = welcome;
        if Some(to) != self.author.id() || self.is_member() || self.author.is_outdated(from) {
            return;
        }
        if member && !delivered.includes(self.broadcast.pruned()) {
            ctx.mark(marks::JOINS_AGAIN_FROM_NOTHING);
            self.start_again(ctx);
        }
        self.count(ctx, from, &delivered);
        match news {
            News::Updates(updates) => {
                for update in updates {
                    for update in self.broadcast.receive(update) {
                        self.apply(&update);
                        self.log(ctx, Entry::Delivered(update));
                    }
                }
            }
            News::Snapshot(snapshot) if snapshot.delivered.includes(self.broadcast.delivered()) => {
                ctx.mark(marks::SNAPSHOT_INSTALLED);
                self.install(*snapshot);
                self.save(ctx);
            }
            // Asked again, it is told what it lacks one by one.
            News::Snapshot(_) => return ctx.mark(marks::SNAPSHOT_OF_ANOTHER_PAST),
        }
        if let Standing::Joining { by, .. } = &mut self.standing {
            by.insert(from.node);
        }
        self.become_member(ctx);
    }

    /// Goes by a later name, with what it has. Where replicas are counted nobody counts that name yet, so it asks all to be let
    /// in, and takes no part before.
    fn outdated(&mut self, ctx: &mut Ctx<'_, Self>, of: ReplicaId, later: ReplicaId) {
        let Some(id) = self.author.succeed(ctx, of, later) else { return };
        self.log(ctx, Entry::Born(id));
        if !self.settings.forgets {
            return self.log(ctx, Entry::Member);
        }
        self.standing = Standing::newcomer();
        ctx.cancel(&Timer::Gossip);
        ctx.cancel(&Timer::Forget);
        self.ask_to_join(ctx);
    }

    /// Is a member, if all have welcomed it and have what was forgotten where it goes on from.
    fn become_member(&mut self, ctx: &mut Ctx<'_, Self>) {
        let Standing::Joining { by, had } = &self.standing else {
            return;
        };
        let has = |other| had.get(&other).is_some_and(|delivered| delivered.includes(self.broadcast.pruned()));
        if self.settings.peers.iter().all(|peer| by.contains(peer)) && self.author.known().all(has) {
            ctx.mark(marks::LET_IN_BY_ALL);
            self.standing = Standing::Member;
            self.log(ctx, Entry::Member);
            ctx.cancel(&Timer::Join);
            self.go_on(ctx);
        }
    }

    /// Drops what it was given.
    fn start_again(&mut self, ctx: &mut Ctx<'_, Self>) {
        let fresh = OperationReplica::new(self.settings.clone());
        (self.payload, self.standing) = (fresh.payload, fresh.standing);
        self.broadcast = self.empty_broadcast(ctx);
        self.ghost.started_again();
        self.save(ctx);
    }
}

/// The answer to one who joins.
struct Welcome {
    from: ReplicaId,
    member: bool,
    delivered: Context,
    news: News,
}

impl Updatable for OperationReplica {
    fn is_member(&self) -> bool {
        OperationReplica::is_member(self)
    }

    fn ghost_mut(&mut self) -> &mut Ghost {
        &mut self.ghost
    }

    /// A client's update (its prepare-update, and the effect here).
    fn update(&mut self, ctx: &mut Ctx<'_, Self>, op: OpId, asked: &Op) -> Option<()> {
        let stamp = self.author.stamp(ctx, asked);
        let effect = self.payload.prepare(asked, &stamp)?;
        self.author.made(&stamp);
        self.ghost.made(op, asked, &stamp);
        let update = self.broadcast.broadcast(stamp.dot, Made { effect, time: stamp.time.time, op });
        self.payload.effect(&update.payload.effect, &update.after);
        self.log(ctx, Entry::Delivered(update.clone()));
        let from = self.author.me();
        ctx.broadcast(self.settings.peers.iter().copied(), Message::Update { from, update });
        Some(())
    }
}

impl Process for OperationReplica {
    type Message = Message;
    type Timer = Timer;
    type Record = Record;
    type Op = Op;
    type Ret = Ret;

    /// Recovers what is in the log. A damaged one is given up: a replica that goes on from half of what it has told would
    /// name new updates as it named old ones. Without a birth in the log the replica is new, and waits to be born.
    fn start(&mut self, ctx: &mut Ctx<'_, Self>) {
        self.settings.kind = self.settings.kind.as_planted(ctx.bug());
        self.payload = Payload::new(self.settings.kind);
        self.broadcast = self.empty_broadcast(ctx);
        let records = wal::read(ctx, FILE).unwrap_or_else(|wal::Damaged| {
            ctx.mark(marks::LOG_GIVEN_UP);
            ctx.replace(FILE, Vec::new());
            Vec::new()
        });
        for record in records {
            let Record::Operation(entry) = record else {
                panic!("a record of another style: {record:?}");
            };
            self.recover(entry);
        }
        if self.author.id().is_none() {
            return ctx.arm(Timer::Birth, BIRTH_WAIT);
        }
        ctx.mark(marks::RECOVERED_FROM_DISK);
        self.go_on(ctx);
    }

    fn message(&mut self, ctx: &mut Ctx<'_, Self>, sender: NodeId, message: Message) {
        match message {
            Message::Update { from, update } => self.receive(ctx, from, vec![update]),
            Message::Missing { from, updates } => self.receive(ctx, from, updates),
            Message::Digest { from, delivered } => self.digest(ctx, from, &delivered),
            Message::Join { from, delivered } => self.join(ctx, from, &delivered),
            Message::Outdated { of, later } => self.outdated(ctx, of, later),
            Message::Welcome { from, to, member, delivered, news } => {
                self.welcome(ctx, to, Welcome { from, member, delivered, news });
            }
            message => panic!("no message for an operation-based replica: {sender} sent {message:?}"),
        }
    }

    fn timer(&mut self, ctx: &mut Ctx<'_, Self>, timer: Timer) {
        match timer {
            Timer::Birth => self.birth(ctx),
            Timer::Gossip => self.gossip(ctx),
            Timer::Join => self.ask_to_join(ctx),
            Timer::Forget => self.forget(ctx),
        }
    }

    fn invoke(&mut self, ctx: &mut Ctx<'_, Self>, op: OpId, update: Op) {
        self.answer(ctx, op, &update);
    }
}
