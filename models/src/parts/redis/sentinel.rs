//! The sentinel: it looks after the servers, and makes a replica the master when the master is silent for too long.

use std::collections::BTreeMap;
use std::sync::Arc;

use seedbed_sim::{Context, NodeId, Time};

use crate::parts::redis::marks;
use crate::parts::redis::messages::{Epoch, Message, Offset};
use crate::parts::redis::server::{AOF, Host, Record, Settings, Timer};
use crate::parts::wal;

/// What the sentinel knows of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Heard {
    at: Time,
    epoch: Epoch,
    offset: Option<Offset>,
}

/// The sentinel.
#[derive(Clone, Debug, Hash)]
pub struct Sentinel {
    settings: Arc<Settings>,
    master: NodeId,
    /// On disk: no two masters have the same.
    epoch: Epoch,
    heard: BTreeMap<NodeId, Heard>,
}

impl Sentinel {
    /// A sentinel that looks after a group.
    pub fn new(settings: Arc<Settings>) -> Self {
        let master = settings.master;
        Sentinel { settings, master, epoch: 0, heard: BTreeMap::new() }
    }

    /// Whom it takes for the master.
    pub fn master(&self) -> NodeId {
        self.master
    }

    pub(super) fn start(&mut self, ctx: &mut Context<'_, Host>) {
        for record in wal::recover(ctx, AOF).unwrap_or_default() {
            if let Record::Master(master, epoch) = record {
                (self.master, self.epoch) = (master, epoch);
            }
        }
        let heard = Heard { at: ctx.now(), epoch: 0, offset: None };
        self.heard = self.settings.servers.iter().map(|server| (*server, heard)).collect();
        self.look(ctx);
    }

    pub(super) fn asked(&mut self, ctx: &mut Context<'_, Host>, client: NodeId) {
        ctx.send(client, Message::Master { node: self.master, epoch: self.epoch });
    }

    pub(super) fn alive(&mut self, ctx: &mut Context<'_, Host>, from: NodeId, epoch: Epoch, offset: Option<Offset>) {
        self.heard.insert(from, Heard { at: ctx.now(), epoch, offset });
    }

    /// Subjectively and, as there is one sentinel, objectively down: the replica that has most of the data is promoted
    /// ("High availability with Redis Sentinel", replica selection by replication offset).
    pub(super) fn look(&mut self, ctx: &mut Context<'_, Host>) {
        let now = ctx.now();
        let silent = |heard: &Heard| now.since(heard.at) >= self.settings.down_after;
        if self.heard.get(&self.master).is_none_or(silent) {
            let able = |(node, heard): (&NodeId, &Heard)| {
                let fit = *node != self.master && !silent(heard) && heard.epoch == self.epoch;
                fit.then_some((heard.offset?, std::cmp::Reverse(*node)))
            };
            if let Some((_, std::cmp::Reverse(next))) = self.heard.iter().filter_map(able).max() {
                ctx.mark(marks::FAILOVER);
                ctx.note(|| format!("promotes {next}: {} is silent", self.master));
                (self.master, self.epoch) = (next, self.epoch + 1);
                self.heard.entry(next).and_modify(|heard| heard.at = now);
                ctx.append(AOF, Record::Master(next, self.epoch));
            }
        }
        let watch = Message::Watch { master: self.master, epoch: self.epoch };
        ctx.broadcast(self.settings.servers.iter().copied(), watch);
        ctx.arm(Timer::Ping, self.settings.ping);
    }
}
