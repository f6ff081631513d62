//! A member: it spreads rumours, and takes part in SWIM.

use seedbed_sim::{Context, NodeId, OpId, Process, Span};

use crate::communication::gossip::bugs::Bug;
use crate::communication::gossip::marks;
use crate::communication::gossip::messages::{LOG, Message, Op, Record, Ret, Timer};
use crate::communication::gossip::rumours::Rumours;
use crate::communication::gossip::settings::{Detector, Settings};
use crate::communication::gossip::swim::Membership;
use crate::parts::wal;

/// A member.
#[derive(Clone, Debug, Hash)]
pub struct Member {
    settings: Settings,
    rumours: Rumours,
    /// Its side of SWIM, where failures are detected, and while it has started.
    membership: Option<Membership>,
    gone: bool,
}

impl Member {
    /// A member that has not started.
    pub fn new(settings: Settings) -> Self {
        Member { settings, rumours: Rumours::default(), membership: None, gone: false }
    }

    /// The rumours that it has heard.
    pub fn rumours(&self) -> &Rumours {
        &self.rumours
    }

    /// Its side of SWIM.
    pub fn membership(&self) -> Option<&Membership> {
        self.membership.as_ref()
    }

    /// Whether it has left or stopped.
    pub fn is_gone(&self) -> bool {
        self.gone
    }

    fn begin_life(&mut self, ctx: &mut Context<'_, Self>, records: &[Record]) {
        let drawn = ctx.draw("life", 0..=u64::from(u32::MAX));
        let life = if ctx.planted(Bug::NumbersBeginAgain) { 0 } else { drawn ^ ctx.now().0.rotate_left(32) };
        self.rumours.start(life);
        if self.settings.detector != Detector::None {
            let incarnations = records.iter().filter_map(|record| match record {
                Record::Incarnation(incarnation) => Some(*incarnation),
                Record::Gone => None,
            });
            let last = incarnations.max().filter(|_| !ctx.planted(Bug::IncarnationForgotten)).unwrap_or(0);
            self.membership = Some(Membership::start(ctx, self.settings, last + 1));
        }
        let first = ctx.draw_span("first round", Span::ZERO..=self.settings.round);
        ctx.arm(Timer::Round, first);
    }

    /// A round of rumours.
    fn round(&mut self, ctx: &mut Context<'_, Self>) {
        ctx.arm(Timer::Round, self.settings.round);
        if let Some(peer) = self.peer(ctx) {
            self.rumours.round(ctx, self.settings.spread, peer);
        }
    }

    /// One of the others, drawn: of those that are not held dead, where that is known.
    fn peer(&self, ctx: &mut Context<'_, Self>) -> Option<NodeId> {
        if let Some(membership) = &self.membership {
            let others = membership.others();
            let last = others.len().checked_sub(1)?;
            return Some(others[ctx.draw("peer", 0..=last as u64) as usize]);
        }
        let last = u64::from(self.settings.members).checked_sub(2)?;
        let drawn = ctx.draw("peer", 0..=last) as u16;
        Some(NodeId(if drawn < ctx.id().0 { drawn } else { drawn + 1 }))
    }

    /// Goes, for good: the disk says so before anybody is told.
    fn go(&mut self, ctx: &mut Context<'_, Self>, op: OpId, says_so: bool) {
        ctx.mark(if says_so { marks::LEFT } else { marks::STOPPED });
        ctx.append(LOG, Record::Gone);
        if let Some(membership) = self.membership.as_mut().filter(|_| says_so) {
            membership.leave(ctx);
        }
        self.gone = true;
        ctx.complete(op, Ret::Gone);
    }

    fn swim(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: &Message) {
        let Some(membership) = &mut self.membership else {
            panic!("no message where failures are not detected: {from} sent {message:?}");
        };
        match message {
            Message::Ping(seq, claims) => membership.pinged(ctx, from, *seq, claims),
            Message::Ack(seq, claims) => membership.acked(ctx, from, *seq, claims),
            Message::PingReq(seq, target, claims) => {
                membership.hear(ctx, claims);
                membership.help(ctx, from, *seq, *target);
            }
            Message::Nack(seq) => membership.nacked(ctx, *seq),
            Message::Sync(claims, asks) => membership.synced(ctx, from, claims, *asks),
            Message::Push(_) | Message::Pull(_) | Message::PushPull(_) => {
                unreachable!("rumours are heard by all members")
            }
        }
    }
}

impl Process for Member {
    type Message = Message;
    type Timer = Timer;
    type Record = Record;
    type Op = Op;
    type Ret = Ret;

    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        let Some(records) = wal::recover(ctx, LOG) else { return };
        self.gone = records.contains(&Record::Gone);
        if !self.gone {
            self.begin_life(ctx, &records);
        }
    }

    fn invoke(&mut self, ctx: &mut Context<'_, Self>, op: OpId, asked: Op) {
        match asked {
            _ if self.gone => ctx.fail(op, "it has left"),
            Op::Spread(content) => {
                self.rumours.begin(ctx.id(), content);
                ctx.complete(op, Ret::Begun);
            }
            Op::Leave => self.go(ctx, op, true),
            Op::Stop => self.go(ctx, op, false),
        }
    }

    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: Message) {
        match &message {
            _ if self.gone => {}
            Message::Push(rumours) => self.rumours.hear(ctx, rumours),
            Message::Pull(has) => self.rumours.answer(ctx, from, &has.iter().copied().collect()),
            Message::PushPull(rumours) => {
                self.rumours.answer(ctx, from, &rumours.iter().map(|rumour| rumour.id).collect());
                self.rumours.hear(ctx, rumours);
            }
            message => self.swim(ctx, from, message),
        }
    }

    fn timer(&mut self, ctx: &mut Context<'_, Self>, timer: Timer) {
        match (timer, &mut self.membership) {
            _ if self.gone => {}
            (Timer::Round, _) => self.round(ctx),
            (Timer::Period, Some(membership)) => membership.period(ctx),
            (Timer::Indirect, Some(membership)) => membership.ask_helpers(ctx),
            (Timer::Exchange, Some(membership)) => membership.exchange(ctx),
            (Timer::Relay(seq), Some(membership)) => membership.relay_failed(ctx, seq),
            (Timer::Suspicion(member), Some(membership)) => membership.suspicion_ends(ctx, member),
            (timer, None) => panic!("no timer where failures are not detected: {timer:?}"),
        }
    }
}
