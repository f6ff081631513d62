//! Probes: whom a member pings next, what of that is open, and what it does for others (SWIM §3.1 and §4.3).

use std::collections::BTreeMap;

use seedbed_sim::{Context, NodeId};

use crate::communication::gossip::messages::{GossipProcess, Seq};
use crate::communication::gossip::swim::view::View;

/// The probe of a protocol period.
#[derive(Clone, Debug, Hash)]
pub struct Probe {
    /// Who is probed.
    pub target: NodeId,
    /// The number of the ping.
    pub seq: Seq,
    /// Whether it was answered.
    pub answered: bool,
    /// How many helpers were asked.
    pub helpers: usize,
    /// How many of them have said that they had no answer.
    pub nacks: usize,
}

/// A ping for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Relay {
    /// Who has asked.
    pub asker: NodeId,
    /// Its number.
    pub theirs: Seq,
}

/// The probes of a member.
#[derive(Clone, Debug, Hash)]
pub struct Probing {
    others: Vec<NodeId>,
    /// The others in the order of this turn, the next at the end.
    turn: Vec<NodeId>,
    last: u64,
    current: Option<Probe>,
    relays: BTreeMap<Seq, Relay>,
}

impl Probing {
    /// Probes of these others. Numbers begin after `last`.
    pub fn new(others: Vec<NodeId>, last: u64) -> Self {
        Probing { others, turn: Vec::new(), last, current: None, relays: BTreeMap::new() }
    }

    /// A number that was not given before.
    fn number(&mut self) -> Seq {
        self.last += 1;
        Seq(self.last)
    }

    /// Ends the probe of the period that is over.
    pub fn end(&mut self) -> Option<Probe> {
        self.current.take()
    }

    /// Begins the probe of the next member that is not held dead. Each has its turn before any has its second, so that a crash is
    /// detected within two turns (SWIM §4.3).
    pub fn begin(&mut self, ctx: &mut Context<'_, impl GossipProcess>, view: &View) -> Option<(NodeId, Seq)> {
        assert!(self.current.is_none(), "a period has one probe");
        let target = self.next(view).or_else(|| {
            self.turn = shuffled(ctx, &self.others);
            self.next(view)
        })?;
        let seq = self.number();
        self.current = Some(Probe { target, seq, answered: false, helpers: 0, nacks: 0 });
        Some((target, seq))
    }

    fn next(&mut self, view: &View) -> Option<NodeId> {
        while let Some(target) = self.turn.pop() {
            if view.counts(target) {
                return Some(target);
            }
        }
        None
    }

    /// The probe of this period, if it is not answered.
    pub fn open(&mut self) -> Option<&mut Probe> {
        self.current.as_mut().filter(|probe| !probe.answered)
    }

    /// An answer. Whose probe it was, if it was the open one of this period.
    pub fn answered(&mut self, seq: Seq) -> Option<NodeId> {
        let probe = self.open().filter(|probe| probe.seq == seq)?;
        probe.answered = true;
        Some(probe.target)
    }

    /// Pings for another.
    pub fn relay(&mut self, asker: NodeId, theirs: Seq) -> Seq {
        let seq = self.number();
        self.relays.insert(seq, Relay { asker, theirs });
        seq
    }

    /// A ping for another is over, for it was answered, or not in time.
    pub fn relayed(&mut self, seq: Seq) -> Option<Relay> {
        self.relays.remove(&seq)
    }
}

/// These in an order that is drawn.
fn shuffled(ctx: &mut Context<'_, impl GossipProcess>, members: &[NodeId]) -> Vec<NodeId> {
    some(ctx, "turn", members.to_vec(), members.len())
}

/// Up to so many of these, drawn.
pub fn some(
    ctx: &mut Context<'_, impl GossipProcess>,
    label: &'static str,
    mut members: Vec<NodeId>,
    most: usize,
) -> Vec<NodeId> {
    let mut drawn = Vec::with_capacity(most.min(members.len()));
    while drawn.len() < most && !members.is_empty() {
        let at = ctx.draw(label, 0..=members.len() as u64 - 1);
        drawn.push(members.swap_remove(at as usize));
    }
    drawn
}
