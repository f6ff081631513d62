//! The sentinel: it checks the servers, and promotes a replica when it has heard nothing of the master for too long.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use seedbed_sim::{Context, File, NoOp, NodeId, Process, Time};

use crate::parts::redis::marks;
use crate::parts::redis::messages::{Epoch, Message, Offset, Record, Timer};
use crate::parts::redis::settings::Settings;
use crate::parts::wal;

/// The sentinel's configuration file.
const CONFIG: File = File(0);

/// The last reply of a server.
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
    /// On disk, so that no two masters have the same.
    epoch: Epoch,
    heard: BTreeMap<NodeId, Heard>,
}

impl Sentinel {
    /// A sentinel of a group, before it has read its configuration file.
    pub fn new(settings: Arc<Settings>) -> Self {
        let master = settings.master;
        Sentinel { settings, master, epoch: 0, heard: BTreeMap::new() }
    }

    /// The master, as the sentinel has it.
    pub fn master(&self) -> NodeId {
        self.master
    }

    /// Fails over if the master is down, and checks all servers.
    fn check(&mut self, ctx: &mut Context<'_, Self>) {
        if self.is_down(ctx.now(), self.master)
            && let Some(next) = self.best_replica(ctx.now())
        {
            self.promote(ctx, next);
        }
        let watch = Message::Watch(self.master, self.epoch);
        ctx.broadcast(self.settings.servers.iter().copied(), watch);
        ctx.arm(Timer::Ping, self.settings.ping);
    }

    /// Whether a server is subjectively down, which is objectively down too, as there is one sentinel.
    fn is_down(&self, now: Time, server: NodeId) -> bool {
        self.heard.get(&server).is_none_or(|heard| now.since(heard.at) >= self.settings.down_after)
    }

    /// The replica to promote: of those that are up, the one with the greatest replication offset ("High availability with
    /// Redis Sentinel", replica selection).
    fn best_replica(&self, now: Time) -> Option<NodeId> {
        let fit = |(node, heard): (&NodeId, &Heard)| {
            let fit = *node != self.master && !self.is_down(now, *node) && heard.epoch == self.epoch;
            fit.then_some((heard.offset?, Reverse(*node)))
        };
        self.heard.iter().filter_map(fit).max().map(|(_, Reverse(node))| node)
    }

    fn promote(&mut self, ctx: &mut Context<'_, Self>, next: NodeId) {
        assert!(next != self.master, "only a replica is promoted: {next}");
        ctx.mark(marks::FAILOVER);
        ctx.note(|| format!("promotes {next}: {} is silent", self.master));
        (self.master, self.epoch) = (next, self.epoch + 1);
        self.heard.entry(next).and_modify(|heard| heard.at = ctx.now());
        ctx.append(CONFIG, Record::Master(next, self.epoch));
    }
}

impl Process for Sentinel {
    type Message = Message;
    type Timer = Timer;
    type Record = Record;
    type Op = NoOp;
    type Ret = NoOp;

    /// Recovers from the configuration file.
    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        for record in wal::recover(ctx, CONFIG).unwrap_or_default() {
            match record {
                Record::Master(master, epoch) => (self.master, self.epoch) = (master, epoch),
                record => panic!("a sentinel writes who is the master, and not {record:?}"),
            }
        }
        let heard = Heard { at: ctx.now(), epoch: 0, offset: None };
        self.heard = self.settings.servers.iter().map(|server| (*server, heard)).collect();
        self.check(ctx);
    }

    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: Message) {
        match message {
            Message::WhoIsMaster => ctx.send(from, Message::Master(self.master, self.epoch)),
            Message::Alive(epoch, offset) => drop(self.heard.insert(from, Heard { at: ctx.now(), epoch, offset })),
            message => panic!("no message for a sentinel: {from} sent {message:?}"),
        }
    }

    fn timer(&mut self, ctx: &mut Context<'_, Self>, timer: Timer) {
        match timer {
            Timer::Ping => self.check(ctx),
            Timer::Expire => panic!("no timer of a sentinel: {timer:?}"),
        }
    }
}
