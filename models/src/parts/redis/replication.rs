//! Asynchronous replication ("Redis replication"): a master sends its effects to its replicas and waits for nobody.

use std::sync::Arc;

use seedbed_sim::{Context, NodeId};

use crate::parts::redis::dataset::{Dataset, Effect};
use crate::parts::redis::marks;
use crate::parts::redis::messages::{Epoch, Message, Offset, Record, Timer};
use crate::parts::redis::server::{Role, Server};

impl Server {
    fn replicas<'a>(&'a self, of: &Context<'_, Self>) -> impl Iterator<Item = NodeId> + use<'a> {
        let id = of.id();
        self.settings.servers.iter().copied().filter(move |node| *node != id)
    }

    pub(super) fn stream(&mut self, ctx: &mut Context<'_, Self>, effect: Effect) {
        let to: Vec<NodeId> = self.replicas(ctx).collect();
        ctx.broadcast(to, Message::Stream { epoch: self.epoch, offset: self.offset, effect });
    }

    /// A master pings its replicas, so that one that has missed the last effects sees it.
    pub(super) fn ping_replicas(&mut self, ctx: &mut Context<'_, Self>) {
        let to: Vec<NodeId> = self.replicas(ctx).collect();
        if self.role != Role::Master || to.is_empty() {
            return;
        }
        ctx.broadcast(to, Message::Ping(self.epoch, self.offset));
        ctx.arm(Timer::Ping, self.settings.ping);
    }

    /// Whether a message is of this replica's master, in the current epoch.
    fn is_of_master(&self, from: NodeId, epoch: Epoch) -> bool {
        matches!(self.role, Role::Replica { of, .. } if of == from) && epoch == self.epoch
    }

    /// Whether this server has all effects up to its offset.
    fn is_synced(&self) -> bool {
        matches!(self.role, Role::Master | Role::Replica { synced: true, .. })
    }

    /// The next effect of the master. A gap in the offsets, or a lack of data, asks for a full resynchronisation.
    pub(super) fn streamed(
        &mut self,
        ctx: &mut Context<'_, Self>,
        from: NodeId,
        epoch: Epoch,
        offset: Offset,
        effect: Effect,
    ) {
        if !self.is_of_master(from, epoch) || (self.is_synced() && offset <= self.offset) {
            return;
        }
        if !self.is_synced() || offset > self.offset + 1 {
            return ctx.send(from, Message::Psync);
        }
        self.offset = offset;
        self.data.apply(effect);
        self.note(effect);
        self.write(ctx, Record::Effect(effect));
    }

    pub(super) fn pinged(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, epoch: Epoch, offset: Offset) {
        if self.is_of_master(from, epoch) && (!self.is_synced() || offset > self.offset) {
            ctx.send(from, Message::Psync);
        }
    }

    pub(super) fn send_full_resync(&mut self, ctx: &mut Context<'_, Self>, from: NodeId) {
        if self.role == Role::Master {
            let data = Arc::new(self.data.clone());
            ctx.send(from, Message::FullResync { epoch: self.epoch, offset: self.offset, data });
        }
    }

    /// A full resynchronisation: the master's dataset replaces the replica's.
    pub(super) fn resynchronised(
        &mut self,
        ctx: &mut Context<'_, Self>,
        from: NodeId,
        epoch: Epoch,
        offset: Offset,
        data: Arc<Dataset>,
    ) {
        if !self.is_of_master(from, epoch) || (self.is_synced() && offset <= self.offset) {
            return;
        }
        ctx.mark(marks::REPLICA_RESYNCHRONISED);
        let differs = |one: &Dataset, other: &Dataset, key| {
            let value = |data: &Dataset| data.get(key).map(|entry| entry.value);
            value(one) != value(other)
        };
        let gone = self.data.entries().filter(|(key, _)| differs(&self.data, &data, *key));
        let gone: Vec<Effect> = gone.map(|(key, _)| Effect::Expired(key)).collect();
        let new = data.entries().filter(|(key, _)| differs(&self.data, &data, *key));
        let new: Vec<Effect> = new.map(|(key, entry)| Effect::Put(key, *entry)).collect();
        gone.into_iter().chain(new).for_each(|effect| self.note(effect));
        (self.offset, self.data) = (offset, Dataset::clone(&data));
        self.role = Role::Replica { of: from, synced: true };
        self.write(ctx, Record::Data(offset, data));
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
            self.write(ctx, Record::Master(master, epoch));
            self.arm_expiry(ctx);
            self.ping_replicas(ctx);
        }
        assert!(epoch <= self.epoch, "a server knows the epochs that it was told: {epoch} and not {}", self.epoch);
        let offset = self.is_synced().then_some(self.offset);
        ctx.send(from, Message::Alive(self.epoch, offset));
    }

    /// A failover. The promoted replica goes on with the data that it has; every other server waits for a full
    /// resynchronisation.
    pub(super) fn set_master(&mut self, id: NodeId, master: NodeId, epoch: Epoch) {
        (self.epoch, self.offset) = (epoch, 0);
        self.role = if master == id { Role::Master } else { Role::Replica { of: master, synced: false } };
    }
}
