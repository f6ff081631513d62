//! Asynchronous replication: a master tells what it did after it has answered, and nobody waits.

use std::sync::Arc;

use seedbed_sim::{Context, NodeId};

use crate::parts::redis::dataset::{Dataset, Effect};
use crate::parts::redis::marks;
use crate::parts::redis::messages::{Epoch, Message, Offset};
use crate::parts::redis::server::{Host, Record, Role, Server, Timer};

impl Server {
    fn replicas<'a>(&'a self, of: &Context<'_, Host>) -> impl Iterator<Item = NodeId> + use<'a> {
        let id = of.id();
        self.settings.servers.iter().copied().filter(move |node| *node != id)
    }

    pub(super) fn stream(&mut self, ctx: &mut Context<'_, Host>, effect: Effect) {
        let to: Vec<NodeId> = self.replicas(ctx).collect();
        ctx.broadcast(to, Message::Stream { epoch: self.epoch, offset: self.offset, effect });
    }

    /// A master says now and then how far it is, so that a replica sees what it has missed.
    pub(super) fn look_after_replicas(&mut self, ctx: &mut Context<'_, Host>) {
        let to: Vec<NodeId> = self.replicas(ctx).collect();
        if self.role != Role::Master || to.is_empty() {
            return;
        }
        ctx.broadcast(to, Message::Ping { epoch: self.epoch, offset: self.offset });
        ctx.arm(Timer::Ping, self.settings.ping);
    }

    fn follows(&self, from: NodeId, epoch: Epoch) -> bool {
        matches!(self.role, Role::Replica { of, .. } if of == from) && epoch == self.epoch
    }

    fn synced(&self) -> bool {
        matches!(self.role, Role::Master | Role::Replica { synced: true, .. })
    }

    pub(super) fn streamed(
        &mut self,
        ctx: &mut Context<'_, Host>,
        from: NodeId,
        epoch: Epoch,
        offset: Offset,
        effect: Effect,
    ) {
        if !self.follows(from, epoch) || (self.synced() && offset <= self.offset) {
            return;
        }
        if !self.synced() || offset > self.offset + 1 {
            return ctx.send(from, Message::Psync);
        }
        self.offset = offset;
        self.data.apply(effect);
        self.note(effect);
        self.write(ctx, Record::Effect(effect));
    }

    pub(super) fn pinged(&mut self, ctx: &mut Context<'_, Host>, from: NodeId, epoch: Epoch, offset: Offset) {
        if self.follows(from, epoch) && (!self.synced() || offset > self.offset) {
            ctx.send(from, Message::Psync);
        }
    }

    pub(super) fn resync(&mut self, ctx: &mut Context<'_, Host>, from: NodeId) {
        if self.role == Role::Master {
            let data = Arc::new(self.data.clone());
            ctx.send(from, Message::FullResync { epoch: self.epoch, offset: self.offset, data });
        }
    }

    pub(super) fn resynced(
        &mut self,
        ctx: &mut Context<'_, Host>,
        from: NodeId,
        epoch: Epoch,
        offset: Offset,
        data: Arc<Dataset>,
    ) {
        if !self.follows(from, epoch) || (self.synced() && offset <= self.offset) {
            return;
        }
        ctx.mark(marks::REPLICA_RESYNCHRONISED);
        let gone = self.data.entries().filter(|(key, _)| data.get(*key).is_none());
        let gone: Vec<Effect> = gone.map(|(key, _)| Effect::Expired(key)).collect();
        let new = data.entries().filter(|(key, entry)| self.data.get(*key).map(|old| old.value) != Some(entry.value));
        let new: Vec<Effect> = new.map(|(key, entry)| Effect::Put(key, *entry)).collect();
        gone.into_iter().chain(new).for_each(|effect| self.note(effect));
        (self.offset, self.data) = (offset, Dataset::clone(&data));
        self.role = Role::Replica { of: from, synced: true };
        self.write(ctx, Record::Data(offset, data));
    }

    /// The sentinel looks after this server, and says who is the master.
    pub(super) fn watched(&mut self, ctx: &mut Context<'_, Host>, from: NodeId, master: NodeId, epoch: Epoch) {
        if epoch > self.epoch {
            match (self.role, master == ctx.id()) {
                (Role::Replica { .. }, true) => ctx.mark(marks::REPLICA_PROMOTED),
                (Role::Master, false) => ctx.mark(marks::OLD_MASTER_MADE_A_REPLICA),
                _ => {}
            }
            self.adopt(ctx.id(), master, epoch);
            self.write(ctx, Record::Master(master, epoch));
            self.expire_later(ctx);
            self.look_after_replicas(ctx);
        }
        let offset = self.synced().then_some(self.offset);
        ctx.send(from, Message::Alive { epoch: self.epoch, offset });
    }

    /// There is another master: a replica that is promoted goes on with what it has; all others begin anew.
    pub(super) fn adopt(&mut self, id: NodeId, master: NodeId, epoch: Epoch) {
        (self.epoch, self.offset) = (epoch, 0);
        self.role = match master == id {
            true => Role::Master,
            false => Role::Replica { of: master, synced: false },
        };
    }
}
