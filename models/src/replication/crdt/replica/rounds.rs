//! Telling the others, one after the other.

use seedbed_sim::{Context, NodeId, Process, Span};

use crate::replication::crdt::messages::Timer;
use crate::replication::crdt::replica::settings::Settings;

/// Whose turn it is to be told. One of the others is told at each [`Timer::Gossip`].
#[derive(Clone, Debug, Hash)]
pub struct Rounds {
    peers: Vec<NodeId>,
    interval: Span,
    /// How many have been told.
    told: usize,
}

impl Rounds {
    /// Nobody has been told yet.
    pub fn new(settings: &Settings) -> Self {
        Rounds { peers: settings.peers.clone(), interval: settings.interval, told: 0 }
    }

    /// Goes round from now on. Nodes begin at different times, so that not all speak at once.
    pub fn begin<P: Process<Timer = Timer>>(&self, ctx: &mut Context<'_, P>) {
        let share = u64::from(ctx.id().0) % 5 + 1;
        ctx.arm(Timer::Gossip, Span(self.interval.0 * share / 5));
    }

    /// Whose turn it is, now that the timer has fired; nobody's, if there are no others.
    pub fn next<P: Process<Timer = Timer>>(&mut self, ctx: &mut Context<'_, P>) -> Option<NodeId> {
        ctx.arm(Timer::Gossip, self.interval);
        let peer = *self.peers.get(self.told % self.peers.len().max(1))?;
        self.told += 1;
        Some(peer)
    }
}
