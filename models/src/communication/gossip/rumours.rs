//! Rumours, by anti-entropy (Demers 1987, §1.3): a member resolves the difference with one that it has chosen at random.

use std::collections::{BTreeMap, BTreeSet};

use seedbed_sim::{Context, NodeId};

use crate::communication::gossip::bugs::Bug;
use crate::communication::gossip::marks;
use crate::communication::gossip::messages::{GossipProcess, Message, Rumour, RumourId};
use crate::communication::gossip::settings::Spread;

/// The rumours that a member has heard.
#[derive(Clone, Debug, Default, Hash)]
pub struct Rumours {
    life: u64,
    begun: u32,
    known: BTreeMap<RumourId, u32>,
    /// What was delivered, in order, in this life.
    delivered: Vec<Rumour>,
}

impl Rumours {
    /// Begins a life: none of its rumours has the name of one of an earlier life.
    pub fn start(&mut self, life: u64) {
        *self = Rumours { life, ..Rumours::default() };
    }

    /// What was delivered, in order, in this life.
    pub fn delivered(&self) -> &[Rumour] {
        &self.delivered
    }

    /// Whether a rumour is known.
    pub fn knows(&self, id: RumourId) -> bool {
        self.known.contains_key(&id)
    }

    /// Begins a rumour at `origin`.
    pub fn begin(&mut self, origin: NodeId, content: u32) {
        self.begun += 1;
        let id = RumourId { origin, life: self.life, number: self.begun };
        self.known.insert(id, content);
        self.delivered.push(Rumour { id, content });
    }

    /// A round: one of the others is told, or asked.
    pub fn round(&self, ctx: &mut Context<'_, impl GossipProcess>, spread: Spread, peer: NodeId) {
        match spread {
            Spread::Push if self.known.is_empty() => {}
            Spread::Push => ctx.send(peer, Message::Push(self.all())),
            Spread::Pull => ctx.send(peer, Message::Pull(self.known.keys().copied().collect())),
            Spread::PushPull => ctx.send(peer, Message::PushPull(self.all())),
        }
    }

    /// Hears rumours: each is delivered when it is heard first.
    pub fn hear(&mut self, ctx: &mut Context<'_, impl GossipProcess>, rumours: &[Rumour]) {
        for rumour in rumours {
            let new = self.known.insert(rumour.id, rumour.content).is_none();
            if !new {
                ctx.mark(marks::RUMOUR_AGAIN);
            }
            if new || ctx.planted(Bug::DuplicateDelivered) {
                self.delivered.push(*rumour);
            }
        }
    }

    /// Sends one who has these the others.
    pub fn answer(&self, ctx: &mut Context<'_, impl GossipProcess>, peer: NodeId, has: &BTreeSet<RumourId>) {
        if ctx.planted(Bug::PullComparesCounts) && has.len() >= self.known.len() {
            return;
        }
        let lacks: Vec<Rumour> = self.all().into_iter().filter(|rumour| !has.contains(&rumour.id)).collect();
        if !lacks.is_empty() {
            ctx.mark(marks::RUMOUR_PULLED);
            ctx.send(peer, Message::Push(lacks));
        }
    }

    fn all(&self) -> Vec<Rumour> {
        self.known.iter().map(|(id, content)| Rumour { id: *id, content: *content }).collect()
    }
}
