//! Asynchronous replication (Redis documentation, "Redis replication"): a master sends its effects to its replicas and waits for
//! nobody. Its replication stream has a name of its own in each of its lives, so that a replica does not take the effects of
//! one that has forgotten something for those that follow on what it has.

use std::sync::Arc;

use seedbed_sim::{Context, NodeId};

use crate::communication::stream::effect::Effect;
use crate::communication::stream::keyspace::Keyspace;
use crate::communication::stream::marks;
use crate::communication::stream::messages::{Message, Record, RunId, Timer};
use crate::communication::stream::server::{AOF, Role, Server};
use crate::parts::redis;
use crate::parts::redis::messages::{Epoch, Offset};

impl Server {
    fn replicas(&self, ctx: &Context<'_, Self>) -> Vec<NodeId> {
        self.settings.servers.iter().copied().filter(|node| *node != ctx.id()).collect()
    }

    /// A master sends what a command did.
    pub(super) fn stream(&self, ctx: &mut Context<'_, Self>, effects: Arc<[Effect]>) {
        let run = self.run.expect("a master has a life of its own");
        let to = self.replicas(ctx);
        ctx.broadcast(to, Message::Stream { epoch: self.epoch, run, offset: self.offset, effects });
    }

    /// A master pings its replicas, so that one that has missed the last effects sees it.
    pub(super) fn ping_replicas(&self, ctx: &mut Context<'_, Self>) {
        let to = self.replicas(ctx);
        let Some(run) = self.run.filter(|_| self.role == Role::Master && !to.is_empty()) else { return };
        ctx.broadcast(to, Message::Ping(self.epoch, run, self.offset));
        ctx.arm(Timer::Ping, self.settings.ping);
    }

    /// Whether a message is of this replica's master, in the current epoch.
    fn is_of_master(&self, from: NodeId, epoch: Epoch) -> bool {
        self.role == Role::Replica { of: from } && epoch == self.epoch
    }

    /// What the master's next command did. A gap in the offsets, or another life, asks for a full resynchronisation.
    pub(super) fn streamed(
        &mut self,
        ctx: &mut Context<'_, Self>,
        from: NodeId,
        epoch: Epoch,
        (run, offset): (RunId, Offset),
        effects: Arc<[Effect]>,
    ) {
        if !self.is_of_master(from, epoch) || (self.run == Some(run) && offset <= self.offset) {
            return;
        }
        if self.run != Some(run) || offset > self.offset + 1 {
            return ctx.send(from, Message::Psync);
        }
        self.offset = offset;
        self.engine.apply(&effects);
        self.write(ctx, Record::Effects(effects));
    }

    pub(super) fn pinged(
        &self,
        ctx: &mut Context<'_, Self>,
        from: NodeId,
        epoch: Epoch,
        (run, offset): (RunId, Offset),
    ) {
        if self.is_of_master(from, epoch) && (self.run != Some(run) || offset > self.offset) {
            ctx.send(from, Message::Psync);
        }
    }

    pub(super) fn send_full_resync(&self, ctx: &mut Context<'_, Self>, from: NodeId) {
        let Some(run) = self.run.filter(|_| self.role == Role::Master) else { return };
        let keys = Arc::new(self.engine.keys().clone());
        ctx.send(from, Message::FullResync { epoch: self.epoch, run, offset: self.offset, keys });
    }

    /// A full resynchronisation: the master's data replaces the replica's.
    pub(super) fn resynchronised(
        &mut self,
        ctx: &mut Context<'_, Self>,
        from: NodeId,
        epoch: Epoch,
        (run, offset): (RunId, Offset),
        keys: Arc<Keyspace>,
    ) {
        if !self.is_of_master(from, epoch) || (self.run == Some(run) && offset <= self.offset) {
            return;
        }
        ctx.mark(marks::REPLICA_RESYNCHRONISED);
        (self.run, self.offset) = (Some(run), offset);
        self.engine.load((*keys).clone());
        self.write(ctx, Record::Data(run, offset, keys));
    }

    /// The sentinel checks this server, and tells it who the master is. A newer epoch makes it a master or a replica.
    pub(super) fn watched(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, master: NodeId, epoch: Epoch) {
        if epoch > self.epoch {
            match (self.role, master == ctx.id()) {
                (Role::Replica { .. }, true) => ctx.mark(marks::REPLICA_PROMOTED),
                (Role::Master, false) => ctx.mark(marks::OLD_MASTER_MADE_A_REPLICA),
                _ => {}
            }
            self.set_master(ctx.id(), master, epoch);
            // The configuration file is rewritten at once, whatever becomes of the data.
            ctx.append(AOF, Record::Master(master, epoch));
            self.disconnect_all(ctx);
            if self.role == Role::Master {
                self.begin_run(ctx);
            }
            self.arm_expiry(ctx);
            self.ping_replicas(ctx);
        }
        assert!(epoch <= self.epoch, "a server knows the epochs that it was told: {epoch} and not {}", self.epoch);
        let offset = self.run.map(|_| self.offset);
        ctx.send(from, redis::Message::Alive(self.epoch, offset).into());
    }

    /// A failover. The promoted replica goes on with the data that it has; every other server waits for all data.
    pub(super) fn set_master(&mut self, id: NodeId, master: NodeId, epoch: Epoch) {
        (self.epoch, self.run, self.offset) = (epoch, None, 0);
        self.role = if master == id { Role::Master } else { Role::Replica { of: master } };
    }
}
