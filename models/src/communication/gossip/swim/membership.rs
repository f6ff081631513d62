//! A member's side of SWIM.

use std::collections::BTreeMap;

use seedbed_sim::{Context, NodeId, Span};

use crate::communication::gossip::bugs::Bug;
use crate::communication::gossip::marks;
use crate::communication::gossip::messages::{GossipProcess, LOG, Message, Record, Seq, Timer};
use crate::communication::gossip::settings::{Detector, Settings};
use crate::communication::gossip::swim::claim::{Claim, State};
use crate::communication::gossip::swim::health::Health;
use crate::communication::gossip::swim::piggyback::Piggyback;
use crate::communication::gossip::swim::probe::{Probing, some};
use crate::communication::gossip::swim::suspicion::Suspicion;
use crate::communication::gossip::swim::view::{Change, View};

/// How many periods lie between two exchanges of all claims.
pub const EXCHANGE_EVERY: u64 = 6;
/// To how many others a member says that it leaves.
const FAREWELLS: usize = 3;

/// A member's side of SWIM.
#[derive(Clone, Debug, Hash)]
pub struct Membership {
    me: NodeId,
    settings: Settings,
    /// Its own incarnation. Durable before it is told.
    incarnation: u64,
    view: View,
    piggyback: Piggyback,
    probing: Probing,
    suspicions: BTreeMap<NodeId, Suspicion>,
    health: Health,
    exchanges: usize,
    /// The deaths that it has declared itself in this life, in order.
    declared: Vec<Claim>,
}

impl Membership {
    /// Begins a life in this incarnation, which no earlier life has had: numbers of pings begin with it.
    pub fn start(ctx: &mut Context<'_, impl GossipProcess>, settings: Settings, incarnation: u64) -> Self {
        let me = ctx.id();
        let others = (0..settings.members).map(NodeId).filter(|other| *other != me).collect();
        ctx.append(LOG, Record::Incarnation(incarnation));
        let mut piggyback = Piggyback::default();
        piggyback.tell(Claim::alive(me, incarnation));
        let first = ctx.draw_span("first period", Span::ZERO..=settings.period);
        ctx.arm(Timer::Period, first);
        let first = ctx.draw_span("first exchange", Span::ZERO..=settings.period * EXCHANGE_EVERY);
        ctx.arm(Timer::Exchange, first);
        Membership {
            me,
            settings,
            incarnation,
            view: View::new(settings.members, ctx.bug().and_then(Bug::named)),
            piggyback,
            probing: Probing::new(others, incarnation << 32),
            suspicions: BTreeMap::new(),
            health: Health::default(),
            exchanges: 0,
            declared: Vec::new(),
        }
    }

    /// Its own incarnation.
    pub fn incarnation(&self) -> u64 {
        self.incarnation
    }

    /// What it holds of the others.
    pub fn view(&self) -> &View {
        &self.view
    }

    /// The deaths that it has declared itself in this life, in order.
    pub fn declared(&self) -> &[Claim] {
        &self.declared
    }

    /// How many it suspects.
    pub fn suspects(&self) -> usize {
        self.suspicions.len()
    }

    /// The others that are not held dead.
    pub fn others(&self) -> Vec<NodeId> {
        let all = (0..self.settings.members).map(NodeId);
        all.filter(|other| *other != self.me && self.view.counts(*other)).collect()
    }

    // -----------------------------------------------------------------------------------------------------------------
    // Probes

    /// A protocol period is over, and the next begins (SWIM §3.1).
    pub fn period(&mut self, ctx: &mut Context<'_, impl GossipProcess>) {
        if let Some(probe) = self.probing.end().filter(|probe| !probe.answered) {
            self.worsen(ctx, 1 + u64::from(probe.nacks < probe.helpers));
            self.failed(ctx, probe.target);
        }
        ctx.arm(Timer::Period, self.scaled(self.settings.period));
        if let Some((target, seq)) = self.probing.begin(ctx, &self.view) {
            let claims = self.claims_for(ctx, target);
            ctx.send(target, Message::Ping(seq, claims));
            ctx.arm(Timer::Indirect, self.scaled(self.settings.timeout));
        }
    }

    /// There was no answer: helpers are asked to ping too, so that a bad link does not make a member suspect.
    pub fn ask_helpers(&mut self, ctx: &mut Context<'_, impl GossipProcess>) {
        let others = self.others();
        let Some(probe) = self.probing.open() else { return };
        let (target, seq) = (probe.target, probe.seq);
        let candidates = others.into_iter().filter(|other| *other != target).collect();
        let helpers = some(ctx, "helper", candidates, self.settings.helpers.into());
        probe.helpers = helpers.len();
        for helper in helpers {
            let claims = self.claims_for(ctx, helper);
            ctx.send(helper, Message::PingReq(seq, target, claims));
        }
    }

    /// Answers a ping, with claims.
    pub fn pinged(&mut self, ctx: &mut Context<'_, impl GossipProcess>, from: NodeId, seq: Seq, claims: &[Claim]) {
        self.hear(ctx, claims);
        let claims = self.claims_for(ctx, from);
        ctx.send(from, Message::Ack(seq, claims));
    }

    /// Pings for another.
    pub fn help(&mut self, ctx: &mut Context<'_, impl GossipProcess>, asker: NodeId, theirs: Seq, target: NodeId) {
        if ctx.planted(Bug::HelperAnswersForTheTarget) {
            return ctx.send(asker, Message::Ack(theirs, Vec::new()));
        }
        let seq = self.probing.relay(asker, theirs);
        let claims = self.claims_for(ctx, target);
        ctx.send(target, Message::Ping(seq, claims));
        ctx.arm(Timer::Relay(seq), Span(self.settings.timeout.0 / 5 * 4));
    }

    /// A ping for another was not answered in time: with Lifeguard it is said so, and whoever has asked knows that it hears others.
    pub fn relay_failed(&mut self, ctx: &mut Context<'_, impl GossipProcess>, seq: Seq) {
        let Some(relay) = self.probing.relayed(seq) else { return };
        if self.settings.detector == Detector::Lifeguard {
            ctx.send(relay.asker, Message::Nack(relay.theirs));
        }
    }

    /// An answer, to an own ping or to one for another.
    pub fn acked(&mut self, ctx: &mut Context<'_, impl GossipProcess>, from: NodeId, seq: Seq, claims: &[Claim]) {
        self.hear(ctx, claims);
        if let Some(relay) = self.probing.relayed(seq) {
            ctx.cancel(&Timer::Relay(seq));
            let claims = self.claims_for(ctx, relay.asker);
            return ctx.send(relay.asker, Message::Ack(relay.theirs, claims));
        }
        let Some(target) = self.probing.answered(seq) else { return ctx.mark(marks::LATE_ANSWER) };
        if target != from {
            ctx.mark(marks::ANSWERED_THROUGH_A_HELPER);
        }
        self.health.improve();
        ctx.cancel(&Timer::Indirect);
    }

    /// A helper had no answer.
    pub fn nacked(&mut self, ctx: &mut Context<'_, impl GossipProcess>, seq: Seq) {
        if let Some(probe) = self.probing.open().filter(|probe| probe.seq == seq) {
            ctx.mark(marks::NACK);
            probe.nacks += 1;
        }
    }

    fn worsen(&mut self, ctx: &mut Context<'_, impl GossipProcess>, by: u64) {
        if self.settings.detector == Detector::Lifeguard {
            ctx.mark(marks::HEALTH_WORSE);
            self.health.worsen(by);
        }
    }

    fn scaled(&self, span: Span) -> Span {
        match self.settings.detector {
            Detector::Lifeguard => span * self.health.factor(),
            _ => span,
        }
    }

    // -----------------------------------------------------------------------------------------------------------------
    // Claims

    /// A member has not answered in its period.
    fn failed(&mut self, ctx: &mut Context<'_, impl GossipProcess>, member: NodeId) {
        let held = self.view.of(member);
        if self.settings.detector.suspects() {
            self.hear_one(ctx, Claim { state: State::Suspect, by: self.me, ..held });
        } else {
            self.declare(ctx, held);
        }
    }

    /// Declares a member dead, in the incarnation in which it is held.
    fn declare(&mut self, ctx: &mut Context<'_, impl GossipProcess>, held: Claim) {
        let dead = Claim { state: State::Dead, by: self.me, ..held };
        if self.hear_one(ctx, dead) {
            self.declared.push(dead);
        }
    }

    /// The claims that travel with the next message to a member. One who is held dead hears so from everybody it speaks to, or it
    /// could not come back; one who is suspected does with Lifeguard (§IV-C, the buddy system).
    fn claims_for(&mut self, ctx: &mut Context<'_, impl GossipProcess>, peer: NodeId) -> Vec<Claim> {
        let (mut claims, enough) = self.piggyback.take(self.settings.transmissions());
        if enough > 0 {
            ctx.mark(marks::CLAIM_SENT_ENOUGH);
        }
        let held = self.view.of(peer);
        let tell = match held.state {
            State::Alive => false,
            State::Suspect => self.settings.detector == Detector::Lifeguard,
            State::Dead => true,
        };
        if tell && !claims.contains(&held) {
            claims.push(held);
        }
        claims
    }

    /// Hears claims.
    pub fn hear(&mut self, ctx: &mut Context<'_, impl GossipProcess>, claims: &[Claim]) {
        claims.iter().for_each(|claim| _ = self.hear_one(ctx, *claim));
    }

    /// Hears a claim. Says whether it was news.
    fn hear_one(&mut self, ctx: &mut Context<'_, impl GossipProcess>, claim: Claim) -> bool {
        if claim.member == self.me {
            self.refute(ctx, claim);
            return false;
        }
        match self.view.take(claim) {
            Change::From(before) => {
                self.changed(ctx, before, claim);
                return true;
            }
            Change::Same if claim.state == State::Suspect => self.shared(ctx, claim),
            Change::Same => {}
            Change::Old => ctx.mark(marks::OLD_CLAIM),
        }
        false
    }

    /// Another claim is held of a member from now on, and told.
    fn changed(&mut self, ctx: &mut Context<'_, impl GossipProcess>, before: Claim, now: Claim) {
        self.piggyback.tell(now);
        match now.state {
            State::Suspect => {
                ctx.mark(marks::SUSPECTED);
                let suspicion = Suspicion::new(ctx.now(), now.by);
                ctx.arm(Timer::Suspicion(now.member), suspicion.lasts(&self.settings));
                self.suspicions.insert(now.member, suspicion);
            }
            State::Alive => {
                match before.state {
                    State::Suspect => ctx.mark(marks::SUSPICION_ENDED),
                    State::Dead => ctx.mark(marks::CAME_BACK),
                    State::Alive => {}
                }
                if !ctx.planted(Bug::RefutedSuspicionRunsOn) {
                    self.end_suspicion(ctx, now.member);
                }
            }
            State::Dead => {
                ctx.mark(marks::DECLARED_DEAD);
                self.end_suspicion(ctx, now.member);
            }
        }
    }

    fn end_suspicion(&mut self, ctx: &mut Context<'_, impl GossipProcess>, member: NodeId) {
        if self.suspicions.remove(&member).is_some() {
            ctx.cancel(&Timer::Suspicion(member));
        }
    }

    /// Another suspects whom this one suspects: that is told, and leaves less time (Lifeguard §IV-B).
    fn shared(&mut self, ctx: &mut Context<'_, impl GossipProcess>, claim: Claim) {
        let now = ctx.now();
        let Some(suspicion) = self.suspicions.get_mut(&claim.member) else { return };
        if self.settings.detector != Detector::Lifeguard || !suspicion.shared_by(claim.by) {
            return;
        }
        ctx.mark(marks::SUSPICION_SHORTENED);
        let left = suspicion.left(&self.settings, now);
        let left = if ctx.planted(Bug::TwoAccusersBury) { Span::ZERO } else { left };
        ctx.arm(Timer::Suspicion(claim.member), left);
        self.piggyback.tell(claim);
    }

    /// A suspicion was not refuted in its time (SWIM §4.2).
    pub fn suspicion_ends(&mut self, ctx: &mut Context<'_, impl GossipProcess>, member: NodeId) {
        self.suspicions.remove(&member);
        let held = self.view.of(member);
        assert!(
            held.state == State::Suspect || ctx.planted(Bug::RefutedSuspicionRunsOn),
            "who is buried was suspected until then: {held:?}"
        );
        self.declare(ctx, held);
    }

    /// A claim of this member itself. One that overrides its own is refuted by a greater incarnation; an older one is answered by its
    /// own claim, which some have not heard.
    fn refute(&mut self, ctx: &mut Context<'_, impl GossipProcess>, claim: Claim) {
        let own = Claim::alive(self.me, self.incarnation);
        if claim.precedence() == own.precedence() || ctx.planted(Bug::NoRefutation) {
            return;
        }
        if claim.precedence() > own.precedence() {
            ctx.mark(marks::REFUTED);
            self.worsen(ctx, 1);
            self.incarnation = claim.incarnation + 1;
            ctx.append(LOG, Record::Incarnation(self.incarnation));
        }
        self.piggyback.tell(Claim::alive(self.me, self.incarnation));
    }

    // -----------------------------------------------------------------------------------------------------------------
    // Exchanges of all claims

    /// Exchanges all claims with one of the others, which is drawn, and with the next of those that are held dead and have not left
    /// (Serf's reconnection). However bad its health is, a member does so as often: one that holds all others dead probes nobody, and
    /// would not get well.
    pub fn exchange(&mut self, ctx: &mut Context<'_, impl GossipProcess>) {
        ctx.arm(Timer::Exchange, self.settings.period * EXCHANGE_EVERY);
        let mut peers = some(ctx, "exchange", self.others(), 1);
        let dead: Vec<NodeId> = self.lost().collect();
        if !dead.is_empty() {
            peers.push(dead[self.exchanges % dead.len()]);
            self.exchanges += 1;
        }
        for peer in peers {
            ctx.send(peer, Message::Sync(self.all_claims(), true));
        }
    }

    /// Those that are held dead, and have not said themselves that they leave.
    fn lost(&self) -> impl Iterator<Item = NodeId> + '_ {
        let dead = self.view.claims().iter().filter(|held| held.state == State::Dead && held.by != held.member);
        dead.map(|held| held.member)
    }

    fn all_claims(&self) -> Vec<Claim> {
        let mut claims = self.view.claims().to_vec();
        claims[self.me.index()] = Claim::alive(self.me, self.incarnation);
        claims
    }

    /// Another has told all that it holds.
    pub fn synced(&mut self, ctx: &mut Context<'_, impl GossipProcess>, from: NodeId, claims: &[Claim], asks: bool) {
        let mut news = false;
        for claim in claims {
            news |= self.hear_one(ctx, *claim);
        }
        if news {
            ctx.mark(marks::SYNC_BROUGHT_NEWS);
        }
        if asks {
            ctx.send(from, Message::Sync(self.all_claims(), false));
        }
    }

    /// Says that it leaves.
    pub fn leave(&mut self, ctx: &mut Context<'_, impl GossipProcess>) {
        let farewell = Claim { member: self.me, incarnation: self.incarnation, state: State::Dead, by: self.me };
        for peer in some(ctx, "farewell", self.others(), FAREWELLS) {
            ctx.send(peer, Message::Sync(vec![farewell], false));
        }
    }
}
